"""The page Data through dashboard.py, without a browser: what is brought, and what comes of it."""

import gzip
import io
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from pages.datasets import matrices
from pages.datasets.formatting import escape_markdown
from pages.datasets.readers import limits

ROOT = Path(__file__).resolve().parents[3]
PENGUINS = (ROOT / "pages" / "datasets" / "tables" / "penguins.csv").read_bytes()


@pytest.fixture
def app():
    app = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=60).run()
    app.switch_page("pages/data/page.py").run()
    app.button_group(key="source").set_value("own").run()
    return app


def upload(app, name, content):
    app.file_uploader(key="file").set_value((name, content, "application/octet-stream")).run()
    return app


def paste(app, text):
    app.button_group(key="how").set_value("paste").run()
    app.text_area(key="pasted").set_value(text).run()
    return app


def said(app):
    elements = (*app.warning, *app.error, *app.info, *app.caption, *app.markdown)
    return " ".join(element.value.replace("\\", "") for element in elements)


def in_use(app):
    return app.session_state["last data"]


def labelled(widgets, label):
    return next(widget for widget in widgets if widget.label == label)


def figures(app):
    return [chart.proto.spec for chart in app.get("plotly_chart")]


def test_an_uploaded_table_is_described_and_what_is_sensible_is_chosen(app):
    upload(app, "penguins.csv", PENGUINS)
    assert not app.exception
    assert "separator: comma; decimal mark: point; thousands mark: none; encoding: UTF-8; header: yes" in said(app)
    described = app.dataframe[0].value.set_index("Column")
    assert described["Kind"].to_dict() == {
        "species": "category",
        "island": "category",
        "bill_length_mm": "number",
        "bill_depth_mm": "number",
        "flipper_length_mm": "number",
        "body_mass_g": "number",
        "sex": "category",
    }
    assert described.loc["sex", "Gaps"] == 11
    columns = labelled(app.multiselect, "Columns to cluster by")
    assert columns.value == ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
    assert labelled(app.selectbox, "Known groups").value == "species"
    assert in_use(app).points.shape == (342, 4)


def test_what_each_way_with_gaps_does_is_said_before_and_is_what_it_then_does(app):
    upload(app, "penguins.csv", PENGUINS)
    gaps = labelled(app.radio, "What to do about gaps")
    assert [caption.replace("\\", "") for caption in gaps.proto.captions][:2] == [
        "Leaves out 2 of 344 rows and keeps 342.",
        "Fills 8 cells in 2 of 344 rows with the median of their column. 2 of these rows have no value at all, so nothing is "
        "known of them.",
    ]
    gaps.set_value("median").run()
    data = in_use(app)
    assert data.points.shape == (344, 4)
    assert data.filled.sum() == 8
    assert "8 gaps in 2 of 344 rows are filled by the median" in said(app)


def test_probabilistic_pca_fills_gaps_with_an_uncertainty_that_is_on_the_page(app):
    table = pd.read_csv(io.BytesIO(PENGUINS))
    table.loc[5, "body_mass_g"] = np.nan
    upload(app, "penguins.csv", table.to_csv(index=False).encode())
    labelled(app.radio, "What to do about gaps").set_value("ppca").run()
    labelled(app.number_input, "Components").set_value(1).run()
    data = in_use(app)
    assert data.filled[5].tolist() == [False, False, False, True]
    assert 0 < data.deviations[5, 3] < table["body_mass_g"].std()
    assert abs(data.points[5, 3] - 3650) < 3 * data.deviations[5, 3]  # what had been measured
    labelled(app.button_group, "Look at").set_value("Rows").run()
    assert re.match(r"◌ [\d.]+e?\+?\d* ± ", app.dataframe[1].value["body_mass_g"][5])


def test_the_choice_goes_along_to_watch(app):
    upload(app, "penguins.csv", PENGUINS)
    labelled(app.selectbox, "Scaling").set_value("standardize").run()
    app.switch_page("pages/watch/page.py").run()
    app.button_group(key="source").set_value("own").run()
    assert "penguins.csv" in said(app)
    assert app.session_state["last data"].columns[0] == "bill_length_mm (standardized)"
    assert float(next(m.value for m in app.metric if m.label == "Adjusted Rand index")) > 0.7


def test_one_hot_categories_stand_beside_numbers_and_gower_is_offered(app):
    upload(app, "penguins.csv", PENGUINS)
    labelled(app.multiselect, "Columns to cluster by").set_value(["bill_length_mm", "island", "sex"]).run()
    assert in_use(app).columns == (
        "bill_length_mm",
        "island = Torgersen",
        "island = Biscoe",
        "island = Dream",
        "sex = MALE",
        "sex = FEMALE",
    )
    app.switch_page("pages/watch/page.py").run()
    app.button_group(key="source").set_value("own")
    app.selectbox(key="algorithm").set_value("kmedoids").run()
    assert not app.exception
    assert labelled(app.selectbox, "Metric").value == "gower"
    assert next(m.value for m in app.metric if m.label == "Status") == "converged"


def test_how_a_text_is_read_can_be_changed(app):
    paste(app, "1,5;2\n3,25;4\n5,75;7\n")
    assert "decimal mark: comma" in said(app)
    assert in_use(app).columns == ("column 1", "column 2")
    labelled(app.selectbox, "First row holds the names").set_value("yes").run()
    np.testing.assert_array_equal(in_use(app).points, [[3.25, 4], [5.75, 7]])
    labelled(app.selectbox, "Separator").set_value(",").run()
    assert not app.exception
    assert in_use(app).columns != ("1,5", "2")


def test_a_warning_names_the_column_that_outweighs_all_others(app):
    paste(app, "grams,length\n3000,1\n4000,2\n5000,3\n")
    assert "grams makes up 99.9% of the squared distances" in said(app)
    labelled(app.selectbox, "Scaling").set_value("robust").run()
    assert "makes up" not in said(app)


@pytest.mark.parametrize(
    "text",
    [
        "a,b,c\n0,1,2\n1,0,3\n2,3,0\n",
        "name,a,b,c\na,0,1,2\nb,1,0,3\nc,2,3,0\n",
        "0 1 2\n1 0 3\n2 3 0\n",
        "0\n1 0\n2 3 0\n",
        "1\n2 3\n",
        "a\tb\tc\n0\n1\t0\n2\t3\t0\n",
        "a;0\nb;1;0\nc;2;3;0\n",
        "a,0,,\nb,1,0,\nc,2,3,0\n",
    ],
    ids=[
        "named columns",
        "named rows and columns",
        "bare",
        "triangle",
        "no diagonal",
        "names above",
        "names beside",
        "blanks",
    ],
)
def test_proximities_are_known_as_such_in_each_way_of_writing_them(app, text):
    if text == "1\n2 3\n":
        text += "4 5 6\n"
    paste(app, text)
    assert not app.exception
    assert not app.error
    data = in_use(app)
    assert data.precomputed is not None
    np.testing.assert_array_equal(data.precomputed[:3, :3], [[0, 1, 2], [1, 0, 3], [2, 3, 0]])
    if "a" in text:
        assert data.called([0, 1, 2]) == ["a", "b", "c"]
    assert any("heatmap" in figure for figure in figures(app))
    assert re.search(r"keeps \d+% of the proximities", said(app))


def test_methods_that_need_points_say_why_and_k_medoids_is_one_click_away(app):
    paste(app, "a,b,c,d\n0,1,5,5\n1,0,5,5\n5,5,0,1\n5,5,1,0\n")
    app.switch_page("pages/watch/page.py").run()
    app.button_group(key="source").set_value("own").run()
    assert "K-means needs points, because it works with means of coordinates" in said(app)
    next(button for button in app.button if button.label == "Use K-medoids").click().run()
    assert not app.error
    app.number_input(key="k").set_value(2).run()
    sizes = next(element.proto.body for element in app.get("html") if "Cluster sizes" in element.proto.body)
    assert re.findall(r"<td>(\d+)</td>", sizes) == ["2", "2"]
    assert float(next(m.value for m in app.metric if m.label == "Final loss")) == 2


def test_words_are_clustered_by_spelling_and_named_by_their_medoid(app):
    paste(app, "word\nkitten\nmitten\nbitten\nsmith\nsmyth\nsmithe\n")
    assert in_use(app).matrix_name == "edit distances"
    app.switch_page("pages/watch/page.py").run()
    app.button_group(key="source").set_value("own")
    app.selectbox(key="algorithm").set_value("kmedoids")
    app.number_input(key="k").set_value(2).run()
    assert not app.exception
    sizes = next(element.proto.body for element in app.get("html") if "Cluster sizes" in element.proto.body)
    assert re.findall(r"<td>([a-z]+)</td></tr>", sizes) in (
        [["smith", word] for word in ("kitten", "mitten", "bitten")]
        + [[word, "smith"] for word in ("kitten", "mitten", "bitten")]
    )


XLSX = io.BytesIO()
pd.DataFrame(dict(a=[1.5, 2, 4], b=[3, 5, 4])).to_excel(XLSX, index=False)
PARQUET = io.BytesIO()
pd.DataFrame(dict(a=[1.5, 2, 4], b=[3, 5, 4])).to_parquet(PARQUET)
NPY = io.BytesIO()
np.save(NPY, np.array([[1.5, 3], [2, 5], [4, 4]]))
OBJECTS = io.BytesIO()
np.save(OBJECTS, np.array([1, "a", None], dtype=object))
JSON = b'[{"a": 1.5, "b": 3}, {"a": 2, "b": 5}, {"a": 4, "b": 4}]'


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", b"a,b\n1.5,3\n2,5\n4,4\n"),
        ("t.csv", "a;b\r\n1,5;3\r\n2;5\r\n4;4\r\n".encode("utf-16")),
        ("t.tsv", b"a\tb\n1.5\t3\n2\t5\n4\t4\n"),
        ("t.csv.gz", gzip.compress(b"a,b\n1.5,3\n2,5\n4,4\n")),
        ("t.xlsx", XLSX.getvalue()),
        ("t.parquet", PARQUET.getvalue()),
        ("t.json", JSON),
        ("t.npy", NPY.getvalue()),
    ],
    ids=["CSV", "UTF-16", "TSV", "gzip", "Excel", "Parquet", "JSON", "NumPy"],
)
def test_each_kind_of_file_is_read(app, name, content):
    upload(app, name, content)
    assert not app.exception
    assert not app.error
    np.testing.assert_array_equal(in_use(app).points, [[1.5, 3], [2, 5], [4, 4]])


BAD = {
    "empty": ("t.csv", b"", "nothing in it"),
    "header only": ("t.csv", b"a,b\n", "rows"),
    "one row": ("t.csv", b"a,b\n1,2\n", "only one row"),
    "all missing": ("t.csv", b"a,b\nNA,\n,NA\nNA,NA\n", "No column of this table"),
    "not what its name says": ("t.csv", b"\x89PNG\r\n\x1a\n\x00\x00", "picture"),
    "a pickle": ("t.npy", OBJECTS.getvalue(), "objects"),
    "a damaged workbook": ("t.xlsx", b"PK\x03\x04nonsense", "Excel|workbook|damaged"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_get_one_sentence_and_what_was_there_stays(app, case):
    upload(app, "good.csv", b"a,b\n1.5,3\n2,5\n4,4\n")
    before = in_use(app)
    name, content, sentence = BAD[case]
    upload(app, name, content)
    assert not app.exception
    assert len(app.error) == 1
    assert re.search(sentence, app.error[0].value.replace("\\", ""))
    assert in_use(app) is before
    assert "All pages still use “good.csv”." in said(app)


def test_one_column_is_said_and_can_be_clustered(app):
    paste(app, "a\n1\n2\n9\n")
    assert re.search("one column", said(app))
    assert in_use(app).points.shape == (3, 1)


def test_infinities_count_as_gaps_and_are_counted(app):
    paste(app, "a,b\n1,2\ninf,3\n4,-inf\n5,6\n")
    assert "Leaves out 2 of 4 rows and keeps 2." in [
        caption.replace("\\", "") for caption in labelled(app.radio, "What to do about gaps").proto.captions
    ]
    np.testing.assert_array_equal(in_use(app).points, [[1, 2], [5, 6]])


def test_text_among_numbers_is_counted_and_the_first_is_named(app):
    paste(app, "a,b\n" + "".join(f"{i},{i * i}\n" for i in range(20)) + "oops,3\n21,n.a.\n22,5\n")
    assert re.search(r"a: 1 of 23 cells is not a number.*'oops'.* row 21", said(app).replace("“", "'").replace("”", "'"))


def test_duplicated_and_empty_column_names_are_mended_in_the_open(app):
    paste(app, "a,a,\n1,2,3\n4,5,7\n7,8,8\n")
    assert len(set(in_use(app).columns)) == 3
    assert "a (2)" in in_use(app).columns
    assert re.search("a \\(2\\)", said(app))


def texts_in(value):
    """All texts anywhere in a figure."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from texts_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts_in(part)


NASTY = "<b>x</b> *y* `z` $q$ [l](http://e.com) <script>alert(1)</script>"


def test_names_with_html_or_markdown_are_shown_as_text_everywhere(app):
    paste(app, f'"{NASTY}",b,name\n1,2,"{NASTY}"\n3,9,"<i>i</i>"\n5,6,"{{x}} %{{y}}"\n')
    assert in_use(app).columns == (NASTY, "b")
    labelled(app.selectbox, "Names of the rows").set_value("name").run()
    app.switch_page("pages/watch/page.py").run()
    app.button_group(key="source").set_value("own")
    app.number_input(key="k").set_value(2).run()
    app.selectbox(key="algorithm").set_value("kmedoids").run()
    assert not app.exception
    for figure in figures(app):
        text = "\n".join(texts_in(json.loads(figure)))
        for raw in ("<script", "<i>", "</b> *y*"):
            assert raw not in text
    for element in app.get("html"):
        assert "<script>alert" not in element.proto.body
    for element in (*app.caption, *app.warning, *app.error, *app.info):
        assert "<b>" not in re.sub(r"\\.", "", element.value)


def test_more_clusters_than_distinct_rows_is_a_notice(app):
    paste(app, "a,b\n" + "1,2\n3,4\n" * 5)
    app.switch_page("pages/watch/page.py").run()
    app.button_group(key="source").set_value("own")
    app.number_input(key="k").set_value(4).run()
    assert not app.exception
    assert "only 2 distinct points for 4 clusters" in said(app)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a,b,c,d\n0,1,2,4\n1,0,3,5\n", "must be square, and this one has 2 rows and 4 columns"),
        ("a,b,c\n0,1,-2\n1,0,3\n-2,3,0\n", "must not be negative, but the one of a and c is -2"),
        ("a,b,c\n0,1,2\n1,0,3\n2,4,0\n", "must be symmetric, but the one of b and c is 3 one way and 4 the other"),
        ("a,b,c\n1,1,2\n1,1,3\n2,3,1\n", "of a point to itself must be 0"),
        ("a,b,c\n0,1,x\n1,0,y\nx,y,0\n", "must hold numbers"),
    ],
)
def test_what_is_no_matrix_of_proximities_gets_one_sentence(app, text, sentence):
    paste(app, text)
    labelled(app.button_group, "Take it as").set_value("proximities").run()
    assert not app.exception
    assert [re.search(sentence, e.value.replace("\\", "")) is not None for e in app.error] == [True]


def test_a_compressed_file_that_grows_beyond_the_limit_is_refused(app, monkeypatch):
    monkeypatch.setattr(limits, "MAX_UNPACKED_BYTES", 10_000)
    upload(app, "t.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 5000))
    assert not app.exception
    assert "Unpacked, this file is larger than the limit" in app.error[0].value


def test_a_table_without_numbers_is_said_and_its_words_are_compared(app):
    paste(app, "a\n" + "".join(f"some words {i}\n" for i in range(30)))
    assert "no column of numbers to cluster by" in said(app)
    assert in_use(app).precomputed.shape == (30, 30)


def test_a_table_of_which_no_column_can_be_clustered_by_gets_one_sentence(app):
    paste(app, "a\n" + "".join(f"some words {i // 2}\n" for i in range(120)))
    before = in_use(app)
    labelled(app.button_group, "Take it as").set_value("table").run()
    assert ["can be clustered by" in error.value for error in app.error] == [True]
    assert in_use(app) is before


def test_many_columns_are_chosen_and_it_is_said_which(app):
    paste(
        app,
        ",".join(f"x{j}" for j in range(60))
        + "\n"
        + "\n".join(",".join(f"{(i + 1) * (j + 1) % 61}.5" for j in range(60)) for i in range(9)),
    )
    assert "The first 50 of 60 columns of numbers were chosen" in said(app)
    assert in_use(app).points.shape == (9, 50)


def test_a_square_table_that_is_no_matrix_yet_gets_a_hint(app):
    paste(app, "a,b,c\n0,1,2\n1,0,3\n2,4,0\n")
    assert "This table is square: if it holds proximities, choose “Proximities of pairs”." in said(app)


def test_a_decimal_mark_that_was_the_thousands_mark_takes_its_place(app):
    paste(app, "a;b\n1.234,5;2\n2.345,5;4\n3.456,5;9\n")
    np.testing.assert_array_equal(in_use(app).points, [[1234.5, 2], [2345.5, 4], [3456.5, 9]])
    labelled(app.selectbox, "Decimal mark").set_value(".").run()
    assert not app.exception
    assert "decimal mark and the thousands mark are the same" not in said(app)


def test_one_hot_columns_are_announced(app):
    upload(app, "penguins.csv", PENGUINS)
    labelled(app.multiselect, "Columns to cluster by").set_value(["bill_length_mm", "sex"]).run()
    assert "Categories became 2 columns of 0 and 1; K-medoids also has Gower's dissimilarity." in said(app)


def test_a_removed_file_is_forgotten(app):
    upload(app, "penguins.csv", PENGUINS)
    app.file_uploader(key="file").set_value(None).run()
    assert app.session_state["upload"] is None
    assert "No data uploaded yet. All pages use “penguins.csv”." in said(app)


@pytest.mark.parametrize("text", ["http://e.com", "see www.e.com", "a@b.org", "&lt;b&gt;", "x\n===", "a  b"])
def test_what_markdown_would_make_something_of_is_made_harmless(text):
    shown = escape_markdown(text)
    assert "://" not in shown.replace("\\", "")
    assert "www." not in shown.replace("\\", "")
    assert not re.search(r"[\w.]@", shown.replace("\\", ""))
    assert "\n" not in shown
    assert not re.search(r"(?<!\\)&", shown)
    assert shown.replace("\\", "").replace("\u2060", "") == " ".join(text.split())


def test_the_uploader_states_its_limit(app):
    assert "up to 200 MB" in app.file_uploader(key="file").label


def test_nothing_brought_yet_says_what_goes_on(app):
    assert "No data uploaded yet. All pages use “Three Gaussians”." in said(app)


@pytest.mark.parametrize("view", ["Plane", "Scatter-plot matrix", "Principal components", "Rows"])
def test_high_dimensions_can_be_looked_at_in_each_way_with_the_warning_about_shadows(app, view):
    upload(app, "penguins.csv", PENGUINS)
    labelled(app.button_group, "Look at").set_value(view).run()
    assert not app.exception
    if view != "Rows":
        assert "groups that overlap here may be apart" in said(app)
    if view == "Principal components":
        assert "component 1 (100% of the variance)" in figures(app)[0]


def test_every_sample_has_its_settings_and_its_picture_on_the_page(app):
    app.button_group(key="source").set_value("sample").run()
    app.selectbox(key="sample").set_value("stretched").run()
    before = in_use(app)
    assert figures(app)
    app.slider(key="stretched_ratio").set_value(3.0).run()
    assert in_use(app).key != before.key


def test_a_triangle_is_told_from_a_table():
    assert matrices.triangle_separator("1\n2,3\n4,5,6") == ","
    assert matrices.triangle_separator("a b c d\n0\n1 0\n2 3 0\n4 5 6 0") == " "
    assert matrices.triangle_separator("a,b\n1,2\n3,4") is None
    assert matrices.triangle_separator("a\n1\n2") is None

"""The Data page without a browser: upload, paste, prepare and inspect data."""

import gzip
import io
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from clustering import KMeans, adjusted_rand_index, fit
from pages.datasets import cleaning
from pages.datasets import opened as opened_files
from pages.datasets.formatting import escape_markdown
from pages.datasets.matrix_text import triangle_separator
from pages.datasets.readers import limits
from pages.datasets.units import column_names
from pages.ui import preparation
from tests.pages.app import latest, opened

ROOT = Path(__file__).resolve().parents[3]
PENGUINS = (ROOT / "pages" / "datasets" / "tables" / "penguins.csv").read_bytes()


@pytest.fixture
def app():
    return opened("/data?source=Upload")


@pytest.fixture(scope="module")
def shared_app():
    """One session for tests that only upload or paste something else."""
    return opened("/data?source=Upload")


def upload(app, name, content):
    if app.button_group(key="input").value != "file":
        app.button_group(key="input").set_value("file").run()
    app.file_uploader(key="file").set_value((name, content, "application/octet-stream")).run()
    assert not app.exception
    return app


def paste(app, text):
    if app.button_group(key="input").value != "paste":
        app.button_group(key="input").set_value("paste").run()
    app.text_area(key="pasted").set_value(text).run()
    assert not app.exception
    return app


def texts_of(app):
    elements = (*app.warning, *app.error, *app.info, *app.caption, *app.markdown)
    return " ".join(element.value.replace("\\", "") for element in elements)


def in_use(app):
    return app.session_state["last data"]


def labeled(widgets, label):
    return next(widget for widget in widgets if widget.label == label)


def values_in_use(app):
    """The points in the units of the table."""
    data = in_use(app)
    return data.points if data.scaling is None else data.scaling.positions(data.points)


def figures(app):
    return [chart.proto.spec for chart in app.get("plotly_chart")]


def missing_value_captions(app):
    return [caption.replace("\\", "") for caption in labeled(app.radio, "Missing values").proto.captions]


def test_without_an_upload_the_limit_and_the_data_in_use_are_stated():
    app = opened("/data?source=Upload")
    assert "up to 200 MB" in app.file_uploader(key="file").label
    assert "No new data yet. “Three Gaussians” is still in use." in texts_of(app)


def test_an_uploaded_table_is_described_and_gets_default_settings(shared_app):
    app = upload(shared_app, "penguins.csv", PENGUINS)
    assert "separator: comma; decimal separator: period; thousands separator: none; encoding: UTF-8; header: yes" in texts_of(
        app
    )
    described = app.dataframe[1].value.set_index("Column")
    assert described["Type"].to_dict() == {
        "species": "category",
        "island": "category",
        "bill_length_mm": "number",
        "bill_depth_mm": "number",
        "flipper_length_mm": "number",
        "body_mass_g": "number",
        "sex": "category",
    }
    assert described.loc["sex", "Missing"] == 11
    features = labeled(app.multiselect, "Features")
    assert features.value == ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
    assert labeled(app.selectbox, "True labels (optional)").value == "species"
    assert in_use(app).points.shape == (342, 4)


def test_true_labels_are_recognized_by_a_longer_name_and_their_use_is_stated(shared_app):
    app = paste(shared_app, "length,width,cell_type\n1,2,T\n2,3,T\n9,8,B\n8,9,B\n")
    assert labeled(app.selectbox, "True labels (optional)").value == "cell_type"
    assert in_use(app).groups == 2
    assert "Recognized by its name. Scores such as the adjusted Rand index compare the clusters with these" in texts_of(app)
    labeled(app.selectbox, "True labels (optional)").select_index(0).run()
    assert "Scores such as the adjusted Rand index need true labels." in texts_of(app)
    assert in_use(app).groups == 0


def test_the_effect_of_each_missing_value_option_is_stated_and_true(shared_app):
    app = upload(shared_app, "penguins.csv", PENGUINS)
    assert missing_value_captions(app)[:2] == [
        "Drops 2 of 344 rows and keeps 342.",
        "Imputes 8 values in 2 of 344 rows with the column median. 2 rows have no value in any feature and would get only "
        "averages.",
    ]
    labeled(app.radio, "Missing values").set_value("median").run()
    data = in_use(app)
    assert data.points.shape == (344, 4)
    assert data.imputed.sum() == 8
    assert "8 values in 2 of 344 rows were imputed with the column median" in texts_of(app)


def test_probabilistic_pca_imputes_values_and_the_table_shows_their_uncertainty(app):
    table = pd.read_csv(io.BytesIO(PENGUINS))
    table.loc[5, "body_mass_g"] = np.nan
    upload(app, "penguins.csv", table.to_csv(index=False).encode())
    labeled(app.selectbox, "Scaling").set_value("none").run()
    labeled(app.radio, "Missing values").set_value("ppca").run()
    labeled(app.number_input, "Components").set_value(1)
    labeled(app.button_group, "View").set_value("Table").run()
    data = in_use(app)
    assert data.imputed[5].tolist() == [False, False, False, True]
    assert 0 < data.deviations[5, 3] < table["body_mass_g"].std()
    assert abs(data.points[5, 3] - 3650) < 3 * data.deviations[5, 3]  # 3650 is the true value
    assert re.match(r"◌ [\d.]+e?\+?\d* ± ", app.dataframe[0].value["body_mass_g"][5])


def test_prepared_data_are_clustered_on_watch(app):
    upload(app, "penguins.csv", PENGUINS)
    labeled(app.selectbox, "Scaling").set_value("standardize").run()
    app.switch_page("pages/watch/page.py").run()
    assert not app.exception
    assert "penguins.csv" in texts_of(app)
    assert in_use(app).columns[0] == "bill_length_mm (standardized)"
    assert float(next(m.value for m in app.metric if m.label == "Adjusted Rand index")) > 0.7


def test_penguins_with_missing_values_are_read_imputed_standardized_and_clustered_as_without_the_app(app):
    table = pd.read_csv(io.BytesIO(PENGUINS))
    missing = np.random.default_rng(1).random((len(table), 4)) < 1 / 12
    table[table.columns[2:6]] = table[table.columns[2:6]].mask(missing)
    content = table.to_csv(index=False, sep=";", na_rep="NA").encode()
    upload(app, "penguins.csv", content)
    assert "separator: semicolon" in texts_of(app)
    labeled(app.radio, "Missing values").set_value("ppca").run()
    labeled(app.selectbox, "Scaling").set_value("standardize").run()
    app.switch_page("pages/watch/page.py").run()
    assert not app.exception
    choices = cleaning.Preparation(tuple(table.columns[2:6]), "species", None, missing="ppca", scaling="standardize")
    data = cleaning.prepare(table, "penguins", choices)
    labels = fit(KMeans(3, init="random"), data.points, rng=1).labels
    agreement = adjusted_rand_index(data.labels, labels)
    assert agreement > 0.6
    assert next(m.value for m in app.metric if m.label == "Adjusted Rand index") == f"{agreement:.3f}"
    assert sorted(np.bincount(latest(app, "run").history.last.labels)) == sorted(np.bincount(labels))
    assert "Rings mark rows with imputed values" in texts_of(app)
    traces = [trace for figure in figures(app) for trace in json.loads(figure)["data"]]
    rings = [len(trace["customdata"]) for trace in traces if trace.get("marker", {}).get("symbol") == "circle-open"]
    assert rings == [data.imputed.any(axis=1).sum()]
    app.toggle(key="rings").set_value(False).run()
    traces = [trace for figure in figures(app) for trace in json.loads(figure)["data"]]
    assert [trace["visible"] for trace in traces if trace.get("meta") == "rings"] == [False]


def test_categories_are_one_hot_encoded_and_gower_is_the_default_metric(app):
    upload(app, "penguins.csv", PENGUINS)
    labeled(app.selectbox, "Scaling").set_value("none").run()
    labeled(app.multiselect, "Features").set_value(["bill_length_mm", "island", "sex"]).run()
    assert in_use(app).columns == (
        "bill_length_mm",
        "island = Torgersen",
        "island = Biscoe",
        "island = Dream",
        "sex = FEMALE",
    )
    assert "one-hot encoded (3 columns). sex was encoded as one column of 0 and 1. For mixed types consider" in texts_of(app)
    app.session_state["algorithm"] = "kmedoids"
    app.switch_page("pages/watch/page.py").run()
    assert not app.exception
    assert labeled(app.selectbox, "Metric").value == "gower"
    assert latest(app, "run").history.converged


def change_type(app, monkeypatch, name, kind):
    """Changes the type of a column as the table of columns does, whose cells cannot be edited without a browser."""
    source = app.session_state["own source"]
    row = next(i for i, column in enumerate(source.columns) if column.name == name)
    parts = ("_columns", "_categories", " types", " type changes", " type changes refused")
    keys = [f"{source.key}{part}" for part in parts]
    state = {key: app.session_state[key] for key in keys if key in app.session_state}
    state["editor"] = {"edited_rows": {row: {"Type": kind}}}
    with monkeypatch.context() as patch:
        patch.setattr(preparation.st, "session_state", state)
        preparation._change_types(source, "editor", f"{source.key} type changes")
    for key in keys:
        if key in state:
            app.session_state[key] = state[key]
    app.run()
    assert not app.exception
    return app.dataframe[1].value.set_index("Column")["Type"][name]


TYPES = "id,age,code,city\n" + "\n".join(
    f"{i},{(i * 7) % 60},{i % 3},town {'abcdefgh'[i % 8]}{i // 8 * 'x'}" for i in range(12)
)
"""a table with an identifier, numbers, codes, and text with few distinct values"""


def test_a_type_can_be_changed_in_the_table_of_columns(app, monkeypatch):
    paste(app, TYPES)
    features = lambda: labeled(app.multiselect, "Features")  # noqa: E731
    assert features().value == ["age", "code"]
    assert change_type(app, monkeypatch, "code", "category") == "category"
    assert labeled(app.multiselect, "Treat as categorical").value == ["code"]
    assert column_names(in_use(app)) == ("age", "code = 0", "code = 1", "code = 2")
    assert change_type(app, monkeypatch, "city", "category") == "category"
    assert features().value == ["age", "code", "city"]
    assert len(in_use(app).columns) == 4 + 12
    assert change_type(app, monkeypatch, "city", "text") == "text"
    assert features().value == ["age", "code"]
    assert "city" not in features().options
    assert change_type(app, monkeypatch, "id", "number") == "number"
    assert features().value == ["age", "code", "id"]
    assert change_type(app, monkeypatch, "code", "number") == "number"
    assert labeled(app.multiselect, "Treat as categorical").value == []
    assert in_use(app).origin.categories == {}
    assert change_type(app, monkeypatch, "age", "identifier") == "identifier"
    assert features().value == ["code", "id"]
    assert "age" in features().options
    labeled(app.multiselect, "Treat as categorical").set_value(["code"]).run()
    assert app.dataframe[1].value.set_index("Column")["Type"]["code"] == "category"


def test_a_type_that_is_not_possible_is_refused_with_the_possible_ones(app, monkeypatch):
    paste(app, TYPES)
    before = in_use(app)
    assert change_type(app, monkeypatch, "city", "number") == "text"
    assert "The type of column city can be text or identifier or category, not number." in texts_of(app)
    assert in_use(app) is before
    app.run()
    assert "The type of column city" not in texts_of(app)


def test_codes_in_a_link_to_a_bundled_table_are_categories():
    app = opened("/data?source=Built-in&table=Iris&iris_categories=petal_width")
    assert app.dataframe[0].value.set_index("Column")["Type"]["petal_width"] == "category"
    assert in_use(app).origin.categories.keys() == {"petal_width"}
    assert app.session_state["iris_categories"] == ["petal_width"]


def test_import_options_can_be_changed(shared_app):
    app = paste(shared_app, "1,5;2\n3,25;4\n5,75;7\n")
    assert "decimal separator: comma" in texts_of(app)
    assert in_use(app).columns == ("column 1", "column 2")
    labeled(app.selectbox, "Header rows").set_value(1).run()
    np.testing.assert_array_equal(in_use(app).points, [[3.25, 4], [5.75, 7]])
    labeled(app.selectbox, "Separator").set_value(",").run()
    assert not app.exception
    assert in_use(app).columns != ("1,5", "2")


def test_the_first_lines_are_shown_next_to_the_rows_as_they_were_read(shared_app):
    app = paste(shared_app, "# by x\nname;a\nx;1,5\ny;n.a.\nz;--\nw;2,5\n")
    assert app.code[0].value == "# by x\nname;a\nx;1,5\ny;n.a.\nz;--\nw;2,5"
    shown = app.dataframe[0].value
    assert list(shown["name"]) == ["x", "y", "z", "w"]
    np.testing.assert_array_equal(shown["a"], [1.5, np.nan, np.nan, 2.5])
    assert "Treated as missing, besides empty cells: 1 × “n.a.”, 1 × “--”." in texts_of(app)
    assert "lines skipped above the table: 1" in texts_of(app)


def test_the_first_lines_and_the_options_are_shown_if_the_table_cannot_be_read(shared_app):
    app = paste(shared_app, "a,b\n1,2\n1,2,3\n")
    assert "Line 3 has 3 cells instead of 2" in texts_of(app)
    assert app.code[0].value.startswith("a,b\n1,2\n1,2,3")
    labeled(app.selectbox, "Separator").set_value(";").run()
    assert "Line 3" not in texts_of(app)


@pytest.mark.parametrize(
    ("text", "button", "before", "after"),
    [
        ("a;b\n1.234;5\n999;6\n12.345;7\n", "Read “1.234” as 1.234", 1234, 1.234),
        ("d,e\n-999,1\n5,2\n6,3\n7,1\n", "Treat −999 as missing", -999, 5),
        ("0,1,2\n3,4,9\n6,7,8\n5,5,1\n", "Read it as column names", 0, 3),
    ],
)
def test_the_other_reading_of_a_doubt_is_one_click_away(shared_app, text, button, before, after):
    app = paste(shared_app, text)
    assert values_in_use(app)[0, 0] == pytest.approx(before)
    next(one for one in app.button if one.label.replace("\\", "") == button).click().run()
    assert not app.exception
    assert values_in_use(app)[0, 0] == pytest.approx(after)
    assert button not in [one.label.replace("\\", "") for one in app.button]


def test_lines_can_be_skipped_and_marks_of_missing_values_added(shared_app):
    app = paste(shared_app, "a,b\n1,2\nunknown,4\n5,6\n8,7\n0,0\n9,9\n")
    labeled(app.text_input, "Missing-value codes").set_value("unknown 9").run()
    assert in_use(app).points.tolist() == [[1, 2], [5, 6], [8, 7], [0, 0]]
    assert "Treated as missing, besides empty cells: 2 × “9”, 1 × “unknown”" in texts_of(app)
    labeled(app.number_input, "Lines to skip").set_value(2).run()
    assert not app.exception
    assert in_use(app).columns == ("unknown", "4")


def test_each_sheet_of_a_workbook_is_read_with_its_own_layout(shared_app):
    file = io.BytesIO()
    with pd.ExcelWriter(file) as writer:
        pd.DataFrame({"a": [1.5, 2.5, 3.5], "b": [4, 5, 7]}).to_excel(writer, sheet_name="one", index=False)
        pd.DataFrame([[1, 2.5], [3, 4.5], [5, 1.5]]).to_excel(writer, sheet_name="two", index=False, header=False)
    app = upload(shared_app, "t.xlsx", file.getvalue())
    assert in_use(app).columns == ("a", "b")
    labeled(app.selectbox, "Sheet").set_value("two").run()
    assert not app.exception
    assert labeled(app.selectbox, "Header rows").value == 0
    assert in_use(app).points.tolist() == [[1, 2.5], [3, 4.5], [5, 1.5]]


def test_objects_in_json_can_be_read_as_rows_or_columns(shared_app):
    app = upload(shared_app, "t.json", json.dumps({"x": {"a": 1, "b": 2}, "y": {"a": 3, "b": 5}}).encode())
    before = values_in_use(app)
    next(one for one in app.button if one.label.startswith("Read each one as a")).click().run()
    assert not app.exception
    np.testing.assert_allclose(values_in_use(app), before.T, rtol=1e-12)


def test_row_names_that_are_numbers_are_labels_and_can_be_made_a_feature(shared_app):
    app = paste(shared_app, ",a,b\n30,0,0\n10,0.1,0\n20,5,5\n40,5.1,5\n")
    assert in_use(app).columns == ("a", "b")
    assert in_use(app).names.tolist() == ["30", "10", "20", "40"]
    labeled(app.selectbox, "Row names").set_value(False).run()
    assert [column.removesuffix(" (standardized)") for column in in_use(app).columns] == ["column 1", "a", "b"]


def test_changing_the_decimal_separator_also_changes_an_equal_thousands_separator(shared_app):
    app = paste(shared_app, "a;b\n1.234,5;2\n2.345,5;4\n3.456,5;9\n")
    np.testing.assert_allclose(values_in_use(app), [[1234.5, 2], [2345.5, 4], [3456.5, 9]])
    labeled(app.selectbox, "Decimal separator").set_value(".").run()
    assert not app.exception
    assert "separators are the same" not in texts_of(app)


UNLIKE = "grams,length\n3000,1\n4000,2\n5000,3\n"
"""a table whose columns have unlike units"""
STANDARDIZED = "The columns have very different standard deviations, so they are standardized by default."


def click(app, label):
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


def test_columns_with_unlike_units_are_standardized_which_can_be_undone_on_every_page(app):
    paste(app, UNLIKE)
    assert STANDARDIZED in texts_of(app)
    np.testing.assert_allclose(in_use(app).points.std(axis=0), 1)
    app.switch_page("pages/watch/page.py").run()
    assert STANDARDIZED in texts_of(app)
    click(app, "Use original units")
    assert STANDARDIZED not in texts_of(app)
    assert in_use(app).points[:, 0].tolist() == [3000, 4000, 5000]
    assert latest(app, "run").data is in_use(app)
    assert "The column “grams” accounts for 99.9% of the squared distances" in texts_of(app)
    app.switch_page("pages/compare/page.py").run()
    assert in_use(app).points[:, 0].tolist() == [3000, 4000, 5000]
    click(app, "Standardize")
    np.testing.assert_allclose(in_use(app).points.std(axis=0), 1)
    app.switch_page("pages/data/page.py").run()
    assert labeled(app.selectbox, "Scaling").value == "standardize"
    click(app, "Use original units")
    assert labeled(app.selectbox, "Scaling").value == "none"
    app.switch_page("pages/watch/page.py").run()
    assert in_use(app).points[:, 0].tolist() == [3000, 4000, 5000]


def sizes_table(app):
    """The headers and the cells of the table of clusters, without the bars."""
    body = next(element.proto.body for element in app.get("html") if "luster sizes" in element.proto.body)
    headers, *rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall("<tr>(.*?)</tr>", body)]
    return [header for header in headers if header], [[re.sub("<.*?>", "", cell) for cell in row[3:]] for row in rows]


def test_centers_are_shown_in_original_units_with_column_names_and_scaled_on_request(app):
    rows = [f"{3000 + 10 * i},{i},2020-01-{1 + i % 21:02}" for i in range(42)]
    paste(app, "grams,age,day\n" + "\n".join(rows))
    labeled(app.multiselect, "Features").set_value(["grams", "age", "day"]).run()
    app.session_state["k"] = 1
    app.switch_page("pages/watch/page.py").run()
    assert sizes_table(app) == (["Cluster", "Size", "grams", "age", "day"], [["3,205", "20.5", "2020‑01‑11"]])
    assert "Center of each cluster, in original units." in texts_of(app)
    labeled(app.toggle, "Scaled values").set_value(True).run()
    headers, cells = sizes_table(app)
    assert headers[2:] == [f"{name} (standardized)" for name in ("grams", "age", "day")]
    assert cells == [["0", "0", "0"]]
    assert "Center of each cluster, scaled." in texts_of(app)


def test_long_column_names_can_break_after_underscores(app):
    paste(app, "bill_length,<i>\n1,2\n2,3\n4,4\n5,3\n")
    app.switch_page("pages/watch/page.py").run()
    assert sizes_table(app)[0][2:] == ["bill_<wbr>length", "&lt;i&gt;"]


def test_at_most_six_columns_of_the_centers_are_shown_and_the_others_are_counted(app):
    paste(app, ",".join("abcdefgh") + "\n" + "\n".join(",".join(str((i * j) % 7) for j in range(1, 9)) for i in range(20)))
    app.switch_page("pages/watch/page.py").run()
    headers, cells = sizes_table(app)
    assert headers == ["Cluster", "Size", *"abcdef"]
    assert {len(row) for row in cells} == {6}
    assert "Center of each cluster. 1 more column is in the export." in texts_of(app)
    assert not [toggle for toggle in app.toggle if toggle.label == "Scaled values"]


def test_columns_with_similar_units_are_not_scaled(app):
    paste(app, "a,b\n1.5,3\n2,5\n4,4\n")
    assert labeled(app.selectbox, "Scaling").value == "none"
    assert STANDARDIZED not in texts_of(app)
    assert "accounts for" not in texts_of(app)


@pytest.mark.usefixtures("few_resamples")
@pytest.mark.parametrize("link", ["/?", "/report?", "/choose_k?k_up_to=2&best_of=1&"])
def test_on_every_page_a_warning_names_a_dominant_column_of_a_bundled_table(link):
    app = opened(f"{link}source=Built-in&table=Old Faithful")
    assert labeled(app.selectbox, "Scaling").value == "none"
    assert "The column “waiting” accounts for 99.3% of the squared distances" in texts_of(app)
    click(app, "Standardize")
    assert labeled(app.selectbox, "Scaling").value == "standardize"
    assert "accounts for" not in texts_of(app)
    assert "".join(app.query_params["scaling"]) == "Standardize"


def test_the_scaling_of_an_upload_does_not_change_that_of_a_bundled_table(app):
    paste(app, UNLIKE)
    app.button_group(key="source").set_value("real").run()
    assert labeled(app.selectbox, "Scaling").value == "none"
    assert "scaling" not in app.query_params


def test_a_warning_names_a_column_that_dominates_the_distances(app):
    paste(app, UNLIKE)
    labeled(app.selectbox, "Scaling").set_value("none").run()
    assert "The column “grams” accounts for 99.9% of the squared distances" in texts_of(app)
    labeled(app.selectbox, "Scaling").set_value("robust").run()
    assert "accounts for" not in texts_of(app)


MATRICES = {
    "named columns": "a,b,c\n0,1,2\n1,0,3\n2,3,0\n",
    "named rows and columns": "name,a,b,c\na,0,1,2\nb,1,0,3\nc,2,3,0\n",
    "no names": "0 1 2\n1 0 3\n2 3 0\n",
    "triangle": "0\n1 0\n2 3 0\n",
    "no diagonal": "1\n2 3\n4 5 6\n",
    "triangle with column names": "a\tb\tc\n0\n1\t0\n2\t3\t0\n",
    "triangle with row names": "a;0\nb;1;0\nc;2;3;0\n",
    "triangle with empty cells": "a,0,,\nb,1,0,\nc,2,3,0\n",
}


@pytest.mark.parametrize("layout", MATRICES)
def test_a_distance_matrix_is_recognized_in_each_layout(shared_app, layout):
    app = paste(shared_app, MATRICES[layout])
    assert not app.error
    data = in_use(app)
    assert data.precomputed is not None
    np.testing.assert_array_equal(data.precomputed[:3, :3], [[0, 1, 2], [1, 0, 3], [2, 3, 0]])
    assert len(data.points) == (4 if layout == "no diagonal" else 3)
    if "a" in MATRICES[layout]:
        assert data.names_of([0, 1, 2]) == ["a", "b", "c"]
    assert any("heatmap" in figure for figure in figures(app))
    assert re.search(r"Goodness of fit of the 2-D layout \(classical multidimensional scaling\): \d+%", texts_of(app))


def test_methods_that_need_points_explain_why_and_offer_k_medoids(app):
    paste(app, "a,b,c,d\n0,1,5,5\n1,0,5,5\n5,5,0,1\n5,5,1,0\n")
    app.session_state["k"] = 2
    app.switch_page("pages/watch/page.py").run()
    assert "K-means needs points, because it works with means of coordinates" in texts_of(app)
    next(button for button in app.button if button.label == "Use K-medoids").click().run()
    assert not app.exception
    assert not app.error
    assert sorted(latest(app, "run").sizes) == [2, 2]
    assert latest(app, "run").history.losses[-1] == 2


def test_words_are_clustered_by_edit_distance_and_clusters_are_named_by_their_medoid(app):
    paste(app, "word\nkitten\nmitten\nbitten\nsmith\nsmyth\nsmithe\n")
    assert in_use(app).matrix_name == "edit distances"
    app.session_state["algorithm"], app.session_state["k"] = "kmedoids", 2
    app.switch_page("pages/watch/page.py").run()
    assert not app.exception
    _, rows = sizes_table(app)
    medoids = [row[-1] for row in rows]
    assert len(medoids) == 2
    assert "smith" in medoids
    assert {"kitten", "mitten", "bitten"} & set(medoids)


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
def test_each_kind_of_file_is_read(shared_app, name, content):
    shared_app.session_state["last data"] = None
    app = upload(shared_app, name, content)
    assert not app.error
    np.testing.assert_array_equal(in_use(app).points, [[1.5, 3], [2, 5], [4, 4]])


INVALID = {
    "empty": ("t.csv", b"", "file is empty"),
    "header only": ("t.csv", b"a,b\n", "rows"),
    "one row": ("t.csv", b"a,b\n1,2\n", "only one row"),
    "all missing": ("t.csv", b"a,b\nNA,\n,NA\nNA,NA\n", "No column of this table"),
    "wrong extension": ("t.csv", b"\x89PNG\r\n\x1a\n\x00\x00", "image"),
    "a pickle": ("t.npy", OBJECTS.getvalue(), "objects"),
    "a damaged workbook": ("t.xlsx", b"PK\x03\x04nonsense", "Excel|workbook|damaged"),
}


@pytest.mark.parametrize("case", INVALID)
def test_an_invalid_file_shows_one_error_and_the_previous_data_stay(shared_app, case):
    app = upload(shared_app, "good.csv", b"a,b\n1.5,3\n2,5\n4,4\n")
    before = in_use(app)
    name, content, message = INVALID[case]
    upload(app, name, content)
    assert len(app.error) == 1
    assert re.search(message, app.error[0].value.replace("\\", ""))
    assert in_use(app) is before
    assert "“good.csv” is still in use." in texts_of(app)


def test_files_with_any_extension_can_be_chosen_so_that_a_sentence_says_why_one_cannot_be_read(shared_app):
    app = upload(shared_app, "report.pdf", b"%PDF-1.7")
    assert list(app.get("file_uploader")[0].proto.type) == []
    assert app.error[0].value.startswith("This file is a PDF document")


def test_a_compressed_file_that_exceeds_the_limit_after_unpacking_is_rejected(shared_app, monkeypatch):
    monkeypatch.setattr(limits, "MAX_UNPACKED_BYTES", 10_000)
    monkeypatch.setattr(opened_files, "is_small", lambda content: True)  # in this process, which has the smaller limit
    app = upload(shared_app, "t.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 5000))
    assert "Unpacked, this file exceeds the limit" in app.error[0].value


def test_a_single_column_is_reported_and_can_be_clustered(shared_app):
    app = paste(shared_app, "a\n1\n2\n9\n")
    assert "Only one column was detected" in texts_of(app)
    assert in_use(app).points.shape == (3, 1)


def test_infinite_values_are_treated_as_missing(shared_app):
    app = paste(shared_app, "a,b\n1,2\ninf,3\n4,-inf\n5,6\n")
    assert "Drops 2 of 4 rows and keeps 2." in missing_value_captions(app)
    np.testing.assert_array_equal(in_use(app).points, [[1, 2], [5, 6]])


def test_the_number_of_text_cells_among_numbers_and_the_first_one_are_reported(shared_app):
    app = paste(shared_app, "a,b\n" + "".join(f"{i},{i * i}\n" for i in range(20)) + "oops,3\n21,n.a.\n22,5\n")
    assert re.search(r"a: 1 of 23 cells is not a number.*'oops'.* row 21", texts_of(app))


def test_duplicate_and_empty_column_names_are_changed_and_reported(shared_app):
    app = paste(shared_app, "a,a,\n1,2,3\n4,5,7\n7,8,8\n")
    assert len(set(in_use(app).columns)) == 3
    assert "a (2)" in in_use(app).columns
    assert "was renamed a (2)" in texts_of(app)


def strings_in(value):
    """All strings anywhere in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from strings_in(part)


MARKUP = "<b>x</b> *y* `z` $q$ [l](http://e.com) <script>alert(1)</script>"


def test_names_with_html_or_markdown_are_shown_unchanged(app):
    paste(app, f'"{MARKUP}",b,name\n1,2,"{MARKUP}"\n3,9,"<i>i</i>"\n5,6,"{{x}} %{{y}}"\n')
    assert in_use(app).columns == (MARKUP, "b")
    labeled(app.selectbox, "Column of row names").set_value("name").run()
    app.session_state["algorithm"], app.session_state["k"] = "kmedoids", 2
    app.switch_page("pages/watch/page.py").run()
    assert not app.exception
    assert figures(app)
    for figure in figures(app):
        text = "\n".join(strings_in(json.loads(figure)))
        for raw in ("<script", "<i>", "</b> *y*"):
            assert raw not in text
    for element in app.get("html"):
        assert "<script>alert" not in element.proto.body
    for element in (*app.caption, *app.warning, *app.error, *app.info):
        assert "<b>" not in re.sub(r"\\.", "", element.value)


def test_more_clusters_than_distinct_rows_causes_a_warning(app):
    paste(app, "a,b\n" + "1,2\n3,4\n" * 5)
    app.session_state["k"] = 4
    app.switch_page("pages/watch/page.py").run()
    assert not app.exception
    assert "only 2 distinct points for 4 clusters" in texts_of(app)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b,c,d\n0,1,2,4\n1,0,3,5\n", "must be square, .* this one has 2 rows and 4 columns"),
        ("a,b,c\n0,1,-2\n1,0,3\n-2,3,0\n", "between a and c is -2; distances must not be negative"),
        ("a,b,c\n0,1,2\n1,0,3\n2,4,0\n", "between b and c is 3 in one direction and 4 in the other"),
        ("a,b,c\n1,1,2\n1,1,3\n2,3,1\n", "distance of a to itself is 1; it must be 0"),
        ("a,b,c\n0,1,x\n1,0,y\nx,y,0\n", "must contain only numbers"),
    ],
)
def test_an_invalid_distance_matrix_shows_one_error(shared_app, text, message):
    app = paste(shared_app, text)
    labeled(app.button_group, "Interpret as").set_value("proximities").run()
    assert not app.exception
    assert [re.search(message, error.value.replace("\\", "")) is not None for error in app.error] == [True]


def test_words_of_a_table_without_features_are_compared(shared_app):
    app = paste(shared_app, "a\n" + "".join(f"some words {i}\n" for i in range(30)))
    assert "no usable features, so its words are compared by edit distance" in texts_of(app)
    assert in_use(app).precomputed.shape == (30, 30)


def test_a_table_without_features_shows_one_error(shared_app):
    app = paste(shared_app, "a\n" + "".join(f"some words {i // 2}\n" for i in range(120)))
    before = in_use(app)
    labeled(app.button_group, "Interpret as").set_value("table").run()
    assert ["can be a feature" in error.value for error in app.error] == [True]
    assert in_use(app) is before


def test_the_first_50_of_many_columns_are_selected_and_this_is_stated(shared_app):
    app = paste(
        shared_app,
        ",".join(f"x{j}" for j in range(60))
        + "\n"
        + "\n".join(",".join(f"{(i + 1) * (j + 1) % 61}.5" for j in range(60)) for i in range(9)),
    )
    assert "The first 50 of 60 numeric columns are selected initially." in texts_of(app)
    assert in_use(app).points.shape == (9, 50)


def test_a_square_table_that_is_not_a_distance_matrix_gets_a_hint(shared_app):
    app = paste(shared_app, "a,b,c\n0,1,2\n1,0,3\n2,4,0\n")
    labeled(app.button_group, "Interpret as").set_value("table").run()
    assert "This table is square. If it holds distances, choose “Distance matrix”." in texts_of(app)


def test_a_removed_file_is_forgotten(app):
    upload(app, "penguins.csv", PENGUINS)
    app.file_uploader(key="file").set_value(None).run()
    assert app.session_state["upload"] is None
    assert "No new data yet. “penguins.csv” is still in use." in texts_of(app)


@pytest.mark.parametrize("text", ["http://e.com", "see www.e.com", "a@b.org", "&lt;b&gt;", "x\n===", "a  b"])
def test_text_is_escaped_for_markdown(text):
    shown = escape_markdown(text)
    assert "://" not in shown.replace("\\", "")
    assert "www." not in shown.replace("\\", "")
    assert not re.search(r"[\w.]@", shown.replace("\\", ""))
    assert "\n" not in shown
    assert not re.search(r"(?<!\\)&", shown)
    assert shown.replace("\\", "").replace("\u2060", "") == " ".join(text.split())


def test_data_with_more_than_two_columns_have_each_view_and_a_note_about_the_projection():
    app = opened("/data?source=Built-in&table=Iris")
    for view in ("Scatter plot", "Scatter-plot matrix", "Principal components", "Table"):
        labeled(app.button_group, "View").set_value(view).run()
        assert not app.exception
        assert ("groups that overlap here may still be separate" in texts_of(app)) == (view != "Table")
        assert len(figures(app)) == {"Principal components": 3, "Table": 0}.get(view, 1)
        if view == "Principal components":
            assert "PC 1 (92% of the variance)" in figures(app)[0]


def test_a_simulated_sample_has_its_parameters_and_a_plot_on_the_page():
    app = opened("/data?sample=Stretched groups&n=50")
    before = in_use(app)
    assert figures(app)
    app.slider(key="stretched_ratio").set_value(3.0).run()
    assert in_use(app).key != before.key


def test_a_triangle_is_distinguished_from_a_table():
    assert triangle_separator("1\n2,3\n4,5,6") == ","
    assert triangle_separator("a b c d\n0\n1 0\n2 3 0\n4 5 6 0") == " "
    assert triangle_separator("a,b\n1,2\n3,4") is None
    assert triangle_separator("a\n1\n2") is None


def test_reading_a_file_can_be_stopped_and_resumed(shared_app):
    app = upload(shared_app, "good.csv", b"a,b\n1.5,3\n2,5\n4,4\n")
    before = in_use(app)
    key = f"file {app.session_state['upload'].digest}"
    app.session_state["recent"].clear()
    app.session_state["stopped"] = ("opened", key)
    app.run()
    assert [error.value.replace("\\", "") for error in app.error] == ["Reading good.csv was stopped."]
    assert in_use(app) is before
    next(button for button in app.button if button.label == "Resume").click().run()
    assert not app.error
    assert in_use(app).points.shape == (3, 2)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a,b,c\n1,0.5,0.2\n0.5,1,0.1\n0.2,0.1,1\n", "Similarity matrix"),
        ("from,to,distance\na,b,0.5\na,c,0.8\nb,c,0.9\n", "List of pairwise distances"),
        ("3\na\nb 0.5\nc 0.8 0.9\n", "Distance matrix"),
        ("a 1\nb 0.5 1\nc 0.2 0.1 1\n", "Similarity matrix"),
    ],
)
def test_each_kind_of_matrix_is_recognized_and_can_be_read_as_a_table(shared_app, text, name):
    app = paste(shared_app, text)
    options = labeled(app.button_group, "Interpret as").options
    assert options[:: len(options) - 1] == [name, "Table"]
    np.testing.assert_allclose(in_use(app).precomputed[np.triu_indices(3, 1)], [0.5, 0.8, 0.9])
    assert list(in_use(app).names) == ["a", "b", "c"]


def test_rows_and_columns_of_json_objects_can_be_exchanged(shared_app):
    app = upload(shared_app, "t.json", b'{"a": {"x": 1, "y": 2, "z": 4}, "b": {"x": 4, "y": 5, "z": 9}}')
    assert in_use(app).points.shape == (3, 2)
    next(button for button in app.button if button.label == "Read each one as a row").click().run()
    assert not app.exception
    np.testing.assert_array_equal(in_use(app).points, [[1, 2, 4], [4, 5, 9]])


def test_the_rows_as_they_were_read_are_always_visible(shared_app):
    app = paste(shared_app, "a,b\n1,2\n3,4\n5,7\n")
    assert labeled(app.expander, "File: how it was read").proto.expanded


def test_json_can_be_pasted(shared_app):
    app = paste(shared_app, '[{"a": 1, "b": 2}, {"a": 3, "b": 5}, {"a": 4, "b": 9}]')
    assert in_use(app).points.shape == (3, 2)
    assert not [caption.value for caption in app.caption if "extension" in caption.value]


WEIGHTED = "x,y,w\n1,2,3\n2,3,0\n9,8,2.5\n8,9,1\n5,5,2\n"


def test_a_column_of_weights_is_chosen_and_is_no_feature(shared_app):
    app = paste(shared_app, WEIGHTED)
    weights = labeled(app.selectbox, "Weights of rows (optional)")
    assert weights.value is None
    assert in_use(app).row_weights is None
    assert in_use(app).columns == ("x", "y", "w")
    weights.set_value("w").run()
    assert not app.exception
    assert in_use(app).row_weights.tolist() == [3, 0, 2.5, 1, 2]
    assert in_use(app).columns == ("x", "y")
    assert "w is not a feature as long as it holds the weights." in texts_of(app)
    help = labeled(app.selectbox, "Weights of rows (optional)").proto.help
    assert "Used by K-means and Gaussian mixture; other methods ignore them." in help


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ("-1,2,3,4", "Column w is negative in row 1, so it cannot hold the weights of rows"),
        ("1,,3,4", "Column w has no number, or an infinite one in row 2, so it cannot hold the weights of rows"),
        ("1,2,inf,4", "Column w has no number, or an infinite one in row 3, so it cannot hold the weights of rows"),
    ],
)
def test_weights_that_are_not_possible_give_a_sentence(shared_app, values, sentence):
    rows = "\n".join(f"{i},{i * i},{value}" for i, value in enumerate(values.split(",")))
    app = paste(shared_app, f"x,y,w\n{rows}\n")
    labeled(app.selectbox, "Weights of rows (optional)").set_value("w").run()
    assert not app.exception
    assert sentence in texts_of(app)


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        ("watch", "Rows count with the weights in column my_w"),
        ("hierarchy", "Hierarchical clustering ignores the weights of rows in column my_w."),
        ("choose_k", "Criteria are those of a table that repeats rows, too"),
        ("segments", "statistics of clusters are those of a table that repeats rows"),
    ],
)
def test_pages_say_what_they_do_with_weights(shared_app, page, sentence):
    app = paste(shared_app, WEIGHTED.replace("w", "my_w"))
    labeled(app.selectbox, "Weights of rows (optional)").set_value("my_w").run()
    app.switch_page(f"pages/{page}/page.py").run()
    assert not app.exception
    assert sentence in texts_of(app)
    app.switch_page("pages/data/page.py").run()

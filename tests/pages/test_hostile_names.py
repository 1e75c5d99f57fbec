"""Hostile names on all pages: nothing raises, and names are text, never markup, variables or links."""

import html
import json

import numpy as np
import pytest

from pages.datasets.formatting import MAX_TITLE_LENGTH, escape_html, escape_title
from pages.figures.summaries import distinct_names
from pages.mixture import sections
from pages.runs.segments import Edit
from tests import hostile
from tests.pages.app import latest, opened
from tests.pages.faults import faults_of

SECTIONS = ("overview", "columns", "pictures", "rules", "one_row", "edit", "stability", "p_values", "new_rows")
"""of the Segments page"""


def labeled(elements, label: str):
    return next(element for element in elements if element.label == label)


def show(app, page: str):
    app.switch_page(f"pages/{page}/page.py").run()
    assert not app.error, [error.value for error in app.error]
    return app


def titles_of(app) -> list[str]:
    """The titles of the axes of all figures, as they are read."""
    layouts = [json.loads(one.proto.spec)["layout"] for one in app.get("plotly_chart")]
    return [
        html.unescape(layout[axis]["title"]["text"])
        for layout in layouts
        for axis in layout
        if "axis" in axis
        if "text" in layout[axis].get("title", {})
    ]


@pytest.fixture(scope="module")
def app():
    """A session with an uploaded workbook that has hostile names wherever it can have names; formulas are shown."""
    app = opened("/data?source=Upload")
    app.file_uploader(key="file").set_value((f"{hostile.TITLE}.xlsx", hostile.workbook(), "application/octet-stream")).run()
    labeled(app.selectbox, "Column of row names").set_value(hostile.ROW_NAMES).run()
    labeled(app.selectbox, "True labels (optional)").set_value(hostile.LABELS).run()
    assert faults_of(app) == []
    assert labeled(app.selectbox, "Sheet").options == list(hostile.SHEETS)
    data = app.session_state["last data"]
    assert {hostile.IMAGE, hostile.BREAK, '"><b>', "__proto__"} < {*data.columns}
    assert hostile.IMAGE in data.names
    for key, value in dict(runs=10, k_up_to=3, best_of=1, formulas=True).items():
        app.session_state[key] = value
    return app


@pytest.mark.one_in(3)
@pytest.mark.parametrize("page", ["watch", "hierarchy", "density", "mixture", "compare", "restarts", "choose_k", "report"])
def test_names_are_text_on_every_page(app, page):
    show(app, page)
    if any(box.label == "X axis" for box in app.selectbox):
        columns = app.session_state["last data"].columns
        labeled(app.selectbox, "X axis").set_value(columns.index(hostile.BREAK)).run()
        labeled(app.selectbox, "Y axis").set_value(columns.index('"><b>')).run()
        if page != "report":  # its figures are images
            assert {"a b", '"><b>'} <= {*titles_of(app)}
    assert faults_of(app) == []


def test_names_are_text_in_every_section_about_segments(app):
    show(app, "segments")
    segments = latest(app, "segments")
    names = tuple(Edit("rename", (i,), name=name) for i, name in enumerate(hostile.SEGMENTS))
    app.session_state["segment edits"] = {(segments.data.key, segments.run.settings): names}
    app.session_state["segments_column"] = hostile.CATEGORIES
    for section in SECTIONS:
        app.button_group(key="segments_section").set_value(section).run()
        assert faults_of(app) == [], section
    for page in ("watch", "compare", "report", "mixture"):
        assert faults_of(show(app, page)) == [], page


def test_each_section_about_segments_is_tested(app):
    show(app, "segments")
    assert len(app.button_group(key="segments_section").proto.options) == len(SECTIONS)


def test_names_are_text_in_every_section_about_a_mixture(app):
    show(app, "mixture")
    for section in sections.SECTIONS.keys() - {"truth"}:  # which is known for simulated data only
        app.button_group(key="section").set_value(section).run()
        assert faults_of(app) == [], section


def pasted(text: str):
    app = opened("/data?source=Upload")
    app.button_group(key="input").set_value("paste").run()
    return app.text_area(key="pasted").set_value(text).run()


def test_words_that_are_compared_are_text():
    app = pasted(hostile.csv_text([[f"<b>{hostile.TITLE}"], *[[name] for name in hostile.NAMES]]))
    assert faults_of(app) == []
    assert hostile.IMAGE in app.session_state["last data"].names
    app.session_state["algorithm"] = "kmedoids"
    for page in ("watch", "hierarchy", "compare", "report", "segments"):
        assert faults_of(show(app, page)) == [], page


def test_names_of_a_distance_matrix_are_text():
    points = np.arange(len(hostile.NAMES))
    rows = [["", *hostile.NAMES], *([name, *map(str, abs(points - i))] for i, name in enumerate(hostile.NAMES))]
    app = pasted(hostile.csv_text(rows))
    assert app.session_state["last data"].precomputed is not None
    assert faults_of(app) == []
    assert faults_of(show(app, "hierarchy")) == []


@pytest.mark.parametrize(
    "text", [*hostile.NAMES, hostile.csv_text([[hostile.IMAGE], ["[x](javascript:alert(1))"]]), "<table><tr><td>1"]
)
def test_pasted_text_that_is_no_table_is_text(bare, text):
    assert faults_of(bare.text_area(key="pasted").set_value(text).run()) == []


@pytest.fixture(scope="module")
def bare():
    return pasted("")


def test_items_in_lists_are_text():
    app = opened("/embedding?text=Paste&skipgram_dimension=2")
    app.text_area(key="pasted text").set_value(hostile.item_lists())
    app.button_group(key="text_kind").set_value("items").run()
    assert hostile.IMAGE in latest(app, "run").data.names
    app.session_state["formulas"] = True
    for section in ("neighbors", "analogies", "matrix", "use"):
        app.button_group(key="embedding_section").set_value(section).run()
        assert faults_of(app) == [], section


def test_names_are_text_in_every_view_of_the_data(app):
    show(app, "data")
    views = next(group for group in app.button_group if group.label == "View")
    for view in [option.content for option in views.proto.options]:
        next(group for group in app.button_group if group.label == "View").set_value(view).run()
        assert faults_of(app) == [], view


def test_text_for_figures_is_escaped_as_plotly_decodes_it():
    for name in hostile.NAMES:
        assert html.unescape(escape_html(name)) == html.unescape(name.replace("&", "&amp;"))
    assert escape_html('"') == '"'
    assert "%{" not in escape_html("%%{x} %{meta}")
    assert escape_title(hostile.BREAK) == "a b"
    assert len(escape_title(hostile.LONG)) == MAX_TITLE_LENGTH


def test_names_of_categories_differ_from_each_other_and_from_the_properties_of_objects():
    assert distinct_names(["constructor", "a", "a", "constructor"]) == ["constructor ", "a", "a ", "constructor  "]

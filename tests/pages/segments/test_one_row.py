"""The section “Explain a row” of the Segments page."""

import numpy as np
import pytest

from pages.runs.segments import Edit
from pages.segments import one_row
from pages.ui.segments import EDITS, SELECTED
from tests.pages.app import latest, opened, opened_with_pasted
from tests.pages.segments.test_page import TEXT, shown, shown_html


def chooser(app):
    """The widget that chooses the row: a list or a number."""
    return next(one for one in (*app.selectbox, *app.number_input) if one.key and one.key.startswith("segments_row "))


def test_a_row_has_its_values_its_distances_and_the_changes_to_each_other_segment():
    app = opened_with_pasted(TEXT)
    app.switch_page("pages/segments/page.py").run()
    app.button_group(key="segments_section").set_value("one_row").run()
    html, space = shown_html(app), latest(app, "row space")
    assert "<th scope='row'>plan</th><td>a</td>" in html
    assert "<th scope='row'>name</th><td>c0</td>" in html
    point, centers = space.segments.data.points[0], space.segments.centers
    for distance in np.linalg.norm(centers - point, axis=1):
        assert f"<td>{one_row.format_short(distance)}</td>" in html
    others = [i for i in range(3) if i != space.segments.labels[0]]
    for i in others:
        for sentence in space.sentences(0, space.change(0, i)):
            assert sentence in html
    assert "the segments stay where they are" in shown(app)
    chooser(app).set_value(7).run()
    assert "<th scope='row'>name</th><td>c7</td>" in shown_html(app)
    assert not app.exception


def test_a_click_on_a_point_chooses_its_row(monkeypatch):
    app = opened("/segments?n=60&segments_section=Explain a row")
    callbacks = []
    monkeypatch.setattr(
        one_row, "show_chart", lambda figure, on_select, **options: callbacks.append((options["key"], on_select, figure))
    )
    app.run()
    key, on_select, figure = callbacks[-1]
    assert figure.data[0].customdata[12] == 12
    monkeypatch.setattr(one_row.st, "session_state", {key: {"selection": {"points": [{"customdata": 12}]}}})
    on_select()
    assert one_row.st.session_state[chooser(app).key] == 12


def test_the_first_selected_row_is_offered():
    app = opened("/segments?n=60&segments_section=Explain a row")
    app.session_state[SELECTED] = latest(app, "run").data.key, np.array([20, 31])
    app.run()
    next(button for button in app.button if button.label.startswith("First selected")).click().run()
    assert chooser(app).value == 20
    assert not [button for button in app.button if button.label.startswith("First selected")]


def test_many_rows_are_chosen_by_their_number_and_dropped_ones_are_named(monkeypatch):
    monkeypatch.setattr(one_row, "MAX_LISTED", 10)
    app = opened_with_pasted(TEXT.replace("\nc5,60,", "\nc5,,"))
    app.switch_page("pages/segments/page.py").run()
    app.button_group(key="segments_section").set_value("one_row").run()
    chooser(app).set_value(9).run()
    assert "<th scope='row'>name</th><td>c8</td>" in shown_html(app)
    missing = next(number for number in range(1, 61) if number not in latest(app, "run").data.rows)
    chooser(app).set_value(missing).run()
    assert f"Row number {missing}" in shown(app) or f"Row {missing}" in shown(app)
    assert "a value is missing" in shown(app)
    assert not app.exception


@pytest.mark.parametrize("title", ["Gaussian mixture", "Fuzzy c-means", "K-medoids", "Hierarchical clustering"])
def test_other_methods_have_changes_and_soft_ones_memberships(title):
    app = opened(f"/segments?algorithm={title}&n=100&segments_section=Explain a row")
    html, segments = shown_html(app), latest(app, "segments")
    assert html.count("One column: ") == 2
    if segments.memberships is not None:
        for share in segments.memberships[0]:
            assert f"<td>{share:.1%}</td>" in html
    assert not app.exception


def test_edited_segments_and_rows_in_none_have_changes():
    app = opened("/segments?n=60&segments_section=Explain a row")
    run = latest(app, "run")
    edit = Edit("drop", (0,))
    app.session_state[EDITS] = {(run.data.key, run.settings): (edit,)}
    app.run()
    row = int(np.flatnonzero(latest(app, "segments").labels < 0)[0])
    chooser(app).set_value(row).run()
    html = shown_html(app)
    assert "no segment" in html
    assert "No change is needed: by this rule, the row is there already." in html
    assert "nearest mean, because the segments were edited" in shown(app).replace("\\", "")
    assert not app.exception


def test_a_distance_matrix_shows_distances_but_no_changes():
    app = opened_with_pasted("5\na\nb 1\nc 5 5\nd 6 6 1\ne 9 9 9 9\n")
    app.switch_page("pages/segments/page.py").run()
    app.selectbox(key="algorithm").set_value("kmedoids").run()
    app.button_group(key="segments_section").set_value("one_row").run()
    assert "Mean distance to its other" in shown_html(app)
    assert "There are no changes to show: these data are a distance matrix" in shown(app).replace("\\", "")
    assert not app.exception
    assert not app.error


def test_one_segment_has_no_other():
    app = opened("/segments?k=1&n=60&segments_section=Explain a row")
    assert "would move it" not in " ".join(heading.value for heading in app.subheader)
    assert not app.exception

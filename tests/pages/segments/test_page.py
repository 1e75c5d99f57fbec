"""The Segments page."""

import re

import pytest

from pages.methods import methods_for_points
from pages.methods.traits import WATCH
from pages.runs import pictures
from pages.runs.frames import frames_of
from pages.runs.segments import Edit
from tests.pages.app import latest, opened, opened_with_pasted

TEXT = "name,age,plan,spend\n" + "\n".join(
    f"c{i},{20 + i % 3 * 20 + i % 5},{'abc'[i % 3]},{100 * (i % 3) + i % 7}" for i in range(60)
)


def shown_html(app) -> str:
    return "".join(element.proto.body for element in app.get("html"))


def shown(app) -> str:
    return " ".join(element.value for kind in ("markdown", "caption", "info", "warning", "error") for element in app.get(kind))


@pytest.fixture
def app():
    app = opened_with_pasted(TEXT)
    app.switch_page("pages/segments/page.py").run()
    assert not app.exception
    return app


def test_each_segment_has_a_card_with_its_size_sentence_and_rows_of_the_whole_table(app):
    segments = latest(app, "segments")
    page, tables = shown(app), shown_html(app)
    for i in range(3):
        assert f"{segments.sizes[i]} rows ({segments.sizes[i] / 60:.0%})" in page
        assert f"Cluster {i + 1}" in tables
    assert re.search(r"plan = \w+ more often \(", page.replace("\\", ""))
    assert "“Highest” and “lowest” rank the segment's mean among all segments." in page
    assert tables.count("Most typical") == 3
    for column in ("name", "age", "plan", "spend"):
        assert f"<th scope='col'>{column}</th>" in tables


def test_a_name_is_shown_on_the_card_and_kept_on_other_pages_and_undone_by_an_empty_name(app):
    app.text_input[-3].set_value(" Young <b> ").run()
    assert "Young &lt;b&gt;" in shown_html(app)
    app.switch_page("pages/watch/page.py").run()
    app.switch_page("pages/segments/page.py").run()
    assert latest(app, "segments").names == ("Young <b>", "Cluster 2", "Cluster 3")
    app.text_input[-3].set_value("").run()
    assert latest(app, "segments").names[0] == "Cluster 1"
    assert not app.exception


def test_columns_are_ranked_with_means_by_segment_and_a_band_of_noise():
    app = opened("/segments?table=Iris&source=Built-in&segments_section=Columns")
    band = latest(app, "noise")
    assert band.effects.shape == (20, 4)
    page = shown(app)
    assert "A test of the columns by which the rows were clustered proves nothing" in page
    assert "species = setosa" in shown_html(app)
    assert not app.exception


@pytest.mark.one_in(3)
@pytest.mark.parametrize("title", [view.title for view in methods_for_points(WATCH).values()])
def test_every_method_with_clusters_has_segments_and_others_say_so(title):
    app = opened(f"/segments?algorithm={title}&n=100&segments_section=Columns")
    errors = [error.value for error in app.error]
    if "has no clusters" in "".join(errors):
        assert title == "Probabilistic PCA"
    else:
        assert not errors
        assert latest(app, "segments").run.view.title == title


def test_one_cluster_is_all_rows():
    app = opened("/segments?k=1&n=100")
    assert "All rows." in shown(app).replace("\\", "")


def test_the_stability_of_each_segment_is_computed_and_then_on_its_card():
    app = opened("/segments?n=100&segments_section=Stability")
    assert "Found again: Cluster 1 in" in shown(app).replace("\\", "")
    assert "Stability of the segments" in shown_html(app)
    app.button_group(key="segments_section").set_value("overview").run()
    assert "Found again in" in shown(app)
    app.switch_page("pages/report/page.py").run()
    assert "Found again: Cluster 1 in" in shown_html(app)
    assert not app.exception


def test_names_are_in_the_pictures_and_tables_of_other_pages():
    app = opened("/segments?n=100")
    app.text_input[-3].set_value("Loyal & old").run()
    app.switch_page("pages/mixture/page.py").run()
    assert not app.exception
    app.switch_page("pages/watch/page.py").run()
    assert "1: Loyal &amp; old" in shown_html(app)  # the table of clusters
    assert "Loyal &amp; old" in latest(app, "figures")[0].to_json()
    assert "1: Loyal & old" in pictures.alt_text(latest(app, "named run"), frames_of(latest(app, "named run"))[0][-1])


def test_names_are_not_shown_for_clusters_whose_rows_were_moved_on_the_segments_page():
    app = opened("/segments?n=100")
    app.text_input[-3].set_value("Loyal").run()
    edits = app.session_state["segment edits"]
    (key,) = edits
    edits[key] = (*edits[key], Edit("merge", (0, 1)))
    app.switch_page("pages/watch/page.py").run()
    assert not app.exception
    assert "Loyal" not in latest(app, "figures")[0].to_json()


def test_names_and_edits_are_in_the_link_and_come_back_with_it():
    app = opened("/segments?n=100")
    app.text_input[-3].set_value("Loyal & old").run()
    assert app.query_params["edits"] == '[["rename",[0],[],"Loyal & old"]]'
    again = opened('/segments?n=100&edits=[["rename",[0],[],"Loyal and old"]]')
    assert latest(again, "segments").names[0] == "Loyal and old"
    assert not again.warning
    again.number_input(key="k").set_value(4).run()
    assert "edits" not in again.query_params
    assert latest(again, "segments").names[0] == "Cluster 1"
    again.number_input(key="k").set_value(3).run()
    assert latest(again, "segments").names[0] == "Loyal and old"


@pytest.mark.parametrize("text", ["no edits", '[["rename",[7],[],"x"]]', '[["paint",[0]]]', "[[]]", "7", '[["merge",[0]]]'])
def test_edits_in_a_link_that_are_impossible_are_listed_as_ignored(text):
    app = opened(f"/segments?n=100&edits={text}")
    assert "edits" in app.warning[0].value
    assert latest(app, "segments").names[0] == "Cluster 1"


def test_edits_of_uploaded_data_are_not_in_the_address(app):
    app.text_input[-3].set_value("Young").run()
    assert "edits" not in app.query_params


def test_named_and_edited_segments_are_compared_with_other_runs():
    app = opened('/segments?n=100&edits=[["merge",[0,1]],["rename",[0],[],"Both <b>"]]')
    segments = latest(app, "segments")
    app.switch_page("pages/compare/page.py").run()
    assert not app.exception
    names = app.selectbox(key="compared").options
    assert "Segments" in names
    app.selectbox(key="compared").set_value("Segments").run()
    assert "The segments" in shown(app)
    assert any("Both <b>" in option for box in app.selectbox if box.label == "Highlight" for option in box.options)
    app.switch_page("pages/segments/page.py").run()
    app.session_state["segment edits"][segments.data.key, segments.run.settings] = ()
    app.run()
    app.switch_page("pages/compare/page.py").run()
    assert "Segments" not in app.selectbox(key="compared").options


def test_every_section_and_the_report_work_after_all_segments_were_dropped():
    app = opened('/segments?n=100&edits=[["drop",[0]],["drop",[0]],["drop",[0]]]')
    assert latest(app, "segments").k == 0
    for section in ("columns", "pictures", "rules", "one_row", "edit", "stability", "p_values", "new_rows"):
        app.button_group(key="segments_section").set_value(section).run()
        assert not app.exception, section
    app.switch_page("pages/report/page.py").run()
    assert not app.exception

"""The section Edit of the Segments page."""

import numpy as np
import pytest

from clustering import adjusted_rand_index, v_measure, within_groups
from pages.datasets.formatting import escape_markdown, format_number
from pages.methods import settings
from pages.runs.cache import RecentCache
from pages.runs.run import make_run
from pages.runs.segments import Edit, segments_of
from pages.segments.edit import common_rows, edit_texts, positions_of, start_settings
from tests.pages.app import latest, opened
from tests.pages.checks import proximities, sample, silent, wide_sample

ADDRESS = "/segments?segments_section=Edit&n=100"


def start(data=None, name: str = "kmeans", k: int = 3, edits=()):
    return segments_of(make_run(data or sample(), settings(name, k), RecentCache(), silent), edits)


def button(app, label: str):
    return next(one for one in app.button if one.label == label)


def click(app, label: str) -> None:
    button(app, label).click().run()
    assert not app.exception


def shown(app) -> str:
    return " ".join(element.value for kind in ("markdown", "caption", "error") for element in app.get(kind))


def html(app) -> str:
    return "".join(element.proto.body for element in app.get("html"))


@pytest.fixture
def app():
    return opened(ADDRESS)


def test_each_edit_is_a_sentence_with_the_names_and_sizes_before_it():
    edits = (
        Edit("rename", (0,), name="Young"),
        Edit("split", (1,)),
        Edit("merge", (0, 1)),
        Edit("move", (1,), (0,)),
        Edit("create", rows=(1, 2), name="Two"),
        Edit("drop", (0,)),
    )
    sizes = [segments_of(start().run, edits[:i]).sizes for i in range(len(edits) + 1)]
    assert edit_texts(start(edits=edits)) == [
        "Cluster 1 is named Young.",
        f"Cluster 2 ({sizes[1][1]} points) is split into {sizes[2][1]} and {sizes[2][3]} points.",
        f"Young ({sizes[2][0]} points) and Segment 2 ({sizes[2][1]} points) are merged.",
        "1 point is moved to Segment 2.",
        "2 points become a segment: Two.",
        f"Young ({sizes[5][0]} points) is dropped as noise.",
    ]


def test_row_numbers_are_those_of_the_table_and_ranges_include_both_ends():
    data = sample().subset(np.arange(4, 60, 2))  # rows 5, 7, …, 59
    assert positions_of(" 5, 9 – 13;7 59 ", data) == (0, 1, 2, 3, 4, 27)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "Enter at least one row number."),
        ("5, x", "“x” is not a row number"),
        ("12-8", "must be in 5..59, the smaller one first, got 12-8"),
        ("1-6", "must be in 5..59"),
        ("99999999999", "must be in 5..59"),
        ("6", "None of these rows was clustered"),
    ],
)
def test_wrong_row_numbers_are_explained(text, message):
    with pytest.raises(ValueError, match=message):
        positions_of(text, sample().subset(np.arange(4, 60, 2)))


def test_segments_are_merged_split_and_dropped_and_undo_takes_it_back(app):
    original = latest(app, "segments")
    click(app, "Merge")
    merged = latest(app, "segments")
    assert merged.sizes.tolist() == [original.sizes[:2].sum(), original.sizes[2]]
    click(app, "Split in two")
    assert latest(app, "segments").k == 3
    click(app, "Drop as noise")
    assert (latest(app, "segments").labels < 0).sum() > 0
    assert "No segment" in html(app)
    click(app, "Undo")
    click(app, "Undo")
    np.testing.assert_array_equal(latest(app, "segments").labels, merged.labels)
    click(app, "Split in two")
    click(app, "Undo all")
    assert latest(app, "segments").edits == ()
    np.testing.assert_array_equal(latest(app, "segments").labels, original.labels)
    assert "No edits yet." in shown(app)


def test_two_equal_choices_are_an_error_on_the_page_until_the_next_edit(app):
    next(one for one in app.selectbox if one.label == "with").set_value(0).run()
    click(app, "Merge")
    assert "Choose two different segments to merge" in app.error[0].value
    assert latest(app, "segments").edits == ()
    app.run()
    assert not app.error


def test_rows_are_moved_by_number_and_wrong_numbers_stay_in_the_field(app):
    field = next(one for one in app.text_input if one.label == "Row numbers")
    field.set_value("1-3 oops").run()
    click(app, "Move")
    assert "“oops” is not a row number" in app.error[0].value
    field = next(one for one in app.text_input if one.label == "Row numbers")
    assert field.value == "1-3 oops"
    field.set_value("1-3").run()
    next(one for one in app.selectbox if one.label == "to").set_value(2).run()
    click(app, "Move")
    assert latest(app, "segments").labels[:3].tolist() == [2, 2, 2]
    assert next(one for one in app.text_input if one.label == "Row numbers").value == ""


def test_edited_segments_are_compared_with_the_original_clusters(app):
    original = latest(app, "segments")
    click(app, "Merge")
    click(app, "Split in two")
    edited = latest(app, "segments")
    index = adjusted_rand_index(original.labels, edited.labels)
    assert f"Adjusted Rand index: **{index:.3f}**" in shown(app)
    for segments in (original, edited):
        assert escape_markdown(format_number(within_groups(segments.data.points, segments.labels))) in shown(app)
    counts = [[((edited.labels == i) & (original.labels == j)).sum() for j in range(3)] for i in range(3)]
    table = "".join(
        f"<tr><th scope='row'>Segment {i + 1}</th>{''.join(f'<td>{n}</td>' for n in line)}</tr>"
        for i, line in enumerate(counts)
    )
    assert table in html(app)


def test_dropped_points_are_left_out_of_the_index_and_the_loss(app):
    click(app, "Drop as noise")
    assert "Adjusted Rand index: **1.000**, without" in shown(app)
    edited = latest(app, "segments")
    rows = edited.labels >= 0
    assert escape_markdown(format_number(within_groups(edited.data.points[rows], edited.labels[rows]))) in shown(app)


def test_segments_are_compared_with_another_method_and_with_the_true_labels(app):
    segments = latest(app, "segments")
    other = app.selectbox(key="segments_other").set_value("kmedoids").run()
    assert not other.exception
    run = latest(app, "run")
    assert run.settings.k == 3
    assert f"Adjusted Rand index: **{adjusted_rand_index(segments.labels, run.labels):.3f}**" in shown(app)
    app.selectbox(key="segments_other").set_value("true labels").run()
    assert f"Adjusted Rand index: **{adjusted_rand_index(segments.labels, segments.data.labels):.3f}**" in shown(app)
    assert f"V-measure: **{v_measure(segments.data.labels, segments.labels).v_measure:.3f}**" in shown(app)


def test_runs_on_samples_are_compared_on_their_common_rows():
    one, other = start(sample().sample(20)).run, start(sample().sample(40)).run
    mine, theirs = common_rows(one, other)
    np.testing.assert_array_equal(one.data.points[mine], other.data.points[theirs])
    assert len(mine) == len(np.intersect1d(one.data.rows, other.data.rows)) > 0


@pytest.mark.parametrize("query", ["", "&table=Iris&source=Built-in"])
def test_an_algorithm_starts_from_the_means_of_the_edited_segments(query):
    app = opened(ADDRESS + query)
    click(app, "Split in two")
    centers = latest(app, "segments").centers
    click(app, "Start K-means from these segments")
    app.switch_page("pages/watch/page.py").run()
    run = latest(app, "run")
    assert (run.settings.k, run.settings.start.initialization) == (4, "hand")
    np.testing.assert_allclose(run.centers[0], centers, atol=1e-4)
    app.switch_page("pages/segments/page.py").run()
    assert latest(app, "segments").k == 4
    assert not app.exception


def test_the_start_is_for_the_own_method_or_else_for_one_that_can_have_manual_centers():
    found = start_settings(start(proximities(), "kmedoids", 2))
    assert (found.method, found.k) == ("kmedoids", 2)
    split = start(name="kmedoids", edits=(Edit("split", (0,)),))
    assert start_settings(split).k == 4
    assert start_settings(split).options == split.run.settings.options
    assert start_settings(start(wide_sample(), "mixture")).start.initialization == "hand"

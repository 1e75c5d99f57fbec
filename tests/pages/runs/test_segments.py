"""Edits of segments by hand."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustering import adjusted_rand_index
from pages.methods import settings
from pages.runs.cache import RecentCache
from pages.runs.run import make_run
from pages.runs.segments import MAX_SEGMENTS, Edit, Segments, segments_of
from tests.core.tables import examples
from tests.pages.checks import proximities, sample, silent


def start(k: int = 3) -> Segments:
    return segments_of(make_run(sample(), settings("kmeans", k), RecentCache(), silent))


START = start()


def look(segments: Segments) -> dict:
    """Rows of each segment by name and rank."""
    return {
        (name, rank): np.flatnonzero(segments.labels == i).tolist()
        for i, (name, rank) in enumerate(zip(segments.given_names, segments.ranks, strict=True))
    }


def named() -> Segments:
    segments = START
    for i, name in enumerate("ABC"):
        segments = segments.edited(Edit("rename", (i,), name=f" {name} "))
    return segments


@st.composite
def edits(draw):
    """A sequence of possible edits of `START`."""
    segments = START
    for kind in draw(st.lists(st.sampled_from(["rename", "merge", "split", "move", "create", "drop"]), max_size=6)):
        if segments.k < (2 if kind == "merge" else 1):
            continue
        which = draw(st.permutations(range(segments.k)))[: 2 if kind == "merge" else 0 if kind == "create" else 1]
        rows = draw(st.sets(st.integers(0, 59), min_size=1, max_size=9)) if kind in ("move", "create") else ()
        edit = Edit(kind, tuple(which), tuple(sorted(rows)), "name" if kind in ("rename", "create") else "")
        if kind != "split" or len(np.unique(segments.data.points[segments.labels == which[0]], axis=0)) > 1:
            segments = segments.edited(edit)
    return segments


@examples(40)
@given(edits())
def test_after_any_edits_labels_names_colors_and_sizes_fit_and_repeating_them_gives_the_same(segments):
    assert len(segments.names) == len(segments.ranks) == len(set(segments.ranks)) == segments.k
    assert set(segments.labels) <= set(range(-1, segments.k))
    assert segments.sizes.sum() == (segments.labels >= 0).sum()
    again = segments_of(segments.run, segments.edits)
    np.testing.assert_array_equal(again.labels, segments.labels)
    assert look(again) == look(segments)
    np.testing.assert_array_equal(START.labels, start().labels)  # edits change no earlier segments
    if segments.edits:
        before = segments_of(segments.run, segments.edits[:-1])
        np.testing.assert_array_equal(before.edited(segments.edits[-1]).labels, segments.labels)


def test_a_merged_segment_has_the_rows_of_both_and_the_name_and_color_of_the_first():
    before, after = named(), named().edited(Edit("merge", (2, 0)))
    assert after.sizes.tolist() == [before.sizes[0] + before.sizes[2], before.sizes[1]]
    assert (after.names, after.ranks) == (("A", "B"), (0, 1))
    unnamed = START.edited(Edit("rename", (1,), name="Loyal")).edited(Edit("merge", (0, 1)))
    assert unnamed.names == ("Loyal", "Segment 2")


def test_a_split_followed_by_a_merge_of_the_halves_changes_nothing():
    before = named()
    split = before.edited(Edit("split", (1,)))
    assert split.sizes[1] >= split.sizes[3] > 0
    assert split.sizes[1] + split.sizes[3] == before.sizes[1]
    assert split.ranks == (0, 1, 2, 3)
    assert look(split.edited(Edit("merge", (1, 3)))) == look(before)


def test_moved_rows_leave_their_segments_and_a_created_segment_has_exactly_its_rows():
    moved = named().edited(Edit("move", (2,), (0, 1, 2)))
    assert moved.labels[:3].tolist() == [2, 2, 2]
    np.testing.assert_array_equal(moved.labels[3:], START.labels[3:])
    created = moved.edited(Edit("create", rows=(1, 5), name="New"))
    assert np.flatnonzero(created.labels == 3).tolist() == [1, 5]
    assert created.names == ("A", "B", "C", "New")


def test_the_rows_of_a_dropped_segment_are_noise_and_its_color_is_free_for_the_next_one():
    dropped = named().edited(Edit("drop", (1,)))
    np.testing.assert_array_equal(dropped.labels < 0, START.labels == 1)
    assert look(dropped) == {key: rows for key, rows in look(named()).items() if key[0] != "B"}
    assert dropped.edited(Edit("create", rows=(0,))).ranks == (0, 2, 1)
    back = dropped.edited(Edit("create", rows=tuple(np.flatnonzero(dropped.labels < 0).tolist())))
    assert adjusted_rand_index(back.labels, START.labels) == 1


def test_renaming_is_no_edit_of_rows_but_all_other_edits_are():
    assert not named().is_edited
    assert START.names == ("Cluster 1", "Cluster 2", "Cluster 3")
    assert START.edited(Edit("move", (0,), (0,))).names == ("Segment 1", "Segment 2", "Segment 3")


def test_the_centers_of_edited_segments_are_means_of_their_rows():
    after = START.edited(Edit("move", (0,), tuple(range(30))))
    for i in range(3):
        np.testing.assert_allclose(after.centers[i], sample().points[after.labels == i].mean(axis=0))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (Edit("merge", (1, 1)), "Choose two different segments"),
        (Edit("merge", (1, 3)), "no longer exists"),
        (Edit("move", (0,), (60,)), "no longer exists"),
        (Edit("move", (0,)), "Select at least one row"),
        (Edit("create"), "Select at least one row"),
    ],
)
def test_impossible_edits_say_why(edit, message):
    with pytest.raises(ValueError, match=message):
        START.edited(edit)


def test_a_segment_of_equal_rows_cannot_be_split_and_the_number_of_segments_is_limited():
    data = replace(sample(), points=np.repeat([[0.0, 0.0], [9.0, 9.0]], 30, axis=0), key="equal")
    segments = segments_of(make_run(data, settings("kmeans", 2), RecentCache(), silent))
    with pytest.raises(ValueError, match="Cluster 1 cannot be split: it needs at least two different rows"):
        segments.edited(Edit("split", (0,)))
    full = replace(START, given_names=("",) * MAX_SEGMENTS, ranks=tuple(range(MAX_SEGMENTS)))
    with pytest.raises(ValueError, match=f"at most {MAX_SEGMENTS} segments"):
        full.edited(Edit("create", rows=(1,)))


def test_segments_of_a_distance_matrix_can_be_split_and_merged():
    segments = segments_of(make_run(proximities(), settings("kmedoids", 2), RecentCache(), silent))
    split = segments.edited(Edit("split", (0,)))
    assert split.k == 3
    np.testing.assert_array_equal(split.edited(Edit("merge", (0, 2))).labels, segments.labels)

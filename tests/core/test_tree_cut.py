"""Hierarchical clustering as a process: by hand, against the tree and SciPy, history, notices, invalid arguments."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage

from clustering import (
    LINKAGES,
    History,
    TreeCut,
    adjusted_rand_index,
    best_of,
    fit,
    iterate,
    notices,
    proximity_matrix,
    restarts,
    three_gaussians,
    tree_of_points,
    tree_of_proximities,
)

LINE = [[0.0], [1.0], [5.0], [7.0], [20.0]]
TRIANGLE_AND_DISTANT_POINT = [[0.0, 0.0], [1.0, 0.0], [0.5, 0.9], [9.0, 0.0]]
"""with centroid linkage the second merge, at 0.9, is lower than the first, at 1: an inversion"""
POINTS = three_gaussians(60, np.random.default_rng(2)).points


def names(state):
    return [notice.name for notice in state.notices]


# by hand


def test_five_points_on_a_line_by_hand():
    states = list(iterate(TreeCut(2), LINE))
    assert [state.phase for state in states] == ["merge"] * 4
    assert [state.iteration for state in states] == [0, 1, 2, 3]
    assert [state.parameters.merges for state in states] == [0, 1, 2, 3]
    assert [state.parameters.next for state in states] == [None] * 4
    assert [state.loss for state in states] == [0, 1, 2, 5.5]
    assert [state.converged for state in states] == [False, False, False, True]
    assert [state.assignment.changed for state in states] == [5, 2, 2, 1]
    others, last = states[-1].labels[[0, 4]]
    assert {others, last} == {0, 1}
    assert states[0].labels.tolist() == [-1] * 5
    assert states[1].labels.tolist() == [others, others, -1, -1, -1]
    assert states[2].labels.tolist() == [others, others, others, others, -1]
    assert states[3].labels.tolist() == [others, others, others, others, last]
    assert [state.assignment.sizes[others] for state in states] == [0, 2, 4, 4]
    assert [state.assignment.sizes[last] for state in states] == [0, 0, 0, 1]


def test_the_history_has_a_state_before_each_merge():
    history = History.record(TreeCut(2), LINE)
    between = [state for state in history.states if state.phase == "nearest"]
    assert [state.phase for state in history.states] == ["start", "merge", *["nearest", "merge"] * 3]
    assert [state.iteration for state in between] == [1, 2, 3]
    assert [(state.parameters.merges, state.parameters.next) for state in between] == [(0, 0), (1, 1), (2, 2)]
    assert [state.loss for state in between] == history.half_losses.tolist() == [1, 2, 5.5]
    assert history.losses.tolist() == [0, 1, 2, 5.5]
    assert history.positions.tolist() == [0, 0, 0.5, 1, 1.5, 2, 2.5, 3]
    np.testing.assert_array_equal(history.assignment(4).labels, history.assignment_of_iteration(1).labels)
    assert (history.assignment(4).labels >= 0).tolist() == [True, True, False, False, False]


# against the tree and SciPy


@pytest.mark.parametrize("kind", LINKAGES)
@pytest.mark.parametrize("k", [1, 2, 7, 59, 60])
def test_final_labels_and_losses_match_the_tree(kind, k):
    tree = tree_of_points(POINTS, kind)
    states = list(iterate(TreeCut(k, kind), POINTS))
    np.testing.assert_array_equal(states[-1].labels, tree.labels(k))
    np.testing.assert_array_equal(states[-1].assignment.sizes, np.bincount(tree.labels(k)))
    first = max(0, 60 - k - TreeCut.steps)
    np.testing.assert_array_equal([state.loss for state in states], np.append(0.0, tree.heights)[first : 60 - k + 1])
    assert [state.parameters.merges for state in states] == list(range(first, 60 - k + 1))


@pytest.mark.parametrize("kind", ["single", "complete", "average", "ward"])
@pytest.mark.parametrize("k", [2, 3, 11])
def test_clusters_match_scipy(kind, k):
    expected = fcluster(linkage(POINTS, kind), k, "maxclust")
    assert adjusted_rand_index(fit(TreeCut(k, kind), POINTS).labels, expected) == 1


@pytest.mark.parametrize("kind", LINKAGES)
def test_singletons_have_no_label_and_merged_points_have_their_final_label(kind):
    tree = tree_of_points(POINTS, kind)
    states = list(iterate(TreeCut(4, steps=100), tree))
    assert len(states) == 57
    for state in states[:-1]:
        clusters = tree.labels_after(state.parameters.merges)
        singleton = np.bincount(clusters)[clusters] == 1
        np.testing.assert_array_equal(state.labels, np.where(singleton, -1, tree.labels(4)))
        np.testing.assert_array_equal(state.assignment.sizes, np.bincount(tree.labels(4)[~singleton], minlength=4))
    for before, after in pairwise(states):
        assert after.assignment.changed == np.count_nonzero(before.labels != after.labels)


def test_one_tree_can_be_cut_at_any_k_for_any_dissimilarities():
    tree = tree_of_proximities(proximity_matrix(POINTS, "manhattan"), "complete")
    for k in (1, 5, 60):
        assert TreeCut(k).prepare(tree) is tree
        np.testing.assert_array_equal(fit(TreeCut(k), tree).labels, tree.labels(k))


@pytest.mark.parametrize("steps", [0, 1, 5, 56, 57, 80])
def test_only_the_last_merges_have_states(steps):
    states = list(iterate(TreeCut(3, steps=steps), POINTS))
    assert len(states) == min(steps, 57) + 1
    assert states[0].parameters.merges == max(0, 57 - steps)
    assert [state.converged for state in states] == [False] * (len(states) - 1) + [True]


def test_the_assignments_of_a_history_match_the_run():
    process = TreeCut(3, "ward", steps=30)
    states, history = list(iterate(process, POINTS)), History.record(process, POINTS)
    assert history.iterations == 30
    for t, state in enumerate(states):
        frame = history.assignment_of_iteration(t)
        np.testing.assert_array_equal(frame.labels, state.labels)
        np.testing.assert_array_equal(frame.sizes, state.assignment.sizes)
        assert frame.changed == state.assignment.changed
        assert frame.memberships is None


def test_all_restarts_are_identical():
    runs = list(restarts(TreeCut(3), POINTS, range(3)))
    assert len({tuple(run.losses) for run in runs}) == 1
    assert runs[0].start == (60 - 3 - TreeCut.steps, None)
    assert best_of(2, TreeCut(3), POINTS).loss == runs[0].last.loss


# notices


def test_an_inversion_below_the_cut_is_reported_in_the_last_state_only():
    states = list(iterate(TreeCut(2, "centroid"), TRIANGLE_AND_DISTANT_POINT))
    assert states[1].loss > states[2].loss > 0
    assert [names(state) for state in states] == [[], [], [notices.INVERSION]]
    assert (
        states[-1]
        .notices[0]
        .sentence.startswith(
            "1 merge has a lower height than an earlier merge that formed one of the clusters it joins (inversion)"
        )
    )
    twice = [*TRIANGLE_AND_DISTANT_POINT, *np.add(TRIANGLE_AND_DISTANT_POINT[:3], 100)]
    assert fit(TreeCut(3, "centroid"), twice).notices[0].sentence.startswith("2 merges have a lower height")


def test_an_inversion_above_the_cut_is_not_reported():
    assert names(fit(TreeCut(3, "centroid"), TRIANGLE_AND_DISTANT_POINT)) == []


def test_without_inversions_there_is_no_notice():
    assert names(fit(TreeCut(2, "average"), TRIANGLE_AND_DISTANT_POINT)) == []


def test_a_run_at_the_iteration_limit_has_a_notice_and_is_not_converged():
    states = list(iterate(TreeCut(2, "centroid"), TRIANGLE_AND_DISTANT_POINT, max_iter=1))
    assert [state.parameters.merges for state in states] == [0, 1]
    assert not states[-1].converged
    assert names(states[-1]) == [notices.ITERATION_LIMIT]
    assert (states[-1].labels == -1).sum() == 2


# invalid arguments


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: iterate(TreeCut(6), LINE), r"k must lie in 1\.\.n=5, got 6"),
        (lambda: iterate(TreeCut(0), LINE), r"k must lie in 1\.\.n=5, got 0"),
        (lambda: iterate(TreeCut(6), tree_of_points(LINE)), r"k must lie in 1\.\.n=5, got 6"),
        (lambda: iterate(TreeCut(1), LINE[:1]), "a tree needs at least two points, got 1"),
        (lambda: iterate(TreeCut(1), [[0.0], [np.nan]]), "points must be finite"),
        (lambda: TreeCut(2, "nearest"), "linkage must be one of single, .* got 'nearest'"),
        (lambda: TreeCut(2, steps=-1), "steps must be an integer of at least 0, got -1"),
        (lambda: TreeCut(2, steps=1.5), "steps must be an integer of at least 0, got 1.5"),
        (lambda: iterate(TreeCut(2), LINE, start=[0, 1]), "a tree cut does not accept a start"),
        (lambda: iterate(TreeCut(2), LINE, max_iter=-1), "max_iter must be an integer of at least 0, got -1"),
        (lambda: iterate(TreeCut(2), LINE, tol=-1), "tol must be at least 0, got -1"),
    ],
)
def test_invalid_arguments_raise_an_error_when_called(call, message):
    with pytest.raises(ValueError, match=message):
        call()

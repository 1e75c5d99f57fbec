"""Bisecting K-means: by hand, against scikit-learn, and laws of the sequence of splits."""

from itertools import pairwise

import numpy as np
import pytest
import sklearn.cluster
from hypothesis import given
from hypothesis import strategies as st

from clustering import BisectingKMeans, History, KMeans, best_of, fit, iterate, three_gaussians
from clustering.notices import EMPTY_CLUSTER, ITERATION_LIMIT
from tests.core.tables import SEEDED, examples, numbers, seeds, tables

FOUR = np.array([[0.0], [1.0], [1.0], [10.0], [14.0], [30.0]])


def sample(n=200, seed=0):
    return three_gaussians(n, np.random.default_rng(seed)).points


def partitions(states):
    """For each state its clusters as a set of sets of rows."""
    return [{frozenset(np.flatnonzero(state.labels == k)) for k in range(len(state.assignment.sizes))} for state in states]


def test_the_largest_sum_of_squares_is_split_first_by_hand():
    states = list(iterate(BisectingKMeans(4), FOUR, rng=0))
    assert partitions(states) == [
        {frozenset(range(6))},
        {frozenset(range(5)), frozenset({5})},
        {frozenset({0, 1, 2}), frozenset({3, 4}), frozenset({5})},
        {frozenset({0, 1, 2}), frozenset({3}), frozenset({4}), frozenset({5})},
    ]
    # by hand: sums of squared differences from the means 28/3, 26/5, 2/3 and 12
    assert [state.loss for state in states] == pytest.approx([1198 - 56**2 / 6, 298 - 26**2 / 5, 2 / 3 + 8, 2 / 3])


def test_the_cluster_with_most_points_is_split_first_by_hand():
    states = list(iterate(BisectingKMeans(4, select="size"), FOUR, rng=0))
    assert partitions(states)[2:] == [
        {frozenset({0, 1, 2}), frozenset({3, 4}), frozenset({5})},
        {frozenset({0}), frozenset({1, 2}), frozenset({3, 4}), frozenset({5})},
    ]


@pytest.mark.parametrize(("select", "strategy"), [("loss", "biggest_inertia"), ("size", "largest_cluster")])
@pytest.mark.parametrize("k", [1, 2, 5, 9])
def test_it_matches_scikit_learn_from_the_same_starts(select, strategy, k):
    """scikit-learn starts each split from the centers found here: it must choose the same clusters and change no center."""
    x = sample(211)
    last = fit(BisectingKMeans(k, select=select, runs=2), x, rng=0)
    # scikit-learn subtracts the mean of all points first
    pairs = iter(last.parameters.pairs - x.mean(axis=0))
    peer = sklearn.cluster.BisectingKMeans(k, init=lambda *_, random_state: next(pairs), bisecting_strategy=strategy).fit(x)
    assert last.loss == pytest.approx(peer.inertia_, rel=1e-10)
    assert len(set(zip(last.labels.tolist(), peer.labels_.tolist(), strict=True))) == k
    centers = last.parameters.centers
    np.testing.assert_allclose(centers[np.lexsort(centers.T)], peer.cluster_centers_[np.lexsort(peer.cluster_centers_.T)])


@examples(60)
@given(data=st.data())
def test_each_state_splits_one_cluster_of_the_previous_one_and_lowers_the_loss(data):
    x = data.draw(tables())
    k = data.draw(numbers(len(x)))
    method = BisectingKMeans(
        k, data.draw(st.sampled_from(("loss", "size"))), data.draw(st.sampled_from(SEEDED)), data.draw(st.integers(1, 3))
    )
    states = list(iterate(method, x, rng=data.draw(seeds)))
    rounding = x.size * np.square(1e-14 * np.abs(x).max())
    assert [len(state.assignment.sizes) for state in states] == list(range(1, k + 1))
    assert [state.converged for state in states] == [False] * (k - 1) + [True]
    for state in states:
        assert np.isfinite(state.loss)
        assert np.isfinite(state.parameters.centers).all()
        np.testing.assert_array_equal(state.assignment.sizes, np.bincount(state.labels, minlength=len(state.assignment.sizes)))
        squares = np.square(x - state.parameters.centers[state.labels]).sum()
        assert state.loss == pytest.approx(squares, rel=1e-6, abs=rounding)
        np.testing.assert_array_equal(method.predict(state.parameters, x), state.labels)
    for before, after in pairwise(states):
        cluster, new = after.parameters.clusters[-1], len(before.assignment.sizes)
        moved = before.labels != after.labels
        assert set(before.labels[moved]) <= {cluster}
        assert set(after.labels[moved]) <= {new}
        assert after.assignment.changed == np.count_nonzero(moved)
        assert after.loss <= before.loss * (1 + 1e-9) + rounding
    distinct = len(np.unique(x, axis=0))
    if distinct >= k and np.abs(x).max() < 1e6 and method.select == "loss":
        spread = np.abs(x - x.mean(axis=0)).max()
        gaps = np.abs(x[:, None] - x).max(axis=2)
        if gaps[gaps > 0].size == 0 or gaps[gaps > 0].min() > 1e-3 * spread > 1e-9 * np.abs(x).max():
            assert states[-1].assignment.sizes.min() > 0


@pytest.mark.parametrize("select", ["loss", "size"])
def test_the_chosen_cluster_is_the_largest_one(select):
    for before, after in pairwise(iterate(BisectingKMeans(6, select), sample(), rng=1)):
        scores = before.assignment.losses if select == "loss" else before.assignment.sizes
        assert after.parameters.clusters[-1] == scores.argmax()


def test_each_split_is_the_best_of_several_runs_of_k_means():
    x = sample()
    state = fit(BisectingKMeans(2, runs=5), x, rng=3)
    best = best_of(50, KMeans(2), x, rng=0)
    assert state.loss == pytest.approx(best.loss)
    np.testing.assert_allclose(np.sort(state.parameters.pairs[0], axis=0), np.sort(best.parameters, axis=0))


def test_a_larger_k_begins_with_the_same_splits():
    few, many = (list(iterate(BisectingKMeans(k), sample(), rng=1)) for k in (3, 6))
    for one, other in zip(few, many, strict=False):
        np.testing.assert_array_equal(one.labels, other.labels)


def test_if_too_few_points_are_distinct_the_last_clusters_are_empty_with_a_notice():
    last = fit(BisectingKMeans(4), np.repeat([[1.0], [2.0]], 5, axis=0), rng=0)
    assert sorted(last.assignment.sizes.tolist()) == [0, 0, 5, 5]
    assert last.loss == 0
    (notice,) = [notice for notice in last.notices if notice.name == EMPTY_CLUSTER]
    assert "have no points" in notice.sentence


def test_tiny_differences_within_a_cluster_are_split():
    last = fit(BisectingKMeans(3), [[1e-151], [3e-151], [1.0]], rng=0)
    assert sorted(last.assignment.sizes.tolist()) == [1, 1, 1]


def test_a_run_that_is_too_short_has_fewer_clusters_and_a_notice():
    last = fit(BisectingKMeans(5), sample(), rng=0, max_iter=2)
    assert len(last.assignment.sizes) == 3
    assert not last.converged
    assert [notice.name for notice in last.notices] == [ITERATION_LIMIT]


def test_histories_recompute_the_clusters_of_each_state():
    x = sample()
    history, states = History.record(BisectingKMeans(5), x, rng=1), list(iterate(BisectingKMeans(5), x, rng=1))
    assert [state.phase for state in history.states] == ["start", "split"] + ["choose", "split"] * 4
    for t, state in enumerate(states):
        np.testing.assert_array_equal(history.assignment_of_iteration(t).labels, state.labels)
        np.testing.assert_allclose(history.assignment_of_iteration(t).losses, state.assignment.losses, rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"select": "depth"}, "select must be one of loss, size, got 'depth'"),
        ({"runs": 0}, "runs must be an integer of at least 1"),
        ({"init": "all"}, "init must be"),
    ],
)
def test_invalid_settings_are_rejected(options, message):
    with pytest.raises(ValueError, match=message):
        iterate(BisectingKMeans(3, **options), sample())


def test_invalid_arguments_are_rejected():
    with pytest.raises(ValueError, match="bisecting K-means does not accept a start"):
        iterate(BisectingKMeans(2), sample(), start=sample(2))
    with pytest.raises(ValueError, match=r"k must lie in 1\.\.n"):
        iterate(BisectingKMeans(7), FOUR)
    splits = fit(BisectingKMeans(2), FOUR, rng=0).parameters
    with pytest.raises(ValueError, match="points must have 1 columns like the centers, got 2"):
        BisectingKMeans(2).predict(splits, [[0.0, 1.0]])

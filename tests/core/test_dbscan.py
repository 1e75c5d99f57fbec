"""DBSCAN: by hand, against scikit-learn, the order of visits, histories, notices, large neighborhoods, invalid arguments."""

import tracemalloc
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import DBSCAN as ScikitLearnDBSCAN

from clustering import (
    DBSCAN,
    History,
    adjusted_rand_index,
    clusters_of_most,
    dbscan,
    eps_range,
    fit,
    iterate,
    neighborhoods,
    proximity_matrix,
    suggested_eps,
    suggested_min_points,
    three_gaussians,
)
from clustering.dbscan import MAX_STEPS
from clustering.sampling import rings, round_groups, two_moons
from tests.core.tables import dissimilarities, examples, tables

LINE = [[0.0], [1.0], [2.0], [3.0], [4.0], [5.0], [10.0], [10.5], [11.0], [20.0]]
POINTS = three_gaussians(300, np.random.default_rng(1)).points


def names(state):
    return [notice.name for notice in state.notices]


def scikit_learn_labels(points, eps, min_points, metric="euclidean"):
    return ScikitLearnDBSCAN(eps=eps, min_samples=min_points, metric=metric).fit(points).labels_


# by hand


def test_points_on_a_line_by_hand():
    states = list(iterate(DBSCAN(1.0, 3), LINE))
    assert [state.phase for state in states] == ["core", *["grow"] * 5]
    assert states[0].parameters.core.tolist() == [False, True, True, True, True, False, True, True, True, False]
    assert [state.labels.tolist() for state in states[:4]] == [
        [-1] * 10,
        [0, 0, 0, -1, -1, -1, -1, -1, -1, -1],
        [0, 0, 0, 0, -1, -1, -1, -1, -1, -1],
        [0, 0, 0, 0, 0, -1, -1, -1, -1, -1],
    ]
    assert states[-1].labels.tolist() == [0] * 6 + [1] * 3 + [-1]
    assert [state.assignment.changed for state in states] == [10, 3, 1, 1, 1, 3]
    assert [state.assignment.sizes.tolist() for state in states] == [[], [3], [4], [5], [6], [6, 3]]
    assert [state.converged for state in states] == [False] * 5 + [True]
    assert all(state.loss is None for state in states)


def test_a_border_point_between_two_clusters_joins_the_one_found_first():
    right_first = [[3.0], [3.1], [3.2], [3.3], [0.0], [0.1], [-0.1], [0.2], [1.6]]
    labels = fit(DBSCAN(1.41, 4), right_first).labels
    assert labels.tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 0]
    assert fit(DBSCAN(1.41, 4), right_first[4:8] + right_first[:4] + right_first[8:]).labels[-1] == 0


def test_the_point_itself_and_points_at_exactly_eps_count():
    assert fit(DBSCAN(1.0, 2), [[0.0], [1.0]]).labels.tolist() == [0, 0]
    assert fit(DBSCAN(1.0, 3), [[0.0], [1.0]]).labels.tolist() == [-1, -1]
    assert fit(DBSCAN(0.1, 1), [[0.0], [1.0]]).labels.tolist() == [0, 1]


# against scikit-learn


@examples(150)
@given(data=st.data())
def test_labels_equal_those_of_scikit_learn(data):
    points = data.draw(tables())
    # brute force in scikit-learn subtracts squares, so a large common offset would cost it all precision
    distances = proximity_matrix(points)
    eps = float(data.draw(st.sampled_from([0.5, 1.0, 1.5]))) * (np.median(distances) or 1.0) * 1.000001
    min_points = data.draw(st.integers(1, 8))
    metric = data.draw(st.sampled_from(["euclidean", "manhattan", "chebyshev"]))
    state = fit(DBSCAN(eps, min_points, metric), points)
    peer = ScikitLearnDBSCAN(eps=eps, min_samples=min_points, metric=metric, algorithm="kd_tree").fit(points)
    np.testing.assert_array_equal(state.labels, peer.labels_)
    np.testing.assert_array_equal(np.flatnonzero(state.parameters.core), peer.core_sample_indices_)


@examples(60)
@given(matrix=dissimilarities(), quantile=st.floats(0, 1), min_points=st.integers(1, 8))
def test_labels_for_a_distance_matrix_equal_those_of_scikit_learn(matrix, quantile, min_points):
    eps = float(np.quantile(matrix, quantile)) or 1.0
    labels = fit(DBSCAN(eps, min_points, "precomputed"), matrix).labels
    np.testing.assert_array_equal(labels, scikit_learn_labels(matrix, eps, min_points, "precomputed"))


@examples(60)
@given(data=st.data())
def test_a_search_without_a_list_of_all_pairs_finds_the_same_rings(data):
    points, matrix = data.draw(tables()), None
    if data.draw(st.booleans()):
        matrix = proximity_matrix(points)
    eps = float(np.quantile(proximity_matrix(points), data.draw(st.floats(0.05, 1)))) or 1.0
    process = DBSCAN(eps, data.draw(st.integers(1, 6)), "euclidean" if matrix is None else "precomputed")
    one = fit(process, points if matrix is None else matrix)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighborhoods, "MAX_PAIRS", 1)
        patch.setattr(neighborhoods, "PAIRS_PER_SEARCH", data.draw(st.sampled_from([0, 1, 1000])))
        other = fit(process, points if matrix is None else matrix)
    for a, b in zip(one.parameters[:3], other.parameters[:3], strict=True):
        np.testing.assert_array_equal(a, b)


# the order of visits


def test_a_point_joins_through_a_core_point_that_joined_one_ring_earlier():
    points = two_moons(200, np.random.default_rng(3)).points
    eps = 0.2
    visits = fit(DBSCAN(eps, 4), points).parameters
    near = proximity_matrix(points) <= eps
    assert visits.labels.max() >= 1
    assert visits.order.max() < MAX_STEPS  # so an iteration is one ring
    for i in np.flatnonzero(visits.labels >= 0):
        own = visits.core & (visits.labels == visits.labels[i])
        first = np.flatnonzero(own)[0]
        if visits.order[i] == visits.order[first]:
            assert near[first, i]
        else:
            assert visits.order[own & near[i]].min() == visits.order[i] - 1


def test_clusters_follow_one_another():
    visits = fit(DBSCAN(0.7, 5), POINTS).parameters
    ends = [visits.order[visits.labels == k] for k in range(visits.labels.max() + 1)]
    assert len(ends) >= 3
    assert all(before.max() < after.min() for before, after in pairwise(ends))
    assert (visits.order[visits.labels < 0] == 0).all()


def test_a_run_has_a_limited_number_of_states_and_each_adds_points():
    points = np.arange(5_000.0)[:, None]
    states = list(iterate(DBSCAN(1.0, 2), points))
    assert 100 < len(states) <= MAX_STEPS + 1
    counts = [int((state.labels >= 0).sum()) for state in states]
    assert all(before < after for before, after in pairwise(counts))
    assert max(np.diff(counts)) < 60  # evenly many points in each iteration
    assert counts[-1] == 5_000
    assert len(states[-1].assignment.sizes) == 1


# histories


def test_a_history_can_show_every_state():
    process = DBSCAN(0.7, 5)
    history, states = History.record(process, POINTS), list(iterate(process, POINTS))
    assert len(history) == len(states) > 5
    for t, state in enumerate(states):
        assignment = history.assignment_of_iteration(t)
        np.testing.assert_array_equal(assignment.labels, state.labels)
        assert assignment.changed == state.assignment.changed
        np.testing.assert_array_equal(assignment.sizes, state.assignment.sizes)
    assert history.converged
    assert np.isnan(history.losses).all()


def test_a_run_that_is_stopped_early_has_a_notice():
    state = fit(DBSCAN(0.7, 5), POINTS, max_iter=2)
    assert (state.iteration, state.converged, names(state)) == (2, False, ["iteration limit"])


def test_prepared_points_can_be_used_with_other_settings():
    prepared = DBSCAN(0.1).prepare(POINTS)
    np.testing.assert_array_equal(fit(DBSCAN(0.7, 5), prepared).labels, fit(DBSCAN(0.7, 5), POINTS).labels)


# defaults


@pytest.mark.parametrize(
    "sample",
    [two_moons, rings, three_gaussians, round_groups],
    ids=["moons", "rings", "three Gaussians", "round groups"],
)
@pytest.mark.parametrize("n", [500, 3_000])
def test_suggested_settings_find_the_groups_of_typical_samples(sample, n):
    found = sample(n, np.random.default_rng(1))
    min_points = suggested_min_points(n, 2)
    labels = fit(DBSCAN(suggested_eps(found.points, min_points), min_points), found.points).labels
    groups = found.labels - found.labels.min()
    assert adjusted_rand_index(groups, labels + 1) > 0.85
    assert np.count_nonzero(np.bincount(labels + 1)[1:] > 0.02 * n) == groups.max() + 1


def test_suggested_eps_is_the_middle_of_the_longest_range_of_radii_with_the_same_clusters():
    """Two groups of five points at distance 1 from one another, 16 apart: two clusters for eps in 1..16, so 4."""
    points = np.concatenate([np.arange(5.0), np.arange(5.0) + 20])[:, None]
    assert suggested_eps(points, 2) == pytest.approx(4, rel=0.02)
    distances = proximity_matrix(points)
    assert suggested_eps(distances, 2, "precomputed") == suggested_eps(points, 2)


def test_the_range_of_radii_begins_with_the_first_core_points_and_ends_after_the_last_merge():
    """The groups of the test above: all points are core points from radius 1, and the groups merge at 16."""
    points = np.concatenate([np.arange(5.0), np.arange(5.0) + 20])[:, None]
    assert eps_range(points, 2) == pytest.approx((1, 1.1 * 16))
    assert eps_range(proximity_matrix(points), 2, "precomputed") == eps_range(points, 2)
    with_outlier = np.concatenate([np.repeat(points, 10, axis=0), [[1e6]]])  # it is not a cluster, so its merge does not count
    assert eps_range(with_outlier, 2)[1] == pytest.approx(1.1 * 16)


@pytest.mark.parametrize("metric", ["euclidean", "manhattan"])
def test_at_the_end_of_the_range_of_radii_a_single_cluster_is_left(metric):
    points = round_groups(300, np.random.default_rng(0)).points
    low, high = eps_range(points, 5, metric)
    neighbors = {"euclidean": 2, "manhattan": 1}[metric]
    distances = np.sort(np.linalg.norm(points[:, None] - points, neighbors, axis=2), axis=1)[:, 4]
    assert np.mean(distances <= low) == pytest.approx(0.1, abs=0.005)
    assert clusters_of_most(fit(DBSCAN(high, 5, metric), points).labels) == 0
    assert clusters_of_most(fit(DBSCAN(high / 1.3, 5, metric), points).labels) == 3


def test_the_range_of_radii_of_many_points_is_that_of_a_sample(monkeypatch):
    points = round_groups(300, np.random.default_rng(0)).points
    low, high = eps_range(points, 5)
    monkeypatch.setattr(dbscan, "MAX_TRIED", 100)
    sampled = eps_range(points, 5)
    assert sampled[0] == pytest.approx(low, rel=0.2)
    assert high <= sampled[1] < 1.5 * high


def test_the_range_of_radii_suits_duplicates_and_refuses_identical_points():
    assert eps_range([[0.0], [0.0], [0.0], [7.0], [7.0], [7.0]], 2) == pytest.approx((7 / 1.5, 7.7))
    low, high = eps_range([[0.0], [1.0]], 5)
    assert high >= 1.5 * low > 0
    for data, metric in ((np.zeros((9, 2)), "euclidean"), ([[3.0]], "euclidean"), (np.zeros((4, 4)), "precomputed")):
        with pytest.raises(ValueError, match="all distances are 0"):
            eps_range(data, 2, metric)


def test_suggested_settings_suit_any_data():
    assert suggested_eps(np.zeros((10, 2)), 3) == 1.0
    assert suggested_eps([[0.0]], 5) == 1.0
    assert suggested_eps([[0.0], [0.0], [0.0], [7.0]], 2) == pytest.approx(4.9)
    assert suggested_min_points(1, 3) == 1
    assert suggested_min_points(500, 2) == 6
    assert suggested_min_points(500, 400) == 25
    assert suggested_min_points(200, 2) == 5
    assert suggested_min_points(100_000, 2) == 79
    assert suggested_min_points(10**6, 2) == 100


# notices


@pytest.mark.parametrize(
    ("eps", "expected"),
    [(0.001, ["few core points"]), (50.0, ["many core points"]), (0.7, [])],
    ids=["small", "large", "good"],
)
def test_settings_that_find_hardly_any_structure_have_a_notice(eps, expected):
    assert names(fit(DBSCAN(eps, 5), POINTS)) == expected


def test_a_cluster_for_nearly_every_point_has_a_notice():
    assert names(fit(DBSCAN(0.001, 1), POINTS)) == ["many clusters"]
    assert names(fit(DBSCAN(0.001, 1), [[0.0]])) == ["many core points"]


def test_core_points_everywhere_are_no_problem_in_separate_clusters():
    assert names(fit(DBSCAN(1.0, 2), [[0.0], [0.2], [0.4], [0.6], [1.0], [9.0], [9.2], [9.4], [9.6], [10.0]])) == []


# large data


def test_many_pairs_of_neighbors_need_little_memory():
    """100,000 points with about 200 million pairs, which would take 3 GB."""
    points = np.random.default_rng(0).normal(size=(100_000, 2))
    process = DBSCAN(0.3, 5)
    prepared = process.prepare(points)
    tracemalloc.start()
    state = fit(process, prepared)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(state.assignment.sizes) < 10
    assert state.assignment.sizes.max() > 99_000
    assert peak < 300e6


# invalid arguments


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.0, 5), "eps must be a finite number above 0, got 0.0"),
        ((np.nan, 5), "eps must be a finite number above 0, got nan"),
        ((np.inf, 5), "eps must be a finite number above 0, got inf"),
        ((1.0, 0), "min_points must be an integer of at least 1, got 0"),
        ((1.0, 2.5), "min_points must be an integer of at least 1, got 2.5"),
        ((1.0, 5, "cosine"), "metric must be one of euclidean, manhattan, chebyshev, precomputed, got 'cosine'"),
    ],
)
def test_invalid_settings_raise(arguments, message):
    with pytest.raises(ValueError, match=message):
        DBSCAN(*arguments)


def test_invalid_data_and_starts_raise():
    with pytest.raises(ValueError, match="points must be finite"):
        fit(DBSCAN(1.0), [[0.0], [np.nan]])
    with pytest.raises(ValueError, match="symmetric"):
        fit(DBSCAN(1.0, metric="precomputed"), [[0.0, 1.0], [2.0, 0.0]])
    with pytest.raises(ValueError, match="DBSCAN does not accept a start"):
        iterate(DBSCAN(1.0), POINTS, start=[0])
    with pytest.raises(ValueError, match="max_iter"):
        iterate(DBSCAN(1.0), POINTS, max_iter=-1)

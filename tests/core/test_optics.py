"""OPTICS: by hand, against scikit-learn, laws, states, invalid arguments."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import pdist
from sklearn.cluster import OPTICS as PEER
from sklearn.cluster import cluster_optics_dbscan, cluster_optics_xi
from sklearn.datasets import make_blobs

from clustering import (
    DBSCAN,
    OPTICS,
    History,
    fit,
    iterate,
    labels_below,
    labels_of_valleys,
    proximity_matrix,
    reachability_order,
    three_gaussians,
    valleys,
)
from clustering.notices import NO_CLUSTER
from clustering.optics import MOSTLY_NOISE, STEPS
from tests.core.tables import examples, seeds, tables

POINTS = three_gaussians(90, np.random.default_rng(2)).points
LINE = [[0.0], [1.0], [3.0], [10.0], [11.0], [13.0]]


# by hand


def test_six_points_on_a_line_by_hand():
    order = reachability_order(LINE, 2)
    assert order.cores.tolist() == [1, 1, 2, 1, 1, 2]
    assert order.ordering.tolist() == [0, 1, 2, 3, 4, 5]
    assert order.reachability.tolist() == [np.inf, 1, 2, 7, 1, 2]
    assert order.predecessors.tolist() == [-1, 0, 1, 2, 3, 4]
    assert labels_below(order, 2).tolist() == [0, 0, 0, 1, 1, 1]
    assert labels_below(order, 1).tolist() == [0, 0, -1, 1, 1, -1]
    assert labels_below(order, 7).tolist() == [0] * 6
    assert labels_below(order, 0.5).tolist() == [-1] * 6


def test_of_nested_valleys_the_innermost_are_clusters():
    order = reachability_order(LINE, 2)
    found = valleys(order, 0.3, 2)
    assert found.tolist() == [[0, 2], [3, 5], [0, 5]]
    assert labels_of_valleys(order, found).tolist() == [0, 0, 0, 1, 1, 1]
    assert valleys(order, 0.3, 2, 4).tolist() == [[0, 5]]


def test_points_farther_than_max_eps_do_not_reach_each_other():
    order = reachability_order(LINE, 2, max_eps=1.5)
    assert order.reachability.tolist() == [np.inf, 1, np.inf, np.inf, 1, np.inf]
    assert order.cores.tolist() == [1, 1, np.inf, 1, 1, np.inf]
    assert order.predecessors.tolist() == [-1, 0, -1, -1, 3, -1]


# against scikit-learn


def assert_equal_to_scikit_learn(points, min_points, min_cluster_size, max_eps, metric="euclidean"):
    # scikit-learn's "euclidean" is imprecise
    options = dict(algorithm="kd_tree") if metric == "euclidean" else dict(metric=metric)
    peer = PEER(min_samples=min_points, max_eps=max_eps, **options).fit(points)
    parts = {"reachability": peer.reachability_, "ordering": peer.ordering_}
    order = reachability_order(points, min_points, max_eps, metric)
    np.testing.assert_array_equal(order.ordering, peer.ordering_)
    np.testing.assert_array_equal(order.reachability, peer.reachability_)
    np.testing.assert_array_equal(order.cores, peer.core_distances_)
    np.testing.assert_array_equal(order.predecessors, peer.predecessor_)
    for xi in (0.02, 0.05, 0.3):
        labels, intervals = cluster_optics_xi(
            **parts, predecessor=peer.predecessor_, min_samples=min_points, min_cluster_size=min_cluster_size, xi=xi
        )
        found = valleys(order, xi, min_points, min_cluster_size)
        np.testing.assert_array_equal(found, np.reshape(intervals, (-1, 2)))
        np.testing.assert_array_equal(labels_of_valleys(order, found), labels)
    for eps in np.quantile(order.cores[np.isfinite(order.cores)], [0.3, 0.9]) if np.isfinite(order.cores).any() else ():
        labels = cluster_optics_dbscan(**parts, core_distances=peer.core_distances_, eps=eps)
        np.testing.assert_array_equal(labels_below(order, eps), labels)


@pytest.mark.one_in(3)
@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.filterwarnings("ignore:All reachability values are inf")
@pytest.mark.parametrize("decimals", [8, 1, 0])
@pytest.mark.parametrize(
    ("d", "min_points", "min_cluster_size", "max_eps"),
    [(2, 5, None, np.inf), (1, 2, 8, np.inf), (3, 12, 4, np.inf), (2, 4, None, 0.8), (20, 5, None, np.inf)],
)
def test_order_and_clusters_equal_those_of_scikit_learn_also_for_tied_distances(
    d, min_points, min_cluster_size, max_eps, decimals
):
    for seed in range(3):
        points, _ = make_blobs(120, n_features=d, centers=4, cluster_std=[0.3, 0.5, 1, 2], random_state=seed)
        assert_equal_to_scikit_learn(np.round(points, decimals), min_points, min_cluster_size, max_eps)


def test_all_points_equal_those_of_scikit_learn_after_rows_were_removed_in_batches():
    assert_equal_to_scikit_learn(make_blobs(700, centers=5, random_state=3)[0], 6, None, np.inf)


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.filterwarnings("ignore:All reachability values are inf")
@pytest.mark.parametrize("decimals", [8, 0])
@pytest.mark.parametrize("max_eps", [np.inf, 1.5])
def test_a_matrix_of_distances_gives_the_results_of_scikit_learn(max_eps, decimals):
    points, _ = make_blobs(200, n_features=3, centers=4, cluster_std=[0.3, 0.5, 1, 2], random_state=0)
    matrix = proximity_matrix(np.round(points, decimals), "manhattan")
    assert_equal_to_scikit_learn(matrix, 5, None, max_eps, "precomputed")
    peer = PEER(min_samples=5, xi=0.1, min_cluster_size=8, metric="precomputed").fit(matrix)
    state = fit(OPTICS(5, xi=0.1, min_cluster_size=8, metric="precomputed"), matrix)
    np.testing.assert_array_equal(state.labels, peer.labels_)
    assert state.labels.max() > 0


def test_a_matrix_of_euclidean_distances_gives_the_order_of_the_points():
    matrix = proximity_matrix(POINTS, "euclidean")
    one, other = reachability_order(POINTS, 5), reachability_order(matrix, 5, metric="precomputed")
    np.testing.assert_array_equal(one.ordering, other.ordering)
    np.testing.assert_allclose(one.reachability, other.reachability)


@pytest.mark.parametrize("extraction", ["xi", "eps"])
def test_the_labels_of_a_run_are_those_of_scikit_learn(extraction):
    method, peer_method = {"xi": "xi", "eps": "dbscan"}[extraction], PEER
    peer = peer_method(min_samples=5, cluster_method=method, xi=0.1, eps=0.7, min_cluster_size=8, algorithm="kd_tree")
    state = fit(OPTICS(5, extraction, xi=0.1, eps=0.7, min_cluster_size=8), POINTS)
    np.testing.assert_array_equal(state.labels, peer.fit(POINTS).labels_)
    assert state.labels.max() > 0


# laws


@examples(60)
@given(points=tables(rows=2), data=st.data())
def test_order_is_a_permutation_and_reachability_is_at_least_the_core_distance_of_the_predecessor(points, data):
    order = reachability_order(points, data.draw(st.integers(2, len(points))))
    assert sorted(order.ordering.tolist()) == list(range(len(points)))
    reached = np.flatnonzero(order.predecessors >= 0)
    assert len(reached) == len(points) - 1
    before = order.predecessors[reached]
    assert (order.positions[before] < order.positions[reached]).all()
    distances = np.linalg.norm(points[reached] - points[before], axis=1)
    scale = max(np.ptp(points, axis=0).max(), 1e-12)
    np.testing.assert_allclose(
        order.reachability[reached], np.maximum(distances, order.cores[before]), rtol=1e-9, atol=1e-9 * scale
    )
    for xi in (0.05, 0.5):
        found = valleys(order, xi, 2)
        assert (found[:, 0] < found[:, 1]).all()
        assert ((found >= 0) & (found < len(points))).all()


@examples(30)
@given(points=tables(rows=3, ties=False), seed=seeds)
def test_with_two_points_reachabilities_are_the_edges_of_the_minimum_spanning_tree_in_any_order(points, seed):
    shuffled = np.random.default_rng(seed).permutation(points)
    heights = linkage(pdist(points), "single")[:, 2]
    for some in (points, shuffled):
        found = np.sort(reachability_order(some, 2).reachability)[:-1]
        np.testing.assert_allclose(found, heights, rtol=1e-6, atol=1e-9 * np.ptp(points, axis=0).max())


@pytest.mark.parametrize("scale", [1e-120, 1e-9, 2.0**-30, 1e40, 1e140])
def test_clusters_do_not_depend_on_the_unit(scale):
    np.testing.assert_array_equal(fit(OPTICS(5), POINTS * scale).labels, fit(OPTICS(5), POINTS).labels)


# states


def test_states_go_through_the_order_and_end_with_all_clusters():
    states = list(iterate(OPTICS(5), POINTS))
    assert [state.phase for state in states] == ["order"] * len(POINTS) + ["extract"]
    final = states[-1].labels
    for reached, state in enumerate(states[:-1], 1):
        order = state.parameters.order
        assert state.parameters.reached == reached
        np.testing.assert_array_equal(state.labels[order.ordering[reached:]], -1)
        np.testing.assert_array_equal(state.labels[order.ordering[:reached]], final[order.ordering[:reached]])
        np.testing.assert_array_equal(state.assignment.sizes, np.bincount(state.labels + 1, minlength=final.max() + 2)[1:])
    for before, after in pairwise(states):
        assert after.assignment.changed == np.count_nonzero(after.labels != before.labels)
    assert [state.converged for state in states] == [False] * len(POINTS) + [True]


def test_the_number_of_states_is_limited():
    states = list(iterate(OPTICS(5), three_gaussians(1500, np.random.default_rng(0)).points))
    assert len(states) == STEPS + 1
    steps = np.diff([0, *(state.parameters.reached for state in states[:-1])])
    assert steps.min() >= 1500 // STEPS
    assert steps.sum() == 1500


def test_history_recomputes_every_assignment():
    states = list(iterate(OPTICS(5), POINTS))
    history = History.record(OPTICS(5), POINTS)
    for t, state in enumerate(states):
        assignment = history.assignment_of_iteration(t)
        np.testing.assert_array_equal(assignment.labels, state.labels)
        assert assignment.changed == state.assignment.changed


def test_a_run_that_is_stopped_early_has_a_notice():
    *_, last = iterate(OPTICS(5), POINTS, max_iter=3)
    assert not last.converged
    assert [notice.name for notice in last.notices] == ["iteration limit"]


@pytest.mark.parametrize(
    ("process", "remedy"),
    [(OPTICS(5, "eps", eps=1e-9), "larger radius"), (OPTICS(5, max_eps=1e-9), "No point reaches another")],
)
def test_a_run_without_clusters_has_a_notice(process, remedy):
    last = fit(process, POINTS)
    assert (last.labels == -1).all()
    assert [notice.name for notice in last.notices] == [NO_CLUSTER]
    assert remedy in last.notices[0].text
    assert not fit(OPTICS(5, "eps", eps=1.0), POINTS).notices


def test_a_radius_with_few_or_nearly_all_core_points_has_the_notice_of_dbscan():
    cores = np.sort(reachability_order(POINTS, 5).cores)
    for eps, start in ((cores[0], "Only 1 of"), (50.0, f"{len(POINTS)} of {len(POINTS)} points are core points of a single")):
        [notice] = fit(OPTICS(5, "eps", eps=eps), POINTS).notices
        [expected] = fit(DBSCAN(eps, 5), POINTS).notices
        assert notice.name == expected.name
        assert notice.text == expected.text.replace(" eps", " radius")
        assert notice.text.startswith(start)


def test_valleys_with_few_points_have_a_notice():
    last = fit(OPTICS(5, xi=0.3), POINTS)
    noise = (last.labels < 0).sum()
    assert 45 < noise < 90
    assert [notice.name for notice in last.notices] == [MOSTLY_NOISE]
    assert f"{noise} of 90 points are noise" in last.notices[0].text
    least = fit(OPTICS(5, xi=0.001), LINE * 2)
    assert not least.notices


# invalid arguments


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1,), "min_points must be an integer of at least 2, got 1"),
        ((2.0,), "min_points must be an integer"),
        ((5, "steep"), "extraction must be one of xi, eps, got 'steep'"),
        ((5, "xi", 1.0), "xi must lie between 0 and 1, got 1.0"),
        ((5, "xi", 0.0), "xi must lie between 0 and 1"),
        ((5, "eps", 0.1, -1.0), "eps must lie between 0 and max_eps=inf, got -1.0"),
        ((5, "eps", 0.1, 2.0, None, 1.0), "eps must lie between 0 and max_eps=1, got 2.0"),
        ((5, "xi", 0.1, None, 1), "min_cluster_size must be an integer of at least 2, got 1"),
        ((5, "xi", 0.1, None, None, 0.0), "max_eps must be above 0"),
        ((5, "xi", np.nan), "xi must lie between 0 and 1, got nan"),
    ],
)
def test_invalid_settings_raise(arguments, message):
    with pytest.raises(ValueError, match=message):
        OPTICS(*arguments)


def test_invalid_data_and_starts_raise_when_called():
    with pytest.raises(ValueError, match="min_points must be at most the number of points, 3, got 5"):
        iterate(OPTICS(5), [[0.0], [1.0], [2.0]])
    with pytest.raises(ValueError, match="row 0, column 0 is nan"):
        iterate(OPTICS(2), [[np.nan], [1.0], [2.0]])
    with pytest.raises(ValueError, match="OPTICS does not accept a start"):
        iterate(OPTICS(2), LINE, start=[0])

"""HDBSCAN*: by hand, against scikit-learn and definitions, laws, states, invalid arguments."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist
from sklearn.cluster import HDBSCAN as PEER
from sklearn.datasets import make_blobs

from clustering import HDBSCAN, OPTICS, History, adjusted_rand_index, density_hierarchy, fit, iterate, three_gaussians
from clustering.hdbscan import INFINITE_DENSITY, LEVELS, SPLITS, selected_clusters
from clustering.notices import NO_CLUSTER
from tests.core.tables import examples, tables

POINTS = three_gaussians(90, np.random.default_rng(2)).points
LINE = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [12.0], [30.0]])
SETTINGS = [(5, None), (2, 1), (2, 3), (10, 5), (4, 12)]
"""min_cluster_size and min_points"""


def mutual_reachability(points, min_points):
    """(n, n) mutual reachability distances and (n,) core distances, by their definition."""
    distances = cdist(points, points)
    cores = np.sort(distances, axis=1)[:, min_points - 1]
    return np.maximum(distances, np.maximum(cores, cores[:, None])), cores


# by hand


def test_seven_points_on_a_line_by_hand():
    found = density_hierarchy(LINE, 3, 2)
    tree = found.tree
    assert found.cores.tolist() == [1, 1, 1, 1, 1, 1, 18]
    assert sorted(found.links.lengths.tolist()) == [1, 1, 1, 1, 8, 18]
    # the last point leaves at 1/18; the rest splits in two at 1/8; each part lives until 1
    assert tree.parents.tolist() == [-1, 0, 0]
    assert tree.births.tolist() == [0, 1 / 8, 1 / 8]
    assert tree.sizes.tolist() == [7, 3, 3]
    assert tree.deaths.tolist() == [1 / 8, 1, 1]
    np.testing.assert_allclose(tree.stabilities, [1 / 18 + 6 / 8, 3 * 7 / 8, 3 * 7 / 8])
    np.testing.assert_allclose(tree.levels, [1, 1, 1, 1, 1, 1, 1 / 18])
    # at the level at which they merge, the parts are one cluster
    assert tree.clusters_at(1 / 8).tolist() == [0] * 6 + [-1]
    assert np.sort(tree.clusters_at(np.nextafter(1 / 8, 1))).tolist() == [-1, 1, 1, 1, 2, 2, 2]
    np.testing.assert_allclose(found.outlier_scores, [0] * 6 + [1 - 1 / 18])
    last = fit(HDBSCAN(3, 2), LINE)
    assert np.unique(last.labels[:3]).size == np.unique(last.labels[3:6]).size == 1
    assert set(last.labels.tolist()) == {-1, 0, 1}
    assert last.labels[6] == -1
    assert last.assignment.strengths.tolist() == [1] * 6 + [0]


# against scikit-learn


@pytest.mark.one_in(3)
@pytest.mark.parametrize("decimals", [8, 1, 0])
@pytest.mark.parametrize("d", [1, 2, 5, 20])
def test_labels_and_strengths_equal_those_of_scikit_learn_also_for_tied_distances(d, decimals):
    for seed, (size, min_points) in enumerate(SETTINGS):
        deviations = [0.3, 0.5, 1, 2]
        points = np.round(make_blobs(150, n_features=d, centers=4, cluster_std=deviations, random_state=seed)[0], decimals)
        for selection, single in product(("mass", "leaves"), (False, True)):
            peer = PEER(
                min_cluster_size=size,
                min_samples=min_points,
                cluster_selection_method={"mass": "eom", "leaves": "leaf"}[selection],
                allow_single_cluster=single,
                algorithm="kd_tree",
                copy=True,
            ).fit(points)
            last = fit(HDBSCAN(size, min_points, selection, single), points)
            np.testing.assert_array_equal(last.labels, peer.labels_)
            np.testing.assert_array_equal(last.assignment.strengths, peer.probabilities_)


@pytest.mark.parametrize("decimals", [8, 0])
def test_a_matrix_of_distances_gives_the_results_of_scikit_learn(decimals):
    points = np.round(make_blobs(200, n_features=3, centers=4, cluster_std=[0.3, 0.5, 1, 2], random_state=0)[0], decimals)
    matrix = cdist(points, points, "cityblock")
    for size, min_points in SETTINGS:
        options = dict(min_cluster_size=size, min_samples=min_points, copy=True)
        peer = PEER(**options, metric="manhattan", algorithm="kd_tree").fit(points)
        last = fit(HDBSCAN(size, min_points, metric="precomputed"), matrix)
        np.testing.assert_array_equal(last.labels, peer.labels_)
        np.testing.assert_allclose(last.assignment.strengths, peer.probabilities_, rtol=1e-12)
        if decimals:  # from a matrix, scikit-learn breaks ties in another way, on which strengths depend
            given = PEER(**options, metric="precomputed").fit(matrix)
            np.testing.assert_array_equal(last.labels, given.labels_)


def test_a_matrix_of_euclidean_distances_gives_the_clusters_of_the_points():
    one, other = fit(HDBSCAN(5), POINTS), fit(HDBSCAN(5, metric="precomputed"), cdist(POINTS, POINTS))
    np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_allclose(one.assignment.strengths, other.assignment.strengths)


@pytest.mark.parametrize("process", [HDBSCAN(5, metric="precomputed"), OPTICS(5, metric="precomputed")])
def test_data_that_are_no_matrix_of_distances_are_rejected(process):
    with pytest.raises(ValueError, match=r"square|symmetric|two rows and columns"):
        fit(process, POINTS)


@pytest.mark.parametrize("method", [HDBSCAN, OPTICS])
def test_unknown_metrics_are_rejected(method):
    with pytest.raises(ValueError, match="metric must be one of euclidean, precomputed, got 'manhattan'"):
        method(5, metric="manhattan")


def test_the_single_cluster_of_one_normal_distribution_equals_that_of_scikit_learn():
    points = np.random.default_rng(0).normal(size=(200, 2))
    peer = PEER(min_cluster_size=40, allow_single_cluster=True, copy=True).fit(points)
    last = fit(HDBSCAN(40, single=True), points)
    assert set(last.labels.tolist()) == {-1, 0}
    np.testing.assert_array_equal(last.labels, peer.labels_)
    assert (fit(HDBSCAN(40), points).labels == -1).all()


@pytest.mark.parametrize("min_cluster_size", [1, 5])
def test_a_cut_of_the_tree_is_dbscan_without_border_points(min_cluster_size):
    points, _ = make_blobs(150, centers=4, cluster_std=[0.3, 0.5, 1, 2], random_state=1)
    found = density_hierarchy(points, 5, 4)
    peer = PEER(min_cluster_size=5, min_samples=4, algorithm="kd_tree", copy=True).fit(points)
    heights = np.unique(found.links.lengths)
    for eps in (heights[[10, 40, 90, -3]] + heights[[11, 41, 91, -2]]) / 2:
        labels = found.dbscan_labels(eps, min_cluster_size)
        expected = peer.dbscan_clustering(eps, min_cluster_size=max(min_cluster_size, 2))
        if min_cluster_size == 1:  # scikit-learn cannot tell core points without neighbors from noise
            alone = (expected == -1) & (found.cores <= eps)
            expected[alone] = expected.max() + 1 + np.arange(alone.sum())
        np.testing.assert_array_equal(labels == -1, expected == -1)
        assert adjusted_rand_index(labels, expected) == 1
        assert labels.max() > 0
        firsts = [np.flatnonzero(labels == cluster)[0] for cluster in range(labels.max() + 1)]
        assert firsts == sorted(firsts)


# definitions


@examples(40)
@given(points=tables(rows=2), data=st.data())
def test_at_every_level_clusters_are_the_large_components_of_linked_points(points, data):
    size, min_points = data.draw(st.integers(2, min(6, len(points)))), data.draw(st.integers(1, len(points)))
    reach, _ = mutual_reachability(points, min_points)
    found = density_hierarchy(points, size, min_points)
    assert np.isclose(np.sort(found.links.lengths).sum(), _shortest_tree(reach).sum(), rtol=1e-9)
    for length in np.unique(found.links.lengths[found.links.lengths > 0])[:4]:
        level = 1 / (length * (1 + 1e-9))
        _, components = connected_components(csr_array(reach <= length * (1 + 2e-9)), directed=False)
        large = np.bincount(components)[components] >= size
        at_level = found.tree.clusters_at(level)
        np.testing.assert_array_equal(at_level >= 0, large)
        if large.any():
            assert adjusted_rand_index(at_level[large], components[large]) == 1


def _shortest_tree(lengths):
    """Edges of a minimum spanning tree, by Prim's algorithm on the matrix."""
    nearest, outside, edges = lengths[0].copy(), np.arange(1, len(lengths)), []
    while len(outside):
        i = nearest[outside].argmin()
        edges.append(nearest[outside[i]])
        nearest, outside = np.minimum(nearest, lengths[outside[i]]), np.delete(outside, i)
    return np.array(edges)


def test_outlier_scores_compare_a_point_with_the_densest_point_below_its_cluster():
    points, _ = make_blobs(80, centers=3, cluster_std=[0.3, 0.6, 2], random_state=4)
    found = density_hierarchy(points, 4, 4)
    tree = found.tree
    assert tree.has_children.sum() > 1
    descends = np.eye(len(tree.parents), dtype=bool)
    for cluster, parent in enumerate(tree.parents.tolist()):
        if parent >= 0:
            descends[cluster] |= descends[parent]
    for point, (home, level) in enumerate(zip(tree.homes, tree.levels, strict=True)):
        peak = tree.levels[descends[tree.homes, home]].max()
        assert found.outlier_scores[point] == pytest.approx(1 - level / peak)


def test_excess_of_mass_selects_the_clusters_with_the_largest_sum_of_stabilities():
    for seed in range(6):
        tree = density_hierarchy(np.random.default_rng(seed).normal(size=(60, 2)), 3, 2).tree
        m = len(tree.parents)

        def best(cluster, tree=tree, m=m):
            """Largest sum of stabilities of clusters that do not overlap, within a cluster."""
            children = [child for child in range(m) if tree.parents[child] == cluster]
            return max(tree.stabilities[cluster], sum(map(best, children)))

        assert m > 4
        roots = np.flatnonzero(tree.parents == 0)
        chosen = selected_clusters(tree, "mass")
        assert tree.stabilities[chosen].sum() == pytest.approx(sum(best(root) for root in roots))
        leaves = selected_clusters(tree, "leaves")
        assert set(leaves.tolist()) == set(range(m)) - set(tree.parents.tolist())


@pytest.mark.parametrize("scale", [1e-140, 1e-9, 1e140])
def test_clusters_do_not_depend_on_the_unit(scale):
    one, other = fit(HDBSCAN(5), POINTS), fit(HDBSCAN(5), POINTS * scale)
    np.testing.assert_array_equal(other.labels, one.labels)
    np.testing.assert_allclose(other.assignment.strengths, one.assignment.strengths, rtol=1e-9)


# states


def test_levels_fall_until_all_points_are_one_cluster_then_clusters_are_selected():
    states = list(iterate(HDBSCAN(5), POINTS))
    assert [state.phase for state in states] == ["level"] * (len(states) - 2) + ["select", "strength"]
    levels = [state.parameters.level for state in states[:-2]]
    assert levels == sorted(set(levels), reverse=True)
    assert (states[-3].labels == 0).all()
    counts = [len(state.parameters.clusters) for state in states[:-2]]
    assert counts[0] == 0
    assert max(counts) > 2
    for state in states:
        np.testing.assert_array_equal(np.unique(state.labels[state.labels >= 0]), np.arange(len(state.parameters.clusters)))
        assert len(state.assignment.sizes) == len(state.parameters.clusters)
    for before, after in pairwise(states):
        assert after.assignment.changed == np.count_nonzero(after.labels != before.labels)
    np.testing.assert_array_equal(states[-2].labels, states[-1].labels)
    assert [state.converged for state in states] == [False] * (len(states) - 1) + [True]


def test_memberships_contain_the_strength_in_the_cluster_of_the_point():
    assignment = fit(HDBSCAN(5), POINTS).assignment
    memberships, inside = assignment.memberships, assignment.labels >= 0
    np.testing.assert_array_equal(memberships[inside].argmax(axis=1), assignment.labels[inside])
    np.testing.assert_array_equal(memberships.sum(axis=1), assignment.strengths)
    assert (memberships[~inside] == 0).all()
    assert not inside.all()
    np.testing.assert_allclose(assignment.sizes, memberships.sum(axis=0))


def test_the_number_of_states_is_limited():
    states = list(iterate(HDBSCAN(3), np.random.default_rng(0).normal(size=(1000, 2))))
    assert LEVELS < len(states) <= LEVELS + SPLITS + 3


def test_history_recomputes_every_assignment():
    states = list(iterate(HDBSCAN(5), POINTS))
    history = History.record(HDBSCAN(5), POINTS)
    for t, state in enumerate(states):
        assignment = history.assignment_of_iteration(t)
        np.testing.assert_array_equal(assignment.labels, state.labels)
        np.testing.assert_array_equal(assignment.memberships, state.assignment.memberships)


def test_a_run_that_is_stopped_early_has_a_notice():
    *_, last = iterate(HDBSCAN(5), POINTS, max_iter=3)
    assert not last.converged
    assert [notice.name for notice in last.notices] == ["iteration limit"]


def test_noise_only_and_identical_points_have_notices():
    assert [notice.name for notice in fit(HDBSCAN(60), POINTS).notices] == [NO_CLUSTER]
    copies = np.vstack([POINTS, np.repeat(POINTS[:1], 10, axis=0)])
    last = fit(HDBSCAN(5), copies)
    assert [notice.name for notice in last.notices] == [INFINITE_DENSITY]
    assert set(last.assignment.strengths[last.labels == last.labels[0]].tolist()) == {0, 1}
    assert not fit(HDBSCAN(5), POINTS).notices


def test_identical_points_are_one_cluster_or_noise():
    points = np.zeros((20, 2))
    assert (fit(HDBSCAN(5), points).labels == -1).all()
    last = fit(HDBSCAN(5, single=True), points)
    assert (last.labels == 0).all()
    assert (last.assignment.strengths == 1).all()
    assert (density_hierarchy(points, 5).outlier_scores == 0).all()


# invalid arguments


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1,), "min_cluster_size must be an integer of at least 2, got 1"),
        ((2.0,), "min_cluster_size must be an integer"),
        ((5, 0), "min_points must be an integer of at least 1, got 0"),
        ((5, 2.5), "min_points must be an integer of at least 1, got 2.5"),
        ((5, 5, "best"), "selection must be one of mass, leaves, got 'best'"),
    ],
)
def test_invalid_settings_raise(arguments, message):
    with pytest.raises(ValueError, match=message):
        HDBSCAN(*arguments)


def test_invalid_data_and_starts_raise_when_called():
    with pytest.raises(ValueError, match="min_points must be at most the number of points, 7, got 9"):
        iterate(HDBSCAN(5, 9), LINE)
    for process in (HDBSCAN(9), HDBSCAN(9, 2)):
        with pytest.raises(ValueError, match="min_cluster_size must be at most the number of points, 7, got 9"):
            iterate(process, LINE)
    with pytest.raises(ValueError, match="row 0, column 0 is nan"):
        iterate(HDBSCAN(2), [[np.nan], [1.0], [2.0]])
    with pytest.raises(ValueError, match="HDBSCAN does not accept a start"):
        iterate(HDBSCAN(2), LINE, start=[0])
    with pytest.raises(ValueError, match="eps must be at least 0, got -1"):
        density_hierarchy(LINE, 3).dbscan_labels(-1)

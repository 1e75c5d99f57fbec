"""Hierarchical clustering: by hand, by the definitions of the linkages, and against SciPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster import hierarchy
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import pdist

from clustering import LINKAGES, proximity_matrix, tree_of_points, tree_of_proximities, within_groups
from clustering.hierarchy import EUCLIDEAN
from tests.core.tables import examples

MONOTONE = ("single", "complete", "average", "ward")
LINE = np.array([0.0, 1.0, 3.0, 7.0, 15.0])[:, None]
EQUILATERAL = np.array([[0.0, 0.0], [2.0, 0.0], [1.0, np.sqrt(3)]])
linkages = pytest.mark.parametrize("linkage", LINKAGES)


def cloud(n, d=2, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def pairs_of(labels):
    """(n, n) whether two points are in the same cluster."""
    return labels[:, None] == labels


def same_clusters(a, b):
    return np.array_equal(pairs_of(np.asarray(a)), pairs_of(np.asarray(b)))


# by hand


@pytest.mark.parametrize(
    ("linkage", "heights"),
    [
        ("single", [1, 2, 4, 8]),
        ("complete", [1, 3, 7, 15]),
        ("average", [1, 5 / 2, 17 / 3, 49 / 4]),
        # sqrt(2 |A| |B| / (|A| + |B|)) times the distance of the means
        ("ward", [1, np.sqrt(4 / 3) * 5 / 2, np.sqrt(6 / 4) * 17 / 3, np.sqrt(8 / 5) * 49 / 4]),
        ("centroid", [1, 5 / 2, 17 / 3, 49 / 4]),
        # distances from 1/2 to 3, from 7/4 to 7, from 35/8 to 15
        ("median", [1, 5 / 2, 21 / 4, 85 / 8]),
    ],
)
def test_five_points_on_a_line_by_hand(linkage, heights):
    tree = tree_of_points(LINE, linkage)
    np.testing.assert_allclose(tree.heights, heights, rtol=1e-14)
    assert np.sort(tree.merges).tolist() == [[0, 1], [2, 5], [3, 6], [4, 7]]
    assert tree.sizes.tolist() == [2, 3, 4, 5]
    assert tree.inversions.tolist() == []
    assert [sorted(tree.labels(k)) for k in (1, 2)] == [[0] * 5, sorted(tree.labels(2))]
    assert same_clusters(tree.labels(2), [0, 0, 0, 0, 1])
    assert same_clusters(tree.labels(3), [0, 0, 0, 1, 2])


def test_nine_points_on_a_line_form_three_clusters():
    points = np.array([20, 0, 10, 21, 1, 11, 22, 2, 12.0])[:, None]
    for linkage in LINKAGES:
        tree = tree_of_points(points, linkage)
        assert same_clusters(tree.labels(3), [0, 1, 2] * 3)
        assert tree.merges_below(5) == 6


def test_labels_are_numbered_from_left_to_right():
    tree = tree_of_points(LINE, "single")
    assert tree.order.tolist() == [4, 3, 2, 0, 1]
    assert tree.labels(5)[tree.order].tolist() == [0, 1, 2, 3, 4]
    assert tree.labels(3).tolist() == [2, 2, 2, 1, 0]
    assert tree.labels(1).tolist() == [0] * 5


@linkages
def test_two_points(linkage):
    for tree in (tree_of_points([[0.0, 0.0], [3.0, 4.0]], linkage), tree_of_proximities([[0, 5], [5, 0]], linkage)):
        assert tree.heights.tolist() == [5]
        assert tree.merges.tolist() == [[0, 1]]
        assert tree.sizes.tolist() == [2]
        assert tree.order.tolist() == [0, 1]
        assert np.isnan(tree.cophenetic)
        assert tree.labels(2).tolist() == [0, 1]
        assert tree.labels(1).tolist() == [0, 0]
        assert tree.inversions.tolist() == []
        assert (tree.merges_below(4.9), tree.merges_below(5)) == (0, 1)
    assert tree_of_points([[0.0], [1.0]], linkage, optimal_order=True).order.tolist() == [0, 1]


@linkages
@pytest.mark.parametrize("place", [0.0, 0.1, 1e8])
def test_identical_points_merge_at_height_zero(linkage, place):
    tree = tree_of_points(np.full((5, 2), place), linkage, optimal_order=True)
    assert tree.heights.tolist() == [0] * 4
    assert tree.inversions.tolist() == []
    assert np.isnan(tree.cophenetic)
    assert tree.merges_below(0) == 4
    assert sorted(tree.labels(5)) == [0, 1, 2, 3, 4]


# definitions of the linkages


def between_means(of_a, of_b):
    return np.linalg.norm(of_a.mean(axis=0) - of_b.mean(axis=0))


DEFINITIONS = {
    "single": lambda a, b: np.linalg.norm(a[:, None] - b, axis=2).min(),
    "complete": lambda a, b: np.linalg.norm(a[:, None] - b, axis=2).max(),
    "average": lambda a, b: np.linalg.norm(a[:, None] - b, axis=2).mean(),
    "ward": lambda a, b: np.sqrt(2 * len(a) * len(b) / (len(a) + len(b))) * between_means(a, b),
    "centroid": between_means,
}


@linkages
@pytest.mark.parametrize("seed", range(4))
def test_each_step_merges_the_two_nearest_clusters_at_their_dissimilarity(linkage, seed):
    points = cloud(14, 2, seed)
    tree = tree_of_points(points, linkage)
    midpoints = dict(enumerate(points))  # for median linkage
    members = {i: [i] for i in range(14)}

    def distance(a, b):
        if linkage == "median":
            return np.linalg.norm(midpoints[a] - midpoints[b])
        return DEFINITIONS[linkage](points[members[a]], points[members[b]])

    for i, (a, b) in enumerate(tree.merges.tolist()):
        least = min(distance(p, q) for p in members for q in members if p < q)
        assert tree.heights[i] == pytest.approx(distance(a, b), rel=1e-9) == pytest.approx(least, rel=1e-9)
        members[14 + i] = members.pop(a) + members.pop(b)
        midpoints[14 + i] = (midpoints[a] + midpoints[b]) / 2
        assert tree.sizes[i] == len(members[14 + i])
        labels = tree.labels_after(i + 1)
        for group in members.values():
            assert len(set(labels[group].tolist())) == 1
        assert labels.max() + 1 == len(members)


@pytest.mark.parametrize("seed", range(3))
def test_half_the_squared_ward_height_is_the_increase_of_the_sum_of_squares(seed):
    points = cloud(30, 3, seed)
    tree = tree_of_points(points, "ward")
    sums = [within_groups(points, tree.labels_after(m)) for m in range(30)]
    np.testing.assert_allclose(np.square(tree.heights) / 2, np.diff(sums), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_single_linkage_matches_the_minimum_spanning_tree(seed):
    points = cloud(60, 2, seed)
    proximities = proximity_matrix(points)
    spanning = minimum_spanning_tree(proximities).tocoo()
    tree = tree_of_points(points, "single")
    np.testing.assert_allclose(tree.heights, np.sort(spanning.data), rtol=1e-12)
    # cutting the tree is equivalent to removing the longest edges
    for k in (2, 5, 20):
        kept = spanning.data < tree.heights[60 - k] - 1e-12
        joined = pairs_of(tree.labels(k))
        assert joined[spanning.row[kept], spanning.col[kept]].all()
        assert not joined[spanning.row[~kept], spanning.col[~kept]].any()


# properties


@examples(60)
@given(
    seed=st.integers(0, 999),
    n=st.integers(2, 25),
    linkage=st.sampled_from(LINKAGES),
    optimal=st.booleans(),
    ties=st.booleans(),
)
def test_clusters_are_nested_contiguous_and_numbered_from_left_to_right(seed, n, linkage, optimal, ties):
    rng = np.random.default_rng(seed)
    points = rng.integers(4, size=(n, 2)) * 1.0 if ties else rng.normal(size=(n, 2))
    tree = tree_of_points(points, linkage, optimal_order=optimal)
    assert sorted(tree.order) == list(range(n))
    assert tree.merges.shape == (n - 1, 2)
    assert np.sort(tree.merges, axis=None).tolist() == list(range(2 * n - 2))
    assert (tree.merges < n + np.arange(n - 1)[:, None]).all()
    for k in range(1, n + 1):
        labels = tree.labels(k)
        np.testing.assert_array_equal(labels, tree.labels_after(n - k))
        in_order = labels[tree.order]
        assert in_order[0] == 0
        assert in_order[-1] == k - 1
        assert set(np.diff(in_order).tolist()) <= {0, 1}
        if k < n:
            finer = tree.labels(k + 1)
            parts = [len(set(finer[labels == group].tolist())) for group in range(k)]
            assert sorted(parts) == [1] * (k - 1) + [2]


@examples(40)
@given(seed=st.integers(0, 999), linkage=st.sampled_from(LINKAGES))
def test_the_order_of_points_does_not_matter(seed, linkage):
    points, order = cloud(20, 2, seed), np.random.default_rng(seed).permutation(20)
    tree, again = tree_of_points(points, linkage), tree_of_points(points[order], linkage)
    np.testing.assert_allclose(again.heights, tree.heights, rtol=1e-9)
    assert again.cophenetic == pytest.approx(tree.cophenetic, abs=1e-12)
    for k in (2, 3, 7):
        assert same_clusters(again.labels(k), tree.labels(k)[order])


@linkages
@pytest.mark.parametrize("scale", [1e-12, 3.0, 1e12])
def test_scaling_the_points_scales_only_the_heights(linkage, scale):
    points = cloud(40)
    tree, scaled = tree_of_points(points, linkage), tree_of_points(points * scale, linkage)
    np.testing.assert_allclose(scaled.heights, tree.heights * scale, rtol=1e-9)
    np.testing.assert_array_equal(scaled.merges, tree.merges)
    np.testing.assert_array_equal(scaled.inversions, tree.inversions)
    assert scaled.cophenetic == pytest.approx(tree.cophenetic, abs=1e-12)


@linkages
def test_a_common_offset_loses_no_precision(linkage):
    moved = cloud(40) + 1e8
    tree, exact = tree_of_points(moved, linkage), tree_of_points(moved - 1e8, linkage)
    np.testing.assert_array_equal(tree.merges, exact.merges)
    np.testing.assert_allclose(tree.heights, exact.heights, rtol=1e-12)
    assert tree.cophenetic == pytest.approx(exact.cophenetic, abs=1e-12)


@linkages
def test_the_tree_of_a_distance_matrix_equals_that_of_the_points(linkage):
    points = cloud(50, 3)
    proximities = proximity_matrix(points)
    before = proximities.copy()
    tree, again = tree_of_points(points, linkage), tree_of_proximities(proximities, linkage)
    np.testing.assert_array_equal(again.merges, tree.merges)
    np.testing.assert_array_equal(again.order, tree.order)
    np.testing.assert_allclose(again.heights, tree.heights, rtol=1e-9)
    np.testing.assert_array_equal(proximities, before)


@linkages
def test_the_input_is_not_modified_and_results_have_the_right_types(linkage):
    points = np.arange(12).reshape(6, 2) ** 2
    before = points.copy()
    tree = tree_of_points(points, linkage, optimal_order=True)
    np.testing.assert_array_equal(points, before)
    assert tree.merges.dtype == tree.sizes.dtype == tree.order.dtype == tree.labels(3).dtype == np.intp
    assert tree.heights.dtype == np.float64


# inversions


@pytest.mark.parametrize("linkage", ["centroid", "median"])
def test_an_equilateral_triangle_has_an_inversion_with_centroid_and_median_linkage(linkage):
    tree = tree_of_points(EQUILATERAL, linkage)
    np.testing.assert_allclose(tree.heights, [2, np.sqrt(3)], rtol=1e-14)
    assert tree.inversions.tolist() == [1]
    # a cut below the first merge applies no merge, although the second merge is lower
    assert tree.merges_below(1.9) == 0
    assert tree.merges_below(2.1) == 2


def test_an_inversion_is_relative_to_the_merged_clusters_not_to_the_previous_merge():
    # two distant triangles: the last merge of one is lower than the first merge of the other, which is not part of it
    points = np.vstack([EQUILATERAL, EQUILATERAL * 1.001 + 100])
    tree = tree_of_points(points, "centroid")
    np.testing.assert_allclose(tree.heights[:4], [2, np.sqrt(3), 2.002, np.sqrt(3) * 1.001], rtol=1e-9)
    assert tree.inversions.tolist() == [1, 3]
    assert [tree.merges_below(h) for h in (1.8, 2.001, 2.01, 1000)] == [0, 2, 4, 5]


@examples(40)
@given(seed=st.integers(0, 999), linkage=st.sampled_from(LINKAGES))
def test_inversions_are_the_merges_lower_than_a_cluster_they_merge(seed, linkage):
    tree = tree_of_points(cloud(30, 3, seed), linkage)
    node_heights = [0.0] * 30 + tree.heights.tolist()
    expected = [
        i
        for i, (a, b) in enumerate(tree.merges.tolist())
        if tree.heights[i] < max(node_heights[a], node_heights[b]) * (1 - 1e-9)
    ]
    assert tree.inversions.tolist() == expected
    if linkage in MONOTONE:
        assert expected == []
        assert (np.diff(tree.heights) >= 0).all()


def test_inversions_are_frequent_with_centroid_linkage_of_random_points():
    assert sum(len(tree_of_points(cloud(30, 3, seed), "centroid").inversions) for seed in range(5)) > 5


@pytest.mark.parametrize("linkage", ["centroid", "median"])
@pytest.mark.parametrize("step", [0.1, 0.3, 0.7, 1.1])
def test_rounding_errors_are_not_inversions(linkage, step):
    square = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    for side in (1, 2, 5):  # distant squares, whose merges all have the same height
        points = np.vstack([square + 10 * i for i in range(side)]) * step
        tree = tree_of_points(points, linkage)
        low = tree.heights < 2 * step
        np.testing.assert_allclose(tree.heights[low], step, rtol=1e-12)
        assert tree.inversions.tolist() == []


@linkages
@pytest.mark.parametrize("seed", range(3))
def test_merges_below_counts_the_merges_before_the_first_one_above_the_height(linkage, seed):
    tree = tree_of_points(cloud(25, 3, seed), linkage)
    for height in np.append(tree.heights, [-1.0, 0.0, tree.heights.max() + 1]):
        m = tree.merges_below(height)
        assert (tree.heights[:m] <= height).all()
        assert m == 24 or tree.heights[m] > height


# against SciPy


@pytest.mark.parametrize("linkage", MONOTONE)
@pytest.mark.parametrize("seed", range(2))
def test_cuts_match_scipy(linkage, seed):
    points = cloud(40, 2, seed)
    tree, peer = tree_of_points(points, linkage), hierarchy.linkage(points, linkage)
    for k in range(1, 41):
        # older versions of `fcluster` return too few clusters for k = n - 1
        assert same_clusters(tree.labels(k), hierarchy.cut_tree(peer, k)[:, 0])
    for height in np.linspace(0, tree.heights[-1], 13):
        assert same_clusters(tree.labels_after(tree.merges_below(height)), hierarchy.fcluster(peer, height, "distance"))


@linkages
@pytest.mark.parametrize("optimal", [False, True])
def test_merges_order_and_cophenetic_correlation_match_scipy(linkage, optimal):
    points = cloud(60, 3)
    distances = pdist(points)
    peer = hierarchy.linkage(distances, linkage, optimal_ordering=optimal)
    tree = tree_of_points(points, linkage, optimal_order=optimal)
    np.testing.assert_array_equal(np.column_stack([tree.merges, tree.heights, tree.sizes]), peer)
    np.testing.assert_array_equal(tree.order, hierarchy.leaves_list(peer))
    assert tree.cophenetic == pytest.approx(hierarchy.cophenet(peer, distances)[0], abs=1e-13)


@linkages
def test_the_optimal_order_changes_only_the_order_and_brings_neighbors_closer(linkage):
    points = cloud(60)
    tree, ordered = tree_of_points(points, linkage), tree_of_points(points, linkage, optimal_order=True)
    np.testing.assert_array_equal(np.sort(ordered.merges), np.sort(tree.merges))
    np.testing.assert_array_equal(ordered.heights, tree.heights)
    assert ordered.cophenetic == tree.cophenetic
    for k in (2, 6, 30):
        assert same_clusters(ordered.labels(k), tree.labels(k))
    path, shorter = (np.linalg.norm(np.diff(points[t.order], axis=0), axis=1).sum() for t in (tree, ordered))
    assert shorter < path


# cophenetic correlation


def test_the_cophenetic_correlation_by_hand():
    # the distances of 0, 1, 3 are 1, 3, 2; with single linkage the pairs are joined at 1, 2, 2
    tree = tree_of_points(LINE[:3], "single")
    assert tree.cophenetic == pytest.approx(np.sqrt(3) / 2, rel=1e-14)
    # an ultrametric is reproduced exactly
    ultrametric = [[0, 1, 4, 4], [1, 0, 4, 4], [4, 4, 0, 2], [4, 4, 2, 0]]
    for linkage in ("single", "complete", "average"):
        assert tree_of_proximities(ultrametric, linkage).cophenetic == pytest.approx(1, rel=1e-15)


@linkages
@pytest.mark.parametrize("distance", [0.0, 0.1, 1e100])
def test_constant_distances_have_undefined_cophenetic_correlation(linkage, distance):
    proximities = distance * (1 - np.eye(6))
    assert np.isnan(tree_of_proximities(proximities, linkage).cophenetic)


@linkages
def test_distances_that_differ_only_by_rounding_have_undefined_cophenetic_correlation(linkage):
    triangle = np.array([[0, 0], [1, 0], [0.5, np.sqrt(3) / 2]])
    assert np.ptp(pdist(triangle)) > 0
    assert np.isnan(tree_of_points(triangle, linkage).cophenetic)


@linkages
@pytest.mark.parametrize("scale", [1e-140, 1e100])
def test_the_cophenetic_correlation_does_not_overflow_or_underflow(linkage, scale):
    points = cloud(12)
    assert tree_of_points(points * scale, linkage).cophenetic == pytest.approx(tree_of_points(points, linkage).cophenetic)


# ties


@linkages
def test_ties_are_broken_reproducibly(linkage):
    points = np.stack(np.meshgrid(np.arange(4.0), np.arange(4.0)), axis=-1).reshape(-1, 2)
    first, second = (tree_of_points(points, linkage) for _ in range(2))
    np.testing.assert_array_equal(first.merges, second.merges)
    assert first.heights[0] == 1


def test_equally_spaced_points_merge_at_one_height_with_single_linkage():
    tree = tree_of_points(np.arange(9.0)[:, None], "single")
    assert tree.heights.tolist() == [1] * 8
    assert np.isnan(tree.cophenetic)
    assert (tree.merges_below(0.99), tree.merges_below(1)) == (0, 8)


# invalid arguments


def test_the_linkages_are_listed_and_average_is_the_default():
    assert LINKAGES == ("single", "complete", "average", "ward", "centroid", "median")
    assert set(EUCLIDEAN) < set(LINKAGES)
    assert tree_of_points(LINE).heights.tolist() == tree_of_points(LINE, "average").heights.tolist()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tree_of_points(LINE, "nearest"), "linkage must be one of single, .*, median, got 'nearest'"),
        (lambda: tree_of_proximities(np.zeros((2, 2)), "weighted"), "linkage must be one of single, .*, got 'weighted'"),
        (lambda: tree_of_points([[1.0, 2.0]]), "a tree needs at least two points, got 1"),
        (lambda: tree_of_proximities([[0.0]]), "a tree needs at least two points, got 1"),
        (lambda: tree_of_points([1.0, 2.0]), r"points must have two dimensions \(n, d\), got 1"),
        (lambda: tree_of_points([[0.0], [np.nan]]), "row 1, column 0 is nan"),
        (lambda: tree_of_points([["a"], ["b"]]), "points must be numbers"),
        (lambda: tree_of_proximities([[0, 1, 2]]), r"square matrix \(n, n\), got shape \(1, 3\)"),
        (lambda: tree_of_proximities([[0, 1], [2, 0]]), r"must be symmetric, but entry \(0, 1\) is 1 and \(1, 0\) is 2"),
        (lambda: tree_of_proximities([[0, 1], [1, 3]]), r"of a point to itself must be 0, but entry \(1, 1\) is 3"),
        (lambda: tree_of_proximities([[0, -1], [-1, 0]]), r"at least 0, but entry \(0, 1\) is -1"),
        (lambda: tree_of_proximities([[0, np.inf], [np.inf, 0]]), r"finite, but entry \(0, 1\) is inf"),
        (lambda: tree_of_points(LINE).labels(0), r"k must be an integer in 1\.\.n=5, got 0"),
        (lambda: tree_of_points(LINE).labels(6), r"k must be an integer in 1\.\.n=5, got 6"),
        (lambda: tree_of_points(LINE).labels(2.0), r"k must be an integer in 1\.\.n=5, got 2\.0"),
        (lambda: tree_of_points(LINE).labels_after(-1), r"merges must be an integer in 0\.\.n-1=4, got -1"),
        (lambda: tree_of_points(LINE).labels_after(5), r"merges must be an integer in 0\.\.n-1=4, got 5"),
        (lambda: tree_of_points(LINE).labels_after(1.5), r"merges must be an integer in 0\.\.n-1=4, got 1\.5"),
    ],
)
def test_invalid_arguments_raise_an_error_that_gives_rule_and_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@linkages
def test_members_are_the_points_of_a_merge_and_contiguous_in_order(linkage):
    tree = tree_of_points(cloud(40), linkage, optimal_order=True)
    members = [{i} for i in range(40)]
    for i, (a, b) in enumerate(tree.merges.tolist()):
        members.append(members[a] | members[b])
        assert set(tree.members(i).tolist()) == members[-1]
        begin = tree.offsets[40 + i]
        np.testing.assert_array_equal(tree.members(i), tree.order[begin : begin + tree.sizes[i]])


def test_height_ranges_by_hand():
    tree = tree_of_points(LINE, "single")  # merges at 1, 2, 4, 8
    assert [tree.height_range(k) for k in range(1, 6)] == [(8, np.inf), (4, 8), (2, 4), (1, 2), (-np.inf, 1)]
    tied = tree_of_points(np.array([[0.0], [1.0], [2.0]]), "single")
    assert tied.height_range(2) == (1, 1)  # no cut gives two clusters


@linkages
@pytest.mark.parametrize("seed", range(3))
def test_a_cut_within_the_height_range_of_k_gives_k_clusters(linkage, seed):
    tree = tree_of_points(cloud(30, 2, seed), linkage)
    for k in range(1, 31):
        low, high = tree.height_range(k)
        inside = [height for height in (low, (low + high) / 2) if np.isfinite(height) and low < high]
        assert all(tree.merges_below(height) == 30 - k for height in inside)
        if not low < high:
            assert all(tree.merges_below(height) != 30 - k for height in [*tree.heights, low, high])


# first merges and heights


@linkages
def test_a_point_is_a_singleton_until_its_first_merge(linkage):
    tree = tree_of_points(cloud(40), linkage)
    for point, merge in enumerate(tree.first_merge.tolist()):
        assert point in tree.merges[merge]
        before, after = tree.labels_after(merge), tree.labels_after(merge + 1)
        assert np.count_nonzero(before == before[point]) == 1
        assert np.count_nonzero(after == after[point]) > 1


def test_height_returns_the_height_of_the_last_merge():
    tree = tree_of_points(LINE, "single")
    assert [tree.height(merges) for merges in range(5)] == [0, 1, 2, 4, 8]
    for merges in (-1, 5, 1.0):
        with pytest.raises(ValueError, match=rf"merges must be an integer in 0\.\.n-1=4, got {merges}"):
            tree.height(merges)

"""Comparison of clusterings: by hand, by symmetry, and against scikit-learn."""

from itertools import combinations, permutations

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st
from sklearn.mixture import GaussianMixture as SklearnMixture

from clustering import (
    GaussianMixture,
    adjusted_rand_index,
    bic,
    centroid_index,
    confusion_matrix,
    contingency_table,
    distinct_partitions,
    fit,
    fowlkes_mallows_index,
    match_clusters,
    normalized_mutual_information,
    purity,
    v_measure,
)
from tests.core.tables import examples

pairs_of_labels = st.integers(1, 30).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(0, 4), min_size=n, max_size=n) for _ in range(2)])
)


def test_adjusted_rand_index_by_hand():
    # pairs in the same cluster: 1 in both, 2 in a, 3 in b, of 6 pairs; (1 - 2 * 3 / 6) / ((2 + 3) / 2 - 2 * 3 / 6) = 0
    assert adjusted_rand_index([0, 0, 1, 1], [0, 0, 0, 1]) == 0
    # no pair is in the same cluster of both; (0 - 2 * 2 / 6) / (2 - 2 * 2 / 6)
    assert adjusted_rand_index([0, 0, 1, 1], [0, 1, 0, 1]) == pytest.approx(-0.5)


@pytest.mark.parametrize(
    ("a", "b", "index"),
    [
        ([0, 0, 0], [1, 1, 1], 1),  # one cluster each
        ([0, 1, 2], [2, 0, 1], 1),  # only singletons in both
        ([0, 0, 0], [0, 1, 2], 0),  # one cluster and singletons
        ([4], [7], 1),  # no pairs
        (["x", "x", "y"], [0, 0, 9], 1),  # any type of label
    ],
)
def test_adjusted_rand_index_in_degenerate_cases(a, b, index):
    assert adjusted_rand_index(a, b) == index


@examples(60)
@given(labels=pairs_of_labels, names=st.permutations(range(5)))
def test_adjusted_rand_index_is_symmetric_invariant_to_names_and_matches_scikit_learn(labels, names):
    a, b = map(np.array, labels)
    index = adjusted_rand_index(a, b)
    assert index == pytest.approx(sklearn.metrics.adjusted_rand_score(a, b), abs=1e-12)
    assert index == pytest.approx(adjusted_rand_index(b, a), abs=1e-12)
    assert index == pytest.approx(adjusted_rand_index(np.array(names)[a], b), abs=1e-12)
    assert -0.5 - 1e-12 <= index <= 1 + 1e-12


def test_normalized_mutual_information_by_hand():
    # entropies: a, ln 2; b, ln 4 - (3/4) ln 3; joint, ln 4 - (1/2) ln 2 = (3/2) ln 2
    ln2, b = np.log(2), np.log(4) - 0.75 * np.log(3)
    expected = 2 * (ln2 + b - 1.5 * ln2) / (ln2 + b)
    assert normalized_mutual_information([0, 0, 1, 1], [0, 0, 0, 1]) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("a", "b", "information"),
    [
        ([0, 0, 0], [1, 1, 1], 1),  # one cluster each
        ([], [], 1),
        ([4], [7], 1),
        ([0, 1, 2], [2, 0, 1], 1),  # only singletons in both
        ([0, 0, 0], [0, 1, 2], 0),  # a has no information
        ([0, 1, 2], [5, 5, 5], 0),
        ([0, 0, 1, 1], [0, 1, 0, 1], 0),  # independent
        (["x", "x", "y"], [9, 9, 0], 1),  # any type of label
    ],
)
def test_normalized_mutual_information_is_exact_in_extreme_cases(a, b, information):
    assert normalized_mutual_information(a, b) == information
    assert sklearn.metrics.normalized_mutual_info_score(a, b) == pytest.approx(information, abs=1e-15)


@examples(60)
@given(labels=pairs_of_labels, names=st.permutations(range(5)))
def test_normalized_mutual_information_is_symmetric_invariant_to_names_and_matches_scikit_learn(labels, names):
    a, b = map(np.array, labels)
    information = normalized_mutual_information(a, b)
    assert information == pytest.approx(sklearn.metrics.normalized_mutual_info_score(a, b), abs=1e-12)
    assert information == normalized_mutual_information(b, a) == normalized_mutual_information(np.array(names)[a], b)
    assert normalized_mutual_information(a, np.array(names)[a]) == 1
    assert 0 <= information <= 1


def test_v_measure_fowlkes_mallows_and_purity_by_hand():
    groups, clusters = [0, 0, 1, 1], [0, 0, 0, 1]
    # H(groups) = ln 2, H(clusters) = ln 4 - (3/4) ln 3, joint (3/2) ln 2
    ln2, of_clusters = np.log(2), np.log(4) - 0.75 * np.log(3)
    homogeneity, completeness = 1 - (1.5 * ln2 - of_clusters) / ln2, 1 - (1.5 * ln2 - ln2) / of_clusters
    mean = 2 * homogeneity * completeness / (homogeneity + completeness)
    assert v_measure(groups, clusters) == pytest.approx((homogeneity, completeness, mean), rel=1e-14)
    # of 2 pairs together in groups and 3 in clusters, 1 is together in both
    assert fowlkes_mallows_index(groups, clusters) == pytest.approx(1 / np.sqrt(6), rel=1e-15)
    assert purity(groups, clusters) == 0.75


@pytest.mark.parametrize(
    ("groups", "clusters", "homogeneity", "completeness", "fowlkes_mallows", "pure"),
    [
        ([0, 0, 0], [1, 1, 1], 1, 1, 1, 1),  # one cluster each
        ([0, 1, 2], [2, 0, 1], 1, 1, 0, 1),  # only single points
        ([0, 0, 0], [0, 1, 2], 1, 0, 0, 1),  # one group, single points
        ([0, 1, 2], [5, 5, 5], 0, 1, 0, 1 / 3),
        (["x", "x", "y"], [9, 9, 0], 1, 1, 1, 1),
    ],
)
def test_scores_of_known_groups_in_extreme_cases(groups, clusters, homogeneity, completeness, fowlkes_mallows, pure):
    assert v_measure(groups, clusters)[:2] == (homogeneity, completeness)
    assert fowlkes_mallows_index(groups, clusters) == fowlkes_mallows
    assert purity(groups, clusters) == pure
    expected = sklearn.metrics.homogeneity_completeness_v_measure(groups, clusters)
    assert v_measure(groups, clusters) == pytest.approx(expected, abs=1e-15)
    assert sklearn.metrics.fowlkes_mallows_score(groups, clusters) == fowlkes_mallows


@examples(60)
@given(labels=pairs_of_labels, names=st.permutations(range(5)))
def test_scores_of_known_groups_match_scikit_learn_and_do_not_depend_on_names(labels, names):
    groups, clusters = map(np.array, labels)
    renamed = np.array(names)[clusters]
    expected = sklearn.metrics.homogeneity_completeness_v_measure(groups, clusters)
    assert v_measure(groups, clusters) == pytest.approx(expected, abs=1e-12) == v_measure(groups, renamed)
    assert v_measure(groups, clusters).v_measure == pytest.approx(normalized_mutual_information(groups, clusters), abs=1e-12)
    assert v_measure(clusters, groups)[:2] == v_measure(groups, clusters)[1::-1]
    index = fowlkes_mallows_index(groups, clusters)
    assert index == pytest.approx(sklearn.metrics.fowlkes_mallows_score(groups, clusters), abs=1e-12)
    assert index == pytest.approx(fowlkes_mallows_index(renamed, groups), abs=1e-15)
    assert purity(groups, clusters) == purity(groups, renamed)
    table = sklearn.metrics.cluster.contingency_matrix(groups, clusters)
    assert purity(groups, clusters) == pytest.approx(table.max(axis=0).sum() / len(groups))


def test_confusion_matrix_has_clusters_in_the_order_of_the_groups_that_they_match():
    groups = ["a"] * 4 + ["b"] * 3 + ["c"] * 2
    found = confusion_matrix(groups, [2, 2, 2, 0, 0, 0, 5, 1, 1])
    assert found.groups.tolist() == ["a", "b", "c"]
    assert found.clusters.tolist() == [2, 0, 1, 5]
    assert found.counts.tolist() == [[3, 1, 0, 0], [0, 2, 0, 1], [0, 0, 2, 0]]
    assert found.matches.tolist() == [0, 1, 2]
    fewer = confusion_matrix([0, 1, 1, 2, 2], [7, 7, 7, 4, 4])  # a group without a cluster
    assert fewer.counts.tolist() == [[1, 0], [2, 0], [0, 2]]
    assert fewer.matches.tolist() == [-1, 0, 1]


@examples(40)
@given(labels=pairs_of_labels)
def test_confusion_matrix_is_that_of_scikit_learn_with_the_best_order_of_columns(labels):
    groups, clusters = map(np.array, labels)
    found = confusion_matrix(groups, clusters)
    table = sklearn.metrics.cluster.contingency_matrix(groups, clusters)
    position = np.searchsorted(np.unique(clusters), found.clusters)
    assert (found.counts == table[:, position]).all()
    size = min(table.shape)
    best = max(
        sum(table[i, j] for i, j in zip(rows, columns, strict=True))
        for rows in combinations(range(len(table)), size)
        for columns in permutations(range(table.shape[1]), size)
    )
    matched = np.flatnonzero(found.matches >= 0)
    assert found.counts[matched, found.matches[matched]].sum() == best
    assert len(set(found.matches[matched])) == len(matched) == size


def test_purity_needs_points():
    with pytest.raises(ValueError, match="purity needs at least one point"):
        purity([], [])


@pytest.mark.parametrize(
    ("a", "b", "index"),
    [
        ([0, 10, 20], [20, 1, 9], 0),  # permuted
        ([0, 1, 20], [0, 10, 20], 1),  # two centers in the first group, none in the second
        ([0, 1, 2, 20], [0, 20, 30, 40], 2),
        ([0, 10, 20], [10], 2),  # two centers fewer
        ([10], [0, 10, 20], 2),
        ([0, 1, 10, 11], [0.5, 10.5], 2),
        ([5, 5], [5, 5], 1),  # both are mapped to the first of two equal centers
        ([3], [400], 0),
    ],
)
def test_centroid_index_by_hand(a, b, index):
    assert centroid_index(np.array(a)[:, None], np.array(b)[:, None]) == index


@examples(60)
@given(seed=st.integers(0, 999), k=st.integers(1, 12), m=st.integers(1, 12))
def test_centroid_index_is_bounded_symmetric_and_invariant_to_order_offset_and_scale(seed, k, m):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(k, 2)), rng.normal(size=(m, 2))
    index = centroid_index(a, b)
    assert index == centroid_index(b, a) == centroid_index(rng.permutation(a), rng.permutation(b))
    assert index == centroid_index(a * 1e12, b * 1e12) == centroid_index(a - 7, b - 7)
    assert abs(k - m) <= index < max(k, m)
    assert centroid_index(a, a) == 0


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([0, 1], [[0], [1]], r"a must have two dimensions \(n, d\), got 1"),
        ([[0], [1]], np.empty((0, 1)), r"b must have at least one row"),
        ([[0, 1]], [[0]], r"same number of columns, got shapes \(1, 2\) and \(1, 1\)"),
        ([[np.nan]], [[0]], r"a must be finite"),
    ],
)
def test_invalid_centers_are_rejected(a, b, message):
    with pytest.raises(ValueError, match=message):
        centroid_index(a, b)


@examples(30)
@given(labels=pairs_of_labels)
def test_margins_of_a_contingency_table_are_cluster_sizes(labels):
    table, clusters_a, clusters_b = contingency_table(*labels)
    for axis, clusters, given_labels in ((1, clusters_a, labels[0]), (0, clusters_b, labels[1])):
        expected, sizes = np.unique(given_labels, return_counts=True)
        np.testing.assert_array_equal(clusters, expected)
        np.testing.assert_array_equal(table.sum(axis=axis), sizes)


@examples(30)
@given(names=st.permutations(range(6)), seed=st.integers(0, 99))
def test_renamed_clusters_are_matched_back(names, seed):
    a = np.append(np.arange(6), np.random.default_rng(seed).integers(6, size=20))
    assert match_clusters(a, np.array(names)[a]).tolist() == list(names)


def test_matching_maximizes_the_total_and_is_not_greedy():
    # overlaps [[3, 2], [2, 0]]: the greedy choice is 3 + 0, the optimum 2 + 2
    a = np.array([0, 0, 0, 0, 0, 1, 1])
    b = np.array([0, 0, 0, 1, 1, 0, 0])
    assert match_clusters(a, b).tolist() == [1, 0]


@examples(40)
@given(seed=st.integers(0, 999), in_a=st.integers(1, 5), in_b=st.integers(1, 5))
def test_matching_is_optimal_for_different_numbers_of_clusters(seed, in_a, in_b):
    rng = np.random.default_rng(seed)
    a, b = np.append(in_a - 1, rng.integers(in_a, size=25)), np.append(in_b - 1, rng.integers(in_b, size=25))
    k = max(in_a, in_b)

    def common_points(names):
        return np.count_nonzero(np.array(names)[a] == b)

    matched = match_clusters(a, b)
    assert sorted(matched) == list(range(k))
    assert common_points(matched) == max(common_points(names) for names in permutations(range(k)))


def test_noise_labels_are_ignored_in_matching():
    assert match_clusters([-1, -1], [0, -1], 3).tolist() == [0, 1, 2]
    assert match_clusters([], []).tolist() == []


@pytest.mark.parametrize("function", [contingency_table, adjusted_rand_index, normalized_mutual_information])
@pytest.mark.parametrize(("a", "b"), [([0, 1], [0]), ([[0, 1]], [[0, 1]]), ([0, 1], 0)])
def test_labels_of_different_shapes_are_rejected(function, a, b):
    with pytest.raises(ValueError, match="labels must be two arrays of the same length, got shapes"):
        function(a, b)


def test_bic_by_hand():
    assert bic(-100.0, 3, 1) == 200
    assert bic(-100.0, 3, int(np.round(np.exp(5)))) == pytest.approx(200 + 15, abs=0.02)


@pytest.mark.parametrize(
    ("covariance", "kind"), [("full", "full"), ("tied", "tied"), ("diagonal", "diag"), ("spherical", "spherical")]
)
def test_bic_and_parameter_counts_match_scikit_learn(table, covariance, kind):
    points = table("iris", 4)
    process = GaussianMixture(1, covariance)
    actual = bic(-fit(process, points).loss * len(points), process.parameter_count(4), len(points))
    peer = SklearnMixture(1, covariance_type=kind, reg_covar=0).fit(points)
    assert actual == pytest.approx(peer.bic(points), rel=1e-10)
    counts = {"full": 44, "tied": 24, "diagonal": 26, "spherical": 17}
    assert GaussianMixture(3, covariance).parameter_count(4) == counts[covariance]


def differing(a, b, k):
    """Number of points in which two clusterings differ, under the best renaming of clusters."""
    return min(np.count_nonzero(np.array(names)[a] != b) for names in permutations(range(k)))


def distinct_by_brute_force(labelings, fraction, k):
    """The result of `distinct_partitions`, by trying all names of clusters."""
    representatives, numbers = [], []
    for labels in labelings:
        equivalent = (i for i, other in enumerate(representatives) if differing(labels, other, k) <= fraction * len(labels))
        numbers.append(next(equivalent, len(representatives)))
        if numbers[-1] == len(representatives):
            representatives.append(labels)
    return numbers


@examples(60)
@given(seed=st.integers(0, 999), k=st.integers(1, 4), n=st.integers(1, 12), fraction=st.sampled_from([0, 0.125, 0.25, 0.5, 1]))
def test_distinct_partitions_match_brute_force(seed, k, n, fraction):
    rng = np.random.default_rng(seed)
    originals = rng.integers(k, size=(3, n))
    labelings = originals[rng.integers(3, size=12)]
    for labels in labelings[::2]:  # change a point in half of them, rename the clusters in all
        labels[rng.integers(n)] = rng.integers(k)
    labelings = np.stack([rng.permutation(k)[labels] for labels in labelings])
    assert distinct_partitions(labelings, max_difference=fraction).tolist() == distinct_by_brute_force(labelings, fraction, k)


@examples(40)
@given(seed=st.integers(0, 999), k=st.integers(1, 6))
def test_distinct_partitions_do_not_depend_on_cluster_names(seed, k):
    rng = np.random.default_rng(seed)
    labelings = rng.integers(k, size=(10, 8))
    renamed = np.stack([rng.permutation(k + 3)[labels] for labels in labelings])
    for fraction in (0, 0.25):
        np.testing.assert_array_equal(
            distinct_partitions(labelings, max_difference=fraction), distinct_partitions(renamed, max_difference=fraction)
        )
    assert distinct_partitions(np.concatenate([labelings, renamed]), max_difference=0).max() < 10


@pytest.mark.parametrize(
    ("fraction", "numbers"),
    [(0, [0, 1, 2, 0]), (0.09, [0, 1, 2, 0]), (0.1, [0, 0, 1, 0]), (0.19, [0, 0, 1, 0]), (0.2, [0, 0, 0, 0])],
)
def test_partitions_that_differ_by_exactly_the_fraction_are_equivalent(fraction, numbers):
    first = np.repeat([0, 1], 5)
    one, two = first.copy(), first.copy()
    one[4], two[3:5] = 1, 1
    assert distinct_partitions([first, one, two, 1 - first], max_difference=fraction).tolist() == numbers


def test_the_default_difference_is_one_percent():
    first = np.repeat([0, 1], 50)
    one, two = first.copy(), first.copy()
    one[0], two[:2] = 1, 1
    assert distinct_partitions([first, one, two]).tolist() == [0, 0, 1]


def test_the_first_of_equivalent_partitions_represents_them():
    # neighbors in the chain are equivalent, the first and the last are not
    chain = np.array([[0] * 6 + [1] * 6, [0] * 5 + [1] * 7, [0] * 4 + [1] * 8])
    assert distinct_partitions(chain, max_difference=1 / 12).tolist() == [0, 0, 1]
    assert distinct_partitions(chain[[1, 0, 2]], max_difference=1 / 12).tolist() == [0, 0, 0]
    assert distinct_partitions(chain[[2, 0, 1]], max_difference=1 / 12).tolist() == [0, 1, 0]  # the middle one joins the first


def test_a_split_cluster_is_a_distinct_partition_unless_the_part_is_within_the_fraction():
    merged, split = [0] * 8, [0] * 6 + [3] * 2
    assert distinct_partitions([merged, split], max_difference=0).tolist() == [0, 1]
    assert distinct_partitions([merged, split], max_difference=0.25).tolist() == [0, 0]


@pytest.mark.parametrize(("shape", "numbers"), [((0, 4), []), ((3, 0), [0, 0, 0]), ((1, 1), [0])])
def test_distinct_partitions_of_empty_or_single_labelings(shape, numbers):
    assert distinct_partitions(np.zeros(shape, dtype=int)).tolist() == numbers


@pytest.mark.parametrize(
    ("labelings", "fraction", "message"),
    [
        ([0, 1], 0, r"an \(m, n\) array of integers, got an array of int64 with shape \(2,\)"),
        ([[0.0, 1.0]], 0, r"an \(m, n\) array of integers, got an array of float64 with shape \(1, 2\)"),
        ([[0, 1]], -0.1, r"max_difference must lie in 0\.\.1, got -0\.1"),
        ([[0, 1]], 1.1, r"max_difference must lie in 0\.\.1, got 1\.1"),
        ([[0, 1]], np.nan, r"max_difference must lie in 0\.\.1, got nan"),
    ],
)
def test_invalid_labelings_and_fractions_are_rejected(labelings, fraction, message):
    with pytest.raises(ValueError, match=message):
        distinct_partitions(labelings, max_difference=fraction)


def test_small_unsigned_integer_labels_do_not_overflow():
    labelings = np.array([np.arange(256), np.arange(256)[::-1], np.arange(256) // 2], dtype=np.uint8)
    assert distinct_partitions(labelings, max_difference=0).tolist() == [0, 0, 1]


def test_labelings_may_hold_any_integers_and_the_fraction_is_exact():
    assert distinct_partitions([[-1, 7, 7], [10**9, 2, 2], [3, 3, 2]], max_difference=0).tolist() == [0, 0, 1]
    first = np.zeros(100, dtype=int)
    second = (np.arange(100) % 2) * (np.arange(100) < 60)
    assert second.sum() == 30
    assert distinct_partitions([first, second], max_difference=0.3).tolist() == [0, 0]
    assert distinct_partitions([first, second], max_difference=0.29).tolist() == [0, 1]
    # 57 points differ, 43 agree; computed as 100 - 0.57 * 100, the required agreement would be slightly more than 43
    third = (np.arange(100) < 57).astype(int) + (np.arange(100) < 14)
    assert distinct_partitions([first, third], max_difference=0.57).tolist() == [0, 0]

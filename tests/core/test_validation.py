"""Comparing clusterings: by hand, by symmetry, and against scikit-learn."""

from itertools import permutations

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st
from sklearn.mixture import GaussianMixture as PeerMixture

from clustering import (
    GaussianMixture,
    adjusted_rand_index,
    bic,
    centroid_index,
    contingency_table,
    distinct_partitions,
    fit,
    match_clusters,
    normalized_mutual_information,
)
from tests.core.tables import examples

pairs_of_labels = st.integers(1, 30).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(0, 4), min_size=n, max_size=n) for _ in range(2)])
)


def test_the_adjusted_rand_index_by_hand():
    # pairs together: in both 1, in a 2, in b 3, of 6 in all; (1 - 2 * 3 / 6) / ((2 + 3) / 2 - 2 * 3 / 6) = 0
    assert adjusted_rand_index([0, 0, 1, 1], [0, 0, 0, 1]) == 0
    # no pair is together in both; (0 - 2 * 2 / 6) / (2 - 2 * 2 / 6)
    assert adjusted_rand_index([0, 0, 1, 1], [0, 1, 0, 1]) == pytest.approx(-0.5)


@pytest.mark.parametrize(
    ("a", "b", "index"),
    [
        ([0, 0, 0], [1, 1, 1], 1),  # one group each
        ([0, 1, 2], [2, 0, 1], 1),  # all apart in both
        ([0, 0, 0], [0, 1, 2], 0),  # all together against all apart
        ([4], [7], 1),  # no pair at all
        (["x", "x", "y"], [0, 0, 9], 1),  # any kind of label
    ],
)
def test_the_adjusted_rand_index_where_its_formula_is_0_over_0_or_close_to_it(a, b, index):
    assert adjusted_rand_index(a, b) == index


@examples(60)
@given(labels=pairs_of_labels, names=st.permutations(range(5)))
def test_the_adjusted_rand_index_is_symmetric_blind_to_names_and_that_of_scikit_learn(labels, names):
    a, b = map(np.array, labels)
    index = adjusted_rand_index(a, b)
    assert index == pytest.approx(sklearn.metrics.adjusted_rand_score(a, b), abs=1e-12)
    assert index == pytest.approx(adjusted_rand_index(b, a), abs=1e-12)
    assert index == pytest.approx(adjusted_rand_index(np.array(names)[a], b), abs=1e-12)
    assert -0.5 - 1e-12 <= index <= 1 + 1e-12


def test_the_normalized_mutual_information_by_hand():
    # entropies of a: ln 2; of b: ln 4 - (3/4) ln 3; of both: ln 4 - (1/2) ln 2 = (3/2) ln 2
    ln2, b = np.log(2), np.log(4) - 0.75 * np.log(3)
    expected = 2 * (ln2 + b - 1.5 * ln2) / (ln2 + b)
    assert normalized_mutual_information([0, 0, 1, 1], [0, 0, 0, 1]) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("a", "b", "information"),
    [
        ([0, 0, 0], [1, 1, 1], 1),  # one group each
        ([], [], 1),
        ([4], [7], 1),
        ([0, 1, 2], [2, 0, 1], 1),  # all apart in both
        ([0, 0, 0], [0, 1, 2], 0),  # one of them tells nothing
        ([0, 1, 2], [5, 5, 5], 0),
        ([0, 0, 1, 1], [0, 1, 0, 1], 0),  # independent
        (["x", "x", "y"], [9, 9, 0], 1),  # any kind of label
    ],
)
def test_the_normalized_mutual_information_at_its_ends_is_exact(a, b, information):
    assert normalized_mutual_information(a, b) == information
    assert sklearn.metrics.normalized_mutual_info_score(a, b) == pytest.approx(information, abs=1e-15)


@examples(60)
@given(labels=pairs_of_labels, names=st.permutations(range(5)))
def test_the_normalized_mutual_information_is_symmetric_blind_to_names_and_that_of_scikit_learn(labels, names):
    a, b = map(np.array, labels)
    information = normalized_mutual_information(a, b)
    assert information == pytest.approx(sklearn.metrics.normalized_mutual_info_score(a, b), abs=1e-12)
    assert information == normalized_mutual_information(b, a) == normalized_mutual_information(np.array(names)[a], b)
    assert normalized_mutual_information(a, np.array(names)[a]) == 1
    assert 0 <= information <= 1


@pytest.mark.parametrize(
    ("a", "b", "index"),
    [
        ([0, 10, 20], [20, 1, 9], 0),  # the same under other names
        ([0, 1, 20], [0, 10, 20], 1),  # two centers in one group, none in the second
        ([0, 1, 2, 20], [0, 20, 30, 40], 2),
        ([0, 10, 20], [10], 2),  # as many as there are fewer
        ([10], [0, 10, 20], 2),
        ([0, 1, 10, 11], [0.5, 10.5], 2),
        ([5, 5], [5, 5], 1),  # both go to the first of two equals
        ([3], [400], 0),
    ],
)
def test_the_centroid_index_by_hand(a, b, index):
    assert centroid_index(np.array(a)[:, None], np.array(b)[:, None]) == index


@examples(60)
@given(seed=st.integers(0, 999), k=st.integers(1, 12), m=st.integers(1, 12))
def test_the_centroid_index_is_symmetric_blind_to_order_offset_and_scale_and_within_its_bounds(seed, k, m):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(k, 2)), rng.normal(size=(m, 2))
    index = centroid_index(a, b)
    assert index == centroid_index(b, a) == centroid_index(rng.permutation(a), rng.permutation(b) + 0.0)
    assert index == centroid_index(a * 1e12, b * 1e12) == centroid_index(a - 7, b - 7)
    assert abs(k - m) <= index < max(k, m)
    assert centroid_index(a, a) == 0


@pytest.mark.parametrize(
    ("a", "b", "sentence"),
    [
        ([0, 1], [[0], [1]], r"a must have two dimensions \(n, d\), got 1"),
        ([[0], [1]], np.empty((0, 1)), r"b must have at least one row"),
        ([[0, 1]], [[0]], r"same number of columns, got shapes \(1, 2\) and \(1, 1\)"),
        ([[np.nan]], [[0]], r"a must be finite"),
    ],
)
def test_what_is_no_pair_of_sets_of_centers_is_refused(a, b, sentence):
    with pytest.raises(ValueError, match=sentence):
        centroid_index(a, b)


@examples(30)
@given(labels=pairs_of_labels)
def test_a_contingency_table_has_the_sizes_of_the_groups_as_its_margins(labels):
    table, groups_a, groups_b = contingency_table(*labels)
    for axis, groups, mine in ((1, groups_a, labels[0]), (0, groups_b, labels[1])):
        expected, sizes = np.unique(mine, return_counts=True)
        np.testing.assert_array_equal(groups, expected)
        np.testing.assert_array_equal(table.sum(axis=axis), sizes)


@examples(30)
@given(names=st.permutations(range(6)), seed=st.integers(0, 99))
def test_renamed_clusters_are_matched_back(names, seed):
    a = np.append(np.arange(6), np.random.default_rng(seed).integers(6, size=20))
    assert match_clusters(a, np.array(names)[a]).tolist() == list(names)


def test_matching_takes_the_best_sum_and_not_the_largest_overlap_first():
    # overlaps [[3, 2], [2, 0]]: taking 3 first leaves 0, the other way makes 2 + 2
    a = np.array([0, 0, 0, 0, 0, 1, 1])
    b = np.array([0, 0, 0, 1, 1, 0, 0])
    assert match_clusters(a, b).tolist() == [1, 0]


@examples(40)
@given(seed=st.integers(0, 999), in_a=st.integers(1, 5), in_b=st.integers(1, 5))
def test_matching_different_numbers_of_clusters_has_the_most_points_in_common_of_all_ways(seed, in_a, in_b):
    rng = np.random.default_rng(seed)
    a, b = np.append(in_a - 1, rng.integers(in_a, size=25)), np.append(in_b - 1, rng.integers(in_b, size=25))
    k = max(in_a, in_b)

    def in_common(names):
        return np.count_nonzero(np.array(names)[a] == b)

    matched = match_clusters(a, b)
    assert sorted(matched) == list(range(k))
    assert in_common(matched) == max(in_common(names) for names in permutations(range(k)))


def test_noise_alone_matches_nothing_and_leaves_the_names_as_they_are():
    assert match_clusters([-1, -1], [0, -1], 3).tolist() == [0, 1, 2]
    assert match_clusters([], []).tolist() == []


@pytest.mark.parametrize("function", [contingency_table, adjusted_rand_index, normalized_mutual_information])
@pytest.mark.parametrize(("a", "b"), [([0, 1], [0]), ([[0, 1]], [[0, 1]]), ([0, 1], 0)])
def test_labels_that_do_not_belong_together_are_refused(function, a, b):
    with pytest.raises(ValueError, match="labels must be two arrays of the same length, got shapes"):
        function(a, b)


def test_bic_by_hand():
    assert bic(-100.0, 3, 1) == 200
    assert bic(-100.0, 3, int(np.round(np.exp(5)))) == pytest.approx(200 + 15, abs=0.02)


@pytest.mark.parametrize(
    ("covariance", "kind"), [("full", "full"), ("tied", "tied"), ("diagonal", "diag"), ("spherical", "spherical")]
)
def test_bic_counts_the_parameters_as_scikit_learn_does(table, covariance, kind):
    points = table("iris", 4)
    method = GaussianMixture(1, covariance)
    mine = bic(-fit(method, points).loss * len(points), method.parameter_count(4), len(points))
    assert mine == pytest.approx(PeerMixture(1, covariance_type=kind, reg_covar=0).fit(points).bic(points), rel=1e-10)
    assert (
        GaussianMixture(3, covariance).parameter_count(4)
        == {"full": 44, "tied": 24, "diagonal": 26, "spherical": 17}[covariance]
    )


def differing(a, b, k):
    """In how many points two clusterings differ, under the best of all names."""
    return min(np.count_nonzero(np.array(names)[a] != b) for names in permutations(range(k)))


def distinct_by_all_names(labelings, share, k):
    """By trying all names of groups."""
    kinds, numbers = [], []
    for labels in labelings:
        like = (i for i, kind in enumerate(kinds) if differing(labels, kind, k) <= share * len(labels))
        numbers.append(next(like, len(kinds)))
        if numbers[-1] == len(kinds):
            kinds.append(labels)
    return numbers


@examples(60)
@given(seed=st.integers(0, 999), k=st.integers(1, 4), n=st.integers(1, 12), share=st.sampled_from([0, 0.125, 0.25, 0.5, 1]))
def test_distinct_partitions_are_those_that_trying_all_names_of_groups_tells_apart(seed, k, n, share):
    rng = np.random.default_rng(seed)
    few = rng.integers(k, size=(3, n))
    labelings = few[rng.integers(3, size=12)]
    for labels in labelings[::2]:  # half of them with a point moved, all under other names
        labels[rng.integers(n)] = rng.integers(k)
    labelings = np.stack([rng.permutation(k)[labels] for labels in labelings])
    assert distinct_partitions(labelings, share=share).tolist() == distinct_by_all_names(labelings, share, k)


@examples(40)
@given(seed=st.integers(0, 999), k=st.integers(1, 6))
def test_other_names_of_groups_change_nothing_about_which_partitions_are_distinct(seed, k):
    rng = np.random.default_rng(seed)
    labelings = rng.integers(k, size=(10, 8))
    renamed = np.stack([rng.permutation(k + 3)[labels] for labels in labelings])
    for share in (0, 0.25):
        np.testing.assert_array_equal(distinct_partitions(labelings, share=share), distinct_partitions(renamed, share=share))
    assert distinct_partitions(np.concatenate([labelings, renamed]), share=0).max() < 10


@pytest.mark.parametrize(
    ("share", "numbers"),
    [(0, [0, 1, 2, 0]), (0.09, [0, 1, 2, 0]), (0.1, [0, 0, 1, 0]), (0.19, [0, 0, 1, 0]), (0.2, [0, 0, 0, 0])],
)
def test_clusterings_that_differ_in_just_the_share_of_points_are_one(share, numbers):
    first = np.repeat([0, 1], 5)
    one, two = first.copy(), first.copy()
    one[4], two[3:5] = 1, 1
    assert distinct_partitions([first, one, two, 1 - first], share=share).tolist() == numbers


def test_a_hundredth_of_a_hundred_points_may_differ_unless_said_otherwise():
    first = np.repeat([0, 1], 50)
    one, two = first.copy(), first.copy()
    one[0], two[:2] = 1, 1
    assert distinct_partitions([first, one, two]).tolist() == [0, 0, 1]


def test_the_first_of_them_stands_for_those_that_are_like_it():
    # each is like its neighbor, and the first and the last are not alike
    chain = np.array([[0] * 6 + [1] * 6, [0] * 5 + [1] * 7, [0] * 4 + [1] * 8])
    assert distinct_partitions(chain, share=1 / 12).tolist() == [0, 0, 1]
    assert distinct_partitions(chain[[1, 0, 2]], share=1 / 12).tolist() == [0, 0, 0]
    assert distinct_partitions(chain[[2, 0, 1]], share=1 / 12).tolist() == [0, 1, 0]  # the middle one joins the earlier


def test_a_group_that_is_split_is_another_partition_unless_the_smaller_part_is_within_the_share():
    whole, split = [0] * 8, [0] * 6 + [3] * 2
    assert distinct_partitions([whole, split], share=0).tolist() == [0, 1]
    assert distinct_partitions([whole, split], share=0.25).tolist() == [0, 0]


@pytest.mark.parametrize(("shape", "numbers"), [((0, 4), []), ((3, 0), [0, 0, 0]), ((1, 1), [0])])
def test_distinct_partitions_of_next_to_nothing(shape, numbers):
    assert distinct_partitions(np.zeros(shape, dtype=int)).tolist() == numbers


@pytest.mark.parametrize(
    ("labelings", "share", "sentence"),
    [
        ([0, 1], 0, r"an \(m, n\) array of integers, got an array of int64 with shape \(2,\)"),
        ([[0.0, 1.0]], 0, r"an \(m, n\) array of integers, got an array of float64 with shape \(1, 2\)"),
        ([[0, 1]], -0.1, r"share must lie in 0\.\.1, got -0\.1"),
        ([[0, 1]], 1.1, r"share must lie in 0\.\.1, got 1\.1"),
        ([[0, 1]], np.nan, r"share must lie in 0\.\.1, got nan"),
    ],
)
def test_what_are_no_partitions_or_no_share_is_refused(labelings, share, sentence):
    with pytest.raises(ValueError, match=sentence):
        distinct_partitions(labelings, share=share)


def test_labels_in_the_shortest_unsigned_integers_do_not_overflow():
    labelings = np.array([np.arange(256), np.arange(256)[::-1], np.arange(256) // 2], dtype=np.uint8)
    assert distinct_partitions(labelings, share=0).tolist() == [0, 0, 1]


def test_labels_of_partitions_are_any_integers_and_the_share_is_exact():
    assert distinct_partitions([[-1, 7, 7], [10**9, 2, 2], [3, 3, 2]], share=0).tolist() == [0, 0, 1]
    first = np.zeros(100, dtype=int)
    second = np.arange(100) % 2
    second[second == 1] = (np.arange(50) < 43).astype(int)
    differing = int(second.sum())
    assert distinct_partitions([first, second], share=differing / 100).tolist() == [0, 0]
    assert distinct_partitions([first, second], share=(differing - 1) / 100).tolist() == [0, 1]
    # 100 - 0.57 * 100 is a little more than 43 in floating point
    third = (np.arange(100) < 57).astype(int) + (np.arange(100) < 14)
    assert distinct_partitions([first, third], share=0.57).tolist() == [0, 0]

"""Threshold trees: by hand, against all trees of small tables, and properties."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeClassifier

from clustering import KMeans, fit, threshold_tree, tree_price, within_groups
from clustering.distances import nearest_centers
from clustering.threshold_tree import Rule
from tests.core.tables import examples, seeds, tables

SQUARE = np.array([[0.0, 0], [1, 1], [8, 0], [9, 1], [0, 6], [1, 8]])
"""three groups of two points; a cut of the first column makes no mistake, then one of the second"""
SQUARE_CENTERS = np.array([[0.5, 0.5], [8.5, 0.5], [0.5, 7]])


def random_table(seed, n, d, k):
    """Points and centers, each of them at a random point."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(n, d))
    return points, points[rng.choice(n, size=k, replace=False)] + 0.1 * rng.normal(size=(k, d))


def mistakes(points, centers, labels, column, threshold):
    """Number of points that a cut separates from their center."""
    return int(((points[:, column] <= threshold) != (centers[labels, column] <= threshold)).sum())


def surrogate_loss(points, centers, tree):
    return float(np.square(points - centers[tree.predict(points)]).sum())


def cuts(points, centers):
    """All cuts that separate some of the centers, up to the points and centers that they separate."""
    for column in range(points.shape[1]):
        values = np.unique(np.append(points[:, column], centers[:, column]))
        for threshold in (values[:-1] + values[1:]) / 2:
            if 0 < (centers[:, column] <= threshold).sum() < len(centers):
                yield column, threshold


def all_partitions(points, centers, clusters):
    """Labels of the points by every tree that gives each of the centers a leaf."""
    if len(clusters) == 1:
        yield np.full(len(points), clusters[0])
        return
    for column, threshold in cuts(points, centers[clusters]):
        left, center_left = points[:, column] <= threshold, centers[clusters, column] <= threshold
        for a, b in product(
            all_partitions(points[left], centers, clusters[center_left]),
            all_partitions(points[~left], centers, clusters[~center_left]),
        ):
            labels = np.empty(len(points), dtype=int)
            labels[left], labels[~left] = a, b
            yield labels


def optimal_loss(points, k):
    """Smallest within-cluster sum of squares with at most k clusters, from all partitions."""
    return min(within_groups(points, labels) for labels in product(range(k), repeat=len(points)))


# by hand


def test_three_groups_by_hand():
    tree = threshold_tree(SQUARE, SQUARE_CENTERS)
    # both gaps are free of mistakes: 7 of a range of 9 in the first column, 5 of 8 in the second
    assert tree.rules() == [
        Rule(0, {0: (None, 4.5), 1: (None, 3.5)}),
        Rule(2, {0: (None, 4.5), 1: (3.5, None)}),
        Rule(1, {0: (4.5, None)}),
    ]
    assert tree.depth == 2
    assert tree.column.tolist() == [0, 1, -1, -1, -1]
    assert tree.predict(SQUARE).tolist() == [0, 0, 1, 1, 2, 2]
    assert tree.leaf_of(SQUARE).tolist() == [0, 0, 2, 2, 1, 1]
    # up to the threshold goes left
    assert tree.predict([[4.5, 3.5], [4.5, 3.6], [4.6, 3.5]]).tolist() == [0, 2, 1]
    # two points at squared distance 1/2 from their mean in two clusters, 5/4 in the third
    assert tree_price(SQUARE, [0, 0, 1, 1, 2, 2], tree) == pytest.approx((4.5, 4.5, 1.0, 0.0))


def test_a_mistake_is_counted_and_its_price_is_the_ratio_of_losses():
    points, labels = np.array([[0.0], [2], [4], [6], [10], [12], [14]]), [0, 0, 0, 1, 1, 1, 0]
    centers = np.array([[2.0], [10]])
    tree = threshold_tree(points, centers, labels)
    # only the point 14 is on the wrong side of 5
    assert tree.rules() == [Rule(0, {0: (None, 5.0)}), Rule(1, {0: (5.0, None)})]
    price = tree_price(points, labels, tree)
    # clusters 0, 2, 4, 14 and 6, 10, 12; those of the tree are 0, 2, 4 and 6, 10, 12, 14
    assert price.loss == pytest.approx(116 + 56 / 3)
    assert price.tree_loss == pytest.approx(8 + 35)
    assert price.ratio == pytest.approx(43 / (116 + 56 / 3))
    assert price.moved == pytest.approx(1 / 7)


@pytest.mark.parametrize("sign", [1, -1])
def test_points_that_a_cut_separates_from_their_center_do_not_count_below_it(sign):
    # 3 mistakes at 50 in the first column: the points at (100, 7); at least 4 in the second. Below, 4 mistakes at 3 and at 9
    # in the second column; the points at (100, 7) would add 3 mistakes to the cut at 3
    rows = np.array([[0, 0], [100, 7], [100, 0], [100, 8], [100, 10], [100, 6]]) * [sign, 1]
    sizes = [9, 3, 5, 4, 5, 4]
    points, labels = np.repeat(rows, sizes, axis=0), np.repeat([0, 0, 1, 1, 2, 2], sizes)
    tree = threshold_tree(points, np.array([[0, 0], [100, 0], [100, 10]]) * [sign, 1], labels)
    assert {(rule.cluster, *rule.intervals.items()) for rule in tree.rules()} == {
        (0, (0, (None, 50.0) if sign == 1 else (-50.0, None))),
        (1, (0, (50.0, None) if sign == 1 else (None, -50.0)), (1, (None, 3.0))),
        (2, (0, (50.0, None) if sign == 1 else (None, -50.0)), (1, (3.0, None))),
    }


def test_of_cuts_with_equal_mistakes_the_one_with_the_widest_gap_relative_to_its_column_is_taken():
    for units in ([1, 1], [1, 1000], [1000, 1]):
        assert threshold_tree(SQUARE * units, SQUARE_CENTERS * units).column[0] == 0


def test_a_further_leaf_is_the_cut_that_lowers_the_surrogate_loss_the_most():
    # an L of cluster 0 around cluster 1: one cut leaves one arm of the L in the wrong cluster
    points = np.array([[0.0, 0], [0, 9], [9, 0], [7, 7], [9, 9]])
    centers, labels = np.array([[2.0, 2], [8, 8]]), [0, 0, 0, 1, 1]
    before = threshold_tree(points, centers, labels)
    after = threshold_tree(points, centers, labels, 3)
    assert before.rules() == [Rule(0, {0: (None, 4.5)}), Rule(1, {0: (4.5, None)})]
    # (9, 0) is nearer to (2, 2), at 53, than to (8, 8), at 65
    assert after.rules() == [
        *before.rules()[:1],
        Rule(0, {0: (4.5, None), 1: (None, 3.5)}),
        Rule(1, {0: (4.5, None), 1: (3.5, None)}),
    ]
    assert surrogate_loss(points, centers, before) - surrogate_loss(points, centers, after) == 65 - 53


def test_conditions_of_a_column_are_merged_into_one_interval():
    centers = np.arange(4.0)[:, None] * 10
    tree = threshold_tree(centers, centers)
    intervals = [rule.intervals[0] for rule in tree.rules()]
    assert intervals == [(None, 5.0), (5.0, 15.0), (15.0, 25.0), (25.0, None)]
    assert [rule.cluster for rule in tree.rules()] == [0, 1, 2, 3]


# special cases


def test_one_cluster_is_a_single_leaf_without_conditions():
    tree = threshold_tree(SQUARE, [[1.0, 1.0]])
    assert (tree.depth, tree.rules()) == (0, [Rule(0, {})])
    assert tree.predict(SQUARE).tolist() == [0] * 6


def test_clusters_without_points_have_no_leaf():
    tree = threshold_tree(SQUARE, np.insert(SQUARE_CENTERS, 1, [50, 50], axis=0))
    assert sorted(rule.cluster for rule in tree.rules()) == [0, 2, 3]
    assert threshold_tree(SQUARE, SQUARE_CENTERS, [2] * 6).rules() == [Rule(2, {})]


def test_equal_centers_share_the_leaf_of_the_larger_cluster():
    centers = np.vstack([SQUARE_CENTERS, SQUARE_CENTERS[1]])
    points, labels = np.vstack([SQUARE, [[8.5, 0.5]]]), [0, 0, 1, 3, 2, 2, 3]
    tree = threshold_tree(points, centers, labels)
    assert sorted(rule.cluster for rule in tree.rules()) == [0, 2, 3]
    assert tree_price(points, labels, tree).moved == 1 / 7


def test_ignored_points_do_not_change_the_tree():
    points = np.vstack([SQUARE, [[4.4, 3], [4.6, 3]]])
    labels = [0, 0, 1, 1, 2, 2, -1, -1]
    tree = threshold_tree(points, SQUARE_CENTERS, labels, 5)
    assert tree.rules() == threshold_tree(SQUARE, SQUARE_CENTERS, leaves=5).rules()
    assert tree_price(points, labels, tree) == pytest.approx((4.5, 4.5, 1.0, 0.0))


def test_constant_columns_are_not_used():
    points, centers = (np.column_stack([np.full(len(rows), 3.0), rows]) for rows in (SQUARE, SQUARE_CENTERS))
    assert set(threshold_tree(points, centers, leaves=6).column.tolist()) == {-1, 1, 2}


def test_there_are_no_more_leaves_than_lower_the_surrogate_loss():
    assert len(threshold_tree(SQUARE, SQUARE_CENTERS, leaves=6).leaves) == 3


def test_a_further_cut_always_separates_two_clusters():
    # all points of the first leaf are nearer to the other center, whatever the cut
    points, labels = [[6.0], [7], [8], [10]], [0, 0, 0, 1]
    assert threshold_tree(points, [[0.0], [10]], labels, 4).rules() == threshold_tree(points, [[0.0], [10]], labels).rules()


def test_points_between_two_centers_up_to_rounding_get_no_further_leaves():
    along = np.random.default_rng(0).normal(size=60)
    points, centers = np.column_stack([0.4 + along, 0.6 - along]), np.array([[0.1, 0.3], [0.7, 0.9]])
    assert len(threshold_tree(points, centers, leaves=20).leaves) == 2


def test_thresholds_separate_neighboring_numbers():
    low = np.nextafter(1.0, 2)
    high = np.nextafter(low, 2)
    assert low + (high - low) / 2 == high
    tree = threshold_tree([[low], [high]], [[low], [high]])
    assert tree.predict([[low], [high]]).tolist() == [0, 1]


# against all trees


@pytest.mark.parametrize("seed", range(12))
def test_the_first_cut_has_the_fewest_mistakes_of_all_cuts(seed):
    points, centers = random_table(seed, 40, 3, 4)
    labels = np.random.default_rng(seed).integers(4, size=40)
    if seed % 2:
        points, labels = np.round(points, 1), nearest_centers(centers, points)
    tree = threshold_tree(points, centers, labels)
    fewest = min(mistakes(points, centers, labels, *cut) for cut in cuts(points, centers))
    assert mistakes(points, centers, labels, tree.column[0], tree.threshold[0]) == fewest


@pytest.mark.parametrize("seed", range(8))
def test_the_tree_is_one_of_all_trees_none_of_which_is_better_than_optimal_k_means(seed):
    points, centers = random_table(seed, 7, 2, 3)
    tree = threshold_tree(points, centers)
    partitions = list(all_partitions(points, centers, np.arange(3)))
    assert any((labels == tree.predict(points)).all() for labels in partitions)
    optimum = optimal_loss(points, 3)
    assert min(within_groups(points, labels) for labels in partitions) >= optimum * (1 - 1e-12)
    best = min((fit(KMeans(3), points, rng=start) for start in range(10)), key=lambda run: run.loss)
    price = tree_price(points, best.labels, threshold_tree(points, best.parameters))
    assert price.loss == pytest.approx(optimum)
    assert price.ratio >= 1 - 1e-12


@pytest.mark.parametrize("seed", range(8))
def test_a_further_cut_is_the_best_of_all_cuts_of_all_leaves(seed):
    points, centers = random_table(seed, 25, 2, 3)
    if seed % 2:
        points = np.round(points)
    before, after = threshold_tree(points, centers), threshold_tree(points, centers, leaves=4)
    squares = np.square(points[:, None] - centers).sum(axis=2)
    losses = [surrogate_loss(points, centers, before)]
    for leaf in range(3):
        rows = np.flatnonzero(before.leaf_of(points) == leaf)
        for column, value in product(range(2), points[rows].ravel()):
            left = points[rows, column] <= value
            parts = squares[rows[left]].sum(axis=0).min() + squares[rows[~left]].sum(axis=0).min()
            losses.append(losses[0] - squares[rows, before.cluster[before.leaves[leaf]]].sum() + parts)
    assert surrogate_loss(points, centers, after) == pytest.approx(min(losses))


def test_groups_that_a_classification_tree_separates_are_separated(table):
    points = table("iris", 4)
    # with two centers there is one cut; at depth 1, the classifier maximizes purity, which here is perfect
    run = fit(KMeans(2), points, rng=0)
    labels = (points[:, 2] > 2.5).astype(int)
    centers = np.array([points[labels == cluster].mean(axis=0) for cluster in (0, 1)])
    classifier = DecisionTreeClassifier(max_depth=1, random_state=0).fit(points, labels)
    np.testing.assert_array_equal(threshold_tree(points, centers, labels).predict(points), classifier.predict(points))
    # K-means moves three flowers; no single cut of the classifier makes fewer mistakes
    stump = DecisionTreeClassifier(max_depth=1, random_state=0).fit(points, run.labels)
    ours = (threshold_tree(points, run.parameters, run.labels).predict(points) != run.labels).sum()
    assert ours <= (stump.predict(points) != run.labels).sum()


# properties


@examples(60)
@given(points=tables(rows=2), seed=seeds, k=st.integers(1, 6))
def test_each_center_falls_into_the_leaf_of_its_own_cluster(points, seed, k):
    rng = np.random.default_rng(seed)
    centers = points[rng.integers(len(points), size=k)]
    labels = rng.integers(k, size=len(points))
    tree = threshold_tree(points, centers, labels)
    predicted = tree.predict(centers)
    used = np.unique(labels)
    # equal centers share a leaf
    np.testing.assert_array_equal(centers[predicted[used]], centers[used])
    distinct = len(np.unique(centers[used], axis=0))
    assert len(tree.leaves) == len({rule.cluster for rule in tree.rules()}) == distinct
    assert tree.depth <= distinct - 1


@examples(60)
@given(points=tables(rows=2), seed=seeds, k=st.integers(1, 5))
def test_each_point_satisfies_the_rule_of_its_leaf_and_no_other(points, seed, k):
    rng = np.random.default_rng(seed)
    centers = points[rng.integers(len(points), size=k)]
    tree = threshold_tree(points, centers, leaves=k + 4)
    satisfied = np.ones((len(points), len(tree.leaves)), dtype=bool)
    for number, rule in enumerate(tree.rules()):
        for column, (low, high) in rule.intervals.items():
            assert low is None or high is None or low < high
            satisfied[:, number] &= points[:, column] > (-np.inf if low is None else low)
            satisfied[:, number] &= points[:, column] <= (np.inf if high is None else high)
    np.testing.assert_array_equal(satisfied.sum(axis=1), 1)
    np.testing.assert_array_equal(satisfied.argmax(axis=1), tree.leaf_of(points))


@examples(30)
@given(seed=seeds, k=st.integers(1, 5), nearest=st.booleans())
def test_more_leaves_always_lower_the_surrogate_loss(seed, k, nearest):
    points, centers = random_table(seed, 60, 2, k)
    labels = None if nearest else np.random.default_rng(seed).integers(k, size=60)
    trees = [threshold_tree(points, centers, labels, leaves) for leaves in range(k, k + 8)]
    losses = [surrogate_loss(points, centers, tree) for tree in trees]
    sizes = [len(tree.leaves) for tree in trees]
    assert (np.array(sizes) <= np.arange(k, k + 8)).all()
    np.testing.assert_array_equal(np.diff(losses) < 0, np.diff(sizes) > 0)
    assert (np.diff(losses) <= 0).all()
    least = np.square(points - centers[nearest_centers(centers, points)]).sum()
    assert losses[-1] >= least * (1 - 1e-12)


@examples(30)
@given(seed=seeds, k=st.integers(2, 5))
def test_the_tree_does_not_depend_on_the_order_or_the_units_of_the_columns(seed, k):
    points, centers = random_table(seed, 50, 4, k)
    labels = nearest_centers(centers, points)
    rng = np.random.default_rng(seed)
    order, scale, shift = rng.permutation(4), 10 ** rng.uniform(-3, 3, size=4), rng.normal(size=4)
    tree = threshold_tree(points, centers, labels)
    moved = threshold_tree((points * scale + shift)[:, order], (centers * scale + shift)[:, order], labels)
    inner = tree.column >= 0
    np.testing.assert_array_equal(order[moved.column[inner]], tree.column[inner])
    units, offsets = scale[tree.column[inner]], shift[tree.column[inner]]
    np.testing.assert_allclose((moved.threshold[inner] - offsets) / units, tree.threshold[inner], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(moved.cluster, tree.cluster)


@examples(20)
@given(seed=seeds)
def test_the_order_of_the_points_does_not_matter(seed):
    points, centers = random_table(seed, 50, 3, 4)
    order = np.random.default_rng(seed).permutation(50)
    assert threshold_tree(points[order], centers, leaves=8).rules() == threshold_tree(points, centers, leaves=8).rules()


# invalid arguments


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: threshold_tree(SQUARE, [[0.0, 0.0, 0.0]], [0] * 6), "centers must have 2 columns like the points, got 3"),
        (lambda: threshold_tree(SQUARE, [[0.0, np.nan]]), "centers must be finite, but row 0, column 1 is nan"),
        (lambda: threshold_tree(SQUARE, SQUARE_CENTERS, [0, 1]), "labels must be 6 integers, one per point"),
        (lambda: threshold_tree(SQUARE, SQUARE_CENTERS, [0.0] * 6), "labels must be 6 integers, one per point, got float64"),
        (lambda: threshold_tree(SQUARE, SQUARE_CENTERS, [3] * 6), "labels must lie in 0..k-1=2, got 3..3"),
        (lambda: threshold_tree(SQUARE, SQUARE_CENTERS, [-1] * 6), "at least one label must not be -1"),
        (lambda: threshold_tree(SQUARE, SQUARE_CENTERS, leaves=2), "leaves must be an integer of at least k=3, got 2"),
        (lambda: threshold_tree(SQUARE, SQUARE_CENTERS, leaves=3.0), "leaves must be an integer of at least k=3, got 3.0"),
        (lambda: threshold_tree(SQUARE, SQUARE_CENTERS).predict([[1.0]]), "points must have 2 columns like those of the tree"),
        (
            lambda: tree_price(SQUARE, [0], threshold_tree(SQUARE, SQUARE_CENTERS)),
            r"labels must have shape \(6,\), got \(1,\)",
        ),
        (
            lambda: tree_price(SQUARE, [-1] * 6, threshold_tree(SQUARE, SQUARE_CENTERS)),
            "at least one label must not be negative",
        ),
    ],
)
def test_invalid_arguments_are_rejected_with_rule_and_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()

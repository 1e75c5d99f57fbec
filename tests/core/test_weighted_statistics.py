"""Statistics of weighted clusters, compared with those of repeated rows."""

import numpy as np
import pytest
import sklearn.metrics
from numpy.testing import assert_allclose, assert_array_equal
from scipy.spatial.distance import cdist

from clustering import (
    adjusted_rand_index,
    as_frequencies,
    bisect,
    calinski_harabasz,
    category_test_values,
    confusion_matrix,
    contingency_table,
    cramers_v,
    davies_bouldin,
    eta_squared,
    fowlkes_mallows_index,
    mean_test_values,
    principal_components,
    purity,
    silhouette,
    silhouette_of_proximities,
    standardized_differences,
    subsample_agreement,
    threshold_tree,
    tree_price,
    uniform_reference,
    v_measure,
    weighted_quantiles,
    within_groups,
)

N, K = 60, 3
RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, K, N)
POINTS = RNG.normal(size=(N, 2)) * [1.0, 3.0] + 2 * LABELS[:, None]
WEIGHTS = RNG.integers(0, 5, N)
SINGLE = np.flatnonzero(LABELS == 2)[4]
WEIGHTS[LABELS == 2] = 0  # except for one row of the last cluster
WEIGHTS[SINGLE] = 1
CODES = np.where(RNG.random(N) < 0.1, -1, (LABELS + RNG.integers(0, 2, N)) % K)
VALUES = np.where(RNG.random((N, 2)) < 0.1, np.nan, POINTS)
VALUES[SINGLE] = POINTS[SINGLE]
NOISY = np.where((RNG.random(N) < 0.2) & (np.arange(N) != SINGLE), -1, LABELS)
ROWS = np.repeat(np.arange(N), WEIGHTS)

STATISTICS = {
    "within_groups": (within_groups, POINTS, LABELS),
    "calinski_harabasz": (calinski_harabasz, POINTS, LABELS),
    "davies_bouldin": (davies_bouldin, POINTS, LABELS),
    "eta_squared": (eta_squared, VALUES, NOISY),
    "standardized_differences": (standardized_differences, VALUES, NOISY),
    "mean_test_values": (mean_test_values, VALUES, NOISY),
    "cramers_v": (cramers_v, CODES, NOISY),
    "category_test_values": (category_test_values, CODES, NOISY),
    "adjusted_rand_index": (adjusted_rand_index, CODES, LABELS),
    "fowlkes_mallows_index": (fowlkes_mallows_index, CODES, LABELS),
    "v_measure": (v_measure, CODES, LABELS),
    "purity": (purity, CODES, LABELS),
}


@pytest.mark.parametrize("name", STATISTICS)
def test_a_weighted_statistic_equals_that_of_repeated_rows(name):
    statistic, values, labels = STATISTICS[name]
    assert_allclose(statistic(values, labels, WEIGHTS), statistic(values[ROWS], labels[ROWS]), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("name", STATISTICS)
def test_a_statistic_with_weights_of_1_is_that_without_weights(name):
    statistic, values, labels = STATISTICS[name]
    assert_allclose(statistic(values, labels, np.ones(N)), statistic(values, labels), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", [name for name in STATISTICS if name != "category_test_values"])
def test_equal_fractional_weights_have_no_effect_as_frequencies(name):
    statistic, values, labels = STATISTICS[name]
    weights = as_frequencies(np.full(N, 0.3))
    assert_allclose(statistic(values, labels, weights), statistic(values, labels), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("labels", [LABELS, NOISY])
def test_weighted_silhouettes_equal_those_of_repeated_rows(labels):
    points, distances = POINTS, cdist(POINTS, POINTS, "cityblock")
    found = silhouette(points, labels, weights=WEIGHTS)
    assert_array_equal(found.rows, np.flatnonzero(WEIGHTS))
    expected = silhouette(points[ROWS], labels[ROWS])
    assert_allclose(np.repeat(found.widths, WEIGHTS[found.rows]), expected.widths, atol=1e-12)
    assert found.mean == pytest.approx(sklearn.metrics.silhouette_score(points[ROWS], labels[ROWS]))
    found = silhouette_of_proximities(distances, labels, weights=WEIGHTS)
    expected = silhouette_of_proximities(distances[np.ix_(ROWS, ROWS)], labels[ROWS])
    assert_allclose(np.repeat(found.widths, WEIGHTS[found.rows]), expected.widths, atol=1e-12)


def test_a_silhouette_of_a_sample_has_the_weights_of_its_rows():
    found = silhouette(POINTS, LABELS, weights=WEIGHTS, max_points=20)
    assert (WEIGHTS[found.rows] > 0).all()
    assert_array_equal(found.weights, WEIGHTS[found.rows])
    alone = silhouette(POINTS[found.rows], LABELS[found.rows], weights=WEIGHTS[found.rows])
    assert found.mean == pytest.approx(alone.mean)


def test_silhouettes_with_equal_fractional_weights_are_those_without_weights():
    found = silhouette(POINTS, LABELS, weights=as_frequencies(np.full(N, 1 / 7)))
    assert_allclose(found.widths, silhouette(POINTS, LABELS).widths, atol=1e-12)


def test_weighted_contingency_tables_equal_those_of_repeated_rows():
    ours, theirs = contingency_table(CODES, LABELS, WEIGHTS), contingency_table(CODES[ROWS], LABELS[ROWS])
    for one, other in zip(ours, theirs, strict=True):
        assert_array_equal(one, other)
    ours, theirs = confusion_matrix(CODES, LABELS, WEIGHTS), confusion_matrix(CODES[ROWS], LABELS[ROWS])
    for one, other in zip(ours, theirs, strict=True):
        assert_array_equal(one, other)


@pytest.mark.parametrize("weights", [WEIGHTS, np.ones(N, dtype=int), 3 * (np.arange(N) == 7)])
def test_weighted_quantiles_equal_those_of_repeated_values(weights):
    shares, values = np.linspace(0, 1, 41), np.round(POINTS[:, 0], 1)  # with ties
    expected = np.quantile(np.repeat(values, weights), shares)
    assert_allclose(weighted_quantiles(values, shares, weights), expected, atol=1e-12)


def test_quantiles_with_equal_fractional_weights_are_those_without_weights():
    shares = np.linspace(0, 1, 21)
    expected = weighted_quantiles(POINTS[:, 0], shares)
    assert_allclose(weighted_quantiles(POINTS[:, 0], shares, as_frequencies(np.full(N, 0.4))), expected, atol=1e-12)


def test_quantiles_need_values():
    with pytest.raises(ValueError, match="values must be one or more numbers"):
        weighted_quantiles([], [0.5])


def test_weighted_principal_components_equal_those_of_repeated_rows():
    ours, theirs = principal_components(POINTS, WEIGHTS), principal_components(POINTS[ROWS])
    for one, other in zip(ours, theirs, strict=True):
        assert_allclose(one, other, rtol=1e-9)


def test_weighted_reference_data_lie_in_the_box_of_the_rows_that_count():
    points = np.concatenate([POINTS, [[1e3, 1e3]]])
    weights = np.append(WEIGHTS, 0)
    noise = uniform_reference(points, np.random.default_rng(1), weights)
    assert noise.shape == points.shape
    axes, mean = principal_components(POINTS[ROWS]).axes, principal_components(POINTS[ROWS]).mean
    box, scores = (POINTS[ROWS] - mean) @ axes.T, (noise - mean) @ axes.T
    assert (scores >= box.min(axis=0) - 1e-9).all()
    assert (scores <= box.max(axis=0) + 1e-9).all()
    plain = uniform_reference(POINTS, np.random.default_rng(1), np.ones(N))
    assert_allclose(plain, uniform_reference(POINTS, np.random.default_rng(1)))


def test_the_agreement_of_subsamples_counts_rows_with_their_weights():
    weights = np.array([100, 100, 1, 1, 1, 1])
    options = dict(n=6, pairs=1, share=1.0)
    answers = iter([np.array([0, 1, 0, 1, 0, 1]), np.array([0, 1, 1, 0, 1, 0])] * 2)
    [found] = subsample_agreement(cluster=lambda rows, rng: next(answers), rng=RNG, weights=weights, **options)
    one, other = np.array([0, 1, 0, 1, 0, 1]), np.array([0, 1, 1, 0, 1, 0])
    assert found == pytest.approx(adjusted_rand_index(np.repeat(one, weights), np.repeat(other, weights)))
    [plain] = subsample_agreement(cluster=lambda rows, rng: next(answers), rng=RNG, **options)
    assert plain < found


@pytest.mark.parametrize("leaves", [None, 7])
def test_a_weighted_tree_of_thresholds_equals_that_of_repeated_rows(leaves):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, K, N)
    points = rng.normal(size=(N, 2)) * [1.5, 2.0] + 2 * labels[:, None]
    weights = rng.integers(0, 6, N) ** 2
    centers = np.array([points[labels == k].mean(axis=0) for k in range(K)])
    labels = np.where(np.arange(N) % 11 == 10, -1, labels)
    rows = np.repeat(np.arange(N), weights)
    ours = threshold_tree(points, centers, labels, leaves, weights)
    theirs = threshold_tree(points[rows], centers, labels[rows], leaves)
    assert len(ours.leaves) == (leaves or K)
    for name in ("column", "threshold", "left", "right", "cluster"):
        assert_array_equal(getattr(ours, name), getattr(theirs, name))
    prices = tree_price(points, labels, ours, weights), tree_price(points[rows], labels[rows], theirs)
    assert_allclose(*prices, rtol=1e-10)


def test_rounding_of_fractional_weights_does_not_decide_between_cuts():
    points = np.array([[0.0, 0.3], [0.1, 0.1], [0.2, 0.2], [5.0, 0.9], [5.1, 0.4], [5.2, 0.6]])
    weights = [0.8, 0.6, 0.5, 0.3, 0.3, 0.1]
    tree = threshold_tree(points, [[0.1, 0.2], [5.1, 0.6]], [0, 0, 0, 1, 1, 1], weights=weights)
    assert (tree.column[0], tree.threshold[0]) == (0, pytest.approx(2.6))  # no mistakes, in the widest gap


def test_a_weighted_bisection_equals_that_of_repeated_rows():
    points = np.array([[0.0], [1.0], [10.0], [11.0], [500.0]])
    weights = np.array([1, 1, 3, 2, 0])
    labels = bisect(points, np.random.default_rng(0), weights)
    assert labels.tolist() == [1, 1, 0, 0, 0]  # the larger weight has label 0
    with pytest.raises(ValueError, match="all 1 points are equal"):
        bisect(points, np.random.default_rng(0), [0, 2, 0, 0, 0])


def test_weights_as_frequencies():
    assert as_frequencies([0, 3, 1]).tolist() == [0, 3, 1]
    assert_allclose(as_frequencies([0, 0.3, 0.1]), [0, 1.5, 0.5])
    assert_allclose(as_frequencies([0, 3e-20, 1e-20]), [0, 1.5, 0.5])


def test_test_values_of_categories_need_whole_weights():
    with pytest.raises(ValueError, match=r"weights must be whole numbers here, got 0\.5"):
        category_test_values([0, 1, 1], [0, 0, 1], [1, 0.5, 2])


@pytest.mark.parametrize("name", STATISTICS)
@pytest.mark.parametrize(("weights", "message"), [([1, 2], "weights must be"), (-np.ones(N), "not be negative")])
def test_invalid_weights_are_rejected(name, weights, message):
    statistic, values, labels = STATISTICS[name]
    with pytest.raises(ValueError, match=message):
        statistic(values, labels, weights)

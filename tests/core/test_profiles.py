"""Profiles of clusters: by hand, by laws, against SciPy and pandas, and published output of FactoMineR's `catdes`."""

from itertools import islice

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from scipy.stats.contingency import association

from clustering import (
    KMeans,
    category_test_values,
    cramers_v,
    eta_squared,
    fit,
    mean_test_values,
    noise_effects,
    standardized_differences,
)
from tests.core.tables import examples, seeds, tables

FIVE, FIVE_LABELS = [0.0, 2.0, 4.0, 6.0, 13.0], [0, 0, 1, 1, 1]
NUMERIC = [eta_squared, standardized_differences, mean_test_values]


def coded(n, categories, clusters, seed):
    """Random codes and labels (n,) that are related, each of which may be missing."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(clusters, size=n)
    codes = np.where(rng.random(n) < 0.5, labels % categories, rng.integers(categories, size=n))
    return np.where(rng.random(n) < 0.1, -1, codes), np.where(rng.random(n) < 0.1, -1, labels)


@st.composite
def labeled(draw):
    """Values (n, p), in which every cluster 0..k-1 has at least one row, and labels with noise."""
    values = draw(tables(rows=6, ties=False))
    rng, k = np.random.default_rng(draw(seeds)), draw(st.integers(2, 4))
    return values, rng.permutation(np.append(np.arange(k), rng.integers(-1, k, size=len(values) - k)))


# by hand


def test_five_values_in_two_clusters_by_hand():
    # the mean is 5, those of the clusters 1 and 23/3; sums of squares: 100 in all, 2 (4^2) + 3 (8/3)^2 = 160/3 between
    assert eta_squared(FIVE, FIVE_LABELS) == pytest.approx(160 / 300)
    # the standard deviation is sqrt(100 / 5)
    difference = (23 / 3 - 1) / np.sqrt(20)
    np.testing.assert_allclose(standardized_differences(FIVE, FIVE_LABELS), [-difference, difference])
    expected = [-4 / np.sqrt(3 / 4 * 20 / 2), 8 / 3 / np.sqrt(2 / 4 * 20 / 3)]
    np.testing.assert_allclose(mean_test_values(FIVE, FIVE_LABELS), expected)


def test_categories_of_four_rows_by_hand():
    codes, labels = [0, 0, 1, 1], [0, 0, 1, 1]
    assert cramers_v(codes, labels) == 1
    # two of four rows drawn without replacement are both of category 0 with probability 1/6; half of it is 1/12
    extreme = stats.norm.isf(1 / 12)
    np.testing.assert_allclose(category_test_values(codes, labels), [[extreme, -extreme], [-extreme, extreme]])
    assert cramers_v([0, 1, 0, 1], labels) == 0
    np.testing.assert_allclose(category_test_values([0, 1, 0, 1], labels), 0, atol=1e-12)


def test_effect_is_exactly_zero_for_constant_columns_and_exactly_one_for_columns_constant_in_each_cluster():
    labels = np.repeat([0, 1, 2], [3, 7, 6])
    for x in (0.1, 1e8 + 0.1, -3.3e-9, 1e-200, 1e149):
        assert eta_squared(np.full(16, x), labels) == 0
        assert eta_squared(np.repeat([x, 1.7 * x, 0.3 * x], [3, 7, 6]), labels) == 1
        assert not standardized_differences(np.full(16, x), labels).any()
        assert not mean_test_values(np.full(16, x), labels).any()


@pytest.mark.parametrize("function", NUMERIC)
def test_profiles_keep_their_precision_far_from_the_origin(function):
    values, labels = np.random.default_rng(0).integers(0, 8, size=43) / 8, np.arange(43) % 3
    np.testing.assert_allclose(function(values + 2**40, labels), function(values, labels), rtol=1e-10)


def test_missing_values_are_left_out_for_their_column_only_and_noise_for_all():
    nan = np.nan
    values = np.array([[0, 5], [2, nan], [4, 1], [6, 2], [13, nan], [999, 999], [nan, 7]], dtype=float)
    labels = np.array([0, 0, 1, 1, 1, -1, 0])
    second = [0, 2, 3, 6]
    for function in NUMERIC:
        both = function(values, labels)
        np.testing.assert_array_equal(both[..., 0], function(FIVE, FIVE_LABELS))
        np.testing.assert_array_equal(both[..., 1], function(values[second, 1], labels[second]))
    codes, labels = np.array([0, 0, 1, 1, 0, -1, 1]), np.array([0, 0, 1, 1, 1, 0, -1])
    assert cramers_v(codes, labels) == cramers_v(codes[:5], labels[:5])
    np.testing.assert_array_equal(category_test_values(codes, labels), category_test_values(codes[:5], labels[:5]))


def test_undefined_results():
    assert eta_squared([np.nan, np.nan], [0, 1]) == 0
    assert eta_squared(FIVE, [-1] * 5) == 0
    for function in (standardized_differences, mean_test_values):
        assert function(FIVE, [-1] * 5).shape == (0,)
        assert np.isnan(function(FIVE, [0] * 5)).tolist() == [True]
        assert np.isnan(function(FIVE, [0, 0, 2, 2, 2])).tolist() == [False, True, False]
    assert cramers_v([0, 0, 0], [0, 1, 2]) == cramers_v([0, 1, 2], [0, 0, 0]) == cramers_v([-1], [0]) == 0
    assert category_test_values([-1], [0]).shape == (0, 0)
    assert category_test_values([0, 2], [0, 0]).tolist() == [[0, 0, 0]]
    assert np.isnan(category_test_values([0, 1], [0, 2])[1]).all()


def test_errors_name_the_argument():
    for function in NUMERIC:
        with pytest.raises(ValueError, match=r"labels must be n=3 integers, got an array of float64 with shape \(3,\)"):
            function([1, 2, 3], [0.0, 1.0, 1.0])
        with pytest.raises(ValueError, match="values must be finite, but row 1, column 0 is inf"):
            function([1, np.inf, 3], [0, 1, 1])
    for function in (cramers_v, category_test_values):
        with pytest.raises(ValueError, match=r"labels must be n=3 integers, got an array of int64 with shape \(2,\)"):
            function([1, 2, 3], [0, 1])
        with pytest.raises(ValueError, match=r"codes must be integers \(n,\), got an array of <U1"):
            function(["a"], [0])


# laws


@given(labeled(), seeds, st.sampled_from([-1e3, -0.5, 1e-3, 7.0]))
@examples(60)
def test_profiles_depend_neither_on_units_nor_on_the_order_of_rows_nor_on_the_numbers_of_the_clusters(case, seed, scale):
    values, labels = case
    rng = np.random.default_rng(seed)
    rows, numbers = rng.permutation(len(values)), rng.permutation(labels.max() + 1)
    renumbered = np.where(labels < 0, -1, numbers[labels])[rows]
    moved = (values * scale + np.abs(values).max() * rng.normal(size=values.shape[1]))[rows]
    effects = eta_squared(values, labels)
    assert ((effects >= 0) & (effects <= 1)).all()
    np.testing.assert_allclose(eta_squared(moved, renumbered), effects, atol=1e-6)
    for function in (standardized_differences, mean_test_values):
        expected = np.sign(scale) * function(values, labels)
        np.testing.assert_allclose(function(moved, renumbered)[numbers], expected, rtol=1e-4, atol=1e-4)


@given(labeled())
@examples(60)
def test_the_effect_follows_from_the_test_values(case):
    values, labels = case
    kept = labels >= 0
    sizes = np.bincount(labels[kept])[:, None]
    n = kept.sum()
    v = mean_test_values(values, labels)
    assume(np.isfinite(v).all())
    np.testing.assert_allclose((v**2 * (n - sizes)).sum(axis=0) / (n * (n - 1)), eta_squared(values, labels), atol=1e-12)


@given(st.integers(2, 60), st.integers(2, 4), st.integers(2, 4), seeds)
@examples(60)
def test_renaming_categories_and_clusters_renames_their_profiles(n, categories, clusters, seed):
    codes, labels = coded(n, categories, clusters, seed)
    # one more row for each pair, so that no category or cluster is empty
    every = np.indices((categories, clusters)).reshape(2, -1)
    codes, labels = np.append(codes, every[0]), np.append(labels, every[1])
    rng = np.random.default_rng(seed)
    new_codes, new_labels = rng.permutation(categories), rng.permutation(clusters)
    renamed = np.where(codes < 0, -1, new_codes[codes]), np.where(labels < 0, -1, new_labels[labels])
    values = category_test_values(codes, labels)
    np.testing.assert_allclose(category_test_values(*renamed)[np.ix_(new_labels, new_codes)], values, atol=1e-9)
    assert cramers_v(*renamed) == pytest.approx(cramers_v(codes, labels), abs=1e-12)
    assert cramers_v(labels, codes) == pytest.approx(cramers_v(codes, labels), abs=1e-12)


# against SciPy and pandas


@given(labeled())
@examples(60)
def test_the_effect_gives_the_f_statistic_of_scipy(case):
    values, labels = case
    k, n = labels.max() + 1, np.count_nonzero(labels >= 0)
    assume(n > k)
    effects = eta_squared(values, labels)
    assume((effects < 1 - 1e-9).all())
    expected = stats.f_oneway(*(values[labels == q] for q in range(k))).statistic
    np.testing.assert_allclose(effects / (1 - effects) * (n - k) / (k - 1), expected, rtol=1e-6, atol=1e-9)


@given(labeled())
@examples(60)
def test_differences_and_test_values_agree_with_pandas(case):
    values, labels = case
    frame = pd.DataFrame(values[labels >= 0])
    kept = labels[labels >= 0]
    n, deviation = len(frame), frame.std(ddof=0)
    differences, test_values = standardized_differences(values, labels), mean_test_values(values, labels)
    for q in range(labels.max() + 1):
        size, mean = (kept == q).sum(), frame[kept == q].mean()
        np.testing.assert_allclose(differences[q], (mean - frame[kept != q].mean()) / deviation, rtol=1e-4, atol=1e-6)
        error = np.sqrt((n - size) / (n - 1) * deviation**2 / size)
        np.testing.assert_allclose(test_values[q], (mean - frame.mean()) / error, rtol=1e-4, atol=1e-6)


@given(st.integers(8, 200), st.integers(2, 5), st.integers(2, 5), seeds)
@examples(60)
def test_cramers_v_agrees_with_scipy(n, categories, clusters, seed):
    codes, labels = coded(n, categories, clusters, seed)
    kept = (codes >= 0) & (labels >= 0)
    table = pd.crosstab(labels[kept], codes[kept]).to_numpy()
    assume(min(table.shape) > 1)
    assert cramers_v(codes, labels) == pytest.approx(association(table, method="cramer"), abs=1e-12)


@given(st.integers(2, 300), st.integers(1, 5), st.integers(1, 5), seeds)
@examples(60)
def test_category_test_values_are_quantiles_of_the_hypergeometric_distribution_of_scipy(n, categories, clusters, seed):
    codes, labels = coded(n, categories, clusters, seed)
    kept = (codes >= 0) & (labels >= 0)
    codes, labels, n = codes[kept], labels[kept], kept.sum()
    values = category_test_values(codes, labels)
    for q, j in np.ndindex(values.shape):
        in_cluster, in_category = labels == q, codes == j
        if not in_cluster.any():
            continue
        count, size, total = (in_cluster & in_category).sum(), in_cluster.sum(), in_category.sum()
        distribution = stats.hypergeom(n, size, total)
        half = distribution.pmf(count) / 2
        tail = min(distribution.cdf(count - 1) + half, distribution.sf(count) + half)
        sign = 1 if count / size > total / n else -1
        assert values[q, j] == pytest.approx(sign * stats.norm.isf(tail), abs=1e-6)


def test_extreme_test_values_are_finite():
    labels = np.repeat([0, 1], 50_000)
    values = category_test_values(labels, labels)
    # the most extreme of C(100000, 50000) equally probable draws, of which half is counted
    log_draws = stats.binom.logpmf(50_000, 100_000, 0.5) + 100_000 * np.log(2)
    assert stats.norm.logsf(values[0, 0]) == pytest.approx(-log_draws - np.log(2), rel=1e-9)
    np.testing.assert_allclose(values, values[0, 0] * np.array([[1, -1], [-1, 1]]), rtol=1e-9)


# published values


def test_effects_of_the_columns_of_iris_by_species_as_published(table):
    effects = eta_squared(table("iris", 4), np.repeat([0, 1, 2], 50))
    np.testing.assert_allclose(effects, [0.6187057, 0.4007828, 0.9413717, 0.9288829], atol=5e-8)


@pytest.mark.parametrize(
    ("v", "mean", "overall", "within", "deviation"),
    [
        (4.496867, 97.49545, 92.82609, 2.577080, 6.668988),
        (4.210871, 80.59545, 71.19783, 8.177045, 14.333701),
        (3.311864, 53.68182, 42.43478, 15.070701, 21.811098),
        (3.156425, 14.54091, 12.38261, 1.140040, 4.391657),
        (-3.624185, 287.68182, 563.56522, 160.689250, 488.908040),
    ],
)
def test_test_values_of_means_as_printed_by_catdes(v, mean, overall, within, deviation):
    """Russett's data on 46 countries: the first of five clusters has 22. Values with the printed means and deviations."""
    other_mean = (46 * overall - 22 * mean) / 24
    squares = 46 * deviation**2 - 22 * (within**2 + (mean - overall) ** 2) - 24 * (other_mean - overall) ** 2
    other_within = np.sqrt(squares / 24)
    values = np.repeat([mean - within, mean + within, other_mean - other_within, other_mean + other_within], [11, 11, 12, 12])
    assert mean_test_values(values, np.repeat([0, 1], [22, 24]))[0] == pytest.approx(v, abs=1e-5)


@pytest.mark.parametrize(
    ("count", "size", "total", "v"),
    [
        (13, 22, 19, 2.263443),
        (1, 22, 15, -3.917625),
        (6, 6, 15, 3.462927),
        (0, 6, 19, -2.149409),
        (1, 2, 1, 2.019086),
        (7, 12, 15, 2.056469),
        (1, 12, 19, -2.684681),
    ],
)
def test_test_values_of_categories_as_printed_by_catdes(count, size, total, v):
    """Russett's data on 46 countries: `count` of the `total` countries of a category are in a cluster of this size."""
    codes = np.repeat([0, 1, 0, 1], [count, size - count, total - count, 46 - size - total + count])
    assert category_test_values(codes, np.repeat([0, 1], [size, 46 - size]))[0, 0] == pytest.approx(v, abs=5e-7)


# noise


def test_noise_keeps_the_values_of_each_column_and_destroys_their_relations():
    points = np.random.default_rng(0).normal(size=(500, 1)) * [1.0, 1.0, -2.0]
    seen = []

    def cluster(noise):
        seen.append(noise)
        return (noise[:, 0] > 0).astype(int)

    effects = np.stack(list(islice(noise_effects(cluster, points, np.random.default_rng(1)), 3)))
    assert effects.shape == (3, 3)
    for noise, row in zip(seen[:], effects, strict=True):
        np.testing.assert_array_equal(np.sort(noise, axis=0), np.sort(points, axis=0))
        np.testing.assert_array_equal(row, eta_squared(noise, cluster(noise)))
    assert (effects[:, 0] > 0.5).all()
    assert (effects[:, 1:] < 0.05).all()
    assert len({row.tobytes() for row in effects}) == 3


def test_clusters_of_correlated_columns_are_above_the_noise_and_unrelated_columns_are_not(table):
    rng = np.random.default_rng(2)
    points = np.column_stack([table("iris", 4), rng.normal(size=150)])
    points = (points - points.mean(axis=0)) / points.std(axis=0)

    def cluster(points):
        return fit(KMeans(3), points, rng=0).assignment.labels

    effects = eta_squared(points, cluster(points))
    noise = np.stack(list(islice(noise_effects(cluster, points, rng), 20)))
    assert (effects[2:4] > noise[:, 2:4].max(axis=0)).all()
    assert effects[4] < np.quantile(noise[:, 4], 0.9)

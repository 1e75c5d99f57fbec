"""Profiles of clusters: how strongly each column separates the clusters, and in which columns a cluster differs from others.

For a numeric column with mean m, variance s^2 (divisor N) and N values, of which the n_q values in cluster q have mean m_q:

    eta squared              sum over q of n_q (m_q - m)^2 / (N s^2)
    standardized difference  (m_q - mean of the other rows) / s
    test value               (m_q - m) / sqrt((N - n_q) / (N - 1) s^2 / n_q)

For a categorical column with c categories and k clusters:

    Cramér's V               sqrt(chi^2 / (N (min(c, k) - 1)))
    test value               normal quantile of the tail probability of the number of rows of the category in the cluster

With weights, a row counts as often as its weight says: N, n_q and chi^2 are those of repeated rows.

A row without a value in a column is left out of the results for that column. Rows with a negative label (noise) belong to no
cluster and are left out everywhere. If the columns were used to find the clusters, they differ between clusters even in noise:
compare with `noise_effects`, and read a test value as a measure of the difference, not as a test.
"""

from collections.abc import Callable, Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
from scipy.special import betaln, logsumexp, ndtri_exp

from clustering.points import as_doubles, check_data, check_table, refuse_dask
from clustering.validation import contingency_table
from clustering.weights import check_weights


class _Column(NamedTuple):
    """Statistics of the values of a column, divided by the largest distance from the mean so that squares do not overflow."""

    sizes: np.ndarray
    """(k,) number of values in each cluster, or sum of their weights"""
    means: np.ndarray
    """(k,) mean of each cluster minus the mean of the column; 0 without values"""
    between: float
    """sum of squares of the means"""
    within: float
    """sum of squared distances to the mean of the cluster"""

    @property
    def deviation(self) -> float:
        """Standard deviation (divisor N); 1 for a constant column, to divide by."""
        return float(np.sqrt((self.between + self.within) / (self.sizes.sum() or 1))) or 1.0


def eta_squared(values, labels, weights=None) -> float | np.ndarray:
    """Share of the variance of a numeric column that lies between the clusters (correlation ratio, eta squared).

    Parameters
    ----------
    values : (n,) or (n, p) array
        Numeric columns in any units; NaN where missing.
    labels : (n,) array of integers
        Negative for noise.
    weights : (n,) array, optional
        How often each row counts, see `as_frequencies`; by default once.

    Returns
    -------
    float, or (p,) array
        In 0..1: 0 if all clusters have the same mean, 1 if the column is constant in each cluster. 0 for a constant column.

    Raises
    ------
    ValueError
        As in `check_table` and `check_weights`, or if labels are not n integers.

    Notes
    -----
    Not corrected for the number of clusters: k clusters without relation to the column give (k - 1) / (n - 1) on average.
    The F statistic of one-way analysis of variance is eta^2 / (1 - eta^2) * (n - k) / (k - 1).

    References
    ----------
    Fisher 1925, "Statistical Methods for Research Workers".
    """
    return _of_columns(_eta_squared, values, labels, weights)


def standardized_differences(values, labels, weights=None) -> np.ndarray:
    """Mean of each cluster minus the mean of all other rows, in standard deviations of the whole column.

    The standard deviation is that of all rows with a label and a value (divisor N), the same for all clusters. It includes the
    differences between the clusters, so the result is smaller than Cohen's d, which uses the deviation within the two groups.

    Parameters
    ----------
    values, labels, weights : as in `eta_squared`

    Returns
    -------
    (k,) or (k, p) array
        For clusters 0..k-1. 0 for a constant column; NaN for a cluster with no values or with all of them.

    Raises
    ------
    ValueError
        As in `eta_squared`.
    """
    return _of_columns(_standardized_differences, values, labels, weights)


def mean_test_values(values, labels, weights=None) -> np.ndarray:
    """Test value of the mean of each cluster: the distance from the overall mean in standard errors of a random subset.

    The standard error is that of the mean of n_q rows drawn without replacement from all N rows.

    Parameters
    ----------
    values, labels, weights : as in `eta_squared`

    Returns
    -------
    (k,) or (k, p) array
        For clusters 0..k-1; positive if the mean of the cluster is above the overall mean. 0 for a constant column; NaN for a
        cluster with no values or with all of them.

    Raises
    ------
    ValueError
        As in `eta_squared`.

    Notes
    -----
    As `catdes` of the R package FactoMineR, which, however, counts missing values in N and n_q. Grows with the square root of
    the number of rows. Approximately standard normal only if the cluster was formed without looking at the column.

    References
    ----------
    Lebart, Morineau & Piron 1995, "Statistique exploratoire multidimensionnelle".
    """
    return _of_columns(_mean_test_values, values, labels, weights)


def cramers_v(codes, labels, weights=None) -> float:
    """Cramér's V: association of a categorical column with the clusters, without correction for bias.

    Parameters
    ----------
    codes : (n,) array of integers
        Category of each row; negative where missing.
    labels : (n,) array of integers
        Negative for noise.
    weights : (n,) array, optional
        How often each row counts; by default once.

    Returns
    -------
    float
        In 0..1: 1 if the clusters determine the category or the category determines the cluster. 0 if only one category or
        one cluster is present.

    Raises
    ------
    ValueError
        If codes and labels are not integers, n of each, or as in `check_weights`.

    Notes
    -----
    Not corrected for bias: even without association it is above 0, noticeably so for many categories and few rows.

    References
    ----------
    Cramér 1946, "Mathematical Methods of Statistics", chapter 21.
    """
    codes, labels, weights = _coded(codes, labels, weights)
    table, _, _ = contingency_table(labels, codes, weights)
    degrees = min(table.shape) - 1
    if degrees < 1:
        return 0.0
    n = table.sum()
    expected = table.sum(axis=1, keepdims=True) * (table.sum(axis=0) / n)
    return float(min(np.sqrt((np.square(table - expected) / expected).sum() / (n * degrees)), 1.0))


def category_test_values(codes, labels, weights=None) -> np.ndarray:
    """Test value of each category in each cluster: how unlikely its number of rows is if the cluster were a random subset.

    The number follows the hypergeometric distribution, of which the smaller tail is converted to a quantile of the standard
    normal distribution. The tail includes half of the probability of the number itself (mid-p value).

    Parameters
    ----------
    codes, labels : as in `cramers_v`
    weights : (n,) array, optional
        How often each row counts, whole numbers; by default once.

    Returns
    -------
    (k, c) array
        For clusters 0..k-1 and categories 0..c-1; positive if the category is more frequent in the cluster than in all rows.
        0 for a category without rows; NaN for a cluster without rows.

    Raises
    ------
    ValueError
        As in `cramers_v`, or if the weights are not whole numbers: a number of rows is one.

    Notes
    -----
    As `catdes` of the R package FactoMineR with `na.method="na.omit"`, but the tail is computed in logarithms, so that extreme
    values are finite.

    References
    ----------
    Lebart, Morineau & Piron 1995, "Statistique exploratoire multidimensionnelle".
    """
    codes, labels, weights = _coded(codes, labels, weights)
    if weights is not None and (weights != np.rint(weights)).any():
        raise ValueError(f"weights must be whole numbers here, got {weights[weights != np.rint(weights)][0]:g}")
    k, c = labels.max(initial=-1) + 1, codes.max(initial=-1) + 1
    table = np.bincount(labels * c + codes, weights, minlength=k * c).astype(np.int64).reshape(k, c)
    sizes, counts, n = table.sum(axis=1), table.sum(axis=0), int(table.sum())
    values = np.full((k, c), np.nan)
    for q, j in product(np.flatnonzero(sizes), range(c)):
        # products of integers decide exactly whether the category is more frequent in the cluster
        sign = 1.0 if int(table[q, j]) * n > int(sizes[q]) * int(counts[j]) else -1.0
        values[q, j] = 0.0 - sign * ndtri_exp(_log_tail(table[q, j], sizes[q], counts[j], n))
    return values


def noise_effects(cluster: Callable[[np.ndarray], np.ndarray], points, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Iterate without end over eta squared of the columns of clusterings of noise, for comparison with that of the data.

    In each repeat, every column is permuted independently. This keeps its values and destroys all relations between the
    columns. The permuted points are clustered anew.

    Parameters
    ----------
    cluster : function
        `cluster(points)` returns the labels (n,) of points (n, d).
    points : (n, d) array
    rng : numpy.random.Generator

    Yields
    ------
    (d,) array
        `eta_squared` of the permuted columns with the clusters found in them, computed when it is requested.

    Raises
    ------
    ValueError
        As in `check_points` and `eta_squared`, when the first result is requested.

    Notes
    -----
    A column whose eta squared is not above these values separates the clusters no more than it would in noise. A column whose
    values form separate groups keeps them when permuted, and so may have large values here as well.
    """
    points = check_data(points)
    while True:
        permuted = rng.permuted(points, axis=0)
        yield eta_squared(permuted, cluster(permuted))


def _of_columns(statistic: Callable[[_Column], np.ndarray], values, labels, weights):
    """The statistic of each column along the last axis, which is dropped for one-dimensional values."""
    table = as_doubles(values, "values", "numbers, or NaN if missing")
    single = table.ndim == 1
    table, observed = check_table(table[:, None] if single else table, "values")
    labels = _integers(labels, "labels", len(table))
    k = labels.max(initial=-1) + 1
    kept = observed & (labels >= 0)[:, None]
    if weights is not None:
        weights = check_weights(weights, len(table))
        kept &= (weights > 0)[:, None]
    columns = [
        _column(table[rows, j], labels[rows], k, None if weights is None else weights[rows]) for j, rows in enumerate(kept.T)
    ]
    result = np.stack([statistic(column) for column in columns], axis=-1)
    return result[..., 0][()] if single else result


def _column(values: np.ndarray, labels: np.ndarray, k: int, weights: np.ndarray | None) -> _Column:
    sizes = np.bincount(labels, weights, minlength=k)
    if not len(values) or values.min() == values.max():  # the computed mean of equal values may differ from them
        return _Column(sizes, np.zeros(k), 0.0, 0.0)
    centered = values - np.average(values, weights=weights)
    centered /= np.abs(centered).max()
    centered -= np.average(centered, weights=weights)  # correct the rounding error of the mean
    sums = np.bincount(labels, centered if weights is None else weights * centered, minlength=k)
    means = sums / np.where(sizes > 0, sizes, 1)
    squares = np.square(centered - means[labels])
    return _Column(sizes, means, float(sizes @ means**2), float(squares.sum() if weights is None else weights @ squares))


def _eta_squared(column: _Column) -> np.ndarray:
    total = column.between + column.within
    return np.float64(column.between / total if total else 0.0)


def _standardized_differences(column: _Column) -> np.ndarray:
    # the means are relative to the mean of all N rows: those of the other rows have the mean -n_q m_q / (N - n_q)
    sizes, others = _sizes(column)
    return column.means / column.deviation * ((sizes + others) / others)


def _mean_test_values(column: _Column) -> np.ndarray:
    sizes, others = _sizes(column)
    return column.means / column.deviation * np.sqrt(sizes / others * (sizes + others - 1))


def _sizes(column: _Column) -> tuple[np.ndarray, np.ndarray]:
    """Number of values (k,) in each cluster and in all others; NaN if there are none in either."""
    sizes = column.sizes.astype(float)
    others = sizes.sum() - sizes
    undefined = (sizes == 0) | (others == 0)
    return np.where(undefined, np.nan, sizes), np.where(undefined, np.nan, others)


def _coded(codes, labels, weights) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Codes, labels and weights (m,) of the rows that have both and count."""
    codes = _integers(codes, "codes", None)
    labels = _integers(labels, "labels", len(codes))
    kept = (codes >= 0) & (labels >= 0)
    if weights is None:
        return codes[kept], labels[kept], None
    weights = check_weights(weights, len(codes))
    kept &= weights > 0
    return codes[kept], labels[kept], weights[kept]


def _integers(values, name: str, n: int | None) -> np.ndarray:
    """The values as an (n,) array. Raise ValueError unless they are integers, and n of them if n is given."""
    refuse_dask(values, name)
    values = np.asarray(values)
    if values.ndim != 1 or values.dtype.kind not in "iu" or n not in (None, len(values)):
        number = "integers (n,)" if n is None else f"n={n} integers"
        raise ValueError(f"{name} must be {number}, got an array of {values.dtype} with shape {values.shape}")
    return values.astype(np.intp)


def _log_tail(count: int, size: int, total: int, n: int) -> float:
    """Logarithm of the smaller mid-p tail of a hypergeometric count: `size` of n rows are drawn, `total` have the category."""
    lowest, highest = max(0, size + total - n), min(size, total)
    # more than 12 standard deviations beyond the count the terms are negligible, even for a skewed distribution
    reach = 40 + int(12 * np.sqrt(size / n * (1 - size / n) * total))
    lower = np.arange(max(lowest, count - reach), count + 1)
    upper = np.arange(count, min(highest, count + reach) + 1)
    return min(_log_mid_sum(_log_pmf(lower, size, total, n)), _log_mid_sum(_log_pmf(upper, size, total, n)[::-1]))


def _log_mid_sum(logs: np.ndarray) -> float:
    """Logarithm of the sum of exp(logs), with half of the last term."""
    logs[-1] -= np.log(2)
    return float(logsumexp(logs))


def _log_pmf(count: np.ndarray, size: int, total: int, n: int) -> np.ndarray:
    def log_choose(a, b):
        return -betaln(a - b + 1, b + 1) - np.log(a + 1)

    return log_choose(size, count) + log_choose(n - size, total - count) - log_choose(n, total)

"""Weights of the rows: how often a point counts.

A weight of w has the effect of w equal rows. Any weight of at least 0 is possible: frequencies, or the weights of a survey.
A row of weight 0 has no effect on the result, but gets a label.

Statistics of clusters take weights as frequencies: they equal those of repeated rows. Where a row is not compared with itself,
as in a silhouette width, one of its w copies is left out; a weight below 1 counts as a part of one row, which is left out as a
whole.
"""

import numpy as np

from clustering.chunks import chunk_size, map_chunks
from clustering.points import WeightedPoints, as_doubles, check_k, check_magnitude, check_points, is_dask

MAX_WEIGHT = 1e100
"""the largest weight must lie between the inverse of this and this, so that products with squares neither overflow nor
underflow for points of usual size"""


def check_weights(weights, n: int) -> np.ndarray:
    """Check the weights of n rows and return them as an (n,) array of doubles.

    Raises
    ------
    ValueError
        If they are not n finite numbers of at least 0, if all are 0, or if the largest exceeds `MAX_WEIGHT` or is below its
        inverse.
    """
    checked = as_doubles(weights, "weights", "numbers, one per point")
    if checked.shape != (n,):
        raise ValueError(f"weights must be {n} numbers, one per point, got shape {checked.shape}")
    for valid, rule in ((np.isfinite(checked), "be finite"), (checked >= 0, "not be negative")):
        if not valid.all():
            row = valid.argmin()
            raise ValueError(f"weights must {rule}, but weight {row} is {checked[row]:g}")
    largest = checked.max()
    if largest == 0:
        raise ValueError("weights must not all be 0: at least one row must count")
    if not 1 / MAX_WEIGHT <= largest <= MAX_WEIGHT:
        raise ValueError(
            f"the largest weight must lie in {1 / MAX_WEIGHT:g}..{MAX_WEIGHT:g}, got {largest:g}: "
            "multiply all weights by a constant"
        )
    return checked


def as_frequencies(weights) -> np.ndarray:
    """Weights of rows as frequencies, for statistics that depend on the number of rows.

    Parameters
    ----------
    weights : (n,) array-like of finite numbers of at least 0, not all of them 0

    Returns
    -------
    (n,) array
        The weights, if all of them are whole numbers. Other weights are relative: they are multiplied by a constant, so that
        their sum is the number of rows whose weight is not 0.

    Raises
    ------
    ValueError
        As in `check_weights`.
    """
    weights = check_weights(weights, np.size(weights))
    if (weights == np.rint(weights)).all():
        return weights
    relative = weights / weights.max()
    return relative * (np.count_nonzero(weights) / relative.sum())


def rows_that_count(weights, n: int) -> tuple[np.ndarray | slice, np.ndarray | None]:
    """The rows whose weight is not 0, as indices, and their weights; all rows and None without weights.

    Raises ValueError as in `check_weights`.
    """
    if weights is None:
        return slice(None), None
    weights = check_weights(weights, n)
    rows = np.flatnonzero(weights)
    return rows, weights[rows]


def own_parts(weights: np.ndarray) -> np.ndarray:
    """(n,) the part of each weight that stands for the row itself, when it is compared with all others: at most 1."""
    return np.minimum(weights, 1.0)


def weighted_quantiles(values, shares, weights=None) -> np.ndarray:
    """Quantiles of numbers with weights, by linear interpolation.

    Parameters
    ----------
    values : (n,) array of finite numbers
    shares : (m,) array of numbers in 0..1
    weights : (n,) array, optional
        How often each value counts; by default once.

    Returns
    -------
    (m,) array
        With whole weights, those of `numpy.quantile` for repeated values.

    Raises
    ------
    ValueError
        As in `check_weights`, or if there are no values.
    """
    values = as_doubles(values, "values", "numbers")
    if values.ndim != 1 or not values.size:
        raise ValueError(f"values must be one or more numbers (n,), got shape {values.shape}")
    if weights is None:
        return np.quantile(values, shares)
    rows, weights = rows_that_count(weights, len(values))
    order = np.argsort(values[rows], kind="stable")
    values, weights = values[rows][order], weights[order]
    # the copies of a value have consecutive positions, from the sum of the weights before to that of the last copy
    ends = np.cumsum(weights)
    first, last = ends - weights, ends - own_parts(weights)
    positions = np.column_stack([first, last]).ravel()
    return np.interp(np.asarray(shares) * last[-1], positions, np.repeat(values, 2))


def check_weighted(data: WeightedPoints, k: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Checked points (n, d), and their weights (n,), None if all are 1.

    Raises ValueError as in `check_points`, `check_weights` and `check_k`, where rows of weight 0 do not count.
    """
    if is_dask(data.points):
        raise ValueError("points with weights must be in memory: call compute(), or leave out the weights")
    points = check_points(data.points)
    weights = check_weights(data.weights, len(points))
    check_magnitude(counting(points, weights))
    check_counting_k(k, len(points), weights)
    return points, None if (weights == 1).all() else weights


def check_counting_k(k: int, n: int, weights: np.ndarray | None) -> None:
    """Raise ValueError unless k is an integer from 1 to the number of rows whose weight is not 0."""
    if weights is None or (m := np.count_nonzero(weights)) == n:
        check_k(k, n)
    elif k > m:
        raise ValueError(f"k must lie in 1..{m}, the number of points with a weight above 0, got {k}")
    else:
        check_k(k, m)


def counting(points: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """The rows of the points (n, …) whose weight is not 0."""
    return points if weights is None or weights.all() else points[weights > 0]


def refuse_weights(data, method: str) -> None:
    """Raise ValueError for `WeightedPoints`, and for prepared points with weights."""
    if isinstance(data, WeightedPoints) or (isinstance(data, tuple) and getattr(data, "weights", None) is not None):
        raise ValueError(f"{method} does not use weights of rows: pass the points alone, or repeat rows")


def weighted_means(points: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(d,) weighted mean of each column (n, d); exactly its value if the rows that count are equal."""
    rows = counting(points, weights)
    means = (weights / weights.max()) @ points / (weights / weights.max()).sum()
    return np.where((rows == rows[0]).all(axis=0), rows[0], means)


def weighted_tally(prepared, labels: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Sums of weights (k,) and weighted sums of points (k, d) of each cluster, for prepared points with weights.

    They are computed from all points, not from those that moved, so that a cluster that lost all points has exactly weight 0.
    """

    def part(chunk):
        numbers, weights = labels[chunk].astype(np.intp), prepared.weights[chunk]
        sums = [np.bincount(numbers, weights * column[chunk], minlength=k) for column in prepared.columns]
        return np.bincount(numbers, weights, minlength=k), np.array(sums).T

    parts = map_chunks(part, len(labels), chunk_size(len(prepared.columns)))
    sizes, sums = (sum(part) for part in zip(*parts, strict=True))
    return sizes, sums


def weighted_total(squares: np.ndarray, weights: np.ndarray) -> float:
    """Weighted sum of the squares (n,). Raises ValueError if it overflows, or is 0 because of underflow."""
    with np.errstate(over="ignore"):
        total = float(weights @ squares)
    if total < np.inf and (total > 0 or not counting(squares, weights).any()):
        return total
    raise ValueError(f"the weighted sum of squares overflows or underflows, got {total:g}: multiply all weights by a constant")

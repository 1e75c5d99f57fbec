"""Validation of points, labels and the number of clusters."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from clustering.notices import Notice, few_distinct_notices

EPS = np.finfo(float).eps
"""machine epsilon of double precision"""

MAX_MAGNITUDE = 1e150
"""largest absolute value of a coordinate, chosen so that sums of squares do not overflow"""

MIN_MAGNITUDE = 1e-150
"""lower limit of the largest absolute value of a coordinate, chosen so that squares do not underflow to 0"""


@dataclass(frozen=True, eq=False)
class WeightedPoints:
    """Points with a weight for each row: data for `KMeans` and `GaussianMixture`.

    >>> import numpy as np
    >>> from clustering import KMeans, WeightedPoints, fit
    >>> fit(KMeans(2), WeightedPoints([[0.0], [1.0], [9.0]], [3, 1, 1]), start=[[0.0], [9.0]]).parameters
    array([[0.25],
           [9.  ]])

    Results equal those for points in which each row is repeated `weight` times, up to rounding and the random numbers of the
    initialization. Weights of 1 give exactly the results of the points without weights.
    """

    points: Any
    """(n, d) array-like of numbers; not a Dask array"""
    weights: Any
    """(n,) array-like of finite numbers of at least 0, not all of them 0"""


def is_dask(data) -> bool:
    """Whether this is a Dask array, dataframe or bag. Does not import Dask."""
    return type(data).__module__.partition(".")[0] == "dask"


def refuse_dask(data, name: str) -> None:
    """Raise ValueError if this is a Dask array or dataframe, which NumPy would load into memory as a whole."""
    if is_dask(data):
        raise ValueError(
            f"{name} must be in memory here, but this is a Dask {type(data).__name__.lower()}: take a sample with "
            "clustering.sample_rows, or call compute() if it fits in memory"
        )


def as_doubles(values, name: str, expected: str) -> np.ndarray:
    """Return the values as an array of doubles, in which masked values of a masked array are NaN.

    Raise ValueError for a Dask array, for complex numbers, and if the values are not numbers; then the message says what is
    `expected`.
    """
    refuse_dask(values, name)
    if isinstance(values, WeightedPoints):
        raise ValueError(f"{name} must be without weights here: only KMeans and GaussianMixture use weights of rows")
    if np.iscomplexobj(values):
        raise ValueError(f"{name} must be real numbers, not complex: pass real and imaginary parts as separate columns")
    try:
        doubles = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be {expected}") from None
    mask = np.ma.getmask(values)  # a single False for other arrays
    return np.where(mask, np.nan, doubles) if np.any(mask) else doubles


def check_points(points, name: str = "points") -> np.ndarray:
    """Check the points and return them as an (n, d) array of finite doubles.

    Parameters
    ----------
    points : (n, d) array-like of numbers
    name : str
        Name of the argument in error messages.

    Raises
    ------
    ValueError
        If `points` is not a numeric table with at least one row and one column, or has a value that is not finite or
        exceeds `MAX_MAGNITUDE` in absolute value. The message gives the position of the first invalid value. Also for complex
        numbers, for masked values, and for a Dask array or dataframe.
    """
    checked = as_doubles(points, name, "numbers: an (n, d) array with one row per point")
    if checked.ndim != 2:
        raise ValueError(f"{name} must have two dimensions (n, d), got {checked.ndim}")
    if checked.size == 0:
        raise ValueError(f"{name} must have at least one row and one column, got shape {checked.shape}")
    if not np.isfinite(checked).all():
        row, column = np.argwhere(~np.isfinite(checked))[0]
        raise ValueError(f"{name} must be finite, but row {row}, column {column} is {checked[row, column]}")
    if np.abs(checked).max() > MAX_MAGNITUDE:
        row, column = np.argwhere(np.abs(checked) > MAX_MAGNITUDE)[0]
        raise ValueError(
            f"{name} must not exceed {MAX_MAGNITUDE:g}, so that their squares do not overflow, but row {row}, column {column} "
            f"is {checked[row, column]:g}: divide the column by a constant"
        )
    return checked


def check_data(points) -> np.ndarray:
    """Check the points of a data set, whose squared distances must be positive doubles.

    As `check_points`, and raises ValueError if all columns that vary have values below `MIN_MAGNITUDE` only.
    """
    checked = check_points(points)
    check_magnitude(checked)
    return checked


def check_magnitude(points: np.ndarray) -> None:
    """Raise ValueError if all columns (n, d) that vary have values below `MIN_MAGNITUDE` only."""
    if (np.abs(points[:100]).max(axis=0) >= MIN_MAGNITUDE).all():  # usually true, and faster than the maximum of all rows
        return
    largest = np.abs(points).max(axis=0)
    small = too_small(largest)
    if small.any() and (points[:, ~small] == points[0, ~small]).all():
        refuse_small(largest)


def too_small(largest: np.ndarray) -> np.ndarray:
    """(d,) whether squares of a column underflow, given the largest absolute value of each column."""
    return (largest > 0) & (largest < MIN_MAGNITUDE)


def refuse_small(largest: np.ndarray) -> None:
    """Raise ValueError if a column is too small, given the largest absolute value of each column."""
    for column in np.flatnonzero(too_small(largest)):
        raise ValueError(
            f"points must have a column with values above {MIN_MAGNITUDE:g}, so that their squares are not rounded to 0, but "
            f"the largest value of column {column} is {largest[column]:g}: multiply the columns by a constant"
        )


def check_table(points, name: str = "points") -> tuple[np.ndarray, np.ndarray]:
    """Check a table with missing values (NaN, or masked values of a masked array).

    Returns
    -------
    points : (n, d) array of finite doubles, 0 where missing
    observed : (n, d) boolean array, False where missing

    Raises
    ------
    ValueError
        As in `check_points`, except that NaN is allowed.
    """
    table = as_doubles(points, name, "numbers, or NaN if missing: an (n, d) array with one row per point")
    observed = ~np.isnan(table)
    return check_points(np.where(observed, table, 0.0), name), observed


def column_means(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean of each column (d,), and whether the column varies (d,).

    The mean of a constant column is exactly its value, free of the rounding error of a sum.
    """
    varies = points[-1] != points[0]
    for column in np.flatnonzero(~varies):  # usually few, so the full comparison is rarely needed
        varies[column] = (points[:, column] != points[0, column]).any()
    return np.where(varies, points.mean(axis=0), points[0]), varies


def is_integer(value) -> bool:
    """Whether the value has an integer type: 2 but not 2.0 or True."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def check_k(k: int, n: int) -> None:
    """Raise ValueError unless k is an integer with 1 <= k <= n."""
    if not is_integer(k) or not 1 <= k <= n:
        raise ValueError(f"k must lie in 1..n={n}, got {k}{'' if is_integer(k) else ', which is not an integer'}")


def check_labels(labels, n: int, k: int) -> np.ndarray:
    """Check the labels and return them as an (n,) array. Raise ValueError unless they are n integers in 0..k-1."""
    refuse_dask(labels, "labels")
    labels = np.asarray(labels)
    if labels.shape != (n,) or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels must be {n} integers, one per point, got {labels.dtype} of shape {labels.shape}")
    if not (labels.min() >= 0 and labels.max() < k):
        raise ValueError(f"labels must lie in 0..k-1={k - 1}, got {labels.min()}..{labels.max()}")
    return labels


def distinct_rows(points: np.ndarray, enough: int) -> np.ndarray:
    """All distinct rows, or at least `enough` of them as soon as that many have been found."""
    n = len(points)
    examined = min(n, 8 * enough)
    while True:
        distinct = np.unique(points[:examined], axis=0)
        if len(distinct) >= enough or examined == n:
            return distinct
        examined = min(n, 8 * examined)


def distinct_points_notices(points: np.ndarray, k: int) -> tuple[Notice, ...]:
    """Notice that the points have fewer than k distinct rows, or an empty tuple."""
    return few_distinct_notices(len(distinct_rows(points, k)), k)

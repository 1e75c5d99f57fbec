"""Points as the methods here want them: checked, in double precision, centered."""

import numpy as np

from clustering.notices import Notice, few_distinct_notices

EPS = np.finfo(float).eps
"""the spacing of double-precision numbers at 1"""

MAX_MAGNITUDE = 1e150
"""magnitude of a coordinate, so that sums of squares of many of them stay finite"""


def check_points(points, name: str = "points") -> np.ndarray:
    """The points as an (n, d) array of finite doubles.

    Parameters
    ----------
    points : (n, d) array-like of numbers
    name : what to call them in a sentence

    Raises
    ------
    ValueError
        If it is not a table of numbers with at least one row and one column, or holds a value that is not finite;
        the sentence names the first offending entry.
    """
    try:
        checked = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be numbers: an (n, d) array with one row per point") from None
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
            f"{name} must not exceed {MAX_MAGNITUDE:g}, so that they can be squared, but row {row}, column {column} is "
            f"{checked[row, column]:g}: divide the column by a constant"
        )
    return checked


def check_table(points, name: str = "points") -> tuple[np.ndarray, np.ndarray]:
    """The table as an (n, d) array of finite doubles with 0 in the gaps, and where it is observed, (n, d) of booleans.

    ValueError as `check_points`, except that NaN is a gap.
    """
    try:
        observed = ~np.isnan(np.asarray(points, dtype=np.float64))
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be numbers, NaN for gaps: an (n, d) array with one row per point") from None
    return check_points(np.where(observed, np.asarray(points, dtype=np.float64), 0.0), name), observed


def column_means(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean of each column (d,), and whether it varies (d,): that of one that does not is its value to the last bit, which
    a sum over its copies would round."""
    varies = points[-1] != points[0]
    for column in np.flatnonzero(~varies):  # few as a rule, so that the others cost no pass
        varies[column] = (points[:, column] != points[0, column]).any()
    return np.where(varies, points.mean(axis=0), points[0]), varies


def is_integer(value) -> bool:
    """Whether the value is an integer; 2.0 is not."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def check_k(k: int, n: int) -> None:
    """Raises ValueError unless k is an integer with 1 <= k <= n."""
    if not is_integer(k) or not 1 <= k <= n:
        raise ValueError(f"k must lie in 1..n={n}, got {k}{'' if is_integer(k) else ', which is not an integer'}")


def check_labels(labels, n: int, k: int) -> np.ndarray:
    """The labels as an (n,) array. Raises ValueError unless they are n integers in 0..k-1."""
    labels = np.asarray(labels)
    if labels.shape != (n,) or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"labels must be {n} integers, one for each point, got {labels.dtype} of shape {labels.shape}")
    if not (labels.min() >= 0 and labels.max() < k):
        raise ValueError(f"labels must lie in 0..k-1={k - 1}, got {labels.min()}..{labels.max()}")
    return labels


def count_distinct(points: np.ndarray, enough: int) -> int:
    """The number of distinct rows, or some number >= `enough` as soon as that many are certain."""
    n = len(points)
    taken = min(n, 8 * enough)
    while True:
        distinct = len(np.unique(points[:taken], axis=0))
        if distinct >= enough or taken == n:
            return distinct
        taken = min(n, 8 * taken)


def distinct_points_notices(points: np.ndarray, k: int) -> tuple[Notice, ...]:
    """The notice that these points call for when k clusters are asked of them, if any."""
    return few_distinct_notices(count_distinct(points, k), k)

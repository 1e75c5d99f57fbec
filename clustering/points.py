"""Points as the methods here want them: checked, in double precision, centred."""

import numpy as np


def check_points(points) -> np.ndarray:
    """The points as an (n, d) array of finite doubles.

    Parameters
    ----------
    points : (n, d) array-like of numbers

    Raises
    ------
    ValueError
        If it is not a table of numbers with at least one row and one column, or holds a value that is not finite;
        the sentence names the first offending entry.
    """
    try:
        checked = np.asarray(points, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError("points must be numbers: an (n, d) array with one row per point") from None
    if checked.ndim != 2:
        raise ValueError(f"points must have two dimensions (n, d), got {checked.ndim}")
    if checked.size == 0:
        raise ValueError(f"points must have at least one row and one column, got shape {checked.shape}")
    if not np.isfinite(checked).all():
        row, column = np.argwhere(~np.isfinite(checked))[0]
        raise ValueError(f"points must be finite, but row {row}, column {column} is {checked[row, column]}")
    return checked


def check_k(k: int, n: int) -> None:
    """Raises ValueError unless 1 <= k <= n."""
    if k != int(k) or not 1 <= k <= n:
        raise ValueError(f"k must lie in 1..n={n}, got {k}")


def count_distinct(points: np.ndarray, enough: int) -> int:
    """The number of distinct rows, or some number >= `enough` as soon as that many are certain."""
    n = len(points)
    taken = min(n, 8 * enough)
    while True:
        distinct = len(np.unique(points[:taken], axis=0))
        if distinct >= enough or taken == n:
            return distinct
        taken = min(n, 8 * taken)

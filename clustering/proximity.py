"""Proximity matrices: (n, n) arrays of pairwise dissimilarities.

They are the input of K-medoids and of methods with `metric="precomputed"`.
"""

import numpy as np
from scipy.spatial.distance import cdist

from clustering.chunks import map_chunks
from clustering.points import as_doubles, check_data

METRICS = {
    "euclidean": "euclidean",
    "squared euclidean": "sqeuclidean",
    "manhattan": "cityblock",
    "chebyshev": "chebyshev",
    "cosine": "cosine",
    "correlation": "correlation",
}
"""metric name -> name in SciPy"""


class UndefinedProximity(ValueError):
    """Cosine distance of a row of zeros, or correlation distance of a constant row."""

    def __init__(self, metric: str, row: int):
        self.metric, self.row = metric, row
        super().__init__(self.message(row))

    def message(self, name) -> str:
        """Error message with the given name for the row."""
        reason = "has equal values in all columns" if self.metric == "correlation" else "is all zeros"
        return f"{self.metric} is not defined for row {name}, which {reason}: remove it or choose another metric"


def proximity_matrix(points, metric: str = "euclidean") -> np.ndarray:
    """Pairwise dissimilarities of points, a symmetric (n, n) array with a zero diagonal.

    Parameters
    ----------
    points : (n, d) array
    metric : str
        "euclidean", "squared euclidean", "manhattan" (sum of absolute differences), "chebyshev" (largest absolute
        difference), "cosine" (1 - cosine of the angle between the rows) or "correlation" (1 - Pearson correlation of the
        rows, which needs at least 3 columns).

    Raises
    ------
    ValueError
        As in `check_points`, if the metric is unknown or needs more columns, or if it is undefined for a row
        (`UndefinedProximity`).

    Notes
    -----
    Computed by `scipy.spatial.distance.cdist`.
    """
    points = check_data(points)
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {', '.join(METRICS)}, got {metric!r}")
    if metric == "correlation" and points.shape[1] < 3:
        raise ValueError(f"correlation needs at least 3 columns, got {points.shape[1]}: choose another metric")
    if metric in ("cosine", "correlation"):
        undefined = np.flatnonzero(np.ptp(points, axis=1) == 0 if metric == "correlation" else ~points.any(axis=1))
        if undefined.size:
            raise UndefinedProximity(metric, int(undefined[0]))
    if metric in ("euclidean", "squared euclidean", "manhattan", "chebyshev"):
        points = points - points.mean(axis=0)
    proximities = cdist(points, points, METRICS[metric])
    if metric in ("cosine", "correlation"):
        # remove rounding errors left by SciPy: nonzero diagonal, negative values, asymmetry
        np.fill_diagonal(proximities, 0.0)
        np.maximum(proximities, 0.0, out=proximities)
        proximities = np.maximum(proximities, proximities.T)
    return proximities


def check_proximities(proximities) -> np.ndarray:
    """Check a dissimilarity matrix and return it as an (n, n) array of doubles.

    Raises
    ------
    ValueError
        If it is not numeric, square, finite, non-negative, zero on the diagonal, and symmetric within rounding (1e-8 times
        the larger of the two entries plus 1e-12 times the largest entry). The message gives the first invalid entry.
    """
    checked = as_doubles(proximities, "proximities", "numbers: an (n, n) array")
    if checked.ndim != 2 or checked.shape[0] != checked.shape[1] or not checked.size:
        raise ValueError(f"proximities must be a square matrix (n, n), got shape {checked.shape}")
    largest = max(map_chunks(lambda rows: _check_entries(checked, rows), len(checked), TILE))
    diagonal = np.flatnonzero(checked.diagonal())
    if diagonal.size:
        i = diagonal[0]
        raise ValueError(f"the dissimilarity of a point to itself must be 0, but entry ({i}, {i}) is {checked[i, i]:g}")
    map_chunks(lambda rows: _check_symmetry(checked, rows, 1e-12 * largest), len(checked), TILE)
    return checked


TILE = 256
"""rows and columns per tile: a tile and its transpose fit in the processor cache"""


def _check_entries(matrix, rows) -> float:
    """Largest entry of these rows. Raise ValueError if an entry is negative or not finite."""
    block = matrix[rows]
    smallest, largest = block.min(), block.max()
    if smallest >= 0 and largest < np.inf:  # false for NaN
        return float(largest)
    finite = np.isfinite(block)
    rule, invalid = ("finite", ~finite) if not finite.all() else ("at least 0", block < 0)
    i, j = np.argwhere(invalid)[0] + (rows.start, 0)
    raise ValueError(f"dissimilarities must be {rule}, but entry ({i}, {j}) is {matrix[i, j]:g}")


def _check_symmetry(matrix, rows, margin) -> None:
    for begin in range(rows.start, len(matrix), TILE):
        columns = slice(begin, begin + TILE)
        tile, mirror = matrix[rows, columns], matrix[columns, rows].T
        if (tile == mirror).all():  # most matrices are exactly symmetric, and this is faster than the tolerance
            continue
        asymmetric = np.abs(tile - mirror) > 1e-8 * np.maximum(tile, mirror) + margin
        if asymmetric.any():
            i, j = np.argwhere(asymmetric)[0] + (rows.start, begin)
            raise ValueError(
                f"proximities must be symmetric, but entry ({i}, {j}) is {matrix[i, j]:g} and ({j}, {i}) is {matrix[j, i]:g}"
            )

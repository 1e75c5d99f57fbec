"""Proximities: the (n, n) matrix of dissimilarities that K-medoids works on."""

import numpy as np
from scipy.spatial.distance import cdist

from clustering.chunks import map_chunks
from clustering.points import check_points

METRICS = {
    "euclidean": "euclidean",
    "squared euclidean": "sqeuclidean",
    "manhattan": "cityblock",
    "chebyshev": "chebyshev",
    "cosine": "cosine",
    "correlation": "correlation",
}
"""name here: name in SciPy"""


class UndefinedProximity(ValueError):
    """Cosine or correlation of a row that has no direction."""

    def __init__(self, metric: str, row: int):
        self.metric, self.row = metric, row
        super().__init__(self.sentence(row))

    def sentence(self, name) -> str:
        """What is wrong, with the row called by this name."""
        what = "has equal values in all columns" if self.metric == "correlation" else "is all zeros"
        return f"{self.metric} is not defined for row {name}, which {what}: remove it or choose another metric"


def proximity_matrix(points, metric: str = "euclidean") -> np.ndarray:
    """The dissimilarity of each pair of points, an (n, n) array: symmetric, with a zero diagonal.

    Parameters
    ----------
    points : (n, d) array
    metric : str
        "euclidean", "squared euclidean", "manhattan" (sum of absolute differences), "chebyshev" (largest of them),
        "cosine" (1 - cosine of the angle at the origin) or "correlation" (cosine after each row lost its mean).

    Raises
    ------
    ValueError
        If the metric has another name, or cosine or correlation is not defined because a row has no direction.

    The arithmetic is `scipy.spatial.distance.cdist`'s.
    """
    points = check_points(points)
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {', '.join(METRICS)}, got {metric!r}")
    if metric == "correlation" and points.shape[1] < 3:
        raise ValueError(
            f"correlation compares the profiles of rows and needs at least 3 columns, got {points.shape[1]}: "
            "choose another metric"
        )
    if metric in ("cosine", "correlation"):
        still = np.flatnonzero(np.ptp(points, axis=1) == 0 if metric == "correlation" else ~points.any(axis=1))
        if still.size:
            raise UndefinedProximity(metric, int(still[0]))
    if metric in ("euclidean", "squared euclidean", "manhattan", "chebyshev"):
        points = points - points.mean(axis=0)
    proximities = cdist(points, points, METRICS[metric])
    if metric in ("cosine", "correlation"):
        # SciPy leaves rounding errors here: on the diagonal, below zero, and between the two triangles
        np.fill_diagonal(proximities, 0.0)
        np.maximum(proximities, 0.0, out=proximities)
        proximities = np.maximum(proximities, proximities.T)
    return proximities


def check_proximities(proximities) -> np.ndarray:
    """The matrix as an (n, n) array of doubles, once it has proved to be one of dissimilarities.

    Raises
    ------
    ValueError
        If it is not numbers, square, finite, non-negative, zero on the diagonal, and symmetric within rounding (1e-8 of
        the larger of the two entries plus 1e-12 of the largest of all). The sentence names the first offending entry.
    """
    try:
        checked = np.asarray(proximities, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError("proximities must be numbers: an (n, n) array") from None
    if checked.ndim != 2 or checked.shape[0] != checked.shape[1] or not checked.size:
        raise ValueError(f"proximities must be a square matrix (n, n), got shape {checked.shape}")
    largest = max(map_chunks(lambda rows: _check_entries(checked, rows), len(checked), TILE))
    diagonal = np.flatnonzero(checked.diagonal())
    if diagonal.size:
        i = diagonal[0]
        raise ValueError(f"the proximity of a point to itself must be 0, but entry ({i}, {i}) is {checked[i, i]:g}")
    map_chunks(lambda rows: _check_symmetry(checked, rows, 1e-12 * largest), len(checked), TILE)
    return checked


TILE = 256
"""rows, and columns where both triangles are read: a tile and its mirror image stay in cache"""


def _check_entries(matrix, rows) -> float:
    """The largest entry of these rows; ValueError where one is negative or not finite."""
    block = matrix[rows]
    least, largest = block.min(), block.max()
    if least >= 0 and largest < np.inf:  # false for NaN
        return float(largest)
    finite = np.isfinite(block)
    rule, wrong = ("finite", ~finite) if not finite.all() else ("at least 0", block < 0)
    i, j = np.argwhere(wrong)[0] + (rows.start, 0)
    raise ValueError(f"proximities must be {rule}, but entry ({i}, {j}) is {matrix[i, j]:g}")


def _check_symmetry(matrix, rows, margin) -> None:
    for begin in range(rows.start, len(matrix), TILE):
        columns = slice(begin, begin + TILE)
        tile, mirror = matrix[rows, columns], matrix[columns, rows].T
        wrong = np.abs(tile - mirror) > 1e-8 * np.maximum(tile, mirror) + margin
        if wrong.any():
            i, j = np.argwhere(wrong)[0] + (rows.start, begin)
            raise ValueError(
                f"proximities must be symmetric, but entry ({i}, {j}) is {matrix[i, j]:g} and ({j}, {i}) is {matrix[j, i]:g}"
            )

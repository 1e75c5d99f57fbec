"""Distances to the k-th nearest point, on which density-based clustering is based.

Squares are summed column by column everywhere, as `scipy.spatial.distance.cdist` does, so that equal distances are equal to
the last bit. Ties between distances decide about neighbors, predecessors and merges, and distances summed in another order
would break them at random.
"""

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from clustering.neighborhoods import MATRIX
from clustering.points import check_data, is_integer
from clustering.proximity import check_proximities

MAX_TREE_COLUMNS = 15
"""number of columns above which a k-d tree is slower than all distances"""
CHUNK_VALUES = 2**21
"""distances computed at a time"""


METRICS = ("euclidean", MATRIX)
"""how distances are given: by points, or as a matrix"""


def check_metric(metric: str) -> None:
    """Raise ValueError unless the metric is one of `METRICS`."""
    if metric not in METRICS:
        raise ValueError(f"metric must be one of {', '.join(METRICS)}, got {metric!r}")


def check_distances(data, metric: str) -> np.ndarray:
    """Checked points (n, d), or a checked matrix of distances (n, n). Raises ValueError as in the checks."""
    return check_proximities(data) if metric == MATRIX else check_data(data)


def check_min_points(min_points: int, least: int) -> None:
    """Raise ValueError unless min_points is an integer of at least `least`."""
    if not is_integer(min_points) or min_points < least:
        raise ValueError(f"min_points must be an integer of at least {least}, got {min_points}")


def check_enough_points(min_points: int, n: int) -> None:
    """Raise ValueError if there are fewer than `min_points` points."""
    if n < min_points:
        raise ValueError(f"min_points must be at most the number of points, {n}, got {min_points}")


def distances_to(points: np.ndarray, point: np.ndarray) -> np.ndarray:
    """(m,) Euclidean distances from points (m, d) to one point (d,)."""
    return cdist(point[None], points)[0]


class RemainingPoints:
    """Points that are not reached yet, and distances to them; `data` are points (n, d), or distances (n, n)."""

    def __init__(self, data: np.ndarray, metric: str):
        self.rows = np.arange(len(data))
        """(m,) numbers of the points"""
        self._data, self._places = data, None if metric == MATRIX else data

    def keep(self, kept: np.ndarray) -> None:
        """Keep only these of the points, given by booleans (m,)."""
        self.rows = self.rows[kept]
        self._places = None if self._places is None else self._places[kept]

    def distances(self, point: int) -> np.ndarray:
        """(m,) distances from one of all points."""
        if self._places is None:
            return self._data[point, self.rows]
        return distances_to(self._places, self._data[point])


def core_distances(data: np.ndarray, min_points: int, metric: str = "euclidean") -> np.ndarray:
    """(n,) distance from each point to its `min_points`-th nearest point, counting itself as the first.

    data : points (n, d), or distances (n, n)
    """
    n, d = data.shape
    is_matrix = metric == MATRIX
    tree = cKDTree(data) if d <= MAX_TREE_COLUMNS and not is_matrix else None
    cores = np.empty(n)
    size = max(CHUNK_VALUES // (n if tree is None else min_points), 1)
    for begin in range(0, n, size):
        rows = slice(begin, begin + size)
        if tree is None:
            distances = data[rows] if is_matrix else cdist(data[rows], data)
            cores[rows] = np.partition(distances, min_points - 1, axis=1)[:, min_points - 1]
        else:
            cores[rows] = np.sqrt(nearest_neighbors(tree, data, rows, min_points)[1].max(axis=1))
    return cores


def nearest_neighbors(tree: cKDTree, points: np.ndarray, rows: slice, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The nearest `count` points (m, count) of each of these rows, usually itself included, and their squared distances."""
    nearest = tree.query(points[rows], k=[*range(1, count + 1)])[1]
    squares = np.zeros(nearest.shape)
    for column in points.T:
        squares += np.square(column[nearest] - column[rows, None])
    return nearest, squares

"""Distances to the k-th nearest point, on which density-based clustering is based.

Squares are summed column by column everywhere, as `scipy.spatial.distance.cdist` does, so that equal distances are equal to
the last bit. Ties between distances decide about neighbors, predecessors and merges, and distances summed in another order
would break them at random.
"""

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from clustering.points import is_integer

MAX_TREE_COLUMNS = 15
"""number of columns above which a k-d tree is slower than all distances"""
CHUNK_VALUES = 2**21
"""distances computed at a time"""


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


def core_distances(points: np.ndarray, min_points: int) -> np.ndarray:
    """(n,) distance from each of the points (n, d) to its `min_points`-th nearest point, counting itself as the first."""
    n, d = points.shape
    tree = cKDTree(points) if d <= MAX_TREE_COLUMNS else None
    cores = np.empty(n)
    size = max(CHUNK_VALUES // (n if tree is None else min_points), 1)
    for begin in range(0, n, size):
        rows = slice(begin, begin + size)
        if tree is None:
            cores[rows] = np.partition(cdist(points[rows], points), min_points - 1, axis=1)[:, min_points - 1]
        else:
            cores[rows] = np.sqrt(nearest_neighbors(tree, points, rows, min_points)[1].max(axis=1))
    return cores


def nearest_neighbors(tree: cKDTree, points: np.ndarray, rows: slice, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The nearest `count` points (m, count) of each of these rows, usually itself included, and their squared distances."""
    nearest = tree.query(points[rows], k=[*range(1, count + 1)])[1]
    squares = np.zeros(nearest.shape)
    for column in points.T:
        squares += np.square(column[nearest] - column[rows, None])
    return nearest, squares

"""The points within a distance of each point, for clustering by density. Never more than `MAX_PAIRS` pairs are in memory.

Every comparison is exact: a distance equal to eps counts as within eps, and distances are compared as in scikit-learn, by
their squares if they are Euclidean.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree

MAX_PAIRS = 4_000_000
"""maximum number of pairs of neighbors in memory at a time"""
SAMPLE = 32
"""points whose neighbors are counted to estimate a number of pairs"""
PAIRS_PER_SEARCH = 10
"""pairs that are listed in the time in which the nearest neighbor of one point is found"""
TREE_METRICS = {"euclidean": 2.0, "manhattan": 1.0, "chebyshev": np.inf}
"""metrics of points that a k-d tree supports, with the power p of the Minkowski distance"""
MATRIX = "precomputed"
"""the metric of a matrix of distances"""


@dataclass(frozen=True, eq=False)
class PointNeighbors:
    """Neighbors of points by a k-d tree."""

    points: np.ndarray
    """(n, d)"""
    tree: cKDTree
    p: float
    """power of the Minkowski distance"""

    def __len__(self) -> int:
        return len(self.points)

    def distances(self, row: int) -> np.ndarray:
        """(n,) distance of each point to the point with this index."""
        return np.linalg.norm(self.points - self.points[row], self.p, axis=1)

    def counts(self, rows: np.ndarray, eps: float) -> np.ndarray:
        """(m,) number of points within eps of each of these points, including the point itself."""
        return self.tree.query_ball_point(self.points[rows], eps, self.p, return_length=True)

    def within(self, a: np.ndarray, b: np.ndarray, eps: float) -> np.ndarray:
        """(m,) whether the points with indices a and b (m,) are within eps of each other."""
        differences = np.abs(self.points[a] - self.points[b])
        if self.p == 2:
            return np.square(differences).sum(axis=1) <= eps * eps
        return (differences.sum(axis=1) if self.p == 1 else differences.max(axis=1)) <= eps

    def core(self, eps: float, min_points: int, pairs: np.ndarray | None = None) -> np.ndarray:
        """(n,) whether at least `min_points` points, including the point itself, are within eps; `pairs` if known."""
        n = len(self)
        if pairs is not None:
            return 1 + np.bincount(pairs.ravel(), minlength=n) >= min_points
        if min_points > n:
            return np.zeros(n, dtype=bool)
        core = np.empty(n, dtype=bool)
        # where neighborhoods are much larger than `min_points`, the search for the last needed neighbor is faster
        search = self._mean_count(np.arange(n), eps) > 10 * min_points
        size = max(1, MAX_PAIRS // min_points)
        for begin in range(0, n, size):
            rows = np.arange(begin, min(begin + size, n))
            if search:
                last = self.tree.query(self.points[rows], [min_points], p=self.p, distance_upper_bound=_above(eps))[1][:, 0]
                found = last < n
                core[rows] = found
                core[rows[found]] = self.within(rows[found], last[found], eps)
            else:
                core[rows] = self.counts(rows, eps) >= min_points
        return core

    def distances_to_neighbor(self, k: int, step: int = 1) -> np.ndarray:
        """(n,) distance of each point, or every `step`-th one, to its k-th nearest point; the first is the point itself."""
        points, size = self.points[::step], max(1, MAX_PAIRS // k)
        blocks = (points[begin : begin + size] for begin in range(0, len(points), size))
        return np.concatenate([self.tree.query(block, [k], p=self.p)[0][:, 0] for block in blocks])

    def pairs(self, eps: float) -> np.ndarray | None:
        """(m, 2) all pairs of neighbors i < j; None if there may be more than `MAX_PAIRS`."""
        n = len(self)
        if n * (n - 1) > 2 * MAX_PAIRS:
            if self._mean_count(np.arange(n), eps) * n > 4 * MAX_PAIRS:
                return None
            if self.tree.count_neighbors(self.tree, eps, self.p) - n > 2 * MAX_PAIRS:
                return None
        return self.tree.query_pairs(eps, self.p, output_type="ndarray")

    def reached(self, frontier: np.ndarray, waiting: np.ndarray, eps: float) -> np.ndarray:
        """Those of the points `waiting` that are within eps of a point of `frontier`; both are indices."""
        if self._mean_count(frontier, eps) * len(frontier) > PAIRS_PER_SEARCH * len(waiting):
            nearest = cKDTree(self.points[frontier]).query(self.points[waiting], p=self.p, distance_upper_bound=_above(eps))[1]
            found = np.flatnonzero(nearest < len(frontier))
            return waiting[found[self.within(waiting[found], frontier[nearest[found]], eps)]]
        near = np.zeros(len(self), dtype=bool)
        for begin in range(0, len(frontier), 256):
            lists = self.tree.query_ball_point(self.points[frontier[begin : begin + 256]], eps, self.p, return_sorted=False)
            near[np.concatenate(lists).astype(np.intp)] = True
        return waiting[near[waiting]]

    def _mean_count(self, rows: np.ndarray, eps: float) -> float:
        """Mean number of neighbors of these points, estimated from some of them."""
        return float(self.counts(rows[:: max(1, len(rows) // SAMPLE)], eps).mean())


@dataclass(frozen=True, eq=False)
class MatrixNeighbors:
    """Neighbors by a matrix of distances."""

    matrix: np.ndarray
    """(n, n) distances"""

    def __len__(self) -> int:
        return len(self.matrix)

    def distances(self, row: int) -> np.ndarray:
        """(n,) distance of each point to the point with this index."""
        return self.matrix[row]

    def counts(self, rows: np.ndarray, eps: float) -> np.ndarray:
        """(m,) number of points within eps of each of these points, including the point itself."""
        return np.count_nonzero(self.matrix[rows] <= eps, axis=1)

    def core(self, eps: float, min_points: int, pairs: np.ndarray | None = None) -> np.ndarray:
        """(n,) whether at least `min_points` points, including the point itself, are within eps; `pairs` is ignored."""
        return np.concatenate([np.count_nonzero(rows <= eps, axis=1) >= min_points for rows in self._blocks()])

    def distances_to_neighbor(self, k: int, step: int = 1) -> np.ndarray:
        """(n,) distance of each point, or every `step`-th one, to its k-th nearest point; the first is the point itself."""
        return np.concatenate([np.partition(rows, k - 1, axis=1)[:, k - 1] for rows in self._blocks()])[::step]

    def pairs(self, eps: float) -> np.ndarray | None:
        """(m, 2) all pairs of neighbors i < j; None if there are more than `MAX_PAIRS`."""
        if sum(np.count_nonzero(rows <= eps) for rows in self._blocks()) - len(self) > 2 * MAX_PAIRS:
            return None
        i, j = np.nonzero(self.matrix <= eps)
        return np.column_stack([i, j])[i < j]

    def reached(self, frontier: np.ndarray, waiting: np.ndarray, eps: float) -> np.ndarray:
        """Those of the points `waiting` that are within eps of a point of `frontier`; both are indices."""
        near = np.zeros(len(waiting), dtype=bool)
        size = max(1, MAX_PAIRS // len(self))
        for begin in range(0, len(frontier), size):
            near |= (self.matrix[frontier[begin : begin + size]] <= eps).any(axis=0)[waiting]
        return waiting[near]

    def _blocks(self) -> Iterator[np.ndarray]:
        """Blocks of rows of the matrix."""
        size = max(1, MAX_PAIRS // len(self))
        return (self.matrix[begin : begin + size] for begin in range(0, len(self), size))


Neighbors = PointNeighbors | MatrixNeighbors


def rings_of(neighbors: Neighbors, core: np.ndarray, eps: float, pairs: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Clusters of core points that are connected by steps of at most eps, and the points near them.

    Parameters
    ----------
    core : (n,) booleans
    pairs : result of `neighbors.pairs(eps)`

    Returns
    -------
    labels : (n,) number of the cluster, in the order of their first core points; -1 without a core point within eps. A point
        that is not a core point belongs to the first of the clusters that have a core point within eps.
    rings : (n,) number of steps from the first core point of the cluster; -1 where the label is -1.
    """
    return _rings_by_search(neighbors, core, eps) if pairs is None else _rings_by_graph(pairs, core)


def _rings_by_graph(pairs: np.ndarray, core: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As `rings_of`, given all pairs of neighbors (m, 2)."""
    n = len(core)
    labels, rings = np.full(n, -1, dtype=np.intp), np.full(n, -1, dtype=np.intp)
    rows = np.flatnonzero(core)
    if not len(rows):
        return labels, rings
    first, second = pairs.T
    first_is_core, second_is_core = core[first], core[second]
    linked = first_is_core & second_is_core
    # of this type, because `dijkstra` in older versions of SciPy accepts no other
    numbers = np.cumsum(core, dtype=np.int32) - 1
    i, j = numbers[first[linked]], numbers[second[linked]]
    graph = csr_array((np.ones(len(i)), (i, j)), shape=(len(rows), len(rows)))
    parts = connected_components(graph, directed=False)[1]
    _, starts, parts = np.unique(parts, return_index=True, return_inverse=True)
    labels[rows] = np.argsort(np.argsort(starts))[parts]
    steps = dijkstra(graph, directed=False, indices=starts, unweighted=True, min_only=True)
    rings[rows] = steps.astype(np.intp)
    to_second, to_first = first_is_core > second_is_core, first_is_core < second_is_core
    inner = np.concatenate([first[to_second], second[to_first]])
    outer = np.concatenate([second[to_second], first[to_first]])
    order = np.lexsort((rings[inner], labels[inner], outer))
    outer, where = np.unique(outer[order], return_index=True)
    labels[outer], rings[outer] = labels[inner[order[where]]], rings[inner[order[where]]] + 1
    return labels, rings


def _rings_by_search(neighbors: Neighbors, core: np.ndarray, eps: float) -> tuple[np.ndarray, np.ndarray]:
    """As `rings_of`, for neighborhoods so large that not all pairs fit in memory: ring by ring, cluster by cluster."""
    labels, rings = np.full(len(core), -1, dtype=np.intp), np.full(len(core), -1, dtype=np.intp)
    waiting, cluster = np.arange(len(core)), 0
    for first in np.flatnonzero(core):
        if labels[first] >= 0:
            continue
        reached, ring = np.array([first]), 0
        while len(reached):
            labels[reached], rings[reached] = cluster, ring
            waiting = waiting[labels[waiting] < 0]
            frontier = reached[core[reached]]
            reached = neighbors.reached(frontier, waiting, eps) if len(frontier) and len(waiting) else frontier[:0]
            ring += 1
        cluster += 1
    return labels, rings


def _above(eps: float) -> float:
    """A bound for a search that also finds neighbors whose distance is rounded to above eps."""
    return eps * (1 + 1e-9)

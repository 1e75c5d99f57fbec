"""Hierarchical clustering: from every point on its own to one group, merge by merge.

Each step merges the two groups that are nearest; the linkage says what near means, with D the dissimilarity of points:

    single      least D between a point of the one and a point of the other
    complete    largest such D
    average     mean of all such D
    ward        by how much the sum of squares within groups grows: sqrt(2 |A| |B| / (|A| + |B|)) ||mean A - mean B||
    centroid    ||mean A - mean B||
    median      the same with means halved at every merge, whatever the sizes

SciPy does the work: `scipy.cluster.hierarchy.linkage` (Müllner 2011, arXiv:1109.2378).
"""

from typing import NamedTuple

import numpy as np
from scipy.cluster import hierarchy
from scipy.spatial.distance import pdist, squareform

from clustering.points import check_points, is_integer
from clustering.proximity import check_proximities

LINKAGES = ("single", "complete", "average", "ward", "centroid", "median")
EUCLIDEAN = ("ward", "centroid", "median")
"""linkages that take dissimilarities for Euclidean distances"""
ROUNDING = 1e-9
"""by how much of a height the formulas for the heights of means may miss it"""


class Tree(NamedTuple):
    """The merges of n points, in the order in which they are made."""

    merges: np.ndarray
    """(n - 1, 2) the groups that merge: a number below n is a point, n + i what merge i made"""
    heights: np.ndarray
    """(n - 1,) dissimilarity at which each merge is made; may fall from one to the next by centroid and median linkage"""
    sizes: np.ndarray
    """(n - 1,) points in what each merge makes"""
    order: np.ndarray
    """(n,) the points from left to right, so that the branches of the tree do not cross"""
    offsets: np.ndarray
    """(2n - 1,) where in `order` the points of each group begin, by number of a group; they follow each other there"""
    cophenetic: float
    """correlation of the dissimilarities with the heights at which points come together (Sokal & Rohlf 1962,
    doi:10.2307/1217208); NaN where either is constant, but for rounding"""

    @property
    def inversions(self) -> np.ndarray:
        """The merges at a lower height, by more than rounding, than one of the two that they merge."""
        n = len(self.order)
        made = np.append(np.full(n, -np.inf), self.heights)  # by number of a group
        return np.flatnonzero(self.heights < (1 - ROUNDING) * made[self.merges].max(axis=1))

    @property
    def first_merge(self) -> np.ndarray:
        """(n,) the first merge of each point"""
        n = len(self.order)
        first = np.empty(n, dtype=np.intp)
        for column in self.merges.T:
            points = column < n
            first[column[points]] = np.flatnonzero(points)
        return first

    def height(self, merges: int) -> float:
        """Height of the last of the first `merges` merges; 0.0 before the first. ValueError unless it lies in 0..n-1."""
        self._check_merges(merges)
        return float(self.heights[merges - 1]) if merges else 0.0

    def labels(self, k: int) -> np.ndarray:
        """(n,) groups 0..k-1 when k are left, numbered from left to right.

        Raises
        ------
        ValueError
            Unless k is an integer in 1..n.
        """
        n = len(self.order)
        _check_k(k, n)
        return self.labels_after(n - k)

    def labels_after(self, merges: int) -> np.ndarray:
        """(n,) groups after the first `merges` merges, numbered from left to right. ValueError unless it lies in 0..n-1."""
        n = len(self.order)
        self._check_merges(merges)
        # the points of a group lie side by side, so where the groups that are left begin says all
        gone = np.zeros(n + merges, dtype=bool)
        gone[self.merges[:merges]] = True
        first = np.zeros(n, dtype=np.intp)
        first[self.offsets[: n + merges][~gone]] = 1
        labels = np.empty(n, dtype=np.intp)
        labels[self.order] = np.cumsum(first) - 1
        return labels

    def _check_merges(self, merges: int) -> None:
        n = len(self.order)
        if not is_integer(merges) or not 0 <= merges < n:
            raise ValueError(f"merges must be an integer in 0..n-1={n - 1}, got {merges}")

    def members(self, merge: int) -> np.ndarray:
        """The points of the group that this merge makes, from left to right."""
        begin = self.offsets[len(self.order) + merge]
        return self.order[begin : begin + self.sizes[merge]]

    def height_range(self, k: int) -> tuple[float, float]:
        """The heights from which on, and below which, a cut leaves k groups: no height does where they do not differ, because
        merges tie there, or where the second is less, because of an inversion. Infinite beyond both ends of the tree.

        ValueError as `labels`.
        """
        n = len(self.order)
        _check_k(k, n)
        heights = np.concatenate([[-np.inf], self.heights, [np.inf]])
        return float(heights[: n - k + 1].max()), float(heights[n - k + 1])

    def merges_below(self, height: float) -> int:
        """How many merges, from the first on, a cut at this height leaves made: all before the first one above it."""
        above = np.flatnonzero(self.heights > height)
        return int(above[0]) if above.size else len(self.heights)


def tree_of_points(points, linkage: str = "average", *, optimal_order: bool = False) -> Tree:
    """The tree of points (n, d), by Euclidean distances.

    Parameters
    ----------
    linkage : one of `LINKAGES`
    optimal_order : bool
        Whether neighbors from left to right are as near as the tree allows (Bar-Joseph, Gifford & Jaakkola 2001,
        doi:10.1093/bioinformatics/17.suppl_1.S22); takes time in n^3 and 30 n^2 bytes.

    Raises
    ------
    ValueError
        As `check_points`, with fewer than two points, or for an unknown linkage.

    Weakness: 8 n^2 bytes, twice those of the distances; a merge is never taken back. Single linkage chains; complete linkage
    and Ward cut large groups; centroid and median linkage may have inversions.
    """
    points = check_points(points)
    _check(len(points), linkage)
    return _tree(pdist(points), linkage, optimal_order)


def tree_of_proximities(proximities, linkage: str = "average", *, optimal_order: bool = False) -> Tree:
    """The tree of proximities (n, n); otherwise as `tree_of_points`. ValueError as `check_proximities`.

    Ward, centroid and median linkage take the proximities for Euclidean distances.
    """
    matrix = check_proximities(proximities)
    _check(len(matrix), linkage)
    return _tree(squareform(matrix, checks=False), linkage, optimal_order)


def _check_k(k: int, n: int) -> None:
    if not is_integer(k) or not 1 <= k <= n:
        raise ValueError(f"k must be an integer in 1..n={n}, got {k}")


def _check(n: int, linkage: str) -> None:
    if linkage not in LINKAGES:
        raise ValueError(f"linkage must be one of {', '.join(LINKAGES)}, got {linkage!r}")
    if n < 2:
        raise ValueError(f"a tree needs at least two points, got {n}")


def _tree(distances: np.ndarray, linkage: str, optimal_order: bool) -> Tree:
    """The tree of the distances (n (n - 1) / 2,), which are overwritten."""
    merges = hierarchy.linkage(distances, linkage)
    if optimal_order:
        merges = hierarchy.optimal_leaf_ordering(merges, distances)
    pairs = merges[:, :2].astype(np.intp)
    order = hierarchy.leaves_list(merges).astype(np.intp)
    n = len(order)
    offsets = np.empty(2 * n - 1, dtype=np.intp)
    offsets[order] = np.arange(n)
    for i, (a, b) in enumerate(pairs.tolist()):
        offsets[n + i] = min(offsets[a], offsets[b])
    return Tree(
        pairs,
        merges[:, 2].copy(),
        merges[:, 3].astype(np.intp),
        order,
        offsets,
        _correlation(distances, hierarchy.cophenet(merges)),
    )


def _correlation(distances: np.ndarray, heights: np.ndarray) -> float:
    """Of the two, which are overwritten: there may be many of them."""
    scale = distances.max()
    if min(np.ptp(distances), np.ptp(heights)) <= 1e-12 * scale:
        return np.nan
    for values in (distances, heights):
        values -= values.mean()
        values /= scale  # so that squares neither overflow nor vanish
    return float(np.clip(distances @ heights / np.sqrt((distances @ distances) * (heights @ heights)), -1, 1))

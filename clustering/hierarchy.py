"""Agglomerative hierarchical clustering.

Starting from single points, each step merges the two nearest clusters A and B. The linkage defines their distance, with D the
dissimilarity of points and mean A the mean of the points in A:

    single      minimum of D over pairs of a point in A and a point in B
    complete    maximum of D over these pairs
    average     mean of D over these pairs
    ward        sqrt(2 |A| |B| / (|A| + |B|)) ||mean A - mean B||: the square root of twice the increase in the
                within-cluster sum of squares
    centroid    ||mean A - mean B||
    median      as centroid, but a merged cluster has the midpoint of its two parts as its mean

Computed by `scipy.cluster.hierarchy.linkage` (Müllner 2011, arXiv:1109.2378).
"""

from typing import NamedTuple

import numpy as np
from scipy.cluster import hierarchy
from scipy.spatial.distance import pdist, squareform

from clustering.points import check_data, is_integer
from clustering.proximity import check_proximities

LINKAGES = ("single", "complete", "average", "ward", "centroid", "median")
EUCLIDEAN = ("ward", "centroid", "median")
"""linkages that assume the dissimilarities are Euclidean distances"""
ROUNDING = 1e-9
"""relative rounding error of heights by Ward, centroid and median linkage"""


class Tree(NamedTuple):
    """Result of hierarchical clustering: the n - 1 merges of n points, in order."""

    merges: np.ndarray
    """(n - 1, 2) the two nodes merged: numbers below n are points, n + i is the cluster formed by merge i"""
    heights: np.ndarray
    """(n - 1,) dissimilarity of each merge; not always increasing for centroid and median linkage"""
    sizes: np.ndarray
    """(n - 1,) number of points in the cluster formed by each merge"""
    order: np.ndarray
    """(n,) points in dendrogram order, from left to right without crossing branches"""
    offsets: np.ndarray
    """(2n - 1,) index into `order` of the first point of each node; the points of a node are contiguous there"""
    cophenetic: float
    """cophenetic correlation: between the dissimilarities and the heights at which pairs are first joined (Sokal & Rohlf 1962,
    doi:10.2307/1217208); NaN if either is constant up to rounding"""

    @property
    def inversions(self) -> np.ndarray:
        """Indices of merges at a lower height than one of the clusters they merge, by more than rounding error."""
        n = len(self.order)
        node_heights = np.append(np.full(n, -np.inf), self.heights)
        return np.flatnonzero(self.heights < (1 - ROUNDING) * node_heights[self.merges].max(axis=1))

    @property
    def first_merge(self) -> np.ndarray:
        """(n,) index of the first merge of each point."""
        n = len(self.order)
        first = np.empty(n, dtype=np.intp)
        for column in self.merges.T:
            points = column < n
            first[column[points]] = np.flatnonzero(points)
        return first

    def height(self, merges: int) -> float:
        """Height of the last of the first `merges` merges; 0.0 if there are none. Raise ValueError unless in 0..n-1."""
        self._check_merges(merges)
        return float(self.heights[merges - 1]) if merges else 0.0

    def labels(self, k: int) -> np.ndarray:
        """(n,) labels 0..k-1 of the cut into k clusters, numbered from left to right in the dendrogram.

        Raises
        ------
        ValueError
            If k is not an integer in 1..n.
        """
        n = len(self.order)
        _check_k(k, n)
        return self.labels_after(n - k)

    def labels_after(self, merges: int) -> np.ndarray:
        """(n,) labels after the first `merges` merges, numbered from left to right. Raise ValueError unless in 0..n-1."""
        n = len(self.order)
        self._check_merges(merges)
        # clusters are contiguous in `order`, so their first points determine the labels
        merged = np.zeros(n + merges, dtype=bool)
        merged[self.merges[:merges]] = True
        first = np.zeros(n, dtype=np.intp)
        first[self.offsets[: n + merges][~merged]] = 1
        labels = np.empty(n, dtype=np.intp)
        labels[self.order] = np.cumsum(first) - 1
        return labels

    def _check_merges(self, merges: int) -> None:
        n = len(self.order)
        if not is_integer(merges) or not 0 <= merges < n:
            raise ValueError(f"merges must be an integer in 0..n-1={n - 1}, got {merges}")

    def members(self, merge: int) -> np.ndarray:
        """Points of the cluster formed by merge number `merge`, counted from 0, from left to right."""
        begin = self.offsets[len(self.order) + merge]
        return self.order[begin : begin + self.sizes[merge]]

    def height_range(self, k: int) -> tuple[float, float]:
        """Range [low, high) of heights at which a cut gives k clusters.

        Empty (low >= high) if merges are tied there or because of an inversion. -inf to the first height if k = n, and the
        highest one to inf if k = 1.

        Raises
        ------
        ValueError
            If k is not an integer in 1..n.
        """
        n = len(self.order)
        _check_k(k, n)
        heights = np.concatenate([[-np.inf], self.heights, [np.inf]])
        return float(heights[: n - k + 1].max()), float(heights[n - k + 1])

    def merges_below(self, height: float) -> int:
        """Number of merges below a cut at this height: all before the first one above it."""
        above = np.flatnonzero(self.heights > height)
        return int(above[0]) if above.size else len(self.heights)


def tree_of_points(points, linkage: str = "average", *, optimal_order: bool = False) -> Tree:
    """Hierarchical clustering of points by Euclidean distance.

    Parameters
    ----------
    points : (n, d) array
    linkage : str
        One of `LINKAGES`.
    optimal_order : bool
        Whether to order the leaves so that adjacent leaves are as similar as the tree permits (Bar-Joseph, Gifford &
        Jaakkola 2001, doi:10.1093/bioinformatics/17.suppl_1.S22). Takes O(n^3) time and 30 n^2 bytes.

    Raises
    ------
    ValueError
        As in `check_points`, for fewer than two points, or for an unknown linkage.

    Notes
    -----
    Takes 8 n^2 bytes, twice the size of the distances. Merges are never revised. Single linkage tends to form chains;
    complete linkage and Ward may split large clusters; centroid and median linkage may produce inversions.
    """
    points = check_data(points)
    _check(len(points), linkage)
    return _tree(pdist(points), linkage, optimal_order)


def tree_of_proximities(proximities, linkage: str = "average", *, optimal_order: bool = False) -> Tree:
    """Hierarchical clustering of a dissimilarity matrix (n, n). Other parameters as in `tree_of_points`.

    Ward, centroid and median linkage assume that the proximities are Euclidean distances. Raises ValueError as in
    `check_proximities` and `tree_of_points`.
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
    """Tree of condensed distances (n (n - 1) / 2,), which are overwritten."""
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
    """Pearson correlation of two arrays, which are overwritten to save memory; NaN if either is constant."""
    scale = distances.max()
    if min(np.ptp(distances), np.ptp(heights)) <= 1e-12 * scale:
        return np.nan
    for values in (distances, heights):
        values -= values.mean()
        values /= scale  # so that squares neither overflow nor underflow
    return float(np.clip(distances @ heights / np.sqrt((distances @ distances) * (heights @ heights)), -1, 1))

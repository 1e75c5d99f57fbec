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

from clustering.points import check_points, is_whole
from clustering.proximity import check_proximities

LINKAGES = ("single", "complete", "average", "ward", "centroid", "median")
EUCLIDEAN = ("ward", "centroid", "median")
"""linkages that take dissimilarities for Euclidean distances"""


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
    cophenetic: float
    """correlation of the dissimilarities with the heights at which points come together; NaN where either is constant"""

    @property
    def inversions(self) -> np.ndarray:
        """The merges at a lower height than one of the two that they merge."""
        n = len(self.order)
        made = np.append(np.full(n, -np.inf), self.heights)  # by number of a group
        return np.flatnonzero(self.heights < made[self.merges].max(axis=1, initial=-np.inf))

    def labels(self, k: int) -> np.ndarray:
        """(n,) groups 0..k-1 when k are left, numbered from left to right.

        Raises
        ------
        ValueError
            Unless k is a whole number in 1..n.
        """
        n = len(self.order)
        if not is_whole(k) or not 1 <= k <= n:
            raise ValueError(f"k must be a whole number in 1..n={n}, got {k}")
        return self.after(n - k)

    def after(self, merges: int) -> np.ndarray:
        """(n,) groups after so many merges, numbered from left to right."""
        n = len(self.order)
        group = np.arange(n + merges)
        for i in range(merges - 1, -1, -1):  # from the last: what a merge made is in the group that this became part of
            group[self.merges[i]] = group[n + i]
        of_points = group[:n]
        _, first, labels = np.unique(of_points[self.order], return_index=True, return_inverse=True)
        ranks = np.argsort(np.argsort(first))
        result = np.empty(n, dtype=np.intp)
        result[self.order] = ranks[labels]
        return result

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
        Whether neighbours from left to right are as near as the tree allows (Bar-Joseph, Gifford & Jaakkola 2001,
        doi:10.1093/bioinformatics/17.suppl_1.S22); takes time in n^2 or more.

    Raises
    ------
    ValueError
        As `check_points`, with fewer than two points, or for an unknown linkage.

    Weakness: 4 n^2 bytes of distances; a merge is never taken back. Single linkage chains; complete linkage and Ward cut large
    groups; centroid and median linkage may have inversions.
    """
    return _tree(pdist(check_points(points)), len(points), linkage, optimal_order)


def tree_of_proximities(proximities, linkage: str = "average", *, optimal_order: bool = False) -> Tree:
    """The tree of proximities (n, n); otherwise as `tree_of_points`. ValueError as `check_proximities`.

    Ward, centroid and median linkage take the proximities for Euclidean distances.
    """
    matrix = check_proximities(proximities)
    return _tree(squareform(matrix, checks=False), len(matrix), linkage, optimal_order)


def _tree(distances: np.ndarray, n: int, linkage: str, optimal_order: bool) -> Tree:
    if linkage not in LINKAGES:
        raise ValueError(f"linkage must be one of {', '.join(LINKAGES)}, got {linkage!r}")
    if n < 2:
        raise ValueError(f"a tree needs at least two points, got {n}")
    merges = hierarchy.linkage(distances, linkage)
    if optimal_order:
        merges = hierarchy.optimal_leaf_ordering(merges, distances)
    heights = hierarchy.cophenet(merges)
    varies = np.ptp(distances) > 0 and np.ptp(heights) > 0
    correlation = float(np.corrcoef(distances, heights)[0, 1]) if varies else np.nan
    return Tree(
        merges[:, :2].astype(np.intp),
        merges[:, 2].copy(),
        merges[:, 3].astype(np.intp),
        hierarchy.leaves_list(merges).astype(np.intp),
        correlation,
    )

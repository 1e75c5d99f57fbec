"""Hierarchical clustering of data sets: the tree, its merges in the plane and in words, and its cuts as initializations."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from clustering import Tree, tree_of_points, tree_of_proximities
from pages.datasets.data import SCIPY_METRICS, Data
from pages.datasets.formatting import MAX_TITLE_LENGTH, format_short, truncate
from pages.datasets.limits import MAX_ORDERED_LEAVES, MAX_POINTS_FOR_PROXIMITIES

MERGES_WITH_OWN_FRAME = 90
"""number of final merges with a frame each; earlier merges share a few frames"""
MERGE_RULES = {
    "single": "with the smallest distance between their nearest points. The line joins these points; the height is their "
    "distance.",
    "complete": "with the smallest distance between their farthest points. The line joins these points; the height is their "
    "distance.",
    "average": "with the smallest mean distance over all pairs of points, which is the height. The line joins the means.",
    "ward": "whose merger increases the within-cluster sum of squares least. This increase determines the height. The line "
    "joins the means.",
    "centroid": "with the nearest centroids. The line joins the centroids; the height is their distance.",
    "median": "with the nearest midpoints. The line joins the midpoints; the height is their distance. The new midpoint lies "
    "halfway between them, regardless of the cluster sizes.",
}
"""completes "Each merge joins the two clusters …\""""
EUCLIDEAN_LINKAGES = ("ward", "centroid", "median")
"""linkages that assume Euclidean distances"""


def linkage_name(linkage: str) -> str:
    """A linkage in running text, such as "Ward linkage" or "single linkage"."""
    return f"{'Ward' if linkage == 'ward' else linkage} linkage"


@dataclass(frozen=True, eq=False)
class DataTree:
    """The hierarchical clustering of a data set."""

    data: Data
    linkage: str
    metric: str
    tree: Tree
    seconds: float
    """computing time, including proximities"""
    matrix: np.ndarray | None = None
    """(n, n) proximities, if they cannot be recomputed for single pairs"""
    note: str = ""
    """message about subsampling, a sentence; empty if all points were used"""

    @property
    def n_values(self) -> int:
        """Approximate number of stored values, for the size limit of the cache."""
        return 12 * len(self.data.points) + (0 if self.matrix is None else self.matrix.size)

    @property
    def n_merges(self) -> int:
        """Number of merges, one less than the number of points."""
        return len(self.tree.heights)

    @property
    def is_euclidean(self) -> bool:
        """Whether the tree was computed from Euclidean distances between points."""
        return self.data.precomputed is None and self.metric == "euclidean"

    @property
    def linkage_note(self) -> str:
        """A sentence about a linkage that assumes other distances than those of the tree; empty if it fits them."""
        if self.linkage not in EUCLIDEAN_LINKAGES or self.is_euclidean:
            return ""
        return (
            f"{self.linkage.capitalize()} linkage assumes Euclidean distances. For other distances choose single, complete or "
            "average linkage."
        )

    @cached_property
    def merges_at_frames(self) -> list[int]:
        """Number of merges done at each frame: 0, then after each block of early merges, then after each of the last
        `MERGES_WITH_OWN_FRAME` merges."""
        own = min(self.n_merges, MERGES_WITH_OWN_FRAME)
        # every frame contains all lines up to its merge, so large trees get fewer blocks
        blocks = 0 if own == self.n_merges else int(np.clip(12_000 // (self.n_merges - own), 8, 30))
        clusters_left = np.geomspace(self.n_merges + 1, own + 1, blocks + 1)[1:]
        block_ends = self.n_merges + 1 - np.rint(clusters_left).astype(int)
        return np.unique([0, *block_ends, *range(self.n_merges - own, self.n_merges + 1)]).tolist()

    @property
    def first_with_own_frame(self) -> int:
        """Index of the first merge with its own frame."""
        return self.n_merges - min(self.n_merges, MERGES_WITH_OWN_FRAME)

    @cached_property
    def first_merge(self) -> np.ndarray:
        """(n,) index of the first merge of each point."""
        return self.tree.first_merge

    def height(self, merges: int) -> float:
        """Height of merge number `merges`; 0 before the first."""
        return self.tree.height(merges)

    def clusters_after(self, merges: int) -> np.ndarray:
        """Clusters of at least two points after a number of merges, as indices of the merges that formed them."""
        n = self.n_merges + 1
        merged = self.tree.merges[:merges].ravel()
        return np.setdiff1d(np.arange(merges), merged[merged >= n] - n, assume_unique=True)

    def largest_clusters_after(self, merges: int, limit: int) -> np.ndarray:
        """The largest clusters of `clusters_after`, at most `limit`, in decreasing size."""
        clusters = self.clusters_after(merges)
        return clusters[np.argsort(-self.tree.sizes[clusters], kind="stable")[:limit]]

    def labels_of_merges(self, labels: np.ndarray) -> np.ndarray:
        """(n - 1,) label of the first point of each merge, given the labels (n,) of the points."""
        return labels[self.tree.order[self.tree.offsets[self.n_merges + 1 :]]]

    def _centers(self, positions: np.ndarray) -> np.ndarray:
        """(2n - 1, 2) mean of each cluster; with median linkage the midpoint between the centers of its two children."""
        n = len(positions)
        centers = np.concatenate([positions, np.empty((n - 1, 2))])
        sizes = np.append(np.ones(n), self.tree.sizes)
        if self.linkage == "median":
            sizes = np.ones(2 * n - 1)
        for i, (a, b) in enumerate(self.tree.merges.tolist()):
            centers[n + i] = (sizes[a] * centers[a] + sizes[b] * centers[b]) / (sizes[a] + sizes[b])
        return centers

    def ends(self, indices: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """(m, 2, 2) end points of the lines that represent the merges with these indices in the plane.

        With single and complete linkage these are two data points, otherwise the centers of the two clusters. `positions` are
        the (n, 2) coordinates of the points in the plane.
        """
        pairs = self.tree.merges[indices]
        if self.linkage not in ("single", "complete"):
            return self._centers(positions)[pairs]
        dissimilarities = self.dissimilarities()
        ends = np.empty(pairs.shape, dtype=np.intp)
        for m, pair in enumerate(pairs.tolist()):
            rows, columns = map(self._points_of, pair)
            between = dissimilarities(rows, columns)
            best = between.argmin() if self.linkage == "single" else between.argmax()
            i, j = np.unravel_index(best, between.shape)
            ends[m] = rows[i], columns[j]
        return positions[ends]

    def _points_of(self, node: int) -> np.ndarray:
        n = self.n_merges + 1
        return np.array([node]) if node < n else self.tree.members(node - n)

    def dissimilarities(self) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        """Function of indices (m,) and (l,) that returns the (m, l) dissimilarities from which the tree was computed."""
        data, metric = self.data, self.metric
        if data.precomputed is None and metric in SCIPY_METRICS:
            return lambda rows, columns: cdist(data.points[rows], data.points[columns], SCIPY_METRICS[metric])
        matrix = data.precomputed if self.matrix is None else self.matrix
        return lambda rows, columns: matrix[np.ix_(rows, columns)]

    def merge_sentence(self, merge: int) -> str:
        """Description of a merge."""
        a, b = self.merged_names(merge)
        left = self.n_merges - merge
        rest = "one cluster left" if left == 1 else f"{left:,} clusters left"
        inversion = (
            " This is an inversion: its height is lower than that of a merge that formed one of the two."
            if merge in self.tree.inversions
            else ""
        )
        return f"Merge {merge + 1:,}: {a} and {b} at height {format_short(self.height(merge + 1))}, {rest}.{inversion}"

    def merged_names(self, merge: int) -> list[str]:
        """Names or sizes of the two clusters of a merge."""
        return [self._name_of(node) for node in self.tree.merges[merge].tolist()]

    def _name_of(self, node: int) -> str:
        n = self.n_merges + 1
        if node < n:
            return truncate(self.data.names_of([node])[0], MAX_TITLE_LENGTH)
        return f"a cluster of {self.tree.sizes[node - n]:,} points"

    def merge_rule(self) -> str:
        """Explanation of the linkage."""
        if self.linkage in EUCLIDEAN_LINKAGES and not self.is_euclidean:
            return (
                f"The heights follow the formula of {linkage_name(self.linkage)}, which assumes Euclidean distances. The line "
                "joins the cluster centers in this plot."
            )
        return f"Each merge joins the two clusters {MERGE_RULES[self.linkage]}"


def build_tree(data: Data, linkage: str, metric: str, cache, ordered: bool = False) -> DataTree:
    """Compute the hierarchical clustering of a data set, or get it from the cache.

    Data sets with more than `MAX_POINTS_FOR_PROXIMITIES` points are subsampled.

    Parameters
    ----------
    ordered : whether to use the optimal leaf ordering; ignored for more than `MAX_ORDERED_LEAVES` points.

    Raises
    ------
    ValueError
        For a single point, or if the metric is undefined for the data.
    """
    note = ""
    if len(data.points) > MAX_POINTS_FOR_PROXIMITIES:
        note = (
            f"Hierarchical clustering needs all pairwise distances; it uses a sample of {MAX_POINTS_FOR_PROXIMITIES:,} of the "
            f"{len(data.points):,} points."
        )
        data = data.sample(MAX_POINTS_FOR_PROXIMITIES)
    elif data.n > len(data.points):
        note = f"The hierarchical clustering is that of a random sample of {len(data.points):,} of the {data.n:,} points."
    ordered = ordered and len(data.points) <= MAX_ORDERED_LEAVES

    def compute():
        start = time.perf_counter()
        matrix = None
        if data.precomputed is None and metric == "euclidean":
            tree = tree_of_points(data.points, linkage, optimal_order=ordered)
        else:
            matrix = data.proximities(metric)
            tree = tree_of_proximities(matrix, linkage, optimal_order=ordered)
        needs_matrix = data.precomputed is None and metric not in SCIPY_METRICS
        return DataTree(data, linkage, metric, tree, time.perf_counter() - start, matrix if needs_matrix else None)

    # the cached tree has no note, because the same sample may be requested directly
    return replace(cache.get(("tree", data.key, linkage, metric, ordered), compute), note=note)


def cut_labels(data: Data, linkage: str, metric: str, k: int, cache) -> tuple[np.ndarray, str]:
    """Cut the hierarchical clustering of a data set into k clusters.

    If the tree was computed from a sample, every other point gets the label of the nearest point of the sample.

    Returns
    -------
    labels : (n,) array.
    note : message about subsampling and about a linkage that does not fit the distances; empty if there is none.
    """
    data_tree = build_tree(data, linkage, metric, cache)
    labels = data_tree.tree.labels(k)
    note = f"{data_tree.note} {data_tree.linkage_note}".strip()
    if len(labels) == len(data.points):
        return labels, note
    _, nearest = cKDTree(data_tree.data.points).query(data.points)
    nearest[data.sample_indices(len(labels))] = np.arange(len(labels))  # duplicates keep their own label
    return labels[nearest], f"{note} The other points start in the cluster of the nearest sampled point."

"""Hierarchical trees of data sets, what their merges are in the plane and in words, and their cuts as starts."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from clustering import Tree, tree_of_points, tree_of_proximities
from pages.datasets.data import SCIPY_METRICS, Data
from pages.datasets.formatting import format_short, pluralize
from pages.datasets.limits import MAX_ORDERED_LEAVES, MAX_POINTS_FOR_PROXIMITIES

SINGLE_MERGES = 90
"""how many of the last merges are shown one by one; those before them in a few blocks"""
MERGE_RULES = {
    "single": "whose nearest points are nearest. The lines join these two points; their dissimilarity is the height.",
    "complete": "whose farthest points are nearest. The line joins these two points; their dissimilarity is the height.",
    "average": "whose points are nearest on average, over all pairs of them: that is the height. The line joins the means.",
    "ward": "that cost least: the height grows with how much their merge adds to the sum of squares within groups. The line "
    "joins the means.",
    "centroid": "whose means are nearest. The line joins the means, and its length is the height.",
    "median": "whose middles are nearest. The line joins them, and its length is the height; the middle of what they make "
    "lies halfway, whatever their sizes.",
}
"""which two groups merge, how the sentence about it ends"""
EUCLIDEAN_LINKAGES = ("ward", "centroid", "median")
"""linkages that take dissimilarities for Euclidean distances"""


@dataclass(frozen=True, eq=False)
class DataTree:
    """A tree, and the data that it was made of."""

    data: Data
    linkage: str
    metric: str
    tree: Tree
    seconds: float
    """that it took, proximities included"""
    matrix: np.ndarray | None = None
    """(n, n) the proximities, where they cannot be had again pair by pair"""
    note: str = ""
    """what was done instead of what was asked, in a sentence"""

    @property
    def cells(self) -> int:
        """How many numbers it holds, about."""
        return 12 * len(self.data.points) + (0 if self.matrix is None else self.matrix.size)

    @property
    def merges(self) -> int:
        return len(self.tree.heights)

    @property
    def is_euclidean(self) -> bool:
        """Whether it was made of Euclidean distances between points."""
        return self.data.precomputed is None and self.metric == "euclidean"

    @cached_property
    def states(self) -> list[int]:
        """After how many merges there is a picture: none, then blocks of merges, then each of the last `SINGLE_MERGES`."""
        alone = min(self.merges, SINGLE_MERGES)
        # links that are drawn in every block make its picture large
        blocks = 0 if alone == self.merges else int(np.clip(12_000 // (self.merges - alone), 8, 30))
        left = np.geomspace(self.merges + 1, alone + 1, blocks + 1)[1:]
        made = self.merges + 1 - np.rint(left).astype(int)
        return np.unique([0, *made, *range(self.merges - alone, self.merges + 1)]).tolist()

    @property
    def first_single(self) -> int:
        """The merges from this one on are shown one by one."""
        return self.merges - min(self.merges, SINGLE_MERGES)

    @cached_property
    def first_merge(self) -> np.ndarray:
        """(n,) the first merge of each point"""
        return self.tree.first_merge

    def height(self, merges: int) -> float:
        """Height of merge number `merges`; 0 before the first."""
        return self.tree.height(merges)

    def clusters_after(self, merges: int) -> np.ndarray:
        """The groups of more than one point that there are after so many merges, by the merges that made them."""
        n = self.merges + 1
        gone = self.tree.merges[:merges].ravel()
        return np.setdiff1d(np.arange(merges), gone[gone >= n] - n, assume_unique=True)

    def largest_clusters_after(self, merges: int, most: int) -> np.ndarray:
        """The largest of these groups, at most `most`, the larger first."""
        alive = self.clusters_after(merges)
        return alive[np.argsort(-self.tree.sizes[alive], kind="stable")[:most]]

    def labels_of_merges(self, labels: np.ndarray) -> np.ndarray:
        """(n - 1,) for each merge the label of the first of its points, by labels (n,) of the points."""
        return labels[self.tree.order[self.tree.offsets[self.merges + 1 :]]]

    def _centers(self, places: np.ndarray) -> np.ndarray:
        """(2n - 1, 2) the mean of each group; by median linkage the point halfway between the middles of its two parts."""
        n = len(places)
        middles = np.concatenate([places, np.empty((n - 1, 2))])
        sizes = np.append(np.ones(n), self.tree.sizes)
        if self.linkage == "median":
            sizes = np.ones(2 * n - 1)
        for i, (a, b) in enumerate(self.tree.merges.tolist()):
            middles[n + i] = (sizes[a] * middles[a] + sizes[b] * middles[b]) / (sizes[a] + sizes[b])
        return middles

    def ends(self, merges: np.ndarray, places: np.ndarray) -> np.ndarray:
        """(m, 2, 2) where the line of each of these merges begins and ends, if the points are drawn at `places` (n, 2): at two
        points by single and complete linkage, else at the middles of its parts."""
        pairs = self.tree.merges[merges]
        if self.linkage not in ("single", "complete"):
            return self._centers(places)[pairs]
        apart = self.dissimilarities()
        ends = np.empty(pairs.shape, dtype=np.intp)
        for m, pair in enumerate(pairs.tolist()):
            ones, others = map(self._points_of, pair)
            between = apart(ones, others)
            nearest = between.argmin() if self.linkage == "single" else between.argmax()
            i, j = np.unravel_index(nearest, between.shape)
            ends[m] = ones[i], others[j]
        return places[ends]

    def _points_of(self, group: int) -> np.ndarray:
        n = self.merges + 1
        return np.array([group]) if group < n else self.tree.members(group - n)

    def dissimilarities(self) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        """A function of points (m,) and others (l,) that gives the (m, l) dissimilarities which the tree was made of."""
        data, metric = self.data, self.metric
        if data.precomputed is None and metric in SCIPY_METRICS:
            return lambda ones, others: cdist(data.points[ones], data.points[others], SCIPY_METRICS[metric])
        matrix = data.precomputed if self.matrix is None else self.matrix
        return lambda ones, others: matrix[np.ix_(ones, others)]

    def merge_sentence(self, merge: int) -> str:
        """What a merge does, in a sentence."""
        a, b = (self._name_of(group) for group in self.tree.merges[merge].tolist())
        left = self.merges - merge
        rest = "all is one group" if left == 1 else f"{left:,} groups left"
        lower = " An inversion: lower than what it merges." if merge in self.tree.inversions else ""
        return f"Merge {merge + 1:,}: {a} and {b} at height {format_short(self.height(merge + 1))}, {rest}.{lower}"

    def _name_of(self, group: int) -> str:
        n = self.merges + 1
        return self.data.names_of([group])[0] if group < n else pluralize(int(self.tree.sizes[group - n]), "point")

    def merge_rule(self) -> str:
        """Which two groups merge."""
        if self.linkage in EUCLIDEAN_LINKAGES and not self.is_euclidean:
            return (
                f"Each merge joins the two groups that {self.linkage} linkage would if these were Euclidean "
                "distances: heights come from its formula, the line joins the middles in this picture."
            )
        return f"Each merge joins the two groups {MERGE_RULES[self.linkage]}"


def build_tree(data: Data, linkage: str, metric: str, cache, ordered: bool = False) -> DataTree:
    """The tree of these data, or of a sample of them, from the cache if it is there.

    `ordered` puts the leaves in the best order, of no more than `MAX_ORDERED_LEAVES` points. ValueError as `Data.proximities`, and
    for a single point.
    """
    note = ""
    if len(data.points) > MAX_POINTS_FOR_PROXIMITIES:
        note = (
            f"A tree needs the proximity of every pair of points: this one is of a sample of {MAX_POINTS_FOR_PROXIMITIES:,} "
            f"of the {len(data.points):,} points."
        )
        data = data.sample(MAX_POINTS_FOR_PROXIMITIES)
    ordered = ordered and len(data.points) <= MAX_ORDERED_LEAVES

    def make():
        began = time.perf_counter()
        matrix = None
        if data.precomputed is None and metric == "euclidean":
            tree = tree_of_points(data.points, linkage, optimal_order=ordered)
        else:
            matrix = data.proximities(metric)
            tree = tree_of_proximities(matrix, linkage, optimal_order=ordered)
        keeps = data.precomputed is None and metric not in SCIPY_METRICS
        return DataTree(data, linkage, metric, tree, time.perf_counter() - began, matrix if keeps else None)

    # the note belongs to what was asked, and the same sample may be asked for as such
    return replace(cache.get(("tree", data.key, linkage, metric, ordered), make), note=note)


def cut_labels(data: Data, linkage: str, metric: str, k: int, cache) -> tuple[np.ndarray, str]:
    """(n,) the k groups that a cut of the tree leaves, and what was done instead of what was asked, in a sentence.

    Of more points than a tree can have, those outside of the sample join the group of the nearest point in it.
    """
    data_tree = build_tree(data, linkage, metric, cache)
    labels = data_tree.tree.labels(k)
    if not data_tree.note:
        return labels, ""
    _, nearest = cKDTree(data_tree.data.points).query(data.points)
    nearest[data.sample_indices(len(labels))] = np.arange(len(labels))  # also where points are the same
    return labels[nearest], f"{data_tree.note} The others begin in the group of the nearest of these."

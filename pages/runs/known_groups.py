"""Scores of clusters relative to known groups."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd

from clustering import (
    ConfusionMatrix,
    VMeasure,
    adjusted_rand_index,
    as_frequencies,
    confusion_matrix,
    fowlkes_mallows_index,
    purity,
    v_measure,
)
from pages.datasets.columns import value_text
from pages.datasets.data import Data

NAMES = {
    "adjusted_rand": "Adjusted Rand index",
    "v_measure": "V-measure",
    "homogeneity": "Homogeneity",
    "completeness": "Completeness",
    "fowlkes_mallows": "Fowlkes–Mallows index",
    "purity": "Purity",
}
"""names of the scores, in order"""
TEXTS = {
    "adjusted_rand": "share of point pairs on which clusters and true labels agree, corrected for chance (1 = identical, "
    "0 = as expected by chance)",
    "v_measure": "harmonic mean of homogeneity and completeness; equals the normalized mutual information "
    "(arithmetic mean); not corrected for chance",
    "homogeneity": "1 if each cluster has points of one group only",
    "completeness": "1 if the points of each group are all in one cluster",
    "fowlkes_mallows": "geometric mean of pairwise precision and recall: the share of pairs in the same cluster that are "
    "also in the same group, and vice versa",
    "purity": "share of points whose group is the most frequent one in their cluster; "
    "tends to grow with the number of clusters",
}
"""what the scores are"""
NOISE_IS_A_GROUP = "points in no cluster count as one cluster, as in scikit-learn"
"""how the scores treat noise: without it, a method could reach any score by calling most points noise"""


@dataclass(frozen=True, eq=False)
class KnownGroups:
    """Scores of clusters relative to known groups, each 1 if they are identical. Computed when they are asked for."""

    groups: np.ndarray
    """(n,) known group of each point that has one"""
    clusters: np.ndarray
    """(n,) cluster of these points; -1 for noise, which counts as one cluster"""
    weights: np.ndarray | None = None
    """(n,) weights of these points, above 0; None if all count the same"""

    @classmethod
    def of(cls, groups: np.ndarray, clusters: np.ndarray, weights: np.ndarray | None = None) -> Self | None:
        """The scores for labels (n,) of points, with weights (n,) if they have any; None if no point has a known group.

        Points whose group is -1 are left out. Points in no cluster, with the label -1, count as one cluster.
        """
        known = groups >= 0
        if weights is not None:
            known = known & (weights > 0)
        if not known.any():
            return None
        # short integers, which are sorted faster; a signed type holds -1 too
        found = (labels[known].astype(np.min_scalar_type(-2 - int(labels.max()))) for labels in (groups, clusters))
        return cls(*found, None if weights is None else weights[known])

    @cached_property
    def _frequencies(self) -> np.ndarray | None:
        return None if self.weights is None else as_frequencies(self.weights)

    @cached_property
    def adjusted_rand(self) -> float:
        return adjusted_rand_index(self.groups, self.clusters, self._frequencies)

    @cached_property
    def _v_measure(self) -> VMeasure:
        return v_measure(self.groups, self.clusters, self.weights)

    @property
    def v_measure(self) -> float:
        return self._v_measure.v_measure

    @property
    def homogeneity(self) -> float:
        return self._v_measure.homogeneity

    @property
    def completeness(self) -> float:
        return self._v_measure.completeness

    @cached_property
    def fowlkes_mallows(self) -> float:
        return fowlkes_mallows_index(self.groups, self.clusters, self._frequencies)

    @cached_property
    def purity(self) -> float:
        return purity(self.groups, self.clusters, self.weights)

    @cached_property
    def confusion(self) -> ConfusionMatrix:
        return _confusion(self.groups, self.clusters, self.weights)

    def table(self, groups: list[str], clusters: list[str]) -> pd.DataFrame:
        """The confusion matrix with counts and shares of each group, given the names of its rows and columns."""
        counts = self.confusion.counts
        shares = counts / counts.sum(axis=1, keepdims=True)
        table = pd.DataFrame({"known group": groups})
        for name, column in zip(clusters, counts.T, strict=True):
            table[name] = column
        for name, column in zip(clusters, shares.T, strict=True):
            table[f"{name}, share of group"] = column
        return table


def _confusion(groups: np.ndarray, clusters: np.ndarray, weights: np.ndarray | None) -> ConfusionMatrix:
    """The confusion matrix; noise has the last column, with the label -1, and matches no group."""
    noise = clusters < 0
    if not noise.any():
        return confusion_matrix(groups, clusters, weights)
    rows, of_point = np.unique(groups, return_inverse=True)
    in_noise = np.bincount(of_point[noise], None if weights is None else weights[noise], minlength=len(rows))
    columns, matches = [in_noise], np.full(len(rows), -1)
    found = np.zeros(0, dtype=np.intp)
    if not noise.all():
        inside = confusion_matrix(groups[~noise], clusters[~noise], None if weights is None else weights[~noise])
        present, found = np.searchsorted(rows, inside.groups), inside.clusters
        counts = np.zeros((len(rows), len(found)), dtype=inside.counts.dtype)
        counts[present], matches[present] = inside.counts, inside.matches
        columns = [counts, *columns]
    return ConfusionMatrix(np.column_stack(columns), rows, np.append(found, -1), matches)


def group_names(data: Data) -> list[str]:
    """The name of each true label, by its number: its text in the table, or else "group 1", "group 2", …"""
    names = [f"group {label + 1}" for label in range(data.labels.max() + 1)]
    if data.origin is not None and data.label_name in data.origin.table:
        labels, first = np.unique(data.labels, return_index=True)
        texts = data.origin.table[data.label_name].iloc[data.rows[first] - 1]
        for label, text in zip(labels.tolist(), texts, strict=True):
            if label >= 0:
                names[label] = value_text(text)
    return names

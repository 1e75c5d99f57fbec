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
    "adjusted_rand": "agreement on pairs of points, corrected for chance: 1 = identical, 0 = as expected by chance",
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


@dataclass(frozen=True, eq=False)
class KnownGroups:
    """Scores of clusters relative to known groups, each 1 if they are identical. Computed when they are asked for."""

    groups: np.ndarray
    """(n,) known group of each point that has one and is in a cluster"""
    clusters: np.ndarray
    """(n,) cluster of these points"""

    @classmethod
    def of(cls, groups: np.ndarray, clusters: np.ndarray) -> Self | None:
        """The scores of two labelings (n,), ignoring points for which either label is -1; None if no points remain."""
        both = (groups >= 0) & (clusters >= 0)
        if not both.any():
            return None
        # short integers, which are sorted faster
        return cls(*(labels[both].astype(np.min_scalar_type(int(labels.max()))) for labels in (groups, clusters)))

    @cached_property
    def adjusted_rand(self) -> float:
        return adjusted_rand_index(self.groups, self.clusters)

    @cached_property
    def _v_measure(self) -> VMeasure:
        return v_measure(self.groups, self.clusters)

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
        return fowlkes_mallows_index(self.groups, self.clusters)

    @cached_property
    def purity(self) -> float:
        return purity(self.groups, self.clusters)

    @cached_property
    def confusion(self) -> ConfusionMatrix:
        return confusion_matrix(self.groups, self.clusters)

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

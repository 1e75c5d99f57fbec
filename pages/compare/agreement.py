"""Agreement of two clusterings of the same points."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clustering import contingency_table
from pages.datasets.formatting import pluralize
from pages.figures.palette import mark_of


@dataclass(frozen=True, eq=False)
class Clustering:
    """Labels of all points: the clusters of a run, or the true labels."""

    name: str
    labels: np.ndarray
    """(n,) label of each point, matched across clusterings; -1 for none"""
    name_in_sentence: str = ""
    """by default `name`"""
    group_names: tuple[str, ...] = ()
    """names of the labels 0, 1, …; empty if they have only numbers"""

    def group_name(self, label: int) -> str:
        """The number of a label on the screen, and its name if it has one; "none" for -1."""
        if label < 0:
            return "none"
        name = self.group_names[label] if label < len(self.group_names) else ""
        return f"{mark_of(label)} {label + 1}{f': {name}' if name else ''}"


def labels_in_both(a: Clustering, b: Clustering) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Indices of the points that have a label in both clusterings, and their labels in each."""
    rows = np.flatnonzero((a.labels >= 0) & (b.labels >= 0))
    return rows, a.labels[rows], b.labels[rows]


@dataclass(frozen=True, eq=False)
class Agreement:
    """Contingency table of two clusterings, and the points in each of its cells.

    A cell is a pair of labels (label in a, label in b). Labels are matched, so a cell with two different labels holds points
    on which the clusterings disagree.
    """

    a: Clustering
    b: Clustering
    compared: np.ndarray
    """(m,) indices of the points that have a label in both"""
    table: np.ndarray
    """(labels of a, labels of b) number of points in each cell"""
    groups_a: np.ndarray
    """label of each row of the table"""
    groups_b: np.ndarray
    """label of each column of the table"""

    @classmethod
    def between(cls, a: Clustering, b: Clustering) -> "Agreement":
        """The agreement on the points that have a label in both clusterings."""
        rows, labels_a, labels_b = labels_in_both(a, b)
        return cls(a, b, rows, *contingency_table(labels_a, labels_b))

    @cached_property
    def cells(self) -> list[tuple[int, int]]:
        """All nonempty cells: disagreements first, then by decreasing number of points."""
        rows, columns = np.nonzero(self.table)
        order = np.lexsort((-self.table[rows, columns], self.groups_a[rows] == self.groups_b[columns]))
        return [(int(self.groups_a[rows[i]]), int(self.groups_b[columns[i]])) for i in order]

    def count(self, cell: tuple[int, int] | None) -> int:
        """Number of points in a cell, or in all disagreements for None."""
        if cell is None:
            return int(self.table[self.groups_a[:, None] != self.groups_b].sum())
        return int(self.table[self.groups_a == cell[0]][:, self.groups_b == cell[1]].sum())

    def rows(self, cell: tuple[int, int] | None) -> np.ndarray:
        """Indices of the points in a cell, or in all disagreements for None."""
        a, b = self.a.labels[self.compared], self.b.labels[self.compared]
        return self.compared[a != b if cell is None else (a == cell[0]) & (b == cell[1])]

    @property
    def sentence(self) -> str:
        """The number of disagreements, as a sentence."""
        differing, n = self.count(None), len(self.compared)
        excluded = len(self.a.labels) - n
        verb = "is" if excluded == 1 else "are"
        note = f" {pluralize(excluded, 'point')} without a label {verb} excluded." if excluded else ""
        pair = " and ".join(clustering.name_in_sentence or clustering.name for clustering in (self.a, self.b))
        pair = pair[0].upper() + pair[1:]
        if not differing:
            return f"{pair} agree on all {n:,} points.{note}"
        return f"{pair} disagree on {differing:,} of {n:,} points ({differing / n:.1%}).{note}"

"""Two clusterings of the same points: where they agree, and where not."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clustering import contingency_table
from pages.datasets.formatting import counted


@dataclass(frozen=True, eq=False)
class Clustering:
    """Groups of all points, found by a panel of the comparison or known."""

    name: str
    labels: np.ndarray
    """(n,) the number of each point's group, the same number wherever it is the same group; -1 for none"""


def in_a_group(a: Clustering, b: Clustering) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The points that have a group in both, and their labels in each."""
    rows = np.flatnonzero((a.labels >= 0) & (b.labels >= 0))
    return rows, a.labels[rows], b.labels[rows]


def disagreement(a: Clustering, b: Clustering) -> "Disagreement":
    """How the groups of a and b, matched, share the points that have a group in both."""
    rows, of_a, of_b = in_a_group(a, b)
    return Disagreement(a, b, rows, *contingency_table(of_a, of_b))


@dataclass(frozen=True, eq=False)
class Disagreement:
    """Two clusterings of the same points, side by side."""

    a: Clustering
    b: Clustering
    compared: np.ndarray
    """(m,) the points that have a group in both"""
    table: np.ndarray
    """(groups of a, groups of b) how many points are in both"""
    groups_a: np.ndarray
    """the numbers of the groups of a, in the order of the rows of the table"""
    groups_b: np.ndarray
    """those of b, in the order of its columns"""

    @cached_property
    def flows(self) -> list[tuple[int, int]]:
        """(group in a, group in b) of each two groups that share points: those under different numbers first, large ones
        first."""
        rows, columns = np.nonzero(self.table)
        order = np.lexsort((-self.table[rows, columns], self.groups_a[rows] == self.groups_b[columns]))
        return [(int(self.groups_a[rows[i]]), int(self.groups_b[columns[i]])) for i in order]

    def count(self, flow: tuple[int, int] | None) -> int:
        """The number of `rows(flow)`."""
        if flow is None:
            return int(self.table[self.groups_a[:, None] != self.groups_b].sum())
        return int(self.table[self.groups_a == flow[0]][:, self.groups_b == flow[1]].sum())

    def rows(self, flow: tuple[int, int] | None) -> np.ndarray:
        """The points that are in the first group of the flow in a and in the second in b; of None all that change group."""
        a, b = self.a.labels[self.compared], self.b.labels[self.compared]
        return self.compared[a != b if flow is None else (a == flow[0]) & (b == flow[1])]

    def sentence(self) -> str:
        """How many points are in another group, in a sentence."""
        changed, n = self.count(None), len(self.compared)
        left_out = len(self.a.labels) - n
        rest = f" {counted(left_out, 'point')} without a known group {'is' if left_out == 1 else 'are'} left out." * (
            left_out > 0
        )
        if not changed:
            return f"{self.a.name} and {self.b.name} put all {n:,} points in the same groups.{rest}"
        return (
            f"{counted(changed, 'point')} of {n:,} ({changed / n:.1%}) {'is' if changed == 1 else 'are'} in another group by "
            f"{self.b.name} than by {self.a.name}.{rest}"
        )

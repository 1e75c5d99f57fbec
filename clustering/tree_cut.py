"""The cut of a tree as a process: the last merges before k groups are left, one state for each.

    loss = height of the last merge made, 0 before the first

Heights rise from merge to merge, except where centroid and median linkage have inversions.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from clustering.hierarchy import LINKAGES, Tree, tree_of_points
from clustering.notices import INVERSION, Notice
from clustering.points import check_k, is_integer
from clustering.process import State, check_limits, iteration_limit_notice


class TreePosition(NamedTuple):
    """How far a tree has been merged."""

    merges: int
    """number of merges made so far"""
    next: int | None = None
    """number of the merge that comes next, counted from 0, in a "nearest" state; otherwise None"""


@dataclass(frozen=True, eq=False)
class TreeAssignment:
    """The points that have joined another one, each in its group of the final cut."""

    labels: np.ndarray
    """(n,) 0..k-1, the group in the final cut, from left to right in the tree; -1 for a point that is still alone, except at
    the cut itself"""
    sizes: np.ndarray
    """(k,) number of points with each label"""
    changed: int
    """number of points whose label differs from that in the state before; n in the first"""
    shares = None
    """each point belongs to one group"""


@dataclass(frozen=True)
class TreeCut:
    """The merges of hierarchical clustering down to k groups.

    There is nothing random, and no start can be given. Every run has the same states.

    Parameters
    ----------
    k : int
        Number of groups at the cut, 1..n.
    linkage : one of `LINKAGES`
        Used where points are given, not where a `Tree` is.
    steps : int
        Number of merges before the cut that have a state of their own, at least 0: iteration 0 is the state after
        n - k - steps merges, or after none.

    Weakness: that of `tree_of_points`. A cut at k groups need not be where the heights have their largest gap.
    """

    k: int
    linkage: str = "average"
    steps: int = 20

    loss_name = "height of the last merge"
    tol = 0.0

    def __post_init__(self):
        if self.linkage not in LINKAGES:
            raise ValueError(f"linkage must be one of {', '.join(LINKAGES)}, got {self.linkage!r}")
        if not is_integer(self.steps) or self.steps < 0:
            raise ValueError(f"steps must be an integer of at least 0, got {self.steps}")

    def prepare(self, data) -> Tree:
        """The tree of the points (n, d) by Euclidean distances. A `Tree` is returned as it is, so that it serves every k.

        Raises
        ------
        ValueError
            As `tree_of_points`, and unless k is an integer in 1..n.
        """
        tree = data if isinstance(data, Tree) else tree_of_points(data, self.linkage)
        check_k(self.k, len(tree.order))
        return tree

    def start(self, prepared: Tree, rng: np.random.Generator | None = None) -> TreePosition:
        """The position of iteration 0; `rng` is not used."""
        return TreePosition(max(0, self._cut(prepared) - self.steps))

    def check_start(self, prepared: Tree, start) -> TreePosition:
        """Raises ValueError: a tree begins with every point on its own."""
        raise ValueError("a tree cut takes no start: the merges of a tree are always the same")

    def states(
        self,
        prepared: Tree,
        *,
        start=None,
        rng: np.random.Generator | int | None = None,
        tol: float | None = None,
        max_iter: int = 300,
    ) -> Iterator[State]:
        """The states after each merge, with phase "merge"; `rng` and `tol` are not used.

        The last one, at the cut, has converged. Raises ValueError at the call for a start, and as `check_limits`.
        """
        check_limits(self.tol if tol is None else tol, max_iter)
        first = self.start(prepared) if start is None else self.check_start(prepared, start)
        return self._states_from(prepared, first.merges, max_iter)

    def _states_from(self, tree: Tree, first: int, max_iter: int) -> Iterator[State]:
        final, first_merge, cut = tree.labels(self.k), tree.first_merge, self._cut(tree)
        before = None
        for iteration, merges in enumerate(range(first, min(cut, first + max_iter) + 1)):
            labels = _reached(final, first_merge, merges, cut)
            changed = len(labels) if before is None else int(np.count_nonzero(labels != before))
            notices = ()
            if merges == cut:
                notices = _inversions(tree, cut)
            elif iteration == max_iter:
                notices = (iteration_limit_notice(max_iter),)
            groups = TreeAssignment(labels, _sizes(labels, self.k), changed)
            yield State("merge", iteration, TreePosition(merges), groups, tree.height(merges), merges == cut, notices)
            before = labels

    def between(self, prepared: Tree, before: State, after: State) -> tuple[State, ...]:
        """The state before the merge, with phase "nearest": which merge comes next, its height, and the old groups."""
        merges = before.parameters.merges
        position = before.parameters._replace(next=merges)
        return (State("nearest", after.iteration, position, before.assignment, prepared.height(merges + 1)),)

    def assign(self, prepared: Tree, parameters: TreePosition) -> TreeAssignment:
        """The groups after `parameters.merges` merges; as `Process.assign`."""
        labels = _reached(prepared.labels(self.k), prepared.first_merge, parameters.merges, self._cut(prepared))
        return TreeAssignment(labels, _sizes(labels, self.k), len(labels))

    def _cut(self, tree: Tree) -> int:
        """Number of merges after which k groups are left."""
        return len(tree.order) - self.k


def _reached(final: np.ndarray, first_merge: np.ndarray, merges: int, cut: int) -> np.ndarray:
    """(n,) the final label of each point that is in a group after `merges` merges, -1 for the others; all at the cut."""
    return final if merges == cut else np.where(first_merge < merges, final, -1)


def _sizes(labels: np.ndarray, k: int) -> np.ndarray:
    return np.bincount(labels[labels >= 0], minlength=k)


def _inversions(tree: Tree, merges: int) -> tuple[Notice, ...]:
    """The notice that some of the first `merges` merges are inversions, if there are any."""
    count = int(np.count_nonzero(tree.inversions < merges))
    if not count:
        return ()
    who = "1 merge is" if count == 1 else f"{count:,} merges are"
    text = (
        f"{who} at a lower height than a group that was merged (an inversion), which can happen with centroid and median "
        "linkage only: heights do not always rise here."
    )
    return (Notice(INVERSION, text),)

"""Hierarchical clustering as a process: the last merges before the cut into k clusters, one state per merge.

    loss = height of the last merge, 0 before the first

Heights never decrease from merge to merge, except with centroid and median linkage (inversions).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from clustering.hard_assignment import HardAssignment
from clustering.hierarchy import LINKAGES, Tree, tree_of_points
from clustering.notices import INVERSION, Notice
from clustering.points import check_k, is_integer
from clustering.process import State, check_limits, iteration_limit_notice


class TreePosition(NamedTuple):
    """Position in the sequence of merges."""

    merges: int
    """number of merges completed"""
    next: int | None = None
    """index of the next merge in a state with phase "nearest" (see `TreeCut.between`), counted from 0; otherwise None"""


@dataclass(frozen=True)
class TreeCut:
    """Hierarchical clustering down to k clusters.

    Deterministic: there is no initialization, and every run has the same states.

    Parameters
    ----------
    k : int
        Number of clusters at the cut, 1..n.
    linkage : str
        One of `LINKAGES`. Used for points; ignored if the data are a `Tree`.
    steps : int
        Number of merges before the cut that have a state of their own, at least 0. Iteration 0 is the state after
        max(0, n - k - steps) merges.

    Notes
    -----
    See `tree_of_points` for weaknesses. A cut at k clusters does not necessarily fall into the largest gap between heights.
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
        """Compute the tree of points (n, d) by Euclidean distance. A `Tree` is returned unchanged and can be used for any k.

        Raises
        ------
        ValueError
            As in `tree_of_points`, or if k is not an integer in 1..n.
        """
        tree = data if isinstance(data, Tree) else tree_of_points(data, self.linkage)
        check_k(self.k, len(tree.order))
        return tree

    def start(self, prepared: Tree, rng: np.random.Generator | None = None) -> TreePosition:
        """Position at iteration 0; `rng` is ignored."""
        return TreePosition(max(0, self._cut(prepared) - self.steps))

    def check_start(self, prepared: Tree, start) -> TreePosition:
        """Raise ValueError: a tree has no initialization."""
        raise ValueError("a tree cut does not accept a start: hierarchical clustering has no initialization")

    def states(
        self,
        prepared: Tree,
        *,
        start=None,
        rng: np.random.Generator | int | None = None,
        tol: float | None = None,
        max_iter: int = 300,
    ) -> Iterator[State]:
        """Iterate over the initial state and the state after each merge, with phase "merge"; `rng` and `tol` are ignored.

        The state at the cut is converged. If `max_iter` ends the run earlier, the last state is not, and has a notice. Raise
        ValueError when called if `start` is given, and as in `check_limits`.
        """
        check_limits(self.tol if tol is None else tol, max_iter)
        first = self.start(prepared) if start is None else self.check_start(prepared, start)
        return self._states_from(prepared, first.merges, max_iter)

    def _states_from(self, tree: Tree, first: int, max_iter: int) -> Iterator[State]:
        final, first_merge, cut = tree.labels(self.k), tree.first_merge, self._cut(tree)
        before = None
        for iteration, merges in enumerate(range(first, min(cut, first + max_iter) + 1)):
            labels = _labels_so_far(final, first_merge, merges, cut)
            changed = len(labels) if before is None else int(np.count_nonzero(labels != before))
            notices = ()
            if merges == cut:
                notices = _inversion_notices(tree, cut)
            elif iteration == max_iter:
                notices = (iteration_limit_notice(max_iter),)
            assignment = HardAssignment(labels, self.k, changed)
            yield State("merge", iteration, TreePosition(merges), assignment, tree.height(merges), merges == cut, notices)
            before = labels

    def between(self, prepared: Tree, before: State, after: State) -> tuple[State, ...]:
        """One state, before the merge, with phase "nearest": the next merge, its height, and the clusters before it."""
        merges = before.parameters.merges
        position = before.parameters._replace(next=merges)
        return (State("nearest", after.iteration, position, before.assignment, prepared.height(merges + 1)),)

    def assign(self, prepared: Tree, parameters: TreePosition) -> HardAssignment:
        """Clusters after `parameters.merges` merges, with the labels of the final cut; see `Process.assign`.

        Labels are in the order of the dendrogram, from left to right. Points not yet merged have the label -1, except at the
        cut.
        """
        labels = _labels_so_far(prepared.labels(self.k), prepared.first_merge, parameters.merges, self._cut(prepared))
        return HardAssignment(labels, self.k, len(labels))

    def _cut(self, tree: Tree) -> int:
        """Number of merges that leave k clusters."""
        return len(tree.order) - self.k


def _labels_so_far(final: np.ndarray, first_merge: np.ndarray, merges: int, cut: int) -> np.ndarray:
    """(n,) final labels after `merges` merges, -1 for points not yet merged; at the cut every point has its label."""
    return final if merges == cut else np.where(first_merge < merges, final, -1)


def _inversion_notices(tree: Tree, merges: int) -> tuple[Notice, ...]:
    """Notice that some of the first `merges` merges are inversions, or an empty tuple."""
    count = int(np.count_nonzero(tree.inversions < merges))
    if not count:
        return ()
    subject, they = ("1 merge has", "it joins") if count == 1 else (f"{count:,} merges have", "they join")
    text = (
        f"{subject} a lower height than an earlier merge that formed one of the clusters {they} (inversion). Inversions occur "
        "only with centroid and median linkage, whose heights can decrease."
    )
    return (Notice(INVERSION, text),)

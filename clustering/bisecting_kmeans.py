"""Bisecting K-means: all points are one cluster, and one cluster after the other is split in two by K-means.

    loss = sum over points x of ||x - c(x)||^2,   c(x): center of the cluster of x

x: `points` (n, d). Each split takes the cluster with the largest loss, or the one with most points, and divides it by K-means
with two centers, the best of several runs. The other clusters stay. A split cannot increase the loss.

Steinbach, Karypis & Kumar 2000, "A comparison of document clustering techniques", KDD Workshop on Text Mining.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from clustering.distances import nearest_centers
from clustering.kmeans import KMeans
from clustering.notices import EMPTY_CLUSTER, Notice
from clustering.points import check_data, check_k, check_points, column_means, distinct_points_notices, is_integer
from clustering.process import State, best_of, check_limits, iteration_limit_notice

BY_LOSS, BY_SIZE = "loss", "size"
SELECTIONS = (BY_LOSS, BY_SIZE)


class Splits(NamedTuple):
    """The splits so far: part 0 of a split keeps the number of the cluster, and part 1 gets the next number."""

    centers: np.ndarray
    """(t + 1, d) centers of the clusters after t splits"""
    clusters: np.ndarray
    """(t,) number of the cluster that each split divided"""
    pairs: np.ndarray
    """(t, 2, d) centers of the two parts of each split; a point belongs to the part with the nearer center"""


class PreparedRows(NamedTuple):
    """Checked points."""

    points: np.ndarray
    """(n, d) points"""
    k: int
    """number of clusters that `notices` refer to"""
    notices: tuple[Notice, ...]


@dataclass(frozen=True, eq=False)
class SplitAssignment:
    """Clusters after some of the splits."""

    labels: np.ndarray
    """(n,) cluster of each point, 0..t after t splits"""
    sizes: np.ndarray
    """(t + 1,) number of points in each cluster"""
    losses: np.ndarray
    """(t + 1,) sum of squared distances in each cluster"""
    changed: int
    """number of points whose label differs from the previous state; n in the first one"""
    memberships = None
    """hard assignment: no memberships"""


@dataclass(frozen=True)
class BisectingKMeans:
    """Bisecting K-means, with one state for each split.

    Parameters
    ----------
    k : int
        Number of clusters at the end, 1..n. The run has k - 1 splits.
    select : {"loss", "size"}
        Which cluster is split next: the one with the largest sum of squared distances, or the one with most points. Clusters
        of identical points are not split.
    init : {"k-means++", "plain k-means++", "random", "maxmin"}
        Initialization of K-means in each split, see `clustering.seeding`.
    runs : int
        Number of runs of K-means in each split; the best one is kept.

    Notes
    -----
    The clusters form a hierarchy, and a run with a larger k begins with the same splits. A point stays on its side of each
    split, even if another center is nearer in the end, so the loss is usually above that of `KMeans`.

    If fewer than k points are distinct, the last clusters are empty.
    """

    k: int
    select: str = BY_LOSS
    init: str = "k-means++"
    runs: int = 10

    loss_name = "sum of squared distances"
    tol = 0.0

    def __post_init__(self):
        if self.select not in SELECTIONS:
            raise ValueError(f"select must be one of {', '.join(SELECTIONS)}, got {self.select!r}")
        if not is_integer(self.runs) or self.runs < 1:
            raise ValueError(f"runs must be an integer of at least 1, got {self.runs}")

    def prepare(self, data) -> PreparedRows:
        """The checked points; `data` is an (n, d) array. Raises ValueError as in `check_points` and `check_k`."""
        if isinstance(data, PreparedRows) and data.k == self.k:
            return data
        points = data.points if isinstance(data, PreparedRows) else check_data(data)
        check_k(self.k, len(points))
        return PreparedRows(points, self.k, distinct_points_notices(points, self.k))

    def start(self, prepared: PreparedRows, rng: np.random.Generator | None = None) -> Splits:
        """One cluster of all points; `rng` is ignored."""
        d = prepared.points.shape[1]
        return Splits(column_means(prepared.points)[0][None], np.zeros(0, dtype=np.intp), np.zeros((0, 2, d)))

    def check_start(self, prepared: PreparedRows, start) -> Splits:
        """Raise ValueError: the start is always one cluster of all points."""
        raise ValueError("bisecting K-means does not accept a start: it begins with one cluster of all points")

    def states(
        self,
        prepared: PreparedRows,
        *,
        start=None,
        rng: np.random.Generator | int | None = None,
        tol: float | None = None,
        max_iter: int = 300,
    ) -> Iterator[State]:
        """Iterate over the states after each split, with phase "split"; `tol` is ignored. See `Process.states`.

        The state with k clusters is converged. Raise ValueError when called if `start` is given, and as in `check_limits`.
        """
        check_limits(self.tol if tol is None else tol, max_iter)
        if start is not None:
            self.check_start(prepared, start)
        # checked here instead of in the first split
        KMeans(1, self.init).start(KMeans(1).prepare(np.zeros((1, 1))), np.random.default_rng(0))
        return self._states_from(prepared, np.random.default_rng(rng), max_iter)

    def _states_from(self, prepared: PreparedRows, rng, max_iter: int) -> Iterator[State]:
        splits, assignment = self.start(prepared), None
        for iteration in range(min(self.k - 1, max_iter) + 1):
            if assignment is not None:
                splits = self._split(prepared.points, splits, assignment, rng)
            assignment = _assigned(prepared.points, splits, assignment)
            converged = iteration == self.k - 1
            notices = prepared.notices + _empty_notices(assignment)
            if iteration == max_iter and not converged:
                notices += (iteration_limit_notice(max_iter),)
            yield State("split", iteration, splits, assignment, float(assignment.losses.sum()), converged, notices)

    def _split(self, points, splits: Splits, assignment: SplitAssignment, rng) -> Splits:
        scores = np.where(assignment.losses > 0, assignment.losses if self.select == BY_LOSS else assignment.sizes, 0)
        cluster = int(scores.argmax())
        center = splits.centers[cluster]
        pair = np.stack([center, center])  # part 1 remains empty if only identical points are left
        if scores[cluster] > 0:
            members = points[assignment.labels == cluster]
            away = members - center
            away /= np.abs(away).max()  # tiny differences would be rounded to 0 when they are squared
            labels = best_of(self.runs, KMeans(2, self.init), away, rng=rng).labels
            if 0 < labels.sum() < len(labels):  # not if the points differ by rounding errors only
                pair = np.stack([column_means(members[labels == part])[0] for part in (0, 1)])
        centers = np.vstack([splits.centers, pair[1:]])
        centers[cluster] = pair[0]
        return Splits(centers, np.append(splits.clusters, cluster), np.concatenate([splits.pairs, pair[None]]))

    def between(self, prepared: PreparedRows, before: State, after: State) -> tuple[State, ...]:
        """One state, before the split, with phase "choose": the clusters before it."""
        return (State("choose", after.iteration, before.parameters, before.assignment, before.loss),)

    def assign(self, prepared: PreparedRows, parameters: Splits) -> SplitAssignment:
        """Recompute the clusters from the splits; see `Process.assign`."""
        return _assigned(prepared.points, parameters, None)

    def predict(self, parameters: Splits, points) -> np.ndarray:
        """(m,) cluster of each of m points, seen or new: the nearer center of each split that divides its cluster.

        Raises ValueError as in `check_points`, or if the points do not have d columns.
        """
        points, d = check_points(points), parameters.centers.shape[1]
        if points.shape[1] != d:
            raise ValueError(f"points must have {d} columns like the centers, got {points.shape[1]}")
        labels = np.zeros(len(points), dtype=np.intp)
        for number, (cluster, pair) in enumerate(zip(parameters.clusters, parameters.pairs, strict=True), start=1):
            _divide(points, labels, cluster, pair, number)
        return labels


def _divide(points, labels: np.ndarray, cluster: int, pair: np.ndarray, number: int) -> None:
    """Change the labels of the points in part 1 of a split to `number`."""
    members = np.flatnonzero(labels == cluster)
    if members.size:
        labels[members[nearest_centers(pair, points[members]) == 1]] = number


def _assigned(points, splits: Splits, before: SplitAssignment | None) -> SplitAssignment:
    """The clusters after these splits; `before` are those before the last one, if they are known."""
    k = len(splits.centers)
    if before is None:
        labels = BisectingKMeans(k).predict(splits, points)
    else:
        labels = before.labels.copy()
        _divide(points, labels, splits.clusters[-1], splits.pairs[-1], k - 1)
    losses = np.bincount(labels, np.square(points - splits.centers[labels]).sum(axis=1), minlength=k)
    changed = len(points) if before is None else int(np.count_nonzero(labels != before.labels))
    return SplitAssignment(labels, np.bincount(labels, minlength=k), losses, changed)


def _empty_notices(assignment: SplitAssignment) -> tuple[Notice, ...]:
    empty = np.flatnonzero(assignment.sizes == 0)
    if not empty.size:
        return ()
    text = "{who} have no points, because all other clusters consist of identical points. Choose a smaller K."
    if empty.size == 1:
        text = text.replace("have", "has")
    return (Notice(EMPTY_CLUSTER, text, tuple(empty.tolist())),)

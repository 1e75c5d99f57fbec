"""Mini-batch K-means: each iteration moves the centers toward a few points that are drawn at random.

    loss = sum over points x of ||x - c(x)||^2,   c(x): nearest center

x: `points` (n, d); c: `centers` (k, d). In each iteration, the points of a random batch are assigned to their nearest centers.
Each of them then moves its center c toward itself, c <- (1 - 1/v) c + x/v, where v counts the points that this center has
been moved by so far, including x. So each center is the mean of all points that have moved it since the start.

A batch improves the loss only on average, and the loss may rise in an iteration. Sculley 2010, "Web-scale k-means clustering",
doi:10.1145/1772690.1772862.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from clustering.distances import nearest_centers
from clustering.kmeans import KMeans, Partition, PreparedPoints, loss_of
from clustering.notices import EMPTY_CLUSTER, Notice
from clustering.points import is_integer, refuse_dask
from clustering.process import State, check_limits, iteration_limit_notice
from clustering.weights import refuse_weights

PATIENCE = 10
"""a run has converged after this many successive batches that reassigned no points (or at most `tol` times n)"""


class BatchCenters(NamedTuple):
    """Centers, and what moved them."""

    centers: np.ndarray
    """(k, d) centers"""
    counts: np.ndarray
    """(k,) number of points that have moved each center so far, with repetitions"""
    batch: np.ndarray
    """(b,) rows of the points that moved the centers last; empty at the start"""


@dataclass(frozen=True, eq=False)  # comparing would fail if `init` is an array
class MiniBatchKMeans:
    """Mini-batch K-means.

    Parameters
    ----------
    k : int
        Number of clusters, 1..n.
    batch : int
        Number of points per batch, at least 1; if it exceeds n, a batch is all points. The points of a batch are distinct.
    init : as in `KMeans`, or `BatchCenters`

    Notes
    -----
    `tol` is a fraction of the points: a run has converged when each of `PATIENCE` successive batches reassigned at most `tol`
    times n points. The loss is then usually above that of K-means, and the more so, the smaller the batch.

    Only batches are needed for the centers: for n points an iteration takes O(batch k d). But every state here includes the
    label of each point and the loss, which takes O(n k d), so that states can be compared with those of `KMeans`.

    The centers depend on the random batches, even if the initial centers are given. A center that is nearest to no point of a
    batch stays where it is.
    """

    k: int
    batch: int = 50
    init: str | np.ndarray = "k-means++"

    loss_name = "sum of squared distances of all points to their nearest centers"
    tol = 0.0

    def __post_init__(self):
        if not is_integer(self.batch) or self.batch < 1:
            raise ValueError(f"batch must be an integer of at least 1, got {self.batch}")

    @property
    def _kmeans(self) -> KMeans:
        return KMeans(self.k, self.init)

    def prepare(self, data) -> PreparedPoints:
        """As in `KMeans.prepare`, but a Dask array or dataframe and weights are rejected."""
        refuse_dask(data, "points")
        refuse_weights(data, "MiniBatchKMeans")
        return self._kmeans.prepare(data)

    def start(self, prepared: PreparedPoints, rng: np.random.Generator) -> BatchCenters:
        """Initial centers given by `init`, which no points have moved yet."""
        if not isinstance(self.init, str):
            return self.check_start(prepared, self.init)
        return _unmoved(self._kmeans.start(prepared, rng))

    def check_start(self, prepared: PreparedPoints, start) -> BatchCenters:
        """The given centers (k, d), which no points have moved yet, or a copy of the given `BatchCenters`.

        Raises ValueError as in `KMeans.check_start`, or if the counts are not k integers of at least 0.
        """
        if not isinstance(start, BatchCenters):
            return _unmoved(self._kmeans.check_start(prepared, start))
        centers, counts = self._kmeans.check_start(prepared, start.centers), np.array(start.counts)
        if counts.shape != (self.k,) or not np.issubdtype(counts.dtype, np.integer) or counts.min() < 0:
            raise ValueError(f"counts must be {self.k} integers of at least 0, got {counts.tolist()}")
        return BatchCenters(centers, counts, np.array(start.batch, dtype=np.intp))

    def predict(self, parameters, points) -> np.ndarray:
        """(m,) index of the nearest center of each of m points; `parameters` are `BatchCenters` or centers (k, d)."""
        return nearest_centers(parameters.centers if isinstance(parameters, BatchCenters) else parameters, points)

    def states(
        self,
        prepared: PreparedPoints,
        *,
        start=None,
        rng: np.random.Generator | int | None = None,
        tol: float | None = None,
        max_iter: int = 300,
    ) -> Iterator[State]:
        """Iterate over the states after each batch, with phase "E"; see `Process.states`. `rng` also draws the batches."""
        tol, rng = self.tol if tol is None else tol, np.random.default_rng(rng)
        check_limits(tol, max_iter)
        parameters = self.start(prepared, rng) if start is None else self.check_start(prepared, start)
        return self._states_from(prepared, parameters, rng, tol, max_iter)

    def _states_from(self, prepared, parameters: BatchCenters, rng, tol, max_iter) -> Iterator[State]:
        n, before, quiet = len(prepared.points), None, 0
        for iteration in range(max_iter + 1):
            assignment, loss = self._kmeans.e_step(prepared, parameters.centers, before)
            quiet = quiet + 1 if before is not None and assignment.changed <= tol * n else 0
            notices = self._notices(prepared, assignment)
            converged = quiet == PATIENCE or assignment.zero_loss
            if iteration == max_iter and not converged:
                notices += (iteration_limit_notice(max_iter),)
            yield State("E", iteration, parameters, assignment, loss, converged, notices)
            if converged or iteration == max_iter:
                return
            before = assignment
            parameters = self._moved(prepared, parameters, assignment, rng.choice(n, min(self.batch, n), replace=False))

    def _moved(self, prepared, parameters: BatchCenters, assignment: Partition, batch: np.ndarray) -> BatchCenters:
        labels = assignment.labels[batch]
        added = np.bincount(labels, minlength=self.k)
        counts = parameters.counts + added
        away = prepared.points[batch] - parameters.centers[labels]
        sums = np.stack([np.bincount(labels, column, minlength=self.k) for column in away.T], axis=1)
        return BatchCenters(parameters.centers + sums / np.maximum(counts, 1)[:, None], counts, batch)

    def _notices(self, prepared: PreparedPoints, assignment: Partition) -> tuple[Notice, ...]:
        empty = np.flatnonzero(assignment.sizes == 0)
        if not empty.size:
            return prepared.notices
        text = (
            "{who} lost all points, and a center without points stays where it is. Choose another initialization or a smaller "
            "K."
        )
        return (*prepared.notices, Notice(EMPTY_CLUSTER, text, tuple(empty.tolist())))

    def between(self, prepared: PreparedPoints, before: State, after: State) -> tuple[State, ...]:
        """The state after the centers moved, with phase "M": the new centers with the old clusters of all points."""
        found = before.assignment
        loss = loss_of(prepared, found.found, found.sizes, found.sums, after.parameters.centers - prepared.origin)
        return (State("M", after.iteration, after.parameters, found, loss),)

    def assign(self, prepared: PreparedPoints, parameters: BatchCenters) -> Partition:
        """Recompute the assignment of all points; see `Process.assign`."""
        return self._kmeans.e_step(prepared, parameters.centers)[0]


def _unmoved(centers: np.ndarray) -> BatchCenters:
    return BatchCenters(centers, np.zeros(len(centers), dtype=np.intp), np.zeros(0, dtype=np.intp))

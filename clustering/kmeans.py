"""K-means.

    loss = sum over points of ||x - c(x)||^2,   c(x) the center of the cluster that x is in

x: points (n, d); c: centers (k, d). Lloyd 1982, doi:10.1109/TIT.1982.1056489.
"""

from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import NamedTuple

import numpy as np

from clustering.chunks import approximate_two_smallest, chunk_size, map_chunks, product, two_smallest
from clustering.distances import nearest_centers, squared_distances
from clustering.notices import EMPTY_CLUSTER, Notice
from clustering.points import EPS, check_k, check_points, column_means, distinct_points_notices
from clustering.process import Alternating, State
from clustering.seeding import seeded_rows


class PreparedPoints(NamedTuple):
    points: np.ndarray
    """(n, d) as they came, to settle ties exactly"""
    columns: np.ndarray
    """(d, n) the points, transposed and centered, so that a common offset costs no digits"""
    origin: np.ndarray
    """(d,) what was subtracted"""
    squares: np.ndarray
    """(n,) squared length of each centered point"""
    total: float
    """sum of `squares`: the loss of a single cluster"""
    radius: float
    """largest squared length: the scale of rounding errors in squared distances"""
    rounding: float
    """squared distance that may be nothing but rounding: of a point to the mean of its own copies, say"""
    k: int
    """that the notices are for"""
    notices: tuple[Notice, ...]


@dataclass(frozen=True, eq=False)
class Partition:
    """Each point in the cluster of its nearest center; the lowest number among equally near ones."""

    compact: np.ndarray
    """(n,) cluster of each point, in the shortest unsigned integers that hold k - 1: less to copy in each step"""
    sizes: np.ndarray
    """(k,) number of points in each cluster"""
    changed: int
    """number of points that are in another cluster than before; n in the first step"""
    sums: np.ndarray
    """(k, d) sum of the centered points of each cluster"""
    centers: np.ndarray
    """(k, d) the centered centers that this is a partition by"""
    drift: np.ndarray
    """(k,) the most that gaps in each cluster can have shrunk since the first step, by all moves of the centers"""
    perfect: bool
    """whether all points sit on their centers, but for rounding"""
    expiry: np.ndarray
    """(n,) the drift of its cluster up to which a point keeps its label: drift plus gap when it was last looked at"""
    shares = None
    """each point belongs to one cluster"""

    @cached_property
    def labels(self) -> np.ndarray:
        """(n,) cluster of each point"""
        return self.compact.astype(np.intp)


@dataclass(frozen=True, eq=False)  # an array as `init` could not be compared
class KMeans(Alternating):
    """K-means by Lloyd's iterations, exact and with Elkan's and Hamerly's use of the triangle inequality.

    One gap per point is kept: how much nearer its center is than any other. When centers move by s, the gap shrinks by at
    most s(own) + max s(other); only points whose gap may be used up are looked at again (Elkan 2003; Hamerly 2010,
    doi:10.1137/1.9781611972801.12). Labels are those of a full search in every step.

    An empty cluster takes the point that is farthest from its center, out of a cluster of at least two, and leaves the old
    place; that lowers the loss. Only when all points sit on their centers does it stay empty, where it was.

    Parameters
    ----------
    k : int
        Number of clusters, 1..n.
    init : {"k-means++", "plain k-means++", "random", "maxmin"} or (k, d) array
        Where to start (see `clustering.seeding`), or the centers to start from. "k-means++" is the greedy variant, "plain
        k-means++" has one candidate for each center, as first published.

    Weakness: it finds a local minimum that depends on the start (use `best_of`), and it cuts groups that are stretched, of
    unequal size or spread, or not convex.
    """

    k: int
    init: str | np.ndarray = "k-means++"

    loss_name = "sum of squared distances"
    tol = 0.0

    def prepare(self, data) -> PreparedPoints:
        """The checked and centered points; `data` is an (n, d) array. ValueError as `check_points` and `check_k`."""
        if isinstance(data, PreparedPoints):
            check_k(self.k, len(data.points))
            return data if data.k == self.k else data._replace(k=self.k, notices=distinct_points_notices(data.points, self.k))
        points = check_points(data)
        check_k(self.k, len(points))
        origin, varies = column_means(points)
        columns = np.subtract(points.T, origin[:, None], order="C")
        squares = np.einsum("dn,dn->n", columns, columns)
        notices = distinct_points_notices(points, self.k)
        total, radius = float(squares.sum()), float(squares.max())
        rounding = len(columns) * (8 * EPS) ** 2 * (radius + float(np.square(origin[varies]).sum()))
        return PreparedPoints(points, columns, origin, squares, total, radius, rounding, self.k, notices)

    def start(self, prepared: PreparedPoints, rng: np.random.Generator) -> np.ndarray:
        """Centers (k, d) by `init`."""
        if not isinstance(self.init, str):
            return self.check_start(prepared, self.init)
        rows = seeded_rows(self.init, prepared.columns, self.k, rng)
        return prepared.columns[:, rows].T + prepared.origin

    def check_start(self, prepared: PreparedPoints, start) -> np.ndarray:
        """The centers (k, d) as a copy. ValueError as `check_points` and unless they are of this shape."""
        centers = check_points(start, "start").copy()
        if centers.shape != (self.k, len(prepared.columns)):
            raise ValueError(f"start must be centers of shape {(self.k, len(prepared.columns))}, got {centers.shape}")
        return centers

    def predict(self, centers, points) -> np.ndarray:
        """The nearest center of each point, new or not; as `nearest_centers`."""
        return nearest_centers(centers, points)

    def e_step(self, prepared: PreparedPoints, parameters, before: Partition | None = None) -> tuple[Partition, float]:
        centers = parameters - prepared.origin
        lengths = np.einsum("kd,kd->k", centers, centers)
        d, n = prepared.columns.shape
        # the errors of ||x||^2 - 2 x.c + ||c||^2, by rounding and by `approximate_two_smallest`; a comparison that is closer than
        # this is made again directly
        margin = 8 * (d + 4 + self.k) * EPS * (prepared.radius + float(lengths.max()))
        labels, expiry, drift = np.empty(n, dtype=np.min_scalar_type(self.k - 1)), np.empty(n), np.zeros(self.k)
        if before is not None:
            drift = before.drift + _shrinkage(centers - before.centers)
            # the first factor covers the rounding of sums of drifts, however long the run
            due = drift * (1 + sqrt(EPS)) + 4 * sqrt(margin)

        def exactly(rows):
            # by differences of the points as they came, where centering has not rounded a tie away
            columns = np.ascontiguousarray(prepared.points[rows].T)
            return two_smallest(squared_distances(columns, parameters))

        def assign(chunk):
            if before is None:
                columns = prepared.columns[:, chunk]
                labels[chunk], expiry[chunk] = _nearest(
                    columns, prepared.squares[chunk], centers, lengths, margin, lambda unsure: exactly(chunk.start + unsure)
                )
                return *_tally(labels[chunk], columns, self.k), chunk.stop - chunk.start
            mine, until = labels[chunk], expiry[chunk]
            mine[:], until[:] = before.compact[chunk], before.expiry[chunk]
            (rows,) = (until < due.take(mine, mode="clip")).nonzero()  # "clip" saves `take` a copy of all labels
            if not rows.size:
                return 0, 0, 0
            if rows.size > 0.6 * mine.size:  # a whole contiguous piece costs less than picking most of it
                rows, at = np.arange(mine.size), slice(None)
                columns, squares = prepared.columns[:, chunk], prepared.squares[chunk]
            else:
                at = rows
                # `take` is faster than indexing, but would copy a piece before it picks from it
                columns, squares = prepared.columns.take(rows + chunk.start, axis=1), prepared.squares[chunk].take(rows)
            old = mine[at].copy()
            new, gaps = _nearest(
                columns, squares, centers, lengths, margin, lambda unsure: exactly(chunk.start + rows[unsure])
            )
            mine[at], until[at] = new, gaps + drift.take(new, mode="clip")
            (moved,) = (new != old).nonzero()
            if not moved.size:
                return 0, 0, 0
            columns = columns.take(moved, axis=1)
            gained, lost = (_tally(side[moved], columns, self.k) for side in (new, old))
            return gained[0] - lost[0], gained[1] - lost[1], moved.size

        parts = map_chunks(assign, n, chunk_size(d + 2 * self.k))
        sizes, sums, changed = (sum(part) for part in zip(*parts, strict=True))
        if before is not None:
            sizes, sums = before.sizes + sizes, before.sums + sums
        loss = _loss(prepared, labels, sizes, sums, centers, lengths)
        return Partition(labels, sizes, int(changed), sums, centers, drift, loss <= n * prepared.rounding, expiry), loss

    def m_step(self, prepared: PreparedPoints, assignment: Partition, parameters) -> np.ndarray:
        _, sizes, sums = _fill_empty(prepared, assignment)
        if sizes.all():
            return sums / sizes[:, None] + prepared.origin
        filled = sizes > 0
        centers = parameters.copy()
        centers[filled] = sums[filled] / sizes[filled, None] + prepared.origin
        return centers

    def half_step_loss(self, prepared: PreparedPoints, assignment: Partition, parameters, new_parameters) -> float:
        # a point that an empty cluster took in the M step counts at its new center: it was moved by that step
        labels, sizes, sums = _fill_empty(prepared, assignment)
        centers = new_parameters - prepared.origin
        return _loss(prepared, labels, sizes, sums, centers, np.einsum("kd,kd->k", centers, centers))

    def has_converged(self, before: State, parameters, assignment: Partition, loss: float, tol: float) -> bool:
        if assignment.perfect or (assignment.changed == 0 and assignment.sizes.all()):
            return True
        # with an empty cluster that could not be filled, or a tolerance, the loss decides
        return before.loss - loss <= tol and (tol > 0 or np.array_equal(before.parameters, parameters))

    def notices(self, prepared: PreparedPoints, parameters, assignment: Partition) -> tuple[Notice, ...]:
        if assignment.sizes.all():
            return prepared.notices
        empty = np.flatnonzero(assignment.sizes == 0)
        text = (
            "{who} lost all points: the M step moves such a center to the point that is farthest from its own center, unless "
            "all points sit on their centers. If it happens often, K is too large or the start is poor."
        )
        return (*prepared.notices, Notice(EMPTY_CLUSTER, text, tuple(empty.tolist())))

    def rounding_error(self, prepared: PreparedPoints, assignment: Partition, loss: float) -> float:
        return 1e-9 * abs(loss) + 64 * EPS * EPS * prepared.total


def _nearest(columns, squares, centers, lengths, margin, exactly) -> tuple[np.ndarray, np.ndarray]:
    """Labels of the nearest centers and the gap to the second nearest, both (n,); `lengths` (k,) are squared, of the centers.

    Where the two are closer than `margin`, in squared distance, `exactly(columns)` gives least, labels and second instead.
    """
    scores = product(-2.0 * centers, columns)
    scores += lengths[:, None]
    least, labels, second = approximate_two_smallest(scores)
    (unsure,) = (second - least < margin).nonzero()
    least += squares
    second += squares
    gaps = np.sqrt(np.maximum(second, 0.0, out=second), out=second)
    gaps -= np.sqrt(np.maximum(least, 0.0, out=least), out=least)
    if unsure.size:
        least, labels[unsure], second = exactly(unsure)
        gaps[unsure] = np.sqrt(second) - np.sqrt(least)
    return labels, gaps


def _shrinkage(moves) -> np.ndarray:
    """(k,) by how much the gaps of each cluster can shrink when its center and the others move by `moves` (k, d)."""
    lengths = np.sqrt(np.einsum("kd,kd->k", moves, moves))
    farthest = lengths.argmax()
    shrinkage = lengths + lengths[farthest]
    lengths[farthest] = 0.0
    shrinkage[farthest] -= shrinkage[farthest] / 2 - lengths.max()
    return shrinkage


def _tally(labels, columns, k) -> tuple[np.ndarray, np.ndarray]:
    """Sizes (k,) and sums (k, d) of the clusters that these columns make."""
    labels = labels.astype(np.intp, copy=False)
    sums = np.array([np.bincount(labels, weights=column, minlength=k) for column in columns]).T
    return np.bincount(labels, minlength=k), sums


def _loss(prepared, labels, sizes, sums, centers, lengths) -> float:
    explained = 2 * np.vdot(centers, sums) - np.vdot(sizes, lengths)
    loss = prepared.total - float(explained)
    if loss > 1e-5 * prepared.total:
        return loss
    # clusters much tighter than the whole: the difference above has lost its digits

    def part(chunk):
        mine = labels[chunk]
        return sum(
            float(np.square(column[chunk] - coordinate[mine]).sum())
            for column, coordinate in zip(prepared.columns, centers.T, strict=True)
        )

    return sum(map_chunks(part, len(labels), 2**15))


def _fill_empty(prepared, partition: Partition) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, sizes and sums after each empty cluster took the farthest point of a cluster of at least two."""
    labels, sizes, sums = partition.compact, partition.sizes, partition.sums
    if sizes.all():
        return labels, sizes, sums
    labels, sizes, sums = labels.copy(), sizes.copy(), sums.copy()
    distances = np.zeros(len(labels))
    for column, coordinate in zip(prepared.columns, partition.centers.T, strict=True):
        distances += np.square(column - coordinate[labels])
    for cluster in np.flatnonzero(sizes == 0):
        distances[sizes[labels] < 2] = 0.0
        farthest = distances.argmax()
        if distances[farthest] <= prepared.rounding:  # it sits on its center: nothing to gain
            break
        point, old = prepared.columns[:, farthest], labels[farthest]
        sizes[old] -= 1
        sums[old] -= point
        labels[farthest], sizes[cluster], sums[cluster] = cluster, 1, point
        distances[farthest] = 0.0
    return labels, sizes, sums

"""K-means clustering by Lloyd's algorithm.

    loss = sum over points x of ||x - c(x)||^2,   c(x): center of the cluster of x

x: `points` (n, d); c: `centers` (k, d). The loss is a sum of squared Euclidean distances.
Lloyd 1982, doi:10.1109/TIT.1982.1056489.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import NamedTuple

import numpy as np

from clustering.batched_kmeans import batched_restarts
from clustering.cells import CellLabels, Cells, assign_by_cells, useful_cells
from clustering.chunks import approximate_two_smallest, chunk_size, map_chunks, product, two_smallest
from clustering.distances import nearest_centers, squared_distances
from clustering.notices import EMPTY_CLUSTER, Notice
from clustering.points import EPS, check_k, check_points, column_means, distinct_points_notices
from clustering.process import Alternating, Restart, State, separate_runs
from clustering.seeding import seeded_rows


class PreparedPoints(NamedTuple):
    """Points with everything that K-means computes once per data set."""

    points: np.ndarray
    """(n, d) original points, used to resolve ties exactly"""
    columns: np.ndarray
    """(d, n) centered points, transposed; centering avoids cancellation if the points share a large offset"""
    origin: np.ndarray
    """(d,) mean that was subtracted"""
    squares: np.ndarray
    """(n,) squared norm of each centered point"""
    total: float
    """sum of `squares`: the loss for k = 1"""
    max_square: float
    """largest squared norm: the scale of rounding errors in squared distances"""
    rounding: float
    """squared distance that rounding alone can produce, for example between a point and the mean of its duplicates"""
    k: int
    """number of clusters that `notices` refer to"""
    notices: tuple[Notice, ...]
    """warnings about the data"""
    cells: Cells | None = None
    """points sorted into the cells of a grid, if this saves time"""


class PointLabels(NamedTuple):
    """Labels found for each point by itself; `CellLabels` are the alternative."""

    labels: np.ndarray
    """(n,) cluster of each point, in the smallest unsigned integer type that holds k - 1, to reduce copying"""
    expiry: np.ndarray | None
    """(n,) a point keeps its label as long as the drift of its cluster is below this: drift plus gap when last evaluated"""


@dataclass(frozen=True, eq=False)
class Partition:
    """Assignment of each point to its nearest center, the lowest index if tied."""

    found: PointLabels | CellLabels
    """cluster of each point, and until when it is valid"""
    sizes: np.ndarray
    """(k,) number of points in each cluster"""
    changed: int
    """number of points whose cluster differs from the previous iteration; n in the first one"""
    sums: np.ndarray
    """(k, d) sum of the centered points of each cluster"""
    centers: np.ndarray
    """(k, d) centers of this assignment, with `origin` subtracted"""
    drift: np.ndarray
    """(k,) upper bound on how much the gaps of each cluster's points have shrunk since iteration 0"""
    zero_loss: bool
    """whether every point coincides with its center, up to rounding"""
    memberships = None
    """hard assignment: no memberships"""

    @cached_property
    def labels(self) -> np.ndarray:
        """(n,) cluster of each point."""
        return self.found.labels.astype(np.intp)


@dataclass(frozen=True, eq=False)  # comparing would fail if `init` is an array
class KMeans(Alternating):
    """K-means by Lloyd's algorithm, accelerated with the triangle inequality.

    Parameters
    ----------
    k : int
        Number of clusters, 1..n.
    init : {"k-means++", "plain k-means++", "random", "maxmin"} or (k, d) array
        Initialization method (see `clustering.seeding`), or initial centers. "k-means++" is the greedy variant, "plain
        k-means++" draws one candidate per center, as originally published.

    Notes
    -----
    The result is a local minimum that depends on the initialization; see `best_of`. Elongated or non-convex groups and
    groups of unequal size or spread are often split.

    For each point the algorithm stores its gap: the distance to the second nearest center minus that to the nearest one.
    When centers move by s, the gap shrinks by at most s(own center) + max s(other centers). Only points whose gap may be
    used up are evaluated again (Elkan 2003, "Using the triangle inequality to accelerate k-means", ICML; Hamerly 2010,
    doi:10.1137/1.9781611972801.12). Many points in up to three dimensions are assigned by cells of a grid, see
    `clustering.cells`. The labels equal those of a full search in every iteration.

    The M step moves the center of an empty cluster to the point that is farthest from its assigned center, among clusters
    with at least two points. This reduces the loss. If every point coincides with its center, the cluster stays empty.
    """

    k: int
    init: str | np.ndarray = "k-means++"

    loss_name = "sum of squared distances"
    tol = 0.0

    def prepare(self, data) -> PreparedPoints:
        """Check and center the points, an (n, d) array. Raise ValueError as in `check_points` and `check_k`."""
        if isinstance(data, PreparedPoints):
            check_k(self.k, len(data.points))
            if data.k == self.k:
                return data
            cells = data.cells or useful_cells(data.columns, self.k)
            return data._replace(k=self.k, notices=distinct_points_notices(data.points, self.k), cells=cells)
        points = check_points(data)
        check_k(self.k, len(points))
        origin, varies = column_means(points)
        columns = np.subtract(points.T, origin[:, None], order="C")
        squares = np.einsum("dn,dn->n", columns, columns)
        notices = distinct_points_notices(points, self.k)
        total, max_square = float(squares.sum()), float(squares.max())
        rounding = len(columns) * (8 * EPS) ** 2 * (max_square + float(np.square(origin[varies]).sum()))
        cells = useful_cells(columns, self.k)
        return PreparedPoints(points, columns, origin, squares, total, max_square, rounding, self.k, notices, cells)

    def start(self, prepared: PreparedPoints, rng: np.random.Generator) -> np.ndarray:
        """Initial centers (k, d) according to `init`."""
        if not isinstance(self.init, str):
            return self.check_start(prepared, self.init)
        rows = seeded_rows(self.init, prepared.columns, self.k, rng)
        return prepared.columns[:, rows].T + prepared.origin

    def check_start(self, prepared: PreparedPoints, start) -> np.ndarray:
        """Copy of the centers. Raise ValueError as in `check_points`, or if their shape is not (k, d)."""
        centers = check_points(start, "start").copy()
        if centers.shape != (self.k, len(prepared.columns)):
            raise ValueError(f"start must be centers of shape {(self.k, len(prepared.columns))}, got {centers.shape}")
        return centers

    def predict(self, centers, points) -> np.ndarray:
        """(m,) index of the nearest center (k, d) of each of m points, seen or new; see `nearest_centers`."""
        return nearest_centers(centers, points)

    def e_step(self, prepared: PreparedPoints, parameters, before: Partition | None = None) -> tuple[Partition, float]:
        centers = parameters - prepared.origin
        squared_norms = np.einsum("kd,kd->k", centers, centers)
        # bound on the error of ||x||^2 - 2 x.c + ||c||^2, from rounding and `approximate_two_smallest`; closer comparisons are
        # repeated with differences
        margin = 8 * (len(centers.T) + 4 + self.k) * EPS * (prepared.max_square + float(squared_norms.max()))
        drift = np.zeros(self.k) if before is None else before.drift + _shrinkage(centers - before.centers)
        # the factor covers the rounding error of summed drifts in a run of any length
        due = drift * (1 + sqrt(EPS)) + 4 * sqrt(margin)

        def nearest(columns, squares, rows):
            def resolve_ties(close):
                # from the original points, where centering has not rounded a tie away
                originals = np.ascontiguousarray(prepared.points[rows(close)].T)
                return two_smallest(squared_distances(originals, parameters))

            return _nearest(columns, squares, centers, squared_norms, margin, rows and resolve_ties)

        assigned = None
        if prepared.cells is not None and not (before and isinstance(before.found, PointLabels)):
            assigned = assign_by_cells(prepared.cells, before and before.found, drift, due, nearest)
        if assigned is None:
            assigned = _assign_by_points(prepared, before and before.found, drift, due, nearest)
        found, sizes, sums, changed = assigned
        if before is not None:
            sizes, sums = before.sizes + sizes, before.sums + sums
        loss = _loss(prepared, found, sizes, sums, centers, squared_norms)
        return Partition(found, sizes, changed, sums, centers, drift, loss <= len(prepared.points) * prepared.rounding), loss

    def m_step(self, prepared: PreparedPoints, assignment: Partition, parameters) -> np.ndarray:
        _, sizes, sums = _fill_empty(prepared, assignment)
        if sizes.all():
            return sums / sizes[:, None] + prepared.origin
        filled = sizes > 0
        centers = parameters.copy()
        centers[filled] = sums[filled] / sizes[filled, None] + prepared.origin
        return centers

    def m_step_loss(self, prepared: PreparedPoints, assignment: Partition, parameters, new_parameters) -> float:
        # points moved to empty clusters count with their new centers
        found, sizes, sums = _fill_empty(prepared, assignment)
        centers = new_parameters - prepared.origin
        return _loss(prepared, found, sizes, sums, centers, np.einsum("kd,kd->k", centers, centers))

    def has_converged(self, before: State, parameters, assignment: Partition, loss: float, tol: float) -> bool:
        if assignment.zero_loss or (assignment.changed == 0 and assignment.sizes.all()):
            return True
        # with a tolerance, or an empty cluster that cannot be filled, compare losses
        return before.loss - loss <= tol and (tol > 0 or np.array_equal(before.parameters, parameters))

    def notices(self, prepared: PreparedPoints, parameters, assignment: Partition) -> tuple[Notice, ...]:
        if assignment.sizes.all():
            return prepared.notices
        empty = np.flatnonzero(assignment.sizes == 0)
        text = (
            "{who} lost all points. The M step moves the center of an empty cluster to the point farthest from its "
            "assigned center, unless all points coincide with their centers. If this happens often, K is too large or the "
            "initialization is poor."
        )
        return (*prepared.notices, Notice(EMPTY_CLUSTER, text, tuple(empty.tolist())))

    def rounding_error(self, prepared: PreparedPoints, assignment: Partition, loss: float) -> float:
        return 1e-9 * abs(loss) + 64 * EPS * EPS * prepared.total

    def restarts(self, prepared: PreparedPoints, rngs, **options) -> Iterator[Restart]:
        """Several runs at once; see `Process.restarts`."""
        if type(self) is not KMeans:  # a subclass may have other steps
            return separate_runs(self, prepared, rngs, **options)

        def partition(labels, expiry, **fields):
            return Partition(PointLabels(labels, expiry), **fields)

        return batched_restarts(self, prepared, rngs, partition, **options)


def _assign_by_points(prepared, before: PointLabels | None, drift, due, nearest):
    """Assign each point by itself; arguments and results as in `assign_by_cells`."""
    k, (d, n) = len(drift), prepared.columns.shape
    labels, expiry = np.empty(n, dtype=np.min_scalar_type(k - 1)), np.empty(n)

    def assign(chunk):
        if before is None:
            columns = prepared.columns[:, chunk]
            labels[chunk], expiry[chunk] = nearest(columns, prepared.squares[chunk], lambda close: chunk.start + close)
            return *_tally(labels[chunk], columns, k), chunk.stop - chunk.start
        chunk_labels, chunk_expiry = labels[chunk], expiry[chunk]
        chunk_labels[:], chunk_expiry[:] = before.labels[chunk], before.expiry[chunk]
        # mode="clip" avoids a copy of all labels in `take`
        (rows,) = (chunk_expiry < due.take(chunk_labels, mode="clip")).nonzero()
        if not rows.size:
            return 0, 0, 0
        if rows.size > 0.6 * chunk_labels.size:  # the whole contiguous chunk is faster than selecting most of it
            rows, at = np.arange(chunk_labels.size), slice(None)
            columns, squares = prepared.columns[:, chunk], prepared.squares[chunk]
        else:
            at = rows
            # `take` is faster than indexing, but copies a slice before selecting from it
            columns, squares = prepared.columns.take(rows + chunk.start, axis=1), prepared.squares[chunk].take(rows)
        old = chunk_labels[at].copy()
        new, gaps = nearest(columns, squares, lambda close: chunk.start + rows[close])
        chunk_labels[at], chunk_expiry[at] = new, gaps + drift.take(new, mode="clip")
        (moved,) = (new != old).nonzero()
        if not moved.size:
            return 0, 0, 0
        columns = columns.take(moved, axis=1)
        gained, lost = (_tally(side[moved], columns, k) for side in (new, old))
        return gained[0] - lost[0], gained[1] - lost[1], moved.size

    parts = map_chunks(assign, n, chunk_size(d + 2 * k))
    sizes, sums, changed = (sum(part) for part in zip(*parts, strict=True))
    return PointLabels(labels, expiry), sizes, sums, int(changed)


def _nearest(columns, squares, centers, squared_norms, margin, resolve_ties) -> tuple[np.ndarray, np.ndarray]:
    """Labels (n,) of the nearest centers and gaps (n,) to the second nearest; `squared_norms` (k,): of the centers.

    Where the two squared distances differ by less than `margin`, `resolve_ties(indices)` computes the smallest squared
    distance, its label and the second smallest distance of the columns with these indices; None leaves them as they are.
    """
    scores = product(-2.0 * centers, columns)
    scores += squared_norms[:, None]
    smallest, labels, second = approximate_two_smallest(scores)
    (close,) = (second - smallest < margin).nonzero()
    smallest += squares
    second += squares
    gaps = np.sqrt(np.maximum(second, 0.0, out=second), out=second)
    gaps -= np.sqrt(np.maximum(smallest, 0.0, out=smallest), out=smallest)
    if close.size and resolve_ties:
        smallest, labels[close], second = resolve_ties(close)
        gaps[close] = np.sqrt(second) - np.sqrt(smallest)
    return labels, gaps


def _shrinkage(moves) -> np.ndarray:
    """(k,) upper bound on how much the gaps of each cluster's points shrink when the centers move by `moves` (k, d)."""
    lengths = np.sqrt(np.einsum("kd,kd->k", moves, moves))
    most_moved = lengths.argmax()
    longest = lengths[most_moved]
    shrinkage = lengths + longest
    lengths[most_moved] = 0.0
    shrinkage[most_moved] = longest + lengths.max()
    return shrinkage


def _tally(labels, columns, k) -> tuple[np.ndarray, np.ndarray]:
    """Sizes (k,) of the clusters and sums (k, d) of their columns."""
    labels = labels.astype(np.intp, copy=False)
    sums = np.array([np.bincount(labels, weights=column, minlength=k) for column in columns]).T
    return np.bincount(labels, minlength=k), sums


def _loss(prepared, found, sizes, sums, centers, squared_norms) -> float:
    explained = 2 * np.vdot(centers, sums) - np.vdot(sizes, squared_norms)
    loss = prepared.total - float(explained)
    if loss > 1e-5 * prepared.total:
        return loss
    # cancellation: the clusters are much tighter than the data; sum the squared differences instead
    labels = found.labels

    def part(chunk):
        chunk_labels = labels[chunk]
        return sum(
            float(np.square(column[chunk] - coordinate[chunk_labels]).sum())
            for column, coordinate in zip(prepared.columns, centers.T, strict=True)
        )

    return sum(map_chunks(part, len(labels), 2**15))


def _fill_empty(prepared, partition: Partition) -> tuple[PointLabels | CellLabels, np.ndarray, np.ndarray]:
    """Labels, sizes and sums after moving, into each empty cluster, the point farthest from its center.

    Only points of clusters with at least two points are moved.
    """
    sizes, sums = partition.sizes, partition.sums
    if sizes.all():
        return partition.found, sizes, sums
    labels, sizes, sums = partition.found.labels.copy(), sizes.copy(), sums.copy()
    distances = np.zeros(len(labels))
    for column, coordinate in zip(prepared.columns, partition.centers.T, strict=True):
        distances += np.square(column - coordinate[labels])
    for cluster in np.flatnonzero(sizes == 0):
        distances[sizes[labels] < 2] = 0.0
        farthest = distances.argmax()
        if distances[farthest] <= prepared.rounding:  # it coincides with its center: no improvement possible
            break
        point, old = prepared.columns[:, farthest], labels[farthest]
        sizes[old] -= 1
        sums[old] -= point
        labels[farthest], sizes[cluster], sums[cluster] = cluster, 1, point
        distances[farthest] = 0.0
    return PointLabels(labels, None), sizes, sums

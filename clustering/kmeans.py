"""K-means clustering by Lloyd's algorithm.

    loss = sum over points x of ||x - c(x)||^2,   c(x): center of the cluster of x

x: `points` (n, d); c: `centers` (k, d). The loss is the sum of squared Euclidean distances of the points to
their centers; at convergence, this is the within-cluster sum of squares (inertia). If the points have weights, each square is
multiplied by the weight of its row.
Lloyd 1982, doi:10.1109/TIT.1982.1056489.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from math import sqrt
from typing import NamedTuple

import numpy as np

from clustering.batched_kmeans import batched_restarts
from clustering.block_seeding import seeded_centers
from clustering.block_table import check_table_in_blocks, distinct_notices
from clustering.blocks import ALL_KEPT, NOTHING_KEPT, Blocks, Values, map_points, sum_points
from clustering.cells import CellLabels, Cells, assign_by_cells, useful_cells
from clustering.chunks import map_chunks, two_smallest
from clustering.distances import nearest_centers, squared_distances
from clustering.empty_clusters import fill_empty
from clustering.notices import EMPTY_CLUSTER, Notice
from clustering.point_labels import (
    PointLabels,
    assign_all,
    assign_by_points,
    gaps_pay,
    nearest_and_gaps,
    nearest_labels,
    shrinkage,
)
from clustering.points import (
    EPS,
    WeightedPoints,
    check_data,
    check_k,
    check_points,
    column_means,
    distinct_points_notices,
    is_dask,
)
from clustering.process import Alternating, Restart, State, best_of, separate_runs
from clustering.weights import (
    check_counting_k,
    check_weighted,
    counting,
    rows_that_count,
    weighted_means,
    weighted_tally,
    weighted_total,
)


class PreparedPoints(NamedTuple):
    """Points with everything that K-means computes once per data set.

    If the data are a Dask array, `points` and `columns` are Dask arrays, and `blocks` has `PreparedPoints` of each block, with
    the `origin` and the scales of all points.
    """

    points: np.ndarray
    """(n, d) original points, used to resolve ties exactly"""
    columns: np.ndarray
    """(d, n) centered points, transposed; centering avoids cancellation if the points share a large offset"""
    origin: np.ndarray
    """(d,) mean that was subtracted"""
    squares: np.ndarray
    """(n,) squared norm of each centered point"""
    total: float
    """sum of `squares`, weighted: the loss for k = 1"""
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
    has_gaps: bool = True
    """whether bounds on each point's gap (see `KMeans`) are stored from iteration to iteration"""
    kept: int = ALL_KEPT
    """what a block of a Dask array keeps in memory"""
    first_row: int = 0
    """number of the first row in the whole table"""
    weights: np.ndarray | None = None
    """(n,) weights of the rows; None if all are 1"""
    blocks: Blocks | None = None
    """the same for each block of a Dask array"""

    @property
    def mass(self) -> float:
        """Sum of the weights: n without weights."""
        return len(self.points) if self.weights is None else float(self.weights.sum())


@dataclass(frozen=True, eq=False)
class Partition:
    """Assignment of each point to its nearest center, the lowest index if tied."""

    found: PointLabels | CellLabels | Values
    """cluster of each point, and the drift up to which it stays valid"""
    sizes: np.ndarray
    """(k,) number of points in each cluster, or sum of their weights"""
    changed: int
    """number of points, except those of weight 0, whose cluster differs from the previous iteration; n in the first one"""
    sums: np.ndarray
    """(k, d) weighted sum of the centered points of each cluster"""
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
        """(n,) cluster of each point; a lazily computed Dask array if the points are one."""
        return self.found.labels.astype(np.intp)

    @cached_property
    def has_empty(self) -> bool:
        """Whether a cluster has no points."""
        return not self.sizes.all()


@dataclass(frozen=True, eq=False)  # comparing would fail if `init` is an array
class KMeans(Alternating):
    """K-means by Lloyd's algorithm, accelerated with the triangle inequality.

    Parameters
    ----------
    k : int
        Number of clusters, 1..n.
    init : {"k-means++", "plain k-means++", "random", "maxmin", "k-means||"} or (k, d) array
        Initialization method (see `clustering.seeding`), or initial centers. "k-means++" is the greedy variant, "plain
        k-means++" draws one candidate per center, as originally published. "k-means||" (see `clustering.parallel_seeding`)
        takes eleven passes over the points for any k, where k-means++ takes k.

    Notes
    -----
    The result is a local minimum that depends on the initialization; see `best_of`. Elongated or non-convex groups and
    groups of unequal size or spread are often split.

    For each point the algorithm stores its gap: the distance to the second nearest center minus that to the nearest one.
    When each center c moves by a distance s(c), the gap shrinks by at most s(own center) + max s(other centers). Only points
    whose gap may be used up are evaluated again (Elkan 2003, "Using the triangle inequality to accelerate k-means", ICML;
    Hamerly 2010, doi:10.1137/1.9781611972801.12). Large data sets in up to three dimensions are assigned by the cells of a
    grid, see `clustering.cells`. The labels equal those of a full search in every iteration.

    The M step moves the center of an empty cluster to the point that is farthest from its assigned center, among clusters
    with at least two points. This reduces the loss. If every point coincides with its center, the cluster stays empty.

    The data may be `WeightedPoints`. Initializations then draw rows with probability proportional to their weight (times
    squared distance, where they draw by distance). The point that fills an empty cluster takes its whole weight with it. This
    is the only case in which results differ from those for repeated rows, where only one of the copies moves.
    """

    k: int
    init: str | np.ndarray = "k-means++"

    loss_name = "sum of squared distances of the points to their centers"
    tol = 0.0

    def prepare(self, data) -> PreparedPoints:
        """Check and center the points, an (n, d) array, `WeightedPoints`, or Dask array or dataframe.

        Raises ValueError as in `check_points` or `check_table_in_blocks`, in `check_k`, and in `check_weights`.
        """
        if isinstance(data, PreparedPoints):
            check_counting_k(self.k, len(data.points), data.weights)
            if data.k == self.k:
                return data
            prepared = data._replace(k=self.k, notices=distinct_notices(data, self.k))
            return prepared if data.blocks else _fastest(prepared)
        if is_dask(data):
            return self._prepare_blocks(data)
        weights = None
        if isinstance(data, WeightedPoints):
            points, weights = check_weighted(data, self.k)
        else:
            points = check_data(data)
            check_k(self.k, len(points))
        origin, varies = column_means(points)
        if weights is not None:
            origin = weighted_means(points, weights)
        columns, squares = _centered(points, origin)
        notices = distinct_points_notices(counting(points, weights), self.k)
        total = float(squares.sum()) if weights is None else weighted_total(squares, weights)
        max_square = float(squares.max())
        rounding = _rounding(max_square, origin, varies)
        prepared = PreparedPoints(points, columns, origin, squares, total, max_square, rounding, self.k, notices)
        return _fastest(prepared._replace(weights=weights))

    def _prepare_blocks(self, data) -> PreparedPoints:
        table = check_table_in_blocks(data, self.k)
        check_k(self.k, table.n)
        total, max_square = table.blocks.sum(_total_and_maximum, None, table.origin, combine=_add_and_maximize)
        rounding = _rounding(max_square, table.origin, table.varies)
        shared = PreparedPoints(None, None, table.origin, None, total, max_square, rounding, self.k, table.notices)
        blocks = table.blocks.prepared(_prepared_block, shared)
        points = blocks.points(len(table.origin))
        return shared._replace(points=points, columns=points.T - table.origin[:, None], blocks=blocks)

    def start(self, prepared: PreparedPoints, rng: np.random.Generator) -> np.ndarray:
        """Initial centers (k, d) according to `init`."""
        if not isinstance(self.init, str):
            return self.check_start(prepared, self.init)
        return seeded_centers(self.init, prepared, self.k, rng) + prepared.origin

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
        drift = np.zeros(self.k)
        if before is not None and prepared.has_gaps:
            drift = before.drift + shrinkage(centers - before.centers)
        found, (sizes, sums, changed) = map_points(_assigned, prepared, before and before.found, parameters, drift)
        if prepared.weights is not None:
            sizes, sums = weighted_tally(prepared, found.labels, self.k)
            if before is not None:
                changed = np.count_nonzero((found.labels != before.found.labels) & (prepared.weights > 0))
        elif before is not None:
            sizes, sums = before.sizes + sizes, before.sums + sums
        loss = loss_of(prepared, found, sizes, sums, centers)
        return Partition(found, sizes, changed, sums, centers, drift, loss <= prepared.mass * prepared.rounding), loss

    def m_step(self, prepared: PreparedPoints, assignment: Partition, parameters) -> np.ndarray:
        _, sizes, sums = fill_empty(prepared, assignment)
        if sizes.all():
            return sums / sizes[:, None] + prepared.origin
        filled = sizes > 0
        centers = parameters.copy()
        centers[filled] = sums[filled] / sizes[filled, None] + prepared.origin
        return centers

    def m_step_loss(self, prepared: PreparedPoints, assignment: Partition, parameters, new_parameters) -> float:
        # points moved to empty clusters count with their new centers
        moves, sizes, sums = fill_empty(prepared, assignment)
        return loss_of(prepared, assignment.found, sizes, sums, new_parameters - prepared.origin, moves)

    def has_converged(self, before: State, parameters, assignment: Partition, loss: float, tol: float) -> bool:
        if assignment.zero_loss or (assignment.changed == 0 and not assignment.has_empty):
            return True
        # with a tolerance, or an empty cluster that cannot be filled, compare losses
        return before.loss - loss <= tol and (tol > 0 or np.array_equal(before.parameters, parameters))

    def notices(self, prepared: PreparedPoints, parameters, assignment: Partition) -> tuple[Notice, ...]:
        if not assignment.has_empty:
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
        # a subclass may have other steps
        if type(self) is not KMeans or prepared.blocks is not None or prepared.weights is not None:
            return separate_runs(self, prepared, rngs, **options)

        def partition(labels, expiry, **fields):
            return Partition(PointLabels(labels, expiry), **fields)

        return batched_restarts(self, prepared, rngs, partition, **options)


def _centered(points, origin) -> tuple[np.ndarray, np.ndarray]:
    """Centered points, transposed (d, n), and their squared norms (n,)."""
    columns = np.subtract(points.T, origin[:, None], order="C")
    return columns, np.einsum("dn,dn->n", columns, columns)


def _rounding(max_square: float, origin, varies) -> float:
    return len(origin) * (8 * EPS) ** 2 * (max_square + float(np.square(origin[varies]).sum()))


def _total_and_maximum(points, _, origin) -> tuple[float, float]:
    """Sum and maximum of the squared norms of the centered points."""
    squares = _centered(points, origin)[1]
    return float(squares.sum()), float(squares.max())


def _add_and_maximize(a, b) -> tuple[float, float]:
    return a[0] + b[0], max(a[1], b[1])


def _fastest(prepared: PreparedPoints) -> PreparedPoints:
    """The same points sorted into cells, or without storing gaps, if this saves time."""
    cells = prepared.cells or useful_cells(prepared.columns, prepared.k)
    return prepared._replace(cells=cells, has_gaps=cells is not None or gaps_pay(*prepared.columns.shape, prepared.k))


def _prepared_block(points, shared: PreparedPoints, first_row: int, kept: int) -> PreparedPoints:
    """The points of a block with what is known about all points; sorted into cells only if this is kept."""
    columns, squares = _centered(points, shared.origin)
    cells = useful_cells(columns, shared.k) if kept == ALL_KEPT else None
    parts = dict(points=points, columns=columns, squares=squares, cells=cells, has_gaps=kept != NOTHING_KEPT)
    return shared._replace(**parts, kept=kept, first_row=first_row)


def _assigned(prepared: PreparedPoints, before: PointLabels | CellLabels | None, parameters, drift):
    """Labels of the points, and changes in the clusters' sizes (k,) and sums (k, d) with the number of points moved.

    Sizes and sums themselves if `before` is None.
    """
    centers, k = parameters - prepared.origin, len(parameters)
    squared_norms = np.einsum("kd,kd->k", centers, centers)
    # bound on the error of ||x||^2 - 2 x.c + ||c||^2, from rounding and `approximate_two_smallest`; closer comparisons are
    # repeated with differences
    margin = 8 * (len(centers.T) + 4 + k) * EPS * (prepared.max_square + float(squared_norms.max()))
    # the factor covers the rounding error of summed drifts in a run of any length
    due = drift * (1 + sqrt(EPS)) + 4 * sqrt(margin)

    def resolve_ties(rows):
        # from the original points, where centering has not rounded a tie away
        originals = np.ascontiguousarray(prepared.points[rows].T)
        return two_smallest(squared_distances(originals, parameters))

    def nearest(columns, squares, rows):
        resolve = rows and (lambda close: resolve_ties(rows(close)))
        return nearest_and_gaps(columns, squares, centers, squared_norms, margin, resolve)

    def labels_alone(columns, rows):
        return nearest_labels(columns, centers, squared_norms, margin, lambda close: resolve_ties(rows(close)))

    assigned = None
    if not prepared.has_gaps:
        assigned = assign_all(prepared, before, k, labels_alone)
    elif prepared.cells is not None and not isinstance(before, PointLabels):
        assigned = assign_by_cells(prepared.cells, before, drift, due, nearest)
    if assigned is None:
        assigned = assign_by_points(prepared, before, drift, due, nearest)
    return assigned[0], assigned[1:]


def loss_of(prepared, found, sizes, sums, centers, moves=()) -> float:
    """Loss of a partition; `moves`: pairs of row and cluster for points that are moved from where `found` has them."""
    explained = 2 * np.vdot(centers, sums) - np.vdot(sizes, np.einsum("kd,kd->k", centers, centers))
    loss = prepared.total - float(explained)
    if loss > 1e-5 * prepared.total:
        return loss
    # cancellation: the clusters are much tighter than the data; sum the squared differences instead
    return sum_points(_squared_differences, prepared, found, centers, moves)


def _squared_differences(prepared: PreparedPoints, found, centers, moves) -> float:
    labels, end = found.labels, prepared.first_row + len(prepared.points)
    here = [(row - prepared.first_row, cluster) for row, cluster in moves if prepared.first_row <= row < end]
    if here:
        labels = labels.copy()
        for row, cluster in here:
            labels[row] = cluster

    def part(chunk):
        chunk_labels = labels[chunk]
        squares = (
            np.square(column[chunk] - coordinate[chunk_labels])
            for column, coordinate in zip(prepared.columns, centers.T, strict=True)
        )
        if prepared.weights is None:
            return sum(float(square.sum()) for square in squares)
        return sum(float(square @ prepared.weights[chunk]) for square in squares)

    return sum(map_chunks(part, len(labels), 2**15))


def bisect(points, rng: np.random.Generator, weights=None) -> np.ndarray:
    """(n,) labels 0 and 1 of the best of ten runs of K-means with two clusters: one step of bisecting K-means.

    The larger cluster has label 0. `weights` (n,) say how often each point counts; by default once.

    Raises
    ------
    ValueError
        If all points (n, d) that count are equal, or as in `check_weights`.

    References
    ----------
    Steinbach, Karypis & Kumar 2000, A comparison of document clustering techniques.
    """
    points = check_points(points)
    rows, _ = rows_that_count(weights, len(points))
    if not np.ptp(points[rows], axis=0).any():
        raise ValueError(f"all {len(points[rows])} points are equal, so they cannot be split into two clusters")
    state = best_of(10, KMeans(2), points if weights is None else WeightedPoints(points, weights), rng=rng)
    larger_is_second = state.assignment.sizes[1] > state.assignment.sizes[0]
    return 1 - state.labels if larger_is_second else state.labels

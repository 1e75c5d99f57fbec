"""Fuzzy c-means.

    loss = sum over points n and clusters k of u(n, k)^m ||x_n - c_k||^2,   each row of u sums to one

x: points (n, d); c: centers (k, d); u: memberships (n, k); m > 1: the fuzzifier. Bezdek 1981, "Pattern Recognition with Fuzzy
Objective Function Algorithms", chapter 3; Dunn 1973, doi:10.1080/01969727308546046, for m = 2.

With distances d(n, k) = ||x_n - c_k||,

    E step   u(n, k) = 1 / sum over j of (d(n, k) / d(n, j))^(2 / (m - 1))
    M step   c_k     = sum over n of u(n, k)^m x_n  /  sum over n of u(n, k)^m

Each step minimizes the loss, so it never rises. As m goes to 1, each membership approaches 0 or 1, and both steps become those
of K-means. As m grows, all memberships approach 1/k.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from clustering.chunks import column_argmax, inner_product, map_chunks
from clustering.distances import nearest_centers, squared_distances
from clustering.notices import EMPTY_CLUSTER, Notice
from clustering.points import EPS, check_data, check_k, check_points, column_means, distinct_points_notices
from clustering.process import Alternating, State
from clustering.seeding import seeded_rows

COINCIDING_CENTERS = "coinciding centers"
COINCIDENCE_TOLERANCE = 1e-4
"""distance below which two centers count as one, as a fraction of `CenteredColumns.spread`"""
CHUNK = 2**14
"""points processed at a time"""


class CenteredColumns(NamedTuple):
    """Points in the form that the steps of `FuzzyCMeans` use."""

    points: np.ndarray
    """(n, d) original points"""
    columns: np.ndarray
    """(d, n) points, transposed and centered; without the common offset, less precision is lost"""
    origin: np.ndarray
    """(d,) subtracted column means"""
    spread: float
    """root mean squared distance of the points from their mean"""
    rounding: float
    """squared rounding error of the distance between a point and a center"""
    k: int
    """number of clusters that `notices` refer to"""
    notices: tuple[Notice, ...]


@dataclass(frozen=True, eq=False)
class FuzzyPartition:
    """Assignment of the points by memberships, with sums that the M step reuses."""

    rows: np.ndarray
    """(k, n) memberships, one contiguous row per cluster"""
    compact_labels: np.ndarray
    """(n,) cluster with the largest membership, in the smallest unsigned integer type that holds k - 1"""
    changed: int
    """number of points whose label differs from that in the previous state; n in the first"""
    masses: np.ndarray
    """(k,) sum of u^m over all points"""
    sums: np.ndarray
    """(k, d) sum of u^m times the centered points"""

    @property
    def memberships(self) -> np.ndarray:
        """(n, k) memberships; each row sums to one"""
        return self.rows.T

    @cached_property
    def labels(self) -> np.ndarray:
        """(n,) cluster with the largest membership, i.e. the nearest center; the lowest number on ties"""
        return self.compact_labels.astype(np.intp)

    @cached_property
    def sizes(self) -> np.ndarray:
        """(k,) sum of the memberships in each cluster"""
        return self.rows.sum(axis=1)


@dataclass(frozen=True, eq=False)  # comparing would fail if `init` is an array
class FuzzyCMeans(Alternating):
    """Fuzzy c-means.

    Parameters
    ----------
    k : int
        Number of clusters, 1..n.
    m : float
        Fuzzifier, above 1. Usually 2. The limit m = 1 is K-means.
    init : {"k-means++", "plain k-means++", "random", "maxmin"} or (k, d) array
        Initialization, see `clustering.seeding`, or the initial centers.

    Notes
    -----
    `tol` is relative: a run has converged if the loss decreases by at most `tol` times its previous value.

    Converges to a local minimum or a saddle point that depends on the initialization. Memberships are relative: an outlier far
    from all centers has a membership of about 1/k in each cluster and attracts all centers. With a large m or many columns,
    the centers may coincide at the mean of the points, or stay at the data points where they start.
    """

    k: int
    m: float = 2.0
    init: str | np.ndarray = "k-means++"

    loss_name = "sum of squared distances weighted by memberships to the power of m"
    tol = 1e-9

    def __post_init__(self):
        if not 1 < self.m < np.inf:
            raise ValueError(f"m must be a finite number above 1, got {self.m}")

    def prepare(self, data) -> CenteredColumns:
        """The checked and centered points; `data` is an (n, d) array. Raises ValueError as in `check_points` and `check_k`."""
        if isinstance(data, CenteredColumns):
            check_k(self.k, len(data.points))
            return data if data.k == self.k else data._replace(k=self.k, notices=distinct_points_notices(data.points, self.k))
        points = check_data(data)
        check_k(self.k, len(points))
        origin, varies = column_means(points)
        columns = np.subtract(points.T, origin[:, None], order="C")
        squares = np.einsum("dn,dn->n", columns, columns)
        rounding = len(columns) * (8 * EPS) ** 2 * float(squares.max() + np.square(origin[varies]).sum())
        spread = float(np.sqrt(squares.mean()))
        return CenteredColumns(points, columns, origin, spread, rounding, self.k, distinct_points_notices(points, self.k))

    def start(self, prepared: CenteredColumns, rng: np.random.Generator) -> np.ndarray:
        """The initial centers (k, d), given by `init`."""
        if not isinstance(self.init, str):
            return self.check_start(prepared, self.init)
        return prepared.columns[:, seeded_rows(self.init, prepared.columns, self.k, rng)].T + prepared.origin

    def check_start(self, prepared: CenteredColumns, start) -> np.ndarray:
        """A copy of the given centers. Raises ValueError as in `check_points`, or if their shape is not (k, d)."""
        centers = check_points(start, "start").copy()
        if centers.shape != (self.k, len(prepared.columns)):
            raise ValueError(f"start must be centers of shape {(self.k, len(prepared.columns))}, got {centers.shape}")
        return centers

    def predict(self, centers, points) -> np.ndarray:
        """(n,) cluster with the largest membership, i.e. the nearest center, for each of n new points (n, d)."""
        return nearest_centers(centers, points)

    def memberships(self, centers, points) -> np.ndarray:
        """(n, k) memberships of new points (n, d) in the clusters with centers (k, d).

        Raises ValueError as in `check_points`, or if the numbers of columns differ.
        """
        centers, points = check_points(centers, "centers"), check_points(points)
        if centers.shape[1] != points.shape[1]:
            raise ValueError(f"points must have {centers.shape[1]} columns, as the centers do, got {points.shape[1]}")
        rows = np.empty((len(centers), len(points)))
        self._write_memberships(squared_distances(points.T, centers), rows)
        return rows.T

    def e_step(
        self, prepared: CenteredColumns, parameters, before: FuzzyPartition | None = None
    ) -> tuple[FuzzyPartition, float]:
        centers = parameters - prepared.origin
        n = prepared.columns.shape[1]
        rows, labels = np.empty((self.k, n)), np.empty(n, dtype=np.min_scalar_type(self.k - 1))

        def part(chunk):
            columns = prepared.columns[:, chunk]
            squares = squared_distances(columns, centers)
            block = rows[:, chunk]
            nearest, total = self._write_memberships(squares, block)
            labels[chunk] = column_argmax(block)
            changed = len(total) if before is None else np.count_nonzero(labels[chunk] != before.compact_labels[chunk])
            weights = block**self.m
            # sum of u^m d^2 over the clusters = (smallest d^2) * total^(1 - m)
            loss = float(np.vdot(nearest, total ** (1 - self.m)))
            return loss, changed, weights.sum(axis=1), inner_product(weights, columns)

        parts = map_chunks(part, n, CHUNK)
        loss, changed, masses, sums = (sum(part) for part in zip(*parts, strict=True))
        return FuzzyPartition(rows, labels, int(changed), masses, sums), loss

    def _write_memberships(self, squares: np.ndarray, memberships: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Write the memberships for squared distances, both (k, n).

        Returns the smallest squared distance of each point (n,), and the sum of the unnormalized memberships (n,).
        """
        nearest = squares.min(axis=0)
        # a point at a center belongs only to that center's cluster; if several centers coincide with it, equally to each
        on_center = nearest == 0
        np.divide(nearest, squares, out=memberships, where=~on_center)
        memberships[:, on_center] = squares[:, on_center] == 0
        np.power(memberships, 1 / (self.m - 1), out=memberships)
        total = memberships.sum(axis=0)
        memberships /= total
        return nearest, total

    def m_step(self, prepared: CenteredColumns, assignment: FuzzyPartition, parameters) -> np.ndarray:
        centers, alive = parameters.copy(), assignment.masses > 0
        centers[alive] = assignment.sums[alive] / assignment.masses[alive, None] + prepared.origin
        return centers

    def m_step_loss(self, prepared: CenteredColumns, assignment: FuzzyPartition, parameters, new_parameters) -> float:
        centers = new_parameters - prepared.origin

        def part(chunk):
            squares = squared_distances(prepared.columns[:, chunk], centers)
            return float(np.vdot(assignment.rows[:, chunk] ** self.m, squares))

        return sum(map_chunks(part, prepared.columns.shape[1], CHUNK))

    def has_converged(self, before: State, parameters, assignment: FuzzyPartition, loss: float, tol: float) -> bool:
        return before.loss - loss <= tol * before.loss

    def notices(self, prepared: CenteredColumns, parameters, assignment: FuzzyPartition) -> tuple[Notice, ...]:
        found = list(prepared.notices)
        empty = np.flatnonzero(assignment.masses == 0)
        if empty.size:
            text = "{who} lost all points and can no longer move. Choose a smaller K, another initialization or a larger m."
            found.append(Notice(EMPTY_CLUSTER, text, tuple(empty.tolist())))
        pairs = squared_distances(parameters.T, parameters) < (COINCIDENCE_TOLERANCE * prepared.spread) ** 2
        np.fill_diagonal(pairs, False)
        same = np.flatnonzero(pairs.any(axis=0))
        if same.size and prepared.spread > 0:
            text = "{who} have the same center. Choose a smaller m or a smaller K."
            found.append(Notice(COINCIDING_CENTERS, text, tuple(same.tolist())))
        return tuple(found)

    def rounding_error(self, prepared: CenteredColumns, assignment: FuzzyPartition, loss: float) -> float:
        return 1e-9 * abs(loss) + len(assignment.compact_labels) * prepared.rounding

"""Fuzzy c-means.

    loss = sum over points n and clusters k of u(n, k)^m ||x_n - c_k||^2,   each row of u sums to one

x: points (n, d); c: centers (k, d); u: memberships (n, k); m > 1: the fuzzifier. Bezdek 1981, "Pattern Recognition with Fuzzy
Objective Function Algorithms", chapter 3; Dunn 1973, doi:10.1080/01969727308546046, for m = 2.

With distances d(n, k) = ||x_n - c_k||,

    E step   u(n, k) = 1 / sum over j of (d(n, k) / d(n, j))^(2 / (m - 1))
    M step   c_k     = sum over n of u(n, k)^m x_n  /  sum over n of u(n, k)^m

so the loss never rises. As m goes to 1 the memberships go to 0 and 1, and both steps to those of K-means; as m grows, all
memberships go to 1/k and all centers to the mean of the points.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from clustering.chunks import inner_product, largest_row, over_chunks
from clustering.distances import nearest_centers, squared_distances
from clustering.notices import EMPTY_CLUSTER, Notice
from clustering.points import EPS, check_k, check_points, column_means, few_distinct_points
from clustering.process import Alternating, State
from clustering.seeding import seeded_rows

COINCIDING_CENTERS = "coinciding centers"
COINCIDING = 1e-4
"""distance of two centers, as a share of the standard deviation of all points, below which they count as one"""
CHUNK = 2**14


class CenteredColumns(NamedTuple):
    points: np.ndarray
    """(n, d) as they came"""
    columns: np.ndarray
    """(d, n) the points, transposed and centered, so that a common offset costs no digits"""
    origin: np.ndarray
    """(d,) what was subtracted: the mean of each column"""
    spread: float
    """standard deviation of the points in all columns together"""
    rounding: float
    """squared distance that may be rounding alone, of a center to the point where it should be"""
    k: int
    """that the notices are for"""
    notices: tuple[Notice, ...]


@dataclass(frozen=True, eq=False)
class Memberships:
    """The membership of each point in each cluster."""

    rows: np.ndarray
    """(k, n) the memberships as they are computed"""
    compact: np.ndarray
    """(n,) the cluster with the largest membership, in the shortest unsigned integers that hold k - 1"""
    changed: int
    """number of points whose largest membership is in another cluster than in the state before; n in the first"""
    masses: np.ndarray
    """(k,) sum of u^m"""
    sums: np.ndarray
    """(k, d) sum of u^m times the centered points"""

    @property
    def shares(self) -> np.ndarray:
        """(n, k) the memberships, each row summing to one"""
        return self.rows.T

    @cached_property
    def labels(self) -> np.ndarray:
        """(n,) the cluster with the largest membership, the lowest number among equals: that of the nearest center"""
        return self.compact.astype(np.intp)

    @cached_property
    def sizes(self) -> np.ndarray:
        """(k,) the sum of each cluster's memberships: points, in fractions"""
        return self.rows.sum(axis=1)


@dataclass(frozen=True, eq=False)  # an array as `init` could not be compared
class FuzzyCMeans(Alternating):
    """Fuzzy c-means.

    Parameters
    ----------
    k : int
        Number of clusters, 1..n.
    m : float
        The fuzzifier, above 1: 2 is common, 1 would be K-means.
    init : {"k-means++", "plain k-means++", "random", "maxmin"} or (k, d) array
        Where to start (see `clustering.seeding`), or the centers to start from.

    `tol` is relative: a run ends when the loss falls by no more than this share of it.

    Weakness: a local optimum that depends on the start. Memberships are relative, so an outlier far from all centers belongs
    to each of them by about 1/k and pulls at all; with a large m, or in many columns, all centers meet in the middle.
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
        """The checked and centered points; `data` is an (n, d) array. ValueError as `check_points` and `check_k`."""
        if isinstance(data, CenteredColumns):
            check_k(self.k, len(data.points))
            return data if data.k == self.k else data._replace(k=self.k, notices=few_distinct_points(data.points, self.k))
        points = check_points(data)
        check_k(self.k, len(points))
        origin, varies = column_means(points)
        columns = np.subtract(points.T, origin[:, None], order="C")
        squares = np.einsum("dn,dn->n", columns, columns)
        rounding = len(columns) * (8 * EPS) ** 2 * float(squares.max() + np.square(origin[varies]).sum())
        spread = float(np.sqrt(squares.mean()))
        return CenteredColumns(points, columns, origin, spread, rounding, self.k, few_distinct_points(points, self.k))

    def start(self, prepared: CenteredColumns, rng: np.random.Generator) -> np.ndarray:
        """Centers (k, d) by `init`."""
        if not isinstance(self.init, str):
            return self.check_start(prepared, self.init)
        return prepared.columns[:, seeded_rows(self.init, prepared.columns, self.k, rng)].T + prepared.origin

    def check_start(self, prepared: CenteredColumns, start) -> np.ndarray:
        centers = check_points(start, "start").copy()
        if centers.shape != (self.k, len(prepared.columns)):
            raise ValueError(f"start must be centers of shape {(self.k, len(prepared.columns))}, got {centers.shape}")
        return centers

    def predict(self, centers, points) -> np.ndarray:
        """(m,) the cluster with the largest membership for each of m points (m, d), new or not: that of the nearest center."""
        return nearest_centers(centers, points)

    def memberships(self, centers, points) -> np.ndarray:
        """(n, k) memberships of points (n, d), new or not, in the clusters of centers (k, d). ValueError as `predict`."""
        centers, points = check_points(centers, "centers"), check_points(points)
        if centers.shape[1] != points.shape[1]:
            raise ValueError(f"points must have {centers.shape[1]} columns, as the centers do, got {points.shape[1]}")
        rows = np.empty((len(centers), len(points)))
        self._share_out(squared_distances(points.T, centers), rows)
        return rows.T

    def e_step(self, prepared: CenteredColumns, parameters, before: Memberships | None = None) -> tuple[Memberships, float]:
        centers = parameters - prepared.origin
        n = prepared.columns.shape[1]
        rows, labels = np.empty((self.k, n)), np.empty(n, dtype=np.min_scalar_type(self.k - 1))

        def part(chunk):
            columns = prepared.columns[:, chunk]
            squares = squared_distances(columns, centers)
            mine = rows[:, chunk]
            nearest, total = self._share_out(squares, mine)
            labels[chunk] = largest_row(mine)
            changed = len(total) if before is None else np.count_nonzero(labels[chunk] != before.compact[chunk])
            weights = mine**self.m
            # u^m d^2 summed over the clusters is the least d^2 times this power of the sum above
            loss = float(np.vdot(nearest, total ** (1 - self.m)))
            return loss, changed, weights.sum(axis=1), inner_product(weights, columns)

        parts = over_chunks(part, n, CHUNK)
        loss, changed, masses, sums = (sum(part) for part in zip(*parts, strict=True))
        return Memberships(rows, labels, int(changed), masses, sums), loss

    def _share_out(self, squares: np.ndarray, memberships: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Writes the memberships of points with these squared distances, both (k, n); returns the least squared distance of
        each point, and the sum (n,) by which its memberships were divided."""
        nearest = squares.min(axis=0)
        # a point on a center belongs to it alone, or to all centers at its place alike
        on_center = nearest == 0
        np.divide(nearest, squares, out=memberships, where=~on_center)
        memberships[:, on_center] = squares[:, on_center] == 0
        np.power(memberships, 1 / (self.m - 1), out=memberships)
        total = memberships.sum(axis=0)
        memberships /= total
        return nearest, total

    def m_step(self, prepared: CenteredColumns, assignment: Memberships, parameters) -> np.ndarray:
        centers, alive = parameters.copy(), assignment.masses > 0
        centers[alive] = assignment.sums[alive] / assignment.masses[alive, None] + prepared.origin
        return centers

    def half_step_loss(self, prepared: CenteredColumns, assignment: Memberships, parameters, new_parameters) -> float:
        centers = new_parameters - prepared.origin

        def part(chunk):
            squares = squared_distances(prepared.columns[:, chunk], centers)
            return float(np.vdot(assignment.rows[:, chunk] ** self.m, squares))

        return sum(over_chunks(part, prepared.columns.shape[1], CHUNK))

    def settled(self, before: State, parameters, assignment: Memberships, loss: float, tol: float) -> bool:
        return before.loss - loss <= tol * before.loss

    def notices(self, prepared: CenteredColumns, parameters, assignment: Memberships) -> tuple[Notice, ...]:
        found = list(prepared.notices)
        empty = np.flatnonzero(assignment.masses == 0)
        if empty.size:
            text = "{who} lost all points and no longer moves. Choose a smaller K, another start or a larger m."
            found.append(Notice(EMPTY_CLUSTER, text, tuple(empty.tolist())))
        pairs = squared_distances(parameters.T, parameters) < (COINCIDING * prepared.spread) ** 2
        np.fill_diagonal(pairs, False)
        same = np.flatnonzero(pairs.any(axis=0))
        if same.size and prepared.spread > 0:
            text = "{who} have the same center: with this m the data do not hold them apart. Choose a smaller m or K."
            found.append(Notice(COINCIDING_CENTERS, text, tuple(same.tolist())))
        return tuple(found)

    def rounding(self, prepared: CenteredColumns, assignment: Memberships, loss: float) -> float:
        return 1e-9 * abs(loss) + len(assignment.compact) * prepared.rounding

"""K-medoids.

    loss = sum over points of D[x, m(x)],   m(x) the medoid of the cluster that x is in

D: proximities (n, n), any dissimilarities; m: medoids (k,), row numbers of points that stand for their clusters.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from clustering import seeding
from clustering.chunks import map_chunks, two_smallest
from clustering.notices import Notice, few_distinct_notices
from clustering.points import check_k, check_points
from clustering.process import Alternating, State
from clustering.proximity import check_proximities

UPDATES = ("alternating", "swap", "steepest swap")


class PreparedProximities(NamedTuple):
    matrix: np.ndarray
    """(n, n)"""
    k: int
    """that the notices are for"""
    notices: tuple[Notice, ...]


@dataclass(frozen=True, eq=False)
class Neighbors:
    """Each point with its nearest medoid; a medoid always with itself, so no cluster is ever empty."""

    labels: np.ndarray
    """(n,) cluster of each point: the lowest number among equally near medoids"""
    sizes: np.ndarray
    """(k,) number of points in each cluster"""
    changed: int
    """number of points that are in another cluster than before; n in the first step"""
    nearest: np.ndarray
    """(n,) proximity to the own medoid"""
    second: np.ndarray
    """(n,) proximity to the nearest other medoid; infinite when k = 1"""
    medoids: np.ndarray
    """(k,) the medoids these belong to"""
    candidate: int
    """row at which the search for the next swap begins"""
    shares = None
    """each point belongs to one cluster"""


@dataclass(frozen=True, eq=False)  # an array as `init` could not be compared
class KMedoids(Alternating):
    """K-medoids on a matrix of proximities.

    Parameters
    ----------
    k : int
        Number of clusters, 1..n.
    init : {"build", "random", "k-means++", "plain k-means++", "maxmin"} or (k,) array
        Where to start (see `clustering.seeding`), or the row numbers to start from.
    update : {"alternating", "swap", "steepest swap"}
        "alternating" is the E/M scheme: each medoid becomes the member of its cluster with the least sum of proximities to
        the others (Maranzana 1964). Fast, but it can only move a medoid within its cluster, and ends 5-20 % worse.
        "swap" is PAM's neighborhood: replace any medoid by any other point. One step is one swap: the rows are tried in
        turn, from where the last search ended, and the first that lowers the loss is taken in place of the medoid it
        replaces best, until no row does. The change for all k medoids comes from one pass over a row, as in FasterPAM
        (Schubert & Rousseeuw 2021, doi:10.1016/j.is.2021.101804, arXiv 2008.05171).
        "steepest swap" tries all rows in every step and takes the best: fewer, slower steps, those of the original PAM.

    Weakness: the matrix takes 8 n^2 bytes, and each step reads much of it.
    """

    k: int
    init: str | np.ndarray = "build"
    update: str = "alternating"

    loss_name = "sum of dissimilarities"
    tol = 0.0

    def __post_init__(self):
        if self.update not in UPDATES:
            raise ValueError(f"update must be one of {', '.join(UPDATES)}, got {self.update!r}")

    def prepare(self, data) -> PreparedProximities:
        """The checked matrix; `data` is an (n, n) array. ValueError as `check_proximities` and `check_k`."""
        if isinstance(data, PreparedProximities):
            check_k(self.k, len(data.matrix))
            if data.k == self.k:
                return data
            matrix = data.matrix
        else:
            matrix = check_proximities(data)
            check_k(self.k, len(matrix))
        return PreparedProximities(matrix, self.k, few_distinct_notices(_count_distinct(matrix, self.k), self.k))

    def start(self, prepared: PreparedProximities, rng: np.random.Generator) -> np.ndarray:
        """Medoids (k,) by `init`."""
        if not isinstance(self.init, str):
            return self.check_start(prepared, self.init)
        matrix = prepared.matrix
        if self.init == "build":
            return seeding.build(matrix, self.k)
        return seeding.rows_by_name(self.init, matrix.__getitem__, len(matrix), self.k, rng, "build")

    def check_start(self, prepared: PreparedProximities, start) -> np.ndarray:
        """The medoids (k,) as a copy. ValueError unless they are k different row numbers in 0..n-1."""
        n = len(prepared.matrix)
        rows = np.asarray(start)
        if rows.shape != (self.k,) or rows.dtype.kind not in "iu":
            raise ValueError(f"start must be {self.k} row numbers, got an array of {rows.dtype} with shape {rows.shape}")
        if rows.min() < 0 or rows.max() >= n:
            raise ValueError(f"medoids must be row numbers in 0..{n - 1}, got {rows.min()}..{rows.max()}")
        if len(np.unique(rows)) < self.k:
            raise ValueError(f"medoids must be {self.k} different rows, got {rows.tolist()}")
        return rows.astype(np.intp)

    def predict(self, medoids, proximities) -> np.ndarray:
        """(m,) the cluster of each of m points, new or not: that of the nearest of the medoids (k,), the lowest number among
        equals.

        proximities : (m, n) array of dissimilarities of these points with the n points among which the medoids are. ValueError
        unless it is such a table of finite numbers of at least 0.
        """
        table, medoids = check_points(proximities, "proximities"), np.asarray(medoids)
        if medoids.ndim != 1 or not medoids.size or not np.issubdtype(medoids.dtype, np.integer):
            raise ValueError(f"medoids must be (k,) row numbers, got {medoids.dtype} of shape {medoids.shape}")
        if medoids.min() < 0 or medoids.max() >= table.shape[1]:
            raise ValueError(f"medoids must be among the {table.shape[1]} columns of proximities, got {medoids.tolist()}")
        if table.min() < 0:
            raise ValueError(f"proximities must be at least 0, got {table.min()}")
        return table[:, medoids].argmin(axis=1)

    def e_step(self, prepared: PreparedProximities, parameters, before: Neighbors | None = None) -> tuple[Neighbors, float]:
        nearest, labels, second = two_smallest(prepared.matrix[parameters])
        labels = labels.astype(np.intp)
        # a copy of a medoid may be another medoid: each still stands for its own cluster
        labels[parameters] = np.arange(self.k)
        changed, candidate = len(labels), 0
        if before is not None:
            changed = int(np.count_nonzero(labels != before.labels))
            swapped = np.flatnonzero(parameters != before.medoids)
            candidate = (int(parameters[swapped[0]]) + 1) % len(labels) if swapped.size else before.candidate
        sizes = np.bincount(labels, minlength=self.k)
        return Neighbors(labels, sizes, changed, nearest, second, parameters, candidate), float(nearest.sum())

    def m_step(self, prepared: PreparedProximities, assignment: Neighbors, parameters) -> np.ndarray:
        if self.update != "alternating" and self.k > 1:
            return _swap(prepared.matrix, assignment, eager=self.update == "swap")
        medoids = parameters.copy()
        for cluster in range(self.k):
            members = np.flatnonzero(assignment.labels == cluster)
            sums = _sums_within(prepared.matrix, members)
            best = sums.argmin()
            # the present medoid stays unless another is better beyond rounding
            if sums[best] < sums[np.searchsorted(members, parameters[cluster])] * (1 - 1e-12):
                medoids[cluster] = members[best]
        return medoids

    def half_step_loss(self, prepared: PreparedProximities, assignment: Neighbors, parameters, new_parameters) -> float:
        """Of the new medoids with the old clusters; after a swap, whose gain counts on every point's choosing anew, of the
        new medoids with the clusters that they get."""
        if self.update != "alternating":
            return self.e_step(prepared, new_parameters)[1]
        return float(prepared.matrix[new_parameters[assignment.labels], np.arange(len(assignment.labels))].sum())

    def has_converged(self, before: State, parameters, assignment: Neighbors, loss: float, tol: float) -> bool:
        return np.array_equal(before.parameters, parameters) or before.loss - loss <= tol > 0

    def notices(self, prepared: PreparedProximities, parameters, assignment: Neighbors) -> tuple[Notice, ...]:
        return prepared.notices


def _sums_within(matrix, members) -> np.ndarray:
    """For each member the sum of its proximities to all members."""
    size = max(1, 2**18 // len(members))

    def sums(chunk):
        return matrix[np.ix_(members[chunk], members)].sum(axis=1)

    return np.concatenate(map_chunks(sums, len(members), size))


def _swap(matrix, neighbors: Neighbors, eager: bool) -> np.ndarray:
    """The medoids after the best swap, or if eager the first that lowers the loss; the same array where none does."""
    n, k = len(matrix), len(neighbors.medoids)
    labels, nearest, second = neighbors.labels, neighbors.nearest, neighbors.second
    # what it costs to take each medoid away with nothing in its place
    removal = np.bincount(labels, weights=second - nearest, minlength=k)
    # a smaller gain may be the rounding of the sums that it is the difference of
    least = -1e-12 * nearest.sum() - 1e-14 * removal.sum()
    swap = None
    for row in range(neighbors.candidate, neighbors.candidate + n):
        candidate = row % n
        proximities = matrix[candidate]
        # only points that are nearer to the candidate than to their second medoid change what a swap costs
        (touched,) = (proximities < second).nonzero()
        change = proximities.take(touched)  # faster than indexing
        gain = change - nearest.take(touched)
        np.minimum(gain, 0.0, out=gain)
        change -= second.take(touched)
        change -= gain
        changes = removal + np.bincount(labels.take(touched), weights=change, minlength=k)
        replaced = changes.argmin()
        if changes[replaced] + gain.sum() < least:
            least, swap = changes[replaced] + gain.sum(), (replaced, candidate)
            if eager:
                break
    if swap is None:
        return neighbors.medoids
    medoids = neighbors.medoids.copy()
    medoids[swap[0]] = swap[1]
    return medoids


def _count_distinct(matrix, enough: int) -> int:
    """The number of rows at no zero distance from an earlier one, or `enough` as soon as that many are found."""
    seen = np.zeros(len(matrix), dtype=bool)
    distinct = 0
    for i in range(len(matrix)):
        if not seen[i]:
            distinct += 1
            if distinct >= enough:
                break
            seen |= matrix[i] == 0
    return distinct

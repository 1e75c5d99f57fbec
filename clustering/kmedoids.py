"""K-medoids clustering of a dissimilarity matrix.

    loss = sum over points x of D[x, m(x)],   m(x): medoid of the cluster of x

D: `proximities` (n, n); m: `medoids` (k,), row numbers of the points that represent the clusters. All proximities here are
dissimilarities of any kind: 0 for identical points, larger for less similar ones.
Kaufman & Rousseeuw 1990, "Finding Groups in Data", chapter 2, doi:10.1002/9780470316801.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from clustering import seeding
from clustering.chunks import inner_product, map_chunks, two_smallest
from clustering.notices import Notice, few_distinct_notices
from clustering.points import EPS, check_k, check_points
from clustering.process import Alternating, State
from clustering.proximity import check_proximities

UPDATES = ("alternating", "swap", "steepest swap")
FIRST_BLOCK, LARGEST_BLOCK = 8, 32
"""rows per matrix product: few right after a swap, because one of the next rows often reduces the loss again"""
MAX_SCREENED, MAX_SUMMED = 20, 8
"""numbers of clusters above which swaps and alternating updates are faster without matrix products; found by timing"""


class PreparedProximities(NamedTuple):
    """A checked dissimilarity matrix with the warnings about it."""

    matrix: np.ndarray
    """(n, n) dissimilarities"""
    k: int
    """number of clusters that `notices` refer to"""
    notices: tuple[Notice, ...]
    """warnings about the data"""


@dataclass(frozen=True, eq=False)
class MedoidAssignment:
    """Assignment of each point to its nearest medoid. A medoid belongs to its own cluster, so no cluster is empty."""

    labels: np.ndarray
    """(n,) cluster of each point, the lowest index if tied"""
    sizes: np.ndarray
    """(k,) number of points in each cluster"""
    changed: int
    """number of points whose cluster differs from the previous iteration; n in the first one"""
    nearest: np.ndarray
    """(n,) dissimilarity to the nearest medoid"""
    second: np.ndarray
    """(n,) dissimilarity to the second-nearest medoid; infinite if k = 1"""
    medoids: np.ndarray
    """(k,) medoids of this assignment"""
    candidate: int
    """row at which the search for the next swap starts"""
    memberships = None
    """hard assignment: no memberships"""


@dataclass(frozen=True, eq=False)  # comparing would fail if `init` is an array
class KMedoids(Alternating):
    """K-medoids on a dissimilarity matrix.

    Parameters
    ----------
    k : int
        Number of clusters, 1..n.
    init : {"build", "random", "k-means++", "plain k-means++", "maxmin"} or (k,) array
        Initialization method (see `clustering.seeding`), or row numbers of the initial medoids.
    update : {"alternating", "swap", "steepest swap"}
        "alternating" alternates E and M steps: each medoid is replaced with the member of its cluster with the smallest sum of
        dissimilarities to the other members (Maranzana 1964, doi:10.1057/jors.1964.47). Fast, but medoids cannot leave their
        clusters; the final loss is often a few percent higher than with swaps, and after a random initialization it can be
        20% higher or more.
        "swap" replaces a medoid with any non-medoid that lowers the loss, as in PAM. Each iteration makes one swap: candidate
        rows are tried in turn, starting after the last swap, and the first one that reduces the loss replaces the medoid
        whose removal gives the lowest loss. The run has converged when no candidate reduces the loss. The changes in loss for
        all k medoids are computed in one pass over a row, as in FasterPAM (Schubert & Rousseeuw 2021,
        doi:10.1016/j.is.2021.101804).
        "steepest swap" evaluates all rows in each iteration and makes the best swap, as in the original PAM: fewer but slower
        iterations.

    Notes
    -----
    The result is a local minimum. The matrix takes 8 n^2 bytes, and each iteration reads much of it.
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
        """Check the dissimilarity matrix (n, n). Raise ValueError as in `check_proximities` and `check_k`."""
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
        """Initial medoids (k,) according to `init`."""
        if not isinstance(self.init, str):
            return self.check_start(prepared, self.init)
        matrix = prepared.matrix
        if self.init == "build":
            return seeding.build(matrix, self.k)
        return seeding.rows_by_name(self.init, matrix.__getitem__, len(matrix), self.k, rng, "build")

    def check_start(self, prepared: PreparedProximities, start) -> np.ndarray:
        """Copy of the medoids. Raise ValueError unless they are k different row numbers in 0..n-1."""
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
        """Cluster of each of m points, seen or new: that of the nearest medoid, the lowest index if tied.

        Parameters
        ----------
        medoids : (k,) array of integers
        proximities : (m, n) array
            Dissimilarities of the m points to the n fitted points; `medoids` are column numbers.

        Returns
        -------
        labels : (m,) array of integers 0..k-1

        Raises
        ------
        ValueError
            If `proximities` has a negative or non-finite value, or a medoid is not a column number.
        """
        table, medoids = check_points(proximities, "proximities"), np.asarray(medoids)
        if medoids.ndim != 1 or not medoids.size or not np.issubdtype(medoids.dtype, np.integer):
            raise ValueError(f"medoids must be (k,) row numbers, got {medoids.dtype} of shape {medoids.shape}")
        if medoids.min() < 0 or medoids.max() >= table.shape[1]:
            raise ValueError(f"medoids must be among the {table.shape[1]} columns of proximities, got {medoids.tolist()}")
        if table.min() < 0:
            raise ValueError(f"proximities must be at least 0, got {table.min()}")
        return table[:, medoids].argmin(axis=1)

    def e_step(
        self, prepared: PreparedProximities, parameters, before: MedoidAssignment | None = None
    ) -> tuple[MedoidAssignment, float]:
        nearest, labels, second = two_smallest(prepared.matrix[parameters])
        labels = labels.astype(np.intp)
        # medoids may be duplicates of each other; each still belongs to its own cluster
        labels[parameters] = np.arange(self.k)
        changed, candidate = len(labels), 0
        if before is not None:
            changed = int(np.count_nonzero(labels != before.labels))
            swapped = np.flatnonzero(parameters != before.medoids)
            candidate = (int(parameters[swapped[0]]) + 1) % len(labels) if swapped.size else before.candidate
        sizes = np.bincount(labels, minlength=self.k)
        return MedoidAssignment(labels, sizes, changed, nearest, second, parameters, candidate), float(nearest.sum())

    def m_step(self, prepared: PreparedProximities, assignment: MedoidAssignment, parameters) -> np.ndarray:
        if self.update != "alternating" and self.k > 1:
            return _swap(prepared.matrix, assignment, eager=self.update == "swap")
        medoids, totals = parameters.copy(), None
        if self.k <= MAX_SUMMED:
            totals = _approximate_sums_within(prepared.matrix, assignment.labels, self.k)
        for cluster, medoid in enumerate(parameters):
            members = rows = np.flatnonzero(assignment.labels == cluster)
            if totals is not None:
                close = totals[members] <= totals[members].min() * (1 + _relative_error(len(members)))
                rows = members[close | (members == medoid)]
                if len(rows) == 1:
                    continue
            sums = _sums_to(prepared.matrix, rows, members)
            best = sums.argmin()
            # keep the current medoid unless another one is better by more than rounding error
            if sums[best] < sums[np.searchsorted(rows, medoid)] * (1 - 1e-12):
                medoids[cluster] = rows[best]
        return medoids

    def m_step_loss(self, prepared: PreparedProximities, assignment: MedoidAssignment, parameters, new_parameters) -> float:
        """Loss of the new medoids: with the old assignment, or with the new one for swaps.

        A swap is chosen by its loss after reassignment.
        """
        if self.update != "alternating":
            return float(prepared.matrix[new_parameters].min(axis=0).sum())
        return float(prepared.matrix[new_parameters[assignment.labels], np.arange(len(assignment.labels))].sum())

    def has_converged(self, before: State, parameters, assignment: MedoidAssignment, loss: float, tol: float) -> bool:
        return np.array_equal(before.parameters, parameters) or before.loss - loss <= tol > 0

    def notices(self, prepared: PreparedProximities, parameters, assignment: MedoidAssignment) -> tuple[Notice, ...]:
        return prepared.notices


def _relative_error(n: int) -> float:
    """Bound on the relative difference of two sums of the same n non-negative numbers, computed in different orders."""
    return 2 * n * EPS


def _indicators(labels, k: int) -> np.ndarray:
    """(k, n) array with 1 in the row of each point's cluster, else 0."""
    return np.equal(labels, np.arange(k)[:, None]).astype(float)


def _approximate_sums_within(matrix, labels, k: int) -> np.ndarray:
    """(n,) sum of dissimilarities of each point to the members of its cluster, up to the error of `_relative_error`."""
    n, indicators = len(labels), _indicators(labels, k)
    sums = [inner_product(matrix[rows], indicators) for rows in _growing_blocks(0, n, LARGEST_BLOCK, LARGEST_BLOCK)]
    return np.concatenate(sums)[np.arange(n), labels]


def _sums_to(matrix, rows, members) -> np.ndarray:
    """Sum of dissimilarities of each of these rows to all members."""
    size = max(1, 2**18 // len(members))

    def sums(chunk):
        return matrix[np.ix_(rows[chunk], members)].sum(axis=1)

    return np.concatenate(map_chunks(sums, len(rows), size))


def _swap(matrix, assignment: MedoidAssignment, eager: bool) -> np.ndarray:
    """Medoids after the best swap, or if `eager` the first that reduces the loss; the same array if there is none."""
    labels, nearest, second = assignment.labels, assignment.nearest, assignment.second
    k = len(assignment.medoids)
    # for each medoid, the increase in loss if it alone is removed and not replaced
    removal = np.bincount(labels, weights=second - nearest, minlength=k)
    # changes closer to zero may be rounding errors, because they are differences of large sums
    threshold = -1e-12 * nearest.sum() - 1e-14 * removal.sum()
    swap = None
    for candidate in _promising_rows(matrix, assignment, removal, threshold, eager):
        proximities = matrix[candidate]
        # only points nearer to the candidate than to their second-nearest medoid affect the change in loss
        (affected,) = (proximities < second).nonzero()
        to_candidate = proximities.take(affected)  # faster than indexing
        # change in loss (at most 0) if the candidate is added and no medoid is removed
        addition = to_candidate - nearest.take(affected)
        np.minimum(addition, 0.0, out=addition)
        # correction for points that lose their medoid: they go to the candidate rather than to their second-nearest medoid
        correction = np.subtract(to_candidate, second.take(affected), out=to_candidate)
        correction -= addition
        changes = removal + np.bincount(labels.take(affected), weights=correction, minlength=k)
        replaced = changes.argmin()
        change = changes[replaced] + addition.sum()
        if change < threshold:
            threshold, swap = change, (replaced, candidate)
            if eager:
                break
    if swap is None:
        return assignment.medoids
    medoids = assignment.medoids.copy()
    medoids[swap[0]] = swap[1]
    return medoids


def _promising_rows(matrix, assignment: MedoidAssignment, removal, threshold: float, eager: bool):
    """Iterate over the rows, from `assignment.candidate` on, that may change the loss by less than the negative `threshold`.

    Unless `eager`, rows that cannot be the best so far are left out as well. The losses of a block of rows are computed at
    once, which is faster than row by row, but in a matrix product the rounding error of a row depends on its position in the
    block. So rows within the rounding error are included, and the caller must evaluate each row again.
    """
    n, k = len(matrix), len(assignment.medoids)
    if k > MAX_SCREENED:
        yield from ((assignment.candidate + i) % n for i in range(n))
        return
    nearest, second = assignment.nearest, assignment.second
    loss = nearest.sum()
    error = _relative_error(n) * (loss + removal.max())
    indicators = _indicators(assignment.labels, k)
    best = np.inf
    largest = min(max(2**17 // n, 1), LARGEST_BLOCK)
    for rows in _growing_blocks(assignment.candidate, n, FIRST_BLOCK if eager else largest, largest):
        # (rows, k) loss of each cluster if the candidate is added: without the cluster's own medoid, and with it
        limited = np.minimum(matrix[rows], second)
        removed = inner_product(limited, indicators)
        stays = inner_product(np.minimum(limited, nearest, out=limited), indicators)
        changes = stays.sum(axis=1) - loss + (removed - stays).min(axis=1)
        best = min(best, changes.min())
        limit = threshold if eager else min(threshold, best + error)
        yield from (rows.start + np.flatnonzero(changes < limit + error)).tolist()


def _growing_blocks(first: int, n: int, size: int, largest: int):
    """Iterate over slices that cover first..n-1 and then 0..first-1, with `size` rows at first, doubled up to `largest`."""
    done = 0
    while done < n:
        size = min(size, largest)
        begin = (first + done) % n
        block = slice(begin, min(begin + size, n, begin + n - done))
        yield block
        done += block.stop - block.start
        size *= 2


def _count_distinct(matrix, enough: int) -> int:
    """Number of rows that are not at distance zero from an earlier row, or `enough` as soon as that many are found."""
    seen = np.zeros(len(matrix), dtype=bool)
    distinct = 0
    for i in range(len(matrix)):
        if not seen[i]:
            distinct += 1
            if distinct >= enough:
                break
            seen |= matrix[i] == 0
    return distinct

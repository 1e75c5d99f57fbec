"""Initial centers for many runs of K-means at once.

The random numbers are those of `clustering.seeding`, and so are the selected rows. Candidates are compared in single
precision, for several runs in one call. Where their losses are too close for that, they are compared in double precision.
"""

import numpy as np

from clustering.distances import squared_distances

MAX_DISTANCES = 2**16
"""maximum number of distances that are computed at a time, so that they stay in the cache"""
SINGLE = float(np.finfo(np.float32).eps)
"""machine epsilon of single precision"""


class SinglePrecision:
    """Points in single precision, divided by the largest norm of a point, `unit`.

    Squared distances to convex combinations of the points are at most 4 in this unit.
    """

    def __init__(self, columns: np.ndarray, squares: np.ndarray):
        """`columns` (d, n): centered points; `squares` (n,): their squared norms, not all zero."""
        self.max_square = float(squares.max())
        self.unit = self.max_square**0.5
        self.squares = (squares / self.max_square).astype(np.float32)
        self.columns = np.ones((len(columns) + 1, columns.shape[1]), dtype=np.float32)
        """(d + 1, n) points, with an additional row of ones"""
        np.divide(columns, self.unit, out=self.columns[:-1], casting="same_kind")

    def factors(self, centers: np.ndarray) -> np.ndarray:
        """(m, d + 1) left factor of the product with `columns` that gives ||c||^2 - 2 x.c for each of the centers (d, m)."""
        factors = np.empty((len(centers) + 1, centers.shape[1]))
        np.multiply(centers, -2 / self.unit, out=factors[:-1])
        np.multiply(np.einsum("dm,dm->m", centers, centers), 1 / self.max_square, out=factors[-1])
        return np.ascontiguousarray(factors.T, dtype=np.float32)

    @property
    def error(self) -> float:
        """Bound on the error of such a score, and of its sum with the squared norm of the point."""
        return 4 * (len(self.columns) + 3) * SINGLE


def plus_plus_rows(prepared, k: int, rngs: list[np.random.Generator], trials: int) -> np.ndarray:
    """(R, k) rows of the points that `plus_plus` chooses with each of R generators.

    Parameters
    ----------
    prepared : PreparedPoints
        Not all of them identical.
    k : int
        Number of rows.
    rngs : list of generators
        They must be independent: runs that share one would receive its numbers in another order.
    trials : int
        Number of candidates per row.
    """
    single = SinglePrecision(prepared.columns, prepared.squares)
    size = max(1, MAX_DISTANCES // (trials * prepared.columns.shape[1]))
    parts = [_rows(prepared.columns, single, k, rngs[i : i + size], trials) for i in range(0, len(rngs), size)]
    return np.concatenate(parts)


def _rows(columns, single, k, rngs, trials):
    r, n = len(rngs), columns.shape[1]
    # errors of n terms, and of their pairwise summation
    margin = 2 * n * (single.error + 64 * SINGLE)
    rows, runs = np.empty((r, k), dtype=np.intp), np.arange(r)
    rows[:, 0] = [rng.integers(n) for rng in rngs]
    nearest = _distances(columns, rows[:, 0])
    scores = single.factors(columns[:, rows[:, 0]]) @ single.columns
    candidates = np.empty((r, trials), dtype=np.intp)
    for i in range(1, k):
        cumulative = np.cumsum(nearest, axis=1)
        for run, rng in enumerate(rngs):
            candidates[run] = _candidates(rng, cumulative[run], nearest[run], rows[run, :i], trials)
        if trials == 1:
            rows[:, i] = candidates[:, 0]
        else:
            reduced = (single.factors(columns[:, candidates.ravel()]) @ single.columns).reshape(r, trials, n)
            np.minimum(reduced, scores[:, None], out=reduced)
            losses = reduced.sum(axis=2)
            best = losses.argmin(axis=1)
            contenders = (losses < losses[runs, best][:, None] + margin).sum(axis=1)
            for run in np.flatnonzero(contenders > 1):
                distances = squared_distances(columns, columns[:, candidates[run]].T)
                best[run] = np.minimum(distances, nearest[run]).sum(axis=1).argmin()
            rows[:, i], scores = candidates[runs, best], reduced[runs, best]
        np.minimum(_distances(columns, rows[:, i]), nearest, out=nearest)
    return rows


def _candidates(rng, cumulative, nearest, chosen, trials):
    """Candidates for the next row, drawn as in `plus_plus`; `cumulative` (n,): cumulative sum of `nearest`."""
    if not cumulative[-1] > 0:
        return rng.choice(np.setdiff1d(np.arange(len(nearest)), chosen), size=1)
    found = cumulative.searchsorted(rng.random(trials) * cumulative[-1], side="right")
    if found.max() == len(nearest):  # the product was rounded up to the total
        found = np.minimum(found, np.flatnonzero(nearest)[-1])
    return found


def _distances(columns, rows):
    """(m, n) squared distances of m of the points to all points, rounded as in `squared_distances`."""
    distances = np.zeros((len(rows), columns.shape[1]))
    difference = np.empty_like(distances)
    for j, column in enumerate(columns):
        out = difference if j else distances
        np.subtract(column, column[rows, None], out=out)
        out *= out
        if j:
            distances += difference
    return distances

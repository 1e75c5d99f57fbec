"""Initial centers for points in memory or in the blocks of a Dask array.

The methods of `clustering.seeding` choose the same points in both cases, up to rounding, given the same random numbers. On
blocks, each center takes one pass over the points, except with "random" and "k-means||" (see `clustering.parallel_seeding`).
"""

import numpy as np

from clustering.blocks import map_points
from clustering.distances import squared_distances
from clustering.nearest_candidates import Nearest, kept, nearest_candidates, points_at
from clustering.parallel_seeding import PARALLEL, k_means_parallel
from clustering.seeding import plus_plus_trials, random_rows, rows_by_name, rows_not_chosen, seeded_rows


def seeded_centers(init: str, prepared, k: int, rng: np.random.Generator, *others: str) -> np.ndarray:
    """Choose k points as initial centers.

    Parameters
    ----------
    init : str
        "k-means||", or a name that `clustering.seeding.rows_by_name` accepts.
    prepared
        Prepared data with `columns` (d, n), `weights`, `first_row`, `kept` and `blocks`. Rows of weight 0 are never chosen.
    k : int
    rng : numpy.random.Generator
    others : str
        Further names that the caller accepts, for the error message.

    Returns
    -------
    (k, d) array of `columns`

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    others, weights = (*others, PARALLEL), prepared.weights
    if weights is not None and not weights.all():
        (rows,) = weights.nonzero()
        weights = weights[rows]
        prepared = prepared._replace(columns=prepared.columns[:, rows], weights=weights)
    if init == PARALLEL:
        return k_means_parallel(prepared, k, rng)
    if prepared.blocks is None:
        return prepared.columns[:, seeded_rows(init, prepared.columns, k, rng, *others, weights=weights)].T
    n, trials = prepared.columns.shape[1], plus_plus_trials(init, k)
    if trials is not None:
        return _plus_plus(prepared, n, k, rng, trials)
    if init == "maxmin":
        return _maxmin(prepared, n, k, rng)
    if init == "random":
        return points_at(prepared, random_rows(n, k, rng))
    return rows_by_name(init, None, n, k, rng, *others)  # raises the error for unknown names


def _plus_plus(prepared, n: int, k: int, rng: np.random.Generator, trials: int) -> np.ndarray:
    """`clustering.seeding.plus_plus` on blocks: a pass evaluates the candidates for one center."""
    rows = rng.integers(n, size=1)
    chosen = points_at(prepared, rows)
    nearest, (sums,) = map_points(_reduced_sums, prepared, None, chosen, 0, chosen)
    sums = np.array(sums)[:, 0]
    for i in range(1, k):
        cumulative = np.cumsum(sums)
        if cumulative[-1] > 0:
            positions = rng.random(trials) * cumulative[-1]
            last = np.flatnonzero(sums)[-1]  # the product may be rounded up to the total
            at = np.minimum(np.searchsorted(cumulative, positions, side="right"), last)
            positions -= cumulative[at] - sums[at]
            arguments = {block: (chosen, i - 1, positions[at == block]) for block in np.unique(at).tolist()}
            drawn = prepared.blocks.each(_at_positions, nearest, arguments)
            order = np.argsort(at, kind="stable").argsort()
            new_rows, candidates = (np.concatenate(part)[order] for part in zip(*drawn, strict=True))
        else:
            new_rows = rows_not_chosen(n, rows, 1, rng)
            candidates = points_at(prepared, new_rows)
        nearest, (sums,) = map_points(_reduced_sums, prepared, nearest, chosen, i - 1, candidates)
        sums = np.array(sums)
        best = sums.sum(axis=0).argmin()
        rows, chosen, sums = np.append(rows, new_rows[best]), np.vstack([chosen, candidates[best]]), sums[:, best]
    return chosen


def _reduced_sums(prepared, before: Nearest | None, chosen, begin: int, candidates):
    """Sum of the squared distances to the nearest of the chosen points and of each candidate, as a list for all blocks."""
    nearest = nearest_candidates(prepared, before, chosen, begin)
    reduced = np.minimum(squared_distances(prepared.columns, candidates), nearest.squares)
    return kept(prepared, nearest), ([reduced.sum(axis=1)],)


def _at_positions(prepared, nearest: Nearest | None, chosen, begin: int, positions) -> tuple[np.ndarray, np.ndarray]:
    """Rows and points at these positions in the cumulative sum of squared distances to the nearest chosen point."""
    squares = nearest_candidates(prepared, nearest, chosen, begin).squares
    at = np.searchsorted(np.cumsum(squares), positions, side="right")
    at = np.minimum(at, np.flatnonzero(squares)[-1])
    return prepared.first_row + at, prepared.columns[:, at].T


def _maxmin(prepared, n: int, k: int, rng: np.random.Generator) -> np.ndarray:
    """`clustering.seeding.maxmin` on blocks."""
    rows, nearest = rng.integers(n, size=1), None
    chosen = points_at(prepared, rows)
    for i in range(1, k):
        nearest, (farthest,) = map_points(_farthest_row, prepared, nearest, chosen, i - 1, rows)
        _, row, point = max(farthest, key=lambda found: found[0])  # the first one if tied
        rows, chosen = np.append(rows, row), np.vstack([chosen, point])
    return chosen


def _farthest_row(prepared, before: Nearest | None, chosen, begin: int, rows):
    """Squared distance, row and point of the farthest point that is not yet chosen, as a list for all blocks."""
    nearest = nearest_candidates(prepared, before, chosen, begin)
    squares, local = nearest.squares.copy(), rows - prepared.first_row
    squares[local[(local >= 0) & (local < len(squares))]] = -1.0
    at = squares.argmax()
    return kept(prepared, nearest), ([(squares[at], prepared.first_row + int(at), prepared.columns[:, at])],)

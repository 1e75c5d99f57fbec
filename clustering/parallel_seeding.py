"""Initialization by k-means||, which takes a few passes over the points for any number of centers.

Each round draws every point x, independently of the others, as a candidate with probability

    min(1, 2 k d(x)^2 / sum over points of d^2),   d(x): distance to the nearest candidate so far

After `ROUNDS` rounds, k-means++ chooses k of the candidates, each weighted by the number of points that are nearest to it.
If the points have weights, squares and numbers of points are weighted.
Bahmani, Moseley, Vattani, Kumar & Vassilvitskii 2012, "Scalable k-means++", arXiv:1203.6402.
"""

import numpy as np

from clustering.blocks import map_points, sum_points
from clustering.distances import squared_distances
from clustering.nearest_candidates import Nearest, kept, nearest_candidates, points_at
from clustering.seeding import plus_plus, rows_not_chosen, weighted_random_rows

PARALLEL = "k-means||"
ROUNDS = 5
"""number of rounds, as recommended in the paper"""


def k_means_parallel(prepared, k: int, rng: np.random.Generator) -> np.ndarray:
    """Choose k points by k-means||.

    Parameters
    ----------
    prepared
        Prepared data with `columns` (d, n), `weights` (positive numbers, or None), `first_row`, `kept` and `blocks`.
    k : int
    rng : numpy.random.Generator
        The random number of a point depends on its row only, so the result does not depend on the blocks.

    Returns
    -------
    (k, d) array of `columns`

    Notes
    -----
    Takes 2 `ROUNDS` + 1 passes over the points or, in rare cases, more, until there are k candidates. If there are fewer than
    k distinct points, the remaining rows are drawn at random.
    """
    n = prepared.columns.shape[1]
    rows = rng.integers(n, size=1) if prepared.weights is None else weighted_random_rows(prepared.weights, 1, rng)
    candidates, nearest, begin, rounds = points_at(prepared, rows), None, 0, 0
    while True:
        nearest, (cost, weights) = map_points(_compare, prepared, nearest, candidates, begin)
        if cost == 0 or (rounds >= ROUNDS and len(rows) >= k):
            break
        begin, rounds = len(rows), rounds + 1
        seed = int(rng.integers(2**63))
        drawn, points = sum_points(_draw, prepared, nearest, candidates, 2 * k / cost, seed, combine=_both)
        rows, candidates = np.concatenate([rows, drawn]), np.concatenate([candidates, points])
    if len(rows) < k:
        return np.concatenate([candidates, points_at(prepared, rows_not_chosen(n, rows, k - len(rows), rng))])

    def weighted_distances_to(chosen):
        return weights * squared_distances(candidates.T, candidates[chosen])

    first = int(rng.choice(len(rows), p=weights / weights.sum()))
    return candidates[plus_plus(weighted_distances_to, len(rows), k, rng, first=first)]


def _compare(prepared, before: Nearest | None, candidates, begin: int):
    nearest = nearest_candidates(prepared, before, candidates, begin)
    weights = np.bincount(nearest.numbers, prepared.weights, minlength=len(candidates))
    return kept(prepared, nearest), (float(_weighted(prepared, nearest.squares).sum()), weights)


def _weighted(prepared, squares: np.ndarray) -> np.ndarray:
    return squares if prepared.weights is None else prepared.weights * squares


def _draw(prepared, nearest: Nearest | None, candidates, factor: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows (m,) and points (m, d) that are drawn with probability `factor` times their weighted squared distance."""
    squares = _weighted(prepared, nearest_candidates(prepared, nearest, candidates, len(candidates)).squares)
    generator = np.random.PCG64(seed)
    generator.advance(prepared.first_row)  # one random number per row
    (at,) = (np.random.Generator(generator).random(len(squares)) < factor * squares).nonzero()
    return prepared.first_row + at, prepared.columns[:, at].T


def _both(a, b):
    return tuple(map(np.concatenate, zip(a, b, strict=True)))

"""Distances of points to their nearest candidate, updated as candidates for initial centers are added.

Points are prepared data in memory, or in blocks, with `columns` (d, n), `first_row`, `kept` and `blocks`.
"""

from typing import NamedTuple

import numpy as np

from clustering.blocks import POINTS_KEPT
from clustering.chunks import map_chunks
from clustering.distances import squared_distances

CHUNK = 2**13
"""points processed at a time"""


class Nearest(NamedTuple):
    """The nearest candidate of each point."""

    squares: np.ndarray
    """(n,) squared distance"""
    numbers: np.ndarray
    """(n,) number of the candidate, the lowest if tied"""


def nearest_candidates(prepared, before: Nearest | None, candidates: np.ndarray, begin: int) -> Nearest:
    """The nearest of the candidates (m, d), given the nearest of the first `begin` of them, or None if unknown."""
    n = prepared.columns.shape[1]
    if before is None:
        before, begin = Nearest(np.full(n, np.inf), np.zeros(n, dtype=np.int32)), 0
    if begin == len(candidates):
        return before
    squares, numbers = before.squares.copy(), before.numbers.copy()

    def part(chunk):
        distances = squared_distances(prepared.columns[:, chunk], candidates[begin:])
        closest = distances.argmin(axis=0)
        distances = distances[closest, np.arange(len(closest))]
        (closer,) = (distances < squares[chunk]).nonzero()
        squares[chunk][closer], numbers[chunk][closer] = distances[closer], begin + closest[closer]

    map_chunks(part, n, CHUNK)
    return Nearest(squares, numbers)


def kept(prepared, nearest: Nearest) -> Nearest | None:
    """What stays in memory until the next pass: None if it does not fit, so that it is computed again."""
    return nearest if prepared.kept >= POINTS_KEPT else None


def points_at(prepared, rows: np.ndarray) -> np.ndarray:
    """(m, d) array of the columns with these row numbers (m,)."""
    if prepared.blocks is None:
        return prepared.columns[:, rows].T
    return prepared.blocks.rows(rows, _points)


def _points(prepared) -> np.ndarray:
    return prepared.columns.T

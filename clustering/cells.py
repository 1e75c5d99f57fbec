"""Nearest centers of many points in few dimensions, found for whole cells of a grid.

    gap(x) = distance of x to its second nearest center - distance to its nearest one
    gap(x) >= gap(m) - 2 r    for every point x in a cell with middle m and reach r = max ||x - m||

A cell is whole while this bound is positive: all of its points have one nearest center, so the cell moves from cluster to
cluster as one, with the number and the sum of its points. Other cells are loose: their points are evaluated one by one. The
labels are those of a search for every point. Pelleg & Moore 1999, doi:10.1145/312129.312248, assign whole boxes of a k-d tree
with a related test.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from clustering.chunks import map_chunks

PER_CELL = 16
"""mean number of points per cell of the grid"""
MAX_CELLS = 2**16
"""maximum number of cells, so that their numbers are 16-bit integers, which are sorted fastest"""
MIN_POINTS = 40_000
"""number of points below which cells do not pay, found by timing"""
MAX_EXPECTED = 0.3
"""expected proportion of loose cells above which cells do not pay, found by timing"""
MAX_LOOSE = 0.5
"""proportion of points in loose cells in the first iteration above which each point is evaluated by itself instead"""
CHUNK = 2**15
"""number of points or cells evaluated at once"""


@dataclass(frozen=True, eq=False)
class Cells:
    """Points sorted by the cells of a grid, m of which are occupied."""

    columns: np.ndarray
    """(d, n) points, transposed, those of a cell next to each other"""
    order: np.ndarray
    """(n,) original row of each point"""
    begins: np.ndarray
    """(m,) position of the first point of each cell"""
    counts: np.ndarray
    """(m,) number of points in each cell"""
    masses: np.ndarray
    """(1 + d, m) number of points in each cell, as floats, and their sums"""
    middles: np.ndarray
    """(d, m) middle of the bounding box of each cell's points"""
    widths: np.ndarray
    """(m,) diagonal of this bounding box: the difference between the gaps of middle and point cannot be larger"""
    pace: float
    """drift after which loose cells are tried again"""

    def retry(self, drift: np.ndarray) -> np.ndarray:
        """The drift rounded up to a multiple of `pace`: many loose cells become whole in one iteration, few in between."""
        if self.pace == 0:
            return drift
        with np.errstate(over="ignore"):  # infinite: never tried again
            return np.ceil(drift / self.pace) * self.pace


class LoosePoints(NamedTuple):
    """Points in the loose cells, in any order."""

    rows: np.ndarray
    """(r,) position of each point among the points sorted by cells"""
    cells: np.ndarray
    """(r,) its cell"""
    labels: np.ndarray
    """(r,) its cluster"""
    expiry: np.ndarray
    """(r,) it keeps its label as long as the drift of its cluster is below this: drift plus gap when last evaluated"""


@dataclass(frozen=True, eq=False)
class CellLabels:
    """Cluster of each whole cell and of each point in a loose cell."""

    cells: Cells
    k: int
    """number of clusters"""
    cell_labels: np.ndarray
    """(m,) cluster of each cell, k if it is loose"""
    cell_expiry: np.ndarray
    """(m,) a cell is evaluated again when the drift of its cluster exceeds this; if it is loose, the largest drift"""
    loose: LoosePoints

    @cached_property
    def labels(self) -> np.ndarray:
        """(n,) cluster of each point in the original order, in the smallest unsigned integer type that holds k - 1."""
        by_cell = np.repeat(self.cell_labels.astype(np.min_scalar_type(self.k - 1)), self.cells.counts)
        by_cell[self.loose.rows] = self.loose.labels
        labels = np.empty_like(by_cell)
        labels[self.cells.order] = by_cell
        return labels


def grid_cells(columns: np.ndarray) -> Cells:
    """Sort points, given as columns (d, n), into cells of about equal width in all dimensions, `PER_CELL` points on average.

    The grid spans the middle 96 percent of each column; points outside belong to the outermost cells.
    """
    n = columns.shape[1]
    low, high = np.quantile(columns[:, :: max(1, n // 1000)], [0.02, 0.98], axis=1)
    strips = _strips(high - low, min(n / PER_CELL, MAX_CELLS))
    numbers = np.zeros(n, dtype=np.uint16)

    def number(chunk):
        for column, begin, end, count in zip(columns, low, high, strips, strict=True):
            if count > 1:
                scaled = (np.clip(column[chunk], begin, end) - begin) * (count / (end - begin))
                numbers[chunk] *= np.uint16(count)
                numbers[chunk] += np.minimum(scaled, count - 1, out=scaled).astype(np.uint16)

    map_chunks(number, n, CHUNK)
    order = numbers.argsort(kind="stable")
    numbers, columns = numbers.take(order), columns.take(order, axis=1)
    begins = np.concatenate([[0], 1 + (numbers[1:] != numbers[:-1]).nonzero()[0]])
    counts = np.diff(begins, append=n)
    lowest, highest = np.minimum.reduceat(columns, begins, axis=1), np.maximum.reduceat(columns, begins, axis=1)
    masses = np.vstack([counts, np.add.reduceat(columns, begins, axis=1)])
    widths = np.sqrt(np.square(highest - lowest).sum(axis=0))
    return Cells(columns, order, begins, counts, masses, (lowest + highest) / 2, widths, 2 * float(widths.mean()))


def _strips(widths: np.ndarray, cells: float) -> np.ndarray:
    """(d,) number of strips of each column, at most `cells` cells in all, so that cells are about as wide as high."""
    strips, widest = np.ones(len(widths), dtype=int), widths.max()
    if widest < MAX_CELLS * np.finfo(float).tiny:
        return strips
    relative = np.maximum(widths / widest, 1e-9)
    ascending = np.argsort(relative, kind="stable")
    for i, column in enumerate(ascending):  # a column narrower than a cell has one strip, and the others share all cells
        others = relative[ascending[i:]]
        strips[column] = max(1, int(others[0] * (cells / others.prod()) ** (1 / len(others))))
        cells /= strips[column]
    return strips


def cells_pay(d: int, n: int, k: int) -> bool:
    """Whether cells are expected to save time for n points in d dimensions and k clusters."""
    if d > 3 or n < MIN_POINTS or k == 1:
        return False
    # boundaries of k clusters cross about this proportion of the cells, found by counting
    return 4 * (k * max(PER_CELL / n, 1 / MAX_CELLS)) ** (1 / d) < MAX_EXPECTED


def useful_cells(columns: np.ndarray, k: int) -> Cells | None:
    """Cells of the points, given as columns (d, n), or None if they are not expected to save time."""
    return grid_cells(columns) if cells_pay(*columns.shape, k) else None


def assign_by_cells(
    cells: Cells, before: CellLabels | None, drift: np.ndarray, due: np.ndarray, nearest: Callable
) -> tuple[CellLabels, np.ndarray, np.ndarray, int] | None:
    """Assign each point to its nearest center.

    Parameters
    ----------
    cells : Cells
    before : CellLabels, optional
        Labels in the previous iteration.
    drift : (k,) array
        Upper bound on how much the gaps of each cluster's points have shrunk since iteration 0.
    due : (k,) array
        Points and cells of each cluster whose expiry is below this are evaluated again: the drift and a margin for rounding.
    nearest : callable
        `nearest(columns, squares, rows)` returns labels and gaps of points, given as columns with their squared norms.
        `rows(close)`, called if two centers are almost equally near, returns the original rows of the points with these
        indices; None if any of the two labels will do.

    Returns
    -------
    labels : CellLabels
    sizes, sums : (k,) and (k, d) arrays
        Number and sum of the points that each cluster gained, minus those that it lost.
    changed : int
        Number of points whose label differs from the previous one; n in the first iteration.

    None if too many points are in loose cells in the first iteration.
    """
    first, k, farthest = before is None, len(drift), drift.max()
    before = _unassigned(cells, k) if first else before
    labels, expiry, loose, moves = before.cell_labels.copy(), before.cell_expiry.copy(), before.loose, []
    slack, due = (due - drift).max(), np.append(due, farthest)
    (at,) = (expiry < due.take(labels, mode="clip")).nonzero()
    if at.size:
        old = labels.take(at)
        new, gaps = _evaluate(cells.middles, at, nearest, lambda chunk: None)
        gaps -= cells.widths.take(at)
        crossed = gaps < slack
        expiry[at] = np.where(crossed, cells.retry(farthest - gaps), gaps + drift.take(new))
        labels[at] = new = np.where(crossed, k, new).astype(labels.dtype)
        (moved,) = (new != old).nonzero()
        at, old, new = at.take(moved), old.take(moved), new.take(moved)
        was, split = old == k, new == k
        (whole,) = (~(was | split)).nonzero()
        moves.append((old.take(whole), new.take(whole), cells.masses.take(at.take(whole), axis=1)))
        if was.any():
            loose = _without_whole(cells, loose, k, labels, moves)
        if split.any():
            loose = _with_cells(cells, loose, at[split], old[split])
        if first and len(loose.rows) > MAX_LOOSE * len(cells.order):
            return None
    loose = _evaluated(cells, loose, drift, due, nearest, moves)
    sizes, sums, changed = _net(moves, k, cells)
    return CellLabels(cells, k, labels, expiry, loose), sizes, sums, changed


def _unassigned(cells: Cells, k: int) -> CellLabels:
    """Labels before the first iteration: whole cells of a cluster k + 1, which does not exist."""
    m, nothing = len(cells.counts), np.empty(0, dtype=np.intp)
    labels = np.full(m, k + 1, dtype=np.min_scalar_type(k + 1))
    return CellLabels(cells, k, labels, np.full(m, -np.inf), LoosePoints(nothing, nothing, labels[:0], np.empty(0)))


def _with_cells(cells: Cells, loose: LoosePoints, at, labels) -> LoosePoints:
    """The loose points and all points of the cells `at`, which had these labels and are to be evaluated."""
    counts = cells.counts.take(at)
    ends = counts.cumsum()
    rows = np.arange(ends[-1]) + (cells.begins.take(at) - ends + counts).repeat(counts)
    added = LoosePoints(rows, at.repeat(counts), labels.repeat(counts), np.full(len(rows), -np.inf))
    return LoosePoints(*map(np.concatenate, zip(loose, added, strict=True)))


def _without_whole(cells: Cells, loose: LoosePoints, k, cell_labels, moves) -> LoosePoints:
    """The loose points without those of cells that are whole now, whose moves are appended to `moves`."""
    now = cell_labels.take(loose.cells)
    stay = now == k
    (moved,) = (~stay & (now != loose.labels)).nonzero()
    moves.append((loose.labels.take(moved), now.take(moved), _masses(cells, loose.rows.take(moved))))
    return LoosePoints(*(part.compress(stay) for part in loose))


def _evaluated(cells: Cells, loose: LoosePoints, drift, due, nearest, moves) -> LoosePoints:
    """The loose points after evaluating those that are due, whose moves are appended to `moves`."""
    (at,) = (loose.expiry < due.take(loose.labels, mode="clip")).nonzero()
    if not at.size:
        return loose
    labels, expiry = loose.labels.copy(), loose.expiry.copy()
    old, rows = labels.take(at), loose.rows.take(at)
    new, gaps = _evaluate(cells.columns, rows, nearest, lambda chunk: lambda close: cells.order[rows[chunk][close]])
    labels[at], expiry[at] = new, gaps + drift.take(new)
    (moved,) = (new != old).nonzero()
    moves.append((old.take(moved), new.take(moved), _masses(cells, rows.take(moved))))
    return loose._replace(labels=labels, expiry=expiry)


def _masses(cells: Cells, rows) -> np.ndarray:
    """(1 + d, r) number and sum of each of these points: 1 and its coordinates."""
    return np.concatenate([np.ones((1, len(rows))), cells.columns.take(rows, axis=1)])


def _evaluate(columns, at, nearest, rows) -> tuple[np.ndarray, np.ndarray]:
    """Labels and gaps of the columns with indices `at`; `rows(chunk)` is the argument of `nearest` for a part of them."""

    def part(chunk):
        selected = columns.take(at[chunk], axis=1)
        return nearest(selected, np.einsum("dn,dn->n", selected, selected), rows(chunk))

    parts = map_chunks(part, len(at), CHUNK)
    return parts[0] if len(parts) == 1 else tuple(map(np.concatenate, zip(*parts, strict=True)))


def _net(moves, k, cells) -> tuple[np.ndarray, np.ndarray, int]:
    """Sizes (k,) and sums (k, d) that the clusters gained, minus those that they lost, and the number of points moved."""
    if not moves:
        return np.zeros(k, dtype=np.intp), np.zeros((k, len(cells.columns))), 0
    old, new, masses = (np.concatenate(part, axis=-1) for part in zip(*moves, strict=True))
    labels, masses = np.concatenate([new, old]), np.concatenate([masses, -masses], axis=1)
    net = np.array([np.bincount(labels, weights=mass, minlength=k + 2) for mass in masses])[:, :k]
    return net[0].astype(np.intp), net[1:].T, int(masses[0, : len(old)].sum())

"""Nearest center of each point, found for each point by itself; `clustering.cells` is the alternative.

    gap(x) = distance of x to its second nearest center - distance to its nearest one

When each center c moves by a distance s(c), the gap of a point shrinks by at most s(own center) + max s(other centers). Only
points whose gap may be used up are evaluated again (Elkan 2003, Hamerly 2010, see `KMeans`). In small tables with few clusters
it is faster to evaluate all points without storing their gaps.
"""

from typing import NamedTuple

import numpy as np

from clustering.chunks import approximate_two_smallest, chunk_size, map_chunks, product

MAX_POINTS, MAX_PER_POINT, MAX_ENTRIES = 2**15, 80, 300_000
"""number of points up to which it can be faster to evaluate all of them without storing gaps: if the work per point, the
number of clusters times columns (plus 6), or the work for all points is small, found by timing"""


class PointLabels(NamedTuple):
    """Labels found for each point by itself; `CellLabels` are the alternative."""

    labels: np.ndarray
    """(n,) cluster of each point, in the smallest unsigned integer type that holds k - 1, to reduce copying"""
    expiry: np.ndarray | None
    """(n,) a point keeps its label as long as the drift of its cluster is below this: drift plus gap when last evaluated;
    None if every point is evaluated in each iteration"""

    def compact(self) -> "PointLabels":
        """What the blocks of a Dask array keep until the next iteration: single precision, rounded down."""
        if self.expiry is None:
            return self
        with np.errstate(over="ignore", under="ignore"):
            expiry = self.expiry.astype(np.float32)
        larger = expiry > self.expiry
        expiry[larger] = np.nextafter(expiry[larger], np.float32(-np.inf))
        return PointLabels(self.labels, expiry)


def gaps_pay(d: int, n: int, k: int) -> bool:
    """Whether gaps save time for n points in d dimensions and k clusters."""
    work = k * (d + 6)
    return n > MAX_POINTS or (work > MAX_PER_POINT and work * n > MAX_ENTRIES)


def assign_all(prepared, before: PointLabels | None, k: int, nearest):
    """Assign all points without their gaps.

    `nearest(columns, rows)` returns the labels of points, given as columns; `rows(close)` as in `assign_by_cells`. The results
    are those of `assign_by_cells`.
    """
    d, n = prepared.columns.shape
    labels = np.empty(n, dtype=np.min_scalar_type(k - 1))

    def assign(chunk):
        columns = prepared.columns[:, chunk]
        labels[chunk] = nearest(columns, lambda close: chunk.start + close)
        if before is None:
            return *_tally(labels[chunk], columns, k), chunk.stop - chunk.start
        return _moves(columns, before.labels[chunk], labels[chunk], k)

    return PointLabels(labels, None), *_totals(map_chunks(assign, n, chunk_size(d + 2 * k)))


def assign_by_points(prepared, before: PointLabels | None, drift, due, nearest):
    """Assign each point by itself; arguments and results as in `assign_by_cells`."""
    k, (d, n) = len(drift), prepared.columns.shape
    labels, expiry = np.empty(n, dtype=np.min_scalar_type(k - 1)), np.empty(n)

    def assign(chunk):
        if before is None:
            columns = prepared.columns[:, chunk]
            labels[chunk], gaps = nearest(columns, prepared.squares[chunk], lambda close: chunk.start + close)
            expiry[chunk] = gaps + drift.take(labels[chunk], mode="clip")
            return *_tally(labels[chunk], columns, k), chunk.stop - chunk.start
        chunk_labels, chunk_expiry = labels[chunk], expiry[chunk]
        chunk_labels[:], chunk_expiry[:] = before.labels[chunk], before.expiry[chunk]
        # mode="clip" avoids a copy of all labels in `take`
        (rows,) = (chunk_expiry < due.take(chunk_labels, mode="clip")).nonzero()
        if not rows.size:
            return 0, 0, 0
        if rows.size > 0.6 * chunk_labels.size:  # the whole contiguous chunk is faster than selecting most of it
            rows, at = np.arange(chunk_labels.size), slice(None)
            columns, squares = prepared.columns[:, chunk], prepared.squares[chunk]
        else:
            at = rows
            # `take` is faster than indexing, but copies a slice before selecting from it
            columns, squares = prepared.columns.take(rows + chunk.start, axis=1), prepared.squares[chunk].take(rows)
        old = chunk_labels[at].copy()
        new, gaps = nearest(columns, squares, lambda close: chunk.start + rows[close])
        chunk_labels[at], chunk_expiry[at] = new, gaps + drift.take(new, mode="clip")
        return _moves(columns, old, new, k)

    return PointLabels(labels, expiry), *_totals(map_chunks(assign, n, chunk_size(d + 2 * k)))


def _totals(parts):
    """Totals of sizes, sums and the number of points moved over all chunks."""
    sizes, sums, changed = parts[0] if len(parts) == 1 else (sum(part) for part in zip(*parts, strict=True))
    return sizes, sums, int(changed)


def _moves(columns, old, new, k):
    """Sizes (k,) and sums (k, d) that the clusters gained, minus those that they lost, and the number of points moved."""
    (moved,) = (new != old).nonzero()
    if not moved.size:
        return 0, 0, 0
    columns = columns.take(moved, axis=1)
    gained, lost = (_tally(side[moved], columns, k) for side in (new, old))
    return gained[0] - lost[0], gained[1] - lost[1], moved.size


def nearest_labels(columns, centers, squared_norms, margin, resolve_ties) -> np.ndarray:
    """(n,) labels of the nearest centers; arguments as in `nearest_and_gaps`."""
    scores = product(-2.0 * centers, columns)
    scores += squared_norms[:, None]
    near = scores <= scores.min(axis=0) + margin
    numbers = near.view(np.uint8)
    labels = np.zeros(len(numbers.T), dtype=np.min_scalar_type(len(centers) - 1))
    for k in range(1, len(centers)):
        np.maximum(labels, np.multiply(numbers[k], k, dtype=labels.dtype), out=labels)
    if np.count_nonzero(near) > len(labels):
        (close,) = (near.sum(axis=0) > 1).nonzero()
        labels[close] = resolve_ties(close)[1]
    return labels


def nearest_and_gaps(columns, squares, centers, squared_norms, margin, resolve_ties) -> tuple[np.ndarray, np.ndarray]:
    """Labels (n,) of the nearest centers and gaps (n,) to the second nearest; `squared_norms` (k,): of the centers.

    Where the two squared distances differ by less than `margin`, `resolve_ties(indices)` computes the smallest squared
    distance, its label and the second smallest distance of the columns with these indices; None leaves them as they are.
    """
    scores = product(-2.0 * centers, columns)
    scores += squared_norms[:, None]
    smallest, labels, second = approximate_two_smallest(scores)
    (close,) = (second - smallest < margin).nonzero()
    smallest += squares
    second += squares
    gaps = np.sqrt(np.maximum(second, 0.0, out=second), out=second)
    gaps -= np.sqrt(np.maximum(smallest, 0.0, out=smallest), out=smallest)
    if close.size and resolve_ties:
        smallest, labels[close], second = resolve_ties(close)
        gaps[close] = np.sqrt(second) - np.sqrt(smallest)
    return labels, gaps


def shrinkage(moves) -> np.ndarray:
    """(k,) upper bound on how much the gaps of each cluster's points shrink when the centers move by `moves` (k, d)."""
    lengths = np.sqrt(np.einsum("kd,kd->k", moves, moves))
    most_moved = lengths.argmax()
    longest = lengths[most_moved]
    shrinkage = lengths + longest
    lengths[most_moved] = 0.0
    shrinkage[most_moved] = longest + lengths.max()
    return shrinkage


def _tally(labels, columns, k) -> tuple[np.ndarray, np.ndarray]:
    """Sizes (k,) of the clusters and sums (k, d) of their columns."""
    labels = labels.astype(np.intp, copy=False)
    sums = np.array([np.bincount(labels, weights=column, minlength=k) for column in columns]).T
    return np.bincount(labels, minlength=k), sums

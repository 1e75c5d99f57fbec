"""Nearest center of each point, found for each point by itself; `clustering.cells` is the alternative.

    gap(x) = distance of x to its second nearest center - distance to its nearest one

When centers move by s, the gap of a point shrinks by at most s(own center) + max s(other centers). Only points whose gap may
be used up are evaluated again (Elkan 2003, Hamerly 2010, see `KMeans`).
"""

from typing import NamedTuple

import numpy as np

from clustering.blocks import NOTHING_KEPT
from clustering.chunks import approximate_two_smallest, chunk_size, map_chunks, product


class PointLabels(NamedTuple):
    """Labels found for each point by itself; `CellLabels` are the alternative."""

    labels: np.ndarray
    """(n,) cluster of each point, in the smallest unsigned integer type that holds k - 1, to reduce copying"""
    expiry: np.ndarray | None
    """(n,) a point keeps its label as long as the drift of its cluster is below this: drift plus gap when last evaluated;
    None if every point is evaluated in each iteration, which takes less memory"""

    def compact(self) -> "PointLabels":
        """What the blocks of a Dask array keep until the next iteration: single precision, rounded down."""
        if self.expiry is None:
            return self
        with np.errstate(over="ignore", under="ignore"):
            expiry = self.expiry.astype(np.float32)
        larger = expiry > self.expiry
        expiry[larger] = np.nextafter(expiry[larger], np.float32(-np.inf))
        return PointLabels(self.labels, expiry)


def assign_by_points(prepared, before: PointLabels | None, drift, due, nearest):
    """Assign each point by itself; arguments and results as in `assign_by_cells`."""
    k, (d, n) = len(drift), prepared.columns.shape
    labels, expiry = np.empty(n, dtype=np.min_scalar_type(k - 1)), np.empty(n)
    expiry_before = None if before is None else before.expiry

    def assign(chunk):
        if expiry_before is None:
            columns = prepared.columns[:, chunk]
            labels[chunk], gaps = nearest(columns, prepared.squares[chunk], lambda close: chunk.start + close)
            expiry[chunk] = gaps + drift.take(labels[chunk], mode="clip")
            if before is None:
                return *_tally(labels[chunk], columns, k), chunk.stop - chunk.start
            return _moves(columns, before.labels[chunk], labels[chunk], k)
        chunk_labels, chunk_expiry = labels[chunk], expiry[chunk]
        chunk_labels[:], chunk_expiry[:] = before.labels[chunk], expiry_before[chunk]
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

    parts = map_chunks(assign, n, chunk_size(d + 2 * k))
    sizes, sums, changed = (sum(part) for part in zip(*parts, strict=True))
    return PointLabels(labels, None if prepared.kept == NOTHING_KEPT else expiry), sizes, sums, int(changed)


def _moves(columns, old, new, k):
    """Sizes (k,) and sums (k, d) that the clusters gained, minus those that they lost, and the number of points moved."""
    (moved,) = (new != old).nonzero()
    if not moved.size:
        return 0, 0, 0
    columns = columns.take(moved, axis=1)
    gained, lost = (_tally(side[moved], columns, k) for side in (new, old))
    return gained[0] - lost[0], gained[1] - lost[1], moved.size


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

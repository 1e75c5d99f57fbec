"""What the M step of K-means does with empty clusters: each gets the point that is farthest from its center."""

from functools import partial
from typing import NamedTuple

import numpy as np

from clustering.blocks import sum_points
from clustering.weights import weighted_tally


class Farthest(NamedTuple):
    """The points farthest from their centers, in order of decreasing distance, then of rows."""

    distances: np.ndarray
    """(m,) squared distances"""
    labels: np.ndarray
    """(m,) clusters"""
    rows: np.ndarray
    """(m,) rows in the whole table"""
    points: np.ndarray
    """(m, d) centered points"""


def _farthest(prepared, found, centers, count: int) -> Farthest:
    labels, n = found.labels, len(prepared.points)
    distances = np.zeros(n)
    for column, coordinate in zip(prepared.columns, centers.T, strict=True):
        distances += np.square(column - coordinate[labels])
    if prepared.weights is not None:
        distances[prepared.weights == 0] = 0.0
    at = np.arange(n)
    if n > count:
        (at,) = (distances >= np.partition(distances, n - count)[n - count]).nonzero()
    return _first(Farthest(distances[at], labels[at], at + prepared.first_row, prepared.columns[:, at].T), count)


def _first(points: Farthest, count: int) -> Farthest:
    order = np.argsort(-points.distances, kind="stable")[:count]
    return Farthest(*(part[order] for part in points))


def _farthest_of_both(a: Farthest, b: Farthest, count: int) -> Farthest:
    return _first(Farthest(*map(np.concatenate, zip(a, b, strict=True))), count)


def fill_empty(prepared, partition) -> tuple[list[tuple[int, int]], np.ndarray, np.ndarray]:
    """Moves, sizes and sums after moving, into each empty cluster, the point farthest from its center.

    Only points of clusters with at least two points are moved. A move is a pair of row and cluster. Points of weight 0 do not
    count, and others move with their whole weight.
    """
    sizes, sums = partition.sizes, partition.sums
    if not partition.has_empty:
        return [], sizes, sums
    sizes, sums, moves = sizes.copy(), sums.copy(), []
    if prepared.weights is not None:  # count points until it is known which ones are moved
        found = partition.found.labels.copy()
        sizes = np.bincount(found[prepared.weights > 0], minlength=len(sizes))
    # the k clusters have at most k points that are alone in their cluster, so one of k + 1 points can be moved
    count = len(sizes) + 1
    distances, labels, rows, points = sum_points(
        _farthest, prepared, partition.found, partition.centers, count, combine=partial(_farthest_of_both, count=count)
    )
    for cluster in np.flatnonzero(sizes == 0):
        distances[sizes[labels] < 2] = 0.0
        farthest = distances.argmax()
        if distances[farthest] <= prepared.rounding:  # it coincides with its center: no improvement possible
            break
        point, old = points[farthest], labels[farthest]
        sizes[old] -= 1
        sums[old] -= point
        labels[farthest], sizes[cluster], sums[cluster] = cluster, 1, point
        distances[farthest] = 0.0
        moves.append((int(rows[farthest]), int(cluster)))
    if prepared.weights is not None:
        for row, cluster in moves:
            found[row] = cluster
        sizes, sums = weighted_tally(prepared, found, len(sizes))
    return moves, sizes, sums

"""Silhouette widths of clusterings.

    width(x) = (b(x) - a(x)) / max(a(x), b(x))

a: mean dissimilarity between x and the other points of its cluster; b: smallest mean dissimilarity between x and the points
of another cluster. With weights, these are weighted means, in which the copies of x count as other points. Rousseeuw 1987,
doi:10.1016/0377-0427(87)90125-7.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

from clustering.chunks import map_chunks
from clustering.points import check_data, is_integer, refuse_dask
from clustering.proximity import check_proximities
from clustering.weights import own_parts, rows_that_count

BLOCK = 2**18
"""number of distances computed at a time; few enough to stay in the CPU cache"""


class Silhouette(NamedTuple):
    """Silhouette widths of all points or of a sample."""

    widths: np.ndarray
    """(m,) widths in -1..1: near 1 well inside a cluster, 0 between two, negative if another is nearer; 0 for singletons"""
    rows: np.ndarray
    """(m,) indices of these points, increasing: all n whose weight is not 0, or those of a random sample"""
    weights: np.ndarray | None = None
    """(m,) weights of these points; None if all count the same"""

    @property
    def mean(self) -> float:
        """Mean silhouette width, the criterion for the number of clusters; higher is better."""
        return float(np.average(self.widths, weights=self.weights))


def silhouette(
    points, labels, *, max_points: int = 5_000, rng: np.random.Generator | int | None = 0, weights=None
) -> Silhouette:
    """Silhouette widths for Euclidean distances.

    Parameters
    ----------
    points : (n, d) array
    labels : (n,) array of integers
        May be negative and need not be consecutive.
    max_points : int
        If there are more points, a random sample of this size is used: widths are computed within the sample, and clusters
        without points in it are ignored.
    rng : numpy.random.Generator or seed
        Draws the sample.
    weights : (n,) array, optional
        How often each point counts, see `as_frequencies`; by default once. A point is in the sample, or not, with its whole
        weight.

    Raises
    ------
    ValueError
        As in `check_points` and `check_weights`; if labels are not n integers, `max_points` is not an integer of at least 2,
        or all points (of the sample) are in one cluster, for which widths are undefined.

    Notes
    -----
    Takes O(m^2) time for m points. Favors compact, convex clusters of similar spread.
    """
    points = check_data(points)
    labels, rows, weights = _sample(len(points), labels, max_points, rng, weights)
    points = points[rows]
    # cdist subtracts coordinates; expanding |x - y|^2 into products loses precision if the points are far from the origin
    widths = _widths(lambda block, order: cdist(points[block], points[order]), labels, weights)
    return Silhouette(widths, rows, weights)


def silhouette_of_proximities(
    proximities, labels, *, max_points: int = 5_000, rng: np.random.Generator | int | None = 0, weights=None
) -> Silhouette:
    """Silhouette widths for given dissimilarities.

    Parameters
    ----------
    proximities : (n, n) array
        Dissimilarities of any kind.
    labels, max_points, rng, weights : as in `silhouette`

    Raises
    ------
    ValueError
        As in `check_proximities` and `silhouette`.
    """
    matrix = check_proximities(proximities)
    labels, rows, weights = _sample(len(matrix), labels, max_points, rng, weights)
    scale = matrix.max() or 1.0  # prevents overflow in sums of very large dissimilarities
    widths = _widths(lambda block, order: matrix[np.ix_(rows[block], rows[order])] / scale, labels, weights)
    return Silhouette(widths, rows, weights)


def _sample(n: int, labels, max_points: int, rng, weights) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Labels (m,), indices (m,) and weights (m,) of all points that count, or of a sample of them."""
    refuse_dask(labels, "labels")
    labels = np.asarray(labels)
    if labels.shape != (n,) or labels.dtype.kind not in "iu":
        raise ValueError(f"labels must be n={n} integers, got an array of {labels.dtype} with shape {labels.shape}")
    if not is_integer(max_points) or max_points < 2:
        raise ValueError(f"max_points must be an integer of at least 2, got {max_points}")
    counting, weights = rows_that_count(weights, n)
    rows = np.arange(n)[counting]
    n = len(rows)
    if n > max_points:
        drawn = np.sort(np.random.default_rng(rng).choice(n, size=max_points, replace=False))
        rows, weights = rows[drawn], None if weights is None else weights[drawn]
    labels = labels[rows]
    if (labels == labels[0]).all():
        where = "all points" if n <= max_points else f"all {max_points} points of the sample"
        raise ValueError(f"silhouette widths need at least two clusters, but {where} are in cluster {labels[0]}")
    return labels, rows, weights


def _widths(distances: Callable[[np.ndarray, np.ndarray], np.ndarray], labels, weights: np.ndarray | None) -> np.ndarray:
    """Widths (m,), where `distances(block, order)` returns the dissimilarities (b, m) of points `block` and `order`."""
    _, cluster_of, counts = np.unique(labels, return_inverse=True, return_counts=True)
    # sorted by cluster, so that sums over a cluster are sums of adjacent columns
    order = np.argsort(cluster_of, kind="stable")
    starts = np.cumsum(counts) - counts
    widths = np.zeros(len(labels))
    sizes, own = counts, np.ones(len(labels))
    if weights is not None:
        sizes, own = np.bincount(cluster_of, weights), own_parts(weights)

    def fill(chunk):
        block = order[chunk]
        cluster, row = cluster_of[block], np.arange(len(block))
        found = distances(block, order)
        sums = np.add.reduceat(found if weights is None else found * weights[order], starts, axis=1)
        # the sum includes the zero distance of a point to itself, so divide by the number of other points
        others = sizes[cluster] - own[block]
        within = sums[row, cluster] / np.where(others > 0, others, 1)
        means = np.divide(sums, sizes, out=sums)
        means[row, cluster] = np.inf
        nearest = means.min(axis=1)
        larger = np.maximum(within, nearest)
        # the width is 0 for singletons, and if all distances are 0
        defined = (larger > 0) & (others > 0)
        widths[block[defined]] = (nearest - within)[defined] / larger[defined]

    map_chunks(fill, len(labels), max(1, BLOCK // len(labels)))
    return widths

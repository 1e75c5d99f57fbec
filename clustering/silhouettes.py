"""Silhouettes: how much better each point sits in its own cluster than it would in the next best.

    width(x) = (b(x) - a(x)) / max(a(x), b(x))

a: mean dissimilarity of x to the other points of its cluster; b: the least, over the other clusters, of the mean
dissimilarity of x to their points. Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

from clustering.chunks import over_chunks
from clustering.points import check_points, is_whole
from clustering.proximity import check_proximities

BLOCK = 2**18
"""distances at a time: they stay in cache"""


class Silhouette(NamedTuple):
    widths: np.ndarray
    """(m,) in -1..1: near 1 well inside its cluster, about 0 between two, below 0 nearer to another; 0 if alone in its own"""
    rows: np.ndarray
    """(m,) which points these are: all n in order, or a random sample, sorted"""

    @property
    def mean(self) -> float:
        """The mean width: the silhouette of the clustering, by which numbers of clusters are compared."""
        return float(self.widths.mean())


def silhouette(points, labels, *, most: int = 5_000, rng: np.random.Generator | int | None = 0) -> Silhouette:
    """The silhouette width of each point, by Euclidean distances.

    Parameters
    ----------
    points : (n, d) array
    labels : (n,) array of integers
        Any integers, negative ones too; numbers that no point has do not matter.
    most : int
        All pairs of many points are too many. Above this, a random sample of so many points stands for all: widths are of
        these points, among these points, and clusters that it misses do not count.
    rng : numpy.random.Generator or seed
        Draws the sample.

    Raises
    ------
    ValueError
        As `check_points`; if labels are not n integers, `most` is not a whole number of at least 2, or all points (of the
        sample) are in one cluster, where widths are not defined.

    Weakness: takes time in m^2 for m points, and favours clusters that are round and of one size.
    """
    points = check_points(points)
    labels, rows = _choose(len(points), labels, most, rng)
    points = points[rows]
    # by differences, which a common offset costs no digits, unlike products
    return Silhouette(_widths(lambda some, order: cdist(points[some], points[order]), labels), rows)


def silhouette_of_proximities(
    proximities, labels, *, most: int = 5_000, rng: np.random.Generator | int | None = 0
) -> Silhouette:
    """The silhouette width of each point, by its proximities (n, n), any dissimilarities; otherwise as `silhouette`.

    Raises
    ------
    ValueError
        As `check_proximities` and `silhouette`.
    """
    matrix = check_proximities(proximities)
    labels, rows = _choose(len(matrix), labels, most, rng)
    scale = matrix.max() or 1.0  # sums of the largest numbers would overflow
    return Silhouette(_widths(lambda some, order: matrix[np.ix_(rows[some], rows[order])] / scale, labels), rows)


def _choose(n: int, labels, most: int, rng) -> tuple[np.ndarray, np.ndarray]:
    """The labels (m,) of the points to look at, and their rows (m,)."""
    labels = np.asarray(labels)
    if labels.shape != (n,) or labels.dtype.kind not in "iu":
        raise ValueError(f"labels must be n={n} integers, got an array of {labels.dtype} with shape {labels.shape}")
    if not is_whole(most) or most < 2:
        raise ValueError(f"most must be a whole number of at least 2, got {most}")
    rows = np.arange(n)
    if n > most:
        rows = np.sort(np.random.default_rng(rng).choice(n, size=most, replace=False))
    labels = labels[rows]
    if (labels == labels[0]).all():
        where = "all points" if n <= most else f"all {most} points of the sample"
        raise ValueError(f"silhouette widths compare clusters and need at least two, but {where} are in cluster {labels[0]}")
    return labels, rows


def _widths(distances: Callable[[np.ndarray, np.ndarray], np.ndarray], labels) -> np.ndarray:
    """The widths (m,) for `distances(some, order)`, the dissimilarities of points `some` (b,) to points `order` (m,)."""
    _, own, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    # cluster by cluster, so that the sums over a cluster are those of neighboring columns
    order = np.argsort(own, kind="stable")
    begins = np.cumsum(sizes) - sizes
    widths = np.zeros(len(labels))

    def fill(chunk):
        some = order[chunk]
        mine, at = own[some], np.arange(len(some))
        sums = np.add.reduceat(distances(some, order), begins, axis=1)
        within = sums[at, mine] / np.maximum(sizes[mine] - 1, 1)  # without itself, at no distance
        means = np.divide(sums, sizes, out=sums)
        means[at, mine] = np.inf
        nearest = means.min(axis=1)
        larger = np.maximum(within, nearest)
        # points that coincide with all others have width 0, as have those alone in their cluster
        defined = (larger > 0) & (sizes[mine] > 1)
        widths[some[defined]] = (nearest - within)[defined] / larger[defined]

    over_chunks(fill, len(labels), max(1, BLOCK // len(labels)))
    return widths

"""Density-based clustering validation (DBCV): a score of clusters of any shape, with noise.

    core(x)     = (mean over the other points y of the cluster of ||x - y||^(-2 d))^(-1 / d)
    m(x, y)     = max(core(x), core(y), ||x - y||^2)
    sparseness  = longest inner edge of the minimum spanning tree of m in the cluster
    separation  = smallest m between an inner point of the cluster and one of another cluster
    validity    = (separation - sparseness) / max(separation, sparseness)
    score       = sum over the clusters of (points in the cluster / all points) validity

x, y: points (n, d). Inner points have more than one edge in the minimum spanning tree; inner edges link two inner points. A
cluster without inner points or edges uses all of its points or edges.
Moulavi, Jaskowiak, Campello, Zimek & Sander 2014, doi:10.1137/1.9781611973440.96.
"""

from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

from clustering.core_distances import CHUNK_VALUES
from clustering.points import check_data, refuse_dask


class _Cluster(NamedTuple):
    """What the score needs to know of a cluster."""

    points: np.ndarray
    """(m, d) inner points"""
    cores: np.ndarray
    """(m,) their core distances"""
    sparseness: float
    """longest inner edge"""


def density_based_validity(points, labels) -> float:
    """Density-based clustering validation (DBCV) of a clustering: from -1 to 1, larger is better.

    Parameters
    ----------
    points : (n, d) array
    labels : (n,) array of integers
        Cluster of each point; -1 for noise, which lowers the score in proportion to its number. A cluster of a single point
        counts as noise.

    Returns
    -------
    float
        The score. NaN if there are fewer than two clusters of two points or more.

    Raises
    ------
    ValueError
        As in `check_data`, or if `labels` are not n integers of at least -1.

    Notes
    -----
    The paper leaves details open; this is the variant of the authors' implementation in MATLAB, which uses squared Euclidean
    distances, with the spanning tree of SciPy, as in the Python package DBCV by Felipe Siqueira. The function `validity_index`
    of the package hdbscan uses distances that are not squared, so its values differ.

    Many spanning trees can be minimal, because many values of m are equal, and the score depends on which points are inner
    points. Of equal edges, that between the points with lower numbers is used.

    Takes O(n^2) time, and O(n d) memory.

    References
    ----------
    Moulavi, Jaskowiak, Campello, Zimek & Sander 2014, doi:10.1137/1.9781611973440.96.
    """
    points = check_data(points)
    refuse_dask(labels, "labels")
    labels = np.asarray(labels)
    if labels.shape != (len(points),) or not np.issubdtype(labels.dtype, np.integer) or labels.min() < -1:
        raise ValueError(f"labels must be {len(points)} integers of at least -1, one per point, where -1 is noise")
    numbers, sizes = np.unique(labels[labels >= 0], return_counts=True)
    numbers, sizes = numbers[sizes > 1], sizes[sizes > 1]
    if len(numbers) < 2:
        return np.nan
    clusters = [_cluster(points[labels == number]) for number in numbers]
    separations = np.full(len(clusters), np.inf)
    for i, one in enumerate(clusters):
        for j in range(i):
            separations[[i, j]] = np.minimum(separations[[i, j]], _separation(one, clusters[j]))
    sparsenesses = np.array([cluster.sparseness for cluster in clusters])
    larger = np.maximum(separations, sparsenesses)
    # clusters of identical points at the same position are neither sparse nor separated
    validities = np.divide(separations - sparsenesses, larger, out=np.zeros(len(clusters)), where=larger > 0)
    return float(validities @ sizes / len(points))


def _cluster(points: np.ndarray) -> _Cluster:
    """Inner points of a cluster (m, d), and its sparseness."""
    cores = _cores(points)
    first, second, lengths = _spanning_tree(points, cores)
    inner = np.bincount(np.concatenate([first, second]), minlength=len(points)) > 1
    edges = inner[first] & inner[second]
    kept = inner if inner.any() else ~inner
    return _Cluster(points[kept], cores[kept], float(lengths[edges].max() if edges.any() else lengths.max()))


def _cores(points: np.ndarray) -> np.ndarray:
    """(m,) core distances of the points of a cluster (m, d); 0 if another point is identical."""
    m, d = points.shape
    cores = np.empty(m)
    size = max(CHUNK_VALUES // m, 1)
    for begin in range(0, m, size):
        rows = np.arange(begin, min(begin + size, m))
        squares = cdist(points[rows], points, "sqeuclidean")
        squares[rows - begin, rows] = np.inf
        nearest = squares.min(axis=1)
        # relative to the nearest point, powers do not overflow
        with np.errstate(invalid="ignore"):
            densities = np.power(nearest[:, None] / squares, d).sum(axis=1) / (m - 1)
            cores[rows] = np.where(nearest > 0, nearest * densities ** (-1 / d), 0.0)
    return cores


def _spanning_tree(points: np.ndarray, cores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Minimum spanning tree of m: the two points of each edge, and its length, (m - 1,) each.

    By Prim's algorithm in an order of all edges: by length, then by the lower, then by the higher number of their points.
    This is the tree of `scipy.sparse.csgraph.minimum_spanning_tree`, without the matrix of all lengths.
    """
    n = len(points)
    numbers = np.arange(n)
    lengths, edges = np.full(n, np.inf), np.full(n, n * n)
    outside = np.ones(n, dtype=bool)
    found, found_lengths = np.empty(n - 1, dtype=np.intp), np.empty(n - 1)
    current = 0
    for i in range(n - 1):
        outside[current] = False
        lengths[current] = np.inf
        squares = cdist(points[[current]], points, "sqeuclidean")[0]
        reach = np.maximum(np.maximum(squares, cores), cores[current])
        edge = np.minimum(numbers, current) * n + np.maximum(numbers, current)
        nearer = outside & ((reach < lengths) | ((reach == lengths) & (edge < edges)))
        np.copyto(lengths, reach, where=nearer)
        np.copyto(edges, edge, where=nearer)
        shortest = np.flatnonzero(lengths == lengths.min())
        current = int(shortest[edges[shortest].argmin()])
        found[i], found_lengths[i] = edges[current], lengths[current]
    return found // n, found % n, found_lengths


def _separation(one: _Cluster, other: _Cluster) -> float:
    """Smallest m between inner points of two clusters."""
    smallest = np.inf
    size = max(CHUNK_VALUES // len(other.points), 1)
    for begin in range(0, len(one.points), size):
        rows = slice(begin, begin + size)
        squares = cdist(one.points[rows], other.points, "sqeuclidean")
        np.maximum(squares, other.cores, out=squares)
        np.maximum(squares, one.cores[rows, None], out=squares)
        smallest = min(smallest, float(squares.min()))
    return smallest

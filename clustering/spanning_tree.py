"""Minimum spanning tree of mutual reachability distances, and its single-linkage tree.

    mutual reachability    d(x, y) = max(core(x), core(y), ||x - y||),   core(x): core distance of x

The tree is that of Prim's algorithm from the first point, where among equal distances the point with the lowest number is next
(Prim 1957, doi:10.1002/j.1538-7305.1957.tb01515.x). Distances to all points take O(n^2) time. It is faster to link near
neighbors only, and then to look for shorter links where clusters merge: a pair that is missing among the neighbors is at least
as long as the distances of both points to their farthest listed neighbor, so it can only matter where two clusters merge that
both have points whose listed neighbors are all nearer than the link.
"""

from dataclasses import dataclass
from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from clustering.core_distances import (
    CHUNK_VALUES,
    MATRIX,
    MAX_TREE_COLUMNS,
    RemainingPoints,
    core_distances,
    nearest_neighbors,
)
from clustering.points import MIN_MAGNITUDE

MORE_NEIGHBORS, MIN_NEIGHBORS = 4, 12
"""neighbors of each point that are linked: this many in addition to those within its core distance, and at least this many"""
POINTS_PER_PART = 1_000
"""fewest points per part of the graph of neighbors; with more parts, the distances to all points are faster"""
POINTS_PER_SEARCH = 50
"""likewise fewest points per merge in which shorter links are searched"""
MAX_SEARCHED = 8
"""number of times that each point is searched on average, above which the distances to all points are faster"""
MAX_PAIRS, MANY_PAIRS = 2**16, 2**20
"""pairs of points above which the nearest ones are searched with a k-d tree, or the distances to all points are faster"""
MAX_TREES = 3
"""number of trees with missing links after which the distances to all points are computed"""
ROUNDING = 1e-12
"""relative error of distances that are computed in different ways"""


@dataclass(frozen=True, eq=False)
class Links:
    """A spanning tree, from its shortest to its longest link."""

    first: np.ndarray
    """(n - 1,) one of the two linked points"""
    second: np.ndarray
    """(n - 1,) the other one"""
    lengths: np.ndarray
    """(n - 1,) their distance"""


class Merges(NamedTuple):
    """Single-linkage tree of n points: nodes below n are points, node n + i is merge i, as in `Tree`."""

    left: list[int]
    """(n - 1) one of the two merged nodes"""
    right: list[int]
    """(n - 1) the other one"""
    sizes: list[int]
    """(2n - 1) number of points of each node"""


def spanning_tree(data: np.ndarray, min_points: int, metric: str = "euclidean") -> tuple[np.ndarray, Links, Merges]:
    """Core distances (n,) of points (n, d), their minimum spanning tree, and its single-linkage tree.

    With the metric `MATRIX`, `data` are distances (n, n).
    """
    n, d = data.shape
    count = min(n, max(min_points + MORE_NEIGHBORS, MIN_NEIGHBORS))
    if metric == MATRIX or d > MAX_TREE_COLUMNS or n * count > CHUNK_VALUES:
        cores, found = core_distances(data, min_points, metric), None
    else:
        nearest, squares = nearest_neighbors(cKDTree(data), data, slice(None), count)
        cores = np.sqrt(squares[:, :min_points].max(axis=1))
        found = _tree_of_neighbors(data, cores, nearest, np.sqrt(squares))
    if found is None:
        links = _tree_of_all(data, cores, metric)
        found = links, _merges(links)
    return cores, *found


def _tree_of_all(data: np.ndarray, cores: np.ndarray, metric: str) -> Links:
    """The tree from the distances of all pairs."""
    n = len(data)
    remaining = RemainingPoints(data, metric)
    distances, sources = np.full(n, np.inf), np.zeros(n, dtype=np.intp)
    outside = cores.copy()
    first, second, lengths = np.empty(n - 1, dtype=np.intp), np.empty(n - 1, dtype=np.intp), np.empty(n - 1)
    position = 0
    removed = 0
    for i in range(n - 1):
        current, core = remaining.rows[position], outside[position]
        # points in the tree are never nearest again; their rows are removed in batches
        distances[position], outside[position] = np.inf, np.inf
        removed += 1
        if removed > 64 and removed * 8 > len(outside):
            kept = np.isfinite(outside)
            remaining.keep(kept)
            distances, sources, outside, removed = distances[kept], sources[kept], outside[kept], 0
        reach = remaining.distances(current)
        np.maximum(reach, core, out=reach)
        np.maximum(reach, outside, out=reach)
        nearer = reach < distances
        np.copyto(distances, reach, where=nearer)
        sources[nearer] = current
        position = int(distances.argmin())
        first[i], second[i], lengths[i] = sources[position], remaining.rows[position], distances[position]
    order = np.argsort(lengths)
    return Links(first[order], second[order], lengths[order])


def _tree_of_neighbors(points, cores, nearest, distances) -> tuple[Links, Merges] | None:
    """The same tree from near neighbors (n, m) of each point and their distances; None if too many links may be missing."""
    n, m = nearest.shape
    farthest = distances.max(axis=1)
    limits = farthest * (1 - ROUNDING) if m < n else np.full(n, np.inf)
    first, second, distances = np.repeat(np.arange(n), m), nearest.ravel(), distances.ravel()
    lengths = np.maximum(np.maximum(cores[first], cores[second]), distances)
    back = distances >= farthest[second]  # where the first point may not be among the neighbors of the second
    pairs = [(first, second, lengths), (second[back], first[back], lengths[back])]
    count, parts = connected_components(csr_array((lengths, second, np.arange(n + 1) * m), shape=(n, n)), directed=False)
    if (count - 1) * POINTS_PER_PART > n:
        return None
    while parts.any():  # link the other parts to that of the first point
        found = _shortest(points, cores, np.flatnonzero(parts == 0), np.flatnonzero(parts), np.inf)
        if found is None:
            return None
        pairs += _both_ways(found)
        parts[parts == parts[found[1][0]]] = 0
    for _ in range(MAX_TREES):
        links = _prim(n, *map(np.concatenate, zip(*pairs, strict=True)))
        merges = _merges(links)
        found = _missing(points, cores, limits, nearest, pairs[2:], links.lengths, merges)
        if found is None:
            return None
        if not len(found[0]):
            return links, merges
        pairs += _both_ways(found)
    return None


def _both_ways(links: tuple) -> tuple[tuple, tuple]:
    """These links, and the same with both points exchanged."""
    first, second, lengths = links
    return links, (second, first, lengths)


def _prim(n: int, first, second, lengths) -> Links:
    """Spanning tree of n points that are linked in these pairs, given in both directions."""
    order = np.argsort(first, kind="stable")
    ends = np.cumsum(np.bincount(first, minlength=n)).tolist()
    neighbors, reaches = second[order].tolist(), lengths[order].tolist()
    distances, sources, heap = [np.inf] * n, [0] * n, []
    tree, tree_lengths = [0], []
    current, distances[0] = 0, -1.0  # no distance to a point of the tree is shorter
    for _ in range(n - 1):
        near = slice(ends[current - 1] if current else 0, ends[current])
        for point, reach in zip(neighbors[near], reaches[near], strict=True):
            if reach < distances[point]:
                distances[point], sources[point] = reach, current
                heappush(heap, (reach, point))
        length, current = heappop(heap)
        while distances[current] != length:
            length, current = heappop(heap)
        distances[current] = -1.0
        tree.append(current)
        tree_lengths.append(length)
    second, lengths = np.array(tree[1:], dtype=np.intp), np.array(tree_lengths, dtype=float)
    order = np.argsort(lengths)
    second = second[order]
    return Links(np.array(sources)[second], second, lengths[order])


def _missing(points, cores, limits, nearest, added, lengths, merges: Merges) -> tuple | None:
    """Links that are not among the neighbors, and may be as short as those of the tree; None if there is too much to search.

    limits : (n,) lower bound of the lengths of the links of each point that are not among the neighbors
    added : links that were found before, of the same form as the result
    """
    n, lowest, searches = len(cores), limits.tolist(), []
    for a, b, length in zip(merges.left, merges.right, lengths.tolist(), strict=True):
        if lowest[a] <= length and lowest[b] <= length:
            searches.append((a, b, length))
        lowest.append(min(lowest[a], lowest[b]))
    missing = [(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp), np.empty(0))]
    if not searches:
        return missing[0]
    if len(searches) * POINTS_PER_SEARCH > n:
        return None
    begins, sizes = _begins(merges), merges.sizes
    order = np.argsort(begins[:n])
    columns, limits, searched = np.ascontiguousarray(points[order].T), limits[order], 0
    for *nodes, length in searches:
        # the points of a cluster are next to each other in this order
        parts = [slice(begins[node], begins[node] + sizes[node]) for node in sorted(nodes, key=sizes.__getitem__)]
        a, b = (order[rows] for rows in _near(columns, limits, *parts, length))
        searched += len(a) + len(b) if len(a) * len(b) > MAX_PAIRS else 0
        found = None if searched > MAX_SEARCHED * n else _shortest(points, cores, a, b, length)
        if found is None:
            return None
        missing.append(found)
    first, second, lengths = map(np.concatenate, zip(*missing, strict=True))
    known = (nearest[first] == second[:, None]).any(axis=1) | (nearest[second] == first[:, None]).any(axis=1)
    known |= np.isin(first * n + second, np.concatenate([first[:0], *(one * n + other for one, other, _ in added)]))
    return first[~known], second[~known], lengths[~known]


def _near(columns, limits, part: slice, other: slice, length: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows of points in two parts that may be linked at this length: near the bounding box of those of the other part."""
    rows = part.start + np.flatnonzero(limits[part] <= length)
    box = columns[:, rows]
    near = limits[other] <= length
    for column, low, high in zip(columns[:, other], box.min(axis=1) - length, box.max(axis=1) + length, strict=True):
        near &= (low <= column) & (column <= high)
    return rows, other.start + np.flatnonzero(near)


def _shortest(points, cores, a, b, limit: float):
    """The shortest links of points a and b, if they are not longer than the limit: both points and lengths; None if too many.

    There are several if they are equally short.
    """
    if len(a) * len(b) > MAX_PAIRS:
        for _ in range(2):
            above = max(limit * (1 + ROUNDING), MIN_MAGNITUDE)  # its square is above that of the limit, also if this is 0
            distances, nearest = cKDTree(points[a]).query(points[b], distance_upper_bound=above)
            found = np.flatnonzero(np.isfinite(distances))
            lengths = np.maximum(np.maximum(distances[found], cores[b[found]]), cores[a[nearest[found]]])
            limit = min(limit, lengths.min(initial=np.inf) * (1 + ROUNDING))
            a, b = b[distances <= limit], a
            if not a.size:
                break
        if len(a) * len(b) > MANY_PAIRS:
            return None
    lengths = np.maximum(np.maximum(cdist(points[a], points[b]), cores[a][:, None]), cores[b])
    i, j = np.nonzero(lengths <= min(limit, lengths.min(initial=np.inf)))
    return a[i], b[j], lengths[i, j]


def _merges(links: Links) -> Merges:
    """Single-linkage tree of a spanning tree."""
    n = len(links.lengths) + 1
    roots, sizes = list(range(2 * n - 1)), [1] * n
    left, right = [], []
    for merge, (a, b) in enumerate(zip(links.first.tolist(), links.second.tolist(), strict=True), n):
        while roots[a] != a:
            roots[a] = a = roots[roots[a]]
        while roots[b] != b:
            roots[b] = b = roots[roots[b]]
        roots[a] = roots[b] = merge
        left.append(a)
        right.append(b)
        sizes.append(sizes[a] + sizes[b])
    return Merges(left, right, sizes)


def _begins(merges: Merges) -> list[int]:
    """Position of the first point of each node, if the points of all nodes are in order from left to right."""
    n = len(merges.left) + 1
    begins = [0] * (2 * n - 1)
    for node in range(2 * n - 2, n - 1, -1):
        a, b = merges.left[node - n], merges.right[node - n]
        begins[a], begins[b] = begins[node], begins[node] + merges.sizes[a]
    return begins

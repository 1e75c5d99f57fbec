"""How the clusters of DBSCAN depend on the radius."""

from typing import NamedTuple

import numpy as np
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform

from clustering.core_distances import check_enough_points, check_min_points
from clustering.hdbscan import CondensedTree, condensed_tree
from clustering.neighborhoods import Neighbors, PointNeighbors
from clustering.spanning_tree import Merges, spanning_tree


class CoreTree(NamedTuple):
    """The clusters of core points at all radii."""

    radii: np.ndarray
    """(n - 1,) increasing radii at which clusters merge"""
    tree: CondensedTree
    """the clusters of at least `min_points` core points, and of at least two; its density levels are 1 / radius"""


def core_tree(neighbors: Neighbors, min_points: int) -> CoreTree:
    """The clusters of core points at all radii: those of DBSCAN without border points, which is called DBSCAN*.

    They form the single-linkage tree of the mutual reachability distances max(core(x), core(y), d(x, y)), in which each radius
    is a cut. Campello, Moulavi & Sander 2013, doi:10.1007/978-3-642-37456-2_14.

    Parameters
    ----------
    neighbors : as prepared by `DBSCAN`
    min_points : number of points, itself included, that a core point has within the radius; 1..n

    Raises
    ------
    ValueError
        If `min_points` is not an integer of at least 1, or if there are fewer points than that, or only one.

    Notes
    -----
    For Euclidean distances usually much faster than O(n^2), see `clustering.spanning_tree`; otherwise as
    `merges_of_core_points`.
    """
    check_min_points(min_points, 1)
    check_enough_points(min_points, len(neighbors))
    if len(neighbors) < 2:
        raise ValueError("a tree needs at least two points, got 1")
    size = max(2, min_points)
    if isinstance(neighbors, PointNeighbors) and neighbors.p == 2:
        _, links, merges = spanning_tree(neighbors.points, min_points)
        return CoreTree(links.lengths, condensed_tree(links.lengths, merges, size))
    rows = merges_of_core_points(neighbors, neighbors.distances_to_neighbor(min_points))
    left, right = rows[:, :2].astype(np.intp).T.tolist()
    merges = Merges(left, right, [1] * len(neighbors) + rows[:, 3].astype(np.intp).tolist())
    return CoreTree(rows[:, 2], condensed_tree(rows[:, 2], merges, size))


def merges_of_core_points(neighbors: Neighbors, cores: np.ndarray, step: int = 1) -> np.ndarray:
    """(m - 1, 4) merges of clusters of core points, in the format of SciPy's `linkage`; the radius of each is in column 2.

    At radius r there are #(cores <= r) - #(radii <= r) clusters: these are the merges of the tree that `core_tree` condenses.

    Parameters
    ----------
    neighbors : as prepared by `DBSCAN`
    cores : (m,) core distances of every `step`-th point, at least two and finite: distance from each point to its
        `min_points`-th nearest point, itself included

    Notes
    -----
    Takes O(m^2) time and memory.
    """
    distances = np.stack([neighbors.distances(i)[::step] for i in range(0, len(neighbors), step)])
    distances = np.maximum(np.maximum(distances, cores), cores[:, None])
    np.fill_diagonal(distances, 0)
    return linkage(squareform(distances, checks=False), "single")

"""How the clusters of DBSCAN depend on the radius."""

import numpy as np
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform

from clustering.neighborhoods import Neighbors


def merges_of_core_points(neighbors: Neighbors, cores: np.ndarray, step: int = 1) -> np.ndarray:
    """(m - 1, 4) merges of clusters of core points, in the format of SciPy's `linkage`; the radius of each is in column 2.

    At radius r there are #(cores <= r) - #(radii <= r) clusters: these are the merges of the single-linkage tree of the mutual
    reachability distances max(core(x), core(y), d(x, y)). Campello, Moulavi & Sander 2013,
    doi:10.1007/978-3-642-37456-2_14.

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


def merge_radii(neighbors: Neighbors, cores: np.ndarray) -> np.ndarray:
    """(n - 1,) increasing radii at which clusters of core points merge; as in `merges_of_core_points`."""
    return merges_of_core_points(neighbors, cores)[:, 2] if len(cores) > 1 else np.zeros(0)

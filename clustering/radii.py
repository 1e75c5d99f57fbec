"""How the number of clusters of DBSCAN depends on the radius."""

import numpy as np
from scipy.cluster.hierarchy import linkage
from scipy.spatial.distance import squareform

from clustering.neighborhoods import Neighbors


def merge_radii(neighbors: Neighbors, cores: np.ndarray) -> np.ndarray:
    """(n - 1,) increasing radii at which clusters of core points merge.

    At radius r there are #(cores <= r) - #(merge radii <= r) clusters: these are the merges of the single-linkage tree of the
    mutual reachability distances max(core(x), core(y), d(x, y)). Campello, Moulavi & Sander 2013,
    doi:10.1007/978-3-642-37456-2_14.

    Parameters
    ----------
    neighbors : as prepared by `DBSCAN`
    cores : (n,) core distances, finite: distance from each point to its `min_points`-th nearest point, itself included

    Notes
    -----
    Takes O(n^2) time and memory.
    """
    if len(cores) < 2:
        return np.zeros(0)
    distances = np.stack([neighbors.distances(i) for i in range(len(cores))])
    distances = np.maximum(np.maximum(distances, cores), cores[:, None])
    np.fill_diagonal(distances, 0)
    return linkage(squareform(distances, checks=False), "single")[:, 2]

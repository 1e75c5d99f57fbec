"""DBSCAN: clusters are regions of high density, separated by regions of low density.

    core point     at least min_points points, including the point itself, are within distance eps
    cluster        core points that are connected by steps of at most eps, and all points within eps of them
    border point   not a core point, but within eps of one
    noise          all other points

Ester, Kriegel, Sander & Xu 1996, "A density-based algorithm for discovering clusters in large spatial databases with noise",
KDD; Schubert, Sander, Ester, Kriegel & Xu 2017, doi:10.1145/3068335. There is no loss and nothing random.

A cluster starts with its first core point and all points within eps, the first ring. It grows ring by ring: ring r + 1 has the
points within eps of a core point of ring r that belong to no cluster yet. A border point that is near several clusters
therefore belongs to the one that was found first, and depends on the order of the points, as in the original algorithm and in
scikit-learn. The core points of each cluster and noise do not depend on it.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.cluster.hierarchy import fcluster
from scipy.spatial import cKDTree

from clustering.core_distances import check_min_points
from clustering.core_points import core_point_notices
from clustering.criteria import MIN_SHARE, clusters_of_most
from clustering.hard_assignment import HardAssignment
from clustering.neighborhoods import MATRIX, TREE_METRICS, MatrixNeighbors, Neighbors, PointNeighbors, rings_of
from clustering.notices import Notice
from clustering.points import check_data
from clustering.proximity import check_proximities
from clustering.radii import merges_of_core_points
from clustering.stages import Staged

MAX_STEPS = 118
"""maximum number of iterations: where there are more rings, an iteration has several"""
MAX_TRIED = 2_000
"""number of points above which `suggested_eps` does not compare the clusters of many radii, and `eps_range` uses a sample"""
MAX_SAMPLE = 20_000
"""approximate maximum number of points of which `suggested_eps` takes the distance to a neighbor"""
RADIUS_STEP = 1.02
"""ratio of consecutive radii that are compared"""
MIN_RANGE = 1.15
"""smallest ratio of the largest to the smallest radius of a range that qualifies"""
EXPECTED_NOISE = 0.1
"""share of points that are not core points, if no range of radii qualifies"""
FIRST_CORE_POINTS = 0.1
"""share of points that are core points with the smallest radius of `eps_range`"""
MARGIN, MIN_WIDTH = 1.1, 1.5
"""ratio of the largest radius of `eps_range` to that of the last merge, and smallest ratio to the smallest radius"""


class Visits(NamedTuple):
    """When each point joins its cluster. All states of a run share the arrays."""

    core: np.ndarray
    """(n,) whether a point is a core point"""
    labels: np.ndarray
    """(n,) cluster of each point at the end, in the order in which the clusters are found; -1 for noise"""
    order: np.ndarray
    """(n,) iteration in which each point joins its cluster, from 1; 0 for noise"""
    iteration: int
    """iteration of this state"""

    @property
    def joined(self) -> np.ndarray:
        """(n,) whether a point belongs to a cluster in this state"""
        return (self.labels >= 0) & (self.order <= self.iteration)


@dataclass(frozen=True)
class DBSCAN(Staged):
    """DBSCAN, density-based spatial clustering of applications with noise.

    Deterministic: there is no initialization, and every run has the same states.

    Parameters
    ----------
    eps : float
        Radius of the neighborhoods, above 0, in the unit of the points. Points at exactly this distance are neighbors.
    min_points : int
        Number of points, at least 1, that a core point has within eps. The point itself counts.
    metric : {"euclidean", "manhattan", "chebyshev", "precomputed"}
        Distance between points, or "precomputed" if the data are an (n, n) matrix of distances.

    Notes
    -----
    The number of clusters is found. Noise has the label -1. A single eps does not suit clusters of very different densities.
    In many dimensions distances become similar, and so no eps separates dense regions from sparse ones.

    A run has at most `MAX_STEPS` + 1 states: after iteration 0, which finds the core points, clusters grow by one ring in an
    iteration, or by several if there are more rings than that. Never more than `neighborhoods.MAX_PAIRS` pairs of neighbors
    are in memory.
    """

    eps: float
    min_points: int = 5
    metric: str = "euclidean"

    def __post_init__(self):
        if not 0 < self.eps < np.inf:
            raise ValueError(f"eps must be a finite number above 0, got {self.eps}")
        check_min_points(self.min_points, 1)
        if self.metric not in (*TREE_METRICS, MATRIX):
            raise ValueError(f"metric must be one of {', '.join((*TREE_METRICS, MATRIX))}, got {self.metric!r}")

    def prepare(self, data) -> Neighbors:
        """The neighbors of points (n, d), or by distances (n, n). Prepared data are returned unchanged.

        Raises
        ------
        ValueError
            As in `check_points`, or as in `check_proximities` for a matrix.
        """
        if isinstance(data, Neighbors):
            return data
        if self.metric == MATRIX:
            return MatrixNeighbors(check_proximities(data))
        points = check_data(data)
        return PointNeighbors(points, cKDTree(points), TREE_METRICS[self.metric])

    def start(self, prepared: Neighbors, rng: np.random.Generator | None = None) -> Visits:
        """The core points and the visits of all points, before the first cluster grows; `rng` is ignored."""
        pairs = prepared.pairs(self.eps)
        core = prepared.core(self.eps, self.min_points, pairs)
        labels, rings = rings_of(prepared, core, self.eps, pairs)
        return Visits(core, labels, _iterations(labels, rings), 0)

    def stages(self, prepared: Neighbors) -> list[tuple[str, Visits]]:
        """Core points are found (phase "core"), then clusters grow ("grow"), and the rest is noise."""
        visits = self.start(prepared)
        return [("grow" if i else "core", visits._replace(iteration=i)) for i in range(int(visits.order.max()) + 1)]

    def assign(self, prepared: Neighbors, parameters: Visits) -> HardAssignment:
        """Clusters found so far, in the order in which they are found; see `Process.assign`."""
        joined = parameters.order <= parameters.iteration  # or noise, whose label is -1
        labels = np.where(joined, parameters.labels, -1)
        return HardAssignment(labels, int(labels.max()) + 1, len(labels))

    def notices(self, parameters: Visits) -> tuple[Notice, ...]:
        """Notice about settings that find hardly any structure, or an empty tuple."""
        k = int(parameters.labels.max()) + 1
        return core_point_notices(int(np.count_nonzero(parameters.core)), len(parameters.core), k, "eps")


def _iterations(labels: np.ndarray, rings: np.ndarray) -> np.ndarray:
    """(n,) iteration in which each point joins its cluster, from 1; 0 for noise.

    Clusters follow one another, each ring by ring; a cluster starts with its first core point and the first ring. If there are
    more than `MAX_STEPS` rings, an iteration has several: as many as have their share of the points.
    """
    iterations = np.zeros(len(labels), dtype=np.intp)
    inside = np.flatnonzero(labels >= 0)
    if not len(inside):
        return iterations
    rings = np.maximum(rings[inside], 1)
    _, numbers, counts = np.unique(labels[inside] * (rings.max() + 1) + rings, return_inverse=True, return_counts=True)
    if len(counts) > MAX_STEPS:
        parts = np.floor((np.cumsum(counts) - counts / 2) * MAX_STEPS / len(inside))
        numbers = np.unique(parts, return_inverse=True)[1][numbers]
    iterations[inside] = numbers + 1
    return iterations


def suggested_min_points(n: int, d: int) -> int:
    """A value of `min_points` for n points in d dimensions; it grows with both.

    The largest of twice the dimension (Sander, Ester, Kriegel & Xu 1998, doi:10.1023/A:1009745219419), log(n), and a quarter
    of sqrt(n) up to 100; but at most a twentieth of n. With fewer, chance groups at the margins of large clusters would count
    as clusters.
    """
    wanted = max(2 * d, round(np.log(n)), min(100, round(np.sqrt(n) / 4)))
    return max(1, min(wanted, max(3, n // 20), n))


def suggested_eps(data, min_points: int, metric: str = "euclidean") -> float:
    """A radius at which the number of clusters depends little on the radius.

    With increasing radius, noise joins clusters, and clusters merge. The result is the middle, on a logarithmic scale, of the
    longest range of radii with the same number of clusters, at least two, see `criteria.clusters_of_most`. If no range is
    longer than a factor of `MIN_RANGE`, or if there are more than `MAX_TRIED` points, it is the radius with which all points
    except `EXPECTED_NOISE` are core points (Ester et al. 1996, section 4.2).

    Parameters
    ----------
    data, min_points, metric : as in `DBSCAN`.

    Raises
    ------
    ValueError
        As in `DBSCAN.prepare`.

    Notes
    -----
    The core points of a cluster with radius eps are those of a single-linkage tree at this height, if the distance of two
    points is at least that to the `min_points`-th neighbor of either (Campello, Moulavi & Sander 2013,
    doi:10.1007/978-3-642-37456-2_14).
    """
    prepared = DBSCAN(1.0, min_points, metric).prepare(data)
    core_distances = prepared.distances_to_neighbor(min(min_points, len(prepared)), max(1, len(prepared) // MAX_SAMPLE))
    positive = core_distances[core_distances > 0]
    if not positive.size:
        return 1.0  # at least `min_points` duplicates of each point
    most = float(np.quantile(core_distances, 1 - EXPECTED_NOISE)) or float(positive.min())
    if not 2 < len(prepared) <= MAX_TRIED:
        return most
    tree = merges_of_core_points(prepared, core_distances)
    low, high = float(np.median(core_distances)) or float(positive.min()), float(tree[-1, 2])
    radii = np.geomspace(low, max(high, low), 2 + int(np.log(max(high, low) / low) / np.log(RADIUS_STEP)))
    counts = np.array(
        [clusters_of_most(np.where(core_distances <= radius, fcluster(tree, radius, "distance"), -1)) for radius in radii]
    )
    ends = np.flatnonzero(np.diff(counts, prepend=-1, append=-1))
    ranges = [(end - begin, begin, end - 1) for begin, end in pairwise(ends.tolist()) if counts[begin]]
    _, first, last = max(ranges, default=(0, 0, 0), key=lambda found: found[0])
    return float(np.sqrt(radii[first] * radii[last])) if radii[last] >= MIN_RANGE * radii[first] else most


def eps_range(data, min_points: int, metric: str = "euclidean") -> tuple[float, float]:
    """Smallest and largest radius between which clusters appear and merge.

    With the smallest one, a tenth of the points are core points. With the largest one, all clusters with at least
    `criteria.MIN_SHARE` of the points have merged, and a tenth of the points at most are not core points. If there are more
    than `MAX_TRIED` points, the radius of the last merge is that of a sample, and therefore rather too large than too small.

    Parameters
    ----------
    data, min_points, metric : as in `DBSCAN`.

    Raises
    ------
    ValueError
        As in `DBSCAN.prepare`, or if all distances are 0, as they are for a single point.
    """
    prepared = DBSCAN(1.0, min_points, metric).prepare(data)
    step = -(-len(prepared) // MAX_TRIED)
    core_distances = prepared.distances_to_neighbor(min(min_points, len(prepared)), step)
    lengths, large = np.zeros(1), np.zeros(1, dtype=bool)
    if len(core_distances) > 1:
        tree = merges_of_core_points(prepared, core_distances, step)
        sizes = np.concatenate([np.ones(len(core_distances)), tree[:, 3]])
        lengths = tree[:, 2]
        large = sizes[tree[:, :2].astype(np.intp)].min(axis=1) >= max(MIN_SHARE * len(core_distances), 1)
    positive = np.concatenate([core_distances[core_distances > 0], lengths[lengths > 0]])
    if not positive.size:
        raise ValueError("all distances are 0, so there is only one cluster")
    low = float(np.quantile(core_distances, FIRST_CORE_POINTS)) or float(positive.min()) / MIN_WIDTH
    high = max(float(np.quantile(core_distances, 1 - EXPECTED_NOISE)), MARGIN * float(lengths[large].max(initial=0)))
    return low, max(high, MIN_WIDTH * low)

"""HDBSCAN*: hierarchical density-based clustering.

    core distance          core(x) = distance from x to its `min_points`-th nearest point, itself included
    mutual reachability    d(x, y) = max(core(x), core(y), ||x - y||)
    density level          lambda  = 1 / d
    stability              S(C)    = sum over the points x of C of (lambda(x, C) - lambda(C))

At a density level, a cluster is a connected component of at least `min_cluster_size` points that are linked by mutual
reachability distances of at most 1 / lambda. lambda(C): the level at which C splits off as lambda rises; lambda(x, C): the
level at which x leaves C, or C splits. The components at all levels form the single-linkage tree of the mutual reachability
distances, which is computed from their minimum spanning tree; clusters that only lose points keep their name, which makes the
condensed tree. Campello, Moulavi & Sander 2013, doi:10.1007/978-3-642-37456-2_14; Campello, Moulavi, Zimek & Sander 2015,
doi:10.1145/2733381, with outlier scores (GLOSH).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from clustering.core_distances import check_distances, check_enough_points, check_metric, check_min_points
from clustering.notices import NO_CLUSTER, Notice
from clustering.points import is_integer
from clustering.spanning_tree import Links, Merges, spanning_tree
from clustering.stages import Staged

SELECTIONS = ("mass", "leaves")
"""how clusters are selected from the condensed tree: by excess of mass, or its leaves"""
LEVELS, SPLITS = 96, 20
"""number of density levels at which a run has a state: evenly spaced in the number of links; just above a split"""
INFINITE_DENSITY = "infinite density"


@dataclass(frozen=True, eq=False)
class CondensedTree:
    """Clusters at all density levels. Cluster 0, the root, contains all points; parents come before their children."""

    parents: np.ndarray
    """(m,) cluster that each cluster splits from; -1 for the root"""
    births: np.ndarray
    """(m,) density level above which the cluster exists; 0 for the root"""
    sizes: np.ndarray
    """(m,) number of points of the cluster at its birth"""
    deaths: np.ndarray
    """(m,) highest density level at which the cluster exists"""
    stabilities: np.ndarray
    """(m,) stability of each cluster, see the module"""
    homes: np.ndarray
    """(n,) smallest cluster that contains the point at any level"""
    levels: np.ndarray
    """(n,) highest density level at which the point belongs to its home; infinite for points that coincide"""

    @cached_property
    def has_children(self) -> np.ndarray:
        """(m,) whether the cluster splits in two, rather than dissolves"""
        split = np.zeros(len(self.parents), dtype=bool)
        split[self.parents[1:]] = True
        return split

    @cached_property
    def peaks(self) -> np.ndarray:
        """(m,) highest density level at which the cluster or a cluster within it exists"""
        peaks = self.deaths.copy()
        for cluster in range(len(peaks) - 1, 0, -1):
            peaks[self.parents[cluster]] = max(peaks[self.parents[cluster]], peaks[cluster])
        return peaks

    @cached_property
    def home_levels(self) -> np.ndarray:
        """(m,) highest density level of a point whose home is the cluster; 0 if there is none"""
        highest = np.zeros(len(self.parents))
        np.maximum.at(highest, self.homes, self.levels)
        return highest

    def containing(self, levels: np.ndarray) -> np.ndarray:
        """(L, m) cluster at each of L density levels above 0 that each cluster is, or is within."""
        clusters = np.zeros((len(self.parents), len(levels)), dtype=np.intp)
        for cluster in range(1, len(clusters)):
            clusters[cluster] = np.where(self.births[cluster] < levels, cluster, clusters[self.parents[cluster]])
        return clusters.T

    def clusters_at(self, level: float) -> np.ndarray:
        """(n,) cluster that each point belongs to at a density level above 0; -1 for none."""
        return np.where(self.levels >= level, self.containing(np.array([level]))[0, self.homes], -1)


@dataclass(frozen=True, eq=False)
class DensityHierarchy:
    """Result of HDBSCAN* at all density levels, before clusters are selected."""

    cores: np.ndarray
    """(n,) core distances"""
    links: Links
    """minimum spanning tree of the mutual reachability distances"""
    tree: CondensedTree

    @cached_property
    def outlier_scores(self) -> np.ndarray:
        """(n,) GLOSH outlier scores, from 0 to 1: 1 minus the density of the point relative to the densest in its home."""
        level, peak = self.tree.levels, self.tree.peaks[self.tree.homes]
        with np.errstate(invalid="ignore"):
            return np.where(level == peak, 0.0, 1 - level / peak)

    def dbscan_labels(self, eps: float, min_cluster_size: int = 1) -> np.ndarray:
        """(n,) clusters of DBSCAN* at a radius: DBSCAN without border points. -1 for noise.

        Core points, whose core distance is at most `eps`, belong to the same cluster if they are linked by distances of at
        most `eps`. This is the single-linkage tree of the mutual reachability distances, cut at `eps`. Clusters are numbered
        by their first points; those of fewer than `min_cluster_size` points are noise. Raises ValueError unless eps >= 0.
        """
        if not eps >= 0:
            raise ValueError(f"eps must be at least 0, got {eps}")
        linked = self.links.lengths <= eps
        roots = _components(len(self.cores), self.links.first[linked], self.links.second[linked])
        kept = (self.cores <= eps) & (np.bincount(roots, minlength=len(roots))[roots] >= min_cluster_size)
        labels = np.full(len(roots), -1)
        _, firsts, labels[kept] = np.unique(roots[kept], return_index=True, return_inverse=True)
        labels[kept] = np.argsort(np.argsort(firsts))[labels[kept]]
        return labels


class DensityLevel(NamedTuple):
    """Parameters of a state: the hierarchy, and what of it is shown."""

    hierarchy: DensityHierarchy
    """the hierarchy, shared by all states"""
    level: float | None
    """density level lambda; None once clusters are selected"""
    clusters: np.ndarray
    """(K,) clusters of the condensed tree that are the clusters of this state, sorted"""
    labels: np.ndarray | None = None
    """(m,) number of the cluster of this state that contains each cluster of the condensed tree, if it has points at this
    level; None once clusters are selected"""
    has_strengths: bool = False
    """whether points have membership strengths; otherwise they belong to their cluster entirely"""


@dataclass(frozen=True, eq=False)
class HierarchyAssignment:
    """Clusters at a density level, or the selected ones."""

    labels: np.ndarray
    """(n,) cluster of each point, 0..k-1; -1 for noise"""
    k: int
    strengths: np.ndarray
    """(n,) membership strength of each point in its cluster, from 0 to 1; 0 for noise"""
    changed: int
    """number of points whose label differs from the previous state; n in the first one"""

    @property
    def memberships(self) -> np.ndarray:
        """(n, k) the strength of each point in its own cluster, 0 in the others; the rest of each row is noise"""
        shares = np.zeros((len(self.labels), self.k))
        inside = np.flatnonzero(self.labels >= 0)
        shares[inside, self.labels[inside]] = self.strengths[inside]
        return shares

    @cached_property
    def sizes(self) -> np.ndarray:
        """(k,) sum of the strengths in each cluster"""
        return np.bincount(self.labels + 1, self.strengths, minlength=self.k + 1)[1:]


@dataclass(frozen=True)
class HDBSCAN(Staged):
    """HDBSCAN*: clusters of varying density, and noise. The number of clusters is found.

    Deterministic: there is no initialization, and every run has the same states. They go through falling density levels, at
    which clusters appear, grow and merge (phase "level"); then clusters are selected (phase "select"), and each point gets its
    strength (phase "strength").

    Parameters
    ----------
    min_cluster_size : int
        Smallest number of points of a cluster, at least 2.
    min_points : int, optional
        Number of points, itself included, within the core distance of a point; 1..n. By default `min_cluster_size`. Larger
        values smooth the density, and more points are noise.
    selection : {"mass", "leaves"}
        "mass": the clusters that do not overlap and have the largest sum of stabilities (excess of mass). "leaves": the
        smallest clusters, those that never split.
    single : bool
        Whether the root may be selected by "mass", as the only cluster. Its points are those that reach the highest level.
    metric : {"euclidean", "precomputed"}
        Distance between points, or "precomputed" if the data are an (n, n) matrix of distances.

    Notes
    -----
    Takes O(n^2) time at worst, but usually much less for points, see `clustering.spanning_tree`, and no other (n, n) matrix.
    The strength of a point is the density level at which it leaves its cluster, relative to the highest level in this cluster.

    Ties between distances, which are common because many mutual reachability distances equal a core distance, are broken as
    by scikit-learn for points: the spanning tree grows from the first point (Prim 1957,
    doi:10.1002/j.1538-7305.1957.tb01515.x). A point that joins two clusters at the same level may belong to either.
    """

    min_cluster_size: int
    min_points: int | None = None
    selection: str = "mass"
    single: bool = False
    metric: str = "euclidean"

    def __post_init__(self):
        check_metric(self.metric)
        if not is_integer(self.min_cluster_size) or self.min_cluster_size < 2:
            raise ValueError(f"min_cluster_size must be an integer of at least 2, got {self.min_cluster_size}")
        if self.min_points is not None:
            check_min_points(self.min_points, 1)
        if self.selection not in SELECTIONS:
            raise ValueError(f"selection must be one of {', '.join(SELECTIONS)}, got {self.selection!r}")

    def prepare(self, data) -> np.ndarray:
        """Check the points (n, d), or the distances (n, n).

        Raises ValueError as in `check_data` or `check_proximities`, or if there are too few points for the settings.
        """
        points = check_distances(data, self.metric)
        if len(points) < self.min_cluster_size:
            raise ValueError(
                f"min_cluster_size must be at most the number of points, {len(points)}, got {self.min_cluster_size}"
            )
        check_enough_points(self.min_points or 1, len(points))
        return points

    def start(self, prepared: np.ndarray, rng: np.random.Generator | None = None) -> DensityLevel:
        """The hierarchy at an infinite density level; `rng` is ignored."""
        found = density_hierarchy(prepared, self.min_cluster_size, self.min_points, self.metric)
        return _at_levels(found, [np.inf])[0]

    def stages(self, prepared: np.ndarray) -> list[tuple[str, DensityLevel]]:
        """At most `LEVELS + SPLITS + 1` density levels, then the selected clusters without and with strengths."""
        found = self.start(prepared).hierarchy
        selected = selected_clusters(found.tree, self.selection, self.single)
        return [
            *(("level", one) for one in _at_levels(found, _levels(found))),
            ("select", DensityLevel(found, None, selected)),
            ("strength", DensityLevel(found, None, selected, has_strengths=True)),
        ]

    def assign(self, prepared: np.ndarray, parameters: DensityLevel) -> HierarchyAssignment:
        """The clusters of a state; see `Process.assign`."""
        tree, clusters = parameters.hierarchy.tree, parameters.clusters
        if parameters.level is None:
            labels, strengths = labels_and_strengths(tree, clusters)
        else:
            labels = np.where(tree.levels >= parameters.level, parameters.labels[tree.homes], -1)
        if not parameters.has_strengths:
            strengths = (labels >= 0).astype(float)
        return HierarchyAssignment(labels, len(clusters), strengths, len(labels))

    def notices(self, parameters: DensityLevel) -> tuple[Notice, ...]:
        """Notices that there are no clusters, or that a density is infinite because points are identical."""
        found = []
        if not len(parameters.clusters):
            text = (
                "No cluster was found: all points are noise. Choose a smaller minimum cluster size, or allow a single cluster."
            )
            found.append(Notice(NO_CLUSTER, text))
        infinite = np.flatnonzero(np.isinf(parameters.hierarchy.tree.peaks[parameters.clusters]))
        if infinite.size:
            text = (
                "{who} reached an infinite density because of identical points, so the strength of all other points is 0. "
                "Choose more points for the core distance."
            )
            found.append(Notice(INFINITE_DENSITY, text, tuple(infinite.tolist())))
        return tuple(found)


def density_hierarchy(
    data, min_cluster_size: int, min_points: int | None = None, metric: str = "euclidean"
) -> DensityHierarchy:
    """The hierarchy of HDBSCAN* for points (n, d), or for distances (n, n).

    Parameters as in `HDBSCAN`. Raises ValueError as in `HDBSCAN.prepare`.
    """
    data = HDBSCAN(min_cluster_size, min_points, metric=metric).prepare(data)
    cores, links, merges = spanning_tree(data, min_cluster_size if min_points is None else min_points, metric)
    return DensityHierarchy(cores, links, condensed_tree(links.lengths, merges, min_cluster_size))


def condensed_tree(lengths: np.ndarray, merges: Merges, min_cluster_size: int) -> CondensedTree:
    """Condensed tree of a single-linkage tree: clusters that lose fewer than `min_cluster_size` points at a time stay.

    lengths : (n - 1,) length of the link of each merge
    """
    n, (left, right, sizes) = len(lengths) + 1, merges
    with np.errstate(divide="ignore"):
        levels_of_merges = (1 / lengths).tolist()
    # of each node of the single-linkage tree; parents come before their children
    homes, levels, depths, begins = [0] * (2 * n - 1), [0.0] * (2 * n - 1), [0] * (2 * n - 1), [0] * (2 * n - 1)
    splits = []
    for node in range(2 * n - 2, n - 1, -1):
        a, b = left[node - n], right[node - n]
        homes[a] = homes[b] = homes[node]
        if sizes[node] < min_cluster_size:
            levels[a] = levels[b] = levels[node]
            continue
        level = levels_of_merges[node - n]
        depths[a] = depths[b] = depths[node] + 1
        begins[a], begins[b] = begins[node], begins[node] + sizes[a]
        if sizes[a] >= min_cluster_size and sizes[b] >= min_cluster_size:
            homes[a], homes[b] = 2 * len(splits) + 1, 2 * len(splits) + 2
            splits.append((depths[node], begins[node], homes[node], level, sizes[a], sizes[b]))
        elif sizes[a] < min_cluster_size:
            levels[a] = level
            levels[b] = level if sizes[b] < min_cluster_size else 0.0
        else:
            levels[b] = level
    # clusters are numbered breadth first, and from left to right
    order = sorted(range(len(splits)), key=splits.__getitem__)
    numbers = np.zeros(2 * len(splits) + 1, dtype=np.intp)
    for i, split in enumerate(order):
        numbers[2 * split + 1 : 2 * split + 3] = 2 * i + 1, 2 * i + 2
    splits = [splits[split] for split in order]
    parents = np.array([-1, *(numbers[split[2]] for split in splits for _ in range(2))])
    births = np.array([0.0, *(split[3] for split in splits for _ in range(2))])
    cluster_sizes = np.array([n, *(size for split in splits for size in split[4:])])
    return _with_stabilities(parents, births, cluster_sizes, numbers[homes[:n]], np.array(levels[:n]))


def _with_stabilities(parents, births, sizes, homes, levels) -> CondensedTree:
    """The condensed tree with deaths and stabilities."""
    m = len(parents)
    deaths = np.zeros(m)
    np.maximum.at(deaths, homes, levels)
    np.maximum.at(deaths, parents[1:], births[1:])
    # summed in the order in which points leave, and at last the children, as scikit-learn does: the sums decide about ties
    leaving = np.argsort(levels, kind="stable")
    groups = np.concatenate([homes[leaving], parents[1:]])
    with np.errstate(invalid="ignore"):
        lifetimes = np.concatenate([levels[leaving] - births[homes[leaving]], (births[1:] - births[parents[1:]]) * sizes[1:]])
    # clusters of identical points are born at an infinite level, and last no longer
    stabilities = np.bincount(groups, np.nan_to_num(lifetimes, nan=0.0, posinf=np.inf), minlength=m)
    return CondensedTree(parents, births, sizes, deaths, stabilities, homes, levels)


def selected_clusters(tree: CondensedTree, selection: str, single: bool = False) -> np.ndarray:
    """Selected clusters of a condensed tree, sorted; parameters as in `HDBSCAN`."""
    m = len(tree.parents)
    if selection == "leaves":
        return np.flatnonzero(~tree.has_children)[m == 1 :]
    best, below = tree.stabilities.copy(), np.zeros(m)
    for cluster in range(m - 1, 0, -1):
        best[cluster] = max(below[cluster], best[cluster])
        below[tree.parents[cluster]] += best[cluster]
    stable = below <= tree.stabilities
    stable[0] &= single
    # of nested stable clusters, the outer one is selected
    covered, selected = np.zeros(m, dtype=bool), np.zeros(m, dtype=bool)
    for cluster, parent in enumerate(tree.parents.tolist()):
        covered[cluster] = parent >= 0 and (covered[parent] or selected[parent])
        selected[cluster] = stable[cluster] and not covered[cluster]
    return np.flatnonzero(selected)


def labels_and_strengths(tree: CondensedTree, selected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cluster of each point among the selected clusters of a condensed tree, and its membership strength.

    Returns
    -------
    labels : (n,) array
        0..k-1, in the order of `selected`; -1 for noise.
    strengths : (n,) array
        Density level at which the point leaves its cluster, relative to the death of the cluster; 0 for noise.
    """
    m = len(tree.parents)
    label_of = np.full(m, -1)
    label_of[selected] = np.arange(len(selected))
    for cluster in range(1, m):
        if label_of[cluster] < 0:
            label_of[cluster] = label_of[tree.parents[cluster]]
    labels = label_of[tree.homes]
    if selected.tolist() == [0]:
        labels = np.where(tree.levels >= tree.deaths[0], 0, -1)
    strengths = np.zeros(len(labels))
    inside = labels >= 0
    top, level = tree.deaths[selected[labels[inside]]], tree.levels[inside]
    with np.errstate(invalid="ignore"):
        strengths[inside] = np.where(level >= top, 1.0, level / top)
    return labels, strengths


def _levels(found: DensityHierarchy) -> list[float]:
    """Falling density levels that have a state: the last one contains all points."""
    lengths = found.links.lengths
    if not len(lengths):
        return [np.inf]
    spread = lengths[np.unique(np.linspace(0, len(lengths) - 1, LEVELS).astype(int))]
    with np.errstate(divide="ignore"):
        levels = 1 / spread
    # just above the splits of the largest clusters, the two parts are still apart
    splits = found.tree.births[1::2]
    largest = np.argsort(-np.minimum(found.tree.sizes[1::2], found.tree.sizes[2::2]), kind="stable")[:SPLITS]
    levels = np.concatenate([levels, np.nextafter(splits[largest], np.inf)])
    return np.unique(levels[levels > 0])[::-1].tolist()


def _at_levels(found: DensityHierarchy, levels: list[float]) -> list[DensityLevel]:
    """The hierarchy at each of these density levels, with the clusters that have points there."""
    tree, limits = found.tree, np.array(levels)
    containing = tree.containing(limits)
    present = np.zeros(containing.shape, dtype=bool)
    i, home = np.nonzero(tree.home_levels >= limits[:, None])
    present[i, containing[i, home]] = True
    labels = np.take_along_axis(np.cumsum(present, axis=1) - 1, containing, axis=1)
    parts = zip(levels, present, labels, strict=True)
    return [DensityLevel(found, level, np.flatnonzero(here), numbers) for level, here, numbers in parts]


def _components(n: int, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(n,) component of each point if these pairs are linked."""
    return connected_components(coo_array((np.ones(len(first)), (first, second)), shape=(n, n)), directed=False)[1]

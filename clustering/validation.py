"""Comparison of clusterings: contingency table, agreement indices, matching of clusters; BIC."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy  # its parts are loaded when they are needed: scipy.optimize takes long
from scipy.spatial.distance import cdist

from clustering.points import check_points, refuse_dask
from clustering.weights import own_parts, rows_that_count


def contingency_table(a, b, weights=None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Contingency table of two clusterings: the number of points in each cluster of a and each cluster of b.

    Parameters
    ----------
    a, b : (n,) arrays of labels of any type
    weights : (n,) array, optional
        How often each point counts; by default once. Points of weight 0 are left out.

    Returns
    -------
    table : (clusters of a, clusters of b) array of counts, or of sums of weights
    clusters_a, clusters_b : sorted labels of its rows and columns

    Raises
    ------
    ValueError
        If a and b are not one-dimensional and of the same length, or as in `check_weights`.
    """
    (table,), clusters_a, clusters_b = _tables(a, b, weights)
    return table, clusters_a, clusters_b


def _tables(a, b, weights, *others: Callable) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """The contingency table, tables of the sums of these functions of the weights, and the labels of rows and columns."""
    refuse_dask(a, "labels")
    refuse_dask(b, "labels")
    a, b = np.asarray(a), np.asarray(b)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"labels must be two arrays of the same length, got shapes {a.shape} and {b.shape}")
    counting, weights = rows_that_count(weights, len(a))
    clusters_a, rows = np.unique(a[counting], return_inverse=True)
    clusters_b, columns = np.unique(b[counting], return_inverse=True)
    shape = len(clusters_a), len(clusters_b)
    cells, size = rows * shape[1] + columns, shape[0] * shape[1]
    parts = [None] if weights is None else [weights, *(other(weights) for other in others)]
    return [np.bincount(cells, part, minlength=size).reshape(shape) for part in parts], clusters_a, clusters_b


def adjusted_rand_index(a, b, weights=None) -> float:
    """Adjusted Rand index: agreement of two clusterings on pairs of points, corrected for chance.

    Parameters
    ----------
    a, b : (n,) arrays of labels of any type
    weights : (n,) array, optional
        How often each point counts, see `as_frequencies`; by default once. Copies of a point are pairs, too.

    Returns
    -------
    float
        1 for identical clusterings up to the names of the clusters, about 0 for independent ones, at least -0.5.

    Raises
    ------
    ValueError
        As in `contingency_table`.

    Notes
    -----
    Dominated by large clusters.

    References
    ----------
    Hubert & Arabie 1985, doi:10.1007/BF01908075.
    """
    together, in_a, in_b, all_pairs = _pairs(a, b, weights)
    expected = in_a * in_b / all_pairs if all_pairs else 0.0
    maximum = (in_a + in_b) / 2
    return 1.0 if maximum == expected else (together - expected) / (maximum - expected)


def normalized_mutual_information(a, b) -> float:
    """Normalized mutual information of two clusterings, 2 (H(a) + H(b) - H(a, b)) / (H(a) + H(b)).

    H: entropy of the cluster sizes. The mutual information is divided by the arithmetic mean of both entropies, as in
    scikit-learn.

    Parameters
    ----------
    a, b : (n,) arrays of labels of any type

    Returns
    -------
    float
        1 for identical clusterings up to the names of the clusters, 0 for independent ones. 1 if both have one cluster.

    Raises
    ------
    ValueError
        As in `contingency_table`.

    Notes
    -----
    Not corrected for chance: unlike that of `adjusted_rand_index`, its value for random clusters increases with their number.

    References
    ----------
    Strehl & Ghosh 2002, JMLR 3:583-617, with the geometric mean; Vinh, Epps & Bailey 2010, JMLR 11:2837-2854 (NMI_sum).
    """
    table, _, _ = contingency_table(a, b)
    in_a, in_b, in_both = (_entropy(counts) for counts in (table.sum(axis=1), table.sum(axis=0), table))
    if in_a + in_b == 0:
        return 1.0
    return min(max(2.0 - 2.0 * in_both / (in_a + in_b), 0.0), 1.0)


class VMeasure(NamedTuple):
    """Homogeneity and completeness of clusters relative to known groups, each from 0 to 1, and their harmonic mean."""

    homogeneity: float
    """1 if each cluster has points of one group only"""
    completeness: float
    """1 if the points of each group are all in one cluster"""
    v_measure: float


def v_measure(groups, clusters, weights=None) -> VMeasure:
    """V-measure of clusters relative to known groups: the harmonic mean of homogeneity and completeness.

        homogeneity  = 1 - H(groups | clusters) / H(groups)
        completeness = 1 - H(clusters | groups) / H(clusters)

    H: entropy of the sizes.

    Parameters
    ----------
    groups, clusters : (n,) arrays of labels of any type
    weights : (n,) array, optional
        How often each point counts; by default once.

    Returns
    -------
    VMeasure
        Homogeneity is 1 for a single group, completeness for a single cluster.

    Raises
    ------
    ValueError
        As in `contingency_table`.

    Notes
    -----
    The V-measure equals `normalized_mutual_information`. Neither is corrected for chance: for random clusters, both increase
    with the number of clusters.

    References
    ----------
    Rosenberg & Hirschberg 2007, "V-Measure: A conditional entropy-based external cluster evaluation measure",
    https://aclanthology.org/D07-1043; here with equal weights (beta = 1).
    """
    table, _, _ = contingency_table(groups, clusters, weights)
    of_groups, of_clusters, of_both = (_entropy(counts) for counts in (table.sum(axis=1), table.sum(axis=0), table))
    homogeneity = min(max(1.0 - (of_both - of_clusters) / of_groups, 0.0), 1.0) if of_groups else 1.0
    completeness = min(max(1.0 - (of_both - of_groups) / of_clusters, 0.0), 1.0) if of_clusters else 1.0
    total = homogeneity + completeness
    return VMeasure(homogeneity, completeness, 2.0 * homogeneity * completeness / total if total else 0.0)


def fowlkes_mallows_index(a, b, weights=None) -> float:
    """Fowlkes–Mallows index: geometric mean of precision and recall, over pairs of points that are in the same cluster.

    Parameters
    ----------
    a, b : (n,) arrays of labels of any type
    weights : (n,) array, optional
        As in `adjusted_rand_index`.

    Returns
    -------
    float
        1 for identical clusterings up to the names of the clusters; 0 if no pair is together in both, as for single points.

    Raises
    ------
    ValueError
        As in `contingency_table`.

    Notes
    -----
    Not corrected for chance: large for independent clusterings with few clusters.

    References
    ----------
    Fowlkes & Mallows 1983, doi:10.1080/01621459.1983.10478008.
    """
    together, in_a, in_b, _ = _pairs(a, b, weights)
    return float(np.sqrt(together / in_a) * np.sqrt(together / in_b)) if together else 0.0


def purity(groups, clusters, weights=None) -> float:
    """Purity: share of points whose group is the most frequent one in their cluster.

    Parameters
    ----------
    groups, clusters : (n,) arrays of labels of any type
    weights : (n,) array, optional
        How often each point counts; by default once.

    Raises
    ------
    ValueError
        As in `contingency_table`, or if there are no points.

    Notes
    -----
    Never decreases when a cluster is split: 1 if each point is a cluster. At least the share of the largest group.

    References
    ----------
    Manning, Raghavan & Schütze 2008, Introduction to Information Retrieval, section 16.3, doi:10.1017/CBO9780511809071.
    """
    table, _, _ = contingency_table(groups, clusters, weights)
    if not table.size:
        raise ValueError("purity needs at least one point")
    return float(table.max(axis=0).sum() / table.sum())


class ConfusionMatrix(NamedTuple):
    """Contingency table of known groups and clusters, with the clusters in the order of the groups that they match."""

    counts: np.ndarray
    """(groups, clusters) number of points, or sum of their weights"""
    groups: np.ndarray
    """sorted labels of the rows"""
    clusters: np.ndarray
    """labels of the columns: those that match groups in the order of the groups, then the others, sorted"""
    matches: np.ndarray
    """(groups,) column of the cluster that matches each group; -1 for none"""


def confusion_matrix(groups, clusters, weights=None) -> ConfusionMatrix:
    """Confusion matrix of known groups and clusters, matched one-to-one to maximize the number of points in common.

    Parameters
    ----------
    groups, clusters : (n,) arrays of labels of any type
    weights : (n,) array, optional
        How often each point counts; by default once.

    Raises
    ------
    ValueError
        As in `contingency_table`.

    References
    ----------
    Kuhn 1955, doi:10.1002/nav.3800020109; here with SciPy's `linear_sum_assignment`.
    """
    table, rows, columns = contingency_table(groups, clusters, weights)
    matched_rows, matched_columns = scipy.optimize.linear_sum_assignment(table, maximize=True)
    order = np.concatenate([matched_columns, np.setdiff1d(np.arange(len(columns)), matched_columns)])
    matches = np.full(len(rows), -1)
    matches[matched_rows] = np.arange(len(matched_rows))
    return ConfusionMatrix(table[:, order], rows, columns[order], matches)


def _pairs(a, b, weights) -> list[float]:
    """Number of pairs of points that are together in both clusterings, in a, in b, and in all.

    A point with weight w is w points, which are pairs, too. If w is below 1, it does not form a pair with itself.
    """
    tables, _, _ = _tables(a, b, weights, lambda weights: weights * own_parts(weights))
    counts, alone = tables[0].astype(float), tables[-1]
    sums = [lambda table: table, lambda table: table.sum(axis=1), lambda table: table.sum(axis=0), np.sum]
    return [float((np.square(each(counts)) - each(alone)).sum() / 2) for each in sums]


def _entropy(counts) -> float:
    """Entropy of the distribution with these counts, in nats."""
    # sorted, so that renaming clusters does not change the result, and identical clusterings give exactly 1
    counts = np.sort(counts[counts > 0])
    n = counts.sum()
    # ln(n / count) as log1p is precise if almost all points are in one cluster
    return float((counts * np.log1p((n - counts) / counts)).sum() / (n or 1))


def centroid_index(a, b) -> int:
    """Centroid index: the number of misplaced centers by which two sets of centers differ; 0 if they correspond.

    Each center of one set is mapped to the nearest center of the other (the first on ties). A center of the other set to
    which no center is mapped is an orphan. The index is the larger of the numbers of orphans in both directions.

    Parameters
    ----------
    a : (k_a, d) array
        Centers.
    b : (k_b, d) array
        Centers; k_b may differ from k_a. The index is at least the difference.

    Raises
    ------
    ValueError
        As in `check_points`, or if a and b have different numbers of columns.

    Notes
    -----
    It does not measure how far a center is misplaced.

    References
    ----------
    Fränti, Rezaei & Zhao 2014, doi:10.1016/j.patcog.2014.03.017.
    """
    a, b = check_points(a, "a"), check_points(b, "b")
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"a and b must have the same number of columns, got shapes {a.shape} and {b.shape}")
    # scaled, because squares of tiny differences would underflow
    scale = max(np.abs(a).max(), np.abs(b).max()) or 1.0
    return centroid_index_of_distances(cdist(a / scale, b / scale))


def centroid_index_of_distances(distances) -> int:
    """Centroid index for given distances between two sets of centers; for medoids, use their dissimilarities.

    Parameters
    ----------
    distances : (k_a, k_b) array

    Raises
    ------
    ValueError
        As in `check_points`.
    """
    distances = check_points(distances, "distances")
    orphans_of_b = distances.shape[1] - len(np.unique(distances.argmin(axis=1)))
    orphans_of_a = distances.shape[0] - len(np.unique(distances.argmin(axis=0)))
    return max(orphans_of_a, orphans_of_b)


def match_clusters(a, b, k: int | None = None) -> np.ndarray:
    """One-to-one matching of the clusters of two clusterings that maximizes the number of points in common.

    Parameters
    ----------
    a, b : (n,) arrays of integers 0..k-1
        Points with a negative label (noise) in either are ignored.
    k : int, optional
        Number of clusters; by default one more than the largest label.

    Returns
    -------
    (k,) array
        The cluster of b for each cluster of a, a permutation. If one clustering has more clusters, its surplus clusters
        are matched with unused labels.

    Raises
    ------
    ValueError
        As in `contingency_table`, or if k is too small.

    References
    ----------
    Kuhn 1955, doi:10.1002/nav.3800020109; here with SciPy's `linear_sum_assignment`.
    """
    refuse_dask(a, "labels")
    refuse_dask(b, "labels")
    a, b = np.asarray(a), np.asarray(b)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"labels must be two arrays of the same length, got shapes {a.shape} and {b.shape}")
    kept = (a >= 0) & (b >= 0)
    a, b = a[kept].astype(np.intp), b[kept].astype(np.intp)
    smallest = int(max(a.max(initial=-1), b.max(initial=-1))) + 1
    k = smallest if k is None else k
    if k < smallest:
        raise ValueError(f"k must be at least {smallest}, one more than the largest label, got {k}")
    table = np.bincount(a * k + b, minlength=k * k).reshape(k, k)
    return scipy.optimize.linear_sum_assignment(table, maximize=True)[1]


def bic(log_likelihood: float, parameters: int, n: int) -> float:
    """Bayesian information criterion p ln n - 2 ln L; lower is better.

    Parameters
    ----------
    log_likelihood : float
        Sum over all points, in nats.
    parameters : int
        Number p of free parameters.
    n : int
        Number of points.

    Notes
    -----
    R's mclust uses the opposite sign.

    References
    ----------
    Schwarz 1978, doi:10.1214/aos/1176344136.
    """
    return parameters * float(np.log(n)) - 2 * log_likelihood


def distinct_partitions(labelings, *, max_difference: float = 0.01) -> np.ndarray:
    """Group equivalent clusterings of the same points: equal up to a permutation of the labels and a few points.

    In the given order, each clustering is assigned to the first distinct clustering from which it differs in at most a
    fraction `max_difference` of the points (clusters matched one-to-one). If there is none, it becomes a new distinct
    clustering. So the best clustering should come first: it represents the equivalent ones that follow.

    Parameters
    ----------
    labelings : (m, n) array of integers
    max_difference : float
        Largest fraction of points, 0..1, on which equivalent clusterings may differ.

    Returns
    -------
    (m,) array of integers
        Index of the distinct clustering that each belongs to, from 0 in order of appearance.

    Raises
    ------
    ValueError
        If `labelings` is not a two-dimensional array of integers, or `max_difference` does not lie in 0..1.

    Notes
    -----
    If `max_difference` is above 0, the result depends on the order, because near-equality is not transitive.
    """
    labelings = np.asarray(labelings)
    if labelings.ndim != 2 or labelings.dtype.kind not in "iu":
        raise ValueError(
            f"labelings must be an (m, n) array of integers, got an array of {labelings.dtype} with shape {labelings.shape}"
        )
    if not 0 <= max_difference <= 1:
        raise ValueError(f"max_difference must lie in 0..1, got {max_difference}")
    if labelings.size == 0:
        return np.zeros(len(labelings), dtype=np.intp)
    n = labelings.shape[1]
    tolerance = int(max_difference * n + 1e-9)  # number of points
    numbers = np.empty(len(labelings), dtype=np.intp)
    canonical = [_in_order_of_appearance(labels) for labels in labelings]
    k = 1 + max(int(labels.max()) for labels in canonical)
    sizes = np.sort([np.bincount(labels, minlength=k) for labels in canonical], axis=1)
    representatives: list[int] = []
    known: dict[bytes, int] = {}
    for i, labels in enumerate(canonical):
        key = labels.tobytes()
        if key not in known:
            # the difference in cluster sizes is a lower bound on the number of differing points and rules out most pairs
            possible = []
            if representatives:
                possible = np.flatnonzero(np.abs(sizes[representatives] - sizes[i]).sum(axis=1) <= 2 * tolerance)
            known[key] = next(
                (j for j in possible if _differing(labels, canonical[representatives[j]], k) <= tolerance),
                len(representatives),
            )
            if known[key] == len(representatives):
                representatives.append(i)
        numbers[i] = known[key]
    return numbers


def _differing(a: np.ndarray, b: np.ndarray, k: int) -> int:
    """Number of points that two labelings with labels 0..k-1 assign to unmatched clusters, under the best matching."""
    table = np.bincount(a * k + b, minlength=k * k).reshape(k, k)
    return len(a) - int(table[scipy.optimize.linear_sum_assignment(table, maximize=True)].sum())


def _in_order_of_appearance(labels: np.ndarray) -> np.ndarray:
    """Labels renumbered from 0 in order of first appearance."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse]

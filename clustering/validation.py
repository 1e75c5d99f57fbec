"""How good a clustering is, and how two of them compare."""

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from clustering.points import check_points


def contingency_table(a, b) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How many points are in each group of a and each group of b.

    Parameters
    ----------
    a, b : (n,) arrays of labels of any kind

    Returns
    -------
    table : (groups of a, groups of b) array of counts
    groups_a, groups_b : the labels of its rows and columns, sorted
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"labels must be two arrays of one length, got shapes {a.shape} and {b.shape}")
    groups_a, rows = np.unique(a, return_inverse=True)
    groups_b, columns = np.unique(b, return_inverse=True)
    cells = np.bincount(rows * len(groups_b) + columns, minlength=len(groups_a) * len(groups_b))
    return cells.reshape(len(groups_a), len(groups_b)), groups_a, groups_b


def adjusted_rand_index(a, b) -> float:
    """Agreement of two clusterings: 1 for the same groups under any names, about 0 for independent ones, at least -0.5.

    The share of pairs of points on which both agree (together or apart), corrected for chance. Hubert & Arabie 1985,
    doi:10.1007/BF01908075. Weakness: dominated by large groups.
    """
    table, _, _ = contingency_table(a, b)

    def pairs(counts):
        return float((counts * (counts - 1.0)).sum() / 2)

    together, in_a, in_b, all_pairs = pairs(table), pairs(table.sum(1)), pairs(table.sum(0)), pairs(np.array([table.sum()]))
    expected = in_a * in_b / all_pairs if all_pairs else 0.0
    most = (in_a + in_b) / 2
    return 1.0 if most == expected else (together - expected) / (most - expected)


def normalized_mutual_information(a, b) -> float:
    """How much two clusterings tell about each other: 1 for the same groups under any names, 0 for independent ones.

    Mutual information divided by the mean of both entropies, 2 (H(a) + H(b) - H(a, b)) / (H(a) + H(b)). Strehl & Ghosh
    2002, JMLR 3, 583–617, who divide by the geometric mean; the arithmetic one, as here and in
    scikit-learn, is NMI_sum of Vinh, Epps & Bailey 2010, Journal of Machine Learning Research 11:2837-2854. Two clusterings
    of a single group each agree: 1.

    Parameters
    ----------
    a, b : (n,) arrays of labels of any kind

    Raises
    ------
    ValueError
        If the two are not of one length.

    Weakness: not corrected for chance, so it rises with the number of groups, as `adjusted_rand_index` does not.
    """
    table, _, _ = contingency_table(a, b)
    in_a, in_b, in_both = (_entropy(counts) for counts in (table.sum(axis=1), table.sum(axis=0), table))
    if in_a + in_b == 0:
        return 1.0
    return min(max(2.0 - 2.0 * in_both / (in_a + in_b), 0.0), 1.0)


def _entropy(counts) -> float:
    """In nats, of drawing one of all these."""
    # sorted, so that renamed groups give the same bits, and 1 is 1 exactly
    counts = np.sort(counts[counts > 0])
    n = counts.sum()
    # ln(n / count), where nearly all are in one group
    return float((counts * np.log1p((n - counts) / counts)).sum() / max(n, 1))


def centroid_index(a, b) -> int:
    """The number of centers by which two sets of centers differ in structure; 0 where each has its counterpart.

    Each center of one set is mapped to the nearest of the other (the first of them on ties); an orphan is one that nothing
    maps to: a group that the other set has left out. The larger of the two numbers of orphans, as mapping either way gives.
    Fränti, Rezaei & Zhao 2014, doi:10.1016/j.patcog.2014.03.034.

    Parameters
    ----------
    a : (k_a, d) array of centers
    b : (k_b, d) array of centers
        k_a and k_b may differ, and then the index is at least their difference.

    Raises
    ------
    ValueError
        If either is not a table of finite numbers, or they have different numbers of columns.

    Weakness: it counts misplaced centers and does not say how far they are off.
    """
    a, b = check_points(a, "a"), check_points(b, "b")
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"a and b must have the same number of columns, got shapes {a.shape} and {b.shape}")
    # to one scale, because squares of tiny differences would vanish
    scale = max(np.abs(a).max(), np.abs(b).max()) or 1.0
    return centroid_index_of_distances(cdist(a / scale, b / scale))


def centroid_index_of_distances(distances) -> int:
    """The centroid index of two sets of centers of which the (k_a, k_b) distances are given; any dissimilarities.

    So it applies to medoids as well, by the proximities that they were found by.
    """
    distances = check_points(distances, "distances")
    orphans_of_b = distances.shape[1] - len(np.unique(distances.argmin(axis=1)))
    orphans_of_a = distances.shape[0] - len(np.unique(distances.argmin(axis=0)))
    return max(orphans_of_a, orphans_of_b)


def match_clusters(a, b, k: int | None = None) -> np.ndarray:
    """Which cluster of b each cluster of a corresponds to.

    Parameters
    ----------
    a, b : (n,) arrays of integers 0..k-1; negative labels in either (noise) are left out
        Where one has more clusters than the other, the spare ones correspond to numbers that the other does not use.

    Returns
    -------
    (k,) array of integers, a permutation: the one-to-one correspondence with the largest number of points in common
        (Kuhn 1955, by SciPy's `linear_sum_assignment`). k is by default one more than the largest label.
    """
    a, b = np.asarray(a), np.asarray(b)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(f"labels must be two arrays of one length, got shapes {a.shape} and {b.shape}")
    kept = (a >= 0) & (b >= 0)
    a, b = a[kept].astype(np.intp), b[kept].astype(np.intp)
    least = int(max(a.max(initial=-1), b.max(initial=-1))) + 1
    k = least if k is None else k
    if k < least:
        raise ValueError(f"k must be at least {least}, one more than the largest label, got {k}")
    table = np.bincount(a * k + b, minlength=k * k).reshape(k, k)
    return linear_sum_assignment(table, maximize=True)[1]


def bic(log_likelihood: float, parameters: int, n: int) -> float:
    """Bayesian information criterion p ln n - 2 ln L: smaller is better.

    `log_likelihood` is the sum over all points, in nats. R's mclust shows the negative of this. Schwarz 1978,
    doi:10.1214/aos/1176344136.
    """
    return parameters * float(np.log(n)) - 2 * log_likelihood


def distinct_partitions(labelings, *, share: float = 0.01) -> np.ndarray:
    """Which of many clusterings of the same points are one and the same, but for the names of groups and a few points.

    In the order in which they are given, each joins the first distinct one from which it differs in at most a `share` of the
    points, groups matched one-to-one; else it is a new one. So give the best first: it stands for those that come after.

    Parameters
    ----------
    labelings : (m, n) array of integers
    share : the largest share of points, 0..1, in which two clusterings may differ and still count as one

    Returns
    -------
    (m,) array of integers: the number of the distinct clustering that each is, counted from 0 in order of appearance

    Weakness: with a share above zero the outcome depends on the order, because "nearly the same" is not transitive.
    """
    labelings = np.asarray(labelings)
    if labelings.ndim != 2 or labelings.dtype.kind not in "iu":
        raise ValueError(
            f"labelings must be an (m, n) array of integers, got an array of {labelings.dtype} with shape {labelings.shape}"
        )
    if not 0 <= share <= 1:
        raise ValueError(f"share must lie in 0..1, got {share}")
    if labelings.size == 0:
        return np.zeros(len(labelings), dtype=np.intp)
    n = labelings.shape[1]
    most = int(share * n + 1e-9)  # points that may differ
    numbers = np.empty(len(labelings), dtype=np.intp)
    named = [_in_order_of_appearance(labels) for labels in labelings]
    k = 1 + max(int(labels.max()) for labels in named)
    sizes = np.sort([np.bincount(labels, minlength=k) for labels in named], axis=1)
    kinds: list[int] = []
    """the labeling that stands for each number"""
    exactly: dict[bytes, int] = {}
    for i, labels in enumerate(named):
        key = labels.tobytes()
        if key not in exactly:
            # groups of other sizes differ in at least so many points, which rules out nearly all pairs at once
            possible = np.flatnonzero(np.abs(sizes[kinds] - sizes[i]).sum(axis=1) <= 2 * most) if kinds else []
            exactly[key] = next((j for j in possible if _differing(labels, named[kinds[j]], k) <= most), len(kinds))
            if exactly[key] == len(kinds):
                kinds.append(i)
        numbers[i] = exactly[key]
    return numbers


def _differing(a: np.ndarray, b: np.ndarray, k: int) -> int:
    """The number of points that two labelings by 0..k-1 put into groups that do not correspond."""
    table = np.bincount(a * k + b, minlength=k * k).reshape(k, k)
    return len(a) - int(table[linear_sum_assignment(table, maximize=True)].sum())


def _in_order_of_appearance(labels: np.ndarray) -> np.ndarray:
    """The same groups, numbered from 0 in the order in which they first appear."""
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[inverse]

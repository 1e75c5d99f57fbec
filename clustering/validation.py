"""How good a clustering is, and how two of them compare."""

import numpy as np
from scipy.optimize import linear_sum_assignment


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


def match_clusters(a, b, k: int | None = None) -> np.ndarray:
    """Which cluster of b each cluster of a corresponds to.

    Parameters
    ----------
    a, b : (n,) arrays of integers 0..k-1; negative labels in either (noise) are left out

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

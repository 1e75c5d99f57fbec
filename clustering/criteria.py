"""Criteria for the number of clusters.

Most criteria score a single clustering. The gap statistic compares clusterings for several numbers of clusters with those of
uniform noise. The agreement between subsamples measures stability. None of them proves that a number is right.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import xlogy

from clustering.points import check_data, is_integer, refuse_dask
from clustering.projection import principal_components
from clustering.validation import adjusted_rand_index
from clustering.weights import rows_that_count

MIN_SHARE, MAX_REST = 0.02, 0.3
"""for `clusters_of_most`: smallest share of the points in a cluster that counts, and largest share of the points in no such
cluster"""


class ClusterStatistics(NamedTuple):
    """Statistics of the non-empty clusters of centered points."""

    sizes: np.ndarray
    """(k,) number of points in each cluster, or the sum of their weights"""
    means: np.ndarray
    """(k, d) mean of each cluster"""
    within: np.ndarray
    """(k,) sum of squared distances to the cluster mean"""


def _statistics(points, labels, weights) -> tuple[ClusterStatistics, np.ndarray, np.ndarray, np.ndarray | None]:
    """The statistics; of the points that count: centered points, labels renumbered from 0 without gaps, and weights."""
    points = check_data(points)
    refuse_dask(labels, "labels")
    labels = np.asarray(labels)
    if labels.shape != (len(points),):
        raise ValueError(f"labels must have shape {(len(points),)}, got {labels.shape}")
    rows, weights = rows_that_count(weights, len(points))
    points = points[rows]
    _, inverse = np.unique(labels[rows], return_inverse=True)
    centered = points - np.average(points, axis=0, weights=weights)
    centered -= np.average(centered, axis=0, weights=weights)  # correct the rounding error of the mean
    sizes = np.bincount(inverse, weights)

    def sums_of(column):
        return np.bincount(inverse, weights=column if weights is None else weights * column)

    def means_of(rows):
        return np.stack([sums_of(column) for column in rows.T], axis=1) / sizes[:, None]

    means = means_of(centered)
    # a second pass makes the mean of identical points exact, so that their distance to it is 0
    means += means_of(centered - means[inverse])
    # differences are more precise than sums of squares minus squares of sums
    squares = np.square(centered - means[inverse]).sum(axis=1)
    return ClusterStatistics(sizes, means, sums_of(squares)), centered, inverse, weights


def within_groups(points, labels, weights=None) -> float:
    """Within-cluster sum of squares: the sum of squared distances of points (n, d) to the mean of their cluster.

    weights : (n,) how often each point counts; by default once. Raises ValueError as in `check_weights`.
    """
    return float(_statistics(points, labels, weights)[0].within.sum())


def calinski_harabasz(points, labels, weights=None) -> float:
    """Caliński–Harabasz index (variance ratio criterion); higher is better.

        (B / (k - 1)) / (W / (n - k))

    B, W: sums of squares between and within clusters.

    Parameters
    ----------
    points : (n, d) array
    labels : (n,) array of labels of any type
    weights : (n,) array, optional
        How often each point counts, see `as_frequencies`; by default once. n is then their sum.

    Returns
    -------
    float
        0 if all clusters have the same mean, otherwise infinity if all points coincide with the mean of their cluster.

    Raises
    ------
    ValueError
        As in `check_points`, if there is not one label per point, if there are fewer than two clusters, or if there are not
        more points than clusters.

    Notes
    -----
    Favors compact, convex clusters of similar spread. Grows without bound if the points are exact duplicates.

    References
    ----------
    Caliński & Harabasz 1974, doi:10.1080/03610927408827101.
    """
    clusters, *_ = _statistics(points, labels, weights)
    n, k = clusters.sizes.sum(), len(clusters.sizes)
    _check_cluster_count(k, n)
    within = float(clusters.within.sum())
    between = float(clusters.sizes @ np.square(clusters.means).sum(axis=1))
    if not np.ptp(clusters.means, axis=0).any():  # also if all points are equal
        return 0.0
    return np.inf if within == 0 else (between / (k - 1)) / (within / (n - k))


def davies_bouldin(points, labels, weights=None) -> float:
    """Davies–Bouldin index; lower is better, 0 is the minimum.

        mean over clusters i of max over j != i of (s_i + s_j) / ||m_i - m_j||

    m: cluster means; s: mean distance of the points of a cluster to its mean.

    Parameters
    ----------
    points : (n, d) array
    labels : (n,) array of labels of any type
    weights : (n,) array, optional
        As in `calinski_harabasz`.

    Returns
    -------
    float
        Infinity if two clusters have the same mean.

    Raises
    ------
    ValueError
        As in `calinski_harabasz`.

    Notes
    -----
    Favors compact, convex clusters of similar spread. A single pair of clusters may dominate the result.

    References
    ----------
    Davies & Bouldin 1979, doi:10.1109/TPAMI.1979.4766909.
    """
    clusters, centered, labels, weights = _statistics(points, labels, weights)
    k = len(clusters.sizes)
    _check_cluster_count(k, clusters.sizes.sum())
    distances = np.sqrt(np.square(centered - clusters.means[labels]).sum(axis=1))
    spread = np.bincount(labels, distances if weights is None else weights * distances) / clusters.sizes
    worst = np.zeros(k)
    for i in range(k):
        between = np.sqrt(np.square(clusters.means - clusters.means[i]).sum(axis=1))
        similarity = np.divide(spread + spread[i], between, out=np.full(k, np.inf), where=between > 0)
        similarity[i] = 0.0
        worst[i] = similarity.max()
    return float(worst.mean())


def _check_cluster_count(k: int, n: float) -> None:
    if not 2 <= k < n:
        raise ValueError(f"there must be at least two clusters and more points than clusters, got k={k}, n={n:g}")


def aic(log_likelihood: float, parameters: int) -> float:
    """Akaike information criterion 2 p - 2 ln L; lower is better.

    Parameters
    ----------
    log_likelihood : float
        Sum over all points, in nats.
    parameters : int
        Number p of free parameters.

    Notes
    -----
    For mixtures, it tends to choose too many components.

    References
    ----------
    Akaike 1974, doi:10.1109/TAC.1974.1100705.
    """
    return 2.0 * parameters - 2.0 * log_likelihood


def entropies(responsibilities) -> np.ndarray:
    """Entropy of the responsibilities of each point, in nats.

    Parameters
    ----------
    responsibilities : (n, k) array

    Returns
    -------
    (n,) array
        0 if a point is assigned with certainty, ln k if all its responsibilities are equal.

    Raises
    ------
    ValueError
        If a row has negative values or does not sum to 1.
    """
    refuse_dask(responsibilities, "responsibilities")
    r = np.asarray(responsibilities, dtype=float)
    if r.ndim != 2:
        raise ValueError(f"responsibilities must have two dimensions (n, k), got {r.ndim}")
    invalid = np.flatnonzero(~((r >= 0).all(axis=1) & (np.abs(r.sum(axis=1) - 1) < 1e-6)))
    if invalid.size:
        row = invalid[0]
        raise ValueError(f"responsibilities must be at least 0 and sum to 1 in each row, but row {row} is {r[row].tolist()}")
    return 0.0 - xlogy(r, r).sum(axis=1)


def entropy(responsibilities) -> float:
    """Sum of `entropies` over all points, in nats."""
    return float(entropies(responsibilities).sum())


def icl(bic: float, responsibilities) -> float:
    """Integrated completed likelihood, BIC + 2 entropy; lower is better.

    Parameters
    ----------
    bic : float
        As returned by `clustering.bic`.
    responsibilities : (n, k) array

    Notes
    -----
    Favors well-separated clusters, where BIC favors a good density estimate. It tends to merge overlapping groups.

    References
    ----------
    Biernacki, Celeux & Govaert 2000, doi:10.1109/34.865189; here with soft assignments.
    """
    return bic + 2.0 * entropy(responsibilities)


def elbow(ks, losses) -> tuple[int, np.ndarray]:
    """Number of clusters at the elbow of a loss curve: the point farthest below the chord between the two ends.

    Parameters
    ----------
    ks : (m,) array
        At least two numbers of clusters, increasing.
    losses : (m,) array
        Loss for each number of clusters.

    Returns
    -------
    k : int
        The number of clusters with the largest distance; the smallest one on ties (within rounding).
    distances : (m,) array
        Perpendicular distances below the chord, with both axes scaled to 0..1; at most sqrt(1/2) if the losses decrease.

    Raises
    ------
    ValueError
        If `ks` does not increase, has fewer than two numbers, or does not have one finite loss for each.

    Notes
    -----
    There is always a largest distance, even if the curve has no elbow. The result depends on the range of `ks`.

    References
    ----------
    Satopää et al. 2011, "Finding a 'kneedle' in a haystack", doi:10.1109/ICDCSW.2011.20; here without smoothing and
    threshold.
    """
    ks, losses = np.asarray(ks, dtype=float), np.asarray(losses, dtype=float)
    if ks.ndim != 1 or ks.shape != losses.shape or len(ks) < 2 or not (np.diff(ks) > 0).all():
        raise ValueError(
            f"ks must increase and have one loss each, at least two, got {ks.tolist()} and losses of shape {losses.shape}"
        )
    if not np.isfinite(losses).all():
        i = np.flatnonzero(~np.isfinite(losses))[0]
        raise ValueError(f"losses must be finite, but that of k={ks[i]:g} is {losses[i]}")
    x = (ks - ks[0]) / (ks[-1] - ks[0])
    span = losses.max() - losses.min()
    y = (losses - losses.min()) / span if span > 0 else np.zeros_like(losses)
    chord = y[0] + (y[-1] - y[0]) * x
    distances = (chord - y) / np.hypot(1.0, y[-1] - y[0])
    largest = np.flatnonzero(distances >= distances.max() - 1e-12)  # rounding must not decide on a straight line
    return int(ks[largest[0]]), distances


class Gap(NamedTuple):
    """Gap statistic for several numbers of clusters."""

    ks: np.ndarray
    """(m,) numbers of clusters"""
    log_within: np.ndarray
    """(m,) ln W of the data, with W the within-cluster sum of squares"""
    expected: np.ndarray
    """(m,) mean of ln W over the reference data sets"""
    errors: np.ndarray
    """(m,) standard error: standard deviation of ln W over the B reference data sets, times sqrt(1 + 1/B)"""

    @property
    def gaps(self) -> np.ndarray:
        """(m,) `expected` minus `log_within`: higher if the data form tighter clusters than the reference data"""
        return self.expected - self.log_within

    @property
    def choice(self) -> int:
        """Smallest k whose gap is at least the gap of the next k minus the error of the latter; otherwise the largest k."""
        gaps = self.gaps
        good = np.flatnonzero(gaps[:-1] >= gaps[1:] - self.errors[1:])
        return int(self.ks[good[0] if good.size else -1])


def gap_statistic(ks, within, reference_within) -> Gap:
    """Gap statistic from the within-cluster sums of squares of the data and of reference data.

    Parameters
    ----------
    ks : (m,) array
        Increasing numbers of clusters.
    within : (m,) array
        `within_groups` of the data for each number of clusters.
    reference_within : (B, m) array
        The same for B >= 2 data sets from `uniform_reference`.

    Returns
    -------
    Gap

    Raises
    ------
    ValueError
        If `ks` does not increase, shapes do not match, there are fewer than two reference data sets, or a sum is negative
        or not finite.

    Notes
    -----
    The null model is uniform noise in a box, so nested and elongated groups may mislead it. The rule of one standard error
    is not strict: for uniform noise in a box five times as long as wide, it finds two or more clusters in about a quarter of
    all samples (n = 150, K-means).

    References
    ----------
    Tibshirani, Walther & Hastie 2001, doi:10.1111/1467-9868.00293.
    """
    ks, within, reference = np.asarray(ks), np.asarray(within, dtype=float), np.asarray(reference_within, dtype=float)
    if ks.ndim != 1 or ks.size == 0 or not (ks[1:] > ks[:-1]).all():
        raise ValueError(f"ks must be increasing numbers of clusters, got {ks.tolist()}")
    if reference.ndim != 2 or within.shape != ks.shape or reference.shape[1:] != ks.shape or len(reference) < 2:
        raise ValueError(
            f"within must have one sum for each of {len(ks)} numbers of clusters, and reference_within at least two rows of "
            f"them, got shapes {within.shape} and {reference.shape}"
        )
    for name, sums in (("within", within), ("reference_within", reference)):
        invalid = sums[~((sums >= 0) & (sums < np.inf))]
        if invalid.size:
            raise ValueError(f"{name} must hold finite sums of at least 0, got {invalid[0]}")
    # a sum of 0 (all points coincide with their means) is replaced with the smallest number, to keep the logarithm finite
    tiny = np.finfo(float).tiny
    logs = np.log(np.maximum(reference, tiny))
    errors = logs.std(axis=0) * np.sqrt(1 + 1 / len(logs))
    return Gap(ks, np.log(np.maximum(within, tiny)), logs.mean(axis=0), errors)


def uniform_reference(points, rng: np.random.Generator, weights=None) -> np.ndarray:
    """Reference data for the gap statistic: uniform noise in the bounding box along the principal components.

    Parameters
    ----------
    points : (n, d) array
    rng : numpy.random.Generator
    weights : (n,) array, optional
        How often each point counts; by default once. The box is that of the points whose weight is not 0. The reference data
        have a place for each point, which counts as often as the point.

    Returns
    -------
    (n, d) array

    Raises
    ------
    ValueError
        As in `principal_components`, which needs at least two points.

    References
    ----------
    Tibshirani, Walther & Hastie 2001, reference distribution (b), doi:10.1111/1467-9868.00293.
    """
    points = check_data(points)
    components = principal_components(points, weights)
    rows, _ = rows_that_count(weights, len(points))
    scores = (points[rows] - components.mean) @ components.axes.T
    noise = rng.uniform(scores.min(axis=0), scores.max(axis=0), size=points.shape)
    return components.mean + noise @ components.axes


def subsample_size(n: int, share: float = 0.8) -> int:
    """Number of points in each subsample of `subsample_agreement`; more than n / 2, so that any two subsamples overlap."""
    return max(n // 2 + 1, round(share * n))


def subsample_agreement(
    n: int,
    cluster: Callable[[np.ndarray, np.random.Generator], np.ndarray],
    pairs: int,
    rng: np.random.Generator,
    share: float = 0.8,
    weights=None,
) -> np.ndarray:
    """Stability of a clustering method: agreement between clusterings of pairs of random subsamples.

    Parameters
    ----------
    n : int
        Number of points, at least 2.
    cluster : function
        `cluster(rows, rng)` returns the labels (m,) of the points with these indices (m,), in increasing order,
        clustered on their own.
    pairs : int
        Number of pairs of subsamples.
    rng : numpy.random.Generator
    share : float
        Fraction of the points in each subsample, above 0.5 and at most 1.
    weights : (n,) array, optional
        How often each point counts in the agreement; by default once. It is drawn, or not, with its whole weight.

    Returns
    -------
    (pairs,) array
        Adjusted Rand index for each pair, on the points in both subsamples. Values near 1 mean stable clusters.

    Raises
    ------
    ValueError
        If `n`, `pairs` or `share` is out of range, or `cluster` does not return one label for each row.

    Notes
    -----
    A wrong number of clusters can be stable, too, if groups are merged or split in the same way every time.

    References
    ----------
    Ben-Hur, Elisseeff & Guyon 2002, "A stability based method for discovering structure in clustered data",
    doi:10.1142/9789812799623_0002; here with the adjusted Rand index.
    """
    if not is_integer(n) or n < 2:
        raise ValueError(f"n must be an integer of at least 2, got {n}")
    if not is_integer(pairs) or pairs < 1:
        raise ValueError(f"pairs must be an integer of at least 1, got {pairs}")
    if not 0.5 < share <= 1:
        raise ValueError(f"share must be above 0.5, so that two subsamples overlap, and at most 1, got {share}")
    size = subsample_size(n, share)
    agreement = np.empty(pairs)
    for i in range(pairs):
        a, b = (np.sort(rng.choice(n, size, replace=False)) for _ in range(2))
        labels_a, labels_b = (_labels_of(rows, cluster, rng) for rows in (a, b))
        _, in_a, in_b = np.intersect1d(a, b, assume_unique=True, return_indices=True)
        common = None if weights is None else np.asarray(weights)[a[in_a]]
        agreement[i] = adjusted_rand_index(labels_a[in_a], labels_b[in_b], common)
    return agreement


def _labels_of(rows: np.ndarray, cluster, rng) -> np.ndarray:
    labels = np.asarray(cluster(rows, rng))
    if labels.shape != rows.shape:
        raise ValueError(f"cluster must return one label for each of {len(rows)} rows, got shape {labels.shape}")
    return labels


def clusters_of_most(labels) -> int:
    """Number of clusters that contain most of the points; 0 unless there are at least two.

    Clusters with less than `MIN_SHARE` of the points are not counted, and the others must contain all points except
    `MAX_REST`. Otherwise a few points that are close to each other by chance would count as much as a group.

    labels : (n,) integers, negative for noise.
    """
    labels = np.asarray(labels)
    sizes = np.bincount(labels[labels >= 0])
    sizes = sizes[sizes >= max(MIN_SHARE * len(labels), 1)]
    return len(sizes) if len(sizes) > 1 and sizes.sum() >= (1 - MAX_REST) * len(labels) else 0

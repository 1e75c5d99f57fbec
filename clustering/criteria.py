"""How many clusters? Criteria that compare clusterings of the same points into different numbers of groups.

Each is a number for one clustering, except the gap statistic, which compares a whole row of them with what uniform noise
would give, and the agreement of subsamples, which asks whether the same groups come again. None of them is proof.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.special import xlogy

from clustering.points import check_points, is_whole
from clustering.projection import principal_components
from clustering.validation import adjusted_rand_index


class Groups(NamedTuple):
    """What the criteria need of a clustering."""

    sizes: np.ndarray
    """(k,) points of each group that has any"""
    means: np.ndarray
    """(k, d) of the centered points"""
    within: np.ndarray
    """(k,) sum of squared distances to the mean of the group"""


def _groups(points, labels) -> tuple[Groups, np.ndarray, np.ndarray]:
    """The groups, the centered points, and the (n,) group of each, numbered from 0 without holes."""
    points = check_points(points)
    labels = np.asarray(labels)
    if labels.shape != (len(points),):
        raise ValueError(f"labels must have shape {(len(points),)}, got {labels.shape}")
    _, inverse = np.unique(labels, return_inverse=True)
    centered = points - points.mean(axis=0)
    centered -= centered.mean(axis=0)  # what the rounding of a large sum left over
    sizes = np.bincount(inverse)

    def means_of(rows):
        return np.stack([np.bincount(inverse, weights=column) for column in rows.T], axis=1) / sizes[:, None]

    means = means_of(centered)
    means += means_of(centered - means[inverse])  # so that the mean of copies is the copy itself, and they lie on it
    # by differences: a sum of squares less a square of sums would lose its digits in tight groups
    squares = np.square(centered - means[inverse]).sum(axis=1)
    return Groups(sizes, means, np.bincount(inverse, weights=squares)), centered, inverse


def within_groups(points, labels) -> float:
    """The sum of squared distances of the points (n, d) to the mean of their group, in units squared."""
    return float(_groups(points, labels)[0].within.sum())


def calinski_harabasz(points, labels) -> float:
    """Variance between the groups over variance within, each by its degrees of freedom: larger is better.

        (B / (k - 1)) / (W / (n - k))

    Calinski & Harabasz 1974, doi:10.1080/03610927408827101.

    Parameters
    ----------
    points : (n, d) array
    labels : (n,) array of labels of any kind

    Raises
    ------
    ValueError
        Unless there are at least two groups and more points than groups.

    0 where all groups have the same mean, else infinite where all points sit on the mean of their group.

    Weakness: favours round groups of one size, and rises without end where points repeat exactly.
    """
    groups, centered, _ = _groups(points, labels)
    n, k = len(centered), len(groups.sizes)
    _check_several(k, n)
    within = float(groups.within.sum())
    between = float(groups.sizes @ np.square(groups.means).sum(axis=1))
    if not np.ptp(groups.means, axis=0).any():  # also where all points are the same
        return 0.0
    return np.inf if within == 0 else (between / (k - 1)) / (within / (n - k))


def davies_bouldin(points, labels) -> float:
    """How alike each group is to the one most like it, on average: smaller is better, 0 is the least.

    Likeness of two groups: the sum of their mean distances to their means, over the distance of the means. Davies & Bouldin
    1979, doi:10.1109/TPAMI.1979.4766909.

    Parameters and errors as `calinski_harabasz`. Infinite where two groups have the same mean, whatever their spread.

    Weakness: looks at means and mean distances only, so it favours round groups; one bad pair can decide.
    """
    groups, centered, labels = _groups(points, labels)
    k = len(groups.sizes)
    _check_several(k, len(centered))
    distances = np.sqrt(np.square(centered - groups.means[labels]).sum(axis=1))
    spread = np.bincount(labels, weights=distances) / groups.sizes
    worst = np.zeros(k)
    for i in range(k):
        apart = np.sqrt(np.square(groups.means - groups.means[i]).sum(axis=1))
        alike = np.divide(spread + spread[i], apart, out=np.full(k, np.inf), where=apart > 0)
        alike[i] = 0.0
        worst[i] = alike.max()
    return float(worst.mean())


def _check_several(k: int, n: int) -> None:
    if not 2 <= k < n:
        raise ValueError(f"there must be at least two groups and more points than groups, got {k} groups of {n} points")


def aic(log_likelihood: float, parameters: int) -> float:
    """Akaike's information criterion 2 p - 2 ln L: smaller is better.

    `log_likelihood` is the sum over all points, in nats. Akaike 1974, doi:10.1109/TAC.1974.1100705. Weakness: for mixtures it
    asks for too many components.
    """
    return 2.0 * parameters - 2.0 * log_likelihood


def entropies(responsibilities) -> np.ndarray:
    """(n,) the entropy of the responsibilities (n, k) of each point in nats: 0 where it is sure, ln k where all are alike.

    ValueError unless each row holds numbers of at least 0 that sum to 1.
    """
    r = np.asarray(responsibilities, dtype=float)
    if r.ndim != 2:
        raise ValueError(f"responsibilities must have two dimensions (n, k), got {r.ndim}")
    wrong = np.flatnonzero(~((r >= 0).all(axis=1) & (np.abs(r.sum(axis=1) - 1) < 1e-6)))
    if wrong.size:
        row = wrong[0]
        raise ValueError(f"responsibilities must be at least 0 and sum to 1 in each row, but row {row} is {r[row].tolist()}")
    return 0.0 - xlogy(r, r).sum(axis=1)


def entropy(responsibilities) -> float:
    """The sum of `entropies`: 0 where every point is sure."""
    return float(entropies(responsibilities).sum())


def icl(bic: float, responsibilities) -> float:
    """Integrated completed likelihood, BIC + 2 entropy: smaller is better.

    Biernacki, Celeux & Govaert 2000, doi:10.1109/34.865189, in the form with soft assignments; `bic` as `clustering.bic`. It
    asks for clusters that are apart, where BIC asks for a good density. Weakness: joins groups that overlap.
    """
    return bic + 2.0 * entropy(responsibilities)


def elbow(ks, losses) -> tuple[int, np.ndarray]:
    """Where the curve of losses bends most, and how far each point of it lies below the chord.

    Both axes are scaled to 0..1; the distance is that of Satopää et al. 2011, "Finding a kneedle in a haystack",
    doi:10.1109/ICDCSW.2011.20, without their smoothing and their threshold.

    Parameters
    ----------
    ks : (m,) numbers of clusters, rising, at least two; losses : (m,) the loss of each, finite

    Returns
    -------
    k, distances : the number with the largest distance (the smallest on ties, also those by rounding), and all (m,) distances

    Raises
    ------
    ValueError
        If ks do not rise, or do not have one finite loss each, or are fewer than two.

    Weakness: there is always a largest distance, also where nothing bends; it depends on the range of ks.
    """
    ks, losses = np.asarray(ks, dtype=float), np.asarray(losses, dtype=float)
    if ks.ndim != 1 or ks.shape != losses.shape or len(ks) < 2 or not (np.diff(ks) > 0).all():
        raise ValueError(
            f"ks must rise and have one loss each, at least two of them, got {ks.tolist()} and losses of shape {losses.shape}"
        )
    if not np.isfinite(losses).all():
        i = np.flatnonzero(~np.isfinite(losses))[0]
        raise ValueError(f"losses must be finite, but that of k={ks[i]:g} is {losses[i]}")
    x = (ks - ks[0]) / (ks[-1] - ks[0])
    span = losses.max() - losses.min()
    y = (losses - losses.min()) / span if span > 0 else np.zeros_like(losses)
    chord = y[0] + (y[-1] - y[0]) * x
    distances = (chord - y) / np.hypot(1.0, y[-1] - y[0])
    largest = np.flatnonzero(distances >= distances.max() - 1e-12)  # rounding must not choose on a straight line
    return int(ks[largest[0]]), distances


class Gap(NamedTuple):
    """The gap statistic of a row of numbers of clusters."""

    ks: np.ndarray
    """(m,)"""
    log_within: np.ndarray
    """(m,) ln W of the data"""
    expected: np.ndarray
    """(m,) mean of ln W over the reference sets"""
    errors: np.ndarray
    """(m,) standard deviation of ln W over the B reference sets, times sqrt(1 + 1/B) for the error of `expected`"""

    @property
    def gaps(self) -> np.ndarray:
        """(m,) how much tighter the data are than noise"""
        return self.expected - self.log_within

    @property
    def choice(self) -> int:
        """The smallest k whose gap is at least that of the next, less its standard error; else the last k."""
        gaps = self.gaps
        good = np.flatnonzero(gaps[:-1] >= gaps[1:] - self.errors[1:])
        return int(self.ks[good[0] if good.size else -1])


def gap_statistic(ks, within, reference_within) -> Gap:
    """The gap statistic from the within-group sums of squares of data and of reference sets.

    Tibshirani, Walther & Hastie 2001, doi:10.1111/1467-9868.00293.

    Parameters
    ----------
    ks : (m,) numbers of clusters, rising
    within : (m,) `within_groups` of the data, clustered into so many
    reference_within : (B, m) the same of B >= 2 sets of noise from `uniform_reference`

    Raises
    ------
    ValueError
        If ks do not rise, shapes do not agree, there are fewer than two reference sets, or a sum is negative or not finite.

    Weakness: noise in a box is the only alternative that it knows; groups within groups and long groups mislead it. One
    standard error is little: of uniform noise in a box five times as long as wide, about a quarter of draws (n = 150, K-means)
    are given two groups or more.
    """
    ks, within, reference = np.asarray(ks), np.asarray(within, dtype=float), np.asarray(reference_within, dtype=float)
    if ks.ndim != 1 or ks.size == 0 or not (ks[1:] > ks[:-1]).all():
        raise ValueError(f"ks must be numbers of clusters that rise, got {ks.tolist()}")
    if reference.ndim != 2 or within.shape != ks.shape or reference.shape[1:] != ks.shape or len(reference) < 2:
        raise ValueError(
            f"there must be one sum for each of {len(ks)} numbers of clusters, and at least two rows of those of reference "
            f"sets, got shapes {within.shape} and {reference.shape}"
        )
    for name, sums in (("within", within), ("reference_within", reference)):
        wrong = sums[~((sums >= 0) & (sums < np.inf))]
        if wrong.size:
            raise ValueError(f"{name} must hold finite sums of at least 0, got {wrong[0]}")
    # sums of zero, where all points sit on their means, are taken for the smallest number instead of minus infinity
    tiny = np.finfo(float).tiny
    logs = np.log(np.maximum(reference, tiny))
    errors = logs.std(axis=0) * np.sqrt(1 + 1 / len(logs))
    return Gap(ks, np.log(np.maximum(within, tiny)), logs.mean(axis=0), errors)


def uniform_reference(points, rng: np.random.Generator) -> np.ndarray:
    """(n, d) points spread evenly over the box, along the principal components, that the points (n, d) fill.

    The reference (b) of Tibshirani, Walther & Hastie 2001. ValueError as `principal_components`, which needs two points.
    """
    points = check_points(points)
    components = principal_components(points)
    along = (points - components.mean) @ components.axes.T
    box = rng.uniform(along.min(axis=0), along.max(axis=0), size=along.shape)
    return components.mean + box @ components.axes


def subsample_size(n: int, share: float = 0.8) -> int:
    """Number of points in each subsample of n points that `subsample_agreement` draws: so many that any two of them meet."""
    return max(n // 2 + 1, round(share * n))


def subsample_agreement(
    n: int,
    cluster: Callable[[np.ndarray, np.random.Generator], np.ndarray],
    pairs: int,
    rng: np.random.Generator,
    share: float = 0.8,
) -> np.ndarray:
    """(pairs,) adjusted Rand index between clusterings of two random subsamples, on the points that both have.

    Ben-Hur, Elisseeff & Guyon 2002, "A stability based method for discovering structure in clustered data",
    doi:10.1142/9789812799623_0002, with the adjusted Rand index as its measure. Near 1 for all pairs: the same groups come
    again whatever points are left out.

    Parameters
    ----------
    n : number of points, at least two
    cluster : function of rows (m,), rising, and a generator that gives the labels (m,) of these points, clustered on their own
    share : of the points in each subsample, above 0.5 and at most 1; at least more than half of the points are taken

    Raises
    ------
    ValueError
        If n, pairs or share is out of bounds, or `cluster` does not give one label for each row.

    Weakness: a wrong number of groups can be stable as well, if groups merge or split the same way every time.
    """
    if not is_whole(n) or n < 2:
        raise ValueError(f"n must be a whole number of at least 2, got {n}")
    if not is_whole(pairs) or pairs < 1:
        raise ValueError(f"pairs must be a whole number of at least 1, got {pairs}")
    if not 0.5 < share <= 1:
        raise ValueError(f"share must lie above 0.5, so that two subsamples meet, and at most 1, got {share}")
    size = subsample_size(n, share)
    agreement = np.empty(pairs)
    for i in range(pairs):
        a, b = (np.sort(rng.choice(n, size, replace=False)) for _ in range(2))
        labels_a, labels_b = (_labels_of(rows, cluster, rng) for rows in (a, b))
        _, in_a, in_b = np.intersect1d(a, b, assume_unique=True, return_indices=True)
        agreement[i] = adjusted_rand_index(labels_a[in_a], labels_b[in_b])
    return agreement


def _labels_of(rows: np.ndarray, cluster, rng) -> np.ndarray:
    labels = np.asarray(cluster(rows, rng))
    if labels.shape != rows.shape:
        raise ValueError(f"cluster must give one label for each of its {len(rows)} rows, got shape {labels.shape}")
    return labels

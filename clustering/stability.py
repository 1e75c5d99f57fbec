"""Stability of each cluster: whether it is found again when the data are resampled.

    similarity(A) = max over clusters B of the resample of |A ∩ B| / |A ∪ B|

A: cluster of the original clustering, B: cluster found in the resample, both restricted to the rows in the resample. This is
the Jaccard similarity. Hennig 2007, doi:10.1016/j.csda.2006.11.025; rules as in `clusterboot` of the R package fpc.

    stability = Stability.of(labels)
    for resample in islice(resampled(cluster, len(labels), rng), 100):
        stability = stability.add(resample)
    stability.mean
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np

from clustering.points import check_data, is_integer, refuse_dask
from clustering.projection import principal_components

SCHEMES = ("bootstrap", "subset")
DISSOLVED = 0.5
"""largest similarity at which a cluster counts as dissolved"""
RECOVERED = 0.75
"""similarity above which a cluster counts as recovered"""


class Resample(NamedTuple):
    """Clusters found in resampled data."""

    rows: np.ndarray
    """(m,) indices of the rows in the resample, distinct and increasing"""
    labels: np.ndarray
    """(m,) the cluster of each of these rows in the resample; negative for noise"""


def resampled(
    cluster: Callable[[np.ndarray], np.ndarray],
    n: int,
    rng: np.random.Generator,
    scheme: str = "bootstrap",
    *,
    share: float = 0.5,
) -> Iterator[Resample]:
    """Iterate without end over clusterings of random resamples of n rows.

    Parameters
    ----------
    cluster : function
        `cluster(rows)` returns the labels (m,) of the rows with these indices (m,), distinct and increasing, clustered on
        their own, for example the points or the part of a dissimilarity matrix. If the original clustering standardized the
        data, `cluster` must do so again. There may be fewer rows than clusters.
    n : int
        Number of rows.
    rng : numpy.random.Generator
    scheme : str
        "bootstrap" draws n rows with replacement and uses each drawn row once, on average 63% of all rows. "subset" draws
        a share of the rows without replacement.
    share : float
        Share of the rows in a subset, above 0 and at most 1; rounded down, but at least one row.

    Returns
    -------
    iterator of Resample
        Each is computed when it is requested.

    Raises
    ------
    ValueError
        If n, scheme or share is out of range, or, when a resample is requested, if `cluster` does not return one integer for
        each row.

    Notes
    -----
    As `clusterboot` of fpc by default (`multipleboot = FALSE`, `subtuning = floor(n / 2)`). If rows drawn twice were used
    twice, the similarities would differ, because copies at distance 0 may form clusters of their own.
    """
    if not is_integer(n) or n < 1:
        raise ValueError(f"n must be an integer of at least 1, got {n}")
    if scheme not in SCHEMES:
        raise ValueError(f"scheme must be one of {', '.join(SCHEMES)}, got {scheme!r}")
    if not 0 < share <= 1:
        raise ValueError(f"share must be above 0 and at most 1, got {share}")
    size = max(1, int(share * n + 1e-9))

    def resamples():
        while True:
            if scheme == "bootstrap":
                rows = np.unique(rng.integers(n, size=n))
            else:
                rows = np.sort(rng.choice(n, size, replace=False))
            yield Resample(rows, _check_labels(cluster(rows), len(rows), "rows"))

    return resamples()


def resampled_with_noise(
    cluster: Callable[[np.ndarray], np.ndarray],
    points,
    rng: np.random.Generator,
    *,
    share: float = 0.05,
    extent: float = 4.0,
) -> Iterator[Resample]:
    """Iterate without end over clusterings of the points in which some are replaced with noise (`noisy_points`).

    Parameters
    ----------
    cluster : function
        `cluster(points)` returns the labels (n,) of points (n, d).
    points, rng, share, extent : as in `noisy_points`

    Yields
    ------
    Resample
        The points that were not replaced, and their labels in the clustering of all points, noise included.

    Raises
    ------
    ValueError
        When a resample is requested, as in `noisy_points`, or if `cluster` does not return one integer for each point.
    """
    while True:
        noisy, replaced = noisy_points(points, rng, share=share, extent=extent)
        labels = _check_labels(cluster(noisy), len(noisy), "points")
        yield Resample(np.flatnonzero(~replaced), labels[~replaced])


def noisy_points(
    points, rng: np.random.Generator, *, share: float = 0.05, extent: float = 4.0
) -> tuple[np.ndarray, np.ndarray]:
    """Replace random points with noise, which is uniform in a box along the principal components.

    Parameters
    ----------
    points : (n, d) array
    rng : numpy.random.Generator
    share : float
        Probability 0..1 with which each point is replaced, independently.
    extent : float
        Half the length of the box, in standard deviations along each principal component.

    Returns
    -------
    noisy : (n, d) array
    replaced : (n,) boolean array

    Raises
    ------
    ValueError
        As in `principal_components`, which needs at least two points, or if `share` or `extent` is out of range.

    References
    ----------
    Hennig 2007, doi:10.1016/j.csda.2006.11.025; defaults as in fpc (`noisetuning`).
    """
    points = check_data(points)
    if not 0 <= share <= 1:
        raise ValueError(f"share must lie in 0..1, got {share}")
    if not 0 < extent < np.inf:
        raise ValueError(f"extent must be above 0 and finite, got {extent}")
    components = principal_components(points)
    replaced = rng.random(len(points)) < share
    half = extent * np.sqrt(components.variances)
    noise = rng.uniform(-half, half, size=(np.count_nonzero(replaced), len(half)))
    noisy = points.copy()
    noisy[replaced] = components.mean + noise @ components.axes
    return noisy, replaced


@dataclass(frozen=True, eq=False)
class Stability:
    """Similarities of the original clusters with those of the resamples so far. Start with `Stability.of(labels)`."""

    labels: np.ndarray
    """(n,) original clusters 0..k-1; negative for noise"""
    similarities: np.ndarray
    """(resamples, k) largest Jaccard similarity of each cluster with a cluster of the resample; as in fpc, 0 if none of its
    rows was drawn"""
    drawn: np.ndarray
    """(n,) number of resamples in which each row was drawn"""
    missed: np.ndarray
    """(k,) for each cluster, number of resamples in which none of its rows was drawn"""
    kept_sums: np.ndarray
    """(n,) for each row, sum over resamples of the fraction of the other drawn members of its original cluster that are in the
    same cluster as the row in the resample"""
    kept_counts: np.ndarray
    """(n,) for each row, number of resamples in which it and another member of its original cluster were drawn"""
    pair_sums: np.ndarray
    """(k, k) sum over resamples of the fraction of pairs of drawn rows, one from each original cluster, that are in the same
    cluster of the resample"""
    pair_counts: np.ndarray
    """(k, k) number of resamples in which such pairs were drawn"""

    @classmethod
    def of(cls, labels) -> Self:
        """Stability of the original clusters, before any resample. labels: (n,) integers from 0, negative for noise.

        Raises ValueError if labels are not integers.
        """
        refuse_dask(labels, "labels")
        labels = _check_labels(labels, np.size(labels), "points")
        n, k = len(labels), labels.max(initial=-1) + 1
        zeros, counts = np.zeros, lambda *shape: np.zeros(shape, dtype=np.intp)
        return cls(labels, zeros((0, k)), counts(n), counts(k), zeros(n), counts(n), zeros((k, k)), counts(k, k))

    @property
    def resamples(self) -> int:
        """Number of resamples."""
        return len(self.similarities)

    @property
    def mean(self) -> np.ndarray:
        """(k,) mean similarity of each cluster; NaN before the first resample.

        Guideline of fpc: from 0.85 highly stable; from 0.75 stable; from 0.6 a pattern in the data, but which rows belong to
        it is doubtful; below 0.6 not to be trusted. A cluster of a single row is missed in more than a third of all bootstrap
        samples (see `missed`), so its mean cannot exceed about 0.63.
        """
        return _ratio(self.similarities.sum(axis=0), np.full(self.similarities.shape[1], self.resamples))

    @property
    def dissolved(self) -> np.ndarray:
        """(k,) number of resamples in which the similarity is at most `DISSOLVED`"""
        return np.count_nonzero(self.similarities <= DISSOLVED, axis=0)

    @property
    def recovered(self) -> np.ndarray:
        """(k,) number of resamples in which the similarity is above `RECOVERED`"""
        return np.count_nonzero(self.similarities > RECOVERED, axis=0)

    @property
    def kept(self) -> np.ndarray:
        """(n,) mean fraction, 0..1, of the other members of its cluster that are in the same cluster of a resample as the row.

        NaN for noise and for rows that were never drawn together with another member. It is not lower if the cluster is merged
        with another one; see `together`.
        """
        return _ratio(self.kept_sums, self.kept_counts)

    @property
    def together(self) -> np.ndarray:
        """(k, k) mean probability, 0..1, that two drawn rows, one of each cluster, are in the same cluster of a resample.

        On the diagonal, two different rows of the same cluster. The identity matrix for perfectly stable clusters. NaN where
        no pair was drawn.
        """
        return _ratio(self.pair_sums, self.pair_counts)

    def add(self, resample: Resample) -> Self:
        """This stability with one more resample.

        Raises ValueError if the rows are not distinct indices below n, or do not have one integer label each.
        """
        rows = np.asarray(resample.rows, dtype=np.intp)
        n, k = len(self.labels), len(self.missed)
        drawn = np.bincount(rows, minlength=n)
        if len(drawn) > n or drawn.max(initial=0) > 1:
            raise ValueError(f"rows must be distinct and lie in 0..n-1={n - 1}")
        new = _check_labels(resample.labels, len(rows), "rows")
        # row k of the table is for noise in the original clustering, column 0 for noise in the resample
        old, new = np.where(self.labels[rows] < 0, k, self.labels[rows]), np.maximum(new, -1) + 1
        columns = new.max(initial=0) + 1
        table = np.bincount(old * columns + new, minlength=(k + 1) * columns).reshape(k + 1, columns)
        sizes, common = table[:k].sum(axis=1), table[:k, 1:].astype(float)
        union = sizes[:, None] + table[:, 1:].sum(axis=0) - common
        similarity = (common / np.maximum(union, 1)).max(axis=1, initial=0.0)

        pairs = np.outer(sizes, sizes) - np.diag(sizes)
        same = common @ common.T - np.diag(common.sum(axis=1))
        companions = np.append(sizes, 0)[old] - 1  # none for noise
        compared = companions > 0
        stayed = np.where(new > 0, table[old, new] - 1, 0)[compared] / companions[compared]
        kept_sums, kept_counts = self.kept_sums.copy(), self.kept_counts.copy()
        kept_sums[rows[compared]] += stayed
        kept_counts[rows[compared]] += 1
        return type(self)(
            self.labels,
            np.vstack([self.similarities, similarity]),
            self.drawn + drawn,
            self.missed + (sizes == 0),
            kept_sums,
            kept_counts,
            self.pair_sums + same / np.maximum(pairs, 1),
            self.pair_counts + (pairs > 0),
        )


def _ratio(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Sums over counts; NaN where the count is 0."""
    return np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)


def _check_labels(labels, n: int, name: str) -> np.ndarray:
    """Return the labels as an (n,) array. Raise ValueError unless they are n integers."""
    labels = np.asarray(labels)
    if labels.shape != (n,) or labels.dtype.kind not in "iu":
        raise ValueError(f"there must be one integer label for each of {n} {name}, got {labels.dtype} of shape {labels.shape}")
    return labels.astype(np.intp)

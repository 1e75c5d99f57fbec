"""A mixture of Gaussians by its parameters: when they are valid, and what they say of any points, seen or new.

    p(x) = sum over k of w_k N(x | m_k, S_k)

Sums over components are log-sum-exp: a point far from every component has a finite log density and responsibilities that sum
to one, though its density may be too small a number and so 0.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_triangular

from clustering.chunks import over_chunks
from clustering.points import check_points

LOG_2PI = float(np.log(2 * np.pi))


class Gaussians(NamedTuple):
    """The parameters of a mixture of Gaussians."""

    weights: np.ndarray
    """(k,) positive or zero, summing to one"""
    means: np.ndarray
    """(k, d)"""
    covariances: np.ndarray
    """(k, d, d), whatever the covariance model; in units squared"""

    def log_joint(self, points) -> np.ndarray:
        """(n, k) ln(w_k N(x | m_k, S_k)) of each point (n, d) and each component, in nats. ValueError as `check_points`, and
        unless the points have d columns."""
        points = check_points(points)
        k, d = self.means.shape
        if points.shape[1] != d:
            raise ValueError(f"points must have {d} columns, as the means do, got {points.shape[1]}")
        factors = np.linalg.cholesky(self.covariances)
        constants = log_weights(self.weights) - 0.5 * d * LOG_2PI
        constants -= np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
        scores = np.empty((k, len(points)))

        columns = np.ascontiguousarray(points.T)

        def part(chunk):
            for row, mean, factor, constant in zip(scores, self.means, factors, constants, strict=True):
                row[chunk] = constant - 0.5 * _squares(factor, columns[:, chunk] - mean[:, None])

        over_chunks(part, len(points), 2**14)
        return scores.T

    def log_density(self, points) -> np.ndarray:
        """(n,) ln p(x) of each point, in nats. Errors as `log_joint`."""
        return _log_sum(self.log_joint(points))

    def density(self, points) -> np.ndarray:
        """(n,) p(x) of each point, per unit of volume. Errors as `log_joint`."""
        return np.exp(self.log_density(points))

    def responsibilities(self, points) -> np.ndarray:
        """(n, k) the share of each component in each point, p(component | x). Errors as `log_joint`."""
        rows = self.log_joint(points).T
        shares = np.exp(rows - rows.max(axis=0))
        return (shares / shares.sum(axis=0)).T  # by their sum, not by the logarithm of it: so far away that has no digits left

    def seen_along(self, axes, origin) -> "Gaussians":
        """The mixture of axes (x - origin), for m directions `axes` (m, d): its marginal, where these are some of the
        columns."""
        axes = np.asarray(axes, dtype=float)
        return Gaussians(self.weights, (self.means - origin) @ axes.T, axes @ self.covariances @ axes.T)


def log_weights(weights) -> np.ndarray:
    """Logarithms, that of zero being -1e300: no share in any point, and no infinity to meet a zero in a matrix product."""
    if weights.min() > 0:
        return np.log(weights)
    return np.where(weights > 0, np.log(np.where(weights > 0, weights, 1.0)), -1e300)


def _squares(factor: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(n,) squared lengths of the columns (d, n), divided by a lower triangular factor; they are overwritten."""
    if len(factor) > 8:
        white = solve_triangular(factor, columns, lower=True, check_finite=False)
        return np.einsum("dn,dn->n", white, white)
    total = np.zeros(columns.shape[1])
    for i in range(len(factor)):  # by hand: for few dimensions a call of LAPACK costs more
        column = columns[i]
        for j in range(i):
            column -= factor[i, j] * columns[j]
        column /= factor[i, i]
        total += column * column
    return total


def _log_sum(joint: np.ndarray) -> np.ndarray:
    rows = joint.T  # contiguous, as they were computed
    largest = rows.max(axis=0)
    return largest + np.log(np.exp(rows - largest).sum(axis=0))


def kl_divergence(mean_a, covariance_a, mean_b, covariance_b) -> float:
    """How much a Gaussian b misses of a Gaussian a: the Kullback-Leibler divergence KL(a || b) in nats, 0 where both are the
    same.

        (tr(B^-1 A) + (m_b - m_a)' B^-1 (m_b - m_a) - d + ln |B| / |A|) / 2

    Parameters
    ----------
    mean_a, mean_b : (d,) arrays; covariance_a, covariance_b : (d, d) arrays

    Raises
    ------
    ValueError
        As `check_gaussians`, or if a and b differ in d.
    """
    a = check_gaussians([1.0], [mean_a], [covariance_a])
    b = check_gaussians([1.0], [mean_b], [covariance_b])
    if a.means.shape != b.means.shape:
        raise ValueError(f"both Gaussians must have as many dimensions, got {a.means.shape[1]} and {b.means.shape[1]}")
    of_a, of_b = np.linalg.cholesky(a.covariances[0]), np.linalg.cholesky(b.covariances[0])
    apart = solve_triangular(of_b, (b.means - a.means)[0], lower=True)
    within = solve_triangular(of_b, of_a, lower=True)
    # at least 0, but for rounding
    scales = np.square(within).sum() - len(apart) - 2 * np.log(np.diagonal(of_a) / np.diagonal(of_b)).sum()
    return 0.5 * float(max(scales, 0.0) + apart @ apart)


def check_gaussians(weights, means, covariances) -> Gaussians:
    """A valid mixture with arrays of its own.

    Raises
    ------
    ValueError
        Unless weights are non-negative and sum to one (within 1e-8), shapes agree, and each covariance is symmetric and
        positive definite.
    """
    weights = np.array(weights, dtype=float)
    means = check_points(means, "means").copy()
    covariances = np.array(covariances, dtype=float)
    k, d = means.shape
    if weights.shape != (k,) or covariances.shape != (k, d, d):
        raise ValueError(
            f"for means of shape {(k, d)}, weights must have shape {(k,)} and covariances {(k, d, d)}, "
            f"got {weights.shape} and {covariances.shape}"
        )
    if not np.isfinite(weights).all():
        raise ValueError(f"weights must be finite, got {weights.tolist()}")
    if not (weights >= 0).all():
        raise ValueError(f"weights must not be negative, got {weights.tolist()}")
    if abs(weights.sum() - 1) > 1e-8:
        raise ValueError(f"weights must sum to 1, got {weights.sum():g}")
    finite = np.isfinite(covariances)
    known = np.where(finite, covariances, 0.0)
    mirrored = known.transpose(0, 2, 1)
    rounding = 1e-8 * np.abs(mirrored) + 1e-12 * np.abs(known).max(axis=(1, 2), keepdims=True)
    fine = (finite & (np.abs(known - mirrored) <= rounding)).all(axis=(1, 2))
    if not fine.all():
        i = fine.argmin()
        raise ValueError(f"covariance {i} must be finite and symmetric, got {covariances[i].tolist()}")
    try:
        np.linalg.cholesky(covariances)
    except np.linalg.LinAlgError:
        i = next(i for i, covariance in enumerate(covariances) if not _positive_definite(covariance))
        raise ValueError(f"covariance {i} must be positive definite, got {covariances[i].tolist()}") from None
    return Gaussians(weights, means, covariances)


def _positive_definite(covariance) -> bool:
    try:
        np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        return False
    return True

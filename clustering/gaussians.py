"""Gaussian mixtures with given parameters: validation, densities and responsibilities of any points.

    p(x) = sum over k of w_k N(x | m_k, S_k)

x: points (n, d); w: weights (k,); m: means (k, d); S: covariances (k, d, d).

Sums over components use log-sum-exp. So a point far from every component has a finite log density and responsibilities that
sum to one, even if its density underflows to 0.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_triangular

from clustering.chunks import map_chunks
from clustering.points import check_points

LOG_2PI = float(np.log(2 * np.pi))
CHUNK = 2**14
"""points processed at a time"""
MAX_TOGETHER = 2**16
"""number of components times points below which all components are compared with the points at once"""
MAX_ELIMINATED = 8
"""number of dimensions above which triangular systems are solved by LAPACK"""


class Gaussians(NamedTuple):
    """Parameters of a Gaussian mixture."""

    weights: np.ndarray
    """(k,) non-negative weights that sum to one"""
    means: np.ndarray
    """(k, d) means"""
    covariances: np.ndarray
    """(k, d, d) covariances, in full form under every covariance model; squared units"""

    def log_joint(self, points) -> np.ndarray:
        """Log joint densities ln(w_k N(x | m_k, S_k)) of points and components, in nats.

        Parameters
        ----------
        points : (n, d) array

        Returns
        -------
        (n, k) array

        Raises
        ------
        ValueError
            As in `check_points`, or if the points do not have d columns.
        """
        points = check_points(points)
        d = self.means.shape[1]
        if points.shape[1] != d:
            raise ValueError(f"points must have {d} columns, as the means do, got {points.shape[1]}")
        factors = np.linalg.cholesky(self.covariances)
        constants = log_weights(self.weights) - 0.5 * d * LOG_2PI
        constants -= np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
        return (constants[:, None] - 0.5 * squared_mahalanobis(np.ascontiguousarray(points.T), self.means, factors)).T

    def log_density(self, points) -> np.ndarray:
        """(n,) log densities ln p(x) of points (n, d), in nats. Raises ValueError as in `log_joint`."""
        return _log_sum(self.log_joint(points))

    def density(self, points) -> np.ndarray:
        """(n,) densities p(x) of points (n, d), per unit of volume. Raises ValueError as in `log_joint`."""
        return np.exp(self.log_density(points))

    def responsibilities(self, points) -> np.ndarray:
        """(n, k) responsibilities p(component | x) of points (n, d). Raises ValueError as in `log_joint`."""
        rows = self.log_joint(points).T
        ratios = np.exp(rows - rows.max(axis=0))
        # dividing by the sum is more precise than subtracting the log density, which is huge for points far away
        return (ratios / ratios.sum(axis=0)).T

    def project(self, axes, origin) -> "Gaussians":
        """The mixture that describes the projected points axes (x - origin).

        Parameters
        ----------
        axes : (m, d) array
            Directions as rows. With rows of the identity matrix, the result is the marginal mixture of these columns.
        origin : (d,) array
        """
        axes = np.asarray(axes, dtype=float)
        return Gaussians(self.weights, (self.means - origin) @ axes.T, axes @ self.covariances @ axes.T)


def log_weights(weights) -> np.ndarray:
    """Logarithms of the weights, with -1e300 for 0: finite, so that products with 0 are 0 instead of NaN."""
    if weights.min() > 0:
        return np.log(weights)
    return np.where(weights > 0, np.log(np.where(weights > 0, weights, 1.0)), -1e300)


def squared_mahalanobis(columns: np.ndarray, means: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """(k, n) squared Mahalanobis distances of points (d, n) to means (k, d), by Cholesky factors of covariances (k, d, d)."""
    if len(means) * columns.shape[1] <= MAX_TOGETHER and len(columns) <= MAX_ELIMINATED:
        return _squares(factors, columns - means[:, :, None])
    squares = np.empty((len(means), columns.shape[1]))

    def part(chunk):
        for row, mean, factor in zip(squares, means, factors, strict=True):
            row[chunk] = _squares(factor, columns[:, chunk] - mean[:, None])

    map_chunks(part, columns.shape[1], CHUNK)
    return squares


def _squares(factors: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(…, n) squared norms of L^-1 x for lower triangular L (…, d, d) and columns x (…, d, n), which are overwritten.

    With more than `MAX_ELIMINATED` dimensions for a single L only.
    """
    d = factors.shape[-1]
    if d > MAX_ELIMINATED:
        white = solve_triangular(factors, columns, lower=True, check_finite=False)
        return np.einsum("dn,dn->n", white, white)
    total = np.zeros((*columns.shape[:-2], columns.shape[-1]))
    for i in range(d):  # in few dimensions faster than a call of LAPACK
        column = columns[..., i, :]
        for j in range(i):
            column -= factors[..., i, j, None] * columns[..., j, :]
        column /= factors[..., i, i, None]
        total += column * column
    return total


def _log_sum(joint: np.ndarray) -> np.ndarray:
    rows = joint.T  # contiguous in memory
    largest = rows.max(axis=0)
    return largest + np.log(np.exp(rows - largest).sum(axis=0))


def kl_divergence(mean_a, covariance_a, mean_b, covariance_b) -> float:
    """Kullback-Leibler divergence KL(a || b) of two Gaussians in nats.

        (tr(B^-1 A) + (m_b - m_a)' B^-1 (m_b - m_a) - d + ln(|B| / |A|)) / 2

    m_a, m_b: means; A, B: covariances. It is 0 if both Gaussians are equal, and it is not symmetric.

    Parameters
    ----------
    mean_a, mean_b : (d,) arrays
    covariance_a, covariance_b : (d, d) arrays

    Raises
    ------
    ValueError
        As in `check_gaussians`, or if a and b differ in d.

    References
    ----------
    Kullback & Leibler 1951, doi:10.1214/aoms/1177729694.
    """
    a = check_gaussians([1.0], [mean_a], [covariance_a])
    b = check_gaussians([1.0], [mean_b], [covariance_b])
    if a.means.shape != b.means.shape:
        raise ValueError(f"both Gaussians must have the same dimension, got {a.means.shape[1]} and {b.means.shape[1]}")
    factor_a, factor_b = np.linalg.cholesky(a.covariances[0]), np.linalg.cholesky(b.covariances[0])
    difference = solve_triangular(factor_b, (b.means - a.means)[0], lower=True)
    ratio = solve_triangular(factor_b, factor_a, lower=True)
    log_ratio = 2 * np.log(np.diagonal(factor_a) / np.diagonal(factor_b)).sum()
    spread = np.square(ratio).sum() - len(difference) - log_ratio
    return 0.5 * float(max(spread, 0.0) + difference @ difference)  # rounding may make `spread` slightly negative


def check_gaussians(weights, means, covariances) -> Gaussians:
    """The validated parameters as `Gaussians` with copied arrays.

    Parameters
    ----------
    weights : (k,) array
    means : (k, d) array
    covariances : (k, d, d) array

    Raises
    ------
    ValueError
        If the shapes do not match, a value is not finite, a weight is negative, the weights do not sum to one (within
        1e-8), or a covariance is not symmetric and positive definite.
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
    values = np.where(finite, covariances, 0.0)
    transposed = values.transpose(0, 2, 1)
    rounding = 1e-8 * np.abs(transposed) + 1e-12 * np.abs(values).max(axis=(1, 2), keepdims=True)
    valid = (finite & (np.abs(values - transposed) <= rounding)).all(axis=(1, 2))
    if not valid.all():
        i = valid.argmin()
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

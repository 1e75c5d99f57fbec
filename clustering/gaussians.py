"""The parameters of a mixture of Gaussians, and when they are valid."""

from typing import NamedTuple

import numpy as np

from clustering.points import check_points


class Gaussians(NamedTuple):
    """The parameters of a mixture of Gaussians."""

    weights: np.ndarray
    """(k,) positive or zero, summing to one"""
    means: np.ndarray
    """(k, d)"""
    covariances: np.ndarray
    """(k, d, d), whatever the covariance model; in units squared"""


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
    for i, covariance in enumerate(covariances):
        rounding = 1e-12 * np.abs(covariance).max()
        if not np.isfinite(covariance).all() or not np.allclose(covariance, covariance.T, rtol=1e-8, atol=rounding):
            raise ValueError(f"covariance {i} must be finite and symmetric, got {covariance.tolist()}")
        try:
            np.linalg.cholesky(covariance)
        except np.linalg.LinAlgError:
            raise ValueError(f"covariance {i} must be positive definite, got {covariance.tolist()}") from None
    return Gaussians(weights, means, covariances)

"""Features of points in which the log joint density of a Gaussian mixture is linear.

    ln(w_k N(x | m_k, S_k)) = W_k f(x),   f(x) = (1, x_1, …, x_d, products of coordinates)

The products are those of all pairs i <= j for full and tied covariances, the squares for diagonal covariances, and the sum of
squares for spherical covariances. Arrays of parameters may have leading axes, for several mixtures at once.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from clustering.gaussians import LOG_2PI, Gaussians, log_weights


def feature_count(covariance: str, d: int) -> int:
    """Number m of features in d dimensions."""
    return 1 + d + {"full": d * (d + 1) // 2, "tied": d * (d + 1) // 2, "diagonal": d, "spherical": 1}[covariance]


def features_of(covariance: str, columns: np.ndarray) -> np.ndarray:
    """(m, n) features f(x) of the columns x of a (d, n) array."""
    d, n = columns.shape
    features = np.empty((feature_count(covariance, d), n))
    features[0] = 1.0
    features[1 : d + 1] = columns
    if covariance == "spherical":
        np.einsum("dn,dn->n", columns, columns, out=features[-1])
    elif covariance == "diagonal":
        np.square(columns, out=features[d + 1 :])
    else:
        first = d + 1
        for i in range(d):
            np.multiply(columns[i], columns[i:], out=features[first : first + d - i])
            first += d - i
    return features


def coefficients_of(covariance: str, gaussians: Gaussians) -> np.ndarray:
    """(…, k, m) coefficients W with ln(w_k N(x | m_k, S_k)) = W_k f(x)."""
    weights, means, covariances = gaussians
    *shape, d = means.shape
    factors = np.linalg.cholesky(covariances)
    roots = np.linalg.inv(factors)
    precisions = roots.swapaxes(-2, -1) @ roots
    linear = (precisions @ means[..., None])[..., 0]
    half_log_determinants = np.log(np.diagonal(factors, axis1=-2, axis2=-1)).sum(axis=-1)
    coefficients = np.empty((*shape, feature_count(covariance, d)))
    coefficients[..., 0] = (
        log_weights(weights) - half_log_determinants - 0.5 * (d * LOG_2PI + np.einsum("...d,...d->...", means, linear))
    )
    coefficients[..., 1 : d + 1] = linear
    if covariance == "spherical":
        coefficients[..., -1] = -0.5 * precisions[..., 0, 0]
    elif covariance == "diagonal":
        coefficients[..., d + 1 :] = -0.5 * np.diagonal(precisions, axis1=-2, axis2=-1)
    else:
        pairs = _pairs(d)
        products = precisions.reshape(*shape, d * d).take(pairs.positions, axis=-1)
        np.multiply(products, pairs.factors, out=coefficients[..., d + 1 :])
    return coefficients


def covariances_of(covariance: str, sums: np.ndarray, masses: np.ndarray, means: np.ndarray) -> np.ndarray:
    """(…, k, d, d) covariances about the means (…, k, d).

    sums : (…, k, m) sums over points of responsibilities times features
    masses : (…, k) sums of responsibilities
    """
    *shape, d = means.shape
    second = sums[..., d + 1 :] / masses[..., None]
    if covariance == "spherical":
        return ((second[..., 0] - np.einsum("...d,...d->...", means, means)) / d)[..., None, None] * np.eye(d)
    if covariance == "diagonal":
        covariances = np.zeros((*shape, d, d))
        covariances[..., np.arange(d), np.arange(d)] = second - np.square(means)
        return covariances
    pairs = _pairs(d)
    second -= means.take(pairs.rows, axis=-1) * means.take(pairs.columns, axis=-1)
    return second.take(pairs.pair_of_position, axis=-1).reshape(*shape, d, d)


class Pairs(NamedTuple):
    """Index arrays for the pairs i <= j of d coordinates, in the order of the features."""

    rows: np.ndarray
    """(p,) i"""
    columns: np.ndarray
    """(p,) j"""
    positions: np.ndarray
    """(p,) position of (i, j) in a flattened (d, d) matrix"""
    factors: np.ndarray
    """(p,) factor from precision to coefficient: -1/2 if i = j, else -1, because x_i x_j stands for (i, j) and (j, i)"""
    pair_of_position: np.ndarray
    """(d * d,) index of the pair for each position in a flattened symmetric matrix"""


@lru_cache(maxsize=8)
def _pairs(d: int) -> Pairs:
    i, j = np.triu_indices(d)
    pair_of = np.empty((d, d), dtype=np.intp)
    pair_of[i, j] = pair_of[j, i] = np.arange(len(i))
    return Pairs(i, j, i * d + j, np.where(i == j, -0.5, -1.0), pair_of.ravel())

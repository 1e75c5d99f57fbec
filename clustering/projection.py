"""Points in fewer dimensions: principal components of points, classical scaling of proximities."""

from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh_tridiagonal, eigvalsh_tridiagonal, lapack

from clustering.points import check_points, is_whole
from clustering.proximity import check_proximities


class PrincipalComponents(NamedTuple):
    """The directions in which points vary most, the first with the largest variance."""

    mean: np.ndarray
    """(d,)"""
    axes: np.ndarray
    """(d, d) rows are orthonormal directions by falling variance, each with its largest loading positive"""
    variances: np.ndarray
    """(d,) along each direction, with divisor n - 1 as in scikit-learn"""
    shares: np.ndarray
    """(d,) of the total variance; all 0 where nothing varies"""

    def project(self, points, m: int) -> np.ndarray:
        """Coordinates of points (n, d) along the first m directions, (n, m). ValueError unless the shapes agree."""
        points = check_points(points)
        d = len(self.mean)
        if points.shape[1] != d:
            raise ValueError(f"points must have {d} columns as those that the directions are of, got {points.shape[1]}")
        if not is_whole(m) or not 1 <= m <= d:
            raise ValueError(f"m must be a whole number in 1..d={d}, got {m}")
        return (points - self.mean) @ self.axes[:m].T


class Scaling(NamedTuple):
    points: np.ndarray
    """(n, dimensions) with mean 0, by falling variance"""
    share: float
    """sum of the eigenvalues kept over the sum of the absolute values of all: 1 where the distances are reproduced"""


def principal_components(points) -> PrincipalComponents:
    """The principal components of points (n, d): all d directions, by falling variance.

    Raises
    ------
    ValueError
        As `check_points`, and if there is only one row.

    Pearson 1901, doi:10.1080/14786440109462720; Hotelling 1933, doi:10.1037/h0071325. From singular values of the centered
    points, which keep twice the digits of their covariance.

    Weakness: the units of the columns decide; directions of equal variance are arbitrary among themselves.
    """
    points = check_points(points)
    n, d = points.shape
    if n < 2:
        raise ValueError("principal components need at least two rows, got 1")
    mean = points.mean(axis=0)
    centered = points - mean
    # what the rounding of a large sum left over
    rest = centered.mean(axis=0)
    centered -= rest
    scale = np.abs(centered).max() or 1.0
    _, lengths, axes = np.linalg.svd(np.linalg.qr(centered / scale, mode="r"), full_matrices=True)
    variances = np.zeros(d)
    variances[: len(lengths)] = np.square(lengths) / (n - 1)
    total = variances.sum()
    return PrincipalComponents(mean + rest, _signed(axes), variances * scale**2, variances / (total or 1.0))


def classical_scaling(proximities, dimensions: int = 2) -> Scaling:
    """Points whose Euclidean distances resemble the proximities (n, n): classical, or metric Torgerson, scaling.

    Parameters
    ----------
    proximities : (n, n) array of dissimilarities
    dimensions : int
        Columns of the result. Those beyond the positive eigenvalues are 0.

    Raises
    ------
    ValueError
        As `check_proximities`, and if `dimensions` is not a whole number of at least 1.

    Torgerson 1952, doi:10.1007/BF02288916; Gower 1966, doi:10.1093/biomet/53.3-4.325. With Euclidean distances of points
    this is their projection on the principal components. The share is R's `cmdscale(…)$GOF[1]`.

    Weakness: large distances decide; those that no points can have make negative eigenvalues, which are left out. Time
    grows with n^3: 5,000 rows take some seconds.
    """
    proximities = check_proximities(proximities)
    if not is_whole(dimensions) or dimensions < 1:
        raise ValueError(f"dimensions must be a whole number of at least 1, got {dimensions}")
    n = len(proximities)
    points = np.zeros((n, dimensions))
    largest = proximities.max()
    if largest == 0:
        return Scaling(points, 1.0)
    inner = proximities / largest
    inner += proximities.T / largest
    np.square(inner, out=inner)
    means = inner.mean(axis=0)
    inner -= means
    inner -= (means - means.mean())[:, None]
    inner *= -0.125
    values, vectors, all_values = _largest_eigenpairs(inner, min(dimensions, n))
    # the center is an eigenvector of value 0, which rounding may make positive
    values = np.where(values > n * np.finfo(float).eps * np.abs(all_values).max(), values, 0.0)
    points[:, : len(values)] = (_signed(vectors) * np.sqrt(values)[:, None]).T * largest
    return Scaling(points, float(values.sum() / np.abs(all_values).sum()))


def _largest_eigenpairs(matrix, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The largest eigenvalues (count,), falling, their vectors (count, n), and all eigenvalues (n,) of a symmetric matrix.

    Overwrites the matrix. One reduction to tridiagonal form, nearly all of the work, serves both.
    """
    n = len(matrix)
    if n < 8:
        values, vectors = np.linalg.eigh(matrix)
        return values[::-1][:count], vectors.T[::-1][:count], values
    work = int(lapack.dsytrd_lwork(n, lower=1)[0])
    reflectors, diagonal, beside, factors, _ = lapack.dsytrd(matrix.T, lower=1, lwork=work, overwrite_a=1)
    all_values = eigvalsh_tridiagonal(diagonal, beside)
    values, vectors = eigh_tridiagonal(diagonal, beside, select="i", select_range=(n - count, n - 1))
    vectors[1:] = lapack.dormqr("L", "N", reflectors[1:, :-1], factors, vectors[1:], max(1, 64 * count))[0]
    return values[::-1], vectors.T[::-1], all_values


def _signed(rows) -> np.ndarray:
    """The rows, each with the sign that makes its largest entry positive; the first among equals, within rounding."""
    sizes = np.abs(rows)
    first = (sizes >= (1 - 1e-9) * sizes.max(axis=1, keepdims=True)).argmax(axis=1)
    return rows * np.where(rows[np.arange(len(rows)), first] < 0, -1.0, 1.0)[:, None]

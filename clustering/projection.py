"""Projections to fewer dimensions: principal components of points, classical multidimensional scaling of dissimilarities."""

from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh_tridiagonal, eigvalsh_tridiagonal, lapack

from clustering.block_table import check_table_in_blocks
from clustering.dask_tables import array_of_blocks
from clustering.points import check_data, is_dask, is_integer
from clustering.proximity import check_proximities
from clustering.weights import rows_that_count


class PrincipalComponents(NamedTuple):
    """The result of `principal_components`: directions in order of decreasing variance."""

    mean: np.ndarray
    """(d,) mean of the points"""
    axes: np.ndarray
    """(d, d) orthonormal directions as rows; the largest loading of each is positive"""
    variances: np.ndarray
    """(d,) variance along each direction, with divisor n - 1 as in scikit-learn"""
    shares: np.ndarray
    """(d,) fraction of the total variance along each direction; 0 if all points are equal"""

    def project(self, points, m: int) -> np.ndarray:
        """(n, m) coordinates of points (n, d) along the first m directions. Raises ValueError if the shapes do not match.

        For a Dask array or dataframe, the result is a lazily computed Dask array.
        """
        if is_dask(points):
            return array_of_blocks(partial(self.project, m=m), points, (m,), float)
        points = check_data(points)
        d = len(self.mean)
        if points.shape[1] != d:
            raise ValueError(f"points must have {d} columns, as the principal axes do, got {points.shape[1]}")
        if not is_integer(m) or not 1 <= m <= d:
            raise ValueError(f"m must be an integer in 1..d={d}, got {m}")
        return (points - self.mean) @ self.axes[:m].T


class Scaling(NamedTuple):
    """The result of `classical_scaling`."""

    points: np.ndarray
    """(n, dimensions) coordinates with mean 0, in order of decreasing variance"""
    share: float
    """goodness of fit: sum of the eigenvalues used over the sum of the absolute values of all; 1 if the fit is exact"""


def principal_components(points, weights=None) -> PrincipalComponents:
    """Principal component analysis of points.

    Parameters
    ----------
    points : (n, d) array, or Dask array or dataframe of numbers
    weights : (n,) array, optional
        How often each point counts, see `as_frequencies`; by default once. Not for Dask.

    Returns
    -------
    PrincipalComponents
        All d directions in order of decreasing variance.

    Raises
    ------
    ValueError
        As in `check_points` and `check_weights`, or if there is only one row.

    Notes
    -----
    The result depends on the units of the columns. Directions of equal variance are not unique. Computed from singular
    values of the centered points, which is more precise than from their covariance. On the blocks of a Dask array, these are
    the singular values of the triangular factors of their QR decompositions, combined as a tree.

    References
    ----------
    Pearson 1901, doi:10.1080/14786440109462720; Hotelling 1933, doi:10.1037/h0071325. QR by blocks: Demmel et al. 2012,
    doi:10.1137/080731992.
    """
    n, mean, scale, factor = _factor_of_blocks(points) if is_dask(points) else _factor(points, weights)
    _, lengths, axes = np.linalg.svd(factor, full_matrices=True)
    variances = np.zeros(len(mean))
    variances[: len(lengths)] = np.square(lengths) / (n - 1)
    total = variances.sum()
    return PrincipalComponents(mean, _signed(axes), variances * scale**2, variances / (total or 1.0))


def _factor(points, weights=None) -> tuple[float, np.ndarray, float, np.ndarray]:
    """Number of points, their mean (d,), a scale, and the triangular factor (min(n, d), d) of the centered, scaled points.

    With weights, their sum takes the place of the number, and a row counts as often as its weight says.
    """
    points = check_data(points)
    rows, weights = rows_that_count(weights, len(points))
    points = points[rows]
    n = len(points) if weights is None else weights.sum()
    _check_rows(n)
    mean = np.average(points, axis=0, weights=weights)
    centered = points - mean
    # correct the rounding error of the mean
    residual = np.average(centered, axis=0, weights=weights)
    centered -= residual
    scale = float(np.abs(centered).max()) or 1.0
    scaled = centered / scale
    return n, mean + residual, scale, np.linalg.qr(scaled if weights is None else scaled * np.sqrt(weights)[:, None], mode="r")


def _factor_of_blocks(points) -> tuple[int, np.ndarray, float, np.ndarray]:
    """Same as `_factor` for a Dask array."""
    table = check_table_in_blocks(points)
    _check_rows(table.n)
    scale = float(table.largest.max()) or 1.0
    factor = table.blocks.sum(_factor_with_ones, None, table.origin, scale, combine=_factor_of_both)
    # due to the column of ones, the rest of the factor does not depend on the rounding error of the mean
    residual = factor[0, 1:] / factor[0, 0]
    return table.n, table.origin + residual * scale, scale, factor[1:, 1:]


def _factor_with_ones(points: np.ndarray, _, origin, scale: float) -> np.ndarray:
    columns = np.ones((len(points), 1 + len(origin)))
    np.divide(points - origin, scale, out=columns[:, 1:])
    return np.linalg.qr(columns, mode="r")


def _factor_of_both(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.linalg.qr(np.concatenate([a, b]), mode="r")


def _check_rows(n: float) -> None:
    if n < 2:
        raise ValueError(f"principal components need at least two rows, got {n:g}")


def classical_scaling(proximities, dimensions: int = 2) -> Scaling:
    """Classical (Torgerson) scaling: points whose Euclidean distances approximate the given dissimilarities.

    Parameters
    ----------
    proximities : (n, n) array
        Dissimilarities.
    dimensions : int
        Number of columns of the result. Columns beyond the number of positive eigenvalues are 0.

    Returns
    -------
    Scaling

    Raises
    ------
    ValueError
        As in `check_proximities`, or if `dimensions` is not an integer of at least 1.

    Notes
    -----
    For Euclidean distances of points, the result is their projection on the principal components. `Scaling.share` is R's
    `cmdscale(…)$GOF[1]`. Large distances dominate the fit. Dissimilarities that are not Euclidean give negative
    eigenvalues, which are dropped. Takes O(n^3) time: some seconds for 5,000 rows.

    References
    ----------
    Torgerson 1952, doi:10.1007/BF02288916; Gower 1966, doi:10.1093/biomet/53.3-4.325.
    """
    proximities = check_proximities(proximities)
    if not is_integer(dimensions) or dimensions < 1:
        raise ValueError(f"dimensions must be an integer of at least 1, got {dimensions}")
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
    # one eigenvalue is 0 due to centering, and rounding may make it positive
    values = np.where(values > n * np.finfo(float).eps * np.abs(all_values).max(), values, 0.0)
    points[:, : len(values)] = (_signed(vectors) * np.sqrt(values)[:, None]).T * largest
    return Scaling(points, float(values.sum() / np.abs(all_values).sum()))


def _largest_eigenpairs(matrix, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Largest eigenvalues (count,), decreasing, their eigenvectors (count, n), and all eigenvalues (n,).

    The symmetric matrix is overwritten. Nearly all of the time is spent on one reduction to tridiagonal form.
    """
    n = len(matrix)
    if n < 8:
        values, vectors = np.linalg.eigh(matrix)
        return values[::-1][:count], vectors.T[::-1][:count], values
    work = int(lapack.dsytrd_lwork(n, lower=1)[0])
    reflectors, diagonal, off_diagonal, factors, _ = lapack.dsytrd(matrix.T, lower=1, lwork=work, overwrite_a=1)
    all_values = eigvalsh_tridiagonal(diagonal, off_diagonal)
    values, vectors = eigh_tridiagonal(diagonal, off_diagonal, select="i", select_range=(n - count, n - 1))
    vectors[1:] = lapack.dormqr("L", "N", reflectors[1:, :-1], factors, vectors[1:], max(1, 64 * count))[0]
    return values[::-1], vectors.T[::-1], all_values


def _signed(rows) -> np.ndarray:
    """The rows with signs that make the largest entry of each positive; if tied within rounding, the first of them."""
    sizes = np.abs(rows)
    first = (sizes >= (1 - 1e-9) * sizes.max(axis=1, keepdims=True)).argmax(axis=1)
    return rows * np.where(rows[np.arange(len(rows)), first] < 0, -1.0, 1.0)[:, None]

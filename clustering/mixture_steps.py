"""The computations of `GaussianMixture` that run over all points, in memory or block by block, and the prepared points.

Parameters are standardized: relative to `origin` and `scale`. Responsibilities are `rows` (k, n). `values` are
`PosteriorRows`; rows that were not kept are recomputed from `gaussians` and `coefficients`, those of the last E step.

Arrays of parameters may have a leading axis, for several runs at once. Responsibilities, labels and sums then have it, too.
"""

from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_triangular

from clustering.blocks import ALL_KEPT, Blocks
from clustering.chunks import column_argmax, inner_product, map_chunks, product
from clustering.features import features_of
from clustering.gaussians import LOG_2PI, Gaussians, log_weights
from clustering.notices import Notice
from clustering.points import EPS

MAX_SQUARED_RATIO = 1e6
"""largest squared ratio of distance to standard deviation for which products of coordinates are precise enough"""
FEATURES_PER_CHUNK = 2**23
"""number of feature values computed at a time if the features are not stored"""
MIN_STANDARD_DEVIATION = 1e-140
"""in the units of the data; the square of a smaller number would underflow"""
CHUNK = 2**14
"""points processed at a time: few enough for (k, CHUNK) arrays to stay in the CPU cache, enough for threads to pay off"""


class PreparedFeatures(NamedTuple):
    """Points and features in the form that the steps of `GaussianMixture` use.

    If the data are a Dask array, `points` and `columns` are Dask arrays, and `blocks` has `PreparedFeatures` of each block,
    with the `origin` and `scale` of all points.
    """

    points: np.ndarray
    """(n, d) original points"""
    columns: np.ndarray
    """(d, n) points, transposed, centered and scaled"""
    origin: np.ndarray
    """(d,) subtracted column means"""
    scale: np.ndarray
    """(d,) divisors: the standard deviation of each column; for spherical covariances, the largest one for all columns"""
    scale_products: np.ndarray
    """(d, d) outer product of `scale` with itself: the units of the covariances"""
    log_volume: float
    """sum of the logarithms of `scale`: the difference between standardized and original log densities"""
    rounding: float
    """squared rounding error of a standardized mean, caused by a common offset of the data"""
    features: np.ndarray | None
    """(m, n) features f(x) of all points; None if they are too large, and in blocks: then they are
    recomputed chunk by chunk in each step"""
    feature_count: int
    """m, used to check that the features match the covariance model"""
    k: int
    """number of components that `notices` refer to"""
    notices: tuple[Notice, ...]
    first_row: int = 0
    """number of the first row in the whole table"""
    weights: np.ndarray | None = None
    """(n,) weights of the rows; None if all are 1"""
    kept: int = ALL_KEPT
    """what stays in memory between two steps, see `clustering.blocks`"""
    blocks: Blocks | None = None
    """the same for each block of a Dask array"""
    prior: np.ndarray | None = None
    """(d, d) prior covariance of the standardized points, for `VariationalMixture`"""

    @property
    def mass(self) -> float:
        """Sum of the weights: n without weights."""
        return self.columns.shape[1] if self.weights is None else float(self.weights.sum())

    @property
    def mean_weight(self) -> float:
        """Mean of the weights that are not 0: 1 without weights."""
        return 1.0 if self.weights is None else self.mass / np.count_nonzero(self.weights)


class PosteriorRows(NamedTuple):
    """Responsibilities of the components for each point."""

    rows: np.ndarray | None
    """(k, n) responsibilities, one contiguous row per component; None if they are not kept, to save memory"""
    labels: np.ndarray
    """(n,) most probable component of each point, in the smallest unsigned integer type that holds k - 1"""

    def compact(self) -> "PosteriorRows":
        """What the blocks of a Dask array keep until the next iteration."""
        return PosteriorRows(None, self.labels)


def hard_posterior(labels: np.ndarray, k: int) -> PosteriorRows:
    """Responsibilities of 0 and 1 for labels (n,)."""
    return PosteriorRows(np.equal(labels, np.arange(k)[:, None]).astype(float), labels)


def standardized_block(points: np.ndarray, shared: PreparedFeatures, first_row: int, kept: int) -> PreparedFeatures:
    """The points of a block with what is known about all points."""
    columns = np.subtract(points.T, shared.origin[:, None], order="C")
    columns /= shared.scale[:, None]
    return shared._replace(points=points, columns=columns, first_row=first_row, kept=kept)


def squared_ratios(points: np.ndarray, _, origin, largest) -> np.ndarray:
    """(d,) sums of the squares of the differences from `origin` divided by `largest`."""
    return np.square((points - origin) / np.where(largest > 0, largest, 1.0)).sum(axis=0)


def scales_of(origin, largest, mean_squares) -> np.ndarray:
    """(d,) standard deviation of each column; for constant columns the mean of the others, or 1.

    A column counts as constant if it varies only by the rounding error of its offset, or if its variance would underflow.

    Parameters
    ----------
    origin, largest : (d,) arrays
        Mean of each column, and largest absolute difference from it.
    mean_squares : (d,) array
        Mean of the squares of the differences divided by `largest`, which cannot overflow or underflow.
    """
    deviations = largest * np.sqrt(mean_squares)
    varies = (largest > 64 * EPS * np.abs(origin)) & (deviations > MIN_STANDARD_DEVIATION)
    return np.where(varies, deviations, deviations[varies].mean() if varies.any() else 1.0)


def respond(prepared: PreparedFeatures, before: PosteriorRows | None, covariance: str, gaussians: Gaussians, coefficients):
    """The E step.

    Returns
    -------
    posterior : PosteriorRows
    totals : tuple
        Log-likelihood of the standardized points; number of changed labels; (k,) sums of responsibilities; (k, m) sums of
        responsibilities times features, 0 if `coefficients` is None. All sums are weighted.
    """
    (*runs, k), n = gaussians.weights.shape, prepared.columns.shape[1]
    log_joint = log_joint_of(prepared, gaussians) if coefficients is None else None
    rows, labels = np.empty((*runs, k, n)), np.empty((*runs, n), dtype=np.min_scalar_type(k - 1))

    def responsibilities(chunk):
        if log_joint is None:
            features = _features(prepared, covariance, chunk)
            scores = product(coefficients, features)
        else:
            scores = log_joint(chunk)
        log_density = normalize(scores, block := rows[..., chunk])
        labels[..., chunk] = column_argmax(np.moveaxis(block, -2, 0))
        changed = log_density.shape[-1]
        if before is not None:
            changed = (labels[..., chunk] != before.labels[..., chunk]).sum(axis=-1)
        if prepared.weights is not None:
            log_density *= prepared.weights[chunk]
            block = block * prepared.weights[chunk]  # a copy: the responsibilities themselves have no weights
        if log_joint is None:
            sums = inner_product(block, features)
            return log_density.sum(axis=-1), changed, sums[..., 0], sums
        return log_density.sum(axis=-1), changed, block.sum(axis=-1), 0

    parts = map_chunks(responsibilities, n, chunk_size_of(prepared))
    return PosteriorRows(rows, labels), tuple(sum(part) for part in zip(*parts, strict=True))


def normalize(scores: np.ndarray, out: np.ndarray) -> np.ndarray:
    """Log densities (…, n) for log joint densities (…, k, n), which are overwritten; `out` receives responsibilities."""
    largest = scores.max(axis=-2)
    # subtract the largest term (log-sum-exp): otherwise all terms may underflow and give 0/0
    scores -= largest[..., None, :]
    np.exp(scores, out=out)
    total = out.sum(axis=-2)
    out *= (1.0 / total)[..., None, :]  # one division per point instead of k
    largest += np.log(total)
    return largest


def rows_of(prepared, values: PosteriorRows, covariance: str, gaussians: Gaussians | None, coefficients) -> np.ndarray:
    """(k, n) responsibilities, times weights."""
    if values.rows is not None:
        return weighted(prepared, values.rows)
    return weighted(prepared, respond(prepared, None, covariance, gaussians, coefficients)[0].rows)


def weighted(prepared, rows: np.ndarray, chunk: slice = slice(None)) -> np.ndarray:
    """(k, …) responsibilities `rows` of the points in this chunk, times weights."""
    return rows if prepared.weights is None else rows * prepared.weights[chunk]


def first_moments(prepared, values, *last_e_step) -> tuple[np.ndarray, np.ndarray]:
    """Weighted sums of responsibilities (k,), and of responsibilities times points (k, d)."""
    rows = rows_of(prepared, values, *last_e_step)
    return rows.sum(axis=1), rows @ prepared.columns.T


def feature_sums(prepared, values, covariance: str) -> np.ndarray:
    """(k, m) weighted sums of responsibilities times features."""

    def part(chunk):
        return inner_product(weighted(prepared, values.rows[:, chunk], chunk), _features(prepared, covariance, chunk))

    return sum(map_chunks(part, prepared.columns.shape[1], chunk_size_of(prepared)))


def scatter_about(prepared, values, means: np.ndarray, covariance: str, *last_e_step) -> np.ndarray:
    """(k, d, d) weighted sums of responsibilities times squares and products of differences from the means (k, d)."""
    return scatter_of_rows(prepared, rows_of(prepared, values, covariance, *last_e_step), means, covariance)


def overall_scatter(prepared, _, covariance: str) -> np.ndarray:
    """(1, d, d) weighted sums of squares and products of all points."""
    d, n = prepared.columns.shape
    return scatter_of_rows(prepared, weighted(prepared, np.ones((1, n))), np.zeros((1, d)), covariance)


def scatter_of_rows(prepared, rows, means, covariance: str) -> np.ndarray:
    """(k, d, d) sums of the weights `rows` (k, n) times squares and products of differences from the means (k, d)."""
    if means.ndim > 2:
        *runs, k, d = means.shape
        scatter = scatter_of_rows(prepared, rows.reshape(-1, rows.shape[-1]), means.reshape(-1, d), covariance)
        return scatter.reshape(*runs, k, d, d)

    def part(chunk):
        scatter = np.zeros((*means.shape, means.shape[1]))
        for weights, mean, out in zip(rows[:, chunk], means, scatter, strict=True):
            difference = prepared.columns[:, chunk] - mean[:, None]
            if covariance in ("full", "tied"):
                np.matmul(difference * weights, difference.T, out=out)
            else:
                np.fill_diagonal(out, np.square(difference) @ weights)
        return scatter

    scatter = sum(map_chunks(part, rows.shape[1], 2**13))
    if covariance == "spherical":
        d = means.shape[1]
        return np.trace(scatter, axis1=1, axis2=2)[:, None, None] / d * np.eye(d)
    return scatter


def gain_of(prepared, values, new: Gaussians, covariance: str, old: Gaussians, coefficients) -> float:
    """Weighted sum of responsibilities times the change in the log joint density."""
    rows = rows_of(prepared, values, covariance, old, coefficients)
    before, after = log_joint_of(prepared, old), log_joint_of(prepared, new)

    def part(chunk):
        return float(np.einsum("kn,kn->", rows[:, chunk], after(chunk) - before(chunk)))

    return sum(map_chunks(part, rows.shape[1], 2**13))


def first_points(prepared, values) -> np.ndarray:
    """(k, d) first point of each component, for hard responsibilities; NaN if it has none."""
    at = values.rows.argmax(axis=1)
    found = values.rows[np.arange(len(at)), at] > 0
    return np.where(found[:, None], prepared.columns[:, at].T, np.nan)


def earlier_points(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The points `a` of one block, and those of a later block `b` where they are missing."""
    return np.where(np.isnan(a), b, a)


def log_joint_of(prepared: PreparedFeatures, gaussians: Gaussians):
    """Function chunk -> (k, points) ln(w_k N(x | m_k, S_k)), computed from differences."""
    k, d = gaussians.means.shape
    factors = np.linalg.cholesky(gaussians.covariances)
    constants = log_weights(gaussians.weights) - 0.5 * d * LOG_2PI
    constants -= np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)

    def log_joint(chunk):
        scores = np.empty((k, chunk.stop - chunk.start))
        for row, mean, factor, constant in zip(scores, gaussians.means, factors, constants, strict=True):
            white = solve_triangular(factor, prepared.columns[:, chunk] - mean[:, None], lower=True, check_finite=False)
            np.einsum("dn,dn->n", white, white, out=row)
            row *= -0.5
            row += constant
        return scores

    return log_joint


def _features(prepared, covariance: str, chunk) -> np.ndarray:
    if prepared.features is None:
        return features_of(covariance, prepared.columns[:, chunk])
    return prepared.features[:, chunk]


def chunk_size_of(prepared: PreparedFeatures) -> int:
    """Number of points to process at a time; fewer if their features have to be computed for it."""
    return CHUNK if prepared.features is not None else min(CHUNK, max(FEATURES_PER_CHUNK // prepared.feature_count, 64))


def well_conditioned(gaussians: Gaussians, smallest: np.ndarray) -> np.ndarray:
    """(…) whether products of coordinates are precise enough for these standardized Gaussians."""
    squares = np.einsum("...d,...d->...", gaussians.means, gaussians.means)
    return (squares < MAX_SQUARED_RATIO * smallest).all(axis=-1)

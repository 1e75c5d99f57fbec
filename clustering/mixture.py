"""Mixture of Gaussians, fitted by expectation maximization.

    p(x) = sum over k of w_k N(x | m_k, S_k)          loss = -(1/n) sum over points of ln p(x)   (nats per point)

x: points (n, d); w: weights (k,); m: means (k, d); S: covariances (k, d, d). Dempster, Laird & Rubin 1977,
doi:10.1111/j.2517-6161.1977.tb01600.x; Bishop 2006, "Pattern Recognition and Machine Learning", section 9.2.

The loss after an M step is the upper bound that the M step minimizes for fixed responsibilities r(n, k),

    -(1/n) sum over n, k of r ln(w_k N(x | m_k, S_k) / r).

It equals the loss if the responsibilities come from an E step with the same parameters.

Implementation: ln(w_k N(x | m_k, S_k)) is linear in the features f(x) = (1, x, products of coordinates), which are computed
once per data set. An E step is then one matrix product, W f, and the sums for an M step are another, r f'. The loss of
precision grows with (distance of a mean from the data's center / smallest standard deviation)^2. Above `MAX_SQUARED_RATIO`,
differences and triangular solves are used instead.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_triangular

from clustering.chunks import column_argmax, inner_product, map_chunks, product
from clustering.features import coefficients_of, feature_count, features_of, scatter_of
from clustering.gaussians import LOG_2PI, Gaussians, check_gaussians, log_weights
from clustering.kmeans import KMeans
from clustering.notices import COLLAPSING_COMPONENT, EMPTY_CLUSTER, Notice
from clustering.points import EPS, check_k, check_labels, check_points, column_means, distinct_points_notices
from clustering.process import Alternating, State, fit
from clustering.seeding import seeded_rows

COVARIANCES = ("full", "tied", "diagonal", "spherical")
MAX_SQUARED_RATIO = 1e6
"""largest squared ratio of distance to standard deviation for which products of coordinates are precise enough"""
FEATURES_LIMIT = 2**29
"""bytes; features that need more memory are not stored but recomputed chunk by chunk in each step"""
FEATURES_PER_CHUNK = 2**23
"""number of feature values computed at a time if the features are not stored"""
MIN_STANDARD_DEVIATION = 1e-140
"""in the units of the data; the square of a smaller number would underflow"""
CHUNK = 2**14
"""points processed at a time: few enough for (k, CHUNK) arrays to stay in the CPU cache, enough for threads to pay off"""
MIN_MASS = 1e-8
"""sum of responsibilities below which the mean and the covariance of a component are not updated"""


class PreparedFeatures(NamedTuple):
    """Points and features in the form that the steps of `GaussianMixture` use."""

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
    """(m, n) features f(x) of all points; None if they exceed `FEATURES_LIMIT`"""
    feature_count: int
    """m, used to check that the features match the covariance model"""
    k: int
    """number of components that `notices` refer to"""
    notices: tuple[Notice, ...]


@dataclass(frozen=True, eq=False)
class Responsibilities:
    """Responsibilities, p(component | point), with results that the next steps reuse."""

    rows: np.ndarray
    """(k, n) responsibilities, one contiguous row per component"""
    loss: float
    """mean negative log-likelihood (nats per point)"""
    changed: int
    """number of points whose most probable component differs from that in the previous state; n in the first"""
    compact_labels: np.ndarray
    """(n,) most probable component of each point, in the smallest unsigned integer type that holds k - 1"""
    coefficients: np.ndarray | None
    """(k, m) coefficients of the features in the log joint density; None if they are too imprecise"""
    sums: np.ndarray | None
    """(k, m) sums of responsibilities times features; None if `coefficients` is None"""
    smallest_variance: np.ndarray
    """(k,) smallest eigenvalue of each standardized covariance"""

    @property
    def responsibilities(self) -> np.ndarray:
        """(n, k) responsibilities; each row sums to one"""
        return self.rows.T

    @property
    def memberships(self) -> np.ndarray:
        """(n, k) responsibilities, under the name that all soft methods use"""
        return self.responsibilities

    @cached_property
    def labels(self) -> np.ndarray:
        """(n,) most probable component of each point"""
        return self.compact_labels.astype(np.intp)

    @cached_property
    def sizes(self) -> np.ndarray:
        """(k,) sum of the responsibilities of each component"""
        return self.rows.sum(axis=1) if self.sums is None else self.sums[:, 0]


@dataclass(frozen=True, eq=False)  # comparing would fail if `init` is an array
class GaussianMixture(Alternating):
    """Gaussian mixture model, fitted by EM.

    Parameters
    ----------
    k : int
        Number of components, 1..n.
    covariance : {"full", "tied", "diagonal", "spherical"}
        Covariance model: one matrix per component; one matrix for all components; one variance per component and column;
        one variance per component.
    init : {"k-means", "k-means++", "plain k-means++", "random", "maxmin"} or (k, d) array or (n,) array
        Initialization. "k-means": an M step from the labels of a K-means run on standardized columns (initialized by
        k-means++). The other names: means at data points chosen as in `clustering.seeding`, the covariance of all points,
        and equal weights. A (k, d) array: the same with these means. An (n,) array of labels 0..k-1: an M step from these
        labels. To set all parameters, use `iterate(…, start=Gaussians(…))`; variances below the floor are raised to it.
    floor : float
        Smallest variance of a component in any direction, as a fraction of the variance of the data: a lower bound on the
        eigenvalues of the covariances of standardized columns. Without a bound, the likelihood of a component that shrinks
        onto one point is infinite. The M step maximizes the likelihood under this constraint, so the loss never rises. At
        0, a floor of 1e-12 remains for numerical reasons.
    regularization : float
        Added to the diagonal of each covariance in each M step, in squared units, like scikit-learn's `reg_covar`. The M
        step then no longer maximizes the likelihood, and the loss may rise slightly; a notice reports this.

    Notes
    -----
    Finds a local optimum that depends on the initialization. Converges slowly if components overlap. Components are
    elliptical.
    """

    k: int
    covariance: str = "full"
    init: str | np.ndarray = "k-means"
    floor: float = 1e-6
    regularization: float = 0.0

    loss_name = "mean negative log-likelihood (nats per point)"
    tol = 1e-7

    def __post_init__(self):
        if self.covariance not in COVARIANCES:
            raise ValueError(f"covariance must be one of {', '.join(COVARIANCES)}, got {self.covariance!r}")
        if not 0 <= self.floor < 1:
            raise ValueError(f"floor must lie in 0..1, got {self.floor}")
        if not 0 <= self.regularization < np.inf:
            raise ValueError(f"regularization must be at least 0, got {self.regularization}")

    def prepare(self, data) -> PreparedFeatures:
        """Checked points with features; `data` is an (n, d) array. Raises ValueError as in `check_points` and `check_k`."""
        if isinstance(data, PreparedFeatures):
            check_k(self.k, len(data.points))
            if data.feature_count != feature_count(self.covariance, len(data.columns)):
                raise ValueError("these points were prepared for another covariance model: prepare them again")
            return data if data.k == self.k else data._replace(k=self.k, notices=distinct_points_notices(data.points, self.k))
        points = check_points(data)
        check_k(self.k, len(points))
        origin, varies = column_means(points)
        columns = np.subtract(points.T, origin[:, None], order="C")
        scale = _scales(columns, origin)
        if self.covariance == "spherical":
            scale = np.full_like(scale, scale.max())
        columns /= scale[:, None]
        m = feature_count(self.covariance, len(columns))
        features = features_of(self.covariance, columns) if m * columns.shape[1] * 8 <= FEATURES_LIMIT else None
        notices = distinct_points_notices(points, self.k)
        rounding = float(np.square(EPS * origin / scale)[varies].sum())
        units = scale, np.multiply.outer(scale, scale), float(np.log(scale).sum())
        return PreparedFeatures(points, columns, origin, *units, rounding, features, m, self.k, notices)

    def start(self, prepared: PreparedFeatures, rng: np.random.Generator) -> Gaussians:
        """The initial `Gaussians`, given by `init`."""
        columns = prepared.columns
        if not isinstance(self.init, str):
            if isinstance(self.init, list | np.ndarray) and np.ndim(self.init) == 1:
                return self._from_labels(prepared, check_labels(self.init, columns.shape[1], self.k))
            return self.check_start(prepared, self.init)
        if self.init == "k-means":
            return self._from_labels(prepared, fit(KMeans(self.k), columns.T, rng=rng, max_iter=100).labels)
        rows = seeded_rows(self.init, columns, self.k, rng, "k-means")
        return self._with_means(prepared, columns[:, rows].T * prepared.scale + prepared.origin)

    def _from_labels(self, prepared: PreparedFeatures, labels: np.ndarray) -> Gaussians:
        """The M step for hard labels (n,)."""
        columns = prepared.columns
        rows = np.equal(labels, np.arange(self.k)[:, None]).astype(float)
        overall = self._with_means(prepared, columns[:, rows.argmax(axis=1)].T * prepared.scale + prepared.origin)
        return self._maximize(prepared, rows, self._sums(prepared, rows), overall)

    def check_start(self, prepared: PreparedFeatures, start) -> Gaussians:
        """The given `Gaussians` with variances raised to the floor, or `Gaussians` with the given means (k, d).

        Raises ValueError as in `check_gaussians` and `check_points`, or if k or d do not match.
        """
        shape = (self.k, len(prepared.columns))
        if isinstance(start, Gaussians):
            gaussians = check_gaussians(*start)
            if gaussians.means.shape != shape:
                raise ValueError(
                    f"start must be {shape[0]} Gaussians in {shape[1]} dimensions, got means of shape {gaussians.means.shape}"
                )
            # variances below the floor could fit better than any that the M step may choose: the loss would rise
            covariances = self._standardized(prepared, gaussians).covariances
            if _smallest_eigenvalues(covariances).min() >= self._floor:
                return gaussians
            return gaussians._replace(covariances=self._in_units(prepared, self._raise_to_floor(covariances)))
        if isinstance(start, tuple):
            raise ValueError("start must be an array of means or `Gaussians`, got a tuple")
        means = check_points(start, "start")
        if means.shape != shape:
            raise ValueError(f"start must be means of shape {shape} or Gaussians, got an array of shape {means.shape}")
        return self._with_means(prepared, means)

    def e_step(
        self, prepared: PreparedFeatures, parameters: Gaussians, before: Responsibilities | None = None
    ) -> tuple[Responsibilities, float]:
        gaussians = self._standardized(prepared, parameters)
        smallest = _smallest_eigenvalues(gaussians.covariances)
        by_features = _well_conditioned(gaussians, smallest)
        coefficients = coefficients_of(self.covariance, gaussians) if by_features else None
        log_joint = None if by_features else self._log_joint(prepared, gaussians)
        n = prepared.columns.shape[1]
        rows, labels = np.empty((self.k, n)), np.empty(n, dtype=np.min_scalar_type(self.k - 1))

        def responsibilities(chunk):
            if by_features:
                features = self._features_of(prepared, chunk)
                scores = product(coefficients, features)
            else:
                scores = log_joint(chunk)
            largest = scores.max(axis=0)
            # subtract the largest term (log-sum-exp): otherwise all terms may underflow and give 0/0
            scores -= largest
            block = np.exp(scores, out=rows[:, chunk])
            total = block.sum(axis=0)
            block *= 1.0 / total  # one division per point instead of k
            largest += np.log(total)
            labels[chunk] = column_argmax(block)
            changed = len(total)
            if before is not None:
                changed = np.count_nonzero(labels[chunk] != before.compact_labels[chunk])
            return float(largest.sum()), changed, inner_product(block, features) if by_features else 0

        parts = map_chunks(responsibilities, n, _chunk_size(prepared))
        log_likelihood, changed, sums = (sum(part) for part in zip(*parts, strict=True))
        loss = -log_likelihood / n + prepared.log_volume
        sums = sums if by_features else None
        return Responsibilities(rows, loss, int(changed), labels, coefficients, sums, smallest), loss

    def m_step(self, prepared: PreparedFeatures, assignment: Responsibilities, parameters: Gaussians) -> Gaussians:
        return self._maximize(prepared, assignment.rows, assignment.sums, parameters)

    def m_step_loss(
        self, prepared: PreparedFeatures, assignment: Responsibilities, parameters: Gaussians, new_parameters: Gaussians
    ) -> float:
        # the bound equals the loss at the old parameters; it changes by the mean of r (new - old) log joint density
        n = prepared.columns.shape[1]
        new = self._standardized(prepared, new_parameters)
        if assignment.sums is not None and _well_conditioned(new, _smallest_eigenvalues(new.covariances)):
            gain = np.vdot(coefficients_of(self.covariance, new) - assignment.coefficients, assignment.sums)
            return assignment.loss - float(gain) / n
        old = self._standardized(prepared, parameters)
        before, after = self._log_joint(prepared, old), self._log_joint(prepared, new)

        def gain(chunk):
            return float(np.einsum("kn,kn->", assignment.rows[:, chunk], after(chunk) - before(chunk)))

        return assignment.loss - sum(map_chunks(gain, n, 2**13)) / n

    def has_converged(self, before: State, parameters, assignment, loss: float, tol: float) -> bool:
        return abs(before.loss - loss) <= tol

    def notices(self, prepared: PreparedFeatures, parameters: Gaussians, assignment: Responsibilities) -> tuple[Notice, ...]:
        found = list(prepared.notices)
        empty = parameters.weights * prepared.columns.shape[1] < MIN_MASS
        if empty.any():
            text = "{who} lost all points (weight 0) and can no longer change. Choose a smaller K or another initialization."
            found.append(Notice(EMPTY_CLUSTER, text, tuple(np.flatnonzero(empty).tolist()), "Component"))
        collapsed = assignment.smallest_variance <= self._floor * (1 + 1e-6) + len(prepared.columns) * 16 * EPS
        if not collapsed.any():
            return tuple(found)
        if self.covariance == "tied":
            limit = "the variance floor" if self.floor > 0 else "the limit of double precision"
            text = (
                f"The shared covariance collapsed to {limit}: the points lie in a subspace of fewer dimensions. "
                "Remove a feature."
            )
            found.append(Notice(COLLAPSING_COMPONENT, text))
        else:
            text = (
                "{who} collapsed to the variance floor; without it the likelihood is unbounded. Choose a smaller K, another "
                "initialization, a simpler covariance or a higher variance floor."
            )
            if self.floor == 0:
                text = (
                    "{who} collapsed to a variance at the limit of double precision. Without a variance floor the likelihood "
                    "is unbounded. Choose a smaller K, another initialization or a simpler covariance, or set a variance "
                    "floor."
                )
            found.append(Notice(COLLAPSING_COMPONENT, text, tuple(np.flatnonzero(collapsed).tolist()), "Component"))
        return tuple(found)

    def rounding_error(self, prepared: PreparedFeatures, assignment: Responsibilities, loss: float) -> float:
        # small variances amplify the rounding errors of the covariance and of the mean
        magnified = 16 * len(prepared.columns) * EPS + prepared.rounding
        return 1e-9 * (1 + abs(loss)) + float(magnified / assignment.smallest_variance.min())

    def predict(self, parameters: Gaussians, points) -> np.ndarray:
        """(n,) most probable component of each of n new points (n, d); the lowest number on ties."""
        return column_argmax(parameters.log_joint(points).T).astype(np.intp)

    def parameter_count(self, d: int) -> int:
        """Number of free parameters in d dimensions, as used by information criteria."""
        counts = {"full": self.k * d * (d + 1) // 2, "tied": d * (d + 1) // 2, "diagonal": self.k * d, "spherical": self.k}
        return self.k - 1 + self.k * d + counts[self.covariance]

    def _features_of(self, prepared, chunk) -> np.ndarray:
        if prepared.features is None:
            return features_of(self.covariance, prepared.columns[:, chunk])
        return prepared.features[:, chunk]

    def _log_joint(self, prepared, gaussians: Gaussians):
        """Function chunk -> (k, points) ln(w_k N(x | m_k, S_k)), computed from differences, for standardized Gaussians."""
        d = len(prepared.columns)
        factors = np.linalg.cholesky(gaussians.covariances)
        constants = log_weights(gaussians.weights) - 0.5 * d * LOG_2PI
        constants -= np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)

        def log_joint(chunk):
            scores = np.empty((self.k, chunk.stop - chunk.start))
            for row, mean, factor, constant in zip(scores, gaussians.means, factors, constants, strict=True):
                white = solve_triangular(factor, prepared.columns[:, chunk] - mean[:, None], lower=True, check_finite=False)
                np.einsum("dn,dn->n", white, white, out=row)
                row *= -0.5
                row += constant
            return scores

        return log_joint

    @property
    def _floor(self) -> float:
        return max(self.floor, 1e-12)

    def _sums(self, prepared, rows) -> np.ndarray:
        """(k, m) sums of responsibilities times features."""

        def part(chunk):
            return inner_product(rows[:, chunk], self._features_of(prepared, chunk))

        return sum(map_chunks(part, rows.shape[1], _chunk_size(prepared)))

    def _maximize(self, prepared, rows, sums, parameters: Gaussians) -> Gaussians:
        """The maximum-likelihood parameters for the responsibilities `rows` (k, n)."""
        d = len(prepared.columns)
        masses = rows.sum(axis=1) if sums is None else sums[:, 0]
        alive = masses >= MIN_MASS
        divisors = np.where(alive, masses, 1.0)
        means = (rows @ prepared.columns.T if sums is None else sums[:, 1 : d + 1]) / divisors[:, None]
        scatter = None
        if sums is not None:
            scatter = scatter_of(self.covariance, sums, divisors, means)
            imprecise = np.square(means) > MAX_SQUARED_RATIO * np.diagonal(scatter, axis1=1, axis2=2)
            if (imprecise & alive[:, None]).any():
                scatter = None
        if scatter is None:
            scatter = self._scatter_directly(prepared, rows, divisors, means)
        if self.covariance == "tied":
            scatter = np.broadcast_to(np.einsum("k,kij->ij", masses * alive, scatter) / masses[alive].sum(), (self.k, d, d))
        covariances = self._raise_to_floor(self._regularized(prepared, scatter))
        if not alive.all():
            old = self._standardized(prepared, parameters)
            means[~alive] = old.means[~alive]
            if self.covariance != "tied":
                covariances[~alive] = old.covariances[~alive]
        return Gaussians(
            masses / masses.sum(),
            means * prepared.scale + prepared.origin,
            self._in_units(prepared, covariances),
        )

    def _scatter_directly(self, prepared, rows, divisors, means) -> np.ndarray:
        """(k, d, d) covariances about the means, computed from differences."""

        def part(chunk):
            scatter = np.zeros((self.k, d, d))
            for weights, mean, out in zip(rows[:, chunk], means, scatter, strict=True):
                difference = prepared.columns[:, chunk] - mean[:, None]
                if self.covariance in ("full", "tied"):
                    np.matmul(difference * weights, difference.T, out=out)
                else:
                    np.fill_diagonal(out, np.square(difference) @ weights)
            return scatter

        d = len(prepared.columns)
        scatter = sum(map_chunks(part, rows.shape[1], 2**13)) / divisors[:, None, None]
        if self.covariance == "spherical":
            scatter = np.trace(scatter, axis1=1, axis2=2)[:, None, None] / d * np.eye(d)
        return scatter

    def _regularized(self, prepared, covariances) -> np.ndarray:
        if not self.regularization:
            return covariances
        return covariances + np.diag(self.regularization / np.square(prepared.scale))

    def _raise_to_floor(self, covariances) -> np.ndarray:
        """The most likely covariances with all eigenvalues at or above the floor: smaller eigenvalues are set to it."""
        if _smallest_eigenvalues(covariances).min() >= self._floor:
            return covariances
        values, vectors = np.linalg.eigh(covariances)
        raised = (vectors * np.maximum(values, self._floor)[:, None, :]) @ vectors.transpose(0, 2, 1)
        return np.where((values[:, 0] < self._floor)[:, None, None], raised, covariances)

    def _with_means(self, prepared, means) -> Gaussians:
        """Gaussians with the given means, the covariance of all points under this covariance model, and equal weights."""
        n = prepared.columns.shape[1]
        rows = np.ones((1, n))
        overall = self._scatter_directly(
            prepared, np.broadcast_to(rows, (self.k, n)), np.full(self.k, n), np.zeros_like(means)
        )
        overall = self._raise_to_floor(self._regularized(prepared, overall))
        return Gaussians(np.full(self.k, 1 / self.k), means.copy(), self._in_units(prepared, overall))

    def _standardized(self, prepared, parameters: Gaussians) -> Gaussians:
        weights, means, covariances = parameters
        return Gaussians(weights, (means - prepared.origin) / prepared.scale, covariances / prepared.scale_products)

    def _in_units(self, prepared, covariances) -> np.ndarray:
        """Standardized covariances in the units of the data."""
        return covariances * prepared.scale_products


def _scales(columns, origin) -> np.ndarray:
    """(d,) standard deviation of each centered column; for constant columns the mean of the others, or 1.

    A column counts as constant if it varies only by the rounding error of its offset, or if its variance would underflow.
    """
    largest = np.abs(columns).max(axis=1)
    safe = np.where(largest > 0, largest, 1.0)
    deviations = safe * np.sqrt(np.square(columns / safe[:, None]).mean(axis=1))
    varies = (largest > 64 * EPS * np.abs(origin)) & (deviations > MIN_STANDARD_DEVIATION)
    return np.where(varies, deviations, deviations[varies].mean() if varies.any() else 1.0)


def _chunk_size(prepared: PreparedFeatures) -> int:
    """Number of points to process at a time; fewer if their features have to be computed for it."""
    return CHUNK if prepared.features is not None else min(CHUNK, max(FEATURES_PER_CHUNK // prepared.feature_count, 64))


def _smallest_eigenvalues(covariances) -> np.ndarray:
    """(k,) smallest eigenvalue of each covariance."""
    return np.linalg.eigvalsh(covariances)[:, 0]


def _well_conditioned(gaussians: Gaussians, smallest) -> bool:
    """Whether products of coordinates are precise enough for these standardized Gaussians."""
    return bool((np.einsum("kd,kd->k", gaussians.means, gaussians.means) < MAX_SQUARED_RATIO * smallest).all())

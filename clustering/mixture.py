"""Mixture of Gaussians, fitted by expectation maximization.

    p(x) = sum over k of w_k N(x | m_k, S_k)          loss = -(1/n) sum over points of ln p(x)   (nats per point)

x: points (n, d); w: weights (k,); m: means (k, d); S: covariances (k, d, d). Dempster, Laird & Rubin 1977,
doi:10.1111/j.2517-6161.1977.tb01600.x; Bishop 2006, "Pattern Recognition and Machine Learning", section 9.2.

The loss after an M step is the upper bound that the M step minimizes for fixed responsibilities r(n, k),

    -(1/n) sum over n, k of r ln(w_k N(x | m_k, S_k) / r).

It equals the loss if the responsibilities come from an E step with the same parameters. If the points have weights, the terms
of a point are multiplied by its weight, and n is the sum of the weights.

Implementation: ln(w_k N(x | m_k, S_k)) is linear in the features f(x) = (1, x, products of coordinates), which are computed
once per data set. An E step is then one matrix product, W f, and the sums for an M step are another, r f'. The loss of
precision grows with (distance of a mean from the data's center / smallest standard deviation)^2. Above `MAX_SQUARED_RATIO`,
differences and triangular solves are used instead.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from clustering.batched_mixtures import batched_restarts
from clustering.block_seeding import seeded_centers
from clustering.block_table import check_table_in_blocks, distinct_notices
from clustering.blocks import Values, map_points, sum_points
from clustering.chunks import column_argmax
from clustering.dask_tables import array_of_blocks
from clustering.features import coefficients_of, covariances_of, feature_count, features_of
from clustering.gaussians import Gaussians, check_gaussians
from clustering.kmeans import KMeans
from clustering.mixture_steps import (
    MAX_SQUARED_RATIO,
    PosteriorRows,
    PreparedFeatures,
    earlier_points,
    feature_sums,
    first_moments,
    first_points,
    gain_of,
    hard_posterior,
    overall_scatter,
    respond,
    scales_of,
    scatter_about,
    scatter_of_rows,
    squared_ratios,
    standardized_block,
    well_conditioned,
)
from clustering.nearest_candidates import points_at
from clustering.notices import COLLAPSING_COMPONENT, EMPTY_CLUSTER, Notice
from clustering.points import (
    EPS,
    WeightedPoints,
    check_data,
    check_k,
    check_labels,
    check_points,
    column_means,
    distinct_points_notices,
    is_dask,
)
from clustering.process import Alternating, Restart, State, fit
from clustering.weights import check_counting_k, check_weighted, counting, weighted_means

COVARIANCES = ("full", "tied", "diagonal", "spherical")
FEATURES_LIMIT = 2**29
"""bytes; features that need more memory are not stored but recomputed chunk by chunk in each step"""
MAX_DEVIATIONS = 1e100
"""largest standardized coordinate; only a row of weight 0 can exceed it"""
MIN_MASS = 1e-8
"""sum of responsibilities, in mean weights, below which the mean and the covariance of a component are not updated"""


@dataclass(frozen=True, eq=False)
class Responsibilities:
    """Responsibilities, p(component | point), with results that the next steps reuse."""

    found: PosteriorRows | Values
    """responsibilities and most probable component of each point"""
    loss: float
    """mean negative log-likelihood (nats per point)"""
    changed: int
    """number of points whose most probable component differs from that in the previous state; n in the first"""
    sizes: np.ndarray
    """(k,) sum of the responsibilities of each component, weighted if the points have weights"""
    coefficients: np.ndarray | None
    """(k, m) coefficients of the features in the log joint density; None if they are too imprecise"""
    sums: np.ndarray | None
    """(k, m) weighted sums of responsibilities times features; None if `coefficients` is None"""
    smallest_variance: np.ndarray
    """(k,) smallest eigenvalue of each standardized covariance"""

    @property
    def responsibilities(self) -> np.ndarray:
        """(n, k) responsibilities; each row sums to one. A lazily computed Dask array if the points are one"""
        return self.found.rows.T if isinstance(self.found, PosteriorRows) else self.found.memberships(len(self.sizes))

    @property
    def memberships(self) -> np.ndarray:
        """(n, k) responsibilities, under the name that all soft methods use"""
        return self.responsibilities

    @cached_property
    def labels(self) -> np.ndarray:
        """(n,) most probable component of each point; a lazily computed Dask array if the points are one"""
        return self.found.labels.astype(np.intp)


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
    init : {"k-means", "k-means++", "plain k-means++", "random", "maxmin", "k-means||"} or (k, d) array or (n,) array
        Initialization. "k-means": an M step from the labels of a K-means run on standardized columns (initialized by
        k-means++). The other names: means at data points chosen as in `KMeans`, the covariance of all points,
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
    Converges to a local minimum of the loss or a saddle point, which depends on the initialization, and slowly if components
    overlap. Components are elliptical.

    The data may be `WeightedPoints`. The loss is then the weighted mean over the points. Initializations draw rows with
    probability proportional to their weight, as in `KMeans`.
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
        """Checked points with features; `data` is an (n, d) array, `WeightedPoints`, or Dask array or dataframe.

        Raises ValueError as in `check_points` or `check_table_in_blocks`, in `check_k`, and in `check_weights`.
        """
        if isinstance(data, PreparedFeatures):
            check_counting_k(self.k, len(data.points), data.weights)
            if data.feature_count != feature_count(self.covariance, len(data.columns)):
                raise ValueError("these points were prepared for another covariance model: prepare them again")
            return data if data.k == self.k else data._replace(k=self.k, notices=distinct_notices(data, self.k))
        if is_dask(data):
            return self._prepare_blocks(data)
        if isinstance(data, WeightedPoints):
            return self._prepare_weighted(*check_weighted(data, self.k))
        points = check_data(data)
        check_k(self.k, len(points))
        return self._prepare_points(points)

    def _prepare_points(self, points) -> PreparedFeatures:
        origin, varies = column_means(points)
        columns = np.subtract(points.T, origin[:, None], order="C")
        largest = np.abs(columns).max(axis=1)
        ratios = columns / np.where(largest > 0, largest, 1.0)[:, None]
        notices = distinct_points_notices(points, self.k)
        shared = self._shared(origin, varies, largest, np.square(ratios, out=ratios).mean(axis=1), notices)
        columns /= shared.scale[:, None]
        return shared._replace(points=points, columns=columns, features=self._stored_features(columns))

    def _prepare_weighted(self, points, weights) -> PreparedFeatures:
        if weights is None:
            return self._prepare_points(points)
        origin, rows = weighted_means(points, weights), counting(points, weights)
        differences = rows - origin
        largest = np.abs(differences).max(axis=0)
        ratios = differences / np.where(largest > 0, largest, 1.0)
        relative = counting(weights, weights) / weights.max()
        mean_squares = relative @ np.square(ratios) / relative.sum()
        notices = distinct_points_notices(rows, self.k)
        shared = self._shared(origin, column_means(rows)[1], largest, mean_squares, notices)
        columns = np.subtract(points.T, origin[:, None], order="C") / shared.scale[:, None]
        row = int(np.abs(columns).max(axis=0).argmax())
        if np.abs(columns[:, row]).max() > MAX_DEVIATIONS:
            raise ValueError(
                f"points must lie within {MAX_DEVIATIONS:g} standard deviations of the weighted mean, but row {row}, of "
                f"weight {weights[row]:g}, does not: leave it out"
            )
        return shared._replace(points=points, columns=columns, features=self._stored_features(columns), weights=weights)

    def _stored_features(self, columns) -> np.ndarray | None:
        """Features of the standardized columns (d, n); None if they are too large to be stored."""
        size = feature_count(self.covariance, len(columns)) * columns.shape[1] * 8
        return features_of(self.covariance, columns) if size <= FEATURES_LIMIT else None

    def _prepare_blocks(self, data) -> PreparedFeatures:
        table = check_table_in_blocks(data, self.k)
        check_k(self.k, table.n)
        mean_squares = table.blocks.sum(squared_ratios, None, table.origin, table.largest) / table.n
        shared = self._shared(table.origin, table.varies, table.largest, mean_squares, table.notices)
        blocks = table.blocks.prepared(standardized_block, shared)
        points = blocks.points(len(table.origin))
        return shared._replace(points=points, columns=((points - table.origin) / shared.scale).T, blocks=blocks)

    def _shared(self, origin, varies, largest, mean_squares, notices) -> PreparedFeatures:
        """Everything except the points; arguments as in `scales_of`."""
        scale = scales_of(origin, largest, mean_squares)
        if self.covariance == "spherical":
            scale = np.full_like(scale, scale.max())
        rounding = float(np.square(EPS * origin / scale)[varies].sum())
        units = scale, np.multiply.outer(scale, scale), float(np.log(scale).sum())
        m = feature_count(self.covariance, len(origin))
        return PreparedFeatures(None, None, origin, *units, rounding, None, m, self.k, notices)

    def start(self, prepared: PreparedFeatures, rng: np.random.Generator) -> Gaussians:
        """The initial `Gaussians`, given by `init`."""
        columns = prepared.columns
        if not isinstance(self.init, str):
            if not isinstance(self.init, tuple) and np.ndim(self.init) == 1:
                return self._from_labels(prepared, self.init)
            return self.check_start(prepared, self.init)
        if self.init == "k-means":
            points = columns.T if prepared.weights is None else WeightedPoints(columns.T, prepared.weights)
            return self._from_labels(prepared, fit(KMeans(self.k), points, rng=rng, max_iter=100).labels)
        centers = seeded_centers(self.init, prepared, self.k, rng, "k-means")
        return self._with_means(prepared, centers * prepared.scale + prepared.origin)

    def _from_labels(self, prepared: PreparedFeatures, labels) -> Gaussians:
        """The M step for hard labels (n,)."""
        if prepared.blocks is None:
            found = hard_posterior(check_labels(labels, prepared.columns.shape[1], self.k), self.k)
        else:
            found = prepared.blocks.values_of(labels, hard_posterior, self.k)
        first = sum_points(first_points, prepared, found, combine=earlier_points)
        means = earlier_points(first, points_at(prepared, np.zeros(1, dtype=np.intp)))
        overall = self._with_means(prepared, means * prepared.scale + prepared.origin)
        sums = sum_points(feature_sums, prepared, found, self.covariance)
        # labels on workers are not checked before
        if prepared.blocks is not None and sums[:, 0].sum() < prepared.columns.shape[1]:
            raise ValueError(f"labels must lie in 0..k-1={self.k - 1}")
        return self._maximize(prepared, found, sums, overall, None)

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
            if smallest_eigenvalues(covariances).min() >= self._floor:
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
        smallest = smallest_eigenvalues(gaussians.covariances)
        by_features = well_conditioned(gaussians, smallest)
        several = by_features.ndim > 0
        coefficients = coefficients_of(self.covariance, gaussians) if several or by_features else None
        found, (log_likelihood, changed, masses, sums) = map_points(
            respond, prepared, before and before.found, self.covariance, gaussians, coefficients
        )
        loss = -log_likelihood / prepared.mass + prepared.log_volume
        sums = None if coefficients is None else sums
        if several:
            loss = np.where(by_features, loss, np.nan)
            return Responsibilities(found, loss, changed, masses, coefficients, sums, smallest), loss
        return Responsibilities(found, float(loss), int(changed), masses, coefficients, sums, smallest), float(loss)

    def m_step(self, prepared: PreparedFeatures, assignment: Responsibilities, parameters: Gaussians) -> Gaussians:
        return self._maximize(prepared, assignment.found, assignment.sums, parameters, assignment.coefficients)

    def m_step_loss(
        self, prepared: PreparedFeatures, assignment: Responsibilities, parameters: Gaussians, new_parameters: Gaussians
    ) -> float:
        # the bound equals the loss at the old parameters; it changes by the mean of r (new - old) log joint density
        n = prepared.mass
        new = self._standardized(prepared, new_parameters)
        if assignment.sums is not None and well_conditioned(new, smallest_eigenvalues(new.covariances)):
            gain = np.vdot(coefficients_of(self.covariance, new) - assignment.coefficients, assignment.sums)
            return assignment.loss - float(gain) / n
        old = self._standardized(prepared, parameters)
        gain = sum_points(gain_of, prepared, assignment.found, new, self.covariance, old, assignment.coefficients)
        return assignment.loss - gain / n

    def has_converged(self, before: State, parameters, assignment, loss: float, tol: float) -> bool:
        return abs(before.loss - loss) <= tol

    def notices(self, prepared: PreparedFeatures, parameters: Gaussians, assignment: Responsibilities) -> tuple[Notice, ...]:
        found = list(prepared.notices)
        empty = parameters.weights * prepared.mass < MIN_MASS * prepared.mean_weight
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

    def restarts(self, prepared: PreparedFeatures, rngs, **options) -> Iterator[Restart]:
        """Several runs at once; see `Process.restarts`."""
        return batched_restarts(self, prepared, rngs, **options)

    def predict(self, parameters: Gaussians, points) -> np.ndarray:
        """(n,) most probable component of each of n new points (n, d), the lowest number on ties; lazily for a Dask array."""
        if is_dask(points):
            return array_of_blocks(partial(self.predict, parameters), points, (), np.intp)
        return column_argmax(parameters.log_joint(points).T).astype(np.intp)

    def parameter_count(self, d: int) -> int:
        """Number of free parameters in d dimensions, as used by information criteria."""
        counts = {"full": self.k * d * (d + 1) // 2, "tied": d * (d + 1) // 2, "diagonal": self.k * d, "spherical": self.k}
        return self.k - 1 + self.k * d + counts[self.covariance]

    @property
    def _floor(self) -> float:
        return max(self.floor, 1e-12)

    def _maximize(self, prepared, found, sums, parameters: Gaussians, coefficients) -> Gaussians:
        """The maximum-likelihood parameters for the responsibilities found with `parameters` and `coefficients`."""
        old = self._standardized(prepared, parameters)
        return self._updated(prepared, *self._moments(prepared, found, sums, old, coefficients), old)

    def _moments(self, prepared, found, sums, old: Gaussians, coefficients, min_mass: float = MIN_MASS) -> tuple:
        """Masses (k,), means (k, d) and covariances (k, d, d) of the standardized points, weighted by responsibility.

        Where the mass is below `min_mass` mean weights, sums instead of means.
        """
        d = len(prepared.columns)
        last_e_step = self.covariance, old, coefficients
        if sums is None:
            masses, moments = sum_points(first_moments, prepared, found, *last_e_step)
        else:
            masses, moments = sums[..., 0], sums[..., 1 : d + 1]
        alive = masses >= min_mass * prepared.mean_weight
        divisors = np.where(alive, masses, 1.0)
        means = moments / divisors[..., None]
        imprecise = np.True_
        if sums is not None:
            scatter = covariances_of(self.covariance, sums, divisors, means)
            cancels = np.square(means) > MAX_SQUARED_RATIO * np.diagonal(scatter, axis1=-2, axis2=-1)
            imprecise = (cancels & alive[..., None]).any(axis=(-2, -1))
        if imprecise.ndim:  # several runs
            for run in np.flatnonzero(imprecise):
                precise = scatter_of_rows(prepared, found.rows[run], means[run], self.covariance)
                scatter[run] = precise / divisors[run][:, None, None]
        elif imprecise:
            scatter = sum_points(scatter_about, prepared, found, means, *last_e_step) / divisors[:, None, None]
        return masses, means, scatter

    def _updated(self, prepared, masses, means, scatter, old: Gaussians) -> Gaussians:
        """Gaussians with these moments under this covariance model; components without points are those of `old`."""
        d, alive = len(prepared.columns), masses >= MIN_MASS * prepared.mean_weight
        if self.covariance == "tied":
            scatter = np.broadcast_to(np.einsum("k,kij->ij", masses * alive, scatter) / masses[alive].sum(), (self.k, d, d))
        covariances = self._raise_to_floor(self._regularized(prepared, scatter))
        if not alive.all():
            means[~alive] = old.means[~alive]
            if self.covariance != "tied":
                covariances[~alive] = old.covariances[~alive]
        return Gaussians(
            masses / masses.sum(axis=-1, keepdims=True),
            means * prepared.scale + prepared.origin,
            self._in_units(prepared, covariances),
        )

    def _regularized(self, prepared, covariances) -> np.ndarray:
        if not self.regularization:
            return covariances
        return covariances + np.diag(self.regularization / np.square(prepared.scale))

    def _raise_to_floor(self, covariances) -> np.ndarray:
        """The most likely covariances with all eigenvalues at or above the floor: smaller eigenvalues are set to it."""
        if smallest_eigenvalues(covariances).min() >= self._floor:
            return covariances
        values, vectors = np.linalg.eigh(covariances)
        raised = (vectors * np.maximum(values, self._floor)[..., None, :]) @ vectors.swapaxes(-2, -1)
        return np.where((values[..., 0] < self._floor)[..., None, None], raised, covariances)

    def _with_means(self, prepared, means) -> Gaussians:
        """Gaussians with the given means, the covariance of all points under this covariance model, and equal weights."""
        overall = sum_points(overall_scatter, prepared, None, self.covariance) / prepared.mass
        overall = self._raise_to_floor(self._regularized(prepared, np.repeat(overall, self.k, axis=0)))
        return Gaussians(np.full(self.k, 1 / self.k), means.copy(), self._in_units(prepared, overall))

    def _standardized(self, prepared, parameters: Gaussians) -> Gaussians:
        weights, means, covariances = parameters
        return Gaussians(weights, (means - prepared.origin) / prepared.scale, covariances / prepared.scale_products)

    def _in_units(self, prepared, covariances) -> np.ndarray:
        """Standardized covariances in the units of the data."""
        return covariances * prepared.scale_products


def smallest_eigenvalues(covariances) -> np.ndarray:
    """(…, k) smallest eigenvalue of each covariance."""
    return np.linalg.eigvalsh(covariances)[..., 0]

"""Bayesian mixture of Gaussians, fitted by variational inference: superfluous components lose their points.

    weights ~ Dirichlet(a0, …, a0)      precision L_k ~ Wishart(V0, f0)      mean m_k ~ N(m0, (b0 L_k)^-1)

    q(z) q(weights) q(m, L): responsibilities r(n, k), Dirichlet(a), Wishart(V_k, f_k), N(m_k, (b_k L_k)^-1)

    loss = -(1/n) E[ln p(x, z, weights, m, L) - ln q(z, weights, m, L)]   (nats per point)

The loss is the negative evidence lower bound (ELBO) per point: an upper bound of the negative logarithm of the marginal
likelihood. Bishop 2006, "Pattern Recognition and Machine Learning", section 10.2.

With N_k, x_k and S_k, the sum of responsibilities, mean and covariance of the points weighted by responsibility,

    E step   r(n, k) proportional to exp(E[ln w_k] + E[ln N(x_n | m_k, L_k^-1)])
    M step   a_k = a0 + N_k,   b_k = b0 + N_k,   f_k = f0 + N_k,   m_k = (b0 m0 + N_k x_k) / b_k,
             V_k^-1 = V0^-1 + N_k S_k + b0 N_k / b_k (x_k - m0)(x_k - m0)'

Each step minimizes the loss, so it never rises. The E step is that of a Gaussian mixture with covariances V_k^-1 / f_k and
weights that do not sum to one. After it, the loss is -(1/n) sum over n of ln sum over k of the right side, plus the divergence
of the posterior distribution of the parameters from their prior distribution, divided by n.

The prior has the values that scikit-learn uses: m0 and V0^-1 are mean and covariance of the data, f0 = d and b0 = 1.
"""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from scipy.special import digamma, gammaln

from clustering.blocks import sum_points
from clustering.gaussians import Gaussians, check_gaussians
from clustering.mixture import GaussianMixture, Responsibilities
from clustering.mixture_steps import PreparedFeatures, overall_scatter
from clustering.notices import EMPTY_CLUSTER, Notice
from clustering.points import EPS, refuse_dask
from clustering.weights import refuse_weights

MEAN_PRECISION = 1.0
"""b0, the weight of the prior mean, in points"""
MIN_LOG_WEIGHT = -700.0
"""lower limit of the expected logarithm of a weight: its exponential is still positive, and smaller ones have no effect"""


class VariationalGaussians(NamedTuple):
    """Posterior distribution of the parameters of a Gaussian mixture."""

    concentrations: np.ndarray
    """(k,) a, parameters of the Dirichlet distribution of the weights"""
    mean_precisions: np.ndarray
    """(k,) b, the precision of each mean as a multiple of the precision of the component"""
    means: np.ndarray
    """(k, d) expected means"""
    degrees: np.ndarray
    """(k,) f, degrees of freedom of the Wishart distribution of each precision"""
    covariances: np.ndarray
    """(k, d, d) V^-1 / f: inverses of the expected precisions"""

    @property
    def weights(self) -> np.ndarray:
        """(k,) expected weights."""
        return self.concentrations / self.concentrations.sum(axis=-1, keepdims=True)

    @property
    def gaussians(self) -> Gaussians:
        """Gaussians with the expected weights, means and precisions."""
        return Gaussians(self.weights, self.means, self.covariances)

    @property
    def expected(self) -> Gaussians:
        """Gaussians whose log joint densities are E[ln w_k + ln N(x | m_k, L_k^-1)]; their weights do not sum to one."""
        d = self.means.shape[-1]
        logarithms = digamma(self.concentrations) - digamma(self.concentrations.sum(axis=-1, keepdims=True))
        logarithms += 0.5 * (_log_precision_ratio(self.degrees, d) - d / self.mean_precisions)
        return Gaussians(np.exp(np.maximum(logarithms, MIN_LOG_WEIGHT)), self.means, self.covariances)

    def log_joint(self, points) -> np.ndarray:
        """(n, k) expected log joint densities of points (n, d), in nats. Raises ValueError as in `Gaussians.log_joint`."""
        return self.expected.log_joint(points)

    def responsibilities(self, points) -> np.ndarray:
        """(n, k) responsibilities of the components for points (n, d). Raises ValueError as in `Gaussians.log_joint`."""
        return self.expected.responsibilities(points)


def _log_precision_ratio(degrees, d: int):
    """E[ln |L|] - ln |E[L]| for Wishart distributions with these degrees of freedom (k,) in d dimensions."""
    return digamma((degrees[..., None] - np.arange(d)) / 2).sum(axis=-1) + d * np.log(2 / degrees)


def check_variational_gaussians(concentrations, mean_precisions, means, degrees, covariances) -> VariationalGaussians:
    """The validated parameters as `VariationalGaussians` with copied arrays.

    Raises ValueError as in `check_gaussians`, unless concentrations and mean precisions are k finite numbers above 0, or
    unless the degrees of freedom are k finite numbers above d - 1.
    """
    k = len(np.atleast_1d(concentrations))
    _, means, covariances = check_gaussians(np.full(k, 1 / k), means, covariances)
    lower = {"concentrations": 0, "mean_precisions": 0, "degrees": means.shape[1] - 1}
    checked = {}
    for name, values in zip(lower, (concentrations, mean_precisions, degrees), strict=True):
        checked[name] = np.array(values, dtype=float)
        if checked[name].shape != (k,) or not ((checked[name] > lower[name]) & (checked[name] < np.inf)).all():
            raise ValueError(f"{name} must be {k} finite numbers above {lower[name]}, got {checked[name].tolist()}")
    return VariationalGaussians(means=means, covariances=covariances, **checked)


@dataclass(frozen=True, eq=False)
class VariationalResponsibilities(Responsibilities):
    """Responsibilities, with the divergence of the parameters' posterior distribution from their prior distribution."""

    divergence: float = field(kw_only=True)
    """Kullback-Leibler divergence, in nats"""
    terms: float = field(kw_only=True)
    """size of the terms that the divergence sums: the scale of its rounding error"""


@dataclass(frozen=True, eq=False)  # comparing would fail if `init` is an array
class VariationalMixture(GaussianMixture):
    """Bayesian Gaussian mixture with full covariances, fitted by variational inference.

    Parameters
    ----------
    k : int
        Largest number of components, 1..n. Components that are not needed lose their points.
    init
        As in `GaussianMixture`. A start from means has equal weights, n/k points in each component, and the covariance of all
        points. To set all parameters, use `iterate(…, start=VariationalGaussians(…))`. The data must be in memory.
    floor : float
        Smallest variance of the prior covariance in any direction, as a fraction of the variance of the data. It matters only
        if the points lie in a subspace.
    concentration : float, optional
        a0, above 0; by default 1/k. The smaller, the fewer components keep points.

    Notes
    -----
    The default `tol` is in nats per point. Finds a local optimum that depends on the initialization. The number of components
    that keep points does not test the number of groups: it depends on the prior and on the initialization, and groups that are
    not Gaussian keep several components. Loses points slowly where components overlap.
    """

    covariance: str = field(default="full", init=False)
    regularization: float = field(default=0.0, init=False)
    concentration: float | None = None

    loss_name = "negative evidence lower bound (nats per point)"

    def __post_init__(self):
        super().__post_init__()
        if self.concentration is not None and not 0 < self.concentration < np.inf:
            raise ValueError(f"concentration must be a finite number above 0, got {self.concentration}")

    def prepare(self, data) -> PreparedFeatures:
        """As in `GaussianMixture.prepare`, with the prior covariance of the standardized points; weights are rejected."""
        refuse_weights(data, "VariationalMixture")
        prepared = super().prepare(data)
        if prepared.prior is not None:
            return prepared
        n = prepared.columns.shape[1]
        covariance = sum_points(overall_scatter, prepared, None, self.covariance) / max(n - 1, 1)
        return prepared._replace(prior=self._raise_to_floor(covariance)[0])

    def _prepare_blocks(self, data) -> PreparedFeatures:
        refuse_dask(data, "points")

    @property
    def _concentration(self) -> float:
        return 1 / self.k if self.concentration is None else self.concentration

    def check_start(self, prepared: PreparedFeatures, start) -> VariationalGaussians:
        """The given `VariationalGaussians`, or a start with the given means (k, d).

        Raises ValueError as in `check_variational_gaussians` and `check_points`, or if k or d do not match.
        """
        if not isinstance(start, VariationalGaussians):
            if isinstance(start, tuple):
                raise ValueError("start must be an array of means or `VariationalGaussians`, got a tuple")
            return super().check_start(prepared, start)
        start, shape = check_variational_gaussians(*start), (self.k, len(prepared.columns))
        if start.means.shape != shape:
            raise ValueError(
                f"start must have {shape[0]} components in {shape[1]} dimensions, got means of shape {start.means.shape}"
            )
        return start

    def _with_means(self, prepared, means) -> VariationalGaussians:
        d, n = prepared.columns.shape
        points = np.full(self.k, n / self.k)
        covariances = super()._with_means(prepared, means).covariances
        return VariationalGaussians(
            self._concentration + points, MEAN_PRECISION + points, means.copy(), d + points, covariances
        )

    def _standardized(self, prepared, parameters: VariationalGaussians) -> Gaussians:
        return super()._standardized(prepared, parameters.expected)

    def e_step(
        self, prepared: PreparedFeatures, parameters: VariationalGaussians, before: VariationalResponsibilities | None = None
    ) -> tuple[VariationalResponsibilities, float]:
        found, loss = super().e_step(prepared, parameters, before)
        divergence, terms = self._divergence(prepared, parameters)
        loss = loss + divergence / prepared.columns.shape[1]
        if not np.ndim(loss):
            loss, divergence, terms = float(loss), float(divergence), float(terms)
        kept = vars(replace(found, loss=loss))
        return VariationalResponsibilities(**kept, divergence=divergence, terms=terms), loss

    def _maximize(self, prepared, found, sums, parameters: VariationalGaussians, coefficients) -> VariationalGaussians:
        """The best posterior distribution for the responsibilities found with `parameters` and `coefficients`."""
        d, old = len(prepared.columns), self._standardized(prepared, parameters)
        masses, means, scatter = self._moments(prepared, found, sums, old, coefficients, min_mass=np.finfo(float).tiny)
        precisions, degrees = MEAN_PRECISION + masses, d + masses
        shrunk = masses / precisions
        # the prior mean is 0 in standardized units
        total = prepared.prior + masses[..., None, None] * scatter
        total += (MEAN_PRECISION * shrunk)[..., None, None] * means[..., :, None] * means[..., None, :]
        return VariationalGaussians(
            self._concentration + masses,
            precisions,
            shrunk[..., None] * means * prepared.scale + prepared.origin,
            degrees,
            self._in_units(prepared, total / degrees[..., None, None]),
        )

    def m_step_loss(
        self,
        prepared: PreparedFeatures,
        assignment: VariationalResponsibilities,
        parameters: VariationalGaussians,
        new_parameters: VariationalGaussians,
    ) -> float:
        loss = super().m_step_loss(prepared, assignment, parameters, new_parameters)
        change = self._divergence(prepared, new_parameters)[0] - assignment.divergence
        return float(loss + change / prepared.columns.shape[1])

    def _divergence(self, prepared, parameters: VariationalGaussians) -> tuple:
        """Divergence of the posterior distribution from the prior distribution in nats, and the size of its terms.

        Numbers, or an array of each for several runs.
        """
        _, means, covariances = self._standardized(prepared, parameters)
        a, b, _, f, _ = parameters
        *runs, k, d = means.shape
        prior, b0, f0, a0 = prepared.prior, MEAN_PRECISION, float(d), self._concentration
        precisions, total = np.linalg.inv(covariances), a.sum(axis=-1, keepdims=True)
        log_determinant, log_prior = np.linalg.slogdet(covariances)[1], np.linalg.slogdet(prior)[1]
        ratio = _log_precision_ratio(f, d) - log_determinant
        terms = [
            # Dirichlet distributions
            gammaln(total),
            np.full((*runs, 1), -gammaln(k * a0)),
            gammaln(a0) - gammaln(a),
            (a - a0) * (digamma(a) - digamma(total)),
            # Gaussian distributions of the means
            0.5 * d * (b0 / b - 1 + np.log(b / b0)),
            0.5 * b0 * np.einsum("...d,...de,...e->...", means, precisions, means),
            # Wishart distributions: E[ln q - ln p]
            0.5 * f * (log_determinant + d * np.log(f / 2)) - _log_gamma(f / 2, d),
            -0.5 * f0 * np.full((*runs, k), log_prior - d * np.log(2)) + _log_gamma(np.array(f0 / 2), d),
            0.5 * (f - f0) * ratio,
            -0.5 * f * d,
            0.5 * np.einsum("de,...de->...", prior, precisions),
        ]
        values = np.concatenate(terms, axis=-1)
        parts = (np.abs(part).sum(axis=-1) for part in (values, gammaln(a), f * log_determinant))
        return values.sum(axis=-1), sum(parts)

    def notices(
        self, prepared: PreparedFeatures, parameters: VariationalGaussians, assignment: VariationalResponsibilities
    ) -> tuple[Notice, ...]:
        empty = np.flatnonzero(assignment.sizes < 1)
        if not empty.size:
            return prepared.notices
        text = "{who} explain less than one point: superfluous with this concentration, or the initialization was poor."
        if empty.size == 1:
            text = text.replace("explain", "explains")
        return (*prepared.notices, Notice(EMPTY_CLUSTER, text, tuple(empty.tolist()), "Component"))

    def rounding_error(self, prepared: PreparedFeatures, assignment: VariationalResponsibilities, loss: float) -> float:
        return super().rounding_error(prepared, assignment, loss) + 64 * EPS * assignment.terms / prepared.columns.shape[1]


def _log_gamma(values: np.ndarray, d: int) -> np.ndarray:
    """(…) logarithms of the multivariate gamma function in d dimensions."""
    return 0.25 * d * (d - 1) * np.log(np.pi) + gammaln(values[..., None] - np.arange(d) / 2).sum(axis=-1)

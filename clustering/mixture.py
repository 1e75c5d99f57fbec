"""Mixture of Gaussians, fitted by expectation maximization.

    p(x) = sum over k of w_k N(x | m_k, S_k)          loss = -(1/n) sum over points of ln p(x)   (nats per point)

x: points (n, d); w: weights (k,); m: means (k, d); S: covariances (k, d, d). Dempster, Laird & Rubin 1977,
doi:10.1111/j.2517-6161.1977.tb01600.x; Bishop 2006, "Pattern Recognition and Machine Learning", section 9.2.

With responsibilities r(n, k) fixed, the loss between two E steps is the bound that the M step lowers,

    -(1/n) sum over n, k of r ln(w_k N(x | m_k, S_k) / r),

which touches the loss where the responsibilities are those of the E step.

The work is two matrix products. ln(w_k N(x | m_k, S_k)) is linear in the features f(x) = (1, x, products of coordinates),
computed once per data set: an E step is W f, and the sums that an M step needs are r f'. What that costs in digits grows
with (distance of a mean from the data's center / smallest standard deviation)^2; beyond `DIRECT`, differences and
triangular solves are used instead.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_triangular

from clustering.chunks import inner_product, largest_row, over_chunks, product
from clustering.features import coefficients_of, feature_count, features_of, scatter_of
from clustering.gaussians import LOG_2PI, Gaussians, check_gaussians, log_weights
from clustering.kmeans import KMeans
from clustering.notices import COLLAPSING_COMPONENT, EMPTY_CLUSTER, Notice
from clustering.points import EPS, check_k, check_labels, check_points, column_means, few_distinct_points
from clustering.process import Alternating, State, fit
from clustering.seeding import seeded_rows

COVARIANCES = ("full", "tied", "diagonal", "spherical")
DIRECT = 1e6
"""squared ratio of distance to width from which products of coordinates would lose too many of the sixteen digits"""
FEATURES_LIMIT = 2**29
"""bytes of features that are kept; beyond, they are computed again piece by piece in each step"""
PIECE = 2**23
"""features that are computed at a time where they are not kept"""
LEAST_SPREAD = 1e-140
"""standard deviation in the data's units, so that variances can be given in them"""
CHUNK = 2**14
"""points at a time: a dozen passes over (k, CHUNK) arrays stay in cache, yet each is long enough for two threads"""
LEAST_MASS = 1e-8
"""points, in fractions: a component with less cannot be placed, and stays where it was"""


class PreparedFeatures(NamedTuple):
    points: np.ndarray
    """(n, d) as they came"""
    columns: np.ndarray
    """(d, n) the points, transposed, centered and scaled"""
    origin: np.ndarray
    """(d,) what was subtracted"""
    scale: np.ndarray
    """(d,) what was divided by: the standard deviation of each column, or the largest of them for spherical covariances"""
    areas: np.ndarray
    """(d, d) products of two scales, in which covariances are given"""
    log_volume: float
    """the logarithm of the product of all scales: what standardized densities lack"""
    rounding: float
    """squared error, in standardized columns, of a mean that is given in the data's units: a common offset leaves it only so
    many digits"""
    features: np.ndarray | None
    """(m, n) f(x) of all points, or None where that would not fit"""
    feature_count: int
    """m, which tells covariance models with other features apart"""
    k: int
    """that the notices are for"""
    notices: tuple[Notice, ...]


@dataclass(frozen=True, eq=False)
class Responsibilities:
    """The share that each component takes in each point: p(component | point)."""

    rows: np.ndarray
    """(k, n) the responsibilities as they are computed"""
    loss: float
    """nats per point"""
    changed: int
    """number of points whose most responsible component is another than before; n in the first step"""
    compact: np.ndarray
    """(n,) the most responsible component of each point, in the shortest unsigned integers that hold k - 1"""
    coefficients: np.ndarray | None
    """(k, m) what the features were multiplied with; None where these would lose too many digits"""
    sums: np.ndarray | None
    """(k, m) responsibilities times features, or None"""
    narrowest: np.ndarray
    """(k,) least variance of each standardized component in any direction"""

    @property
    def responsibilities(self) -> np.ndarray:
        """(n, k), each row summing to one"""
        return self.rows.T

    @property
    def shares(self) -> np.ndarray:
        """(n, k) the responsibilities, by the name that all soft methods have"""
        return self.responsibilities

    @cached_property
    def labels(self) -> np.ndarray:
        """(n,) the most responsible component of each point"""
        return self.compact.astype(np.intp)

    @cached_property
    def sizes(self) -> np.ndarray:
        """(k,) the sum of each component's responsibilities: points, in fractions"""
        return self.rows.sum(axis=1) if self.sums is None else self.sums[:, 0]


@dataclass(frozen=True, eq=False)  # an array as `init` could not be compared
class GaussianMixture(Alternating):
    """Mixture of Gaussians by EM.

    Parameters
    ----------
    k : int
        Number of components, 1..n.
    covariance : {"full", "tied", "diagonal", "spherical"}
        One covariance matrix each; one for all; one variance per column each; one variance each.
    init : {"k-means", "k-means++", "plain k-means++", "random", "maxmin"} or (k, d) array or (n,) array
        Where to start: from the clusters of a K-means run (itself started by k-means++, on standardized columns), or from
        those that (n,) labels 0..k-1 give, whatever found them; or with means at points chosen as in `clustering.seeding`, or
        at the rows of a (k, d) array, the covariance of all points and equal weights. `iterate(…, start=Gaussians(…))` gives
        all three; widths below the floor are raised to it.
    floor : float
        Least variance of a component in any direction, as a share of the data's (of each column's variance, in
        standardized columns). Without a bound the likelihood of a component that shrinks onto one point is infinite. The M
        step finds the best covariance above the floor, so the loss never rises, and a component wider than the floor is
        not changed by it. At 0 a floor of 1e-12 remains, the end of double precision.
    regularization : float
        Added to the diagonal of each covariance in each M step, in units squared, as scikit-learn's `reg_covar`. Such a step
        no longer finds the maximum of the likelihood, and the loss may rise a little; that is reported.

    Weakness: a local optimum that depends on the start; slow where components overlap; components are ellipses.
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
        """The checked points with their features; `data` is an (n, d) array. ValueError as `check_points`, `check_k`."""
        if isinstance(data, PreparedFeatures):
            check_k(self.k, len(data.points))
            if data.feature_count != feature_count(self.covariance, len(data.columns)):
                raise ValueError("these points were prepared for another covariance model: prepare them again")
            return data if data.k == self.k else data._replace(k=self.k, notices=few_distinct_points(data.points, self.k))
        points = check_points(data)
        check_k(self.k, len(points))
        origin, varies = column_means(points)
        columns = np.subtract(points.T, origin[:, None], order="C")
        scale = _spread(columns, origin)
        if self.covariance == "spherical":
            scale = np.full_like(scale, scale.max())
        columns /= scale[:, None]
        m = feature_count(self.covariance, len(columns))
        features = features_of(self.covariance, columns) if m * columns.shape[1] * 8 <= FEATURES_LIMIT else None
        notices = few_distinct_points(points, self.k)
        rounding = float(np.square(EPS * origin / scale)[varies].sum())
        units = scale, np.multiply.outer(scale, scale), float(np.log(scale).sum())
        return PreparedFeatures(points, columns, origin, *units, rounding, features, m, self.k, notices)

    def start(self, prepared: PreparedFeatures, rng: np.random.Generator) -> Gaussians:
        """`Gaussians` by `init`."""
        columns = prepared.columns
        if not isinstance(self.init, str):
            if isinstance(self.init, list | np.ndarray) and np.ndim(self.init) == 1:
                return self._of_clusters(prepared, check_labels(self.init, columns.shape[1], self.k))
            return self.check_start(prepared, self.init)
        if self.init == "k-means":
            return self._of_clusters(prepared, fit(KMeans(self.k), columns.T, rng=rng, max_iter=100).labels)
        rows = seeded_rows(self.init, columns, self.k, rng, "k-means")
        return self._around(prepared, columns[:, rows].T * prepared.scale + prepared.origin)

    def _of_clusters(self, prepared: PreparedFeatures, labels: np.ndarray) -> Gaussians:
        """The M step of labels (n,)."""
        columns = prepared.columns
        rows = np.equal(labels, np.arange(self.k)[:, None]).astype(float)
        whole = self._around(prepared, columns[:, rows.argmax(axis=1)].T * prepared.scale + prepared.origin)
        return self._maximize(prepared, rows, self._sums(prepared, rows), whole)

    def check_start(self, prepared: PreparedFeatures, start) -> Gaussians:
        """The given `Gaussians`, with variances raised to the floor, or Gaussians around the given means (k, d), each with the
        covariance of all points. ValueError as `check_gaussians` or `check_points`, or if k or d differ."""
        shape = (self.k, len(prepared.columns))
        if isinstance(start, Gaussians):
            gaussians = check_gaussians(*start)
            if gaussians.means.shape != shape:
                raise ValueError(f"start must be {shape[0]} Gaussians in {shape[1]} dimensions, got {gaussians.means.shape}")
            # below the floor they would be better than any that the M step may choose, and the loss would rise
            covariances = self._standardized(prepared, gaussians).covariances
            if _narrowest(covariances).min() >= self._floor:
                return gaussians
            return gaussians._replace(covariances=self._in_units(prepared, self._raise_to_floor(covariances)))
        if isinstance(start, tuple):
            raise ValueError("start must be an array of means or `Gaussians`, got a tuple")
        means = check_points(start, "start")
        if means.shape != shape:
            raise ValueError(f"start must be means of shape {shape} or Gaussians, got an array of shape {means.shape}")
        return self._around(prepared, means)

    def e_step(
        self, prepared: PreparedFeatures, parameters: Gaussians, before: Responsibilities | None = None
    ) -> tuple[Responsibilities, float]:
        gaussians = self._standardized(prepared, parameters)
        narrowest = _narrowest(gaussians.covariances)
        by_features = _well_conditioned(gaussians, narrowest)
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
            # log-sum-exp: the largest term becomes exp(0), so a point far from every component cannot give 0/0
            scores -= largest
            mine = np.exp(scores, out=rows[:, chunk])
            total = mine.sum(axis=0)
            mine *= 1.0 / total  # one division per point instead of k
            largest += np.log(total)
            labels[chunk] = largest_row(mine)
            changed = len(total)
            if before is not None:
                changed = np.count_nonzero(labels[chunk] != before.compact[chunk])
            return float(largest.sum()), changed, inner_product(mine, features) if by_features else 0

        parts = over_chunks(responsibilities, n, _width(prepared))
        log_likelihood, changed, sums = (sum(part) for part in zip(*parts, strict=True))
        loss = -log_likelihood / n + prepared.log_volume
        sums = sums if by_features else None
        return Responsibilities(rows, loss, int(changed), labels, coefficients, sums, narrowest), loss

    def m_step(self, prepared: PreparedFeatures, assignment: Responsibilities, parameters: Gaussians) -> Gaussians:
        return self._maximize(prepared, assignment.rows, assignment.sums, parameters)

    def half_step_loss(
        self, prepared: PreparedFeatures, assignment: Responsibilities, parameters: Gaussians, new_parameters: Gaussians
    ) -> float:
        # the bound touches the loss at the old parameters, and differs from there by r (new - old) log joint density
        n = prepared.columns.shape[1]
        new = self._standardized(prepared, new_parameters)
        if assignment.sums is not None and _well_conditioned(new, _narrowest(new.covariances)):
            gain = np.vdot(coefficients_of(self.covariance, new) - assignment.coefficients, assignment.sums)
            return assignment.loss - float(gain) / n
        old = self._standardized(prepared, parameters)
        before, after = self._log_joint(prepared, old), self._log_joint(prepared, new)

        def gain(chunk):
            return float(np.einsum("kn,kn->", assignment.rows[:, chunk], after(chunk) - before(chunk)))

        return assignment.loss - sum(over_chunks(gain, n, 2**13)) / n

    def settled(self, before: State, parameters, assignment, loss: float, tol: float) -> bool:
        return abs(before.loss - loss) <= tol

    def notices(self, prepared: PreparedFeatures, parameters: Gaussians, assignment: Responsibilities) -> tuple[Notice, ...]:
        found = list(prepared.notices)
        dead = parameters.weights * prepared.columns.shape[1] < LEAST_MASS
        if dead.any():
            text = "{who} lost all points, with weight 0 and no more moves from then on. Choose a smaller K or another start."
            found.append(Notice(EMPTY_CLUSTER, text, tuple(np.flatnonzero(dead).tolist()), "Component"))
        narrow = assignment.narrowest <= self._floor * (1 + 1e-6) + len(prepared.columns) * 16 * EPS
        if not narrow.any():
            return tuple(found)
        if self.covariance == "tied":
            text = (
                "The shared covariance has collapsed to the least width allowed: the points lie in fewer dimensions than "
                "there are columns. Leave a column out."
            )
            found.append(Notice(COLLAPSING_COMPONENT, text))
        else:
            where = "at the least width allowed" if self.floor > 0 else "only where double precision ends"
            text = (
                f"{{who}} collapsed onto a few points or a line, held {where}; without that the likelihood would grow without "
                "end. Choose a smaller K, another start, a simpler covariance or a higher floor of the variance."
            )
            found.append(Notice(COLLAPSING_COMPONENT, text, tuple(np.flatnonzero(narrow).tolist()), "Component"))
        return tuple(found)

    def rounding(self, prepared: PreparedFeatures, assignment: Responsibilities, loss: float) -> float:
        # a narrow component magnifies the rounding of its covariance, and that of its mean
        magnified = 16 * len(prepared.columns) * EPS + prepared.rounding
        return 1e-9 * (1 + abs(loss)) + float(magnified / assignment.narrowest.min())

    def predict(self, parameters: Gaussians, points) -> np.ndarray:
        """(n,) the most responsible component of each point (n, d), new or not; the lowest number among equals."""
        return largest_row(parameters.log_joint(points).T).astype(np.intp)

    def parameter_count(self, d: int) -> int:
        """Number of free parameters in d dimensions, as information criteria count them."""
        shared = {"full": self.k * d * (d + 1) // 2, "tied": d * (d + 1) // 2, "diagonal": self.k * d, "spherical": self.k}
        return self.k - 1 + self.k * d + shared[self.covariance]

    def _features_of(self, prepared, chunk) -> np.ndarray:
        return (
            features_of(self.covariance, prepared.columns[:, chunk])
            if prepared.features is None
            else prepared.features[:, chunk]
        )

    def _log_joint(self, prepared, gaussians: Gaussians):
        """A function chunk -> ln(w_k N(x | m_k, S_k)) as (k, columns), from differences, for standardized Gaussians."""
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

    # The M step.

    @property
    def _floor(self) -> float:
        return max(self.floor, 1e-12)

    def _sums(self, prepared, rows) -> np.ndarray:
        def part(chunk):
            return inner_product(rows[:, chunk], self._features_of(prepared, chunk))

        return sum(over_chunks(part, rows.shape[1], _width(prepared)))

    def _maximize(self, prepared, rows, sums, parameters: Gaussians) -> Gaussians:
        """The best weights, means and covariances for the responsibilities `rows` (k, n)."""
        d = len(prepared.columns)
        masses = rows.sum(axis=1) if sums is None else sums[:, 0]
        alive = masses >= LEAST_MASS
        divisors = np.where(alive, masses, 1.0)
        means = (rows @ prepared.columns.T if sums is None else sums[:, 1 : d + 1]) / divisors[:, None]
        scatter = None
        if sums is not None:
            scatter = scatter_of(self.covariance, sums, divisors, means)
            cancelled = np.square(means) > DIRECT * np.diagonal(scatter, axis1=1, axis2=2)
            if (cancelled & alive[:, None]).any():
                scatter = None  # most digits did
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
        def part(chunk):
            scatter = np.zeros((self.k, d, d))
            for mine, mean, mass in zip(rows[:, chunk], means, scatter, strict=True):
                difference = prepared.columns[:, chunk] - mean[:, None]
                if self.covariance in ("full", "tied"):
                    np.matmul(difference * mine, difference.T, out=mass)
                else:
                    np.fill_diagonal(mass, np.square(difference) @ mine)
            return scatter

        d = len(prepared.columns)
        scatter = sum(over_chunks(part, rows.shape[1], 2**13)) / divisors[:, None, None]
        if self.covariance == "spherical":
            scatter = np.trace(scatter, axis1=1, axis2=2)[:, None, None] / d * np.eye(d)
        return scatter

    def _regularized(self, prepared, covariances) -> np.ndarray:
        if not self.regularization:
            return covariances
        return covariances + np.diag(self.regularization / np.square(prepared.scale))

    def _raise_to_floor(self, covariances) -> np.ndarray:
        """The most likely covariances with no eigenvalue below the floor: the eigenvalues below it are raised to it."""
        if _narrowest(covariances).min() >= self._floor:
            return covariances
        values, vectors = np.linalg.eigh(covariances)
        raised = (vectors * np.maximum(values, self._floor)[:, None, :]) @ vectors.transpose(0, 2, 1)
        return np.where((values[:, 0] < self._floor)[:, None, None], raised, covariances)

    def _around(self, prepared, means) -> Gaussians:
        """These means with the covariance of all points, by this model, and equal weights."""
        n = prepared.columns.shape[1]
        rows = np.ones((1, n))
        whole = self._scatter_directly(prepared, np.broadcast_to(rows, (self.k, n)), np.full(self.k, n), np.zeros_like(means))
        whole = self._raise_to_floor(self._regularized(prepared, whole))
        return Gaussians(np.full(self.k, 1 / self.k), means.copy(), self._in_units(prepared, whole))

    def _standardized(self, prepared, parameters: Gaussians) -> Gaussians:
        weights, means, covariances = parameters
        return Gaussians(weights, (means - prepared.origin) / prepared.scale, covariances / prepared.areas)

    def _in_units(self, prepared, covariances) -> np.ndarray:
        """Standardized covariances in those of the data."""
        return covariances * prepared.areas


def _spread(columns, origin) -> np.ndarray:
    """(d,) standard deviation of each centered column; constant ones get the mean of the others, or one.

    A column that varies by nothing but the rounding of its offset is constant, too, and one whose variance is too small a
    number.
    """
    largest = np.abs(columns).max(axis=1)
    safe = np.where(largest > 0, largest, 1.0)
    spread = safe * np.sqrt(np.square(columns / safe[:, None]).mean(axis=1))
    varies = (largest > 64 * EPS * np.abs(origin)) & (spread > LEAST_SPREAD)
    return np.where(varies, spread, spread[varies].mean() if varies.any() else 1.0)


def _width(prepared: PreparedFeatures) -> int:
    """How many points to take at a time: fewer where their features, of which there are many, have to be made for it."""
    return CHUNK if prepared.features is not None else min(CHUNK, max(PIECE // prepared.feature_count, 64))


def _narrowest(covariances) -> np.ndarray:
    """(k,) least eigenvalue of each covariance."""
    return np.linalg.eigvalsh(covariances)[:, 0]


def _well_conditioned(gaussians: Gaussians, narrowest) -> bool:
    """Whether products of coordinates keep enough digits for these standardized Gaussians."""
    return bool((np.einsum("kd,kd->k", gaussians.means, gaussians.means) < DIRECT * narrowest).all())

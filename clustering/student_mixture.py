"""Mixture of multivariate Student-t distributions, fitted by expectation maximization.

    p(x) = sum over k of w_k t(x | m_k, S_k, v_k)      loss = -(1/n) sum over points of ln p(x)   (nats per point)

x: points (n, d); w: weights (k,); m: locations, called `means` (k, d); S: scale matrices, called `scales` (k, d, d); v:
degrees of freedom, `degrees` (k,). Peel & McLachlan 2000, doi:10.1023/A:1008981510081.

A t distribution is a Gaussian whose precision is multiplied by an unknown factor for each point. With squared distances
q(n, k) = (x_n - m_k)' S_k^-1 (x_n - m_k), the E step computes responsibilities r(n, k) and the expected factors

    u(n, k) = (v_k + d) / (v_k + q(n, k)),

which are small for points far away. The M step weights the points with r u, so that outliers hardly affect m and S,

    m_k = sum over n of r u x_n / sum over n of r u          S_k = sum over n of r u (x_n - m_k)(x_n - m_k)' / sum over n of r

and then chooses the degrees of freedom within `MIN_DEGREES`..`MAX_DEGREES` that maximize the sum over n of r ln t(x_n | m_k,
S_k, v_k) with the new m and S. Treating only the memberships as missing in this part makes it converge faster (Liu & Rubin
1995, "ML estimation of the t distribution using EM and its extensions, ECM and ECME", Statistica Sinica 5; Meng & van Dyk
1997, doi:10.1111/1467-9868.00082). Neither part can increase the upper bound of the loss

    -(1/n) sum over n, k of r ln(w_k t(x | m_k, S_k, v_k) / r),

which is the loss after an M step, so the loss never rises.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.special import digamma, gammaln, zeta

from clustering.chunks import column_argmax, map_chunks
from clustering.gaussians import CHUNK, Gaussians, check_gaussians, log_weights, squared_mahalanobis
from clustering.mixture import MIN_MASS, GaussianMixture, Responsibilities, smallest_eigenvalues
from clustering.mixture_steps import PosteriorRows, PreparedFeatures, normalize, scatter_of_rows
from clustering.points import check_points, refuse_dask
from clustering.weights import refuse_weights

ESTIMATED = "estimated"
MIN_DEGREES, MAX_DEGREES = 0.5, 200.0
"""bounds of the degrees of freedom; at the upper bound, a t distribution is almost Gaussian"""
START_DEGREES = 10.0
"""degrees of freedom at the start if they are estimated"""
NEWTON_TOLERANCE = 1e-7
"""change in the logarithm of the degrees of freedom at which Newton's method has converged: the next one is its square"""
MAX_NEWTON_STEPS = 60
"""limit that only rounding errors could reach"""


class Students(NamedTuple):
    """Parameters of a mixture of Student-t distributions."""

    weights: np.ndarray
    """(k,) non-negative weights that sum to one"""
    means: np.ndarray
    """(k, d) locations; these are the means where the degrees of freedom exceed 1"""
    scales: np.ndarray
    """(k, d, d) scale matrices; where v > 2, the covariance is v / (v - 2) times the scale matrix"""
    degrees: np.ndarray
    """(k,) degrees of freedom v"""

    @property
    def gaussians(self) -> Gaussians:
        """Gaussians with the same weights, means and, as covariances, scale matrices."""
        return Gaussians(*self[:3])

    def squared_distances(self, points) -> np.ndarray:
        """(n, k) squared Mahalanobis distances q of points (n, d) to the means, by the scale matrices.

        Raises ValueError as in `check_points`, or if the points do not have d columns.
        """
        points, d = check_points(points), self.means.shape[1]
        if points.shape[1] != d:
            raise ValueError(f"points must have {d} columns, as the means do, got {points.shape[1]}")
        return squared_mahalanobis(np.ascontiguousarray(points.T), self.means, np.linalg.cholesky(self.scales)).T

    def log_joint(self, points) -> np.ndarray:
        """(n, k) log joint densities ln(w_k t(x | m_k, S_k, v_k)), in nats. Raises ValueError as in `squared_distances`."""
        return _log_joint(self.squared_distances(points).T, self.degrees, log_peaks(self), self.means.shape[1]).T

    def responsibilities(self, points) -> np.ndarray:
        """(n, k) responsibilities of the components for points (n, d). Raises ValueError as in `squared_distances`."""
        scores = np.ascontiguousarray(self.log_joint(points).T)
        rows = np.empty_like(scores)
        normalize(scores, rows)
        return rows.T

    def factors(self, points) -> np.ndarray:
        """(n, k) expected factors u of points (n, d), small for outliers. Raises ValueError as in `squared_distances`."""
        return (self.degrees + self.means.shape[1]) / (self.degrees + self.squared_distances(points))


def check_students(weights, means, scales, degrees) -> Students:
    """The validated parameters as `Students` with copied arrays.

    Raises ValueError as in `check_gaussians`, or unless `degrees` are k numbers in `MIN_DEGREES`..`MAX_DEGREES`.
    """
    gaussians = check_gaussians(weights, means, scales)
    degrees = np.array(degrees, dtype=float)
    if degrees.shape != gaussians.weights.shape or not ((degrees >= MIN_DEGREES) & (degrees <= MAX_DEGREES)).all():
        k = len(gaussians.weights)
        raise ValueError(f"degrees must be {k} numbers in {MIN_DEGREES:g}..{MAX_DEGREES:g}, got {degrees.tolist()}")
    return Students(*gaussians, degrees)


@dataclass(frozen=True, eq=False)
class StudentResponsibilities(Responsibilities):
    """Responsibilities, p(component | point), and the expected factors of the precision."""

    factors: np.ndarray = field(kw_only=True)
    """(k, n) expected factors u"""

    @property
    def point_weights(self) -> np.ndarray:
        """(n,) weight of each point: the mean of its factors u, weighted by responsibility; small for outliers."""
        return np.einsum("kn,kn->n", self.found.rows, self.factors)


@dataclass(frozen=True, eq=False)  # comparing would fail if `init` is an array
class StudentMixture(GaussianMixture):
    """Mixture of Student-t distributions, fitted by EM: a Gaussian mixture that resists outliers.

    Parameters
    ----------
    k, covariance, init, floor, regularization
        As in `GaussianMixture`, for scale matrices instead of covariances. To set all parameters, use
        `iterate(…, start=Students(…))`. The data must be in memory.
    degrees : "estimated" or float
        Degrees of freedom: estimated for each component within `MIN_DEGREES`..`MAX_DEGREES`, from `START_DEGREES`; or a fixed
        number in these bounds for all components. 1 is the Cauchy distribution; the more, the closer to a Gaussian.

    Notes
    -----
    Finds a local optimum that depends on the initialization: k-means++ and maximin may start at outliers. The floor is a
    fraction of the variance of all points, which outliers increase. The degrees of freedom converge slowly where they are
    large, and the likelihood hardly depends on them there.
    """

    degrees: float | str = ESTIMATED

    def __post_init__(self):
        super().__post_init__()
        if self.degrees != ESTIMATED and not (
            isinstance(self.degrees, int | float) and MIN_DEGREES <= self.degrees <= MAX_DEGREES
        ):
            raise ValueError(
                f"degrees must be {ESTIMATED!r} or a number in {MIN_DEGREES:g}..{MAX_DEGREES:g}, got {self.degrees!r}"
            )

    def prepare(self, data) -> PreparedFeatures:
        """As in `GaussianMixture.prepare`, but weights of rows are rejected."""
        refuse_weights(data, "StudentMixture")
        return super().prepare(data)

    def _prepare_blocks(self, data) -> PreparedFeatures:
        refuse_dask(data, "points")

    def _stored_features(self, columns) -> None:
        """None: the E step needs distances instead."""
        return

    def start(self, prepared: PreparedFeatures, rng: np.random.Generator) -> Students:
        """The initial `Students`, given by `init`, with the fixed degrees of freedom or `START_DEGREES`."""
        start = super().start(prepared, rng)
        return start if isinstance(start, Students) else self._with_degrees(start)

    def check_start(self, prepared: PreparedFeatures, start) -> Students:
        """The given `Students` with scales raised to the floor, or `Students` with the given `Gaussians` or means (k, d).

        Fixed degrees of freedom replace those of the start. Raises ValueError as in `check_students`, or if k or d do not
        match.
        """
        if not isinstance(start, Students):
            return self._with_degrees(super().check_start(prepared, start))
        students = check_students(*start)
        gaussians = super().check_start(prepared, students.gaussians)
        return Students(*gaussians, students.degrees) if self.degrees == ESTIMATED else self._with_degrees(gaussians)

    def _with_degrees(self, gaussians: Gaussians) -> Students:
        return Students(*gaussians, np.full(self.k, START_DEGREES if self.degrees == ESTIMATED else float(self.degrees)))

    def e_step(
        self, prepared: PreparedFeatures, parameters: Students, before: StudentResponsibilities | None = None
    ) -> tuple[StudentResponsibilities, float]:
        d, n = prepared.columns.shape
        squares, degrees = self._squares(prepared, parameters), parameters.degrees[..., None]
        peaks = self._log_peaks(prepared, parameters)
        *runs, k, _ = squares.shape
        rows, labels = np.empty_like(squares), np.empty((*runs, n), dtype=np.min_scalar_type(k - 1))

        def part(chunk):
            log_density = normalize(_log_joint(squares[..., chunk], parameters.degrees, peaks, d), rows[..., chunk])
            labels[..., chunk] = column_argmax(np.moveaxis(rows[..., chunk], -2, 0))
            return log_density.sum(axis=-1)

        loss = -sum(map_chunks(part, n, CHUNK)) / n + prepared.log_volume
        changed = np.full(runs, n) if before is None else (labels != before.found.labels).sum(axis=-1)
        if not runs:
            loss, changed = float(loss), int(changed)
        smallest = smallest_eigenvalues(self._standardized(prepared, parameters.gaussians).covariances)
        factors = (degrees + d) / (degrees + squares)
        found = PosteriorRows(rows, labels)
        return StudentResponsibilities(found, loss, changed, rows.sum(axis=-1), None, None, smallest, factors=factors), loss

    def m_step(self, prepared: PreparedFeatures, assignment: StudentResponsibilities, parameters: Students) -> Students:
        old, masses = self._standardized(prepared, parameters.gaussians), assignment.sizes
        weighted, alive = assignment.found.rows * assignment.factors, masses >= MIN_MASS
        means = (weighted @ prepared.columns.T) / np.where(alive, weighted.sum(axis=-1), 1.0)[..., None]
        scatter = scatter_of_rows(prepared, weighted, means, self.covariance)
        scatter /= np.where(alive, masses, 1.0)[..., None, None]
        gaussians = self._updated(prepared, masses, means, scatter, old)
        students = Students(*gaussians, parameters.degrees)
        if self.degrees != ESTIMATED:
            return students
        rows, squares = assignment.found.rows, self._squares(prepared, students)
        best = _best_degrees(len(prepared.columns), rows, squares, parameters.degrees)
        return students._replace(degrees=np.where(alive, best, parameters.degrees))

    def m_step_loss(
        self,
        prepared: PreparedFeatures,
        assignment: StudentResponsibilities,
        parameters: Students,
        new_parameters: Students,
    ) -> float:
        # the bound equals the loss at the old parameters; it changes by the mean of r (new - old) log joint density
        before, after = (
            _log_joint(self._squares(prepared, one), one.degrees, self._log_peaks(prepared, one), len(prepared.columns))
            for one in (parameters, new_parameters)
        )
        return assignment.loss - float(np.einsum("kn,kn->", assignment.found.rows, after - before)) / prepared.columns.shape[1]

    def _squares(self, prepared: PreparedFeatures, parameters: Students) -> np.ndarray:
        """(…, k, n) squared Mahalanobis distances of the prepared points."""
        _, means, scales = self._standardized(prepared, parameters.gaussians)
        *shape, d = means.shape
        factors = np.linalg.cholesky(scales).reshape(-1, d, d)
        return squared_mahalanobis(prepared.columns, means.reshape(-1, d), factors).reshape(*shape, -1)

    def _log_peaks(self, prepared: PreparedFeatures, parameters: Students) -> np.ndarray:
        return log_peaks(Students(*self._standardized(prepared, parameters.gaussians), parameters.degrees))

    def parameter_count(self, d: int) -> int:
        """Number of free parameters in d dimensions, as used by information criteria."""
        return super().parameter_count(d) + self.k * (self.degrees == ESTIMATED)


def log_peaks(students: Students) -> np.ndarray:
    """(…, k) log joint densities at the means."""
    v, d = students.degrees, students.means.shape[-1]
    peaks = log_weights(students.weights) - 0.5 * np.linalg.slogdet(students.scales)[1]
    return peaks + _log_peak(v, d)


def _log_peak(v, d: int):
    """Log density of a t distribution in d dimensions at its mean, for the identity as its scale matrix."""
    return gammaln((v + d) / 2) - gammaln(v / 2) - 0.5 * d * np.log(v * np.pi)


def _log_joint(squares, degrees, peaks, d: int) -> np.ndarray:
    """(…, k, n) log joint densities in d dimensions for squared distances (…, k, n)."""
    v = degrees[..., None]
    return peaks[..., None] - 0.5 * (v + d) * np.log1p(squares / v)


def _best_degrees(d: int, responsibilities: np.ndarray, squares: np.ndarray, old: np.ndarray) -> np.ndarray:
    """(…) degrees of freedom within the bounds that maximize the log-likelihood.

    The log-likelihoods of the points are weighted with responsibilities (…, n). Newton's method from the `old` degrees,
    with bisection where it leaves the bounds; or the old degrees or the upper bound if they are better.
    """
    shape, old = old.shape, old.ravel()
    responsibilities, squares = (values.reshape(len(old), -1) for values in (responsibilities, squares))
    totals = responsibilities.sum(axis=-1)

    # sums by einsum, because a dot product of BLAS would start threads for each of these short computations
    def logarithms(v, responsibilities, squares):
        return np.einsum("kn,kn->k", responsibilities, np.log1p(squares / v[:, None]))

    def loss(v, logs):
        return 0.5 * (v + d) * logs - totals * _log_peak(v, d)

    def slope(v, logs, responsibilities, squares, totals):
        """Twice the derivative of the loss by v, and the derivative of this by ln v."""
        sums = v[:, None] + squares
        ratios = squares / sums
        shares = np.einsum("kn,kn->k", responsibilities, ratios)
        ratios /= sums
        curvature = (v + d) * np.einsum("kn,kn->k", responsibilities, ratios) - shares + d / v * shares
        curvature -= totals * (0.5 * v * (zeta(2, (v + d) / 2) - zeta(2, v / 2)) + d / v)  # trigamma functions
        return logs - (v + d) / v * shares - totals * (digamma((v + d) / 2) - digamma(v / 2) - d / v), curvature

    largest, best = np.full(len(old), MAX_DEGREES), old.copy()
    of_largest, of_old = (logarithms(v, responsibilities, squares) for v in (largest, old))
    rising = slope(largest, of_largest, responsibilities, squares, totals)[0] > 0
    active, logs, rows = np.flatnonzero(rising), of_old[rising], (responsibilities[rising], squares[rising])
    low, high = np.full(len(active), np.log(MIN_DEGREES)), np.full(len(active), np.log(MAX_DEGREES))
    for _ in range(MAX_NEWTON_STEPS):
        if not active.size:
            break
        v = best[active]
        now, (value, curvature) = np.log(v), slope(v, logs, *rows, totals[active])
        low, high = np.where(value < 0, now, low), np.where(value > 0, now, high)
        with np.errstate(divide="ignore", invalid="ignore"):
            new = now - value / curvature
        new = np.where((curvature > 0) & (new >= low) & (new <= high), new, (low + high) / 2)
        best[active] = np.exp(new)
        moves = np.abs(new - now) > NEWTON_TOLERANCE
        if not moves.all():
            active, low, high, rows = active[moves], low[moves], high[moves], [values[moves] for values in rows]
        logs = logarithms(best[active], *rows)
    best = np.clip(best, MIN_DEGREES, MAX_DEGREES)
    candidates = np.stack([old, largest, best])
    found = of_old, of_largest, logarithms(best, responsibilities, squares)
    losses = np.stack([loss(v, logs) for v, logs in zip(candidates, found, strict=True)])
    return candidates[losses.argmin(axis=0), np.arange(len(old))].reshape(shape)

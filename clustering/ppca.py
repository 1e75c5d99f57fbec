"""Probabilistic principal component analysis of tables with missing values, fitted by EM.

    x = W z + mean + noise,   z ~ N(0, I),   noise ~ N(0, s2 I)          loss = -(1/n) sum of ln p(x_o)

x: rows (d,) of the table, NaN where missing; o: observed columns of a row; z: scores (q,); W: loadings (d, q); s2: noise
variance. The loss is in nats per row. Missing values are left out of the likelihood, assuming that they are missing at random,
so z is the only latent variable.

    E step   z | x_o ~ N(M^-1 W_o' (x_o - mean_o), V),   V = s2 M^-1,   M = W_o' W_o + s2 I
    M step   row of W and mean of each column by least squares on (z, 1), over the rows where it is observed; then s2

Both steps are exact, so the loss never rises. M depends only on which entries of a row are missing, so it is factorized once
per missing-value pattern.

References: Tipping & Bishop 1999, J. R. Stat. Soc. B 61:611, doi:10.1111/1467-9868.00196; Rubin 1976 (missing at random),
doi:10.1093/biomet/63.3.581.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from clustering.chunks import map_chunks
from clustering.gaussians import LOG_2PI
from clustering.notices import Notice
from clustering.points import EPS, check_magnitude, check_table, is_integer
from clustering.process import Alternating, State, iterate

MIN_NOISE = 1e-9
"""lower bound on the noise variance, as a fraction of the mean variance of the columns; prevents division by zero"""
NO_NOISE = "noise variance at lower bound"
INITIALIZATIONS = ("pca", "random")


class Loadings(NamedTuple):
    """Parameters of probabilistic PCA. Each row has the distribution N(mean, W W' + noise_variance I)."""

    loadings: np.ndarray
    """(d, q) W; its columns span the principal subspace and are unique up to a rotation"""
    mean: np.ndarray
    """(d,) mean of each column"""
    noise_variance: float
    """s2, the same for all columns; squared units"""


class PreparedTable(NamedTuple):
    """A table in the form that the steps of `ProbabilisticPCA` use."""

    points: np.ndarray
    """(n, d) original values, NaN where missing"""
    observed: np.ndarray
    """(n, d) booleans, False where missing"""
    values: np.ndarray
    """(n, d) centered and scaled values, 0 where missing"""
    origin: np.ndarray
    """(d,) subtracted column means"""
    scale: float
    """divisor of all columns; a single number, because the noise variance is the same for all columns"""
    rounding: float
    """rounding error of a scaled mean, caused by a common offset of the data"""
    pattern: np.ndarray
    """(n,) number of each row's missing-value pattern"""
    masks: np.ndarray
    """(p, d) patterns: 1 where observed, 0 where missing"""
    counts: np.ndarray
    """(p,) number of rows with each pattern"""


@dataclass(frozen=True, eq=False)
class Scores:
    """Posterior distribution of z for each row: Gaussian, with one covariance per missing-value pattern. No clusters."""

    means: np.ndarray
    """(n, q) posterior means"""
    covariances: np.ndarray
    """(p, q, q) covariance for each pattern; that of row i is `covariances[prepared.pattern[i]]`"""
    log_determinants: np.ndarray
    """(p,) log determinants of the covariances"""
    rounding: float
    """bound on the rounding error of the loss"""
    changed: int = 0
    """0: there are no labels that could change"""
    labels = memberships = None
    """there are no clusters"""
    sizes = np.zeros(0)
    """(0,) there are no clusters"""


class Imputed(NamedTuple):
    """The result of `impute`."""

    points: np.ndarray
    """(n, d) table with missing values replaced with conditional means; observed values are unchanged"""
    deviations: np.ndarray
    """(n, d) standard deviations of imputed values given the observed values of the row, including noise; 0 if observed"""
    last: State
    """last state of the fit"""


@dataclass(frozen=True)
class ProbabilisticPCA(Alternating):
    """Probabilistic PCA with missing values, fitted by EM to the observed entries.

    Parameters
    ----------
    components : int
        Number q of components, 1..d-1.
    init : {"pca", "random"}
        "pca" is the closed-form solution for the table with column means in place of missing values. Without missing values
        this is the maximum-likelihood solution, and EM stops after one iteration. "random" draws the loadings from a normal
        distribution.

    Notes
    -----
    EM is slow if many values are missing or components are weak: the loss may fall by less than `tol` per iteration far from
    the optimum. The optimum may be local. Columns should have comparable units, as the noise variance is the same for all.
    The covariances take 8 q^2 bytes for each missing-value pattern.

    There are no clusters: assignments are `Scores`, which have no labels.
    """

    components: int
    init: str = "pca"

    k = None
    loss_name = "mean negative log-likelihood of the observed entries (nats per row)"
    tol = 1e-7

    def __post_init__(self):
        if self.init not in INITIALIZATIONS:
            raise ValueError(f"init must be one of {', '.join(INITIALIZATIONS)}, got {self.init!r}")

    def prepare(self, data) -> PreparedTable:
        """The checked table with its missing-value patterns; `data` is an (n, d) array, NaN where missing.

        Rows without observed values do not affect the fit. Raises ValueError as in `check_table`, if a column has no observed
        value, or if `components` does not lie in 1..d-1.
        """
        if isinstance(data, PreparedTable):
            self._check_components(data.values.shape[1])
            return data
        points, observed = check_table(data)
        check_magnitude(points)
        self._check_components(points.shape[1])
        empty = np.flatnonzero(~observed.any(axis=0))
        if empty.size:
            raise ValueError(f"each column needs an observed entry, but column {empty[0]} has none: remove it")
        per_column = observed.sum(axis=0)
        smallest = np.where(observed, points, np.inf).min(axis=0)
        varies = np.where(observed, points, -np.inf).max(axis=0) > smallest
        # the mean of a constant column is its exact value, which summation would round
        origin = np.where(varies, points.sum(axis=0) / per_column, smallest)
        values = np.where(observed, points - origin, 0.0)
        largest = np.abs(values).max()
        scale = 1.0  # if the table varies only by the rounding error of its offset
        offset = float(np.abs(origin[varies]).max(initial=0.0))
        if largest > 64 * EPS * offset:
            scale = float(largest * np.sqrt((np.square(values / largest).sum(axis=0) / per_column).mean()))
        values /= scale
        bits = np.packbits(observed, axis=1)
        _, first, pattern, counts = np.unique(bits, axis=0, return_index=True, return_inverse=True, return_counts=True)
        points = np.where(observed, points, np.nan)
        masks = observed[first].astype(float)
        return PreparedTable(points, observed, values, origin, scale, EPS * offset / scale, pattern.ravel(), masks, counts)

    def _check_components(self, d: int) -> None:
        if d < 2:
            raise ValueError("probabilistic PCA needs at least two columns, got 1")
        if not is_integer(self.components) or not 1 <= self.components < d:
            raise ValueError(f"components must be an integer in 1..d-1={d - 1}, got {self.components}")

    def start(self, prepared: PreparedTable, rng: np.random.Generator) -> Loadings:
        """Initial `Loadings`: random, or maximum-likelihood for the table with imputed column means.

        The latter are equations 7 and 8 of Tipping & Bishop. Random ones have rows of unit length on average, in standardized
        units, and a noise variance of 1.
        """
        n, d = prepared.values.shape
        if self.init == "random":
            loadings = rng.normal(size=(d, self.components)) / np.sqrt(self.components)
            return _in_units(prepared, loadings, np.zeros(d), 1.0)
        variances, axes = np.linalg.eigh(prepared.values.T @ prepared.values / n)
        noise = max(float(variances[: d - self.components].mean()), MIN_NOISE)
        lengths = np.sqrt(np.maximum(variances[::-1][: self.components] - noise, 0.0))
        return _in_units(prepared, axes[:, ::-1][:, : self.components] * lengths, np.zeros(d), noise)

    def check_start(self, prepared: PreparedTable, start) -> Loadings:
        """A copy of the given `Loadings`, with the noise variance raised to its lower bound.

        Raises ValueError if they are not finite or do not match the table.
        """
        try:
            loadings, mean, noise = (np.array(part, dtype=float) for part in start)
        except (TypeError, ValueError):
            raise ValueError("start must be `Loadings`: loadings (d, q), mean (d,) and noise_variance") from None
        d = prepared.values.shape[1]
        if (loadings.shape, mean.shape, noise.shape) != ((d, self.components), (d,), ()):
            raise ValueError(
                f"start must have loadings of shape {(d, self.components)}, mean {(d,)} and one noise variance, "
                f"got {loadings.shape}, {mean.shape} and {noise.shape}"
            )
        if not (np.isfinite(loadings).all() and np.isfinite(mean).all() and 0 <= noise < np.inf):
            raise ValueError("start must be finite, with a noise variance of at least 0")
        # a smaller noise variance could fit better than any that the M step may choose: the loss would rise
        return Loadings(loadings, mean, max(float(noise), MIN_NOISE * prepared.scale**2))

    def e_step(self, prepared: PreparedTable, parameters: Loadings, before=None) -> tuple[Scores, float]:
        loadings, mean, noise = _standardized(prepared, parameters)
        n, q = len(prepared.values), self.components
        inner = _inner(prepared, loadings)
        largest = np.trace(inner, axis1=1, axis2=2)
        # a noise variance below the rounding error of the trace would be lost, and the factorization could fail
        factors = np.linalg.cholesky(inner + np.maximum(noise, 8 * q * EPS * largest)[:, None, None] * np.eye(q))
        roots = np.linalg.inv(factors)
        inverses = roots.transpose(0, 2, 1) @ roots
        log_determinants = -2 * np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1) + q * np.log(noise)
        means = np.empty((n, q))
        condition = float(largest.max() / noise)
        # small noise amplifies the rounding errors of the inverse; a second round of refinement removes them
        rounds = 1 if condition < 1e4 else 2

        def squares(rows):
            observed = prepared.observed[rows]
            centered = (prepared.values[rows] - mean) * observed
            residuals, z = centered, np.zeros((len(centered), q))
            for _ in range(rounds):
                gradient = residuals @ loadings - noise * z
                if len(inverses) == 1:
                    z += gradient @ inverses[0]
                else:
                    z += np.matmul(inverses[prepared.pattern[rows]], gradient[:, :, None])[:, :, 0]
                residuals = centered - (z @ loadings.T) * observed
            means[rows] = z
            # x' C^-1 x = min over z of |x - W z|^2 / s2 + |z|^2: no cancellation, and quadratic in the error of z
            return np.vdot(residuals, residuals) / noise + np.vdot(z, z)

        total = sum(map_chunks(squares, n, self._chunk(prepared), loadings.size))
        entries = prepared.counts @ prepared.masks.sum(axis=1)
        total += entries * (LOG_2PI + np.log(noise) + 2 * np.log(prepared.scale)) - prepared.counts @ log_determinants
        rounding = len(mean) * float(EPS * condition + 16 * prepared.rounding**2 / noise)
        return Scores(means, noise * inverses, log_determinants, rounding), float(total / (2 * n))

    def m_step(self, prepared: PreparedTable, assignment: Scores, parameters: Loadings) -> Loadings:
        (n, d), q = prepared.values.shape, self.components

        def sums(rows):
            z = np.concatenate([assignment.means[rows], np.ones((rows.stop - rows.start, 1))], axis=1)
            products = (z[:, :, None] * z[:, None, :]).reshape(len(z), -1)
            return prepared.observed[rows].T.astype(float) @ products, prepared.values[rows].T @ z

        second, cross = (sum(part) for part in zip(*map_chunks(sums, n, self._chunk(prepared), d * (q + 1) ** 2), strict=True))
        second = second.reshape(d, q + 1, q + 1)
        weighted = assignment.covariances * prepared.counts[:, None, None]
        second[:, :q, :q] += (prepared.masks.T @ weighted.reshape(-1, q * q)).reshape(d, q, q)
        # rounding may make it indefinite if few rows have a column and their scores hardly differ
        values, vectors = np.linalg.eigh(second)
        values = np.maximum(values, 8 * q * EPS * values[:, -1:])
        solved = np.einsum("dij,dj->di", vectors, np.einsum("dji,dj->di", vectors, cross) / values)
        loadings, mean = solved[:, :q], solved[:, q]
        noise = self._expected_squares(prepared, assignment, loadings, mean) / prepared.masks.sum(axis=1).dot(prepared.counts)
        return _in_units(prepared, loadings, mean, max(noise, MIN_NOISE))

    def m_step_loss(
        self, prepared: PreparedTable, assignment: Scores, parameters: Loadings, new_parameters: Loadings
    ) -> float:
        """Upper bound of the loss that the M step minimizes, -E[ln p(x_o, z) - ln p(z | x_o, old parameters)]."""
        loadings, mean, noise = _standardized(prepared, new_parameters)
        n, entries = len(prepared.values), prepared.counts @ prepared.masks.sum(axis=1)
        total = entries * (LOG_2PI + np.log(noise) + 2 * np.log(prepared.scale))
        total += self._expected_squares(prepared, assignment, loadings, mean) / noise
        total += np.vdot(assignment.means, assignment.means) - n * self.components
        total += prepared.counts @ (np.trace(assignment.covariances, axis1=1, axis2=2) - assignment.log_determinants)
        return float(total / (2 * n))

    def _expected_squares(self, prepared, assignment, loadings, mean) -> float:
        """Sum over the observed entries of E[(x - w'z - mean)^2]."""

        def squares(rows):
            residuals = prepared.values[rows] - mean - assignment.means[rows] @ loadings.T
            residuals *= prepared.observed[rows]
            return np.vdot(residuals, residuals)

        total = sum(map_chunks(squares, len(prepared.values), self._chunk(prepared), loadings.size))
        return float(total + np.einsum("p,pij,pij->", prepared.counts, _inner(prepared, loadings), assignment.covariances))

    def complete(self, prepared: PreparedTable, parameters: Loadings, assignment: Scores) -> np.ndarray:
        """(n, d) table with missing values replaced with W z + mean, for the posterior means z; others are unchanged."""
        loadings, mean, _ = _standardized(prepared, parameters)
        filled = (assignment.means @ loadings.T + mean) * prepared.scale + prepared.origin
        return np.where(prepared.observed, prepared.points, filled)

    def _chunk(self, prepared) -> int:
        return max(256, 2**18 // max(prepared.values.shape[1], (self.components + 1) ** 2))

    def has_converged(self, before: State, parameters, assignment, loss: float, tol: float) -> bool:
        return abs(before.loss - loss) <= tol

    def notices(self, prepared: PreparedTable, parameters: Loadings, assignment: Scores) -> tuple[Notice, ...]:
        if parameters.noise_variance > MIN_NOISE * (1 + 1e-6) * prepared.scale**2:
            return ()
        text = (
            "The model fits the observed entries exactly, and the noise variance is at its lower bound: the standard "
            "deviations of imputed values are unreliable." + " Choose fewer components." * (self.components > 1)
        )
        return (Notice(NO_NOISE, text),)

    def rounding_error(self, prepared: PreparedTable, assignment: Scores, loss: float) -> float:
        return 1e-9 * (1 + abs(loss)) + assignment.rounding


def impute(
    points,
    components: int,
    *,
    tol: float | None = None,
    max_iter: int = 1000,
    on_step: Callable[[State], None] | None = None,
) -> Imputed:
    """Impute missing values by probabilistic PCA.

    Parameters
    ----------
    points : (n, d) array
        NaN where missing. Rows without observed values get the fitted means and standard deviations of the columns.
    components : int
        Number of principal components, 1..d-1.
    tol, max_iter : as in `iterate`
    on_step : function, optional
        Called with each state as soon as it is computed; an exception that it raises ends the fit.

    Returns
    -------
    Imputed

    Raises
    ------
    ValueError
        As in `ProbabilisticPCA.prepare` and `iterate`.

    Notes
    -----
    The standard deviations treat the fitted parameters as known, so they are too small if there are few rows.
    """
    process = ProbabilisticPCA(components)
    prepared = process.prepare(points)
    for state in iterate(process, prepared, tol=tol, max_iter=max_iter):
        if on_step is not None:
            on_step(state)
    loadings, _, noise = _standardized(prepared, state.parameters)
    explained = np.einsum("di,pij,dj->pd", loadings, state.assignment.covariances, loadings, optimize=True)
    deviations = np.sqrt(np.maximum(explained, 0.0) + noise)[prepared.pattern] * prepared.scale
    points = process.complete(prepared, state.parameters, state.assignment)
    return Imputed(points, np.where(prepared.observed, 0.0, deviations), state)


def _inner(prepared: PreparedTable, loadings) -> np.ndarray:
    """(p, q, q) W_o' W_o for each pattern."""
    d, q = loadings.shape
    return (prepared.masks @ (loadings[:, :, None] * loadings[:, None, :]).reshape(d, -1)).reshape(-1, q, q)


def _standardized(prepared: PreparedTable, parameters: Loadings) -> Loadings:
    loadings, mean, noise = parameters
    return Loadings(loadings / prepared.scale, (mean - prepared.origin) / prepared.scale, noise / prepared.scale**2)


def _in_units(prepared: PreparedTable, loadings, mean, noise: float) -> Loadings:
    scale = prepared.scale
    return Loadings(loadings * scale, mean * scale + prepared.origin, float(noise) * scale**2)

"""Probabilistic principal component analysis of a table with gaps, fitted by expectation maximization.

    x = W z + mean + noise,   z ~ N(0, I),   noise ~ N(0, s2 I)          loss = -(1/n) ln p(observed entries)

x: rows (d,) of the table, NaN in the gaps; z: scores (q,); W: loadings (d, q). Tipping & Bishop 1999, J. R. Stat. Soc. B
61:611, doi:10.1111/1467-9868.00196. Gaps are left out of the likelihood, not filled (missing at random: Rubin 1976,
doi:10.1093/biomet/63.3.581), so only z is latent. With o the observed columns of a row,

    E step   z | x_o ~ N(M^-1 W_o' (x_o - mean_o), V),   V = s2 M^-1,   M = W_o' W_o + s2 I
    M step   each column's row of W and its mean: least squares on (z, 1) over the rows that have it; then s2

is exact, and the loss never rises. M depends on a row by its pattern of gaps only: it is factorized once per pattern.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from clustering.chunks import over_chunks
from clustering.features import LOG_2PI
from clustering.notices import Notice
from clustering.points import EPS, check_table, is_whole
from clustering.process import Alternating, State, iterate

LEAST_NOISE = 1e-9
"""noise variance as a share of the mean variance of the columns; below, rows that fit exactly would divide by zero"""
NO_NOISE = "no noise left"


class Loadings(NamedTuple):
    """The parameters of probabilistic PCA: rows are N(mean, W W' + noise_variance I)."""

    loadings: np.ndarray
    """(d, q) W; its columns span the principal subspace, in which they are determined up to a rotation"""
    mean: np.ndarray
    """(d,)"""
    noise_variance: float
    """of each column, in units squared"""


class PreparedTable(NamedTuple):
    points: np.ndarray
    """(n, d) as they came"""
    observed: np.ndarray
    """(n, d) False in the gaps"""
    values: np.ndarray
    """(n, d) centered, divided by the scale, 0 in the gaps"""
    origin: np.ndarray
    """(d,) what was subtracted: the mean of each column"""
    scale: float
    """what was divided by: one for all columns, because they have one noise variance"""
    rounding: float
    """error, over the scale, of a mean that is given in the data's units: a common offset leaves it only so many digits"""
    pattern: np.ndarray
    """(n,) number of the pattern of gaps that each row has"""
    masks: np.ndarray
    """(p, d) each pattern: 1 where observed, 0 in the gaps"""
    counts: np.ndarray
    """(p,) rows with each pattern"""


@dataclass(frozen=True, eq=False)
class Scores:
    """The posterior distribution of z for each row: normal, with a covariance that depends on the pattern of gaps only."""

    means: np.ndarray
    """(n, q)"""
    covariances: np.ndarray
    """(p, q, q) of each pattern: those of row i are `covariances[prepared.pattern[i]]`"""
    log_determinants: np.ndarray
    """(p,) of the covariances"""
    rounding: float
    """how much of the loss may be rounding"""


class Imputed(NamedTuple):
    points: np.ndarray
    """(n, d) the table with each gap filled by its conditional mean; observed entries are the bits they were"""
    deviations: np.ndarray
    """(n, d) standard deviation of each filled entry given those observed in its row, noise included; 0 where observed"""
    last: State
    """the last state of the fit"""


@dataclass(frozen=True)
class ProbabilisticPCA(Alternating):
    """Probabilistic PCA with gaps, by EM on the observed entries.

    Parameters
    ----------
    components : int
        q, the dimensions of z, 1..d-1.

    It starts from the closed-form maximum for the table with its gaps filled by column means. Without gaps that is the
    maximum, and the first step confirms it. There is no randomness: every run is the same.

    Weakness: EM is slow where much is missing or components are weak: the loss may fall by less than `tol` per step and
    still have some way to go. A local optimum, in principle. Columns should have comparable units: the noise is the same
    in all. The covariances take 8 q^2 bytes for each different pattern of gaps.

    There are no clusters, so the assignment has no labels, and `History` cannot record such a run.
    """

    components: int

    loss_name = "mean negative log-likelihood of the observed entries (nats per row)"
    tol = 1e-7

    @property
    def k(self) -> int:
        """The number of components."""
        return self.components

    def prepare(self, data) -> PreparedTable:
        """The checked table with its patterns of gaps; `data` is an (n, d) array with NaN in the gaps.

        A row of gaps only has no say in the fit. ValueError as `check_table`, if a column is all gaps, or `components` does
        not lie in 1..d-1.
        """
        if isinstance(data, PreparedTable):
            self._check_components(data.values.shape[1])
            return data
        points, observed = check_table(data)
        self._check_components(points.shape[1])
        empty = np.flatnonzero(~observed.any(axis=0))
        if empty.size:
            raise ValueError(f"each column needs an observed entry, but column {empty[0]} has none: leave it out")
        per_column = observed.sum(axis=0)
        least = np.where(observed, points, np.inf).min(axis=0)
        varies = np.where(observed, points, -np.inf).max(axis=0) > least
        # of a column that does not vary its value to the last bit, which a sum over its copies would round
        origin = np.where(varies, points.sum(axis=0) / per_column, least)
        values = np.where(observed, points - origin, 0.0)
        largest = np.abs(values).max()
        scale = 1.0  # of a table that varies by nothing but the rounding of its offset
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
        if not is_whole(self.components) or not 1 <= self.components < d:
            raise ValueError(f"components must be a whole number in 1..d-1={d - 1}, got {self.components}")

    def start(self, prepared: PreparedTable, rng: np.random.Generator) -> Loadings:
        """The most likely `Loadings` for the table with column means in its gaps (Tipping & Bishop, equations 7 and 8)."""
        n, d = prepared.values.shape
        variances, axes = np.linalg.eigh(prepared.values.T @ prepared.values / n)
        noise = max(float(variances[: d - self.components].mean()), LEAST_NOISE)
        lengths = np.sqrt(np.maximum(variances[::-1][: self.components] - noise, 0.0))
        return _in_units(prepared, axes[:, ::-1][:, : self.components] * lengths, np.zeros(d), noise)

    def check_start(self, prepared: PreparedTable, start) -> Loadings:
        """The given `Loadings` as a copy, with the noise raised to the least allowed. ValueError unless they are finite and
        fit the table."""
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
        # below the floor it could be better than any that the M step may choose, and the loss would rise
        return Loadings(loadings, mean, max(float(noise), LEAST_NOISE * prepared.scale**2))

    def e_step(self, prepared: PreparedTable, parameters: Loadings, before=None) -> tuple[Scores, float]:
        loadings, mean, noise = _standardized(prepared, parameters)
        n, q = len(prepared.values), self.components
        inner = _inner(prepared, loadings)
        largest = np.trace(inner, axis1=1, axis2=2)
        # a noise below the rounding of the trace would be lost in it, and the factorization could fail
        factors = np.linalg.cholesky(inner + np.maximum(noise, 8 * q * EPS * largest)[:, None, None] * np.eye(q))
        roots = np.linalg.inv(factors)
        inverses = roots.transpose(0, 2, 1) @ roots
        log_determinants = -2 * np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1) + q * np.log(noise)
        means = np.empty((n, q))
        condition = float(largest.max() / noise)
        # rounding errors of an inverse become errors of z, which little noise magnifies: a second round removes them
        rounds = 1 if condition < 1e4 else 2

        def squares(rows):
            observed = prepared.observed[rows]
            centered = (prepared.values[rows] - mean) * observed
            residuals, z = centered, np.zeros((len(centered), q))
            for _ in range(rounds):
                towards = residuals @ loadings - noise * z
                if len(inverses) == 1:
                    z += towards @ inverses[0]
                else:
                    z += np.matmul(inverses[prepared.pattern[rows]], towards[:, :, None])[:, :, 0]
                residuals = centered - (z @ loadings.T) * observed
            means[rows] = z
            # x' C^-1 x = min over z of |x - W z|^2 / s2 + |z|^2: nothing cancels, and an error of z counts by its square
            return np.vdot(residuals, residuals) / noise + np.vdot(z, z)

        total = sum(over_chunks(squares, n, self._chunk(prepared), loadings.size))
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

        second, cross = (
            sum(part) for part in zip(*over_chunks(sums, n, self._chunk(prepared), d * (q + 1) ** 2), strict=True)
        )
        second = second.reshape(d, q + 1, q + 1)
        weighted = assignment.covariances * prepared.counts[:, None, None]
        second[:, :q, :q] += (prepared.masks.T @ weighted.reshape(-1, q * q)).reshape(d, q, q)
        # positive definite, but for rounding, where few rows have a column and their scores hardly differ
        values, vectors = np.linalg.eigh(second)
        values = np.maximum(values, 8 * q * EPS * values[:, -1:])
        solved = np.einsum("dij,dj->di", vectors, np.einsum("dji,dj->di", vectors, cross) / values)
        loadings, mean = solved[:, :q], solved[:, q]
        noise = self._expected_squares(prepared, assignment, loadings, mean) / prepared.masks.sum(axis=1).dot(prepared.counts)
        return _in_units(prepared, loadings, mean, max(noise, LEAST_NOISE))

    def half_step_loss(
        self, prepared: PreparedTable, assignment: Scores, parameters: Loadings, new_parameters: Loadings
    ) -> float:
        """The bound that the M step lowers, of the new parameters: -E[ln p(x_o, z) - ln p(z | x_o, old parameters)]."""
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

        total = sum(over_chunks(squares, len(prepared.values), self._chunk(prepared), loadings.size))
        return float(total + np.einsum("p,pij,pij->", prepared.counts, _inner(prepared, loadings), assignment.covariances))

    def _chunk(self, prepared) -> int:
        return max(256, 2**18 // max(prepared.values.shape[1], (self.components + 1) ** 2))

    def settled(self, before: State, parameters, assignment, loss: float, tol: float) -> bool:
        return abs(before.loss - loss) <= tol

    def notices(self, prepared: PreparedTable, parameters: Loadings, assignment: Scores) -> tuple[Notice, ...]:
        if parameters.noise_variance > LEAST_NOISE * (1 + 1e-6) * prepared.scale**2:
            return ()
        text = (
            f"With {self.components} components the observed entries fit exactly, and the noise variance is held at the "
            "least allowed: deviations of filled entries say little. Choose fewer components."
        )
        return (Notice(NO_NOISE, text),)

    def rounding(self, prepared: PreparedTable, assignment: Scores, loss: float) -> float:
        return 1e-9 * (1 + abs(loss)) + assignment.rounding


def impute(
    points,
    components: int,
    *,
    tol: float | None = None,
    max_iter: int = 1000,
    on_step: Callable[[State], None] | None = None,
) -> Imputed:
    """The table with each gap filled by probabilistic PCA, and how uncertain each filling is.

    A row of gaps only is filled with the mean, and its deviations are those of the whole population.

    Parameters
    ----------
    points : (n, d) array with NaN in the gaps
    components, tol, max_iter : as `ProbabilisticPCA` and `iterate`
    on_step : function, optional
        Called with each state as soon as it is known; an exception that it raises ends the work.

    Raises
    ------
    ValueError
        As `ProbabilisticPCA.prepare` and `iterate`.

    Weakness: the deviations take the fitted parameters for the true ones, so they are too small where rows are few.
    """
    process = ProbabilisticPCA(components)
    prepared = process.prepare(points)
    for state in iterate(process, prepared, tol=tol, max_iter=max_iter):
        if on_step is not None:
            on_step(state)
    loadings, mean, noise = _standardized(prepared, state.parameters)
    filled = (state.assignment.means @ loadings.T + mean) * prepared.scale + prepared.origin
    explained = np.einsum("di,pij,dj->pd", loadings, state.assignment.covariances, loadings, optimize=True)
    deviations = np.sqrt(np.maximum(explained, 0.0) + noise)[prepared.pattern] * prepared.scale
    observed = prepared.observed
    return Imputed(np.where(observed, prepared.points, filled), np.where(observed, 0.0, deviations), state)


def _inner(prepared: PreparedTable, loadings) -> np.ndarray:
    """W_o' W_o of each pattern, (p, q, q)."""
    d, q = loadings.shape
    return (prepared.masks @ (loadings[:, :, None] * loadings[:, None, :]).reshape(d, -1)).reshape(-1, q, q)


def _standardized(prepared: PreparedTable, parameters: Loadings) -> Loadings:
    loadings, mean, noise = parameters
    return Loadings(loadings / prepared.scale, (mean - prepared.origin) / prepared.scale, noise / prepared.scale**2)


def _in_units(prepared: PreparedTable, loadings, mean, noise: float) -> Loadings:
    scale = prepared.scale
    return Loadings(loadings * scale, mean * scale + prepared.origin, float(noise) * scale**2)

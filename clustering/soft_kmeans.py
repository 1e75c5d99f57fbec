"""Soft K-means: EM for the means of spherical Gaussians with equal weights and a fixed common width.

    r(n, k) = exp(-||x_n - c_k||^2 / 2 s^2) / sum over j of exp(-||x_n - c_j||^2 / 2 s^2)      (E step)
    c_k     = sum over n of r(n, k) x_n  /  sum over n of r(n, k)                              (M step)

x: points (n, d); c: means (k, d); s: width, the standard deviation; r: responsibilities (n, k). Both steps minimize

    loss = sum over n, k of r ||x_n - c_k||^2  +  2 s^2 sum over n, k of r ln(k r)

in squared distance. With the responsibilities of the E step,

    loss = -2 s^2 sum over n of ln( (1/k) sum over k of exp(-||x_n - c_k||^2 / 2 s^2) ),

which is 2 s^2 times the negative log-likelihood, up to a constant. As s goes to 0, each responsibility approaches 0 or 1, and
the steps and the loss become those of K-means. As s goes to infinity, all means go to the mean of all points.

References: MacKay 2003, "Information Theory, Inference, and Learning Algorithms", chapters 20 and 22; Bishop 2006, "Pattern
Recognition and Machine Learning", section 9.3.2.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

from clustering.distances import nearest_centers
from clustering.notices import EMPTY_CLUSTER, Notice
from clustering.points import EPS, check_data, check_k, check_points, column_means, distinct_points_notices, is_integer
from clustering.process import Alternating, State, fit
from clustering.seeding import seeded_rows

MIN_MASS = 1e-290
"""sum of responsibilities below which a mean is not updated, because the division would be imprecise"""


class CenteredPoints(NamedTuple):
    """Points in the form that the steps of `SoftKMeans` use."""

    points: np.ndarray
    """(n, d) centered points; without the common offset, less precision is lost"""
    origin: np.ndarray
    """(d,) subtracted column means"""
    spread: float
    """largest standard deviation of a column"""
    rounding: float
    """squared rounding error of the distance between a point and a mean"""
    k: int
    """number of means that `notices` refer to"""
    notices: tuple[Notice, ...]


@dataclass(frozen=True, eq=False)
class SoftPartition:
    """Responsibilities, with results that the next steps reuse."""

    labels: np.ndarray
    """(n,) nearest mean of each point, which has the largest responsibility; the lowest number on ties"""
    responsibilities: np.ndarray
    """(n, k) responsibilities; each row sums to one"""
    changed: int
    """number of points whose label differs from that in the previous state; n in the first"""
    loss: float
    """loss as defined in the module documentation, in squared distance"""
    distances: np.ndarray
    """(n, k) squared distances between points and means"""
    means: np.ndarray
    """(k, d) centered means"""
    movement: float
    """largest distance that a mean moved since the previous state, divided by `spread`; infinite in the first"""

    @property
    def memberships(self) -> np.ndarray:
        """(n, k) responsibilities, under the name that all soft methods use"""
        return self.responsibilities

    @cached_property
    def sizes(self) -> np.ndarray:
        """(k,) sum of the responsibilities of each mean"""
        return self.responsibilities.sum(axis=0)


@dataclass(frozen=True, eq=False)  # comparing would fail if `init` is an array
class SoftKMeans(Alternating):
    """Soft K-means.

    Parameters
    ----------
    k : int
        Number of means, at least 1; at most n unless the initial means are given.
    width : float
        Standard deviation s of each component, above 0, in the units of the points.
    init : {"k-means++", "plain k-means++", "random", "maxmin"} or (k, d) array
        Initialization, see `clustering.seeding`, or the initial means.

    Notes
    -----
    `tol` is relative: a run has converged if no mean moves farther than `tol` times the largest standard deviation of a
    column. A mean whose responsibilities are all 0 is not updated. Converges to a local minimum or a saddle point that
    depends on the initialization. The width is not fitted.
    """

    k: int
    width: float
    init: str | np.ndarray = "k-means++"

    loss_name = "soft sum of squared distances"
    tol = 1e-6

    def __post_init__(self):
        if not is_integer(self.k) or self.k < 1:
            raise ValueError(f"k must be an integer of at least 1, got {self.k}")
        if not 0 < self.width < np.inf:
            raise ValueError(f"width must be a finite number above 0, got {self.width}")

    def prepare(self, data) -> CenteredPoints:
        """The checked and centered points; `data` is an (n, d) array. Raises ValueError as in `check_points`."""
        if isinstance(data, CenteredPoints):
            if data.k == self.k:
                return data
            return data._replace(k=self.k, notices=distinct_points_notices(data.points, self.k))
        points = check_data(data)
        origin, varies = column_means(points)
        notices = distinct_points_notices(points, self.k)
        points = points - origin
        largest = float(np.square(np.abs(points).max(axis=0)).sum() + np.square(origin[varies]).sum())
        rounding = points.shape[1] * (8 * EPS) ** 2 * largest
        return CenteredPoints(points, origin, float(points.std(axis=0).max()), rounding, self.k, notices)

    def start(self, prepared: CenteredPoints, rng: np.random.Generator) -> np.ndarray:
        """Initial means (k, d), given by `init`. Raises ValueError if k > n, for an unknown `init`, or as in `check_start`."""
        if not isinstance(self.init, str):
            return self.check_start(prepared, self.init)
        check_k(self.k, len(prepared.points))
        rows = seeded_rows(self.init, np.ascontiguousarray(prepared.points.T), self.k, rng)
        return prepared.points[rows] + prepared.origin

    def check_start(self, prepared: CenteredPoints, start) -> np.ndarray:
        """A copy of the given means. Raises ValueError as in `check_points` or if their shape is not (k, d)."""
        means, d = check_points(start, "start").copy(), prepared.points.shape[1]
        if means.shape[1] != d:
            raise ValueError(f"start must have {d} columns, as the points do, got {means.shape[1]}")
        if len(means) != self.k:
            raise ValueError(f"start must be means of shape {(self.k, d)}, got {means.shape}")
        return means

    def predict(self, means, points) -> np.ndarray:
        """(n,) nearest mean of each of n new points (n, d); as in `nearest_centers`."""
        return nearest_centers(means, points)

    def e_step(self, prepared: CenteredPoints, parameters, before: SoftPartition | None = None) -> tuple[SoftPartition, float]:
        means = parameters - prepared.origin
        distances = cdist(prepared.points, means, "sqeuclidean")
        labels = distances.argmin(axis=1)
        nearest = distances[np.arange(len(labels)), labels]
        with np.errstate(over="ignore"):  # an infinite exponent gives a responsibility of 0
            exponents = 0.5 * np.square(np.sqrt(distances - nearest[:, None]) / self.width)
        responsibilities = np.exp(-exponents)
        totals = responsibilities.sum(axis=1)
        responsibilities /= totals[:, None]
        logarithms = np.log(totals / self.k)
        # if all means are almost equally near, the logarithm of a number close to 1 is imprecise
        rows = np.flatnonzero(totals > 0.9 * self.k)
        logarithms[rows] = np.log1p(np.expm1(-exponents[rows]).mean(axis=1))
        # this order of operations avoids the square of the width, which may overflow or underflow
        loss = float(nearest.sum() - 2 * self.width * (self.width * logarithms.sum()))
        changed, movement = len(labels), np.inf
        if before is not None:
            changed = int(np.count_nonzero(labels != before.labels))
            step = np.sqrt(np.square(means - before.means).sum(axis=1)).max()
            # if all points are equal, any movement counts as infinite
            movement = float(step / prepared.spread) if prepared.spread > 0 else (np.inf if step > 0 else 0.0)
        return SoftPartition(labels, responsibilities, changed, loss, distances, means, movement), loss

    def m_step(self, prepared: CenteredPoints, assignment: SoftPartition, parameters) -> np.ndarray:
        alive = assignment.sizes > MIN_MASS
        sums = assignment.responsibilities.T @ prepared.points
        means = parameters.copy()
        means[alive] = sums[alive] / assignment.sizes[alive, None] + prepared.origin
        return means

    def m_step_loss(self, prepared: CenteredPoints, assignment: SoftPartition, parameters, new_parameters) -> float:
        # the responsibilities are unchanged, so only the squared distances differ
        change = cdist(prepared.points, new_parameters - prepared.origin, "sqeuclidean")
        change -= assignment.distances
        return assignment.loss + float(np.vdot(assignment.responsibilities, change))

    def has_converged(self, before: State, parameters, assignment: SoftPartition, loss: float, tol: float) -> bool:
        return assignment.movement <= tol

    def notices(self, prepared: CenteredPoints, parameters, assignment: SoftPartition) -> tuple[Notice, ...]:
        empty = np.flatnonzero(assignment.sizes <= MIN_MASS)
        if not empty.size:
            return prepared.notices
        text = "{who} lost all points and can no longer move. Choose another initialization or a larger width."
        return (*prepared.notices, Notice(EMPTY_CLUSTER, text, tuple(empty.tolist()), "Mean"))

    def rounding_error(self, prepared: CenteredPoints, assignment: SoftPartition, loss: float) -> float:
        return 1e-9 * abs(loss) + len(prepared.points) * prepared.rounding


class SoftMeans(NamedTuple):
    """The result of `soft_kmeans`."""

    width: float
    """s, in the units of the points"""
    means: np.ndarray
    """(k, d) final means"""
    responsibilities: np.ndarray
    """(n, k) responsibilities for the final means"""
    iterations: int
    """number of M steps"""
    converged: bool
    """False if the iteration limit was reached"""


def soft_kmeans(points, start, width: float, *, tol: float = 1e-6, max_iter: int = 500) -> SoftMeans:
    """Fit soft K-means from given initial means.

    Parameters
    ----------
    points : (n, d) array
    start : (k, d) array
        Initial means; k may exceed n.
    width : float
        Standard deviation of each component, above 0, in the units of the points.
    tol : float
        The run has converged if no mean moves farther than `tol` times the largest standard deviation of a column.
    max_iter : int
        Largest number of M steps.

    Returns
    -------
    SoftMeans

    Raises
    ------
    ValueError
        As in `check_points`, if `width` is not above 0, if `start` has another number of columns, or for a `tol` or `max_iter`
        that `iterate` rejects.

    Notes
    -----
    A mean whose responsibilities are all 0 is not updated. Converges to a local minimum or a saddle point that depends on
    `start`.
    """
    points, means = check_points(points), check_points(start, "start")
    if means.shape[1] != points.shape[1]:
        raise ValueError(f"start must have {points.shape[1]} columns, as the points do, got {means.shape[1]}")
    # center the points first: means near the origin are more precise than means with a common offset
    origin, _ = column_means(points)
    last = fit(SoftKMeans(len(means), width), points - origin, start=means - origin, tol=tol, max_iter=max_iter)
    return SoftMeans(width, last.parameters + origin, last.assignment.responsibilities, last.iteration, last.converged)

"""Soft K-means: a mixture of round Gaussians of one given width, of which only the means are fitted.

    r(n, k) = exp(-||x - c_k||^2 / 2 s^2) / (sum of the same over all k)      c_k = mean of the points, weighted by r(., k)

x: points (n, d); c: means (k, d); s: the width; r: responsibilities (n, k). This is EM for equal weights and covariances
s^2 I. Both steps lower

    loss = sum over n, k of r ||x - c_k||^2  +  2 s^2 sum over n, k of r ln(k r)

(squared distance), with responsibilities as above

    loss = -2 s^2 sum over points of ln( (1/k) sum over k of exp(-||x - c_k||^2 / 2 s^2) ),

which is 2 s^2 times the negative log-likelihood, but for a constant. As the width s goes to zero, the responsibilities go to 0
and 1, and the steps and the loss become those of K-means (MacKay 2003, "Information Theory, Inference, and Learning
Algorithms", chapter 22; Bishop 2006, "Pattern Recognition and Machine Learning", section 9.3.2); as it grows, all means go to
the mean of all points.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

from clustering.distances import nearest_centers
from clustering.notices import EMPTY_CLUSTER, Notice
from clustering.points import EPS, check_k, check_points, column_means, few_distinct_points, is_whole
from clustering.process import Alternating, State, fit
from clustering.seeding import seeded_rows

LEAST_MASS_OF_A_MEAN = 1e-290
"""sum of responsibilities below which too few digits are left to divide by: such a mean stays where it is"""


class CenteredPoints(NamedTuple):
    points: np.ndarray
    """(n, d) minus the origin, so that a common offset costs no digits"""
    origin: np.ndarray
    """(d,) what was subtracted: the mean of each column"""
    spread: float
    """largest standard deviation of a column"""
    rounding: float
    """squared distance that may be rounding alone, of a mean to the point where it should be"""
    k: int
    """that the notices are for"""
    notices: tuple[Notice, ...]


@dataclass(frozen=True, eq=False)
class SoftPartition:
    """The responsibility of each mean for each point."""

    labels: np.ndarray
    """(n,) nearest mean of each point, the lowest number among equally near ones: the one with the largest responsibility"""
    responsibilities: np.ndarray
    """(n, k), each row sums to one"""
    changed: int
    """number of points with another nearest mean than in the state before; n in the first"""
    loss: float
    """squared distance"""
    distances: np.ndarray
    """(n, k) squared distances of points to means"""
    means: np.ndarray
    """(k, d) the centered means"""
    movement: float
    """largest distance that a mean has moved since the state before, as a share of the spread of the data; infinite in the
    first"""

    @property
    def shares(self) -> np.ndarray:
        """(n, k) the responsibilities, by the name that all soft methods have"""
        return self.responsibilities

    @cached_property
    def sizes(self) -> np.ndarray:
        """(k,) the sum of each mean's responsibilities: points, in fractions"""
        return self.responsibilities.sum(axis=0)


@dataclass(frozen=True, eq=False)  # an array as `init` could not be compared
class SoftKMeans(Alternating):
    """Soft K-means.

    Parameters
    ----------
    k : int
        Number of means, at least 1; at most n unless the run gets a start.
    width : float
        Standard deviation s of each component in each direction, above 0, in units of the points.
    init : {"k-means++", "plain k-means++", "random", "maxmin"} or (k, d) array
        Where to start (see `clustering.seeding`), or the means to start from.

    `tol` is relative: a run ends when no mean moves farther than this share of the largest standard deviation of a column. A
    mean without responsibility for any point stays where it is.

    Weakness: a local optimum that depends on the start; the width is not fitted.
    """

    k: int
    width: float
    init: str | np.ndarray = "k-means++"

    loss_name = "soft sum of squared distances"
    tol = 1e-6

    def __post_init__(self):
        if not is_whole(self.k) or self.k < 1:
            raise ValueError(f"k must be a whole number of at least 1, got {self.k}")
        if not 0 < self.width < np.inf:
            raise ValueError(f"width must be a finite number above 0, got {self.width}")

    def prepare(self, data) -> CenteredPoints:
        """The checked and centered points; `data` is an (n, d) array. ValueError as `check_points`."""
        if isinstance(data, CenteredPoints):
            if data.k == self.k:
                return data
            return data._replace(k=self.k, notices=few_distinct_points(data.points, self.k))
        points = check_points(data)
        origin, varies = column_means(points)
        notices = few_distinct_points(points, self.k)
        points = points - origin
        largest = float(np.square(np.abs(points).max(axis=0)).sum() + np.square(origin[varies]).sum())
        rounding = points.shape[1] * (8 * EPS) ** 2 * largest
        return CenteredPoints(points, origin, float(points.std(axis=0).max()), rounding, self.k, notices)

    def start(self, prepared: CenteredPoints, rng: np.random.Generator) -> np.ndarray:
        """Means (k, d) by `init`. ValueError if k exceeds n, for an unknown `init`, or as `check_start`."""
        if not isinstance(self.init, str):
            return self.check_start(prepared, self.init)
        check_k(self.k, len(prepared.points))
        rows = seeded_rows(self.init, np.ascontiguousarray(prepared.points.T), self.k, rng)
        return prepared.points[rows] + prepared.origin

    def check_start(self, prepared: CenteredPoints, start) -> np.ndarray:
        """The means (k, d) as a copy. ValueError as `check_points` and unless they are of this shape."""
        means, d = check_points(start, "start").copy(), prepared.points.shape[1]
        if means.shape[1] != d:
            raise ValueError(f"start must have {d} columns, as the points do, got {means.shape[1]}")
        if len(means) != self.k:
            raise ValueError(f"start must be means of shape {(self.k, d)}, got {means.shape}")
        return means

    def predict(self, means, points) -> np.ndarray:
        """The nearest mean of each point, new or not; as `nearest_centers`."""
        return nearest_centers(means, points)

    def e_step(self, prepared: CenteredPoints, parameters, before: SoftPartition | None = None) -> tuple[SoftPartition, float]:
        means = parameters - prepared.origin
        distances = cdist(prepared.points, means, "sqeuclidean")
        labels = distances.argmin(axis=1)
        least = distances[np.arange(len(labels)), labels]
        with np.errstate(over="ignore"):  # an infinite exponent is a responsibility of 0
            exponents = 0.5 * np.square(np.sqrt(distances - least[:, None]) / self.width)
        shares = np.exp(-exponents)
        totals = shares.sum(axis=1)
        shares /= totals[:, None]
        logarithms = np.log(totals / self.k)
        # where all means are about equally near, the logarithm of a number close to 1 would lose its digits
        rows = np.flatnonzero(totals > 0.9 * self.k)
        logarithms[rows] = np.log1p(np.expm1(-exponents[rows]).mean(axis=1))
        # in this order neither the square of a large width nor that of a small one is needed
        loss = float(least.sum() - 2 * self.width * (self.width * logarithms.sum()))
        changed, movement = len(labels), np.inf
        if before is not None:
            changed = int(np.count_nonzero(labels != before.labels))
            step = np.sqrt(np.square(means - before.means).sum(axis=1)).max()
            # without any spread each step counts
            movement = float(step / prepared.spread) if prepared.spread > 0 else (np.inf if step > 0 else 0.0)
        return SoftPartition(labels, shares, changed, loss, distances, means, movement), loss

    def m_step(self, prepared: CenteredPoints, assignment: SoftPartition, parameters) -> np.ndarray:
        alive = assignment.sizes > LEAST_MASS_OF_A_MEAN
        sums = assignment.responsibilities.T @ prepared.points
        means = parameters.copy()
        means[alive] = sums[alive] / assignment.sizes[alive, None] + prepared.origin
        return means

    def half_step_loss(self, prepared: CenteredPoints, assignment: SoftPartition, parameters, new_parameters) -> float:
        # the responsibilities stay, so only the squared distances differ
        change = cdist(prepared.points, new_parameters - prepared.origin, "sqeuclidean")
        change -= assignment.distances
        return assignment.loss + float(np.vdot(assignment.responsibilities, change))

    def settled(self, before: State, parameters, assignment: SoftPartition, loss: float, tol: float) -> bool:
        return assignment.movement <= tol

    def notices(self, prepared: CenteredPoints, parameters, assignment: SoftPartition) -> tuple[Notice, ...]:
        dead = np.flatnonzero(assignment.sizes <= LEAST_MASS_OF_A_MEAN)
        if not dead.size:
            return prepared.notices
        text = "{who} lost all points and cannot move any more. Choose another start or a larger width."
        return (*prepared.notices, Notice(EMPTY_CLUSTER, text, tuple(dead.tolist()), "Mean"))

    def rounding(self, prepared: CenteredPoints, assignment: SoftPartition, loss: float) -> float:
        return 1e-9 * abs(loss) + len(prepared.points) * prepared.rounding


class SoftMeans(NamedTuple):
    """The result of `soft_kmeans`."""

    width: float
    """s, in units of the points"""
    means: np.ndarray
    """(k, d)"""
    responsibilities: np.ndarray
    """(n, k), of these means"""
    iterations: int
    """number of M steps"""
    converged: bool
    """whether it ended because the means hardly moved, not at the limit"""


def soft_kmeans(points, start, width: float, *, tol: float = 1e-6, max_iter: int = 500) -> SoftMeans:
    """The fit of `SoftKMeans` from the given means.

    Parameters
    ----------
    points : (n, d) array
    start : (k, d) array
        The first means; k may exceed n.
    width : float
        Standard deviation of each component in each direction, above 0.
    tol : float
        The run ends when no mean moves farther than this share of the largest standard deviation of a column.
    max_iter : int
        At most this many M steps.

    Raises
    ------
    ValueError
        As `check_points`, for a width that is not above 0, a start with another number of columns, or such limits as
        `iterate` refuses.

    A mean without responsibility for any point stays where it is. Weakness: a local optimum that depends on the start.
    """
    points, means = check_points(points), check_points(start, "start")
    if means.shape[1] != points.shape[1]:
        raise ValueError(f"start must have {points.shape[1]} columns, as the points do, got {means.shape[1]}")
    # means are computed around the origin, where they keep the digits that a common offset would cost
    origin, _ = column_means(points)
    last = fit(SoftKMeans(len(means), width), points - origin, start=means - origin, tol=tol, max_iter=max_iter)
    return SoftMeans(width, last.parameters + origin, last.assignment.responsibilities, last.iteration, last.converged)

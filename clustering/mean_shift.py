"""Mean shift: every point climbs to a mode of the density of the points.

    loss = mean over points n of -log f(y_n),   f(y) = kernel density of the points x at y, in nats

    shift   y = sum over n of g(x_n - y) x_n  /  sum over n of g(x_n - y),   starting at y = x_n

x: points (n, d); y: positions (n, d) of the climbing points; h: the bandwidth. Comaniciu & Meer 2002, doi:10.1109/34.1000236.

    kernel      weight g in a shift                     density f, up to a constant
    flat        1 within distance h, otherwise 0        sum over n of max(0, 1 - ||x_n - y||^2 / h^2), Epanechnikov's kernel
    gaussian    exp(-||x_n - y||^2 / (2 h^2))           sum over n of the same

A shift follows the gradient of the density and never lowers it (Comaniciu & Meer 2002, theorem 1), so the loss never rises.

When all points have stopped, positions within the bandwidth of one another are merged into one mode. The order of the modes,
the radius and the assignment of each point to the nearest mode are those of scikit-learn, whose only kernel is the flat one;
the Gaussian kernel has the same rules.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import lgamma, log, pi
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from clustering.chunks import map_chunks
from clustering.distances import nearest_centers
from clustering.hard_assignment import HardAssignment
from clustering.notices import Notice
from clustering.points import check_data
from clustering.process import State, check_limits, iteration_limit_notice

KERNELS = ("flat", "gaussian")
CHUNK_VALUES = 2**20
"""squared distances computed at a time"""
MANY = 0.25
"""number of modes, as a share of the points, above which there is a notice"""
ONE_MODE = "one mode"
MANY_MODES = "many modes"


class Climb(NamedTuple):
    """Positions of the climbing points, and the modes once they are found."""

    positions: np.ndarray
    """(n, d)"""
    modes: np.ndarray
    """(K, d) modes by decreasing density; K = 0 before they are merged"""


@dataclass(frozen=True)
class MeanShift:
    """Mean shift.

    Deterministic: every point is a start, and every run has the same states.

    Parameters
    ----------
    bandwidth : float
        Radius of the flat kernel, or standard deviation of the Gaussian one, above 0, in the unit of the points.
    kernel : {"flat", "gaussian"}
        Weights of the points in a shift.

    Notes
    -----
    The number of clusters is found; it tends to fall as the bandwidth grows. `tol` is relative to the bandwidth: a point stops
    when a shift moves it by at most `tol` times the bandwidth.

    An iteration takes time proportional to n^2. In high dimensions, density is a poor guide, and most points end as
    modes of their own.
    """

    bandwidth: float
    kernel: str = "flat"

    k = None
    loss_name = "mean negative log density at the positions of the points (nats)"
    tol = 1e-3

    def __post_init__(self):
        if not 0 < self.bandwidth < np.inf:
            raise ValueError(f"bandwidth must be a finite number above 0, got {self.bandwidth}")
        if self.kernel not in KERNELS:
            raise ValueError(f"kernel must be one of {', '.join(KERNELS)}, got {self.kernel!r}")

    def prepare(self, data) -> np.ndarray:
        """The checked points (n, d). Raises ValueError as in `check_points`."""
        return check_data(data)

    def start(self, prepared: np.ndarray, rng: np.random.Generator | None = None) -> Climb:
        """All points at their original positions; `rng` is ignored."""
        return Climb(prepared, np.empty((0, prepared.shape[1])))

    def check_start(self, prepared: np.ndarray, start) -> Climb:
        """Raise ValueError: mean shift has no initialization."""
        raise ValueError("mean shift does not accept a start: every point starts at its own position")

    def states(
        self,
        prepared: np.ndarray,
        *,
        start=None,
        rng: np.random.Generator | int | None = None,
        tol: float | None = None,
        max_iter: int = 300,
    ) -> Iterator[State]:
        """Iterate over the states: densities ("density"), positions after each shift ("shift"), modes and clusters ("merge").

        `rng` is ignored. The last state is converged unless some points still move after `max_iter` shifts; then the modes
        are those of their positions, and there is a notice. Raise ValueError when called if `start` is given, and as in
        `check_limits`.
        """
        tol = self.tol if tol is None else tol
        check_limits(tol, max_iter)
        if start is not None:
            self.check_start(prepared, start)
        return self._states(prepared, tol, max_iter)

    def _states(self, points: np.ndarray, tol: float, max_iter: int) -> Iterator[State]:
        climb, unassigned = self.start(points), np.full(len(points), -1)
        positions, moving = points, np.arange(len(points))
        targets, logs, heights = self._shift(points, points)
        for iteration in range(max_iter + 1):
            if iteration and (iteration == max_iter or not moving.size):
                break
            # without any iteration there are no modes
            notices = () if max_iter else (iteration_limit_notice(max_iter),)
            changed = 0 if iteration else len(points)
            phase = "shift" if iteration else "density"
            yield State(phase, iteration, climb, HardAssignment(unassigned, 0, changed), -float(logs.mean()), False, notices)
            if not max_iter:
                return
            moves = np.linalg.norm(targets - positions[moving], axis=1)
            positions = positions.copy()
            positions[moving] = targets
            climb = Climb(positions, climb.modes)
            # a point that stops keeps the height before its last move, as in scikit-learn
            still_moving = moves > tol * self.bandwidth
            last = moving[~still_moving]
            moving = moving[still_moving]
            if last.size:
                logs[last] = self._shift(points, positions[last])[1]
            if moving.size:
                targets, logs[moving], heights[moving] = self._shift(points, positions[moving])
        modes = merged_modes(positions, heights, self.bandwidth)
        notices = _notices(len(modes), len(points))
        if moving.size:
            notices = (iteration_limit_notice(max_iter), *notices)
        assignment = self._assignment(points, modes)
        yield State("merge", iteration, Climb(positions, modes), assignment, -float(logs.mean()), not moving.size, notices)

    def between(self, prepared: np.ndarray, before: State, after: State) -> tuple[State, ...]:
        """No intermediate states."""
        return ()

    def assign(self, prepared: np.ndarray, parameters: Climb) -> HardAssignment:
        """Each point and its nearest mode; see `Process.assign`."""
        return self._assignment(prepared, parameters.modes)

    def predict(self, parameters: Climb, points) -> np.ndarray:
        """(n,) nearest mode of each of n new points (n, d); -1 before modes are found."""
        return nearest_centers(parameters.modes, points) if len(parameters.modes) else np.full(len(points), -1)

    def _assignment(self, points: np.ndarray, modes: np.ndarray) -> HardAssignment:
        labels = nearest_centers(modes, points) if len(modes) else np.full(len(points), -1)
        return HardAssignment(labels, len(modes), len(points))

    def log_densities(self, points: np.ndarray, positions: np.ndarray) -> np.ndarray:
        """(m,) logarithm of the kernel density of the points (n, d) at positions (m, d), in nats."""
        return self._shift(points, positions)[1]

    def _shift(self, points: np.ndarray, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Positions (m, d) after a shift, log densities (m,) before it, and sums of weights (m,) before it."""
        m, square = len(positions), self.bandwidth**2
        targets, densities, heights = np.empty_like(positions), np.empty(m), np.empty(m)

        def part(chunk):
            squares = cdist(positions[chunk], points, "sqeuclidean")
            if self.kernel == "flat":
                weights = (squares <= square).astype(float)
                heights[chunk] = weights.sum(axis=1)
                densities[chunk] = heights[chunk] - np.einsum("mn,mn->m", weights, squares) / square
            else:
                np.multiply(squares, -0.5 / square, out=squares)
                weights = np.exp(squares, out=squares)
                densities[chunk] = heights[chunk] = weights.sum(axis=1)
            targets[chunk] = weights @ points / heights[chunk, None]

        map_chunks(part, m, max(1, CHUNK_VALUES // len(points)))
        return targets, np.log(densities) - self._log_norm(*points.shape), heights

    def _log_norm(self, n: int, d: int) -> float:
        """Logarithm of the factor by which sums of kernels are divided to give a density of n points in d dimensions."""
        volume = log(n) + d * log(self.bandwidth)
        if self.kernel == "gaussian":
            return volume + d / 2 * log(2 * pi)
        return volume + d / 2 * log(pi) - lgamma(d / 2 + 1) - log((d + 2) / 2)


def merged_modes(positions: np.ndarray, heights: np.ndarray, radius: float) -> np.ndarray:
    """(K, d) modes: positions (n, d) by decreasing height (n,), each unless it is within the radius of an earlier mode.

    Positions of equal height are in decreasing lexicographic order, as in scikit-learn.
    """
    order = np.lexsort((*positions.T[::-1], heights))[::-1]
    positions = positions[order]
    tree, is_mode, done = cKDTree(positions), np.ones(len(positions), dtype=bool), np.zeros(len(positions), dtype=bool)
    for i in range(len(positions)):
        if not done[i]:
            near = tree.query_ball_point(positions[i], radius)
            is_mode[near], done[near] = False, True
            is_mode[i] = True
    return positions[is_mode]


def suggested_bandwidth(points, kernel: str = "flat") -> float:
    """Normal reference bandwidth for estimating the gradient of a density.

        h = s (4 / (d + 4))^(1 / (d + 6)) n^(-1 / (d + 6))

    s is the root mean variance of the columns. Chacón & Duong 2013, doi:10.1214/13-EJS781. The radius of the flat kernel is
    sqrt(d + 4) times as large, so that Epanechnikov's kernel has the standard deviation of the Gaussian one in each
    coordinate.

    Raises
    ------
    ValueError
        As in `check_points`.
    """
    points = check_data(points)
    n, d = points.shape
    spread = float(np.sqrt(points.var(axis=0).mean())) or 1.0
    bandwidth = spread * (4 / (d + 4)) ** (1 / (d + 6)) * n ** (-1 / (d + 6))
    return bandwidth * float(np.sqrt(d + 4)) if kernel == "flat" else bandwidth


def _notices(k: int, n: int) -> tuple[Notice, ...]:
    """Notice about a bandwidth that finds no structure, or an empty tuple."""
    if k == 1 < n:
        return (Notice(ONE_MODE, "All points climb to the same mode. Choose a smaller bandwidth to find several."),)
    if k > MANY * n:
        return (Notice(MANY_MODES, f"There are {k:,} modes for {n:,} points. Choose a larger bandwidth."),)
    return ()

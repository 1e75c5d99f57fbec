"""Simulated data sets with known labels.

Each function draws n points with the given generator and returns a `Dataset`. The same seed gives the same points.
"""

from typing import NamedTuple

import numpy as np

from clustering.gaussians import Gaussians, check_gaussians
from clustering.points import is_integer


class Dataset(NamedTuple):
    """Points with the labels that generated them."""

    points: np.ndarray
    """(n, d) points"""
    labels: np.ndarray
    """(n,) true label of each point, 0..k-1; -1 for outliers"""
    truth: Gaussians | None = None
    """the mixture that generated the points, if it is one"""


def _check_at_least_one(name: str, value: int) -> None:
    if not is_integer(value) or value < 1:
        raise ValueError(f"{name} must be an integer of at least 1, got {value}")


def sample_mixture(n: int, weights, means, covariances, rng: np.random.Generator) -> Dataset:
    """n independent points from a Gaussian mixture.

    Parameters
    ----------
    n : int
        Number of points.
    weights : (k,) array
    means : (k, d) array
    covariances : (k, d, d) array
    rng : numpy.random.Generator

    Raises
    ------
    ValueError
        If n is not an integer of at least 1, or as in `check_gaussians`.
    """
    _check_at_least_one("n", n)
    truth = check_gaussians(weights, means, covariances)
    labels = rng.choice(len(truth.weights), size=n, p=truth.weights / truth.weights.sum())
    factors = np.linalg.cholesky(truth.covariances)
    points = np.empty((n, truth.means.shape[1]))
    for k, (mean, factor) in enumerate(zip(truth.means, factors, strict=True)):
        members = labels == k
        points[members] = mean + rng.standard_normal((np.count_nonzero(members), len(mean))) @ factor.T
    return Dataset(points, labels, truth)


def three_gaussians(n: int, rng: np.random.Generator) -> Dataset:
    """Three spherical groups of unit variance at (-5, -1), (0, 1) and (5, -1), with weights 0.5, 0.3 and 0.2."""
    return sample_mixture(n, [0.5, 0.3, 0.2], [[-5, -1], [0, 1], [5, -1]], np.stack([np.eye(2)] * 3), rng)


def uniform(n: int, rng: np.random.Generator, d: int = 2, low: float = -10.0, high: float = 10.0) -> Dataset:
    """Points uniformly distributed in the cube from `low` to `high`, without groups; all labels are 0."""
    _check_at_least_one("n", n)
    _check_at_least_one("d", d)
    if not low < high:
        raise ValueError(f"low must be less than high, got {low} and {high}")
    return Dataset(rng.uniform(low, high, size=(n, d)), np.zeros(n, dtype=np.intp))


def _check_ratio(ratio: float, name: str = "ratio") -> None:
    if not 0 < ratio < np.inf:
        raise ValueError(f"{name} must be a finite number above 0, got {ratio}")


def _check_noise(noise: float) -> None:
    if not 0 <= noise < np.inf:
        raise ValueError(f"noise must be a finite number of at least 0, got {noise}")


def _corners(k: int, d: int, distance: float) -> np.ndarray:
    """(k, d) means at distance `distance` from their neighbors: on a line if d = 1, else on a regular polygon in the first
    two coordinates."""
    _check_at_least_one("d", d)
    means = np.zeros((k, d))
    if d == 1:
        means[:, 0] = distance * (np.arange(k) - (k - 1) / 2)
        return means
    angles = 2 * np.pi * np.arange(k) / k + np.pi / 2
    means[:, 0], means[:, 1] = np.cos(angles), np.sin(angles)
    return means * distance / (2 * np.sin(np.pi / k)) if k > 1 else means * 0


def round_groups(n: int, rng: np.random.Generator, k: int = 3, d: int = 2, distance: float = 6.0) -> Dataset:
    """k spherical groups of unit variance and equal weight, neighbors `distance` apart: the ideal case for K-means."""
    _check_at_least_one("k", k)
    return sample_mixture(n, np.full(k, 1 / k), _corners(k, d, distance), np.stack([np.eye(d)] * k), rng)


def hidden_in_noise(n: int, rng: np.random.Generator, noise: int = 400, distance: float = 5.0) -> Dataset:
    """Three spherical groups in two columns, and `noise` columns of pure noise; all variances within a group are 1.

    The noise dominates all distances, so distance-based methods fail. Neighboring groups are `distance` apart.
    """
    if not is_integer(noise) or noise < 0:
        raise ValueError(f"noise must be an integer of at least 0, got {noise}")
    groups = round_groups(n, rng, k=3, d=2, distance=distance)
    return Dataset(np.hstack([groups.points, rng.standard_normal((n, noise))]), groups.labels)


def unequal_sizes(n: int, rng: np.random.Generator, d: int = 2, ratio: float = 10.0) -> Dataset:
    """Three spherical groups of unit variance, 5.5 apart, with weights proportional to 1, 1/sqrt(ratio) and 1/ratio."""
    _check_ratio(ratio)
    weights = np.power(ratio, [0.0, -0.5, -1.0])
    return sample_mixture(n, weights / weights.sum(), _corners(3, d, 5.5), np.stack([np.eye(d)] * 3), rng)


def unequal_spreads(n: int, rng: np.random.Generator, d: int = 2, ratio: float = 4.0) -> Dataset:
    """Three spherical groups of equal weight with standard deviations 2, 2/sqrt(ratio) and 2/ratio."""
    _check_ratio(ratio)
    widths = 2.0 * np.power(ratio, [0.0, -0.5, -1.0])
    return sample_mixture(n, np.full(3, 1 / 3), _corners(3, d, 6.0), np.square(widths)[:, None, None] * np.eye(d), rng)


def stretched(n: int, rng: np.random.Generator, d: int = 2, ratio: float = 5.0) -> Dataset:
    """Three parallel elongated groups, `ratio` times as long as wide: K-means splits them, full or tied covariances do not."""
    if d < 2:
        raise ValueError(f"stretched groups need at least 2 dimensions, got {d}")
    _check_ratio(ratio)
    means, covariance = _row(d, 5.0, ratio)
    return sample_mixture(n, np.full(3, 1 / 3), means, np.stack([covariance] * 3), rng)


def _row(d: int, distance: float, stretch: float) -> tuple[np.ndarray, np.ndarray]:
    """Means (3, d) in a row, `distance` apart, and the covariance (d, d) of groups that are stretched across the row.

    The row is the second axis, rotated by 0.5 radians in the first two coordinates; standard deviations are 1 elsewhere.
    """
    means = np.zeros((3, d))
    means[:, 1] = [-distance, 0.0, distance]
    variances = np.ones(d)
    variances[0] = stretch**2
    rotation = np.eye(d)
    rotation[:2, :2] = [[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]]
    covariance = rotation @ np.diag(variances) @ rotation.T
    return means @ rotation.T, (covariance + covariance.T) / 2


def deformed_groups(
    n: int,
    rng: np.random.Generator,
    d: int = 2,
    stretch: float = 1.0,
    size_ratio: float = 1.0,
    spread_ratio: float = 1.0,
    distance: float = 6.0,
    noise: float = 0.0,
) -> Dataset:
    """Three Gaussian groups in a row that can be deformed in several ways; the defaults are round groups of equal weight.

    Parameters
    ----------
    n : int
        Number of points.
    rng : numpy.random.Generator
    d : int
        Number of columns, at least 2; the means differ in the first two only.
    stretch : float
        Standard deviation of each group across the row, divided by that along the row. The row is rotated by 0.5 radians.
    size_ratio : float
        Weight of the largest group divided by that of the smallest.
    spread_ratio : float
        Standard deviation of the widest group divided by that of the narrowest; the geometric mean of all is 1.
    distance : float
        Distance of neighboring means.
    noise : float
        Share of points (label -1) that are uniform in the box around the groups, at least 0 and less than 1.

    Raises
    ------
    ValueError
        If an argument is out of its range.
    """
    _check_at_least_one("n", n)
    if not is_integer(d) or d < 2:
        raise ValueError(f"d must be an integer of at least 2, got {d}")
    _check_ratio(stretch, "stretch")
    _check_ratio(size_ratio, "size_ratio")
    _check_ratio(spread_ratio, "spread_ratio")
    if not 0 <= noise < 1:
        raise ValueError(f"noise must be at least 0 and less than 1, got {noise}")
    means, covariance = _row(d, distance, stretch)
    weights = np.power(size_ratio, [0.0, -0.5, -1.0])
    spreads = np.power(spread_ratio, [0.5, 0.0, -0.5])
    covariances = np.square(spreads)[:, None, None] * covariance
    outliers = min(round(noise * n), n - 1)
    groups = sample_mixture(n - outliers, weights / weights.sum(), means, covariances, rng)
    if not outliers:
        return groups
    low, high = groups.points.min(axis=0) - 1, groups.points.max(axis=0) + 1
    points = np.vstack([groups.points, rng.uniform(low, high, size=(outliers, d))])
    order = rng.permutation(n)
    return Dataset(points[order], np.append(groups.labels, np.full(outliers, -1))[order])


def overlapping(n: int, rng: np.random.Generator, d: int = 2, distance: float = 2.5) -> Dataset:
    """Three overlapping spherical groups: many points cannot be assigned with certainty."""
    return round_groups(n, rng, k=3, d=d, distance=distance)


def two_moons(n: int, rng: np.random.Generator, noise: float = 0.08) -> Dataset:
    """Two interleaved half circles with Gaussian noise of standard deviation `noise`."""
    _check_at_least_one("n", n)
    _check_noise(noise)
    labels = rng.integers(2, size=n)
    angles = rng.uniform(0, np.pi, size=n)
    points = np.column_stack([np.cos(angles), np.sin(angles)])
    lower = labels == 1
    points[lower] = np.array([1.0, 0.5]) - points[lower]
    return Dataset(points + noise * rng.standard_normal((n, 2)), labels)


def rings(n: int, rng: np.random.Generator, k: int = 2, noise: float = 0.1) -> Dataset:
    """k concentric circles with radii 1, 2, …, equal density, and Gaussian noise of standard deviation `noise`."""
    _check_at_least_one("n", n)
    _check_at_least_one("k", k)
    _check_noise(noise)
    radii = np.arange(1.0, k + 1)
    labels = rng.choice(k, size=n, p=radii / radii.sum())
    angles = rng.uniform(0, 2 * np.pi, size=n)
    points = radii[labels, None] * np.column_stack([np.cos(angles), np.sin(angles)])
    return Dataset(points + noise * rng.standard_normal((n, 2)), labels)


def with_outliers(n: int, rng: np.random.Generator, d: int = 2, share: float = 0.05) -> Dataset:
    """Three spherical groups and a fraction `share` of outliers (label -1), uniform in the cube from -20 to 20."""
    _check_at_least_one("n", n)
    if not 0 <= share < 1:
        raise ValueError(f"share must lie in 0..1, got {share}")
    outliers = min(round(share * n), n - 1)
    groups = round_groups(n - outliers, rng, k=3, d=d, distance=6.0)
    points = np.vstack([groups.points, rng.uniform(-20, 20, size=(outliers, d))])
    order = rng.permutation(n)
    return Dataset(points[order], np.append(groups.labels, np.full(outliers, -1))[order])


def grid(n: int, rng: np.random.Generator, side: int = 4, d: int = 2, distance: float = 6.0) -> Dataset:
    """side^d spherical groups of unit variance on a grid: many groups, which random initialization rarely finds."""
    if side < 1 or d < 1 or side**d > 1000:
        raise ValueError(f"a grid must have 1..1000 groups, got {side}^{d}")
    means = distance * (np.stack(np.meshgrid(*[np.arange(side)] * d), axis=-1).reshape(-1, d) - (side - 1) / 2)
    k = len(means)
    return sample_mixture(n, np.full(k, 1 / k), means, np.stack([np.eye(d)] * k), rng)

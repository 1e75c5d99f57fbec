"""Soft K-means: a mixture of round Gaussians of one given width, of which only the means are fitted.

    r(n, k) = exp(-||x - c_k||^2 / 2 s^2) / (sum of the same over all k)      c_k = mean of the points, weighted by r(., k)

This is EM for equal weights and covariances s^2 I. As the width s goes to zero the responsibilities go to 0 and 1, and its two
steps become those of K-means (MacKay 2003, "Information Theory, Inference, and Learning Algorithms", chapter 22; Bishop 2006,
"Pattern Recognition and Machine Learning", section 9.3.2); as it grows all means go to the mean of all points.
"""

from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

from clustering.points import check_points, column_means, is_whole


class SoftMeans(NamedTuple):
    width: float
    """s, in units of the points"""
    means: np.ndarray
    """(k, d)"""
    responsibilities: np.ndarray
    """(n, k), of these means"""
    iterations: int
    converged: bool


def soft_kmeans(points, start, width: float, *, tol: float = 1e-6, max_iter: int = 500) -> SoftMeans:
    """Where the means (k, d) `start` go with this width, from the points (n, d).

    Parameters
    ----------
    width : float
        Standard deviation of each component in each direction, above 0.
    tol : float
        It ends when no mean moves farther than this share of the width of the whole data set, its largest standard deviation.

    Raises
    ------
    ValueError
        As `check_points`, for a width that is not above 0, a start of another number of columns, or such limits as `iterate`
        would refuse.

    A mean without any point left stays where it is. Weakness: a local optimum that depends on the start.
    """
    points, means = check_points(points), check_points(start, "start")
    if means.shape[1] != points.shape[1]:
        raise ValueError(f"start must have {points.shape[1]} columns, as the points do, got {means.shape[1]}")
    if not 0 < width < np.inf:
        raise ValueError(f"width must be a finite number above 0, got {width}")
    if not is_whole(max_iter) or max_iter < 0:
        raise ValueError(f"max_iter must be a whole number of at least 0, got {max_iter}")
    if not tol >= 0:
        raise ValueError(f"tol must be at least 0, got {tol}")
    origin, _ = column_means(points)
    points, means = points - origin, means - origin
    least = tol * points.std(axis=0).max()
    shares = _shares(points, means, width)
    for iteration in range(1, max_iter + 1):
        masses = shares.sum(axis=0)
        alive = masses > 1e-290  # below it too few digits are left to divide by
        moved = means.copy()
        moved[alive] = (shares.T @ points)[alive] / masses[alive, None]
        step = np.sqrt(np.square(moved - means).sum(axis=1)).max()
        means = moved
        shares = _shares(points, means, width)
        if step <= least:
            return SoftMeans(width, means + origin, shares, iteration, True)
    return SoftMeans(width, means + origin, shares, max_iter, False)


def _shares(points: np.ndarray, means: np.ndarray, width: float) -> np.ndarray:
    """(n, k) responsibilities, the nearest of the means first made 0 in the exponent."""
    scores = cdist(points, means, "sqeuclidean")
    scores -= scores.min(axis=1, keepdims=True)
    with np.errstate(over="ignore"):  # infinitely far is a share of nothing
        shares = np.exp(-0.5 * np.square(np.sqrt(scores) / width))
    return shares / shares.sum(axis=1, keepdims=True)

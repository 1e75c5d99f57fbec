"""Projections of points of any dimension onto a plane: two columns, or the first two principal components."""

from dataclasses import dataclass

import numpy as np

from clustering import principal_components
from pages.datasets.formatting import format_percentage


@dataclass(frozen=True, eq=False)
class Plane:
    """An affine projection from d dimensions to two."""

    axes: np.ndarray
    """(2, d) rows that span the plane"""
    origin: np.ndarray
    """(d,) point that is subtracted before projecting"""
    names: tuple[str, str]
    """axis titles"""
    shows_all: bool
    """whether the points have exactly these two dimensions"""

    def project(self, points: np.ndarray) -> np.ndarray:
        """(m, 2) coordinates in the plane; points : (m, d) array."""
        return (points - self.origin) @ self.axes.T

    def positions(self, points: np.ndarray) -> np.ndarray:
        """(n, 2) positions in a scatter plot; points : (n, d) array of all data. With d = 1, y values are jittered."""
        xy = self.project(points)
        if points.shape[1] == 1:
            xy[:, 1] = jitter(len(xy))
        return xy

    def lift(self, xy: np.ndarray) -> np.ndarray:
        """(m, d) points of the plane; xy : (m, 2) coordinates in it. The inverse of `project` within the plane."""
        return self.origin + xy @ self.axes

    def project_covariances(self, covariances: np.ndarray) -> np.ndarray:
        """(k, 2, 2) covariance matrices in the plane; covariances : (k, d, d) array."""
        return self.axes @ covariances @ self.axes.T


def column_plane(columns: tuple[str, ...], i: int, j: int, through: np.ndarray | None = None) -> Plane:
    """The plane of columns i and j. With a single column, the second coordinate is zero.

    `lift` gives the other columns the values of `through`, a (d,) point, by default 0.
    """
    d = len(columns)
    if d == 1:
        return Plane(np.array([[1.0], [0.0]]), np.zeros(1), (columns[0], "(jittered)"), False)
    origin = np.zeros(d) if through is None else np.array(through)
    origin[[i, j]] = 0.0
    return Plane(np.eye(d)[[i, j]], origin, (columns[i], columns[j]), d == 2 and i != j)


def principal_plane(points: np.ndarray) -> Plane:
    """The plane of the first two principal components; the axis titles contain their shares of the variance."""
    found = principal_components(points)
    names = tuple(f"PC {i + 1} ({format_percentage(share)} of the variance)" for i, share in enumerate(found.shares[:2]))
    return Plane(found.axes[:2], found.mean, names, False)


def jitter(n: int) -> np.ndarray:
    """(n,) evenly spread values in [-0.5, 0.5), the same on every call (multiples of the golden ratio, modulo 1)."""
    return (np.arange(n) * 0.6180339887498949) % 1 - 0.5

"""The plane in which points of any dimension are looked at: two columns, or the first two principal components."""

from dataclasses import dataclass

import numpy as np

from clustering import principal_components


@dataclass(frozen=True, eq=False)
class Plane:
    axes: np.ndarray
    """(2, d) rows that span it"""
    origin: np.ndarray
    """(d,) what is subtracted first"""
    names: tuple[str, str]
    shows_all: bool
    """whether the points have no other dimension than these two as they are"""

    def project(self, points: np.ndarray) -> np.ndarray:
        """(m, 2) coordinates of points (m, d)."""
        return (points - self.origin) @ self.axes.T

    def places(self, points: np.ndarray) -> np.ndarray:
        """(n, 2) where the points (n, d) of the data are drawn: those of a single column are spread out to be seen."""
        xy = self.project(points)
        if points.shape[1] == 1:
            xy[:, 1] = spread_out(len(xy))
        return xy

    def lift(self, xy: np.ndarray) -> np.ndarray:
        """Points (m, d) that are seen at xy (m, 2), and in no other direction away from the origin."""
        return self.origin + xy @ self.axes

    def project_covariances(self, covariances: np.ndarray) -> np.ndarray:
        """(k, 2, 2) from (k, d, d)."""
        return self.axes @ covariances @ self.axes.T


def column_plane(columns: tuple[str, ...], i: int, j: int) -> Plane:
    """Columns i and j; for a single column the second coordinate is zero."""
    d = len(columns)
    if d == 1:
        return Plane(np.array([[1.0], [0.0]]), np.zeros(1), (columns[0], "(spread out to be seen)"), False)
    return Plane(np.eye(d)[[i, j]], np.zeros(d), (columns[i], columns[j]), d == 2 and i != j)


def principal_plane(points: np.ndarray) -> Plane:
    """The two directions of largest variance; the names carry the share that each keeps."""
    found = principal_components(points)
    names = tuple(f"component {i + 1} ({share:.0%} of the variance)" for i, share in enumerate(found.shares[:2]))
    return Plane(found.axes[:2], found.mean, names, False)


def spread_out(n: int) -> np.ndarray:
    """(n,) heights in -0.5..0.5 for points that have only one coordinate: even, and the same every time."""
    return (np.arange(n) * 0.6180339887498949) % 1 - 0.5

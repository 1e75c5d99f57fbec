"""The points inside the boxes and lassos that are drawn in a plot."""

from collections.abc import Mapping

import numpy as np


def points_in(selection: Mapping, x: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
    """(n,) booleans, whether each point is in a box or lasso.

    Parameters
    ----------
    selection : has the lists "box" and "lasso", whose items have the coordinates "x" and "y" of their corners
    x, y : (n,) coordinates of the points; without y, only the horizontal extent of a box or lasso counts
    """
    inside = np.zeros(len(x), dtype=bool)
    for outline in (*selection["box"], *selection["lasso"]):
        corners = np.array([outline["x"], outline["y"]], dtype=float).T
        if y is None:
            inside |= (x >= corners[:, 0].min()) & (x <= corners[:, 0].max())
        else:
            inside |= in_polygon(x, y, corners if len(corners) > 2 else _rectangle(*corners))
    return inside


def in_polygon(x: np.ndarray, y: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """(n,) booleans, whether each point (x, y) is in a polygon, by the even–odd rule.

    A point is inside if a ray from it crosses the edges an odd number of times.

    corners : (m, 2) array, in order
    """
    (left, bottom), (right, top) = corners.min(axis=0), corners.max(axis=0)
    near = np.flatnonzero((x >= left) & (x <= right) & (y >= bottom) & (y <= top))
    px, py, odd = x[near], y[near], np.zeros(len(near), dtype=bool)
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y1 != y2:
            odd ^= ((y1 > py) != (y2 > py)) & (px < x1 + (py - y1) / (y2 - y1) * (x2 - x1))
    inside = np.zeros(len(x), dtype=bool)
    inside[near[odd]] = True
    return inside


def _rectangle(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(4, 2) corners of the rectangle with these opposite corners."""
    return np.array([one, (other[0], one[1]), other, (one[0], other[1])])

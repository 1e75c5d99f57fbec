"""Convex hulls of points in a plane, and lines with gaps."""

from collections.abc import Sequence

import numpy as np
from scipy.spatial import ConvexHull, QhullError


def hull(xy: np.ndarray) -> np.ndarray:
    """Return the vertices of the convex hull of points (n, 2) as a closed (h, 2) polygon.

    For collinear points, or fewer than three, these are the two end points.
    """
    try:
        if len(xy) < 3:
            raise QhullError
        vertices = xy[ConvexHull(xy).vertices]
    except QhullError:
        order = np.lexsort((xy[:, 1], xy[:, 0]))
        vertices = xy[order[[0, -1]]]
    return np.concatenate([vertices, vertices[:1]])


def broken_line(parts: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
    """Return (m, 2) arrays as one, with a row of NaN between them; one row of NaN if there are no parts."""
    gap = np.full((1, 2), np.nan)
    return np.concatenate([piece for part in parts for piece in (part, gap)])[:-1] if len(parts) else gap

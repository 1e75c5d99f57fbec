"""Convex hulls of points in a plane, and lines in several parts."""

from collections.abc import Sequence

import numpy as np
from scipy.spatial import ConvexHull, QhullError


def hull(xy: np.ndarray) -> np.ndarray:
    """(h, 2) the corners of the convex hull of points (n, 2) in turn, the first again at the end; of points on a line its two
    ends."""
    try:
        if len(xy) < 3:
            raise QhullError
        corners = xy[ConvexHull(xy).vertices]
    except QhullError:  # on a line
        along = np.lexsort((xy[:, 1], xy[:, 0]))
        corners = xy[along[[0, -1]]]
    return np.concatenate([corners, corners[:1]])


def broken_line(parts: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
    """(l, 2) one line through these parts, each (m, 2), broken between them by NaN; a single NaN if there are none."""
    gap = np.full((1, 2), np.nan)
    return np.concatenate([piece for part in parts for piece in (part, gap)])[:-1] if len(parts) else gap

"""Convex hulls of points in a plane."""

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

"""The least change of a point that moves it into another cluster.

For centers c_i and target T, a moved point x + s is at least as near to c_T as to every other center if

    2 (c_i - c_T)'s <= ||x - c_i||^2 - ||x - c_T||^2    for all i

These s form a polyhedron. Along one column it is an interval; its point nearest to 0 solves a least distance programming
problem, by nonnegative least squares (Lawson & Hanson 1974, Solving Least Squares Problems, chapter 23).
"""

from collections.abc import Callable

import numpy as np
import scipy  # its parts are loaded when they are needed: scipy.optimize takes long

from clustering.points import check_points, is_integer

HALVINGS = 48
"""number of bisections; each halves the distance between a point inside and a point outside of the target cluster"""
INFEASIBLE = 1e-9
"""residual of the dual problem that may be rounding error; it is 0 if and only if no move leads into the target cluster"""


def least_changes_to_nearest(centers, point, target: int) -> np.ndarray:
    """Least change of each column alone after which the point is at least as near to the target as to every other center.

    Parameters
    ----------
    centers : (k, d) array
    point : (d,) array
    target : int
        Index of a center.

    Returns
    -------
    (d,) array
        Signed changes; 0 if the target is already nearest, NaN if no change of this column suffices. After the change, the
        target and another center are equally near, and any further change in the same direction makes the target nearer.

    Raises
    ------
    ValueError
        As in `check_points`, if the shapes do not match, or if `target` is not in 0..k-1.

    Notes
    -----
    Changes are in the units of the columns, which must be those in which distances are measured. If the interval of possible
    changes is a single number, a further change leaves the cell of the target again.
    """
    normals, bounds = _halfspaces(centers, point, target)
    with np.errstate(divide="ignore", invalid="ignore"):
        limits = bounds[:, None] / normals
    high = np.where(normals > 0, limits, np.inf).min(axis=0, initial=np.inf)
    low = np.where(normals < 0, limits, -np.inf).max(axis=0, initial=-np.inf)
    never = ((normals == 0) & (bounds[:, None] < 0)).any(axis=0) | (low > high)
    return np.where(never, np.nan, np.clip(0.0, low, high))


def least_move_to_nearest(centers, point, target: int, units=None) -> np.ndarray:
    """Shortest move of the point after which it is at least as near to the target as to every other center.

    Parameters
    ----------
    centers, point, target : as in `least_changes_to_nearest`
    units : (d,) array, optional
        The length of a move is the Euclidean norm of (change / unit), such as changes in standard deviations. A column with
        unit 0 stays as it is. By default all units are 1.

    Returns
    -------
    (d,) array
        Change of each column; NaN if no move suffices, because columns stay. If all units are 1, the moved point is the
        projection of the point onto the Voronoi cell of the target.

    Raises
    ------
    ValueError
        As in `least_changes_to_nearest`, or if a unit is negative or not finite.
    """
    normals, bounds = _halfspaces(centers, point, target)
    d = normals.shape[1]
    units = np.ones(d) if units is None else _check_point(units, d, "units")
    if (units < 0).any():
        raise ValueError(f"units must not be negative, got {units.min()}")
    normals = normals * units
    movable = normals.any(axis=1)
    if (bounds[~movable] < 0).any():
        return np.full(d, np.nan)
    normals, bounds = normals[movable], bounds[movable]
    lengths = np.linalg.norm(normals, axis=1)
    normals, distances = normals / lengths[:, None], -bounds / lengths
    scale = distances.max(initial=0.0)  # distance to the farthest hyperplane on whose wrong side the point lies
    if scale == 0:
        return np.zeros(d)
    # move s with -normals @ s >= distances; at the solution, the residual of the dual problem is a multiple of (s, -1)
    dual = np.vstack([-normals.T, distances / scale])
    weights, residual = scipy.optimize.nnls(dual, np.append(np.zeros(len(dual) - 1), 1.0), maxiter=100 * len(normals))
    if residual < INFEASIBLE:
        return np.full(d, np.nan)
    touched = weights > 0
    # the shortest move to the common boundary of these half-spaces, more precise than the residual
    return np.linalg.lstsq(-normals[touched], distances[touched])[0] * units


def _halfspaces(centers, point, target) -> tuple[np.ndarray, np.ndarray]:
    """Normals (m, d) and bounds (m,): moves s with normals @ s <= bounds lead into the cell of the target.

    Centers equal to that of the target set no bound and are left out.
    """
    centers = check_points(centers, "centers")
    point = _check_point(point, centers.shape[1])
    if not is_integer(target) or not 0 <= target < len(centers):
        raise ValueError(f"target must be the index of a center, 0..k-1={len(centers) - 1}, got {target}")
    normals = centers - centers[target]
    others = normals.any(axis=1)
    # half the difference of the squared distances, from differences, so that a common offset loses no precision
    bounds = (normals * ((centers - point) + (centers[target] - point))).sum(axis=1) / 2
    return normals[others], bounds[others]


def least_changes_by_search(
    predict: Callable[[np.ndarray], np.ndarray], point, target: int, low, high, *, steps: int = 200
) -> np.ndarray:
    """Least change of each column alone that moves the point into the target cluster, for any rule of assignment.

    Each column is searched on a grid. The change to the nearest grid value in the target cluster is shortened by bisection.

    Parameters
    ----------
    predict : callable
        Returns the labels (m,) of points (m, d).
    point : (d,) array
    target : int
        Label of a cluster.
    low, high : (d,) arrays
        Range of values that are tried in each column, usually that of the data; widened to include the point.
    steps : int
        Number of grid steps per column.

    Returns
    -------
    (d,) array
        Signed changes, all 0 if the point is in the cluster; NaN if no grid value of the column leads into it. The label after
        the change is the target, up to rounding.

    Raises
    ------
    ValueError
        If an argument is not finite or of the wrong shape, if `low` exceeds `high`, or if `steps` is not a positive integer.

    Notes
    -----
    An upper bound: parts of the cluster that are narrower than a grid step may be missed.
    """
    point = _check_point(point)
    d = len(point)
    low, high = (_check_point(limit, d, name) for limit, name in ((low, "low"), (high, "high")))
    if (low > high).any():
        column = int(np.flatnonzero(low > high)[0])
        raise ValueError(f"low must not exceed high, but in column {column} it is {low[column]} > {high[column]}")
    if not is_integer(steps) or steps < 1:
        raise ValueError(f"steps must be an integer of at least 1, got {steps}")
    if _labels(predict, point[None])[0] == target:
        return np.zeros(d)
    values = np.linspace(np.minimum(low, point), np.maximum(high, point), steps + 1, axis=1)  # (d, steps + 1)
    trials = np.tile(point, (d, steps + 1, 1))
    trials[np.arange(d), :, np.arange(d)] = values
    hits = (_labels(predict, trials.reshape(-1, d)) == target).reshape(d, -1)
    distances = np.where(hits, np.abs(values - point[:, None]), np.inf)
    found = np.flatnonzero(hits.any(axis=1))
    ends = trials[found, distances[found].argmin(axis=1)]
    changes = np.full(d, np.nan)
    changes[found] = (_bisect(predict, point, ends, target) - point)[np.arange(len(found)), found]
    return changes


def least_move_by_search(predict: Callable[[np.ndarray], np.ndarray], point, target: int, candidates) -> np.ndarray:
    """Short move of the point into the target cluster, for any rule of assignment: toward one of the candidates.

    Parameters
    ----------
    predict, point, target : as in `least_changes_by_search`
    candidates : (m, d) array
        Points to move toward, such as the members of the cluster that are nearest to the point. Those that are not in the
        target cluster are ignored.

    Returns
    -------
    (d,) array
        Change of each column, 0 if the point is in the cluster, NaN if no candidate is. The label after the move is the
        target, up to rounding.

    Raises
    ------
    ValueError
        If an argument is not finite or of the wrong shape.

    Notes
    -----
    An upper bound of the shortest move: only the segments to the candidates are searched, each for one boundary. Length is
    Euclidean.
    """
    point = _check_point(point)
    candidates = check_points(candidates, "candidates")
    _check_point(candidates[0], len(point), "candidates")
    if _labels(predict, point[None])[0] == target:
        return np.zeros(len(point))
    ends = candidates[_labels(predict, candidates) == target]
    if not len(ends):
        return np.full(len(point), np.nan)
    moves = _bisect(predict, point, ends, target) - point
    return moves[np.linalg.norm(moves, axis=1).argmin()]


def _bisect(predict, point: np.ndarray, ends: np.ndarray, target: int) -> np.ndarray:
    """(m, d) points of the target cluster at its boundary, on the segments from a point outside (d,) to ends inside (m, d)."""
    if not len(ends):
        return ends
    outside, inside = np.broadcast_to(point, ends.shape), ends
    for _ in range(HALVINGS):
        middle = outside + (inside - outside) / 2
        hit = (_labels(predict, middle) == target)[:, None]
        outside, inside = np.where(hit, outside, middle), np.where(hit, middle, inside)
    return inside


def _labels(predict, points: np.ndarray) -> np.ndarray:
    return np.asarray(predict(points))


def _check_point(point, d: int | None = None, name: str = "point") -> np.ndarray:
    """Check a point and return it as a (d,) array of finite doubles."""
    shape = np.shape(point)
    if len(shape) != 1 or d not in (None, shape[0]):
        raise ValueError(f"{name} must have shape ({'d' if d is None else d},), got {shape}")
    return check_points(np.asarray(point)[None], name)[0]

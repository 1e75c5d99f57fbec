"""Tests for a difference in means between two clusters, valid although the clusters were found in the same data.

Clusters are chosen to be far apart, so a classical test of their means rejects far too often. Here the p-value is
conditional on the clustering:

    p = P(phi >= ||mean a - mean b||  given  phi in S),   phi ~ sigma sqrt(1 / n_a + 1 / n_b) chi_d

phi: distance between the two means; S: the `intervals` of phi for which the algorithm finds the same clusters in the same way,
when a and b are moved along the line through their means until these have distance phi, while their common mean and all other
points stay. Model: points x_i ~ N(mu_i, sigma^2 I), independent. Null hypothesis: the average of mu_i is the same in a and b.

    K-means     the same labels in every iteration, given the rows of the initial centers
                (Chen & Witten 2023, JMLR 24(152), arXiv:2203.15267)
    tree        the same merges up to the cut; equivalently, a and b are clusters of the cut
                (Gao, Bien & Witten 2022, doi:10.1080/01621459.2022.2116331)
    any other   a and b are found again; estimated by importance sampling (section 4.1 of Gao, Bien & Witten)

For K-means and trees, S is exact: all phi >= 0 except the intervals in which some comparison of two distances has another
outcome. With s = phi - ||mean a - mean b|| and the unit vector u from mean b to mean a, point i is moved to x_i + w_i s u; w_i
is n_b / (n_a + n_b) in a, -n_a / (n_a + n_b) in b, and 0 elsewhere. Squared distances are therefore quadratic in s.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist
from scipy.special import expit, ndtri

from clustering.hierarchy import EUCLIDEAN, LINKAGES, Tree
from clustering.points import check_data, check_k, check_labels, is_integer

TIED = 1e-12
"""relative difference of squared distances below which a comparison counts as tied. Ties have probability 0 in the model; they
are left out of the condition, since they would put the observed distance on the boundary of S"""
TIED_HEIGHTS = 1e-9
"""the same for heights of a tree, which have larger rounding errors"""
CONTRADICTION = 1e-6
"""relative difference of squared distances above which labels or merges count as contradicting the points, not as rounding
errors"""
NEWTON_STEPS = 60
ROWS_AT_ONCE = 100
"""number of points or clusters whose pairs with all others are compared at once"""


class MeanTest(NamedTuple):
    """Test of the hypothesis that two clusters have the same mean."""

    difference: float
    """Euclidean distance between the means of the two clusters"""
    p_value: float
    """conditional p-value, valid although the clusters were found in the same data"""
    naive_p_value: float
    """p-value as if the clusters had been known before: valid only then"""
    sigma: float
    """standard deviation of the noise in each coordinate, given or estimated"""
    intervals: np.ndarray | None
    """(m, 2) the set S of distances between the means that lead to the same clusters, increasing; None if it was sampled"""
    effective_draws: float | None = None
    """effective number of random draws in S, (sum of weights)^2 / (sum of squared weights); None if S is exact"""


def kmeans_mean_test(
    points,
    labels,
    start_rows,
    a: int,
    b: int,
    sigma: float | None = None,
    *,
    on_step: Callable[[], None] | None = None,
) -> MeanTest:
    """Test for a difference in means between two clusters of K-means.

    Parameters
    ----------
    points : (n, d) array
    labels : (T + 1, n) array of integers in 0..k-1
        Clusters in every iteration of Lloyd's algorithm, from the initial centers to the last iteration.
    start_rows : (k,) array of integers
        Rows of the points that are the initial centers, see `rows_of_centers`. The test is valid only if they were chosen
        without looking at the points, as by "random" initialization; not for k-means++ or the best of several runs.
    a, b : int
        The two clusters in the last iteration. Which pair is tested may depend on the clusters.
    sigma : float, optional
        Standard deviation of the noise, by default `median_sigma`.
    on_step : callable, optional
        Called in every iteration; may raise an exception to stop.

    Returns
    -------
    MeanTest

    Raises
    ------
    ValueError
        As in `check_points`; for invalid labels, rows, clusters or sigma; if a cluster is empty in any iteration, because its
        center then moves in a way that the test does not cover; if labels contradict points and rows; if the two means are
        equal or the estimate of sigma is 0.

    Notes
    -----
    Takes O(n k (T + 1)) time and a few (n, k) arrays. The p-value is only as good as the model: equal and independent noise in
    all coordinates, with a known sigma. Conditioning on all iterations costs power, more so the longer the run.
    """
    points = check_data(points)
    rows = np.asarray(start_rows)
    k = rows.size
    check_k(k, len(points))
    if rows.shape != (k,) or rows.dtype.kind not in "iu" or rows.min() < 0 or rows.max() >= len(points):
        raise ValueError(f"start_rows must be rows in 0..n-1={len(points) - 1}, got {start_rows}")
    labels = [check_labels(each, len(points), k) for each in labels]
    if not labels:
        raise ValueError("labels must have at least one iteration")
    moved = _moved(points, labels[-1], k, a, b, sigma)
    centers, weights, excluded = moved.points[rows], moved.weights[rows], []
    for iteration, each in enumerate(labels):
        if on_step is not None:
            on_step()
        sizes = np.bincount(each, minlength=k)
        if not sizes.all():
            raise ValueError(f"all clusters must have points in every iteration, but one is empty in iteration {iteration}")
        excluded.append(_union(_other_labels(moved, centers, weights, each)))
        centers = np.stack([np.bincount(each, column, k) for column in moved.points.T], axis=1) / sizes[:, None]
        weights = np.bincount(each, moved.weights, k) / sizes
    return _exact_test(moved, excluded)


def rows_of_centers(points, centers) -> np.ndarray:
    """(k,) row of the point that equals each center (k, d), up to rounding.

    Of duplicate points any one is as good for `kmeans_mean_test`: they are always in the same cluster, so they move together.

    Raises
    ------
    ValueError
        As in `check_points`, or if a center is not a point.
    """
    points = check_data(points)
    distances = cdist(np.asarray(centers, dtype=float), points)
    rows = distances.argmin(axis=1)
    rounding = 1e-12 * max(np.abs(points).max(), np.ptp(points))
    far = distances.min(axis=1) > rounding
    if far.any():
        raise ValueError(f"the initial centers must be points, but center {far.argmax()} is not one of them")
    return rows


def tree_mean_test(
    points,
    tree: Tree,
    linkage: str,
    k: int,
    a: int,
    b: int,
    sigma: float | None = None,
    *,
    on_step: Callable[[], None] | None = None,
) -> MeanTest:
    """Test for a difference in means between two clusters of a tree cut into k clusters.

    Parameters
    ----------
    points : (n, d) array
    tree : Tree
        `tree_of_points(points, linkage)`.
    linkage : str
        Any of `LINKAGES`.
    k : int
        Number of clusters of the cut, chosen without looking at the points.
    a, b : int
        The two clusters, numbered as in `tree.labels(k)`. Which pair is tested may depend on the clusters.
    sigma : float, optional
        Standard deviation of the noise, by default `median_sigma`.
    on_step : callable, optional
        Called many times; may raise an exception to stop.

    Returns
    -------
    MeanTest

    Raises
    ------
    ValueError
        As in `check_points`; for an unknown linkage, invalid clusters or sigma; if the tree contradicts points and linkage; if
        the two means are equal or the estimate of sigma is 0.

    Notes
    -----
    Two clusters that move apart keep their own merges and heights. S is therefore found by comparing, for each pair of
    clusters that move differently, their distance with the greatest merge height while both exist. For Ward, centroid and
    median linkage, the squared distance of two clusters is quadratic in phi; for single linkage, the squared distance of two
    points is. For complete linkage, the pair is closer than a height if each of its pairs of points is. For average linkage
    (of distances, not of their squares as in the paper) the distance is a convex function of phi, so the two ends are found by
    Newton's method.

    Takes O(n^2) time and memory; intended for n up to 3,000. Complete and average linkage take O(n^2) time for each level
    of the tree, seconds for n = 1,000.
    """
    points = check_data(points)
    if linkage not in LINKAGES:
        raise ValueError(f"linkage must be one of {', '.join(LINKAGES)}, got {linkage!r}")
    if len(tree.order) != len(points):
        raise ValueError(f"the tree must have n={len(points)} points, got {len(tree.order)}")
    moved = _moved(points, tree.labels(k), k, a, b, sigma)
    if k == len(points):
        return _exact_test(moved, [])
    nodes = _nodes(moved, tree, linkage, k)
    if linkage in EUCLIDEAN:
        return _exact_test(moved, list(map(_union, _nearer_nodes(moved, nodes, linkage, on_step))))
    excluded = list(map(_union, _nearer_points(moved, nodes, linkage, on_step)))
    if linkage in ("complete", "average"):
        excluded += _nearer_groups(moved, tree, nodes, linkage, on_step)
    return _exact_test(moved, excluded)


def mean_test_by_sampling(
    cluster: Callable[[np.ndarray], np.ndarray],
    points,
    labels,
    a: int,
    b: int,
    *,
    rng: np.random.Generator | int | None,
    sigma: float | None = None,
    draws: int = 2_000,
) -> MeanTest:
    """Test for a difference in means between two clusters of any method, by importance sampling.

    Parameters
    ----------
    cluster : callable
        `cluster(points)` returns (n,) labels. Must be deterministic: a random method needs the same seed in each call, so that
        its random numbers do not depend on the points.
    points : (n, d) array
    labels : (n,) array of integers, at least 0
        `cluster(points)`.
    a, b : int
        The two labels.
    rng : numpy.random.Generator or seed
        Draws phi from the normal distribution around the observed distance with standard deviation
        sigma sqrt(1 / n_a + 1 / n_b).
    sigma : float, optional
        Standard deviation of the noise, by default `median_sigma`.
    draws : int
        Number of clusterings.

    Returns
    -------
    MeanTest
        Its `effective_draws` tells how precise the p-value is: the standard error is about
        sqrt(p (1 - p) / effective_draws).

    Raises
    ------
    ValueError
        As in `check_points`; for invalid labels, clusters, sigma or draws; if the two means are equal or the estimate of sigma
        is 0.

    Notes
    -----
    The condition is that the same two sets of points are clusters again. The observed distance counts as one draw, which keeps
    the p-value from being too small if few draws find them (Harrison 2012, doi:10.1093/biomet/asr079).
    """
    points = check_data(points)
    labels = np.asarray(labels)
    labels = check_labels(labels, len(points), int(labels.max(initial=0)) + 1)
    if not is_integer(draws) or draws < 1:
        raise ValueError(f"draws must be an integer of at least 1, got {draws}")
    moved = _moved(points, labels, int(labels.max()) + 1, a, b, sigma)
    steps = np.append(0.0, np.random.default_rng(rng).normal(scale=moved.scale, size=draws))
    in_a, in_b = labels == a, labels == b
    found = []
    for step in steps[1:]:
        again = moved.difference + step >= 0
        if again:
            new = np.asarray(cluster(points + step * moved.weights[:, None] * moved.direction))
            again = all(np.array_equal(new == new[each.argmax()], each) for each in (in_a, in_b))
        found.append(again)
    steps = steps[np.append(True, found)]
    phi = (moved.difference + steps) / moved.scale
    with np.errstate(divide="ignore"):  # phi = 0 has density 0
        log_weights = _log_density(phi, points.shape[1]) + np.square(steps / moved.scale) / 2
    weights = np.exp(log_weights - log_weights.max())
    p_value = float(weights[steps >= 0].sum() / weights.sum())
    effective = float(weights.sum() ** 2 / np.square(weights).sum())
    return MeanTest(moved.difference, p_value, _naive_p_value(moved), moved.sigma, None, effective)


def median_sigma(points) -> float:
    """Estimate of the standard deviation of the noise from the squared distances of coordinates to the median of their column.

        sigma^2 = median of (x_ij - median_j)^2 / median of the chi-squared distribution with 1 degree of freedom

    Robust to outliers. Clusters that are far apart make it too large, and the test conservative (Chen & Witten 2023, JMLR
    24(152), section 4.2).

    Raises
    ------
    ValueError
        As in `check_points`.
    """
    points = check_data(points)
    deviations = np.abs(points - np.median(points, axis=0))
    return float(np.median(deviations) / ndtri(0.75))  # the median of |z| for standard normal z


class _Moved(NamedTuple):
    """Two clusters that are moved along the line through their means, and the distribution of their distance."""

    points: np.ndarray
    """(n, d) centered points"""
    weights: np.ndarray
    """(n,) w: movement of each point when the distance of the means grows by 1"""
    direction: np.ndarray
    """(d,) unit vector from the mean of b to that of a"""
    along: np.ndarray
    """(n,) coordinate of each point in this direction"""
    difference: float
    """observed distance of the means"""
    scale: float
    """sigma sqrt(1 / n_a + 1 / n_b)"""
    sigma: float


def _moved(points: np.ndarray, labels: np.ndarray, k: int, a: int, b: int, sigma: float | None) -> _Moved:
    for each in (a, b):
        if not is_integer(each) or not 0 <= each < k:
            raise ValueError(f"a and b must be clusters in 0..k-1={k - 1}, got {a} and {b}")
    if a == b:
        raise ValueError(f"a and b must be two different clusters, got {a} twice")
    in_a, in_b = labels == a, labels == b
    if not (in_a.any() and in_b.any()):
        raise ValueError(f"a and b must be clusters with points, got {a} and {b}")
    if sigma is None:
        sigma = median_sigma(points)
        if sigma == 0:
            raise ValueError("the estimate of sigma is 0, because most values equal the median of their column: pass sigma")
    elif not 0 < sigma < np.inf:
        raise ValueError(f"sigma must be positive and finite, got {sigma}")
    points = points - points.mean(axis=0)
    difference = points[in_a].mean(axis=0) - points[in_b].mean(axis=0)
    norm = float(np.linalg.norm(difference))
    if norm <= TIED * np.abs(points).max():
        raise ValueError("the two clusters have the same mean, so there is nothing to test")
    n_a, n_b = int(in_a.sum()), int(in_b.sum())
    weights = np.where(in_a, n_b / (n_a + n_b), np.where(in_b, -n_a / (n_a + n_b), 0.0))
    direction = difference / norm
    scale = float(sigma) * np.sqrt(1 / n_a + 1 / n_b)
    return _Moved(points, weights, direction, points @ direction, norm, float(scale), float(sigma))


def _exact_test(moved: _Moved, excluded: list[np.ndarray]) -> MeanTest:
    """Result of the test, given open intervals (m, 2) of s that are not in S."""
    union = _union(np.concatenate([np.zeros((0, 2)), *excluded]))
    ends = np.concatenate([[-moved.difference], np.maximum(union, -moved.difference).ravel(), [np.inf]]).reshape(-1, 2)
    intervals = moved.difference + ends[ends[:, 0] < ends[:, 1]]
    return MeanTest(
        moved.difference, _tail(intervals, moved, moved.points.shape[1]), _naive_p_value(moved), moved.sigma, intervals
    )


def _naive_p_value(moved: _Moved) -> float:
    return _tail(np.array([[0.0, np.inf]]), moved, moved.points.shape[1])


def _tail(intervals: np.ndarray, moved: _Moved, d: int) -> float:
    """P(phi >= the observed distance given phi in the intervals (m, 2))."""
    below = _log_mass(np.minimum(intervals, moved.difference) / moved.scale, d)
    above = _log_mass(np.maximum(intervals, moved.difference) / moved.scale, d)
    return float(expit(above - below))


NODES, NODE_WEIGHTS = np.polynomial.legendre.leggauss(80)


def _log_mass(intervals: np.ndarray, d: int) -> float:
    """Log of the integral of phi^(d - 1) exp(-phi^2 / 2) over disjoint intervals (m, 2); -inf if they are empty.

    By Gauss–Legendre quadrature of the part of each interval where the density is above e^-50 of its maximum there. Unlike
    differences of a distribution function, this loses no precision in the tails or for short intervals.
    """
    mode = np.sqrt(d - 1)
    rising, falling = np.minimum(intervals, mode), np.maximum(intervals, mode)
    top, end = np.concatenate([rising[:, ::-1], falling]).T
    top, end = top[top != end], end[top != end]
    if not top.size:
        return -np.inf
    # the log density is concave, with second derivative at most -1
    slope = np.abs((d - 1) / top - top) if d > 1 else top
    reach = 100 / (slope + np.sqrt(slope**2 + 100))
    length = np.clip(end, top - reach, top + reach) - top
    logs = _log_density(top[:, None] + length[:, None] * (NODES + 1) / 2, d)
    largest = logs.max()
    return float(largest + np.log((np.exp(logs - largest) @ NODE_WEIGHTS) @ np.abs(length) / 2))


def _log_density(phi: np.ndarray, d: int) -> np.ndarray:
    """Log density of the chi distribution with d degrees of freedom, up to a constant."""
    return (d - 1) * np.log(phi) - phi**2 / 2


def _union(intervals: np.ndarray) -> np.ndarray:
    """The same set as disjoint intervals (m, 2), increasing."""
    if not len(intervals):
        return intervals
    low, high = intervals[np.argsort(intervals[:, 0])].T
    high = np.maximum.accumulate(high)
    gaps = np.flatnonzero(low[1:] > high[:-1])
    return np.stack([low[np.append(0, gaps + 1)], high[np.append(gaps, len(high) - 1)]], axis=1)


def _negative(square: np.ndarray, half: np.ndarray, value: np.ndarray) -> np.ndarray:
    """(m, 2) open intervals of s in which any one of the quadratics square s^2 + 2 half s + value is negative.

    All values are positive. The intervals may overlap.
    """
    discriminant = half**2 - square * value
    real = discriminant > 0
    square, half, value = square[real] + 0.0, half[real], value[real]  # + 0.0 turns -0.0 into 0.0
    inner = -half - np.copysign(np.sqrt(discriminant[real]), half)  # free of cancellation
    near = value / inner
    with np.errstate(divide="ignore"):
        far = inner / square
    low, high = np.minimum(near, far), np.maximum(near, far)
    between, infinite = square >= 0, np.full(int((square < 0).sum()), np.inf)
    return np.concatenate(
        [
            np.stack([low[between], high[between]], axis=1),
            np.stack([-infinite, low[~between]], axis=1),
            np.stack([high[~between], infinite], axis=1),
        ]
    )


def _other_labels(moved: _Moved, centers: np.ndarray, weights: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(m, 2) intervals of s in which a point is nearer to another center, given centers (k, d) that move by `weights` (k,)."""
    distances = cdist(moved.points, centers, "sqeuclidean")
    relative = moved.weights[:, None] - weights
    half = relative * (moved.along[:, None] - centers @ moved.direction)
    square = relative**2
    own = labels[:, None]
    scale = distances + np.take_along_axis(distances, own, axis=1)
    square, half, value = (each - np.take_along_axis(each, own, axis=1) for each in (square, half, distances))
    if (value < -CONTRADICTION * scale).any():
        raise ValueError("labels must be the nearest centers in each iteration from start_rows, but a point has a nearer one")
    untied = value > TIED * scale
    return _negative(square[untied], half[untied], value[untied])


class _Nodes(NamedTuple):
    """Single points and the clusters formed by merges before the cut, numbered as in `Tree`."""

    centers: np.ndarray
    """(v, d) center that the linkage uses"""
    sizes: np.ndarray
    """(v,) number of points"""
    weights: np.ndarray
    """(v,) movement, the same for all points of a node"""
    first: np.ndarray
    """(v,) first merge at which the node exists"""
    last: np.ndarray
    """(v,) last merge before the cut at which it exists"""
    highest: np.ndarray
    """(cut, cut) greatest height of merges i..j, for i <= j"""

    def limits(self, i, j) -> np.ndarray:
        """Distance that pairs of nodes must not go below. Both nodes must exist at the same time."""
        return self.highest[np.maximum(self.first[i], self.first[j]), np.minimum(self.last[i], self.last[j])]


def _nodes(moved: _Moved, tree: Tree, linkage: str, k: int) -> _Nodes:
    n, cut = len(moved.points), len(moved.points) - k
    centers = np.concatenate([moved.points, np.empty((cut, moved.points.shape[1]))])
    sizes = np.append(np.ones(n, dtype=np.intp), tree.sizes[:cut])
    share = np.full(len(sizes), 0.5) if linkage == "median" else sizes
    for new, (i, j) in enumerate(tree.merges[:cut].tolist(), n):
        centers[new] = (share[i] * centers[i] + share[j] * centers[j]) / (share[i] + share[j])
    weights = moved.weights[tree.order[tree.offsets[: n + cut]]]
    first = np.append(np.zeros(n, dtype=np.intp), np.arange(1, cut + 1))
    last = np.full(n + cut, cut - 1)
    last[tree.merges[:cut]] = np.arange(cut)[:, None]
    heights = np.broadcast_to(tree.heights[:cut], (cut, cut))
    return _Nodes(centers, sizes, weights, first, last, np.maximum.accumulate(np.triu(heights), axis=1))


def _nearer_nodes(moved: _Moved, nodes: _Nodes, linkage: str, on_step) -> Iterator[np.ndarray]:
    """Arrays (m, 2) of intervals of s in which two clusters are closer than the height of a merge.

    For linkages that compare centers.
    """
    sizes = nodes.sizes
    for i, j in _pairs(nodes.weights, on_step):
        together = np.maximum(nodes.first[i], nodes.first[j]) <= np.minimum(nodes.last[i], nodes.last[j])
        i, j = i[together], j[together]
        factor = 2 * sizes[i] * sizes[j] / (sizes[i] + sizes[j]) if linkage == "ward" else np.ones(len(i))
        yield _nearer_pairs(moved, nodes.centers, nodes.weights, i, j, factor, nodes.limits(i, j), linkage)


def _nearer_points(moved: _Moved, nodes: _Nodes, linkage: str, on_step) -> Iterator[np.ndarray]:
    """Arrays (m, 2) of intervals of s in which two points are closer than the height of a merge.

    While both are still single points; for single linkage, at any time.
    """
    for i, j in _pairs(moved.weights, on_step):
        limits = np.full(len(i), nodes.highest[0, -1]) if linkage == "single" else nodes.limits(i, j)
        yield _nearer_pairs(moved, moved.points, moved.weights, i, j, np.ones(len(i)), limits, linkage)


def _pairs(weights: np.ndarray, on_step) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """All pairs i < j with different weights, in parts."""
    for begin in range(0, len(weights), ROWS_AT_ONCE):
        if on_step is not None:
            on_step()
        i, j = np.nonzero(np.triu(weights[begin : begin + ROWS_AT_ONCE, None] != weights, begin + 1))
        yield i + begin, j


def _nearer_pairs(moved, centers, weights, i, j, factor, limits, linkage) -> np.ndarray:
    """(m, 2) intervals of s in which factor (m,) times the squared distance of centers i and j (m,) is below limits^2 (m,)."""
    relative = weights[i] - weights[j]
    along = centers @ moved.direction
    squares = np.zeros(len(i))
    for column in centers.T:
        squares += np.square(column[i] - column[j])
    half = factor * relative * (along[i] - along[j])
    untied = _untied(factor * squares, limits**2, linkage)
    return _negative((factor * relative**2)[untied], half[untied], (factor * squares - limits**2)[untied])


def _untied(squares: np.ndarray, limits: np.ndarray, linkage: str) -> np.ndarray:
    """(m,) whether squared distances are above their lower limits by more than rounding."""
    if (squares < (1 - CONTRADICTION) * limits).any():
        raise ValueError(
            f"the tree must be that of the points with linkage {linkage!r}, but clusters are closer than the height of a merge"
        )
    return squares > (1 + TIED_HEIGHTS) * limits


def _nearer_groups(moved: _Moved, tree: Tree, nodes: _Nodes, linkage: str, on_step) -> list[np.ndarray]:
    """Arrays (m, 2) of intervals of s in which a cluster of at least two points and another one are closer than the
    height of a merge."""
    n, cut = len(moved.points), len(nodes.highest)
    squares = cdist(moved.points, moved.points, "sqeuclidean")
    interval = {"complete": _all_nearer, "average": _nearer_on_average}[linkage]
    excluded, node_of = [], np.arange(n)
    for new in range(n, n + cut - 1):
        if on_step is not None:
            on_step()
        members = tree.members(new - n)
        node_of[members] = new
        others = np.flatnonzero(moved.weights != nodes.weights[new])
        others = others[np.argsort(node_of[others], kind="stable")]
        partners, begins, counts = np.unique(node_of[others], return_index=True, return_counts=True)
        limits = nodes.limits(new, partners)
        relative = np.repeat(nodes.weights[new] - nodes.weights[partners], counts)
        pairs = _PairsOfPoints(
            squares[np.ix_(members, others)],
            # in units of s
            (moved.along[members][:, None] - moved.along[others]) / relative,
            np.abs(relative),
            begins,
            counts,
        )
        excluded.append(interval(pairs, limits, linkage))
    return excluded


class _PairsOfPoints(NamedTuple):
    """Pairs of the p points of a cluster and the q points of its partners, sorted by partner."""

    squares: np.ndarray
    """(p, q) squared distances at s = 0"""
    along: np.ndarray
    """(p, q) difference along the direction, divided by the relative movement: the pair is nearest at s = -along"""
    speeds: np.ndarray
    """(q,) absolute relative movement, the same for all points of a partner"""
    begins: np.ndarray
    """(m,) first point of each partner"""
    counts: np.ndarray
    """(m,) number of points of each partner"""


def _all_nearer(pairs: _PairsOfPoints, limits: np.ndarray, linkage: str) -> np.ndarray:
    """(r, 2) intervals, r <= m, in which all pairs of points are closer than the limits (m,), one per partner."""
    farthest = np.maximum.reduceat(pairs.squares.max(axis=0), pairs.begins)
    untied = _untied(farthest, limits**2, linkage)
    half = (np.repeat(limits**2, pairs.counts) - pairs.squares) / pairs.speeds**2 + pairs.along**2
    half = np.where(half > 0, np.sqrt(np.maximum(half, 0)), -np.inf)
    low = np.maximum.reduceat((-pairs.along - half).max(axis=0), pairs.begins)
    high = np.minimum.reduceat((-pairs.along + half).min(axis=0), pairs.begins)
    found = untied & (low < high)
    return np.stack([low[found], high[found]], axis=1)


def _nearer_on_average(pairs: _PairsOfPoints, limits: np.ndarray, linkage: str) -> np.ndarray:
    """(r, 2) intervals, r <= m, in which the mean distance of pairs of points is below the limits (m,), one per partner."""
    numbers = len(pairs.squares) * pairs.counts
    perpendicular = np.maximum(pairs.squares / pairs.speeds**2 - pairs.along**2, 0)
    limits = limits / pairs.speeds[pairs.begins]

    def means(values):
        return np.add.reduceat(values.sum(axis=0), pairs.begins) / numbers

    untied = _untied(means(np.sqrt(pairs.squares)) ** 2, (limits * pairs.speeds[pairs.begins]) ** 2, linkage)
    # the mean of sqrt((s + along)^2 + perpendicular) is at least |s + mean of along|
    middle = -means(pairs.along)
    ends = []
    for side in (-1, 1):
        s = np.where(untied, middle + side * limits, np.nan)
        for _ in range(NEWTON_STEPS):
            shifted = np.repeat(s, pairs.counts) + pairs.along
            distances = np.sqrt(shifted**2 + perpendicular)
            slope = means(shifted / np.maximum(distances, np.finfo(float).tiny))
            # beyond the minimum of a convex function that stays above the limit
            s[side * slope <= 0] = np.nan
            step = (means(distances) - limits) / np.where(slope == 0, np.nan, slope)
            s = s - step
            if not (np.abs(step) > 1e-14 * (np.abs(middle) + limits)).any():
                break
        ends.append(s)
    found = ends[0] < ends[1]
    return np.stack([ends[0][found], ends[1][found]], axis=1)

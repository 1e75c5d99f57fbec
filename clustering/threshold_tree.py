"""A tree of thresholds that explains a clustering by centers, and how much it increases the loss.

Each inner node asks whether one column is at most a threshold; each leaf is a cluster. The first leaves, one per center, are
found by iterative mistake minimization (IMM): the cut of a node separates its centers and makes the fewest mistakes,

    mistakes = number of points x of the node with (x_j <= t) != (c_j <= t),  c: center of the cluster of x

With weights, a point counts as often as its weight says. Points that a cut separates from their center are ignored below it.
Further leaves lower the surrogate loss

    sum over points x of ||x - r(x)||^2,  r(x): center of the leaf that x falls into

the most, as in ExKMC. j: column; t: threshold.

References: Moshkovitz, Dasgupta, Rashtchian & Frost 2020, arXiv:2002.12538 (IMM); Frost, Moshkovitz & Rashtchian 2020,
arXiv:2006.02399 (ExKMC).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

from clustering.criteria import within_groups
from clustering.distances import nearest_centers
from clustering.points import check_data, check_labels, check_points, is_integer
from clustering.weights import check_weights, rows_that_count

LEAF = -1
"""column of a node without a cut"""
SMALLEST_GAIN = 1e-9
"""least share of a leaf's surrogate loss that a further cut must save; less may be rounding error"""


class Rule(NamedTuple):
    """The conditions under which a point falls into a leaf."""

    cluster: int
    intervals: dict[int, tuple[float | None, float | None]]
    """column -> (low, high): low < x <= high, None where unbounded; columns without a condition are missing"""


@dataclass(frozen=True, eq=False)
class ThresholdTree:
    """A tree of thresholds. Node 0 is the root; the numbers of children are larger than that of their parent."""

    d: int
    """number of columns of the points"""
    column: np.ndarray
    """(nodes,) column of the cut, `LEAF` for leaves"""
    threshold: np.ndarray
    """(nodes,) points with a value up to this go left, others right; NaN for leaves"""
    left: np.ndarray
    """(nodes,) left child, -1 for leaves"""
    right: np.ndarray
    """(nodes,) right child, -1 for leaves"""
    cluster: np.ndarray
    """(nodes,) cluster of a leaf, -1 for inner nodes"""

    @property
    def leaves(self) -> np.ndarray:
        """(leaves,) nodes that are leaves, from left to right."""
        return np.array([node for node, _, _ in self._leaves()])

    @property
    def depth(self) -> int:
        """Largest number of cuts from the root to a leaf."""
        return max(depth for _, depth, _ in self._leaves())

    def rules(self) -> list[Rule]:
        """The rule of each leaf, from left to right, with one interval per column."""
        return [Rule(int(self.cluster[node]), intervals) for node, _, intervals in self._leaves()]

    def leaf_of(self, points) -> np.ndarray:
        """(m,) leaf that each of the points (m, d) falls into, as an index into `leaves` and `rules`.

        Raises
        ------
        ValueError
            As in `check_points`, or if the points do not have d columns.
        """
        points = check_points(points)
        if points.shape[1] != self.d:
            raise ValueError(f"points must have {self.d} columns like those of the tree, got {points.shape[1]}")
        node = np.zeros(len(points), dtype=np.intp)
        rows = np.arange(len(points))
        while len(rows := rows[self.column[node[rows]] != LEAF]):
            at = node[rows]
            node[rows] = np.where(points[rows, self.column[at]] <= self.threshold[at], self.left[at], self.right[at])
        leaves = self.leaves
        index = np.empty(len(self.column), dtype=np.intp)
        index[leaves] = np.arange(len(leaves))
        return index[node]

    def predict(self, points) -> np.ndarray:
        """(m,) cluster of each of the points (m, d). Raise ValueError as in `leaf_of`."""
        return self.cluster[self.leaves][self.leaf_of(points)]

    def _leaves(self) -> Iterator[tuple[int, int, dict]]:
        """Node, depth and intervals of each leaf, from left to right."""
        stack: list[tuple[int, int, dict]] = [(0, 0, {})]
        while stack:
            node, depth, intervals = stack.pop()
            column, threshold = int(self.column[node]), float(self.threshold[node])
            if column == LEAF:
                yield node, depth, intervals
                continue
            # thresholds lie inside the interval of their node, so the last condition is the strictest
            low, high = intervals.get(column, (None, None))
            stack.append((int(self.right[node]), depth + 1, intervals | {column: (threshold, high)}))
            stack.append((int(self.left[node]), depth + 1, intervals | {column: (low, threshold)}))


class TreePrice(NamedTuple):
    """How the loss and the labels change if a tree replaces the clustering that it explains."""

    loss: float
    """within-cluster sum of squares of the given clustering"""
    tree_loss: float
    """within-cluster sum of squares of the clusters of the tree; may be lower if the given clustering is not optimal"""
    ratio: float
    """tree_loss / loss; 1 if both are 0"""
    moved: float
    """share of points, 0..1, that the tree puts into another cluster"""


def tree_price(points, labels, tree: ThresholdTree, weights=None) -> TreePrice:
    """Compare the clusters of a tree with the given clustering.

    Parameters
    ----------
    points : (n, d) array
    labels : (n,) array of integers
        The given clustering. Points with a negative label are ignored.
    tree : ThresholdTree
    weights : (n,) array, optional
        How often each point counts; by default once.

    Raises
    ------
    ValueError
        As in `check_data` and `within_groups`, or if all labels of points that count are negative.
    """
    points, labels = check_data(points), np.asarray(labels)
    if labels.shape != (len(points),):
        raise ValueError(f"labels must have shape {(len(points),)}, got {labels.shape}")
    rows, weights = rows_that_count(weights, len(points))
    points, labels = points[rows], labels[rows]
    kept = labels >= 0
    if not kept.any():
        raise ValueError("at least one label must not be negative")
    points, labels, weights = points[kept], labels[kept], None if weights is None else weights[kept]
    predicted = tree.predict(points)
    loss, tree_loss = within_groups(points, labels, weights), within_groups(points, predicted, weights)
    ratio = tree_loss / loss if loss else (np.inf if tree_loss else 1.0)
    return TreePrice(loss, tree_loss, ratio, float(np.average(predicted != labels, weights=weights)))


def threshold_tree(points, centers, labels=None, leaves: int | None = None, weights=None) -> ThresholdTree:
    """Build a tree of thresholds whose leaves approximate the clusters around given centers.

    Parameters
    ----------
    points : (n, d) array
    centers : (k, d) array
    labels : (n,) array of integers, optional
        Cluster of each point, 0..k-1, by default that of the nearest center; -1 for points that are ignored.
    leaves : int, optional
        Largest number of leaves, at least k; by default one per center. There are fewer if no further cut lowers the surrogate
        loss.
    weights : (n,) array, optional
        How often each point counts; by default once.

    Returns
    -------
    ThresholdTree
        Clusters without points have no leaf. Clusters with equal centers, which no threshold separates, share one leaf, which
        has the label of the one with the most points there.

    Raises
    ------
    ValueError
        As in `check_data` and `check_weights`, if the shapes do not match, if a label is not in -1..k-1, if those of all
        points that count are -1, or if `leaves` is not an integer of at least k.

    Notes
    -----
    A threshold lies halfway between the values next to it. Of several cuts with the fewest mistakes, the one with the widest
    gap is taken, relative to the range of its column, so the units of the columns do not matter there. They do matter for
    further leaves, as in every sum of squared distances. Takes O(n log n) time per column and node, and O(n k) more for
    further leaves. A tree cannot follow oblique boundaries between clusters: see `tree_price`.
    """
    points, centers = check_data(points), check_points(centers, "centers")
    (n, d), k = points.shape, len(centers)
    if labels is None:
        labels = nearest_centers(centers, points)
    elif centers.shape[1] != d:
        raise ValueError(f"centers must have {d} columns like the points, got {centers.shape[1]}")
    ignored = np.asarray(labels) == -1
    check_labels(np.where(ignored, 0, labels), n, k)
    if weights is not None:
        weights = check_weights(weights, n)
        ignored = ignored | (weights == 0)
    if ignored.all():
        raise ValueError("at least one label must not be -1")
    if leaves is not None and (not is_integer(leaves) or leaves < k):
        raise ValueError(f"leaves must be an integer of at least k={k}, got {leaves}")
    points, labels = points[~ignored], np.asarray(labels)[~ignored]
    weights = np.ones(len(points)) if weights is None else weights[~ignored]
    nodes = _minimize_mistakes(points, centers, labels, weights)
    if leaves is not None:
        _lower_surrogate_loss(nodes, points, centers, np.unique(labels), leaves, weights)
    return nodes.tree()


class _GrowingTree:
    """A tree under construction."""

    def __init__(self, d: int):
        self.d = d
        self.rows: list[list] = [[LEAF, np.nan, -1, -1, -1]]

    def split(self, node: int, column: int, threshold: float) -> tuple[int, int]:
        """Give a leaf two children and return them."""
        left = len(self.rows)
        self.rows[node] = [column, threshold, left, left + 1, -1]
        self.rows += [LEAF, np.nan, -1, -1, -1], [LEAF, np.nan, -1, -1, -1]
        return left, left + 1

    def label(self, leaf: int, cluster: int) -> None:
        self.rows[leaf][-1] = cluster

    def tree(self) -> ThresholdTree:
        table = np.array(self.rows)
        column, left, right, cluster = table[:, [0, 2, 3, 4]].T.astype(np.intp)
        return ThresholdTree(self.d, column, table[:, 1], left, right, cluster)


def _minimize_mistakes(points: np.ndarray, centers: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> _GrowingTree:
    """IMM: the tree with one leaf per distinct center of the clusters that have points."""
    nodes = _GrowingTree(points.shape[1])
    columns, coordinates = np.ascontiguousarray(points.T), np.ascontiguousarray(centers.T)
    ranges = np.ptp(columns, axis=1)
    stack = [(0, np.arange(len(points)), np.unique(labels))]
    while stack:
        node, rows, clusters = stack.pop()
        cut = _cut_with_fewest_mistakes(columns[:, rows], coordinates, labels[rows], weights[rows], clusters, ranges)
        if cut is None:
            sizes = np.bincount(labels[rows], weights[rows], minlength=len(centers))
            nodes.label(node, int(clusters[sizes[clusters].argmax()]))
            continue
        column, threshold = cut
        point_left, center_left = columns[column, rows] <= threshold, coordinates[column] <= threshold
        own_left = center_left[labels[rows]]
        left, right = nodes.split(node, column, threshold)
        stack.append((left, rows[point_left & own_left], clusters[center_left[clusters]]))
        stack.append((right, rows[~point_left & ~own_left], clusters[~center_left[clusters]]))
    return nodes


def _cut_with_fewest_mistakes(columns, coordinates, labels, weights, clusters, ranges) -> tuple[int, float] | None:
    """Column and threshold of the best cut between the centers of a node; None if all of them are equal.

    columns : (d, n) points of the node; coordinates : (d, k) all centers; labels, weights : (n,); clusters : those of the node
    """
    best, cut = (np.inf, 0.0), None
    for j, (column, coordinate) in enumerate(zip(columns, coordinates, strict=True)):
        inside = coordinate[clusters]
        if inside.min() == inside.max():
            continue
        values = np.unique(np.concatenate([column, inside]))
        values = values[(values >= inside.min()) & (values <= inside.max())]
        # a point is separated from its center by every threshold t with min(x, c) <= t < max(x, c)
        own = coordinate[labels]
        mistakes = _weight_up_to(np.minimum(column, own), weights, values[:-1])
        mistakes -= _weight_up_to(np.maximum(column, own), weights, values[:-1])
        mistakes = np.round(mistakes / weights.sum(), 12)  # rounding errors must not decide between equal cuts
        gaps = np.where(mistakes == mistakes.min(), np.diff(values), 0.0)
        i = gaps.argmax()
        # the range is 0 if the column is constant, although its centers differ
        key = (float(mistakes[i]), -gaps[i] / (ranges[j] or np.inf))
        if key < best:
            best, cut = key, (j, _halfway(values[i], values[i + 1]))
    return cut


def _weight_up_to(values: np.ndarray, weights: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """(m,) sum of the weights of the values (n,) up to each limit (m,)."""
    order = np.argsort(values)
    sums = np.append(0.0, np.cumsum(weights[order]))
    return sums[np.searchsorted(values[order], limits, "right")]


def _halfway(low: float, high: float) -> float:
    """Threshold halfway between two values, the lower one if there is no number between them."""
    middle = low + (high - low) / 2
    return float(middle if middle < high else low)


class _Expansion(NamedTuple):
    """A cut of a leaf, and the clusters of the new leaves."""

    gain: float
    """decrease in the surrogate loss"""
    column: int
    threshold: float
    left: int
    right: int


def _lower_surrogate_loss(
    nodes: _GrowingTree, points: np.ndarray, centers: np.ndarray, clusters: np.ndarray, leaves: int, weights: np.ndarray
) -> None:
    """ExKMC: split leaves until there are `leaves`, or no cut lowers the surrogate loss. Changes `nodes`.

    clusters : those that have points
    """
    tree = nodes.tree()
    columns, squares = np.ascontiguousarray(points.T), weights[:, None] * cdist(points, centers[clusters], "sqeuclidean")
    leaf_of = tree.leaf_of(points)
    open_leaves = {}

    def consider(leaf, rows, cluster):
        nodes.label(leaf, int(clusters[cluster]))
        open_leaves[leaf] = (_best_expansion(columns[:, rows], squares[rows], cluster), rows)

    for i, leaf in enumerate(tree.leaves):
        consider(int(leaf), np.flatnonzero(leaf_of == i), np.searchsorted(clusters, tree.cluster[leaf]))
    while len(open_leaves) < leaves:
        leaf = max(open_leaves, key=lambda leaf: open_leaves[leaf][0].gain)
        expansion, rows = open_leaves.pop(leaf)
        if expansion.gain == 0:
            break
        goes_left = columns[expansion.column, rows] <= expansion.threshold
        left, right = nodes.split(leaf, expansion.column, expansion.threshold)
        consider(left, rows[goes_left], expansion.left)
        consider(right, rows[~goes_left], expansion.right)


def _best_expansion(columns: np.ndarray, squares: np.ndarray, cluster: int) -> _Expansion:
    """The cut of a leaf into two clusters that lowers the surrogate loss the most; its gain is 0 if there is none.

    columns : (d, n) points of the leaf; squares : (n, k) weighted squared distances to the centers; cluster : that of the leaf
    """
    loss = squares[:, cluster].sum()
    best = _Expansion(0.0, LEAF, np.nan, -1, -1)
    for j, column in enumerate(columns):
        order = np.argsort(column)
        values, sums = column[order], squares[order].cumsum(axis=0)
        steps = np.flatnonzero(values[:-1] < values[1:])
        if not len(steps):
            continue
        left, right = sums[steps], sums[-1] - sums[steps]
        left_cluster, right_cluster = left.argmin(axis=1), right.argmin(axis=1)
        gains = np.where(left_cluster != right_cluster, loss - left.min(axis=1) - right.min(axis=1), 0.0)
        i = gains.argmax()
        if gains[i] > max(best.gain, SMALLEST_GAIN * loss):
            threshold = _halfway(values[steps[i]], values[steps[i] + 1])
            best = _Expansion(float(gains[i]), j, threshold, int(left_cluster[i]), int(right_cluster[i]))
    return best

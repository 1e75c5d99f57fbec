"""OPTICS: an order of the points in which clusters of every density are valleys.

    core distance   core(x)    = distance from x to its `min_points`-th nearest point, itself included
    reachability    r(y)       = smallest max(core(x), ||x - y||) over the points x before y in the order
    order           next is the point with the smallest reachability

The reachability plot shows r in this order. Clusters are extracted from it by a radius, as the stretches below it (`eps`), or
as valleys between steep flanks (`xi`). Ankerst, Breunig, Kriegel & Sander 1999, doi:10.1145/304181.304187; valleys are
corrected by predecessors as in Schubert & Gertz 2018, "Improving the Cluster Structure Extracted from OPTICS Plots", LWDA.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from clustering.core_distances import (
    MATRIX,
    RemainingPoints,
    check_distances,
    check_enough_points,
    check_metric,
    check_min_points,
    core_distances,
)
from clustering.core_points import core_point_notices
from clustering.hard_assignment import HardAssignment
from clustering.notices import NO_CLUSTER, Notice
from clustering.points import is_integer
from clustering.stages import Staged

EXTRACTIONS = ("xi", "eps")
"""how clusters are extracted from the reachability plot: by steepness, or by a radius"""
STEPS = 118
"""largest number of steps in which the states of a run go through the order"""
DECIMALS = 15
"""decimals to which distances are rounded, so that rounding errors do not decide about ties; the number of scikit-learn"""
SMALL_EXTENT = 1e-6
"""largest range of a column, or largest distance of a matrix, below which distances have more decimals"""
MUCH_NOISE = 0.5
"""share of noise above which valleys have a notice"""
MOSTLY_NOISE = "mostly noise"


@dataclass(frozen=True, eq=False)
class ReachabilityOrder:
    """Result of OPTICS before clusters are extracted. All arrays but `ordering` have the order of the data."""

    ordering: np.ndarray
    """(n,) points in the order in which they are reached"""
    reachability: np.ndarray
    """(n,) reachability of each point; infinite if no point before it reaches it"""
    cores: np.ndarray
    """(n,) core distance of each point; infinite if it exceeds `max_eps`"""
    predecessors: np.ndarray
    """(n,) point from which each point is reached; -1 if there is none"""

    @cached_property
    def positions(self) -> np.ndarray:
        """(n,) position of each point in the order"""
        positions = np.empty(len(self.ordering), dtype=np.intp)
        positions[self.ordering] = np.arange(len(self.ordering))
        return positions


class OrderPosition(NamedTuple):
    """Parameters of a state: the order, the clusters that are extracted at its end, and the current position."""

    order: ReachabilityOrder
    """the whole order, shared by all states"""
    labels: np.ndarray
    """(n,) extracted cluster of each point; -1 for noise; shared by all states"""
    reached: int
    """number of points reached so far"""


@dataclass(frozen=True)
class OPTICS(Staged):
    """OPTICS with extraction of clusters. The number of clusters is found.

    Deterministic: there is no initialization, and every run has the same states. They go through the order (phase "order"),
    in at most `STEPS` steps; then clusters are extracted (phase "extract").

    Parameters
    ----------
    min_points : int
        Number of points, itself included, within the core distance of a point; 2..n. Larger values smooth the reachability
        plot.
    extraction : {"xi", "eps"}
        "xi": clusters are valleys whose flanks are steep, at any height, see `valleys`. "eps": clusters are the stretches
        below a radius, see `labels_below`.
    xi : float
        Steepness for "xi", between 0 and 1: at a steep point the reachability changes by at least this fraction.
    eps : float, optional
        Radius for "eps", at most `max_eps`; by default `max_eps`.
    min_cluster_size : int, optional
        Smallest number of points of a valley, at least 2; by default `min_points`.
    max_eps : float
        Radius above which points do not reach each other, above 0.
    metric : {"euclidean", "precomputed"}
        Distance between points, or "precomputed" if the data are an (n, n) matrix of distances.

    Notes
    -----
    Takes O(n^2) time and, apart from a matrix, O(n d) memory. Order, reachability, predecessors and clusters equal those of
    scikit-learn, also for ties, where the point with the lowest number is next. Extraction by "eps" is almost DBSCAN: points
    at the border of a cluster that are reached before its first core point are noise.
    """

    min_points: int
    extraction: str = "xi"
    xi: float = 0.05
    eps: float | None = None
    min_cluster_size: int | None = None
    max_eps: float = np.inf
    metric: str = "euclidean"

    def __post_init__(self):
        check_min_points(self.min_points, 2)
        check_metric(self.metric)
        if self.extraction not in EXTRACTIONS:
            raise ValueError(f"extraction must be one of {', '.join(EXTRACTIONS)}, got {self.extraction!r}")
        if not 0 < self.xi < 1:
            raise ValueError(f"xi must lie between 0 and 1, got {self.xi}")
        if not self.max_eps > 0:
            raise ValueError(f"max_eps must be above 0, got {self.max_eps}")
        if self.eps is not None and not 0 <= self.eps <= self.max_eps:
            raise ValueError(f"eps must lie between 0 and max_eps={self.max_eps:g}, got {self.eps}")
        if self.min_cluster_size is not None and (not is_integer(self.min_cluster_size) or self.min_cluster_size < 2):
            raise ValueError(f"min_cluster_size must be an integer of at least 2, got {self.min_cluster_size}")

    def prepare(self, data) -> np.ndarray:
        """Check the points (n, d), or the distances (n, n).

        Raises ValueError as in `check_data` or `check_proximities`, or if there are fewer than `min_points` points.
        """
        checked = check_distances(data, self.metric)
        check_enough_points(self.min_points, len(checked))
        return checked

    def start(self, prepared: np.ndarray, rng: np.random.Generator | None = None) -> OrderPosition:
        """The order before its first point; `rng` is ignored."""
        order = reachability_order(prepared, self.min_points, self.max_eps, self.metric)
        return OrderPosition(order, self.extracted(order), 0)

    def extracted(self, order: ReachabilityOrder) -> np.ndarray:
        """(n,) labels of the clusters that these settings extract from an order; -1 for noise."""
        if self.extraction == "eps":
            return labels_below(order, self.max_eps if self.eps is None else self.eps)
        return labels_of_valleys(order, valleys(order, self.xi, self.min_points, self.min_cluster_size))

    def stages(self, prepared: np.ndarray) -> list[tuple[str, OrderPosition]]:
        """At most `STEPS` parts of the order, then the extracted clusters."""
        first, n = self.start(prepared), len(prepared)
        reached = np.unique(np.linspace(0, n, STEPS + 1).astype(int))[1:].tolist()
        return [*(("order", first._replace(reached=count)) for count in reached), ("extract", first._replace(reached=n))]

    def assign(self, prepared: np.ndarray, parameters: OrderPosition) -> HardAssignment:
        """The extracted clusters of the points reached so far; see `Process.assign`."""
        final = parameters.labels
        labels = np.where(parameters.order.positions < parameters.reached, final, -1)
        return HardAssignment(labels, int(final.max()) + 1, len(labels))

    def notices(self, parameters: OrderPosition) -> tuple[Notice, ...]:
        """Notice that there are no clusters or few points in them, or about the number of core points."""
        noise = int(np.count_nonzero(parameters.labels < 0))
        if noise < len(parameters.labels):
            if self.extraction == "eps":
                return self._radius_notices(parameters)
            if noise <= MUCH_NOISE * len(parameters.labels):
                return ()
            text = (
                f"{noise:,} of {len(parameters.labels):,} points are noise, because valleys do not contain their flanks. "
                "Choose another steepness, more points for the core distance, or a radius."
            )
            return (Notice(MOSTLY_NOISE, text),)
        text = "No cluster was found: all points are noise. "
        if np.isinf(parameters.order.reachability).all():
            text += "No point reaches another one, so choose a larger radius or fewer points for the core distance."
        else:
            text += "Choose a smaller steepness, a smaller minimum cluster size or a larger radius."
        return (Notice(NO_CLUSTER, text),)

    def _radius_notices(self, parameters: OrderPosition) -> tuple[Notice, ...]:
        """Notice that hardly any or nearly all points are core points."""
        core = int(np.count_nonzero(parameters.order.cores <= (self.max_eps if self.eps is None else self.eps)))
        return core_point_notices(core, len(parameters.labels), int(parameters.labels.max()) + 1, "radius")


def reachability_order(data, min_points: int, max_eps: float = np.inf, metric: str = "euclidean") -> ReachabilityOrder:
    """The order of points (n, d), or by distances (n, n); parameters and errors as in `OPTICS`."""
    data = OPTICS(min_points, max_eps=max_eps, metric=metric).prepare(data)
    n, decimals = len(data), _decimals(float(data.max() if metric == MATRIX else np.ptp(data, axis=0).max()))
    cores = core_distances(data, min_points, metric)
    cores[cores > max_eps] = np.inf
    cores = np.round(cores, decimals)
    ordering, predecessors = np.empty(n, dtype=np.intp), np.empty(n, dtype=np.intp)
    reachability = np.empty(n)
    # of the points that are not yet reached, and of those that were not removed yet: reachability so far, and from where
    remaining, waiting = RemainingPoints(data, metric), np.ones(n, dtype=bool)
    reach, sources = np.full(n, np.inf), np.full(n, -1)
    removed = 0
    for i in range(n):
        nearest = int(reach.argmin())
        if np.isinf(reach[nearest]):
            nearest = int(waiting.argmax())
        point = remaining.rows[nearest]
        ordering[i], reachability[point], predecessors[point] = point, reach[nearest], sources[nearest]
        waiting[nearest], reach[nearest] = False, np.inf
        removed += 1  # in batches
        if removed > 64 and removed * 8 > len(waiting):
            remaining.keep(waiting)
            reach, sources, waiting, removed = reach[waiting], sources[waiting], waiting[waiting], 0
        if np.isfinite(cores[point]):
            distances = remaining.distances(point)
            reached_from = np.round(np.maximum(distances, cores[point]), decimals)
            nearer = (reached_from < reach) & waiting
            if np.isfinite(max_eps):
                nearer &= distances <= max_eps
            np.copyto(reach, reached_from, where=nearer)
            sources[nearer] = point
    return ReachabilityOrder(ordering, reachability, cores, predecessors)


def _decimals(extent: float) -> int:
    """Decimals to which distances are rounded, given the largest range of a column, or the largest distance."""
    return DECIMALS if not 0 < extent < SMALL_EXTENT else DECIMALS + int(np.ceil(np.log10(SMALL_EXTENT / extent)))


def labels_below(order: ReachabilityOrder, eps: float) -> np.ndarray:
    """(n,) clusters of points below a radius in the reachability plot; -1 for noise.

    A point above the radius begins a cluster if its core distance is at most the radius; otherwise it is noise. Section 4.1 of
    Ankerst et al. 1999.
    """
    far = (order.reachability > eps)[order.ordering]
    dense = (order.cores <= eps)[order.ordering]
    labels = np.empty(len(far), dtype=np.intp)
    labels[order.ordering] = np.where(far & ~dense, -1, np.cumsum(far & dense) - 1)
    return labels


def labels_of_valleys(order: ReachabilityOrder, intervals: np.ndarray) -> np.ndarray:
    """(n,) clusters of the innermost valleys, those that contain no other one; -1 for noise. `intervals` as in `valleys`."""
    labels = np.full(len(order.ordering), -1, dtype=np.intp)
    k = 0
    for first, last in intervals.tolist():
        inside = order.ordering[first : last + 1]
        if (labels[inside] < 0).all():
            labels[inside] = k
            k += 1
    return labels


class _Down(NamedTuple):
    """A steep descent of the reachability plot."""

    first: int
    last: int
    peak: float
    """highest reachability between its end and the current position"""


def valleys(order: ReachabilityOrder, xi: float, min_points: int, min_cluster_size: int | None = None) -> np.ndarray:
    """(m, 2) first and last position of the clusters in an order, which may be nested; inner ones come first.

    A cluster begins in a steep descent of the reachability plot and ends in a steep ascent. A point is steep if the
    reachability changes by at least the fraction `xi` at the next one. Section 4.3 of Ankerst et al. 1999, with the relations
    in definitions 9 and 11 corrected as in scikit-learn; then points at the end that were reached from outside are removed,
    algorithm 2 of Schubert & Gertz 2018.

    Parameters
    ----------
    order : ReachabilityOrder
    xi : float
        Between 0 and 1.
    min_points : int
        Largest number of successive points within a descent or ascent that are not steep.
    min_cluster_size : int, optional
        Smallest number of points of a cluster; by default `min_points`.
    """
    smallest = min_points if min_cluster_size is None else min_cluster_size
    heights = np.append(order.reachability[order.ordering], np.inf)
    predecessors = order.predecessors[order.ordering]
    came_from = np.where(predecessors < 0, -1, order.positions[predecessors])
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = heights[:-1] / heights[1:]
    rises, falls = ratio < 1, ratio > 1
    steep_up, steep_down = ratio <= 1 - xi, ratio >= 1 / (1 - xi)
    descents: list[_Down] = []
    found: list[tuple[int, int]] = []
    position, peak = 0, 0.0
    for steep in np.flatnonzero(steep_up | steep_down).tolist():
        if steep < position:
            continue
        peak = max(peak, heights[position : steep + 1].max())
        descents = [
            down._replace(peak=max(down.peak, peak))
            for down in descents
            if np.isfinite(peak) and peak <= heights[down.first] * (1 - xi)
        ]
        if steep_down[steep]:
            last = _end_of_flank(steep_down, rises, steep, min_points)
            descents.append(_Down(steep, last, 0.0))
        else:
            last = _end_of_flank(steep_up, falls, steep, min_points)
            ends = [_valley(heights, came_from, down, (steep, last), xi, smallest) for down in reversed(descents)]
            found += [interval for interval in ends if interval is not None]
        position, peak = last + 1, heights[last + 1]
    return np.array(found, dtype=np.intp).reshape(-1, 2)


def _end_of_flank(steep: np.ndarray, opposite: np.ndarray, first: int, min_points: int) -> int:
    """Last steep point of a descent or ascent that begins at a steep point.

    It ends before a point in the opposite direction, and before more than `min_points` successive points that are not steep.
    """
    last = first
    for i in range(first, len(steep)):
        if steep[i]:
            last = i
        elif opposite[i] or i - last > min_points:
            break
    return last


def _valley(
    heights: np.ndarray, came_from: np.ndarray, down: _Down, up: tuple[int, int], xi: float, smallest: int
) -> tuple[int, int] | None:
    """First and last position of the cluster between a descent and an ascent; None if there is none."""
    first, last = down.first, up[1]
    left, right = heights[first], heights[last + 1]
    if right * (1 - xi) < down.peak:
        return None
    # both ends are at about the same height
    if left * (1 - xi) >= right:
        while heights[first + 1] > right and first < down.last:
            first += 1
    elif right * (1 - xi) >= left:
        while heights[last - 1] > left and last > up[0]:
            last -= 1
    while first < last and heights[first] <= heights[last] and not first <= came_from[last] < last:
        last -= 1
    inside = first < last and last - first + 1 >= smallest and first <= down.last and last >= up[0]
    return (first, last) if inside else None

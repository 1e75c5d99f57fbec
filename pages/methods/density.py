"""What methods that cluster by density have in common: defaults, scores, figures, and lines between linked points."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np

from clustering import (
    DBSCAN,
    CoreTree,
    ReachabilityOrder,
    core_tree,
    density_based_validity,
    elbow,
    eps_range,
    suggested_eps,
    suggested_min_points,
)
from clustering.core_distances import MAX_TREE_COLUMNS
from clustering.neighborhoods import MATRIX, TREE_METRICS
from pages.datasets.data import Data
from pages.datasets.formatting import format_percentage, minus_signs, pluralize, rounded_up
from pages.datasets.limits import MAX_POINTS_FOR_DENSITY
from pages.datasets.planes import Plane
from pages.figures.hulls import broken_line
from pages.methods.base import MethodView, Score
from pages.methods.options import Option, Settings, spaced
from pages.methods.traits import DENSITY, EVERYWHERE

MAX_SCORED = 5_000
"""maximum number of points for the score, which takes time quadratic in their number"""
MAX_LINKED = 1_000
"""maximum number of points between which lines are drawn"""
MAX_ORDERED = 2_000
"""maximum number of points for figures that take time quadratic in it"""
SCORE_NOTE = (
    "DBCV: from −1 to 1, larger is better; separation of the clusters relative to the sparsest region within each cluster; "
    "works for clusters of any shape. Noise counts as 0."
)
SCORE_SOURCE = "Moulavi et al. 2014, doi:10.1137/1.9781611973440.96"
CORNERS = np.stack([np.cos(np.linspace(0, 2 * np.pi, 25)), np.sin(np.linspace(0, 2 * np.pi, 25))], axis=1)
"""(25, 2) corners of a polygon that looks like a circle of radius 1"""
RADIUS_RULE = (
    "the middle of the longest range of radii that give the same number of clusters; if there is none, or with more than "
    "2,000 points, the radius with which nine in ten points are core points"
)
"""how `default_radius` is found"""


def min_points_option(least: int, usual: int, meaning: str) -> Option:
    """The number of points that defines a dense region.

    least : smallest value
    usual : smallest default, if there are as many points
    meaning : a sentence that says what the number means
    """

    def default(data: Data, chosen: Mapping[str, Any]) -> int:
        n, d = data.points.shape  # points of a distance matrix count as points in the plane
        return max(suggested_min_points(n, d), min(usual, max(n, least)))

    return Option(
        "min_points",
        "Min points",
        5,
        low=least,
        high=10_000,
        step=1,
        number_for=default,
        short_label=lambda count: f"min {count}",
        help=f"{meaning} Default for n points with d columns: min(max(2d, ln n, min(√n/4, 100)), max(n/20, 3)), rounded"
        f"{f', but at least {usual}' if usual > least else ''}.",
        width=128,
    )


MIN_POINTS = min_points_option(
    2,
    5,
    "The core distance of a point is the distance to its m-th nearest point, where m is this number and the point itself "
    "counts. Larger values smooth the density.",
)


def cluster_size_option(percent: int) -> Option:
    """The smallest size of a cluster, by default this percentage of the points."""

    def default(data: Data, chosen: Mapping[str, Any]) -> int:
        n = len(data.points)
        return max(2, min(max(5, n * percent // 100), n))

    return Option(
        "min_cluster_size",
        "Min cluster size",
        5,
        low=2,
        high=100_000,
        step=1,
        number_for=default,
        short_label=lambda size: f"size {size}",
        help=f"Minimum number of points in a cluster. Default: {percent}% of the points, but at least 5.",
        width=140,
    )


def radii(data: Data, settings: Settings) -> tuple[float, ...]:
    """Radii between which clusters appear and merge, for the chosen metric and `min_points`; see `eps_range`."""
    values, metric = _input(data, dict(settings.options).get("metric", "euclidean"))
    return spaced(*eps_range(values, settings.option("min_points"), metric))


class DensityView(MethodView):
    """Base of methods that cluster by density."""

    initializations = ()
    pages = EVERYWHERE | {DENSITY}
    score_note = SCORE_NOTE
    notices_by_iteration = False
    figures: tuple[Literal["order", "tree", "distances"], ...]
    """figures of the Density page: reachability plot, condensed tree, k-distance curve; the first one is beside the plane. The
    tree is that of the method, whose branches can be chosen as clusters, or that of all radii if the method has a radius."""
    neighborhood_name: str = "core distance"
    """what `neighborhood_radius` is"""
    radius: Option | None = None
    """option that is a radius, which can be set by a line in the figures"""

    def defaults_beside_figures(self, data: Data) -> dict[str, Callable[[Mapping[str, Any]], Any]]:
        """Defaults of options on the Density page that differ from those elsewhere: functions of the options before them."""
        return {}

    @abstractmethod
    def core_distances(self, run) -> np.ndarray:
        """(m,) core distances of the points, or of a part of them if there are many."""

    def reachability(self, run) -> ReachabilityOrder | None:
        """The order of the points in a reachability plot; None if there is none for these data or for this many points."""
        return None

    def cluster_ranges(self, run) -> tuple[np.ndarray, np.ndarray] | None:
        """Radii at which clusters begin, and radii at which clusters end; None if there are too many points."""
        return None

    def max_points_of(self, figure: str, run) -> int:
        """Maximum number of points for one of `figures` that the method itself does not need."""
        is_fast = figure == "tree" and self._is_euclidean(run) and run.data.points.shape[1] <= MAX_TREE_COLUMNS
        return MAX_POINTS_FOR_DENSITY if is_fast else MAX_ORDERED

    def core_tree(self, run) -> CoreTree | None:
        """The clusters of core points at all radii; None if there are too few or too many points."""
        metric, count = self.distance_metric(run.settings), run.settings.option("min_points")
        if not max(2, count) <= len(run.data.points) <= self.max_points_of("tree", run):
            return None

        def compute() -> CoreTree:
            values, metric_of_values = _input(run.data, metric)
            return core_tree(DBSCAN(1.0, count, metric_of_values).prepare(values), count)

        return run.data.cached("core tree", (metric, count), compute)

    def distance_metric(self, settings: Settings) -> str:
        """The metric of the radius."""
        return "euclidean"

    def suggested_radius(self, run) -> float:
        """The radius by `RADIUS_RULE`."""
        return default_radius(run.data, self.distance_metric(run.settings), run.settings.option("min_points"))

    def neighborhood_radius(self, run, point: int) -> float:
        """Radius of the neighborhood of a point: its core distance."""
        return float(self.core_distances(run)[point])

    def neighborhood(self, run, point: int, plane: Plane) -> np.ndarray | None:
        if not self.shows_distances(run, plane):
            return None
        radius = self.neighborhood_radius(run, point)
        return positions(run, plane)[point] + radius * CORNERS if 0 < radius < np.inf else None

    def shows_distances(self, run, plane: Plane) -> bool:
        """Whether distances in the plane are those of the method: there are two columns, and both axes have the same scale."""
        return plane.shows_all and run.data.to_scale and self._is_euclidean(run)

    def _is_euclidean(self, run) -> bool:
        return run.data.precomputed is None and self.distance_metric(run.settings) == "euclidean"

    def scores(self, run) -> list[Score]:
        """Share of noise, and DBCV if it is defined, the distance is Euclidean, and there are not too many points."""
        noise = int(np.count_nonzero(run.labels < 0))
        text = f"{noise:,} ({format_percentage(noise / len(run.labels))})"
        found = [Score("Noise", text, "Points that belong to no cluster.", comparable=True, varies=True)]
        if len(run.labels) <= MAX_SCORED and self._is_euclidean(run):
            value = run.cached("density-based validity", lambda: density_based_validity(run.data.points, run.labels))
            if np.isfinite(value):
                help = f"Density-based clustering validation ({SCORE_SOURCE}). {SCORE_NOTE}"
                found.append(Score("DBCV", minus_signs(f"{value:.3f}"), help, comparable=True))
        return found


def default_radius(data: Data, metric: str, min_points: int) -> float:
    """`suggested_eps`, rounded up so that neighbors at this distance are within it."""

    def compute() -> float:
        values, metric_of_values = _input(data, metric)
        return rounded_up(suggested_eps(values, min_points, metric_of_values))

    return data.cached(f"eps {metric} {min_points}", "", compute)


def _input(data: Data, metric: str) -> tuple[np.ndarray, str]:
    """Points or a distance matrix, and the argument `metric` of `DBSCAN` for them."""
    return (data.points, metric) if metric in TREE_METRICS else (data.proximities(metric), MATRIX)


def knee(distances: np.ndarray) -> float | None:
    """The distance at the knee of the k-distance curve, see `elbow`; None if the curve has none above 0.

    The knee is the point of the curve that is farthest below the line between its ends. Infinite distances are left out.
    """
    falling = np.sort(distances[np.isfinite(distances)])[::-1]
    if len(falling) < 3:
        return None
    position, below = elbow(np.arange(len(falling)), falling)
    # rounding errors of a straight line are not below it
    return float(falling[position]) if below[position] > 1e-9 and falling[position] > 0 else None


def linked_lines(run, plane: Plane, pairs: np.ndarray) -> list[np.ndarray]:
    """For each final cluster the lines between pairs of its points (m, 2); empty if there are too many points."""
    if len(run.labels) > MAX_LINKED:
        return []
    xy = positions(run, plane)
    first, second = run.labels[pairs].T
    return [broken_line(xy[pairs[(first == cluster) & (second == cluster)]]) for cluster in range(run.k)]


def positions(run, plane: Plane) -> np.ndarray:
    """(n, 2) positions of the points in the plane."""
    return run.cached(("positions", plane.names), lambda: plane.positions(run.data.points))


def counts_text(labels: np.ndarray) -> str:
    """Numbers of clusters and noise points, such as "3 clusters; 7 points are noise\""""
    noise = int(np.count_nonzero(labels < 0))
    verb = "is" if noise == 1 else "are"
    return f"{pluralize(int(labels.max()) + 1, 'cluster')}; {pluralize(noise, 'point')} {verb} noise"

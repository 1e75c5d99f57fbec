"""DBSCAN in the app."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from html import escape
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from clustering import DBSCAN, ReachabilityOrder, reachability_order
from clustering.neighborhoods import MATRIX, TREE_METRICS
from pages.datasets.data import POINTS, PROXIMITIES, SCIPY_METRICS, Data
from pages.datasets.formatting import pluralize
from pages.datasets.planes import Plane
from pages.figures import palette
from pages.figures.hulls import broken_line
from pages.methods.base import NoScript, Placement, Script
from pages.methods.density import (
    CORNERS,
    MAX_LINKED,
    RADIUS_RULE,
    DensityView,
    default_radius,
    min_points_option,
    positions,
    radii,
)
from pages.methods.formulas import (
    NOTE,
    VALUE,
    Formula,
    N,
    X,
    cluster_number,
    row,
    short_number,
    sign,
    subscript,
    symbol,
    vector,
)
from pages.methods.metric import METRIC, METRIC_NAMES, distances_name, proximities_code
from pages.methods.options import LARGEST, SMALLEST, Option, Settings, TunedOption
from pages.methods.traits import Traits

KINDS = ("noise", "border", "core")
"""kinds of points"""
SIZES = np.array([0.7, 0.7, 1.1])
"""sizes of their markers"""
LISTED = 3
"""number of clusters that a caption names"""
MAX_DISTANCES = 20_000
"""approximate maximum number of points for the k-distance curve"""
DISKS = dict(
    type="scatter",
    mode="lines",
    hoverinfo="skip",
    fill="toself",
    fillcolor="rgba(140, 140, 150, 0.22)",
    line=dict(width=0, color=palette.NEUTRAL),
)
"""style of the disks from which clusters grow, visible on light and dark backgrounds"""


def default_eps(data: Data, chosen: Mapping[str, Any]) -> float:
    """`default_radius` for the chosen metric and `min_points`."""
    metric = chosen.get("metric", data.metrics[0])
    return default_radius(data, metric, chosen.get("min_points") or MIN_POINTS.number_for(data, {}))


MIN_POINTS = min_points_option(1, 1, "Minimum number of points, including itself, that a core point has within eps.")
EPS = Option(
    "eps",
    "Radius eps",
    0.5,
    low=SMALLEST,
    high=LARGEST,
    step=0.1,
    number_for=default_eps,
    short_label=lambda eps: f"eps = {eps:g}",
    help=f"Radius of the neighborhoods. Default: {RADIUS_RULE}.",
    width=140,
)


class DBSCANView(DensityView):
    name = "dbscan"
    title = "DBSCAN"
    order = 5
    traits = Traits(
        data=frozenset({POINTS, PROXIMITIES}),
        k="found",
        center=None,
        loss=None,
        random=False,
        noise=True,
        keeps_numbers=True,
        converges=False,
    )
    options = (replace(METRIC, omitted_in_labels=frozenset({"euclidean", *METRIC.omitted_in_labels})), MIN_POINTS, EPS)
    figures = ("distances", "order", "tree")
    neighborhood_name = "radius eps"
    radius = EPS
    tuned = TunedOption("eps", "eps", "the radius eps", radii)
    highlights = (DISKS,)
    step_names = {"core": "Core points", "grow": "Growth"}
    iteration_note = "An iteration of DBSCAN adds the points within eps of those that were added before."
    result_code = "state.assignment.sizes"
    limit_advice = "Choose a larger eps."

    def process(self, settings: Settings, init=None) -> DBSCAN:
        return DBSCAN(settings.option("eps"), settings.option("min_points"), _metric(settings))

    def arguments(self, settings: Settings) -> dict[str, Any]:
        metric = _metric(settings)
        return super().arguments(settings) | ({} if metric == "euclidean" else {"metric": metric})

    def matrix_metric(self, settings: Settings) -> str | None:
        metric = settings.option("metric")
        return None if metric in TREE_METRICS else metric

    def state_size(self, k: int, d: int) -> int:
        return 1  # all states share the same arrays

    def distance_metric(self, settings: Settings) -> str:
        return settings.option("metric")

    def core_distances(self, run) -> np.ndarray:
        prepared, count = run.history.prepared, run.settings.option("min_points")
        n = len(prepared)
        if count > n:
            return np.full(n, np.inf)
        return run.cached("core distances", lambda: prepared.distances_to_neighbor(count, max(1, n // MAX_DISTANCES)))

    def cluster_ranges(self, run) -> tuple[np.ndarray, np.ndarray] | None:
        tree = self.core_tree(run)
        return None if tree is None else (self.core_distances(run), tree.radii)

    def reachability(self, run) -> ReachabilityOrder | None:
        count = run.settings.option("min_points")
        if not (self._is_euclidean(run) and 2 <= count <= len(run.data.points) <= self.max_points_of("order", run)):
            return None
        return run.data.cached("reachability order", count, lambda: reachability_order(run.data.points, count))

    def neighborhood_radius(self, run, point: int) -> float:
        return run.settings.option("eps")

    def highlight(self, run, state: int, plane: Plane) -> np.ndarray | None:
        """Disks around the core points that join a cluster in a state, from which it grows next."""
        current = run.history.states[state]
        if current.phase != "grow" or current.converged or len(run.labels) > MAX_LINKED:
            return None
        if not self.shows_distances(run, plane):
            return None
        visits = current.parameters
        growing = positions(run, plane)[visits.core & (visits.order == visits.iteration)]
        return broken_line(growing[:, None] + run.settings.option("eps") * CORNERS)

    def point_sizes(self, run, state: int) -> np.ndarray | None:
        kinds = kinds_of(run)
        return SIZES[kinds if state else np.zeros_like(kinds)]

    def phases(self, run) -> dict[str, str]:
        eps, count = run.settings.option("eps"), run.settings.option("min_points")
        return {
            "start": "No point belongs to a cluster yet. Press Play or use the arrow keys.",
            "core": f"A core point (large) has at least {count:,} points within eps = {eps:g}, including itself.",
            "grow": "A cluster starts at a core point and grows from neighbor to neighbor: all points within eps of its core "
            "points join. Border points (small) join, but the cluster does not grow from them. A border point near several "
            "clusters belongs to the one found first. Gray points that remain are noise.",
        }

    def sentences(self) -> dict[str, Callable]:
        return {"start": self.start_sentence, "core": self.core_sentence, "grow": self.grow_sentence}

    def start_sentence(self, run, state: int, current) -> str:
        return f"Start: {pluralize(len(run.data.points), 'point')} without a cluster."

    def core_sentence(self, run, state: int, current) -> str:
        n, core = len(run.data.points), int(np.count_nonzero(current.parameters.core))
        return f"Core points: {core:,} of {pluralize(n, 'point')}."

    def grow_sentence(self, run, state: int, current) -> str:
        visits = current.parameters
        joined = visits.labels[visits.order == visits.iteration]
        clusters = np.unique(joined).tolist()
        if len(clusters) > LISTED:
            return f"In {len(clusters):,} clusters, {pluralize(len(joined), 'point')} joined."
        parts = []
        for cluster in clusters:
            count, size = int(np.count_nonzero(joined == cluster)), int(current.assignment.sizes[cluster])
            name = f"cluster {run.number_and_name(run.ranks[cluster])}"
            grows = f"{name} grows by {pluralize(count, 'point')} to {size:,}"
            parts.append(f"{name} starts with {pluralize(size, 'point')}" if count == size else grows)
        text = "; ".join(parts)
        return f"{text[0].upper()}{text[1:]}."

    def ending(self, run, state: int) -> str:
        if state < len(run.history.states) - 1 or not run.history.converged:
            return super().ending(run, state)
        noise = run.points_without_cluster(state)
        left = "No points are noise." if not noise else f"The other {pluralize(noise, 'point')} {_are(noise)} noise."
        return f" {left}"

    def formulas(self, run, point: int, cluster: int) -> list[Formula]:
        visits, prepared = run.history.parameters[-1], run.history.prepared
        eps, count = run.settings.option("eps"), run.settings.option("min_points")
        distances = prepared.distances(point)
        near = int(prepared.counts(np.array([point]), eps)[0])
        others = np.delete(distances, point)
        kind = KINDS[kinds_of(run)[point]]

        def neighborhood(frame) -> list[str]:
            nearest = f"; the nearest other point is at distance {short_number(others.min())}" if others.size else ""
            compared = "≥" if near >= count else "<"
            return [
                f"= {near:,}",
                f"{near:,} {compared} {count:,}, so it is {'' if near >= count else 'not '}a core point{nearest}.",
            ]

        def growth(frame) -> list[str]:
            labels = run.history.states[frame.state].parameters
            joined = frame.assigned is not None and labels.joined[point]
            if not joined:
                left = (
                    "noise" if frame.assigned is not None and labels.iteration == run.history.iterations else "not reached yet"
                )
                return [f"{left}."]
            number = cluster_number(run, int(visits.labels[point]))
            return [f"{kind} point of cluster {number}, reached in iteration {int(visits.order[point]):,}."]

        y, radius = vector("y"), symbol("ε")
        ball = row(sign("|"), sign("{"), y, sign(":"), symbol("d"), sign("("), X, sign(","), y, sign(")"), sign("≤"), radius)
        ball = row(subscript(symbol("N"), N), sign("="), ball, sign("}"), sign("|"), VALUE)
        core = row(subscript(symbol("N"), N), sign("≥"), "<mtext>min points</mtext>")
        reach = row(
            symbol("d"),
            sign("("),
            X,
            sign(","),
            y,
            sign(")"),
            sign("≤"),
            radius,
            "<mtext>&nbsp;for a core point&nbsp;</mtext>",
            y,
        )
        name = escape(run.data.names_of([point])[0])
        metric = escape(distances_name(run.settings.option("metric")))
        return [
            Formula("Core points", "core", (ball, core), f"With {metric} and ε = {eps:g}, for {name}: {NOTE}", neighborhood),
            Formula("Growth", "grow", reach, f"A cluster takes in every point with this property. For {name}: {NOTE}", growth),
        ]

    def point_columns(self, run) -> dict[str, np.ndarray]:
        return {"kind": np.array(KINDS)[kinds_of(run)]}

    def arrays(self, run) -> dict[str, np.ndarray]:
        """The number of clusters in each iteration."""
        return {"number_of_clusters": np.array([len(sizes) for sizes in run.history.sizes])}

    def placement_arrays(self, run) -> dict[str, np.ndarray]:
        if run.data.precomputed is not None or self.matrix_metric(run.settings) is not None:
            return {}
        visits = run.history.parameters[-1]
        if not visits.core.any():
            return {}
        return {"core_points": run.data.points[visits.core], "clusters": visits.labels[visits.core]}

    def place(self, arrays, settings: Settings, data: Data) -> Placement:
        core, clusters, process = arrays["core_points"], arrays["clusters"].astype(np.intp), self.process(settings)
        neighbors = process.prepare(np.concatenate([core, data.points]))
        labels, waiting = np.full(len(core) + len(data.points), -1), np.arange(len(core), len(core) + len(data.points))
        for cluster in range(clusters.max() + 1):
            labels[neighbors.reached(np.flatnonzero(clusters == cluster), waiting, process.eps)] = cluster
            waiting = waiting[labels[waiting] < 0]
            if not waiting.size:
                break
        return Placement(labels[len(core) :], cKDTree(core).query(data.points, p=TREE_METRICS[process.metric])[0])

    def placement_rule(self, settings: Settings) -> str:
        return f"the first cluster with a core point within eps = {settings.option('eps'):g}, or is noise without such a point"

    def placement_distance(self, settings: Settings) -> str:
        return f"{METRIC_NAMES[settings.option('metric')]} distance to the nearest core point"

    def input_code(self, settings: Settings) -> tuple[str, str, frozenset[str]]:
        metric = self.matrix_metric(settings)
        return super().input_code(settings) if metric is None else proximities_code(metric)

    def scikit_learn_script(self, run, iterations: int) -> Script:
        settings, metric = run.settings, run.settings.option("metric")
        if metric == "gower":
            raise NoScript("scikit-learn has no Gower distance")
        name = "" if metric == "euclidean" else f', metric="{SCIPY_METRICS.get(metric, metric)}"'
        body = (
            f"model = DBSCAN(eps={settings.option('eps')!r}, min_samples={settings.option('min_points')}{name})\n"
            "labels = model.fit(points).labels_  # -1 for noise\n"
            "print(np.bincount(labels + 1))  # noise first\n"
        )
        return Script(frozenset(), body, frozenset({"from sklearn.cluster import DBSCAN"}))


def kinds_of(run) -> np.ndarray:
    """(n,) kind of each point, an index into `KINDS`."""
    visits = run.history.parameters[-1]
    return np.where(visits.core, 2, visits.labels >= 0)


def _metric(settings: Settings) -> str:
    """Argument `metric` of the process."""
    metric = settings.option("metric")
    return metric if metric in TREE_METRICS else MATRIX


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


METHOD = DBSCANView()

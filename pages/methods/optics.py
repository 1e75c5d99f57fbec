"""OPTICS in the app."""

from collections.abc import Callable
from html import escape

import numpy as np

from clustering import OPTICS, ReachabilityOrder
from pages.datasets.data import Data
from pages.datasets.formatting import format_short, pluralize
from pages.datasets.limits import MAX_POINTS_FOR_DENSITY
from pages.datasets.planes import Plane
from pages.figures.hulls import broken_line
from pages.figures.plots import highlight_traces
from pages.methods import density
from pages.methods.base import Curve, Script
from pages.methods.formulas import (
    NOTE,
    VALUE,
    Formula,
    N,
    X,
    row,
    short_number,
    sign,
    subscript,
    symbol,
    vector,
)
from pages.methods.options import LARGEST, Option, Settings, TunedOption
from pages.methods.traits import Traits

STEEPNESS = Option(
    "xi",
    "Steepness ξ",
    0.05,
    low=0.001,
    high=0.999,
    step=0.05,
    short_label=lambda xi: f"ξ = {xi:g}",
    help="A valley of the reachability plot is a cluster if its flanks are steep: if the reachability changes by at least "
    "this fraction from one point to the next. Smaller values find more clusters.",
    width=128,
)
RADIUS = Option(
    "eps",
    "Cut at radius",
    0.0,
    low=0.0,
    high=LARGEST,
    step=0.5,
    step_for=lambda data: float(np.ptp(data.points, axis=0).max()) / 20,
    short_label=lambda eps: f"eps = {eps:g}" if eps else "valleys",
    argument=None,
    help="0: clusters are valleys with steep flanks. Above 0: clusters are the stretches of the reachability plot below this "
    "radius, almost as in DBSCAN with this eps; then steepness and cluster size have no effect. On the Density page the "
    "default is that of DBSCAN, elsewhere 0.",
    width=140,
)


class OPTICSView(density.DensityView):
    name = "optics"
    title = "OPTICS"
    order = 5.5
    traits = Traits(k="found", center=None, loss=None, random=False, noise=True, keeps_numbers=True, converges=False)
    options = (density.MIN_POINTS, density.cluster_size_option(5), STEEPNESS, RADIUS)
    figures = ("order", "distances", "tree")
    radius = RADIUS
    tuned = TunedOption("eps", "radius", "the radius", density.radii, unused=frozenset({"min_cluster_size", "xi"}))
    highlights = highlight_traces("lines+markers", 7)
    result_code = "state.parameters.order.reachability"
    iteration_note = "The iterations of OPTICS are parts of the order of the points; in the last one clusters are extracted."

    def process(self, settings: Settings, init=None) -> OPTICS:
        return OPTICS(**self.arguments(settings))

    def arguments(self, settings: Settings) -> dict:
        eps = settings.option("eps")
        return super().arguments(settings) | ({"extraction": "eps", "eps": eps} if eps else {})

    def defaults_beside_figures(self, data: Data) -> dict[str, Callable]:
        """A radius, because valleys without their flanks leave many points as noise; none for a sample, which is sparser."""
        if len(data.points) > MAX_POINTS_FOR_DENSITY:
            return {}
        return {"eps": lambda chosen: density.default_radius(data, "euclidean", chosen["min_points"])}

    def max_points(self, settings: Settings) -> int:
        return MAX_POINTS_FOR_DENSITY

    def reachability(self, run) -> ReachabilityOrder:
        return run.history.parameters[-1].order

    def core_distances(self, run) -> np.ndarray:
        return self.reachability(run).cores

    def cluster_ranges(self, run) -> tuple[np.ndarray, np.ndarray]:
        order = self.reachability(run)
        return order.cores, np.maximum(order.cores, order.reachability)

    def state_size(self, k: int, d: int) -> int:
        return 1

    def outlines(self, run, state: int, plane: Plane) -> list[np.ndarray]:
        """Lines between the points reached so far and those they were reached from, within each cluster."""
        order, _, reached = run.history.states[state].parameters
        points = order.ordering[:reached] if run.history.states[state].assignment is not None else order.ordering[:0]
        points = points[order.predecessors[points] >= 0]
        return density.linked_lines(run, plane, np.column_stack([points, order.predecessors[points]]))

    def highlight(self, run, state: int, plane: Plane) -> np.ndarray | None:
        """Lines to the points that are reached in this step."""
        current = run.history.states[state]
        if current.phase != "order":
            return None
        order, _, reached = current.parameters
        points = order.ordering[_reached_before(run, state) : reached]
        ends = np.stack([np.where(order.predecessors[points] < 0, points, order.predecessors[points]), points], axis=1)
        return broken_line(density.positions(run, plane)[ends])

    def curve(self, run) -> Curve:
        """The largest reachability of the points reached in each step: a coarse reachability plot."""
        order = run.history.parameters[0].order
        heights = np.full(len(run.history.states), np.nan)
        for i, state in enumerate(run.history.states):
            if state.phase == "order":
                reached = order.reachability[order.ordering[_reached_before(run, i) : state.parameters.reached]]
                if np.isfinite(reached).any():
                    heights[i] = reached[np.isfinite(reached)].max()
        return super().curve(run)._replace(name="largest reachability", values=heights)

    def phases(self, run) -> dict[str, str]:
        return {
            "start": "The order begins at the first point. Press Play or use the arrow keys.",
            "order": "Next is always the point with the smallest reachability from the points before it. Black lines show "
            "from where points are reached now. Points have the colors of the clusters that are extracted at the end.",
            "extract": "Clusters are the stretches of the order with a reachability below the radius."
            if run.settings.option("eps")
            else "Clusters are valleys of the reachability between steep flanks. Of nested valleys, the innermost are shown.",
        }

    def sentences(self) -> dict[str, Callable]:
        return {"start": self.start_sentence, "order": self.order_sentence, "extract": self.extract_sentence}

    def order_sentence(self, run, state: int, current) -> str:
        order, _, reached = current.parameters
        last = order.ordering[reached - 1]
        text = f"Reached {reached:,} of {pluralize(len(run.data.points), 'point')}"
        if order.predecessors[last] < 0:
            return f"{text}; the last one was not near any point before it."
        return f"{text}; the last one has reachability {format_short(order.reachability[last])}."

    def extract_sentence(self, run, state: int, current) -> str:
        return f"Extracted: {density.counts_text(run.labels)}."

    def ending(self, run, state: int) -> str:
        return ""

    def formulas(self, run, point: int, cluster: int) -> list[Formula]:
        order = run.history.parameters[0].order
        core, reachability, position = order.cores[point], order.reachability[point], int(order.positions[point])
        before = int(order.predecessors[point])
        point_name, name_before = (escape(run.data.names_of([i])[0]) for i in (point, before))

        def core_values(frame) -> list[str]:
            return [f"= {short_number(core)}"]

        def values(frame) -> list[str]:
            if run.history.states[frame.state].parameters.reached <= position:
                return ["", "not reached yet."]
            if before < 0:
                return ["= ∞", f"number {position + 1:,} in the order; no point before it is near."]
            distance = np.linalg.norm(run.data.points[point] - run.data.points[before])
            return [
                f"= {short_number(reachability)}",
                f"number {position + 1:,} in the order, reached from {name_before}, whose core distance is "
                f"{short_number(order.cores[before])}, at distance {short_number(distance)}.",
            ]

        other, nearest = subscript(vector("x"), symbol("p")), subscript(vector("x"), row(sign("("), symbol("m"), sign(")")))
        core_of = [row(symbol("core"), sign("("), one, sign(")")) for one in (X, other)]
        apart = [row(sign("‖"), X, sign("−"), one, sign("‖")) for one in (nearest, other)]
        m = run.settings.option("min_points")
        minimum = f"<munder><mo>min</mo>{row(symbol('p'), sign('before'), N)}</munder>"
        right = row(minimum, symbol("max"), sign("("), core_of[1], sign(","), apart[1], sign(")"))
        return [
            Formula(
                "Core distance",
                "order",
                row(core_of[0], sign("="), apart[0], VALUE),
                f"Distance from {point_name} to its m-th nearest point (m = {m}), counting itself as the first.",
                core_values,
            ),
            Formula(
                "Reachability",
                "order",
                row(symbol("r"), sign("("), X, sign(")"), sign("="), right, VALUE),
                f"For {point_name}: {NOTE}",
                values,
            ),
        ]

    def point_columns(self, run) -> dict[str, np.ndarray]:
        order = run.history.parameters[-1].order
        return {"order": order.positions + 1, "reachability": order.reachability, "core_distance": order.cores}

    def arrays(self, run) -> dict[str, np.ndarray]:
        return {"reached": np.array([parameters.reached for parameters in run.history.parameters])}

    def scikit_learn_script(self, run, iterations: int) -> Script:
        option, eps = run.settings.option, run.settings.option("eps")
        valleys = f"xi={option('xi')}, min_cluster_size={option('min_cluster_size')}"
        extraction = f'cluster_method="dbscan", eps={eps}' if eps else valleys
        body = (
            f'model = OPTICS(min_samples={option("min_points")}, {extraction}, algorithm="kd_tree")\n'
            "labels = model.fit(points).labels_\nprint(model.reachability_[model.ordering_])\n"
        )
        return Script(frozenset(), body, frozenset({"from sklearn.cluster import OPTICS"}))


def _reached_before(run, state: int) -> int:
    """Number of points reached before a state."""
    iteration = run.history.states[state].iteration
    return run.history.parameters[iteration - 1].reached if iteration else 0


METHOD = OPTICSView()

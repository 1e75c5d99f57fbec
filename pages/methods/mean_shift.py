"""Mean shift in the app."""

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

import numpy as np

from clustering import MeanShift, suggested_bandwidth
from clustering.distances import nearest_centers
from pages.datasets.data import Data
from pages.datasets.formatting import format_number, format_short, pluralize
from pages.datasets.limits import MAX_POINTS_FOR_PROXIMITIES
from pages.methods.base import MethodView, NoScript, Placement, Script
from pages.methods.formulas import (
    NOTE,
    VALUE,
    Formula,
    N,
    X,
    cluster_number,
    coordinates,
    fraction,
    loss_value,
    row,
    short_number,
    sign,
    subscript,
    sum_over,
    symbol,
    vector,
)
from pages.methods.options import LARGEST, SMALLEST, Option, Settings, TunedOption, spaced
from pages.methods.traits import Loss, Traits

KERNEL = Option(
    "kernel",
    "Kernel",
    "flat",
    choices={"flat": "Flat", "gaussian": "Gaussian"},
    short_label={"flat": "flat", "gaussian": "Gaussian"}.get,
    help="Weights in the mean to which a point moves. Flat: all points within the bandwidth count equally. Gaussian: nearer "
    "points count more, and the bandwidth is a standard deviation.",
    width=130,
)


def default_bandwidth(data: Data, chosen: Mapping[str, Any]) -> float:
    """`suggested_bandwidth` for the chosen kernel, rounded as in the widget."""
    kernel = chosen.get("kernel", KERNEL.default)
    suggested = data.cached(f"bandwidth {kernel}", "", lambda: suggested_bandwidth(data.points, kernel))
    return float(f"{suggested:.3g}")


BANDWIDTH = Option(
    "bandwidth",
    "Bandwidth",
    2.0,
    low=SMALLEST,
    high=LARGEST,
    step=0.5,
    number_for=default_bandwidth,
    short_label=lambda bandwidth: f"bandwidth {bandwidth:g}",
    help="Width of the kernel. A larger bandwidth gives fewer clusters. Default: the bandwidth that would be optimal "
    "for estimating the gradient of the density if the data were Gaussian (normal reference rule, Chacón & Duong 2013, "
    "doi:10.1214/13-EJS781).",
    width=140,
)


def bandwidths(data: Data, settings: Settings) -> tuple[float, ...]:
    """Bandwidths from a quarter of `suggested_bandwidth` to twice as much."""
    suggested = suggested_bandwidth(data.points, settings.option("kernel"))
    return spaced(suggested / 4, suggested * 2)


class MeanShiftView(MethodView):
    name = "meanshift"
    title = "Mean shift"
    title_in_sentence = "mean shift"
    order = 5.2
    traits = Traits(
        k="found",
        center="mode",
        loss=Loss("nats", "absolute", "0.0001 nats"),
        random=False,
        regions=True,
        moves_points=True,
    )
    options = (KERNEL, BANDWIDTH)
    initializations = ()
    tuned = TunedOption("bandwidth", "bandwidth", "the bandwidth", bandwidths)
    notices_by_iteration = False
    still_phases = frozenset({"density"})
    step_names = {"density": "Density", "shift": "Shift", "merge": "Modes"}
    iteration_note = "In an iteration of mean shift, every point moves once."
    result_code = "state.parameters.modes"
    limit_advice = "Some points were still moving, so modes may not be peaks of the density. Choose a larger bandwidth."

    def process(self, settings: Settings, init=None) -> MeanShift:
        return MeanShift(settings.option("bandwidth"), settings.option("kernel"))

    def max_points(self, settings: Settings) -> int:
        return MAX_POINTS_FOR_PROXIMITIES

    def values_per_state(self, data: Data, settings: Settings, k: int | None = None) -> int:
        return min(len(data.points), MAX_POINTS_FOR_PROXIMITIES) * data.points.shape[1]

    def centers(self, parameters, data: Data) -> np.ndarray:
        return parameters.modes

    def positions(self, run, state: int) -> np.ndarray:
        """The climbing points; with the clusters of the last state, all points are back at their original positions."""
        current = run.history.states[state]
        return run.data.points if current.phase == "merge" else current.parameters.positions

    def regions(self, run, parameters, grid) -> np.ndarray:
        return grid.nearest(parameters.modes) if len(parameters.modes) else np.full(grid.shape, -1)

    def place(self, arrays, settings: Settings, data: Data) -> Placement:
        labels = nearest_centers(arrays["centers"], data.points)
        return Placement(labels, np.linalg.norm(data.points - arrays["centers"][labels], axis=1))

    def phases(self, run) -> dict[str, str]:
        width = f"bandwidth {run.settings.option('bandwidth'):g}"
        return {
            "start": "Every point will move uphill on the density of the points until it reaches a peak. Press Play or use "
            "the arrow keys.",
            "density": "The density is high where many points are close to each other.",
            "shift": f"Each point moves to the weighted mean of the data around it ({width}), where the density is higher. It "
            "stops at a mode, a peak of the density. The density is always that of the original points, so it does not "
            "change.",
            "merge": "Points that stopped within the bandwidth of each other share a mode. Each point, now back at its "
            "original position, belongs to the nearest mode.",
        }

    def sentences(self) -> dict[str, Callable]:
        return {
            "start": self.start_sentence,
            "density": self.density_sentence,
            "shift": self.shift_sentence,
            "merge": self.merge_sentence,
        }

    def density_sentence(self, run, state: int, current) -> str:
        return f"Density: every point is at its original position, loss {self.loss_text(current.loss)}."

    def shift_sentence(self, run, state: int, current) -> str:
        moved = format_short(_moves(run, current.iteration).max())
        return f"Shift: points moved by at most {moved}, loss {self.loss_text(current.loss)}."

    def merge_sentence(self, run, state: int, current) -> str:
        modes = pluralize(len(current.parameters.modes), "mode")
        return f"Modes: the points reached {modes}, loss {self.loss_text(current.loss)}."

    def formulas(self, run, point: int, cluster: int) -> list[Formula]:
        bandwidth, kernel = run.settings.option("bandwidth"), run.settings.option("kernel")
        process, points = run.history.process, run.data.points

        def position(frame) -> np.ndarray:
            return run.history.states[frame.state].parameters.positions[[point]]

        def shift_values(frame) -> list[str]:
            here = position(frame)
            weights = _weights(kernel, bandwidth, points, here[0])
            target = weights @ points / weights.sum()
            what = (
                f"{pluralize(int(weights.sum()), 'point')} within the bandwidth"
                if kernel == "flat"
                else f"weights that sum to {short_number(weights.sum())}"
            )
            density = format_number(float(np.exp(process.log_densities(points, here)[0])))
            return [f"= {coordinates(target)}", f"from {coordinates(here[0])}: {what}; density {density}."]

        def merge_values(frame) -> list[str]:
            modes = run.history.states[frame.state].parameters.modes
            if not len(modes):
                return ["", "no modes yet."]
            distances = np.linalg.norm(modes - points[point], axis=1)
            nearest = int(distances.argmin())
            return [f"= {cluster_number(run, nearest)}", f"at distance {short_number(distances[nearest])}."]

        y, h = subscript(vector("y"), N), symbol("h")
        j = symbol("j")
        other = subscript(vector("x"), j)
        weight = row(symbol("g"), sign("("), other, sign("−"), y, sign(")"))
        shift = row(y, sign("←"), fraction(row(sum_over(j), weight, other), row(sum_over(j), weight)), VALUE)
        length = row(sign("‖"), vector("u"), sign("‖"))
        if kernel == "flat":
            value = row("<mn>1</mn><mtext>&nbsp;if&nbsp;</mtext>", length, sign("≤"), h, "<mtext>, otherwise 0</mtext>")
        else:
            squares = [f"<msup>{one}<mn>2</mn></msup>" for one in (length, h)]
            value = f"<msup><mi>e</mi>{row(sign('−'), squares[0], sign('/'), '<mn>2</mn>', squares[1])}</msup>"
        of_kernel = row(symbol("g"), sign("("), vector("u"), sign(")"), sign("="), value)
        density = row(symbol("f"), sign("("), y, sign(")"))
        loss = row(
            symbol("L"), sign("="), sign("−"), fraction("<mn>1</mn>", symbol("N")), sum_over(N), sign("ln"), density, VALUE
        )
        mode = subscript(vector("m"), symbol("k"))
        nearest = row(
            subscript(symbol("z"), N),
            sign("="),
            f"<munder><mo>arg min</mo>{symbol('k')}</munder>",
            row(sign("‖"), X, sign("−"), mode, sign("‖")),
            VALUE,
        )
        name = escape(run.data.names_of([point])[0])
        return [
            Formula(
                "Objective",
                "density",
                loss,
                "Mean negative log of the kernel density f at the positions of the points."
                + " Its kernel is that of Epanechnikov, whose gradient gives the flat weights." * (kernel == "flat"),
                loss_value,
            ),
            Formula("Shift", "shift", (shift, of_kernel), f"With h = {bandwidth:g}, for {name} {NOTE}", shift_values),
            Formula("Modes", "merge", nearest, f"The nearest mode to {name}: {NOTE}", merge_values),
        ]

    def arrays(self, run) -> dict[str, np.ndarray]:
        """Positions of the points, and the modes: NaN until they are found."""
        states = run.history.parameters
        modes = np.full((len(states), *states[-1].modes.shape), np.nan)
        modes[-1] = states[-1].modes
        return {"positions": np.stack([climb.positions for climb in states]), "modes": modes}

    def scikit_learn_script(self, run, iterations: int) -> Script:
        settings = run.settings
        if settings.option("kernel") != "flat":
            raise NoScript("scikit-learn has no mean shift with a Gaussian kernel")
        body = (
            f"found = MeanShift(bandwidth={settings.option('bandwidth')!r}, max_iter={iterations}).fit(points)\n"
            "labels, parameters = found.labels_, found.cluster_centers_\n"
            "print(parameters)\n"
        )
        return Script(frozenset(), body, frozenset({"from sklearn.cluster import MeanShift"}))


def _moves(run, iteration: int) -> np.ndarray:
    """(n,) distance that each point moved in an iteration."""
    before, now = (run.history.parameters[t].positions for t in (iteration - 1, iteration))
    return np.linalg.norm(now - before, axis=1)


def _weights(kernel: str, bandwidth: float, points: np.ndarray, position: np.ndarray) -> np.ndarray:
    """(n,) weights of the points in a shift from a position."""
    squares = np.square(points - position).sum(axis=1)
    return (squares <= bandwidth**2).astype(float) if kernel == "flat" else np.exp(-0.5 * squares / bandwidth**2)


METHOD = MeanShiftView()

"""Fuzzy c-means, as the app offers, draws, explains and exports it."""

from html import escape

import numpy as np

from clustering import FuzzyCMeans
from pages.datasets.formatting import counted
from pages.methods.base import MethodView, Score
from pages.methods.formulas import (
    NOTE,
    VALUE,
    Formula,
    J,
    K,
    N,
    X,
    by_cluster,
    coordinates,
    fraction,
    loss_value,
    number_of,
    row,
    short_number,
    sign,
    squared_norm,
    sub,
    symbol,
    total,
    vector,
)
from pages.methods.options import Option, Settings
from pages.methods.traits import Loss, Traits

FUZZIFIER = Option(
    "m",
    "Fuzzifier m",
    2.0,
    low=1.05,
    high=10.0,
    step=0.25,
    short_label=lambda m: f"m = {m:g}",
    help="How soft memberships are: near 1 they are almost hard, as in K-means; the larger m, the more alike they are. 2 is "
    "common.",
    width=128,
)


class FuzzyCMeansView(MethodView):
    name = "fuzzy"
    title = "Fuzzy c-means"
    order = 2.5
    traits = Traits(share="membership", loss=Loss(), regions=True)
    options = (FUZZIFIER,)
    early_stopping = {"tol": 1e-6, "max_iter": 100}

    def process(self, settings: Settings, init=None) -> FuzzyCMeans:
        return FuzzyCMeans(settings.k, settings.option("m"), init=settings.start.initialization if init is None else init)

    def regions(self, run, parameters, grid) -> np.ndarray:
        return grid.nearest(parameters)

    def phases(self, run) -> dict[str, str]:
        return {
            "start": "No memberships yet. Press play, or step through.",
            "E": "E step: every point gets a membership in each cluster, the larger the nearer its center; a point's "
            "memberships sum to one. Colors blend by these memberships.",
            "M": "M step: every center moves to the mean of all points, each weighted by its membership to the power of m.",
        }

    def e_sentence(self, run, state: int, now) -> str:
        what = "memberships computed for the first time"
        if now.iteration > 0:
            what = f"{counted(now.assignment.changed, 'point')} changed the cluster of largest membership"
        return f"E step: {what}, loss {self.loss_text(now.loss)}."

    def formulas(self, run, point: int, cluster: int) -> list[Formula]:
        history, x, m = run.history, run.data.points[[point]], run.settings.option("m")

        def e_values(frame) -> list[str]:
            if frame.assigned is None:
                return ["", "not yet."]
            centers = history.states[frame.assigned].parameters
            distance = short_number(np.linalg.norm(centers[cluster] - x[0]))
            shares = history.process.memberships(centers, x)[0]
            return [f"= {shares[cluster]:.3f}", f"distance {distance}; membership in cluster {by_cluster(run, shares)}."]

        def m_values(frame) -> list[str]:
            now = history.states[frame.parameters]
            center = coordinates(now.parameters[cluster])
            if now.iteration == 0:
                return ["", f"center {center}: where it starts."]
            size = short_number(history.sizes[now.iteration - 1][cluster])
            return [f"= {center}", f"the weighted mean; its memberships sum to {size}."]

        center, other = sub(vector("c"), K), sub(vector("c"), J)
        share = sub(symbol("u"), row(N, K))
        power = f"<msubsup>{symbol('u')}{row(N, K)}{symbol('m')}</msubsup>"
        loss = row(symbol("L"), sign("="), total(N), total(K), power, squared_norm(row(X, sign("−"), center)), VALUE)
        ratio = fraction(_norm(row(X, sign("−"), center)), _norm(row(X, sign("−"), other)))
        exponent = fraction("<mn>2</mn>", row(symbol("m"), sign("−"), "<mn>1</mn>"))
        ratios = f"<msup>{row(sign('('), ratio, sign(')'))}{exponent}</msup>"
        e_step = row(share, sign("="), fraction("<mn>1</mn>", row(total(J), ratios)), VALUE)
        m_step = row(center, sign("="), fraction(row(total(N), power, X), row(total(N), power)), VALUE)
        called, k = escape(run.data.names_of([point])[0]), number_of(run, cluster)
        objective = f"Squared distances of all points to all centers, weighted by memberships to the power of m = {m:g}."
        return [
            Formula("Objective", "", loss, objective, loss_value),
            Formula("E step", "E", e_step, f"For {called} and cluster {k}: {NOTE}", e_values),
            Formula("M step", "M", m_step, f"For cluster {k}: {NOTE}", m_values),
        ]

    def scores(self, run) -> list[Score]:
        shares = run.history.last.assignment.shares
        coefficient = f"{np.square(shares).sum(axis=1).mean():.3f}"
        text = f"Mean over the points of the sum of squared memberships: 1 is hard, 1/K = {1 / run.k:.3f} as fuzzy as can be."
        return [Score("Partition coefficient", coefficient, text, compared=True, report=f"{coefficient}; 1 is hard")]

    compared_note = "Partition coefficient: 1 is a hard partition, 1/K is as fuzzy as can be."


def _norm(of: str) -> str:
    return row(sign("‖"), of, sign("‖"))


METHOD = FuzzyCMeansView()

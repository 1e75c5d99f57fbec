"""Fuzzy c-means in the app."""

from html import escape

import numpy as np

from clustering import FuzzyCMeans
from pages.datasets.formatting import pluralize
from pages.methods.base import MethodView, Score
from pages.methods.formulas import (
    E_STEP,
    M_STEP,
    NOTE,
    VALUE,
    Formula,
    J,
    K,
    N,
    X,
    cluster_number,
    coordinates,
    fraction,
    loss_value,
    row,
    short_number,
    sign,
    squared_norm,
    subscript,
    sum_over,
    symbol,
    values_by_cluster,
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
    help="Fuzziness of the memberships. Near m = 1 they are almost hard, as in K-means; as m grows, they become equal. "
    "A common choice is m = 2.",
    width=128,
)


class FuzzyCMeansView(MethodView):
    name = "fuzzy"
    title = "Fuzzy c-means"
    title_in_sentence = "fuzzy c-means"
    order = 2.5
    traits = Traits(membership="membership", loss=Loss(), regions=True)
    options = (FUZZIFIER,)
    early_stopping = {"tol": 1e-6, "max_iter": 100}

    def process(self, settings: Settings, init=None) -> FuzzyCMeans:
        return FuzzyCMeans(settings.k, settings.option("m"), init=settings.start.initialization if init is None else init)

    def regions(self, run, parameters, grid) -> np.ndarray:
        return grid.nearest(parameters)

    def phases(self, run) -> dict[str, str]:
        return {
            "start": "Memberships are not computed yet. Press Play or use the arrow keys.",
            "E": "Each point gets a membership in every cluster, larger for nearer centers. The memberships of a "
            "point sum to 1. Colors are blended accordingly.",
            "M": "Each center moves to the mean of all points, weighted by membership to the power of m.",
        }

    def e_sentence(self, run, state: int, current) -> str:
        change = "initial memberships computed"
        if current.iteration > 0:
            change = f"{pluralize(current.assignment.changed, 'point')} changed clusters (by largest membership)"
        return f"{E_STEP}: {change}, loss {self.loss_text(current.loss)}."

    def formulas(self, run, point: int, cluster: int) -> list[Formula]:
        history, x, m = run.history, run.data.points[[point]], run.settings.option("m")

        def e_values(frame) -> list[str]:
            if frame.assigned is None:
                return ["", "not assigned yet."]
            centers = history.states[frame.assigned].parameters
            distance = short_number(np.linalg.norm(centers[cluster] - x[0]))
            memberships = history.process.memberships(centers, x)[0]
            return [
                f"= {memberships[cluster]:.3f}",
                f"distance {distance}; memberships: {values_by_cluster(run, memberships, 'cluster')}.",
            ]

        def m_values(frame) -> list[str]:
            current = history.states[frame.parameters]
            center = coordinates(current.parameters[cluster])
            if current.iteration == 0:
                return ["", f"initial center {center}."]
            size = short_number(history.sizes[current.iteration - 1][cluster])
            return [f"= {center}", f"weighted mean of all points; the memberships in the cluster sum to {size}."]

        center, other = subscript(vector("c"), K), subscript(vector("c"), J)
        share = subscript(symbol("u"), row(N, K))
        power = f"<msubsup>{symbol('u')}{row(N, K)}{symbol('m')}</msubsup>"
        loss = row(symbol("L"), sign("="), sum_over(N), sum_over(K), power, squared_norm(row(X, sign("−"), center)), VALUE)
        ratio = fraction(_norm(row(X, sign("−"), center)), _norm(row(X, sign("−"), other)))
        exponent = fraction("<mn>2</mn>", row(symbol("m"), sign("−"), "<mn>1</mn>"))
        ratios = f"<msup>{row(sign('('), ratio, sign(')'))}{exponent}</msup>"
        e_step = row(share, sign("="), fraction("<mn>1</mn>", row(sum_over(J), ratios)), VALUE)
        m_step = row(center, sign("="), fraction(row(sum_over(N), power, X), row(sum_over(N), power)), VALUE)
        name, k = escape(run.data.names_of([point])[0]), cluster_number(run, cluster)
        objective = f"Sum of squared distances between points and centers, weighted by membership to the power of m = {m:g}."
        return [
            Formula("Objective", "", loss, objective, loss_value),
            Formula(E_STEP, "E", e_step, f"For {name} and cluster {k}: {NOTE}", e_values),
            Formula(M_STEP, "M", m_step, f"For cluster {k}: {NOTE}", m_values),
        ]

    def scores(self, run) -> list[Score]:
        memberships = run.history.last.assignment.memberships
        coefficient = f"{np.square(memberships).sum(axis=1).mean():.3f}"
        text = (
            "Mean over the points of the sum of squared memberships: from "
            f"1/K = {1 / run.k:.3f} (all memberships equal) to 1 (hard)."
        )
        report = f"{coefficient} (1 = hard, 1/K = all memberships equal)"
        return [Score("Partition coefficient", coefficient, text, comparable=True, report=report)]

    score_note = "Partition coefficient: 1 = hard partition, 1/K = all memberships equal."


def _norm(of: str) -> str:
    return row(sign("‖"), of, sign("‖"))


METHOD = FuzzyCMeansView()

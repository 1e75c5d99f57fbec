"""Mixtures of Gaussians, as the app offers, draws, explains and exports them."""

from html import escape
from typing import NamedTuple

import numpy as np

from clustering import GaussianMixture, aic, bic, icl, kl_divergence, match_clusters
from pages.datasets.data import Data
from pages.datasets.formatting import counted, minus, number, short
from pages.datasets.planes import Plane
from pages.figures.ellipses import ellipses
from pages.figures.markup import mark
from pages.figures.palette import color_of, mark_of
from pages.methods.base import MethodView, ResultTable, Score, Script, array_code
from pages.methods.formulas import (
    MOST_SHOWN,
    NK,
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
    sub,
    symbol,
    total,
    vector,
)
from pages.methods.options import Option, Settings
from pages.methods.starts import MANUAL, SEEDED, TREE, Initialization
from pages.methods.traits import Loss, Traits

K_MEANS = Initialization("k-means", "K-means", "K-means first")
ALIKE = Initialization(
    "alike",
    "Identical means",
    "putting all of them in the middle",
    repeatable=False,
    why_deterministic="Nothing in this is random: every start is the same.",
)
COVARIANCE = Option(
    "covariance",
    "Covariance",
    "full",
    choices={
        "full": "Full: any ellipse",
        "tied": "Tied: shared",
        "diagonal": "Diagonal: axis-aligned",
        "spherical": "Spherical: circles",
    },
)
FLOORS = {1e-6: "1e-6 × data variance", 1e-3: "0.001 × data variance", 1e-2: "0.01 × data variance", 0.0: "None"}
FLOOR = Option(
    "floor",
    "Least variance",
    1e-6,
    choices=FLOORS,
    short_label=lambda floor: f"least variance {floor:g}",
    help="Regularization: no component becomes narrower than this share of the variance of the data. Without a bound the "
    "likelihood of a component that shrinks onto a point has no end.",
    width=190,
    pages=frozenset({"mixture"}),
)
PEER_COVARIANCES = {"full": "full", "tied": "tied", "diagonal": "diag", "spherical": "spherical"}
"""what scikit-learn calls the covariance models"""


class MatchedComponent(NamedTuple):
    """A component that was found, and the one that it was matched with."""

    found: int
    true: int | None
    divergence: float | None
    """KL(true || found) in nats"""


def compared(run) -> list[MatchedComponent]:
    """Each component that was found, in the order of their numbers, with the true one that shares most points with it."""
    truth, found = run.data.truth, run.history.parameters[-1]
    k = max(len(truth.weights), len(found.weights))
    partner = match_clusters(run.history.last.labels, run.data.labels, k)
    rows = []
    for i in np.argsort(run.ranks).tolist():
        j = int(partner[i])
        if j >= len(truth.weights):
            rows.append(MatchedComponent(i, None, None))
            continue
        divergence = kl_divergence(truth.means[j], truth.covariances[j], found.means[i], found.covariances[i])
        rows.append(MatchedComponent(i, j, divergence))
    return rows


class MixtureView(MethodView):
    name = "mixture"
    title = "Gaussian mixture"
    order = 3
    traits = Traits(
        share="responsibility",
        center="mean",
        cluster="component",
        loss=Loss("nats per point", "absolute", "0.0001 nats per point"),
        regions=True,
    )
    works_with = "means and covariances of coordinates"
    options = (COVARIANCE, FLOOR)
    initializations = (*SEEDED, K_MEANS, ALIKE, TREE, MANUAL)
    early_stopping = {"tol": 1e-5, "max_iter": 100}
    model_option = COVARIANCE
    label_options = frozenset({COVARIANCE.name})

    def process(self, settings: Settings, init=None) -> GaussianMixture:
        start = settings.start.initialization if init is None else init
        return GaussianMixture(settings.k, settings.option("covariance"), init=start, floor=settings.option("floor"))

    def init_by_name(self, initialization: str, data: Data, k: int):
        return np.tile(data.points.mean(axis=0), (k, 1)) if initialization == ALIKE.name else initialization

    def start_at(self, data: Data, model_input, k: int, *, rows=None, centers=None, labels=None):
        return labels if labels is not None else super().start_at(data, model_input, k, rows=rows, centers=centers)

    def state_size(self, k: int, d: int) -> int:
        return k * (d + d * d)

    def centers(self, parameters, data: Data) -> np.ndarray:
        return parameters.means

    def outlines(self, run, state: int, plane: Plane) -> list[np.ndarray]:
        """An ellipse at one and one at two standard deviations."""
        _, means, covariances = run.history.states[state].parameters
        curves, gap = ellipses(covariances, plane), np.full((1, 2), np.nan)
        middles = plane.project(means)
        return [np.concatenate([m + curve, gap, m + 2 * curve]) for m, curve in zip(middles, curves, strict=True)]

    def regions(self, run, parameters, grid) -> np.ndarray:
        return grid.labels(parameters)

    def phases(self, run) -> dict[str, str]:
        return {
            "start": "Each ellipse is a Gaussian, at one and two standard deviations. Press play, or step through.",
            "E": "E step: every point is shared out among the Gaussians, each taking the share with which it may have made "
            "the point (its responsibility). Colors blend by these shares.",
            "M": "M step: every Gaussian takes the weighted mean and covariance of its share of the points. The loss shown is "
            "the bound that this step lowers; it meets the true loss again in the next E step.",
        }

    def e_sentence(self, run, state: int, now) -> str:
        what = "responsibilities given for the first time"
        if now.iteration > 0:
            what = f"{counted(now.assignment.changed, 'point')} changed the likeliest component"
        return f"E step: {what}, loss {self.loss_text(now.loss)}."

    def m_sentence(self, run, state: int, now) -> str:
        moved = short(self.moved(run, state).max())
        return f"M step: means moved by at most {moved}, loss {self.loss_text(now.loss)} (bound)."

    def formulas(self, run, point: int, cluster: int) -> list[Formula]:
        history, x = run.history, run.data.points[[point]]

        def e_values(frame) -> list[str]:
            if frame.assigned is None:
                return ["", "not yet."]
            parameters = history.states[frame.assigned].parameters
            joint = parameters.log_joint(x)[0]
            top = joint.max()
            log_density = top + np.log(np.exp(joint - top).sum())
            shares = np.exp(joint - log_density)
            weight = float(parameters.weights[cluster])
            density = np.exp(joint[cluster]) / weight if weight else 0.0
            return [
                f"= {shares[cluster]:.3f}",
                f"{short_number(weight)} × {short_number(density)} over a density of {short_number(np.exp(log_density))}; "
                f"of component {by_cluster(run, shares)}.",
            ]

        def m_values(frame) -> list[str]:
            now = history.states[frame.state]
            weight, mean, covariance = (part[cluster] for part in now.parameters)
            if now.iteration == 0:
                return ["", f"mean {coordinates(mean)}: where it starts."]
            mass = float(history.sizes[now.iteration - 1][cluster])
            scatter = "; ".join(" ".join(map(short_number, row[:MOST_SHOWN])) for row in covariance[:MOST_SHOWN])
            more = " …" if len(covariance) > MOST_SHOWN else ""
            shared = {"full": "", "tied": ", shared by all", "diagonal": ", its diagonal", "spherical": ", one variance"}
            return [
                "",
                f"w = {short_number(mass)} / {len(run.data.points):,} = {short_number(weight)}, m = {coordinates(mean)}, "
                f"S = [{scatter}{more}]{shared[run.settings.option('covariance')]}.",
            ]

        w, m, s = sub(symbol("w"), K), sub(vector("m"), K), sub(symbol("S"), K)
        others = [sub(symbol("w"), J), sub(vector("m"), J), sub(symbol("S"), J)]

        def part(weight, mean, covariance):
            return row(weight, symbol("𝒩"), sign("("), X, sign("|"), mean, sign(","), covariance, sign(")"))

        share = sub(symbol("r"), row(N, K))
        one_n = fraction("<mn>1</mn>", symbol("N"))
        loss = row(symbol("L"), sign("="), sign("−"), one_n, total(N), symbol("ln"), total(K), part(w, m, s), VALUE)
        e_step = row(share, sign("="), fraction(part(w, m, s), row(total(J), part(*others))), VALUE)
        one_k = fraction("<mn>1</mn>", NK)
        away = row(sign("("), X, sign("−"), m, sign(")"))
        scatter = row(away, f"<msup>{away}<mo>⊤</mo></msup>")
        gap = sign(",") + "<mspace width='1em'/>"
        of_weight = row(w, sign("="), fraction(NK, symbol("N")))
        of_mean = row(m, sign("="), one_k, total(N), share, X)
        m_step = row(of_weight, gap, of_mean, gap, s, sign("="), one_k, total(N), share, scatter, VALUE)
        called, k = escape(run.data.names_of([point])[0]), number_of(run, cluster)
        objective = "Mean negative log-likelihood, in nats per point; after an M step the bound that it lowers."
        return [
            Formula("Objective", "", loss, objective, loss_value),
            Formula("E step", "E", e_step, f"For {called} and component {k}: {NOTE}", e_values),
            Formula("M step", "M", m_step, f"For component {k}: {NOTE}", m_values),
        ]

    def cluster_columns(self, run) -> dict:
        weights, _, covariances = run.history.parameters[-1]
        return {"weight": weights, "covariance": covariances}

    def arrays(self, run) -> dict[str, np.ndarray]:
        states = run.history.parameters
        return {name: np.stack([getattr(one, name) for one in states]) for name in ("weights", "means", "covariances")}

    def scores(self, run) -> list[Score]:
        n, d = run.data.points.shape
        likelihood = -float(run.history.losses[-1]) * n
        parameters = run.history.process.parameter_count(d)
        criterion = number(bic(likelihood, parameters, n))
        return [
            Score(
                "Log-likelihood (sum, nats)",
                minus(f"{likelihood:,.3f}"),
                report=f"{number(likelihood)} nats, summed over the points",
            ),
            Score(
                "BIC",
                criterion,
                f"{parameters} parameters; p ln n − 2 ln L, smaller is better. R's mclust shows the negative.",
                compared=True,
                report=f"{criterion}, with {parameters} parameters; smaller is better",
            ),
        ]

    compared_note = "BIC: p ln n − 2 ln L, smaller is better; only between mixtures on the same points."

    def criteria(self, process, last, data: Data) -> dict[str, float]:
        n, d = data.points.shape
        likelihood, count = -last.loss * n, process.parameter_count(d)
        by_bayes = bic(likelihood, count, n)
        return {"bic": by_bayes, "aic": aic(likelihood, count), "icl": icl(by_bayes, last.assignment.responsibilities)}

    def tables(self, run) -> list[ResultTable]:
        """Found against true components, where the data were drawn from a mixture."""
        truth, found = run.data.truth, run.history.parameters[-1]
        if truth is None:
            return []

        def vector_text(values):
            return "(" + minus(", ".join(f"{value:.2f}" for value in values)) + ")"

        def matrix_text(values):
            return minus("; ".join(" ".join(f"{value:.2f}" for value in row) for row in values))

        rows, matched = [], compared(run)
        for i, j, divergence in matched:
            rank = run.ranks[i]
            cells = [mark(mark_of(rank), color_of(rank), rank + 1), f"{found.weights[i]:.3f}"]
            cells.append(None if j is None else f"{truth.weights[j]:.3f}")
            for of, text in (("means", vector_text), ("covariances", matrix_text)):
                cells += [text(getattr(found, of)[i]), None if j is None else text(getattr(truth, of)[j])]
            rows.append([*cells, None if divergence is None else f"{divergence:.4f}"])
        headers = [
            *("Component", "Weight found", "true", "Mean found", "true"),
            *("Covariance found", "true", "KL divergence, nats"),
        ]
        missed = len(truth.weights) - sum(one.true is not None for one in matched)
        lacking = f" {missed} of the {len(truth.weights)} true components have no partner among those found." * (missed > 0)
        caption = (
            "Matched by the points that they share. KL divergence of the true Gaussian from the one that was found: 0 is the "
            f"same.{lacking}"
        )
        return [ResultTable("Found against true", headers, rows, caption)]

    def label(self, settings: Settings) -> str:
        return f"{settings.option('covariance').capitalize()} mixture"

    start_imports = frozenset({"Gaussians"})
    result_code = "state.parameters.means"

    def start_code(self, parameters) -> str:
        return f"Gaussians({', '.join(map(array_code, parameters))})"

    def peer_script(self, run, iterations: int) -> Script:
        kind = PEER_COVARIANCES[run.settings.option("covariance")]
        first = run.history.parameters[0]
        precisions = np.linalg.inv(first.covariances)
        precisions = {
            "full": precisions,
            "tied": precisions[0],
            "diag": np.diagonal(precisions, axis1=1, axis2=2),
            "spherical": precisions[:, 0, 0],
        }[kind]
        body = (
            'warnings.simplefilter("ignore")  # that it has not converged\n'
            f'model = GaussianMixture(\n    {run.settings.k}, covariance_type="{kind}", tol=0, reg_covar=1e-12, '
            f"max_iter={max(run.history.iterations, 1)},  # as many as here, where the rule to stop is another one\n"
            f"    weights_init={array_code(first.weights)},\n    means_init={array_code(first.means)},\n"
            f"    precisions_init={array_code(precisions)},\n).fit(points)\n"
            "labels, found, loss = model.predict(points), model.means_, -model.score(points)\nprint(loss)\nprint(found)\n"
        )
        return Script(frozenset({"import warnings", "from sklearn.mixture import GaussianMixture"}), body)


METHOD = MixtureView()

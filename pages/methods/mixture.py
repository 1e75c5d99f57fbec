"""Gaussian mixtures in the app."""

from collections.abc import Callable
from html import escape
from typing import Any, NamedTuple

import numpy as np

from clustering import GaussianMixture, Gaussians, aic, bic, check_gaussians, entropies, kl_divergence, match_clusters
from clustering.features import feature_count
from clustering.mixture import FEATURES_LIMIT
from pages.datasets import units
from pages.datasets.data import ColumnScaling, Data
from pages.datasets.formatting import format_number, format_short, minus_signs, pluralize
from pages.datasets.planes import Plane
from pages.figures.ellipses import ellipses
from pages.figures.markup import cluster_mark
from pages.methods.base import MethodView, NoScript, Placement, ResultTable, Score, Script, array_code
from pages.methods.formulas import (
    E_STEP,
    M_STEP,
    MAX_SHOWN,
    NK,
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
    subscript,
    sum_over,
    symbol,
    values_by_cluster,
    vector,
)
from pages.methods.options import Option, Settings
from pages.methods.starts import MANUAL, PARALLEL, SEEDED, TREE, Initialization
from pages.methods.traits import Loss, Traits

K_MEANS = Initialization("k-means", "K-means", "a K-means run")
ALIKE = Initialization(
    "alike",
    "Identical means",
    "the mean of the data",
    preposition="at",
    repeatable=False,
    why_deterministic="All means start at the mean of the data: the start is always the same.",
)
COVARIANCE = Option(
    "covariance",
    "Covariance",
    "full",
    choices={
        "full": "Full: any ellipse",
        "tied": "Tied: same ellipse for all",
        "diagonal": "Diagonal: axis-aligned",
        "spherical": "Spherical: circles",
    },
)
FLOORS = {1e-6: "1e-6 × data variance", 1e-3: "0.001 × data variance", 1e-2: "0.01 × data variance", 0.0: "None"}
FLOOR = Option(
    "floor",
    "Variance floor",
    1e-6,
    choices=FLOORS,
    short_label=lambda floor: f"variance floor {floor:g}",
    help="Regularization: smallest variance of a component in any direction, after standardizing the columns. Without a floor "
    "the likelihood is unbounded: a component can shrink onto a single point.",
    width=190,
    pages=frozenset({"mixture"}),
)
PEER_COVARIANCES = {"full": "full", "tied": "tied", "diagonal": "diag", "spherical": "spherical"}
"""scikit-learn's names of the covariance models"""


class MatchedComponent(NamedTuple):
    """An estimated component and the true component matched with it."""

    found: int
    """index of the estimated component"""
    true: int | None
    """index of the true component; None if there are fewer true components"""
    divergence: float | None
    """KL(true || estimated) in nats"""


def matched_components(run) -> list[MatchedComponent]:
    """Match estimated components with true ones so that matched pairs share as many points as possible.

    The components are sorted by displayed number.
    """
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


def responsibility_values(run, point: int, cluster: int) -> Callable[[Any], list[str]]:
    """Values of the E step of a mixture in a frame: the responsibility of a component for a point, and how it is computed."""
    x = run.data.points[[point]]

    def values(frame) -> list[str]:
        if frame.assigned is None:
            return ["", "not assigned yet."]
        parameters = run.history.states[frame.assigned].parameters
        joint = parameters.log_joint(x)[0]
        top = joint.max()
        log_density = top + np.log(np.exp(joint - top).sum())
        responsibilities = np.exp(joint - log_density)
        weight = float(parameters.weights[cluster])
        density = np.exp(joint[cluster]) / weight if weight else 0.0
        return [
            f"= {responsibilities[cluster]:.3f}",
            f"{short_number(weight)} × {short_number(density)} / {short_number(np.exp(log_density))}; "
            f"responsibilities: {values_by_cluster(run, responsibilities, 'component')}.",
        ]

    return values


def matrix_text(matrix) -> str:
    """The first rows and columns of a matrix, for a formula."""
    rows = "; ".join(" ".join(map(short_number, row[:MAX_SHOWN])) for row in matrix[:MAX_SHOWN])
    return f"[{rows}{' …' if len(matrix) > MAX_SHOWN else ''}]"


COVARIANCE_NOTES = {"full": "", "tied": ", shared by all", "diagonal": ", diagonal", "spherical": ", one variance"}
"""what the formulas add to a covariance"""


WEIGHTED_OBSERVATIONS = "(sum of the weights if all are whole numbers, otherwise number of rows with a weight above 0)"
"""what `MixtureView.observations` returns for rows with weights"""


class MixtureView(MethodView):
    name = "mixture"
    title = "Gaussian mixture"
    order = 3
    traits = Traits(
        blocks=True,
        weights=True,
        membership="responsibility",
        center="mean",
        cluster="component",
        loss=Loss("nats per point", "absolute", "0.0001 nats per point"),
        regions=True,
    )
    process_class = GaussianMixture
    works_with = "means and covariances of coordinates"
    options = (COVARIANCE, FLOOR)
    initializations = (*SEEDED, PARALLEL, K_MEANS, ALIKE, TREE, MANUAL)
    early_stopping = {"tol": 1e-5, "max_iter": 100}
    model_option = COVARIANCE
    label_options = frozenset({COVARIANCE.name})

    def cluster_of(self, process, parameters, points) -> np.ndarray:
        return parameters.responsibilities(points)

    def placement_arrays(self, run) -> dict[str, np.ndarray]:
        return run.history.parameters[-1]._asdict()

    def mixture_of(self, arrays):
        """The validated parameters that `placement_arrays` returns."""
        return check_gaussians(*(arrays[name] for name in Gaussians._fields))

    def place(self, arrays, settings: Settings, data: Data) -> Placement:
        mixture = self.mixture_of(arrays)
        joint = mixture.log_joint(data.points)
        labels = self.process(settings).predict(mixture, data.points)
        # the density of a component is largest at its mean, where the distance is 0
        largest = np.diagonal(mixture.log_joint(mixture.means))[labels]
        squares = 2 * (largest - np.take_along_axis(joint, labels[:, None], axis=1)[:, 0])
        return Placement(labels, np.sqrt(np.maximum(squares, 0.0)))

    def placement_rule(self, settings: Settings) -> str:
        return "the most likely component"

    def placement_distance(self, settings: Settings) -> str:
        return "Mahalanobis distance to the mean: the number of standard deviations in its direction"

    def process(self, settings: Settings, init=None) -> GaussianMixture:
        start = settings.start.initialization if init is None else init
        return self.process_class(settings.k, init=start, **self.arguments(settings))

    def init_by_name(self, initialization: str, data: Data, k: int):
        return np.tile(data.points.mean(axis=0), (k, 1)) if initialization == ALIKE.name else initialization

    def start_at(self, data: Data, model_input, k: int, *, rows=None, centers=None, labels=None):
        return labels if labels is not None else super().start_at(data, model_input, k, rows=rows, centers=centers)

    def input_note(self, data: Data, model_input) -> str:
        """What is wrong with a mixture of columns of 0 and 1, and for which columns; empty if there are no such columns."""
        if data.origin is None or not data.origin.categories:
            return ""
        several = [name for name, categories in data.origin.categories.items() if len(categories) > 2]
        singular = f" (those of {', '.join(several)} always sum to 1)" if several else ""
        return (
            f"Columns of 0 and 1 are not Gaussian{singular}: covariances can become singular, and then the likelihood and BIC "
            "depend on the variance floor. Prefer numeric features, or K-medoids with Gower distance."
        )

    def covariance_model(self, settings: Settings) -> str:
        """Covariance model of the components."""
        return settings.option("covariance")

    def state_size(self, k: int, d: int) -> int:
        return k * (d + d * d)

    def working_values(self, data: Data, settings: Settings) -> int:
        n, d = data.points.shape
        features = n * feature_count(self.covariance_model(settings), d)
        return super().working_values(data, settings) + min(features, FEATURES_LIMIT // 8)

    def centers(self, parameters, data: Data) -> np.ndarray:
        return parameters.means

    def ellipses_of(self, parameters) -> Gaussians:
        """The Gaussians that are drawn as ellipses."""
        return parameters

    def outlines(self, run, state: int, plane: Plane) -> list[np.ndarray]:
        """Ellipses at one and two standard deviations."""
        _, means, covariances = self.ellipses_of(run.history.states[state].parameters)
        curves, gap = ellipses(covariances, plane), np.full((1, 2), np.nan)
        centers = plane.project(means)
        return [np.concatenate([m + curve, gap, m + 2 * curve]) for m, curve in zip(centers, curves, strict=True)]

    def regions(self, run, parameters, grid) -> np.ndarray:
        return grid.labels(parameters)

    def phases(self, run) -> dict[str, str]:
        return {
            "start": "Ellipses show each Gaussian at one and two standard deviations. Press Play or use the arrow keys.",
            "E": "Each point gets a posterior probability (responsibility) for every component. Colors are blended "
            "accordingly.",
            "M": "Each component takes the mean and covariance of all points, weighted by responsibility. The value "
            "shown is an upper bound on the loss; the next assignment makes it tight again.",
        }

    def e_sentence(self, run, state: int, current) -> str:
        change = "initial responsibilities computed"
        if current.iteration > 0:
            n = current.assignment.changed
            change = f"{pluralize(n, 'point')} changed {'its' if n == 1 else 'their'} most likely component"
        return f"{E_STEP}: {change}, loss {self.loss_text(current.loss)}."

    def m_sentence(self, run, state: int, current) -> str:
        shift = format_short(self.center_shifts(run, state).max())
        return f"{M_STEP}: means moved by at most {shift}, loss {self.loss_text(current.loss)} (upper bound)."

    def formulas(self, run, point: int, cluster: int) -> list[Formula]:
        history = run.history

        def m_values(frame) -> list[str]:
            current = history.states[frame.state]
            weight, mean, covariance = (part[cluster] for part in current.parameters)
            if current.iteration == 0:
                return ["", f"initial mean {coordinates(mean)}."]
            mass = float(history.sizes[current.iteration - 1][cluster])
            return [
                "",
                f"w = {short_number(mass)} / {run.total_text} = {short_number(weight)}, m = {coordinates(mean)}, "
                f"S = {matrix_text(covariance)}{COVARIANCE_NOTES[run.settings.option('covariance')]}.",
            ]

        w, m, s = subscript(symbol("w"), K), subscript(vector("m"), K), subscript(symbol("S"), K)
        others = [subscript(symbol("w"), J), subscript(vector("m"), J), subscript(symbol("S"), J)]

        def part(weight, mean, covariance):
            return row(weight, symbol("𝒩"), sign("("), X, sign("|"), mean, sign(","), covariance, sign(")"))

        share = subscript(symbol("r"), row(N, K))
        one_n = fraction("<mn>1</mn>", symbol("N"))
        loss = row(symbol("L"), sign("="), sign("−"), one_n, sum_over(N), symbol("ln"), sum_over(K), part(w, m, s), VALUE)
        e_step = row(share, sign("="), fraction(part(w, m, s), row(sum_over(J), part(*others))), VALUE)
        one_k = fraction("<mn>1</mn>", NK)
        away = row(sign("("), X, sign("−"), m, sign(")"))
        scatter = row(away, f"<msup>{away}<mo>⊤</mo></msup>")
        of_weight = row(w, sign("="), fraction(NK, symbol("N")))
        of_mean = row(m, sign("="), one_k, sum_over(N), share, X)
        of_covariance = row(s, sign("="), one_k, sum_over(N), share, scatter, VALUE)
        m_step = of_weight, of_mean, of_covariance
        name, k = escape(run.data.names_of([point])[0]), cluster_number(run, cluster)
        objective = (
            "Mean negative log-likelihood, in nats per point. After an update, the value shown is instead that of the upper "
            "bound that EM minimizes."
        )
        if run.weights is not None:
            objective += " Each term of a sum over n is multiplied by the weight of row n, and N is the sum of the weights."
        return [
            Formula("Objective", "", loss, objective, loss_value),
            Formula(E_STEP, "E", e_step, f"For {name} and component {k}: {NOTE}", responsibility_values(run, point, cluster)),
            Formula(M_STEP, "M", m_step, f"For component {k}: {NOTE}", m_values),
        ]

    def cluster_columns(self, run) -> dict:
        weights, _, covariances = run.history.parameters[-1]
        return {"weight": weights, "covariance": covariances}

    def cluster_columns_in_units(self, run, scaling: ColumnScaling) -> dict:
        return {"covariance": scaling.covariances(run.history.parameters[-1].covariances)}

    def arrays(self, run) -> dict[str, np.ndarray]:
        states = run.history.parameters
        return {name: np.stack([getattr(one, name) for one in states]) for name in states[0]._fields}

    def observations(self, data: Data) -> float:
        """Number of observations for information criteria."""
        return data.n if self.weights_of(data) is None else data.observations

    def scores(self, run) -> list[Score]:
        n, d = self.observations(run.data), run.data.points.shape[1]
        likelihood = -float(run.history.losses[-1]) * n
        parameters = run.history.process.parameter_count(d)
        criterion = format_number(bic(likelihood, parameters, n))
        weighted = "" if run.weights is None else f", n = {n:,.6g} {WEIGHTED_OBSERVATIONS}"
        return [
            Score(
                "Log-likelihood (sum, nats)",
                minus_signs(f"{likelihood:,.3f}"),
                report=f"{format_number(likelihood)} nats (sum over points)",
            ),
            Score(
                "BIC",
                criterion,
                f"p ln n − 2 ln L with p = {parameters} parameters{weighted}; lower is better. R's mclust reports the "
                "negative.",
                comparable=True,
                report=f"{criterion} ({parameters} parameters{weighted}; lower is better)",
            ),
        ]

    score_note = (
        "BIC = p ln n − 2 ln L (p parameters, n points, likelihood L); lower is better. Compare only mixtures fitted to the "
        "same data."
    )

    def criteria(self, process, last, data: Data) -> dict[str, float]:
        n, d = self.observations(data), data.points.shape[1]
        likelihood, count = -last.loss * n, process.parameter_count(d)
        by_bayes = bic(likelihood, count, n)
        # the entropy of all points is estimated from those in memory, if they are a sample
        entropy = 2 * n * float(np.average(entropies(last.assignment.responsibilities), weights=self.weights_of(data)))
        return {"bic": by_bayes, "aic": aic(likelihood, count), "icl": by_bayes + entropy}

    def tables(self, run) -> list[ResultTable]:
        """Estimated vs. true parameters, if the data were drawn from a mixture."""
        truth, found, data = run.data.truth, run.history.parameters[-1], run.data
        if truth is None:
            return []

        def vector_text(values):
            return "(" + minus_signs(", ".join(f"{value:.2f}" for value in values)) + ")"

        def covariance_text(values):
            return minus_signs("; ".join(" ".join(f"{value:.2f}" for value in row) for row in values))

        rows, matched = [], matched_components(run)
        for i, j, divergence in matched:
            rank = run.ranks[i]
            cells = [cluster_mark(rank, run.number_and_name(rank)), f"{found.weights[i]:.3f}"]
            cells.append(None if j is None else f"{truth.weights[j]:.3f}")
            for name, text, convert in (
                ("means", vector_text, units.in_units),
                ("covariances", covariance_text, units.covariances_in_units),
            ):
                cells.append(text(convert(data, getattr(found, name)[i])))
                cells.append(None if j is None else text(convert(data, getattr(truth, name)[j])))
            rows.append([*cells, None if divergence is None else f"{divergence:.4f}"])
        headers = [
            *("Component", "Weight (est.)", "Weight (true)", "Mean (est.)", "Mean (true)"),
            *("Covariance (est.)", "Covariance (true)", "KL divergence (nats)"),
        ]
        missed = len(truth.weights) - sum(one.true is not None for one in matched)
        unmatched = f" {missed} of the {len(truth.weights)} true components are unmatched." * (missed > 0)
        caption = (
            f"Coordinates: {', '.join(units.column_names(data))}. Estimated components are matched to the true ones so that "
            "they share as many points as possible. KL divergence: "
            f"KL(true ‖ estimated); 0 = identical.{unmatched}"
        )
        return [ResultTable("Estimated vs. true parameters", headers, rows, caption)]

    def label(self, settings: Settings) -> str:
        return f"Mixture ({settings.option('covariance')})"

    start_imports = frozenset({"Gaussians"})
    result_code = "state.parameters.means"

    def start_code(self, parameters) -> str:
        return f"{type(parameters).__name__}({', '.join(map(array_code, parameters))})"

    def scikit_learn_script(self, run, iterations: int) -> Script:
        if run.weights is not None:
            raise NoScript("scikit-learn's GaussianMixture has no weights of rows")
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
            'warnings.simplefilter("ignore")  # ConvergenceWarning\n'
            f'model = GaussianMixture(\n    {run.settings.k}, covariance_type="{kind}", tol=0, reg_covar=1e-12, '
            f"max_iter={max(run.history.iterations, 1)},  # as in the app, which has a different stopping rule\n"
            f"    weights_init={array_code(first.weights)},\n    means_init={array_code(first.means)},\n"
            f"    precisions_init={array_code(precisions)},\n).fit(points)\n"
            "labels, parameters, loss = model.predict(points), model.means_, -model.score(points)\n"
            "print(loss)\nprint(parameters)\n"
        )
        return Script(frozenset(), body, frozenset({"import warnings", "from sklearn.mixture import GaussianMixture"}))


METHOD = MixtureView()

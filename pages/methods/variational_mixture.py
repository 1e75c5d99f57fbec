"""Variational Bayesian mixtures of Gaussians in the app."""

from dataclasses import replace
from html import escape

import numpy as np

from clustering import VariationalGaussians, VariationalMixture, check_variational_gaussians
from clustering.gaussians import Gaussians
from clustering.variational_mixture import MEAN_PRECISION
from pages.datasets.data import Data
from pages.datasets.formatting import format_short, pluralize
from pages.datasets.planes import Plane
from pages.figures.markup import cluster_mark
from pages.methods.base import ResultTable, Score, Script, array_code
from pages.methods.formulas import (
    E_STEP,
    M_STEP,
    NK,
    NOTE,
    VALUE,
    Formula,
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
from pages.methods.mixture import K_MEANS, MixtureView, matrix_text
from pages.methods.options import Option, Settings
from pages.methods.starts import MANUAL, SEEDED, TREE

DEFAULT = "1/k"
CONCENTRATION = Option(
    "concentration",
    "Concentration prior",
    DEFAULT,
    choices={DEFAULT: "1 / K", 1e-3: "0.001", 0.1: "0.1", 1.0: "1", 10.0: "10", 100.0: "100"},
    short_label=lambda concentration: "α₀ = 1/K" if concentration == DEFAULT else f"α₀ = {concentration:g}",
    argument=None,
    help="Parameter α₀ of the Dirichlet prior of the weights. The smaller, the fewer components keep points; a large one "
    "gives all components similar weights.",
)


def concentration_of(settings: Settings) -> float | None:
    """Argument `concentration` of the process."""
    value = settings.option("concentration")
    return None if value == DEFAULT else value


class VariationalMixtureView(MixtureView):
    name = "variational"
    title = "Bayesian mixture"
    order = 3.4
    traits = replace(MixtureView.traits, blocks=False, weights=False)
    process_class = VariationalMixture
    options = (CONCENTRATION,)
    initializations = (*SEEDED, K_MEANS, TREE, MANUAL)
    model_option = None
    label_options = frozenset()
    start_imports = frozenset({"VariationalGaussians"})
    score_note = "Components in use: those that explain at least one point."

    def arguments(self, settings: Settings) -> dict:
        value = concentration_of(settings)
        return {} if value is None else {"concentration": value}

    def mixture_of(self, arrays) -> VariationalGaussians:
        return check_variational_gaussians(*(arrays[name] for name in VariationalGaussians._fields))

    def state_size(self, k: int, d: int) -> int:
        return k * (3 + d + d * d)

    def covariance_model(self, settings: Settings) -> str:
        return "full"

    def ellipses_of(self, parameters: VariationalGaussians) -> Gaussians:
        return parameters.gaussians

    def hidden_centers(self, run, state: int) -> np.ndarray | None:
        """Components that explain less than one point."""
        assignment = run.history.states[state].assignment
        return None if assignment is None else assignment.sizes < 1

    def outlines(self, run, state: int, plane: Plane) -> list[np.ndarray]:
        outlines, hidden = super().outlines(run, state, plane), self.hidden_centers(run, state)
        if hidden is None:
            return outlines
        return [np.full_like(line, np.nan) if gone else line for line, gone in zip(outlines, hidden, strict=True)]

    def regions(self, run, parameters, grid) -> np.ndarray:
        return grid.labels(parameters.expected)

    def phases(self, run) -> dict[str, str]:
        return {
            "start": "Ellipses show the expected covariance of each component at one and two standard deviations. Press Play "
            "or use the arrow keys.",
            "E": "Each point gets a responsibility for every component. Components that explain less than one point are no "
            "longer drawn.",
            "M": "The posterior distribution of each component's parameters is updated with its points, weighted by "
            "responsibility. Components with few points get smaller weights than their share, so that they lose more points.",
        }

    def e_sentence(self, run, state: int, current) -> str:
        used = int(np.count_nonzero(current.assignment.sizes >= 1))
        text = super().e_sentence(run, state, current).removesuffix(".")
        return f"{text}. {used} of {pluralize(run.k, 'component')} in use."

    def m_sentence(self, run, state: int, current) -> str:
        drawn = ~self.hidden_centers(run, state)
        shift = format_short(self.center_shifts(run, state)[drawn].max(initial=0.0))
        return f"{M_STEP}: means moved by at most {shift}, loss {self.loss_text(current.loss)}."

    def formulas(self, run, point: int, cluster: int) -> list[Formula]:
        history, x = run.history, run.data.points[[point]]
        prior = history.process.concentration or 1 / run.settings.k

        def e_values(frame) -> list[str]:
            if frame.assigned is None:
                return ["", "not assigned yet."]
            parameters = history.states[frame.assigned].parameters
            responsibilities = parameters.responsibilities(x)[0]
            return [
                f"= {responsibilities[cluster]:.3f}",
                f"exponent {short_number(parameters.log_joint(x)[0, cluster])}; responsibilities: "
                f"{values_by_cluster(run, responsibilities, 'component')}.",
            ]

        def m_values(frame) -> list[str]:
            current = history.states[frame.state]
            parameters = current.parameters
            a, b, f = (getattr(parameters, name)[cluster] for name in ("concentrations", "mean_precisions", "degrees"))
            mean = coordinates(parameters.means[cluster])
            if current.iteration == 0:
                return ["", f"initial mean {mean}, α = {short_number(a)}."]
            mass = float(history.sizes[current.iteration - 1][cluster])
            return [
                "",
                f"N = {short_number(mass)}, α = {short_number(prior)} + {short_number(mass)} = {short_number(a)}, "
                f"expected weight {short_number(parameters.weights[cluster])}, β = {short_number(b)}, ν = {short_number(f)}, "
                f"m = {mean}, expected covariance {matrix_text(parameters.covariances[cluster])}.",
            ]

        w, m, inverse = subscript(symbol("w"), K), subscript(vector("m"), K), subscript(symbol("Λ"), K)
        share, zero = subscript(symbol("r"), row(N, K)), "<mn>0</mn>"
        alpha, beta, nu = (subscript(symbol(name), K) for name in "αβν")
        priors = {name: subscript(symbol(name), zero) for name in "αβν"}
        density = row(symbol("𝒩"), sign("("), X, sign("|"), m, sign(","), inverse, sign(")"))

        def expectation(*parts):
            return row(symbol("E"), sign("["), symbol("ln"), *parts, sign("]"))

        loss = row(
            symbol("L"), sign("="), sign("−"), fraction("<mn>1</mn>", symbol("N")), sign("("),
            expectation(symbol("p"), sign("("), vector("x"), sign(","), symbol("z"), sign(","), symbol("θ"), sign(")")),
            sign("−"), expectation(symbol("q"), sign("("), symbol("z"), sign(","), symbol("θ"), sign(")")), sign(")"), VALUE,
        )  # fmt: skip
        e_step = row(
            share, sign("∝"), symbol("exp"), sign("("), expectation(w), sign("+"), expectation(density), sign(")"), VALUE
        )
        updates = [
            row(one, sign("="), priors[name], sign("+"), NK) for name, one in zip("αβν", (alpha, beta, nu), strict=True)
        ]
        of_mean = row(
            m, sign("="),
            fraction(row(priors["β"], subscript(vector("m"), zero), sign("+"), sum_over(N), share, X), beta), VALUE,
        )  # fmt: skip
        name, k = escape(run.data.names_of([point])[0]), cluster_number(run, cluster)
        objective = (
            "Negative evidence lower bound (ELBO) in nats per point: an upper bound of the negative logarithm of the marginal "
            "likelihood. z: components of the points, θ: parameters, q: their posterior distribution."
        )
        note = (
            f"For component {k}: {NOTE} The prior has α₀ = {short_number(prior)}, β₀ = {MEAN_PRECISION:g}, "
            f"ν₀ = {x.shape[1]}, and the mean and covariance of the data."
        )
        return [
            Formula("Objective", "", loss, objective, loss_value),
            Formula(E_STEP, "E", e_step, f"For {name} and component {k}: {NOTE}", e_values),
            Formula(M_STEP, "M", (*updates, of_mean), note, m_values),
        ]

    def cluster_columns(self, run) -> dict:
        last = run.history.parameters[-1]
        return {
            "weight": last.weights,
            "concentration": last.concentrations,
            "mean_precision": last.mean_precisions,
            "degrees_of_freedom": last.degrees,
            "covariance": last.covariances,
        }

    def scores(self, run) -> list[Score]:
        used = str(int(np.count_nonzero(run.sizes >= 1)))
        text = "Components that explain at least one point. This does not test the number of groups: it depends on the prior."
        return [Score("Components in use", used, text, comparable=True, report=f"{used} of {run.k}")]

    def criteria(self, process, last, data: Data) -> dict[str, float]:
        return {}

    def tables(self, run) -> list[ResultTable]:
        last, n = run.history.parameters[-1], run.data.n
        total = last.concentrations.sum()
        deviations = np.sqrt(last.weights * (1 - last.weights) / (total + 1))
        rows = []
        for i in np.argsort(run.ranks).tolist():
            mark = cluster_mark(run.ranks[i], run.number_and_name(run.ranks[i]))
            state = "in use" if run.sizes[i] >= 1 else "superfluous"
            rows.append([mark, format_short(run.sizes[i]), f"{last.weights[i]:.4f}", f"{deviations[i]:.4f}", state])
        caption = (
            f"Size: sum of the responsibilities of the {n:,} points. The expected weight and its standard deviation are those "
            "of the posterior distribution. Superfluous components explain less than one point; their parameters are those "
            "of the prior."
        )
        headers = ["Component", "Size", "Weight (expected)", "Weight (std. dev.)", "State"]
        return [ResultTable("Posterior distribution of the weights", headers, rows, caption)]

    def label(self, settings: Settings) -> str:
        return self.title

    def scikit_learn_script(self, run, iterations: int) -> Script:
        start = run.history.parameters[0]
        names = ("weight_concentration_", "mean_precision_", "means_", "degrees_of_freedom_", "covariances_")
        values = "".join(f"model.{name} = {array_code(value)}\n" for name, value in zip(names, start, strict=True))
        body = (
            'warnings.simplefilter("ignore")  # ConvergenceWarning\n'
            f"model = BayesianGaussianMixture(\n    n_components={run.settings.k}, "
            'weight_concentration_prior_type="dirichlet_distribution",\n'
            f"    weight_concentration_prior={concentration_of(run.settings)}, reg_covar=1e-12, tol=0, "
            f"max_iter={max(run.history.iterations, 1)},  # as in the app\n    warm_start=True,\n)\n"
            "# a warm start, so that the model starts with the same posterior distribution\n"
            f"{values}"
            "factors = np.linalg.cholesky(model.covariances_)\n"
            "model.precisions_cholesky_ = np.linalg.inv(factors).transpose(0, 2, 1)\n"
            "model.converged_, model.lower_bound_ = False, -np.inf\nmodel.fit(points)\n"
            "labels, parameters = model.predict(points), model.means_\n"
            "print(model.weights_)\nprint(parameters)\n"
        )
        imports = {"import warnings", "from sklearn.mixture import BayesianGaussianMixture"}
        return Script(frozenset(), body, frozenset(imports))


METHOD = VariationalMixtureView()

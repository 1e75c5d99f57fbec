"""Student-t mixtures in the app."""

from dataclasses import replace
from html import escape

import numpy as np

from clustering import StudentMixture, Students, check_students
from clustering.gaussians import Gaussians
from clustering.student_mixture import ESTIMATED, MAX_DEGREES
from pages.datasets import units
from pages.datasets.data import ColumnScaling, Data
from pages.datasets.formatting import format_short, pluralize
from pages.figures.markup import cluster_mark
from pages.methods.base import NoScript, Placement, ResultTable, Script
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
    subscript,
    sum_over,
    symbol,
    vector,
)
from pages.methods.mixture import (
    COVARIANCE,
    COVARIANCE_NOTES,
    K_MEANS,
    MixtureView,
    matrix_text,
    responsibility_values,
)
from pages.methods.options import Option, Settings
from pages.methods.starts import MANUAL, SEEDED, TREE

SHOWN, COLUMNS_SHOWN = 8, 6
"""number of points in the table of the smallest weights, and of their columns"""
DEGREES = Option(
    "degrees",
    "Degrees of freedom",
    ESTIMATED,
    choices={ESTIMATED: "Estimated", 1.0: "1 (Cauchy)", 2.0: "2", 4.0: "4", 10.0: "10", 30.0: "30"},
    short_label=lambda degrees: "ν estimated" if degrees == ESTIMATED else f"ν = {degrees:g}",
    help="Degrees of freedom ν of each component: the fewer, the heavier the tails, and the less outliers count. Estimated "
    f"for each component up to {MAX_DEGREES:g}, where a t distribution is almost Gaussian; or the same fixed number for all.",
)


class StudentMixtureView(MixtureView):
    name = "student"
    title = "Student-t mixture"
    order = 3.2
    traits = replace(MixtureView.traits, blocks=False, weights=False)
    process_class = StudentMixture
    works_with = "means and scale matrices of coordinates"
    options = (DEGREES, COVARIANCE)
    initializations = (*SEEDED, K_MEANS, TREE, MANUAL)
    start_imports = frozenset({"Students"})

    def mixture_of(self, arrays) -> Students:
        return check_students(*(arrays[name] for name in Students._fields))

    def place(self, arrays, settings: Settings, data: Data) -> Placement:
        mixture = self.mixture_of(arrays)
        labels = self.process(settings).predict(mixture, data.points)
        squares = np.take_along_axis(mixture.squared_distances(data.points), labels[:, None], axis=1)[:, 0]
        return Placement(labels, np.sqrt(squares))

    def placement_distance(self, settings: Settings) -> str:
        return "Mahalanobis distance to the mean, by the scale matrix of the component"

    def state_size(self, k: int, d: int) -> int:
        return k * (2 + d + d * d)

    def working_values(self, data: Data, settings: Settings) -> int:
        # squared distances and factors, besides responsibilities
        return super(MixtureView, self).working_values(data, settings) + 3 * data.points.shape[0] * settings.k

    def ellipses_of(self, parameters: Students) -> Gaussians:
        return parameters.gaussians

    def regions(self, run, parameters, grid) -> np.ndarray:
        return grid.labels_of_students(parameters)

    def phases(self, run) -> dict[str, str]:
        return {
            "start": "Ellipses show the scale matrix of each component, once and at twice the size. Press Play or use the "
            "arrow keys.",
            "E": "Each point gets a responsibility for every component, and a weight that is small if it is far from the "
            "component: an outlier. Colors are blended by responsibility.",
            "M": "Each component takes the mean and scale matrix of all points, weighted by responsibility and weight, so "
            "that outliers count little; then the degrees of freedom are chosen. The value shown is an upper bound on the "
            "loss; the next assignment makes it tight again.",
        }

    def m_sentence(self, run, state: int, current) -> str:
        degrees = sorted(current.parameters.degrees.tolist())
        shift = format_short(self.center_shifts(run, state).max())
        span = " to ".join(dict.fromkeys(format_short(one) for one in (degrees[0], degrees[-1])))
        return (
            f"{M_STEP}: means moved by at most {shift}, degrees of freedom {span}, "
            f"loss {self.loss_text(current.loss)} (upper bound)."
        )

    def formulas(self, run, point: int, cluster: int) -> list[Formula]:
        history, x = run.history, run.data.points[[point]]
        d = x.shape[1]

        def factor_values(frame) -> list[str]:
            if frame.assigned is None:
                return ["", "not computed yet."]
            parameters = history.states[frame.assigned].parameters
            square, degrees = parameters.squared_distances(x)[0, cluster], parameters.degrees[cluster]
            return [
                f"= {short_number(parameters.factors(x)[0, cluster])}",
                f"({short_number(degrees)} + {d}) / ({short_number(degrees)} + {short_number(square)}).",
            ]

        def m_values(frame) -> list[str]:
            current = history.states[frame.state]
            weight, mean, scale, degrees = (part[cluster] for part in current.parameters)
            if current.iteration == 0:
                return ["", f"initial mean {coordinates(mean)}, ν = {short_number(degrees)}."]
            mass = float(history.sizes[current.iteration - 1][cluster])
            model = COVARIANCE_NOTES[run.settings.option("covariance")]
            return [
                "",
                f"w = {short_number(mass)} / {run.data.n:,} = {short_number(weight)}, m = {coordinates(mean)}, "
                f"S = {matrix_text(scale)}{model}, ν = {short_number(degrees)}.",
            ]

        w, m, s, v = (subscript(one, K) for one in (symbol("w"), vector("m"), symbol("S"), symbol("ν")))
        others = [subscript(one, J) for one in (symbol("w"), vector("m"), symbol("S"), symbol("ν"))]

        def part(weight, *parameters):
            listed = [piece for one in parameters for piece in (sign(","), one)][1:]
            return row(weight, symbol("t"), sign("("), X, sign("|"), *listed, sign(")"))

        share, factor = (subscript(symbol(name), row(N, K)) for name in "ru")
        one_n = fraction("<mn>1</mn>", symbol("N"))
        loss = row(symbol("L"), sign("="), sign("−"), one_n, sum_over(N), symbol("ln"), sum_over(K), part(w, m, s, v), VALUE)
        e_step = row(share, sign("="), fraction(part(w, m, s, v), row(sum_over(J), part(*others))), VALUE)
        away = row(sign("("), X, sign("−"), m, sign(")"))
        transposed, inverse = (
            f"<msup>{away}<mo>⊤</mo></msup>",
            f"<msubsup>{symbol('S')}{K}<mrow><mo>−</mo><mn>1</mn></mrow></msubsup>",
        )
        distance = row(transposed, inverse, away)
        of_factor = row(factor, sign("="), fraction(row(v, sign("+"), symbol("d")), row(v, sign("+"), distance)), VALUE)
        weighted = row(share, factor)
        of_weight = row(w, sign("="), one_n, sum_over(N), share)
        of_mean = row(m, sign("="), fraction(row(sum_over(N), weighted, X), row(sum_over(N), weighted)))
        scatter = row(sum_over(N), weighted, away, transposed)
        of_scale = row(s, sign("="), fraction(scatter, row(sum_over(N), share)), VALUE)
        name, k = escape(run.data.names_of([point])[0]), cluster_number(run, cluster)
        objective = (
            "Mean negative log-likelihood, in nats per point. After an update, the value shown is instead that of the upper "
            "bound that EM minimizes."
        )
        update = f"For component {k}: {NOTE}"
        if run.settings.option("degrees") == ESTIMATED:
            update += " The degrees of freedom ν then maximize the log-likelihood, weighted by responsibility."
        values = responsibility_values(run, point, cluster)
        return [
            Formula("Objective", "", loss, objective, loss_value),
            Formula(E_STEP, "E", e_step, f"For {name} and component {k}: {NOTE}", values),
            Formula("Weight of a point (E)", "E", of_factor, f"For {name} and component {k}: {NOTE}", factor_values),
            Formula(M_STEP, "M", (of_weight, of_mean, of_scale), update, m_values),
        ]

    def point_columns(self, run) -> dict[str, np.ndarray]:
        return {"point_weight": run.history.last.assignment.point_weights}

    def cluster_columns(self, run) -> dict:
        weights, _, scales, degrees = run.history.parameters[-1]
        return {"weight": weights, "degrees_of_freedom": degrees, "scale": scales}

    def cluster_columns_in_units(self, run, scaling: ColumnScaling) -> dict:
        return {"scale": scaling.covariances(run.history.parameters[-1].scales)}

    def tables(self, run) -> list[ResultTable]:
        """Degrees of freedom of the components, and the points with the smallest weights."""
        found, assignment = run.history.parameters[-1], run.history.last.assignment
        components = []
        for i in np.argsort(run.ranks).tolist():
            rank, degrees = run.ranks[i], found.degrees[i]
            at_bound = " (upper bound)" if degrees == MAX_DEGREES else ""
            mark = cluster_mark(rank, run.number_and_name(rank))
            components.append([mark, f"{found.weights[i]:.3f}", f"{format_short(degrees)}{at_bound}"])
        order = np.argsort(assignment.point_weights, kind="stable")[:SHOWN]
        points = [
            [name, cluster_mark(rank, run.number_and_name(rank)), f"{weight:.3g}", *texts]
            for name, rank, weight, texts in zip(
                run.data.names_of(order),
                run.labels_by_rank[order],
                assignment.point_weights[order],
                units.position_texts(run.data, run.data.points[order], COLUMNS_SHOWN),
                strict=True,
            )
        ]
        return [
            ResultTable(
                "Degrees of freedom",
                ["Component", "Weight", "Degrees of freedom"],
                components,
                "The fewer degrees of freedom, the heavier the tails of the component. At the upper bound of "
                f"{MAX_DEGREES:g} it is almost Gaussian.",
            ),
            ResultTable(
                "Points with the smallest weights",
                ["Point", "Component", "Weight of the point", *units.column_names(run.data)[:COLUMNS_SHOWN]],
                points,
                f"The {pluralize(len(points), 'point')} that count least in the means and scale matrices: outliers, if their "
                "weight is far below 1. It is the mean of the weights (ν + d) / (ν + squared distance) in the components, "
                "weighted by responsibility. The export has it for all points.",
            ),
        ]

    def label(self, settings: Settings) -> str:
        return f"Student-t ({settings.option('covariance')})"

    def scikit_learn_script(self, run, iterations: int) -> Script:
        raise NoScript(f"scikit-learn has no {self.title_in_sentence}")


METHOD = StudentMixtureView()

"""Probabilistic PCA in the app: a method without clusters, whose principal axes turn and whose missing values fill in."""

from dataclasses import replace
from html import escape
from typing import NamedTuple

import numpy as np
import scipy  # its parts are loaded when they are needed: scipy.optimize takes long
from scipy.linalg import subspace_angles

from clustering import ProbabilisticPCA, principal_components
from clustering.ppca import Loadings
from pages.datasets.data import Data
from pages.datasets.formatting import format_number, format_short, pluralize
from pages.datasets.planes import Plane
from pages.figures import palette
from pages.methods.base import MethodView, NoScript, ResultTable, Score, Script
from pages.methods.formulas import (
    E_STEP,
    M_STEP,
    NOTE,
    VALUE,
    Formula,
    N,
    X,
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
from pages.methods.options import Option, Settings
from pages.methods.starts import Initialization
from pages.methods.traits import WATCH, Loss, Traits

MAX_COMPONENTS = 10
COMPONENTS = Option(
    "components",
    "Components",
    1,
    choices={q: str(q) for q in range(1, MAX_COMPONENTS + 1)},
    values_for=lambda data: tuple(range(1, min(max(len(data.columns) - 1, 1), MAX_COMPONENTS) + 1)),
    help="Number of principal components (less than the number of features): the dimension of the line, plane or space that "
    "is fitted.",
    width=128,
)
HIDDEN = Option(
    "hidden",
    "Hidden values",
    0.0,
    choices={0.0: "0%", 0.1: "10%", 0.3: "30%", 0.5: "50%"},
    argument=None,
    help="Hides a random share of the values, so that you can watch how they are imputed and compare them with the true "
    "values. Values that are missing in your data are always imputed too, but there are no true values to compare them with.",
    width=140,
)
RANDOM_LOADINGS = Initialization("random loadings", "Random", "random loadings", "with")
CLOSED_FORM = Initialization(
    "closed form",
    "PCA (closed form)",
    "the closed form of PCA",
    why_deterministic="The closed form of PCA is deterministic: the start is always the same.",
)
INIT = {RANDOM_LOADINGS.name: "random", CLOSED_FORM.name: "pca"}
"""argument `init` of the process"""
RECONSTRUCTED = 100
"""maximum number of points whose reconstruction is drawn"""
SPAN = 2.0
"""half the length of the line of a component, in standard deviations"""


class MaskedTable(NamedTuple):
    """Input of a run: a table in which missing and hidden values are left out."""

    values: np.ndarray
    """(n, d) NaN where a value is missing or hidden"""
    hidden: np.ndarray
    """(n, d) whether a value is hidden"""
    points: np.ndarray
    """(n, d) all values; missing ones as imputed on the Data page"""

    @property
    def n_values(self) -> int:
        return 3 * self.points.size


def hidden_values(shape: tuple[int, int], share: float, seed: int) -> np.ndarray:
    """(n, d) random booleans that are True with probability `share`, except in the first row, so that no column is empty."""
    hidden = np.random.default_rng(seed).random(shape) < share
    hidden[0] = False
    return hidden


def principal_axes(parameters: Loadings) -> np.ndarray:
    """(q, d) principal axes of the model, as long as the standard deviations along them, the longest first."""
    axes, lengths, _ = np.linalg.svd(parameters.loadings, full_matrices=False)
    return (axes * np.sqrt(lengths**2 + parameters.noise_variance)).T


def aligned_axes(axes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The axes (q, d) in the order and with the signs that fit `others` (q, d) best."""
    cosines = others @ axes.T
    _, order = scipy.optimize.linear_sum_assignment(-np.abs(cosines))
    return axes[order] * np.where(cosines[np.arange(len(order)), order] < 0, -1.0, 1.0)[:, None]


class PPCAView(MethodView):
    """Probabilistic PCA in the app; only on Watch, because the other pages compare clusters, which it does not find."""

    name = "pca"
    title = "Probabilistic PCA"
    title_in_sentence = "probabilistic PCA"
    order = 6
    traits = Traits(k="none", center=None, loss=Loss("nats per row", "absolute", "0.0001 nats"), moves_points=True)
    options = (COMPONENTS, HIDDEN)
    initializations = (RANDOM_LOADINGS, CLOSED_FORM)
    pages = frozenset({WATCH})
    highlights = (dict(type="scatter", mode="lines", hoverinfo="skip", line=dict(color=palette.NEUTRAL, width=1)),)
    static_dash = "dash"
    limit_advice = "Start from the closed form of PCA, or standardize the features."
    parameters_name = "features or components"

    def process(self, settings: Settings, init=None) -> ProbabilisticPCA:
        return ProbabilisticPCA(settings.option("components"), INIT[settings.start.initialization])

    def model_input(self, data: Data, settings: Settings, cache) -> MaskedTable:
        hidden = hidden_values(data.points.shape, settings.option("hidden"), settings.seed)
        missing = np.zeros_like(hidden) if data.imputed is None else data.imputed
        return MaskedTable(np.where(hidden | missing, np.nan, data.points), hidden & ~missing, data.points)

    def process_data(self, model_input: MaskedTable) -> np.ndarray:
        return model_input.values

    def init_by_name(self, initialization: str, data: Data, k) -> str:
        return INIT[initialization]

    def values_per_state(self, data: Data, settings: Settings, k=None) -> int:
        return data.points.shape[1] * (settings.option("components") + 1) + 1

    def data_of_run(self, data: Data, model_input: MaskedTable, history) -> Data:
        """The table with imputed values, which rings mark."""
        observed = history.prepared.observed
        if observed.all():
            return data
        points = history.process.complete(history.prepared, history.parameters[-1], history.last.assignment)
        return replace(data, points=points, imputed=~observed, deviations=None)

    # Plotting

    def positions(self, run, state: int) -> np.ndarray:
        """The table with missing values imputed with the scores and parameters of a state; at the start with the means."""
        history = run.history
        if history.prepared.observed.all():
            return run.data.points
        parameters, scores = history.states[state].parameters, history.assignment(state)
        if scores is None:
            return np.where(history.prepared.observed, history.prepared.points, parameters.mean)
        return history.process.complete(history.prepared, parameters, scores)

    def axes(self, run, state: int) -> np.ndarray:
        """(q, d) principal axes in a state; each has the same number in all states."""

        def align() -> dict[int, np.ndarray]:
            axes, others = {}, closed_form(run)[1]
            for i in sorted(set(run.parameters_of), reverse=True):
                axes[i] = others = aligned_axes(principal_axes(run.history.states[i].parameters), others)
            return axes

        return run.cached("axes", align)[run.parameters_of[state]]

    def outlines(self, run, state: int, plane: Plane) -> list[np.ndarray]:
        """A line for each component: `SPAN` standard deviations from the mean in both directions."""
        return _lines(plane, run.history.states[state].parameters.mean, self.axes(run, state))

    def static_outlines(self, run, plane: Plane) -> list[np.ndarray]:
        """The same lines for the closed form of PCA."""
        return _lines(plane, *closed_form(run))

    def highlight(self, run, state: int, plane: Plane) -> np.ndarray | None:
        """Lines from points to their reconstructions W z + mean."""
        scores, (loadings, mean, _) = run.history.assignment(state), run.history.states[state].parameters
        if scores is None:
            return None
        rows = run.data.sample_indices(min(len(run.data.points), RECONSTRUCTED))
        ends = [self.positions(run, state)[rows], scores.means[rows] @ loadings.T + mean]
        lines = np.full((len(rows), 3, 2), np.nan)
        for i, points in enumerate(ends):
            lines[:, i] = plane.project(points)
        return lines.reshape(-1, 2)[:-1]

    # Explaining

    def phases(self, run) -> dict[str, str]:
        q, missing = run.history.process.components, not run.history.prepared.observed.all()
        space = {1: "line", 2: "plane"}.get(q, f"{q}-dimensional space")
        scores = "score, its position on the line" if q == 1 else f"scores, its coordinates in the {space}"
        axes = "principal axis" if q == 1 else "principal axes"
        sampled = "the data points" if len(run.data.points) <= RECONSTRUCTED else f"{RECONSTRUCTED} data points"
        rings = " Rings: points with imputed values." if missing else ""
        predicted = ", and its missing values are predicted from the others" if missing else ""
        return {
            "start": f"Solid: {axes} of the current parameters, {SPAN:g} standard deviations long on both sides of the mean. "
            f"Dashed: the closed form of PCA.{rings}",
            "E": f"Each point gets a posterior distribution of its {scores}{predicted}. "
            f"Gray lines: from {sampled} to the points of the {space} with these scores.",
            "M": f"The {space} is fitted to the points by least squares, given the distribution of the scores.",
        }

    def start_sentence(self, run, state: int, current) -> str:
        count = pluralize(run.history.process.components, "component")
        return f"Start: {count} {self.start_phrase(run.settings)}, {self._from_pca(run, state)}."

    def e_sentence(self, run, state: int, current) -> str:
        error = hidden_error(run, state)
        what = "scores computed" if error is None else f"hidden values imputed with an error (RMS) of {format_short(error)}"
        return f"{E_STEP}: {what}, loss {self.loss_text(current.loss)}."

    def m_sentence(self, run, state: int, current) -> str:
        turned = largest_angle(self.axes(run, state - 1), self.axes(run, state))
        return f"{M_STEP}: turned by {turned:.1f}°, {self._from_pca(run, state)}, loss {self.loss_text(current.loss)}."

    def _from_pca(self, run, state: int) -> str:
        return f"{largest_angle(self.axes(run, state), closed_form(run)[1]):.1f}° from PCA"

    def formulas(self, run, point: int, cluster: int) -> list[Formula]:
        history = run.history
        observed = history.prepared.observed[point]

        def e_values(frame) -> list[str]:
            if frame.assigned is None:
                return ["", "not computed yet."]
            parameters = history.states[frame.assigned].parameters
            scores = run.cached(
                ("scores", run.parameters_of[frame.assigned]), lambda: history.process.assign(history.prepared, parameters)
            )
            count = "all values" if observed.all() else f"{observed.sum()} of {pluralize(len(observed), 'value')}"
            return [
                f"= {coordinates(scores.means[point])}",
                f"from {count}; noise variance {short_number(parameters.noise_variance)}.",
            ]

        def m_values(frame) -> list[str]:
            parameters = history.states[frame.parameters].parameters
            value = coordinates(parameters.loadings[:, 0])
            noise = f"noise variance {short_number(parameters.noise_variance)}"
            return [f"= {value}", f"mean {coordinates(parameters.mean)}, {noise}."]

        w, z, mean, s2 = vector("W"), subscript(vector("z"), N), vector("μ"), f"<msup>{symbol('σ')}<mn>2</mn></msup>"
        transposed, inverse = (f"<msup>{base}{power}</msup>" for base, power in ((w, sign("⊤")), (vector("M"), _MINUS_ONE)))
        centered = row(sign("("), X, sign("−"), mean, sign(")"))
        objective = row(
            symbol("L"), sign("="), sign("−"), fraction("<mn>1</mn>", symbol("N")), sum_over(N), symbol("ln"), symbol("N"),
            sign("("), X, sign("|"), mean, sign(","), w, transposed, sign("+"), s2, vector("I"), sign(")"), VALUE,
        )  # fmt: skip
        e_step = row(sign("E"), sign("["), z, sign("]"), sign("="), inverse, transposed, centered, VALUE)
        inner = row(vector("M"), sign("="), transposed, w, sign("+"), s2, vector("I"))
        second = row(sign("E"), sign("["), z, f"<msubsup>{vector('z')}{N}{sign('⊤')}</msubsup>", sign("]"))
        sums = row(sum_over(N), centered, sign("E"), sign("["), f"<msubsup>{vector('z')}{N}{sign('⊤')}</msubsup>", sign("]"))
        m_step = row(
            w, sign("="), sums, f"<msup>{row(sign('('), sum_over(N), second, sign(')'))}{_MINUS_ONE}</msup>", sign(","),
            subscript(vector("w"), "<mn>1</mn>"), VALUE,
        )  # fmt: skip
        name = escape(run.data.names_of([point])[0])
        return [
            Formula(
                "Objective", "", objective, "Mean negative log-likelihood of observed values, in nats per row.", loss_value
            ),
            Formula(E_STEP, "E", e_step, f"<math>{inner}</math>. For {name}: {NOTE}", e_values),
            Formula(M_STEP, "M", m_step, f"First column of the loadings; {NOTE}", m_values),
        ]

    # Exporting

    def scores(self, run) -> list[Score]:
        last = len(run.history.states) - 1
        angle = f"{largest_angle(self.axes(run, last), closed_form(run)[1]):.2f}°"
        help = "Largest principal angle between the fitted space and that of the closed form of PCA of all values."
        scores = [Score("Angle to PCA", angle, help)]
        if run.history.prepared.observed.all():
            loss = run.cached("closed-form loss", lambda: closed_form_loss(run))
            scores.append(Score("Loss of PCA", format_number(loss), "Loss of the closed form, the smallest possible loss."))
        error = hidden_error(run, last)
        if error is not None:
            help = "Root mean squared difference between the imputed and the true hidden values, in the units of the columns."
            scores.append(Score("Error of hidden values", format_number(error), help))
        return scores

    def tables(self, run) -> list[ResultTable]:
        found = np.linalg.norm(principal_axes(run.history.parameters[-1]), axis=1)
        pca, all_pca = np.linalg.norm(closed_form(run)[1], axis=1), pca_of(run).variances.sum()
        rows = [
            [str(i + 1), format_number(em), format_number(other), f"{other**2 / all_pca:.1%}" if all_pca else "–"]
            for i, (em, other) in enumerate(zip(found, pca, strict=True))
        ]
        caption = "Standard deviation along each principal axis: fitted by EM with divisor n, and by PCA with divisor n − 1."
        return [ResultTable("Components", ["Component", "EM", "PCA", "Share of variance (PCA)"], rows, caption)]

    def point_columns(self, run) -> dict[str, np.ndarray]:
        means = run.history.last.assignment.means
        return {f"score_{i + 1}": column for i, column in enumerate(means.T)}

    def parameter_columns(self, run) -> dict:
        loadings, mean, noise = run.history.parameters[-1]
        columns = {"column": list(run.data.columns), "mean": mean}
        columns |= {f"loading_{i + 1}": column for i, column in enumerate(loadings.T)}
        return columns | {"noise_variance": np.full(len(mean), noise)}

    def arrays(self, run) -> dict[str, np.ndarray]:
        names = ("loadings", "means", "noise_variances")
        return dict(zip(names, map(np.stack, zip(*run.history.parameters, strict=True)), strict=True)) | {
            "scores": run.history.last.assignment.means
        }

    def input_code(self, settings: Settings) -> tuple[str, str, frozenset[str]]:
        share = settings.option("hidden")
        if not share:
            return "", "points", frozenset()
        lines = (
            f"hidden = np.random.default_rng({settings.seed}).random(points.shape) < {share!r}\n"
            "hidden[0] = False\npoints[hidden] = np.nan\n"
        )
        return lines, "points", frozenset()

    def script(self, run, iterations: int) -> Script:
        if (run.data.imputed is not None) and not run.model_input.hidden[run.data.imputed].all():
            raise NoScript(
                "a script cannot know which values were missing, because the exported table contains imputed values"
            )
        return super().script(run, iterations)

    def scikit_learn_script(self, run, iterations: int) -> Script:
        if not run.history.prepared.observed.all():
            raise NoScript("scikit-learn has no PCA with missing values")
        body = (
            f"model = PCA({run.history.process.components}).fit(points)\n"
            "print(model.components_)\nprint(np.sqrt(model.explained_variance_))\n"
        )
        return Script(frozenset(), body, frozenset({"from sklearn.decomposition import PCA"}))


def pca_of(run):
    """`PrincipalComponents` of the table before values were hidden."""
    return run.cached("principal components", lambda: principal_components(run.model_input.points))


def closed_form(run) -> tuple[np.ndarray, np.ndarray]:
    """Mean (d,) and principal axes (q, d) of PCA, each with the standard deviation along it as its length."""
    found, q = pca_of(run), run.history.process.components
    return found.mean, found.axes[:q] * np.sqrt(found.variances[:q])[:, None]


def closed_form_loss(run) -> float:
    """Loss of the closed-form solution, if no value is missing."""
    process = replace(run.history.process, init="pca")
    start = process.start(run.history.prepared, None)
    return process.e_step(run.history.prepared, start)[1]


def largest_angle(axes: np.ndarray, others: np.ndarray) -> float:
    """Largest principal angle, in degrees, between the spaces spanned by the rows of two arrays (q, d)."""
    return float(np.degrees(subspace_angles(axes.T, others.T).max()))


def hidden_error(run, state: int) -> float | None:
    """Root mean squared error of the hidden values as imputed in a state; None if no value is hidden."""
    hidden = run.model_input.hidden
    if not hidden.any():
        return None
    return float(np.sqrt(np.square(run.view.positions(run, state) - run.model_input.points)[hidden].mean()))


_MINUS_ONE = row(sign("−"), "<mn>1</mn>")


def _lines(plane: Plane, mean: np.ndarray, axes: np.ndarray) -> list[np.ndarray]:
    return [plane.project(np.stack([mean - SPAN * axis, mean + SPAN * axis])) for axis in axes]


METHOD = PPCAView()

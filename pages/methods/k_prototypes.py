"""K-prototypes in the app; K-modes for tables without numbers.

It is offered for tables with at least one column of categories. For numbers alone it would be K-means under another name.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from clustering import KPrototypes, MixedTable, Prototypes
from clustering.k_prototypes import dissimilarities
from pages.datasets.data import MIXED, Data
from pages.datasets.formatting import format_short, pluralize
from pages.figures.markup import cluster_mark
from pages.methods.base import MethodView, NoScript, Placement, ResultTable, Script, array_code
from pages.methods.formulas import (
    M_STEP,
    NOTE,
    VALUE,
    Formula,
    J,
    K,
    N,
    X,
    Z,
    cluster_number,
    coordinates,
    fraction,
    loss_value,
    nearest_center,
    row,
    sign,
    squared_norm,
    subscript,
    sum_over,
    symbol,
    vector,
)
from pages.methods.options import Option, Settings
from pages.methods.traits import Traits


def table_of(data: Data) -> MixedTable:
    """The numbers as they are scaled in the points, and the categories before they are encoded."""
    numbers, codes = data.mixed
    return MixedTable(data.points[:, : numbers.shape[1]], codes)


def default_gamma(data: Data, chosen: Mapping[str, Any]) -> float:
    """The default of `KPrototypes` for these data, rounded to four digits."""
    return data.cached("default gamma", "", lambda: float(f"{KPrototypes(1).prepare(table_of(data)).gamma:.4g}"))


GAMMA = Option(
    "gamma",
    "Weight of categories γ",
    0.5,
    low=0.0,
    high=1e12,
    step=0.25,
    number_for=default_gamma,
    applies_to=lambda data: data.mixed is not None and data.mixed[0].shape[1] > 0,
    short_label=lambda gamma: f"γ = {gamma:g}",
    help="Amount that a differing category adds to the squared distance of the numbers. With a small weight the numbers "
    "decide, with a large one the categories. Default (Huang): half of the mean standard deviation of the numeric columns, "
    "which is 0.5 if they are standardized.",
    width=190,
)


class KPrototypesView(MethodView):
    name = "kprototypes"
    title = "K-prototypes"
    order = 2.2
    traits = Traits(data=frozenset({MIXED}), center="prototype")
    works_with = "means of numbers and the most frequent categories"
    options = (GAMMA,)
    start_imports = frozenset({"Prototypes"})

    def process(self, settings: Settings, init=None) -> KPrototypes:
        return KPrototypes(settings.k, settings.option("gamma"), settings.start.initialization if init is None else init)

    def model_input(self, data: Data, settings: Settings, cache) -> MixedTable:
        return table_of(data)

    def model_input_of_rows(self, data: Data, settings: Settings) -> MixedTable:
        return table_of(data)

    def input_note(self, data: Data, model_input: MixedTable) -> str:
        return (
            "" if model_input.numbers.shape[1] else "These data have no numbers, and K-prototypes without numbers is K-modes."
        )

    def start_at(self, data: Data, model_input: MixedTable, k: int, *, rows=None, centers=None, labels=None) -> Prototypes:
        if rows is not None:
            chosen = model_input[np.asarray(rows)]
            return Prototypes(chosen.numbers, chosen.codes)
        if centers is not None:
            centers = np.asarray(centers)
            return Prototypes(centers[:, : model_input.numbers.shape[1]], _codes_at(centers, data))
        clusters = [model_input[labels == cluster] for cluster in range(k)]
        modes = [[np.bincount(column).argmax() for column in cluster.codes.T] for cluster in clusters]
        return Prototypes(np.stack([cluster.numbers.mean(axis=0) for cluster in clusters]), np.array(modes))

    def centers(self, parameters: Prototypes, data: Data) -> np.ndarray:
        indicators = [
            parameters.modes[:, [j]] == np.arange(count - width, count) for j, (_, width, count) in enumerate(_blocks(data))
        ]
        return np.column_stack([parameters.numbers, *indicators])

    def distances_to_centers(self, run) -> np.ndarray:
        return run.history.last.assignment.nearest

    def placement_arrays(self, run) -> dict[str, np.ndarray]:
        numbers, modes, gamma = run.history.parameters[-1]
        return {"means": numbers, "modes": modes, "gamma": np.array(gamma)}

    def place(self, arrays, settings: Settings, data: Data) -> Placement:
        table = table_of(data)
        prototypes = Prototypes(arrays["means"], arrays["modes"], float(arrays["gamma"]))
        labels = self.process(settings).predict(prototypes, table)
        values = dissimilarities(prototypes, table.numbers.T, table.codes.T)
        return Placement(labels, values[labels, np.arange(len(labels))])

    def placement_distance(self, settings: Settings) -> str:
        return "Dissimilarity to the prototype"

    def phases(self, run) -> dict[str, str]:
        return {
            "start": "A prototype has a mean for each column of numbers and a mode for each column of categories. Press Play "
            "or use the arrow keys.",
            "E": "Each point is assigned to the nearest prototype: the squared distance of the numbers, plus γ for each "
            "category that differs.",
            "M": "Each prototype gets the means of the numbers and the most frequent categories of its points; of equally "
            "frequent categories, the first one in the order of the table's categories.",
        }

    def m_sentence(self, run, state: int, current) -> str:
        before, after = run.history.states[state - 1].parameters, current.parameters
        moved = ""
        if after.numbers.shape[1]:
            shift = np.linalg.norm(after.numbers - before.numbers, axis=1).max()
            moved = f"means moved by at most {format_short(shift)}, "
        changed = int(np.count_nonzero(after.modes != before.modes))
        return f"{M_STEP}: {moved}{pluralize(changed, 'mode')} changed, loss {self.loss_text(current.loss)}."

    def formulas(self, run, point: int, cluster: int) -> list[Formula]:
        history, table = run.history, table_of(run.data)[[point]]
        gamma = history.parameters[0].gamma

        def to_prototypes(prototypes: Prototypes) -> np.ndarray:
            return dissimilarities(prototypes, table.numbers.T, table.codes.T)[:, 0]

        def text_of(prototypes: Prototypes) -> str:
            parts = [coordinates(prototypes.numbers[cluster])] if prototypes.numbers.shape[1] else []
            return ", ".join([*parts, *_mode_names(run, prototypes)[cluster]])

        def m_values(frame) -> list[str]:
            current = history.states[frame.parameters]
            if current.iteration == 0:
                return ["", f"initial prototype {text_of(current.parameters)}."]
            size = int(history.sizes[current.iteration - 1][cluster])
            found = f"means and modes of its {pluralize(size, 'point')}"
            if not size:
                found = "it was empty; if a point differs from its prototype, the farthest one is its new prototype"
            return ["", f"{text_of(current.parameters)}: {found}."]

        def dissimilarity(z: str) -> str:
            mode, category = (subscript(symbol(name), row(index, J)) for name, index in (("m", z), ("a", N)))
            differing = row(sum_over(J), sign("["), category, sign("≠"), mode, sign("]"))
            return row(squared_norm(row(X, sign("−"), subscript(vector("c"), z))), sign("+"), symbol("γ"), differing)

        of_point = subscript(Z, N)
        loss = row(symbol("L"), sign("="), sum_over(N), sign("("), dissimilarity(of_point), sign(")"), VALUE)
        members = row(N, sign(":"), of_point, sign("="), K)
        mean = row(
            subscript(vector("c"), K),
            sign("="),
            fraction("<mn>1</mn>", subscript(symbol("N"), K)),
            sum_over(members),
            X,
        )
        most = f"<munder><mo>arg max</mo>{symbol('a')}</munder>"
        count = row(sign("|"), members, sign(","), subscript(symbol("a"), row(N, J)), sign("="), symbol("a"), sign("|"))
        mode = row(subscript(symbol("m"), row(K, J)), sign("="), most, count, VALUE)
        objective = (
            f"Squared distances of the numbers x to the means c, plus γ = {gamma:g} for each category a that differs from the "
            "mode m."
        )
        return [
            Formula("Objective", "", loss, objective, loss_value),
            nearest_center(
                run,
                point,
                to_prototypes,
                "dissimilarities",
                "prototype",
                dissimilarity(K),
                lambda prototypes: int(to_prototypes(prototypes).argmin()),
            ),
            Formula(M_STEP, "M", (mean, mode), f"For cluster {cluster_number(run, cluster)}: {NOTE}", m_values),
        ]

    def cluster_columns(self, run) -> dict[str, list[str]]:
        names = _mode_names(run, run.history.parameters[-1])
        return {f"mode_{column}": [modes[j] for modes in names] for j, column in enumerate(run.data.origin.categories)}

    def arrays(self, run) -> dict[str, np.ndarray]:
        states = run.history.parameters
        return {
            "means": np.stack([state.numbers for state in states]),
            "modes": np.stack([state.modes for state in states]),
        }

    def tables(self, run) -> list[ResultTable]:
        """The modes of the clusters, with the share of their points that have them."""
        names, labels, codes = _mode_names(run, run.history.parameters[-1]), run.labels, run.data.mixed[1]
        modes = run.history.parameters[-1].modes
        rows = []
        for i in np.argsort(run.ranks).tolist():
            members = codes[labels == i]
            shares = (members == modes[i]).mean(axis=0) if len(members) else np.zeros(len(modes[i]))
            texts = [f"{name} ({share:.0%})" for name, share in zip(names[i], shares, strict=True)]
            rows.append([cluster_mark(run.ranks[i], run.number_and_name(run.ranks[i])), *texts])
        caption = "The most frequent category in each cluster, with the share of its points that have it."
        return [ResultTable("Modes", ["Cluster", *run.data.origin.categories], rows, caption)]

    def start_code(self, parameters: Prototypes) -> str:
        return f"Prototypes({array_code(parameters.numbers)}, {array_code(parameters.modes)})"

    def input_code(self, settings: Settings) -> tuple[str, str, frozenset[str]]:
        return "", "mixed", frozenset({"MixedTable"})

    def script(self, run, iterations: int) -> Script:
        script = super().script(run, iterations)
        p = run.data.mixed[0].shape[1]
        codes = ", ".join(
            f"points[:, {first}] > 0.5" if count == 2 else f"points[:, {first}:{first + width}].argmax(axis=1)"
            for first, width, count in _blocks(run.data)
        )
        line = f"mixed = MixedTable(points[:, :{p}], np.column_stack([{codes}]))\n"
        return script._replace(body=f"{line}{script.body}")

    def scikit_learn_script(self, run, iterations: int) -> Script:
        raise NoScript("scikit-learn has neither K-prototypes nor K-modes")


def _blocks(data: Data) -> list[tuple[int, int, int]]:
    """For each categorical feature its first column among the points, its number of columns, and its number of categories."""
    p = data.mixed[0].shape[1]
    widths = data.origin.widths
    counts = map(len, data.origin.categories.values())
    return [(sum(widths[: p + j]), widths[p + j], count) for j, count in enumerate(counts)]


def _codes_at(positions: np.ndarray, data: Data) -> np.ndarray:
    """(m, q) the categories whose indicators are largest at these positions (m, d) among the points."""
    codes = [
        positions[:, first] > 0.5 if count == 2 else positions[:, first : first + width].argmax(axis=1)
        for first, width, count in _blocks(data)
    ]
    return np.column_stack(codes).astype(np.intp)


def _mode_names(run, prototypes: Prototypes) -> list[list[str]]:
    """The categories of the modes of each cluster, by name."""
    categories = list(run.data.origin.categories.values())
    return [[names[code] for names, code in zip(categories, modes, strict=True)] for modes in prototypes.modes.tolist()]


METHOD = KPrototypesView()

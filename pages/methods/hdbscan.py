"""HDBSCAN in the app."""

from collections.abc import Callable
from dataclasses import replace
from html import escape

import numpy as np

from clustering import HDBSCAN
from pages.datasets.data import Data
from pages.datasets.formatting import format_short, pluralize
from pages.datasets.limits import MAX_POINTS_FOR_DENSITY
from pages.datasets.planes import Plane
from pages.methods import density
from pages.methods.base import Script
from pages.methods.formulas import (
    NOTE,
    VALUE,
    Formula,
    K,
    N,
    X,
    cluster_number,
    fraction,
    row,
    short_number,
    sign,
    subscript,
    sum_over,
    symbol,
    vector,
)
from pages.methods.options import Option, Settings, TunedOption, spaced_integers
from pages.methods.traits import Traits

SELECTION = Option(
    "selection",
    "Selection",
    "mass",
    choices={"mass": "Excess of mass", "leaves": "Leaves"},
    short_label={"mass": "excess of mass", "leaves": "leaves"}.get,
    help="Excess of mass: the clusters with the largest total stability, which may be of any size. Leaves: the smallest "
    "clusters, which do not split any further.",
    width=150,
)
SINGLE = Option(
    "single",
    "Allow a single cluster",
    "no",
    choices={"no": "No", "yes": "Yes"},
    short_label={"no": "no single cluster", "yes": "single cluster allowed"}.get,
    argument=None,
    help="Lets all points form one cluster if it is the most stable one. Only for selection by excess of mass.",
    width=150,
    advanced=True,
)
SCIKIT_LEARN_SELECTIONS = {"mass": "eom", "leaves": "leaf"}


def cluster_sizes(data: Data, settings: Settings) -> tuple[int, ...]:
    """Sizes from 2 to a quarter of the points: of clusters that are larger, there are hardly two."""
    return spaced_integers(2, max(2, len(data.points) // 4))


class HDBSCANView(density.DensityView):
    name = "hdbscan"
    title = "HDBSCAN"
    order = 5.6
    traits = Traits(k="found", membership="strength", center=None, loss=None, random=False, noise=True, converges=False)
    options = (density.cluster_size_option(2), replace(density.MIN_POINTS, low=1), SELECTION, SINGLE)
    figures = ("tree", "distances")
    tuned = TunedOption("min_cluster_size", "min cluster size", "the min cluster size", cluster_sizes)
    result_code = "state.assignment.strengths"
    iteration_note = "The iterations of HDBSCAN are falling density levels; then clusters are selected."

    def process(self, settings: Settings, init=None) -> HDBSCAN:
        return HDBSCAN(**self.arguments(settings))

    def arguments(self, settings: Settings) -> dict:
        return super().arguments(settings) | ({"single": True} if settings.option("single") == "yes" else {})

    def max_points(self, settings: Settings) -> int:
        return MAX_POINTS_FOR_DENSITY

    def core_distances(self, run) -> np.ndarray:
        return run.history.parameters[-1].hierarchy.cores

    def state_size(self, k: int, d: int) -> int:
        return 3 * k  # also a number for each cluster of the condensed tree, about twice as many

    def outlines(self, run, state: int, plane: Plane) -> list[np.ndarray]:
        """The links of the minimum spanning tree that are short enough for the density level, within each cluster."""
        current = run.history.states[state]
        (_, links, _), level = _parts(current.parameters), current.parameters.level
        shown = links.lengths <= (np.inf if level is None else _distance(level))
        if current.assignment is None:
            shown = np.zeros(len(links.lengths), dtype=bool)
        return density.linked_lines(run, plane, np.column_stack([links.first[shown], links.second[shown]]))

    def phases(self, run) -> dict[str, str]:
        selected = (
            "The selected clusters have the largest total stability."
            if run.settings.option("selection") == "mass"
            else "The selected clusters are those that do not split any further."
        )
        return {
            "start": "The density level is highest: no points are linked. Press Play or use the arrow keys.",
            "level": "As the density level falls, points are linked at larger distances. Groups that are large enough are "
            "clusters: they appear, grow and merge. Lines are links of the minimum spanning tree within the final clusters.",
            "select": f"{selected} All other points are noise.",
            "strength": "The strength of a point is its density relative to the highest density in its cluster. Colors are "
            "blended with gray accordingly.",
        }

    def sentences(self) -> dict[str, Callable]:
        return {
            "start": self.start_sentence,
            "level": self.level_sentence,
            "select": self.select_sentence,
            "strength": self.strength_sentence,
        }

    def level_sentence(self, run, state: int, current) -> str:
        distance = format_short(_distance(current.parameters.level))
        sizes = current.assignment.sizes
        if not len(sizes):
            return f"Distances up to {distance}: no cluster yet."
        inside = round(sizes.sum())
        return f"Distances up to {distance}: {pluralize(len(sizes), 'cluster')} with {pluralize(inside, 'point')}."

    def select_sentence(self, run, state: int, current) -> str:
        return (
            f"Selected by {SELECTION.label_of(run.settings.option('selection')).lower()}: {density.counts_text(run.labels)}."
        )

    def strength_sentence(self, run, state: int, current) -> str:
        strengths = run.history.last.assignment.strengths[run.labels >= 0]
        if not len(strengths):
            return "No point belongs to a cluster."
        return f"The mean strength of the points in clusters is {strengths.mean():.2f}."

    def ending(self, run, state: int) -> str:
        return ""

    def formulas(self, run, point: int, cluster: int) -> list[Formula]:
        cores, links, tree = _parts(run.history.parameters[-1])
        selected = run.history.parameters[-1].clusters
        name = escape(run.data.names_of([point])[0])
        at = np.flatnonzero((links.first == point) | (links.second == point))

        def reach_values(frame) -> list[str]:
            if not len(at):
                return ["", "the only point."]
            i = at[0]  # links are sorted by length
            other = int(links.first[i] + links.second[i] - point)
            distance = np.linalg.norm(run.data.points[point] - run.data.points[other])
            return [
                f"= {short_number(links.lengths[i])}",
                f"core distances {short_number(cores[point])} and {short_number(cores[other])}, distance "
                f"{short_number(distance)} to {escape(run.data.names_of([other])[0])}, its nearest neighbor in the tree.",
            ]

        def stability_values(frame) -> list[str]:
            if run.history.states[frame.state].phase not in ("select", "strength"):
                return ["", "No cluster is selected yet."]
            if not run.k:
                return ["", "No cluster is selected."]
            chosen = selected[cluster]
            return [
                f"= {short_number(tree.stabilities[chosen])}",
                f"Cluster {cluster_number(run, cluster)} appears at level {short_number(tree.births[chosen])} with "
                f"{tree.sizes[chosen]:,} points and {'splits' if tree.has_children[chosen] else 'disappears'} at "
                f"{short_number(tree.deaths[chosen])}.",
            ]

        def strength_values(frame) -> list[str]:
            if run.history.states[frame.state].phase != "strength":
                return ["", "not computed yet."]
            label = run.labels[point]
            if label < 0:
                return ["", f"{name} is noise."]
            strength = run.history.last.assignment.strengths[point]
            return [
                f"= {strength:.3f}",
                f"level {short_number(tree.levels[point])}, highest level {short_number(tree.deaths[selected[label]])}.",
            ]

        other = subscript(vector("x"), symbol("m"))
        core_of = [row(symbol("core"), sign("("), one, sign(")")) for one in (X, other)]
        apart = row(sign("‖"), X, sign("−"), other, sign("‖"))
        pair = row(symbol("d"), sign("("), X, sign(","), other, sign(")"))
        reach = row(symbol("max"), sign("("), core_of[0], sign(","), core_of[1], sign(","), apart, sign(")"))
        group = subscript(symbol("C"), K)
        level_in, level_of = (row(symbol("λ"), sign("("), one, sign(")")) for one in (row(X, sign(","), group), group))
        highest = f"<munder><mo>max</mo>{symbol('m')}</munder>"
        level_of_other = row(symbol("λ"), sign("("), other, sign(","), group, sign(")"))
        stability = row(sum_over(row(N, sign("∈"), group)), sign("("), level_in, sign("−"), level_of, sign(")"))
        return [
            Formula("Mutual reachability", "level", row(pair, sign("="), reach, VALUE), f"For {name}: {NOTE}", reach_values),
            Formula(
                "Stability",
                "select",
                row(symbol("S"), sign("("), group, sign(")"), sign("="), stability, VALUE),
                f"λ = 1 / d is the density level at which a point leaves the cluster, or the cluster appears. {NOTE}",
                stability_values,
            ),
            Formula(
                "Strength",
                "strength",
                row(subscript(symbol("p"), N), sign("="), fraction(level_in, row(highest, level_of_other)), VALUE),
                f"For {name}: {NOTE}",
                strength_values,
            ),
        ]

    def point_columns(self, run) -> dict[str, np.ndarray]:
        hierarchy = run.history.parameters[-1].hierarchy
        return {"core_distance": hierarchy.cores, "outlier_score": hierarchy.outlier_scores}

    def cluster_columns(self, run) -> dict:
        tree, clusters = _parts(run.history.parameters[-1])[2], run.history.parameters[-1].clusters
        return {name: getattr(tree, attribute)[clusters] for name, attribute in COLUMNS.items()}

    def arrays(self, run) -> dict[str, np.ndarray]:
        levels = [parameters.level for parameters in run.history.parameters]
        return {"density_level": np.array([np.nan if level is None else level for level in levels])}

    def scikit_learn_script(self, run, iterations: int) -> Script:
        option = run.settings.option
        body = (
            f"model = HDBSCAN(\n    min_cluster_size={option('min_cluster_size')}, min_samples={option('min_points')},\n"
            f'    cluster_selection_method="{SCIKIT_LEARN_SELECTIONS[option("selection")]}",\n'
            f'    allow_single_cluster={option("single") == "yes"}, algorithm="kd_tree", copy=True,\n)\n'
            "labels = model.fit(points).labels_\nprint(model.probabilities_)\n"
        )
        return Script(frozenset(), body, frozenset({"from sklearn.cluster import HDBSCAN"}))


COLUMNS = {"stability": "stabilities", "lowest_level": "births", "highest_level": "deaths"}
"""columns of the table of clusters, and the attributes of the condensed tree that they contain"""


def _parts(parameters) -> tuple:
    """Core distances, spanning tree and condensed tree."""
    hierarchy = parameters.hierarchy
    return hierarchy.cores, hierarchy.links, hierarchy.tree


def _distance(level: float) -> float:
    """Largest distance at which points are linked at a density level."""
    return 1 / level


METHOD = HDBSCANView()

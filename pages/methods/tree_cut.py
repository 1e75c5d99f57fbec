"""The cut of a hierarchical clustering in the app."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from clustering import LINKAGES, MeanTest, TreeCut, tree_mean_test
from pages.datasets.data import POINTS, PROXIMITIES, Data
from pages.datasets.formatting import format_short, pluralize
from pages.datasets.planes import Plane
from pages.figures.hulls import broken_line, hull
from pages.figures.plots import highlight_traces
from pages.methods.base import MethodView, NoScript, Script
from pages.methods.formulas import NOTE, VALUE, Formula, fraction, row, sign, subscript, sum_over, symbol, vector
from pages.methods.metric import METRIC, distances_name, proximities_code
from pages.methods.options import Option, Settings
from pages.methods.traits import COMPARE, WATCH, Loss, Traits
from pages.methods.trees import EUCLIDEAN_LINKAGES, DataTree, build_tree, linkage_name

MAX_TESTED = dict.fromkeys(LINKAGES, 1_500) | {"complete": 1_000, "average": 1_000}
"""maximum number of points for `mean_test` by linkage, which takes seconds for each pair of clusters"""
OUTLINED = 60
"""maximum number of clusters drawn with an outline"""
LINKAGE = Option(
    "linkage",
    "Linkage",
    "ward",
    choices={linkage: linkage.capitalize() for linkage in LINKAGES},
    # Ward linkage needs Euclidean distances, which are not the default for distance matrices and mixed data
    default_for=lambda data: "ward" if data.metrics[0] == "euclidean" else "average",
    help="Distance between two clusters: that of their nearest points (single), of their farthest points (complete), the "
    "mean over all pairs (average), the square root of twice the increase in the within-cluster sum of squares (Ward), or the "
    "distance between their centroids "
    "(centroid) or midpoints (median).",
)
TREE_METRIC = replace(
    METRIC, short_label=lambda metric: "" if metric in METRIC.omitted_in_labels else METRIC.short_label(metric)
)
"""like `METRIC`, but names of runs omit the common metrics even if the runs differ in the metric"""


class TreeCutView(MethodView):
    """Hierarchical clustering in the app.

    It is not on Restarts, because it is deterministic, and not on Choose K, because the Hierarchy page shows all K at once.
    """

    name = "tree"
    title = "Hierarchical clustering"
    order = 4
    traits = Traits(
        data=frozenset({POINTS, PROXIMITIES}), center=None, loss=Loss(), random=False, pairwise=True, converges=False
    )
    options = (LINKAGE, TREE_METRIC)
    initializations = ()
    pages = frozenset({WATCH, COMPARE})
    label_options = frozenset({LINKAGE.name})
    mean_test_condition = (
        "the tree has the same two clusters at the cut (Gao, Bien & Witten 2022, doi:10.1080/01621459.2022.2116331)"
    )
    highlights = highlight_traces("lines+markers", 7)
    notices_by_iteration = False
    time_exception = "for hierarchical clustering, where it includes the distance matrix and the complete tree"
    iteration_note = (
        "In the loss curve, the iterations of hierarchical clustering are its last merges before the cut "
        f"(at most {TreeCut.steps})."
    )

    def mean_test(self, run) -> Callable[..., MeanTest]:
        data_tree, n = run.model_input, len(run.data.points)
        limit = MAX_TESTED[data_tree.linkage]
        if not data_tree.is_euclidean:
            raise ValueError(
                f"The tree is that of {distances_name(data_tree.metric)}, but the test needs Euclidean distances of points."
            )
        if n > limit:
            raise ValueError(
                f"The test of a tree with {linkage_name(data_tree.linkage)} is limited to {limit:,} points, but there are "
                f"{n:,}."
            )
        return partial(tree_mean_test, run.data.points, data_tree.tree, data_tree.linkage, run.settings.k)

    def process(self, settings: Settings, init=None) -> TreeCut:
        return TreeCut(settings.k, settings.option("linkage"))

    def model_input(self, data: Data, settings: Settings, cache) -> DataTree:
        return build_tree(data, settings.option("linkage"), settings.option("metric"), cache)

    def input_note(self, data: Data, model_input: DataTree) -> str:
        return model_input.linkage_note

    def process_data(self, model_input: DataTree):
        return model_input.tree

    def state_size(self, k: int, d: int) -> int:
        return k

    def seconds(self, run) -> float:
        return run.model_input.seconds

    def centers(self, parameters, data: Data) -> None:
        return None

    def outlines(self, run, state: int, plane: Plane) -> list[np.ndarray]:
        """Convex hulls of the current clusters; with single linkage, lines for the merges after iteration 0."""
        current = run.history.states[state]
        if current.phase == "start":
            return []
        if run.model_input.linkage == "single":
            return self._merge_lines(run, run.history.parameters[0].merges, current.parameters.merges, plane)
        labels, hulls = run.history.last.labels, run.cached(("hulls", plane.names), dict)
        lines = [[] for _ in range(run.k)]
        for merge in run.model_input.largest_clusters_after(current.parameters.merges, OUTLINED).tolist():
            members = run.model_input.tree.members(merge)
            if merge not in hulls:
                hulls[merge] = hull(self._xy(run, plane)[members])
            lines[labels[members[0]]].append(hulls[merge])
        return [broken_line(parts) for parts in lines]

    def static_outlines(self, run, plane: Plane) -> list[np.ndarray]:
        """With single linkage, lines for the merges up to iteration 0: part of the minimum spanning tree."""
        if run.model_input.linkage != "single":
            return []
        return self._merge_lines(run, 0, run.history.parameters[0].merges, plane)

    def _merge_lines(self, run, first: int, last: int, plane: Plane) -> list[np.ndarray]:
        """Lines for the merges first..last-1, by cluster."""
        ends, indices = self._ends(run, plane), np.arange(first, last)
        clusters = run.model_input.labels_of_merges(run.history.last.labels)[indices]
        return [broken_line(ends[indices[clusters == cluster]]) for cluster in range(run.k)]

    def _ends(self, run, plane: Plane) -> np.ndarray:
        """(n - 1, 2, 2) end points of the lines of all merges."""
        return run.cached(
            ("ends", plane.names), lambda: run.model_input.ends(np.arange(run.model_input.n_merges), self._xy(run, plane))
        )

    @staticmethod
    def _xy(run, plane: Plane) -> np.ndarray:
        return run.cached(("positions", plane.names), lambda: plane.positions(run.data.points))

    def fills_outlines(self, settings: Settings) -> bool:
        return settings.option("linkage") != "single"

    def highlight(self, run, state: int, plane: Plane) -> np.ndarray | None:
        """Line between the two clusters that merge next."""
        merge = run.history.states[state].parameters.next
        if merge is None:
            return None
        # indices of the merges that have their own state: the last ones before the cut
        indices = run.history.parameters[-1].merges - np.arange(run.history.iterations) - 1
        ends = run.cached(
            ("ends of the last", plane.names),
            lambda: dict(zip(indices.tolist(), run.model_input.ends(indices, self._xy(run, plane)), strict=True)),
        )
        return ends[merge]

    def phases(self, run) -> dict[str, str]:
        shown = "Lines show the merges" if run.model_input.linkage == "single" else "Outlines show the current clusters"
        return {
            "start": "Each point is its own cluster.",
            "merge": f"Each step merges two clusters. {shown}.",
            "nearest": run.model_input.merge_rule(),
        }

    def sentences(self) -> dict[str, Callable]:
        return {"start": self.start_sentence, "merge": self.merge_sentence, "nearest": self.nearest_sentence}

    def start_sentence(self, run, state: int, current) -> str:
        return f"Start: {pluralize(len(run.data.points), 'point')}, each in its own cluster."

    def merge_sentence(self, run, state: int, current) -> str:
        merges, data_tree = current.parameters.merges, run.model_input
        if merges == 0:
            return "No merges."
        if current.iteration == 0:
            return f"First {pluralize(merges, 'merge')}, up to height {format_short(data_tree.height(merges))}."
        return data_tree.merge_sentence(merges - 1)

    def nearest_sentence(self, run, state: int, current) -> str:
        return f"Next merge: the two nearest clusters, at height {format_short(current.loss)}."

    def formulas(self, run, point: int, cluster: int) -> list[Formula]:
        def merge_of(frame) -> int:
            position = run.history.states[frame.state].parameters
            return position.merges - 1 if position.next is None else position.next

        return linkage_formulas(run.model_input, merge_of)

    def ending(self, run, state: int) -> str:
        return " The tree is cut here." if state == len(run.history.states) - 1 else ""

    def duration(self, run) -> str:
        return f"{len(run.data.points) - run.settings.k:,} merges"

    def arrays(self, run) -> dict[str, np.ndarray]:
        """The final cluster means, repeated for each iteration, because a tree has no centers."""
        return {"means": np.stack([run.cluster_centers] * len(run.history))}

    def label(self, settings: Settings) -> str:
        return f"{settings.option('linkage').capitalize()} linkage"

    def script(self, run, iterations: int) -> Script:
        linkage, metric = run.settings.option("linkage"), run.settings.option("metric")
        lines, of_input, imports = self.input_code(run.settings)
        function = "tree_of_points" if metric == "euclidean" else "tree_of_proximities"
        lines += f'tree = {function}({of_input}, "{linkage}")\nlabels = tree.labels({run.settings.k})\n'
        return Script(imports | {function}, f"{lines}print(np.bincount(labels))\n")

    def input_code(self, settings: Settings) -> tuple[str, str, frozenset[str]]:
        metric = settings.option("metric")
        return super().input_code(settings) if metric == "euclidean" else proximities_code(metric)

    def scikit_learn_script(self, run, iterations: int) -> Script:
        linkage, metric = run.settings.option("linkage"), run.settings.option("metric")
        if linkage in ("centroid", "median"):
            raise NoScript(f"scikit-learn has no {linkage} linkage")
        if metric not in ("euclidean", "manhattan", "cosine"):
            raise NoScript(f"scikit-learn has no hierarchical clustering of {distances_name(metric)}")
        if linkage == "ward" and metric != "euclidean":
            raise NoScript("scikit-learn supports Ward linkage only for Euclidean distances")
        body = (
            f'model = AgglomerativeClustering({run.settings.k}, linkage="{linkage}", metric="{metric}")\n'
            "labels = model.fit(points).labels_\nprint(np.bincount(labels))\n"
        )
        return Script(frozenset(), body, frozenset({"from sklearn.cluster import AgglomerativeClustering"}))


def linkage_formulas(data_tree: DataTree, merge_of: Callable[[Any], int]) -> list[Formula]:
    """The dissimilarity of two clusters by the linkage; none if the linkage does not fit the distances.

    `merge_of` returns the index of the merge that a frame shows; negative for none.
    """
    if data_tree.linkage in EUCLIDEAN_LINKAGES and not data_tree.is_euclidean:
        return []

    symbols = {
        "ward": "|A|: number of points; m: mean.",
        "centroid": "m: mean.",
        "median": "w: midpoint of the two clusters that were merged.",
    }.get(data_tree.linkage, "D: distance of two points.")

    def values(frame) -> list[str]:
        merge = merge_of(frame)
        if merge < 0:
            return ["", "no merge yet."]
        a, b = data_tree.merged_names(merge)
        height = format_short(data_tree.height(merge + 1))
        return [f"= {height}", f"A: {a}, B: {b}. No other two clusters are nearer to each other. {symbols}"]

    a, b = symbol("A"), symbol("B")
    size_a, size_b = (row(sign("|"), one, sign("|")) for one in (a, b))
    pair = row(symbol("a"), sign("∈"), a, sign(","), symbol("b"), sign("∈"), b)
    points = [subscript(vector("x"), symbol(name)) for name in "ab"]
    distance = row(symbol("D"), sign("("), points[0], sign(","), points[1], sign(")"))
    letter = vector("w" if data_tree.linkage == "median" else "m")
    apart = row(sign("‖"), subscript(letter, a), sign("−"), subscript(letter, b), sign("‖"))
    factor = fraction(row("<mn>2</mn>", size_a, size_b), row(size_a, sign("+"), size_b))
    right = {
        "single": row(f"<munder><mo>min</mo>{pair}</munder>", distance),
        "complete": row(f"<munder><mo>max</mo>{pair}</munder>", distance),
        "average": row(fraction("<mn>1</mn>", row(size_a, size_b)), sum_over(pair), distance),
        # a power, because browsers without a font for mathematics draw the root around the numerator only
        "ward": row(f"<msup>{row(sign('('), factor, sign(')'))}{row('<mn>1</mn>', sign('/'), '<mn>2</mn>')}</msup>", apart),
        "centroid": apart,
        "median": apart,
    }[data_tree.linkage]
    mathml = row(symbol("d"), sign("("), a, sign(","), b, sign(")"), sign("="), right, VALUE)
    return [Formula(linkage_name(data_tree.linkage).capitalize(), "merge nearest", mathml, NOTE, values)]


METHOD = TreeCutView()

"""Bisecting K-means in the app."""

from collections.abc import Callable, Mapping

import numpy as np

from clustering import BisectingKMeans, Splits
from clustering.bisecting_kmeans import BY_LOSS, BY_SIZE
from pages.datasets.data import Data
from pages.datasets.formatting import format_short, pluralize
from pages.datasets.planes import Plane
from pages.figures.hulls import hull
from pages.figures.plots import outline_traces
from pages.methods.base import MethodView, NoScript, Placement, Script, array_code
from pages.methods.formulas import (
    NOTE,
    VALUE,
    Formula,
    K,
    N,
    X,
    Z,
    coordinates,
    row,
    short_number,
    sign,
    squared_norm,
    subscript,
    sum_over,
    symbol,
    vector,
)
from pages.methods.kmeans import objective_formula
from pages.methods.options import Option, Settings
from pages.methods.traits import Loss, Traits

SELECT = Option(
    "select",
    "Next split",
    BY_LOSS,
    choices={BY_LOSS: "Largest sum of squares", BY_SIZE: "Most points"},
    help="Determines which cluster is split next: the one with the largest sum of squared distances to its center, or the "
    "one with most points.",
    width=210,
)
RUNS = Option(
    "runs",
    "Runs per split",
    10,
    choices={1: "1", 10: "10"},
    short_label=lambda runs: f"{pluralize(runs, 'run')} per split",
    help="Number of runs of K-means with two centers in each split, from random starts by k-means++; the best one is kept.",
    width=128,
)


class BisectingKMeansView(MethodView):
    name = "bisecting"
    title = "Bisecting K-means"
    title_in_sentence = "bisecting K-means"
    order = 1.4
    traits = Traits(loss=Loss(), regions=True, k_varies=True, converges=False)
    options = (SELECT, RUNS)
    initializations = ()
    highlights = outline_traces()
    iteration_note = "In the loss curve, the iterations of bisecting K-means are its splits."
    result_code = "state.parameters.centers"

    def process(self, settings: Settings, init=None) -> BisectingKMeans:
        return BisectingKMeans(settings.k, **self.arguments(settings))

    def state_size(self, k: int, d: int) -> int:
        return 3 * k * d

    def placement_arrays(self, run) -> dict[str, np.ndarray]:
        return run.history.parameters[-1]._asdict()

    def place(self, arrays: Mapping[str, np.ndarray], settings: Settings, data: Data) -> Placement:
        centers, clusters, pairs = (np.asarray(arrays[name], dtype=float) for name in Splits._fields)
        k, d = len(centers), data.points.shape[1]
        pairs = pairs.reshape(-1, 2, d)  # empty arrays lose their shape in a file
        if centers.shape != (k, d) or clusters.shape != (k - 1,) or len(pairs) != k - 1:
            raise ValueError("these are not the splits of bisecting K-means")
        splits = Splits(centers, clusters.astype(np.intp), pairs)
        labels = self.process(settings).predict(splits, data.points)
        return Placement(labels, np.linalg.norm(data.points - centers[labels], axis=1))

    def placement_rule(self, settings: Settings) -> str:
        return "the cluster that it reaches by following the splits, each time to the nearer of two centers"

    def nearest_centers(self, run) -> None:
        """None: a point stays on its side of each split, even if another center is nearer."""
        return

    def centers(self, parameters: Splits, data: Data) -> np.ndarray:
        return parameters.centers

    def highlight(self, run, state: int, plane: Plane) -> np.ndarray | None:
        """The convex hull of the cluster that is split next."""
        if run.history.states[state].phase != "choose":
            return None
        members = run.history.assignment(state).labels == self._next(run, state)
        return hull(plane.positions(run.data.points[members])) if members.any() else None

    @staticmethod
    def _next(run, state: int) -> int:
        """The cluster that is split after a state, by its number in that state."""
        return int(run.history.states[state + 1].parameters.clusters[-1])

    def phases(self, run) -> dict[str, str]:
        chosen = {BY_LOSS: "the largest sum of squared distances", BY_SIZE: "the most points"}
        return {
            "start": "All points are one cluster. Press Play or use the arrow keys.",
            "choose": f"The cluster with {chosen[run.settings.option('select')]}, outlined, is split next.",
            "split": "K-means with two centers divides the chosen cluster. The other clusters stay, so the loss cannot "
            "increase.",
        }

    def sentences(self) -> dict[str, Callable]:
        return {"start": self.start_sentence, "choose": self.choose_sentence, "split": self.split_sentence}

    def start_sentence(self, run, state: int, current) -> str:
        return f"Start: {pluralize(len(run.data.points), 'point')} in one cluster."

    def choose_sentence(self, run, state: int, current) -> str:
        cluster, assignment = self._next(run, state), run.history.assignment(state)
        number = int(run.ranks_of(state)[cluster]) + 1
        return (
            f"Next split: cluster {number}, with {pluralize(int(assignment.sizes[cluster]), 'point')} and a sum of squared "
            f"distances of {format_short(assignment.losses[cluster])}."
        )

    def split_sentence(self, run, state: int, current) -> str:
        if current.iteration == 0:
            return f"One cluster, loss {self.loss_text(current.loss)}."
        sizes, cluster = current.assignment.sizes, current.parameters.clusters[-1]
        parts = " and ".join(f"{size:,}" for size in (sizes[cluster], sizes[-1]))
        return f"Split into parts of {parts} points: {len(sizes)} clusters, loss {self.loss_text(current.loss)}."

    def formulas(self, run, point: int, cluster: int) -> list[Formula]:
        x, by_size = run.data.points[point], run.settings.option("select") == BY_SIZE

        def choose_values(frame) -> list[str]:
            if frame.assigned is None:
                return ["", "not assigned yet."]
            assignment, ranks = run.history.assignment(frame.assigned), run.ranks_of(frame.assigned)
            scores = assignment.sizes if by_size else assignment.losses
            order = np.argsort(-scores, kind="stable")[:8].tolist()
            listed = ", ".join(f"{short_number(scores[k])} (cluster {ranks[k] + 1})" for k in order)
            return [f"= {ranks[order[0]] + 1}", f"{listed}{', …' if len(scores) > 8 else ''}."]

        def split_values(frame) -> list[str]:
            parameters = run.history.states[frame.state].parameters
            if not len(parameters.clusters):
                return ["no split yet."]
            first, second = parameters.pairs[-1]
            distances = [short_number(np.square(x - one).sum()) for one in (first, second)]
            return [
                f"centers {coordinates(first)} and {coordinates(second)}; squared distances of "
                f"{run.data.names_of([point])[0]}: {' and '.join(distances)}."
            ]

        members = row(N, sign(":"), subscript(Z, N), sign("="), K)
        squares = row(sum_over(members), squared_norm(row(X, sign("−"), subscript(vector("c"), K))))
        score = subscript(symbol("N"), K) if by_size else squares
        argmax = f"<munder><mo>arg max</mo>{K}</munder>"
        choose = row(argmax, score, VALUE)
        parts = row(sign("{"), "<mn>1</mn>", sign(","), "<mn>2</mn>", sign("}"))
        part = symbol("p")
        argmin = f"<munder><mo>arg min</mo>{row(part, sign('∈'), parts)}</munder>"
        split = row(argmin, squared_norm(row(X, sign("−"), subscript(vector("c"), part))))
        choosing = [Formula("Choose", "choose", choose, NOTE, choose_values)] if run.k > 1 else []  # K = 1 has no splits
        return [
            objective_formula(),
            *choosing,
            Formula("Split", "split", split, f"The last split: {NOTE}", split_values),
        ]

    def cluster_columns(self, run) -> dict:
        return {"sum_of_squares": run.history.last.assignment.losses}

    def arrays(self, run) -> dict[str, np.ndarray]:
        states, last = run.history.parameters, run.history.parameters[-1]
        centers = np.full((len(states), *last.centers.shape), np.nan)
        for padded, state in zip(centers, states, strict=True):
            padded[: len(state.centers)] = state.centers
        # the last state has all splits; the first one comes before them
        divided = np.concatenate([[-1], last.clusters])
        pairs = np.concatenate([np.full((1, *last.pairs.shape[1:]), np.nan), last.pairs])
        return {"centers": centers, "split_clusters": divided[: len(states)], "split_centers": pairs[: len(states)]}

    def duration(self, run) -> str:
        return pluralize(run.history.iterations, "split")

    def scikit_learn_script(self, run, iterations: int) -> Script:
        sizes = run.history.sizes[:-1]
        if run.settings.option("select") == BY_SIZE and any((each == each.max()).sum() > 1 for each in sizes):
            raise NoScript("two clusters have the same number of points, and scikit-learn may split the other one")
        strategy = {BY_LOSS: "biggest_inertia", BY_SIZE: "largest_cluster"}[run.settings.option("select")]
        body = (
            "# each split starts from the centers that the app found; scikit-learn centers the points first\n"
            f"pairs = {array_code(run.history.parameters[-1].pairs)}.reshape(-1, 2, points.shape[1])\n"
            "pairs = iter(pairs - points.mean(axis=0))\n"
            f"model = BisectingKMeans(\n    {run.settings.k}, init=lambda points, k, random_state: next(pairs), "
            f'bisecting_strategy="{strategy}"\n).fit(points)\n'
            "labels, parameters, loss = model.labels_, model.cluster_centers_, model.inertia_\n"
            "print(loss)\nprint(parameters)\n"
        )
        return Script(frozenset(), body, frozenset({"from sklearn.cluster import BisectingKMeans"}))


METHOD = BisectingKMeansView()

"""K-means in the app."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from clustering import KMeans, MeanTest, kmeans_mean_test, rows_of_centers
from pages.datasets.catalog import read_table
from pages.datasets.data import Data
from pages.datasets.formatting import pluralize
from pages.methods.base import MethodView, Script, array_code
from pages.methods.formulas import (
    M_STEP,
    NK,
    NOTE,
    VALUE,
    Formula,
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
    short_number,
    sign,
    squared_norm,
    subscript,
    sum_over,
    symbol,
    vector,
)
from pages.methods.options import Settings
from pages.methods.starts import MANUAL, MAXMIN, PARALLEL, PLAIN_PLUS_PLUS, RANDOM, SEEDED, TREE
from pages.methods.traits import Loss, Traits

W = subscript(symbol("w"), N)
"""weight of a row in formulas"""
MAX_TESTED_POINTS = 20_000
"""maximum number of points for `mean_test`, which takes seconds for each pair of clusters"""


class PublishedScores(NamedTuple):
    """Published results for one initialization."""

    centroid_index: str
    """mean centroid index"""
    success_rate: str | None = None
    """share of runs with centroid index 0"""


class PublishedResults(NamedTuple):
    """Published results of many runs on one data set."""

    source: str
    best_loss: float
    initializations: dict[str, PublishedScores]


S1 = PublishedResults(
    "Fränti & Sieranoja 2019, Pattern Recognition 93, 95–112",
    8.91762e12,
    {
        RANDOM.name: PublishedScores("1.8–1.95", "3%"),
        PLAIN_PLUS_PLUS.name: PublishedScores("0.94"),
        MAXMIN.name: PublishedScores("0.7"),
    },
)


def objective_formula(weighted: bool = False) -> Formula:
    """The sum of squared distances, each multiplied by the weight of its row if `weighted`."""
    center = subscript(vector("c"), subscript(Z, N))
    square = squared_norm(row(X, sign("−"), center))
    loss = row(symbol("L"), sign("="), sum_over(N), row(W, square) if weighted else square, VALUE)
    text = "Sum of squared distances of the points to the centers of their clusters"
    return Formula("Objective", "", loss, f"{text}{', each multiplied by the weight w of its row' * weighted}.", loss_value)


def nearest_center_formula(run, point: int, centers_of: Callable[[Any], np.ndarray]) -> Formula:
    """The assignment of a point to the nearest center by squared Euclidean distance.

    `centers_of` returns the (k, d) centers for the parameters of a state.
    """

    def squares(parameters) -> np.ndarray:
        return np.square(centers_of(parameters) - run.data.points[point]).sum(axis=1)

    return nearest_center(
        run,
        point,
        squares,
        "squared distances",
        "center",
        squared_norm(row(X, sign("−"), subscript(vector("c"), K))),
        lambda parameters: int(squares(parameters).argmin()),
    )


class KMeansView(MethodView):
    name = "kmeans"
    title = "K-means"
    order = 1
    traits = Traits(blocks=True, weights=True, loss=Loss(), regions=True)
    initializations = (*SEEDED, PARALLEL, TREE, MANUAL)
    mean_test_condition = (
        "K-means, from the same starting rows, assigns every row in each iteration as it did here (Chen & Witten 2023, JMLR "
        "24(152))"
    )

    def process(self, settings: Settings, init=None) -> KMeans:
        return KMeans(settings.k, init=settings.start.initialization if init is None else init)

    def mean_test(self, run) -> Callable[..., MeanTest]:
        history, n = run.history, len(run.data.points)
        if run.settings.start.initialization != RANDOM.name:
            raise ValueError(
                f"The run started {self.start_phrase(run.settings)}: this start depends on the data in a way that the test "
                f"does not account for. Choose the initialization “{RANDOM.label}”."
            )
        if run.weights is not None:
            raise ValueError("The test does not account for weights of rows: choose no column of weights on the Data page.")
        if run.data.all_rows is not None:
            raise ValueError("The test needs all rows in memory, and this is a table on the server: upload a sample of it.")
        if n > MAX_TESTED_POINTS:
            raise ValueError(f"The test is limited to {MAX_TESTED_POINTS:,} points, but there are {n:,}.")
        if (history.sizes == 0).any():
            iteration = (history.sizes == 0).any(axis=1).argmax()
            raise ValueError(
                f"A cluster was empty in iteration {iteration}, and the test does not account for how its center is moved."
            )
        # small integers, because there may be hundreds of iterations
        labels = [history.assignment_of_iteration(t).labels.astype(np.uint8) for t in range(len(history))]
        return partial(kmeans_mean_test, run.data.points, labels, rows_of_centers(run.data.points, history.parameters[0]))

    def regions(self, run, parameters, grid) -> np.ndarray:
        return grid.nearest(parameters)

    def phases(self, run) -> dict[str, str]:
        return {
            "start": "No points are assigned yet. Press Play or use the arrow keys.",
            "E": "Each point is assigned to the nearest center. The centers stay fixed, so the loss cannot increase.",
            "M": "Each center moves to the mean of its points. Assignments stay fixed, so the loss cannot increase.",
        }

    def m_sentence(self, run, state: int, current) -> str:
        # if all points coincide with their centers, the center of an empty cluster stays
        filled = (run.history.sizes[current.iteration - 1] == 0) & (self.center_shifts(run, state) > 0)
        numbers = [str(number) for number in sorted(cluster_number(run, cluster) for cluster in np.flatnonzero(filled))]
        moved = ""
        if len(numbers) == 1:
            moved = f" Cluster {numbers[0]} was empty, so its center moved to the point farthest from its assigned center."
        elif numbers:
            listed = f"{', '.join(numbers[:-1])} and {numbers[-1]}"
            moved = (
                f" Clusters {listed} were empty, so their centers moved to the points farthest from their assigned centers."
            )
        return super().m_sentence(run, state, current) + moved

    def formulas(self, run, point: int, cluster: int) -> list[Formula]:
        def values(frame) -> list[str]:
            current = run.history.states[frame.state]
            center = coordinates(current.parameters[cluster])
            if current.iteration == 0:
                return ["", f"initial center {center}."]
            size = float(run.history.sizes[current.iteration - 1][cluster])
            note = f"mean of its {pluralize(int(size), 'point')}."
            if run.weights is not None:
                note = f"weighted mean of its points, whose weights sum to {short_number(size)}."
            if not size:
                moved = (current.parameters[cluster] != run.history.parameters[current.iteration - 1][cluster]).any()
                note = f"empty, so its center {'moved to the point farthest from its assigned center' if moved else 'stays'}."
            return [f"= {center}", note]

        center = subscript(vector("c"), K)
        members = row(N, sign(":"), subscript(Z, N), sign("="), K)
        weighted = run.weights is not None
        m_step = row(center, sign("="), fraction("<mn>1</mn>", NK), sum_over(members), row(W, X) if weighted else X, VALUE)
        return [
            objective_formula(weighted),
            nearest_center_formula(run, point, lambda centers: centers),
            Formula(M_STEP, "M", m_step, f"For cluster {cluster_number(run, cluster)}: {NOTE}", values),
        ]

    def published(self, data: Data, settings: Settings) -> PublishedResults | None:
        if settings.k != 15 or data.points.shape != (5_000, 2):
            return None
        return S1 if np.array_equal(data.points, read_table("s1").iloc[:, :2].to_numpy()) else None

    def scikit_learn_script(self, run, iterations: int) -> Script:
        weights = "" if run.weights is None else ", sample_weight=weights"
        body = (
            f"start = {array_code(run.history.parameters[0])}\n"
            f"model = KMeans({run.settings.k}, init=start, n_init=1, tol=0, max_iter={iterations}).fit(points{weights})\n"
            "labels, parameters, loss = model.labels_, model.cluster_centers_, model.inertia_\n"
            "print(loss)\nprint(parameters)\n"
        )
        return Script(frozenset(), body, frozenset({"from sklearn.cluster import KMeans"}))


METHOD = KMeansView()

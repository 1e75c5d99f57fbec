"""K-medoids, as the app offers, draws, explains and exports it."""

import numpy as np
from scipy.spatial.distance import cdist

from clustering import KMedoids
from pages.datasets.data import SCIPY_METRICS, Data
from pages.datasets.formatting import counted, number, short
from pages.methods.base import MethodView
from pages.methods.formulas import (
    NOTE,
    VALUE,
    Formula,
    K,
    N,
    X,
    Z,
    loss_value,
    nearest_center,
    number_of,
    row,
    short_number,
    sign,
    sub,
    symbol,
    total,
    vector,
)
from pages.methods.metric import METRIC
from pages.methods.options import Option, Settings
from pages.methods.starts import MANUAL, SEEDED, TREE, Initialization
from pages.methods.traits import POINTS, PROXIMITIES, Traits

BUILD = Initialization("build", "BUILD", "BUILD", why_deterministic="Nothing in BUILD is random: every start is the same.")
ALTERNATING = "alternating"
UPDATE = Option(
    "update",
    "Update",
    ALTERNATING,
    choices={
        ALTERNATING: "Alternating, within clusters",
        "swap": "First improving swap",
        "steepest swap": "Best swap",
    },
    short_label={ALTERNATING: "alternating", "swap": "first swap", "steepest swap": "best swap"}.get,
    width=230,
)


class KMedoidsView(MethodView):
    name = "kmedoids"
    title = "K-medoids"
    order = 2
    traits = Traits(data=frozenset({POINTS, PROXIMITIES}), center="medoid", regions=True, pairwise=True)
    options = (METRIC, UPDATE)
    initializations = (*SEEDED, BUILD, TREE, MANUAL)
    names_centers = True
    distance_name = "by the proximities"

    def process(self, settings: Settings, init=None) -> KMedoids:
        return KMedoids(
            settings.k, init=settings.start.initialization if init is None else init, update=settings.option("update")
        )

    def model_input(self, data: Data, settings: Settings, cache):
        # prepared for one K, it is quickly prepared for another
        metric = settings.option("metric")
        return cache.get(("proximities", data.key, metric), lambda: KMedoids(1).prepare(data.proximities(metric)))

    def start_at(self, data: Data, model_input, k: int, *, rows=None, centers=None, labels=None) -> np.ndarray:
        if rows is not None:
            return np.asarray(rows)
        if centers is not None:
            return _nearest_rows(data.points, np.asarray(centers))
        members = [np.flatnonzero(labels == group) for group in range(k)]
        return np.array([rows[model_input.matrix[np.ix_(rows, rows)].sum(axis=0).argmin()] for rows in members])

    def state_size(self, k: int, d: int) -> int:
        return k

    def centers(self, parameters, data: Data) -> np.ndarray:
        return data.points[parameters]

    def center_names(self, parameters, data: Data) -> list[str]:
        return data.names_of(parameters)

    def center_distances(self, a, b, data: Data, model_input) -> np.ndarray:
        return model_input.matrix[np.ix_(a, b)]

    def distances_to_centers(self, run) -> np.ndarray:
        return run.history.last.assignment.nearest

    def has_regions(self, data: Data, settings: Settings) -> bool:
        return super().has_regions(data, settings) and settings.option("metric") in SCIPY_METRICS

    def regions(self, run, parameters, grid) -> np.ndarray:
        medoids, metric = run.data.points[parameters], run.settings.option("metric")
        if metric in ("euclidean", "squared euclidean"):
            return grid.nearest(medoids)
        return cdist(grid.points, medoids, SCIPY_METRICS[metric]).argmin(axis=1).reshape(grid.shape)

    def swaps(self, settings: Settings) -> bool:
        """Whether its M step swaps one medoid, instead of moving each within its cluster."""
        return settings.option("update") != ALTERNATING and settings.k > 1

    def phases(self, run) -> dict[str, str]:
        return {
            "start": "A medoid is a point of the data that stands for its cluster. Press play, or step through.",
            "E": "E step: every point joins the nearest medoid, by the chosen metric.",
            "M": "Swap: one medoid gives its place to another point, if that lowers the loss when all points may choose anew."
            if self.swaps(run.settings)
            else "M step: in every cluster, the point with the least sum of dissimilarities to the others becomes the medoid.",
        }

    def m_sentence(self, run, state: int, now) -> str:
        old, new = run.history.states[state - 1].parameters, now.parameters
        slots = np.flatnonzero(old != new)
        loss = number(now.loss)
        if self.swaps(run.settings):
            if not len(slots):
                return f"Swap: no swap of a medoid with another point lowers the loss, {loss}."
            out, taken = run.data.names_of([old[slots[0]], new[slots[0]]])
            return f"Swap: {taken} takes the place of {out} as the medoid of cluster {number_of(run, slots[0])}, loss {loss}."
        if not len(slots):
            return f"M step: every medoid is the best of its cluster already, loss {loss}."
        moved = short(self.moved(run, state).max())
        return f"M step: {counted(len(slots), 'medoid')} moved, by at most {moved}, loss {loss}."

    def formulas(self, run, point: int, cluster: int) -> list[Formula]:
        history, matrix, swaps = run.history, run.history.prepared.matrix, self.swaps(run.settings)

        def called(medoid) -> str:
            return run.data.names_of([medoid])[0]

        def to_medoids(medoids) -> np.ndarray:
            return matrix[point, medoids]

        def label(medoids) -> int:
            own = np.flatnonzero(medoids == point)  # a medoid is always with itself
            return int(own[0]) if own.size else int(to_medoids(medoids).argmin())

        def swapped(before, now, t: int) -> list[str]:
            slots = np.flatnonzero(before != now)
            if not len(slots):
                return ["", "no swap lowers the loss."]
            change = f"{called(now[slots[0]])} takes the place of {called(before[slots[0]])}"
            losses = f"{number(history.half_losses[t - 1])} < {number(history.losses[t - 1])}"
            return ["", f"{change} in cluster {number_of(run, int(slots[0]))}: {losses}."]

        def values(frame) -> list[str]:
            state = history.states[frame.state]
            t, now = state.iteration, state.parameters
            if t == 0:
                return ["", f"medoid {called(now[cluster])}: where it starts."]
            before = history.parameters[t - 1]
            if swaps:
                return swapped(before, now, t)
            came = "it stays."
            if before[cluster] != now[cluster]:
                mine = history.frame(t - 1).labels == cluster
                sums = [short_number(matrix[mine, medoid].sum()) for medoid in (before[cluster], now[cluster])]
                came = f"the sum over its {counted(int(mine.sum()), 'point')} goes from {sums[0]} to {sums[1]}."
            return [f"= {called(now[cluster])}", came]

        m, of_point = sub(symbol("m"), K), sub(Z, N)

        def apart(a: str, b: str) -> str:
            return row(symbol("D"), sign("("), a, sign(","), b, sign(")"))

        loss = row(symbol("L"), sign("="), total(N), apart(X, sub(symbol("m"), of_point)), VALUE)
        members = row(N, sign(":"), of_point, sign("="), K)
        i = symbol("i")
        best = f"<munder><mo>arg min</mo>{row(i, sign(':'), sub(Z, i), sign('='), K)}</munder>"
        m_step = row(m, sign("="), best, total(members), apart(X, sub(vector("x"), i)), VALUE)
        if swaps:
            lower = row(symbol("L"), sign("("), m, sign("←"), i, sign(")"), sign("<"), symbol("L"))
            m_step = row(m, sign("←"), i, sign(":"), lower, VALUE)
        objective = "Sum of dissimilarities of all points to the medoids of their clusters."
        return [
            Formula("Objective", "", loss, objective, loss_value),
            nearest_center(run, point, to_medoids, "dissimilarities", "medoid", apart(X, m), label),
            Formula("M step", "M", m_step, NOTE if swaps else f"For cluster {number_of(run, cluster)}: {NOTE}", values),
        ]

    def cluster_columns(self, run) -> dict:
        medoids = run.history.parameters[-1]
        return {"medoid_row": run.data.rows[medoids], "medoid_name": run.data.names_of(medoids)}

    def input_code(self, settings: Settings) -> tuple[str, str, frozenset[str]]:
        line = f'proximities = proximity_matrix(points, "{settings.option("metric")}")\n'
        return line, "proximities", frozenset({"proximity_matrix"})


def _nearest_rows(points: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """(k,) different rows of points (n, d), each the nearest to its center that is left."""
    distances = cdist(centers, points)
    rows = np.empty(len(centers), dtype=np.intp)
    for i in range(len(centers)):
        rows[i] = distances[i].argmin()
        distances[:, rows[i]] = np.inf
    return rows


METHOD = KMedoidsView()

"""K-medoids in the app."""

import numpy as np
from scipy.spatial.distance import cdist

from clustering import KMedoids
from clustering.proximity import METRICS
from pages.datasets.data import POINTS, PROXIMITIES, SCIPY_METRICS, Data
from pages.datasets.formatting import format_number, format_short, pluralize
from pages.methods.base import MethodView, Placement
from pages.methods.formulas import (
    M_STEP,
    NOTE,
    VALUE,
    Formula,
    K,
    N,
    X,
    Z,
    cluster_number,
    loss_value,
    nearest_center,
    row,
    short_number,
    sign,
    subscript,
    sum_over,
    symbol,
    vector,
)
from pages.methods.metric import METRIC, METRIC_NAMES, proximities_code
from pages.methods.options import Option, Settings
from pages.methods.starts import MANUAL, SEEDED, TREE, Initialization
from pages.methods.traits import Traits

BUILD = Initialization("build", "BUILD", "BUILD", why_deterministic="BUILD is deterministic: the start is always the same.")
ALTERNATING = "alternating"
UPDATE = Option(
    "update",
    "Update",
    ALTERNATING,
    "Alternating, within clusters: each medoid moves to the best point of its own cluster. Swaps replace a medoid with "
    "another point; they find lower losses but take longer. First improving swap: each step makes the first swap found that "
    "lowers the loss. Best swap: each step makes the best of all swaps.",
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
    distance_name = "by the chosen metric"

    def process(self, settings: Settings, init=None) -> KMedoids:
        return KMedoids(
            settings.k, init=settings.start.initialization if init is None else init, update=settings.option("update")
        )

    def model_input(self, data: Data, settings: Settings, cache):
        # prepared with K = 1, because the matrix does not depend on K; `KMedoids.prepare` updates the rest
        proximities = super().model_input(data, settings, cache)
        key = ("prepared proximities", data.key, settings.option("metric"))
        return cache.get(key, lambda: KMedoids(1).prepare(proximities))

    def start_at(self, data: Data, model_input, k: int, *, rows=None, centers=None, labels=None) -> np.ndarray:
        if rows is not None:
            return np.asarray(rows)
        if centers is not None:
            return _nearest_rows(data.points, np.asarray(centers))
        members = [np.flatnonzero(labels == cluster) for cluster in range(k)]
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

    def placement_arrays(self, run) -> dict[str, np.ndarray]:
        """The medoids, and how the columns are shifted and scaled by the metric; for Gower, numbers and codes separately."""
        medoids, data = run.history.parameters[-1], run.data
        if data.precomputed is not None:
            return {}
        if run.settings.option("metric") != "gower":
            return {"medoids": data.points[medoids], "origin": data.points.mean(axis=0)}
        numbers, codes = data.mixed
        low, extent = numbers.min(axis=0), np.ptp(numbers, axis=0)
        scale = np.where(extent > 0, extent, 1.0)
        return {"medoids": numbers[medoids], "codes": codes[medoids], "origin": low, "scale": scale}

    def place(self, arrays, settings: Settings, data: Data) -> Placement:
        metric, medoids, origin = settings.option("metric"), arrays["medoids"], arrays["origin"]
        if metric == "gower":
            numbers, codes = data.mixed
            rows, references = ((table - origin) / arrays["scale"] for table in (numbers, medoids))
            parts = [np.abs(np.subtract.outer(*pair)) for pair in zip(rows.T, references.T, strict=True)]
            parts += [np.not_equal.outer(*pair) for pair in zip(codes.T, arrays["codes"].T, strict=True)]
            distances = sum(parts) / len(parts)
        else:
            if metric not in ("cosine", "correlation"):  # as in `proximity_matrix`, so that rounding breaks ties equally
                rows, references = data.points - origin, medoids - origin
            else:
                rows, references = data.points, medoids
            both = cdist(rows, references, METRICS[metric]), cdist(references, rows, METRICS[metric]).T
            distances = np.maximum(0.0, np.maximum(*both))
        labels = distances.argmin(axis=1)
        return Placement(labels, distances[np.arange(len(labels)), labels])

    def placement_distance(self, settings: Settings) -> str:
        return f"{METRIC_NAMES[settings.option('metric')]} distance to the medoid"

    def nearest_centers(self, run) -> np.ndarray | None:
        return run.cluster_centers if run.settings.option("metric") in ("euclidean", "squared euclidean") else None

    def uses_swaps(self, settings: Settings) -> bool:
        """Whether the M step replaces a medoid with another point instead of updating each cluster."""
        return settings.option("update") != ALTERNATING and settings.k > 1

    def phases(self, run) -> dict[str, str]:
        return {
            "start": "A medoid is the data point that represents its cluster. Press Play or use the arrow keys.",
            "E": "Each point is assigned to the nearest medoid, by the chosen metric.",
            "M": "A medoid is replaced with another point if this lowers the total loss after reassignment."
            if self.uses_swaps(run.settings)
            else "In each cluster, the point with the lowest sum of dissimilarities to the others becomes the medoid.",
        }

    def m_sentence(self, run, state: int, current) -> str:
        old, new = run.history.states[state - 1].parameters, current.parameters
        changed = np.flatnonzero(old != new)
        loss = format_number(current.loss)
        if self.uses_swaps(run.settings):
            if not len(changed):
                return f"Swap: no swap lowers the loss, {loss}."
            before, after = run.data.names_of([old[changed[0]], new[changed[0]]])
            return f"Swap: {after} replaces {before} as medoid of cluster {cluster_number(run, changed[0])}, loss {loss}."
        if not len(changed):
            return f"{M_STEP}: no medoid changed, loss {loss}."
        shift = format_short(self.center_shifts(run, state).max())
        return f"{M_STEP}: {pluralize(len(changed), 'medoid')} moved by at most {shift}, loss {loss}."

    def formulas(self, run, point: int, cluster: int) -> list[Formula]:
        history, matrix, swaps = run.history, run.history.prepared.matrix, self.uses_swaps(run.settings)

        def name_of(medoid) -> str:
            return run.data.names_of([medoid])[0]

        def to_medoids(medoids) -> np.ndarray:
            return matrix[point, medoids]

        def label(medoids) -> int:
            own = np.flatnonzero(medoids == point)  # a medoid belongs to its own cluster
            return int(own[0]) if own.size else int(to_medoids(medoids).argmin())

        def swap_values(before, current, t: int) -> list[str]:
            changed = np.flatnonzero(before != current)
            if not len(changed):
                return ["", "No swap lowers the loss."]
            swap = f"{name_of(current[changed[0]])} replaces {name_of(before[changed[0]])}"
            losses = f"{format_number(history.half_losses[t - 1])} < {format_number(history.losses[t - 1])}"
            return ["", f"Cluster {cluster_number(run, int(changed[0]))}: {swap}, loss {losses}."]

        def values(frame) -> list[str]:
            state = history.states[frame.state]
            t, current = state.iteration, state.parameters
            if t == 0:
                return ["", "No swap yet." if swaps else f"initial medoid: {name_of(current[cluster])}."]
            before = history.parameters[t - 1]
            if swaps:
                return swap_values(before, current, t)
            note = "unchanged."
            if before[cluster] != current[cluster]:
                members = history.assignment_of_iteration(t - 1).labels == cluster
                sums = [short_number(matrix[members, medoid].sum()) for medoid in (before[cluster], current[cluster])]
                note = f"the sum over its {pluralize(int(members.sum()), 'point')} decreases from {sums[0]} to {sums[1]}."
            return [f"= {name_of(current[cluster])}", note]

        m, of_point = subscript(symbol("m"), K), subscript(Z, N)

        def dissimilarity(a: str, b: str) -> str:
            return row(symbol("D"), sign("("), a, sign(","), b, sign(")"))

        loss = row(symbol("L"), sign("="), sum_over(N), dissimilarity(X, subscript(symbol("m"), of_point)), VALUE)
        members = row(N, sign(":"), of_point, sign("="), K)
        i = symbol("i")
        best = f"<munder><mo>arg min</mo>{row(i, sign(':'), subscript(Z, i), sign('='), K)}</munder>"
        m_step = row(m, sign("="), best, sum_over(members), dissimilarity(X, subscript(vector("x"), i)), VALUE)
        if swaps:
            lower = row(symbol("L"), sign("("), m, sign("←"), i, sign(")"), sign("<"), symbol("L"))
            m_step = row(m, sign("←"), i, sign(":"), lower, VALUE)
        objective = "Sum of dissimilarities of the points to the medoids of their clusters."
        step, note = ("Swap", NOTE) if swaps else (M_STEP, f"For cluster {cluster_number(run, cluster)}: {NOTE}")
        return [
            Formula("Objective", "", loss, objective, loss_value),
            nearest_center(run, point, to_medoids, "dissimilarities", "medoid", dissimilarity(X, m), label),
            Formula(step, "M", m_step, note, values),
        ]

    def cluster_columns(self, run) -> dict:
        medoids = run.history.parameters[-1]
        return {"medoid_row": run.data.rows[medoids], "medoid_name": run.data.names_of(medoids)}

    def input_code(self, settings: Settings) -> tuple[str, str, frozenset[str]]:
        return proximities_code(settings.option("metric"))


def _nearest_rows(points: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """(k,) distinct rows of points (n, d): for each center in turn, the nearest point not yet chosen."""
    distances = cdist(centers, points)
    rows = np.empty(len(centers), dtype=np.intp)
    for i in range(len(centers)):
        rows[i] = distances[i].argmin()
        distances[:, rows[i]] = np.inf
    return rows


METHOD = KMedoidsView()

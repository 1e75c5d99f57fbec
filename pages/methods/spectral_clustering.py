"""Spectral clustering in the app."""

from html import escape

import numpy as np

from clustering import SpectralClustering
from clustering.spectral_clustering import GAUSSIAN, NEIGHBORS, SCALE_NEIGHBOR
from pages.datasets.data import POINTS, PROXIMITIES, Data
from pages.datasets.formatting import format_short, pluralize
from pages.datasets.limits import MAX_POINTS_FOR_PROXIMITIES
from pages.datasets.planes import Plane
from pages.figures.plots import ring_traces
from pages.methods.base import MethodView, NoScript, ResultTable, Script
from pages.methods.formulas import (
    M_STEP,
    NK,
    NOTE,
    VALUE,
    Formula,
    K,
    N,
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
from pages.methods.metric import METRIC, distances_name, proximities_code
from pages.methods.options import Option, Settings
from pages.methods.starts import SEEDED
from pages.methods.traits import Loss, Traits

NEIGHBOR_COUNT = 10
"""number of nearest neighbors that are connected"""
AFFINITY = Option(
    "affinity",
    "Affinity",
    GAUSSIAN,
    choices={GAUSSIAN: "Gaussian kernel", NEIGHBORS: f"{NEIGHBOR_COUNT} nearest neighbors"},
    help="Determines how strongly two points are connected: by a Gaussian function of their distance, or only if one is among "
    f"the {NEIGHBOR_COUNT} nearest neighbors of the other.",
    width=190,
)
WIDTH = Option(
    "width",
    "Kernel width",
    1.0,
    low=0.05,
    high=50.0,
    step=0.5,
    short_label=lambda width: f"width {width:g}",
    help="Width of the Gaussian kernel, as a multiple of the median distance of a point to its "
    f"{SCALE_NEIGHBOR}th nearest neighbor. Too small: single points become clusters. Too large: the shape of the groups does "
    "not matter anymore.",
    width=128,
)


class SpectralClusteringView(MethodView):
    name = "spectral"
    title = "Spectral clustering"
    title_in_sentence = "spectral clustering"
    order = 4.5
    works_with = "distances"
    traits = Traits(
        data=frozenset({POINTS, PROXIMITIES}),
        center=None,
        loss=Loss(over_k=False),  # it is that of K eigenvectors
        pairwise=True,
        moves_points=True,
    )
    options = (AFFINITY, WIDTH, METRIC)
    initializations = SEEDED
    highlights = ring_traces(17)

    def process(self, settings: Settings, init=None) -> SpectralClustering:
        start = settings.start.initialization if init is None else init
        return SpectralClustering(settings.k, init=start, neighbors=NEIGHBOR_COUNT, **self.arguments(settings))

    def start_at(self, data: Data, model_input, k: int, *, rows=None, centers=None, labels=None) -> np.ndarray:
        return np.asarray(rows)  # other starts are not offered

    def state_size(self, k: int, d: int) -> int:
        return k * k

    def working_values(self, data: Data, settings: Settings) -> int:
        return 5 * min(len(data.points), MAX_POINTS_FOR_PROXIMITIES) ** 2

    # Plotting

    @staticmethod
    def _shown_in(run, plane: Plane):
        """A function that maps points in the space of the eigenvectors to the plane.

        It shows their first two principal components, enlarged or reduced to the size of the plot of the data.
        """

        def compute():
            rows = run.history.prepared.rows.points
            origin = rows.mean(axis=0)
            axes = np.zeros((2, rows.shape[1]))
            if rows.shape[1] > 1:
                axes = np.linalg.svd(rows - origin, full_matrices=False)[2][:2]
                axes = axes * np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])[:, None]
            flat = (rows - origin) @ axes.T
            xy = plane.positions(run.data.points)
            low, high = xy.min(axis=0), xy.max(axis=0)
            extents = np.ptp(flat, axis=0)
            used = (extents > 1e-9) & (high > low)
            scale = (0.9 * (high - low)[used] / extents[used]).min() if used.any() else 0.0
            middle = (flat.min(axis=0) + flat.max(axis=0)) / 2
            return axes, origin, scale, middle, (low + high) / 2

        axes, origin, scale, middle, center = run.cached(("eigenvectors", plane.names), compute)
        return lambda points: ((points - origin) @ axes.T - middle) * scale + center

    def _in_data(self, run, state: int) -> bool:
        """Whether the points are at their positions in the data."""
        return run.history.states[state].phase == "start" or state == len(run.history.states) - 1

    def plane_positions(self, run, state: int, plane: Plane) -> np.ndarray:
        if self._in_data(run, state):
            return plane.positions(run.data.points)
        return self._shown_in(run, plane)(run.history.prepared.rows.points)

    def highlight(self, run, state: int, plane: Plane) -> np.ndarray | None:
        """The centers of K-means, while the points are at their eigenvectors."""
        return None if self._in_data(run, state) else self._shown_in(run, plane)(run.history.states[state].parameters)

    def axis_names(self, plane: Plane) -> tuple[str, str]:
        return tuple(f"{name} | eigenvectors, component {i} (scaled)" for i, name in enumerate(plane.names[:2], start=1))

    # Explaining

    def phases(self, run) -> dict[str, str]:
        where = "its row of the eigenvectors, in which connected points are close to each other"
        return {
            "start": f"The points are at their positions in the data. In the next frame each moves to {where}.",
            "E": "Points are at their rows of eigenvectors (two principal components of them, scaled to the plot). Each is "
            "assigned to the nearest center; circles are centers. In the last frame the points return to "
            "their original positions.",
            "M": "K-means in the space of the eigenvectors: each center moves to the mean of its points.",
        }

    def start_sentence(self, run, state: int, current) -> str:
        return f"Start: {pluralize(run.k, 'center')} {self.start_phrase(run.settings)}, in the space of the eigenvectors."

    def m_sentence(self, run, state: int, current) -> str:
        states = run.history.states
        shift = np.linalg.norm(states[state].parameters - states[state - 1].parameters, axis=1).max()
        return f"{M_STEP}: centers moved by at most {format_short(shift)}, loss {self.loss_text(current.loss)}."

    def ending(self, run, state: int) -> str:
        ending = super().ending(run, state)
        return f"{ending} The points are back at their original positions." if ending else ""

    def formulas(self, run, point: int, cluster: int) -> list[Formula]:
        prepared, gaussian = run.history.prepared, run.settings.option("affinity") == GAUSSIAN
        rows, distances = prepared.rows.points, np.array(self.matrix(run)[point])
        distances[point] = np.inf
        nearest = int(distances.argmin()) if len(distances) > 1 else point
        names = run.data.names_of([point, nearest])

        def affinity_values(frame) -> list[str]:
            if len(distances) == 1:
                return ["there is only one point."]
            if not gaussian:
                return [f"{names[0]} has affinities that sum to {short_number(prepared.degrees[point])}."]
            affinity = np.exp(-0.5 * (distances[nearest] / prepared.width) ** 2)
            return [
                f"{names[0]} and {names[1]}: distance {short_number(distances[nearest])}, width "
                f"s = {short_number(prepared.width)}, affinity {short_number(affinity)}."
            ]

        def row_values(frame) -> list[str]:
            return [f"= {coordinates(rows[point])}", f"eigenvalues {coordinates(prepared.values)}."]

        def m_values(frame) -> list[str]:
            current = run.history.states[frame.state]
            center = coordinates(current.parameters[cluster])
            if current.iteration == 0:
                return ["", f"initial center {center}."]
            size = int(run.history.sizes[current.iteration - 1][cluster])
            return [f"= {center}", f"mean of its {pluralize(size, 'row')}."]

        def squares(centers) -> np.ndarray:
            return np.square(centers - rows[point]).sum(axis=1)

        i, j = symbol("i"), symbol("j")
        pair = row(i, j)
        a, y, center = subscript(symbol("A"), pair), subscript(vector("y"), N), subscript(vector("c"), K)
        if gaussian:
            squared = f"<msubsup>{symbol('D')}{pair}<mn>2</mn></msubsup>"
            exponent = row(sign("−"), squared, sign("/"), "<mn>2</mn>", f"<msup>{symbol('s')}<mn>2</mn></msup>")
            affinity = row(a, sign("="), symbol("exp"), sign("("), exponent, sign(")"))
        else:
            ones = [
                row(symbol(name), sign("∈"), symbol("NN"), sign("("), symbol(other), sign(")")) for name, other in ("ji", "ij")
            ]
            half = fraction("<mn>1</mn>", "<mn>2</mn>")
            affinity = row(a, sign("="), half, sign("["), ones[0], sign("]"), sign("+"), half, sign("["), ones[1], sign("]"))
        roots = f"<msqrt>{row(subscript(symbol('g'), i), subscript(symbol('g'), j))}</msqrt>"
        normalized = row(subscript(symbol("N"), pair), sign("="), fraction(a, roots))
        of_row = row(
            y, sign("="), fraction(subscript(vector("v"), N), row(sign("‖"), subscript(vector("v"), N), sign("‖"))), VALUE
        )
        assigned = subscript(vector("c"), subscript(Z, N))
        loss = row(symbol("L"), sign("="), sum_over(N), squared_norm(row(y, sign("−"), assigned)), VALUE)
        members = row(N, sign(":"), subscript(Z, N), sign("="), K)
        m_step = row(center, sign("="), fraction("<mn>1</mn>", NK), sum_over(members), y, VALUE)
        name = escape(names[0])
        return [
            Formula("Affinities", "start", (affinity, normalized), f"g: sums of the affinities. {NOTE}", affinity_values),
            Formula(
                "Eigenvectors",
                "start",
                of_row,
                f"For {name}: its row v of the K leading eigenvectors of N, divided by its length; {NOTE}",
                row_values,
            ),
            Formula(
                "Objective", "", loss, "Sum of squared distances of the rows to the centers of their clusters.", loss_value
            ),
            nearest_center(
                run,
                point,
                squares,
                "squared distances",
                "center",
                squared_norm(row(y, sign("−"), center)),
                lambda centers: int(squares(centers).argmin()),
            ),
            Formula(M_STEP, "M", m_step, f"For cluster {cluster_number(run, cluster)}: {NOTE}", m_values),
        ]

    # Exporting

    @staticmethod
    def matrix(run) -> np.ndarray:
        """(n, n) dissimilarities."""
        return run.model_input

    def point_columns(self, run) -> dict[str, np.ndarray]:
        rows = run.history.prepared.rows.points
        return {f"eigenvector_{i}": column for i, column in enumerate(rows.T, start=1)}

    def arrays(self, run) -> dict[str, np.ndarray]:
        return {"centers_in_eigenvectors": np.stack(run.history.parameters)}

    def tables(self, run) -> list[ResultTable]:
        values = run.history.prepared.values
        rows = [[i, f"{value:.6f}", f"{1 - value:.3g}"] for i, value in enumerate(values.tolist(), start=1)]
        width = run.history.prepared.width
        kernel = f" The kernel has the width {format_short(width)}." if np.isfinite(width) else ""
        return [
            ResultTable(
                "Eigenvalues of the normalized affinities",
                ["Eigenvector", "Eigenvalue", "1 − eigenvalue"],
                rows,
                "Groups that are not connected each have an eigenvalue of 1; eigenvalues near 1 belong to weakly connected "
                f"groups.{kernel}",
            )
        ]

    def input_code(self, settings: Settings) -> tuple[str, str, frozenset[str]]:
        return proximities_code(settings.option("metric"))

    def scikit_learn_script(self, run, iterations: int) -> Script:
        settings, prepared = run.settings, run.history.prepared
        if settings.option("metric") != "euclidean":
            raise NoScript(f"scikit-learn has no spectral clustering of {distances_name(settings.option('metric'))}")
        if prepared.components > 1 or not (prepared.degrees > 0).all():
            raise NoScript("scikit-learn has no eigenvectors of affinities with separate components")
        rows = prepared.rows.points
        starts = [int((rows == center).all(axis=1).argmax()) for center in run.history.parameters[0]]
        affinity = f"rbf_kernel(points, gamma={float(0.5 / prepared.width**2)!r})"
        imports = {"from sklearn.cluster import KMeans", "from sklearn.manifold import spectral_embedding"}
        if settings.option("affinity") == GAUSSIAN:
            imports.add("from sklearn.metrics.pairwise import rbf_kernel")
        else:
            imports.add("from sklearn.neighbors import kneighbors_graph")
            count = min(NEIGHBOR_COUNT, len(rows) - 1)
            affinity = f"kneighbors_graph(points, {count}).toarray()\naffinity = (affinity + affinity.T) / 2"
        body = (
            f"affinity = {affinity}\nnp.fill_diagonal(affinity, 0)\n"
            f"vectors = spectral_embedding(affinity, n_components={settings.k}, drop_first=False, random_state=0)\n"
            "vectors *= np.sqrt(affinity.sum(axis=1))[:, None]  # as in Ng, Jordan & Weiss, unlike SpectralClustering\n"
            "rows = vectors / np.linalg.norm(vectors, axis=1)[:, None]\n"
            f"start = rows[{starts!r}]\n"
            f"model = KMeans({settings.k}, init=start, n_init=1, tol=0, max_iter={iterations}).fit(rows)\n"
            "labels, parameters, loss = model.labels_, model.cluster_centers_, model.inertia_\n"
            "print(loss)\nprint(np.bincount(labels))\n"
        )
        return Script(frozenset(), body, frozenset(imports))


METHOD = SpectralClusteringView()

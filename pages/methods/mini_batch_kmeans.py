"""Mini-batch K-means in the app."""

import numpy as np

from clustering import BatchCenters, MiniBatchKMeans
from pages.datasets.data import Data
from pages.datasets.formatting import format_short, pluralize
from pages.datasets.planes import Plane
from pages.figures.plots import ring_traces
from pages.methods.base import MethodView, NoScript, Script, array_code
from pages.methods.formulas import (
    M_STEP,
    NOTE,
    VALUE,
    Formula,
    K,
    X,
    cluster_number,
    coordinates,
    fraction,
    row,
    short_number,
    sign,
    subscript,
    symbol,
    vector,
)
from pages.methods.kmeans import nearest_center_formula, objective_formula
from pages.methods.options import Option, Settings
from pages.methods.starts import MANUAL, PARALLEL, SEEDED, TREE
from pages.methods.traits import Loss, Traits

MAX_LISTED = 20_000
"""largest number of drawn points that a script lists"""
BATCH = Option(
    "batch",
    "Batch size",
    50,
    low=1,
    high=10_000,
    step=10,
    short_label=lambda batch: f"batches of {batch:,}",
    help="Number of points that are drawn at random for each update. Small batches are fast but noisy; a batch of all "
    "points or more uses all of them each time.",
    width=128,
)


class MiniBatchKMeansView(MethodView):
    name = "minibatch"
    title = "Mini-batch K-means"
    title_in_sentence = "mini-batch K-means"
    order = 1.2
    traits = Traits(
        regions=True,
        loss=Loss(
            rises="It can rise from one iteration to the next, because each update sees only a random batch of the points."
        ),
    )
    options = (BATCH,)
    initializations = (*SEEDED, PARALLEL, TREE, MANUAL)
    early_stopping = {"tol": 0.002, "max_iter": 100}
    random_steps = True
    highlights = ring_traces(9)
    result_code = "state.parameters.centers"

    def process(self, settings: Settings, init=None) -> MiniBatchKMeans:
        start = settings.start.initialization if init is None else init
        return MiniBatchKMeans(settings.k, settings.option("batch"), init=start)

    def state_size(self, k: int, d: int) -> int:
        return k * (d + 1)

    def values_per_state(self, data: Data, settings: Settings, k: int | None = None) -> int:
        return super().values_per_state(data, settings, k) + min(settings.option("batch"), len(data.points))

    def centers(self, parameters: BatchCenters, data: Data) -> np.ndarray:
        return parameters.centers

    def regions(self, run, parameters: BatchCenters, grid) -> np.ndarray:
        return grid.nearest(parameters.centers)

    def highlight(self, run, state: int, plane: Plane) -> np.ndarray | None:
        """The points of the batch, in the state in which they move the centers."""
        current = run.history.states[state]
        return plane.positions(run.data.points[current.parameters.batch]) if current.phase == "M" else None

    def phases(self, run) -> dict[str, str]:
        return {
            "start": "No points are assigned yet. Press Play or use the arrow keys.",
            "E": "Each point is assigned to the nearest center. Only the colors and the loss need all points: the update uses "
            "those of its batch.",
            "M": "A random batch of points, circled, moves the centers: each center becomes the mean of all points that have "
            "moved it so far. The loss can rise, because the batch is only a sample.",
        }

    def m_sentence(self, run, state: int, current) -> str:
        shift = format_short(self.center_shifts(run, state).max())
        drawn = pluralize(len(current.parameters.batch), "random point")
        return f"{M_STEP}: {drawn} moved the centers by at most {shift}, loss {self.loss_text(current.loss)}."

    def e_sentence(self, run, state: int, current) -> str:
        text, losses = super().e_sentence(run, state, current), run.history.losses
        rose = current.iteration and losses[current.iteration] > losses[current.iteration - 1]
        return text.replace(", loss ", ", and the loss rose to ") if rose else text

    def formulas(self, run, point: int, cluster: int) -> list[Formula]:
        def values(frame) -> list[str]:
            current = run.history.states[frame.state]
            center, count = coordinates(current.parameters.centers[cluster]), int(current.parameters.counts[cluster])
            if current.iteration == 0:
                return ["", f"initial center {center}."]
            own = count - int(run.history.parameters[current.iteration - 1].counts[cluster])
            if not own:
                return [f"= {center}", "no point of the batch is nearest to it, so it stays."]
            rate = short_number(1 / count)
            return [
                f"= {center}",
                f"{pluralize(own, 'point')} of the batch, v = {count:,}: the last of them had the learning rate 1/v = {rate}.",
            ]

        center, rate = subscript(vector("c"), K), fraction("<mn>1</mn>", subscript(symbol("v"), K))
        kept = row(sign("("), "<mn>1</mn>", sign("−"), rate, sign(")"), center)
        m_step = row(center, sign("←"), kept, sign("+"), rate, X, VALUE)
        note = (
            "For each point of the batch that is nearest to the center; v counts the points that have moved it so far. "
            f"For cluster {cluster_number(run, cluster)}: {NOTE}"
        )
        return [
            objective_formula(),
            nearest_center_formula(run, point, lambda parameters: parameters.centers),
            Formula(M_STEP, "M", m_step, note, values),
        ]

    def cluster_columns(self, run) -> dict:
        return {"points_drawn": run.history.parameters[-1].counts}

    def arrays(self, run) -> dict[str, np.ndarray]:
        states = run.history.parameters
        return {name: np.stack([getattr(one, name) for one in states]) for name in ("centers", "counts")}

    def start_code(self, parameters: BatchCenters) -> str:
        return array_code(parameters.centers)

    def scikit_learn_script(self, run, iterations: int) -> Script:
        states = run.history.parameters
        drawn = sum(len(state.batch) for state in states)
        if drawn > MAX_LISTED:
            raise NoScript(f"the script would have to list the {drawn:,} points of all batches, which scikit-learn draws anew")
        if run.settings.option("batch") < run.settings.k:
            raise NoScript("scikit-learn does not accept batches with fewer points than clusters")
        batches = [state.batch.tolist() for state in states[1:]]
        body = (
            f"start = {array_code(states[0].centers)}\n"
            f"batches = {batches!r}\n"
            f"model = MiniBatchKMeans({run.settings.k}, init=start, n_init=1, reassignment_ratio=0)\n"
            "parameters = start\n"
            "for batch in batches:\n"
            "    parameters = model.partial_fit(points[batch]).cluster_centers_\n"
            "distances = np.square(points[:, None] - parameters).sum(axis=2)\n"
            "labels, loss = distances.argmin(axis=1), distances.min(axis=1).sum()\n"
            "print(loss)\nprint(parameters)\n"
        )
        return Script(frozenset(), body, frozenset({"from sklearn.cluster import MiniBatchKMeans"}))


METHOD = MiniBatchKMeansView()

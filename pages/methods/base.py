"""What the app asks of an algorithm, and what an algorithm answers unless it says otherwise.

A method is a `MethodView` in a file of this folder. The app asks its traits and calls its functions; no other file knows a
method by name. Every default suits a hard method whose clusters have centers.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

from clustering import proximity_matrix
from pages.datasets.data import Data
from pages.datasets.formatting import format_number, format_short, pluralize
from pages.datasets.planes import Plane
from pages.figures.grids import Grid
from pages.methods.formulas import Formula
from pages.methods.options import Option, Settings
from pages.methods.starts import MANUAL, SEEDED, TREE, Initialization, ManualStart, NamedStart, NoStart, Start, TreeStart
from pages.methods.traits import CHOOSE_K, EVERYWHERE, RESTARTS, Traits


class NeedsPoints(ValueError):
    """The method cannot work on proximities."""


class NoScript(ValueError):
    """A package has no such method."""


class Score(NamedTuple):
    """A number that a run came to, beside those that every method has."""

    name: str
    text: str
    help: str = ""
    comparable: bool = False
    """whether runs of the same method can be compared by it, smaller or larger being better as `help` says"""
    report: str = ""
    """the same in the report; by default `text`"""


class ResultTable(NamedTuple):
    """A further table about a run, shown below its picture."""

    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence]
    caption: str


class Script(NamedTuple):
    """The lines of a script that repeats a run, after those that make `points`."""

    imports: frozenset[str]
    """names that it needs of `clustering`, or whole import lines of a peer"""
    body: str


def array_code(values) -> str:
    """The array as code."""
    return f"np.array({np.asarray(values).tolist()!r})"


class MethodView(ABC):
    """How an algorithm is offered, run, drawn, explained and handed out. `run` is always a `runs.run.Run` of this method."""

    name: str
    """in settings, keys of widgets and files: letters only"""
    title: str
    order: float
    """of the methods where they are offered"""
    traits: Traits
    works_with: str = "means of coordinates"
    """why it needs points, completes "because it works with …\""""
    options: tuple[Option, ...] = ()
    initializations: tuple[Initialization, ...] = (*SEEDED, TREE, MANUAL)
    """of starting, the default first; none for a method that does not start anywhere"""
    pages: frozenset[str] = EVERYWHERE
    early_stopping: Mapping[str, Any] = {}
    """options of runs of which only the labels are wanted, where the exact end takes many steps that change none"""
    model_option: Option | None = None
    """the option whose values are compared by information criteria, for methods that have a likelihood"""
    time_note: str = ""
    """what its time includes that of others does not, in a sentence"""
    notices_by_iteration: bool = True
    """whether it matters in which iteration something unusual happened"""
    names_centers: bool = False
    """whether a center is a point of the data, whose name is written beside it"""
    highlights: bool = False
    """whether frames have a line that shows what happens now"""

    distance_name: str = "by Euclidean distance"
    """how `center_distances` measures"""
    label_options: frozenset[str] = frozenset()
    """names of the options that `label` has in it"""
    score_note: str = ""
    """what has to be said of its compared scores, in a sentence"""
    start_imports: frozenset[str] = frozenset()
    """names that `start_code` needs of `clustering`"""
    result_code: str = "state.parameters"
    """what a script prints as found"""

    def available_on(self, page: str) -> bool:
        """Whether it may be chosen on a page: many starts need a method that has some, and centers and losses to compare; a
        sweep over K one that is given K, and has a loss to choose the best of several runs by."""
        traits = self.traits
        if page == RESTARTS and not (
            traits.random and traits.center and traits.loss and any(w.repeatable for w in self.initializations)
        ):
            return False
        if page == CHOOSE_K and not (traits.groups == "chosen" and traits.loss):
            return False
        return page in self.pages

    # Making it.

    def settings(
        self, k: int | None = 3, start: Start | str | None = None, seed: int = 1, data: Data | None = None, **options
    ) -> Settings:
        """Settings of this method, with the defaults for these data where nothing else is said.

        `k` is left out where the number of clusters is not chosen. TypeError for an option, ValueError for a start that the
        method does not have.
        """
        unknown = options.keys() - {option.name for option in self.options}
        if unknown:
            raise TypeError(f"{self.title} has no option {', '.join(sorted(unknown))}")
        if start is None:
            start = NamedStart(self.initializations[0].name) if self.initializations else NoStart()
        elif isinstance(start, str):
            name = self.initialization(start).name
            start = TreeStart() if name == TREE.name else ManualStart(()) if name == MANUAL.name else NamedStart(name)
        k = k if self.traits.groups == "chosen" else None
        values = tuple((option.name, options.get(option.name, option.default_value(data))) for option in self.options)
        return Settings(self.name, k, start, seed, values)

    def arguments(self, settings: Settings) -> dict[str, Any]:
        """The arguments of the process that the options are, by name."""
        return {
            option.argument or option.name: settings.option(option.name)
            for option in self.options
            if option.argument is not None
        }

    @abstractmethod
    def process(self, settings: Settings, init: Any = None) -> Any:
        """The `clustering.Process` that the settings name. `init` is what `init_by_name` or `start_at` gave, by default the
        name of the initialization."""

    def initialization(self, name: str) -> Initialization:
        """The initialization of this name. ValueError if the method has none such."""
        for initialization in self.initializations:
            if initialization.name == name:
                return initialization
        raise ValueError(f"{self.title} has no start {name!r}")

    def model_input(self, data: Data, settings: Settings, cache) -> Any:
        """What the process works on: points (n, d) or proximities (n, n), or what `process.prepare` has made of them, kept in
        `cache`."""
        metric = self.matrix_metric(settings)
        if metric is None:
            return data.points
        return cache.get(("proximities", data.key, metric), lambda: data.proximities(metric))

    def model_input_of_points(self, points: np.ndarray, settings: Settings) -> Any:
        """The same for points (n, d) that are no data set, such as noise, and so have no categories."""
        metric = self.matrix_metric(settings)
        return points if metric is None else proximity_matrix(points, "euclidean" if metric == "gower" else metric)

    def prepared(self, model_input: Any) -> Any:
        """What of `model_input` is given to the process."""
        return model_input

    def init_by_name(self, initialization: str, data: Data, k: int) -> Any:
        """What the process takes as `init` for this initialization."""
        return initialization

    def start_at(self, data: Data, model_input: Any, k: int, *, rows=None, centers=None, labels=None) -> Any:
        """What the process takes as `init` to start at points of the data, (k,) positions, at centers (k, d), or from groups
        0..k-1, (n,) labels."""
        if rows is not None:
            return data.points[np.asarray(rows)]
        if centers is not None:
            return np.asarray(centers)
        return np.stack([data.points[labels == group].mean(axis=0) for group in range(k)])

    def matrix_metric(self, settings: Settings) -> str | None:
        """The metric of the proximity matrix that it works on: its option of that name; None if it is not `pairwise`."""
        return dict(settings.options).get("metric", "euclidean") if self.traits.pairwise else None

    def state_size(self, k: int, d: int) -> int:
        """How many numbers the parameters of a state have, for k clusters in d columns."""
        return k * d

    def seconds(self, run) -> float | None:
        """The time that the run takes, where running it again would not tell; None otherwise."""
        return None

    # Drawing it.

    def centers(self, parameters: Any, data: Data) -> np.ndarray | None:
        """(k, d) where the centers are by these parameters; None if clusters have none."""
        return parameters

    def center_names(self, parameters: Any, data: Data) -> list[str]:
        """What the centers are called, for methods whose centers are points of the data."""
        return []

    def center_distances(self, a: Any, b: Any, data: Data, model_input: Any) -> np.ndarray:
        """(k_a, k_b) distances between the centers of two parameters."""
        return cdist(self.centers(a, data), self.centers(b, data))

    def distances_to_centers(self, run) -> np.ndarray:
        """(n,) distance of each point to the center of its cluster at the end, for an order of its members; 0 for a point in
        none."""
        # the last place is what -1 picks
        places = np.vstack([run.cluster_centers, np.zeros(run.data.points.shape[1])])[run.history.last.labels]
        return np.where(run.numbers < 0, 0.0, np.linalg.norm(run.data.points - places, axis=1))

    def outlines(self, run, state: int, plane: Plane) -> list[np.ndarray]:
        """For each cluster one line (m, 2) in the plane, broken at NaN, in state number `state`; none at all by default."""
        return []

    def static_outlines(self, run, plane: Plane) -> list[np.ndarray]:
        """The same for what is there from the first assignment on and never changes, so that it is sent only once."""
        return []

    def fills_outlines(self, settings: Settings) -> bool:
        """Whether outlines enclose areas that are filled."""
        return False

    def highlight(self, run, state: int, plane: Plane) -> np.ndarray | None:
        """(m, 2) a line that shows what happens in this state, if it `highlights`."""
        return None

    def has_regions(self, data: Data, settings: Settings) -> bool:
        """Whether every place belongs to a cluster, for these data and settings."""
        return self.traits.regions and data.precomputed is None

    def regions(self, run, parameters: Any, grid: Grid) -> np.ndarray:
        """(rows, columns) the cluster of each cell of the grid, by these parameters."""
        return run.history.process.predict(parameters, grid.points).reshape(grid.shape)

    # Explaining it.

    @abstractmethod
    def phases(self, run) -> Mapping[str, str]:
        """What each phase means, in a sentence or two, shown once."""

    def sentence(self, run, state: int) -> str:
        """What happens in state number `state` of the history. KeyError for a phase that the method does not have."""
        now = run.history.states[state]
        return self.sentences()[now.phase](run, state, now) + self.ending(run, state)

    def sentences(self) -> Mapping[str, Callable[[Any, int, Any], str]]:
        """For each phase what makes its sentence, of the run, the number of the state and the state."""
        return {"start": self.start_sentence, "E": self.e_sentence, "M": self.m_sentence}

    def start_sentence(self, run, state: int, now) -> str:
        if not self.initializations:
            return f"Start: {pluralize(len(run.data.points), 'point')}."
        return f"Start: {pluralize(run.k, self.traits.center)}, placed by {self.start_phrase(run.settings)}."

    def start_phrase(self, settings: Settings) -> str:
        """How the start was chosen."""
        if isinstance(settings.start, TreeStart):
            return f"the cut of a tree, {settings.start.linkage} linkage"
        return self.initialization(settings.start.initialization).phrase

    def e_sentence(self, run, state: int, now) -> str:
        changed = now.assignment.changed
        what = "assigned for the first time" if now.iteration == 0 else "changed cluster"
        what = f"{pluralize(changed, 'point')} {what}"
        return f"E step: {what}, loss {self.loss_text(now.loss)}."

    def m_sentence(self, run, state: int, now) -> str:
        return (
            f"M step: {self.traits.center}s moved by at most {format_short(self.center_shifts(run, state).max())}, "
            f"loss {self.loss_text(now.loss)}."
        )

    def loss_text(self, loss: float) -> str:
        """A loss with its unit; a dash where there is none."""
        return "–" if loss is None or self.traits.loss is None else f"{format_number(loss)} {self.traits.loss.unit}".rstrip()

    def center_shifts(self, run, state: int) -> np.ndarray:
        """(k,) how far each center moved since the state before."""
        return np.linalg.norm(run.centers[state] - run.centers[state - 1], axis=1)

    def ending(self, run, state: int) -> str:
        """How the run ended, after its last state."""
        return f" {run.ending}." if state == len(run.history.states) - 1 else ""

    def formulas(self, run, point: int, cluster: int) -> list[Formula]:
        """The formulas of the method with the quantities of each frame for this point and this cluster, both positions."""
        return []

    # Handing it out.

    def cluster_columns(self, run) -> dict[str, Any]:
        """What a table of the clusters has beside their numbers, sizes and places, in the order of the method: arrays
        (k, …) or lists of text, by name in the singular."""
        return {}

    def arrays(self, run) -> dict[str, np.ndarray]:
        """The parameters of all iterations, (T + 1, …) each, by name; NaN where a state has fewer clusters than others."""
        if self.traits.center is None:
            return {}
        states = run.history.parameters
        if len({len(centers) for centers in states}) == 1:
            return {f"{self.traits.center}s": np.stack(states)}
        padded = np.full((len(states), max(map(len, states)), *np.shape(states[0])[1:]), np.nan)
        for place, centers in zip(padded, states, strict=True):
            place[: len(centers)] = centers
        return {f"{self.traits.center}s": padded}

    def scores(self, run) -> list[Score]:
        """Numbers that only this method has."""
        return []

    def criteria(self, process, last, data: Data) -> dict[str, float]:
        """Information criteria of the last state of a run, smaller being better, if it has a `model_option`."""
        return {}

    def tables(self, run) -> list[ResultTable]:
        """Further tables about this run."""
        return []

    def published(self, data: Data, settings: Settings):
        """What was published about many runs with these settings on these data; None where nothing is known."""
        return

    def duration(self, run) -> str:
        """How long the run was, for a table."""
        return f"{run.history.iterations}{'' if run.history.converged else ' (cut off)'}"

    def label(self, settings: Settings) -> str:
        """What a panel of a comparison is called; options in `label_options` are in it already."""
        return self.title

    def start_code(self, parameters: Any) -> str:
        """Parameters as code that needs NumPy and what `start_imports` names."""
        return array_code(parameters)

    def input_code(self, settings: Settings) -> tuple[str, str, frozenset[str]]:
        """The lines that make what the process works on of `points`, what it is called, and the names that they need."""
        return "", "points", frozenset()

    def script(self, run, iterations: int) -> Script:
        """The script that repeats the run with `clustering`, at most `iterations` long."""
        settings, process = run.settings, type(run.history.process).__name__
        lines, model_input, imports = self.input_code(settings)
        arguments = [] if settings.k is None else [str(settings.k)]
        begin = f"rng={settings.seed}"
        init = getattr(run.history.process, "init", None)
        if isinstance(init, str):
            arguments.append(f"init={_literal(init)}")
        arguments += [f"{name}={_literal(value)}" for name, value in self.arguments(settings).items()]
        if self.initializations and not isinstance(init, str):
            lines += f"start = {self.start_code(run.history.parameters[0])}\n"
            imports = imports | self.start_imports
            begin = "start=start"
        call = f"{process}({', '.join(arguments)})"
        body = (
            f"{lines}for state in iterate({call}, {model_input}, {begin}, max_iter={iterations}):\n"
            "    print(state.iteration, state.loss)\n"
            f"labels, found = state.labels, {self.result_code}\nprint(found)\n"
        )
        return Script(imports | {process, "iterate"}, body)

    def peer_script(self, run, iterations: int) -> Script:
        """The same with scikit-learn, from the same start; NoScript where that has no such method."""
        raise NoScript(f"scikit-learn has no {self.title}")


def _literal(value: Any) -> str:
    return repr(value).replace("'", '"')

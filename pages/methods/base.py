"""The interface between the app and a clustering method.

A method is a subclass of `MethodView` in a file of this folder. The app uses only its traits and functions; no other file
compares a method's name. The defaults fit a hard clustering method with cluster centers.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

from clustering import MeanTest, WeightedPoints, proximity_matrix
from pages.datasets.data import ColumnScaling, Data
from pages.datasets.formatting import format_number, format_short, pluralize
from pages.datasets.limits import MAX_CLUSTERS, MAX_POINTS_FOR_PROXIMITIES
from pages.datasets.planes import Plane
from pages.figures.grids import Grid
from pages.methods.formulas import E_STEP, M_STEP, Formula
from pages.methods.options import Option, Settings, TunedOption
from pages.methods.starts import MANUAL, ONLY_SEED, SEEDED, TREE, Initialization, ManualStart, Start, TreeStart, start_named
from pages.methods.traits import CHOOSE_K, COMPARE, EVERYWHERE, RESTARTS, Traits
from pages.methods.trees import linkage_name


class UnsuitableData(ValueError):
    """The method cannot cluster this kind of data, but another one can."""


class NeedsPoints(UnsuitableData):
    """The method needs coordinates, but the data are proximities."""


class NeedsCategories(UnsuitableData):
    """The method needs categories, but the data have none."""


class NoScript(ValueError):
    """The run cannot be repeated by a script."""


class Score(NamedTuple):
    """A method-specific score of a run."""

    name: str
    text: str
    help: str = ""
    comparable: bool = False
    """whether it is shown in the table of a comparison"""
    report: str = ""
    """text in the report; default `text`"""
    varies: bool = False
    """whether it also has a value in each frame, so that on an animated page its name says that this is the final one"""


class Curve(NamedTuple):
    """A number that shows how far a run has come."""

    name: str
    """what the numbers are, a plural"""
    values: np.ndarray
    """(number of states,) NaN where it is undefined"""
    texts: Sequence[str]
    """for each state further text about it"""


class ResultTable(NamedTuple):
    """A method-specific table, shown below the plot of a run."""

    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence]
    caption: str


class ExportFile(NamedTuple):
    """A method-specific file that can be downloaded."""

    label: str
    name: str
    """file name"""
    mime: str
    create: Callable[[], bytes]


class Script(NamedTuple):
    """A Python script that repeats a run, without the lines that define `points`."""

    imports: frozenset[str]
    """names imported from `clustering`"""
    body: str
    statements: frozenset[str] = frozenset()
    """further import statements"""


class Placement(NamedTuple):
    """New points, assigned to the clusters of a finished run."""

    labels: np.ndarray
    """(m,) cluster of each point, in the method's own order; -1 for noise"""
    distances: np.ndarray
    """(m,) distance of each point to its cluster, as `MethodView.placement_distance` says; NaN where it is undefined"""


def array_code(values) -> str:
    """Python expression for an array."""
    return f"np.array({np.asarray(values).tolist()!r})"


class MethodView(ABC):
    """How an algorithm is configured, run, plotted, explained and exported.

    The argument `run` is always a `runs.run.Run` of this method.
    """

    name: str
    """identifier in settings, widget keys and files; letters only"""
    title: str
    """title in menus and links"""
    order: float
    """position in the list of algorithms"""
    traits: Traits
    works_with: str = "means of coordinates"
    """why it needs points; completes "because it works with …\""""
    options: tuple[Option, ...] = ()
    initializations: tuple[Initialization, ...] = (*SEEDED, TREE, MANUAL)
    """initializations to choose from, the default first; empty if there is nothing to initialize"""
    pages: frozenset[str] = EVERYWHERE
    random_steps: bool = False
    """whether the steps after the initialization depend on the random seed, too"""
    early_stopping: Mapping[str, Any] = {}
    """arguments `tol` and `max_iter` for runs that are needed only for their labels"""
    model_option: Option | None = None
    """option whose values are compared by information criteria; None for methods without a likelihood"""
    tuned: TunedOption | None = None
    """option whose values the Choose K page compares; only for methods that find K"""
    time_exception: str = ""
    """completes "Time excludes initialization and …, except …\""""
    step_names: Mapping[str, str] = {"E": E_STEP, "M": M_STEP}
    """names of phases on the screen; others have their capitalized name"""
    iteration_note: str = ""
    """note about what its iterations are, a sentence; empty if they consist of an E step and an M step"""
    colors_by_true_label: bool = False
    """whether points are colored by their true labels; only for methods without clusters"""
    notices_by_iteration: bool = True
    """whether a notice states its iteration"""
    names_centers: bool = False
    """whether centers are data points, labeled with the names of these points"""
    still_phases: frozenset[str] = frozenset()
    """phases in which points stay where they are, if `Traits.moves_points`"""
    highlights: tuple[dict, ...] = ()
    """styles of the traces that show the line of `highlight`, one above the other; empty if there is no such line"""
    static_dash: str = "solid"
    """dash pattern of the static outlines"""

    distance_name: str = "by Euclidean distance"
    """the metric of `center_distances`, in words"""
    label_options: frozenset[str] = frozenset()
    """names of the options that `label` includes"""
    score_note: str = ""
    """note about its comparable scores, a sentence"""
    limit_advice: str = "Try another initialization or a smaller K."
    """what to do if a run stopped at the iteration limit, a sentence"""
    parameters_name: str = "clusters"
    """what there are fewer of if the states must be smaller, a plural"""
    mean_test_condition: str = ""
    """what `mean_test` takes as given, with its source; completes "among data sets in which …\""""
    start_imports: frozenset[str] = frozenset()
    """names from `clustering` used in `start_code`"""
    result_code: str = "state.parameters"
    """expression for the result that a script prints"""

    @property
    def title_in_sentence(self) -> str:
        """The title within a sentence: capitalized only if it is a proper name or begins with a symbol, such as "K-means"."""
        return self.title

    def available_on(self, page: str) -> bool:
        """Whether the method can be chosen on a page.

        Compare needs clusters. Restarts needs a given K, a random result and a loss. Choose K needs an option to compare the
        values of, or a given K and a loss to select the best of several runs.
        """
        traits = self.traits
        if page == COMPARE and not traits.clusters:
            return False
        if page == RESTARTS and not (traits.random and traits.k == "chosen" and traits.loss and self.repeatable):
            return False
        if page == CHOOSE_K and not (self.tuned or (traits.k == "chosen" and traits.loss)):
            return False
        return page in self.pages

    @property
    def repeatable(self) -> tuple[Initialization, ...]:
        """The initializations that the Restarts page compares; only the seeds of a random method without initialization."""
        if not self.initializations and self.traits.random:
            return (ONLY_SEED,)
        return tuple(initialization for initialization in self.initializations if initialization.repeatable)

    # Running

    def settings(
        self, k: int | None = 3, start: Start | str | None = None, seed: int = 1, data: Data | None = None, **options
    ) -> Settings:
        """Settings of this method.

        Parameters
        ----------
        k : number of clusters; ignored if the method determines it.
        start : a start, or the name of an initialization; default the first initialization.
        seed : random seed of the run.
        data : data set that the defaults of the options depend on.
        **options : values of options, by name.

        Raises
        ------
        TypeError
            If the method has no such option.
        ValueError
            If the method has no such initialization.
        """
        unknown = options.keys() - {option.name for option in self.options}
        if unknown:
            raise TypeError(f"{self.title} has no option {', '.join(sorted(unknown))}")
        if start is None:
            start = start_named(self.initializations[0].name if self.initializations else "")
        elif isinstance(start, str):
            name = self.initialization(start).name
            start = TreeStart() if name == TREE.name else ManualStart(()) if name == MANUAL.name else start_named(name)
        k = k if self.traits.k == "chosen" else None
        values: dict[str, Any] = {}
        for option in self.options:
            values[option.name] = options[option.name] if option.name in options else option.default_value(data, values)
        return Settings(self.name, k, start, seed, tuple(values.items()))

    def arguments(self, settings: Settings) -> dict[str, Any]:
        """Keyword arguments of the process that correspond to options."""
        return {
            option.argument or option.name: settings.option(option.name)
            for option in self.options
            if option.argument is not None
        }

    @abstractmethod
    def process(self, settings: Settings, init: Any = None) -> Any:
        """The `clustering.Process` for these settings.

        `init` is a result of `init_by_name` or `start_at`; by default the name of the initialization.
        """

    def initialization(self, name: str) -> Initialization:
        """The initialization with this name; ValueError if the method does not have it."""
        for initialization in (*self.initializations, *self.repeatable):
            if initialization.name == name:
                return initialization
        raise ValueError(f"{self.title} has no initialization {name!r}")

    def weights_of(self, data: Data) -> np.ndarray | None:
        """(n,) weights of the rows that the method uses; None if all count the same."""
        return data.row_weights if self.traits.weights else None

    def frequencies_of(self, data: Data) -> np.ndarray | None:
        """(n,) `Data.row_frequencies`, with which statistics of the clusters are computed; None if all rows count the same."""
        return data.row_frequencies if self.traits.weights else None

    def weights_note(self, data: Data) -> str:
        """What weights of rows change, as sentences; empty if there are none."""
        if data.row_weights is None:
            return ""
        if not self.traits.weights:
            return f"{self.title} ignores the weights of rows in column {data.weight_name}."
        relative = (
            "" if data.has_whole_weights else " Statistics scale the weights, as not all are whole numbers, to a mean of 1."
        )
        return (
            f"Rows count with the weights in column {data.weight_name}: {self.traits.center}s, loss, sizes and statistics of "
            f"{self.traits.cluster}s are those of a table that repeats rows. Scaling and imputation count each row "
            f"once.{relative}"
        )

    def model_input(self, data: Data, settings: Settings, cache) -> Any:
        """Input of the process: points (n, d), with weights if it uses them, proximities (n, n), or a prepared form of them.

        Expensive inputs are kept in `cache`.
        """
        metric = self.matrix_metric(settings)
        if metric is None:
            weights = self.weights_of(data)
            return data.points if weights is None else WeightedPoints(data.points, weights)
        return cache.get(("proximities", data.key, metric), lambda: data.proximities(metric))

    def model_input_of_points(self, points: np.ndarray, settings: Settings) -> Any:
        """Input of the process for points (n, d) that do not belong to a data set, such as reference data."""
        metric = self.matrix_metric(settings)
        return points if metric is None else proximity_matrix(points, "euclidean" if metric == "gower" else metric)

    def model_input_of_rows(self, data: Data, settings: Settings) -> Any:
        """Input of the process for all points of a data set, which can be indexed by rows; only if not `Traits.pairwise`."""
        return self.model_input_of_points(data.points, settings)

    def process_data(self, model_input: Any) -> Any:
        """The part of `model_input` that is passed to the process."""
        return model_input

    def init_by_name(self, initialization: str, data: Data, k: int) -> Any:
        """Argument `init` of the process for a named initialization."""
        return initialization

    def start_at(self, data: Data, model_input: Any, k: int, *, rows=None, centers=None, labels=None) -> Any:
        """Argument `init` of the process for given starting values.

        Exactly one of these is given:

        rows : (k,) positions of data points.
        centers : (k, d) array.
        labels : (n,) cluster labels 0..k-1.
        """
        if rows is not None:
            return data.points[np.asarray(rows)]
        if centers is not None:
            return np.asarray(centers)
        return np.stack([data.points[labels == cluster].mean(axis=0) for cluster in range(k)])

    def matrix_metric(self, settings: Settings) -> str | None:
        """Metric of the proximity matrix; None if these settings need none."""
        return dict(settings.options).get("metric", "euclidean") if self.traits.pairwise else None

    def max_points(self, settings: Settings) -> int | None:
        """Number of points above which a run uses a random sample, as it needs all pairwise distances; None for no limit."""
        return None if self.matrix_metric(settings) is None else MAX_POINTS_FOR_PROXIMITIES

    def state_size(self, k: int, d: int) -> int:
        """Number of parameters in a state, for k clusters and d features."""
        return k * d

    def values_per_state(self, data: Data, settings: Settings, k: int | None = None) -> int:
        """Number of parameters in a state; k is the number of clusters if the method found it, by default the largest."""
        return self.state_size(k or settings.k or MAX_CLUSTERS, data.points.shape[1])

    def working_values(self, data: Data, settings: Settings) -> int:
        """Approximate number of values in memory during a run and while its figures are drawn, apart from data and states.

        The factors are measured: copies of the points, labels and temporary arrays, and up to three arrays of memberships.
        """
        n, d = data.points.shape
        if self.matrix_metric(settings) is not None:
            return min(n, MAX_POINTS_FOR_PROXIMITIES) ** 2
        memberships = 3 * (settings.k or MAX_CLUSTERS) if self.traits.membership else 0
        return n * (2 * d + 16 + memberships)

    def cluster_of(self, process, parameters: Any, points: np.ndarray) -> np.ndarray:
        """(m,) cluster of any points (m, d), or their memberships (m, k) if the method is soft; only if `Traits.blocks`."""
        return process.predict(parameters, points)

    def placement_arrays(self, run) -> dict[str, np.ndarray]:
        """Arrays from which `place` assigns new points to the clusters of a finished run, by name; finite numbers only.

        Empty if the method has no rule for points that it was not fitted to.
        """
        return {"centers": run.cluster_centers} if self.has_regions(run.data, run.settings) else {}

    def place(self, arrays: Mapping[str, np.ndarray], settings: Settings, data: Data) -> Placement:
        """Assign new points, prepared like those of the run, by the rule of its last E step.

        Raises ValueError or KeyError if the arrays, which may come from a file, are not those of such a run.
        """
        labels = self.process(settings).predict(arrays["centers"], data.points)
        return Placement(labels, np.linalg.norm(data.points - arrays["centers"][labels], axis=1))

    def placement_rule(self, settings: Settings) -> str:
        """How `place` chooses a cluster; completes "Each row belongs to …"."""
        return f"the {self.traits.cluster} with the nearest {self.traits.center}"

    def placement_distance(self, settings: Settings) -> str:
        """What the distances of `place` are."""
        return f"Euclidean distance to the {self.traits.center}"

    def mean_test(self, run) -> Callable[..., MeanTest]:
        """A function of two clusters in the method's own order that tests whether they have the same mean.

        The test is valid although the clusters were found in the same data. The function accepts the standard deviation of
        the noise, `sigma`, which it estimates by default, and `on_step`, which it calls many times and which may raise an
        exception to stop.

        Raises
        ------
        ValueError
            If there is no valid test for this run; the message is a sentence that says why.
        """
        raise ValueError("Only K-means from random points and hierarchical clustering have such a test.")

    def nearest_centers(self, run) -> np.ndarray | None:
        """(k, d) centers if `place` chooses the nearest one by Euclidean distance between points; None if its rule differs."""
        return self.placement_arrays(run).get("centers")

    def data_of_run(self, data: Data, model_input: Any, history) -> Data:
        """The data with which a finished run is shown: one point for each object that the method works with."""
        return data

    def input_note(self, data: Data, model_input: Any) -> str:
        """Sentences about data that are left out of the input, or that do not suit the method; empty if there are none."""
        return ""

    def seconds(self, run) -> float | None:
        """Running time, if it was measured while preparing the input; None if it is that of the iterations."""
        return None

    # Plotting

    def centers(self, parameters: Any, data: Data) -> np.ndarray | None:
        """(k, d) cluster centers; None if the method has none."""
        return parameters

    def center_names(self, parameters: Any, data: Data) -> list[str]:
        """Names of the data points that are centers; empty for other methods."""
        return []

    def hidden_centers(self, run, state: int) -> np.ndarray | None:
        """(k,) whether the center of each cluster is not drawn in a state; None if all are drawn."""
        return None

    def center_distances(self, a: Any, b: Any, data: Data, model_input: Any) -> np.ndarray:
        """(k_a, k_b) distances between the centers of two sets of parameters."""
        return cdist(self.centers(a, data), self.centers(b, data))

    def distances_to_centers(self, run) -> np.ndarray:
        """(n,) distance of each point to its center in the last state, used to sort the members of a cluster; 0 for noise."""
        # the extra row is for label -1
        centers = np.vstack([run.cluster_centers, np.zeros(run.data.points.shape[1])])[run.history.last.labels]
        return np.where(run.labels_by_rank < 0, 0.0, np.linalg.norm(run.data.points - centers, axis=1))

    def positions(self, run, state: int) -> np.ndarray:
        """(n, d) positions of the points in a state; only if `Traits.moves_points`."""
        return run.data.points

    def plane_positions(self, run, state: int, plane: Plane) -> np.ndarray:
        """(n, 2) positions of the points in a plane in a state; only if `Traits.moves_points`."""
        return plane.positions(self.positions(run, state))

    def axis_names(self, plane: Plane) -> tuple[str, str]:
        """Titles of the axes of the plot."""
        return plane.names

    def outlines(self, run, state: int, plane: Plane) -> list[np.ndarray]:
        """Outline of each cluster in a state: lines (m, 2) in the plane, interrupted by NaN; empty if there are none.

        A method without clusters may have any number of lines, the same in each state.
        """
        return []

    def static_outlines(self, run, plane: Plane) -> list[np.ndarray]:
        """Outlines that stay the same from the first assignment on; they are sent to the browser once."""
        return []

    def fills_outlines(self, settings: Settings) -> bool:
        """Whether outlines are closed and filled."""
        return False

    def highlight(self, run, state: int, plane: Plane) -> np.ndarray | None:
        """(m, 2) line, interrupted by NaN, that marks what changes in a state; None if there is none."""
        return None

    def neighborhood(self, run, point: int, plane: Plane) -> np.ndarray | None:
        """(m, 2) outline of the neighborhood of a point, as the method defines it, in the plane.

        None if there is no such definition, or if the plane does not show it: it does not show distances, or not all columns.
        """
        return None

    def point_sizes(self, run, state: int) -> np.ndarray | None:
        """(n,) relative sizes of the points' markers in a state, which tell kinds of points apart; None if all are equal."""
        return None

    def has_regions(self, data: Data, settings: Settings) -> bool:
        """Whether the plane can be divided into cluster regions."""
        return self.traits.regions and data.precomputed is None

    def regions(self, run, parameters: Any, grid: Grid) -> np.ndarray:
        """(rows, columns) cluster of each grid cell."""
        return run.history.process.predict(parameters, grid.points).reshape(grid.shape)

    # Explaining

    @abstractmethod
    def phases(self, run) -> Mapping[str, str]:
        """Explanation of each phase, in one or two sentences."""

    def step_name(self, phase: str) -> str:
        """Name of a phase on the screen."""
        return self.step_names.get(phase, phase.capitalize())

    def sentence(self, run, state: int) -> str:
        """Caption of a state; KeyError if its phase is unknown."""
        current = run.history.states[state]
        return self.sentences()[current.phase](run, state, current) + self.ending(run, state)

    def sentences(self) -> Mapping[str, Callable[[Any, int, Any], str]]:
        """For each phase a function that returns a caption, given the run, the index of the state and the state."""
        return {"start": self.start_sentence, "E": self.e_sentence, "M": self.m_sentence}

    def start_sentence(self, run, state: int, current) -> str:
        if not self.initializations:
            return f"Start: {pluralize(len(run.data.points), 'point')}."
        return f"Start: {pluralize(run.k, self.traits.center)} {self.start_phrase(run.settings)}."

    def start_phrase(self, settings: Settings) -> str:
        """The initialization in words; completes "Start: 3 centers …"."""
        initialization = self.initialization(settings.start.initialization)
        phrase = f"{initialization.preposition} {initialization.phrase}"
        if isinstance(settings.start, TreeStart):
            phrase += f", {linkage_name(settings.start.linkage)}"
        return phrase

    def e_sentence(self, run, state: int, current) -> str:
        changed = current.assignment.changed
        what = "assigned" if current.iteration == 0 else "changed clusters"
        what = f"{pluralize(changed, 'point')} {what}"
        return f"{E_STEP}: {what}, loss {self.loss_text(current.loss)}."

    def m_sentence(self, run, state: int, current) -> str:
        return (
            f"{M_STEP}: {self.traits.center}s moved by at most {format_short(self.center_shifts(run, state).max())}, "
            f"loss {self.loss_text(current.loss)}."
        )

    def loss_text(self, loss: float) -> str:
        """A loss with its unit; a dash if there is none."""
        return "–" if loss is None or self.traits.loss is None else f"{format_number(loss)} {self.traits.loss.unit}".rstrip()

    def curve(self, run) -> Curve:
        """The curve that is shown instead of the loss if the method has none: the points that are in clusters."""
        sizes = [None if state.assignment is None else run.sizes_in(i) for i, state in enumerate(run.history.states)]
        values = np.array([np.nan if each is None else each.sum() for each in sizes])
        texts = ["" if each is None else pluralize(len(each), self.traits.cluster) for each in sizes]
        return Curve(f"points in {self.traits.cluster}s", values, texts)

    def center_shifts(self, run, state: int) -> np.ndarray:
        """(k,) distance between each center and its previous position."""
        return np.linalg.norm(run.centers[state] - run.centers[state - 1], axis=1)

    def ending(self, run, state: int) -> str:
        """Addition to the caption of the last state: how the run ended."""
        return f" {run.ending}." if state == len(run.history.states) - 1 else ""

    def formulas(self, run, point: int, cluster: int) -> list[Formula]:
        """Formulas of the method, with their values for one point and one cluster (indices) in each frame.

        Without clusters, `cluster` is 0.
        """
        return []

    # Exporting

    def files(self, run) -> list[ExportFile]:
        """Additional files that can be downloaded."""
        return []

    def point_columns(self, run) -> dict[str, np.ndarray]:
        """Additional columns of the table of points, by name: arrays (n,)."""
        return {}

    def parameter_columns(self, run) -> dict[str, Any]:
        """Columns of the table of parameters, by name; only for methods without clusters."""
        return {}

    def cluster_columns(self, run) -> dict[str, Any]:
        """Additional columns of the cluster table, by singular name: arrays (k, …) or lists of k strings."""
        return {}

    def cluster_columns_in_units(self, run, scaling: ColumnScaling) -> dict[str, np.ndarray]:
        """Those of `cluster_columns` that depend on the scaling, in the data's own units."""
        return {}

    def arrays(self, run) -> dict[str, np.ndarray]:
        """Parameters of all iterations, by name: arrays (T + 1, …), padded with NaN if the number of clusters varies."""
        if self.traits.center is None:
            return {}
        states = run.history.parameters
        if len({len(centers) for centers in states}) == 1:
            return {f"{self.traits.center}s": np.stack(states)}
        padded = np.full((len(states), max(map(len, states)), *np.shape(states[0])[1:]), np.nan)
        for row, centers in zip(padded, states, strict=True):
            row[: len(centers)] = centers
        return {f"{self.traits.center}s": padded}

    def scores(self, run) -> list[Score]:
        """Method-specific scores."""
        return []

    def criteria(self, process, last, data: Data) -> dict[str, float]:
        """Information criteria of the last state of a run, by name; lower is better. Only with a `model_option`."""
        return {}

    def tables(self, run) -> list[ResultTable]:
        """Method-specific tables."""
        return []

    def published(self, data: Data, settings: Settings):
        """Published results of many runs with these settings on these data; None if there are none."""
        return

    def duration(self, run) -> str:
        """Number of iterations, as text for a table."""
        return f"{run.history.iterations}{'' if run.history.converged else ' (limit)'}"

    def label(self, settings: Settings) -> str:
        """Name of a run in a comparison, including the options in `label_options`."""
        return self.title

    def start_code(self, parameters: Any) -> str:
        """Python expression for initial parameters; uses NumPy and `start_imports`."""
        return array_code(parameters)

    def data_code(self, run) -> Script | None:
        """Code that defines the data, with the names it imports; None if the data are points, which the script can load."""
        return None

    def input_code(self, settings: Settings) -> tuple[str, str, frozenset[str]]:
        """Code that computes the input of the process from `points`: lines, variable name, names from `clustering`."""
        return "", "points", frozenset()

    def script(self, run, iterations: int) -> Script:
        """Script that repeats the run with `clustering`; `iterations` is the iteration limit."""
        settings, process = run.settings, type(run.history.process).__name__
        lines, model_input, imports = self.input_code(settings)
        arguments = [] if settings.k is None else [str(settings.k)]
        start_argument = f"rng={settings.seed}"
        init = getattr(run.history.process, "init", None)
        if isinstance(init, str):
            arguments.append(f"init={_literal(init)}")
        arguments += [f"{name}={_literal(value)}" for name, value in self.arguments(settings).items()]
        if self.initializations and not isinstance(init, str):
            lines += f"start = {self.start_code(run.history.parameters[0])}\n"
            imports = imports | self.start_imports
            start_argument = f"start=start, {start_argument}" if self.random_steps else "start=start"
        if run.weights is not None:
            model_input, imports = f"WeightedPoints({model_input}, weights)", imports | {"WeightedPoints"}
        call = f"{process}({', '.join(arguments)})"
        body = (
            f"{lines}for state in iterate({call}, {model_input}, {start_argument}, max_iter={iterations}):\n"
            "    print(state.iteration, state.loss)\n"
        )
        if self.traits.clusters:
            body += f"labels, parameters = state.labels, {self.result_code}\nprint(parameters)\n"
        else:
            body += f"parameters = {self.result_code}\nprint(parameters)\n"
        return Script(imports | {process, "iterate"}, body)

    def scikit_learn_script(self, run, iterations: int) -> Script:
        """Script that repeats the run with scikit-learn from the same start; NoScript if that is impossible."""
        raise NoScript(f"scikit-learn has no {self.title_in_sentence}")


def _literal(value: Any) -> str:
    return repr(value).replace("'", '"')

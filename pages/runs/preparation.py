"""Preparation of a run: check the data, create the process, and initialize it."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from clustering import Assignment, History, Process
from pages.datasets.data import MIXED, Data
from pages.datasets.formatting import pluralize
from pages.datasets.limits import (
    MAX_CLUSTERS,
    MAX_ITERATIONS,
    MAX_STATE_VALUES,
    MIN_ITERATIONS,
)
from pages.datasets.server.cluster import readable_errors
from pages.methods import available_methods, method
from pages.methods.base import NeedsCategories, NeedsPoints
from pages.methods.options import Settings
from pages.methods.starts import ManualStart, NamedStart, NoStart, RowsStart, TreeStart
from pages.methods.traits import WATCH
from pages.methods.trees import cut_labels
from pages.runs.cache import RecentCache


def check_data_kind(data: Data, settings: Settings) -> None:
    """Check that the method can cluster this kind of data.

    Raises
    ------
    NeedsPoints
        If the data are proximities and the method needs coordinates.
    NeedsCategories
        If the data are points without categories and the method needs categories.
    ValueError
        If the data are points and the method needs proximities.
    """
    view = method(settings.method)
    if data.kinds & view.traits.data:
        return
    if data.precomputed is None and MIXED in view.traits.data:
        alternative = next(iter(available_methods(WATCH, data).values()))
        raise NeedsCategories(
            f"{view.title} needs at least one column of categories, but these data have only numbers: choose "
            f"{alternative.title_in_sentence}, or a table in which a column of categories is selected"
        )
    if data.precomputed is None:
        raise ValueError(f"{view.title} needs a distance matrix, but these data are points: choose another algorithm")
    what = "" if data.matrix_name == "distances" else f" ({data.matrix_name})"
    alternative = next(iter(available_methods(WATCH, data).values()))
    raise NeedsPoints(
        f"{view.title} needs points, because it works with {view.works_with}, but these data are only a distance "
        f"matrix{what}: choose {alternative.title_in_sentence}, which can cluster a distance matrix"
    )


@dataclass(frozen=True, eq=False)
class RunInputs:
    """Everything that is computed before the first iteration of a run."""

    data: Data
    """the data, possibly subsampled"""
    process: Process
    """the algorithm, with its settings and initialization"""
    points_in_memory: Any
    """result of `Process.prepare` for the points in memory"""
    model_input: Any
    """result of `MethodView.model_input`"""
    note: str
    """message about data that are not used; empty if all are used"""
    start: Any = None
    """initial parameters; None if the process computes them from the data"""

    @property
    def prepared_data(self) -> Any:
        """Result of `Process.prepare` for all points.

        Those of a table on the server are prepared anew each time, because the compute cluster stops if it is idle.
        """
        if self.data.all_rows is None:
            return self.points_in_memory
        with self.errors():
            return self.process.prepare(self.data.all_rows.array())

    def errors(self) -> AbstractContextManager:
        """Context of computations with `prepared_data`: errors of the compute cluster are raised as UnreadableTable."""
        return nullcontext() if self.data.all_rows is None else readable_errors()

    def record(self, **options) -> History:
        """The history of a run, with the options of `History.record`.

        Parameters, losses, sizes and numbers of changes are those of all points. For a table on the server, labels and
        memberships are those of the points in memory.
        """
        with self.errors():
            history = History.record(self.process, self.prepared_data, start=self.start, **options)
        if self.data.all_rows is None:
            return history
        last = history.last
        assignment = AssignmentOfSample(self.assign(last.parameters), last.assignment.sizes, last.assignment.changed)
        return replace(history, prepared=self.points_in_memory, last=last._replace(assignment=assignment))

    def assign(self, parameters: Any) -> Assignment | None:
        """Assignment of the points in memory to clusters with these parameters."""
        return self.process.assign(self.points_in_memory, parameters)


@dataclass(frozen=True, eq=False)
class AssignmentOfSample:
    """The assignment of the points in memory, with the sizes and the number of changes of all points."""

    assignment: Any
    sizes: np.ndarray
    changed: int

    def __getattr__(self, name: str) -> Any:
        return getattr(self.assignment, name)


def prepare_run(data: Data, settings: Settings, cache: RecentCache) -> RunInputs:
    """The inputs of a run with these settings.

    Methods that need all pairwise proximities get a random sample of large data sets, and those that cannot use all rows of
    a table on the server get the points in memory.

    Raises
    ------
    NeedsPoints, NeedsCategories
        As in `check_data_kind`.
    ValueError
        As in `check_data_kind` and `iteration_limit`, or if the data are invalid for the method.
    """
    view, whole = method(settings.method), data
    note = ""
    if data.all_rows is not None and not view.traits.blocks:
        note = f"{view.title} uses a random sample of {len(data.points):,} of the {data.n:,} points."
        data = data.without_other_rows
    if (most := view.max_points(settings)) is not None and len(data.points) > most:
        note = f"{view.title} needs all pairwise distances; it uses a sample of {most:,} of the {whole.n:,} points."
        data = data.sample(most)
    check_data_kind(data, settings)
    iteration_limit(data, settings)
    model_input = view.model_input(data, settings, cache)
    init, init_note = init_of(data, model_input, settings, cache)
    process = view.process(settings, init)
    points_in_memory = process.prepare(view.process_data(model_input))
    notes = (note, view.weights_note(data), view.input_note(data, model_input), init_note)
    # a tree is built from the points in memory only, so its start is computed here
    start = process.start(points_in_memory, None) if data.all_rows and isinstance(settings.start, TreeStart) else None
    return RunInputs(data, process, points_in_memory, model_input, " ".join(filter(None, notes)), start)


def init_of(data: Data, model_input: Any, settings: Settings, cache: RecentCache) -> tuple[Any, str]:
    """Argument `init` of the process, and a message about subsampling (empty if all points are used)."""
    view, start, k = method(settings.method), settings.start, settings.k
    match start:
        case NoStart():
            return None, ""
        case ManualStart():
            return view.start_at(data, model_input, k, centers=start.centers), ""
        case RowsStart():
            return view.start_at(data, model_input, k, rows=start.rows), ""
        case TreeStart():
            labels, note = cut_labels(data, start.linkage, start.metric, k, cache)
            return view.start_at(data, model_input, k, labels=labels), note
        case NamedStart():
            return view.init_by_name(start.initialization, data, k), ""
    raise TypeError(f"unknown start {start!r}")


def iteration_limit(data: Data, settings: Settings) -> int:
    """Largest number of iterations whose states fit into the memory limit, at most `MAX_ITERATIONS`.

    Raises
    ------
    ValueError
        If fewer than `MIN_ITERATIONS` fit.
    """
    view = method(settings.method)
    size = view.values_per_state(data, settings)
    fitting = MAX_STATE_VALUES // size
    if fitting < MIN_ITERATIONS:
        what, remedy = "This run", f"choose fewer {view.parameters_name}"
        if view.traits.clusters:
            k = settings.k or MAX_CLUSTERS
            what = f"{k} clusters with {data.points.shape[1]:,} features"
            remedy = f"choose fewer features, or K at most {MAX_STATE_VALUES // MIN_ITERATIONS // (size // k)}"
        raise ValueError(
            f"{what} need{'' if view.traits.clusters else 's'} {size:,} parameters per iteration, so only "
            f"{pluralize(fitting, 'iteration')} {'fits' if fitting == 1 else 'fit'} into memory (at least {MIN_ITERATIONS} "
            f"are required): {remedy}"
        )
    return min(fitting, MAX_ITERATIONS)

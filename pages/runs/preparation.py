"""Preparation of a run: check the data, create the process, and initialize it."""

from dataclasses import dataclass
from typing import Any

from clustering import Process
from pages.datasets.data import Data
from pages.datasets.limits import (
    MAX_CLUSTERS,
    MAX_ITERATIONS,
    MAX_POINTS_FOR_PROXIMITIES,
    MAX_STATE_VALUES,
    MIN_ITERATIONS,
)
from pages.methods import available_methods, method
from pages.methods.base import NeedsPoints
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
    ValueError
        If the data are points and the method needs proximities.
    """
    view = method(settings.method)
    if data.kind in view.traits.data:
        return
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
    prepared_data: Any
    """result of `Process.prepare`"""
    model_input: Any
    """result of `MethodView.model_input`"""
    note: str
    """message about data that are not used; empty if all are used"""


def prepare_run(data: Data, settings: Settings, cache: RecentCache) -> RunInputs:
    """The inputs of a run with these settings.

    Methods that need all pairwise proximities get a random sample of large data sets.

    Raises
    ------
    NeedsPoints
        If the data are proximities and the method needs coordinates.
    ValueError
        As in `check_data_kind` and `iteration_limit`, or if the data are invalid for the method.
    """
    view = method(settings.method)
    note = ""
    if view.traits.pairwise and len(data.points) > MAX_POINTS_FOR_PROXIMITIES:
        note = (
            f"{view.title} needs all pairwise distances; it uses a sample of {MAX_POINTS_FOR_PROXIMITIES:,} of the "
            f"{len(data.points):,} points."
        )
        data = data.sample(MAX_POINTS_FOR_PROXIMITIES)
    check_data_kind(data, settings)
    iteration_limit(data, settings)
    model_input = view.model_input(data, settings, cache)
    init, init_note = init_of(data, model_input, settings, cache)
    process = view.process(settings, init)
    prepared_data = process.prepare(view.process_data(model_input))
    notes = (note, view.input_note(data, model_input), init_note)
    return RunInputs(data, process, prepared_data, model_input, " ".join(filter(None, notes)))


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
            f"{what} need{'' if view.traits.clusters else 's'} {size:,} parameters per iteration, so only {fitting} "
            f"iterations fit into memory (at least {MIN_ITERATIONS} are required): {remedy}"
        )
    return min(fitting, MAX_ITERATIONS)

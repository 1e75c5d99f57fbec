"""What a run needs: data that fit, the process that the settings name, and where it starts."""

from dataclasses import dataclass
from typing import Any

from clustering import Process
from pages.datasets.data import Data
from pages.datasets.limits import (
    LEAST_ITERATIONS,
    MOST_CLUSTERS,
    MOST_ITERATIONS,
    MOST_POINTS_FOR_PROXIMITIES,
    MOST_STATE_NUMBERS,
)
from pages.methods import available_methods, kind_of, method
from pages.methods.base import NeedsPoints
from pages.methods.options import Settings
from pages.methods.starts import ManualStart, NamedStart, NoStart, RowsStart, TreeStart
from pages.methods.traits import WATCH
from pages.methods.trees import cut_labels
from pages.runs.cache import RecentCache


def check_fits(data: Data, settings: Settings) -> None:
    """NeedsPoints if the data are proximities and the method needs coordinates, ValueError if it is the other way around."""
    view = method(settings.method)
    if kind_of(data) in view.traits.data:
        return
    if data.given is None:
        raise ValueError(f"{view.title} works on proximities, and these data are points: choose another algorithm")
    what = "" if data.given_name == "proximities" else f" ({data.given_name})"
    able = next(iter(available_methods(WATCH, data).values()))
    raise NeedsPoints(
        f"{view.title} needs points, because it works with {view.works_with}, and these data are only proximities between "
        f"pairs{what}: choose {able.title}, which works on proximities"
    )


@dataclass(frozen=True, eq=False)
class Prepared:
    """All that a run needs."""

    data: Data
    """that these settings can work on"""
    process: Process
    prepared: Any
    """the data as the process takes them"""
    model_input: Any
    """the data as the method's view made them"""
    note: str
    """what was done instead of what was asked, in a sentence"""


def prepare(data: Data, settings: Settings, cache: RecentCache) -> Prepared:
    """What a run of these settings on these data needs.

    A method that needs the proximities of all pairs uses a sample where there are too many points. NeedsPoints if the data
    are proximities and the method needs points; ValueError as `iterations_for`.
    """
    view = method(settings.method)
    note = ""
    if view.traits.pairwise and len(data.points) > MOST_POINTS_FOR_PROXIMITIES:
        note = (
            f"{view.title} needs the proximity of every pair of points: this is a sample of "
            f"{MOST_POINTS_FOR_PROXIMITIES:,} of the {len(data.points):,} points."
        )
        data = data.sample(MOST_POINTS_FOR_PROXIMITIES)
    check_fits(data, settings)
    iterations_for(data, settings)
    model_input = view.model_input(data, settings, cache)
    init, told = init_of(data, model_input, settings, cache)
    process = view.process(settings, init)
    return Prepared(data, process, process.prepare(view.prepared(model_input)), model_input, f"{note} {told}".strip())


def init_of(data: Data, model_input: Any, settings: Settings, cache: RecentCache) -> tuple[Any, str]:
    """What the process takes as `init`, and what was done instead of what was asked, in a sentence."""
    view, start, k = method(settings.method), settings.start, settings.k
    match start:
        case NoStart():
            return None, ""
        case ManualStart():
            return view.start_at(data, model_input, k, centers=start.centers), ""
        case RowsStart():
            return view.start_at(data, model_input, k, rows=start.rows), ""
        case TreeStart():
            labels, told = cut_labels(data, start.linkage, start.metric, k, cache)
            return view.start_at(data, model_input, k, labels=labels), told
        case NamedStart():
            return view.init_by_name(start.initialization, data, k), ""
    raise TypeError(f"{start!r} is no start")


def iterations_for(data: Data, settings: Settings) -> int:
    """How many iterations all states of such a run have room for, at most MOST_ITERATIONS; ValueError if next to none."""
    d = data.points.shape[1]
    k = MOST_CLUSTERS if settings.k is None else settings.k
    numbers = method(settings.method).state_size(k, d)
    fit = MOST_STATE_NUMBERS // numbers
    if fit < LEAST_ITERATIONS:
        raise ValueError(
            f"{k} clusters in {d:,} columns take {numbers:,} numbers in each state of a run, so there is room for "
            f"{fit} of the at least {LEAST_ITERATIONS} states: choose fewer columns, or a K of at most "
            f"{MOST_STATE_NUMBERS // LEAST_ITERATIONS // (numbers // k)}"
        )
    return min(fit, MOST_ITERATIONS)

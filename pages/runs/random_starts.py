"""Runs of a method from several random starts: the best one, and how much losses and scores depend on luck."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Self

import numpy as np

from clustering import Process, restarts
from pages.datasets.data import Data
from pages.datasets.formatting import format_number
from pages.methods import method
from pages.methods.options import Settings
from pages.methods.starts import NamedStart
from pages.runs.budget import estimated_bytes
from pages.runs.cache import RecentCache
from pages.runs.jobs import Job
from pages.runs.known_groups import KnownGroups
from pages.runs.preparation import iteration_limit, prepare_run
from pages.runs.run import Run

BEST_OF = 10
"""number of restarts whose best is shown"""
MANY_STARTS = 300
"""number of random starts among which a bad one is sought"""
MAX_VALUES = 30_000_000
"""maximum number of runs times values that an iteration of a run reads, which bounds the time to a few seconds"""
PAIRS_PER_VALUE = 10
"""number of entries of a distance matrix that take as long as one value of another method"""
TASKS = 10
"""maximum number of parts in which runs are computed"""


def has_random_start(settings: Settings) -> bool:
    """Whether runs with other seeds start elsewhere, and a loss says which of them is the best."""
    view, start = method(settings.method), settings.start
    random = isinstance(start, NamedStart) and view.initialization(start.initialization).random
    return random and view.traits.random and view.traits.loss is not None


def affordable_runs(data: Data, settings: Settings, wanted: int) -> int:
    """Number of runs that are tried: all of those wanted, or fewer if the data are large; at least 1.

    It depends on the settings and the size of the data alone, so that links repeat results on any machine.
    """
    if data.all_rows is not None:
        return 1
    view, (n, d), k = method(settings.method), data.points.shape, settings.k or 1
    values = n * n // PAIRS_PER_VALUE if view.traits.pairwise else n * (view.state_size(k, d) + 8 * k)
    return max(1, min(wanted, MAX_VALUES // max(values, 1)))


class StartResults(NamedTuple):
    """Results of runs from several random starts."""

    seeds: np.ndarray
    """(m,) random seed of each run"""
    losses: np.ndarray
    """(m,) final losses"""
    adjusted_rand: np.ndarray
    """(m,) adjusted Rand index relative to the true labels; NaN without true labels"""
    v_measure: np.ndarray
    """(m,) V-measure relative to the true labels; NaN without true labels"""

    @property
    def best(self) -> int:
        """Seed of the run with the lowest loss, the first one on ties up to rounding."""
        lowest = self.losses.min()
        return int(self.seeds[self.losses <= lowest + 1e-9 * abs(lowest)].min())

    @property
    def worst(self) -> int:
        """Seed of the run with the highest loss."""
        return int(self.seeds[self.losses.argmax()])


def best_start(
    data: Data, settings: Settings, wanted: int, cache: RecentCache, on_step: Callable[[Any], None]
) -> tuple[Settings, StartResults | None]:
    """Settings with the seed of the best of several random starts, and the results of all of them.

    The seeds are that of the settings and the following ones. If the start is not random, or the data are so large that only
    one start is affordable, the settings are unchanged and there are no results. Raises ValueError as in `prepare_run`.
    """
    count = affordable_runs(data, settings, wanted) if has_random_start(settings) else 1
    if count == 1:
        return settings, None

    def compute() -> StartResults:
        inputs = prepare_run(data, settings, cache)
        seeds = range(settings.seed, settings.seed + count)
        return try_starts(inputs.process, inputs.prepared_data, inputs.data, settings, seeds, on_step)

    found = cache.get(("best start", data.key, settings, count), compute)
    return replace(settings, seed=found.best), found


@dataclass(frozen=True)
class Standing:
    """How the optimum that a run has found compares with those of other random starts."""

    loss: float
    """final loss of the run"""
    best_loss: float
    """lowest loss of all runs"""
    runs: int
    """number of different runs, with this one"""
    better: int
    """number of runs with a lower loss, beyond the tolerance of the method"""
    worse: int
    """number of runs with a higher loss, beyond the tolerance of the method"""

    @classmethod
    def of(cls, run: Run, results: StartResults) -> Self:
        """The standing of a run among itself and these results for its settings with other seeds."""
        loss, losses = run.history.last.loss, results.losses[results.seeds != run.settings.seed]
        best = float(losses.min(initial=loss))
        tolerance = run.view.traits.loss.tolerance(best)
        better, worse = int((losses < loss - tolerance).sum()), int((losses > loss + tolerance).sum())
        return cls(loss, best, len(losses) + 1, better, worse)

    @property
    def is_only(self) -> bool:
        """Whether all runs found the same optimum."""
        return not self.better and not self.worse

    @property
    def sentence(self) -> str:
        """The standing in words."""
        if self.better:
            one = self.better == 1
            return (
                f"{self.better} of {self.runs} random starts find{'s' * one} a better optimum"
                f"{', with' if one else '; the best one has'} loss {format_number(self.best_loss)} instead of "
                f"{format_number(self.loss)}."
            )
        if self.is_only:
            return f"{self.runs} of {self.runs} random starts find this optimum."
        same = self.runs - self.worse
        return f"{same} of {self.runs} random starts find{'s' * (same == 1)} this optimum; none finds a better one."


def try_starts(
    process: Process,
    prepared: Any,
    data: Data,
    settings: Settings,
    seeds: Sequence[int],
    on_step: Callable[[Any], None],
) -> StartResults:
    """Results of runs with these seeds; where the method can, they are computed together.

    Parameters
    ----------
    process, prepared : those of a run with these settings and any seed
    data : data of the run
    on_step : as in `clustering.restarts`
    """
    options = dict(on_step=on_step, max_iter=iteration_limit(data, settings))
    losses, scores = [], []
    weights = method(settings.method).weights_of(data)
    for run in restarts(process, prepared, seeds, **options):
        labels = run.last.labels
        known = None if data.labels is None or labels is None else KnownGroups.of(data.labels, labels, weights)
        losses.append(run.last.loss)
        scores.append((np.nan, np.nan) if known is None else (known.adjusted_rand, known.v_measure))
    return StartResults(np.array(seeds), np.array(losses, dtype=float), *np.array(scores, dtype=float).reshape(-1, 2).T)


@dataclass(eq=False)
class RandomStarts(Job):
    """Runs with the seeds 1, 2, …, `count`. A task is the range of seeds of a part of them."""

    process: Process
    prepared: Any
    data: Data
    settings: Settings
    """settings of the runs; the seed has no effect"""
    count: int
    noun = "part"
    can_be_sent = False

    @property
    def tasks(self) -> list[range]:
        size = max(BEST_OF, -(-self.count // TASKS))
        return [range(first, min(first + size, self.count + 1)) for first in range(1, self.count + 1, size)]

    def run_task(self, task: range, on_step: Callable[[Any], None]) -> StartResults:
        return try_starts(self.process, self.prepared, self.data, self.settings, task, lambda _: on_step(None))

    @property
    def n_bytes(self) -> int:
        return estimated_bytes(self.data, self.settings, states=1)

    def describe(self, task: range, state: Any) -> str:
        return f"Trying {self.count} random starts: {task[0]} to {task[-1]}."

    @property
    def found(self) -> StartResults | None:
        """The results so far; None without any."""
        parts = [self.results[task] for task in self.tasks if task in self.results]
        return StartResults(*map(np.concatenate, zip(*parts, strict=True))) if parts else None

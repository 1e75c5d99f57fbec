"""Many runs of one method on one data set, from different starts, and what they have in common."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import zip_longest
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from clustering import Process, centroid_index_of_distances, distinct_partitions, match_clusters, restarts
from pages.datasets.data import Data
from pages.datasets.limits import MOST_ITERATIONS, MOST_STATE_NUMBERS
from pages.methods import method
from pages.methods.base import MethodView
from pages.methods.options import Settings
from pages.methods.starts import NamedStart
from pages.runs.cache import RecentCache
from pages.runs.jobs import Job
from pages.runs.preparation import Prepared, prepare
from pages.runs.run import ranks_by_place

MOST_LABELS = 2_000
"""points by which two runs are compared; a random sample of those of larger data"""
ALIKE = 0.01
"""share of the points in which two runs may differ and still count as the same solution"""


@dataclass(frozen=True, eq=False)
class Attempt:
    """One run, as far as runs are compared. Watch repeats it from its initialization and its seed."""

    initialization: str
    seed: int
    losses: np.ndarray
    """(T + 1,) loss of each complete state"""
    parameters: Any
    """of the last state"""
    centers: np.ndarray
    """(k, d) of the last state"""
    labels: np.ndarray
    """(m,) the clusters of the points by which runs are compared"""
    seconds: float
    """time that its start and all its steps took"""

    @property
    def loss(self) -> float:
        return float(self.losses[-1])


@dataclass(eq=False)
class RestartStudy:
    """The runs of one method so far, whatever initializations and numbers of runs were asked for."""

    settings: Settings
    """of each run, but for its initialization; run i of each initialization has this seed + i"""
    ready: Prepared
    attempts: dict[tuple[str, int], Attempt] = field(default_factory=dict)
    """by initialization and i"""
    _last: tuple[dict[str, int], "Findings"] | None = None
    """the last findings, and of how many runs of each initialization they are"""

    @classmethod
    def of(cls, data: Data, settings: Settings, cache: RecentCache) -> "RestartStudy":
        """A study without runs. NeedsPoints and ValueError as `prepare`."""
        return cls(settings, prepare(data, settings, cache))

    @property
    def view(self) -> MethodView:
        return method(self.settings.method)

    @property
    def data(self) -> Data:
        """What the method works on, which may be a sample."""
        return self.ready.data

    @property
    def cells(self) -> int:
        """How many numbers it holds, about."""
        n, d = self.data.points.shape
        kept = sum(attempt.labels.size + attempt.losses.size for attempt in self.attempts.values())
        return kept + (n * n if self.view.traits.pairwise else 2 * n * d)

    @cached_property
    def compared(self) -> np.ndarray:
        """(m,) the points by which runs are compared."""
        n = len(self.data.points)
        if n <= MOST_LABELS:
            return np.arange(n)
        return np.sort(np.random.default_rng(0).choice(n, MOST_LABELS, replace=False))

    def process(self, initialization: str) -> Process:
        """The process that starts by this initialization."""
        settings = replace(self.settings, start=NamedStart(initialization))
        return self.view.process(settings, self.view.init_by_name(initialization, self.data, settings.k))

    def run(self, initialization: str, i: int, on_step: Callable[[Any], None]) -> Attempt:
        """Run i of this initialization."""
        began = time.perf_counter()
        seed = self.settings.seed + i
        (run,) = restarts(self.process(initialization), self.ready.prepared, [seed], on_step=on_step, max_iter=MOST_ITERATIONS)
        seconds = time.perf_counter() - began
        return Attempt(
            initialization,
            seed,
            run.losses,
            run.last.parameters,
            self.view.centers(run.last.parameters, self.data),
            run.last.labels[self.compared].astype(np.min_scalar_type(-self.settings.k)),
            seconds,
        )

    def findings(self, initializations: Sequence[str], runs: int) -> "Findings | None":
        """The findings of the first `runs` runs of each initialization, of those that are done; None if none is."""
        done = {
            initialization: [self.attempts[initialization, i] for i in range(runs) if (initialization, i) in self.attempts]
            for initialization in initializations
        }
        done = {initialization: attempts for initialization, attempts in done.items() if attempts}
        if not done:
            return None
        key = {initialization: len(attempts) for initialization, attempts in done.items()}
        if self._last is None or self._last[0] != key:
            self._last = key, Findings(self, done)
        return self._last[1]


@dataclass(eq=False)
class RemainingRuns(Job):
    """The runs of a study that are still to be made. A task is an initialization and the number i of the run."""

    study: RestartStudy
    first_remaining: tuple[tuple[str, int], ...]
    noun = "run"

    @classmethod
    def of(cls, study: RestartStudy, initializations: Sequence[str], runs: int) -> "RemainingRuns":
        """What the study lacks of `runs` runs of each initialization; one run of an initialization in which nothing is random.
        The initializations take turns.

        ValueError if the results of all runs would not fit.
        """
        numbers = study.view.state_size(study.settings.k, study.data.points.shape[1])
        if numbers * runs * len(initializations) > MOST_STATE_NUMBERS:
            raise ValueError(
                f"the results of {runs * len(initializations):,} runs do not fit, with {numbers:,} numbers each: choose fewer "
                "runs, fewer columns or a smaller K"
            )
        wanted = {
            initialization: runs if study.view.initialization(initialization).random else 1
            for initialization in initializations
        }
        missing = (
            [(initialization, i) for i in range(count) if (initialization, i) not in study.attempts]
            for initialization, count in wanted.items()
        )
        return cls(study, tuple(task for turn in zip_longest(*missing) for task in turn if task is not None))

    @property
    def tasks(self) -> tuple[tuple[str, int], ...]:
        return self.first_remaining

    def run_task(self, task: tuple[str, int], on_step: Callable[[Any], None]) -> Attempt:
        attempt = self.study.attempts[task] = self.study.run(*task, on_step)
        return attempt

    def describe(self, task: tuple[str, int], state: Any) -> str:
        iteration = 0 if state is None else state.iteration
        return f"Run {len(self.results) + 1:,} of {len(self.tasks):,}, iteration {iteration}."


@dataclass(frozen=True, eq=False)
class Solution:
    """Runs that ended in the same clustering."""

    best: Attempt
    count: int
    counts: dict[str, int]
    """of each initialization"""


@dataclass(frozen=True)
class InitializationScores:
    """How the runs of one initialization ended."""

    initialization: str
    runs: int
    best: float
    mean: float
    reached: float
    """share of its runs that reach the best loss of all"""
    index: float
    """mean centroid index to the reference"""
    right: float
    """share of its runs with centroid index 0"""
    iterations: float
    seconds: float
    """mean time of a run"""


class Findings:
    """What many runs have in common."""

    def __init__(self, study: RestartStudy, by_initialization: dict[str, list[Attempt]]):
        self.study, self.by_initialization = study, by_initialization
        self.runs = [attempt for attempts in by_initialization.values() for attempt in attempts]
        """all of them"""
        least = min(attempt.loss for attempt in self.runs)
        alike = [attempt for attempt in self.runs if attempt.loss <= least + 1e-9 * abs(least)]
        self.best = min(alike, key=lambda attempt: attempt.seed)
        """the first that ends with the least loss, but for rounding"""

    @property
    def settings(self) -> Settings:
        return self.study.settings

    @property
    def view(self) -> MethodView:
        return self.study.view

    @property
    def loss_name(self) -> str:
        return self.study.ready.process.loss_name

    @cached_property
    def tolerance(self) -> float:
        """How far above the best loss another one reaches it."""
        return self.view.traits.loss.tolerance(self.best.loss)

    @cached_property
    def truth(self) -> np.ndarray | None:
        """(k, d) the means of the known groups, if there are as many as clusters."""
        data = self.study.data
        if data.labels is None or data.given is not None or data.groups != self.settings.k:
            return None
        groups = np.unique(data.labels[data.labels >= 0])
        return np.stack([data.points[data.labels == group].mean(axis=0) for group in groups])

    @cached_property
    def reference(self) -> np.ndarray:
        """(k, d) what the centers of runs are compared with: the truth, or those of the best run if it is not known."""
        return self.best.centers if self.truth is None else self.truth

    @property
    def reference_name(self) -> str:
        """What `reference` is."""
        return "the best run" if self.truth is None else "the truth"

    @property
    def distance_name(self) -> str:
        """How `distances` measures."""
        return self.view.distance_name if self.truth is None else MethodView.distance_name

    def distances(self, attempt: Attempt) -> np.ndarray:
        """(k, k) from the centers of this run to the reference: Euclidean to the truth, else as the method measures."""
        if self.truth is None:
            return self.view.center_distances(
                attempt.parameters, self.best.parameters, self.study.data, self.study.ready.model_input
            )
        return cdist(attempt.centers, self.truth)

    def index(self, attempt: Attempt) -> int:
        """The centroid index to the reference."""
        return centroid_index_of_distances(self.distances(attempt))

    @cached_property
    def reached(self) -> int:
        """How many runs reach the best loss."""
        return sum(run.loss <= self.best.loss + self.tolerance for run in self.runs)

    def misplaced(self, attempt: Attempt) -> tuple[np.ndarray, np.ndarray]:
        """Where a run has a center too many, and where it has none though the reference has one, (m, d) each."""
        distances = self.distances(attempt)
        spare = np.setdiff1d(np.arange(len(distances)), distances.argmin(axis=0))
        lacking = np.setdiff1d(np.arange(distances.shape[1]), distances.argmin(axis=1))
        return attempt.centers[spare], self.reference[lacking]

    @cached_property
    def scores(self) -> list[InitializationScores]:
        rows = []
        for initialization, runs in self.by_initialization.items():
            losses = np.array([run.loss for run in runs])
            indices = np.array([self.index(run) for run in runs])
            rows.append(
                InitializationScores(
                    initialization,
                    len(runs),
                    float(losses.min()),
                    float(losses.mean()),
                    float(np.mean(losses <= self.best.loss + self.tolerance)),
                    float(indices.mean()),
                    float(np.mean(indices == 0)),
                    float(np.mean([len(run.losses) - 1 for run in runs])),
                    float(np.mean([run.seconds for run in runs])),
                )
            )
        return rows

    @cached_property
    def solutions(self) -> list[Solution]:
        """The distinct ones, the most frequent first, of equally frequent ones the better first."""
        runs = sorted(self.runs, key=lambda run: run.loss)
        numbers = distinct_partitions(np.stack([run.labels for run in runs]), share=ALIKE)
        members = [[] for _ in range(numbers.max() + 1)]
        for run, number in zip(runs, numbers, strict=True):
            members[number].append(run)
        solutions = [
            Solution(
                those[0],
                len(those),
                {
                    initialization: sum(run.initialization == initialization for run in those)
                    for initialization in self.by_initialization
                },
            )
            for those in members
        ]
        return sorted(solutions, key=lambda solution: -solution.count)

    def numbers_of(self, attempt: Attempt) -> np.ndarray:
        """(n,) which number each point has in a picture of this run: those of the best run's matching groups."""
        places = ranks_by_place(self.study.data.points, self.best.centers)
        ranks = places[match_clusters(attempt.labels, self.best.labels, self.settings.k)]
        ready = self.study.ready
        return ranks[ready.process.assign(ready.prepared, attempt.parameters).labels]

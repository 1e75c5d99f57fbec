"""Many runs of one method on one data set, with different initializations and seeds, and their summary."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import zip_longest
from typing import Any

import numpy as np
from scipy.spatial.distance import cdist

from clustering import Process, centroid_index_of_distances, distinct_partitions, match_clusters, restarts
from pages.datasets.data import Data
from pages.datasets.limits import MAX_ITERATIONS, MAX_STATE_VALUES
from pages.methods import method
from pages.methods.base import MethodView
from pages.methods.options import Settings
from pages.methods.starts import start_named
from pages.runs.budget import estimated_bytes
from pages.runs.cache import RecentCache
from pages.runs.jobs import MissingRuns
from pages.runs.preparation import RunInputs, prepare_run
from pages.runs.run import means_of, ranks_by_position

MAX_COMPARED_POINTS = 2_000
"""maximum number of points on which runs are compared; larger data are sampled"""
MAX_DIFFERENCE = 0.01
"""maximum share of points on which two runs of the same solution may differ"""


@dataclass(frozen=True, eq=False)
class RunSummary:
    """The results of one run that are kept. The Watch page repeats the run from its initialization and seed."""

    initialization: str
    seed: int
    losses: np.ndarray
    """(T + 1,) loss of each complete state"""
    parameters: Any
    """parameters of the last state"""
    centers: np.ndarray
    """(k, d) centers of the last state; (0, d) if the method has none"""
    labels: np.ndarray
    """(m,) final clusters of the compared points, -1 for none"""
    seconds: float
    """run time, including initialization; the first of several runs that were computed together has the time of all of them"""

    @property
    def loss(self) -> float:
        return float(self.losses[-1])


@dataclass(eq=False)
class RestartStudy:
    """All finished runs of one method on one data set."""

    settings: Settings
    """settings of all runs except the initialization; run i uses seed `settings.seed + i`"""
    inputs: RunInputs
    """data and prepared data of all runs; only the initialization of the process differs between runs"""
    finished: dict[tuple[str, int], RunSummary] = field(default_factory=dict)
    """by (initialization, i)"""
    _cached: tuple[dict[str, int], "Findings"] | None = None
    """number of runs per initialization, and their findings"""

    @classmethod
    def of(cls, data: Data, settings: Settings, cache: RecentCache) -> "RestartStudy":
        """A study without runs. Raises NeedsPoints and ValueError as in `prepare_run`."""
        return cls(settings, prepare_run(data, settings, cache))

    @property
    def view(self) -> MethodView:
        return method(self.settings.method)

    @property
    def data(self) -> Data:
        """Data of all runs, possibly a sample."""
        return self.inputs.data

    @property
    def n_values(self) -> int:
        """Approximate number of stored values."""
        n, d = self.data.points.shape
        stored = sum(run.labels.size + run.losses.size for run in list(self.finished.values()))  # a thread may add runs
        return stored + (n * n if self.view.traits.pairwise else 2 * n * d)

    @cached_property
    def compared_rows(self) -> np.ndarray:
        """(m,) indices of the points on which runs are compared."""
        n = len(self.data.points)
        if n <= MAX_COMPARED_POINTS:
            return np.arange(n)
        return np.sort(np.random.default_rng(0).choice(n, MAX_COMPARED_POINTS, replace=False))

    def process(self, initialization: str) -> Process:
        """The process with this initialization."""
        settings = replace(self.settings, start=start_named(initialization))
        init = self.view.init_by_name(initialization, self.data, settings.k) if initialization else None
        return self.view.process(settings, init)

    def compute_run(self, initialization: str, i: int, on_step: Callable[[Any], None]) -> RunSummary:
        """Compute run i with this initialization."""
        return next(self.compute_runs(initialization, [i], on_step))

    def compute_runs(
        self, initialization: str, numbers: Iterable[int], on_step: Callable[[Any], None]
    ) -> Iterator[RunSummary]:
        """Compute the runs with these numbers and this initialization, lazily as in `restarts`."""
        seeds = [self.settings.seed + i for i in numbers]
        runs = restarts(
            self.process(initialization), self.inputs.prepared_data, seeds, on_step=on_step, max_iter=MAX_ITERATIONS
        )
        for seed in seeds:
            began = time.perf_counter()
            with self.inputs.errors():
                run = next(runs)
            seconds = time.perf_counter() - began
            # of the points in memory; those of the run are of all rows if these points are a sample
            labels = run.last.labels if self.data.all_rows is None else self.inputs.assign(run.last.parameters).labels
            yield RunSummary(
                initialization,
                seed,
                run.losses,
                run.last.parameters,
                self._centers(run.last.parameters),
                # signed, because label -1 means that a point belongs to no cluster
                labels[self.compared_rows].astype(np.min_scalar_type(-self.settings.k)),
                seconds,
            )

    def _centers(self, parameters: Any) -> np.ndarray:
        if self.view.traits.center is None:
            return np.empty((0, self.data.points.shape[1]))
        return self.view.centers(parameters, self.data)

    def findings(self, initializations: Sequence[str], n_runs: int) -> "Findings | None":
        """Findings from the finished runs among the first `n_runs` runs of each initialization; None if none has finished."""
        finished = {
            initialization: [self.finished[initialization, i] for i in range(n_runs) if (initialization, i) in self.finished]
            for initialization in initializations
        }
        finished = {initialization: runs for initialization, runs in finished.items() if runs}
        if not finished:
            return None
        key = {initialization: len(runs) for initialization, runs in finished.items()}
        if self._cached is None or self._cached[0] != key:
            self._cached = key, Findings(self, finished)
        return self._cached[1]


@dataclass(eq=False)
class RemainingRuns(MissingRuns):
    """The missing runs of a study. A task is (initialization, i)."""

    study: RestartStudy
    _runs: dict[str, Iterator[RunSummary]] = field(default_factory=dict, init=False)
    """the next runs of each initialization; kept between tasks, because some methods compute several runs together"""
    _on_step: Callable[[Any], None] | None = field(default=None, init=False)
    """`on_step` of the current task"""

    @classmethod
    def of(cls, study: RestartStudy, initializations: Sequence[str], runs: int) -> "RemainingRuns":
        """The runs still missing from the study, given `runs` runs per initialization (one if it is deterministic).

        The initializations take turns. Raises ValueError if the results of all runs would exceed the memory limit.
        """
        size = study.view.state_size(study.settings.k, study.data.points.shape[1])
        if size * runs * len(initializations) > MAX_STATE_VALUES:
            raise ValueError(
                f"the results of {runs * len(initializations):,} runs exceed the memory limit ({size:,} values each): "
                "choose fewer runs, fewer features or a smaller K"
            )
        counts = {
            initialization: runs if study.view.initialization(initialization).random else 1
            for initialization in initializations
        }
        missing = (
            [(initialization, i) for i in range(count) if (initialization, i) not in study.finished]
            for initialization, count in counts.items()
        )
        return cls(study, tuple(task for turn in zip_longest(*missing) for task in turn if task is not None))

    @property
    def n_bytes(self) -> int:
        return estimated_bytes(self.study.data, self.study.settings, states=1)

    @property
    def can_be_sent(self) -> bool:
        return self.study.data.all_rows is None  # the blocks of a table are on the cluster already

    def part(self, tasks: Sequence[tuple[str, int]]) -> "RemainingRuns":
        return RemainingRuns(RestartStudy(self.study.settings, self.study.inputs), tuple(tasks))

    def run_task(self, task: tuple[str, int], on_step: Callable[[Any], None]) -> RunSummary:
        initialization, _ = task
        self._on_step = on_step
        runs = self._runs.pop(initialization, None)  # not put back if an exception stops it
        if runs is None:
            numbers = [i for name, i in self.remaining if name == initialization]
            runs = self.study.compute_runs(initialization, numbers, lambda state: self._on_step(state))
        run = next(runs)
        self._runs[initialization] = runs
        return run

    def describe(self, task: tuple[str, int], state: Any) -> str:
        iteration = 0 if state is None else state.iteration
        return f"Run {len(self.results) + 1:,} of {len(self.tasks):,}, iteration {iteration}."


@dataclass(frozen=True, eq=False)
class Solution:
    """Runs that ended in the same clusters."""

    best: RunSummary
    count: int
    counts: dict[str, int]
    """number of runs by initialization"""


@dataclass(frozen=True)
class InitializationScores:
    """Summary of the runs with one initialization."""

    initialization: str
    runs: int
    best_loss: float
    mean_loss: float
    best_loss_rate: float
    """share of runs that reach the best loss of all initializations"""
    mean_centroid_index: float
    """mean centroid index relative to the reference"""
    success_rate: float
    """share of runs with centroid index 0"""
    mean_iterations: float
    mean_seconds: float
    """mean run time"""


class Findings:
    """Summary of many runs: scores of the initializations and distinct solutions."""

    def __init__(self, study: RestartStudy, by_initialization: dict[str, list[RunSummary]]):
        self.study, self.by_initialization = study, by_initialization
        self.runs = [run for runs in by_initialization.values() for run in runs]
        self.ranked = best_first(self.runs)
        """the runs from the best to the worst"""
        self.best = self.ranked[0]
        """run with the lowest final loss; the one with the smallest seed if several are equal up to rounding"""

    @property
    def settings(self) -> Settings:
        return self.study.settings

    @property
    def view(self) -> MethodView:
        return self.study.view

    @property
    def loss_name(self) -> str:
        return self.study.inputs.process.loss_name

    @cached_property
    def tolerance(self) -> float:
        """Maximum difference from the best loss for a run to count as reaching it."""
        return self.view.traits.loss.tolerance(self.best.loss)

    @cached_property
    def true_means(self) -> np.ndarray | None:
        """(k, d) means of the true groups; None unless there are k of them."""
        data = self.study.data
        if data.labels is None or data.precomputed is not None or data.groups != self.settings.k:
            return None
        groups = np.unique(data.labels[data.labels >= 0])
        return np.stack([data.points[data.labels == group].mean(axis=0) for group in groups])

    @property
    def has_centers(self) -> bool:
        """Whether runs are compared by their centers; otherwise by their clusters."""
        return self.view.traits.center is not None

    @cached_property
    def reference(self) -> np.ndarray:
        """(k, d) reference for the centers of runs: the means of the true groups, or else the centers of the best run."""
        return self.best.centers if self.true_means is None else self.true_means

    @property
    def reference_name(self) -> str:
        return "the best run" if self.true_means is None else "the true groups"

    @property
    def distance_name(self) -> str:
        if not self.has_centers:
            return "by the share of common points (Jaccard)"
        return self.view.distance_name if self.true_means is None else MethodView.distance_name

    def distances(self, run: RunSummary) -> np.ndarray:
        """(k, k) distances from the centers of a run to the reference; from its clusters if the method has no centers.

        Euclidean if the true groups are the reference, otherwise the distance of the method; of clusters 1 minus their
        Jaccard similarity.
        """
        if not self.has_centers:
            true_labels = None if self.true_means is None else self.study.data.labels[self.study.compared_rows]
            return _jaccard_distances(run.labels, self.best.labels if true_labels is None else true_labels, self.settings.k)
        if self.true_means is None:
            return self.view.center_distances(
                run.parameters, self.best.parameters, self.study.data, self.study.inputs.model_input
            )
        return cdist(run.centers, self.true_means)

    def centroid_index(self, run: RunSummary) -> int:
        """Centroid index of a run relative to the reference (Fränti, Rezaei & Zhao 2014, doi:10.1016/j.patcog.2014.03.017)."""
        return centroid_index_of_distances(self.distances(run))

    @cached_property
    def reached_count(self) -> int:
        """Number of runs that reach the best loss."""
        return sum(run.loss <= self.best.loss + self.tolerance for run in self.runs)

    def misplaced(self, run: RunSummary) -> tuple[np.ndarray, np.ndarray]:
        """Extra and missing centers of a run.

        Returns
        -------
        extra : (m, d) centers of the run; for each reference center, another center of the run is closer.
        missing : (l, d) reference centers; for each center of the run, another reference center is closer.
        Both are empty if the method has no centers.
        """
        if not self.has_centers:
            return run.centers, run.centers
        distances = self.distances(run)
        extra = np.setdiff1d(np.arange(len(distances)), distances.argmin(axis=0))
        missing = np.setdiff1d(np.arange(distances.shape[1]), distances.argmin(axis=1))
        return run.centers[extra], self.reference[missing]

    @cached_property
    def scores(self) -> list[InitializationScores]:
        """Scores of each initialization."""
        rows = []
        for initialization, runs in self.by_initialization.items():
            losses = np.array([run.loss for run in runs])
            indices = np.array([self.centroid_index(run) for run in runs])
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
        """The distinct solutions by decreasing number of runs, then by increasing loss."""
        runs = self.ranked
        solution_of = distinct_partitions(np.stack([run.labels for run in runs]), max_difference=MAX_DIFFERENCE)
        groups = [[] for _ in range(solution_of.max() + 1)]
        for run, solution in zip(runs, solution_of, strict=True):
            groups[solution].append(run)
        solutions = [
            Solution(
                group[0],
                len(group),
                {
                    initialization: sum(run.initialization == initialization for run in group)
                    for initialization in self.by_initialization
                },
            )
            for group in groups
        ]
        return sorted(solutions, key=lambda solution: -solution.count)

    def colors_of(self, run: RunSummary) -> np.ndarray:
        """(n,) color number of each point in a plot of a run: that of the matching cluster of the best run."""
        points, k = self.study.data.points, self.settings.k
        centers = self.best.centers
        if not self.has_centers:
            centers = means_of(points, self.study.inputs.assign(self.best.parameters).labels, k)
        colors = ranks_by_position(points, centers)[match_clusters(run.labels, self.best.labels, k)]
        return colors[self.study.inputs.assign(run.parameters).labels]


def best_first(runs: Sequence[RunSummary]) -> list[RunSummary]:
    """The runs by increasing loss; those whose losses are equal up to rounding by increasing seed."""
    losses = sorted(run.loss for run in runs)
    level, levels = losses[0], {}
    for loss in losses:
        if loss > level + 1e-9 * abs(level):
            level = loss
        levels[loss] = level
    return sorted(runs, key=lambda run: (levels[run.loss], run.seed))


def _jaccard_distances(labels: np.ndarray, others: np.ndarray, k: int) -> np.ndarray:
    """(k, m) 1 minus the Jaccard similarity of the clusters 0..k-1 and the m clusters of another clustering.

    Points with a negative label are in no cluster.
    """
    columns = np.unique(others[others >= 0])
    inside, outside = labels == np.arange(k)[:, None], others == columns[:, None]
    common = inside.astype(float) @ outside.T
    either = inside.sum(axis=1)[:, None] + outside.sum(axis=1) - common
    return 1 - common / np.maximum(either, 1)

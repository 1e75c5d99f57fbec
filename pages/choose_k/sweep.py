"""One method with K = 1, 2, 3, … clusters, on the data, on uniform reference data and on subsamples, as a resumable job."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from clustering import (
    Restart,
    Silhouette,
    calinski_harabasz,
    davies_bouldin,
    restarts,
    silhouette,
    silhouette_of_proximities,
    subsample_agreement,
    subsample_size,
    uniform_reference,
    within_groups,
)
from pages.datasets.data import POINTS, Data
from pages.datasets.limits import MAX_ITERATIONS, MAX_SWEEP_POINTS, MAX_SWEEP_POINTS_PAIRWISE
from pages.methods import method
from pages.methods.base import MethodView
from pages.methods.options import Settings
from pages.methods.starts import PLUS_PLUS, NamedStart
from pages.runs.budget import estimated_bytes
from pages.runs.jobs import Job
from pages.runs.preparation import check_data_kind, iteration_limit
from pages.runs.run import means_of, silhouette_of

INITIALIZATION = PLUS_PLUS.name
"""initialization of all runs, for methods that have it"""
REFERENCE_SETS = 10
"""number of reference data sets, which are uniform noise; see `uniform_reference`"""
REFERENCE_RUNS = 2
"""number of runs per K on reference data and on subsamples; the best one counts"""
SUBSAMPLE_PAIRS = 10
"""pairs of subsamples of the data, for stability"""
RESAMPLED_SETS = 4
"""number of reference data sets for which stability is also computed"""
REFERENCE_PAIRS = 4
"""pairs of subsamples of each of these reference data sets"""
MAX_MODEL_RUNS = 5
"""maximum number of runs per model for information criteria"""
SILHOUETTE_SAMPLE = 1_000
"""maximum number of points for silhouettes of reference data"""


@dataclass(frozen=True, eq=False)
class BestRun:
    """The run with the lowest loss among several with the same K."""

    k: int
    seed: int
    """seed that repeats the run on the Watch page"""
    loss: float
    labels: np.ndarray
    """(n,) cluster of each point"""
    centers: np.ndarray
    """(k, d)"""
    silhouette: Silhouette | None
    """None for a single cluster"""


@dataclass(frozen=True)
class InformationCriteria:
    """Information criteria of one model with k clusters; lower is better."""

    k: int
    model: Any
    """value of the option `MethodView.model_option`"""
    bic: float
    aic: float
    icl: float


@dataclass(frozen=True)
class ReferenceScores:
    """Criteria of one reference data set with k clusters; NaN where undefined."""

    within: float
    """within-cluster dispersion"""
    silhouette: float
    calinski_harabasz: float
    davies_bouldin: float


@dataclass(eq=False)
class Sweep(Job):
    """A resumable sweep over K with its partial results."""

    data: Data
    settings: Settings
    """settings of all runs except K and the seed; seeds of the runs with one K count up from this one"""
    ks: np.ndarray
    runs: int
    """number of runs per K; the best one counts"""
    note: str
    """message about a sample, or empty"""

    @classmethod
    def of(cls, data: Data, settings: Settings, max_k: int, runs: int) -> "Sweep":
        """A sweep without results.

        Raises NeedsPoints as in `check_data_kind`, and ValueError as in `iteration_limit` or if all points are identical.
        """
        check_data_kind(data, settings)
        iteration_limit(data, replace(settings, k=max_k))
        if data.precomputed is None and not np.ptp(data.points, axis=0).any():
            raise ValueError("all points are identical, so there is only one cluster")
        limit = MAX_SWEEP_POINTS_PAIRWISE if method(settings.method).traits.pairwise else MAX_SWEEP_POINTS
        notes = []
        if data.row_weights is not None:
            notes.append(f"This page ignores the weights of rows in column {data.weight_name}.")
            data = data.without_row_weights
        if data.n > limit:
            notes.append(f"This page computes many runs, so it uses a sample of {limit:,} of the {data.n:,} points.")
            data = data.sample(limit)
        data, note = data.without_other_rows, " ".join(notes)
        ks = np.arange(1, max(1, min(max_k, len(data.points) - 1)) + 1)
        names = [initialization.name for initialization in method(settings.method).initializations]
        if names:
            start = NamedStart(INITIALIZATION if INITIALIZATION in names else names[0])
            settings = replace(settings, start=start)
        return cls(data, settings, ks, runs, note)

    @property
    def view(self) -> MethodView:
        return method(self.settings.method)

    @property
    def models(self) -> tuple:
        """Models that are compared by information criteria; empty for a method without a likelihood."""
        return () if self.view.model_option is None else tuple(self.view.model_option.choices)

    @property
    def resampled_ks(self) -> np.ndarray:
        """(m,) values of K for which stability is computed.

        K must be greater than 1 and less than the number of points in a subsample: K points in K clusters always agree.
        """
        return self.ks[(self.ks > 1) & (self.ks < subsample_size(len(self.data.points)))]

    @cached_property
    def tasks(self) -> list[tuple]:
        ks, resampled = self.ks.tolist(), self.resampled_ks.tolist()
        # Gower distances and some methods need categories, which reference data do not have
        has_reference = POINTS in self.data.kinds & self.view.traits.data and self._metric != "gower"
        return [
            *(("data", k) for k in ks),
            *(("model", k, model) for model in self.models for k in ks),
            *(("reference", k, b) for b in range(REFERENCE_SETS * has_reference) for k in ks),
            *(("stability", k) for k in resampled),
            *(("reference stability", k, b) for b in range(RESAMPLED_SETS * has_reference) for k in resampled),
        ]

    @property
    def n_bytes(self) -> int:
        return estimated_bytes(self.data, replace(self.settings, k=int(self.ks[-1])), states=1)

    def describe(self, task: tuple, state: Any) -> str:
        kind, k, *_ = task
        return {
            "data": "Clustering with K = {}.",
            "model": "Fitting models with K = {}.",
            "reference": "Clustering reference data with K = {}.",
            "stability": "Resampling with K = {}.",
            "reference stability": "Resampling reference data with K = {}.",
        }[kind].format(k)

    def run_task(self, task: tuple, on_step: Callable[[Any], None]) -> Any:
        kind, k, *rest = task
        compute = {
            "data": self._best_run,
            "model": self._information_criteria,
            "reference": self._reference_scores,
            "stability": self._stability,
            "reference stability": self._reference_stability,
        }[kind]
        # a task has many runs, so the iteration of one run is no measure of progress
        return compute(k, *rest, lambda _: on_step(None))

    @property
    def _metric(self) -> str | None:
        """Metric of the distance matrix; None for methods that do not use one."""
        return self.view.matrix_metric(self.settings)

    def _process(self, k: int, **options) -> Any:
        return self.view.process(replace(self.settings.with_options(**options), k=k))

    @cached_property
    def _model_input(self) -> np.ndarray:
        """(n, n) distances for a pairwise method, otherwise one row per point."""
        if self.view.traits.pairwise:
            return self.data.proximities(self._metric)
        return self.view.model_input_of_rows(self.data, self.settings)

    def _subset(self, model_input: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return model_input[np.ix_(rows, rows)] if self.view.traits.pairwise else model_input[rows]

    def _best_run(self, k: int, on_step) -> BestRun:
        first = self.settings.seed
        seeds = range(first, first + self.runs)
        i, run = _best_of(self._process(k), self._model_input, seeds, on_step, max_iter=MAX_ITERATIONS)
        labels = run.last.labels
        centers = self.view.centers(run.last.parameters, self.data)
        if centers is None:
            centers = means_of(self.data.points, labels, k)
        return BestRun(k, first + i, run.last.loss, labels, centers, silhouette_of(self.data, labels, self._metric))

    def _information_criteria(self, k: int, model: Any, on_step) -> InformationCriteria:
        process = self._process(k, **{self.view.model_option.name: model})
        seeds = range(self.settings.seed, self.settings.seed + min(self.runs, MAX_MODEL_RUNS))
        _, run = _best_of(process, self._model_input, seeds, on_step, max_iter=MAX_ITERATIONS)
        return InformationCriteria(k, model, **self.view.criteria(process, run.last, self.data))

    def _reference(self, b: int) -> np.ndarray:
        """(n, d) reference data set number b."""
        return uniform_reference(self.data.points, np.random.default_rng([self.settings.seed, b]))

    def _reference_scores(self, k: int, b: int, on_step) -> ReferenceScores:
        points = self._reference(b)
        model_input = self.view.model_input_of_points(points, self.settings)
        _, run = _best_of(self._process(k), model_input, range(REFERENCE_RUNS), on_step, **self.view.early_stopping)
        labels = run.last.labels
        within = within_groups(points, labels)
        if not 1 < len(np.unique(labels)) < len(points):
            return ReferenceScores(within, np.nan, np.nan, np.nan)
        if self._metric is None:
            width = silhouette(points, labels, max_points=SILHOUETTE_SAMPLE).mean
        else:
            width = silhouette_of_proximities(model_input, labels, max_points=SILHOUETTE_SAMPLE).mean
        return ReferenceScores(within, width, calinski_harabasz(points, labels), davies_bouldin(points, labels))

    def _stability(self, k: int, on_step) -> np.ndarray:
        return self._subsample_agreement(k, self._model_input, SUBSAMPLE_PAIRS, self.settings.seed, on_step)

    def _reference_stability(self, k: int, b: int, on_step) -> np.ndarray:
        model_input = self.view.model_input_of_points(self._reference(b), self.settings)
        return self._subsample_agreement(k, model_input, REFERENCE_PAIRS, b, on_step)

    def _subsample_agreement(self, k: int, model_input: np.ndarray, pairs: int, seed: int, on_step) -> np.ndarray:
        """(pairs,) adjusted Rand index of each pair of subsamples."""
        process = self._process(k)

        def cluster(rows, rng):
            seeds = rng.integers(2**31, size=REFERENCE_RUNS).tolist()
            _, run = _best_of(process, self._subset(model_input, rows), seeds, on_step, **self.view.early_stopping)
            return run.last.labels

        return subsample_agreement(len(model_input), cluster, pairs, np.random.default_rng([seed, k]))


def _best_of(process, model_input, seeds, on_step, **options) -> tuple[int, Restart]:
    """Index of the run with the lowest loss, and that run."""
    return min(enumerate(restarts(process, model_input, seeds, on_step=on_step, **options)), key=lambda run: run[1].last.loss)

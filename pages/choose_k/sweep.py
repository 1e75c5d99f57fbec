"""One method with K = 1, 2, 3, … clusters, and the same on noise and on subsamples, as resumable work."""

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
    subsample_agreement,
    subsample_size,
    uniform_reference,
    within_groups,
)
from pages.datasets.data import Data
from pages.datasets.limits import MOST_ITERATIONS, MOST_SWEPT_PAIRWISE, MOST_SWEPT_POINTS
from pages.methods import method
from pages.methods.base import MethodView
from pages.methods.options import Settings
from pages.methods.starts import PLUS_PLUS, NamedStart
from pages.runs.jobs import Job
from pages.runs.preparation import check_fits, iterations_for
from pages.runs.run import means_of, silhouette_of

START = PLUS_PLUS.name
REFERENCES = 10
"""sets of noise of the same extent"""
REFERENCE_RUNS = 2
PAIRS = 10
"""of subsamples of the data"""
RESAMPLED = 4
"""sets of noise that are resampled too"""
REFERENCE_PAIRS = 4
MOST_MODEL_RUNS = 5
"""runs from which the best is taken for the information criteria of a model"""
SILHOUETTE_SAMPLE = 1_000
"""points by which silhouettes of noise are estimated"""


@dataclass(frozen=True, eq=False)
class BestRun:
    """The best of several runs with one number of clusters."""

    k: int
    seed: int
    """of the run, as Watch would make it"""
    loss: float
    labels: np.ndarray
    """(n,)"""
    centers: np.ndarray
    """(k, d)"""
    silhouette: Silhouette | None
    """None for a single cluster"""


@dataclass(frozen=True)
class InformationCriteria:
    """The information criteria of one model with k clusters; of each, less is better."""

    k: int
    model: Any
    """value of the option `MethodView.model_option`"""
    bic: float
    aic: float
    icl: float


@dataclass(frozen=True)
class NoiseScores:
    """The criteria of one set of uniform noise in k clusters; NaN where they are not defined."""

    within: float
    silhouette: float
    calinski_harabasz: float
    davies_bouldin: float


@dataclass(eq=False)
class Sweep(Job):
    """A resumable sweep over K with its partial results."""

    data: Data
    settings: Settings
    """of each run, but for k and seed; the first of several runs has this seed"""
    ks: np.ndarray
    runs: int
    """each K has the best of this many"""
    note: str
    """what was done instead of what was asked, in a sentence"""

    @classmethod
    def of(cls, data: Data, settings: Settings, most: int, runs: int) -> "Sweep":
        """Nothing done yet. `most` is the largest K.

        NeedsPoints as `check_fits`; ValueError as `iterations_for`, and if all points are identical.
        """
        check_fits(data, settings)
        iterations_for(data, replace(settings, k=most))
        if data.given is None and not np.ptp(data.points, axis=0).any():
            raise ValueError("all points are identical, so there is but one cluster")
        limit = MOST_SWEPT_PAIRWISE if method(settings.method).traits.pairwise else MOST_SWEPT_POINTS
        note = ""
        if len(data.points) > limit:
            note = (
                f"This takes hundreds of runs, so they are made on a sample of {limit:,} of the {len(data.points):,} points."
            )
            data = data.sample(limit)
        ks = np.arange(1, max(1, min(most, len(data.points) - 1)) + 1)
        initializations = method(settings.method).initializations
        # an initialization that leaves few groups out, where the method has it, and otherwise its own default
        initialization = (
            START
            if any(initialization.name == START for initialization in initializations)
            else initializations[0].name
            if initializations
            else None
        )
        return cls(
            data, settings if initialization is None else replace(settings, start=NamedStart(initialization)), ks, runs, note
        )

    @property
    def view(self) -> MethodView:
        return method(self.settings.method)

    @property
    def models(self) -> tuple:
        """The models that information criteria compare; none for a method without a likelihood."""
        return () if self.view.model_option is None else tuple(self.view.model_option.choices)

    @property
    def resampled_ks(self) -> np.ndarray:
        """(m,) the K > 1 whose stability is estimated: those of which a subsample has more points than clusters, because K
        points in K clusters always agree."""
        return self.ks[(self.ks > 1) & (self.ks < subsample_size(len(self.data.points)))]

    @cached_property
    def tasks(self) -> list[tuple]:
        ks, resampled = self.ks.tolist(), self.resampled_ks.tolist()
        has_noise = self.data.given is None
        return [
            *(("data", k) for k in ks),
            *(("model", k, model) for model in self.models for k in ks),
            *(("noise", k, b) for b in range(REFERENCES * has_noise) for k in ks),
            *(("agreement", k) for k in resampled),
            *(("agreement of noise", k, b) for b in range(RESAMPLED * has_noise) for k in resampled),
        ]

    def describe(self, task: tuple, state: Any) -> str:
        kind, k, *_ = task
        return {
            "data": "Clustering with K = {}.",
            "model": "Models with K = {}.",
            "noise": "Clustering noise with K = {}.",
            "agreement": "Resampling with K = {}.",
            "agreement of noise": "Resampling noise with K = {}.",
        }[kind].format(k)

    def run_task(self, task: tuple, on_step: Callable[[Any], None]) -> Any:
        kind, k, *which = task
        make = {
            "data": self._best_run,
            "model": self._information_criteria,
            "noise": self._noise_scores,
            "agreement": self._agreement,
            "agreement of noise": self._agreement_of_noise,
        }[kind]
        # a task has many runs, so the iteration of one says nothing about how much of the task is done
        return make(k, *which, lambda _: on_step(None))

    def _process(self, k: int, **options) -> Any:
        return self.view.process(replace(self.settings.with_options(**options), k=k))

    @cached_property
    def _work(self) -> np.ndarray:
        """What the process works on: (n, n) proximities, or one row for each point."""
        if self.view.traits.pairwise:
            return self.data.proximities(self.view.matrix_metric(self.settings))
        return self.view.model_input_of_points(self.data.points, self.settings)

    def _part(self, model_input: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """What the process works on, for these rows alone."""
        return model_input[np.ix_(rows, rows)] if self.view.traits.pairwise else model_input[rows]

    def _best_run(self, k: int, on_step) -> BestRun:
        first = self.settings.seed
        seeds = range(first, first + self.runs)
        at, run = _best(self._process(k), self._work, seeds, on_step, max_iter=MOST_ITERATIONS)
        labels = run.last.labels
        centers = self.view.centers(run.last.parameters, self.data)
        if centers is None:
            centers = means_of(self.data.points, labels, k)
        return BestRun(k, first + at, run.last.loss, labels, centers, silhouette_of(self.data, labels))

    def _information_criteria(self, k: int, model: Any, on_step) -> InformationCriteria:
        process = self._process(k, **{self.view.model_option.name: model})
        seeds = range(self.settings.seed, self.settings.seed + min(self.runs, MOST_MODEL_RUNS))
        _, run = _best(process, self._work, seeds, on_step, max_iter=MOST_ITERATIONS)
        return InformationCriteria(k, model, **self.view.criteria(process, run.last, self.data))

    def _noise(self, b: int) -> np.ndarray:
        """(n, d) set of noise number b."""
        return uniform_reference(self.data.points, np.random.default_rng([self.settings.seed, b]))

    def _noise_scores(self, k: int, b: int, on_step) -> NoiseScores:
        points = self._noise(b)
        model_input = self.view.model_input_of_points(points, self.settings)
        _, run = _best(self._process(k), model_input, range(REFERENCE_RUNS), on_step, **self.view.early_stopping)
        labels = run.last.labels
        within = within_groups(points, labels)
        if not 1 < len(np.unique(labels)) < len(points):
            return NoiseScores(within, np.nan, np.nan, np.nan)
        width = silhouette(points, labels, most=SILHOUETTE_SAMPLE).mean
        return NoiseScores(within, width, calinski_harabasz(points, labels), davies_bouldin(points, labels))

    def _agreement(self, k: int, on_step) -> np.ndarray:
        return self._resampled(k, self._work, PAIRS, self.settings.seed, on_step)

    def _agreement_of_noise(self, k: int, b: int, on_step) -> np.ndarray:
        model_input = self.view.model_input_of_points(self._noise(b), self.settings)
        return self._resampled(k, model_input, REFERENCE_PAIRS, b, on_step)

    def _resampled(self, k: int, model_input: np.ndarray, pairs: int, seed: int, on_step) -> np.ndarray:
        process = self._process(k)

        def cluster(rows, rng):
            seeds = rng.integers(2**31, size=REFERENCE_RUNS).tolist()
            return _best(process, self._part(model_input, rows), seeds, on_step, **self.view.early_stopping)[1].last.labels

        return subsample_agreement(len(model_input), cluster, pairs, np.random.default_rng([seed, k]))


def _best(process, model_input, seeds, on_step, **options) -> tuple[int, Restart]:
    """The position of the run with the least loss, and that run."""
    return min(enumerate(restarts(process, model_input, seeds, on_step=on_step, **options)), key=lambda run: run[1].last.loss)

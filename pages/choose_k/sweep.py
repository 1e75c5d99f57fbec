"""One method with K = 1, 2, 3, … clusters, on the data, on uniform reference data and on subsamples, as a resumable job.

For a method that finds K, the values of one of its options take the place of K.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple, Self

import numpy as np

from clustering import (
    Restart,
    Silhouette,
    WeightedPoints,
    calinski_harabasz,
    clusters_of_most,
    davies_bouldin,
    density_based_validity,
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
from pages.runs.run import silhouette_of

INITIALIZATION = PLUS_PLUS.name
"""initialization of all runs, for methods that have it"""
REFERENCE_SETS = 10
"""number of reference data sets, which are uniform noise; see `uniform_reference`"""
REFERENCE_RUNS = 2
"""number of runs per K on reference data and on subsamples; the best one counts"""
SUBSAMPLE_PAIRS = 10
"""number of pairs of subsamples of the data, for stability"""
RESAMPLED_SETS = 4
"""number of reference data sets for which stability is also computed"""
REFERENCE_PAIRS = 4
"""number of pairs of subsamples of each of these reference data sets"""
MAX_MODEL_RUNS = 5
"""maximum number of runs per model for information criteria"""
SILHOUETTE_SAMPLE = 1_000
"""maximum number of points for silhouettes of reference data"""


WEIGHTS_NOTE = (
    "Criteria are those of a table that repeats rows, too, except that reference data have a random place for each row, which "
    "has the weight of the row, and that a subsample contains a row with its whole weight or not at all."
)
"""what weights of rows change on this page"""


@dataclass(frozen=True)
class Axis:
    """What the runs of a sweep differ in: K, or an option of a method that finds K."""

    name: str
    """name within sentences, such as "K" or "eps\""""
    title: str
    """title of horizontal axes"""
    values: tuple[int | float, ...]
    """increasing and positive"""
    option: str | None = None
    """name of the option; None for K"""

    @classmethod
    def of(cls, data: Data, settings: Settings, max_k: int | None) -> Self:
        """The axis for a data set. Raises ValueError if all distances are 0, so that no values suit the data."""
        view = method(settings.method)
        if view.tuned is None:
            largest = len(_counting(view.weights_of(data), len(data.points))) - 1
            return cls("K", "Clusters (K)", tuple(range(1, max(1, min(max_k, largest)) + 1)))
        [title] = (option.label for option in view.options if option.name == view.tuned.name)
        return cls(view.tuned.title, title, tuple(view.tuned.values_for(data, settings)), view.tuned.name)

    def settings_at(self, settings: Settings, value: int | float) -> Settings:
        """The settings of the runs with this value."""
        return replace(settings, k=value) if self.option is None else settings.with_options(**{self.option: value})

    def label(self, value: int | float) -> str:
        """Text such as "K = 3"."""
        return f"{self.name} = {value:g}"


@dataclass(frozen=True, eq=False)
class BestRun:
    """The run with the lowest loss among several with the same K; the only run with a value of an option."""

    value: int | float
    """K, or the value of the option"""
    k: int
    """number of clusters"""
    seed: int
    """seed that repeats the run on the Watch page"""
    loss: float | None
    """None if the method has none"""
    labels: np.ndarray
    """(n,) cluster of each point; -1 for noise"""
    centers: np.ndarray
    """(k, d), or (0, d) if the method has none"""
    silhouette: Silhouette | None
    """without noise; None if there are fewer than two clusters"""
    validity: float = np.nan
    """density-based clustering validation (DBCV), only for methods with noise; NaN where undefined"""


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


class Range(NamedTuple):
    """Consecutive values of an option with the same number of clusters that contain most of the points."""

    first: float
    last: float
    clusters: int
    """number of clusters that contain most of the points, see `clusters_of_most`; 0 if there are none"""

    def share_of(self, values: Sequence[float]) -> float:
        """Length of the range as a share of the axis with these values, both on a logarithmic scale."""
        return float(np.log(self.last / self.first) / np.log(values[-1] / values[0])) if values[-1] > values[0] else 0.0


def ranges_of(values: Sequence[float], clusters: Sequence[int]) -> list[Range]:
    """The ranges of an axis, given the number of clusters for each value."""
    ends = np.flatnonzero(np.diff(clusters, prepend=-1, append=-1)).tolist()
    return [Range(values[begin], values[end - 1], int(clusters[begin])) for begin, end in pairwise(ends)]


def longest_range(ranges: Sequence[Range]) -> Range | None:
    """The longest of the ranges with several clusters, on a logarithmic scale; None if there are none."""
    return max((one for one in ranges if one.clusters), key=lambda one: one.last / one.first, default=None)


class BestScores(NamedTuple):
    """The best values of criteria over an option for one reference data set; 0 if no value gives several clusters."""

    range_share: float
    """length of the longest range, see `Range.share_of`"""
    silhouette: float
    validity: float
    stability: float | None
    """None for a data set for which it is not computed"""


@dataclass(eq=False)
class Sweep(Job):
    """A resumable sweep over K, or over an option of a method that finds K, with its partial results."""

    data: Data
    settings: Settings
    """settings of all runs, except for the value on the axis; the runs with the same K use this seed and the following ones"""
    axis: Axis
    runs: int
    """number of runs per K, the best of which counts; 1 for an option"""
    note: str
    """message about a sample, or empty"""

    @classmethod
    def of(cls, data: Data, settings: Settings, max_k: int | None = None, runs: int = 1) -> Self:
        """A sweep without results; the largest K and the number of runs only matter for a method without `tuned`.

        Raises NeedsPoints as in `check_data_kind`, and ValueError as in `iteration_limit` or if all points are identical.
        """
        view = method(settings.method)
        check_data_kind(data, settings)
        iteration_limit(data, replace(settings, k=max_k))
        counting = _counting(view.weights_of(data), len(data.points))
        if data.precomputed is None and not np.ptp(data.points[counting], axis=0).any():
            raise ValueError("all points are identical, so there is only one cluster")
        limit = MAX_SWEEP_POINTS_PAIRWISE if view.max_points(settings) is not None else MAX_SWEEP_POINTS
        notes = [view.weights_note(data)] if data.row_weights is not None else []
        if view.weights_of(data) is not None:
            notes.append(WEIGHTS_NOTE)
        if data.n > limit:
            notes.append(f"This page computes many runs, so it uses a sample of {limit:,} of the {data.n:,} points.")
            data = data.sample(limit)
            if view.tuned is not None:
                values = f"Values of {view.tuned.phrase} that suit the sample"
                notes.append(f"{values} may not suit all points, which are denser.")
        data, note = data.without_other_rows, " ".join(notes)
        names = [initialization.name for initialization in view.initializations]
        if names:
            start = NamedStart(INITIALIZATION if INITIALIZATION in names else names[0])
            settings = replace(settings, start=start)
        return cls(data, settings, Axis.of(data, settings, max_k), 1 if view.tuned else runs, note)

    @property
    def view(self) -> MethodView:
        return method(self.settings.method)

    @cached_property
    def weights(self) -> np.ndarray | None:
        """(n,) weights of the rows; None if all count the same."""
        return self.view.weights_of(self.data)

    @cached_property
    def frequencies(self) -> np.ndarray | None:
        """(n,) weights of the rows for criteria, see `Data.row_frequencies`."""
        return self.view.frequencies_of(self.data)

    @cached_property
    def counting(self) -> np.ndarray:
        """(m,) indices of the points whose weight is not 0."""
        return _counting(self.weights, len(self.data.points))

    @property
    def models(self) -> tuple:
        """Models that are compared by information criteria; empty for a method without a likelihood."""
        return () if self.view.model_option is None else tuple(self.view.model_option.choices)

    @cached_property
    def resampled(self) -> tuple[int | float, ...]:
        """Values for which stability is computed.

        K must be greater than 1 and less than the number of points in a subsample: K points in K clusters always agree. With
        the value of an option, the method must accept a subsample, which may have too few points for its other options.
        """
        if self.axis.option is None:
            return tuple(k for k in self.axis.values if 1 < k < subsample_size(len(self.counting)))
        return tuple(value for value in self.axis.values if self._accepts_subsample(value, self._model_input))

    @property
    def has_reference(self) -> bool:
        """Whether the criteria are compared with reference data.

        Gower distances and some methods need categories, which reference data do not have.
        """
        return POINTS in self.data.kinds & self.view.traits.data and self._metric != "gower"

    @cached_property
    def tasks(self) -> list[tuple]:
        values = self.axis.values
        if self.axis.option is not None:
            return [
                *(("data", value) for value in values),
                *(("stability", value) for value in self.resampled),
                *(("reference sweep", b) for b in range(REFERENCE_SETS * self.has_reference)),
            ]
        return [
            *(("data", k) for k in values),
            *(("model", k, model) for model in self.models for k in values),
            *(("reference", k, b) for b in range(REFERENCE_SETS * self.has_reference) for k in values),
            *(("stability", k) for k in self.resampled),
            *(("reference stability", k, b) for b in range(RESAMPLED_SETS * self.has_reference) for k in self.resampled),
        ]

    @property
    def n_bytes(self) -> int:
        return estimated_bytes(self.data, self.axis.settings_at(self.settings, self.axis.values[-1]), states=1)

    def describe(self, task: tuple, state: Any) -> str:
        kind, value, *_ = task
        if kind == "reference sweep":
            return f"Clustering reference data set {value + 1} of {REFERENCE_SETS}."
        return {
            "data": "Clustering with {}.",
            "model": "Fitting models with {}.",
            "reference": "Clustering reference data with {}.",
            "stability": "Resampling with {}.",
            "reference stability": "Resampling reference data with {}.",
        }[kind].format(self.axis.label(value))

    def run_task(self, task: tuple, on_step: Callable[[Any], None]) -> Any:
        kind, value, *rest = task
        compute = {
            "data": self._best_run,
            "model": self._information_criteria,
            "reference": self._reference_scores,
            "reference sweep": self._reference_sweep,
            "stability": self._stability,
            "reference stability": self._reference_stability,
        }[kind]
        # a task has many runs, so the iteration of one run is no measure of progress
        return compute(value, *rest, lambda _: on_step(None))

    @property
    def _metric(self) -> str | None:
        """Metric of the distance matrix; None for methods that do not use one."""
        return self.view.matrix_metric(self.settings)

    def _process(self, value: int | float, **options) -> Any:
        return self.view.process(self.axis.settings_at(self.settings.with_options(**options), value))

    @cached_property
    def _model_input(self) -> np.ndarray:
        """(n, n) distances if the method needs them, otherwise one row per point."""
        if self._metric is not None:
            return self.data.proximities(self._metric)
        return self.view.model_input_of_rows(self.data, self.settings)

    def _subset(self, model_input: np.ndarray, rows: np.ndarray) -> np.ndarray:
        return model_input[rows] if self._metric is None else model_input[np.ix_(rows, rows)]

    def _weighted(self, model_input: np.ndarray, rows: np.ndarray | slice = slice(None)) -> Any:
        """The input of the process for these rows of the data, with their weights."""
        return model_input if self.weights is None else WeightedPoints(model_input, self.weights[rows])

    def _best_run(self, value: int | float, on_step) -> BestRun:
        first = self.settings.seed
        seeds = range(first, first + self.runs)
        model_input = self._weighted(self._model_input)
        i, run = _best_of(self._process(value), model_input, seeds, on_step, max_iter=MAX_ITERATIONS)
        labels = run.last.labels
        k = value if self.axis.option is None else int(labels.max()) + 1
        centers = np.empty((0, self.data.points.shape[1]))
        if self.view.traits.center is not None:
            centers = self.view.centers(run.last.parameters, self.data)
        width = silhouette_of(self.data, labels, self._metric, self.frequencies)
        return BestRun(value, k, first + i, run.last.loss, labels, centers, width, self._validity(self.data.points, labels))

    def _validity(self, points: np.ndarray, labels: np.ndarray) -> float:
        """DBCV of labels (n,) of points (n, d); NaN if it is undefined or the method has no noise."""
        has_score = self.view.traits.noise and self.data.precomputed is None
        return density_based_validity(points, labels) if has_score else np.nan

    def _information_criteria(self, k: int, model: Any, on_step) -> InformationCriteria:
        process = self._process(k, **{self.view.model_option.name: model})
        seeds = range(self.settings.seed, self.settings.seed + min(self.runs, MAX_MODEL_RUNS))
        _, run = _best_of(process, self._weighted(self._model_input), seeds, on_step, max_iter=MAX_ITERATIONS)
        return InformationCriteria(k, model, **self.view.criteria(process, run.last, self.data))

    def _reference(self, b: int) -> np.ndarray:
        """(n, d) reference data set number b, whose rows have the weights of the data."""
        return uniform_reference(self.data.points, np.random.default_rng([self.settings.seed, b]), self.weights)

    def _reference_scores(self, k: int, b: int, on_step) -> ReferenceScores:
        points = self._reference(b)
        model_input = self.view.model_input_of_points(points, self.settings)
        options, weights = self.view.early_stopping, self.frequencies
        _, run = _best_of(self._process(k), self._weighted(model_input), range(REFERENCE_RUNS), on_step, **options)
        labels = run.last.labels
        within = within_groups(points, labels, weights)
        if not self.has_indices(labels):
            return ReferenceScores(within, np.nan, np.nan, np.nan)
        width = self._reference_silhouette(points, model_input, labels)
        indices = (function(points, labels, weights) for function in (calinski_harabasz, davies_bouldin))
        return ReferenceScores(within, width, *indices)

    def has_indices(self, labels: np.ndarray) -> bool:
        """Whether indices of the quality of clusters (n,) are defined; duplicate points may leave too few clusters."""
        n = len(labels) if self.frequencies is None else self.frequencies.sum()
        return 1 < len(np.unique(labels[self.counting])) < n

    def _reference_silhouette(self, points: np.ndarray, model_input: np.ndarray, labels: np.ndarray) -> float:
        """Mean silhouette width of labels (n,) of points (n, d), which contain at least two clusters; without noise."""
        rows = np.flatnonzero(labels >= 0)
        options = dict(max_points=SILHOUETTE_SAMPLE, weights=None if self.frequencies is None else self.frequencies[rows])
        if self._metric in (None, "euclidean"):
            return silhouette(points[rows], labels[rows], **options).mean
        return silhouette_of_proximities(self._subset(model_input, rows), labels[rows], **options).mean

    def _reference_sweep(self, b: int, on_step) -> BestScores:
        """The best values of the criteria over the values of the option that suit reference data set number b."""
        points = self._reference(b)
        axis = Axis.of(replace(self.data, points=points, mixed=None), self.settings, None)
        model_input = self.view.model_input_of_points(points, self.settings)
        runs = [(value, self._labels(value, model_input, on_step)) for value in axis.values]
        clusters = [clusters_of_most(labels) for _, labels in runs]
        longest = longest_range(ranges_of(axis.values, clusters))
        several = [run for run, count in zip(runs, clusters, strict=True) if count]
        stabilities = [
            self._subsample_agreement(value, model_input, REFERENCE_PAIRS, b, on_step).mean()
            for value, _ in several
            if b < RESAMPLED_SETS and self._accepts_subsample(value, model_input)
        ]
        return BestScores(
            0.0 if longest is None else longest.share_of(axis.values),
            _best([self._reference_silhouette(points, model_input, labels) for _, labels in several]),
            _best([self._validity(points, labels) for _, labels in several]),
            _best(stabilities) if b < RESAMPLED_SETS else None,
        )

    def _stability(self, value: int | float, on_step) -> np.ndarray:
        return self._subsample_agreement(value, self._model_input, SUBSAMPLE_PAIRS, self.settings.seed, on_step)

    def _reference_stability(self, k: int, b: int, on_step) -> np.ndarray:
        model_input = self.view.model_input_of_points(self._reference(b), self.settings)
        return self._subsample_agreement(k, model_input, REFERENCE_PAIRS, b, on_step)

    def _accepts_subsample(self, value: int | float, model_input: np.ndarray) -> bool:
        """Whether the method can cluster a subsample."""
        rows = self.counting[: subsample_size(len(self.counting))]
        try:
            self._process(value).prepare(self._weighted(self._subset(model_input, rows), rows))
        except ValueError:
            return False
        return True

    def _subsample_agreement(self, value, model_input: np.ndarray, pairs: int, seed: int, on_step) -> np.ndarray:
        """(pairs,) adjusted Rand index of each pair of subsamples; noise counts as one cluster.

        A row is in a subsample with its whole weight, and counts in the index with its weight.

        If a method that finds K finds fewer than two clusters in both subsamples, they agree in any case, so the index is 0.
        """
        process = self._process(value)
        several = []

        def cluster(numbers, rng):
            rows = self.counting[numbers]
            seeds = rng.integers(2**31, size=REFERENCE_RUNS).tolist()
            if not self.view.traits.random:
                seeds = seeds[:1]  # all runs are the same
            part = self._weighted(self._subset(model_input, rows), rows)
            _, run = _best_of(process, part, seeds, on_step, **self.view.early_stopping)
            several.append(run.last.labels.max() > 0)
            return run.last.labels

        # all values of an option have the same subsamples
        rng = np.random.default_rng([seed, value if self.axis.option is None else 0])
        weights = None if self.frequencies is None else self.frequencies[self.counting]
        agreement = subsample_agreement(len(self.counting), cluster, pairs, rng, weights=weights)
        if self.axis.option is None:
            return agreement
        return np.where(np.reshape(several, (pairs, 2)).any(axis=1), agreement, 0.0)

    def _labels(self, value: int | float, model_input: np.ndarray, on_step) -> np.ndarray:
        """(n,) labels of a run of a method without random steps."""
        options = self.view.early_stopping
        return _best_of(self._process(value), self._weighted(model_input), [0], on_step, **options)[1].last.labels


def _counting(weights: np.ndarray | None, n: int) -> np.ndarray:
    """(m,) indices of the rows whose weight is not 0."""
    return np.arange(n) if weights is None else np.flatnonzero(weights)


def _best_of(process, model_input, seeds, on_step, **options) -> tuple[int, Restart]:
    """Index of the run with the lowest loss, and that run."""
    return min(enumerate(restarts(process, model_input, seeds, on_step=on_step, **options)), key=lambda run: run[1].last.loss)


def _best(values: list[float]) -> float:
    """The largest value, ignoring NaN; 0 if there is none."""
    return float(max((value for value in values if not np.isnan(value)), default=0.0))

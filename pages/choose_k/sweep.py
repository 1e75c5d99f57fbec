"""One method with one number of clusters after the other, and what the criteria say about it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from clustering import (
    GaussianMixture,
    KMeans,
    KMedoids,
    Restart,
    Silhouette,
    aic,
    bic,
    calinski_harabasz,
    davies_bouldin,
    icl,
    proximity_matrix,
    restarts,
    silhouette,
    silhouette_of_proximities,
    subsample_agreement,
    uniform_reference,
    within_groups,
)
from pages.datasets.data import Data
from pages.datasets.limits import MOST_COUNTED_POINTS, MOST_ITERATIONS
from pages.runs.run import Settings, check_fits, iterations_for, middles

START = "k-means++"
REFERENCES = 10
"""sets of noise of the same extent"""
REFERENCE_STARTS = 2
PAIRS = 10
"""of subsamples of the data"""
RESAMPLED = 4
"""sets of noise that are resampled too"""
REFERENCE_PAIRS = 4
COVARIANCES = ("full", "tied", "diagonal", "spherical")
SILHOUETTE_SAMPLE = 1_000
"""points by which silhouettes of noise are estimated"""


@dataclass(frozen=True, eq=False)
class Partition:
    """The best of several runs with one number of clusters."""

    k: int
    seed: int
    """of the run, as Watch would make it"""
    loss: float
    labels: np.ndarray
    """(n,)"""
    middles: np.ndarray
    """(k, d)"""
    silhouette: Silhouette | None
    """None for a single cluster"""


@dataclass(frozen=True)
class Density:
    """What a mixture with k components of one covariance model comes to; of each criterion less is better."""

    k: int
    covariance: str
    bic: float
    aic: float
    icl: float


@dataclass(frozen=True)
class Noise:
    """What one set of uniform noise comes to with k clusters."""

    within: float
    silhouette: float
    calinski_harabasz: float
    davies_bouldin: float


@dataclass(eq=False)
class Counting:
    """The work, made piece by piece so that it can be left and gone on with, and what has come of it so far."""

    data: Data
    settings: Settings
    """of each run, but for k and seed; the first of several runs has this seed"""
    ks: np.ndarray
    starts: int
    note: str
    """what was done instead of what was asked, in a sentence"""
    done: dict[tuple, object] = field(default_factory=dict)
    """the result of each piece"""

    @classmethod
    def of(cls, data: Data, settings: Settings, most: int, starts: int) -> "Counting":
        """Nothing done yet. `most` is the largest K; NeedsPoints as `check_fits`, ValueError if all points are identical."""
        check_fits(data, settings)
        iterations_for(data, replace(settings, k=most))
        if data.given is None and not np.ptp(data.points, axis=0).any():
            raise ValueError("all points are identical, so there is but one cluster")
        limit = MOST_COUNTED_POINTS[settings.algorithm]
        note = ""
        if len(data.points) > limit:
            note = (
                f"This takes hundreds of runs, so they are made on a sample of {limit:,} of the {len(data.points):,} points."
            )
            data = data.sample(limit)
        ks = np.arange(1, max(1, min(most, len(data.points) - 1)) + 1)
        return cls(data, replace(settings, start=START), ks, starts, note)

    @cached_property
    def pieces(self) -> list[tuple]:
        """What there is to do, in order."""
        ks = self.ks.tolist()
        pieces = [("data", k) for k in ks]
        if self.settings.algorithm == "mixture":
            pieces += [("density", k, covariance) for covariance in COVARIANCES for k in ks]
        if self.data.given is None:
            pieces += [("noise", k, b) for b in range(REFERENCES) for k in ks]
        pieces += [("agreement", k) for k in ks[1:]]
        if self.data.given is None:
            pieces += [("agreement of noise", k, b) for b in range(RESAMPLED) for k in ks[1:]]
        return pieces

    @property
    def missing(self) -> int:
        return len(self.pieces) - len(self.done)

    def go_on(self, watch: Callable[[float, str], None]) -> None:
        """Does what is missing. `watch` is told the share that is done and what is being done; what it raises ends the work,
        and what was done stays."""
        says = {
            "data": "Clustering with K = {}.",
            "density": "Mixtures with K = {}.",
            "noise": "Clustering noise with K = {}.",
            "agreement": "Resampling with K = {}.",
            "agreement of noise": "Resampling noise with K = {}.",
        }
        for piece in self.pieces:
            if piece in self.done:
                continue
            kind, k, *which = piece

            def told(_step, kind=kind, k=k):
                watch(len(self.done) / len(self.pieces), says[kind].format(k))

            make = {
                "data": self._partition,
                "density": self._density,
                "noise": self._noise,
                "agreement": self._agreement,
                "agreement of noise": self._agreement_of_noise,
            }[kind]
            self.done[piece] = make(k, *which, told)

    # the pieces

    def _method(self, k: int, covariance: str | None = None):
        settings = self.settings
        if settings.algorithm == "kmeans":
            return KMeans(k, init=START)
        if settings.algorithm == "kmedoids":
            return KMedoids(k, init=START, update=settings.update)
        return GaussianMixture(k, covariance or settings.covariance, init=START)

    def _work(self, points: np.ndarray):
        """What the method works on, if these are the points."""
        return proximity_matrix(points, self._metric) if self.settings.algorithm == "kmedoids" else points

    @property
    def _metric(self) -> str:
        # noise has no categories
        return "euclidean" if self.settings.metric == "gower" else self.settings.metric

    @cached_property
    def _proximities(self) -> np.ndarray:
        return self.data.proximities(self.settings.metric)

    @cached_property
    def _own_work(self):
        return self._proximities if self.settings.algorithm == "kmedoids" else self.data.points

    @staticmethod
    def _best(method, work, seeds, watch, **options) -> tuple[int, Restart]:
        """The position of the run with the least loss, and that run."""
        return min(enumerate(restarts(method, work, seeds, watch=watch, **options)), key=lambda run: run[1].last.loss)

    @property
    def _roughly(self) -> dict:
        """Options of runs of which only the labels are wanted: EM spends most of its steps on digits that change none."""
        return dict(tol=1e-5, max_iter=100) if self.settings.algorithm == "mixture" else {}

    def _partition(self, k: int, watch) -> Partition:
        first = self.settings.seed
        at, run = self._best(
            self._method(k), self._own_work, range(first, first + self.starts), watch, max_iter=MOST_ITERATIONS
        )
        labels = run.last.labels
        widths = None
        if len(np.unique(labels)) > 1:
            widths = (
                silhouette(self.data.points, labels)
                if self.data.given is None
                else silhouette_of_proximities(self.data.given, labels)
            )
        places = middles(self.settings.algorithm, run.last.parameters, self.data.points)
        return Partition(k, first + at, run.last.loss, labels, places, widths)

    def _density(self, k: int, covariance: str, watch) -> Density:
        method = self._method(k, covariance)
        n, d = self.data.points.shape
        seeds = range(self.settings.seed, self.settings.seed + min(self.starts, 5))
        _, run = self._best(method, self.data.points, seeds, watch, max_iter=MOST_ITERATIONS)
        likelihood, count = -run.last.loss * n, method.parameter_count(d)
        by_bayes = bic(likelihood, count, n)
        sure = icl(by_bayes, run.last.assignment.responsibilities)
        return Density(k, covariance, by_bayes, aic(likelihood, count), sure)

    def _reference(self, b: int) -> np.ndarray:
        return uniform_reference(self.data.points, np.random.default_rng([self.settings.seed, b]))

    def _noise(self, k: int, b: int, watch) -> Noise:
        points = self._reference(b)
        _, run = self._best(self._method(k), self._work(points), range(REFERENCE_STARTS), watch, **self._roughly)
        labels = run.last.labels
        within = within_groups(points, labels)
        if not 1 < len(np.unique(labels)) < len(points):
            return Noise(within, np.nan, np.nan, np.nan)
        width = silhouette(points, labels, most=SILHOUETTE_SAMPLE).mean
        return Noise(within, width, calinski_harabasz(points, labels), davies_bouldin(points, labels))

    def _agreement(self, k: int, watch) -> np.ndarray:
        return self._resampled(k, self._own_work, PAIRS, self.settings.seed, watch)

    def _agreement_of_noise(self, k: int, b: int, watch) -> np.ndarray:
        return self._resampled(k, self._work(self._reference(b)), REFERENCE_PAIRS, b, watch)

    def _resampled(self, k: int, work: np.ndarray, pairs: int, seed: int, watch) -> np.ndarray:
        method = self._method(k)

        def cluster(rows, rng):
            part = work[np.ix_(rows, rows)] if self.settings.algorithm == "kmedoids" else work[rows]
            seeds = rng.integers(2**31, size=REFERENCE_STARTS).tolist()
            return self._best(method, part, seeds, watch, **self._roughly)[1].last.labels

        return subsample_agreement(len(work), cluster, pairs, np.random.default_rng([seed, k]))

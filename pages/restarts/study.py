"""Many runs of one method on one data set, from different starts, and what they tell about it."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from scipy.spatial.distance import cdist

from clustering import (
    Restart,
    Step,
    centroid_index_of_distances,
    distinct_partitions,
    match_clusters,
    restarts,
)
from pages.datasets.data import Data
from pages.datasets.limits import MOST_ITERATIONS, MOST_STATE_NUMBERS
from pages.runs.run import Recent, Settings, fitting, middles, numbers_of_state, ranks_by_place

MOST_LABELS = 2_000
"""points by which two runs are compared; a random sample of those of larger data"""
ALIKE = 0.01
"""share of the points in which two runs may differ and still count as the same solution"""
NEAR = 1e-4
"""how near a loss must be to the best one to reach it: this share of it, or so many nats per point"""
NOT_RANDOM = ("build",)
"""ways of starting that have a single outcome"""


@dataclass(frozen=True, eq=False)
class Attempt:
    """One run, as far as runs are compared. Watch makes the same again from its way of starting and its seed."""

    way: str
    seed: int
    losses: np.ndarray
    """(T + 1,)"""
    parameters: object
    """those that it ended with"""
    middles: np.ndarray
    """(k, d) where its clusters have their middles"""
    labels: np.ndarray
    """(m,) the clusters of the points by which runs are compared"""
    seconds: float

    @property
    def loss(self) -> float:
        return float(self.losses[-1])


@dataclass(eq=False)
class Attempts:
    """The runs of one method so far. They are made one by one, so that they can be left and gone on with."""

    data: Data
    """what the method works on"""
    prepared: object
    settings: Settings
    """of each run, but for its way of starting; run i of each way has this seed + i"""
    note: str
    """what was done instead of what was asked, in a sentence"""
    made: dict[str, list[Attempt]] = field(default_factory=dict)
    """the runs of each way of starting"""
    last_found: tuple | None = None
    """what was found last, and of how many runs of each way"""

    @classmethod
    def of(cls, data: Data, settings: Settings, store: Recent) -> "Attempts":
        """None made yet. ValueError as `fitting`."""
        used, _, prepared, note = fitting(data, settings, store)
        return cls(used, prepared, settings, note)

    @property
    def cells(self) -> int:
        """How many numbers it holds, about."""
        n, d = self.data.points.shape
        made = sum(attempt.labels.size + attempt.losses.size for runs in self.made.values() for attempt in runs)
        return made + (n * n if self.settings.algorithm == "kmedoids" else 2 * n * d)

    @cached_property
    def compared(self) -> np.ndarray:
        """The points by which runs are compared."""
        n = len(self.data.points)
        if n <= MOST_LABELS:
            return np.arange(n)
        return np.sort(np.random.default_rng(0).choice(n, MOST_LABELS, replace=False))

    def missing(self, ways: list[str], runs: int) -> dict[str, int]:
        """How many of so many runs of each of these ways are still to be made."""
        wanted = {way: 1 if way in NOT_RANDOM else runs for way in ways}
        return {way: max(0, wanted[way] - len(self.made.get(way, ()))) for way in ways}

    def go_on(self, ways: list[str], runs: int, watch: Callable[[Step], None]) -> None:
        """Makes the missing runs, of all ways in turn. What `watch`, told each step, raises ends the work; what was made
        stays. ValueError if all of them would not fit."""
        numbers = numbers_of_state(self.settings, self.data.points.shape[1])
        if numbers * runs * len(ways) > MOST_STATE_NUMBERS:
            raise ValueError(
                f"the results of {runs * len(ways):,} runs do not fit, with {numbers:,} numbers each: choose fewer runs, "
                "fewer columns or a smaller K"
            )
        underway = {}
        for way, missing in self.missing(ways, runs).items():
            first = self.settings.seed + len(self.made.setdefault(way, []))
            method = replace(self.settings, start=way).method(self.data.points)
            underway[way] = restarts(
                method, self.prepared, range(first, first + missing), watch=watch, max_iter=MOST_ITERATIONS
            )
        while underway:
            for way in list(underway):
                began = time.perf_counter()
                run = next(underway[way], None)
                if run is None:
                    del underway[way]
                else:
                    self.made[way].append(self._attempt(way, run, time.perf_counter() - began))

    def found(self, ways: list[str], runs: int) -> "Findings":
        """What the runs of these ways tell, as many of them as are made and asked for."""
        made = {way: self.made[way][:runs] for way in ways if self.made.get(way)}
        key = {way: len(those) for way, those in made.items()}
        if self.last_found is None or self.last_found[0] != key:
            self.last_found = key, Findings(self, made)
        return self.last_found[1]

    def _attempt(self, way: str, run: Restart, seconds: float) -> Attempt:
        return Attempt(
            way,
            self.settings.seed + len(self.made[way]),
            run.losses,
            run.last.parameters,
            middles(self.settings.algorithm, run.last.parameters, self.data.points),
            run.last.labels[self.compared].astype(np.min_scalar_type(self.settings.k - 1)),
            seconds,
        )


@dataclass(frozen=True, eq=False)
class Solution:
    """Runs that came to the same clustering."""

    best: Attempt
    count: int
    counts: dict[str, int]
    """of each way of starting"""


@dataclass(frozen=True)
class WayScores:
    """How one way of starting did."""

    way: str
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
    """What many runs tell."""

    def __init__(self, attempts: Attempts, made: dict[str, list[Attempt]]):
        self.attempts, self.made = attempts, made
        self.runs = [attempt for way in made for attempt in made[way]]
        """all of them"""
        least = min(attempt.loss for attempt in self.runs)
        alike = [attempt for attempt in self.runs if attempt.loss <= least + 1e-9 * abs(least)]
        self.best = min(alike, key=lambda attempt: attempt.seed)
        """the first that ends with the least loss, but for rounding"""

    @cached_property
    def tolerance(self) -> float:
        """How far above the best loss another one reaches it."""
        return NEAR * (1.0 if self.attempts.settings.algorithm == "mixture" else abs(self.best.loss))

    @cached_property
    def truth(self) -> np.ndarray | None:
        """(k, d) the means of the known groups, if there are as many as clusters."""
        data = self.attempts.data
        if data.labels is None or data.given is not None or data.groups != self.attempts.settings.k:
            return None
        groups = np.unique(data.labels[data.labels >= 0])
        return np.stack([data.points[data.labels == group].mean(axis=0) for group in groups])

    @cached_property
    def reference(self) -> np.ndarray:
        """(k, d) what the middles of runs are compared with: the truth, or the best run's where the truth is not known."""
        return self.best.middles if self.truth is None else self.truth

    def distances(self, attempt: Attempt) -> np.ndarray:
        """(k, k) from the middles of this run to the reference: Euclidean, but between medoids the proximities that they were
        found by."""
        if self.truth is None and self.attempts.settings.algorithm == "kmedoids":
            return self.attempts.prepared.matrix[np.ix_(attempt.parameters, self.best.parameters)]
        return cdist(attempt.middles, self.reference)

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
        return attempt.middles[spare], self.reference[lacking]

    @cached_property
    def scores(self) -> list[WayScores]:
        rows = []
        for way, runs in self.made.items():
            losses = np.array([run.loss for run in runs])
            indices = np.array([self.index(run) for run in runs])
            rows.append(
                WayScores(
                    way,
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
            Solution(those[0], len(those), {way: sum(run.way == way for run in those) for way in self.made})
            for those in members
        ]
        return sorted(solutions, key=lambda solution: -solution.count)

    def numbers_of(self, attempt: Attempt) -> np.ndarray:
        """(n,) which number each point has in a picture of this run: those of the best run's matching groups."""
        k = self.attempts.settings.k
        places = ranks_by_place(self.attempts.data.points, self.best.middles)
        ranks = places[match_clusters(attempt.labels, self.best.labels, k)]
        method = replace(self.attempts.settings, start=attempt.way).method(self.attempts.data.points)
        return ranks[method.e_step(self.attempts.prepared, attempt.parameters)[0].labels]

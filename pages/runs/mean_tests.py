"""Tests whether two segments have the same mean, valid although the segments were found in the same rows."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import Any, Self

import numpy as np

from clustering import MeanTest, median_sigma
from pages.datasets.data import Data
from pages.datasets.formatting import as_sentence
from pages.methods.options import Settings
from pages.runs.cache import RecentCache
from pages.runs.jobs import Job
from pages.runs.run import Run, make_run
from pages.runs.segments import Segments

MAX_SEGMENTS_IN_PAIRS = 15
"""maximum number of segments of which all pairs are tested: 105 pairs"""
LITTLE_POWER = 2_000
"""number of rows above which the test has little power"""
UNLIKE_COLUMNS = 3.0
"""ratio of standard deviations above which columns hardly have equal noise"""
LEVEL = 0.05
"""p-values below it count as evidence against equal means"""
SIMULATIONS, ROWS_OF_NOISE, CLUSTERS_OF_NOISE = 200, 30, 3


@dataclass(eq=False)
class MeanTests(Job):
    """Tests of all pairs of segments of a run. The result of a pair is a `MeanTest`, or a sentence if it has no test."""

    run: Run
    sigma: float
    """standard deviation of the noise in each column, positive"""
    noun = "pair"

    @classmethod
    def of(cls, segments: Segments) -> Self:
        """The tests of these segments, without results; sigma is estimated, possibly as 0.

        Raises ValueError if there is no valid test; the message is a sentence that says why.
        """
        k = segments.k
        if segments.is_edited:
            raise ValueError(
                "The segments were edited by hand, and the test knows only how the algorithm found its clusters. Undo the "
                "edits to test them."
            )
        job = cls(segments.run, median_sigma(segments.data.points))
        job.test  # noqa: B018 raises ValueError if the method has no test
        if k < 2:
            raise ValueError("There is only one segment, so there is no pair to test.")
        if k > MAX_SEGMENTS_IN_PAIRS:
            raise ValueError(
                f"{k} segments have {k * (k - 1) // 2:,} pairs. The test is limited to {MAX_SEGMENTS_IN_PAIRS} segments."
            )
        return job

    @cached_property
    def test(self) -> Callable[..., MeanTest]:
        """The test of two clusters in the method's own order."""
        return self.run.view.mean_test(self.run)

    @property
    def tasks(self) -> list[tuple[int, int]]:
        """Pairs of segments in the order on the screen."""
        return list(combinations(range(self.run.k), 2))

    def describe(self, task: tuple[int, int], state: Any) -> str:
        return f"Testing segments {task[0] + 1} and {task[1] + 1}."

    def run_task(self, task: tuple[int, int], on_step: Callable[[Any], None]) -> MeanTest | str:
        a, b = np.argsort(self.run.ranks)[list(task)].tolist()
        try:
            return self.test(a, b, self.sigma, on_step=lambda: on_step(None))
        except ValueError as error:
            return as_sentence(error)

    @property
    def adjusted(self) -> np.ndarray:
        """(number of pairs,) p-values adjusted by `holm`; upper bounds of them while pairs are missing."""
        found = (self.results.get(task) for task in self.tasks)
        return holm(np.array([one.p_value if isinstance(one, MeanTest) else 1.0 for one in found]))


@dataclass(eq=False)
class NullTests(Job):
    """Tests in data sets that are pure noise, clustered with the settings of a run: one random pair of clusters in each.

    The standard deviation of the noise is 1 and known.
    """

    settings: Settings
    noun = "simulation"

    @property
    def tasks(self) -> list[int]:
        return list(range(SIMULATIONS))

    def describe(self, task: int, state: Any) -> str:
        return f"Clustering noise, {task + 1} of {SIMULATIONS}."

    def run_task(self, task: int, on_step: Callable[[Any], None]) -> MeanTest:
        rng = np.random.default_rng(task)
        noise = Data(f"noise/{task}", "Noise", ("x", "y"), rng.normal(size=(ROWS_OF_NOISE, 2)))
        a, b = rng.choice(CLUSTERS_OF_NOISE, 2, replace=False).tolist()
        settings = replace(self.settings, k=CLUSTERS_OF_NOISE, seed=task)
        run = make_run(noise, settings, RecentCache(), lambda _: on_step(None))
        return run.view.mean_test(run)(a, b, sigma=1.0)

    @property
    def p_values(self) -> tuple[np.ndarray, np.ndarray]:
        """Selective and naive p-values of the finished simulations."""
        found = self.results.values()
        return np.array([one.p_value for one in found]), np.array([one.naive_p_value for one in found])


def holm(p_values: np.ndarray) -> np.ndarray:
    """(m,) p-values adjusted for m tests by the step-down procedure of Holm (1979), https://www.jstor.org/stable/4615733.

        adjusted p of rank i = max over ranks j <= i of min(1, (m - j + 1) p_j)

    The probability that any true hypothesis has an adjusted p-value of at most α is at most α.
    """
    order = np.argsort(p_values, kind="stable")
    factors = len(p_values) - np.arange(len(p_values))
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1)
    return adjusted


def cautions(data: Data) -> list[str]:
    """Sentences about properties of the data that contradict the model of equal Gaussian noise in all columns."""
    found = []
    if data.mixed is not None:
        found.append(
            "Categories are columns of 0 and 1, which violates the assumption of Gaussian noise: take these p-values as a "
            "rough guide at best."
        )
    if data.imputed is not None and data.imputed.any():
        found.append("Imputed values have less noise than measured ones, so p-values tend to be too small.")
    deviations = data.points.std(axis=0)
    # groups of simulated points need not be as far apart in all columns
    if data.origin is not None and deviations.max() > UNLIKE_COLUMNS * deviations.min():
        low, high = (data.columns[j] for j in (deviations.argmin(), deviations.argmax()))
        found.append(
            f"The test assumes the same noise in all columns, but their spreads differ: {high} varies over "
            f"{UNLIKE_COLUMNS:g} times as much as {low}. If their units differ, standardize them."
        )
    return found


def verdict(p_value: float) -> str:
    """What a p-value says about two segments."""
    return "evidence against equal means" if p_value < LEVEL else "no evidence against equal means"


def summary(job: MeanTests) -> str:
    """For how many pairs there is evidence against equal means, in one sentence; empty without results."""
    if not job.results:
        return ""
    count, pairs = int((job.adjusted < LEVEL).sum()), len(job.tasks)
    if pairs == 1:
        if count:
            return f"Evidence against equal means (p < {LEVEL:g})."
        return f"No evidence against equal means (p ≥ {LEVEL:g})."
    if not count:
        return f"No evidence against equal means for any of the {pairs} pairs (adjusted p ≥ {LEVEL:g})."
    which = f"all {pairs}" if count == pairs else f"{count} of {pairs}"
    return f"Evidence against equal means for {which} pairs (adjusted p < {LEVEL:g})."

"""Scores of several methods on groups that are deformed step by step, and where each method fails."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil
from typing import Any, NamedTuple

import numpy as np

from clustering import GaussianMixture, adjusted_rand_index
from pages.datasets import catalog
from pages.datasets.data import Data
from pages.methods import method
from pages.methods.options import Settings
from pages.runs.cache import RecentCache
from pages.runs.jobs import MissingRuns
from pages.runs.random_starts import BEST_OF, best_start
from pages.runs.run import make_run

SAMPLE, GROUPS = "deformed", 3
"""key of the sample in `catalog.SAMPLES`, and its number of groups"""
BAND = (0.1, 0.9)
"""quantiles of the scores between which the band of a curve lies"""
FIRST_SEED = 1
"""seed of the first random start of each run"""


@dataclass(frozen=True)
class Deformation:
    """A setting of the sample that is varied while the others have their defaults."""

    title: str
    setting: str
    """argument of the sample's function"""
    place: str
    """where a method fails, with {} for a value"""
    axis: str
    """title of the axis of its values"""
    values: tuple[float, ...]
    """from the mildest to the strongest deformation"""
    is_logarithmic: bool = False
    """whether the axis is logarithmic"""
    is_whole: bool = False
    """whether values are whole numbers, so that a method can fail only at one of them"""

    @property
    def is_descending(self) -> bool:
        """Whether smaller values deform more."""
        return self.values[-1] < self.values[0]

    def text_of(self, breaking_point: float) -> str:
        """A breaking point as text: a whole number rounded up, any other with two significant digits."""
        return f"{ceil(breaking_point)}" if self.is_whole else f"{breaking_point:.2g}"


_ALL = (
    Deformation(
        "Stretch", "stretch", "at a stretch of {}", "length ÷ width of a group", (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12), True
    ),
    Deformation(
        "Unequal sizes", "size_ratio", "at a size ratio of {}", "largest ÷ smallest size", (1, 2, 4, 8, 16, 32, 64), True
    ),
    Deformation(
        "Unequal densities",
        "spread_ratio",
        "at a spread ratio of {}",
        "widest ÷ narrowest group",
        (1, 1.5, 2, 3, 4, 5, 6, 8),
        True,
    ),
    Deformation(
        "Overlap",
        "distance",
        "at a distance of {}",
        "distance between means, in standard deviations",
        (8, 6, 5, 4, 3.5, 3, 2.5, 2, 1.5, 1),
    ),
    Deformation(
        "Noise", "noise", "at a noise fraction of {}", "noise fraction", (0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6)
    ),
    Deformation("Dimensions", "d", "in {} dimensions", "dimensions", (2, 3, 5, 10, 20, 50, 100), True, True),
)
DEFORMATIONS = {one.title: one for one in _ALL}
"""by title"""


class Case(NamedTuple):
    """One run of a study."""

    value: float
    """value of the deformation"""
    number: int
    """number of the data set with this value, from 0"""
    method: str


class Outcome(NamedTuple):
    """The result of a run."""

    agreement: float
    """adjusted Rand index relative to the true groups; NaN if the run failed"""
    error: str = ""
    """why it failed"""


@dataclass(eq=False)
class Study:
    """All finished runs for one deformation."""

    deformation: Deformation
    n: int
    """points of each data set"""
    seed: int
    """seed of the first data set of each value; the following ones have the next seeds"""
    finished: dict[Case, Outcome] = field(default_factory=dict)

    def data(self, value: float, number: int) -> Data:
        """A data set with this value of the deformation."""
        return catalog.draw_sample(SAMPLE, self.n, self.seed + number, {self.deformation.setting: value})

    def outcome(self, case: Case, on_step: Callable[[Any], None]) -> Outcome:
        """Run a method: the best of several random starts if it has any."""
        data, cache = self.data(case.value, case.number), RecentCache()
        try:
            settings, starts = best_start(data, settings_of(case.method, data), BEST_OF, cache, on_step)
            if starts is not None:
                return Outcome(float(starts.adjusted_rand[starts.seeds == settings.seed][0]))
            run = make_run(data, settings, cache, on_step)
        except ValueError as error:
            return Outcome(np.nan, str(error))
        return Outcome(run.agreement)

    def limit(self, value: float, number: int) -> float:
        """Adjusted Rand index of the classification by the mixture that generated the groups."""
        values = {} if self.deformation.setting == "noise" else {self.deformation.setting: value}
        truth = catalog.draw_sample(SAMPLE, 1, 0, values).truth
        data = self.data(value, number)
        known = data.labels >= 0
        labels = GaussianMixture(GROUPS).predict(truth, data.points[known])
        return adjusted_rand_index(data.labels[known], labels)

    def curves(self, names: Iterable[str], repeats: int) -> "list[ScoreCurve]":
        """The scores of these methods on the first data sets of each value; only methods with at least one finished run."""
        found = []
        for name in names:
            scores = {
                value: [
                    self.finished[case].agreement
                    for number in range(repeats)
                    if (case := Case(value, number, name)) in self.finished
                ]
                for value in self.deformation.values
            }
            scores = {value: np.array(some) for value, some in scores.items() if some and not np.isnan(some).all()}
            if scores:
                found.append(ScoreCurve(name, self.deformation, scores))
        return found

    def limits(self, repeats: int) -> "ScoreCurve":
        """The curve of `limit`."""
        scores = {value: np.array([self.limit(value, i) for i in range(repeats)]) for value in self.deformation.values}
        return ScoreCurve("", self.deformation, scores)

    def typical(self, value: float, name: str) -> int:
        """Number of the data set with this value on which the score of this method is nearest to its median."""
        scores = {
            case.number: outcome.agreement
            for case, outcome in list(self.finished.items())  # a thread may add runs
            if (case.value, case.method) == (value, name) and not np.isnan(outcome.agreement)
        }
        median = np.median(list(scores.values()))
        return min(scores, key=lambda number: (abs(scores[number] - median), number))


def settings_of(name: str, data: Data) -> Settings:
    """Settings of a method with its defaults for a data set."""
    return method(name).settings(GROUPS, seed=FIRST_SEED, data=data)


@dataclass(frozen=True, eq=False)
class ScoreCurve:
    """Scores of a method by value of the deformation."""

    method: str
    """its name; empty for the classification by the true mixture"""
    deformation: Deformation
    scores: dict[float, np.ndarray]
    """by value, the scores of the runs, NaN for failed ones; from the mildest deformation to the strongest"""

    @property
    def values(self) -> list[float]:
        """Values of the deformation."""
        return list(self.scores)

    @cached_property
    def means(self) -> np.ndarray:
        """(m,) mean score for each value."""
        return np.array([np.nanmean(scores) for scores in self.scores.values()])

    @cached_property
    def band(self) -> np.ndarray:
        """(2, m) quantiles `BAND` of the scores for each value."""
        return np.array([np.nanquantile(scores, BAND) for scores in self.scores.values()]).T

    def breaking_point(self, threshold: float) -> float | None:
        """Value at which the mean score first falls below a threshold, between neighboring values by linear interpolation.

        The first value if the score is below the threshold there; None if it never is.
        """
        below = np.flatnonzero(self.means < threshold)
        if not below.size:
            return None
        i = below[0]
        if i == 0:
            return self.values[0]
        (before, after), (high, low) = self.values[i - 1 : i + 1], self.means[i - 1 : i + 1]
        return float(before + (high - threshold) / (high - low) * (after - before))

    def recovers(self, threshold: float) -> bool:
        """Whether the mean score reaches a threshold again after it has first fallen below it."""
        below = self.means < threshold
        return bool((below[:-1] & ~below[1:]).any())


@dataclass(eq=False)
class RemainingCases(MissingRuns):
    """The missing runs of a study. A task is a `Case`."""

    study: Study

    @classmethod
    def of(cls, study: Study, names: Sequence[str], repeats: int) -> "RemainingCases":
        """The runs that are missing, given `repeats` data sets for each value; all values and methods take turns."""
        wanted = (
            Case(value, number, name) for number in range(repeats) for value in study.deformation.values for name in names
        )
        return cls(study, tuple(case for case in wanted if case not in study.finished))

    def run_task(self, task: Case, on_step: Callable[[Any], None]) -> Outcome:
        return self.study.outcome(task, on_step)

    def describe(self, task: Case, state: Any) -> str:
        return f"Run {len(self.results) + 1:,} of {len(self.tasks):,}: {method(task.method).title}."

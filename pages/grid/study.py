"""Runs of several methods on several simulated data sets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from clustering import match_clusters
from pages.datasets import catalog
from pages.datasets.data import Data
from pages.datasets.planes import column_plane
from pages.figures.thumbnails import thumbnail
from pages.methods import method
from pages.methods.options import Settings
from pages.runs.cache import RecentCache
from pages.runs.jobs import MissingRuns
from pages.runs.random_starts import BEST_OF, best_start
from pages.runs.run import Run, make_run

SAMPLES = {"rings": 2, "moons": 2, "spreads": 3, "stretched": 3, "round": 3, "outliers": 3, "uniform": 3}
"""number of clusters for each sample, by its key in `catalog.SAMPLES`, in the order of the rows"""
PICTURE_WIDTH = 200
"""width of a small image in pixels"""
FIRST_SEED = 1
"""seed of the first random start of each run"""


class Cell(NamedTuple):
    """A sample and a method."""

    sample: str
    method: str


class Result(NamedTuple):
    """The result of a run."""

    settings: Settings
    picture: str = ""
    """a small image of the clusters, a data URI; empty if the run failed"""
    clusters: int = 0
    """number of clusters"""
    seconds: float = 0.0
    agreement: float | None = None
    """adjusted Rand index relative to the true groups; None if there is only one group"""
    error: str = ""
    """why the run failed"""


@dataclass(eq=False)
class GridStudy:
    """All finished runs."""

    n: int
    """points of each data set"""
    seed: int
    """seed of the data sets"""
    finished: dict[Cell, Result] = field(default_factory=dict)

    def data(self, sample: str) -> Data:
        """The data set of a row."""
        return catalog.draw_sample(sample, self.n, self.seed, {})

    def result(self, cell: Cell, on_step: Callable[[Any], None]) -> Result:
        """Run a method: the best of several random starts if it has any."""
        data, cache = self.data(cell.sample), RecentCache()
        settings = method(cell.method).settings(SAMPLES[cell.sample], seed=FIRST_SEED, data=data)
        try:
            settings, _ = best_start(data, settings, BEST_OF, cache, on_step)
            run = make_run(data, settings, cache, on_step)
        except ValueError as error:
            return Result(settings, error=str(error))
        agreement = run.agreement if data.groups > 1 else None
        return Result(settings, _picture(run), run.k, run.seconds, agreement)


def _picture(run: Run) -> str:
    """A small image of the clusters, in the colors of the groups to which they are matched."""
    data, labels = run.data, run.labels
    matched = match_clusters(labels, data.labels, max(run.k, data.groups, 1))
    centers = np.empty((0, data.points.shape[1])) if run.centers is None else run.centers[-1]
    return thumbnail(data, column_plane(data.columns, 0, 1), np.append(matched, -1)[labels], centers, width=PICTURE_WIDTH)


@dataclass(eq=False)
class RemainingCells(MissingRuns):
    """The missing runs. A task is a `Cell`."""

    study: GridStudy

    @classmethod
    def of(cls, study: GridStudy, samples: Sequence[str], names: Sequence[str]) -> "RemainingCells":
        """The runs of these methods on these samples that are missing, row by row."""
        wanted = (Cell(sample, name) for sample in samples for name in names)
        return cls(study, tuple(cell for cell in wanted if cell not in study.finished))

    def run_task(self, task: Cell, on_step: Callable[[Any], None]) -> Result:
        return self.study.result(task, on_step)

    def describe(self, task: Cell, state: Any) -> str:
        return f"{method(task.method).title}: {catalog.SAMPLES[task.sample].title}."

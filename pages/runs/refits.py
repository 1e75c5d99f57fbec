"""Clusterings of changed data with the settings of a run, of which only the labels are needed."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from clustering import iterate
from pages.datasets.data import Data
from pages.methods import method
from pages.methods.options import Settings
from pages.runs.budget import estimated_bytes
from pages.runs.cache import RecentCache
from pages.runs.jobs import Job
from pages.runs.preparation import iteration_limit, prepare_run
from pages.runs.profiles import Variable

NOISE_REPEATS = 20
"""number of clusterings of noise"""


def labels_of(data: Data, settings: Settings, on_step: Callable[[Any], None]) -> np.ndarray:
    """(n,) labels of a run on these data, which are small enough for the method; -1 for noise."""
    inputs = prepare_run(data, settings, RecentCache())
    options = dict(max_iter=iteration_limit(data, settings)) | method(settings.method).early_stopping
    for state in iterate(inputs.process, inputs.prepared_data, rng=settings.seed, start=inputs.start, **options):
        on_step(state)
    return state.labels


def feature_columns(data: Data) -> list[list[int]]:
    """The columns of the points for each feature: several for a category, which is one-hot encoded."""
    widths = [1] * data.points.shape[1] if data.origin is None else data.origin.widths
    ends = np.cumsum(widths)
    return [list(range(end - width, end)) for width, end in zip(widths, ends, strict=True)]


def permuted(data: Data, rng: np.random.Generator) -> tuple[Data, list[np.ndarray]]:
    """Noise with the same columns: each feature is permuted independently; also the permutation (n,) of each feature.

    Weights of rows stay where they are.
    """
    orders = [rng.permutation(len(data.points)) for _ in feature_columns(data)]
    points = data.points.copy()
    for columns, order in zip(feature_columns(data), orders, strict=True):
        points[:, columns] = points[np.ix_(order, columns)]
    mixed = data.mixed
    if mixed is not None:
        p = mixed[0].shape[1]
        mixed = tuple(
            np.column_stack([column[order] for column, order in zip(part.T, some, strict=True)]) if part.shape[1] else part
            for part, some in zip(mixed, (orders[:p], orders[p:]), strict=True)
        )
    return replace(data, key=f"{data.key}/permuted", points=points, mixed=mixed, all_rows=None, imputed=None), orders


@dataclass(eq=False)
class NoiseBand(Job):
    """How strongly the features separate clusters of noise: each is permuted, and the rows are clustered anew."""

    data: Data
    settings: Settings
    features: list[Variable]
    """the features, in the order of `feature_columns`"""
    noun = "clustering of noise"

    @property
    def tasks(self) -> list[int]:
        return list(range(NOISE_REPEATS))

    @property
    def n_bytes(self) -> int:
        return estimated_bytes(self.data, self.settings, states=1)

    def describe(self, task: int, state: Any) -> str:
        return f"Clustering noise, {task + 1} of {NOISE_REPEATS}."

    def run_task(self, task: int, on_step: Callable[[Any], None]) -> np.ndarray:
        """(number of features,) effect of each feature."""
        noise, orders = permuted(self.data, np.random.default_rng([self.settings.seed, task]))
        labels = labels_of(noise, replace(self.settings, seed=task), on_step)
        weights = method(self.settings.method).frequencies_of(self.data)
        return np.array(
            [
                variable.effect_of(variable.values[order], labels, weights)
                for variable, order in zip(self.features, orders, strict=True)
            ]
        )

    @property
    def effects(self) -> np.ndarray | None:
        """(repeats, number of features) effects of the finished repeats; None if there are none."""
        return np.array([self.results[task] for task in sorted(self.results)]) if self.results else None

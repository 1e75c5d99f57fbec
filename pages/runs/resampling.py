"""Whether the segments are found again when the data are resampled or disturbed and clustered anew."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from clustering import Resample, Stability, resampled, resampled_with_noise
from pages.datasets.data import POINTS, Data
from pages.methods import method
from pages.methods.options import Settings
from pages.runs.budget import estimated_bytes
from pages.runs.jobs import Job
from pages.runs.refits import labels_of
from pages.runs.segments import Segments

SCHEMES = {
    "bootstrap": "Bootstrap",
    "subset": "Half of the rows",
    "noise": "Added noise",
}
"""how the data are changed"""
SCHEME_TEXTS = {
    "bootstrap": "A sample of the same size is drawn with replacement; a row drawn several times is used once.",
    "subset": "Half of the rows are drawn without replacement.",
    "noise": "Each row is replaced with probability 5% by noise, uniform within ±4 standard deviations along each principal "
    "component; the replaced rows are not counted.",
}
RESAMPLE_NAMES = {"bootstrap": "resamples", "subset": "random halves", "noise": "clusterings with noise"}
MAX_RESAMPLED_POINTS = 20_000
"""maximum number of points that are resampled; above it, a random sample"""
VERDICTS = ((0.85, "highly stable"), (0.75, "stable"), (0.6, "uncertain"), (0.0, "not stable"))
"""smallest mean Jaccard similarity for each verdict, as in the R package fpc"""


@dataclass(eq=False)
class Resampling(Job):
    """Resamples of the data, clustered with the settings of a run; the results are added up in `stability`."""

    data: Data
    settings: Settings
    labels: np.ndarray
    """(n,) segments of the points"""
    scheme: str
    """key of `SCHEMES`"""
    count: int
    """number of resamples"""
    note: str = ""
    """message about a sample, or empty"""
    stability: Stability = field(init=False)
    noun = "resample"

    def __post_init__(self):
        self.stability = Stability.of(self.labels)

    @classmethod
    def of(cls, segments: Segments, scheme: str, count: int) -> Self:
        """The resampling of the data of these segments, without results."""
        data, labels, note = segments.data.without_other_rows, segments.labels, ""
        if len(data.points) > MAX_RESAMPLED_POINTS:
            note = f"A random sample of {MAX_RESAMPLED_POINTS:,} of the {len(data.points):,} points is used."
            labels = labels[data.sample_indices(MAX_RESAMPLED_POINTS)]
            data = data.sample(MAX_RESAMPLED_POINTS)
        return cls(data, segments.run.settings, labels, scheme, count, note)

    @property
    def tasks(self) -> list[int]:
        return list(range(self.count))

    @property
    def n_bytes(self) -> int:
        return estimated_bytes(self.data, self.settings, states=1)

    def describe(self, task: int, state: Any) -> str:
        return f"Clustering resample {task + 1} of {self.count}."

    def run_task(self, task: int, on_step: Callable[[Any], None]) -> Resample:
        rng = np.random.default_rng([self.settings.seed, list(SCHEMES).index(self.scheme), task])
        settings = replace(self.settings, seed=task)

        def cluster(data: Data) -> np.ndarray:
            weights = method(settings.method).weights_of(data)
            n = len(data.points) if weights is None else np.count_nonzero(weights)
            if not n:
                return np.full(len(data.points), -1)
            k = settings.k and min(settings.k, n)
            return labels_of(data, replace(settings, k=k), lambda _: on_step(None))

        if self.scheme == "noise":
            changed = resampled_with_noise(
                lambda points: cluster(replace(self.data, points=points, mixed=None)), self.data.points, rng
            )
        else:
            changed = resampled(lambda rows: cluster(self.data.subset(rows)), len(self.labels), rng, self.scheme)
        return next(changed)

    def finish(self, task: int, result: Resample) -> None:
        self.stability = self.stability.add(result)
        self.results[task] = True


def schemes_for(segments: Segments) -> list[str]:
    """The schemes that suit the data: noise needs points, and distances that do not depend on categories."""
    view, settings = method(segments.run.settings.method), segments.run.settings
    has_points = POINTS in segments.data.kinds & view.traits.data and view.matrix_metric(settings) != "gower"
    return [scheme for scheme in SCHEMES if scheme != "noise" or has_points]


def verdict(similarity: float) -> str:
    """What a mean Jaccard similarity says about a cluster."""
    return next(text for least, text in VERDICTS if similarity >= least)


def summary(segments: Segments, job: Resampling) -> str:
    """How often each segment was found again, in one sentence; empty without results."""
    found = job.stability
    if not found.resamples:
        return ""
    shares = found.recovered / found.resamples
    parts = [f"{name} in {share:.0%}" for name, share in zip(segments.names, shares, strict=True)]
    listed = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
    return f"Found again: {listed} of {found.resamples:,} {RESAMPLE_NAMES[job.scheme]}."

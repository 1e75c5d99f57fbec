"""Bootstrap standard errors and intervals for the parameters of a mixture, as a resumable job."""

from dataclasses import dataclass

import numpy as np

from clustering import Gaussians, WeightedPoints, bootstrap
from pages.runs.budget import estimated_bytes
from pages.runs.jobs import Job
from pages.runs.run import Run


@dataclass(eq=False)
class Bootstrap(Job):
    """Fits of a mixture to bootstrap resamples, each initialized at the estimates of a run."""

    run: Run
    n_fits: int
    """number of resamples"""
    noun = "fit"

    @property
    def tasks(self) -> range:
        return range(self.n_fits)

    @property
    def n_bytes(self) -> int:
        return estimated_bytes(self.run.data, self.run.settings, states=1)

    @property
    def can_be_sent(self) -> bool:
        return self.run.data.all_rows is None

    def run_task(self, task: int, on_step) -> Gaussians:
        """Fit to resample number `task`."""
        points, history = self.run.data.points, self.run.history
        if self.run.weights is not None:
            points = WeightedPoints(points, self.run.weights)
        rng = np.random.default_rng([self.run.settings.seed, task])
        options = dict(on_step=lambda _: on_step(None), tol=1e-9, max_iter=2_000)
        return next(bootstrap(history.process, points, history.parameters[-1], [rng], **options))

    def describe(self, task: int, state) -> str:
        return f"Fitting resample {task + 1} of {self.n_fits}."

    @property
    def fits(self) -> list[Gaussians]:
        """The finished fits, in order."""
        return list(self.results.values())

    def spread(self, parameter: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Standard errors, and lower and upper ends of the 95% percentile intervals, of "weights" (k,) or "means" (k, d)."""
        values = np.array([getattr(fit, parameter) for fit in self.fits])
        low, high = np.quantile(values, [0.025, 0.975], axis=0)
        return values.std(axis=0, ddof=1), low, high

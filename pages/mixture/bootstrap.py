"""Standard errors of a mixture by the bootstrap, as a resumable job."""

from dataclasses import dataclass

import numpy as np

from clustering import Gaussians, bootstrap
from pages.runs.jobs import Job
from pages.runs.run import Run


@dataclass(eq=False)
class Bootstrap(Job):
    """Fits of a mixture to resampled data, each started at the fit of a run."""

    run: Run
    wanted: int
    """number of fits"""
    noun = "fit"

    @property
    def tasks(self) -> range:
        return range(self.wanted)

    def run_task(self, task: int, on_step) -> Gaussians:
        """Fit number `task`; `on_step` is not called, because one fit is short."""
        history = self.run.history
        rng = np.random.default_rng([self.run.settings.seed, task])
        return next(bootstrap(history.process, self.run.data.points, history.parameters[-1], [rng], tol=1e-9, max_iter=2_000))

    def describe(self, task: int, state) -> str:
        return f"Fit {task + 1} of {self.wanted} resampled data sets."

    @property
    def fits(self) -> list[Gaussians]:
        """The finished fits, in order."""
        return list(self.results.values())

    def spread(self, of: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Standard error and the ends of the 95 % interval of the "weights" (k,) or "means" (k, d)."""
        values = np.array([getattr(one, of) for one in self.fits])
        low, high = np.quantile(values, [0.025, 0.975], axis=0)
        return values.std(axis=0, ddof=1), low, high

"""Responsibilities, their entropy, and log densities of the points under a fitted mixture."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clustering import Gaussians, entropies
from pages.runs.run import Run


@dataclass(frozen=True, eq=False)
class Posterior:
    """The points of a run under the mixture of its last state.

    Arrays list the components by their numbers in the app; `mixture` keeps the order of the fitted parameters.
    """

    run: Run

    @property
    def mixture(self) -> Gaussians:
        """Final parameters."""
        return self.run.history.parameters[-1]

    @cached_property
    def responsibilities(self) -> np.ndarray:
        """(n, k) final responsibilities"""
        return self.run.history.last.assignment.responsibilities[:, np.argsort(self.run.ranks)]

    @cached_property
    def entropy(self) -> np.ndarray:
        """(n,) entropy of each point's responsibilities, in nats, between 0 (one component) and ln k (all equal)"""
        return entropies(self.responsibilities)

    @cached_property
    def log_density(self) -> np.ndarray:
        """(n,) log density at each point, in nats"""
        return self.mixture.log_density(self.run.data.points)

    def by_iteration(self, point: int) -> np.ndarray:
        """(T + 1, k) responsibilities of a point after each of T iterations, the initial ones first."""
        x = self.run.data.points[[point]]
        responsibilities = [parameters.responsibilities(x)[0] for parameters in self.run.history.parameters]
        return np.array(responsibilities)[:, np.argsort(self.run.ranks)]

    def lowest_density(self, fraction: float) -> tuple[np.ndarray, float]:
        """Points with the lowest log density.

        Parameters
        ----------
        fraction : fraction of the points to return

        Returns
        -------
        rows : (m,) indices of the points, lowest density first
        threshold : log density halfway between the last of them and the next point; -inf if m is 0
        """
        count = round(fraction * len(self.log_density))
        order = np.argsort(self.log_density, kind="stable")
        if count == 0:
            return order[:0], -np.inf
        end = order[min(count, len(order) - 1)]
        return order[:count], float(self.log_density[order[count - 1]] + self.log_density[end]) / 2

"""What a fitted mixture says about each point: responsibilities, uncertainty and log density."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clustering import Gaussians, entropies
from pages.runs.run import Run


@dataclass(frozen=True, eq=False)
class Belief:
    """What the mixture that a run ended with says about its points. Components are in the order of their numbers."""

    run: Run

    @property
    def mixture(self) -> Gaussians:
        """The parameters that the run ended with, in the order of the method."""
        return self.run.history.parameters[-1]

    @cached_property
    def responsibilities(self) -> np.ndarray:
        """(n, k) share of each component in each point"""
        return self.run.history.last.assignment.responsibilities[:, np.argsort(self.run.ranks)]

    @cached_property
    def uncertainty(self) -> np.ndarray:
        """(n,) entropy of each point's responsibilities, in nats: 0 where it is sure, ln k where all are equal"""
        return entropies(self.responsibilities)

    @cached_property
    def log_density(self) -> np.ndarray:
        """(n,) log density at each point, in nats"""
        return self.mixture.log_density(self.run.data.points)

    def by_iteration(self, point: int) -> np.ndarray:
        """(T + 1, k) responsibilities of a point after each iteration."""
        x = self.run.data.points[[point]]
        shares = [parameters.responsibilities(x)[0] for parameters in self.run.history.parameters]
        return np.array(shares)[:, np.argsort(self.run.ranks)]

    def least_likely(self, share: float) -> tuple[np.ndarray, float]:
        """The rows of this share of the points with the lowest log density, lowest first, and a threshold just above theirs.

        The threshold lies halfway to the next point; it is -inf where there are no such points.
        """
        count = round(share * len(self.log_density))
        order = np.argsort(self.log_density, kind="stable")
        if count == 0:
            return order[:0], -np.inf
        end = order[min(count, len(order) - 1)]
        return order[:count], float(self.log_density[order[count - 1]] + self.log_density[end]) / 2

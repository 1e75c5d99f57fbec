"""The assignment of methods whose clusters are found or grow: every point belongs to one cluster or to none."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class HardAssignment:
    """The cluster of each point; -1 for noise, and for points that have not been reached yet."""

    labels: np.ndarray
    """(n,) cluster of each point, 0..k-1; -1 for none"""
    k: int
    """number of clusters, including those without points in this state"""
    changed: int
    """number of points whose label differs from the previous state; n in the first one"""
    memberships = None
    """hard assignment: no memberships"""

    @cached_property
    def sizes(self) -> np.ndarray:
        """(k,) number of points in each cluster"""
        return np.bincount(self.labels + 1, minlength=self.k + 1)[1:]

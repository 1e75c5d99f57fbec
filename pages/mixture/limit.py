"""K-means as a limit of soft K-means: fits from the same starting means with smaller and smaller widths."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clustering import KMeans, SoftMeans, fit, soft_kmeans
from pages.datasets.data import Data
from pages.datasets.formatting import short
from pages.runs.frames import Frame
from pages.runs.run import Run

MOST_POINTS = 2_000
"""of which soft K-means is shown; of more a sample"""


@dataclass(frozen=True, eq=False)
class WidthPath:
    """Fits of soft K-means from the same starting means, from wide to narrow, and of K-means."""

    data: Data
    """that are fitted: those of a run, or a sample of them"""
    ranks: np.ndarray
    """(k,) color and number of each mean, as in that run"""
    widths: np.ndarray
    """(m,) in units of the points, decreasing"""
    soft: list[SoftMeans]
    """one fit for each width"""
    hard: np.ndarray
    """(k, d) centers of K-means from the same start"""

    @cached_property
    def certainty(self) -> np.ndarray:
        """(m,) largest responsibility of a point, mean over the points"""
        return np.array([one.responsibilities.max(axis=1).mean() for one in self.soft])

    @cached_property
    def distance(self) -> np.ndarray:
        """(m,) largest distance of a mean to the center of K-means with its number"""
        return np.array([np.sqrt(np.square(one.means - self.hard).sum(axis=1)).max() for one in self.soft])

    @cached_property
    def frames(self) -> list[Frame]:
        """A frame with its sentence for each width, at its number on the axis of iterations."""
        explanation = "Each point is shared among all means by how near they are, as far as the width lets it tell."
        return [
            Frame("width", i, i, i, float(i), None, self._sentence(i), explanation if i == 0 else "")
            for i in range(len(self.soft))
        ]

    def _sentence(self, i: int) -> str:
        where = f"within {short(float(self.distance[i]))} of the centers of K-means."
        if self.distance[i] < 1e-6 * self.widths[0]:
            where = "at the centers of K-means."
        certainty = f"the largest responsibility is {self.certainty[i]:.3f} on average"
        return f"Width {short(self.soft[i].width)}: {certainty}; the means are {where}"


def width_path(run: Run, widths: int = 36) -> WidthPath:
    """Fits from the starting means of a run: with the first width all means meet, with the last the fit is that of K-means."""
    data = run.data if len(run.data.points) <= MOST_POINTS else run.data.sample(MOST_POINTS)
    start = run.history.parameters[0].means
    # below the largest standard deviation in any direction means begin to part (Rose, Gurewitz & Fox 1990)
    spread = float(np.sqrt(np.linalg.eigvalsh(np.atleast_2d(np.cov(data.points.T, bias=True)))[-1])) or 1.0
    widths = spread * np.geomspace(1.5, 0.01, widths)
    hard = fit(KMeans(len(start), init=start), data.points).parameters
    soft = [soft_kmeans(data.points, start, float(width), max_iter=300) for width in widths]
    return WidthPath(data, run.ranks, widths, soft, hard)

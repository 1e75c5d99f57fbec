"""K-means as the limit of soft K-means: fits from the same initial means with decreasing widths.

Soft K-means is a mixture of spherical Gaussians with equal weights and a fixed standard deviation, the width; only the means
are fitted. As the width goes to zero, its responsibilities go to 0 or 1 and its means to the centers of K-means.

References
----------
K. Rose, E. Gurewitz, G. C. Fox (1990). Statistical mechanics and phase transitions in clustering. Physical Review Letters 65,
945-948. doi:10.1103/PhysRevLett.65.945
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clustering import KMeans, SoftMeans, fit, soft_kmeans
from pages.datasets.data import Data
from pages.datasets.formatting import format_short
from pages.runs.frames import Frame
from pages.runs.run import Run

MAX_POINTS = 2_000
"""maximum number of points that are fitted; larger data are sampled"""


@dataclass(frozen=True, eq=False)
class WidthPath:
    """Fits of soft K-means with decreasing widths, and of K-means, all from the same initial means."""

    data: Data
    """data of a run, or a sample of them"""
    ranks: np.ndarray
    """(k,) rank of each mean in that run, which determines its color and number"""
    widths: np.ndarray
    """(m,) decreasing widths, in the units of the points"""
    soft: list[SoftMeans]
    """fit for each width"""
    kmeans_centers: np.ndarray
    """(k, d) centers of K-means from the same initial means"""

    @cached_property
    def certainty(self) -> np.ndarray:
        """(m,) mean of each point's largest responsibility, for each width"""
        return np.array([fit.responsibilities.max(axis=1).mean() for fit in self.soft])

    @cached_property
    def distance(self) -> np.ndarray:
        """(m,) largest distance between a mean and the K-means center with the same number"""
        return np.array([np.sqrt(np.square(fit.means - self.kmeans_centers).sum(axis=1)).max() for fit in self.soft])

    @cached_property
    def frames(self) -> list[Frame]:
        """Frame with a sentence for each width."""
        explanation = "Responsibilities depend on the distances to the means relative to the width."
        return [
            Frame("width", i, i, i, float(i), None, self._sentence(i), explanation if i == 0 else "")
            for i in range(len(self.soft))
        ]

    def _sentence(self, i: int) -> str:
        place = f"within {format_short(float(self.distance[i]))} of the K-means centers"
        if self.distance[i] < 1e-6 * self.widths[0]:
            place = "at the K-means centers"
        certainty = f"the mean of each point's largest responsibility is {self.certainty[i]:.3f}"
        return f"Width {format_short(self.soft[i].width)}: {certainty}; the means are {place}."


def width_path(run: Run, n_widths: int = 36) -> WidthPath:
    """Fits from the initial means of a run: with the first width all means coincide; with the last they are those of K-means.

    Widths go from 1.5 to 0.01 times the largest standard deviation of the data in any direction.
    """
    data = run.data if len(run.data.points) <= MAX_POINTS else run.data.sample(MAX_POINTS)
    start = run.history.parameters[0].means
    # the means coincide as long as the width exceeds the largest standard deviation in any direction (Rose et al. 1990)
    spread = float(np.sqrt(np.linalg.eigvalsh(np.atleast_2d(np.cov(data.points.T, bias=True)))[-1])) or 1.0
    widths = spread * np.geomspace(1.5, 0.01, n_widths)
    kmeans_centers = fit(KMeans(len(start), init=start), data.points).parameters
    soft = [soft_kmeans(data.points, start, float(width), max_iter=300) for width in widths]
    return WidthPath(data, run.ranks, widths, soft, kmeans_centers)

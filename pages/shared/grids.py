"""What Gaussians say about every cell of a picture, many times over. Arrays in, arrays out; no Streamlit."""

from collections.abc import Iterator

import numpy as np

from clustering.chunks import largest_row, product
from clustering.features import coefficients_of, features_of
from clustering.gaussians import Gaussians

MOST_AT_ONCE = 2**19
"""numbers of so many cells and components"""


class Grid:
    """The middles of the cells of a picture.

    A density is a product of features of the place, which stay, and coefficients, which are few: so each state of a run costs
    a tenth of the time that it takes to ask the mixture about so many points. The last digits are for a picture only.
    """

    def __init__(self, extent: tuple[float, float, float, float], shape: tuple[int, int], axes: np.ndarray | None = None):
        """shape : rows and columns; axes : the unit vectors (2, d) along which the picture lies, by default of two columns."""
        (left, right, bottom, top), (rows, columns) = extent, shape
        x = np.linspace(left, right, columns, endpoint=False) + (right - left) / columns / 2
        y = np.linspace(top, bottom, rows, endpoint=False) + (bottom - top) / rows / 2
        self.shape = shape
        self.points = np.stack(np.meshgrid(x, y)).reshape(2, -1).T
        """(rows * columns, d), the top row first"""
        if axes is not None:
            self.points = self.points @ axes
        self._origin, self._scale = self.points.mean(axis=0), np.ptp(self.points, axis=0) / 2
        self._features = features_of("full", ((self.points - self._origin) / self._scale).T)

    def labels(self, gaussians: Gaussians) -> np.ndarray:
        """(rows, columns) the component with the largest share in each cell, the lowest number among equals."""
        return np.concatenate([largest_row(joint) for joint in self._log_joint(gaussians)]).reshape(self.shape)

    def log_density(self, gaussians: Gaussians) -> np.ndarray:
        """(rows, columns) ln p(x) of each cell, in nats per unit of area."""
        parts = []
        for joint in self._log_joint(gaussians):
            largest = joint.max(axis=0)
            parts.append(largest + np.log(np.exp(joint - largest).sum(axis=0)))
        return np.concatenate(parts).reshape(self.shape)

    def _log_joint(self, gaussians: Gaussians) -> Iterator[np.ndarray]:
        """(k, width) ln(w_k N(x | m_k, S_k)) of each component in so many cells, piece by piece."""
        weights, means, covariances = gaussians
        covariances = covariances / self._scale / self._scale[:, None]
        coefficients = coefficients_of("full", Gaussians(weights, (means - self._origin) / self._scale, covariances))
        coefficients[:, 0] -= np.log(self._scale).sum()
        width = MOST_AT_ONCE // len(means)
        for start in range(0, self._features.shape[1], width):
            yield product(coefficients, self._features[:, start : start + width])

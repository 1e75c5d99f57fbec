"""What Gaussians say about every cell of a picture, many times over. Arrays in, arrays out; no Streamlit."""

from collections.abc import Iterator

import numpy as np

from clustering.chunks import column_argmax, product
from clustering.features import coefficients_of, features_of
from clustering.gaussians import Gaussians

MAX_AT_ONCE = 2**17
"""numbers of so many cells and components"""


class Grid:
    """The middles of the cells of a picture.

    A density is a product of features of the place, which stay, and coefficients, which are few: so each state of a run costs
    a third to a tenth of the time that it takes to ask the mixture about so many points. The last digits are for a picture
    only.
    """

    def __init__(self, extent: tuple[float, float, float, float], shape: tuple[int, int], axes: np.ndarray | None = None):
        """shape : rows and columns; axes : the unit vectors (2, 2) along which the picture lies, by default the columns."""
        (left, right, bottom, top), (rows, columns) = extent, shape
        x = np.linspace(left, right, columns, endpoint=False) + (right - left) / columns / 2
        y = np.linspace(top, bottom, rows, endpoint=False) + (bottom - top) / rows / 2
        self.shape = shape
        self.points = np.stack(np.meshgrid(x, y)).reshape(2, -1).T
        """(rows * columns, 2), the top row first"""
        if axes is not None:
            self.points = self.points @ axes
        self._origin, self._scale = self.points.mean(axis=0), np.ptp(self.points, axis=0) / 2
        self._features = features_of("full", ((self.points - self._origin) / self._scale).T)

    def nearest(self, centers: np.ndarray) -> np.ndarray:
        """(rows, columns) the nearest of the centers (k, 2) to each cell by Euclidean distance, the lowest number among
        equals."""
        size = self._scale.max()  # one for both, so that no distance changes
        there = (centers - self._origin) / size
        return self._largest(np.column_stack([-0.5 * np.square(there).sum(axis=1), there * self._scale / size]))

    def labels(self, gaussians: Gaussians) -> np.ndarray:
        """(rows, columns) the component with the largest share in each cell, the lowest number among equals."""
        return self._largest(self._coefficients(gaussians))

    def log_density(self, gaussians: Gaussians) -> np.ndarray:
        """(rows, columns) ln p(x) of each cell, in nats per unit of area."""
        parts = []
        for joint in self._products(self._coefficients(gaussians)):
            largest = joint.max(axis=0)
            parts.append(largest + np.log(np.exp(joint - largest).sum(axis=0)))
        return np.concatenate(parts).reshape(self.shape)

    def _coefficients(self, gaussians: Gaussians) -> np.ndarray:
        """Those whose products with the features are ln(w_k N(x | m_k, S_k))."""
        weights, means, covariances = gaussians
        covariances = covariances / self._scale / self._scale[:, None]
        coefficients = coefficients_of("full", Gaussians(weights, (means - self._origin) / self._scale, covariances))
        coefficients[:, 0] -= np.log(self._scale).sum()
        return coefficients

    def _largest(self, coefficients: np.ndarray) -> np.ndarray:
        return np.concatenate([column_argmax(rows) for rows in self._products(coefficients)]).reshape(self.shape)

    def _products(self, coefficients: np.ndarray) -> Iterator[np.ndarray]:
        """(k, width) the products with the first features of so many cells, piece by piece."""
        k, count = coefficients.shape
        width = MAX_AT_ONCE // k
        for start in range(0, self._features.shape[1], width):
            yield product(coefficients, self._features[:count, start : start + width])

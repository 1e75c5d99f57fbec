"""Fast evaluation of many mixtures on the same grid of image cells."""

from collections.abc import Iterator

import numpy as np

from clustering.chunks import column_argmax, product
from clustering.features import coefficients_of, features_of
from clustering.gaussians import Gaussians

MAX_ENTRIES = 2**17
"""maximum size of the (components, cells) arrays, which are computed block by block"""


class Grid:
    """The centers of the cells of an image.

    Joint log-densities are the matrix product of the coefficients of the Gaussians and the features of the cells (1, x, y and
    their products; see `clustering.features`). The features are computed once. This is two to seven times as fast as
    `Gaussians.log_density`, but only accurate enough for images.
    """

    def __init__(self, extent: tuple[float, float, float, float], shape: tuple[int, int], axes: np.ndarray | None = None):
        """
        extent : left, right, bottom, top
        shape : rows, columns
        axes : (2, 2) array; its rows are the directions of the image's x and y axes, by default those of the data
        """
        (left, right, bottom, top), (rows, columns) = extent, shape
        x = np.linspace(left, right, columns, endpoint=False) + (right - left) / columns / 2
        y = np.linspace(top, bottom, rows, endpoint=False) + (bottom - top) / rows / 2
        self.shape = shape
        self.points = np.stack(np.meshgrid(x, y)).reshape(2, -1).T
        """(rows * columns, 2) cell centers, top row first"""
        if axes is not None:
            self.points = self.points @ axes
        self._origin, self._scale = self.points.mean(axis=0), np.ptp(self.points, axis=0) / 2
        self._features = features_of("full", ((self.points - self._origin) / self._scale).T)

    def nearest(self, centers: np.ndarray) -> np.ndarray:
        """Return, for each cell, the index of the nearest of the `centers` (k, 2), as a (rows, columns) array.

        Distances are Euclidean; ties go to the lowest index.
        """
        size = self._scale.max()  # the same for both axes, which preserves the order of distances
        scaled = (centers - self._origin) / size
        return self._largest(np.column_stack([-0.5 * np.square(scaled).sum(axis=1), scaled * self._scale / size]))

    def labels(self, gaussians: Gaussians) -> np.ndarray:
        """Return the index of the most probable component in each cell, as a (rows, columns) array; ties go to the lowest."""
        return self._largest(self._coefficients(gaussians))

    def log_density(self, gaussians: Gaussians) -> np.ndarray:
        """Return the log-density ln p(x) at each cell center as a (rows, columns) array."""
        parts = []
        for joint in self._products(self._coefficients(gaussians)):
            largest = joint.max(axis=0)
            parts.append(largest + np.log(np.exp(joint - largest).sum(axis=0)))
        return np.concatenate(parts).reshape(self.shape)

    def _coefficients(self, gaussians: Gaussians) -> np.ndarray:
        """Coefficients whose products with the features are ln(w_k N(x | m_k, S_k))."""
        weights, means, covariances = gaussians
        covariances = covariances / self._scale / self._scale[:, None]
        coefficients = coefficients_of("full", Gaussians(weights, (means - self._origin) / self._scale, covariances))
        coefficients[:, 0] -= np.log(self._scale).sum()
        return coefficients

    def _largest(self, coefficients: np.ndarray) -> np.ndarray:
        """The index of the largest product in each cell, as a (rows, columns) array."""
        return np.concatenate([column_argmax(rows) for rows in self._products(coefficients)]).reshape(self.shape)

    def _products(self, coefficients: np.ndarray) -> Iterator[np.ndarray]:
        """Products with the features, as (k, width) arrays for successive blocks of cells."""
        k, count = coefficients.shape
        width = MAX_ENTRIES // k
        for start in range(0, self._features.shape[1], width):
            yield product(coefficients, self._features[:count, start : start + width])

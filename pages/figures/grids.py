"""Fast evaluation of many mixtures on the same grid of image cells."""

from collections.abc import Callable, Iterator
from functools import cached_property

import numpy as np

from clustering.chunks import product
from clustering.features import coefficients_of, features_of
from clustering.gaussians import LOG_2PI, Gaussians
from clustering.student_mixture import Students, log_peaks

MAX_ENTRIES = 2**17
"""maximum size of the (components, cells) arrays, which are computed block by block"""
MAX_CELLS = 2**16
"""number of cells that are labeled at a time, so that a few arrays of them stay in the processor cache"""


class Grid:
    """The centers of the cells of an image.

    Along a row of cells, the log density of a Gaussian is a quadratic in x, and squared distances to two centers differ by a
    linear function of x. `labels` compares the former and `nearest` the latter in single precision, enough for images. For
    `log_density`, joint log densities are products of the coefficients of the Gaussians and the features of the cells (1, x, y
    and their products; see `clustering.features`), which are computed once.
    """

    def __init__(self, extent: tuple[float, float, float, float], shape: tuple[int, int], axes: np.ndarray | None = None):
        """
        extent : left, right, bottom, top
        shape : rows, columns
        axes : (2, 2) orthogonal matrix; its rows are the directions of the image's x and y axes, by default those of the data
        """
        (left, right, bottom, top), (rows, columns) = extent, shape
        self.shape, self._axes = shape, np.eye(2) if axes is None else axes
        self._x = np.linspace(left, right, columns, endpoint=False) + (right - left) / columns / 2
        self._y = np.linspace(top, bottom, rows, endpoint=False) + (bottom - top) / rows / 2
        self._middle = np.array([(left + right) / 2, (bottom + top) / 2])
        self._half_size = np.array([right - left, top - bottom]) / 2

    @cached_property
    def points(self) -> np.ndarray:
        """(rows * columns, 2) cell centers, top row first"""
        return np.stack(np.meshgrid(self._x, self._y)).reshape(2, -1).T @ self._axes

    def nearest(self, centers: np.ndarray) -> np.ndarray:
        """Return, for each cell, the index of the nearest of the `centers` (k, 2), as a (rows, columns) array.

        Distances are Euclidean; ties go to the lowest index.
        """
        size = self._half_size.max()  # the same for both axes, which preserves the order of distances
        scaled = (centers @ self._axes.T - self._middle) / size
        return self._largest(np.column_stack([-0.5 * np.square(scaled).sum(axis=1), scaled * (self._half_size / size)]))

    def labels(self, gaussians: Gaussians) -> np.ndarray:
        """Return the index of the most probable component in each cell, as a (rows, columns) array; ties go to the lowest."""
        return self._largest(self._coefficients(gaussians))

    def labels_of_students(self, students: Students) -> np.ndarray:
        """Return the index of the most probable t distribution in each cell, as `labels` does for Gaussians."""
        ones = students.gaussians._replace(weights=np.ones(len(students.weights)))
        squares = self._coefficients(ones)
        squares[:, 0] += LOG_2PI + 0.5 * np.linalg.slogdet(students.scales)[1]
        squares = (-2 * squares / students.degrees[:, None]).astype(np.float32)
        x = ((self._x - self._middle[0]) / self._half_size[0]).astype(np.float32)
        y = ((self._y - self._middle[1]) / self._half_size[1]).astype(np.float32)[:, None]
        peaks, factors = log_peaks(students).astype(np.float32), (-0.5 * (students.degrees + 2)).astype(np.float32)

        def write_score(k, rows, score):
            c = squares[k]
            np.add(c[1] + c[4] * y[rows], c[3] * x, out=score)
            score *= x
            score += c[0] + c[2] * y[rows] + c[5] * np.square(y[rows])
            np.log1p(np.maximum(score, 0, out=score), out=score)
            score *= factors[k]
            score += peaks[k]

        return self._argmax(len(squares), write_score, -np.inf)

    def _largest(self, coefficients: np.ndarray) -> np.ndarray:
        """The index of the largest of k polynomials in each cell, as a (rows, columns) array.

        coefficients : (k, 6) of 1, x, y, x^2, x y and y^2, or (k, 3) of the first three; x and y range from -1 to 1
        """
        c = coefficients - coefficients[0]  # what all have in common does not matter, and differences need fewer digits
        x = ((self._x - self._middle[0]) / self._half_size[0]).astype(np.float32)
        y = (self._y - self._middle[1]) / self._half_size[1]
        constant, slope = c[:, :1] + c[:, 2:3] * y, np.broadcast_to(c[:, 1:2], (len(c), len(y)))
        if c.shape[1] > 3:
            constant, slope = constant + c[:, 5:] * np.square(y), slope + c[:, 4:5] * y
        constant, slope = constant.astype(np.float32)[:, :, None], slope.astype(np.float32)[:, :, None]

        def write_score(k, rows, score):
            if c.shape[1] > 3:
                np.add(slope[k, rows], np.float32(c[k, 3]) * x, out=score)
                score *= x
            else:
                np.multiply(slope[k, rows], x, out=score)
            score += constant[k, rows]

        return self._argmax(len(c), write_score, 0.0, first=1)  # the first polynomial is now zero

    def _argmax(self, k: int, write_score: Callable, lowest: float, first: int = 0) -> np.ndarray:
        """The index of the largest of k scores in each cell, as a (rows, columns) array; ties go to the lowest.

        Parameters
        ----------
        write_score : `write_score(i, rows, out)` writes score number i of these rows of cells to `out`
        lowest : largest score of the indices below `first`, all of which count as 0
        """
        rows, columns = self.shape
        height = min(max(MAX_CELLS // columns, 1), rows)
        labels = np.zeros(self.shape, dtype=np.min_scalar_type(k - 1))
        scores, best = np.empty((2, height, columns), dtype=np.float32)
        are_larger = np.empty((height, columns), dtype=bool)
        for top in range(0, rows, height):
            block = slice(top, min(top + height, rows))
            label = labels[block]
            score, largest, larger = (array[: len(label)] for array in (scores, best, are_larger))
            largest[:] = lowest
            for i in range(first, k):
                write_score(i, block, score)
                np.greater(score, largest, out=larger)
                np.maximum(largest, score, out=largest)
                # sets the label to i where larger, because i exceeds all labels so far
                np.maximum(label, larger.view(np.uint8) * labels.dtype.type(i), out=label)
        return labels

    def log_density(self, gaussians: Gaussians) -> np.ndarray:
        """Return the log-density ln p(x) at each cell center as a (rows, columns) array."""
        parts = []
        for joint in self._products(self._coefficients(gaussians)):
            largest = joint.max(axis=0)
            parts.append(largest + np.log(np.exp(joint - largest).sum(axis=0)))
        return np.concatenate(parts).reshape(self.shape)

    def _coefficients(self, gaussians: Gaussians) -> np.ndarray:
        """(k, 6) coefficients of ln(w_k N(x | m_k, S_k)) as a polynomial in scaled coordinates along the image's axes."""
        weights, means, covariances = gaussians
        means = (means @ self._axes.T - self._middle) / self._half_size
        covariances = self._axes @ covariances @ self._axes.T / self._half_size / self._half_size[:, None]
        coefficients = coefficients_of("full", Gaussians(weights, means, covariances))
        coefficients[:, 0] -= np.log(self._half_size).sum()
        return coefficients

    @cached_property
    def _features(self) -> np.ndarray:
        """(6, rows * columns) features of the cells in scaled coordinates."""
        x, y = (self._x - self._middle[0]) / self._half_size[0], (self._y - self._middle[1]) / self._half_size[1]
        return features_of("full", np.stack(np.meshgrid(x, y)).reshape(2, -1))

    def _products(self, coefficients: np.ndarray) -> Iterator[np.ndarray]:
        """Products with the features, as (k, width) arrays for successive blocks of cells."""
        width = MAX_ENTRIES // len(coefficients)
        for start in range(0, self._features.shape[1], width):
            yield product(coefficients, self._features[:, start : start + width])

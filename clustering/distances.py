"""Distances between points and centers."""

from functools import partial

import numpy as np
from scipy.spatial.distance import cdist

from clustering.chunks import chunk_size, map_chunks
from clustering.dask_tables import array_of_blocks
from clustering.points import check_points, is_dask


def nearest_centers(centers, points) -> np.ndarray:
    """(n,) index of the nearest center of each point by Euclidean distance, the lowest index if tied.

    Parameters
    ----------
    centers : (k, d) array
    points : (n, d) array
        For a Dask array or dataframe, the result is a lazily computed Dask array.

    Raises
    ------
    ValueError
        As in `check_points`, or if points and centers have different numbers of columns.
    """
    if is_dask(points):
        return array_of_blocks(partial(nearest_centers, centers), points, (), np.intp)
    centers, points = check_points(centers, "centers"), check_points(points)
    if centers.shape[1] != points.shape[1]:
        raise ValueError(f"points must have {centers.shape[1]} columns like the centers, got {points.shape[1]}")
    labels = np.empty(len(points), dtype=np.intp)

    def part(chunk):
        # from differences, so that a common offset loses no precision
        labels[chunk] = cdist(points[chunk], centers, "sqeuclidean").argmin(axis=1)

    map_chunks(part, len(points), chunk_size(len(centers)))
    return labels


def squared_distances(columns, centers) -> np.ndarray:
    """(k, n) squared Euclidean distances of centers (k, d) to points, given transposed as (d, n): one row per coordinate.

    Computed from differences, which avoids cancellation.
    """
    distances = np.zeros((len(centers), columns.shape[1]))
    difference = np.empty(columns.shape[1])
    for center, row in zip(centers, distances, strict=True):
        for column, coordinate in zip(columns, center, strict=True):
            np.subtract(column, coordinate, out=difference)
            difference *= difference
            row += difference
    return distances

"""Counts of points per pixel and cluster, and the extent of a plot: as small for a billion points as for a thousand.

Both take points in memory, or a Dask array: then the workers count the points of each block and add up the counts.
"""

from functools import partial
from typing import NamedTuple

import numpy as np

from clustering.chunks import map_chunks
from clustering.dask_tables import label_tasks, numbers_of
from clustering.points import check_points, is_dask, is_integer
from clustering.tasks import InvalidBlock, combined, literal

CHUNK = 2**16
"""points counted at a time"""
BINS = 2**12
"""number of bins in which the rank of a quantile is counted in one pass"""
PRECISION = 1e-3
"""error of a quantile on blocks, as a fraction of the distance between the lower and the upper one"""


def pixel_counts(points, labels, extent, shape: tuple[int, int], k: int = 1) -> np.ndarray:
    """Number of points of each cluster in each pixel of an image.

    Parameters
    ----------
    points : (n, 2) array, or Dask array or dataframe of numbers
        For a run on Dask, `prepared.points` has the blocks of the labels, and is not read again if it is kept in memory.
    labels : (n,) array of integers, Dask array or None
        Cluster of each point, 0..k-1, or -1 for none. None: all points are in cluster 0.
    extent : (2, 2) array-like
        Lower and upper limit of the horizontal, then of the vertical axis, such as the result of `quantile_extent`.
    shape : (height, width)
        Number of pixels.
    k : int
        Number of clusters.

    Returns
    -------
    (k, height, width) array of unsigned integers
        The first row is at the top. Points outside of the extent and points with label -1 are not counted.

    Raises
    ------
    ValueError
        As in `check_points`, or for Dask if a block is not numeric; if the points do not have two columns, if there is not one
        label per point, or if labels, extent, shape or k are out of range.

    Notes
    -----
    Each worker sends 4 k height width bytes, or 8 if a pixel has 2^32 points or more.
    """
    extent, size = np.asarray(extent, dtype=float), tuple(shape)
    if extent.shape != (2, 2) or not np.isfinite(extent).all() or not (extent[:, 0] < extent[:, 1]).all():
        raise ValueError(f"extent must have a lower and a larger upper limit of both axes, got {extent.tolist()}")
    if len(size) != 2 or not all(is_integer(number) and number > 0 for number in (*size, k)):
        raise ValueError(f"height, width and k must be integers of at least 1, got shape {size} and k = {k}")
    count = partial(_counts, extent=extent, size=size, k=k)
    if not is_dask(points):
        points = check_points(points)
        _check_columns(points.shape[1])
        return count(points, None if labels is None else np.asarray(labels))
    tasks, d, counts = numbers_of(points, "points")
    _check_columns(d)
    if labels is None:
        given = [None] * len(tasks)
    elif counts is None:
        raise ValueError("the blocks of the points have an unknown size: use `points` of the prepared data of the run")
    else:
        given = label_tasks(labels, counts)
    return combined(tasks.call(_call, given, literal(count)), _add_counts, "pixel_counts")


def _check_columns(d: int) -> None:
    if d != 2:
        raise ValueError(f"points must have two columns, got {d}: choose two, or project them with principal components")


def _call(block: np.ndarray, labels: np.ndarray | None, count) -> np.ndarray:
    return count(block, labels)


def _counts(points, labels, extent, size, k) -> np.ndarray:
    if labels is not None and (labels.shape != (len(points),) or labels.min(initial=0) < -1 or labels.max(initial=0) >= k):
        raise InvalidBlock(f"labels must be one per point and lie in -1..k-1={k - 1}")
    (height, width), ((left, right), (bottom, top)) = size, extent

    def part(chunk):
        x, y = np.ascontiguousarray(points[chunk].T)
        (at,) = ((x >= left) & (x <= right) & (y >= bottom) & (y <= top)).nonzero()
        column = np.minimum((x.take(at) - left) * (width / (right - left)), width - 1).astype(np.intp)
        row = np.minimum((top - y.take(at)) * (height / (top - bottom)), height - 1).astype(np.intp)
        pixels = row * width + column
        if labels is None:
            return pixels
        clusters = labels[chunk].take(at).astype(np.intp)
        return (pixels + clusters * (height * width))[clusters >= 0]

    pixels = np.concatenate([np.empty(0, dtype=np.intp), *map_chunks(part, len(points), CHUNK)])
    return np.bincount(pixels, minlength=k * height * width).astype(np.uint32).reshape(k, height, width)


def _add_counts(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.add(a, b, dtype=np.uint64 if int(a.max()) + int(b.max()) >= 2**32 else a.dtype)


def quantile_extent(points, outside: float = 0.005, margin: float = 0.1) -> np.ndarray:
    """Limits of the axes of a plot in which outliers do not determine the scale.

    Each axis spans the quantiles `outside` and 1 - `outside` with a margin, but not more than all values and a small margin.

    Parameters
    ----------
    points : (n, d) array, or Dask array or dataframe of numbers
        Values that are not finite are ignored in blocks.
    outside : float
        Proportion of the points, at least 0 and below 0.5, that may lie outside at each end.
    margin : float
        Margin on each side, as a fraction of the distance between the two quantiles.

    Returns
    -------
    (d, 2) array
        Lower and upper limit of each column. On blocks, quantiles have an error of up to `PRECISION` times this distance.

    Raises
    ------
    ValueError
        As in `check_points`; for Dask, if a block is not numeric or no value of a column is finite; or if `outside` or
        `margin` is out of range.

    Notes
    -----
    On blocks, a first pass takes the quantiles of each block, between whose extremes that of all points must lie. Each further
    pass counts the points in `BINS` bins of this interval; one pass suffices unless the blocks are very different.
    """
    if not 0 <= outside < 0.5 or not 0 <= margin < np.inf:
        raise ValueError(f"outside must lie in 0..0.5 and margin must be at least 0, got {outside} and {margin}")
    if is_dask(points):
        lowest, low, high, highest = _quantiles_of_blocks(points, outside)
    else:
        lowest, low, high, highest = np.quantile(check_points(points), [0, outside, 1 - outside, 1], axis=0)
    width = high - low
    # a constant column gets an axis around its value
    around = np.where(highest > lowest, 0.05 * (highest - lowest), np.maximum(np.abs(lowest), 1.0) / 2)
    limits = np.maximum(low - margin * width, lowest - around), np.minimum(high + margin * width, highest + around)
    return np.where(np.array(limits[0] < limits[1]), limits, (lowest - around, highest + around)).T


class _Ranges(NamedTuple):
    """Of the finite values of each column."""

    counts: np.ndarray
    """(d,) their number"""
    lowest: np.ndarray
    """(2, d) the smallest and the largest quantile of a block at the lower end"""
    highest: np.ndarray
    """(2, d) likewise at the upper end"""
    extremes: np.ndarray
    """(2, d) minimum and maximum"""


def _quantiles_of_blocks(points, outside: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Minimum, lower quantile, upper quantile and maximum of each column."""
    tasks = numbers_of(points, "points")[0]
    found = combined(tasks.call(_ranges, [outside] * len(tasks)), _range_of_both, "ranges")
    if not found.counts.all():
        raise ValueError(f"column {found.counts.argmin()} has no finite value")
    # (2, 2, d): lower and upper quantile; limits between which it lies
    limits = np.array([found.lowest, found.highest])
    ranks = np.array([[outside], [1 - outside]]) * (found.counts - 1)
    while True:
        width = limits[:, 1] - limits[:, 0]
        if (width <= PRECISION * (limits[1, 1] - limits[0, 0])).all():
            return found.extremes[0], limits[0, 0], limits[1, 1], found.extremes[1]
        counts = combined(tasks.call(_rank_counts, literal(limits)), np.add, "ranks")
        at = np.minimum((np.cumsum(counts, axis=-1) <= ranks[:, :, None]).sum(axis=-1) - 1, BINS - 1).clip(0)
        narrower = np.stack([limits[:, 0] + at / BINS * width, limits[:, 0] + (at + 1) / BINS * width], axis=1)
        if (narrower == limits).all():  # the limits of double precision
            return found.extremes[0], limits[0, 0], limits[1, 1], found.extremes[1]
        limits = narrower


def _ranges(block: np.ndarray, outside: float) -> _Ranges:
    finite = np.isfinite(block)
    columns = [column[valid] for column, valid in zip(block.T, finite.T, strict=True)]
    nothing = np.array([np.inf, np.inf, -np.inf, -np.inf])
    quantiles = np.array(
        [np.quantile(column, [0, outside, 1 - outside, 1]) if column.size else nothing for column in columns]
    ).T
    empty = finite.sum(axis=0) == 0
    low, high = (np.where(empty, [[np.inf], [-np.inf]], quantiles[i]) for i in (1, 2))
    return _Ranges(finite.sum(axis=0), low, high, quantiles[[0, 3]])


def _range_of_both(a: _Ranges, b: _Ranges) -> _Ranges:
    return _Ranges(a.counts + b.counts, *map(_hull, a[1:], b[1:]))


def _hull(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.array([np.minimum(a[0], b[0]), np.maximum(a[1], b[1])])


def _rank_counts(block: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """(2, d, 1 + BINS) number of finite values below the limits of each quantile, and in each bin between them."""
    counts = np.zeros((2, block.shape[1], BINS + 1), dtype=np.int64)
    for end, (low, high) in enumerate(limits):
        for i, column in enumerate(block.T):
            below = column < low[i]
            counts[end, i, 0] = np.count_nonzero(below & np.isfinite(column))
            between = column[~below & (column <= high[i])]
            if high[i] > low[i]:
                bins = ((between - low[i]) * (BINS / (high[i] - low[i]))).astype(np.intp)
                counts[end, i, 1:] = np.bincount(np.minimum(bins, BINS - 1), minlength=BINS)
    return counts

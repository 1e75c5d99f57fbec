"""Chunked, multithreaded computation on long arrays. Chunks fit in the processor cache and run on all cores.

NumPy and BLAS release the global interpreter lock (GIL) inside their loops, so threads suffice. Results are returned in the
order of the chunks, so sums over them are reproducible.
"""

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="clustering")


_settings = threading.local()


@contextmanager
def single_thread():
    """`map_chunks` evaluates the chunks in the calling thread, for tasks of which several run at the same time."""
    before, _settings.single = getattr(_settings, "single", False), True
    try:
        yield
    finally:
        _settings.single = before


BLAS_THRESHOLD = 128
"""number of multiplications per column above which a matrix product in BLAS uses all cores efficiently by itself"""


def map_chunks(function: Callable[[slice], Any], n: int, size: int, multiplications: int = 0) -> list[Any]:
    """[function(slice(0, size)), function(slice(size, 2 * size)), …] up to n, evaluated on all cores.

    `multiplications` is the number of multiplications per column in the matrix products of `function`. If it reaches
    `BLAS_THRESHOLD`, the chunks are evaluated one after another, because BLAS has threads of its own, which would compete
    with ours for the cores.
    """
    slices = [slice(begin, min(begin + size, n)) for begin in range(0, n, size)]
    if len(slices) == 1 or multiplications >= BLAS_THRESHOLD or getattr(_settings, "single", False):
        return [function(chunk) for chunk in slices]
    return list(_pool().map(function, slices))


MAX_SINGLE_THREADED = 2**19 - 1
"""maximum number of multiplications for which OpenBLAS computes a matrix product in a single thread"""
MIN_WIDTH = 64
"""number of columns per block below which products become slower"""


def product(left: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """left (…, k, m) @ columns (m, n), computed in the calling thread alone.

    For functions run by `map_chunks`, where additional BLAS threads would slow down the computation. The product is split
    into blocks too small for BLAS to start threads.
    """
    (k, m), n = left.shape[-2:], columns.shape[1]
    width = max(MAX_SINGLE_THREADED // (k * m), MIN_WIDTH)
    if n <= width:
        return left @ columns
    if left.ndim > 2:
        return np.stack([product(one, columns) for one in left])
    result = np.empty((k, n))
    height, whole = max(MAX_SINGLE_THREADED // (m * width), 1), n - n % width
    for top in range(0, k, height):
        rows = slice(top, top + height)
        np.matmul(left[rows], _blocks(columns[:, :whole], width), out=_blocks(result[rows, :whole], width))
        np.matmul(left[rows], columns[:, whole:], out=result[rows, whole:])
    return result


def inner_product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """left (…, k, n) @ right.T (n, m), computed in the calling thread alone."""
    (k, n), m = left.shape[-2:], len(right)
    width = max(MAX_SINGLE_THREADED // (k * m), MIN_WIDTH)
    if n <= width:
        return left @ right.T
    if left.ndim > 2:
        return np.stack([inner_product(one, right) for one in left])
    whole = n - n % width
    parts = _blocks(left[:, :whole], width) @ _blocks(right[:, :whole], width).transpose(0, 2, 1)
    return parts.sum(axis=0) + left[:, whole:] @ right[:, whole:].T


def _blocks(rows: np.ndarray, width: int) -> np.ndarray:
    """(blocks, k, width) view of rows (k, blocks * width)."""
    return rows.reshape(len(rows), -1, width).transpose(1, 0, 2)


def chunk_size(rows: int) -> int:
    """Number of columns per chunk if each column needs `rows` floats.

    Chunks are long, because passing the GIL between threads costs as much as processing 16,000 numbers.
    """
    return min(max(2**22 // rows, 2048), 2**17)


def two_smallest(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Smallest entry of each column, its row, and the second smallest entry.

    Parameters
    ----------
    rows : (k, n) array

    Returns
    -------
    smallest, labels, second : (n,) arrays
        `labels` is the first row with the smallest value, in the smallest unsigned integer type that holds k - 1.
        `second` is infinite if k = 1, and equal to `smallest` if the minimum is tied.
    """
    smallest = rows[0].copy()
    second = np.full_like(smallest, np.inf)
    labels = np.zeros(len(smallest), dtype=np.min_scalar_type(len(rows) - 1))
    larger, closer, number = np.empty_like(smallest), np.empty(len(smallest), dtype=bool), np.empty_like(labels)
    # row by row: each pass runs along contiguous memory, unlike argmin(axis=0)
    for k in range(1, len(rows)):
        row = rows[k]
        np.less(row, smallest, out=closer)
        np.minimum(second, np.maximum(smallest, row, out=larger), out=second)
        np.minimum(smallest, row, out=smallest)
        # sets the label to k where closer: k exceeds all labels so far, and a maximum of short integers is fastest
        np.maximum(labels, np.multiply(closer.view(np.uint8), labels.dtype.type(k), out=number), out=labels)
    return smallest, labels, second


def approximate_two_smallest(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Like `two_smallest` with a relative error of the entries of up to 2 k EPS; faster for few columns. Overwrites `rows`.

    Makes a few passes over the whole array instead of six over each row, which saves call overhead. Entries must be finite.
    Entries that differ by less than the error may be returned in either order. The labels may have any integer type.
    """
    if rows.shape[1] > 1500 * (len(rows) - 3):  # threshold found by timing
        return two_smallest(rows)
    # store the row number in the lowest bits of each entry, so that the minimum carries its row
    bits = rows.view(np.int64)
    mask = (1 << (len(rows) - 1).bit_length()) - 1
    bits &= ~mask
    bits |= np.arange(len(rows))[:, None]
    smallest = rows.min(axis=0)
    labels = smallest.view(np.int64) & mask
    rows[labels, np.arange(len(labels))] = np.inf
    return smallest, labels, rows.min(axis=0)


def column_argmax(rows: np.ndarray) -> np.ndarray:
    """(n,) row of the largest entry of each column, the first one if tied; integer type as in `two_smallest`.

    If `rows` has the shape (k, …), the result has the shape (…).
    """
    largest = rows[0].copy()
    labels = np.zeros(largest.shape, dtype=np.min_scalar_type(len(rows) - 1))
    larger, number = np.empty(largest.shape, dtype=bool), np.empty_like(labels)
    # row by row as in `two_smallest`: several times faster than argmax(axis=0)
    for k in range(1, len(rows)):
        np.greater(rows[k], largest, out=larger)
        np.maximum(largest, rows[k], out=largest)
        np.maximum(labels, np.multiply(larger.view(np.uint8), labels.dtype.type(k), out=number), out=labels)
    return labels

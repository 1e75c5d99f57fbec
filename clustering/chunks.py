"""Work on long arrays piece by piece: each piece stays in the processor's cache, and the pieces run on all cores.

NumPy and BLAS release the interpreter's lock inside their loops, so plain threads are enough. Results come back in the
order of the pieces, so sums over them are the same in every run.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="clustering")


BLAS_THREADS = 128
"""multiplications per column of a matrix product from which BLAS itself makes good use of all cores"""


def map_chunks(function: Callable[[slice], Any], n: int, size: int, multiplications: int = 0) -> list[Any]:
    """[function(slice(0, size)), function(slice(size, 2 * size)), …], evaluated on all cores, up to n.

    `multiplications` is the work per column that the function gives to matrix products. From `BLAS_THREADS` on the
    chunks come in turn: two layers of threads would be in each other's way.
    """
    slices = [slice(begin, min(begin + size, n)) for begin in range(0, n, size)]
    if len(slices) == 1 or multiplications >= BLAS_THREADS:
        return [function(piece) for piece in slices]
    return list(_pool().map(function, slices))


ALONE = 2**19 - 1
"""multiplications of a matrix product up to which BLAS (OpenBLAS at least) starts no threads of its own"""
NARROWEST = 64
"""columns at a time below which a product takes longer"""


def product(left: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """left (k, m) @ columns (m, n), by the calling thread alone: for functions that `map_chunks` runs on all cores, where
    threads of BLAS would be in the way.

    One call of NumPy makes all the small products that it takes, without the interpreter's lock.
    """
    (k, m), n = left.shape, columns.shape[1]
    width = max(ALONE // (k * m), NARROWEST)
    if n <= width:
        return left @ columns
    result = np.empty((k, n))
    height, whole = max(ALONE // (m * width), 1), n - n % width
    for top in range(0, k, height):
        rows = slice(top, top + height)
        np.matmul(left[rows], _pieces(columns[:, :whole], width), out=_pieces(result[rows, :whole], width))
        np.matmul(left[rows], columns[:, whole:], out=result[rows, whole:])
    return result


def inner_product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """left (k, n) @ right.T (n, m), in the same way."""
    (k, n), m = left.shape, len(right)
    width = max(ALONE // (k * m), NARROWEST)
    if n <= width:
        return left @ right.T
    whole = n - n % width
    parts = _pieces(left[:, :whole], width) @ _pieces(right[:, :whole], width).transpose(0, 2, 1)
    return parts.sum(axis=0) + left[:, whole:] @ right[:, whole:].T


def _pieces(rows: np.ndarray, width: int) -> np.ndarray:
    """A view (pieces, k, width) of rows (k, pieces * width)."""
    return rows.reshape(len(rows), -1, width).transpose(1, 0, 2)


def chunk_size(rows: int) -> int:
    """How many columns to take at a time where each column needs `rows` floats.

    Long pieces: handing the interpreter's lock from thread to thread costs as much as a pass over 16,000 numbers.
    """
    return min(max(2**22 // rows, 2048), 2**17)


def two_smallest(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The smallest entry of each column, its row, and the second smallest entry.

    Parameters
    ----------
    rows : (k, n) array

    Returns
    -------
    least, labels, second : (n,) arrays
        `labels` is the lowest row that holds the least value, in the shortest unsigned integers that hold k - 1;
        `second` is infinite when k = 1, and equal to `least` where two rows tie.
    """
    least = rows[0].copy()
    second = np.full_like(least, np.inf)
    labels = np.zeros(len(least), dtype=np.min_scalar_type(len(rows) - 1))
    larger, closer, number = np.empty_like(least), np.empty(len(least), dtype=bool), np.empty_like(labels)
    # row by row, because a reduction over k runs along contiguous memory this way and argmin(axis=0) does not
    for k in range(1, len(rows)):
        row = rows[k]
        np.less(row, least, out=closer)
        np.minimum(second, np.maximum(least, row, out=larger), out=second)
        np.minimum(least, row, out=least)
        # k where closer: it exceeds all labels given so far, and the maximum of short integers is the fastest way
        np.maximum(labels, np.multiply(closer.view(np.uint8), labels.dtype.type(k), out=number), out=labels)
    return least, labels, second


def approximate_two_smallest(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """As `two_smallest`, but entries count with a relative error of up to 2 k EPS, and `rows` is overwritten.

    A few passes over all rows at once instead of six over each, which take longer to call than to make where columns are
    few. Entries must be finite. Two that are closer than that error may come in either order. The labels are integers of any
    length.
    """
    if rows.shape[1] > 1500 * (len(rows) - 3):  # as measured
        return two_smallest(rows)
    # each entry carries its row in its last bits, so that the least entry tells where it was
    bits = rows.view(np.int64)
    mask = (1 << (len(rows) - 1).bit_length()) - 1
    bits &= ~mask
    bits |= np.arange(len(rows))[:, None]
    least = rows.min(axis=0)
    labels = least.view(np.int64) & mask
    rows[labels, np.arange(len(labels))] = np.inf
    return least, labels, rows.min(axis=0)


def column_argmax(rows: np.ndarray) -> np.ndarray:
    """The row of the largest entry of each column, the lowest on ties; (n,), typed as in `two_smallest`."""
    largest = rows[0].copy()
    labels = np.zeros(len(largest), dtype=np.min_scalar_type(len(rows) - 1))
    larger, number = np.empty(len(largest), dtype=bool), np.empty_like(labels)
    # as in `two_smallest`: several times faster than argmax(axis=0)
    for k in range(1, len(rows)):
        np.greater(rows[k], largest, out=larger)
        np.maximum(largest, rows[k], out=largest)
        np.maximum(labels, np.multiply(larger.view(np.uint8), labels.dtype.type(k), out=number), out=labels)
    return labels

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


def over_chunks(function: Callable[[slice], Any], n: int, size: int) -> list[Any]:
    """[function(slice(0, size)), function(slice(size, 2 * size)), …], evaluated on all cores, up to n."""
    slices = [slice(begin, min(begin + size, n)) for begin in range(0, n, size)]
    if len(slices) == 1:
        return [function(slices[0])]
    return list(_pool().map(function, slices))


def chunk_size(rows: int) -> int:
    """How many columns of an array with `rows` rows of floats fit well into a cache of about one megabyte."""
    return int(np.clip(2**20 // rows, 2048, 131072))


def two_smallest(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The smallest entry of each column, its row, and the second smallest entry.

    Parameters
    ----------
    rows : (k, n) array

    Returns
    -------
    least, labels, second : (n,) arrays
        `labels` is the lowest row that holds the least value, in the shortest unsigned integers that hold k - 1; `second`
        is infinite when k = 1, and equal to `least` where two rows tie.
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

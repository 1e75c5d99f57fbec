"""Dask arrays and dataframes as tasks, one for each block of rows."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from operator import getitem

import numpy as np

from clustering.points import as_doubles
from clustering.tasks import InvalidBlock, Tasks, dask, joined, literal, new_name

MAX_ROWS = 2**20
"""maximum number of rows per block; longer ones are divided, because a step needs several times their memory"""


def numbers_of(data, name: str) -> tuple[Tasks, int, tuple[int, ...] | None]:
    """The rows of a Dask array or dataframe; `name` is what messages call it.

    Returns
    -------
    tasks : Tasks
        Each block of rows as an array of doubles (rows, d).
    d : int
        Number of columns.
    counts : tuple of int
        Number of rows of each block; None if unknown.

    Raises
    ------
    ValueError
        If `data` is not a Dask array or dataframe of numbers with two dimensions. A block that contains something else raises
        `InvalidBlock` when it is computed.
    """
    if not hasattr(data, "to_delayed") or not hasattr(data, "ndim"):
        raise ValueError(f"{name} must be a Dask array or dataframe of numbers, got {type(data).__name__}")
    if data.ndim != 2:
        raise ValueError(f"{name} must have two dimensions (n, d), got {data.ndim}")
    d, counts, is_frame = int(data.shape[1]), None, hasattr(data, "dtypes")
    for column, dtype in dict(data.dtypes).items() if is_frame else [(None, data.dtype)]:
        if not _is_real(dtype):
            where = f"column {column!r}" if is_frame else "the array"
            raise ValueError(f"{name} must be numbers, but {where} has the type {dtype}")
    if not is_frame:
        counts = None if np.isnan(data.shape[0]) else _divided(data.chunks[0])
        data = data.rechunk({1: d} if counts is None else (counts, d))
    tasks = tasks_of(data)
    m = len(tasks)
    return tasks.call(_numbers, [d] * m, list(range(m)), [name] * m), d, counts


def _numbers(block, d: int, i: int, name: str) -> np.ndarray:
    try:
        numbers = np.ascontiguousarray(as_doubles(block, name, "numbers"))
    except (TypeError, ValueError):
        types = dict(getattr(block, "dtypes", {}))
        wrong = [
            f"in block {i}, column {column!r} has the type {dtype}" for column, dtype in types.items() if not _is_real(dtype)
        ]
        raise InvalidBlock(f"{name} must be numbers, but {[*wrong, f'block {i} contains other values'][0]}") from None
    if numbers.shape[1:] != (d,):
        raise InvalidBlock(f"{name} must have {d} columns, but block {i} has shape {numbers.shape}")
    return numbers


def _is_real(dtype) -> bool:
    return getattr(dtype, "kind", "O") in "biuf"


def divide_long(tasks: Tasks, counts: Sequence[int]) -> tuple[Tasks, np.ndarray]:
    """Divides arrays with more than `MAX_ROWS` rows; `counts` are the numbers of rows of all arrays.

    Returns the tasks, and a (blocks,) array with the number of rows of each.
    """
    tasks, items, lengths = tasks.named(new_name("rows")), [], []
    for item, count in zip(tasks.items, counts, strict=True):
        ends = np.cumsum((0, *_divided([count]))).tolist()
        items += [(getitem, item, slice(begin, end)) for begin, end in pairwise(ends)] if len(ends) > 2 else [item]
        lengths += np.diff(ends).tolist()
    return Tasks(tasks.graph, items), np.array(lengths)


def _divided(chunks: Sequence[int]) -> tuple[int, ...]:
    """The numbers of rows of the chunks, with those above `MAX_ROWS` divided into about equal parts."""
    parts = [max(1, -(-rows // MAX_ROWS)) for rows in chunks]
    return tuple(rows // m + (i < rows % m) for rows, m in zip(chunks, parts, strict=True) for i in range(m))


def tasks_of(data) -> Tasks:
    """The chunks of a Dask array or dataframe, in order."""
    parts = np.ravel(data.to_delayed()).tolist()
    graphs = {id(part.dask): part.dask for part in parts}
    return joined([Tasks(dict(graph), []) for graph in graphs.values()] + [Tasks({}, [part.key for part in parts])])


def label_tasks(labels, counts: Sequence[int]) -> Tasks:
    """The labels (n,) of all points as one array per block; `counts` are the numbers of points of the blocks.

    Raises ValueError if they are not n integers.
    """
    labels, n = dask().array.asarray(labels), sum(counts)
    if labels.shape != (n,) or labels.dtype.kind not in "iu":
        raise ValueError(f"labels must be {n} integers, one per point, got {labels.dtype} of shape {labels.shape}")
    return tasks_of(labels.rechunk((tuple(counts),)))


def array_of_blocks(function: Callable, data, width: tuple[int, ...], dtype):
    """Lazily computed Dask array (n, *width) of `function(points)`, evaluated for each block of a Dask array or dataframe."""
    tasks, _, counts = numbers_of(data, "points")
    return tasks.call(_applied, literal(function)).array(counts or (np.nan,) * len(tasks), width, dtype)


def _applied(block, function: Callable):
    return function(block)

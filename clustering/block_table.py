"""Tables in blocks: validation, column statistics, samples of rows.

The table is read once to check it. The result has everything that the algorithms need to know about the columns before they
prepare the blocks.
"""

from functools import partial
from typing import NamedTuple

import numpy as np

from clustering.blocks import Blocks, added, blocks_of, sum_points
from clustering.dask_tables import MAX_ROWS, divide_long
from clustering.notices import Notice, few_distinct_notices
from clustering.points import MAX_MAGNITUDE, check_points, distinct_rows, is_dask, is_integer, refuse_small, too_small
from clustering.tasks import joined
from clustering.weights import counting


class BlockTable(NamedTuple):
    """A checked table in blocks."""

    blocks: Blocks
    """the points: each block is an array of finite doubles (rows, d) with at least one row"""
    n: int
    """number of rows"""
    origin: np.ndarray
    """(d,) mean of each column; exactly its value if the column is constant"""
    varies: np.ndarray
    """(d,) whether the column has different values"""
    largest: np.ndarray
    """(d,) largest absolute difference from `origin`"""
    notices: tuple[Notice, ...]
    """notice about fewer than k distinct rows"""


def check_table_in_blocks(data, k: int = 1, name: str = "points") -> BlockTable:
    """Check a Dask array or dataframe in one pass over its blocks.

    Parameters
    ----------
    data : Dask array (n, d) or Dask dataframe of numbers
        The number of rows of the chunks may be unknown.
    k : int
        Number of distinct rows that `notices` refer to.
    name : str
        Name of the argument in error messages.

    Raises
    ------
    ValueError
        If it is not a numeric table with at least one row and one column, if a value is not finite or exceeds `MAX_MAGNITUDE`
        in absolute value, if the columns that vary are too small for their squares, or if a block cannot be read.
    """
    blocks, d = blocks_of(data, name)
    found = blocks.sum(_summary, None, k, combine=partial(_combined, k=k))
    counts = np.array(found.counts)
    n = int(counts.sum())
    if n * d == 0:
        raise ValueError(f"{name} must have at least one row and one column, got shape {(n, d)}")
    for rule, number, first in zip(_RULES, found.invalid, found.first_invalid, strict=True):
        if number:
            block, row, column, value = first
            where = f"row {counts[:block].sum() + row}, column {column} is {value:g}"
            raise ValueError(f"{name} must {rule}, but {where}{f' (and {number - 1} more)' if number > 1 else ''}")
    tasks = joined([blocks.tasks[i : i + 1] for i in np.flatnonzero(counts)])
    if max(counts) > MAX_ROWS:  # the chunks of a dataframe
        tasks, counts = divide_long(tasks, counts[counts > 0])
    blocks = Blocks(tasks, counts[counts > 0], blocks.kept).kept_if_possible(n, d)
    varies = found.highest > found.lowest
    sizes = np.maximum(np.abs(found.lowest), np.abs(found.highest))
    if not varies[~too_small(sizes)].any():
        refuse_small(sizes)
    origin = np.where(varies, found.sums / n, found.lowest)
    largest = np.maximum(found.highest - origin, origin - found.lowest)
    return BlockTable(blocks, n, origin, varies, largest, few_distinct_notices(len(found.distinct), k))


def sample_rows(points, n: int, rng: np.random.Generator | int | None = None) -> np.ndarray:
    """(n, d) rows drawn uniformly at random without replacement, in the order of the table; all rows if there are fewer.

    For methods that need all points in memory, such as K-medoids and hierarchical clustering. The same seed draws the same
    rows, whatever the blocks of the table.

    Parameters
    ----------
    points : (N, d) array, or Dask array or dataframe of numbers
    n : int
    rng : numpy.random.Generator or seed

    Raises
    ------
    ValueError
        If `n` is not an integer of at least 1, and as in `check_points` or `check_table_in_blocks`.
    """
    if not is_integer(n) or n < 1:
        raise ValueError(f"n must be an integer of at least 1, got {n}")
    table = check_table_in_blocks(points) if is_dask(points) else None
    points = None if table else check_points(points)
    total = table.n if table else len(points)
    rows = np.sort(np.random.default_rng(rng).choice(total, size=min(n, total), replace=False))
    return table.blocks.rows(rows) if table else points[rows]


def distinct_notices(prepared, k: int) -> tuple[Notice, ...]:
    """Notice that the prepared points have fewer than k distinct rows, or an empty tuple."""
    rows = sum_points(_distinct, prepared, None, k, combine=partial(_union, k=k))
    return few_distinct_notices(len(rows), k)


def _distinct(prepared, _, k: int) -> np.ndarray:
    return distinct_rows(counting(prepared.points, prepared.weights), k)[:k]


def _union(a: np.ndarray, b: np.ndarray, k: int) -> np.ndarray:
    return np.unique(np.concatenate([a, b]), axis=0)[:k]


_RULES = "be finite", f"not exceed {MAX_MAGNITUDE:g}, so that their squares do not overflow"


class _Summary(NamedTuple):
    counts: tuple[int, ...]
    """number of rows of each block"""
    sums: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    invalid: tuple[int, int]
    """number of values that break each of `_RULES`"""
    first_invalid: tuple
    """block, row, column and value of the first of each, or None"""
    distinct: np.ndarray
    """distinct rows, at most k"""


def _summary(points: np.ndarray, _, k: int) -> _Summary:
    finite = np.isfinite(points)
    invalid = ~finite, finite & (np.abs(points) > MAX_MAGNITUDE)
    first = [(0, *at[0].tolist(), float(points[tuple(at[0])])) if len(at := np.argwhere(rule)) else None for rule in invalid]
    with np.errstate(all="ignore"):  # values that are not finite are reported by the caller
        return _Summary(
            (len(points),),
            points.sum(axis=0),
            points.min(axis=0, initial=np.inf),
            points.max(axis=0, initial=-np.inf),
            tuple(int(rule.sum()) for rule in invalid),
            tuple(first),
            distinct_rows(points, k)[:k],
        )


def _combined(a: _Summary, b: _Summary, k: int) -> _Summary:
    later = [first and (first[0] + len(a.counts), *first[1:]) for first in b.first_invalid]
    with np.errstate(all="ignore"):
        return _Summary(
            a.counts + b.counts,
            a.sums + b.sums,
            np.minimum(a.lowest, b.lowest),
            np.maximum(a.highest, b.highest),
            added(a.invalid, b.invalid),
            tuple(first or other for first, other in zip(a.first_invalid, later, strict=True)),
            _union(a.distinct, b.distinct, k),
        )

"""Gower's dissimilarity: rows with numbers, categories and gaps."""

import numpy as np

from clustering.chunks import map_chunks
from clustering.points import check_table

ENTRIES = 2**17
"""of the result at a time: a few arrays of so many stay in cache, yet each is long enough for two threads"""


def gower_matrix(numbers, categories=None) -> np.ndarray:
    """Gower's dissimilarity of each pair of rows, an (n, n) array in 0..1: symmetric, with a zero diagonal.

    Parameters
    ----------
    numbers : (n, p) array or None
        NaN for gaps. A column contributes the absolute difference over its range; a constant one contributes 0.
    categories : (n, q) array of integers, optional
        Codes from 0 on, -1 for gaps. A column contributes 0 where two codes are equal, 1 where they are not.

    A pair's dissimilarity is the mean over the columns that both rows have, constant ones included.

    Raises
    ------
    ValueError
        If neither table has a column, they have not equally many rows, a number is not finite or a code is below -1; or if
        two rows have no column in common.

    Gower 1971, doi:10.2307/2528823: 1 minus his similarity, with equal weights and no asymmetric binary columns.

    Weakness: one outlier sets the range of its column. With gaps the triangle inequality may fail.
    """
    numbers, categories = _check_numbers(numbers), _check_categories(categories)
    tables = [table for table in (numbers, categories) if table is not None]
    if not tables:
        raise ValueError("numbers or categories must have at least one column, got none in either")
    n = tables[0].shape[1]
    if tables[-1].shape[1] != n:
        raise ValueError(f"numbers and categories must have equally many rows, got {n} and {tables[-1].shape[1]}")
    # True where a row has no gap, and what it has there; in the gaps anything finite
    observed = np.concatenate([~np.isnan(table) if table is numbers else table >= 0 for table in tables])
    complete = observed.all(axis=1)
    present = observed.astype(float)
    columns = [column for table in tables for column in np.nan_to_num(table, copy=True)]
    p = 0 if numbers is None else len(numbers)
    result = np.zeros((n, n))

    def average(rows):
        total, difference = result[rows], np.empty((rows.stop - rows.start, n))
        for i, column in enumerate(columns):
            if i < p:
                np.abs(np.subtract.outer(column[rows], column, out=difference), out=difference)
            else:
                np.not_equal.outer(column[rows], column, out=difference, casting="unsafe")
            if not complete[i]:
                difference *= present[i]
                difference[~observed[i, rows]] = 0.0
            total += difference
        if complete.all():
            total /= len(columns)
            return
        common = present[:, rows].T @ present
        lonely = common == 0
        if lonely.any():
            # a row of gaps is at no distance from itself
            lonely[np.arange(len(lonely)), np.arange(rows.start, rows.stop)] = False
            for i, j in np.argwhere(lonely)[:1] + (rows.start, 0):
                raise ValueError(
                    f"rows {i} and {j} have no column in common: leave one of them out, or fill some of their gaps"
                )
        total /= np.maximum(common, 1.0)

    map_chunks(average, n, max(1, ENTRIES // n))
    return result


def _check_numbers(numbers) -> np.ndarray | None:
    """The columns (p, n), each over its range, NaN in the gaps; None where there are none."""
    if numbers is None or _has_no_columns(numbers):
        return None
    values, observed = check_table(numbers, "numbers")
    least = np.where(observed, values, np.inf).min(axis=0)
    extent = np.where(observed, values, -np.inf).max(axis=0) - least
    # of a column of gaps, minus infinity
    some = observed.any(axis=0)
    scaled = (values - np.where(some, least, 0.0)) / np.where(some & (extent > 0), extent, 1.0)
    return np.where(observed, scaled, np.nan).T.copy()


def _check_categories(categories) -> np.ndarray | None:
    """The columns (q, n) of codes; None where there are none."""
    if categories is None or _has_no_columns(categories):
        return None
    codes = np.asarray(categories)
    if codes.ndim != 2 or not codes.size or codes.dtype.kind not in "biu":
        raise ValueError(f"categories must be integer codes (n, q), got an array of {codes.dtype} with shape {codes.shape}")
    codes = codes.astype(np.int64)
    if codes.min() < -1:
        row, column = np.argwhere(codes < -1)[0]
        raise ValueError(f"codes must be at least 0, or -1 for a gap, but row {row}, column {column} is {codes[row, column]}")
    return codes.T.copy()


def _has_no_columns(table) -> bool:
    return np.ndim(table) == 2 and np.shape(table)[1] == 0

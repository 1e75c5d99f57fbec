"""Gower's dissimilarity for rows with numeric columns, categorical columns and missing values.

    D[i, j] = mean over columns c observed in both rows of d_c(i, j)

d_c: for a numeric column the absolute difference divided by the range of the column; for a categorical one 0 if equal, else 1.
Gower 1971, "A general coefficient of similarity and some of its properties", doi:10.2307/2528823.
"""

import numpy as np

from clustering.chunks import map_chunks
from clustering.points import check_table

CHUNK_ENTRIES = 2**17
"""matrix entries per chunk: the arrays of a chunk fit in cache, and chunks are long enough for multithreading"""


def gower_matrix(numbers, categories=None) -> np.ndarray:
    """Gower's dissimilarity of each pair of rows, a symmetric (n, n) array of values in 0..1 with a zero diagonal.

    The dissimilarity of two rows is the mean over the columns observed in both, including constant columns.

    Parameters
    ----------
    numbers : (n, p) array or None
        Numeric columns; NaN if missing. A column contributes the absolute difference divided by the range of the column, 0
        if the column is constant.
    categories : (n, q) array of integers, optional
        Category codes from 0 on; -1 if missing. A column contributes 0 if the two codes are equal, otherwise 1.

    Raises
    ------
    ValueError
        If there are no columns, the tables have different numbers of rows, a number is infinite or a code is below -1; or if
        two rows have no observed column in common.

    Notes
    -----
    Equals 1 minus Gower's similarity with equal weights and without asymmetric binary columns. A single outlier determines
    the range of its column. With missing values the triangle inequality may be violated.
    """
    # checked and transposed: from here on, a row of these arrays is a column of the table
    numbers, categories = _scaled_columns(numbers), _code_columns(categories)
    tables = [table for table in (numbers, categories) if table is not None]
    if not tables:
        raise ValueError("numbers or categories must have at least one column, got none in either")
    n = tables[0].shape[1]
    if tables[-1].shape[1] != n:
        raise ValueError(f"numbers and categories must have the same number of rows, got {n} and {tables[-1].shape[1]}")
    # (p + q, n) True if observed
    observed = np.concatenate([~np.isnan(table) if table is numbers else table >= 0 for table in tables])
    complete = observed.all(axis=1)
    present = observed.astype(float)
    # NaN becomes 0 and code -1 stays; both are finite, and their differences are zeroed below
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
        disjoint = common == 0
        if disjoint.any():
            # a row without observed values has dissimilarity 0 to itself
            disjoint[np.arange(len(disjoint)), np.arange(rows.start, rows.stop)] = False
            for i, j in np.argwhere(disjoint)[:1] + (rows.start, 0):
                raise ValueError(
                    f"rows {i} and {j} have no observed column in common: drop one of them or impute missing values"
                )
        total /= np.maximum(common, 1.0)

    map_chunks(average, n, max(1, CHUNK_ENTRIES // n))
    return result


def _scaled_columns(numbers) -> np.ndarray | None:
    """Columns (p, n) divided by their ranges, NaN if missing; None if there are no columns."""
    if numbers is None or _has_no_columns(numbers):
        return None
    values, observed = check_table(numbers, "numbers")
    minimum = np.where(observed, values, np.inf).min(axis=0)
    extent = np.where(observed, values, -np.inf).max(axis=0) - minimum
    # the extent of a column without observed values is minus infinity
    nonempty = observed.any(axis=0)
    scaled = (values - np.where(nonempty, minimum, 0.0)) / np.where(nonempty & (extent > 0), extent, 1.0)
    return np.where(observed, scaled, np.nan).T.copy()


def _code_columns(categories) -> np.ndarray | None:
    """Columns (q, n) of codes; None if there are no columns."""
    if categories is None or _has_no_columns(categories):
        return None
    codes = np.asarray(categories)
    if codes.ndim != 2 or not codes.size or codes.dtype.kind not in "biu":
        raise ValueError(f"categories must be integer codes (n, q), got an array of {codes.dtype} with shape {codes.shape}")
    codes = codes.astype(np.int64)
    if codes.min() < -1:
        row, column = np.argwhere(codes < -1)[0]
        raise ValueError(f"codes must be at least 0, or -1 if missing, but row {row}, column {column} is {codes[row, column]}")
    return codes.T.copy()


def _has_no_columns(table) -> bool:
    return np.ndim(table) == 2 and np.shape(table)[1] == 0

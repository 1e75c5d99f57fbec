"""Data that are known only by their distances: an uploaded distance matrix, or words with their edit distances.

Input that cannot be used raises `ValueError` with a message for the page.
"""

import csv
import hashlib
import io
import unicodedata

import numpy as np
import pandas as pd

from clustering import check_proximities, classical_scaling, edit_distances
from pages.datasets.columns import value_text
from pages.datasets.data import Data
from pages.datasets.limits import MAX_CHARACTERS, MAX_POINTS_FOR_PROXIMITIES


def matrix_data(matrix: np.ndarray, names, title: str, kind: str = "distances", note: str = "") -> Data:
    """A data set from a distance matrix, laid out in the plane by classical multidimensional scaling (MDS).

    Parameters
    ----------
    matrix : (n, n) array, symmetric with a zero diagonal
    names : (n,) row labels, or None
    title : title of the data set
    kind : what the entries are, e.g. "edit distances"
    note : sentences about how the matrix was read
    """
    layout = classical_scaling(matrix)
    points = np.ascontiguousarray(layout.points)
    digest = hashlib.sha256(np.ascontiguousarray(matrix))
    digest.update(repr((title, kind, note, None if names is None else list(names))).encode())
    layout_note = f"Goodness of fit of the 2-D layout (classical multidimensional scaling): {layout.share:.0%}."
    return Data(
        key=f"proximities/{digest.hexdigest()[:24]}",
        title=title,
        columns=("MDS axis 1", "MDS axis 2"),
        points=points,
        same_units=True,
        note=f"{note} {layout_note}".strip(),
        names=None if names is None else np.array(names, dtype=object),
        noun="row",
        precomputed=matrix,
        matrix_name=kind,
    )


def from_words(column: pd.Series, title: str) -> Data:
    """The distinct values of a column with their edit distances; a random sample above `MAX_POINTS_FOR_PROXIMITIES`.

    Raises
    ------
    ValueError
        If there are fewer than two distinct values.
    """
    # normalized, because an accented letter may be one character or two, which look the same
    present = {unicodedata.normalize("NFC", word).strip() for word in column.dropna().astype(str).unique()}
    words = np.array(sorted(present - {""}), dtype=object)
    if len(words) < 2:
        raise ValueError(f"Column {column.name} needs at least two distinct values, but has {len(words)}.")
    note = f"Each of the {len(words):,} distinct values of column {column.name} is one point."
    if len(words) > MAX_POINTS_FOR_PROXIMITIES:
        chosen = np.random.default_rng(0).choice(len(words), MAX_POINTS_FOR_PROXIMITIES, replace=False)
        note = (
            f"Random sample of {MAX_POINTS_FOR_PROXIMITIES:,} of the {len(words):,} distinct values of column {column.name}."
        )
        words = words[np.sort(chosen)]
    too_long = sum(len(word) > MAX_CHARACTERS for word in words)
    if too_long:
        note += f" Of {too_long:,} long values only the first {MAX_CHARACTERS} characters are compared."
    matrix = edit_distances([word[:MAX_CHARACTERS] for word in words])
    return matrix_data(matrix, words, title, "edit distances", note)


def looks_like_proximities(table: pd.DataFrame) -> bool:
    """Whether a table is symmetric or one triangle of a matrix, with a zero diagonal; a first column of names is ignored."""
    if not 3 <= len(table) <= MAX_POINTS_FOR_PROXIMITIES or table.shape[1] - len(table) not in (0, 1):
        return False
    _, block = _split_names(table)
    if block.shape[1] != len(block) or not _has_zero_diagonal(block):
        return False
    values = block.to_numpy(dtype=float)
    triangle = np.tri(len(values), k=-1, dtype=bool)
    lower, upper = values[triangle], values.T[triangle]
    if np.isnan(lower).all() or np.isnan(upper).all():
        return not (np.isnan(lower).any() and np.isnan(upper).any())
    return bool(np.allclose(lower, upper))


def _split_names(table: pd.DataFrame) -> tuple[list[str] | None, pd.DataFrame]:
    """The names in the first column, or None if it holds no names, and the other columns."""
    if table.shape[1] < 2:
        return None, table
    first = table.iloc[:, 0]
    is_text = not pd.api.types.is_numeric_dtype(first)
    if is_text and table.shape[1] == len(table):  # a column of numbers with one typing error is also text
        is_text = bool(pd.to_numeric(first.astype(str), errors="coerce").isna().all())
    if not is_text and not (table.shape[1] == len(table) + 1 and _has_zero_diagonal(table.iloc[:, 1:])):
        return None, table
    names = ["" if missing else value_text(name) for name, missing in zip(first.astype(object), first.isna(), strict=True)]
    return names, table.iloc[:, 1:]


def _has_zero_diagonal(block: pd.DataFrame) -> bool:
    """Whether all columns are numeric and the diagonal holds only zeros and missing values."""
    values = block.to_numpy()
    return values.dtype.kind in "fiu" and not np.nan_to_num(values.diagonal().astype(float)).any()


def from_table(table: pd.DataFrame, header: bool, title: str) -> Data:
    """A data set from a table that holds a full matrix, or one triangle and missing values elsewhere.

    Parameters
    ----------
    table : the matrix; the first column may hold row names
    header : whether the column names are names of points
    title : title of the data set

    Raises
    ------
    ValueError
        If the matrix is not square, too large, not numeric or not symmetric, or has negative, missing or infinite entries or
        a nonzero diagonal.
    """
    row_names, block = _split_names(table)
    for name in block.columns:
        cells = block[name]
        if not pd.api.types.is_numeric_dtype(cells):
            wrong = np.flatnonzero(cells.notna() & pd.to_numeric(cells.astype(str), errors="coerce").isna())
            i = wrong[0] if len(wrong) else cells.notna().argmax()
            raise ValueError(
                f"A distance matrix must contain only numbers, but {_name_of_row(row_names, i)} has "
                f"{str(cells.iloc[i])!r} in column {name}: choose “Table” if this is a table."
            )
    column_names = [str(name) for name in block.columns] if header else None
    return from_matrix(block.to_numpy(dtype=float, na_value=np.nan), row_names, title, column_names)


def from_text(text: str, separator: str, decimal: str, title: str) -> Data:
    """A data set from a distance matrix as text. Its lines may have different lengths.

    Raises ValueError as in `from_table`.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > MAX_POINTS_FOR_PROXIMITIES + 1:
        raise ValueError(_too_many(len(lines)))
    if separator in ("", " "):
        cells = [line.split() for line in lines]
    else:
        try:
            cells = list(csv.reader(io.StringIO("\n".join(lines)), delimiter=separator))
        except csv.Error:
            raise ValueError("A cell of this matrix is too long for a number: check for an unclosed quotation mark.") from None
    width = max(map(len, cells), default=0)
    if width > MAX_POINTS_FOR_PROXIMITIES + 1:
        raise ValueError(_too_many(width))
    cells = [[cell.strip() for cell in row] for row in cells]

    def parse(cell):
        return float(cell.replace(",", ".") if decimal == "," else cell) if cell else np.nan

    def is_number(cell):
        try:
            parse(cell)
        except ValueError:
            return False
        return "_" not in cell

    row_names = column_names = None
    if cells and not any(map(is_number, filter(None, cells[0]))):
        column_names = [cell for cell in cells.pop(0) if cell]
    if cells and not any(is_number(row[0]) or not row[0] for row in cells):
        row_names = [row.pop(0) for row in cells]
    trimmed = [row[: max((i + 1 for i, cell in enumerate(row) if cell), default=0)] for row in cells]
    widths = {len(row) for row in trimmed}
    matrix = np.full((len(trimmed), max(widths) if len(widths) == 1 else max(widths | {len(trimmed)})), np.nan)
    for i, row in enumerate(trimmed):
        for j, cell in enumerate(row):
            if not is_number(cell):
                raise ValueError(
                    f"A distance matrix must contain only numbers, but {_name_of_row(row_names, i)} has {cell!r} "
                    f"in column {j + 1}."
                )
            matrix[i, j] = parse(cell)
    return from_matrix(matrix, row_names, title, column_names)


def _too_many(n: int) -> str:
    return f"A distance matrix may have at most {MAX_POINTS_FOR_PROXIMITIES:,} rows; this one has {n:,}: upload a subset."


def _name_of(names: list[str] | None, i: int) -> str:
    return (names and names[i]) or f"row {i + 1}"


def _name_of_row(names: list[str] | None, i: int) -> str:
    return f"row {(names and names[i]) or i + 1}"


def from_matrix(matrix: np.ndarray, row_names: list[str] | None, title: str, column_names: list[str] | None = None) -> Data:
    """A data set from a full or triangular distance matrix.

    Parameters
    ----------
    matrix : (n, n) array; one triangle and the diagonal may be NaN. A triangle without its diagonal describes n + 1 points.
    row_names, column_names : names of the points, or None
    title : title of the data set

    Raises
    ------
    ValueError
        As in `from_table`.
    """
    n, width = matrix.shape
    if n != width:
        raise ValueError(
            f"A distance matrix must be square, with one row and one column per point; this one has {n:,} rows and "
            f"{width:,} columns."
        )
    if n < 2:
        raise ValueError("A distance matrix needs at least two rows.")
    if n > MAX_POINTS_FOR_PROXIMITIES:
        raise ValueError(_too_many(n))
    matrix, note = matrix.copy(), ""
    names = next((names for names in (row_names, column_names) if names and len(names) == n), None)
    known = ~np.isnan(matrix)
    triangle = np.tri(n, k=-1, dtype=bool)
    below, above = known[triangle], known.T[triangle]
    if below.any() != above.any():
        note = "Only one triangle was given; the matrix was completed by symmetry."
        if known.diagonal().all() and matrix.diagonal().any():  # the zero diagonal was omitted
            note = f"A triangle without its diagonal was given, for {n + 1:,} points."
            names = _names_of_triangle(row_names, column_names, n, bool(below.any()))
            matrix = np.pad(matrix, ((1, 0), (0, 1)) if below.any() else ((0, 1), (1, 0)), constant_values=np.nan)
            n += 1
        matrix = np.where(np.isnan(matrix), matrix.T, matrix)
    blank = np.flatnonzero(np.isnan(matrix.diagonal()))
    matrix[blank, blank] = 0.0

    def pair(i, j):
        return f"{_name_of(names, i)} and {_name_of(names, j)}" if names else f"row {i + 1} and column {j + 1}"

    def first(wrong):
        return tuple(np.argwhere(wrong)[0]) if wrong.any() else None

    if at := first(np.isnan(matrix)):
        raise ValueError(f"The distance between {pair(*at)} is missing.")
    if at := first(np.isinf(matrix)):
        raise ValueError(f"The distance between {pair(*at)} is {matrix[at]:g}; distances must be finite.")
    if at := first(matrix < 0):
        raise ValueError(f"The distance between {pair(*at)} is {matrix[at]:g}; distances must not be negative.")
    if at := first(matrix.diagonal()):
        raise ValueError(
            f"The distance of {_name_of(names, at[0])} to itself is {matrix[at[0], at[0]]:g}; it must be 0. If these are "
            "similarities, subtract them from their maximum."
        )
    if at := first(np.abs(matrix - matrix.T) > 1e-8 * np.maximum(matrix, matrix.T) + 1e-12 * matrix.max()):
        raise ValueError(
            f"The distance between {pair(*at)} is {matrix[at]:g} in one direction and {matrix.T[at]:g} in the other; "
            "distances must be symmetric."
        )
    return matrix_data(check_proximities(matrix / 2 + matrix.T / 2), names, title, note=note)


def _names_of_triangle(row_names, column_names, n: int, lower: bool) -> list[str] | None:
    """The names of the n + 1 points of a triangle without its diagonal, whose rows and columns each lack one of the names."""
    if row_names and column_names and len(row_names) == len(column_names) == n:
        start, end = (column_names, row_names) if lower else (row_names, column_names)
        return start[:1] + end if start[1:] == end[:-1] else None
    return next((names for names in (row_names, column_names) if names and len(names) == n + 1), None)

"""Data that are known only by their proximities: an uploaded matrix, or words and their edit distances.

No Streamlit here: what cannot be used raises `ValueError` with the sentence to show.
"""

import csv
import hashlib
import io
import re
import unicodedata

import numpy as np
import pandas as pd

from clustering import check_proximities, classical_scaling, edit_distances
from pages.datasets.columns import in_words
from pages.datasets.data import Data
from pages.datasets.limits import MOST_POINTS_FOR_PROXIMITIES

MOST_CHARACTERS = 64
"""of a string whose spelling is compared: as many as are compared at once"""


def proximity_data(matrix: np.ndarray, names, title: str, kind: str = "proximities", note: str = "") -> Data:
    """The matrix laid out in the plane by classical scaling; names : (n,) text or None."""
    layout = classical_scaling(matrix)
    points = np.ascontiguousarray(layout.points)
    digest = hashlib.sha256(np.ascontiguousarray(matrix))
    digest.update(repr((title, kind, note, None if names is None else list(names))).encode())
    kept = f"The plane is laid out by classical scaling and keeps {layout.share:.0%} of the proximities."
    return Data(
        key=f"proximities/{digest.hexdigest()[:24]}",
        title=title,
        columns=("scaling axis 1", "scaling axis 2"),
        points=points,
        same_units=True,
        note=f"{note} {kept}".strip(),
        names=None if names is None else np.array(names, dtype=object),
        given=matrix,
        given_name=kind,
    )


def from_words(column: pd.Series, title: str) -> Data:
    """The different strings of a column with their edit distances; above `MOST_POINTS_FOR_PROXIMITIES` a stated sample.

    Raises
    ------
    ValueError
        If there are fewer than two different strings.
    """
    # an accent may be a letter's own or combined with it, which looks the same
    present = {unicodedata.normalize("NFC", word).strip() for word in column.dropna().astype(str).unique()}
    words = np.array(sorted(present - {""}), dtype=object)
    if len(words) < 2:
        raise ValueError(f"Column {column.name} needs at least two different texts to compare, and has {len(words)}.")
    note = f"Each of the {len(words):,} different texts of column {column.name} is one point."
    if len(words) > MOST_POINTS_FOR_PROXIMITIES:
        chosen = np.random.default_rng(0).choice(len(words), MOST_POINTS_FOR_PROXIMITIES, replace=False)
        note = f"A sample of {MOST_POINTS_FOR_PROXIMITIES:,} of the {len(words):,} different texts of column {column.name}."
        words = words[np.sort(chosen)]
    long = sum(len(word) > MOST_CHARACTERS for word in words)
    if long:
        note += f" Of {long:,} of them only the first {MOST_CHARACTERS} characters are compared."
    matrix = edit_distances([word[:MOST_CHARACTERS] for word in words])
    return proximity_data(matrix, words, title, "edit distances", note)


def looks_like_proximities(table: pd.DataFrame) -> bool:
    """Whether a table is square, but for a column of names, with zeros on its diagonal and the same on both sides of it."""
    if not 3 <= len(table) <= MOST_POINTS_FOR_PROXIMITIES or table.shape[1] - len(table) not in (0, 1):
        return False
    _, block = _split(table)
    if block.shape[1] != len(block) or not _has_zeros(block):
        return False
    values = block.to_numpy(dtype=float)
    half = np.tri(len(values), k=-1, dtype=bool)
    lower, upper = values[half], values.T[half]
    if np.isnan(lower).all() or np.isnan(upper).all():
        return not (np.isnan(lower).any() and np.isnan(upper).any())
    return bool(np.allclose(lower, upper))


def _split(table: pd.DataFrame) -> tuple[list[str] | None, pd.DataFrame]:
    """The names in the first column, if it holds any, and the columns beside it."""
    if table.shape[1] < 2:
        return None, table
    first = table.iloc[:, 0]
    texts = not pd.api.types.is_numeric_dtype(first)
    if texts and table.shape[1] == len(table):  # unless it is one of numbers with a mistake in it
        texts = bool(pd.to_numeric(first.astype(str), errors="coerce").isna().all())
    if not texts and not (table.shape[1] == len(table) + 1 and _has_zeros(table.iloc[:, 1:])):
        return None, table
    names = ["" if gap else in_words(name) for name, gap in zip(first.astype(object), first.isna(), strict=True)]
    return names, table.iloc[:, 1:]


def _has_zeros(block: pd.DataFrame) -> bool:
    """Whether nothing but zeros and gaps stands on the diagonal, where all columns are numbers."""
    values = block.to_numpy()
    return values.dtype.kind in "fiu" and not np.nan_to_num(values.diagonal().astype(float)).any()


def from_table(table: pd.DataFrame, header: bool, title: str) -> Data:
    """The proximities in a table: square, or one triangle with the rest empty; with or without a column of names.

    `header` says whether the names of the columns are those of points.

    Raises
    ------
    ValueError
        If it is not square, too large, holds something other than numbers, a negative number, a diagonal other than zero,
        or two different numbers for the same pair.
    """
    rows, block = _split(table)
    for name in block.columns:
        cells = block[name]
        if not pd.api.types.is_numeric_dtype(cells):
            wrong = np.flatnonzero(cells.notna() & pd.to_numeric(cells.astype(str), errors="coerce").isna())
            i = wrong[0] if len(wrong) else cells.notna().argmax()
            raise ValueError(
                f"A matrix of proximities must hold numbers, but {_called(rows, i)} holds {str(cells.iloc[i])!r} in column "
                f"{name}: choose “Rows and columns” if this is a table."
            )
    columns = [str(name) for name in block.columns] if header else None
    return from_rows(block.to_numpy(dtype=float, na_value=np.nan), rows, title, columns)


def from_text(text: str, separator: str, decimal: str, title: str) -> Data:
    """The proximities in a text whose lines may be of unequal length, as a triangle has them. ValueError as `from_table`."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > MOST_POINTS_FOR_PROXIMITIES + 1:
        raise ValueError(_too_many(len(lines)))
    if separator in ("", " "):
        cells = [line.split() for line in lines]
    else:
        try:
            cells = list(csv.reader(io.StringIO("\n".join(lines)), delimiter=separator))
        except csv.Error:
            raise ValueError("A cell of this matrix is far too long for a number: is a quotation mark left open?") from None
    width = max(map(len, cells), default=0)
    if width > MOST_POINTS_FOR_PROXIMITIES + 1:
        raise ValueError(_too_many(width))
    cells = [[cell.strip() for cell in row] for row in cells]

    def number(cell):
        return float(cell.replace(",", ".") if decimal == "," else cell) if cell else np.nan

    def is_number(cell):
        try:
            number(cell)
        except ValueError:
            return False
        return "_" not in cell

    rows = columns = None
    if cells and not any(map(is_number, filter(None, cells[0]))):
        columns = [cell for cell in cells.pop(0) if cell]
    if cells and not any(is_number(row[0]) or not row[0] for row in cells):
        rows = [row.pop(0) for row in cells]
    trimmed = [row[: max((i + 1 for i, cell in enumerate(row) if cell), default=0)] for row in cells]
    widths = {len(row) for row in trimmed}
    matrix = np.full((len(trimmed), max(widths) if len(widths) == 1 else max(widths | {len(trimmed)})), np.nan)
    for i, row in enumerate(trimmed):
        for j, cell in enumerate(row):
            if not is_number(cell):
                raise ValueError(
                    f"A matrix of proximities must hold numbers, but {_called(rows, i)} holds {cell!r} in column {j + 1}."
                )
            matrix[i, j] = number(cell)
    return from_rows(matrix, rows, title, columns)


def _too_many(n: int) -> str:
    return f"A matrix of proximities may have {MOST_POINTS_FOR_PROXIMITIES:,} rows, and this has {n:,}: leave some out."


def _called(names: list[str] | None, i: int) -> str:
    return (names and names[i]) or f"row {i + 1}"


def from_rows(matrix: np.ndarray, rows: list[str] | None, title: str, columns: list[str] | None = None) -> Data:
    """The proximities (n, n), of which one triangle, and the diagonal, may be NaN; a triangle may lack its diagonal.

    `rows` and `columns` are the names that stand before and above them, if any. ValueError as `from_table`.
    """
    n, width = matrix.shape
    if n != width:
        raise ValueError(
            f"A matrix of proximities must be square, and this one has {n:,} rows and {width:,} columns: "
            "it needs one row and one column per point."
        )
    if n < 2:
        raise ValueError("A matrix of proximities needs at least two rows.")
    if n > MOST_POINTS_FOR_PROXIMITIES:
        raise ValueError(_too_many(n))
    matrix, note = matrix.copy(), ""
    names = next((names for names in (rows, columns) if names and len(names) == n), None)
    known = ~np.isnan(matrix)
    half = np.tri(n, k=-1, dtype=bool)
    below, above = known[half], known.T[half]
    if below.any() != above.any():
        note = "Only one triangle of the matrix was given; the other is its mirror image."
        if known.diagonal().all() and matrix.diagonal().any():  # the diagonal of zeros is not among the numbers
            note = f"Only the triangle beside the diagonal was given, so there are {n + 1:,} points."
            names = _of_triangle(rows, columns, n, bool(below.any()))
            matrix = np.pad(matrix, ((1, 0), (0, 1)) if below.any() else ((0, 1), (1, 0)), constant_values=np.nan)
            n += 1
        matrix = np.where(np.isnan(matrix), matrix.T, matrix)
    blank = np.flatnonzero(np.isnan(matrix.diagonal()))
    matrix[blank, blank] = 0.0

    def pair(i, j):
        return f"{_called(names, i)} and {_called(names, j)}" if names else f"row {i + 1} and column {j + 1}"

    def first(wrong):
        return tuple(np.argwhere(wrong)[0]) if wrong.any() else None

    if at := first(np.isnan(matrix)):
        raise ValueError(f"Proximities must all be known, but the one of {pair(*at)} is missing.")
    if at := first(np.isinf(matrix)):
        raise ValueError(f"Proximities must be finite, but the one of {pair(*at)} is {matrix[at]:g}.")
    if at := first(matrix < 0):
        raise ValueError(f"Proximities must not be negative, but the one of {pair(*at)} is {matrix[at]:g}.")
    if at := first(matrix.diagonal()):
        raise ValueError(
            f"The proximity of a point to itself must be 0, but that of {_called(names, at[0])} is {matrix[at[0], at[0]]:g}. "
            "Are these similarities? Subtract them from their largest value first."
        )
    if at := first(np.abs(matrix - matrix.T) > 1e-8 * np.maximum(matrix, matrix.T) + 1e-12 * matrix.max()):
        raise ValueError(
            f"Proximities must be symmetric, but the one of {pair(*at)} is {matrix[at]:g} one way and "
            f"{matrix.T[at]:g} the other."
        )
    return proximity_data(check_proximities(matrix / 2 + matrix.T / 2), names, title, note=note)


def _of_triangle(rows, columns, n: int, lower: bool) -> list[str] | None:
    """The names of n + 1 points of a triangle without its diagonal: its rows lack one of them, its columns another."""
    if rows and columns and len(rows) == len(columns) == n:
        start, end = (columns, rows) if lower else (rows, columns)
        return start[:1] + end if start[1:] == end[:-1] else None
    return next((names for names in (rows, columns) if names and len(names) == n + 1), None)


def triangle_separator(text: str) -> str | None:
    """What separates the cells of a text whose every line has one number more than the line before; " " for blanks, else None.

    A first line may hold names, and so may the first cell of every line.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    for separator in ("\t", ";", ",", " "):
        cells = [line.rstrip(separator + " ").split(None if separator == " " else separator) for line in lines]
        for rows in (cells, cells[1:]):
            steps = np.diff([len(row) for row in rows])
            if len(steps) > 1 and (steps == 1).all() and len(rows[0]) <= 2 and all(map(_ends_in_numbers, rows[1:])):
                return separator
    return None


def _ends_in_numbers(row: list[str]) -> bool:
    """Whether all cells but the first are numbers."""
    return all(re.fullmatch(r"\s*[+-]?[0-9]*[.,]?[0-9]+([eE][+-]?[0-9]+)?\s*", cell) for cell in row[1:])

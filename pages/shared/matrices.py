"""Data that are known only by their proximities: an uploaded matrix, or words and their edit distances.

No Streamlit here: what cannot be used raises `ValueError` with the sentence to show.
"""

import csv
import hashlib
import io

import numpy as np
import pandas as pd

from clustering import check_proximities, classical_scaling, edit_distances
from pages.shared.datasets import Data
from pages.shared.runs import MOST_POINTS_FOR_PROXIMITIES

MOST_CHARACTERS = 200
"""of a string whose spelling is compared"""


def proximity_data(matrix: np.ndarray, names, title: str, kind: str = "uploaded proximities", note: str = "") -> Data:
    """The matrix laid out in the plane by classical scaling; names : (n,) text or None."""
    layout = classical_scaling(matrix)
    points = np.ascontiguousarray(layout.points)
    digest = hashlib.sha256(np.ascontiguousarray(matrix)).hexdigest()[:24]
    kept = f"The plane is laid out by classical scaling and keeps {layout.share:.0%} of the proximities."
    return Data(
        key=f"proximities/{digest}/{title}",
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
    present = column.dropna().astype(str).str.strip()
    words = np.array(sorted(set(present) - {""}), dtype=object)
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
    _, block = _split(table)
    n = len(block)
    if n < 3 or block.shape[1] != n or n > MOST_POINTS_FOR_PROXIMITIES:
        return False
    values = block.to_numpy()
    if values.dtype.kind not in "fiu":
        return False
    if np.nan_to_num(np.diagonal(values).astype(float)).any():
        return False
    lower, upper = np.tril(values, -1), np.triu(values, 1)
    blank = np.isnan(values.astype(float)) & ~np.eye(n, dtype=bool)
    if blank.any():
        return bool(blank[np.triu_indices(n, 1)].all() or blank[np.tril_indices(n, -1)].all())
    return bool(np.allclose(lower, upper.T))


def _split(table: pd.DataFrame) -> tuple[list[str] | None, pd.DataFrame]:
    """The names in the first column, if it holds any, and the columns beside it."""
    first = table.iloc[:, 0]
    if not pd.api.types.is_numeric_dtype(first):
        return first.astype(object).fillna("").astype(str).tolist(), table.iloc[:, 1:]
    if table.shape[1] == len(table) + 1:  # numbered rows
        return [f"{name:g}" if isinstance(name, float) else str(name) for name in first.tolist()], table.iloc[:, 1:]
    return None, table


def from_table(table: pd.DataFrame, header: bool, title: str) -> Data:
    """The proximities in a table: square, or one triangle with the rest empty; with or without a column of names.

    `header` says whether the names of the columns are those of the rows.

    Raises
    ------
    ValueError
        If it is not square, too large, holds something other than numbers, a negative number, a diagonal other than zero,
        or two different numbers for the same pair.
    """
    names, block = _split(table)
    if names is None and header:
        names = [str(name) for name in block.columns]
    spoilt = [name for name in block.columns if not pd.api.types.is_numeric_dtype(block[name])]
    if spoilt:
        raise ValueError(
            f"A matrix of proximities must hold numbers, and column {spoilt[0]} does not: choose “Rows and columns” "
            "if this is a table."
        )
    return from_rows(block.to_numpy(dtype=float), names, title)


def from_text(text: str, separator: str, decimal: str, title: str) -> Data:
    """The proximities in a text whose lines may be of unequal length, as a triangle has them. ValueError as `from_table`."""
    lines = [line for line in text.splitlines() if line.strip()]
    if separator in ("", " "):
        cells = [line.split() for line in lines]
    else:
        cells = list(csv.reader(io.StringIO("\n".join(lines)), delimiter=separator))
    cells = [[cell.strip() for cell in row] for row in cells]

    def number(cell):
        return float(cell.replace(",", ".") if decimal == "," else cell) if cell else np.nan

    def is_number(cell):
        try:
            number(cell)
        except ValueError:
            return False
        return True

    names = None
    if cells and not all(is_number(cell) for cell in cells[0]):
        names = [cell for cell in cells.pop(0) if cell]
    if cells and not any(is_number(row[0]) or not row[0] for row in cells):
        names = [row.pop(0) for row in cells]
    trimmed = [row[: max((i + 1 for i, cell in enumerate(row) if cell), default=0)] for row in cells]
    n = max([len(trimmed), *map(len, trimmed)], default=0)
    matrix = np.full((len(trimmed), n), np.nan)
    lengths = [len(row) for row in trimmed]
    # a lower triangle without its diagonal has no line for the first point, or an empty one
    if (
        lengths
        and lengths == list(range(1, len(lengths) + 1))
        and any(is_number(row[-1]) and number(row[-1]) for row in trimmed)
    ):
        trimmed = [[], *trimmed]
        matrix = np.full((len(trimmed), len(trimmed)), np.nan)
        names = names if names is None or len(names) == len(trimmed) else None
    for i, row in enumerate(trimmed):
        for j, cell in enumerate(row):
            try:
                matrix[i, j] = number(cell)
            except ValueError:
                raise ValueError(
                    f"A matrix of proximities must hold numbers, but row {i + 1} holds {cell!r} in column {j + 1}."
                ) from None
    return from_rows(matrix, names, title)


def from_rows(matrix: np.ndarray, names: list[str] | None, title: str) -> Data:
    """The proximities (n, n) in which one triangle, and the diagonal, may be NaN. ValueError as `from_table`."""
    rows, columns = matrix.shape
    if rows != columns:
        raise ValueError(
            f"A matrix of proximities must be square, and this one has {rows:,} rows and {columns:,} columns: "
            "it needs one row and one column per point."
        )
    if rows < 2:
        raise ValueError("A matrix of proximities needs at least two rows.")
    if rows > MOST_POINTS_FOR_PROXIMITIES:
        raise ValueError(
            f"A matrix of proximities may have {MOST_POINTS_FOR_PROXIMITIES:,} rows, and this has {rows:,}: leave some out."
        )
    names = names if names is not None and len(names) == rows else None

    def pair(i, j):
        return f"{names[i]} and {names[j]}" if names else f"row {i + 1} and column {j + 1}"

    lower, upper = np.tril_indices(rows, -1), np.triu_indices(rows, 1)
    missing = np.isnan(matrix)
    note = ""
    for one, other in ((lower, upper), (upper, lower)):
        if missing[other].all() and not missing[one].any():
            matrix = matrix.copy()
            matrix[other] = matrix.T[other]
            note = "Only one triangle of the matrix was given; the other is its mirror image."
            break
    else:
        off = missing.copy()
        np.fill_diagonal(off, False)
        if off.any():
            i, j = np.argwhere(off)[0]
            raise ValueError(f"Proximities must all be known, but the one of {pair(i, j)} is missing.")
    if np.isnan(np.diagonal(matrix)).any():
        matrix = matrix.copy()
        np.fill_diagonal(matrix, np.where(np.isnan(np.diagonal(matrix)), 0.0, np.diagonal(matrix)))
    if np.isinf(matrix).any():
        i, j = np.argwhere(np.isinf(matrix))[0]
        raise ValueError(f"Proximities must be finite, but the one of {pair(i, j)} is {matrix[i, j]:g}.")
    if (matrix < 0).any():
        i, j = np.argwhere(matrix < 0)[0]
        raise ValueError(f"Proximities must not be negative, but the one of {pair(i, j)} is {matrix[i, j]:g}.")
    if np.diagonal(matrix).any():
        i = int(np.flatnonzero(np.diagonal(matrix))[0])
        raise ValueError(
            f"The proximity of a point to itself must be 0, but that of {names[i] if names else f'row {i + 1}'} is "
            f"{matrix[i, i]:g}. Are these similarities? Subtract them from their largest value first."
        )
    wrong = np.abs(matrix - matrix.T) > 1e-8 * np.maximum(matrix, matrix.T) + 1e-12 * matrix.max()
    if wrong.any():
        i, j = np.argwhere(wrong)[0]
        raise ValueError(
            f"Proximities must be symmetric, but the one of {pair(i, j)} is {matrix[i, j]:g} one way and {matrix[j, i]:g} the "
            "other."
        )
    return proximity_data(check_proximities((matrix + matrix.T) / 2), names, title, note=note)

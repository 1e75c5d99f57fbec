"""Data that are known only by their distances: an uploaded distance matrix, or words with their edit distances.

Input that cannot be used raises `ValueError` with a message for the page.
"""

import hashlib
import re
import unicodedata

import numpy as np
import pandas as pd

from clustering import check_proximities, classical_scaling, edit_distances
from pages.datasets.columns import value_text
from pages.datasets.data import Data
from pages.datasets.limits import MAX_CHARACTERS, MAX_POINTS_FOR_PROXIMITIES
from pages.datasets.matrix_text import TextMatrix, name_of_row, too_many

SIMILARITY = re.compile(r"simil|correl|^(?:r|rho|cor)$", re.IGNORECASE)
"""names of columns with similarities, not distances"""


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


def matrix_kind(table: pd.DataFrame) -> str:
    """What a table looks like: "proximities", "similarities" or "pairs", or "" for other tables."""
    if looks_like_proximities(table):
        return "proximities"
    if looks_like_similarities(table):
        return "similarities"
    return "pairs" if looks_like_pairs(table) else ""


def looks_like_proximities(table: pd.DataFrame) -> bool:
    """Whether a table is symmetric or one triangle of a matrix, with a zero diagonal; a column of names is ignored."""
    values = _symmetric_values(table)
    return values is not None and not np.nan_to_num(values.diagonal()).any()


def looks_like_similarities(table: pd.DataFrame) -> bool:
    """Whether a table is symmetric or one triangle, with equal numbers on the diagonal that are the largest ones."""
    values = _symmetric_values(table)
    if values is None or np.isnan(values.diagonal()).any():
        return False
    size = values[0, 0]
    return bool(size > 0 and np.allclose(values.diagonal(), size) and np.nanmax(np.abs(values)) <= size * (1 + 1e-8))


def looks_like_pairs(table: pd.DataFrame) -> bool:
    """Whether a table has a name, another name and a number in each row, for all pairs of the names."""
    table = _pairs(table)
    if table.shape[1] != 3 or not pd.api.types.is_numeric_dtype(table.iloc[:, 2]) or table.isna().to_numpy().any():
        return False
    names = [table.iloc[:, j] for j in range(2)]
    if any(pd.api.types.is_float_dtype(column) for column in names):
        return False
    first, second = (column.map(value_text) for column in names)
    n = len({*first, *second})
    if not 3 <= n <= MAX_POINTS_FOR_PROXIMITIES or not n * (n - 1) / 2 <= len(table) <= n**2:
        return False
    try:
        return not np.isnan(_matrix_of_pairs(table)[0]).any()
    except ValueError:
        return False


def _pairs(table: pd.DataFrame) -> pd.DataFrame:
    """The table without a first column of row numbers or names, and with a number in the first column moved to the end."""
    if table.shape[1] == 4 and table.iloc[:, 0].is_unique:
        table = table.iloc[:, 1:]
    if table.shape[1] == 3 and [pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes] == [True, False, False]:
        table = table.iloc[:, [1, 2, 0]]
    return table


def text_matrix_kinds(matrix: TextMatrix) -> list[str]:
    """What the numbers in a text may be: "proximities" and, if the diagonal has the largest of them, "similarities".

    The more likely one comes first.
    """
    values = matrix.values
    if values is None or len(values) < 3 or values.shape[0] != values.shape[1]:
        return ["proximities"]
    size, known = values[0, 0], values[~np.isnan(values)]
    if not (size > 0 and np.allclose(values.diagonal(), size) and np.abs(known).max() == size > known.min()):
        return ["proximities"]
    kinds = ["proximities", "similarities"]
    return kinds[::-1] if size in (1, 100) or known.min() < 0 else kinds


def _symmetric_values(table: pd.DataFrame) -> np.ndarray | None:
    """The numbers in a table if they are a symmetric matrix, or one triangle of it and missing values; else None."""
    if not 3 <= len(table) <= MAX_POINTS_FOR_PROXIMITIES or table.shape[1] - len(table) not in (0, 1):
        return None
    _, block = _split_names(table)
    values = block.to_numpy()
    if block.shape[1] != len(block) or values.dtype.kind not in "fiu":
        return None
    values = values.astype(float)
    triangle = np.tri(len(values), k=-1, dtype=bool)
    lower, upper = values[triangle], values.T[triangle]
    if np.isnan(lower).all() or np.isnan(upper).all():
        symmetric = not (np.isnan(lower).any() and np.isnan(upper).any())
    else:
        symmetric = np.allclose(lower, upper)
    return values if symmetric else None


def _split_names(table: pd.DataFrame) -> tuple[list[str] | None, pd.DataFrame]:
    """The names in the first or last column, or None if neither holds names, and the other columns."""
    rows, width = table.shape
    if width < 2:
        return None, table
    for position in (0, -1):
        names, rest = table.iloc[:, position], table.drop(columns=table.columns[position])
        is_text = not pd.api.types.is_numeric_dtype(names)
        if is_text and width == rows:  # a column of numbers with one typing error is also text
            is_text = bool(pd.to_numeric(names.astype(str), errors="coerce").isna().all())
        if is_text and (position == 0 or width == rows + 1):
            break
        if position == 0 and width == rows + 1 and _has_constant_diagonal(rest):
            break
    else:
        return None, table
    texts = ["" if missing else value_text(name) for name, missing in zip(names.astype(object), names.isna(), strict=True)]
    return texts, rest


def _has_constant_diagonal(block: pd.DataFrame) -> bool:
    """Whether all columns are numeric and all values on the diagonal are equal or missing."""
    values = block.to_numpy()
    if values.dtype.kind not in "fiu":
        return False
    diagonal = values.diagonal().astype(float)
    diagonal = diagonal[~np.isnan(diagonal)]
    return len(diagonal) == 0 or bool(np.allclose(diagonal, diagonal[0]))


def _numbers(table: pd.DataFrame, header: bool) -> tuple[np.ndarray, list[str] | None, list[str] | None]:
    """The matrix in a table, the names of its rows and those of its columns.

    Raises `ValueError` if there are other cells than numbers.
    """
    row_names, block = _split_names(table)
    for name in block.columns:
        cells = block[name]
        if not pd.api.types.is_numeric_dtype(cells):
            wrong = np.flatnonzero(cells.notna() & pd.to_numeric(cells.astype(str), errors="coerce").isna())
            i = wrong[0] if len(wrong) else cells.notna().argmax()
            raise ValueError(
                f"A distance matrix must contain only numbers, but {name_of_row(row_names, i)} has "
                f"{str(cells.iloc[i])!r} in column {name}: choose “Table” if this is a table."
            )
    column_names = [str(name) for name in block.columns] if header else None
    return block.to_numpy(dtype=float, na_value=np.nan), row_names, column_names


def from_table(table: pd.DataFrame, header: bool, title: str) -> Data:
    """A data set from a table that holds a full matrix, or one triangle and missing values elsewhere.

    Parameters
    ----------
    table : the matrix; the first or last column may hold row names
    header : whether the column names are names of points
    title : title of the data set

    Raises
    ------
    ValueError
        If the matrix is not square, too large, not numeric or not symmetric, or has negative, missing or infinite entries or
        a nonzero diagonal.
    """
    values, row_names, column_names = _numbers(table, header)
    return from_matrix(values, row_names, title, column_names)


def from_similarities(table: pd.DataFrame, header: bool, title: str) -> Data:
    """A data set from a table of similarities, such as correlations, as for `from_table`.

    Distances are the similarity of a point to itself, such as 1, minus the similarities.

    Raises
    ------
    ValueError
        As in `from_table`, or if the values on the diagonal are not equal or not the largest ones.
    """
    values, row_names, column_names = _numbers(table, header)
    return from_similarity_matrix(values, row_names, title, column_names)


def from_similarity_matrix(
    values: np.ndarray, row_names: list[str] | None, title: str, column_names: list[str] | None = None
) -> Data:
    """A data set from a matrix of similarities, as in `from_similarities`; the other arguments are those of `from_matrix`."""
    size = values[0, 0] if values.size else np.nan
    diagonal = values.diagonal()
    if np.isnan(size) or not np.allclose(diagonal, size) or np.nanmax(values) > size * (1 + 1e-8):
        raise ValueError(
            "In a similarity matrix, all values on the diagonal are equal, and no other value is larger: choose another "
            "interpretation."
        )
    distances = np.maximum(size - values, 0)
    np.fill_diagonal(distances, 0)
    note = f"Distances are {size:g} − similarity."
    return from_matrix(distances, row_names, title, column_names, note)


def from_pairs(table: pd.DataFrame, header: bool, title: str) -> Data:
    """A data set from a table with a name, another name and their distance in each row.

    Raises
    ------
    ValueError
        As in `from_table`, or if a pair occurs with different distances.
    """
    matrix, names = _matrix_of_pairs(table)
    what, note = "distance between", ""
    if SIMILARITY.search(str(_pairs(table).columns[2])):
        size = max(np.nanmax(matrix), 1)
        matrix = size - matrix
        np.fill_diagonal(matrix, 0)
        what, note = "similarity of", f" Distances are {size:g} − similarity."
    return from_matrix(matrix, names, title, note=f"Each row is the {what} two of {len(names):,} points.{note}")


def _matrix_of_pairs(table: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """The matrix of the numbers of pairs, NaN for missing pairs, 0 on the diagonal, and the names of its rows."""
    table = _pairs(table)
    first, second = (table.iloc[:, j].map(value_text) for j in range(2))
    names = list(dict.fromkeys([*first, *second]))
    if len(names) > MAX_POINTS_FOR_PROXIMITIES:
        raise ValueError(too_many(len(names)))
    positions = {name: i for i, name in enumerate(names)}
    i, j = (column.map(positions).to_numpy() for column in (first, second))
    values = table.iloc[:, 2].to_numpy(dtype=float)
    matrix = np.full((len(names), len(names)), np.nan)
    np.fill_diagonal(matrix, 0)
    matrix[j, i] = values
    matrix[i, j] = values
    wrong = np.flatnonzero((matrix[i, j] != values) | (matrix[j, i] != values))
    if len(wrong):
        row = wrong[0]
        others = (matrix[i[row], j[row]], matrix[j[row], i[row]])
        other = next(value for value in others if value != values[row])
        raise ValueError(
            f"The distance between {first.iloc[row]} and {second.iloc[row]} is both {values[row]:g} and {other:g}: keep one "
            "row for each pair."
        )
    return matrix, names


def _name_of(names: list[str] | None, i: int) -> str:
    return (names and names[i]) or f"row {i + 1}"


def from_matrix(
    matrix: np.ndarray, row_names: list[str] | None, title: str, column_names: list[str] | None = None, note: str = ""
) -> Data:
    """A data set from a full or triangular distance matrix.

    Parameters
    ----------
    matrix : (n, n) array; one triangle and the diagonal may be NaN. A triangle without its diagonal describes n + 1 points.
    row_names, column_names : names of the points, or None
    title : title of the data set
    note : a sentence about how the matrix was read

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
        raise ValueError(too_many(n))
    matrix = matrix.copy()
    names = next((names for names in (row_names, column_names) if names and len(names) == n), None)
    known = ~np.isnan(matrix)
    triangle = np.tri(n, k=-1, dtype=bool)
    below, above = known[triangle], known.T[triangle]
    if below.any() != above.any():
        triangle_note = "Only one triangle was given; the matrix was completed by symmetry."
        if known.diagonal().all() and matrix.diagonal().any():  # the zero diagonal was omitted
            triangle_note = f"A triangle without its diagonal was given, for {n + 1:,} points."
            names = _names_of_triangle(row_names, column_names, n, bool(below.any()))
            matrix = np.pad(matrix, ((1, 0), (0, 1)) if below.any() else ((0, 1), (1, 0)), constant_values=np.nan)
            n += 1
        matrix, note = np.where(np.isnan(matrix), matrix.T, matrix), f"{note} {triangle_note}".strip()
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

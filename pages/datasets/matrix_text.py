"""Distance matrices as text: PHYLIP files, output of R, and triangles whose lines have different lengths."""

import csv
import io
import itertools
import re
from dataclasses import dataclass

import numpy as np

from pages.datasets.limits import MAX_POINTS_FOR_PROXIMITIES

NUMBER = re.compile(r"[+-]?(?:[0-9]+[.,]?[0-9]*|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?")
LAYOUTS = re.compile(r"[ \t]*[0-9]{1,6}[ \t]*[\r\n]|[ \t]+[^\r\n]*[\r\n]+[^\s]")
"""beginnings of a PHYLIP file, with the number of points in its first line, and of R's output, with names in it"""
R_COMMANDS = re.compile(r"\A(?:>[^\n]*\n)+")
INSPECTED_CHARACTERS = 2**20
"""number of characters from which a triangle is detected"""
PHYLIP_NAME = 10
"""number of characters of a name in a PHYLIP file; it may contain spaces"""


@dataclass(frozen=True, eq=False)
class TextMatrix:
    """A distance matrix as text that is not a table with rows of equal length."""

    note: str
    """how the text is read"""
    values: np.ndarray | None = None
    """matrix, NaN where the text has no values; None if there is an error"""
    row_names: list[str] | None = None
    column_names: list[str] | None = None
    error: str = ""
    """a sentence that says why the text cannot be read; empty if it can"""


def read_matrix_text(text: str) -> TextMatrix | None:
    """The matrix in a PHYLIP file, in distances printed by R, or in lines of increasing length; None for other text."""
    text = R_COMMANDS.sub("", text)
    start = text[:INSPECTED_CHARACTERS]
    if LAYOUTS.match(start.lstrip("\r\n")):
        lines = [line for line in text.splitlines() if line.strip()]
        for source, layout in (("a PHYLIP file", _phylip), ("distances printed by R", _printed_by_r)):
            if found := layout(lines):
                return TextMatrix(f"This text is read as {source}.", *_filled(*found, _decimal(start)))
    separator = triangle_separator(start if len(start) == len(text) else start[: start.rfind("\n") + 1])
    if separator is None:
        return None
    note = "Each line has one more number than the previous line, so this is read as one triangle of a matrix."
    try:
        return TextMatrix(note, *parse_cells(text, separator, "." if separator == "," else _decimal(start)))
    except ValueError as error:
        return TextMatrix(note, error=str(error))


def _filled(names: list[str], rows: list[list[str]], decimal: str) -> tuple[np.ndarray, list[str]]:
    """The matrix with the given rows; those of an upper triangle end in the last column."""
    n, is_upper = len(names), len(rows[0]) > len(rows[-1])
    values = np.full((n, n), np.nan)
    for i, row in enumerate(rows):
        values[i, slice(n - len(row), n) if is_upper else slice(len(row))] = [_number(cell, decimal) for cell in row]
    return values, names


def _decimal(text: str) -> str:
    """The decimal separator of a text in which no commas separate cells."""
    commas, periods = (len(re.findall(f"[0-9]{mark}[0-9]", text)) for mark in (",", "[.]"))
    return "," if commas > periods else "."


def _number(cell: str, decimal: str) -> float:
    return float(cell.replace(",", ".") if decimal == "," else cell)


def _all_numbers(cells: list[str]) -> bool:
    return all(map(NUMBER.fullmatch, cells))


def _phylip(lines: list[str]) -> tuple[list[str], list[list[str]]] | None:
    """Names and rows of a PHYLIP file: the number of points, then a name and the distances of each point.

    A row may continue on lines that begin with a space. It has all distances, or only those of one triangle.
    """
    if not re.fullmatch(r"\s*[0-9]{1,6}\s*", lines[0]):
        return None
    n, names, rows = int(lines[0]), [], []
    for line in lines[1:]:
        cells = line.split()
        if rows and line[0].isspace() and _all_numbers(cells):
            rows[-1] += cells
            continue
        if not _all_numbers(cells[1:]):
            cells = [line[:PHYLIP_NAME].strip(), *line[PHYLIP_NAME:].split()]
        if len(rows) == min(n, MAX_POINTS_FOR_PROXIMITIES) or not _all_numbers(cells[1:]):
            return None
        names.append(cells[0])
        rows.append(cells[1:])
    lengths = [len(row) for row in rows]
    shapes = ([n] * len(rows), list(range(n)), list(range(1, n + 1)), list(range(n - 1, -1, -1)))
    return (names, rows) if n == len(rows) >= 2 and lengths in shapes else None


def _printed_by_r(lines: list[str]) -> tuple[list[str], list[list[str]]] | None:
    """Names and rows of the lower triangle that R prints for an object of class "dist".

    The columns may be printed in several blocks, each below a line of column names. Names may contain spaces, so the number of
    distances in a row follows from its position.
    """
    if not lines[0][0].isspace():
        return None
    blocks: list[list[str]] = []
    for line in lines:
        if line[0].isspace():
            blocks.append([])
        blocks[-1].append(line)
    sizes = [len(block) - 1 for block in blocks] + [0]
    if sizes[0] < 2 or any(size <= after for size, after in itertools.pairwise(sizes)):
        return None
    names, rows = [""] * sizes[0], [[] for _ in range(sizes[0])]
    for block, (size, after) in zip(blocks, itertools.pairwise(sizes), strict=True):
        for i, line in enumerate(block[1:]):
            cells, row = line.split(), sizes[0] - size + i
            count = min(i + 1, size - after)
            name = " ".join(cells[:-count])
            if not name or names[row] not in ("", name) or not _all_numbers(cells[-count:]):
                return None
            names[row] = name
            rows[row] += cells[-count:]
    header, below = (" ".join(part).split() for part in ([block[0] for block in blocks], names))
    if header == below:  # with the diagonal
        return names, rows
    below = " ".join(names[:-1]).split()
    first = header[: len(header) - len(below)]
    return ([" ".join(first), *names], [[], *rows]) if first and header[len(first) :] == below else None


def parse_cells(text: str, separator: str, decimal: str) -> tuple[np.ndarray, list[str] | None, list[str] | None]:
    """The matrix in a text whose lines may have different lengths, the names of its rows and those of its columns.

    Raises `ValueError` if it contains anything but numbers and names, or is too large.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > MAX_POINTS_FOR_PROXIMITIES + 1:
        raise ValueError(too_many(len(lines)))
    if separator in ("", " "):
        cells = [line.split() for line in lines]
    else:
        try:
            cells = list(csv.reader(io.StringIO("\n".join(lines)), delimiter=separator))
        except csv.Error:
            raise ValueError("A cell of this matrix is too long for a number: check for an unclosed quotation mark.") from None
    width = max(map(len, cells), default=0)
    if width > MAX_POINTS_FOR_PROXIMITIES + 1:
        raise ValueError(too_many(width))
    cells = [[cell.strip() for cell in row] for row in cells]

    def parse(cell):
        return _number(cell, decimal) if cell else np.nan

    def is_number(cell):
        try:
            parse(cell)
        except ValueError:
            return False
        return "_" not in cell

    row_names = column_names = None
    corner = _names_match(cells) and not (cells[0][0] and is_number(cells[0][0]))
    words = bool(cells) and not any(map(is_number, filter(None, cells[0])))
    is_first_row = words and not any(cells[0][1:]) and len(cells) > 1 and not is_number(cells[1][0])  # a name only
    if corner or (words and not is_first_row):
        column_names = [cell for cell in cells.pop(0)[corner:] if cell]
    if corner or (cells and not any(is_number(row[0]) or not row[0] for row in cells)):
        row_names = [row.pop(0) for row in cells]
    trimmed = [row[: max((i + 1 for i, cell in enumerate(row) if cell), default=0)] for row in cells]
    widths = {len(row) for row in trimmed}
    matrix = np.full((len(trimmed), max(widths) if len(widths) == 1 else max(widths | {len(trimmed)})), np.nan)
    for i, row in enumerate(trimmed):
        for j, cell in enumerate(row):
            if not is_number(cell):
                raise ValueError(
                    f"A distance matrix must contain only numbers, but {name_of_row(row_names, i)} has {cell!r} "
                    f"in column {j + 1}."
                )
            matrix[i, j] = parse(cell)
    return matrix, row_names, column_names


def _names_match(cells: list[list[str]]) -> bool:
    """Whether the cells right of the first cell are also the names of the rows, except for one name of a triangle."""
    above, below = cells[0][1:] if cells else [], [row[0] for row in cells[1:]]
    return len(set(above)) == len(above) > 1 and all(above) and (above == below or above[1:] == below[:-1])


def triangle_separator(text: str) -> str | None:
    """The separator of a text in which each line has one number more than the previous line, or None for other text.

    " " stands for any run of spaces. The first line and the first cell of each line may hold names.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    for separator in ("\t", ";", ",", " "):
        # few lines are enough to rule out most text
        if _is_triangle(lines[:20], separator) and _is_triangle(lines, separator):
            return separator
    return None


def _is_triangle(lines: list[str], separator: str) -> bool:
    cells = [line.rstrip(separator + " ").split(None if separator == " " else separator) for line in lines]
    for rows in (cells, cells[1:]):
        steps = np.diff([len(row) for row in rows])
        if len(steps) > 1 and (steps == 1).all() and len(rows[0]) <= 2 and all(map(_ends_in_numbers, rows[1:])):
            return True
    return False


def _ends_in_numbers(row: list[str]) -> bool:
    """Whether all cells except the first are numbers."""
    return all(re.fullmatch(r"\s*[+-]?[0-9]*[.,]?[0-9]+([eE][+-]?[0-9]+)?\s*", cell) for cell in row[1:])


def too_many(n: int) -> str:
    """The sentence about a matrix with too many rows or columns."""
    return f"A distance matrix may have at most {MAX_POINTS_FOR_PROXIMITIES:,} rows; this one has {n:,}: upload a subset."


def name_of_row(names: list[str] | None, i: int) -> str:
    """A row in a message."""
    return f"row {(names and names[i]) or i + 1}"

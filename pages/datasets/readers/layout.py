"""Where a table begins in a grid of cells: lines above it, header rows, and a first column of row names.

The functions expect the first non-blank rows as text, from any kind of file.
"""

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pages.datasets.readers.dates import is_date
from pages.datasets.readers.formats import Doubt, Format, ambiguity
from pages.datasets.readers.notation import (
    MISSING,
    ambiguous_number,
    is_number,
    is_plain_number,
    number_pattern,
    share_of_numbers,
)

MAX_ROWS_ABOVE = 40
"""maximum number of rows above a table that are recognized as such"""
MAX_HEADER_ROWS = 4
SAMPLE_COLUMNS = 300
"""number of columns that are inspected"""
UNNAMED = re.compile(r"|unnamed: 0(\.[0-9]+)?", re.IGNORECASE)
"""names of a column without a name: empty, or one that pandas gives it when it reads and writes the table"""

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Layout:
    """Where a table begins in a grid of cells."""

    above: int = 0
    """rows above the table"""
    header: int = 0
    """rows with column names"""
    row_names: bool = False
    """whether the first column holds the names of the rows"""
    doubts: tuple[Doubt, ...] = ()


def detect_layout(rows: Rows, decimal: str = ".", thousands: str = "", quoted: frozenset[int] = frozenset()) -> Layout:
    """Detects the layout of a table.

    Parameters
    ----------
    rows : cells of the first non-blank rows
    decimal, thousands : notation of numbers
    quoted : columns in which only the cell of the first row is written in quotation marks
    """
    above = rows_above(rows)
    rows = [list(row[:SAMPLE_COLUMNS]) for row in rows[above:]]
    if lacks_corner(rows):
        rows[0].insert(0, "")
    is_header, doubt = _first_row_is_header(rows, decimal, thousands, frozenset() if above else quoted)
    header = _header_rows(rows) if is_header else 0
    row_names = header > 0 and UNNAMED.fullmatch(joined_names(rows[:header])[0].strip()) is not None
    row_names = row_names and _are_names([row[0] if row else "" for row in rows[header:]])
    return Layout(above, header, row_names, (doubt,) if doubt else ())


def doubts_of(rows: Rows, format: Format) -> tuple[Doubt, ...]:
    """Parts of the first rows of a table, with its header, that are ambiguous and were read in one way in this format."""
    rows = [row[:SAMPLE_COLUMNS] for row in rows]
    layout = detect_layout(rows, format.decimal, format.thousands)
    doubts = [doubt for doubt in layout.doubts if layout.header == format.header]
    if layout.header == format.header > 1:
        sentence = f"The first {layout.header} rows are read as column names."
        doubts.append(Doubt(sentence, "Read only the first row as column names", (("header", 1),)))
    cell = ambiguous_number(itertools.zip_longest(*rows[format.header :], fillvalue=""), format)
    if cell:
        doubts.append(ambiguity(cell, format))
    return tuple(doubts)


def lacks_corner(rows: Rows) -> bool:
    """Whether the first row has one cell less than all others, as in files from R, in which row names have no column name."""
    lengths = {len(row) for row in rows[1:]}
    return len(rows) > 1 and len(rows[0]) > 1 and lengths == {len(rows[0]) + 1} and all(row[-1].strip() for row in rows[1:])


def joined_names(header: Rows) -> list[str]:
    """One name for each column, from one or more header rows.

    An empty cell of an upper row continues the cell to its left, as merged cells do, if the name in the row below is not
    empty.
    """
    if len(header) == 1:
        return ["" if cell is None else str(cell) for cell in header[0]]
    rows = list(zip(*itertools.zip_longest(*header, fillvalue=""), strict=True))
    parts: list[list[str]] = [[] for _ in rows[0]]
    for number, row in enumerate(rows):
        last = ""
        for column, cell in enumerate(row):
            text = "" if cell is None else str(cell).strip()
            below = number + 1 < len(rows) and any(str(lower[column] or "").strip() for lower in rows[number + 1 :])
            last = text or (last if below and number + 1 < len(rows) else "")
            if last:
                parts[column].append(last)
    return [" ".join(dict.fromkeys(part)) for part in parts]


def _size(row: Sequence[str]) -> int:
    """Length of a row without the empty cells at its end."""
    return next((i for i in range(len(row), 0, -1) if row[i - 1].strip()), 0)


def rows_above(rows: Rows) -> int:
    """Number of rows above the table, such as a title: much shorter than most rows, and not numeric.

    A table of two columns must have names and numbers below a title: "price" above "1,5" is a single column.
    """
    sizes = Counter(map(_size, rows))
    width = max(sizes, key=lambda size: (sizes[size], size), default=0)
    if width < 2:
        return 0
    base = min((i for row in rows[-20:] if _size(row) >= width for i, cell in enumerate(row) if cell.strip()), default=0)
    for number, row in enumerate(rows[: min(MAX_ROWS_ABOVE, len(rows) - 2)]):
        filled = [i for i, cell in enumerate(row) if cell.strip()]
        is_title = filled in ([], [base]) or (width >= 4 and filled in ([base, base + 1], [base + 1]))
        # a title that contains the separator has another number of cells than the row of names below it
        table = [*itertools.dropwhile(lambda row: len(row) != width, rows[number:])]
        is_title = is_title or (len(row) != width and len(table) > 1 and _is_named(table))
        if not is_title or any(is_plain_number(row[i]) or is_date(row[i]) for i in filled[:1]):
            table = rows[number:]
            return number if _is_filled(table, width) and (width > 2 or _is_named(table)) else 0
    return 0


def _is_named(rows: Rows) -> bool:
    """Whether the first row has no numbers, and a column below it hardly anything else."""
    return share_of_numbers(rows[0]) == 0 and any(share_of_numbers(column) > 0.8 for column in _columns(rows[1:]))


def _is_filled(rows: Rows, width: int) -> bool:
    """Whether most rows have the most common width."""
    return sum(_size(row) in (width - 1, width) for row in rows[:50]) >= 0.8 * len(rows[:50])


def _columns(rows: Rows) -> list[list[str]]:
    return [[cell.strip() for cell in column] for column in itertools.zip_longest(*rows, fillvalue="")]


def _first_row_is_header(rows: Rows, decimal: str, thousands: str, quoted: frozenset[int]) -> tuple[bool, Doubt | None]:
    """Whether the first row holds column names, and the other reading if the evidence is weak."""
    first = [cell.strip() for cell in rows[0]]
    body = _columns(rows[1:])
    body += [[]] * (len(first) - len(body))
    pattern = number_pattern(decimal, thousands)
    numbers, dates, texts = {}, set(), []
    for i, cell in enumerate(first):
        if cell in MISSING or cell.lower().lstrip("+-") in ("inf", "infinity"):
            continue
        if pattern.search(cell) or (is_number(cell) and not is_plain_number(cell) and not any(map(is_plain_number, body[i]))):
            numbers[i] = cell
        elif is_date(cell):
            dates.add(i)
        else:
            texts.append(i)
    if not numbers and not dates:
        return True, None
    if any(first[i] in body[i] or _is_like_most(first[i], body[i]) for i in texts):
        return False, None
    if matrix := _matrix_evidence(rows):
        return matrix == "below", None
    # marks for thousands or decimals may be the separator, and need quotation marks
    if any(i in quoted and re.fullmatch(r"[0-9]+(\.[0-9]+)?", cell) for i, cell in numbers.items()):
        return True, None
    numeric = {i for i, column in enumerate(body) if share_of_numbers(column) >= 0.8}
    worded = {i for i, column in enumerate(body) if i not in numeric and _are_words(column)}
    if not numeric and not worded:
        return False, None
    if any(i in worded for i in numbers) or (dates and dates <= numeric):
        return True, None
    typed = numeric | {i for i, column in enumerate(body) if column and all(map(is_date, filter(None, column)))}
    if len(typed.intersection(texts)) > len(numbers):
        return True, None
    as_data = Doubt("The first row is read as column names.", "Read it as data", (("header", 0),))
    as_names = Doubt("The first row is read as data.", "Read it as column names", (("header", 1),))
    others = [i for i in range(len(first)) if i not in numbers and (i == 0 or first[i] not in MISSING or any(body[i]))]
    values = [_value(numbers[i], decimal, thousands) for i in numbers]
    steps = {round(b - a, 9) for a, b in itertools.pairwise(values)}
    increasing = len(values) > 1 and (min(steps) > 0 or max(steps) < 0)
    years = all(value == int(value) and 1500 <= value < 2200 for value in values) and len(set(values)) == len(values)
    regular = len(steps) == 1 and 0 not in steps and (len(values) > 2 or (years and steps <= {1, -1}))
    if not (increasing or years) or not all(re.fullmatch(r"[0-9]+([.,][0-9]+)?", cell) for cell in numbers.values()):
        return False, None
    inside, far = _compared_with_columns({i: values[j] for j, i in enumerate(numbers)}, body, decimal, thousands)
    mostly_inside, mostly_far = 2 * inside >= len(values), 2 * far > len(values)
    if others:
        empty_corner = first[0] in MISSING
        if empty_corner and increasing and not any(cell in MISSING for cell in body[0]):
            return True, as_data if mostly_inside else None
        named = not typed.isdisjoint(texts)  # a word above numbers
        counts = regular and values[0] in (0, 1) and len(values) > 3
        likely = not mostly_inside and (years or regular or named)
        if others == [0]:  # names of the other columns only
            likely = likely or counts or (mostly_far and increasing)
        else:
            likely = (likely and mostly_far) or (likely and years and len(values) > 2)
        if (regular and (years or named)) or likely:
            return True, None if mostly_far else as_data
        return False, as_names if regular or years else None
    counts = values[0] in (0, 1) and steps == {1}
    if len(values) > 2 and mostly_far and (counts or regular or years):
        return True, as_data
    return False, as_names if counts or regular or years else None


def _is_like_most(text: str, column: list[str]) -> bool:
    """Whether a text and most of those below differ in the last character only, as "House A" and "House B"."""
    return len(text) > 1 and 2 * sum(cell[:-1] == text[:-1] for cell in column) > len(column)


def _value(cell: str, decimal: str, thousands: str) -> float:
    return float(re.sub(r"[^0-9.eE+-]", "", cell.replace(thousands or "\0", "").replace(decimal, ".")) or 0)


def _compared_with_columns(values: dict[int, float], body: list[list[str]], decimal: str, thousands: str) -> tuple[int, int]:
    """How many values lie within the range of their columns, and how many lie far outside or are whole unlike the column."""
    inside = far = 0
    for i, value in values.items():
        cells = [cell for cell in body[i] if is_number(cell)]
        column = [_value(cell, decimal, thousands) for cell in cells]
        if not column:
            continue
        low, high = min(column), max(column)
        inside += low <= value <= high
        fractions = sum(number != int(number) for number in column) > 0.8 * len(column)
        far += not low - 2 * (high - low) <= value <= high + 2 * (high - low) or (fractions and value == int(value))
    return inside, far


def _are_words(column: list[str]) -> bool:
    present = [cell for cell in column if cell not in MISSING]
    return len(present) > 1 and not any(is_number(cell) or is_date(cell) for cell in present)


def _matrix_evidence(rows: Rows) -> str:
    """ "all" if the rows are a symmetric matrix with a zero diagonal, "below" if those below the first one are, else ""."""
    for name, part in (("all", rows), ("below", rows[1:])):
        n = len(part)
        if n < 3 or any(len(row) not in (n, n + 1) for row in part):
            continue
        block = [[cell.strip() for cell in row[-n:]] for row in part]
        zeros = all(re.fullmatch("0([.,]0*)?", block[i][i]) for i in range(n))
        if zeros and all(block[i][j] == block[j][i] for i in range(n) for j in range(i)):
            return name
    return ""


def _header_rows(rows: Rows) -> int:
    """Number of rows with names and units. The first one is known to hold names."""
    start = min(MAX_HEADER_ROWS, len(rows) // 2)
    body = _columns(rows[max(start, 1) :])
    numeric = [i for i, column in enumerate(body) if share_of_numbers(column) >= 0.8]
    count = 1
    while count < start:
        row = [cell.strip() for cell in rows[count]]
        cells = [row[i] if i < len(row) else "" for i in numeric]
        named = [cell for cell in cells if cell not in MISSING and not (is_number(cell) or re.match(r"\W*[0-9]", cell))]
        others = [cell for i, cell in enumerate(row) if i not in numeric and cell not in MISSING]
        only_index_name = count > 1 and _size(row) == 1 and not any(cells[1:]) and not is_plain_number(row[0])
        is_named = len(named) == sum(cell != "" for cell in cells) and 2 * len(named) > len(cells)
        if not (only_index_name or (is_named and len(named) > len(others))):
            break
        count += 1
    return count


def _are_names(cells: list[str]) -> bool:
    """Whether the cells may be row names: distinct whole numbers or text values."""
    cells = [cell.strip() for cell in cells]
    return len(set(cells)) == len(cells) and all(
        cell not in MISSING and (re.fullmatch("[0-9]+([.,]0+)?", cell) or not is_plain_number(cell)) for cell in cells
    )

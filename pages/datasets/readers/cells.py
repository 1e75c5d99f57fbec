"""Converts cells to columns of numbers, dates, booleans or text, and makes column names unique."""

import contextlib
import datetime
import itertools
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pages.datasets.readers.dates import are_months, compact_dates, parse_dates, parse_durations
from pages.datasets.readers.findings import CODES_OF_MISSING, TableFindings
from pages.datasets.readers.formats import Doubt, Format, RawTable, count_of
from pages.datasets.readers.limits import MAX_NOTES, SAMPLE_ROWS, ReadError, check_cells
from pages.datasets.readers.notation import MISSING, first_present, to_text
from pages.datasets.readers.numbers import Numbers, parse_numbers, replace, with_missing

MAX_EXACT_INTEGER = 2**53
"""largest integer up to which floats represent all integers exactly"""
LONG_IDENTIFIERS = " has whole numbers that are too long to be exact as floats; they are kept as text."
BLANKS = "".join(map(chr, (*range(9, 14), *range(28, 33), 0x85, 0xA0, 0x1680, *range(0x2000, 0x2010), 0x2028, 0x2029)))
BLANKS += "\u202f\u205f\u2060\u3000\ufeff"
"""spaces and invisible characters, which are removed around cells"""
MAX_COMPARED_WORDS = 200
"""maximum number of distinct text values in a column that are compared for differences in case"""


@dataclass
class Converted:
    """A table with converted cells, and what was found during the conversion."""

    table: pd.DataFrame = field(default_factory=pd.DataFrame)
    notes: list[str] = field(default_factory=list)
    """sentences about what was changed"""
    gaps: Counter = field(default_factory=Counter)
    """number of cells with each marker of a missing value, without empty cells"""
    doubts: list[Doubt] = field(default_factory=list)
    row_names: str | None = None
    """column with the names of the rows"""


def to_table(raw: RawTable, format: Format) -> Converted:
    """The table with converted cells. Raises `ReadError` if it has fewer than two rows or is too large."""
    rows = len(raw.columns[0]) if raw.columns else 0
    if rows == 0:
        raise ReadError("This file has a header but no rows: it needs one row per observation.")
    if rows == 1:
        raise ReadError("This table has only one row; clustering needs at least two.")
    check_cells(rows, len(raw.columns))
    names, renamed = unique_names(raw.names)
    if not format.header:
        renamed = []
    elif format.row_names and renamed and not str(raw.names[0] or "").strip():
        renamed.pop(0)  # row names need no column name
    columns, found = {}, TableFindings()
    found.notes["renamed"] = renamed
    for i, name in enumerate(names):
        column, raw.columns[i] = raw.columns[i], None  # frees its memory before the next column is converted
        found.column = name
        columns[name] = _finished(_column(column, format, found), format, found)
        del column
    table, row_names = pd.DataFrame(columns), None
    if format.row_names and len(names) > 1:
        if table[names[0]].is_unique:
            row_names = names[0]
        else:
            found.column = names[0]
            found.note("row names", " does not hold row names, because some of its values are equal.")
    notes = list(raw.notes)
    for sentences in found.notes.values():
        notes += sentences[:MAX_NOTES]
        if len(sentences) > MAX_NOTES:
            notes.append(f"The same applies to {count_of(len(sentences) - MAX_NOTES, 'more column', 'more columns')}.")
    return Converted(table, notes, found.gaps, found.doubts(format), row_names)


def unique_names(given: Sequence) -> tuple[list[str], list[str]]:
    """Unique, non-empty column names, and notes about the names that were changed."""
    stripped = ["" if name is None or name != name else str(name).strip() for name in given]
    taken, names, notes = {*stripped}, {}, []
    for i, name in enumerate(stripped):
        new = name or f"column {i + 1}"
        if new in names or (not name and new in taken):
            new = next(other for n in itertools.count(2) if (other := f"{new} ({n})") not in taken)
        if not name:
            notes.append(f"Column {i + 1} has no name and was named {new}.")
        elif name != new:
            notes.append(f"Several columns are named {name}: column {i + 1} was renamed {new}.")
        taken.add(new)
        names[new] = None  # a dict keeps the order and has fast lookup
    return list(names), notes


Column = np.ndarray | pd.Series


def _finished(values: Column, format: Format, found: TableFindings) -> Column:
    """The column without additional markers of missing values among its numbers, or as dates; looks for such markers."""
    if not isinstance(values, np.ndarray) or not len(values) or values.dtype.kind not in "if":
        return values
    values, gaps = with_missing(values, format)
    found.gaps.update(gaps)
    dates = compact_dates(values)
    if dates is not None:
        found.note("compact dates", " has numbers such as 20210131, which are read as dates.")
        return dates
    low = np.fmin.reduce(values)
    if low in CODES_OF_MISSING:
        others = values[values > low]
        if len(others) and (others.min() >= 0 or others.min() - low > np.ptp(others)):
            found.codes.setdefault(float(low), []).append(found.column)
    return values


def _column(cells: np.ndarray | list | pa.ChunkedArray, format: Format, found: TableFindings) -> Column:
    if isinstance(cells, np.ndarray):
        return cells
    if isinstance(cells, list):
        return _from_objects(cells, format, found)
    kind = cells.type
    if cells.null_count == len(cells):
        return _empty(len(cells), found)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == pa.string_view():
        return _from_text(cells.cast(pa.string()), format, found)
    if pa.types.is_integer(kind):
        return _from_integers(cells, found)
    if pa.types.is_decimal(kind) and kind.scale == 0:
        with contextlib.suppress(pa.ArrowInvalid):
            return _from_integers(cells.cast(pa.int64()), found)
    if pa.types.is_decimal(kind) or pa.types.is_floating(kind):
        return cells.cast(pa.float64()).to_numpy()
    if pa.types.is_date(kind):
        return cells.cast(pa.timestamp("ms")).to_pandas()
    if pa.types.is_timestamp(kind) or pa.types.is_boolean(kind):
        return cells.to_pandas()
    texts = [None if cell is None else str(cell) for cell in cells.to_pylist()]
    return _from_text(pa.chunked_array([pa.array(texts, pa.string())]), format, found)


def _empty(rows: int, found: TableFindings) -> Column:
    found.note("empty", " has no values.")
    return np.full(rows, np.nan)


def _from_integers(cells: pa.ChunkedArray, found: TableFindings) -> Column:
    if cells.null_count == 0:
        return cells.to_numpy()
    if _exact(cells):
        return cells.cast(pa.float64()).to_numpy()
    found.note("long", LONG_IDENTIFIERS)
    return cells.cast(pa.string()).to_pandas()


def _exact(integers: pa.ChunkedArray) -> bool:
    """Whether all integers are exact as floats."""
    extremes = pc.min_max(integers).as_py()
    return max(-extremes["min"], extremes["max"]) <= MAX_EXACT_INTEGER


def _from_objects(cells: list, format: Format, found: TableFindings) -> Column:
    cells = [cell if cell == cell else None for cell in cells]
    kinds = {type(cell) for cell in cells if cell is not None}
    if not kinds:
        return _empty(len(cells), found)
    if kinds == {bool}:
        return pd.Series(cells, dtype=object if None in cells else bool)
    if kinds == {int}:
        with contextlib.suppress(OverflowError, pa.ArrowInvalid):
            return _from_integers(pa.chunked_array([pa.array(cells, pa.int64())]), found)
    elif kinds <= {int, float}:
        with contextlib.suppress(OverflowError):  # integers with hundreds of digits
            return np.array([np.nan if cell is None else float(cell) for cell in cells])
    if kinds <= {datetime.datetime, datetime.date}:
        with contextlib.suppress(ValueError, OverflowError, TypeError):
            return pd.Series(pd.to_datetime(pd.Series(cells, dtype=object)))
    texts = [None if cell is None else to_text(cell, format.decimal).encode("utf-8", "replace").decode() for cell in cells]
    return _from_text(pa.chunked_array([pa.array(texts, pa.string())]), format, found)


def _from_text(cells: pa.ChunkedArray, format: Format, found: TableFindings) -> Column:
    """Numbers, dates or durations if at least 80% of the non-missing cells are such, else trimmed text."""
    if format.decimal == "." and not format.thousands:
        numbers = None
        with contextlib.suppress(pa.ArrowInvalid):
            numbers = cells.cast(pa.float64())
        # faster than checking each cell, if all of them are numbers, and no month such as "01.2020" or mark such as "nan"
        if numbers is not None and not pc.any(pc.is_nan(numbers)).as_py() and not are_months(cells):
            _look_for_thousands(cells, format, found)
            return _from_numbers(cells, numbers, cells, found)
    trimmed = pc.utf8_trim(cells, BLANKS)
    missing = pc.is_in(trimmed, pa.array(sorted(MISSING.union(format.missing))))
    present = pc.if_else(missing, None, trimmed)
    count = len(present) - present.null_count
    _count_gaps(trimmed, missing, found)
    if count == 0:
        return _empty(len(cells), found)
    numbers, note = (None, "") if are_months(present) else parse_numbers(present, format)
    if numbers is not None:
        _note_numbers(present, numbers, format, found)
        _look_for_thousands(present, format, found)
        return _from_numbers(numbers.plain, numbers.plain.cast(pa.float64()), present, found)
    default = "dmy" if format.decimal == "," else "mdy"
    dates, date_note = parse_dates(present, format.dates, default)
    if dates:
        if dates.order:
            found.orders.setdefault(dates.order, []).append(found.column)
        _note_invalid(present, pa.chunked_array([pa.array(dates.values.notna())]), "dates", found)
        return dates.values
    if times := parse_durations(present):
        found.note("times", " has times, which are read as hours (1:30 as 1.5).")
        _note_invalid(present, pa.chunked_array([pa.array(~np.isnan(times.values))]), "times", found)
        return times.values
    if note or date_note:
        found.note("text", note or date_note)
    present = _composed(present)
    _note_similar_words(cells, present, format, found)
    words = present.to_pandas()
    return _with_one_case(words) if format.ignore_case else words


def _composed(words: pa.ChunkedArray) -> pa.ChunkedArray:
    """The words in Unicode's composed form (NFC), in which words that look equal are equal."""
    if pc.all(pc.string_is_ascii(words)).as_py() is not False:
        return words
    # utf8_normalize of PyArrow 18 to 23 decomposes them instead
    composed = [None if word is None else unicodedata.normalize("NFC", word) for word in words.to_pylist()]
    return pa.chunked_array([composed], words.type)


def _count_gaps(trimmed: pa.ChunkedArray, missing: pa.ChunkedArray, found: TableFindings) -> None:
    for mark in pc.value_counts(trimmed.filter(missing)).to_pylist():
        if mark["values"]:
            found.gaps[mark["values"]] += mark["counts"]


def _note_similar_words(cells: pa.ChunkedArray, words: pa.ChunkedArray, format: Format, found: TableFindings) -> None:
    """Notes about text values that differ only in case, or that were equal only after trimming."""
    if len(pc.unique(words.slice(0, 10 * MAX_COMPARED_WORDS))) > MAX_COMPARED_WORDS:
        return
    distinct = pc.unique(words).drop_null().to_pylist()
    if len(distinct) > MAX_COMPARED_WORDS:
        return
    changed = pc.sum(pc.not_equal(cells, words)).as_py()
    if changed and len(pc.unique(cells.filter(words.is_valid()))) > len(distinct):
        found.note("trimmed", f": spaces around {count_of(changed, 'cell', 'cells')} were removed, so that equal words match.")
    by_case: dict[str, list[str]] = {}
    for word in distinct:
        by_case.setdefault(word.casefold(), []).append(word)
    for group in by_case.values():
        if len(group) > 1 and not format.ignore_case:
            found.cases.setdefault(found.column, []).append(" and ".join(f"“{word}”" for word in group[:3]))


def _with_one_case(words: pd.Series) -> pd.Series:
    """The text values; those that differ only in case get the most frequent spelling."""
    spellings: dict[str, str] = {}
    for word in words.value_counts().index:
        spellings.setdefault(word.casefold(), word)
    return words.map(lambda word: spellings[word.casefold()], na_action="ignore")


def _note_numbers(present: pa.ChunkedArray, numbers: Numbers, format: Format, found: TableFindings) -> None:
    if numbers.removed:
        what = ", ".join(f"“{mark}”" if len(mark) < 20 else mark for mark in numbers.removed)
        found.note("removed", f": {what} removed from the numbers, as in “{_short(numbers.example)}”.")
    _note_invalid(present, numbers.valid, "numbers", found)


def _look_for_thousands(cells: pa.ChunkedArray, format: Format, found: TableFindings) -> None:
    """Finds a number such as "1.234" below whole numbers, whose mark may separate thousands, if others do not decide."""
    if format.thousands or any(format.decimal in cell for cell in first_present(cells, SAMPLE_ROWS)):
        return
    marked = cells.filter(pc.match_substring(cells, format.decimal))
    if (
        len(marked)
        and pc.all(pc.match_substring_regex(marked, rf"^[+-]?[1-9][0-9]{{0,2}}\{format.decimal}[0-9]{{3}}$")).as_py()
    ):
        found.ambiguous = found.ambiguous or marked[0].as_py()


def _note_invalid(cells: pa.ChunkedArray, valid: pa.ChunkedArray, what: str, found: TableFindings) -> None:
    """Notes cells that are not numbers or dates, unlike most cells of the column."""
    wrong = pc.and_(pc.is_valid(cells), pc.fill_null(pc.invert(valid), False)).combine_chunks()
    invalid, count = pc.sum(wrong).as_py(), len(cells) - cells.null_count
    if not invalid:
        return
    row = pc.index(wrong, True).as_py()
    cell = f"'{_short(cells[row].as_py())}' in row {row + 1}"
    if invalid == 1:
        found.note("invalid", f": 1 of {count:,} cells is not a {what[:-1]}, {cell}; it is treated as missing.")
    else:
        found.note("invalid", f": {invalid:,} of {count:,} cells are not {what} (first: {cell}); they are treated as missing.")


def _short(cell: str) -> str:
    return cell if len(cell) <= 40 else cell[:40] + "…"


def _from_numbers(plain: pa.ChunkedArray, numbers: pa.ChunkedArray, text: pa.ChunkedArray, found: TableFindings) -> Column:
    """Integers if all are whole, else floats; text if they are identifiers or too long to be exact as floats."""
    if _are_identifiers(plain):
        found.note("zeros", " has numbers with leading zeros, like identifiers; they are kept as text.")
        return text.to_pandas()
    values = numbers.to_numpy()
    try:
        integers = replace(plain, "+", "").cast(pa.int64())
        if integers.null_count == 0:
            return integers.to_numpy()
        long = not _exact(integers)
    except pa.ArrowInvalid:
        # More than 64 bits. A column with decimals or exponents holds measurements, which need not be exact.
        long = bool((np.abs(values) > MAX_EXACT_INTEGER).any())
        long = long and pc.all(pc.match_substring_regex(plain, r"^[+-]?[0-9]+$")).as_py()
    if long:
        found.note("long", LONG_IDENTIFIERS)
        return text.to_pandas()
    return values


def _are_identifiers(cells: pa.ChunkedArray) -> bool:
    """Whether whole numbers have leading zeros, like "00123", and all cells have the same length.

    Numbers of less than four digits, such as months, must mostly have leading zeros.
    """
    if not pc.any(pc.starts_with(cells, "0")).as_py():
        return False
    lengths = pc.min_max(pc.utf8_length(cells)).as_py()
    zeros = pc.sum(pc.match_substring_regex(cells, "^0[0-9]+$")).as_py()
    return lengths["min"] == lengths["max"] and zeros > (len(cells) - cells.null_count) / 2 * (lengths["min"] < 4)

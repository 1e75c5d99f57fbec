"""Converts cells to columns of numbers, dates, booleans or text, and makes column names unique."""

import contextlib
import datetime
import itertools
import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pages.datasets.readers.formats import THOUSANDS, Format, RawTable, count_of
from pages.datasets.readers.limits import MAX_NOTES, ReadError, check_cells
from pages.datasets.readers.notation import ISO_DATE, MISSING, number_pattern, to_text

MAX_EXACT_INTEGER = 2**53
"""floats represent all integers up to this one exactly"""
LONG_IDENTIFIERS = " has whole numbers that are too long to be exact as floats; they are kept as text."

Column = tuple[np.ndarray | pd.Series, str, str]
"""values, kind of the note, and the note without the column name at its beginning; "" if there is no note"""


def to_table(raw: RawTable, format: Format) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table with converted cells, and all notes. Raises `ReadError` if it has fewer than two rows or is too large."""
    rows = len(raw.columns[0]) if raw.columns else 0
    if rows == 0:
        raise ReadError("This file has a header but no rows: it needs one row per observation.")
    if rows == 1:
        raise ReadError("This table has only one row; clustering needs at least two.")
    check_cells(rows, len(raw.columns))
    names, renamed = unique_names(raw.names)
    columns, notes = {}, {"renamed": renamed if format.header else []}
    for i, name in enumerate(names):
        column, raw.columns[i] = raw.columns[i], None  # frees its memory before the next column is converted
        columns[name], kind, note = _column(column, format)
        if note:
            subject = name.capitalize() if re.fullmatch("column [0-9]+", name) else f"Column {name}"
            notes.setdefault(kind, []).append(subject + note)
        del column
    all_notes = list(raw.notes)
    for sentences in notes.values():
        all_notes += sentences[:MAX_NOTES]
        if len(sentences) > MAX_NOTES:
            all_notes.append(f"The same applies to {count_of(len(sentences) - MAX_NOTES, 'more column', 'more columns')}.")
    return pd.DataFrame(columns), tuple(all_notes)


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


def _column(cells: np.ndarray | list | pa.ChunkedArray, format: Format) -> Column:
    if isinstance(cells, np.ndarray):
        return cells, "", ""
    if isinstance(cells, list):
        return _from_objects(cells, format)
    kind = cells.type
    if cells.null_count == len(cells):
        return _empty(len(cells))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == pa.string_view():
        return _from_text(cells.cast(pa.string()), format)
    if pa.types.is_integer(kind):
        return _from_integers(cells)
    if pa.types.is_decimal(kind) and kind.scale == 0:
        with contextlib.suppress(pa.ArrowInvalid):
            return _from_integers(cells.cast(pa.int64()))
    if pa.types.is_decimal(kind) or pa.types.is_floating(kind):
        return cells.cast(pa.float64()).to_numpy(), "", ""
    if pa.types.is_date(kind):
        return cells.cast(pa.timestamp("ms")).to_pandas(), "", ""
    if pa.types.is_timestamp(kind) or pa.types.is_boolean(kind):
        return cells.to_pandas(), "", ""
    return pd.Series([None if cell is None else str(cell) for cell in cells.to_pylist()], dtype=object), "", ""


def _empty(rows: int) -> Column:
    return np.full(rows, np.nan), "empty", " has no values."


def _from_integers(cells: pa.ChunkedArray) -> Column:
    if cells.null_count == 0:
        return cells.to_numpy(), "", ""
    if _exact(cells):
        return cells.cast(pa.float64()).to_numpy(), "", ""
    return cells.cast(pa.string()).to_pandas(), "long", LONG_IDENTIFIERS


def _exact(integers: pa.ChunkedArray) -> bool:
    """Whether all integers are exact as floats."""
    extremes = pc.min_max(integers).as_py()
    return max(-extremes["min"], extremes["max"]) <= MAX_EXACT_INTEGER


def _from_objects(cells: list, format: Format) -> Column:
    cells = [cell if cell == cell else None for cell in cells]
    kinds = {type(cell) for cell in cells if cell is not None}
    if not kinds:
        return _empty(len(cells))
    if kinds == {bool}:
        return pd.Series(cells, dtype=object if None in cells else bool), "", ""
    if kinds == {int}:
        with contextlib.suppress(OverflowError, pa.ArrowInvalid):
            return _from_integers(pa.chunked_array([pa.array(cells, pa.int64())]))
    elif kinds <= {int, float}:
        with contextlib.suppress(OverflowError):  # integers with hundreds of digits
            return np.array([np.nan if cell is None else float(cell) for cell in cells]), "", ""
    if kinds <= {datetime.datetime, datetime.date}:
        with contextlib.suppress(ValueError, OverflowError, TypeError):
            return pd.Series(pd.to_datetime(pd.Series(cells, dtype=object))), "", ""
    texts = [None if cell is None else to_text(cell, format.decimal).encode("utf-8", "replace").decode() for cell in cells]
    return _from_text(pa.chunked_array([pa.array(texts, pa.string())]), format)


def _from_text(cells: pa.ChunkedArray, format: Format) -> Column:
    """Numbers if at least 80% of the non-missing cells are numbers, dates if all are dates, else text."""
    if format.decimal == "." and not format.thousands:
        numbers = None
        with contextlib.suppress(pa.ArrowInvalid):
            numbers = cells.cast(pa.float64())
        if numbers is not None:  # all cells are numbers; faster than checking each cell
            return _from_numbers(cells, numbers, cells, "")
    trimmed = pc.utf8_trim_whitespace(cells)
    missing = pc.is_in(trimmed, pa.array(sorted(MISSING)))
    present = pc.if_else(missing, None, trimmed)
    count = len(present) - present.null_count
    if count == 0:
        return _empty(len(cells))
    valid = pc.match_substring_regex(present, number_pattern(format.decimal, format.thousands).pattern)
    right = pc.sum(valid).as_py()
    text = pc.if_else(missing, None, cells) if present.null_count else cells
    if right < 0.8 * count:
        if pc.all(pc.match_substring_regex(present, ISO_DATE)).as_py():
            with contextlib.suppress(ValueError, OverflowError):
                return pd.to_datetime(present.to_pandas(), format="ISO8601"), "", ""
        note = f" is text, because only {right:,} of its {count:,} cells are numbers." if right >= 0.5 * count else ""
        return text.to_pandas(), "text", note
    note = _invalid_note(present, valid, count - right, count) if right < count else ""
    plain = pc.if_else(valid, present, None)
    del trimmed, missing, present, valid
    if format.thousands:
        plain = pc.replace_substring_regex(plain, f"[{THOUSANDS[format.thousands]}]", "")
    if format.decimal == ",":
        plain = pc.replace_substring(plain, ",", ".")
    plain = _replace(plain, "\u2212", "-")
    return _from_numbers(plain, plain.cast(pa.float64()), text, note)


def _invalid_note(cells: pa.ChunkedArray, valid: pa.ChunkedArray, invalid: int, count: int) -> str:
    """Note about cells that are not numbers in a numeric column."""
    row = pc.index(pc.fill_null(pc.invert(valid).combine_chunks(), False), True).as_py()
    cell = cells[row].as_py()
    cell = f"'{cell if len(cell) <= 40 else cell[:40] + '…'}' in row {row + 1}"
    if invalid == 1:
        return f": 1 of {count:,} cells is not a number, {cell}; it is treated as missing."
    return f": {invalid:,} of {count:,} cells are not numbers (first: {cell}); they are treated as missing."


def _from_numbers(plain: pa.ChunkedArray, numbers: pa.ChunkedArray, text: pa.ChunkedArray, note: str) -> Column:
    """Integers if all are whole, else floats; text if they are identifiers or too long to be exact as floats."""
    if _are_identifiers(plain):
        return text.to_pandas(), "zeros", " has numbers with leading zeros, like identifiers; they are kept as text."
    values = numbers.to_numpy()
    try:
        integers = _replace(plain, "+", "").cast(pa.int64())
        if integers.null_count == 0:
            return integers.to_numpy(), "invalid", note
        long = not _exact(integers)
    except pa.ArrowInvalid:
        # More than 64 bits. A column with decimals or exponents holds measurements, which need not be exact.
        long = bool((np.abs(values) > MAX_EXACT_INTEGER).any())
        long = long and pc.all(pc.match_substring_regex(plain, r"^[+-]?[0-9]+$")).as_py()
    return (text.to_pandas(), "long", LONG_IDENTIFIERS) if long else (values, "invalid", note)


def _replace(cells: pa.ChunkedArray, old: str, new: str) -> pa.ChunkedArray:
    """The cells with `old` replaced with `new`; not copied if `old` does not occur."""
    return pc.replace_substring(cells, old, new) if pc.any(pc.match_substring(cells, old)).as_py() else cells


def _are_identifiers(cells: pa.ChunkedArray) -> bool:
    """Whether most cells are whole numbers with leading zeros, and all have the same length, like "00123"."""
    if not pc.any(pc.starts_with(cells, "0")).as_py():
        return False
    lengths = pc.min_max(pc.utf8_length(cells)).as_py()
    zeros = pc.sum(pc.match_substring_regex(cells, "^0[0-9]+$")).as_py()
    return lengths["min"] == lengths["max"] and 2 * zeros > len(cells) - cells.null_count

"""Limits on what is read, sizes of the samples used for detection, and the error raised for unreadable files."""

import contextlib
from collections.abc import Iterator

from pages.datasets.limits import (
    MAX_CELLS,
    MAX_JSON_BYTES,
    MAX_JSON_ROWS,
    MAX_ROW_BYTES,
    MAX_SHEET_ROWS,
    MAX_TABLE_COLUMNS,
    MAX_UNPACKED_BYTES,
)

MAX_NOTES = 12
"""maximum number of notes of each kind that are shown; the others are only counted"""
SAMPLE_BYTES = 2**16
"""number of bytes used to detect the format of a text; more if its rows are long"""
SAMPLE_ROWS = 200
"""number of rows used to detect the format of a table"""

START_LINES, START_CHARACTERS = 8, 200
"""number of lines of a file, and of characters of each of them, that are shown unchanged"""

EMPTY = "The file is empty: it needs a header and one row per observation."
SAVE_AS = "save the table as CSV or Excel (.xlsx) and upload that file"


class ReadError(ValueError):
    """The file cannot be read; the message is a sentence for the page."""


@contextlib.contextmanager
def as_read_error(message: str) -> Iterator[None]:
    """Context manager that replaces any other exception with a `ReadError` with this message.

    Catches all exceptions, because libraries raise many different ones for damaged files. Those of libraries in Rust are not
    derived from `Exception`.
    """
    try:
        yield
    except (ReadError, MemoryError, KeyboardInterrupt):
        raise
    except BaseException:
        raise ReadError(message) from None


def check_bytes(size: int) -> None:
    """Raises `ReadError` if an unpacked file is too large."""
    if size > MAX_UNPACKED_BYTES:
        limit = f"{MAX_UNPACKED_BYTES / 2**20:,.0f} MB"
        raise ReadError(f"Unpacked, this file exceeds the limit of {limit}: upload a subset of the table.")


def check_cells(rows: int, columns: int) -> None:
    """Raises `ReadError` if a table has too many columns or cells."""
    if columns > MAX_TABLE_COLUMNS:
        raise ReadError(
            f"This table has {columns:,} columns, more than the limit of {MAX_TABLE_COLUMNS:,}: remove columns, or exchange "
            "rows and columns if each observation is a column."
        )
    if rows * columns > MAX_CELLS:
        raise ReadError(f"This table exceeds the limit of {MAX_CELLS:,} cells: upload fewer rows or columns.")


def check_width(text: bytes) -> None:
    """Raises `ReadError` if one of the first lines of a text has too many cells, before anything is parsed."""
    for line in text[:MAX_ROW_BYTES].split(b"\n", 3)[:3]:
        if b'"' not in line:
            check_cells(1, 1 + max(line.count(separator) for separator in (b",", b";", b"\t", b"|")))


def check_sheet_rows(rows: int) -> None:
    """Raises `ReadError` if a sheet of a workbook has more rows than Excel can show."""
    if rows > MAX_SHEET_ROWS:
        raise ReadError(f"This sheet exceeds the limit of {MAX_SHEET_ROWS:,} rows: save the table as CSV or Parquet.")


def check_json(content: bytes) -> None:
    """Raises `ReadError` if parsing a JSON file would take too much memory."""
    if len(content) > MAX_JSON_BYTES or content.count(b"{") > MAX_JSON_ROWS:
        raise ReadError(
            f"This JSON file exceeds the limit of {MAX_JSON_BYTES / 2**20:,.0f} MB or {MAX_JSON_ROWS:,} rows: save the table "
            "as CSV or Parquet and upload that file."
        )


def nested(column: str) -> ReadError:
    """The error for a column with nested values."""
    return ReadError(f"Column {column} contains lists or objects instead of single values: give each value its own column.")

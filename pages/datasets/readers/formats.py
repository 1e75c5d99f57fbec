"""The format of a table, and the result of reading it."""

import re
from dataclasses import dataclass

import pandas as pd

from pages.datasets.readers.limits import ReadError

KIND_NAMES = {
    "text": "delimited text",
    "workbook": "a workbook",
    "parquet": "a Parquet file",
    "arrow": "an Arrow or Feather file",
    "json": "JSON",
    "npy": "a NumPy array",
}
"""names of the kinds, for messages"""
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "latin-1": "Western European (Windows-1252, Latin-1)",
    "mac_roman": "Western European (Mac Roman)",
    "cp850": "Western European (DOS)",
    "cp1250": "Central European (Windows-1250)",
    "iso8859_2": "Central European (ISO 8859-2)",
    "cp1251": "Cyrillic (Windows-1251)",
    "koi8_r": "Cyrillic (KOI8-R)",
    "cp866": "Cyrillic (DOS)",
    "cp1253": "Greek (Windows-1253)",
    "cp1254": "Turkish (Windows-1254)",
    "cp1255": "Hebrew (Windows-1255)",
    "cp1256": "Arabic (Windows-1256)",
    "cp1257": "Baltic (Windows-1257)",
    "gb18030": "Simplified Chinese (GBK)",
    "big5": "Traditional Chinese (Big5)",
    "cp932": "Japanese (Shift-JIS)",
    "euc_jp": "Japanese (EUC-JP)",
    "cp949": "Korean (EUC-KR)",
}
"""supported encodings with their names on the page"""
THOUSANDS = {",": ",", ".": ".", " ": " \u00a0\u202f\u2009", "'": "'\u2019"}
"""each thousands separator with all its variants"""


@dataclass(frozen=True)
class Format:
    """Format of a table, detected or chosen."""

    kind: str
    """a key of `KIND_NAMES`"""
    compressed: bool = False
    """whether the file is compressed with gzip or zip"""
    encoding: str = ""
    """a key of `ENCODINGS`, with or without byte order mark; for text and JSON only"""
    separator: str = ""
    """one character, " " for runs of spaces, or "" for a single column"""
    decimal: str = "."
    """"." or ",\""""
    thousands: str = ""
    """"", ",", ".", " " (of any width) or "'\""""
    header: int | None = True
    """number of rows with column names, whose cells are joined if there are several; None to detect the layout of a sheet"""
    sheet: str = ""
    """name of a sheet of a workbook; "" for the first non-empty one"""
    quote: str = '"'
    """quotation mark of a text: '"', "'" or "" for none"""
    skip: int = 0
    """lines of a text, or rows of a sheet, above the table"""
    comment: str = ""
    """lines of a text that begin with this character are left out; "" if there are none"""
    row_names: bool = False
    """whether the first column contains the names of the rows"""
    ignore_case: bool = False
    """whether text values that differ only in case are equal"""
    missing: tuple[str, ...] = ()
    """markers of missing values in addition to the usual ones"""
    dates: str = ""
    """order of day and month in dates such as 01/02/2021: "dmy" or "mdy", or "" if the values of each column decide"""
    transposed: bool = False
    """whether the rows and columns of JSON objects in an object are exchanged"""


@dataclass(frozen=True)
class Doubt:
    """A value or layout that was read in one way but might have another meaning."""

    sentence: str
    """how it was read"""
    alternative: str
    """label of a button for the other reading"""
    changes: tuple[tuple[str, object], ...]
    """fields of `Format` for the other reading, with their values"""


@dataclass(frozen=True, eq=False)
class Reading:
    """A table and the way it was read."""

    table: pd.DataFrame
    """columns of numbers, text, dates or booleans with unique, non-empty names"""
    format: Format
    notes: tuple[str, ...] = ()
    """sentences about repairs and dropped rows"""
    sheets: tuple[str, ...] = ()
    """names of the sheets of a workbook"""
    gaps: tuple[tuple[str, int], ...] = ()
    """markers of missing values, and the number of cells with each of them; empty cells are not counted"""
    doubts: tuple[Doubt, ...] = ()
    row_names: str | None = None
    """column with the names of the rows"""
    start: tuple[str, ...] = ()
    """the first lines of a text, or rows of a sheet, as they stand"""


@dataclass(frozen=True, eq=False)
class RawTable:
    """A table before its cells are converted."""

    names: list
    """column names; None or "" if missing"""
    columns: list
    """Arrow arrays, NumPy arrays or lists of equal length"""
    notes: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()
    sheet: str = ""
    doubts: tuple[Doubt, ...] = ()
    start: tuple[str, ...] = ()


def check_format(format: Format, kind: str) -> None:
    """Raises `ReadError` if the format is invalid or does not match `kind`, the kind of the content."""
    if format.kind not in KIND_NAMES:
        raise ReadError(f"Unknown kind of file {format.kind}: choose one of {', '.join(KIND_NAMES)}.")
    if format.kind != kind and {format.kind, kind} != {"text", "json"}:
        raise ReadError(f"This file is {KIND_NAMES[kind]}, not {KIND_NAMES[format.kind]}.")
    if format.decimal not in (".", ",") or format.thousands not in ("", *THOUSANDS):
        raise ReadError(
            "The decimal separator must be a period or comma; the thousands separator a period, comma, space, apostrophe or "
            "none."
        )
    if format.decimal == format.thousands:
        raise ReadError("The decimal and thousands separators are the same: choose different ones.")
    if (len(format.separator) > 1 and format.separator != "::") or format.separator in ("\n", "\r", '"', "\ufeff"):
        raise ReadError("The separator must be a single character other than a line break or quotation mark.")
    if format.quote not in ('"', "'", ""):
        raise ReadError("The quotation mark must be \", ' or none.")
    if format.skip < 0 or not 0 <= (format.header or 0) <= 20:
        raise ReadError("The number of skipped lines must not be negative, and there may be at most 20 header rows.")
    if format.encoding not in ("", *ENCODINGS):
        raise ReadError(f"Unknown encoding: choose {', '.join(ENCODINGS)}.")


def ambiguity(cell: str, format: Format) -> Doubt:
    """The doubt about a number such as "1.234", whose mark is the decimal or the thousands separator."""
    decimal, thousands = (format.thousands, "") if format.thousands else (".,"[format.decimal == "."], format.decimal)
    whole, decimals = re.sub("[.,]", "", cell), cell.replace(",", ".")
    taken, other = (whole, decimals) if format.thousands else (decimals, whole)
    changes = (("decimal", decimal), ("thousands", thousands))
    return Doubt(f"Numbers such as “{cell}” are read as {taken}.", f"Read “{cell}” as {other}", changes)


def count_of(number: int, one: str, many: str) -> str:
    """The number followed by the singular or plural text."""
    return f"{number:,} {one if number == 1 else many}"

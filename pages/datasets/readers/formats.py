"""How a table is written and what is read from it: what the other modules hand to each other."""

from dataclasses import dataclass

import pandas as pd

from pages.datasets.readers.limits import Refusal

CALLED = {
    "text": "delimited text",
    "xlsx": "an Excel workbook",
    "parquet": "a Parquet file",
    "json": "JSON",
    "npy": "a NumPy array",
}
"""all kinds, as sentences name them"""
THOUSANDS = {",": ",", ".": ".", " ": " \u00a0\u202f\u2009", "'": "'\u2019"}
"""each mark with all the characters that it stands for"""


@dataclass(frozen=True)
class Format:
    """How a table is written: detected or chosen."""

    kind: str
    """"text", "xlsx", "parquet", "json" or "npy\""""
    compressed: bool = False
    """by gzip"""
    encoding: str = ""
    """"utf-8" with or without byte order mark, "utf-16" or "latin-1", for text and JSON"""
    separator: str = ""
    """one character, " " for runs of blanks, "" for a single column"""
    decimal: str = "."
    """"." or ",\""""
    thousands: str = ""
    """"", ",", ".", " " (of any width) or "'\""""
    header: bool = True
    """whether the first row holds the names of the columns"""
    sheet: str = ""
    """of a workbook; "" for the first that is not empty"""


@dataclass(frozen=True, eq=False)
class Reading:
    """A table and how it was read."""

    table: pd.DataFrame
    """names are unique, non-empty texts; columns are numbers, texts, dates or booleans"""
    format: Format
    notes: tuple[str, ...] = ()
    """what was mended or left out, in sentences"""
    sheets: tuple[str, ...] = ()
    """names of a workbook's sheets"""


@dataclass(frozen=True, eq=False)
class RawTable:
    """A table before its cells are understood.

    A column without a name has None or nothing; columns are arrays of Arrow or NumPy, or lists, all of one length.
    """

    names: list
    columns: list
    notes: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()
    sheet: str = ""


def check_format(format: Format, kind: str) -> None:
    """Raise `Refusal` if the format contradicts itself, or the kind that the content is of."""
    if format.kind not in CALLED:
        raise Refusal(f"There is no kind of file called {format.kind}: choose one of {', '.join(CALLED)}.")
    if format.kind != kind and {format.kind, kind} != {"text", "json"}:
        raise Refusal(f"This file is {CALLED[kind]}, not {CALLED[format.kind]}: choose the kind that it is.")
    if format.decimal not in (".", ",") or format.thousands not in ("", *THOUSANDS):
        raise Refusal("The decimal mark is a point or a comma, the thousands mark a point, comma, blank, apostrophe or none.")
    if format.decimal == format.thousands:
        raise Refusal("The decimal mark and the thousands mark are the same: choose two different ones.")
    if len(format.separator) > 1 or format.separator in ("\n", "\r", '"', "\ufeff"):
        raise Refusal("The separator must be a single character that is no line break or quotation mark: choose another.")
    if format.encoding not in ("", "utf-8", "utf-16", "latin-1"):
        raise Refusal("The encoding is not known: choose one of utf-8, utf-16 and latin-1.")


def counted(number: int, one: str, many: str) -> str:
    """The number and what it counts."""
    return f"{number:,} {one if number == 1 else many}"

"""Notation of numbers, missing values and dates."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from pages.datasets.readers.formats import THOUSANDS

NOTATIONS = tuple((d, t) for t in ("", ",", ".", " ", "'") for d in ".," if d != t)
"""decimal and thousands separators, the most likely first"""
MISSING = frozenset("NA na N/A n/a #N/A NaN nan NAN -nan null NULL None <NA> - ? .".split()) | {""}
ISO_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?)?$"


@lru_cache(maxsize=32)
def number_pattern(decimal: str, thousands: str) -> re.Pattern:
    """Regular expression for a number, in the syntax that Python and Arrow share.

    Groups of digits after a thousands separator have three digits.
    """
    whole = "[0-9]+"
    if thousands:
        whole = f"(?:[1-9][0-9]{{0,2}}(?:[{THOUSANDS[thousands]}][0-9]{{3}})+|[0-9]+)"
    mark = re.escape(decimal)
    digits = f"(?:{whole}(?:{mark}[0-9]*)?|{mark}[0-9]+)(?:[eE][+-]?[0-9]+)?"
    return re.compile(f"^[+\u2212-]?(?:{digits}|(?i:inf|infinity))$")


def is_number(cell: str) -> bool:
    """Whether the cell is a number in any notation."""
    return any(number_pattern(*notation).search(cell.strip()) for notation in NOTATIONS)


def share_of_numbers(cells: Iterable[str]) -> float:
    """Share of numbers, in any notation, among the non-missing cells."""
    present = [cell for cell in cells if cell.strip() not in MISSING]
    return sum(map(is_number, present)) / len(present) if present else 0.0


def to_text(cell, decimal: str) -> str:
    """A cell of a workbook or JSON file as it would be written in a text file."""
    if cell is None:
        return ""
    return repr(cell).replace(".", decimal) if isinstance(cell, float) else str(cell)


def notation_of(columns: Iterable[Sequence], separator: str = "") -> tuple[str, str]:
    """Detects the decimal and thousands separators that make the most cells numbers, counting only columns that are numeric.

    Cells like "1,234" are ambiguous unless some cells are like "1,5", "0,123", "1,234,567" or "1,234.5". If there are no such
    cells, cells of digits only in the same columns decide: if one has more than three digits, there is no thousands
    separator, and the comma is the decimal separator; otherwise the comma is the thousands separator. If there are none
    either, the comma is the decimal separator if the cells are separated by semicolons, otherwise the thousands separator.
    Without other evidence, the period in "1.234" is a decimal point.
    """
    texts = [[cell.strip() for cell in column if isinstance(cell, str)] for column in columns]
    texts = [[cell for cell in column if cell not in MISSING] for column in texts]
    texts = [column for column in texts if any(any(map(str.isdecimal, cell)) for cell in column)]
    counts = {}
    for notation in NOTATIONS:
        valid = [sum(map(bool, map(number_pattern(*notation).search, column))) for column in texts]
        counts[notation] = sum(n for n, column in zip(valid, texts, strict=True) if n >= 0.8 * len(column))
    best = max(NOTATIONS, key=counts.get)
    if best == (",", "") and counts[best] == counts[".", ","]:
        ambiguous = [
            column for column in texts if any("," in cell and number_pattern(".", ",").search(cell) for cell in column)
        ]
        whole = [cell.lstrip("+-\u2212") for column in ambiguous for cell in column if re.fullmatch("[+\u2212-]?[0-9]+", cell)]
        if any(len(cell) > 3 for cell in whole) or (not whole and separator == ";"):
            return ",", ""
        return ".", ","
    return best

"""How numbers, gaps and dates are written."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from pages.datasets.readers.formats import THOUSANDS

NOTATIONS = tuple((d, t) for t in ("", ",", ".", " ", "'") for d in ".," if d != t)
"""decimal and thousands marks, the likeliest first"""
MISSING = frozenset("NA na N/A n/a #N/A NaN nan NAN -nan null NULL None <NA> - ? .".split()) | {""}
ISO_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?)?$"


@lru_cache(maxsize=32)
def number(decimal: str, thousands: str) -> re.Pattern:
    """What a number looks like, for Python and for Arrow: with thousands marks, all groups but the first have three digits."""
    whole = "[0-9]+"
    if thousands:
        whole = f"(?:[1-9][0-9]{{0,2}}(?:[{THOUSANDS[thousands]}][0-9]{{3}})+|[0-9]+)"
    mark = re.escape(decimal)
    digits = f"(?:{whole}(?:{mark}[0-9]*)?|{mark}[0-9]+)(?:[eE][+-]?[0-9]+)?"
    return re.compile(f"^[+\u2212-]?(?:{digits}|(?i:inf|infinity))$")


def is_number(cell: str) -> bool:
    """Whether it is a number in any notation."""
    return any(number(*notation).search(cell.strip()) for notation in NOTATIONS)


def share_of_numbers(cells: Iterable[str]) -> float:
    """Share of numbers in any notation among the cells that are not missing."""
    present = [cell for cell in cells if cell.strip() not in MISSING]
    return sum(map(is_number, present)) / len(present) if present else 0.0


def written(cell, decimal: str) -> str:
    """A cell of a workbook or of JSON as it would be written in a text."""
    if cell is None:
        return ""
    return repr(cell).replace(".", decimal) if isinstance(cell, float) else str(cell)


def notation_of(columns: Iterable[Sequence], separator: str = "") -> tuple[str, str]:
    """Decimal and thousands marks that make the most texts numbers, over all columns that are then numeric.

    What stays open is "1,234" without any other clue such as "1,5", "0,123", "1,234,567" or "1,234.5". If whole numbers stand
    beside such cells, one of more than three digits means that thousands are not marked, and others that they are: a column
    with three decimals everywhere would write them too. If all cells look like that, a semicolon between cells speaks for a
    decimal comma, since it is used where the comma is taken; otherwise it marks thousands. "1.234" is a decimal point.
    """
    texts = [[cell.strip() for cell in column if isinstance(cell, str)] for column in columns]
    texts = [[cell for cell in column if cell not in MISSING] for column in texts]
    texts = [column for column in texts if any(any(map(str.isdecimal, cell)) for cell in column)]
    counts = {}
    for notation in NOTATIONS:
        valid = [sum(map(bool, map(number(*notation).search, column))) for column in texts]
        counts[notation] = sum(n for n, column in zip(valid, texts, strict=True) if n >= 0.8 * len(column))
    best = max(NOTATIONS, key=counts.get)
    if best == (",", "") and counts[best] == counts[".", ","]:
        marked = [column for column in texts if any("," in cell and number(".", ",").search(cell) for cell in column)]
        whole = [cell.lstrip("+-\u2212") for column in marked for cell in column if re.fullmatch("[+\u2212-]?[0-9]+", cell)]
        if any(len(cell) > 3 for cell in whole) or (not whole and separator == ";"):
            return ",", ""
        return ".", ","
    return best

"""Notation of numbers and missing values, and its detection."""

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache
from statistics import pstdev

import pyarrow as pa

from pages.datasets.readers.formats import THOUSANDS, Format

NOTATIONS = tuple((d, t) for t in ("", ",", ".", " ", "'") for d in ".," if d != t)
"""decimal and thousands separators, the most likely first"""
_WORDS = "na n/a n.a. nan -nan nat null none <na> (null) #na #n/a #nv missing".split()
_EXCEL_ERRORS = (
    "#DIV/0! #NAME? #NULL! #NUM! #REF! #VALUE! #CALC! #SPILL! #FIELD! #BUSY! #BLOCKED! #CONNECT! #UNKNOWN! #GETTING_DATA "
    "#WERT! #BEZUG! #ZAHL! #VALEUR! #NOMBRE! #NOM? #NOMBRE? #¡DIV/0! #¡VALOR! #¡REF! #¡NUM! #¡NULO! #¿NOMBRE? #N/D #RIF! "
    "#VALORE!"
).split()
_SYMBOLS = r"- -- --- – — ? . .. ... * \N 1.#QNAN -1.#QNAN 1.#IND -1.#IND 1.#INF -1.#INF".split()
MISSING = frozenset(
    ["", *(form(word) for word in _WORDS for form in (str.lower, str.upper, str.title)), "NaN", "NaT", "n/A"]
    + _EXCEL_ERRORS
    + _SYMBOLS
)
"""cells that are treated as missing values, after trimming"""
ARABIC_MARKS = {0x66B: ".", 0x66C: ","}
"""decimal and thousands separators"""
CURRENCY = (
    r"(?:[A-Z]{1,2}\$|[$€£¥₹₽₩₺₫₴₪฿₱₦¢]"
    r"|(?:USD|EUR|GBP|CHF|JPY|CNY|INR|RUB|SEK|NOK|DKK|PLN|CZK|HUF|BRL|AUD|CAD|Rs|kr|zł|Kč|Ft)\b\.?)"
)
_SPACE = f"[\\s{THOUSANDS[' ']}]"
"""one character; Arrow's regular expressions do not count no-break spaces as spaces"""
_UNIT_CHARACTER = r"[^\s0-9()\"';,|]"
UNIT = (
    rf"(?:[%‰°]{_SPACE}?[A-Za-z]?|{CURRENCY}|{_SPACE}{_UNIT_CHARACTER}(?:[^0-9()\"';,|]{{0,14}}{_UNIT_CHARACTER})?[23²³]?"
    r"|[A-Za-zµμ]{2,12}(?:/[A-Za-zµ]{1,4})?)"
)
_DECORATION = re.compile(
    rf"^\s*(?P<open>\()?\s*(?P<sign>[+−-]?)\s*(?:{CURRENCY})?\s*\(?(?P<number>[+−-]?[0-9.,].*?)\s*(?:{UNIT})?\s*[)−-]?\s*$"
)


@lru_cache(maxsize=64)
def digits_pattern(decimal: str, thousands: str) -> str:
    """Regular expression for a number without a sign, in the syntax that Python and Arrow share.

    Groups of digits after a thousands separator have three digits; Indian groups of two after a comma are also accepted.
    """
    whole = "[0-9]+"
    if thousands:
        mark = f"[{THOUSANDS[thousands]}]"
        whole = f"(?:[1-9][0-9]{{0,2}}(?:{mark}[0-9]{{3}})+|[0-9]+)"
        if thousands == ",":
            whole = f"(?:[1-9][0-9]?(?:,[0-9]{{2}})+,[0-9]{{3}}|{whole[3:]}"
    mark = re.escape(decimal)
    return f"(?:{whole}(?:{mark}[0-9]*)?|{mark}[0-9]+)(?:[eE][+-]?[0-9]+|[dD][+-][0-9]+)?"


@lru_cache(maxsize=64)
def number_pattern(decimal: str, thousands: str) -> re.Pattern:
    """Regular expression for a number, in the syntax that Python and Arrow share."""
    return re.compile(f"^[+−-]?(?:{digits_pattern(decimal, thousands)}|(?i:inf|infinity))$")


@lru_cache(maxsize=64)
def decorated_pattern(decimal: str, thousands: str) -> re.Pattern:
    """Regular expression for a number with a currency, unit or percent sign, or in parentheses, which make it negative.

    The sign may also be at the end, as in tables from SAP.
    """
    return re.compile(
        rf"^(?P<open>\(?){_SPACE}*(?P<sign>[+−-]?){_SPACE}*(?P<before>(?:{CURRENCY})?){_SPACE}*"
        rf"(?P<open2>\(?)(?P<sign2>[+−-]?)"
        rf"(?P<digits>{digits_pattern(decimal, thousands)}){_SPACE}*?(?P<after>(?:{UNIT})?){_SPACE}*(?P<close>\)?)"
        r"(?P<sign3>[−-]?)$"
    )


def plain_cell(cell: str) -> str:
    """The cell without currency, unit, percent sign or parentheses, and with ASCII digits, if it looks like a number."""
    cell = with_ascii_digits(cell.strip())
    match = _DECORATION.match(cell)
    return match["sign"] + match["number"] if match else cell


def with_ascii_digits(cell: str) -> str:
    """The cell with digits of other writing systems, such as full-width or Arabic, and the marks beside them replaced."""
    if cell.isascii() or not any(mark.isdecimal() and not mark.isascii() for mark in cell):
        return cell
    cell = unicodedata.normalize("NFKC", cell).translate(ARABIC_MARKS)
    return "".join(str(unicodedata.decimal(mark, mark)) for mark in cell)


def is_number(cell: str) -> bool:
    """Whether the cell is a number in any notation, possibly with a currency or unit."""
    cell = plain_cell(cell)
    return any(number_pattern(*notation).search(cell) for notation in NOTATIONS)


def is_plain_number(cell: str) -> bool:
    """Whether the cell is a number in any notation without a currency or unit."""
    return any(number_pattern(*notation).search(cell.strip()) for notation in NOTATIONS)


def share_of_numbers(cells: Iterable[str]) -> float:
    """Share of numbers, in any notation, among the non-missing cells."""
    present = [cell for cell in cells if cell.strip() not in MISSING]
    return sum(map(is_number, present)) / len(present) if present else 0.0


def first_present(cells: pa.ChunkedArray, count: int) -> list[str]:
    """The first non-missing cells, without copying the whole column unless it begins with many missing values."""
    return cells.slice(0, count).drop_null().to_pylist() or cells.drop_null().slice(0, count).to_pylist()


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
    The period in "1.234" is a decimal point, unless there are cells of at most three digits in the same columns, and the
    numbers are of more similar magnitude if the period separates thousands.
    """
    counts, texts = _counts(columns)
    best = max(NOTATIONS, key=counts.get)
    if best == (",", "") and counts[best] == counts[".", ","]:
        whole = _whole_numbers(texts, ",")
        if any(len(cell) > 3 for cell in whole) or (not whole and separator == ";"):
            return ",", ""
        return ".", ","
    if best == (".", "") and counts[best] == counts[",", "."]:
        whole = _whole_numbers(texts, ".")
        if whole and all(len(cell) <= 3 for cell in whole) and _more_similar_with_thousands(texts):
            return ",", "."
    return best


def ambiguous_number(columns: Iterable[Sequence], format: Format) -> str:
    """A number whose mark was read as the decimal separator but may separate thousands, or the other way round; "" if none."""
    mark = format.thousands or format.decimal
    other = {".": ",", ",": "."}.get(mark)
    counts, texts = _counts(columns)
    if other is None or counts[mark, ""] != counts[other, mark]:
        return ""
    return next(
        (c for column in texts for c in column if re.fullmatch(f"[1-9][0-9]{{0,2}}{re.escape(mark)}[0-9]{{3}}", c)), ""
    )


def _counts(columns: Iterable[Sequence]) -> tuple[dict[tuple[str, str], int], list[list[str]]]:
    """Number of numeric cells in numeric columns in each notation, and the cells of columns with digits."""
    texts = [[cell.strip() for cell in column if isinstance(cell, str)] for column in columns]
    texts = [[plain_cell(cell) for cell in column if cell not in MISSING] for column in texts]
    texts = [column for column in texts if any(any(map(str.isdecimal, cell)) for cell in column)]
    counts = {}
    for notation in NOTATIONS:
        valid = [sum(map(bool, map(number_pattern(*notation).search, column))) for column in texts]
        counts[notation] = sum(n for n, column in zip(valid, texts, strict=True) if n >= 0.8 * len(column))
    return counts, texts


def _whole_numbers(texts: list[list[str]], mark: str) -> list[str]:
    """Cells of digits only in columns with numbers in which `mark` separates thousands."""
    pattern = number_pattern(".,"[mark == "."], mark)
    ambiguous = [column for column in texts if any(mark in cell and pattern.search(cell) for cell in column)]
    return [cell.lstrip("+-\u2212") for column in ambiguous for cell in column if re.fullmatch("[+−-]?[0-9]+", cell)]


def _more_similar_with_thousands(texts: list[list[str]]) -> bool:
    """Whether the magnitudes in columns with periods vary less if the period separates thousands."""
    difference = 0.0
    for column in texts:
        cells = [cell.lstrip("+-\u2212") for cell in column if re.fullmatch("[+−-]?[0-9.]+", cell)]
        pairs = [(float(cell), float(cell.replace(".", ""))) for cell in cells if cell.count(".") < 2 and cell != "."]
        logs = [(math.log(a), math.log(b)) for a, b in pairs if a > 0]
        if len(logs) > 1 and any("." in cell for cell in cells):
            decimals, thousands = zip(*logs, strict=True)
            difference += pstdev(decimals) - pstdev(thousands)
    return difference > 0

"""Numbers in text, in the notations that people and spreadsheets use."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pages.datasets.readers.formats import THOUSANDS, Format
from pages.datasets.readers.notation import decorated_pattern, first_present, number_pattern, with_ascii_digits

LEAST_SHARE = 0.8
"""minimum share of numbers among the non-missing cells of a numeric column"""
CHECKED_CELLS = 200
"""number of cells that are inspected before all cells of a column are searched for currencies, units and parentheses"""


@dataclass(frozen=True)
class Numbers:
    """A column of text as numbers."""

    plain: pa.ChunkedArray
    """the numbers as text with a decimal point, null where a cell is not a number"""
    valid: pa.ChunkedArray
    """whether a cell is a number; null for missing values"""
    removed: tuple[str, ...] = ()
    """what was removed from the cells, such as "$" or "kg\""""
    example: str = ""
    """a cell from which something was removed"""


def parse_numbers(cells: pa.ChunkedArray, format: Format) -> tuple[Numbers | None, str]:
    """The cells as numbers, or None if fewer than 80% are numbers; and why, if at least half of them are.

    `cells` are trimmed strings, null for missing values.
    """
    count = len(cells) - cells.null_count
    cells = _with_ascii_digits(cells)
    valid = pc.match_substring_regex(cells, number_pattern(format.decimal, format.thousands).pattern)
    right = pc.sum(valid).as_py()
    note = ""
    if right < count:
        plain = number_pattern(format.decimal, format.thousands)
        others = [cell for cell in first_present(cells, CHECKED_CELLS) if not plain.search(cell)]
        others = others or cells.filter(pc.invert(valid)).slice(0, CHECKED_CELLS).to_pylist()
        pattern = decorated_pattern(format.decimal, format.thousands)
        if 2 * sum(pattern.search(cell) is not None for cell in others) > len(others):
            numbers, note = _decorated(cells, format)
            if numbers is not None:
                return numbers, note
    if right < LEAST_SHARE * count:
        few = f" is text, because only {right:,} of its {count:,} cells are numbers." if 2 * right >= count else ""
        return None, note or few
    return Numbers(_plain(pc.if_else(valid, cells, None), format), valid), ""


def _with_ascii_digits(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """The cells with the digits of other writing systems replaced."""
    if all(with_ascii_digits(cell) == cell for cell in first_present(cells, CHECKED_CELLS)):
        return cells
    texts = [cell and with_ascii_digits(cell) for cell in cells.to_pylist()]
    return pa.chunked_array([pa.array(texts, pa.string())])


def _decorated(cells: pa.ChunkedArray, format: Format) -> tuple[Numbers | None, str]:
    """Numbers with a currency, unit or percent sign, or in parentheses."""
    parts = pc.extract_regex(cells, decorated_pattern(format.decimal, format.thousands).pattern)
    open_, sign, before, open2, sign2, digits, after, close, sign3 = (pc.struct_field(parts, [i]) for i in range(9))
    open_ = pc.binary_join_element_wise(open_, open2, "")
    signs = pc.binary_join_element_wise(sign, sign2, sign3, "")
    closed = pc.equal(pc.utf8_length(open_), pc.utf8_length(close))
    closed = pc.and_(closed, pc.less(pc.utf8_length(signs), 2))
    valid = pc.if_else(pc.is_valid(cells), pc.fill_null(closed, False), None)
    count = len(cells) - cells.null_count
    right = pc.sum(valid).as_py()
    if right < LEAST_SHARE * count:
        return None, ""
    units = sorted({*pc.unique(pc.utf8_trim_whitespace(after)).drop_null().to_pylist()} - {""})
    currencies = sorted({*pc.unique(before).drop_null().to_pylist()} - {""})
    if len(units) > 1 or len(currencies) > 1:
        return None, f" is text, because its numbers have different units ({', '.join([*currencies, *units][:4])})."
    negative = pc.or_(pc.equal(open_, "("), pc.is_in(signs, pa.array(["-", "\u2212"])))
    plain = _plain(pc.if_else(valid, digits, None), format)
    plain = pc.if_else(negative, pc.binary_join_element_wise("-", plain, ""), plain)
    marks = [*currencies, *units, *["parentheses, which mean negative numbers,"] * pc.any(pc.equal(open_, "(")).as_py()]
    marks += ["minus signs at the end, which mean negative numbers,"] * pc.any(pc.not_equal(sign3, "")).as_py()
    changed = pc.and_(valid, pc.not_equal(pc.utf8_length(cells), pc.utf8_length(pc.fill_null(digits, ""))))
    example = cells[pc.index(pc.fill_null(changed.combine_chunks(), False), True).as_py()].as_py()
    return Numbers(plain, valid, tuple(marks), example), ""


def _plain(cells: pa.ChunkedArray, format: Format) -> pa.ChunkedArray:
    """The numbers without thousands separators, with a decimal point and an ASCII minus sign."""
    if format.thousands:
        cells = pc.replace_substring_regex(cells, f"[{THOUSANDS[format.thousands]}]", "")
    if format.decimal == ",":
        cells = pc.replace_substring(cells, ",", ".")
    if pc.any(pc.match_substring(cells, "d", ignore_case=True)).as_py():  # exponents of Fortran
        cells = pc.replace_substring_regex(cells, "[dD]", "e")
    return replace(cells, "\u2212", "-")


def replace(cells: pa.ChunkedArray, old: str, new: str) -> pa.ChunkedArray:
    """The cells with `old` replaced with `new`; not copied if `old` does not occur."""
    return pc.replace_substring(cells, old, new) if pc.any(pc.match_substring(cells, old)).as_py() else cells


def with_missing(values: np.ndarray, format: Format) -> tuple[np.ndarray, dict[str, int]]:
    """The numbers with NaN instead of markers of missing values such as "-999", and the number of cells with each marker."""
    counts = {}
    for mark in format.missing:
        if number_pattern(format.decimal, "").search(mark):
            found = values == float(mark.replace(format.decimal, ".").replace("\u2212", "-"))
            if count := int(found.sum()):
                values, counts[mark] = np.where(found, np.nan, values), count
    return values, counts

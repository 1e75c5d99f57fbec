"""Detects the separator of a text and whether it has a header."""

import csv
import io
import itertools
import re
from collections import Counter

from pages.datasets.limits import MAX_ROW_BYTES
from pages.datasets.readers.encodings import decode_text, to_utf8
from pages.datasets.readers.formats import Format
from pages.datasets.readers.limits import SAMPLE_BYTES, SAMPLE_ROWS
from pages.datasets.readers.notation import ISO_DATE, MISSING, is_number, notation_of, number_pattern, share_of_numbers

SEPARATORS = ("\t", ";", "|", ",", " ")
"""in order of preference; later ones are more likely to occur inside cells"""
SINGLE_COLUMN_SEPARATORS = "\x1f\x1e\x1d\x1c"
"""characters that hardly occur in text; one of them is used as the separator to read a single column"""
QUOTED_OR_SPACES = re.compile(rb'((?<![^ \t\r\n])"(?:[^"]|"")*"(?![^ \t\r\n]))|(?<![^\r\n])[ \t]+|[ \t]+(?![^\r\n])|([ \t]+)')


def declared_separator(data: bytes) -> tuple[bytes, str]:
    """The text without a first line like "sep=;", which Excel supports, and the separator in that line."""
    match = re.match(rb'"?sep=([,;|\t])"?(?:\r\n|\n|\r)', data)
    return (data[match.end() :], match[1].decode()) if match else (data, "")


def spaces_to_tabs(data: bytes) -> bytes:
    """The text with runs of spaces outside quotation marks replaced with one tab, and removed at the ends of lines."""
    if b'"' in data:
        return QUOTED_OR_SPACES.sub(lambda match: match[1] or (b"\t" if match[2] else b""), data)
    data = data.replace(b"\t", b" ")
    while b"  " in data:
        data = data.replace(b"  ", b" ")
    for end in (b"\n", b"\r"):
        data = data.replace(b" " + end, end).replace(end + b" ", end)
    return data.strip(b" ").replace(b" ", b"\t")


def is_blank(row: list[str]) -> bool:
    """Whether a row comes from a blank line."""
    return not row or (len(row) == 1 and not row[0].strip())


def detect_text(content: bytes, encoding: str) -> Format:
    """Detects the format of a text. Raises `ReadError` if it is not text."""
    length = SAMPLE_BYTES
    if content[:SAMPLE_BYTES].count(b"\n") + content[:SAMPLE_BYTES].count(b"\r") < 20:
        length = MAX_ROW_BYTES // 4
    data, separator = declared_separator(to_utf8(decode_text(content[:length], encoding, "ignore").encode(), "utf-8"))
    text, truncated = data.decode(), len(content) > length
    if not separator:
        scores = {mark: _score(_rows(text, mark, truncated), mark) for mark in SEPARATORS}
        separator = max(scores, key=scores.get) if any(scores.values()) else ""
    rows = _rows(text, separator, truncated) or [[text.strip()]]
    decimal, thousands = notation_of(itertools.zip_longest(*rows), separator)
    header = has_header(rows, decimal, thousands)
    if header and len(rows) > 1:
        decimal, thousands = notation_of(itertools.zip_longest(*rows[1:]), separator)
    return Format("text", False, encoding, separator, decimal, thousands, header)


def _rows(text: str, separator: str, truncated: bool) -> list[list[str]]:
    """The first non-blank rows, without the last one if it may be incomplete; empty if the separator is impossible."""
    if separator == " ":
        text, separator = spaces_to_tabs(text.encode()).decode(), "\t"
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator or SINGLE_COLUMN_SEPARATORS[0])
    try:
        rows = list(itertools.islice(reader, SAMPLE_ROWS + 1))
    except csv.Error:
        return []
    if truncated and 1 < len(rows) <= SAMPLE_ROWS:
        rows.pop()
    return [row for row in rows[:SAMPLE_ROWS] if not is_blank(row)]


def _score(rows: list[list[str]], separator: str) -> float:
    """How well a separator fits the rows, from 0 to 1: rows have equal lengths, and no cell looks like several cells.

    A first row with one cell above rows with several, like "x" above "1,5", is evidence against the separator. It still gets a
    small score, so that a ragged file is read with it and gets a precise error message.
    """
    if not rows:
        return 0.0
    width = len(rows[0])
    widths = Counter(map(len, rows[1:] or rows))
    common = max(widths, key=lambda w: (widths[w], w))
    unnamed_index = separator in "\t " and len(rows) > 1 and common == width + 1 > 2
    if unnamed_index:
        width = common  # R omits the name of the first column
    same = widths[width] / widths.total() * (0.5 if unnamed_index else 1)
    if width < 2:
        if common < 2 or separator == " " or widths[1] > 0:
            return 0.0
        if common == 2 and share_of_numbers(map(separator.join, rows[1:])) > 0.8:
            return 0.0
        same = 0.01
    if separator == " ":
        # spaces also separate words, so a table must contain numbers; and a space often follows another separator
        if any(all(len(row) > i + 1 and row[i].endswith((",", ";")) for row in rows) for i in range(width - 1)):
            return 0.0
        columns = itertools.zip_longest(*rows[len(rows) > 1 :], fillvalue="")
        if same < (0.4 if unnamed_index else 0.8) or not any(share_of_numbers(column) > 0.8 for column in columns):
            return 0.0
    cells = [cell for row in rows for cell in row]
    clean = 1 - sum(map(_looks_unsplit, cells)) / len(cells)
    return max(same, 0.005) * clean * (1 - 0.001 * SEPARATORS.index(separator))


def _looks_unsplit(cell: str) -> bool:
    """Whether a cell contains a separator, contains a quotation mark after a space, or begins with several numbers."""
    if not re.search("[,;|\t ]", cell) or is_number(cell):
        return False
    parts = cell.split()
    several = len(parts) > 1 and all(part == '""' or part in MISSING or is_number(part) for part in parts[:2])
    return several or re.search('[,;|\t]| "', cell) is not None


def has_header(rows: list[list[str]], decimal: str, thousands: str) -> bool:
    """Whether the first row holds column names; True if in doubt.

    It does not if all its cells are numbers or dates, or if it contains numbers and one of its texts occurs again below.
    Other numbers are column names only if they are years or at least three consecutive integers.
    """
    first = [cell.strip() for cell in rows[0]]
    filled = [cell for cell in first if cell]
    neither = [cell for cell in filled if cell in MISSING or cell.lower().lstrip("+-") in ("inf", "infinity")]
    numbers = [cell for cell in filled if number_pattern(decimal, thousands).search(cell) and cell not in neither]
    dates = [cell for cell in filled if re.search(ISO_DATE, cell)]
    if not numbers and not dates:
        return True
    if not first[0] and first[1:] == [str(i) for i in range(len(first) - 1)]:
        return True  # pandas writes such a header: numbered columns and an unnamed index
    if {*filled} <= {*numbers, *dates, *neither} or not all(re.fullmatch("[0-9]{1,4}", cell) for cell in numbers):
        return False
    values = list(map(int, numbers))
    consecutive = len(values) > 2 and values == list(range(values[0], values[0] + len(values)))
    years = len(set(values)) == len(values) and all(1500 <= value < 2200 for value in values)
    texts = [(i, cell) for i, cell in enumerate(first) if cell and cell not in numbers]
    repeated = any(len(row) > i and row[i].strip() == cell for row in rows[1:] for i, cell in texts)
    return (consecutive or years) and not repeated

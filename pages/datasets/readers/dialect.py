"""How a text is split into cells: its separator, and whether it has a header."""

import csv
import io
import itertools
import re
from collections import Counter

from pages.datasets.readers.encodings import decoded, utf8
from pages.datasets.readers.formats import Format
from pages.datasets.readers.limits import LONGEST_ROW, SAMPLE, SAMPLE_ROWS
from pages.datasets.readers.notation import ISO_DATE, MISSING, is_number, notation_of, number, share_of_numbers

SEPARATORS = ("\t", ";", "|", ",", " ")
"""in the order in which they are believed if all else is equal: the later, the likelier inside a cell"""
SINGLE = "\x1f\x1e\x1d\x1c"
"""one that is nowhere separates a single column"""
QUOTED_OR_BLANKS = re.compile(rb'((?<![^ \t\r\n])"(?:[^"]|"")*"(?![^ \t\r\n]))|(?<![^\r\n])[ \t]+|[ \t]+(?![^\r\n])|([ \t]+)')


def announced(data: bytes) -> tuple[bytes, str]:
    """The text without a first line like "sep=;", which Excel understands, and the separator in it."""
    found = re.match(rb'"?sep=([,;|\t])"?(?:\r\n|\n|\r)', data)
    return (data[found.end() :], found[1].decode()) if found else (data, "")


def tabbed(data: bytes) -> bytes:
    """The text with each run of blanks outside quotation marks as one tab, and none at the ends of lines."""
    if b'"' in data:
        return QUOTED_OR_BLANKS.sub(lambda found: found[1] or (b"\t" if found[2] else b""), data)
    data = data.replace(b"\t", b" ")
    while b"  " in data:
        data = data.replace(b"  ", b" ")
    for end in (b"\n", b"\r"):
        data = data.replace(b" " + end, end).replace(end + b" ", end)
    return data.strip(b" ").replace(b" ", b"\t")


def is_blank(row: list[str]) -> bool:
    """Whether a row is that of a line without anything."""
    return not row or (len(row) == 1 and not row[0].strip())


def detected_text(content: bytes, encoding: str) -> Format:
    """How a text is written; raises `Refusal` if it is none."""
    length = SAMPLE
    if content[:SAMPLE].count(b"\n") + content[:SAMPLE].count(b"\r") < 20:
        length = LONGEST_ROW // 4
    data, separator = announced(utf8(decoded(content[:length], encoding, "ignore").encode(), "utf-8"))
    text, cut = data.decode(), len(content) > length
    if not separator:
        scores = {mark: _score(_rows(text, mark, cut), mark) for mark in SEPARATORS}
        separator = max(scores, key=scores.get) if any(scores.values()) else ""
    rows = _rows(text, separator, cut) or [[text.strip()]]
    decimal, thousands = notation_of(itertools.zip_longest(*rows), separator)
    header = has_header(rows, decimal, thousands)
    if header and len(rows) > 1:
        decimal, thousands = notation_of(itertools.zip_longest(*rows[1:]), separator)
    return Format("text", False, encoding, separator, decimal, thousands, header)


def _rows(text: str, separator: str, cut: bool) -> list[list[str]]:
    """The first rows that are not blank, none if this separator cannot be; the last is dropped if it may be cut off."""
    if separator == " ":
        text, separator = tabbed(text.encode()).decode(), "\t"
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator or SINGLE[0])
    try:
        rows = list(itertools.islice(reader, SAMPLE_ROWS + 1))
    except csv.Error:
        return []
    if cut and 1 < len(rows) <= SAMPLE_ROWS:
        rows.pop()
    return [row for row in rows[:SAMPLE_ROWS] if not is_blank(row)]


def _score(rows: list[list[str]], separator: str) -> float:
    """How well a separator explains the rows, 0 if not: by equally many cells, and none that looks like several.

    A first row of a single cell over rows of several ("x" over "1,5") speaks against a separator, unless nothing else would
    explain the rows: then reading them says what is wrong.
    """
    if not rows:
        return 0.0
    width = len(rows[0])
    widths = Counter(map(len, rows[1:] or rows))
    common = max(widths, key=lambda w: (widths[w], w))
    nameless = separator in "\t " and len(rows) > 1 and common == width + 1 > 2
    if nameless:
        width = common  # R leaves the name of the first column out
    same = widths[width] / widths.total() * (0.5 if nameless else 1)
    if width < 2:
        if common < 2 or separator == " " or widths[1] > 0:
            return 0.0
        if common == 2 and share_of_numbers(map(separator.join, rows[1:])) > 0.8:
            return 0.0
        same = 0.01
    if separator == " ":
        # Words are also separated by blanks, so that only numbers tell a table from sentences; and a blank often follows the
        # separator proper.
        if any(all(len(row) > i + 1 and row[i].endswith((",", ";")) for row in rows) for i in range(width - 1)):
            return 0.0
        columns = itertools.zip_longest(*rows[len(rows) > 1 :], fillvalue="")
        if same < (0.4 if nameless else 0.8) or not any(share_of_numbers(column) > 0.8 for column in columns):
            return 0.0
    cells = [cell for row in rows for cell in row]
    clean = 1 - sum(map(_looks_unsplit, cells)) / len(cells)
    return max(same, 0.005) * clean * (1 - 0.001 * SEPARATORS.index(separator))


def _looks_unsplit(cell: str) -> bool:
    """Whether it has a separator or a quotation mark after a blank inside, or begins with several numbers."""
    if not re.search("[,;|\t ]", cell) or is_number(cell):
        return False
    parts = cell.split()
    several = len(parts) > 1 and all(part == '""' or part in MISSING or is_number(part) for part in parts[:2])
    return several or re.search('[,;|\t]| "', cell) is not None


def has_header(rows: list[list[str]], decimal: str, thousands: str) -> bool:
    """Whether the first row holds names; if in doubt, it does.

    It does not if all its cells are numbers or dates, if it has numbers that are no likely names (which are years, or three
    and more that count up), or if it has some and one of its texts comes again below it.
    """
    first = [cell.strip() for cell in rows[0]]
    filled = [cell for cell in first if cell]
    neither = [cell for cell in filled if cell in MISSING or cell.lower().lstrip("+-") in ("inf", "infinity")]
    numbers = [cell for cell in filled if number(decimal, thousands).search(cell) and cell not in neither]
    dates = [cell for cell in filled if re.search(ISO_DATE, cell)]
    if not numbers and not dates:
        return True
    if not first[0] and first[1:] == [str(i) for i in range(len(first) - 1)]:
        return True  # pandas names columns so, and its index not at all
    if {*filled} <= {*numbers, *dates, *neither} or not all(re.fullmatch("[0-9]{1,4}", cell) for cell in numbers):
        return False
    values = list(map(int, numbers))
    counted = len(values) > 2 and values == list(range(values[0], values[0] + len(values)))
    years = len(set(values)) == len(values) and all(1500 <= value < 2200 for value in values)
    texts = [(i, cell) for i, cell in enumerate(first) if cell and cell not in numbers]
    again = any(len(row) > i and row[i].strip() == cell for row in rows[1:] for i, cell in texts)
    return (counted or years) and not again

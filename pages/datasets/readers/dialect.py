"""Detects the separator of a text, and where its table begins."""

import csv
import io
import itertools
import re
from collections import Counter
from dataclasses import replace

from pages.datasets.limits import MAX_ROW_BYTES
from pages.datasets.readers.dates import is_date, is_time
from pages.datasets.readers.encodings import decode_text, to_utf8
from pages.datasets.readers.formats import Format
from pages.datasets.readers.layout import SAMPLE_COLUMNS, detect_layout, rows_above
from pages.datasets.readers.limits import SAMPLE_BYTES, SAMPLE_ROWS
from pages.datasets.readers.lines import (
    arff_names,
    blank_comments,
    csv_options,
    leading_comments,
    quoted_only_in_first_row,
    skip_lines,
    with_single_separator,
)
from pages.datasets.readers.notation import MISSING, is_number, is_plain_number, notation_of, share_of_numbers

SEPARATORS = ("\t", ";", "|", ",", " ", "::", "^", "~", ":")
"""in order of preference; later ones are more likely to occur inside cells"""
RARE_SEPARATORS = ("^", "~", ":")
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
    truncated = len(content) > length
    names, skip = arff_names(data)
    if names:
        return Format("text", encoding=encoding, separator=",", header=0, quote="'", skip=skip, comment="%")
    comment, lines = leading_comments(data)
    quote = _quote(data)
    if comment:
        format = _detect_rows(skip_lines(data, lines), separator, quote, truncated)
        last = skip_lines(data, lines - 1)
        if not format.header and _is_header_in_comment(last, comment, format):
            return replace(format, encoding=encoding, skip=lines - 1, header=1, comment=comment)
        return replace(format, encoding=encoding, skip=format.skip + lines, comment=comment)
    return replace(_detect_rows(data, separator, quote, truncated), encoding=encoding)


def _quote(data: bytes) -> str:
    """The quotation mark of the text: \"'\" if there are no others, and as many cells as lines are enclosed in it."""
    if b'"' in data or data.count(b"'") < data.count(b"\n") or b"'" not in data:
        return '"'
    cells = len(re.findall(rb"(?:^|[,;|\t ])'[^'\r\n]*'(?=[,;|\t \r\n]|$)", data, re.MULTILINE))
    return "'" if cells and 2 * cells >= data.count(b"\n") else '"'


def _is_header_in_comment(data: bytes, comment: str, format: Format) -> bool:
    """Whether the first line, a comment, has a name for each column, as `numpy.savetxt` writes it."""
    data, _ = blank_comments(data, comment)
    rows = [row for _, row in sample_rows(data, format.separator, format.quote, False)[:2]]
    return len(rows) == 2 and len(rows[0]) == len(rows[1]) > 1 and not any(map(is_plain_number, rows[0]))


def _detect_rows(data: bytes, separator: str, quote: str, truncated: bool) -> Format:
    """Detects the separator, the layout and the notation of numbers; `separator` is given in the text or ""."""
    if not separator:
        scores = {}
        for mark in SEPARATORS:
            if (mark.encode() in data or mark == " ") and not (mark == ":" and scores.get("::")):
                rows = [row for _, row in sample_rows(data, mark, quote, truncated)]
                above = rows_above(rows)
                if above and mark == " " and not _mostly_numbers(rows[above + 1 :]):
                    above = 0  # words, not cells
                scores[mark] = _score(rows[above:], mark) * (1 - 0.01 * (above > 0))
        separator = max(scores, key=scores.get) if any(scores.values()) else ""
    numbered = sample_rows(data, separator, quote, truncated) or [(1, [data.decode().strip()])]
    rows = [row for _, row in numbered]
    above = rows_above(rows)
    table = [row[:SAMPLE_COLUMNS] for row in rows[above:]]
    decimal, thousands = notation_of(itertools.zip_longest(*table), separator)
    text = skip_lines(data, numbered[above][0] - 1).decode() if above else data.decode()
    layout = detect_layout(table, decimal, thousands, quoted_only_in_first_row(text, separator, quote))
    if layout.header and len(table) > layout.header:
        decimal, thousands = notation_of(itertools.zip_longest(*table[layout.header :]), separator)
    return Format(
        "text",
        separator=separator,
        decimal=decimal,
        thousands=thousands,
        header=layout.header,
        quote=quote,
        skip=numbered[above][0] - 1 if above else 0,
        row_names=layout.row_names,
    )


def _mostly_numbers(rows: list[list[str]]) -> bool:
    columns = list(itertools.zip_longest(*rows, fillvalue=""))
    return 2 * sum(share_of_numbers(column) > 0.8 for column in columns) >= len(columns)


def sample_rows(data: bytes, separator: str, quote: str, truncated: bool) -> list[tuple[int, list[str]]]:
    """The first non-blank rows, each with the number of its first line, without the last row if it may be incomplete.

    Empty if the separator is impossible.
    """
    data, separator = with_single_separator(data, separator)
    if separator == " ":
        data, separator = spaces_to_tabs(data), "\t"
    lines = io.StringIO(data.decode(), newline="")
    reader = csv.reader(lines, delimiter=separator or SINGLE_COLUMN_SEPARATORS[0], **csv_options(quote))
    rows, line = [], 1
    try:
        for row in itertools.islice(reader, SAMPLE_ROWS + 1):
            rows.append((line, row))
            line = reader.line_num + 1
    except csv.Error:
        return []
    if truncated and 1 < len(rows) <= SAMPLE_ROWS:
        rows.pop()
    return [(line, row) for line, row in rows[:SAMPLE_ROWS] if not is_blank(row)]


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
    unnamed_index = separator in tuple("\t ;|,") and len(rows) > 1 and common == width + 1 > 2
    if unnamed_index:
        width = common  # R omits the name of the first column
    same = widths[width] / widths.total() * (0.5 if unnamed_index else 1)
    if width < 2:
        if common < 2 or separator == " " or widths[1] > 0:
            return 0.0
        if common == 2 and share_of_numbers(map(separator.join, rows[1:])) > 0.8:
            return 0.0
        same = 0.01
    if separator in RARE_SEPARATORS:
        columns = itertools.zip_longest(*rows[len(rows) > 1 :], fillvalue="")
        if same < 0.8 or not any(share_of_numbers(column) > 0.8 for column in columns):
            return 0.0
        if separator == ":" and all(is_time(":".join(row)) for row in rows[1:]):
            return 0.0
    if separator == " ":
        # spaces also separate words, so a table must contain numbers; and a space often follows another separator
        if any(all(len(row) > i + 1 and row[i].endswith((",", ";")) for row in rows) for i in range(width - 1)):
            return 0.0
        columns = itertools.zip_longest(*rows[len(rows) > 1 :], fillvalue="")
        if same < (0.4 if unnamed_index else 0.8) or not any(share_of_numbers(column) > 0.8 for column in columns):
            return 0.0
    cells = [cell for row in rows for cell in row[:SAMPLE_COLUMNS]]
    clean = 1 - sum(map(_looks_unsplit, cells)) / len(cells)
    return max(same, 0.005) * clean * (1 - 0.001 * SEPARATORS.index(separator))


def _looks_unsplit(cell: str) -> bool:
    """Whether a cell contains a separator, contains a quotation mark after a space, or begins with several numbers."""
    if not re.search("[,;|\t ]", cell) or is_number(cell) or is_date(cell) or is_time(cell):
        return False
    parts = cell.split()
    several = len(parts) > 1 and all(part == '""' or part in MISSING or is_number(part) for part in parts[:2])
    return several or re.search('[,;|\t]| "', cell) is not None

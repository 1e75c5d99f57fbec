"""Lines of a text that are not rows of its table: lines above it, comments, rules of drawn tables, and the head of ARFF."""

import csv
import re

from pages.datasets.readers.limits import START_CHARACTERS, START_LINES, ReadError

LINE = rb"(?:(?m:^)|(?<=\r))"
"""start of a line"""
RULE = re.compile(
    LINE
    + rb"[ \t]*[|+:]?[-=+|: \t]*(?:--|==)[-=+|: \t]*(?=\r|\n|\Z)|"
    + LINE
    + rb"(?:\([0-9]+ rows?\)|[0-9]+ rows? in set[^\r\n]*)[ \t]*(?=\r|\n|\Z)"
)
"""rules of drawn tables, and the number of rows that psql and MySQL print below them"""
EDGE = re.compile(LINE + rb"[ \t]*\||\|[ \t]*(?=\r|\n|\Z)")
COMMENTS = "#%"
"""characters that begin a comment"""
TWO_COLONS = "\x1f"
"""stands for the separator "::", because a separator has one character for the parsers"""


def skip_lines(data: bytes, count: int) -> bytes:
    """The text without its first lines."""
    end = 0
    for _ in range(count):
        match = re.compile(rb"\r\n|\n|\r").search(data, end)
        if match is None:
            return b""
        end = match.end()
    return data[end:]


def first_lines(data: bytes) -> tuple[str, ...]:
    """The first lines of a text, as they are shown to the user."""
    start = data[: START_LINES * 2**12].decode(errors="ignore")
    return tuple(line[:START_CHARACTERS] for line in re.split(r"\r\n|\n|\r", start)[:START_LINES])


def leading_comments(data: bytes) -> tuple[str, int]:
    """The character that begins the comments above a table, and the number of lines up to the last one; "" and 0 if none."""
    mark, lines = "", 0
    for number, line in enumerate(re.split(rb"\r\n|\n|\r", data), 1):
        start = line.strip()[:1].decode("ascii", "replace")
        if start and (start not in COMMENTS or (mark and start != mark)):
            break
        if start:
            mark, lines = start, number
    else:
        return "", 0  # every line begins with this character
    return mark, lines


def blank_comments(data: bytes, comment: str) -> tuple[bytes, int]:
    """The text with an empty line instead of each comment, and the number of comments.

    If the first line is a comment, it is the header and only loses its mark.
    """
    mark = re.escape(comment).encode()
    data = re.sub(rb"\A[ \t]*" + mark + rb"+[ \t]*", b"", data)
    return re.subn(LINE + rb"[ \t]*" + mark + rb"[^\r\n]*", b"", data)


def with_single_separator(data: bytes, separator: str) -> tuple[bytes, str]:
    """The text and its separator, without rules and edges of a table drawn with "|".

    "::" is replaced with one character. Spaces between a separator and a quotation mark are removed.
    """
    if separator == "::":
        return data.replace(b"::", TWO_COLONS.encode()), TWO_COLONS
    if separator == "|":
        data = RULE.sub(b"", data)
        rows = [line.strip() for line in data[:4096].splitlines()[:-1] or data.splitlines() if line.strip()]
        if rows and all(len(row) > 1 and row.startswith(b"|") and row.endswith(b"|") for row in rows):
            data = EDGE.sub(b"", data)
    start = data[:4096]
    if separator in tuple(",;|") and separator.encode() + b' "' in start:
        spaces = separator.encode() + rb' +(?=")'
        if len(re.findall(spaces, start)) >= start.count(b"\n"):  # not only inside of some cells
            data = re.sub(spaces, separator.encode(), data)
    return data, separator


def arff_names(data: bytes) -> tuple[list[str], int]:
    """The names of the attributes of an ARFF file (the format of Weka), and the number of lines above its rows.

    Returns no names for other text. Raises `ReadError` for sparse rows.
    """
    names: list[str] = []
    if not re.match(rb"(?:[ \t]*(?:%[^\r\n]*)?[\r\n]+)*[ \t]*@relation\b", data, re.IGNORECASE):
        return names, 0
    for number, line in enumerate(re.split(rb"\r\n|\n|\r", data), 1):
        if match := re.match(rb"\s*@attribute\s+('(?:[^'\\]|\\.)*'|\"[^\"]*\"|\S+)", line, re.IGNORECASE):
            names.append(match[1].decode().strip("'\"").replace("\\'", "'"))
        if re.match(rb"\s*@data\b", line, re.IGNORECASE):
            if re.match(rb"(?:\s|%[^\r\n]*)*\{", skip_lines(data, number)[:4096]):
                raise ReadError("This ARFF file has sparse rows: save it with all values of each row, or as CSV.")
            return names, number
    return [], 0


def csv_options(quote: str) -> dict:
    """Arguments of `csv.reader` and `csv.writer` for this quotation mark, "" for none."""
    return dict(quotechar=quote) if quote else dict(quotechar=None, quoting=csv.QUOTE_NONE)


def quoted_only_in_first_row(text: str, separator: str, quote: str) -> frozenset[int]:
    """Columns whose first cell is in quotation marks, unlike the second one: R and others quote names but not numbers."""
    lines = [line for line in text.splitlines()[:20] if line.strip()][:2]
    rows = (
        list(csv.reader(lines, delimiter=separator, quoting=csv.QUOTE_NONE)) if len(lines) == 2 and len(separator) == 1 else []
    )
    if len(rows) < 2:
        return frozenset()
    offset = max(0, len(rows[1]) - len(rows[0]))
    first = [""] * offset + rows[0]
    return frozenset(i for i, (a, b) in enumerate(zip(first, rows[1], strict=False)) if quote in a[:2] and quote not in b[:2])

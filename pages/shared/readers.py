"""Reading any table that a person brings: delimited text, Excel, Parquet, JSON and NumPy arrays, also gzip'ed.

What a file is, is told by its content, never by its name alone, and nothing is ever unpickled. No Streamlit here: bad input
raises `ValueError` with the one sentence to show.
"""

import codecs
import contextlib
import csv
import datetime
import gzip
import io
import itertools
import json
import pickletools
import re
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

MOST_BYTES = 400 * 2**20
"""what a compressed file may grow to"""
MOST_CELLS = 50_000_000
MOST_NOTES = 12
"""columns that are named in notes, for each kind of note"""
LONGEST_ROW = 2**24
"""bytes that one row of text may take"""
SAMPLE = 2**16
"""bytes that a text is judged by; more if its rows are long"""
SAMPLE_ROWS = 200
LARGEST_EXACT = 2**53
"""above it not every whole number is a float"""

SEPARATORS = ("\t", ";", "|", ",", " ")
"""in the order in which they are believed if all else is equal: the later, the likelier inside a cell"""
THOUSANDS = {",": ",", ".": ".", " ": " \u00a0\u202f\u2009", "'": "'\u2019"}
"""each mark with all the characters that it stands for"""
NOTATIONS = tuple((d, t) for t in ("", ",", ".", " ", "'") for d in ".," if d != t)
"""decimal and thousands marks, the likeliest first"""
MISSING = frozenset("NA na N/A n/a #N/A NaN nan NAN -nan null NULL None <NA> - ? .".split()) | {""}
ISO_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?)?$"
QUOTED_OR_BLANKS = re.compile(rb'(?<![^ \t\r\n])"(?:[^"]|"")*"(?![^ \t\r\n])|(?<![^\r\n])[ \t]+|[ \t]+(?![^\r\n])|[ \t]+')

KINDS = {
    **dict.fromkeys(("csv", "tsv", "txt", "dat", "tab", "data", "asc"), "text"),
    **dict.fromkeys(("xlsx", "xlsm"), "xlsx"),
    **dict.fromkeys(("parquet", "pq"), "parquet"),
    **dict.fromkeys(("json", "jsonl", "ndjson"), "json"),
    "npy": "npy",
}
"""what a file should be by the ending of its name"""
CALLED = {
    "text": "delimited text",
    "xlsx": "an Excel workbook",
    "parquet": "a Parquet file",
    "json": "JSON",
    "npy": "a NumPy array",
}
SAVE = "save the table as CSV or Excel (.xlsx) and choose that file"
PICKLE = f"This file is a Python pickle, which is never opened because it could run a program: {SAVE}."
NOT_TEXT = f"This file is not a table but something that is not text: {SAVE}."
FOREIGN = {
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"II*\0": "a picture",
    b"MM\0*": "a picture",
    b"RIFF": "a picture, sound or film",
    b"%PDF": "a PDF document",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an Excel file of the old kind (.xls), or one locked by a password",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"SQLite format 3": "a database",
    b"\x89HDF": "an HDF5 file",
    b"ARROW1": "an Arrow or Feather file",
    b"<!doctype": "a web page",
    b"<html": "a web page",
    b"<table": "a web page",
    b"<?xml": "an XML document",
    b"<svg": "a picture",
}
"""how files begin that cannot be read, in lower case where they are text"""


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
class _Raw:
    """A table before its cells are understood."""

    names: list
    """None or empty for a column without a name"""
    columns: list
    """arrays of Arrow or NumPy, or lists of Python objects, all of one length"""
    notes: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()
    sheet: str = ""


def detect(content: bytes, name: str) -> Format:
    """How the file is written, judged by its content; `name` only settles what the content leaves open.

    Raises
    ------
    ValueError
        If it is empty, too large when unpacked, or of a kind that cannot be read.
    """
    content, compressed = _unpacked(content)
    return replace(_detected(content, name), compressed=compressed)


def read(content: bytes, name: str, format: Format | None = None) -> Reading:
    """The table in a file, as `format` says or as detected; the format of the reading names what was used.

    Raises
    ------
    ValueError
        If the file is of a kind that cannot be read or not of the given one, is damaged, too large, has fewer than two rows,
        or more than one row in a hundred has too many cells.
    """
    content, compressed = _unpacked(content)
    if format is None:
        format = _detected(content, name)
    else:
        _check(format, _kind(content, name))
    format = replace(format, compressed=compressed, encoding=format.encoding or _encoding(content, format.kind))
    raw = _READERS[format.kind](content, format)
    table, notes = _table(raw, format)
    ending = _ending(name)
    if format.kind != KINDS.get(ending, format.kind):
        notes = (f"The name ends in .{ending}, but the file is {CALLED[format.kind]} and is read as that.", *notes)
    return Reading(table, replace(format, sheet=raw.sheet), notes, raw.sheets)


def read_text(text: str, format: Format | None = None) -> Reading:
    """The table in a pasted text; raises like `read`."""
    content = text.encode("utf-8", "replace")
    return read(content, "", None if format is None else replace(format, encoding="utf-8"))


def text_of(content: bytes, format: Format) -> str:
    """The text of a file that is of kind "text", for those who read it in their own way; raises like `read`."""
    content, _ = _unpacked(content)
    return _utf8(content, format.encoding).decode("utf-8")


# What a file is


def _ending(name: str) -> str:
    return name.lower().removesuffix(".gz").rpartition(".")[2] if "." in name else ""


def _unpacked(content: bytes) -> tuple[bytes, bool]:
    if not content.startswith(b"\x1f\x8b"):
        return content, False
    parts, size = [], 0
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            while part := file.read(2**20):
                parts.append(part)
                size += len(part)
                if size > MOST_BYTES:
                    raise ValueError(_too_large())
    except (OSError, EOFError, zlib.error):
        raise ValueError("This compressed file (.gz) is damaged or cut short: compress or download it again.") from None
    content = b"".join(parts)
    if content.startswith(b"\x1f\x8b"):
        raise ValueError("This file is compressed twice: unpack it once and choose the result.")
    return content, True


def _too_large() -> str:
    return f"Unpacked, this file is larger than the limit of {MOST_BYTES / 2**20:,.0f} MB: choose a part of the table."


def _check_cells(rows: int, columns: int) -> None:
    if rows * columns > MOST_CELLS:
        raise ValueError(f"This table has more than the limit of {MOST_CELLS:,} cells: choose fewer rows or columns.")


def _kind(content: bytes, name: str) -> str:
    """Kind of an unpacked file, by its first bytes."""
    if not re.search(rb"[^\s\0]", content) or content in (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        raise ValueError("This file is empty: choose one with a header and one row per point.")
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(content)
    if content.startswith(b"PAR1"):
        return "parquet"
    if content.startswith(b"\x93NUMPY"):
        return "npy"
    start = content[:512].removeprefix(codecs.BOM_UTF8).lstrip()
    for magic, what in FOREIGN.items():
        if start.startswith(magic) or (magic.startswith(b"<") and start.lower().startswith(magic)):
            raise ValueError(f"This file is {what}, which cannot be read: {SAVE}.")
    ending = _ending(name)
    if re.match(rb"\x80[\x02-\x05]", content) or ending in ("pkl", "pickle", "joblib") or _old_pickle(content):
        raise ValueError(PICKLE)
    encoding = _encoding(content, "text")
    # Half a character at the end does not matter here.
    start = _decoded(content[:SAMPLE], encoding, "ignore").lstrip("\ufeff \t\r\n")
    if KINDS.get(ending) == "json" or (
        ending not in ("csv", "tsv") and re.match(r'\[\s*[\[{]|\[\s*\]\s*$|\{\s*["}]', start) is not None
    ):
        return "json"
    return "text"


def _old_pickle(content: bytes) -> bool:
    """Whether it is a pickle of a protocol that has no mark at its beginning; its instructions are listed, never followed."""
    if not content.endswith(b"."):
        return False
    try:
        return sum(1 for _ in pickletools.genops(content)) > 2
    except Exception:  # whatever the text of a table makes of them
        return False


def _zip_kind(content: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            files = archive.infolist()
    except (zipfile.BadZipFile, ValueError, EOFError, OSError, NotImplementedError, UnicodeDecodeError):
        raise ValueError("This Excel or zip file is damaged or cut short: save or download it again.") from None
    names = {file.filename for file in files}
    if "xl/workbook.xml" in names:
        if sum(file.file_size for file in files) > MOST_BYTES:
            raise ValueError(_too_large())
        return "xlsx"
    what = "a zip archive"
    if "xl/workbook.bin" in names:
        what = "a binary Excel workbook (.xlsb)"
    elif "content.xml" in names:
        what = "an OpenDocument file (.ods)"
    elif "word/document.xml" in names:
        what = "a Word document"
    elif names and all(name.endswith(".npy") for name in names):
        what = "an archive of NumPy arrays (.npz)"
    raise ValueError(f"This file is {what}, which cannot be read: {SAVE}.")


def _check(format: Format, kind: str) -> None:
    """Raise if the format contradicts itself or the content."""
    if format.kind not in _READERS:
        raise ValueError(f"There is no kind of file called {format.kind}: choose one of {', '.join(_READERS)}.")
    if format.kind != kind and {format.kind, kind} != {"text", "json"}:
        raise ValueError(f"This file is {CALLED[kind]}, not {CALLED[format.kind]}: choose the kind that it is.")
    if format.decimal not in (".", ",") or (format.thousands and format.thousands not in THOUSANDS):
        raise ValueError(
            "The decimal mark is a point or a comma, the thousands mark a point, comma, blank, apostrophe or none."
        )
    if format.decimal == format.thousands:
        raise ValueError("The decimal mark and the thousands mark are the same: choose two different ones.")
    if len(format.separator) > 1 or format.separator in ("\n", "\r", '"', "\ufeff"):
        raise ValueError("The separator must be a single character that is no line break or quotation mark: choose another.")
    if format.encoding not in ("", "utf-8", "utf-16", "latin-1"):
        raise ValueError("The encoding is not known: choose one of utf-8, utf-16 and latin-1.")


def _detected(content: bytes, name: str) -> Format:
    """Format of an unpacked file."""
    kind = _kind(content, name)
    if kind in ("parquet", "npy"):
        return Format(kind, header=kind == "parquet")
    if kind == "xlsx":
        with _workbook(content) as workbook:
            sheet = _chosen_sheet(workbook, "")
            rows = list(itertools.islice(_sheet_rows(workbook[sheet]), SAMPLE_ROWS))
        written = [[_written(cell, ".") for cell in row] for row in rows]
        header = _has_header(written, ".", "")
        texts = [[c for c in column if isinstance(c, str)] for column in itertools.zip_longest(*rows[header:])]
        decimal, thousands = _notation(texts, ".")
        return Format(kind, decimal=decimal, thousands=thousands, header=header, sheet=sheet)
    encoding = _encoding(content, kind)
    if kind == "json":
        raw = _read_json(content, Format(kind, encoding=encoding))
        texts = [[c for c in column[:SAMPLE_ROWS] if isinstance(c, str)] for column in raw.columns]
        decimal, thousands = _notation(texts, ".")
        return Format(kind, encoding=encoding, decimal=decimal, thousands=thousands)
    return _detected_text(content, encoding)


# Text


def _encoding(content: bytes, kind: str) -> str:
    if kind not in ("text", "json"):
        return ""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or _wide(content):
        return "utf-16"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        # In pieces, because a text of Python can take four times the room.
        for start in range(0, len(content), 2**22):
            decoder.decode(content[start : start + 2**22])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _wide(content: bytes) -> str:
    """Byte order of UTF-16 without a mark, "" if it is none: every other byte of Western text is zero."""
    start = content[:4096]
    if len(content) % 2 or b"\0" not in start:
        return ""
    first, second = (start[i::2].count(0) / len(start[i::2]) for i in range(2))
    if second > 0.5 and first < 0.05:
        return "utf-16-le"
    if first > 0.5 and second < 0.05:
        return "utf-16-be"
    return ""


def _decoded(content: bytes, encoding: str, errors: str = "strict") -> str:
    if encoding == "utf-16":
        if not content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            encoding = _wide(content) or "utf-16-le"
        return content.decode(encoding, errors).removeprefix("\ufeff")
    if encoding == "latin-1":
        # What Windows calls Latin-1 has signs such as the euro where Latin-1 has control characters.
        with contextlib.suppress(UnicodeDecodeError):
            return content.decode("cp1252")
        return content.decode("latin-1")
    return content.decode("utf-8-sig", errors)


def _utf8(content: bytes, encoding: str) -> bytes:
    """The text in UTF-8 without a byte order mark; raises `ValueError` if it is not written in the encoding, or no text."""
    try:
        if encoding != "utf-8":
            content = _decoded(content, encoding).encode("utf-8")
        elif _encoding(content, "text") != "utf-8":
            raise ValueError("not UTF-8")
    except ValueError:  # also of a decoder
        raise ValueError(f"This text is not written in {encoding}: choose another encoding.") from None
    content = content.removeprefix(codecs.BOM_UTF8)
    start = content[:SAMPLE]
    controls = len(start) - len(start.translate(None, bytes({*range(32), 127} - {*b"\t\n\r\f\v"})))
    if b"\0" in content or controls > 0.01 * len(start):
        raise ValueError(NOT_TEXT)
    if not re.search(rb"\S", content):
        raise ValueError("This file is empty: choose one with a header and one row per point.")
    return content


def _announced(data: bytes) -> tuple[bytes, str]:
    """The text without a first line like "sep=;", which Excel understands, and the separator in it."""
    found = re.match(rb'"?sep=([,;|\t])"?(?:\r\n|\n|\r)', data)
    return (data[found.end() :], found[1].decode()) if found else (data, "")


def _tabbed(data: bytes) -> bytes:
    """The text with each run of blanks outside quotation marks as one tab, and none at the ends of lines."""
    if b'"' not in data:
        data = data.replace(b"\t", b" ")
        while b"  " in data:
            data = data.replace(b"  ", b" ")
        for end in (b"\n", b"\r"):
            data = data.replace(b" " + end, end).replace(end + b" ", end)
        return data.strip(b" ").replace(b" ", b"\t")

    def tab(found: re.Match) -> bytes:
        if found[0].startswith(b'"'):
            return found[0]
        before, after = data[found.start() - 1 : found.start()], data[found.end() : found.end() + 1]
        return b"" if before in (b"", b"\n", b"\r") or after in (b"", b"\n", b"\r") else b"\t"

    return QUOTED_OR_BLANKS.sub(tab, data)


def _rows(text: str, separator: str, cut: bool) -> list[list[str]] | None:
    """The first rows that are not blank, None if this separator cannot be; the last is dropped if it may be cut off."""
    if separator == " ":
        text, separator = _tabbed(text.encode()).decode(), "\t"
    try:
        rows = list(
            itertools.islice(csv.reader(io.StringIO(text, newline=""), delimiter=separator or "\x1f"), SAMPLE_ROWS + 1)
        )
    except csv.Error:
        return None
    if cut and 1 < len(rows) <= SAMPLE_ROWS:
        rows.pop()
    rows = [row for row in rows[:SAMPLE_ROWS] if len(row) > 1 or (row and (row[0].strip() or "\n" not in text.strip()))]
    return rows or None


def _detected_text(content: bytes, encoding: str) -> Format:
    length = SAMPLE
    if content[:SAMPLE].count(b"\n") + content[:SAMPLE].count(b"\r") < 20:
        length = LONGEST_ROW // 4
    text = _decoded(content[:length], encoding, "ignore")
    if encoding == "latin-1":
        text = _decoded(content[:length], encoding)
    data, separator = _announced(_utf8(text.encode(), "utf-8"))
    text, cut = data.decode(), len(content) > length
    if not separator:
        separator = _separator(text, cut)
    rows = _rows(text, separator, cut) or [[text.strip()]]
    decimal, thousands = _notation(itertools.zip_longest(*rows, fillvalue=""), separator)
    header = _has_header(rows, decimal, thousands)
    if header and len(rows) > 1:
        decimal, thousands = _notation(itertools.zip_longest(*rows[1:], fillvalue=""), separator)
    return Format("text", False, encoding, separator, decimal, thousands, header)


def _separator(text: str, cut: bool) -> str:
    """The separator that splits the rows into equally many cells, and leaves none inside that looks like a separator.

    A first row of a single cell over rows of several ("x" over "1,5") speaks against a separator, unless nothing else would
    explain the rows: then reading them says what is wrong.
    """
    best, most = "", 0.0
    for separator in SEPARATORS:
        rows = _rows(text, separator, cut)
        if rows is None:
            continue
        width = len(rows[0])
        widths = Counter(map(len, rows[1:] or rows))
        common = max(widths, key=lambda w: (widths[w], w))
        if max(width, common) < 2:
            continue
        nameless = separator in "\t " and len(rows) > 1 and common == width + 1 > 2
        if nameless:
            width = common  # R leaves the name of the first column out
        same = widths[width] / widths.total() * (0.5 if nameless else 1)
        if width < 2:
            if common == 2 and _plain_share([cell for row in rows[1:] for cell in [separator.join(row)]]) > 0.8:
                continue
            if separator == " " or widths[1] > 0:
                continue
            same = 0.01
        cells = [cell for row in rows for cell in row]
        clean = 1 - sum(map(_looks_unsplit, cells)) / len(cells)
        if separator == " ":
            # Words are also separated by blanks, so that only numbers tell a table from sentences; and a blank often follows
            # the separator proper.
            if any(all(len(row) > i + 1 and row[i].endswith((",", ";")) for row in rows) for i in range(width - 1)):
                continue
            columns = list(itertools.zip_longest(*rows[len(rows) > 1 :], fillvalue=""))
            if same < (0.4 if nameless else 0.8) or not any(_plain_share(column) > 0.8 for column in columns):
                continue
        score = max(same, 0.005) * clean * (1 - 0.001 * SEPARATORS.index(separator))
        if score > most:
            best, most = separator, score
    return best


def _looks_unsplit(cell: str) -> bool:
    """Whether a cell looks like several: one with a separator or a quotation mark after a blank inside, or that
    begins with several numbers.
    """
    if not any(mark in cell for mark in ",;|\t ") or _is_number(cell):
        return False
    parts = cell.split()
    several = len(parts) > 1 and all(part == '""' or part in MISSING or _is_number(part) for part in parts[:2])
    return several or any(mark in cell for mark in (",", ";", "|", "\t", ' "'))


def _is_number(cell: str) -> bool:
    """Whether it is a number in any notation."""
    return any(_number(*notation).search(cell.strip()) for notation in NOTATIONS)


def _plain_share(cells: Iterable[str]) -> float:
    """Share of numbers in any notation among the cells that are not missing."""
    present = [cell for cell in cells if cell.strip() not in MISSING]
    return sum(map(_is_number, present)) / len(present) if present else 0.0


_PATTERNS: dict[tuple[str, str], re.Pattern] = {}


def _pattern(decimal: str, thousands: str) -> str:
    """What a number looks like, for Python and for Arrow: with thousands marks, all groups but the first have three digits."""
    whole = "[0-9]+"
    if thousands:
        whole = f"(?:[1-9][0-9]{{0,2}}(?:[{THOUSANDS[thousands]}][0-9]{{3}})+|[0-9]+)"
    mark = re.escape(decimal)
    return f"^[+\u2212-]?(?:(?:{whole}(?:{mark}[0-9]*)?|{mark}[0-9]+)(?:[eE][+-]?[0-9]+)?|(?i:inf|infinity))$"


def _number(decimal: str, thousands: str) -> re.Pattern:
    key = decimal, thousands
    if key not in _PATTERNS:
        _PATTERNS[key] = re.compile(_pattern(decimal, thousands))
    return _PATTERNS[key]


def _notation(columns: Iterable[Sequence[str]], separator: str) -> tuple[str, str]:
    """Decimal and thousands marks that make the most cells numbers, over all columns that are then numeric.

    What stays open is "1,234" without any other clue such as "1,5", "0,123", "1,234,567" or "1,234.5". If whole numbers stand
    beside such cells, one of more than three digits means that thousands are not marked, and others that they are: a column
    with three decimals everywhere would write them too. If all cells look like that, a semicolon between cells speaks for a
    decimal comma, since it is used where the comma is taken; otherwise it marks thousands. "1.234" is a decimal point.
    """
    cells = [[c for c in map(str.strip, column) if c not in MISSING] for column in columns]
    cells = [column for column in cells if any(any(d.isdecimal() for d in cell) for cell in column)]
    counts = {}
    for notation in NOTATIONS:
        pattern = _number(*notation)
        valid = [sum(pattern.search(cell) is not None for cell in column) for column in cells]
        counts[notation] = sum(v for v, column in zip(valid, cells, strict=True) if v >= 0.8 * len(column))
    most = max(counts.values())
    best = [notation for notation in NOTATIONS if counts[notation] == most]
    if best[0] == (",", "") and (".", ",") in best:
        marked = [column for column in cells if any("," in cell and _number(".", ",").search(cell) for cell in column)]
        whole = [cell for column in marked for cell in column if re.fullmatch("[+\u2212-]?[0-9]+", cell)]
        if whole:
            return (",", "") if any(len(cell.lstrip("+-\u2212")) > 3 for cell in whole) else (".", ",")
        return (",", "") if separator == ";" else (".", ",")
    return best[0]


def _has_header(rows: list[list[str]], decimal: str, thousands: str) -> bool:
    """Whether the first row holds names; if in doubt, it does.

    It does not if all its cells are numbers or dates, if it has numbers that are no likely names (which are years, or three
    and more that count up), or if it has some and one of its texts comes again below it.
    """
    first, rest = [cell.strip() for cell in rows[0]], rows[1:]
    pattern = _number(decimal, thousands)
    filled = [cell for cell in first if cell]
    neither = [cell for cell in filled if cell in MISSING or cell.lower().lstrip("+-") in ("inf", "infinity")]
    numbers = [cell for cell in filled if pattern.search(cell) and cell not in neither]
    dates = [cell for cell in filled if re.search(ISO_DATE, cell)]
    if not numbers and not dates:
        return True
    if not first[0] and first[1:] == [str(i) for i in range(len(first) - 1)]:
        return True  # pandas names columns so, and its index not at all
    if all(cell in numbers or cell in dates or cell in neither for cell in filled):
        return False
    if not all(re.fullmatch("[0-9]{1,4}", cell) for cell in numbers):
        return False
    values = list(map(int, numbers))
    counted = len(values) > 2 and values == list(range(values[0], values[0] + len(values)))
    years = len(set(values)) == len(values) and all(1500 <= value < 2200 for value in values)
    if not counted and not years:
        return False
    below = [{row[i].strip() for row in rest if len(row) > i} for i in range(len(first))]
    return not any(cell and cell not in numbers and cell in column for cell, column in zip(first, below, strict=True))


def _read_text(content: bytes, format: Format) -> _Raw:
    data, _ = _announced(_utf8(content, format.encoding))
    separator = format.separator
    if separator == " ":
        data, separator = _tabbed(data), "\t"
    if not separator:
        separator = next((mark for mark in "\x1f\x1e\x1d\x1c" if mark.encode() not in data), "\x1f")
    width = _first_width(data, separator)
    notes = ()
    # An odd number of quotation marks can mean one that is never closed, which only the careful reading finds.
    table = None if data.count(b'"') % 2 else _parsed(data, separator, width)
    if table is None:
        data, notes = _mended(data, separator, format.header)
        table = _parsed(data, separator, _first_width(data, separator))
        if table is None:
            raise ValueError("The rows of this text have different numbers of cells: choose another separator.")
    columns = table.columns
    del table, data
    names = [None] * len(columns)
    if format.header:
        names = [column[0].as_py() for column in columns]
        columns = [column.slice(1) for column in columns]
    if len(columns) == 1:
        notes = ("Only one column was found: if there are more, choose another separator.", *notes)
    return _Raw(names, columns, notes)


def _lines(data: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(data), "utf-8", newline="")


def _blank(row: list[str]) -> bool:
    return not row or (len(row) == 1 and not row[0].strip())


def _first_width(data: bytes, separator: str) -> int:
    """Number of cells in the first row that is not blank."""
    start = data[:LONGEST_ROW].lstrip(b"\r\n")
    if len(data) > LONGEST_ROW and b"\n" not in start and b"\r" not in start:
        raise ValueError("The first row of this text is longer than any table's: check that it has line breaks.")
    try:
        with _lines(data) as lines:
            return next((len(row) for row in csv.reader(lines, delimiter=separator) if not _blank(row)), 1)
    except csv.Error:
        raise ValueError(_unclosed("the first row")) from None


def _unclosed(where: str) -> str:
    return f"A quotation mark in {where} is never closed or a cell is too long: close or remove it."


def _parsed(data: bytes, separator: str, width: int) -> pa.Table | None:
    """All cells as text, None if some rows have more or fewer than `width`.

    By Arrow rather than pandas because it keeps each cell's text in little room, so that numbers can be understood afterwards
    by one set of rules, and because it tells of each row that has too few or too many cells.
    """
    ragged = []
    names = [f"f{i}" for i in range(width)]

    def refuse(row) -> str:
        ragged.append(row.actual_columns)
        return "error"

    batches, rows = [], 0
    try:
        with pa.csv.open_csv(
            pa.BufferReader(data),
            read_options=pa.csv.ReadOptions(use_threads=False, block_size=LONGEST_ROW, column_names=names),
            parse_options=pa.csv.ParseOptions(
                delimiter=separator, newlines_in_values=b'"' in data, invalid_row_handler=refuse
            ),
            convert_options=pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        ) as reader:
            for batch in reader:
                rows += batch.num_rows
                _check_cells(rows, width)
                batches.append(batch)
            return pa.Table.from_batches(batches, reader.schema)
    except pa.ArrowInvalid as fault:
        if ragged:
            return None
        if "straddling" in str(fault):
            raise ValueError(_unclosed("this text")) from None
        raise ValueError(f"This text cannot be split into rows and cells: check its quotation marks, or {SAVE}.") from None


def _numbered_rows(data: bytes, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, each with the line it begins in, counted from one."""
    end = "end of the text"
    before, line, row = 0, 1, []
    with _lines(data) as lines:
        reader = csv.reader(itertools.chain(lines, ["\n", end]), delimiter=separator)
        held = None
        try:
            for row in reader:
                line, before = before + 1, reader.line_num
                if held is not None and (len(held[1]) > 1 or not _blank(held[1])):
                    yield held
                held = line, row
        except csv.Error:
            raise ValueError(_unclosed(f"line {before + 1}")) from None
    # Inside quotation marks the end is not a row of its own.
    if row != [end]:
        raise ValueError(_unclosed(f"line {line}"))


def _mended(data: bytes, separator: str, header: bool) -> tuple[bytes, tuple[str, ...]]:
    """The text with equally many cells in all rows, and notes of what was mended.

    Too few cells are missing values; empty ones too many, as after a separator at the end of the line, are cut off; rows with
    others too many are left out. If every row has one cell more than the header, as R writes it, the first column has no name.

    Raises
    ------
    ValueError
        If more than one row in a hundred has too many cells, or a quotation mark is never closed.
    """

    def size(row: list[str]) -> int:
        if row[-1].strip():
            return len(row)
        return next((i for i in range(len(row), 0, -1) if row[i - 1].strip()), 0)

    sizes, lengths, top = Counter(), Counter(), None
    for _, row in _numbered_rows(data, separator):
        if top is None:
            top = row
            if header:
                continue
        sizes[size(row)] += 1
        lengths[len(row)] += 1
    if top is None:
        raise ValueError("This file is empty: choose one with a header and one row per point.")
    width, unnamed = len(top), False
    if not header:
        width = max(lengths, key=lambda length: (lengths[length], length))
    elif width > 1 and set(lengths) == {width + 1} and max(sizes) == width + 1:
        width, unnamed = width + 1, True
    count = sizes.total()
    wrong = sum(n for length, n in sizes.items() if length > width)
    short, dropped, out = 0, 0, io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator, lineterminator="\n")
    for i, (line, row) in enumerate(_numbered_rows(data, separator)):
        if header and i == 0:
            row = [*[""] * unnamed, *row]
        elif len(row) > width and size(row) > width:
            if wrong > 0.01 * count:
                raise ValueError(
                    f"Line {line} has {size(row)} cells where {_count(width, 'is', 'are')} expected: every row needs as many "
                    "cells as the first, so mend the line or choose another separator."
                )
            dropped = dropped or line
            continue
        if len(row) != width:
            short += len(row) < width
            row = row[:width] + [""] * (width - len(row))
        writer.writerow(row)
    notes = []
    if short:
        notes.append(f"{_count(short, 'row has', 'rows have')} too few cells; those that lack count as missing.")
    if wrong:
        rows = _count(wrong, "row has too many cells and is", "rows have too many cells and are")
        notes.append(f"{rows} left out, the first in line {dropped}.")
    return out.getvalue().encode(), tuple(notes)


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


# Excel, JSON, Parquet, NumPy


@contextlib.contextmanager
def _workbook(content: bytes) -> Iterator[openpyxl.Workbook]:
    """The workbook, for reading row by row; whatever goes wrong inside is said to be damage."""
    workbook = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and the like, which do not matter here
            workbook = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
            yield workbook
    except _Sentence:
        raise
    except Exception:
        # A workbook can be broken in more ways than openpyxl has exceptions of its own for.
        raise ValueError("This Excel workbook is damaged: open it in Excel, save it again and choose that file.") from None
    finally:
        if workbook is not None:
            workbook.close()


class _Sentence(ValueError):
    """A sentence to show, which must pass through where other faults are taken for damage."""


def _sheet_rows(sheet) -> Iterator[tuple]:
    """Rows from the first that is not empty on."""
    sheet.reset_dimensions()  # a sheet may claim to be larger than it is
    cells, empty = 0, True
    for row in sheet.iter_rows(values_only=True):
        cells += max(1, len(row))
        if cells > MOST_CELLS:
            raise _Sentence(f"This sheet has more than the limit of {MOST_CELLS:,} cells: choose fewer rows or columns.")
        empty = empty and all(cell is None or cell == "" for cell in row)
        if not empty:
            yield row


def _chosen_sheet(workbook: openpyxl.Workbook, sheet: str) -> str:
    names = [worksheet.title for worksheet in workbook.worksheets]
    if sheet:
        if sheet not in names:
            raise _Sentence(f"This workbook has no sheet called {sheet}: choose another sheet.")
        return sheet
    for name in names:
        if next(_sheet_rows(workbook[name]), None) is not None:
            return name
    raise _Sentence("This workbook is empty: choose one with a header and one row per point.")


def _read_xlsx(content: bytes, format: Format) -> _Raw:
    with _workbook(content) as workbook:
        sheets = tuple(worksheet.title for worksheet in workbook.worksheets)
        sheet = _chosen_sheet(workbook, format.sheet)
        rows = list(_sheet_rows(workbook[sheet]))
    if not rows:
        raise ValueError(f"The sheet {sheet} is empty: choose another sheet.")
    while all(cell is None or cell == "" for cell in rows[-1]):
        rows.pop()
    _check_cells(len(rows), max(map(len, rows)))
    columns = [list(column) for column in itertools.zip_longest(*rows)]
    columns = [column for column in columns if any(cell is not None and cell != "" for cell in column)]
    names = [column.pop(0) for column in columns] if format.header else [None] * len(columns)
    return _Raw(names, columns, sheets=sheets, sheet=sheet)


def _read_json(content: bytes, format: Format) -> _Raw:
    shape = 'it must be a list of rows like [{"a": 1, "b": 2}, ...] or hold columns like {"a": [1, 2], "b": [3, 4]}'
    text = _utf8(content, format.encoding).decode()
    try:
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            # split("\n") because splitlines also splits at characters that may stand inside a text.
            value = [json.loads(line) for line in text.split("\n") if line.strip()]
    except (ValueError, RecursionError):
        raise ValueError(f"This JSON cannot be read because it is damaged or cut short: {shape}.") from None
    del text
    if isinstance(value, dict) and value and all(isinstance(column, list) for column in value.values()):
        names, columns = list(value), list(value.values())
        if len({len(column) for column in columns}) > 1:
            raise ValueError("The columns in this JSON have different lengths: every column needs one value per row.")
        _check_cells(len(columns[0]), len(columns))
    else:
        rows = [value] if isinstance(value, dict) else value
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ValueError(f"This JSON is not a table: {shape}.")
        names = list(dict.fromkeys(name for row in rows for name in row))
        if not names:
            raise ValueError("This JSON has no rows: it needs one row per point.")
        _check_cells(len(rows), len(names))
        columns = [[row.get(name) for row in rows] for name in names]
    for name, column in zip(names, columns, strict=True):
        if any(isinstance(cell, (dict, list)) for cell in column):
            raise ValueError(f"Column {name} holds lists or objects instead of single values: give each value its own column.")
    return _Raw(names, columns)


def _read_parquet(content: bytes, format: Format) -> _Raw:
    damaged = "This Parquet file is damaged or cut short: save or download it again."
    try:
        file = pa.parquet.ParquetFile(pa.BufferReader(content))
    except (pa.ArrowException, OSError, ValueError):
        raise ValueError(damaged) from None
    with file:
        schema, metadata = file.schema_arrow, file.metadata
        _check_cells(metadata.num_rows, max(1, len(schema)))
        for field in schema:
            kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
            if pa.types.is_nested(kind):
                raise ValueError(
                    f"Column {field.name} holds lists or objects instead of single values: give each value its own column."
                )
            if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
                raise ValueError(f"Column {field.name} holds bytes instead of numbers or text: leave it out of the file.")
        columns, size = [[] for _ in schema], 0
        try:
            # In small pieces, because a text that is stored once and repeated often grows only when it is read.
            for batch in file.iter_batches(batch_size=4096, use_threads=False):
                for i, column in enumerate(batch.columns):
                    if pa.types.is_dictionary(column.type):
                        column = column.dictionary_decode()
                    size += column.nbytes
                    columns[i].append(column)
                if size > MOST_BYTES:
                    raise _Sentence(_too_large())
        except _Sentence:
            raise
        except (pa.ArrowException, OSError, ValueError):
            raise ValueError(damaged) from None
    names = ["index" if re.fullmatch("__index_level_[0-9]+__", field.name) else field.name for field in schema]
    return _Raw(names, [pa.chunked_array(pieces) if pieces else pa.chunked_array([], pa.null()) for pieces in columns])


def _read_npy(content: bytes, format: Format) -> _Raw:
    damaged = "This NumPy file is damaged or cut short: save it again."
    file = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(file)
        readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        # Version 3 differs by names of fields that are not ASCII, which a structure only has.
        shape, fortran, dtype = readers[version](file) if version in readers else ((), False, np.dtype("V1"))
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        raise ValueError(damaged) from None
    if dtype.hasobject:
        raise ValueError(
            "This NumPy file holds Python objects, which are never opened because they could run a program: save numbers only."
        )
    if dtype.kind not in "biuf":
        raise ValueError("This NumPy file does not hold plain numbers: save an array of numbers, one row per point.")
    if len(shape) not in (1, 2):
        raise ValueError(
            f"This NumPy array has {len(shape)} dimensions: save one with one row per point and a column per number."
        )
    rows, width = shape if len(shape) == 2 else (shape[0], 1)
    if rows * width * dtype.itemsize != len(content) - file.tell() or min(rows, width) < 0:
        raise ValueError(damaged)
    _check_cells(rows, width)
    if not rows or not width:
        raise ValueError("This NumPy array is empty: it needs one row per point.")
    array = np.frombuffer(content, dtype, offset=file.tell()).reshape((rows, width), order="F" if fortran else "C")
    kind = np.dtype(np.float64) if dtype.kind == "f" else dtype.newbyteorder("=")
    return _Raw([None] * width, [array[:, i].astype(kind) for i in range(width)])


_READERS = {"text": _read_text, "xlsx": _read_xlsx, "parquet": _read_parquet, "json": _read_json, "npy": _read_npy}


# From cells to columns


def _table(raw: _Raw, format: Format) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table with its cells understood, and all notes."""
    rows = len(raw.columns[0]) if raw.columns else 0
    if rows == 0:
        raise ValueError("This file has a header but no rows: it needs one row per point.")
    if rows == 1:
        raise ValueError("This table has only one row: to find groups, at least two are needed.")
    _check_cells(rows, len(raw.columns))
    names, name_notes = _names(raw.names, format.header)
    columns, notes = {}, {}
    for i, name in enumerate(names):
        column, raw.columns[i] = raw.columns[i], None  # so that its room is free before the next is converted
        columns[name], kind, note = _column(column, format)
        if note:
            called = name.capitalize() if re.fullmatch("column [0-9]+", name) else f"Column {name}"
            notes.setdefault(kind, []).append(called + note)
        del column
    said = []
    for sentences in notes.values():
        said += sentences[:MOST_NOTES]
        if len(sentences) > MOST_NOTES:
            more = _count(len(sentences) - MOST_NOTES, "more column", "more columns")
            said.append(f"The same holds for {more}.")
    return pd.DataFrame(columns), (*raw.notes, *name_notes, *said)


def _names(given: Sequence, header: bool) -> tuple[list[str], tuple[str, ...]]:
    """Names that are unique and not empty, and what was changed."""
    stripped = ["" if name is None or name != name else str(name).strip() for name in given]
    taken = {name for name in stripped if name}
    names, seen, notes = [], set(), []
    for i, name in enumerate(stripped):
        new = name or f"column {i + 1}"
        if new in seen or (not name and new in taken):
            number = 2
            while (unique := f"{new} ({number})") in taken:
                number += 1
            new = unique
        if not name and header:
            notes.append(f"Column {i + 1} has no name and is called {new}.")
        elif name != new and header:
            notes.append(f"More than one column is called {name}: column {i + 1} is now called {new}.")
        seen.add(new)
        taken.add(new)
        names.append(new)
    if len(notes) > MOST_NOTES:
        more = _count(len(notes) - MOST_NOTES, "more column was", "more columns were")
        notes = [*notes[:MOST_NOTES], f"{more} renamed in the same way."]
    return names, tuple(notes)


def _column(cells, format: Format) -> tuple[np.ndarray | pd.Series, str, str]:
    """The column, and what there is to say about it: the kind of the note and the sentence without its beginning."""
    if isinstance(cells, np.ndarray):
        return cells, "", ""
    if isinstance(cells, list):
        return _from_objects(cells, format)
    kind = cells.type
    if pa.types.is_null(kind):
        return _empty(len(cells))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == pa.string_view():
        return _from_text(cells.cast(pa.string()) if kind == pa.string_view() else cells, format)
    if pa.types.is_integer(kind):
        return _from_integers(cells)
    if pa.types.is_decimal(kind):
        if kind.scale == 0:
            with contextlib.suppress(pa.ArrowInvalid):
                return _from_integers(cells.cast(pa.int64()))
        return cells.cast(pa.float64()).to_numpy(), "", ""
    if pa.types.is_floating(kind):
        return cells.cast(pa.float64()).to_numpy(), "", ""
    if pa.types.is_date(kind):
        return cells.cast(pa.timestamp("ms")).to_pandas(), "", ""
    if pa.types.is_timestamp(kind) or pa.types.is_boolean(kind):
        return cells.to_pandas(), "", ""
    return pd.Series([None if cell is None else str(cell) for cell in cells.to_pylist()], dtype=object), "", ""


def _empty(rows: int) -> tuple[np.ndarray, str, str]:
    return np.full(rows, np.nan), "empty", " has no values."


LONG_IDENTIFIERS = " holds whole numbers too long to keep exactly as numbers, so they are text."


def _from_integers(cells: pa.ChunkedArray) -> tuple[np.ndarray | pd.Series, str, str]:
    if cells.null_count == 0:
        return cells.to_numpy(), "", ""
    if cells.null_count == len(cells):
        return _empty(len(cells))
    extremes = pc.min_max(cells).as_py()
    if max(-extremes["min"], extremes["max"]) <= LARGEST_EXACT:
        return cells.cast(pa.float64()).to_numpy(), "", ""
    return cells.cast(pa.string()).to_pandas(), "long", LONG_IDENTIFIERS


def _written(cell, decimal: str) -> str:
    """A cell of a workbook or of JSON as it would be written in a text."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return repr(cell).replace(".", decimal)
    return str(cell)


def _from_objects(cells: list, format: Format) -> tuple[np.ndarray | pd.Series, str, str]:
    present = [cell for cell in cells if cell is not None and cell == cell]
    kinds = set(map(type, present))
    whole = len(present) == len(cells)
    if not present:
        return _empty(len(cells))
    if kinds == {bool}:
        cells = [cell if cell is not None and cell == cell else None for cell in cells]
        return pd.Series(cells, dtype=bool if whole else object), "", ""
    if kinds == {int}:
        with contextlib.suppress(OverflowError, pa.ArrowInvalid):
            return _from_integers(pa.chunked_array([pa.array(cells, pa.int64(), from_pandas=True)]))
        texts = [str(cell) if cell is not None and cell == cell else None for cell in cells]
        return pd.Series(texts, dtype="str"), "long", LONG_IDENTIFIERS
    if kinds <= {int, float}:
        with contextlib.suppress(OverflowError):  # of a whole number of hundreds of digits
            return np.array([np.nan if cell is None else float(cell) for cell in cells]), "", ""
    if kinds <= {datetime.datetime, datetime.date}:
        with contextlib.suppress(ValueError, OverflowError, TypeError):
            return pd.Series(pd.to_datetime(pd.Series(cells, dtype=object))), "", ""
    texts = [None if cell is None or cell != cell else _written(cell, format.decimal) for cell in cells]
    texts = [text if text is None else text.encode("utf-8", "replace").decode() for text in texts]
    return _from_text(pa.chunked_array([pa.array(texts, pa.string())]), format)


def _from_text(cells: pa.ChunkedArray, format: Format) -> tuple[np.ndarray | pd.Series, str, str]:
    """Numbers if at least four in five of the cells that are not missing are, else dates if all are, else text."""
    written, note = cells, ""
    numbers = None
    if format.decimal == "." and not format.thousands:
        with contextlib.suppress(pa.ArrowInvalid):
            numbers = cells.cast(pa.float64())  # all are numbers: no need to look at each
    if numbers is None:
        trimmed = pc.utf8_trim_whitespace(cells)
        missing = pc.is_in(trimmed, pa.array(sorted(MISSING), trimmed.type))
        present = pc.if_else(missing, pa.scalar(None, trimmed.type), trimmed)
        count = len(present) - present.null_count
        if count == 0:
            return _empty(len(cells))
        valid = pc.match_substring_regex(present, _pattern(format.decimal, format.thousands))
        right = pc.sum(valid).as_py()
        text = pc.if_else(missing, pa.scalar(None, cells.type), cells) if present.null_count else cells
        if right < 0.8 * count:
            kept = text.to_pandas()
            if bool(pc.all(pc.match_substring_regex(present, ISO_DATE)).as_py()):
                with contextlib.suppress(ValueError, OverflowError):
                    return pd.to_datetime(present.to_pandas(), format="ISO8601"), "", ""
            if right >= 0.5 * count:
                return kept, "text", f" is text, because only {right:,} of its {count:,} cells are numbers."
            return kept, "", ""
        if right < count:
            wrong = pc.invert(valid).combine_chunks()
            row = pc.index(pc.fill_null(wrong, False), True).as_py()
            cell = trimmed[row].as_py()
            cell = cell if len(cell) <= 40 else f"{cell[:40]}…"
            are = _count(count - right, f"of {count:,} cells is not a number, ", f"of {count:,} cells are not numbers, ")
            are += (
                f"'{cell}' in row {row + 1}; it counts"
                if count - right == 1
                else f"the first is '{cell}' in row {row + 1}; they count"
            )
            note = f": {are} as missing."
        written = pc.if_else(valid, present, pa.scalar(None, present.type))
        del trimmed, missing, present, valid
        if format.thousands:
            written = pc.replace_substring_regex(written, f"[{THOUSANDS[format.thousands]}]", "")
        if format.decimal == ",":
            written = pc.replace_substring(written, ",", ".")
        written = _replaced(written, "\u2212", "-")
        numbers = written.cast(pa.float64())
    else:
        text = cells
    if _identifiers(written):
        return text.to_pandas(), "zeros", " has numbers that begin with zeros like identifiers, so they are text."
    integers = None
    with contextlib.suppress(pa.ArrowInvalid):
        integers = _replaced(written, "+", "").cast(pa.int64())
    if integers is not None and integers.null_count == 0:
        return integers.to_numpy(), "wrong", note
    values = numbers.to_numpy()
    if integers is not None:
        extremes = pc.min_max(integers).as_py()
        long = max(-extremes["min"], extremes["max"]) > LARGEST_EXACT
    else:
        # Beyond 64 bits; a column with decimals or exponents is measured, and need not be exact to the last digit.
        long = bool((np.isfinite(values) & (np.abs(values) > LARGEST_EXACT)).any())
        long = long and pc.all(pc.match_substring_regex(written, r"^[+-]?[0-9]+$")).as_py()
    if long:
        return text.to_pandas(), "long", LONG_IDENTIFIERS
    return values, "wrong", note


def _replaced(cells: pa.ChunkedArray, old: str, new: str) -> pa.ChunkedArray:
    """The cells with a rare mark replaced, without a copy if there is none."""
    return pc.replace_substring(cells, old, new) if pc.any(pc.match_substring(cells, old)).as_py() else cells


def _identifiers(cells: pa.ChunkedArray) -> bool:
    """Whether most cells are whole numbers that begin with a zero, and all are equally long, like "00123"."""
    if not pc.any(pc.starts_with(cells, "0")).as_py():
        return False
    lengths = pc.min_max(pc.utf8_length(cells)).as_py()
    if lengths["min"] != lengths["max"]:
        return False
    return 2 * pc.sum(pc.match_substring_regex(cells, "^0[0-9]+$")).as_py() > len(cells) - cells.null_count

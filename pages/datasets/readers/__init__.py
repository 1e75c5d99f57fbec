"""Reads tables from delimited text, workbooks, Parquet, Arrow, JSON and NumPy files, optionally compressed with gzip or zip.

The kind of a file is detected from its content, not only from its name. Nothing is ever unpickled. Files that cannot be read
raise `ReadError`, a `ValueError` with a message for the page.
"""

from dataclasses import replace

from pages.datasets.readers.cells import to_table
from pages.datasets.readers.dialect import detect_text
from pages.datasets.readers.encodings import decode_text, encoding_doubts, encoding_of, stray_note, to_utf8
from pages.datasets.readers.files import read_arrow, read_npy, read_parquet
from pages.datasets.readers.formats import ENCODINGS, KIND_NAMES, Doubt, Format, Reading, check_format
from pages.datasets.readers.json_tables import detect_json, read_json
from pages.datasets.readers.kinds import BINARY, KINDS, extension, kind_of, unpack
from pages.datasets.readers.limits import SAMPLE_BYTES, ReadError, check_width
from pages.datasets.readers.lines import first_lines as _first_lines
from pages.datasets.readers.text import read_text as _read_text
from pages.datasets.readers.workbooks import detect_workbook, read_workbook

__all__ = [
    "BINARY",
    "ENCODINGS",
    "Doubt",
    "Format",
    "ReadError",
    "Reading",
    "detect",
    "first_lines",
    "read",
    "text_of",
]

_READERS = {
    "text": _read_text,
    "workbook": read_workbook,
    "parquet": read_parquet,
    "arrow": read_arrow,
    "json": read_json,
    "npy": read_npy,
}


def detect(content: bytes, name: str) -> Format:
    """Detects the format of a file from its content, and from its name where the content is ambiguous.

    Raises
    ------
    ReadError
        If the file is empty, too large after unpacking, or of an unsupported kind.
    """
    content, name, compressed = unpack(content, name)
    return replace(_detect(content, kind_of(content, name)), compressed=compressed)


def read(content: bytes, name: str, format: Format | None = None) -> Reading:
    """Reads the table in a file.

    Parameters
    ----------
    content : bytes of the file
    name : name of the file
    format : how to read it; detected if None

    Returns
    -------
    Reading
        The table, the format that was used, and notes about repairs.

    Raises
    ------
    ReadError
        If the file is damaged, too large, of an unsupported kind or of another kind than `format`; if it has fewer than two
        rows; or if more than 1% of the rows have too many cells.
    """
    content, name, compressed = unpack(content, name)
    kind = kind_of(content, name)
    if format is None:
        format = _detect(content, kind)
    check_format(format, kind)
    if format.kind == "workbook" and format.header is None:
        format = detect_workbook(content, format.sheet)
    encoding = format.encoding or (encoding_of(content) if format.kind in ("text", "json") else "")
    raw = _READERS[format.kind](content, replace(format, encoding=encoding))
    format = replace(format, compressed=compressed, encoding=encoding, sheet=raw.sheet)
    converted = to_table(raw, format)
    notes, doubts, end = tuple(converted.notes), (*raw.doubts, *converted.doubts), extension(name)
    if encoding:
        notes, doubts = stray_note(content, encoding) + notes, encoding_doubts(content, encoding) + doubts
    if format.kind != KINDS.get(end, format.kind):
        notes = (f"The file extension is .{end}, but the file is {KIND_NAMES[format.kind]} and was read as such.", *notes)
    gaps = tuple(converted.gaps.most_common())
    return Reading(converted.table, format, notes, raw.sheets, gaps, doubts, converted.row_names, raw.start)


def first_lines(content: bytes, format: Format) -> tuple[str, ...]:
    """The first lines of an uncompressed text as they stand; empty for other files."""
    if format.kind not in ("text", "json") or format.compressed:
        return ()
    return _first_lines(decode_text(content[:SAMPLE_BYTES], format.encoding, "replace").encode())


def text_of(content: bytes, encoding: str = "") -> str:
    """The text in a file; its encoding is detected if "". Raises `ReadError` as in `read`."""
    content, name, _ = unpack(content, "")
    kind_of(content, name)
    return to_utf8(content, encoding or encoding_of(content)).decode("utf-8")


def _detect(content: bytes, kind: str) -> Format:
    if kind == "workbook":
        return detect_workbook(content)
    if kind == "json":
        return detect_json(content, encoding_of(content))
    if kind == "text":
        check_width(content)
        return detect_text(content, encoding_of(content))
    return Format(kind, header=kind in ("parquet", "arrow"))

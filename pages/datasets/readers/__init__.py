"""Reading any table that a person brings: delimited text, Excel, Parquet, JSON and NumPy arrays, also gzip'ed.

What a file is, is told by its content, never by its name alone, and nothing is ever unpickled. No Streamlit here: bad input
raises `Refusal`, a `ValueError` with the one sentence to show.
"""

from dataclasses import replace

from pages.datasets.readers.cells import table_of
from pages.datasets.readers.dialect import detected_text
from pages.datasets.readers.encodings import encoding_of, utf8
from pages.datasets.readers.files import detected_json, detected_xlsx, read_json, read_npy, read_parquet, read_xlsx
from pages.datasets.readers.formats import CALLED, Format, Reading, check_format
from pages.datasets.readers.kinds import KINDS, ending, kind_of, unpacked
from pages.datasets.readers.limits import Refusal
from pages.datasets.readers.text import read_text as _read_text

__all__ = ["Format", "Reading", "Refusal", "detect", "read", "text_of"]

_READERS = {"text": _read_text, "xlsx": read_xlsx, "parquet": read_parquet, "json": read_json, "npy": read_npy}


def detect(content: bytes, name: str) -> Format:
    """How the file is written, judged by its content; `name` only settles what the content leaves open.

    Raises `Refusal` if it is empty, too large when unpacked, or of a kind that cannot be read.
    """
    content, compressed = unpacked(content)
    return replace(_detected(content, kind_of(content, name)), compressed=compressed)


def read(content: bytes, name: str, format: Format | None = None) -> Reading:
    """The table in a file, as `format` says or as detected; the format of the reading names what was used.

    Raises `Refusal` if the file is of a kind that cannot be read or not of the given one, is damaged, too large, has fewer
    than two rows, or more than one row in a hundred has too many cells.
    """
    content, compressed = unpacked(content)
    kind = kind_of(content, name)
    if format is None:
        format = _detected(content, kind)
    check_format(format, kind)
    encoding = format.encoding or (encoding_of(content) if format.kind in ("text", "json") else "")
    raw = _READERS[format.kind](content, replace(format, encoding=encoding))
    format = replace(format, compressed=compressed, encoding=encoding, sheet=raw.sheet)
    table, notes = table_of(raw, format)
    end = ending(name)
    if format.kind != KINDS.get(end, format.kind):
        notes = (f"The name ends in .{end}, but the file is {CALLED[format.kind]} and is read as that.", *notes)
    return Reading(table, format, notes, raw.sheets)


def text_of(content: bytes, format: Format) -> str:
    """The text of a file that is of kind "text", for those who read it in their own way; raises like `read`."""
    return utf8(unpacked(content)[0], format.encoding).decode("utf-8")


def _detected(content: bytes, kind: str) -> Format:
    if kind == "xlsx":
        return detected_xlsx(content)
    if kind == "json":
        return detected_json(content, encoding_of(content))
    if kind == "text":
        return detected_text(content, encoding_of(content))
    return Format(kind, header=kind == "parquet")

"""Detects the kind of a file by its first bytes, unpacks gzip, and rejects unsupported kinds."""

import codecs
import gzip
import io
import itertools
import pickletools
import re
import zipfile

from pages.datasets.readers.encodings import UTF16_MARKS, decode_text, encoding_of
from pages.datasets.readers.limits import EMPTY, SAMPLE_BYTES, SAVE_AS, ReadError, as_read_error, check_bytes

KINDS = {
    **dict.fromkeys(("csv", "tsv", "txt", "dat", "tab", "data", "asc"), "text"),
    **dict.fromkeys(("xlsx", "xlsm"), "xlsx"),
    **dict.fromkeys(("parquet", "pq"), "parquet"),
    **dict.fromkeys(("json", "jsonl", "ndjson"), "json"),
    "npy": "npy",
}
"""kind of a file by its extension"""
UNSUPPORTED = {
    "an image": (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*", b"<svg"),
    "an image, audio or video file": (b"RIFF",),
    "a PDF document": (b"%PDF",),
    "an old Excel file (.xls), or one protected by a password": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",),
    "a bzip2 archive": (b"BZh",),
    "an xz, zstd, 7z or RAR archive": (b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf", b"Rar!"),
    "a database": (b"SQLite format 3",),
    "an HDF5 file": (b"\x89HDF",),
    "an Arrow or Feather file": (b"ARROW1",),
    "a web page": (b"<!doctype", b"<html", b"<table"),
    "an XML document": (b"<?xml",),
}
"""first bytes of unsupported files; markup is in lower case"""
UNSUPPORTED_ZIP = {
    "xl/workbook.bin": "a binary Excel workbook (.xlsb)",
    "content.xml": "an OpenDocument file (.ods)",
    "word/document.xml": "a Word document",
}
"""unsupported zip files by the name of a file in them"""


def extension(name: str) -> str:
    """The extension of a file name without the dot, before ".gz"; "" if there is none."""
    return name.lower().removesuffix(".gz").rpartition(".")[2] if "." in name else ""


def unpack(content: bytes) -> tuple[bytes, bool]:
    """The unpacked content, and whether it was compressed. Raises `ReadError` if it is damaged or too large."""
    if not content.startswith(b"\x1f\x8b"):
        return content, False
    parts, size = [], 0
    with (
        as_read_error("This compressed file (.gz) is damaged or incomplete: compress or download it again."),
        gzip.GzipFile(fileobj=io.BytesIO(content)) as file,
    ):
        while part := file.read(2**20):
            parts.append(part)
            size += len(part)
            check_bytes(size)
    content = b"".join(parts)
    if content.startswith(b"\x1f\x8b"):
        raise ReadError("This file is compressed twice: unpack it once and upload the result.")
    return content, True


def kind_of(content: bytes, name: str) -> str:
    """Detects the kind of an unpacked file. Raises `ReadError` if it is empty or of an unsupported kind."""
    if not re.search(rb"[^\s\0]", content) or content in (codecs.BOM_UTF8, *UTF16_MARKS):
        raise ReadError(EMPTY)
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(content)
    if content.startswith((b"PAR1", b"\x93NUMPY")):
        return "parquet" if content.startswith(b"PAR1") else "npy"
    start = content[:512].removeprefix(codecs.BOM_UTF8).lstrip()
    if start.startswith(b"<"):
        start = start.lower()
    for what, prefixes in UNSUPPORTED.items():
        if start.startswith(prefixes):
            raise ReadError(f"This file is {what}, which is not supported: {SAVE_AS}.")
    end = extension(name)
    if end in ("pkl", "pickle", "joblib") or _is_pickle(content):
        raise ReadError(f"This file is a Python pickle, which is never loaded because it could run code: {SAVE_AS}.")
    # an incomplete character at the end is ignored
    text = decode_text(content[:SAMPLE_BYTES], encoding_of(content), "ignore").lstrip("\ufeff \t\r\n")
    if KINDS.get(end) == "json" or (end not in ("csv", "tsv") and re.match(r'\[\s*[\[{]|\[\s*\]\s*$|\{\s*["}]', text)):
        return "json"
    return "text"


def _is_pickle(content: bytes) -> bool:
    """Whether this is a pickle. The oldest protocol has no signature, so its opcodes are parsed, never executed."""
    if re.match(rb"\x80[\x02-\x05]", content):
        return True
    try:
        # 100 opcodes are enough, and a long text must not be parsed to its end
        opcodes = list(itertools.islice(pickletools.genops(content[: 16 * SAMPLE_BYTES]), 100))
        return content.endswith(b".") and len(opcodes) > 2 and (len(opcodes) == 100 or opcodes[-1][0].name == "STOP")
    except Exception:  # text can raise anything
        return False


def _zip_kind(content: bytes) -> str:
    with (
        as_read_error("This Excel or zip file is damaged or incomplete: save or download it again."),
        zipfile.ZipFile(io.BytesIO(content)) as archive,
    ):
        files = archive.infolist()
    names = {file.filename for file in files}
    if "xl/workbook.xml" in names:
        check_bytes(sum(file.file_size for file in files))
        return "xlsx"
    arrays = names and all(name.endswith(".npy") for name in names)
    other = "an archive of NumPy arrays (.npz)" if arrays else "a zip archive"
    what = next((what for name, what in UNSUPPORTED_ZIP.items() if name in names), other)
    raise ReadError(f"This file is {what}, which is not supported: {SAVE_AS}.")

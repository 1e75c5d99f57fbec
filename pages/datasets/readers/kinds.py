"""What a file is, by its first bytes; gzip; and the kinds that are refused."""

import codecs
import gzip
import io
import itertools
import pickletools
import re
import zipfile

from pages.datasets.readers.encodings import WIDE_MARKS, decoded, encoding_of
from pages.datasets.readers.limits import EMPTY, SAMPLE, SAVE, Refusal, check_bytes, damage

KINDS = {
    **dict.fromkeys(("csv", "tsv", "txt", "dat", "tab", "data", "asc"), "text"),
    **dict.fromkeys(("xlsx", "xlsm"), "xlsx"),
    **dict.fromkeys(("parquet", "pq"), "parquet"),
    **dict.fromkeys(("json", "jsonl", "ndjson"), "json"),
    "npy": "npy",
}
"""what a file should be by the ending of its name"""
FOREIGN = {
    "a picture": (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*", b"<svg"),
    "a picture, sound or film": (b"RIFF",),
    "a PDF document": (b"%PDF",),
    "an Excel file of the old kind (.xls), or one locked by a password": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",),
    "a bzip2 archive": (b"BZh",),
    "an xz, zstd, 7z or RAR archive": (b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf", b"Rar!"),
    "a database": (b"SQLite format 3",),
    "an HDF5 file": (b"\x89HDF",),
    "an Arrow or Feather file": (b"ARROW1",),
    "a web page": (b"<!doctype", b"<html", b"<table"),
    "an XML document": (b"<?xml",),
}
"""how files begin that cannot be read, in lower case if with a bracket"""
ZIPPED = {
    "xl/workbook.bin": "a binary Excel workbook (.xlsb)",
    "content.xml": "an OpenDocument file (.ods)",
    "word/document.xml": "a Word document",
}
"""what cannot be read, by a file inside"""


def ending(name: str) -> str:
    """The ending of a file's name without the point, "" if it has none."""
    return name.lower().removesuffix(".gz").rpartition(".")[2] if "." in name else ""


def unpacked(content: bytes) -> tuple[bytes, bool]:
    """The content of a file, and whether it was compressed; raises `Refusal` if it is damaged or too large."""
    if not content.startswith(b"\x1f\x8b"):
        return content, False
    parts, size = [], 0
    with (
        damage("This compressed file (.gz) is damaged or cut short: compress or download it again."),
        gzip.GzipFile(fileobj=io.BytesIO(content)) as file,
    ):
        while part := file.read(2**20):
            parts.append(part)
            size += len(part)
            check_bytes(size)
    content = b"".join(parts)
    if content.startswith(b"\x1f\x8b"):
        raise Refusal("This file is compressed twice: unpack it once and choose the result.")
    return content, True


def kind_of(content: bytes, name: str) -> str:
    """The kind of an unpacked file, by its first bytes; raises `Refusal` if it is empty or of a kind that is not read."""
    if not re.search(rb"[^\s\0]", content) or content in (codecs.BOM_UTF8, *WIDE_MARKS):
        raise Refusal(EMPTY)
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(content)
    if content.startswith((b"PAR1", b"\x93NUMPY")):
        return "parquet" if content.startswith(b"PAR1") else "npy"
    start = content[:512].removeprefix(codecs.BOM_UTF8).lstrip()
    if start.startswith(b"<"):
        start = start.lower()
    for what, beginnings in FOREIGN.items():
        if start.startswith(beginnings):
            raise Refusal(f"This file is {what}, which cannot be read: {SAVE}.")
    end = ending(name)
    if end in ("pkl", "pickle", "joblib") or _is_pickle(content):
        raise Refusal(f"This file is a Python pickle, which is never opened because it could run a program: {SAVE}.")
    # Half a character at the end does not matter here.
    text = decoded(content[:SAMPLE], encoding_of(content), "ignore").lstrip("\ufeff \t\r\n")
    if KINDS.get(end) == "json" or (end not in ("csv", "tsv") and re.match(r'\[\s*[\[{]|\[\s*\]\s*$|\{\s*["}]', text)):
        return "json"
    return "text"


def _is_pickle(content: bytes) -> bool:
    """By its mark, or, of the oldest protocol, which has none, by its instructions: they are listed, never followed."""
    if re.match(rb"\x80[\x02-\x05]", content):
        return True
    try:
        # of a long one a hundred are enough, and a long text must not be gone through
        listed = list(itertools.islice(pickletools.genops(content[: 16 * SAMPLE]), 100))
        return content.endswith(b".") and len(listed) > 2 and (len(listed) == 100 or listed[-1][0].name == "STOP")
    except Exception:  # whatever the text of a table makes of them
        return False


def _zip_kind(content: bytes) -> str:
    with (
        damage("This Excel or zip file is damaged or cut short: save or download it again."),
        zipfile.ZipFile(io.BytesIO(content)) as archive,
    ):
        files = archive.infolist()
    names = {file.filename for file in files}
    if "xl/workbook.xml" in names:
        check_bytes(sum(file.file_size for file in files))
        return "xlsx"
    arrays = names and all(name.endswith(".npy") for name in names)
    other = "an archive of NumPy arrays (.npz)" if arrays else "a zip archive"
    what = next((what for name, what in ZIPPED.items() if name in names), other)
    raise Refusal(f"This file is {what}, which cannot be read: {SAVE}.")

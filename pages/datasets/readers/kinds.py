"""Detects the kind of a file by its first bytes, unpacks gzip and zip, and rejects unsupported kinds."""

import codecs
import contextlib
import gzip
import io
import itertools
import pickletools
import re
import zipfile
from collections.abc import Iterator

from pages.datasets.readers.encodings import UTF16_MARKS, decode_text, is_utf16
from pages.datasets.readers.formats import count_of
from pages.datasets.readers.limits import EMPTY, SAMPLE_BYTES, SAVE_AS, ReadError, as_read_error, check_bytes

KINDS = {
    **dict.fromkeys(("csv", "tsv", "txt", "dat", "tab", "data", "asc", "arff", "phy", "phylip", "dist"), "text"),
    **dict.fromkeys(("xlsx", "xls", "xlsm", "xlsb", "ods"), "workbook"),
    **dict.fromkeys(("parquet", "pq"), "parquet"),
    **dict.fromkeys(("feather", "arrow", "arrows"), "arrow"),
    **dict.fromkeys(("json", "jsonl", "ndjson"), "json"),
    "npy": "npy",
}
"""kind of a file by its extension"""
GZIP = b"\x1f\x8b"
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
SIGNATURES = {
    **dict.fromkeys(ZIP, "workbook"),
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "workbook",  # .xls, or .xlsx with a password
    b"PAR1": "parquet",
    b"ARROW1": "arrow",
    b"\xff\xff\xff\xff": "arrow",  # a stream
    b"\x93NUMPY": "npy",
}
"""kind of an unpacked file by its first bytes"""
BINARY = (GZIP, *SIGNATURES)
"""first bytes of files that are compressed, or whose size says little about the size of the table"""
UNSUPPORTED = {
    "an image": (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"II*\0", b"MM\0*", b"<svg"),
    "an image, audio or video file": (b"RIFF",),
    "a PDF document": (b"%PDF",),
    "a bzip2 archive": (b"BZh",),
    "an xz, zstd, 7z or RAR archive": (b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf", b"Rar!"),
    "a database": (b"SQLite format 3",),
    "an HDF5 file": (b"\x89HDF",),
    "a Feather file of version 1": (b"FEA1",),
    "an Avro file": (b"Obj\x01",),
    "an R data file": (b"RDX2\n", b"RDX3\n", b"X\n\0\0\0", b"RDA2\n", b"RDA3\n"),
    "an SPSS, Stata or SAS file": (b"$FL2", b"$FL3", b"<stata_dta>", bytes(12) + b"\xc2\xea\x81\x60"),
    "a MATLAB file": (b"MATLAB 5.0 MAT-file",),
    "a web page": (b"<!doctype", b"<html", b"<table"),
    "an XML document": (b"<?xml",),
    "a text document": (b"{\\rtf", b"%!PS"),
}
"""first bytes of unsupported files; markup is in lower case"""
WORKBOOK_FILES = {"xl/workbook.xml", "xl/workbook.bin", "content.xml"}
"""files in .xlsx, .xlsb and .ods files, which are zip archives"""
HIDDEN = re.compile(r"(^|/)(\.|__MACOSX/)")
"""files that macOS adds to zip archives"""
ENCRYPTED = 1
"""flag of an encrypted file in a zip archive"""


def extension(name: str) -> str:
    """The extension of a file name without the dot, before ".gz"; "" if there is none."""
    return name.lower().removesuffix(".gz").rpartition(".")[2] if "." in name else ""


def unpack(content: bytes, name: str) -> tuple[bytes, str, bool]:
    """The unpacked content, its file name, and whether the file was compressed.

    Raises `ReadError` if it is damaged or too large, or if a zip archive does not contain exactly one file.
    """
    if content.startswith(GZIP):
        with (
            as_read_error("This compressed file (.gz) is damaged or incomplete: compress or download it again."),
            gzip.GzipFile(fileobj=io.BytesIO(content)) as file,
        ):
            content = _read_all(file)
    elif content.startswith(ZIP) and not _is_workbook(content):
        content, name = _only_file(content)
    else:
        return content, name, False
    if content.startswith(GZIP) or (content.startswith(ZIP) and not _is_workbook(content)):
        raise ReadError("This file is compressed twice: unpack it once and upload the result.")
    return content, name, True


def _read_all(file: io.BufferedIOBase) -> bytes:
    parts, size = [], 0
    while part := file.read(2**20):
        parts.append(part)
        size += len(part)
        check_bytes(size)
    return b"".join(parts)


@contextlib.contextmanager
def _archive(content: bytes) -> Iterator[zipfile.ZipFile]:
    with (
        as_read_error("This Excel or zip file is damaged or incomplete: save or download it again."),
        zipfile.ZipFile(io.BytesIO(content)) as archive,
    ):
        yield archive


def _is_workbook(content: bytes) -> bool:
    """Whether a zip archive is a workbook. Raises `ReadError` if it is a workbook that is too large after unpacking."""
    with _archive(content) as archive:
        if WORKBOOK_FILES.isdisjoint(archive.namelist()):
            return False
        check_bytes(sum(file.file_size for file in archive.infolist()))
        return True


def _only_file(content: bytes) -> tuple[bytes, str]:
    """The content and name of the file in a zip archive."""
    with _archive(content) as archive:
        files = [file for file in archive.infolist() if not (file.is_dir() or HIDDEN.search(file.filename))]
        if any(file.filename == "word/document.xml" for file in files):
            raise ReadError(f"This file is a Word document, which is not supported: {SAVE_AS}.")
        if len(files) != 1:
            raise ReadError(
                f"This zip archive contains {count_of(len(files), 'file', 'files')} instead of one table: unpack it and "
                "upload the file with the table."
            )
        if files[0].flag_bits & ENCRYPTED:
            raise ReadError("This zip archive is protected by a password: unpack it and upload the file with the table.")
        with archive.open(files[0]) as file:
            return _read_all(file), files[0].filename


def kind_of(content: bytes, name: str) -> str:
    """Detects the kind of an unpacked file. Raises `ReadError` if it is empty or of an unsupported kind."""
    if not re.search(rb"[^\s\0]", content) or content in (codecs.BOM_UTF8, *UTF16_MARKS):
        raise ReadError(EMPTY)
    kind = next((kind for signature, kind in SIGNATURES.items() if content.startswith(signature)), "")
    if kind:
        return kind
    start = content[:512].removeprefix(codecs.BOM_UTF8).lstrip()
    if start.startswith(b"<"):
        start = start.lower()
        if content[-64:].rstrip().endswith(b">") and re.match(rb"<[a-z][a-z0-9:]*[\s>]", start):
            start = start if start.startswith((b"<html", b"<table", b"<svg")) else b"<?xml"
    for what, prefixes in UNSUPPORTED.items():
        if start.startswith(prefixes):
            raise ReadError(f"This file is {what}, which is not supported: {SAVE_AS}.")
    end = extension(name)
    if end in ("pkl", "pickle", "joblib") or _is_pickle(content):
        raise ReadError(f"This file is a Python pickle, which is never loaded because it could run code: {SAVE_AS}.")
    # an incomplete character at the end is ignored
    text = decode_text(content[:SAMPLE_BYTES], "utf-16" if is_utf16(content) else "utf-8", "ignore").lstrip("\ufeff \t\r\n")
    if KINDS.get(end) == "json" or re.match(r'\[\s*(?:\[["\d\s.\[-]|\{)|\[\s*\]\s*$|\{\s*(?:"(?:[^"\\]|\\.)*"\s*:|\})', text):
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

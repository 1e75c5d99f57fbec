"""Detects the encoding of a text and decodes it."""

import codecs
import contextlib
import re

from pages.datasets.readers.limits import EMPTY, SAMPLE_BYTES, SAVE_AS, ReadError

UTF16_MARKS = codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE


def encoding_of(content: bytes) -> str:
    """Detects the encoding: "utf-16", "utf-8", or "latin-1" if it is neither."""
    if content.startswith(UTF16_MARKS) or _byte_order(content):
        return "utf-16"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        # in chunks, because a Python string can take four times the memory
        for start in range(0, len(content), 2**22):
            decoder.decode(content[start : start + 2**22])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _byte_order(content: bytes) -> str:
    """Variant of UTF-16 without a byte order mark, detected because every other byte of Western text is zero; else ""."""
    start = content[:4096]
    if len(content) % 2 or b"\0" not in start:
        return ""
    first, second = (start[i::2].count(0) / len(start[i::2]) for i in range(2))
    if max(first, second) <= 0.5 or min(first, second) >= 0.05:
        return ""
    return "utf-16-le" if first < second else "utf-16-be"


def decode_text(content: bytes, encoding: str, errors: str = "strict") -> str:
    """Decodes a text and removes its byte order mark. Raises `UnicodeDecodeError` if `errors` is "strict"."""
    if encoding == "utf-16":
        if not content.startswith(UTF16_MARKS):
            encoding = _byte_order(content) or "utf-16-le"
        return content.decode(encoding, errors).removeprefix("\ufeff")
    if encoding == "latin-1":
        # Windows-1252 has printable characters, such as the euro sign, where Latin-1 has control characters
        with contextlib.suppress(UnicodeDecodeError):
            return content.decode("cp1252")
        return content.decode("latin-1")
    return content.decode("utf-8-sig", errors)


def to_utf8(content: bytes, encoding: str) -> bytes:
    """Converts a text to UTF-8 without a byte order mark. Raises `ReadError` for another encoding, binary data or no text."""
    try:
        if encoding != "utf-8":
            content = decode_text(content, encoding).encode("utf-8")
        elif encoding_of(content) != "utf-8":
            raise ValueError("not UTF-8")
    except ValueError:  # includes UnicodeDecodeError
        raise ReadError(f"This text is not encoded in {encoding}: choose another encoding.") from None
    content = content.removeprefix(codecs.BOM_UTF8)
    start = content[:SAMPLE_BYTES]
    controls = len(start) - len(start.translate(None, bytes({*range(32), 127} - {*b"\t\n\r\f\v"})))
    if b"\0" in content or controls > 0.01 * len(start):
        raise ReadError(f"This file is neither text nor a supported table: {SAVE_AS}.")
    if not re.search(rb"\S", content):
        raise ReadError(EMPTY)
    return content

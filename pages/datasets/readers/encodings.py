"""From the bytes of a text to its characters."""

import codecs
import contextlib
import re

from pages.datasets.readers.limits import EMPTY, SAMPLE, SAVE, Refusal

WIDE_MARKS = codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE


def encoding_of(content: bytes) -> str:
    """The encoding of a text: "utf-16", else "utf-8" if it can be that, else "latin-1"."""
    if content.startswith(WIDE_MARKS) or _byte_order(content):
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


def _byte_order(content: bytes) -> str:
    """Encoding of UTF-16 without a mark, "" if it is none: every other byte of Western text is zero."""
    start = content[:4096]
    if len(content) % 2 or b"\0" not in start:
        return ""
    first, second = (start[i::2].count(0) / len(start[i::2]) for i in range(2))
    if max(first, second) <= 0.5 or min(first, second) >= 0.05:
        return ""
    return "utf-16-le" if first < second else "utf-16-be"


def decoded(content: bytes, encoding: str, errors: str = "strict") -> str:
    """The text without a byte order mark; raises `UnicodeDecodeError` if the errors are to be strict."""
    if encoding == "utf-16":
        if not content.startswith(WIDE_MARKS):
            encoding = _byte_order(content) or "utf-16-le"
        return content.decode(encoding, errors).removeprefix("\ufeff")
    if encoding == "latin-1":
        # What Windows calls Latin-1 has signs such as the euro where Latin-1 has control characters.
        with contextlib.suppress(UnicodeDecodeError):
            return content.decode("cp1252")
        return content.decode("latin-1")
    return content.decode("utf-8-sig", errors)


def utf8(content: bytes, encoding: str) -> bytes:
    """The text in UTF-8 without a byte order mark; raises `Refusal` if it is not written so, no text, or empty."""
    try:
        if encoding != "utf-8":
            content = decoded(content, encoding).encode("utf-8")
        elif encoding_of(content) != "utf-8":
            raise ValueError("not UTF-8")
    except ValueError:  # also of a decoder
        raise Refusal(f"This text is not written in {encoding}: choose another encoding.") from None
    content = content.removeprefix(codecs.BOM_UTF8)
    start = content[:SAMPLE]
    controls = len(start) - len(start.translate(None, bytes({*range(32), 127} - {*b"\t\n\r\f\v"})))
    if b"\0" in content or controls > 0.01 * len(start):
        raise Refusal(f"This file is not a table but something that is not text: {SAVE}.")
    if not re.search(rb"\S", content):
        raise Refusal(EMPTY)
    return content

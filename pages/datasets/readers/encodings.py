"""Detects the encoding of a text and decodes it."""

import codecs
import contextlib
import itertools
import re
from collections.abc import Iterator

import charset_normalizer

from pages.datasets.readers.formats import ENCODINGS, Doubt
from pages.datasets.readers.limits import EMPTY, SAMPLE_BYTES, SAVE_AS, ReadError

LETTERS = {
    "latin-1": (WESTERN := "àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿœß¿¡ºª"),
    "cp1250": (CENTRAL := "áäąâăćčçďđéęěëíîĺľłńňóôőöŕřśšşťţúůűüýźžżß"),
    "cp1254": "âçğîıöşûüi̇",
    "cp1257": "āąäåčēęėģīįķļņóõöśšūųüźžżß",
    "iso8859_2": CENTRAL,
    "mac_roman": WESTERN,
    "cp850": WESTERN,
}
"""lower-case letters, other than ASCII, of the languages that are written in an encoding of the Latin alphabet"""
SIGNS = "\u00a0\u202f€£°²³µ±§×·•…–—‘’‚“”„«»‹›©®™"
"""other characters that are common in texts"""
OTHER_ALPHABETS = ("gb18030", "cp932", "cp949", "big5", "euc_jp", "cp1251", "koi8_r", "cp866", "cp1253", "cp1255", "cp1256")
UTF16_MARKS = codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE
MAX_SPECIAL_LINES = 200
"""lines with characters other than ASCII that are inspected"""
CLOSE = 0.06
"""difference in charset-normalizer's measure of disorder (0 to 1) up to which another encoding is also likely"""
MAX_STRAY = 1.0
"""largest number of invalid bytes of a UTF-8 text per valid character that is not ASCII; there is hardly ever such a character
in texts with other encodings"""


def _as_windows_1252(error: UnicodeDecodeError) -> tuple[str, int]:
    """Decodes invalid bytes in UTF-8; the error handler "stray"."""
    return decode_text(error.object[error.start : error.end], "latin-1"), error.end


codecs.register_error("stray", _as_windows_1252)


def encoding_of(content: bytes) -> str:
    """Detects the encoding, a key of `ENCODINGS`."""
    return _likely_encodings(content)[0]


def stray_note(content: bytes, encoding: str) -> tuple[str, ...]:
    """A note about bytes that are invalid in a UTF-8 text, if there are any."""
    if encoding != "utf-8" or is_utf8(content):
        return ()
    line = next(line for line in _special_lines(content) if not is_utf8(line)).decode("utf-8", "stray").strip()
    return (f"Some bytes are not UTF-8 and were read as Windows-1252 (first: “{line[:40]}”).",)


def encoding_doubts(content: bytes, encoding: str) -> tuple[Doubt, ...]:
    """Doubts about an encoding, if others are likely."""
    if encoding in ("utf-8", "utf-16") or is_utf8(content):
        return ()
    others = [other for other in _likely_encodings(content) if other != encoding]
    sentence = f"The text was read as {ENCODINGS[encoding]}, but its letters also fit another encoding."
    return tuple(Doubt(sentence, ENCODINGS[other], (("encoding", other),)) for other in others[:1])


def _likely_encodings(content: bytes) -> list[str]:
    """The likely encodings, the most likely first, without those in which the text is the same."""
    if is_utf16(content):
        return ["utf-16"]
    if is_utf8(content):
        return ["utf-8"]
    sample = b"\n".join(itertools.islice(_special_lines(content), MAX_SPECIAL_LINES))
    text = sample.decode("utf-8", "surrogateescape")
    stray, special = len(re.findall("[\udc80-\udcff]", text)), len(re.findall("[^\0-\x7f]", text))
    if stray <= MAX_STRAY * (special - stray):
        return ["utf-8"]
    # in the Latin alphabet, letters other than ASCII hardly ever follow each other
    isolated = len(re.findall(rb"(?<![\x80-\xff])[\x80-\xff](?![\x80-\xff])", sample))
    return (_latin_encodings if 2 * isolated > stray else _other_encodings)(sample) or ["latin-1"]


def _latin_encodings(sample: bytes) -> list[str]:
    """Encodings of the Latin alphabet in which most special characters are letters, with equal texts only once."""
    shares = {}
    for encoding, letters in LETTERS.items():
        text = decode_text(sample, encoding, "replace")
        special = [pair for pair in itertools.pairwise("\n" + text) if not pair[1].isascii()]
        share = sum(_plausibility(*pair, letters) for pair in special) / len(special)
        shares.setdefault(text, (share, encoding))
    best = max(share for share, _ in shares.values())
    likely = [(share, encoding) for share, encoding in shares.values() if share >= best - CLOSE]
    # Texts in Turkish also look like Icelandic ones, but have none of the letters áéíóú
    likely.sort(key=lambda item: (-item[0], item[1] != "cp1254"))
    return [encoding for _, encoding in likely]


def _plausibility(previous: str, character: str, letters: str) -> float:
    """How plausible a character is after another one, from 0 to 1."""
    if character in SIGNS:
        is_unit = character in "€£°µ±§" and not previous.isalpha()
        return 1.0 if is_unit or (character in "²³" and previous == "m") else 0.5
    inside = previous.isdigit() or (previous.islower() and character.isupper())
    return float(character.lower() in letters and not inside)


def _other_encodings(sample: bytes) -> list[str]:
    """Encodings of other alphabets that fit the sample, with equal texts only once."""
    names = {codecs.lookup(name).name.replace("-", "_"): name for name in OTHER_ALPHABETS}
    matches = list(charset_normalizer.from_bytes(sample, cp_isolation=list(OTHER_ALPHABETS), threshold=0.3))
    return [names[match.encoding] for match in matches if match.chaos <= matches[0].chaos + CLOSE]


def _special_lines(content: bytes) -> Iterator[bytes]:
    """The lines with bytes other than ASCII."""
    return (match[0] for match in re.finditer(rb"[^\r\n\x80-\xff]{0,200}[\x80-\xff][^\r\n]{0,200}", content))


def is_utf16(content: bytes) -> bool:
    """Whether this is UTF-16, with or without a byte order mark."""
    return content.startswith(UTF16_MARKS) or bool(_byte_order(content))


def is_utf8(content: bytes) -> bool:
    """Whether this is valid UTF-8."""
    if content.isascii():
        return True
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        # in chunks, because a Python string can take four times the memory
        for start in range(0, len(content), 2**22):
            decoder.decode(content[start : start + 2**22])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


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
    return content.decode("utf-8-sig" if encoding == "utf-8" else encoding, errors)


def to_utf8(content: bytes, encoding: str) -> bytes:
    """Converts a text to UTF-8 without a byte order mark. A few invalid bytes in UTF-8 are decoded as Windows-1252.

    Raises `ReadError` for another encoding, binary data or no text.
    """
    try:
        if encoding != "utf-8":
            content = decode_text(content, encoding).encode("utf-8")
        elif not is_utf8(content):
            if encoding_of(content) != "utf-8":
                raise ValueError("not UTF-8")
            content = content.decode("utf-8", "stray").encode("utf-8")
    except ValueError:  # includes UnicodeDecodeError
        raise ReadError(f"This text is not encoded in {ENCODINGS[encoding]}: choose another encoding.") from None
    content = content.removeprefix(codecs.BOM_UTF8).removesuffix(b"\x1a")  # Ctrl-Z ends files from DOS
    start = content[:SAMPLE_BYTES]
    controls = len(start) - len(start.translate(None, bytes({*range(32), 127} - {*b"\t\n\r\f\v"})))
    if b"\0" in content or controls > 0.01 * len(start):
        raise ReadError(f"This file is neither text nor a supported table: {SAVE_AS}.")
    if not re.search(rb"\S", content):
        raise ReadError(EMPTY)
    return content

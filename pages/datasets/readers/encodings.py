"""Detects the encoding of a text and decodes it."""

import codecs
import contextlib
import itertools
import re
from collections.abc import Iterator

import charset_normalizer

from pages.datasets.readers.formats import ENCODINGS, Doubt
from pages.datasets.readers.limits import EMPTY, SAMPLE_BYTES, SAVE_AS, ReadError

LATIN = {
    "latin-1": (WESTERN := "àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿœß¿¡ºª"),
    "cp1250": (CENTRAL := "áäąâăćčçďđéęěëíîĺľłńňóôőöŕřśšşťţúůűüýźžżß"),
    "cp1254": "âçğîıöşûüi̇",
    "cp1257": "āąäåčēęėģīįķļņõóöśšūųüźžżß",
    "iso8859_2": CENTRAL,
    "mac_roman": WESTERN,
    "cp850": WESTERN,
}
"""lower-case letters, other than ASCII, of the languages that are written in an encoding of the Latin alphabet"""
OTHER_ALPHABETS = {
    "cp1251": (CYRILLIC := "абвгдежзийклмнопрстуфхцчшщъыьэюяёђѓєѕіїјљњћќўџґ"),
    "koi8_r": CYRILLIC,
    "cp866": CYRILLIC,
    "cp1253": "αβγδεζηθικλμνξοπρστυφχψωςάέήίόύώϊϋΐΰ",
    "cp1255": "אבגדהוזחטיךכלםמןנסעףפץצקרשת",
    "cp1256": "ءآأؤإئابةتثجحخدذرزسشصضطظعغـفقكلمنهوىيپچژگ",
}
"""lower-case letters of other alphabets"""
COMMON = {
    "gb18030": ("gb2312", range(0xB0, 0xD8)),
    "cp932": ("euc_jp", range(0xA4, 0xD0)),
    "cp949": ("euc_kr", range(0xB0, 0xC9)),
    "big5": ("big5", range(0xA4, 0xC7)),
    "euc_jp": ("euc_jp", range(0xA4, 0xD0)),
}
"""for encodings of other writing systems: an encoding with the common characters, and the first of their two bytes in it"""
SIGNS = "\u00a0\u202f€£°²³µ±§×·•…–—‘’‚“”„«»‹›©®™、。・「」（）：～"
"""other characters that are common in text"""
WORD_OR_CHARACTER = re.compile(rf"[{SIGNS}]|[^\W\d_{SIGNS}]+|[^\0-\x7f]")
UTF16_MARKS = codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE
MAX_SPECIAL_LINES = 200
"""maximum number of lines with characters other than ASCII that are inspected"""
SCORED_BYTES = 2**12
"""number of bytes of these lines whose plausibility is computed in each encoding"""
MAX_OFFERED = 3
"""maximum number of other encodings that are offered"""
CLOSE = 0.06
"""difference in plausibility, from 0 to 1, up to which another encoding is also likely"""
MAX_STRAY = 1.0
"""maximum number of invalid bytes in UTF-8 text per valid character that is not ASCII; text in another encoding hardly ever
contains such a character"""


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
    return tuple(Doubt(sentence, ENCODINGS[other], (("encoding", other),)) for other in others[:MAX_OFFERED])


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
    return _ordered(_plausible_encodings(sample[:SCORED_BYTES]), sample) or ["latin-1"]


def _plausible_encodings(sample: bytes) -> dict[str, float]:
    """The encodings in which most special characters are plausible, with their plausibility; equal results only once."""
    scores = {}
    for encoding in [*LATIN, *OTHER_ALPHABETS, *COMMON]:
        text = decode_text(sample, encoding, "replace")
        scores.setdefault(text, (encoding, _plausibility(text, encoding)))
    best = max(score for _, score in scores.values())
    return {encoding: score for encoding, score in scores.values() if score >= best - CLOSE}


def _ordered(scores: dict[str, float], sample: bytes) -> list[str]:
    """The encodings, the most likely first: those of the Latin alphabet by plausibility, others by charset-normalizer.

    If those of the Latin alphabet are not more plausible than others, the others come first.
    """
    # Texts in Turkish also look like Icelandic ones, but have none of the letters áéíóú
    latin = sorted(scores.keys() & LATIN.keys(), key=lambda name: (-scores[name], name != "cp1254", [*LATIN].index(name)))
    others = [name for name in scores if name not in LATIN]
    if len(others) > 1:
        matches = charset_normalizer.from_bytes(sample, cp_isolation=others, threshold=1.0)
        places = {match.encoding: place for place, match in enumerate(matches)}
        others.sort(key=lambda name: places.get(codecs.lookup(name).name.replace("-", "_"), len(places)))
    latin_first = max(map(scores.get, latin), default=0.0) > max(map(scores.get, others), default=0.0)
    return latin + others if latin_first else others + latin


def _plausibility(text: str, encoding: str) -> float:
    """Share of the characters other than ASCII that are plausible in the languages written in an encoding.

    Only words in the Latin alphabet also contain ASCII letters, and hardly any of them has several letters but none of those.
    """
    total = right = 0.0
    for match in WORD_OR_CHARACTER.finditer(text):
        word, before = match[0], text[: match.start()][-1:]
        special = [i for i, character in enumerate(word) if not character.isascii()]
        total += len(special)
        if word in SIGNS:
            is_unit = word in "€£°µ±§" or (word in "²³" and before == "m")
            right += 1.0 if is_unit else 0.5
        elif before.isdigit() or any(a.islower() and b.isupper() for a, b in itertools.pairwise(word)):
            continue
        elif encoding in LATIN and len(special) < max(len(word), 2):
            right += sum(word[i].lower() in LATIN[encoding] for i in special)
        elif encoding not in LATIN and len(special) == len(word):
            right += sum(_is_common(letter, encoding) for letter in word) * (0.5 if len(word) == 1 else 1.0)
    return right / total


def _is_common(letter: str, encoding: str) -> bool:
    """Whether a letter is common in the languages that are written in an encoding."""
    if encoding in OTHER_ALPHABETS:
        return letter.lower() in OTHER_ALPHABETS[encoding]
    codec, first = COMMON[encoding]
    encoded = letter.encode(codec, "ignore")
    return len(encoded) == 2 and encoded[0] in first


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
    content = content.removeprefix(codecs.BOM_UTF8)
    if b"\x1a" in content[-8:]:  # Ctrl-Z ends files from DOS
        content = content.rstrip(b"\x1a\r\n")
    start = content[:SAMPLE_BYTES]
    controls = len(start) - len(start.translate(None, bytes({*range(32), 127} - {*b"\t\n\r\f\v"})))
    if b"\0" in content or controls > 0.01 * len(start):
        raise ReadError(f"This file is neither text nor a supported table: {SAVE_AS}.")
    if not re.search(rb"\S", content):
        raise ReadError(EMPTY)
    return content

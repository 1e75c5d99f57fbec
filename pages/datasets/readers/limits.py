"""How much is read at most, how much is looked at to judge a file, and how one is refused."""

import contextlib
from collections.abc import Iterator

from pages.datasets.limits import MOST_CELLS
from pages.datasets.limits import MOST_UNPACKED as MOST_BYTES

MOST_JSON_BYTES, MOST_JSON_OBJECTS = 50 * 2**20, 2_000_000
"""of JSON, which takes many times its size in memory while it is read"""
MOST_NOTES = 12
"""columns that are named in notes, for each kind of note"""
LONGEST_ROW = 2**24
"""bytes that one row of text may take"""
SAMPLE = 2**16
"""bytes that a text is judged by; more if its rows are long"""
SAMPLE_ROWS = 200

EMPTY = "There is nothing in it: it needs a header and one row per point."
SAVE = "save the table as CSV or Excel (.xlsx) and choose that file"


class Refusal(ValueError):
    """The one sentence to show, which passes through where other faults are taken for damage."""


@contextlib.contextmanager
def damage(sentence: str) -> Iterator[None]:
    """Within it, any fault but a refusal raises `Refusal` with the sentence.

    Any fault, because a file can be broken in more ways than its library has exceptions of its own for.
    """
    try:
        yield
    except Refusal:
        raise
    except Exception:
        raise Refusal(sentence) from None


def check_bytes(size: int) -> None:
    """Raise `Refusal` if a file has grown too large."""
    if size > MOST_BYTES:
        limit = f"{MOST_BYTES / 2**20:,.0f} MB"
        raise Refusal(f"Unpacked, this file is larger than the limit of {limit}: choose a part of the table.")


def check_cells(rows: int, columns: int) -> None:
    """Raise `Refusal` if a table has too many cells."""
    if rows * columns > MOST_CELLS:
        raise Refusal(f"This table has more than the limit of {MOST_CELLS:,} cells: choose fewer rows or columns.")


def check_json(content: bytes) -> None:
    """Raise `Refusal` if JSON would take too much memory."""
    if len(content) > MOST_JSON_BYTES or content.count(b"{") > MOST_JSON_OBJECTS:
        raise Refusal(
            f"JSON is read up to {MOST_JSON_BYTES / 2**20:,.0f} MB and {MOST_JSON_OBJECTS:,} rows, and this file is larger: "
            "save the table as CSV or Parquet and choose that file."
        )

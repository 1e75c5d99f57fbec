"""Opens a file: detects its format, reads its table and describes its columns, in another process if that may take long."""

from collections.abc import Callable
from dataclasses import dataclass, field

from pages.datasets import readers
from pages.datasets.columns import Column, describe
from pages.datasets.matrix_text import TextMatrix, read_matrix_text
from pages.datasets.readers import Format, ReadError, Reading, process
from pages.datasets.readers.lines import skip_lines

MAX_SMALL_BYTES = 2**19
"""size up to which a text is read in this process, which takes a fraction of a second"""
MAX_SMALL_ROW_BYTES = 2**13
"""maximum size of the first row of such a text; tables with thousands of columns take longer"""


@dataclass(frozen=True, eq=False)
class Opened:
    """What is known about a file."""

    format: Format | None = None
    """its format, detected or chosen; None if the file is not supported"""
    reading: Reading | None = None
    """its table; None if it cannot be read in this format"""
    columns: list[Column] = field(default_factory=list)
    """descriptions of the columns"""
    matrix: TextMatrix | None = None
    """the distance matrix in a text that is not a table"""
    error: str = ""
    """a sentence that says why there is no table; empty if there is one"""

    @property
    def n_values(self) -> int:
        """Number of values in the table."""
        return self.reading.table.size if self.reading else 0


def is_small(content: bytes) -> bool:
    """Whether a file is a short text, which is read in a fraction of a second."""
    if content.startswith(readers.BINARY) or len(content) > MAX_SMALL_BYTES:
        return False
    return min(len(content), content.find(b"\n") % (MAX_SMALL_BYTES + 1)) <= MAX_SMALL_ROW_BYTES


def open_file(
    content: bytes, name: str, format: Format | None = None, on_wait: Callable[[float], None] = lambda seconds: None
) -> Opened:
    """Opens a file.

    Parameters
    ----------
    content : bytes of the file
    name : name of the file
    format : how to read it; detected if None
    on_wait : called about ten times per second with the seconds since the call; may raise an exception to stop
    """
    if is_small(content):
        return open_here(content, name, format)
    try:
        return process.call(open_here, content, name, format, on_wait=on_wait)
    except ReadError as error:  # it takes too much time or memory
        return Opened(format, error=str(error))


def open_here(content: bytes, name: str, format: Format | None) -> Opened:
    """Opens a file in this process."""
    matrix = None
    try:
        format = format or readers.detect(content, name)
        if format.kind == "text":
            text = readers.text_of(content, format.encoding)
            matrix = read_matrix_text(text)
            if matrix is None and format.skip:
                matrix = read_matrix_text(skip_lines(text.encode(), format.skip).decode())
        reading = readers.read(content, name, format)
    except ReadError as error:
        return Opened(format, matrix=matrix, error=str(error))
    return Opened(reading.format, reading, describe(reading.table, reading.row_names), matrix)

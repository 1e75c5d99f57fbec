"""Reading separated text, also with rows of different lengths."""

import csv
import io
import itertools
from collections import Counter
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.csv

from pages.datasets.readers.dialect import SINGLE, announced, is_blank, tabbed
from pages.datasets.readers.encodings import utf8
from pages.datasets.readers.formats import Format, RawTable, counted
from pages.datasets.readers.limits import EMPTY, LONGEST_ROW, SAVE, Refusal, check_cells


def read_text(content: bytes, format: Format) -> RawTable:
    """The cells of a text; raises `Refusal` if it is no text, too large or too ragged."""
    data, _ = announced(utf8(content, format.encoding))
    separator = format.separator or next((mark for mark in SINGLE if mark.encode() not in data), SINGLE[0])
    if separator == " ":
        data, separator = tabbed(data), "\t"
    notes = ()
    width = _first_width(data, separator)
    # An odd number of quotation marks can mean one that is never closed, which only the careful reading finds.
    table = None if data.count(b'"') % 2 else _parsed(data, separator, width)
    if table is None:
        data, notes = _mended(data, separator, format.header)
        table = _parsed(data, separator, _first_width(data, separator))
        if table is None:
            raise Refusal("The rows of this text have different numbers of cells: choose another separator.")
    columns = table.columns
    names = [None] * len(columns)
    if format.header:
        names = [column[0].as_py() for column in columns]
        columns = [column.slice(1) for column in columns]
    if len(columns) == 1:
        notes = ("Only one column was found: if there are more, choose another separator.", *notes)
    return RawTable(names, columns, notes)


def _lines(data: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(data), "utf-8", newline="")


def _unclosed(where: str) -> Refusal:
    return Refusal(f"A quotation mark in {where} is never closed or a cell is too long: close or remove it.")


def _first_width(data: bytes, separator: str) -> int:
    """Number of cells in the first row that is not blank."""
    start = data[:LONGEST_ROW].lstrip(b"\r\n")
    if len(data) > LONGEST_ROW and b"\n" not in start and b"\r" not in start:
        raise Refusal("The first row of this text is longer than any table's: check that it has line breaks.")
    try:
        with _lines(data) as lines:
            return next((len(row) for row in csv.reader(lines, delimiter=separator) if not is_blank(row)), 1)
    except csv.Error:
        raise _unclosed("the first row") from None


def _parsed(data: bytes, separator: str, width: int) -> pa.Table | None:
    """All cells as text, None if some rows have more or fewer than `width`.

    By Arrow rather than pandas because it keeps each cell's text in little room, so that numbers can be understood afterwards
    by one set of rules, and because it tells of each row that has too few or too many cells.
    """
    names = [f"f{i}" for i in range(width)]
    batches, rows, ragged = [], 0, []

    def refuse(row) -> str:
        ragged.append(row.actual_columns)
        return "error"

    try:
        with pa.csv.open_csv(
            pa.BufferReader(data),
            pa.csv.ReadOptions(use_threads=False, block_size=LONGEST_ROW, column_names=names),
            pa.csv.ParseOptions(delimiter=separator, newlines_in_values=b'"' in data, invalid_row_handler=refuse),
            pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        ) as reader:
            for batch in reader:
                rows += batch.num_rows
                check_cells(rows, width)
                batches.append(batch)
            return pa.Table.from_batches(batches, reader.schema)
    except pa.ArrowInvalid as fault:
        if ragged:
            return None
        if "straddling" in str(fault):
            raise _unclosed("this text") from None
        raise Refusal(f"This text cannot be split into rows and cells: check its quotation marks, or {SAVE}.") from None


def _numbered_rows(data: bytes, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, each with the line it begins in, counted from one."""
    end = "end of the text"
    before, line, row = 0, 1, []
    with _lines(data) as lines:
        reader = csv.reader(itertools.chain(lines, ["\n", end]), delimiter=separator)
        try:
            for following in reader:
                if not is_blank(row):
                    yield line, row
                line, before, row = before + 1, reader.line_num, following
        except csv.Error:
            raise _unclosed(f"line {before + 1}") from None
    # Inside quotation marks the end is not a row of its own.
    if row != [end]:
        raise _unclosed(f"line {line}")


def _filled(row: list[str]) -> int:
    """Number of cells up to the last that is not empty."""
    if row[-1].strip():
        return len(row)
    return next((i for i in range(len(row), 0, -1) if row[i - 1].strip()), 0)


def _mended(data: bytes, separator: str, header: bool) -> tuple[bytes, tuple[str, ...]]:
    """The text with equally many cells in all rows, and notes of what was mended.

    Too few cells are missing values; empty ones too many, as after a separator at the end of the line, are cut off; rows with
    others too many are left out. If every row has one cell more than the header, as R writes it, the first column has no name.

    Raises `Refusal` if more than one row in a hundred has too many cells, or a quotation mark is never closed.
    """
    rows = _numbered_rows(data, separator)
    _, top = next(rows, (0, None))
    if top is None:
        raise Refusal(EMPTY)
    sizes, lengths = Counter(), Counter()
    for row in itertools.chain([] if header else [top], (row for _, row in rows)):
        sizes[_filled(row)] += 1
        lengths[len(row)] += 1
    width = len(top)
    unnamed = header and width > 1 and {*lengths} == {width + 1} and max(sizes) == width + 1
    width = width + unnamed if header else max(lengths, key=lambda length: (lengths[length], length))
    wrong = sum(n for size, n in sizes.items() if size > width)
    short, dropped, out = 0, 0, io.StringIO(newline="")
    writer = csv.writer(out, delimiter=separator, lineterminator="\n")
    for i, (line, row) in enumerate(_numbered_rows(data, separator)):
        if header and i == 0:
            row = [*[""] * unnamed, *row]
        elif len(row) > width and _filled(row) > width:
            if wrong > 0.01 * sizes.total():
                raise Refusal(
                    f"Line {line} has {_filled(row)} cells where {counted(width, 'is', 'are')} expected: every row needs as "
                    "many cells as the first, so mend the line or choose another separator."
                )
            dropped = dropped or line
            continue
        if len(row) != width:
            short += len(row) < width
            row = row[:width] + [""] * (width - len(row))
        writer.writerow(row)
    notes = []
    if short:
        notes.append(f"{counted(short, 'row has', 'rows have')} too few cells; those that lack count as missing.")
    if wrong:
        left = counted(wrong, "row has too many cells and is", "rows have too many cells and are")
        notes.append(f"{left} left out, the first in line {dropped}.")
    return out.getvalue().encode(), tuple(notes)

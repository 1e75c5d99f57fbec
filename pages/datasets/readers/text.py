"""Reads delimited text and repairs rows of different lengths."""

import csv
import io
import itertools
from collections import Counter
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from pages.datasets.limits import MAX_ROW_BYTES
from pages.datasets.readers.dialect import SINGLE_COLUMN_SEPARATORS, declared_separator, is_blank, sample_rows, spaces_to_tabs
from pages.datasets.readers.encodings import to_utf8
from pages.datasets.readers.formats import Doubt, Format, RawTable, count_of
from pages.datasets.readers.layout import doubts_of, joined_names
from pages.datasets.readers.limits import EMPTY, SAMPLE_BYTES, SAVE_AS, ReadError, check_cells
from pages.datasets.readers.lines import (
    COMMENTS,
    arff_names,
    blank_comments,
    csv_options,
    first_lines,
    skip_lines,
    with_single_separator,
)
from pages.datasets.readers.notation import is_plain_number

MAX_BELOW = 20
"""maximum number of lines below a table that are recognized as such, if they have separators"""


def read_text(content: bytes, format: Format) -> RawTable:
    """Reads the cells of a text. Raises `ReadError` if it is not text, too large or too ragged."""
    data, _ = declared_separator(to_utf8(content, format.encoding))
    start = first_lines(data)
    given_names = arff_names(data)[0] if not format.header else []
    data = skip_lines(data, format.skip)
    comments = 0
    if format.comment:
        data, comments = blank_comments(data, format.comment)
    if not data.strip():
        raise ReadError("Nothing is left of this text below the skipped lines and comments: skip fewer lines.")
    data, separator = with_single_separator(data, format.separator)
    separator = separator or next(
        (mark for mark in SINGLE_COLUMN_SEPARATORS if mark.encode() not in data), SINGLE_COLUMN_SEPARATORS[0]
    )
    if separator == " ":
        data, separator = spaces_to_tabs(data), "\t"
    notes, quote = (), format.quote
    sample = sample_rows(data[:SAMPLE_BYTES], separator, quote, len(data) > SAMPLE_BYTES)
    doubts = doubts_of([row for _, row in sample], format)
    if not format.comment:
        doubts += _comment_doubts([row for _, row in sample], start)
    width = _first_width(data, separator, quote)
    # an odd number of quotation marks may mean an unclosed one, which only the slow repair detects
    table = None if quote and data.count(quote.encode()) % 2 else _parse(data, separator, quote, width)
    if table is None:
        data, notes = _repair(data, separator, quote, format.header)
        table = _parse(data, separator, quote, _first_width(data, separator, quote))
        if table is None:
            raise ReadError("The rows of this text have different numbers of cells: choose another separator.")
    if comments:
        notes = (*notes, f"{count_of(comments, 'comment between the rows was', 'comments between the rows were')} left out.")
    columns, blank, below = _without_blank_rows_at_end(table)
    if below:
        notes = (*notes, _left_out_below(below))
    if blank:
        notes = (
            *notes,
            f"{count_of(blank, 'row', 'rows')} of separators only at the end {'was' if blank == 1 else 'were'} left out.",
        )
    names = given_names if len(given_names) == len(columns) else [None] * len(columns)
    if format.header:
        rows = min(format.header, table.num_rows)
        names = joined_names([[column[row].as_py() for column in columns] for row in range(rows)])
        columns = [column.slice(rows) for column in columns]
        kept = [i for i, name in enumerate(names) if name.strip() or not _is_empty(columns[i])]
        if len(kept) < len(columns):  # as after a separator at the end of each line
            empty = count_of(
                len(columns) - len(kept), "column without a name and values was", "columns without names and values were"
            )
            notes = (*notes, f"{empty} left out.")
            names, columns = [names[i] for i in kept], [columns[i] for i in kept]
    if len(columns) == 1:
        notes = ("Only one column was detected; if there are more, choose another separator.", *notes)
    return RawTable(names, columns, notes, doubts=doubts, start=start)


def _is_empty(column: pa.ChunkedArray) -> bool:
    return not pc.any(pc.greater(pc.binary_length(pc.utf8_trim_whitespace(column)), 0)).as_py()


def _comment_doubts(rows: list[list[str]], start: tuple[str, ...]) -> tuple[Doubt, ...]:
    """The doubt about lines that begin like comments, unlike most of the rows, and are not split into cells."""
    width = max(map(len, rows), default=0)
    marks = {row[0].strip()[:1] for row in rows if len(row) == 1 < width}
    return tuple(
        Doubt(
            f"Some lines begin with {mark}, like comments, but are read as rows.",
            f"Leave out lines that begin with {mark}",
            (("comment", mark),),
        )
        for mark in COMMENTS
        if mark in marks and not start[0].lstrip().startswith(mark)
    )


def _left_out_below(texts: list[str]) -> str:
    """The note about lines below the table."""
    left_out = count_of(len(texts), "line below the table was", "lines below the table were")
    return f"{left_out} left out (first: “{texts[0].strip()[:40]}”)."


def _without_blank_rows_at_end(table: pa.Table) -> tuple[list[pa.ChunkedArray], int, list[str]]:
    """The columns without rows of empty cells at the end and single cells of text below such rows.

    Also returns the number of these rows, and the text of these cells.
    """
    end = table.num_rows
    rest: list[str] = []  # texts below row `end`, "" for an empty row
    below: list[str] = []  # texts above these, below no empty row yet
    for row in range(end - 1, 0, -1) if table.num_columns > 1 else ():
        filled = [text for column in table.columns if (text := column[row].as_py()).strip()]
        if not filled:
            rest += [*below, ""]
            end, below = row, []
        elif len(filled) == 1 and table.num_columns > 2 and len(below) < MAX_BELOW and not is_plain_number(filled[0]):
            below.append(filled[0])
        else:
            break
    texts = [text for text in reversed(rest) if text]
    return [column.slice(0, end) for column in table.columns], len(rest) - len(texts), texts


def _lines(data: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(data), "utf-8", newline="")


def _unclosed(where: str) -> ReadError:
    return ReadError(f"A quotation mark in {where} is not closed, or a cell is too long: close or remove it, or choose none.")


def _first_width(data: bytes, separator: str, quote: str) -> int:
    """Number of cells in the first non-blank row."""
    start = data[:MAX_ROW_BYTES].lstrip(b"\r\n")
    if len(data) > MAX_ROW_BYTES and b"\n" not in start and b"\r" not in start:
        raise ReadError("The first row of this text is too long: check that the file has line breaks.")
    try:
        with _lines(data) as lines:
            return next(
                (len(row) for row in csv.reader(lines, delimiter=separator, **csv_options(quote)) if not is_blank(row)), 1
            )
    except csv.Error:
        raise _unclosed("the first row") from None


def _parse(data: bytes, separator: str, quote: str, width: int) -> pa.Table | None:
    """All cells as text, or None if the rows do not all have `width` cells.

    Uses Arrow rather than pandas, because Arrow stores text compactly and reports rows with too few or too many cells. Numbers
    are parsed later, with the same rules for all kinds of files.
    """
    names = [f"f{i}" for i in range(width)]
    batches, rows, ragged = [], 0, []

    def on_invalid_row(row) -> str:
        ragged.append(row.actual_columns)
        return "error"

    try:
        with pa.csv.open_csv(
            pa.BufferReader(data),
            pa.csv.ReadOptions(use_threads=False, block_size=MAX_ROW_BYTES, column_names=names),
            pa.csv.ParseOptions(
                delimiter=separator,
                quote_char=quote or False,
                newlines_in_values=bool(quote) and quote.encode() in data,
                invalid_row_handler=on_invalid_row,
            ),
            pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        ) as reader:
            for batch in reader:
                rows += batch.num_rows
                check_cells(rows, width)
                batches.append(batch)
            return pa.Table.from_batches(batches, reader.schema)
    except pa.ArrowInvalid as error:
        if ragged:
            return None
        if "straddling" in str(error):
            raise _unclosed("this text") from None
        raise ReadError(f"This text cannot be split into cells: check its quotation marks, or {SAVE_AS}.") from None


def _numbered_rows(data: bytes, separator: str, quote: str) -> Iterator[tuple[int, list[str]]]:
    """Non-blank rows, each with the number of its first line, from 1."""
    end = "end of the text"
    last_line, line, row = 0, 1, []
    with _lines(data) as lines:
        reader = csv.reader(itertools.chain(lines, ["\n", end]), delimiter=separator, **csv_options(quote))
        try:
            for next_row in reader:
                if not is_blank(row):
                    yield line, row
                line, last_line, row = last_line + 1, reader.line_num, next_row
        except csv.Error:
            raise _unclosed(f"line {last_line + 1}") from None
    # after an unclosed quotation mark, the sentinel is not a row of its own
    if row != [end]:
        raise _unclosed(f"line {line}")


def _trimmed_length(row: list[str]) -> int:
    """Length of a row without the empty cells at its end."""
    if row[-1].strip():
        return len(row)
    return next((i for i in range(len(row), 0, -1) if row[i - 1].strip()), 0)


def _repair(data: bytes, separator: str, quote: str, header: int) -> tuple[bytes, tuple[str, ...]]:
    """The text with the same number of cells in all rows, and notes about the repairs.

    Short rows are filled with missing values. Surplus empty cells, as after a separator at the end of a line, are removed.
    Rows with other surplus cells are dropped. If every row has one cell more than the header, as in files from R, the first
    column has no name.

    Raises
    ------
    ReadError
        If more than 1% of the rows have surplus cells, or a quotation mark is not closed.
    """
    rows = _numbered_rows(data, separator, quote)
    _, top = next(rows, (0, None))
    if top is None:
        raise ReadError(EMPTY)
    sizes, lengths = Counter(), Counter()
    for row in itertools.chain([] if header else [top], (row for _, row in rows)):
        sizes[_trimmed_length(row)] += 1
        lengths[len(row)] += 1
    width = len(top)
    unnamed = header and width > 1 and {*lengths} == {width + 1} and max(sizes) == width + 1
    width = width + unnamed if header else max(lengths, key=lambda length: (lengths[length], length))
    surplus = sum(n for size, n in sizes.items() if size > width)
    short, dropped, out = 0, 0, io.StringIO(newline="")
    below: list[list[str]] = []  # rows of one cell, which may be lines below the table
    writer = csv.writer(out, delimiter=separator, lineterminator="\n", **csv_options(quote))
    for i, (line, row) in enumerate(_numbered_rows(data, separator, quote)):
        if header and i == 0:
            row = [*[""] * unnamed, *row]
        elif len(row) > width and _trimmed_length(row) > width:
            if surplus > 0.01 * sizes.total():
                raise ReadError(
                    f"Line {line} has {_trimmed_length(row)} cells instead of {width}: correct the line, or choose "
                    "another separator."
                )
            dropped = dropped or line
            continue
        if len(row) == 1 and width > 2 and not is_plain_number(row[0]):
            below.append(row)
            continue
        for lines in (*below, row):
            short += len(lines) < width
            writer.writerow(lines[:width] + [""] * (width - len(lines)))
        below.clear()
    notes = []
    if below:
        notes.append(_left_out_below([row[0] for row in below]))
    if short:
        notes.append(f"{count_of(short, 'row has', 'rows have')} too few cells; the rest is treated as missing.")
    if surplus:
        rows_dropped = count_of(surplus, "row has too many cells and was", "rows have too many cells and were")
        notes.append(f"{rows_dropped} dropped (first: line {dropped}).")
    return out.getvalue().encode(), tuple(notes)

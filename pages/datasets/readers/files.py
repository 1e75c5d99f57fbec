"""Reads Excel, JSON, Parquet and NumPy files."""

import contextlib
import io
import itertools
import json
import re
import warnings
from collections.abc import Iterator, Sequence

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet

from pages.datasets.readers.dialect import has_header
from pages.datasets.readers.encodings import to_utf8
from pages.datasets.readers.formats import Format, RawTable
from pages.datasets.readers.limits import SAMPLE_ROWS, ReadError, as_read_error, check_bytes, check_cells, check_json
from pages.datasets.readers.notation import notation_of, to_text


@contextlib.contextmanager
def _workbook(content: bytes) -> Iterator[openpyxl.Workbook]:
    """Opens a workbook for reading row by row."""
    with (
        as_read_error("This Excel workbook is damaged: open it in Excel, save it again and upload that file."),
        warnings.catch_warnings(action="ignore"),  # warnings about styles etc.
        contextlib.closing(
            openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        ) as workbook,
    ):
        yield workbook


def _empty(cells: Sequence) -> bool:
    return all(cell is None or cell == "" for cell in cells)


def _sheet_rows(sheet) -> Iterator[tuple]:
    """The rows, starting at the first non-empty one."""
    sheet.reset_dimensions()  # the stored size may be wrong
    cells, started = 0, False
    for row in sheet.iter_rows(values_only=True):
        cells += max(1, len(row))
        check_cells(cells, 1)
        started = started or not _empty(row)
        if started:
            yield row


def _choose_sheet(workbook: openpyxl.Workbook, sheet: str) -> str:
    names = [worksheet.title for worksheet in workbook.worksheets]
    if sheet and sheet not in names:
        raise ReadError(f"This workbook has no sheet named {sheet}: choose another sheet.")
    for name in [sheet] if sheet else names:
        if next(_sheet_rows(workbook[name]), None) is not None:
            return name
    raise ReadError(
        f"The sheet {sheet} is empty: choose another sheet."
        if sheet
        else "This workbook is empty: it needs a header and one row per observation."
    )


def detect_xlsx(content: bytes) -> Format:
    """Detects the format of the first non-empty sheet. Raises `ReadError` if all are empty or the workbook is damaged."""
    with _workbook(content) as workbook:
        sheet = _choose_sheet(workbook, "")
        rows = list(itertools.islice(_sheet_rows(workbook[sheet]), SAMPLE_ROWS))
    header = has_header([[to_text(cell, ".") for cell in row] for row in rows], ".", "")
    decimal, thousands = notation_of(itertools.zip_longest(*rows[header:]))
    return Format("xlsx", decimal=decimal, thousands=thousands, header=header, sheet=sheet)


def read_xlsx(content: bytes, format: Format) -> RawTable:
    """Reads the cells of a sheet. Raises `ReadError` if it is empty or too large, or the workbook is damaged."""
    with _workbook(content) as workbook:
        sheets = tuple(worksheet.title for worksheet in workbook.worksheets)
        sheet = _choose_sheet(workbook, format.sheet)
        rows = list(_sheet_rows(workbook[sheet]))
    while _empty(rows[-1]):
        rows.pop()
    check_cells(len(rows), max(map(len, rows)))
    columns = [list(column) for column in itertools.zip_longest(*rows) if not _empty(column)]
    names = [column.pop(0) for column in columns] if format.header else [None] * len(columns)
    return RawTable(names, columns, sheets=sheets, sheet=sheet)


def detect_json(content: bytes, encoding: str) -> Format:
    """Detects the number format of texts in JSON. Raises `ReadError` as in `read_json`."""
    columns = read_json(content, Format("json", encoding=encoding)).columns
    decimal, thousands = notation_of(column[:SAMPLE_ROWS] for column in columns)
    return Format("json", encoding=encoding, decimal=decimal, thousands=thousands)


def read_json(content: bytes, format: Format) -> RawTable:
    """Reads a list of rows, rows on separate lines, or columns. Raises `ReadError` for other JSON or if it is too large."""
    shape = 'it must be a list of rows like [{"a": 1, "b": 2}, ...] or columns like {"a": [1, 2], "b": [3, 4]}'
    check_json(content)
    text = to_utf8(content, format.encoding).decode()
    with as_read_error(f"This JSON file is damaged or incomplete: {shape}."):
        try:
            value = json.loads(text)
        except json.JSONDecodeError:
            # not splitlines, which also splits at characters that may occur in a text
            value = [json.loads(line) for line in text.split("\n") if line.strip()]
    del text
    if isinstance(value, dict) and value and all(isinstance(column, list) for column in value.values()):
        names, columns = list(value), list(value.values())
        if len(set(map(len, columns))) > 1:
            raise ReadError("The columns in this JSON file have different lengths: every column needs one value per row.")
        check_cells(len(columns[0]), len(columns))
    else:
        rows = [value] if isinstance(value, dict) else value
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise ReadError(f"This JSON file is not a table: {shape}.")
        names = list(dict.fromkeys(name for row in rows for name in row))
        if not names:
            raise ReadError("This JSON file has no rows: it needs one row per observation.")
        check_cells(len(rows), len(names))
        columns = [[row.get(name) for row in rows] for name in names]
    for name, column in zip(names, columns, strict=True):
        if any(isinstance(cell, (dict, list)) for cell in column):
            raise _nested(name)
    return RawTable(names, columns)


def _nested(name: str) -> ReadError:
    return ReadError(f"Column {name} contains lists or objects instead of single values: give each value its own column.")


def read_parquet(content: bytes, format: Format) -> RawTable:
    """Reads a Parquet file. Raises `ReadError` if a column has nested values, or the file is damaged or too large."""
    with (
        as_read_error("This Parquet file is damaged or incomplete: save or download it again."),
        pa.parquet.ParquetFile(pa.BufferReader(content)) as file,
    ):
        schema = file.schema_arrow
        check_cells(file.metadata.num_rows, max(1, len(schema)))
        for field in schema:
            kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
            if pa.types.is_nested(kind):
                raise _nested(field.name)
            if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
                raise ReadError(f"Column {field.name} contains bytes instead of numbers or text: remove it from the file.")
        columns, size = [[] for _ in schema], 0
        # in small batches, because repeated texts are stored once and take more memory only when they are read
        for batch in file.iter_batches(batch_size=4096, use_threads=False):
            for pieces, column in zip(columns, batch.columns, strict=True):
                pieces.append(column.dictionary_decode() if pa.types.is_dictionary(column.type) else column)
                size += pieces[-1].nbytes
            check_bytes(size)
    names = ["index" if re.fullmatch("__index_level_[0-9]+__", field.name) else field.name for field in schema]
    return RawTable(names, [pa.chunked_array(pieces, None if pieces else pa.null()) for pieces in columns])


def read_npy(content: bytes, format: Format) -> RawTable:
    """Reads a NumPy array. Raises `ReadError` if it is not a matrix of numbers, or is damaged, empty or too large."""
    damaged = "This NumPy file is damaged or incomplete: save it again."
    file = io.BytesIO(content)
    with as_read_error(damaged):
        first = np.lib.format.read_magic(file) == (1, 0)
        # version 3 differs from version 2 only for structured arrays
        header = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = header(file)
    if dtype.hasobject:
        raise ReadError(
            "This NumPy file contains Python objects, which are never loaded because they could run code: save numbers only."
        )
    if dtype.kind not in "biuf":
        raise ReadError("This NumPy file does not contain plain numbers: save an array of numbers, one row per observation.")
    if len(shape) not in (1, 2):
        raise ReadError(
            f"This NumPy array has {len(shape)} dimensions: save one with rows for observations and columns for features."
        )
    rows, width = shape if len(shape) == 2 else (shape[0], 1)
    if rows * width * dtype.itemsize != len(content) - file.tell() or min(rows, width) < 0:
        raise ReadError(damaged)
    check_cells(rows, width)
    if not rows or not width:
        raise ReadError("This NumPy array is empty: it needs one row per observation.")
    array = np.frombuffer(content, dtype, offset=file.tell()).reshape((rows, width), order="F" if fortran else "C")
    kind = np.dtype(np.float64) if dtype.kind == "f" else dtype.newbyteorder("=")
    return RawTable([None] * width, [array[:, i].astype(kind) for i in range(width)])

"""Reads Parquet, Arrow and NumPy files."""

import io
import re
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from pages.datasets.readers.formats import Format, RawTable
from pages.datasets.readers.limits import ReadError, as_read_error, check_bytes, check_cells, nested

BATCH_ROWS = 4096
"""number of rows that are unpacked together; repeated text values are stored once and take more memory only when unpacked"""


def _check_columns(schema: pa.Schema) -> None:
    """Raises `ReadError` if a column cannot be converted."""
    check_cells(1, len(schema))
    for field in schema:
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if pa.types.is_nested(kind):
            raise nested(field.name)
        if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
            raise ReadError(f"Column {field.name} contains bytes instead of numbers or text: remove it from the file.")


def _table(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> RawTable:
    """The table with columns that do not repeat values by reference. Raises `ReadError` if it is too large."""
    columns, rows, size = [[] for _ in schema], 0, 0
    for batch in batches:
        rows += batch.num_rows
        check_cells(rows, len(schema))
        for start in range(0, batch.num_rows, BATCH_ROWS):
            for pieces, column in zip(columns, batch.slice(start, BATCH_ROWS).columns, strict=True):
                pieces.append(column.dictionary_decode() if pa.types.is_dictionary(column.type) else column)
                size += pieces[-1].nbytes
            check_bytes(size)
    names = ["index" if re.fullmatch("__index_level_[0-9]+__", field.name) else field.name for field in schema]
    return RawTable(names, [pa.chunked_array(pieces, None if pieces else pa.null()) for pieces in columns])


def read_parquet(content: bytes, format: Format) -> RawTable:
    """Reads a Parquet file. Raises `ReadError` if a column has nested values, or the file is damaged or too large."""
    with (
        as_read_error("This Parquet file is damaged or incomplete: save or download it again."),
        pa.parquet.ParquetFile(pa.BufferReader(content)) as file,
    ):
        schema = file.schema_arrow
        check_cells(file.metadata.num_rows, max(1, len(schema)))
        _check_columns(schema)
        return _table(schema, file.iter_batches(batch_size=BATCH_ROWS, use_threads=False))


def read_arrow(content: bytes, format: Format) -> RawTable:
    """Reads an Arrow file, also called Feather (version 2), or a stream. Raises `ReadError` as in `read_parquet`."""
    open_ = pa.ipc.open_file if content.startswith(b"ARROW1") else pa.ipc.open_stream
    with (
        as_read_error("This Arrow file is damaged or incomplete: save or download it again."),
        open_(pa.BufferReader(content), options=pa.ipc.IpcReadOptions(use_threads=False)) as file,
    ):
        _check_columns(file.schema)
        is_file = isinstance(file, pa.ipc.RecordBatchFileReader)
        return _table(file.schema, map(file.get_batch, range(file.num_record_batches)) if is_file else file)


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

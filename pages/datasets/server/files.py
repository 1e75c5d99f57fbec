"""Folders of Parquet or CSV files as one table."""

import csv
import glob
import io
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pages.datasets.server.tables import Description, Part, ServerColumn, UnreadableTable

PARQUET, CSV = (".parquet", ".pq"), (".csv", ".tsv")
PART_ROWS = 2**20
"""row groups of a Parquet file are read together up to this number of rows"""
PART_BYTES = 64 * 2**20
"""size of a part of a CSV file"""
SAMPLED_BYTES = 2**18
"""bytes of a CSV file from which its columns are described"""
SAMPLED_FILES = 3
"""number of CSV files from which the columns are described: evenly spread over all"""


@dataclass(frozen=True)
class FileTable:
    """A folder, file or glob pattern."""

    name: str
    pattern: str

    def files(self) -> list[str]:
        """The files of the table, sorted by path; raises UnreadableTable if there are none, or of both kinds."""
        if os.path.isdir(self.pattern):
            paths: Iterable[str] = glob.iglob(os.path.join(glob.escape(self.pattern), "**", "*"), recursive=True)
        else:
            paths = glob.iglob(self.pattern, recursive=True)
        # files whose names begin with an underscore are not data by convention, and glob omits hidden ones
        found = [path for path in paths if _ending(path) in PARQUET + CSV and not Path(path).name.startswith("_")]
        files = sorted(path for path in found if os.path.isfile(path))
        if not files:
            raise UnreadableTable(
                f"The table “{self.name}” has no files at present. Choose another table, or ask the operator of this server."
            )
        if len({_ending(path) in CSV for path in files}) > 1:
            raise UnreadableTable(
                f"The table “{self.name}” has both Parquet and CSV files. Ask the operator of this server to separate them."
            )
        return files

    def describe(self) -> Description:
        files = self.files()
        with _reading(self.name):
            return self._described_csv(files) if _ending(files[0]) in CSV else self._described_parquet(files)

    def parts(self, columns: list[str]) -> list[Part]:
        files = self.files()
        with _reading(self.name):
            if _ending(files[0]) in CSV:
                return [part for file in files for part in self._csv_parts(file)]
            return [part for file in files for part in self._parquet_parts(file)]

    # Parquet

    def _described_parquet(self, files: list[str]) -> Description:
        import pyarrow.parquet as pq

        rows, columns = 0, {}
        for number, file in enumerate(files):
            metadata = pq.read_metadata(file)
            rows += metadata.num_rows
            found = _parquet_columns(metadata)
            if number and found.keys() != columns.keys():
                columns = {name: column for name, column in columns.items() if name in found}
            columns = {name: _joined(columns[name], found[name]) if number else found[name] for name in columns or found}
        return Description(
            tuple(columns.values()), rows, "The number of rows and the ranges come from the metadata of the files."
        )

    def _parquet_parts(self, file: str) -> list["ParquetPart"]:
        import pyarrow.parquet as pq

        metadata = pq.read_metadata(file)
        parts, groups, rows = [], [], 0
        for group in range(metadata.num_row_groups):
            size = metadata.row_group(group).num_rows
            if groups and rows + size > PART_ROWS:
                parts.append(ParquetPart(self.name, file, tuple(groups)))
                groups, rows = [], 0
            groups.append(group)
            rows += size
        return [*parts, ParquetPart(self.name, file, tuple(groups))] if groups else parts

    # CSV

    def _described_csv(self, files: list[str]) -> Description:
        chosen = [files[i] for i in np.unique(np.linspace(0, len(files) - 1, SAMPLED_FILES).astype(int))]
        samples = [_csv_sample(file) for file in chosen]
        frames = [frame for frame, _ in samples]
        rows = sum(len(frame) for frame in frames)
        complete = all(end >= os.path.getsize(file) for file, (_, end) in zip(chosen, samples, strict=True))
        is_exact = complete and len(chosen) == len(files)
        if not is_exact:
            rows = round(rows * sum(map(os.path.getsize, files)) / max(sum(end for _, end in samples), 1))
        columns = [_csv_column(name, frames) for name in frames[0].columns if all(name in frame for frame in frames)]
        source = "The number of rows and the ranges come from all rows."
        if not is_exact:
            source = (
                f"Types and ranges are from a sample of {sum(map(len, frames)):,} rows. The number of rows is estimated from "
                "the size of the files."
            )
        return Description(tuple(columns), rows, source, is_exact)

    def _csv_parts(self, file: str) -> list["CsvPart"]:
        with open(file, "rb") as opened:
            header = opened.readline()
            begin = opened.tell()
        separator = _separator(header.decode("utf-8-sig", "replace"))
        names = tuple(_header(header, separator))
        ends = [*range(begin + PART_BYTES, os.path.getsize(file), PART_BYTES), os.path.getsize(file)]
        starts = [begin, *ends[:-1]]
        return [CsvPart(self.name, file, names, separator, *ends) for ends in zip(starts, ends, strict=True)]


@dataclass(frozen=True)
class ParquetPart:
    """Some row groups of a Parquet file."""

    table: str
    file: str
    row_groups: tuple[int, ...]

    def read(self, columns: list[str]) -> pd.DataFrame:
        import pyarrow.parquet as pq

        with _reading(self.table), pq.ParquetFile(self.file) as opened:
            return _with_columns(
                opened.read_row_groups(list(self.row_groups), columns=columns).to_pandas(), columns, self.table
            )


@dataclass(frozen=True)
class CsvPart:
    """The lines of a CSV file that begin at these positions. Values must not contain line breaks."""

    table: str
    file: str
    names: tuple[str, ...]
    separator: str
    begin: int
    end: int

    def read(self, columns: list[str]) -> pd.DataFrame:
        with _reading(self.table), open(self.file, "rb") as opened:
            opened.seek(self.begin - 1)
            opened.readline()  # the rest of a line that begins in the part before
            lines = opened.read(max(self.end - opened.tell(), 0))
            if lines and not lines.endswith(b"\n"):
                lines += opened.readline()
            wanted = [name for name in columns if name in self.names]
            frame = (
                pd.read_csv(
                    io.BytesIO(lines),
                    sep=self.separator,
                    names=list(self.names),
                    header=None,
                    usecols=wanted,
                    encoding_errors="replace",
                    low_memory=False,
                )
                if lines.strip()
                else pd.DataFrame(columns=wanted, dtype=float)
            )
            return _with_columns(frame, columns, self.table)


@contextmanager
def _reading(table: str) -> Iterator[None]:
    """Raises errors of reading files as UnreadableTable, without paths."""
    try:
        yield
    except UnreadableTable:
        raise
    except FileNotFoundError:
        text = f"A file of the table “{table}” no longer exists. Choose the table again, or ask the operator of this server."
        raise UnreadableTable(text) from None
    except OSError:
        raise UnreadableTable(f"A file of the table “{table}” cannot be read. Ask the operator of this server.") from None
    except ValueError:  # also pyarrow's ArrowInvalid, and errors of pandas' parsers
        text = f"A file of the table “{table}” is damaged or has a different format. Ask the operator of this server."
        raise UnreadableTable(text) from None


def _ending(path: str) -> str:
    return Path(path).suffix.lower()


def _with_columns(frame: pd.DataFrame, columns: list[str], table: str) -> pd.DataFrame:
    for column in columns:
        if column not in frame:
            raise UnreadableTable(
                f"A file of the table “{table}” has no column “{column}”. Choose other columns, or ask the operator of this "
                "server."
            )
    return frame


def _parquet_columns(metadata) -> dict[str, ServerColumn]:
    """Columns that are not nested, by name."""
    import pyarrow as pa

    schema = metadata.schema.to_arrow_schema()
    places = {metadata.schema.column(i).path: i for i in range(metadata.num_columns)}
    groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
    columns = {}
    for field in schema:
        if field.name not in places:
            continue
        kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        is_number = any(
            check(kind) for check in (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_boolean)
        )
        low = high = None
        if is_number:
            statistics = [group.column(places[field.name]).statistics for group in groups if group.num_rows]
            if all(one is not None and one.has_min_max for one in statistics):
                low = min((float(one.min) for one in statistics), default=None)
                high = max((float(one.max) for one in statistics), default=None)
        columns[field.name] = ServerColumn(field.name, str(kind), is_number, low, high)
    return columns


def _joined(a: ServerColumn, b: ServerColumn) -> ServerColumn:
    """The column in several files."""
    kinds = a.type if b.type in a.type.split(" or ") else f"{a.type} or {b.type}"
    known = None not in (a.low, b.low)
    return ServerColumn(
        a.name,
        kinds,
        a.is_number and b.is_number,
        min(a.low, b.low) if known else None,
        max(a.high, b.high) if known else None,
    )


def _csv_sample(file: str) -> tuple[pd.DataFrame, int]:
    """The first lines of a CSV file, and the position of their end."""
    with open(file, "rb") as opened:
        lines = opened.read(SAMPLED_BYTES)
        lines += opened.readline()
        end = opened.tell()
    header = lines.partition(b"\n")[0]
    separator = _separator(header.decode("utf-8-sig", "replace"))
    frame = pd.read_csv(io.BytesIO(lines), sep=separator, encoding_errors="replace", low_memory=False)
    frame.columns = _header(header, separator)
    return frame, end


def _separator(header: str) -> str:
    return max(",;\t|", key=header.count)


def _header(header: bytes, separator: str) -> list[str]:
    return [name.strip() for name in next(csv.reader([header.decode("utf-8-sig", "replace").strip()], delimiter=separator))]


def _csv_column(name: str, frames: list[pd.DataFrame]) -> ServerColumn:
    frames = [frame for frame in frames if len(frame)] or frames  # a column without rows has no type
    kinds = sorted({str(frame[name].dtype) for frame in frames})
    is_number = all(frame[name].dtype.kind in "biuf" for frame in frames)
    values = pd.concat([frame[name] for frame in frames]) if is_number else None
    known = is_number and values.notna().any()
    low, high = (float(values.min()), float(values.max())) if known else (None, None)
    return ServerColumn(name, " or ".join(kinds), is_number, low, high)

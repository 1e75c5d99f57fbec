"""Reads workbooks: Excel (.xlsx, .xlsm, .xlsb, .xls) and OpenDocument (.ods)."""

import contextlib
import io
import itertools
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

import python_calamine as calamine

from pages.datasets.readers.formats import Format, RawTable, count_of
from pages.datasets.readers.layout import detect_layout, doubts_of, joined_names
from pages.datasets.readers.limits import (
    SAMPLE_ROWS,
    START_CHARACTERS,
    START_LINES,
    ReadError,
    as_read_error,
    check_cells,
    check_sheet_rows,
)
from pages.datasets.readers.notation import notation_of, to_text

MAX_EXACT_INTEGER = 2**53
"""largest integer up to which floats, as which workbooks store all numbers, represent all integers exactly"""
DAMAGED = "This workbook is damaged or not a workbook: open it in Excel or LibreOffice, save it again and upload that file."


@contextlib.contextmanager
def _workbook(content: bytes) -> Iterator[calamine.CalamineWorkbook]:
    with as_read_error(DAMAGED):
        try:
            with calamine.CalamineWorkbook.from_filelike(io.BytesIO(content)) as workbook:
                yield workbook
        except calamine.PasswordError:
            raise ReadError("This workbook is protected by a password: save it without one and upload that file.") from None


def _check_worksheets(archive: zipfile.ZipFile) -> int:
    """Number of cells with errors such as #DIV/0! in the worksheets of an .xlsx file.

    Raises `ReadError` if one has too many rows or cells. Looks only for tags in the XML, which is much faster than parsing it.
    """
    errors = 0
    for file in archive.infolist():
        if not (file.filename.startswith("xl/worksheets/") and file.filename.endswith(".xml")):
            continue
        rows, cells, end = 0, 0, b""
        with archive.open(file) as sheet:
            while part := sheet.read(2**20):
                text = end + part
                cut = text.rfind(b"<")
                text, end = text[:cut], text[cut:]  # a tag may be split between two parts
                rows += text.count(b"<row ") + text.count(b"<row>")
                cells += text.count(b"<c ") + text.count(b"<c>")
                errors += text.count(b' t="e"')
                check_sheet_rows(rows)
                check_cells(cells, 1)
    return errors


def _is_empty(cells: Sequence) -> bool:
    return all(cell == "" for cell in cells)


def _rows(workbook: calamine.CalamineWorkbook, name: str) -> list[list]:
    """The rows of a sheet from the first to the last non-empty one. Empty cells are ""."""
    sheet = workbook.get_sheet_by_name(name)
    check_sheet_rows(sheet.height)
    check_cells(sheet.height, sheet.width)
    rows = sheet.to_python()
    while rows and _is_empty(rows[-1]):
        rows.pop()
    return list(itertools.dropwhile(_is_empty, rows))


@lru_cache(maxsize=1)
def _sheet(content: bytes, sheet: str) -> tuple[list[list], RawTable]:
    """The rows of a sheet, or of the first non-empty one if `sheet` is "", and a table with the names of sheets and the notes.

    The last result is kept, because a file is read right after its format is detected.
    """
    notes = ()
    if content.startswith(b"PK"):
        with as_read_error(DAMAGED), zipfile.ZipFile(io.BytesIO(content)) as archive:
            errors = _check_worksheets(archive)
        if errors:
            cells = count_of(errors, "cell has an error", "cells have errors")
            notes = (f"{cells} such as #DIV/0!, treated as missing.",)
    with _workbook(content) as workbook:
        # not charts
        sheets = tuple(one.name for one in workbook.sheets_metadata if one.typ == calamine.SheetTypeEnum.WorkSheet)
        if sheet and sheet not in sheets:
            raise ReadError(f"This workbook has no sheet named {sheet}: choose another sheet.")
        for name in [sheet] if sheet else sheets:
            if rows := _rows(workbook, name):
                return rows, RawTable([], [], notes, sheets, name)
    raise ReadError(
        f"The sheet {sheet} is empty: choose another sheet."
        if sheet
        else "This workbook is empty: it needs a header and one row per observation."
    )


def _cell(cell):
    """The cell with whole numbers as integers, and None if it is empty."""
    if type(cell) is float and cell.is_integer() and abs(cell) <= MAX_EXACT_INTEGER:
        return int(cell)
    return None if cell == "" else cell


def _sample(rows: list[list]) -> list[tuple[int, list[str]]]:
    """The first non-empty rows as text, each with its position."""
    start = enumerate(rows[: 2 * SAMPLE_ROWS])
    return [(i, [to_text(_cell(cell), ".") for cell in row]) for i, row in start if not _is_empty(row)][:SAMPLE_ROWS]


def _without_lines_below(rows: list[list]) -> tuple[list[list], list[str]]:
    """The rows without single cells of text below the last empty row, such as a source, and the text of these cells."""
    below: list[str] = []
    for end in range(len(rows) - 1, 0, -1):
        filled = [cell for cell in rows[end] if cell != ""]
        if not filled and below:
            return rows[:end], below[::-1]
        if len(filled) != 1 or len(rows[end]) < 3 or not isinstance(filled[0], str):
            break
        below += filled
    return rows, []


def detect_workbook(content: bytes, sheet: str = "") -> Format:
    """Detects the format of a sheet, or of the first non-empty one if `sheet` is "". Raises `ReadError` as `read_workbook`."""
    rows, about = _sheet(content, sheet)
    sample = _sample(rows)
    texts = [row for _, row in sample]
    layout = detect_layout(texts, *notation_of(zip(*texts, strict=True)))
    skip = sample[layout.above][0]
    cells = [list(map(_cell, row)) for row in rows[skip + layout.header : skip + SAMPLE_ROWS]]
    decimal, thousands = notation_of(zip(*cells, strict=True))
    return Format(
        "workbook",
        decimal=decimal,
        thousands=thousands,
        header=layout.header,
        sheet=about.sheet,
        skip=skip,
        row_names=layout.row_names,
    )


def read_workbook(content: bytes, format: Format) -> RawTable:
    """Reads the cells of a sheet. Raises `ReadError` if it is empty or too large, or the workbook is damaged."""
    rows, about = _sheet(content, format.sheet)
    _sheet.cache_clear()
    texts = ("  |  ".join(to_text(_cell(cell), format.decimal) for cell in row) for row in rows[:START_LINES])
    start = tuple(text[:START_CHARACTERS] for text in texts)
    rows = rows[format.skip :]
    if not rows:
        raise ReadError("Nothing is left of this sheet below the skipped rows: skip fewer rows.")
    doubts = doubts_of([row for _, row in _sample(rows)], format)
    rows, below = _without_lines_below(rows)
    if below:
        left_out = count_of(len(below), "line below the table was", "lines below the table were")
        about = replace(about, notes=(*about.notes, f"{left_out} left out (first: “{below[0][:40]}”)."))
    columns = [list(map(_cell, column)) for column in zip(*rows, strict=True) if not _is_empty(column)]
    names = [None] * len(columns)
    if format.header:
        names = joined_names(list(zip(*(column[: format.header] for column in columns), strict=True)))
        columns = [column[format.header :] for column in columns]
    return replace(about, names=names, columns=columns, doubts=doubts, start=start)

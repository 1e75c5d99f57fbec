"""Tables as CSV and Excel files."""

import io
import math
import re
from collections.abc import Collection
from datetime import datetime

import numpy as np
import pandas as pd

from pages.datasets.columns import is_number
from pages.export.files import OnProgress, escape_formula, ignore_progress

MAX_EXCEL_ROWS = 1_048_575
"""maximum number of rows in a sheet below the column names"""
MAX_EXCEL_TEXT = 32_767
"""maximum number of characters in a cell"""
EXACT = 2**53
"""largest number up to which Excel stores every integer"""
FIRST_YEAR = 1901
"""first year whose dates are written as dates: Excel has no dates before 1900, and counts a day too many in 1900"""
ROWS = 5_000
"""number of rows written at once"""
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""characters that XML cannot contain"""
WIDTHS = 9, 40
"""narrowest and widest column, in characters"""


def table_csv(table: pd.DataFrame, on_progress: OnProgress = ignore_progress) -> bytes:
    """Return the table as CSV, with dates as text; text that a spreadsheet may run as a formula starts with an apostrophe."""
    columns = {name: _csv_cells(cells) for name, cells in table.items()}
    written = pd.DataFrame(columns, index=table.index).rename(columns=escape_formula)
    # with a byte order mark: Excel needs it to recognize UTF-8
    out = io.StringIO("\ufeff", newline="")
    out.seek(0, io.SEEK_END)
    for start in range(0, max(len(written), 1), ROWS):
        written.iloc[start : start + ROWS].to_csv(out, index=False, header=start == 0, lineterminator="\r\n")
        on_progress(min(1.0, (start + ROWS) / max(len(written), 1)))
    return out.getvalue().encode()


def _csv_cells(cells: pd.Series) -> pd.Series:
    """A column as numbers, or as text without formulas; whole numbers have no decimals although values are missing."""
    if pd.api.types.is_datetime64_any_dtype(cells):
        return cells.dt.strftime("%Y-%m-%d") if _has_no_times(cells) else cells.map(str, na_action="ignore")
    if pd.api.types.is_float_dtype(cells) and cells.isna().any():
        known = cells.dropna()
        return cells.astype("Int64") if (known.abs() < EXACT).all() and (known == known.round()).all() else cells
    return cells if is_number(cells) else cells.map(escape_formula, na_action="ignore")


def _has_no_times(cells: pd.Series) -> bool:
    """Whether all dates are at midnight."""
    return bool((cells.dropna() == cells.dropna().dt.normalize()).all())


def table_excel(
    table: pd.DataFrame, sheet: str, on_progress: OnProgress = ignore_progress, *, shares: Collection[str] = ()
) -> bytes:
    """Return the table as an Excel file with one sheet, whose first row, the column names, is bold and stays in place.

    Text is never a formula. Integers that Excel cannot store and dates before 1901 are text. Time zones are removed,
    characters that XML cannot contain are left out, and text is cut after `MAX_EXCEL_TEXT` characters.

    Parameters
    ----------
    sheet : name of the sheet
    shares : names of the columns that are shown as percentages

    Raises
    ------
    ValueError
        If the table has too many rows for a sheet.
    """
    if len(table) > MAX_EXCEL_ROWS:
        raise ValueError(f"an Excel sheet can have at most {MAX_EXCEL_ROWS:,} rows below its header, got {len(table):,}")
    import xlsxwriter  # only here, because it takes long

    out = io.BytesIO()
    with xlsxwriter.Workbook(out, dict(constant_memory=True)) as book:
        page = book.add_worksheet(sheet)
        page.freeze_panes(1, 0)
        percent, day, time = (book.add_format(dict(num_format=text)) for text in ("0.0%", "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss"))
        formats = []
        for j, (name, cells) in enumerate(table.items()):
            is_date = pd.api.types.is_datetime64_any_dtype(cells)
            formats.append(percent if name in shares else (day if _has_no_times(cells) else time) if is_date else None)
            page.set_column(j, j, _width(name, cells))
        bold = book.add_format(dict(bold=True))
        for j, name in enumerate(table.columns):
            page.write_string(0, j, _text(name), bold)
        write = {
            bool: page.write_boolean,
            int: page.write_number,
            float: page.write_number,
            str: page.write_string,
            datetime: page.write_datetime,
        }
        for start in range(0, len(table), ROWS):
            part = table.iloc[start : start + ROWS]
            columns = [_excel_cells(part.iloc[:, j]) for j in range(part.shape[1])]
            for i, row in enumerate(zip(*columns, strict=True), start + 1):
                for j, value in enumerate(row):
                    if value is not None:
                        write[type(value)](i, j, value, formats[j])
            on_progress(min(1.0, (start + ROWS) / len(table)))
    return out.getvalue()


def _width(name: str, cells: pd.Series) -> int:
    """Width of a column in characters, for its name and first values."""
    if pd.api.types.is_float_dtype(cells):
        longest = 12
    else:
        longest = max((len(str(value)) for value in cells.head(100).dropna()), default=0)
    low, high = WIDTHS
    return min(max(len(str(name)), longest, low) + 1, high)


def _excel_cells(cells: pd.Series) -> list:
    """The values of a column: booleans, numbers, dates and strings that Excel can store; None for missing values."""
    return [None if missing else _excel_cell(value) for value, missing in zip(cells.tolist(), cells.isna(), strict=True)]


def _excel_cell(value) -> bool | int | float | datetime | str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float | np.floating) and math.isfinite(value):
        return float(value)
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer) and abs(value) <= EXACT:
        return int(value)
    if isinstance(value, pd.Timestamp):
        value = value.tz_localize(None)
        if value.year >= FIRST_YEAR:
            return value.to_pydatetime(warn=False)
        return str(value).removesuffix(" 00:00:00")
    return _text(value)


def _text(value) -> str:
    return ILLEGAL.sub("", str(value))[:MAX_EXCEL_TEXT]

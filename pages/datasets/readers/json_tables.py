"""Reads tables in JSON."""

import json

from pages.datasets.readers.encodings import to_utf8
from pages.datasets.readers.formats import Format, RawTable
from pages.datasets.readers.limits import SAMPLE_ROWS, ReadError, as_read_error, check_cells, check_json, nested
from pages.datasets.readers.notation import notation_of


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
            raise nested(name)
    return RawTable(names, columns)

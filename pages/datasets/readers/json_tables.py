"""Reads tables in JSON: rows, columns, the shapes that pandas writes, and tables inside of other objects."""

import json
from functools import lru_cache

from pages.datasets.readers.encodings import to_utf8
from pages.datasets.readers.formats import Doubt, Format, RawTable
from pages.datasets.readers.layout import detect_layout, joined_names
from pages.datasets.readers.limits import MAX_NOTES, SAMPLE_ROWS, ReadError, as_read_error, check_cells, check_json, nested
from pages.datasets.readers.notation import notation_of, to_text

SHAPE = 'it must be a list of rows like [{"a": 1, "b": 2}, ...] or columns like {"a": [1, 2], "b": [3, 4]}'
INDEX = "index"
"""name of the column with row labels"""
MAX_LIST = 20
"""maximum length of lists whose values become columns"""
MAX_DEPTH = 20
"""maximum depth of nested values"""

Columns = dict[str, list]


def detect_json(content: bytes, encoding: str) -> Format:
    """Detects the format of a table in JSON. Raises `ReadError` as in `read_json`."""
    format = Format("json", encoding=encoding)
    value, _ = _table_in(_value(content, encoding))
    if _is_list_of(value, list):
        layout = detect_layout([[to_text(cell, ".") for cell in row] for row in value[:SAMPLE_ROWS]])
        cells = zip(*value[layout.above + layout.header : SAMPLE_ROWS], strict=False)
        fields = dict(header=layout.header, skip=layout.above, row_names=layout.row_names)
    else:
        columns, _ = _flattened(_columns(value, format))
        cells, fields = (column[:SAMPLE_ROWS] for column in columns.values()), {}
    decimal, thousands = notation_of(cells)
    return Format("json", encoding=encoding, decimal=decimal, thousands=thousands, **fields)


def read_json(content: bytes, format: Format) -> RawTable:
    """Reads a table in JSON. Raises `ReadError` if there is none, or if it is too large."""
    value, notes = _table_in(_value(content, format.encoding))
    _value.cache_clear()
    doubts: tuple[Doubt, ...] = ()
    names = None
    if _is_list_of(value, list):
        rows = value[format.skip :]
        columns = _transposed(rows[format.header :])
        names = (
            joined_names([[to_text(cell, ".") for cell in row] for row in rows[: format.header]]) if format.header else None
        )
    else:
        columns = _columns(value, format)
        if _is_object_of(value, dict) and not _rows_evidence(value):
            change = ("transposed", not format.transposed)
            doubts = (Doubt("Each inner object is read as a column.", "Read each one as a row", (change,)),)
            if not _has_inner_rows(value, format):
                doubts = (Doubt("Each inner object is read as a row.", "Read each one as a column", (change,)),)
    if not columns:
        raise ReadError("This JSON file has no rows: it needs one row per observation.")
    columns, left_out = _flattened(columns)
    if not columns:
        raise nested(left_out[0])
    if left_out:
        more = f" and {len(left_out) - MAX_NOTES:,} more" if len(left_out) > MAX_NOTES else ""
        notes = (*notes, f"Left out, because they contain lists or objects: {', '.join(left_out[:MAX_NOTES])}{more}.")
    if names is None or len(names) != len(columns):
        names = list(columns) if format.header else [None] * len(columns)
    return RawTable(names, list(columns.values()), notes, doubts=doubts)


@lru_cache(maxsize=1)
def _value(content: bytes, encoding: str):
    """The value in a file. The last one is kept, because a file is read right after its format is detected."""
    check_json(content)
    text = to_utf8(content, encoding).decode()
    with as_read_error(f"This JSON file is damaged or incomplete: {SHAPE}."):
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            # not splitlines, which also splits at characters that may occur in a text
            return [json.loads(line) for line in text.split("\n") if line.strip()]


def _is_list_of(value, kind) -> bool:
    return isinstance(value, list) and any(value) and all(isinstance(item, kind) for item in value)


def _is_object_of(value, kind: type) -> bool:
    return isinstance(value, dict) and bool(value) and all(isinstance(item, kind) for item in value.values())


def _split_rows(value) -> list[list] | None:
    """The rows of a table with separate lists of column names and rows, as pandas and databases write it, or None."""
    if not isinstance(value, dict) or not _is_list_of(value.get("columns"), str | list):
        return None
    found = [value[name] for name in ("data", "rows", "values") if _is_list_of(value.get(name), list)]
    return found[0] if found else None


def _table_in(value, path: tuple[str, ...] = ()) -> tuple:
    """The table in an object with other properties, and a note that says where it was found."""
    if isinstance(value, dict) and value.keys() == {"schema", "data"}:  # written by pandas
        return value["data"], ()
    if isinstance(value, dict) and not _split_rows(value):
        inner = {name: item for name, item in value.items() if isinstance(item, (list, dict)) and item}
        lists = [name for name, item in inner.items() if isinstance(item, list)]
        name = next(iter(lists if len(lists) == 1 else inner), None)
        if len(lists) == 1:
            found = _is_list_of(inner[name], dict) or _is_list_of(inner[name], list)
        else:
            nested = len(inner) == 1 and any(isinstance(item, (list, dict)) for item in inner[name].values())
            found = len(inner) == 1 and (len(value) > 1 or nested)
        if found:
            return _table_in(inner[name], (*path, name))
    return value, (f"The table was found in “{'.'.join(path)}”.",) if path else ()


def _transposed(rows: list[list]) -> Columns:
    """The columns of rows, named 0, 1, 2, …; short rows have missing values at their ends."""
    width = max(map(len, rows), default=0)
    check_cells(len(rows), width)
    return {str(i): [row[i] if i < len(row) else None for row in rows] for i in range(width)}


def _columns(value, format: Format) -> Columns:
    """The columns of a table, with its row labels as the first one unless they are 0, 1, 2, …"""
    if rows := _split_rows(value):
        columns = _transposed(rows)
        names = [".".join(map(str, name)) if isinstance(name, list) else str(name) for name in value["columns"]]
        if len(names) != len(columns):
            raise ReadError("The number of column names in this JSON file differs from the number of columns: save it again.")
        return _labeled(value.get("index", []), dict(zip(names, columns.values(), strict=True)))
    if _is_object_of(value, list):
        if len({len(column) for column in value.values()}) > 1:
            raise ReadError("The columns in this JSON file have different lengths: every column needs one value per row.")
        check_cells(len(next(iter(value.values()))), len(value))
        return value
    if _is_object_of(value, dict):
        rows = _names_of(value.values())
        if _has_inner_rows(value, format):
            check_cells(len(rows), len(value))
            return _labeled(rows, {name: [column.get(row) for row in rows] for name, column in value.items()})
        return _labeled(list(value), _from_objects(list(value.values())))
    rows = [value] if isinstance(value, dict) and value else value
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ReadError(f"This JSON file is not a table: {SHAPE}.")
    return _from_objects(rows)


def _from_objects(rows: list[dict]) -> Columns:
    names = _names_of(rows)
    check_cells(len(rows), len(names))
    return {name: [row.get(name) for row in rows] for name in names}


def _names_of(objects) -> list[str]:
    """The names in any of the objects, in order."""
    return list(dict.fromkeys(name for item in objects for name in item))


def _labeled(labels: list, columns: Columns) -> Columns:
    """The columns after a column of labels, unless the labels are 0, 1, 2, …"""
    if not labels or [str(label) for label in labels] == [str(i) for i in range(len(labels))]:
        return columns
    return {INDEX: labels} | columns


def _has_inner_rows(value: dict[str, dict], format: Format) -> bool:
    """Whether the inner names of an object of objects are labels of the rows, and the outer ones are column names.

    Without other evidence, there are at least as many rows as columns.
    """
    evidence = _rows_evidence(value)
    inner = evidence == "inner" if evidence else len(_names_of(value.values())) >= len(value)
    return inner != format.transposed


def _rows_evidence(value: dict[str, dict]) -> str:
    """Which names of an object of objects are labels of the rows, "inner" or "outer"; "" without evidence.

    Labels of rows may be whole numbers, and the values of a column have the same type.
    """
    inner = _names_of(value.values())
    numbers = [all(name.isdigit() for name in names) for names in (inner, value)]
    if numbers[0] != numbers[1]:
        return "inner" if numbers[0] else "outer"
    mixed_inner = any(_is_mixed(item.get(name) for item in value.values()) for name in inner)
    mixed_outer = any(_is_mixed(item.values()) for item in value.values())
    if mixed_inner != mixed_outer:
        return "inner" if mixed_inner else "outer"
    return ""


def _is_mixed(cells) -> bool:
    """Whether there are both strings and other values."""
    return len({isinstance(cell, str) for cell in cells if cell is not None}) > 1


def _flattened(columns: Columns, depth: int = 0) -> tuple[Columns, list[str]]:
    """The columns with those of nested values, which have dotted names, and the names of columns that cannot be flattened."""
    flat, left_out = {}, []
    for name, cells in columns.items():
        kinds = {type(cell) for cell in cells}
        if dict not in kinds and list not in kinds:
            flat[name] = cells
            continue
        lengths = {len(cell) for cell in cells if isinstance(cell, list)}
        if depth == MAX_DEPTH or (list in kinds and (dict in kinds or len(lengths) > 1 or max(lengths) > MAX_LIST)):
            left_out.append(name)
            continue
        if list in kinds:
            cells = [dict(enumerate(cell, 1)) if isinstance(cell, list) else cell for cell in cells]
        if kinds - {dict, list, type(None)}:
            flat[name] = [None if isinstance(cell, dict) else cell for cell in cells]
        inner = _from_objects([cell if isinstance(cell, dict) else {} for cell in cells])
        inner, lists = _flattened({f"{name}.{key}": values for key, values in inner.items()}, depth + 1)
        flat |= inner
        left_out += lists
    check_cells(max(map(len, flat.values()), default=0), len(flat))
    return flat, left_out

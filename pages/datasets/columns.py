"""Describes the columns of a table: type, missing values and distribution of the values."""

import re
from dataclasses import dataclass, replace
from itertools import zip_longest

import numpy as np
import pandas as pd

from pages.datasets.formatting import minus_signs, truncate
from pages.datasets.limits import MAX_CATEGORIES

BINS = 20
IDENTIFIER_NAMES = {
    *("id", "identifier", "unnamed", "index", "idx", "key", "nr", "no", "number", "row", "rownames", "uid", "uuid", "guid"),
}
ID_AT_END = re.compile(
    "(?:user|customer|client|patient|subject|person|student|employee|member|product|item|order|case|row|"
    "account|transaction|session|object|device|vendor|record|sample|passenger|visit|gene|cell|site|station|event|ticket|invoice)id"
)
KINDS = ("number", "category", "date", "text", "identifier", "constant")


@dataclass(frozen=True)
class Column:
    """Description of a column."""

    name: str
    kind: str
    """one of `KINDS`"""
    missing: int
    """number of empty or infinite cells"""
    distinct: int
    """number of distinct values"""
    counts: tuple[int, ...]
    """histogram of the numbers in `BINS` bins of equal width, or counts of the most frequent values"""
    summary: str
    """range of the numbers, or the most frequent values"""
    numeric: bool = False
    """whether an identifier consists of numbers; such a column may be a feature"""

    @property
    def usable(self) -> bool:
        """Whether the column may be a feature."""
        return self.kind in ("number", "date", "category") or self.numeric


def possible_kinds(column: Column) -> tuple[str, ...]:
    """Types that a column can have, its own first: numbers with few values can be categories, and so can text."""
    few = 1 < column.distinct <= MAX_CATEGORIES
    if column.kind == "number" or column.numeric:
        kinds = ("number", "identifier", *["category"] * few)
    elif column.kind in ("category", "text", "identifier"):
        kinds = ("text", "identifier", *["category"] * few)
    else:
        kinds = ()
    return (column.kind, *(kind for kind in kinds if kind != column.kind))


def with_kind(column: Column, kind: str) -> Column:
    """The column with another of its `possible_kinds`.

    Raises
    ------
    ValueError
        If it cannot have this type.
    """
    possible = possible_kinds(column)
    if kind not in possible:
        many = f", because it has more than {MAX_CATEGORIES} distinct values" * (column.distinct > MAX_CATEGORIES)
        reason = many if kind == "category" else ""
        raise ValueError(f"The type of column {column.name} can be {' or '.join(possible)}, not {kind}{reason}.")
    is_number = column.kind == "number" or column.numeric
    return replace(column, kind=kind, numeric=kind == "identifier" and is_number)


def to_floats(column: pd.Series) -> np.ndarray:
    """The column as floats: NaN for missing and infinite values, days since 1970 (UTC) for dates."""
    if pd.api.types.is_datetime64_any_dtype(column):
        times = (column.dt.tz_convert(None) if column.dt.tz is not None else column).to_numpy("datetime64[us]")
        return (times - np.datetime64(0, "us")) / np.timedelta64(1, "D")
    values = column.to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isfinite(values), values, np.nan)


def is_number(column: pd.Series) -> bool:
    """Whether the column holds numbers; booleans do not count."""
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def value_text(value) -> str:
    """A value as text, whole floats without decimals, because pandas stores integers as floats if values are missing."""
    text = str(value)
    return text.removesuffix(".0") if isinstance(value, float | np.floating) else text


def cell_text(value) -> str | None:
    """A cell of a table as text, decimal numbers with nine digits, midnight without the time; None if it is missing."""
    if pd.isna(value):
        return None
    if hasattr(value, "isoformat"):
        return str(value).removesuffix(" 00:00:00")
    return value_text(float(f"{value:.9g}") if isinstance(value, float) and not value.is_integer() else value)


def histogram(values: np.ndarray, bins: int, low: float, high: float, weights: np.ndarray | None = None) -> np.ndarray:
    """(bins,) number of values, or sum of their weights, in each bin of equal width.

    Unlike `np.histogram`, accepts very narrow and very wide ranges.
    """
    low, high = float(low), float(high)
    if not low < high:
        return (len(values) if weights is None else weights.sum()) * (np.arange(bins) == bins // 2)
    half = 0.5 if high - low == np.inf else 1.0
    positions = (values * half - low * half) / (high * half - low * half) * bins
    return np.bincount(np.clip(positions, 0, bins - 1).astype(int), weights, minlength=bins)


def describe(table: pd.DataFrame, row_names: str | None = None) -> list[Column]:
    """Describes each column of a table and detects its type; `row_names` is the column with the names of the rows."""
    columns = [_describe_column(str(name), cells, i == 0) for i, (name, cells) in enumerate(table.items())]
    return [
        replace(column, kind="identifier", numeric=column.kind == "number")
        if column.name == row_names and column.kind != "constant"
        else column
        for column in columns
    ]


def _describe_column(name: str, cells: pd.Series, is_first: bool) -> Column:
    is_date = pd.api.types.is_datetime64_any_dtype(cells)
    return _describe_numbers(name, cells, is_date, is_first) if is_date or is_number(cells) else _describe_text(name, cells)


def _describe_numbers(name: str, cells: pd.Series, is_date: bool, is_first: bool) -> Column:
    values = to_floats(cells)
    values = values[np.isfinite(values)]
    # floats are exact for whole numbers up to 2^53 only; identifiers may be larger
    exact = cells.dropna().to_numpy() if pd.api.types.is_integer_dtype(cells) else values
    distinct = len(np.unique(exact))
    counts, summary = (), ""
    if len(values):
        low, high = values.min(), values.max()
        counts = tuple(histogram(values, BINS, low, high).tolist())
        summary = minus_signs(f"{low:,.6g} to {high:,.6g}")
        if is_date:
            summary = f"{str(cells.min())[:10]} to {str(cells.max())[:10]}"
    kind = "date" if is_date else "number"
    if distinct <= 1:
        kind = "constant"
    elif not is_date and distinct == len(exact):
        is_row_number = exact[0] in (0, 1) and (exact[1:] == exact[:-1] + 1).all()
        if (is_first and is_row_number) or (_is_identifier_name(name) and (exact == np.round(exact)).all()):
            kind = "identifier"
    return Column(name, kind, len(cells) - len(values), distinct, counts, summary, kind == "identifier")


def _describe_text(name: str, cells: pd.Series) -> Column:
    present = cells.dropna().astype(str)
    counts = present.value_counts()
    distinct = len(counts)
    if distinct <= 1:
        kind = "constant"
    elif distinct <= MAX_CATEGORIES and distinct <= max(2, len(present) / 2):
        kind = "category"
    elif distinct == len(present) and (
        _is_identifier_name(name) or present.head(200).str.contains(r"^\S*\d\S*$").mean() > 0.8
    ):
        kind = "identifier"
    else:
        kind = "text"
    frequent = [f"{truncate(value)} ({count:,})" for value, count in counts.head(3).items()]
    summary = ", ".join(frequent) + (", …" if distinct > 3 else "")
    return Column(name, kind, len(cells) - len(present), distinct, tuple(counts.head(BINS).tolist()), summary)


def words_of(name: str) -> list[str]:
    """The words of a name in lower case: "customer_id", "CustomerID" and "Customer ID" give "customer" and "id"."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", name)]


def _is_identifier_name(name: str) -> bool:
    """Whether one of the words in the name says that it is an identifier, as in "customer_id", "CustomerID" or "userid"."""
    words = words_of(name)
    return any(
        (word in IDENTIFIER_NAMES or ID_AT_END.fullmatch(word)) and following != "of"  # unlike "no_of_rooms"
        for word, following in zip_longest(words, words[1:], fillvalue="")
    )

"""What is known of each column of a table at a glance: its kind, its gaps, how its values are spread."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pages.datasets.formatting import minus, shortened

MOST_CATEGORIES = 50
"""more values than this make a column of text, which is no group of anything"""
IDENTIFIER_NAMES = {"id", "index", "key", "nr", "no", "number", "row", "rownames", "uid", "uuid"}
KINDS = ("number", "category", "date", "text", "identifier", "constant")


@dataclass(frozen=True)
class Column:
    """What is known of a column at a glance."""

    name: str
    kind: str
    """one of `KINDS`"""
    missing: int
    """cells that are empty or infinite"""
    distinct: int
    """different values"""
    picture: tuple[int, ...]
    """how often its values fall into each of 20 equal parts of its range, or how often its commonest values come"""
    says: str
    """its range or its commonest values, in words"""
    counts: bool = False
    """whether an identifier is made of numbers, which may be measured after all"""

    @property
    def usable(self) -> bool:
        """Whether rows can be clustered by it."""
        return self.kind in ("number", "date", "category") or self.counts


def numbers_of(column: pd.Series) -> np.ndarray:
    """The column as floats, gaps and infinities as NaN; dates as days since 1970, by universal time."""
    if pd.api.types.is_datetime64_any_dtype(column):
        times = (column.dt.tz_convert(None) if column.dt.tz is not None else column).to_numpy("datetime64[us]")
        return (times - np.datetime64(0, "us")) / np.timedelta64(1, "D")
    values = column.to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isfinite(values), values, np.nan)


def is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def in_words(value) -> str:
    """A value as text: 3, not 3.0, where a gap beside it has made a number of it that could have decimals."""
    text = str(value)
    return text.removesuffix(".0") if isinstance(value, float | np.floating) else text


def histogram(values: np.ndarray, bins: int, low: float, high: float) -> np.ndarray:
    """(bins,) how many of the values fall into each equal part of low..high; NumPy refuses a very narrow or wide range."""
    low, high = float(low), float(high)
    if not low < high:
        return len(values) * (np.arange(bins) == bins // 2)
    half = 0.5 if high - low == np.inf else 1.0
    parts = (values * half - low * half) / (high * half - low * half) * bins
    return np.bincount(np.clip(parts, 0, bins - 1).astype(int), minlength=bins)


def describe(table: pd.DataFrame) -> list[Column]:
    """Each column of the table with its guessed kind."""
    return [_column(str(name), cells, i == 0) for i, (name, cells) in enumerate(table.items())]


def _column(name: str, cells: pd.Series, leads: bool) -> Column:
    dated = pd.api.types.is_datetime64_any_dtype(cells)
    return _number_column(name, cells, dated, leads) if dated or is_number(cells) else _text_column(name, cells)


def _number_column(name: str, cells: pd.Series, dated: bool, leads: bool) -> Column:
    values = numbers_of(cells)
    values = values[np.isfinite(values)]
    # floats hold whole numbers to 2^53, which those of an identifier may exceed
    exact = cells.dropna().to_numpy() if pd.api.types.is_integer_dtype(cells) else values
    distinct = len(np.unique(exact))
    picture, says = (), ""
    if len(values):
        low, high = values.min(), values.max()
        picture = tuple(histogram(values, 20, low, high).tolist())
        says = minus(f"{low:,.6g} to {high:,.6g}")
        if dated:
            says = f"{str(cells.min())[:10]} to {str(cells.max())[:10]}"
    kind = "date" if dated else "number"
    if distinct <= 1:
        kind = "constant"
    elif not dated and distinct == len(exact):
        counts_up = exact[0] in (0, 1) and (exact[1:] == exact[:-1] + 1).all()
        if (leads and counts_up) or (_is_identifier_name(name) and (exact == np.round(exact)).all()):
            kind = "identifier"
    return Column(name, kind, len(cells) - len(values), distinct, picture, says, kind == "identifier")


def _text_column(name: str, cells: pd.Series) -> Column:
    present = cells.dropna().astype(str)
    counts = present.value_counts()
    distinct = len(counts)
    if distinct <= 1:
        kind = "constant"
    elif distinct <= MOST_CATEGORIES and distinct <= max(2, len(present) / 2):
        kind = "category"
    elif distinct == len(present) and (
        _is_identifier_name(name) or present.head(200).str.contains(r"^\S*\d\S*$").mean() > 0.8
    ):
        kind = "identifier"
    else:
        kind = "text"
    commonest = [f"{shortened(value)} ({count:,})" for value, count in counts.head(3).items()]
    says = ", ".join(commonest) + (", …" if distinct > 3 else "")
    return Column(name, kind, len(cells) - len(present), distinct, tuple(counts.head(20).tolist()), says)


def _is_identifier_name(name: str) -> bool:
    return bool(IDENTIFIER_NAMES & set(re.split(r"[^a-z0-9]+", name.lower())))

"""Dates, times and durations in text."""

import contextlib
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pages.datasets.readers.notation import first_present

_TWELVE = r"(?: ?[AaPp]\.?[Mm]\.?)?"
_TIME = (
    rf"(?:(?:T|,? +)\d{{1,2}}:\d{{2}}(?::\d{{2}}(?:[.,]\d{{1,9}})?)?{_TWELVE}(?: ?(?:Z|UTC|GMT|[+-]\d{{2}}(?::?\d{{2}})?))?)?"
)
_ISO = rf"^\d{{4}}-\d{{1,2}}-\d{{1,2}}{_TIME}$"
_YEAR_FIRST = rf"^(\d{{4}})[/.年](\d{{1,2}})[/.月](\d{{1,2}})日?({_TIME})$"
_MONTH = r"^(\d{4})[-/](0[1-9]|1[0-2])$"
_MONTH_FIRST = r"^(0[1-9]|1[0-2])[-/.]((?:19|20)\d{2})$"
_DAY_OR_MONTH_FIRST = rf"^(\d{{1,2}})([/.-])(\d{{1,2}})[/.-](\d{{4}})({_TIME})$"
_SHORT_YEAR = rf"^(\d{{1,2}})([/.])(\d{{1,2}})[/.](\d{{2}})({_TIME})$"
_NAMES = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_MONTH_NAME = rf"^(\d{{1,2}})[-. ]+(?i:({'|'.join(_NAMES)})[a-z]*)[-., ]+(\d{{4}}|\d{{2}})({_TIME})$"
_NAME_FIRST = rf"^(?i:({'|'.join(_NAMES)})[a-z]*)[. ]+(\d{{1,2}}),? +(\d{{4}})({_TIME})$"
_NAME_AND_YEAR = rf"^(?i:({'|'.join(_NAMES)})[a-z]*)[-. ]+(\d{{4}})$"
_ANY_DATE = re.compile(
    "|".join(
        [_ISO, _YEAR_FIRST, _MONTH, _MONTH_FIRST, _NAME_AND_YEAR, _DAY_OR_MONTH_FIRST, _SHORT_YEAR, _MONTH_NAME, _NAME_FIRST]
    )
)
_CENTURIES = ((r"([0-5]\d|6[0-8])", "20"), (r"(\d{2})", "19"))
"""patterns of years of two digits, and the first two digits that complete them: 1969 to 2068"""
_CLOCK = rf"^\d{{1,3}}:[0-5]\d(?::[0-5]\d(?:[.,]\d{{1,9}})?)?{_TWELVE}$"
_DURATION = r"^-?\d+ days?(?:,? \+?\d{1,2}:\d{2}:\d{2}(?:\.\d{1,9})?)?$"


@dataclass(frozen=True)
class Times:
    """A column of text as dates or durations."""

    values: pd.Series | np.ndarray
    """dates, or hours as floats; missing where a cell is neither"""
    order: str = ""
    """"dmy" or "mdy" if this order was given or is a guess, otherwise \"\""""


def is_date(cell: str) -> bool:
    """Whether a cell looks like a date."""
    return _ANY_DATE.search(cell.strip()) is not None


def is_time(cell: str) -> bool:
    """Whether a cell looks like a time of day or a duration."""
    return re.search(f"{_CLOCK}|{_DURATION}", cell.strip()) is not None


def are_months(cells: pa.ChunkedArray) -> bool:
    """Whether the first cells are months such as "01.2020", which look like numbers."""
    sample = first_present(cells, 100)
    return any(cell.startswith("0") for cell in sample) and all(re.search(_MONTH_FIRST, cell.strip()) for cell in sample)


def parse_dates(cells: pa.ChunkedArray, order: str, default: str) -> tuple[Times | None, str]:
    """The cells as dates in UTC without a time zone, or None if fewer than 80% are dates; and why, if at least half are.

    Parameters
    ----------
    cells : trimmed text, null for missing values
    order : "dmy" or "mdy" for the order of day and month, or "" to decide by the days above 12 in the whole column
    default : the order if the column does not decide
    """
    sample = first_present(cells, 100)
    if sum(map(is_date, sample)) < 0.5 * len(sample):
        return None, ""
    with contextlib.suppress(pa.ArrowInvalid):  # fast, if all cells are ISO dates without time zones
        return Times(cells.cast(pa.timestamp("us")).to_pandas()), ""
    count, doubt = len(cells) - cells.null_count, ""
    if any(re.search(f"{_DAY_OR_MONTH_FIRST}|{_SHORT_YEAR}", cell) for cell in sample):
        found = order or _order(cells)
        if not found and any(re.match(r"\d{1,2}\.\d", cell) for cell in sample):
            found = "dmy"  # periods are used in countries in which the day comes first
        doubt = "" if found and not order else (order or default)
        cells = _day_or_month_first(cells, found or default)
    cells = pc.replace_substring_regex(cells, _MONTH, r"\1-\2-01")
    cells = pc.replace_substring_regex(cells, _MONTH_FIRST, r"\2-\1-01")
    cells = pc.replace_substring_regex(cells, _YEAR_FIRST, r"\1-\2-\3\4")
    if any(re.search("[A-Za-z]{3}", cell) for cell in sample):
        cells = pc.replace_substring_regex(cells, _MONTH_NAME, r"\3-\2-\1\4")
        for years, century in _CENTURIES:
            cells = pc.replace_substring_regex(cells, rf"^{years}(-[A-Za-z])", rf"{century}\1\2")
        cells = pc.replace_substring_regex(cells, _NAME_AND_YEAR, r"\2-\1-01")
        cells = pc.replace_substring_regex(cells, _NAME_FIRST, r"\3-\1-\2\4")
        for number, name in enumerate(_NAMES, 1):
            cells = pc.replace_substring_regex(cells, f"-(?i:{name})[a-z]*-", f"-{number:02}-")
    values = _from_iso(cells, any(re.search("[AaPp]\\.?[Mm]", cell) for cell in sample))
    dates = int(values.notna().sum())
    if dates < 0.8 * count:
        return None, f" is text, because only {dates:,} of its {count:,} cells are dates." if 2 * dates >= count else ""
    return Times(values, doubt), ""


def _order(cells: pa.ChunkedArray) -> str:
    """The order of day and month that more cells allow, or "" if all allow both."""
    parts = pc.extract_regex(cells, r"^(?P<a>\d{1,2})[/.-](?P<b>\d{1,2})[/.-]\d{2,4}")
    first, second = (pc.greater(pc.cast(pc.struct_field(parts, [i]), pa.int8()), 12) for i in range(2))
    day_first, month_first = (pc.sum(above).as_py() or 0 for above in (first, second))
    return "" if day_first == month_first else ("dmy" if day_first > month_first else "mdy")


def _day_or_month_first(cells: pa.ChunkedArray, order: str) -> pa.ChunkedArray:
    """The cells with the year in front."""
    for years, century in _CENTURIES:
        pattern = rf"^(\d{{1,2}})([/.])(\d{{1,2}})[/.]{years}({_TIME})$"
        cells = pc.replace_substring_regex(cells, pattern, rf"\1\2\3\2{century}\4\5")
    return pc.replace_substring_regex(cells, _DAY_OR_MONTH_FIRST, r"\4-\3-\1\5" if order == "dmy" else r"\4-\1-\3\5")


def _from_iso(cells: pa.ChunkedArray, twelve_hours: bool) -> pd.Series:
    """Dates with the year first; missing where that is not possible."""
    for pattern, padded in (
        (r"-(\d)-", r"-0\1-"),
        (r"-(\d)($|[T, ])", r"-0\1\2"),
        (r"(?:T|,? +)(\d{1,2}:)", r" \1"),
        (r" (\d):", r" 0\1:"),
    ):
        cells = pc.replace_substring_regex(cells, pattern, padded)
    cells = pc.replace_substring_regex(cells, r" ?(?:UTC|GMT)$", "Z")
    cells = pc.replace_substring_regex(cells, r"(:\d{2}),(\d+)", r"\1.\2")
    cells = pc.replace_substring_regex(cells, r" ([+-]\d{2}(?::?\d{2})?)$", r"\1")
    if twelve_hours:
        cells = pc.replace_substring_regex(cells, r" (\d{2}:\d{2}) ?([AaPp])", r" \1:00 \2")
        cells = pc.ascii_upper(pc.replace_substring_regex(cells, r" ?([AaPp])\.?([Mm])\.?$", r" \1\2"))
        return pd.to_datetime(cells.to_pandas(), format="%Y-%m-%d %I:%M:%S %p", errors="coerce")
    values = pd.to_datetime(cells.to_pandas(), format="ISO8601", errors="coerce", utc=True)
    return values.dt.tz_localize(None)


def parse_durations(cells: pa.ChunkedArray) -> Times | None:
    """Times of day such as "10:30" and durations such as "2 days 03:00:00" in hours, or None if fewer than 80% are such.

    If some cells have three parts, as in "1:02:03", those with two are minutes and seconds.
    """
    sample = first_present(cells, 100)
    if sum(map(is_time, sample)) < 0.5 * len(sample):
        return None
    count = len(cells) - cells.null_count
    cells = pc.if_else(pc.match_substring_regex(cells, f"{_CLOCK}|{_DURATION}"), cells, None)
    if len(cells) - cells.null_count < 0.8 * count:
        return None
    if any(re.search("[AaPp]\\.?[Mm]", cell) for cell in sample):
        times = _from_iso(pc.binary_join_element_wise("1970-01-01", cells, " "), True)
        return Times(((times - pd.Timestamp(0)) / pd.Timedelta(hours=1)).to_numpy(dtype=float))
    cells = pc.replace_substring(pc.replace_substring(cells, "day,", "day"), "days,", "days")
    cells = pc.replace_substring(cells, ",", ".")
    three_parts = pc.any(pc.match_substring_regex(cells, r"^\d+:\d+:")).as_py()
    cells = pc.replace_substring_regex(cells, r"^(\d+:\d+)$", r"0:\1" if three_parts else r"\1:00")
    return Times((pd.to_timedelta(cells.to_pandas(), errors="coerce") / pd.Timedelta(hours=1)).to_numpy(dtype=float))


def compact_dates(values: np.ndarray) -> pd.Series | None:
    """Dates such as 20210131, written without separators, or None if there are other numbers or fewer than three dates."""
    present = values[np.isfinite(values)]
    if not len(present) or present.min() < 1900_01_01 or present.max() > 2099_12_31 or len(np.unique(present)) < 3:
        return None
    if not (present == np.round(present)).all():
        return None
    cells = pd.Series(values).astype("Int64").astype("string")
    dates = pd.to_datetime(cells, format="%Y%m%d", errors="coerce")
    return dates if dates.notna().sum() == len(present) else None

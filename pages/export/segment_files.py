"""Segments as tables: all rows of the original table with their segments, and a summary of the segments."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from pages.datasets.cleaning import select_columns
from pages.datasets.columns import is_number
from pages.datasets.data import Data
from pages.export.files import OnProgress, ignore_progress
from pages.export.spreadsheets import table_csv, table_excel
from pages.runs.profiles import Profiles
from pages.runs.segments import Segments, segments_of

NOISE = "noise: not in any segment"
DROPPED = "dropped by hand"


def table_with_segments(segments: Segments) -> pd.DataFrame:
    """All rows and columns of the original table in their order, followed by columns with the segment of each row.

    These are its number from 1, its name, the membership of the row in it or the distance of the row to it, and the reason if
    the row is in no segment. Their names get a number if the table already has a column of this name. Points without a table
    have the columns of the data in their own units.
    """
    data, table = segments.data, whole_table(segments)
    rows = _rows(data)
    labels, values = np.full(len(table), -1), np.full(len(table), np.nan)
    labels[rows] = segments.labels
    name, values[rows] = _closeness(segments)
    columns = {
        "segment": _numbers(labels),
        "segment name": np.array([*segments.names, None], dtype=object)[labels],  # the last entry is for label -1
        name: values,
        "left out because": reasons(segments),
    }
    names = distinct_from(columns, table.columns)
    return table.assign(**dict(zip(names, columns.values(), strict=True)))


def whole_table(segments: Segments) -> pd.DataFrame:
    """All rows and columns of the table that the points are rows of; a table of the points if there is none."""
    return segments.table if segments.data.origin is None else segments.data.origin.table


def reasons(segments: Segments) -> np.ndarray:
    """(rows of the whole table,) why each row is in no segment; empty for rows in a segment."""
    data = segments.data
    found = np.full(len(segments.labels), "", dtype=object) if data.origin is None else _reasons_of_preparation(data)
    found[_rows(data)] = _reasons_of_segments(segments)
    return found


def _rows(data: Data) -> np.ndarray:
    """(n,) positions of the points in the whole table."""
    return np.arange(len(data.rows)) if data.origin is None else data.rows - 1


def rows_csv(segments: Segments, on_progress: OnProgress = ignore_progress) -> bytes:
    """Return the table with segments as CSV."""
    return table_csv(table_with_segments(segments), on_progress)


def rows_excel(segments: Segments, on_progress: OnProgress = ignore_progress) -> bytes:
    """Return the table with segments as an Excel file. Raises ValueError as in `table_excel`."""
    return table_excel(table_with_segments(segments), "Rows", on_progress)


def distinct_from(names: Collection[str], taken: Collection[str]) -> list[str]:
    """The names, with " (2)", " (3)", … appended to those that are taken or repeated."""
    used, distinct = set(taken), []
    for name in names:
        candidate, count = name, 2
        while candidate in used:
            candidate, count = f"{name} ({count})", count + 1
        used.add(candidate)
        distinct.append(candidate)
    return distinct


def _numbers(labels: np.ndarray) -> pd.api.extensions.ExtensionArray:
    """The numbers of segments, from 1; missing for label -1."""
    numbers = pd.array(labels + 1, dtype="Int64")
    numbers[labels < 0] = pd.NA
    return numbers


def _closeness(segments: Segments) -> tuple[str, np.ndarray]:
    """(n,) membership of each point in its segment, or distance to it, and its name; NaN for points in no segment."""
    if segments.memberships is not None:
        name, values = segments.run.view.traits.membership, segments.memberships
    else:
        in_pairs = segments.run.view.matrix_metric(segments.run.settings) is not None
        name, values = "mean distance to segment" if in_pairs else "distance to center", segments.distances
    own, inside = np.full(len(segments.labels), np.nan), np.flatnonzero(segments.labels >= 0)
    own[inside] = values[inside, segments.labels[inside]]
    return name, own


def _reasons_of_preparation(data: Data) -> np.ndarray:
    """(rows of the table,) why each row is not a point; empty for points."""
    table, preparation = data.origin.table, data.origin.preparation
    reasons = np.full(len(table), f"not in the random sample of {len(data.rows):,} points", dtype=object)
    reasons[data.rows - 1] = ""
    if preparation.missing != "drop" or len(data.rows) == len(table):
        return reasons
    selected = select_columns(table, preparation)
    is_missing = dict(zip(selected.number_names, np.isnan(selected.numbers).T, strict=True))
    is_missing |= dict(zip(selected.category_names, (selected.codes < 0).T, strict=True))
    gaps = np.column_stack([is_missing[name] for name in preparation.columns])
    gaps = gaps * np.column_stack([1 + _is_infinite(table[name]) for name in preparation.columns])
    rows = np.flatnonzero(gaps.any(axis=1))
    patterns, pattern_of = np.unique(gaps[rows], axis=0, return_inverse=True)
    texts = []
    for pattern in patterns:
        parts = []
        for code, what in ((1, "missing value"), (2, "infinite value")):
            names = [name for name, found in zip(preparation.columns, pattern == code, strict=True) if found]
            parts += [f"{what} in {', '.join(names)}"] * bool(names)
        texts.append("; ".join(parts))
    reasons[rows] = np.array(texts, dtype=object)[pattern_of.ravel()]
    return reasons


def _is_infinite(cells: pd.Series) -> np.ndarray:
    """(n,) whether each cell is an infinite number."""
    return np.isinf(cells.to_numpy(dtype=float, na_value=np.nan)) if is_number(cells) else np.zeros(len(cells), dtype=bool)


def _reasons_of_segments(segments: Segments) -> np.ndarray:
    """(n,) why each point is in no segment; empty for points in a segment."""
    outside = segments.labels < 0
    reasons = np.where(outside, NOISE, "").astype(object)
    if outside.any():
        before = segments_of(segments.run)
        for edit in segments.edits:
            after = before.edited(edit)
            reasons[outside & (before.labels >= 0) & (after.labels < 0)] = DROPPED
            before = after
    return reasons


def summary_table(profiles: Profiles) -> pd.DataFrame:
    """One row for each segment and one for all rows: number, name, size, share, means of columns, shares of categories.

    With weights of rows, sizes are their sums, and means and shares are weighted.
    Means are in the units of the original table; means and shares are those of the rows with a value.
    """
    return _summary(profiles)[0]


def summary_csv(profiles: Profiles) -> bytes:
    """Return the summary as CSV."""
    return table_csv(summary_table(profiles))


def summary_excel(profiles: Profiles) -> bytes:
    """Return the summary as an Excel file, with shares as percentages."""
    table, shares = _summary(profiles)
    return table_excel(table, "Summary", shares=shares)


def _summary(profiles: Profiles) -> tuple[pd.DataFrame, set[str]]:
    """The summary, and the names of its columns that are shares."""
    segments = profiles.segments
    groups = [*(segments.labels == i for i in range(segments.k)), np.ones(len(segments.labels), dtype=bool)]
    sizes = np.array([segments.size_of(group) for group in groups])
    columns = [
        ("segment", _numbers(np.append(np.arange(segments.k), -1))),
        ("segment name", np.array([*segments.names, "All rows"], dtype=object)),
        ("size" if segments.weights is None else "sum of weights", sizes),
        ("share", sizes / segments.total),
    ]
    shares = [3]
    for variable in profiles.variables:
        means = np.array([variable.means_of(group, segments.weights) for group in groups]).T
        if variable.categories:
            shares += range(len(columns), len(columns) + len(means))
            columns += zip((f"{variable.name} = {category}" for category in variable.categories), means, strict=True)
        elif variable.kind == "date":
            columns.append((f"{variable.name} (mean)", pd.to_datetime(np.round(means[0]), unit="D")))
        else:
            columns.append((f"{variable.name} (mean)", means[0]))
    names = distinct_from([name for name, _ in columns], ())
    table = pd.DataFrame(dict(zip(names, (values for _, values in columns), strict=True)))
    return table, {names[j] for j in shares}

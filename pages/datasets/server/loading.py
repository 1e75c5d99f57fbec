"""Turns a table on the server into points: a random sample in memory, and all rows in blocks."""

import threading
from collections.abc import Callable
from weakref import WeakValueDictionary

import numpy as np
import pandas as pd

from pages.datasets.cleaning import SCALING_SUFFIXES, SCALINGS, shift_and_scale
from pages.datasets.data import ColumnScaling, Data
from pages.datasets.limits import MAX_COLUMNS
from pages.datasets.server.rows import AllRows, Summary, summarize, summary_key
from pages.datasets.server.tables import ServerTable, UnreadableTable, describe

_loaded: WeakValueDictionary = WeakValueDictionary()
"""data sets that some visitor is using, so that others need not read the table again"""
_lock = threading.Lock()


def load(
    table: ServerTable, columns: list[str], scaling: str, label: str | None, on_progress: Callable[[float], None]
) -> Data:
    """The points of a table on the server, read once to find missing values, the scaling and the sample.

    Parameters
    ----------
    columns : numeric columns.
    scaling : key of `SCALINGS`.
    label : column of true labels, or None.
    on_progress : called with the completed share; it may raise an exception to stop.

    Raises
    ------
    UnreadableTable
        If the table has no such columns, cannot be read, or has fewer than two complete rows.
    """
    known = describe(table)
    numbers, names = ([column.name for column in known.columns if column.is_number or every] for every in (False, True))
    if scaling not in SCALINGS or not set(columns) <= set(numbers) or label not in (None, *names):
        raise UnreadableTable(f"The table “{table.name}” has changed: choose its columns again.")
    if not 1 <= len(columns) <= MAX_COLUMNS:
        raise UnreadableTable(f"Choose between 1 and {MAX_COLUMNS:,} columns of numbers.")
    key = (table, tuple(columns), scaling, label)
    with _lock:
        if key in _loaded:
            return _loaded[key]
    data = _data(table, columns, scaling, label, *summarize(table, columns, label, on_progress))
    with _lock:
        _loaded[key] = data
    return data


def _data(table: ServerTable, columns: list[str], scaling: str, label: str | None, summary: Summary, parts: list) -> Data:
    order = np.lexsort(summary.places.T[::-1])
    sample, places = summary.sample[order], summary.places[order]
    shift, scale = _shift_and_scale(summary, scaling)
    used = [i for i, count in enumerate(summary.complete) if count]
    rows = AllRows(
        table.name,
        tuple(parts[i] for i in used),
        tuple(summary.complete[i] for i in used),
        tuple(columns),
        shift,
        scale,
    )
    first_rows = np.cumsum([0, *summary.rows])
    total, left_out = int(first_rows[-1]), int(first_rows[-1]) - rows.n
    notes = []
    if left_out:
        were = "was" if left_out == 1 else "were"
        notes.append(f"{left_out:,} of {total:,} rows {were} left out because of missing or infinite values.")
    if rows.n > len(sample):
        notes.append(f"Labels, tooltips and other results per point are shown for a random sample of {len(sample):,} rows.")
    if scaling == "robust" and rows.n > len(sample):
        notes.append("The scaling uses the quartiles of the sample.")
    labels = None
    if label is not None:
        texts = pd.Series(summary.labels[order])
        labels = pd.factorize(texts.where(texts != ""), sort=True)[0]
    return Data(
        key=summary_key(summary, table.name, columns, scaling, label),
        title=table.name,
        columns=tuple(f"{column}{SCALING_SUFFIXES[scaling]}" for column in columns),
        points=(sample - shift) / scale,
        labels=labels,
        label_name=label or "",
        note=" ".join(notes),
        rows=first_rows[places[:, 0]] + places[:, 1] + 1,
        noun="row",
        scaling=None if scaling == "none" else ColumnScaling(scaling, tuple(columns), shift, scale),
        all_rows=rows,
    )


def _shift_and_scale(summary: Summary, scaling: str) -> tuple[np.ndarray, np.ndarray]:
    """(d,) shift and (d,) scale, computed from all rows, but quartiles from the sample; as in `shift_and_scale`."""
    if scaling in ("none", "robust"):
        return shift_and_scale(summary.sample, scaling)
    varies = summary.high > summary.low
    if scaling == "standardize":
        shift, scale = summary.mean, np.sqrt(summary.squares / sum(summary.complete))
    else:
        shift, scale = summary.low, summary.high - summary.low
    return np.where(varies, shift, summary.low), np.where(varies & (scale > 0), scale, 1.0)

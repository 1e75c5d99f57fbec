"""Shows how a file was read, next to its first lines, with the choices that change it."""

import itertools
from dataclasses import replace
from typing import Any

import pandas as pd
import streamlit as st

from pages.datasets import readers
from pages.datasets.formatting import escape_markdown, truncate
from pages.datasets.opened import Opened
from pages.datasets.readers import Doubt, Format
from pages.ui.widgets import PERSISTENT

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", " ": "space", "": "none (single column)"}
SEPARATORS |= {"::": "two colons", ":": "colon", "^": "caret", "~": "tilde"}
NUMBER_SEPARATORS = {"": "none", ",": "comma", ".": "period", " ": "space", "'": "apostrophe"}
CHOICES: dict[str, tuple[str, dict]] = {
    "separator": ("Separator", SEPARATORS),
    "header": ("Header rows", {0: "none", 1: "1", 2: "2", 3: "3", 4: "4"}),
    "transposed": ("Transpose", {False: "no", True: "yes"}),
    "row_names": ("Row names", {False: "none", True: "first column"}),
    "decimal": ("Decimal separator", {mark: NUMBER_SEPARATORS[mark] for mark in ".,"}),
    "thousands": ("Thousands separator", NUMBER_SEPARATORS),
    "dates": ("Day and month", {"": "automatic", "dmy": "day first", "mdy": "month first"}),
    "encoding": ("Encoding", readers.ENCODINGS),
    "quote": ("Quotation mark", {'"': "double", "'": "single", "": "none"}),
    "comment": ("Comment lines", {"": "none", "#": "# …", "%": "% …"}),
    "ignore_case": ("Letter case", {False: "distinguish", True: "ignore"}),
}
"""label and values of each field of `Format` that can be chosen from a list"""
FIELDS = {
    "text": ("separator", "skip", *(name for name in list(CHOICES)[1:] if name != "transposed"), "missing"),
    "workbook": ("skip", "header", "row_names", "decimal", "thousands", "dates", "missing", "ignore_case"),
    "json": ("header", "transposed", "encoding", "decimal", "thousands", "dates", "missing", "ignore_case"),
}
"""fields of `Format` that can be changed, by kind of file"""
KIND_NAMES = {
    "text": "text file",
    "workbook": "workbook",
    "parquet": "Parquet",
    "arrow": "Arrow",
    "json": "JSON",
    "npy": "NumPy array",
}
MAX_SKIPPED = 10_000
PREVIEW_ROWS = 7
"""rows that are shown as they were read"""
MAX_PREVIEW_COLUMNS = 50
MAX_MARKS = 6
"""maximum number of markers of missing values that are shown"""
PREVIEW_HEIGHT = 248
WIDTH = 140
"""of each widget, in pixels"""


def choose_format(key: str, detected: Format) -> Format:
    """Shows the widgets that change the format of a file and returns it; `detected` is the initial choice.

    `key` identifies the file.
    """
    chosen: dict[str, Any] = {}
    with st.container(horizontal=True, key="import_options"):
        for name in FIELDS.get(detected.kind, ("missing", "ignore_case")):
            chosen[name] = _choose(f"{key}_{name}", name, getattr(detected, name))
    for name in vars(detected).keys() - chosen.keys():  # without a widget, but changed by the button of a doubt
        chosen[name] = st.session_state.get(f"{key}_{name}", getattr(detected, name))
    if "decimal" in chosen and chosen["decimal"] == chosen["thousands"]:  # keep the one that the user has changed
        other = "thousands" if chosen["decimal"] != detected.decimal else "decimal"
        chosen[other] = "" if other == "thousands" else ",."[chosen["thousands"] == ","]
    return replace(detected, **chosen)


def _choose(key: str, name: str, initial: Any) -> Any:
    """One field of a format."""
    if name == "skip":
        label = "Lines to skip"
        return int(st.number_input(label, 0, max(MAX_SKIPPED, initial), initial, key=key, width=WIDTH, **PERSISTENT))
    if name == "missing":
        marks = st.text_input(
            "Missing-value codes",
            " ".join(initial),
            key=key,
            width=WIDTH,
            placeholder="-999 unknown",
            help="Cells that stand for missing values, in addition to the usual ones such as NA, n/a, - and #DIV/0!. "
            "Separate them with spaces.",
            **PERSISTENT,
        )
        return tuple(marks.split())
    label, options = CHOICES[name]
    return _select(label, options if initial in options else options | {initial: str(initial)}, initial, key)


def _select(label: str, options: dict, initial: Any, key: str) -> Any:
    index = list(options).index(initial)
    return st.selectbox(label, list(options), index, format_func=options.get, key=key, width=WIDTH, **PERSISTENT)


def show_reading(opened: Opened, content: bytes) -> None:
    """Shows the first lines of a file next to the first rows of its table."""
    st.caption(escape_markdown(_summary(opened.format)))
    reading = opened.reading
    start = reading.start if reading else readers.first_lines(content, opened.format)
    places = [st.container()]
    if start:
        places = st.columns(2, gap="small")
        with places[0]:
            st.caption("First lines of the file")
            st.code("\n".join(start), language=None, height=min(PREVIEW_HEIGHT, 40 + 23 * len(start)))
    if reading is None:
        return
    with places[-1]:
        st.caption("The table as it was read")
        table = reading.table.iloc[:PREVIEW_ROWS, :MAX_PREVIEW_COLUMNS]
        dates = {name: st.column_config.DateColumn() for name, column in table.items() if is_date_only(column)}
        st.dataframe(table, hide_index=True, height=min(PREVIEW_HEIGHT, 38 + 35 * len(table)), column_config=dates)


def show_findings(key: str, opened: Opened) -> None:
    """Shows what was changed when a file was read, and doubts with buttons for the alternatives.

    `key` identifies the file, as in `choose_format`.
    """
    reading = opened.reading
    if reading is None:
        return
    for sentence, doubts in itertools.groupby(reading.doubts, lambda doubt: doubt.sentence):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/help: {escape_markdown(sentence)}", width="content")
            for doubt in doubts:
                _show_alternative(key, doubt)
    notes = list(reading.notes)
    if reading.gaps:
        gaps = [f"{count:,} × “{truncate(mark)}”" for mark, count in reading.gaps]
        more = f" and {len(gaps) - MAX_MARKS} other marks" if len(gaps) > MAX_MARKS else ""
        notes.insert(0, f"Treated as missing, besides empty cells: {', '.join(gaps[:MAX_MARKS])}{more}.")
    if notes:
        st.caption("  \n".join(map(escape_markdown, notes)))


def is_date_only(column: pd.Series) -> bool:
    """Whether a column holds dates without times."""
    return pd.api.types.is_datetime64_any_dtype(column) and (column.dropna() == column.dropna().dt.normalize()).all()


def _show_alternative(key: str, doubt: Doubt) -> None:
    def apply():
        for name, value in doubt.changes:
            state = f"{key}_{name}"
            if name == "missing":
                value = " ".join([st.session_state.get(state, ""), *value]).strip()
            st.session_state[state] = value

    st.button(escape_markdown(doubt.alternative), on_click=apply, key=f"doubt {key} {doubt.sentence} {doubt.alternative}")


def _summary(format: Format) -> str:
    """The kind of file and, for text, how it was read."""
    kind = f"{KIND_NAMES[format.kind]}{' (compressed)' * format.compressed}"
    details = [f"header: {'yes' if format.header else 'no'}"] if format.kind in ("text", "workbook") else []
    if format.kind == "text":
        details = [
            f"separator: {SEPARATORS.get(format.separator, format.separator)}",
            f"decimal separator: {NUMBER_SEPARATORS[format.decimal]}",
            f"thousands separator: {NUMBER_SEPARATORS[format.thousands]}",
            f"encoding: {readers.ENCODINGS[format.encoding]}",
            *details,
        ]
    if format.skip:
        details.append(f"lines skipped above the table: {format.skip:,}")
    return "; ".join([f"Format: {kind}", *details]) + "."

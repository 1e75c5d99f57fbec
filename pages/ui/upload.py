"""What people bring: a file, pasted text or a drawing."""

import hashlib
from dataclasses import replace

import numpy as np
import streamlit as st

from pages.datasets import cleaning, matrices, readers
from pages.datasets.columns import describe
from pages.datasets.data import Data
from pages.datasets.formatting import plain
from pages.datasets.readers import Format, Reading
from pages.ui.drawing import draw_points
from pages.ui.preparation import Source, prepare
from pages.ui.widgets import PERSISTENT, session_cache

HOWS = {"file": "File", "paste": "Paste", "draw": "Draw"}
DRAWN_IN = (0.0, 12.0, 0.0, 6.0)
"""the plane to draw in"""
LOOKED_AT = 2**20
"""characters of a text by which it is judged"""


def bring() -> Data | None:
    """Own data, from a file, as text or drawn; None if there are none yet."""
    how = st.segmented_control(
        "How",
        list(HOWS),
        format_func=HOWS.get,
        default="file",
        required=True,
        key="how",
        label_visibility="collapsed",
        **PERSISTENT,
    )
    found = {"file": _file, "paste": _pasted, "draw": _drawn}[how]()
    return prepare(found, full=True) if isinstance(found, Source) else found


def _drawn() -> Data | None:
    empty = np.empty((0, 2))
    points = draw_points("drawing", st.session_state.get("drawn", empty), DRAWN_IN, names=("x", "y"), to_scale=True)
    st.session_state["drawn"] = points
    if len(points) < 2:
        st.caption("Put down at least two points.")
        return None
    key = f"drawn/{hashlib.sha256(points.tobytes()).hexdigest()[:16]}"
    return Data(key=key, title="Drawn points", columns=("x", "y"), points=points, same_units=True)


def compare_words(source: Source, column: str) -> Data:
    """The different texts of a column, with their edit distances."""

    def make():
        with st.spinner("Comparing the spellings"):
            return matrices.from_words(source.table[column], f"{source.title}: {column}")

    return session_cache().get(("words", source.key, column), make)


def _lay_out(key: str, make) -> Data:
    """Data of proximities, from the store if they are there."""

    def slowly():
        with st.spinner("Laying the proximities out in the plane"):
            return make()

    return session_cache().get(("matrix", key), slowly)


def _file() -> Source | Data | None:
    """The uploaded file, as a table or as what its proximities make; None if there is none yet."""
    limit = st.get_option("server.maxUploadSize")
    st.file_uploader(
        f"A table with one row per point, or a square table of proximities; up to {limit} MB",
        type=["csv", "tsv", "txt", "xlsx", "parquet", "json", "jsonl", "npy", "gz"],
        key="file",
        on_change=_keep_upload,
    )
    file = st.session_state.get("upload")
    if file is None:
        return None
    if st.session_state["file"] is None:  # the uploader has forgotten it
        st.caption(plain(f"{file.name}, {_size(file.size)}"))
    return _choose_reading(file.name, f"file {file.file_id}", file.getvalue())


def _pasted() -> Source | Data | None:
    text = st.text_area(
        "A table as text, with a line for each row",
        height=180,
        key="pasted",
        placeholder="length,width\n5.1,3.5\n4.9,3.0",
        **PERSISTENT,
    )
    if not text:
        return None
    content = text.encode("utf-8")
    return _choose_reading("Pasted text", f"pasted {hashlib.sha256(content).hexdigest()[:16]}", content)


def _keep_upload() -> None:
    """Keeps the file, which the uploader forgets as soon as another kind of data is looked at; until it is taken back."""
    st.session_state["upload"] = st.session_state["file"]


def _size(size: int) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"


MEANINGS = {"table": "Rows and columns", "proximities": "Proximities of pairs", "words": "Words by their spelling"}


def _choose_reading(title: str, key: str, content: bytes) -> Source | Data:
    name = title if key.startswith("file") else "pasted.csv"
    detected = session_cache().get(("detected", key), lambda: readers.detect(content, name))
    chosen = _choose_format(key, detected)
    key = f"{key} {chosen}"
    separator = session_cache().get(("triangle", key), lambda: _triangle_separator(content, chosen))
    # lines of unequal length are no table, so the meaning has to be chosen first
    if separator and _choose_meaning(key, ["proximities", "table"], "proximities") == "proximities":
        st.caption("Each line has one number more than the line before: one triangle of a matrix.")
        return _lay_out(key, lambda: matrices.from_text(readers.text_of(content, chosen), separator, chosen.decimal, title))
    reading = session_cache().get(("read", key), lambda: readers.read(content, name, chosen))
    if len(reading.sheets) > 1:
        sheet = st.selectbox(
            "Sheet", reading.sheets, reading.sheets.index(reading.format.sheet), key=f"{key}_sheet", **PERSISTENT
        )
        key = f"{key} {sheet}"
        reading = session_cache().get(("read", key), lambda: readers.read(content, name, replace(chosen, sheet=sheet)))
    for note in reading.notes:
        st.caption(plain(note))
    return _understood(title, key, reading, "table" if separator else None)


def _triangle_separator(content: bytes, format: Format) -> str | None:
    """What separates the numbers of a triangle of proximities, if the file begins like one."""
    if format.kind != "text":
        return None
    text = readers.text_of(content, format)
    begin = text[:LOOKED_AT]
    return matrices.triangle_separator(begin if begin == text else begin[: begin.rfind("\n") + 1])


def _understood(title: str, key: str, reading: Reading, meaning: str | None) -> Source | Data:
    """The table as points, proximities or words, as `meaning` or a person says."""

    def look():
        columns = describe(reading.table)
        return Source(key, title, reading.table, columns, cleaning.sensible(columns), PERSISTENT)

    square = session_cache().get(("square", key), lambda: matrices.looks_like_proximities(reading.table))
    if square and _choose_meaning(key, ["proximities", "table"], "proximities") == "proximities":
        return _lay_out(key, lambda: matrices.from_table(reading.table, reading.format.header, title))
    source = session_cache().get(("source", key), look)
    texts = [c.name for c in source.columns if c.kind in ("text", "identifier", "category")]
    numbers = any(c.usable for c in source.columns)
    if not square and meaning is None:
        meanings = ["table", "proximities", *["words"] * bool(texts)]
        meaning = _choose_meaning(key, meanings, "table" if numbers or not texts else "words")
        rows, columns = reading.table.shape
        if meaning == "table" and columns - rows in (0, 1) and rows > 2:
            st.caption(f"This table is square: if it holds proximities, choose “{MEANINGS['proximities']}”.")
    if meaning == "proximities":
        return _lay_out(key, lambda: matrices.from_table(reading.table, reading.format.header, title))
    if meaning == "words":
        if not numbers:
            st.caption("This table has no column of numbers to cluster by, but its words can be compared by their spelling.")
        return compare_words(source, st.selectbox("Column of words", texts, key=f"{key}_words", **PERSISTENT))
    return source


def _choose_meaning(key: str, offered: list[str], default: str) -> str:
    return st.segmented_control(
        "Take it as",
        offered,
        format_func=MEANINGS.get,
        default=default,
        required=True,
        key=f"{key}_taken",
        help="K-medoids works on proximities directly: distances, or any other dissimilarities. Words are compared by edit "
        "distance: how many letters must be put in, taken out or replaced.",
        **PERSISTENT,
    )


SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar |", " ": "blanks", "": "none: a single column"}
MARKS = {"": "none", ",": "comma", ".": "point", " ": "blank", "'": "apostrophe"}
ENCODINGS = {"utf-8": "UTF-8", "utf-16": "UTF-16", "latin-1": "Latin-1"}


def _choose_format(key: str, detected: Format) -> Format:
    """What was detected, in a line, and the widgets that change it."""
    if detected.kind not in ("text", "xlsx"):
        st.caption(plain(f"Read as {detected.kind}{', compressed' * detected.compressed}."))
        return detected
    kept = {name: st.session_state.get(f"{key}_{name}", value) for name, value in vars(detected).items()}
    shown = kept | dict(header="yes" if kept["header"] in (True, "yes") else "no")
    told = f"header: {shown['header']}"
    if detected.kind == "text":
        told = (
            f"separator: {SEPARATORS.get(kept['separator'], kept['separator'])}; decimal mark: {MARKS[kept['decimal']]}; "
            f"thousands mark: {MARKS[kept['thousands']]}; encoding: {ENCODINGS[kept['encoding']]}; {told}"
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(plain(f"Read as {detected.kind}{', compressed' * detected.compressed}; {told}."), width="content")
        box = st.popover("Change how it is read", icon=":material/tune:")
    choices = dict(header=dict(yes="yes", no="no"))
    labels = dict(
        header="First row holds the names",
        separator="Separator",
        decimal="Decimal mark",
        thousands="Thousands mark",
        encoding="Encoding",
    )
    if detected.kind == "text":
        choices = (
            dict(separator=SEPARATORS, decimal={m: MARKS[m] for m in ".,"}, thousands=MARKS, encoding=ENCODINGS) | choices
        )
    chosen = {}
    with box:
        for name, options in choices.items():
            default = getattr(detected, name)
            default = {True: "yes", False: "no"}.get(default, default)
            chosen[name] = st.selectbox(
                labels[name],
                list(options),
                index=list(options).index(default),
                format_func=options.get,
                key=f"{key}_{name}",
                **PERSISTENT,
            )
    if "decimal" in chosen and chosen["decimal"] == chosen["thousands"]:  # the one that was changed is the one that was meant
        other = "thousands" if chosen["decimal"] != detected.decimal else "decimal"
        chosen[other] = "" if other == "thousands" else ",."[chosen["thousands"] == ","]
    return replace(detected, **chosen | dict(header=chosen["header"] == "yes"))

"""The choice of a data set: its widgets, which are the same in the sidebar of every page and, with more to see, on Data."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import streamlit as st

from pages.shared import datasets, matrices, readers, tables
from pages.shared.datasets import SAMPLES, TABLES, Data
from pages.shared.drawing import draw_points
from pages.shared.readers import Format, Reading
from pages.shared.tables import GAPS, SCALINGS, Column, Preparation
from pages.shared.widgets import KEPT, SHARED, plain, recent

SIZES = (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000)
HOWS = {"file": "File", "paste": "Paste", "draw": "Draw"}
DRAWN_IN = (0.0, 12.0, 0.0, 6.0)
SOURCES = {"sample": "Sample", "real": "Real", "own": "Your own"}


def current() -> Data:
    """The data set that every page uses: the last good one."""
    return st.session_state.get("last data") or datasets.draw_sample("three", 500, 0, {})


def choose_data(full: bool) -> None:
    """The choice of a data set, in full on the page Data, else as short as a sidebar needs it.

    What cannot be used is said in one sentence, and the last good one stays. These widgets are drawn by the frame on every
    page, because what a page draws itself is another widget to Streamlit, and its value would not follow a person around.
    """
    source = st.segmented_control(
        "Where from",
        list(SOURCES),
        format_func=SOURCES.get,
        default="sample",
        required=True,
        key="source",
        label_visibility="collapsed",
        width="stretch",
        **SHARED,
    )
    st.session_state["nothing yet"] = ""
    try:
        data = {"sample": _sample, "real": _real, "own": _own if full else _brought}[source](full)
    except ValueError as fault:
        st.error(plain(str(fault)), icon=":material/error:")
        st.session_state["nothing yet"] = f"Still used on every page: {current().title}."
    else:
        if data is None:
            st.session_state["nothing yet"] = f"Until then every page goes on with {current().title}."
        else:
            st.session_state["last data"] = data
            if source == "own":
                st.session_state["own"] = data
    if not full:
        st.caption(plain(f"{st.session_state['nothing yet']} {summary(current())}".strip()))
        label = "Bring a file, paste, or draw" if source == "own" else "See it, clean it, choose columns"
        st.page_link("pages/explore/data.py", label=label, icon=":material/table_chart:")


def summary(data: Data) -> str:
    """How much there is of it, and what was done to it."""
    n, d = data.points.shape
    if data.given is not None:
        return f"{n:,} × {n:,} {data.given_name}. {data.note}"
    return f"{n:,} point{'s' * (n > 1)}, {d} column{'s' * (d > 1)}. {data.note}".strip()


def _sample(full: bool) -> Data:
    name = st.selectbox("Sample", list(SAMPLES), format_func=lambda name: SAMPLES[name].title, key="sample", **SHARED)
    sample = SAMPLES[name]
    st.caption(sample.text)
    values = {}
    # side by side where there is room, else below each other
    places = st.columns(2 + len(sample.settings), gap="medium") if full else [st.container()] * (2 + len(sample.settings))
    with places[0]:
        n = st.select_slider("Points", SIZES, value=500, format_func="{:,}".format, key="n", **SHARED)
    for setting, place in zip(sample.settings, places[1:], strict=False):
        default, low, high, step = sample.default(setting), setting.low, setting.high, setting.step
        kind = type(default)
        with place:
            values[setting.name] = st.slider(
                setting.label, kind(low), kind(high), default, kind(step), key=f"{name}_{setting.name}", **SHARED
            )
    with places[-1]:
        seed = int(st.number_input("Seed of the sample", 0, 2**31 - 1, 0, key="data_seed", **SHARED))
    return recent().get(("data", name, n, seed, *values.values()), lambda: datasets.draw_sample(name, n, seed, values))


@dataclass(frozen=True, eq=False)
class Source:
    """A table that a person looks at."""

    key: str
    """differs whenever the table does"""
    title: str
    table: pd.DataFrame
    columns: list[Column]
    begin: Preparation
    """what is chosen at first"""
    keeping: dict
    """how the widgets of this table keep their values"""


def _real(full: bool) -> Data:
    name = st.selectbox("Data set", list(TABLES), format_func=lambda name: TABLES[name].title, key="table", **SHARED)
    about = TABLES[name]
    st.caption(plain(about.text))

    def make():
        table = datasets.read_table(name)
        columns = tables.describe(table)
        begin = tables.sensible(columns)
        numbers = tuple(c.name for c in columns if c.kind == "number" and c.name != about.label)
        return Source(name, about.title, table, columns, replace(begin, columns=numbers, label=about.label), SHARED)

    source = recent().get(("table", name), make)
    if about.words:
        return _words(source, about.words)
    return _prepared(source, full)


def _brought(full: bool) -> Data | None:
    """What was brought on the page Data."""
    data = st.session_state.get("own")
    st.caption(plain(data.title) if data else "You have not brought any data yet.")
    return data


def _own(full: bool) -> Data | None:
    how = st.segmented_control(
        "How", list(HOWS), format_func=HOWS.get, default="file", required=True, key="how", label_visibility="collapsed", **KEPT
    )
    found = {"file": _file, "paste": _pasted, "draw": _drawn}[how]()
    return _prepared(found, full) if isinstance(found, Source) else found


def _drawn() -> Data | None:
    empty = np.empty((0, 2))
    points = draw_points("drawing", st.session_state.get("drawn", empty), DRAWN_IN, names=("x", "y"), to_scale=True)
    st.session_state["drawn"] = points
    if len(points) < 2:
        st.caption("Put down at least two points.")
        return None
    key = f"drawn/{hashlib.sha256(points.tobytes()).hexdigest()[:16]}"
    return Data(key=key, title="Drawn points", columns=("x", "y"), points=points, same_units=True)


def _prepared(source: Source, full: bool) -> Data:
    how = _choose_preparation(source, full)
    return recent().get(("prepared", source.key, how), lambda: tables.prepare(source.table, source.title, how))


def _words(source: Source, column: str) -> Data:
    return recent().get(
        ("words", source.key, column), lambda: matrices.from_words(source.table[column], f"{source.title}: {column}")
    )


def _choose_preparation(source: Source, full: bool) -> Preparation:
    """Which columns, what to do about gaps, and which scale: in full with all there is to see about them.

    What is not shown stays as it was chosen on Data.
    """
    how = _choose_columns(source, full)
    gathered = recent().get(("gathered", source.key, how.columns, how.as_categories), lambda: tables.gather(source.table, how))
    effects = tables.consequences(gathered)
    left, right = st.columns([3, 2], gap="large") if full and effects else [st.container()] * 2
    if effects:
        with left:
            how = _choose_gaps(source, how, effects, tables.components_to_offer(gathered), full)
    with right:
        return replace(how, scaling=_choose_scaling(full))


def _heading(full: bool, title: str, text: str) -> None:
    if full:
        st.subheader(title)
        st.caption(text)


def _choose_columns(source: Source, full: bool) -> Preparation:
    key, begin = source.key, source.begin
    kinds = {column.name: column for column in source.columns}
    usable = [column.name for column in source.columns if column.usable]
    _heading(full, "Columns", "What rows are clustered by; the kinds are guesses.")
    if full:
        _show_columns(source)
    if not usable:
        raise ValueError(
            "No column of this table can be clustered by: it needs numbers, or categories of at most "
            f"{tables.MOST_CATEGORIES} values."
        )
    columns = st.multiselect(
        "Columns to cluster by",
        usable,
        default=[name for name in begin.columns if name in usable],
        key=f"{key}_columns",
        **source.keeping,
    )
    codes = [c for c in columns if kinds[c].kind == "number" and kinds[c].distinct <= tables.MOST_CATEGORIES]
    if full:
        left, middle, right = st.columns(3)
        groups = [c.name for c in source.columns if c.distinct <= tables.MOST_CATEGORIES and c.kind != "constant"]
        with left:
            label = _one_of("Known groups", groups, begin.label, f"{key}_label", "For colours and scores, not for clustering.")
        with middle:
            names = _one_of("Names of the rows", kinds, begin.names, f"{key}_names", "Shown when you point at a row.")
        with right:
            if codes:
                st.multiselect(
                    "Numbers that are codes",
                    codes,
                    key=f"{key}_categories",
                    help="They are taken as categories: 3 is not between 2 and 4.",
                    **KEPT,
                )
    else:
        label = st.session_state.get(f"{key}_label", begin.label)
        names = st.session_state.get(f"{key}_names", begin.names)
    if label is not None and label in columns:
        st.warning(
            plain(f"{label} is among the columns clustered by: a score against it flatters."), icon=":material/warning:"
        )
    as_categories = tuple(c for c in st.session_state.get(f"{key}_categories", ()) if c in codes)
    return Preparation(tuple(columns), label, names, as_categories)


def _choose_gaps(source: Source, how: Preparation, effects: dict[str, str], most: int, full: bool) -> Preparation:
    key = source.key
    _heading(full, "Gaps", "Infinite values count as gaps.")
    offered = [choice for choice in GAPS if choice != "ppca" or most]
    gaps = st.radio(
        "What to do about gaps",
        offered,
        format_func=GAPS.get,
        captions=[plain(effects[choice]) for choice in offered] if full else None,
        key=f"{key}_gaps {most > 0}",
        **source.keeping,
    )
    if full and gaps == "ppca" and most > 1:
        st.number_input(
            "Components",
            1,
            most,
            min(2, most),
            key=f"{key}_components",
            help="How many directions the filled values may follow. More fit the rows better, and noise as well.",
            width=160,
            **KEPT,
        )
    components = int(st.session_state.get(f"{key}_components", 2))
    return replace(how, gaps=gaps, components=min(components, max(most, 1)))


def _choose_scaling(full: bool) -> str:
    _heading(full, "Scale", "Distances add up over columns: one with large numbers decides alone unless they are scaled.")
    scaling = st.selectbox(
        "Scaling",
        list(SCALINGS),
        format_func=SCALINGS.get,
        key="scaling",
        help=None if full else tables.SCALING_TEXTS[st.session_state.get("scaling", "none")],
        **SHARED,
    )
    if full:
        st.caption(tables.SCALING_TEXTS[scaling])
    return scaling


def _one_of(text: str, names, default: str | None, key: str, help: str) -> str | None:
    """One of these columns, or none."""
    options = [None, *names]
    return st.selectbox(
        text,
        options,
        index=options.index(default) if default in options else 0,
        format_func=lambda column: "none" if column is None else column,
        key=key,
        help=help,
        **KEPT,
    )


def _show_columns(source: Source) -> None:
    st.dataframe(
        [
            {
                "Column": c.name,
                "Kind": c.kind,
                "Gaps": c.missing,
                "Distribution": list(c.picture),
                "Values": c.says,
                "Different": c.distinct,
            }
            for c in source.columns
        ],
        hide_index=True,
        column_config={"Distribution": st.column_config.BarChartColumn(width="medium", y_min=0, color="blue")},
        height=min(420, 38 + 35 * len(source.columns)),
    )


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
        **KEPT,
    )
    if not text:
        return None
    content = text.encode("utf-8")
    return _choose_reading("Pasted text", f"pasted {hashlib.sha256(content).hexdigest()[:16]}", content)


def _keep_upload() -> None:
    """Keeps the file, which the uploader forgets as soon as another kind of data is looked at."""
    if st.session_state["file"] is not None:
        st.session_state["upload"] = st.session_state["file"]


def _size(size: int) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"


TAKEN = {"table": "Rows and columns", "proximities": "Proximities of pairs", "words": "Words by their spelling"}


def _choose_reading(title: str, key: str, content: bytes) -> Source | Data:
    name = title if key.startswith("file") else "pasted.csv"
    detected = recent().get(("detected", key), lambda: readers.detect(content, name))
    chosen = _choose_format(key, detected)
    key = f"{key} {hash(chosen) & 0xFFFFFFFF:x}"
    if chosen.kind == "text":
        text = readers.text_of(content, chosen)
        separator = matrices.triangle_separator(text)
        if separator:  # lines of unequal length are no table
            st.caption("Each line has one number more than the line before: taken as one triangle of a matrix of proximities.")
            return recent().get(("matrix", key), lambda: matrices.from_text(text, separator, chosen.decimal, title))
    reading = recent().get(("read", key), lambda: readers.read(content, name, chosen))
    if len(reading.sheets) > 1:
        sheet = st.selectbox("Sheet", reading.sheets, reading.sheets.index(reading.format.sheet), key=f"{key}_sheet", **KEPT)
        key = f"{key} {sheet}"
        reading = recent().get(("read", key), lambda: readers.read(content, name, replace(chosen, sheet=sheet)))
    for note in reading.notes:
        st.caption(plain(note))
    return _choose_meaning(title, key, reading)


def _choose_meaning(title: str, key: str, reading: Reading) -> Source | Data:
    """What the table is about: points, proximities or words."""
    columns = recent().get(("columns", key), lambda: tables.describe(reading.table))
    source = Source(key, title, reading.table, columns, tables.sensible(columns), KEPT)
    texts = [c.name for c in columns if c.kind in ("text", "identifier", "category")]
    offered = [kind for kind in TAKEN if kind != "words" or texts]
    square = recent().get(("square", key), lambda: matrices.looks_like_proximities(reading.table))
    numbers = any(c.usable for c in columns)
    default = "proximities" if square else "table" if numbers or not texts else "words"
    taken = st.segmented_control(
        "Take it as",
        offered,
        format_func=TAKEN.get,
        default=default,
        required=True,
        key=f"{key}_taken",
        help="K-medoids works on proximities directly: distances, or any other dissimilarities. Words are compared by edit "
        "distance: how many letters must be put in, taken out or replaced.",
        **KEPT,
    )
    if taken == "proximities":
        return recent().get(("matrix", key), lambda: matrices.from_table(reading.table, reading.format.header, title))
    if taken == "words":
        if not numbers:
            st.caption("This table has no column of numbers to cluster by, but its words can be compared by their spelling.")
        column = st.selectbox("Column of words", texts, key=f"{key}_words", **KEPT)
        return _words(source, column)
    return source


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
                **KEPT,
            )
    return replace(detected, **chosen | dict(header=chosen["header"] == "yes"))

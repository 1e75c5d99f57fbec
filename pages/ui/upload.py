"""Widgets for the user's own data: an uploaded file, pasted text or a drawing."""

import hashlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import streamlit as st

from pages.datasets import cleaning, matrices
from pages.datasets.data import Data, SourceFile
from pages.datasets.formatting import escape_markdown
from pages.datasets.limits import MAX_JSON_BYTES
from pages.datasets.opened import Opened
from pages.datasets.readers import Format, process
from pages.export.project import StoredFile, from_zip, is_project
from pages.ui.drawing import draw_points
from pages.ui.import_options import choose_format, show_findings, show_reading
from pages.ui.kept_choices import apply_choices
from pages.ui.opening import open_cached
from pages.ui.preparation import Source, prepare
from pages.ui.progress import Progress
from pages.ui.widgets import PERSISTENT, session_cache

INPUTS = {"file": "File", "paste": "Paste", "draw": "Draw"}
VECTORS = "vectors"
"""input of the word vectors that were learned on the Embedding page, once there are any; also their session key"""
SUBSET = "subset"
"""input of the rows that were selected on the Segments page, once there are any; also their session key"""
PROJECT = "project to open"
"""session key: the project that was uploaded ("project"), or why it cannot be opened ("error")"""
CHOSEN = "key of chosen data"
"""session key: the key of the data that the widgets for the user's own data gave last"""
PASTED, PASTED_FILE = "Pasted text", "pasted.csv"
"""title and file name of a pasted table"""
DRAWING_EXTENT = (0.0, 12.0, 0.0, 6.0)
"""(left, right, bottom, top) of the drawing area"""
INTERPRETATIONS = {
    "table": "Table",
    "proximities": "Distance matrix",
    "similarities": "Similarity matrix",
    "pairs": "List of pairwise distances",
    "words": "Words (edit distance)",
}
MATRIX_READERS = {
    "proximities": matrices.from_table,
    "similarities": matrices.from_similarities,
    "pairs": matrices.from_pairs,
}


def choose_own_data(below) -> Data | None:
    """Shows the widgets for the user's own data and returns the data, or None if there are none yet.

    `below` is a container for details.
    """
    kept = {VECTORS: "Vectors", SUBSET: "Selected rows"}
    inputs = INPUTS | {name: label for name, label in kept.items() if name in st.session_state}
    input_kind = st.segmented_control(
        "Input",
        list(inputs),
        format_func=inputs.get,
        default="file",
        required=True,
        key="input",
        label_visibility="collapsed",
        **PERSISTENT,
    )
    read = {"file": _uploaded, "paste": _pasted, "draw": _drawn}
    result = st.session_state[input_kind] if input_kind in kept else read[input_kind](below)
    data = prepare(result, below) if isinstance(result, Source) else result
    st.session_state[CHOSEN] = data and data.key
    return data


def _drawn(below) -> Data | None:
    empty = np.empty((0, 2))
    points = draw_points("drawing", st.session_state.get("drawn", empty), DRAWING_EXTENT, names=("x", "y"), to_scale=True)
    st.session_state["drawn"] = points
    if len(points) < 2:
        st.caption("Add at least two points.")
        return None
    key = f"drawn/{hashlib.sha256(points.tobytes()).hexdigest()[:16]}"
    return Data(key=key, title="Drawn points", columns=("x", "y"), points=points, same_units=True)


def compare_words(source: Source, column: str) -> Data:
    """The distinct values of a column with their edit distances, cached."""

    progress = Progress()
    data = progress.compute(
        ("words", source.key, column),
        lambda on_progress: matrices.from_words(source.table[column], f"{source.title}: {column}"),
        "Computing edit distances.",
    )
    progress.done()
    return data


def _cached_matrix_data(key: str, compute: Callable[[], Data]) -> Data:
    """Data from a distance matrix, cached by key."""
    progress = Progress()
    data = progress.compute(("matrix", key), lambda on_progress: compute(), "Computing a 2-D layout.")
    progress.done()
    return data


def _uploaded(below) -> Source | Data | None:
    """The uploaded file as a table or distance matrix, or None if there is none."""
    show_uploader()
    file = st.session_state.get("upload")
    if file is None:
        process.start()
        return None
    if st.session_state["file"] is None:  # the uploader loses its file when another page is shown
        show_kept_upload("upload")
    return _choose_reading(file.name, root_of_file(file), file.content, below)


def show_uploader(label: str = "", on_upload: Callable[[], None] = lambda: None) -> None:
    """Shows the uploader for tables and projects; `on_upload` is called after a file was uploaded."""

    def keep():
        _keep_upload()
        on_upload()

    limit = st.get_option("server.maxUploadSize")
    st.file_uploader(
        label
        or f"Table (one row per observation), square distance matrix or saved project; up to {limit} MB "
        f"(JSON: {MAX_JSON_BYTES // 2**20} MB)",
        key="file",
        on_change=keep,
        help="Delimited text, Excel, OpenDocument, Parquet, Arrow, JSON, NumPy (.npy) and ARFF files, optionally compressed "
        "as .gz or .zip; and projects that were saved with “Save project” in the sidebar.",
    )
    if error := st.session_state.get(PROJECT, {}).get("error"):
        st.error(escape_markdown(error), icon=":material/error:")


def _pasted(below) -> Source | Data | None:
    text = st.text_area(
        "Table as text, one line per row",
        height=180,
        key="pasted",
        placeholder="length,width\n5.1,3.5\n4.9,3.0",
        **PERSISTENT,
    )
    if not text:
        return None
    content = text.encode("utf-8")
    return _choose_reading(PASTED, root_of_pasted(content), content, below)


def root_of_file(file: StoredFile, kind: str = "file") -> str:
    """Prefix of the keys of all widgets for an uploaded file."""
    return f"{kind} {file.digest}"


def root_of_pasted(content: bytes) -> str:
    """Prefix of the keys of all widgets for a pasted table."""
    return f"pasted {hashlib.sha256(content).hexdigest()[:16]}"


def _keep_upload() -> None:
    """Keeps the uploaded file in the session, because the uploader loses it when it is not on the page.

    A project is opened instead, by the next script run.
    """
    file = kept_upload("file")
    st.session_state[PROJECT] = {}
    if file is None or not is_project(file.content):
        st.session_state["upload"] = file
        return
    try:
        st.session_state[PROJECT]["project"] = from_zip(file.content)
    except ValueError as error:
        st.session_state[PROJECT]["error"] = str(error)


def kept_upload(widget: str) -> StoredFile | None:
    """The file of an uploader, given by its key; None if it was removed."""
    file = st.session_state[widget]
    return file and StoredFile(file.name, file.getvalue())


def show_kept_upload(key: str) -> None:
    """Shows that the file that the session keeps under `key` is in use, and a button that removes it."""
    file = st.session_state[key]
    with st.container(horizontal=True, vertical_alignment="center"):
        text = f"{file.name}, {_format_size(len(file.content))}, is in use. Choose another file to replace it."
        st.caption(escape_markdown(text), width="content")
        st.button("Remove", on_click=st.session_state.update, args=({key: None},), key=f"remove {key}", type="tertiary")


def _format_size(size: int) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} GB"


def _choose_reading(title: str, key: str, content: bytes, below) -> Source | Data:
    """Reads a file with the chosen import options, in the container `below`, and the chosen interpretation."""
    root = key
    apply_choices(root, "sheet", key)
    opened = open_cached(key, content, title)
    if opened.reading and len(sheets := opened.reading.sheets) > 1:
        sheet = st.selectbox("Sheet", sheets, sheets.index(opened.format.sheet), key=f"{key}_sheet", **PERSISTENT)
        if sheet != opened.format.sheet:
            key = f"{key} {sheet}"
            opened = open_cached(key, content, title, Format("workbook", header=None, sheet=sheet))
            if opened.reading is None:
                raise ValueError(opened.error)
    place = st.container()
    details = below.expander("File: how it was read", icon=":material/description:", expanded=True)
    reading = details.container()
    apply_choices(root, "reading", key)
    with details:
        chosen = choose_format(key, opened.format)
    if chosen != opened.format:
        opened = open_cached(f"{key} {chosen}", content, title, chosen)
    widgets, key = key, f"{key} {chosen}"
    apply_choices(root, "table", key, opened.columns)
    matrix = opened.matrix
    kinds = matrices.text_matrix_kinds(matrix) if matrix else []
    if matrix and (kind := _choose_interpretation(key, [*kinds, "table"], kinds[0])) != "table":
        with reading:
            show_reading(replace(opened, reading=None), content)
        st.caption(matrix.note)
        if matrix.values is None:
            raise ValueError(matrix.error)
        read = matrices.from_similarity_matrix if kind == "similarities" else matrices.from_matrix
        return _cached_matrix_data(f"{key} {kind}", lambda: read(matrix.values, matrix.row_names, title, matrix.column_names))
    with reading:
        show_reading(opened, content)
    with place:
        show_findings(widgets, opened)
    if opened.reading is None:
        raise ValueError(opened.error)
    return _interpret(title, key, opened, details, "table" if matrix else None)


def _interpret(title: str, key: str, opened: Opened, details, interpretation: str | None) -> Source | Data:
    """The table as features, distances or words.

    `interpretation` is a key of `INTERPRETATIONS`, or None if the user can choose it, in the container `details`.
    """
    table, header = opened.reading.table, opened.format.header

    def make_source():
        initial = cleaning.default_preparation(opened.columns)
        initial = replace(initial, scaling=cleaning.default_scaling(table, initial.columns))
        name = PASTED_FILE if title == PASTED else title
        file = SourceFile(name, opened.format, opened.reading.notes, opened.reading.start)
        return Source(key, title, table, opened.columns, initial, PERSISTENT, file)

    kind = session_cache().get(("matrix kind", key), lambda: matrices.matrix_kind(table))
    if kind and _choose_interpretation(key, [kind, "table"], kind) == kind:
        return _cached_matrix_data(key, lambda: MATRIX_READERS[kind](table, header, title))
    source = session_cache().get(("source", key), make_source)
    texts = [c.name for c in source.columns if c.kind in ("text", "identifier", "category")]
    has_features = any(c.usable for c in source.columns)
    if not kind and interpretation is None:
        options = ["table", "proximities", *["words"] * bool(texts)]
        with details:
            interpretation = _choose_interpretation(key, options, "table" if has_features or not texts else "words")
        rows, columns = table.shape
        if interpretation == "table" and columns - rows in (0, 1) and rows > 2:
            st.caption(f"This table is square. If it holds distances, choose “{INTERPRETATIONS['proximities']}”.")
    if interpretation == "proximities":
        return _cached_matrix_data(key, lambda: matrices.from_table(table, header, title))
    if interpretation == "words":
        if not has_features:
            st.caption("This table has no usable features, so its words are compared by edit distance.")
        return compare_words(source, st.selectbox("Column of words", texts, key=f"{key}_words", **PERSISTENT))
    return source


def _choose_interpretation(key: str, options: list[str], default: str) -> str:
    return st.segmented_control(
        "Interpret as",
        options,
        format_func=INTERPRETATIONS.get,
        default=default,
        required=True,
        key=f"{key}_interpretation",
        help="K-medoids and hierarchical clustering accept any distances. The edit distance between two words is the minimum "
        "number of letters to insert, delete or replace to turn one into the other.",
        **PERSISTENT,
    )

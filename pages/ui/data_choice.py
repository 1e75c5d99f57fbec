"""Widgets that choose the data set, drawn in the sidebar of every page and, with more detail, on the Data page."""

from dataclasses import replace

import numpy as np
import streamlit as st

from pages.datasets import catalog, cleaning, limits
from pages.datasets.catalog import SAMPLES, TABLES
from pages.datasets.columns import describe
from pages.datasets.data import Data, SourceFile
from pages.datasets.formatting import escape_markdown
from pages.datasets.readers import Format
from pages.datasets.server.configuration import is_configured
from pages.figures.markup import table
from pages.ui.charts import choose_rings
from pages.ui.preparation import (
    SCALING_KEY,
    Source,
    prepare,
    scaling_source,
    show_dominance,
    show_standardized,
    with_chosen_scaling,
)
from pages.ui.server_table import choose_server_table
from pages.ui.upload import SUBSET, choose_own_data, compare_words, show_uploader
from pages.ui.widgets import IN_LINK, session_cache, uses_own_data

RESTORED = "restored"
"""session key: whether the user's own data were restored, but not chosen yet"""
DEFAULT_SIZE = 500
"""default number of points of a sample"""
SIZES = (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000)
SOURCES = {"sample": "Simulated", "real": "Built-in", "own": "Upload", "server": "Table on the server"}
"""the last one only if tables on the server are configured"""
BEFORE = "data before the selection"
"""session key: the choices that led to the data of which `SUBSET` is a part"""
SUBSET_ROWS = "rows of the subset"
"""session key: the positions of the rows of `SUBSET` in these data"""


def current() -> Data:
    """The data set in use on all pages: the last valid choice."""
    return st.session_state.get("last data") or catalog.draw_sample("three", 500, 0, {})


def choose_data(below=None) -> None:
    """Shows the widgets that choose the data set. On the Data page, `below` is a container for details.

    Invalid data show an error, and the previous data set stays in use. `dashboard.py` calls this function on every page,
    because Streamlit treats widgets drawn by different pages as different, and their values would be lost.
    """
    source = st.segmented_control(
        "Data source",
        [source for source in SOURCES if source != "server" or is_configured()],
        format_func=SOURCES.get,
        default="sample",
        required=True,
        key="source",
        label_visibility="collapsed",
        width="stretch",
        **IN_LINK,
    )
    st.session_state["data notice"] = ""
    try:
        data = {"sample": _sample, "real": _real, "own": _own, "server": choose_server_table}[source](below)
    except ValueError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")
        st.session_state["data notice"] = f"“{current().title}” is still in use."
    else:
        if data is None:
            st.session_state["data notice"] = f"No new data yet. “{current().title}” is still in use."
        else:
            st.session_state["last data"] = data
            if source == "own":
                st.session_state["own"] = data
    if source == "own" and SUBSET in st.session_state and current() is st.session_state[SUBSET]:
        st.button("Back to all rows", icon=":material/undo:", on_click=use_all_rows)
    if below is None:
        st.caption(escape_markdown(f"{st.session_state['data notice']} {summary(current())}".strip()))
        _show_scaling()
        choose_rings(current())
        label = "Paste, draw or prepare data" if source == "own" else "Explore and prepare data"
        st.page_link("pages/data/page.py", label=label, icon=":material/table_chart:")


def show_heading() -> None:
    """Shows the title of the Data page, with the button for the next step."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="large", key="title_row"):
        st.title("Data", width="content")
        st.caption("These data and settings apply to all pages except Embedding, Grid and Breaking points.", width="stretch")
        with st.container(key="onwards", width="content"):
            st.page_link("pages/watch/page.py", label="Cluster these data", icon=":material/play_circle:")


def show_limits() -> None:
    """Shows the limits on the resources of a session, below the details of the Data page."""
    with st.expander("Limits", icon=":material/straighten:"):
        st.html(table(["Item", "Limit", "If exceeded"], limits.limit_rows(), "Limits", row_headers=True))


def scaling_key(data: Data) -> str | None:
    """Key of the widget for the scaling of the data set in use; None if it has none."""
    if own := scaling_source(data):
        return own.scaling_key
    return SCALING_KEY if (data.origin is not None and not uses_own_data()) or data.all_rows is not None else None


def _show_scaling() -> None:
    """Shows that the columns were standardized by default, if they were, and a warning if one dominates the distances."""
    data = current()
    own = scaling_source(data)
    if own and own.initial.scaling == data.origin.preparation.scaling == "standardize":
        show_standardized(own.scaling_key)
    show_dominance(data, scaling_key(data))


def use_only(data: Data, rows: np.ndarray) -> None:
    """Callback: use only these rows of the data, given by their positions, on all pages; `use_all_rows` undoes this."""
    if current() is not st.session_state.get(SUBSET):
        st.session_state[BEFORE] = {
            key: st.session_state[key] for key in ("source", "own", "input") if key in st.session_state
        }
        st.session_state[SUBSET_ROWS] = rows
    elif SUBSET_ROWS in st.session_state:
        st.session_state[SUBSET_ROWS] = st.session_state[SUBSET_ROWS][rows]
    subset = data.subset(rows)
    st.session_state.update({"own": subset, SUBSET: subset, "source": "own", "input": SUBSET})


def use_all_rows() -> None:
    """Callback: use again the data of which rows were selected."""
    for key in ("own", "input", SUBSET):
        st.session_state.pop(key, None)
    st.session_state.update(st.session_state.pop(BEFORE))


def summary(data: Data) -> str:
    """The size of a data set and the note about its preparation, as sentences."""
    n, d = data.n, data.points.shape[1]
    if data.precomputed is not None:
        return f"{n:,} × {n:,} {data.matrix_name}. {data.note}"
    return f"{n:,} point{'s' * (n > 1)}, {d} column{'s' * (d > 1)}. {data.note}".strip()


def _sample(below) -> Data:
    row = st.container(horizontal=below is not None, gap="medium")
    with row:
        name = st.selectbox("Data set", list(SAMPLES), format_func=lambda name: SAMPLES[name].title, key="sample", **IN_LINK)
    sample = SAMPLES[name]
    (st if below else row).caption(sample.text)
    values = {}
    with row:
        n = st.select_slider("Points", SIZES, value=DEFAULT_SIZE, format_func="{:,}".format, key="n", **IN_LINK)
        for setting in sample.settings:
            default, low, high, step = sample.default(setting), setting.low, setting.high, setting.step
            kind = type(default)
            values[setting.name] = st.slider(
                setting.label, kind(low), kind(high), default, kind(step), key=f"{name}_{setting.name}", **IN_LINK
            )
        seed = int(st.number_input("Random seed (data)", 0, 2**31 - 1, 0, key="data_seed", **IN_LINK))
    return session_cache().get(("data", name, n, seed, *values.values()), lambda: catalog.draw_sample(name, n, seed, values))


def _real(below) -> Data:
    name = st.selectbox("Data set", list(TABLES), format_func=lambda name: TABLES[name].title, key="table", **IN_LINK)
    table = TABLES[name]
    st.caption(escape_markdown(table.text))
    source = session_cache().get(("table", name), lambda: bundled(name))
    return compare_words(source, table.words) if table.words else prepare(source, below)


def bundled(name: str) -> Source:
    """A bundled table with its initial settings."""
    table, rows = TABLES[name], catalog.read_table(name)
    columns = describe(rows)
    numbers = tuple(c.name for c in columns if c.kind == "number" and c.name != table.label)
    initial = replace(cleaning.default_preparation(columns), columns=numbers, label=table.label)
    format = Format("text", encoding="utf-8", separator=",", header=1)
    return Source(name, table.title, rows, columns, initial, IN_LINK, SourceFile(table.file, format))


def _own(below) -> Data | None:
    if below is not None:
        return choose_own_data(below)
    data = st.session_state.get("own")
    if data is None and (st.session_state.pop(RESTORED, False) or st.session_state.get("upload")):
        _restore_own()
    elif data is None:
        show_uploader("Table to cluster", _use_upload)
    if data:
        st.caption(escape_markdown(data.title))
        data = with_chosen_scaling(data)
    return data


def _use_upload() -> None:
    """Callback: use the file that was uploaded in the sidebar, with the settings that are detected."""
    st.session_state["input"] = "file"


def _restore_own() -> None:
    """Read and prepare data without the Data page, when they were uploaded or restored, and run the script again.

    The widgets of the Data page are drawn for a moment.
    """
    with st.empty().container(key="restoring"):
        data = choose_own_data(st.container())
    if data is not None:
        st.session_state["own"] = data
        st.rerun()

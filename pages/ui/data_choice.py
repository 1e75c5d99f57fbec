"""The choice of a data set: its widgets, which are the same in the sidebar of every page and, with more to see, on Data."""

from dataclasses import replace

import streamlit as st

from pages.datasets import catalog, cleaning
from pages.datasets.catalog import SAMPLES, TABLES
from pages.datasets.columns import describe
from pages.datasets.data import Data
from pages.datasets.formatting import plain
from pages.ui.preparation import Source, prepare
from pages.ui.upload import bring, compare_words
from pages.ui.widgets import IN_LINK, session_cache

START_SIZE = 500
SIZES = (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000)
SOURCES = {"sample": "Simulated", "real": "Built-in", "own": "Upload"}


def current() -> Data:
    """The data set that every page uses: the last good one."""
    return st.session_state.get("last data") or catalog.draw_sample("three", 500, 0, {})


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
        **IN_LINK,
    )
    st.session_state["nothing yet"] = ""
    try:
        data = {"sample": _sample, "real": _real, "own": _own}[source](full)
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
        st.page_link("pages/data/page.py", label=label, icon=":material/table_chart:")


def summary(data: Data) -> str:
    """How much there is of it, and what was done to it."""
    n, d = data.points.shape
    if data.given is not None:
        return f"{n:,} × {n:,} {data.given_name}. {data.note}"
    return f"{n:,} point{'s' * (n > 1)}, {d} column{'s' * (d > 1)}. {data.note}".strip()


def _sample(full: bool) -> Data:
    name = st.selectbox("Sample", list(SAMPLES), format_func=lambda name: SAMPLES[name].title, key="sample", **IN_LINK)
    sample = SAMPLES[name]
    st.caption(sample.text)
    values = {}
    # side by side where there is room, else below each other
    places = st.columns(2 + len(sample.settings), gap="medium") if full else [st.container()] * (2 + len(sample.settings))
    with places[0]:
        n = st.select_slider("Points", SIZES, value=START_SIZE, format_func="{:,}".format, key="n", **IN_LINK)
    for setting, place in zip(sample.settings, places[1:], strict=False):
        default, low, high, step = sample.default(setting), setting.low, setting.high, setting.step
        kind = type(default)
        with place:
            values[setting.name] = st.slider(
                setting.label, kind(low), kind(high), default, kind(step), key=f"{name}_{setting.name}", **IN_LINK
            )
    with places[-1]:
        seed = int(st.number_input("Seed of the sample", 0, 2**31 - 1, 0, key="data_seed", **IN_LINK))
    return session_cache().get(("data", name, n, seed, *values.values()), lambda: catalog.draw_sample(name, n, seed, values))


def _real(full: bool) -> Data:
    name = st.selectbox("Data set", list(TABLES), format_func=lambda name: TABLES[name].title, key="table", **IN_LINK)
    about = TABLES[name]
    st.caption(plain(about.text))

    source = session_cache().get(("table", name), lambda: bundled(name))
    if about.words:
        return compare_words(source, about.words)
    return prepare(source, full)


def bundled(name: str) -> Source:
    """A table that comes with the app, and what is chosen of it at first."""
    about, table = TABLES[name], catalog.read_table(name)
    columns = describe(table)
    numbers = tuple(c.name for c in columns if c.kind == "number" and c.name != about.label)
    begin = replace(cleaning.sensible(columns), columns=numbers, label=about.label)
    return Source(name, about.title, table, columns, begin, IN_LINK)


def _own(full: bool) -> Data | None:
    if full:
        return bring()
    data = st.session_state.get("own")
    st.caption(plain(data.title) if data else "You have not brought any data yet.")
    return data

"""Inputs: each function draws its widgets and returns what they say as one frozen object."""

import streamlit as st

from pages.shared import datasets
from pages.shared.datasets import SAMPLES, TABLES, Data
from pages.shared.runs import ALGORITHMS, STARTS, STARTS_OF, UPDATES, Recent, Settings

SIZES = (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000)
MOST_CLUSTERS = 50
SHARED = dict(bind="query-params")
"""keeps the value across pages, and puts it into the address, so that a link shows the same run"""
KEPT = dict(persist_state="session")
"""keeps the value across pages; for what belongs to an uploaded file, which no link can carry"""


def recent() -> Recent:
    """What this session made lately."""
    return st.session_state.setdefault("recent", Recent())


def choose_data() -> Data:
    """The sidebar's choice of a data set. What cannot be used is said in one sentence, and the last good one stays."""
    st.subheader("Data")
    source = st.segmented_control(
        "Where from",
        ["sample", "real", "upload"],
        format_func={"sample": "Sample", "real": "Real", "upload": "Upload"}.get,
        default="sample",
        required=True,
        key="source",
        label_visibility="collapsed",
        width="stretch",
        **SHARED,
    )
    try:
        data = {"sample": _sample, "real": _real, "upload": _upload}[source]()
    except ValueError as fault:
        st.error(plain(str(fault)), icon=":material/error:")
        data = None
    if data is None:
        data = st.session_state.get("last data") or datasets.draw_sample("three", 500, 0, {})
        if source == "upload":
            st.caption(plain(f"Still shown: {data.title}."))
    st.session_state["last data"] = data
    n, d = data.points.shape
    st.caption(plain(f"{n:,} point{'s' * (n > 1)}, {d} column{'s' * (d > 1)}. {data.note}"))
    return data


def _sample() -> Data:
    name = st.selectbox("Sample", list(SAMPLES), format_func=lambda name: SAMPLES[name].title, key="sample", **SHARED)
    sample = SAMPLES[name]
    st.caption(sample.text)
    n = st.select_slider("Points", SIZES, value=500, format_func="{:,}".format, key="n", **SHARED)
    values = {}
    for setting in sample.settings:
        default, low, high, step = sample.default(setting), setting.low, setting.high, setting.step
        kind = type(default)
        values[setting.name] = st.slider(
            setting.label, kind(low), kind(high), default, kind(step), key=f"{name}_{setting.name}", **SHARED
        )
    seed = int(st.number_input("Seed of the sample", 0, 2**31 - 1, 0, key="data_seed", **SHARED))
    return recent().get(("data", name, n, seed, *values.values()), lambda: datasets.draw_sample(name, n, seed, values))


def _real() -> Data:
    name = st.selectbox("Data set", list(TABLES), format_func=lambda name: TABLES[name].title, key="table", **SHARED)
    table = TABLES[name]
    st.caption(table.text)
    frame = datasets.read_table(name)
    numeric = [column for column in datasets.numeric_columns(frame) if column != table.label]
    columns = st.multiselect("Columns to cluster by", numeric, default=numeric, key=f"{name}_columns", **SHARED)
    return datasets.from_table(frame, table.title, columns, table.label, _standardise())


def _upload() -> Data | None:
    st.file_uploader(
        "A CSV file with a header and one row per point", type=["csv", "tsv", "txt"], key="file", on_change=_take_upload
    )
    file = st.session_state.get("upload")
    if file is None:
        return None
    frame = recent().get(("file", file.file_id), lambda: datasets.read_csv(file.getvalue()))
    for column, row, cell in datasets.spoilt_columns(frame):
        st.caption(plain(f"Column {column} is left out: row {row} holds {cell!r}, which is not a number."))
    numeric = datasets.numeric_columns(frame)
    if not numeric:
        raise ValueError("No column of this file holds numbers only: to cluster its rows, at least one must.")
    columns = st.multiselect("Columns to cluster by", numeric, default=numeric[:10], key=f"columns of {file.file_id}", **KEPT)
    groups = [None] + [column for column in frame.columns if column not in columns and frame[column].nunique() <= 50]
    label = None
    if len(groups) > 1:
        label = st.selectbox(
            "Known groups, to compare with",
            groups,
            format_func=lambda column: "none" if column is None else column,
            key=f"label of {file.file_id}",
            **KEPT,
        )
    return datasets.from_table(frame, file.name, columns, label, _standardise())


def _take_upload() -> None:
    """Keeps the file, which the uploader forgets as soon as another kind of data is looked at."""
    st.session_state["upload"] = st.session_state["file"]


def _standardise() -> bool:
    return st.toggle(
        "Standardise the columns",
        key="standardise",
        help="Gives each column mean 0 and standard deviation 1. Otherwise the column with the largest numbers decides alone.",
        **SHARED,
    )


def choose_settings(data: Data) -> Settings:
    """The algorithm and its options, in one row on the page."""
    n = len(data.points)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        algorithm = st.selectbox(
            "Algorithm", list(ALGORITHMS), format_func=ALGORITHMS.get, key="algorithm", width=175, **SHARED
        )
        k = int(st.number_input("K, clusters", 1, MOST_CLUSTERS, 3, key="k", width=128, **SHARED))
        start = st.selectbox(
            "Start",
            STARTS_OF[algorithm],
            format_func=lambda start: STARTS[start].capitalize() if start == "random" else STARTS[start],
            key=f"start_{algorithm}",
            width=160,
            **SHARED,
        )
        options = {}
        if algorithm == "kmedoids":
            metrics = ["euclidean", "squared euclidean", "manhattan", "chebyshev", "cosine"]
            metrics += ["correlation"] * (data.points.shape[1] > 2)
            options["metric"] = st.selectbox("Metric", metrics, format_func=str.capitalize, key="metric", width=170, **SHARED)
            options["update"] = st.selectbox(
                "Update", list(UPDATES), format_func=lambda u: UPDATES[u].capitalize(), key="update", width=260, **SHARED
            )
        if algorithm == "mixture":
            options["covariance"] = st.selectbox(
                "Covariance",
                ["full", "tied", "diagonal", "spherical"],
                format_func={
                    "full": "Full: any ellipse",
                    "tied": "Tied: one for all",
                    "diagonal": "Diagonal: upright",
                    "spherical": "Spherical: circles",
                }.get,
                key="covariance",
                width=170,
                **SHARED,
            )
        seed = int(st.number_input("Seed", 0, 2**31 - 1, 1, key="seed", width=100, **SHARED))
        st.button(
            "New start",
            icon=":material/casino:",
            on_click=_next_seed,
            disabled=start == "build",
            help="Nothing in BUILD is random: every start is the same." if start == "build" else "The next seed",
        )
    if k > n:
        st.warning(
            f"There {'is' if n == 1 else 'are'} only {n} point{'s' * (n > 1)}, so K is {n} here.", icon=":material/info:"
        )
        k = n
    return Settings(algorithm=algorithm, k=k, start=start, seed=seed, **options)


def _next_seed() -> None:
    st.session_state["seed"] = (int(st.session_state["seed"]) + 1) % 2**31


def plain(text: str) -> str:
    """The text with everything that Markdown would read as a sign made harmless."""
    return "".join("\\" + c if c in "\\`*_{}[]()#+-.!|<>~$:" else c for c in text)

"""Inputs: each function draws its widgets and returns what they say as one frozen object."""

import streamlit as st

from pages.shared.datasets import Data
from pages.shared.runs import ALGORITHMS, STARTS, STARTS_OF, UPDATES, Recent, Settings

MOST_CLUSTERS = 50
LABELS = {"random": "Random points", "hand": "By hand"}
SHARED = dict(bind="query-params")
"""keeps the value across pages, and puts it into the address, so that a link shows the same run"""
KEPT = dict(persist_state="session")
"""keeps the value across pages; for what belongs to an uploaded file, which no link can carry"""


def recent() -> Recent:
    """What this session made lately."""
    return st.session_state.setdefault("recent", Recent())


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
            format_func=lambda start: LABELS.get(start, STARTS[start]),
            key=f"start_{algorithm}",
            width=160,
            **SHARED,
        )
        options = {}
        if algorithm == "kmedoids":
            options["metric"] = st.selectbox(
                "Metric",
                data.metrics,
                format_func=str.capitalize,
                key="metric" if data.mixed is None and data.given is None else f"metric {data.metrics[0]}",
                width=170,
                **(SHARED if data.mixed is None and data.given is None else KEPT),
            )
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
            help={
                "build": "Nothing in BUILD is random: every start is the same.",
                "hand": "The next seed: puts the centers on other random points, to be dragged from there.",
            }.get(start, "The next seed"),
        )
    if k > n:
        st.warning(
            f"There {'is' if n == 1 else 'are'} only {n} point{'s' * (n > 1)}, so K is {n} here.", icon=":material/info:"
        )
        k = n
    return Settings(algorithm=algorithm, k=k, start=start, seed=seed, **options)


def _next_seed() -> None:
    st.session_state["seed"] = (int(st.session_state["seed"]) + 1) % 2**31

"""Sections of the Grid page: settings, and the grid of small images."""

from collections.abc import Sequence

import streamlit as st

from pages.datasets.catalog import SAMPLES as CATALOG
from pages.datasets.formatting import escape_markdown, minus_signs
from pages.figures.markup import table
from pages.figures.thumbnails import as_html
from pages.grid.study import SAMPLES, Cell, GridStudy, Result
from pages.methods import method, methods_for_points
from pages.methods.traits import COMPARE
from pages.runs.random_starts import BEST_OF
from pages.ui.navigation import open_sample_in_watch
from pages.ui.widgets import IN_LINK

SIZES = (100, 200, 500, 1_000)


def choose() -> tuple[int, int, list[str], list[str]]:
    """Choose the points of each data set, their seed, the data sets and the algorithms."""
    views = methods_for_points(COMPARE)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        n = int(st.selectbox("Points", SIZES, 2, format_func="{:,}".format, key="grid_n", width=110, **IN_LINK))
        seed = int(st.number_input("Random seed (data)", 0, 10_000, 0, key="grid_seed", width=150, **IN_LINK))
        names = list(views)
        with st.popover(f"{len(st.session_state.get('grid_methods', names))} algorithms", icon=":material/tune:"):
            titles = {name: view.title for name, view in views.items()}
            chosen = st.multiselect("Algorithms", names, names, format_func=titles.get, key="grid_methods", **IN_LINK)
        samples = list(SAMPLES)
        with st.popover(f"{len(st.session_state.get('grid_samples', samples))} data sets", icon=":material/table_chart:"):
            titles = {sample: CATALOG[sample].title for sample in samples}
            rows = st.multiselect("Data sets", samples, samples, format_func=titles.get, key="grid_samples", **IN_LINK)
    return n, seed, rows, chosen


def show(study: GridStudy, samples: Sequence[str], names: Sequence[str]) -> None:
    """Show a row for each data set and a column for each algorithm."""
    with st.container(key="grid"):
        for column, name in zip(_columns(names), ["", *names], strict=True):
            column.markdown(f"**{escape_markdown(method(name).title)}**" if name else "")
        for sample in samples:
            first, *others = _columns(names)
            first.markdown(f"**{escape_markdown(CATALOG[sample].title)}**")
            for column, name in zip(others, names, strict=True):
                if (cell := Cell(sample, name)) in study.finished:
                    with column:
                        _show_cell(study, cell, study.finished[cell])
    st.caption(
        f"Adjusted Rand index relative to the true groups, and time. Where K is needed, it is the true number of groups "
        f"({SAMPLES['uniform']} for data without groups); other options have their defaults; of {BEST_OF} random starts, the "
        f"best is used. The time is that of one run. Gray: noise."
    )
    show_scores(study, samples, names)


def _columns(names: Sequence[str]) -> list:
    return st.columns([0.6, *[1] * len(names)], gap="small")


def _show_cell(study: GridStudy, cell: Cell, result: Result) -> None:
    title = f"{method(cell.method).title}, {CATALOG[cell.sample].title}"
    if result.error:
        st.caption(escape_markdown(result.error))
        return
    st.html(as_html(result.picture, f"{title}: points colored by cluster."))
    score = "no true groups" if result.agreement is None else minus_signs(f"{result.agreement:.2f}")
    st.button(
        f"{score}, {_time(result.seconds)}",
        key=f"grid cell {cell.sample} {cell.method}",
        type="tertiary",
        help=f"{title}: open on the Watch page",
        on_click=open_sample_in_watch,
        args=(cell.sample, study.n, study.seed, result.settings),
    )


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{1000 * seconds:.1f} ms" if seconds < 0.01 else f"{1000 * seconds:.0f} ms"


def show_scores(study: GridStudy, samples: Sequence[str], names: Sequence[str]) -> None:
    """Show the results as a table, which can be saved."""
    headers = ["Data set", "Algorithm", "Clusters", "Adjusted Rand index", "Time"]
    rows = [
        [
            CATALOG[sample].title,
            method(name).title,
            result.clusters,
            "" if result.agreement is None else minus_signs(f"{result.agreement:.3f}"),
            _time(result.seconds),
        ]
        for sample in samples
        for name in names
        if (result := study.finished.get(Cell(sample, name))) is not None and not result.error
    ]
    with st.expander("Table"):
        st.html(table(headers, rows, "Results of all runs"))

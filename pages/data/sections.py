"""Sections of the Data page: plots and rows of the data set in use, and the table of limits."""

from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from clustering import principal_components
from pages.datasets.data import Data
from pages.datasets.formatting import escape_markdown, minus_signs
from pages.datasets.planes import column_plane
from pages.figures import summaries
from pages.figures.plots import rings_note
from pages.ui.charts import choose_rings, show_chart
from pages.ui.data_choice import scaling_key, summary
from pages.ui.placing import plane_of
from pages.ui.preparation import show_dominance
from pages.ui.widgets import PERSISTENT, session_cache

OVERLAP = (
    "2-D projection: groups that overlap here may still be separate in other dimensions; groups that are separate here are "
    "also separate in the full space."
)
MAX_ROWS = 200
"""maximum number of rows in the table"""


def show_data(data: Data) -> None:
    """Shows the summary of the data set, a warning if one column dominates, and the selected view."""
    show_dominance(data, scaling_key(data))
    row = st.container(horizontal=True, vertical_alignment="center")
    row.markdown(escape_markdown(f"{data.title}: {summary(data)}"), width="stretch")
    if data.precomputed is not None:
        show_proximities(data)
        return
    d = len(data.columns)
    views = ["Scatter plot"] + (["Scatter-plot matrix", "Principal components"] if d > 2 else []) + ["Table"]
    options = dict(default=views[0], required=True, key=f"view {d > 2}", label_visibility="collapsed")
    view = row.segmented_control("View", views, **options, **PERSISTENT)
    {
        "Scatter plot": show_scatter,
        "Scatter-plot matrix": show_scatter_matrix,
        "Principal components": show_components,
        "Table": show_table,
    }[view](data)
    if view != "Table" and (text := rings_note(data)):
        st.caption(text)
        choose_rings(data)


def show_scatter(data: Data) -> None:
    """Shows a scatter plot, of the first two principal components if there are more than two columns."""
    plane = plane_of(data)
    with st.container(key="picture"):
        chart("plane", data, lambda: summaries.scatter(data, plane), f"Scatter plot of {data.title}.", height="stretch")
    if len(data.columns) > 2:
        st.caption(OVERLAP)


def show_scatter_matrix(data: Data) -> None:
    """Shows a scatter-plot matrix of the selected columns."""
    names = list(data.columns)
    chosen = st.multiselect(
        f"Columns (at most {summaries.MAX_PANELS})",
        range(len(names)),
        default=list(range(min(len(names), summaries.MAX_PANELS))),
        format_func=names.__getitem__,
        max_selections=summaries.MAX_PANELS,
        key=f"panels {names}",
        **PERSISTENT,
    )
    if len(chosen) < 2:
        st.info("Choose at least two columns.")
        return
    chart(
        "matrix figure",
        data,
        lambda: summaries.scatter_matrix(data, chosen),
        f"Scatter-plot matrix of {len(chosen)} columns.",
        tuple(chosen),
    )
    st.caption(f"Above the diagonal: correlations. {OVERLAP}")
    if len(data.points) > summaries.MAX_PAINTED_ROWS:
        st.caption(f"Each panel shows a random sample of {summaries.MAX_PAINTED_ROWS:,} of {len(data.points):,} rows.")


def show_components(data: Data) -> None:
    """Shows the principal components: scatter plot, explained variance and loadings."""
    components = session_cache().get(("components", data.key), lambda: principal_components(data.points))
    left, right = st.columns([3, 2], gap="medium")
    with left:
        show_scatter(data)
    with right:
        st.markdown("**Explained variance**")
        chart("kept", data, lambda: summaries.explained_variance(components), "Explained variance by component.")
    st.markdown("**Loadings**: coefficients of the columns in each component, an axis of unit length")
    chart("loadings", data, lambda: summaries.loadings(data, components), "Loadings of the columns on the components.")
    if len(data.columns) > summaries.MAX_LOADINGS:
        st.caption(f"The {summaries.MAX_LOADINGS} columns with the largest absolute loadings in the first two components.")


def show_table(data: Data) -> None:
    """Shows the first rows of the prepared data as a table, with imputed values marked."""
    names = data.names_of(np.arange(min(len(data.points), MAX_ROWS)))
    columns = summaries.distinct_names([data.noun.capitalize(), *data.columns])
    records = []
    for i, name in enumerate(names):
        cells = [f"{value:.6g}" for value in data.points[i]]
        for j in np.flatnonzero(data.imputed[i]) if data.imputed is not None else ():
            spread = 0 if data.deviations is None else data.deviations[i, j]
            cells[j] = f"◌ {data.points[i, j]:.4g}{f' ± {spread:.2g}' if spread else ''}"
        records.append(dict(zip(columns, [name, *(minus_signs(cell) for cell in cells)], strict=True)))
    st.dataframe(records, hide_index=True, height=380)
    marked = " ◌ = imputed value, with its standard deviation if known." if data.imputed is not None else ""
    sample = " of the sample" if len(data.points) < data.n else ""
    st.caption(f"First {len(names):,} of {len(data.points):,} rows{sample}.{marked}")


def show_proximities(data: Data) -> None:
    """Shows a distance matrix as a 2-D layout and as a heat map."""
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**2-D layout**")
        plane = column_plane(data.columns, 0, 1)
        chart(
            "plane",
            data,
            lambda: summaries.scatter(data, plane, 430),
            f"2-D layout of {data.title} by classical multidimensional scaling.",
        )
    with right:
        st.markdown("**Heat map**, sorted by the first axis of the layout")
        order = np.argsort(data.points[:, 0], kind="stable")
        chart("heat", data, lambda: summaries.heat_map(data, order, height=430), "Heat map of the distance matrix.")
    st.caption(
        "K-medoids and hierarchical clustering use these distances, not the layout. On the Watch page the heat map is sorted "
        "by cluster."
    )


def chart(name: str, data: Data, create: Callable[[], go.Figure], alt: str, *parameters, **options) -> None:
    """Shows a figure, created on first use and cached by name, data and `parameters`; `options` are those of `show_chart`."""
    figure = session_cache().get((name, data.key, *parameters), create)
    show_chart(figure, key=f"chart {name}", alt=alt, **options)

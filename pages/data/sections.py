"""The parts of the page: figures and rows of the data set in use, and the limits of size."""

from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from clustering import principal_components
from pages.datasets import cleaning, limits
from pages.datasets.data import Data
from pages.datasets.formatting import minus, plain
from pages.datasets.planes import column_plane
from pages.figures import summaries
from pages.figures.markup import table
from pages.figures.plots import CHART, about_rings
from pages.ui.data_choice import summary
from pages.ui.placing import plane_of
from pages.ui.widgets import PERSISTENT, session_cache

OVERLAP = (
    "This is a shadow of the data on a plane: groups that overlap here may be apart in a direction that is not shown. "
    "Groups that are apart here are apart."
)
MOST_ROWS = 200
"""rows that are shown"""


def show_limits() -> None:
    """Shows how large data may be, folded away."""
    with st.expander("How much fits", icon=":material/straighten:"):
        st.html(table(["What", "At most", "Beyond that"], limits.told(), "How much fits", row_headers=True))


def show_data(data: Data) -> None:
    """Shows the data set: its summary, a warning if one column outweighs the others, and the view that is chosen."""
    left, right = st.columns([3, 1], vertical_alignment="center")
    with left:
        st.subheader("What will be clustered")
        st.markdown(plain(f"{data.title}: {summary(data)}"))
    with right, st.container(key="onwards"):
        st.page_link("pages/watch/page.py", label="Watch it cluster", icon=":material/play_circle:")
    if warning := session_cache().get(("outweighing", data.key), lambda: cleaning.outweighing(data)):
        st.warning(plain(warning), icon=":material/warning:")
    if data.given is not None:
        show_proximities(data)
        return
    d = len(data.columns)
    views = ["Plane"] + (["Scatter-plot matrix", "Principal components"] if d > 2 else []) + ["Rows"]
    view = st.segmented_control("Look at", views, default=views[0], required=True, key=f"view {d > 2}", **PERSISTENT)
    {
        "Plane": show_plane,
        "Scatter-plot matrix": show_matrix,
        "Principal components": show_components,
        "Rows": show_rows,
    }[view](data)
    if view != "Rows" and (text := about_rings(data)):
        st.caption(text)


def show_plane(data: Data) -> None:
    """Shows a scatter plot, of more than two columns along two principal components."""
    plane = plane_of(data)
    chart("plane", data, lambda: summaries.scatter(data, plane), f"Scatter plot of {data.title}.")
    if len(data.columns) > 2:
        st.caption(OVERLAP)


def show_matrix(data: Data) -> None:
    """Shows a scatter-plot matrix of columns that are chosen."""
    names = list(data.columns)
    chosen = st.multiselect(
        f"Columns, at most {summaries.MOST_PANELS}",
        range(len(names)),
        default=list(range(min(len(names), summaries.MOST_PANELS))),
        format_func=names.__getitem__,
        max_selections=summaries.MOST_PANELS,
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
        f"Scatter plots of each pair of {len(chosen)} columns.",
        tuple(chosen),
    )
    st.caption(f"Above the diagonal: correlations. {OVERLAP}")
    if len(data.points) > summaries.MOST_PAINTED_ROWS:
        st.caption(f"Each panel shows a sample of {summaries.MOST_PAINTED_ROWS:,} of the {len(data.points):,} rows.")


def show_components(data: Data) -> None:
    """Shows the principal components: a scatter plot, variance by component, and loadings."""
    components = session_cache().get(("components", data.key), lambda: principal_components(data.points))
    left, right = st.columns([3, 2], gap="medium")
    with left:
        show_plane(data)
    with right:
        st.markdown("**Variance kept**")
        chart("kept", data, lambda: summaries.variance_kept(components), "Share of the variance by component.")
    st.markdown("**Loadings**: how much of each column goes into each component")
    chart("loadings", data, lambda: summaries.loadings(data, components), "Loadings of the columns.")
    if len(data.columns) > summaries.MOST_LOADINGS:
        st.caption(f"The {summaries.MOST_LOADINGS} columns with the largest loadings in the first two components.")


def show_rows(data: Data) -> None:
    """Shows the first rows as they will be clustered, with filled values marked."""
    names = data.names_of(np.arange(min(len(data.points), MOST_ROWS)))
    columns = summaries.distinct(["Row", *data.columns])
    records = []
    for i, name in enumerate(names):
        cells = [f"{value:.6g}" for value in data.points[i]]
        for j in np.flatnonzero(data.filled[i]) if data.filled is not None else ():
            spread = 0 if data.deviations is None else data.deviations[i, j]
            cells[j] = f"◌ {data.points[i, j]:.4g}{f' ± {spread:.2g}' if spread else ''}"
        records.append(dict(zip(columns, [name, *(minus(cell) for cell in cells)], strict=True)))
    st.dataframe(records, hide_index=True, height=380)
    marked = " ◌ marks a filled value, with its standard deviation where it is known." if data.filled is not None else ""
    st.caption(f"The first {len(names):,} of {len(data.points):,} rows.{marked}")


def show_proximities(data: Data) -> None:
    """Shows proximities as points in the plane and as a heat map."""
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Laid out in the plane**")
        plane = column_plane(data.columns, 0, 1)
        chart("plane", data, lambda: summaries.scatter(data, plane, 430), f"{data.title}, laid out by classical scaling.")
    with right:
        st.markdown("**Heat map**, ordered along the first axis of the layout")
        order = np.argsort(data.points[:, 0], kind="stable")
        chart("heat", data, lambda: summaries.heat_map(data, order, height=430), "Heat map of the proximities.")
    st.caption(
        "K-medoids clusters these proximities as they are; the plane is only for looking. On Watch the heat map is ordered by "
        "cluster."
    )


def chart(name: str, data: Data, make: Callable[[], go.Figure], alt: str, *parameters) -> None:
    """Shows the figure of this name, from the cache if it is there; `parameters` are what it depends on beside the data."""
    figure = session_cache().get((name, data.key, *parameters), make)
    st.plotly_chart(figure, key=f"chart {name}", alt=alt, **CHART)

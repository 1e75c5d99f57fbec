"""Data: what comes of the choice that the frame draws above this page, to be looked at before it is clustered."""

import numpy as np
import streamlit as st

from clustering import principal_components
from pages.datasets import cleaning, limits
from pages.datasets.data import Data
from pages.datasets.formatting import minus, plain
from pages.datasets.planes import column_plane
from pages.figures import summaries
from pages.figures.markup import table
from pages.figures.plots import CHART, about_rings
from pages.ui.data_choice import current, summary
from pages.ui.placing import plane_of
from pages.ui.widgets import KEPT, recent


def show_limits() -> None:
    with st.expander("How much fits", icon=":material/straighten:"):
        st.html(table(["What", "At most", "Beyond that"], limits.told(), "How much fits", row_headers=True))


def show(data: Data) -> None:
    """What will be clustered."""
    left, right = st.columns([3, 1], vertical_alignment="center")
    with left:
        st.subheader("What will be clustered")
        st.markdown(plain(f"{data.title}: {summary(data)}"))
    with right, st.container(key="onwards"):
        st.page_link("pages/watch/page.py", label="Watch it cluster", icon=":material/play_circle:")
    if warning := recent().get(("outweighing", data.key), lambda: cleaning.outweighing(data)):
        st.warning(plain(warning), icon=":material/warning:")
    if data.given is not None:
        show_proximities(data)
        return
    d = len(data.columns)
    views = ["Plane"] + (["Scatter-plot matrix", "Principal components"] if d > 2 else []) + ["Rows"]
    view = st.segmented_control("Look at", views, default=views[0], required=True, key=f"view {d > 2}", **KEPT)
    {
        "Plane": show_plane,
        "Scatter-plot matrix": show_matrix,
        "Principal components": show_components,
        "Rows": show_rows,
    }[view](data)
    if view != "Rows" and (text := about_rings(data)):
        st.caption(text)


def show_plane(data: Data) -> None:
    plane = plane_of(data)
    chart("plane", data, lambda: summaries.scatter(data, plane), f"Scatter plot of {data.title}.")
    if len(data.columns) > 2:
        st.caption(OVERLAP)


OVERLAP = (
    "This is a shadow of the data on a plane: groups that overlap here may be apart in a direction that is not shown. "
    "Groups that are apart here are apart."
)


def show_matrix(data: Data) -> None:
    names = list(data.columns)
    some = st.multiselect(
        f"Columns, at most {summaries.MOST_PANELS}",
        range(len(names)),
        default=list(range(min(len(names), summaries.MOST_PANELS))),
        format_func=names.__getitem__,
        max_selections=summaries.MOST_PANELS,
        key=f"panels {names}",
        **KEPT,
    )
    if len(some) < 2:
        st.info("Choose at least two columns.")
        return
    chart(
        "matrix figure",
        data,
        lambda: summaries.scatter_matrix(data, some),
        f"Scatter plots of each pair of {len(some)} columns.",
        tuple(some),
    )
    st.caption(f"Above the diagonal: correlations. {OVERLAP}")
    if len(data.points) > summaries.MOST_PAINTED_ROWS:
        st.caption(f"Each panel shows a sample of {summaries.MOST_PAINTED_ROWS:,} of the {len(data.points):,} rows.")


def show_components(data: Data) -> None:
    components = recent().get(("components", data.key), lambda: principal_components(data.points))
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
    """The first rows as they will be clustered, with filled values marked."""
    called = data.called(np.arange(min(len(data.points), 200)))
    columns = summaries.distinct(["Row", *data.columns])
    records = []
    for i, name in enumerate(called):
        cells = [f"{value:.6g}" for value in data.points[i]]
        for j in np.flatnonzero(data.filled[i]) if data.filled is not None else ():
            spread = 0 if data.deviations is None else data.deviations[i, j]
            cells[j] = f"◌ {data.points[i, j]:.4g}{f' ± {spread:.2g}' if spread else ''}"
        records.append(dict(zip(columns, [name, *(minus(cell) for cell in cells)], strict=True)))
    st.dataframe(records, hide_index=True, height=380)
    marked = " ◌ marks a filled value, with its standard deviation where it is known." if data.filled is not None else ""
    st.caption(f"The first {len(called):,} of {len(data.points):,} rows.{marked}")


def show_proximities(data: Data) -> None:
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


def chart(what: str, data: Data, make, alt: str, *also) -> None:
    """Draws the figure of this kind; `also` is what it depends on beside the data."""
    figure = recent().get((what, data.key, *also), make)
    st.plotly_chart(figure, key=f"chart {what}", alt=alt, **CHART)


if st.session_state["nothing yet"]:
    st.info(plain(st.session_state["nothing yet"]), icon=":material/info:")
else:
    show(current())
show_limits()

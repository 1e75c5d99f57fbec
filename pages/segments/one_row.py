"""Explains a row: its values, its distances or memberships, and the least change that moves it into each other segment."""

import numpy as np
import streamlit as st

from pages.datasets.columns import cell_text
from pages.datasets.formatting import escape_markdown, format_short
from pages.figures import palette
from pages.figures.markup import Raw, bar, cell, cluster_mark, mark, table
from pages.figures.pick import pickable_points
from pages.figures.plots import MAX_MARKERS, token
from pages.methods.metric import METRIC_NAMES
from pages.runs.profiles import Profiles
from pages.runs.row_changes import RowChange, RowSpace, either
from pages.runs.segments import Segments
from pages.ui.charts import show_chart
from pages.ui.placing import plane_of
from pages.ui.progress import Progress
from pages.ui.segments import selected_rows
from pages.ui.widgets import PERSISTENT, session_cache

MAX_LISTED = 1_000
"""maximum number of rows that are listed by name; above it, a row is chosen by its number"""


def show(profiles: Profiles) -> None:
    segments = profiles.segments
    left, right = st.columns(2, gap="medium")
    with left:
        row = _choose_row(segments)
        if row is None:
            return
        _show_points(segments, row)
    try:
        space, error = session_cache().get(("row space", *segments.key), lambda: RowSpace.of(segments)), ""
    except ValueError as reason:
        space, error = None, str(reason)
    with right:
        st.html(_values(segments, row))
        st.html(_nearness(segments, row, space))
    if space is None:
        st.info(escape_markdown(error), icon=":material/info:")
    else:
        _show_changes(segments, row, space)


def _show_points(segments: Segments, row: int) -> None:
    """A scatter plot in which a click chooses a row."""
    data = segments.data
    key = f"segments_pick {token(segments.key, row)}"  # with the same key, the last click would be handled again

    def on_select():
        if points := st.session_state[key]["selection"]["points"]:
            _pick(segments, int(points[0]["customdata"]))

    plane = plane_of(data)
    figure = session_cache().get(("pick", key), lambda: pickable_points(data, plane, segments.labels, segments.ranks, row))
    show_chart(
        figure,
        key=key,
        on_select=on_select,
        selection_mode="points",
        alt=f"Points colored by segment, with a ring around {data.names_of([row])[0]}.",
    )
    st.caption(f"Click a point to choose it.{' Only some points can be clicked.' * (len(data.points) > MAX_MARKERS)}")


def _key(segments: Segments) -> str:
    """Key of the widget that chooses the row: its value is a position, or a row number if there are many rows."""
    return f"segments_row {token(segments.data.key)}"


def _pick(segments: Segments, row: int) -> None:
    """Callback: choose a row, given by its position."""
    data = segments.data
    st.session_state[_key(segments)] = row if len(data.rows) <= MAX_LISTED else int(data.rows[row])


def _choose_row(segments: Segments) -> int | None:
    """Choose a row by name or number; return its position, or None if there is no such row."""
    data, key = segments.data, _key(segments)
    label = data.noun.capitalize()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if len(data.rows) <= MAX_LISTED:
            names = data.names_of(slice(None))
            row = st.selectbox(label, range(len(names)), format_func=names.__getitem__, key=key, width=280, **PERSISTENT)
        else:
            low, high = int(data.rows.min()), int(data.rows.max())
            number = st.number_input(f"{label} number", low, high, int(data.rows[0]), key=key, width=200, **PERSISTENT)
            found = np.flatnonzero(data.rows == number)
            row = int(found[0]) if found.size else None
        selected = selected_rows(data)
        if selected.size and selected[0] != row:
            name = data.names_of(selected[:1])[0]
            st.button(f"First selected: {escape_markdown(name)}", on_click=_pick, args=(segments, int(selected[0])))
    if row is None:
        st.info(f"{label} {number:,} is not among the clustered ones: a value is missing, or it is not in the sample.")
    return row


def _name(segments: Segments, i: int) -> Raw:
    """The mark and name of a segment as HTML."""
    if i < 0:
        return mark("●", palette.NEUTRAL, "no segment")
    return cluster_mark(segments.ranks[i], segments.names[i])


def _values(segments: Segments, row: int) -> str:
    """The row as a table of all columns, below its name and segment."""
    cells = segments.table.iloc[row].items()
    name = segments.data.names_of([row])[0]
    headers = [segments.data.noun.capitalize(), name]
    rows = [["Segment", _name(segments, segments.labels[row])], *([column, cell_text(value)] for column, value in cells)]
    return table(headers, rows, f"Values of {name}", True)


def _nearness(segments: Segments, row: int, space: RowSpace | None) -> str:
    """A table of the segments with the memberships of the row, or its distances."""
    rows = []
    if segments.memberships is not None:
        title = segments.run.view.traits.membership.capitalize()
        for i, share in enumerate(segments.memberships[row]):
            rows.append([_name(segments, i), f"{share:.1%}", bar(share, palette.color_of(segments.ranks[i]))])
        return table(["Segment", title, ""], rows, f"{title}s of the row", True)
    if space is not None and space.centers is not None:
        center = "mean" if space.model.by_means else segments.run.center_name
        title, values = f"Distance to its {center}", np.full(segments.k, np.inf)
        values[list(space.model.segments)] = np.linalg.norm(space.centers - segments.data.points[row], axis=1)
    else:
        metric = segments.run.view.matrix_metric(segments.run.settings)
        title, values = "Distance to its center", segments.distances[row]
        if metric is not None:
            title = f"Mean distance to its other {segments.data.noun}s ({METRIC_NAMES[metric]})"
    largest = max(values[np.isfinite(values)].max(initial=0.0), 1e-300)
    for i, value in enumerate(values):
        known = np.isfinite(value)
        length = bar(value / largest, palette.color_of(segments.ranks[i])) if known else ""
        rows.append([_name(segments, i), format_short(value) if known else None, length])
    return table(["Segment", title, ""], rows, "Distances of the row to the segments", True)


def _show_changes(segments: Segments, row: int, space: RowSpace) -> None:
    """For each other segment the least change that would move the row there."""
    others = [i for i in range(segments.k) if i != segments.labels[row]]
    if not others:
        return
    st.subheader("Changes that would move it to another segment")
    key = ("row changes", *segments.key, row)
    progress = Progress()
    changes = progress.compute(key, lambda on_progress: [space.change(row, i) for i in others], "Searching.")
    progress.done()
    items = []
    for i, change in zip(others, changes, strict=True):
        lines = "".join(f"<div>{cell(line)}</div>" for line in space.sentences(row, change))
        items.append(f"<li><div><strong>{_name(segments, i)}</strong></div>{lines}</li>")
    style = "list-style:none;margin:0;padding:0;display:grid;gap:.6rem;overflow-wrap:anywhere"
    st.html(f"<ul style='{style}' aria-label='Least changes'>{''.join(items)}</ul>")
    st.caption(escape_markdown(_about(space)))
    with st.expander("Least change of each column alone"):
        st.html(_table_of_changes(space, row, others, changes))
        st.caption("–: no change of this column alone suffices.")


def _about(space: RowSpace) -> str:
    """By which rule the changes were found, and what they assume."""
    found = "The changes are exact"
    if space.centers is None:
        found = "The changes were found by search, so that smaller ones may exist"
    categories = " Categories stay as they are in a change of all numbers together." * bool(space.model.categorical)
    return (
        f"{space.model.rule} {found}, up to rounding. SD: standard deviations of the column.{categories} It is assumed that "
        "the segments stay where they are when the row changes."
    )


def _table_of_changes(space: RowSpace, row: int, others: list[int], changes: list[RowChange]) -> str:
    rows = []
    for feature in space.model.features:
        cells: list[str | None] = []
        for change in changes:
            if feature.name in change.columns:
                cells.append(change.columns[feature.name].values)
            elif feature.name in change.categories:
                cells.append(f"{space.category(row, feature.name)} → {either(change.categories[feature.name])}")
            else:
                cells.append("no change" if change.is_there else None)
        rows.append([feature.name, *cells])
    headers = ["Column", *(_name(space.segments, i) for i in others)]
    return table(headers, rows, "Least change of each column alone, by segment", True)

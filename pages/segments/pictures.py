"""Linked plots of the segments: in each one, rows can be selected, or a segment picked, in all others."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import streamlit as st

from clustering import weighted_quantiles
from pages.datasets.formatting import escape_html, escape_markdown, pluralize, truncate
from pages.figures import palette, segment_plots
from pages.figures.plots import MAX_MARKERS, points_note, token
from pages.figures.segment_plots import ColoredSegments
from pages.runs.profiles import Profiles, Variable, deviations_of
from pages.runs.segments import Edit, Segments
from pages.segments.lasso import points_in
from pages.ui.charts import show_chart
from pages.ui.data_choice import use_only
from pages.ui.import_options import is_date_only
from pages.ui.placing import choose_plane, chosen_plane, is_manual
from pages.ui.segments import edit, select_rows, selected_rows, show_edit_error
from pages.ui.widgets import session_cache

MAX_TABLE_ROWS = 1_000
"""maximum number of selected rows in the table"""
MAX_COLUMNS = 30
"""maximum number of columns in the heat map and of lines; above it, those that separate the segments most strongly"""
TOOLS = {"select": "Box", "lasso": "Lasso"}
PLOTS = {"histogram": "Histogram", "density": "Density", "box": "Box plot"}
COLUMN = "segments_column"
"""key of the choice of a column"""
NEW_NAME = "segments_new_name"
"""key of the name of a new segment"""


def show(profiles: Profiles) -> None:
    show_edit_error()
    segments = profiles.segments
    if not segments.k:
        st.caption("There are no segments to show.")
        return
    data = segments.data
    with st.container(horizontal=True, gap="medium"):
        picked, tool = _choose_segment(segments), _choose_tool()
    chosen = selected_rows(data)
    selected = np.isin(np.arange(len(segments.labels)), chosen) if chosen.size else None
    groups = ColoredSegments(segments.labels, segments.names, segments.ranks, picked, selected, segments.weights)
    left, right = st.columns(2, gap="medium")
    with left:
        _show_points(segments, groups, tool)
    with right:
        _show_distribution(profiles, groups)
    if chosen.size:
        _show_selected(segments, chosen)
    _show_heat_map(profiles, groups)
    _show_lines(profiles, groups)


def _picked_key(segments: Segments) -> str:
    return f"segments_picked {token(segments.key)}"


def _choose_segment(segments: Segments) -> int | None:
    """Choose the only segment in color; None for all."""
    labels = [
        f':color[{palette.mark_of(rank)}]{{foreground="{palette.color_of(rank)}"}} {escape_markdown(name)}'
        for rank, name in zip(segments.ranks, segments.names, strict=True)
    ]
    return st.pills(
        "Pick out a segment (click again for all)",
        range(segments.k),
        format_func=labels.__getitem__,
        key=_picked_key(segments),
        on_change=select_rows,
        args=(segments.data, ()),
        wrap=True,
    )


def _choose_tool() -> str:
    return st.segmented_control(
        "Select rows with", TOOLS, format_func=TOOLS.get, default="select", required=True, key="segments_tool"
    )


def _pick(segments: Segments, picked: int) -> None:
    """Callback: pick out a segment, or all again if it is the one already."""
    key = _picked_key(segments)
    st.session_state[key] = None if st.session_state.get(key) == picked else picked
    select_rows(segments.data, ())


def _select(segments: Segments, picked: int | None, inside: np.ndarray) -> None:
    """Callback: select these rows (n,), but only those of the picked segment, if any."""
    select_rows(segments.data, np.flatnonzero(inside if picked is None else inside & (segments.labels == picked)))


def _show_points(segments: Segments, groups: ColoredSegments, tool: str) -> None:
    data = segments.data
    plane = chosen_plane(data) if is_manual(segments.run.settings) else choose_plane(data)
    key = f"segments_points {_token(segments, groups, plane.names, tool)}"

    def on_select():
        xy = plane.positions(data.points)
        _select(segments, groups.picked, points_in(st.session_state[key]["selection"], *xy.T))

    figure = _cached(key, lambda: segment_plots.points(data, plane, groups, tool))
    show_chart(
        figure,
        key=key,
        on_select=on_select,
        selection_mode=("box", "lasso"),
        alt="Points colored by segment. Drag to select rows.",
    )
    n = len(data.points)
    st.caption(points_note(n, data.all_rows is not None or n < data.n, n > MAX_MARKERS) + _drag_note(groups, "to select rows"))


def _show_distribution(profiles: Profiles, groups: ColoredSegments) -> None:
    variables = profiles.variables
    if not variables:
        st.caption("There is no column of numbers, dates or categories.")
        return
    names = [variable.name for variable in variables]
    if st.session_state.get(COLUMN) not in names:
        st.session_state[COLUMN] = names[profiles.ranked[0]]
    with st.container(horizontal=True):
        name = st.selectbox("Column", [names[j] for j in profiles.ranked], key=COLUMN, width=180)
        variable = variables[names.index(name)]
        kind = ""
        if not variable.categories:
            kind = st.segmented_control(
                "Plot", PLOTS, format_func=PLOTS.get, default="histogram", required=True, key="segments_plot"
            )
    if not _known(variable, groups.weights).any():
        st.caption("No row has a value in this column.")
        return
    key = f"segments_distribution {_token(profiles.segments, groups, name, kind)}"

    def on_select():
        selection = st.session_state[key]["selection"]
        if variable.categories:
            codes = {point["customdata"] for point in selection["points"]}
            inside = np.isin(variable.values, list(codes))
        else:
            inside = points_in(selection, variable.values)
        _select(profiles.segments, groups.picked, inside)

    figure = _cached(key, lambda: _distribution(variable, groups, kind))
    show_chart(
        figure,
        key=key,
        on_select=on_select,
        selection_mode=("box",),
        alt=f"Distribution of {name} by segment. Drag along the horizontal axis to select rows.",
    )
    notes = " ".join(_distribution_notes(variable, kind, int((~_known(variable, None)).sum()), groups.weights is not None))
    how = "over bars to select the rows of their categories" if variable.categories else "along the axis to select rows"
    st.caption(escape_markdown(notes) + _drag_note(groups, how))


def _drag_note(groups: ColoredSegments, how: str) -> str:
    """A sentence about how rows are selected in a plot."""
    return f" Drag {how}{'' if groups.picked is None else ', only of the segment in color'}."


def _known(variable: Variable, weights: np.ndarray | None) -> np.ndarray:
    """(n,) whether a row has a value and a weight above 0."""
    known = variable.values >= 0 if variable.categories else ~np.isnan(variable.values)
    return known if weights is None else known & (weights > 0)


def _distribution(variable: Variable, groups: ColoredSegments, kind: str):
    if variable.categories:
        return segment_plots.category_bars(variable.values, variable.categories, groups, variable.name)
    draw = {"histogram": segment_plots.histogram, "density": segment_plots.density, "box": segment_plots.box_plot}[kind]
    return draw(variable.values, groups, variable.name, variable.kind == "date")


def _distribution_notes(variable: Variable, kind: str, missing: int, weighted: bool) -> list[str]:
    notes = [f"{pluralize(missing, 'row')} without a value {'is' if missing == 1 else 'are'} left out."] * bool(missing)
    if len(variable.categories) > segment_plots.MAX_CATEGORIES:
        notes.append(f"The {segment_plots.MAX_CATEGORIES} most frequent of {len(variable.categories)} categories are shown.")
    if variable.categories:
        return ["Share of each category in each segment.", *notes]
    kinds = {
        "histogram": "Sums of weights of each segment, stacked." if weighted else "Rows of each segment, stacked.",
        "density": "Kernel density of each segment; the area under each curve is 1.",
        "box": "Median, quartiles, and whiskers of up to 1.5 interquartile ranges; dots are the smallest and largest values.",
    }
    return [kinds[kind], *notes]


def shown_columns(profiles: Profiles, only_numbers: bool) -> list[int]:
    """Indices of the variables in the heat map and of lines: features first, at most `MAX_COLUMNS`."""
    usable = [j for j in profiles.ranked if not (only_numbers and profiles.variables[j].categories)]
    weights = profiles.segments.weights
    usable = [j for j in usable if _known(profiles.variables[j], weights).any()][:MAX_COLUMNS]
    return sorted(usable, key=lambda j: (not profiles.variables[j].is_feature, j))


def column_differences(
    variable: Variable, labels: np.ndarray, k: int, weights: np.ndarray | None = None
) -> tuple[str, np.ndarray, list[str]]:
    """How far the mean of each segment is from that of all rows in a column.

    Returns
    -------
    name : name of the column; of categories the one that differs most between the segments, such as "Churn = yes"
    z : (k,) mean of the segment minus mean of all rows, divided by the standard deviation of all rows; NaN if undefined
    texts : (k,) mean, or share of the category
    """
    columns = variable.indicators
    means = np.array([variable.means_of(labels == i, weights) for i in range(k)])
    overall = variable.means_of(np.ones(len(labels), dtype=bool), weights)
    known = ~np.isnan(columns[:, 0]) & (True if weights is None else weights > 0)
    deviations = deviations_of(columns[known], None if weights is None else weights[known])
    with np.errstate(invalid="ignore", divide="ignore"):
        z = np.where(deviations > 0, (means - overall) / deviations, np.nan)
    best = int(np.nan_to_num(np.abs(z)).max(axis=0).argmax())
    if variable.categories:
        texts = ["–" if np.isnan(mean) else f"{mean:.0%}" for mean in means[:, best]]
        return f"{variable.name} = {variable.categories[best]}", z[:, best], texts
    return variable.name, z[:, best], [variable.text(mean) for mean in means[:, best]]


def median_heights(
    values: np.ndarray, parts: list[np.ndarray], weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Medians of parts of the rows, and their positions among all rows.

    Parameters
    ----------
    values : (n,) numbers, NaN if missing
    parts : booleans (n,) of each part
    weights : (n,) how often each row counts, see `as_frequencies`; by default once

    Returns
    -------
    medians : one for each part, NaN for a part without values
    heights : share of all values below the median, plus half the share of those equal to it
    """
    weights = np.ones(len(values)) if weights is None else weights
    known = ~np.isnan(values) & (weights > 0)
    inside = [part & known for part in parts]
    medians = np.array([weighted_quantiles(values[one], [0.5], weights[one])[0] if one.any() else np.nan for one in inside])
    order = np.argsort(values[known])
    ordered, sums = values[known][order], np.append(0.0, np.cumsum(weights[known][order]))
    ranks = (sums[np.searchsorted(ordered, medians, "left")] + sums[np.searchsorted(ordered, medians, "right")]) / 2
    return medians, np.where(np.isnan(medians), np.nan, ranks / sums[-1])


def _show_heat_map(profiles: Profiles, groups: ColoredSegments) -> None:
    segments, columns = profiles.segments, shown_columns(profiles, only_numbers=False)
    if not columns:
        return
    st.subheader("Means and shares")
    parts = [column_differences(profiles.variables[j], segments.labels, segments.k, segments.frequencies) for j in columns]
    rows = [_row_name(name, profiles.variables[j]) for (name, *_), j in zip(parts, columns, strict=True)]
    key = f"segments_heat {_token(segments, groups)}"

    def on_select():
        if points := st.session_state[key]["selection"]["points"]:
            j, i = points[0]["customdata"]
            st.session_state[COLUMN] = profiles.variables[columns[j]].name
            _pick(segments, i)

    figure = _cached(
        key, lambda: segment_plots.heat_map(np.array([z for _, z, _ in parts]), [texts for *_, texts in parts], rows, groups)
    )
    show_chart(
        figure,
        key=key,
        on_select=on_select,
        selection_mode="points",
        alt="Heat map of the mean of each column in each segment.",
    )
    st.caption(
        "Green: above the mean of all rows; brown: below. Colors are darkest at two or more standard deviations. "
        + "For a column of categories, the category that differs most between the segments is shown. "
        * any(bool(profiles.variables[j].categories) for j in columns)
        + "Columns in italics were not used for clustering. Click a cell to pick out its segment and show its column."
        + _left_out(profiles, len(columns), only_numbers=False)
    )


def _row_name(name: str, variable: Variable) -> str:
    """The name of a row of the heat map, in italics unless it was used for clustering."""
    name = escape_html(truncate(name))
    return name if variable.is_feature else f"<i>{name}</i>"


def _show_lines(profiles: Profiles, groups: ColoredSegments) -> None:
    columns = shown_columns(profiles, only_numbers=True)
    if not columns:
        return
    segments = profiles.segments
    st.subheader("Medians")
    parts = [segments.labels == i for i in range(segments.k)] + ([] if groups.selected is None else [groups.selected])
    found = [median_heights(profiles.variables[j].values, parts, segments.frequencies) for j in columns]
    heights = np.array([ranks for _, ranks in found])
    texts = [[profiles.variables[j].text(one) for one in medians] for (medians, _), j in zip(found, columns, strict=True)]
    names = [profiles.variables[j].name for j in columns]
    selected = None if groups.selected is None else (heights[:, -1], [row[-1] for row in texts])
    key = f"segments_lines {_token(segments, groups)}"

    def on_select():
        points = st.session_state[key]["selection"]["points"]
        if points and points[0]["customdata"][1] >= 0:
            _pick(segments, points[0]["customdata"][1])

    figure = _cached(key, lambda: segment_plots.lines(heights, texts, names, groups, selected))
    show_chart(figure, key=key, on_select=on_select, selection_mode="points", alt="Lines of the medians of each segment.")
    st.caption(
        "Share of all rows with a smaller value than the median of the segment; 50% is the median of all rows. "
        "Hover for values; click a marker to pick out its segment." + _left_out(profiles, len(columns), only_numbers=True)
    )


def _left_out(profiles: Profiles, shown: int, only_numbers: bool) -> str:
    """A sentence about columns that are not shown; empty if there are none."""
    usable = [variable for variable in profiles.variables if not (only_numbers and variable.categories)]
    if shown == MAX_COLUMNS < len(usable):
        return f" The {MAX_COLUMNS} columns that separate the segments most strongly are shown, of {len(usable)}."
    return ""


def _show_selected(segments: Segments, rows: np.ndarray) -> None:
    """The selected rows as a table, and what can be done with them."""
    data = segments.data
    with st.container(border=True):
        st.markdown(f"**{pluralize(len(rows), data.noun).capitalize()} selected**")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input("Name of a new segment", max_chars=60, key=NEW_NAME, width=200)
            st.button("Make these a segment", icon=":material/add_circle:", on_click=_create, args=(segments, rows))
            target = f"segments_target {segments.k}"
            names = segments.names.__getitem__
            st.selectbox("Segment", range(segments.k), format_func=names, key=target, width=200)
            st.button("Move to this segment", icon=":material/move_item:", on_click=_move, args=(segments, rows, target))
            st.button(
                "Look only at these",
                icon=":material/filter_alt:",
                on_click=use_only,
                args=(data, rows),
                disabled=len(rows) < 2,
                help="Use only these rows on all pages; a button in the sidebar leads back.",
            )
            st.button("Clear selection", icon=":material/close:", on_click=select_rows, args=(data, ()))
        shown = rows_of(segments, rows[:MAX_TABLE_ROWS])
        dates = {name: st.column_config.DateColumn() for name, column in shown.items() if is_date_only(column)}
        st.dataframe(shown, hide_index=True, height=min(300, 40 + 35 * len(rows)), column_config=dates)
        if len(rows) > MAX_TABLE_ROWS:
            st.caption(f"The first {MAX_TABLE_ROWS:,} are shown.")


def _create(segments: Segments, rows: np.ndarray) -> None:
    """Callback: make these rows a segment with the name that was entered; they are no longer selected then."""
    edit(segments, Edit("create", rows=tuple(rows.tolist()), name=st.session_state[NEW_NAME]))
    st.session_state[NEW_NAME] = ""
    select_rows(segments.data, ())


def _move(segments: Segments, rows: np.ndarray, target: str) -> None:
    """Callback: move these rows to the segment that was chosen in the widget `target`."""
    edit(segments, Edit("move", (st.session_state[target],), tuple(rows.tolist())))
    select_rows(segments.data, ())


def rows_of(segments: Segments, rows: np.ndarray) -> pd.DataFrame:
    """These rows of the original table, after columns with their names and segments."""
    table = segments.table.iloc[rows].copy()
    names = [segments.names[label] if label >= 0 else "" for label in segments.labels[rows]]
    columns = list(table.columns)
    for title, values in (("Segment", names), (segments.data.noun.capitalize(), segments.data.names_of(rows))):
        while title in columns:  # a table cannot be shown with two equal names
            title += " "
        table.insert(0, title, values)
        columns.append(title)
    return table


def _token(segments: Segments, groups: ColoredSegments, *choices) -> str:
    rows = () if groups.selected is None else np.flatnonzero(groups.selected).tobytes()
    return token(segments.key, groups.picked, rows, *choices)


def _cached(key: str, draw: Callable):
    return session_cache().get(tuple(key.split()), draw)

"""Widgets that choose a table on the server, its columns and scaling."""

import streamlit as st

from pages.datasets.cleaning import MAX_PRESELECTED
from pages.datasets.data import Data
from pages.datasets.formatting import escape_markdown, minus_signs
from pages.datasets.server.loading import load
from pages.datasets.server.tables import Description, ServerTable, UnreadableTable, describe, forget_kept, server_tables
from pages.ui.preparation import choose_scaling
from pages.ui.progress import Progress
from pages.ui.widgets import IN_LINK


def choose_server_table(below) -> Data | None:
    """Shows the widgets for a table on the server and returns its points; None until its use is confirmed.

    On the Data page, `below` is a container for the description of the columns. Raises UnreadableTable.
    """
    tables, problems = server_tables()
    for problem in problems if below is not None or not tables else ():
        st.warning(escape_markdown(problem), icon=":material/warning:")
    if not tables:
        raise UnreadableTable("There are no tables on this server at present.")
    name = st.selectbox("Table", list(tables), key="server_table", **IN_LINK)
    table = tables.get(name)
    if table is None:
        raise UnreadableTable("This table is not available: choose another one.")
    if below is not None:
        st.button(
            "Refresh", on_click=forget_kept, icon=":material/refresh:", help="Reloads the list and descriptions of the tables."
        )
    with st.spinner("Reading the description of the table."):
        description = describe(table)
    return _prepared(table, description, below)


def _prepared(table: ServerTable, description: Description, below) -> Data | None:
    usable = [c.name for c in description.columns if c.is_number and (c.low is None or c.low != c.high)]
    use_key = f"{table.name}_server_use"
    st.caption(escape_markdown(f"{_size(description)} {description.source if below is not None else ''}"))
    if below is not None:
        is_used = st.session_state.get(use_key, use_key in st.query_params)  # then the picture comes first
        with below.expander("Columns", icon=":material/view_column:", expanded=not is_used):
            _show_columns(description, usable)
    if not usable:
        raise UnreadableTable(
            f"The table “{table.name}” has no numeric column with at least two distinct values: choose another one."
        )
    places = st.columns(3) if below is not None else [st.container()] * 3
    with places[0]:
        columns = st.multiselect(
            "Features", usable, default=usable[:MAX_PRESELECTED], key=f"{table.name}_server_columns", **IN_LINK
        )
    with places[1]:
        label = st.selectbox(
            "True labels (optional)",
            [None, *(column.name for column in description.columns)],
            format_func=lambda name: "none" if name is None else name,
            key=f"{table.name}_server_label",
            help="Used for colors and scores of the sample, not for clustering.",
            **IN_LINK,
        )
    with places[2]:
        scaling = choose_scaling()
    if not columns:
        raise UnreadableTable("Choose at least one feature.")
    help = "All rows are read once to count missing values, compute the scaling, and draw a random sample."
    if not st.toggle("Use this table", key=use_key, help=help, **IN_LINK):
        return None
    progress = Progress()

    text = f"Reading “{escape_markdown(table.name)}”."
    data = progress.compute(
        ("prepared", "server", table, tuple(columns), scaling, label),
        lambda on_progress: load(table, columns, scaling, label, lambda share: on_progress(share, text)),
        text,
    )
    progress.done()
    return data


def _size(description: Description) -> str:
    about = "" if description.is_exact else "about "
    return f"The table has {about}{description.rows:,} rows and {len(description.columns):,} columns."


def _show_columns(description: Description, usable: list[str]) -> None:
    """The columns with their types and ranges, before any row is read."""
    st.dataframe(
        [
            {
                "Column": column.name,
                "Type": column.type,
                "Minimum": "" if column.low is None else minus_signs(f"{column.low:.6g}"),
                "Maximum": "" if column.high is None else minus_signs(f"{column.high:.6g}"),
                "Use": "feature" if column.name in usable else "true labels only",
            }
            for column in description.columns
        ],
        hide_index=True,
        height=min(420, 38 + 35 * len(description.columns)),
    )

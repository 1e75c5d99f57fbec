"""The choice of columns, of what to do about gaps and of a scale: from a table to points."""

from dataclasses import dataclass, replace

import pandas as pd
import streamlit as st

from pages.datasets import cleaning
from pages.datasets.cleaning import GAPS, SCALINGS, Preparation
from pages.datasets.columns import MOST_CATEGORIES, Column
from pages.datasets.data import Data
from pages.datasets.formatting import plain
from pages.runs.jobs import share_of
from pages.ui.progress import Progress
from pages.ui.widgets import IN_LINK, session_cache


@dataclass(frozen=True, eq=False)
class Source:
    """A table that a person looks at."""

    key: str
    """differs whenever the table does"""
    title: str
    table: pd.DataFrame
    columns: list[Column]
    begin: Preparation
    """what is chosen at first"""
    keeping: dict
    """how the widgets of this table keep their values"""

    @property
    def cells(self) -> int:
        """How many cells the table has."""
        return self.table.size


def prepare(source: Source, full: bool) -> Data:
    """The points that come of a table by the choices that are made here.

    In full with all there is to see about them; what is not shown otherwise stays as it was chosen on Data.
    """
    how = _choose_columns(source, full)
    chosen = (source.key, how.columns, how.as_categories)
    gathered = session_cache().get(("gathered", *chosen), lambda: cleaning.gather(source.table, how))
    effects = session_cache().get(("effects", *chosen), lambda: cleaning.consequences(gathered))
    left, right = st.columns([3, 2], gap="large") if full and effects else [st.container()] * 2
    if effects:
        with left:
            how = _choose_gaps(source, how, effects, cleaning.components_to_offer(gathered), full)
    with right:
        how = replace(how, scaling=_choose_scaling(full))
    progress = Progress()

    def told(step):
        progress.show(share_of(step.iteration), f"Probabilistic PCA, step {step.iteration}.")

    data = session_cache().get(("prepared", source.key, how), lambda: cleaning.prepare(source.table, source.title, how, told))
    progress.done()
    return data


def _heading(full: bool, title: str, text: str) -> None:
    if full:
        st.subheader(title)
        st.caption(text)


def _choose_columns(source: Source, full: bool) -> Preparation:
    key, begin = source.key, source.begin
    kinds = {column.name: column for column in source.columns}
    usable = [column.name for column in source.columns if column.usable]
    _heading(
        full,
        "Columns",
        "What rows are clustered by; the kinds are guesses. Columns of text, with a single value, or with more than "
        f"{MOST_CATEGORIES} categories are not offered.",
    )
    if full:
        _show_columns(source)
    if not usable:
        raise ValueError(
            "No column of this table can be clustered by: it needs numbers that are not all the same, or categories of 2 to "
            f"{MOST_CATEGORIES} values."
        )
    columns = st.multiselect(
        "Columns to cluster by",
        usable,
        default=[name for name in begin.columns if name in usable],
        key=f"{key}_columns",
        **source.keeping,
    )
    numbers = [column.name for column in source.columns if column.kind == "number" and column.name != begin.label]
    if full and len(numbers) > cleaning.MOST_PRESELECTED:
        st.caption(f"The first {cleaning.MOST_PRESELECTED} of {len(numbers)} columns of numbers were chosen to begin with.")
    codes = [c for c in columns if kinds[c].kind == "number" and kinds[c].distinct <= MOST_CATEGORIES]
    groups = [c.name for c in source.columns if c.distinct <= MOST_CATEGORIES and c.kind != "constant"]
    # on every page, because only a widget that is on the page has its value in the address
    places = st.columns(3) if full else [st.expander("Groups, names and codes")] * 3
    with places[0]:
        label = _one_of(source, "Known groups", groups, begin.label, "label", "For colors and scores, not for clustering.")
    with places[1]:
        names = _one_of(source, "Names of the rows", kinds, begin.names, "names", "Shown when you point at a row.")
    as_categories = ()
    if codes:
        with places[2]:
            as_categories = st.multiselect(
                "Numbers that are codes",
                codes,
                key=f"{key}_categories",
                help="They are taken as categories: 3 is not between 2 and 4.",
                **source.keeping,
            )
    if label is not None and label in columns:
        st.warning(
            plain(f"{label} is among the columns clustered by: a score against it flatters."), icon=":material/warning:"
        )
    return Preparation(tuple(columns), label, names, tuple(as_categories))


def _choose_gaps(source: Source, how: Preparation, effects: dict[str, str], most: int, full: bool) -> Preparation:
    key = source.key
    _heading(full, "Gaps", "Infinite values count as gaps.")
    offered = [choice for choice in GAPS if choice != "ppca" or most]
    gaps = st.radio(
        "What to do about gaps",
        offered,
        format_func=GAPS.get,
        captions=[plain(effects[choice]) for choice in offered] if full else None,
        key=f"{key}_gaps {most > 0}",
        **source.keeping,
    )
    components = 1
    if gaps == "ppca" and most > 1:
        # another key for each range, because a value out of it would be lost
        name, wanted = f"{key}_components_of_{most}", f"{key} wanted components"
        if wanted in st.session_state:
            st.session_state.setdefault(name, min(st.session_state[wanted], most))
        components = st.session_state[wanted] = st.number_input(
            "Components",
            1,
            most,
            min(2, most),
            key=name,
            help="How many directions the filled values may follow. More fit the rows better, and noise as well.",
            width=160,
            **source.keeping,
        )
    return replace(how, gaps=gaps, components=int(components))


def _choose_scaling(full: bool) -> str:
    _heading(full, "Scale", "Distances add up over columns: one with large numbers decides alone unless they are scaled.")
    scaling = st.selectbox(
        "Scaling",
        list(SCALINGS),
        format_func=SCALINGS.get,
        key="scaling",
        help=None if full else cleaning.SCALING_TEXTS[st.session_state.get("scaling", "none")],
        **IN_LINK,
    )
    if full:
        st.caption(cleaning.SCALING_TEXTS[scaling])
    return scaling


def _one_of(source: Source, text: str, names, default: str | None, what: str, help: str) -> str | None:
    """One of these columns, or none."""
    options = [None, *names]
    return st.selectbox(
        text,
        options,
        index=options.index(default) if default in options else 0,
        format_func=lambda column: "none" if column is None else column,
        key=f"{source.key}_{what}",
        help=help,
        **source.keeping,
    )


def _show_columns(source: Source) -> None:
    st.dataframe(
        [
            {
                "Column": c.name,
                "Kind": c.kind,
                "Gaps": c.missing,
                "Distribution": list(c.picture),
                "Values": c.says,
                "Different": c.distinct,
            }
            for c in source.columns
        ],
        hide_index=True,
        column_config={"Distribution": st.column_config.BarChartColumn(width="medium", y_min=0, color="blue")},
        height=min(420, 38 + 35 * len(source.columns)),
    )

"""The columns of the original table, ranked by how strongly they separate the segments, and their means by segment."""

import numpy as np
import streamlit as st

from pages.datasets.formatting import minus_signs
from pages.figures import palette, plots
from pages.figures.effects import effect_bars
from pages.figures.markup import Raw, cell, cluster_mark, table
from pages.runs.profiles import Profiles
from pages.runs.refits import NoiseBand
from pages.ui.charts import show_chart
from pages.ui.progress import run_job
from pages.ui.widgets import session_cache

MAX_COLUMNS = 30
"""maximum number of columns in the chart"""
MARKED_VALUE = 2.0
"""absolute test value above which a cell is shaded; with random segments, this is the case for about 5% of the cells"""


def show(profiles: Profiles) -> None:
    if not profiles.variables:
        st.info("These data have no columns to describe the segments by.", icon=":material/info:")
        return
    segments, ranked = profiles.segments, profiles.ranked[:MAX_COLUMNS]
    place = st.container()
    band = None
    if segments.k > 1 and not segments.is_edited and profiles.features:
        features = [profiles.variables[j] for j in profiles.features]
        key = ("noise", segments.run.key)
        band = session_cache().get(key, lambda: NoiseBand(segments.data, segments.run.settings, features))
        band = run_job(plots.token(*key), band)
    noise = np.full(len(profiles.variables), np.nan)
    if band is not None and band.effects is not None:
        noise[profiles.features] = band.effects.max(axis=0)
    with place:
        shown = [profiles.variables[j] for j in ranked]
        figure = effect_bars(
            [variable.name for variable in shown],
            profiles.effects[ranked],
            [variable.effect_name for variable in shown],
            [variable.is_feature for variable in shown],
            noise[ranked],
        )
        st.markdown("**How strongly each column separates the segments** (0: not at all, 1: completely)")
        show_chart(figure, alt=_alt(profiles), key="segments effects")
        st.caption(_explanation(profiles, band))
    _show_means(profiles)


def _alt(profiles: Profiles) -> str:
    largest = [f"{profiles.variables[j].name} {profiles.effects[j]:.2f}" for j in profiles.ranked[:5]]
    return f"Bar chart of effects by column: {', '.join(largest)}."


def _explanation(profiles: Profiles, band: NoiseBand | None) -> str:
    parts = [
        "η² is the share of a column's variance that lies between the segments, for numbers and dates; Cramér's V measures "
        "association, for categories."
    ]
    if any(not variable.is_feature for variable in profiles.variables):
        parts.append("Columns with gray bars were not used for clustering.")
    if band is not None and band.effects is not None:
        parts.append(
            "A test of the columns by which the rows were clustered proves nothing. The gray bands show the effects of the "
            f"same clustering on noise: the largest of {len(band.effects)} repeats, with each column permuted and all rows "
            "clustered anew." + " Weights stay with their rows." * (profiles.segments.weights is not None)
        )
    elif profiles.segments.is_edited:
        parts.append("There is no comparison with noise, because the segments were edited.")
    hidden = len(profiles.variables) - MAX_COLUMNS
    if hidden > 0:
        parts.append(f"The {MAX_COLUMNS} columns with the largest effects are shown; {hidden} more are in the table below.")
    return " ".join(parts)


def _show_means(profiles: Profiles) -> None:
    """A table of means and shares by segment, with test values."""
    segments = profiles.segments
    st.markdown("**Means and shares by segment**")
    headers = ["Column", "Used", *(_heading(profiles, i) for i in range(segments.k)), "All rows"]
    rows = []
    for j in profiles.ranked:
        variable = profiles.variables[j]
        for name, inside, overall, test_values in profiles.rows_of(j):
            texts = [
                _shaded(text, value, i, profiles) for i, (text, value) in enumerate(zip(inside, test_values, strict=True))
            ]
            rows.append([name, "✓" if variable.is_feature else "", *texts, overall])
    st.html(table(headers, rows, "Means and shares by segment", True))
    if not profiles.has_test_values:
        st.caption("There are no test values, because the weights are not whole numbers, so the number of rows is unknown.")
        return
    st.caption(
        "Small numbers: test values (Lebart, Morineau & Piron 1995). Beyond ±2, the segment differs from a random sample of "
        "as many rows, and the cell is shaded; for columns used for clustering (✓), this is true of almost any clustering."
    )


def _heading(profiles: Profiles, i: int) -> Raw:
    rank = profiles.segments.ranks[i]
    return cluster_mark(rank, profiles.segments.names[i])


def _shaded(text: str, value: float, i: int, profiles: Profiles) -> Raw:
    """A cell with its test value, shaded in the color of the segment if it is large."""
    if np.isnan(value):
        return Raw(cell(text))
    color = palette.translucent(palette.color_of(profiles.segments.ranks[i]))
    style = f" style='background:{color};border-radius:.25rem;padding:0 .25rem'" if abs(value) > MARKED_VALUE else ""
    return Raw(f"<span{style}>{cell(text)} <small style='opacity:.75'>{minus_signs(f'{value:+.1f}')}</small></span>")

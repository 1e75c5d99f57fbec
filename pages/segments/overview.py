"""A card for each segment: name, size, what sets it apart, typical and borderline rows."""

import html

import streamlit as st

from pages.datasets.columns import cell_text
from pages.datasets.formatting import escape_markdown, format_amount, format_percentage, pluralize
from pages.figures import palette
from pages.figures.markup import cluster_mark, noise_mark, table
from pages.runs.profiles import Profiles
from pages.runs.resampling import RESAMPLE_NAMES
from pages.runs.segments import MAX_NAME, Edit, Segments
from pages.ui.segments import edit, known_resampling

ROWS = 3
"""number of typical and of borderline rows on a card"""


def show(profiles: Profiles) -> None:
    segments = profiles.segments
    left_out = bool((segments.labels < 0).any())
    weight = "" if segments.weights is None else f" with a total weight of {format_amount(segments.total)}"
    none = f"{segments.left_out:,}" if segments.weights is None else segments.amount_text(segments.left_out)
    st.caption(
        f"{pluralize(len(segments.labels), segments.data.noun).capitalize()}{weight} in {pluralize(segments.k, 'segment')}"
        + f", {none} in none" * left_out
        + ". Each sentence compares the mean, or the share of a category, with that of all other rows."
        + " “Highest” and “lowest” rank the segment's mean among all segments." * (segments.k > 2)
    )
    job, additions = known_resampling(segments), [""] * segments.k
    if job is not None:
        changed, shares = RESAMPLE_NAMES[job.scheme], job.stability.recovered / job.stability.resamples
        additions = [f" Found again in {share:.0%} of {changed}." for share in shares]
    st.html(_shares(segments))
    for i in range(segments.k):
        _card(profiles, i, additions[i])
    if left_out:
        with st.container(border=True):
            st.html(f"<h3 style='margin:0'>{noise_mark()}</h3>")
            share = format_percentage(segments.left_out / segments.total)
            st.markdown(
                f"**{segments.amount_text(segments.left_out)} ({share})** in no segment. Noise is not a group: its rows need "
                "not resemble each other, so they are not described, and the silhouette leaves them out."
            )


def _shares(segments: Segments) -> str:
    """The shares of the segments as one bar."""
    parts = [
        f"<div style='flex:{size};background:{palette.color_of(rank)}' title='{html.escape(name, quote=True)}'></div>"
        for size, rank, name in zip(segments.sizes, segments.ranks, segments.names, strict=True)
        if size
    ]
    if segments.left_out:
        parts.append(f"<div style='flex:{segments.left_out};background:{palette.NEUTRAL}' title='No segment'></div>")
    style = "display:flex;gap:2px;height:.7rem;border-radius:.35rem;overflow:hidden"
    return f"<div style='{style}' aria-hidden='true'>{''.join(parts)}</div>"


def _card(profiles: Profiles, i: int, addition: str) -> None:
    segments = profiles.segments
    with st.container(border=True, key=f"segment_card_{i}"):
        left, right = st.columns([3, 1], vertical_alignment="center")
        with left:
            st.html(f"<h3 style='margin:0'>{cluster_mark(segments.ranks[i])}{html.escape(segments.names[i])}</h3>")
            share = segments.sizes[i] / segments.total
            size = segments.amount_text(segments.sizes[i])
            st.markdown(f"**{size[0].upper()}{size[1:]} ({share:.0%}).** " + escape_markdown(profiles.sentence(i) + addition))
        with right:
            _name_input(segments, i)
        with st.expander("Typical and borderline rows"):
            _show_rows(segments, i)


def _name_input(segments: Segments, i: int) -> None:
    """A text field that renames the segment."""
    key = f"segment name {i} {len(segments.edits)} {hash(segments.key)}"

    def rename():
        edit(segments, Edit("rename", (i,), name=st.session_state[key]))

    st.text_input(
        f"Name of {escape_markdown(segments.names[i])}",
        segments.given_names[i],
        key=key,
        max_chars=MAX_NAME,
        placeholder="Name this segment",
        label_visibility="collapsed",
        on_change=rename,
    )


def _show_rows(segments: Segments, i: int) -> None:
    for title, rows in (
        ("Most typical", segments.typical_rows(i, ROWS)),
        ("Closest to another segment", segments.borderline_rows(i, ROWS)),
    ):
        st.markdown(f"**{title}**")
        names = segments.data.names_of(rows)
        cells = segments.table.iloc[rows].astype(object)
        texts = [[name, *map(cell_text, row)] for name, row in zip(names, cells.itertuples(index=False), strict=True)]
        st.html(table([segments.data.noun.capitalize(), *segments.table.columns], texts, title, True))

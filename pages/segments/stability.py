"""The stability of each segment: its similarity to clusters of resampled data."""

import numpy as np
import streamlit as st

from pages.datasets.formatting import escape_markdown, format_amount
from pages.figures import palette, plots
from pages.figures.markup import bar, cluster_mark, table
from pages.figures.shading import shaded_points, share_matrix
from pages.runs.profiles import Profiles
from pages.runs.resampling import SCHEME_TEXTS, SCHEMES, Resampling, schemes_for, summary, verdict
from pages.runs.segments import Segments
from pages.ui.charts import show_chart
from pages.ui.placing import plane_of
from pages.ui.progress import run_job
from pages.ui.segments import resampling_of
from pages.ui.widgets import PERSISTENT, session_cache

COUNTS = (50, 100, 200, 500)


def show(profiles: Profiles) -> None:
    segments = profiles.segments
    if not segments.k:
        st.caption("There are no segments to test.")
        return
    with st.container(horizontal=True):
        scheme = st.segmented_control(
            "Change the data by",
            schemes_for(segments),
            format_func=SCHEMES.get,
            default="bootstrap",
            required=True,
            key="segments_scheme",
            **PERSISTENT,
        )
        count = st.selectbox("Resamples", COUNTS, 1, key="segments_resamples", width=120, **PERSISTENT)
    weights = "" if segments.weights is None else " A row keeps its weight, and counts once in the similarities."
    st.caption(f"{SCHEME_TEXTS[scheme]} {_seeds(segments)}{weights}")
    job = resampling_of(segments, scheme, count)
    if job.note:
        st.info(job.note, icon=":material/info:")
    job = run_job(plots.token(*segments.key, scheme, count), job)
    if job.stability.resamples:
        _show(segments, job)


def _seeds(segments: Segments) -> str:
    """How the changed data are clustered."""
    text = f"They are clustered anew by {segments.run.view.title_in_sentence}, with the same settings"
    return text + (" and a new random seed each time." if segments.run.view.traits.random else ".")


def _show(segments: Segments, job: Resampling) -> None:
    found = job.stability
    st.markdown(f"**{escape_markdown(summary(segments, job))}**")
    rows = []
    for i, name in enumerate(segments.names):
        rank, mean = segments.ranks[i], found.mean[i]
        color = palette.color_of(rank)
        missed = f" (not drawn in {found.missed[i]})" if found.missed[i] else ""
        rows.append(
            [
                cluster_mark(rank, name),
                format_amount(segments.sizes[i]),
                f"{mean:.2f}",
                bar(mean, color),
                verdict(mean),
                f"{found.recovered[i]:,}",
                f"{found.dissolved[i]:,}{missed}",
            ]
        )
    headers = [
        "Segment",
        "Size" if segments.weights is None else "Sum of weights",
        "Mean similarity",
        "",
        "Verdict",
        "Recovered",
        "Dissolved",
    ]
    st.html(table(headers, rows, "Stability of the segments", True))
    st.caption(
        "Similarity: the largest Jaccard similarity of the segment with a cluster of the changed data (rows in both, divided "
        "by rows in either). Recovered: above 0.75. Dissolved: at most 0.5. At 0.85 or more, a segment counts as highly "
        "stable; at 0.75 or more, as stable; below 0.6, do not rely on it (Hennig 2007). A stable segment need not be a real "
        "group: with too small a K, a clustering can be very stable."
    )
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**How often each row stays with its segment**")
        key = ("kept", *segments.key, job.scheme, job.count, found.resamples)
        plane = plane_of(job.data)
        figure = session_cache().get(key, lambda: shaded_points(job.data, plane, found.kept, "stays with its segment"))
        kept = found.kept[np.isfinite(found.kept)]
        weak = int((kept < 0.5).sum())
        show_chart(figure, key="segments kept", alt=f"Scatter plot of stability by row: {weak:,} rows below 50%.")
        st.caption(
            "Green: in the changed data, the row is usually together with most of its segment. Brown: the row is often "
            f"separated from its segment. {weak:,} of {len(kept):,} rows {'is' if weak == 1 else 'are'} separated from more "
            f"than half of {'its' if weak == 1 else 'their'} segment, on average."
        )
    with right:
        st.markdown("**How often rows of two segments end up together**")
        show_chart(
            share_matrix(found.together, segments.names),
            key="segments together",
            alt="Heat map: share of pairs of rows that are in the same cluster of the changed data, by segment.",
        )
        st.caption(
            "Share of pairs of rows that are in the same cluster of the changed data. High values off the diagonal: the two "
            "segments are often merged. Low values on the diagonal: the segment is often split."
        )

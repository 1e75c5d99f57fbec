"""The parts of the page: the pictures of the panels, the table of their scores, and where they agree."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from pages.compare import figures
from pages.compare.agreement import Clustering, disagreement
from pages.compare.comparison import Comparison
from pages.compare.scores import PanelScores, compared_names, notes, scores
from pages.datasets.data import Data
from pages.datasets.formatting import minus, number, plain
from pages.datasets.planes import Plane
from pages.figures import plots
from pages.figures.markup import Raw, table
from pages.figures.plots import CHART
from pages.runs import curves, pictures
from pages.runs.frames import in_step
from pages.ui.export_menu import offer
from pages.ui.player import player
from pages.ui.progress import Progress
from pages.ui.results import show_notices
from pages.ui.widgets import recent

HEIGHTS = {2: 380, 3: 310, 4: 280}
"""of a picture among so many"""
MARKERS = 600
"""in each picture; above it they are painted, so that several play smoothly"""
RUNNING = 0.6
"""share of the bar that is for the runs; the rest is for their pictures"""


def lay_out(panels: int) -> list:
    """A place for each panel: in one row, or four in two."""
    if panels < 4:
        return st.columns(panels, gap="medium")
    return [*st.columns(2, gap="medium"), *st.columns(2, gap="medium")]


def show_faults(comparison: Comparison, places: Sequence) -> None:
    """Shows why panels have no run, and what was done instead of what was asked."""
    if comparison.note:
        st.info(comparison.note, icon=":material/info:")
    for place, run in zip(places, comparison.runs, strict=True):
        if isinstance(run, str):
            place.error(plain(run), icon=":material/error:")
        elif run.note and run.note != comparison.note:
            place.info(run.note, icon=":material/info:")


def show_pictures(comparison: Comparison, plane: Plane, places: Sequence, progress: Progress) -> None:
    """Shows the moving pictures of the runs, each in its place, with one player and the loss curves."""
    names, runs = [name for name, _ in comparison.ran], [run for _, run in comparison.ran]
    frames_of, left_out = in_step(runs)
    token = plots.token(comparison.key, plane.names)

    def draw():
        extent = pictures.extent_of(runs, plane)
        drawn = []
        for i, (run, frames) in enumerate(zip(runs, frames_of, strict=True)):

            def on_share(share, i=i):
                progress.show(RUNNING + (1 - RUNNING) * (i + share) / len(runs), "Drawing the pictures.")

            options = dict(height=HEIGHTS[len(places)], markers=MARKERS, extent=extent)
            drawn.append(pictures.picture(run, frames, plane, token, on_share, **options))
        titles = [f"{name}: {run.history.process.loss_name or 'no loss'}" for name, run in comparison.ran]
        return drawn, curves.loss_curves(runs, frames_of, token, titles)

    drawn, losses = recent().get(("comparison figures", token), draw)
    drawn_in = [place for place, run in zip(places, comparison.runs, strict=True) if not isinstance(run, str)]
    keys = [f"race_{i}" for i in range(len(runs))]
    words = [[pictures.described(run, frame) for frame in frames] for run, frames in zip(runs, frames_of, strict=True)]
    for place, key, run, frames, picture, described in zip(drawn_in, keys, runs, frames_of, drawn, words, strict=True):
        with place:
            with st.container(key=key):
                st.plotly_chart(picture, key=f"picture {key}", alt=described[-1], **plots.SAVED)
            show_notices(run)
            offer(run, picture, frames, key)
    with st.container(key="driver"):
        player(plots.token(comparison.key), token, frames_of, keys, ["race_losses"], names, described=words)
    painted = len(comparison.data.points) > MARKERS
    st.caption(
        f"All {len(comparison.data.points):,} points{' of the sample' if comparison.note else ''} are fitted and drawn"
        + (", as one picture per step: the stronger the color, the more points." if painted else ".")
        + " The same group has the same color in every panel."
        + (f" {left_out}" if left_out else "")
        + plots.about_colors(max(run.k for run in runs))
        + f" {plots.about_rings(comparison.data)}"
    )
    st.subheader("Losses")
    st.caption("Each has its own unit: compare when they fall and when they stop, not how high they are.")
    with st.container(key="race_losses"):
        with_loss = [(name, run.history.last.loss) for name, run in comparison.ran if run.history.last.loss is not None]
        ends = "; ".join(f"{name} ends at {number(loss)}" for name, loss in with_loss)
        st.plotly_chart(losses, key="losses", alt=f"Loss curves of the panels. {ends}.", **CHART)


def show_scores(comparison: Comparison) -> None:
    """Shows the table of scores, and what has to be known to read it."""
    st.subheader("Scores")
    rows = scores(comparison)
    known = comparison.known is not None
    compared = compared_names(rows)
    headers = ["Panel", "Iterations", "Time to converge", "Final loss", "Silhouette"]
    headers += ["Adjusted Rand", "Normalized mutual information"] if known else []

    def cells(row: PanelScores) -> list:
        return [
            row.name,
            row.duration,
            f"{1000 * row.seconds:,.2g} ms" if row.seconds < 0.0995 else f"{1000 * row.seconds:,.0f} ms",
            None if row.loss is None else Raw(f"{number(row.loss)}<br><small>{row.loss_name}</small>"),
            _rounded(row.silhouette),
            *([_rounded(row.rand), _rounded(row.information)] if known else []),
            *map(row.compared.get, compared),
        ]

    st.html(table([*headers, *compared], [cells(row) for row in rows], "Scores of the panels", row_headers=True))
    st.caption(plain(" ".join(notes(comparison, rows))))


def _rounded(value: float | None) -> str | None:
    return None if value is None else minus(f"{value:.3f}")


@st.fragment
def show_agreement(key: tuple, data: Data, plane: Plane, found: list[Clustering], rand: np.ndarray) -> None:
    """Shows how far each two of the clusterings agree. Given no runs, because a fragment keeps what it is given."""
    names = [clustering.name for clustering in found]
    st.subheader("Where they agree, and where not")
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Adjusted Rand index between the panels**")
        rows = [[name, *map(_shaded, rand[i])] for i, name in enumerate(names)]
        numbers = [name.split(".")[0].split()[0] for name in names]
        st.html(table(["", *numbers], rows, "Adjusted Rand index between the panels", row_headers=True))
        a = st.selectbox("Compare", names, 0, key="compared", persist_state="session")
        others = [name for name in names if name != a]
        b = st.selectbox("with", others, key="compared with", persist_state="session")
        pair = disagreement(found[names.index(a)], found[names.index(b)])
        which = plots.token(key, a, b)

        def flow_name(flow) -> str:
            if flow is None:
                return f"All that change group ({pair.count(None):,})"
            i, j = map(figures.group_name, flow)
            return f"{i} by the first, {j} by the second ({pair.count(flow):,})"

        flow = st.selectbox("Highlight", [None, *pair.flows], format_func=flow_name, key=f"highlighted {which}")
    with right:
        st.markdown(f"**{plain(pair.sentence())}**")

        def clicked():
            picked = st.session_state[f"contingency {which}"]["selection"]["points"]
            flow = tuple(picked[0]["customdata"]) if picked else None
            st.session_state[f"highlighted {which}"] = flow

        st.plotly_chart(
            figures.contingency(pair),
            key=f"contingency {which}",
            on_select=clicked,
            selection_mode="points",
            alt=f"Contingency table of {a} and {b}.",
            **CHART,
        )
        st.caption(
            "Points in each two groups. Click a square to highlight its points; those of a square with a rim change group."
        )
    highlighted = pair.rows(flow)
    if len(highlighted) > plots.MOST_MARKERS:
        some = np.random.default_rng(0).choice(len(highlighted), plots.MOST_MARKERS, replace=False)
        st.caption(f"Of the {len(highlighted):,} points to be highlighted a random {len(some):,} are.")
        highlighted = highlighted[np.sort(some)]
    backdrops = []
    if len(data.points) > plots.MOST_MARKERS:
        backdrops = [
            recent().get(("backdrop", key, plane.names, one.name), lambda one=one: figures.backdrop(data, plane, one))
            for one in (pair.a, pair.b)
        ]
    st.plotly_chart(
        figures.side_by_side(data, plane, pair, highlighted, backdrops),
        key="disagreement",
        alt=f"The points in the groups of {a} and of {b}; {len(highlighted)} are highlighted.",
        **CHART,
    )


def _shaded(rand: float) -> Raw:
    share = max(0.0, min(1.0, float(rand)))
    return Raw(
        f"<span style='display:block;padding:.1rem .4rem;border-radius:.3rem;background:rgba(63,144,218,{0.6 * share:.2f})'>"
        f"{_rounded(rand)}</span>"
    )

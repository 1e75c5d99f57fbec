"""Sections of the Compare page: plots of the runs, table of scores, agreement of the clusterings."""

from collections.abc import Callable, Sequence

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from pages.compare import figures
from pages.compare.agreement import Agreement, Clustering
from pages.compare.comparison import Comparison
from pages.compare.scores import PanelScores, compared_names, notes, scores
from pages.datasets.data import Data
from pages.datasets.formatting import escape_markdown, format_number, minus_signs
from pages.datasets.planes import Plane
from pages.figures import plots
from pages.figures.markup import Raw, table
from pages.methods.formulas import typeset
from pages.runs import curves, pictures, pixels
from pages.runs.background import OnProgress
from pages.runs.frames import Frame, aligned_frames
from pages.runs.known_groups import NAMES
from pages.ui.charts import show_chart
from pages.ui.export_menu import show_comparison_export, show_export_menu
from pages.ui.formulas import show_formulas
from pages.ui.known_groups import known_clusters, show_more_scores
from pages.ui.player import Stage, player
from pages.ui.progress import Progress
from pages.ui.results import show_notices
from pages.ui.run_view import DRAWING
from pages.ui.widgets import PERSISTENT, session_cache

HEIGHT = 384
"""height of a plot in pixels"""
MAX_MARKERS = 600
"""number of points above which plots are images, so that several animations play smoothly"""
ALL_CELLS = "all"
"""option that highlights all disagreements"""
RUN_SHARE = 0.6
"""share of the progress bar for the runs; the rest is for drawing"""


def panel_containers(panels: int) -> list:
    """A container for each panel, in one row."""
    return st.columns(panels, gap="medium" if panels < 4 else "small")


def show_messages(comparison: Comparison, containers: Sequence) -> None:
    """Show the messages about the comparison and its runs, and the errors of failed runs."""
    if comparison.note:
        st.info(comparison.note, icon=":material/info:")
    for container, run in zip(containers, comparison.runs, strict=True):
        if isinstance(run, str):
            container.error(escape_markdown(run), icon=":material/error:")
        elif run.note and run.note != comparison.note:
            container.info(escape_markdown(run.note), icon=":material/info:")


def show_plots(comparison: Comparison, plane: Plane, containers: Sequence, progress: Progress, stage: Stage) -> None:
    """Show the animated plot of each run in its container, the player and the loss curves.

    `stage` is what a presentation offers.
    """
    names, runs = [name for name, _ in comparison.named_runs], [run for _, run in comparison.named_runs]
    frames_of, omitted_note = aligned_frames(runs)
    token = plots.token(comparison.key, plane.names)

    def draw(on_progress: OnProgress) -> tuple:
        extent = pictures.extent_of(runs, plane)
        drawn = []
        for i, (run, frames) in enumerate(zip(runs, frames_of, strict=True)):

            def on_draw(share, i=i):
                on_progress(RUN_SHARE + (1 - RUN_SHARE) * (i + share) / len(runs), DRAWING)

            options = dict(height=HEIGHT, markers=MAX_MARKERS, extent=extent, narrow=len(comparison.panels) > 3)
            drawn.append(pictures.picture(run, frames, plane, token, on_draw, **options))
        return drawn, [curves.curve_of(run, frames, token, runs) for run, frames in zip(runs, frames_of, strict=True)]

    drawn, losses = progress.compute(("comparison figures", token), draw, DRAWING)
    used = [container for container, run in zip(containers, comparison.runs, strict=True) if not isinstance(run, str)]
    keys = [f"race_{i}" for i in range(len(runs))]
    alt_texts = [[pictures.alt_text(run, frame) for frame in frames] for run, frames in zip(runs, frames_of, strict=True)]
    for container, key, run, frames, figure, texts in zip(used, keys, runs, frames_of, drawn, alt_texts, strict=True):
        with container:
            with st.container(key=key):
                # as tall as the window allows, see frame.css
                show_chart(figure, key=f"picture {key}", alt=texts[-1], height="stretch")
            show_notices(run)
            show_export_menu(run, figure, frames, key)
    with st.container(key="player_panel"):
        player(
            plots.token(comparison.key),
            token,
            frames_of,
            list(zip(keys, drawn, strict=True)),
            [f"race_loss_{i}" for i in range(len(runs))],
            names,
            alt_texts=alt_texts,
            stage=stage,
        )
    show_comparison_export(runs, names, drawn, frames_of, f"Comparison: {comparison.data.title}")
    n = comparison.data.n
    st.caption(
        plots.points_note(n, bool(comparison.note), n > MAX_MARKERS)
        + " Matching clusters have the same color in all plots."
        + (f" {omitted_note}" if omitted_note else "")
        + plots.colors_note(max(run.k for run in runs))
        + (f" {pixels.NOTE}" if comparison.data.all_rows else "")
        + f" {plots.rings_note(comparison.data)}"
    )
    _show_losses(comparison, frames_of, losses, token)


def _show_losses(comparison: Comparison, frames_of: list[list[Frame]], losses: list[go.Figure], token: str) -> None:
    """Show the loss curve of each run and, if they are switched on, its formulas."""
    runs = [run for _, run in comparison.named_runs]
    st.subheader("Losses")
    iteration_notes = dict.fromkeys(run.view.iteration_note for run in runs if run.view.iteration_note)
    st.caption(" ".join(["Loss functions differ between methods: compare convergence, not values.", *iteration_notes]))
    visible = st.toggle("Show formulas", key="formulas", **PERSISTENT)
    for i, (place, (name, run)) in enumerate(zip(panel_containers(len(runs)), comparison.named_runs, strict=True)):
        frames, last = frames_of[i], run.history.last.loss
        with place:
            st.markdown(escape_markdown(f"{name}: {run.history.process.loss_name or run.view.curve(run).name}"))
            with st.container(key=f"race_loss_{i}"):
                ends = "" if last is None else f" {name} ends at {format_number(last)}."
                show_chart(losses[i], key=f"loss {i}", alt=f"Loss curve.{ends}", height="stretch")
            if run.k:
                formulas = session_cache().get(
                    ("formulas", token, i),
                    lambda run=run, frames=frames: typeset(run.view.formulas(run, 0, int(run.ranks.argmin())), frames),
                )
                show_formulas(formulas, frames, token, visible, f"race_formulas_{i}", compact=True)


def show_scores(comparison: Comparison) -> None:
    """Show the table of scores and its explanation."""
    st.subheader("Scores")
    rows = scores(comparison)
    has_labels = comparison.true_labels is not None
    compared = compared_names(rows)
    headers = ["Run", "Iterations", "Time", "Final loss", "Silhouette"]
    headers += [NAMES["adjusted_rand"], NAMES["v_measure"]] if has_labels else []

    def cells(row: PanelScores) -> list:
        return [
            row.name,
            row.duration,
            f"{1000 * row.seconds:,.2g} ms" if row.seconds < 0.0995 else f"{1000 * row.seconds:,.0f} ms",
            _with_spread(row.loss, row.loss_spread, format_number, row.loss_name),
            _rounded(row.silhouette),
            *([_with_spread(row.adjusted_rand, row.adjusted_rand_spread)] if has_labels else []),
            *([_with_spread(row.v_measure, row.v_measure_spread)] if has_labels else []),
            *map(row.compared.get, compared),
        ]

    st.html(table([*headers, *compared], [cells(row) for row in rows], "Scores of the runs", row_headers=True))
    st.caption(escape_markdown(" ".join(notes(comparison, rows))))
    if has_labels:
        show_more_scores([known_clusters(run, name) for name, run in comparison.named_runs if run.known_groups])


def _with_spread(
    value: float | None, spread: tuple[float, float] | None, text: Callable[[float], str] | None = None, name: str = ""
) -> Raw | None:
    """A score, and below it the mean and standard deviation over random starts and the name of the score."""
    if value is None:
        return None
    text = text or _rounded
    below = [] if spread is None else [f"mean {text(spread[0])} ± {text(spread[1])}"]
    below += [name] * bool(name)
    return Raw("<br>".join([text(value), *(f"<small>{line}</small>" for line in below)]))


def _rounded(value: float | None) -> str | None:
    return None if value is None else minus_signs(f"{value:.3f}")


@st.fragment
def show_agreement(
    key: tuple, data: Data, plane: Plane, clusterings: list[Clustering], adjusted_rand: np.ndarray, note: str
) -> None:
    """Show the agreement between pairs of clusterings, with a note about weights.

    Takes clusterings instead of the comparison because a fragment keeps its arguments in memory.
    """
    names = [clustering.name for clustering in clusterings]
    st.subheader("Agreement")
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Adjusted Rand index of each pair**")
        rows = [[name, *map(_shaded, adjusted_rand[i])] for i, name in enumerate(names)]
        short_names = [name.split(".")[0] for name in names]
        st.html(table(["", *short_names], rows, "Adjusted Rand index of each pair", row_headers=True))
        if note:
            st.caption(note)
        if any((clustering.labels < 0).any() for clustering in clusterings):
            st.caption(
                "Unlike in the scores above, each pair is compared only on points with a label in both; noise has none."
            )
        a = st.selectbox("Compare", names, 0, key="compared", persist_state="session")
        others = [name for name in names if name != a]
        b = st.selectbox("with", others, key="compared with", persist_state="session")
        agreement = Agreement.between(clusterings[names.index(a)], clusterings[names.index(b)])
        pair_key = plots.token(key, a, b)

        def cell_label(cell) -> str:
            if cell == ALL_CELLS:
                return f"All disagreements ({agreement.count(None):,})"
            i, j = agreement.a.group_name(cell[0]), agreement.b.group_name(cell[1])
            return f"{i} in the first, {j} in the second ({agreement.count(cell):,})"

        cell = st.selectbox("Highlight", [ALL_CELLS, *agreement.cells], format_func=cell_label, key=f"highlighted {pair_key}")
    with right:
        st.markdown(f"**{escape_markdown(agreement.sentence)}**")

        def on_select():
            selected = st.session_state[f"contingency {pair_key}"]["selection"]["points"]
            st.session_state[f"highlighted {pair_key}"] = tuple(selected[0]["customdata"]) if selected else ALL_CELLS

        show_chart(
            figures.contingency(agreement),
            key=f"contingency {pair_key}",
            on_select=on_select,
            selection_mode="points",
            alt=f"Contingency table of {a} and {b}.",
        )
        st.caption("Contingency table; click a cell to highlight its points. Outlined = disagreement.")
    highlighted = agreement.rows(None if cell == ALL_CELLS else cell)
    if len(highlighted) > plots.MAX_MARKERS:
        sample = np.random.default_rng(0).choice(len(highlighted), plots.MAX_MARKERS, replace=False)
        st.caption(f"Highlighting a random sample of {len(sample):,} of these {len(highlighted):,} points.")
        highlighted = highlighted[np.sort(sample)]
    backdrops = []
    if len(data.points) > plots.MAX_MARKERS:
        backdrops = [
            session_cache().get(("backdrop", key, plane.names, one.name), lambda one=one: figures.backdrop(data, plane, one))
            for one in (agreement.a, agreement.b)
        ]
    show_chart(
        figures.side_by_side(data, plane, agreement, highlighted, backdrops),
        key="disagreement",
        alt=f"Points colored by {a} and by {b}; {len(highlighted)} highlighted.",
    )


def _shaded(index: float) -> Raw:
    share = max(0.0, min(1.0, float(index)))
    return Raw(
        f"<span style='display:block;padding:.1rem .4rem;border-radius:.3rem;background:rgba(63,144,218,{0.6 * share:.2f})'>"
        f"{_rounded(index)}</span>"
    )

"""Sections of the Hierarchical page: figures of the tree, their player, and metrics."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from pages.datasets.formatting import format_short, minus_signs
from pages.datasets.planes import Plane
from pages.figures import plots
from pages.hierarchy import figures
from pages.hierarchy.frames import frame_of_cut, pace, tree_frames
from pages.hierarchy.picture import picture
from pages.methods.formulas import typeset
from pages.methods.tree_cut import OUTLINED, linkage_formulas
from pages.runs.background import OnProgress
from pages.runs.known_groups import KnownGroups
from pages.runs.readings import NONE, FrameNumbers, agreement_numbers
from pages.runs.run import Run
from pages.ui.charts import show_chart
from pages.ui.failures import failures_of
from pages.ui.formulas import show_formulas
from pages.ui.player import Stage, player
from pages.ui.progress import Progress
from pages.ui.results import readings_of_numbers, show_frame_numbers
from pages.ui.run_view import DRAWING, colors_and_rings
from pages.ui.widgets import session_cache


def draw_figures(run: Run, plane: Plane, name: str, progress: Progress) -> list:
    """Scatter plot, dendrogram, height curve and heat map; cached."""

    merges_at_frames, cut = run.model_input.merges_at_frames, frame_of_cut(run)

    def draw(on_progress: OnProgress) -> list:
        return [
            picture(run, merges_at_frames, cut, plane, name, lambda share: on_progress(0.2 + 0.8 * share, DRAWING)),
            figures.dendrogram(run, merges_at_frames, cut, name),
            figures.height_curve(run, merges_at_frames, cut, name),
            figures.heat_map(run),
        ]

    return progress.compute(("tree figures", name), draw, DRAWING)


def show_tree_figures(run: Run, plane: Plane, ordered: bool, progress: Progress) -> tuple[str, go.Figure]:
    """Shows the four figures in two rows; `ordered` is whether the leaves are in optimal order.

    Returns the name that the animated figures share with the player, and the scatter plot.
    """
    data_tree = run.model_input
    name = plots.token("tree", run.key, plane.names, ordered)
    scatter, dendrogram, heights, heat_map = draw_figures(run, plane, name, progress)
    above = st.columns(2, gap="medium")
    below = st.columns(2, gap="medium")
    with above[0]:
        with st.container(key="picture"):
            show_chart(scatter, key="tree picture", alt=figures.alt_text(run), height="stretch")
        outlines = (
            "Lines: merges so far."
            if data_tree.linkage == "single"
            else f"Outlines: current clusters (at most the {OUTLINED} largest)."
        )
        st.caption(f"{outlines} Black line: the pair being merged. Gray points: not merged yet.{colors_and_rings(run)}")
    with above[1]:
        with st.container(key="tree"):
            show_chart(dendrogram, key="tree tree", alt=figures.alt_text(run), height="stretch")
        st.caption(
            "Brackets are merges; leaves are points. Drag the dashed line to cut; each branch below it is a cluster. The "
            "strip shows the cluster colors."
        )
    with below[0]:
        with st.container(key="heights"):
            show_chart(
                heights,
                key="tree heights",
                height="stretch",
                alt=f"Merge height against the number of clusters; maximum {format_short(data_tree.tree.heights.max())}.",
            )
        st.caption("A steep rise means that distant clusters merge; cut just before it.")
        frames, merges_at_frames = tree_frames(run), data_tree.merges_at_frames
        formulas = linkage_formulas(data_tree, lambda frame: merges_at_frames[frame.state] - 1)
        if formulas:
            show_formulas(typeset(formulas, frames), frames, name, True)
    with below[1]:
        show_chart(
            heat_map,
            key="tree proximities",
            alt="Heat map of the pairwise dissimilarities in dendrogram order: dark blocks are compact clusters.",
        )
        st.caption("Pairwise dissimilarities in dendrogram order (dark = similar); boxes are clusters.")
    return name, scatter


def show_tree_player(run: Run, name: str, scatter: go.Figure, numbers: list[FrameNumbers]) -> None:
    """Draws the player of the figures with this name; `numbers` are those of `show_tree_numbers`."""
    frames = tree_frames(run)
    with st.container(key="player_panel"):
        # the token depends on the data only: the player keeps its frame when the linkage changes, to compare linkages
        player(
            plots.token("tree", run.data.key, len(frames)),
            name,
            [frames],
            [("picture", scatter)],
            ["tree", "heights"],
            pace=pace(frames),
            rest=frame_of_cut(run),
            readings=readings_of_numbers(numbers),
            stage=Stage(run.title, None, "Hierarchical clustering has no random start.", failures_of("hierarchy")),
        )


def tree_numbers(run: Run) -> list[FrameNumbers]:
    """Number of clusters, height, and agreement with the true labels in each frame."""
    frames, data_tree, labels = tree_frames(run), run.model_input, run.data.labels
    left = [data_tree.n_merges + 1 - merges for merges in data_tree.merges_at_frames]
    heights = [NONE if frame.loss is None else format_short(frame.loss) for frame in frames]
    found = [FrameNumbers("Clusters", [f"{k:,}" for k in left]), FrameNumbers("Height", heights)]
    if run.agreement is None:
        return found
    scores = session_cache().get(
        ("agreements of cuts", run.data.key, data_tree.linkage, data_tree.metric),
        lambda: [KnownGroups.of(labels, data_tree.tree.labels(k)) for k in left],
    )
    return [*found, *agreement_numbers(scores, run.data)]


def show_tree_numbers(run: Run, numbers: list[FrameNumbers]) -> None:
    """Shows the numbers of the frame, which at first is that of the cut, and the cophenetic correlation."""
    cophenetic = run.model_input.tree.cophenetic
    show_frame_numbers(numbers, frame_of_cut(run))
    with st.container(horizontal=True):
        st.metric(
            "Cophenetic correlation",
            "undefined" if np.isnan(cophenetic) else minus_signs(f"{cophenetic:.3f}"),
            help="Correlation between the dissimilarities of pairs of points and the heights at which they merge (1 = "
            "perfect). Use it to compare linkages on the same data. It does not measure the quality of a cut.",
            width="content",
        )

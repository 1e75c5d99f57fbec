"""Sections of the Hierarchical page: figures of the tree, their player, and metrics."""

import numpy as np
import streamlit as st

from pages.datasets.formatting import escape_markdown, format_short, minus_signs
from pages.datasets.planes import Plane
from pages.figures import plots
from pages.hierarchy import figures
from pages.hierarchy.frames import frame_of_cut, pace, tree_frames
from pages.hierarchy.picture import picture
from pages.methods.tree_cut import OUTLINED
from pages.runs.background import OnProgress
from pages.runs.run import Run
from pages.ui.charts import show_chart
from pages.ui.player import player
from pages.ui.progress import Progress
from pages.ui.run_view import DRAWING, colors_and_rings


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


def show_tree_figures(run: Run, plane: Plane, ordered: bool, progress: Progress) -> str:
    """Shows the four figures in two rows; `ordered` is whether the leaves are in optimal order.

    Returns the name that the animated figures share with the player.
    """
    data_tree = run.model_input
    name = plots.token("tree", run.key, plane.names, ordered)
    scatter, dendrogram, heights, heat_map = draw_figures(run, plane, name, progress)
    above = st.columns(2, gap="medium")
    below = st.columns(2, gap="medium")
    with above[0]:
        with st.container(key="picture"):
            show_chart(scatter, key="tree picture", alt=figures.alt_text(run))
        outlines = (
            "Lines: merges so far."
            if data_tree.linkage == "single"
            else f"Outlines: current clusters (at most the {OUTLINED} largest)."
        )
        st.caption(f"{outlines} Black line: the pair being merged. Gray points: not merged yet.{colors_and_rings(run)}")
    with above[1]:
        with st.container(key="tree"):
            show_chart(dendrogram, key="tree tree", alt=figures.alt_text(run))
        st.caption(
            "Brackets are merges; leaves are points. Drag the dashed line to cut; each branch below it is a cluster. The "
            "strip shows the cluster colors."
        )
    with below[0]:
        with st.container(key="heights"):
            show_chart(
                heights,
                key="tree heights",
                alt=f"Merge height against the number of clusters; maximum {format_short(data_tree.tree.heights.max())}.",
            )
        st.caption("A steep rise means that distant clusters merge; cut just before it.")
    with below[1]:
        show_chart(
            heat_map,
            key="tree proximities",
            alt="Heat map of the pairwise dissimilarities in dendrogram order: dark blocks are compact clusters.",
        )
        st.caption("Pairwise dissimilarities in dendrogram order (dark = similar); boxes are clusters.")
    return name


def show_tree_player(run: Run, name: str) -> None:
    """Draws the player of the figures with this name."""
    frames = tree_frames(run)
    with st.container(key="player_panel"):
        # the token depends on the data only: the player keeps its frame when the linkage changes, to compare linkages
        player(
            plots.token("tree", run.data.key, len(frames)),
            name,
            [frames],
            ["picture"],
            ["tree", "heights"],
            pace=pace(frames),
            rest=frame_of_cut(run),
        )


def show_tree_numbers(run: Run) -> None:
    """Shows the cophenetic correlation, the number of clusters, and their agreement with the true labels."""
    cophenetic = run.model_input.tree.cophenetic
    with st.container(horizontal=True):
        st.metric(
            "Cophenetic correlation",
            "undefined" if np.isnan(cophenetic) else minus_signs(f"{cophenetic:.3f}"),
            help="Correlation between the dissimilarities of pairs of points and the heights at which they merge (1 = "
            "perfect). Use it to compare linkages on the same data. It does not measure the quality of a cut.",
            width="content",
        )
        st.metric("Clusters", run.settings.k, width="content")
        if run.agreement is not None:
            st.metric(
                "Adjusted Rand index",
                minus_signs(f"{run.agreement:.3f}"),
                help=escape_markdown(
                    f"Agreement of the cut with the {run.data.true_labels_name}: 1 = identical, 0 = as expected by chance."
                ),
                width="content",
            )

"""The parts of the page: the figures of a cut tree, their player, and its numbers."""

import numpy as np
import streamlit as st

from pages.datasets.formatting import minus, plain, short
from pages.datasets.planes import Plane
from pages.figures import plots
from pages.figures.plots import CHART
from pages.hierarchy import figures
from pages.hierarchy.frames import frame_of_cut, pace, tree_frames
from pages.hierarchy.picture import picture
from pages.methods.tree_cut import OUTLINED
from pages.runs.run import Run
from pages.ui.player import player
from pages.ui.progress import Progress
from pages.ui.run_view import colors_and_rings
from pages.ui.widgets import recent


def draw(run: Run, plane: Plane, name: str, progress: Progress) -> list:
    """The picture, the tree, the heights and the proximities."""
    states, cut = run.model_input.states, frame_of_cut(run)
    return recent().get(
        ("tree figures", name),
        lambda: [
            picture(run, states, cut, plane, name, lambda share: progress.show(0.2 + 0.8 * share, "Drawing the pictures.")),
            figures.tree(run, states, cut, name),
            figures.heights(run, states, cut, name),
            figures.proximities(run),
        ],
    )


def show_tree_figures(run: Run, plane: Plane, ordered: bool, progress: Progress) -> str:
    """The four figures, two above two; returns the name of those that move."""
    growth = run.model_input
    name = plots.token("tree", run.key, plane.names, ordered)
    moving, tree, heights, proximities = draw(run, plane, name, progress)
    above = st.columns(2, gap="medium")
    below = st.columns(2, gap="medium")
    with above[0]:
        with st.container(key="picture"):
            st.plotly_chart(moving, key="tree picture", alt=figures.described(run), **plots.SAVED)
        st.caption(
            (
                "The lines are the merges so far"
                if growth.linkage == "single"
                else f"Outlines are the groups that there are, up to the {OUTLINED} largest"
            )
            + "; the black line joins the two that merge now. A point is gray until it has joined another."
            + colors_and_rings(run)
        )
    with above[1]:
        with st.container(key="tree"):
            st.plotly_chart(tree, key="tree tree", alt=figures.described(run), **CHART)
        st.caption(
            "Each arch is a merge, at its height; at the ground there is a leaf for each point. Drag the dashed line to cut: "
            "what hangs below it is a group, with its color in the strip."
        )
    with below[0]:
        with st.container(key="heights"):
            st.plotly_chart(
                heights,
                key="tree heights",
                alt=f"Height of each merge over the number of groups left, up to {short(growth.tree.heights.max())}.",
                **CHART,
            )
        st.caption("Where the heights climb steeply, groups that are far apart merge: a cut before that leaves them.")
    with below[1]:
        st.plotly_chart(
            proximities,
            key="tree proximities",
            alt="Heat map of the dissimilarities in the order of the leaves: dark blocks are groups that are close.",
            **CHART,
        )
        st.caption("The dissimilarity of each two leaves, in the order of the tree: dark is near. Frames are the groups.")
    return name


def show_tree_player(run: Run, name: str) -> None:
    """The player of the figures of this name."""
    frames = tree_frames(run)
    with st.container(key="driver"):
        # the same place in another tree of these points, so that linkages can be compared there
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
    """The cophenetic correlation of the tree, the number of groups, and their agreement with the known ones."""
    cophenetic = run.model_input.tree.cophenetic
    with st.container(horizontal=True):
        st.metric(
            "Cophenetic correlation",
            "none" if np.isnan(cophenetic) else minus(f"{cophenetic:.3f}"),
            help="How well the heights at which points come together agree with their dissimilarities: 1 is perfectly. It "
            "compares linkages on the same data, and is no measure of how good a cut is.",
            width="content",
        )
        st.metric("Groups", run.settings.k, width="content")
        if run.agreement is not None:
            st.metric(
                "Adjusted Rand index",
                minus(f"{run.agreement:.3f}"),
                help=plain(f"Agreement of the cut with the known groups ({run.data.label_name}): 1 is the same, 0 is chance."),
                width="content",
            )

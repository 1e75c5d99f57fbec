"""Input for the height of the cut, kept consistent with K."""

import streamlit as st

from pages.datasets.limits import MAX_CLUSTERS
from pages.hierarchy.cut import height_of_cut
from pages.methods.trees import DataTree

HEIGHT = "height of cut"
"""session key of the last height; it is kept as long as a cut there gives K clusters"""
TOO_LOW = "too low"
"""session key of (height, number of clusters) of a cut that gives too many clusters to show"""


def cut_at(data_tree: DataTree, height: float) -> None:
    """Callback: stores the height, and sets K to the number of clusters that a cut there gives."""
    clusters = data_tree.n_merges + 1 - data_tree.tree.merges_below(height)
    st.session_state["k"] = min(clusters, MAX_CLUSTERS)
    st.session_state[HEIGHT] = height
    st.session_state[TOO_LOW] = (height, clusters) if clusters > MAX_CLUSTERS else None


def choose_height(data_tree: DataTree, k: int) -> float:
    """Draws the input for the height of the cut, which also changes K; returns the height of the cut into k clusters."""

    def changed():
        if st.session_state["height"] is not None:  # clearing the field restores the previous height
            cut_at(data_tree, st.session_state["height"])

    height = height_of_cut(data_tree, k, st.session_state.get(HEIGHT))
    st.session_state["height"] = st.session_state[HEIGHT] = height
    st.number_input(
        "Cut at height",
        0.0,
        None,
        None,
        step=max(float(f"{data_tree.tree.heights.max() / 50:.1g}"), 1e-12),
        format="%.4g",
        key="height",
        width=150,
        on_change=changed,
        help="You can also drag the dashed line in the dendrogram.",
    )
    return height

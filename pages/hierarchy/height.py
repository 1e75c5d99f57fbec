"""The height of the cut as an input, which always agrees with the number of groups."""

import streamlit as st

from pages.datasets.limits import MOST_CLUSTERS
from pages.hierarchy.cut import height_of_cut
from pages.methods.trees import Growth

HEIGHT = "height of cut"
"""in the session: the last height, which stays as long as it leaves K groups"""
TOO_LOW = "too low"
"""in the session: a height that left more groups than can be shown, and how many"""


def cut_at(growth: Growth, height: float) -> None:
    """For callbacks: sets K to the number of groups that a cut at this height leaves, and keeps the height."""
    groups = growth.merges + 1 - growth.tree.merges_below(height)
    st.session_state["k"] = min(groups, MOST_CLUSTERS)
    st.session_state[HEIGHT] = height
    st.session_state[TOO_LOW] = (height, groups) if groups > MOST_CLUSTERS else None


def choose_height(growth: Growth, k: int) -> float:
    """The height of the cut into k groups, in a field that changes K."""

    def changed():
        if st.session_state["height"] is not None:  # an emptied field means the old height
            cut_at(growth, st.session_state["height"])

    height = height_of_cut(growth, k, st.session_state.get(HEIGHT))
    st.session_state["height"] = st.session_state[HEIGHT] = height
    st.number_input(
        "Cut at height",
        0.0,
        None,
        None,
        step=max(float(f"{growth.tree.heights.max() / 50:.1g}"), 1e-12),
        format="%.4g",
        key="height",
        width=150,
        on_change=changed,
        help="Or drag the dashed line in the tree.",
    )
    return height

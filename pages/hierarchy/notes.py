"""What a person has to know about a tree and its cut, beside the figures."""

import streamlit as st

from pages.datasets.formatting import counted, short
from pages.datasets.limits import MOST_CLUSTERS, MOST_ORDERED
from pages.hierarchy.height import TOO_LOW
from pages.methods.trees import BY_MEANS, Growth
from pages.runs.run import Run


def show_cut_notes(run: Run, ordered: bool) -> None:
    """Notes about this cut, and where the order of the leaves is not the one that was asked for."""
    growth, k = run.model_input, run.settings.k
    too_low = st.session_state.pop(TOO_LOW, None)
    if too_low is not None:
        st.warning(
            f"A cut at height {short(too_low[0])} leaves {too_low[1]:,} groups; here are the last {MOST_CLUSTERS}.",
            icon=":material/info:",
        )
    low, high = growth.tree.gap(k)
    if not low < high:
        st.info(
            f"No height leaves exactly {counted(k, 'group')}: merges {'tie' if high == low else 'are inverted'} there. The "
            "cut takes them in the order in which they were made.",
            icon=":material/info:",
        )
    few = max(2, len(growth.data.points) // 100)
    tiny = int((run.history.sizes[-1] <= few).sum())
    if growth.linkage == "single" and 1 < k <= len(growth.data.points) // 10 and tiny >= k - 1:
        st.info(
            f"{tiny} of the {k} groups have at most {few} points. By single linkage a chain of points between two groups is "
            "enough to join them early, and what is left to the end is single points far from all others.",
            icon=":material/info:",
        )
    if ordered and growth.merges >= MOST_ORDERED:
        st.info(f"Only up to {MOST_ORDERED} points are put in the optimal order; these are not.", icon=":material/info:")


def show_tree_notes(growth: Growth) -> None:
    """Notes about this tree: that it is of a sample, that its linkage does not fit the proximities, its inversions."""
    if growth.note:
        st.info(growth.note, icon=":material/info:")
    if growth.linkage in BY_MEANS and not growth.is_euclidean:
        st.info(
            f"{growth.linkage.capitalize()} linkage works with means, so it takes these proximities for Euclidean "
            "distances. If they are not, choose single, complete or average linkage.",
            icon=":material/info:",
        )
    inversions = len(growth.tree.inversions)
    if inversions:
        st.warning(
            f"{counted(inversions, 'inversion')}, ringed in the tree: a merge lower than one of those that it joins. The "
            f"{'mean' if growth.linkage == 'centroid' else 'middle'} of two groups can be nearer to a third one than "
            "they were to each other, as in a triangle of equal sides. So a later merge need not be a higher one; a cut by "
            "height makes all merges before the first one above it. The other four linkages never do this.",
            icon=":material/swap_vert:",
        )

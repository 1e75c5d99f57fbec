"""Messages about the cut and the tree."""

import streamlit as st

from pages.datasets.formatting import escape_markdown, format_short, pluralize
from pages.datasets.limits import MAX_CLUSTERS, MAX_ORDERED_LEAVES
from pages.hierarchy.height import TOO_LOW
from pages.runs.run import Run


def show_cut_notes(run: Run, ordered: bool) -> None:
    """Shows messages about this cut, and about a leaf ordering that was requested but not applied."""
    data_tree, k = run.model_input, run.settings.k
    too_low = st.session_state.pop(TOO_LOW, None)
    if too_low is not None:
        st.warning(
            f"A cut at height {format_short(too_low[0])} gives {too_low[1]:,} clusters. At most {MAX_CLUSTERS} can be shown, "
            f"so K is {MAX_CLUSTERS}.",
            icon=":material/info:",
        )
    low, high = data_tree.tree.height_range(k)
    if not low < high:
        st.info(
            f"No height gives exactly {pluralize(k, 'cluster')} because of "
            f"{'tied merges' if high == low else 'an inversion'}. The cut follows the order of the merges.",
            icon=":material/info:",
        )
    few = max(2, len(data_tree.data.points) // 100)
    tiny = int((run.history.sizes[-1] <= few).sum())
    if data_tree.linkage == "single" and 1 < k <= len(data_tree.data.points) // 10 and tiny >= k - 1:
        st.info(
            f"{tiny} of the {k} clusters have at most {few} points. Single linkage joins clusters early when a chain of "
            "points connects them, so the last to merge are often single outliers.",
            icon=":material/info:",
        )
    if ordered and data_tree.n_merges >= MAX_ORDERED_LEAVES:
        st.info(
            f"Optimal leaf ordering is limited to {MAX_ORDERED_LEAVES} points and was not applied.", icon=":material/info:"
        )


def show_tree_notes(run: Run) -> None:
    """Shows messages about this tree: sampling and weights, a linkage that does not fit the distances, and inversions."""
    data_tree = run.model_input
    if run.note:
        st.info(escape_markdown(run.note), icon=":material/info:")
    if data_tree.linkage_note:
        st.info(data_tree.linkage_note, icon=":material/info:")
    inversions = len(data_tree.tree.inversions)
    if inversions:
        st.warning(
            f"{pluralize(inversions, 'inversion')}, circled in the dendrogram. An inversion is a merge at a lower height "
            "than an earlier merge that formed one of the clusters it joins: the "
            f"{'centroid' if data_tree.linkage == 'centroid' else 'midpoint'} of two clusters can be closer to a third "
            "cluster than they were to each other, as in an equilateral triangle. A cut at a given height applies all merges "
            "before the first one above that height. Single, complete, average and Ward linkage have no inversions.",
            icon=":material/swap_vert:",
        )

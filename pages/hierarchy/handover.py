"""Buttons that take the cut of a tree to other pages: as the start of other methods, or beside them."""

import streamlit as st

from pages.methods import offered
from pages.methods.starts import TREE, CutOf
from pages.methods.traits import WATCH
from pages.runs.run import Run
from pages.ui.navigation import open_from_tree, open_in_comparison


def show_handover(run: Run) -> None:
    """A button for each method that can start from the cut, and one for the comparison."""
    st.markdown("**Go on with this cut**")
    tree = run.settings
    start = CutOf(tree.option("linkage"), tree.option("metric"))
    with st.container(horizontal=True):
        for name, view in offered(WATCH, run.data).items():
            if TREE not in view.initializations:
                continue
            st.button(
                f"Start {view.title} from it",
                key=f"hand over to {name}",  # titles may be alike
                icon=":material/play_circle:",
                on_click=open_from_tree,
                args=(view.settings(tree.k, start, data=run.data), run.data),
            )
        st.button("Race it", icon=":material/view_column:", on_click=open_in_comparison, args=(tree, run.data))

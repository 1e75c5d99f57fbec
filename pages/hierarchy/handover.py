"""Buttons that use the cut of a tree on other pages: to initialize another method, or in the comparison."""

import streamlit as st

from pages.methods import available_methods
from pages.methods.starts import TREE, TreeStart
from pages.methods.traits import WATCH
from pages.runs.run import Run
from pages.ui.navigation import open_from_tree, open_in_comparison


def show_handover(run: Run) -> None:
    """Draws a button for each method that can be initialized from the cut, and one for the comparison."""
    st.markdown("**Use the clusters at the cut**")
    tree = run.settings
    start = TreeStart(tree.option("linkage"), tree.option("metric"))
    with st.container(horizontal=True):
        for name, view in available_methods(WATCH, run.data).items():
            if TREE not in view.initializations:
                continue
            st.button(
                f"Initialize {view.title_in_sentence}",
                key=f"hand over to {name}",  # two methods may have the same title
                icon=":material/play_circle:",
                on_click=open_from_tree,
                args=(view.settings(tree.k, start, data=run.data), run.data),
            )
        st.button("Add to comparison", icon=":material/view_column:", on_click=open_in_comparison, args=(tree, run.data))

"""What the app is for, and three ways to begin, at the top of the first page."""

import streamlit as st

from pages.ui.examples import title_with_examples
from pages.ui.navigation import open_scene

PLAYS = "plays at once"
"""session key: whether the player is started by the next script run"""


def show_welcome() -> None:
    """Show the title, a sentence about the app, and three ways to begin."""
    beside, below = title_with_examples("Clustering, step by step")
    with beside, st.container(horizontal=True, gap="small"):
        st.button("I have data", on_click=open_scene, args=("data", {"source": "own"}, {}))
        st.button("Show me how it works", on_click=st.session_state.update, args=({PLAYS: True},))
        st.button("Compare algorithms", on_click=open_scene, args=("compare", {}, {}))
    below.caption(
        "See step by step how algorithms find groups in your own data or in an example, and judge whether the groups are real."
    )


def play_if_asked() -> None:
    """Press the space bar for the player, if the visitor asked to be shown how it works."""
    if st.session_state.pop(PLAYS, False):
        st.html(
            "<script>document.dispatchEvent(new KeyboardEvent('keydown', { key: ' ' }))</script>", unsafe_allow_javascript=True
        )

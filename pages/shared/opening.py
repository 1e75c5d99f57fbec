"""From anywhere to Watch, with a certain run in it."""

import streamlit as st

from pages.shared.runs import Settings

WANTED = "wanted in watch"


def open_in_watch(settings: Settings, start: str, seed: int) -> None:
    """For callbacks: sets the widgets of Watch to this run, and `opening` goes there."""
    st.session_state.update(
        {
            "algorithm": settings.algorithm,
            "k": settings.k,
            f"start_{settings.algorithm}": start,
            "seed": int(seed),
            WANTED: True,
        }
    )
    st.session_state["opened"] = st.session_state.get("opened", 0) + 1


def opening() -> None:
    """Goes to Watch if that is wanted. To be called on each page that has something to open there.

    By a click on a link: `st.switch_page` would have to clear the address, and refuses to, because the widgets of this page
    keep their values in it.
    """
    if not st.session_state.pop(WANTED, False):
        return
    with st.container(key="opening"):
        st.page_link("pages/explore/watch.py", label="To this run in Watch", icon=":material/play_circle:")
    st.html(
        """<script>{
        const looking = setInterval(() => {
            const link = document.querySelector(".st-key-opening a");
            if (link) { clearInterval(looking); link.click(); }
        }, 30);
        setTimeout(() => clearInterval(looking), 5000);
        }</script>""",
        unsafe_allow_javascript=True,
    )
    st.stop()

"""From anywhere to Watch, with a certain run in it."""

import streamlit as st

from pages.shared.runs import ALGORITHMS, STARTS_OF, Settings
from pages.shared.widgets import start_name

WANTED = "wanted in watch"


def open_in_watch(settings: Settings, start: str, seed: int) -> None:
    """For callbacks: sets the widgets of Watch to this run, and `opening` goes there."""
    algorithm = settings.algorithm
    st.session_state.update({"algorithm": algorithm, "k": settings.k, f"start_{algorithm}": start, "seed": int(seed)})
    # as Watch will have them in the address, or it would make a step in the browser's history for each
    first = STARTS_OF[algorithm][0]
    texts = {
        "algorithm": (ALGORITHMS[algorithm], ALGORITHMS["kmeans"]),
        "k": (str(settings.k), "3"),
        f"start_{algorithm}": (start_name(start), start_name(first)),
        "seed": (str(seed), "1"),
    }
    st.session_state[WANTED] = {key: text for key, (text, default) in texts.items() if text != default}
    st.session_state["opened"] = st.session_state.get("opened", 0) + 1


def opening() -> None:
    """Goes to Watch if that is wanted. To be called on each page that has something to open there.

    By a click on a link: `st.switch_page` would have to clear the address, and refuses to, because the widgets of this page
    keep their values in it.
    """
    wanted = st.session_state.pop(WANTED, None)
    if wanted is None:
        return
    with st.container(key="opening"):
        st.page_link(
            "pages/explore/watch.py", label="To this run in Watch", icon=":material/play_circle:", query_params=wanted
        )
    st.html(
        """<script>{
        const looking = setInterval(() => {
            const link = document.querySelector(".st-key-opening a");
            if (!link) return;
            clearInterval(looking);
            // The way there changes the address in several steps. Only the first may be one in the browser's history, so that
            // Back leads back at once.
            let steps = 0;
            const { pushState, replaceState } = History.prototype;
            history.pushState = (...state) => (steps++ ? replaceState : pushState).apply(history, state);
            setTimeout(() => delete history.pushState, 3000);
            link.click();
        }, 30);
        setTimeout(() => clearInterval(looking), 5000);
        }</script>""",
        unsafe_allow_javascript=True,
    )
    st.stop()

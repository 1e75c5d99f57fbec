"""The gallery of failures: what goes wrong with clustering, ready to be watched, each with its remedy."""

import html

import streamlit as st

from pages.figures.thumbnails import as_html, thumbnail
from pages.runs.cache import RecentCache
from pages.runs.run import make_run
from pages.ui.failure_examples import FAILURES, GALLERY
from pages.ui.navigation import open_requested_page, open_scene
from pages.ui.placing import plane_of


@st.cache_data(max_entries=1, show_spinner="Running what goes wrong")
def pictures() -> dict[str, str]:
    """The last state of each failure, as an image in HTML. Cached for all sessions."""
    images = {}
    for name in GALLERY:
        failure = FAILURES[name]
        data = failure.wrong.load()
        run = make_run(data, failure.wrong.settings, RecentCache(), lambda state: None)
        source = thumbnail(data, plane_of(data), run.numbers, run.cluster_centers)
        images[name] = as_html(source, html.escape(f"How it ends: {failure.title.lower()}", quote=True))
    return images


st.title("When it goes wrong")
open_requested_page()
st.caption(
    "That a loss fell and converged says little. Here is how each method fails: open one, press play, and then take the "
    "remedy, a button above the picture."
)
shown = pictures()
with st.container(key="gallery"):
    for place, name in zip(st.columns(len(GALLERY), gap="medium"), GALLERY, strict=True):
        failure = FAILURES[name]
        with place, st.container(border=True, height="stretch"):
            st.subheader(failure.title)
            st.html(shown[name])
            st.markdown(failure.text.split(". ")[0].removesuffix(".") + ".")
            st.button(
                "Watch it go wrong",
                key=f"open {name}",
                icon=":material/play_circle:",
                on_click=open_scene,
                args=(failure.wrong.page, failure.wrong.state(), failure.wrong.address),
                help=f"Opens {failure.title.lower()}, ready to play",
            )

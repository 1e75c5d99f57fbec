"""The Failures page: examples in which clustering fails, each with a fix."""

import html

import streamlit as st

from pages.figures.thumbnails import as_html, thumbnail
from pages.runs.cache import RecentCache
from pages.runs.run import make_run
from pages.ui.failure_examples import FAILURES, GALLERY
from pages.ui.navigation import open_requested_page, open_scene
from pages.ui.placing import plane_of


def in_sentence(title: str) -> str:
    """The title as it continues a sentence; only its first letter is lowercased, since K is a symbol."""
    return title[0].lower() + title[1:]


@st.cache_data(max_entries=1, show_spinner="Running the examples")
def final_images() -> dict[str, str]:
    """The final state of each example, as an image in HTML. Cached for all sessions."""
    images = {}
    for name in GALLERY:
        failure = FAILURES[name]
        data = failure.wrong.load()
        run = make_run(data, failure.wrong.settings, RecentCache(), lambda state: None)
        source = thumbnail(data, plane_of(data), run.labels_by_rank, run.cluster_centers)
        images[name] = as_html(source, html.escape(f"Final state: {in_sentence(failure.title)}", quote=True))
    return images


st.title("Failures")
open_requested_page()
st.caption(
    "Convergence does not imply good clusters. Open an example, press Play, then try the fix with the button above the plot."
)
images = final_images()
with st.container(key="gallery"):
    for column, name in zip(st.columns(len(GALLERY), gap="medium"), GALLERY, strict=True):
        failure = FAILURES[name]
        with column, st.container(border=True, height="stretch", vertical_alignment="distribute"):
            with st.container():
                st.subheader(failure.title)
                st.html(images[name])
                st.markdown(failure.text.split(". ")[0].removesuffix(".") + ".")
            st.button(
                "Show example",
                key=f"open {name}",
                icon=":material/play_circle:",
                on_click=open_scene,
                args=(failure.wrong.page, failure.wrong.state(), failure.wrong.query_params),
                help=f"Open the example: {in_sentence(failure.title)}",
            )

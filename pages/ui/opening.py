"""Opens files with a progress bar and a Stop button."""

import streamlit as st

from pages.datasets.formatting import escape_markdown
from pages.datasets.opened import Opened, open_file
from pages.datasets.readers import Format
from pages.ui.progress import Progress, is_stopped, resume
from pages.ui.widgets import session_cache


def open_cached(key: str, content: bytes, name: str, format: Format | None = None) -> Opened:
    """The opened file, from the cache if possible.

    Parameters
    ----------
    key : identifies the content and the format
    content : bytes of the file
    name : name of the file
    format : how to read it; detected if None

    Raises
    ------
    ValueError
        If the user stopped reading it, or if it is of no supported kind. A button to resume is shown in the first case.
    """

    def compute():
        progress = Progress(key)

        def on_wait(seconds):
            progress.show(1 - 30 / (30 + seconds), f"Reading {escape_markdown(name)}, {seconds:.0f} s.")

        opened = open_file(content, name, format, on_wait)
        progress.done()
        return opened

    if is_stopped(key):
        st.button("Resume", on_click=resume, icon=":material/play_arrow:")
        raise ValueError(f"Reading {name} was stopped.")
    opened = session_cache().get(("opened", key), compute)
    if opened.format is None:
        raise ValueError(opened.error)
    return opened

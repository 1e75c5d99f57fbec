"""Opens files with a progress bar and a Stop button."""

import streamlit as st

from pages.datasets.formatting import escape_markdown
from pages.datasets.opened import Opened, open_file
from pages.datasets.readers import Format
from pages.runs.background import OnProgress
from pages.ui.progress import Progress, is_stopped, resume


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

    def compute(on_progress: OnProgress) -> Opened:
        def on_wait(seconds: float) -> None:
            on_progress(1 - 30 / (30 + seconds), f"Reading {escape_markdown(name)}, {seconds:.0f} s.")

        return open_file(content, name, format, on_wait)

    if is_stopped(("opened", key)):
        st.button("Resume", on_click=resume, icon=":material/play_arrow:")
        raise ValueError(f"Reading {name} was stopped.")
    progress = Progress()
    opened = progress.compute(("opened", key), compute)
    progress.done()
    if opened.format is None:
        raise ValueError(opened.error)
    return opened

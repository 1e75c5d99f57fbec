"""Progress bars for long computations."""

import time
from collections.abc import Callable

import streamlit as st

from pages.datasets.formatting import pluralize
from pages.datasets.server.tables import UnreadableTable
from pages.runs.jobs import Job
from pages.runs.remote import is_remote, resume_on_cluster


class Progress:
    """A progress bar that appears if a computation takes longer than 0.4 seconds.

    Changing any setting stops the computation. If `on_stop` is given, a Stop button calls it, and `hint` says what happens.
    """

    def __init__(self, on_stop: Callable[[], None] | None = None, hint: str = "Partial results are kept."):
        self.place, self.began = st.empty(), time.monotonic()
        self.on_stop, self.bar, self.last = on_stop, None, 0.0
        self.hint = "Change any setting to stop." if on_stop is None else hint

    def show(self, fraction: float, text: str) -> None:
        """Show the completed fraction (0 to 1) and a text, at most 20 times per second."""
        now = time.monotonic()
        if now - self.began < 0.4 or now - self.last < 0.05:
            return
        self.last = now
        if self.bar is None:
            self.bar = self.place
            if self.on_stop is not None:
                with self.place.container():
                    self.bar = st.empty()
                    st.button("Stop", icon=":material/stop_circle:", on_click=self.on_stop)
        self.bar.progress(fraction, text=f"{text} {self.hint}".strip())

    def done(self) -> None:
        """Remove the progress bar."""
        self.place.empty()


def run_job(name: str, job: Job) -> None:
    """Run the remaining tasks of a job, with a progress bar and a Stop button; if it was stopped, show a Resume button.

    `name` identifies the job within the session. Changing any setting also stops it.
    """

    def stop():
        st.session_state["stopped"] = name

    def resume():
        st.session_state["stopped"] = None

    remaining = len(job.remaining)
    if not remaining:
        return
    if st.session_state.get("stopped") == name:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(f"Stopped with {pluralize(remaining, job.noun)} remaining. The results so far are shown.")
            st.button("Resume", on_click=resume, icon=":material/play_arrow:")
        return
    progress = Progress(stop)
    if is_remote(job):
        try:
            resume_on_cluster(job, progress.show)
        except UnreadableTable as error:
            st.warning(f"{error} The computation continues in the app.")
    job.resume(progress.show)
    progress.done()

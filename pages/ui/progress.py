"""Progress bars for long computations."""

import time
from collections.abc import Callable

import streamlit as st

from pages.datasets.formatting import pluralize
from pages.datasets.server.tables import UnreadableTable
from pages.runs.jobs import Job
from pages.runs.remote import is_remote, resume_on_cluster

CLUSTER_FAILED = "The Dask cluster of this server failed. The computation continues in the app, and may be slower."
DELAY = 0.4
"""seconds after which a progress bar appears"""


class Stopped(BaseException):
    """The user stopped a computation, and the page says so. Not an error, so handlers of errors ignore it."""


def count_script_run() -> None:
    """Count the runs of the script in this session. Call it at the beginning of each."""
    st.session_state["script runs"] = st.session_state.get("script runs", 0) + 1
    st.session_state["progress bars"] = 0  # of this run


def _stop() -> None:
    st.session_state["stopped run"] = st.session_state["script runs"] + 1  # the next one, which this click starts


class Progress:
    """A progress bar with a Stop button that appears if a computation takes longer than `DELAY`.

    Changing any setting also stops the computation. The Stop button calls `on_stop`, and `hint`, which is added to each text,
    says what stopping does. By default `show` raises `Stopped` after a click, until the user clicks Resume or anything else.
    """

    def __init__(self, on_stop: Callable[[], None] = _stop, hint: str = ""):
        self.place, self.began = st.empty(), time.monotonic()
        self.on_stop, self.hint, self.bar, self.last = on_stop, hint, None, 0.0
        self.number = st.session_state["progress bars"] = st.session_state.get("progress bars", 0) + 1
        self.is_stopped = st.session_state.get("stopped run") == st.session_state.get("script runs", 0)

    def show(self, fraction: float, text: str) -> None:
        """Show the completed fraction (0 to 1) and a text, at most 20 times per second."""
        now = time.monotonic()
        if now - self.began < DELAY or now - self.last < 0.05:
            return
        self.last = now
        if self.is_stopped and self.on_stop is _stop:
            with self.place.container(horizontal=True, vertical_alignment="center"):
                st.warning("Stopped. Change a setting or resume.")
                st.button("Resume", icon=":material/play_arrow:")
            raise Stopped
        if self.bar is None:
            with self.place.container():
                self.bar = st.empty()
                st.button("Stop", icon=":material/stop_circle:", on_click=self.on_stop, key=f"stop {self.number}")
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
    progress = Progress(stop, "Partial results are kept.")
    if is_remote(job):
        try:
            resume_on_cluster(job, progress.show)
        except UnreadableTable:
            st.warning(CLUSTER_FAILED)
    job.resume(progress.show)
    progress.done()

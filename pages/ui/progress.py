"""A bar for work that takes longer than a moment."""

import time
from collections.abc import Callable

import streamlit as st

from pages.datasets.formatting import pluralize
from pages.runs.jobs import Job


class Progress:
    """A bar that appears when work takes longer than a moment. A change of any setting leaves the work behind it.

    With `on_stop` there is a button too, by which the work is left on purpose.
    """

    def __init__(self, on_stop: Callable[[], None] | None = None):
        self.place, self.began = st.empty(), time.monotonic()
        self.on_stop, self.bar, self.last = on_stop, None, 0.0

    def show(self, share: float, text: str) -> None:
        now = time.monotonic()
        if now - self.began < 0.4 or now - self.last < 0.05:
            return
        self.last = now
        if self.bar is None:
            self.bar = self.place
            if self.on_stop is not None:
                with self.place.container():
                    self.bar = st.empty()
                    st.button("Stop here", icon=":material/stop_circle:", on_click=self.on_stop)
        leave = "Change any setting to leave this." if self.on_stop is None else "What is found so far is kept."
        self.bar.progress(share, text=f"{text} {leave}")

    def done(self) -> None:
        self.place.empty()


def run_job(name: str, job: Job) -> None:
    """Does what is remaining of a job, with a bar and a button to stop; if it was stopped shows a button to resume instead.

    `name` tells this job from others of the session. Any other change on the page ends the work as well.
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
            st.warning(f"Stopped with {pluralize(remaining, job.noun)} still to be made; what follows is about what was.")
            st.button("Go on", on_click=resume, icon=":material/play_arrow:")
        return
    progress = Progress(stop)
    job.resume(progress.show)
    progress.done()

"""Progress bars for long computations."""

import time

import streamlit as st

from pages.datasets.formatting import pluralize
from pages.runs.background import BackgroundJob
from pages.runs.jobs import Job

CLUSTER_FAILED = "The Dask cluster of this server failed. The computation continues in the app, and may be slower."
DELAY = 0.4
"""seconds after which a progress bar appears"""
WAIT = 0.3
"""seconds for which a page waits for a new job, so that short ones do not flicker"""
REFRESH = 0.5
"""seconds between two looks at the progress of a job"""


class Stopped(BaseException):
    """The user stopped a computation, and the page says so. Not an error, so handlers of errors ignore it."""


def count_script_run() -> None:
    """Count the runs of the script in this session. Call it at the beginning of each."""
    st.session_state["script runs"] = st.session_state.get("script runs", 0) + 1
    st.session_state["progress bars"] = 0  # of this run
    st.session_state["page job"] = None  # the job that this run shows in progress


def stop(name: str | int) -> None:
    """Callback: stop the computation with this name until the user resumes it or stops another one."""
    st.session_state["stopped"] = name


def is_stopped(name: str | int) -> bool:
    """Whether the user stopped the computation with this name."""
    return st.session_state.get("stopped") == name


def resume() -> None:
    """Callback: resume the computation that the user stopped."""
    st.session_state["stopped"] = None


def _this_run() -> int:
    """The number of this run of the script, which is the name of the computations in it that have no other."""
    return st.session_state.get("script runs", 0)


class Progress:
    """A progress bar with a Stop button that appears if a computation takes longer than `DELAY`.

    Changing any setting also stops the computation. While the bar is visible, what an earlier run of the script left below it
    is hidden. After a click on Stop, `show` raises `Stopped` until the user clicks Resume or anything else; but if the
    computation has a name, the caller asks `is_stopped` before it starts.
    """

    def __init__(self, name: str | None = None):
        self.place, self.began = st.empty(), time.monotonic()
        self.name, self.bar, self.last = name, None, 0.0
        self.number = st.session_state["progress bars"] = st.session_state.get("progress bars", 0) + 1

    def show(self, fraction: float, text: str) -> None:
        """Show the completed fraction (0 to 1) and a text, at most 20 times per second."""
        if self.name is None and is_stopped(_this_run()):
            with self.place.container(horizontal=True, vertical_alignment="center"):
                st.warning("Stopped. Change a setting or resume.")
                st.button("Resume", icon=":material/play_arrow:")
            raise Stopped
        now = time.monotonic()
        if now - self.began < DELAY or now - self.last < 0.05:
            return
        self.last = now
        if self.bar is None:
            name = _this_run() + 1 if self.name is None else self.name  # the click starts the next run
            with self.place.container(key=f"progress {self.number}"):
                self.bar = st.empty()
                st.button("Stop", icon=":material/stop_circle:", on_click=stop, args=(name,), key=f"stop {self.number}")
        self.bar.progress(fraction, text=text)

    def done(self) -> None:
        """Remove the progress bar."""
        self.place.empty()


def run_job(name: str, job: Job) -> Job:
    """Run the remaining tasks of a job in the background, with a progress bar and a Stop button.

    The page runs again when there are twice as many results, and at the end. One job of a session runs at a time: a new one
    stops that of other settings, whose results are kept; a second one of the same page waits for the first. If the user
    stopped the job, a Resume button is shown. Raises what a task raised.

    Parameters
    ----------
    name : identifies the job within the session
    job : the job, without a part of its results if the cache has forgotten it

    Returns
    -------
    job : a copy with the results so far
    """
    background: BackgroundJob | None = st.session_state.get("background job")
    if background is not None and background.name == name:
        job = background.job
        background.keep()
    else:
        background = None
    remaining = len(job.remaining)
    if not remaining and (background is None or background.error is None):
        return job.snapshot()
    if is_stopped(name):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(f"Stopped with {pluralize(remaining, job.noun)} remaining. The results so far are shown.")
            st.button("Resume", on_click=resume, icon=":material/play_arrow:")
        return job.snapshot()
    if st.session_state.get("page job") is not None:
        st.progress(0.0, text="Begins when the computation above is finished or stopped.")
        return job.snapshot()
    if background is None or not (background.is_running or background.error):
        background = BackgroundJob(name, job, st.session_state.get("background job"))
        st.session_state["background job"] = background
        background.wait(WAIT)
    if background.error is not None:
        if isinstance(background.error, ValueError):
            raise background.error.with_traceback(None)  # not longer with each run of the page
        del st.session_state["background job"]  # it may not happen again
        raise background.error
    if background.cluster_failed:
        st.warning(CLUSTER_FAILED)
    shown = job.snapshot()
    if background.is_running:
        st.session_state["page job"] = name
        _show_progress(background, max(1, 2 * len(shown.results)))
    return shown


def is_running(name: str) -> bool:
    """Whether the job with this name is running."""
    background = st.session_state.get("background job")
    return background is not None and background.name == name and background.is_running


@st.fragment(run_every=REFRESH)
def _show_progress(background: BackgroundJob, count: int) -> None:
    """Show the progress of a job, and run the page again when it has this number of results or has ended."""
    if not background.is_running or len(background.job.results) >= count:
        st.rerun()
    background.keep()
    st.progress(background.share, text=f"{background.text} Partial results are kept.")

    def on_stop():
        stop(background.name)
        background.stop()

    st.button("Stop", icon=":material/stop_circle:", on_click=on_stop, key="stop job")

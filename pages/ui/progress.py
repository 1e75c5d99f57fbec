"""Computations in threads, which pages wait for or show the progress of."""

import time
from collections.abc import Callable, Hashable
from typing import Any

import streamlit as st

from pages.datasets.formatting import pluralize
from pages.figures import plots
from pages.runs.background import BackgroundJob, OnProgress, Work, WorkThread
from pages.runs.jobs import Job
from pages.ui.frame import style_progress
from pages.ui.widgets import session_cache

CLUSTER_FAILED = "The Dask cluster of this server failed. The computation continues in the app, and may be slower."
DELAY = 0.4
"""seconds after which a progress bar appears"""
POLL = 0.1
"""seconds after which a page that waits looks at the progress again; only then can anything else interrupt it"""
WAIT = 0.3
"""seconds for which a page waits for a new job or file, so that short ones do not flicker"""
REFRESH = 0.5
"""seconds between two looks at the progress of a job"""
MAX_WORKS = 3
"""maximum number of pages of a session that compute at the same time: the page that is shown, and those left last"""


class Stopped(BaseException):
    """The user stopped a computation, and the page says so. Not an error, so handlers of errors ignore it."""


def begin_script(page: str) -> None:
    """Note that a run of the script of this page begins. Call it at the beginning of each."""
    st.session_state["page of work"] = page
    st.session_state["progress bars"] = 0  # of this run
    st.session_state["page job"] = None  # the job that this run shows in progress


def end_script() -> None:
    """Note that a run of the script is complete: the page needs nothing else."""
    if thread := _threads().get(st.session_state["page of work"]):
        thread.close()


def stop(name: Hashable) -> None:
    """Callback: stop the computation with this name until the user resumes it or stops another one."""
    st.session_state["stopped"] = name
    if work := _find(name):
        work.stop()


def is_stopped(name: Hashable) -> bool:
    """Whether the user stopped the computation with this name."""
    return st.session_state.get("stopped") == name


def resume() -> None:
    """Callback: resume the computation that the user stopped."""
    st.session_state["stopped"] = None


# Computations that a page needs


class Progress:
    """A place for the progress bar of the computations that a page needs, with a Stop button.

    While the bar is visible, what an earlier run of the script left below it is hidden.
    """

    def __init__(self):
        self.place, self.began = st.empty(), time.monotonic()
        self.bar = None
        self.number = st.session_state["progress bars"] = st.session_state.get("progress bars", 0) + 1

    def compute(self, key: tuple, compute: Callable[[OnProgress], Any], text: str = "") -> Any:
        """Get the result for a key from the cache of the session, or wait until a thread has computed it.

        The function `compute` is called with a function that it calls with its progress; until then, `text` is shown.

        If that takes longer than `DELAY`, the progress is shown. Everything outside of the page remains usable, and if the
        user changes settings or leaves the page, the computation goes on for a minute: a page that needs the same result
        meanwhile shows its progress. It ends when the page needs something else. After a click on Stop, `Stopped` is raised
        until the user clicks Resume. Raises what the computation raised.
        """
        return session_cache().get(key, lambda: self._wait_for(key, compute, text))

    def _wait_for(self, key: tuple, compute: Callable[[OnProgress], Any], text: str) -> Any:
        if is_stopped(key):
            with self.place.container(horizontal=True, vertical_alignment="center"):
                st.warning("Stopped. Change a setting or resume.")
                st.button("Resume", icon=":material/play_arrow:", on_click=resume)
            raise Stopped
        while True:
            work = _find(key) or _start(st.session_state.get("page of work", ""), key, compute, text)
            while work.is_running and not work.wait(POLL):
                work.keep()
                self._show(work)
            if work.error is not None:
                _forget(work)
                raise work.error.with_traceback(None)
            if not work.is_stopped:
                return work.result

    def _show(self, work: Work) -> None:
        """Show the progress, unless the page has only just begun to wait."""
        if time.monotonic() - self.began < DELAY:
            return
        if self.bar is None:
            with self.place.container(key=f"progress-{self.number}"):
                style_progress(f"progress-{self.number}")
                self.bar = st.empty()
                key = f"stop {self.number}"
                st.button("Stop", icon=":material/stop_circle:", on_click=stop, args=(work.name,), key=key)
        self.bar.progress(work.share, text=work.text)

    def done(self) -> None:
        """Remove the progress bar."""
        self.place.empty()


def _threads() -> dict[Hashable, WorkThread]:
    """The threads of the session by what they work for: the address of a page, or the key of a file."""
    return st.session_state.setdefault("work threads", {})


def _find(name: Hashable) -> Work | None:
    """The computation with this name, if it was started and has not been stopped."""
    works = (thread.work for thread in _threads().values())
    return next((work for work in works if work is not None and work.name == name and not work.is_stopped), None)


def _start(purpose: Hashable, key: tuple, compute: Callable[[OnProgress], Any], text: str) -> Work:
    """Start a computation whose result the cache keeps; stops the previous one for this purpose, and others if many go on."""
    threads, cache = _threads(), session_cache()
    others = {other: thread.work for other, thread in threads.items() if other != purpose}
    for other in [other for other, work in others.items() if work is None]:
        del threads[other]
    pages = [work for other, work in others.items() if isinstance(other, str) and work is not None and work.is_running]
    for work in sorted(pages, key=lambda work: work.last_seen)[: max(len(pages) + 1 - MAX_WORKS, 0)]:
        work.stop()
    work = Work(key, lambda on_progress: cache.get(key, lambda: compute(on_progress)), text)
    threads.setdefault(purpose, WorkThread(cache)).start(work)
    return work


def _forget(failed: Work) -> None:
    """Forget a computation that failed, so that it begins anew if its result is needed again."""
    for thread in _threads().values():
        if thread.work is failed:
            thread.work = None


def computed_meanwhile(key: tuple, compute: Callable[[OnProgress], Any], text: str, start: Callable[[], bool]) -> bool:
    """Whether the cache of the session has the result for a key, which a thread computes while the page can be used.

    `start` is asked whether to begin, unless the computation goes on. Shows its progress with a Stop button; the page runs
    again at its end. Raises what the computation raised.
    """
    if key in session_cache():
        return True
    place, work = st.empty(), _find(key)
    if work is None:
        with place:
            if not start():
                return False
        work = _start(key, key, compute, text)
        work.wait(WAIT)
    if work.error is not None:
        _forget(work)
        raise work.error.with_traceback(None)
    if work.is_running:
        with place.container():
            _show_progress(work)
    else:
        place.empty()
    return key in session_cache()


# Jobs


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
def _show_progress(work: Work, count: int | None = None) -> None:
    """Show the progress of a job or file, and run the page again when it has ended or the job has this number of results."""
    if not work.is_running or (count is not None and len(work.job.results) >= count):
        st.rerun()
    work.keep()
    st.progress(work.share, text=work.text if count is None else f"{work.text} Partial results are kept.")

    def on_stop():
        stop(work.name)
        work.stop()

    st.button("Stop", icon=":material/stop_circle:", on_click=on_stop, key=f"stop {plots.token(work.name)}")

"""Computations in threads, so that the page that started them stays usable."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any

from clustering.tasks import while_waiting
from pages.datasets.server.tables import UnreadableTable
from pages.runs.budget import budget, waiting_message
from pages.runs.cache import RecentCache
from pages.runs.jobs import Job
from pages.runs.remote import is_remote, resume_on_cluster

KEPT_SECONDS = 70
"""a computation stops if nobody looks at it for this time: a bit more than a minute, because hidden tabs wake once a minute"""
PAUSE_SECONDS = 5
"""time after a computation during which another one continues its turn of the memory budget"""

OnProgress = Callable[[float, str], None]
"""called with the completed share (0 to 1) and a message; raises an exception to stop the computation"""


class _Stopped(BaseException):
    """Raised within a computation to stop it. Not an error, so handlers of errors ignore it."""


class Work:
    """A computation that another thread runs until it is finished, `stop` is called, or nobody calls `keep`."""

    def __init__(self, name: Hashable, compute: Callable[[OnProgress], Any], text: str = ""):
        """`name` identifies the computation within the session, `compute` returns its result, `text` is shown at first."""
        self.name = name
        self.share, self.text = 0.0, text
        self.result: Any = None
        self.error: BaseException | None = None
        """what the computation raised"""
        self.last_seen = time.monotonic()
        self._compute, self._stop, self._ended = compute, threading.Event(), threading.Event()

    @property
    def is_running(self) -> bool:
        """Whether the computation has not ended and has not been told to stop."""
        return not self._ended.is_set() and not self._stop.is_set()

    @property
    def is_stopped(self) -> bool:
        """Whether the computation has been told to stop."""
        return self._stop.is_set()

    def keep(self) -> None:
        """Let the computation go on for `KEPT_SECONDS` from now."""
        self.last_seen = time.monotonic()

    def stop(self) -> None:
        """Stop the computation at its next step."""
        if not self._ended.is_set():
            self._stop.set()

    def wait(self, seconds: float) -> bool:
        """Wait until the computation has ended, but not longer than this; return whether it has."""
        return self._ended.wait(seconds)

    def run(self) -> None:
        """Run the computation in this thread."""
        try:
            self.check()
            with while_waiting(self.check):
                self.result = self._compute(self.on_progress)
        except _Stopped:
            pass
        except BaseException as error:  # the page shows it
            self.error = error
        finally:
            del self._compute
            self._ended.set()

    def on_progress(self, share: float, text: str) -> None:
        """Set the progress; as in `check`."""
        self.check()
        self.share, self.text = share, text

    def check(self) -> None:
        """Raise an exception if the computation shall stop."""
        if time.monotonic() - self.last_seen > KEPT_SECONDS:
            self.stop()
        if self._stop.is_set():
            raise _Stopped


class BackgroundJob(Work):
    """Runs the remaining tasks of a job in a thread. The results of the tasks are kept if it is stopped."""

    def __init__(self, name: str, job: Job, previous: "BackgroundJob | None" = None):
        """Start the job.

        Parameters
        ----------
        name : identifies the job within the session
        job : the job
        previous : a job that is stopped first; this one begins when it has ended
        """
        super().__init__(name, self._resume)
        self.job = job
        self._previous = previous
        self.cluster_failed = False
        """whether the cluster failed, so that this process ran its tasks"""
        if previous is not None:
            previous.stop()
        threading.Thread(target=self.run, name="job", daemon=True).start()

    def _resume(self, on_progress: OnProgress) -> None:
        while self._previous is not None and not self._previous.wait(0.1):
            self.check()
        self._previous = None  # its results need not be kept
        if is_remote(self.job):
            try:
                resume_on_cluster(self.job, on_progress)
            except UnreadableTable:
                self.cluster_failed = True
        self.job.resume(on_progress)


class WorkThread:
    """A thread that runs the computations of one page, one after the other.

    Computations that follow each other closely share a turn of the memory budget: a page waits once for its run and figures.
    """

    def __init__(self, cache: RecentCache):
        """`cache` is the cache of the session."""
        self.work: Work | None = None
        """the most recent computation; None after a while"""
        self._cache = cache
        self._next: Work | None = None
        self._current: Work | None = None
        """the computation that runs; the most recent one may be waiting for its end"""
        self._has_thread = self._is_closed = False
        self._changed = threading.Condition()

    def start(self, work: Work) -> None:
        """Stop the previous computation, and start this one when it has ended."""
        with self._changed:
            if self.work is not None:
                self.work.stop()
            self.work = self._next = work
            self._is_closed = False
            if not self._has_thread:
                self._has_thread = True
                threading.Thread(target=self._run, name="work", daemon=True).start()
            self._changed.notify()

    def close(self) -> None:
        """End the turn, unless a computation is running."""
        with self._changed:
            self._is_closed = self._current is None and self._next is None
            self._changed.notify()

    def _run(self) -> None:
        ends = False
        while not ends:
            with budget().turn(self._cache, self._on_wait):
                while (work := self._take()) is not None:
                    work.run()
                    if work.is_stopped:  # the next one has other settings, so it has no right to this turn
                        break
                ends = work is None

    def _take(self) -> Work | None:
        """Wait for the next computation and return it; None if there is none, and the thread must end."""
        with self._changed:
            self._current = None
            self._changed.wait_for(lambda: self._next is not None or self._is_closed, PAUSE_SECONDS)
            self._current, self._next = self._next, None
            if self._current is None:
                self.work, self._has_thread = None, False
            return self._current

    def _on_wait(self, ahead: int) -> None:
        self._current.on_progress(self._current.share, waiting_message(ahead) if ahead else "Starting.")

"""Jobs that run in a thread, so that the page that started them stays usable."""

import threading
import time

from pages.datasets.server.tables import UnreadableTable
from pages.runs.jobs import Job
from pages.runs.remote import is_remote, resume_on_cluster

KEPT_SECONDS = 70
"""a job stops if nobody looks at it for this time: a bit more than a minute, because hidden tabs wake once a minute"""


class _Stopped(BaseException):
    """Raised within a task to stop it. Not an error, so handlers of errors ignore it."""


class BackgroundJob:
    """Runs the remaining tasks of a job in a thread, until they are finished, `stop` is called, or nobody calls `keep`."""

    def __init__(self, name: str, job: Job, previous: "BackgroundJob | None" = None):
        """Start the job.

        Parameters
        ----------
        name : identifies the job within the session
        job : the job
        previous : a job that is stopped first; this one begins when its thread has ended
        """
        self.name, self.job = name, job
        self.share, self.text = 0.0, ""
        self.error: BaseException | None = None
        """what a task raised"""
        self.cluster_failed = False
        """whether the cluster failed, so that this process ran its tasks"""
        self._stop, self._last_seen = threading.Event(), time.monotonic()
        if previous is not None:
            previous.stop()
        self._thread = threading.Thread(target=self._run, args=(previous and previous._thread,), name="job", daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether the job runs and has not been told to stop."""
        return self._thread.is_alive() and not self._stop.is_set()

    def keep(self) -> None:
        """Let the job go on for `KEPT_SECONDS` from now."""
        self._last_seen = time.monotonic()

    def stop(self) -> None:
        """Stop the job at its next step. Its results are kept."""
        self._stop.set()

    def wait(self, seconds: float) -> None:
        """Wait until the thread has ended, but not longer than this."""
        self._thread.join(seconds)

    def _run(self, previous: threading.Thread | None) -> None:
        try:
            while previous is not None and previous.is_alive():
                previous.join(0.1)
                self._check()
            previous = None
            if is_remote(self.job):
                try:
                    resume_on_cluster(self.job, self._on_progress)
                except UnreadableTable:
                    self.cluster_failed = True
            self.job.resume(self._on_progress)
        except _Stopped:
            pass
        except BaseException as error:  # the page shows it
            self.error = error

    def _on_progress(self, share: float, text: str) -> None:
        self._check()
        self.share, self.text = share, text

    def _check(self) -> None:
        if time.monotonic() - self._last_seen > KEPT_SECONDS:
            self.stop()
        if self._stop.is_set():
            raise _Stopped

"""A job that tests control."""

import threading
import time
from dataclasses import dataclass, field

from pages.runs.jobs import Job


@dataclass(eq=False)
class Counting(Job):
    """Each task is its own result. A task in `endless` has steps until the job is stopped, or until `endless` is emptied."""

    count: int = 3
    endless: tuple[int, ...] = ()
    raised: BaseException | None = None
    """what the last task raises"""
    begun: threading.Event = field(default_factory=threading.Event)
    """set when an endless task has begun"""
    running: list[int] = field(default_factory=list)
    """the tasks that run now"""

    @property
    def tasks(self):
        return range(self.count)

    def describe(self, task, state):
        return f"Task {task}."

    def run_task(self, task, on_step):
        assert not self.running, "two threads run the job"
        self.running.append(task)
        try:
            while task in self.endless:
                self.begun.set()
                time.sleep(0.001)
                on_step(None)
            if self.raised and task == self.count - 1:
                raise self.raised
            return task
        finally:
            self.running.pop()


JOBS: dict[str, Counting] = {}
"""the jobs of the page of a test, by name"""

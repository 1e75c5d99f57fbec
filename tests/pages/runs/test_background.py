"""Jobs that run in a thread: their progress, stopping, resuming, and their end without a visitor."""

import threading
import time
from dataclasses import dataclass, field

import pytest

from pages.runs import background
from pages.runs.background import BackgroundJob
from pages.runs.jobs import Job

LONG = 30
"""seconds after which something that should end at once has failed"""


@dataclass(eq=False)
class Counting(Job):
    """Each task is its own result. A task in `endless` has steps until the job is stopped."""

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


def finished(started):
    started.wait(LONG)
    assert not started.is_running
    return started


def test_a_job_is_finished_in_a_thread_with_its_progress():
    started = finished(BackgroundJob("counting", Counting(4)))
    assert started.job.results == {0: 0, 1: 1, 2: 2, 3: 3}
    assert (started.share, started.text, started.error) == (0.75, "Task 3.", None)  # when the last task began


def test_a_stopped_job_ends_at_its_next_step_and_is_resumed_with_its_results():
    job = Counting(3, endless=(1,))
    started = BackgroundJob("counting", job)
    assert job.begun.wait(LONG)
    assert started.is_running
    assert (started.share, started.text) == (pytest.approx(1 / 3), "Task 1.")
    began = time.monotonic()
    started.stop()
    assert not started.is_running
    started.wait(LONG)
    assert time.monotonic() - began < 1
    assert job.results == {0: 0}
    job.endless = ()
    assert finished(BackgroundJob("counting", job, started)).job.results == {0: 0, 1: 1, 2: 2}


def test_a_new_job_stops_the_previous_one_and_begins_when_its_thread_has_ended():
    job = Counting(2, endless=(0,))
    first = BackgroundJob("counting", job)
    assert job.begun.wait(LONG)
    second = BackgroundJob("counting", job, first)  # the same job: two threads at a time would be noticed
    assert not first.is_running
    job.endless = ()
    assert finished(second).error is None
    assert job.results == {0: 0, 1: 1}


def test_a_job_that_waits_for_the_previous_one_can_be_stopped():
    job, hung = Counting(), threading.Event()
    blocked = Counting()
    blocked.run_task = lambda task, on_step: hung.wait(LONG)
    waiting = BackgroundJob("counting", job, BackgroundJob("blocked", blocked))
    waiting.stop()
    finished(waiting)
    assert job.results == {}
    hung.set()


@pytest.mark.parametrize("error", [ValueError("k is too large"), MemoryError(), KeyboardInterrupt()])
def test_what_a_task_raises_is_kept_with_the_results_before_it(error):
    started = finished(BackgroundJob("counting", Counting(3, raised=error)))
    assert started.error is error
    assert started.job.results == {0: 0, 1: 1}


def test_a_job_at_which_nobody_looks_goes_on_for_a_minute_and_then_stops(monkeypatch):
    assert 60 <= background.KEPT_SECONDS < 90
    monkeypatch.setattr(background, "KEPT_SECONDS", 0.3)
    job = Counting(3, endless=(1,))
    started = BackgroundJob("counting", job)
    began = time.monotonic()
    while time.monotonic() - began < 0.6:
        started.keep()
        time.sleep(0.01)
    assert started.is_running
    began = time.monotonic()
    finished(started)
    assert 0.2 < time.monotonic() - began < 2
    assert job.results == {0: 0}


def test_a_snapshot_does_not_change_while_the_job_goes_on():
    job = Counting(3, endless=(1,))
    started = BackgroundJob("counting", job)
    assert job.begun.wait(LONG)
    snapshot = job.snapshot()
    job.endless = ()
    finished(started)
    assert len(job.results) == 3
    assert snapshot.results == {0: 0}
    assert snapshot.remaining == [1, 2]

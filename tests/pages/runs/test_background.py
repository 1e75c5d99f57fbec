"""Jobs that run in a thread: their progress, stopping, resuming, and their end without a visitor."""

import threading
import time

import pytest

from pages.runs import background
from pages.runs.background import BackgroundJob
from tests.pages.jobs import Counting

LONG = 30
"""seconds after which something that should end at once has failed"""


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

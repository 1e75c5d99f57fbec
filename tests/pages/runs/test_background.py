"""Jobs that run in a thread: their progress, stopping, resuming, and their end without a visitor."""

import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from pages.choose_k.sweep import Sweep
from pages.mixture.bootstrap import Bootstrap
from pages.restarts.study import RemainingRuns
from pages.runs import background, jobs
from pages.runs.background import BackgroundJob, Work, WorkThread
from pages.runs.budget import Budget
from pages.runs.cache import RecentCache
from pages.runs.refits import NoiseBand
from pages.runs.resampling import Resampling
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
    started.stop()
    assert not started.is_running
    assert started.wait(LONG)
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
    assert 0.2 < time.monotonic() - began < LONG
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


# the memory of jobs


@pytest.fixture
def shared(monkeypatch):
    """A budget in which a computation of 5 MB is a large one, and two do not fit."""
    found = Budget(8 * 2**20, at_once=1)
    for module in (jobs, background):
        monkeypatch.setattr(module, "budget", lambda: found)
    monkeypatch.setattr("pages.runs.budget.resident_bytes", lambda: 0)
    monkeypatch.setattr("pages.runs.budget.POLL_SECONDS", 0.001)
    return found


@pytest.fixture
def large(monkeypatch):
    monkeypatch.setattr(Counting, "n_bytes", 5 * 2**20)


def eventually(condition):
    deadline = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)
    return True


def test_a_large_job_waits_for_its_turn_and_can_be_stopped_meanwhile(shared, large):
    with shared.turn(RecentCache(), lambda ahead: None), shared.reserve(5 * 2**20):
        stopped, waiting = (BackgroundJob("counting", Counting(2)) for _ in range(2))
        assert eventually(lambda: waiting.text == "Waiting for memory: 2 large runs are ahead.")
        stopped.stop()
        assert stopped.wait(1)
        assert eventually(lambda: waiting.text == "Waiting for memory: 1 large run is ahead.")
        assert waiting.job.results == {}
    assert finished(waiting).job.results == {0: 0, 1: 1}


def test_large_runs_get_their_turn_between_two_tasks_of_a_job(shared, large):
    job = Counting(2, endless=(0, 1))
    started = BackgroundJob("counting", job)
    assert job.begun.wait(LONG)
    order = []

    def run():
        with shared.turn(RecentCache(), lambda ahead: None), shared.reserve(5 * 2**20):
            order.append(dict(job.results))

    other = threading.Thread(target=run)
    other.start()
    assert eventually(lambda: shared._queue)
    job.endless = ()
    other.join(LONG)
    assert order == [{0: 0}]
    assert finished(started).job.results == {0: 0, 1: 1}


def test_small_jobs_do_not_wait(shared):
    with shared.turn(RecentCache(), lambda ahead: None), shared.reserve(5 * 2**20):
        assert finished(BackgroundJob("counting", Counting(2))).job.results == {0: 0, 1: 1}


@pytest.mark.parametrize("kind", [Sweep, RemainingRuns, Resampling, NoiseBand, Bootstrap])
def test_jobs_that_cluster_say_how_much_memory_they_need(kind):
    assert kind.n_bytes is not jobs.Job.n_bytes


# threads of pages


def reserving(shared, n_bytes=5 * 2**20):
    def compute(on_progress):
        with shared.reserve(n_bytes):
            return "result"

    return compute


def test_computations_that_follow_each_other_share_a_turn(shared):
    thread, first, second = WorkThread(RecentCache()), Work("first", reserving(shared)), Work("second", reserving(shared))
    thread.start(first)
    assert first.wait(LONG)
    other = Work("other", reserving(shared))
    WorkThread(RecentCache()).start(other)
    assert eventually(lambda: other.text.startswith("Waiting"))
    thread.start(second)
    assert second.wait(LONG)
    assert (first.result, second.result) == ("result", "result")
    assert other.is_running
    thread.close()
    assert other.wait(LONG)
    assert other.result == "result"


def test_a_turn_ends_a_few_seconds_after_the_last_computation(shared, monkeypatch):
    monkeypatch.setattr(background, "PAUSE_SECONDS", 0.05)
    thread, work, other = WorkThread(RecentCache()), Work("work", reserving(shared)), Work("other", reserving(shared))
    thread.start(work)
    assert work.wait(LONG)
    WorkThread(RecentCache()).start(other)
    assert other.wait(LONG)
    assert thread.work is None
    again = Work("again", reserving(shared))
    thread.start(again)
    assert again.wait(LONG)


def test_a_computation_of_other_settings_does_not_get_the_turn_of_the_one_that_it_stops(shared):
    order = []

    def endless(on_progress):
        with shared.reserve(5 * 2**20):
            while True:
                on_progress(0.5, "Half.")
                time.sleep(0.001)

    def noting(name):
        def compute(on_progress):
            with shared.reserve(5 * 2**20):
                order.append(name)

        return compute

    thread, first = WorkThread(RecentCache()), Work("first", endless)
    thread.start(first)
    assert eventually(lambda: first.text == "Half.")
    other, second = Work("other", noting("other")), Work("second", noting("second"))
    others = WorkThread(RecentCache())
    others.start(other)
    assert eventually(lambda: other.text.startswith("Waiting"))
    thread.start(second)
    assert first.wait(1)
    assert other.wait(LONG)
    others.close()
    assert second.wait(LONG)
    assert order == ["other", "second"]


def test_closing_a_worker_does_not_end_a_computation():
    may_end, thread = threading.Event(), WorkThread(RecentCache())
    work = Work("work", lambda on_progress: may_end.wait(LONG))
    thread.start(work)
    thread.close()
    may_end.set()
    assert work.wait(LONG)
    assert work.result is True


def test_a_computation_that_starts_while_an_idle_thread_ends_has_one_thread(monkeypatch):
    ends, may_end = threading.Event(), threading.Event()

    @contextmanager
    def slow_turn(cache, on_wait):
        yield
        ends.set()
        may_end.wait(LONG)

    monkeypatch.setattr(background, "budget", lambda: SimpleNamespace(turn=slow_turn))
    thread, threads = WorkThread(RecentCache()), []

    def compute(on_progress):
        threads.append(threading.current_thread())

    thread.start(first := Work("first", compute))
    assert first.wait(LONG)
    thread.close()
    assert ends.wait(LONG)
    thread.start(second := Work("second", compute))
    assert second.wait(LONG)
    may_end.set()
    threads[0].join(background.PAUSE_SECONDS / 2)
    assert not threads[0].is_alive(), "the idle thread goes on beside the new one"
    thread.close()
    threads[1].join(LONG)

"""Calls in other processes return results, respect limits, can be stopped and never harm this process."""

import os
import threading

import numpy as np
import pandas as pd
import pytest

from pages.datasets.readers import process
from tests.pages.datasets import reading_calls as calls


@pytest.fixture(autouse=True, scope="module")
def no_process_remains():
    yield
    while process._idle:
        process._idle.pop().close()


def test_a_process_is_used_again():
    first, second = process.call(calls.process_id), process.call(calls.process_id)
    assert first == second != os.getpid()


def test_a_table_is_returned_unchanged_and_can_be_written_to():
    table = pd.DataFrame({"a": np.arange(50_000) / 7, "b": ["x", None] * 25_000, "c": pd.date_range("2020", periods=50_000)})
    result = process.call(calls.double, [table])[1]
    pd.testing.assert_frame_equal(result, table)
    result["a"].to_numpy()
    result.loc[0, "a"] = 5.0
    assert result["a"][0] == 5


def test_an_error_of_the_function_is_raised_here_and_the_process_is_kept():
    before = process.call(calls.process_id)
    with pytest.raises(ValueError, match=r"^This is not a table\.$"):
        process.call(calls.reject)
    with pytest.raises(RuntimeError, match="KeyError: 'missing'"):
        process.call(calls.fail)
    assert process.call(calls.process_id) == before


def test_a_process_that_takes_too_long_ends_and_the_next_call_works(monkeypatch):
    monkeypatch.setattr(process, "MAX_READING_SECONDS", 0.05)
    with pytest.raises(ValueError, match=r"takes more than 0.05 seconds of processor time"):
        process.call(calls.loop)
    assert process.call(calls.double, 4) == 8


def test_a_process_that_takes_too_much_memory_or_crashes_is_reported(monkeypatch):
    monkeypatch.setattr(process, "MAX_READING_BYTES", 2**29)
    assert process.call(calls.allocate, 2**27) == 2**27
    for function, arguments in ((calls.allocate, [2**29]), (calls.crash, [])):
        with pytest.raises(ValueError, match="damaged, or reading it takes too much memory"):
            process.call(function, *arguments)
    assert process.call(calls.double, 4) == 8


def test_waiting_can_be_stopped_and_ends_the_process():
    class Stop(BaseException):
        pass

    def stop(seconds):
        waits.append(seconds)
        if len(waits) == 3:
            raise Stop

    waits, pid = [], process.call(calls.process_id)
    with pytest.raises(Stop):
        process.call(calls.hold_the_lock, on_wait=stop)
    assert waits == sorted(waits)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert process.call(calls.double, 4) == 8


def test_calls_wait_for_a_free_slot(monkeypatch):
    monkeypatch.setattr(process, "SLOTS", threading.BoundedSemaphore(1))
    waits = []
    assert process.SLOTS.acquire()
    threading.Timer(0.3, process.SLOTS.release).start()
    assert process.call(calls.double, 4, on_wait=waits.append) == 8
    assert len(waits) >= 2
    assert process.SLOTS.acquire(timeout=0)  # the slot is free again
    assert not process.SLOTS.acquire(timeout=0)


def test_a_process_with_a_large_result_is_not_kept(monkeypatch):
    monkeypatch.setattr(process, "MAX_KEPT_BYTES", 100_000)
    process.call(calls.double, np.zeros(10_000))
    assert len(process._idle) == 1
    process.call(calls.double, np.zeros(20_000))
    assert not process._idle


def test_one_idle_process_is_started_in_advance_and_a_dead_one_is_replaced():
    process.start()
    process.start()
    assert len(process._idle) == 1
    process._idle[0].popen.kill()
    process._idle[0].popen.wait()
    assert process.call(calls.double, 4) == 8

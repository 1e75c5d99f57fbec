"""What is done so that memory is free again."""

import gc
import threading
import time

import pytest

from pages.ui import memory


@pytest.fixture
def collections(monkeypatch):
    """When Python was asked to collect what is in cycles, by threads that are not there yet."""
    times, others = [], threading.enumerate()  # an app that was tested in this process has a thread of its own

    class Collector:
        @staticmethod
        def collect():
            if threading.current_thread() not in others:
                times.append(time.monotonic())
            return gc.collect()

    monkeypatch.setattr(memory, "gc", Collector)
    return times


def test_some_time_after_work_is_tidied_once_and_again_after_other_work(collections, monkeypatch):
    trimmed = []
    tidying = memory.MemoryCleaner(after=0.1)
    if hasattr(tidying._libc, "malloc_trim"):
        monkeypatch.setattr(tidying, "_libc", type("Libc", (), dict(malloc_trim=trimmed.append)))
    for done in (1, 2):
        began = time.monotonic()
        tidying.soon()
        tidying.soon()
        while len(collections) < done:
            assert time.monotonic() < began + 20
            time.sleep(0.01)
        assert collections[-1] >= began + 0.1
        time.sleep(0.3)  # nothing more is done as long as nobody works
        assert len(collections) == done
    assert trimmed in ([], [0, 0])
    assert bool(trimmed) == hasattr(memory.ctypes.CDLL(None), "malloc_trim")


def test_the_thread_does_not_keep_the_server_from_ending_and_is_the_only_one():
    assert memory.memory_cleaner() is memory.memory_cleaner()
    mine = [thread for thread in threading.enumerate() if thread.name == "tidying"]
    assert mine
    assert all(thread.daemon for thread in mine)

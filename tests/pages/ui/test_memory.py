"""Memory of closed sessions is returned to the operating system."""

import gc
import importlib.util
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from pages.ui import memory
from tests.pages.app import opened


@pytest.fixture
def collections(monkeypatch):
    """The times at which a cleaner that the test starts collects garbage."""
    times, others = [], threading.enumerate()  # an app opened earlier in this process has a cleaner of its own

    class Collector:
        @staticmethod
        def collect():
            if threading.current_thread() not in others:
                times.append(time.monotonic())
            return gc.collect()

    monkeypatch.setattr(memory, "gc", Collector)
    return times


def test_memory_is_cleaned_once_after_each_burst_of_script_runs(collections, monkeypatch):
    trimmed = []
    cleaner = memory.MemoryCleaner(delay=0.1)
    if hasattr(cleaner._libc, "malloc_trim"):
        monkeypatch.setattr(cleaner, "_libc", type("Libc", (), dict(malloc_trim=trimmed.append)))
    for cleanings in (1, 2):
        began = time.monotonic()
        cleaner.schedule()
        cleaner.schedule()
        while len(collections) < cleanings:
            assert time.monotonic() < began + 20
            time.sleep(0.01)
        assert collections[-1] >= began + 0.1
        time.sleep(0.3)  # there is no second cleaning without another call
        assert len(collections) == cleanings
    assert trimmed in ([], [0, 0])
    assert bool(trimmed) == hasattr(memory.ctypes.CDLL(None), "malloc_trim")


@pytest.fixture
def started(monkeypatch):
    """The threads that the module starts, as if the process were new."""
    spec = importlib.util.spec_from_file_location(memory.__name__, memory.__file__)
    fresh = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fresh)
    threads = []

    class Thread(threading.Thread):
        def start(self):
            threads.append(self)
            super().start()

    monkeypatch.setattr(fresh, "threading", SimpleNamespace(Thread=Thread, Event=threading.Event))
    monkeypatch.setitem(sys.modules, memory.__name__, fresh)
    return threads


def test_all_sessions_share_one_cleaner_that_does_not_keep_the_server_from_exiting(started):
    opened("/data").run()
    opened("/data")
    (thread,) = started
    assert thread.daemon

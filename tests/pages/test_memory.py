"""What is done so that memory is free again."""

import gc
import threading
import time
import weakref

import pytest

from pages.shared.memory import Tidying


class Cycle:
    def __init__(self):
        self.itself = self


@pytest.fixture
def no_collections():
    gc.disable()
    yield
    gc.enable()


def gone(what: weakref.ref, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while what() is not None and time.monotonic() < end:
        time.sleep(0.01)
    return what() is None


def test_what_is_in_cycles_is_gone_soon_after_work_and_again_after_other_work(no_collections):
    tidying = Tidying(after=0.05)
    for _ in range(2):
        left = weakref.ref(Cycle())
        assert not gone(left, 0.2)  # nothing is done as long as nobody works
        tidying.soon()
        assert gone(left, 20)


def test_the_thread_does_not_keep_the_server_from_ending():
    Tidying()
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "tidying")

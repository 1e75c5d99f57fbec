"""Functions that the tests call in another process."""

import ctypes
import os
import signal

from pages.datasets.readers.limits import ReadError


def double(value):
    return 2 * value


def process_id():
    return os.getpid()


def reject():
    raise ReadError("This is not a table.")


def fail():
    raise KeyError("missing")


def loop():
    while True:
        pass


def allocate(size):
    return len(bytearray(size))


def crash():
    os.kill(os.getpid(), signal.SIGSEGV)


def hold_the_lock():
    """Never returns, and never lets Python run a signal handler."""
    ctypes.PyDLL(None).pause()

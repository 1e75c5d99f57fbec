"""Calls functions in processes of their own, with limits on time and memory.

Reading a large file holds the lock that all threads of a Python process share, so that every visitor would wait. In another
process, libraries may also run out of memory or crash. One idle process is kept, because it takes about a second to start.
"""

import contextlib
import os
import pickle
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import wait
from pathlib import Path

from pages.datasets.limits import MAX_READING_BYTES, MAX_READING_SECONDS
from pages.datasets.readers.limits import SAVE_AS, ReadError

POLL_SECONDS = 0.1
"""seconds between two calls of `on_wait`"""
IDLE_SECONDS = 600
"""seconds after which an idle process ends"""
MAX_KEPT_BYTES = 50 * 2**20
"""size of a result up to which a process is kept; others may not have returned all their memory"""
NICE = 5
"""lower priority, so that pages respond while a file is read"""
SLOTS = threading.BoundedSemaphore(os.cpu_count() or 1)
"""one for each process that works; further calls wait"""
SIZE = struct.Struct("<Q")


class Worker:
    """A process that runs one function at a time."""

    def __init__(self):
        self.socket, theirs = socket.socketpair()
        with theirs:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                cwd=Path(__file__).resolve().parents[3],
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # messages of libraries that crash
                pass_fds=[theirs.fileno()],
            )

    def call(self, function: Callable, arguments: tuple, on_wait: Callable[[], None]) -> tuple:
        """The result and the error of the function, and their size in bytes.

        Raises `ReadError` if the process exceeds a limit or crashes.
        """
        try:
            _send(self.socket, (function, arguments, MAX_READING_SECONDS, MAX_READING_BYTES))
            while not wait([self.socket], POLL_SECONDS):
                on_wait()
            return _receive(self.socket)
        except OSError:  # it has ended
            raise ReadError(_reason(self.popen.wait())) from None

    def close(self) -> None:
        """Ends the process."""
        self.socket.close()
        self.popen.kill()
        self.popen.wait()


def _reason(status: int) -> str:
    """The sentence about a process that has ended."""
    if status == -signal.SIGPROF:
        return (
            f"Reading this file takes more than {MAX_READING_SECONDS} seconds of processor time: upload fewer rows or "
            "columns, or save the table as Parquet and upload that file."
        )
    return f"This file is damaged, or reading it takes too much memory: upload fewer rows or columns, or {SAVE_AS}."


_idle: list[Worker] = []


def start() -> None:
    """Starts a process if none is idle, so that the next call need not wait for it."""
    if not _idle:
        _idle.append(Worker())


def call(function: Callable, *arguments, on_wait: Callable[[float], None] = lambda seconds: None):
    """The result of a function, called in a process of its own.

    Parameters
    ----------
    function : a function of a module; its arguments and its result are pickled
    on_wait : called about ten times per second with the seconds since the call; if it raises an exception, the process ends

    Raises
    ------
    ReadError
        If the function raises it, if it takes too much time or memory, or if the process crashes.
    """
    began = time.monotonic()

    def report():
        on_wait(time.monotonic() - began)

    while not SLOTS.acquire(timeout=POLL_SECONDS):
        report()
    process, kept = None, False
    try:
        process = _idle_process() or Worker()
        (result, error), size = process.call(function, arguments, report)
        kept = size <= MAX_KEPT_BYTES and not _idle
    finally:
        if kept:
            _idle.append(process)
        elif process is not None:
            process.close()
        SLOTS.release()
    if error is not None:
        raise error
    return result


def _idle_process() -> Worker | None:
    with contextlib.suppress(IndexError):
        while True:
            process = _idle.pop()
            if process.popen.poll() is None:
                return process
            process.close()
    return None


def _send(to: socket.socket, message) -> None:
    buffers = []
    data = pickle.dumps(message, 5, buffer_callback=buffers.append)
    parts = [memoryview(data), *(buffer.raw() for buffer in buffers)]
    to.sendall(SIZE.pack(len(parts)) + b"".join(SIZE.pack(part.nbytes) for part in parts))
    for part in parts:
        to.sendall(part)


def _receive(source: socket.socket) -> tuple:
    """A message, and its size in bytes. Raises `ConnectionError` if the other side has ended."""
    parts = []
    sizes = [SIZE.unpack(_read(source, SIZE.size))[0] for _ in range(SIZE.unpack(_read(source, SIZE.size))[0])]
    parts = [_read(source, size) for size in sizes]
    return pickle.loads(parts[0], buffers=parts[1:]), sum(sizes)


def _read(source: socket.socket, size: int) -> bytearray:
    data = bytearray(size)
    rest = memoryview(data)
    while rest:
        received = source.recv_into(rest)
        if not received:
            raise ConnectionError
        rest = rest[received:]
    return data


def _serve(requests: socket.socket) -> None:
    """Answers calls until the other side ends. The system ends a process that takes too long, whatever it does."""
    os.nice(NICE)
    with contextlib.suppress(ConnectionError):
        while True:
            signal.alarm(IDLE_SECONDS)
            (function, arguments, seconds, memory), _ = _receive(requests)
            signal.alarm(0)
            signal.setitimer(signal.ITIMER_PROF, seconds)
            resource.setrlimit(resource.RLIMIT_DATA, (memory, resource.RLIM_INFINITY))  # has no effect on macOS
            result = error = None
            try:
                result = function(*arguments)
            except ReadError as raised:
                error = raised
            except MemoryError:
                return
            except Exception:
                error = RuntimeError(traceback.format_exc())
            signal.setitimer(signal.ITIMER_PROF, 0)
            _send(requests, (result, error))
            del arguments, result


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))

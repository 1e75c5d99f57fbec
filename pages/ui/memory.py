"""Returns memory of closed sessions to the operating system."""

import ctypes
import gc
import sys
import threading
import time
from functools import cache

CLEANING_DELAY = 5.0
"""seconds between `schedule` and the cleaning"""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # from malloc.h
MEGABYTE = 2**20


class MemoryCleaner:
    """A background thread that collects garbage and trims the heap a few seconds after a call of `schedule`.

    Otherwise, memory is returned late or never: Plotly figures are in reference cycles, so they stay until Python's garbage
    collector runs, and glibc keeps freed memory.
    """

    def __init__(self, delay: float = CLEANING_DELAY):
        self._delay, self._scheduled = delay, threading.Event()
        self._libc = ctypes.CDLL(None) if sys.platform == "linux" else None
        if hasattr(self._libc, "mallopt"):  # glibc
            # Limit the number of arenas: glibc trims free memory in the middle of each, but at the end of the first one only.
            # Keep arrays of up to 8 MB in arenas, too: mapping new pages for each takes longer than computing with 100,000
            # points.
            self._libc.mallopt(M_ARENA_MAX, 2)
            self._libc.mallopt(M_MMAP_THRESHOLD, 8 * MEGABYTE)
            self._libc.mallopt(M_TRIM_THRESHOLD, 16 * MEGABYTE)
        threading.Thread(target=self._run, name="memory cleaner", daemon=True).start()

    def schedule(self) -> None:
        """Clean once after the delay. Calls during the delay have no further effect."""
        self._scheduled.set()

    def _run(self) -> None:
        while True:
            self._scheduled.wait()
            time.sleep(self._delay)
            self._scheduled.clear()
            gc.collect()
            if hasattr(self._libc, "malloc_trim"):
                self._libc.malloc_trim(0)


@cache
def memory_cleaner() -> MemoryCleaner:
    """Return the cleaner of this process.

    Call it before other threads start: the limit on arenas has no effect on those that exist already.
    """
    return MemoryCleaner()

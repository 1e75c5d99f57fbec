"""What the server does so that the memory of visitors who have gone is free again. No Streamlit."""

import ctypes
import gc
import sys
import threading
import time
from functools import cache

TIDIED_AFTER = 5.0
"""seconds after something was done"""
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # as malloc.h has them
MEGABYTE = 2**20


class MemoryCleaner:
    """A thread that some seconds after work gives back to the system what visitors left behind.

    Figures are in cycles, which wait for Python to look for them; what was freed stays with the allocator.
    """

    def __init__(self, after: float = TIDIED_AFTER):
        self._after, self._used = after, threading.Event()
        self._libc = ctypes.CDLL(None) if sys.platform == "linux" else None
        if hasattr(self._libc, "mallopt"):  # glibc
            # No more arenas than there are already: of each but the first it trims the middle, and never the end. Blocks as
            # large as the arrays of 100,000 points stay in them, because fresh pages for each take longer than the work.
            self._libc.mallopt(M_ARENA_MAX, 2)
            self._libc.mallopt(M_MMAP_THRESHOLD, 8 * MEGABYTE)
            self._libc.mallopt(M_TRIM_THRESHOLD, 16 * MEGABYTE)
        threading.Thread(target=self._run, name="tidying", daemon=True).start()

    def soon(self) -> None:
        """To be called when something was done."""
        self._used.set()

    def _run(self) -> None:
        while True:
            self._used.wait()
            time.sleep(self._after)
            self._used.clear()
            gc.collect()
            if hasattr(self._libc, "malloc_trim"):
                self._libc.malloc_trim(0)


@cache
def memory_cleaner() -> MemoryCleaner:
    """The one of this process. First to be called before there are many threads, because each makes an arena of its own."""
    return MemoryCleaner()

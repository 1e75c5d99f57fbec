"""A budget for the memory of all sessions of this process.

Large runs wait for their turn, in the order of their requests, until they fit beside the large runs that are being computed
and the results that sessions keep. Where memory is short, kept results are dropped first: those that are not shown before
those that are, the session that was used least recently before the others, and the largest result of a session first.
"""

import gc
import os
import threading
import time
import weakref
from collections import ChainMap, Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pages.datasets.formatting import pluralize
from pages.datasets.limits import MAX_MEMORY_PERCENT, MAX_STATE_VALUES, MAX_WAITLESS_BYTES
from pages.datasets.server.configuration import configured_memory, configured_processes
from pages.methods import method
from pages.methods.options import Settings
from pages.runs.cache import RecentCache

VALUE_BYTES = 8
EXPECTED_STATES = 100
"""number of states assumed when the memory of a run is estimated"""
POLL_SECONDS = 0.5
"""time between two looks at the queue"""
SMALL_RUNS = 20
"""number of runs that fit into the budget if none of them has to wait for a turn"""
UNKNOWN_MEMORY = 4 * 2**30
"""bytes of memory assumed if the operating system does not say"""


def machine_bytes() -> int:
    """Memory of this machine, or of the container or service in which this process runs."""
    try:
        limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    except (AttributeError, ValueError, OSError):
        limits = [UNKNOWN_MEMORY]
    return min([*limits, *_control_group_limits()])


def _control_group_limits(system: Path = Path("/sys/fs/cgroup"), process: Path = Path("/proc/self/cgroup")) -> Iterator[int]:
    """Memory limits of the control groups of this process (Linux, versions 1 and 2) and of the groups that contain them."""
    try:
        lines = process.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        root, name = (system, "memory.max") if not controllers else (system / "memory", "memory.limit_in_bytes")
        group = root / path.strip("/")
        for folder in (group, *group.parents):
            with suppress(OSError, ValueError):  # no such file, or "max"
                yield int((folder / name).read_text())
            if folder == root:
                break


def resident_bytes() -> int:
    """Memory in use by this process; 0 if the operating system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def estimated_bytes(data, settings: Settings, states: int = EXPECTED_STATES) -> int:
    """Approximate memory that a run and its figures need at most, in addition to the data; `states` are kept."""
    view = method(settings.method)
    values = min(states * view.values_per_state(data, settings), MAX_STATE_VALUES)
    return VALUE_BYTES * (view.working_values(data, settings) + values)


def size_text(n_bytes: float) -> str:
    """A size such as "350 MB" or "1.4 GB"."""
    gigabytes = n_bytes / 2**30
    return f"{gigabytes:.1f} GB" if gigabytes >= 1 else f"{n_bytes / 2**20:.0f} MB"


def waiting_message(ahead: int) -> str:
    """What is said while a large run waits for its turn, with this number of others ahead."""
    return f"Waiting for memory: {pluralize(ahead, 'large run')} {'is' if ahead == 1 else 'are'} ahead."


@dataclass(eq=False)
class Turn:
    """Computations of a session, one after the other, that may hold memory for large runs."""

    cache: RecentCache
    on_wait: Callable[[int], None]
    n_bytes: int = 0
    """memory that is reserved for its computations; 0 if there are no large ones"""
    kept_bytes: int = 0
    """memory that its session kept before"""


class Kept(NamedTuple):
    """A result that a session keeps."""

    session: RecentCache
    key: tuple
    parts: dict[int, int]
    """as of `large_parts`"""
    is_shown: bool


@dataclass(eq=False)
class Budget:
    """Memory that all sessions may use together, in addition to that of the app without sessions."""

    limit: int
    """bytes"""
    at_once: int
    """number of large runs that are computed at once; each uses all cores, so more would only wait for each other"""

    def __post_init__(self):
        self._lock = threading.Lock()
        self._current: ContextVar[Turn | None] = ContextVar("turn", default=None)
        self._queue: list[Turn] = []
        self._running: list[Turn] = []
        self._caches: list[weakref.ref[RecentCache]] = []
        self._without_sessions = resident_bytes()

    @property
    def large(self) -> int:
        """Bytes of a run above which it has to wait for a turn."""
        return min(MAX_WAITLESS_BYTES, self.limit // SMALL_RUNS)

    @contextmanager
    def script(self, cache: RecentCache) -> Iterator[None]:
        """Context of a script of a session, which uses results of its cache."""
        self._register(cache)
        cache.begin_script()
        completed = False
        try:
            yield
            completed = True
        finally:
            cache.end_script(completed)
            with self._lock:
                self._drop_excess()

    @contextmanager
    def turn(self, cache: RecentCache, on_wait: Callable[[int], None]) -> Iterator[None]:
        """Context of computations of a session: it keeps the memory that `reserve` reserves until the end.

        Parameters
        ----------
        on_wait : called repeatedly while a large run waits, with the number of large runs ahead, and finally with 0; it may
            raise an exception to leave the queue.
        """
        turn = Turn(cache, on_wait)
        self._register(cache)
        token = self._current.set(turn)
        try:
            yield
        finally:
            self._current.reset(token)
            self._release(turn)

    def check(self, n_bytes: int, remedy: str) -> None:
        """Raise ValueError if a computation can never fit; `remedy` says what to choose instead."""
        if n_bytes > self.limit:
            raise ValueError(
                f"This needs about {size_text(n_bytes)} of memory, but this server allows {size_text(self.limit)}: {remedy}"
            )

    def run(self, data, settings: Settings) -> AbstractContextManager:
        """Context of the computation of a run: as in `reserve`. Raises ValueError as in `check`."""
        n_bytes = estimated_bytes(data, settings)
        self.check(n_bytes, f"choose fewer points or fewer {method(settings.method).parameters_name}")
        return self.reserve(n_bytes)

    @contextmanager
    def reserve(self, n_bytes: int, on_wait: Callable[[int], None] = lambda ahead: None) -> Iterator[None]:
        """Context of a computation that needs this much memory: waits for a turn if it is large.

        Within `turn`, the memory stays reserved until the end of the turn, and later computations that need no more do not
        wait again. Elsewhere, `on_wait` is called as in `turn`.
        """
        outer = self._current.get()
        turn = outer or Turn(RecentCache(), on_wait)
        token = self._current.set(turn)  # a reservation within this one must not wait for it
        try:
            if n_bytes > self.large and not turn.n_bytes:
                self._wait(turn, n_bytes)
            elif turn.n_bytes:  # waiting while others wait for this turn to end could take forever
                turn.n_bytes = max(turn.n_bytes, n_bytes)
            yield
        finally:
            self._current.reset(token)
            if outer is None:
                self._release(turn)

    def _wait(self, turn: Turn, n_bytes: int) -> None:
        """Wait until this turn is the first in the queue and fits."""
        with self._lock:
            self._queue.append(turn)
        try:
            while True:
                with self._lock:
                    if self._queue[0] is turn and self._admits(n_bytes):
                        turn.n_bytes = n_bytes
                        turn.kept_bytes = sum(ChainMap(*turn.cache.parts().values()).values())
                        self._running.append(turn)
                        break
                    ahead = self._queue.index(turn) + len(self._running)
                turn.on_wait(ahead)
                time.sleep(POLL_SECONDS)
        finally:
            with self._lock:
                self._queue.remove(turn)
        turn.on_wait(0)

    def _admits(self, n_bytes: int) -> bool:
        """Whether there is room for a run of this size; drops results to make room."""
        if len(self._running) >= self.at_once:
            return False
        # alone, it may start even if there is not enough room: waiting would not help
        return self._make_room(n_bytes, also_shown=not self._running) or not self._running

    def _release(self, turn: Turn) -> None:
        with self._lock:
            if turn in self._running:
                self._running.remove(turn)
                self._make_room(0, also_shown=True)
            else:
                self._drop_excess()

    def _drop_excess(self) -> None:
        """Drop results if the process uses more memory than it may."""
        if resident_bytes() - self._without_sessions > self.limit:
            self._make_room(0, also_shown=True)

    def _make_room(self, n_bytes: int, also_shown: bool) -> bool:
        """Drop results until this much memory is free; returns whether it is.

        Drops what is not shown first, and what is shown only with `also_shown`. Never drops what a running script uses.
        """
        computing = [turn.cache for turn in self._running]
        kept = [
            Kept(session, key, parts, session.is_shown(key))
            for session in self._sessions()
            if not any(session is other for other in computing)
            for key, parts in session.parts().items()
        ]
        sizes = {part: size for one in kept for part, size in one.parts.items()}
        holders = Counter(part for one in kept for part in one.parts)
        reserved = sum(turn.n_bytes + turn.kept_bytes for turn in self._running)
        measured = resident_bytes() - self._without_sessions
        missing = max(sum(sizes.values()) + reserved, measured) + n_bytes - self.limit
        dropped = False
        for one in sorted(kept, key=lambda one: (one.is_shown, one.session.last_used, -sum(one.parts.values()))):
            if missing <= 0:
                break
            if one.parts and one.session.drop(one.key, also_shown):
                dropped = True
                holders.subtract(one.parts.keys())
                missing -= sum(size for part, size in one.parts.items() if not holders[part])
        if dropped:
            gc.collect()  # figures are in reference cycles
        return missing <= 0

    def _register(self, cache: RecentCache) -> None:
        with self._lock:
            if not any(one is cache for one in self._sessions()):
                self._caches.append(weakref.ref(cache))

    def _sessions(self) -> list[RecentCache]:
        """The caches of all sessions that have not ended."""
        found = [(reference, reference()) for reference in self._caches]
        self._caches = [reference for reference, one in found if one is not None]
        return [one for _, one in found if one is not None]


@cache
def budget() -> Budget:
    """The budget of this process: the operator's limit, or a share of the machine's memory."""
    processes = configured_processes()
    limit = configured_memory() or machine_bytes() * MAX_MEMORY_PERCENT // 100
    return Budget(limit // processes, max((os.cpu_count() or 1) // processes, 1))

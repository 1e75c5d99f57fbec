"""A cache of the most recent results of a session."""

import threading
import time
from collections import OrderedDict

from pages.runs.sizes import large_parts


class RecentCache(OrderedDict):
    """Keeps the most recently used results of each kind.

    Keys are tuples whose first entry is the kind. The number of results is limited by `LIMITS`, and their total number
    of values, the sum of their attributes `n_values`, by `MAX_VALUES`; the most recent result is always kept.

    One session uses a cache, but `pages.runs.budget` drops results in the threads of other sessions if memory is short.
    """

    LIMITS = {
        "report": 1,
        "run": 6,
        "figures": 2,
        "formulas": 4,  # of each run of a comparison
        "prepared": 3,
        "proximities": 1,
        "prepared proximities": 1,
        "comparison": 1,
        "restarts": 2,
        "best start": 12,
        "solution": 12,
    }
    DEFAULT_LIMIT = 2
    MAX_VALUES = 4_000_000

    def __init__(self):
        super().__init__()
        self.last_used = time.monotonic()
        self.is_running = False
        """whether a script of the session is running"""
        self.recomputed = False
        """whether a result was computed again that had been dropped; until the session says so"""
        self._script = 0  # number of the current script
        self._shown = 0  # number of the last script that was completed
        self._scripts: dict[tuple, int] = {}  # for each key the last script that used it
        self._parts: dict[tuple, dict[int, int]] = {}  # `large_parts` of results, if they are known
        self._dropped: set[tuple] = set()
        self._lock = threading.RLock()

    def get(self, key, compute):
        """Get the cached result for a key, or compute and cache it."""
        with self._lock:
            self._scripts[key] = self._script
            if key in self:
                self.move_to_end(key)
                return self[key]
        result = compute()
        with self._lock:
            self[key] = result
            self._scripts[key] = self._script
            self.recomputed |= key in self._dropped
            self._dropped.discard(key)
            same_kind = [other for other in self if other[0] == key[0]]
            n_values = 0
            for i, other in enumerate(reversed(same_kind)):
                n_values += getattr(self[other], "n_values", 0)
                if i > 0 and (i >= self.LIMITS.get(key[0], self.DEFAULT_LIMIT) or n_values > self.MAX_VALUES):
                    del self[other]
            self._forget()
        return result

    def items(self) -> list[tuple]:
        """Keys and results, the most recent last."""
        with self._lock:
            return list(super().items())

    def begin_script(self) -> None:
        """A script of the session uses results."""
        with self._lock:
            self._parts.clear()  # the script may add to results
            self.is_running, self.last_used = True, time.monotonic()

    def end_script(self, completed: bool) -> None:
        """The script has ended; if it is completed, the session shows what was used since the one before, and no more."""
        with self._lock:
            self._parts.clear()
            self.is_running, self.last_used = False, time.monotonic()
            if completed:
                self._shown = self._script
                self._script += 1

    def parts(self) -> dict[tuple, dict[int, int]]:
        """The `large_parts` of each result."""
        with self._lock:
            known = {} if self.is_running else self._parts
            self._parts = {key: known[key] if key in known else large_parts(result) for key, result in self.items()}
            return dict(self._parts)

    def is_shown(self, key: tuple) -> bool:
        """Whether the last completed script, or one that has begun since, used a result."""
        return self._scripts.get(key, -1) >= self._shown

    def drop(self, key: tuple, also_shown: bool) -> bool:
        """Drop a result because memory is short; returns whether it was dropped.

        Results that are shown are kept unless `also_shown`, and always while a script is running.
        """
        with self._lock:
            if key not in self or (self.is_shown(key) and (self.is_running or not also_shown)):
                return False
            result = self.pop(key)
            if hasattr(result, "forget"):  # something else may keep the result, but need not keep what it has cached
                result.forget()
            self._dropped.add(key)
            self._forget()
            return True

    def _forget(self) -> None:
        """Remove the notes about results that are not in the cache."""
        self._scripts = {key: script for key, script in self._scripts.items() if key in self}
        self._parts = {key: parts for key, parts in self._parts.items() if key in self}

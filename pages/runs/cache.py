"""A cache of the most recent results of a session."""

from collections import OrderedDict


class RecentCache(OrderedDict):
    """Keeps the most recently used results of each kind.

    Keys are tuples whose first entry is the kind. The number of results is limited by `LIMITS`, and their total number
    of values, the sum of their attributes `n_values`, by `MAX_VALUES`; the most recent result is always kept.
    """

    LIMITS = {
        "report": 1,
        "run": 6,
        "figures": 2,
        "prepared": 3,
        "proximities": 1,
        "comparison": 1,
        "restarts": 2,
        "solution": 12,
    }
    DEFAULT_LIMIT = 2
    MAX_VALUES = 4_000_000

    def get(self, key, compute):
        """Get the cached result for a key, or compute and cache it."""
        if key in self:
            self.move_to_end(key)
            return self[key]
        result = compute()
        self[key] = result
        same_kind = [other for other in self if other[0] == key[0]]
        n_values = 0
        for i, other in enumerate(reversed(same_kind)):
            n_values += getattr(self[other], "n_values", 0)
            if i > 0 and (i >= self.LIMITS.get(key[0], self.DEFAULT_LIMIT) or n_values > self.MAX_VALUES):
                del self[other]
        return result

"""The few things that a session made lately, by what made them."""

from collections import OrderedDict


class RecentCache(OrderedDict):
    """The last few things of each kind that a session made, by the settings that made them.

    A key is a tuple whose first entry names the kind. Of large things fewer are kept: together not more than `MAX_CELLS`
    numbers of a kind, as their attribute `cells` counts them, but always the last.
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
    MAX_CELLS = 4_000_000

    def get(self, key, make):
        """What was made for this key, or what `make()` now makes."""
        if key in self:
            self.move_to_end(key)
            return self[key]
        made = make()
        self[key] = made
        alike = [other for other in self if other[0] == key[0]]
        cells = 0
        for i, other in enumerate(reversed(alike)):
            cells += getattr(self[other], "cells", 0)
            if i > 0 and (i >= self.LIMITS.get(key[0], self.DEFAULT_LIMIT) or cells > self.MAX_CELLS):
                del self[other]
        return made

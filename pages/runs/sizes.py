"""Sizes of results in memory."""

from collections.abc import Iterable, Mapping
from types import FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import pandas as pd

MIN_BYTES = 2**20
"""size of the smallest part that counts"""
MAX_ITEMS = 10_000
"""length of a list above which its entries, which are numbers or short strings, are not looked at"""
BYTES_PER_ITEM = 64
"""approximate size of such an entry"""
OPAQUE = (bool, int, float, complex, type(None), type, FunctionType, MethodType, ModuleType)


def large_parts(result: Any) -> dict[int, int]:
    """Sizes in bytes of the arrays, tables and strings of at least `MIN_BYTES` in a result, by their identities.

    Parts that results share have the same identity.
    """
    parts: dict[int, int] = {}
    seen, waiting = set(), [result]
    while waiting:
        one = waiting.pop()
        if isinstance(one, OPAQUE) or id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, np.ndarray):
            while isinstance(one.base, np.ndarray):  # a view keeps the whole array
                one = one.base
            size = one.nbytes
        elif isinstance(one, str | bytes | bytearray):
            size = len(one)
        elif isinstance(one, pd.DataFrame | pd.Series):
            size = int(np.sum(one.memory_usage(index=True)))
        else:
            entries = _entries(one)
            if len(entries) <= MAX_ITEMS:
                waiting += entries
                continue
            size = BYTES_PER_ITEM * len(entries)
        if size >= MIN_BYTES:
            parts[id(one)] = size
    return parts


def _entries(value: Any) -> list:
    if isinstance(value, Mapping):
        return list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        return list(value)
    if isinstance(value, Iterable) and not hasattr(value, "__dict__"):
        return []
    return list(getattr(value, "__dict__", {}).values())

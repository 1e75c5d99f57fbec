"""What all tables on the server have in common, and their list."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd

from pages.datasets.server.configuration import configured_databases, configured_paths

TIMEOUT = 60
"""seconds within which a table must be described"""
LISTING_TIMEOUT = 10
"""seconds within which a database must list its tables"""
KEPT = 600
"""seconds for which a list or description is kept"""


class UnreadableTable(ValueError):
    """A table that cannot be read. The message is a sentence for visitors, without paths and addresses."""


@dataclass(frozen=True)
class ServerColumn:
    """A column of a table on the server."""

    name: str
    type: str
    """type in the file or database, for display"""
    is_number: bool
    """whether all of its values are numbers or missing, as far as this is known before they are read"""
    low: float | None = None
    """minimum; None if unknown"""
    high: float | None = None
    """maximum; None if unknown"""


@dataclass(frozen=True)
class Description:
    """What is known about a table before its rows are read."""

    columns: tuple[ServerColumn, ...]
    rows: int
    """number of rows"""
    source: str
    """a sentence that says where the number of rows and the ranges come from"""
    is_exact: bool = True
    """whether the number of rows is exact"""


class Part(Protocol):
    """A part of a table that fits into the memory of a worker. Parts are sent to workers."""

    def read(self, columns: list[str]) -> pd.DataFrame:
        """The rows of this part, as a table of these columns; raises UnreadableTable."""


class ServerTable(Protocol):
    """A table on the server. Its methods raise UnreadableTable."""

    name: str
    """name on the screen"""

    def describe(self) -> Description:
        """The columns, number of rows, and ranges."""

    def parts(self, columns: list[str]) -> list[Part]:
        """All rows in parts, always in the same order; `columns` are those that will be read."""


def numbers_of(frame: pd.DataFrame, columns: list[str], name: str) -> np.ndarray:
    """(rows, d) numbers, NaN where missing or infinite; raises UnreadableTable if a column of the table `name` has text."""
    numbers = np.empty((len(frame), len(columns)))
    for j, column in enumerate(columns):
        try:
            numbers[:, j] = frame[column].to_numpy(dtype=float, na_value=np.nan)
        except (TypeError, ValueError):
            texts = frame[column][pd.to_numeric(frame[column], errors="coerce").isna() & frame[column].notna()]
            example = f", such as “{str(texts.iloc[0])[:30]}”" if len(texts) else ""
            raise UnreadableTable(
                f"The column “{column}” of the table “{name}” has values that are not numbers{example}. Choose other columns, "
                "or ask the operator of this server to correct the table."
            ) from None
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers


_results: dict[Any, tuple[float, Future]] = {}
"""for each list or description, the time when it began to be read, and its future result"""
_lock = threading.Lock()


def kept(key: Any, compute: Callable[[], Any], seconds: float, message: str) -> Any:
    """A result that all visitors share for `KEPT` seconds.

    Raises UnreadableTable with this message if it takes longer than `seconds`; it may be available later. Errors of `compute`
    pass through.
    """
    with _lock:
        began, future = _results.get(key, (0.0, None))
        if future is None or time.monotonic() - began > KEPT:
            executor = ThreadPoolExecutor(1)
            future = executor.submit(compute)
            executor.shutdown(wait=False)
            _results[key] = time.monotonic(), future
    try:
        return future.result(seconds)
    except Exception as error:
        if future.done():
            with _lock:
                if key in _results and _results[key][1] is future:
                    del _results[key]  # the next visitor tries again
        if isinstance(error, TimeoutError):
            raise UnreadableTable(message) from None
        raise


def forget_kept() -> None:
    """Compute all results of `kept` anew."""
    with _lock:
        _results.clear()


def server_tables() -> tuple[dict[str, ServerTable], list[str]]:
    """All tables by name, and a sentence about each database that cannot be opened."""
    from pages.datasets.server.files import FileTable

    tables: dict[str, ServerTable] = {name: FileTable(name, path) for name, path in configured_paths().items()}
    problems = []
    for name, url in configured_databases().items():
        try:
            tables |= _tables_of_database(name, url)
        except UnreadableTable as error:
            problems.append(str(error))
    return tables, problems


def _tables_of_database(name: str, url: str) -> dict[str, ServerTable]:
    from pages.datasets.server.database import database_tables

    message = f"The database “{name}” did not answer within {LISTING_TIMEOUT} seconds. Try again later."
    found = kept(("tables", name, url), lambda: database_tables(name, url), LISTING_TIMEOUT, message)
    return {f"{name}: {table.table}": table for table in found}


def describe(table: ServerTable) -> Description:
    """The description of a table, from the last ten minutes; raises UnreadableTable."""
    message = f"The table “{table.name}” could not be described within {TIMEOUT} seconds. Try again later."
    return kept(("description", table), table.describe, TIMEOUT, message)

"""The operator's configuration, from environment variables; README.md describes them."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import PurePath

TABLES = "CLUSTERING_TABLES"
"""folders, files or glob patterns, one per line or separated as in `PATH`, each with an optional name: `taxi=/data/taxi`"""
DATABASES = "CLUSTERING_DATABASES"
"""SQLAlchemy URLs, separated by white space, each with an optional name: `sales=postgresql+psycopg://reader@host/sales`"""
SCHEDULER = "CLUSTERING_SCHEDULER"
"""address of a Dask scheduler; without one, a local cluster is started on first use"""
WORKER_MEMORY = "CLUSTERING_WORKER_MEMORY"
"""memory limit of each worker of the local cluster, such as "2 GiB\""""
MEMORY = "CLUSTERING_MEMORY"
"""memory that all sessions may use together, such as "8 GB\""""
PROCESSES = "CLUSTERING_PROCESSES"
"""number of processes of the app that share this memory; `.streamlit/serve.py` sets it"""

_UNITS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([KMGT]?)i?B?", re.IGNORECASE)
_NAMED = re.compile(r"([^=/\\:]+)=(.+)")


def is_configured() -> bool:
    """Whether there are tables on the server."""
    return bool(configured_paths() or configured_databases())


def configured_paths() -> dict[str, str]:
    """Folders, files and glob patterns by name; the default name is the last part of the path without wildcards."""
    text = os.environ.get(TABLES, "")
    return dict(_named(text.splitlines() if "\n" in text.strip() else text.split(os.pathsep), _path_name))


def configured_databases() -> dict[str, str]:
    """URLs of databases by name; the default name is that of the database."""
    return dict(_named(os.environ.get(DATABASES, "").split(), _database_name))


def configured_scheduler() -> str | None:
    """Address of the Dask scheduler; None for a local cluster."""
    return os.environ.get(SCHEDULER) or None


def configured_worker_memory() -> str | None:
    """Memory limit of a worker of the local cluster; None for the default."""
    return os.environ.get(WORKER_MEMORY) or None


def configured_memory() -> int | None:
    """Bytes of memory that all sessions may use together; None for the default.

    Raises
    ------
    ValueError
        If the setting is not a positive size.
    """
    text = os.environ.get(MEMORY, "").strip()
    if not text:
        return None
    match = _SIZE.fullmatch(text)
    size = int(float(match[1]) * 2 ** _UNITS[match[2].upper()]) if match else 0
    if size <= 0:
        raise ValueError(f'{MEMORY} must be a positive size such as "8 GB", got "{text}"')
    return size


def configured_processes() -> int:
    """Number of processes of the app on this server."""
    return int(os.environ.get(PROCESSES) or 1)


def _named(entries: Iterable[str], default_name) -> Iterator[tuple[str, str]]:
    names = set()
    for entry in map(str.strip, entries):
        if not entry:
            continue
        match = _NAMED.fullmatch(entry)
        name, value = match.groups() if match else (default_name(entry), entry)
        unique, number = name.strip(), 2
        while unique in names:
            unique, number = f"{name.strip()} ({number})", number + 1
        names.add(unique)
        yield unique, value.strip()


def _path_name(path: str) -> str:
    """The last part of the path that has no wildcard, without its ending."""
    parts = [part for part in PurePath(path).parts if not set(part) & set("*?[")]
    return PurePath(parts[-1]).stem if parts else "table"


def _database_name(url: str) -> str:
    return PurePath(url.partition("?")[0]).stem or "database"

"""A store of the projects of browser tabs, from which a tab gets its data and settings back after a reload or a restart.

Each tab has a random token that only it knows. The store has only the hash of the token, so neither its keys nor the names of
its files reveal a token.
"""

import contextlib
import hashlib
import hmac
import os
import re
import secrets
import shutil
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pages.datasets.readers.limits import ReadError
from pages.export.project import DESCRIPTION, Project, from_description

FOLDER = "CLUSTERING_KEPT"
"""environment variable with the folder of the store, by default a temporary one; "none" keeps projects in memory only"""
KEPT_SECONDS = 3600
"""seconds for which a project is kept after its last use"""
MAX_PROJECTS = 300
MAX_FOLDER_BYTES = 4 * 2**30
MAX_MEMORY_BYTES = 2**30
"""maximum total size of the projects if they cannot be written to the folder"""

_HASH = re.compile("[0-9a-f]{64}")


def new_token() -> str:
    """A random token of 256 bits."""
    return secrets.token_urlsafe(32)


def configured_folder() -> Path | None:
    """The folder that the operator has configured; None if projects are kept in memory only."""
    name = os.environ.get(FOLDER, "")
    if name == "none":
        return None
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(name) if name else Path(tempfile.gettempdir()) / f"clustering-kept-{user}"


class TabStore:
    """Projects by token, at most `max_projects`, for `KEPT_SECONDS` after their last use; the oldest are dropped first.

    They are files in a folder, which several processes can share and which survives a restart. A project that cannot be
    written there is kept in memory.
    """

    def __init__(
        self,
        folder: Path | None,
        *,
        max_projects: int = MAX_PROJECTS,
        max_folder_bytes: int = MAX_FOLDER_BYTES,
        max_memory_bytes: int = MAX_MEMORY_BYTES,
        clock: Callable[[], float] = time.time,
    ):
        self._folder, self._clock, self._lock = folder, clock, threading.Lock()
        self._max_projects, self._max_folder_bytes, self._max_memory_bytes = max_projects, max_folder_bytes, max_memory_bytes
        self._in_memory: dict[str, tuple[float, Project]] = {}

    def save(self, token: str, project: Project) -> None:
        """Keep the project of a tab instead of its previous one."""
        name = _hash(token)
        is_written, is_larger = False, True
        with contextlib.suppress(OSError):  # no such folder, no space left, or not permitted
            folder = self._private_folder() / name
            try:
                is_larger = self._write(folder, project)
                is_written = True
            finally:
                if not is_written:
                    shutil.rmtree(folder, ignore_errors=True)
        with self._lock:
            self._in_memory.pop(name, None)
            if not is_written:
                self._in_memory[name] = self._clock(), project
        if is_larger:
            self.drop_old()

    def load(self, token: str) -> Project | None:
        """The project of the tab with this token; None if there is none, or no longer."""
        name = _hash(token)
        self.drop_old()
        with self._lock:
            for known, (_, project) in self._in_memory.items():
                if hmac.compare_digest(known, name):
                    return project
        with contextlib.suppress(OSError, ReadError):
            folder = self._private_folder() / name
            return from_description((folder / DESCRIPTION).read_bytes(), lambda member: _read(folder, member))
        return None

    def drop_old(self) -> None:
        """Delete projects that are too old, and the oldest if there are too many or they are too large in total."""
        with self._lock:
            projects = [(used, project.size, name) for name, (used, project) in self._in_memory.items()]
            for name in self._expired_or_excess(projects, self._max_memory_bytes):
                del self._in_memory[name]
        found = []
        with contextlib.suppress(OSError):
            for folder in self._private_folder().iterdir():
                if not _HASH.fullmatch(folder.name):
                    continue
                with contextlib.suppress(OSError):  # another process has deleted it
                    description = folder / DESCRIPTION
                    used = (description if description.exists() else folder).stat().st_mtime
                    found.append((used, sum(file.stat().st_size for file in folder.iterdir()), folder))
        for folder in self._expired_or_excess(found, self._max_folder_bytes):
            shutil.rmtree(folder, ignore_errors=True)

    def _expired_or_excess(self, projects: list[tuple], max_bytes: int) -> Iterator:
        """The items to delete; `projects` has the time of the last use, the size, and the item."""
        kept = total = 0
        for used, size, name in sorted(projects, reverse=True):
            if kept >= self._max_projects or total + size > max_bytes or self._clock() - used >= KEPT_SECONDS:
                yield name
            else:
                kept, total = kept + 1, total + size

    def _private_folder(self) -> Path:
        """The folder, which only the user that runs the server can open. Raises OSError if there is none."""
        if self._folder is None:
            raise FileNotFoundError("there is no folder")
        with contextlib.suppress(FileExistsError):
            self._folder.mkdir(mode=0o700, parents=True)
        found, private = self._folder.lstat(), True
        if hasattr(os, "getuid"):
            private = found.st_uid == os.getuid() and not found.st_mode & 0o077
        if not (private and stat.S_ISDIR(found.st_mode)):
            raise PermissionError(f"{self._folder} is not a private folder")
        return self._folder

    def _write(self, folder: Path, project: Project) -> bool:
        """Write a project; return whether more than its description was written."""
        is_larger = not folder.exists()
        folder.mkdir(mode=0o700, exist_ok=True)
        members = {purpose: file.digest for purpose, file in project.files.items()}
        for file in project.files.values():
            if not (folder / file.digest).exists():
                _write_file(folder / file.digest, file.content)
                is_larger = True
        description = project.description(members)
        _write_file(folder / DESCRIPTION, description)
        now = self._clock()
        os.utime(folder / DESCRIPTION, (now, now))
        for other in folder.iterdir():
            if other.name not in (DESCRIPTION, *members.values()):
                other.unlink(missing_ok=True)
        return is_larger


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _write_file(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read; readers never see a half-written file."""
    number, temporary = tempfile.mkstemp(dir=path.parent)  # with mode 0600
    try:
        with open(number, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def _read(folder: Path, member: str) -> bytes:
    return (folder / Path(member).name).read_bytes()

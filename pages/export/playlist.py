"""A playlist: an ordered list of views of the app, each a link with a title and a sentence, as a small JSON file."""

import json
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self
from urllib.parse import parse_qs, urlencode

from pages.datasets.formatting import truncate
from pages.datasets.readers.limits import ReadError
from pages.export.project import is_address, is_page, refuse_constant

KIND = "clustering playlist"
VERSION = 1
MAX_BYTES = 2**20
MAX_STEPS = 200
MAX_TITLE, MAX_SENTENCE, MAX_LINK = 200, 1_000, 20_000
"""maximum numbers of characters"""
INVALID = "This file is not a playlist: choose one that was saved with “Save playlist” in the Playlist dialog."


@dataclass(frozen=True)
class Step:
    """One view of a playlist."""

    title: str
    link: str
    """name of a page, empty for the first one, and query parameters: "mixture?k=4" """
    sentence: str = ""
    presented: bool = True
    """whether a presentation fills the window with it, if the page can be presented"""

    @classmethod
    def of(cls, title: str, page: str, address: dict[str, list[str]]) -> Self:
        return cls(title, _link(page, address))

    @property
    def page(self) -> str:
        """Address of the page, without query parameters."""
        return self.link.partition("?")[0]

    @cached_property
    def address(self) -> dict[str, list[str]]:
        """Query parameters."""
        return parse_qs(self.link.partition("?")[2], keep_blank_values=True)


@dataclass(frozen=True)
class Playlist:
    """Views of the app in an order."""

    title: str = "Playlist"
    steps: tuple[Step, ...] = ()

    def with_step(self, index: int, **changes: Any) -> Self:
        """The playlist with one step changed."""
        return replace(self, steps=tuple(replace(one, **changes) if i == index else one for i, one in enumerate(self.steps)))

    def moved(self, index: int, to: int) -> Self:
        """The playlist with one step at another position."""
        steps = list(self.steps)
        steps.insert(to, steps.pop(index))
        return replace(self, steps=tuple(steps))

    def without(self, index: int) -> Self:
        """The playlist without one step."""
        return replace(self, steps=self.steps[:index] + self.steps[index + 1 :])

    def content(self) -> dict[str, Any]:
        """The playlist as in JSON."""
        steps = [
            dict(title=one.title, sentence=one.sentence, link=one.link) | ({} if one.presented else {"presented": False})
            for one in self.steps
        ]
        return dict(kind=KIND, version=VERSION, title=self.title, steps=steps)


def to_json(playlist: Playlist) -> bytes:
    """The playlist as a file."""
    return json.dumps(playlist.content(), ensure_ascii=False, indent=1).encode()


def from_json(content: bytes) -> Playlist:
    """The playlist in a file.

    Raises
    ------
    ValueError
        If it is not a playlist, is too large, or has a link that leads to no page of the app; the message is a sentence.
    """
    if len(content) > MAX_BYTES:
        raise ReadError(f"This file is larger than the limit of {MAX_BYTES // 2**20} MB for a playlist.")
    try:
        found = json.loads(content.decode("utf-8"), parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        raise ReadError(INVALID) from None
    return from_content(found)


def from_content(found: Any) -> Playlist:
    """The playlist as in JSON; raises ValueError as `from_json`."""
    if not isinstance(found, dict) or found.get("kind") != KIND:
        raise ReadError(INVALID)
    if type(found.get("version")) is not int or not 1 <= found["version"] <= VERSION:
        raise ReadError(
            f"This playlist has the version {truncate(str(found.get('version')))}, but only version {VERSION} can be read: "
            "open it with a newer version of the app."
        )
    steps = found.get("steps")
    if not isinstance(steps, list) or not _is_text(found.get("title"), MAX_TITLE):
        raise ReadError("This playlist is damaged: its title or its list of steps is missing or invalid.")
    if len(steps) > MAX_STEPS:
        raise ReadError(f"This playlist has {len(steps):,} steps, more than the limit of {MAX_STEPS}.")
    return Playlist(found["title"], tuple(_step(one, number) for number, one in enumerate(steps, start=1)))


def _step(found: Any, number: int) -> Step:
    texts = dict(title=MAX_TITLE, sentence=MAX_SENTENCE, link=MAX_LINK)
    if not isinstance(found, dict) or not all(_is_text(found.get(name), limit) for name, limit in texts.items()):
        raise ReadError(f"Step {number} of this playlist has no title, sentence or link, or one that is too long.")
    presented = found.get("presented", True)
    step = Step(found["title"], found["link"], found["sentence"], presented is True)
    if "#" in step.link or not is_page(step.page) or not is_address(step.address) or type(presented) is not bool:
        raise ReadError(f"Step {number} of this playlist does not lead to a page of this app.")
    return replace(step, link=_link(step.page, step.address))


def _link(page: str, address: dict[str, list[str]]) -> str:
    return f"{page}?{urlencode(address, doseq=True)}".rstrip("?")


def _is_text(text: Any, longest: int) -> bool:
    return isinstance(text, str) and len(text) <= longest and text.isprintable()

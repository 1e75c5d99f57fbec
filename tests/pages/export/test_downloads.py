"""Downloads: Streamlit does not confuse two large files that differ in one digit."""

from contextlib import AbstractContextManager, contextmanager

import numpy as np
import pytest
from streamlit.runtime.media_file_storage import MediaFileKind
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from pages.datasets.data import Data
from pages.export.downloads import mime_with_digest
from pages.figures.plots import token
from pages.methods import settings
from pages.runs.cache import RecentCache
from pages.runs.frames import frames_of
from pages.runs.run import make_run
from pages.ui import export_menu


class Nothing:
    """Any part of the page that the test does not need."""

    def __getattr__(self, name):
        return lambda *args, **options: None


class OpenMenu(AbstractContextManager):
    open = True

    def __exit__(self, *details):
        pass


@contextmanager
def container(*args, **options):
    yield


@pytest.fixture
def downloads(monkeypatch):
    """downloads(run): the downloads of a run, as {label: (content, file name, MIME type)}."""
    found = {}

    def download_button(label, data, file_name, mime, **options):
        found[label] = (data() if callable(data) else data, file_name, mime)

    page = Nothing()
    page.session_state = {}
    page.popover = lambda *args, **options: OpenMenu()
    page.container = container
    page.download_button = download_button
    page.segmented_control = lambda *args, default, **options: default
    page.button = lambda *args, **options: False
    page.empty = Nothing
    monkeypatch.setattr(export_menu, "st", page)
    monkeypatch.setattr(export_menu, "copy_link", lambda *args: None)
    monkeypatch.setattr(export_menu, "uses_own_data", lambda: True)
    monkeypatch.setattr(export_menu, "session_cache", RecentCache)
    monkeypatch.setattr(export_menu, "MAX_QUICK_VALUES", np.inf)

    def show(run):
        found.clear()
        picture = type("Picture", (), dict(meta="same"))
        monkeypatch.setattr(export_menu.offline, "animation", lambda *args: b"")
        export_menu._show_exports(run, picture, frames_of(run)[0], "")
        return dict(found)

    return show


def test_two_large_files_that_differ_in_one_digit_are_two_downloads(downloads):
    points = np.random.default_rng(0).normal(size=(60_000, 2)).round(3)
    other = points.copy()
    other[15_000, 1] += 1e-3
    runs = [
        make_run(
            Data(key=token(one.tobytes()), title="Points", columns=("x", "y"), points=one),
            settings("kmeans", k=1),
            RecentCache(),
            lambda step: None,
        )
        for one in (points, other)
    ]
    (first, *named), (second, *also) = (downloads(run)["Assignments (CSV)"] for run in runs)
    assert len(first) == len(second) > 2**20
    assert first != second

    def served(*files):
        storage = MemoryMediaFileStorage("/media")
        names = [storage.load_and_get_id(content, mime, MediaFileKind.DOWNLOADABLE, name) for content, name, mime in files]
        return [storage.get_file(name).content for name in names]

    # without the digest, Streamlit confuses the second file with the first
    assert served((first, named[0], "text/csv"), (second, also[0], "text/csv")) == [first, first]
    assert served((first, *named), (second, *also)) == [first, second]


def test_the_digest_depends_on_the_content():
    assert mime_with_digest("text/html", b"a") == mime_with_digest("text/html", b"a") != mime_with_digest("text/html", b"b")
    assert mime_with_digest("text/html", b"a").startswith("text/html; ")

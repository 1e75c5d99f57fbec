"""Downloads: everybody gets their own file, however alike two large ones are."""

from contextlib import contextmanager

import numpy as np
import pytest
from streamlit.runtime.media_file_storage import MediaFileKind
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from pages.datasets.data import Data
from pages.export.downloads import distinct_type
from pages.figures.plots import token
from pages.methods import settings
from pages.runs.cache import RecentCache
from pages.runs.frames import frames_of
from pages.runs.run import make_run
from pages.ui import export_menu


class Nothing:
    """Stands for every other part of the page."""

    def __getattr__(self, name):
        return lambda *args, **options: None


@contextmanager
def inside(*args, **options):
    yield


@pytest.fixture
def offered(monkeypatch):
    """offered(run): the downloads that are offered for a run, as {label: (content, file name, MIME type)}."""
    found = {}

    def download_button(label, data, file_name, mime, **options):
        found[label] = (data() if callable(data) else data, file_name, mime)

    page = Nothing()
    page.session_state = {}
    page.popover = page.container = inside
    page.download_button = download_button
    page.segmented_control = lambda *args, default, **options: default
    page.button = lambda *args, **options: False
    page.empty = Nothing
    monkeypatch.setattr(export_menu, "st", page)
    monkeypatch.setattr(export_menu, "copy_link", lambda *args: None)
    monkeypatch.setattr(export_menu, "uses_own_data", lambda: True)
    monkeypatch.setattr(export_menu, "session_cache", RecentCache)
    monkeypatch.setattr(export_menu, "QUICK", np.inf)

    def offer(run):
        found.clear()
        picture = type("Picture", (), dict(layout=type("Layout", (), dict(meta="same"))))
        monkeypatch.setattr(export_menu.offline, "animation", lambda *args: b"")
        export_menu.show_export_menu(run, picture, frames_of(run)[0])
        return dict(found)

    return offer


def test_two_large_files_that_differ_in_one_digit_are_two_downloads(offered):
    points = np.random.default_rng(0).normal(size=(60_000, 2)).round(3)
    other = points.copy()
    other[15_000, 1] += 1e-3
    runs = [
        make_run(
            Data(key=token(one.tobytes()), title="Mine", columns=("x", "y"), points=one),
            settings("kmeans", k=1),
            RecentCache(),
            lambda step: None,
        )
        for one in (points, other)
    ]
    (mine, *named), (theirs, *also) = (offered(run)["Assignments (CSV)"] for run in runs)
    assert len(mine) == len(theirs) > 2**20
    assert mine != theirs

    def served(*files):
        storage = MemoryMediaFileStorage("/media")
        names = [storage.load_and_get_id(content, mime, MediaFileKind.DOWNLOADABLE, name) for content, name, mime in files]
        return [storage.get_file(name).content for name in names]

    # without the digest Streamlit takes the second file for the first
    assert served((mine, named[0], "text/csv"), (theirs, also[0], "text/csv")) == [mine, mine]
    assert served((mine, *named), (theirs, *also)) == [mine, theirs]


def test_the_digest_is_that_of_the_content():
    assert distinct_type("text/html", b"a") == distinct_type("text/html", b"a") != distinct_type("text/html", b"b")
    assert distinct_type("text/html", b"a").startswith("text/html; ")

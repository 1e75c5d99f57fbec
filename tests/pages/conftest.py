"""Shared by the tests of pages: `AppTest` can open any page first, as a link does, and opens it quickly."""

from functools import cache, cached_property
from pathlib import Path
from unittest.mock import MagicMock

import pytest
from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.testing.v1 import AppTest, app_test, local_script_runner
from streamlit.util import calc_hash

from pages.breaking_points import study
from pages.choose_k import sweep, verdict
from pages.export import report
from pages.figures.plots import Figure
from pages.grid import study as grid
from pages.mixture import density
from pages.runs import pictures
from pages.ui import progress, random_starts
from pages.ui.memory import memory_cleaner
from tests.pages.reading import plain_frames


@pytest.fixture(autouse=True, scope="session")
def _pages_by_address():
    """`AppTest` identifies a page by its file name until the app has run once; here each page is identified by its folder."""

    def resolve(app, path: str) -> str:
        folder = Path(path).parent.name
        return calc_hash("" if folder == "watch" else folder)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AppTest, "_resolve_page_hash", resolve)
        yield


@pytest.fixture(autouse=True, scope="session")
def _one_server():
    """Sessions share whatever they would share on a server, and nothing runs in the background.

    Otherwise `AppTest` would, for every app, search all installed packages for components (50 ms; the app uses none of them),
    compile the scripts and imitate a server in every run, and poll for the end of a run a thousand times per second. The
    memory cleaner of the app would collect garbage every five seconds.
    """
    scripts = ScriptCache()

    def wait(runner, timeout: float = 3) -> None:
        runner._script_thread.join(timeout)
        poll(runner, 1 if runner.script_stopped() else 0)

    poll = local_script_runner.require_widgets_deltas
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BidiComponentManager, "discover_and_register_components", lambda manager, **options: None)
        for module in (app_test, local_script_runner):
            patch.setattr(module, "ScriptCache", lambda: scripts)
        patch.setattr(local_script_runner, "require_widgets_deltas", wait)
        patch.setattr(app_test, "MagicMock", cache(MagicMock))
        patch.setattr(memory_cleaner(), "schedule", lambda: None)
        yield


@pytest.fixture(autouse=True, scope="session")
def _jobs_are_awaited():
    """A page waits until its jobs are finished."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(progress, "WAIT", 60)
        yield


@pytest.fixture(autouse=True, scope="session")
def _few_random_starts():
    """Pages compare a run with few other random starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(random_starts, "BEST_OF", 3)
        patch.setattr(random_starts, "MANY_STARTS", 40)
        yield


@pytest.fixture(autouse=True, scope="session")
def _plain_frames():
    """Plotly validates one frame of each kind."""
    frames = cached_property(plain_frames)
    frames.__set_name__(Figure, "frames")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "frames", frames)
        yield


@pytest.fixture(autouse=True, scope="session")
def _small_images():
    """Images of regions and densities, and the plots in reports, have a fraction of their pixels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "GRID", (32, 48))
        patch.setattr(density, "GRID", (46, 60))
        patch.setattr(report, "PLOT_SIZE", (120, 85))
        yield


@pytest.fixture
def few_resamples(monkeypatch):
    """As few reference data sets and subsamples as the criteria allow, one start for each run of the grid, and scores that are
    not computed on the Breaking points page, where they do not matter."""
    monkeypatch.setattr(study.Study, "outcome", lambda self, case, on_step: study.Outcome(1.0))
    monkeypatch.setattr(grid, "BEST_OF", 1)
    monkeypatch.setattr(sweep, "REFERENCE_SETS", verdict.MIN_REFERENCE_SETS)
    monkeypatch.setattr(verdict, "REFERENCE_SETS", verdict.MIN_REFERENCE_SETS)
    monkeypatch.setattr(sweep, "RESAMPLED_SETS", 1)
    monkeypatch.setattr(verdict, "RESAMPLED_SETS", 1)
    monkeypatch.setattr(sweep, "SUBSAMPLE_PAIRS", 3)
    monkeypatch.setattr(sweep, "REFERENCE_PAIRS", 1)

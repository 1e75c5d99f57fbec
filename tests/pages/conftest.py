"""Shared by the tests of pages: an `AppTest` that can open any page first, as a link does, and that opens it quickly."""

from pathlib import Path

import pytest
from streamlit.components.v2.component_manager import BidiComponentManager
from streamlit.runtime.scriptrunner.script_cache import ScriptCache
from streamlit.testing.v1 import AppTest, app_test, local_script_runner
from streamlit.util import calc_hash


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
    """As on a server, scripts are compiled once, and installed packages are not searched for components in each session.

    `AppTest` would search for every app (50 ms; this app uses no components of other packages) and compile for every run.
    """
    scripts = ScriptCache()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BidiComponentManager, "discover_and_register_components", lambda manager, **options: None)
        for module in (app_test, local_script_runner):
            patch.setattr(module, "ScriptCache", lambda: scripts)
        yield

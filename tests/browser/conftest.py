"""One server and one browser tab for all tests. Without Chromium they are skipped, unless BROWSER_TESTS=required."""

import os

import pytest

from tests.browser.launch import CHROMIUM, FLAGS, serve

WINDOW = dict(width=1400, height=1000)
# Pages are opened often and used briefly: optimizing their scripts and collecting garbage early takes longer than it saves.
BRIEF_PAGES = "--js-flags=--no-opt --no-maglev --initial-heap-size=512 --min-semi-space-size=64"
FAILED = pytest.StashKey[bool]()


def pytest_collection_modifyitems(items):
    if CHROMIUM is None and os.environ.get("BROWSER_TESTS") != "required":
        for item in items:
            if "browser" in item.path.parts:
                item.add_marker(pytest.mark.skip(reason="Chromium is not on the PATH"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if report.failed:
        item.session.stash[FAILED] = True
    return report


@pytest.fixture(scope="session")
def new_server():
    """A server that nobody has visited before test_a_new_server.py, which runs first."""
    with serve() as address:
        yield address


@pytest.fixture(scope="session")
def server(new_server, tabs):
    """A server that has had a visitor: a new one does not know its pages yet, and says so on the console."""
    if not tabs[0].url.startswith(new_server):
        tabs[0].goto(new_server)
        tabs[0].get_by_role("heading", name="Clustering, step by step").wait_for(timeout=60_000)
    return new_server


@pytest.fixture(scope="session")
def chromium():
    assert CHROMIUM, "these tests need Chromium: install it, or unset BROWSER_TESTS to skip them"
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, BRIEF_PAGES])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def context(chromium):
    """A browser profile, which keeps what it has loaded and compiled.

    Reduced motion turns off the transitions of Streamlit's own elements, but not the animations of the app.
    """
    context = chromium.new_context(viewport=WINDOW, reduced_motion="reduce")
    context.set_default_timeout(30_000)
    yield context
    context.close()


def new_tab(context):
    """Opens a tab in which no page finds anything that an earlier one has stored."""
    tab = context.new_page()
    tab.add_init_script("try { localStorage.clear(); sessionStorage.clear() } catch {}")
    return tab


@pytest.fixture(scope="session")
def tabs(context):
    """The tab that all tests use: the app loads three times as fast as in a new one, whose scripts are not compiled yet."""
    return [new_tab(context)]


@pytest.fixture
def page(context, tabs, request):
    """The tab, as the previous test left it. Errors on its console fail the test."""
    if request.session.stash.get(FAILED, False):
        request.session.stash[FAILED] = False
        tabs.pop().close()
        tabs.append(new_tab(context))
    [page] = tabs
    page.set_viewport_size(WINDOW)
    page.emulate_media(media="null", color_scheme="light")
    errors = []

    def note_exception(error):
        errors.append(str(error))

    def note_message(message):
        # on a deep link Streamlit first looks for its own service below the path of the page
        if message.type == "error" and "/_stcore/" not in message.location.get("url", ""):
            errors.append(message.text)

    page.on("pageerror", note_exception)
    page.on("console", note_message)
    yield page
    page.remove_listener("pageerror", note_exception)
    page.remove_listener("console", note_message)
    assert errors == []

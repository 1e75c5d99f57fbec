"""A lost connection to the server: the page says so, cannot be used meanwhile, and is the same afterwards."""

import pytest

from tests.browser.waiting import LOSS, PLOT, wait_for_charts

pytestmark = pytest.mark.browser

USABLE = """() => [...document.querySelectorAll('[data-testid=stSidebarNav] a, .stMain .stTextInput input, .stMain ' +
    ':is(.stButton button, .stDownloadButton button, .stPageLink a, .js-plotly-plot, .stNumberInput input)')].filter(
    e => e.checkVisibility() && !e.disabled && !(getComputedStyle(e).pointerEvents === 'none' && e.closest('[inert]'))
).map(e => e.ariaLabel || e.innerText || e.className)"""
"""JavaScript: names of what can be clicked or changed, or has the keyboard focus"""


class Line:
    """The connections of a page to the server."""

    def __init__(self, page):
        self.is_cut, self.sockets = False, []
        page.route_web_socket("**/_stcore/stream", self.connect)

    def connect(self, socket):
        if self.is_cut:
            socket.close()
        else:
            socket.connect_to_server()
            self.sockets.append(socket)

    def cut(self):
        self.is_cut = True
        for socket in self.sockets:
            socket.close()


@pytest.fixture
def page(context):
    """A tab of its own, which is allowed to lose its connection."""
    page = context.new_page()
    yield page
    page.close()


def test_a_page_without_a_connection_says_so_and_cannot_be_used_until_it_is_back(page, server):
    line = Line(page)
    page.goto(f"{server}/?n=50&k=4&seed=9")
    wait_for_charts(page, PLOT, LOSS)
    message = page.get_by_role("status").get_by_text("The connection to the server is lost. Reconnecting …")
    assert message.count() == 0
    line.cut()
    message.wait_for()
    assert page.evaluate(USABLE) == []
    page.get_by_test_id("stSidebarNav").get_by_text("Report").dispatch_event("click")
    assert page.url.startswith(f"{server}/?")
    line.is_cut = False
    message.wait_for(state="detached")
    wait_for_charts(page, PLOT, LOSS)
    assert page.get_by_label("Random seed", exact=True).input_value() == "9"
    assert page.get_by_label("Clusters (K)").input_value() == "4"
    assert page.evaluate(USABLE)
    page.evaluate("window.wasLoaded = true")  # not any more after the page was loaded again
    page.get_by_test_id("stApp").evaluate("app => { app.dataset.testConnectionState = 'DISCONNECTED_FOREVER' }")
    page.wait_for_function("!window.wasLoaded")
    wait_for_charts(page, PLOT, LOSS)
    assert page.get_by_label("Random seed", exact=True).input_value() == "9"

"""The app behind nginx, whose content security policy allows it to load only what it needs."""

import pytest

from tests.browser.waiting import LOSS, PLOT, visit, wait_for_charts
from tests.load.server import NGINX, Server

pytestmark = [pytest.mark.browser, pytest.mark.skipif(NGINX is None, reason="nginx is not installed")]


def test_the_app_works_under_the_content_policy_of_the_proxy(page):
    server = Server(1)
    try:
        server.wait()
        page.add_init_script(
            "window.blocked = []; addEventListener('securitypolicyviolation', event => window.blocked.push(event.blockedURI))"
        )
        response = page.goto(f"{server.address}/?n=2000")  # points are an image
        assert "script-src" in response.headers["content-security-policy"]
        wait_for_charts(page, PLOT, LOSS)
        assert page.evaluate("blocked") == []
        visit(page, f"{server.address}/segments?n=50&segments_section=Plots")
        page.locator(".js-plotly-plot .main-svg").nth(3).wait_for()
        assert page.evaluate("blocked") == []
    finally:
        server.stop()

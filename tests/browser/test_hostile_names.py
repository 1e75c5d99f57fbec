"""Hostile names in a browser: no script runs, no request leaves the server, and names are shown as they are."""

import re

import pytest

from tests import hostile
from tests.browser.waiting import LOSS, PLOT, choose, idle, open_page, wait_for_charts

pytestmark = pytest.mark.browser

DISTRIBUTION = "[class*=st-key-segments_distribution] .js-plotly-plot"


def test_no_script_runs_and_no_request_leaves_the_server(page, server):
    requests = []
    page.on("request", note := lambda request: requests.append(request.url))
    edits = f'[["rename",[0],[],"{hostile.IMAGE}"]]'
    page.goto(f"{server}/segments?n=50&edits={edits}")
    page.get_by_text(f"● {hostile.IMAGE}", exact=True).wait_for()
    idle(page)
    open_page(page, "Data")
    idle(page)
    page.get_by_test_id("stMainBlockContainer").get_by_role("radio", name="Upload").click()
    page.get_by_text("No new data yet.").wait_for()
    rows = [[row[j] for j in (0, 2, 3, 7, 9, 10, -2, -1)] for row in hostile.table()]
    file = dict(name=f"{hostile.IMAGE}.csv", mimeType="text/csv", buffer=hostile.csv_text(rows).encode())
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_text(re.compile(f"{hostile.N} points, ")).first.wait_for()
    open_page(page, "Watch", "Clustering, step by step")
    wait_for_charts(page, PLOT, LOSS)
    choose(page, "X axis", "%{x}")
    page.locator(f"{PLOT} .xtitle").get_by_text("%{x} 100%{evil}").wait_for()
    page.locator(f"{PLOT} .ytitle").get_by_text(hostile.IMAGE).wait_for()
    open_page(page, "Segments")
    idle(page)
    page.get_by_role("radio", name="Plots").click()
    idle(page)
    choose(page, "Column", hostile.CATEGORIES)
    page.wait_for_function(  # "constructor" is a category, although every object has a property of this name
        """chart => document.querySelector(chart)?._fullLayout?.xaxis._categories?.length === 3
            && document.querySelector(chart).calcdata.flat().every(bar => Number.isFinite(bar.p))""",
        arg=DISTRIBUTION,
    )
    open_page(page, "Report")
    idle(page)
    page.remove_listener("request", note)
    assert page.evaluate("window.hacked") is None
    assert [url for url in requests if not url.startswith((server, "data:", "blob:"))] == []

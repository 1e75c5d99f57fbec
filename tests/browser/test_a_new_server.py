"""The first visit to a server, by a link. Its name makes this file the first, while nobody has visited the server."""

import pytest

from tests.browser.waiting import FITS, visit

pytestmark = pytest.mark.browser


def test_the_first_visitor_can_open_a_link_to_another_page_than_the_first(new_server, tabs):
    [page] = tabs  # not the fixture `page`: Streamlit reports on the console that it does not know the page yet
    assert page.url == "about:blank", "the server is not new: run this test first"
    charts = [f".st-key-race_{name} .js-plotly-plot" for name in (0, 1, "loss_0")]
    visit(page, f"{new_server}/compare?n=50&k=4&panels=2", *charts)
    page.get_by_role("dialog").wait_for(state="detached")
    assert page.get_by_role("heading", name="Compare", level=1).is_visible()
    menu = [text.split("\n")[-1] for text in page.get_by_test_id("stSidebarNavLink").all_inner_texts()]
    explore = ["Watch", "Segments", "Hierarchical", "Density", "Gaussian mixture", "Embedding", "Data", "Report"]
    assert menu == [*explore, "Compare", "Grid", "Breaking points", "Restarts", "Choose K", "Failures"]
    assert page.get_by_label("Clusters (K)").first.input_value() == "4"
    for chart in charts[:2]:
        assert page.evaluate("chart => document.querySelector(chart)._fullData.at(-1).x.length", chart) == 4
    # two plots in a narrow window
    page.set_viewport_size(dict(width=420, height=900))
    page.wait_for_function("chart => document.querySelector(chart).clientWidth <= 420", arg=charts[1])
    page.wait_for_function(FITS)
    for chart in charts:
        box = page.locator(chart).bounding_box()
        assert box["x"] >= 0
        assert 250 < box["width"] <= 420

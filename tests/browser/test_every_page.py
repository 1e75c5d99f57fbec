"""What holds on every page: accessibility, downloads, and that it fits a narrow window. The report is also printed."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.browser.waiting import FITS, LOSS, PLOT, leave_unchanged, visit, wait_for_charts

pytestmark = pytest.mark.browser

REPORT = "report?n=50"
PAGES = {
    REPORT: [],
    "?n=50": [PLOT, LOSS],
    "segments?n=50": [],
    "segments?n=50&segments_section=Plots": [],
    "hierarchy?n=50": [f".st-key-{key} .js-plotly-plot" for key in ("picture", "tree", "heights")],
    "density?n=50": [PLOT, LOSS, ".st-key-tree .js-plotly-plot"],
    "density?n=50&density_method=OPTICS": [PLOT, LOSS, ".st-key-tree .js-plotly-plot"],
    "density?n=50&density_method=HDBSCAN": [PLOT, LOSS, ".st-key-tree .js-plotly-plot"],
    "mixture?n=50&start_mixture=K-means": [PLOT, LOSS, ".st-key-triangle .js-plotly-plot"],
    "embedding?grammar_n=150&skipgram_dimension=2": [PLOT, LOSS, ".st-key-neighbors .js-plotly-plot"],
    "data?n=50": [],
    "compare?n=50&panels=4": [f".st-key-race_{name} .js-plotly-plot" for name in (0, 1, 2, 3, "loss_0", "loss_3")],
    "restarts?n=50&runs=10": [],
    "choose_k?n=50&k_up_to=3": [],
    "choose_k?n=50&algorithm=DBSCAN": [],
    "grid?grid_n=100&grid_methods=K-means&grid_methods=K-medoids": [],
    "breaking_points?breaking_n=100&repeats=3&breaking_methods=K-means": [],
    "failures": [],
}
"""addresses, and the animated charts of each"""
VARIANTS = ("segments_section=Plots", "density_method=OPTICS", "density_method=HDBSCAN", "algorithm=DBSCAN")
"""ends of the addresses that show other methods or sections of the same pages"""
STATIC_CHARTS = {
    "restarts?n=50&runs=10": ["[class*=st-key-histogram] .js-plotly-plot", "[class*=st-key-curves] .js-plotly-plot"],
}


SAVED = """() => {
    const all = (selector, within) => [...(within ?? document).querySelectorAll(selector)];
    return all('.stHtml .scroll').length === all('button.save').length
        && all('[data-testid=stPlotlyChart]').every(chart => all('.save button', chart).length === 2);
}"""
"""JavaScript: whether all tables and figures have buttons that save them"""


def violations(page, *rules):
    """Serious findings of axe, by all rules if none are named."""
    options = dict(resultTypes=["violations"]) | (dict(runOnly=list(rules)) if rules else {})
    return [
        (violation["id"], violation["impact"], [node["html"][:200] for node in violation["nodes"][:3]])
        for violation in page.evaluate("options => axe.run(document, options)", options)["violations"]
        if violation["impact"] in ("serious", "critical")
    ]


@pytest.fixture(scope="module")
def axe():
    [folder] = find_spec("axe_playwright_python").submodule_search_locations
    return (Path(folder) / "axe.min.js").read_text(encoding="utf-8")


def test_the_report_is_printed_on_white_without_the_sidebar(page, server):
    page.emulate_media(color_scheme="dark")
    visit(page, f"{server}/{REPORT}")
    page.locator(".report img").nth(3).wait_for()
    page.emulate_media(media="print")
    assert not page.locator("[data-testid=stSidebar]").is_visible()
    assert not page.get_by_role("button", name="Print").is_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.report')).backgroundColor") == "rgb(255, 255, 255)"
    # no element that scrolls on the screen cuts it off
    assert page.evaluate(
        """() => {
            const report = document.querySelector('.report');
            for (let at = report; at !== document.documentElement; at = at.parentElement)
                if (at.scrollHeight > at.clientHeight + 1 && getComputedStyle(at).overflowY !== 'visible') return false;
            return true;
        }"""
    )
    leave_unchanged(page, f"{server}/{REPORT}")


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_the_report_of_five_segments_is_printed_on_two_pages(page, server, paper):
    visit(page, f"{server}/report?n=50&k=5")
    page.locator(".report img").nth(3).wait_for()
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format=paper, prefer_css_page_size=True))) == 2
    leave_unchanged(page, f"{server}/report?n=50&k=5")


@pytest.mark.parametrize(
    "path", [pytest.param(path, marks=pytest.mark.one_in(4) if path.endswith(VARIANTS) else ()) for path in PAGES]
)
def test_axe_finds_nothing_serious_in_light_or_dark_and_the_page_fits_a_narrow_window(page, server, axe, path):
    visit(page, f"{server}/{path}", *PAGES[path])
    page.wait_for_function(
        """() => document.querySelector('[data-testid=stSidebarNavItems][role=presentation]')
            && document.querySelector('.js-plotly-plot .main-svg, .report, .st-key-gallery img, .st-key-segment_card_0'
                + ', .st-key-grid img')"""
    )
    if "mixture" in path:
        page.get_by_text("Show formulas").click()
        page.locator(".formulas math").nth(2).wait_for()
        wait_for_charts(page, *PAGES[path])
    page.wait_for_function(SAVED)
    page.evaluate(axe)
    assert violations(page) == []

    background = "getComputedStyle(document.querySelector('.stApp')).backgroundColor"
    light = page.evaluate(background)
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(f"light => {background} !== light", arg=light)
    assert violations(page, "color-contrast", "link-in-text-block") == []  # what depends on colors

    page.set_viewport_size(dict(width=420, height=900))
    charts = PAGES[path] + STATIC_CHARTS.get(path, [])
    page.wait_for_function(
        """charts => charts.every(chart => document.querySelector(chart).clientWidth <= 420)""",
        arg=charts,
    )
    page.wait_for_function(FITS)
    height = "document.querySelector('[data-testid=stMain]').scrollHeight"
    assert page.evaluate(height) < 4_000
    for chart in charts:
        box = page.locator(chart).bounding_box()
        assert box["x"] >= 0
        assert 250 < box["width"] <= 420
    for name in ("Play", "One step back", "One step forward"):
        for button in page.get_by_role("button", name=name, exact=True).all():
            box = button.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 420
    if "choose_k" in path:  # in one row, so that the page stays short however many K there are
        columns = "[...document.querySelectorAll('.st-key-best_runs [data-testid=stColumn]')]"
        assert len(set(page.evaluate(f"{columns}.map(one => one.getBoundingClientRect().top)"))) == 1
    if "hierarchy" in path:
        tree = page.locator(".st-key-tree .js-plotly-plot").bounding_box()
        cut = page.get_by_role("slider", name="Height of the cut").bounding_box()
        assert tree["x"] < cut["x"] < cut["x"] + cut["width"] < tree["x"] + tree["width"]
    page.goto(f"{server}/_stcore/health")  # the next test makes the window wide again: there is nothing to draw then

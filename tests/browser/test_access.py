"""Every page for those who do not see it, or use no mouse."""

from pathlib import Path

import axe_playwright_python
import pytest

pytestmark = pytest.mark.browser
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
PAGES = [
    "",
    "hierarchy",
    "mixture",
    "data",
    "report",
    "compare",
    "restarts?runs=10&k=3",
    "choose_k?n=100&k_up_to=3",
    "failures",
]


def settled(page):
    page.locator("h1").wait_for()
    page.wait_for_function(
        """() => !document.querySelector('[data-testid=stStatusWidget]')
            && document.querySelector('[data-testid=stSidebarNavItems][role=presentation]')
            && document.querySelector('.js-plotly-plot, .report, .st-key-gallery img')"""
    )


def violations(page):
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        (one["id"], one["impact"], [node["html"][:200] for node in one["nodes"][:3]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_serious_in_light_or_dark(page, server, path):
    page.goto(f"{server}/{path}")
    settled(page)
    page.evaluate(AXE)
    assert violations(page) == []
    light = page.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("light => getComputedStyle(document.querySelector('.stApp')).backgroundColor !== light", arg=light)
    settled(page)
    assert violations(page) == []


def test_the_alternative_text_of_the_plot_changes_in_every_frame(page, server):
    page.goto(f"{server}/?n=100")
    page.locator(".sentence", has_text="Converged").wait_for()
    plot = page.locator(".st-key-picture [data-testid=stPlotlyChart]")
    texts = []
    for _ in range(3):
        texts.append(plot.get_attribute("aria-label"))
        assert page.locator(".sentence").inner_text() in texts[-1]
        page.keyboard.press("ArrowLeft")
    assert len(set(texts)) == 3
    assert "Scatter plot of 100 points of Three Gaussians in 3 clusters." in texts[0]
    assert "center at " in texts[0].split("Cluster 1: ")[1]

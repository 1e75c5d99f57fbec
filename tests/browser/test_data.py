"""Drawn and pasted data, and manual initial centers, in a browser."""

import re

import numpy as np
import pytest

from tests.browser.waiting import PLOT, enter, idle, open_page

pytestmark = pytest.mark.browser


def open_upload(page, server):
    page.goto(f"{server}/data?n=50")
    page.get_by_test_id("stMainBlockContainer").get_by_role("radio", name="Upload").click()
    page.get_by_text("No new data yet. “Three Gaussians” is still in use.").wait_for()
    idle(page)


def open_watch(page):
    page.get_by_role("link", name="Cluster these data").click()
    page.get_by_role("heading", name="Clustering, step by step").wait_for()
    page.get_by_role("button", name="Play", exact=True).wait_for()
    idle(page)


def test_drawn_points_are_clustered_and_kept_when_the_page_is_opened_again(page, server):
    open_upload(page, server)
    page.get_by_role("radio", name="Draw").click()
    plane = page.locator(".plane canvas").first
    plane.wait_for()
    box = plane.bounding_box()
    for x, y in [(0.25, 0.3), (0.27, 0.33), (0.24, 0.36), (0.7, 0.7), (0.72, 0.66), (0.74, 0.7)]:
        plane.click(position=dict(x=x * box["width"], y=y * box["height"]))
    page.get_by_text("Drawn points: 6 points, 2 columns.").wait_for()
    idle(page)
    open_watch(page)
    enter(page, "Clusters (K)", "2")
    page.locator(".table tbody tr").nth(1).wait_for()
    page.wait_for_function("() => document.querySelectorAll('.table tbody tr').length === 2")
    assert page.locator(".table tbody tr td:nth-child(2)").all_inner_texts() == ["3", "3"]
    open_page(page, "Data")
    page.get_by_text("Drawn points: 6 points, 2 columns.").wait_for()


def test_initial_centers_can_be_dragged_and_the_run_starts_there(page, server):
    page.goto(server + "/?n=50&start_kmeans=Manual")
    idle(page)
    page.get_by_role("button", name=re.compile("^Center 3 at")).wait_for()
    before = initial_centers(page)
    badge = page.get_by_role("button", name=re.compile("^Center 3 at"))
    box = badge.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 30, y + 25, steps=4)
    page.mouse.up()
    page.wait_for_function(
        f"([chart, old]) => ({STARTS})(chart)?.[2][0] > old + 0.2",
        arg=[PLOT, before[2][0]],
    )
    idle(page)
    after = initial_centers(page)
    np.testing.assert_allclose(after[:2], before[:2], atol=0.02)
    assert after[2][0] > before[2][0] + 0.2
    assert after[2][1] < before[2][1] - 0.2
    # adding a center does not move the others
    enter(page, "Clusters (K)", "4")
    page.wait_for_function(f"chart => ({STARTS})(chart)?.length === 4", arg=PLOT)
    np.testing.assert_allclose(initial_centers(page)[:3], after, atol=0.02)


STARTS = """chart => {
    const frame = document.querySelector(chart)?._transitionData?._frameHash?.['0'];
    const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer;
    const read = ({ dtype, bdata }) => Array.from(new { f4: Float32Array, f8: Float64Array }[dtype](bytes(bdata)));
    const [x, y] = frame ? [read(frame.data.at(-1).x), read(frame.data.at(-1).y)] : [];
    return x?.map((_, i) => [x[i], y[i]]);
}"""
"""JavaScript: the centers in the first frame of the plot"""


def initial_centers(page):
    page.wait_for_function(STARTS, arg=PLOT)
    return np.array(page.evaluate(STARTS, PLOT))


def tab_to(page, name):
    """Presses the tab key until the control with this name has the focus."""
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.append(
            page.evaluate(
                """() => { const e = document.activeElement;
                    return (e.getAttribute('aria-label') || e.labels?.[0]?.innerText || e.innerText || e.tagName).trim(); }"""
            )
        )
        if seen[-1].endswith(name):
            return
    raise AssertionError(f"{name!r} is not among {seen}")


def test_a_table_is_pasted_and_clustered_without_a_mouse(page, server):
    page.goto(f"{server}/?n=50")
    idle(page)
    tab_to(page, "Data")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Data", level=1).wait_for()
    idle(page)
    tab_to(page, "Simulated")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.get_by_text("No new data yet. “Three Gaussians” is still in use.").wait_for()
    idle(page)
    tab_to(page, "File")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.get_by_label("Table as text").wait_for()
    idle(page)
    tab_to(page, "Table as text, one line per row")
    page.keyboard.type("a,b\n1,2\n2,1\n8,9\n9,8\n")
    page.keyboard.press("Control+Enter")
    page.get_by_text("Pasted text: 4 points, 2 columns.").wait_for()
    idle(page)
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll('main input, main select, main textarea, main button')].filter(e =>
            e.checkVisibility({ visibilityProperty: true }) && !(e.getAttribute('aria-label')
            || e.getAttribute('aria-labelledby') || e.labels?.length || e.innerText.trim() || e.title)
            ).map(e => e.outerHTML.slice(0, 160))"""
    )
    assert unnamed == []
    tab_to(page, "Cluster these data")
    page.keyboard.press("Enter")
    page.locator(".table tbody tr").nth(2).wait_for()
    assert page.locator(".table tbody tr").count() == 3

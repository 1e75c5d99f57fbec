"""The Segments page in a browser."""

import re

import numpy as np
import pytest

from pages.datasets import catalog
from pages.figures.plots import MAX_MARKERS
from tests.browser.waiting import ENDED, idle

pytestmark = pytest.mark.browser

POINTS = "[class*=st-key-segments_points] .js-plotly-plot"
HEAT = "[class*=st-key-segments_heat] .js-plotly-plot"


def visit_pictures(page, server, n: int) -> None:
    page.goto(f"{server}/segments?segments_section=Plots&n={n}")
    wait_for_chart(page, POINTS)


def wait_for_chart(page, chart) -> None:
    page.wait_for_function(f"chart => {ENDED} && document.querySelector(chart)?._fullData?.length", arg=chart)
    idle(page)


def place(page, chart, x: float, y: float) -> tuple[float, float]:
    """Position on the screen of a point of a chart."""
    page.locator(chart).scroll_into_view_if_needed()
    return page.evaluate(
        """([chart, x, y]) => {
            const graph = document.querySelector(chart), box = graph.getBoundingClientRect();
            const { xaxis, yaxis } = graph._fullLayout;
            return [box.x + xaxis._offset + xaxis.l2p(x), box.y + yaxis._offset + yaxis.l2p(y)];
        }""",
        [chart, x, y],
    )


def drag_box(page, left: float, right: float, bottom: float, top: float) -> None:
    page.mouse.move(*place(page, POINTS, left, top))
    page.mouse.down()
    page.mouse.move(*place(page, POINTS, (left + right) / 2, bottom), steps=2)
    page.mouse.move(*place(page, POINTS, right, bottom), steps=2)
    page.mouse.up()


@pytest.mark.one_in(2)
@pytest.mark.parametrize("n", [200, 2 * MAX_MARKERS + 1_000])
def test_a_box_selects_all_points_inside_it_and_they_become_a_segment(page, server, n):
    visit_pictures(page, server, n)
    drag_box(page, -7.0, -4.0, -2.0, 0.5)
    points = catalog.draw_sample("three", n, 0, {}).points
    count = ((points >= (-7.0, -2.0)) & (points <= (-4.0, 0.5))).all(axis=1).sum()
    text = page.get_by_text(re.compile(r"^[\d,]+ points selected$"))
    found = int(text.inner_text().split()[0].replace(",", ""))
    assert abs(found - count) <= 0.02 * n  # the mouse is moved by whole pixels
    page.get_by_test_id("stDataFrame").wait_for()
    page.wait_for_function(  # in all other pictures the selected rows are highlighted
        "() => document.querySelectorAll('.js-plotly-plot').length === 4"
        " && [...document.querySelectorAll('.js-plotly-plot')].at(-1)._fullData?.length === 4"
    )
    page.get_by_label("Name of a new segment").fill("In the box")
    page.get_by_role("button", name="Make these a segment").click()
    pill = page.get_by_test_id("stButtonGroup").get_by_text("In the box")
    pill.wait_for()
    page.get_by_test_id("stDataFrame").wait_for(state="detached")


def test_a_click_anywhere_in_a_cell_of_the_heat_map_picks_out_its_segment(page, server):
    visit_pictures(page, server, 200)
    wait_for_chart(page, HEAT)
    page.mouse.click(*place(page, HEAT, 1.4, 0.3))
    page.wait_for_function(
        """chart => {
            const traces = document.querySelector(chart)?._fullData;
            return traces?.length === 2 && traces[1].x.length < 200;
        }""",
        arg=POINTS,
    )
    colored = page.evaluate("chart => [...document.querySelector(chart)._fullData[1].y]", POINTS)
    assert np.mean(colored) > 0.5  # the cluster in the middle is above the others

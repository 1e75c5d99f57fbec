"""The Density page in a browser: the player, the lines that cut at a radius, and branches that are clicked."""

import numpy as np
import pytest

from clustering import labels_below, reachability_order, three_gaussians
from tests.browser import waiting
from tests.browser.waiting import idle, sentence, still, to_frame, wait_for_charts, wait_for_player

pytestmark = pytest.mark.browser

ORDER, TREE = "/density?n=100", "/density?n=100&density_method=HDBSCAN&hdbscan_min_points=2"
PLOT, BESIDE, DISTANCES = (f".st-key-{key} .js-plotly-plot" for key in ("picture", "tree", "k_distances"))


def visit(page, address):
    waiting.visit(page, address)
    wait_for_charts(page, PLOT, BESIDE)
    wait_for_player(page, PLOT, BESIDE)


def labels_at(radius):
    return labels_below(reachability_order(three_gaussians(100, np.random.default_rng(0)).points, 5), radius)


def drag(page, chart, share):
    """Drags the line over a chart to a share of its vertical axis. Returns the label before the line is released."""
    graph = page.locator(chart)
    graph.evaluate("graph => graph.scrollIntoView({ block: 'center' })")
    line = graph.locator("xpath=..").get_by_role("slider", name="Radius")
    page.wait_for_timeout(400)  # the line follows the figure
    box = line.bounding_box()
    x, y = box["x"] + box["width"] / 3, box["y"] + box["height"] / 2
    to = graph.evaluate(
        """(graph, share) => {
            const axis = graph._fullLayout.yaxis;
            return graph.getBoundingClientRect().top + axis._offset + axis.d2p(share * axis.range[1]);
        }""",
        share,
    )
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, to, steps=5)
    words = line.inner_text()
    page.mouse.up()
    return words


@pytest.mark.parametrize("chart", [BESIDE, DISTANCES])
def test_dragging_a_line_cuts_all_figures(page, server, chart):
    visit(page, server + ORDER)
    before = page.evaluate("chart => document.querySelector(chart).layout.meta", PLOT)
    words = drag(page, chart, 0.4)
    wait_for_player(page, PLOT, BESIDE, other_than=before)
    radius = float(page.get_by_label("Cut at radius", exact=True).input_value())
    found = page.evaluate("new URLSearchParams(location.search).get('optics_eps')")
    assert float(found) == pytest.approx(radius, abs=0.005)
    labels = labels_at(float(found))
    k = labels.max() + 1
    assert words == f"{k} cluster{'' if k == 1 else 's'}"
    assert f"{k} cluster" in sentence(page)
    assert f"{(labels < 0).sum()} point" in sentence(page)


def test_both_figures_follow_the_player(page, server):
    visit(page, server + ORDER)
    to_frame(page, 40)
    edge = page.evaluate("chart => document.querySelector(chart).data.at(-3).x[0]", BESIDE)
    assert f"Reached {edge} of 100 points" in sentence(page)


def test_clicking_a_branch_chooses_clusters(page, server):
    visit(page, server + TREE)
    before = page.evaluate("chart => document.querySelector(chart).layout.meta", PLOT)
    place = page.evaluate(
        """chart => {
            const graph = document.querySelector(chart), { xaxis, yaxis } = graph._fullLayout;
            const markers = graph._fullData.at(-1);
            const box = graph.getBoundingClientRect(), i = markers.customdata.findIndex(entry => entry[0] === 1);
            return [box.left + xaxis._offset + xaxis.d2p(markers.x[i]), box.top + yaxis._offset + yaxis.d2p(markers.y[i])];
        }""",
        BESIDE,
    )
    page.mouse.move(*place)
    page.wait_for_timeout(300)
    page.mouse.click(*place)
    page.get_by_role("button", name="Select automatically").wait_for()
    wait_for_player(page, PLOT, BESIDE, other_than=before)
    page.get_by_role("button", name="Select automatically").click()
    page.get_by_role("button", name="Select automatically").wait_for(state="detached")
    idle(page)
    still(page)

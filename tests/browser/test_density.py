"""The Density page in a browser: the player, the lines that cut at a radius, and branches that are clicked."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from clustering import DBSCAN, fit, labels_below, reachability_order, three_gaussians
from pages.figures import palette
from tests.browser import waiting
from tests.browser.waiting import idle, sentence, still, to_frame, wait_for_charts, wait_for_player

pytestmark = pytest.mark.browser

GROWTH, ORDER = (f"/density?n=100&density_method={title}" for title in ("DBSCAN", "OPTICS"))
TREE = "/density?n=100&density_method=HDBSCAN&hdbscan_min_points=2"
PLOT, BESIDE, DISTANCES, ORDER_BELOW, TREE_BELOW = (
    f".st-key-{key} .js-plotly-plot" for key in ("picture", "tree", "k_distances", "order", "condensed_tree")
)


def visit(page, address):
    waiting.visit(page, address)
    wait_for_charts(page, PLOT, BESIDE)
    wait_for_player(page, PLOT, BESIDE)


def labels_at(radius):
    return labels_below(reachability_order(three_gaussians(100, np.random.default_rng(0)).points, 5), radius)


def drag(page, chart, share, look=None):
    """Drags the line over a chart to a share of its vertical axis. Returns the label before the line is released.

    `look` : called before the line is released
    """
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
    if look is not None:
        look()
    page.mouse.up()
    return words


def cut(page, chart, share, label, parameter, look=None):
    """Drags the line as `drag`, and waits for the new run. Returns the label of the line, and the radius in the address."""
    before = page.evaluate("chart => document.querySelector(chart).layout.meta", PLOT)
    words = drag(page, chart, share, look)
    wait_for_player(page, PLOT, BESIDE, other_than=before)
    radius = float(page.get_by_label(label, exact=True).input_value())
    found = float(page.evaluate("name => new URLSearchParams(location.search).get(name)", parameter))
    assert found == pytest.approx(radius, abs=0.005)
    return words, found


@pytest.mark.one_in(2)
@pytest.mark.parametrize("chart", [BESIDE, DISTANCES])
def test_dragging_a_line_cuts_all_figures(page, server, chart):
    visit(page, server + ORDER)
    words, found = cut(page, chart, 0.4, "Cut at radius", "optics_eps")
    labels = labels_at(found)
    k = labels.max() + 1
    assert words == f"{k} cluster{'' if k == 1 else 's'}"
    assert f"{k} cluster" in sentence(page)
    assert f"{(labels < 0).sum()} point" in sentence(page)


@pytest.mark.one_in(3)
@pytest.mark.parametrize(("chart", "share"), [(BESIDE, 0.3), (ORDER_BELOW, 0.3), (TREE_BELOW, 0.2)])
def test_dragging_a_line_changes_the_radius_of_dbscan(page, server, chart, share):
    visit(page, server + GROWTH)
    words, found = cut(page, chart, share, "Radius eps", "dbscan_eps")
    points = three_gaussians(100, np.random.default_rng(0)).points
    labels = fit(DBSCAN(found, 5), points).labels
    k = labels.max() + 1
    assert k != 2  # as with the default
    assert words == f"{k} clusters"
    assert f"The other {(labels < 0).sum()} points are noise" in sentence(page)


def colors_of_points(page):
    """Colors of the points in the plane, without those of noise."""
    colors = page.evaluate("chart => document.querySelector(chart)._fullData[0].marker.color", PLOT)
    return set(colors) - {palette.NEUTRAL}


def branches_at(page, radius):
    """Colors of the branches of the tree that a line at a radius crosses."""
    return page.evaluate(
        """([chart, radius]) => document.querySelector(chart)._fullData.filter(trace => trace.fill === "toself"
            && Math.max(...trace.y) > radius && Math.min(...trace.y) <= radius).map(trace => trace.fillcolor)""",
        [TREE_BELOW, radius],
    )


def test_a_dragged_line_cuts_plane_order_and_tree_at_once(page, server):
    visit(page, server + GROWTH)
    seen = []
    for share in (0.2, 0.45):
        _, found = cut(page, BESIDE, share, "Radius eps", "dbscan_eps")
        colors = branches_at(page, found)
        assert palette.NEUTRAL not in colors
        assert len(set(colors)) == len(colors) > 0
        assert set(colors) <= colors_of_points(page)
        lines = page.get_by_role("slider", name="Radius")
        assert [float(line.get_attribute("aria-valuenow")) for line in lines.all()] == pytest.approx([found] * 3)
        seen.append(colors)
    assert seen[0] != seen[1]


def test_lines_move_together_and_warn_where_nearly_all_points_are_core_points(page, server):
    visit(page, server + GROWTH)
    seen = []

    def look():
        lines = page.get_by_role("slider", name="Radius").all()
        seen.append([(line.get_attribute("aria-valuenow"), line.inner_text()) for line in lines])

    before = page.get_by_role("slider", name="Radius").first.inner_text()
    words, _ = cut(page, TREE_BELOW, 0.9, "Radius eps", "dbscan_eps", look)
    assert "core points" not in before
    assert words == "1 cluster: nearly all are core points"
    assert {text for _, text in seen[0]} == {words}
    assert len({radius for radius, _ in seen[0]} - {seen[0][1][0]}) <= 1  # that of the reachability plot is at most its top
    assert "are core points of a single cluster" in page.get_by_role("alert").inner_text()
    words, _ = cut(page, BESIDE, -0.1, "Radius eps", "dbscan_eps")
    assert words == "1 cluster: hardly any core points"
    assert "Only 1 of 100 points are core points" in page.get_by_role("alert").inner_text()


@pytest.mark.parametrize("address", [GROWTH, f"{GROWTH}&dbscan_eps=9", ORDER, TREE])
def test_the_player_does_not_cover_what_is_above_it_in_a_low_window(page, server, address):
    page.set_viewport_size(dict(width=1280, height=720))
    visit(page, server + address)
    for frame in (0, 1, 2, 100):
        to_frame(page, frame)
        above, top, bottom = page.evaluate(
            """() => {
                const panel = document.querySelector(".st-key-player_panel").parentElement;
                const others = ".st-key-picture, .st-key-tree, [class*=st-key-use-], .stMultiSelect";
                const ends = [...document.querySelectorAll(others)].map(element => element.getBoundingClientRect().bottom);
                const { top, bottom } = panel.getBoundingClientRect();
                return [ends, top, bottom];
            }"""
        )
        assert len(above) >= 3
        assert max(above) <= top
        assert bottom <= 721


def test_the_line_does_not_reach_0(page, server):
    visit(page, server + GROWTH)
    _, found = cut(page, BESIDE, -0.1, "Radius eps", "dbscan_eps")
    points = three_gaussians(100, np.random.default_rng(0)).points
    lowest = np.partition(cdist(points, points), 4, axis=1)[:, 4].min()
    assert found == pytest.approx(lowest, rel=1e-3)


def test_the_knee_is_used_with_a_click(page, server):
    visit(page, server + GROWTH)
    before = page.evaluate("chart => document.querySelector(chart).layout.meta", PLOT)
    knee = page.get_by_role("button", name="Use the knee")
    radius = knee.inner_text().partition("(")[2].rstrip(")")
    knee.click()
    wait_for_player(page, PLOT, BESIDE, other_than=before)
    assert float(page.get_by_label("Radius eps", exact=True).input_value()) == pytest.approx(float(radius), rel=5e-3)
    assert knee.is_disabled()


def test_dots_and_disks_follow_the_player(page, server):
    visit(page, server + GROWTH)
    dots = "new Set(document.querySelector(chart).data[1].marker.color)"
    corners = "document.querySelector(chart)._fullData.find(trace => trace.fill === 'toself').x.length"
    colors, disks = [], []
    for frame in (0, 2, 100):
        to_frame(page, frame)
        colors.append(page.evaluate(f"chart => [...{dots}].length", BESIDE))
        disks.append(page.evaluate(f"chart => {corners}", PLOT))
    assert colors[0] == 1
    assert colors[0] < colors[1] < colors[2]
    assert disks[0] == disks[2] == 1  # a gap
    assert disks[1] > 25


def test_a_click_on_a_point_moves_the_circle_around_it(page, server):
    visit(page, server + GROWTH)
    circle = "document.querySelector(chart)?.data?.at(-1)"
    before = page.evaluate(f"chart => [{circle}.x[0], {circle}.y[0]]", PLOT)
    place, position = page.evaluate(
        """chart => {
            const graph = document.querySelector(chart), { xaxis, yaxis } = graph._fullLayout;
            const { x, y } = graph.data[0], box = graph.getBoundingClientRect();
            const lowest = [...y.keys()].reduce((a, b) => y[a] < y[b] ? a : b);
            return [[box.left + xaxis._offset + xaxis.d2p(x[lowest]), box.top + yaxis._offset + yaxis.d2p(y[lowest])],
                [x[lowest], y[lowest]]];
        }""",
        PLOT,
    )
    assert position != before
    page.mouse.move(*place)
    page.wait_for_timeout(300)
    page.mouse.click(*place)
    page.wait_for_function(f"([chart, x]) => Math.abs({circle}?.x?.[0] - x) < 1e-6", arg=[PLOT, position[0]])
    wait_for_player(page, PLOT, BESIDE)


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
    wait_for_player(page, PLOT, BESIDE, other_than=before)
    chosen = page.locator(".stMultiSelect [data-tag]").all_inner_texts()
    assert chosen
    assert page.evaluate("new URLSearchParams(location.search).getAll('branches')") == chosen
    sentence_of_choice, address = sentence(page), page.url

    page.goto(address)  # as when the page is loaded again, or the link is opened by another person
    wait_for_charts(page, PLOT, BESIDE)
    wait_for_player(page, PLOT, BESIDE)
    assert page.locator(".stMultiSelect [data-tag]").all_inner_texts() == chosen
    assert sentence(page) == sentence_of_choice
    again = page.evaluate("chart => document.querySelector(chart).layout.meta", PLOT)
    page.get_by_role("button", name="Clear all").click()
    wait_for_player(page, PLOT, BESIDE, other_than=again)
    assert page.evaluate("chart => document.querySelector(chart).layout.meta", PLOT) == before
    idle(page)
    still(page)

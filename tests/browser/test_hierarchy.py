"""The Hierarchical page in a browser: the player, and the line that cuts the tree."""

import numpy as np
import pytest
from scipy.cluster import hierarchy
from sklearn.cluster import AgglomerativeClustering, KMeans

from clustering import three_gaussians
from pages.datasets.formatting import format_number
from pages.figures import palette
from tests.browser import waiting
from tests.browser.waiting import (
    enter,
    idle,
    play_to_end,
    sentence,
    step,
    still,
    to_frame,
    wait_for_charts,
    wait_for_player,
    wait_for_query,
)

pytestmark = pytest.mark.browser

ADDRESS = "/hierarchy?n=50"
PLOT, TREE, HEIGHTS = (f".st-key-{key} .js-plotly-plot" for key in ("picture", "tree", "heights"))


@pytest.fixture(scope="module")
def points():
    return three_gaussians(50, np.random.default_rng(0)).points


@pytest.fixture(scope="module")
def merged(points):
    """Heights of the merges by Ward linkage, computed by SciPy."""
    return hierarchy.linkage(points, "ward")[:, 2]


def wait_for_tree(page):
    """Waits for the charts and until the line lies at its height in the dendrogram."""
    wait_for_charts(page, PLOT, TREE, HEIGHTS)
    page.wait_for_function(
        """tree => {
            const line = document.querySelector('[aria-label="Height of the cut"]');
            if (!line) return false;
            const graph = document.querySelector(tree), axis = graph._fullLayout.yaxis, box = line.getBoundingClientRect();
            const y = graph.getBoundingClientRect().top + axis._offset + axis.d2p(Number(line.ariaValueNow));
            return Math.abs(box.top + box.height / 2 - y) < 2;
        }""",
        arg=TREE,
    )


def visit(page, address):
    waiting.visit(page, address)
    wait_for_tree(page)


def open_any_cut(page, server):
    """Opens the tree at ADDRESS, unless the previous test left it open with any cut. Returns the number of clusters."""
    if not page.url.startswith(server + ADDRESS):
        visit(page, server + ADDRESS)
    return k_of(page)


def line(page):
    return page.get_by_role("slider", name="Height of the cut")


def k_of(page):
    return int(page.get_by_label("Clusters (K)").input_value())


def height_of(page):
    return float(page.get_by_label("Cut at height", exact=True).input_value())


def wait_for_cut(page, k):
    """Waits until everything on the page shows k clusters."""
    page.wait_for_function("k => document.querySelector('input[aria-label=\"Clusters (K)\"]').value === k", arg=str(k))
    wait_for_label(page, f"{k} cluster")
    wait_for_tree(page)


def wait_for_label(page, words):
    """Waits until the label of the line begins like this."""
    page.wait_for_function(
        """words => document.querySelector('[aria-label="Height of the cut"]')
            ?.getAttribute('aria-valuetext').startsWith(words)""",
        arg=words,
    )


def links(page):
    """Number of links that the dendrogram shows in each color."""
    found = page.evaluate(
        """chart => document.querySelector(chart)._fullData.slice(1)
            .filter(t => t.mode === 'lines' && Array.from(t.x).some(x => x !== null))
            .map(t => [t.line.color, 1 + Array.from(t.x).filter(x => x === null).length])""",
        TREE,
    )
    counts = {}
    for color, count in found:
        counts[color] = counts.get(color, 0) + count
    return {color: count for color, count in counts.items() if color in (*palette.COLORS, palette.NEUTRAL)}


def marker(page):
    """Number of clusters and height at the end of the curve of heights."""
    return page.evaluate(
        "chart => { const t = document.querySelector(chart)._fullData.at(-1); return [t.x[0], t.y[0]] }", HEIGHTS
    )


def strips(page):
    return page.evaluate("chart => document.querySelector(chart)._fullLayout.shapes.map(s => s.fillcolor)", TREE)


def y_of(page, height):
    """The vertical position of a height on the screen."""
    return page.evaluate(
        """([chart, height]) => {
            const graph = document.querySelector(chart), axis = graph._fullLayout.yaxis;
            return graph.getBoundingClientRect().top + axis._offset + axis.d2p(height);
        }""",
        [TREE, height],
    )


def drag(page, height):
    """Drags the line to a height. Returns its label before the line is released."""
    page.locator(TREE).evaluate("graph => graph.scrollIntoView({ block: 'center' })")
    wait_for_tree(page)
    box = line(page).bounding_box()
    x, y = box["x"] + box["width"] / 3, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y_of(page, height), steps=5)
    meanwhile = line(page).get_attribute("aria-valuetext")
    page.mouse.up()
    return meanwhile


def between(merged, k):
    """The middle of the heights at which there are k clusters."""
    return (merged[-k] + merged[1 - k]) / 2


def test_it_opens_at_the_cut_and_plays_until_one_cluster_is_left(page, server, merged):
    visit(page, server + ADDRESS)
    assert page.get_by_role("heading", name="Hierarchical clustering", level=1).is_visible()
    assert (k_of(page), line(page).get_attribute("aria-valuetext").split(" at ")[0]) == (3, "3 clusters")
    assert merged[-3] <= height_of(page) < merged[-2]
    assert sentence(page).startswith("Merge 47: ")
    assert sentence(page).endswith("3 clusters left. The tree is cut here.")
    assert sum(links(page).values()) == 47
    assert marker(page) == pytest.approx([3, merged[-3]])
    page.get_by_role("button", name="Play", exact=True).click()
    page.get_by_role("button", name="Pause").click()
    still(page)
    assert "The tree is cut here." not in sentence(page)  # playing started before the first merge
    assert sum(links(page).values()) < 47
    to_frame(page, 40)
    play_to_end(page)
    assert sentence(page).startswith("Merge 49: ")
    assert sentence(page).endswith("one cluster left.")
    assert sum(links(page).values()) == 49
    assert marker(page) == pytest.approx([1, merged[-1]])
    # another cut keeps this frame
    step(page, "back")
    enter(page, "Clusters (K)", "4")
    wait_for_cut(page, 4)
    wait_for_player(page, PLOT, TREE, HEIGHTS)
    assert sentence(page).startswith("Merge 48: ")
    assert sum(links(page).values()) == 48


def test_the_line_is_moved_by_the_arrow_keys_and_follows_the_fields(page, server, merged):
    before = open_any_cut(page, server)
    line(page).focus()
    for key, k in (("ArrowDown", before + 1), ("ArrowUp", before)):
        page.keyboard.press(key)
        wait_for_label(page, f"{k} clusters at height ")
        wait_for_cut(page, k)
        assert merged[-k] <= height_of(page) < merged[1 - k]
        # the line keeps the focus, for the next key
        page.wait_for_function("() => document.activeElement?.getAttribute('aria-label') === 'Height of the cut'")
    for _ in range(before + 1):  # faster than the page reruns; one cluster is the least
        page.keyboard.press("ArrowUp")
    wait_for_cut(page, 1)
    assert height_of(page) > merged[-1]
    enter(page, "Cut at height", f"{between(merged, 6):.4f}")
    wait_for_cut(page, 6)
    wait_for_label(page, "6 clusters at height ")
    enter(page, "Clusters (K)", "4")
    wait_for_cut(page, 4)
    wait_for_label(page, "4 clusters at height ")
    assert float(line(page).get_attribute("aria-valuenow")) == pytest.approx(height_of(page), rel=1e-3)
    assert merged[-4] <= height_of(page) < merged[-3]


def test_the_cut_is_dragged_and_all_charts_have_the_colors_of_its_clusters(page, server, points, merged):
    visit(page, server + ADDRESS)  # at the frame of the cut, which another cut then moves
    for k in (5, 2):
        assert drag(page, between(merged, k)).startswith(f"{k} clusters at height ")
        wait_for_cut(page, k)
        # the line moves by whole pixels
        assert height_of(page) == pytest.approx(between(merged, k), abs=merged[-1] / 100)
        assert merged[-k] <= height_of(page) < merged[1 - k]
        box = line(page).bounding_box()
        assert box["y"] + box["height"] / 2 == pytest.approx(y_of(page, height_of(page)), abs=2)
        sizes = np.bincount(AgglomerativeClustering(k).fit(points).labels_)
        shown = links(page)
        assert palette.NEUTRAL not in shown  # no merge above the cut is shown
        assert sum(shown.values()) == 50 - k
        assert sentence(page).endswith("The tree is cut here.")  # the frame of the new cut
        assert sorted(shown.values()) == sorted(size - 1 for size in sizes if size > 1)
        assert len(set(strips(page))) == len(strips(page)) == k
        assert set(shown) <= set(strips(page))
        colored = page.evaluate("chart => [...document.querySelector(chart)._fullData[0].marker.color]", PLOT)
        assert sorted(np.bincount(colored)[1:].tolist()) == sorted(sizes.tolist())
        wait_for_query(page, k=str(k))


def test_the_cut_initializes_k_means_on_watch_and_is_unchanged_after_going_back(page, server, points):
    groups = AgglomerativeClustering(4, linkage="complete").fit(points).labels_
    visit(page, f"{server}{ADDRESS}&k=4&tree_linkage=Complete")
    height = height_of(page)
    page.get_by_role("button", name="Initialize K-means").click()
    page.get_by_role("heading", name="Clustering, step by step").wait_for()
    means = np.array([points[groups == group].mean(axis=0) for group in range(4)])
    peer = KMeans(4, init=means, n_init=1, tol=0, algorithm="lloyd").fit(points)
    page.locator(".sentence", has_text=f"loss {format_number(peer.inertia_)}. Converged").wait_for()
    wait_for_query(page, start_kmeans="Hierarchical clustering", tree_linkage="Complete", k="4")
    idle(page)
    page.go_back()
    page.get_by_role("heading", name="Hierarchical clustering", level=1).wait_for()
    wait_for_cut(page, 4)
    assert "/hierarchy?" in page.url
    assert height_of(page) == height

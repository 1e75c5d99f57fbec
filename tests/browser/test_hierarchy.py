"""The tree, as a person at a browser meets it."""

import numpy as np
import pytest
from scipy.cluster import hierarchy
from sklearn.cluster import AgglomerativeClustering, KMeans

from clustering import three_gaussians
from pages.datasets.formatting import format_number
from pages.figures import palette

pytestmark = pytest.mark.browser

PICTURE, TREE, HEIGHTS = (f".st-key-{key} .js-plotly-plot" for key in ("picture", "tree", "heights"))


@pytest.fixture(scope="module")
def points():
    return three_gaussians(100, np.random.default_rng(0)).points


@pytest.fixture(scope="module")
def merged(points):
    """The heights of Ward's merges, by SciPy."""
    return hierarchy.linkage(points, "ward")[:, 2]


def settled(page):
    page.wait_for_function(
        """charts => {
            const graphs = charts.map(chart => document.querySelector(chart));
            return graphs.every(g => g?.layout?.meta && g.layout.meta === graphs[0].layout.meta
                && g.querySelector('.updatemenu-button')) && !document.querySelector('[data-testid=stStatusWidget]');
        }""",
        arg=[PICTURE, TREE, HEIGHTS],
    )
    page.get_by_role("button", name="Play").wait_for()


def visit(page, address):
    page.goto(address)
    settled(page)
    line(page).wait_for()
    page.wait_for_timeout(300)  # the line finds its place in the figure within two of its looks


def line(page):
    return page.get_by_role("slider", name="Height of the cut")


def k_of(page):
    return int(page.get_by_label("Clusters (K)").input_value())


def height_of(page):
    return float(page.get_by_label("Cut at height", exact=True).input_value())


def cut_into(page, k):
    """Waits until the page is that of so many groups."""
    page.wait_for_function("k => document.querySelector('input[aria-label=\"Clusters (K)\"]').value === k", arg=str(k))
    page.get_by_test_id("stMetric").filter(has_text="Groups").get_by_text(str(k), exact=True).wait_for()
    settled(page)


def says(page, words):
    """Waits until the line says so."""
    page.wait_for_function(
        """words => document.querySelector('[aria-label="Height of the cut"]')
            ?.getAttribute('aria-valuetext').startsWith(words)""",
        arg=words,
    )


def sentence(page):
    return page.locator(".sentence").inner_text()


def links(page):
    """How many links the tree shows in each color."""
    found = page.evaluate(
        """chart => document.querySelector(chart)._fullData.slice(1)
            .filter(t => t.mode === 'lines' && Array.from(t.x).some(x => x !== null))
            .map(t => [t.line.color, 1 + Array.from(t.x).filter(x => x === null).length])""",
        TREE,
    )
    told = {}
    for color, count in found:
        told[color] = told.get(color, 0) + count
    return {color: count for color, count in told.items() if color in (*palette.COLORS, palette.NEUTRAL)}


def marker(page):
    """Where the curve of the heights has its end: groups left, and height."""
    return page.evaluate(
        "chart => { const t = document.querySelector(chart)._fullData.at(-1); return [t.x[0], t.y[0]] }", HEIGHTS
    )


def strips(page):
    return page.evaluate("chart => document.querySelector(chart)._fullLayout.shapes.map(s => s.fillcolor)", TREE)


def y_of(page, height):
    """Where on the screen this height is."""
    return page.evaluate(
        """([chart, height]) => {
            const graph = document.querySelector(chart), axis = graph._fullLayout.yaxis;
            return graph.getBoundingClientRect().top + axis._offset + axis.d2p(height);
        }""",
        [TREE, height],
    )


def drag(page, height):
    """Drags the line to this height, and lets it go. Returns what it says before that."""
    page.locator(TREE).evaluate("graph => graph.scrollIntoView({ block: 'center' })")
    page.wait_for_timeout(200)
    box = line(page).bounding_box()
    x, y = box["x"] + box["width"] / 3, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y_of(page, height), steps=5)
    meanwhile = line(page).get_attribute("aria-valuetext")
    page.mouse.up()
    return meanwhile


def between(merged, k):
    """The height halfway between those at which there are k groups."""
    return (merged[-k] + merged[1 - k]) / 2


def test_it_rests_where_it_is_cut_and_plays_until_all_is_one_group(page, server, points, merged):
    visit(page, f"{server}/hierarchy?n=100")
    assert page.get_by_role("heading", name="Hierarchical clustering", level=1).is_visible()
    assert (k_of(page), line(page).get_attribute("aria-valuetext").split(" at ")[0]) == (3, "3 clusters")
    assert merged[-3] <= height_of(page) < merged[-2]
    assert sentence(page).startswith("Merge 97: ")
    assert sentence(page).endswith("3 clusters left. The tree is cut here.")
    assert sum(links(page).values()) == 97
    assert marker(page) == pytest.approx([3, merged[-3]])
    page.get_by_label("Speed", exact=True).select_option("4")
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Pause").click()
    page.wait_for_timeout(200)
    assert "The tree is cut here." not in sentence(page)  # it began with no merge
    assert sum(links(page).values()) < 97
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Play").wait_for()
    page.wait_for_timeout(300)
    assert sentence(page).startswith("Merge 99: ")
    assert sentence(page).endswith("one cluster left.")
    assert sum(links(page).values()) == 99
    assert marker(page) == pytest.approx([1, merged[-1]])
    # another cut leaves it in this frame, and then it is back where it rests
    page.get_by_role("button", name="One step back").click()
    page.get_by_label("Clusters (K)").fill("5")
    page.keyboard.press("Enter")
    cut_into(page, 5)
    page.wait_for_timeout(500)
    assert sentence(page).startswith("Merge 98: ")
    assert sum(links(page).values()) == 98


def test_the_cut_is_dragged_and_everything_has_the_colors_of_its_groups(page, server, points, merged):
    visit(page, f"{server}/hierarchy?n=100")
    for k in (5, 2):
        assert drag(page, between(merged, k)).startswith(f"{k} clusters at height ")
        cut_into(page, k)
        # as near as the line can be put, which is to a pixel
        assert height_of(page) == pytest.approx(between(merged, k), abs=merged[-1] / 100)
        assert merged[-k] <= height_of(page) < merged[1 - k]
        box = line(page).bounding_box()
        assert box["y"] + box["height"] / 2 == pytest.approx(y_of(page, height_of(page)), abs=2)
        sizes = np.bincount(AgglomerativeClustering(k).fit(points).labels_)
        shown = links(page)
        assert palette.NEUTRAL not in shown  # of the merges above the cut none is made
        assert sum(shown.values()) == 100 - k
        assert sentence(page).endswith("The tree is cut here.")  # where it rests, which is another frame now
        assert sorted(shown.values()) == sorted(size - 1 for size in sizes if size > 1)
        assert len(set(strips(page))) == len(strips(page)) == k
        assert set(shown) <= set(strips(page))
        colored = page.evaluate("chart => [...document.querySelector(chart)._fullData[0].marker.color]", PICTURE)
        assert sorted(np.bincount(colored)[1:].tolist()) == sorted(sizes.tolist())
        assert f"k={k}" in page.url


def test_the_line_is_moved_by_the_arrow_keys_and_follows_what_is_typed(page, server, merged):
    visit(page, f"{server}/hierarchy?n=100")
    line(page).focus()
    for key, k in (("ArrowDown", 4), ("ArrowDown", 5), ("ArrowUp", 4)):
        page.keyboard.press(key)
        says(page, f"{k} clusters at height ")
        cut_into(page, k)
        assert merged[-k] <= height_of(page) < merged[1 - k]
        # so the next key moves it on
        page.wait_for_function("() => document.activeElement?.getAttribute('aria-label') === 'Height of the cut'")
    for _ in range(4):  # faster than the page follows; and there is nothing above one group
        page.keyboard.press("ArrowUp")
    cut_into(page, 1)
    assert height_of(page) > merged[-1]
    page.get_by_label("Cut at height", exact=True).fill(f"{between(merged, 6):.4f}")
    page.keyboard.press("Enter")
    cut_into(page, 6)
    says(page, "6 clusters at height ")
    page.get_by_label("Clusters (K)").fill("4")
    page.keyboard.press("Enter")
    cut_into(page, 4)
    says(page, "4 clusters at height ")
    assert float(line(page).get_attribute("aria-valuenow")) == pytest.approx(height_of(page), rel=1e-3)
    assert merged[-4] <= height_of(page) < merged[-3]


def test_k_means_starts_from_the_cut_in_watch_and_back_leads_to_the_tree(page, server, points):
    visit(page, f"{server}/hierarchy?n=100&k=4&tree_linkage=Complete")
    page.get_by_role("button", name="Initialize K-means").click()
    page.get_by_role("heading", name="Clustering, step by step").wait_for()
    groups = AgglomerativeClustering(4, linkage="complete").fit(points).labels_
    means = np.array([points[groups == group].mean(axis=0) for group in range(4)])
    peer = KMeans(4, init=means, n_init=1, tol=0, algorithm="lloyd").fit(points)
    page.locator(".sentence", has_text=f"loss {format_number(peer.inertia_)}. Converged").wait_for()
    assert "start_kmeans=Hierarchical+clustering" in page.url.replace("%20", "+")
    assert "tree_linkage=Complete" in page.url
    assert "k=4" in page.url
    page.wait_for_timeout(500)
    page.go_back()
    page.get_by_role("heading", name="Hierarchical clustering", level=1).wait_for()
    assert "/hierarchy?" in page.url


def test_the_cut_of_a_tree_plays_in_the_race_to_where_it_is_cut(page, server, points, merged):
    visit(page, f"{server}/hierarchy?n=100&k=4")
    page.get_by_role("button", name="Add to comparison").click()
    page.get_by_role("heading", name="Compare").wait_for()
    page.locator(".caption .name", has_text="1. Ward linkage").wait_for()
    page.get_by_role("region", name="Scores of the panels").get_by_text(format_number(merged[-4])).wait_for()
    assert "algorithm_1=Hierarchical+clustering" in page.url.replace("%20", "+")
    page.wait_for_function("() => document.querySelector('.st-key-race_0 .js-plotly-plot')?._fullData?.length")
    found = page.evaluate("() => [...document.querySelector('.st-key-race_0 .js-plotly-plot')._fullData[0].marker.color]")
    sizes = np.bincount(AgglomerativeClustering(4).fit(points).labels_)
    assert set(found) <= set(palette.COLORS)
    assert sorted(np.unique(found, return_counts=True)[1].tolist()) == sorted(sizes.tolist())


def test_it_fits_a_narrow_screen(page, server):
    page.set_viewport_size(dict(width=420, height=900))
    visit(page, f"{server}/hierarchy?n=100")
    assert page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth") <= 0
    for chart in (PICTURE, TREE, HEIGHTS):
        box = page.locator(chart).bounding_box()
        assert box["x"] >= 0
        assert 250 < box["width"] <= 420
    tree, cut = page.locator(TREE).bounding_box(), line(page).bounding_box()
    assert tree["x"] < cut["x"] < cut["x"] + cut["width"] < tree["x"] + tree["width"]

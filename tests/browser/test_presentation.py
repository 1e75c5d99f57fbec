"""Presentations in a browser: what fills the window, the keys, and dragging centers in the first frame."""

import re

import numpy as np
import pytest

from tests.browser.waiting import (
    LOSS,
    PLOT,
    another_run,
    idle,
    leave_unchanged,
    sentence,
    shown_frame,
    still,
    to_frame,
    visit,
    wait_for_frame,
    wait_for_player,
    wait_for_query,
)

pytestmark = pytest.mark.browser

WATCH = "?n=50&present=1"
PARTS = {
    WATCH: ["picture", "loss", "formulas_beside"],
    "mixture?n=50&present=1&start_mixture=K-means": ["picture", "loss", "formulas_beside"],
    "hierarchy?n=50&present=1": ["picture", "tree", "heights", "formulas_beside"],
    "compare?n=50&present=1": [f"race_{part}{i}" for i in (0, 1) for part in ("", "loss_", "formulas_")],
}
"""addresses, and the keys of the containers that are shown beside the player"""


def overlaps(a, b):
    return min(a[2], b[2]) - max(a[0], b[0]) > 1 and min(a[3], b[3]) - max(a[1], b[1]) > 1


def boxes(page, keys):
    """Left, top, right and bottom of what is drawn in each container."""
    return page.evaluate(
        """keys => keys.map(key => {
            const box = document.querySelector(`.st-key-${key}`);
            const host = [...box.querySelectorAll('*')].find(element => element.shadowRoot)?.shadowRoot;
            const inner = box.querySelector('.main-svg') ?? host?.querySelector('.formulas, .player') ?? box;
            const { left, top, right, bottom } = inner.getBoundingClientRect();
            return [left, top, right, bottom];
        })""",
        keys,
    )


@pytest.mark.one_in(2)
@pytest.mark.parametrize("path", PARTS)
def test_everything_is_in_the_window_nothing_overlaps_and_text_is_large(page, server, path):
    charts = [f".st-key-{key} .js-plotly-plot" for key in PARTS[path] if "formulas" not in key]
    visit(page, f"{server}/{path}", *charts)
    wait_for_player(page, *charts)
    for width, height in ((1280, 720), (1920, 1080)):
        page.set_viewport_size(dict(width=width, height=height))
        keys = [*PARTS[path], "player_panel"]
        page.wait_for_function(
            """([keys, width, height]) => keys.every(key => {
                const drawn = document.querySelector(`.st-key-${key} .main-svg`)?.getBoundingClientRect();
                return !drawn || drawn.right <= width && drawn.bottom <= height && drawn.width > width / 6;
            })""",
            arg=[keys, width, height],
        )
        for frame in (0, 1, 2):
            to_frame(page, frame)
            found = boxes(page, keys)
            for left, top, right, bottom in found:
                assert left >= -1
                assert top >= -1
                assert right <= width + 1
                assert bottom <= height + 1
            pairs = [(a, b) for i, a in enumerate(found) for b in found[:i]]
            assert not [pair for pair in pairs if overlaps(*pair)]
            assert found[0][3] - found[0][1] > height / 2  # the picture, also in a comparison
            ends, row = [
                page.locator(place).evaluate_all("all => all.map(e => e.getBoundingClientRect()).map(b => [b.top, b.bottom])")
                for place in (".caption p", ".player .row")
            ]
            assert max(bottom for _, bottom in ends) <= row[0][0] + 1
            for text, smallest in ((".sentence", 0.0239), (".formula.shown .note, .formula.shown math", 0.0175)):
                sizes = page.locator(text).evaluate_all(
                    "all => all.filter(e => e.checkVisibility()).map(e => parseFloat(getComputedStyle(e).fontSize))"
                )
                assert min(sizes) >= smallest * height
    assert page.get_by_role("heading", level=1).count() == 0  # hidden from everybody
    assert not page.get_by_test_id("stSidebar").is_visible()


NOT_WHOLE = """graph => {
    const { xaxis, yaxis, width, _size } = graph._fullLayout;
    const clip = graph.querySelector("clipPath[id$=xyplot] rect");
    if (!clip) return false;
    const off = Math.abs(clip.getAttribute("width") - xaxis._length) + Math.abs(clip.getAttribute("height") - yaxis._length);
    const scales = yaxis.scaleanchor ? yaxis._m / xaxis._m / yaxis.scaleratio : -1;
    const box = graph.parentElement.getBoundingClientRect();
    const isSmall = Math.max(xaxis._length / _size.w, yaxis._length / _size.h) < 0.97;
    return off > 6 || Math.abs(scales + 1) > 0.02 || isSmall || Math.abs(box.width - width) > 3;
}"""
"""JavaScript: whether a part of a figure is cut off or its axes do not fit the size of its element"""
LOOK = f"""
    window.seen = [];
    const isNotWhole = {NOT_WHOLE};
    const look = () => {{
        requestAnimationFrame(look);
        if (!document.documentElement?.hasAttribute("data-presenting")) return;
        for (const graph of document.querySelectorAll(":is(.st-key-picture, .st-key-tree) .js-plotly-plot"))
            if (graph._fullLayout?.yaxis && getComputedStyle(graph).opacity !== "0") window.seen.push(isNotWhole(graph));
    }};
    requestAnimationFrame(look);
"""
"""JavaScript: notes for each figure and time that it is visible in a presentation whether it is not drawn as a whole"""


@pytest.mark.parametrize("path", ["hierarchy?n=50&present=1", "density?n=50&present=1"])
def test_figures_of_a_presentation_are_hidden_until_they_are_drawn_for_their_size(context, server, path):
    page = context.new_page()
    page.set_viewport_size(dict(width=1920, height=1080))
    page.add_init_script(LOOK)
    page.goto(f"{server}/{path}")
    wait_for_player(page, *(f".st-key-{key} .js-plotly-plot" for key in ("picture", "tree")))
    page.wait_for_function("window.seen.length > 20")
    assert not any(page.evaluate("window.seen"))
    page.close()


def test_a_figure_of_which_a_part_is_cut_off_is_corrected(page, server):
    charts = [f".st-key-{key} .js-plotly-plot" for key in ("picture", "tree", "heights")]
    visit(page, f"{server}/hierarchy?n=50", *charts)
    wait_for_player(page, *charts)
    for chart in charts:  # as Plotly draws a figure that is animated while it gets another size
        clip = page.locator(f"{chart} clipPath[id$=xyplot] rect").first
        clip.evaluate("clip => clip.setAttribute('height', 30)")
    page.wait_for_function(f"charts => !charts.some(chart => ({NOT_WHOLE})(document.querySelector(chart)))", arg=charts)


def test_figures_of_a_presentation_fit_windows_of_any_size_also_while_it_plays(page, server):
    charts = [f".st-key-{key} .js-plotly-plot" for key in ("picture", "tree", "loss")]
    visit(page, f"{server}/density?n=50", *charts)
    wait_for_player(page, *charts)
    page.get_by_role("button", name="Present", exact=True).click()
    wait_for_query(page, present="1")
    wait_for_frame(page, 0)
    page.get_by_label("Speed").select_option("0.25")
    for width, height in ((1920, 1080), (1280, 720), (1600, 900), (1920, 1080)):
        page.set_viewport_size(dict(width=width, height=height))
        page.keyboard.press("Space")
        page.wait_for_function(f"charts => !charts.some(chart => ({NOT_WHOLE})(document.querySelector(chart)))", arg=charts)
        page.wait_for_function(
            "charts => charts.every(chart => getComputedStyle(document.querySelector(chart)).opacity === '1')", arg=charts
        )


def test_numbers_beside_the_player_are_those_of_the_frame(page, server):
    visit(page, f"{server}/?n=50", PLOT, LOSS)
    wait_for_player(page, PLOT, LOSS)

    def texts(part):
        return page.locator(f".st-key-frame_numbers [data-testid=stMetric{part}]").all_inner_texts()

    def numbers():
        return dict(zip(texts("Label"), texts("Value"), strict=True))

    end, last = shown_frame(page), numbers()
    assert last["Status"] == "converged"
    to_frame(page, 0)
    assert numbers() | {"Status": "start", "Loss": "–", "Adjusted Rand index": "–", "Iteration": "0"} == numbers()
    to_frame(page, 1)
    assert numbers()["Status"] == "running"
    assert numbers()["Loss"] in sentence(page)
    sizes = page.locator(".st-key-frame_sizes td:nth-child(2)").all_inner_texts()
    assert sum(map(int, sizes)) == 50
    page.keyboard.press("ArrowLeft")
    assert page.locator(".st-key-frame_sizes td:nth-child(2)").all_inner_texts() == ["–"] * 3
    to_frame(page, end)
    leave_unchanged(page, f"{server}/?n=50")


def test_keys_start_anew_show_examples_and_leave(page, server):
    visit(page, f"{server}/?n=50", PLOT, LOSS)
    wait_for_player(page, PLOT, LOSS)
    end = shown_frame(page)
    page.locator("h1").click()
    to_frame(page, 1)
    wait_for_query(page, frame="1")
    to_frame(page, end)
    page.keyboard.press("f")  # before the player has changed the address
    wait_for_query(page, present="1")
    wait_for_frame(page, 0)
    assert page.locator(".formula.shown").count() == 2
    page.keyboard.press("ArrowRight")
    assert page.locator(".formula.now .what").inner_text() == "Assignment (E)"
    page.keyboard.press("End")
    assert "Converged after" in sentence(page)
    page.keyboard.press("Home")
    assert sentence(page).startswith("Start: 3 centers")
    with another_run(page):
        page.keyboard.press("n")
    wait_for_query(page, seed="2", present="1")
    wait_for_frame(page, 0)
    with another_run(page):
        page.keyboard.press("1")
    wait_for_query(page, k="9", present="1")
    page.keyboard.press("Escape")
    page.get_by_role("heading", level=1).wait_for()
    wait_for_query(page, present=None)
    idle(page)
    assert "present" not in page.url


def test_a_center_is_dragged_in_the_first_frame_and_the_run_starts_there(page, server):
    visit(page, f"{server}/?n=50&seed=4", PLOT, LOSS)
    wait_for_player(page, PLOT, LOSS)
    to_frame(page, 0)
    handle = page.get_by_role("button", name=re.compile("^Center 1"))
    handle.wait_for()
    box = handle.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    expected = page.evaluate(
        """([plot, x, y]) => {
            const graph = document.querySelector(plot);
            const [{ left, top }, { xaxis, yaxis }] = [graph.getBoundingClientRect(), graph._fullLayout];
            return [xaxis.p2d(x - left - xaxis._offset), yaxis.p2d(y - top - yaxis._offset)];
        }""",
        [PLOT, middle[0] + 60, middle[1] - 40],
    )
    with another_run(page):
        page.mouse.move(*middle)
        page.mouse.down()
        page.mouse.move(middle[0] + 60, middle[1] - 40, steps=3)
        page.mouse.up()
    page.wait_for_function("() => location.search.includes('centers=') && location.search.includes('Manual')")
    wait_for_frame(page, 0)
    still(page)
    centers = page.evaluate(
        "plot => { const t = document.querySelector(plot)._fullData.at(-1); return [t.x[0], t.y[0]] }", PLOT
    )
    np.testing.assert_allclose(centers, expected, atol=0.1)
    assert sentence(page).startswith("Start: 3 centers")
    page.keyboard.press("ArrowRight")
    handle.wait_for(state="detached")

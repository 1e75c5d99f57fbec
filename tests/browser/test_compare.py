"""The Compare page in a browser."""

import numpy as np
import pytest

from clustering import GaussianMixture, History, KMeans, KMedoids, proximity_matrix, three_gaussians

pytestmark = pytest.mark.browser

LOSSES = ".st-key-race_losses .js-plotly-plot"
CONTINGENCY = "[class*=st-key-contingency] .js-plotly-plot"


def picture(i):
    return f".st-key-race_{i} .js-plotly-plot"


def settled(page, panels=3):
    """Waits until all figures and the player belong to the same race."""
    page.wait_for_function(
        """charts => {
            const graphs = charts.map(chart => document.querySelector(chart));
            return graphs.every(g => g?.layout?.meta && g.layout.meta === graphs[0].layout.meta
                && g.querySelector('.updatemenu-button')) && !document.querySelector('[data-testid=stStatusWidget]');
        }""",
        arg=[*map(picture, range(panels)), LOSSES],
    )
    page.get_by_role("button", name="Play").wait_for()


def visit(page, address, panels=3):
    page.goto(address)
    settled(page, panels)


def centers(page, i):
    x, y = page.evaluate(
        "c => { const t = document.querySelector(c)._fullData.at(-1); return [[...t.x], [...t.y]] }", picture(i)
    )
    return np.column_stack([x, y]).astype(float)


def markers(page, panels=3):
    """Where the marker of each loss curve is, (iteration, loss)."""
    found = page.evaluate("c => document.querySelector(c)._fullData.map(t => [t.x[0] ?? null, t.y[0] ?? null])", LOSSES)
    return [tuple(place) for place in found[2::3]][:panels]


def states(page):
    return page.locator(".caption .name").evaluate_all("names => names.map(name => name.dataset.state)")


def sentences(page):
    return page.locator(".caption .sentence").all_inner_texts()


def middles(parameters, points):
    if hasattr(parameters, "means"):
        return parameters.means
    return points[parameters] if parameters.ndim == 1 else parameters


@pytest.fixture(scope="module")
def histories():
    """What the core makes of the race of a hundred points, and of each run the middles of its clusters in each state."""
    points = three_gaussians(100, np.random.default_rng(0)).points
    runs = [
        History.record(KMeans(3, init="random"), points, rng=1),
        History.record(KMedoids(3, init="random", update="swap"), proximity_matrix(points), rng=1),
        History.record(GaussianMixture(3, init="random"), points, rng=1),
    ]
    return [(run, [middles(parameters, points) for parameters in run.parameters]) for run in runs]


def wait_for_frame(page, index):
    """Until the marker of the longest run is on this frame."""
    page.wait_for_function(
        """([chart, x]) => {
            const at = document.querySelector(chart)._fullData.filter((_, i) => i % 3 === 2).map(t => t.x[0] ?? null);
            return Math.max(...at.map(v => v ?? -1)) === x;
        }""",
        arg=[LOSSES, (index - 1) / 2 if index else -1],
    )
    page.wait_for_timeout(60)


def check_frame(page, histories, index):
    """All panels show this half-step of their runs, or the last state if they have ended."""
    wait_for_frame(page, index)
    ends = [2 * run.iterations + 1 for run, _ in histories]
    told = sentences(page)
    for i, (run, states_of) in enumerate(histories):
        frame = min(index, ends[i])
        t, half = divmod(frame - 1, 2) if frame else (0, 0)
        np.testing.assert_allclose(centers(page, i), states_of[t + half], atol=1e-3)
        if frame:
            assert markers(page)[i] == (t + half / 2, pytest.approx(run.half_losses[t] if half else run.losses[t], rel=1e-12))
        else:
            assert markers(page)[i] == (None, None)
        assert ("Converged after" in told[i]) == (frame == ends[i])
    assert states(page) == ["" if index < end else "finished" for end in ends]


def test_each_step_is_the_same_half_step_in_all_panels_and_who_has_ended_says_so_and_waits(page, server, histories):
    visit(page, f"{server}/compare?n=100")
    ends = [2 * run.iterations + 1 for run, _ in histories]
    last = max(ends)
    assert len(set(ends)) == 3
    assert page.locator(".scrub").get_attribute("max") == str(last)
    check_frame(page, histories, last)
    page.locator(".scrub").evaluate("slider => { slider.value = 0; slider.dispatchEvent(new Event('input')) }")
    check_frame(page, histories, 0)
    forward = page.get_by_role("button", name="One step forward")
    for index in range(1, min(last, sorted(ends)[1] + 2) + 1):
        forward.click()
        check_frame(page, histories, index)
    page.get_by_role("button", name="One step back").click()
    check_frame(page, histories, index - 1)
    page.locator(".scrub").evaluate(
        "(slider, to) => { slider.value = to; slider.dispatchEvent(new Event('input')) }", last - 1
    )
    check_frame(page, histories, last - 1)


def test_the_race_plays_in_step_to_its_end(page, server, histories):
    visit(page, f"{server}/compare?n=100")
    ends = [run.iterations for run, _ in histories]
    page.evaluate(
        """([losses, picture]) => {
            window.seen = [];
            const markers = () => document.querySelector(losses)._fullData.filter((_, i) => i % 3 === 2);
            const first = () => [...document.querySelector(picture)._fullData.at(-1).x];
            document.querySelector(losses).on('plotly_animatingframe', () => requestAnimationFrame(() =>
                window.seen.push([markers().map(t => t.x[0] ?? null), first()])));
        }""",
        [LOSSES, picture(0)],
    )
    page.get_by_label("Speed").first.select_option("4")
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Pause").wait_for()
    page.get_by_role("button", name="Play").wait_for(timeout=60_000)
    check_frame(page, histories, 2 * max(ends) + 1)
    seen = page.evaluate("window.seen")
    begin = next(i for i, (places, _) in enumerate(seen) if None in places)
    frames = [(places, x) for places, x in seen[begin:] if None not in places]
    assert len({tuple(places) for places, _ in frames}) > max(ends)
    longest = [max(places) for places, _ in frames]
    assert longest == sorted(longest)
    for places, x in frames:
        assert places == [min(max(places), end) for end in ends]
        if max(places) > ends[0] + 1:  # K-means has ended, and stays while the others go on
            np.testing.assert_allclose(x, histories[0][1][-1][:, 0], atol=1e-3)
    assert any(max(places) > ends[0] + 1 for places, _ in frames)


def test_a_ready_made_comparison_is_one_click_and_its_address_shows_the_same_in_a_fresh_browser(page, chromium, server):
    visit(page, f"{server}/compare?n=100")
    page.get_by_role("radio", name="Unequal sizes").click()
    page.get_by_text("K-means and K-medoids split the large group in two").wait_for()
    page.wait_for_function("() => location.search.includes('sizes_ratio') && location.search.includes('seed=6')")
    settled(page)
    page.locator(".sentence", has_text="Converged after 41 iterations").wait_for()
    other = chromium.new_context().new_page()
    visit(other, page.url)
    assert sentences(other) == sentences(page)
    assert "Converged after" in sentences(page)[2]
    for i in range(3):
        np.testing.assert_array_equal(centers(other, i), centers(page, i))
    other.context.close()


def highlighted(page):
    """How many points stand out in the picture of both clusterings."""
    return page.evaluate(
        """() => {
            const graph = document.querySelector('.st-key-disagreement .js-plotly-plot');
            return graph._fullData.filter(t => t.customdata).map(t => t.x.length);
        }"""
    )


def test_a_click_on_a_square_highlights_its_points(page, server):
    visit(page, f"{server}/compare?n=100")
    page.locator(CONTINGENCY).wait_for()
    squares = page.locator(f"{CONTINGENCY} .scatterlayer .point")
    squares.first.wait_for()
    counts = [
        int(text.replace(",", ""))
        for text in page.evaluate("c => [...document.querySelector(c)._fullData[0].text]", CONTINGENCY)
    ]
    assert squares.count() == len(counts) > 2
    assert sum(counts) == 100
    largest = sorted(range(len(counts)), key=lambda i: -counts[i])[:2]
    assert counts[largest[0]] != counts[largest[1]]
    for i in largest:
        squares.nth(i).scroll_into_view_if_needed()
        box = None
        while box != (box := squares.nth(i).bounding_box()):  # what is above it may still move
            page.wait_for_timeout(200)
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.wait_for_function(
            """n => {
                const graph = document.querySelector('.st-key-disagreement .js-plotly-plot');
                return graph?._fullData?.filter(t => t.customdata).every(t => t.x.length === n)
                    && !document.querySelector('[data-testid=stStatusWidget]');
            }""",
            arg=counts[i],
        )
        assert highlighted(page) == [counts[i]] * 2
        assert page.get_by_role("combobox", name="Highlight").input_value().endswith(f"({counts[i]})")


@pytest.mark.parametrize("panels", [2, 4])
def test_it_fits_a_narrow_screen(page, server, panels):
    page.set_viewport_size(dict(width=420, height=900))
    visit(page, f"{server}/compare?n=100&panels={panels}", panels)
    assert page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth") <= 0
    for name in ("Play", "One step back", "One step forward"):
        box = page.get_by_role("button", name=name).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 420
    page.locator(picture(panels - 1)).scroll_into_view_if_needed()
    for i in range(panels):
        box = page.locator(picture(i)).bounding_box()
        assert box["x"] >= 0
        assert 250 < box["width"] <= 420


def test_the_first_visitor_of_a_new_server_can_come_straight_to_the_race(chromium, cold_server):
    # not by the fixture `page`: Streamlit writes on the console that it looked for this page in the wrong place first
    page = chromium.new_page()
    page.set_default_timeout(60_000)
    visit(page, f"{cold_server}/compare?n=100&k=4&panels=2", 2)
    page.get_by_role("dialog").wait_for(state="detached")
    assert page.get_by_role("heading", name="Compare", level=1).is_visible()
    menu = [text.split("\n")[-1] for text in page.get_by_test_id("stSidebarNavLink").all_inner_texts()]
    assert menu[5:7] == ["Compare", "Restarts"]
    assert [len(centers(page, i)) for i in range(2)] == [4, 4]
    page.close()

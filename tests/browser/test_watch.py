"""The Watch page in a browser: player, keyboard, uploads, and links."""

import re

import numpy as np
import pytest

from clustering import GaussianMixture, History, KMeans, three_gaussians
from tests.browser.waiting import (
    LOSS,
    PLOT,
    another_run,
    choose,
    enter,
    idle,
    leave_unchanged,
    open_page,
    play_to_end,
    sentence,
    shown_frame,
    step,
    still,
    to_frame,
    visit,
    wait_for_charts,
    wait_for_query,
)

pytestmark = pytest.mark.browser

ADDRESS = "/?n=100"
MIXTURE = "/?n=50&data_seed=8&algorithm=Gaussian mixture"


def open_watch(page, address):
    visit(page, address, PLOT, LOSS)


def open_any_run(page, server):
    """Opens a run of K-means, unless the previous test left one open."""
    if not page.url.startswith(server + ADDRESS):
        open_watch(page, server + ADDRESS)


def traces(page, chart=PLOT):
    """x and y of each trace as drawn now."""
    return page.evaluate(
        "chart => document.querySelector(chart)._fullData.map(t => ({x: Array.from(t.x), y: Array.from(t.y)}))", chart
    )


def centers(page):
    last = traces(page)[-1]
    return np.column_stack([last["x"], last["y"]]).astype(float)


def marker(page):
    """Iteration and loss at the marker of the loss curve."""
    last = traces(page, LOSS)[-1]
    return last["x"][0], last["y"][0]


def upload(page, name, content):
    page.locator("input[type=file]").set_input_files(dict(name=name, mimeType="text/csv", buffer=content))


def open_upload(page, server):
    """Opens the upload on the Data page, by the menu if the previous test left the data that it uploaded."""
    if page.url.startswith(f"{server}/?source=Upload"):
        open_page(page, "Data")
    else:
        page.goto(f"{server}/data?n=50")
        page.get_by_test_id("stMainBlockContainer").get_by_role("radio", name="Upload").click()
        page.get_by_text("No new data yet.").wait_for()


def back_to_watch(page):
    open_page(page, "Watch", "Clustering, step by step")
    wait_for_charts(page, PLOT, LOSS)


@pytest.fixture(scope="module")
def points():
    return three_gaussians(100, np.random.default_rng(0)).points


@pytest.fixture(scope="module")
def history(points):
    """The run at ADDRESS, computed without the app."""
    return History.record(KMeans(3, init="random"), points, rng=1)


def test_play_shows_all_frames_with_the_loss_marker_and_stops_at_the_final_state(page, server, history):
    open_watch(page, server + ADDRESS)
    assert shown_frame(page) == 2 * history.iterations + 1
    page.evaluate(
        """([plot, loss]) => {
            const seen = window.seen = [];
            const data = chart => document.querySelector(chart)._fullData.at(-1);
            document.querySelector(plot).on('plotly_animatingframe', () => requestAnimationFrame(() =>
                seen.push([data(loss).x[0] ?? null, [...data(plot).x]])));
        }""",
        [PLOT, LOSS],
    )
    play_to_end(page)
    np.testing.assert_allclose(centers(page), history.parameters[-1], atol=1e-3)
    assert marker(page) == (history.iterations, history.losses[-1])
    seen = [(iteration, x) for iteration, x in page.evaluate("window.seen") if iteration is not None]
    seen = seen[[iteration for iteration, _ in seen].index(0) :]  # before that, the last frame, at which the page opened
    iterations = [iteration for iteration, _ in seen]
    assert iterations == sorted(iterations)
    assert set(iterations) == set(np.arange(2 * history.iterations + 1) / 2)
    assert not np.allclose(seen[0][1], history.parameters[-1][:, 0], atol=1e-3)
    leave_unchanged(page, server + ADDRESS)


def test_every_frame_shows_its_centers_its_loss_and_its_sentence_on_the_same_axes(page, server, history):
    open_watch(page, server + ADDRESS)
    ranges = "chart => { const l = document.querySelector(chart)._fullLayout; return [l.xaxis.range, l.yaxis.range] }"
    axes = page.evaluate(ranges, PLOT)
    plot = page.locator(".st-key-picture [data-testid=stPlotlyChart]")
    to_frame(page, 0)
    assert sentence(page).startswith("Start: 3 centers")
    assert traces(page, LOSS)[-1]["x"] == [None]  # no loss before the first E step
    to_frame(page, 2)
    assert page.locator(f"{LOSS} .scatterlayer .trace").count() == 3
    to_frame(page, 0)
    np.testing.assert_allclose(centers(page), history.parameters[0], atol=1e-3)
    descriptions = [plot.get_attribute("aria-label")]
    for index in range(1, 2 * history.iterations + 2):
        step(page, "forward")
        t, half = divmod(index - 1, 2)
        loss = history.half_losses[t] if half else history.losses[t]
        np.testing.assert_allclose(centers(page), history.parameters[t + half], atol=1e-3)
        assert marker(page) == (t + half / 2, loss)
        assert sentence(page).startswith("Update (M)" if half else "Assignment (E)")
        assert page.evaluate(ranges, PLOT) == axes
        # what screen readers say
        descriptions.append(plot.get_attribute("aria-label"))
        assert sentence(page) in descriptions[-1]
    assert len(set(descriptions)) == len(descriptions)
    assert "Scatter plot of 100 points of Three Gaussians in 3 clusters." in descriptions[-1]
    assert "center at " in descriptions[-1].split("Cluster 1: ")[1]
    step(page, "back")
    assert marker(page) == (history.iterations - 0.5, history.half_losses[-1])
    to_frame(page, index)
    leave_unchanged(page, server + ADDRESS)


def test_the_keyboard_steps_plays_and_pauses_and_a_paused_plot_does_not_move(page, server):
    open_watch(page, server + ADDRESS)
    end = shown_frame(page)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert shown_frame(page) == end - 2
    page.keyboard.press("ArrowRight")
    assert shown_frame(page) == end - 1
    to_frame(page, 0)
    page.locator("h1").click()
    page.keyboard.press(" ")
    page.get_by_role("button", name="Pause").wait_for()
    page.wait_for_function("() => Number(document.querySelector('.st-key-loss .js-plotly-plot')._fullData.at(-1).x[0]) >= 0")
    page.keyboard.press(" ")
    page.get_by_role("button", name="Play", exact=True).wait_for()
    still(page)
    assert shown_frame(page) < end
    before = centers(page), marker(page), sentence(page)
    page.wait_for_timeout(700)  # a center would have moved on
    np.testing.assert_array_equal(centers(page), before[0])
    assert (marker(page), sentence(page)) == before[1:]
    to_frame(page, end)
    leave_unchanged(page, server + ADDRESS)


def test_the_player_is_visible_without_scrolling_on_a_small_screen(page, server):
    page.set_viewport_size(dict(width=1280, height=720))
    open_watch(page, server + ADDRESS)
    box = page.get_by_role("button", name="Play", exact=True).bounding_box()
    assert box["y"] + box["height"] <= 720
    leave_unchanged(page, server + ADDRESS)


GLIDE = """([plot, loss]) => {
    window.seen = [];
    const graph = document.querySelector(plot);
    graph.on('plotly_animatingframe', () => {
        if (document.querySelector(loss)._fullData.at(-1).x[0] === 0)
            window.seen.push(graph._fullData.slice(1).map((t) => [Array.from(t.x), Array.from(t.y)]));
    });
}"""
"""collects all traces but the points after each step of the animation between the first E frame and the first M frame"""


def check_gliding(page):
    """Checks that lines and centers move proportionally from the first E frame to the M frame after it."""
    places = []
    for index in (1, 2):
        to_frame(page, index)
        places.append([np.array([trace["x"], trace["y"]], dtype=float) for trace in traces(page)[1:]])
    to_frame(page, 1)
    page.evaluate(GLIDE, [PLOT, LOSS])
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("loss => document.querySelector(loss)._fullData.at(-1).x[0] >= 0.5", arg=LOSS)
    page.get_by_role("button", name="Pause").click()
    moved = 0
    for now in page.evaluate("window.seen"):
        before, after = places
        fractions = []
        for start, end, current in zip(before, after, now, strict=True):
            moves = np.abs(end - start) > 0.1  # False for NaN, where a line is interrupted
            fractions += ((np.array(current, dtype=float) - start)[moves] / (end - start)[moves]).tolist()
        assert fractions
        np.testing.assert_allclose(fractions, fractions[0], atol=1e-4)
        moved += 0 < fractions[0] < 1
    assert moved >= 3


def test_lines_and_centers_glide_from_an_e_frame_to_the_m_frame_after_it(page, server, history):
    open_watch(page, server + ADDRESS)
    check_gliding(page)
    to_frame(page, 2 * history.iterations + 1)
    leave_unchanged(page, server + ADDRESS)


def test_each_new_random_start_is_another_run_at_its_last_frame_with_one_player(page, server, points):
    open_watch(page, server + ADDRESS)
    # an element reached with the tab key has its own keys
    page.get_by_label("Random seed", exact=True).click()
    for _ in range(6):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.textContent.includes('New random start')"):
            break
    with another_run(page):
        page.keyboard.press(" ")
    assert page.get_by_role("button", name="Play", exact=True).count() == 1
    for seed in (2, 3):
        if seed > 2:
            to_frame(page, 1)
            with another_run(page):
                page.get_by_role("button", name="New random start").click()
        wait_for_query(page, seed=str(seed))
        assert page.get_by_label("Random seed", exact=True).input_value() == str(seed)
        history = History.record(KMeans(3, init="random"), points, rng=seed)
        assert shown_frame(page) == 2 * history.iterations + 1
        np.testing.assert_allclose(centers(page), history.parameters[-1], atol=1e-3)
        to_frame(page, 1)
        np.testing.assert_allclose(centers(page), history.parameters[0], atol=1e-3)
    # two players would both move on
    page.locator("h1").click()
    to_frame(page, 5)
    page.keyboard.press("ArrowLeft")
    assert shown_frame(page) == 4
    step(page, "back")
    assert shown_frame(page) == 3


def test_another_run_is_played_only_if_the_previous_one_was_playing(page, server):
    open_any_run(page, server)
    page.get_by_role("button", name="Play", exact=True).click()
    page.get_by_role("button", name="Pause").wait_for()
    with another_run(page):
        enter(page, "Clusters (K)", "6")
    page.get_by_role("button", name="Pause").wait_for()
    assert shown_frame(page) < int(page.locator(".scrub").get_attribute("max"))
    page.get_by_label("Speed").select_option("4")
    page.get_by_role("button", name="Play", exact=True).wait_for()
    with another_run(page):
        enter(page, "Clusters (K)", "5")
    page.wait_for_timeout(300)  # more than the player waits
    assert page.get_by_role("button", name="Play", exact=True).count() == 1


def test_keys_control_the_player_again_after_another_element_was_clicked(page, server):
    open_any_run(page, server)
    seed = int(page.get_by_label("Random seed", exact=True).input_value())
    page.get_by_label("Speed").select_option("0.25")

    def plays_and_pauses():
        page.keyboard.press(" ")
        page.get_by_role("button", name="Pause").wait_for()
        page.keyboard.press(" ")
        page.get_by_role("button", name="Play", exact=True).wait_for()
        before = shown_frame(page)
        page.keyboard.press("ArrowRight")
        assert shown_frame(page) == before + 1

    with another_run(page):
        page.get_by_role("button", name="New random start").click()
    plays_and_pauses()
    assert page.get_by_label("Random seed", exact=True).input_value() == str(seed + 1)  # the button was not pressed again
    with another_run(page):
        page.get_by_text("Show cluster regions").click()
    plays_and_pauses()
    with another_run(page):
        choose(page, "Algorithm", "K-medoids")
    plays_and_pauses()
    page.get_by_role("button", name="One step back").click()
    plays_and_pauses()
    with another_run(page):
        enter(page, "Clusters (K)", "4")
    plays_and_pauses()
    assert page.get_by_label("Clusters (K)").input_value() == "4"
    page.get_by_label("Clusters (K)").click()  # to type in it
    before = shown_frame(page)
    page.keyboard.press("ArrowLeft")
    assert shown_frame(page) == before


def test_an_invalid_upload_is_one_sentence_and_markup_in_a_column_name_is_shown_as_text(page, server):
    open_upload(page, server)
    upload(page, "one.csv", b"a,b\n1,2\n")
    page.get_by_text("only one row").wait_for()
    page.get_by_text(re.compile("^“Three Gaussians” is still in use")).wait_for()
    name = "<img src=x onerror=alert(1)>"
    rows = "\n".join(f"{i % 7},{i % 5}" for i in range(30))
    upload(page, "odd.csv", f"{name},**bold**\n{rows}\n".encode())
    page.get_by_text("30 points, 2 columns").first.wait_for()
    back_to_watch(page)
    for axis, text in (("xtitle", name), ("ytitle", "**bold**")):
        page.locator(f"{PLOT} .{axis}").get_by_text(text, exact=True).wait_for()
    assert page.locator("img[src=x]").count() == 0
    assert page.locator("[data-testid=stException]").count() == 0


def test_uploaded_points_far_from_zero_are_clustered_and_glide_too(page, server, points):
    far = np.round(points[::2] + 1e7, 3)
    open_upload(page, server)
    upload(page, "far.csv", b"a,b\n" + "\n".join(f"{x:.3f},{y:.3f}" for x, y in far).encode())
    page.get_by_text("50 points, 2 columns").first.wait_for()
    page.get_by_role("button", name="Use original units").first.click()
    page.get_by_text("they are standardized by default").first.wait_for(state="hidden")
    back_to_watch(page)
    last = History.record(KMeans(3, init="random"), far, rng=1).parameters[-1]
    np.testing.assert_allclose(centers(page), last, atol=2e-2, rtol=0)
    with another_run(page):
        choose(page, "Algorithm", "Gaussian mixture")
    last = History.record(GaussianMixture(3, init="random"), far, rng=1).parameters[-1]
    np.testing.assert_allclose(centers(page), last.means, atol=2e-2, rtol=0)
    check_gliding(page)


def test_many_points_are_drawn_as_images_that_change_with_the_frames(page, server):
    open_watch(page, f"{server}/?n=2,000")
    source = "chart => [...document.querySelectorAll(chart + ' .imagelayer image')].map(i => i.getAttribute('href'))"
    to_frame(page, 1)
    first = page.evaluate(source, PLOT)
    to_frame(page, 3)
    later = page.evaluate(source, PLOT)
    assert len(first) == len(later) == 2
    assert all(uri.startswith("data:image/") for uri in first)
    assert first[0] != later[0]  # the regions
    assert first[1] != later[1]  # the points
    to_frame(page, 1)
    assert page.evaluate(source, PLOT) == first


def test_ellipses_glide_too(page, server):
    open_watch(page, server + MIXTURE)
    last = shown_frame(page)
    check_gliding(page)
    to_frame(page, last)
    leave_unchanged(page, server + MIXTURE)


def test_the_address_of_changed_settings_opens_the_same_run(page, server):
    open_watch(page, server + MIXTURE)
    with another_run(page):
        choose(page, "Covariance", "Spherical")
    with another_run(page):
        page.get_by_role("button", name="New random start").click()
    wait_for_query(page, seed="2", mixture_covariance="Spherical: circles")
    idle(page)
    before = centers(page), sentence(page)
    open_watch(page, page.url)
    np.testing.assert_array_equal(centers(page), before[0])
    assert sentence(page) == before[1]

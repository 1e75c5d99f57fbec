"""Watch, as a person at a browser meets it."""

import re
from contextlib import contextmanager

import numpy as np
import pytest

from clustering import GaussianMixture, History, KMeans, KMedoids, proximity_matrix, three_gaussians
from tests.browser.waiting import choose

pytestmark = pytest.mark.browser

PICTURE, LOSS = ".st-key-picture .js-plotly-plot", ".st-key-loss .js-plotly-plot"


def visit(page, address, ready=True):
    page.goto(address)
    if ready:
        settled(page)
    return page


def settled(page):
    """Waits until the figures and the player belong to the same run."""
    page.wait_for_function(
        """([picture, loss]) => {
            const [a, b] = [document.querySelector(picture), document.querySelector(loss)];
            return a?.layout && b?.layout && a.layout.meta === b.layout.meta && a.querySelector('.updatemenu-button')
                && b.querySelector('.updatemenu-button') && document.querySelector('[data-testid=stMain]')
                && !document.querySelector('[data-testid=stStatusWidget]');
        }""",
        arg=[PICTURE, LOSS],
    )
    page.get_by_role("button", name="Play").wait_for()


@contextmanager
def another_run(page):
    """What is done within leads to another run, for which it waits."""
    meta = f"() => document.querySelector('{PICTURE}')?.layout?.meta"
    before = page.evaluate(meta)
    yield
    page.wait_for_function(f"before => ({meta})() && ({meta})() !== before", arg=before)
    page.wait_for_function(
        """([picture, loss]) => {
            const [a, b] = [document.querySelector(picture), document.querySelector(loss)];
            return a?.__figures && a.__figures === a.layout.meta && a.__figures === b?.__figures;
        }""",
        arg=[PICTURE, LOSS],
    )


def to_own_data(page):
    page.get_by_test_id("stSidebarNav").get_by_text("Data", exact=True).click()
    page.get_by_test_id("stMainBlockContainer").get_by_role("radio", name="Upload").click()
    page.get_by_text("No data yet.").wait_for()


def watch(page, summary):
    """From Data to Watch, when the data are there."""
    page.get_by_text(summary).first.wait_for()
    page.get_by_role("link", name="Run step by step").click()
    page.get_by_role("heading", name="Clustering, step by step").wait_for()
    settled(page)


def traces(page, chart=PICTURE):
    """x and y of each trace as they are drawn now."""
    return page.evaluate(
        "chart => document.querySelector(chart)._fullData.map(t => ({x: Array.from(t.x), y: Array.from(t.y)}))", chart
    )


def centers(page):
    last = traces(page)[-1]
    return np.column_stack([last["x"], last["y"]]).astype(float)


def marker(page):
    last = traces(page, LOSS)[-1]
    return last["x"][0], last["y"][0]


def sentence(page):
    return page.locator(".sentence").inner_text()


def shown(page):
    return int(page.locator(".scrub").input_value())


def to_frame(page, index):
    page.locator(".scrub").evaluate(
        "(slider, index) => { slider.value = index; slider.dispatchEvent(new Event('input', { bubbles: true })) }", index
    )
    page.wait_for_timeout(250)


@pytest.fixture(scope="module")
def history():
    """What the core makes of the run that the page opens with."""
    return History.record(KMeans(3, init="random"), three_gaussians(500, np.random.default_rng(0)).points, rng=1)


def test_play_runs_through_all_frames_with_the_loss_marker_and_ends_where_the_core_says(page, server, history):
    visit(page, server)
    last = 2 * history.iterations + 1
    assert shown(page) == last
    page.evaluate(
        """([picture, loss]) => {
            window.seen = [];
            const at = () => document.querySelector(loss)._fullData.at(-1).x[0] ?? null;
            document.querySelector(picture).on('plotly_animatingframe', () =>
                window.seen.push([Number(document.querySelector('.scrub')?.value ?? -1), at()]));
        }""",
        [PICTURE, LOSS],
    )
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Pause").wait_for()
    page.wait_for_function("() => window.seen.length > 20")
    during = centers(page)
    page.get_by_role("button", name="Play").wait_for(timeout=60_000)
    page.wait_for_timeout(300)
    assert not np.allclose(during, history.parameters[-1], atol=1e-3)
    np.testing.assert_allclose(centers(page), history.parameters[-1], atol=1e-3)
    assert marker(page) == (history.iterations, history.losses[-1])
    positions = [x for _, x in page.evaluate("window.seen") if x is not None]
    positions = positions[positions.index(0) :]  # before that, the end of the run on which the page opened
    assert len(set(positions)) > history.iterations
    assert positions == sorted(positions)


@pytest.mark.parametrize("far", [0, 1e7])
@pytest.mark.parametrize("algorithm", ["K-means", "Gaussian mixture"])
def test_lines_and_centers_glide_from_an_e_frame_to_the_m_frame_after_it(page, server, algorithm, far):
    visit(page, f"{server}/?algorithm={algorithm}")
    if far:  # numbers of double precision
        to_own_data(page)
        rows = "\n".join(f"{far + x:.3f},{y:.3f}" for x, y in three_gaussians(200, np.random.default_rng(0)).points)
        page.locator("input[type=file]").set_input_files(
            dict(name="far.csv", mimeType="text/csv", buffer=f"a,b\n{rows}\n".encode())
        )
        watch(page, "200 points, 2 columns")
    places = []
    for index in (1, 2):
        to_frame(page, index)
        places.append([np.array([trace["x"], trace["y"]], dtype=float) for trace in traces(page)[1:]])
    to_frame(page, 1)
    page.evaluate(
        """([picture, loss]) => {
            window.seen = [];
            const graph = document.querySelector(picture);
            graph.on('plotly_animatingframe', () => {
                if (document.querySelector(loss)._fullData.at(-1).x[0] === 0)
                    window.seen.push(graph._fullData.slice(1).map((t) => [Array.from(t.x), Array.from(t.y)]));
            });
        }""",
        [PICTURE, LOSS],
    )
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("loss => document.querySelector(loss)._fullData.at(-1).x[0] > 0.5", arg=LOSS)
    moved = 0
    for shown in page.evaluate("window.seen"):
        before, after = places
        shares = []
        for start, end, now in zip(before, after, shown, strict=True):
            far = np.abs(end - start) > 0.1  # NaN, where a line is broken, is not
            shares += ((np.array(now, dtype=float) - start)[far] / (end - start)[far]).tolist()
        assert shares
        np.testing.assert_allclose(shares, shares[0], atol=1e-4)  # all of them have gone the same part of their way
        moved += 0 < shares[0] < 1
    assert moved >= 3


def test_every_step_shows_its_centers_its_loss_and_its_sentence(page, server, history):
    visit(page, server)
    to_frame(page, 0)
    assert sentence(page).startswith("Start: 3 centers")
    assert traces(page, LOSS)[-1]["x"] == [None]  # no loss before the first E step
    to_frame(page, 2)
    assert len(page.locator(f"{LOSS} .scatterlayer .trace").all()) == 3
    to_frame(page, 0)
    np.testing.assert_allclose(centers(page), history.parameters[0], atol=1e-3)
    for index in range(1, 2 * history.iterations + 2):
        page.get_by_role("button", name="One step forward").click()
        page.wait_for_timeout(120)
        t, half = divmod(index - 1, 2)
        loss = history.half_losses[t] if half else history.losses[t]
        np.testing.assert_allclose(centers(page), history.parameters[t + half], atol=1e-3)
        assert marker(page) == (t + half / 2, loss)
        assert sentence(page).startswith("M step" if half else "E step")
    page.get_by_role("button", name="One step back").click()
    page.wait_for_timeout(120)
    assert marker(page) == (history.iterations - 0.5, history.half_losses[-1])


def test_the_keyboard_steps_plays_and_pauses(page, server):
    visit(page, server)
    end = shown(page)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert shown(page) == end - 2
    page.keyboard.press("ArrowRight")
    assert shown(page) == end - 1
    to_frame(page, 0)
    page.locator("h1").click()
    page.keyboard.press(" ")
    page.get_by_role("button", name="Pause").wait_for()
    page.keyboard.press(" ")
    page.get_by_role("button", name="Play").wait_for()
    assert shown(page) < end


def test_keys_are_the_players_again_after_something_else_was_clicked(page, server):
    visit(page, server)

    def plays_and_pauses():
        page.keyboard.press(" ")
        page.get_by_role("button", name="Pause").wait_for()
        page.keyboard.press(" ")
        page.get_by_role("button", name="Play").wait_for()
        before = shown(page)
        page.keyboard.press("ArrowRight")
        assert shown(page) == before + 1

    with another_run(page):
        page.get_by_role("button", name="New random start").click()
    plays_and_pauses()
    assert page.get_by_label("Random seed", exact=True).input_value() == "2"  # the button was not pressed once more
    with another_run(page):
        page.get_by_text("Show cluster regions").click()
    plays_and_pauses()
    with another_run(page):
        page.get_by_role("combobox", name="Algorithm").click()
        page.get_by_role("option", name="K-medoids").click()
    plays_and_pauses()
    page.get_by_role("button", name="One step back").click()
    plays_and_pauses()
    with another_run(page):
        page.get_by_label("Clusters (K)").fill("4")
        page.keyboard.press("Enter")
    plays_and_pauses()
    assert page.get_by_label("Clusters (K)").input_value() == "4"
    page.get_by_label("Clusters (K)").click()  # to write in it
    before = shown(page)
    page.keyboard.press("ArrowLeft")
    assert shown(page) == before


def test_who_comes_by_tab_works_each_thing_by_its_own_keys(page, server):
    visit(page, server)
    page.get_by_label("Random seed", exact=True).click()
    end = shown(page)
    for _ in range(6):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.textContent.includes('New random start')"):
            break
    page.keyboard.press(" ")
    page.wait_for_function("() => document.querySelector('.st-key-seed input').value === '2'")
    settled(page)
    assert page.get_by_role("button", name="Play").count() == 1
    assert shown(page) > 0
    assert end > 0


def test_another_run_is_played_too_while_one_plays(page, server):
    visit(page, server)
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Pause").wait_for()
    with another_run(page):
        page.get_by_label("Clusters (K)").fill("6")
        page.keyboard.press("Enter")
    page.get_by_role("button", name="Pause").wait_for()
    assert shown(page) < int(page.locator(".scrub").get_attribute("max"))
    page.get_by_role("button", name="Play").wait_for()
    with another_run(page):
        page.get_by_label("Clusters (K)").fill("5")  # and not where none does
        page.keyboard.press("Enter")
    page.wait_for_timeout(600)
    assert page.get_by_role("button", name="Play").count() == 1


def test_the_player_is_in_reach_on_a_small_screen(page, server):
    page.set_viewport_size(dict(width=1280, height=720))
    visit(page, server)
    box = page.get_by_role("button", name="Play").bounding_box()
    assert box["y"] + box["height"] <= 720


def test_a_paused_picture_stays_where_it_is(page, server):
    visit(page, server)
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(900)
    page.get_by_role("button", name="Pause").click()
    page.wait_for_timeout(200)
    before = (centers(page), marker(page), sentence(page))
    page.wait_for_timeout(700)
    np.testing.assert_array_equal(centers(page), before[0])
    assert (marker(page), sentence(page)) == before[1:]


def test_axes_stay_fixed_while_it_plays(page, server):
    visit(page, server)
    ranges = "chart => { const l = document.querySelector(chart)._fullLayout; return [l.xaxis.range, l.yaxis.range] }"
    before = page.evaluate(ranges, PICTURE)
    for index in (0, 3, 6):
        to_frame(page, index)
        assert page.evaluate(ranges, PICTURE) == before


def test_a_new_start_is_another_run_with_the_player_at_its_end(page, server):
    visit(page, server)
    to_frame(page, 1)
    before = page.evaluate("chart => document.querySelector(chart).layout.meta", PICTURE)
    page.get_by_role("button", name="New random start").click()
    page.wait_for_function("([chart, old]) => document.querySelector(chart)?.layout?.meta !== old", arg=[PICTURE, before])
    settled(page)
    page.wait_for_timeout(600)
    points = three_gaussians(500, np.random.default_rng(0)).points
    history = History.record(KMeans(3, init="random"), points, rng=2)
    np.testing.assert_allclose(centers(page), history.parameters[-1], atol=1e-3)
    to_frame(page, 1)
    np.testing.assert_allclose(centers(page), history.parameters[0], atol=1e-3)
    assert page.get_by_label("Random seed", exact=True).input_value() == "2"


def test_after_a_new_start_there_is_still_one_player(page, server):
    visit(page, server)
    for seed in (2, 3, 4):
        page.get_by_role("button", name="New random start").click()
        page.wait_for_function("seed => location.search.includes(`seed=${seed}`)", arg=seed)
        settled(page)
        page.wait_for_timeout(700)
    page.locator("h1").click()
    last = shown(page)
    page.keyboard.press("ArrowLeft")
    assert shown(page) == last - 1
    page.get_by_role("button", name="One step back").click()
    assert shown(page) == last - 2


def test_old_faithful_uploaded_as_csv_is_clustered_by_all_three_algorithms(page, server):
    from pages.datasets.catalog import FOLDER

    points = np.loadtxt(FOLDER / "faithful.csv", delimiter=",", skiprows=1)
    visit(page, f"{server}/?k=2")
    to_own_data(page)
    page.locator("input[type=file]").set_input_files(FOLDER / "faithful.csv")
    watch(page, "272 points, 2 columns")
    expected = {
        "K-means": History.record(KMeans(2, init="random"), points, rng=1).parameters[-1],
        "K-medoids": points[History.record(KMedoids(2, init="random"), proximity_matrix(points), rng=1).parameters[-1]],
        "Gaussian mixture": History.record(GaussianMixture(2, init="random"), points, rng=1).parameters[-1].means,
    }
    for name, middles in expected.items():
        if name != "K-means":
            choose(page, "Algorithm", name)
        page.wait_for_function(
            """([chart, x]) => {
                const last = document.querySelector(chart)?._fullData?.at(-1);
                return last?.x?.length === x.length && x.every((v, i) => Math.abs(v - last.x[i]) < 1e-3);
            }""",
            arg=[PICTURE, middles[:, 0].tolist()],
        )
        settled(page)
        np.testing.assert_allclose(centers(page), middles, atol=2e-2)
    page.get_by_text("−1,130.264").wait_for()


def test_a_bad_upload_is_one_sentence_and_the_picture_stays(page, server):
    visit(page, server)
    before = centers(page)
    to_own_data(page)
    page.locator("input[type=file]").set_input_files(dict(name="one.csv", mimeType="text/csv", buffer=b"a,b\n1,2\n"))
    page.get_by_text("only one row").wait_for()
    page.get_by_text("All pages still use “Three Gaussians”.").wait_for()
    page.get_by_test_id("stSidebarNav").get_by_text("Watch", exact=True).click()
    settled(page)
    np.testing.assert_array_equal(centers(page), before)
    assert page.locator("[data-testid=stException]").count() == 0


def test_a_column_named_with_markup_is_shown_as_text(page, server):
    visit(page, server)
    to_own_data(page)
    rows = "\n".join(f"{i % 7},{i % 5}" for i in range(30))
    name = "<img src=x onerror=alert(1)>"
    page.locator("input[type=file]").set_input_files(
        dict(name="odd.csv", mimeType="text/csv", buffer=f"{name},**bold**\n{rows}\n".encode())
    )
    watch(page, "30 points, 2 columns")
    for kind, text in (("xtitle", name), ("ytitle", "**bold**")):
        page.locator(f"{PICTURE} .{kind}").get_by_text(text, exact=True).wait_for()
    assert page.locator("img[src=x]").count() == 0


@pytest.mark.parametrize("n", ["5,000", "100,000"])
def test_many_points_play_as_pictures_that_change_with_the_steps(page, server, n):
    visit(page, f"{server}/?n={n}")
    source = "chart => [...document.querySelectorAll(chart + ' .imagelayer image')].map(i => i.getAttribute('href'))"
    to_frame(page, 1)
    first = page.evaluate(source, PICTURE)
    to_frame(page, 3)
    later = page.evaluate(source, PICTURE)
    assert len(first) == len(later) == 2
    assert all(uri.startswith("data:image/") for uri in first)
    assert first[0] != later[0]  # the regions
    assert first[1] != later[1]  # the points
    to_frame(page, 1)
    assert page.evaluate(source, PICTURE) == first


@pytest.mark.parametrize("path", ["/", "/?algorithm=K-medoids&k=4"])
def test_the_cold_deep_link_has_its_frame_and_its_menu(page, cold_server, path):
    visit(page, cold_server + path)
    assert page.get_by_role("heading", name="Clustering, step by step").count() == 1
    menu = [text.split("\n")[-1] for text in page.get_by_test_id("stSidebarNavLink").all_inner_texts()]
    explore = ["Watch", "Hierarchical", "Gaussian mixture", "Data", "Report"]
    assert menu == [*explore, "Compare", "Restarts", "Choose K", "Failures"]
    if "k=4" in path:
        assert page.get_by_label("Clusters (K)").input_value() == "4"
        assert len(centers(page)) == 4


def test_the_address_shows_the_same_run_in_a_fresh_browser(page, chromium, server):
    visit(page, server)
    page.get_by_role("combobox", name="Algorithm").click()
    page.get_by_role("option", name="Gaussian mixture").click()
    page.get_by_text("Log-likelihood (sum, nats)").wait_for()
    page.get_by_role("combobox", name="Covariance").click()
    page.get_by_role("option", name="Spherical").click()
    page.wait_for_function("() => location.search.includes('covariance')")
    page.get_by_role("button", name="New random start").click()
    page.wait_for_function("() => location.search.includes('seed=2')")
    settled(page)
    page.wait_for_timeout(500)
    other = chromium.new_context().new_page()
    visit(other, page.url)
    np.testing.assert_array_equal(centers(other), centers(page))
    assert sentence(other) == sentence(page)
    other.context.close()


@pytest.mark.parametrize("query", ["k=abc&n=7&algorithm=K-modes&seed=-5", "k=999", "sample=<b>x</b>&source=Nowhere"])
def test_a_link_with_nonsense_in_it_opens_with_the_defaults(page, server, query):
    visit(page, f"{server}/?{query}")
    assert len(centers(page)) == 3
    assert page.locator("[data-testid=stException]").count() == 0
    assert page.get_by_text("Defaults are used").count() == 1


def test_it_fits_a_narrow_screen(page, server):
    page.set_viewport_size(dict(width=420, height=900))
    visit(page, server)
    assert page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth") <= 0
    for name in ("Play", "One step back", "One step forward"):
        box = page.get_by_role("button", name=name).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 420


def test_long_work_shows_a_bar_that_moves_and_can_be_left(page, server):
    page.goto(f"{server}/?n=1,000,000&sample=Stretched+groups&algorithm=Mixture+of+Gaussians&k=8")
    bar = page.get_by_text(re.compile(r"^Iteration \d+ of at most"))
    bar.wait_for(timeout=60_000)
    first = bar.inner_text()
    page.wait_for_function(
        """first => {
            const told = [...document.querySelectorAll('p')].find(p => p.textContent.startsWith('Iteration'));
            return told && told.textContent !== first;
        }""",
        arg=first,
    )
    seed = page.get_by_label("Random seed (data)")
    page.get_by_role("combobox", name="Points").or_(page.get_by_role("slider", name="Points")).first.press("Home")
    page.get_by_text("50 points, 2 columns").wait_for(timeout=30_000)
    settled(page)
    assert len(centers(page)) == 8
    assert seed.input_value() == "0"

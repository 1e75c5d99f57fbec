"""Inside a mixture, as a person at a browser meets it."""

import numpy as np
import pytest

from clustering import GaussianMixture, History, three_gaussians

pytestmark = pytest.mark.browser

PICTURE, TRIANGLE = ".st-key-picture .js-plotly-plot", ".st-key-triangle .js-plotly-plot"
BELOW = "[class*=st-key-responsibilities] .js-plotly-plot"
ADDRESS = "/mixture?n=100&start_mixture=K-means"


def settled(page, *others):
    """Waits until the figures and the player belong to the same run."""
    page.wait_for_function(
        """charts => {
            const graphs = charts.map(chart => document.querySelector(chart));
            return graphs.every(g => g?.layout?.meta && g.layout.meta === graphs[0].layout.meta
                && g.querySelector('.updatemenu-button')) && !document.querySelector('[data-testid=stStatusWidget]');
        }""",
        arg=[PICTURE, ".st-key-loss .js-plotly-plot", *others],
    )
    page.get_by_role("button", name="Play").first.wait_for()


def visit(page, address):
    page.goto(address)
    settled(page, TRIANGLE)


@pytest.fixture(scope="module")
def history():
    """What the core makes of the run that these tests look at."""
    return History.record(GaussianMixture(3, init="k-means"), points(), rng=1, max_iter=500)


def points():
    return three_gaussians(100, np.random.default_rng(0)).points


def trace(page, chart, i):
    """x and y of a trace as it is drawn now, without gaps."""
    x, y = page.evaluate(
        "([c, i]) => { const t = document.querySelector(c)._fullData.at(i); return [Array.from(t.x), Array.from(t.y)] }",
        [chart, i],
    )
    return np.array([place for place in zip(x, y, strict=True) if None not in place], dtype=float)


def player(page, i=0):
    return page.locator(".player").nth(i)


def to_frame(page, index, i=0):
    player(page, i).locator(".scrub").evaluate(
        "(slider, index) => { slider.value = index; slider.dispatchEvent(new Event('input', { bubbles: true })) }", index
    )
    page.wait_for_timeout(250)


def in_triangle(shares):
    """The places of responsibilities (n, 3)."""
    return np.column_stack([shares[:, 1] + shares[:, 2] / 2, shares[:, 2] * np.sqrt(0.75)])


def by_number(history):
    """The components in the order of their numbers: by the direction in which the data are widest."""
    _, vectors = np.linalg.eigh(np.cov(points().T))
    direction = vectors[:, -1] * np.sign(vectors[np.abs(vectors[:, -1]).argmax(), -1])
    return np.argsort(history.parameters[-1].means @ direction)


def ground_and_margin(page, history, index):
    """The picture of the density, and the line above it, of an E frame; the line is compared with what it should be."""
    to_frame(page, index)
    source = "chart => [...document.querySelectorAll(chart + ' .imagelayer image')].map(i => i.getAttribute('href'))"
    (image,) = page.evaluate(source, PICTURE)
    across = trace(page, PICTURE, -3)
    weights, means, covariances = history.parameters[(index - 1) // 2]
    width = np.sqrt(covariances[:, 0, 0])
    away = (across[:, [0]] - means[:, 0]) / width
    density = (weights * np.exp(-(away**2) / 2) / (width * np.sqrt(2 * np.pi))).sum(axis=1)
    np.testing.assert_allclose(across[:, 1], density, atol=5e-3 * density.max())
    return image, across.tolist()


def values(page):
    return page.locator(".formulas .value").evaluate_all("places => places.map(place => place.textContent)")


def test_the_page_shows_and_plays_to_its_end_with_density_margins_and_triangle_in_step(page, server, history):
    visit(page, server + ADDRESS)
    page.get_by_role("heading", name="Gaussian mixture", level=1).wait_for()
    page.get_by_text("Responsibilities (ternary plot)").wait_for()
    last = 2 * history.iterations + 1
    scrub = player(page).locator(".scrub")
    assert scrub.input_value() == str(last)
    order = by_number(history)
    ended = in_triangle(history.last.assignment.responsibilities[:, order])
    np.testing.assert_allclose(trace(page, TRIANGLE, 0), ended, atol=1e-5)
    to_frame(page, 0)
    np.testing.assert_allclose(trace(page, TRIANGLE, 0), in_triangle(np.full((100, 3), 1 / 3)), atol=1e-5)
    to_frame(page, 1)
    np.testing.assert_allclose(
        trace(page, TRIANGLE, 0), in_triangle(history.assignment_of_iteration(0).responsibilities[:, order]), atol=1e-5
    )
    seen = {index: ground_and_margin(page, history, index) for index in (1, 3, last)}
    assert len({image for image, _ in seen.values()}) == 3
    assert ground_and_margin(page, history, 1) == seen[1]
    page.get_by_label("Speed").first.select_option("4")
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Pause").wait_for()
    page.get_by_role("button", name="Play").wait_for(timeout=30_000)
    page.wait_for_timeout(300)
    assert scrub.input_value() == str(last)
    np.testing.assert_allclose(trace(page, TRIANGLE, 0), ended, atol=1e-5)
    assert "Converged after" in player(page).locator(".sentence").inner_text()


def test_formulas_change_with_the_frame_and_have_the_loss_of_the_sentence(page, server, history):
    visit(page, server + ADDRESS)
    page.get_by_text("Show formulas").click()
    page.locator(".formulas math").nth(2).wait_for()
    settled(page)
    seen = []
    to_frame(page, 8)
    for _ in range(4):
        seen.append(values(page))
        index = int(player(page).locator(".scrub").input_value())
        t, half = divmod(index - 1, 2)
        loss = history.half_losses[t] if half else history.losses[t]
        assert float(seen[-1][0].removeprefix("= ")) == pytest.approx(loss, rel=1e-5)
        assert f"loss {seen[-1][0].removeprefix('= ')} nats per point" in player(page).locator(".sentence").inner_text()
        share = history.assignment_of_iteration(t).responsibilities[0, by_number(history)[0]]
        assert seen[-1][1] == f"= {share:.3f}"
        assert page.locator(".formula.now .what").all_inner_texts() == ["M step" if half else "E step"]
        page.get_by_role("button", name="One step back").click()
        page.wait_for_timeout(120)
    assert len({tuple(one) for one in seen}) == 4
    assert index == 5
    # drawn as formulas, not as text
    box = page.locator(".formulas mfrac").first.bounding_box()
    assert box["height"] > 20
    to_frame(page, 0)
    assert values(page)[:3] == ["", "", "not assigned yet."]
    page.get_by_text("Show formulas").click()
    page.locator(".formulas math").first.wait_for(state="detached")


def test_a_click_on_a_point_chooses_it_and_shows_its_shares(page, server, history):
    visit(page, server + ADDRESS)
    shares = history.last.assignment.responsibilities[:, by_number(history)]
    # points that nothing else lies upon
    xy = points()
    apart = np.linalg.norm(xy[:, None] - xy, axis=2) + 99 * np.eye(100)
    alone = np.argsort(-apart.min(axis=1), kind="stable")
    for row in alone[[3, 8]].tolist():
        page.locator(BELOW).first.scroll_into_view_if_needed()
        page.wait_for_timeout(300)
        x, y = page.evaluate(
            """([chart, x, y]) => {
                const graph = document.querySelector(chart), l = graph._fullLayout, box = graph.getBoundingClientRect();
                return [box.x + l.xaxis._offset + l.xaxis.l2p(x), box.y + l.yaxis._offset + l.yaxis.l2p(y)];
            }""",
            [BELOW, *xy[row].tolist()],
        )
        page.mouse.move(x - 2, y)
        page.mouse.move(x, y)
        page.wait_for_timeout(200)
        page.mouse.click(x, y)
        page.wait_for_function(
            "([label, value]) => document.querySelector(`input[aria-label=${label}]`)?.value === value",
            arg=["Point", str(row + 1)],
        )
        bars = [f"{share:.3f}" for share in shares[row]]
        page.wait_for_function(
            """bars => {
                const told = [...document.querySelectorAll('[class*=st-key-shares] .js-plotly-plot .bartext')];
                return JSON.stringify(told.map(text => text.textContent)) === JSON.stringify(bars);
            }""",
            arg=bars,
        )
        np.testing.assert_allclose(trace(page, BELOW, -1), xy[[row]], atol=1e-9)
    page.get_by_label("Point", exact=True).fill("5")
    page.get_by_label("Point", exact=True).press("Enter")
    page.wait_for_function(
        "([chart, x]) => Math.abs(document.querySelector(chart)?._fullData?.at(-1).x[0] - x) < 1e-9", arg=[BELOW, xy[4, 0]]
    )
    assert page.get_by_label("Point", exact=True).input_value() == "5"


def test_k_means_as_a_limit_has_a_player_of_its_own_that_plays(page, server):
    visit(page, server + ADDRESS)
    page.get_by_role("radio", name="K-means as a limit").or_(page.get_by_role("button", name="K-means as a limit")).click()
    page.locator(".player").nth(1).wait_for()
    chart = ".st-key-narrowing .js-plotly-plot"
    page.wait_for_function(
        """chart => document.querySelector(chart)?.querySelector('.updatemenu-button')
            && !document.querySelector('[data-testid=stStatusWidget]')""",
        arg=chart,
    )
    own, main = player(page, 1), player(page)
    before = main.locator(".scrub").input_value()
    to_frame(page, 0, 1)
    together = trace(page, chart, -2)
    np.testing.assert_allclose(together, np.tile(points().mean(axis=0), (3, 1)), atol=0.05)
    assert own.locator(".sentence").inner_text().startswith("Width ")
    # keys that are pressed elsewhere are for the first player
    page.get_by_role("heading", name="Gaussian mixture", level=1).click()
    page.keyboard.press("ArrowLeft")
    assert main.locator(".scrub").input_value() == str(int(before) - 1)
    assert own.locator(".scrub").input_value() == "0"
    own.get_by_label("Speed").select_option("4")
    own.get_by_role("button", name="Play").click()
    own.get_by_role("button", name="Pause").wait_for()
    own.get_by_role("button", name="Play").wait_for(timeout=30_000)
    page.wait_for_timeout(300)
    assert own.locator(".scrub").input_value() == own.locator(".scrub").get_attribute("max")
    means, crosses = trace(page, chart, -2), trace(page, chart, -1)
    apart = np.linalg.norm(means[:, None] - crosses, axis=2)
    assert apart.min(axis=1).max() < 0.05
    assert main.locator(".scrub").input_value() == str(int(before) - 1)


def test_it_fits_a_narrow_screen(page, server):
    page.set_viewport_size(dict(width=420, height=900))
    visit(page, server + ADDRESS)
    page.get_by_text("Show formulas").click()
    page.locator(".formulas math").nth(2).wait_for()
    settled(page)
    assert page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth") <= 0
    main = page.evaluate(
        "() => { const m = document.querySelector('[data-testid=stMain]'); return m.scrollWidth - m.clientWidth }"
    )
    assert main <= 0
    for name in ("Play", "One step back", "One step forward"):
        box = page.get_by_role("button", name=name).bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 420

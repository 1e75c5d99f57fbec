"""The Gaussian mixture page in a browser."""

import numpy as np
import pytest

from clustering import GaussianMixture, History, three_gaussians
from tests.browser.waiting import (
    LOSS,
    PLOT,
    enter,
    leave_unchanged,
    play_to_end,
    sentence,
    shown_frame,
    step,
    to_frame,
    visit,
    wait_for_charts,
)

pytestmark = pytest.mark.browser

TRIANGLE = ".st-key-triangle .js-plotly-plot"
ADDRESS = "/mixture?n=50&data_seed=8&start_mixture=K-means"  # a short run


MARKED = "([chart, x]) => Math.abs(document.querySelector(chart)?._fullData?.at(-1).x[0] - x) < 1e-9"
"""JavaScript: whether the crosshairs in a chart are at this x"""


def open_mixture(page, server):
    visit(page, server + ADDRESS, PLOT, LOSS, TRIANGLE)


@pytest.fixture(scope="module")
def history():
    """The run at ADDRESS, computed without the app."""
    return History.record(GaussianMixture(3, init="k-means"), points(), rng=1, max_iter=500)


def points():
    return three_gaussians(50, np.random.default_rng(8)).points


def trace(page, chart, i):
    """(n, 2) points of a trace as drawn now, without gaps."""
    x, y = page.evaluate(
        "([c, i]) => { const t = document.querySelector(c)._fullData.at(i); return [Array.from(t.x), Array.from(t.y)] }",
        [chart, i],
    )
    return np.array([place for place in zip(x, y, strict=True) if None not in place], dtype=float)


def player(page, i=0):
    return page.locator(".player").nth(i)


def in_triangle(responsibilities):
    """(n, 2) positions of (n, 3) responsibilities in the ternary plot."""
    return np.column_stack([responsibilities[:, 1] + responsibilities[:, 2] / 2, responsibilities[:, 2] * np.sqrt(0.75)])


def component_order(history):
    """Components in the order of their numbers: along the first principal component of the data."""
    _, vectors = np.linalg.eigh(np.cov(points().T))
    direction = vectors[:, -1] * np.sign(vectors[np.abs(vectors[:, -1]).argmax(), -1])
    return np.argsort(history.parameters[-1].means @ direction)


def background_and_margin(page, history, index):
    """The image of the density in an E frame and the margin above it, after checking the margin."""
    to_frame(page, index)
    source = "chart => [...document.querySelectorAll(chart + ' .imagelayer image')].map(i => i.getAttribute('href'))"
    (image,) = page.evaluate(source, PLOT)
    across = trace(page, PLOT, -6)  # below the margin on the right, circles and crosshairs
    weights, means, covariances = history.parameters[(index - 1) // 2]
    width = np.sqrt(covariances[:, 0, 0])
    z = (across[:, [0]] - means[:, 0]) / width
    density = (weights * np.exp(-(z**2) / 2) / (width * np.sqrt(2 * np.pi))).sum(axis=1)
    np.testing.assert_allclose(across[:, 1], density, atol=5e-3 * density.max())
    return image, across.tolist()


def values(page):
    return page.locator(".formulas .value").evaluate_all("places => places.map(place => place.textContent)")


def test_density_margins_and_ternary_plot_follow_the_frames_and_play_to_the_end(page, server, history):
    open_mixture(page, server)
    page.get_by_role("heading", name="Gaussian mixture", level=1).wait_for()
    page.get_by_text("Ternary plot of all points").wait_for()
    last = 2 * history.iterations + 1
    scrub = player(page).locator(".scrub")
    assert scrub.input_value() == str(last)
    order = component_order(history)
    ended = in_triangle(history.last.assignment.responsibilities[:, order])
    np.testing.assert_allclose(trace(page, TRIANGLE, 0), ended, atol=1e-5)
    to_frame(page, 0)
    np.testing.assert_allclose(trace(page, TRIANGLE, 0), in_triangle(np.full((50, 3), 1 / 3)), atol=1e-5)
    to_frame(page, 1)
    np.testing.assert_allclose(
        trace(page, TRIANGLE, 0), in_triangle(history.assignment_of_iteration(0).responsibilities[:, order]), atol=1e-5
    )
    seen = {index: background_and_margin(page, history, index) for index in (1, 3, last)}
    assert len({image for image, _ in seen.values()}) == 3
    assert background_and_margin(page, history, 1) == seen[1]
    play_to_end(page)
    assert scrub.input_value() == str(last)
    np.testing.assert_allclose(trace(page, TRIANGLE, 0), ended, atol=1e-5)
    assert "Converged after" in sentence(page)
    leave_unchanged(page, server + ADDRESS)


def test_formulas_change_with_the_frame_and_show_the_same_loss_as_the_sentence(page, server, history):
    open_mixture(page, server)
    page.get_by_text("Show formulas").click()
    page.locator(".formulas math").nth(2).wait_for()
    wait_for_charts(page, PLOT, LOSS, TRIANGLE)
    seen = []
    to_frame(page, 6)
    for _ in range(4):
        seen.append(values(page))
        index = shown_frame(page)
        t, half = divmod(index - 1, 2)
        loss = history.half_losses[t] if half else history.losses[t]
        assert float(seen[-1][0].removeprefix("= ")) == pytest.approx(loss, rel=1e-5)
        assert f"loss {seen[-1][0].removeprefix('= ')} nats per point" in sentence(page)
        share = history.assignment_of_iteration(t).responsibilities[0, component_order(history)[0]]
        assert seen[-1][1] == f"= {share:.3f}"
        assert page.locator(".formula.now .what").all_inner_texts() == ["Update (M)" if half else "Assignment (E)"]
        step(page, "back")
    assert len({tuple(texts) for texts in seen}) == 4
    assert index == 3
    # drawn as formulas, not as text
    box = page.locator(".formulas mfrac").first.bounding_box()
    assert box["height"] > 20
    to_frame(page, 0)
    assert values(page)[:3] == ["", "", "not assigned yet."]
    page.get_by_text("Show formulas").click()
    page.locator(".formulas math").first.wait_for(state="hidden")
    wait_for_charts(page, PLOT, LOSS, TRIANGLE)
    to_frame(page, 2 * history.iterations + 1)
    leave_unchanged(page, server + ADDRESS)


def test_a_click_on_a_point_selects_it_and_shows_its_responsibilities(page, server, history):
    open_mixture(page, server)
    responsibilities = history.last.assignment.responsibilities[:, component_order(history)]
    # isolated points
    xy = points()
    distances = np.linalg.norm(xy[:, None] - xy, axis=2) + 99 * np.eye(50)
    isolated = np.argsort(-distances.min(axis=1), kind="stable")
    for row in isolated[[3, 8]].tolist():
        wait_for_charts(page, PLOT, LOSS, TRIANGLE)
        page.locator(PLOT).first.scroll_into_view_if_needed()
        x, y = page.evaluate(
            """([chart, x, y]) => {
                const graph = document.querySelector(chart), l = graph._fullLayout, box = graph.getBoundingClientRect();
                return [box.x + l.xaxis._offset + l.xaxis.l2p(x), box.y + l.yaxis._offset + l.yaxis.l2p(y)];
            }""",
            [PLOT, *xy[row].tolist()],
        )
        page.mouse.move(x - 2, y)
        page.mouse.move(x, y)
        page.wait_for_function("chart => document.querySelector(chart)._hoverdata?.length", arg=PLOT)
        page.mouse.click(x, y)
        page.mouse.move(0, 0)  # the figure is replaced
        page.wait_for_function(
            "([label, value]) => document.querySelector(`input[aria-label=${label}]`)?.value === value",
            arg=["Point", str(row + 1)],
        )
        bars = [f"{value:.3f}" for value in responsibilities[row]]
        page.wait_for_function(
            """bars => {
                const texts = [...document.querySelectorAll('[class*=st-key-shares] .js-plotly-plot .bartext')];
                return JSON.stringify(texts.map(text => text.textContent)) === JSON.stringify(bars);
            }""",
            arg=bars,
        )
        page.wait_for_function(MARKED, arg=[PLOT, xy[row, 0]])
    enter(page, "Point", "5")
    page.wait_for_function(MARKED, arg=[PLOT, xy[4, 0]])
    assert page.get_by_label("Point", exact=True).input_value() == "5"


def test_k_means_as_a_limit_has_its_own_player(page, server):
    chart = ".st-key-narrowing .js-plotly-plot"
    if not page.url.startswith(server + ADDRESS):  # another section or point will do
        open_mixture(page, server)
    page.get_by_role("radio", name="K-means as a limit").click()
    wait_for_charts(page, PLOT, LOSS)
    wait_for_charts(page, chart)
    page.locator(".player").nth(1).wait_for()
    own, main = (player(page, i).locator(".scrub") for i in (1, 0))
    before = main.input_value()
    to_frame(page, 0, player=1)
    np.testing.assert_allclose(trace(page, chart, -2), np.tile(points().mean(axis=0), (3, 1)), atol=0.05)
    assert player(page, 1).locator(".sentence").inner_text().startswith("Width ")
    # keys pressed outside the players control the first one
    page.get_by_role("heading", name="Gaussian mixture", level=1).click()
    page.keyboard.press("ArrowLeft")
    assert main.input_value() == str(int(before) - 1)
    assert own.input_value() == "0"
    play_to_end(page, player=1)
    assert own.input_value() == own.get_attribute("max")
    means, crosses = trace(page, chart, -2), trace(page, chart, -1)
    distances = np.linalg.norm(means[:, None] - crosses, axis=2)
    assert distances.min(axis=1).max() < 0.05
    assert main.input_value() == str(int(before) - 1)

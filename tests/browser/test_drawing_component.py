"""The component that draws points, in a small app of its own."""

import json
import re
import time

import numpy as np
import pytest

from tests.browser.launch import serve

pytestmark = pytest.mark.browser

APP = """
import json

import numpy as np
import streamlit as st

from pages.ui.drawing import draw_points

state = st.session_state
state.setdefault("points", np.empty((0, 2)))
state.setdefault("version", 0)
state.runs = state.get("runs", 0) + 1


def show(points):
    st.text("answer " + json.dumps(dict(runs=state.runs, xy=points.tolist())))


def draw():
    st.button("Rerun")
    if st.button("Sample"):
        state.points, state.version = np.arange(20.0).reshape(10, 2) / 3, state.version + 1
    # in another container the component is mounted again
    with st.container(border=True) if st.checkbox("Elsewhere") else st.columns(1)[0]:
        state.points = draw_points("plane", state.points, (0, 10, 0, 8), version=state.version, names=("a", "b"))
    show(state.points)


def other():
    st.text("another page")


st.navigation([st.Page(draw, title="Draw", default=True), st.Page(other, title="Other")]).run()
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    script = tmp_path_factory.mktemp("drawing") / "app.py"
    script.write_text(APP, encoding="utf-8")
    with serve(script) as address:
        yield address


def answer(page):
    return json.loads(page.get_by_text(re.compile("^answer ")).inner_text().removeprefix("answer "))


def drawn(page):
    return np.array(answer(page)["xy"]).reshape(-1, 2)


def wait(page, holds, seconds=10):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "the condition was not met in time"
        page.wait_for_timeout(20)


def until(page, holds):
    """The points in Python, as soon as this condition holds for them."""
    wait(page, lambda: holds(drawn(page)))
    return drawn(page)


def open_plane(page, app):
    page.goto(app)
    page.locator("canvas").wait_for()
    page.locator(".count").get_by_text("0 points").wait_for()
    page.locator("canvas").scroll_into_view_if_needed()


def pixel(page, x, y):
    """The position on the page of a point of the canvas, given by coordinates from 0 to 1."""
    box = page.locator("canvas").bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def drag(page, *path, drop=True):
    page.mouse.move(*pixel(page, *path[0]))
    page.mouse.down()
    for at in path[1:]:
        page.mouse.move(*pixel(page, *at), steps=4)
    if drop:
        page.mouse.up()


def choose(page, tool):
    button = page.get_by_role("button", name=tool)
    button.click()
    assert button.get_attribute("aria-pressed") == "true"


def count(page, n):
    page.locator(".count").get_by_text(re.compile(f"^{n} points?$")).wait_for()


def rerun(page):
    """Reruns the script without using the pointer, which may be held down."""
    before = answer(page)["runs"]
    page.get_by_role("button", name="Rerun").dispatch_event("click")
    wait(page, lambda: answer(page)["runs"] > before)


def test_points_trails_and_clouds_reach_python_and_can_be_erased_and_undone(page, app):
    open_plane(page, app)
    page.mouse.click(*pixel(page, 0.5, 0.5))
    point = until(page, lambda points: len(points) == 1)
    assert (np.abs(point - [5, 4]) < 0.6).all()
    drag(page, (0.2, 0.2), (0.4, 0.2))
    trail = len(until(page, lambda points: len(points) > 5))
    choose(page, "Spray")
    drag(page, (0.7, 0.6), drop=False)
    wait(page, lambda: int(page.locator(".count").inner_text().split()[0]) > trail + 40)
    assert len(drawn(page)) == trail  # nothing is sent before the button is released
    page.mouse.up()
    cloud = until(page, lambda points: len(points) > trail + 40)
    assert (cloud >= 0).all()
    assert (cloud <= [10, 8]).all()
    choose(page, "Erase")
    drag(page, (0.1, 0.2), (0.5, 0.2))
    until(page, lambda points: len(points) == len(cloud) - (trail - 1))
    page.get_by_role("button", name="Undo").click()
    until(page, lambda points: len(points) == len(cloud))
    page.keyboard.press("Control+z")
    until(page, lambda points: len(points) == trail)
    page.get_by_role("button", name="Redo").click()
    np.testing.assert_array_equal(until(page, lambda points: len(points) == len(cloud)), cloud)
    page.get_by_role("button", name="Clear").click()
    until(page, lambda points: len(points) == 0)
    assert page.locator(".said").inner_text() == "0 points"


def test_a_rerun_during_a_stroke_loses_no_points(page, app):
    open_plane(page, app)
    drag(page, (0.2, 0.5), (0.4, 0.5), drop=False)
    rerun(page)
    page.mouse.move(*pixel(page, 0.7, 0.5), steps=4)
    page.mouse.up()
    points = until(page, lambda points: len(points) > 0)
    assert points[:, 0].min() < 2.5
    assert points[:, 0].max() > 6
    assert (np.diff(points[:, 0]) > 0).all()
    assert (np.diff(points[:, 0]) < 0.3).all()
    page.mouse.click(*pixel(page, 0.5, 0.2))
    rerun(page)
    until(page, lambda later: len(later) == len(points) + 1)


def test_points_are_kept_when_another_page_was_open_and_when_the_component_is_mounted_again(page, app):
    open_plane(page, app)
    drag(page, (0.2, 0.5), (0.6, 0.3))
    points = until(page, lambda points: len(points) > 5)
    page.get_by_role("link", name="Other").click()
    page.get_by_text("another page").wait_for()
    page.get_by_role("link", name="Draw").click()
    count(page, len(points))
    np.testing.assert_array_equal(drawn(page), points)
    before = page.locator("canvas").bounding_box()["x"]
    page.mouse.click(*pixel(page, 0.8, 0.8))
    page.get_by_text("Elsewhere").click()  # at once, while the point is being sent
    wait(page, lambda: (page.locator("canvas").bounding_box() or dict(x=0))["x"] > before)
    count(page, len(points) + 1)
    until(page, lambda later: len(later) == len(points) + 1)
    page.mouse.click(*pixel(page, 0.8, 0.3))
    until(page, lambda later: len(later) == len(points) + 2)


def test_a_new_version_shows_the_points_of_python(page, app):
    open_plane(page, app)
    page.mouse.click(*pixel(page, 0.5, 0.5))
    until(page, lambda points: len(points) == 1)
    page.get_by_role("button", name="Sample").click()
    count(page, 10)
    sample = np.arange(20.0).reshape(10, 2) / 3
    np.testing.assert_array_equal(drawn(page), np.minimum(sample, [10, 8]))
    page.mouse.click(*pixel(page, 0.2, 0.2))
    points = until(page, lambda points: len(points) == 11)
    np.testing.assert_array_equal(points[:10], np.minimum(sample, [10, 8]))


def test_points_are_drawn_and_erased_by_keyboard(page, app):
    open_plane(page, app)
    page.get_by_role("button", name="Erase").focus()
    for _ in range(5):  # the radius is disabled; undo, redo, clear, canvas
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.shadowRoot?.activeElement.tagName") == "CANVAS":
            break
    page.keyboard.press("Enter")
    np.testing.assert_allclose(until(page, lambda points: len(points) == 1), [[5, 4]])
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    page.keyboard.press("Shift+ArrowUp")
    assert page.locator(".said").inner_text() == "5.20, 5.60"
    page.keyboard.press(" ")
    np.testing.assert_allclose(until(page, lambda points: len(points) == 2), [[5, 4], [5.2, 5.6]])
    page.get_by_role("button", name="Erase").press("Enter")
    page.locator("canvas").focus()
    page.keyboard.press("Enter")
    np.testing.assert_allclose(until(page, lambda points: len(points) == 1), [[5.2, 5.6]])

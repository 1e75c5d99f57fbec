"""Computations that take long: progress, leaving, stopping and resuming."""

import re

import pytest

from tests.browser.waiting import LOSS, PLOT, wait_for_charts

pytestmark = pytest.mark.browser


def wait_for_progress(page, pattern):
    """Waits until the text of the progress bar, which begins with this regular expression, has changed."""
    page.wait_for_function(
        """pattern => {
            const text = [...document.querySelectorAll('p')].find(p => p.textContent.match(pattern))?.textContent;
            window.firstText ??= text;
            return text && text !== window.firstText && delete window.firstText;
        }""",
        arg=f"^{pattern}",
    )


def test_a_long_run_shows_its_progress_and_can_be_left(page, server):
    page.goto(f"{server}/?n=200,000&sample=Stretched+groups&algorithm=Gaussian+mixture&k=8")
    wait_for_progress(page, r"Iteration \d+ of at most")
    page.get_by_role("combobox", name="Points").or_(page.get_by_role("slider", name="Points")).first.press("Home")
    page.get_by_text("50 points, 2 columns").wait_for()
    wait_for_charts(page, PLOT, LOSS)
    assert page.evaluate("chart => document.querySelector(chart)._fullData.at(-1).x.length", PLOT) == 8
    assert page.get_by_label("Random seed (data)").input_value() == "0"


def test_a_long_computation_can_be_stopped_and_resumed(page, server):
    page.goto(f"{server}/choose_k?n=1,000&algorithm=Gaussian+mixture&k_up_to=8")
    message = page.get_by_text(re.compile("^Stopped with .* tasks remaining"))
    remaining = []
    for _ in range(2):
        wait_for_progress(page, r".* with K = \d")
        page.get_by_test_id("stButton").get_by_role("button", name="Stop").click()
        message.wait_for()
        remaining.append(int(re.search(r"[\d,]+", message.inner_text())[0].replace(",", "")))
        page.get_by_role("button", name="Resume").click()
        message.wait_for(state="detached")
    assert remaining[0] > remaining[1] > 0
    assert page.locator("[data-testid=stException]").count() == 0

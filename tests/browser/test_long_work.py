"""Computations that take long: progress, leaving, stopping and resuming."""

import re

import pytest

from tests.browser.waiting import LOSS, PLOT, idle, wait_for_charts

pytestmark = pytest.mark.browser
SOON = 5_000
"""milliseconds in which a computation that would take much longer stops"""


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


def stop_button(page):
    return page.get_by_test_id("stButton").get_by_role("button", name="Stop", exact=True).first


def points(page):
    """The number of points in the sidebar."""
    return page.get_by_role("combobox", name="Points").or_(page.get_by_role("slider", name="Points")).first


NOTE_CLICKABLE = """() => {
    // Notes buttons and charts that can be clicked or focused although an earlier run of the script left them.
    window.clickable = new Set();
    const look = () => {
        for (const e of document.querySelectorAll('.stMain [data-stale="true"] :is(button, a, .js-plotly-plot)'))
            if (e.checkVisibility({visibilityProperty: true})
                && (getComputedStyle(e).pointerEvents !== 'none' || !e.closest('[inert]'))
                && e.closest('.stButton, .stPlotlyChart, .stPageLink') && !/Stop$/.test(e.innerText))
                window.clickable.add(e.className + e.innerText);
        requestAnimationFrame(look);
    };
    look();
}"""


@pytest.mark.one_in(3)
@pytest.mark.parametrize(
    "link",
    [
        "/?n=50&sample=Stretched+groups&algorithm=Gaussian+mixture&k=8",
        "/mixture?n=50&sample=Stretched+groups&k=8",
        "/segments?n=50&sample=Stretched+groups&algorithm=Gaussian+mixture&k=8",
        "/compare?n=50&sample=Stretched+groups&k=8",
        "/choose_k?n=50&sample=Stretched+groups&algorithm=Gaussian+mixture&k_up_to=3&best_of=1",
        "/restarts?n=50&sample=Stretched+groups&algorithm=Gaussian+mixture&k=8&runs=10",
    ],
)
def test_results_of_other_settings_are_hidden_while_new_ones_are_computed(page, server, link):
    page.goto(server + link)
    page.locator(".stMain .js-plotly-plot").or_(page.get_by_text("Overview", exact=True)).first.wait_for()
    stop_button(page).wait_for(state="detached")
    idle(page)
    numbers = page.get_by_role("table", name="Suggested K by criterion").or_(
        page.get_by_role("button", name=re.compile(r"K = \d+, loss"))
    )
    before = set(numbers.all_inner_texts())
    page.evaluate(NOTE_CLICKABLE)
    points(page).press("End")
    page.get_by_text("1,000,000 points, 2 columns").wait_for()  # a button to stop may be that of the old settings until then
    stop_button(page).wait_for()
    page.wait_for_timeout(500)
    assert page.evaluate("[...window.clickable]") == []
    if "choose_k" in link:  # the first results of the new settings may be shown already
        assert before
        assert before.isdisjoint(numbers.all_inner_texts())
    elif "restarts" not in link:
        page.locator(".stMain .js-plotly-plot").locator("visible=true").first.wait_for(state="hidden")
    stop_button(page).click()
    page.get_by_text(re.compile("^Stopped")).wait_for()


def test_a_long_run_shows_its_progress_and_can_be_stopped_resumed_and_left_while_the_page_is_used(page, server):
    def iteration():
        text = page.get_by_text(re.compile(r"^Iteration \d+ of at most")).inner_text()
        return int(re.search(r"\d+", text)[0])

    page.goto(f"{server}/?n=50&sample=Stretched+groups&algorithm=Gaussian+mixture&k=8")
    wait_for_charts(page, PLOT, LOSS)
    points(page).press("End")
    page.get_by_text("1,000,000 points, 2 columns").wait_for()
    wait_for_progress(page, r"Iteration \d+ of at most")
    before = iteration()
    page.get_by_role("button", name="Save project").click()
    page.get_by_role("button", name="Project file").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Failures").click()
    page.get_by_role("heading", name="Failures", exact=True).wait_for()
    idle(page)
    page.get_by_role("link", name="Watch").click()
    wait_for_progress(page, r"Iteration \d+ of at most")
    assert iteration() > before
    stop_button(page).click()
    page.get_by_text("Stopped. Change a setting or resume.").wait_for(timeout=SOON)
    page.get_by_role("button", name="Resume").click()
    wait_for_progress(page, r"Iteration \d+ of at most")
    points(page).press("Home")
    page.get_by_text("50 points, 2 columns").wait_for()
    wait_for_charts(page, PLOT, LOSS)
    assert page.evaluate("chart => document.querySelector(chart)._fullData.at(-1).x.length", PLOT) == 8
    assert page.get_by_label("Random seed (data)").input_value() == "0"


def test_a_long_computation_can_be_stopped_and_resumed_and_goes_on_while_another_page_is_used(page, server):
    def share():
        return float(page.get_by_role("progressbar").get_attribute("aria-valuenow"))

    page.goto(f"{server}/choose_k?n=500&algorithm=Gaussian+mixture&k_up_to=10")
    message = page.get_by_text(re.compile("^Stopped with .* tasks remaining"))
    remaining = []
    for _ in range(2):
        wait_for_progress(page, r".* with K = \d")
        stop_button(page).click()
        message.wait_for(timeout=SOON)
        remaining.append(int(re.search(r"[\d,]+", message.inner_text())[0].replace(",", "")))
        page.get_by_role("button", name="Resume").click()
        message.wait_for(state="detached")
    assert remaining[0] > remaining[1] > 0
    assert page.locator("[data-testid=stException]").count() == 0

    page.get_by_role("progressbar").wait_for()
    for seconds in (0, 2, 5, 20):  # tasks may take long
        before = share()
        page.get_by_role("link", name="Watch").click()
        wait_for_charts(page, PLOT, LOSS)
        page.wait_for_timeout(1_000 * seconds)
        page.get_by_role("link", name="Choose K").click()
        page.get_by_role("progressbar").wait_for()
        if share() > before:
            break
    assert share() > before
    stop_button(page).click()
    message.wait_for()

"""The Restarts page in a browser."""

import re

import numpy as np
import pytest

from pages.datasets import catalog
from pages.datasets.formatting import format_number
from pages.methods import settings
from pages.restarts.study import RemainingRuns, RestartStudy
from pages.runs.cache import RecentCache

pytestmark = pytest.mark.browser

HISTOGRAM, CURVES = "[class*=st-key-histogram] .js-plotly-plot", "[class*=st-key-curves] .js-plotly-plot"
ADDRESS = "restarts?sample=Many+groups+on+a+grid&n=500&k=16&runs=20"
WAYS = ["random", "k-means++", "maxmin"]


@pytest.fixture(scope="module")
def findings():
    """What the core makes of the runs at this address."""
    study = RestartStudy.of(catalog.draw_sample("grid", 500, 0, {}), settings("kmeans", 16), RecentCache())
    RemainingRuns.of(study, WAYS, 20).resume(lambda *_: None)
    return study.findings(WAYS, 20)


def summary(page):
    return page.get_by_text(re.compile(r"^[\d,]+ runs gave")).inner_text()


def settled(page):
    page.get_by_text(re.compile(r"^[\d,]+ runs gave")).wait_for()
    page.wait_for_function(
        """charts => charts.every(chart => document.querySelector(chart)?._fullData?.length)
            && !document.querySelector('[data-testid=stStatusWidget]')""",
        arg=[HISTOGRAM, CURVES],
    )


def visit(page, address):
    page.goto(address)
    settled(page)


def check_watch(page, run):
    """Watch shows exactly this run."""
    page.get_by_role("heading", name="Clustering, step by step").wait_for()
    page.wait_for_function("seed => new RegExp(`[?&]seed=${seed}(&|$)`).test(location.search)", arg=run.seed)
    metric = page.get_by_test_id("stMetric").filter(has_text="Final loss").get_by_test_id("stMetricValue")
    metric.get_by_text(format_number(run.loss), exact=True).wait_for()
    iterations = page.get_by_test_id("stMetric").filter(has_text="Iterations").get_by_test_id("stMetricValue")
    assert iterations.inner_text() == str(len(run.losses) - 1)
    assert page.get_by_label("Random seed", exact=True).input_value() == str(run.seed)
    assert "/restarts" not in page.url
    centers = page.evaluate("() => [...document.querySelector('.st-key-picture .js-plotly-plot')._fullData.at(-1).x]")
    np.testing.assert_allclose(centers, run.centers[:, 0], atol=1e-3)


def check_back(page, before):
    """The Restarts page is unchanged and stays open."""
    settled(page)
    assert summary(page) == before
    page.wait_for_timeout(1500)
    assert "/restarts" in page.url
    assert summary(page) == before
    assert page.get_by_label("Clusters (K)").input_value() == "16"
    assert page.get_by_label("Runs per method").input_value() == "20"


def bars(page):
    """(trace, number within it, customdata) of each bar."""
    traces = page.evaluate(
        """chart => document.querySelector(chart)._fullData.map(
            (t, i) => t.type === 'bar' ? t.customdata.map((which, j) => [i, j, [...which]]) : [])""",
        HISTOGRAM,
    )
    return [tuple(bar) for trace in traces for bar in trace]


def click_bar(page, chosen):
    trace, j, _ = chosen
    bar = page.locator(f"{HISTOGRAM} .barlayer .trace.bars").nth(trace).locator(".point").nth(j)
    box = bar.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def test_a_click_on_a_bar_watches_its_best_run_and_coming_back_nothing_has_changed(page, server, findings):
    visit(page, f"{server}/{ADDRESS}")
    before = summary(page)
    assert before == (
        f"60 runs gave {len(findings.solutions)} distinct solutions; "
        f"{findings.reached} reached the best loss, {format_number(findings.best.loss)}."
    )
    runs = {(run.initialization, run.seed): run for run in findings.runs}
    found = bars(page)
    assert {tuple(which) for *_, which in found} <= set(runs)
    worst = max((bar for bar in found if bar[2][0] == "random"), key=lambda bar: runs[tuple(bar[2])].loss)
    greedy = max((bar for bar in found if bar[2][0] == "maxmin"), key=lambda bar: runs[tuple(bar[2])].loss)
    for chosen in (worst, greedy):
        click_bar(page, chosen)
        check_watch(page, runs[tuple(chosen[2])])
        page.get_by_test_id("stSidebarNav").get_by_text("Restarts", exact=True).click()
        check_back(page, before)
    assert runs[tuple(worst[2])].loss != runs[tuple(greedy[2])].loss


def test_a_click_on_the_end_of_a_curve_watches_that_run(page, server, findings):
    visit(page, f"{server}/{ADDRESS}")
    before = summary(page)
    points = page.evaluate(
        """chart => {
            const graph = document.querySelector(chart);
            const { xaxis, yaxis } = graph._fullLayout;
            const box = graph.getBoundingClientRect();
            return graph._fullData.filter(t => t.customdata).flatMap(t => Array.from(t.x, (x, i) => [
                [...t.customdata[i]], x,
                box.x + xaxis._offset + xaxis.l2p(x), box.y + yaxis._offset + yaxis.l2p(t.y[i]),
                yaxis.l2p(t.y[i]) > 0 && yaxis.l2p(t.y[i]) < yaxis._length]));
        }""",
        CURVES,
    )
    runs = {(run.initialization, run.seed): run for run in findings.runs}
    places = np.array([[x, y] for *_, x, y, _ in points])

    def room(i):
        """How far away the nearest point of another run is."""
        others = [j for j, point in enumerate(points) if point[0] != points[i][0]]
        return np.linalg.norm(places[others] - places[i], axis=1).min()

    ends = [i for i, (which, t, *_, seen) in enumerate(points) if seen and t == len(runs[tuple(which)].losses) - 1]
    chosen = max(ends, key=room)
    assert room(chosen) > 8
    page.mouse.click(*places[chosen])  # it is on the screen without scrolling
    check_watch(page, runs[tuple(points[chosen][0])])
    page.get_by_test_id("stSidebarNav").get_by_text("Restarts", exact=True).click()
    check_back(page, before)


def test_long_work_can_be_stopped_and_gone_on_with(page, server):
    page.goto(f"{server}/restarts?n=2,000&algorithm=K-medoids&k=10&kmedoids_update=Best+swap&runs=500")

    def underway(missing):
        return page.get_by_text(re.compile(rf"^Run (?!1 |2 )\d+ of {missing:,}, iteration"))

    stopped = page.get_by_text(re.compile(r"^Stopped, [\d,]+ runs not done"))
    made = []
    for _ in range(2):
        underway(1500 - sum(made[-1:])).wait_for()
        page.get_by_test_id("stButton").get_by_role("button", name="Stop").click()
        stopped.wait_for()
        settled(page)
        missing = int(re.search(r"([\d,]+) runs", stopped.inner_text())[1].replace(",", ""))
        made.append(1500 - missing)
        assert summary(page).startswith(f"{made[-1]:,} runs gave")
        assert page.get_by_test_id("stButton").get_by_role("button", name="Stop").count() == 0
        page.get_by_role("button", name="Resume").click()
        stopped.wait_for(state="detached")
    assert 0 < made[0] < made[1] < 1500
    page.get_by_test_id("stButton").get_by_role("button", name="Stop").click()


def test_it_fits_a_narrow_screen(page, server):
    page.set_viewport_size(dict(width=420, height=900))
    visit(page, f"{server}/{ADDRESS}")
    assert page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth") <= 0
    for chart in (HISTOGRAM, CURVES):
        box = page.locator(chart).bounding_box()
        assert box["x"] >= 0
        assert 250 < box["width"] <= 420


def test_the_first_visitor_of_a_new_server_can_come_straight_to_many_starts(chromium, cold_server, findings):
    # not by the fixture `page`: Streamlit writes on the console that it looked for this page in the wrong place first
    page = chromium.new_page()
    page.set_default_timeout(60_000)
    visit(page, f"{cold_server}/{ADDRESS}")
    page.get_by_role("dialog").wait_for(state="detached")
    assert page.get_by_role("heading", name="Restarts", level=1).is_visible()
    assert format_number(findings.best.loss) in summary(page)
    page.close()

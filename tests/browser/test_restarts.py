"""The Restarts page in a browser."""

import re

import numpy as np
import pytest

from pages.datasets import catalog
from pages.datasets.formatting import format_number
from pages.methods import settings
from pages.restarts.study import RemainingRuns, RestartStudy
from pages.runs.cache import RecentCache
from tests.browser.waiting import ENDED, open_page, wait_for_query

pytestmark = pytest.mark.browser

HISTOGRAM, CURVES = "[class*=st-key-histogram] .js-plotly-plot", "[class*=st-key-curves] .js-plotly-plot"
ADDRESS = "/restarts?sample=Many+groups+on+a+grid&n=200&k=16&runs=10"
INITIALIZATIONS = ["random", "k-means++", "maxmin"]


@pytest.fixture(scope="module")
def findings():
    """The results at ADDRESS, computed without the app."""
    study = RestartStudy.of(catalog.draw_sample("grid", 200, 0, {}), settings("kmeans", 16), RecentCache())
    RemainingRuns.of(study, INITIALIZATIONS, 10).resume(lambda *_: None)
    return study.findings(INITIALIZATIONS, 10)


def summary(page):
    return page.get_by_text(re.compile(r"^[\d,]+ runs gave")).inner_text()


def wait_for_results(page):
    page.get_by_text(re.compile(r"^[\d,]+ runs gave")).wait_for()
    page.wait_for_function(
        f"charts => {ENDED} && charts.every(chart => document.querySelector(chart)?._fullData?.length)",
        arg=[HISTOGRAM, CURVES],
    )


def check_watch(page, run):
    """Checks that the Watch page shows exactly this run."""
    page.get_by_role("heading", name="Clustering, step by step").wait_for()
    wait_for_query(page, seed=str(run.seed))
    metric = page.get_by_test_id("stMetric").filter(has_text="Loss").get_by_test_id("stMetricValue")
    metric.get_by_text(format_number(run.loss), exact=True).wait_for()
    iterations = page.get_by_test_id("stMetric").filter(has_text="Iteration").get_by_test_id("stMetricValue")
    assert iterations.inner_text() == str(len(run.losses) - 1)
    assert page.get_by_label("Random seed", exact=True).input_value() == str(run.seed)
    assert "/restarts" not in page.url
    centers = page.evaluate("() => [...document.querySelector('.st-key-picture .js-plotly-plot')._fullData.at(-1).x]")
    np.testing.assert_allclose(centers, run.centers[:, 0], atol=1e-3)


def check_back(page, before):
    """Checks that the Restarts page, opened again from the menu, is unchanged and stays open."""
    open_page(page, "Restarts")
    wait_for_results(page)
    assert summary(page) == before
    page.wait_for_timeout(300)  # the previous click must not be handled again
    wait_for_results(page)
    assert "/restarts" in page.url
    assert summary(page) == before
    assert page.get_by_label("Clusters (K)").input_value() == "16"
    assert page.get_by_label("Runs per initialization").input_value() == "10"


def bars(page):
    """(trace, number within the trace, customdata) of each bar."""
    traces = page.evaluate(
        """chart => document.querySelector(chart)._fullData.map(
            (t, i) => t.type === 'bar' ? t.customdata.map((run, j) => [i, j, [...run]]) : [])""",
        HISTOGRAM,
    )
    return [tuple(bar) for trace in traces for bar in trace]


def click_bar(page, chosen):
    trace, j, _ = chosen
    bar = page.locator(f"{HISTOGRAM} .barlayer .trace.bars").nth(trace).locator(".point").nth(j)
    box = bar.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def ends_of_curves(page, runs):
    """Visible ends of curves: (initialization and seed), x, y, distance to the nearest point of another run."""
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
    places = np.array([[x, y] for *_, x, y, _ in points])
    for (run, t, x, y, visible), place in zip(points, places, strict=True):
        if visible and t == len(runs[tuple(run)].losses) - 1:
            others = [point[0] != run for point in points]
            yield tuple(run), x, y, np.linalg.norm(places[others] - place, axis=1).min()


def test_a_click_on_a_bar_or_the_end_of_a_curve_opens_that_run_and_going_back_changes_nothing(page, server, findings):
    page.goto(server + ADDRESS)
    wait_for_results(page)
    before = summary(page)
    assert before == (
        f"30 runs gave {len(findings.solutions)} distinct solutions; "
        f"{findings.reached_count} of the runs reached the best loss, {format_number(findings.best.loss)}."
    )
    runs = {(run.initialization, run.seed): run for run in findings.runs}
    found = bars(page)
    assert {tuple(key) for *_, key in found} <= set(runs)
    worst = max((bar for bar in found if bar[2][0] == "random"), key=lambda bar: runs[tuple(bar[2])].loss)
    click_bar(page, worst)
    check_watch(page, runs[tuple(worst[2])])
    check_back(page, before)

    key, x, y, distance = max((end for end in ends_of_curves(page, runs) if end[0][0] == "maxmin"), key=lambda end: end[-1])
    assert runs[key].loss != runs[tuple(worst[2])].loss
    assert distance > 8
    page.mouse.click(x, y)  # visible without scrolling
    check_watch(page, runs[key])

"""The Choose K page in a browser."""

import re

import pytest

from pages.choose_k.sweep import INITIALIZATION, Sweep
from pages.choose_k.verdict import Verdict
from pages.datasets import catalog
from pages.datasets.formatting import format_number
from pages.methods import initializations, settings

pytestmark = pytest.mark.browser


def test_the_verdict_is_shown_and_a_k_opens_exactly_its_best_run(page, server):
    page.goto(f"{server}/choose_k?n=100&k_up_to=4")
    sweep = Sweep.of(catalog.draw_sample("three", 100, 0, {}), settings("kmeans"), 4, 10)
    sweep.resume(lambda *_: None)
    verdict = Verdict(sweep)
    page.get_by_role("heading", name=verdict.headline).wait_for()
    page.get_by_text("How clusters split as K grows").wait_for()
    page.wait_for_function("() => document.querySelectorAll('.js-plotly-plot').length === 8")
    best = verdict.best_runs[2]
    page.get_by_role("button", name=re.compile(f"K = 3, loss {re.escape(format_number(best.loss))}")).click()
    page.get_by_role("heading", name="Clustering, step by step").wait_for()
    page.locator(".sentence", has_text=f"loss {format_number(best.loss)}. Converged").wait_for()
    assert f"seed={best.seed}" in page.url or best.seed == 1
    assert initializations()[INITIALIZATION].label in page.url.replace("%2B", "+")


def test_long_work_can_be_stopped_and_resumed(page, server):
    page.goto(f"{server}/choose_k?n=1,000&algorithm=Gaussian+mixture&k_up_to=8")
    page.get_by_test_id("stButton").get_by_role("button", name="Stop").click(timeout=60_000)
    page.get_by_text(re.compile("Stopped with .* tasks remaining")).wait_for(timeout=60_000)
    page.get_by_role("button", name="Resume").click()
    page.get_by_text(re.compile(r"with K = \d")).first.wait_for(timeout=60_000)
    assert page.locator("[data-testid=stException]").count() == 0

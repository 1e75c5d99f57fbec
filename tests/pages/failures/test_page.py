"""The failure examples: each fails as described, and its fix helps."""

from functools import cache
from urllib.parse import parse_qs

import numpy as np
import pytest

from clustering.notices import COLLAPSING_COMPONENT, EMPTY_CLUSTER
from pages.runs.cache import RecentCache
from pages.runs.run import make_run
from pages.ui import random_starts
from pages.ui.failure_examples import FAILURES, GALLERY
from tests.pages.app import latest, opened


@cache
def run_of(name, fixed=False):
    scene = FAILURES[name].scene(fixed)
    return make_run(scene.load(), scene.settings, RecentCache(), lambda state: None)


def notices(run):
    return {notice.name for _, notice in run.history.unique_notices()}


@pytest.mark.parametrize(
    ("name", "at_most", "at_least"),
    [
        ("optimum", 0.9, 0.99),
        ("number", 0.7, 0.99),
        ("scales", 0.4, 0.8),
        ("outliers", 0.6, 0.99),
        ("tails", 0.6, 0.97),
        ("dimensions", 0.1, 0.95),
        ("background", 0.6, 0.95),
        ("densities", 0.85, 0.94),
    ],
)
def test_the_true_groups_are_found_only_with_the_fix(name, at_most, at_least):
    assert run_of(name).agreement < at_most
    assert run_of(name, fixed=True).agreement > at_least


def test_the_local_optimum_splits_one_group_and_covers_two_groups_with_one_center():
    run = run_of("optimum")
    table = np.zeros((9, 9))
    np.add.at(table, (run.history.last.labels, run.data.labels), 1)
    large = table > 0.2 * table.sum(axis=0)
    assert sorted(large.sum(axis=0)) == [1] * 8 + [2]
    assert sorted(large.sum(axis=1)) == [1] * 8 + [2]
    assert run_of("optimum", fixed=True).history.losses[-1] < run.history.losses[-1]


def test_the_local_optimum_is_not_the_best_one_that_random_starts_find(app, monkeypatch):
    monkeypatch.setattr(random_starts, "BEST_OF", 10)
    app.switch_page("pages/failures/page.py").run()
    app.button(key="open optimum").click().run()
    follow_link(app)
    assert any(caption.value.startswith("3 of 10 random starts find a better optimum") for caption in app.caption)


def test_one_component_covers_only_outliers_and_another_one_two_groups():
    run = run_of("tails")
    sums = np.stack([run.memberships[run.data.labels == label].sum(axis=0) for label in (-1, 0, 1, 2)])
    wide = sums[0].argmax()
    assert sums[0, wide] > 0.8 * sums[:, wide].sum()
    owners = (sums[1:] / sums[1:].sum(axis=1, keepdims=True)).argmax(axis=1)
    assert wide not in owners
    assert len(set(owners)) == 2


def test_k_means_cuts_rings_and_moons_and_dbscan_finds_them():
    for name, at_most in (("rings", 0.05), ("moons", 0.5)):
        run = run_of(name)
        assert abs(run.agreement) < at_most
        assert run.history.converged
        fixed = run_of(name, fixed=True)
        assert fixed.k == 2
        assert fixed.agreement > 0.98


def test_dbscan_leaves_the_background_without_a_cluster():
    fixed = run_of("background", fixed=True)
    background = fixed.data.labels < 0
    assert background.mean() == 0.3
    assert (fixed.labels[background] < 0).mean() > 0.95
    assert (fixed.labels[~background] < 0).mean() < 0.05


def test_dbscan_breaks_up_the_sparse_group():
    run = run_of("densities")
    sparse = np.bincount(run.data.labels, weights=run.labels < 0).argmax()
    members = run.labels[run.data.labels == sparse]
    assert (members < 0).mean() > 0.5
    assert len(np.unique(members[members >= 0])) > 1


@pytest.mark.parametrize(("name", "notice"), [("empty", EMPTY_CLUSTER), ("collapse", COLLAPSING_COMPONENT)])
def test_the_failure_causes_a_notice_and_the_fix_does_not(name, notice):
    assert notice in notices(run_of(name))
    assert notices(run_of(name, fixed=True)) == set()


@pytest.fixture(scope="module")
def app():
    return opened("/failures")


def test_the_page_shows_an_image_and_a_button_for_each_example(app):
    app.switch_page("pages/failures/page.py").run()
    assert [heading.value for heading in app.subheader if heading.value != "Data"] == [
        FAILURES[name].title for name in GALLERY
    ]
    assert sum(button.label == "Show example" for button in app.button) == len(GALLERY)
    assert sum("data:image/svg+xml" in element.proto.body for element in app.get("html")) == len(GALLERY)


def test_tooltips_and_alternative_texts_keep_the_symbol_k_in_capitals(app):
    app.switch_page("pages/failures/page.py").run()
    assert "Open the example: wrong K" in [button.help for button in app.button]
    assert any("Final state: wrong K" in element.proto.body for element in app.get("html"))


def follow_link(app):
    """Opens the page that the app requests, as its script does in a browser: with the query parameters of the link."""
    link = app.get("page_link")[0].proto
    app.query_params = {name: values[0] for name, values in parse_qs(link.query_string).items()}
    app.switch_page(f"pages/{link.page or 'watch'}/page.py").run()
    assert not app.exception


def assert_shows(app, scene, text):
    """The page shows the run of this scene and this text."""
    assert text in [info.value for info in app.info]
    data, settings = scene.load(), scene.settings
    run = latest(app, "run")
    assert run.data.key == data.key
    assert run.settings == settings


@pytest.mark.one_in(3)
@pytest.mark.parametrize("name", GALLERY)
def test_each_example_opens_its_run_and_the_button_above_it_the_fixed_one(app, name):
    failure = FAILURES[name]
    app.switch_page("pages/failures/page.py").run()
    app.button(key=f"open {name}").click().run()
    assert not app.exception
    follow_link(app)
    assert_shows(app, failure.scene(), failure.text)
    next(button for button in app.button if button.label == failure.fix).click().run()
    assert not app.exception
    if failure.scene(fixed=True).page != failure.scene().page:
        follow_link(app)
    assert_shows(app, failure.scene(fixed=True), failure.after)
    assert any(button.label == "Show the failure again" for button in app.button)

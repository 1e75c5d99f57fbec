"""The gallery of failures: what is said of each is so, and its remedy helps."""

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from clustering import adjusted_rand_index, tree_of_points
from clustering.notices import COLLAPSING_COMPONENT, EMPTY_CLUSTER
from pages.runs.cache import RecentCache
from pages.runs.run import make_run
from pages.ui.failure_examples import FAILURES, GALLERY

ROOT = Path(__file__).resolve().parents[3]


def run_of(name, remedied=False):
    scene = FAILURES[name].scene(remedied)
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
        ("dimensions", 0.1, 0.95),
    ],
)
def test_the_known_groups_are_missed_and_found_with_the_remedy(name, at_most, at_least):
    assert run_of(name).agreement < at_most
    assert run_of(name, remedied=True).agreement > at_least


def test_the_local_optimum_cuts_one_group_in_two_and_leaves_two_to_one_center():
    run = run_of("optimum")
    shares = np.zeros((9, 9))
    np.add.at(shares, (run.history.last.labels, run.data.labels), 1)
    large = shares > 0.2 * shares.sum(axis=0)
    assert sorted(large.sum(axis=0)) == [1] * 8 + [2]
    assert sorted(large.sum(axis=1)) == [1] * 8 + [2]
    assert run_of("optimum", remedied=True).history.losses[-1] < run.history.losses[-1]


def test_rings_are_halved_by_k_means_and_found_by_chains():
    run = run_of("rings")
    assert abs(run.agreement) < 0.05
    assert run.history.converged
    labels = tree_of_points(run.data.points, FAILURES["rings"].scene(remedied=True).state()["tree_linkage"]).labels(2)
    assert adjusted_rand_index(run.data.labels, labels) == 1


@pytest.mark.parametrize(("name", "notice"), [("empty", EMPTY_CLUSTER), ("collapse", COLLAPSING_COMPONENT)])
def test_what_is_named_is_noticed_and_gone_with_the_remedy(name, notice):
    assert notice in notices(run_of(name))
    assert notices(run_of(name, remedied=True)) == set()


@pytest.fixture
def app():
    app = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=60)
    app.switch_page("pages/failures/page.py").run()
    assert not app.exception
    return app


def test_the_gallery_has_a_picture_and_a_way_in_for_each_failure(app):
    assert [heading.value for heading in app.subheader if heading.value != "Data"] == [
        FAILURES[name].title for name in GALLERY
    ]
    assert sum(button.label == "Watch it go wrong" for button in app.button) == len(GALLERY)
    assert sum("data:image/svg+xml" in element.proto.body for element in app.get("html")) == len(GALLERY)


@pytest.mark.parametrize("name", GALLERY)
def test_each_opens_on_its_page_with_what_to_look_at_and_the_remedy(app, name):
    failure = FAILURES[name]
    app.button(key=f"open {name}").click().run()
    assert not app.exception
    wrong = failure.scene().state()
    assert {key: app.session_state[key] for key in wrong} == wrong
    pages = {"watch": "pages/watch/page.py", "mixture": "pages/mixture/page.py", "hierarchy": "pages/hierarchy/page.py"}
    page = pages[failure.scene().page]
    app.switch_page(page).run()
    assert not app.exception
    assert failure.text in [info.value for info in app.info]
    next(button for button in app.button if button.label == failure.remedy).click().run()
    assert not app.exception
    if failure.scene(remedied=True).page != failure.scene().page:
        app.switch_page(pages[failure.scene(remedied=True).page]).run()
    assert failure.after in [info.value for info in app.info]
    assert any(button.label == "Show it go wrong again" for button in app.button)

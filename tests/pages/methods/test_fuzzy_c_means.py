"""Fuzzy c-means on the pages of the app."""

import numpy as np
import pytest

from clustering import FuzzyCMeans, fit, three_gaussians
from pages.methods import settings
from tests.pages.app import latest, opened
from tests.pages.checks import sample

POINTS = three_gaussians(50, np.random.default_rng(0)).points


def metrics(app):
    return {metric.label: metric.value for metric in app.metric}


def run_of(app):
    return latest(app, "run")


def test_watch_shows_the_same_results_as_the_core():
    app = opened("/?algorithm=Fuzzy c-means&n=50&fuzzy_m=1.5")
    assert not app.error
    assert not [warning.value for warning in app.warning]
    last = fit(FuzzyCMeans(3, m=1.5, init="random"), POINTS, rng=1)
    assert metrics(app)["Iteration"] == str(last.iteration)
    assert float(metrics(app)["Loss"].replace(",", "")) == pytest.approx(last.loss, rel=1e-5)
    coefficient = np.square(last.assignment.memberships).sum(axis=1).mean()
    assert metrics(app)["Partition coefficient"] == f"{coefficient:.3f}"


def test_changing_the_fuzzifier_changes_the_run():
    app = opened("/?algorithm=Fuzzy c-means&n=50")
    before = metrics(app)["Partition coefficient"]
    app.number_input(key="fuzzy_m").set_value(4.0).run()
    assert run_of(app).settings == settings("fuzzy", 3, "random", 1, m=4.0)
    assert float(metrics(app)["Partition coefficient"]) < float(before)


def test_formulas_and_report_can_be_shown():
    app = opened("/?algorithm=Fuzzy c-means&n=50")
    app.toggle(key="formulas").set_value(True).run()
    assert not app.exception
    report = opened("/report?algorithm=Fuzzy c-means&n=50&fuzzy_m=3.0")
    assert not report.exception
    assert run_of(report).settings.option("m") == 3.0


def test_it_can_be_initialized_by_hierarchical_clustering():
    app = opened("/hierarchy?n=50")
    app.button(key="hand over to fuzzy").click().run()
    app.switch_page("pages/watch/page.py").run()
    assert not app.exception
    run = run_of(app)
    assert run.view.title == "Fuzzy c-means"
    assert run.settings.start.linkage == "ward"
    assert "from hierarchical clustering, Ward linkage" in run.view.sentence(run, 0)


def test_runs_with_different_fuzzifiers_have_different_names_in_a_comparison():
    query = "panels=2&n=50&algorithm_1=Fuzzy c-means&algorithm_2=Fuzzy c-means&fuzzy_m_1=1.5&fuzzy_m_2=3.0"
    app = opened(f"/compare?{query}")
    assert not app.error
    compared = latest(app, "comparison")
    assert compared.names == ["1. Fuzzy c-means, m = 1.5", "2. Fuzzy c-means, m = 3"]
    assert compared.runs[0].settings.start == compared.runs[1].settings.start


def test_restarts_and_choose_k_run_it():
    app = opened("/restarts?n=50&algorithm=Fuzzy c-means&runs=10")
    assert not app.error
    study = latest(app, "restarts")
    assert {type(study.process(initialization)) for initialization, _ in study.finished} == {FuzzyCMeans}
    app = opened("/choose_k?n=50&algorithm=Fuzzy c-means&k_up_to=3&best_of=1")
    assert not app.error
    assert not app.exception


def test_colors_are_blended_by_membership():
    from pages.datasets.planes import column_plane
    from pages.runs.cache import RecentCache
    from pages.runs.frames import frames_of
    from pages.runs.pictures import picture
    from pages.runs.run import make_run

    run = make_run(sample(), settings("fuzzy", 3, m=3.0), RecentCache(), lambda state: None)
    figure = picture(run, frames_of(run)[0], column_plane(run.data.columns, 0, 1), "name")
    assert len(set(figure.data[0].marker.color)) > 3

"""Variational mixtures on the pages of the app."""

import numpy as np

from clustering import VariationalMixture, fit
from pages.datasets.planes import column_plane
from pages.methods import settings
from pages.runs.cache import RecentCache
from pages.runs.frames import frames_of
from pages.runs.pictures import picture
from pages.runs.run import make_run
from tests.pages.app import latest, opened
from tests.pages.checks import sample


def run_with_superfluous_components():
    data = sample(n=200)
    run = make_run(data, settings("variational", 6, "random", 1, data=data), RecentCache(), lambda state: None)
    assert (run.sizes < 1).any()
    return run


def test_watch_shows_the_same_results_as_the_core_and_the_number_of_components_in_use():
    app = opened("/?algorithm=Bayesian mixture&n=100&k=6&variational_concentration=0.1")
    assert not app.error
    run = latest(app, "run")
    last = fit(VariationalMixture(6, init="random", concentration=0.1), run.data.points, rng=1)
    assert run.history.losses[-1] == last.loss
    used = np.count_nonzero(last.assignment.sizes >= 1)
    assert 0 < used < 6
    assert {metric.label: metric.value for metric in app.metric}["Components in use"] == str(used)
    assert any("superfluous" in warning.value for warning in app.warning)


def test_components_without_points_are_not_drawn():
    run = run_with_superfluous_components()
    frames, _ = frames_of(run)
    figure = picture(run, frames, column_plane(run.data.columns, 0, 1), "name")
    x = np.array(figure.data[-1].x)
    np.testing.assert_array_equal(np.isnan(x), run.sizes < 1)
    assert run.ranks[run.sizes < 1].min() > run.ranks[run.sizes >= 1].max(), "they do not have the last numbers"
    last = [np.array(spec.x, dtype=float) for spec in figure.data if spec.mode == "lines"][-run.k :]
    np.testing.assert_array_equal([np.isnan(line).all() for line in last], run.sizes < 1)
    first = dict(zip(figure.frames[0].traces, figure.frames[0].data, strict=True))
    assert np.isfinite(np.array(first[len(figure.data) - 1].x)).all()


def test_captions_and_the_table_count_the_components_in_use():
    run = run_with_superfluous_components()
    used = np.count_nonzero(run.sizes >= 1)
    assert f"{used} of 6 components in use." in run.view.sentence(run, len(run.history.states) - 1)
    (table,) = run.view.tables(run)
    assert [row[-1] for row in table.rows].count("in use") == used
    assert run.view.criteria(run.history.process, run.history.last, run.data) == {}

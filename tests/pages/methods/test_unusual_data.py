"""Methods on data with unusual units, ties or sizes, and one method after another."""

import itertools

import numpy as np
import pytest

from pages.datasets import catalog
from pages.datasets.data import Data
from pages.methods import available_methods, method
from pages.methods.traits import WATCH
from pages.runs.cache import RecentCache
from pages.runs.run import make_run
from tests.pages.app import latest, opened_with_pasted

GROUPS = catalog.draw_sample("round", 40, 0, {}).points
MATRIX_METHODS = [name for name, view in available_methods(WATCH).items() if "metric" in {one.name for one in view.options}]


def data_of(points, key="unusual"):
    points = np.asarray(points, dtype=float)
    return Data(key, "Unusual", tuple(f"x{i}" for i in range(points.shape[1])), points)


def run_on(data, name, cache=None, **options):
    settings = method(name).settings(2, data=data, **options)
    return make_run(data, settings, cache or RecentCache(), lambda state: None)


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize(("first", "second"), list(itertools.permutations(MATRIX_METHODS, 2)))
def test_methods_that_need_distances_do_not_disturb_each_other(first, second, metric):
    data, cache = data_of(GROUPS), RecentCache()
    run_on(data, first, cache, metric=metric)
    after = run_on(data, second, cache, metric=metric)
    np.testing.assert_array_equal(after.labels, run_on(data, second, metric=metric).labels)


@pytest.mark.parametrize("name", ["dbscan", "meanshift", "optics"])
@pytest.mark.parametrize("unit", [1e-12, 1e12])
def test_widgets_accept_defaults_in_any_unit(name, unit):
    app = opened_with_pasted("a,b\n" + "\n".join(f"{x!r},{y!r}" for x, y in (GROUPS * unit).tolist()))
    app.switch_page("pages/watch/page.py").run()
    app.selectbox(key="algorithm").set_value(name).run()
    assert not app.exception
    assert latest(app, "run").settings.method == name


@pytest.mark.parametrize("spacing", [1.2345, 2**0.5, 1e-9 / 3])
def test_the_default_radius_reaches_neighbors_at_equal_distances(spacing):
    grid = np.stack(np.meshgrid(range(8), range(8)), axis=-1).reshape(-1, 2) * spacing
    run = run_on(data_of(grid, key=f"grid {spacing}"), "dbscan")
    assert (run.labels >= 0).all()
    assert run.settings.option("eps") == pytest.approx(spacing, rel=0.01)


def test_a_bayesian_mixture_without_visible_components_has_captions():
    app = opened_with_pasted("a,b\n0,0\n1,1\n")
    app.switch_page("pages/watch/page.py").run()
    app.selectbox(key="algorithm").set_value("variational").run()
    assert not app.exception


def test_the_step_of_a_radius_follows_the_data():
    app = opened_with_pasted("a,b\n" + "\n".join(f"{x!r},{y!r}" for x, y in (GROUPS * 1e-3).tolist()))
    app.switch_page("pages/watch/page.py").run()
    app.selectbox(key="algorithm").set_value("optics").run()
    widget = app.number_input(key="optics_eps")
    scale = latest(app, "run").data.points.std()
    assert scale / 100 < widget.step < scale

"""Mean shift in the app: defaults, captions, formulas, moving points."""

import numpy as np

from clustering import suggested_bandwidth
from pages.datasets import catalog
from pages.datasets.data import Data
from pages.datasets.planes import column_plane
from pages.figures import palette
from pages.methods import mean_shift, settings
from pages.runs import pictures
from pages.runs.cache import RecentCache
from pages.runs.frames import frames_of
from pages.runs.readings import numbers_of
from pages.runs.run import make_run
from tests.pages.app import opened

PLANE = Data("line", "Line", ("x", "y"), np.column_stack([[0.0, 1, 2, 8, 9], np.zeros(5)]), np.array([0, 0, 0, 1, 1]))


def run_on(data=PLANE, **options):
    return make_run(data, settings("meanshift", data=data, **options), RecentCache(), lambda _: None)


RUN = run_on(bandwidth=1.5)
FRAMES, _ = frames_of(RUN)


def test_captions_state_the_largest_move_and_the_modes():
    assert FRAMES[1].sentence.startswith("Density: every point is at its original position, loss ")
    assert FRAMES[2].sentence.startswith("Shift: points moved by at most 0.5, loss ")
    assert FRAMES[-1].sentence.startswith("Modes: the points reached 2 modes, loss ")


def test_points_climb_in_gray_and_return_in_the_colors_of_their_modes():
    figure = pictures.picture(RUN, FRAMES, column_plane(("x", "y"), 0, 1), "name")
    shifted = figure.frames[2].data[0]
    assert list(shifted.x) == [0.5, 1, 1.5, 8.5, 8.5]
    assert set(shifted.marker.color) == {palette.NEUTRAL}
    last = figure.frames[-1].data[0]
    assert list(last.x) == [0, 1, 2, 8, 9]
    assert len(set(last.marker.color)) == 2
    assert palette.NEUTRAL not in last.marker.color


def test_formulas_have_the_weights_and_the_density_of_a_point():
    objective, shift, modes = RUN.view.formulas(RUN, 0, 0)
    assert shift.values(FRAMES[1])[0] == "= (0.5, 0)"
    assert "2 points within the bandwidth" in shift.values(FRAMES[1])[1]
    assert modes.values(FRAMES[1])[1] == "no modes yet."
    assert modes.values(FRAMES[-1]) == ["= 1", "at distance 1."]
    assert objective.values(FRAMES[-1])[0].startswith("= ")


def test_scores_and_clusters_are_not_stated_before_the_modes_are_found():
    numbers = {one.name: one.texts for one in numbers_of(RUN, FRAMES)}
    assert set(numbers["Clusters"][:-1]) == set(numbers["Adjusted Rand index"][:-1]) == {"–"}
    assert (numbers["Clusters"][-1], numbers["Adjusted Rand index"][-1]) == ("2", "1.000")


def test_the_default_bandwidth_follows_the_data_and_the_kernel():
    data = catalog.draw_sample("three", 100, 0, {})
    for kernel in ("flat", "gaussian"):
        chosen = settings("meanshift", data=data, kernel=kernel).option("bandwidth")
        assert chosen == float(f"{suggested_bandwidth(data.points, kernel):.3g}")
    app = opened("/?algorithm=Mean shift&n=100")
    flat = app.number_input(key="meanshift_bandwidth").value
    app.selectbox(key="meanshift_kernel").set_value("gaussian").run()
    assert app.number_input(key="meanshift_bandwidth").value < flat


def test_many_points_are_sampled(monkeypatch):
    monkeypatch.setattr(mean_shift, "MAX_POINTS_FOR_PROXIMITIES", 50)
    run = run_on(catalog.draw_sample("three", 60, 0, {}))
    assert run.note.endswith("it uses a sample of 50 of the 60 points.")

"""Student-t mixtures on the pages of the app."""

import csv
import io

import numpy as np
import pytest

from clustering import StudentMixture, fit
from pages.export import files
from pages.figures.grids import Grid
from pages.methods import method, settings
from pages.runs.cache import RecentCache
from pages.runs.run import make_run
from tests.pages.app import latest, opened
from tests.pages.checks import sample


def run_with_outliers(**options):
    data = sample("outliers", 200)
    return make_run(data, settings("student", 3, "random", 1, data=data, **options), RecentCache(), lambda state: None)


def test_watch_shows_the_same_results_as_the_core_and_the_degrees_of_freedom():
    app = opened("/?algorithm=Student-t mixture&n=50&student_degrees=4")
    assert not app.error
    run = latest(app, "run")
    last = fit(StudentMixture(3, init="random", degrees=4.0), run.data.points, rng=1)
    assert run.history.losses[-1] == last.loss
    assert any("Points with the smallest weights" in text.value for text in app.markdown)
    assert any("Degrees of freedom" in text.value for text in app.markdown)


def test_the_table_lists_the_outliers_and_the_export_has_the_weights_of_all_points():
    run = run_with_outliers()
    components, points = method("student").tables(run)
    assert len(components.rows) == 3
    outliers = {f"{run.data.noun} {row}" for row in run.data.rows[run.data.labels < 0]}
    assert outliers
    assert {row[0] for row in points.rows} <= outliers
    rows = list(csv.DictReader(io.StringIO(files.assignments_csv(run).decode("utf-8-sig"))))
    weights = np.array([float(row["point_weight"]) for row in rows])
    np.testing.assert_allclose(weights, run.history.last.assignment.point_weights)
    assert weights[run.data.labels < 0].mean() < 0.5 < 0.9 < weights[run.data.labels >= 0].mean()


def test_the_table_marks_degrees_of_freedom_at_the_upper_bound():
    def texts(run):
        return [row[2] for row in method("student").tables(run)[0].rows]

    assert any(text.endswith("200 (upper bound)") for text in texts(run_with_outliers()))
    assert texts(run_with_outliers(degrees=4.0)) == ["4", "4", "4"]


def test_the_regions_are_those_of_the_most_probable_component():
    run = run_with_outliers()
    grid = Grid((-40.0, 40.0, -30.0, 30.0), (48, 64))
    labels = run.view.regions(run, run.history.parameters[-1], grid)
    expected = run.history.process.predict(run.history.parameters[-1], grid.points).reshape(48, 64)
    assert len(np.unique(expected)) == 3
    assert (labels == expected).mean() > 0.998  # in single precision


def test_new_points_are_placed_by_their_most_probable_component_with_mahalanobis_distances():
    run = run_with_outliers()
    placement = run.view.place(run.view.placement_arrays(run), run.settings, run.data)
    np.testing.assert_array_equal(placement.labels, run.labels)
    students = run.history.parameters[-1]
    i, k = 7, run.labels[7]
    away = run.data.points[i] - students.means[k]
    assert placement.distances[i] == pytest.approx(np.sqrt(away @ np.linalg.inv(students.scales[k]) @ away))

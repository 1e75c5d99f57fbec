"""What DBSCAN, OPTICS and HDBSCAN have in common, and the latter two on the pages of the app."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from clustering import density_based_validity, labels_below, reachability_order, suggested_min_points, three_gaussians
from clustering.optics import STEPS
from pages.datasets.planes import column_plane, principal_plane
from pages.export import files
from pages.figures import palette
from pages.methods import density, hdbscan, method, optics
from pages.runs import curves
from pages.runs.frames import frames_of
from pages.runs.pictures import picture
from pages.runs.readings import cluster_texts
from tests.pages.app import latest, opened
from tests.pages.checks import proximities, run_of, sample, wide_sample

POINTS = three_gaussians(100, np.random.default_rng(0)).points
MOONS = "sample=Two moons&n=200"


def metrics(app):
    return {metric.label: metric.value for metric in app.metric}


@pytest.mark.parametrize("title", ["DBSCAN", "OPTICS", "HDBSCAN"])
def test_watch_shows_noise_and_the_score_of_the_core(title):
    app = opened(f"/?algorithm={title}&n=100")
    assert not app.error
    assert not app.exception
    run = latest(app, "run")
    assert run.view.title == title
    np.testing.assert_array_equal(run.data.points, POINTS)
    noise = int((run.labels < 0).sum())
    assert metrics(app)["Noise (final)"].startswith(f"{noise} (")  # the table has the noise of the frame
    assert float(metrics(app)["DBCV"].replace("−", "-")) == pytest.approx(density_based_validity(POINTS, run.labels), abs=5e-4)
    assert metrics(app)["Clusters"] == str(run.k)
    assert metrics(app)["Status"] == "finished"  # nothing converges
    captions = [caption.value for caption in app.caption]
    assert "Mean of each final cluster\\." in captions
    assert "In the table, noise includes the points that have not been reached yet." in captions


@pytest.mark.parametrize(
    ("name", "note"), [("mixture", "Size: sum of responsibilities. "), ("fuzzy", "Size: sum of memberships. "), ("kmeans", "")]
)
def test_sums_of_memberships_are_named_as_such(name, note):
    assert run_of(method(name), sample()).size_note == note


def test_sizes_beside_noise_are_numbers_of_points_also_if_the_method_is_soft():
    run = run_of(method("hdbscan"), sample("moons", 200))
    frames, _ = frames_of(run)
    assert run.memberships.sum() < np.count_nonzero(run.labels >= 0) - 1
    assert not run.size_note
    for frame in frames[1:]:
        column = [row[0] for row in cluster_texts(run, frame.state, frame.assigned, 0, False)]
        assert sum(map(int, column)) <= 200
    assert sum(map(int, column)) == 200
    assert curves.curve_of(run, frames, "name").data[0].y[-1] == np.count_nonzero(run.labels >= 0)


def test_defaults_follow_the_data_and_are_never_above_the_number_of_points():
    for n, expected in ((60, (5, 5)), (1000, (20, 50))):
        data = sample(n=n)
        sizes = tuple(method(name).settings(data=data).option("min_cluster_size") for name in ("hdbscan", "optics"))
        assert sizes == expected
        assert method("optics").settings(data=data).option("min_points") == max(5, suggested_min_points(n, 2))
    three = replace(sample(), key="three points", points=sample().points[:3])
    for name in ("hdbscan", "optics"):
        assert method(name).settings(data=three).option("min_cluster_size") <= 3


def test_a_radius_above_0_cuts_the_reachability_plot():
    data = sample("moons", 200)
    run = run_of(method("optics"), data, eps=0.3, min_points=5)
    expected = labels_below(reachability_order(data.points, 5), 0.3)
    np.testing.assert_array_equal(run.labels, expected)
    assert run.k == 2
    assert "below the radius" in run.view.phases(run)["extract"]
    assert run.view.sentence(run, len(run.history.states) - 1).startswith("Extracted: 2 clusters; ")


def test_all_steps_of_the_order_have_a_frame():
    run = run_of(method("optics"), sample(n=300))
    frames, omitted_note = frames_of(run)
    assert run.k <= 12
    assert len(frames) == len(run.history.states) == STEPS + 2
    assert omitted_note == ""


def test_captions_name_the_last_reachability_and_the_level():
    run = run_of(method("optics"), sample())
    order = run.history.parameters[-1].order
    assert run.view.sentence(run, 1) == "Reached 1 of 60 points; the last one was not near any point before it."
    height = f"{order.reachability[order.ordering[1]]:.3g}"
    assert run.view.sentence(run, 2) == f"Reached 2 of 60 points; the last one has reachability {height}."
    run = run_of(method("hdbscan"), sample())
    level = run.history.parameters[-3].level
    assert run.view.sentence(run, -3) == f"Distances up to {1 / level:.3g}: 1 cluster with 60 points."


def test_points_are_gray_as_far_as_their_strength_is_below_1():
    run = run_of(method("hdbscan"), sample("stretched", 120))
    frames, _ = frames_of(run)
    colors = picture(run, frames, column_plane(run.data.columns, 0, 1), "name").data[0].marker.color
    strengths = run.history.last.assignment.strengths
    assert (run.labels < 0).any()
    for color, label, strength in zip(colors, run.labels, strengths, strict=True):
        own = palette.rgb([palette.color_of(run.ranks[label]) if label >= 0 else palette.NEUTRAL])
        expected = strength * own + (1 - strength) * palette.rgb([palette.NEUTRAL])
        assert np.abs(palette.rgb([color]) - expected).max() <= 1


def test_lines_link_points_of_one_final_cluster_and_grow_with_the_distance():
    run = run_of(method("hdbscan"), sample())
    plane = column_plane(run.data.columns, 0, 1)
    counts = []
    for state in range(len(run.history.states)):
        lines = run.view.outlines(run, state, plane)
        assert len(lines) == run.k
        counts.append(sum(np.isfinite(line).all(axis=1).sum() // 2 for line in lines))
        for cluster, line in enumerate(lines):
            ends = line[np.isfinite(line).all(axis=1)]
            members = plane.positions(run.data.points[run.labels == cluster])
            assert not len(ends) or (ends[:, None] == members).all(axis=2).any(axis=1).all()
    assert counts[0] == 0
    assert counts == sorted(counts)
    assert counts[-1] > 30
    assert run.view.outlines(run, 0, plane)[0].shape == (1, 2)


def test_black_lines_lead_to_the_points_reached_in_a_step():
    run = run_of(method("optics"), sample())
    plane = column_plane(run.data.columns, 0, 1)
    order, xy = run.history.parameters[0].order, plane.positions(run.data.points)
    for t in range(1, 60):
        point = order.ordering[t]
        np.testing.assert_array_equal(run.view.highlight(run, t + 1, plane), xy[[order.predecessors[point], point]])
    np.testing.assert_array_equal(run.view.highlight(run, 1, plane), xy[[0, 0]])
    assert run.view.highlight(run, 0, plane) is None
    assert run.view.highlight(run, 61, plane) is None


def test_no_lines_are_drawn_between_many_points(monkeypatch):
    monkeypatch.setattr(density, "MAX_LINKED", 50)
    run = run_of(method("optics"), sample())
    assert run.view.outlines(run, 5, column_plane(run.data.columns, 0, 1)) == []


def test_large_data_sets_are_sampled(monkeypatch):
    for module in (optics, hdbscan):
        monkeypatch.setattr(module, "MAX_POINTS_FOR_DENSITY", 40)
    for name in ("optics", "hdbscan"):
        view = method(name)
        app = opened(f"/?algorithm={view.title}&n=100")
        run = latest(app, "run")
        assert len(run.data.points) == 40
        assert "it uses a sample of 40 of the 100 points" in run.note
        assert run.note in [info.value.replace("\\", "") for info in app.info]


def test_exports_contain_outlier_scores_and_reachability():
    run = run_of(method("hdbscan"), sample())
    rows = list(csv.DictReader(io.StringIO(files.assignments_csv(run).decode("utf-8-sig"))))
    scores = run.history.parameters[-1].hierarchy.outlier_scores
    assert [float(row["outlier_score"]) for row in rows] == scores.tolist()
    rows = list(csv.DictReader(io.StringIO(files.parameters_csv(run).decode("utf-8-sig"))))
    assert {float(row["stability"]) for row in rows} <= set(run.history.parameters[-1].hierarchy.tree.stabilities.tolist())
    run = run_of(method("optics"), sample())
    rows = list(csv.DictReader(io.StringIO(files.assignments_csv(run).decode("utf-8-sig"))))
    assert sorted(int(row["order"]) for row in rows) == list(range(1, 61))
    assert [float(row["reachability"]) for row in rows] == run.history.parameters[-1].order.reachability.tolist()


def test_noise_only_is_a_result_with_a_remedy_not_an_error():
    for query in ("HDBSCAN&hdbscan_min_cluster_size=60", "OPTICS&optics_eps=0.001"):
        app = opened(f"/?algorithm={query}&n=100")
        assert not app.error
        assert not app.exception
        assert latest(app, "run").k == 0
        assert [warning.value for warning in app.warning if "No cluster was found" in warning.value]


def test_too_large_settings_are_explained():
    app = opened("/?algorithm=HDBSCAN&n=100&hdbscan_min_cluster_size=500")
    assert not app.exception
    assert "at most the number of points" in app.error[0].value


def test_both_can_be_compared_with_dbscan():
    app = opened("/compare?panels=3&n=100&algorithm_1=OPTICS&algorithm_2=HDBSCAN&algorithm_3=DBSCAN")
    assert not app.error
    assert not app.exception
    assert [run.view.title for run in latest(app, "comparison").runs] == ["OPTICS", "HDBSCAN", "DBSCAN"]


@pytest.mark.parametrize("options", [dict(metric="manhattan"), {}])
def test_the_score_is_shown_only_for_euclidean_distances(options):
    view = method("dbscan")
    matrix = [run_of(view, proximities(), eps=2.0)]
    names = [[score.name for score in view.scores(run)] for run in [*matrix, run_of(view, sample(), eps=0.8, **options)]]
    assert names == [["Noise"], ["Noise"] if options else ["Noise", "DBCV"]]


def test_disks_surround_the_core_points_from_which_a_cluster_grows():
    data = sample("moons", 200)
    run, plane = run_of(method("dbscan"), data, eps=0.2, min_points=5), column_plane(data.columns, 0, 1)
    shown = 0
    for i, state in enumerate(run.history.states[:-1]):
        disks = run.view.highlight(run, i, plane)
        visits, t = state.parameters, state.iteration
        growing = np.flatnonzero(visits.core & (visits.order == t)) if t else []
        if not len(growing):
            assert disks is None or np.isnan(disks).all()
            continue
        disks = [part[np.isfinite(part).all(axis=1)] for part in np.split(disks, np.flatnonzero(np.isnan(disks[:, 0])))]
        assert len(disks) == len(growing)
        for disk, point in zip(disks, growing, strict=True):
            np.testing.assert_allclose(np.linalg.norm(disk - data.points[point], axis=1), 0.2)
        joining_next = np.flatnonzero((visits.order == t + 1) & (visits.labels == visits.labels[growing[0]]))
        if len(joining_next):
            away = np.linalg.norm(data.points[joining_next, None] - data.points[growing], axis=2)
            assert (away.min(axis=1) <= 0.2).all()
        shown += len(growing)
    assert shown > 150
    assert run.view.highlight(run, len(run.history.states) - 1, plane) is None


@pytest.mark.parametrize(
    ("name", "radius"),
    [
        ("dbscan", lambda run: run.settings.option("eps")),
        ("optics", lambda run: run.history.parameters[-1].order.cores[7]),
        ("hdbscan", lambda run: run.history.parameters[-1].hierarchy.cores[7]),
    ],
)
def test_the_neighborhood_of_a_point_is_a_circle_if_the_plane_shows_distances(name, radius):
    data = sample("moons", 200)
    run = run_of(method(name), data)
    circle = run.view.neighborhood(run, 7, column_plane(data.columns, 0, 1))
    np.testing.assert_allclose(np.linalg.norm(circle - data.points[7], axis=1), radius(run))
    np.testing.assert_allclose(circle[0], circle[-1])
    swapped = run.view.neighborhood(run, 7, column_plane(data.columns, 1, 0))
    np.testing.assert_allclose(np.linalg.norm(swapped - data.points[7, ::-1], axis=1), radius(run))
    assert run.view.neighborhood(run, 7, principal_plane(data.points)) is None
    unequal = run_of(method(name), replace(data, key="other units", same_units=False))
    assert unequal.view.neighborhood(unequal, 7, column_plane(data.columns, 0, 1)) is None
    wide = run_of(method(name), wide_sample())
    assert wide.view.neighborhood(wide, 7, column_plane(wide.data.columns, 0, 1)) is None


def test_other_metrics_have_no_circles():
    data = sample("moons", 200)
    plane = column_plane(data.columns, 0, 1)
    run = run_of(method("dbscan"), data, metric="manhattan")
    assert run.view.neighborhood(run, 7, plane) is None
    assert run.view.highlight(run, 5, plane) is None
    run = run_of(method("kmeans"), data)
    assert run.view.neighborhood(run, 7, plane) is None


def test_the_knee_is_below_the_line_between_the_ends_of_the_curve():
    assert density.knee(np.array([0.1, 0.3, 0.1, np.inf, 2.0, 0.2])) == 0.3
    assert density.knee(np.array([1.0, 2.0, 3.0])) is None
    assert density.knee(np.array([1.0, 1.0, 1.0])) is None
    assert density.knee(np.array([5.0, 4.9, 4.0])) is None
    assert density.knee(np.full(5, np.inf)) is None
    assert density.knee(np.array([3.0, 0.0, 0.0, 0.0])) is None


@pytest.mark.parametrize("options", [dict(metric="manhattan"), dict(min_points=1), {}])
def test_ranges_of_dbscan_give_the_number_of_clusters_at_any_radius(options):
    data = sample("moons", 200)
    run = run_of(method("dbscan"), data, **options)
    begun, ended = run.view.cluster_ranges(run)
    for eps in (0.05, 0.15, 0.3, 1.0):
        k = run_of(method("dbscan"), data, eps=eps, **options).k
        assert (begun <= eps).sum() - (ended <= eps).sum() == k
    assert k == 1


def test_the_distance_curve_of_dbscan_has_the_core_distances_of_optics():
    data = sample("moons", 200)
    run = run_of(method("dbscan"), data, min_points=6)
    order = run_of(method("optics"), data, min_points=6).history.parameters[-1].order
    np.testing.assert_allclose(run.view.core_distances(run), order.cores, rtol=1e-12)
    np.testing.assert_array_equal(run.view.reachability(run).ordering, order.ordering)
    for too_many in (run_of(method("dbscan"), data, min_points=201), run_of(method("dbscan"), proximities(), min_points=46)):
        assert np.isinf(too_many.view.core_distances(too_many)).all()
        assert too_many.view.cluster_ranges(too_many) is None
        assert too_many.view.reachability(too_many) is None

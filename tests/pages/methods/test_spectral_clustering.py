"""Spectral clustering on the pages of the app."""

import numpy as np
import pytest

from clustering import SpectralClustering, fit, proximity_matrix
from pages.datasets.planes import column_plane
from pages.methods import base, settings
from pages.runs.cache import RecentCache
from pages.runs.frames import frames_of
from pages.runs.pictures import extent_of, picture
from pages.runs.run import make_run
from tests.pages.app import latest, opened
from tests.pages.checks import proximities, sample


def run_of(data=None, k=3, **options):
    data = data or sample(n=100)
    return make_run(data, settings("spectral", k, "k-means++", 1, data=data, **options), RecentCache(), lambda state: None)


def plane_of(run):
    return column_plane(run.data.columns, 0, 1)


def test_watch_shows_the_same_results_as_the_core():
    app = opened("/?algorithm=Spectral clustering&n=100&spectral_width=1.5&spectral_metric=Manhattan")
    assert not app.error
    run = latest(app, "run")
    last = fit(SpectralClustering(3, width=1.5, init="random"), proximity_matrix(run.data.points, "manhattan"), rng=1)
    assert run.history.losses[-1] == last.loss
    assert any("Eigenvalues of the normalized affinities" in text.value for text in app.markdown)


def test_points_move_to_their_eigenvectors_and_return_in_the_last_frame():
    run = run_of()
    plane, states = plane_of(run), run.history.states
    positions = [run.view.plane_positions(run, i, plane) for i in range(len(states))]
    assert len(states) > 3
    np.testing.assert_array_equal(positions[0], run.data.points)
    np.testing.assert_array_equal(positions[-1], run.data.points)
    moved = positions[1]
    for between in positions[2:-1]:
        np.testing.assert_array_equal(between, moved)
    # distances in the plane are those of the first two components of the rows, up to a factor
    rows = run.history.prepared.rows.points
    centered = rows - rows.mean(axis=0)
    left, lengths, _ = np.linalg.svd(centered, full_matrices=False)
    flat = left[:, :2] * lengths[:2]
    expected = np.linalg.norm(flat[:, None] - flat, axis=2)
    found = np.linalg.norm(moved[:, None] - moved, axis=2)
    np.testing.assert_allclose(found * expected.max() / found.max(), expected, atol=1e-9)
    low, high = run.data.points.min(axis=0), run.data.points.max(axis=0)
    assert (moved >= low).all()
    assert (moved <= high).all()


def test_circles_mark_the_centers_while_the_points_are_at_their_eigenvectors():
    run = run_of()
    plane, states = plane_of(run), run.history.states
    labels = run.history.assignment(len(states) - 3).labels
    moved = run.view.plane_positions(run, len(states) - 2, plane)
    # an M step moves each center to the mean of its rows, also in the plane
    means = np.array([moved[labels == cluster].mean(axis=0) for cluster in range(3)])
    np.testing.assert_allclose(run.view.highlight(run, len(states) - 2, plane), means, atol=1e-9)
    assert run.view.highlight(run, 0, plane) is None
    assert run.view.highlight(run, len(states) - 1, plane) is None
    assert "The points are back at their original positions." in run.view.sentence(run, len(states) - 1)


@pytest.mark.parametrize("markers", [1_000, 0])
def test_moving_points_have_the_colors_of_their_clusters(markers):
    run = run_of()
    frames, _ = frames_of(run)
    figure = picture(run, frames, plane_of(run), "name", markers=markers)
    if markers:
        colors = [set(frame.data[0].marker.color) for frame in figure.frames]
        assert [len(each) for each in colors] == [1] + [3] * (len(frames) - 1)
        assert len(set(figure.data[0].marker.color)) == 3
    else:
        images = [frame.layout.images[0].source for frame in figure.frames]
        assert images[0] != images[1]
        assert images[-1] == figure.layout.images[-1].source
    assert figure.layout.xaxis.title.text == "x1 | eigenvectors, component 1 (scaled)"


def test_with_one_cluster_all_points_meet():
    run = run_of(k=1)
    plane = plane_of(run)
    assert np.isfinite(extent_of([run], plane)).all()
    assert all(np.isfinite(run.view.plane_positions(run, i, plane)).all() for i in range(len(run.history.states)))


def test_a_distance_matrix_can_be_clustered():
    run = run_of(proximities())
    matrix = run.data.proximities(run.settings.option("metric"))
    assert run.history.losses[-1] == fit(SpectralClustering(3), matrix, rng=1).loss


def test_large_data_are_sampled(monkeypatch):
    monkeypatch.setattr(base, "MAX_POINTS_FOR_PROXIMITIES", 60)
    run = run_of()
    assert len(run.labels) == 60
    assert "needs all pairwise distances; it uses a sample of 60" in run.note

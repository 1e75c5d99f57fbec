"""DBSCAN in the app: defaults, captions, formulas, noise in plots and tables, the curve, new rows."""

import numpy as np
import pytest

from clustering import suggested_eps
from pages.datasets import catalog
from pages.datasets.data import Data
from pages.datasets.planes import column_plane
from pages.figures import palette
from pages.methods import base, settings
from pages.runs import curves, pictures
from pages.runs.cache import RecentCache
from pages.runs.frames import frames_of
from pages.runs.readings import cluster_texts, numbers_of
from pages.runs.run import make_run
from tests.pages.app import latest, opened

LINE = Data(
    "line",
    "Line",
    ("x", "y"),
    np.column_stack([[0, 1, 2, 3, 10, 10.5, 11, 20], np.zeros(8)]),
    np.array([0] * 4 + [1] * 3 + [-1]),
)
"""two groups on a line, and a point far from both"""


def silent(_) -> None:
    """Ignores the progress of a run."""


def run_on(data=LINE, **options):
    return make_run(data, settings("dbscan", data=data, **options), RecentCache(), silent)


RUN = run_on(eps=1.0, min_points=3)


def test_captions_count_core_points_growth_and_noise():
    frames, _ = frames_of(RUN)
    assert [frame.sentence for frame in frames] == [
        "Start: 8 points without a cluster.",
        "Core points: 5 of 8 points.",
        "Cluster 1 starts with 3 points.",
        "Cluster 1 grows by 1 point to 4.",
        "Cluster 2 starts with 3 points. The other 1 point is noise.",
    ]


def test_formulas_state_the_neighborhood_of_a_point_with_its_numbers():
    frames, _ = frames_of(RUN)
    neighborhood, growth = RUN.view.formulas(RUN, 0, 0)
    assert neighborhood.values(frames[-1]) == [
        "= 2",
        "2 < 3, so it is not a core point; the nearest other point is at distance 1.",
    ]
    assert RUN.view.formulas(RUN, 1, 0)[0].values(frames[-1])[0] == "= 3"
    assert growth.values(frames[1]) == ["not reached yet."]
    assert growth.values(frames[-1]) == ["border point of cluster 1, reached in iteration 1."]
    assert RUN.view.formulas(RUN, 7, 0)[1].values(frames[-1]) == ["noise."]


def test_noise_is_gray_and_small_and_core_points_are_large():
    frames, _ = frames_of(RUN)
    figure = pictures.picture(RUN, frames, column_plane(("x", "y"), 0, 1), "name")
    marker = figure.data[0].marker
    assert marker.color[7] == palette.NEUTRAL
    assert marker.color[0] == marker.color[1] != marker.color[4]
    sizes = np.array(marker.size)
    assert (sizes[[1, 2, 4, 5, 6]] > sizes[[0, 3, 7]].max()).all()
    assert len(set(np.array(figure.frames[0].data[0].marker.size).tolist())) == 1  # before core points are found


def test_the_table_of_sizes_has_a_row_of_noise_that_follows_the_frames():
    frames, _ = frames_of(RUN)
    rows = [cluster_texts(RUN, frame.state, frame.assigned, 2, False) for frame in frames]
    assert [row[-1][0] for row in rows] == ["–", "8", "5", "4", "1"]
    assert rows[-1][-1][2:] == ["–", "–"]
    numbers = {one.name: one.texts for one in numbers_of(RUN, frames)}
    assert numbers["Clusters"] == ["–", "0", "1", "1", "2"]


def test_the_curve_counts_the_points_in_clusters():
    frames, _ = frames_of(RUN)
    curve = curves.curve_of(RUN, frames, "name")
    assert list(curve.data[0].y) == [0, 3, 4, 7]
    assert curve.data[0].text[-1] == "Growth, iteration 3, 2 clusters"
    assert curve.layout.yaxis.title.text == "points in clusters"
    assert [frame.data[1].y[0] if frame.data[1].y is not None and len(frame.data[1].y) else None for frame in curve.frames][
        1:
    ] == [
        0,
        3,
        4,
        7,
    ]
    assert curves.alt_text(RUN) == "Points in clusters curve: 0 at the start, 7.00000 at the end."


def test_the_silhouette_leaves_noise_out_and_scores_count_it_as_a_cluster():
    assert len(RUN.silhouette.rows) == 7
    assert RUN.agreement == 1  # the point far from both has no known group


@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "chebyshev", "cosine"])
def test_the_default_radius_suits_the_metric(metric):
    data = catalog.draw_sample("three", 60, 0, {})
    run = run_on(data, metric=metric)
    on_points = metric != "cosine"
    matrix = data.points if on_points else data.proximities(metric)
    expected = suggested_eps(matrix, run.settings.option("min_points"), metric if on_points else "precomputed")
    assert run.settings.option("eps") == pytest.approx(expected, rel=0.01)
    assert run.k >= 1


def test_only_metrics_without_a_tree_need_all_pairs(monkeypatch):
    monkeypatch.setattr(base, "MAX_POINTS_FOR_PROXIMITIES", 50)
    data = catalog.draw_sample("three", 60, 1, {})
    assert run_on(data).note == ""
    assert run_on(data, metric="cosine", eps=0.01).note.endswith("it uses a sample of 50 of the 60 points.")


def test_the_radius_follows_the_data_until_another_is_entered():
    app = opened("/?algorithm=DBSCAN&n=100")
    before = app.number_input(key="dbscan_eps").value
    app.selectbox(key="sample").set_value("moons").run()
    after = app.number_input(key="dbscan_eps").value
    assert after != before
    assert latest(app, "run").settings.option("eps") == after
    assert "dbscan_eps" not in app.query_params
    app.number_input(key="dbscan_eps").set_value(0.3).run()
    app.number_input(key="dbscan_min_points").set_value(7).run()
    assert app.number_input(key="dbscan_eps").value == 0.3
    assert latest(app, "run").settings.option("eps") == 0.3

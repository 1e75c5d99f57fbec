"""Every page through dashboard.py, without a browser."""

import re
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from clustering import KMeans, fit, three_gaussians
from pages.methods.kmeans import KMeansView

DASHBOARD = Path(__file__).resolve().parents[3] / "dashboard.py"


@pytest.fixture
def app():
    return AppTest.from_file(str(DASHBOARD), default_timeout=60).run()


def metrics(app):
    return {metric.label: metric.value for metric in app.metric}


def said(app):
    return " ".join(element.value.replace("\\", "") for element in (*app.warning, *app.error, *app.info, *app.caption))


def test_it_opens_with_a_data_set_that_is_already_clustered(app):
    assert not app.exception
    assert not app.error
    points = three_gaussians(500, np.random.default_rng(0)).points
    step = fit(KMeans(3, init="random"), points, rng=1)
    assert metrics(app)["Iterations"] == str(step.iteration)
    assert metrics(app)["Status"] == "converged"
    assert float(metrics(app)["Final loss"]) == pytest.approx(step.loss, rel=1e-5)
    assert float(metrics(app)["Adjusted Rand index"]) > 0.9


@pytest.mark.parametrize("algorithm", ["kmeans", "kmedoids", "mixture"])
@pytest.mark.parametrize(
    "sample", ["three", "round", "sizes", "spreads", "stretched", "overlap", "moons", "rings", "outliers", "grid", "uniform"]
)
def test_every_sample_is_clustered_by_every_algorithm(app, algorithm, sample):
    app.selectbox(key="sample").set_value(sample)
    app.selectbox(key="algorithm").set_value(algorithm).run()
    assert not app.exception
    assert not app.error
    assert metrics(app)["Status"] == "converged"


@pytest.mark.parametrize("table", ["faithful", "iris", "penguins", "ruspini", "s1", "aggregation", "jain"])
def test_every_bundled_table_is_clustered(app, table):
    app.button_group(key="source").set_value("real").run()
    app.selectbox(key="table").set_value(table).run()
    assert not app.exception
    assert not app.error
    assert metrics(app)["Status"] == "converged"


@pytest.mark.parametrize(
    ("update", "metric"), [("swap", "manhattan"), ("steepest swap", "cosine"), ("alternating", "chebyshev")]
)
def test_k_medoids_has_its_own_options(app, update, metric):
    app.selectbox(key="algorithm").set_value("kmedoids").run()
    app.selectbox(key="kmedoids_update").set_value(update)
    app.selectbox(key="kmedoids_metric").set_value(metric).run()
    assert not app.exception
    assert "sum of dissimilarities" in said(app)


def test_the_published_log_likelihood_of_old_faithful_is_on_the_screen(app):
    app.button_group(key="source").set_value("real").run()
    app.selectbox(key="algorithm").set_value("mixture").run()
    app.number_input(key="k").set_value(2).run()
    assert metrics(app)["Log-likelihood (sum, nats)"] == "−1,130.264"


def test_a_new_start_takes_the_next_seed_and_the_old_one_can_be_had_again(app):
    first = metrics(app)
    next(button for button in app.button if button.label == "New random start").click().run()
    assert app.number_input(key="seed").value == 2
    assert metrics(app)["Iterations"] != first["Iterations"]
    app.number_input(key="seed").set_value(1).run()
    assert metrics(app) == first


def show(app, monkeypatch, points):
    """Makes the sample one of these points."""
    from pages.datasets import catalog
    from pages.datasets.data import Data

    data = Data(repr(points), "Few", ("a", "b"), np.array(points, dtype=float))
    monkeypatch.setattr(catalog, "draw_sample", lambda *_: data)
    app.number_input(key="data_seed").set_value(3).run()


def test_more_clusters_than_points_says_so_and_clusters_with_what_there_is(app, monkeypatch):
    app.number_input(key="k").set_value(7)
    show(app, monkeypatch, [[0, 0], [1, 0], [0, 1], [5, 5]])
    assert not app.exception
    assert "Only 4 points, so K is 4." in said(app)
    assert float(metrics(app)["Final loss"]) == 0
    assert app.number_input(key="k").value == 7


@pytest.mark.parametrize("algorithm", ["kmeans", "kmedoids", "mixture"])
def test_identical_points_are_named_and_not_a_crash(app, monkeypatch, algorithm):
    app.selectbox(key="algorithm").set_value(algorithm)
    show(app, monkeypatch, [[1, 2]] * 6)
    assert not app.exception
    assert "identical points" in said(app)


def test_a_single_point_is_one_cluster(app, monkeypatch):
    show(app, monkeypatch, [[1, 2]])
    assert not app.exception
    assert "so K is 1." in said(app)


def test_no_column_chosen_is_one_plain_sentence_and_the_picture_stays(app):
    app.button_group(key="source").set_value("real").run()
    before = metrics(app)
    app.multiselect(key="faithful_columns").set_value([]).run()
    assert not app.exception
    assert [e.value.replace("\\", "") for e in app.error] == ["Choose at least one column to cluster by."]
    assert metrics(app) == before


def test_rows_with_gaps_are_left_out_and_counted(app):
    app.button_group(key="source").set_value("real").run()
    app.selectbox(key="table").set_value("penguins").run()
    assert "2 of 344 rows with missing or infinite values were dropped" in said(app)
    assert "342 points" in said(app)


def test_standardized_penguins_are_closer_to_their_species(app):
    app.button_group(key="source").set_value("real").run()
    app.selectbox(key="table").set_value("penguins").run()
    raw = float(metrics(app)["Adjusted Rand index"])
    app.selectbox(key="scaling").set_value("standardize").run()
    assert float(metrics(app)["Adjusted Rand index"]) > raw + 0.2


def test_k_medoids_of_many_points_uses_a_stated_sample(app):
    app.select_slider(key="n").set_value(10_000).run()
    app.selectbox(key="algorithm").set_value("kmedoids").run()
    assert not app.exception
    assert "sample of 5,000 of the 10,000 points" in said(app)


def test_more_than_two_columns_are_seen_along_principal_components_or_a_chosen_pair(app):
    app.button_group(key="source").set_value("real").run()
    app.selectbox(key="table").set_value("iris").run()
    titles = re.findall(r'"text": ?"(component 1 [^"]*)"', app.get("plotly_chart")[0].proto.spec)
    assert titles == ["component 1 (92% of the variance)"]
    next(box for box in app.selectbox if box.label == "X axis").set_value("petal_length").run()
    next(box for box in app.selectbox if box.label == "Y axis").set_value("sepal_width").run()
    assert not app.exception
    assert '"petal_length"' in app.get("plotly_chart")[0].proto.spec


def test_a_metric_that_is_not_defined_for_a_row_is_said_in_a_sentence(app, monkeypatch):
    show(app, monkeypatch, np.eye(5)[:, :2].tolist())
    app.selectbox(key="algorithm").set_value("kmedoids").run()
    app.selectbox(key="kmedoids_metric").set_value("cosine").run()
    assert not app.exception
    assert "is all zeros" in said(app)


def test_values_too_large_to_square_are_one_sentence(app, monkeypatch):
    show(app, monkeypatch, [[1e308, 1], [0, 1], [5, 6]])
    assert not app.exception
    assert "row 0, column 0 is 1e+308" in said(app)


def test_fewer_distinct_points_than_clusters_ends_at_once(app, monkeypatch):
    app.number_input(key="k").set_value(5)
    show(app, monkeypatch, [[i % 3, (i % 3) ** 2] for i in range(60)])
    assert metrics(app)["Status"] == "converged"
    assert int(metrics(app)["Iterations"]) < 5
    assert "only 3 distinct points" in said(app)


@pytest.mark.parametrize("fault", [RuntimeError, KeyError, ValueError])
def test_a_script_that_cannot_be_written_does_not_take_the_page_down(fault, monkeypatch):
    def script(view, run, iterations):
        raise fault("kmeans")

    monkeypatch.setattr(KMeansView, "script", script)
    app = AppTest.from_file(str(DASHBOARD), default_timeout=60).run()
    assert not app.exception
    assert metrics(app)["Status"] == "converged"
    assert not app.code

"""The Watch page, without a browser."""

import re

import numpy as np
import pytest

from clustering import KMeans, fit, three_gaussians
from pages.datasets import catalog
from pages.datasets.data import Data
from pages.methods import base, settings
from pages.methods.kmeans import KMeansView
from pages.runs.cache import RecentCache
from pages.runs.frames import frames_of
from pages.runs.run import make_run
from pages.ui import random_starts
from tests.pages.app import component, latest, opened

ALGORITHMS = {"kmeans": "K-means", "kmedoids": "K-medoids", "mixture": "Gaussian mixture"}


def metrics(app):
    return {metric.label: metric.value for metric in app.metric}


def messages(app):
    return " ".join(element.value.replace("\\", "") for element in (*app.warning, *app.error, *app.info, *app.caption))


def opened_with(points, monkeypatch, query=""):
    """The page with these points instead of a sample."""
    data = Data(repr(points), "Few", ("a", "b"), np.array(points, dtype=float))
    monkeypatch.setattr(catalog, "draw_sample", lambda *_: data)
    return opened(f"/?{query}")


def test_it_opens_with_a_data_set_that_is_already_clustered():
    app = opened("/")
    assert not app.error
    points = three_gaussians(500, np.random.default_rng(0)).points
    state = fit(KMeans(3, init="random"), points, rng=1)
    assert metrics(app)["Iteration"] == str(state.iteration)
    assert metrics(app)["Status"] == "converged"
    assert float(metrics(app)["Loss"]) == pytest.approx(state.loss, rel=1e-5)
    assert float(metrics(app)["Adjusted Rand index"]) > 0.9


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("sample", [name for name in catalog.SAMPLES if name != "noise"])  # a mixture is slow there
def test_every_algorithm_converges_on_every_sample(algorithm, sample):
    values = {setting.name: catalog.SAMPLES[sample].default(setting) for setting in catalog.SAMPLES[sample].settings}
    data = catalog.draw_sample(sample, 100, 0, values)
    run = make_run(data, settings(algorithm, data=data), RecentCache(), lambda _: None)
    assert run.history.converged
    assert frames_of(run)[0][-1].sentence.endswith(f"{run.ending}.")


@pytest.mark.one_in(3)
@pytest.mark.parametrize(("i", "sample"), [*enumerate(catalog.SAMPLES)])
def test_every_sample_can_be_shown(i, sample):
    algorithm = list(ALGORITHMS.values())[i % 3]
    app = opened(f"/?sample={catalog.SAMPLES[sample].title}&algorithm={algorithm}&n=50")
    assert not app.error
    assert metrics(app)["Status"] == "converged"


@pytest.mark.parametrize("table", [name for name, table in catalog.TABLES.items() if not table.words])
def test_every_bundled_table_is_clustered(table):
    app = opened(f"/?source=Built-in&table={catalog.TABLES[table].title}")
    assert not app.error
    assert metrics(app)["Status"] == "converged"


@pytest.mark.parametrize(
    ("update", "metric"),
    [("First improving swap", "Manhattan"), ("Best swap", "Cosine"), ("Alternating, within clusters", "Chebyshev")],
)
def test_k_medoids_has_its_own_options(update, metric):
    app = opened(f"/?algorithm=K-medoids&n=50&kmedoids_update={update}&kmedoids_metric={metric}")
    assert not app.warning
    assert "sum of dissimilarities" in messages(app)


def test_the_log_likelihood_of_old_faithful_is_the_published_one():
    app = opened("/?source=Built-in&algorithm=Gaussian mixture&k=2")
    assert metrics(app)["Log-likelihood (sum, nats)"] == "−1,130.264"


def test_a_new_random_start_uses_the_next_seed_and_the_old_seed_gives_the_old_run():
    app = opened("/?n=100")
    first = metrics(app)
    next(button for button in app.button if button.label == "New random start").click().run()
    assert app.number_input(key="seed").value == 2
    assert metrics(app)["Iteration"] != first["Iteration"]
    app.number_input(key="seed").set_value(1).run()
    assert metrics(app) == first


def test_k_is_limited_to_the_number_of_points_with_a_message(monkeypatch):
    app = opened_with([[0, 0], [1, 0], [0, 1], [5, 5]], monkeypatch, "k=7")
    assert "Only 4 points, so K is 4." in messages(app)
    assert float(metrics(app)["Loss"]) == 0
    assert app.number_input(key="k").value == 7


@pytest.mark.parametrize("algorithm", ALGORITHMS.values())
def test_identical_points_are_reported_in_a_message(monkeypatch, algorithm):
    app = opened_with([[1, 2]] * 6, monkeypatch, f"algorithm={algorithm}")
    assert "identical points" in messages(app)


def test_a_single_point_is_one_cluster(monkeypatch):
    app = opened_with([[1, 2]], monkeypatch)
    assert "so K is 1." in messages(app)


def test_without_features_an_error_is_shown_and_the_run_stays():
    app = opened("/?source=Built-in")
    before = metrics(app)
    app.multiselect(key="faithful_columns").set_value([]).run()
    assert not app.exception
    (error,) = app.error
    assert error.value.replace("\\", "").startswith("Choose at least one ")
    assert metrics(app) == before


def test_rows_with_missing_values_are_dropped_and_counted_and_standardized_penguins_are_closer_to_their_species():
    app = opened("/?source=Built-in&table=Palmer penguins")
    assert "2 of 344 rows were dropped because of missing or infinite values" in messages(app)
    assert "342 points" in messages(app)
    unscaled = float(metrics(app)["Adjusted Rand index"])
    app.selectbox(key="scaling").set_value("standardize").run()
    assert float(metrics(app)["Adjusted Rand index"]) > unscaled + 0.2


def test_k_medoids_uses_a_sample_of_many_points_with_a_message(monkeypatch):
    monkeypatch.setattr(base, "MAX_POINTS_FOR_PROXIMITIES", 80)
    app = opened("/?n=100&algorithm=K-medoids")
    assert "sample of 80 of the 100 points" in messages(app)


def test_more_than_two_features_are_shown_along_principal_components_or_two_chosen_features():
    app = opened("/?source=Built-in&table=Iris")
    titles = re.findall(r'"text": ?"(PC 1 [^"]*)"', app.get("plotly_chart")[0].proto.spec)
    assert titles == ["PC 1 (92% of the variance)"]
    next(box for box in app.selectbox if box.label == "X axis").set_value("petal_length").run()
    next(box for box in app.selectbox if box.label == "Y axis").set_value("sepal_width").run()
    assert not app.exception
    assert '"petal_length"' in app.get("plotly_chart")[0].proto.spec


def test_a_metric_that_is_undefined_for_a_row_gives_a_message(monkeypatch):
    app = opened_with(np.eye(5)[:, :2].tolist(), monkeypatch, "algorithm=K-medoids&kmedoids_metric=Cosine")
    assert "is all zeros" in messages(app)


def test_values_too_large_to_square_give_a_message(monkeypatch):
    app = opened_with([[1e308, 1], [0, 1], [5, 6]], monkeypatch)
    assert "row 0, column 0 is 1e+308" in messages(app)


def test_with_fewer_distinct_points_than_clusters_a_run_converges_soon_with_a_message(monkeypatch):
    app = opened_with([[i % 3, (i % 3) ** 2] for i in range(60)], monkeypatch, "k=5")
    assert metrics(app)["Status"] == "converged"
    assert int(metrics(app)["Iteration"]) < 5
    assert "only 3 distinct points" in messages(app)


@pytest.mark.parametrize("error", [RuntimeError, KeyError, ValueError])
def test_an_error_in_a_script_does_not_break_the_page(error, monkeypatch):
    def script(view, run, iterations):
        raise error("kmeans")

    monkeypatch.setattr(KMeansView, "script", script)
    app = opened("/?n=50")
    app.session_state["export menu"] = True
    app.run()
    assert metrics(app)["Status"] == "converged"
    assert not app.code
    assert messages(app).count("There is no script for this run.") == (error is not ValueError)
    assert "Parameters (CSV)" in [download.proto.label for download in app.get("download_button")]


def test_the_caption_says_whether_the_points_are_those_of_a_sample(monkeypatch):
    monkeypatch.setattr(base, "MAX_POINTS_FOR_PROXIMITIES", 40)
    assert "All 40 points of the sample are used and shown" in messages(opened("/?n=50&algorithm=K-medoids"))
    assert "All 50 points are used and shown" in messages(opened("/?n=50"))


def test_centers_placed_in_the_plane_of_two_columns_start_at_the_mean_of_the_other_columns():
    app = opened("/?source=Built-in&table=Iris&start_kmeans=Manual&across_4=sepal_length&up_4=petal_length&k=2")
    run = latest(app, "run")
    np.testing.assert_allclose(run.history.parameters[0][:, [1, 3]], np.tile(run.data.points.mean(axis=0)[[1, 3]], (2, 1)))


def button(app, label):
    return next(button for button in app.button if button.label.startswith(label))


def test_a_bad_start_is_found_and_the_best_start_is_one_click_away(monkeypatch):
    monkeypatch.setattr(random_starts, "BEST_OF", 10)
    app = opened_with([[0, 0], [0, 1], [3, 0], [3, 1.0]], monkeypatch, "k=2")
    losses = [fit(KMeans(2, init="random"), [[0, 0], [0, 1], [3, 0], [3, 1.0]], rng=seed).loss for seed in range(1, 41)]
    assert metrics(app)["Loss"] == f"{losses[0]:.5f}"
    button(app, "Find a bad start").click().run()
    worst = 1 + losses.index(9)
    assert app.number_input(key="seed").value == worst
    assert metrics(app)["Loss"] == "9.00000"
    assert f"{losses.count(1)} of 40 random starts find a better optimum" in messages(app)
    best = 1 + losses.index(1)
    button(app, f"Show the best start (seed {best})").click().run()
    assert app.number_input(key="seed").value == best
    assert metrics(app)["Loss"] == "1.00000"
    assert f"{losses.count(1)} of 40 random starts find this optimum; none finds a better one." in messages(app)
    # two distant pairs of equal points have one optimum
    app = opened_with([[0, 0], [0, 0], [3, 0], [3, 0.0]], monkeypatch, "k=1")
    button(app, "Find a bad start").click().run()
    assert app.number_input(key="seed").value == 1
    assert "40 of 40 random starts find this optimum." in messages(app)
    assert "Find a bad start" not in [one.label for one in app.button]


def test_starts_that_are_not_random_are_compared_with_no_others():
    app = opened("/?n=60&start_kmeans=Hierarchical clustering")
    assert "random starts" not in messages(app)
    assert "Find a bad start" not in [one.label for one in app.button]


def test_a_new_random_start_that_finds_the_same_optimum_says_so():
    app = opened("/?n=50")
    same = "finds the same optimum as the one before"
    assert same not in messages(app)
    next(button for button in app.main.button if button.label == "New random start").click().run()
    assert f"This start, seed 2, {same}, seed 1." in messages(app)
    app.number_input(key="k").set_value(5).run()
    assert same not in messages(app)


def test_the_first_page_offers_three_ways_in():
    app = opened("/?n=50")
    ways = {button.label: button for button in app.main.button}
    assert "Show me how it works" in ways
    ways["Compare algorithms"].click().run()
    assert [link.proto.page for link in app.get("page_link") if link.proto.page == "compare"]
    app = opened("/?n=50")
    next(button for button in app.main.button if button.label == "I have data").click().run()
    assert app.session_state["source"] == "own"


def test_a_table_that_is_uploaded_in_the_sidebar_is_clustered_at_once():
    app = opened("/?n=50&source=Upload")
    app.sidebar.file_uploader(key="file").set_value(("two.csv", b"a,b\n1,2\n2,1\n8,9\n9,8\n", "text/csv")).run()
    assert not app.exception
    assert latest(app, "run").data.title == "two.csv"
    app = opened("/?n=50&source=Upload")
    app.sidebar.file_uploader(key="file").set_value(("empty.csv", b"", "text/csv")).run()
    assert not app.exception
    assert len(app.sidebar.error) == 1
    assert latest(app, "run").data.title == "Three Gaussians"


def test_a_link_to_a_presentation_keeps_it_and_offers_the_examples_of_the_page():
    app = opened("/?n=50&present=1")
    assert not app.warning
    assert app.query_params["present"] == "1"
    player = component(app, "player")
    assert player["presented"]
    assert player["stage"]["examples"][0] == "Local optimum"
    assert player["stage"]["newStart"]
    assert sorted(player["stage"]["centers"]) == ["Center 1", "Center 2", "Center 3"]
    app.selectbox(key="algorithm").set_value("tree").run()
    assert component(app, "player")["stage"]["whyNot"] == "Hierarchical clustering has no random start."


def test_numbers_and_sizes_are_sent_for_each_frame():
    app = opened("/?n=50")
    run, player = latest(app, "run"), component(app, "player")
    numbers, sizes = (player["readings"][key] for key in ("frame_numbers", "frame_sizes"))
    labels = [metric.label for metric in app.metric][: len(numbers[0])]
    assert dict(zip(labels, numbers[-1], strict=True)) == {label: metrics(app)[label] for label in labels}
    assert numbers[0][labels.index("Loss")] == "–"
    assert [int(row[0]) for row in numbers[1::2]] == list(range(run.history.iterations + 1))
    order = np.argsort(run.ranks)
    for t, row in enumerate(sizes[1::2]):
        assert [int(text) for text in row[::4]] == run.history.sizes[t][order].tolist()

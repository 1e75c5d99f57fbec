"""The race through dashboard.py, without a browser, and what its ready-made comparisons claim."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.cluster import AgglomerativeClustering
from streamlit.testing.v1 import AppTest

from clustering import (
    KMeans,
    KMedoids,
    adjusted_rand_index,
    best_of,
    contingency_table,
    match_clusters,
    proximity_matrix,
    tree_of_points,
)
from pages.compare.comparison import make_comparison
from pages.compare.examples import EXAMPLES
from pages.compare.scores import scores
from pages.datasets import catalog
from pages.datasets.data import Data
from pages.methods import method, settings
from pages.runs.cache import RecentCache
from pages.runs.run import make_run
from pages.ui.widgets import PANEL_DEFAULTS

DASHBOARD = Path(__file__).resolve().parents[3] / "dashboard.py"
PAGE = "pages/compare/page.py"
EXAMPLE = "example round"


def opened(**address):
    app = AppTest.from_file(str(DASHBOARD), default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    return app.switch_page(PAGE).run()


@pytest.fixture
def app():
    """On fewer points than by default, where that does not matter."""
    return opened(n="100")


def run_of(data, name="kmeans", **options):
    return make_run(data, settings(name, data=data, **options), RecentCache(), lambda _: None)


def data_of(n=100):
    return catalog.draw_sample("three", n, 0, {})


def table(app, label="Scores of the panels"):
    """The cells of a table on the page as text, a list per row, the headers first."""
    page = next(element.proto.body for element in app.get("html") if f"aria-label='{label}'" in element.proto.body)
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall("<tr>(.*?)</tr>", page)]
    return [[re.sub("<[^>]*>", " ", cell.replace("−", "-")).strip() for cell in row] for row in rows]


def column(app, name):
    headers, *rows = table(app)
    return [row[headers.index(name)] for row in rows]


def untimed(app):
    """All but what differs from one time to the next."""
    times = table(app)[0].index("Time to converge")
    return [row[:times] + row[times + 1 :] for row in table(app)]


def pictures(app):
    """The pictures of the panels, as Plotly gets them."""
    charts = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
    return [chart for chart in charts if "meta" in chart["layout"] and chart["layout"]["yaxis"].get("domain") is None]


def said(app):
    return " ".join(element.value.replace("\\", "") for element in (*app.warning, *app.error, *app.info, *app.caption))


def losses(app):
    return [float(cell.split()[0].replace(",", "")) for cell in column(app, "Final loss")]


def fine(app):
    return not app.exception and not app.error


def test_it_opens_with_three_methods_on_the_same_points():
    app = opened()
    assert fine(app)
    assert [title.value for title in app.title] == ["The race"]
    assert column(app, "Panel") == ["1. K-means", "2. K-medoids", "3. Full mixture"]
    data = data_of(500)
    for (name, options), loss, iterations in zip(PANEL_DEFAULTS, losses(app), column(app, "Iterations"), strict=False):
        run = run_of(data, name, **options)
        assert loss == pytest.approx(run.history.last.loss, rel=1e-5)
        assert iterations == str(run.history.iterations)
    assert app.button_group(key=EXAMPLE).value is None
    assert "All 500 points are fitted and drawn." in said(app)
    agreement = table(app, "Adjusted Rand index between the panels")
    assert agreement[0][1:] == ["1", "2", "3", "Known"]
    assert [row[i + 1] for i, row in enumerate(agreement[1:])] == ["1.000"] * 4


def test_all_pictures_show_the_same_part_of_the_plane(app):
    extents = [(picture["layout"]["xaxis"]["range"], picture["layout"]["yaxis"]["range"]) for picture in pictures(app)]
    assert len(extents) == 3
    assert extents[0] == extents[1] == extents[2]
    assert len({picture["layout"]["meta"] for picture in pictures(app)}) == 1


def test_two_and_four_panels_have_as_many_pictures_and_rows(app):
    for panels in (4, 2):
        app.button_group(key="panels").set_value(panels).run()
        assert fine(app)
        assert len(pictures(app)) == panels
        assert len(column(app, "Panel")) == panels
        assert app.get("plotly_chart")[panels].proto.spec.count('"xaxis":"x') >= 3 * (panels - 1)  # a loss curve for each
    assert "BIC" not in table(app)[0]
    app.button_group(key="panels").set_value(4).run()
    assert column(app, "Panel")[3] == "4. Spherical mixture"
    assert [cell != "–" for cell in column(app, "BIC")] == [False, False, True, True]


def test_a_panel_may_have_its_own_k_and_its_own_start(app):
    app.number_input(key="k_2").set_value(5)
    app.selectbox(key="start_kmeans_1").set_value("maxmin").run()
    assert fine(app)
    assert column(app, "Panel") == ["1. K-means, K = 3", "2. K-medoids, K = 5", "3. Full mixture, K = 3"]
    data = data_of()
    own = run_of(data, start="maxmin")
    assert losses(app)[0] == pytest.approx(own.history.last.loss, rel=1e-5)
    app.number_input(key="k").set_value(4).run()
    assert column(app, "Panel") == ["1. K-means, K = 4", "2. K-medoids, K = 5", "3. Full mixture, K = 4"]
    app.number_input(key="k_2").set_value(None).run()
    assert column(app, "Panel") == ["1. K-means", "2. K-medoids", "3. Full mixture"]


def test_a_new_start_is_the_next_seed_for_all_panels(app):
    before = losses(app)
    next(button for button in app.button if button.label == "New start").click().run()
    assert app.number_input(key="seed").value == 2
    data = data_of()
    run = run_of(data, seed=2)
    assert losses(app)[0] == pytest.approx(run.history.last.loss, rel=1e-5)
    app.number_input(key="seed").set_value(1).run()
    assert losses(app) == before


def test_two_clusterings_are_compared_by_name_and_their_differences_highlighted(app):
    def of(label):
        return next(box for box in app.selectbox if box.label == label)

    app.selectbox(key="sample").set_value("overlap").run()
    assert of("Highlight").value is None
    of("Compare").set_value("Known groups").run()
    assert fine(app)
    assert of("with").value == "2. K-medoids"  # as it was before
    assert "Known groups" not in of("with").options
    told = next(element.value for element in app.markdown if "in another group" in element.value).replace("\\", "")
    changed = int(re.search(r"\*\*(\d+) points? of 100", told)[1])
    assert f"All that change group ({changed})" in of("Highlight").options
    drawn = json.loads(app.get("plotly_chart")[-1].proto.spec)["data"]
    assert len(drawn[1]["customdata"]) == len(drawn[3]["customdata"]) == changed
    flow = of("Highlight").options[1]
    of("Highlight").select(flow).run()
    drawn = json.loads(app.get("plotly_chart")[-1].proto.spec)["data"]
    assert flow.endswith(f"({len(drawn[1]['customdata'])})")
    assert 0 < len(drawn[1]["customdata"]) < changed


def test_proximities_race_by_k_medoids_with_different_updates(app):
    app.button_group(key="source").set_value("real").run()
    app.selectbox(key="table").set_value("numbers").run()
    assert fine(app)
    assert [box.options for box in app.selectbox if (box.key or "").startswith("algorithm_")] == [
        ["K-medoids", "Hierarchical clustering"]
    ] * 3
    assert column(app, "Panel") == [
        "1. K-medoids, alternating",
        "2. K-medoids, first swap",
        "3. K-medoids, best swap",
    ]
    assert "by the chosen metric in every panel" in said(app)
    app.button_group(key="source").set_value("sample").run()
    assert column(app, "Panel") == ["1. K-means", "2. K-medoids", "3. Full mixture"]


def test_many_points_race_as_one_sample_if_k_medoids_is_among_them(app):
    app.button_group(key="panels").set_value(2)
    app.select_slider(key="n").set_value(10_000).run()
    assert fine(app)
    assert "all panels race on the same sample of 5,000 of the 10,000 points" in said(app)
    assert "All 5,000 points of the sample are fitted" in said(app)
    app.selectbox(key="algorithm_2").set_value("kmeans").run()
    assert "sample of 5,000 of" not in said(app).replace("the mean over a sample of 5,000", "")
    assert "All 10,000 points are fitted" in said(app)


def test_a_panel_that_cannot_run_says_why_in_its_place_and_the_others_race_on(app, monkeypatch):
    data = Data("axes", "Few", ("a", "b"), np.vstack([np.eye(6)[:, :2], np.eye(6)[:, :2] + 3]))
    monkeypatch.setattr(catalog, "draw_sample", lambda *_: data)
    app.number_input(key="data_seed").set_value(3)
    app.selectbox(key="kmedoids_metric_2").set_value("cosine").run()
    assert not app.exception
    assert [error.value.replace("\\", "") for error in app.error] == [
        "Cosine is not defined for row 3, which is all zeros: remove it or choose another metric."
    ]
    assert column(app, "Panel") == ["1. K-means", "3. Full mixture"]
    assert "Adjusted Rand" not in table(app)[0]


def test_fewer_points_than_clusters_is_said_and_the_race_goes_on(app, monkeypatch):
    data = Data("two", "Few", ("a", "b"), np.array([[0.0, 0.0], [1.0, 2.0]]))
    monkeypatch.setattr(catalog, "draw_sample", lambda *_: data)
    app.number_input(key="data_seed").set_value(3).run()
    assert not app.exception
    assert "There are only 2 points, so K is 2 here." in said(app)
    assert len(pictures(app)) == 3


@pytest.fixture(scope="module", params=EXAMPLES)
def chosen(request):
    """A ready-made comparison, and the page on which it is the first that was chosen."""
    app = opened(n="50")
    app.button_group(key=EXAMPLE).set_value(request.param).run()
    return request.param, app


def test_every_ready_made_comparison_opens_with_its_text_its_data_and_its_panels(chosen):
    name, app = chosen
    example = EXAMPLES[name]
    assert fine(app)
    assert [info.value for info in app.info] == [example.text]
    assert {key: app.session_state[key] for key in example.state()} == example.state()
    assert len(pictures(app)) == len(example.panels)
    headers, *rows = table(app)
    for row, expected in zip(rows, scores(comparison_of(name)), strict=True):
        assert row[0] == expected.name
        assert row[headers.index("Adjusted Rand")] == f"{expected.adjusted_rand:.3f}"
        assert row[headers.index("Silhouette")] == f"{expected.silhouette:.3f}"


def test_the_address_of_a_ready_made_comparison_opens_the_same_runs(chosen):
    name, app = chosen
    address = dict(app.query_params)
    assert EXAMPLES[name].address.items() <= address.items()
    assert untimed(opened(**address)) == untimed(app)


def test_one_ready_made_comparison_after_the_other_leaves_nothing_of_the_first():
    app = opened(n="50")
    app.button_group(key=EXAMPLE).set_value("sizes").run()
    app.button_group(key=EXAMPLE).set_value("round").run()
    assert [info.value for info in app.info] == [EXAMPLES["round"].text]
    assert {key: app.session_state[key] for key in EXAMPLES["round"].state()} == EXAMPLES["round"].state()
    assert column(app, "Adjusted Rand") == [f"{rand:.3f}" for rand in agreements(comparison_of("round"))]


def test_a_change_of_anything_ends_the_ready_made_comparison_and_it_can_be_had_again(app):
    changes = [
        lambda: app.number_input(key="seed").set_value(8),
        lambda: app.selectbox(key="mixture_covariance_3").set_value("tied"),
        lambda: app.slider(key="round_distance").set_value(4.0),
    ]
    for change in changes:
        app.button_group(key=EXAMPLE).set_value("round").run()
        assert [info.value for info in app.info] == [EXAMPLES["round"].text]
        change().run()
        assert fine(app)
        assert not app.info
        assert app.button_group(key=EXAMPLE).value is None


def comparison_of(name):
    """The race that a ready-made comparison stands for, by its state alone."""
    state = EXAMPLES[name].state()
    values = {s.name: state[f"{state['sample']}_{s.name}"] for s in catalog.SAMPLES[state["sample"]].settings}
    data = catalog.draw_sample(state["sample"], state["n"], state["data_seed"], values)
    panels = []
    for i in range(1, state["panels"] + 1):
        name = state[f"algorithm_{i}"]
        keys = {option.name: f"{name}_{option.name}_{i}" for option in method(name).options}
        options = {option: state[key] for option, key in keys.items() if key in state}
        panels.append(settings(name, state["k"], seed=state["seed"], data=data, **options))
    shared = [bool(method(panel.method).initializations) for panel in panels]
    assert [f"start_{panel.method}_{i}" in state for i, panel in enumerate(panels, 1)] == shared
    return make_comparison(data, panels, RecentCache(), lambda *_: None, shared=shared, k=state["k"], start=state["start_all"])


def agreements(comparison):
    return [row.adjusted_rand for row in scores(comparison)]


def test_equal_round_groups_are_found_by_all_and_k_means_is_done_first():
    comparison = comparison_of("round")
    assert min(agreements(comparison)) > 0.95
    assert all(row.adjusted_rand == pytest.approx(scores(comparison)[0].adjusted_rand, abs=0.02) for row in scores(comparison))
    assert comparison.adjusted_rand[:3, :3].min() > 0.95
    means, medoids, mixture = (int(row.duration) for row in scores(comparison))
    assert means == 3  # as the text says
    assert means < min(medoids, mixture)


def test_of_stretched_groups_only_the_mixture_finds_the_stripes_and_the_silhouette_prefers_k_means():
    comparison = comparison_of("stretched")
    means, medoids, mixture = scores(comparison)
    assert mixture.adjusted_rand > 0.9
    assert means.adjusted_rand < 0.5
    assert medoids.adjusted_rand < 0.5
    assert means.silhouette > mixture.silhouette
    assert medoids.silhouette > mixture.silhouette


def test_of_unequal_sizes_the_others_cut_the_large_group_although_it_is_the_least_loss_that_they_can_have():
    comparison = comparison_of("sizes")
    means, medoids, mixture = agreements(comparison)
    assert mixture > 0.9
    for rand, run in zip((means, medoids), comparison.runs, strict=False):
        assert rand < 0.5
        counts, *_ = contingency_table(comparison.data.labels, run.history.last.labels)
        large, middling, small = counts[np.argsort(-counts.sum(axis=1))]
        assert np.sort(large)[-2] > 0.25 * large.sum()
        assert middling.sum() > small.sum()
    points = comparison.data.points
    best = best_of(30, KMeans(3), points, rng=0).loss
    assert comparison.runs[0].history.last.loss == pytest.approx(best, rel=1e-4)
    best = best_of(5, KMedoids(3, init="k-means++", update="swap"), proximity_matrix(points), rng=0).loss
    assert comparison.runs[1].history.last.loss == pytest.approx(best, rel=1e-9)


def test_with_outliers_the_medoids_are_nearer_to_the_middles_than_the_means_are():
    comparison = comparison_of("outliers")
    data = comparison.data
    middles = np.stack([data.points[data.labels == g].mean(axis=0) for g in range(3)])
    known = data.labels >= 0

    def off(run):
        """How far the middles of its clusters are from those of the groups that they match."""
        partner = match_clusters(run.history.last.labels[known], data.labels[known], 3)
        return np.linalg.norm(run.centers[-1] - middles[partner], axis=1)

    means, medoids = comparison.runs
    assert adjusted_rand_index(means.history.last.labels, medoids.history.last.labels) == 1.0
    assert off(medoids).max() < off(means).max()
    assert off(medoids).mean() < off(means).mean()
    assert cdist(middles, medoids.centers[-1]).min(axis=1).max() < cdist(middles, means.centers[-1]).min(axis=1).max()


def test_of_overlapping_groups_the_mixtures_say_how_unsure_they_are():
    comparison = comparison_of("overlap")
    assert [run.settings.method for run in comparison.runs] == ["kmeans", "mixture", "mixture"]
    assert [run.settings.option("covariance") for run in comparison.runs[1:]] == ["spherical", "full"]
    for run in comparison.runs[1:]:
        likeliest = run.history.last.assignment.responsibilities.max(axis=1)
        assert np.mean(likeliest < 0.8) > 0.1


def test_rings_are_found_by_single_linkage_alone_although_all_converged_and_every_loss_fell():
    comparison = comparison_of("rings")
    assert np.abs(agreements(comparison)[:2]).max() < 0.05
    assert agreements(comparison)[2] == 1
    for run in comparison.runs[:2]:
        assert run.history.converged
        assert run.history.losses[-1] < run.history.losses[0]


def test_moons_are_found_by_single_linkage_alone_until_points_between_them_make_a_chain():
    comparison = comparison_of("moons")
    assert max(agreements(comparison)[:2]) < 0.5
    assert agreements(comparison)[2] > 0.99
    linked = AgglomerativeClustering(2, linkage="single").fit(comparison.data.points).labels_
    assert adjusted_rand_index(linked, comparison.runs[2].history.last.labels) == 1
    noisy = catalog.draw_sample("moons", 500, 0, {"noise": 0.16})
    assert adjusted_rand_index(tree_of_points(noisy.points, "single").labels(2), noisy.labels) < 0.1
    for run in comparison.runs[:2]:  # each moon loses a tip to the other
        counts, *_ = contingency_table(comparison.data.labels, run.history.last.labels)
        assert (counts.min(axis=1) > 0.05 * counts.sum(axis=1)).all()

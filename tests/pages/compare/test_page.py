"""The Compare page without a browser, and the claims of its examples."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.cluster import AgglomerativeClustering

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
from pages.compare import comparison as comparison_module
from pages.compare import sections
from pages.compare.comparison import make_comparison
from pages.compare.examples import EXAMPLES
from pages.compare.scores import scores
from pages.datasets import catalog
from pages.datasets.data import PROXIMITIES, Data
from pages.datasets.formatting import format_number
from pages.methods import available_methods, method, settings
from pages.methods.traits import COMPARE
from pages.runs import frames, random_starts
from pages.runs.cache import RecentCache
from pages.runs.random_starts import BEST_OF
from pages.runs.run import make_run
from pages.ui.widgets import PANEL_DEFAULTS
from tests.pages.app import component, opened

EXAMPLE = "example three"
SHARED = "starts=One shared start"
FULL_SIZE = dict(EXAMPLES)
"""the original examples; `_small` shrinks those of the page"""


@pytest.fixture(scope="module", autouse=True)
def _small():
    """Examples with 100 points, and animations with few frames, which these tests do not check."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames, "MAX_FRAMES", 13)
        patch.setattr(frames, "FIRST", 4)
        for name, example in FULL_SIZE.items():
            patch.setitem(EXAMPLES, name, replace(example, n=100))
        yield


def run_of(data, name="kmeans", **options):
    return make_run(data, settings(name, data=data, **options), RecentCache(), lambda _: None)


def data_of(n=100):
    return catalog.draw_sample("three", n, 0, {})


def table(app, label="Scores of the runs"):
    """Cells of a table on the page as text, one list per row, starting with the headers."""
    page = next(element.proto.body for element in app.get("html") if f"aria-label='{label}'" in element.proto.body)
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall("<tr>(.*?)</tr>", page)]
    return [[re.sub("<[^>]*>", " ", cell.replace("−", "-")).strip() for cell in row] for row in rows]


def column(app, name):
    headers, *rows = table(app)
    return [row[headers.index(name)] for row in rows]


def scores_without_time(app):
    time = table(app)[0].index("Time")
    return [row[:time] + row[time + 1 :] for row in table(app)]


def plots(app):
    """The plots of the runs, as sent to Plotly."""
    charts = [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]
    return [chart for chart in charts if "meta" in chart["layout"] and chart["layout"]["yaxis"]["title"].get("text") != "loss"]


def messages(app):
    return " ".join(element.value.replace("\\", "") for element in (*app.warning, *app.error, *app.info, *app.caption))


def losses(app):
    return [float(cell.split()[0].replace(",", "")) for cell in column(app, "Final loss")]


def has_no_errors(app):
    return not app.exception and not app.error


def test_it_opens_with_the_best_of_ten_restarts_of_k_means_and_em():
    app = opened("/compare")
    assert has_no_errors(app)
    assert column(app, "Run") == ["1. K-means", "2. Mixture (full)"]
    assert "the one with the lowest loss of 10 restarts" in messages(app)


def test_three_methods_may_start_at_the_same_points():
    app = opened(f"/compare?panels=3&{SHARED}")
    assert has_no_errors(app)
    assert [title.value for title in app.title] == ["Compare"]
    assert column(app, "Run") == ["1. K-means", "2. Mixture (full)", "3. K-medoids"]
    data = data_of(500)
    for (name, options), loss, iterations in zip(PANEL_DEFAULTS, losses(app), column(app, "Iterations"), strict=False):
        run = run_of(data, name, **options)
        assert loss == pytest.approx(run.history.last.loss, rel=1e-5)
        assert iterations == str(run.history.iterations)
    assert app.button_group(key=EXAMPLE).value is None
    assert "±" not in " ".join(column(app, "Final loss"))
    assert "All 500 points are used and shown." in messages(app)
    agreement = table(app, "Adjusted Rand index of each pair")
    assert agreement[0][1:] == ["1", "2", "3", "True labels"]
    assert [row[i + 1] for i, row in enumerate(agreement[1:])] == ["1.000"] * 4
    # all plots have the same axis ranges, and belong to the same player
    extents = [(plot["layout"]["xaxis"]["range"], plot["layout"]["yaxis"]["range"]) for plot in plots(app)]
    assert len(extents) == 3
    assert extents[0] == extents[1] == extents[2]
    assert len({plot["layout"]["meta"] for plot in plots(app)}) == 1


def test_each_panel_has_a_plot_a_loss_curve_and_a_row_of_scores():
    app = opened("/compare?n=100&panels=4")
    assert column(app, "Run")[3] == "4. Mixture (spherical)"
    assert [cell != "–" for cell in column(app, "BIC")] == [False, True, False, True]
    for panels in (4, 2):
        if panels == 2:
            app.button_group(key="panels").set_value(panels)
            app.selectbox(key="algorithm_2").set_value("kmedoids").run()
        assert has_no_errors(app)
        assert len(plots(app)) == panels
        assert len(column(app, "Run")) == panels
        assert component(app, "player")["curves"] == [f"race_loss_{i}" for i in range(panels)]
    assert "BIC" not in table(app)[0]


def test_a_panel_may_have_its_own_k_and_initialization():
    app = opened(f"/compare?n=100&panels=3&k_3=5&start_kmeans_1=Farthest-first (maximin)&{SHARED}")
    assert has_no_errors(app)
    assert column(app, "Run") == ["1. K-means, K = 3", "2. Mixture (full), K = 3", "3. K-medoids, K = 5"]
    own = run_of(data_of(), start="maxmin")
    assert losses(app)[0] == pytest.approx(own.history.last.loss, rel=1e-5)
    app.number_input(key="k").set_value(4).run()
    assert column(app, "Run") == ["1. K-means, K = 4", "2. Mixture (full), K = 4", "3. K-medoids, K = 5"]
    app.number_input(key="k_3").set_value(None).run()
    assert column(app, "Run") == ["1. K-means", "2. Mixture (full)", "3. K-medoids"]


def test_each_run_is_the_best_of_ten_restarts_with_the_mean_and_standard_deviation_of_all():
    app = opened("/compare?n=100")
    for seed in (1, 11):
        for i, name in enumerate(("kmeans", "mixture")):
            starts = [run_of(data_of(), name, seed=number) for number in range(seed, seed + 10)]
            ends = [run.history.last.loss for run in starts]
            assert losses(app)[i] == pytest.approx(min(ends), rel=1e-5)
            deviation = 0 if name == "kmeans" else np.std(ends, ddof=1)  # these starts of K-means find the same optimum
            assert np.std(ends, ddof=1) == pytest.approx(deviation, abs=1e-9)
            texts = format_number(np.mean(ends)), format_number(deviation)
            assert f"mean {' ± '.join(texts)} " in column(app, "Final loss")[i]
            scores = [run.agreement for run in starts]
            texts = [number(value) for value in (scores[int(np.argmin(ends))], np.mean(scores), np.std(scores, ddof=1))]
            assert column(app, "Adjusted Rand index")[i] == f"{texts[0]}  mean {texts[1]} ± {texts[2]}"
        assert "the one with the lowest loss of 10 restarts" in messages(app)
        if seed == 1:
            next(button for button in app.button if button.label == "New random start").click().run()
    assert app.number_input(key="seed").value == 11


def test_large_data_have_fewer_restarts_and_the_page_says_so(monkeypatch):
    monkeypatch.setattr(random_starts, "MAX_VALUES", 12_500)
    app = opened("/compare?n=100")
    assert "lowest loss of 4 restarts (fewer for large data: 2. Mixture (full): 2)" in messages(app)
    assert "The data are large, so 6 more were not tried." in messages(app)
    monkeypatch.setattr(random_starts, "MAX_VALUES", 6_000)
    assert "lowest loss of 2 restarts (fewer for large data: 2. Mixture (full): 1)" in messages(opened("/compare?n=100"))
    monkeypatch.setattr(random_starts, "MAX_VALUES", 1)
    single = "The data are large, so each run from a random start is the only one that was tried."
    assert single in messages(opened("/compare?n=100"))
    assert single not in messages(opened(f"/compare?n=100&{SHARED}&start_kmeans_1=Forgy"))


def test_new_random_start_uses_the_next_seed_in_all_panels():
    app = opened(f"/compare?n=100&{SHARED}")
    before = losses(app)
    next(button for button in app.button if button.label == "New random start").click().run()
    assert app.number_input(key="seed").value == 2
    run = run_of(data_of(), seed=2)
    assert losses(app)[0] == pytest.approx(run.history.last.loss, rel=1e-5)
    app.number_input(key="seed").set_value(1).run()
    assert losses(app) == before


def test_two_clusterings_can_be_selected_and_their_disagreements_are_highlighted():
    def select(label):
        return next(box for box in app.selectbox if box.label == label)

    def highlighted():
        drawn = json.loads(app.get("plotly_chart")[-1].proto.spec)["data"]
        assert len(drawn[1]["customdata"]) == len(drawn[3]["customdata"])
        return len(drawn[1]["customdata"])

    app = opened("/compare?n=100&sample=Overlapping groups&algorithm_2=K-medoids")
    assert select("Highlight").value == sections.ALL_CELLS
    select("Compare").set_value("True labels").run()
    assert has_no_errors(app)
    assert select("with").value == "2. K-medoids"  # unchanged
    assert "True labels" not in select("with").options
    sentence = next(element.value for element in app.markdown if " disagree on " in element.value).replace("\\", "")
    differing = int(re.search(r" disagree on (\d+) of 100 points", sentence)[1])
    assert f"All disagreements ({differing})" in select("Highlight").options
    assert highlighted() == differing
    cell = select("Highlight").options[1]
    select("Highlight").select(cell).run()
    assert cell.endswith(f"({highlighted()})")
    assert 0 < highlighted() < differing


def test_a_distance_matrix_is_clustered_by_k_medoids_with_different_updates():
    app = opened("/compare?n=100&panels=3&source=Built-in&table=Number words")
    assert has_no_errors(app)
    titles = [view.title for view in available_methods(COMPARE).values() if PROXIMITIES in view.traits.data]
    assert titles[:2] == ["K-medoids", "Hierarchical clustering"]
    assert [box.options for box in app.selectbox if (box.key or "").startswith("algorithm_")] == [titles] * 3
    assert column(app, "Run") == [
        "1. K-medoids, alternating",
        "2. K-medoids, first swap",
        "3. K-medoids, best swap",
    ]
    assert "using the given distances for every run" in messages(app)
    app.button_group(key="source").set_value("sample").run()
    assert column(app, "Run") == ["1. K-means", "2. Mixture (full)", "3. K-medoids"]


def test_many_points_are_drawn_as_an_image_and_sampled_only_for_a_pairwise_method(monkeypatch):
    monkeypatch.setattr(comparison_module, "MAX_POINTS_FOR_PROXIMITIES", 80)
    monkeypatch.setattr(sections, "MAX_MARKERS", 90)
    app = opened("/compare?n=100&algorithm_2=K-medoids")
    assert has_no_errors(app)
    assert "all runs use the same sample of 80 of the 100 points" in messages(app)
    assert "All 80 points of the sample are used and shown." in messages(app)
    app.selectbox(key="algorithm_2").set_value("kmeans").run()
    assert "sample of" not in messages(app)
    assert "All 100 points are used and shown, drawn as an image" in messages(app)


def test_the_error_of_a_failed_run_is_shown_and_the_other_runs_are_compared(monkeypatch):
    data = Data("axes", "Few", ("a", "b"), np.vstack([np.eye(6)[:, :2], np.eye(6)[:, :2] + 3]))
    monkeypatch.setattr(catalog, "draw_sample", lambda *_: data)
    app = opened("/compare?panels=3&kmedoids_metric_3=Cosine")
    assert [error.value.replace("\\", "") for error in app.error] == [
        "Cosine is not defined for row 3, which is all zeros: remove it or choose another metric."
    ]
    assert column(app, "Run") == ["1. K-means", "2. Mixture (full)"]
    assert "Adjusted Rand index" not in table(app)[0]


def test_k_is_reduced_to_the_number_of_points(monkeypatch):
    data = Data("two", "Few", ("a", "b"), np.array([[0.0, 0.0], [1.0, 2.0]]))
    monkeypatch.setattr(catalog, "draw_sample", lambda *_: data)
    app = opened("/compare")
    assert "Only 2 points, so K is 2." in messages(app)
    assert len(plots(app)) == 2


@pytest.fixture(scope="module")
def page():
    """A page on which the examples are selected one after the other. Its panels have settings of their own at first."""
    return opened(f"/compare?n=50&panels=3&k_2=5&start_kmeans_1=k-means++&mixture_covariance_2=Tied: shared&{SHARED}")


@pytest.mark.one_in(3)
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_shows_its_text_data_and_runs_whatever_was_shown_before_and_so_does_its_link(page, name):
    example = EXAMPLES[name]
    page.button_group(key=EXAMPLE).set_value(name).run()
    assert has_no_errors(page)
    assert [info.value for info in page.info] == [example.text]
    assert {key: page.session_state[key] for key in example.state()} == example.state()
    assert len(plots(page)) == len(example.panels)
    headers, *rows = table(page)
    for row, expected in zip(rows, scores(comparison_of(example)), strict=True):
        assert row[0] == expected.name
        assert row[headers.index("Adjusted Rand index")].split()[0] == number(expected.adjusted_rand)
        assert row[headers.index("Silhouette")] == number(expected.silhouette)
    address = dict(page.query_params)
    assert example.query_params.items() <= address.items()
    again = opened("/compare?" + "&".join(f"{key}={value}" for key, value in address.items()))
    assert scores_without_time(again) == scores_without_time(page)


def number(value):
    return f"{value:.3f}"


def test_changing_any_setting_deselects_the_example_and_it_can_be_selected_again():
    app = opened("/compare?n=100")
    changes = [
        lambda: app.number_input(key="seed").set_value(8),
        lambda: app.selectbox(key="mixture_covariance_3").set_value("tied"),
        lambda: app.slider(key="round_distance").set_value(4.0),
    ]
    for change in changes:
        app.button_group(key=EXAMPLE).set_value("round").run()
        assert [info.value for info in app.info] == [EXAMPLES["round"].text]
        change().run()
        assert has_no_errors(app)
        assert not app.info
        assert app.button_group(key=EXAMPLE).value is None


def comparison_of(example):
    """The comparison that an example describes, computed from its widget values alone."""
    state = example.state()
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
    return make_comparison(
        data,
        panels,
        RecentCache(),
        lambda *_: None,
        shared=shared,
        k=state["k"],
        initialization=state["start_all"],
        restarts=BEST_OF,
    )


def agreements(comparison):
    return [row.adjusted_rand for row in scores(comparison)]


def test_the_three_gaussians_are_found_by_k_means_in_few_iterations_and_by_em_in_many():
    comparison = comparison_of(FULL_SIZE["three"])
    assert agreements(comparison) == pytest.approx([0.989, 0.989], abs=0.001)
    assert [row.duration for row in scores(comparison)] == ["8", "30"]  # as the text says


def test_round_groups_are_found_by_all_methods_and_k_means_converges_first():
    comparison = comparison_of(FULL_SIZE["round"])
    assert min(agreements(comparison)) > 0.95
    assert all(row.adjusted_rand == pytest.approx(scores(comparison)[0].adjusted_rand, abs=0.02) for row in scores(comparison))
    assert comparison.adjusted_rand[:3, :3].min() > 0.95
    means, medoids, mixture = (int(row.duration) for row in scores(comparison))
    assert means == 3  # as the text says
    assert means < min(medoids, mixture)


def test_stretched_groups_are_found_by_the_mixture_only_and_the_silhouette_prefers_k_means():
    comparison = comparison_of(FULL_SIZE["stretched"])
    means, medoids, mixture = scores(comparison)
    assert mixture.adjusted_rand > 0.9
    assert means.adjusted_rand < 0.5
    assert medoids.adjusted_rand < 0.5
    assert means.silhouette > mixture.silhouette
    assert medoids.silhouette > mixture.silhouette


def test_unequal_sizes_are_found_by_the_mixture_and_the_others_split_the_large_group_at_their_lowest_loss():
    comparison = comparison_of(FULL_SIZE["sizes"])
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


def test_with_outliers_medoids_are_closer_to_the_group_means_than_k_means_centers():
    comparison = comparison_of(FULL_SIZE["outliers"])
    data = comparison.data
    group_means = np.stack([data.points[data.labels == g].mean(axis=0) for g in range(3)])
    labeled = data.labels >= 0

    def error(run):
        """Distance from each final center to the mean of the matching group."""
        partner = match_clusters(run.history.last.labels[labeled], data.labels[labeled], 3)
        return np.linalg.norm(run.centers[-1] - group_means[partner], axis=1)

    means, medoids = comparison.runs
    assert adjusted_rand_index(means.history.last.labels, medoids.history.last.labels) == 1.0
    assert error(medoids).max() < error(means).max()
    assert error(medoids).mean() < error(means).mean()
    assert cdist(group_means, medoids.centers[-1]).min(axis=1).max() < cdist(group_means, means.centers[-1]).min(axis=1).max()


def test_with_overlapping_groups_the_mixtures_show_uncertainty():
    comparison = comparison_of(FULL_SIZE["overlap"])
    assert [run.settings.method for run in comparison.runs] == ["kmeans", "mixture", "mixture"]
    assert [run.settings.option("covariance") for run in comparison.runs[1:]] == ["spherical", "full"]
    for run in comparison.runs[1:]:
        likeliest = run.history.last.assignment.responsibilities.max(axis=1)
        assert np.mean(likeliest < 0.8) > 0.1


def test_rings_are_found_by_single_linkage_only_although_the_others_converge():
    comparison = comparison_of(FULL_SIZE["rings"])
    assert np.abs(agreements(comparison)[:2]).max() < 0.1
    assert agreements(comparison)[2] == 1
    for run in comparison.runs[:2]:
        assert run.history.converged
        assert run.history.losses[-1] < run.history.losses[0]


def test_moons_are_found_by_single_linkage_only_and_not_with_points_between_them():
    comparison = comparison_of(FULL_SIZE["moons"])
    assert max(agreements(comparison)[:2]) < 0.5
    assert agreements(comparison)[2] > 0.99
    linked = AgglomerativeClustering(2, linkage="single").fit(comparison.data.points).labels_
    assert adjusted_rand_index(linked, comparison.runs[2].history.last.labels) == 1
    noisy = catalog.draw_sample("moons", 500, 0, {"noise": 0.16})
    assert adjusted_rand_index(tree_of_points(noisy.points, "single").labels(2), noisy.labels) < 0.1
    for run, moons in zip(comparison.runs[:2], (2, 1), strict=True):  # both moons lose a part to the other, or one of them
        counts, *_ = contingency_table(comparison.data.labels, run.history.last.labels)
        assert (counts.min(axis=1) > 0.05 * counts.sum(axis=1)).sum() == moons


def test_the_loss_and_on_request_the_formulas_of_each_run_are_in_its_column():
    app = opened("/compare?n=60")
    assert len(plots(app)) == 2
    shown = [component(app, f"formulas of race_formulas_{i}") for i in range(2)]
    assert not any(one["visible"] for one in shown)  # except in a presentation
    app.toggle(key="formulas").set_value(True).run()
    assert has_no_errors(app)
    shown = [component(app, f"formulas of race_formulas_{i}") for i in range(2)]
    assert all(one["visible"] and one["compact"] for one in shown)
    assert shown[0]["html"] != shown[1]["html"]
    frames = component(app, "player")["captions"]
    assert [len(one["values"]) for one in shown] == [len(captions) for captions in frames]

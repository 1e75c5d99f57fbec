"""The Hierarchical page without a browser: the cut, messages, and the use of the cut on other pages."""

import json
import re
from pathlib import Path
from urllib.parse import parse_qs

import numpy as np
import plotly.graph_objects as go
import pytest
import sklearn.cluster
from scipy.cluster import hierarchy
from sklearn.metrics import adjusted_rand_score
from streamlit.testing.v1 import AppTest

import pages.methods
from clustering import LINKAGES
from pages.compare import comparison
from pages.datasets import catalog, limits
from pages.datasets.data import POINTS, Data
from pages.hierarchy import notes, sections
from pages.methods import trees
from pages.methods.kmeans import KMeansView
from pages.methods.starts import SEEDED, TREE
from pages.ui.widgets import SAME

DASHBOARD = Path(__file__).resolve().parents[3] / "dashboard.py"
PAGE, WATCH, COMPARE = "pages/hierarchy/page.py", "pages/watch/page.py", "pages/compare/page.py"


def opened(page=PAGE, **address):
    app = AppTest.from_file(str(DASHBOARD), default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    return app.switch_page(page).run()


@pytest.fixture
def no_figures(monkeypatch):
    """Replaces the figures, which take most of the time, by empty ones; tests/pages/methods/test_trees.py tests them."""
    monkeypatch.setattr(sections, "draw_figures", lambda *_: [go.Figure()] * 4)


@pytest.fixture
def app(no_figures):
    return opened(n="50")


def opened_on(monkeypatch, points, **address):
    """Opens the page on these points."""
    data = Data("few", "Few", ("a", "b"), np.array(points, dtype=float))
    monkeypatch.setattr(catalog, "draw_sample", lambda *_: data)
    return opened(**address)


def points_of(sample="three", n=50, seed=0, **values):
    return catalog.draw_sample(sample, n, seed, values).points


def has_no_error(app):
    return not app.exception and not app.error


def messages(app):
    return " ".join(element.value.replace("\\", "") for element in (*app.warning, *app.error, *app.info))


def labeled(app, label):
    return next(box for box in app.selectbox if box.label == label)


def metric(app, label):
    return next(metric.value for metric in app.metric if metric.label == label)


def sizes(app):
    """The sizes of the clusters in the table, sorted."""
    table = next(element.proto.body for element in app.get("html") if "Cluster sizes" in element.proto.body)
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall("<tr>(.*?)</tr>", table)]
    return sorted(int(row[1].replace(",", "")) for row in rows[1:])


def cut(app):
    """K and the height of the cut, as the widgets show them."""
    return app.number_input(key="k").value, app.number_input(key="height").value


def clusters_at(heights, height):
    """Number of clusters of a cut at this height, for non-decreasing heights of the merges."""
    return int((heights > height).sum()) + 1


def click(app, label):
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


def requested_page(app):
    """The label of the link to the page that a callback has requested, and its query parameters."""
    link = app.get("page_link")[0].proto
    return link.label, {name: value for name, (value,) in parse_qs(link.query_string).items()}


def scores(app):
    """The rows of the table of scores on the Compare page, as dicts by column name."""
    table = next(element.proto.body for element in app.get("html") if "Scores of the runs" in element.proto.body)
    headers, *rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall("<tr>(.*?)</tr>", table)]
    return [dict(zip(headers, row, strict=True)) for row in rows]


def test_the_page_opens_with_ward_linkage_cut_into_three_clusters():
    app = opened()
    assert has_no_error(app)
    assert [title.value for title in app.title] == ["Hierarchical clustering"]
    assert messages(app) == ""
    data = catalog.draw_sample("three", 500, 0, {})
    merges = hierarchy.linkage(data.points, "ward")
    labels = sklearn.cluster.AgglomerativeClustering(3).fit(data.points).labels_
    correlation, _ = hierarchy.cophenet(merges, hierarchy.distance.pdist(data.points))
    k, height = cut(app)
    assert k == clusters_at(merges[:, 2], height) == 3
    assert metric(app, "Clusters") == "3"
    assert metric(app, "Cophenetic correlation") == f"{correlation:.3f}"
    assert metric(app, "Adjusted Rand index") == f"{adjusted_rand_score(data.labels, labels):.3f}"
    assert sizes(app) == sorted(np.bincount(labels).tolist())
    assert len(app.get("plotly_chart")) == 4


def test_the_table_and_the_buttons_say_that_they_are_about_the_cut(app):
    assert "Means of the clusters at the cut\\." in [caption.value for caption in app.caption]
    assert "**Use the clusters at the cut**" in [text.value for text in app.markdown]


def test_every_linkage_can_be_chosen_for_points(app):
    points = points_of()
    for linkage in LINKAGES:
        app.selectbox(key="tree_linkage").set_value(linkage).run()
        assert has_no_error(app)
        expected, _ = hierarchy.cophenet(hierarchy.linkage(points, linkage), hierarchy.distance.pdist(points))
        assert metric(app, "Cophenetic correlation") == f"{expected:.3f}"
        assert sum(sizes(app)) == 50


@pytest.mark.parametrize("linkage", ["single", "centroid"])
def test_a_table_with_more_than_two_columns_has_a_tree_and_figures(linkage):
    app = opened(source="Built-in", table="Palmer penguins", tree_linkage=linkage.capitalize())
    assert has_no_error(app)
    data = app.session_state["last data"]
    assert data.points.shape[1] > 2
    assert len(app.get("plotly_chart")) == 4
    merges = hierarchy.linkage(data.points, linkage)
    expected, _ = hierarchy.cophenet(merges, hierarchy.distance.pdist(data.points))
    assert metric(app, "Cophenetic correlation") == f"{expected:.3f}"
    assert sum(sizes(app)) == len(data.points)


def test_every_linkage_can_be_chosen_for_words_with_a_message_if_it_assumes_euclidean_distances(no_figures):
    app = opened(source="Built-in", table="Number words")
    assert app.selectbox(key="tree_linkage_given").value == "average"  # Ward linkage needs means, which words do not have
    distances = hierarchy.distance.squareform(app.session_state["last data"].precomputed)
    for linkage in LINKAGES:
        app.selectbox(key="tree_linkage_given").set_value(linkage).run()
        assert has_no_error(app)
        expected, _ = hierarchy.cophenet(hierarchy.linkage(distances, linkage), distances)
        assert metric(app, "Cophenetic correlation") == f"{expected:.3f}".replace("-", "−")
        assert ("linkage assumes Euclidean distances" in messages(app)) == (linkage in ("ward", "centroid", "median"))
        assert [button.label for button in app.button if button.label.startswith("Initialize ")] == ["Initialize K-medoids"]


def test_mixed_data_open_with_average_linkage_also_after_points_with_ward_linkage(no_figures):
    app = opened(source="Built-in", table="Palmer penguins")
    assert app.selectbox(key="tree_linkage").value == "ward"
    app.multiselect(key="penguins_columns").set_value(["bill_length_mm", "island"]).run()
    assert has_no_error(app)
    assert labeled(app, "Linkage").value == "average"
    assert labeled(app, "Metric").value == "gower"


def test_the_same_message_is_shown_for_points_with_another_metric(app):
    for linkage, warned in (("ward", True), ("average", False)):
        app.selectbox(key="tree_linkage").set_value(linkage)
        app.selectbox(key="tree_metric").set_value("manhattan").run()
        assert has_no_error(app)
        assert ("Ward linkage assumes Euclidean distances" in messages(app)) == warned
    expected, _ = hierarchy.cophenet(
        hierarchy.linkage(points_of(), "average", "cityblock"), hierarchy.distance.pdist(points_of(), "cityblock")
    )
    assert metric(app, "Cophenetic correlation") == f"{expected:.3f}"


def test_k_and_the_height_of_the_cut_stay_consistent_when_either_changes(app):
    heights = hierarchy.linkage(points_of(), "ward")[:, 2]
    for k in (5, 1, 50, 2):
        app.number_input(key="k").set_value(k).run()
        assert has_no_error(app)
        assert cut(app)[0] == k == clusters_at(heights, cut(app)[1])
        assert metric(app, "Clusters") == str(k)
        assert len(sizes(app)) == k
    for height in (0.5 * (heights[-5] + heights[-4]), float(heights[-1]), 0.0, float(heights[10])):
        app.number_input(key="height").set_value(height).run()
        assert has_no_error(app)
        assert cut(app) == (clusters_at(heights, height), height)
        assert metric(app, "Clusters") == str(cut(app)[0])
    app.number_input(key="height").set_value(1e6).run()
    assert cut(app) == (1, 1e6)
    assert has_no_error(app)
    app.number_input(key="k").set_value(6).run()
    app.number_input(key="k").set_value(1).run()
    assert heights[-1] <= cut(app)[1] < 1.06 * heights[-1]  # where the line can be seen


def test_an_emptied_height_field_restores_the_previous_height(app):
    heights = hierarchy.linkage(points_of(), "ward")[:, 2]
    height = float(heights[-4])
    app.number_input(key="height").set_value(height).run()
    for _ in range(2):
        app.number_input(key="height").set_value(None).run()
        assert has_no_error(app)
        assert cut(app) == (4, height)


def test_another_tree_keeps_k_and_gets_its_own_height(app):
    for linkage in ("single", "complete"):
        app.selectbox(key="tree_linkage").set_value(linkage).run()
        assert cut(app)[0] == 3
        assert clusters_at(hierarchy.linkage(points_of(), linkage)[:, 2], cut(app)[1]) == 3
    app.select_slider(key="n").set_value(200).run()
    assert cut(app)[0] == 3
    assert clusters_at(hierarchy.linkage(points_of(n=200), "complete")[:, 2], cut(app)[1]) == 3


def test_a_height_with_more_clusters_than_can_be_shown_has_a_warning_once(no_figures):
    app = opened(n="100")
    app.number_input(key="height").set_value(0.01).run()
    assert has_no_error(app)
    assert "A cut at height 0.01 gives 100 clusters. At most 50 can be shown, so K is 50." in messages(app)
    assert cut(app)[0] == 50 == clusters_at(hierarchy.linkage(points_of(n=100), "ward")[:, 2], cut(app)[1])
    app.number_input(key="k").set_value(4).run()
    assert messages(app) == ""


def test_there_is_a_message_if_no_height_gives_k_clusters_because_merges_are_tied(monkeypatch, no_figures):
    app = opened_on(monkeypatch, [[0, 0], [1, 0], [2, 0], [3, 0]], tree_linkage="Single", k="2")
    assert has_no_error(app)
    assert "No height gives exactly 2 clusters because of tied merges" in messages(app)
    assert metric(app, "Clusters") == "2"
    for k in (4, 1):
        app.number_input(key="k").set_value(k).run()
        assert "No height" not in messages(app)


@pytest.mark.parametrize(
    ("points", "linkage"),
    [([[1, 2]] * 20, "Ward"), ([[0, 0], [1, 0], [0.5, 0.8]], "Centroid"), ([[0, 0], [1, 0], [0.5, 0.8]], "Median")],
    ids=["identical", "centroid", "median"],
)
def test_there_is_always_a_height_that_gives_one_cluster(monkeypatch, no_figures, points, linkage):
    app = opened_on(monkeypatch, points, tree_linkage=linkage, k="1")
    assert has_no_error(app)
    assert "No height gives" not in messages(app)
    heights = hierarchy.linkage(np.array(points, dtype=float), linkage.lower())[:, 2]
    assert ("inversion" in messages(app)) == (heights[-1] < heights.max())
    k, height = cut(app)
    assert k == 1
    assert heights.max() <= height <= 1.06 * (heights.max() or 1)
    assert sizes(app) == [len(points)]


def test_inversions_and_a_cut_that_no_height_gives_are_explained(no_figures):
    app = opened(sample="Uniform noise", n="100", data_seed="2", tree_linkage="Centroid", k="3")
    assert has_no_error(app)
    points = points_of("uniform", 100, 2, d=2)
    merges = hierarchy.linkage(points, "centroid")
    heights = np.append(np.zeros(100), merges[:, 2])
    lower = merges[:, 2] < (1 - 1e-9) * heights[merges[:, :2].astype(int)].max(axis=1)
    assert f"{lower.sum()} inversions, circled in the dendrogram" in messages(app)
    assert merges[97, 2] < merges[:97, 2].max()  # the next merge is below one that has been applied
    assert "No height gives exactly 3 clusters because of an inversion" in messages(app)
    app.number_input(key="k").set_value(4).run()
    assert "No height" not in messages(app)
    app.selectbox(key="tree_linkage").set_value("average").run()
    assert messages(app) == ""


def test_the_tree_of_too_many_points_is_that_of_a_sample_with_a_note_also_after_a_comparison_on_that_sample(monkeypatch):
    for module in (trees, comparison):
        monkeypatch.setattr(module, "MAX_POINTS_FOR_PROXIMITIES", 60)
    app = opened(COMPARE, n="100", panels="2", algorithm_1="Hierarchical clustering")
    assert has_no_error(app)
    assert "all runs use the same sample of 60 of the 100 points" in messages(app)
    assert scores(app)[0]["Iterations"] == "57 merges"
    app.switch_page(PAGE).run()
    assert has_no_error(app)
    assert "it uses a sample of 60 of the 100 points" in messages(app)
    assert sum(sizes(app)) == 60


def test_the_optimal_order_changes_the_dendrogram_but_not_the_clusters_and_is_limited_to_few_points(monkeypatch):
    for module in (limits, trees, notes):  # the page itself reads the limit each time it runs
        monkeypatch.setattr(module, "MAX_ORDERED_LEAVES", 50)
    app = opened(n="50")
    before = cut(app), sizes(app), dendrogram(app)
    app.toggle(key="ordered").set_value(True).run()
    assert has_no_error(app)
    assert messages(app) == ""
    assert (cut(app), sizes(app)) == before[:2]
    assert dendrogram(app) != before[2]
    app.select_slider(key="n").set_value(100).run()
    assert has_no_error(app)
    assert "Optimal leaf ordering is limited to 50 points" in messages(app)
    app.select_slider(key="n").set_value(50).run()
    assert messages(app) == ""


def dendrogram(app):
    """The traces of the dendrogram."""
    return json.loads(app.get("plotly_chart")[1].proto.spec)["data"]


def test_the_optimal_order_can_be_set_by_a_link(no_figures):
    app = opened(n="50", ordered="true")
    assert has_no_error(app)
    assert app.toggle(key="ordered").value is True


def test_one_point_two_points_and_identical_points_do_not_crash(monkeypatch, no_figures):
    app = opened_on(monkeypatch, [[1, 2]])
    assert not app.exception
    assert "A tree needs at least two points, got 1." in messages(app)
    app = opened_on(monkeypatch, [[1, 2]] * 20)
    assert has_no_error(app)
    assert metric(app, "Cophenetic correlation") == "undefined"
    assert sum(sizes(app)) == 20
    app = opened_on(monkeypatch, [[0, 0], [3, 4]])
    assert has_no_error(app)
    assert "Only 2 points, so K is 2." in messages(app)
    assert sizes(app) == [1, 1]


def test_a_metric_that_is_undefined_for_a_row_is_an_error_message(monkeypatch):
    app = opened_on(monkeypatch, [[1, 2], [0, 0], [3, 1]], tree_metric="Cosine", tree_linkage="Average")
    assert not app.exception
    assert [error.value.replace("\\", "") for error in app.error] == [
        "Cosine is not defined for row 2, which is all zeros: remove it or choose another metric."
    ]


@pytest.mark.parametrize(
    ("label", "algorithm"),
    [
        ("Initialize K-means", "kmeans"),
        ("Initialize K-medoids", "kmedoids"),
        ("Initialize Gaussian mixture", "mixture"),
    ],
)
def test_the_cut_initializes_other_methods_on_the_watch_page(no_figures, label, algorithm):
    app = opened(n="50", k="4", tree_linkage="Complete", tree_metric="Manhattan")
    found = sizes(app)
    click(app, label)
    page, address = requested_page(app)
    assert page == "Open on the Watch page"
    assert {name: address[name] for name in ("k", "tree_linkage", "tree_metric")} == dict(
        k="4", tree_linkage="Complete", tree_metric="Manhattan"
    )
    assert address.get("kmedoids_metric") == ("Manhattan" if algorithm == "kmedoids" else None)
    app.switch_page(WATCH).run()
    assert has_no_error(app)
    assert app.number_input(key="k").value == 4
    assert app.selectbox(key="algorithm").value == algorithm
    assert app.selectbox(key=f"start_{algorithm}").value == "tree"
    assert app.selectbox(key="tree_linkage").value == "complete"
    assert app.selectbox(key="tree_metric").value == "manhattan"
    if algorithm == "kmedoids":
        assert app.selectbox(key="kmedoids_metric").value == "manhattan"
    assert next(button for button in app.button if button.label == "New random start").disabled
    (run,) = [run for key, run in app.session_state["recent"].items() if key[0] == "run"]
    points = points_of()
    labels = hierarchy.fcluster(hierarchy.linkage(points, "complete", "cityblock"), 4, "maxclust") - 1
    assert found == sorted(np.bincount(labels).tolist())
    groups = [np.flatnonzero(labels == group) for group in range(4)]
    initial = run.history.parameters[0]
    if algorithm == "kmedoids":
        assert sorted(labels[initial]) == [0, 1, 2, 3]
        return
    if algorithm == "mixture":
        np.testing.assert_allclose(np.sort(initial.weights), np.array(found) / 50)
        initial = initial.means
    means = np.array([points[group].mean(axis=0) for group in groups])
    np.testing.assert_allclose(initial[np.argsort(initial[:, 0])], means[np.argsort(means[:, 0])])


class AnotherView(KMeansView):
    name = "another"
    title = "Another method"
    order = 8


class TwinView(AnotherView):
    """Another method of the same title."""

    name = "twin"
    order = 9


class SeededOnlyView(KMeansView):
    name = "seeded"
    title = "Method without trees"
    order = 10
    initializations = SEEDED


def test_every_method_that_can_be_initialized_by_a_tree_has_a_button_even_if_titles_coincide(monkeypatch, no_figures):
    views = pages.methods.methods() | {view.name: view for view in (AnotherView(), TwinView(), SeededOnlyView())}
    monkeypatch.setattr(pages.methods, "methods", lambda: views)
    app = opened(n="50", k="4", tree_linkage="Complete")
    assert has_no_error(app)
    expected = [
        f"Initialize {view.title_in_sentence}"
        for view in views.values()
        if TREE in view.initializations and POINTS in view.traits.data
    ]
    assert {"Initialize K-means", "Initialize fuzzy c-means"} <= set(expected)
    assert expected[-2:] == ["Initialize Another method"] * 2
    assert [button.label for button in app.button if button.label.startswith("Initialize ")] == expected
    app.button(key="hand over to twin").click().run()
    assert not app.exception
    page, address = requested_page(app)
    assert page == "Open on the Watch page"
    assert address == dict(algorithm="Another method", k="4", start_twin="Hierarchical clustering", tree_linkage="Complete")
    assert app.session_state["algorithm"] == "twin"
    app.switch_page(WATCH).run()
    assert has_no_error(app)
    assert app.selectbox(key="algorithm").value == "twin"
    assert app.selectbox(key="start_twin").value == "tree"
    (run,) = [run for key, run in app.session_state["recent"].items() if key[0] == "run"]
    assert (run.settings.method, run.settings.k, run.settings.start.linkage) == ("twin", 4, "complete")


def test_the_tree_of_words_initializes_k_medoids_and_joins_the_comparison(no_figures):
    app = opened(source="Built-in", table="Number words", tree_linkage_given="Complete")
    click(app, "Initialize K-medoids")
    assert requested_page(app)[1] == dict(
        algorithm="K-medoids", start_kmedoids="Hierarchical clustering", tree_linkage_given="Complete"
    )
    assert "tree_linkage" not in app.session_state  # it belongs to the trees of points
    app.switch_page(WATCH).run()
    assert has_no_error(app)
    assert app.selectbox(key="start_kmedoids").value == "tree"
    assert app.selectbox(key="tree_linkage_given").value == "complete"
    click(app.switch_page(PAGE).run(), "Add to comparison")
    assert requested_page(app)[1] == dict(
        algorithm_1_given="Hierarchical clustering", algorithm_2_given="K-medoids", tree_linkage_1_given="Complete"
    )
    assert "tree_linkage_1" not in app.session_state
    app.switch_page(COMPARE).run()
    assert has_no_error(app)
    assert [row["Run"] for row in scores(app)] == ["1. Complete linkage", "2. K-medoids"]
    assert app.selectbox(key="tree_linkage_1_given").value == "complete"


@pytest.mark.parametrize(
    ("address", "ending", "partner"),
    [(dict(n="50"), "", "kmeans"), (dict(source="Built-in", table="Number words"), "_given", "kmedoids")],
    ids=["points", "words"],
)
def test_the_cut_joins_the_comparison_with_its_own_k_and_resets_the_k_and_the_start_of_the_runs(
    no_figures, address, ending, partner
):
    runs = {
        f"algorithm_2{ending}": pages.methods.method(partner).title,
        f"start_{partner}_2{ending}": "Hierarchical clustering",
    }
    app = opened(COMPARE, **address, **runs, **{"panels": "2", f"k_1{ending}": "7", f"k_2{ending}": "6"})
    assert has_no_error(app)
    assert [row["Run"].split(", ")[-1] for row in scores(app)] == ["K = 7", "K = 6"]
    app.switch_page(PAGE).run()
    app.number_input(key="k").set_value(4).run()
    click(app, "Add to comparison")
    app.switch_page(COMPARE).run()
    assert has_no_error(app)
    assert (app.number_input(key="k").value, app.selectbox(key=f"algorithm_1{ending}").value) == (4, "tree")
    for panel in (1, 2):
        assert app.number_input(key=f"k_{panel}{ending}").value is None
    assert app.selectbox(key=f"start_{partner}_2{ending}").value == SAME
    assert not any("K = " in row["Run"] for row in scores(app))


def test_a_tree_is_compared_with_a_run_of_another_k_and_with_more_true_groups_than_clusters():
    app = opened(COMPARE, n="50", panels="2", algorithm_1="Hierarchical clustering", algorithm_2="K-means", k="2")
    assert has_no_error(app)
    assert [row["Run"] for row in scores(app)] == ["1. Ward linkage", "2. K-means"]
    app.number_input(key="k_2").set_value(5).run()
    assert has_no_error(app)
    assert [row["Run"] for row in scores(app)] == ["1. Ward linkage, K = 2", "2. K-means, K = 5"]


def test_the_cut_is_the_first_run_of_the_comparison_with_a_row_in_the_table(no_figures):
    app = opened(n="50", k="4", tree_linkage="Average", tree_metric="Manhattan")
    click(app, "Add to comparison")
    app.switch_page(COMPARE).run()
    assert has_no_error(app)
    first, second = scores(app)
    assert first["Run"] == "1. Average linkage, Manhattan"
    assert second["Run"] == "2. K-means"
    assert first["Iterations"] == "46 merges"
    data = catalog.draw_sample("three", 50, 0, {})
    labels = sklearn.cluster.AgglomerativeClustering(4, metric="manhattan", linkage="average").fit(data.points).labels_
    assert first["Adjusted Rand index"] == f"{adjusted_rand_score(data.labels, labels):.3f}"
    height = hierarchy.linkage(data.points, "average", "cityblock")[-4, 2]
    assert float(first["Final loss"].split("<br>")[0]) == pytest.approx(height, rel=1e-5)
    assert "height of the last merge" in first["Final loss"]
    assert any(
        "except for hierarchical clustering, where it includes the distance matrix and the complete tree."
        in caption.value.replace("\\", "")
        for caption in app.caption
    )


def test_two_trees_in_the_comparison_have_different_names():
    both = {f"algorithm_{number}": "Hierarchical clustering" for number in (1, 2)}
    app = opened(COMPARE, n="50", panels="2", **both, tree_linkage_2="Single")
    assert has_no_error(app)
    assert [row["Run"] for row in scores(app)] == ["1. Ward linkage", "2. Single linkage"]
    app.selectbox(key="tree_linkage_2").set_value("ward")
    app.selectbox(key="tree_metric_2").set_value("chebyshev").run()
    assert has_no_error(app)
    assert [row["Run"] for row in scores(app)] == ["1. Ward linkage", "2. Ward linkage, Chebyshev"]


def test_a_method_that_is_initialized_by_a_tree_can_be_compared_with_a_tree():
    start = dict(algorithm_2="K-means", start_kmeans_2="Hierarchical clustering", tree_linkage_2="Complete")
    app = opened(COMPARE, n="50", panels="2", algorithm_1="Hierarchical clustering", **start)
    assert has_no_error(app)
    points = points_of()
    labels = sklearn.cluster.AgglomerativeClustering(3, linkage="complete").fit(points).labels_
    means = np.array([points[labels == group].mean(axis=0) for group in range(3)])
    peer = sklearn.cluster.KMeans(3, init=means, n_init=1, tol=0, algorithm="lloyd").fit(points)
    assert float(scores(app)[1]["Final loss"].split("<br>")[0].replace(",", "")) == pytest.approx(peer.inertia_, rel=1e-5)

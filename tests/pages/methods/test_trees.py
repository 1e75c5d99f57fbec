"""Trees, their cuts as runs and as initial clusters, and their figures, compared with SciPy and scikit-learn."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import plotly.io
import pytest
import sklearn.cluster
from scipy.cluster import hierarchy
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csgraph
from scipy.spatial import distance
from sklearn.metrics import adjusted_rand_score

from clustering import LINKAGES, classical_scaling
from pages import methods
from pages.compare import comparison
from pages.compare.comparison import make_comparison, panel_names
from pages.compare.scores import scores
from pages.datasets import catalog, cleaning
from pages.datasets.data import PRECOMPUTED, Data
from pages.datasets.planes import column_plane, principal_plane
from pages.figures import palette, plots
from pages.figures.hulls import hull
from pages.hierarchy import figures as tree_figures
from pages.hierarchy import picture as tree_picture
from pages.hierarchy.cut import cut_run, height_of_cut
from pages.hierarchy.frames import frame_of_cut, pace, tree_frames
from pages.methods import base, trees
from pages.methods.options import Settings
from pages.methods.starts import TreeStart
from pages.methods.trees import MAX_ORDERED_LEAVES, DataTree, build_tree, cut_labels
from pages.runs import curves, pictures
from pages.runs.cache import RecentCache
from pages.runs.frames import aligned_frames, frames_of
from pages.runs.run import Run, make_run
from pages.ui.cutting_line import is_height

MONOTONE = ("single", "complete", "average", "ward")


def data_of(points, key="points", **parts):
    points = np.asarray(points, dtype=float)
    return Data(key, "Points", tuple("abcdefgh"[: points.shape[1]]), points, **parts)


@pytest.fixture
def small_limit(monkeypatch):
    """Sets the largest number of points that a tree or a proximity matrix can have."""

    def limit(n):
        for module in (trees, comparison, base):
            monkeypatch.setattr(module, "MAX_POINTS_FOR_PROXIMITIES", n)

    return limit


@pytest.fixture
def few_single_merges(monkeypatch):
    """Only the last 12 merges have a frame each, not the last 90, so that a small tree also has blocks of merges."""
    monkeypatch.setattr(trees, "MERGES_WITH_OWN_FRAME", 12)


def normal(n=60, d=2, seed=0):
    return data_of(np.random.default_rng(seed).normal(size=(n, d)), f"normal {n} {d} {seed}")


def distance_matrix_data(n=40):
    """A distance matrix that is not Euclidean, with names."""
    points = np.random.default_rng(1).normal(size=(n, 5))
    matrix = distance.squareform(distance.pdist(points, "cityblock"))
    names = np.array([f"item {i}" for i in range(n)])
    layout = classical_scaling(matrix).points
    return data_of(layout, f"given {n}", names=names, precomputed=matrix, matrix_name="road lengths")


def tree_of(data, linkage="ward", metric="euclidean", ordered=False) -> DataTree:
    return build_tree(data, linkage, PRECOMPUTED if data.precomputed is not None else metric, RecentCache(), ordered)


def cut_settings(k=3, linkage="ward", metric="euclidean") -> Settings:
    return methods.settings("tree", k, linkage=linkage, metric=metric)


def cut_of(data, k=3, linkage="ward", metric="euclidean") -> Run:
    settings = cut_settings(k, linkage, PRECOMPUTED if data.precomputed is not None else metric)
    return make_run(data, settings, RecentCache(), lambda _: None)


def run_from_tree(data, method, k=3, linkage="ward", seed=1, **options) -> Run:
    settings = methods.settings(method, k, TreeStart(linkage), seed, data, **options)
    return make_run(data, settings, RecentCache(), lambda _: None)


def plane_of(data):
    return principal_plane(data.points) if len(data.columns) > 2 else column_plane(data.columns, 0, len(data.columns) - 1)


def pictured(run, merges_at_frames=None, at=-1, **options):
    merges_at_frames = merges_at_frames or run.model_input.merges_at_frames
    return tree_picture.picture(run, merges_at_frames, at % len(merges_at_frames), plane_of(run.data), "name", **options)


def drawn_tree(run, merges_at_frames=None, at=-1):
    merges_at_frames = merges_at_frames or run.model_input.merges_at_frames
    return tree_figures.dendrogram(run, merges_at_frames, at % len(merges_at_frames), "name")


def drawn_heights(run, merges_at_frames=None, at=-1):
    merges_at_frames = merges_at_frames or run.model_input.merges_at_frames
    return tree_figures.height_curve(run, merges_at_frames, at % len(merges_at_frames), "name")


def partition(labels):
    """Clusters as sets of points, without their numbers."""
    return {frozenset(np.flatnonzero(labels == group).tolist()) for group in np.unique(labels)}


TRIANGLE = [[0.0, 0.0], [1.0, 0.0], [0.5, 0.8]]
"""points with an inversion in centroid and median linkage: the third is closer to the midpoint of the others than they are
to each other"""


# trees


def bare_tree(n):
    return SimpleNamespace(heights=np.zeros(n - 1))


@pytest.mark.parametrize("n", [2, 3, 91, 92, 100, 300, 2_000, 5_000])
def test_frames_go_from_no_merges_to_all_and_the_last_90_merges_have_a_frame_each(n):
    data = data_of(np.random.default_rng(0).normal(size=(n, 1)), f"line {n}")
    # they depend on the number of merges only
    data_tree = tree_of(data, "single") if n <= 300 else DataTree(data, "single", "euclidean", bare_tree(n), 0.0)
    merges_at_frames = data_tree.merges_at_frames
    assert merges_at_frames[0] == 0
    assert merges_at_frames[-1] == data_tree.n_merges == n - 1
    assert (np.diff(merges_at_frames) > 0).all()
    alone = min(90, n - 1)
    assert merges_at_frames[-alone - 1 :] == list(range(n - 1 - alone, n))
    assert len(merges_at_frames) <= 121
    assert data_tree.first_with_own_frame == n - 1 - alone


def test_a_tree_of_a_single_point_raises_an_error_with_a_message():
    with pytest.raises(ValueError, match="at least two points, got 1"):
        tree_of(data_of([[1.0, 2.0]]))


def test_two_points_have_one_merge_and_figures():
    data = data_of([[0.0, 0.0], [3.0, 4.0]])
    data_tree = tree_of(data)
    assert data_tree.merges_at_frames == [0, 1]
    assert data_tree.height(0) == 0.0
    assert data_tree.height(1) == pytest.approx(5.0)
    for k in (1, 2):
        run = cut_of(data, k)
        assert len(pictured(run).frames) == len(drawn_tree(run).frames) == len(tree_frames(run)) == 2
        assert len(drawn_heights(run).frames) == 2


@pytest.mark.parametrize("linkage", LINKAGES)
def test_clusters_after_some_merges_are_those_of_the_partition_with_more_than_one_point(linkage):
    data_tree = tree_of(normal(40, seed=3), linkage)
    for merges in range(40):
        groups = {frozenset(data_tree.tree.members(merge).tolist()) for merge in data_tree.clusters_after(merges).tolist()}
        assert groups == {group for group in partition(data_tree.tree.labels_after(merges)) if len(group) > 1}


@pytest.mark.parametrize("linkage", LINKAGES)
def test_the_first_merge_of_a_point_is_the_one_after_which_it_is_not_alone(linkage):
    data_tree = tree_of(normal(30, seed=4), linkage)
    sizes = np.array([np.bincount(labels := data_tree.tree.labels_after(m))[labels] for m in range(30)])
    np.testing.assert_array_equal(data_tree.first_merge, (sizes > 1).argmax(axis=0) - 1)


def lines(data_tree):
    """(m, 2, d) ends of the line of each merge, computed for two columns at a time, as in a plot."""
    d = data_tree.data.points.shape[1]
    columns = np.column_stack([data_tree.data.points, np.zeros(data_tree.n_merges + 1)])
    found = [data_tree.ends(np.arange(data_tree.n_merges), columns[:, first : first + 2]) for first in range(0, d, 2)]
    assert {ends.shape for ends in found} == {(data_tree.n_merges, 2, 2)}
    return np.concatenate(found, axis=2)[..., :d]


def lengths(data_tree, metric="euclidean"):
    return np.array([distance.cdist(line[:1], line[1:], metric)[0, 0] for line in lines(data_tree)])


@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize("linkage", ["single", "complete", "centroid", "median"])
def test_the_length_of_the_line_of_a_merge_equals_its_height(linkage, d):
    data_tree = tree_of(normal(50, d), linkage)
    np.testing.assert_allclose(lengths(data_tree), data_tree.tree.heights, rtol=1e-7)


@pytest.mark.parametrize("linkage", ["single", "complete"])
@pytest.mark.parametrize(("metric", "peer"), [("manhattan", "cityblock"), ("chebyshev", "chebyshev")])
def test_the_length_of_the_line_in_another_metric_equals_the_height(linkage, metric, peer):
    data_tree = tree_of(normal(50, 3), linkage, metric)
    np.testing.assert_allclose(lengths(data_tree, peer), data_tree.tree.heights, rtol=1e-9)


def test_with_ward_linkage_the_length_of_the_line_and_the_cluster_sizes_give_the_height():
    data_tree = tree_of(normal(50))
    sizes = np.append(np.ones(50), data_tree.tree.sizes)[data_tree.tree.merges]
    expected = np.sqrt(2 * sizes.prod(axis=1) / sizes.sum(axis=1)) * lengths(data_tree)
    np.testing.assert_allclose(data_tree.tree.heights, expected, rtol=1e-7)


def test_with_average_linkage_the_line_joins_the_means_of_the_two_clusters():
    data = normal(30)
    data_tree = tree_of(data, "average")
    for merge, (one, other) in enumerate(lines(data_tree)):
        members, before = data_tree.tree.members(merge), data_tree.tree.labels_after(merge)
        groups = [members[before[members] == group] for group in np.unique(before[members])]
        assert len(groups) == 2
        means = np.array([data.points[group].mean(axis=0) for group in groups])
        assert np.allclose([one, other], means) or np.allclose([other, one], means)


@pytest.mark.parametrize("linkage", ["single", "complete"])
def test_for_a_distance_matrix_the_line_joins_the_two_points_whose_distance_is_the_height(linkage):
    data = distance_matrix_data()
    data_tree = tree_of(data, linkage)
    rows = distance.cdist(lines(data_tree).reshape(-1, data.points.shape[1]), data.points).argmin(axis=1).reshape(-1, 2)
    np.testing.assert_allclose(data.precomputed[tuple(rows.T)], data_tree.tree.heights)


def test_the_sentence_of_a_merge_has_the_names_and_sizes_of_the_clusters():
    line = data_of([[0.0], [1.0], [3.0], [7.0]])
    data_tree = tree_of(line, "single")
    assert [data_tree.merge_sentence(merge) for merge in range(3)] == [
        "Merge 1: point 1 and point 2 at height 1, 3 clusters left.",
        "Merge 2: point 3 and a cluster of 2 points at height 2, 2 clusters left.",
        "Merge 3: point 4 and a cluster of 3 points at height 4, one cluster left.",
    ]
    named = data_of(line.points, "named", names=np.array(["one", "two", "", "seven"]))
    assert tree_of(named, "single").merge_sentence(0).startswith("Merge 1: one and two at height")
    assert "point 3 and a cluster of 2 points" in tree_of(named, "single").merge_sentence(1)


def test_an_inversion_is_mentioned_in_its_sentence_and_in_a_notice_of_cuts_above_it_only():
    data = data_of(TRIANGLE)
    data_tree = tree_of(data, "centroid")
    heights = hierarchy.linkage(data.points, "centroid")[:, 2]
    assert heights[1] < heights[0]
    assert data_tree.merge_sentence(1).endswith(
        "one cluster left. This is an inversion: its height is lower than that of a merge that formed one of the two."
    )
    assert "inversion" not in data_tree.merge_sentence(0).lower()
    (notice,) = cut_run(data_tree, 1).history.last.notices
    assert notice.name == "inversion"
    assert notice.message(np.array([1])).startswith("1 merge has a lower height than an earlier merge")
    assert cut_run(data_tree, 2).history.last.notices == ()


@pytest.mark.parametrize("linkage", MONOTONE)
@pytest.mark.parametrize("k", [1, 2, 3, 7, 60])
def test_a_cut_is_the_partition_of_scipy_with_the_means_of_its_clusters(linkage, k):
    data = normal()
    run = cut_of(data, k, linkage)
    history = run.history
    merges = hierarchy.linkage(data.points, linkage)
    labels = history.last.labels
    assert partition(labels) == partition(hierarchy.fcluster(merges, k, "maxclust"))
    means = [data.points[labels == group].mean(axis=0) for group in range(k)]
    np.testing.assert_allclose(run.cluster_centers, means)
    np.testing.assert_array_equal(history.sizes[-1], np.bincount(labels))
    below = np.concatenate([[0.0], merges[:, 2]])[: 60 - k + 1][-21:]
    np.testing.assert_allclose(history.losses, below)
    assert history.last.loss == history.losses[-1]
    assert history.iterations == len(below) - 1


@pytest.mark.parametrize("k", [1, 4, 60, 99])
def test_the_cut_of_a_tree_with_ordered_leaves_equals_the_run_of_the_method(k):
    data = normal()
    data_tree = tree_of(data, "average", "manhattan", ordered=True)
    run, plain = cut_run(data_tree, k), cut_of(data, min(k, 60), "average", "manhattan")
    assert run.model_input is data_tree
    assert run.settings == plain.settings
    assert run.history.prepared is data_tree.tree
    assert not np.array_equal(data_tree.tree.order, plain.model_input.tree.order)
    assert partition(run.history.last.labels) == partition(plain.history.last.labels)
    np.testing.assert_allclose(run.history.losses, plain.history.losses)
    assert sorted(run.history.sizes[-1]) == sorted(plain.history.sizes[-1])


@pytest.mark.parametrize("linkage", MONOTONE)
@pytest.mark.parametrize("k", [1, 2, 5, 59, 60])
def test_the_height_of_a_cut_gives_k_clusters_and_is_the_preferred_height_if_possible(linkage, k):
    data_tree = tree_of(normal(), linkage)
    heights = hierarchy.linkage(normal().points, linkage)[:, 2]

    def left(height):
        return int((heights > height).sum()) + 1

    height = height_of_cut(data_tree, k)
    assert left(height) == k
    assert height_of_cut(data_tree, k, preferred=0.9 * height + 1e-9) in (height, 0.9 * height + 1e-9)
    for preferred in (height, float(heights[0]), float(heights[-1]), 1e9, 0.0):
        kept = height_of_cut(data_tree, k, preferred)
        assert kept == (preferred if left(preferred) == k else height)


def test_a_tree_is_cached_and_its_leaves_are_ordered_for_few_points_only():
    data, cache = normal(MAX_ORDERED_LEAVES + 1), RecentCache()
    data_tree = build_tree(data, "ward", "euclidean", cache)
    assert build_tree(data, "ward", "euclidean", cache).tree is data_tree.tree
    assert build_tree(data, "ward", "euclidean", cache, ordered=True).tree is data_tree.tree
    small = normal(80)
    plain, ordered = (tree_of(small, ordered=choice) for choice in (False, True))
    expected = hierarchy.optimal_leaf_ordering(hierarchy.linkage(small.points, "ward"), small.points)
    np.testing.assert_array_equal(ordered.tree.order, hierarchy.leaves_list(expected))
    assert partition(ordered.tree.labels(4)) == partition(plain.tree.labels(4))
    assert not np.array_equal(ordered.tree.order, plain.tree.order)


def test_too_many_points_are_cut_by_the_tree_of_a_sample_and_the_others_join_the_nearest_sampled_point(small_limit):
    small_limit(300)
    data, cache = catalog.draw_sample("round", 360, 0, {"k": 4, "distance": 3.0, "d": 2}), RecentCache()
    labels, note = cut_labels(data, "ward", "euclidean", 4, cache)
    assert "a sample of 300 of the 360 points" in note
    assert "nearest" in note
    points = data.sample(300).points
    groups = hierarchy.fcluster(hierarchy.linkage(points, "ward"), 4, "maxclust")
    assert labels.shape == (360,)
    assert partition(labels) == partition(groups[distance.cdist(data.points, points).argmin(axis=1)])
    for algorithm in ("kmeans", "mixture"):
        run = make_run(data, methods.settings(algorithm, 4, "tree"), cache, lambda _: None)
        assert run.note == note
        expected = np.array([data.points[labels == group].mean(axis=0) for group in range(4)])
        np.testing.assert_allclose(run.centers[0], expected)
    assert cut_labels(normal(), "ward", "euclidean", 4, cache)[1] == ""


@pytest.mark.parametrize("k", [2, 5])
def test_the_cut_of_a_sample_separates_rings_whose_means_coincide(k, small_limit):
    small_limit(1_000)
    data = catalog.draw_sample("rings", 2_000, 0, {"k": k, "noise": 0.05})
    labels, note = cut_labels(data, "single", "euclidean", k, RecentCache())
    assert "nearest" in note
    assert np.bincount(labels, minlength=k).min() > 0
    assert adjusted_rand_score(data.labels, labels) > 0.9


def test_sampled_points_keep_their_clusters_if_other_points_have_the_same_coordinates(small_limit):
    small_limit(50)
    data, cache = data_of(np.repeat([[0.0, 0.0], [5.0, 1.0]], 30, axis=0), "two places"), RecentCache()
    labels, _ = cut_labels(data, "ward", "euclidean", 5, cache)
    expected = build_tree(data, "ward", "euclidean", cache).tree.labels(5)
    np.testing.assert_array_equal(labels[data.sample_indices(50)], expected)
    assert np.bincount(labels, minlength=5).min() > 0


# initialization by the cut of a tree


@pytest.mark.parametrize("linkage", ["ward", "average", "complete"])
def test_k_means_from_a_tree_agrees_with_scikit_learn_started_at_the_cluster_means(linkage, table):
    points = table("iris", 4)
    run = run_from_tree(data_of(points, "iris"), "kmeans", linkage=linkage)
    groups = sklearn.cluster.AgglomerativeClustering(3, linkage=linkage).fit(points).labels_
    means = np.array([points[groups == group].mean(axis=0) for group in range(3)])
    initial = run.history.parameters[0]
    to = distance.cdist(means, initial).argmin(axis=1)
    np.testing.assert_allclose(initial[to], means)
    peer = sklearn.cluster.KMeans(3, init=means, n_init=1, tol=0, algorithm="lloyd").fit(points)
    assert partition(run.history.last.labels) == partition(peer.labels_)
    np.testing.assert_allclose(run.history.parameters[-1][to], peer.cluster_centers_)
    assert run.history.losses[-1] == pytest.approx(peer.inertia_)


@pytest.mark.parametrize("metric", ["euclidean", "manhattan"])
def test_k_medoids_from_a_tree_starts_at_the_medoid_of_each_cluster(metric):
    data = normal(50)
    run = run_from_tree(data, "kmedoids", 4, "complete", metric=metric)
    distances = distance.squareform(distance.pdist(data.points, {"manhattan": "cityblock"}.get(metric, metric)))
    groups = hierarchy.fcluster(hierarchy.linkage(data.points, "complete"), 4, "maxclust")
    expected = set()
    for group in range(1, 5):
        members = np.flatnonzero(groups == group)
        expected.add(int(members[distances[np.ix_(members, members)].sum(axis=0).argmin()]))
    assert set(run.history.parameters[0].tolist()) == expected


def mixed_data():
    table = pd.DataFrame(dict(age=[20.0, 21, 40, 41, 60, 62], city=["a", "a", "b", "b", "c", "c"]))
    return cleaning.prepare(table, "Mixed", cleaning.Preparation(("age", "city")))


def test_ward_linkage_is_the_default_for_euclidean_distances_only():
    for data, linkage in ((normal(), "ward"), (mixed_data(), "average"), (distance_matrix_data(), "average")):
        settings = methods.settings("tree", 3, data=data)
        assert (settings.option("linkage"), settings.option("metric")) == (linkage, data.metrics[0])


@pytest.mark.parametrize("name", ["tree", "kmeans", "kmedoids"])
@pytest.mark.parametrize("linkage", ["ward", "average"])
def test_a_run_says_that_a_linkage_does_not_fit_its_distances(name, linkage):
    data, start = mixed_data(), None if name == "tree" else TreeStart(linkage, "gower")
    options = dict(linkage=linkage, metric="gower") if name == "tree" else {}
    run = make_run(data, methods.settings(name, 3, start, data=data, **options), RecentCache(), lambda _: None)
    assert ("Ward linkage assumes Euclidean distances." in run.note) == (linkage == "ward")


def test_k_medoids_of_a_distance_matrix_starts_from_its_tree():
    data = distance_matrix_data()
    settings = methods.settings("kmedoids", 3, TreeStart("average", PRECOMPUTED), data=data)
    run = make_run(data, settings, RecentCache(), lambda _: None)
    groups = hierarchy.fcluster(hierarchy.linkage(distance.squareform(data.precomputed), "average"), 3, "maxclust")
    medoids = run.history.parameters[0]
    assert len(set(groups[medoids])) == 3
    for medoid in medoids:
        members = np.flatnonzero(groups == groups[medoid])
        sums = data.precomputed[np.ix_(members, members)].sum(axis=0)
        assert data.precomputed[medoid, members].sum() == pytest.approx(sums.min())


def test_a_mixture_from_a_tree_starts_with_the_weights_means_and_covariances_of_its_clusters():
    data = catalog.draw_sample("three", 200, 0, {})
    initial = run_from_tree(data, "mixture").history.parameters[0]
    groups = sklearn.cluster.AgglomerativeClustering(3, linkage="ward").fit(data.points).labels_
    members = [data.points[groups == group] for group in range(3)]
    to = distance.cdist([points.mean(axis=0) for points in members], initial.means).argmin(axis=1)
    assert sorted(to) == [0, 1, 2]
    for i, points in zip(to, members, strict=True):
        assert initial.weights[i] == pytest.approx(len(points) / 200)
        np.testing.assert_allclose(initial.means[i], points.mean(axis=0))
        np.testing.assert_allclose(initial.covariances[i], np.cov(points.T, bias=True), rtol=1e-6, atol=1e-8)


def test_k_medoids_from_the_tree_of_a_sample_do_not_depend_on_whether_the_tree_is_in_the_cache(small_limit):
    small_limit(150)
    data = catalog.draw_sample("stretched", 300, 0, {})
    settings = methods.settings("kmedoids", 3, TreeStart("single"))  # its clusters are not those of the nearest means
    visited, fresh = RecentCache(), RecentCache()
    assert "a sample of 150 of the 300 points" in build_tree(data, "single", "euclidean", visited).note
    runs = [make_run(data, settings, cache, lambda _: None) for cache in (visited, fresh)]
    assert runs[0].note == runs[1].note
    assert runs[0].note.endswith("pairwise distances; it uses a sample of 150 of the 300 points.")
    groups = build_tree(data, "single", "euclidean", fresh).tree.labels(3)
    assert sorted(groups[runs[0].history.parameters[0]]) == [0, 1, 2]
    for before, after in zip(*(run.history.parameters for run in runs), strict=True):
        np.testing.assert_array_equal(before, after)


def test_a_start_from_a_tree_is_in_the_first_sentence_and_does_not_depend_on_the_seed():
    data = normal()
    one, other = (run_from_tree(data, "kmeans", seed=seed) for seed in (1, 9))
    np.testing.assert_array_equal(one.history.last.labels, other.history.last.labels)
    np.testing.assert_array_equal(one.history.parameters[0], other.history.parameters[0])
    assert "3 centers from hierarchical clustering, Ward linkage" in frames_of(one)[0][0].sentence
    assert run_from_tree(data, "kmeans", linkage="single").key != one.key


# comparisons


def comparison_of(data, *panels, k=3, cache=None):
    shared = [not isinstance(panel.start, TreeStart) for panel in panels]
    cache = RecentCache() if cache is None else cache
    return make_comparison(data, list(panels), cache, lambda *_: None, shared=shared, k=k, initialization="random")


def test_the_scores_of_a_tree_in_a_comparison_agree_with_scikit_learn():
    data = catalog.draw_sample("three", 150, 0, {})
    compared = comparison_of(data, cut_settings(linkage="average"), methods.settings("kmeans"))
    row, other = scores(compared)
    labels = sklearn.cluster.AgglomerativeClustering(3, linkage="average").fit(data.points).labels_
    heights = hierarchy.linkage(data.points, "average")[:, 2]
    assert row.name == "1. Average linkage"
    assert row.duration == "147 merges"
    assert other.duration == str(compared.runs[1].history.iterations)
    assert row.loss == pytest.approx(heights[146])
    assert row.loss_name == "height of the last merge"
    assert row.adjusted_rand == pytest.approx(adjusted_rand_score(data.labels, labels))
    assert row.silhouette == pytest.approx(sklearn.metrics.silhouette_score(data.points, labels))
    assert row.seconds > 0
    assert row.compared == {}


@pytest.mark.parametrize(
    ("trees", "names"),
    [
        ([("ward", "euclidean"), ("single", "euclidean")], ["1. Ward linkage", "2. Single linkage"]),
        ([("average", "euclidean"), ("average", "manhattan")], ["1. Average linkage", "2. Average linkage, Manhattan"]),
        ([("average", PRECOMPUTED), ("complete", PRECOMPUTED)], ["1. Average linkage", "2. Complete linkage"]),
    ],
)
def test_trees_in_a_comparison_have_different_names(trees, names):
    assert panel_names([cut_settings(3, *tree) for tree in trees]) == names
    assert panel_names([cut_settings(), cut_settings(k=5)]) == ["1. Ward linkage, K = 3", "2. Ward linkage, K = 5"]


@pytest.mark.parametrize("algorithm", ["kmeans", "kmedoids", "mixture"])
def test_runs_that_start_from_different_trees_have_different_names(algorithm):
    trees = [methods.settings(algorithm, start=TreeStart(linkage)) for linkage in ("ward", "single")]
    one, other = (name.split(". ")[1] for name in panel_names(trees))
    assert one.endswith("from hierarchical clustering, Ward linkage")
    assert other.endswith("from hierarchical clustering, single linkage")
    # a tree itself has no initialization
    assert panel_names([cut_settings(), trees[1]])[0] == "1. Ward linkage"


def comparison_picture(run, frames=None, **options):
    """The animated plot of a run in a comparison."""
    frames = frames or frames_of(run)[0]
    return pictures.picture(run, frames, plane_of(run.data), "name", height=300, **options)


def colors_in_comparison(run):
    """(n,) the colors of the points in the last frame of a run in a comparison."""
    figure = comparison_picture(run)
    last = complete(figure, figure.frames[-1])[0]["marker"]["color"]
    assert list(figure.data[0].marker.color) == list(last)
    return np.array(last)


@pytest.mark.parametrize("ks", [(3, 5), (5, 3), (3, 3), (2, 2)], ids=str)
def test_matching_clusters_and_true_groups_have_the_same_color_in_all_runs_of_a_comparison(ks):
    data = catalog.draw_sample("round", 100, 1, {"k": 5, "distance": 8.0, "d": 2})
    compared = comparison_of(data, cut_settings(ks[0]), methods.settings("kmeans", ks[1]), k=ks[1])
    tree, other = compared.runs
    true = np.array(palette.COLORS)[compared.true_labels.labels]
    shown = [colors_in_comparison(tree), colors_in_comparison(other), true]
    for run, colors in zip((tree, other), shown[:2], strict=True):
        assert len(set(colors)) == run.settings.k
        np.testing.assert_array_equal(colors, np.array(palette.COLORS)[run.ranks[run.history.last.labels]])
    # the colors of each agree with those of the first with the most clusters for as many points as possible
    reference = max(shown, key=lambda colors: len(set(colors)))
    assert len(set(reference)) == 5
    for colors in shown:
        (own, labels), (every, whole) = (np.unique(of, return_inverse=True) for of in (colors, reference))
        common = np.zeros((len(own), len(every)))
        np.add.at(common, (labels, whole), 1)
        rows, columns = linear_sum_assignment(-common)
        assert (colors == reference).sum() == common[rows, columns].sum()


def test_a_comparison_with_a_tree_of_too_many_points_uses_one_sample_for_all_runs(small_limit):
    small_limit(100)
    data, cache = normal(120), RecentCache()
    compared = comparison_of(data, methods.settings("kmeans"), cut_settings(linkage="single"), cache=cache)
    needed = "Some runs need a distance matrix, so all runs use the same sample of 100 of the 120 points."
    assert compared.note.startswith(needed)
    assert {len(run.data.points) for _, run in compared.named_runs} == {100}
    assert {run.data.key for _, run in compared.named_runs} == {compared.data.key}
    assert not compared.runs[1].note
    # the Hierarchical page, which is about all points, still shows a note
    assert "a sample of 100 of the 120 points" in build_tree(data, "single", "euclidean", cache).note


def test_in_a_comparison_each_of_the_last_merges_is_shown_as_a_line_before_it_is_applied():
    run = cut_of(normal(), 4)
    plane = plane_of(run.data)
    (frames, _), _ = aligned_frames([run, make_run(normal(), methods.settings("kmeans"), RecentCache(), lambda _: None)])
    merges_so_far = [run.history.states[frame.state].parameters.merges for frame in frames]
    lines = [run.view.highlight(run, frame.state, plane) for frame in frames]
    assert [frame.phase for frame in frames] == ["start", "merge", *["nearest", "merge"] * 20]
    assert (merges_so_far[-1], lines[0], lines[-1]) == (56, None, None)
    ends = run.model_input.ends(np.arange(59), plane.positions(run.data.points))
    for before, now, line, frame in zip(merges_so_far[1:], merges_so_far[2:], lines[2:], frames[2:], strict=False):
        if frame.phase == "nearest":  # the pair that merges next
            assert now == before
            np.testing.assert_array_equal(line, ends[now])
        else:
            assert now == before + 1
            assert line is None
    assert curves.curve_of(run, frames, "name").frames[-1].data[1].y[0] == run.history.losses[-1]


@pytest.mark.parametrize("linkage", ["single", "ward"])
def test_a_cut_into_single_points_can_be_drawn_in_a_comparison(linkage):
    run = cut_of(normal(8), 8, linkage)
    frames, _ = frames_of(run)
    picture = comparison_picture(run, frames)
    assert len(picture.frames) == len(frames) == 2
    assert run.history.losses.tolist() == [0.0]
    # no merge is applied, but this is the cut: each point has the color of its own cluster
    assert sorted(picture.data[0].marker.color) == sorted(palette.COLORS[:8])
    np.testing.assert_array_equal(picture.data[0].marker.color, np.array(palette.COLORS)[run.ranks[run.history.last.labels]])


# the figures


@pytest.mark.usefixtures("few_single_merges")
def test_the_figures_and_their_sentences_have_a_frame_for_each_state_of_the_tree():
    run = cut_of(normal(60), 4)
    data_tree, frames = run.model_input, tree_frames(run)
    merges_so_far = [frame.position for frame in frames]
    assert merges_so_far == data_tree.merges_at_frames
    assert [frame.phase for frame in frames] == ["start"] + ["merge"] * (len(frames) - 1)
    for drawn in (pictured(run), drawn_tree(run), drawn_heights(run)):
        assert [frame.name for frame in drawn.frames] == [str(i) for i in range(len(frames))]
    assert frames[0].sentence == "Start: 60 points, each in its own cluster."
    assert frames[0].explanation.startswith("Each merge joins the two clusters whose merger increases the within-cluster sum")
    assert [60 - frame.position for frame in frames if "The tree is cut here." in frame.sentence] == [4]
    assert [60 - frame.position for frame in frames if frame.explanation.startswith("Merges above the cut")] == [3]
    assert merges_so_far[frame_of_cut(run)] == 56
    assert frames[-1].sentence.endswith("one cluster left.")
    for frame in frames[1:]:
        assert frame.loss == data_tree.tree.heights[int(frame.position) - 1]
    shown = pace(frames)
    assert len(shown) == len(frames) - 1
    assert shown[0] < shown[-1]


def brackets(trace):
    """(m, 4, 2) the brackets that a trace draws."""
    xy = np.column_stack([np.array(trace["x"], dtype=float), np.array(trace["y"], dtype=float)])
    if np.isnan(xy).all():
        return np.empty((0, 4, 2))
    xy = np.vstack([xy, [[np.nan, np.nan]]]).reshape(-1, 5, 2)
    assert np.isnan(xy[:, 4]).all()
    assert not np.isnan(xy[:, :4]).any()
    return xy[:, :4]


def in_order(coordinates):
    flat = np.asarray(coordinates).reshape(len(coordinates), -1)
    return flat[np.lexsort(np.round(flat.T, 1))]


@pytest.mark.parametrize("linkage", LINKAGES)
@pytest.mark.usefixtures("few_single_merges")
def test_the_brackets_are_those_of_scipys_dendrogram(linkage):
    data = normal(40, seed=5)
    expected = hierarchy.dendrogram(hierarchy.linkage(data.points, linkage), no_plot=True)
    expected = np.stack([np.array(expected["icoord"]) / 10, expected["dcoord"]], axis=2)
    run = cut_of(data, 5, linkage)
    merges_at_frames = run.model_input.merges_at_frames
    figure = drawn_tree(run, merges_at_frames)
    n_colors = 1 + 5
    drawn = np.concatenate([brackets(trace) for trace in figure.data[1 : 1 + 2 * n_colors]])
    top = expected[..., 1].max()
    for found in (brackets(figure.data[0]), drawn):
        assert found.shape == expected.shape
        np.testing.assert_allclose(in_order(found)[:, ::2], in_order(expected)[:, ::2], atol=0.006)
        np.testing.assert_allclose(in_order(found)[:, 1::2], in_order(expected)[:, 1::2], atol=1e-4 * top)
    for merges, frame in zip(merges_at_frames, figure.frames, strict=True):
        assert sum(len(brackets(part)) for part in complete(figure, frame).values()) == merges + 2 * (merges > 0)


def complete(figure, frame):
    """The content of a frame with that of the frames that it builds on: changes by trace number; None for the image."""
    if frame.baseframe is None:
        whole = {}
    else:
        whole = complete(figure, next(other for other in figure.frames if other.name == frame.baseframe))
    for trace, part in zip(frame.traces, frame.data, strict=True):
        whole[trace] = _onto(whole.get(trace, {}), part.to_plotly_json())
    if frame.layout.images:
        whole[None] = frame.layout.images[0].source
    return whole


def _onto(below, above):
    merged = dict(below)
    for key, value in above.items():
        merged[key] = _onto(merged.get(key, {}), value) if isinstance(value, dict) and "bdata" not in value else value
    merged.pop("type", None)
    return merged


def same(figure, parts):
    """Check that the initial state of the figure equals the content of a frame."""
    for trace, part in parts.items():
        if trace is None:
            assert figure.layout.images[0].source == part
            continue
        first = figure.data[trace].to_plotly_json()
        for key in part:
            if key == "marker":
                for name in part[key]:
                    np.testing.assert_array_equal(unpacked(first["marker"][name]), unpacked(part["marker"][name]), str(trace))
            else:
                np.testing.assert_array_equal(unpacked(first[key]), unpacked(part[key]), str(trace))


def unpacked(values):
    values = list(values)
    return np.array(values, dtype=str if values and isinstance(values[0], str) else float)


FIGURES = {
    "picture": pictured,
    "painted": lambda run, merges_at_frames, at=-1: pictured(run, merges_at_frames, at, markers=10),
    "tree": drawn_tree,
    "heights": drawn_heights,
}


@pytest.mark.parametrize(
    ("which", "n", "k", "linkage"),
    [
        *((which, 20, 11, "single") for which in FIGURES),
        *((which, 20, 4, "ward") for which in ("picture", "painted")),
        *((which, 12, 3, "centroid") for which in ("picture", "tree", "heights")),
    ],
)
@pytest.mark.usefixtures("few_single_merges")
def test_every_frame_shows_the_same_as_a_figure_drawn_for_its_state_alone(which, n, k, linkage):
    run = cut_of(normal(n), k, linkage)
    merges_at_frames = run.model_input.merges_at_frames
    figure = FIGURES[which](run, merges_at_frames)
    moving = set(complete(figure, figure.frames[0]))
    for i, frame in enumerate(figure.frames):
        parts = complete(figure, frame)
        assert set(parts) == moving  # otherwise parts of the previous frame would remain
        if i % 10 == 0 or i > len(merges_at_frames) - 5:
            same(FIGURES[which](run, [merges_at_frames[i]]), parts)
    frames = figure.to_dict()["frames"]
    for at in (0, frame_of_cut(run), len(merges_at_frames) - 1):  # the initial frame changes nothing else
        initial = FIGURES[which](run, merges_at_frames, at)
        assert initial.to_dict()["frames"] == frames
        same(initial, complete(figure, figure.frames[at]))


@pytest.mark.usefixtures("few_single_merges")
def test_every_frame_of_a_comparison_shows_the_same_as_a_figure_drawn_for_it_alone():
    run = cut_of(normal(12), 3, "complete")
    frames, _ = frames_of(run)
    for markers in (1_000, 10):
        figure = comparison_picture(run, frames, markers=markers)
        moving = set(complete(figure, figure.frames[0]))
        assert moving >= set(range(1, len(figure.data)))
        for one, frame in zip(frames, figure.frames, strict=True):
            parts = complete(figure, frame)
            assert set(parts) == moving
            same(comparison_picture(run, [replace(one, moves=False)], markers=markers), parts)


def colors_of_points(picture):
    """(n,) the colors of the points in a plot."""
    marker = picture.data[0].marker
    steps = [color for _, color in marker.colorscale]
    assert np.allclose([at for at, _ in marker.colorscale], np.arange(len(steps)) / (len(steps) - 1))
    assert (marker.cmin, marker.cmax) == (0, len(steps) - 1)
    return np.array(steps)[np.asarray(marker.color, dtype=int)]


@pytest.mark.parametrize(("k", "linkage"), [(1, "ward"), (4, "ward"), (4, "median"), (14, "complete")])
def test_brackets_below_the_cut_and_strips_and_boxes_have_the_colors_of_the_points(k, linkage):
    data = normal(100, seed=2)
    run = cut_of(data, k, linkage)
    order = run.model_input.tree.order
    points = colors_of_points(pictured(run))
    expected = np.array(palette.COLORS)[run.ranks[run.history.last.labels] % 10]
    np.testing.assert_array_equal(points, expected)
    under = above = 0
    tree = drawn_tree(run)
    for trace in tree.data[1 : 1 + 2 * (1 + min(k, 10))]:
        for bracket in brackets(trace):
            label = run.history.last.labels[order[[int(bracket[0, 0]), int(bracket[3, 0])]]]
            if trace.line.color == palette.NEUTRAL:
                above += 1
                assert label[0] != label[1]
            else:
                under += 1
                assert label[0] == label[1]
                leaves = order[int(np.floor(bracket[0, 0])) : int(np.ceil(bracket[3, 0]))]
                assert set(points[leaves]) == {trace.line.color}
    assert (under, above) == (100 - k, k - 1)
    framed = tree_figures.heat_map(run).layout.shapes
    borders, frames = framed[::2], framed[1::2]
    assert {border.line.color for border in borders} == {plots.LIGHT}
    assert [(border.x0, border.x1, border.y0, border.y1) for border in borders] == [(f.x0, f.x1, f.y0, f.y1) for f in frames]
    for shapes, color in ((tree.layout.shapes, "fillcolor"), (frames, "line.color")):
        assert len(shapes) == k
        assert [shapes[0].x0, shapes[-1].x1] == [0, 100]
        for shape in shapes:
            leaves = order[shape.x0 : shape.x1]
            assert set(points[leaves]) == {shape[color]}
            assert len(set(run.history.last.labels[leaves])) == 1


def test_at_the_cut_every_cluster_has_an_outline_in_the_color_of_its_points():
    data = normal(100, seed=2)
    run = cut_of(data, 4)
    at_the_cut = pictured(run, at=frame_of_cut(run))
    points = colors_of_points(at_the_cut)
    outlined = 0
    for trace in at_the_cut.data[1:-2]:
        corners = np.column_stack([np.array(trace.x, dtype=float), np.array(trace.y, dtype=float)])
        corners = corners[~np.isnan(corners).any(axis=1)]
        if not len(corners):
            continue
        nearest = distance.cdist(corners, data.points)
        assert nearest.min(axis=1).max() < 1e-3
        assert set(points[nearest.argmin(axis=1)]) == {trace.line.color}
        outlined += 1
    assert outlined == 4
    assert set(pictured(run, at=0).data[0].marker.color) == {0}  # at first all points are gray


@pytest.mark.parametrize("markers", [1_000, 20])
@pytest.mark.usefixtures("few_single_merges")
def test_at_the_cut_a_cluster_of_one_point_has_the_color_of_its_strip(markers):
    data = catalog.draw_sample("outliers", 200, 0, {"share": 0.1, "d": 2})
    run = cut_of(data, 12, "single")
    order, at = run.model_input.tree.order, frame_of_cut(run)
    alone = np.flatnonzero(run.history.sizes[-1][run.history.last.labels] == 1)
    assert len(alone) > 3
    figure = pictured(run, at=at, markers=markers)
    same(figure, complete(figure, figure.frames[at]))
    shown = np.full(200, "", dtype="<U7")  # painted points are not among the markers
    marked = distance.cdist(np.column_stack([figure.data[0].x, figure.data[0].y]), data.points).argmin(axis=1)
    shown[marked] = colors_of_points(figure)
    assert set(alone) <= set(marked)
    strip = {order[leaf]: bar.fillcolor for bar in drawn_tree(run).layout.shapes for leaf in range(bar.x0, bar.x1)}
    assert [shown[i] for i in marked] == [strip[i] for i in marked]
    # it is gray before the cut and has its color from then on
    which = np.isin(marked, alone)
    for i, frame in enumerate(figure.frames[at - 2 :], at - 2):
        codes = unpacked(complete(figure, frame)[0]["marker"]["color"])[which]
        assert (codes > 0).all() if i >= at else (codes == 0).all()


def test_outliers_do_not_use_up_the_colors_of_large_clusters():
    data = catalog.draw_sample("outliers", 500, 0, {"share": 0.1, "d": 2})
    run = cut_of(data, 16, "single")
    sizes = run.history.sizes[-1]
    large = sizes >= 10
    assert 0 < large.sum() < 10 < 16 - large.sum() + 1
    assert set(run.ranks[large]) == set(range(large.sum()))
    assert sorted(run.ranks) == list(range(16))


def test_with_single_linkage_the_lines_of_all_merges_are_the_minimum_spanning_tree():
    data = normal(200, seed=6)
    run = cut_of(data, 4, "single")
    merges_at_frames = run.model_input.merges_at_frames
    figure = pictured(run, merges_at_frames)
    spanning_tree = csgraph.minimum_spanning_tree(distance.squareform(distance.pdist(data.points))).tocoo()
    expected = {frozenset(pair) for pair in zip(spanning_tree.row.tolist(), spanning_tree.col.tolist(), strict=True)}
    labels = run.history.last.labels
    for i in (0, 10, frame_of_cut(run), len(merges_at_frames) - 1):
        edges = set()
        for trace, part in complete(figure, figure.frames[i]).items():
            if trace == 0 or trace > len(figure.data) - 3:  # the points, and the line of the current merge
                continue
            assert figure.data[trace].fill is None
            xy = np.column_stack([np.array(part["x"], dtype=float), np.array(part["y"], dtype=float)])
            xy = xy[~np.isnan(xy).any(axis=1)]
            rows = distance.cdist(xy, data.points).argmin(axis=1).reshape(-1, 2) if len(xy) else np.empty((0, 2), dtype=int)
            across = labels[rows[:, 0]] != labels[rows[:, 1]]
            assert across.all() if figure.data[trace].line.color == palette.NEUTRAL else not across.any()
            edges |= {frozenset(row) for row in rows.tolist()}
        assert len(edges) == merges_at_frames[i]
        assert edges <= expected


@pytest.mark.parametrize("linkage", ["ward", "single"])
@pytest.mark.usefixtures("few_single_merges")
def test_painted_points_that_join_late_are_markers_and_the_image_changes_with_blocks_of_merges_only(linkage):
    n = 300
    data = catalog.draw_sample("three", n, 0, {})
    run = cut_of(data, 5, linkage)
    data_tree, at = run.model_input, frame_of_cut(run)
    merges_at_frames = data_tree.merges_at_frames
    figure = pictured(run, merges_at_frames, at, markers=200)
    late = data_tree.first_merge >= n - 1 - 12
    assert late.any() == (linkage == "single")
    assert late.sum() < 20
    np.testing.assert_array_equal(np.column_stack([figure.data[0].x, figure.data[0].y]), data.points[late])
    expected = np.array(palette.COLORS)[run.ranks[run.history.last.labels]]
    np.testing.assert_array_equal(colors_of_points(figure), expected[late])
    assert [len(frame.layout.images or ()) for frame in figure.frames] == [
        int(merges <= n - 13) for merges in merges_at_frames
    ]
    last = next(frame for frame, merges in zip(figure.frames, merges_at_frames, strict=True) if merges == n - 13)
    assert figure.layout.images[0].source == last.layout.images[0].source
    for i in (at - 1, at, len(merges_at_frames) - 1):
        assert complete(figure, figure.frames[i])[None] == last.layout.images[0].source


def test_the_figures_of_the_largest_tree_are_less_than_four_megabytes_of_json():
    run = cut_of(catalog.draw_sample("three", 5_000, 0, {}), 5, "single")
    merges_at_frames, at = run.model_input.merges_at_frames, frame_of_cut(run)
    figure = pictured(run, merges_at_frames, at)
    figures = (
        figure,
        drawn_tree(run, merges_at_frames, at),
        drawn_heights(run, merges_at_frames, at),
        tree_figures.heat_map(run),
    )
    assert sum(len(plotly.io.to_json(one, validate=False)) for one in figures) < 4_000_000


def test_small_clusters_of_many_points_have_no_bracket_except_for_the_last_merges(monkeypatch):
    monkeypatch.setattr(tree_figures, "RESOLUTION", 80)
    data = normal(400)
    run = cut_of(data, 3, "single")  # with chaining, many of the last merges join single points
    merges = hierarchy.linkage(data.points, "single")
    figure = drawn_tree(run)
    drawn = brackets(figure.data[0])
    shown = (merges[:, 3] >= 400 / 80) | (np.arange(399) >= 399 - 90)
    assert len(drawn) == shown.sum() < 399
    top = merges[-1, 2]
    np.testing.assert_allclose(np.sort(drawn[:, 1, 1]), np.sort(merges[shown, 2]), atol=1e-4 * top)
    assert (merges[-90:, 3] < 400 / 80).any()
    tops = np.append(0, drawn[:, 1, 1])
    assert np.isin(drawn[:, [0, 3], 1], tops).all()  # each bracket ends at height 0 or at another bracket that is drawn
    every = complete(figure, figure.frames[-1])
    assert sum(len(brackets(part)) for part in every.values()) == shown.sum() + 2


def test_inversions_are_circled_and_merges_have_tooltips():
    data = catalog.draw_sample("uniform", 100, 2, {"d": 2})
    run = cut_of(data, 3, "centroid")
    data_tree = run.model_input
    merges = hierarchy.linkage(data.points, "centroid")
    heights = np.append(np.zeros(100), merges[:, 2])
    lower = merges[:, 2] < heights[merges[:, :2].astype(int)].max(axis=1) * (1 - 1e-9)
    rings, hover_markers = drawn_tree(run).data[-2:]
    assert lower.sum() > 1
    np.testing.assert_allclose(np.sort(rings.y), np.sort(merges[lower, 2]))
    assert len(hover_markers.customdata) == 99
    assert hover_markers.customdata[-1].endswith(data_tree.merge_sentence(98)[-20:])


def encloses(corners, points):
    edges = np.diff(corners, axis=0)
    to = points[:, None] - corners[None, :-1]
    sides = edges[:, 0] * to[..., 1] - edges[:, 1] * to[..., 0]
    return (sides >= -1e-9).all() or (sides <= 1e-9).all()


@pytest.mark.parametrize("n", [3, 4, 10, 200])
def test_an_outline_is_closed_and_encloses_all_points(n):
    points = np.random.default_rng(n).normal(size=(n, 2))
    corners = hull(points)
    np.testing.assert_array_equal(corners[0], corners[-1])
    assert encloses(corners, points)
    assert distance.cdist(corners, points).min(axis=1).max() == 0


@pytest.mark.parametrize(
    ("points", "ends"),
    [
        ([[1, 2]], [[1, 2], [1, 2]]),
        ([[3, 1], [1, 2]], [[1, 2], [3, 1]]),
        ([[1, 1]] * 5, [[1, 1], [1, 1]]),
        ([[0, 0], [2, 2], [1, 1], [3, 3]], [[0, 0], [3, 3]]),
        ([[5, 2], [5, -1], [5, 0], [5, 2]], [[5, -1], [5, 2]]),
        ([[1, 7], [4, 7], [2, 7]], [[1, 7], [4, 7]]),
    ],
)
def test_the_outline_of_collinear_or_identical_points_is_a_segment(points, ends):
    corners = hull(np.array(points, dtype=float))
    assert {tuple(corner) for corner in corners.tolist()} == {tuple(map(float, end)) for end in ends}
    np.testing.assert_array_equal(corners[0], corners[-1])


@pytest.mark.parametrize("linkage", LINKAGES)
@pytest.mark.parametrize(
    "points",
    [np.ones((20, 2)), np.full((20, 1), 1e9), np.repeat([[0.0, 0.0], [1.0, 1.0]], 10, axis=0), 1e-12 * np.eye(5)[:, :2]],
    ids=["identical", "identical and far away", "two places", "tiny"],
)
def test_figures_of_identical_or_few_points_have_finite_axes(points, linkage):
    run = cut_of(data_of(points), 3, linkage)
    for figure in (pictured(run), drawn_tree(run), drawn_heights(run), tree_figures.heat_map(run)):
        for axis in (figure.layout.xaxis, figure.layout.yaxis):
            low, high = axis.range
            assert np.isfinite([low, high]).all()
            assert low != high


@pytest.mark.parametrize("metric", ["euclidean", "manhattan"])
def test_the_heat_map_is_aligned_with_the_leaves_of_the_dendrogram(metric):
    data = normal(50)
    run = cut_of(data, 3, "average", metric)
    figure, tree = tree_figures.heat_map(run), drawn_tree(run)
    order = hierarchy.leaves_list(hierarchy.linkage(distance.pdist(data.points, SCIPY[metric]), "average"))
    distances = distance.squareform(distance.pdist(data.points, SCIPY[metric]))
    np.testing.assert_allclose(figure.data[0].z, distances[np.ix_(order, order)], rtol=1e-6)
    assert list(figure.data[0].x) == list(figure.data[0].y) == list(range(51))
    assert figure.layout.xaxis.range == tree.layout.xaxis.range == (0, 50)
    assert figure.layout.yaxis.range == (50, 0)
    for side in ("l", "r", "autoexpand"):
        assert figure.layout.margin[side] == tree.layout.margin[side]


SCIPY = {"euclidean": "euclidean", "manhattan": "cityblock"}


def test_the_heat_map_of_many_points_shows_means_over_blocks():
    data = normal(401)
    figure = tree_figures.heat_map(cut_of(data, 3))
    (heat,) = figure.data
    edges = np.array(heat.x)
    assert (edges[0], edges[-1]) == (0, 401)
    assert len(edges) == 161
    order = hierarchy.leaves_list(hierarchy.linkage(data.points, "ward"))
    distances = distance.squareform(distance.pdist(data.points))[np.ix_(order, order)]
    for i, j in [(0, 0), (0, 159), (159, 0), (37, 91), (80, 80)]:
        expected = distances[edges[i] : edges[i + 1], edges[j] : edges[j + 1]].mean()
        assert heat.z[i][j] == pytest.approx(expected, rel=1e-5)


def test_the_leaves_of_the_heat_map_have_the_names_of_the_items():
    data = distance_matrix_data()
    run = cut_of(data, 3, "average")
    axis = tree_figures.heat_map(run).layout.xaxis
    order = run.model_input.tree.order
    assert list(axis.ticktext) == data.names[order].tolist()
    np.testing.assert_allclose(axis.tickvals, np.arange(40) + 0.5)


def test_the_height_curve_agrees_with_scipy_and_ends_at_the_current_merge():
    data = normal(60)
    run = cut_of(data, 4, "average")
    heights = hierarchy.linkage(data.points, "average")[:, 2]
    merges_at_frames = run.model_input.merges_at_frames
    figure = drawn_heights(run, merges_at_frames)
    whole = dict(zip(figure.data[0].x, figure.data[0].y, strict=True))
    assert whole == pytest.approx({59 - i: height for i, height in enumerate(heights)})
    for merges, frame in zip(merges_at_frames[1:], figure.frames[1:], strict=True):
        line, mark = frame.data
        assert min(line.x) == mark.x[0] == 60 - merges
        assert line.y[-1] == pytest.approx(heights[merges - 1])
        assert mark.y[0] == pytest.approx(heights[merges - 1])
    assert figure.layout.shapes[0].x0 == 4


def test_the_alternative_text_has_the_linkage_the_height_and_the_cluster_sizes():
    data = normal()
    run = cut_of(data, 3)
    labels = sklearn.cluster.AgglomerativeClustering(3).fit(data.points).labels_
    sizes = ", ".join(str(size) for size in sorted(np.bincount(labels), reverse=True))
    text = tree_figures.alt_text(run)
    assert text.startswith("Dendrogram of 60 points by Ward linkage, up to height ")
    assert text.endswith(f"cut into 3 clusters of {sizes} points.")


# the cutting line


@pytest.mark.parametrize("height", [0, 3, 2.5, 1e299])
def test_a_finite_non_negative_number_is_a_height(height):
    assert is_height(dict(height=height))


@pytest.mark.parametrize("answer", [None, 3.0, "3", [], [3.0], {}, dict(cut=3.0)], ids=str)
def test_an_answer_without_a_height_is_rejected(answer):
    assert not is_height(answer)


@pytest.mark.parametrize(
    "height",
    [10**400, 10**301, -(10**400), 1e300, -1, -0.1, np.nan, np.inf, -np.inf, "3", "nan", "", None, True, [3], {}],
    ids=lambda height: str(height)[:6],
)
def test_invalid_heights_are_rejected(height):
    assert not is_height(dict(height=height))

"""Scores of the clusters of a run relative to known groups."""

import numpy as np
import pytest
import sklearn.metrics

from pages.datasets.data import Data
from pages.methods import settings
from pages.runs.cache import RecentCache
from pages.runs.known_groups import NAMES, TEXTS, KnownGroups, group_names
from pages.runs.run import make_run
from pages.ui.known_groups import known_clusters
from tests.pages.app import latest, opened


def run_of(data, **options):
    return make_run(data, settings("kmeans", data=data, **options), RecentCache(), lambda _: None)


def test_the_scores_are_those_of_scikit_learn_without_points_of_unknown_groups_and_with_noise_as_a_cluster():
    rng = np.random.default_rng(0)
    groups, clusters = rng.integers(-1, 3, 80), rng.integers(-1, 4, 80)
    known = groups >= 0
    pair = groups[known], clusters[known]
    scores = KnownGroups.of(groups, clusters)
    expected = dict(
        adjusted_rand=sklearn.metrics.adjusted_rand_score(*pair),
        v_measure=sklearn.metrics.v_measure_score(*pair),
        homogeneity=sklearn.metrics.homogeneity_score(*pair),
        completeness=sklearn.metrics.completeness_score(*pair),
        fowlkes_mallows=sklearn.metrics.fowlkes_mallows_score(*pair),
        purity=sklearn.metrics.cluster.contingency_matrix(*pair).max(axis=0).sum() / known.sum(),
    )
    assert list(expected) == list(NAMES) == list(TEXTS)
    assert {name: getattr(scores, name) for name in NAMES} == pytest.approx(expected)
    assert KnownGroups.of(np.array([-1, -1]), np.array([0, -1])) is None


def test_noise_is_the_last_column_of_the_confusion_matrix_and_matches_no_group():
    groups, clusters = np.array([0, 0, 0, 1, 1, 1, 2, 2]), np.array([1, 1, -1, 0, 0, -1, -1, -1])
    confusion = KnownGroups.of(groups, clusters).confusion
    assert confusion.counts.tolist() == [[2, 0, 1], [0, 2, 1], [0, 0, 2]]
    assert confusion.clusters.tolist() == [1, 0, -1]
    assert confusion.matches.tolist() == [0, 1, -1]
    only_noise = KnownGroups.of(groups, np.full(8, -1))
    assert only_noise.confusion.counts.tolist() == [[3], [3], [2]]
    assert only_noise.adjusted_rand == 0


def test_the_confusion_matrix_has_names_counts_and_shares_by_hand():
    points = np.array([[0, 0], [0, 1], [0, 2], [9, 0], [9, 1.0]])
    run = run_of(Data("few", "Few", ("a", "b"), points, np.array([1, 1, 0, 0, 0])), k=2)
    shown = known_clusters(run)
    assert shown.groups == ["group 1", "group 2"]
    assert shown.clusters == ["cluster 2", "cluster 1"]  # in the order of the groups that they match
    table = run.known_groups.table(shown.groups, shown.clusters)
    assert table["cluster 2"].tolist() == [2, 0]
    assert table["cluster 1"].tolist() == [1, 2]
    assert table["cluster 1, share of group"].tolist() == pytest.approx([1 / 3, 1])


def test_groups_have_the_names_in_their_column():
    data = latest(opened("/?source=Built-in&table=Iris"), "run").data
    names = group_names(data)
    assert [names[label] for label in data.labels] == data.origin.table["species"].tolist()

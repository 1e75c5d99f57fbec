"""Tests of pairs of segments: against the core, Holm's method by hand and by its definition, and uniform for noise."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from clustering import MeanTest, kmeans_mean_test, median_sigma, tree_mean_test, tree_of_points
from pages.datasets.cleaning import Preparation, prepare
from pages.datasets.data import Data
from pages.methods import available_methods, settings
from pages.methods.starts import ManualStart, NamedStart, RowsStart, TreeStart
from pages.methods.traits import COMPARE
from pages.runs import mean_tests
from pages.runs.cache import RecentCache
from pages.runs.mean_tests import MeanTests, NullTests, cautions, holm, summary, verdict
from pages.runs.run import make_run
from pages.runs.segments import Edit, segments_of
from tests.pages.checks import proximities, sample, silent


def segments_with(name="kmeans", k=3, edits=(), data=None, start=None, **options):
    data = data or sample()
    return segments_of(make_run(data, settings(name, k, start, data=data, **options), RecentCache(), silent), edits)


def resumed(segments):
    job = MeanTests.of(segments)
    job.resume(silent)
    return job


def reason(segments) -> str:
    """The sentence that says why there is no test."""
    with pytest.raises(ValueError, match=r"\.$") as error:
        MeanTests.of(segments)
    return str(error.value)


# the figures


def test_the_tests_of_k_means_are_those_of_the_core():
    points = sample().points
    rows = np.random.default_rng(1).choice(60, 3, replace=False)
    centers, labels = points[rows], []
    while len(labels) < 2 or (labels[-1] != labels[-2]).any():
        labels.append(np.square(points[:, None] - centers).sum(axis=2).argmin(axis=1))
        centers = np.stack([points[labels[-1] == i].mean(axis=0) for i in range(3)])
    segments = segments_with(start=RowsStart(tuple(rows.tolist()), "random"))
    job = resumed(segments)
    assert list(job.results) == [(0, 1), (0, 2), (1, 2)]
    for (i, j), found in job.results.items():
        a, b = (labels[-1][segments.labels == each][0] for each in (i, j))
        expected = kmeans_mean_test(points, labels, rows, int(a), int(b))
        assert found.p_value == pytest.approx(expected.p_value, rel=1e-9)
        assert found.naive_p_value == pytest.approx(expected.naive_p_value, rel=1e-9)
        means = [points[segments.labels == each].mean(axis=0) for each in (i, j)]
        assert found.difference == pytest.approx(np.linalg.norm(means[0] - means[1]))
        assert found.sigma == job.sigma == median_sigma(points)


@pytest.mark.parametrize("linkage", ["ward", "single", "complete", "average", "centroid", "median"])
def test_the_tests_of_a_tree_are_those_of_the_core(linkage):
    segments = segments_with("tree", linkage=linkage)
    tree = tree_of_points(sample().points, linkage)
    for (i, j), found in resumed(segments).results.items():
        a, b = (int(tree.labels(3)[segments.labels == each][0]) for each in (i, j))
        expected = tree_mean_test(sample().points, tree, linkage, 3, a, b)
        assert found.p_value == pytest.approx(expected.p_value, rel=1e-9)
        assert found.naive_p_value == pytest.approx(expected.naive_p_value, rel=1e-9)


def test_a_given_sigma_is_used():
    job = replace(MeanTests.of(segments_with()), sigma=0.7)
    job.resume(silent)
    assert {found.sigma for found in job.results.values()} == {0.7}


@pytest.mark.parametrize("method", ["kmeans", "tree"])
def test_a_pair_can_be_stopped(method):
    steps = []

    def on_progress(share, text):
        steps.append(share)
        if len(steps) > 1:  # the first step is that of the pair
            raise KeyboardInterrupt

    job = MeanTests.of(segments_with(method))
    with pytest.raises(KeyboardInterrupt):
        job.resume(on_progress)
    assert not job.results
    assert steps == [0, 0]


def test_names_do_not_matter():
    renamed = resumed(segments_with(edits=[Edit("rename", (0,), name="Left")]))
    assert [one.p_value for one in renamed.results.values()] == [
        one.p_value for one in resumed(segments_with()).results.values()
    ]


def test_a_pair_without_a_test_has_a_sentence():
    # the means of both clusters are in the middle: a ring and its center
    angles = np.arange(8) * np.pi / 4
    ring = 10 * np.column_stack([np.cos(angles), np.sin(angles)])
    data = replace(sample(), key="ring", points=np.concatenate([ring, [[0, 1], [0, -1], [0.1, 0], [-0.1, 0]]]), labels=None)
    data = replace(data, truth=None, rows=np.arange(1, 13))
    job = resumed(segments_with("tree", 2, data=data, linkage="single"))
    assert job.results[0, 1] == "The two clusters have the same mean, so there is nothing to test."
    assert summary(job) == "No evidence against equal means (p ≥ 0.05)."


# when there is no valid test


@pytest.mark.parametrize(
    ("start", "phrase"),
    [
        (NamedStart("k-means++"), "from k-means++"),
        (NamedStart("plain k-means++"), "from k-means++ (single candidate)"),
        (NamedStart("maxmin"), "from farthest-first traversal"),
        (NamedStart("k-means||"), "from k-means||"),
        (TreeStart(), "from hierarchical clustering, Ward linkage"),
        (RowsStart((0, 1, 2), "maxmin"), "from farthest-first traversal"),
        (ManualStart(((0.0, 0.0), (1.0, 1.0), (5.0, 5.0))), "from manual placement"),
    ],
)
def test_a_start_that_depends_on_the_points_has_no_test(start, phrase):
    assert reason(segments_with(start=start)) == (
        f"The run started {phrase}: this start depends on the data in a way that the test does not account for. Choose the "
        "initialization “Random points”."
    )


def test_methods_without_such_a_test_say_so():
    without = {}
    for name in available_methods(COMPARE, sample()):
        try:
            MeanTests.of(segments_with(name))
        except ValueError as error:
            without[name] = str(error)
    assert {"kmedoids", "mixture"} <= without.keys()
    assert not {"kmeans", "tree"} & without.keys()
    assert set(without.values()) == {"Only K-means from random points and hierarchical clustering have such a test."}


def test_other_distances_than_euclidean_ones_have_no_test():
    assert "that of given distances" in reason(segments_with("tree", data=proximities()))
    assert "that of Manhattan distances" in reason(segments_with("tree", linkage="average", metric="manhattan"))


@pytest.mark.parametrize("edit", [Edit("merge", (0, 1)), Edit("drop", (0,)), Edit("move", (0,), (5,))])
def test_edited_segments_and_rows_left_out_by_hand_have_no_test(edit):
    assert reason(segments_with(edits=[edit])).startswith("The segments were edited by hand")


def test_a_table_on_the_server_has_no_test():
    segments = segments_with()
    run = replace(segments.run, data=replace(segments.data, all_rows=object()))
    assert "a table on the server" in reason(replace(segments, run=run))


def test_an_empty_cluster_has_no_test():
    # each of the equal points is a center, but only one of the two gets points
    points = np.array([[0.0, 0], [0, 0], [5, 5], [6, 6]])
    data = Data("few", "Few", ("x", "y"), points)
    assert "A cluster was empty in iteration 0" in reason(segments_with(data=data, start=RowsStart((0, 1, 2), "random")))


def test_one_segment_many_segments_and_many_points_have_no_test(monkeypatch):
    assert "only one segment" in reason(segments_with(k=1))
    assert reason(segments_with(k=16)) == "16 segments have 120 pairs. The test is limited to 15 segments."
    monkeypatch.setattr("pages.methods.kmeans.MAX_TESTED_POINTS", 59)
    assert reason(segments_with()) == "The test is limited to 59 points, but there are 60."
    monkeypatch.setattr("pages.methods.tree_cut.MAX_TESTED", {"ward": 59, "single": 60})
    assert "Ward linkage is limited to 59 points" in reason(segments_with("tree"))
    assert MeanTests.of(segments_with("tree", linkage="single")).tasks


# cautions


def prepared(missing="drop", scaling="standardize", **columns):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"a": rng.normal(size=40), "b": 20 * rng.normal(size=40)} | columns)
    return prepare(table, "Table", Preparation(tuple(table), missing=missing, scaling=scaling))


def test_data_that_contradict_the_model_get_a_caution():
    assert cautions(prepared()) == []
    assert cautions(sample(n=200, seed=0)) == []
    assert "columns of 0 and 1" in cautions(prepared(plan=["x", "y", "z", "w"] * 10))[0]
    holes = [np.nan, *range(39)]
    assert cautions(prepared(c=holes)) == []
    assert "Imputed values have less noise" in cautions(prepared("median", c=holes))[0]
    (text,) = cautions(prepared(scaling="none"))
    assert "b varies over 3 times as much as a" in text


# several tests


def test_holm_by_hand():
    # sorted: 0.01 * 4, 0.02 * 3, 0.03 * 2 (not below 0.06), 0.5
    np.testing.assert_allclose(holm(np.array([0.5, 0.01, 0.03, 0.02])), [0.5, 0.04, 0.06, 0.06])
    assert holm(np.array([0.3])).tolist() == [0.3]
    assert holm(np.array([0.9, 0.8])).tolist() == [1.0, 1.0]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_holm_is_the_closure_of_bonferroni(p_values):
    # a hypothesis is rejected if every intersection that contains it is: the adjusted p-value is the largest of theirs
    p = np.array(p_values)
    closed = [
        max(min(1, len(s) * p[list(s)].min()) for r in range(1, len(p) + 1) for s in combinations(range(len(p)), r) if i in s)
        for i in range(len(p))
    ]
    np.testing.assert_allclose(holm(p), closed, rtol=1e-12)


def test_missing_pairs_make_adjusted_p_values_larger():
    job = resumed(segments_with())
    whole = job.adjusted
    del job.results[1, 2]
    assert (job.adjusted >= whole).all()
    assert job.adjusted[2] == 1


def test_the_summary_counts_pairs_with_small_adjusted_p_values():
    def of(k, *p_values):
        job = MeanTests(segments_with(k=k).run, 1.0)
        for task, p in zip(job.tasks, p_values, strict=False):
            job.results[task] = MeanTest(1.0, p, 0.0, 1.0, None)
        return summary(job)

    assert of(3) == ""
    assert of(2, 0.01) == "Evidence against equal means (p < 0.05)."
    assert of(3, 0.01, 0.5, 0.001) == "Evidence against equal means for 2 of 3 pairs (adjusted p < 0.05)."
    assert of(3, 0.001, 0.001, 0.001) == "Evidence against equal means for all 3 pairs (adjusted p < 0.05)."
    assert of(3, 0.02, 0.5, 0.5) == "No evidence against equal means for any of the 3 pairs (adjusted p ≥ 0.05)."
    assert verdict(0.049) == "evidence against equal means"
    assert verdict(0.05) == "no evidence against equal means"


# noise


@pytest.mark.parametrize("name", ["kmeans", "tree"])
def test_p_values_of_noise_are_uniform_and_naive_ones_are_not(name):
    job = NullTests(segments_with(name).run.settings)
    job.resume(silent)
    selective, naive = job.p_values
    assert len(selective) == 200
    assert stats.kstest(selective, "uniform").pvalue > 0.01
    assert (naive < 0.05).mean() > 0.9


def test_the_simulations_of_noise_are_the_same_each_time(monkeypatch):
    monkeypatch.setattr(mean_tests, "SIMULATIONS", 3)
    jobs = [NullTests(segments_with().run.settings) for _ in range(2)]
    for job in jobs:
        job.resume(silent)
    np.testing.assert_array_equal(jobs[0].p_values, jobs[1].p_values)

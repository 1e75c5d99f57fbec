"""Bisecting K-means on the pages of the app."""

from dataclasses import replace

import numpy as np
import pytest

from clustering import BisectingKMeans, fit
from pages.datasets.planes import column_plane
from pages.export import scripts
from pages.figures.hulls import hull
from pages.methods import settings
from pages.methods.base import NoScript
from pages.runs.cache import RecentCache
from pages.runs.run import make_run
from tests.pages.app import latest, opened
from tests.pages.checks import sample


def run_of(data=None, k=5, **options):
    data = data or sample(n=100)
    return make_run(data, settings("bisecting", k, data=data, **options), RecentCache(), lambda state: None)


def test_watch_shows_the_same_results_as_the_core():
    app = opened("/?algorithm=Bisecting K-means&n=100&k=4&bisecting_select=Most points&bisecting_runs=1&seed=3")
    assert not app.error
    run = latest(app, "run")
    last = fit(BisectingKMeans(4, "size", runs=1), run.data.points, rng=3)
    assert run.history.losses[-1] == last.loss
    np.testing.assert_array_equal(run.labels, last.labels)


def test_a_state_has_one_cluster_more_than_the_one_before_and_its_colors_are_those_of_the_final_clusters():
    run = run_of()
    assert [len(sizes) for sizes in run.history.sizes] == [1, 2, 3, 4, 5]
    for i, state in enumerate(run.history.states[1:], start=1):
        ranks = run.ranks_of(i)
        assert len(set(ranks.tolist())) == len(state.assignment.sizes)
        for cluster, rank in enumerate(ranks):
            members = run.history.assignment(i).labels == cluster
            assert (members & (run.labels_by_rank == rank)).any(), "a cluster has the color of points elsewhere"


def test_the_cluster_that_is_split_next_is_named_and_outlined():
    run = run_of()
    plane = column_plane(run.data.columns, 0, 1)
    states = run.history.states
    for i, state in enumerate(states):
        outline = run.view.highlight(run, i, plane)
        assert (outline is None) == (state.phase != "choose")
        if outline is None:
            continue
        before, after = run.history.assignment(i), run.history.assignment(i + 1)
        (divided,) = set(before.labels[before.labels != after.labels])
        members = before.labels == divided
        np.testing.assert_array_equal(outline, hull(run.data.points[members]))
        sentence = run.view.sentence(run, i)
        assert sentence.startswith(f"Next split: cluster {run.ranks_of(i)[divided] + 1}, with {members.sum()} points")


def test_new_points_follow_the_splits():
    run = run_of()
    new = replace(sample(n=80, seed=9))
    placement = run.view.place(run.view.placement_arrays(run), run.settings, new)
    expected = run.history.process.predict(run.history.parameters[-1], new.points)
    np.testing.assert_array_equal(placement.labels, expected)
    assert run.view.nearest_centers(run) is None


@pytest.mark.parametrize("name", ["centers", "clusters", "pairs"])
def test_splits_of_the_wrong_shape_are_rejected(name):
    run = run_of()
    arrays = run.view.placement_arrays(run)
    with pytest.raises(ValueError, match="these are not the splits"):
        run.view.place(arrays | {name: arrays[name][:-1]}, run.settings, run.data)


def test_there_is_no_scikit_learn_script_if_the_largest_cluster_is_not_unique():
    data = replace(sample(), points=np.repeat([[0.0, 0.0], [0.0, 1.0], [9.0, 0.0], [9.0, 2.0]], 15, axis=0), key="tied")
    run = run_of(data, k=3, select="size")
    with pytest.raises(NoScript, match="two clusters have the same number of points"):
        scripts.with_scikit_learn(run)
    assert "BisectingKMeans" in scripts.with_scikit_learn(run_of(data, k=3))

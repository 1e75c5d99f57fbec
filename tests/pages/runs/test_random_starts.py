"""Runs from several random starts, against runs one by one."""

import numpy as np
import pytest

from clustering import KMeans, adjusted_rand_index, fit, v_measure
from pages.datasets import catalog
from pages.datasets.data import Data
from pages.methods import method, settings
from pages.runs import random_starts
from pages.runs.cache import RecentCache
from pages.runs.random_starts import RandomStarts, Standing, affordable_runs, has_random_start
from pages.runs.run import make_run

# two pairs of points: K-means with 2 clusters ends left and right, or in a worse optimum above and below
RECTANGLE = Data("rectangle", "Rectangle", ("a", "b"), np.array([[0, 0], [0, 1], [3, 0], [3, 1.0]]), np.array([0, 0, 1, 1]))


def run_of(data, name="kmeans", **options):
    return make_run(data, settings(name, data=data, **options), RecentCache(), lambda _: None)


def search(run, count):
    job = RandomStarts(run.history.process, run.history.prepared, run.data, run.settings, count)
    job.resume(lambda *_: None)
    return job


def test_the_best_and_the_worst_start_by_hand():
    job = search(run_of(RECTANGLE, k=2), 12)
    assert job.tasks == [range(1, 11), range(11, 13)]
    found = job.found
    starts = {seed: fit(KMeans(2, init="random"), RECTANGLE.points, rng=seed).loss for seed in range(1, 13)}
    assert set(starts.values()) == {1.0, 9.0}
    assert found.seeds.tolist() == list(starts)
    assert found.losses == pytest.approx(list(starts.values()))
    assert found.best == min(seed for seed, loss in starts.items() if loss == 1)
    assert found.worst == min(seed for seed, loss in starts.items() if loss == 9)
    assert (found.adjusted_rand[found.losses < 2] == 1).all()
    assert (found.adjusted_rand[found.losses > 2] == adjusted_rand_index([0, 0, 1, 1], [0, 1, 0, 1])).all()
    assert (found.v_measure[found.losses > 2] == v_measure([0, 0, 1, 1], [0, 1, 0, 1]).v_measure).all()


def test_the_standing_of_a_run_counts_it_once():
    found = search(run_of(RECTANGLE, k=2), 10).found
    ends = (found.losses > 2).sum()
    for seed in (found.best, found.worst):
        standing = Standing.of(run_of(RECTANGLE, k=2, seed=seed), found)
        assert (standing.runs, standing.best_loss) == (10, 1)
        assert (standing.better, standing.worse) == ((0, ends) if seed == found.best else (10 - ends, 0))
    other = next(seed for seed in range(11, 99) if run_of(RECTANGLE, k=2, seed=seed).history.last.loss > 2)
    standing = Standing.of(run_of(RECTANGLE, k=2, seed=other), found)
    assert standing.runs == 11
    assert standing.sentence == (
        f"{10 - ends} of 11 random starts find a better optimum; the best one has loss 1.00000 instead of 9.00000."
    )


@pytest.mark.parametrize(
    ("better", "worse", "sentence"),
    [
        (0, 0, "10 of 10 random starts find this optimum."),
        (0, 9, "1 of 10 random starts finds this optimum; none finds a better one."),
        (0, 2, "8 of 10 random starts find this optimum; none finds a better one."),
        (4, 2, "4 of 10 random starts find a better optimum; the best one has loss 1.00000 instead of 2.00000."),
        (1, 2, "1 of 10 random starts finds a better optimum, with loss 1.00000 instead of 2.00000."),
    ],
)
def test_the_standing_in_words(better, worse, sentence):
    assert Standing(2.0 if better else 1.0, 1.0, 10, better, worse).sentence == sentence


@pytest.mark.parametrize("name", ["mixture", "kmedoids", "kmeans"])
def test_a_seed_repeats_the_run_of_its_start(name):
    data = catalog.draw_sample("three", 60, 0, {})
    found = search(run_of(data, name), 4).found
    for seed, loss, agreement in zip(found.seeds.tolist(), found.losses, found.adjusted_rand, strict=True):
        run = run_of(data, name, seed=seed)
        assert run.history.last.loss == pytest.approx(loss, rel=1e-12)
        assert agreement == pytest.approx(run.agreement, abs=1e-12)


def test_large_data_allow_fewer_runs(monkeypatch):
    view = method("kmeans")
    few, many = (catalog.draw_sample("three", n, 0, {}) for n in (100, 1000))
    assert affordable_runs(few, view.settings(3), 300) == 300
    monkeypatch.setattr(random_starts, "MAX_VALUES", 100_000)
    assert affordable_runs(few, view.settings(3), 300) == 33
    assert affordable_runs(many, view.settings(3), 300) == 3
    assert affordable_runs(many, view.settings(30), 300) == 1


def test_only_random_starts_depend_on_the_seed():
    for name, start, random in (("kmeans", "random", True), ("mixture", "maxmin", True), ("kmeans", "tree", False)):
        assert has_random_start(settings(name, start=start)) is random
    assert not has_random_start(settings("kmedoids", start="build"))
    assert not has_random_start(settings("tree"))

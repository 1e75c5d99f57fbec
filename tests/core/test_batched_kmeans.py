"""Runs of K-means that are computed together equal those computed one after another, in every field."""

from itertools import count, islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustering import KMeans, best_of, fit, notices, restarts, three_gaussians
from clustering import batched_kmeans as batched
from clustering.batched_seeding import plus_plus_rows
from clustering.process import separate_runs
from clustering.seeding import seeded_rows
from tests.core.tables import SEEDED, examples, numbers, seeds, tables

POINTS = three_gaussians(300, np.random.default_rng(0)).points
LATTICE = np.stack(np.meshgrid(np.arange(7.0), np.arange(7.0)), axis=-1).reshape(-1, 2)


@pytest.fixture(autouse=True)
def small_batches_count(monkeypatch):
    """Batches of any number of runs."""
    monkeypatch.setattr(batched, "MIN_RUNS", 1)


@pytest.fixture
def left(monkeypatch):
    """Numbers of runs per batch that were left to `KMeans.states`."""
    found, run = [], batched.Batch.run

    def counted(self, *arguments):
        runs = run(self, *arguments)
        found.append(sum(one is None for one in runs))
        return runs

    monkeypatch.setattr(batched.Batch, "run", counted)
    return found


def assert_equal(together, separate):
    together, separate = list(together), list(separate)
    assert len(together) == len(separate)
    for a, b in zip(together, separate, strict=True):
        np.testing.assert_array_equal(a.start, b.start)
        np.testing.assert_array_equal(a.losses, b.losses)
        np.testing.assert_array_equal(a.last.parameters, b.last.parameters)
        np.testing.assert_array_equal(a.last.labels, b.last.labels)
        assert a.last._replace(parameters=None, assignment=None) == b.last._replace(parameters=None, assignment=None)
        for name in ("sizes", "changed", "sums", "centers", "zero_loss"):
            np.testing.assert_array_equal(getattr(a.last.assignment, name), getattr(b.last.assignment, name))
            assert np.asarray(getattr(a.last.assignment, name)).dtype == np.asarray(getattr(b.last.assignment, name)).dtype


def compare(process, points, rngs=range(8), **options):
    prepared = process.prepare(points)
    assert_equal(restarts(process, points, rngs, **options), separate_runs(process, prepared, rngs, **options))


def test_two_smallest_entries_by_hand():
    rows = np.array([[3, 1, 5], [1, 1, 4], [2, 7, 3], [5, 2, 2], [4, 9, 1]], dtype=np.float32)
    for k, smallest, second in [(2, [1, 1, 4], [3, 1, 5]), (3, [1, 1, 3], [2, 1, 4]), (5, [1, 1, 1], [2, 1, 2])]:
        found = batched.two_smallest(rows[:k].copy())
        np.testing.assert_array_equal(found, [smallest, second])


@given(st.integers(2, 40), seeds)
@examples(100)
def test_two_smallest_entries_equal_those_of_sorting(k, seed):
    rows = np.random.default_rng(seed).integers(0, 20, size=(k, 7)).astype(np.float32)
    expected = np.sort(rows, axis=0)[:2]
    np.testing.assert_array_equal(batched.two_smallest(rows), expected)


def test_two_runs_by_hand(left):
    # from 0 and 1: {0}, {1, 9, 10} -> {0, 1}, {9, 10}; every pair of points leads there
    runs = list(restarts(KMeans(2, "random"), [[0.0], [1.0], [9.0], [10.0]], range(6)))
    assert left == [0]
    for run in runs:
        assert sorted(run.last.parameters.ravel()) == [0.5, 9.5]
        assert run.losses[-1] == 1.0
        assert run.last.converged


@given(tables(rows=2), st.data())
@examples(400)
def test_runs_equal_separate_runs_on_difficult_data(points, data):
    k, init = data.draw(numbers(len(points))), data.draw(st.sampled_from(SEEDED))
    tol = data.draw(st.sampled_from([None, 0.0, 1e-3])) if data.draw(st.booleans()) else np.ptp(points) ** 2
    compare(KMeans(k, init), points, range(6), tol=tol, max_iter=data.draw(st.sampled_from([0, 1, 2, 300])))


@pytest.mark.parametrize("init", SEEDED)
@pytest.mark.parametrize(("k", "d"), [(2, 2), (3, 1), (5, 2), (15, 2), (8, 6), (17, 3)])
def test_runs_on_random_points_are_computed_together_and_equal_separate_runs(init, k, d, left):
    points = np.random.default_rng(k).normal(size=(400, d)) + 100
    compare(KMeans(k, init), points, range(12))
    assert sum(left) <= 1


def test_comparisons_in_several_parts_and_batches_give_the_same_runs(monkeypatch, left):
    monkeypatch.setattr(batched, "MAX_SCORES", 1)  # 1,024 points at a time
    monkeypatch.setattr(batched, "MAX_VALUES", 2_000)
    compare(KMeans(4, "random"), POINTS, range(20))
    assert left == [0, 0, 0, 0]


@pytest.mark.parametrize("init", SEEDED)
def test_ties_on_a_lattice_are_resolved_as_in_separate_runs(init, left):
    compare(KMeans(4, init), LATTICE, range(30))
    assert left[0] < 15
    compare(KMeans(4, init), LATTICE + 1e8, range(10))


def test_runs_with_empty_clusters_are_completed_separately(left):
    points = np.repeat([[0.0], [1.0], [2.0], [5.0]], 5, axis=0)
    process = KMeans(3, "random")
    compare(process, points, range(20))
    assert 0 < left[0] < 20
    assert left[0] >= sum(fit(process, points, rng=seed, max_iter=0).assignment.sizes.min() == 0 for seed in range(20))


def test_a_batch_with_an_outlier_beyond_single_precision_is_completed_separately(left):
    points = POINTS.copy()
    points[0] = 1e7
    compare(KMeans(4, "random"), points, range(6))
    assert left[0] == 6


def test_tight_clusters_are_completed_separately(left):
    points = np.repeat([[0.0, 0.0], [1.0, 3.0]], 50, axis=0) + 1e-5 * np.random.default_rng(0).normal(size=(100, 2))
    compare(KMeans(2, "random"), points, range(6))
    assert left[0] == 6


@pytest.mark.parametrize("max_iter", [0, 1, 3])
def test_runs_stop_at_the_iteration_limit_with_a_notice(max_iter, left):
    compare(KMeans(6, "random"), POINTS, range(8), max_iter=max_iter)
    (first, *_) = restarts(KMeans(6, "random"), POINTS, range(8), max_iter=max_iter)
    assert len(first.losses) == max_iter + 1
    assert [notice.name for notice in first.last.notices] == [notices.ITERATION_LIMIT]
    assert left == [0, 0]


def test_a_tolerance_stops_runs_early(left):
    tol = 0.05 * fit(KMeans(1), POINTS).loss
    compare(KMeans(6, "random"), POINTS, range(8), tol=tol)
    early, late = (list(restarts(KMeans(6, "random"), POINTS, range(8), tol=each)) for each in (tol, 0))
    assert sum(len(run.losses) for run in early) < 0.7 * sum(len(run.losses) for run in late)
    assert all(run.last.converged for run in early)
    assert sum(left) == 0


@pytest.mark.parametrize("process", [KMeans(1), KMeans(2, POINTS[:2]), KMeans(300, "random")], ids=["1", "array", "n"])
def test_one_cluster_given_centers_and_a_cluster_for_each_point(process):
    compare(process, POINTS, range(5))


def test_given_initial_parameters_are_used_by_all_runs():
    compare(KMeans(3), POINTS, range(5), start=POINTS[:3])


def test_a_shared_generator_gives_its_numbers_to_the_runs_in_order():
    for init in SEEDED:
        process = KMeans(4, init)
        one, other = np.random.default_rng(3), np.random.default_rng(3)
        expected = separate_runs(process, process.prepare(POINTS), [other] * 5)
        assert_equal(restarts(process, POINTS, [one] * 5), expected)


def test_best_of_equals_the_best_separate_run():
    children = np.random.default_rng(5).spawn(12)
    process = KMeans(5, "random")
    expected = min(separate_runs(process, process.prepare(POINTS), children), key=lambda run: run.last.loss)
    assert best_of(12, process, POINTS, rng=5).loss == expected.last.loss


def test_a_subclass_with_other_steps_keeps_them():
    class Doubled(KMeans):
        def e_step(self, *arguments):
            assignment, loss = super().e_step(*arguments)
            return assignment, 2 * loss

    together = list(restarts(Doubled(3, "random"), POINTS, range(5)))
    for run, single in zip(together, restarts(KMeans(3, "random"), POINTS, range(5)), strict=True):
        assert run.last.loss == 2 * single.last.loss


def test_the_last_assignment_can_be_continued():
    process = KMeans(8, "random")
    prepared = process.prepare(POINTS)
    for run in restarts(process, POINTS, range(8), max_iter=3):
        parameters, before = run.last.parameters, run.last.assignment
        for _ in range(30):
            parameters = process.m_step(prepared, before, parameters)
            after, _ = process.e_step(prepared, parameters, before)
            np.testing.assert_array_equal(after.labels, process.assign(prepared, parameters).labels)
            before = after


def test_on_step_is_called_after_each_iteration_of_a_batch(left):
    seen = []
    runs = list(restarts(KMeans(5, "random"), POINTS, range(8), on_step=seen.append))
    assert left == [0]
    assert [state.iteration for state in seen] == list(range(max(len(run.losses) for run in runs)))
    assert {state.assignment for state in seen} == {None}
    assert seen[0].loss == runs[0].losses[0]
    np.testing.assert_array_equal(seen[0].parameters, runs[0].start)
    longest = max(runs, key=lambda run: len(run.losses))
    assert seen[-1].loss == longest.last.loss


def test_an_exception_of_on_step_stops_a_batch():
    def stop(state):
        if state.iteration == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        next(restarts(KMeans(5, "random"), POINTS, range(8), on_step=stop))


def test_batches_are_computed_lazily(monkeypatch, left):
    monkeypatch.setattr(batched, "MAX_VALUES", 4 * len(POINTS))
    consumed = []
    runs = restarts(KMeans(3, "random"), POINTS, (consumed.append(seed) or seed for seed in count()))
    assert (consumed, left) == ([], [])
    first = list(islice(runs, 4))
    assert (consumed, len(left)) == ([0, 1, 2, 3], 1)
    next(runs)
    assert (len(consumed), len(left)) == (8, 2)
    assert [run.last.loss for run in first] == [fit(KMeans(3, "random"), POINTS, rng=seed).loss for seed in range(4)]


def test_few_runs_and_long_products_are_not_computed_together(monkeypatch, left):
    monkeypatch.setattr(batched, "MIN_RUNS", 4)
    list(restarts(KMeans(3), POINTS, range(3)))
    assert left == []
    monkeypatch.setattr(batched, "MAX_PRODUCTS", 3 * POINTS.size)
    assert batched.batch_size(KMeans(3), KMeans(3).prepare(POINTS)) == 1
    monkeypatch.setattr(batched, "MAX_PRODUCTS", 1)
    assert batched.batch_size(KMeans(3), KMeans(3).prepare(POINTS)) == 0
    list(restarts(KMeans(3), POINTS, range(6)))
    assert left == []


@given(tables(rows=2), st.sampled_from(["k-means++", "plain k-means++"]), st.data())
@examples(200)
def test_seeds_of_many_runs_equal_those_of_single_runs(points, init, data):
    k = data.draw(numbers(len(points)))
    process = KMeans(k, init)
    prepared = process.prepare(points)
    if prepared.max_square < batched.MIN_SQUARE:
        return
    trials = 1 if init == "plain k-means++" else 2 + int(np.log(k))
    found = plus_plus_rows(prepared, k, [np.random.default_rng(seed) for seed in range(6)], trials)
    for seed, rows in enumerate(found):
        np.testing.assert_array_equal(rows, seeded_rows(init, prepared.columns, k, np.random.default_rng(seed)))

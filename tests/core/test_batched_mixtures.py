"""Runs of mixtures that are computed together equal those computed one after another, in every field."""

from dataclasses import fields, is_dataclass
from itertools import count, islice

import numpy as np
import pytest

from clustering import GaussianMixture, StudentMixture, VariationalMixture, notices, restarts, three_gaussians
from clustering import batched_mixtures as batched
from clustering.process import separate_runs

POINTS = three_gaussians(90, np.random.default_rng(0)).points
TIES = np.random.default_rng(1).integers(0, 4, (90, 2)).astype(float)
WIDE = np.random.default_rng(2).normal(size=(80, 9))
LINE = np.random.default_rng(3).normal(size=(60, 1))
MIXTURES = [
    *(GaussianMixture(4, covariance, "k-means++") for covariance in ("full", "diagonal", "spherical")),
    GaussianMixture(3),
    GaussianMixture(3, init="random", regularization=0.1),
    StudentMixture(3, init="k-means++"),
    StudentMixture(4, "diagonal", degrees=3.0),
    VariationalMixture(6, init="random"),
    VariationalMixture(1),
]


@pytest.fixture
def alone(monkeypatch):
    """The iteration before which each run left its batch; -1 for the start."""
    found = []
    for mixture in (GaussianMixture, StudentMixture, VariationalMixture):

        def noted(self, prepared, parameters, tol, max_iter, before=None, kept=mixture._states_from):
            found.append(-1 if before is None else before.iteration)
            return kept(self, prepared, parameters, tol, max_iter, before)

        monkeypatch.setattr(mixture, "_states_from", noted)
    return found


def assert_equal(a, b):
    """Same values, types and shapes."""
    assert type(a) is type(b)
    if isinstance(a, np.ndarray):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b, strict=True)
    elif isinstance(a, tuple | list):
        for one, other in zip(a, b, strict=True):
            assert_equal(one, other)
    elif is_dataclass(a):
        for field in fields(a):
            assert_equal(getattr(a, field.name), getattr(b, field.name))
    else:
        assert a == b


def compare(process, points, rngs=range(5), **options):
    together = list(restarts(process, points, rngs, **options))
    assert_equal(together, list(separate_runs(process, process.prepare(points), rngs, **options)))
    return together


@pytest.mark.parametrize("points", [POINTS, TIES, WIDE, LINE], ids=["groups", "ties", "wide", "line"])
@pytest.mark.parametrize("process", MIXTURES, ids=str)
def test_runs_equal_separate_runs(process, points):
    runs = compare(process, points, max_iter=15)
    assert len(runs) == 5


def test_a_batch_computes_all_runs_with_the_same_calls(alone):
    calls = []
    kept = GaussianMixture.e_step

    class Counted(GaussianMixture):
        def e_step(self, *arguments):
            calls.append(None)
            return kept(self, *arguments)

    runs = list(restarts(Counted(4, init="k-means++"), POINTS, range(6)))
    assert len(calls) == max(len(run.losses) for run in runs)
    assert alone == []


def test_runs_with_narrow_components_are_completed_alone(alone):
    # in some runs, a component shrinks onto equal points far from the center of all points
    process, points = GaussianMixture(3, init="random"), np.concatenate([POINTS, POINTS.mean(axis=0) + np.full((4, 2), 10.0)])
    together = list(restarts(process, points, range(8), max_iter=40))
    left = list(alone)
    assert 0 < len(left) < 8
    assert min(left) > 0
    assert_equal(together, list(separate_runs(process, process.prepare(points), range(8), max_iter=40)))
    assert any(notices.COLLAPSING_COMPONENT in [notice.name for notice in run.last.notices] for run in together)


def test_runs_that_all_have_narrow_components_at_the_start_are_completed_alone(alone):
    points = np.repeat([[0.0, 0.0], [1.0, 5.0], [1e4, 3.0]], 20, axis=0)
    process = GaussianMixture(3)
    together = list(restarts(process, points, range(4)))
    assert alone == [-1] * 4
    assert_equal(together, list(separate_runs(process, process.prepare(points), range(4))))


@pytest.mark.parametrize("options", [dict(max_iter=0), dict(max_iter=4), dict(tol=0.01), dict(tol=0.0, max_iter=40)], ids=str)
def test_tolerance_and_iteration_limit_are_those_of_separate_runs(options):
    compare(GaussianMixture(4, init="k-means++"), POINTS, **options)


def test_tied_covariances_weights_and_given_starts_are_computed_one_after_another():
    compare(GaussianMixture(3, "tied"), POINTS, range(3), max_iter=5)
    compare(GaussianMixture(3, init=POINTS[:3]), POINTS, range(3), max_iter=5)
    compare(GaussianMixture(3), POINTS, range(3), max_iter=5, start=POINTS[:3])


def test_a_large_number_of_runs_is_split_into_batches(monkeypatch):
    monkeypatch.setattr(batched, "MAX_VALUES", 3 * 3 * len(POINTS))
    compare(GaussianMixture(3, init="random"), POINTS, range(7), max_iter=10)


def test_runs_are_computed_lazily_batch_by_batch(monkeypatch):
    monkeypatch.setattr(batched, "MAX_VALUES", 4 * 2 * len(POINTS))
    consumed = []
    runs = restarts(GaussianMixture(2), POINTS, (consumed.append(seed) or seed for seed in count()))
    list(islice(runs, 4))
    assert len(consumed) == 4


def test_on_step_is_called_after_each_iteration_of_a_batch_and_can_stop_it():
    seen = []
    process = GaussianMixture(3, init="random")
    runs = list(restarts(process, POINTS, range(4), on_step=seen.append))
    assert [state.iteration for state in seen] == list(range(max(len(run.losses) for run in runs) - 1))
    assert all(state.assignment is None and state.parameters.means.shape == (3, 2) for state in seen)
    assert seen[0].loss == runs[0].losses[0]

    def stop(state):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        next(restarts(process, POINTS, range(4), on_step=stop))


def test_results_of_a_run_share_no_memory_with_those_of_others():
    first, second = restarts(GaussianMixture(3, init="random"), POINTS, range(2), max_iter=3)
    rows = first.last.assignment.found.rows, second.last.assignment.found.rows
    assert not np.shares_memory(*rows)
    assert rows[0].base is None  # the arrays of the whole batch are not kept

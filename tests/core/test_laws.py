"""Properties of all methods: reproducible, no modified arguments, invariant to order and unit.

Properties for arbitrary tables are in the files `test_laws_of_….py`.
"""

from functools import cache

import numpy as np
import pytest

from clustering import GaussianMixture, History, KMeans, KMedoids, best_of, fit, iterate, proximity_matrix, three_gaussians
from tests.core.tables import METHODS, data_for, method_of


@cache
def sample(n, seed=0):
    return three_gaussians(n, np.random.default_rng(seed)).points


@pytest.mark.parametrize("name", METHODS)
def test_the_same_seed_gives_the_same_run_and_fit_returns_its_last_state(name):
    points = sample(60)
    process = method_of(name, 3)
    data = data_for(process, points)
    states = list(iterate(process, data, rng=5))
    again = list(iterate(process, data, rng=np.random.default_rng(5)))
    assert [state.loss for state in states] == [state.loss for state in again]
    last = fit(process, data, rng=5)
    assert last.loss == states[-1].loss
    assert last.converged
    np.testing.assert_array_equal(last.labels, states[-1].labels)
    assert [state.iteration for state in states] == list(range(len(states)))


def flattened(parameters):
    return np.concatenate([np.ravel(part) for part in (parameters if isinstance(parameters, tuple) else [parameters])])


@pytest.mark.parametrize("name", METHODS)
def test_data_start_and_earlier_states_are_not_modified(name):
    points = sample(60)
    process = method_of(name, 3)
    data = data_for(process, points)
    start = process.start(process.prepare(data), np.random.default_rng(1))
    data_copy, start_copy = data.copy(), flattened(start).copy()
    states, copies = [], []
    for state in iterate(process, data, start=start):
        states.append(state)
        copies.append((flattened(state.parameters).copy(), state.labels.copy(), np.array(state.assignment.sizes)))
    assert len(states) > 2
    for state, (parameters, labels, sizes) in zip(states, copies, strict=True):
        np.testing.assert_array_equal(flattened(state.parameters), parameters)
        np.testing.assert_array_equal(state.labels, labels)
        np.testing.assert_array_equal(state.assignment.sizes, sizes)
    np.testing.assert_array_equal(data, data_copy)
    np.testing.assert_array_equal(flattened(start), start_copy)


# "swap" makes the first swap that lowers the loss, so it depends on the order
@pytest.mark.parametrize("name", [name for name in METHODS if name != "swap"])
def test_the_order_of_points_does_not_matter(name):
    points = sample(70)
    order = np.random.default_rng(1).permutation(len(points))
    process = method_of(name, 3)
    rows = np.array([3, 30, 60])
    start = rows if isinstance(process, KMedoids) else points[rows]
    moved = np.argsort(order)[rows] if isinstance(process, KMedoids) else start
    one = fit(process, data_for(process, points), start=start)
    other = fit(process, data_for(process, points[order]), start=moved)
    np.testing.assert_array_equal(one.labels[order], other.labels)
    assert other.loss == pytest.approx(one.loss, rel=1e-9)


@cache
def fit_of_three_rows(name, scale=1.0, offset=0.0):
    rows = np.array([3, 30, 50])
    process, points = method_of(name, 3), sample(60, 3) * scale + offset
    return fit(process, data_for(process, points), start=rows if isinstance(process, KMedoids) else points[rows])


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(("scale", "offset"), [(1e-9, 0.0), (1e9, 0.0), (1.0, 1e8), (2.0**-20, 3.0)])
def test_scaled_and_shifted_points_have_the_same_labels(name, scale, offset):
    one, other = fit_of_three_rows(name), fit_of_three_rows(name, scale, offset)
    np.testing.assert_array_equal(one.labels, other.labels)


@pytest.mark.parametrize("name", METHODS)
def test_float32_lists_and_noncontiguous_arrays_are_accepted(name):
    points = sample(40).astype(np.float32)
    process = method_of(name, 3)
    expected = fit(process, data_for(process, points.astype(float)), rng=2)
    if isinstance(process, KMedoids):
        matrix = proximity_matrix(points)
        forms = [matrix.tolist(), np.asfortranarray(matrix), np.repeat(matrix, 2, axis=1)[:, ::2]]
    else:
        forms = [points, points.tolist(), np.asfortranarray(points), np.repeat(points, 2, axis=1)[:, ::2]]
    for form in forms:
        np.testing.assert_array_equal(fit(process, form, rng=2).labels, expected.labels)


@pytest.mark.parametrize("name", METHODS)
def test_one_cluster_and_as_many_clusters_as_points(name):
    points = sample(15)
    for k in (1, len(points)):
        process = method_of(name, k)
        state = fit(process, data_for(process, points), rng=0)
        assert np.isfinite(state.loss)
        if k == 1:
            assert not state.labels.any()
        elif not isinstance(process, GaussianMixture):
            assert state.loss == pytest.approx(0, abs=1e-12)
            assert len(np.unique(state.labels)) == k


def test_best_of_returns_the_smallest_loss_and_more_runs_extend_fewer():
    points = sample(100)
    process = KMeans(6, init="random")
    losses = [fit(process, points, rng=child).loss for child in np.random.default_rng(7).spawn(8)]
    assert best_of(8, process, points, rng=7).loss == min(losses)
    assert best_of(3, process, points, rng=7).loss == min(losses[:3])


@pytest.mark.parametrize("name", METHODS)
def test_history_recomputes_any_assignment(name):
    points = sample(60, 4)
    process = method_of(name, 4)
    data = data_for(process, points)
    states = list(iterate(process, data, rng=1))
    history = History.record(process, data, rng=1)
    assert history.iterations == states[-1].iteration
    assert history.converged
    np.testing.assert_array_equal(history.losses, [state.loss for state in states])
    np.testing.assert_array_equal(history.changed, [state.assignment.changed for state in states])
    for t, state in enumerate(states):
        np.testing.assert_array_equal(history.assignment_of_iteration(t).labels, state.labels)
        np.testing.assert_allclose(history.sizes[t], state.assignment.sizes)
    changed = [np.count_nonzero(a.labels != b.labels) for a, b in zip(states, states[1:], strict=False)]
    assert history.changed[1:].tolist() == changed


@pytest.mark.parametrize("name", METHODS)
def test_on_step_of_a_history_receives_every_state_and_can_end_the_run(name):
    points = sample(60)
    process = method_of(name, 3)
    seen = []

    def on_step(state):
        seen.append(state.iteration)
        if state.iteration == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        History.record(process, data_for(process, points), rng=3, on_step=on_step)
    assert seen == [0, 1, 2]

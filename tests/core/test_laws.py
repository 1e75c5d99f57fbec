"""What must hold for every method: the same seed gives the same run, nothing is changed behind one's back, order and unit do
not matter. What must hold for any table is in the files `test_laws_of_…`."""

import numpy as np
import pytest

from clustering import GaussianMixture, History, KMeans, KMedoids, best_of, fit, iterate, proximity_matrix, three_gaussians
from tests.core.tables import METHODS, data_for, method_of


@pytest.mark.parametrize("name", METHODS)
def test_the_same_seed_gives_the_same_run_and_fit_is_its_last_step(name):
    points = three_gaussians(80, np.random.default_rng(0)).points
    method = method_of(name, 3)
    data = data_for(method, points)
    steps = list(iterate(method, data, rng=5))
    again = list(iterate(method, data, rng=np.random.default_rng(5)))
    assert [step.loss for step in steps] == [step.loss for step in again]
    last = fit(method, data, rng=5)
    assert last.loss == steps[-1].loss
    assert last.converged
    np.testing.assert_array_equal(last.labels, steps[-1].labels)
    assert [step.iteration for step in steps] == list(range(len(steps)))


def flat(parameters):
    return np.concatenate([np.ravel(part) for part in (parameters if isinstance(parameters, tuple) else [parameters])])


@pytest.mark.parametrize("name", METHODS)
def test_earlier_steps_and_the_given_data_and_start_stay_as_they_were(name):
    points = three_gaussians(80, np.random.default_rng(0)).points
    method = method_of(name, 3)
    data = data_for(method, points)
    start = method.start(method.prepare(data), np.random.default_rng(1))
    kept_data, kept_start = data.copy(), flat(start).copy()
    steps, kept = [], []
    for step in iterate(method, data, start=start):
        steps.append(step)
        kept.append((flat(step.parameters).copy(), step.labels.copy(), np.array(step.assignment.sizes)))
    assert len(steps) > 2
    for step, (parameters, labels, sizes) in zip(steps, kept, strict=True):
        np.testing.assert_array_equal(flat(step.parameters), parameters)
        np.testing.assert_array_equal(step.labels, labels)
        np.testing.assert_array_equal(step.assignment.sizes, sizes)
    np.testing.assert_array_equal(data, kept_data)
    np.testing.assert_array_equal(flat(start), kept_start)


@pytest.mark.parametrize("name", [name for name in METHODS if name != "swap"])  # which takes the first that helps
def test_the_order_of_the_points_does_not_matter(name):
    points = three_gaussians(90, np.random.default_rng(0)).points
    order = np.random.default_rng(1).permutation(len(points))
    method = method_of(name, 3)
    rows = np.array([3, 30, 60])
    start = rows if isinstance(method, KMedoids) else points[rows]
    moved = np.argsort(order)[rows] if isinstance(method, KMedoids) else start
    one = fit(method, data_for(method, points), start=start)
    other = fit(method, data_for(method, points[order]), start=moved)
    np.testing.assert_array_equal(one.labels[order], other.labels)
    assert other.loss == pytest.approx(one.loss, rel=1e-9)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize(("scale", "offset"), [(1e-9, 0.0), (1e9, 0.0), (1.0, 1e8), (2.0**-20, 3.0)])
def test_scaling_and_shifting_the_points_keeps_the_labels(name, scale, offset):
    points = three_gaussians(120, np.random.default_rng(3)).points
    rows = np.array([3, 30, 60])
    method = method_of(name, 3)
    start = rows if isinstance(method, KMedoids) else points[rows]
    moved = rows if isinstance(method, KMedoids) else (points * scale + offset)[rows]
    one = fit(method, data_for(method, points), start=start)
    other = fit(method, data_for(method, points * scale + offset), start=moved)
    np.testing.assert_array_equal(one.labels, other.labels)


@pytest.mark.parametrize("name", METHODS)
def test_float32_lists_and_arrays_that_are_not_contiguous_are_taken(name):
    points = three_gaussians(60, np.random.default_rng(0)).points.astype(np.float32)
    method = method_of(name, 3)
    expected = fit(method, data_for(method, points.astype(float)), rng=2)
    if isinstance(method, KMedoids):
        matrix = proximity_matrix(points)
        forms = [matrix.tolist(), np.asfortranarray(matrix), np.repeat(matrix, 2, axis=1)[:, ::2]]
    else:
        forms = [points, points.tolist(), np.asfortranarray(points), np.repeat(points, 2, axis=1)[:, ::2]]
    for form in forms:
        np.testing.assert_array_equal(fit(method, form, rng=2).labels, expected.labels)


@pytest.mark.parametrize("name", METHODS)
def test_one_cluster_and_as_many_as_points_come_out_right(name):
    points = three_gaussians(25, np.random.default_rng(0)).points
    for k in (1, len(points)):
        method = method_of(name, k)
        step = fit(method, data_for(method, points), rng=0)
        assert np.isfinite(step.loss)
        if k == 1:
            assert not step.labels.any()
        elif not isinstance(method, GaussianMixture):
            assert step.loss == pytest.approx(0, abs=1e-12)
            assert len(np.unique(step.labels)) == k


def test_best_of_is_the_least_of_its_runs_and_more_restarts_repeat_the_first():
    points = three_gaussians(200, np.random.default_rng(0)).points
    method = KMeans(6, init="random")
    losses = [fit(method, points, rng=child).loss for child in np.random.default_rng(7).spawn(8)]
    assert best_of(8, method, points, rng=7).loss == min(losses)
    assert best_of(3, method, points, rng=7).loss == min(losses[:3])


@pytest.mark.parametrize("name", METHODS)
def test_a_history_makes_any_of_its_assignments_again(name):
    points = three_gaussians(150, np.random.default_rng(4)).points
    method = method_of(name, 4)
    data = data_for(method, points)
    steps = list(iterate(method, data, rng=1))
    history = History.record(method, data, rng=1)
    assert history.iterations == steps[-1].iteration
    assert history.converged
    np.testing.assert_array_equal(history.losses, [step.loss for step in steps])
    np.testing.assert_array_equal(history.changed, [step.assignment.changed for step in steps])
    for t, step in enumerate(steps):
        np.testing.assert_array_equal(history.frame(t).labels, step.labels)
        np.testing.assert_allclose(history.sizes[t], step.assignment.sizes)
    changed = [np.count_nonzero(a.labels != b.labels) for a, b in zip(steps, steps[1:], strict=False)]
    assert history.changed[1:].tolist() == changed


@pytest.mark.parametrize("name", METHODS)
def test_the_watcher_of_a_history_sees_every_step_and_can_end_the_run(name):
    points = three_gaussians(80, np.random.default_rng(0)).points
    method = method_of(name, 3)
    seen = []

    def on_step(step):
        seen.append(step.iteration)
        if step.iteration == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        History.record(method, data_for(method, points), rng=3, on_step=on_step)
    assert seen == [0, 1, 2]

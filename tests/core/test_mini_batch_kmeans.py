"""Mini-batch K-means: by hand, against a plain loop over the points of each batch, against K-means, and laws."""

import numpy as np
import pytest
import sklearn.cluster
from hypothesis import given
from hypothesis import strategies as st

from clustering import BatchCenters, History, KMeans, MiniBatchKMeans, fit, iterate, restarts, three_gaussians
from clustering.mini_batch_kmeans import PATIENCE
from clustering.notices import EMPTY_CLUSTER, ITERATION_LIMIT
from tests.core.tables import SEEDED, examples, numbers, seeds, tables


def sample(n=200, seed=0):
    return three_gaussians(n, np.random.default_rng(seed)).points


def test_a_center_is_the_mean_of_all_points_that_moved_it_by_hand():
    # all points in each batch; the center of 0 and 2 first becomes their mean, then the mean of 0, 2, 0 and 2
    states = list(iterate(MiniBatchKMeans(2, batch=9), [[0.0], [2.0], [10.0]], start=[[0.5], [9.0]], rng=0, max_iter=2))
    assert [state.parameters.centers.tolist() for state in states] == [[[0.5], [9.0]], [[1.0], [10.0]], [[1.0], [10.0]]]
    assert [state.parameters.counts.tolist() for state in states] == [[0, 0], [2, 1], [4, 2]]
    assert [state.loss for state in states] == [0.25 + 2.25 + 1, 2, 2]


@pytest.mark.parametrize("batch", [1, 7, 60, 500])
def test_each_update_is_that_of_a_plain_loop_over_the_points_of_the_batch(batch):
    x = sample()
    states = list(iterate(MiniBatchKMeans(4, batch), x, rng=3, max_iter=12))
    assert {len(state.parameters.batch) for state in states[1:]} == {min(batch, 200)}
    for before, after in zip(states[:-1], states[1:], strict=True):
        assert len(set(after.parameters.batch.tolist())) == len(after.parameters.batch)
        centers, counts = before.parameters.centers.copy(), before.parameters.counts.copy()
        nearest = [int(np.square(before.parameters.centers - x[i]).sum(axis=1).argmin()) for i in after.parameters.batch]
        for i, k in zip(after.parameters.batch, nearest, strict=True):
            counts[k] += 1
            centers[k] = (1 - 1 / counts[k]) * centers[k] + x[i] / counts[k]
        np.testing.assert_allclose(after.parameters.centers, centers, rtol=1e-10)
        assert after.parameters.counts.tolist() == counts.tolist()


def test_it_matches_scikit_learn_with_the_same_batches():
    x = sample()
    states = list(iterate(MiniBatchKMeans(4, 30), x, rng=2, max_iter=20))
    start = states[0].parameters.centers
    peer = sklearn.cluster.MiniBatchKMeans(4, init=start, n_init=1, reassignment_ratio=0)
    for state in states[1:]:
        peer.partial_fit(x[state.parameters.batch])
        np.testing.assert_allclose(state.parameters.centers, peer.cluster_centers_, rtol=1e-10)
    np.testing.assert_array_equal(states[-1].labels, peer.predict(x))


@examples(100)
@given(data=st.data())
def test_states_are_finite_and_have_the_nearest_centers_and_their_loss(data):
    x = data.draw(tables())
    k, batch = data.draw(numbers(len(x))), data.draw(st.integers(1, 30))
    method, seed = MiniBatchKMeans(k, batch, init=data.draw(st.sampled_from(SEEDED))), data.draw(seeds)
    rounding = x.size * np.square(1e-14 * np.abs(x).max())
    for state in iterate(method, x, rng=seed, max_iter=15):
        centers = state.parameters.centers
        assert np.isfinite(centers).all()
        # each center is a mean of points, or a point
        assert (centers >= x.min(axis=0) - 1e-9 * np.abs(x).max(axis=0)).all()
        assert (centers <= x.max(axis=0) + 1e-9 * np.abs(x).max(axis=0)).all()
        squares = np.square(x[:, None] - centers).sum(axis=2)
        own = squares[np.arange(len(x)), state.labels]
        assert (own <= squares.min(axis=1) * (1 + 1e-9) + rounding).all()
        assert state.loss == pytest.approx(own.sum(), rel=1e-6, abs=rounding)
        assert state.assignment.sizes.sum() == len(x)


def test_the_loss_can_rise_and_ends_near_that_of_k_means():
    x = sample(500)
    losses = [state.loss for state in iterate(MiniBatchKMeans(3, 20), x, start=x[:3], rng=0)]
    assert (np.diff(losses) > 0).any()
    best = fit(KMeans(3), x, start=x[:3]).loss
    assert best < losses[-1] < 1.1 * best


def test_a_run_converges_when_successive_batches_change_no_cluster():
    states = list(iterate(MiniBatchKMeans(3), sample(), rng=1))
    assert states[-1].converged
    changed = [state.assignment.changed for state in states]
    assert changed[-PATIENCE:] == [0] * PATIENCE
    assert changed[-PATIENCE - 1] > 0
    loose = fit(MiniBatchKMeans(3), sample(), rng=1, tol=0.05)
    assert loose.iteration < states[-1].iteration
    (notice,) = fit(MiniBatchKMeans(3), sample(), rng=1, max_iter=3).notices
    assert notice.name == ITERATION_LIMIT


def test_a_run_whose_points_all_coincide_with_centers_converges_at_once():
    assert fit(MiniBatchKMeans(2), [[0.0], [1.0], [1.0]], start=[[0.0], [1.0]], rng=0).iteration == 0


def test_a_center_without_points_stays_and_gives_a_notice():
    last = fit(MiniBatchKMeans(2), [[0.0], [1.0]], start=[[0.0], [90.0]], rng=0)
    assert last.parameters.centers[1].tolist() == [90.0]
    assert last.parameters.counts[1] == 0
    assert [notice.name for notice in last.notices] == [EMPTY_CLUSTER]


def test_the_seed_determines_the_batches_also_from_given_centers():
    x = sample()
    one, same, other = (fit(MiniBatchKMeans(3), x, start=x[:3], rng=seed).parameters.centers for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_a_run_goes_on_from_its_own_parameters():
    x = sample()
    states = list(iterate(MiniBatchKMeans(3, 500), x, rng=1, max_iter=4))  # all points: the batches are equal
    again = list(iterate(MiniBatchKMeans(3, 500), x, start=states[2].parameters, rng=9, max_iter=2))
    np.testing.assert_allclose(again[-1].parameters.centers, states[-1].parameters.centers, rtol=1e-12)
    assert again[-1].parameters.counts.tolist() == states[-1].parameters.counts.tolist()


def test_histories_recompute_assignments_and_have_the_loss_of_the_moved_centers_with_the_old_clusters():
    x = sample()
    history = History.record(MiniBatchKMeans(3, 30), x, rng=1, max_iter=5)
    states = list(iterate(MiniBatchKMeans(3, 30), x, rng=1, max_iter=5))
    for t, state in enumerate(states):
        np.testing.assert_array_equal(history.assignment_of_iteration(t).labels, state.labels)
    expected = [
        np.square(x - after.parameters.centers[before.labels]).sum()
        for before, after in zip(states[:-1], states[1:], strict=True)
    ]
    np.testing.assert_allclose(history.half_losses, expected, rtol=1e-9)


def test_restarts_equal_single_runs():
    x = sample()
    for seed, run in enumerate(restarts(MiniBatchKMeans(3), x, range(3))):
        assert run.last.loss == fit(MiniBatchKMeans(3), x, rng=seed).loss


def test_new_points_are_assigned_to_the_nearest_center():
    last = fit(MiniBatchKMeans(3), sample(), rng=1)
    new = sample(50, seed=1)
    expected = KMeans(3).predict(last.parameters.centers, new)
    np.testing.assert_array_equal(MiniBatchKMeans(3).predict(last.parameters, new), expected)
    np.testing.assert_array_equal(MiniBatchKMeans(3).predict(last.parameters.centers, new), expected)


@pytest.mark.parametrize("batch", [0, -1, 2.0, True])
def test_an_invalid_batch_size_is_rejected(batch):
    with pytest.raises(ValueError, match="batch must be an integer of at least 1"):
        MiniBatchKMeans(3, batch)


def test_an_invalid_start_is_rejected():
    x = sample()
    with pytest.raises(ValueError, match=r"start must be centers of shape \(3, 2\)"):
        iterate(MiniBatchKMeans(3), x, start=x[:2])
    with pytest.raises(ValueError, match="counts must be 3 integers of at least 0"):
        iterate(MiniBatchKMeans(3), x, start=BatchCenters(x[:3], np.array([1, 2, -1]), np.array([0])))


def test_a_dask_array_is_rejected():
    from dask import array

    with pytest.raises(ValueError, match="points must be in memory here"):
        MiniBatchKMeans(2).prepare(array.ones((10, 2)))

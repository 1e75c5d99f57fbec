"""Fuzzy c-means: by hand, against plain loops over points and clusters, against K-means, and laws."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustering import FuzzyCMeans, History, KMeans, adjusted_rand_index, fit, iterate, three_gaussians
from clustering.fuzzy_c_means import COINCIDING_CENTERS
from clustering.notices import EMPTY_CLUSTER, LOSS_ROSE
from tests.core.tables import examples


def sample_points(n=200, seed=0):
    return three_gaussians(n, np.random.default_rng(seed)).points


def plain_memberships(x, centers, m):
    """The formula of the E step, one point and two clusters at a time."""
    u = np.empty((len(x), len(centers)))
    for n in range(len(x)):
        for k in range(len(centers)):
            ratios = [np.linalg.norm(x[n] - centers[k]) / np.linalg.norm(x[n] - other) for other in centers]
            u[n, k] = 1 / sum(ratio ** (2 / (m - 1)) for ratio in ratios)
    return u


def plain_loss(x, centers, u, m):
    return sum(u[n, k] ** m * np.sum((x[n] - centers[k]) ** 2) for n in range(len(x)) for k in range(len(centers)))


def plain_centers(x, u, m):
    rows = []
    for k in range(u.shape[1]):
        weights = [u[n, k] ** m for n in range(len(x))]
        rows.append(sum(weight * row for weight, row in zip(weights, x, strict=True)) / sum(weights))
    return np.array(rows)


# by hand


def test_memberships_of_a_point_between_two_centers_by_hand():
    # for m = 2, memberships are proportional to 1 / d^2: distances 1 and 3 give 9 / 10 and 1 / 10
    state = next(iterate(FuzzyCMeans(2), [[0.0], [1.0], [4.0]], start=[[0.0], [4.0]]))
    np.testing.assert_allclose(state.assignment.memberships, [[1, 0], [0.9, 0.1], [0, 1]])
    assert state.loss == pytest.approx(0.81 * 1 + 0.01 * 9)
    np.testing.assert_allclose(state.assignment.sizes, [1.9, 1.1])
    assert state.labels.tolist() == [0, 0, 1]


def test_next_centers_are_means_weighted_by_squared_memberships():
    states = list(iterate(FuzzyCMeans(2), [[0.0], [1.0], [4.0]], start=[[0.0], [4.0]], max_iter=1))
    np.testing.assert_allclose(states[1].parameters, [[0.81 / 1.81], [(0.01 + 4) / 1.01]])


def test_a_point_on_two_centers_belongs_equally_to_both():
    state = next(iterate(FuzzyCMeans(3), [[0.0], [5.0], [9.0]], start=[[0.0], [0.0], [9.0]]))
    np.testing.assert_allclose(state.assignment.memberships[0], [0.5, 0.5, 0])
    np.testing.assert_allclose(state.assignment.memberships[2], [0, 0, 1])


# plain loops


@pytest.mark.parametrize("m", [1.2, 1.7, 2.0, 3.5])
def test_states_match_plain_loops(m):
    x = sample_points(30)
    centers = x[:3] + 0.1
    for state in iterate(FuzzyCMeans(3, m=m), x, start=centers, max_iter=6):
        np.testing.assert_allclose(state.parameters, centers, rtol=1e-9, atol=1e-9)
        u = plain_memberships(x, centers, m)
        np.testing.assert_allclose(state.assignment.memberships, u, rtol=1e-7, atol=1e-12)
        assert state.loss == pytest.approx(plain_loss(x, centers, u, m), rel=1e-10)
        centers = plain_centers(x, u, m)


def test_loss_after_an_m_step_uses_new_centers_and_old_memberships():
    x = sample_points(30)
    history = History.record(FuzzyCMeans(3, m=1.5), x, start=x[:3] + 0.1, max_iter=5)
    for t, loss in enumerate(history.half_losses):
        u = history.assignment_of_iteration(t).memberships
        assert loss == pytest.approx(plain_loss(x, history.parameters[t + 1], u, 1.5), rel=1e-10)


# K-means


def test_states_converge_to_those_of_k_means_as_m_goes_to_one():
    x = sample_points(100)
    start = x[[3, 40, 70]] + 0.01
    hard = list(iterate(KMeans(3), x, start=start))
    for m, tolerance in ((1.00005, 1e-7), (1.000005, 1e-13)):
        soft = list(iterate(FuzzyCMeans(3, m=m), x, start=start))
        assert len(hard) <= len(soft) <= len(hard) + 1
        for one, other in zip(soft, hard, strict=False):
            np.testing.assert_array_equal(one.labels, other.labels)
            np.testing.assert_allclose(one.parameters, other.parameters, rtol=0, atol=10 * tolerance)
            assert one.loss == pytest.approx(other.loss, rel=tolerance)


def test_memberships_are_harder_the_closer_m_is_to_one():
    x = sample_points(100)
    start = x[[3, 40, 70]] + 0.01
    fits = [fit(FuzzyCMeans(3, m=m), x, start=start) for m in (1.01, 1.5, 2, 4)]
    hardness = [np.square(last.assignment.memberships).sum(axis=1).mean() for last in fits]
    assert hardness == sorted(hardness, reverse=True)
    assert hardness[0] > 0.99


# properties


@examples(60)
@given(seed=st.integers(0, 10_000), n=st.integers(2, 40), d=st.integers(1, 4), m=st.sampled_from([1.05, 1.5, 2.0, 5.0]))
def test_memberships_sum_to_one_and_the_loss_never_rises(seed, n, d, m):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)).round(int(rng.integers(0, 3)))  # with duplicates
    history = History.record(FuzzyCMeans(min(3, n), m=m, init="random"), x, rng=seed, max_iter=40)
    assert not any(notice.name == LOSS_ROSE for notices in history.notices for notice in notices)
    steps = np.array([state.loss for state in history.states[1:]])
    assert (np.diff(steps) <= 1e-9 * steps[:-1] + 1e-12).all()
    np.testing.assert_allclose(history.last.assignment.memberships.sum(axis=1), 1)
    assert np.isfinite(history.last.parameters).all()


def test_a_common_offset_does_not_change_the_result():
    x, offset = sample_points(60), 1e6
    start = x[:3] + 0.1
    one = fit(FuzzyCMeans(3), x, start=start, max_iter=10)
    other = fit(FuzzyCMeans(3), x + offset, start=start + offset, max_iter=10)
    np.testing.assert_allclose(other.parameters - offset, one.parameters, atol=1e-7)
    assert other.loss == pytest.approx(one.loss, rel=1e-7)


def test_three_groups_are_found_from_any_seed():
    data = three_gaussians(150, np.random.default_rng(0))
    for seed in range(5):
        assert adjusted_rand_index(fit(FuzzyCMeans(3), data.points, rng=seed).labels, data.labels) > 0.95


def test_chunked_computation_matches_plain_loops(monkeypatch):
    monkeypatch.setattr("clustering.fuzzy_c_means.CHUNK", 16)
    x = sample_points(50)
    centers = x[:3] + 0.1
    one, other = iterate(FuzzyCMeans(3), x, start=centers, max_iter=1)
    u = plain_memberships(x, centers, 2.0)
    np.testing.assert_allclose(one.assignment.memberships, u, rtol=1e-9)
    np.testing.assert_allclose(one.assignment.masses, np.square(u).sum(axis=0), rtol=1e-9)
    np.testing.assert_allclose(other.parameters, plain_centers(x, u, 2.0), rtol=1e-9)


# results and arguments


def test_new_points_are_assigned_to_their_largest_membership():
    x = sample_points(100)
    process = FuzzyCMeans(3)
    centers = fit(process, x, rng=0).parameters
    new = np.random.default_rng(1).normal(size=(50, 2), scale=5)
    shares = process.memberships(centers, new)
    np.testing.assert_allclose(shares, plain_memberships(new, centers, 2.0), rtol=1e-9)
    assert process.predict(centers, new).tolist() == shares.argmax(axis=1).tolist()


def test_coinciding_centers_give_a_notice():
    last = fit(FuzzyCMeans(3), np.random.default_rng(0).normal(size=(200, 20)), rng=1)
    (notice,) = [notice for notice in last.notices if notice.name == COINCIDING_CENTERS]
    assert "have the same center" in notice.sentence
    assert not fit(FuzzyCMeans(3), sample_points(), rng=1).notices


def test_a_cluster_without_points_keeps_its_center_and_gives_a_notice():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        last = fit(FuzzyCMeans(2, m=1.0005), [[0.0], [1.0], [2.0]], start=[[1.0], [90.0]])
    assert last.parameters[1].tolist() == [90.0]
    assert [notice.name for notice in last.notices] == [EMPTY_CLUSTER]


@pytest.mark.parametrize("m", [1.0, 0.5, np.inf, np.nan])
def test_m_must_be_above_one(m):
    with pytest.raises(ValueError, match="m must be a finite number above 1"):
        FuzzyCMeans(3, m=m)


@pytest.mark.parametrize(
    ("start", "message"),
    [([[0.0, 0.0]], r"start must be centers of shape \(3, 2\), got \(1, 2\)"), ([[np.nan] * 2] * 3, "start")],
)
def test_a_start_of_the_wrong_shape_is_rejected(start, message):
    with pytest.raises(ValueError, match=message):
        iterate(FuzzyCMeans(3), sample_points(), start=start)


def test_more_clusters_than_points_are_rejected():
    with pytest.raises(ValueError, match=r"k must lie in 1\.\.n"):
        iterate(FuzzyCMeans(5), sample_points(4))


def test_the_same_seed_gives_the_same_run():
    one, other = (fit(FuzzyCMeans(3, init="random"), sample_points(), rng=4) for _ in range(2))
    np.testing.assert_array_equal(one.parameters, other.parameters)

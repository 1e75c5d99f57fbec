"""Weights of rows in K-means and Gaussian mixtures, compared with repeated rows and with scikit-learn."""

import numpy as np
import pytest
import sklearn.cluster
from numpy.testing import assert_allclose, assert_array_equal

from clustering import (
    DBSCAN,
    FuzzyCMeans,
    GaussianMixture,
    History,
    KMeans,
    MiniBatchKMeans,
    StudentMixture,
    VariationalMixture,
    WeightedPoints,
    fit,
    iterate,
    restarts,
    tree_of_points,
)
from clustering.mixture import COVARIANCES
from clustering.seeding import weighted_random_rows

K = 3


def table(n=80, d=2, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) + 4 * rng.integers(0, K, size=(n, 1))


def frequencies(n, seed=1):
    """Integers from 0 to 4, with zeros."""
    return np.random.default_rng(seed).integers(0, 5, size=n)


POINTS, WEIGHTS = table(), frequencies(80)
START = POINTS[[0, 1, 2]]


def states(process, points, weights=None, **options):
    return list(iterate(process, points if weights is None else WeightedPoints(points, weights), **options))


def assert_equal_runs(process, points, weights, start, rtol=1e-9, **options):
    """The run with weights equals the run with repeated rows in each state."""
    weighted = states(process, points, weights, start=start, **options)
    repeated = states(process, np.repeat(points, weights, axis=0), start=start, **options)
    assert len(weighted) == len(repeated)
    for one, other in zip(weighted, repeated, strict=True):
        assert_allclose(one.loss, other.loss, rtol=rtol)
        for part, expected in zip(parts(one.parameters), parts(other.parameters), strict=True):
            assert_allclose(part, expected, rtol=100 * rtol, atol=rtol)
        assert_array_equal(np.repeat(one.labels, weights), other.labels)
        assert_allclose(one.assignment.sizes, other.assignment.sizes, rtol=100 * rtol)
    assert weighted[-1].converged == repeated[-1].converged
    return weighted


def parts(parameters):
    return parameters if isinstance(parameters, tuple) else (parameters,)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_weighted_k_means_equals_k_means_of_repeated_rows(d):
    points = table(d=d)
    assert len(assert_equal_runs(KMeans(5), points, WEIGHTS, points[:5])) > 2


@pytest.mark.parametrize("d", [2, 5])
@pytest.mark.parametrize("covariance", COVARIANCES)
def test_a_weighted_mixture_equals_the_mixture_of_repeated_rows(covariance, d):
    points = table(d=d)
    assert len(assert_equal_runs(GaussianMixture(K, covariance), points, WEIGHTS, points[:K], max_iter=40)) > 3


def test_a_weighted_mixture_of_tight_groups_far_apart_equals_that_of_repeated_rows():
    points = table() * 0.02 + 1000.0 * (np.arange(80)[:, None] % 2)  # too imprecise for products of coordinates
    process = GaussianMixture(2, floor=0.0)
    weighted = assert_equal_runs(process, points, WEIGHTS, points[[1, 2]], rtol=1e-6, max_iter=5)
    assert weighted[-1].assignment.coefficients is None


def test_a_weighted_mixture_from_labels_equals_that_of_repeated_rows():
    labels = np.arange(80) % K
    one = fit(GaussianMixture(K, init=labels), WeightedPoints(POINTS, WEIGHTS), max_iter=3)
    other = fit(GaussianMixture(K, init=np.repeat(labels, WEIGHTS)), np.repeat(POINTS, WEIGHTS, axis=0), max_iter=3)
    assert_allclose(one.parameters.covariances, other.parameters.covariances, rtol=1e-9)


@pytest.mark.parametrize("process", [KMeans(K), GaussianMixture(K)])
def test_intermediate_losses_equal_those_of_repeated_rows(process):
    one = History.record(process, WeightedPoints(POINTS, WEIGHTS), start=START, max_iter=10)
    other = History.record(process, np.repeat(POINTS, WEIGHTS, axis=0), start=START, max_iter=10)
    assert_allclose(one.half_losses, other.half_losses, rtol=1e-9)
    assert_array_equal(np.repeat(one.assignment_of_iteration(1).labels, WEIGHTS), other.assignment_of_iteration(1).labels)


@pytest.mark.parametrize("process", [KMeans(K), GaussianMixture(K)])
def test_the_loss_never_rises_with_fractional_weights(process):
    weights = np.random.default_rng(3).exponential(size=80) ** 3
    losses = [state.loss for state in states(process, POINTS, weights, rng=0)]
    assert len(losses) > 2
    assert (np.diff(losses) <= 1e-12).all()


def test_weighted_k_means_equals_scikit_learn_from_the_same_start():
    weights = np.random.default_rng(2).exponential(size=80)
    ours = fit(KMeans(K), WeightedPoints(POINTS, weights), start=START)
    model = sklearn.cluster.KMeans(K, init=START, n_init=1, tol=0, algorithm="lloyd").fit(POINTS, sample_weight=weights)
    assert_array_equal(ours.labels, model.labels_)
    assert_allclose(ours.parameters, model.cluster_centers_, rtol=1e-9)
    assert_allclose(ours.loss, model.inertia_, rtol=1e-9)


def test_many_points_sorted_into_cells_equal_scikit_learn():
    points, rng = table(50_000), np.random.default_rng(4)
    weights = rng.exponential(size=len(points))
    process, data = KMeans(K), WeightedPoints(points, weights)
    prepared = process.prepare(data)
    assert prepared.cells is not None
    ours = fit(process, prepared, start=points[:K])
    model = sklearn.cluster.KMeans(K, init=points[:K], n_init=1, tol=0, algorithm="lloyd").fit(points, sample_weight=weights)
    assert_array_equal(ours.labels, model.labels_)
    assert_allclose(ours.loss, model.inertia_, rtol=1e-9)


def test_restarts_equal_separate_runs():
    data = WeightedPoints(POINTS, WEIGHTS)
    for seed, run in enumerate(restarts(KMeans(K), data, range(6))):
        assert run.last.loss == fit(KMeans(K), data, rng=seed).loss


@pytest.mark.parametrize(
    "process", [KMeans(K), KMeans(K, "maxmin"), KMeans(K, "k-means||"), GaussianMixture(K, init="random")]
)
def test_weights_of_1_give_exactly_the_results_without_weights(process):
    one, other = fit(process, WeightedPoints(POINTS, np.ones(80)), rng=0), fit(process, POINTS, rng=0)
    assert one.loss == other.loss
    assert_array_equal(one.labels, other.labels)


@pytest.mark.parametrize("process", [KMeans(K), GaussianMixture(K)])
def test_a_constant_factor_of_the_weights_changes_only_the_scale(process):
    one, other = (states(process, POINTS, factor * WEIGHTS, start=START) for factor in (1.0, 1e-12))
    assert_array_equal(one[-1].labels, other[-1].labels)
    assert_allclose(one[-1].assignment.sizes, 1e12 * other[-1].assignment.sizes, rtol=1e-9)
    assert other[-1].notices == one[-1].notices == ()


INITS = ["k-means++", "plain k-means++", "random", "maxmin", "k-means||"]


@pytest.mark.parametrize("init", INITS)
def test_rows_of_weight_0_are_never_chosen_as_initial_centers(init):
    points, weights = np.arange(20.0)[:, None], np.zeros(20)
    weights[[3, 7, 8, 15]] = [1, 5, 2, 1]
    for seed in range(10):
        start = next(iterate(KMeans(4, init), WeightedPoints(points, weights), rng=seed)).parameters
        assert sorted(start.ravel()) == [3, 7, 8, 15]


@pytest.mark.parametrize("init", INITS)
def test_the_first_center_is_drawn_with_probability_proportional_to_weight(init):
    process, data = KMeans(1, init), WeightedPoints([[0.0], [1.0], [2.0]], [1, 3, 6])
    prepared, rng = process.prepare(data), np.random.default_rng(0)
    drawn = [process.start(prepared, rng)[0, 0] for _ in range(2000)]
    assert_allclose(np.bincount(np.array(drawn, dtype=int)) / 2000, [0.1, 0.3, 0.6], atol=0.04)


def test_k_means_plus_plus_draws_proportionally_to_weight_times_squared_distance():
    process, data = KMeans(2, "plain k-means++"), WeightedPoints([[0.0], [1.0], [3.0]], [1e9, 9.0, 3.0])
    prepared, rng = process.prepare(data), np.random.default_rng(0)
    second = [process.start(prepared, rng)[1, 0] for _ in range(1000)]
    assert_allclose(np.mean(np.equal(second, 3.0)), 27 / 36, atol=0.05)


def test_rows_drawn_without_replacement_follow_the_weights_of_those_left():
    rng = np.random.default_rng(0)
    rows = np.array([weighted_random_rows(np.array([1.0, 2.0, 7.0]), 2, rng) for _ in range(4000)])
    assert_allclose((rows == [2, 1]).all(axis=1).mean(), 0.7 * 2 / 3, atol=0.03)


def test_a_row_of_weight_0_gets_a_label_but_moves_no_center():
    points, weights = [[0.0], [1.0], [10.0], [100.0]], [1, 1, 2, 0]
    state = fit(KMeans(2), WeightedPoints(points, weights), start=[[0.0], [10.0]])
    assert state.parameters.tolist() == [[0.5], [10.0]]
    assert state.labels.tolist() == [0, 0, 1, 1]
    assert state.assignment.sizes.tolist() == [2, 2]
    assert state.loss == 0.5


def test_an_empty_cluster_gets_the_farthest_row_with_its_whole_weight():
    points, weights = [[-20.0], [0.0], [1.0], [5.0], [9.0]], [0, 1, 1, 2, 0]
    run = states(KMeans(2), points, weights, start=[[1.0], [12.0]], max_iter=1)
    assert run[0].assignment.sizes.tolist() == [4, 0]  # rows of weight 0 do not count
    assert run[0].notices[0].name == "empty cluster"
    assert run[1].parameters.tolist() == [[0.5], [5.0]]
    history = History.record(KMeans(2), WeightedPoints(points, weights), start=[[1.0], [12.0]])
    assert history.half_losses[0] == 0.5


def test_a_cluster_that_loses_its_weight_is_empty_in_spite_of_rounding():
    rng = np.random.default_rng(0)
    points = np.concatenate([rng.normal(size=(30, 2)), rng.normal(size=(30, 2)) + 20])
    weights = rng.exponential(size=60)
    run = states(KMeans(2), points, weights, start=[[0.0, 0.0], [10.0, 10.0]])
    far = fit(KMeans(2), WeightedPoints(points, weights), start=[[10.0, 10.0], [1e6, 1e6]], max_iter=0)
    assert far.assignment.sizes[1] == 0
    assert_allclose(run[-1].assignment.sizes.sum(), weights.sum())


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1, 2], "weights must be 3 numbers, one per point, got shape"),
        ([1, -2, 1], "weights must not be negative, but weight 1 is -2"),
        ([1, np.nan, 1], "weights must be finite, but weight 1 is nan"),
        ([1, np.inf, 1], "weights must be finite, but weight 1 is inf"),
        ([0, 0, 0], "weights must not all be 0"),
        (["a", "b", "c"], "weights must be numbers, one per point"),
        ([1e101, 1, 1], "the largest weight must lie in"),
        ([1e-101, 0, 0], "the largest weight must lie in"),
        ([1, 1, 0], r"k must lie in 1..2, the number of points with a weight above 0, got 3"),
    ],
)
@pytest.mark.parametrize("process", [KMeans(3), GaussianMixture(3)])
def test_invalid_weights_are_rejected(process, weights, message):
    with pytest.raises(ValueError, match=message):
        fit(process, WeightedPoints([[0.0], [1.0], [2.0]], weights))


def test_products_of_weights_and_squares_that_overflow_are_rejected():
    with pytest.raises(ValueError, match="multiply all weights by a constant"):
        fit(KMeans(2), WeightedPoints([[0.0], [1e140], [2e140]], [1e60, 1e60, 1e60]))


def test_a_row_of_weight_0_too_far_away_is_rejected_by_mixtures():
    with pytest.raises(ValueError, match="row 3, of weight 0, does not: leave it out"):
        fit(GaussianMixture(2), WeightedPoints([[0.0], [1.0], [2.0], [1e120]], [1, 1, 1, 0]))


def test_prepared_points_keep_their_weights_for_another_k():
    prepared = KMeans(2).prepare(WeightedPoints(POINTS, WEIGHTS))
    assert fit(KMeans(K), prepared, start=START).loss == fit(KMeans(K), WeightedPoints(POINTS, WEIGHTS), start=START).loss
    with pytest.raises(ValueError, match="the number of points with a weight above 0"):
        KMeans(80).prepare(prepared)


def test_fewer_distinct_rows_than_clusters_among_those_that_count_give_a_notice():
    data = WeightedPoints([[0.0], [0.0], [1.0], [2.0]], [1, 2, 1, 0])
    for process in (KMeans(3), GaussianMixture(3)):
        assert "distinct" in process.prepare(data).notices[0].name


@pytest.mark.parametrize(
    "process", [MiniBatchKMeans(2), StudentMixture(2), VariationalMixture(2), FuzzyCMeans(2), DBSCAN(1.0, 2)]
)
def test_other_methods_reject_weights(process):
    with pytest.raises(ValueError, match=r"does not use weights|must be without weights"):
        fit(process, WeightedPoints(POINTS, WEIGHTS))
    with pytest.raises(ValueError, match="must be without weights"):
        tree_of_points(WeightedPoints(POINTS, WEIGHTS), "average")


def test_points_on_dask_with_weights_are_rejected():
    array = pytest.importorskip("dask.array").from_array(POINTS, chunks=(40, 2))
    with pytest.raises(ValueError, match="points with weights must be in memory"):
        fit(KMeans(2), WeightedPoints(array, WEIGHTS))

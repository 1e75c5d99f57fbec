"""Simulated data: any size and dimension, the true parameters, invalid arguments."""

import numpy as np
import pytest

from clustering import GaussianMixture, Gaussians, adjusted_rand_index, check_gaussians, fit, sample_mixture, sampling

ANY_DIMENSION = {
    "round_groups": 3,
    "unequal_sizes": 3,
    "unequal_spreads": 3,
    "overlapping": 3,
    "with_outliers": 3,
    "stretched": 3,
    "deformed_groups": 3,
    "uniform": 1,
}


@pytest.mark.parametrize("d", [1, 2, 5])
@pytest.mark.parametrize("name", ANY_DIMENSION)
def test_samples_have_the_requested_shape_and_groups(name, d):
    if name in ("stretched", "deformed_groups") and d == 1:
        d = 3
    points, labels, truth = getattr(sampling, name)(100, np.random.default_rng(0), d=d)
    assert points.shape == (100, d)
    assert np.isfinite(points).all()
    assert labels.shape == (100,)
    assert set(labels.tolist()) - {-1} == set(range(ANY_DIMENSION[name]))
    assert (-1 in labels) == (name == "with_outliers")
    if truth is not None:
        assert isinstance(truth, Gaussians)
        assert truth.means.shape == (ANY_DIMENSION[name], d)
        check_gaussians(*truth)


@pytest.mark.parametrize("name", [*ANY_DIMENSION, "three_gaussians", "two_moons", "rings", "grid"])
def test_one_point_can_be_drawn_and_seeds_are_reproducible(name):
    draw = getattr(sampling, name)
    assert len(draw(1, np.random.default_rng(0)).points) == 1
    one, again, other = (draw(60, np.random.default_rng(seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.points, again.points)
    np.testing.assert_array_equal(one.labels, again.labels)
    assert not np.array_equal(one.points, other.points)


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("k", [1, 2, 3, 7])
def test_round_groups_have_the_requested_distance(k, d):
    means = sampling.round_groups(1, np.random.default_rng(0), k=k, d=d, distance=4.5).truth.means
    assert means.shape == (k, d)
    np.testing.assert_allclose(means.mean(axis=0), 0, atol=1e-12)
    if k > 1:
        np.testing.assert_allclose(np.linalg.norm(np.diff(means, axis=0), axis=1), 4.5)


def test_unequal_groups_have_the_requested_ratios():
    weights = sampling.unequal_sizes(1, np.random.default_rng(0), ratio=16).truth.weights
    np.testing.assert_allclose(weights / weights[-1], [16, 4, 1])
    covariances = sampling.unequal_spreads(1, np.random.default_rng(0), ratio=4).truth.covariances
    np.testing.assert_allclose(np.sqrt(covariances[:, 0, 0]), [2, 1, 0.5])
    values = np.linalg.eigvalsh(sampling.stretched(1, np.random.default_rng(0), ratio=5).truth.covariances)
    np.testing.assert_allclose(np.sqrt(values), np.tile([1, 5], (3, 1)))


def test_each_deformation_changes_one_property_of_the_groups():
    def truth(**deformation):
        return sampling.deformed_groups(1, np.random.default_rng(0), d=3, **deformation).truth

    plain = truth()
    np.testing.assert_allclose(plain.weights, 1 / 3)
    np.testing.assert_allclose(np.linalg.norm(np.diff(plain.means, axis=0), axis=1), 6)
    np.testing.assert_allclose(plain.covariances, np.stack([np.eye(3)] * 3), atol=1e-12)
    values, vectors = np.linalg.eigh(truth(stretch=4).covariances[0])
    np.testing.assert_allclose(np.sqrt(values), [1, 1, 4])
    np.testing.assert_allclose(np.diff(plain.means, axis=0) @ vectors[:, 2], 0, atol=1e-12)  # across the row
    weights = truth(size_ratio=16).weights
    np.testing.assert_allclose(weights / weights[-1], [16, 4, 1])
    np.testing.assert_allclose(np.sqrt(truth(spread_ratio=4).covariances[:, 0, 0]), [2, 1, 0.5])
    np.testing.assert_allclose(np.linalg.norm(np.diff(truth(distance=2.5).means, axis=0), axis=1), 2.5)
    points, labels, mixture = sampling.deformed_groups(200, np.random.default_rng(0), noise=0.25)
    assert (labels == -1).sum() == 50
    assert mixture is None
    groups, noise = points[labels >= 0], points[labels < 0]
    assert (noise >= groups.min(axis=0) - 1).all()
    assert (noise <= groups.max(axis=0) + 1).all()
    assert noise.std(axis=0) == pytest.approx((np.ptp(groups, axis=0) + 2) / np.sqrt(12), rel=0.2)


@pytest.mark.parametrize(
    "wrong", [{"d": 1}, {"d": 2.5}, {"stretch": 0}, {"size_ratio": -1}, {"spread_ratio": np.inf}, {"noise": 1}]
)
def test_impossible_deformations_are_refused(wrong):
    with pytest.raises(ValueError, match=f"^{next(iter(wrong))} must be"):
        sampling.deformed_groups(10, np.random.default_rng(0), **wrong)


@pytest.mark.parametrize(("side", "d"), [(3, 1), (4, 2), (2, 3), (1, 2)])
def test_grid_means_are_equally_spaced(side, d):
    means = sampling.grid(5, np.random.default_rng(0), side=side, d=d, distance=3.0).truth.means
    assert len(np.unique(means.round(9), axis=0)) == side**d
    np.testing.assert_allclose(means.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(np.unique(means), 3.0 * (np.arange(side) - (side - 1) / 2))


def test_mixture_samples_have_the_given_covariance():
    covariance = np.array([[4.0, 3.0], [3.0, 9.0]])
    points, labels, truth = sample_mixture(50_000, [1.0], [[100.0, -100.0]], [covariance], np.random.default_rng(0))
    np.testing.assert_allclose(np.cov(points.T), covariance, rtol=0.03)
    np.testing.assert_allclose(points.mean(axis=0), [100, -100], atol=0.06)
    np.testing.assert_array_equal(truth.covariances, [covariance])
    assert not labels.any()


def test_a_component_of_weight_zero_is_never_drawn():
    means, covariances = np.arange(3.0)[:, None], np.ones((3, 1, 1))
    dataset = sample_mixture(2000, [0.5, 0.0, 0.5], means, covariances, np.random.default_rng(0))
    assert set(dataset.labels.tolist()) == {0, 2}


def test_samples_copy_the_given_arrays():
    weights, means, covariances = np.array([0.5, 0.5]), np.zeros((2, 1)), np.ones((2, 1, 1))
    truth = sample_mixture(5, weights, means, covariances, np.random.default_rng(0)).truth
    weights[:], means[:], covariances[:] = 9, 9, 9
    np.testing.assert_array_equal(truth.weights, [0.5, 0.5])
    assert not truth.means.any()
    assert (truth.covariances == 1).all()


def test_a_fit_of_many_points_recovers_the_true_mixture():
    points, labels, truth = sampling.unequal_spreads(20_000, np.random.default_rng(0))
    state = fit(GaussianMixture(3), points, start=truth)
    np.testing.assert_allclose(state.parameters.weights, truth.weights, atol=0.02)
    np.testing.assert_allclose(state.parameters.means, truth.means, atol=0.1)
    assert adjusted_rand_index(state.labels, labels) > 0.9


def test_moons_and_rings_have_the_requested_noise():
    points, labels, _ = sampling.rings(20_000, np.random.default_rng(0), k=3, noise=0.05)
    radii = np.linalg.norm(points, axis=1) - (labels + 1)
    np.testing.assert_allclose([radii[labels == ring].std() for ring in range(3)], 0.05, rtol=0.05)
    # the number of points is proportional to the length of the ring
    np.testing.assert_allclose(np.bincount(labels) / 20_000, [1 / 6, 2 / 6, 3 / 6], atol=0.015)
    points, labels, _ = sampling.two_moons(20_000, np.random.default_rng(0), noise=0.05)
    upper = np.linalg.norm(points[labels == 0], axis=1)
    assert upper.std() == pytest.approx(0.05, rel=0.05)
    assert points[labels == 0, 1].min() > -0.4
    assert points[labels == 1, 1].max() < 0.9


@pytest.mark.parametrize(("n", "share", "outliers"), [(100, 0.0, 0), (100, 0.3, 30), (7, 0.5, 4), (1000, 0.999, 999)])
def test_outliers_have_the_requested_share_and_are_shuffled(n, share, outliers):
    points, labels, truth = sampling.with_outliers(n, np.random.default_rng(0), d=3, share=share)
    assert len(points) == n
    assert np.count_nonzero(labels == -1) == outliers
    assert truth is None
    if share == 0.3:
        assert np.ptp(np.flatnonzero(labels == -1)) > 60


def test_a_single_point_is_never_an_outlier():
    assert len(sampling.with_outliers(1, np.random.default_rng(0), share=0.9).points) == 1


@pytest.mark.parametrize(
    ("weights", "means", "covariances", "message"),
    [
        ([0.5, 0.4], [[0], [1]], np.ones((2, 1, 1)), r"weights must sum to 1, got 0.9"),
        ([1.2, -0.2], [[0], [1]], np.ones((2, 1, 1)), r"weights must not be negative, got \[1.2, -0.2\]"),
        ([np.nan, 1], [[0], [1]], np.ones((2, 1, 1)), r"weights must"),
        ([1], [[0, 0]], [[[1, 2], [2, 1]]], r"covariance 0 must be positive definite, got \[\[1.0, 2.0\]"),
        ([0.5, 0.5], [[0], [1]], [[[1]], [[-1]]], r"covariance 1 must be positive definite, got \[\[-1.0\]\]"),
        ([1], [[0, 0]], [[[1, 0.5], [0.4, 1]]], r"covariance 0 must be finite and symmetric"),
        ([1], [[0]], [[[np.inf]]], r"covariance 0 must be finite and symmetric"),
        (
            [1],
            [[0, 0]],
            [[1, 1]],
            r"weights must have shape \(1,\) and covariances \(1, 2, 2\), got \(1,\) and \(1, 2\)",
        ),
        ([1, 0], [[0]], [[[1]]], r"for means of shape \(1, 1\), weights must have shape \(1,\)"),
        ([1], [[np.inf]], [[[1]]], r"must be finite"),
    ],
)
def test_invalid_mixtures_are_rejected_with_rule_and_value(weights, means, covariances, message):
    with pytest.raises(ValueError, match=message):
        sample_mixture(5, weights, means, covariances, np.random.default_rng(0))


def test_weights_that_sum_to_one_up_to_rounding_are_accepted():
    weights = np.full(3, 0.1 + 0.2) + [0.1, 0, 0]  # sums to 1.0000000000000002
    dataset = sample_mixture(10, weights, np.zeros((3, 1)), np.ones((3, 1, 1)), np.random.default_rng(0))
    assert len(dataset.points) == 10


@pytest.mark.parametrize("name", [*ANY_DIMENSION, "three_gaussians", "two_moons", "rings", "grid"])
@pytest.mark.parametrize("n", [0, -3, 2.5])
def test_sizes_that_are_not_positive_integers_are_rejected(name, n):
    with pytest.raises(ValueError, match=rf"n must be an integer of at least 1, got {n}"):
        getattr(sampling, name)(n, np.random.default_rng(0))


@pytest.mark.parametrize("name", ANY_DIMENSION)
def test_a_dimension_below_one_is_rejected(name):
    with pytest.raises(ValueError, match=r"at least (1|2|2 dimensions), got 0$"):
        getattr(sampling, name)(5, np.random.default_rng(0), d=0)


@pytest.mark.parametrize(("name", "settings"), [("round_groups", {"k": 0}), ("unequal_sizes", {"ratio": 0.0})])
def test_invalid_settings_are_rejected(name, settings):
    with pytest.raises(ValueError, match=f"{next(iter(settings))} must"):
        getattr(sampling, name)(5, np.random.default_rng(0), **settings)

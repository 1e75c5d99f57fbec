"""Densities and responsibilities of Gaussian mixtures: SciPy, scikit-learn, integrals, marginals, distant points, KL."""

from itertools import product

import numpy as np
import pytest
import sklearn.mixture
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logsumexp
from scipy.stats import chi2, multivariate_normal, norm
from scipy.stats import entropy as scipy_entropy
from sklearn.mixture._gaussian_mixture import _compute_precision_cholesky

from clustering import (
    GaussianMixture,
    Gaussians,
    check_gaussians,
    entropies,
    entropy,
    fit,
    kl_divergence,
    sample_mixture,
    sampling,
)
from tests.core.tables import examples

KINDS = {"full": "full", "tied": "tied", "diagonal": "diag", "spherical": "spherical"}
DIMENSIONS = [1, 2, 8, 9, 20]  # above 8, LAPACK is used


def random_covariance(d, rng, low=0.1, high=10.0):
    """A covariance with standard deviations in low..high along random axes."""
    axes, _ = np.linalg.qr(rng.normal(size=(d, d)))
    covariance = (axes * np.geomspace(low, high, d) ** 2) @ axes.T
    return (covariance + covariance.T) / 2


def random_mixture(k, d, seed):
    rng = np.random.default_rng(seed)
    return check_gaussians(
        rng.dirichlet(np.full(k, 3.0)), 5 * rng.normal(size=(k, d)), [random_covariance(d, rng) for _ in range(k)]
    )


def points_near_and_far(gaussians, n, seed):
    """Points of the mixture, and some far away from it."""
    rng = np.random.default_rng(seed)
    points = sample_mixture(n, *gaussians, rng).points
    return np.vstack([points, points[: n // 4] * 30])


def scipy_log_joint(gaussians, points):
    """(n, k) log joint densities by SciPy."""
    densities = [multivariate_normal(m, c).logpdf(points) for m, c in zip(*gaussians[1:], strict=True)]
    return np.log(gaussians.weights) + np.stack(densities, axis=1).reshape(len(points), -1)


def two_spherical(distance=2.0, d=2):
    """Two components of unit variance and equal weight, at -distance/2 and distance/2 on the first axis."""
    means = np.zeros((2, d))
    means[:, 0] = [-distance / 2, distance / 2]
    return Gaussians(np.array([0.5, 0.5]), means, np.stack([np.eye(d)] * 2))


def sklearn_mixture(gaussians, covariance="full"):
    """The mixture of scikit-learn with these parameters."""
    kind = KINDS[covariance]
    peer = sklearn.mixture.GaussianMixture(len(gaussians.weights), covariance_type=kind)
    peer.weights_, peer.means_, covariances = gaussians
    peer.covariances_ = {
        "full": covariances,
        "tied": covariances[0],
        "diag": np.diagonal(covariances, axis1=1, axis2=2),
        "spherical": covariances[:, 0, 0],
    }[kind]
    peer.precisions_cholesky_ = _compute_precision_cholesky(peer.covariances_, kind)
    return peer


# by hand


def test_two_components_on_a_line_by_hand():
    # the log ratio of the densities of N(1, 1) and N(-1, 1) at x is 2 x
    x = np.array([-2.0, 0.0, 0.5, 3.0])
    mixture = two_spherical(d=1)
    np.testing.assert_allclose(mixture.responsibilities(x[:, None])[:, 1], expit(2 * x), rtol=1e-13)
    np.testing.assert_allclose(mixture.density(x[:, None]), (norm.pdf(x + 1) + norm.pdf(x - 1)) / 2, rtol=1e-13)


@pytest.mark.parametrize("d", DIMENSIONS)
def test_log_density_at_the_mean_of_one_gaussian_by_hand(d):
    rng = np.random.default_rng(d)
    mean, covariance = rng.normal(size=d), random_covariance(d, rng)
    one = Gaussians(np.ones(1), mean[None], covariance[None])
    expected = -0.5 * np.linalg.slogdet(2 * np.pi * covariance)[1]
    np.testing.assert_allclose(one.log_density(mean[None]), [expected], rtol=1e-12)
    np.testing.assert_array_equal(one.responsibilities(rng.normal(size=(5, d)) * 100), np.ones((5, 1)))


def test_shapes_of_results():
    mixture = random_mixture(3, 2, 0)
    for n in (1, 2, 7):
        points = np.ones((n, 2))
        assert mixture.log_joint(points).shape == mixture.responsibilities(points).shape == (n, 3)
        assert mixture.log_density(points).shape == mixture.density(points).shape == (n,)


def test_integers_and_lists_are_accepted_as_points():
    mixture = random_mixture(3, 2, 0)
    expected = mixture.log_joint(np.array([[1.0, 2.0], [3.0, -4.0]]))
    np.testing.assert_array_equal(mixture.log_joint([[1, 2], [3, -4]]), expected)
    np.testing.assert_array_equal(mixture.log_joint(np.array([[1, 2], [3, -4]], dtype=np.int8)), expected)
    np.testing.assert_array_equal(mixture.log_joint(np.asfortranarray([[1.0, 2.0], [3.0, -4.0]])), expected)


# against SciPy and scikit-learn


@pytest.mark.parametrize("d", DIMENSIONS)
@pytest.mark.parametrize("k", [1, 4])
def test_log_densities_match_scipy(d, k):
    mixture = random_mixture(k, d, 10 * d + k)
    points = points_near_and_far(mixture, 200, d)
    expected = scipy_log_joint(mixture, points)
    np.testing.assert_allclose(mixture.log_joint(points), expected, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(mixture.log_density(points), logsumexp(expected, axis=1), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(mixture.density(points), np.exp(logsumexp(expected, axis=1)), rtol=1e-8)


@pytest.mark.parametrize("covariance", KINDS)
@pytest.mark.parametrize(("d", "k"), [(1, 3), (2, 3), (8, 2), (9, 2), (20, 4)])
def test_predictions_for_new_points_match_scikit_learn(covariance, d, k):
    points = sampling.round_groups(100, np.random.default_rng(d), k=k, d=d, distance=3.0).points
    process = GaussianMixture(k, covariance)
    fitted = fit(process, points, rng=0, max_iter=5).parameters
    peer = sklearn_mixture(fitted, covariance)
    new = np.vstack([points, 4 * np.random.default_rng(1).normal(size=(50, d))])
    np.testing.assert_allclose(fitted.log_density(new), peer.score_samples(new), rtol=1e-9)
    np.testing.assert_allclose(fitted.responsibilities(new), peer.predict_proba(new), atol=1e-9)
    np.testing.assert_array_equal(process.predict(fitted, new), peer.predict(new))


@pytest.mark.parametrize("d", [2, 9])
def test_chunked_log_densities_match_scipy(d, monkeypatch):
    monkeypatch.setattr("clustering.gaussians.CHUNK", 64)
    mixture = random_mixture(3, d, 1)
    points = sample_mixture(1001, *mixture, np.random.default_rng(0)).points
    np.testing.assert_allclose(mixture.log_joint(points), scipy_log_joint(mixture, points), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("covariance", KINDS)
@pytest.mark.parametrize(("d", "offset"), [(1, 0.0), (2, 1e8), (8, 1e8), (9, 0.0), (9, 1e8), (20, 0.0)])
def test_responsibilities_and_loss_of_training_points_match_the_e_step(covariance, d, offset):
    points = sampling.round_groups(100, np.random.default_rng(0), k=3, d=d, distance=2.5).points + offset
    state = fit(GaussianMixture(3, covariance), points, rng=0, max_iter=4)
    tolerance = 1e-6 if offset else 1e-9
    np.testing.assert_allclose(
        state.parameters.responsibilities(points), state.assignment.responsibilities, atol=tolerance, rtol=tolerance
    )
    assert -state.parameters.log_density(points).mean() == pytest.approx(state.loss, rel=tolerance)


# integrals


def cells(low, high, m, d):
    """Midpoints (m^d, d) of the cells of a grid, and the volume of a cell."""
    line = low + (high - low) * (np.arange(m) + 0.5) / m
    return np.stack(np.meshgrid(*[line] * d, indexing="ij"), axis=-1).reshape(-1, d), ((high - low) / m) ** d


@pytest.mark.parametrize(("d", "m"), [(1, 200), (2, 80), (3, 54)])
def test_density_integrates_to_one(d, m):
    rng = np.random.default_rng(d)
    mixture = check_gaussians(
        [0.2, 0.5, 0.3], rng.uniform(-3, 3, size=(3, d)), [random_covariance(d, rng, 0.6, 1.5) for _ in range(3)]
    )
    places, volume = cells(-14, 14, m, d)
    assert mixture.density(places).sum() * volume == pytest.approx(1, abs=1e-9)


def test_mean_and_weights_follow_from_integrals_over_a_grid():
    rng = np.random.default_rng(0)
    mixture = check_gaussians([0.2, 0.8], [[-2, 1], [3, 0]], [random_covariance(2, rng, 0.6, 1.5) for _ in range(2)])
    places, volume = cells(-14, 14, 400, 2)
    masses = mixture.density(places) * volume
    np.testing.assert_allclose(masses @ places, mixture.weights @ mixture.means, atol=1e-9)
    np.testing.assert_allclose(masses @ mixture.responsibilities(places), mixture.weights, atol=1e-9)


@pytest.mark.parametrize("d", DIMENSIONS)
def test_points_lie_inside_ellipses_with_chi_squared_frequencies(d):
    one = random_mixture(1, d, d)
    points = sample_mixture(4000, *one, np.random.default_rng(d)).points
    squares = 2 * (one.log_density(one.means) - one.log_density(points))
    for probability in (0.1, 0.5, 0.9):
        inside = np.mean(squares < chi2(d).ppf(probability))
        assert abs(inside - probability) < 4.5 * np.sqrt(probability * (1 - probability) / 4000)


# distant points


@pytest.mark.parametrize("d", DIMENSIONS)
@pytest.mark.parametrize("sigmas", [10, 40, 1e3, 1e6, 1e9])
def test_a_distant_point_has_a_finite_log_density_and_belongs_to_the_nearer_component(d, sigmas):
    mixture = two_spherical(d=d)
    points = np.zeros((2, d))
    points[:, 0] = [sigmas, -sigmas]
    logs = mixture.log_density(points)
    assert np.isfinite(logs).all()
    np.testing.assert_allclose(
        logs, np.log(0.5) + multivariate_normal(np.zeros(d), np.eye(d)).logpdf(points[0] - mixture.means[1])
    )
    np.testing.assert_allclose(mixture.responsibilities(points), [[0, 1], [1, 0]], atol=1e-8)
    assert (mixture.density(points) >= 0).all()
    assert mixture.density(points)[0] > 0 or sigmas >= 39  # it underflows beyond


@pytest.mark.parametrize("d", [2, 8, 9, 20])
@pytest.mark.parametrize("sigmas", [10, 1e3, 1e6, 1e8, 1e10, 1e100])
def test_an_equidistant_point_has_equal_responsibilities_at_any_distance(d, sigmas):
    points = np.zeros((2, d))
    points[:, 1] = [sigmas, -sigmas]
    shares = two_spherical(d=d).responsibilities(points)
    np.testing.assert_allclose(shares, 0.5, rtol=1e-12)


@examples(60)
@given(
    k=st.integers(1, 5),
    d=st.sampled_from(DIMENSIONS),
    seed=st.integers(0, 10_000),
    distance=st.sampled_from([1.0, 10.0, 1e3, 1e6, 1e12]),
)
def test_responsibilities_of_any_points_sum_to_one(k, d, seed, distance):
    mixture = random_mixture(k, d, seed)
    points = distance * np.random.default_rng(seed).normal(size=(10, d))
    shares = mixture.responsibilities(points)
    assert np.isfinite(mixture.log_density(points)).all()
    assert (shares >= 0).all()
    assert (shares <= 1).all()
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-12)


# weights of zero


@pytest.mark.parametrize("d", [1, 2, 9])
def test_a_component_of_weight_zero_has_no_responsibility(d):
    mixture = random_mixture(3, d, 5)
    other = Gaussians(np.insert(mixture.weights, 1, 0.0), *(np.insert(part, 1, part[0], axis=0) for part in mixture[1:]))
    points = np.vstack([points_near_and_far(mixture, 100, 1), other.means, np.full((1, d), 1e9)])
    assert np.isfinite(other.log_joint(points)).all()
    np.testing.assert_array_equal(other.log_density(points), mixture.log_density(points))
    shares = other.responsibilities(points)
    np.testing.assert_array_equal(shares[:, 1], 0)
    np.testing.assert_array_equal(np.delete(shares, 1, axis=1), mixture.responsibilities(points))
    assert 1 not in GaussianMixture(4).predict(other, points)


def test_a_point_at_the_mean_of_a_zero_weight_component_belongs_to_another():
    mixture = two_spherical(1e6)._replace(weights=np.array([1.0, 0.0]))
    np.testing.assert_array_equal(mixture.responsibilities(mixture.means), [[1, 0], [1, 0]])
    assert np.isfinite(mixture.log_density(mixture.means)).all()


# properties


@pytest.mark.parametrize("d", DIMENSIONS)
@pytest.mark.parametrize(("scale", "offset"), [(1e-9, 0.0), (1e9, 0.0), (1.0, 1e6)])
def test_densities_scale_with_volume_and_responsibilities_do_not_change(d, scale, offset):
    mixture = random_mixture(3, d, d)
    points = points_near_and_far(mixture, 60, 0)
    other = Gaussians(mixture.weights, mixture.means * scale + offset, mixture.covariances * scale**2)
    moved = points * scale + offset
    tolerance = 1e-5 if offset else 1e-9
    np.testing.assert_allclose(
        other.log_density(moved), mixture.log_density(points) - d * np.log(scale), rtol=tolerance, atol=tolerance
    )
    np.testing.assert_allclose(other.responsibilities(moved), mixture.responsibilities(points), atol=tolerance)


@pytest.mark.parametrize("d", [2, 9])
def test_results_do_not_depend_on_the_order_of_components_points_and_columns(d):
    mixture = random_mixture(4, d, 3)
    points = points_near_and_far(mixture, 50, 0)
    expected = mixture.responsibilities(points)
    rng = np.random.default_rng(0)
    components, rows, columns = rng.permutation(4), rng.permutation(len(points)), rng.permutation(d)
    other = Gaussians(
        mixture.weights[components],
        mixture.means[components][:, columns],
        mixture.covariances[components][:, columns][:, :, columns],
    )
    permuted = points[rows][:, columns]
    np.testing.assert_allclose(other.responsibilities(permuted), expected[rows][:, components], atol=1e-10)
    np.testing.assert_allclose(other.log_density(permuted), mixture.log_density(points)[rows], rtol=1e-10)


def test_splitting_a_component_in_two_does_not_change_the_density():
    mixture = random_mixture(2, 3, 0)
    halves = Gaussians(np.repeat(mixture.weights / 2, 2), *(np.repeat(part, 2, axis=0) for part in mixture[1:]))
    points = points_near_and_far(mixture, 50, 0)
    np.testing.assert_allclose(halves.log_density(points), mixture.log_density(points), rtol=1e-12)
    np.testing.assert_allclose(halves.responsibilities(points), np.repeat(mixture.responsibilities(points) / 2, 2, axis=1))


@pytest.mark.parametrize("d", DIMENSIONS)
@pytest.mark.parametrize("n", [1, 50])
def test_arguments_are_not_modified(d, n):
    mixture = random_mixture(3, d, 0)
    points, axes, origin = np.random.default_rng(0).normal(size=(n, d)), np.eye(d)[:1], np.ones(d)
    arrays = [*mixture, points, axes, origin]
    before = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    mixture.log_density(points), mixture.density(points), mixture.responsibilities(points)
    mixture.project(axes, origin)
    kl_divergence(mixture.means[0], mixture.covariances[0], mixture.means[1], mixture.covariances[1])
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)


# projections


@pytest.mark.parametrize(("d", "columns"), [(2, [0]), (3, [2, 0]), (9, [4]), (20, [1, 19, 7])])
def test_projection_on_columns_is_the_marginal(d, columns):
    mixture = random_mixture(3, d, d)
    projected = mixture.project(np.eye(d)[columns], np.zeros(d))
    points = points_near_and_far(mixture, 100, 0)[:, columns]
    densities = [
        weight * multivariate_normal(mean[columns], covariance[np.ix_(columns, columns)]).pdf(points)
        for weight, mean, covariance in zip(*mixture, strict=True)
    ]
    np.testing.assert_allclose(projected.density(points), np.sum(densities, axis=0), rtol=1e-9)
    check_gaussians(*projected)


def test_the_marginal_is_the_integral_over_the_other_column():
    rng = np.random.default_rng(0)
    mixture = check_gaussians([0.4, 0.6], [[-2, 1], [2, 0]], [random_covariance(2, rng, 0.5, 1.5) for _ in range(2)])
    width = 0.05
    line = np.arange(-15, 15, width)
    projected = mixture.project([[1.0, 0.0]], [0.0, 0.0])
    for x in (-3.0, 0.1, 2.5):
        integral = mixture.density(np.column_stack([np.full_like(line, x), line])).sum() * width
        np.testing.assert_allclose(projected.density([[x]]), integral, rtol=1e-9)


def test_projection_on_all_rotated_axes_preserves_the_density():
    mixture = random_mixture(3, 5, 0)
    rng = np.random.default_rng(0)
    axes, _ = np.linalg.qr(rng.normal(size=(5, 5)))
    origin = rng.normal(size=5)
    points = points_near_and_far(mixture, 60, 0)
    projected = mixture.project(axes, origin)
    coordinates = (points - origin) @ axes.T
    np.testing.assert_allclose(projected.log_density(coordinates), mixture.log_density(points), rtol=1e-9)
    np.testing.assert_allclose(projected.responsibilities(coordinates), mixture.responsibilities(points), atol=1e-9)


def test_projected_samples_have_the_moments_of_the_projected_mixture():
    mixture = random_mixture(2, 6, 1)
    rng = np.random.default_rng(1)
    axes, origin = rng.normal(size=(2, 6)), rng.normal(size=6)
    points, labels, _ = sample_mixture(20_000, *mixture, rng)
    projected = mixture.project(axes, origin)
    for i in range(2):
        members = (points[labels == i] - origin) @ axes.T
        errors = np.sqrt(np.diagonal(projected.covariances[i]) / len(members))
        assert (np.abs(members.mean(axis=0) - projected.means[i]) < 4.5 * errors).all()
        largest = np.abs(projected.covariances[i]).max()
        np.testing.assert_allclose(np.cov(members.T) / largest, projected.covariances[i] / largest, atol=0.06)


# samples from a fit


@pytest.mark.parametrize("covariance", KINDS)
def test_samples_from_a_fit_have_its_weights_means_and_covariances(covariance, table):
    points = table("iris", 4)
    fitted = fit(GaussianMixture(3, covariance), points, rng=0).parameters
    n = 30_000
    samples, labels, truth = sample_mixture(n, *fitted, np.random.default_rng(1))
    np.testing.assert_array_equal(truth.means, fitted.means)
    for i, (weight, mean, expected) in enumerate(zip(*fitted, strict=True)):
        members = samples[labels == i]
        assert abs(len(members) / n - weight) < 4.5 * np.sqrt(weight * (1 - weight) / n)
        deviations = np.sqrt(np.diagonal(expected))
        assert (np.abs(members.mean(axis=0) - mean) < 4.5 * deviations / np.sqrt(len(members))).all()
        # the standard error of a covariance of unit variances is at most sqrt(2 / n)
        differences = (np.cov(members.T) - expected) / np.outer(deviations, deviations)
        assert np.abs(differences).max() < 5 * np.sqrt(2 / len(members))


def test_mean_log_density_of_samples_from_a_gaussian_is_its_negative_entropy():
    one = random_mixture(1, 3, 0)
    samples = sample_mixture(20_000, *one, np.random.default_rng(0)).points
    expected = -multivariate_normal(one.means[0], one.covariances[0]).entropy()
    assert one.log_density(samples).mean() == pytest.approx(expected, abs=4.5 * np.sqrt(3 / 2 / 20_000))


@pytest.mark.parametrize("covariance", KINDS)
def test_collapsed_mixtures_can_be_sampled(covariance):
    rng = np.random.default_rng(0)
    line = rng.normal(size=(30, 1))
    points = np.vstack([np.hstack([line, 2 * line, np.full((30, 1), 5.0)]), np.repeat(rng.normal(size=(1, 3)), 10, axis=0)])
    fitted = fit(GaussianMixture(3, covariance), points, rng=0, max_iter=40).parameters
    samples = sample_mixture(500, *fitted, rng).points
    assert np.isfinite(samples).all()
    assert np.isfinite(fitted.log_density(samples)).all()
    np.testing.assert_allclose(fitted.responsibilities(points).sum(axis=1), 1, rtol=1e-9)


# invalid points


@pytest.mark.parametrize("function", ["log_joint", "log_density", "density", "responsibilities"])
@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([[1.0]], "points must have 2 columns, as the means do, got 1"),
        (np.zeros((4, 3)), "points must have 2 columns, as the means do, got 3"),
        ([1.0, 2.0], r"points must have two dimensions \(n, d\), got 1"),
        (np.zeros((0, 2)), r"at least one row and one column, got shape \(0, 2\)"),
        ([[1.0, np.nan]], "points must be finite, but row 0, column 1 is nan"),
        ([[0.0, 1.0], [np.inf, 1.0]], "points must be finite, but row 1, column 0 is inf"),
        ([[1.0, 1e151]], r"points must not exceed 1e\+150"),
        ([["a", "b"]], "points must be numbers"),
    ],
)
def test_invalid_points_are_rejected(function, points, message):
    with pytest.raises(ValueError, match=message):
        getattr(random_mixture(2, 2, 0), function)(points)


# Kullback-Leibler divergence


def kl_by_inverses_and_determinants(mean_a, covariance_a, mean_b, covariance_b):
    inverse, difference = np.linalg.inv(covariance_b), np.subtract(mean_b, mean_a)
    log_ratio = np.linalg.slogdet(covariance_b)[1] - np.linalg.slogdet(covariance_a)[1]
    return (np.trace(inverse @ covariance_a) + difference @ inverse @ difference - len(difference) + log_ratio) / 2


def two_gaussians(d, seed, low=0.3, high=3.0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=d), random_covariance(d, rng, low, high), rng.normal(size=d), random_covariance(d, rng, low, high)


@pytest.mark.parametrize(("m", "s", "t"), [(0.0, 1.0, 2.0), (1.0, 1.0, 1.0), (3.0, 0.1, 5.0), (-2.0, 7.0, 0.5)])
def test_kl_of_univariate_gaussians_by_hand(m, s, t):
    expected = np.log(t / s) + (s**2 + m**2) / (2 * t**2) - 1 / 2
    assert kl_divergence([0.0], [[s**2]], [m], [[t**2]]) == pytest.approx(expected, rel=1e-12)


def test_kl_of_equal_covariances_is_half_the_squared_distance():
    assert kl_divergence([0, 0], np.eye(2), [3, 4], np.eye(2)) == pytest.approx(25 / 2, rel=1e-14)
    assert kl_divergence([0, 0], 4 * np.eye(2), [3, 4], 4 * np.eye(2)) == pytest.approx(25 / 8, rel=1e-14)


@pytest.mark.parametrize("d", DIMENSIONS)
def test_kl_of_equal_means_depends_on_the_ratio_of_scales(d):
    rng = np.random.default_rng(d)
    mean, covariance = rng.normal(size=d), random_covariance(d, rng)
    expected = d * (4 - 1 - np.log(4)) / 2
    assert kl_divergence(mean, 4 * covariance, mean, covariance) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("seed", range(4))
def test_kl_equals_the_integral_in_its_definition(seed):
    rng = np.random.default_rng(seed)
    (m, n), (s, t) = rng.normal(size=2), rng.uniform(0.5, 2, size=2)
    a, b = norm(m, s), norm(n, t)
    x, width = np.linspace(m - 12 * s, m + 12 * s, 2001, retstep=True)
    expected = (a.pdf(x) * (a.logpdf(x) - b.logpdf(x))).sum() * width
    assert kl_divergence([m], [[s**2]], [n], [[t**2]]) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("d", DIMENSIONS)
@pytest.mark.parametrize("seed", range(3))
def test_kl_matches_inverses_and_determinants(d, seed):
    pair = two_gaussians(d, seed)
    assert kl_divergence(*pair) == pytest.approx(kl_by_inverses_and_determinants(*pair), rel=1e-10)


def test_kl_is_the_mean_difference_of_log_densities():
    mean_a, covariance_a, mean_b, covariance_b = two_gaussians(3, 1, 0.7, 1.4)
    a, b = (Gaussians(np.ones(1), m[None], c[None]) for m, c in ((mean_a, covariance_a), (mean_b, covariance_b)))
    samples = sample_mixture(40_000, *a, np.random.default_rng(0)).points
    differences = a.log_density(samples) - b.log_density(samples)
    error = differences.std() / np.sqrt(len(samples))
    assert abs(kl_divergence(mean_a, covariance_a, mean_b, covariance_b) - differences.mean()) < 4.5 * error


@pytest.mark.parametrize("d", DIMENSIONS)
@pytest.mark.parametrize("scale", [1e-100, 1e-9, 1.0, 1e9, 1e100])
def test_kl_of_a_gaussian_with_itself_is_zero(d, scale):
    rng = np.random.default_rng(d)
    mean, covariance = scale * rng.normal(size=d), scale**2 * random_covariance(d, rng, 1e-4, 1e4)
    assert kl_divergence(mean, covariance, mean, covariance) == pytest.approx(0, abs=1e-12)


@examples(100)
@given(
    d=st.integers(1, 12),
    seed=st.integers(0, 10_000),
    difference=st.sampled_from([1.0, 1e-3, 1e-8, 1e-12, 0.0]),
    ratio=st.sampled_from([1.0, 30.0, 1e3]),
)
def test_kl_is_never_negative(d, seed, difference, ratio):
    rng = np.random.default_rng(seed)
    covariance = random_covariance(d, rng, 1 / ratio, ratio)
    other = covariance * (1 + difference * rng.uniform(-0.5, 0.5))
    divergence = kl_divergence(np.zeros(d), covariance, difference * rng.normal(size=d) / ratio, other)
    assert 0 <= divergence < np.inf


@examples(60)
@given(
    d=st.integers(1, 12),
    seed=st.integers(0, 10_000),
    offset=st.sampled_from([0.0, 1e4]),
    scale=st.sampled_from([1e-6, 1.0, 1e6]),
)
def test_kl_is_invariant_under_affine_maps(d, seed, offset, scale):
    mean_a, covariance_a, mean_b, covariance_b = two_gaussians(d, seed)
    rng = np.random.default_rng(seed + 1)
    left, right = (np.linalg.qr(rng.normal(size=(d, d)))[0] for _ in range(2))
    transform = scale * (left * np.geomspace(0.2, 5, d)) @ right

    def moved(mean, covariance):
        image = transform @ covariance @ transform.T
        return transform @ mean + scale * offset, (image + image.T) / 2

    other = kl_divergence(*moved(mean_a, covariance_a), *moved(mean_b, covariance_b))
    assert other == pytest.approx(kl_divergence(mean_a, covariance_a, mean_b, covariance_b), rel=1e-7)


def test_kl_is_not_symmetric():
    narrow, wide = ([0.0], [[1.0]]), ([0.0], [[100.0]])
    assert kl_divergence(*wide, *narrow) > 10 * kl_divergence(*narrow, *wide)


def test_kl_is_additive_over_independent_columns():
    pairs = [two_gaussians(1, seed) for seed in range(4)]
    mean_a, covariance_a, mean_b, covariance_b = (np.array(parts).ravel() for parts in zip(*pairs, strict=True))
    total = kl_divergence(mean_a, np.diag(covariance_a), mean_b, np.diag(covariance_b))
    assert total == pytest.approx(sum(kl_divergence(*pair) for pair in pairs), rel=1e-12)


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(
    ("mean", "covariance", "message"),
    [
        ([0.0], [[1.0]], r"both Gaussians must have the same dimension, got [12] and [12]"),
        ([0.0, 0.0], [[1.0]], r"covariances \(1, 2, 2\), got"),
        ([0.0, 0.0], [1.0, 1.0], r"covariances \(1, 2, 2\), got"),
        ([0.0, 0.0], [[1.0, 2.0], [2.0, 1.0]], "covariance 0 must be positive definite"),
        ([0.0, 0.0], np.zeros((2, 2)), "covariance 0 must be positive definite"),
        ([0.0, 0.0], [[1.0, 0.5], [0.0, 1.0]], "covariance 0 must be finite and symmetric"),
        ([0.0, 0.0], [[np.nan, 0.0], [0.0, 1.0]], "covariance 0 must be finite and symmetric"),
        ([0.0, np.nan], np.eye(2), "means must be finite"),
        (0.0, np.eye(2), r"means must have two dimensions \(n, d\), got 1"),
    ],
)
def test_invalid_gaussians_are_rejected(mean, covariance, message, swapped):
    pair = [(mean, covariance), ([1.0, 2.0], np.eye(2))]
    one, other = pair[::-1] if swapped else pair
    with pytest.raises(ValueError, match=message):
        kl_divergence(*one, *other)


# entropies of responsibilities


def test_entropies_by_hand():
    expected = [np.log(2), 0, np.log(4) - 0.75 * np.log(3)]
    np.testing.assert_allclose(entropies([[0.5, 0.5], [1, 0], [0.25, 0.75]]), expected, rtol=1e-14)
    for k in (1, 2, 5, 100):
        np.testing.assert_allclose(entropies(np.full((3, k), 1 / k)), np.full(3, np.log(k)), rtol=1e-13, atol=1e-15)


@examples(60)
@given(k=st.integers(1, 8), seed=st.integers(0, 10_000), concentration=st.sampled_from([1e-3, 0.1, 1.0, 100.0]))
def test_entropies_match_scipy_and_lie_between_zero_and_log_k(k, seed, concentration):
    shares = np.random.default_rng(seed).dirichlet(np.full(k, concentration), size=20)
    actual = entropies(shares)
    np.testing.assert_allclose(actual, scipy_entropy(shares, axis=1), rtol=1e-10, atol=1e-12)
    assert (actual > -1e-15).all()
    assert (actual <= np.log(k) + 1e-12).all()
    assert entropy(shares) == pytest.approx(actual.sum(), rel=1e-13)


def test_entropy_of_certain_assignments_is_positive_zero():
    assert [str(value) for value in entropies(np.eye(3))] == ["0.0"] * 3
    assert entropies(np.zeros((0, 3))).shape == (0,)


def test_the_most_uncertain_point_is_midway_between_two_components():
    line = np.linspace(-4, 4, 81)
    actual = entropies(two_spherical(d=1).responsibilities(line[:, None]))
    assert line[actual.argmax()] == pytest.approx(0, abs=1e-12)
    assert actual.max() == pytest.approx(np.log(2), rel=1e-12)
    assert (np.diff(actual[:41]) > 0).all()
    np.testing.assert_allclose(actual, actual[::-1], rtol=1e-10)


@pytest.mark.parametrize("sigmas", [1e3, 1e6, 1e9])
def test_entropies_of_distant_points_are_finite(sigmas):
    points = np.array([*product([-sigmas, 0.0, sigmas], repeat=2)])
    mixture = two_spherical()
    expected = np.where(points[:, 0] == 0, np.log(2), 0)
    np.testing.assert_allclose(entropies(mixture.responsibilities(points)), expected, atol=1e-9)


@pytest.mark.parametrize(
    ("shares", "message"),
    [
        ([0.5, 0.5], r"responsibilities must have two dimensions \(n, k\), got 1"),
        ([[1, 0], [0.5, 0.6]], r"at least 0 and sum to 1 in each row, but row 1 is \[0\.5, 0\.6\]"),
        ([[1.5, -0.5]], r"but row 0 is \[1\.5, -0\.5\]"),
        ([[1, 0], [np.nan, 1]], r"but row 1 is \[nan, 1\.0\]"),
        ([[np.inf, 0]], r"but row 0 is \[inf, 0\.0\]"),
        (np.zeros((2, 0)), r"but row 0 is \[\]"),
    ],
)
def test_invalid_responsibilities_are_rejected(shares, message):
    with pytest.raises(ValueError, match=message):
        entropies(shares)

"""The bootstrap of a mixture: closed forms for one component, seeds, initialization, callbacks, errors."""

import itertools
from functools import cache

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import kurtosis

from clustering import GaussianMixture, Gaussians, bootstrap, fit, sample_mixture, sampling, three_gaussians

COVARIANCES = ("full", "tied", "diagonal", "spherical")


@cache
def fitted(k=3, covariance="full", n=90, seed=0):
    points = three_gaussians(n, np.random.default_rng(seed)).points
    process = GaussianMixture(k, covariance)
    return process, points, fit(process, points, rng=seed).parameters


def assert_same(one, other):
    for actual, desired in zip(one, other, strict=True):
        np.testing.assert_array_equal(actual, desired)


# closed forms for one component


@pytest.mark.parametrize(("d", "offset"), [(1, 0.0), (3, 1e6)])
def test_standard_error_of_the_mean_is_the_standard_deviation_over_root_n(d, offset):
    n, m = 40, 150
    points = np.random.default_rng(d).normal(size=(n, d)) * np.geomspace(1, 50, d) + offset
    process = GaussianMixture(1)
    parameters = fit(process, points, rng=0).parameters
    means = np.stack([one.means[0] for one in bootstrap(process, points, parameters, range(m))])
    expected = points.std(axis=0) / np.sqrt(n)
    # the standard deviation of m numbers has a relative standard error of 1 / sqrt(2 m)
    np.testing.assert_allclose(means.std(axis=0), expected, rtol=4.5 / np.sqrt(2 * m))
    assert (np.abs(means.mean(axis=0) - points.mean(axis=0)) < 4.5 * expected / np.sqrt(m)).all()


def test_standard_error_of_the_variance_follows_from_the_fourth_moment():
    n, m = 100, 200
    points = np.random.default_rng(0).normal(size=(n, 1))
    process = GaussianMixture(1)
    parameters = fit(process, points, rng=0).parameters
    variances = np.array([one.covariances[0, 0, 0] for one in bootstrap(process, points, parameters, range(m))])
    variance = points.var()
    # Var(s^2) = (m4 - m2^2) / n, to first order
    expected = variance * np.sqrt((kurtosis(points.ravel(), fisher=False) - 1) / n)
    assert variances.std() == pytest.approx(expected, rel=0.15)
    assert variances.mean() == pytest.approx(variance * (1 - 1 / n), abs=4.5 * expected / np.sqrt(m))


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_refit_of_one_component_has_the_moments_of_the_resample(covariance):
    points = np.random.default_rng(0).normal(size=(40, 2)) @ [[2.0, 0.3], [0.0, 0.7]]
    process = GaussianMixture(1, covariance)
    parameters = fit(process, points, rng=0).parameters
    rows = np.random.default_rng(5).integers(40, size=40)
    (one,) = bootstrap(process, points, parameters, [5])
    resample = points[rows]
    expected = np.cov(resample.T, bias=True)
    if covariance == "diagonal":
        expected = expected * np.eye(2)
    elif covariance == "spherical":
        expected = np.trace(expected) / 2 * np.eye(2)
    np.testing.assert_allclose(one.means, [resample.mean(axis=0)], rtol=1e-9)
    np.testing.assert_allclose(one.covariances, [expected], rtol=1e-8, atol=1e-12)
    assert one.weights.tolist() == [1]


def test_weights_of_well_separated_components_vary_like_proportions():
    n, m = 50, 120
    start = Gaussians(np.full(2, 0.5), np.array([[-50.0], [50.0]]), np.ones((2, 1, 1)))
    points, labels, _ = sample_mixture(n, [0.3, 0.7], start.means, start.covariances, np.random.default_rng(0))
    process = GaussianMixture(2)
    parameters = fit(process, points, start=start).parameters
    fraction = np.mean(labels == 0)
    weights = np.array([one.weights[0] for one in bootstrap(process, points, parameters, range(m))])
    expected = np.sqrt(fraction * (1 - fraction) / n)
    assert weights.std() == pytest.approx(expected, rel=4.5 / np.sqrt(2 * m))
    assert weights.mean() == pytest.approx(fraction, abs=4.5 * expected / np.sqrt(m))


def test_four_times_the_points_halve_the_standard_errors():
    def error(n):
        points = three_gaussians(n, np.random.default_rng(1)).points
        process = GaussianMixture(1)
        parameters = fit(process, points, rng=0).parameters
        return np.std([one.means[0] for one in bootstrap(process, points, parameters, range(80))], axis=0)

    np.testing.assert_allclose(error(50) / error(200), 2, rtol=0.35)


# seeds


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_equal_seeds_give_equal_refits_and_more_seeds_extend_them(covariance):
    process, points, parameters = fitted(covariance=covariance)
    few, again = (list(bootstrap(process, points, parameters, range(2))) for _ in range(2))
    more = list(bootstrap(process, points, parameters, range(4)))
    assert (len(few), len(more)) == (2, 4)
    for one, other, third in zip(few, again, more[:2], strict=True):
        assert_same(one, other)
        assert_same(one, third)
    assert not np.array_equal(more[0].means, more[1].means)


def test_spawned_generators_give_the_same_refits_regardless_of_their_number():
    process, points, parameters = fitted()
    few, more = (list(bootstrap(process, points, parameters, np.random.default_rng(3).spawn(m))) for m in (3, 6))
    for one, other in zip(few, more[:3], strict=True):
        assert_same(one, other)


def test_each_refit_depends_only_on_its_own_seed():
    process, points, parameters = fitted()
    forward, backward = (list(bootstrap(process, points, parameters, seeds)) for seeds in ([1, 2, 3], [3, 2, 1]))
    for one, other in zip(forward, backward[::-1], strict=True):
        assert_same(one, other)
    (alone,) = bootstrap(process, points, parameters, [np.random.default_rng(2)])
    assert_same(alone, forward[1])


def test_a_reused_generator_gives_different_resamples():
    process, points, parameters = fitted()
    one, other = bootstrap(process, points, parameters, [np.random.default_rng(0)] * 2)
    assert not np.array_equal(one.means, other.means)


def test_refits_are_computed_lazily():
    process, points, parameters = fitted()
    endless = bootstrap(process, points, parameters, itertools.count())
    assert len(list(itertools.islice(endless, 3))) == 3
    assert list(bootstrap(process, points, parameters, [])) == []


# initialization


def test_each_refit_starts_from_the_original_fit():
    process, points, parameters = fitted()
    for seed, one in zip(range(4), bootstrap(process, points, parameters, range(4)), strict=True):
        rows = np.random.default_rng(seed).integers(len(points), size=len(points))
        assert_same(one, fit(process, points[rows], start=parameters).parameters)


def test_without_iterations_each_refit_equals_the_original_fit():
    process, points, parameters = fitted()
    for one in bootstrap(process, points, parameters, range(3), max_iter=0):
        for actual, desired in zip(one, parameters, strict=True):
            np.testing.assert_allclose(actual, desired, rtol=1e-12)


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_components_keep_their_numbers(covariance):
    process, points, parameters = fitted(covariance=covariance, n=150)
    order = np.array([2, 0, 1])
    permuted = Gaussians(*(array[order] for array in parameters))
    refits = (bootstrap(process, points, start, range(3)) for start in (parameters, permuted))
    for one, other in zip(*refits, strict=True):
        for actual, desired in zip(one, other, strict=True):
            np.testing.assert_allclose(actual[order], desired, rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(cdist(one.means, parameters.means).argmin(axis=1), np.arange(3))


def test_bootstrap_means_scatter_around_the_fit_by_their_standard_errors():
    process, points, parameters = fitted(n=300)
    means = np.stack([one.means for one in bootstrap(process, points, parameters, range(60))])
    sizes = parameters.weights * len(points)
    expected = np.sqrt(np.diagonal(parameters.covariances, axis1=1, axis2=2) / sizes[:, None])
    errors = means.std(axis=0)
    assert (errors > 0.7 * expected).all()  # rather larger than expected, because the groups overlap
    assert (errors < 2 * expected).all()
    assert (np.abs(means.mean(axis=0) - parameters.means) < errors).all()


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_each_refit_is_a_valid_mixture(covariance):
    process, points, parameters = fitted(covariance=covariance, n=60)
    for one in bootstrap(process, points, parameters, range(3)):
        assert isinstance(one, Gaussians)
        assert one.weights.sum() == pytest.approx(1, rel=1e-12)
        assert np.isfinite(sample_mixture(20, *one, np.random.default_rng(0)).points).all()


def test_arguments_are_not_modified():
    process, points, parameters = fitted(seed=1)
    arrays = [points, *parameters]
    before = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    assert len(list(bootstrap(process, points, parameters, range(3)))) == 3
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_refits_are_finite_even_if_a_resample_has_one_distinct_point():
    points = np.array([[0.0, 0.0], [1.0, 3.0]])
    process = GaussianMixture(1)
    parameters = fit(process, points, rng=0).parameters
    results = list(bootstrap(process, points, parameters, range(12)))
    means = np.stack([one.means[0] for one in results])
    assert {tuple(mean) for mean in means.round(9).tolist()} == {(0.0, 0.0), (0.5, 1.5), (1.0, 3.0)}
    assert all(np.isfinite(one.covariances).all() for one in results)


# callbacks and options


def test_on_step_receives_the_states_of_each_refit_before_it_is_yielded():
    process, points, parameters = fitted()
    seen = []
    for one in bootstrap(process, points, parameters, range(4), on_step=seen.append):
        assert [state.iteration for state in seen] == list(range(len(seen)))
        assert [state.converged for state in seen] == [False] * (len(seen) - 1) + [True]
        assert seen[-1].parameters is one
        assert seen[-1].labels.shape == (len(points),)
        seen.clear()


def test_an_exception_in_on_step_ends_the_bootstrap():
    process, points, parameters = fitted()
    seen = []

    def stop_at_three(state):
        seen.append(state)
        if len(seen) == 3:
            raise InterruptedError("stop")

    results = []
    with pytest.raises(InterruptedError, match="stop"):
        results.extend(iter(bootstrap(process, points, parameters, range(10), on_step=stop_at_three)))
    assert len(seen) == 3


def test_options_are_passed_to_iterate():
    points = sampling.overlapping(100, np.random.default_rng(0)).points
    process = GaussianMixture(3)
    parameters = fit(process, points, rng=0).parameters
    seen = []
    assert len(list(bootstrap(process, points, parameters, range(3), on_step=seen.append, max_iter=2, tol=0.0))) == 3
    assert [state.iteration for state in seen] == [0, 1, 2] * 3


# invalid arguments


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([[0.0, 1.0], [np.nan, 1.0]], "points must be finite, but row 1, column 0 is nan"),
        ([0.0, 1.0], r"points must have two dimensions \(n, d\), got 1"),
        (np.zeros((0, 2)), "points must have at least one row"),
        ([["a", "b"]], "points must be numbers"),
        ([[0.0, 1.0], [1.0, 2.0]], r"k must lie in 1\.\.n=2, got 3"),
        (
            np.random.default_rng(0).normal(size=(20, 3)),
            r"start must be 3 Gaussians in 3 dimensions, got means of shape \(3, 2\)",
        ),
    ],
)
def test_invalid_points_raise_when_the_first_refit_is_requested(points, message):
    process, _, parameters = fitted()
    refits = bootstrap(process, points, parameters, range(3))
    with pytest.raises(ValueError, match=message):
        next(refits)


def test_parameters_with_another_number_of_components_are_rejected():
    _, points, parameters = fitted()
    with pytest.raises(ValueError, match=r"start must be 2 Gaussians in 2 dimensions, got means of shape \(3, 2\)"):
        next(bootstrap(GaussianMixture(2), points, parameters, range(3)))


@pytest.mark.parametrize(
    ("options", "message"),
    [({"max_iter": -1}, "max_iter must be an integer of at least 0, got -1"), ({"tol": -1.0}, "tol must be at least 0")],
)
def test_invalid_options_are_rejected(options, message):
    process, points, parameters = fitted()
    with pytest.raises(ValueError, match=message):
        next(bootstrap(process, points, parameters, range(3), **options))

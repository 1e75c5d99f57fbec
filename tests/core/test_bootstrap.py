"""The bootstrap of a mixture: closed forms for one component, seeds, numbers of components, watching, errors."""

import itertools

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import kurtosis

from clustering import GaussianMixture, Gaussians, bootstrap, fit, sample_mixture, sampling, three_gaussians

COVARIANCES = ("full", "tied", "diagonal", "spherical")


def fitted(k=3, covariance="full", n=200, seed=0):
    points = three_gaussians(n, np.random.default_rng(seed)).points
    method = GaussianMixture(k, covariance)
    return method, points, fit(method, points, rng=seed).parameters


def assert_same(one, other):
    for mine, its in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine, its)


# closed forms: one component


@pytest.mark.parametrize("d", [1, 3])
@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_the_standard_error_of_a_mean_is_the_deviation_over_the_root_of_n(d, offset):
    n, m = 80, 300
    points = np.random.default_rng(d).normal(size=(n, d)) * np.geomspace(1, 50, d) + offset
    method = GaussianMixture(1)
    parameters = fit(method, points, rng=0).parameters
    means = np.stack([one.means[0] for one in bootstrap(method, points, parameters, range(m))])
    expected = points.std(axis=0) / np.sqrt(n)
    # a standard deviation of m numbers has a relative error of 1 / sqrt(2 m)
    np.testing.assert_allclose(means.std(axis=0), expected, rtol=4.5 / np.sqrt(2 * m))
    assert (np.abs(means.mean(axis=0) - points.mean(axis=0)) < 4.5 * expected / np.sqrt(m)).all()


def test_the_standard_error_of_a_variance_is_that_of_the_fourth_moment():
    n, m = 150, 400
    points = np.random.default_rng(0).normal(size=(n, 1))
    method = GaussianMixture(1)
    parameters = fit(method, points, rng=0).parameters
    variances = np.array([one.covariances[0, 0, 0] for one in bootstrap(method, points, parameters, range(m))])
    variance = points.var()
    # Var(s^2) = (m4 - m2^2) / n, to first order
    expected = variance * np.sqrt((kurtosis(points.ravel(), fisher=False) - 1) / n)
    assert variances.std() == pytest.approx(expected, rel=0.15)
    assert variances.mean() == pytest.approx(variance * (1 - 1 / n), abs=4.5 * expected / np.sqrt(m))


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_each_fit_of_one_component_has_the_moments_of_the_points_that_were_drawn(covariance):
    points = np.random.default_rng(0).normal(size=(40, 2)) @ [[2.0, 0.3], [0.0, 0.7]]
    method = GaussianMixture(1, covariance)
    parameters = fit(method, points, rng=0).parameters
    rows = np.random.default_rng(5).integers(40, size=40)
    (one,) = bootstrap(method, points, parameters, [5])
    drawn = points[rows]
    expected = np.cov(drawn.T, bias=True)
    if covariance == "diagonal":
        expected = expected * np.eye(2)
    elif covariance == "spherical":
        expected = np.trace(expected) / 2 * np.eye(2)
    np.testing.assert_allclose(one.means, [drawn.mean(axis=0)], rtol=1e-9)
    np.testing.assert_allclose(one.covariances, [expected], rtol=1e-8, atol=1e-12)
    assert one.weights.tolist() == [1]


def test_the_weights_of_groups_far_apart_vary_as_those_of_counts():
    n, m = 100, 250
    points, labels, _ = sample_mixture(n, [0.3, 0.7], [[-50.0], [50.0]], np.ones((2, 1, 1)), np.random.default_rng(0))
    method = GaussianMixture(2)
    parameters = fit(
        method, points, start=Gaussians(np.full(2, 0.5), np.array([[-50.0], [50.0]]), np.ones((2, 1, 1)))
    ).parameters
    share = np.mean(labels == 0)
    weights = np.array([one.weights[0] for one in bootstrap(method, points, parameters, range(m))])
    expected = np.sqrt(share * (1 - share) / n)
    assert weights.std() == pytest.approx(expected, rel=4.5 / np.sqrt(2 * m))
    assert weights.mean() == pytest.approx(share, abs=4.5 * expected / np.sqrt(m))


def test_four_times_as_many_points_halve_the_standard_errors():
    def error(n):
        points = three_gaussians(n, np.random.default_rng(1)).points
        method = GaussianMixture(1)
        parameters = fit(method, points, rng=0).parameters
        return np.std([one.means[0] for one in bootstrap(method, points, parameters, range(200))], axis=0)

    np.testing.assert_allclose(error(100) / error(400), 2, rtol=0.35)


# seeds


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_the_same_seeds_give_the_same_fits_and_the_first_of_more_are_those_of_fewer(covariance):
    method, points, parameters = fitted(covariance=covariance)
    few, again = (list(bootstrap(method, points, parameters, range(4))) for _ in range(2))
    more = list(bootstrap(method, points, parameters, range(9)))
    assert (len(few), len(more)) == (4, 9)
    for one, other, third in zip(few, again, more[:4], strict=True):
        assert_same(one, other)
        assert_same(one, third)
    assert not np.array_equal(more[0].means, more[1].means)


def test_the_children_of_a_generator_give_the_same_fits_however_many_are_spawned():
    method, points, parameters = fitted()
    few, more = (list(bootstrap(method, points, parameters, np.random.default_rng(3).spawn(m))) for m in (3, 6))
    for one, other in zip(few, more[:3], strict=True):
        assert_same(one, other)


def test_each_seed_stands_for_itself():
    method, points, parameters = fitted()
    forward, backward = (list(bootstrap(method, points, parameters, seeds)) for seeds in ([1, 2, 3], [3, 2, 1]))
    for one, other in zip(forward, backward[::-1], strict=True):
        assert_same(one, other)
    (alone,) = bootstrap(method, points, parameters, [np.random.default_rng(2)])
    assert_same(alone, forward[1])


def test_one_generator_again_and_again_draws_anew_each_time():
    method, points, parameters = fitted()
    one, other = bootstrap(method, points, parameters, [np.random.default_rng(0)] * 2)
    assert not np.array_equal(one.means, other.means)


def test_each_fit_is_made_when_it_is_asked_for():
    method, points, parameters = fitted()
    endless = bootstrap(method, points, parameters, itertools.count())
    assert len(list(itertools.islice(endless, 3))) == 3
    assert list(bootstrap(method, points, parameters, [])) == []


# where each begins


def test_each_is_the_fit_of_drawn_points_that_starts_at_the_fit_of_all():
    method, points, parameters = fitted()
    for seed, one in zip(range(4), bootstrap(method, points, parameters, range(4)), strict=True):
        rows = np.random.default_rng(seed).integers(len(points), size=len(points))
        assert_same(one, fit(method, points[rows], start=parameters).parameters)


def test_without_a_step_each_is_the_fit_of_all():
    method, points, parameters = fitted()
    for one in bootstrap(method, points, parameters, range(3), max_iter=0):
        for mine, its in zip(one, parameters, strict=True):
            np.testing.assert_allclose(mine, its, rtol=1e-12)


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_components_keep_their_numbers(covariance):
    method, points, parameters = fitted(covariance=covariance, n=300)
    order = np.array([2, 0, 1])
    turned = Gaussians(*(of[order] for of in parameters))
    for one, other in zip(
        bootstrap(method, points, parameters, range(6)), bootstrap(method, points, turned, range(6)), strict=True
    ):
        for mine, its in zip(one, other, strict=True):
            np.testing.assert_allclose(mine[order], its, rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(cdist(one.means, parameters.means).argmin(axis=1), np.arange(3))


def test_the_means_lie_about_the_fit_within_the_errors_of_a_group_of_their_size():
    method, points, parameters = fitted(n=600)
    means = np.stack([one.means for one in bootstrap(method, points, parameters, range(60))])
    sizes = parameters.weights * len(points)
    expected = np.sqrt(np.diagonal(parameters.covariances, axis1=1, axis2=2) / sizes[:, None])
    errors = means.std(axis=0)
    assert (errors > 0.7 * expected).all()  # if anything more, as the groups touch
    assert (errors < 2 * expected).all()
    assert (np.abs(means.mean(axis=0) - parameters.means) < errors).all()


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_each_fit_is_a_mixture_that_can_be_drawn_from(covariance):
    method, points, parameters = fitted(covariance=covariance, n=60)
    for one in bootstrap(method, points, parameters, range(5)):
        assert isinstance(one, Gaussians)
        assert one.weights.sum() == pytest.approx(1, rel=1e-12)
        assert np.isfinite(sample_mixture(20, *one, np.random.default_rng(0)).points).all()


def test_nothing_given_is_changed():
    method, points, parameters = fitted()
    arrays = [points, *parameters]
    before = [of.copy() for of in arrays]
    for of in arrays:
        of.flags.writeable = False
    assert len(list(bootstrap(method, points, parameters, range(3)))) == 3
    for of, was in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(of, was)


def test_a_few_points_that_are_drawn_as_copies_of_one_still_have_a_fit():
    points = np.array([[0.0, 0.0], [1.0, 3.0]])
    method = GaussianMixture(1)
    parameters = fit(method, points, rng=0).parameters
    results = list(bootstrap(method, points, parameters, range(12)))
    means = np.stack([one.means[0] for one in results])
    assert {tuple(mean) for mean in means.round(9).tolist()} == {(0.0, 0.0), (0.5, 1.5), (1.0, 3.0)}
    assert all(np.isfinite(one.covariances).all() for one in results)


# watching and options


def test_the_watcher_sees_the_last_step_of_each_fit_before_it_is_given():
    method, points, parameters = fitted()
    seen = []
    for i, one in enumerate(bootstrap(method, points, parameters, range(4), on_step=seen.append)):
        assert len(seen) == i + 1
        assert seen[-1].converged
        assert seen[-1].parameters is one
        assert seen[-1].labels.shape == (len(points),)


def test_what_the_watcher_raises_ends_the_work():
    method, points, parameters = fitted()
    seen = []

    def enough(step):
        seen.append(step)
        if len(seen) == 3:
            raise InterruptedError("enough")

    results = []
    with pytest.raises(InterruptedError, match="enough"):
        results.extend(iter(bootstrap(method, points, parameters, range(10), on_step=enough)))
    assert len(seen) == 3


def test_options_are_those_of_iterate():
    points = sampling.overlapping(200, np.random.default_rng(0)).points
    method = GaussianMixture(3)
    parameters = fit(method, points, rng=0).parameters
    seen = []
    assert len(list(bootstrap(method, points, parameters, range(3), on_step=seen.append, max_iter=2, tol=0.0))) == 3
    assert [step.iteration for step in seen] == [2, 2, 2]


# what cannot be done


@pytest.mark.parametrize(
    ("points", "sentence"),
    [
        ([[0.0, 1.0], [np.nan, 1.0]], "points must be finite, but row 1, column 0 is nan"),
        ([0.0, 1.0], r"points must have two dimensions \(n, d\), got 1"),
        (np.zeros((0, 2)), "points must have at least one row"),
        ([["a", "b"]], "points must be numbers"),
        ([[0.0, 1.0], [1.0, 2.0]], r"k must lie in 1\.\.n=2, got 3"),
        (np.random.default_rng(0).normal(size=(20, 3)), r"start must be 3 Gaussians in 3 dimensions, got \(3, 2\)"),
    ],
)
def test_points_that_cannot_be_fitted_are_refused_when_the_first_fit_is_asked_for(points, sentence):
    method, _, parameters = fitted()
    work = bootstrap(method, points, parameters, range(3))
    with pytest.raises(ValueError, match=sentence):
        next(work)


def test_a_fit_of_another_number_of_components_is_refused():
    _, points, parameters = fitted()
    with pytest.raises(ValueError, match=r"start must be 2 Gaussians in 2 dimensions, got \(3, 2\)"):
        next(bootstrap(GaussianMixture(2), points, parameters, range(3)))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [({"max_iter": -1}, "max_iter must be a whole number of at least 0, got -1"), ({"tol": -1.0}, "tol must be at least 0")],
)
def test_options_that_cannot_be_are_refused(options, sentence):
    method, points, parameters = fitted()
    with pytest.raises(ValueError, match=sentence):
        next(bootstrap(method, points, parameters, range(3), **options))

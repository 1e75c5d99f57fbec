"""Student-t mixtures: by hand, against SciPy, against plain loops, and as the limit of a Gaussian mixture."""

from itertools import pairwise

import numpy as np
import pytest
import scipy.stats
from scipy.optimize import minimize, minimize_scalar
from scipy.special import gammaln

from clustering import (
    GaussianMixture,
    Gaussians,
    History,
    StudentMixture,
    Students,
    adjusted_rand_index,
    fit,
    iterate,
    three_gaussians,
)
from clustering.notices import LOSS_ROSE
from clustering.student_mixture import MAX_DEGREES, MIN_DEGREES, START_DEGREES, _best_degrees


def points_with_outliers(n=150, outliers=15, seed=0):
    rng = np.random.default_rng(seed)
    return np.vstack([three_gaussians(n, rng).points, rng.uniform(-30, 30, size=(outliers, 2))])


STUDENTS = Students(
    np.array([0.3, 0.7]),
    np.array([[0.0, 1.0], [2.0, -1.0]]),
    np.array([[[2, 0.5], [0.5, 1]], [[1, 0], [0, 3.0]]]),
    np.array([1.5, 20.0]),
)


def peers():
    parts = zip(STUDENTS.means, STUDENTS.scales, STUDENTS.degrees, strict=True)
    return [scipy.stats.multivariate_t(mean, scale, df=degrees) for mean, scale, degrees in parts]


# densities


def test_densities_and_responsibilities_match_scipy():
    x = points_with_outliers()
    joint = np.column_stack([w * peer.pdf(x) for w, peer in zip(STUDENTS.weights, peers(), strict=True)])
    np.testing.assert_allclose(STUDENTS.log_joint(x), np.log(joint), rtol=1e-10)
    shares = joint / joint.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(STUDENTS.responsibilities(x), shares, rtol=1e-9)
    state = next(iterate(StudentMixture(2), x, start=STUDENTS))
    assert state.loss == pytest.approx(-np.log(joint.sum(axis=1)).mean(), rel=1e-12)
    np.testing.assert_allclose(state.assignment.responsibilities, shares, rtol=1e-9)


def test_a_factor_falls_with_the_squared_distance_by_hand():
    # 2 degrees of freedom in one dimension: u = 3 / (2 + q), for q = 0, 1 and 100
    students = Students([1.0], [[0.0]], [[[1.0]]], [2.0])
    students = Students(*map(np.array, students))
    np.testing.assert_allclose(students.factors([[0.0], [1.0], [-10.0]]).ravel(), [1.5, 1.0, 3 / 102])
    state = next(iterate(StudentMixture(1), [[0.0], [1.0], [-10.0]], start=students))
    np.testing.assert_allclose(state.assignment.point_weights, [1.5, 1.0, 3 / 102])


# fits


def test_one_component_in_one_dimension_equals_the_fit_of_scipy():
    x = scipy.stats.t.rvs(3, loc=5, scale=2, size=300, random_state=1)
    last = fit(StudentMixture(1, floor=0), x[:, None], tol=1e-14, max_iter=1000)
    _, means, scales, degrees = last.parameters
    start = degrees[0] * 1.2, means[0, 0] + 0.1, np.sqrt(scales[0, 0, 0]) * 0.9
    df, loc, scale = scipy.stats.t.fit(
        x, start[0], loc=start[1], scale=start[2], optimizer=lambda f, x0, args, disp: tight(f, x0, args)
    )
    np.testing.assert_allclose([degrees[0], means[0, 0], np.sqrt(scales[0, 0, 0])], [df, loc, scale], rtol=1e-5)
    assert last.loss == pytest.approx(-scipy.stats.t.logpdf(x, df, loc, scale).mean(), abs=1e-10)


def tight(function, start, args):
    """A minimum found with a tighter tolerance than that of scipy.stats."""
    options = {"xatol": 1e-10, "fatol": 1e-13, "maxiter": 10_000, "maxfev": 10_000}
    return minimize(function, start, args=args, method="Nelder-Mead", options=options).x


def test_the_first_m_step_matches_plain_loops():
    x, (_, m, s, _) = points_with_outliers(40, 4), STUDENTS
    states = list(iterate(StudentMixture(2, degrees=4.0), x, start=STUDENTS._replace(degrees=np.full(2, 4.0)), max_iter=1))
    shares = states[0].assignment.responsibilities
    for k in range(2):
        u = [6 / (4 + (row - m[k]) @ np.linalg.inv(s[k]) @ (row - m[k])) for row in x]
        weights = [u[n] * shares[n, k] for n in range(len(x))]
        mean = sum(weight * row for weight, row in zip(weights, x, strict=True)) / sum(weights)
        scale = sum(weight * np.outer(row - mean, row - mean) for weight, row in zip(weights, x, strict=True))
        np.testing.assert_allclose(states[1].parameters.means[k], mean, rtol=1e-9)
        np.testing.assert_allclose(states[1].parameters.scales[k], scale / shares[:, k].sum(), rtol=1e-9)
        assert states[1].parameters.weights[k] == pytest.approx(shares[:, k].mean())
    assert states[1].parameters.degrees.tolist() == [4.0, 4.0]


@pytest.mark.parametrize("covariance", ["full", "tied", "diagonal", "spherical"])
@pytest.mark.parametrize("degrees", ["estimated", 1.0])
def test_no_half_step_increases_the_loss(covariance, degrees):
    method, x = StudentMixture(3, covariance, degrees=degrees), points_with_outliers()
    prepared, steps = method.prepare(x), list(iterate(method, x, rng=1))
    assert len(steps) > 5
    for before, after in pairwise(steps):
        between = method.m_step_loss(prepared, before.assignment, before.parameters, after.parameters)
        assert between <= before.loss + 1e-12
        assert after.loss <= between + 1e-12
    assert not [notice for step in steps for notice in step.notices if notice.name == LOSS_ROSE]


def test_the_degrees_of_freedom_are_the_best_ones_for_the_new_means_and_scales():
    x = points_with_outliers()
    before, after = iterate(StudentMixture(2), x, start=STUDENTS, max_iter=1)
    shares = before.assignment.responsibilities
    for k in range(2):

        def likelihood(v, k=k):
            return shares[:, k] @ scipy.stats.multivariate_t(after.parameters.means[k], after.parameters.scales[k], v).logpdf(
                x
            )

        best, chosen = max(map(likelihood, np.geomspace(MIN_DEGREES, MAX_DEGREES, 400))), after.parameters.degrees[k]
        assert likelihood(chosen) >= best - 1e-9
    assert not np.allclose(after.parameters.degrees, STUDENTS.degrees)


def test_gaussian_data_have_the_largest_degrees_of_freedom_and_heavy_tails_few():
    rng = np.random.default_rng(0)
    uniform = fit(StudentMixture(1), rng.uniform(size=(200, 2))).parameters.degrees
    assert uniform.tolist() == [MAX_DEGREES]
    cauchy = fit(StudentMixture(1), scipy.stats.cauchy.rvs(size=(500, 1), random_state=2)).parameters.degrees
    assert cauchy[0] == pytest.approx(1, abs=0.3)


def test_with_the_largest_degrees_of_freedom_it_is_almost_a_gaussian_mixture():
    x = three_gaussians(200, np.random.default_rng(0)).points
    one = fit(GaussianMixture(3), x, start=x[:3])
    other = fit(StudentMixture(3, degrees=MAX_DEGREES), x, start=x[:3])
    np.testing.assert_allclose(other.parameters.means, one.parameters.means, atol=0.1)
    assert other.loss == pytest.approx(one.loss, abs=0.01)
    assert adjusted_rand_index(one.labels, other.labels) > 0.97


def test_outliers_get_small_weights_and_hardly_move_the_mean():
    x = np.vstack([np.random.default_rng(0).normal(size=(200, 2)), np.full((10, 2), 40.0)])
    students, gaussians = (fit(kind(1), x, rng=1) for kind in (StudentMixture, GaussianMixture))
    weights = students.assignment.point_weights
    assert weights[200:].max() < 0.01
    assert weights[:200].mean() > 0.9
    assert np.abs(students.parameters.means).max() < 0.2 < 1 < np.abs(gaussians.parameters.means).min()


# arguments


def test_a_start_can_be_means_gaussians_or_students():
    x = points_with_outliers()
    gaussians = Gaussians(*STUDENTS[:3])
    of_means, of_gaussians, of_students = (
        next(iterate(StudentMixture(2), x, start=start)).parameters for start in (gaussians.means, gaussians, STUDENTS)
    )
    assert of_means.degrees.tolist() == of_gaussians.degrees.tolist() == [START_DEGREES] * 2
    assert of_students.degrees.tolist() == STUDENTS.degrees.tolist()
    np.testing.assert_array_equal(of_gaussians.scales, gaussians.covariances)
    fixed = next(iterate(StudentMixture(2, degrees=3), x, start=STUDENTS)).parameters
    assert fixed.degrees.tolist() == [3.0, 3.0]


def test_a_run_goes_on_from_its_own_parameters_and_its_assignments_are_recomputed():
    x = points_with_outliers()
    states = list(iterate(StudentMixture(3), x, rng=1, max_iter=4))
    again = list(iterate(StudentMixture(3), x, start=states[2].parameters, max_iter=2))
    assert again[-1].loss == pytest.approx(states[-1].loss, rel=1e-12)
    history = History.record(StudentMixture(3), x, rng=1, max_iter=4)
    np.testing.assert_array_equal(history.assignment_of_iteration(2).memberships, states[2].assignment.memberships)
    process = StudentMixture(3)
    np.testing.assert_array_equal(process.predict(states[-1].parameters, x), states[-1].labels)


@pytest.mark.parametrize("degrees", [0, 0.4, 201, np.nan, np.inf, "many", None])
def test_degrees_of_freedom_out_of_bounds_are_rejected(degrees):
    with pytest.raises(ValueError, match=r"degrees must be 'estimated' or a number in 0\.5\.\.200"):
        StudentMixture(3, degrees=degrees)


@pytest.mark.parametrize("degrees", [[1.0], [1.0, 300.0], [np.nan, 2.0]])
def test_a_start_with_invalid_degrees_of_freedom_is_rejected(degrees):
    with pytest.raises(ValueError, match=r"degrees must be 2 numbers in 0\.5\.\.200"):
        iterate(StudentMixture(2), points_with_outliers(), start=STUDENTS._replace(degrees=degrees))


def test_points_with_other_columns_are_rejected():
    with pytest.raises(ValueError, match="points must have 2 columns, as the means do, got 1"):
        STUDENTS.log_joint([[0.0]])


def test_a_dask_array_is_rejected():
    from dask import array

    with pytest.raises(ValueError, match="points must be in memory here"):
        StudentMixture(2).prepare(array.ones((10, 2)))


def test_estimated_degrees_of_freedom_count_as_parameters():
    assert StudentMixture(3).parameter_count(2) == GaussianMixture(3).parameter_count(2) + 3
    assert StudentMixture(3, degrees=4.0).parameter_count(2) == GaussianMixture(3).parameter_count(2)


@pytest.mark.parametrize("seed", range(6))
def test_degrees_of_freedom_are_the_root_that_another_solver_finds(seed):
    rng = np.random.default_rng(seed)
    d, tails = int(rng.integers(1, 5)), np.array([0.8, 2.0, 5.0, 20.0])[:, None]
    squares = rng.chisquare(d, (4, 300)) / (rng.chisquare(tails, (4, 300)) / tails)
    responsibilities, old = rng.uniform(size=(4, 300)), rng.uniform(1, 100, 4)

    def loss(logarithm, k):
        v = np.exp(logarithm)
        peak = gammaln((v + d) / 2) - gammaln(v / 2) - 0.5 * d * np.log(v * np.pi)
        return responsibilities[k] @ (0.5 * (v + d) * np.log1p(squares[k] / v) - peak)

    bounds = np.log([MIN_DEGREES, MAX_DEGREES])
    found = [minimize_scalar(loss, bounds=bounds, args=(k,), options=dict(xatol=1e-9)).x for k in range(4)]
    np.testing.assert_allclose(_best_degrees(d, responsibilities, squares, old), np.exp(found), rtol=1e-5)

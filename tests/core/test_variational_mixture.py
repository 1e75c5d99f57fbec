"""Variational mixtures: by hand, against scikit-learn and SciPy, and laws of the evidence lower bound."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import gammaln
from scipy.stats import multivariate_t
from sklearn.mixture import BayesianGaussianMixture

from clustering import (
    Gaussians,
    History,
    VariationalGaussians,
    VariationalMixture,
    adjusted_rand_index,
    fit,
    iterate,
    three_gaussians,
)
from clustering.notices import EMPTY_CLUSTER, LOSS_ROSE


def sample(n=300, seed=0):
    return three_gaussians(n, np.random.default_rng(seed))


def peer_from(start, concentration, iterations):
    """scikit-learn's model with the same start."""
    peer = BayesianGaussianMixture(
        n_components=len(start.means),
        weight_concentration_prior_type="dirichlet_distribution",
        weight_concentration_prior=concentration,
        reg_covar=0,
        tol=0,
        max_iter=iterations,
        warm_start=True,
    )
    peer.weight_concentration_, peer.mean_precision_, peer.means_, peer.degrees_of_freedom_, peer.covariances_ = start
    peer.precisions_cholesky_ = np.linalg.inv(np.linalg.cholesky(start.covariances)).transpose(0, 2, 1)
    peer.converged_, peer.lower_bound_ = False, -np.inf
    return peer


@pytest.mark.parametrize("concentration", [None, 1e-3, 1.0, 100.0])
def test_it_matches_scikit_learn_in_every_iteration(concentration):
    x = sample().points * [1, 20] + [5, -100]
    labels = np.random.default_rng(1).integers(6, size=len(x))
    steps = list(iterate(VariationalMixture(6, init=labels, concentration=concentration), x, tol=0, max_iter=20))
    bounds = []
    for iteration in (1, 5, 20):
        peer = peer_from(steps[0].parameters, concentration, iteration)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            peer.fit(x)
        found = steps[iteration].parameters
        np.testing.assert_allclose(found.concentrations, peer.weight_concentration_, rtol=1e-8)
        np.testing.assert_allclose(found.mean_precisions, peer.mean_precision_, rtol=1e-8)
        np.testing.assert_allclose(found.means, peer.means_, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(found.degrees, peer.degrees_of_freedom_, rtol=1e-8)
        np.testing.assert_allclose(found.covariances, peer.covariances_, rtol=1e-8, atol=1e-8)
        np.testing.assert_allclose(found.weights, peer.weights_, rtol=1e-8)
        np.testing.assert_allclose(steps[iteration].assignment.responsibilities, peer.predict_proba(x), atol=1e-8)
        method = VariationalMixture(6, concentration=concentration)
        before = steps[iteration - 1]
        ours = method.m_step_loss(method.prepare(x), before.assignment, before.parameters, found)
        # scikit-learn leaves out constants and has the sum over points
        bounds.append(peer.lower_bound_ / len(x) + ours)
    assert np.ptp(bounds) < 1e-10


def test_the_start_from_labels_is_the_m_step_of_scikit_learn():
    x, labels = sample(60).points, np.repeat([0, 1, 2], 20)
    start = next(iterate(VariationalMixture(3, init=labels), x)).parameters
    peer = BayesianGaussianMixture(n_components=3, weight_concentration_prior_type="dirichlet_distribution", reg_covar=0)
    peer._check_parameters(x, xp=np)
    peer._initialize(x, np.eye(3)[labels])
    np.testing.assert_allclose(start.concentrations, peer.weight_concentration_, rtol=1e-10)
    np.testing.assert_allclose(start.means, peer.means_, rtol=1e-10)
    np.testing.assert_allclose(start.covariances, peer.covariances_, rtol=1e-10)


def test_with_one_component_the_loss_is_the_exact_negative_log_evidence():
    """The product of predictive t distributions, one point after the other."""
    x = sample(25).points
    d = x.shape[1]
    loss = fit(VariationalMixture(1), x).loss
    mean, inverse = x.mean(axis=0), np.cov(x.T)
    precision, degrees, evidence = 1.0, float(d), 0.0
    for row in x:
        v = degrees - d + 1
        evidence += multivariate_t(mean, inverse * (precision + 1) / (precision * v), df=v).logpdf(row)
        inverse = inverse + precision / (precision + 1) * np.outer(row - mean, row - mean)
        mean = (precision * mean + row) / (precision + 1)
        precision, degrees = precision + 1, degrees + 1
    assert loss == pytest.approx(-evidence / len(x), rel=1e-12)


def test_with_many_components_the_loss_is_an_upper_bound_of_the_exact_one_for_two_points():
    """Two points and two components have four assignments, whose evidence can be summed."""
    x = np.array([[0.0], [1.0]])
    concentration, total = 0.7, 0.0

    def evidence(points):
        mean, inverse, precision, degrees, result = x.mean(), np.var(x, ddof=1), 1.0, 1.0, 0.0
        for value in points:
            scale = inverse * (precision + 1) / (precision * degrees)
            result += multivariate_t([mean], [[scale]], df=degrees).logpdf([value])
            inverse += precision / (precision + 1) * (value - mean) ** 2
            mean = (precision * mean + value) / (precision + 1)
            precision, degrees = precision + 1, degrees + 1
        return result

    for labels in np.ndindex(2, 2):
        counts = np.bincount(labels, minlength=2)
        prior = gammaln(2 * concentration) - gammaln(2 * concentration + 2)
        prior += (gammaln(concentration + counts) - gammaln(concentration)).sum()
        groups = [x[np.array(labels) == k].ravel() for k in range(2)]
        total += np.exp(prior + sum(map(evidence, groups)))
    for seed in range(3):
        loss = fit(VariationalMixture(2, init="random", concentration=concentration), x, rng=seed).loss
        assert -np.log(total) / 2 < loss < -np.log(total) / 2 + 0.5


@pytest.mark.parametrize("init", ["random", "k-means", "k-means++", "maxmin"])
def test_no_half_step_increases_the_loss(init):
    method, x = VariationalMixture(8, init=init), sample().points
    prepared, steps = method.prepare(x), list(iterate(method, x, rng=1))
    assert len(steps) > 5
    for before, after in pairwise(steps):
        between = method.m_step_loss(prepared, before.assignment, before.parameters, after.parameters)
        assert between <= before.loss + 1e-11
        assert after.loss <= between + 1e-11
    assert not [notice for step in steps for notice in step.notices if notice.name == LOSS_ROSE]


def test_superfluous_components_lose_their_points_and_give_a_notice():
    data = sample()
    last = fit(VariationalMixture(6, init="random"), data.points, rng=1)
    used = last.assignment.sizes >= 1
    assert used.sum() == 3
    assert last.assignment.sizes[~used].max() < 0.1
    assert adjusted_rand_index(last.labels, data.labels) > 0.9
    (notice,) = last.notices
    assert notice.name == EMPTY_CLUSTER
    assert notice.clusters == tuple(np.flatnonzero(~used))


def test_a_large_concentration_keeps_all_components():
    last = fit(VariationalMixture(6, init="random", concentration=100.0), sample().points, rng=1)
    assert last.assignment.sizes.min() > 10
    assert not last.notices


def test_a_tiny_concentration_does_not_overflow_or_raise_the_loss():
    steps = list(iterate(VariationalMixture(8, init="random", concentration=1e-5), sample().points, rng=1))
    assert np.isfinite([step.loss for step in steps]).all()
    assert not [notice for step in steps for notice in step.notices if notice.name == LOSS_ROSE]


def test_points_in_a_subspace_and_identical_points_have_a_finite_loss():
    line = np.column_stack([np.arange(20.0), np.arange(20.0)])
    for x in (line, np.ones((5, 2)), [[3.0]]):
        last = fit(VariationalMixture(1), x)
        assert np.isfinite(last.loss)
        assert np.isfinite(last.parameters.covariances).all()


def test_a_run_goes_on_from_its_own_parameters_and_its_assignments_are_recomputed():
    x = sample().points
    states = list(iterate(VariationalMixture(4), x, rng=1, max_iter=4))
    again = list(iterate(VariationalMixture(4), x, start=states[2].parameters, max_iter=2))
    assert again[-1].loss == pytest.approx(states[-1].loss, rel=1e-12)
    history = History.record(VariationalMixture(4), x, rng=1, max_iter=4)
    np.testing.assert_array_equal(history.assignment_of_iteration(2).memberships, states[2].assignment.memberships)
    parameters = states[-1].parameters
    np.testing.assert_allclose(parameters.responsibilities(x), states[-1].assignment.responsibilities, atol=1e-10)
    np.testing.assert_array_equal(VariationalMixture(4).predict(parameters, x), states[-1].labels)


@pytest.mark.parametrize("concentration", [0, -1.0, np.nan, np.inf])
def test_a_concentration_that_is_not_positive_is_rejected(concentration):
    with pytest.raises(ValueError, match="concentration must be a finite number above 0"):
        VariationalMixture(3, concentration=concentration)


def test_invalid_starts_are_rejected():
    x = sample(20).points
    start = next(iterate(VariationalMixture(2), x, rng=0)).parameters
    gaussians = Gaussians(start.weights, start.means, start.covariances)
    with pytest.raises(ValueError, match="start must be an array of means or `VariationalGaussians`, got a tuple"):
        iterate(VariationalMixture(2), x, start=gaussians)
    with pytest.raises(ValueError, match="start must have 3 components in 2 dimensions"):
        iterate(VariationalMixture(3), x, start=start)
    with pytest.raises(ValueError, match="degrees must be 2 finite numbers above 1"):
        iterate(VariationalMixture(2), x, start=start._replace(degrees=np.array([1.0, 5.0])))
    with pytest.raises(ValueError, match="concentrations must be 2 finite numbers above 0"):
        iterate(VariationalMixture(2), x, start=VariationalGaussians(*start)._replace(concentrations=np.array([0.0, 5.0])))


def test_a_dask_array_is_rejected():
    from dask import array

    with pytest.raises(ValueError, match="points must be in memory here"):
        VariationalMixture(2).prepare(array.ones((10, 2)))

"""Comparison with scikit-learn, SciPy and the kmedoids package from the same initial parameters."""

import kmedoids
import numpy as np
import pytest
import sklearn.cluster
import sklearn.exceptions
import sklearn.metrics
import sklearn.mixture
from scipy.stats import multivariate_normal

from clustering import GaussianMixture, Gaussians, KMeans, KMedoids, adjusted_rand_index, fit, iterate, proximity_matrix


def groups(n, d, k, seed, width=1.0):
    rng = np.random.default_rng(seed)
    return rng.uniform(-5, 5, size=(k, d))[rng.integers(k, size=n)] + width * rng.standard_normal((n, d))


def sklearn_k_means(points, start):
    return sklearn.cluster.KMeans(len(start), init=start, n_init=1, tol=0, algorithm="lloyd").fit(points)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("n", "d", "k"), [(60, 1, 3), (500, 2, 5), (1000, 3, 8), (600, 20, 12), (40, 2, 40), (100, 2, 1)])
def test_k_means_matches_scikit_learn(n, d, k, seed):
    points = groups(n, d, k, seed)
    start = points[np.random.default_rng(seed).choice(n, k, replace=False)]
    step, peer = fit(KMeans(k), points, start=start), sklearn_k_means(points, start)
    np.testing.assert_array_equal(step.labels, peer.labels_)
    np.testing.assert_allclose(step.parameters, peer.cluster_centers_, rtol=1e-10, atol=1e-10)
    assert step.loss == pytest.approx(peer.inertia_, rel=1e-10, abs=1e-10)


@pytest.mark.parametrize(("offset", "scale"), [(1e8, 1), (0, 1e-9), (0, 1e9), (-1e8, 1e-2)])
def test_k_means_matches_scikit_learn_at_any_offset_and_scale(offset, scale):
    points = groups(1000, 2, 4, 0) * scale + offset
    start = points[:4]
    step, peer = fit(KMeans(4), points, start=start), sklearn_k_means(points, start)
    np.testing.assert_array_equal(step.labels, peer.labels_)
    assert step.loss == pytest.approx(peer.inertia_, rel=1e-6, abs=0)
    np.testing.assert_allclose(step.parameters - offset, peer.cluster_centers_ - offset, rtol=1e-6, atol=1e-7 * scale)


def test_k_means_refills_an_empty_cluster_like_scikit_learn():
    points = groups(300, 2, 4, 1)
    start = np.vstack([points[:3], [[1e3, 1e3]]])  # no point is nearest to the last center
    steps = list(iterate(KMeans(4), points, start=start))
    assert steps[0].assignment.sizes[3] == 0
    peer = sklearn_k_means(points, start)
    np.testing.assert_array_equal(steps[-1].labels, peer.labels_)
    assert steps[-1].loss == pytest.approx(peer.inertia_, rel=1e-12)


def sklearn_mixture(points, start, covariance, iterations, regularization):
    precisions = np.linalg.inv(start.covariances)
    forms = {
        "full": ("full", precisions),
        "tied": ("tied", precisions[0]),
        "diagonal": ("diag", np.diagonal(precisions, axis1=1, axis2=2)),
        "spherical": ("spherical", precisions[:, 0, 0]),
    }
    kind, prepared = forms[covariance]
    model = sklearn.mixture.GaussianMixture(
        len(start.weights),
        covariance_type=kind,
        weights_init=start.weights,
        means_init=start.means,
        precisions_init=prepared,
        max_iter=iterations,
        tol=0,
        reg_covar=regularization,
    )
    with pytest.warns(sklearn.exceptions.ConvergenceWarning):
        return model.fit(points)


def as_full(model, k, d):
    covariances = model.covariances_
    if model.covariance_type == "tied":
        return np.broadcast_to(covariances, (k, d, d))
    if model.covariance_type == "diag":
        return np.stack([np.diag(row) for row in covariances])
    if model.covariance_type == "spherical":
        return covariances[:, None, None] * np.eye(d)
    return covariances


@pytest.mark.parametrize("regularization", [0.0, 1e-3])
@pytest.mark.parametrize("covariance", ["full", "tied", "diagonal", "spherical"])
def test_the_mixture_matches_scikit_learn_in_every_iteration(covariance, regularization):
    k, d = 3, 3
    points = groups(400, d, k, 2) * [1, 5, 0.2]
    method = GaussianMixture(k, covariance, init="random", floor=0, regularization=regularization)
    start = method.start(method.prepare(points), np.random.default_rng(0))
    steps = list(iterate(method, points, start=start, tol=0, max_iter=8))
    for iteration in (1, 2, 5, 8):
        peer = sklearn_mixture(points, start, covariance, iteration, regularization)
        fitted = steps[iteration].parameters
        np.testing.assert_allclose(fitted.weights, peer.weights_, rtol=1e-9)
        np.testing.assert_allclose(fitted.means, peer.means_, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(fitted.covariances, as_full(peer, k, d), rtol=1e-8, atol=1e-9)
        assert -steps[iteration].loss == pytest.approx(peer.score(points), abs=1e-10)
        np.testing.assert_allclose(steps[iteration].assignment.responsibilities, peer.predict_proba(points), atol=1e-9)


def test_the_loss_of_a_given_mixture_matches_scipy():
    points = groups(200, 2, 3, 3)
    mixture = Gaussians(
        np.array([0.2, 0.8]), np.array([[0.0, 1.0], [2.0, -1.0]]), np.array([[[2, 0.5], [0.5, 1]], [[1, 0], [0, 3.0]]])
    )
    method = GaussianMixture(2)
    _, loss = method.e_step(method.prepare(points), mixture)
    density = sum(w * multivariate_normal(m, c).pdf(points) for w, m, c in zip(*mixture, strict=True))
    assert loss == pytest.approx(-np.log(density).mean(), rel=1e-12)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("n", "k"), [(30, 2), (200, 5), (700, 12)])
def test_swaps_reach_the_medoids_of_the_kmedoids_package(n, k, seed):
    proximities = proximity_matrix(groups(n, 2, k, seed), "manhattan")
    start = np.random.default_rng(seed).choice(n, k, replace=False)
    step = fit(KMedoids(k, update="swap"), proximities, start=start)
    peer = kmedoids.fasterpam(proximities, start.astype(np.uint64), n_cpu=1)
    assert step.loss == pytest.approx(peer.loss, rel=1e-12)
    assert set(step.parameters.tolist()) == set(peer.medoids.tolist())


@pytest.mark.parametrize("seed", range(4))
def test_steepest_swaps_and_alternating_steps_reach_the_losses_of_the_kmedoids_package(seed):
    proximities = proximity_matrix(groups(150, 2, 4, seed))
    start = np.random.default_rng(seed).choice(150, 4, replace=False)
    for update, peer in (("steepest swap", kmedoids.pam), ("alternating", kmedoids.alternating)):
        expected = peer(proximities, start.astype(np.uint64)).loss
        assert fit(KMedoids(4, update=update), proximities, start=start).loss == pytest.approx(expected, rel=1e-12)


def test_the_adjusted_rand_index_matches_scikit_learn():
    rng = np.random.default_rng(0)
    for k, m in [(1, 1), (1, 4), (3, 3), (5, 2), (20, 20)]:
        a, b = rng.integers(k, size=50), rng.integers(m, size=50)
        assert adjusted_rand_index(a, b) == pytest.approx(sklearn.metrics.adjusted_rand_score(a, b), abs=1e-12)
        assert adjusted_rand_index(a, a) == 1

"""Published results; their sources are listed in the README of the data tables."""

import numpy as np
import pytest

from clustering import GaussianMixture, History, KMeans, KMedoids, best_of, bic, fit, proximity_matrix


@pytest.mark.parametrize(("k", "loss"), [(2, 152.3480), (3, 78.8514), (4, 57.2285), (5, 46.4462), (6, 39.0400)])
def test_k_means_reaches_the_published_minimum_on_iris(table, k, loss):
    assert best_of(40, KMeans(k), table("iris", 4), rng=0).loss == pytest.approx(loss, abs=5e-5)


def test_k_means_reaches_the_published_loss_on_standardized_iris(table):
    points = table("iris", 4)
    points = (points - points.mean(axis=0)) / points.std(axis=0, ddof=1)
    assert best_of(10, KMeans(3), points, rng=0).loss == pytest.approx(138.888, abs=5e-4)


@pytest.mark.parametrize(
    ("k", "build_loss", "final_loss", "medoids"),
    [(3, 25.68229, 21.59293, None), (4, 17.22898, 11.48637, [10, 32, 52, 70]), (5, 12.09864, 10.39579, [10, 32, 47, 52, 70])],
)
def test_pam_reaches_the_published_losses_on_ruspini(table, k, build_loss, final_loss, medoids):
    points = table("ruspini")
    history = History.record(KMedoids(k, update="steepest swap"), proximity_matrix(points))
    assert history.losses[0] / len(points) == pytest.approx(build_loss, abs=5e-6)
    assert history.losses[-1] / len(points) == pytest.approx(final_loss, abs=5e-6)
    if medoids is not None:
        assert (np.sort(history.parameters[-1]) + 1).tolist() == medoids


@pytest.mark.parametrize("update", ["alternating", "swap", "steepest swap"])
def test_pam_by_hand(update):
    proximities = np.zeros((5, 5))
    proximities[np.tril_indices(5, -1)] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 1]
    proximities += proximities.T
    step = fit(KMedoids(2, update=update), proximities)
    assert step.loss == 4
    assert set(step.parameters.tolist()) in ({0, 3}, {0, 4})


def test_the_full_mixture_reaches_the_published_likelihood_on_old_faithful(table):
    points = table("faithful")
    method = GaussianMixture(2)
    step = fit(method, points, rng=0)
    log_likelihood = -step.loss * len(points)
    assert log_likelihood == pytest.approx(-1130.264, abs=5e-4)
    assert method.parameter_count(2) == 11
    assert -bic(log_likelihood, 11, len(points)) == pytest.approx(-2322.192, abs=1e-3)
    order = np.argsort(step.parameters.means[:, 0])
    np.testing.assert_allclose(step.parameters.means[order], [[2.0364, 54.4785], [4.2897, 79.9681]], atol=2e-4)
    np.testing.assert_allclose(step.parameters.weights[order], [0.3559, 0.6441], atol=5e-5)


def test_the_tied_mixture_reaches_the_published_likelihood_on_old_faithful(table):
    points = table("faithful")
    method = GaussianMixture(3, "tied")
    log_likelihood = -best_of(5, method, points, rng=0).loss * len(points)
    assert log_likelihood == pytest.approx(-1126.316, abs=5e-4)
    assert method.parameter_count(2) == 11
    assert -bic(log_likelihood, 11, len(points)) == pytest.approx(-2314.30, abs=5e-3)


def test_k_means_reaches_the_published_minimum_on_s1_and_random_initialization_rarely_does(table):
    points = table("s1")
    method = KMeans(15)
    prepared = method.prepare(points)
    assert best_of(15, method, prepared, rng=0).loss == pytest.approx(8.91762e12, rel=1e-6)
    random = KMeans(15, init="random")
    reached = [fit(random, prepared, rng=seed).loss < 8.93e12 for seed in range(40)]
    assert sum(reached) <= 4

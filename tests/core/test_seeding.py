"""Initialization: by hand, against the kmedoids package, and over many seeds."""

import kmedoids
import numpy as np
import pytest
from scipy.spatial.distance import cdist

from clustering import GaussianMixture, KMeans, KMedoids, fit, proximity_matrix, sampling, seeding

LINE = np.array([[0.0], [1.0], [2.0], [10.0], [11.0], [30.0]])


class FixedDraws:
    """A random generator with given draws."""

    def __init__(self, first, shares=()):
        self.first, self.shares = first, list(shares)

    def integers(self, n):
        return self.first

    def random(self, size):
        return np.array([self.shares.pop(0) for _ in range(size)])


def squared(points):
    return lambda rows: cdist(points[rows], points, "sqeuclidean")


def test_k_means_plus_plus_draws_by_squared_distance_and_keeps_the_best_candidate():
    points = np.array([[0.0], [1.0], [3.0], [6.0]])
    # squared distances to row 0 are 0, 1, 9, 36 of 46 in total: draws in 0..1 select row 1, in 1..10 row 2, in 10..46 row 3;
    # the loss is 0 + 1 + 0 + 9 = 10 with row 2 and 0 + 1 + 9 + 0 = 10 with row 3: the first candidate wins the tie
    for shares, expected in [
        ([0.5 / 46, 5 / 46], 2),
        ([5 / 46, 20 / 46], 2),
        ([20 / 46, 5 / 46], 3),
        ([0.1 / 46] * 2, 1),
    ]:
        assert seeding.plus_plus(squared(points), 4, 2, FixedDraws(0, shares)).tolist() == [0, expected]


def test_plain_k_means_plus_plus_keeps_its_single_candidate():
    points = np.array([[0.0], [1.0], [3.0], [6.0]])
    # the first draw is as above; then squared distances to rows 0 and 1 are 0, 0, 4, 25, to rows 0 and 3 they are 0, 1, 9, 0
    for shares, expected in [([0.5 / 46, 3 / 29], [1, 2]), ([0.5 / 46, 5 / 29], [1, 3]), ([20 / 46, 0.5 / 10], [3, 1])]:
        assert seeding.plus_plus(squared(points), 4, 3, FixedDraws(0, shares), trials=1).tolist() == [0, *expected]


def test_plain_k_means_plus_plus_draws_proportionally_to_the_squared_distance():
    method = KMeans(2, "plain k-means++")
    prepared = method.prepare([[0.0], [1.0], [3.0]])
    pairs = np.array([np.sort(method.start(prepared, np.random.default_rng(seed)).ravel()) for seed in range(2000)])
    # the probability of {0, 1} is 1/10 starting from 0 and 1/5 from 1; {0, 3}: 9/10 and 9/13; {1, 3}: 4/5 and 4/13
    for pair, chance in [((0, 1), 1 / 10 + 1 / 5), ((0, 3), 9 / 10 + 9 / 13), ((1, 3), 4 / 5 + 4 / 13)]:
        assert (np.abs(pairs - pair) < 1e-9).all(axis=1).mean() == pytest.approx(chance / 3, abs=0.03)


@pytest.mark.parametrize("k", [1, 2, 7, 20])
def test_k_means_plus_plus_draws_two_plus_ln_k_candidates_by_default(k):
    points = np.random.default_rng(0).normal(size=(60, 2))
    rows = [
        seeding.plus_plus(squared(points), 60, k, np.random.default_rng(1), trials).tolist()
        for trials in (None, 2 + int(np.log(k)))
    ]
    assert rows[0] == rows[1]


@pytest.mark.parametrize("trials", [0, -1, 1.5])
def test_an_invalid_number_of_candidates_raises_an_error(trials):
    with pytest.raises(ValueError, match=rf"trials must be an integer of at least 1, got {trials}"):
        seeding.plus_plus(squared(LINE), 6, 2, np.random.default_rng(0), trials)


def test_every_method_draws_one_candidate_with_plain_k_means_plus_plus():
    points = np.random.default_rng(0).normal(size=(60, 2))
    proximities = proximity_matrix(points, "squared euclidean")
    rows = seeding.plus_plus(squared(points), 60, 8, np.random.default_rng(2), trials=1)
    for method in (KMeans(8, "plain k-means++"), GaussianMixture(8, "spherical", "plain k-means++")):
        start = method.start(method.prepare(points), np.random.default_rng(2))
        np.testing.assert_allclose(start if isinstance(method, KMeans) else start.means, points[rows], rtol=1e-10)
    method = KMedoids(8, "plain k-means++")
    assert method.start(method.prepare(proximities), np.random.default_rng(2)).tolist() == rows.tolist()


def test_maxmin_chooses_the_point_farthest_from_those_chosen():
    assert seeding.maxmin(squared(LINE), 6, 4, FixedDraws(0)).tolist() == [0, 5, 4, 2]
    assert seeding.maxmin(squared(LINE), 6, 2, FixedDraws(5)).tolist() == [5, 0]


def test_maxmin_of_k_medoids_uses_unsquared_proximities():
    method = KMedoids(3, init="maxmin")
    rows = method.start(method.prepare(proximity_matrix(LINE)), FixedDraws(3))
    assert rows.tolist() == [3, 5, 0]


@pytest.mark.parametrize("k", [1, 2, 5, 12, 30])
@pytest.mark.parametrize("metric", ["euclidean", "manhattan", "squared euclidean"])
def test_build_matches_the_kmedoids_package(k, metric):
    proximities = proximity_matrix(np.random.default_rng(k).normal(size=(60, 2)), metric)
    assert seeding.build(proximities, k).tolist() == kmedoids.pam_build(proximities, k).medoids.tolist()


def test_build_chooses_the_lowest_row_on_ties_and_no_row_twice():
    assert seeding.build(np.ones((4, 4)) - np.eye(4), 4).tolist() == [0, 1, 2, 3]
    assert seeding.build(np.zeros((3, 3)), 3).tolist() == [0, 1, 2]


def test_random_rows_chooses_every_set_with_equal_probability():
    rng = np.random.default_rng(0)
    sets = [tuple(sorted(seeding.random_rows(4, 2, rng))) for _ in range(3000)]
    counts = [sets.count(chosen) for chosen in sorted(set(sets))]
    assert len(counts) == 6
    # 500 expected each, standard deviation 20
    assert max(abs(count - 500) for count in counts) < 100


@pytest.mark.parametrize("init", ["random", "k-means++", "plain k-means++", "maxmin"])
@pytest.mark.parametrize("k", [1, 3, 20])
def test_every_initialization_chooses_different_points_of_the_data(init, k):
    points = np.random.default_rng(1).normal(size=(20, 2)) + [1e4, -1e4]
    for method in (KMeans(k, init=init), GaussianMixture(k, init=init)):
        start = method.start(method.prepare(points), np.random.default_rng(3))
        centers = start if isinstance(method, KMeans) else start.means
        distances = cdist(centers, points)
        np.testing.assert_allclose(distances.min(axis=1), 0, atol=1e-10)
        assert len(set(distances.argmin(axis=1).tolist())) == k
    method = KMedoids(k, init=init)
    medoids = method.start(method.prepare(proximity_matrix(points)), np.random.default_rng(3))
    assert len(set(medoids.tolist())) == k


def mean_initial_loss(method, points, seeds):
    prepared = method.prepare(points)
    return np.mean([fit(method, prepared, rng=seed, max_iter=0).loss for seed in range(seeds)])


def test_seeding_beats_random_initialization_on_a_grid_of_groups():
    points = sampling.grid(1000, np.random.default_rng(0), side=5).points
    before, after = {}, {}
    for init in ("random", "plain k-means++", "k-means++", "maxmin"):
        method = KMeans(25, init=init)
        prepared = method.prepare(points)
        before[init] = mean_initial_loss(method, prepared, 12)
        after[init] = np.mean([fit(method, prepared, rng=seed).loss for seed in range(12)])
    assert before["k-means++"] < before["plain k-means++"] < before["random"]
    assert before["k-means++"] < 0.5 * before["random"]
    assert after["k-means++"] < 0.8 * after["random"]
    assert after["maxmin"] < 0.8 * after["random"]


def test_build_has_a_lower_initial_loss_than_random_medoids():
    proximities = proximity_matrix(sampling.grid(200, np.random.default_rng(0), side=3).points)
    built = fit(KMedoids(9), proximities, max_iter=0).loss
    assert built < 0.7 * mean_initial_loss(KMedoids(9, init="random"), proximities, 10)


def test_k_means_initializes_a_mixture_with_the_moments_of_its_clusters():
    points = np.random.default_rng(0).normal(size=(40, 2))
    points[30:] += 50
    method = GaussianMixture(2)
    start = method.start(method.prepare(points), np.random.default_rng(0))
    order = np.argsort(start.means[:, 0])
    np.testing.assert_allclose(start.weights[order], [0.75, 0.25])
    for component, cluster in zip(order, (points[:30], points[30:]), strict=True):
        np.testing.assert_allclose(start.means[component], cluster.mean(axis=0))
        np.testing.assert_allclose(start.covariances[component], np.cov(cluster.T, bias=True), rtol=1e-10)


@pytest.mark.parametrize("init", ["random", "maxmin", "array"])
def test_a_mixture_initialized_at_points_has_equal_weights_and_the_overall_covariance(init):
    points = np.random.default_rng(0).normal(size=(50, 2)) @ [[3.0, 1.0], [0.0, 0.5]]
    method = GaussianMixture(3, init=points[:3] if init == "array" else init)
    start = method.start(method.prepare(points), np.random.default_rng(0))
    np.testing.assert_array_equal(start.weights, np.full(3, 1 / 3))
    np.testing.assert_allclose(start.covariances, np.stack([np.cov(points.T, bias=True)] * 3), rtol=1e-12)
    if init == "array":
        np.testing.assert_array_equal(start.means, points[:3])


@pytest.mark.parametrize("method", [KMeans(2, "worst"), GaussianMixture(2, init="worst"), KMedoids(2, "worst")])
def test_an_unknown_initialization_raises_an_error_that_lists_the_known_ones(method):
    data = proximity_matrix(LINE) if isinstance(method, KMedoids) else LINE
    with pytest.raises(ValueError, match=r"init must be .*'plain k-means\+\+', .*'maxmin' or an array, got 'worst'"):
        fit(method, data)


def test_the_error_for_an_unknown_initialization_lists_those_of_the_method():
    with pytest.raises(ValueError, match="init must be 'k-means', 'k-means"):
        fit(GaussianMixture(2, init="kmeans"), LINE)
    with pytest.raises(ValueError, match="init must be 'build', "):
        fit(KMedoids(2, init="BUILD"), proximity_matrix(LINE))

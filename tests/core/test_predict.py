"""The clusters of new points: on training points those of the fit, against scikit-learn, ties, offsets and errors."""

import numpy as np
import pytest
import sklearn.cluster
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from clustering import (
    GaussianMixture,
    Gaussians,
    KMeans,
    KMedoids,
    fit,
    proximity_matrix,
    sampling,
    three_gaussians,
)
from tests.core.tables import examples

COVARIANCES = ("full", "tied", "diagonal", "spherical")
UPDATES = ("alternating", "swap", "steepest swap")


def two_halves(n, d, k, seed):
    """Points to fit and new ones of the same groups."""
    points = sampling.round_groups(2 * n, np.random.default_rng(seed), k=k, d=d, distance=4.0).points
    return points[:n], points[n:]


# K-means


@examples(60)
@given(
    d=st.sampled_from([1, 2, 5, 30]),
    k=st.integers(1, 6),
    seed=st.integers(0, 10_000),
    offset=st.sampled_from([0.0, -3.3, 1e8]),
    decimals=st.sampled_from([0, 1, 15]),
)
def test_training_points_get_the_labels_of_k_means(d, k, seed, offset, decimals):
    points = (3 * np.random.default_rng(seed).normal(size=(40, d))).round(decimals) + offset
    step = fit(KMeans(k), points, rng=seed)
    np.testing.assert_array_equal(KMeans(k).predict(step.parameters, points), step.labels)


def test_many_training_points_in_many_clusters_get_the_labels_of_k_means():
    points = np.random.default_rng(0).normal(size=(20_000, 3))
    step = fit(KMeans(300), points, start=points[:300], max_iter=2)
    np.testing.assert_array_equal(KMeans(300).predict(step.parameters, points), step.labels)


@pytest.mark.parametrize("d", [1, 2, 9])
@pytest.mark.parametrize("k", [1, 3, 7])
def test_new_points_get_the_labels_of_scikit_learns_k_means(d, k):
    points, new = two_halves(400, d, k, d)
    step = fit(KMeans(k), points, rng=0)
    peer = sklearn.cluster.KMeans(k, init=step.parameters, n_init=1).fit(points)
    mine = KMeans(k).predict(peer.cluster_centers_, new)
    assert mine.dtype == np.intp
    np.testing.assert_array_equal(mine, peer.predict(new))


@pytest.mark.parametrize("offset", [1e8, -1e8, 1e12])
def test_a_huge_offset_costs_no_label(offset):
    rng = np.random.default_rng(0)
    centers, points = rng.integers(-20, 20, size=(5, 2)) + 0.25, rng.integers(-20, 20, size=(300, 2)) / 4.0  # exact sums
    expected = cdist(points, centers).argmin(axis=1)
    np.testing.assert_array_equal(KMeans(5).predict(centers, points), expected)
    np.testing.assert_array_equal(KMeans(5).predict(centers + offset, points + offset), expected)


@pytest.mark.parametrize("scale", [1e-150, 1e-9, 1e9, 1e149])
def test_the_unit_does_not_matter_to_k_means(scale):
    rng = np.random.default_rng(0)
    centers, points = rng.normal(size=(4, 3)), rng.normal(size=(200, 3))
    np.testing.assert_array_equal(KMeans(4).predict(centers * scale, points * scale), cdist(points, centers).argmin(axis=1))


def test_among_equally_near_centers_the_lowest_number_is_taken():
    assert KMeans(3).predict([[0.0], [2.0], [2.0]], [[1.0], [0.9], [1.1], [2.0]]).tolist() == [0, 0, 1, 1]
    assert KMeans(2).predict([[2.0], [0.0]], [[1.0]]).tolist() == [0]


def test_each_center_is_in_its_own_cluster_and_a_list_is_as_good_as_an_array():
    centers = [[0, 0], [4, 1], [-3, 2]]
    assert KMeans(3).predict(centers, centers).tolist() == [0, 1, 2]


def test_every_point_is_in_the_only_cluster():
    points = np.random.default_rng(0).normal(size=(20, 2))
    np.testing.assert_array_equal(KMeans(1).predict([[50.0, 50.0]], points), np.zeros(20))


@pytest.mark.parametrize(
    ("centers", "points", "sentence"),
    [
        ([[0.0, 0.0]], [[0.0]], "points must have 2 columns like the centers, got 1"),
        ([[0.0]], [[0.0, 1.0]], "points must have 1 columns like the centers, got 2"),
        ([0.0, 1.0], [[0.0]], r"centers must have two dimensions \(n, d\), got 1"),
        ([[0.0], [np.nan]], [[0.0]], "centers must be finite, but row 1, column 0 is nan"),
        ([[0.0]], [[0.0], [np.inf]], "points must be finite, but row 1, column 0 is inf"),
        ([[0.0]], np.zeros((0, 1)), "points must have at least one row"),
        ([[0.0]], [["x"]], "points must be numbers"),
    ],
)
def test_what_are_no_centers_and_points_of_the_same_columns_is_refused(centers, points, sentence):
    with pytest.raises(ValueError, match=sentence):
        KMeans(2).predict(centers, points)


# K-medoids


@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("metric", ["euclidean", "cityblock", "chebyshev"])
@pytest.mark.parametrize("k", [1, 3, 6])
def test_training_points_get_the_labels_of_k_medoids(update, metric, k):
    points, _ = two_halves(120, 2, 3, k)
    proximities = cdist(points, points, metric)
    step = fit(KMedoids(k, update=update), proximities, rng=0)
    np.testing.assert_array_equal(KMedoids(k).predict(step.parameters, proximities), step.labels)


@pytest.mark.parametrize(("name", "metric"), [("euclidean", "euclidean"), ("manhattan", "cityblock")])
def test_new_points_get_the_nearest_medoid_by_their_proximities_to_the_old_ones(name, metric):
    points, new = two_halves(150, 3, 4, 0)
    medoids = fit(KMedoids(4), proximity_matrix(points, name), rng=0).parameters
    mine = KMedoids(4).predict(medoids, cdist(new, points, metric))
    assert mine.shape == (150,)
    np.testing.assert_array_equal(mine, cdist(new, points[medoids], metric).argmin(axis=1))


def test_medoids_are_centers_that_k_means_would_assign_alike():
    points, new = two_halves(150, 2, 3, 0)
    medoids = fit(KMedoids(3), cdist(points, points), rng=0).parameters
    mine = KMedoids(3).predict(medoids, cdist(new, points))
    np.testing.assert_array_equal(mine, KMeans(3).predict(points[medoids], new))


def test_only_the_columns_of_the_medoids_count():
    table = np.array([[0.0, 5.0, 1.0], [0.0, 2.0, 3.0], [0.0, 4.0, 4.0]])
    assert KMedoids(2).predict([1, 2], table).tolist() == [1, 0, 0]
    assert KMedoids(2).predict([2, 1], table).tolist() == [0, 1, 0]
    assert KMedoids(1).predict(np.array([2], dtype=np.uint8), table).tolist() == [0, 0, 0]


def test_a_point_at_two_copies_of_a_medoid_gets_the_lower_number():
    points = np.array([[0.0], [0.0], [5.0]])
    assert KMedoids(2).predict([1, 0], cdist([[0.0], [1.0]], points)).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("medoids", "proximities", "sentence"),
    [
        ([0, 3], np.ones((2, 3)), r"medoids must be among the 3 columns of proximities, got \[0, 3\]"),
        ([-1, 0], np.ones((2, 3)), r"medoids must be among the 3 columns of proximities, got \[-1, 0\]"),
        ([0.0, 1.0], np.ones((2, 3)), r"medoids must be \(k,\) row numbers, got float64 of shape \(2,\)"),
        ([True, False], np.ones((2, 3)), r"medoids must be \(k,\) row numbers, got bool of shape"),
        ([], np.ones((2, 3)), r"medoids must be \(k,\) row numbers, got float64 of shape \(0,\)"),
        ([0], [[1.0, -2.0]], r"proximities must be at least 0, got -2\.0"),
        ([0], [[1.0, np.nan]], "proximities must be finite, but row 0, column 1 is nan"),
        ([0], [[1.0], [np.inf]], "proximities must be finite, but row 1, column 0 is inf"),
        ([0], [1.0, 2.0], "proximities must have two dimensions"),
        ([0], np.ones((0, 3)), "proximities must have at least one row"),
    ],
)
def test_what_are_no_medoids_and_proximities_is_refused(medoids, proximities, sentence):
    with pytest.raises(ValueError, match=sentence):
        KMedoids(2).predict(medoids, proximities)


@pytest.mark.parametrize("medoids", [[[0, 1]], [[0], [1]], 1, np.zeros(0, dtype=int)])
def test_medoids_that_are_no_row_of_numbers_are_refused(medoids):
    with pytest.raises(ValueError, match="medoids must be"):
        KMedoids(2).predict(medoids, np.ones((4, 3)))


# mixtures


@pytest.mark.parametrize("covariance", COVARIANCES)
@pytest.mark.parametrize("d", [1, 2, 8, 9])
@pytest.mark.parametrize("offset", [0.0, 1e8])
def test_training_points_get_the_labels_of_the_mixture(covariance, d, offset):
    points = sampling.round_groups(300, np.random.default_rng(d), k=3, d=d, distance=3.0).points + offset
    method = GaussianMixture(3, covariance)
    step = fit(method, points, rng=0, max_iter=20)
    np.testing.assert_array_equal(method.predict(step.parameters, points), step.labels)


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_new_points_get_the_most_responsible_component(covariance):
    points, new = two_halves(200, 2, 3, 0)
    method = GaussianMixture(3, covariance)
    fitted = fit(method, points, rng=0).parameters
    labels = method.predict(fitted, new)
    np.testing.assert_array_equal(labels, fitted.responsibilities(new).argmax(axis=1))
    assert labels.shape == (200,)


def test_equal_round_components_have_the_clusters_of_k_means():
    means = np.array([[-3.0, 0.0], [1.0, 2.0], [2.0, -2.0]])
    mixture = Gaussians(np.full(3, 1 / 3), means, np.stack([4 * np.eye(2)] * 3))
    new = 5 * np.random.default_rng(0).normal(size=(1000, 2))
    np.testing.assert_array_equal(GaussianMixture(3).predict(mixture, new), KMeans(3).predict(means, new))


def test_a_larger_weight_moves_the_border_away_from_its_component():
    # N(-1, 1) and N(1, 1): the border is where 2 x = ln(w_0 / w_1)
    mixture = Gaussians(np.array([0.9, 0.1]), np.array([[-1.0], [1.0]]), np.ones((2, 1, 1)))
    border = np.log(9) / 2
    assert GaussianMixture(2).predict(mixture, [[border - 1e-9], [border + 1e-9]]).tolist() == [0, 1]


def test_among_equally_responsible_components_the_lowest_number_is_taken():
    mixture = Gaussians(np.full(3, 1 / 3), np.array([[5.0], [1.0], [-1.0]]), np.ones((3, 1, 1)))
    assert GaussianMixture(3).predict(mixture, [[0.0], [-0.1], [0.1]]).tolist() == [1, 2, 1]


@pytest.mark.parametrize("sigmas", [1e2, 1e6, 1e12])
def test_points_far_from_every_component_go_to_the_one_that_falls_off_last(sigmas):
    mixture = Gaussians(np.array([0.5, 0.5]), np.zeros((2, 1)), np.array([[[1.0]], [[4.0]]]))
    assert GaussianMixture(2).predict(mixture, [[sigmas], [-sigmas], [0.0]]).tolist() == [1, 1, 0]


def test_a_mixture_of_other_columns_has_no_label_for_a_point():
    fitted = fit(GaussianMixture(2), three_gaussians(50, np.random.default_rng(0)).points, rng=0).parameters
    with pytest.raises(ValueError, match="points must have 2 columns, as the means do, got 3"):
        GaussianMixture(2).predict(fitted, [[1.0, 2.0, 3.0]])
    with pytest.raises(ValueError, match="points must be finite, but row 0, column 1 is nan"):
        GaussianMixture(2).predict(fitted, [[1.0, np.nan]])


# all


def test_nothing_given_to_predict_is_changed():
    points, new = two_halves(50, 2, 3, 0)
    old = cdist(points, points)
    across = cdist(new, points)
    medoids, centers = np.array([0, 1, 2]), points[:3].copy()
    mixture = Gaussians(np.full(3, 1 / 3), centers, np.stack([np.eye(2)] * 3))
    arrays = [points, new, old, across, medoids, centers, *mixture]
    before = [of.copy() for of in arrays]
    for of in arrays:
        of.flags.writeable = False
    one = KMeans(3).predict(centers, new)
    other = KMedoids(3).predict(medoids, across)
    third = GaussianMixture(3).predict(mixture, new)
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(one, third)
    for of, was in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(of, was)


@pytest.mark.parametrize("rows", [1, 7])
def test_a_point_gets_the_same_label_alone_and_among_others(rows):
    points, new = two_halves(120, 3, 4, 2)
    centers = fit(KMeans(4), points, rng=0).parameters
    medoids = fit(KMedoids(4), cdist(points, points), rng=0).parameters
    mixture = fit(GaussianMixture(4), points, rng=0).parameters
    across = cdist(new, points)
    ways = [
        lambda part: KMeans(4).predict(centers, new[part]),
        lambda part: KMedoids(4).predict(medoids, across[part]),
        lambda part: GaussianMixture(4).predict(mixture, new[part]),
    ]
    for predict in ways:
        parts = [predict(slice(i, i + rows)) for i in range(0, len(new), rows)]
        np.testing.assert_array_equal(np.concatenate(parts), predict(slice(None)))

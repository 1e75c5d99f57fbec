"""Prediction: labels of training points, comparison with scikit-learn, ties, offsets and invalid arguments."""

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
    """Training points and new points from the same groups."""
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
def test_k_means_predicts_the_labels_of_training_points(d, k, seed, offset, decimals):
    points = (3 * np.random.default_rng(seed).normal(size=(40, d))).round(decimals) + offset
    step = fit(KMeans(k), points, rng=seed)
    np.testing.assert_array_equal(KMeans(k).predict(step.parameters, points), step.labels)


def test_k_means_predicts_the_labels_of_several_chunks_of_training_points(monkeypatch):
    monkeypatch.setattr("clustering.distances.chunk_size", lambda rows: 700)
    points = np.random.default_rng(0).normal(size=(3_000, 3))
    step = fit(KMeans(300), points, start=points[:300], max_iter=2)
    np.testing.assert_array_equal(KMeans(300).predict(step.parameters, points), step.labels)


@pytest.mark.parametrize("d", [1, 2, 9])
@pytest.mark.parametrize("k", [1, 3, 7])
def test_k_means_predicts_new_points_like_scikit_learn(d, k):
    points, new = two_halves(400, d, k, d)
    step = fit(KMeans(k), points, rng=0)
    peer = sklearn.cluster.KMeans(k, init=step.parameters, n_init=1).fit(points)
    labels = KMeans(k).predict(peer.cluster_centers_, new)
    assert labels.dtype == np.intp
    np.testing.assert_array_equal(labels, peer.predict(new))


@pytest.mark.parametrize("offset", [1e8, -1e8, 1e12])
def test_a_huge_offset_changes_no_label(offset):
    rng = np.random.default_rng(0)
    centers, points = rng.integers(-20, 20, size=(5, 2)) + 0.25, rng.integers(-20, 20, size=(300, 2)) / 4.0  # exact sums
    expected = cdist(points, centers).argmin(axis=1)
    np.testing.assert_array_equal(KMeans(5).predict(centers, points), expected)
    np.testing.assert_array_equal(KMeans(5).predict(centers + offset, points + offset), expected)


@pytest.mark.parametrize("scale", [1e-150, 1e-9, 1e9, 1e149])
def test_scaling_does_not_change_k_means_predictions(scale):
    rng = np.random.default_rng(0)
    centers, points = rng.normal(size=(4, 3)), rng.normal(size=(200, 3))
    np.testing.assert_array_equal(KMeans(4).predict(centers * scale, points * scale), cdist(points, centers).argmin(axis=1))


def test_a_tie_between_centers_goes_to_the_lowest_index():
    assert KMeans(3).predict([[0.0], [2.0], [2.0]], [[1.0], [0.9], [1.1], [2.0]]).tolist() == [0, 0, 1, 1]
    assert KMeans(2).predict([[2.0], [0.0]], [[1.0]]).tolist() == [0]


def test_each_center_is_in_its_own_cluster_and_lists_are_accepted():
    centers = [[0, 0], [4, 1], [-3, 2]]
    assert KMeans(3).predict(centers, centers).tolist() == [0, 1, 2]


def test_a_single_cluster_contains_every_point():
    points = np.random.default_rng(0).normal(size=(20, 2))
    np.testing.assert_array_equal(KMeans(1).predict([[50.0, 50.0]], points), np.zeros(20))


@pytest.mark.parametrize(
    ("centers", "points", "message"),
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
def test_invalid_centers_or_points_raise_an_error(centers, points, message):
    with pytest.raises(ValueError, match=message):
        KMeans(2).predict(centers, points)


# K-medoids


@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("metric", ["euclidean", "cityblock", "chebyshev"])
@pytest.mark.parametrize("k", [1, 3, 6])
def test_k_medoids_predicts_the_labels_of_training_points(update, metric, k):
    points, _ = two_halves(120, 2, 3, k)
    proximities = cdist(points, points, metric)
    step = fit(KMedoids(k, update=update), proximities, rng=0)
    np.testing.assert_array_equal(KMedoids(k).predict(step.parameters, proximities), step.labels)


@pytest.mark.parametrize(("name", "metric"), [("euclidean", "euclidean"), ("manhattan", "cityblock")])
def test_k_medoids_predicts_new_points_from_their_proximities_to_the_training_points(name, metric):
    points, new = two_halves(150, 3, 4, 0)
    medoids = fit(KMedoids(4), proximity_matrix(points, name), rng=0).parameters
    labels = KMedoids(4).predict(medoids, cdist(new, points, metric))
    assert labels.shape == (150,)
    np.testing.assert_array_equal(labels, cdist(new, points[medoids], metric).argmin(axis=1))


def test_k_medoids_and_k_means_predict_alike_with_the_same_centers():
    points, new = two_halves(150, 2, 3, 0)
    medoids = fit(KMedoids(3), cdist(points, points), rng=0).parameters
    labels = KMedoids(3).predict(medoids, cdist(new, points))
    np.testing.assert_array_equal(labels, KMeans(3).predict(points[medoids], new))


def test_only_the_columns_of_the_medoids_are_used():
    table = np.array([[0.0, 5.0, 1.0], [0.0, 2.0, 3.0], [0.0, 4.0, 4.0]])
    assert KMedoids(2).predict([1, 2], table).tolist() == [1, 0, 0]
    assert KMedoids(2).predict([2, 1], table).tolist() == [0, 1, 0]
    assert KMedoids(1).predict(np.array([2], dtype=np.uint8), table).tolist() == [0, 0, 0]


def test_a_tie_between_medoids_goes_to_the_lowest_index():
    points = np.array([[0.0], [0.0], [5.0]])
    assert KMedoids(2).predict([1, 0], cdist([[0.0], [1.0]], points)).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("medoids", "proximities", "message"),
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
def test_invalid_medoids_or_proximities_raise_an_error(medoids, proximities, message):
    with pytest.raises(ValueError, match=message):
        KMedoids(2).predict(medoids, proximities)


@pytest.mark.parametrize("medoids", [[[0, 1]], [[0], [1]], 1, np.zeros(0, dtype=int)])
def test_medoids_that_are_not_a_vector_raise_an_error(medoids):
    with pytest.raises(ValueError, match="medoids must be"):
        KMedoids(2).predict(medoids, np.ones((4, 3)))


# mixtures


@pytest.mark.parametrize("covariance", COVARIANCES)
@pytest.mark.parametrize("d", [1, 2, 8, 9])
@pytest.mark.parametrize("offset", [0.0, 1e8])
def test_the_mixture_predicts_the_labels_of_training_points(covariance, d, offset):
    points = sampling.round_groups(300, np.random.default_rng(d), k=3, d=d, distance=3.0).points + offset
    method = GaussianMixture(3, covariance)
    step = fit(method, points, rng=0, max_iter=20)
    np.testing.assert_array_equal(method.predict(step.parameters, points), step.labels)


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_the_mixture_predicts_the_component_with_the_highest_responsibility(covariance):
    points, new = two_halves(200, 2, 3, 0)
    method = GaussianMixture(3, covariance)
    fitted = fit(method, points, rng=0).parameters
    labels = method.predict(fitted, new)
    np.testing.assert_array_equal(labels, fitted.responsibilities(new).argmax(axis=1))
    assert labels.shape == (200,)


def test_equal_spherical_components_predict_like_k_means():
    means = np.array([[-3.0, 0.0], [1.0, 2.0], [2.0, -2.0]])
    mixture = Gaussians(np.full(3, 1 / 3), means, np.stack([4 * np.eye(2)] * 3))
    new = 5 * np.random.default_rng(0).normal(size=(1000, 2))
    np.testing.assert_array_equal(GaussianMixture(3).predict(mixture, new), KMeans(3).predict(means, new))


def test_a_larger_weight_moves_the_boundary_away_from_its_component():
    # N(-1, 1) and N(1, 1): on the boundary 2 x = ln(w_0 / w_1)
    mixture = Gaussians(np.array([0.9, 0.1]), np.array([[-1.0], [1.0]]), np.ones((2, 1, 1)))
    boundary = np.log(9) / 2
    assert GaussianMixture(2).predict(mixture, [[boundary - 1e-9], [boundary + 1e-9]]).tolist() == [0, 1]


def test_a_tie_between_components_goes_to_the_lowest_index():
    mixture = Gaussians(np.full(3, 1 / 3), np.array([[5.0], [1.0], [-1.0]]), np.ones((3, 1, 1)))
    assert GaussianMixture(3).predict(mixture, [[0.0], [-0.1], [0.1]]).tolist() == [1, 2, 1]


@pytest.mark.parametrize("sigmas", [1e2, 1e6, 1e12])
def test_distant_points_go_to_the_component_with_the_larger_variance(sigmas):
    mixture = Gaussians(np.array([0.5, 0.5]), np.zeros((2, 1)), np.array([[[1.0]], [[4.0]]]))
    assert GaussianMixture(2).predict(mixture, [[sigmas], [-sigmas], [0.0]]).tolist() == [1, 1, 0]


def test_points_with_the_wrong_number_of_columns_raise_an_error():
    fitted = fit(GaussianMixture(2), three_gaussians(50, np.random.default_rng(0)).points, rng=0).parameters
    with pytest.raises(ValueError, match="points must have 2 columns, as the means do, got 3"):
        GaussianMixture(2).predict(fitted, [[1.0, 2.0, 3.0]])
    with pytest.raises(ValueError, match="points must be finite, but row 0, column 1 is nan"):
        GaussianMixture(2).predict(fitted, [[1.0, np.nan]])


# all methods


def test_predict_does_not_modify_its_arguments():
    points, new = two_halves(50, 2, 3, 0)
    training = cdist(points, points)
    to_training = cdist(new, points)
    medoids, centers = np.array([0, 1, 2]), points[:3].copy()
    mixture = Gaussians(np.full(3, 1 / 3), centers, np.stack([np.eye(2)] * 3))
    arrays = [points, new, training, to_training, medoids, centers, *mixture]
    copies = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    one = KMeans(3).predict(centers, new)
    other = KMedoids(3).predict(medoids, to_training)
    third = GaussianMixture(3).predict(mixture, new)
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(one, third)
    for array, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize("rows", [1, 7])
def test_predictions_do_not_depend_on_the_other_points(rows):
    points, new = two_halves(120, 3, 4, 2)
    centers = fit(KMeans(4), points, rng=0).parameters
    medoids = fit(KMedoids(4), cdist(points, points), rng=0).parameters
    mixture = fit(GaussianMixture(4), points, rng=0).parameters
    to_training = cdist(new, points)
    predictors = [
        lambda part: KMeans(4).predict(centers, new[part]),
        lambda part: KMedoids(4).predict(medoids, to_training[part]),
        lambda part: GaussianMixture(4).predict(mixture, new[part]),
    ]
    for predict in predictors:
        parts = [predict(slice(i, i + rows)) for i in range(0, len(new), rows)]
        np.testing.assert_array_equal(np.concatenate(parts), predict(slice(None)))

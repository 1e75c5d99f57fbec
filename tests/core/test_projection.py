"""Principal components and classical scaling: by hand, properties, scikit-learn and a full decomposition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.decomposition import PCA

from clustering.projection import classical_scaling, principal_components
from clustering.proximity import proximity_matrix
from tests.core.tables import examples

TABLES = arrays(float, st.tuples(st.integers(2, 14), st.integers(1, 6)), elements=st.integers(-9, 9).map(float))


def test_principal_components_of_points_on_a_line_by_hand():
    components = principal_components([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]])
    np.testing.assert_allclose(components.mean, [3, 4])
    np.testing.assert_allclose(components.axes, [[0.6, 0.8], [0.8, -0.6]], atol=1e-15)
    np.testing.assert_allclose(components.variances, [25, 0], atol=1e-14)
    np.testing.assert_allclose(components.shares, [1, 0], atol=1e-15)
    np.testing.assert_allclose(components.project([[6.0, 8.0], [-1.0, 7.0]], 2), [[5, 0], [0, -5]], atol=1e-14)


def test_the_first_of_equal_loadings_is_positive():
    components = principal_components([[1.0, -1.0], [-1.0, 1.0], [2.0, -2.0], [-2.0, 2.0]])
    np.testing.assert_allclose(components.axes[0], [0.5**0.5, -(0.5**0.5)])


def test_equal_points_have_zero_variance_shares():
    components = principal_components(np.full((4, 3), 0.1) + 1e8)
    assert components.variances.tolist() == [0, 0, 0]
    assert components.shares.tolist() == [0, 0, 0]
    np.testing.assert_allclose(components.axes @ components.axes.T, np.eye(3), atol=1e-15)


@examples(60)
@given(points=TABLES)
def test_components_decompose_the_covariance_for_any_shape(points):
    components = principal_components(points)
    d = points.shape[1]
    np.testing.assert_allclose(components.axes @ components.axes.T, np.eye(d), atol=1e-13)
    covariance = np.cov(points.T).reshape(d, d)
    np.testing.assert_allclose((components.axes.T * components.variances) @ components.axes, covariance, atol=1e-11)
    assert (np.diff(components.variances) <= 0).all()
    back = components.project(points, d) @ components.axes + components.mean
    np.testing.assert_allclose(back, points, atol=1e-12)


@pytest.mark.parametrize("shape", [(200, 5), (6, 9)])
def test_components_match_scikit_learn(shape):
    points = np.random.default_rng(0).normal(size=shape) * np.arange(1, shape[1] + 1)
    components, peer = principal_components(points), PCA().fit(points)
    m = min(shape[0] - 1, shape[1])
    np.testing.assert_allclose(components.mean, peer.mean_, atol=1e-14)
    np.testing.assert_allclose(components.variances[:m], peer.explained_variance_[:m], rtol=1e-12)
    np.testing.assert_allclose(components.shares[:m], peer.explained_variance_ratio_[:m], rtol=1e-12)
    np.testing.assert_allclose(np.abs(components.axes[:m] @ peer.components_[:m].T), np.eye(m), atol=1e-12)
    assert (components.axes[np.arange(shape[1]), np.abs(components.axes).argmax(axis=1)] > 0).all()


@pytest.mark.parametrize("scale", [1e-140, 1e-12, 1e12, 1e140])
def test_components_scale_with_the_points(scale):
    points = np.random.default_rng(0).normal(size=(20, 3))
    plain, scaled = principal_components(points), principal_components(points * scale)
    np.testing.assert_allclose(scaled.axes, plain.axes, atol=1e-12)
    np.testing.assert_allclose(scaled.variances, plain.variances * scale**2, rtol=1e-12)


def test_a_large_offset_does_not_change_the_components():
    points = np.random.default_rng(0).integers(-999, 999, size=(50, 3)).astype(float)
    plain, moved = principal_components(points), principal_components(points + 1e8)
    np.testing.assert_allclose(moved.variances, plain.variances, rtol=1e-12)
    np.testing.assert_allclose(moved.axes, plain.axes, atol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: principal_components([[1.0, 2.0]]), "need at least two rows, got 1"),
        (lambda: principal_components([[1.0, np.nan], [1.0, 2.0]]), "row 0, column 1 is nan"),
        (lambda: principal_components(np.eye(3)).project(np.eye(3), 4), "m must be an integer in 1..d=3, got 4"),
        (lambda: principal_components(np.eye(3)).project(np.eye(3), 1.0), "m must be an integer"),
        (lambda: principal_components(np.eye(3)).project(np.eye(2), 1), "must have 3 columns"),
        (lambda: classical_scaling([[0.0, 1.0], [2.0, 0.0]]), "symmetric"),
        (lambda: classical_scaling(np.zeros((2, 2)), 0), "dimensions must be an integer of at least 1, got 0"),
    ],
)
def test_invalid_arguments_are_rejected(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_classical_scaling_of_two_rows_by_hand():
    scaling = classical_scaling([[0.0, 6.0], [6.0, 0.0]])
    np.testing.assert_allclose(scaling.points, [[3, 0], [-3, 0]], atol=1e-14)
    assert scaling.share == pytest.approx(1)


def test_share_counts_negative_eigenvalues_by_hand():
    # the doubly centered squares have eigenvalues 2, 2, 0 and -1/2: a star whose center is too close to its three ends
    star = [[0, 2, 2, 1], [2, 0, 2, 1], [2, 2, 0, 1], [1, 1, 1, 0]]
    scaling = classical_scaling(star, 3)
    assert scaling.share == pytest.approx(4 / 4.25)
    assert classical_scaling(star, 1).share == pytest.approx(2 / 4.25)
    np.testing.assert_allclose((scaling.points**2).sum(axis=0), [2, 2, 0], atol=1e-14)


@pytest.mark.parametrize("n", [1, 2, 9])
def test_equal_rows_are_placed_at_the_origin(n):
    scaling = classical_scaling(np.zeros((n, n)), 3)
    assert scaling.points.shape == (n, 3)
    assert not scaling.points.any()
    assert scaling.share == 1


@examples(60)
@given(points=TABLES)
def test_euclidean_distances_are_reproduced(points):
    distances = proximity_matrix(points)
    scaling = classical_scaling(distances, points.shape[1] + 1)
    # the tolerance is the square root of the rounding error, because zero distances result from canceling squares
    np.testing.assert_allclose(proximity_matrix(scaling.points), distances, atol=2e-6 * (1 + distances.max()))
    assert scaling.share == pytest.approx(1)
    np.testing.assert_allclose(scaling.points[:, -1], 0, atol=2e-6 * (1 + distances.max()))
    np.testing.assert_allclose(scaling.points.sum(axis=0), 0, atol=1e-5)


def test_classical_scaling_of_distances_equals_principal_components():
    points = np.random.default_rng(0).normal(size=(60, 4)) * [4, 3, 2, 1]
    scaling, components = classical_scaling(proximity_matrix(points), 4), principal_components(points)
    np.testing.assert_allclose(np.abs(scaling.points), np.abs(components.project(points, 4)), atol=1e-12)
    assert classical_scaling(proximity_matrix(points)).share == pytest.approx(components.shares[:2].sum())
    assert (scaling.points[np.abs(scaling.points).argmax(axis=0), np.arange(4)] > 0).all()


@pytest.mark.parametrize("n", [5, 7, 8, 40])
def test_scaling_of_non_euclidean_dissimilarities_matches_a_full_decomposition(n):
    proximities = np.random.default_rng(n).uniform(1, 9, size=(n, n))
    proximities = np.triu(proximities, 1) + np.triu(proximities, 1).T
    centering = np.eye(n) - 1 / n
    values, vectors = np.linalg.eigh(-0.5 * centering @ proximities**2 @ centering)
    scaling = classical_scaling(proximities, 2)
    np.testing.assert_allclose(scaling.points.T @ scaling.points, np.diag(values[:-3:-1]), atol=1e-10)
    assert scaling.share == pytest.approx(values[-2:].sum() / np.abs(values).sum())
    np.testing.assert_allclose(np.abs(scaling.points[:, 0]), np.abs(vectors[:, -1]) * values[-1] ** 0.5, atol=1e-10)


def test_equal_eigenvalues_have_orthogonal_directions():
    simplex = np.ones((50, 50)) - np.eye(50)
    scaling = classical_scaling(simplex, 60)
    np.testing.assert_allclose(proximity_matrix(scaling.points), simplex, atol=1e-12)
    assert not scaling.points[:, 49:].any()


@pytest.mark.parametrize("scale", [1e-160, 1e-12, 1e12, 1e160])
def test_classical_scaling_scales_with_the_dissimilarities(scale):
    distances = proximity_matrix(np.random.default_rng(0).normal(size=(20, 3)))
    plain, scaled = classical_scaling(distances), classical_scaling(distances * scale)
    np.testing.assert_allclose(scaled.points / scale, plain.points, atol=1e-12)
    assert scaled.share == pytest.approx(plain.share)


def test_given_proximities_are_not_modified():
    distances = proximity_matrix(np.random.default_rng(0).normal(size=(20, 3)))
    copy = distances.copy()
    classical_scaling(distances)
    np.testing.assert_array_equal(distances, copy)

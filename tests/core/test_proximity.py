"""Proximity matrices: by hand, validation, and rounding errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from clustering import check_proximities, proximity_matrix
from clustering.proximity import METRICS
from tests.core.tables import examples

DISTANCES = ["euclidean", "squared euclidean", "manhattan", "chebyshev"]


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("euclidean", 5.0),
        ("squared euclidean", 25.0),
        ("manhattan", 7.0),
        ("chebyshev", 4.0),
        ("cosine", 1 - 0.6),
    ],
)
def test_two_points_by_hand(metric, expected):
    points = [[1.0, 0.0], [4.0, 4.0]] if metric != "cosine" else [[2.0, 0.0], [3.0, 4.0]]
    np.testing.assert_allclose(proximity_matrix(points, metric), [[0, expected], [expected, 0]], atol=1e-15)


def test_correlation_by_hand():
    profiles = [[1.0, 2.0, 3.0], [10.0, 20.0, 30.0], [3.0, 2.0, 1.0], [0.0, 1.0, 0.0]]
    expected = [[0, 0, 2, 1], [0, 0, 2, 1], [2, 2, 0, 1], [1, 1, 1, 0]]
    np.testing.assert_allclose(proximity_matrix(profiles, "correlation"), expected, atol=1e-15)


@pytest.mark.parametrize("metric", METRICS)
@examples(25)
@given(points=arrays(float, st.tuples(st.integers(1, 12), st.integers(3, 4)), elements=st.integers(-4, 4).map(float)))
def test_every_metric_gives_a_valid_matrix(metric, points):
    points = points + np.arange(points.shape[1]) ** 2 / 7 + 5  # no constant rows, for which correlation is undefined
    matrix = proximity_matrix(points, metric)
    np.testing.assert_array_equal(check_proximities(matrix), matrix)
    np.testing.assert_array_equal(matrix, matrix.T)
    _, distinct = np.unique(points, axis=0, return_inverse=True)
    same = np.equal.outer(distinct.ravel(), distinct.ravel())
    np.testing.assert_allclose(matrix[same], 0, atol=1e-15)
    if metric in DISTANCES:
        assert (matrix[~same] > 0).all()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("scale", [1e-9, 1e9])
def test_scaling_the_points_scales_the_proximities(metric, scale):
    points = np.random.default_rng(0).normal(size=(20, 3))
    power = {"squared euclidean": 2, "cosine": 0, "correlation": 0}.get(metric, 1)
    expected = proximity_matrix(points, metric) * scale**power
    np.testing.assert_allclose(proximity_matrix(points * scale, metric), expected, rtol=1e-9, atol=1e-14 * scale**power)


@pytest.mark.parametrize("metric", DISTANCES)
def test_a_common_offset_does_not_change_distances(metric):
    points = np.random.default_rng(0).integers(-9, 9, size=(20, 3)).astype(float)
    np.testing.assert_allclose(proximity_matrix(points + 1e8, metric), proximity_matrix(points, metric), rtol=1e-12)


@pytest.mark.parametrize("value", [0.1, 0.7, 1e-9, 1e8 + 0.3])
def test_correlation_with_a_constant_row_raises_an_error_whatever_the_value(value):
    # the mean of a constant row may differ from its values by rounding
    for columns in (3, 7, 10):
        points = np.vstack([np.arange(columns), np.full(columns, value)])
        with pytest.raises(ValueError, match="correlation is not defined for row 1, which has equal values"):
            proximity_matrix(points, "correlation")


def test_one_point_has_distance_zero_to_itself():
    for metric in METRICS:
        assert proximity_matrix([[1.0, 2.0, 4.0]], metric).tolist() == [[0.0]]


def test_single_precision_points_are_computed_in_double_precision():
    points = np.random.default_rng(0).normal(size=(10, 3)).astype(np.float32)
    matrix = proximity_matrix(points)
    assert matrix.dtype == np.float64
    np.testing.assert_array_equal(matrix, proximity_matrix(points.astype(float)))


def test_integers_and_lists_are_accepted_as_proximities():
    checked = check_proximities([[0, 1], [1, 0]])
    assert checked.dtype == np.float64
    assert checked.tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize(("difference", "passes"), [(1e-9, True), (1e-7, False)])
@pytest.mark.parametrize("scale", [1.0, 1e-9, 1e9])
def test_only_rounding_errors_may_make_a_matrix_asymmetric(difference, passes, scale):
    matrix = np.array([[0, 1, 2], [1, 0, 3], [2, 3, 0.0]]) * scale
    matrix[0, 2] *= 1 + difference
    if passes:
        np.testing.assert_array_equal(check_proximities(matrix), matrix)
    else:
        with pytest.raises(ValueError, match=r"symmetric, but entry \(0, 2\)"):
            check_proximities(matrix)


def test_the_check_does_not_modify_the_matrix():
    matrix = proximity_matrix(np.random.default_rng(0).normal(size=(30, 2)))
    copy = matrix.copy()
    check_proximities(matrix)
    np.testing.assert_array_equal(matrix, copy)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([1.0, 2.0], r"two dimensions \(n, d\), got 1"),
        ([[np.inf, 1.0]], r"finite, but row 0, column 0 is inf"),
        (np.empty((3, 0)), r"at least one row and one column, got shape \(3, 0\)"),
        ([["a"]], r"points must be numbers"),
    ],
)
def test_invalid_points_raise_an_error(points, message):
    with pytest.raises(ValueError, match=message):
        proximity_matrix(points)

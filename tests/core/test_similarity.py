"""Nearest neighbors and analogies: by hand, properties, and invalid arguments."""

import numpy as np
import pytest
from hypothesis import given

from clustering import analogy, most_similar
from tests.core.tables import examples, tables

VECTORS = np.array([[3.0, 0.0], [4.0, 3.0], [0.0, 2.0], [-1.0, 0.0], [0.0, 0.0]])


def test_neighbors_of_a_vector_by_hand():
    indices, cosines = most_similar(VECTORS, 0)
    assert indices.tolist() == [1, 2, 4, 3]
    np.testing.assert_allclose(cosines, [0.8, 0, 0, -1], atol=1e-15)


def test_neighbors_of_a_direction_include_all_vectors_except_those_excluded():
    indices, cosines = most_similar(VECTORS, [0.0, 5.0], n=2)
    assert indices.tolist() == [2, 1]
    np.testing.assert_allclose(cosines, [1, 0.6])
    assert most_similar(VECTORS, [0.0, 5.0], exclude=[2, 0])[0].tolist() == [1, 3, 4]
    assert most_similar(VECTORS, 2, n=1, exclude=(1,))[0].tolist() == [0]


def test_a_zero_vector_has_cosine_zero_with_all():
    assert most_similar(VECTORS, 4)[1].tolist() == [0, 0, 0, 0]
    assert most_similar(VECTORS, [0.0, 0.0])[1].tolist() == [0, 0, 0, 0, 0]


def test_ties_are_in_the_order_of_the_indices():
    assert most_similar(np.zeros((1000, 2)), 3, n=2000)[0].tolist() == [i for i in range(1000) if i != 3]


@pytest.mark.parametrize("scale", [1e-200, 1e-310, 1e140])
def test_tiny_and_huge_vectors_have_directions(scale):
    np.testing.assert_allclose(most_similar(VECTORS * scale, [0.0, scale])[1], [1, 0.6, 0, 0, 0], rtol=1e-9)


def test_analogies_by_hand():
    root = np.sqrt(0.5)
    # b - a + c is (0, 1) - (1, 0) + (-1, 0) = (-2, 1); the last vector is b itself, but longer
    vectors = np.array([[1.0, 0], [0, 1], [-1, 0], [-1, 1], [0, 7]])
    indices, scores = analogy(vectors, 0, 1, 2)
    assert indices.tolist() == [3, 4]
    np.testing.assert_allclose(scores, [3 * root / np.sqrt(5), 1 / np.sqrt(5)])
    indices, scores = analogy(vectors, 0, 1, 2, method="multiply")
    assert indices.tolist() == [3, 4]
    shifted = (1 + root) / 2
    np.testing.assert_allclose(scores, [shifted * shifted / ((1 - root) / 2 + 1e-3), 1 * 0.5 / (0.5 + 1e-3)])


@pytest.mark.parametrize("method", ["add", "multiply"])
def test_a_parallelogram_is_completed(method):
    rng = np.random.default_rng(0)
    base, royal, female = rng.normal(size=(3, 20))
    vectors = np.array([base, base + female, base + royal, base + royal + female, *rng.normal(size=(30, 20))])
    assert analogy(vectors, 0, 1, 2, n=1, method=method)[0].tolist() == [3]
    assert analogy(vectors, 3, 2, 1, n=1, method=method)[0].tolist() == [0]


@examples(100)
@given(points=tables(rows=3, columns=1))
def test_cosines_match_a_plain_loop_and_do_not_depend_on_lengths(points):
    lengths = np.array([float(np.linalg.norm(row / (np.abs(row).max() or 1))) * (np.abs(row).max() or 1) for row in points])
    expected = [points[0] / (lengths[0] or 1) @ (row / (length or 1)) for row, length in zip(points, lengths, strict=True)]
    indices, cosines = most_similar(points, 0, n=100)
    assert sorted(indices) == list(range(1, len(points)))
    np.testing.assert_allclose(cosines, np.array(expected)[indices], atol=1e-12)
    assert (np.diff(cosines) <= 0).all()
    # a power of two, so that no rounding changes the order
    np.testing.assert_array_equal(most_similar(points * 2.0**-20, 0, n=100)[0], indices)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: most_similar(VECTORS, 5), r"query must be an index in 0\.\.4, got 5"),
        (lambda: most_similar(VECTORS, -1), r"query must be an index in 0\.\.4, got -1"),
        (lambda: most_similar(VECTORS, [1.0, 2, 3]), r"query must be an index or a vector of shape \(2,\), got shape \(3,\)"),
        (lambda: most_similar(VECTORS, [1.0, np.nan]), "query must be finite"),
        (lambda: most_similar(VECTORS, "king"), r"vector of shape \(2,\), got shape \(\)"),
        (lambda: most_similar(VECTORS, 0, n=0), "n must be an integer of at least 1, got 0"),
        (lambda: most_similar(VECTORS, 0, exclude=[7]), r"exclude must be an index in 0\.\.4, got 7"),
        (lambda: most_similar([[np.inf]], 0), "vectors must be finite"),
        (lambda: analogy(VECTORS, 0, 1, 5), r"c must be an index in 0\.\.4, got 5"),
        (lambda: analogy(VECTORS, 0, 1.0, 2), r"b must be an index in 0\.\.4, got 1.0"),
        (lambda: analogy(VECTORS, 0, 1, 2, method="mean"), "method must be one of add, multiply, got 'mean'"),
    ],
)
def test_invalid_arguments_raise_an_error(call, message):
    with pytest.raises(ValueError, match=message):
        call()

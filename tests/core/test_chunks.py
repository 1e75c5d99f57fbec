"""Two smallest entries of each column, exact and approximate; chunked evaluation; blocked matrix products."""

import numpy as np
import pytest

from clustering.chunks import approximate_two_smallest, inner_product, map_chunks, product, two_smallest

EPS = np.finfo(float).eps


@pytest.mark.parametrize("k", [1, 2, 5, 16, 17, 300])
def test_two_smallest_equals_sorting_and_returns_the_lowest_row_on_ties(k):
    rows = np.random.default_rng(k).integers(-3, 4, size=(k, 200)).astype(float)
    least, labels, second = two_smallest(rows)
    ordered = np.sort(np.vstack([rows, np.full(200, np.inf)]), axis=0)
    np.testing.assert_array_equal(least, ordered[0])
    np.testing.assert_array_equal(second, ordered[1])
    np.testing.assert_array_equal(labels, rows.argmin(axis=0))


@pytest.mark.parametrize("shift", [-1e6, 0.0, 1e6])
@pytest.mark.parametrize(("k", "n"), [(1, 9), (4, 50), (5, 50), (16, 700), (17, 1), (300, 40), (6, 2**16)])
def test_approximate_two_smallest_is_within_its_error_bound(k, n, shift):
    rows = np.random.default_rng(k).normal(size=(k, n)) + shift
    error = 2 * k * EPS * np.abs(rows).max()
    expected_least, expected_labels, expected_second = two_smallest(rows)
    least, labels, second = approximate_two_smallest(rows.copy())
    np.testing.assert_allclose(least, expected_least, rtol=0, atol=error)
    np.testing.assert_allclose(second, expected_second, rtol=0, atol=error)
    clear = expected_second - expected_least > 2 * error
    assert clear.mean() > 0.99
    np.testing.assert_array_equal(labels[clear], expected_labels[clear])
    assert (rows[labels, np.arange(n)] <= expected_least + 2 * error).all()


def test_tied_smallest_entries_are_both_returned():
    rows = np.array([[3.0], [0.0], [0.0], [-0.0], [5.0]])
    least, labels, second = approximate_two_smallest(rows)
    assert labels[0] in (1, 2, 3)
    assert abs(least[0]) < 1e-300
    assert abs(second[0]) < 1e-300


def test_map_chunks_returns_results_in_order():
    assert map_chunks(lambda chunk: (chunk.start, chunk.stop), 1000, 7) == [
        (begin, min(begin + 7, 1000)) for begin in range(0, 1000, 7)
    ]


@pytest.mark.parametrize(
    ("k", "m", "n"), [(3, 6, 2_000), (1, 1, 5), (8, 45, 5_000), (10, 231, 452), (60, 400, 200), (2, 9_000, 130)]
)
def test_blocked_products_equal_direct_products(k, m, n):
    rng = np.random.default_rng(n)
    left, columns, weights = rng.normal(size=(k, m)), rng.normal(size=(m, n + 7))[:, 3:-4], rng.normal(size=(k, n))
    np.testing.assert_allclose(product(left, columns), left @ columns, rtol=0, atol=1e-12 * m)
    np.testing.assert_allclose(inner_product(weights, columns), weights @ columns.T, rtol=0, atol=1e-12 * n)

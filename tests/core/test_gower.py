"""Gower's dissimilarity: by hand, invariances, and against a double loop."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustering.gower import gower_matrix
from tests.core.tables import examples

MISSING = np.nan


def double_loop(numbers, categories):
    n = len(numbers)
    result = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if i == j:
                continue
            values = []
            for column in numbers.T:
                if not np.isnan(column[[i, j]]).any():
                    extent = np.nanmax(column) - np.nanmin(column)
                    values.append(abs(column[i] - column[j]) / extent if extent else 0.0)
            for column in categories.T:
                if column[i] >= 0 and column[j] >= 0:
                    values.append(float(column[i] != column[j]))
            result[i, j] = np.mean(values) if values else MISSING
    return result


@st.composite
def tables(draw):
    seed = draw(st.integers(0, 2**32 - 1))
    n, p, q = draw(st.integers(1, 12)), draw(st.integers(0, 4)), draw(st.integers(0, 3))
    rng = np.random.default_rng(seed)
    numbers = rng.integers(-3, 4, size=(n, p)) * 10.0 ** rng.integers(-3, 4, size=p)
    categories = rng.integers(0, 3, size=(n, q))
    share = draw(st.sampled_from([0.0, 0.2, 0.6]))
    numbers[rng.random((n, p)) < share] = MISSING
    categories[rng.random((n, q)) < share] = -1
    # an additional column without missing values, so that every pair is comparable
    return numbers, np.column_stack([categories, rng.integers(0, 2, size=n)])


def test_numbers_and_categories_with_missing_values_by_hand():
    # ranges 10 and 2; the third column of numbers is constant and counts as agreement
    numbers = [[0.0, 1.0, 5.0], [10.0, MISSING, 5.0], [5.0, 3.0, MISSING]]
    categories = [[0, 1], [1, 1], [0, -1]]
    expected = np.array([[0, (1 + 0 + 1 + 0) / 4, (0.5 + 1 + 0) / 3], [0, 0, (0.5 + 1) / 2], [0, 0, 0]])
    np.testing.assert_allclose(gower_matrix(numbers, categories), expected + expected.T, rtol=1e-15)


def test_either_table_alone_by_hand():
    assert gower_matrix([[1.0], [2.0], [5.0]]).tolist() == [[0, 0.25, 1], [0.25, 0, 0.75], [1, 0.75, 0]]
    assert gower_matrix(None, [[0, 3], [0, 7]]).tolist() == [[0, 0.5], [0.5, 0]]
    assert gower_matrix(np.empty((2, 0)), [[0, 3], [0, 7]]).tolist() == [[0, 0.5], [0.5, 0]]
    assert gower_matrix([[1.0], [2.0]], np.empty((2, 0), dtype=int)).tolist() == [[0, 1], [1, 0]]


def test_a_single_row_without_observed_values_has_dissimilarity_zero_to_itself():
    assert gower_matrix([[MISSING, MISSING]]).tolist() == [[0]]


def test_a_column_without_observed_values_is_ignored():
    assert (
        gower_matrix([[1.0, MISSING], [2.0, MISSING], [5.0, MISSING]]).tolist() == gower_matrix([[1.0], [2.0], [5.0]]).tolist()
    )


@examples(80)
@given(columns=tables())
def test_the_matrix_matches_a_double_loop(columns):
    np.testing.assert_allclose(gower_matrix(*columns), double_loop(*columns), atol=1e-14)


@examples(60)
@given(columns=tables())
def test_the_matrix_is_symmetric_with_zero_diagonal_and_values_in_the_unit_interval(columns):
    matrix = gower_matrix(*columns)
    np.testing.assert_array_equal(matrix, matrix.T)
    assert not matrix.diagonal().any()
    assert matrix.min() >= 0
    assert matrix.max() <= 1 + 1e-15


@examples(60)
@given(columns=tables(), seed=st.integers(0, 99))
def test_units_signs_category_codes_and_row_order_do_not_matter(columns, seed):
    numbers, categories = columns
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(numbers))
    rescaled = numbers * 2.0 ** rng.integers(-40, 40, size=numbers.shape[1]) * rng.choice([-1, 1])
    codes = np.where(categories < 0, -1, np.array([5, 0, 9])[categories])
    expected = gower_matrix(numbers, categories)[np.ix_(rows, rows)]
    np.testing.assert_allclose(gower_matrix(rescaled[rows], codes[rows]), expected, atol=1e-13)


def test_extreme_units_neither_overflow_nor_underflow():
    expected = gower_matrix([[0.0], [1.0], [3.0]])
    for unit in (1e-300, 1e-12, 1e12, 5e149 / 3):
        np.testing.assert_allclose(gower_matrix(np.array([[0.0], [1.0], [3.0]]) * unit), expected, rtol=1e-12)
    np.testing.assert_array_equal(gower_matrix(np.array([[0.0], [1.0], [3.0]]) + 1e8), expected)


def test_a_large_matrix_matches_that_of_a_few_of_its_rows():
    rng = np.random.default_rng(0)
    numbers, categories = rng.normal(size=(700, 3)), rng.integers(-1, 4, size=(700, 2))
    numbers[rng.random((700, 3)) < 0.1] = MISSING
    numbers[:, 0] = rng.normal(size=700)
    numbers[[0, 1], :] = [[-9.0] * 3, [9.0] * 3]  # fixes the ranges
    rows = [0, 1, 300, 401, 402, 699]
    expected = gower_matrix(numbers[rows], categories[rows])
    np.testing.assert_array_equal(gower_matrix(numbers, categories)[np.ix_(rows, rows)], expected)


def test_the_input_tables_are_not_modified():
    numbers, categories = np.array([[1.0, MISSING], [2.0, 3.0]]), np.array([[0, -1], [1, 1]])
    copies = numbers.copy(), categories.copy()
    gower_matrix(numbers, categories)
    np.testing.assert_array_equal(numbers, copies[0])
    np.testing.assert_array_equal(categories, copies[1])


@pytest.mark.parametrize(
    ("numbers", "categories", "message"),
    [
        (None, None, "must have at least one column"),
        (np.empty((3, 0)), None, "must have at least one column"),
        ([[1.0], [2.0]], [[1]], "the same number of rows, got 2 and 1"),
        (
            [[1.0, MISSING], [1.0, 2.0], [MISSING, 2.0]],
            None,
            "rows 0 and 2 have no observed column in common: drop one of them",
        ),
        ([[1.0], [np.inf]], None, "numbers must be finite, but row 1, column 0 is inf"),
        ([["a"], ["b"]], None, "numbers must be numbers"),
        (None, [[0.5], [1.0]], "categories must be integer codes"),
        (None, [0, 1], "categories must be integer codes"),
        (None, [[0, 1], [1, -2]], "row 1, column 1 is -2"),
    ],
)
def test_invalid_tables_raise_an_error(numbers, categories, message):
    with pytest.raises(ValueError, match=message):
        gower_matrix(numbers, categories)

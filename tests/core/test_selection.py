"""Which cases of tests are run by default."""

from types import SimpleNamespace

import pytest

from tests.selection import is_chosen


def case(name, n=None, **indices):
    mark = n and SimpleNamespace(args=(n,))
    return SimpleNamespace(
        originalname=name, callspec=SimpleNamespace(indices=indices), get_closest_marker=lambda _: mark or None
    )


@pytest.mark.parametrize("n", [2, 3, 4])
def test_every_row_and_column_of_a_table_has_some_cases_and_about_one_in_n_is_run(n):
    chosen = {(i, j) for i in range(12) for j in range(12) if is_chosen(case("test_methods", n, method=i, check=j))}
    assert {i for i, _ in chosen} == {j for _, j in chosen} == set(range(12))
    assert 0.7 < len(chosen) * n / 144 < 1.3


@pytest.mark.parametrize("n", [2, 3])
def test_values_given_together_are_one_index(n):
    """Otherwise both or none of two cases with two values each would be run."""
    assert sum(is_chosen(case("test_drawn", n, path=i, charts=i)) for i in range(n)) == 1


def test_tests_run_other_cases_of_the_same_list():
    chosen = {tuple(is_chosen(case(name, 3, page=i)) for i in range(3)) for name in map("test_{}".format, range(20))}
    assert len(chosen) == 3


def test_tests_without_the_mark_are_run():
    assert is_chosen(case("test_other"))

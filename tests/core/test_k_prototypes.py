"""K-prototypes and K-modes: by hand, against the package kmodes, against K-means, and laws."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kmodes.kmodes import KModes as PeerKModes
from kmodes.kprototypes import KPrototypes as PeerKPrototypes

from clustering import History, KMeans, KModes, KPrototypes, MixedTable, Prototypes, best_of, fit, iterate, restarts
from clustering.notices import EMPTY_CLUSTER, LOSS_ROSE
from tests.core.tables import SEEDED, examples, seeds


def mixed_groups(n=120, seed=0):
    """Three groups in two numeric and three categorical columns, with overlap."""
    rng = np.random.default_rng(seed)
    group = rng.integers(3, size=n)
    numbers = rng.normal(size=(n, 2)) + 2 * np.array([[0, 0], [2, 0], [0, 2]])[group]
    codes = np.where(rng.random((n, 3)) < 0.7, group[:, None] + [0, 1, 5], rng.integers(4, size=(n, 3)))
    return MixedTable(numbers, codes)


def plain_loss(table, prototypes, labels, gamma):
    """The objective, one row at a time."""
    total = 0.0
    for numbers, codes, k in zip(table.numbers, table.codes, labels, strict=True):
        total += sum((numbers - prototypes.numbers[k]) ** 2)
        total += gamma * sum(a != b for a, b in zip(codes, prototypes.modes[k], strict=True))
    return total


@st.composite
def tables(draw):
    """A small table with ties, duplicate rows, or no numbers, and a number of clusters."""
    n, p, q = draw(st.integers(1, 16)), draw(st.integers(0, 2)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(seeds))
    numbers = rng.integers(-2, 3, size=(n, p)) * draw(st.sampled_from([1.0, 0.3, 1e6]))
    return MixedTable(numbers, rng.integers(draw(st.integers(1, 4)), size=(n, q))), draw(st.integers(1, n))


# by hand


def test_dissimilarities_and_prototypes_by_hand():
    table = MixedTable(np.array([[0.0], [1.0], [4.0], [6.0]]), np.array([[0, 5], [0, 7], [2, 5], [2, 7]]))
    start = Prototypes(np.array([[0.0], [6.0]]), np.array([[0, 5], [2, 7]]))
    first, second = iterate(KPrototypes(2, gamma=3.0), table, start=start, max_iter=1)
    # the second row: 1 + 3 to the first prototype, 25 + 3 to the other; the third row: 16 + 3 and 4 + 3
    assert first.labels.tolist() == [0, 0, 1, 1]
    assert first.loss == 0 + 4 + 7 + 0
    np.testing.assert_array_equal(second.parameters.numbers, [[0.5], [5.0]])
    # 5 and 7 are equally frequent in both clusters, and the lower code is the mode
    np.testing.assert_array_equal(second.parameters.modes, [[0, 5], [2, 5]])
    assert second.loss == 0.25 + (0.25 + 3) + 1 + (1 + 3)


def test_a_large_gamma_groups_by_categories_and_zero_by_numbers():
    table = MixedTable(np.array([[0.0], [10.0], [1.0], [11.0]]), np.array([[0], [0], [1], [1]]))
    start = Prototypes(np.array([[0.0], [11.0]]), np.array([[0], [1]]))
    assert fit(KPrototypes(2, gamma=1e4), table, start=start).labels.tolist() == [0, 0, 1, 1]
    assert fit(KPrototypes(2, gamma=0), table, start=start).labels.tolist() == [0, 1, 0, 1]


def test_gamma_is_by_default_half_of_the_mean_standard_deviation_of_the_numbers():
    codes = np.array([[0], [1], [1]])
    gamma = [
        KPrototypes(1).prepare(MixedTable(np.array(numbers).reshape(3, -1), codes)).gamma
        for numbers in ([[-1.0, 0], [0, 7], [1, -7]], [[2.0], [2], [2]], [[], [], []])
    ]
    assert gamma[0] == pytest.approx(0.5 * (np.sqrt(2 / 3) + np.sqrt(98 / 3)) / 2)
    assert gamma[1:] == [1.0, 1.0]


def test_k_modes_counts_categories_that_differ():
    codes = np.array([[3, 1, 0], [3, 1, 9], [4, 2, 0], [4, 2, 0]])
    state = fit(KModes(2), codes, start=codes[[0, 2]])
    assert state.labels.tolist() == [0, 0, 1, 1]
    np.testing.assert_array_equal(state.parameters.modes, [[3, 1, 0], [4, 2, 0]])
    assert state.loss == 1
    assert KModes(2).predict(state.parameters, np.array([[4, 1, 9], [4, 2, 8]])).tolist() == [0, 1]


def test_an_empty_cluster_gets_the_row_farthest_from_its_prototype():
    table = MixedTable(np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([[0], [0], [0], [1]]))
    start = Prototypes(np.array([[1.0], [1.0]]), np.array([[0], [0]]))
    first, second, *_ = iterate(KPrototypes(2, gamma=2.0), table, start=start)
    assert [notice.name for notice in first.notices] == [EMPTY_CLUSTER]
    np.testing.assert_array_equal(second.parameters.numbers, [[1.0], [3.0]])
    np.testing.assert_array_equal(second.parameters.modes, [[0], [1]])
    assert second.assignment.sizes.tolist() == [3, 1]


def test_an_empty_cluster_stays_if_all_rows_equal_their_prototypes():
    last = fit(KModes(3), np.array([[0], [0], [1], [1]]), start=[[0], [1], [1]])
    assert last.converged
    assert last.assignment.sizes.tolist() == [2, 2, 0]
    assert EMPTY_CLUSTER in [notice.name for notice in last.notices]


def test_a_row_alone_in_its_cluster_is_not_moved_to_an_empty_one():
    table = MixedTable(np.array([[0.0], [1.0], [100.0]]), np.zeros((3, 1), int))
    start = Prototypes(np.array([[0.5], [60.0], [-1000.0]]), np.zeros((3, 1), int))
    first, second, *_ = iterate(KPrototypes(3), table, start=start)
    assert first.labels.tolist() == [0, 0, 1]
    assert second.parameters.numbers.ravel().tolist() == [1.0, 100.0, 0.0]


def test_a_row_that_equals_its_prototype_is_not_moved_to_an_empty_cluster():
    table = MixedTable(np.array([[0.0], [0.0], [5.0]]), np.zeros((3, 1), int))
    start = Prototypes(np.array([[0.0], [6.0], [100.0]]), np.zeros((3, 1), int))
    first, second, *_ = iterate(KPrototypes(3), table, start=start)
    assert first.labels.tolist() == [0, 0, 1]
    assert second.parameters.numbers.ravel().tolist() == [0.0, 5.0, 100.0]


# against other implementations


@pytest.mark.parametrize("seed", range(5))
def test_separate_groups_have_the_labels_and_the_cost_of_the_package_kmodes_from_the_same_start(seed):
    rng = np.random.default_rng(seed)
    group = rng.permutation(np.repeat(np.arange(3), 30))
    numbers = rng.normal(size=(90, 2)) + 8 * np.array([[0, 0], [1, 0], [0, 1]])[group]
    codes = np.where(rng.random((90, 3)) < 0.85, group[:, None], rng.integers(3, size=(90, 3)))
    rows = [int(np.flatnonzero(group == i)[0]) for i in range(3)]
    ours = fit(KPrototypes(3), MixedTable(numbers, codes), start=Prototypes(numbers[rows], codes[rows]))
    theirs = PeerKPrototypes(3, init=[numbers[rows], codes[rows]], n_init=1)
    labels = theirs.fit_predict(np.column_stack([numbers, codes]), categorical=[2, 3, 4])
    assert KPrototypes(3).prepare(MixedTable(numbers, codes)).gamma == pytest.approx(theirs.gamma, rel=1e-12)
    np.testing.assert_array_equal(ours.labels, labels)
    assert ours.loss == pytest.approx(theirs.cost_, rel=1e-12)
    np.testing.assert_allclose(np.column_stack(ours.parameters[:2]), theirs.cluster_centroids_.astype(float))


@pytest.mark.parametrize("seed", range(5))
def test_the_result_for_overlapping_groups_is_one_that_the_package_kmodes_does_not_change(seed):
    # it updates prototypes after each row and so may reach another optimum, but ours must be one of its optima
    table = mixed_groups(seed=seed)
    ours = best_of(3, KPrototypes(4), table, rng=seed)
    theirs = PeerKPrototypes(4, init=[*map(np.array, ours.parameters[:2])], n_init=1)
    labels = theirs.fit_predict(np.column_stack([table.numbers, table.codes]), categorical=[2, 3, 4])
    assert np.mean(ours.labels == labels) > 0.9
    assert theirs.cost_ <= ours.loss * (1 + 1e-9)
    assert theirs.cost_ == pytest.approx(ours.loss, rel=0.03)


@pytest.mark.parametrize("seed", range(5))
def test_k_modes_has_the_labels_and_the_cost_of_the_package_kmodes_from_the_same_start(seed):
    rng = np.random.default_rng(seed)
    group = rng.permutation(np.repeat(np.arange(3), 20))
    codes = np.where(rng.random((60, 6)) < 0.85, group[:, None], rng.integers(3, size=(60, 6)))
    start = np.repeat(np.arange(3), 6).reshape(3, 6)
    ours = fit(KModes(3), codes, start=start)
    theirs = PeerKModes(3, init=start, n_init=1)
    np.testing.assert_array_equal(ours.labels, theirs.fit_predict(codes))
    assert ours.loss == theirs.cost_
    np.testing.assert_array_equal(ours.parameters.modes, theirs.cluster_centroids_)


def test_with_gamma_zero_it_is_k_means():
    table = mixed_groups()
    rows = [3, 50, 77]
    start = Prototypes(table.numbers[rows], table.codes[rows])
    ours = list(iterate(KPrototypes(3, gamma=0), table, start=start))
    expected = list(iterate(KMeans(3), table.numbers, start=table.numbers[rows]))
    assert len(ours) == len(expected)
    for one, other in zip(ours, expected, strict=True):
        np.testing.assert_array_equal(one.labels, other.labels)
        assert one.loss == pytest.approx(other.loss, rel=1e-12)


# laws


@examples(100)
@given(drawn=tables(), gamma=st.sampled_from([None, 0.0, 0.25, 1.0, 40.0]), init=st.sampled_from(SEEDED), seed=seeds)
def test_the_loss_is_the_objective_and_never_rises_in_any_half_step(drawn, gamma, init, seed):
    table, k = drawn
    process = KPrototypes(k, gamma, init)
    prepared = process.prepare(table)
    states = list(iterate(process, prepared, rng=seed, max_iter=40))
    assert states[-1].converged
    for state in states:
        assert state.loss == pytest.approx(plain_loss(table, state.parameters, state.labels, prepared.gamma), rel=1e-9)
        assert LOSS_ROSE not in [notice.name for notice in state.notices]
        np.testing.assert_array_equal(state.assignment.sizes, np.bincount(state.labels, minlength=k))
        np.testing.assert_array_equal(process.predict(state.parameters, table), state.labels)
    for before, after in pairwise(states):
        [between] = process.between(prepared, before, after)
        margin = process.rounding_error(prepared, before.assignment, before.loss)
        assert after.loss - margin <= between.loss <= before.loss + margin


@examples(40)
@given(drawn=tables(), seed=seeds)
def test_initial_prototypes_are_rows_and_the_input_is_not_modified(drawn, seed):
    table, k = drawn
    copy = table[np.arange(len(table))]
    for init in SEEDED:
        start = next(iterate(KPrototypes(k, init=init), table, rng=seed)).parameters
        rows = {tuple(row) for row in np.column_stack([table.numbers, table.codes]).tolist()}
        assert {tuple(row) for row in np.column_stack([start.numbers, start.modes]).tolist()} <= rows
    np.testing.assert_array_equal(table.numbers, copy.numbers)
    np.testing.assert_array_equal(table.codes, copy.codes)


def test_k_means_plus_plus_uses_the_categories():
    # without numbers that differ, only the categories tell the three groups apart
    codes = np.repeat([[0, 0], [1, 1], [2, 2]], 20, axis=0)
    table = MixedTable(np.zeros((60, 1)), codes)
    for seed in range(10):
        start = next(iterate(KPrototypes(3, init="k-means++"), table, rng=seed))
        assert start.loss == 0


def test_codes_can_be_any_large_numbers():
    table = mixed_groups()
    large = MixedTable(table.numbers, table.codes * 10**9 + 7)
    one, other = (fit(KPrototypes(3), one, rng=2) for one in (table, large))
    np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_array_equal(one.parameters.modes * 10**9 + 7, other.parameters.modes)


def test_a_history_and_restarts_repeat_the_same_run():
    table = mixed_groups()
    history = History.record(KPrototypes(3), table, rng=4)
    [run] = restarts(KPrototypes(3), table, [4])
    assert history.last.loss == run.last.loss
    for t in range(len(history)):
        labels = KPrototypes(3).predict(history.parameters[t], table)
        np.testing.assert_array_equal(history.assignment_of_iteration(t).labels, labels)


# bad input


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((3, 2)), "the data must be a MixedTable of numbers and codes, got ndarray"),
        (MixedTable(np.zeros((3, 1)), np.zeros((3, 1))), "codes must be category codes, an array of integers"),
        (MixedTable(np.zeros((3, 1)), np.zeros((3, 0), int)), "at least one row and one column"),
        (MixedTable(np.zeros((2, 1)), np.zeros((3, 1), int)), "the same number of rows, got 2 and 3"),
        (MixedTable(np.array([[0.0], [np.nan]]), np.zeros((2, 1), int)), "must be finite, but row 1, column 0 is nan"),
        (MixedTable(np.zeros((2, 1)), np.array([[0], [-1]])), "row 1, column 0 is -1: drop rows with missing categories"),
    ],
)
def test_invalid_tables_are_refused(data, message):
    with pytest.raises(ValueError, match=message):
        iterate(KPrototypes(1), data)


def test_invalid_settings_and_starts_are_refused():
    table = mixed_groups()
    for gamma in (-1.0, np.inf, np.nan):
        with pytest.raises(ValueError, match="gamma must be a finite number of at least 0"):
            KPrototypes(2, gamma=gamma)
    with pytest.raises(ValueError, match="k must lie in"):
        iterate(KPrototypes(121), table)
    with pytest.raises(ValueError, match="init must be 'k-means"):
        fit(KPrototypes(2, init="huang"), table)
    with pytest.raises(ValueError, match="start must be Prototypes, got ndarray"):
        fit(KPrototypes(2), table, start=np.zeros((2, 5)))
    with pytest.raises(ValueError, match=r"modes of shape \(2, 3\), got \(2, 2\) and \(2, 2\)"):
        fit(KPrototypes(2), table, start=Prototypes(table.numbers[:2], table.codes[:2, :2]))
    last = fit(KPrototypes(2), table, rng=0)
    with pytest.raises(ValueError, match="2 columns of numbers and 3 of categories like the prototypes, got 1 and 3"):
        KPrototypes(2).predict(last.parameters, MixedTable(table.numbers[:, :1], table.codes))

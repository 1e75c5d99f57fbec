"""K-medoids: a small matrix by hand, an exhaustive PAM, and the kmedoids package."""

import itertools
from unittest import mock

import kmedoids
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustering import History, KMedoids, fit, iterate, notices, proximity_matrix
from clustering import kmedoids as ours
from tests.core.tables import examples

UPDATES = ["alternating", "swap", "steepest swap"]
SWAPS = ["swap", "steepest swap"]

# five points: the pairs {0, 1} and {3, 4} are close, 2 lies in between
FIVE = np.array(
    [
        [0, 1, 4, 9, 9],
        [1, 0, 3, 8, 9],
        [4, 3, 0, 5, 6],
        [9, 8, 5, 0, 2],
        [9, 9, 6, 2, 0.0],
    ]
)


def random_proximities(n, seed):
    """Arbitrary dissimilarities that violate the triangle inequality."""
    matrix = np.random.default_rng(seed).uniform(1, 10, size=(n, n))
    matrix = (matrix + matrix.T) / 2
    np.fill_diagonal(matrix, 0)
    return matrix


def loss_of(matrix, medoids):
    return matrix[list(medoids)].min(axis=0).sum()


# by hand


def test_the_initial_assignment_by_hand():
    step = next(iterate(KMedoids(2), FIVE, start=[2, 4]))
    assert step.labels.tolist() == [0, 0, 0, 1, 1]
    assert step.loss == 4 + 3 + 0 + 2 + 0
    assert step.assignment.sizes.tolist() == [3, 2]
    assert step.assignment.nearest.tolist() == [4, 3, 0, 2, 0]
    assert step.assignment.second.tolist() == [9, 9, 6, 5, 6]


def test_alternating_steps_by_hand():
    history = History.record(KMedoids(2), FIVE, start=[2, 4])
    # in {0, 1, 2} the sums are 5, 4, 7; in {3, 4} both are 2, so 4 stays
    assert [medoids.tolist() for medoids in history.parameters] == [[2, 4], [1, 4], [1, 4]]
    assert history.losses.tolist() == [9, 6, 6]
    assert history.half_losses.tolist() == [6, 6]


def test_build_by_hand():
    # row sums are 23, 21, 18, 24, 26; after row 2 the gains are 0: 4 + 2, 1: 3 + 3, 3: 5 + 4, 4: 6 + 3
    assert KMedoids(2).start(KMedoids(2).prepare(FIVE), np.random.default_rng(0)).tolist() == [2, 3]


def test_swap_takes_the_first_improving_row_and_steepest_swap_the_best_one():
    # from {2, 3} the loss is 4 + 3 + 2 = 9; replacing 2 by 0 gives 1 + 4 + 2 = 7, by 1 gives 1 + 3 + 2 = 6
    runs = [History.record(KMedoids(2, update=update), FIVE, start=[2, 3]) for update in SWAPS]
    eager, steepest = ([medoids.tolist() for medoids in run.parameters] for run in runs)
    assert eager[:3] == [[2, 3], [0, 3], [1, 3]]
    assert steepest[:2] == [[2, 3], [1, 3]]


@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("k", [1, 2, 3, 4, 5])
def test_five_points_reach_the_global_minimum(update, k):
    step = fit(KMedoids(k, update=update), FIVE)
    assert step.converged
    assert step.loss == min(loss_of(FIVE, medoids) for medoids in itertools.combinations(range(5), k))
    assert step.loss == loss_of(FIVE, step.parameters)


@pytest.mark.parametrize("update", UPDATES)
def test_a_single_medoid_is_the_row_with_the_smallest_sum(update):
    proximities = random_proximities(30, 0)
    step = fit(KMedoids(1, "random", update), proximities, rng=0)
    assert step.parameters.tolist() == [proximities.sum(axis=1).argmin()]
    assert step.loss == pytest.approx(proximities.sum(axis=1).min(), rel=1e-14)
    assert not step.labels.any()


@pytest.mark.parametrize("update", UPDATES)
def test_k_equal_to_n_keeps_all_points_as_medoids(update):
    start = np.random.default_rng(0).permutation(30)
    step = fit(KMedoids(30, update=update), random_proximities(30, 0), start=start)
    assert step.loss == 0
    np.testing.assert_array_equal(step.parameters, start)
    np.testing.assert_array_equal(step.labels[start], np.arange(30))


def test_a_tie_between_medoids_goes_to_the_lowest_index():
    proximities = np.array([[0, 1, 2], [1, 0, 1], [2, 1, 0.0]])
    for start in ([0, 2], [2, 0]):
        assert next(iterate(KMedoids(2), proximities, start=start)).labels[1] == 0


@pytest.mark.parametrize("update", UPDATES)
def test_identical_points_converge_immediately(update):
    step = fit(KMedoids(3, update=update), np.zeros((5, 5)), start=[4, 1, 2])
    assert step.converged
    assert step.loss == 0
    assert step.parameters.tolist() == [4, 1, 2]
    assert step.labels[[4, 1, 2]].tolist() == [0, 1, 2]
    assert {notice.name for notice in step.notices} == {notices.IDENTICAL_POINTS}


# exhaustive PAM


def exhaustive_pam(matrix, medoids):
    """Losses of PAM's swaps, and the final medoids, by trying every pair of a medoid and another row."""
    losses = [loss_of(matrix, medoids)]
    while True:
        candidates = [
            [*medoids[:slot], row, *medoids[slot + 1 :]]
            for row in range(len(matrix))
            for slot in range(len(medoids))
            if row not in medoids
        ]
        best = min(candidates, key=lambda candidate: loss_of(matrix, candidate))
        if loss_of(matrix, best) >= losses[-1] * (1 - 1e-12):
            return losses, medoids
        medoids = best
        losses.append(loss_of(matrix, medoids))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", ["points", "any"])
def test_steepest_swaps_match_exhaustive_pam_in_every_iteration(seed, kind):
    points = np.random.default_rng(seed).normal(size=(25, 2))
    proximities = proximity_matrix(points, "manhattan") if kind == "points" else random_proximities(25, seed)
    start = [0, 1, 2, 3]
    losses, medoids = exhaustive_pam(proximities, start)
    history = History.record(KMedoids(4, update="steepest swap"), proximities, start=start)
    np.testing.assert_allclose(history.losses[: len(losses)], losses, rtol=1e-12)
    assert set(history.parameters[-1].tolist()) == set(medoids)
    assert history.iterations == len(losses)  # one more iteration finds no improvement


@examples(60)
@given(seed=st.integers(0, 10_000), n=st.integers(2, 14), update=st.sampled_from(UPDATES), share=st.floats(0, 1))
def test_each_medoid_is_in_its_own_cluster_and_no_cluster_is_empty(seed, n, update, share):
    rng = np.random.default_rng(seed)
    proximities = proximity_matrix(rng.integers(0, 4, size=(n, 1)).astype(float))  # with duplicates and ties
    k = 1 + int(share * (n - 1))
    for step in iterate(KMedoids(k, "random", update), proximities, rng=rng):
        np.testing.assert_array_equal(step.labels[step.parameters], np.arange(k))
        assert step.assignment.sizes.min() >= 1
        np.testing.assert_array_equal(np.bincount(step.labels, minlength=k), step.assignment.sizes)
        assert step.loss == loss_of(proximities, step.parameters)
        assert step.loss == proximities[step.parameters[step.labels], np.arange(n)].sum()


@examples(40)
@given(seed=st.integers(0, 10_000), k=st.integers(2, 5), update=st.sampled_from(SWAPS))
def test_no_single_swap_improves_the_result_for_arbitrary_dissimilarities(seed, k, update):
    proximities = random_proximities(12, seed)
    step = fit(KMedoids(k, "random", update), proximities, rng=seed)
    assert step.converged
    for slot, row in itertools.product(range(k), range(12)):
        medoids = step.parameters.copy()
        medoids[slot] = row
        assert loss_of(proximities, medoids) >= step.loss * (1 - 1e-12)


# blocks of rows


def swaps_by_plain_loops(matrix, medoids, steepest):
    """Medoids in each iteration, by computing the loss after every swap. Rows are tried in turn after the last swap."""
    n, first, run = len(matrix), 0, [medoids]
    while True:
        best, chosen = loss_of(matrix, medoids) * (1 - 1e-12), None
        for row in [*range(first, n), *range(first)]:
            swapped = [[*medoids[:slot], row, *medoids[slot + 1 :]] for slot in range(len(medoids))]
            losses = [loss_of(matrix, each) for each in swapped]
            if min(losses) < best:
                best, chosen, first = min(losses), swapped[np.argmin(losses)], row + 1
                if not steepest:
                    break
        run.append(medoids if chosen is None else chosen)
        if chosen is None:
            return run
        medoids = chosen


@examples(40)
@given(
    seed=st.integers(0, 10_000), n=st.integers(6, 90), k=st.integers(2, 5), update=st.sampled_from(SWAPS), ties=st.booleans()
)
def test_swaps_match_plain_loops_over_all_swaps_in_every_iteration(seed, n, k, update, ties):
    proximities = random_proximities(n, seed)
    if ties:
        proximities = np.ceil(proximities / 3)
    start = np.random.default_rng(seed).choice(n, k, replace=False)
    history = History.record(KMedoids(k, update=update), proximities, start=start)
    expected = swaps_by_plain_loops(proximities, start.tolist(), update == "steepest swap")
    assert [medoids.tolist() for medoids in history.parameters] == expected
    assert history.half_losses.tolist() == history.losses[1:].tolist()


@examples(100)
@given(seed=st.integers(0, 10_000), n=st.integers(2, 300), update=st.sampled_from(UPDATES), grid=st.sampled_from([2, 5, 1000]))
def test_blocks_of_rows_give_exactly_the_same_run_as_single_rows(seed, n, update, grid):
    rng = np.random.default_rng(seed)
    # duplicates and symmetric positions: sums that are equal but for their rounding errors
    proximities = proximity_matrix(rng.integers(0, grid, size=(n, 2)) * 0.1)
    method = KMedoids(int(rng.integers(1, min(n, 8) + 1)), "random", update)
    blocks = History.record(method, proximities, rng=seed)
    with mock.patch.multiple(ours, MAX_SCREENED=0, MAX_SUMMED=0):
        rows = History.record(method, proximities, rng=seed)
    assert [medoids.tolist() for medoids in blocks.parameters] == [medoids.tolist() for medoids in rows.parameters]
    assert blocks.losses.tolist() == rows.losses.tolist()


def test_blocks_cover_each_row_once_from_the_first_one_and_grow_to_the_largest_size():
    blocks = list(ours._growing_blocks(first=7, n=20, size=2, largest=5))
    assert [(block.start, block.stop) for block in blocks] == [(7, 9), (9, 13), (13, 18), (18, 20), (0, 5), (5, 7)]


# the kmedoids package


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("k", [2, 6])
def test_final_losses_for_arbitrary_dissimilarities_match_the_kmedoids_package(seed, k):
    proximities = random_proximities(80, seed)
    start = np.random.default_rng(seed).choice(80, k, replace=False)
    unsigned = start.astype(np.uint64)
    peers = {
        "swap": kmedoids.fasterpam(proximities, unsigned, n_cpu=1),
        "steepest swap": kmedoids.pam(proximities, unsigned),
        "alternating": kmedoids.alternating(proximities, unsigned),
    }
    for update, peer in peers.items():
        step = fit(KMedoids(k, update=update), proximities, start=start)
        assert step.loss == pytest.approx(peer.loss, rel=1e-12), update
        assert set(step.parameters.tolist()) == set(peer.medoids.tolist()), update


@pytest.mark.parametrize("update", SWAPS)
def test_swaps_on_real_data_match_the_kmedoids_package(table, update):
    proximities = proximity_matrix(table("iris", 4))
    step = fit(KMedoids(3, update=update), proximities)
    peer = kmedoids.pam(proximities, 3, init="build")
    assert step.loss == pytest.approx(peer.loss, rel=1e-12)


def test_swapping_from_the_result_of_alternating_often_improves_it():
    better = 0
    for seed in range(20):
        proximities = proximity_matrix(np.random.default_rng(seed).normal(size=(60, 2)))
        step = fit(KMedoids(6, "random"), proximities, rng=seed)
        swapped = fit(KMedoids(6, update="swap"), proximities, start=step.parameters)
        assert swapped.loss <= step.loss
        better += swapped.loss < step.loss * 0.99
    assert better >= 5  # local minima are frequent


# scaling, order and invalid arguments


@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("scale", [1e-9, 1e9, 1e-300, 1e300])
def test_scaling_the_dissimilarities_does_not_change_the_run(update, scale):
    proximities = random_proximities(40, 1)
    one, other = (History.record(KMedoids(4, update=update), proximities * by, start=[0, 1, 2, 3]) for by in (1, scale))
    assert [medoids.tolist() for medoids in one.parameters] == [medoids.tolist() for medoids in other.parameters]
    np.testing.assert_allclose(other.losses / scale, one.losses, rtol=1e-12)


@pytest.mark.parametrize("update", ["alternating", "steepest swap"])
def test_permuting_the_points_permutes_the_medoids(update):
    proximities = random_proximities(40, 2)
    order = np.random.default_rng(0).permutation(40)
    start = np.array([0, 1, 2, 3])
    one = fit(KMedoids(4, update=update), proximities, start=start)
    other = fit(KMedoids(4, update=update), proximities[np.ix_(order, order)], start=np.argsort(order)[start])
    np.testing.assert_array_equal(order[other.parameters], one.parameters)
    np.testing.assert_array_equal(other.labels, one.labels[order])


@pytest.mark.parametrize(
    ("start", "message"),
    [
        ([0, 5], r"medoids must be row numbers in 0..4, got 0..5"),
        ([-1, 2], r"medoids must be row numbers in 0..4, got -1..2"),
        ([2, 2], r"medoids must be 2 different rows, got \[2, 2\]"),
        ([0, 1, 2], r"start must be 2 row numbers, got an array of int64 with shape \(3,\)"),
        ([0.0, 1.0], r"start must be 2 row numbers, got an array of float64"),
        ([[0, 1]], r"shape \(1, 2\)"),
    ],
)
@pytest.mark.parametrize("argument", ["start", "init"])
def test_invalid_initial_medoids_raise_an_error(start, message, argument):
    with pytest.raises(ValueError, match=message):
        fit(KMedoids(2), FIVE, start=start) if argument == "start" else fit(KMedoids(2, init=start), FIVE)

"""Least changes that move a point into another cluster: by hand, against SciPy's optimizers and grids, and properties."""

import numpy as np
import pytest
from hypothesis import given
from scipy.optimize import minimize

from clustering import (
    least_changes_by_search,
    least_changes_to_nearest,
    least_move_by_search,
    least_move_to_nearest,
    threshold_tree,
)
from clustering.distances import nearest_centers
from tests.core.tables import examples, seeds

CORNERS = np.array([[0.0, 0], [4, 0], [0, 4]])


def random_centers(seed, most=12):
    """Centers, a point, and a target that is not its nearest center."""
    rng = np.random.default_rng(seed)
    k, d = rng.integers(2, most), rng.integers(1, 6)
    centers, point = rng.normal(size=(k, d)), 2 * rng.normal(size=d)
    order = np.argsort(np.square(centers - point).sum(axis=1))
    return centers, point, int(rng.choice(order[1:]))


def lead(centers, point, target):
    """By how much the target is nearer than the next center, in squared distances; negative if it is not the nearest."""
    squares = np.square(centers - point).sum(axis=1)
    return np.delete(squares, target).min() - squares[target]


# by hand


def test_the_changes_by_hand():
    # from (1, 0.5), the bisector to (4, 0) is x = 2; that to (0, 4) is y = 2. Where y > x, (0, 4) is nearer than (4, 0)
    np.testing.assert_allclose(least_changes_to_nearest(CORNERS, [1, 0.5], 1), [1, np.nan])
    np.testing.assert_allclose(least_changes_to_nearest(CORNERS, [1, 0.5], 2), [np.nan, 1.5])
    np.testing.assert_allclose(least_move_to_nearest(CORNERS, [1, 0.5], 1), [1, 0], atol=1e-15)
    # from (1, 3), in the cell of (0, 4), x = 3 is next to (4, 0), and the nearest point of its cell is the vertex (2, 2)
    np.testing.assert_allclose(least_changes_to_nearest(CORNERS, [1, 3], 1), [2, np.nan])
    np.testing.assert_allclose(least_move_to_nearest(CORNERS, [1, 3], 1), [1, -1])


def test_a_point_that_is_already_there_does_not_move():
    assert least_changes_to_nearest(CORNERS, [1, 0.5], 0).tolist() == [0, 0]
    assert least_move_to_nearest(CORNERS, [1, 0.5], 0).tolist() == [0, 0]
    assert least_changes_to_nearest([[1.0, 2]], [8, 9], 0).tolist() == [0, 0]
    assert least_move_to_nearest([[1.0, 2]], [8, 9], 0).tolist() == [0, 0]


def test_centers_equal_to_the_target_do_not_matter():
    centers = np.vstack([CORNERS, CORNERS[1]])
    for function in (least_changes_to_nearest, least_move_to_nearest):
        np.testing.assert_array_equal(function(centers, [1, 3], 1), function(CORNERS, [1, 3], 1))


def test_units_choose_between_directions_and_a_unit_of_zero_keeps_a_column():
    # the bisector of the two centers is x + y = 2: with units u, the shortest move is a multiple of u squared
    centers, point = [[0.0, 0], [2, 2]], [0.5, 0.5]
    np.testing.assert_allclose(least_move_to_nearest(centers, point, 1), [0.5, 0.5])
    np.testing.assert_allclose(least_move_to_nearest(centers, point, 1, [1, 3]), [0.1, 0.9])
    np.testing.assert_allclose(least_move_to_nearest(centers, point, 1, [0, 1]), [0, 1])
    assert np.isnan(least_move_to_nearest(centers, point, 1, [0, 0])).all()
    # as `least_changes_to_nearest` says: x alone never suffices from y = 0.5, y alone not from x = 0.9
    assert np.isnan(least_move_to_nearest(CORNERS, [1, 0.5], 2, [1, 0])).all()
    assert np.isnan(least_move_to_nearest([[0.0, 0], [1, 1], [0.9, 1]], [0, 0.2], 1, [0, 1])).all()
    assert least_move_to_nearest(CORNERS, [1, 0.5], 0, [0, 0]).tolist() == [0, 0]
    with pytest.raises(ValueError, match="units must not be negative, got -1"):
        least_move_to_nearest(CORNERS, [1, 0.5], 1, [1, -1])


@examples(30)
@given(seeds)
def test_a_move_along_one_column_is_the_change_of_that_column(seed):
    centers, point, target = random_centers(seed)
    changes = least_changes_to_nearest(centers, point, target)
    for j, unit in enumerate(np.eye(len(point))):
        move = least_move_to_nearest(centers, point, target, 2.5 * unit)
        expected = np.full(len(point), np.nan) if np.isnan(changes[j]) else changes[j] * unit
        np.testing.assert_allclose(move, expected, rtol=1e-6, atol=1e-9)


@examples(30)
@given(seeds)
def test_units_are_those_of_scaled_columns(seed):
    centers, point, target = random_centers(seed)
    units = np.random.default_rng(seed).uniform(0.2, 4, len(point))
    move = least_move_to_nearest(centers, point, target, units)
    assert lead(centers, point + move, target) > -1e-9
    # no nearby feasible move is shorter
    others = move + 0.3 * np.random.default_rng(seed).normal(size=(2_000, len(point)))
    feasible = [other for other in others if lead(centers, point + other, target) >= 0]
    assert all(np.linalg.norm(other / units) > np.linalg.norm(move / units) * (1 - 1e-9) for other in feasible)


def test_no_single_column_suffices_if_another_center_is_always_nearer():
    # (0.9, 1) is nearer than (1, 1) wherever x < 0.95; in the second table, only y matters
    assert np.isnan(least_changes_to_nearest([[0.0, 0], [1, 1], [0.9, 1]], [0, 0.2], 1)[1])
    assert np.isnan(least_changes_to_nearest([[0.0, 0], [0, 1]], [3, 0], 1)[0])


def test_the_search_finds_the_thresholds_of_a_tree():
    tree = threshold_tree(CORNERS, CORNERS)
    assert tree.rules()[-1].intervals == {0: (2.0, None)}
    found = least_changes_by_search(tree.predict, [1, 0.5], 1, [0, 0], [4, 4])
    np.testing.assert_allclose(found, [1, np.nan], atol=1e-12)
    np.testing.assert_allclose(least_changes_by_search(tree.predict, [1, 0.5], 2, [0, 0], [4, 4]), [np.nan, 1.5], atol=1e-12)
    move = least_move_by_search(tree.predict, [1, 0.5], 1, [[4, 0], [3, 0.5], [0, 4]])
    np.testing.assert_allclose(move, [1, 0], atol=1e-12)


def test_the_search_returns_zeros_inside_and_nan_if_nothing_is_found():
    def predict(points):
        return np.where(points[:, 0] > 3, 1, -1)

    assert least_changes_by_search(predict, [5.0, 0], 1, [0, 0], [1, 1]).tolist() == [0, 0]
    assert least_move_by_search(predict, [5.0, 0], 1, [[0, 0]]).tolist() == [0, 0]
    assert np.isnan(least_changes_by_search(predict, [0.0, 0], 1, [0, 0], [2, 2])).all()
    assert np.isnan(least_move_by_search(predict, [0.0, 0], 1, [[2, 2], [3, 3]])).all()
    # from noise into a cluster and back
    np.testing.assert_allclose(least_changes_by_search(predict, [0.0, 0], 1, [0, 0], [4, 4]), [3, np.nan])
    np.testing.assert_allclose(least_changes_by_search(predict, [5.0, 0], -1, [0, 0], [4, 4]), [-2, np.nan])


def test_the_search_takes_the_nearer_of_two_parts_of_a_cluster():
    def predict(points):
        return np.abs(points[:, 0]) > np.where(points[:, 0] > 0, 2, 1.5)

    assert least_changes_by_search(predict, [0.2], True, [-4], [4])[0] == pytest.approx(-1.7)
    assert least_changes_by_search(predict, [0.3], True, [-4], [4])[0] == pytest.approx(1.7)


def test_the_search_includes_the_values_between_the_point_and_the_range():
    def predict(points):
        return (points[:, 0] > 2) & (points[:, 0] < 3)

    assert least_changes_by_search(predict, [0.0], True, [4], [6])[0] == pytest.approx(2)
    assert least_changes_by_search(predict, [9.0], True, [1], [6])[0] == pytest.approx(-6)


def test_the_search_calls_the_rule_once_for_the_grids_of_all_columns():
    sizes = []

    def predict(points):
        sizes.append(len(points))
        return nearest_centers(CORNERS, points)

    least_changes_by_search(predict, [1, 0.5], 1, [0, 0], [4, 4], steps=10)
    assert sizes[:2] == [1, 22]
    assert max(sizes[2:]) == 1


# against other computations


@pytest.mark.parametrize("seed", range(25))
def test_the_move_matches_an_optimizer(seed):
    centers, point, target = random_centers(seed, most=20)
    normals = np.delete(centers - centers[target], target, axis=0)
    bounds = (normals * (np.delete(centers, target, axis=0) + centers[target] - 2 * point)).sum(axis=1) / 2
    found = minimize(
        lambda move: move @ move / 2,
        centers[target] - point,
        jac=lambda move: move,
        constraints={"type": "ineq", "fun": lambda move: bounds - normals @ move, "jac": lambda move: -normals},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    np.testing.assert_allclose(least_move_to_nearest(centers, point, target), found.x, rtol=0, atol=1e-6)


@pytest.mark.parametrize("seed", range(15))
def test_the_changes_match_a_fine_grid(seed):
    centers, point, target = random_centers(seed)
    steps = np.linspace(-8, 8, 16_001)
    for column, change in enumerate(least_changes_to_nearest(centers, point, target)):
        moved = point + steps[:, None] * np.eye(len(point))[column]
        hits = steps[nearest_centers(centers, moved) == target]
        if len(hits):
            assert change == pytest.approx(hits[np.abs(hits).argmin()], abs=1.001e-3)
        else:
            assert np.isnan(change) or abs(change) > 8


@pytest.mark.parametrize("seed", range(15))
def test_the_search_agrees_with_the_closed_form_and_is_an_upper_bound(seed):
    centers, point, target = random_centers(seed)

    def predict(points):
        return nearest_centers(centers, points)

    exact = least_changes_to_nearest(centers, point, target)
    low, high = np.full(len(point), -10.0), np.full(len(point), 10.0)
    found = least_changes_by_search(predict, point, target, low, high, steps=4000)
    inside = np.isfinite(found)
    np.testing.assert_allclose(found[inside], exact[inside], rtol=1e-9)
    shortest = np.linalg.norm(least_move_to_nearest(centers, point, target))
    candidates = np.random.default_rng(seed).normal(size=(50, len(point))) + centers[target]
    move = least_move_by_search(predict, point, target, np.vstack([candidates, centers[target]]))
    assert shortest * (1 - 1e-9) <= np.linalg.norm(move) <= np.linalg.norm(centers[target] - point)
    # toward the projection, the upper bound is attained
    step = least_move_to_nearest(centers, point, target)
    beyond = point + step + 1e-6 * (centers[target] - point - step)
    move = least_move_by_search(predict, point, target, beyond[None])
    assert np.linalg.norm(move) == pytest.approx(shortest, rel=1e-4)


# properties


@examples(100)
@given(seed=seeds)
def test_just_beyond_the_change_the_target_is_nearest_and_just_before_it_is_not(seed):
    centers, point, target = random_centers(seed)
    for column, change in enumerate(least_changes_to_nearest(centers, point, target)):
        if np.isfinite(change):
            before, at, beyond = (point + factor * change * np.eye(len(point))[column] for factor in (1 - 1e-6, 1, 1 + 1e-6))
            assert lead(centers, before, target) < 0 < lead(centers, beyond, target)
            assert abs(lead(centers, at, target)) <= 1e-12 * (10 + change**2)


@examples(100)
@given(seed=seeds)
def test_the_move_ends_on_the_boundary_and_is_no_longer_than_any_other_way_there(seed):
    centers, point, target = random_centers(seed)
    move = least_move_to_nearest(centers, point, target)
    assert lead(centers, point + move, target) == pytest.approx(0, abs=1e-11)
    assert lead(centers, point + move * (1 - 1e-6), target) < 0
    assert lead(centers, point + move + 1e-6 * (centers[target] - point - move), target) > 0
    changes = least_changes_to_nearest(centers, point, target)
    length = np.linalg.norm(move)
    assert length <= np.nanmin(np.append(np.abs(changes), np.linalg.norm(centers[target] - point))) * (1 + 1e-12)
    # projection: every point of the convex cell lies beyond the plane through the end of the move
    rng = np.random.default_rng(seed)
    others = centers[target] + rng.normal(size=(200, len(point)))
    cell = others[nearest_centers(centers, others) == target]
    assert ((cell - point - move) @ move >= -1e-9 * length).all()


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("scale", [2.0**-300, 2.0**-30, 1, 2.0**30, 2.0**300])
@pytest.mark.parametrize("offset", [0.0, 2.0**20])
def test_changes_have_the_unit_of_the_columns_and_no_origin(seed, scale, offset):
    centers, point, target = random_centers(seed)
    # multiples of 2^-20, so that the offset is exact
    centers, point = (np.round(values * 2**20) / 2**20 for values in (centers, point))
    for function in (least_changes_to_nearest, least_move_to_nearest):
        moved = function((centers + offset) * scale, (point + offset) * scale, target)
        np.testing.assert_allclose(moved / scale, function(centers, point, target), rtol=1e-9, atol=1e-12)


# invalid arguments


def predict_zero(points):
    return np.zeros(len(points), dtype=int)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: least_changes_to_nearest(CORNERS, [0, 0, 0], 1), r"point must have shape \(2,\), got \(3,\)"),
        (lambda: least_move_to_nearest(CORNERS, [[0, 0]], 1), r"point must have shape \(2,\), got \(1, 2\)"),
        (lambda: least_move_to_nearest(CORNERS, [0, np.inf], 1), "point must be finite, but row 0, column 1 is inf"),
        (lambda: least_move_to_nearest(CORNERS, [0, 0], 3), "target must be the index of a center, 0..k-1=2, got 3"),
        (lambda: least_move_to_nearest(CORNERS, [0, 0], -1), "target must be the index of a center, 0..k-1=2, got -1"),
        (lambda: least_changes_by_search(predict_zero, 3.0, 1, [0], [1]), r"point must have shape \(d,\), got \(\)"),
        (lambda: least_changes_by_search(predict_zero, [3.0], 1, [0, 0], [1]), r"low must have shape \(1,\), got \(2,\)"),
        (
            lambda: least_changes_by_search(predict_zero, [3.0, 0], 1, [0, 2], [1, 1]),
            "low must not exceed high, but in column 1 it is 2.0 > 1.0",
        ),
        (
            lambda: least_changes_by_search(predict_zero, [3.0], 1, [0], [1], steps=0),
            "steps must be an integer of at least 1, got 0",
        ),
        (lambda: least_move_by_search(predict_zero, [3.0], 1, [[0, 0]]), r"candidates must have shape \(1,\), got \(2,\)"),
    ],
)
def test_invalid_arguments_are_rejected_with_rule_and_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()

"""Points in boxes and lassos."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pages.segments.lasso import in_polygon, points_in
from tests.core.tables import examples, seeds


def crossings(x: float, y: float, corners: np.ndarray) -> int:
    """Number of edges that the ray from (x, y) to the right crosses, one edge at a time."""
    count = 0
    for i in range(len(corners)):
        (x1, y1), (x2, y2) = corners[i - 1], corners[i]
        if min(y1, y2) <= y < max(y1, y2) and x < x1 + (x2 - x1) * (y - y1) / (y2 - y1):
            count += 1
    return count


def test_a_point_in_the_notch_of_a_polygon_is_outside():
    corners = np.array([(0, 0), (4, 0), (4, 4), (2, 1), (0, 4)])
    inside = in_polygon(np.array([1.0, 2.0, 2.0, 3.0, 5.0]), np.array([1.0, 0.5, 2.0, 1.0, 1.0]), corners)
    assert inside.tolist() == [True, True, False, True, False]


@examples(50)
@given(seeds, st.integers(3, 12))
def test_the_points_in_any_polygon_are_those_whose_ray_crosses_an_odd_number_of_edges(seed, m):
    rng = np.random.default_rng(seed)
    corners, (x, y) = rng.random((m, 2)), rng.random((2, 40)) * 1.2 - 0.1
    expected = [crossings(*point, corners) % 2 == 1 for point in zip(x, y, strict=True)]
    assert in_polygon(x, y, corners).tolist() == expected
    assert in_polygon(x, y, corners[::-1]).tolist() == expected


def test_boxes_have_two_corners_in_any_order_and_several_outlines_are_joined():
    x, y = np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 1.0, 2.0, 3.0])
    box = dict(x=[1.5, -0.5], y=[-0.5, 1.5])
    lasso = dict(x=[2.5, 4.0, 2.5], y=[2.5, 3.0, 4.0])
    assert points_in(dict(box=[box], lasso=[]), x, y).tolist() == [True, True, False, False]
    assert points_in(dict(box=[box], lasso=[lasso]), x, y).tolist() == [True, True, False, True]
    assert not points_in(dict(box=[], lasso=[]), x, y).any()


def test_without_vertical_coordinates_only_the_horizontal_extent_counts_and_missing_values_are_outside():
    selection = dict(box=[dict(x=[1.0, 2.0], y=[50.0, 60.0])], lasso=[])
    assert points_in(selection, np.array([0.5, 1.0, 2.0, 2.5, np.nan])).tolist() == [False, True, True, False, False]

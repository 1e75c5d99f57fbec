"""Messages from the drawing component in the browser are validated."""

import numpy as np
import pytest

from pages.datasets.limits import MAX_DRAWN_POINTS
from pages.ui.drawing import read_message

EXTENT = (0, 10, -5, 5)
GIVEN = np.array([[1.0, 2.0], [3.0, 4.0]])


def read(message):
    return read_message(message, "now", GIVEN, EXTENT)


def test_coordinates_are_read_as_pairs():
    np.testing.assert_array_equal(read(dict(token="now", xy=[1, 2, 3.5, -4])), [[1, 2], [3.5, -4]])
    assert read(dict(token="now", xy=[])).shape == (0, 2)
    assert len(read(dict(token="now", xy=[1] * (2 * MAX_DRAWN_POINTS)))) == MAX_DRAWN_POINTS


def test_points_outside_the_extent_are_clipped():
    np.testing.assert_array_equal(read(dict(token="now", xy=[-3, 99, 11, -1e300])), [[0, 5], [10, -5]])


@pytest.mark.parametrize(
    "message",
    [
        None,
        "text",
        [1, 2],
        {},
        dict(token="now"),
        dict(token="before", xy=[1, 2]),
        dict(token="now", xy="1, 2"),
        dict(token="now", xy=dict(a=1)),
        dict(token="now", xy=[1, 2, 3]),
        dict(token="now", xy=[[1, 2], [3, 4]]),
        dict(token="now", xy=["1", "2"]),
        dict(token="now", xy=[None, 2]),
        dict(token="now", xy=[True, 2]),
        dict(token="now", xy=[float("nan"), 2]),
        dict(token="now", xy=[float("inf"), 2]),
        dict(token="now", xy=[10**400, 2]),
        dict(token="now", xy=[1] * (2 * MAX_DRAWN_POINTS + 2)),
    ],
    ids=lambda message: str(message)[:50],
)
def test_an_invalid_message_is_ignored(message):
    assert read(message) is GIVEN

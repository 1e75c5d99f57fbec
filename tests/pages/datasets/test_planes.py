"""Planes of scatter plots."""

import numpy as np
import pytest

from pages.datasets.planes import principal_plane


@pytest.mark.parametrize(
    ("second", "names"),
    [
        (1.0, ("PC 1 (50% of the variance)", "PC 2 (50% of the variance)")),
        (0.01, ("PC 1 (over 99% of the variance)", "PC 2 (under 1% of the variance)")),
        (0.0, ("PC 1 (100% of the variance)", "PC 2 (0% of the variance)")),
    ],
)
def test_shares_of_the_variance_are_0_or_100_percent_only_if_exact(second, names):
    points = np.array([[1.0, 0, 0], [-1, 0, 0], [0, second, 0], [0, -second, 0]])
    assert principal_plane(points).names == names

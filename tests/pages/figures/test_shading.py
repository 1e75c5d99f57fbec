"""Figures of shares."""

import numpy as np
import pytest

from pages.figures.shading import share_matrix


@pytest.mark.parametrize(("name", "angle"), [("Cluster", None), ("Bargain hunters", -90)])
def test_names_below_a_matrix_are_vertical_if_they_do_not_fit_beside_each_other(name, angle):
    assert share_matrix(np.eye(4), [name] * 4).layout.xaxis.tickangle == angle

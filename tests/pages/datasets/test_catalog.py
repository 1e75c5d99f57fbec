"""Simulated samples."""

import numpy as np
import pytest

from pages.datasets import catalog


@pytest.mark.parametrize("name", list(catalog.SAMPLES))
def test_each_sample_can_be_drawn_at_both_ends_of_its_parameter_ranges(name):
    sample = catalog.SAMPLES[name]
    for end in ("low", "high"):
        values = {s.name: type(sample.default(s))(getattr(s, end)) for s in sample.settings}
        data = catalog.draw_sample(name, 60, 1, values)
        assert data.points.shape == (60, len(data.columns))
        assert np.isfinite(data.points).all()
        assert len(data.labels) == 60


def test_a_random_subset_is_reproducible_and_keeps_row_numbers():
    data = catalog.draw_sample("three", 100, 1, {})
    part = data.sample(10)
    np.testing.assert_array_equal(part.points, data.sample(10).points)
    np.testing.assert_array_equal(part.points, data.points[part.rows - 1])
    assert part.key != data.key

"""What a person can bring or choose."""

import numpy as np
import pytest

from pages.datasets import catalog


@pytest.mark.parametrize("name", list(catalog.SAMPLES))
def test_every_sample_can_be_drawn_over_the_whole_range_of_its_settings(name):
    sample = catalog.SAMPLES[name]
    for end in ("low", "high"):
        values = {s.name: type(sample.default(s))(getattr(s, end)) for s in sample.settings}
        data = catalog.draw_sample(name, 60, 1, values)
        assert data.points.shape == (60, len(data.columns))
        assert np.isfinite(data.points).all()
        assert len(data.labels) == 60


def test_a_sample_of_the_data_is_the_same_each_time_and_keeps_row_numbers():
    data = catalog.draw_sample("three", 100, 1, {})
    part = data.sample(10)
    np.testing.assert_array_equal(part.points, data.sample(10).points)
    np.testing.assert_array_equal(part.points, data.points[part.rows - 1])
    assert part.key != data.key

"""Values that a data set keeps for the figures of several runs."""

from dataclasses import replace

import numpy as np

from pages.datasets.data import Data
from tests.pages.checks import proximities, sample


def test_only_the_last_value_of_a_kind_is_kept_and_copies_have_their_own():
    data = Data("key", "title", ("x",), np.zeros((2, 1)))
    computed = []

    def value(key):
        return data.cached("kind", key, lambda: computed.append(key) or f"value {key}")

    assert [value(key) for key in (1, 1, 2, 1)] == ["value 1", "value 1", "value 2", "value 1"]
    assert computed == [1, 2, 1]
    assert data.cached("another kind", 1, lambda: "other") == "other"
    assert replace(data, title="copy").cached("kind", 1, lambda: "new") == "new"


def test_selected_rows_keep_their_row_numbers_names_and_labels_but_not_the_mixture():
    data = sample()
    chosen = np.array([3, 8, 40])
    part = data.subset(chosen)
    np.testing.assert_array_equal(part.points, data.points[chosen])
    np.testing.assert_array_equal(part.rows, chosen + 1)
    np.testing.assert_array_equal(part.labels, data.labels[chosen])
    assert data.truth is not None
    assert part.truth is None
    assert part.note.startswith("3 selected of 60 points.")
    assert len({data.key, part.key, data.subset(chosen + 1).key}) == 3
    matrix = proximities().subset(chosen)
    np.testing.assert_array_equal(matrix.precomputed, proximities().precomputed[np.ix_(chosen, chosen)])
    assert list(matrix.names) == ["thing 3", "thing 8", "thing 40"]

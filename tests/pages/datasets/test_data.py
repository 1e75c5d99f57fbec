"""Values that a data set keeps for the figures of several runs."""

from dataclasses import replace

import numpy as np

from pages.datasets.data import Data


def test_only_the_last_value_of_a_kind_is_kept_and_copies_have_their_own():
    data = Data("key", "title", ("x",), np.zeros((2, 1)))
    computed = []

    def value(key):
        return data.cached("kind", key, lambda: computed.append(key) or f"value {key}")

    assert [value(key) for key in (1, 1, 2, 1)] == ["value 1", "value 1", "value 2", "value 1"]
    assert computed == [1, 2, 1]
    assert data.cached("another kind", 1, lambda: "other") == "other"
    assert replace(data, title="copy").cached("kind", 1, lambda: "new") == "new"

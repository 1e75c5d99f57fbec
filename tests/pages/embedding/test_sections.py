"""Word vectors as a data set for the other pages."""

import numpy as np
import pytest

from pages.datasets.texts import from_text
from pages.embedding.sections import vectors_as_data
from pages.methods import settings
from pages.runs.cache import RecentCache
from pages.runs.run import make_run


@pytest.fixture(scope="module")
def run():
    text = from_text("The cat drinks milk. The dog eats bread. Alone.", "Few sentences")
    return make_run(text, settings("skipgram", data=text, dimension=3), RecentCache(), lambda _: None)


def test_normalized_vectors_have_length_one_and_zero_vectors_stay_zero(run):
    data = vectors_as_data(run, True)
    names = list(data.names)
    assert not data.points[names.index("alone")].any()
    for row, vector in enumerate(run.data.points):
        if names[row] != "alone":
            assert sum(value**2 for value in data.points[row]) == pytest.approx(1)
            np.testing.assert_allclose(data.points[row] * np.sqrt((vector**2).sum()), vector)


def test_raw_vectors_are_those_of_the_run(run):
    np.testing.assert_array_equal(vectors_as_data(run, False).points, run.data.points)
    assert len({float(length) for length in np.linalg.norm(run.data.points, axis=1).round(6)}) > 2


def test_both_have_the_words_as_names_and_keys_of_their_own(run):
    raw, normalized = vectors_as_data(run, False), vectors_as_data(run, True)
    assert list(raw.names) == list(normalized.names) == list(run.data.names)
    assert raw.title == normalized.title == "Few sentences: word vectors"
    assert len({raw.key, normalized.key, run.data.key}) == 3
    assert vectors_as_data(run, True).key == normalized.key

"""Edit distances: by hand, metric properties, and against the textbook dynamic program."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustering import edit_distance
from clustering.edit_distance import edit_distances
from tests.core.tables import examples

WORDS = st.lists(st.text(alphabet="abé😀\0", max_size=9), min_size=1, max_size=9)


def dynamic_program(words):
    """(n, n) edit distances by the textbook algorithm (Wagner & Fischer 1974)."""
    distances = np.zeros((len(words), len(words)))
    for i, a in enumerate(words):
        for j, b in enumerate(words[:i]):
            above = list(range(len(b) + 1))
            for x in a:
                row = [above[0] + 1]
                for y, diagonal, up in zip(b, above, above[1:], strict=False):
                    row.append(diagonal if x == y else 1 + min(diagonal, up, row[-1]))
                above = row
            distances[i, j] = distances[j, i] = above[-1]
    return distances


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        ("kitten", "sitting", 3),
        ("saturday", "sunday", 3),
        ("intention", "execution", 5),
        ("flaw", "lawn", 2),
        ("ab", "ba", 2),
        ("", "abc", 3),
        ("", "", 0),
        ("Abc", "abc", 1),
        ("😀", "😁", 1),
        ("x😀", "x", 1),
        ("e\u0301", "\u00e9", 2),
        ("a" * 1000, "b" * 1000, 1000),
        ("a" * 1000, "a" * 64, 936),
    ],
)
def test_two_strings_by_hand(one, other, distance):
    assert edit_distances([one, other]).tolist() == [[0, distance], [distance, 0]]


def test_repeated_strings_have_equal_rows():
    np.testing.assert_array_equal(
        edit_distances(["ab", "", "ab", "b", ""]),
        [[0, 2, 0, 1, 2], [2, 0, 2, 1, 0], [0, 2, 0, 1, 2], [1, 1, 1, 0, 1], [2, 0, 2, 1, 0]],
    )


@examples(80)
@given(words=WORDS)
def test_distances_are_a_metric_and_bounded_by_the_lengths(words):
    distances = edit_distances(words)
    assert distances.dtype == np.float64
    np.testing.assert_array_equal(distances, distances.T)
    np.testing.assert_array_equal(distances == 0, [[a == b for b in words] for a in words])
    assert (distances[:, None, :] <= distances[:, :, None] + distances[None, :, :]).all()
    lengths = np.array([len(word) for word in words])
    assert (distances >= np.abs(lengths[:, None] - lengths)).all()
    assert (distances <= np.maximum(lengths[:, None], lengths)).all()


@examples(80)
@given(words=WORDS)
def test_short_strings_match_the_dynamic_program(words):
    np.testing.assert_array_equal(edit_distances(words), dynamic_program(words))


@pytest.mark.parametrize("seed", [0, 1])
def test_strings_with_lengths_around_block_boundaries_match_the_dynamic_program(seed):
    rng = random.Random(seed)
    lengths = [0, 1, 63, 64, 65, 127, 128, 129, 193]
    words = ["".join(rng.choice("ab😀") for _ in range(length)) for length in lengths]
    # near duplicates, for long runs of carries across blocks
    words += ["a" * 130, "a" * 64 + "b" + "a" * 64, "b" + words[-1], words[-2][1:], words[-1][:70] + words[-1][75:]]
    np.testing.assert_array_equal(edit_distances(words), dynamic_program(words))


def test_distances_do_not_depend_on_the_chunk_size(monkeypatch):
    rng = random.Random(0)
    words = ["".join(rng.choices("abcd", k=rng.choice([1, 3, 7, 12, 70]))) for _ in range(40)] + ["abcd" * 40, "bcda" * 50]
    expected = dynamic_program(words)
    np.testing.assert_array_equal(edit_distances(words), expected)
    for limit, value in [
        ("WORDS_PER_CHUNK", 1),
        ("WORDS_PER_CHUNK", 17),
        ("WORDS_PER_CHUNK", 10**6),
        ("MAX_TABLE_WORDS", 100),
    ]:
        with monkeypatch.context() as patch:
            patch.setattr(edit_distance, limit, value)
            np.testing.assert_array_equal(edit_distances(words), expected, err_msg=f"{limit} = {value}")


def test_more_strings_than_fit_into_a_chunk_match_the_dynamic_program(monkeypatch):
    monkeypatch.setattr(edit_distance, "WORDS_PER_CHUNK", 100)
    rng = random.Random(0)
    words = list({"".join(rng.choices("abcdefgh", k=rng.randint(5, 8))) for _ in range(250)})
    assert len(words) > 200
    rows = rng.sample(range(len(words)), 40)
    expected = dynamic_program([words[row] for row in rows])
    np.testing.assert_array_equal(edit_distances(words)[np.ix_(rows, rows)], expected)


def test_an_array_of_strings_is_accepted():
    assert edit_distances(np.array(["ab", "b"])).tolist() == [[0, 1], [1, 0]]


def test_a_lone_surrogate_counts_as_a_character():
    assert edit_distances(["\ud800", "a"])[0, 1] == 1


@pytest.mark.parametrize(
    ("strings", "sentence"),
    [
        (["a", "b", None], "row 2 is None of type NoneType"),
        (["a", 1.5], "row 1 is 1.5 of type float"),
        ("abc", "must be a list of strings"),
        ([], "got none"),
        (["a", "a" * 1001], "at most 1000 characters, but row 1 has 1001"),
    ],
)
def test_invalid_strings_raise_an_error(strings, sentence):
    with pytest.raises(ValueError, match=sentence):
        edit_distances(strings)

"""Edit distances: by hand, by their laws, and against the plain dynamic program."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustering import edit_distance
from clustering.edit_distance import edit_distances
from tests.core.tables import examples

WORDS = st.lists(st.text(alphabet="abé😀\0", max_size=9), min_size=1, max_size=9)


def plain(a, b):
    above = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (x != y)))
        above = row
    return above[-1]


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


def test_repeated_strings_are_spread_over_their_rows():
    np.testing.assert_array_equal(
        edit_distances(["ab", "", "ab", "b", ""]),
        [[0, 2, 0, 1, 2], [2, 0, 2, 1, 0], [0, 2, 0, 1, 2], [1, 1, 1, 0, 1], [2, 0, 2, 1, 0]],
    )


@examples(80)
@given(words=WORDS)
def test_distances_are_a_metric_and_lie_within_their_bounds(words):
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
def test_short_strings_agree_with_the_plain_dynamic_program(words):
    np.testing.assert_array_equal(edit_distances(words), [[plain(a, b) for b in words] for a in words])


@pytest.mark.parametrize("seed", [0, 1])
def test_strings_about_block_ends_agree_with_the_plain_dynamic_program(seed):
    rng = random.Random(seed)
    lengths = [0, 1, 63, 64, 65, 66, 127, 128, 129, 193]
    words = ["".join(rng.choice("ab😀") for _ in range(length)) for length in lengths]
    # near copies, so that long runs of carries cross the blocks
    words += ["a" * 130, "a" * 64 + "b" + "a" * 64, "b" + words[-1], words[-2][1:], words[-1][:70] + words[-1][75:]]
    np.testing.assert_array_equal(edit_distances(words), [[plain(a, b) for b in words] for a in words])


@pytest.mark.parametrize(
    ("limit", "value"), [("WORDS_PER_CHUNK", 1), ("WORDS_PER_CHUNK", 17), ("WORDS_PER_CHUNK", 10**6), ("MAX_TABLE_WORDS", 100)]
)
def test_pieces_of_any_size_give_the_same_distances(monkeypatch, limit, value):
    rng = random.Random(0)
    words = ["".join(rng.choices("abcd", k=rng.choice([1, 3, 7, 12, 70]))) for _ in range(60)] + ["abcd" * 40, "bcda" * 50]
    expected = edit_distances(words)
    np.testing.assert_array_equal(expected, [[plain(a, b) for b in words] for a in words])
    monkeypatch.setattr(edit_distance, limit, value)
    np.testing.assert_array_equal(edit_distances(words), expected)


def test_many_strings_are_compared_in_several_pieces():
    rng = random.Random(0)
    words = list({"".join(rng.choices("abcdefgh", k=rng.randint(5, 8))) for _ in range(5500)})
    assert len(words) > edit_distance.WORDS_PER_CHUNK
    distances = edit_distances(words)
    rows = rng.sample(range(len(words)), 50)
    np.testing.assert_array_equal(distances[np.ix_(rows, rows)], [[plain(words[a], words[b]) for b in rows] for a in rows])


def test_an_array_of_strings_is_taken():
    assert edit_distances(np.array(["ab", "b"])).tolist() == [[0, 1], [1, 0]]


def test_a_lone_surrogate_is_a_character_like_any_other():
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
def test_what_is_no_list_of_strings_is_refused(strings, sentence):
    with pytest.raises(ValueError, match=sentence):
        edit_distances(strings)

"""Words and co-occurrence counts: by hand, against plain loops, mutual information, and invalid arguments."""

import sys
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from clustering import Cooccurrences, cooccurrences, pointwise_mutual_information, tokenize
from tests.core.tables import examples

SENTENCES = st.lists(st.lists(st.sampled_from("abcdef"), max_size=8), min_size=1, max_size=6).filter(any)


def loops(sequences, window, weighting="flat", subsample=0.0):
    """Counts of pairs of words as a dictionary, by plain loops over positions."""
    tokens = [word for sequence in sequences for word in sequence]
    weights = {
        "flat": lambda distance: 1,
        "linear": lambda distance: (window - distance + 1) / window,
        "harmonic": lambda distance: 1 / distance,
    }

    def keep(word):
        return min(1, (subsample / (tokens.count(word) / len(tokens))) ** 0.5) if subsample else 1

    counts = {}
    for sequence in sequences:
        for i, word in enumerate(sequence):
            for j, context in enumerate(sequence):
                if i != j and (window is None or abs(i - j) <= window):
                    weight = weights[weighting](abs(i - j)) * keep(word) * keep(context)
                    counts[word, context] = counts.get((word, context), 0) + weight
    return counts


def as_matrix(counts, words):
    return np.array([[counts.get((word, context), 0) for context in words] for word in words])


# words


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("The cat sat. The dog ran!", [["the", "cat", "sat"], ["the", "dog", "ran"]]),
        ("one\ntwo\r\nthree\u2028four", [["one"], ["two"], ["three"], ["four"]]),
        ("Really?! Yes… no", [["really"], ["yes"], ["no"]]),
        ("It costs 3.5 euros.", [["it", "costs", "3.5", "euros"]]),
        ("don't don’t 'quoted' dogs'", [["don't", "don't", "quoted", "dogs"]]),
        ("well-known - e‐mail -x- --", [["well-known", "e-mail", "x"]]),
        ("snake_case co\u00adoperate", [["snake", "case", "cooperate"]]),
        ("नमस्ते दुनिया। किताबें", [["नमस्ते", "दुनिया"], ["किताबें"]]),
        ("می\u200cخواهم بروم؟ بله۔", [["می\u200cخواهم", "بروم"], ["بله"]]),
        ("我喜欢猫。你呢？", [["我喜欢猫"], ["你呢"]]),
        ("Ärger ÇA cafe\u0301", [["ärger", "ça", "caf\u00e9"]]),
        ("x\u0323\u0301y", [["x\u0323\u0301y"]]),
        ("☀️ 😀 — , ;", []),
        ("", []),
    ],
)
def test_a_text_is_split_into_sentences_of_words(text, sentences):
    assert tokenize(text) == sentences


def test_case_is_kept_on_request():
    assert tokenize("The CAT", lowercase=False) == [["The", "CAT"]]


@examples(100)
@given(text=st.text(st.characters(categories=("L", "M", "Nd", "P", "Z", "Cc")), max_size=40))
def test_words_are_normalized_and_no_letter_is_lost(text):
    words = [word for sentence in tokenize(text, lowercase=False) for word in sentence]
    assert all(unicodedata.normalize("NFC", word) == word for word in words)
    letters = [character for character in unicodedata.normalize("NFC", text) if character.isalnum()]
    assert [character for word in words for character in word if character.isalnum()] == letters


# counts by hand


def test_the_pairs_of_two_short_sentences_by_hand():
    result = cooccurrences([["a", "b", "a", "c"], ["c", "b"]], window=2)
    assert result.words == ("a", "b", "c")
    assert result.frequencies.tolist() == [2, 2, 2]
    # a-b at distances 1 and 1, a-a at 2, b-c at 2, a-c at 1; c-b in the second sentence
    assert result.counts.toarray().tolist() == [[2, 2, 1], [2, 0, 2], [1, 2, 0]]
    assert result.counts.dtype == np.float64


@pytest.mark.parametrize(("weighting", "near", "far"), [("flat", 1, 1), ("linear", 1, 1 / 3), ("harmonic", 1, 1 / 3)])
def test_weights_by_distance_by_hand(weighting, near, far):
    counts = cooccurrences([["a", "b", "x", "y", "c"]], window=3, weighting=weighting).counts.toarray()
    assert (counts[0, 1], counts[0, 3]) == pytest.approx((near, far))
    assert counts[0, 4] == 0


def test_all_pairs_of_a_basket_count_once_in_each_direction():
    result = cooccurrences([["milk", "bread", "milk", "eggs"], ["eggs"]], window=None)
    assert result.words == ("milk", "eggs", "bread")
    assert result.counts.toarray().tolist() == [[2, 2, 2], [2, 0, 1], [2, 1, 0]]
    assert result.counts.nnz == 7


def test_words_are_sorted_by_frequency_and_ties_by_first_occurrence():
    result = cooccurrences([["z", "b", "a"], ["a", "c", "b"]])
    assert result.words == ("b", "a", "z", "c")
    assert result.frequencies.tolist() == [2, 2, 1, 1]


def test_rare_words_are_removed_before_windows_are_formed():
    sentences = [["a", "rare", "b", "a", "b"]]
    for result in (cooccurrences(sentences, 1, min_count=2), cooccurrences(sentences, 1, max_words=2)):
        assert result.words == ("a", "b")
        assert result.counts.toarray().tolist() == [[0, 3], [3, 0]]


def test_frequent_words_are_subsampled_by_hand():
    sentences = [["a", "b"], ["a", "c"], ["a", "a"]]
    # frequencies 4/6, 1/6 and 1/6: "a" is kept with probability sqrt((1/6) / (4/6)) = 1/2, the others always
    counts = cooccurrences(sentences, subsample=1 / 6).counts.toarray()
    np.testing.assert_allclose(counts, [[0.5, 0.5, 0.5], [0.5, 0, 0], [0.5, 0, 0]])


def test_isolated_words_keep_a_row_of_zeros():
    result = cooccurrences([["a", "b"], ["alone"], []])
    assert result.words == ("a", "b", "alone")
    assert result.counts.toarray()[2].tolist() == [0, 0, 0]
    assert cooccurrences([["alone"]]).counts.shape == (1, 1)


# against plain loops


@examples(150)
@given(
    sequences=SENTENCES,
    window=st.integers(1, 9),
    weighting=st.sampled_from(["flat", "linear", "harmonic"]),
    subsample=st.sampled_from([0.0, 0.05, 0.3, 2.0]),
    pairs_per_block=st.sampled_from([1, 5, 2**23]),
)
def test_counts_match_plain_loops(sequences, window, weighting, subsample, pairs_per_block):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules["clustering.cooccurrences"], "PAIRS_PER_BLOCK", pairs_per_block)
        result = cooccurrences(iter(sequences), window, weighting=weighting, subsample=subsample)
    expected = as_matrix(loops(sequences, window, weighting, subsample), result.words)
    np.testing.assert_allclose(result.counts.toarray(), expected, rtol=1e-12)
    assert (result.counts.data > 0).all()


@examples(100)
@given(sequences=SENTENCES, subsample=st.sampled_from([0.0, 0.1]))
def test_counts_without_a_window_match_plain_loops(sequences, subsample):
    result = cooccurrences(map(tuple, sequences), None, subsample=subsample)
    expected = as_matrix(loops(sequences, None, subsample=subsample), result.words)
    np.testing.assert_allclose(result.counts.toarray(), expected, rtol=1e-12)
    assert (result.counts.data > 0).all()


@examples(100)
@given(sequences=SENTENCES, least=st.integers(1, 3), most=st.integers(1, 4))
def test_removing_words_equals_counting_without_them(sequences, least, most):
    tokens = [word for sequence in sequences for word in sequence]
    kept = [word for word in cooccurrences(sequences).words if tokens.count(word) >= least][:most]
    if not kept:
        return
    result = cooccurrences(sequences, 2, min_count=least, max_words=most)
    expected = loops([[word for word in sequence if word in kept] for sequence in sequences], 2)
    assert result.words == tuple(kept)
    assert result.frequencies.tolist() == [tokens.count(word) for word in kept]
    np.testing.assert_array_equal(result.counts.toarray(), as_matrix(expected, kept))


# mutual information


def test_mutual_information_by_hand():
    counts = [[6, 2, 0], [1, 0, 3], [0, 0, 0]]
    expected = np.log([[6 * 12 / (8 * 7), 2 * 12 / (8 * 2)], [1 * 12 / (4 * 7), 3 * 12 / (4 * 3)]])
    for data in (counts, sparse.csr_array(counts), sparse.coo_matrix(counts)):
        information = pointwise_mutual_information(data)
        np.testing.assert_allclose(information[[0, 0, 1, 1], [0, 1, 0, 2]], expected.ravel(), atol=1e-15)
        assert np.isneginf(information[[0, 1, 2, 2, 2], [2, 1, 0, 1, 2]]).all()


def test_independent_words_have_no_mutual_information():
    np.testing.assert_allclose(pointwise_mutual_information(np.outer([1, 2, 3.5], [4, 0.5])), 0, atol=1e-14)


def test_mutual_information_of_words_is_symmetric_and_its_positive_part_needs_no_special_case():
    result = cooccurrences(tokenize("The cat sat on the mat. The dog sat. Alone."), 2)
    information = pointwise_mutual_information(result)
    np.testing.assert_allclose(information, information.T)
    the, sat = result.words.index("the"), result.words.index("sat")
    # 3 of the 20 ordered pairs are "the" with "sat": 2 from the first sentence, 1 from the second
    sums = result.counts.toarray().sum(axis=0)
    assert information[the, sat] == pytest.approx(np.log(result.counts[the, sat] * sums.sum() / sums[the] / sums[sat]))
    positive = np.maximum(information - np.log(2), 0)
    assert np.isfinite(positive).all()
    assert not positive[result.words.index("alone")].any()


# invalid arguments


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cooccurrences("a b c"), "got a single string: split it with `tokenize`"),
        (lambda: cooccurrences(["a b", "c"]), "sequence 0 is the string 'a b': split it into words, or put a single"),
        (lambda: cooccurrences([["a", 3]]), "words must be strings, got 3 of type int"),
        (lambda: cooccurrences([["a", ["b"]]]), "sequences must be sequences of words: unhashable type: 'list'"),
        (lambda: cooccurrences([["a"], None]), "sequences must be sequences of words: 'NoneType' object is not iterable"),
        (lambda: cooccurrences([]), "at least one word, got none in 0 sequences"),
        (lambda: cooccurrences([[], []]), "at least one word, got none in 2 sequences"),
        (
            lambda: cooccurrences([["a", "b", "a"]], min_count=3),
            "min_count=3 leaves no words: .* occurs 2 times",
        ),
        (lambda: cooccurrences([["a"]], 0), "window must be an integer of at least 1, got 0"),
        (lambda: cooccurrences([["a"]], 2.0), "window must be an integer of at least 1, got 2.0"),
        (lambda: cooccurrences([["a"]], min_count=None), "min_count must be an integer of at least 1, got None"),
        (lambda: cooccurrences([["a"]], max_words=0), "max_words must be an integer of at least 1, got 0"),
        (lambda: cooccurrences([["a"]], weighting="even"), "weighting must be one of flat, linear, harmonic, got 'even'"),
        (lambda: cooccurrences([["a"]], None, weighting="linear"), 'weighting must be "flat" if window is None'),
        (lambda: cooccurrences([["a"]], subsample=-1), "subsample must be finite and at least 0, got -1"),
        (lambda: cooccurrences([["a"]], subsample=np.nan), "subsample must be finite and at least 0, got nan"),
        (lambda: pointwise_mutual_information([[1, 2], [3, -4]]), "at least 0, but row 1, column 1 is -4"),
        (lambda: pointwise_mutual_information([[1, np.nan]]), "finite and at least 0, but row 0, column 1 is nan"),
        (lambda: pointwise_mutual_information(sparse.csr_array([[0, 0], [0, np.inf]])), "but row 1, column 1 is inf"),
        (lambda: pointwise_mutual_information([1, 2]), r"two dimensions \(n, m\), got 1"),
        (lambda: pointwise_mutual_information([["a", "b"]]), "counts must be numbers"),
        (lambda: pointwise_mutual_information(np.zeros((2, 2))), "must not all be zero: no two words occur together"),
        (lambda: pointwise_mutual_information([[1e-200, 1]]), r"by a factor of more than 1e\+100, got 1e-200"),
        (lambda: pointwise_mutual_information([[1e308, 1e308]]), "got 1e\\+308 and a sum of inf"),
    ],
)
def test_invalid_arguments_raise_an_error(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_repeated_entries_of_a_sparse_array_are_added():
    counts = sparse.csr_array(([1.0, 2.0, 4.0], [0, 0, 1], [0, 2, 3]), shape=(2, 2))
    np.testing.assert_array_equal(pointwise_mutual_information(counts), pointwise_mutual_information([[3, 0], [0, 4]]))


def test_counts_given_by_the_user_are_not_modified():
    counts = sparse.csr_array(([1.0, 0.0, 2.0], ([0, 0, 1], [0, 1, 1])), shape=(2, 2))
    pointwise_mutual_information(Cooccurrences(("a", "b"), counts, np.array([1, 2])))
    assert counts.data.tolist() == [1, 0, 2]

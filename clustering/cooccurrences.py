"""Co-occurrence counts of words in sentences, items in baskets or categories in rows, and their mutual information.

    #(w, c) = sum over positions i != j of the same sequence of  weight(|i - j|)  [word i is w and word j is c]

for |i - j| <= window. Pointwise mutual information: ln(#(w, c) N / (#(w) #(c))), where #(w) and #(c) are row and column sums
and N is the sum of all counts.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from scipy import sparse

from clustering.points import is_integer

WEIGHTINGS = ("flat", "linear", "harmonic")
PAIRS_PER_BLOCK = 2**23
"""number of pairs that are collected before they are added to the counts; bounds the memory for wide windows"""
MAX_RATIO = 1e100
"""largest ratio of the sum of counts to a positive count, chosen so that products of relative frequencies do not underflow"""

SENTENCE_END = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029!?…‼⁇⁈⁉！？。｡．؟۔।॥]|(?<!\d)\.|\.(?!\d)")
"""line breaks and the marks that end sentences in European languages, Chinese, Japanese, Arabic, Urdu and Hindi; not the
period in 3.5"""
PLAIN = str.maketrans({"’": "'", "‐": "-", "‑": "-", "_": " ", "\u00ad": None})
"""typographic apostrophes and hyphens become plain ones, underscores separate words, soft hyphens are removed"""
JOINERS = "\u200c\u200d"
"""zero-width non-joiner and joiner, which occur within words of Persian and Hindi"""


class Cooccurrences(NamedTuple):
    """Words with their co-occurrence counts, the result of `cooccurrences`."""

    words: tuple[str, ...]
    """(V,) distinct words, the most frequent first; ties in the order of their first occurrence"""
    counts: sparse.csr_array
    """(V, V) weighted number of pairs of each word (row) and each context word (column); symmetric"""
    frequencies: np.ndarray
    """(V,) number of occurrences of each word"""


def tokenize(text: str, *, lowercase: bool = True) -> list[list[str]]:
    """Split a text into sentences of words.

    Sentences end at line breaks and at . ! ? … and their counterparts in other scripts. Words consist of the letters,
    combining marks and digits of any script, joined by inner apostrophes or hyphens, or are numbers such as 3.5. They are in
    Unicode's normalization form NFC. Sentences without words are left out.

    Parameters
    ----------
    text : str
    lowercase : bool
        Whether to convert the words to lowercase.

    Returns
    -------
    list of lists of strings

    Notes
    -----
    Chinese, Japanese, Thai and other languages without spaces are not segmented: whatever stands between two punctuation
    marks becomes one word. Abbreviations such as "e.g." end a sentence.
    """
    text = text.translate(PLAIN)
    text = unicodedata.normalize("NFC", text.lower() if lowercase else text)
    # \w lacks combining marks. Listing only those that occur in the text keeps the pattern fast.
    marks = "".join(sorted(character for character in set(text) if unicodedata.category(character)[0] == "M"))
    part = rf"\w[\w{marks}{JOINERS}]*" if marks or not set(JOINERS).isdisjoint(text) else r"\w+"
    find = re.compile(rf"\d+(?:[.,]\d+)+|{part}(?:['-]{part})*").findall
    return [words for words in map(find, SENTENCE_END.split(text)) if words]


def cooccurrences(
    sequences: Iterable[Sequence[str]],
    window: int | None = 5,
    *,
    weighting: str = "flat",
    subsample: float = 0.0,
    min_count: int = 1,
    max_words: int | None = None,
) -> Cooccurrences:
    """Count how often each pair of words occurs within a window.

    Parameters
    ----------
    sequences : iterable of sequences of strings
        Sentences, baskets of items, rows of categories. Windows do not cross from one sequence to the next.
    window : int or None
        Largest distance between the positions of a pair, at least 1, to both sides. None: every pair within a sequence,
        whatever its order, which is fast for long sequences too.
    weighting : str
        Weight of a pair at a distance. "flat": 1; "linear": (window - distance + 1) / window, the expectation of the random
        windows of word2vec; "harmonic": 1 / distance, as in GloVe. Must be "flat" if `window` is None.
    subsample : float
        Relative frequency t above which words are subsampled; 0: none are. A word of relative frequency f is kept with
        probability min(1, sqrt(t / f)), and the weight of a pair is multiplied by both probabilities. These are expectations,
        so there is no sampling noise. Unlike in word2vec, windows do not widen where words are dropped.
    min_count : int
        Words with fewer occurrences are removed before windows are formed, as in word2vec.
    max_words : int, optional
        Keep only the most frequent words; others are removed as well. By default all are kept.

    Returns
    -------
    Cooccurrences
        A word has a count with itself if it occurs again within the window. Rows of words without neighbors are zero.

    Raises
    ------
    ValueError
        If no words are left, `sequences` does not contain sequences of strings, or a setting is invalid.

    Notes
    -----
    Mikolov, Sutskever, Chen, Corrado & Dean 2013, arXiv:1310.4546 (subsampling); Pennington, Socher & Manning 2014,
    doi:10.3115/v1/D14-1162 (GloVe).
    """
    _check_settings(window, weighting, subsample, min_count, max_words)
    tokens, lengths, occurrences = _read(sequences)
    ranking = sorted(occurrences.items(), key=lambda item: -item[1])
    if ranking[0][1] < min_count:
        raise ValueError(f"min_count={min_count} leaves no words: the most frequent one occurs {ranking[0][1]} times")
    ranking = [(word, count) for word, count in ranking if count >= min_count][:max_words]
    words = tuple(word for word, _ in ranking)
    frequencies = np.array([count for _, count in ranking])
    number = dict.fromkeys(occurrences, -1) | {word: i for i, word in enumerate(words)}
    codes = np.fromiter(map(number.__getitem__, tokens), dtype=np.int32, count=len(tokens))
    sequence = np.repeat(np.arange(len(lengths)), lengths)
    if len(words) < len(occurrences):
        kept = codes >= 0
        codes, sequence = codes[kept], sequence[kept]
    if window is None:
        counts = _within_sequences(codes, sequence, len(words))
    else:
        counts = _within_windows(codes, sequence, len(words), window, weighting)
    if subsample:
        keep = np.sqrt(np.minimum(1.0, subsample * frequencies.sum() / frequencies))
        counts.data *= np.repeat(keep, np.diff(counts.indptr)) * keep[counts.indices]
    return Cooccurrences(words, counts, frequencies)


def _check_settings(window, weighting, subsample, min_count, max_words) -> None:
    for name, value in (("window", window), ("min_count", min_count), ("max_words", max_words)):
        if (value is None and name != "min_count") or (is_integer(value) and value >= 1):
            continue
        raise ValueError(f"{name} must be an integer of at least 1, got {value}")
    if weighting not in WEIGHTINGS:
        raise ValueError(f"weighting must be one of {', '.join(WEIGHTINGS)}, got {weighting!r}")
    if window is None and weighting != "flat":
        raise ValueError(f'weighting must be "flat" if window is None, because distances do not matter, got {weighting!r}')
    if not 0 <= subsample < np.inf:
        raise ValueError(f"subsample must be finite and at least 0, got {subsample}")


def _read(sequences) -> tuple[list[str], list[int], Counter]:
    """All words in order, the length of each sequence, and the number of occurrences of each word."""
    if isinstance(sequences, str | bytes):
        raise ValueError("sequences must be sequences of words, got a single string: split it with `tokenize`")
    sequences = list(sequences)
    for i, each in enumerate(sequences):
        if isinstance(each, str | bytes):
            raise ValueError(
                f"sequences must be sequences of words, but sequence {i} is the string {each!r}: split it into words, or put "
                "a single sequence into a list"
            )
    try:
        sequences = [list(each) for each in sequences]
        occurrences = Counter(chain.from_iterable(sequences))
    except TypeError as error:
        raise ValueError(f"sequences must be sequences of words: {error}") from None
    for word in occurrences:
        if not isinstance(word, str):
            raise ValueError(f"words must be strings, got {word!r} of type {type(word).__name__}")
    if not occurrences:
        raise ValueError(f"sequences must contain at least one word, got none in {len(sequences)} sequences")
    return list(chain.from_iterable(sequences)), [len(each) for each in sequences], occurrences


def _within_sequences(codes, sequence, size: int) -> sparse.csr_array:
    """Counts of all pairs within each sequence: B'B without the pairs of a position with itself.

    B: number of occurrences of each word (column) in each sequence (row).
    """
    shape = (int(sequence.max()) + 1, size)
    table = sparse.coo_array((np.ones(len(codes)), (sequence, codes)), shape=shape).tocsr()
    occurrences = np.bincount(codes, minlength=size).astype(float)
    # the difference has no stored zeros
    counts = sparse.csr_array(table.T @ table - sparse.diags_array(occurrences))
    counts.sort_indices()
    return counts


def _within_windows(codes, sequence, size: int, window: int, weighting: str) -> sparse.csr_array:
    """Weighted counts of the pairs at distances up to `window`."""
    longest = int(np.bincount(sequence).max())
    forward = sparse.csr_array((size, size))
    left, right, weights, collected = [], [], [], 0
    last = min(window, longest - 1)
    for distance in range(1, last + 1):
        inside = sequence[distance:] == sequence[:-distance]
        left.append(codes[:-distance][inside])
        right.append(codes[distance:][inside])
        weight = {"flat": 1.0, "linear": (window - distance + 1) / window, "harmonic": 1 / distance}[weighting]
        weights.append(np.full(len(left[-1]), weight))
        collected += len(left[-1])
        if collected >= PAIRS_PER_BLOCK or distance == last:
            pairs = (np.concatenate(left), np.concatenate(right))
            # the conversion adds up repeated pairs
            forward = forward + sparse.coo_array((np.concatenate(weights), pairs), shape=(size, size)).tocsr()
            left, right, weights, collected = [], [], [], 0
    counts = sparse.csr_array(forward + forward.T)
    counts.sort_indices()
    return counts


def check_counts(counts, name: str = "counts") -> sparse.csr_array:
    """Check the counts and return them as an (n, m) sparse array of doubles, without stored zeros.

    Parameters
    ----------
    counts : Cooccurrences, sparse or dense (n, m) array
    name : str
        Name of the argument in error messages.

    Raises
    ------
    ValueError
        If `counts` is not a numeric table, has a negative value or one that is not finite, or is zero everywhere, or if a
        positive count is smaller than the sum of all by a factor of more than `MAX_RATIO`.
    """
    if isinstance(counts, Cooccurrences):
        counts = counts.counts
    try:
        if sparse.issparse(counts):
            checked = sparse.csr_array(counts, dtype=np.float64, copy=True)
        else:
            checked = np.asarray(counts, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be numbers: an (n, m) array with one row per word") from None
    if checked.ndim != 2:
        raise ValueError(f"{name} must have two dimensions (n, m), got {checked.ndim}")
    checked = sparse.csr_array(checked)
    checked.sum_duplicates()
    valid = np.isfinite(checked.data) & (checked.data >= 0)
    if not valid.all():
        first = int(np.argmin(valid))
        row = int(np.searchsorted(checked.indptr, first, side="right")) - 1
        position = f"row {row}, column {checked.indices[first]}"
        raise ValueError(f"{name} must be finite and at least 0, but {position} is {checked.data[first]:g}")
    checked.eliminate_zeros()
    if not checked.nnz:
        raise ValueError(f"{name} must not all be zero: no two words occur together")
    with np.errstate(over="ignore"):
        total = checked.data.sum()
    if not total / MAX_RATIO <= checked.data.min():
        raise ValueError(
            f"{name} must not be smaller than their sum by a factor of more than {MAX_RATIO:g}, got {checked.data.min():g} "
            f"and a sum of {total:g}"
        )
    return checked


def pointwise_mutual_information(counts) -> np.ndarray:
    """Pointwise mutual information of each word and each context, in nats: ln(#(w, c) N / (#(w) #(c))).

    Parameters
    ----------
    counts : Cooccurrences, sparse or dense (n, m) array of counts

    Returns
    -------
    (n, m) array
        -inf where the count is 0, including words without any pair.

    Raises
    ------
    ValueError
        As in `check_counts`.

    Notes
    -----
    Skip-gram with k negative samples per pair approximates this matrix minus ln k (Levy & Goldberg 2014, Neural word embedding
    as implicit matrix factorization, NeurIPS). Values of rare words are unreliable.
    """
    counts = check_counts(counts)
    total = counts.data.sum()
    rows, columns = counts.sum(axis=1) / total, counts.sum(axis=0) / total
    row, column = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr)), counts.indices
    information = np.full(counts.shape, -np.inf)
    # logarithms of the three factors, because their product could underflow
    information[row, column] = np.log(counts.data / total) - np.log(rows[row]) - np.log(columns[column])
    return information

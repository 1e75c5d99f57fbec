"""Levenshtein edit distances between strings."""

import numpy as np

MAX_LENGTH = 1000
"""maximum number of code points in a string; time grows with the square of the length"""
WORDS_PER_CHUNK = 4096
"""64-bit words (blocks of 64 letters) processed together: the arrays of a step fit in the processor cache"""
MAX_TABLE_WORDS = 2**24
"""maximum number of 64-bit words in the table of letter positions"""


def edit_distances(strings) -> np.ndarray:
    """Levenshtein distance of each pair of strings, an (n, n) float array of integer values.

    It is the minimum number of insertions, deletions and substitutions of code points that turn one string into the other.

    Parameters
    ----------
    strings : sequence of n strings
        At most 1,000 code points each. Strings may be empty or repeated.

    Raises
    ------
    ValueError
        If there are no strings, an entry is not a string, or a string is too long. The message gives the first one.

    Notes
    -----
    A letter with a combining accent counts as two code points; normalize such strings first
    (`unicodedata.normalize("NFC", …)`). A transposition counts as two edits. Distances grow with the length of the strings.

    Levenshtein 1966, Soviet Physics Doklady 10:707. Uses the bit-parallel algorithm of Myers 1999,
    doi:10.1145/316542.316550, in blocks of 64 letters (Hyyrö 2003, Nordic J. of Computing 10:29): each step compares one
    letter of one string with 64 letters of each of many other strings.
    """
    if isinstance(strings, str):
        raise ValueError("strings must be a list of strings, got a single one")
    strings = list(strings)
    if not strings:
        raise ValueError("strings must contain at least one string, got none")
    for row, string in enumerate(strings):
        if not isinstance(string, str):
            raise ValueError(f"strings must be strings, but row {row} is {string!r} of type {type(string).__name__}")
        if len(string) > MAX_LENGTH:
            raise ValueError(f"strings must have at most {MAX_LENGTH} characters, but row {row} has {len(string)}: shorten it")
    distinct = sorted(set(strings), key=lambda string: (len(string), string))
    number = {string: i for i, string in enumerate(distinct)}
    index = np.array([number[string] for string in strings])
    return _distances(distinct)[index[:, None], index].astype(float)


def _distances(strings) -> np.ndarray:
    """(n, n) distances of distinct strings, sorted by length."""
    n = len(strings)
    lengths = np.array([len(string) for string in strings])
    ends = np.concatenate([[0], np.cumsum(lengths)])
    code_points = np.frombuffer("".join(strings).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    alphabet, letters = np.unique(code_points, return_inverse=True)
    words = np.concatenate([[0], np.cumsum(np.maximum(1, -(-lengths // 64)))])
    capacity = min(WORDS_PER_CHUNK, MAX_TABLE_WORDS // max(1, len(alphabet)))
    distances = np.zeros((n, n), dtype=np.int16)
    begin = 0
    while begin < n:
        end = max(begin + 1, int(np.searchsorted(words, words[begin] + capacity, "right")) - 1)
        blocks = _blocks(letters[ends[begin] : ends[end]], lengths[begin:end], len(alphabet))
        i = 0
        while i < end:
            # compare strings with later ones only, which are at least as long: fewer steps
            after = max(begin, i)
            several = slice(i, min(end, i + max(1, WORDS_PER_CHUNK // (end - after))))
            distances[several, after:end] = _to_each(letters, ends[several], lengths[several], blocks, after - begin)
            i = several.stop
        begin = end
    return np.maximum(distances, distances.T)


def _blocks(letters, lengths, count: int) -> list[tuple]:
    """For each block of 64 letters of the strings: (index of the first string that reaches it, `where`, `inside`).

    `letters` are the indices in the alphabet of all letters of the strings, one string after the other, `lengths` the lengths
    of the strings, and `count` the size of the alphabet. With m strings that reach the block, the bits of `where` (count, m)
    mark the positions of each letter of the alphabet, and the bits of `inside` (m,) all positions within the string. Strings
    are sorted by length, so the last m reach the block.
    """
    owner = np.repeat(np.arange(len(lengths)), lengths)
    position = np.arange(len(letters)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    bits = np.left_shift(np.uint64(1), (position % 64).astype(np.uint64))
    blocks = []
    for b in range(max(1, -(-int(lengths[-1]) // 64))):
        first = int(np.searchsorted(lengths, 64 * b, "right")) if b else 0
        here = position // 64 == b
        where = np.zeros((count, len(lengths) - first), dtype=np.uint64)
        inside = np.zeros(len(lengths) - first, dtype=np.uint64)
        np.bitwise_or.at(where, (letters[here], owner[here] - first), bits[here])
        np.bitwise_or.at(inside, owner[here] - first, bits[here])
        blocks.append((first, where, inside))
    return blocks


def _to_each(letters, starts, lengths, blocks, skipped: int) -> np.ndarray:
    """(t, m) distances of t strings, sorted by length, to the strings in the blocks, except the first `skipped`.

    A column of the dynamic programming table is stored as differences between adjacent entries: the bits of `rises` mark +1,
    those of `falls` mark -1. Names in the paper: Pv, Mv (`rises`, `falls`), Ph, Mh (`up`, `down`), Xv, Xh.
    """
    live = []
    for first, where, inside in blocks:
        cut = max(0, skipped - first)
        if cut < len(inside):
            rises, falls, *scratch = np.zeros((6, len(starts), len(inside) - cut), dtype=np.uint64)
            live.append((max(first, skipped) - skipped, where[:, cut:], inside[cut:], ~rises, falls, scratch))
    one, top = np.uint64(1), np.uint64(63)
    for step in range(lengths[-1]):
        longer = int(np.searchsorted(lengths, step, "right"))
        now = letters[starts[longer:] + step]
        up_below, down_below, below = one, None, 0
        for number, (first, where, _, *arrays, scratch) in enumerate(live):
            rises, falls, xv, xh, up, down = (array[longer:] for array in (*arrays, *scratch))
            equal = where[now]
            np.bitwise_or(equal, falls, out=xv)
            if number:
                up_below, down_below = up_below[:, first - below :], down_below[:, first - below :]
                equal |= down_below
            np.bitwise_and(equal, rises, out=xh)
            xh += rises
            xh ^= rises
            xh |= equal
            np.bitwise_or(xh, rises, out=up)
            np.invert(up, out=up)
            up |= falls
            np.bitwise_and(rises, xh, out=down)
            carries = (up >> top, down >> top) if number + 1 < len(live) else (None, None)
            up <<= one
            up |= up_below
            down <<= one
            if number:
                down |= down_below
            np.bitwise_or(xv, up, out=rises)
            np.invert(rises, out=rises)
            rises |= down
            np.bitwise_and(up, xv, out=falls)
            (up_below, down_below), below = carries, first
    distances = np.repeat(lengths[:, None].astype(np.int16), live[0][3].shape[1], axis=1)
    for first, _, inside, rises, falls, _ in live:
        distances[:, first:] += np.bitwise_count(rises & inside)
        distances[:, first:] -= np.bitwise_count(falls & inside)
    return distances

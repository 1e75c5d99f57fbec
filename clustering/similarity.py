"""Nearest neighbors and analogies of vectors by cosine similarity.

    cos(u, v) = u'v / (|u| |v|), 0 if u or v is zero

An analogy "a is to b as c is to d" holds if b - a is about d - c.
"""

import numpy as np

from clustering.points import check_points, is_integer

ANALOGY_METHODS = ("add", "multiply")
EPSILON = 1e-3
"""added to the denominator of "multiply" to prevent division by zero, as in Levy & Goldberg 2014"""


def unit_vectors(vectors: np.ndarray) -> np.ndarray:
    """(n, d) vectors at length 1; zero vectors stay zero."""
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    scaled = vectors / np.where(largest > 0, largest, 1.0)  # prevents underflow of squares
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    return scaled / np.where(length > 0, length, 1.0)


def most_similar(vectors, query, n: int = 10, exclude=()) -> tuple[np.ndarray, np.ndarray]:
    """The vectors most similar to a query.

    Parameters
    ----------
    vectors : (V, d) array
    query : int or (d,) array
        Index of a vector, which is excluded from the result, or any vector.
    n : int
        Number of results, at least 1; fewer are returned if there are not enough vectors.
    exclude : indices
        Vectors left out of the result.

    Returns
    -------
    indices, cosines : arrays of up to n entries
        The most similar first; ties in the order of the indices.

    Raises
    ------
    ValueError
        If `vectors` or `query` are not finite numbers of matching shapes, or an index or `n` is out of range.
    """
    vectors, exclude = check_points(vectors, "vectors"), list(exclude)
    if is_integer(query):
        _check_index(query, len(vectors), "query")
        exclude.append(query)
        query = vectors[query]
    query = np.asarray(query)
    if query.shape != vectors.shape[1:]:
        raise ValueError(f"query must be an index or a vector of shape {vectors.shape[1:]}, got shape {query.shape}")
    query = check_points(query[None], "query")
    return _largest((unit_vectors(vectors) @ unit_vectors(query).T)[:, 0], n, exclude)


def analogy(vectors, a: int, b: int, c: int, n: int = 10, method: str = "add") -> tuple[np.ndarray, np.ndarray]:
    """Complete the analogy "a is to b as c is to …".

    Parameters
    ----------
    vectors : (V, d) array
    a, b, c : int
        Indices of vectors; they are excluded from the result.
    n : int
        Number of results, at least 1; fewer are returned if there are not enough vectors.
    method : str
        "add": the score of d is its cosine with b - a + c, all at length 1 (3CosAdd: Mikolov, Yih & Zweig 2013, Linguistic
        regularities in continuous space word representations, NAACL). "multiply": s(d, b) s(d, c) / (s(d, a) + 0.001) with
        s = (cos + 1) / 2, which is never negative. In a product no single similarity dominates (3CosMul: Levy & Goldberg 2014,
        Linguistic regularities in sparse and explicit word representations, CoNLL, doi:10.3115/v1/W14-1618).

    Returns
    -------
    indices, scores : arrays of up to n entries
        The highest score first; ties in the order of the indices.

    Raises
    ------
    ValueError
        If `vectors` are not finite numbers, an index or `n` is out of range, or the method is unknown.
    """
    if method not in ANALOGY_METHODS:
        raise ValueError(f"method must be one of {', '.join(ANALOGY_METHODS)}, got {method!r}")
    vectors = check_points(vectors, "vectors")
    for name, index in (("a", a), ("b", b), ("c", c)):
        _check_index(index, len(vectors), name)
    directions = unit_vectors(vectors)
    if method == "add":
        target = directions[b] - directions[a] + directions[c]
        scores = directions @ unit_vectors(target[None])[0]
    else:
        to_a, to_b, to_c = (directions[[a, b, c]] @ directions.T + 1) / 2
        scores = to_b * to_c / (to_a + EPSILON)
    return _largest(scores, n, (a, b, c))


def _largest(scores: np.ndarray, n: int, exclude) -> tuple[np.ndarray, np.ndarray]:
    if not is_integer(n) or n < 1:
        raise ValueError(f"n must be an integer of at least 1, got {n}")
    for index in exclude:
        _check_index(index, len(scores), "exclude")
    left = np.ones(len(scores), dtype=bool)
    left[list(exclude)] = False
    indices = np.flatnonzero(left)
    indices = indices[np.argsort(-scores[indices], kind="stable")[:n]]
    return indices, scores[indices]


def _check_index(index, size: int, name: str) -> None:
    if not is_integer(index) or not 0 <= index < size:
        raise ValueError(f"{name} must be an index in 0..{size - 1}, got {index}")

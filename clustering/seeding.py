"""Initialization: selection of k rows of the data as initial centers or medoids.

The functions access the data through a callback: `distances_to(rows)` returns an (m, n) array with the dissimilarity of every
point to each of m given rows, in the form that the loss sums: squared Euclidean distances for K-means, the dissimilarities
themselves for K-medoids. The same code thus works for points and for proximity matrices. All functions return k distinct
indices.

Fränti & Sieranoja 2019, doi:10.1016/j.patcog.2019.04.014, compare initializations of K-means on benchmark data.
"""

from collections.abc import Callable

import numpy as np

from clustering.chunks import map_chunks
from clustering.distances import squared_distances
from clustering.points import is_integer

DistancesTo = Callable[[np.ndarray], np.ndarray]


def random_rows(n: int, k: int, rng: np.random.Generator) -> np.ndarray:
    """Choose k of n rows uniformly at random, without replacement."""
    return rng.choice(n, size=k, replace=False)


def weighted_random_rows(weights: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Choose k rows without replacement, each with probability proportional to its weight among those that are left.

    weights : (n,) array of positive numbers. Efraimidis & Spirakis 2006, doi:10.1016/j.ipl.2005.11.003.
    """
    with np.errstate(over="ignore"):
        return np.argsort(rng.exponential(size=len(weights)) / weights, kind="stable")[:k]


def rows_not_chosen(n: int, rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Choose `count` of n rows uniformly at random, without replacement, that are not among `rows`, which are distinct."""
    chosen = rng.choice(n - len(rows), size=count, replace=False)
    for row in np.sort(rows):  # convert positions among the remaining rows to indices among all rows
        chosen += chosen >= row
    return chosen


def plus_plus_trials(init: str, k: int) -> int | None:
    """Number of candidates per center in the k-means++ variant named `init`; None if `init` is not such a variant."""
    return {"k-means++": 2 + int(np.log(k)), "plain k-means++": 1}.get(init)


def plus_plus(
    distances_to: DistancesTo,
    n: int,
    k: int,
    rng: np.random.Generator,
    trials: int | None = None,
    first: int | None = None,
) -> np.ndarray:
    """Choose k rows by k-means++.

    The first row is drawn uniformly. For each further row, `trials` candidates are drawn with probability proportional to
    their dissimilarity to the nearest chosen row, and the candidate that reduces the loss most is chosen.

    Parameters
    ----------
    distances_to : callable
        See the module documentation.
    n, k : int
        Number of rows, and number of rows to choose.
    rng : numpy.random.Generator
    trials : int, optional
        Number of candidates per row, by default 2 + floor(ln k) (greedy k-means++). 1 is k-means++ as originally published.
    first : int, optional
        The first row, by default random.

    Raises
    ------
    ValueError
        If `trials` is not an integer of at least 1.

    Notes
    -----
    With one candidate and squared Euclidean distances, the expected loss is at most 8 (ln k + 2) times the optimum. Outliers
    are likely to be chosen. With a single candidate, two rows are often chosen from one group and none from another.

    Arthur & Vassilvitskii 2007, "k-means++: the advantages of careful seeding", SODA; the greedy variant is in section 7.
    """
    if trials is None:
        trials = plus_plus_trials("k-means++", k)
    elif not is_integer(trials) or trials < 1:
        raise ValueError(f"trials must be an integer of at least 1, got {trials}")
    rows = np.empty(k, dtype=np.intp)
    rows[0] = rng.integers(n) if first is None else first
    nearest = distances_to(rows[:1])[0]
    for i in range(1, k):
        cumulative = np.cumsum(nearest)
        if cumulative[-1] > 0:
            # side="right" never selects a row of zero dissimilarity: a chosen row or a duplicate of one
            candidates = np.searchsorted(cumulative, rng.random(trials) * cumulative[-1], side="right")
            if candidates.max() == n:  # the product was rounded up to the total
                candidates = np.minimum(candidates, np.flatnonzero(nearest)[-1])
        else:
            candidates = rng.choice(np.setdiff1d(np.arange(n), rows[:i]), size=1)
        reduced = np.minimum(distances_to(candidates), nearest)
        best = reduced.sum(axis=1).argmin()
        rows[i], nearest = candidates[best], reduced[best]
    return rows


def maxmin(distances_to: DistancesTo, n: int, k: int, rng: np.random.Generator, first: int | None = None) -> np.ndarray:
    """Choose k rows by farthest-first traversal: the first at random, each next one farthest from those already chosen.

    `first` is the first row, by default random. Outliers tend to be chosen early.
    Gonzalez 1985, doi:10.1016/0304-3975(85)90224-5.
    """
    rows = np.empty(k, dtype=np.intp)
    rows[0] = rng.integers(n) if first is None else first
    nearest = distances_to(rows[:1])[0].copy()
    for i in range(1, k):
        nearest[rows[i - 1]] = -1.0  # never chosen again, even among identical points
        rows[i] = nearest.argmax()
        np.minimum(nearest, distances_to(rows[i : i + 1])[0], out=nearest)
    return rows


def build(proximities: np.ndarray, k: int) -> np.ndarray:
    """Choose k rows by BUILD: each next row reduces the sum of dissimilarities to the nearest chosen row most.

    Deterministic; ties go to the row with the lowest index. Takes k passes over the (n, n) matrix.
    Kaufman & Rousseeuw 1990, "Finding Groups in Data", chapter 2, doi:10.1002/9780470316801.
    """
    n = len(proximities)
    rows = np.empty(k, dtype=np.intp)
    nearest = np.full(n, np.inf)
    size = max(1, 2**18 // n)
    for i in range(k):

        def losses(chunk, nearest=nearest):
            return np.minimum(proximities[chunk], nearest).sum(axis=1)

        loss = np.concatenate(map_chunks(losses, n, size))
        loss[rows[:i]] = np.inf
        rows[i] = loss.argmin()
        nearest = np.minimum(nearest, proximities[rows[i]])
    return rows


def rows_by_name(
    init: str,
    distances_to: DistancesTo,
    n: int,
    k: int,
    rng: np.random.Generator,
    *others: str,
    weights: np.ndarray | None = None,
) -> np.ndarray:
    """Choose k of n rows by the method named `init`.

    With `weights` (n,), positive numbers, rows that are drawn have probabilities proportional to them, in k-means++ times the
    dissimilarity, and k-means++ compares weighted losses.

    Raises ValueError for an unknown name. Its message lists the names accepted here and the caller's `others`.
    """

    def weighted_distances_to(rows):
        return distances_to(rows) if weights is None else weights * distances_to(rows)

    def first_row():
        return None if weights is None else weighted_random_rows(weights, 1, rng)[0]

    if init == "random":
        return random_rows(n, k, rng) if weights is None else weighted_random_rows(weights, k, rng)
    if trials := plus_plus_trials(init, k):
        return plus_plus(weighted_distances_to, n, k, rng, trials, first_row())
    if init == "maxmin":
        return maxmin(distances_to, n, k, rng, first_row())
    names = ", ".join(map(repr, (*others, "k-means++", "plain k-means++", "random", "maxmin")))
    raise ValueError(f"init must be {names} or an array, got {init!r}")


def seeded_rows(
    init: str, columns: np.ndarray, k: int, rng: np.random.Generator, *others: str, weights: np.ndarray | None = None
) -> np.ndarray:
    """Choose k of the points `columns` (d, n) by the method named `init`, using squared distances. See `rows_by_name`."""

    def distances_to(rows):
        return squared_distances(columns, columns[:, rows].T)

    return rows_by_name(init, distances_to, columns.shape[1], k, rng, *others, weights=weights)

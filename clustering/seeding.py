"""Where a run starts: rows of the data, chosen at random, far apart, or greedily.

Each function sees the data only through `distances_to(rows)`, an (m, n) array of the dissimilarity of every point to each
of m given rows, in the unit that the loss sums: squared distance for K-means, the proximity itself for K-medoids. So the
same code serves points and proximities. All return k distinct row numbers.
"""

from collections.abc import Callable

import numpy as np

from clustering.chunks import map_chunks
from clustering.distances import squared_distances
from clustering.points import is_integer

DistancesTo = Callable[[np.ndarray], np.ndarray]


def random_rows(n: int, k: int, rng: np.random.Generator) -> np.ndarray:
    """k of the n rows, each set of k equally likely."""
    return rng.choice(n, size=k, replace=False)


def plus_plus(distances_to: DistancesTo, n: int, k: int, rng: np.random.Generator, trials: int | None = None) -> np.ndarray:
    """k rows by k-means++, greedy unless `trials` is 1.

    The next row is drawn with a probability proportional to its dissimilarity to the nearest one chosen; of `trials` such
    candidates, by default 2 + ln k, the one that lowers the loss most is taken. Arthur & Vassilvitskii 2007, "k-means++:
    the advantages of careful seeding": with one candidate as first published, expected to start within 8 (ln k + 2) times
    the least loss; the greedy variant is theirs too (section 7). Weakness: an outlier is a likely candidate, and one
    candidate alone often leaves a group out and starts twice in another.

    Raises
    ------
    ValueError
        If `trials` is not an integer of at least 1.
    """
    if trials is None:
        trials = 2 + int(np.log(k))
    elif not is_integer(trials) or trials < 1:
        raise ValueError(f"trials must be an integer of at least 1, got {trials}")
    rows = np.empty(k, dtype=np.intp)
    rows[0] = rng.integers(n)
    nearest = distances_to(rows[:1])[0]
    for i in range(1, k):
        cumulative = np.cumsum(nearest)
        if cumulative[-1] > 0:
            # side="right" never lands on a row of zero dissimilarity, one that is chosen already or a copy of it
            candidates = np.searchsorted(cumulative, rng.random(trials) * cumulative[-1], side="right")
            if candidates.max() == n:  # the product was rounded up to the whole sum
                candidates = np.minimum(candidates, np.flatnonzero(nearest)[-1])
        else:
            candidates = rng.choice(np.setdiff1d(np.arange(n), rows[:i]), size=1)
        reduced = np.minimum(distances_to(candidates), nearest)
        best = reduced.sum(axis=1).argmin()
        rows[i], nearest = candidates[best], reduced[best]
    return rows


def maxmin(distances_to: DistancesTo, n: int, k: int, rng: np.random.Generator) -> np.ndarray:
    """k rows, the first at random, each next one the farthest from those chosen.

    Gonzalez 1985, doi:10.1016/0304-3975(85)90224-5. Weakness: it picks outliers before anything else.
    """
    rows = np.empty(k, dtype=np.intp)
    rows[0] = rng.integers(n)
    nearest = distances_to(rows[:1])[0].copy()
    for i in range(1, k):
        nearest[rows[i - 1]] = -1.0  # never again, even among identical points
        rows[i] = nearest.argmax()
        np.minimum(nearest, distances_to(rows[i : i + 1])[0], out=nearest)
    return rows


def build(proximities: np.ndarray, k: int) -> np.ndarray:
    """k rows by BUILD: each next row lowers the sum of dissimilarities to the nearest chosen row most.

    Kaufman & Rousseeuw 1990, "Finding Groups in Data", chapter 2. Nothing in it is random; ties go to the lowest row.
    Costs k passes over the n x n matrix.
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


def rows_by_name(init: str, distances_to: DistancesTo, n: int, k: int, rng: np.random.Generator, *others: str) -> np.ndarray:
    """k of n rows by a named way of starting.

    ValueError if there is no such way; the sentence names these ways and the `others` that the caller has.
    """
    if init == "random":
        return random_rows(n, k, rng)
    if init == "k-means++":
        return plus_plus(distances_to, n, k, rng)
    if init == "plain k-means++":
        return plus_plus(distances_to, n, k, rng, trials=1)
    if init == "maxmin":
        return maxmin(distances_to, n, k, rng)
    names = ", ".join(map(repr, (*others, "k-means++", "plain k-means++", "random", "maxmin")))
    raise ValueError(f"init must be {names} or an array, got {init!r}")


def seeded_rows(init: str, columns: np.ndarray, k: int, rng: np.random.Generator, *others: str) -> np.ndarray:
    """k rows of the points `columns` (d, n) by a named way of starting, by squared distances; as `rows_by_name`."""

    def distances_to(rows):
        return squared_distances(columns, columns[:, rows].T)

    return rows_by_name(init, distances_to, columns.shape[1], k, rng, *others)

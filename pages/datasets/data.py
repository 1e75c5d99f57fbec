"""A prepared data set, ready to be clustered."""

import hashlib
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from clustering import as_frequencies, gower_matrix, proximity_matrix
from clustering.gaussians import Gaussians
from clustering.proximity import UndefinedProximity
from pages.datasets.server.rows import AllRows

POINTS, MIXED, PROXIMITIES = "points", "mixed", "proximities"
"""kinds of data, see `Data.kinds`"""
SCIPY_METRICS = {"squared euclidean": "sqeuclidean", "manhattan": "cityblock"} | {
    metric: metric for metric in ("euclidean", "chebyshev", "cosine")
}
"""names of these metrics in `scipy.spatial.distance`"""
PRECOMPUTED = "as given"
"""the metric of a distance matrix that was uploaded or computed from words"""


@dataclass(frozen=True, eq=False)
class ColumnScaling:
    """How the columns of a data set were scaled: (value in the data's own units - shift) / scale."""

    name: str
    """key of `cleaning.SCALINGS`"""
    columns: tuple[str, ...]
    """(d,) names of the columns before scaling"""
    shift: np.ndarray
    """(d,)"""
    scale: np.ndarray
    """(d,)"""

    def positions(self, scaled: np.ndarray) -> np.ndarray:
        """Points, centers or means (…, d) in the data's own units."""
        return scaled * self.scale + self.shift

    def covariances(self, scaled: np.ndarray) -> np.ndarray:
        """Covariances (…, d, d) in the data's own units."""
        return scaled * np.multiply.outer(self.scale, self.scale)


@dataclass(frozen=True)
class SourceFile:
    """The file of a table."""

    name: str
    format: Any
    """the `readers.Format` by which it was read"""
    notes: tuple[str, ...] = ()
    """sentences about repairs and dropped rows"""
    start: tuple[str, ...] = ()
    """its first lines as they stand; empty for binary files"""


@dataclass(frozen=True, eq=False)
class Origin:
    """The table that a data set comes from."""

    table: pd.DataFrame
    """all rows and all columns"""
    preparation: Any
    """the `cleaning.Preparation` that turned it into points"""
    numbers: tuple[str, ...]
    """names of the features that are numbers or dates, in the order of the points' columns"""
    categories: dict[str, tuple[str, ...]]
    """the categories of each categorical feature, in the order of their indicator columns; of two categories, only the second
    has such a column"""
    widths: tuple[int, ...]
    """number of columns of the points for each feature: `numbers`, then `categories`"""
    file: SourceFile | None = None
    """the file that the table was read from; None if unknown"""


@dataclass(frozen=True, eq=False)
class Data:
    """Points to cluster, or a distance matrix with a 2-D layout of its points."""

    key: str
    """identifies the data set: two data sets with the same key are equal"""
    title: str
    columns: tuple[str, ...]
    """names of the d columns"""
    points: np.ndarray
    """(n, d)"""
    labels: np.ndarray | None = None
    """(n,) true labels, integers from 0, -1 for unknown; never used for clustering"""
    label_name: str = ""
    """name of the column with the true labels; empty if they are not in a column"""
    truth: Gaussians | None = None
    """the mixture from which the points were drawn"""
    same_units: bool = False
    """whether all columns have the same unit, so that plots use the same scale on both axes"""
    note: str = ""
    """sentences about dropped rows, imputed values and encoded categories"""
    rows: np.ndarray = field(default=None)
    """(n,) row number of each point in the original table, from 1"""
    names: np.ndarray | None = None
    """(n,) row labels, text"""
    noun: str = "point"
    """what a point without a row label is called: "row" if it is a row of a table or matrix, otherwise "point\""""
    imputed: np.ndarray | None = None
    """(n, d) booleans, whether a value was imputed"""
    occurrences: np.ndarray | None = None
    """(n,) how often each point occurs, in decreasing order, if points are words or other objects, whose names plots show"""
    row_weights: np.ndarray | None = None
    """(n,) how often each row counts, see `clustering.WeightedPoints`; None if all rows count the same"""
    weight_name: str = ""
    """name of the column of `row_weights`"""
    deviations: np.ndarray | None = None
    """(n, d) standard deviation of each imputed value, 0 elsewhere; None if unknown"""
    scaling: ColumnScaling | None = None
    """how the columns were scaled; None if they have their own units"""
    mixed: tuple[np.ndarray, np.ndarray] | None = None
    """numbers (n, p) and category codes (n, q) before encoding and scaling; None if there are no categories"""
    precomputed: np.ndarray | None = None
    """(n, n) distance matrix, if only distances are known; `points` is then a 2-D layout"""
    matrix_name: str = ""
    """what the entries of `precomputed` are, e.g. "edit distances\""""
    all_rows: AllRows | None = None
    """all rows of a table on the server, of which `points` are a random sample; None if `points` are all points"""
    origin: Origin | None = None
    """the table that the points are rows of, see `rows`; None for simulated and drawn points, matrices and words"""

    _cache: dict = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self):
        if self.rows is None:
            object.__setattr__(self, "rows", np.arange(1, len(self.points) + 1))

    def cached(self, kind: str, key: Hashable, compute: Callable[[], Any]) -> Any:
        """Get a cached value, or compute it; only the last value of each kind is kept."""
        kept = self._cache.get(kind)
        if kept is None or kept[0] != key:
            kept = self._cache[kind] = key, compute()
        return kept[1]

    def forget(self) -> None:
        """Drop all cached values."""
        self._cache.clear()

    @property
    def kinds(self) -> frozenset[str]:
        """What a method can use: "points", also "mixed" if there are categories, or "proximities" if only distances are known.

        A table with categories has points, too, in which the categories are one-hot encoded.
        """
        if self.precomputed is not None:
            return frozenset({PROXIMITIES})
        return frozenset({POINTS} if self.mixed is None else {POINTS, MIXED})

    @property
    def n(self) -> int:
        """Number of points of a run: `points`, or all rows of a table on the server."""
        return len(self.points) if self.all_rows is None else self.all_rows.n

    @property
    def without_other_rows(self) -> "Data":
        """The points in memory as a data set of its own."""
        return self if self.all_rows is None else replace(self, key=f"{self.key}/points", all_rows=None)

    @property
    def row_frequencies(self) -> np.ndarray | None:
        """(n,) `row_weights` for statistics that depend on the number of rows, see `as_frequencies`; None without weights."""
        return None if self.row_weights is None else as_frequencies(self.row_weights)

    @property
    def has_whole_weights(self) -> bool:
        """Whether all weights of rows, if there are any, are whole numbers, which are taken as frequencies."""
        return self.row_weights is None or bool((self.row_weights == np.rint(self.row_weights)).all())

    @property
    def observations(self) -> float:
        """Number of observations for information criteria.

        With weights that are all whole numbers, which are taken as frequencies, their sum; with other weights, which are
        relative, the number of rows whose weight is not 0; without weights, the number of points.
        """
        if self.row_weights is None:
            return self.n
        if self.has_whole_weights:
            return float(self.row_weights.sum())
        return int(np.count_nonzero(self.row_weights))

    @property
    def n_values(self) -> int:
        """Approximate number of values in memory."""
        return self.points.size + (0 if self.precomputed is None else self.precomputed.size)

    @property
    def to_scale(self) -> bool:
        """Whether plots use the same scale on both axes."""
        return self.same_units and self.points.shape[1] > 1

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that are defined for these data, the recommended one first."""
        if self.precomputed is not None:
            return (PRECOMPUTED,)
        metrics = ("euclidean", "squared euclidean", "manhattan", "chebyshev", "cosine")
        return ("gower",) * (self.mixed is not None) + metrics + ("correlation",) * (len(self.columns) > 2)

    def proximities(self, metric: str) -> np.ndarray:
        """The (n, n) distance matrix for one of `metrics`.

        Raises
        ------
        ValueError
            If the metric is undefined for a row, e.g. cosine for a row of zeros; the message contains the row number.
        """
        if self.precomputed is not None:
            return self.precomputed
        if metric == "gower":
            return gower_matrix(*self.mixed)
        try:
            return proximity_matrix(self.points, metric)
        except UndefinedProximity as error:
            raise ValueError(error.message(self.rows[error.row])) from None

    def names_of(self, indices) -> list[str]:
        """The row labels of these points, or "row 5" (in general: `noun` and number) where there is none."""
        if self.names is not None:
            return [name or f"{self.noun} {row}" for name, row in zip(self.names[indices], self.rows[indices], strict=True)]
        return [f"{self.noun} {row}" for row in self.rows[indices]]

    @property
    def is_numbered(self) -> bool:
        """Whether the name of each point is its position, from 1: there are no row labels, and no rows are left out."""
        return self.names is None and np.array_equal(self.rows, np.arange(1, len(self.rows) + 1))

    @property
    def true_labels_name(self) -> str:
        """The true labels in running text, with the name of their column."""
        return f"true labels (column: {self.label_name})" if self.label_name else "true labels"

    @property
    def groups(self) -> int:
        """Number of true groups, 0 if unknown."""
        return 0 if self.labels is None else len(np.unique(self.labels[self.labels >= 0]))

    def sample_indices(self, n: int) -> np.ndarray:
        """(n,) sorted indices of a random sample of the points, the same on every call."""
        return np.sort(np.random.default_rng(0).choice(len(self.points), n, replace=False))

    def sample(self, n: int) -> "Data":
        """The data set restricted to `sample_indices(n)`."""
        return replace(self._restricted(self.sample_indices(n)), key=f"{self.key}/{n}")

    def subset(self, rows: np.ndarray) -> "Data":
        """The data set restricted to these points, given by their positions; they are not a random sample."""
        digest = hashlib.sha256(np.asarray(rows, dtype=np.int64).tobytes()).hexdigest()[:16]
        note = f"{len(rows):,} selected of {len(self.points):,} {self.noun}s. {self.note}".strip()
        return replace(self._restricted(rows), key=f"{self.key}/rows {digest}", note=note, truth=None)

    def _restricted(self, chosen: np.ndarray) -> "Data":
        def subset(array):
            return None if array is None else array[chosen]

        return replace(
            self,
            points=self.points[chosen],
            labels=subset(self.labels),
            rows=self.rows[chosen],
            names=subset(self.names),
            imputed=subset(self.imputed),
            occurrences=subset(self.occurrences),
            row_weights=subset(self.row_weights),
            deviations=subset(self.deviations),
            mixed=None if self.mixed is None else tuple(map(subset, self.mixed)),
            precomputed=None if self.precomputed is None else self.precomputed[np.ix_(chosen, chosen)],
            all_rows=None,
        )

"""A data set as it is clustered."""

from dataclasses import dataclass, field, replace

import numpy as np

from clustering import gower_matrix, proximity_matrix
from clustering.gaussians import Gaussians
from clustering.proximity import UndefinedProximity

SCIPY_METRICS = {"squared euclidean": "sqeuclidean", "manhattan": "cityblock"} | {
    metric: metric for metric in ("euclidean", "chebyshev", "cosine")
}
"""what SciPy calls the metrics between points that it has"""
GIVEN = "as given"
"""the metric of data that are proximities themselves"""


@dataclass(frozen=True, eq=False)
class Data:
    """What is clustered."""

    key: str
    """differs whenever anything else here differs"""
    title: str
    columns: tuple[str, ...]
    """names of the d columns"""
    points: np.ndarray
    """(n, d)"""
    labels: np.ndarray | None = None
    """(n,) the known group of each point, integers; -1 for none; never used for clustering"""
    label_name: str = ""
    truth: Gaussians | None = None
    """the mixture that the points were drawn from"""
    same_units: bool = False
    """whether all columns are measured alike, so that a picture shows them at one scale"""
    note: str = ""
    """what was left out, in a sentence"""
    rows: np.ndarray = field(default=None)
    """(n,) row of each point in the table it came from, counted from one"""
    names: np.ndarray | None = None
    """(n,) what each row is called, text"""
    filled: np.ndarray | None = None
    """(n, d) which values were missing and have been filled"""
    deviations: np.ndarray | None = None
    """(n, d) standard deviation of each filled value, where it is known; 0 elsewhere"""
    mixed: tuple[np.ndarray, np.ndarray] | None = None
    """numbers (n, p) and categories (n, q) that the columns were made of, if there are categories"""
    given: np.ndarray | None = None
    """(n, n) the proximities, where these are all that is known; the points are then only a layout of them in the plane"""
    given_name: str = ""
    """what these proximities are"""

    def __post_init__(self):
        if self.rows is None:
            object.__setattr__(self, "rows", np.arange(1, len(self.points) + 1))

    @property
    def cells(self) -> int:
        """How many numbers it holds, about."""
        return self.points.size + (0 if self.given is None else self.given.size)

    @property
    def to_scale(self) -> bool:
        """Whether a picture shows both directions at one scale."""
        return self.same_units and self.points.shape[1] > 1

    @property
    def metrics(self) -> tuple[str, ...]:
        """The dissimilarities that K-medoids can have here, the most fitting first."""
        if self.given is not None:
            return (GIVEN,)
        metrics = ("euclidean", "squared euclidean", "manhattan", "chebyshev", "cosine")
        return ("gower",) * (self.mixed is not None) + metrics + ("correlation",) * (len(self.columns) > 2)

    def proximities(self, metric: str) -> np.ndarray:
        """The (n, n) matrix that K-medoids works on.

        Raises
        ------
        ValueError
            If the metric is not defined for a row, which the sentence names.
        """
        if self.given is not None:
            return self.given
        if metric == "gower":
            return gower_matrix(*self.mixed)
        try:
            return proximity_matrix(self.points, metric)
        except UndefinedProximity as fault:
            raise ValueError(fault.sentence(self.rows[fault.row])) from None

    def names_of(self, which) -> list[str]:
        """What these points are called: by name, or else by row."""
        if self.names is not None:
            return [name or f"row {row}" for name, row in zip(self.names[which], self.rows[which], strict=True)]
        return [f"row {row}" for row in self.rows[which]]

    @property
    def groups(self) -> int:
        """number of known groups, 0 if none are known"""
        return 0 if self.labels is None else len(np.unique(self.labels[self.labels >= 0]))

    def sampled(self, n: int) -> np.ndarray:
        """(n,) positions of n of these points, always the same ones, in order."""
        return np.sort(np.random.default_rng(0).choice(len(self.points), n, replace=False))

    def sample(self, n: int) -> "Data":
        """n of these points, those of `sampled(n)`."""
        chosen = self.sampled(n)

        def of(part):
            return None if part is None else part[chosen]

        return replace(
            self,
            key=f"{self.key}/{n}",
            points=self.points[chosen],
            labels=of(self.labels),
            rows=self.rows[chosen],
            names=of(self.names),
            filled=of(self.filled),
            deviations=of(self.deviations),
            mixed=None if self.mixed is None else tuple(map(of, self.mixed)),
            given=None if self.given is None else self.given[np.ix_(chosen, chosen)],
        )

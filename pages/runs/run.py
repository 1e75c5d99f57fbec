"""From settings to a run: the method they name, its history, and the few recent ones that a session keeps."""

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial.distance import cdist

from clustering import GaussianMixture, History, KMeans, KMedoids, Step, adjusted_rand_index, iterate
from pages.datasets.data import Data
from pages.datasets.limits import LEAST_ITERATIONS, MOST_ITERATIONS, MOST_POINTS_FOR_PROXIMITIES, MOST_STATE_NUMBERS
from pages.methods.trees import WARD, Growth, Merging, cut_labels, grow

MIDDLES = {"kmeans": "center", "kmedoids": "medoid", "mixture": "mean", "tree": "mean"}
ALGORITHMS = {"kmeans": "K-means", "kmedoids": "K-medoids", "mixture": "Mixture of Gaussians"}
RACERS = ALGORITHMS | {"tree": "The cut of a tree"}
"""what may take part in a race"""
LOSS_NAMES = {"kmeans": KMeans.loss_name, "kmedoids": KMedoids.loss_name, "mixture": GaussianMixture.loss_name}
STARTS = {
    "random": "random points",
    "k-means++": "k-means++",
    "plain k-means++": "plain k-means++",
    "maxmin": "farthest points (maxmin)",
    "build": "BUILD",
    "k-means": "K-means first",
    "alike": "putting all of them in the middle",
    "tree": "the cut of a tree",
    "hand": "hand",
}
"""how the sentence about the start ends"""
STARTS_OF = {
    "kmeans": ("random", "k-means++", "plain k-means++", "maxmin", "tree", "hand"),
    "kmedoids": ("random", "k-means++", "plain k-means++", "maxmin", "build", "tree", "hand"),
    "mixture": ("random", "k-means++", "plain k-means++", "maxmin", "k-means", "alike", "tree", "hand"),
}
FLOORS = (1e-6, 1e-3, 1e-2, 0.0)
"""least variances of a component that are offered; 0 leaves only the end of double precision"""
ALONE = ("alike", "tree", "hand")
"""ways of starting that are one start, not many"""
UPDATES = {
    "alternating": "alternating: within clusters",
    "swap": "swaps, the first that helps",
    "steepest swap": "swaps, the best of all",
}


@dataclass(frozen=True)
class Settings:
    algorithm: str = "kmeans"
    k: int = 3
    start: str = "random"
    seed: int = 1
    metric: str = "euclidean"
    update: str = "alternating"
    covariance: str = "full"
    centers: tuple[tuple[float, ...], ...] | None = None
    """where to start, (k, d), if the start is "hand\""""
    rows: tuple[int, ...] | None = None
    """the k points to start from, where they were found for several algorithms at once by the way that `start` names"""
    floor: float = FLOORS[0]
    """least variance of a component, as a share of the data's"""
    merging: Merging = WARD
    """of the tree that is cut, if that is the algorithm or the start"""

    def method(self, points: np.ndarray, begin: np.ndarray | None = None):
        """The method that they name, with its start on these points (n, d): `begin`, if that is given."""
        start = self.start
        if begin is not None:
            start = begin
        elif self.start == "hand":
            start = self._nearest_rows(points) if self.algorithm == "kmedoids" else np.array(self.centers)
        elif self.start == "alike":
            start = np.tile(points.mean(axis=0), (self.k, 1))
        elif self.rows is not None:
            start = np.array(self.rows) if self.algorithm == "kmedoids" else points[list(self.rows)]
        if self.algorithm == "kmeans":
            return KMeans(self.k, init=start)
        if self.algorithm == "kmedoids":
            return KMedoids(self.k, init=start, update=self.update)
        return GaussianMixture(self.k, self.covariance, init=start, floor=self.floor)

    def _nearest_rows(self, points: np.ndarray) -> np.ndarray:
        """(k,) different rows of points (n, d), each the nearest to its center that is left."""
        distances = cdist(np.array(self.centers), points)
        rows = np.empty(self.k, dtype=np.intp)
        for i in range(self.k):
            rows[i] = distances[i].argmin()
            distances[:, rows[i]] = np.inf
        return rows


@dataclass(frozen=True, eq=False)
class Run:
    """A run, and the data that it was made on."""

    settings: Settings
    data: Data
    history: History
    note: str = ""
    """what was done instead of what was asked, in a sentence"""
    matched: np.ndarray | None = None
    """(k,) the ranks that the clusters have beside those of other runs, if there are any"""

    @property
    def growth(self) -> Growth:
        """The tree that it is a cut of, if it is one."""
        return self.history.prepared

    @property
    def key(self) -> tuple:
        """Differs whenever the run, or the colours of its clusters, do."""
        return self.data.key, self.settings, None if self.matched is None else tuple(self.matched.tolist())

    @cached_property
    def centers(self) -> list[np.ndarray]:
        """Of each state, where the clusters have their middles: centers, means or the medoids' points, (k, d)."""
        return [middles(self.settings.algorithm, parameters, self.data.points) for parameters in self.history.parameters]

    @property
    def cells(self) -> int:
        """How many numbers it holds, about."""
        n, d = self.data.points.shape
        states = len(self.history.parameters) * numbers_of_state(self.settings, d)
        if self.settings.algorithm == "kmedoids":
            return n * n + states
        features = getattr(self.history.prepared, "features", None)
        kept = 0 if features is None else features.size
        return states + kept + n * (2 * d + 2 + self.settings.k * (self.settings.algorithm == "mixture"))

    @property
    def has_regions(self) -> bool:
        """Whether every place belongs to a cluster, not only the points."""
        return self.data.given is None and self.settings.metric != "gower" and self.settings.algorithm != "tree"

    @cached_property
    def least_seconds(self) -> float:
        """The time that the steps of the run take; of short runs, which any disturbance delays, the least of several times."""
        times = [self.history.seconds]
        if self.settings.algorithm == "tree":
            return times[0]
        while sum(times) < 0.05 and len(times) < 5:
            again = iterate(
                self.history.method,
                self.history.prepared,
                start=self.history.parameters[0],
                max_iter=self.history.iterations or 1,
            )
            began = time.perf_counter()
            deque(again, maxlen=0)
            times.append(time.perf_counter() - began)
        return min(times)

    @cached_property
    def agreement(self) -> float | None:
        """Adjusted Rand index of the last labels with the known groups, of the points of which the group is known."""
        if not self.data.groups:
            return None
        known = self.data.labels >= 0
        return adjusted_rand_index(self.data.labels[known], self.history.last.labels[known])

    @cached_property
    def ranks(self) -> np.ndarray:
        """(k,) which colour and number each cluster has, from 0.

        By the place of its final middle along the direction in which the data are widest: so the same groups have the same
        colours from any start and by any method. Centers placed by hand keep the order in which they are placed, and those
        that were matched with the clusters of other runs have theirs.
        """
        if self.matched is not None:
            return self.matched
        if self.settings.start == "hand":
            return np.arange(self.settings.k)
        ranks = ranks_by_place(self.data.points, self.centers[-1])
        if self.settings.algorithm == "tree":  # chains leave many groups of next to nothing, which must not use up the colours
            small = self.history.sizes[-1] < 0.02 * len(self.data.points)
            ranks = np.argsort(np.lexsort((ranks, small)))
        return ranks


def middles(algorithm: str, parameters, points: np.ndarray) -> np.ndarray:
    """(k, d) where the clusters have their middles: centers, means or the medoids' points."""
    if algorithm == "kmedoids":
        return points[parameters]
    return parameters.means if algorithm == "mixture" else parameters


def ranks_by_place(points: np.ndarray, middles: np.ndarray) -> np.ndarray:
    """(k,) the order of the middles (k, d) along the direction in which the points (n, d) are widest."""
    _, vectors = np.linalg.eigh(np.atleast_2d(np.cov(points.T, bias=True)))
    direction = vectors[:, -1]
    direction = direction * np.sign(direction[np.abs(direction).argmax()])
    return np.argsort(np.argsort(middles @ direction, kind="stable"), kind="stable")


class NeedsPoints(ValueError):
    """The method cannot work on proximities."""


def check_fits(data: Data, settings: Settings) -> None:
    """NeedsPoints if the data are proximities and the method needs coordinates."""
    if settings.algorithm in ("kmedoids", "tree") or data.given is None:
        return
    name, middle = {"kmeans": ("K-means", "means"), "mixture": ("A mixture of Gaussians", "means and covariances")}[
        settings.algorithm
    ]
    what = "" if data.given_name == "proximities" else f" ({data.given_name})"
    raise NeedsPoints(
        f"{name} needs points, because it works with {middle} of coordinates, and these data are only proximities between "
        f"pairs{what}: choose K-medoids, whose centers are points of the data"
    )


def fitting(data: Data, settings: Settings, store: "Recent") -> tuple[Data, object, object, str]:
    """The data that these settings can work on, the method, the data prepared for it, and what was done instead of what was
    asked, in a sentence.

    K-medoids on more points than a proximity matrix can be held for uses a sample. NeedsPoints if the data are proximities
    and the method is not K-medoids; ValueError as `iterations_for`.
    """
    note = ""
    medoids = settings.algorithm == "kmedoids"
    if medoids and len(data.points) > MOST_POINTS_FOR_PROXIMITIES:
        note = (
            f"K-medoids needs the proximity of every pair of points: this is a sample of {MOST_POINTS_FOR_PROXIMITIES:,} "
            f"of the {len(data.points):,} points."
        )
        data = data.sample(MOST_POINTS_FOR_PROXIMITIES)
    check_fits(data, settings)
    iterations_for(data, settings)
    work = data.points
    if medoids:
        # as it was prepared for one K, it is quickly prepared for another
        matrix = ("proximities", data.key, settings.metric)
        work = store.get(matrix, lambda: KMedoids(1).prepare(data.proximities(settings.metric)))
    begin = None
    if settings.start == "tree":
        labels, told = cut_labels(data, settings.merging, settings.k, store)
        note = f"{note} {told}".strip()
        begin = labels if settings.algorithm == "mixture" else _begin(data, settings, labels, work)
    method = settings.method(data.points, begin)
    return data, method, method.prepare(work), note


def numbers_of_state(settings: Settings, d: int) -> int:
    """How many numbers the parameters of such a run have in d dimensions."""
    if settings.algorithm in ("kmedoids", "tree"):
        return settings.k
    return settings.k * (d + d * d * (settings.algorithm == "mixture"))


def iterations_for(data: Data, settings: Settings) -> int:
    """How many iterations all states of such a run have room for, at most MOST_ITERATIONS; ValueError if next to none."""
    d = data.points.shape[1]
    numbers = numbers_of_state(settings, d)
    fit = MOST_STATE_NUMBERS // numbers
    if fit < LEAST_ITERATIONS:
        raise ValueError(
            f"{settings.k} clusters in {d:,} columns take {numbers:,} numbers in each state of a run, so there is room for "
            f"{fit} of the at least {LEAST_ITERATIONS} states: choose fewer columns, or a K of at most "
            f"{MOST_STATE_NUMBERS // LEAST_ITERATIONS // (numbers // settings.k)}"
        )
    return min(fit, MOST_ITERATIONS)


def _begin(data: Data, settings: Settings, labels: np.ndarray, work) -> np.ndarray:
    """The centers or medoids of these groups."""
    members = [np.flatnonzero(labels == group) for group in range(settings.k)]
    if settings.algorithm == "kmeans":
        return np.stack([data.points[rows].mean(axis=0) for rows in members])
    return np.array([rows[work.matrix[np.ix_(rows, rows)].sum(axis=0).argmin()] for rows in members])


def make_run(data: Data, settings: Settings, store: "Recent", watch: Callable[[Step], None]) -> Run:
    """The run of these settings on these data, from the store if it is there.

    `watch` sees each step; what it raises ends the work. ValueError as `fitting` and the method.
    """

    def compute():
        if settings.algorithm == "tree":
            growth = grow(data, settings.merging, store)
            return Run(settings, growth.data, growth.cut(settings.k), growth.note)
        used, method, prepared, note = fitting(data, settings, store)
        most = iterations_for(used, settings)
        history = History.record(method, prepared, rng=settings.seed, max_iter=most, watch=watch)
        return Run(settings, used, history, note)

    return store.get(("run", data.key, settings), compute)


class Recent(OrderedDict):
    """The last few things of each kind that a session made, by the settings that made them.

    A key is a tuple whose first entry names the kind. Of large things fewer are kept: together not more than `MOST_CELLS`
    numbers of a kind, as their attribute `cells` counts them, but always the last.
    """

    MOST = {
        "report": 1,
        "run": 6,
        "figures": 2,
        "prepared": 3,
        "proximities": 1,
        "race": 1,
        "attempts": 2,
        "solution": 12,
    }
    OTHERS = 2
    MOST_CELLS = 4_000_000

    def get(self, key, make):
        """What was made for this key, or what `make()` now makes."""
        if key in self:
            self.move_to_end(key)
            return self[key]
        made = make()
        self[key] = made
        alike = [other for other in self if other[0] == key[0]]
        cells = 0
        for i, other in enumerate(reversed(alike)):
            cells += getattr(self[other], "cells", 0)
            if i > 0 and (i >= self.MOST.get(key[0], self.OTHERS) or cells > self.MOST_CELLS):
                del self[other]
        return made

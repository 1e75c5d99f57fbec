"""From settings to a run: the method they name, its history, and what every method has to say about it."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from clustering import (
    History,
    Silhouette,
    State,
    adjusted_rand_index,
    iterate,
    match_clusters,
    normalized_mutual_information,
    silhouette,
    silhouette_of_proximities,
)
from pages.datasets.data import Data
from pages.datasets.formatting import counted
from pages.methods import method
from pages.methods.base import MethodView
from pages.methods.options import Settings
from pages.methods.starts import ManualStart
from pages.runs.cache import RecentCache
from pages.runs.preparation import iterations_for, prepare


@dataclass(frozen=True, eq=False)
class Run:
    """A run, and the data that it was made on."""

    settings: Settings
    data: Data
    history: History
    note: str = ""
    """what was done instead of what was asked, in a sentence"""
    model_input: Any = None
    """what the method worked on"""
    matched_ranks: np.ndarray | None = None
    """(k,) the ranks that the clusters have beside those of other runs, if there are any"""
    _cache: dict = field(default_factory=dict, repr=False)

    @cached_property
    def view(self) -> MethodView:
        return method(self.settings.method)

    @property
    def k(self) -> int:
        """Number of clusters in the last state."""
        return len(self.history.last.assignment.sizes)

    @property
    def title(self) -> str:
        """The method, the number of clusters and the data."""
        return f"{self.view.title}, K = {self.k}: {self.data.title}"

    @property
    def has_fixed_clusters(self) -> bool:
        """Whether a cluster is the same one in every state: not where the number of clusters comes out."""
        return self.view.traits.groups == "chosen"

    @property
    def key(self) -> tuple:
        """Differs whenever the run, or the colors of its clusters, do."""
        return self.data.key, self.settings, None if self.matched_ranks is None else tuple(self.matched_ranks.tolist())

    def cached(self, what: Any, make: Callable[[], Any]) -> Any:
        """What `make()` returned for the first `what` that is equal, for parts of pictures that several frames share."""
        if what not in self._cache:
            self._cache[what] = make()
        return self._cache[what]

    @cached_property
    def parameters_of(self) -> list[int]:
        """For each state the number of the first state with the same parameters."""
        first: dict[int, int] = {}
        return [first.setdefault(id(state.parameters), i) for i, state in enumerate(self.history.states)]

    def by_parameters(self, function: Callable[[Any], Any]) -> list:
        """For each state what the function returns for its parameters, called once for each of them."""
        found: dict[int, Any] = {}
        for i in self.parameters_of:
            if i not in found:
                found[i] = function(self.history.states[i].parameters)
        return [found[i] for i in self.parameters_of]

    @cached_property
    def centers(self) -> list[np.ndarray] | None:
        """Of each state where the centers are, (k, d); None if clusters have none."""
        if self.view.traits.center is None:
            return None
        return self.by_parameters(lambda parameters: self.view.centers(parameters, self.data))

    @cached_property
    def cluster_centers(self) -> np.ndarray:
        """(k, d) where the clusters are at the end: their centers, or else the means of their points."""
        if self.centers is not None:
            return self.centers[-1]
        return means_of(self.data.points, self.history.last.labels, self.k)

    @property
    def center_name(self) -> str:
        """What `places` are."""
        return self.view.traits.center or "mean"

    @property
    def ending(self) -> str:
        """How the run ended, as 'Converged after 7 iterations'."""
        how = "Converged" if self.history.converged else "Cut off"
        return f"{how} after {counted(self.history.iterations, 'iteration')}"

    @property
    def cells(self) -> int:
        """How many numbers it holds, about."""
        n, d = self.data.points.shape
        traits = self.view.traits
        states = len(self.history) * self.view.state_size(self.k, d)
        if traits.pairwise:
            return states + getattr(self.model_input, "cells", n * n)
        features = getattr(self.history.prepared, "features", None)
        kept = 0 if features is None else features.size
        return states + kept + n * (2 * d + 2 + self.k * (traits.share is not None))

    @property
    def has_regions(self) -> bool:
        """Whether every place belongs to a cluster, not only the points."""
        return self.view.has_regions(self.data, self.settings)

    @cached_property
    def min_seconds(self) -> float:
        """The time that the steps of the run take; of short runs, which any disturbance delays, the least of several times."""
        given = self.view.seconds(self)
        if given is not None:
            return given
        times = [self.history.seconds]
        while sum(times) < 0.05 and len(times) < 5:
            start = self.history.parameters[0] if self.view.initializations else None
            most = self.history.iterations or 1
            again = iterate(self.history.process, self.history.prepared, start=start, max_iter=most)
            began = time.perf_counter()
            deque(again, maxlen=0)
            times.append(time.perf_counter() - began)
        return min(times)

    @cached_property
    def _known_and_found(self) -> tuple[np.ndarray, np.ndarray] | None:
        """The known groups and the last labels, of the points that have both, which noise has not; None if there are none."""
        if not self.data.groups:
            return None
        both = (self.data.labels >= 0) & (self.history.last.labels >= 0)
        return (self.data.labels[both], self.history.last.labels[both]) if both.any() else None

    @cached_property
    def agreement(self) -> float | None:
        """Adjusted Rand index of the last labels with the known groups, None if there are none."""
        return None if self._known_and_found is None else adjusted_rand_index(*self._known_and_found)

    @cached_property
    def mutual_information(self) -> float | None:
        """Normalized mutual information of the last labels with the known groups, None if there are none."""
        return None if self._known_and_found is None else normalized_mutual_information(*self._known_and_found)

    @cached_property
    def silhouette(self) -> Silhouette | None:
        """Of the last labels, by the proximities as given or by Euclidean distance; None for a single group."""
        return silhouette_of(self.data, self.history.last.labels)

    @cached_property
    def numbers(self) -> np.ndarray:
        """(n,) the number of each point's cluster, from 0; -1 for none."""
        # the last one is what -1 picks
        return np.append(self.ranks, -1)[self.history.last.labels]

    def ranks_of(self, state: int) -> np.ndarray:
        """(K,) color and number of each cluster of a state: those of the last cluster with which it shares most points. The
        start, in which nothing is assigned yet, has those of the first assignment."""
        states = self.history.states
        if self.has_fixed_clusters or state == len(states) - 1:
            return self.ranks
        if states[state].assignment is None:
            return self.ranks_of(next(i for i, one in enumerate(states) if i > state and one.assignment is not None))

        def match():
            k = len(states[state].assignment.sizes)
            most = max(k, self.k)
            ranks = np.append(self.ranks, np.arange(self.k, most))
            labels, last = self.history.assignment(state).labels, self.history.last.labels
            return ranks[match_clusters(labels, last, most)[:k]] if most else ranks

        return self.cached(("ranks", state), match)

    @cached_property
    def ranks(self) -> np.ndarray:
        """(k,) which color and number each cluster has, from 0.

        By the place of the cluster along the direction in which the data are widest: so the same groups have the same colors
        from any start and by any method. Centers placed by hand keep the order in which they are placed, and clusters that
        were matched with those of other runs have theirs.
        """
        if self.matched_ranks is not None:
            return self.matched_ranks
        if isinstance(self.settings.start, ManualStart):
            return np.arange(self.k)
        ranks = ranks_by_place(self.data.points, self.cluster_centers)
        if self.centers is None:  # chains and dense regions can be tiny, and must not use up the colors
            small = self.history.last.assignment.sizes < 0.02 * len(self.data.points)
            ranks = np.argsort(np.lexsort((ranks, small)))
        return ranks


def means_of(points: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """(k, d) the mean of the points in each cluster; the mean of all for a cluster without points."""
    means = [
        points[labels == cluster].mean(axis=0) if (labels == cluster).any() else points.mean(axis=0) for cluster in range(k)
    ]
    return np.array(means).reshape(k, points.shape[1])


def silhouette_of(data: Data, labels: np.ndarray) -> Silhouette | None:
    """By the proximities as given or by Euclidean distance, of the points that are in a cluster; None where there is but one
    cluster, in the sample at least."""
    rows = np.flatnonzero(labels >= 0)
    try:
        if data.given is not None:
            given = data.given if len(rows) == len(labels) else data.given[np.ix_(rows, rows)]
            widths = silhouette_of_proximities(given, labels[rows])
        else:
            widths = silhouette(data.points[rows], labels[rows])
    except ValueError:
        return None
    return widths._replace(rows=rows[widths.rows])


def ranks_by_place(points: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(k,) the order of the places (k, d) along the direction in which the points (n, d) are widest."""
    _, vectors = np.linalg.eigh(np.atleast_2d(np.cov(points.T, bias=True)))
    direction = vectors[:, -1]
    direction = direction * np.sign(direction[np.abs(direction).argmax()])
    return np.argsort(np.argsort(places @ direction, kind="stable"), kind="stable")


def make_run(data: Data, settings: Settings, cache: RecentCache, on_step: Callable[[State], None]) -> Run:
    """The run of these settings on these data, from the cache if it is there.

    `on_step` is called with each complete state; an exception that it raises ends the work. ValueError as `prepare` and the
    process.
    """

    def compute():
        ready = prepare(data, settings, cache)
        most = iterations_for(ready.data, settings)
        history = History.record(ready.process, ready.prepared, rng=settings.seed, max_iter=most, on_step=on_step)
        return Run(settings, ready.data, history, ready.note, ready.model_input)

    return cache.get(("run", data.key, settings), compute)

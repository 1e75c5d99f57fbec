"""A run: settings, data, history, and the results that all methods have in common."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from clustering import (
    History,
    Silhouette,
    State,
    match_clusters,
    silhouette,
    silhouette_of_proximities,
)
from pages.datasets.data import PRECOMPUTED, Data
from pages.datasets.formatting import plural_of, pluralize
from pages.methods import method
from pages.methods.base import MethodView
from pages.methods.metric import distances_name
from pages.methods.options import Settings
from pages.methods.starts import ManualStart
from pages.runs.budget import budget
from pages.runs.cache import RecentCache
from pages.runs.known_groups import KnownGroups
from pages.runs.preparation import check_data_kind, iteration_limit, prepare_run

MAX_MATCHED = 500
"""number of clusters above which clusters are not matched between states or runs, which takes cubic time"""


@dataclass(frozen=True, eq=False)
class Run:
    """A run of a method on a data set."""

    settings: Settings
    data: Data
    history: History
    note: str = ""
    """message about subsampling; empty if all points are used"""
    model_input: Any = None
    """result of `MethodView.model_input`"""
    matched_ranks: np.ndarray | None = None
    """(k,) `ranks` of the clusters that match those of the other runs of a comparison; None outside of comparisons"""
    given_names: tuple[str, ...] = ()
    """(k,) names that the user gave to the clusters, by rank, "" for none; empty if there are none at all"""
    _cache: dict = field(default_factory=dict, repr=False)

    @cached_property
    def view(self) -> MethodView:
        return method(self.settings.method)

    @property
    def weights(self) -> np.ndarray | None:
        """(n,) weights of the rows that the run used; None if all rows count the same."""
        return self.view.weights_of(self.data)

    @cached_property
    def frequencies(self) -> np.ndarray | None:
        """(n,) weights of the rows for statistics of the clusters, see `MethodView.frequencies_of`."""
        return self.view.frequencies_of(self.data)

    @property
    def total_text(self) -> str:
        """Number of points, or the sum of their weights."""
        return f"{self.data.n:,}" if self.weights is None else f"{self.weights.sum():,.6g}"

    @property
    def size_name(self) -> str:
        """What `sizes_in` are, as the header of a column."""
        return "Size" if self.weights is None else "Sum of weights"

    @property
    def size_note(self) -> str:
        """A sentence about `sizes_in`, followed by a space; empty if they are numbers of points, or sums of weights."""
        traits = self.view.traits
        if traits.membership is None or traits.noise or self.weights is not None:
            return ""
        return f"{self.size_name}: sum of {plural_of(traits.membership)}. "

    def sizes_in(self, state: int) -> np.ndarray:
        """(K,) sizes of the clusters in a state with an assignment, as they are shown.

        The sums of the memberships for soft methods, but the numbers of points if there can be noise, which is counted in
        points, too. With weights, sums of weights, or of memberships times weights.
        """
        sizes = self.history.states[state].assignment.sizes
        if self.view.traits.membership is None or not self.view.traits.noise:
            return sizes
        return self._counts(state)[1:]

    def _counts(self, state: int) -> np.ndarray:
        """(K + 1,) numbers of points without a cluster and in each cluster, in a state with an assignment."""

        def count() -> np.ndarray:
            k = len(self.history.states[state].assignment.sizes)
            return np.bincount(self.history.assignment(state).labels + 1, minlength=k + 1)

        return self.cached(("counts", state), count)

    @property
    def sizes(self) -> np.ndarray:
        """(k,) sizes of the clusters in the last state; for soft methods the sum of their memberships.

        With weights, sums of weights, or of memberships times weights.
        """
        assignment = self.history.last.assignment
        return np.zeros(0) if assignment is None else assignment.sizes

    @property
    def k(self) -> int:
        """Number of clusters in the last state; 0 if the method has none."""
        return len(self.sizes)

    @cached_property
    def labels(self) -> np.ndarray:
        """(n,) cluster of each point in the last state, in the method's own order; -1 for noise and without clusters."""
        labels = self.history.last.labels
        return np.full(len(self.data.points), -1) if labels is None else labels

    def points_without_cluster(self, state: int) -> int:
        """Number of points with the label -1 in a state with an assignment: noise, or not assigned yet."""
        sizes = self.history.states[state].assignment.sizes
        if self.memberships is None and self.weights is None:
            return self.data.n - int(sizes.sum())
        return int(self._counts(state)[0])

    @property
    def memberships(self) -> np.ndarray | None:
        """(n, k) memberships in the last state, in the method's own order; None for hard methods and without clusters."""
        return None if self.history.last.assignment is None else self.history.last.assignment.memberships

    @property
    def title(self) -> str:
        """Title with method, number of clusters and data set."""
        k = f", K = {self.k}" if self.view.traits.clusters else ""
        if self.view.traits.k == "found":
            k = f", {pluralize(self.k, 'cluster')} found"
        return f"{self.view.title}{k}: {self.data.title}"

    @property
    def has_fixed_clusters(self) -> bool:
        """Whether cluster indices mean the same in all states; false if the number of clusters varies or is found."""
        return self.view.traits.k != "found" and not self.view.traits.k_varies

    @property
    def key(self) -> tuple:
        """Cache key; identifies the run, and the colors and names of its clusters."""
        matched = None if self.matched_ranks is None else tuple(self.matched_ranks.tolist())
        return self.data.key, self.settings, matched, self.given_names

    def number_and_name(self, rank: int) -> str:
        """The number of a cluster on the screen, and its name if it has one, such as "2: Loyal"."""
        name = self.given_names[rank] if self.given_names else ""
        return f"{rank + 1}: {name}" if name else str(rank + 1)

    def cached(self, key: Any, compute: Callable[[], Any]) -> Any:
        """Get a cached value, or compute and cache it; for parts of figures that are shared by several frames."""
        if key not in self._cache:
            self._cache[key] = compute()
        return self._cache[key]

    @cached_property
    def parameters_of(self) -> list[int]:
        """For each state the index of the first state with the same parameters."""
        first: dict[int, int] = {}
        return [first.setdefault(id(state.parameters), i) for i, state in enumerate(self.history.states)]

    def by_parameters(self, function: Callable[[Any], Any]) -> list:
        """Apply a function to the parameters of each state; equal parameters share one result."""
        results: dict[int, Any] = {}
        for i in self.parameters_of:
            if i not in results:
                results[i] = function(self.history.states[i].parameters)
        return [results[i] for i in self.parameters_of]

    @cached_property
    def centers(self) -> list[np.ndarray] | None:
        """(k, d) cluster centers of each state; None if the method has none."""
        if self.view.traits.center is None:
            return None
        return self.by_parameters(lambda parameters: self.view.centers(parameters, self.data))

    @cached_property
    def cluster_centers(self) -> np.ndarray:
        """(k, d) final cluster centers; the means of the clusters if the method has no centers."""
        if self.centers is not None:
            return self.centers[-1]
        return means_of(self.data.points, self.labels, self.k, self.weights)

    @property
    def centers_vary(self) -> bool:
        """Whether each state has its own centers of the final clusters; otherwise, only `cluster_centers` can be shown."""
        return self.centers is not None and self.has_fixed_clusters

    @property
    def center_name(self) -> str:
        """What `cluster_centers` are called."""
        return self.view.traits.center or "mean"

    @property
    def final_status(self) -> str:
        """Status of the last state."""
        if not self.history.converged:
            return "iteration limit reached"
        return "converged" if self.view.traits.converges else "finished"

    @property
    def ending(self) -> str:
        """How the run ended, such as 'Converged after 7 iterations'."""
        return f"{self.final_status.capitalize()} after {pluralize(self.history.iterations, 'iteration')}"

    @property
    def n_values(self) -> int:
        """Approximate number of stored values, for the size limit of the cache."""
        n, d = self.data.points.shape
        traits = self.view.traits
        states = len(self.history) * self.view.values_per_state(self.data, self.settings, self.k)
        if self.view.matrix_metric(self.settings) is not None:
            return states + getattr(self.model_input, "n_values", n * n)
        features = getattr(self.history.prepared, "features", None)
        kept = 0 if features is None else features.size
        return states + kept + n * (2 * d + 2 + self.k * (traits.membership is not None))

    @property
    def has_regions(self) -> bool:
        """Whether the plane can be divided into cluster regions."""
        return self.view.has_regions(self.data, self.settings)

    @property
    def seconds(self) -> float:
        """Running time of the iterations."""
        measured = self.view.seconds(self)
        return self.history.seconds if measured is None else measured

    @cached_property
    def known_groups(self) -> KnownGroups | None:
        """Scores of the final clusters relative to the true labels; None if there are no true labels, or no clusters."""
        if self.data.labels is None or not self.view.traits.clusters:
            return None
        return KnownGroups.of(self.data.labels, self.labels, self.weights)

    @property
    def agreement(self) -> float | None:
        """Adjusted Rand index of the final labels and the true labels; None if there are no true labels."""
        return None if self.known_groups is None else self.known_groups.adjusted_rand

    @cached_property
    def silhouette(self) -> Silhouette | None:
        """Silhouette of the final labels by the metric of the run; see `silhouette_of`."""
        return silhouette_of(self.data, self.labels, self.view.matrix_metric(self.settings), self.frequencies)

    @property
    def silhouette_distances(self) -> str:
        """The distances on which `silhouette` is based, such as "Euclidean distances" or "the given distances"."""
        if self.data.precomputed is not None:
            return f"the {distances_name(PRECOMPUTED)}"
        return distances_name(self.view.matrix_metric(self.settings) or "euclidean")

    @cached_property
    def labels_by_rank(self) -> np.ndarray:
        """(n,) rank of the cluster of each point (see `ranks`); -1 for noise."""
        # the extra entry is for label -1
        return np.append(self.ranks, -1)[self.labels]

    def ranks_of(self, state: int) -> np.ndarray:
        """(K,) `ranks` of the clusters of a state.

        If the number of clusters varies, each cluster has the rank of the final cluster with which it shares most points. The
        start, which has no assignment, has the ranks of the first assignment.
        """
        states = self.history.states
        if self.has_fixed_clusters or state == len(states) - 1:
            return self.ranks
        if states[state].assignment is None:
            return self.ranks_of(next(i for i, one in enumerate(states) if i > state and one.assignment is not None))

        k = len(states[state].assignment.sizes)
        if self.view.traits.keeps_numbers:
            return self.ranks[:k]

        def match():
            larger = max(k, self.k)
            ranks = np.append(self.ranks, np.arange(self.k, larger))
            labels = self.history.assignment(state).labels
            if not 0 < larger <= MAX_MATCHED:
                return ranks[:k]
            return ranks[match_clusters(labels, self.labels, larger)[:k]]

        return self.cached(("ranks", state), match)

    @cached_property
    def ranks(self) -> np.ndarray:
        """(k,) rank of each cluster: its number on the screen minus 1, which also determines its color.

        Clusters are sorted by their position along the first principal component, so that similar clusters have the same
        color whatever the initialization and method; hidden ones come last. Manually placed centers keep their order, and
        clusters matched with other runs have the ranks of the matching.
        """
        if self.matched_ranks is not None:
            return self.matched_ranks
        if isinstance(self.settings.start, ManualStart):
            return np.arange(self.k)
        ranks = ranks_by_position(self.data.points, self.cluster_centers, self.weights)
        if self.centers is None:  # such methods can find many tiny clusters, which get the last colors
            small = self.sizes < 0.02 * len(self.data.points)
            return np.argsort(np.lexsort((ranks, small)))
        hidden = self.view.hidden_centers(self, len(self.history.states) - 1)
        return ranks if hidden is None else np.argsort(np.lexsort((ranks, hidden)))


def means_of(points: np.ndarray, labels: np.ndarray, k: int, weights: np.ndarray | None = None) -> np.ndarray:
    """(k, d) mean of the points in each cluster, with weights (n,); the mean of all points for an empty cluster."""
    inside = labels >= 0
    inner = np.ones(np.count_nonzero(inside)) if weights is None else weights[inside]
    counts = np.bincount(labels[inside], inner, minlength=k)
    middle = np.average(points, axis=0, weights=weights)  # differences lose less precision in sums
    sums = [np.bincount(labels[inside], inner * column, k) for column in (points[inside] - middle).T]
    return middle + np.stack(sums, axis=1) / np.where(counts > 0, counts, 1)[:, None]


def silhouette_of(
    data: Data, labels: np.ndarray, metric: str | None = None, weights: np.ndarray | None = None
) -> Silhouette | None:
    """Silhouette of a clustering, without noise points and points of weight 0; `weights` (n,) are frequencies.

    Based on the distance matrix if the data are one, else on the metric with which the points were clustered, by default
    Euclidean distance. None if there are fewer than two clusters, including in the sample that is used for many points.
    """
    rows = np.flatnonzero(labels >= 0)
    weights = None if weights is None else weights[rows]
    try:
        if data.precomputed is not None or metric not in (None, "euclidean"):
            matrix = data.proximities(metric)
            matrix = matrix if len(rows) == len(labels) else matrix[np.ix_(rows, rows)]
            widths = silhouette_of_proximities(matrix, labels[rows], weights=weights)
        else:
            widths = silhouette(data.points[rows], labels[rows], weights=weights)
    except ValueError:
        return None
    return widths._replace(rows=rows[widths.rows])


def silhouette_points(
    width: Silhouette, labels: np.ndarray, n: int, noun: str = "point", weights: np.ndarray | None = None
) -> str:
    """Of which points a silhouette is the mean, for parentheses; empty if of all n points. The labels are (n,) or a sample."""
    noise = int(np.count_nonzero(labels < 0))
    without_weight = 0 if weights is None else int(np.count_nonzero((labels >= 0) & (weights == 0)))
    sampled = f"sample of {len(width.rows):,} {noun}s" if len(width.rows) < n - noise - without_weight else ""
    return ", ".join(filter(None, [sampled, f"{pluralize(noise, noun)} in no cluster left out" if noise else ""]))


def ranks_by_position(points: np.ndarray, centers: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """(k,) ranks of the centers (k, d) along the first principal component of the points (n, d) with weights (n,)."""
    _, vectors = np.linalg.eigh(np.atleast_2d(np.cov(points.T, bias=True, aweights=weights)))
    direction = vectors[:, -1]
    direction = direction * np.sign(direction[np.abs(direction).argmax()])
    return np.argsort(np.argsort(centers @ direction, kind="stable"), kind="stable")


def run_key(data: Data, settings: Settings) -> tuple:
    """Identifies a run in the cache."""
    return "run", data.key, settings


def make_run(data: Data, settings: Settings, cache: RecentCache, on_step: Callable[[State], None]) -> Run:
    """Run a method, or get the run from the cache.

    Parameters
    ----------
    on_step : called with each complete state; it may raise an exception to stop the run.

    Raises
    ------
    ValueError
        As in `prepare_run` and `Budget.run`, or if the process rejects its input.
    """

    def compute():
        check_data_kind(data, settings)
        with budget().run(data, settings):
            inputs = prepare_run(data, settings, cache)
            limit = iteration_limit(inputs.data, settings)
            history = inputs.record(rng=settings.seed, max_iter=limit, on_step=on_step)
            shown = method(settings.method).data_of_run(inputs.data, inputs.model_input, history)
            return Run(settings, shown, history, inputs.note, inputs.model_input)

    return cache.get(run_key(data, settings), compute)

"""Several runs on the same data, with shared initial points and matched colors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import combinations
from typing import Self

import numpy as np

from clustering import State, adjusted_rand_index, match_clusters, seeding
from clustering.distances import squared_distances
from clustering.points import column_means
from pages.compare.agreement import Clustering, labels_in_both
from pages.datasets.data import Data
from pages.datasets.formatting import as_sentence
from pages.datasets.limits import MAX_POINTS_FOR_PROXIMITIES
from pages.methods import method
from pages.methods.metric import METRIC, METRIC_NAMES
from pages.methods.options import Settings
from pages.methods.starts import NamedStart, NoStart, RowsStart, TreeStart
from pages.methods.trees import linkage_name
from pages.runs.budget import budget, estimated_bytes
from pages.runs.cache import RecentCache
from pages.runs.random_starts import StartResults, best_start
from pages.runs.run import MAX_MATCHED, Run, make_run, means_of, ranks_by_position
from pages.runs.segments import Segments


@dataclass(frozen=True, eq=False)
class Comparison:
    """Runs on the same data, one per panel."""

    data: Data
    """data of all runs, possibly a sample"""
    note: str
    """message about a sample, or empty"""
    panels: list[Settings]
    runs: list[Run | str]
    """run of each panel, or the error message if it failed"""
    true_labels: Clustering | None
    """true labels of the data, if any"""
    segments: Clustering | None = None
    """segments that were named or edited by hand, if any"""
    starts: tuple[StartResults | None, ...] = ()
    """for each panel the random starts whose best it shows; None if it has a single start"""
    restarts: int = 1
    """number of random starts of each panel that were wanted"""

    @cached_property
    def names(self) -> list[str]:
        return panel_names(self.panels)

    @cached_property
    def named_runs(self) -> list[tuple[str, Run]]:
        """Name and run of each panel whose run succeeded."""
        return [(name, run) for name, run in zip(self.names, self.runs, strict=True) if isinstance(run, Run)]

    @cached_property
    def named_starts(self) -> list[StartResults | None]:
        """The random starts of each panel in `named_runs`."""
        return [starts for run, starts in zip(self.runs, self.starts, strict=True) if isinstance(run, Run)]

    @cached_property
    def clusterings(self) -> list[Clustering]:
        """The final clusters of each run, and the true labels."""
        found = [Clustering(name, run.labels_by_rank) for name, run in self.named_runs]
        return [*found, *filter(None, (self.true_labels, self.segments))]

    @cached_property
    def adjusted_rand(self) -> np.ndarray:
        """(m, m) adjusted Rand index of each pair of clusterings, for the points that have a label in both."""
        matrix = np.eye(len(self.clusterings))
        for i, j in combinations(range(len(matrix)), 2):
            rows, labels_i, labels_j = labels_in_both(self.clusterings[i], self.clusterings[j])
            weights = None if self.frequencies is None else self.frequencies[rows]
            matrix[i, j] = matrix[j, i] = adjusted_rand_index(labels_i, labels_j, weights)
        return matrix

    @cached_property
    def frequencies(self) -> np.ndarray | None:
        """(n,) weights of the rows in `adjusted_rand`; None if all rows count the same, or a run ignores the weights."""
        if any(run.weights is None for _, run in self.named_runs):
            return None
        return self.data.row_frequencies

    def with_segments(self, segments: Segments | None) -> Self:
        """The comparison with these segments as another clustering, if they are of the same rows; in matching colors."""
        if segments is None or not self.named_runs or not np.isin(self.data.rows, segments.data.rows).all():
            return self
        labels = segments.labels[np.searchsorted(segments.data.rows, self.data.rows)]
        reference = max((run for _, run in self.named_runs), key=lambda run: run.k)
        k = max(reference.k, segments.k)
        ranks = np.append(reference.ranks, np.setdiff1d(np.arange(k), reference.ranks)[: k - reference.k])
        ranks = ranks[match_clusters(labels, reference.labels, k)]
        names = np.full(max(ranks.max(initial=0) + 1, k), "", dtype=object)
        names[ranks[: segments.k]] = segments.names
        clustering = Clustering("Segments", np.append(ranks, -1)[labels], "the segments", tuple(names))
        return replace(self, segments=clustering)

    @property
    def key(self) -> tuple:
        """Identifies the runs and the colors of their clusters."""
        return tuple(run if isinstance(run, str) else run.key for run in self.runs)

    @property
    def n_values(self) -> int:
        """Approximate number of stored values, for the size limit of the cache."""
        return sum(run.n_values for _, run in self.named_runs)


def panel_names(panels: Sequence[Settings]) -> list[str]:
    """Names of the panels: the method and the settings that differ between panels."""
    return [f"{i}. {', '.join(_name_parts(settings, panels))}" for i, settings in enumerate(panels, 1)]


def _name_parts(settings: Settings, panels: Sequence[Settings]) -> list[str]:
    """The label of the method, then the options, initialization and K that distinguish this panel from the others."""
    view = method(settings.method)
    same_method = [other for other in panels if other.method == settings.method]
    parts = [view.label(settings)]
    for option in view.options:
        value = settings.option(option.name)
        differs = len({other.option(option.name) for other in same_method}) > 1
        unusual = bool(option.omitted_in_labels) and value not in option.omitted_in_labels
        if option.name not in view.label_options and (differs or unusual):
            parts.append(option.short_label(value))
    if len({_start_key(other) for other in same_method}) > 1:
        parts += _start_parts(settings)
    if settings.k is not None and len({other.k for other in panels} - {None}) > 1:
        parts.append(f"K = {settings.k}")
    return [part for part in parts if part]


def _start_key(settings: Settings) -> tuple:
    """A key that is equal for starts with the same name, whether or not their points are shared with other panels."""
    start = settings.start
    return (start.initialization, start.linkage, start.metric) if isinstance(start, TreeStart) else (start.initialization,)


def _start_parts(settings: Settings) -> list[str]:
    start = settings.start
    if isinstance(start, NoStart):
        return []
    parts = [f"from {method(settings.method).initialization(start.initialization).phrase}"]
    if isinstance(start, TreeStart):
        parts += [linkage_name(start.linkage)] + [METRIC_NAMES[start.metric]] * (start.metric not in METRIC.omitted_in_labels)
    return parts


def comparison_data(data: Data, panels: Sequence[Settings]) -> tuple[Data, str]:
    """The data for all panels, and a message if they are a sample.

    The distance matrices of several metrics together may take as much memory as one matrix, so more metrics allow fewer
    points.
    """
    metrics = len({method(settings.method).matrix_metric(settings) for settings in panels} - {None})
    n, limit = data.n, int(MAX_POINTS_FOR_PROXIMITIES / max(metrics, 1) ** 0.5)
    if data.all_rows is not None and not metrics and not all(method(settings.method).traits.blocks for settings in panels):
        size = len(data.points)
        note = f"Some runs need all points in memory, so all runs use the same sample of {size:,} of the {n:,} points."
        return data.without_other_rows, note if size < n else ""
    if not metrics or n <= limit:
        return data if not metrics else data.without_other_rows, ""
    several = "" if metrics == 1 else f" for {metrics} metrics"
    return data.sample(limit), (
        f"Some runs need a distance matrix{several}, so all runs use the same sample of {limit:,} of the {n:,} points."
    )


def shared_rows(data: Data, k: int, count: int, initialization: str, seed: int) -> tuple[int, ...]:
    """Indices of `count` distinct points that several runs use as initial centers.

    The first k (or all, if count < k) are the points that this initialization selects for k clusters. They do not depend on
    `count`, and equal those of a single run with the same seed.
    """
    n, distances_to, rng = len(data.points), _distances(data), np.random.default_rng(seed)
    rows = seeding.rows_by_name(initialization, distances_to, n, k, rng).tolist()
    if count > k:
        more = seeding.rows_by_name(initialization, distances_to, n, count, rng).tolist()
        rows += [row for row in more if row not in rows][: count - k]
    return tuple(rows[:count])


def _distances(data: Data) -> seeding.DistancesTo:
    """Function that maps m row indices to their (m, n) dissimilarities to all points.

    These are the given distances, or squared Euclidean distances.
    """
    if data.precomputed is not None:
        return data.precomputed.__getitem__
    origin, _ = column_means(data.points)
    columns = np.subtract(data.points.T, origin[:, None], order="C")
    return lambda rows: squared_distances(columns, columns[:, rows].T)


def comparison_key(
    data: Data, panels: list[Settings], *, shared: list[bool], k: int, initialization: str, restarts: int = 1
) -> tuple:
    """Identifies a comparison in the cache; arguments as in `make_comparison`."""
    return "comparison", data.key, tuple(panels), tuple(shared), k, initialization, restarts


def make_comparison(
    data: Data,
    panels: list[Settings],
    cache: RecentCache,
    on_step: Callable[[int, State], None],
    *,
    shared: list[bool],
    k: int,
    initialization: str,
    restarts: int = 1,
) -> Comparison:
    """Run all panels and match the colors of their clusters; cached.

    Parameters
    ----------
    on_step : called with the index of the panel and its state after each iteration; may raise an exception to stop.
    shared : for each panel, whether it starts at the shared points.
    k : number of shared points. Panels with fewer clusters use the first of them, panels with more use additional points.
    initialization : name of the initialization that selects the shared points.
    restarts : if more than 1, each panel shows the best of this number of random starts, or of fewer if the data are large.
        Panels that would start at the shared points have random starts of the same initialization of their own.
    """
    earlier = [comparison for key, comparison in cache.items() if key[0] == "comparison"]

    def compute():
        used, note = comparison_data(data, panels)
        earlier_runs = {
            (run.data.key, run.settings): replace(run, matched_ranks=None)
            for comparison in earlier
            for run in comparison.runs
            if isinstance(run, Run)
        }
        with_starts, runs, starts = list(panels), [], [None] * len(panels)
        try:
            budget().check(sum(estimated_bytes(used, one) for one in panels), "choose fewer points or fewer panels")
            with_starts = _with_shared_start(used, panels, shared, k, initialization, one=restarts == 1)
        except ValueError as error:
            runs = [as_sentence(error)] * len(panels)
        remaining = with_starts[len(runs) :]
        with budget().reserve(sum(estimated_bytes(used, one) for one in remaining if (used.key, one) not in earlier_runs)):
            for i, settings in enumerate(remaining):
                try:
                    step = partial(on_step, i)
                    with_starts[i], starts[i] = best_start(used, settings, restarts, cache, step)
                    run = earlier_runs.get((used.key, with_starts[i]))
                    runs.append(run or make_run(used, with_starts[i], cache, step))
                except ValueError as error:
                    runs.append(as_sentence(error))
        return replace(_with_matched_colors(used, note, with_starts, runs), starts=tuple(starts), restarts=restarts)

    key = comparison_key(data, panels, shared=shared, k=k, initialization=initialization, restarts=restarts)
    return cache.get(key, compute)


def _with_shared_start(
    data: Data, panels: list[Settings], shared: list[bool], k: int, initialization: str, one: bool
) -> list[Settings]:
    """The settings of the panels, with the same initialization for all panels that share it; if `one`, at the same points.

    Methods without an initialization, or that choose the number of clusters themselves, are left unchanged.
    """
    uses_shared = [
        same and settings.k is not None and not isinstance(settings.start, NoStart)
        for settings, same in zip(panels, shared, strict=True)
    ]
    sharing = [settings for settings, same in zip(panels, uses_shared, strict=True) if same]
    if not sharing:
        return list(panels)
    n, rows = len(data.points), ()
    if one:
        rows = shared_rows(data, min(k, n), max(settings.k for settings in sharing), initialization, sharing[0].seed)

    def start(k: int) -> NamedStart | RowsStart:
        return RowsStart(rows[:k], initialization) if one else NamedStart(initialization)

    return [
        replace(settings, start=start(settings.k)) if same else settings
        for settings, same in zip(panels, uses_shared, strict=True)
    ]


def _with_matched_colors(data: Data, note: str, panels: list[Settings], runs: list[Run | str]) -> Comparison:
    """The comparison, with colors matched across its runs and the true labels.

    All clusterings are matched to the one with the most groups (the first such), maximizing the number of points in common.
    The colors of that one are ordered by the position of its groups. Without matching if there are very many groups.
    """
    found = [run for run in runs if isinstance(run, Run)]
    labelings = [run.history.last.labels for run in found]
    sizes = [run.k for run in found]
    if data.labels is not None and data.groups:
        groups, inverse = np.unique(data.labels, return_inverse=True)
        labelings.append(inverse - np.count_nonzero(groups < 0))
        sizes.append(data.groups)
    if not labelings:
        return Comparison(data, note, panels, runs, None)
    largest = int(np.argmax(sizes))
    reference, k = labelings[largest], sizes[largest]
    if largest < len(found):
        colors = found[largest].ranks
    else:
        colors = ranks_by_position(data.points, means_of(data.points, reference, k))
    if k > MAX_MATCHED:
        return Comparison(data, note, panels, runs, None)
    ranks = [
        colors if i == largest else colors[match_clusters(labels, reference, k)[:size]]
        for i, (labels, size) in enumerate(zip(labelings, sizes, strict=True))
    ]
    recolored = iter([replace(run, matched_ranks=rank) for run, rank in zip(found, ranks, strict=False)])
    runs = [next(recolored) if isinstance(run, Run) else run for run in runs]
    true_labels = None
    if len(labelings) > len(found):
        labels_by_rank = np.append(ranks[-1], -1)[labelings[-1]]  # index -1 (no group) selects the appended -1
        true_labels = Clustering("True labels", labels_by_rank, "the true labels")
    return Comparison(data, note, panels, runs, true_labels)

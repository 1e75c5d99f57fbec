"""Several runs on the same data, made comparable: the same points, the same starting points, the same colors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np

from clustering import State, adjusted_rand_index, match_clusters, seeding
from clustering.distances import squared_distances
from clustering.points import column_means
from pages.compare.agreement import Clustering, in_a_group
from pages.datasets.data import Data
from pages.datasets.formatting import as_sentence
from pages.datasets.limits import MOST_POINTS_FOR_PROXIMITIES
from pages.methods import method
from pages.methods.metric import METRIC
from pages.methods.options import Settings
from pages.methods.starts import AtRows, CutOf, NoStart
from pages.runs.recent import Recent
from pages.runs.run import Run, make_run, means_of, ranks_by_place


@dataclass(frozen=True, eq=False)
class Comparison:
    """Runs on the same data, one for each panel."""

    data: Data
    """what all of its runs work on"""
    note: str
    """what was done instead of what was asked, in a sentence"""
    panels: list[Settings]
    runs: list[Run | str]
    """the run of each panel, or the sentence that says why there is none"""
    known: Clustering | None
    """the known groups, if there are any"""

    @cached_property
    def names(self) -> list[str]:
        """The name of each panel."""
        return panel_names(self.panels)

    @cached_property
    def ran(self) -> list[tuple[str, Run]]:
        """Name and run of each panel that has one."""
        return [(name, run) for name, run in zip(self.names, self.runs, strict=True) if isinstance(run, Run)]

    @cached_property
    def clusterings(self) -> list[Clustering]:
        """The groups that each run ended with, and the known ones."""
        found = [Clustering(name, run.numbers) for name, run in self.ran]
        return found + ([self.known] if self.known else [])

    @cached_property
    def rand(self) -> np.ndarray:
        """(m, m) adjusted Rand index between each two of its clusterings, of the points that have a group in both."""
        rand = np.eye(len(self.clusterings))
        for i, j in combinations(range(len(rand)), 2):
            rand[i, j] = rand[j, i] = adjusted_rand_index(*in_a_group(self.clusterings[i], self.clusterings[j])[1:])
        return rand

    @property
    def key(self) -> tuple:
        """Differs whenever the runs, or the colors of their groups, do."""
        return tuple(run if isinstance(run, str) else run.key for run in self.runs)

    @property
    def cells(self) -> int:
        """Roughly how many numbers it holds."""
        return sum(run.cells for _, run in self.ran)


def panel_names(panels: Sequence[Settings]) -> list[str]:
    """Names of the panels: the method, and the settings in which they differ."""
    return [f"{i}. {', '.join(_name_parts(settings, panels))}" for i, settings in enumerate(panels, 1)]


def _name_parts(settings: Settings, panels: Sequence[Settings]) -> list[str]:
    """The label of the method, then those options, start and K in which this panel differs from others."""
    view = method(settings.method)
    alike = [other for other in panels if other.method == settings.method]
    parts = [view.label(settings)]
    for option in view.options:
        value = settings.option(option.name)
        differs = len({other.option(option.name) for other in alike}) > 1
        unusual = bool(option.plain) and value not in option.plain
        if option.name not in view.label_options and (differs or unusual):
            parts.append(option.short(value))
    if len({_start_identity(other) for other in alike}) > 1:
        parts += _start_parts(settings)
    if settings.k is not None and len({other.k for other in panels} - {None}) > 1:
        parts.append(f"K = {settings.k}")
    return [part for part in parts if part]


def _start_identity(settings: Settings) -> tuple:
    """Equal for starts that have the same name: rows that were found for several panels do not count."""
    start = settings.start
    return (start.initialization, start.linkage, start.metric) if isinstance(start, CutOf) else (start.initialization,)


def _start_parts(settings: Settings) -> list[str]:
    start = settings.start
    if isinstance(start, NoStart):
        return []
    parts = [f"from {method(settings.method).initialization(start.initialization).phrase}"]
    if isinstance(start, CutOf):
        parts += [f"{start.linkage} linkage"] + [start.metric] * (start.metric not in METRIC.plain)
    return parts


def comparison_data(data: Data, panels: Sequence[Settings]) -> tuple[Data, str]:
    """The data that all panels can work on, and a sentence if these are a sample.

    Matrices of several metrics together get no more memory than one has.
    """
    metrics = len({method(settings.method).matrix_metric(settings) for settings in panels} - {None})
    n, most = len(data.points), int(MOST_POINTS_FOR_PROXIMITIES / max(metrics, 1) ** 0.5)
    if not metrics or n <= most:
        return data, ""
    each = "" if metrics == 1 else f", by each of {metrics} metrics"
    return data.sample(most), (
        f"The proximity of every pair of points is needed{each}, so all panels race on the same sample of {most:,} of the "
        f"{n:,} points."
    )


def shared_rows(data: Data, k: int, most: int, initialization: str, seed: int) -> tuple[int, ...]:
    """`most` different rows of the data at which panels start.

    The first k of them, or all if `most` is less, are what this initialization finds for k clusters, whatever `most` is.
    With the same seed a run alone starts at these rows, too, if it starts at random rows.
    """
    n, distances_to, rng = len(data.points), _distances(data), np.random.default_rng(seed)
    rows = seeding.rows_by_name(initialization, distances_to, n, k, rng).tolist()
    if most > k:
        rows += [row for row in seeding.rows_by_name(initialization, distances_to, n, most, rng).tolist() if row not in rows][
            : most - k
        ]
    return tuple(rows[:most])


def _distances(data: Data) -> seeding.DistancesTo:
    """A function of rows (m,) that returns the (m, n) proximities of all points to them, or squared distances."""
    if data.given is not None:
        return data.given.__getitem__
    origin, _ = column_means(data.points)
    columns = np.subtract(data.points.T, origin[:, None], order="C")
    return lambda rows: squared_distances(columns, columns[:, rows].T)


def make_comparison(
    data: Data,
    panels: list[Settings],
    cache: Recent,
    on_step: Callable[[int, State], None],
    *,
    shared: list[bool],
    k: int,
    start: str,
) -> Comparison:
    """The comparison of these panels, from the cache if it is there.

    `shared` says which of them start at the same points: k of them, found by the initialization `start`.
    Panels with fewer clusters use
    the first of these, and those with more use further ones. `on_step` is called with the number of the panel and each of
    its complete states; an exception that it raises ends the work.
    """
    before = [comparison for key, comparison in cache.items() if key[0] == "comparison"]

    def compute():
        used, note = comparison_data(data, panels)
        known = {
            (run.data.key, run.settings): replace(run, matched=None)
            for comparison in before
            for run in comparison.runs
            if isinstance(run, Run)
        }
        started, runs = panels, []
        try:
            started = _with_shared_start(used, panels, shared, k, start)
        except ValueError as fault:
            runs = [as_sentence(fault)] * len(panels)
        for i, settings in enumerate(started[len(runs) :]):
            try:
                run = known.get((used.key, settings))
                runs.append(run or make_run(used, settings, cache, lambda state, i=i: on_step(i, state)))
            except ValueError as fault:
                runs.append(as_sentence(fault))
        return _matched(used, note, started, runs)

    return cache.get(("comparison", data.key, tuple(panels), tuple(shared), k, start), compute)


def _with_shared_start(data: Data, panels: list[Settings], shared: list[bool], k: int, initialization: str) -> list[Settings]:
    """The settings of the panels, with the same rows as start where it is shared.

    A method that starts nowhere, or that finds the number of clusters itself, keeps its own start.
    """
    shares = [
        same and settings.k is not None and not isinstance(settings.start, NoStart)
        for settings, same in zip(panels, shared, strict=True)
    ]
    common = [settings for settings, same in zip(panels, shares, strict=True) if same]
    if not common:
        return panels
    n = len(data.points)
    rows = shared_rows(data, min(k, n), max(settings.k for settings in common), initialization, common[0].seed)
    return [
        replace(settings, start=AtRows(rows[: settings.k], initialization)) if same else settings
        for settings, same in zip(panels, shares, strict=True)
    ]


def _matched(data: Data, note: str, panels: list[Settings], runs: list[Run | str]) -> Comparison:
    """The comparison with the same color for the same group in all of its runs and in the known groups.

    All are matched, by the largest number of points in common, with the one that has the most groups (the first of these),
    whose colors go by the place of its groups.
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
    most = int(np.argmax(sizes))
    reference, k = labelings[most], sizes[most]
    if most < len(found):
        places = found[most].ranks
    else:
        places = ranks_by_place(data.points, means_of(data.points, reference, k))
    ranks = [
        places if i == most else places[match_clusters(labels, reference, k)[:size]]
        for i, (labels, size) in enumerate(zip(labelings, sizes, strict=True))
    ]
    recolored = iter([replace(run, matched=rank) for run, rank in zip(found, ranks, strict=False)])
    runs = [next(recolored) if isinstance(run, Run) else run for run in runs]
    known = None
    if len(labelings) > len(found):
        numbers = np.append(ranks[-1], -1)[labelings[-1]]  # the extra last entry is what -1 picks
        known = Clustering("Known groups", numbers)
    return Comparison(data, note, panels, runs, known)

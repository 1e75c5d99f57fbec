"""Several runs on the same data, made comparable: the same points, the same starting points, the same colours."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np

from clustering import (
    KMeans,
    KMedoids,
    Silhouette,
    adjusted_rand_index,
    bic,
    contingency_table,
    match_clusters,
    normalized_mutual_information,
    silhouette_of_proximities,
)
from clustering import silhouette as euclidean_silhouette
from clustering.kmeans import seeded_rows
from pages.shared.datasets import Data
from pages.shared.runs import ALGORITHMS, MOST_POINTS_FOR_PROXIMITIES, Recent, Run, Settings, make_run, ranks_by_place
from pages.shared.wording import counted


@dataclass(frozen=True, eq=False)
class Clustering:
    """Groups of all points, found by a panel of the race or known."""

    name: str
    labels: np.ndarray
    """(n,) the number of each point's group, the same number wherever it is the same group; -1 for none"""


@dataclass(frozen=True, eq=False)
class Race:
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
        """What each panel is called."""
        several = len({settings.k for settings in self.panels}) > 1
        return [f"{i}. {panel_name(settings)}{f', K = {settings.k}' * several}" for i, settings in enumerate(self.panels, 1)]

    @cached_property
    def ran(self) -> list[tuple[str, Run]]:
        """Name and run of each panel that has one."""
        return [(name, run) for name, run in zip(self.names, self.runs, strict=True) if isinstance(run, Run)]

    @cached_property
    def clusterings(self) -> list[Clustering]:
        """The groups that each run ended with, and the known ones."""
        found = [Clustering(name, run.ranks[run.history.last.labels]) for name, run in self.ran]
        return found + ([self.known] if self.known else [])

    @cached_property
    def silhouettes(self) -> list[Silhouette | None]:
        """Of the last labels of each run, by the proximities as given or by Euclidean distance; None for a single group."""
        return [silhouette_of(self.data, run.history.last.labels) for _, run in self.ran]

    @cached_property
    def rand(self) -> np.ndarray:
        """(m, m) adjusted Rand index between each two of its clusterings."""
        rand = np.eye(len(self.clusterings))
        for i, j in combinations(range(len(rand)), 2):
            rand[i, j] = rand[j, i] = adjusted_rand_index(self.clusterings[i].labels, self.clusterings[j].labels)
        return rand

    @property
    def key(self) -> tuple:
        """Differs whenever the race, or the colours of its groups, do."""
        return tuple(run if isinstance(run, str) else run.key for run in self.runs)

    @property
    def cells(self) -> int:
        """How many numbers it holds, about."""
        return sum(run.cells for _, run in self.ran)


def panel_name(settings: Settings) -> str:
    """Short, but with what tells panels of the same algorithm apart."""
    what = ALGORITHMS[settings.algorithm]
    if settings.algorithm == "mixture":
        what = f"{settings.covariance.capitalize()} mixture"
    elif settings.algorithm == "kmedoids" and settings.update != "alternating":
        what = "K-medoids, swaps"
    return what


def race_data(data: Data, panels: list[Settings]) -> tuple[Data, str]:
    """What all panels can work on, and a sentence if that is a sample."""
    n, most = len(data.points), MOST_POINTS_FOR_PROXIMITIES
    if n > most and any(settings.algorithm == "kmedoids" for settings in panels):
        return data.sample(most), (
            f"K-medoids needs the proximity of every pair of points, so all panels race on the same sample of {most:,} of the "
            f"{n:,} points."
        )
    return data, ""


def shared_rows(data: Data, k: int, start: str, seed: int) -> tuple[int, ...]:
    """k different points for all algorithms to start from; with the same seed "random" gives those of a K-means run."""
    rng = np.random.default_rng(seed)
    if data.given is not None:
        method = KMedoids(k, init=start)
        rows = method.start(method.prepare(data.given), rng)
    else:
        rows = seeded_rows(start, KMeans(k).prepare(data.points).columns, k, rng)
    return tuple(rows.tolist())


def make_race(
    data: Data, panels: list[Settings], store: Recent, watch: Callable[[int, object], None], *, shared: list[bool], start: str
) -> Race:
    """The race of these panels.

    `shared` says which of them begin at the same points, found by the way `start`: panels with fewer clusters take the first
    of them. `watch` is told the number of the panel and each of its steps; what it raises ends the work.
    """
    data, note = race_data(data, panels)
    common = [settings for settings, same in zip(panels, shared, strict=True) if same]
    if common:
        most = max(settings.k for settings in common)
        rows = shared_rows(data, most, start, common[0].seed)
        panels = [
            replace(settings, start=start, rows=rows[: settings.k]) if same else settings
            for settings, same in zip(panels, shared, strict=True)
        ]
    runs: list[Run | str] = []
    for i, settings in enumerate(panels):
        try:
            runs.append(make_run(data, settings, store, lambda step, i=i: watch(i, step)))
        except ValueError as fault:
            runs.append(f"{str(fault)[:1].upper()}{str(fault)[1:]}.")
    return _matched(data, note, panels, runs)


def _matched(data: Data, note: str, panels: list[Settings], runs: list[Run | str]) -> Race:
    """The race with the same colour for the same group in all of its runs and in the known groups.

    All are matched, by the largest number of points in common, with the one that has the most groups (the first of these),
    whose colours go by the place of its groups.
    """
    found = [run for run in runs if isinstance(run, Run)]
    labelings = [run.history.last.labels for run in found]
    sizes = [run.settings.k for run in found]
    if data.labels is not None and data.groups:
        groups, inverse = np.unique(data.labels, return_inverse=True)
        labelings.append(inverse - np.count_nonzero(groups < 0))
        sizes.append(data.groups)
    if not labelings:
        return Race(data, note, panels, runs, None)
    most = int(np.argmax(sizes))
    reference, k = labelings[most], sizes[most]
    if most < len(found):
        places = found[most].ranks
    else:
        middles = np.stack([data.points[reference == group].mean(axis=0) for group in range(k)])
        places = ranks_by_place(data.points, middles)
    ranks = [
        places if i == most else places[match_clusters(labels, reference, k)[:size]]
        for i, (labels, size) in enumerate(zip(labelings, sizes, strict=True))
    ]
    recoloured = iter([replace(run, matched=rank) for run, rank in zip(found, ranks, strict=False)])
    runs = [next(recoloured) if isinstance(run, Run) else run for run in runs]
    known = None
    if len(labelings) > len(found):
        # the extra last entry is what -1, no group, picks
        known = Clustering("Known groups", np.append(ranks[-1], -1)[labelings[-1]])
    return Race(data, note, panels, runs, known)


def silhouette_of(data: Data, labels: np.ndarray) -> Silhouette | None:
    """By the proximities as given or by Euclidean distance; None where there is but one group."""
    if len(np.unique(labels)) < 2:
        return None
    if data.given is not None:
        return silhouette_of_proximities(data.given, labels)
    return euclidean_silhouette(data.points, labels)


@dataclass(frozen=True)
class Scores:
    """A row of the table of a race; None where something is not defined."""

    name: str
    iterations: int
    converged: bool
    seconds: float
    loss: float
    loss_name: str
    silhouette: float | None
    rand: float | None
    information: float | None
    bic: float | None


def scores(race: Race) -> list[Scores]:
    """What each run of the race came to."""
    rows = []
    for (name, run), width in zip(race.ran, race.silhouettes, strict=True):
        history = run.history
        n, d = run.data.points.shape
        labels, known = history.last.labels, race.data.labels
        mixture = run.settings.algorithm == "mixture"
        rows.append(
            Scores(
                name,
                history.iterations,
                history.converged,
                history.seconds,
                float(history.losses[-1]),
                history.method.loss_name,
                None if width is None else width.mean,
                None if known is None else adjusted_rand_index(known, labels),
                None if known is None else normalized_mutual_information(known, labels),
                bic(-float(history.losses[-1]) * n, history.method.parameter_count(d), n) if mixture else None,
            )
        )
    return rows


def disagreement(a: Clustering, b: Clustering) -> "Disagreement":
    """How the groups of a and b, matched, share the points."""
    return Disagreement(a, b, *contingency_table(a.labels, b.labels))


@dataclass(frozen=True, eq=False)
class Disagreement:
    """Two clusterings of the same points, side by side."""

    a: Clustering
    b: Clustering
    table: np.ndarray
    """(groups of a, groups of b) how many points are in both"""
    groups_a: np.ndarray
    """the numbers of the groups of a, in the order of the rows of the table"""
    groups_b: np.ndarray
    """those of b, in the order of its columns"""

    @cached_property
    def flows(self) -> list[tuple[int, int]]:
        """(group in a, group in b) of each two groups that share points: those under different numbers first, large ones
        first."""
        rows, columns = np.nonzero(self.table)
        order = np.lexsort((-self.table[rows, columns], self.groups_a[rows] == self.groups_b[columns]))
        return [(int(self.groups_a[rows[i]]), int(self.groups_b[columns[i]])) for i in order]

    def rows(self, flow: tuple[int, int] | None) -> np.ndarray:
        """The points that are in the first group of the flow in a and in the second in b; of None all that change group."""
        if flow is None:
            return np.flatnonzero(self.a.labels != self.b.labels)
        return np.flatnonzero((self.a.labels == flow[0]) & (self.b.labels == flow[1]))

    def told(self) -> str:
        """How far they differ, in a sentence."""
        changed = len(self.rows(None))
        n = len(self.a.labels)
        if not changed:
            return f"{self.a.name} and {self.b.name} put all {n:,} points in the same groups."
        return (
            f"{counted(changed, 'point')} of {n:,} ({changed / n:.1%}) {'is' if changed == 1 else 'are'} in another group by "
            f"{self.b.name} than by {self.a.name}."
        )

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
    match_clusters,
    silhouette_of_proximities,
)
from clustering import silhouette as euclidean_silhouette
from clustering.kmeans import seeded_rows
from pages.compare.agreement import Clustering, in_a_group
from pages.datasets.data import GIVEN, Data
from pages.datasets.formatting import as_sentence
from pages.datasets.limits import MOST_POINTS_FOR_PROXIMITIES
from pages.runs.run import RACERS, STARTS, Recent, Run, Settings, make_run, ranks_by_place


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
        return panel_names(self.panels)

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
        """(m, m) adjusted Rand index between each two of its clusterings, of the points that have a group in both."""
        rand = np.eye(len(self.clusterings))
        for i, j in combinations(range(len(rand)), 2):
            rand[i, j] = rand[j, i] = adjusted_rand_index(*in_a_group(self.clusterings[i], self.clusterings[j])[1:])
        return rand

    @property
    def key(self) -> tuple:
        """Differs whenever the race, or the colours of its groups, do."""
        return tuple(run if isinstance(run, str) else run.key for run in self.runs)

    @property
    def cells(self) -> int:
        """How many numbers it holds, about."""
        return sum(run.cells for _, run in self.ran)


SHORT_UPDATES = {"alternating": "alternating", "swap": "first swap", "steepest swap": "best swap"}


def panel_names(panels: list[Settings]) -> list[str]:
    """What the panels are called: by their algorithm, and by what else tells them apart."""

    def differ(what: str, among: list[Settings]) -> bool:
        return len({getattr(settings, what) for settings in among}) > 1

    names = []
    for i, settings in enumerate(panels, 1):
        alike = [other for other in panels if other.algorithm == settings.algorithm]
        mixture, medoids = settings.algorithm == "mixture", settings.algorithm == "kmedoids"
        parts = [f"{settings.covariance.capitalize()} mixture" if mixture else RACERS[settings.algorithm]]
        if settings.algorithm == "tree":
            settings = replace(settings, start="random")  # it has none
            parts = [f"{settings.merging.linkage.capitalize()} linkage"]
            if settings.merging.metric not in ("euclidean", GIVEN):
                parts.append(settings.merging.metric.capitalize())
        if medoids and (differ("metric", alike) or settings.metric not in ("euclidean", GIVEN)):
            parts.append(settings.metric.capitalize())
        if medoids and differ("update", alike):
            parts.append(SHORT_UPDATES[settings.update])
        if differ("start", alike) or (settings.start == "tree" and differ("merging", alike)):
            parts.append(f"from {STARTS[settings.start]}")
            if settings.start == "tree":
                parts.append(f"{settings.merging.linkage} linkage")
                if settings.merging.metric not in ("euclidean", GIVEN):
                    parts.append(settings.merging.metric)
        if differ("k", panels):
            parts.append(f"K = {settings.k}")
        names.append(f"{i}. {', '.join(parts)}")
    return names


def race_data(data: Data, panels: list[Settings]) -> tuple[Data, str]:
    """What all panels can work on, and a sentence if that is a sample.

    Several metrics share the room of one matrix of proximities.
    """
    medoids = {settings.metric for settings in panels if settings.algorithm == "kmedoids"}
    trees = {settings.merging.metric for settings in panels if settings.algorithm == "tree"}
    metrics = len(medoids | trees)
    n, most = len(data.points), int(MOST_POINTS_FOR_PROXIMITIES / max(metrics, 1) ** 0.5)
    if not metrics or n <= most:
        return data, ""
    who = "K-medoids and trees need" if medoids and trees else "K-medoids needs" if medoids else "A tree needs"
    each = "" if metrics == 1 else f", by each of {metrics} metrics"
    return data.sample(most), (
        f"{who} the proximity of every pair of points{each}, so all panels race on the same sample of {most:,} of "
        f"the {n:,} points."
    )


def shared_rows(data: Data, k: int, most: int, start: str, seed: int) -> tuple[int, ...]:
    """`most` different points, of which the first k are found by the way `start`, and all are if that is fewer.

    With the same seed "random" gives the points of a K-means run. Those beyond k do not change the first ones.
    """
    rng = np.random.default_rng(seed)
    if data.given is not None:
        prepared = KMedoids(1).prepare(data.given)

        def rows_by(k):
            return KMedoids(k, init=start).start(prepared, rng)
    else:
        columns = KMeans(1).prepare(data.points).columns

        def rows_by(k):
            return seeded_rows(start, columns, k, rng)

    rows = rows_by(k).tolist()
    if most > k:
        rows += [row for row in rows_by(most).tolist() if row not in rows][: most - k]
    return tuple(rows[:most])


def make_race(
    data: Data,
    panels: list[Settings],
    store: Recent,
    watch: Callable[[int, object], None],
    *,
    shared: list[bool],
    k: int,
    start: str,
) -> Race:
    """The race of these panels, from the store if it is there.

    `shared` says which of them begin at the same points: k of them, found by the way `start`. Panels with fewer clusters take
    the first of these, and those with more take others too. `watch` is told the number of the panel and each of its steps;
    what it raises ends the work.
    """
    before = [race for key, race in store.items() if key[0] == "race"]

    def compute():
        used, note = race_data(data, panels)
        known = {
            (run.data.key, run.settings): replace(run, matched=None)
            for race in before
            for run in race.runs
            if isinstance(run, Run)
        }
        begun, runs = panels, []
        try:
            begun = _from_the_same(used, panels, shared, k, start)
        except ValueError as fault:
            runs = [as_sentence(fault)] * len(panels)
        for i, settings in enumerate(begun[len(runs) :]):
            try:
                run = known.get((used.key, settings))
                runs.append(run or make_run(used, settings, store, lambda step, i=i: watch(i, step)))
            except ValueError as fault:
                runs.append(as_sentence(fault))
        return _matched(used, note, begun, runs)

    return store.get(("race", data.key, tuple(panels), tuple(shared), k, start), compute)


def _from_the_same(data: Data, panels: list[Settings], shared: list[bool], k: int, start: str) -> list[Settings]:
    """The panels, those that share it with the points at which they begin."""
    common = [settings for settings, same in zip(panels, shared, strict=True) if same]
    if not common:
        return panels
    n = len(data.points)
    rows = shared_rows(data, min(k, n), max(settings.k for settings in common), start, common[0].seed)
    return [
        replace(settings, start=start, rows=rows[: settings.k]) if same else settings
        for settings, same in zip(panels, shared, strict=True)
    ]


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
    """By the proximities as given or by Euclidean distance; None where there is but one group, in the sample at least."""
    try:
        if data.given is not None:
            return silhouette_of_proximities(data.given, labels)
        return euclidean_silhouette(data.points, labels)
    except ValueError:
        return None

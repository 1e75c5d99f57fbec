"""Radii and branches that are chosen in the figures of the Density page."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from clustering import CondensedTree
from clustering.core_points import FEW_CORE_POINTS, MANY_CORE_POINTS, core_point_notices
from clustering.history import AssignmentSummary
from pages.runs.run import Run

MAX_RADII = 400
"""largest number of radii for which the number of clusters is computed"""
NOTES = {FEW_CORE_POINTS: "hardly any core points", MANY_CORE_POINTS: "nearly all are core points"}
"""what the line at a radius says while it is dragged, by the name of the notice"""


def clusters_by_radius(begins: np.ndarray, ends: np.ndarray) -> tuple[list[float], list[int]]:
    """Radii in increasing order, and the number of clusters from each to the next one.

    The number grows by 1 at each radius in `begins` and falls by 1 at each in `ends`.
    """
    radii = np.unique(np.concatenate([begins, ends]))
    radii = radii[np.isfinite(radii)]
    radii = radii[np.unique(np.linspace(0, len(radii) - 1, min(len(radii), MAX_RADII)).astype(int))] if len(radii) else radii
    begun, ended = (np.searchsorted(np.sort(values), radii, side="right") for values in (begins, ends))
    return radii.tolist(), (begun - ended).tolist()


def core_notes(radii: list[float], counts: list[int], cores: np.ndarray) -> list[str]:
    """A warning for each radius at which hardly any or nearly all points are core points; "" for the others.

    counts : number of clusters at each radius
    cores : core distances of the points, or of a part of them
    """
    core = np.searchsorted(np.sort(cores), radii, side="right").tolist()
    found = [core_point_notices(c, len(cores), k, "radius") for c, k in zip(core, counts, strict=True)]
    return [NOTES.get(notices[0].name, "") if notices else "" for notices in found]


def branches_of(tree: CondensedTree, labels: np.ndarray, k: int, radius: float) -> np.ndarray:
    """(k,) branch of a tree of core points that each cluster is at a radius; -1 if it has none, as at radius 0.

    tree : its density levels are 1 / radius
    labels : (n,) clusters of DBSCAN, or of OPTICS cut at the radius
    """
    branches = np.full(k, -1)
    if radius:
        at = tree.clusters_at(1 / radius)
        inside = np.flatnonzero((at >= 0) & (labels >= 0))
        branches[labels[inside]] = at[inside]
    return branches


def disjoint(tree: CondensedTree, branches: Iterable[int]) -> tuple[int, ...]:
    """The branches, sorted; where one contains another, only the later one in the input is kept."""
    kept: tuple[int, ...] = ()
    for branch in branches:
        if branch not in kept:
            kept = with_branch(tree, kept, branch)
    return kept


def with_branch(tree: CondensedTree, chosen: tuple[int, ...], branch: int) -> tuple[int, ...]:
    """The chosen branches after a click on one: a chosen one is deselected, another one replaces those above and below it."""
    if branch in chosen:
        return tuple(other for other in chosen if other != branch)

    def contains(outer: int, inner: int) -> bool:
        while inner > outer:
            inner = int(tree.parents[inner])
        return inner == outer

    kept = [other for other in chosen if not contains(other, branch) and not contains(branch, other)]
    return tuple(sorted([*kept, branch]))


def with_chosen_branches(run: Run, chosen: tuple[int, ...]) -> Run:
    """The run of HDBSCAN whose last two states have these branches as their clusters, instead of those that it selected."""
    history = run.history
    states = list(history.states)
    for i in (-2, -1):
        parameters = states[i].parameters._replace(clusters=np.array(chosen, dtype=np.intp))
        assignment = history.process.assign(history.prepared, parameters)
        summary = AssignmentSummary(assignment.sizes, assignment.changed)
        states[i] = states[i]._replace(parameters=parameters, assignment=summary, notices=())
    last = states[-1]._replace(assignment=assignment)
    return replace(run, history=replace(history, states=tuple(states), last=last), _cache={})

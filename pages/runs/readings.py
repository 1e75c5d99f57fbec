"""Numbers of a run in each frame of its animation, for the text beside the animation."""

from typing import NamedTuple

import numpy as np

from pages.datasets import units
from pages.datasets.data import Data
from pages.datasets.formatting import format_number, minus_signs
from pages.datasets.limits import MAX_LISTED_CLUSTERS
from pages.runs.frames import Frame
from pages.runs.known_groups import NAMES, NOISE_IS_A_GROUP, TEXTS, KnownGroups
from pages.runs.run import Run

MAX_SCORED = 10_000
"""number of points above which the agreement with the true labels is computed only at the end"""
NONE = "–"


class FrameNumbers(NamedTuple):
    """A number that changes from frame to frame."""

    name: str
    texts: list[str]
    """the number in each frame"""
    help: str = ""


def numbers_of(run: Run, frames: list[Frame]) -> list[FrameNumbers]:
    """Iteration, status, agreement with the true labels, and loss."""
    states = [run.history.states[frame.state] for frame in frames]
    status = ["start" if state.phase == "start" else "running" for state in states[:-1]] + [run.final_status]
    found = [FrameNumbers("Iteration", [f"{state.iteration}" for state in states]), FrameNumbers("Status", status)]
    if run.known_groups is not None:
        found += agreement_numbers(known_groups_at(run, frames), run.data, run.view.traits.noise)
    if run.view.traits.loss is not None:
        found.append(FrameNumbers("Loss", [NONE if frame.loss is None else format_number(frame.loss) for frame in frames]))
    if run.view.traits.k == "found":
        sizes = [None if frame.assigned is None else run.history.states[frame.assigned].assignment.sizes for frame in frames]
        counts = [f"{len(each):,}" if _is_found(run, each) else NONE for each in sizes]
        found.append(FrameNumbers(f"{run.view.traits.cluster.capitalize()}s", counts))
    return found


def agreement_numbers(scores: list[KnownGroups | None], data: Data, has_noise: bool = False) -> list[FrameNumbers]:
    """The main scores relative to the true labels of the data, given those of each frame."""
    found, noise = [], f"; {NOISE_IS_A_GROUP}" if has_noise else ""
    for name in ("adjusted_rand", "v_measure"):
        texts = [NONE if one is None else minus_signs(f"{getattr(one, name):.3f}") for one in scores]
        found.append(FrameNumbers(NAMES[name], texts, f"Agreement with the {data.true_labels_name}: {TEXTS[name]}{noise}."))
    return found


def known_groups_at(run: Run, frames: list[Frame]) -> list[KnownGroups | None]:
    """Scores of the labels in each frame relative to the true labels; None before the first assignment.

    For more than `MAX_SCORED` points None in all frames but those that show the final labels.
    """
    labels, last = run.data.labels, len(run.history.states) - 1

    def of(state: int | None) -> KnownGroups | None:
        if state == last:
            return run.known_groups
        if state is None or len(labels) > MAX_SCORED:
            return None
        found = run.history.assignment(state).labels
        if found is None or not (run.view.traits.noise or (found >= 0).any()):
            return None
        return KnownGroups.of(labels, found, run.weights)

    return [run.cached(("known groups", frame.assigned), lambda frame=frame: of(frame.assigned)) for frame in frames]


def cluster_texts(run: Run, state: int, assigned: int | None, columns: int, scaled: bool) -> list[list[str]]:
    """Texts about each cluster of the last state, by rank, as they are in another state; at most `MAX_LISTED_CLUSTERS`.

    Parameters
    ----------
    state, assigned : as in `Frame`.
    columns : number of coordinates of the centers.
    scaled : whether the centers are in scaled values.

    Returns
    -------
    rows of texts : size, length of the bar as a CSS width, name of the center if it has one, and its coordinates. If there can
        be noise, a last row has the number of points without a cluster.
    """
    sizes = _sizes(run, assigned)
    outside = None if assigned is None or not run.view.traits.noise else run.points_without_cluster(assigned)
    least = 1.0 if run.weights is None else np.finfo(float).tiny
    largest = 1.0 if sizes is None else max(sizes.max(initial=0), outside or 0, least)
    sums = run.view.traits.membership is not None and not run.view.traits.noise
    order = np.argsort(run.ranks)
    names, listed = run.view.center_names(run.history.states[state].parameters, run.data), min(run.k, MAX_LISTED_CLUSTERS)
    centers = run.centers[state] if run.centers_vary else run.cluster_centers
    coordinates = units.position_texts(run.data, centers[order[:listed]], columns, scaled) if columns else [[]] * listed
    rows = []
    for rank in range(listed):
        size = NONE if sizes is None else f"{sizes[rank]:,.1f}" if sums else f"{int(sizes[rank]):,}"
        if sizes is not None and run.weights is not None:
            size = f"{sizes[rank]:,.6g}"
        width = "0%" if sizes is None else f"{100 * sizes[rank] / largest:.1f}%"
        rows.append([size, width, *([names[order[rank]]] if names else []), *coordinates[rank]])
    if run.view.traits.noise:
        size, width = (NONE, "0%") if outside is None else (f"{outside:,}", f"{100 * outside / largest:.1f}%")
        rows.append([size, width, *[NONE] * (bool(names) + columns)])
    return rows


def _sizes(run: Run, assigned: int | None) -> np.ndarray | None:
    """(k,) sizes of the clusters, by rank; None before the first assignment."""
    if assigned is None or not _is_found(run, run.history.states[assigned].assignment.sizes):
        return None
    sizes = np.zeros(run.k)
    ranks, found = run.ranks_of(assigned), run.sizes_in(assigned)
    sizes[ranks[ranks < run.k]] = found[ranks < run.k]
    return sizes


def _is_found(run: Run, sizes: np.ndarray | None) -> bool:
    """Whether a state with clusters of these sizes says anything about them; without noise, no cluster means not yet."""
    return sizes is not None and (len(sizes) > 0 or run.view.traits.noise)

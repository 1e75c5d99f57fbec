"""The segments of a data set: the clusters of a run, named and edited by hand, with the rows of the original table."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, get_args

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist

from clustering import bisect
from pages.datasets.data import Data
from pages.datasets.formatting import format_amount, pluralize
from pages.runs.run import Run, means_of

MAX_SEGMENTS = 60
"""maximum number of segments, of a run or after edits"""
TRUE_LABEL = "true label"
"""name of the column of true labels of simulated data"""


MAX_NAME = 60
"""maximum number of characters of a name"""
EditKind = Literal["rename", "merge", "split", "move", "create", "drop"]
NUMBER_OF_SEGMENTS = {"rename": 1, "merge": 2, "split": 1, "move": 1, "create": 0, "drop": 1}
"""length of `Edit.segments` for each kind of edit"""


@dataclass(frozen=True)
class Edit:
    """A change of the segments by hand. Segments are given by their positions (from 0) before the change."""

    kind: EditKind
    segments: tuple[int, ...] = ()
    """the segment that is renamed, split, dropped or receives rows; the two segments that are merged"""
    rows: tuple[int, ...] = ()
    """positions in the data of the rows that are moved, or that become a segment"""
    name: str = ""
    """the new name"""


def edits_text(edits: Sequence[Edit]) -> str:
    """The edits as short text, for links; see `parse_edits`."""
    parts = ([edit.kind, edit.segments, edit.rows, edit.name] for edit in edits)
    return json.dumps(
        [part[: max(i + 1 for i in range(4) if part[i])] for part in parts], separators=(",", ":"), ensure_ascii=False
    )


def parse_edits(text: str) -> tuple[Edit, ...]:
    """The edits in a text that `edits_text` returned.

    Raises
    ------
    ValueError
        If the text is not of this form.
    """
    edits = []
    try:
        for kind, *rest in json.loads(text):
            segments, rows, name = (*rest, *((), (), "")[len(rest) :])
            numbers = [*segments, *rows]
            if kind not in get_args(EditKind) or not all(type(number) is int and number >= 0 for number in numbers):
                raise ValueError
            if type(name) is not str or len(name) > MAX_NAME or len(segments) != NUMBER_OF_SEGMENTS[kind]:
                raise ValueError
            edits.append(Edit(kind, tuple(segments), tuple(rows), name))
    except (ValueError, TypeError, RecursionError):
        raise ValueError(f"{text[:60]!r} is not a list of edits of segments") from None
    return tuple(edits)


@dataclass(frozen=True, eq=False)
class Segments:
    """A clustering whose clusters have names; the clusters of a run, possibly edited."""

    run: Run
    labels: np.ndarray
    """(n,) segment of each point of the run, from 0 in the order on the screen; -1 for noise"""
    given_names: tuple[str, ...]
    """(k,) names given by the user; empty for the default name"""
    ranks: tuple[int, ...]
    """(k,) rank that determines the color and symbol of each segment, see `figures.palette`"""
    edits: tuple[Edit, ...] = ()
    """the edits that led here"""

    @property
    def data(self) -> Data:
        return self.run.data

    @property
    def k(self) -> int:
        """Number of segments."""
        return len(self.ranks)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """(k,) names of the segments, by default "Cluster 1", "Component 2", …"""
        noun = self.run.view.traits.cluster.capitalize() if not self.is_edited else "Segment"
        return tuple(name or f"{noun} {i + 1}" for i, name in enumerate(self.given_names))

    @property
    def is_edited(self) -> bool:
        """Whether edits have changed which rows are in which segment."""
        return any(edit.kind != "rename" for edit in self.edits)

    @property
    def key(self) -> tuple:
        """Cache key."""
        return "segments", self.run.key, self.edits

    @property
    def weights(self) -> np.ndarray | None:
        """(n,) weights of the rows, as the run used them; None if all count the same."""
        return self.run.weights

    @property
    def frequencies(self) -> np.ndarray | None:
        """(n,) the weights for statistics that depend on the number of rows, see `as_frequencies`."""
        return self.run.frequencies

    def size_of(self, rows: np.ndarray) -> float:
        """Number of rows (n,) booleans, or the sum of their weights."""
        return int(np.count_nonzero(rows)) if self.weights is None else float(self.weights[rows].sum())

    @cached_property
    def sizes(self) -> np.ndarray:
        """(k,) number of points in each segment, or sum of their weights."""
        inside = self.labels >= 0
        weights = None if self.weights is None else self.weights[inside]
        return np.bincount(self.labels[inside], weights, minlength=self.k)

    @cached_property
    def left_out(self) -> float:
        """Number of points in no segment, or sum of their weights."""
        return self.size_of(self.labels < 0)

    @cached_property
    def total(self) -> float:
        """Number of points, or sum of their weights."""
        return self.size_of(np.ones(len(self.labels), dtype=bool))

    def amount_text(self, amount: float) -> str:
        """A number of points or a sum of weights with what it is, such as "12 rows" or "weight 30.5"."""
        return pluralize(int(amount), self.data.noun) if self.weights is None else f"weight {format_amount(amount)}"

    @cached_property
    def memberships(self) -> np.ndarray | None:
        """(n, k) memberships, in the order of the segments; None for hard methods and after edits."""
        if self.is_edited or self.run.memberships is None:
            return None
        return self.run.memberships[:, np.argsort(self.run.ranks)]

    @cached_property
    def centers(self) -> np.ndarray:
        """(k, d) center of each segment, in the units of the points: that of the run, or the mean of an edited one."""
        if self.is_edited:
            return means_of(self.data.points, self.labels, self.k, self.weights)
        return self.run.cluster_centers[np.argsort(self.run.ranks)]

    @cached_property
    def distances(self) -> np.ndarray:
        """(n, k) distance of each point to each segment.

        Euclidean distance to its center; mean proximity to its other points if the method uses proximities. Infinite for a
        segment without points.
        """
        metric = self.run.view.matrix_metric(self.run.settings)
        if metric is None:
            return cdist(self.data.points, self.centers)
        members = self.labels[:, None] == np.arange(self.k)
        proximities = self.data.proximities(metric)
        others = self.sizes - members
        with np.errstate(invalid="ignore", divide="ignore"):
            means = proximities @ members / others
        return np.where(others > 0, means, np.where(members, 0.0, np.inf))

    @cached_property
    def margins(self) -> np.ndarray:
        """(n,) how clearly each point belongs to its segment; the smaller, the closer to the border; NaN for noise.

        For soft methods the largest membership minus the second largest, otherwise the distance to the nearest other segment
        minus the distance to its own segment.
        """
        if self.k < 2:
            return np.where(self.labels < 0, np.nan, np.inf)
        if self.memberships is not None:
            second, first = np.sort(self.memberships, axis=1)[:, -2:].T
            return np.where(self.labels < 0, np.nan, first - second)
        own = np.take_along_axis(self.distances, np.maximum(self.labels, 0)[:, None], axis=1)
        others = np.where(np.arange(self.k) == self.labels[:, None], np.inf, self.distances)
        return np.where(self.labels < 0, np.nan, others.min(axis=1) - own[:, 0])

    def typical_rows(self, segment: int, count: int) -> np.ndarray:
        """Positions of the points nearest to the center of a segment, the nearest first."""
        members = np.flatnonzero(self.labels == segment)
        return members[np.argsort(self.distances[members, segment], kind="stable")[:count]]

    def borderline_rows(self, segment: int, count: int) -> np.ndarray:
        """Positions of the points of a segment that are closest to another one, the closest first."""
        members = np.flatnonzero(self.labels == segment)
        return members[np.argsort(self.margins[members], kind="stable")[:count]]

    @cached_property
    def table(self) -> pd.DataFrame:
        """The rows of the points, with all columns of the original table; a table of the points if there is none."""
        return original_rows(self.data)

    def edited(self, edit: Edit) -> "Segments":
        """The segments after one more edit.

        Raises
        ------
        ValueError
            If the edit is impossible; the message says why.
        """
        labels, names, ranks = self.labels.copy(), list(self.given_names), list(self.ranks)
        rows = np.array(edit.rows, dtype=np.intp)
        if any(not 0 <= segment < self.k for segment in edit.segments) or (rows.size and rows.max() >= len(labels)):
            raise ValueError("This segment or row no longer exists.")
        match edit.kind:
            case "rename":
                names[edit.segments[0]] = edit.name.strip()
            case "merge":
                first, second = sorted(edit.segments)
                if first == second:
                    raise ValueError("Choose two different segments to merge.")
                labels[labels == second] = first
                names[first] = names[first] or names[second]
                _remove(second, labels, names, ranks)
            case "drop":
                labels[labels == edit.segments[0]] = -1
                _remove(edit.segments[0], labels, names, ranks)
            case "split":
                rows = self._smaller_half(edit.segments[0])
            case "move":
                if not rows.size:
                    raise ValueError("Select at least one row.")
                labels[rows] = edit.segments[0]
        if edit.kind in ("split", "create"):
            if self.k >= MAX_SEGMENTS:
                raise ValueError(f"There can be at most {MAX_SEGMENTS} segments: merge two of them first.")
            if not rows.size:
                raise ValueError("Select at least one row.")
            labels[rows] = self.k
            names.append(edit.name.strip())
            ranks.append(next(rank for rank in range(self.k + 1) if rank not in ranks))
        return replace(self, labels=labels, given_names=tuple(names), ranks=tuple(ranks), edits=(*self.edits, edit))

    def _smaller_half(self, segment: int) -> np.ndarray:
        """Positions of the points in the smaller of two clusters of a segment, found by K-means."""
        members = np.flatnonzero(self.labels == segment)
        weights = None if self.weights is None else self.weights[members]
        try:
            labels = bisect(self.data.points[members], np.random.default_rng(0), weights)
        except ValueError:
            raise ValueError(f"{self.names[segment]} cannot be split: it needs at least two different rows.") from None
        return members[labels == 1]


def _remove(segment: int, labels: np.ndarray, names: list, ranks: list) -> None:
    """Remove an empty segment; the following ones move up."""
    labels[labels > segment] -= 1
    del names[segment], ranks[segment]


def segments_of(run: Run, edits: Sequence[Edit] = ()) -> Segments:
    """The clusters of a run as segments, after these edits.

    Raises
    ------
    ValueError
        If the method has no clusters or finds too many, or if an edit is impossible.
    """
    if not run.view.traits.clusters:
        raise ValueError(f"{run.view.title} has no clusters: choose another algorithm.")
    if run.k > MAX_SEGMENTS:
        raise ValueError(
            f"There are {run.k:,} clusters, but at most {MAX_SEGMENTS} can be segments: choose settings that give fewer."
        )
    segments = Segments(run, run.labels_by_rank, ("",) * run.k, tuple(range(run.k)))
    for edit in edits:
        segments = segments.edited(edit)
    return segments


def original_rows(data: Data) -> pd.DataFrame:
    """The rows of the points with all columns of the table that they come from.

    Points without a table have the columns of the data in their own units, after their names and true labels, if any.
    """
    if data.origin is not None:
        return data.origin.table.iloc[data.rows - 1]
    columns = {}
    if data.names is not None:
        columns[data.noun] = data.names
    if data.precomputed is None:
        points = data.points if data.scaling is None else data.scaling.positions(data.points)
        columns |= dict(zip(data.columns if data.scaling is None else data.scaling.columns, points.T, strict=True))
    if data.labels is not None:
        columns[TRUE_LABEL] = pd.array(data.labels + 1, dtype="Int64")
        columns[TRUE_LABEL][data.labels < 0] = pd.NA
    return pd.DataFrame(columns, index=data.rows - 1)

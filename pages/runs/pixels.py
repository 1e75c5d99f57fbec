"""Images of all rows of a table on the server, whose points are counted per pixel and cluster by the workers of the cluster.

The rows are read once. The points that are in the same pixel and end in the same cluster form a group, of which the number of
points, their mean and the sum of their memberships are sent back. However many points there are, these groups are few. The
image of the last state is exact. In those of earlier states, all points of a group have the cluster of their mean.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from pages.datasets.planes import Plane
from pages.datasets.server.cluster import cluster_client, computed
from pages.figures import paint, palette
from pages.methods.base import MethodView
from pages.runs.run import Run

NOTE = (
    "Points beyond the edges are drawn at the edges. Before the last frame, the points of a pixel that end in the same "
    "cluster have the color of their mean."
)
"""what the images show, for captions"""
COMBINED = 4
"""number of blocks whose groups one task combines"""


class Groups(NamedTuple):
    """Points that are in the same pixel and end in the same cluster."""

    codes: np.ndarray
    """(m,) pixel times k plus cluster, in increasing order; pixels are numbered as by `paint.pixels_of`"""
    counts: np.ndarray
    """(m,) number of points"""
    sums: np.ndarray
    """(m, d) sum of the points"""
    memberships: np.ndarray
    """(m, k) sum of their memberships in the last state; (m, 0) for a hard method"""


def painted_rows(
    run: Run,
    states: Sequence[int],
    plane: Plane,
    extent: tuple[float, float, float, float],
    on_progress: Callable[[float], None],
) -> dict[int | None, str]:
    """Images of all rows as data URIs: colored by the clusters of each of these states, and of none for the key None.

    `on_progress` is called with the completed share; it may raise an exception to stop. Raises UnreadableTable as in
    `computed`.
    """
    k, last = run.k, run.history.last.parameters
    groups = _groups_of(run, plane, extent, on_progress)
    pixels, place = np.unique(groups.codes // k, return_inverse=True)
    totals = np.bincount(place, groups.counts)
    means = groups.sums / groups.counts[:, None]
    canvas = paint.Canvas.of_counts(pixels, totals, paint.height_for(extent, run.data.to_scale))
    colors = palette.rgb([palette.color_of(rank) for rank in run.ranks])
    images: dict[int | None, str] = {None: canvas.paint(palette.rgb([palette.NEUTRAL]))}
    for state in states:
        parameters = run.history.states[state].parameters
        if parameters is not last:
            clusters = run.view.cluster_of(run.history.process, parameters, means)
        else:
            clusters = groups.memberships / groups.counts[:, None] if groups.memberships.size else groups.codes % k
        is_soft = clusters.ndim == 2
        if is_soft:
            sums = np.stack([np.bincount(place, groups.counts * weights) for weights in clusters.T])
        else:
            sums = np.bincount(clusters * len(pixels) + place, groups.counts, k * len(pixels)).reshape(k, -1)
        images[state] = canvas.paint(colors, responsibilities=sums / totals, dithered=is_soft)
    return images


def _groups_of(run: Run, plane: Plane, extent: tuple, on_progress: Callable[[float], None]) -> Groups:
    """The groups of all rows."""
    client = cluster_client()
    height = paint.height_for(extent, run.data.to_scale)
    model = run.view, run.history.process, run.history.last.parameters, run.k
    find = partial(_groups_of_block, *model, plane, extent, height)
    leaves = [client.submit(find, points, pure=False) for points in run.data.all_rows.submit()]
    nodes = leaves
    while len(nodes) > 1:
        nodes = [client.submit(_combined, nodes[i : i + COMBINED], pure=False) for i in range(0, len(nodes), COMBINED)]
    return computed(leaves, nodes[0], on_progress)


def _groups_of_block(
    view: MethodView, process: Any, parameters: Any, k: int, plane: Plane, extent: tuple, height: int, points: np.ndarray
) -> Groups:
    clusters = view.cluster_of(process, parameters, points)
    is_soft = clusters.ndim == 2
    labels = clusters.argmax(axis=1) if is_soft else clusters
    pixels = paint.pixels_of(*plane.positions(points).T, extent, height)
    codes, place, counts = np.unique(pixels * k + labels, return_inverse=True, return_counts=True)
    return Groups(codes, counts, _sums(place, points), _sums(place, clusters if is_soft else points[:, :0]))


def _sums(place: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(m, columns) sum of the values (n, columns) of each group; `place` has the group of each point."""
    m = int(place.max()) + 1
    return np.column_stack([np.bincount(place, column, m) for column in values.T]) if values.size else np.empty((m, 0))


def _combined(parts: list[Groups]) -> Groups:
    codes, place = np.unique(np.concatenate([part.codes for part in parts]), return_inverse=True)
    counts = np.bincount(place, np.concatenate([part.counts for part in parts])).astype(np.intp)
    sums, memberships = (_sums(place, np.concatenate([part[i] for part in parts])) for i in (2, 3))
    return Groups(codes, counts, sums, memberships)

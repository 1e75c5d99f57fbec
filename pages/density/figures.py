"""Figures beside the plane: the reachability plot of OPTICS, the condensed tree of HDBSCAN, and the k-distance curve."""

import numpy as np
import plotly.graph_objects as go

from pages.datasets.formatting import format_short, pluralize
from pages.figures import palette
from pages.figures.plots import EMPTY_LINE, MARGIN, Figure, player_layout
from pages.runs.frames import Frame
from pages.runs.run import Run

HEIGHT, SMALL_HEIGHT = 430, 250
LINE_MARGIN = MARGIN | dict(r=100)
"""margin of figures with a line that can be dragged, whose label is beside the figure"""
MAX_BARS = 1_500
"""bars of a reachability plot and points of a curve; where there are more points, each shows the largest value of several"""
MAX_CORNERS = 150
"""corners on each side of a branch of the condensed tree"""
MAX_BRANCHES = 400
"""branches that are drawn: the largest"""
VEIL = "rgba(140, 140, 150, 0.4)"
"""color over the part of a figure that the current frame has not reached"""


def reachability_plot(run: Run, frames: list[Frame], name: str) -> go.Figure:
    """Reachability in the order of OPTICS, colored by cluster, and animated: the points not reached yet are veiled.

    `name` becomes the layout's `meta`. Infinite values are drawn at the top.
    """
    order = run.history.parameters[-1].order
    n = len(order.ordering)
    reachability, top = _finite(order.reachability[order.ordering])
    edges = np.unique(np.linspace(0, n, min(n, MAX_BARS) + 1).astype(int))
    heights = np.maximum.reduceat(reachability, edges[:-1])
    labels = run.labels[order.ordering][edges[:-1]]
    bars = []
    for cluster in (-1, *range(run.k)):
        color = palette.NEUTRAL if cluster < 0 else palette.color_of(run.ranks[cluster])
        rows = np.flatnonzero(labels == cluster)
        bars.append(_area(color) | _steps(edges, heights, rows))
    specs = []
    for i, frame in enumerate(frames):
        reached = run.history.states[frame.state].parameters.reached
        specs.append(dict(name=str(i), data=_veil(0 if frame.phase == "start" else reached, n, top), traces=_last_two(bars)))
    hover = _hover((edges[:-1] + edges[1:]) / 2, heights, [f"reachability {format_short(height)}" for height in heights])
    layout = dict(
        height=HEIGHT,
        margin=LINE_MARGIN,
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        xaxis=dict(range=[0, n], zeroline=False, showgrid=False, title=dict(text="points in their order")),
        yaxis=dict(range=[0, top], zeroline=False, title=dict(text="reachability")),
    )
    return Figure([*bars, *_veil_styles(specs[-1]["data"]), hover], layout | player_layout(name), specs)


def condensed_tree_plot(run: Run, frames: list[Frame], name: str) -> go.Figure:
    """Condensed tree of HDBSCAN: the width of a branch is its number of points, its height the density level.

    Selected clusters have their colors. Animated: what lies below the current density level is veiled. The invisible markers
    of the last trace, whose `customdata` starts with the number of the branch, can be clicked. `name` becomes the layout's
    `meta`.
    """
    parameters = run.history.parameters[-1]
    tree = parameters.hierarchy.tree
    n = len(tree.homes)
    levels, top = _finite(tree.levels)
    lefts, shapes = np.zeros(len(tree.parents)), {}
    colors = _branch_colors(run)
    drawn = set(np.argsort(-tree.sizes, kind="stable")[:MAX_BRANCHES].tolist())
    order = np.argsort(tree.homes, kind="stable")
    starts = np.searchsorted(tree.homes[order], np.arange(len(tree.parents) + 1))
    for cluster in range(len(tree.parents)):
        own = np.sort(levels[order[starts[cluster] : starts[cluster + 1]]])
        size, children = int(tree.sizes[cluster]), np.flatnonzero(tree.parents == cluster)
        left = lefts[cluster] + (size - len(own) - tree.sizes[children].sum()) / 2
        inner = lefts[cluster] + len(own) / 2
        for child in children:
            lefts[child] = inner
            inner += tree.sizes[child]
        if cluster in drawn:
            shapes[cluster] = _branch(left, size, min(tree.births[cluster], top), own, min(tree.deaths[cluster], top))
    traces = [_area(colors[cluster], width=1) | shape for cluster, shape in shapes.items()]
    specs = []
    for i, frame in enumerate(frames):
        level = run.history.states[frame.state].parameters.level
        reached = top if frame.phase == "start" else 0 if level is None else min(level, top)
        specs.append(dict(name=str(i), data=_veil(reached, n, top, upward=True), traces=_last_two(traces)))
    middles = lefts + tree.sizes / 2
    rows = sorted(drawn - {0})  # the root is no cluster
    texts = [
        f"{pluralize(int(tree.sizes[row]), 'point')}, density level {format_short(tree.births[row])} to "
        f"{format_short(tree.deaths[row])}, stability {format_short(tree.stabilities[row])}"
        for row in rows
    ]
    centers = np.minimum((np.minimum(tree.births, top) + np.minimum(tree.deaths, top)) / 2, top)
    markers = _hover(middles[rows], centers[rows], [[row, text] for row, text in zip(rows, texts, strict=True)])
    markers |= dict(hovertemplate="%{customdata[1]}<extra></extra>")
    layout = dict(
        height=HEIGHT,
        margin=MARGIN,
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        xaxis=dict(range=[0, n], zeroline=False, showgrid=False, showticklabels=False, title=dict(text="points")),
        yaxis=dict(range=[0, top], zeroline=False, title=dict(text="density level (1 / distance)")),
    )
    return Figure([*traces, *_veil_styles(specs[-1]["data"]), markers], layout | player_layout(name), specs)


def distance_curve(cores: np.ndarray, min_points: int) -> go.Figure:
    """Core distances (n,) from the largest to the smallest: the k-distance curve, whose bend suggests a radius."""
    distances, top = _finite(np.sort(cores)[::-1])
    rows = np.unique(np.linspace(0, len(distances) - 1, min(len(distances), MAX_BARS)).astype(int))
    curve = dict(
        type="scatter",
        mode="lines",
        line=dict(color=palette.CURVE, width=3),
        x=rows + 1,
        y=distances[rows],
        hovertemplate="%{x} points have a core distance of at least %{y:.4g}<extra></extra>",
    )
    layout = dict(
        height=SMALL_HEIGHT,
        margin=LINE_MARGIN,
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        xaxis=dict(range=[0, len(distances)], zeroline=False, title=dict(text="points")),
        yaxis=dict(range=[0, top], zeroline=False, title=dict(text=f"distance to point {min_points}")),
    )
    return Figure([curve], layout)


def _finite(values: np.ndarray) -> tuple[np.ndarray, float]:
    """The values with infinite ones at the top of the axis, and the top."""
    finite = values[np.isfinite(values)]
    top = 1.06 * float(finite.max(initial=0.0)) or 1.0
    return np.minimum(values, top), top


def _area(color: str, width: float = 0) -> dict:
    line = dict(color=color, width=width)
    return dict(type="scatter", mode="lines", fill="toself", fillcolor=color, line=line, opacity=0.85, hoverinfo="skip")


def _steps(edges: np.ndarray, heights: np.ndarray, rows: np.ndarray) -> dict:
    """Outline of some of the bars between these edges, with gaps between bars that are not side by side."""
    if not len(rows):
        return EMPTY_LINE
    x, y = [], []
    for group in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
        tops = np.repeat(heights[group], 2)
        x += [np.stack([edges[group], edges[group + 1]], axis=1).ravel()[[0, *range(len(tops)), -1]], [np.nan]]
        y += [[0], tops, [0, np.nan]]
    return dict(x=np.concatenate(x)[:-1], y=np.concatenate(y)[:-1])


def _branch(left: float, size: int, birth: float, levels: np.ndarray, death: float) -> dict:
    """Outline of a branch that begins with `size` points, and that points leave at these increasing levels."""
    rows = np.unique(np.linspace(0, len(levels) - 1, min(len(levels), MAX_CORNERS)).astype(int)) if len(levels) else []
    y = np.concatenate([[birth], np.repeat(levels[rows], 2), [death]])
    gone = np.concatenate([[0], *([before, after] for before, after in _counts(rows)), [len(levels)]])
    half, middle = (size - gone) / 2, left + size / 2
    return dict(x=np.concatenate([middle - half, (middle + half)[::-1]]), y=np.concatenate([y, y[::-1]]))


def _counts(rows) -> list[tuple[int, int]]:
    """Number of points that have left before and after each of these steps."""
    after = np.asarray(rows, dtype=int) + 1
    return list(zip([0, *after[:-1].tolist()], after.tolist(), strict=True)) if len(after) else []


def _branch_colors(run: Run) -> list[str]:
    """Color of each branch: that of the selected cluster that contains it, otherwise the neutral color."""
    parameters = run.history.parameters[-1]
    colors = [palette.NEUTRAL] * len(parameters.hierarchy.tree.parents)
    for number, cluster in enumerate(parameters.clusters.tolist()):
        colors[cluster] = palette.color_of(run.ranks[number])
    for cluster, parent in enumerate(parameters.hierarchy.tree.parents.tolist()):
        if cluster not in parameters.clusters and parent >= 0:
            colors[cluster] = colors[parent]
    return colors


def _veil(position: float, n: int, top: float, upward: bool = False) -> list[dict]:
    """A rectangle over the part that is not reached, and a line at the current position."""
    if upward:
        return [dict(x=[0, n, n, 0], y=[0, 0, position, position]), dict(x=[0, n], y=[position, position])]
    return [dict(x=[position, n, n, position], y=[0, 0, top, top]), dict(x=[position, position], y=[0, top])]


def _veil_styles(now: list[dict]) -> list[dict]:
    shared = dict(type="scatter", mode="lines", hoverinfo="skip")
    veil = shared | dict(fill="toself", fillcolor=VEIL, line=dict(width=0))
    return [veil | now[0], shared | dict(line=dict(color=palette.CHOSEN, width=2)) | now[1]]


def _last_two(traces: list) -> list[int]:
    """Indices of the veil and its line, which follow these traces."""
    return [len(traces), len(traces) + 1]


def _hover(x, y, texts: list) -> dict:
    """Trace of invisible markers with tooltips."""
    marker = dict(opacity=0, size=16)
    return dict(
        type="scatter",
        mode="markers",
        x=x,
        y=y,
        marker=marker,
        customdata=texts,
        hovertemplate="%{customdata}<extra></extra>",
    )

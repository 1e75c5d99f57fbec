"""Figures of the Density page: the reachability plot, the condensed tree, and the k-distance curve."""

import numpy as np
import plotly.graph_objects as go

from clustering import CondensedTree, ReachabilityOrder
from pages.datasets.formatting import format_short, pluralize
from pages.figures import palette
from pages.figures.plots import EMPTY_LINE, MARGIN, Figure, player_layout
from pages.runs.frames import Frame
from pages.runs.run import Run

HEIGHT, SMALL_HEIGHT = 430, 250
MAX_BARS = 1_500
"""maximum number of bars of a reachability plot, and of points of a curve; with more points, each bar shows the largest value
of several"""
MAX_CORNERS = 150
"""maximum number of corners on each side of a branch of the condensed tree"""
MAX_BRANCHES = 400
"""maximum number of branches that are drawn; above it, only the largest are"""
MAX_DOTS = 400
"""maximum number of dots on a curve, whose colors change in each frame"""
NEAR = 0.08
"""distance of two marks on a curve, as a share of the axis, below which they share a label"""
VEIL = "rgba(140, 140, 150, 0.4)"
"""color over the part of a figure that the current frame has not reached"""


def reachability_plot(run: Run, order: ReachabilityOrder, frames: list[Frame], name: str) -> go.Figure:
    """Reachability in the order of OPTICS, colored by cluster.

    With `frames`, those of a run of OPTICS, it is animated: the points not reached yet are veiled, and `name` becomes the
    layout's `meta`. Infinite values are drawn at the top.
    """
    n = len(order.ordering)
    reachability, top = _finite(order.reachability[order.ordering])
    edges = np.unique(np.linspace(0, n, min(n, MAX_BARS) + 1).astype(int))
    heights = np.maximum.reduceat(reachability, edges[:-1])
    labels = run.labels[order.ordering][edges[:-1]]
    bars = []
    for cluster in (-1, *range(run.k)):
        rows = np.flatnonzero(labels == cluster)
        bars.append(_area(_color_of(run, cluster)) | _steps(edges, heights, rows))
    specs = []
    for i, frame in enumerate(frames):
        reached = run.history.states[frame.state].parameters.reached
        specs.append(dict(name=str(i), data=_veil(0 if frame.phase == "start" else reached, n, top), traces=_last_two(bars)))
    hover = _hover((edges[:-1] + edges[1:]) / 2, heights, [f"reachability {format_short(height)}" for height in heights])
    layout = dict(
        height=HEIGHT if frames else SMALL_HEIGHT,
        margin=MARGIN,
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        xaxis=dict(range=[0, n], zeroline=False, showgrid=False, title=dict(text="points in OPTICS order")),
        yaxis=dict(range=[0, top], zeroline=False, title=dict(text="reachability")),
    )
    if not frames:
        return Figure([*bars, hover], layout)
    return Figure([*bars, *_veil_styles(specs[-1]["data"]), hover], layout | player_layout(name), specs)


def condensed_tree_plot(
    run: Run, tree: CondensedTree, branches: np.ndarray, by_radius: bool, frames: list[Frame], name: str
) -> go.Figure:
    """Condensed tree: the width of a branch is its number of points, its height the density level, or the radius 1 / level.

    Parameters
    ----------
    tree : tree of the points of the run
    branches : (K,) branch of each cluster of the run, which has its color; -1 for none
    by_radius : whether the vertical axis is the radius
    frames : with them, those of a run of HDBSCAN, it is animated: what lies below the current density level is veiled
    name : the layout's `meta` if it is animated

    The invisible markers of the last trace, whose `customdata` starts with the number of the branch, can be clicked.
    """
    n = len(tree.homes)

    def heights_of(levels: np.ndarray) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return 1 / levels if by_radius else levels

    heights, top = _finite(heights_of(tree.levels))
    births, deaths = (np.minimum(heights_of(levels), top) for levels in (tree.births, tree.deaths))
    lefts, shapes = np.zeros(len(tree.parents)), {}
    colors = _branch_colors(run, tree, branches)
    drawn = {0, *drawn_branches(tree)}
    order = np.lexsort((tree.levels, tree.homes))  # in each branch, the points in the order in which they leave it
    starts = np.searchsorted(tree.homes[order], np.arange(len(tree.parents) + 1))
    for cluster in range(len(tree.parents)):
        own = heights[order[starts[cluster] : starts[cluster + 1]]]
        size, children = int(tree.sizes[cluster]), np.flatnonzero(tree.parents == cluster)
        left = lefts[cluster] + (size - len(own) - tree.sizes[children].sum()) / 2
        inner = lefts[cluster] + len(own) / 2
        for child in children:
            lefts[child] = inner
            inner += tree.sizes[child]
        if cluster in drawn:
            shapes[cluster] = _branch(left, size, births[cluster], own, deaths[cluster])
    traces = [_area(colors[cluster], width=1) | shape for cluster, shape in shapes.items()]
    specs = []
    for i, frame in enumerate(frames):
        level = run.history.states[frame.state].parameters.level
        reached = top if frame.phase == "start" else 0 if level is None else min(level, top)
        specs.append(dict(name=str(i), data=_veil(reached, n, top, upward=True), traces=_last_two(traces)))
    middles = lefts + tree.sizes / 2
    rows = drawn_branches(tree)
    texts = [_branch_text(tree, row, by_radius) for row in rows]
    centers = (births + deaths) / 2
    markers = _hover(middles[rows], centers[rows], [[row, text] for row, text in zip(rows, texts, strict=True)])
    markers |= dict(hovertemplate="%{customdata[1]}<extra></extra>")
    axis = "radius" if by_radius else "density level (1 / distance)"
    layout = dict(
        height=HEIGHT if frames else SMALL_HEIGHT,
        margin=MARGIN,
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        xaxis=dict(range=[0, n], zeroline=False, showgrid=False, showticklabels=False, title=dict(text="points")),
        yaxis=dict(range=[0, top], zeroline=False, title=dict(text=axis)),
    )
    if not frames:
        return Figure([*traces, markers], layout)
    return Figure([*traces, *_veil_styles(specs[-1]["data"]), markers], layout | player_layout(name), specs)


def drawn_branches(tree: CondensedTree) -> list[int]:
    """Numbers of the branches that are drawn and can be chosen, in increasing order. The root, 0, is not a cluster."""
    return sorted(set(np.argsort(-tree.sizes, kind="stable")[:MAX_BRANCHES].tolist()) - {0})


def distance_curve(
    run: Run, cores: np.ndarray, radius: float, marks: dict[str, float], frames: list[Frame] = (), name: str = ""
) -> go.Figure:
    """The k-distance curve, whose knee suggests a radius: core distances from the largest to the smallest.

    Parameters
    ----------
    cores : (m,) core distances of evenly spaced points of the run
    radius : the current radius, which the axis contains; 0 for none
    marks : at most two distances that are marked on the curve, by name
    frames : with them, it is animated: dots on the curve have the colors of the points in clusters so far
    name : the layout's `meta` if it is animated
    """
    n, m, count = len(run.labels), len(cores), run.settings.option("min_points")
    points = np.arange(0, n, -(-n // m))  # those that the core distances belong to
    falling = np.argsort(-cores, kind="stable")
    distances, top = _finite(cores[falling], max([radius, *marks.values()]))
    positions = 1 + np.arange(m) * (n / m)
    rows = np.unique(np.linspace(0, m - 1, min(m, MAX_BARS)).astype(int))
    curve = dict(
        type="scatter",
        mode="lines",
        line=dict(color=palette.CURVE, width=3),
        x=positions[rows],
        y=distances[rows],
        hovertemplate="%{x:.0f} points have a core distance of at least %{y:.4g}<extra></extra>",
    )
    traces = [curve]
    specs = []
    if frames:
        rows = np.unique(np.linspace(0, m - 1, min(m, MAX_DOTS)).astype(int))
        shown = points[falling[rows]]
        specs = [
            dict(name=str(i), data=[dict(marker=dict(color=_colors_of(run, frame, shown)))], traces=[1])
            for i, frame in enumerate(frames)
        ]
        marker = dict(size=6, line=dict(width=0), color=_colors_of(run, frames[-1], shown))
        traces.append(
            dict(type="scatter", mode="markers", hoverinfo="skip", x=positions[rows], y=distances[rows], marker=marker)
        )
    near = len(marks) > 1 and np.ptp(list(marks.values())) < NEAR * top
    texts = [f"{text} {format_short(distance)}" for text, distance in marks.items()]
    if near:  # one text for both, so that they do not overlap
        texts = [", ".join(texts), ""]
    for text, distance, symbol in zip(texts, marks.values(), ("diamond", "circle"), strict=False):
        before = int(np.count_nonzero(distances >= distance))
        traces.append(
            dict(
                type="scatter",
                mode="markers+text",
                x=[positions[max(before, 1) - 1]],
                y=[distance],
                text=[text],
                textposition="top right",
                cliponaxis=False,
                hoverinfo="skip",
                marker=dict(symbol=symbol, size=12, color=palette.CHOSEN, line=dict(width=2, color="#ffffff")),
            )
        )
    layout = dict(
        height=HEIGHT if frames else SMALL_HEIGHT,
        margin=MARGIN,
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        xaxis=dict(range=[0, n + 1], zeroline=False, title=dict(text="points")),
        yaxis=dict(range=[0, top], zeroline=False, title=dict(text=f"core distance (m = {count})")),
    )
    return Figure(traces, layout | (player_layout(name) if frames else {}), specs)


def _color_of(run: Run, cluster: int) -> str:
    """Color of a cluster; the neutral color for -1."""
    return palette.NEUTRAL if cluster < 0 else palette.color_of(run.ranks[cluster])


def _colors_of(run: Run, frame: Frame, points: np.ndarray) -> list[str]:
    """Colors of these points in a frame of a run whose clusters keep their numbers."""
    if frame.assigned is None:
        return [palette.NEUTRAL] * len(points)
    colors = [_color_of(run, cluster) for cluster in range(-1, run.k)]
    return [colors[label + 1] for label in run.history.assignment(frame.assigned).labels[points].tolist()]


def _finite(values: np.ndarray, least: float = 0.0) -> tuple[np.ndarray, float]:
    """The values with infinite ones at the top of the axis, and the top, which is above `least`."""
    finite = values[np.isfinite(values)]
    top = 1.06 * float(finite.max(initial=least)) or 1.0
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


def _branch_colors(run: Run, tree: CondensedTree, branches: np.ndarray) -> list[str]:
    """Color of each branch: that of the cluster that is this branch or contains it, otherwise the neutral color."""
    clusters = {branch: cluster for cluster, branch in enumerate(branches.tolist())}
    colors: list[str] = []
    for branch, parent in enumerate(tree.parents.tolist()):
        above = colors[parent] if parent >= 0 else palette.NEUTRAL
        colors.append(_color_of(run, clusters[branch]) if branch in clusters else above)
    return colors


def _branch_text(tree: CondensedTree, branch: int, by_radius: bool) -> str:
    """Tooltip of a branch."""
    birth, death = tree.births[branch], tree.deaths[branch]
    text = f"branch {branch}: {pluralize(int(tree.sizes[branch]), 'point')}, "
    if by_radius:
        return f"{text}radius {format_short(1 / death)} to {format_short(1 / birth)}"
    stability = format_short(tree.stabilities[branch])
    return f"{text}density level {format_short(birth)} to {format_short(death)}, stability {stability}"


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

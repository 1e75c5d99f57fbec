"""Plotly figures of a tree: the dendrogram, the heat map of the dissimilarities in leaf order, and the merge heights."""

import numpy as np
import plotly.graph_objects as go

from pages.datasets.formatting import escape_html, escape_title, format_number, pluralize, truncate
from pages.figures import palette
from pages.figures.plots import EMPTY_LINE, LIGHT, TIGHT, Figure, highlight_traces, player_layout
from pages.figures.summaries import block_means
from pages.hierarchy.picture import HEIGHT, TreeColors
from pages.methods.trees import DataTree, linkage_name
from pages.runs import curves
from pages.runs.run import Run

SIDE_MARGINS = dict(l=64, r=88, autoexpand=False)
"""shared by the dendrogram and the heat map below it, so that their leaves align"""
RESOLUTION = 300
"""clusters with fewer than n / RESOLUTION points get no bracket, except for the merges that have frames of their own"""
MAX_LABELED = 100
"""maximum number of leaves that are labeled with their names"""
MAX_HOVERED = 400
"""maximum number of merges with a tooltip; in larger trees only the last merges have one"""
DENSE_HEIGHTS = 120
"""number of last merges that are all in the height curve; earlier merges are thinned out"""


def dendrogram(run: Run, merges_at_frames: list[int], shown: int, name: str, height: int = HEIGHT) -> go.Figure:
    """Animated dendrogram with a frame for each of the numbers of merges `merges_at_frames`; frame `shown` is shown initially.

    The distance between leaves is 1. The merges that have no frame of their own are drawn as separate traces, which later
    frames do not change. `name` becomes the layout's `meta`.
    """
    data_tree = run.model_input
    brackets = _Brackets(data_tree, TreeColors(run))
    colors, n = brackets.colors, data_tree.n_merges + 1
    lower = data_tree.first_with_own_frame
    n_colors = len(colors.codes)
    base = next((i for i, merges in enumerate(merges_at_frames) if merges >= lower), 0)
    frames = []
    for i, merges in enumerate(merges_at_frames):
        last = brackets.last(merges)
        upper = [brackets.lines(rows) for rows in brackets.by_color(lower, merges)]
        spec = dict(name=str(i), data=[*upper, last, last], traces=list(range(1 + n_colors, 3 + 2 * n_colors)))
        if i > base:
            spec["baseframe"] = str(base)
        else:
            spec["data"] = [brackets.lines(rows) for rows in brackets.by_color(0, min(merges, lower))] + spec["data"]
            spec["traces"] = list(range(1, 3 + 2 * n_colors))
        frames.append(spec)
    line = dict(type="scatter", mode="lines", hoverinfo="skip")
    whole = (
        line | brackets.lines(np.flatnonzero(brackets.drawn)) | dict(line=dict(color=palette.NEUTRAL, width=1), opacity=0.55)
    )
    merges = merges_at_frames[shown]
    shown_rows = brackets.by_color(0, min(merges, lower)) + brackets.by_color(lower, merges)
    width = 1.3 if n > 150 else 2
    colored = [
        line | dict(line=dict(color=color, width=width)) | brackets.lines(rows)
        for color, rows in zip(2 * colors.colors, shown_rows, strict=True)
    ]
    last = [trace | brackets.last(merges) for trace in highlight_traces("lines", 0)]
    top = 1.06 * (float(data_tree.tree.heights.max()) or 1.0)
    layout = dict(
        height=height,
        margin=dict(SIDE_MARGINS, t=10, b=24),
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        shapes=_color_strip(run),
        xaxis=_leaf_axis(n) | dict(showticklabels=False, ticks=""),
        yaxis=dict(range=[0, top], zeroline=False, title=dict(text="height"), automargin=False),
    )
    traces = [whole, *colored, *last, brackets.inversion_rings(), brackets.hover_markers()]
    return Figure(traces, layout | player_layout(name), frames)


def _leaf_axis(n: int) -> dict:
    """Axis of the n leaves, the same in the dendrogram and the heat map."""
    return dict(range=[0, n], zeroline=False, showgrid=False, automargin=False, fixedrange=True)


def _spans(run: Run) -> list[tuple[int, int, str]]:
    """First leaf, last leaf + 1 and color of each cluster."""
    labels = run.history.last.labels[run.model_input.tree.order]
    ends = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(labels)]
    return [(begin, end, palette.color_of(run.ranks[labels[begin]])) for begin, end in zip(ends, ends[1:], strict=False)]


def _color_strip(run: Run) -> list[dict]:
    """Rectangles below the leaves in the colors of the clusters."""
    below = dict(type="rect", yref="paper", y0=0, y1=-16, ysizemode="pixel", yanchor=0, line=dict(width=0))
    return [below | dict(x0=begin, x1=end, fillcolor=color) for begin, end, color in _spans(run)]


def heat_map(run: Run, height: int = 340) -> go.Figure:
    """Dissimilarities in leaf order, aligned with the dendrogram above, with a box around each cluster.

    Each cell is the mean over a block of pairs if there are too many points.
    """
    data_tree = run.model_input
    n = data_tree.n_merges + 1
    matrix, edges = block_means(data_tree.dissimilarities(), data_tree.tree.order)
    names = run.data.names_of(data_tree.tree.order[edges[:-1]])
    titles = list(map(escape_title, names))
    few = len(names) <= MAX_LABELED
    heat = dict(
        type="heatmap",
        z=matrix,
        x=edges.tolist(),
        y=edges.tolist(),
        colorscale=palette.SEQUENTIAL,
        text=[[f"{a} – {b}" for b in titles] for a in titles] if few else None,
        hovertemplate=("%{text}: " if few else "") + "%{z:.4g}<extra></extra>",
        colorbar=dict(
            thickness=10, x=1.02, xpad=0, title=dict(text=escape_title(run.data.matrix_name or "dissimilarity"), side="right")
        ),
    )
    boxes = [  # with a light border, because a dark box is invisible on dark cells
        dict(type="rect", x0=begin, x1=end, y0=begin, y1=end, line=dict(width=width, color=line_color or LIGHT))
        for begin, end, color in _spans(run)
        for width, line_color in ((5, None), (2.5, color))
    ]
    labeled = run.data.names is not None and few
    ticks = dict(showticklabels=False, ticks="")
    if labeled:
        ticks = dict(
            tickvals=(np.arange(n) + 0.5).tolist(),
            ticktext=[escape_html(truncate(name)) for name in names],
            tickangle=-90,
            tickfont=dict(size=9 if n > 50 else 11),
        )
    layout = dict(
        height=height + 60 * labeled,
        margin=dict(SIDE_MARGINS, t=4, b=10 + 60 * labeled),
        dragmode=False,
        shapes=boxes,
        xaxis=_leaf_axis(n) | ticks,
        yaxis=dict(range=[n, 0], zeroline=False, showgrid=False, automargin=False, showticklabels=False, ticks=""),
    )
    return Figure([heat], layout)


class _Brackets:
    """The bracket of each merge: up from one child, across, and down to the other."""

    def __init__(self, data_tree: DataTree, colors: TreeColors):
        self.data_tree, self.colors = data_tree, colors
        tree = data_tree.tree
        n = data_tree.n_merges + 1
        x = tree.offsets + 0.5
        for i, (a, b) in enumerate(tree.merges.tolist()):
            x[n + i] = (x[a] + x[b]) / 2
        # the bracket of a few points among thousands would be too narrow to see
        rows = np.arange(n - 1)
        self.drawn = (tree.sizes >= n / RESOLUTION) | (rows >= data_tree.first_with_own_frame)
        node_heights = np.append(np.zeros(n), np.where(self.drawn, tree.heights, 0))
        left, right = np.where(x[tree.merges[:, :1]] < x[tree.merges[:, 1:]], tree.merges, tree.merges[:, ::-1]).T
        gap = np.full(n - 1, np.nan)
        self.x = np.stack([x[left], x[left], x[right], x[right], gap], axis=1).round(2)
        digits = 4 - int(np.floor(np.log10(tree.heights.max() or 1.0)))
        self.y = np.stack([node_heights[left], tree.heights, tree.heights, node_heights[right], gap], axis=1).round(digits)
        self.bracket_tops = x[n:], tree.heights

    def by_color(self, first: int, last: int) -> list[np.ndarray]:
        """Drawn merges among first..last-1, as an array for each color."""
        rows = np.arange(first, max(first, last))
        rows = rows[self.drawn[rows]]
        return [rows[self.colors.merge_codes[rows] == code] for code in self.colors.codes]

    def lines(self, rows: np.ndarray) -> dict:
        """Coordinates of the brackets of these merges."""
        if not rows.size:
            return EMPTY_LINE
        x, y = self.x[rows].ravel()[:-1], self.y[rows].ravel()[:-1]
        return dict(
            x=[None if value != value else value for value in x.tolist()], y=[None if v != v else v for v in y.tolist()]
        )

    def last(self, merges: int) -> dict:
        """Coordinates of the bracket of merge number `merges`, counted from 1; empty for 0."""
        return self.lines(np.arange(merges - 1, merges)) if merges else EMPTY_LINE

    def inversion_rings(self) -> dict:
        """Trace with a ring at each inversion."""
        rows = self.data_tree.tree.inversions
        ring = dict(symbol="circle-open", size=11, color=palette.CHOSEN, line=dict(width=2))
        return dict(
            type="scatter",
            mode="markers",
            x=self.bracket_tops[0][rows],
            y=self.bracket_tops[1][rows],
            hoverinfo="skip",
            marker=ring,
        )

    def hover_markers(self) -> dict:
        """Trace of invisible markers whose tooltips describe the merges."""
        rows = np.arange(self.data_tree.n_merges)[-MAX_HOVERED:]
        return dict(
            type="scatter",
            mode="markers",
            x=self.bracket_tops[0][rows],
            y=self.bracket_tops[1][rows],
            marker=dict(opacity=0, size=10),
            customdata=[escape_html(self.data_tree.merge_sentence(row)) for row in rows.tolist()],
            hovertemplate="%{customdata}<extra></extra>",
        )


def height_curve(run: Run, merges_at_frames: list[int], shown: int, name: str, height: int = 340) -> go.Figure:
    """Animated curve of the merge heights against the number of clusters, from many to one.

    It has a frame for each of the numbers of merges `merges_at_frames`; frame `shown` is shown initially. `name` becomes the
    layout's `meta`.
    """
    data_tree = run.model_input
    clusters = np.arange(data_tree.n_merges, 0, -1)
    sparse = np.geomspace(1, data_tree.n_merges, 300).astype(int)
    clusters = np.unique(np.concatenate([sparse, clusters[-DENSE_HEIGHTS:]]))[::-1]
    rows = data_tree.n_merges - clusters
    y = data_tree.tree.heights[rows]
    whole = dict(
        x=clusters,
        y=y,
        text=[pluralize(k, "cluster") for k in clusters.tolist()],
        hovertemplate="%{text}<br>height %{y:.6g}<extra></extra>",
    )
    frames = []
    for i, merges in enumerate(merges_at_frames):
        line, marker = EMPTY_LINE, EMPTY_LINE
        if merges:
            applied = rows < merges
            line = dict(x=clusters[applied], y=y[applied])
            marker = dict(x=[data_tree.n_merges + 1 - merges], y=[data_tree.height(merges)])
        frames.append(dict(name=str(i), data=[line, marker], traces=[1, 2]))
    k = run.settings.k
    span = np.ptp(data_tree.tree.heights) or 1.0
    ticks = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000)
    ticks = [tick for tick in ticks if tick <= data_tree.n_merges]
    layout = dict(
        height=height,
        margin=TIGHT,
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        xaxis=dict(
            type="log",
            range=[np.log10(data_tree.n_merges + 1) + 0.05, -0.06],
            tickvals=ticks,
            ticktext=[f"{tick:,}" for tick in ticks],
            tickangle=0,
            title=dict(text="number of clusters"),
            zeroline=False,
        ),
        yaxis=dict(
            range=[data_tree.tree.heights.min() - 0.06 * span, data_tree.tree.heights.max() + 0.08 * span],
            zeroline=False,
            title=dict(text="height"),
        ),
        shapes=[
            dict(type="line", x0=k, x1=k, y0=0, y1=1, yref="paper", line=dict(width=1.5, dash="dot", color=palette.NEUTRAL))
        ],
        annotations=[
            dict(text="cut", x=float(np.log10(k)), y=1, yref="paper", xanchor="right", yanchor="top", showarrow=False)
        ],
    )
    return Figure(curves.animated_traces(whole, frames[shown]["data"]), layout | player_layout(name), frames)


def alt_text(run: Run) -> str:
    """Description of the dendrogram for screen readers."""
    data_tree = run.model_input
    sizes = ", ".join(f"{size:,}" for size in np.sort(run.history.sizes[-1])[::-1][:10].tolist())
    return (
        f"Dendrogram of {pluralize(data_tree.n_merges + 1, 'point')} by {linkage_name(data_tree.linkage)}, up to height "
        f"{format_number(data_tree.height(data_tree.n_merges))}; "
        f"cut into {pluralize(run.settings.k, 'cluster')} of {sizes} points."
    )

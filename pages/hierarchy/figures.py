"""The figures of a tree beside its picture: the tree itself, its proximities in the order of its leaves, and the heights of
its merges. Arrays in, figures out; no Streamlit."""

import numpy as np
import plotly.graph_objects as go

from pages.datasets.formatting import counted, number, safe, shortened
from pages.figures import palette
from pages.figures.plots import LIGHT, NOWHERE, TIGHT, driven, emphasized, figure
from pages.figures.summaries import block_means
from pages.hierarchy.picture import HEIGHT, TreeColors
from pages.methods.trees import Growth
from pages.runs import curves
from pages.runs.run import Run

SIDES = dict(l=64, r=76, autoexpand=False)
"""margins of the tree and of its proximities, which stand under each other"""
FINEST = 300
"""a group of less than this part of all points has no link of its own, unless it is shown alone"""
NAMED = 100
"""how many leaves have their names"""
ANSWERING = 400
"""how many merges answer to the pointer, the last"""
DRAWN = 120
"""how many of the last heights are all in their curve; of those before them some"""


def tree(run: Run, states: list[int], shown: int, name: str, height: int = HEIGHT) -> go.Figure:
    """A dendrogram with a frame for each of `states`, numbers of merges made, first `states[shown]`. Leaves are one apart.

    The lower merges, those that are not shown one by one, have lines of their own, which later frames leave as they are.
    """
    growth = run.model_input
    links = _Links(growth, TreeColors(run))
    colors, n = links.colors, growth.merges + 1
    lower = growth.first_alone
    many = len(colors.codes)
    base = next((i for i, merges in enumerate(states) if merges >= lower), 0)
    frames = []
    for i, merges in enumerate(states):
        last = links.last_of(merges)
        upper = [links.of(rows) for rows in links.by_color(lower, merges)]
        spec = dict(name=str(i), data=[*upper, last, last], traces=list(range(1 + many, 3 + 2 * many)))
        if i > base:
            spec["baseframe"] = str(base)
        else:
            spec["data"] = [links.of(rows) for rows in links.by_color(0, min(merges, lower))] + spec["data"]
            spec["traces"] = list(range(1, 3 + 2 * many))
        frames.append(spec)
    line = dict(type="scatter", mode="lines", hoverinfo="skip")
    whole = line | links.of(np.flatnonzero(links.drawn)) | dict(line=dict(color=palette.NEUTRAL, width=1), opacity=0.55)
    merges = states[shown]
    ends = [links.of(rows) for rows in links.by_color(0, min(merges, lower)) + links.by_color(lower, merges)]
    thick = 1.3 if n > 150 else 2
    grown = [
        line | dict(line=dict(color=color, width=thick)) | end for color, end in zip(2 * colors.colors, ends, strict=True)
    ]
    last = [trace | links.last_of(merges) for trace in emphasized("lines", 0)]
    top = 1.06 * (float(growth.tree.heights.max()) or 1.0)
    layout = dict(
        height=height,
        margin=dict(SIDES, t=10, b=24),
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        shapes=_strip(run),
        xaxis=_leaves(n) | dict(showticklabels=False, ticks=""),
        yaxis=dict(range=[0, top], zeroline=False, title=dict(text="height"), automargin=False),
    )
    return figure([whole, *grown, *last, links.inverted(), links.answering()], layout | driven(name), frames)


def _leaves(n: int) -> dict:
    """The axis of the leaves, which the tree and its proximities share."""
    return dict(range=[0, n], zeroline=False, showgrid=False, automargin=False, fixedrange=True)


def _spans(run: Run) -> list[tuple[int, int, str]]:
    """Where each group begins among the leaves, where it ends, and its color."""
    labels = run.history.last.labels[run.model_input.tree.order]
    ends = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(labels)]
    return [(begin, end, palette.color_of(run.ranks[labels[begin]])) for begin, end in zip(ends, ends[1:], strict=False)]


def _strip(run: Run) -> list[dict]:
    """The colors of the groups below the leaves."""
    below = dict(type="rect", yref="paper", y0=0, y1=-16, ysizemode="pixel", yanchor=0, line=dict(width=0))
    return [below | dict(x0=begin, x1=end, fillcolor=color) for begin, end, color in _spans(run)]


def proximities(run: Run, height: int = 340) -> go.Figure:
    """The dissimilarities in the order of the leaves, to stand under the tree; with a frame around each group."""
    growth = run.model_input
    n = growth.merges + 1
    matrix, edges = block_means(growth.dissimilarities(), growth.tree.order)
    called = run.data.names_of(growth.tree.order[edges[:-1]])
    few = len(called) <= NAMED
    heat = dict(
        type="heatmap",
        z=matrix,
        x=edges.tolist(),
        y=edges.tolist(),
        colorscale=palette.SEQUENTIAL,
        text=[[safe(f"{a} – {b}") for b in called] for a in called] if few else None,
        hovertemplate=("%{text}: " if few else "") + "%{z:.4g}<extra></extra>",
        colorbar=dict(
            thickness=10, x=1.02, xpad=0, title=dict(text=safe(run.data.given_name or "dissimilarity"), side="right")
        ),
    )
    frames = [  # with a rim, because a blue one on blue would not be seen
        dict(type="rect", x0=begin, x1=end, y0=begin, y1=end, line=dict(width=width, color=of or LIGHT))
        for begin, end, color in _spans(run)
        for width, of in ((5, None), (2.5, color))
    ]
    named = run.data.names is not None and few
    names = dict(showticklabels=False, ticks="")
    if named:
        words = [safe(shortened(name)) for name in called]
        names = dict(
            tickvals=(np.arange(n) + 0.5).tolist(), ticktext=words, tickangle=-90, tickfont=dict(size=9 if n > 50 else 11)
        )
    layout = dict(
        height=height + 60 * named,
        margin=dict(SIDES, t=4, b=10 + 60 * named),
        dragmode=False,
        shapes=frames,
        xaxis=_leaves(n) | names,
        yaxis=dict(range=[n, 0], zeroline=False, showgrid=False, automargin=False, showticklabels=False, ticks=""),
    )
    return go.Figure(dict(data=[heat], layout=layout))


class _Links:
    """The lines of each merge: from the top of one part up, across, and down to the top of the other."""

    def __init__(self, growth: Growth, colors: TreeColors):
        self.growth, self.colors = growth, colors
        tree = growth.tree
        n = growth.merges + 1
        x = tree.begins + 0.5
        for i, (a, b) in enumerate(tree.merges.tolist()):
            x[n + i] = (x[a] + x[b]) / 2
        # of a few points among thousands nothing could be seen but a line to the ground
        rows = np.arange(n - 1)
        self.drawn = (tree.sizes >= n / FINEST) | (rows >= growth.first_alone)
        tops = np.append(np.zeros(n), np.where(self.drawn, tree.heights, 0))
        left, right = np.where(x[tree.merges[:, :1]] < x[tree.merges[:, 1:]], tree.merges, tree.merges[:, ::-1]).T
        gap = np.full(n - 1, np.nan)
        self.x = np.stack([x[left], x[left], x[right], x[right], gap], axis=1).round(2)
        digits = 4 - int(np.floor(np.log10(tree.heights.max() or 1.0)))
        self.y = np.stack([tops[left], tree.heights, tree.heights, tops[right], gap], axis=1).round(digits)
        self.tops = x[n:], tree.heights

    def by_color(self, first: int, last: int) -> list[np.ndarray]:
        """The merges first..last-1 of each color."""
        rows = np.arange(first, max(first, last))
        rows = rows[self.drawn[rows]]
        return [rows[self.colors.merges[rows] == code] for code in self.colors.codes]

    def of(self, rows: np.ndarray) -> dict:
        """The links of these merges."""
        if not rows.size:
            return NOWHERE
        x, y = self.x[rows].ravel()[:-1], self.y[rows].ravel()[:-1]
        return dict(
            x=[None if value != value else value for value in x.tolist()], y=[None if v != v else v for v in y.tolist()]
        )

    def last_of(self, merges: int) -> dict:
        """The links of merge number `merges`, counted from 1; nothing for 0."""
        return self.of(np.arange(merges - 1, merges)) if merges else NOWHERE

    def inverted(self) -> dict:
        """A ring at each merge that is an inversion."""
        rows = self.growth.tree.inversions
        ring = dict(symbol="circle-open", size=11, color=palette.FILLED, line=dict(width=2))
        return dict(type="scatter", mode="markers", x=self.tops[0][rows], y=self.tops[1][rows], hoverinfo="skip", marker=ring)

    def answering(self) -> dict:
        """Invisible markers that say what each merge does."""
        rows = np.arange(self.growth.merges)[-ANSWERING:]
        return dict(
            type="scatter",
            mode="markers",
            x=self.tops[0][rows],
            y=self.tops[1][rows],
            marker=dict(opacity=0, size=10),
            customdata=[safe(self.growth.told(row)) for row in rows.tolist()],
            hovertemplate="%{customdata}<extra></extra>",
        )


def heights(run: Run, states: list[int], shown: int, name: str, height: int = 340) -> go.Figure:
    """The height of each merge over the number of groups that it leaves, from many to one: a frame for each of `states`, first
    `states[shown]`."""
    growth = run.model_input
    left = np.arange(growth.merges, 0, -1)
    every = np.unique(np.concatenate([np.geomspace(1, growth.merges, 300).astype(int), left[-DRAWN:]]))[::-1]
    rows = growth.merges - every
    y = growth.tree.heights[rows]
    whole = dict(
        x=every,
        y=y,
        text=[f"{counted(k, 'group')} left" for k in every.tolist()],
        hovertemplate="%{text}<br>height %{y:.6g}<extra></extra>",
    )
    frames = []
    for i, merges in enumerate(states):
        here = [NOWHERE, NOWHERE]
        if merges:
            made = rows < merges
            here = [dict(x=every[made], y=y[made]), dict(x=[growth.merges + 1 - merges], y=[growth.height(merges)])]
        frames.append(dict(name=str(i), data=here, traces=[1, 2]))
    k = run.settings.k
    span = np.ptp(growth.tree.heights) or 1.0
    ticks = [left for left in (1, 2, 3, 4, 5, 7, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000) if left <= growth.merges]
    layout = dict(
        height=height,
        margin=TIGHT,
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        xaxis=dict(
            type="log",
            range=[np.log10(growth.merges + 1) + 0.05, -0.06],
            tickvals=ticks,
            ticktext=[f"{tick:,}" for tick in ticks],
            title=dict(text="groups left"),
            zeroline=False,
        ),
        yaxis=dict(
            range=[growth.tree.heights.min() - 0.06 * span, growth.tree.heights.max() + 0.08 * span],
            zeroline=False,
            title=dict(text="height"),
        ),
        shapes=[
            dict(type="line", x0=k, x1=k, y0=0, y1=1, yref="paper", line=dict(width=1.5, dash="dot", color=palette.NEUTRAL))
        ],
        annotations=[
            dict(text="the cut", x=float(np.log10(k)), y=1, yref="paper", xanchor="right", yanchor="top", showarrow=False)
        ],
    )
    return figure(curves.moving(whole, frames[shown]["data"]), layout | driven(name), frames)


def described(run: Run) -> str:
    """A sentence about the tree for people who cannot see it."""
    growth = run.model_input
    sizes = ", ".join(f"{size:,}" for size in np.sort(run.history.sizes[-1])[::-1][:10].tolist())
    return (
        f"Dendrogram of {counted(growth.merges + 1, 'point')} by {growth.linkage} linkage, up to height "
        f"{number(growth.height(growth.merges))}; cut into {counted(run.settings.k, 'group')} of {sizes} points."
    )

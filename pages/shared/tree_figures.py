"""The figures of a tree that move: its groups in the plane, the tree itself over its proximities, and the heights of its
merges. Arrays in, figures out; no Streamlit."""

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from scipy.spatial import ConvexHull, QhullError

from pages.shared import curves, paint, palette
from pages.shared.figures import REMOTE, dots, figure, hovered, layout_of, marker_size, padded, rings, written
from pages.shared.planes import Plane
from pages.shared.runs import Run
from pages.shared.storyboard import Frame
from pages.shared.summaries import block_means
from pages.shared.trees import Growth
from pages.shared.wording import counted, number, safe, shortened

HEIGHT = 430
SIDES = dict(l=64, r=76, autoexpand=False)
"""margins of the tree and of its proximities, which stand under each other"""
MOST_MOVING = 1_000
"""markers; above it the points are painted, because here much else moves"""
FINEST = 300
"""a group of less than this part of all points has no link of its own, unless it is shown alone"""
OUTLINED = 60
"""how many groups have an outline, the largest"""
NAMED = 100
"""how many leaves have their names"""
ANSWERING = 400
"""how many merges answer to the pointer, the last"""
DRAWN = 120
"""how many of the last heights are all in their curve; of those before them some"""
NOWHERE = dict(x=[None], y=[None])
LIGHT, DARK = "#ffffff", "#26262c"
"""what is now is a dark line with a light rim: seen on any ground and any colour"""


@dataclass(frozen=True)
class View:
    """What a frame shows."""

    merges: int
    """how many are made"""
    line: int | None = None
    """the merge of which the line is drawn that joins its two parts"""


def views_of(growth: Growth) -> list[View]:
    """One after each of the states of the tree, with the line of the last merge."""
    return [View(made, made - 1 if made > growth.first_alone else None) for made in growth.states]


def views_of_run(run: Run, frames: list[Frame]) -> list[View]:
    """Those of the frames of a run that is the cut of a tree: what will merge, then that it has."""
    growth = run.growth
    first = growth.merges + 1 - run.settings.k - run.history.iterations
    views = []
    for frame in frames:
        if frame.kind == "start":
            views.append(View(0))
        else:
            made = first + frame.assignment
            views.append(View(made, made if frame.kind == "M" else None))
    return views


class _Colours:
    """Which colour each point and each merge has: a number in `codes`, 0 for none."""

    def __init__(self, run: Run):
        growth, labels = run.growth, run.history.last.labels
        n = growth.merges + 1
        self.under_the_cut = n - run.settings.k
        self.joined_by = growth.joined_by
        self._points = (1 + run.ranks % len(palette.COLORS))[labels].astype(np.uint8)
        self._symbols = palette.SYMBOL_NUMBERS[run.ranks % len(palette.SYMBOLS)][labels]
        first = growth.tree.order[growth.tree.begins[n:]]
        self.merges = np.where(np.arange(growth.merges) < self.under_the_cut, self._points[first], 0)
        self.colors = [palette.NEUTRAL, *palette.COLORS[: int(self._points.max())]]

    @property
    def codes(self) -> range:
        """In the order in which they are drawn."""
        return range(len(self.colors))

    def belongs(self, made: int) -> np.ndarray:
        """(n,) which points have a colour after so many merges: those that have joined others, and at the cut all."""
        return self.joined_by < made if made < self.under_the_cut else np.ones(len(self.joined_by), dtype=bool)

    def points(self, made: int) -> np.ndarray:
        """(n,) the colours of the points after so many merges."""
        return np.where(self.belongs(made), self._points, 0).astype(np.uint8)

    def markers(self, made: int, rows: np.ndarray) -> dict:
        """Colours and symbols of these points after so many merges."""
        symbols = np.where(self.belongs(made), self._symbols, 0).astype(np.uint8)
        return dict(marker=dict(color=self.points(made)[rows], symbol=symbols[rows]))

    def scale(self) -> dict:
        """By what the numbers are turned into colours."""
        last = len(self.colors) - 1
        return dict(cmin=0, cmax=last, colorscale=[[code / last, color] for code, color in enumerate(self.colors)])


def picture(
    run: Run,
    views: list[View],
    at: int,
    plane: Plane,
    name: str,
    watch=lambda share: None,
    *,
    height: int = HEIGHT,
    markers: int = MOST_MOVING,
    extent: tuple[float, float, float, float] | None = None,
) -> go.Figure:
    """The points of a run that is the cut of a tree, in the colours of their groups as soon as they have joined another, with
    outlines of the groups that there are, or, by single linkage, the chains that hold them together.

    First shown is view `at`; other parameters as in `moving.picture`. Where points are painted, those that join one by one
    are markers all the same.
    """
    xy = plane.places(run.data.points)
    extent = extent or padded(xy, 1.2 if run.data.to_scale else None)
    return _Picture(run, views, plane, xy, extent, len(xy) > markers).figure(at, name, height, watch)


class _Picture:
    def __init__(self, run: Run, views: list[View], plane: Plane, xy: np.ndarray, extent, painted: bool):
        self.run, self.growth, self.data = run, run.growth, run.data
        self.views, self.plane, self.xy, self.extent, self.painted = views, plane, xy, extent, painted
        self.colours = _Colours(run)
        left, right, bottom, top = extent
        self.digits = 4 - int(np.floor(np.log10(min(right - left, top - bottom))))
        chained = self.growth.merging.linkage == "single"
        self.shapes = (_Chains if chained else _Outlines)(self.growth, xy, self.digits)
        told = np.array([view.line for view in views if view.line is not None], dtype=int)
        self.lines = dict(zip(told.tolist(), self.growth.ends(told, xy).round(self.digits), strict=True))
        self.marked = np.arange(len(xy))
        if painted:
            early = self.growth.joined_by < self.growth.first_alone
            self.marked = np.flatnonzero(~early)
            self.early = np.flatnonzero(early)
            high = round(paint.WIDTH * (top - bottom) / (right - left)) if self.data.to_scale else paint.HEIGHT
            self.canvas = paint.Canvas(*xy[early].T, extent, high) if early.any() else None

    def image(self, made: int) -> list[dict]:
        """The painted points after so many merges."""
        if not self.painted or self.canvas is None:
            return []
        source = self.canvas.paint(palette.rgb(self.colours.colors), labels=self.colours.points(made)[self.early])
        return [dict(source=source)]

    def line(self, view: View) -> dict:
        if view.line is None:
            return NOWHERE
        x, y = self.lines[view.line].T
        return dict(x=x.tolist(), y=y.tolist())

    def figure(self, at: int, name: str, height: int, watch) -> go.Figure:
        colours, many = self.colours, len(self.colours.codes)
        beside = [*rings(self.data, self.xy)]
        if self.painted:
            beside.append(dots(self.data, self.plane, self.xy, hovered(len(self.xy))) | dict(marker=dict(opacity=0, size=8)))
        lower = list(range(1 + len(beside), 1 + len(beside) + many))
        upper = [trace + many for trace in lower]
        joins = [upper[-1] + 1, upper[-1] + 2]
        base = next((i for i, view in enumerate(self.views) if view.merges >= self.growth.first_alone), len(self.views) - 1)
        frames = []
        painted = base  # the last frame that says how the points are
        for i, view in enumerate(self.views):
            watch(i / len(self.views))
            spec = dict(name=str(i), data=2 * [self.line(view)], traces=joins)
            before = self.views[i - 1] if i else None
            if before is not None and before.merges == view.merges:
                spec["baseframe"] = str(i - 1)
            else:
                spec["data"] = self.shapes.upper(view.merges, colours) + spec["data"]
                spec["traces"] = upper + spec["traces"]
                if i > base and np.array_equal(colours.belongs(view.merges), colours.belongs(before.merges)):
                    spec["baseframe"] = str(painted)
                else:
                    spec["data"].insert(0, colours.markers(view.merges, self.marked))
                    spec["traces"] = [0, *spec["traces"]]
                    painted = max(i, base)
                    if i > base:
                        spec["baseframe"] = str(base)
                    else:
                        spec["data"] += self.shapes.lower(view.merges, colours)
                        spec["traces"] = spec["traces"] + lower
                        if self.painted:
                            spec["layout"] = dict(images=self.image(view.merges))
            frames.append(spec)
        view = self.views[at]
        marker = dict(size=marker_size(len(self.xy)), opacity=0.85, line=dict(width=0)) | colours.scale()
        points = dots(self.data, self.plane, self.xy, self.marked)
        points["marker"] = marker | colours.markers(view.merges, self.marked)["marker"]
        if height >= HEIGHT and not self.painted:
            points |= written(self.data, self.marked)
        shapes = [
            dict(type="scatter", mode="lines", hoverinfo="skip", line=dict(color=color, width=1.6))
            | (dict(fill="toself", fillcolor=_faint(color)) if code and self.shapes.filled else {})
            | shape
            for level in (self.shapes.lower, self.shapes.upper)
            for code, (color, shape) in enumerate(zip(colours.colors, level(view.merges, colours), strict=True))
        ]
        left, right, bottom, top = self.extent
        place = dict(
            xref="x", yref="y", x=left, y=top, sizex=right - left, sizey=top - bottom, sizing="stretch", layer="below"
        )
        layout = layout_of(self.data, self.plane, self.extent, name, height, self.painted)
        layout["images"] = [place | image for image in self.image(min(view.merges, self.views[base].merges))]
        now = [trace | self.line(view) for trace in _now("lines+markers", 7)]
        return figure([points, *beside, *shapes, *now], layout, frames)


def _faint(color: str) -> str:
    red, green, blue = palette.rgb([color])[0].astype(int)
    return f"rgba({red},{green},{blue},0.1)"


def _now(mode: str, size: int) -> list[dict]:
    """Two traces, the rim and the line of what is now."""
    trace = dict(type="scatter", mode=mode, hoverinfo="skip")
    return [
        trace | dict(line=dict(color=color, width=width), marker=dict(color=color, size=size + width))
        for color, width in ((LIGHT, 6), (DARK, 2.5))
    ]


class _Outlines:
    """The convex hulls of the groups that there are, each made once."""

    filled = True

    def __init__(self, growth: Growth, xy: np.ndarray, digits: int):
        self.growth, self.xy, self.digits = growth, xy, digits
        self.made: dict[int, np.ndarray] = {}

    def lower(self, merges: int, colours: _Colours) -> list[dict]:
        """Nothing: every merge takes two outlines away."""
        return [NOWHERE for _ in colours.codes]

    def upper(self, merges: int, colours: _Colours) -> list[dict]:
        """For each colour one broken line around all of its groups."""
        alive = self.growth.alive(merges)
        sizes = self.growth.tree.sizes[alive]
        alive = alive[np.argsort(-sizes, kind="stable")[:OUTLINED]]
        lines = [[] for _ in colours.codes]
        for merge in alive.tolist():
            if merge not in self.made:
                self.made[merge] = hull(self.xy[self.growth.tree.members(merge)]).round(self.digits)
            lines[colours.merges[merge]].append(self.made[merge])
        return [_broken(parts) for parts in lines]


class _Chains:
    """The lines of all merges that are made. By single linkage they are the minimum spanning tree."""

    filled = False

    def __init__(self, growth: Growth, xy: np.ndarray, digits: int):
        self.growth = growth
        self.ends = growth.ends(np.arange(growth.merges), xy).round(digits)

    def lower(self, merges: int, colours: _Colours) -> list[dict]:
        """For each colour one broken line of the merges that are not shown one by one."""
        return self._between(0, min(merges, self.growth.first_alone), colours)

    def upper(self, merges: int, colours: _Colours) -> list[dict]:
        """Those that are."""
        return self._between(self.growth.first_alone, merges, colours)

    def _between(self, first: int, last: int, colours: _Colours) -> list[dict]:
        rows = np.arange(first, max(first, last))
        return [_broken(self.ends[rows[colours.merges[rows] == code]]) for code in colours.codes]


def _broken(parts) -> dict:
    """A line that is broken between these parts, each (m, 2)."""
    if not len(parts):
        return NOWHERE
    x, y = [], []
    for part in parts:
        x += [*part[:, 0].tolist(), None]
        y += [*part[:, 1].tolist(), None]
    return dict(x=x[:-1], y=y[:-1])


def hull(xy: np.ndarray) -> np.ndarray:
    """(h, 2) the corners of the convex hull of points (n, 2) in turn, the first again at the end; of points on a line its two
    ends."""
    try:
        if len(xy) < 3:
            raise QhullError
        corners = xy[ConvexHull(xy).vertices]
    except QhullError:  # on a line
        along = np.lexsort((xy[:, 1], xy[:, 0]))
        corners = xy[along[[0, -1]]]
    return np.concatenate([corners, corners[:1]])


def tree(run: Run, views: list[View], at: int, name: str, height: int = HEIGHT) -> go.Figure:
    """The tree up to the merges of each view, first of view `at`. Its leaves are one apart.

    The lower merges, those that are not shown one by one, have lines of their own, which later frames leave as they are.
    """
    growth = run.growth
    links = _Links(growth, _Colours(run))
    colours, n = links.colours, growth.merges + 1
    lower = growth.first_alone
    many = len(colours.codes)
    base = next((i for i, view in enumerate(views) if view.merges >= lower), 0)
    frames = []
    for i, view in enumerate(views):
        now = NOWHERE if view.merges == 0 else links.of(np.array([view.merges - 1]))
        upper = [links.of(rows) for rows in links.by_colour(lower, view.merges)]
        spec = dict(name=str(i), data=[*upper, now, now], traces=list(range(1 + many, 3 + 2 * many)))
        if i > base:
            spec["baseframe"] = str(base)
        else:
            spec["data"] = [links.of(rows) for rows in links.by_colour(0, min(view.merges, lower))] + spec["data"]
            spec["traces"] = list(range(1, 3 + 2 * many))
        frames.append(spec)
    line = dict(type="scatter", mode="lines", hoverinfo="skip")
    whole = line | links.of(np.flatnonzero(links.drawn)) | dict(line=dict(color=palette.NEUTRAL, width=1), opacity=0.55)
    made = views[at].merges
    now = links.of(np.arange(made - 1, made)) if made else NOWHERE
    ends = [links.of(rows) for rows in links.by_colour(0, min(made, lower)) + links.by_colour(lower, made)]
    thick = 1.3 if n > 150 else 2
    grown = [
        line | dict(line=dict(color=color, width=thick)) | end for color, end in zip(2 * colours.colors, ends, strict=True)
    ]
    joins = [trace | now for trace in _now("lines", 0)]
    top = 1.06 * (float(growth.tree.heights.max()) or 1.0)
    layout = dict(
        height=height,
        margin=dict(SIDES, t=10, b=24),
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        meta=name,
        shapes=_strip(run),
        xaxis=_leaves(n) | dict(showticklabels=False, ticks=""),
        yaxis=dict(range=[0, top], zeroline=False, title=dict(text="height"), automargin=False),
        updatemenus=[REMOTE],
    )
    return figure([whole, *grown, *joins, links.inverted(), links.answering()], layout, frames)


def _leaves(n: int) -> dict:
    """The axis of the leaves, which the tree and its proximities share."""
    return dict(range=[0, n], zeroline=False, showgrid=False, automargin=False, fixedrange=True)


def _turns(run: Run) -> list[tuple[int, int, str]]:
    """Where each group begins among the leaves, where it ends, and its colour."""
    labels = run.history.last.labels[run.growth.tree.order]
    turns = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(labels)]
    return [(begin, end, palette.color_of(run.ranks[labels[begin]])) for begin, end in zip(turns, turns[1:], strict=False)]


def _strip(run: Run) -> list[dict]:
    """Below the leaves the colours of the groups."""
    below = dict(type="rect", yref="paper", y0=0, y1=-16, ysizemode="pixel", yanchor=0, line=dict(width=0))
    return [below | dict(x0=begin, x1=end, fillcolor=color) for begin, end, color in _turns(run)]


def proximities(run: Run, height: int = 340) -> go.Figure:
    """The dissimilarities in the order of the leaves, to stand under the tree; with a frame around each group."""
    growth = run.growth
    n = growth.merges + 1
    matrix, edges = block_means(growth.dissimilarities(), growth.tree.order)
    called = run.data.called(growth.tree.order[edges[:-1]])
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
        for begin, end, color in _turns(run)
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
    """What is drawn of each merge: from the top of one part up, across, and down to the top of the other."""

    def __init__(self, growth: Growth, colours: _Colours):
        self.growth, self.colours = growth, colours
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

    def by_colour(self, first: int, last: int) -> list[np.ndarray]:
        """The merges first..last-1 of each colour."""
        rows = np.arange(first, max(first, last))
        rows = rows[self.drawn[rows]]
        return [rows[self.colours.merges[rows] == code] for code in self.colours.codes]

    def of(self, rows: np.ndarray) -> dict:
        """The links of these merges."""
        if not rows.size:
            return NOWHERE
        x, y = self.x[rows].ravel()[:-1], self.y[rows].ravel()[:-1]
        return dict(
            x=[None if value != value else value for value in x.tolist()], y=[None if v != v else v for v in y.tolist()]
        )

    def inverted(self) -> dict:
        """A ring at each merge that is an inversion."""
        rows = self.growth.tree.inversions
        ring = dict(symbol="circle-open", size=11, color=palette.FILLED, line=dict(width=2))
        return dict(type="scatter", mode="markers", x=self.tops[0][rows], y=self.tops[1][rows], hoverinfo="skip", marker=ring)

    def answering(self) -> dict:
        """What says of each merge what it does."""
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


def heights(run: Run, views: list[View], at: int, name: str, height: int = 340) -> go.Figure:
    """The height of each merge over the number of groups that it leaves, from many to one; drawn up to each view, first up to
    view `at`."""
    growth = run.growth
    left = np.arange(growth.merges, 0, -1)
    every = np.unique(np.concatenate([np.geomspace(1, growth.merges, 300).astype(int), left[-DRAWN:]]))[::-1]
    merge = growth.merges - every
    y = growth.tree.heights[merge]
    whole = dict(
        x=every,
        y=y,
        text=[f"{counted(k, 'group')} left" for k in every.tolist()],
        hovertemplate="%{text}<br>height %{y:.6g}<extra></extra>",
    )
    frames = []
    for i, view in enumerate(views):
        shown = merge < view.merges
        here = [curves.NOWHERE, curves.NOWHERE]
        if view.merges:
            here = [
                dict(x=every[shown], y=y[shown]),
                dict(x=[growth.merges + 1 - view.merges], y=[growth.height(view.merges)]),
            ]
        frames.append(dict(name=str(i), data=here, traces=[1, 2]))
    k = run.settings.k
    span = np.ptp(growth.tree.heights) or 1.0
    ticks = [left for left in (1, 2, 3, 4, 5, 7, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000) if left <= growth.merges]
    layout = dict(
        height=height,
        margin=dict(l=10, r=10, t=10, b=10),
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        meta=name,
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
        updatemenus=[REMOTE],
    )
    return figure(curves.moving(whole, frames[at]["data"]), layout, frames)


def described(run: Run) -> str:
    """The tree in a sentence, for those who cannot see it."""
    growth = run.growth
    sizes = ", ".join(f"{size:,}" for size in np.sort(run.history.sizes[-1])[::-1][:10].tolist())
    return (
        f"Dendrogram of {counted(growth.merges + 1, 'point')} by {growth.merging.linkage} linkage, up to height "
        f"{number(growth.height(growth.merges))}; cut into {counted(run.settings.k, 'group')} of {sizes} points."
    )

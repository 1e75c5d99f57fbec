"""The groups of a tree in the plane, merge by merge. Arrays in, figures out; no Streamlit."""

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from scipy.spatial import ConvexHull, QhullError

from pages.datasets.planes import Plane
from pages.figures import paint, palette
from pages.figures.plots import (
    MOST_MOVING,
    dots,
    driven,
    figure,
    hovered,
    layout_of,
    marker_size,
    padded,
    placed,
    rings,
    written,
)
from pages.methods.trees import Growth
from pages.runs.frames import Frame
from pages.runs.run import Run

HEIGHT = 430
OUTLINED = 60
"""how many groups have an outline, the largest"""
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


class Colours:
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
        self.colours = Colours(run)
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
                        if self.painted and (images := self.image(view.merges)):
                            spec["layout"] = dict(images=images)
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
        layout = layout_of(self.data, self.plane, self.extent, height, self.painted) | driven(name)
        layout["images"] = [placed(self.extent) | image for image in self.image(min(view.merges, self.views[base].merges))]
        now = [trace | self.line(view) for trace in now_lines("lines+markers", 7)]
        return figure([points, *beside, *shapes, *now], layout, frames)


def _faint(color: str) -> str:
    red, green, blue = palette.rgb([color])[0].astype(int)
    return f"rgba({red},{green},{blue},0.1)"


def now_lines(mode: str, size: int) -> list[dict]:
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

    def lower(self, merges: int, colours: Colours) -> list[dict]:
        """Nothing: every merge takes two outlines away."""
        return [NOWHERE for _ in colours.codes]

    def upper(self, merges: int, colours: Colours) -> list[dict]:
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

    def lower(self, merges: int, colours: Colours) -> list[dict]:
        """For each colour one broken line of the merges that are not shown one by one."""
        return self._between(0, min(merges, self.growth.first_alone), colours)

    def upper(self, merges: int, colours: Colours) -> list[dict]:
        """Those that are."""
        return self._between(self.growth.first_alone, merges, colours)

    def _between(self, first: int, last: int, colours: Colours) -> list[dict]:
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

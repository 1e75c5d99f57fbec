"""The groups of a tree in the plane, merge by merge. Arrays in, figures out; no Streamlit."""

from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go

from pages.datasets.planes import Plane
from pages.figures import paint, palette
from pages.figures.hulls import hull
from pages.figures.plots import (
    MOST_MOVING,
    NOWHERE,
    dots,
    driven,
    emphasized,
    figure,
    hovered,
    layout_of,
    marker_size,
    padded,
    placed,
    rings,
    written,
)
from pages.hierarchy.cut import merges_of
from pages.methods.tree_cut import OUTLINED
from pages.methods.trees import Growth
from pages.runs.run import Run

HEIGHT = 430


class TreeColors:
    """The color of each point and each merge: a number in `codes`, 0 for none."""

    def __init__(self, run: Run):
        growth, labels = run.model_input, run.history.last.labels
        self.cut = merges_of(run)
        self.joined_by = growth.joined_by
        self._points = (1 + run.ranks % len(palette.COLORS))[labels].astype(np.uint8)
        self._symbols = palette.SYMBOL_NUMBERS[run.ranks % len(palette.SYMBOLS)][labels]
        self.merges = np.where(np.arange(growth.merges) < self.cut, growth.labels_of_merges(self._points), 0)
        self.colors = [palette.NEUTRAL, *palette.COLORS[: int(self._points.max())]]

    @property
    def codes(self) -> range:
        """All numbers of colors, in the order in which they are drawn."""
        return range(len(self.colors))

    def has_color(self, merges: int) -> np.ndarray:
        """(n,) whether each point has a color after `merges` merges: once it has joined another, and at the cut always."""
        return self.joined_by < merges if merges < self.cut else np.ones(len(self.joined_by), dtype=bool)

    def points(self, merges: int) -> np.ndarray:
        """(n,) the color of each point after `merges` merges."""
        return np.where(self.has_color(merges), self._points, 0).astype(np.uint8)

    def markers(self, merges: int, rows: np.ndarray) -> dict:
        """Colors and symbols of the points `rows` after `merges` merges."""
        symbols = np.where(self.has_color(merges), self._symbols, 0).astype(np.uint8)
        return dict(marker=dict(color=self.points(merges)[rows], symbol=symbols[rows]))

    def scale(self) -> dict:
        """How Plotly turns the numbers into colors."""
        last = len(self.colors) - 1
        return dict(cmin=0, cmax=last, colorscale=[[code / last, color] for code, color in enumerate(self.colors)])


def picture(
    run: Run,
    states: list[int],
    shown: int,
    plane: Plane,
    name: str,
    on_share: Callable[[float], None] = lambda share: None,
    *,
    markers: int = MOST_MOVING,
) -> go.Figure:
    """An animation of the merges: points in the colors of the groups of the cut, from their first merge on.

    Outlines enclose the groups that there are; by single linkage there are the lines of the merges made instead.

    Each of `states`, a number of merges made, has a frame, and the first picture is that of `states[shown]`. `name` becomes
    the layout's `meta`. `on_share` is called with the share of the frames that is done; an exception that it raises
    ends the work. More points than `markers` are painted, but those that join one by one remain markers.
    """
    return _TreePicture(run, states, plane, markers).figure(shown, name, on_share)


class _TreePicture:
    def __init__(self, run: Run, states: list[int], plane: Plane, markers: int):
        self.growth, self.data, self.states, self.plane = run.model_input, run.data, states, plane
        self.xy = plane.places(run.data.points)
        self.extent = padded(self.xy, 1.2 if run.data.to_scale else None)
        self.painted = len(self.xy) > markers
        self.colors = TreeColors(run)
        left, right, bottom, top = self.extent
        digits = 4 - int(np.floor(np.log10(min(right - left, top - bottom))))
        shapes = _MergeLines if self.growth.linkage == "single" else _Outlines
        self.shapes = shapes(self.growth, self.xy, digits)
        last = np.array([merges - 1 for merges in states if merges > self.growth.first_alone], dtype=int)
        self.last_merges = dict(zip(last.tolist(), self.growth.ends(last, self.xy).round(digits), strict=True))
        self.marked = np.arange(len(self.xy))
        if self.painted:
            early = self.growth.joined_by < self.growth.first_alone
            self.marked, self.early = np.flatnonzero(~early), np.flatnonzero(early)
            height = round(paint.WIDTH * (top - bottom) / (right - left)) if self.data.to_scale else paint.HEIGHT
            self.canvas = paint.Canvas(*self.xy[early].T, self.extent, height) if early.any() else None

    def image(self, merges: int) -> list[dict]:
        """The painted points after `merges` merges."""
        if not self.painted or self.canvas is None:
            return []
        source = self.canvas.paint(palette.rgb(self.colors.colors), labels=self.colors.points(merges)[self.early])
        return [dict(source=source)]

    def last_merge(self, merges: int) -> dict:
        """The line between the two parts of the last merge, where merges are shown one by one."""
        ends = self.last_merges.get(merges - 1)
        return NOWHERE if ends is None else dict(zip("xy", ends.T.tolist(), strict=True))

    def figure(self, shown: int, name: str, on_share: Callable[[float], None]) -> go.Figure:
        colors, many, first_alone = self.colors, len(self.colors.codes), self.growth.first_alone
        beside = [*rings(self.data, self.xy)]
        if self.painted:
            beside.append(dots(self.data, self.plane, self.xy, hovered(len(self.xy))) | dict(marker=dict(opacity=0, size=8)))
        lower = list(range(1 + len(beside), 1 + len(beside) + many))
        upper = [trace + many for trace in lower]
        joins = [upper[-1] + 1, upper[-1] + 2]
        base = next((i for i, merges in enumerate(self.states) if merges >= first_alone), len(self.states) - 1)
        frames = []
        colored = base  # the last frame that has the colors of the points
        for i, merges in enumerate(self.states):
            on_share(i / len(self.states))
            data = self.shapes.upper(merges, colors) + 2 * [self.last_merge(merges)]
            spec = dict(name=str(i), data=data, traces=upper + joins)
            before = self.states[i - 1] if i else 0
            if i > base and np.array_equal(colors.has_color(merges), colors.has_color(before)):
                spec["baseframe"] = str(colored)
            else:
                spec["data"].insert(0, colors.markers(merges, self.marked))
                spec["traces"] = [0, *spec["traces"]]
                colored = max(i, base)
                if i > base:
                    spec["baseframe"] = str(base)
                else:
                    spec["data"] += self.shapes.lower(merges, colors)
                    spec["traces"] = spec["traces"] + lower
                    if images := self.image(merges):
                        spec["layout"] = dict(images=images)
            frames.append(spec)
        merges = self.states[shown]
        marker = dict(size=marker_size(len(self.xy)), opacity=0.85, line=dict(width=0)) | colors.scale()
        points = dots(self.data, self.plane, self.xy, self.marked)
        points["marker"] = marker | colors.markers(merges, self.marked)["marker"]
        if not self.painted:
            points |= written(self.data, self.marked)
        shapes = [
            dict(type="scatter", mode="lines", hoverinfo="skip", line=dict(color=color, width=1.6))
            | (dict(fill="toself", fillcolor=palette.faint(color)) if code and self.shapes.filled else {})
            | shape
            for level in (self.shapes.lower, self.shapes.upper)
            for code, (color, shape) in enumerate(zip(colors.colors, level(merges, colors), strict=True))
        ]
        layout = layout_of(self.data, self.plane, self.extent, HEIGHT, self.painted) | driven(name)
        layout["images"] = [placed(self.extent) | image for image in self.image(min(merges, self.states[base]))]
        last = [trace | self.last_merge(merges) for trace in emphasized("lines+markers", 7)]
        return figure([points, *beside, *shapes, *last], layout, frames)


class _Outlines:
    """The convex hulls of the groups, each computed once."""

    filled = True

    def __init__(self, growth: Growth, xy: np.ndarray, digits: int):
        self.growth, self.xy, self.digits = growth, xy, digits
        self.hulls: dict[int, np.ndarray] = {}

    def lower(self, merges: int, colors: TreeColors) -> list[dict]:
        """Nothing: every merge takes two outlines away."""
        return [NOWHERE for _ in colors.codes]

    def upper(self, merges: int, colors: TreeColors) -> list[dict]:
        """For each color one broken line around its groups after `merges` merges."""
        lines = [[] for _ in colors.codes]
        for merge in self.growth.largest_alive(merges, OUTLINED).tolist():
            if merge not in self.hulls:
                self.hulls[merge] = hull(self.xy[self.growth.tree.members(merge)]).round(self.digits)
            lines[colors.merges[merge]].append(self.hulls[merge])
        return [_broken_line(parts) for parts in lines]


class _MergeLines:
    """The lines of all merges made. By single linkage they are the minimum spanning tree."""

    filled = False

    def __init__(self, growth: Growth, xy: np.ndarray, digits: int):
        self.growth = growth
        self.ends = growth.ends(np.arange(growth.merges), xy).round(digits)

    def lower(self, merges: int, colors: TreeColors) -> list[dict]:
        """For each color one broken line of the merges that are not shown one by one."""
        return self._between(0, min(merges, self.growth.first_alone), colors)

    def upper(self, merges: int, colors: TreeColors) -> list[dict]:
        """For each color one broken line of the merges that are shown one by one."""
        return self._between(self.growth.first_alone, merges, colors)

    def _between(self, first: int, last: int, colors: TreeColors) -> list[dict]:
        rows = np.arange(first, max(first, last))
        return [_broken_line(self.ends[rows[colors.merges[rows] == code]]) for code in colors.codes]


def _broken_line(parts) -> dict:
    """A line with a gap between these parts, each (m, 2)."""
    if not len(parts):
        return NOWHERE
    x, y = [], []
    for part in parts:
        x += [*part[:, 0].tolist(), None]
        y += [*part[:, 1].tolist(), None]
    return dict(x=x[:-1], y=y[:-1])

"""Animated scatter plot of the clusters of a tree, merge by merge."""

from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go

from pages.datasets.planes import Plane
from pages.figures import palette
from pages.figures.hulls import hull
from pages.figures.plots import (
    EMPTY_LINE,
    MAX_ANIMATED_MARKERS,
    Figure,
    canvas_of,
    highlight_traces,
    hoverable_rows,
    image_position,
    marker_size,
    name_labels,
    padded_extent,
    plane_layout,
    player_layout,
    point_trace,
    rings,
)
from pages.hierarchy.cut import merges_below_cut
from pages.methods.tree_cut import OUTLINED
from pages.methods.trees import DataTree
from pages.runs.run import Run

HEIGHT = 430


class TreeColors:
    """Color code of each point and each merge; 0 is gray, for points that are not merged yet and merges above the cut."""

    def __init__(self, run: Run):
        data_tree, labels = run.model_input, run.history.last.labels
        self.cut = merges_below_cut(run)
        self.first_merge = data_tree.first_merge
        self._points = (1 + run.ranks % len(palette.COLORS))[labels].astype(np.uint8)
        self._symbols = palette.SYMBOL_NUMBERS[run.ranks % len(palette.SYMBOLS)][labels]
        self.merge_codes = np.where(np.arange(data_tree.n_merges) < self.cut, data_tree.labels_of_merges(self._points), 0)
        self.colors = [palette.NEUTRAL, *palette.COLORS[: int(self._points.max())]]

    @property
    def codes(self) -> range:
        """All color codes, in drawing order."""
        return range(len(self.colors))

    def has_color(self, merges: int) -> np.ndarray:
        """(n,) whether each point has a color after `merges` merges: from its first merge on, and at the cut at the latest."""
        return self.first_merge < merges if merges < self.cut else np.ones(len(self.first_merge), dtype=bool)

    def points(self, merges: int) -> np.ndarray:
        """(n,) color code of each point after `merges` merges."""
        return np.where(self.has_color(merges), self._points, 0).astype(np.uint8)

    def markers(self, merges: int, rows: np.ndarray) -> dict:
        """Colors and symbols of the points `rows` after `merges` merges."""
        symbols = np.where(self.has_color(merges), self._symbols, 0).astype(np.uint8)
        return dict(marker=dict(color=self.points(merges)[rows], symbol=symbols[rows]))

    def scale(self) -> dict:
        """Plotly color scale that maps the codes to colors."""
        last = len(self.colors) - 1
        return dict(cmin=0, cmax=last, colorscale=[[code / last, color] for code, color in enumerate(self.colors)])


def picture(
    run: Run,
    merges_at_frames: list[int],
    shown: int,
    plane: Plane,
    name: str,
    on_progress: Callable[[float], None] = lambda fraction: None,
    *,
    markers: int = MAX_ANIMATED_MARKERS,
) -> go.Figure:
    """Animated scatter plot of the merges: each point gets the color of its cluster at its first merge.

    Outlines enclose the current clusters; single linkage shows the lines of all merges so far instead.

    Parameters
    ----------
    merges_at_frames : number of merges done at each frame
    shown : number of the frame that is shown initially
    name : becomes the layout's `meta`
    on_progress : called with the fraction of frames that are done; an exception that it raises stops the function
    markers : more points than this are drawn as an image, except for those that join in the merges shown one by one
    """
    return _TreePicture(run, merges_at_frames, plane, markers).figure(shown, name, on_progress)


class _TreePicture:
    def __init__(self, run: Run, merges_at_frames: list[int], plane: Plane, markers: int):
        self.data_tree, self.data, self.merges_at_frames, self.plane = run.model_input, run.data, merges_at_frames, plane
        self.xy = plane.positions(run.data.points)
        self.extent = padded_extent(self.xy, 1.2 if run.data.to_scale else None)
        self.painted = len(self.xy) > markers
        self.colors = TreeColors(run)
        left, right, bottom, top = self.extent
        digits = 4 - int(np.floor(np.log10(min(right - left, top - bottom))))
        shapes = _MergeLines if self.data_tree.linkage == "single" else _Outlines
        self.shapes = shapes(self.data_tree, self.xy, digits)
        last = np.array([merges - 1 for merges in merges_at_frames if merges > self.data_tree.first_with_own_frame], dtype=int)
        self.last_merges = dict(zip(last.tolist(), self.data_tree.ends(last, self.xy).round(digits), strict=True))
        self.marked = np.arange(len(self.xy))
        if self.painted:
            early = self.data_tree.first_merge < self.data_tree.first_with_own_frame
            self.marked, self.early = np.flatnonzero(~early), np.flatnonzero(early)
            self.canvas = canvas_of(self.data, self.xy[early], self.extent) if early.any() else None

    def image(self, merges: int) -> list[dict]:
        """Layout image of the painted points after `merges` merges, in a list; empty if no points are painted."""
        if not self.painted or self.canvas is None:
            return []
        source = self.canvas.paint(palette.rgb(self.colors.colors), labels=self.colors.points(merges)[self.early])
        return [dict(source=source)]

    def last_merge(self, merges: int) -> dict:
        """Line between the two children of the last merge, if that merge has a frame of its own."""
        ends = self.last_merges.get(merges - 1)
        return EMPTY_LINE if ends is None else dict(zip("xy", ends.T.tolist(), strict=True))

    def figure(self, shown: int, name: str, on_progress: Callable[[float], None]) -> go.Figure:
        colors, n_colors, first_with_own_frame = self.colors, len(self.colors.codes), self.data_tree.first_with_own_frame
        static = [*rings(self.data, self.xy)]
        if self.painted:
            static.append(
                point_trace(self.data, self.plane, self.xy, hoverable_rows(len(self.xy)))
                | dict(marker=dict(opacity=0, size=8))
            )
        lower = list(range(1 + len(static), 1 + len(static) + n_colors))
        upper = [trace + n_colors for trace in lower]
        last_lines = [upper[-1] + 1, upper[-1] + 2]
        base = next(
            (i for i, merges in enumerate(self.merges_at_frames) if merges >= first_with_own_frame),
            len(self.merges_at_frames) - 1,
        )
        frames = []
        colored = base  # the last frame that sets the colors of the points
        for i, merges in enumerate(self.merges_at_frames):
            on_progress(i / len(self.merges_at_frames))
            data = self.shapes.upper(merges, colors) + 2 * [self.last_merge(merges)]
            spec = dict(name=str(i), data=data, traces=upper + last_lines)
            before = self.merges_at_frames[i - 1] if i else 0
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
        merges = self.merges_at_frames[shown]
        marker = dict(size=marker_size(len(self.xy)), opacity=0.85, line=dict(width=0)) | colors.scale()
        points = point_trace(self.data, self.plane, self.xy, self.marked)
        points["marker"] = marker | colors.markers(merges, self.marked)["marker"]
        if not self.painted:
            points |= name_labels(self.data, self.marked)
        shapes = [
            dict(type="scatter", mode="lines", hoverinfo="skip", line=dict(color=color, width=1.6))
            | (dict(fill="toself", fillcolor=palette.translucent(color)) if code and self.shapes.filled else {})
            | shape
            for level in (self.shapes.lower, self.shapes.upper)
            for code, (color, shape) in enumerate(zip(colors.colors, level(merges, colors), strict=True))
        ]
        layout = plane_layout(self.data, self.plane, self.extent, HEIGHT, self.painted) | player_layout(name)
        layout["images"] = [
            image_position(self.extent) | image for image in self.image(min(merges, self.merges_at_frames[base]))
        ]
        last = [trace | self.last_merge(merges) for trace in highlight_traces("lines+markers", 7)]
        return Figure([points, *static, *shapes, *last], layout, frames)


class _Outlines:
    """Convex hulls of the clusters, each computed once."""

    filled = True

    def __init__(self, data_tree: DataTree, xy: np.ndarray, digits: int):
        self.data_tree, self.xy, self.digits = data_tree, xy, digits
        self.hulls: dict[int, np.ndarray] = {}

    def lower(self, merges: int, colors: TreeColors) -> list[dict]:
        """Empty, because merges remove outlines: nothing stays the same in later frames."""
        return [EMPTY_LINE for _ in colors.codes]

    def upper(self, merges: int, colors: TreeColors) -> list[dict]:
        """For each color one broken line around its clusters after `merges` merges."""
        lines = [[] for _ in colors.codes]
        for merge in self.data_tree.largest_clusters_after(merges, OUTLINED).tolist():
            if merge not in self.hulls:
                self.hulls[merge] = hull(self.xy[self.data_tree.tree.members(merge)]).round(self.digits)
            lines[colors.merge_codes[merge]].append(self.hulls[merge])
        return [_broken_line(parts) for parts in lines]


class _MergeLines:
    """Lines of all merges so far. With single linkage they form the minimum spanning tree."""

    filled = False

    def __init__(self, data_tree: DataTree, xy: np.ndarray, digits: int):
        self.data_tree = data_tree
        self.ends = data_tree.ends(np.arange(data_tree.n_merges), xy).round(digits)

    def lower(self, merges: int, colors: TreeColors) -> list[dict]:
        """For each color one broken line of the merges that have no frame of their own."""
        return self._between(0, min(merges, self.data_tree.first_with_own_frame), colors)

    def upper(self, merges: int, colors: TreeColors) -> list[dict]:
        """For each color one broken line of the merges that have a frame of their own."""
        return self._between(self.data_tree.first_with_own_frame, merges, colors)

    def _between(self, first: int, last: int, colors: TreeColors) -> list[dict]:
        rows = np.arange(first, max(first, last))
        return [_broken_line(self.ends[rows[colors.merge_codes[rows] == code]]) for code in colors.codes]


def _broken_line(parts) -> dict:
    """Line through these parts, each (m, 2), with gaps between them."""
    if not len(parts):
        return EMPTY_LINE
    x, y = [], []
    for part in parts:
        x += [*part[:, 0].tolist(), None]
        y += [*part[:, 1].tolist(), None]
    return dict(x=x[:-1], y=y[:-1])

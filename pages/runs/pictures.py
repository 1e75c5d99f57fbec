"""The animated scatter plot of a run: points colored by cluster, with centers, their trails, and outlines.

It has one Plotly frame for each frame of the run, named "0", "1", …, and initially shows the last one. A frame in which only
centers move contains only their traces and refers to the previous frame (`baseframe`).
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

import numpy as np
import plotly.graph_objects as go

from pages.datasets.formatting import escape_html, minus_signs, pluralize, truncate
from pages.datasets.planes import Plane
from pages.figures import paint, palette
from pages.figures.grids import Grid
from pages.figures.plots import (
    DARK,
    EMPTY_LINE,
    LIGHT,
    MAX_ANIMATED_MARKERS,
    MAX_HOVERABLE,
    Figure,
    canvas_of,
    extent_size,
    hoverable_rows,
    image_position,
    marker_size,
    name_labels,
    outline_traces,
    plane_layout,
    player_layout,
    point_trace,
    precision,
    ring_traces,
    ringed_rows,
    rings,
)
from pages.runs.frames import Frame
from pages.runs.pixels import painted_rows
from pages.runs.run import Run

HEIGHT = 576
NARROW_MARGIN = dict(l=36, r=4, t=6, b=28)
"""margin for the labels of the axes only"""
GRID = (320, 480)
"""rows and columns of the image of cluster regions"""


def picture(
    run: Run,
    frames: list[Frame],
    plane: Plane,
    name: str,
    on_progress: Callable[[float], None] = lambda share: None,
    *,
    background=None,
    margins=None,
    height: int = HEIGHT,
    markers: int = MAX_ANIMATED_MARKERS,
    extent: tuple[float, float, float, float] | None = None,
    narrow: bool = False,
) -> go.Figure:
    """Animated scatter plot of a run.

    Parameters
    ----------
    name : identifier for the player, stored as `layout.meta`.
    on_progress : called with the completed share of the frames; it may raise an exception to stop.
    background : class of the image below the points, such as `Regions`; called with run, plane and extent.
    margins : class of the marginal plots, such as `mixture.density.DensityMargins`; called in the same way.
    height : in pixels.
    markers : largest number of points drawn as markers; more points are painted as an image.
    extent : left, right, bottom and top; by default `extent_of` the run.
    narrow : whether to leave out the names of the axes, to save room.
    """
    extent = extent or extent_of([run], plane)
    # in a small plot point labels would overlap
    builder = _FigureBuilder(run, frames, plane, markers, extent, height >= HEIGHT)
    builder.background = background and background(run, plane, extent)
    builder.margins = margins and margins(run, plane, extent)
    builder.narrow = narrow
    return builder.figure(name, height, on_progress)


def extent_of(runs: list[Run], plane: Plane) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of a plot that contains all points, centers and final outlines of runs on the same data."""
    xy = plane.positions(runs[0].data.points)
    corners = [xy.min(axis=0), xy.max(axis=0)]
    for run in runs:
        if run.view.traits.moves_points:
            for state in set(run.parameters_of):
                xy = run.view.plane_positions(run, state, plane)
                corners += [xy.min(axis=0), xy.max(axis=0)]
        shapes = [plane.project(centers) for centers in run.centers or ()]
        shapes += run.view.outlines(run, len(run.history.states) - 1, plane)
        for shape in shapes:
            if shape.size and not np.isnan(shape).all():
                corners += [np.nanmin(shape, axis=0), np.nanmax(shape, axis=0)]
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    middle, size = low + (high - low) / 2, extent_size(low, high)
    low, high = middle - 0.55 * size, middle + 0.55 * size
    if runs[0].data.to_scale:  # limit the aspect ratio, so that equal scales waste little space
        width, height = high - low
        missing = np.array([max(0.0, height / 0.85 - width), max(0.0, 0.65 * width - height)])
        low, high = low - missing / 2, high + missing / 2
    return float(low[0]), float(high[0]), float(low[1]), float(high[1])


MAX_DESCRIBED = 12
"""largest number of clusters that the alternative text lists"""


def alt_text(run: Run, frame: Frame) -> str:
    """Alternative text of a frame, for screen readers."""
    k, cluster = run.k, run.view.traits.cluster
    clusters_text = f" in {pluralize(k, cluster)}" if run.view.traits.clusters else ""
    text = f"Scatter plot of {run.data.n:,} points of {run.data.title}{clusters_text}. {frame.sentence}"
    if k > MAX_DESCRIBED or run.centers is None or not run.has_fixed_clusters:
        return text
    clusters = []
    for i in np.argsort(run.ranks):
        words = []
        if frame.assigned is not None:
            size = run.history.states[frame.assigned].assignment.sizes[i]
            words.append(pluralize(round(size), "point") if run.weights is None else f"sum of weights {size:,.6g}")
        if run.data.precomputed is None:
            position = minus_signs(", ".join(f"{value:.3g}" for value in run.centers[frame.state][i][:3]))
            words.append(f"{run.view.traits.center} at {position}")
        if words:
            clusters.append(f"{cluster.capitalize()} {run.number_and_name(run.ranks[i])}: {', '.join(words)}.")
    return " ".join([text, *clusters])


def neighborhood_traces(center: np.ndarray, outline: np.ndarray) -> list[dict]:
    """Traces of a point (2,) and the outline (m, 2) of its neighborhood."""
    x, y = outline.T
    lines = [trace | dict(x=x, y=y) for trace in outline_traces()]
    return [*lines, *(trace | dict(x=center[:1], y=center[1:]) for trace in ring_traces(10))]


class Regions:
    """Image of the cluster regions, for data whose only dimensions are those of the plane."""

    def __init__(self, run: Run, plane: Plane, extent: tuple[float, float, float, float]):
        self.run = run
        left, right, bottom, top = extent
        if run.data.to_scale or len(run.data.points) > MAX_ANIMATED_MARKERS:  # a wide or tall plot shows more than the extent
            width, height = right - left, top - bottom
            left, right, bottom, top = left - 0.8 * width, right + 0.8 * width, bottom - 0.8 * height, top + 0.8 * height
        self.extent = left, right, bottom, top
        # the axes are unit vectors, so they map the plane to the features
        self.grid = Grid(self.extent, GRID, plane.axes)

    def source(self, state: int) -> str:
        """Image of the regions in a state, as a data URI."""
        parameters = self.run.history.states[state].parameters
        labels = self.run.view.regions(self.run, parameters, self.grid)
        # colors repeat, and an image has few of them
        return paint.regions(labels, self.run.ranks_of(state) % len(palette.COLORS), palette.rgb(palette.COLORS))


class _FigureBuilder:
    background = margins = painted_rows = None
    narrow = False

    def __init__(self, run: Run, frames: list[Frame], plane: Plane, markers: int, extent, with_names: bool):
        self.run, self.frames, self.plane = run, frames, plane
        self.view = run.view
        assigned = [frame.assigned for frame in frames if frame.assigned is not None]
        last = len(run.history.states) - 1
        self.n_lines = max(len(run.ranks_of(state)) for state in [*assigned, last])
        """largest number of clusters in a frame; without clusters the number of outlines"""
        if not self.view.traits.clusters:
            self.n_lines = len(self.view.outlines(run, last, plane))
        self.moves_points = self.view.traits.moves_points
        self.xy = self._positions(last) if self.moves_points else plane.positions(run.data.points)
        self.centers = None if run.centers is None else [plane.project(centers) for centers in run.centers]
        self.painted = len(self.xy) > markers or run.data.all_rows is not None
        self.names_centers = self.view.names_centers and run.data.names is not None and run.k <= 30
        self.extent, self.with_names = extent, with_names
        left, right, bottom, top = self.extent
        self.dtype = np.result_type(precision(left, right), precision(bottom, top))

    def _positions(self, state: int) -> np.ndarray:
        """(n, 2) positions in the plane of the points in a state, if they move."""
        return self.view.plane_positions(self.run, state, self.plane)

    def _canvas(self, xy: np.ndarray) -> paint.Canvas:
        return canvas_of(self.run.data, xy, self.extent)

    @cached_property
    def canvas(self) -> paint.Canvas:
        """The canvas of points that do not move, shared by runs on the same data."""
        return self.run.data.cached("canvas", (self.plane.names, self.extent), lambda: self._canvas(self.xy))

    def figure(self, name: str, height: int, on_progress) -> go.Figure:
        if self.run.data.all_rows is not None:
            self.painted_rows = self._paint_all_rows(on_progress)
        backgrounds = {}
        frames = []
        ring_traces = rings(self.run.data, self.xy)
        static = [None, *ring_traces]  # None is replaced with the points below
        static += self.margins.static_traces() if self.margins else []
        # static outlines belong to clusters, which appear with the first assignment
        first = next((i for i, frame in enumerate(self.frames) if self.view.traits.clusters and frame.assigned is not None), 0)
        outlines = [self._line([line]) for line in self.view.static_outlines(self.run, self.plane)]
        colored, xy = 0, None  # the last frame with point colors, and positions of moving points
        for i, frame in enumerate(self.frames):
            on_progress(1.0 if self.painted_rows else i / len(self.frames))
            data = self._moving(frame) + (self.margins.at(frame.parameters) if self.margins else [])
            traces = list(range(len(static) + len(outlines), len(static) + len(outlines) + len(data)))
            if frame.moves and self.centers is None and not self.moves_points:  # the lines stay the same
                data, traces = data[self.n_lines :], traces[self.n_lines :]
            if outlines and i <= first:
                data = (outlines if i == first else [EMPTY_LINE] * len(outlines)) + data
                traces = list(range(len(static), len(static) + len(outlines))) + traces
            spec, images = dict(name=str(i)), []
            if self.background:
                if frame.parameters not in backgrounds:
                    backgrounds[frame.parameters] = self.background.source(frame.parameters)
                images.append(dict(source=backgrounds[frame.parameters]))
            if self.moves_points:
                last_xy, xy = xy, self._positions(frame.state)
                moved = [xy[self.rows]] + ([xy[ringed_rows(self.run.data)]] if ring_traces else [])
                parts = [dict(zip("xy", part.T.astype(self.dtype), strict=True)) for part in moved]
                if self.view.traits.clusters and not self.painted:
                    parts[0] |= dict(marker=self._markers(frame))
                data = parts + data
                traces = list(range(len(moved))) + traces
                if self.painted:
                    if self.view.traits.clusters:
                        points_source = self._painted(frame, self._canvas(xy))
                    elif last_xy is None or not np.array_equal(xy, last_xy):
                        points_source = self._painted_by_true_label(self._canvas(xy))
                    images.append(dict(source=points_source))
            elif frame.moves:
                spec["baseframe"] = str(i - 1)
            elif i > first and not self._recolors(i):
                spec["baseframe"] = str(colored)
            else:
                if outlines and i > first:
                    spec["baseframe"] = str(first)
                colored = i
                if self.painted:
                    points_source = self._painted(frame, self.canvas)
                    images.append(dict(source=points_source))
                else:
                    traces, data = [0] + traces, [dict(marker=self._markers(frame))] + data
            frames.append(spec | dict(data=data, traces=traces) | (dict(layout=dict(images=images)) if images else {}))
        if self.painted:
            # traces without markers still show hover labels; even invisible markers are slow to draw
            points = self._points()
            points["mode"] = "text" if "text" in points else "none"
        else:
            points = self._points()
            marker = dict(size=marker_size(len(self.xy)), opacity=0.8, line=dict(width=0))
            points["marker"] = marker | self._markers(self.frames[-1])
        lines = [
            style | line | dict(line=style["line"] | dict(dash=self.view.static_dash))
            for style, line in zip(self._line_styles(), outlines, strict=False)
        ]
        moving = [
            style | part | (dict(marker=style["marker"] | part["marker"]) if "marker" in part else {})
            for style, part in zip(self._styles(), self._moving(self.frames[-1]), strict=True)
        ]
        margin_traces = self.margins.traces(self.frames[-1].parameters) if self.margins else []
        shown = [(self.background.extent, backgrounds[self.frames[-1].parameters])] if self.background else []
        shown += [(self.extent, points_source)] if self.painted else []
        images = []
        for extent, source in shown:
            position = image_position(extent) | dict(source=source)
            # Plotly treats images at identical positions as one, so their widths differ slightly
            position["sizex"] *= 1 + 1e-9 * len(images)
            # keep the density below the points visible
            opacity = dict(opacity=0.6) if self.margins and self.painted and len(images) == len(shown) - 1 else {}
            images.append(position | opacity)
        titled = replace(self.plane, names=self.view.axis_names(self.plane))
        layout = (
            plane_layout(self.run.data, titled, self.extent, height, self.painted) | player_layout(name) | dict(images=images)
        )
        if self.narrow:
            layout["margin"] = NARROW_MARGIN
            for axis in ("xaxis", "yaxis"):
                layout[axis] = layout[axis] | dict(title=None, nticks=4)
        if self.margins:
            self.margins.add_axes(layout)
        return Figure([points, *static[1:], *lines, *moving, *margin_traces], layout, frames)

    def _recolors(self, i: int) -> bool:
        """Whether point colors of frame i may differ from those of the previous frame."""
        frame, before = self.frames[i], self.frames[i - 1]
        states = self.run.history.states
        skipped = states[frame.assigned].iteration != states[before.assigned].iteration + 1
        soft = self.view.traits.membership is not None
        return skipped or soft or not self.run.has_fixed_clusters or states[frame.assigned].assignment.changed > 0

    @cached_property
    def rows(self) -> np.ndarray:
        """Points that have a tooltip."""
        n = len(self.xy)
        if not self.painted:
            return np.arange(n)
        return hoverable_rows(n) if self.run.data.occurrences is None else np.arange(min(n, MAX_HOVERABLE))

    def _points(self) -> dict:
        names = name_labels(self.run.data, self.rows, thinned=True) if self.with_names else {}
        return point_trace(self.run.data, self.plane, self.xy, self.rows) | names

    @property
    def _constant_labels(self) -> np.ndarray | None:
        """(n,) true labels, if they determine the colors of a method without clusters."""
        return self.run.data.labels if self.view.colors_by_true_label else None

    def _colors(self, frame: Frame) -> list[str]:
        """Colors of the clusters in a frame."""
        state = len(self.run.history.states) - 1 if frame.assigned is None else frame.assigned
        return [palette.color_of(rank) for rank in self.run.ranks_of(state)]

    def _markers(self, frame: Frame) -> dict:
        """Colors and symbols of the points, and their sizes if they differ."""
        sizes = self.view.point_sizes(self.run, frame.state)
        sizes = {} if sizes is None else dict(size=np.rint(marker_size(len(self.xy)) * sizes).astype(np.uint8))
        return self._marker_colors(frame) | sizes

    def _marker_colors(self, frame: Frame) -> dict:
        n = len(self.xy)
        if not self.view.traits.clusters:
            labels = self._constant_labels
            if labels is None:
                return dict(color=palette.NEUTRAL)
            return dict(color=[palette.NEUTRAL if label < 0 else palette.color_of(label) for label in labels.tolist()])
        if frame.assigned is None:
            return dict(color=[palette.NEUTRAL] * n, symbol=np.zeros(n, dtype=np.uint8))
        assignment, colors = self.run.history.assignment(frame.assigned), self._colors(frame)
        labels, symbols = assignment.labels, _symbols(self.run.ranks_of(frame.assigned))
        if assignment.memberships is not None:
            color = palette.blend(assignment.memberships, colors)
        else:
            # the extra color is for label -1
            colors = [*colors, palette.NEUTRAL]
            color = [colors[label] for label in labels.tolist()]
        return dict(color=color, symbol=np.append(symbols, np.uint8(0))[labels])

    def _paint_all_rows(self, on_progress) -> dict[int | None, str]:
        """Image of all rows of a table on the server, for each assignment in the frames."""
        states = sorted({frame.assigned for frame in self.frames} - {None})
        key = "images of all rows", tuple(states), self.plane.names, self.extent
        return self.run.cached(key, lambda: painted_rows(self.run, states, self.plane, self.extent, on_progress))

    def _painted(self, frame: Frame, canvas: paint.Canvas) -> str:
        if self.painted_rows:
            return self.painted_rows[frame.assigned]
        if frame.assigned is None:
            return canvas.paint(palette.rgb([palette.NEUTRAL]))
        assignment, colors = self.run.history.assignment(frame.assigned), self._colors(frame)
        if assignment.memberships is not None:
            memberships, colors = palette.with_noise(assignment.memberships, colors)
            return canvas.paint(palette.rgb(colors), responsibilities=memberships.T)
        # colors repeat, and an image has few of them; the extra entry is for label -1
        of_label = np.append(self.run.ranks_of(frame.assigned) % len(palette.COLORS), len(palette.COLORS))
        used, labels = np.unique(of_label[assignment.labels], return_inverse=True)
        return canvas.paint(palette.rgb([*palette.COLORS, palette.NEUTRAL])[used], labels=labels)

    def _painted_by_true_label(self, canvas: paint.Canvas) -> str:
        labels = self._constant_labels
        if labels is None:
            return canvas.paint(palette.rgb([palette.NEUTRAL]))
        colors = [palette.NEUTRAL, *(palette.color_of(label) for label in range(labels.max() + 1))]
        return canvas.paint(palette.rgb(colors), labels=labels + 1)

    def _moving(self, frame: Frame) -> list[dict]:
        """Traces that can change in each frame: a line for each cluster, the highlight, and the centers."""
        parts = self._lines(frame)
        if self.view.highlights:
            line = self.view.highlight(self.run, frame.state, self.plane)
            shape = EMPTY_LINE if line is None else dict(zip("xy", line.T.astype(self.dtype), strict=True))
            parts += [shape] * len(self.view.highlights)
        if self.centers is not None:
            badges = self._centers(frame)
            parts += [badges, badges | self._marks(frame)]
        return parts

    def _line_styles(self) -> list[dict]:
        """Style of the line of each cluster."""
        filled = self.view.fills_outlines(self.run.settings)
        colors = [palette.color_of(rank) for rank in self.run.ranks]
        colors += [palette.color_of(number) for number in range(len(colors), self.n_lines)]
        return [
            dict(type="scatter", mode="lines", hoverinfo="skip", line=dict(color=color, width=1.6 if filled else 2.2))
            | (dict(fill="toself", fillcolor=palette.translucent(color)) if filled else {})
            for color in colors
        ]

    def _styles(self) -> list[dict]:
        """Styles of the traces of `_moving`."""
        styles = [*self._line_styles(), *self.view.highlights]
        return styles + (self._center_styles() if self.centers is not None else [])

    def _lines(self, frame: Frame) -> list[dict]:
        """One line for each cluster: the trail of its center, followed by its outline."""
        outlines = self.view.outlines(self.run, frame.state, self.plane)
        if self.centers is None or not self.run.has_fixed_clusters:
            return [self._line([outline]) for outline in outlines] + [EMPTY_LINE] * (self.n_lines - len(outlines))
        # The player interpolates between consecutive frames, so their trails need the same number of points: the last
        # position is repeated in frames before a move, and in frames in which the centers could move but stay.
        stays = not frame.moves or frame.parameters != frame.state
        states = self._trail(frame) + ([frame.parameters] if stays and frame.assigned is not None else [])
        trails = np.stack([self._drawn_centers(frame.state, s) for s in states], axis=1)  # (k, steps, 2)
        return [self._line([trail, *outlines[cluster : cluster + 1]]) for cluster, trail in enumerate(trails)]

    def _line(self, parts: list[np.ndarray]) -> dict:
        gap = np.full((1, 2), np.nan)
        x, y = np.concatenate([piece for part in parts for piece in (part, gap)])[:-1].T.astype(self.dtype)
        return dict(x=x, y=y)

    def _trail(self, frame: Frame) -> list[int]:
        return sorted({other.parameters for other in self.frames if other.parameters <= frame.parameters})

    def _drawn_centers(self, state: int, positions: int) -> np.ndarray:
        """(k, 2) centers of the state `positions`; NaN for those that are hidden in `state`."""
        hidden, centers = self.view.hidden_centers(self.run, state), self.centers[positions]
        return centers if hidden is None else np.where(hidden[:, None], np.nan, centers)

    def _centers(self, frame: Frame) -> dict:
        x, y = self._drawn_centers(frame.state, frame.state).T.astype(self.dtype)
        return dict(x=x, y=y) | (dict(text=self._center_names(frame)) if self.names_centers else {})

    def _marks(self, frame: Frame) -> dict:
        """Colors and symbols of the centers, if their number varies."""
        if self.run.has_fixed_clusters:
            return {}
        ranks = self.run.ranks_of(frame.state)
        return dict(marker=dict(color=[palette.color_of(rank) for rank in ranks], symbol=_symbols(ranks)))

    def _center_names(self, frame: Frame) -> list[str]:
        names = self.view.center_names(self.run.history.states[frame.state].parameters, self.run.data)
        return [f"<b>{escape_html(truncate(name))}</b>" for name in names]

    def _center_styles(self) -> list[dict]:
        """Styles of the centers: a colored symbol on a light disk with a dark edge, visible on any background."""
        ranks, colors = self.run.ranks, [palette.color_of(rank) for rank in self.run.ranks]
        hover = dict(
            customdata=[escape_html(self.run.number_and_name(rank)) for rank in ranks],
            hovertemplate=f"{self.view.traits.center} %{{customdata}}<br>%{{x}}, %{{y}}<extra></extra>",
        )
        trace = dict(type="scatter", mode="markers", meta="centers")  # the player finds them by this name
        if self.view.names_centers:  # a ring, so that the data point stays visible
            circles = [
                dict(symbol="circle-open", size=19, line=dict(width=7)),
                dict(symbol="circle-open", size=19, line=dict(width=3.5)),
            ]
            named = dict(mode="markers+text", textposition="top center", textfont=dict(size=14)) if self.names_centers else {}
            return [
                trace | dict(hoverinfo="skip", marker=circles[0] | dict(color=DARK)),
                trace | hover | dict(marker=circles[1] | dict(color=colors)) | named,
            ]
        badge = dict(symbol="circle", size=19, color=LIGHT, line=dict(width=2.5, color=DARK))
        symbol = [palette.symbol_of(rank) for rank in ranks]
        named = {}
        if self.run.given_names and self.run.has_fixed_clusters:
            texts = [f"<b>{escape_html(self.run.given_names[rank])}</b>" for rank in ranks]
            named = dict(mode="markers+text", text=texts, textposition="top center", textfont=dict(size=14))
        return [
            trace | dict(hoverinfo="skip", marker=badge),
            trace | hover | dict(marker=dict(symbol=symbol, size=10.5, color=colors)) | named,
        ]


def _symbols(ranks: np.ndarray) -> np.ndarray:
    """Plotly's symbol numbers for cluster ranks."""
    return palette.SYMBOL_NUMBERS[ranks % len(palette.SYMBOL_NUMBERS)]

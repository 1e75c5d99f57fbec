"""The moving picture of a run: its points in the colors of their clusters, with centers, outlines and the way they came.

It has one frame per frame of the run, named "0", "1", …, and is first shown as the last of them. A frame in which only centers
move builds on the frame before it (`baseframe`), so it holds only what moved.
"""

from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go

from pages.datasets.formatting import escape_html, minus_signs, pluralize
from pages.datasets.planes import Plane
from pages.figures import paint, palette
from pages.figures.grids import Grid
from pages.figures.plots import (
    DARK,
    EMPTY_LINE,
    LIGHT,
    MAX_ANIMATED_MARKERS,
    AnimatedFigure,
    extent_size,
    highlight_traces,
    hoverable_rows,
    image_position,
    marker_size,
    name_labels,
    plane_layout,
    player_layout,
    point_trace,
    precision,
    rings,
)
from pages.runs.frames import Frame
from pages.runs.run import Run

HEIGHT = 520
GRID = (320, 480)
"""rows and columns of the shaded regions"""


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
) -> go.Figure:
    """The points in the colors of their clusters, with centers, outlines and the way that the centers came.

    `name` becomes the layout's `meta`. `on_progress` is called with the share of the frames that is done; an exception that it
    raises ends the work. `background`, `Regions` or `mixture.density.Density`, paints what is below the points; `margins`,
    `mixture.density.Margins`, draws what stands beside them: both are called with run, plane and extent. `height` is in
    pixels; above so many `markers` the points are painted; `extent` is by default that of the run.
    """
    extent = extent or extent_of([run], plane)
    # in a small picture words would cover each other
    drawn = _Picture(run, frames, plane, markers, extent, height >= HEIGHT)
    drawn.background = background and background(run, plane, extent)
    drawn.margins = margins and margins(run, plane, extent)
    return drawn.figure(name, height, on_progress)


def extent_of(runs: list[Run], plane: Plane) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of a picture that has room for all that these runs, of the same data, will show."""
    xy = plane.places(runs[0].data.points)
    corners = [xy.min(axis=0), xy.max(axis=0)]
    for run in runs:
        places = [plane.project(centers) for centers in run.centers or ()]
        places += run.view.outlines(run, len(run.history.states) - 1, plane)  # those that it ends with
        for place in places:
            if place.size and not np.isnan(place).all():
                corners += [np.nanmin(place, axis=0), np.nanmax(place, axis=0)]
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    middle, size = low + (high - low) / 2, extent_size(low, high)
    low, high = middle - 0.55 * size, middle + 0.55 * size
    if runs[0].data.to_scale:  # neither flat nor tall, so that the axes have little to add
        width, height = high - low
        lack = np.array([max(0.0, height / 0.85 - width), max(0.0, 0.65 * width - height)])
        low, high = low - lack / 2, high + lack / 2
    return float(low[0]), float(high[0]), float(low[1]), float(high[1])


MAX_DESCRIBED = 12
"""clusters that are described one by one"""


def alt_text(run: Run, frame: Frame) -> str:
    """The picture of this frame in words, for those who cannot see it."""
    k = run.k
    told = (
        f"Scatter plot of {len(run.data.points):,} points of {run.data.title} in {pluralize(k, 'cluster')}. {frame.sentence}"
    )
    if k > MAX_DESCRIBED or run.centers is None or not run.has_fixed_clusters:
        return told
    clusters = []
    for i in np.argsort(run.ranks):
        words = f"{run.ranks[i] + 1}"
        if run.data.precomputed is None:
            place = minus_signs(", ".join(f"{value:.3g}" for value in run.centers[frame.state][i][:3]))
            words += f" with its {run.view.traits.center} at {place}"
        if frame.assigned is not None:
            words += f" of {run.history.states[frame.assigned].assignment.sizes[i]:,.0f} points"
        clusters.append(words)
    return f"{told} Cluster{'s' * (k > 1)} {'; '.join(clusters)}."


class Regions:
    """To which cluster each place belongs, for runs whose points have no other dimension than those of the plane."""

    def __init__(self, run: Run, plane: Plane, extent: tuple[float, float, float, float]):
        self.run = run
        left, right, bottom, top = extent
        if run.data.to_scale:  # an axis shows more than this, in a window of other proportions
            width, height = right - left, top - bottom
            left, right, bottom, top = left - 0.8 * width, right + 0.8 * width, bottom - 0.8 * height, top + 0.8 * height
        self.extent = left, right, bottom, top
        # axes are unit vectors: back to columns
        self.grid = Grid(self.extent, GRID, plane.axes)

    def source(self, state: int) -> str:
        """The picture of them by the parameters of this state."""
        parameters = self.run.history.states[state].parameters
        colors = palette.rgb([palette.color_of(rank) for rank in self.run.ranks_of(state)])
        return paint.regions(self.run.view.regions(self.run, parameters, self.grid), colors)


class _Picture:
    background = margins = None

    def __init__(self, run: Run, frames: list[Frame], plane: Plane, markers: int, extent, roomy: bool):
        self.run, self.frames, self.plane = run, frames, plane
        self.view = run.view
        assigned = [frame.assigned for frame in frames if frame.assigned is not None]
        self.many = max(len(run.ranks_of(state)) for state in [*assigned, len(run.history.states) - 1])
        """of clusters, in the frame that has most of them"""
        self.xy = plane.places(run.data.points)
        self.centers = None if run.centers is None else [plane.project(centers) for centers in run.centers]
        self.painted = len(self.xy) > markers
        self.names_centers = self.view.names_centers and run.data.names is not None and run.k <= 30
        self.extent, self.roomy = extent, roomy
        left, right, bottom, top = self.extent
        self.dtype = np.result_type(precision(left, right), precision(bottom, top))
        if self.painted:
            height = round(paint.WIDTH * (top - bottom) / (right - left)) if run.data.to_scale else paint.HEIGHT
            self.canvas = paint.Canvas(*self.xy.T, self.extent, height)

    def figure(self, name: str, height: int, on_progress) -> go.Figure:
        drawn = {}
        frames = []
        still = [None, *rings(self.run.data, self.xy)]  # the points, whose place is kept here, and what never changes
        still += self.margins.static_traces() if self.margins else []
        first = next((i for i, frame in enumerate(self.frames) if frame.assigned is not None), 0)
        steady = [self._line([line]) for line in self.view.static_outlines(self.run, self.plane)]
        colored = 0  # the last frame that says how the points look
        for i, frame in enumerate(self.frames):
            on_progress(i / len(self.frames))
            data = self._moving(frame) + (self.margins.at(frame.parameters) if self.margins else [])
            traces = list(range(len(still) + len(steady), len(still) + len(steady) + len(data)))
            if frame.moves and self.centers is None:  # no lines move
                data, traces = data[self.many :], traces[self.many :]
            if steady and i <= first:
                data = (steady if i == first else [EMPTY_LINE] * len(steady)) + data
                traces = list(range(len(still), len(still) + len(steady))) + traces
            spec, images = dict(name=str(i)), []
            if self.background:
                if frame.parameters not in drawn:
                    drawn[frame.parameters] = self.background.source(frame.parameters)
                images.append(dict(source=drawn[frame.parameters]))
            if frame.moves:
                spec["baseframe"] = str(i - 1)
            elif i > first and not self._recolors(i):
                spec["baseframe"] = str(colored)
            else:
                if steady and i > first:
                    spec["baseframe"] = str(first)
                colored = i
                if self.painted:
                    points_source = self._painted(frame)
                    images.append(dict(source=points_source))
                else:
                    traces, data = [0] + traces, [dict(marker=self._marker_colors(frame))] + data
            frames.append(spec | dict(data=data, traces=traces) | (dict(layout=dict(images=images)) if images else {}))
        if self.painted:
            # they answer to the pointer without a mark, which takes the browser long to draw even if it cannot be seen
            points = self._points(hoverable_rows(len(self.xy))) | dict(mode="none")
        else:
            points = self._points(np.arange(len(self.xy)))
            points["marker"] = dict(size=marker_size(len(self.xy)), opacity=0.8, line=dict(width=0)) | self._marker_colors(
                self.frames[-1]
            )
        lines = [style | line for style, line in zip(self._line_styles(), steady, strict=False)]
        moving = [
            style | part | (dict(marker=style["marker"] | part["marker"]) if "marker" in part else {})
            for style, part in zip(self._styles(), self._moving(self.frames[-1]), strict=True)
        ]
        beside = self.margins.traces(self.frames[-1].parameters) if self.margins else []
        shown = [(self.background.extent, drawn[self.frames[-1].parameters])] if self.background else []
        shown += [(self.extent, points_source)] if self.painted else []
        images = []
        for extent, source in shown:
            place = image_position(extent) | dict(source=source)
            # Plotly takes images of the very same place for one and the same, so each is a hair's breadth wider
            place["sizex"] *= 1 + 1e-9 * len(images)
            # where a density is below, the points let it be seen
            faint = dict(opacity=0.6) if self.margins and self.painted and len(images) == len(shown) - 1 else {}
            images.append(place | faint)
        layout = (
            plane_layout(self.run.data, self.plane, self.extent, height, self.painted)
            | player_layout(name)
            | dict(images=images)
        )
        if self.margins:
            self.margins.add_axes(layout)
        return AnimatedFigure([points, *still[1:], *lines, *moving, *beside], layout, frames)

    def _recolors(self, i: int) -> bool:
        """Whether points of frame i may look different from those of the frame before."""
        frame, before = self.frames[i], self.frames[i - 1]
        states = self.run.history.states
        skipped = states[frame.assigned].iteration != states[before.assigned].iteration + 1
        soft = self.view.traits.share is not None
        return skipped or soft or not self.run.has_fixed_clusters or states[frame.assigned].assignment.changed > 0

    def _points(self, rows) -> dict:
        return point_trace(self.run.data, self.plane, self.xy, rows) | (name_labels(self.run.data, rows) if self.roomy else {})

    def _colors(self, frame: Frame) -> list[str]:
        """The colors of the clusters of this frame."""
        state = len(self.run.history.states) - 1 if frame.assigned is None else frame.assigned
        return [palette.color_of(rank) for rank in self.run.ranks_of(state)]

    def _marker_colors(self, frame: Frame) -> dict:
        n = len(self.xy)
        if frame.assigned is None:
            return dict(color=[palette.NEUTRAL] * n, symbol=np.zeros(n, dtype=np.uint8))
        assignment, colors = self.run.history.assignment(frame.assigned), self._colors(frame)
        labels, symbols = assignment.labels, _symbols(self.run.ranks_of(frame.assigned))
        if assignment.shares is not None:
            color = palette.blend(assignment.shares, colors)
        else:
            # the last one is what -1, no cluster, picks
            colors = [*colors, palette.NEUTRAL]
            color = [colors[label] for label in labels.tolist()]
        return dict(color=color, symbol=np.append(symbols, np.uint8(0))[labels])

    def _painted(self, frame: Frame) -> str:
        if frame.assigned is None:
            return self.canvas.paint(palette.rgb([palette.NEUTRAL]))
        assignment, colors = self.run.history.assignment(frame.assigned), self._colors(frame)
        if assignment.shares is not None:
            return self.canvas.paint(palette.rgb(colors), responsibilities=assignment.shares.T)
        if assignment.labels.min() < 0:
            return self.canvas.paint(palette.rgb([palette.NEUTRAL, *colors]), labels=assignment.labels + 1)
        return self.canvas.paint(palette.rgb(colors), labels=assignment.labels)

    def _moving(self, frame: Frame) -> list[dict]:
        """What may be another in each frame: a line for each cluster, the line of what happens now, and the centers."""
        parts = self._lines(frame)
        if self.view.highlights:
            line = self.view.highlight(self.run, frame.state, self.plane)
            parts += 2 * [EMPTY_LINE if line is None else dict(zip("xy", line.T.astype(self.dtype), strict=True))]
        if self.centers is not None:
            badges = self._centers(frame)
            parts += [badges, badges | self._marks(frame)]
        return parts

    def _line_styles(self) -> list[dict]:
        """How the line of each cluster is drawn."""
        filled = self.view.fills_outlines(self.run.settings)
        colors = [palette.color_of(rank) for rank in self.run.ranks]
        colors += [palette.color_of(number) for number in range(len(colors), self.many)]
        return [
            dict(type="scatter", mode="lines", hoverinfo="skip", line=dict(color=color, width=1.6 if filled else 2.2))
            | (dict(fill="toself", fillcolor=palette.translucent(color)) if filled else {})
            for color in colors
        ]

    def _styles(self) -> list[dict]:
        """How the parts of `_moving` are drawn."""
        styles = self._line_styles() + (highlight_traces("lines+markers", 7) if self.view.highlights else [])
        return styles + (self._center_styles() if self.centers is not None else [])

    def _lines(self, frame: Frame) -> list[dict]:
        """Per cluster one broken line: the way that its center came, then its outlines."""
        outlines = self.view.outlines(self.run, frame.state, self.plane)
        if self.centers is None or not self.run.has_fixed_clusters:
            return [self._line([outline]) for outline in outlines] + [EMPTY_LINE] * (self.many - len(outlines))
        # the trail of a frame with a new assignment ends in the same place twice, so that it can be moved into that of the
        # frame in which the centers move point by point; so does that of a frame in which they could move but stay
        stays = not frame.moves or frame.parameters != frame.state
        states = self._trail(frame) + ([frame.parameters] if stays and frame.assigned is not None else [])
        trails = np.stack([self.centers[s] for s in states], axis=1)  # (k, steps, 2)
        return [self._line([trail, *outlines[cluster : cluster + 1]]) for cluster, trail in enumerate(trails)]

    def _line(self, parts: list[np.ndarray]) -> dict:
        gap = np.full((1, 2), np.nan)
        x, y = np.concatenate([piece for part in parts for piece in (part, gap)])[:-1].T.astype(self.dtype)
        return dict(x=x, y=y)

    def _trail(self, frame: Frame) -> list[int]:
        return sorted({other.parameters for other in self.frames if other.parameters <= frame.parameters})

    def _centers(self, frame: Frame) -> dict:
        x, y = self.centers[frame.state].T.astype(self.dtype)
        return dict(x=x, y=y) | (dict(text=self._center_names(frame)) if self.names_centers else {})

    def _marks(self, frame: Frame) -> dict:
        """How the marks on the badges look, where their number changes."""
        if self.run.has_fixed_clusters:
            return {}
        ranks = self.run.ranks_of(frame.state)
        return dict(marker=dict(color=[palette.color_of(rank) for rank in ranks], symbol=_symbols(ranks)))

    def _center_names(self, frame: Frame) -> list[str]:
        names = self.view.center_names(self.run.history.states[frame.state].parameters, self.run.data)
        return [f"<b>{escape_html(name)}</b>" for name in names]

    def _center_styles(self) -> list[dict]:
        """A light badge with a dark edge, and on it the mark: seen on any background, and on points of its own color."""
        ranks, colors = self.run.ranks, [palette.color_of(rank) for rank in self.run.ranks]
        hover = dict(
            customdata=ranks + 1,
            hovertemplate=f"{self.view.traits.center} %{{customdata}}<br>%{{x}}, %{{y}}<extra></extra>",
        )
        trace = dict(type="scatter", mode="markers")
        if self.view.names_centers:  # a ring, which leaves the point that it stands on to be seen
            halves = [
                dict(symbol="circle-open", size=19, line=dict(width=7)),
                dict(symbol="circle-open", size=19, line=dict(width=3.5)),
            ]
            named = dict(mode="markers+text", textposition="top center", textfont=dict(size=14)) if self.names_centers else {}
            return [
                trace | dict(hoverinfo="skip", marker=halves[0] | dict(color=DARK)),
                trace | hover | dict(marker=halves[1] | dict(color=colors)) | named,
            ]
        badge = dict(symbol="circle", size=19, color=LIGHT, line=dict(width=2.5, color=DARK))
        symbol = [palette.symbol_of(rank) for rank in ranks]
        return [
            trace | dict(hoverinfo="skip", marker=badge),
            trace | hover | dict(marker=dict(symbol=symbol, size=10.5, color=colors)),
        ]


def _symbols(ranks: np.ndarray) -> np.ndarray:
    """The marker shapes of clusters, as Plotly numbers them."""
    return palette.SYMBOL_NUMBERS[ranks % len(palette.SYMBOL_NUMBERS)]

"""The picture of a run that moves: its points in the colours of their clusters, with centers, medoids or ellipses.

It has one frame per frame of the storyboard, named "0", "1", …, and is first shown as the last of them. An M frame builds on
the E frame before it (`baseframe`), so it holds only what moved.
"""

import numpy as np
import plotly.graph_objects as go
from scipy.spatial.distance import cdist

from pages.datasets.data import SCIPY_METRICS
from pages.datasets.formatting import counted, safe
from pages.datasets.planes import Plane
from pages.figures import paint, palette
from pages.figures.grids import Grid
from pages.figures.plots import (
    MOST_MOVING,
    dots,
    driven,
    figure,
    hovered,
    layout_of,
    marker_size,
    placed,
    precision,
    rings,
    size_of,
    written,
)
from pages.runs.frames import Frame
from pages.runs.run import MIDDLES, Run

HEIGHT = 520
GRID = (320, 480)
"""rows and columns of the shaded regions"""
ANGLES = np.linspace(0, 2 * np.pi, 37)
CIRCLE = np.stack([np.cos(ANGLES), np.sin(ANGLES)])


def picture(
    run: Run,
    frames: list[Frame],
    plane: Plane,
    name: str,
    watch=lambda share: None,
    *,
    ground=None,
    margins=None,
    height: int = HEIGHT,
    markers: int = MOST_MOVING,
    extent: tuple[float, float, float, float] | None = None,
) -> go.Figure:
    """The points in the colours of their clusters, with centers, medoids or ellipses and the way that they came.

    `name` becomes the layout's `meta`. `watch` is told the share of the frames that is done; what it raises ends the work.
    `ground`, `Regions` or `mixing.Density`, paints what is below the points; `margins`, `mixing.Margins`, draws what stands
    beside them: both are called with run, plane and extent. `height` is in pixels; above so many `markers` the points are
    painted; `extent` is by default that of the run.
    """
    extent = extent or extent_of([run], plane)
    # in a small picture words would cover each other
    drawn = _Picture(run, frames, plane, markers, extent, height >= HEIGHT)
    drawn.ground = ground and ground(run, plane, extent)
    drawn.margins = margins and margins(run, plane, extent)
    return drawn.figure(name, height, watch)


def extent_of(runs: list[Run], plane: Plane) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of a picture that has room for all that these runs, of the same data, will show."""
    xy = plane.places(runs[0].data.points)
    corners = [xy.min(axis=0), xy.max(axis=0)]
    for run in runs:
        middles = [plane.project(centers) for centers in run.centers]
        corners += [m.min(axis=0) for m in middles] + [m.max(axis=0) for m in middles]
        if run.settings.algorithm == "mixture":  # the ellipses that it ends with
            covariances = plane.project_covariances(run.history.parameters[-1].covariances)
            reach = 2 * np.sqrt(np.maximum(np.diagonal(covariances, axis1=1, axis2=2), 0))
            corners += [(middles[-1] - reach).min(axis=0), (middles[-1] + reach).max(axis=0)]
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    middle, size = low + (high - low) / 2, size_of(low, high)
    low, high = middle - 0.55 * size, middle + 0.55 * size
    if runs[0].data.to_scale:  # neither flat nor tall, so that the axes have little to add
        width, height = high - low
        lack = np.array([max(0.0, height / 0.85 - width), max(0.0, 0.65 * width - height)])
        low, high = low - lack / 2, high + lack / 2
    return float(low[0]), float(high[0]), float(low[1]), float(high[1])


def ellipses(covariances: np.ndarray, plane: Plane) -> np.ndarray:
    """(k, 37, 2) the curves at one standard deviation from the mean of each Gaussian, as they are seen in the plane."""
    values, vectors = np.linalg.eigh(plane.project_covariances(covariances))
    half = (vectors * np.sqrt(np.maximum(values, 0))[:, None, :]) @ vectors.transpose(0, 2, 1)
    return (half @ CIRCLE).transpose(0, 2, 1)


MOST_DESCRIBED = 12
"""clusters that are told of one by one"""


def described(run: Run, frame: Frame) -> str:
    """The picture of this frame in words, for those who cannot see it."""
    k = run.settings.k
    told = f"Scatter plot of {len(run.data.points):,} points of {run.data.title} in {counted(k, 'cluster')}. {frame.sentence}"
    if k > MOST_DESCRIBED or run.settings.algorithm == "tree":  # whose groups are others in each frame
        return told
    clusters = []
    for i in np.argsort(run.ranks):
        words = f"{run.ranks[i] + 1}"
        if run.data.given is None:
            place = ", ".join(f"{value:.3g}" for value in run.centers[frame.parameters][i][:3]).replace("-", "−")
            words += f" with its {MIDDLES[run.settings.algorithm]} at {place}"
        if frame.assignment is not None:
            words += f" of {run.history.sizes[frame.assignment][i]:,.0f} points"
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
        self.colors = palette.rgb([palette.color_of(rank) for rank in run.ranks])
        # axes are unit vectors: back to columns
        self.grid = Grid(self.extent, GRID, plane.axes)

    def source(self, t: int) -> str:
        """The picture of them by the parameters of state t."""
        settings, centers = self.run.settings, self.run.centers[t]
        if settings.algorithm == "mixture":
            labels = self.grid.labels(self.run.history.parameters[t])
        elif settings.algorithm == "kmeans" or settings.metric in ("euclidean", "squared euclidean"):
            labels = self.grid.nearest(centers)
        else:
            labels = cdist(self.grid.points, centers, SCIPY_METRICS[settings.metric]).argmin(axis=1).reshape(GRID)
        return paint.regions(labels, self.colors)


class _Picture:
    ground = margins = None

    def __init__(self, run: Run, frames: list[Frame], plane: Plane, markers: int, extent, roomy: bool):
        self.run, self.frames, self.plane = run, frames, plane
        self.mixture = run.settings.algorithm == "mixture"
        self.ranks = run.ranks
        self.colors = [palette.color_of(rank) for rank in self.ranks]
        self.symbols = palette.SYMBOL_NUMBERS[self.ranks % len(palette.SYMBOL_NUMBERS)]
        self.xy = plane.places(run.data.points)
        self.middles = [plane.project(centers) for centers in run.centers]
        self.painted = len(self.xy) > markers
        self.names_medoids = run.settings.algorithm == "kmedoids" and run.data.names is not None and run.settings.k <= 30
        self.extent, self.roomy = extent, roomy
        left, right, bottom, top = self.extent
        self.dtype = np.result_type(precision(left, right), precision(bottom, top))
        if self.painted:
            height = round(paint.WIDTH * (top - bottom) / (right - left)) if run.data.to_scale else paint.HEIGHT
            self.canvas = paint.Canvas(*self.xy.T, self.extent, height)

    def figure(self, name: str, height: int, watch) -> go.Figure:
        drawn = {}
        frames = []
        still = [None, *rings(self.run.data, self.xy)]  # the points, whose place is kept here, and what never changes
        still += self.margins.still() if self.margins else []
        for i, frame in enumerate(self.frames):
            watch(i / len(self.frames))
            data = self._outlines(frame) + 2 * [self._centers(frame)]
            data += self.margins.at(frame.parameters) if self.margins else []
            traces = list(range(len(still), len(still) + len(data)))
            images = []
            spec = dict(name=str(i))
            if self.ground:
                if frame.parameters not in drawn:
                    drawn[frame.parameters] = self.ground.source(frame.parameters)
                images.append(dict(source=drawn[frame.parameters]))
            if frame.kind == "M" and self.frames[i - 1].assignment == frame.assignment:
                spec["baseframe"] = str(i - 1)
            elif self.painted:
                images.append(dict(source=self._painted(frame)))
            else:
                traces, data = [0] + traces, [dict(marker=self._marker_colors(frame))] + data
            frames.append(spec | dict(data=data, traces=traces) | (dict(layout=dict(images=images)) if images else {}))
        last = frames[-1]
        if self.painted:
            # they answer to the pointer without a mark, which takes the browser long to draw even if it cannot be seen
            points = self._points(hovered(len(self.xy))) | dict(mode="none")
        else:
            points = self._points(np.arange(len(self.xy)))
            points["marker"] = (
                dict(size=marker_size(len(self.xy)), opacity=0.8, line=dict(width=0)) | last["data"][0]["marker"]
            )
        moving = self._outlines(self.frames[-1])
        outlines = [
            dict(type="scatter", mode="lines", line=dict(color=color, width=2.2), hoverinfo="skip", **line)
            for color, line in zip(self.colors, moving, strict=True)
        ]
        centers = [style | self._centers(self.frames[-1]) for style in self._center_styles()]
        beside = self.margins.traces(self.frames[-1].parameters) if self.margins else []
        places = ([self.ground.extent] if self.ground else []) + [self.extent] * self.painted
        images = []
        for own, extent in zip(last.get("layout", {}).get("images", []), places, strict=True):
            place = placed(extent)
            # Plotly takes images of the very same place for one and the same, so each is a hair's breadth wider
            place["sizex"] *= 1 + 1e-9 * len(images)
            # where a density is below, the points let it be seen
            faint = dict(opacity=0.6) if self.margins and self.painted and len(images) == len(places) - 1 else {}
            images.append(place | own | faint)
        layout = layout_of(self.run.data, self.plane, self.extent, height, self.painted) | driven(name) | dict(images=images)
        if self.margins:
            self.margins.lay_out(layout)
        return figure([points, *still[1:], *outlines, *centers, *beside], layout, frames)

    def _points(self, rows) -> dict:
        return dots(self.run.data, self.plane, self.xy, rows) | (written(self.run.data, rows) if self.roomy else {})

    def _marker_colors(self, frame: Frame) -> dict:
        n = len(self.xy)
        if frame.assignment is None:
            return dict(color=[palette.NEUTRAL] * n, symbol=np.zeros(n, dtype=np.uint8))
        assignment = self.run.history.frame(frame.assignment)
        labels = assignment.labels
        if self.mixture:
            color = palette.blended(assignment.responsibilities, self.colors)
        else:
            color = [self.colors[label] for label in labels.tolist()]
        return dict(color=color, symbol=self.symbols[labels])

    def _painted(self, frame: Frame) -> str:
        if frame.assignment is None:
            return self.canvas.paint(palette.rgb([palette.NEUTRAL]))
        assignment = self.run.history.frame(frame.assignment)
        colors = palette.rgb(self.colors)
        if self.mixture:
            return self.canvas.paint(colors, responsibilities=assignment.rows)
        return self.canvas.paint(colors, labels=assignment.labels)

    def _outlines(self, frame: Frame) -> list[dict]:
        """Per cluster one broken line: the way that its center came, then the ellipses of its Gaussian."""
        # the trail of an E frame ends in the same place twice, so that it can be moved into that of the M frame point by point
        t = frame.parameters
        states = self._trail(t) + ([t] if frame.kind == "E" else [])
        lines = np.stack([self.middles[s] for s in states], axis=1)  # (k, steps, 2)
        if self.mixture:
            ellipse = ellipses(self.run.history.parameters[t].covariances, self.plane)
            gap = np.full((len(lines), 1, 2), np.nan)
            middle = self.middles[t][:, None, :]
            lines = np.concatenate([lines, gap, middle + ellipse, gap, middle + 2 * ellipse], axis=1)
        return [dict(x=x, y=y) for x, y in lines.transpose(0, 2, 1).astype(self.dtype)]

    def _trail(self, t: int) -> list[int]:
        shown = sorted({frame.parameters for frame in self.frames if frame.parameters <= t})
        return shown

    def _centers(self, frame: Frame) -> dict:
        x, y = self.middles[frame.parameters].T.astype(self.dtype)
        named = dict(text=self._medoid_names(frame.parameters)) if self.names_medoids else {}
        return dict(x=x, y=y) | named

    def _medoid_names(self, t: int) -> list[str]:
        return [f"<b>{safe(name)}</b>" for name in self.run.data.called(self.run.history.parameters[t])]

    def _center_styles(self) -> list[dict]:
        """A light badge with a dark edge, and on it the mark: seen on any ground, and on points of its own colour."""
        what = {"kmeans": "center", "kmedoids": "medoid", "mixture": "mean"}[self.run.settings.algorithm]
        hover = dict(
            customdata=self.ranks + 1,
            hovertemplate=f"{what} %{{customdata}}<br>%{{x}}, %{{y}}<extra></extra>",
        )
        trace = dict(type="scatter", mode="markers")
        if what == "medoid":  # a ring, which leaves the point that it stands on to be seen
            halves = [
                dict(symbol="circle-open", size=19, line=dict(width=7)),
                dict(symbol="circle-open", size=19, line=dict(width=3.5)),
            ]
            named = dict(mode="markers+text", textposition="top center", textfont=dict(size=14)) if self.names_medoids else {}
            return [
                trace | dict(hoverinfo="skip", marker=halves[0] | dict(color="#26262c")),
                trace | hover | dict(marker=halves[1] | dict(color=self.colors)) | named,
            ]
        badge = dict(symbol="circle", size=19, color="#ffffff", line=dict(width=2.5, color="#26262c"))
        symbol = [palette.symbol_of(rank) for rank in self.ranks]
        return [
            trace | dict(hoverinfo="skip", marker=badge),
            trace | hover | dict(marker=dict(symbol=symbol, size=10.5, color=self.colors)),
        ]

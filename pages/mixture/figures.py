"""Figures of what a fitted mixture says about its points, and of points drawn from it. No Streamlit."""

import numpy as np
import plotly.graph_objects as go

from pages.datasets.data import Data
from pages.datasets.formatting import safe
from pages.datasets.planes import Plane
from pages.figures import paint, palette
from pages.figures.ellipses import ellipses
from pages.figures.plots import (
    DARK,
    LIGHT,
    MOST_MARKERS,
    TIGHT,
    dots,
    driven,
    figure,
    hovered,
    layout_of,
    marker_size,
    padded,
    placed,
    side_by_side_layout,
)
from pages.mixture.beliefs import Belief
from pages.mixture.bootstrap import Bootstrap
from pages.runs.frames import Frame
from pages.runs.run import Run

HEIGHT = 380
CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(0.75)]])
"""of the triangle of three responsibilities"""
MOST_CORNERED = 1_000
"""points in that triangle"""


def share_colors(responsibilities: np.ndarray) -> list[str]:
    """The colors of points, blended by their responsibilities (n, k), the components in the order of their numbers."""
    return palette.blended(responsibilities, [palette.color_of(rank) for rank in range(responsibilities.shape[1])])


def _ground(data: Data, plane: Plane, responsibilities: np.ndarray, height: int):
    """Places (n, 2), traces and layout of the points as markers, or painted where they are many.

    A click on a point returns its position as `customdata`.
    """
    xy = plane.places(data.points)
    extent = padded(xy, 1.3 if data.to_scale else None)
    painted = len(xy) > MOST_MARKERS
    layout = layout_of(data, plane, extent, height, painted) | dict(dragmode=False, clickmode="event+select")
    rows = hovered(len(xy)) if painted else np.arange(len(xy))
    points = dots(data, plane, xy, rows)
    points["hovertemplate"] = points["hovertemplate"].replace("%{customdata}", "%{text}")
    points |= dict(text=points["customdata"], customdata=rows.tolist())
    if painted:
        colors = palette.rgb([palette.color_of(rank) for rank in range(responsibilities.shape[1])])
        source = paint.Canvas(*xy.T, extent).paint(colors, responsibilities=responsibilities.T)
        layout["images"] = [placed(extent) | dict(source=source)]
        points["marker"] = dict(size=9, opacity=0)
    else:
        points["marker"] = dict(size=marker_size(len(xy)), opacity=0.85, color=share_colors(responsibilities))
    same = dict(marker=dict(opacity=points["marker"]["opacity"]))  # a click chooses a point, and does not dim the others
    points |= dict(selected=same, unselected=same)
    return xy, [points], layout


def marked(belief: Belief, plane: Plane, rows: np.ndarray, chosen: int | None = None, height: int = HEIGHT) -> go.Figure:
    """The points in the colors of their responsibilities, with a ring around these rows, and crosshairs on the chosen one."""
    data = belief.run.data
    xy, traces, layout = _ground(data, plane, belief.responsibilities, height)
    rows = rows[:MOST_MARKERS]
    ring = dict(symbol="circle-open", size=12, color=palette.FILLED, line=dict(width=1.8))
    traces.append(dict(type="scatter", mode="markers", x=xy[rows, 0], y=xy[rows, 1], hoverinfo="skip", marker=ring))
    if chosen is not None:
        for size, width, color in ((23, 6, LIGHT), (23, 2.5, DARK)):
            mark = dict(symbol="circle-cross-open", size=size, color=color, line=dict(width=width))
            here = xy[[chosen]]
            traces.append(dict(type="scatter", mode="markers", x=here[:, 0], y=here[:, 1], hoverinfo="skip", marker=mark))
    return go.Figure(dict(data=traces, layout=layout))


def shares(responsibilities: np.ndarray, height: int = 170) -> go.Figure:
    """A bar for each component's share (k,) in a point."""
    k = len(responsibilities)
    bars = dict(
        type="bar",
        x=[f"{palette.mark_of(rank)} {rank + 1}" for rank in range(k)],
        y=responsibilities,
        marker=dict(color=[palette.color_of(rank) for rank in range(k)]),
        text=[f"{share:.3f}" for share in responsibilities] if k <= 12 else None,
        textposition="outside",
        cliponaxis=False,
        hovertemplate="component %{x}: %{y:.4f}<extra></extra>",
    )
    axis = dict(range=[0, 1.15], title=dict(text="responsibility"), zeroline=False, tickvals=[0, 0.5, 1])
    layout = dict(height=height, margin=TIGHT, dragmode=False, xaxis=dict(type="category", showgrid=False), yaxis=axis)
    return go.Figure(dict(data=[bars], layout=layout))


def shares_by_iteration(responsibilities: np.ndarray, height: int = 200) -> go.Figure:
    """The responsibilities (T + 1, k) of a point after each iteration, stacked to one."""
    iterations, k = responsibilities.shape
    x = np.arange(iterations)
    areas = [
        dict(
            type="scatter",
            mode="lines",
            x=x,
            y=responsibilities[:, rank],
            stackgroup="one",
            line=dict(width=0.5, color=palette.color_of(rank)),
            fillcolor=palette.color_of(rank),
            name=f"component {rank + 1}",
            hovertemplate=f"iteration %{{x}}, component {rank + 1}: %{{y:.4f}}<extra></extra>",
        )
        for rank in range(k)
    ]
    layout = dict(
        height=height,
        margin=TIGHT,
        showlegend=False,
        dragmode=False,
        xaxis=dict(title=dict(text="iteration"), zeroline=False, range=[0, max(iterations - 1, 1)]),
        yaxis=dict(range=[0, 1], title=dict(text="shares"), zeroline=False, tickvals=[0, 0.5, 1]),
    )
    return go.Figure(dict(data=areas, layout=layout))


def triangle(run: Run, frames: list[Frame], name: str, height: int = HEIGHT) -> go.Figure:
    """The responsibilities of three components as places in a triangle, frame by frame: points that are sure are in a corner.

    Of more than `MOST_CORNERED` points a sample, always the same.
    """
    n = len(run.data.points)
    rows = np.arange(n)
    if n > MOST_CORNERED:
        rows = run.data.sampled(MOST_CORNERED)
    order = np.argsort(run.ranks)
    points = run.data.points[rows]

    def at(state: int | None) -> dict:
        shares = np.full((len(rows), 3), 1 / 3)
        if state is not None:
            shares = run.history.states[state].parameters.responsibilities(points)[:, order]
        xy = shares @ CORNERS
        return dict(
            x=xy[:, 0].astype(np.float32),
            y=xy[:, 1].astype(np.float32),
            marker=dict(color=share_colors(shares), size=6, opacity=0.7),
        )

    specs = []
    for i, frame in enumerate(frames):
        if frame.moves:  # the responsibilities stay
            specs.append(dict(name=str(i), data=[], traces=[], baseframe=str(i - 1)))
        else:
            specs.append(dict(name=str(i), data=[at(frame.assigned)], traces=[0]))
    cloud = dict(type="scatter", mode="markers", text=[safe(name) for name in run.data.names_of(rows)])
    cloud |= at(frames[-1].assigned) | dict(hovertemplate="%{text}<extra></extra>")
    edge = CORNERS[[0, 1, 2, 0]]
    border = dict(type="scatter", mode="lines", x=edge[:, 0], y=edge[:, 1], hoverinfo="skip")
    corners = dict(
        type="scatter",
        mode="markers+text",
        x=CORNERS[:, 0],
        y=CORNERS[:, 1],
        text=["1", "2", "3"],
        textposition=["bottom center", "bottom center", "top center"],
        hoverinfo="skip",
        marker=dict(
            size=14, symbol=[palette.symbol_of(rank) for rank in range(3)], color=[palette.color_of(rank) for rank in range(3)]
        ),
    )
    hidden = dict(visible=False, fixedrange=True)
    layout = dict(
        height=height,
        margin=TIGHT,
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        xaxis=hidden | dict(range=[-0.1, 1.1]),
        yaxis=hidden | dict(range=[-0.15, 1.02], scaleanchor="x"),
    )
    line = dict(line=dict(color=palette.NEUTRAL, width=1.5))
    return figure([cloud, border | line, corners], layout | driven(name), specs)


def log_densities(belief: Belief, threshold: float, height: int = 230) -> go.Figure:
    """Histogram of the log densities of the points, with the threshold below which they count as unlikely."""
    values = belief.log_density
    low, high = float(values.min()), float(values.max())
    counts, edges = np.histogram(values, 60, (low, high) if low < high else (low - 1, high + 1))
    bin_centers = (edges[:-1] + edges[1:]) / 2
    bars = dict(
        type="bar",
        x=bin_centers,
        y=counts,
        width=edges[1] - edges[0],
        marker=dict(color=np.where(bin_centers < threshold, palette.FILLED, palette.COLORS[0])),
        hovertemplate="around %{x:.2f}: %{y} points<extra></extra>",
    )
    layout = dict(
        height=height,
        margin=TIGHT,
        bargap=0.02,
        dragmode=False,
        xaxis=dict(title=dict(text="log density, nats"), zeroline=False),
        yaxis=dict(title=dict(text="points")),
    )
    if np.isfinite(threshold):
        line = dict(width=2, dash="dash", color=palette.FILLED)
        layout["shapes"] = [dict(type="line", x0=threshold, x1=threshold, y0=0, y1=1, yref="paper", line=line)]
    return go.Figure(dict(data=[bars], layout=layout))


def side_by_side(data: Data, plane: Plane, points: np.ndarray, ranks: np.ndarray, height: int = HEIGHT) -> go.Figure:
    """The data, and points (m, d) drawn from a mixture in the colors of the components (m,) that they were drawn from."""
    ours, drawn = plane.places(data.points), plane.places(points)
    extent = padded(np.concatenate([ours, drawn]), 1.3 if data.to_scale else None)
    layout = side_by_side_layout(data, plane, extent, ("The data", "Drawn from the mixture"), height)
    layout["dragmode"] = False
    traces = []
    for number, xy, labels in (("", ours, None), ("2", drawn, ranks)):
        axes = dict(xaxis=f"x{number}", yaxis=f"y{number}")
        colors = [palette.NEUTRAL] if labels is None else [palette.color_of(rank) for rank in range(int(labels.max()) + 1)]
        if len(xy) > MOST_MARKERS:
            source = paint.Canvas(*xy.T, extent, 480, 600).paint(palette.rgb(colors), labels=labels)
            layout["images"].append(placed(extent, number) | dict(source=source))
            traces.append(dict(type="scatter", x=[None], y=[None]) | axes)
        else:
            color = colors[0] if labels is None else [colors[label] for label in labels.tolist()]
            marker = dict(size=marker_size(len(xy)), opacity=0.8, color=color)
            traces.append(dict(type="scatter", mode="markers", x=xy[:, 0], y=xy[:, 1], hoverinfo="skip", marker=marker) | axes)
    return go.Figure(dict(data=traces, layout=layout))


def model(run: Run, plane: Plane, extent: tuple[float, float, float, float], height: int = 200) -> go.Figure:
    """A small picture of the mixture that a run ended with: points, and ellipses at one and two standard deviations."""
    xy = plane.places(run.data.points)
    belief = Belief(run)
    left, right, bottom, top = extent
    colors = palette.rgb([palette.color_of(rank) for rank in range(run.settings.k)])
    source = paint.Canvas(*xy.T, extent, 300, 390).paint(colors, responsibilities=belief.responsibilities.T)
    means, outlines = plane.project(belief.mixture.means), ellipses(belief.mixture.covariances, plane)
    traces = [
        dict(type="scatter", mode="lines", hoverinfo="skip", line=dict(color=palette.color_of(rank), width=2.2))
        | dict(zip("xy", (mean + scale * curve).T, strict=True))
        for scale in (1, 2)
        for rank, mean, curve in zip(run.ranks, means, outlines, strict=True)
    ]
    bare = dict(showticklabels=False, zeroline=False, showgrid=False, ticks="")
    layout = dict(
        height=height,
        margin=dict(l=4, r=4, t=4, b=4),
        showlegend=False,
        dragmode=False,
        images=[placed(extent) | dict(source=source)],
        xaxis=bare | dict(range=[left, right], constrain="domain"),
        yaxis=bare | dict(range=[bottom, top], constrain="domain", scaleanchor="x" if run.data.to_scale else None),
    )
    return go.Figure(dict(data=traces, layout=layout))


def sureness(bootstrap: Bootstrap, plane: Plane, height: int = HEIGHT) -> go.Figure:
    """The means of the resampled fits over the points."""
    run = bootstrap.run
    belief = Belief(run)
    _, traces, layout = _ground(run.data, plane, belief.responsibilities, height)
    if "images" not in layout:
        traces[0]["marker"] = traces[0]["marker"] | dict(opacity=0.25)
    for cluster in np.argsort(run.ranks):
        places = plane.project(np.array([one.means[cluster] for one in bootstrap.fits]))
        mark = dict(size=7, color=palette.color_of(run.ranks[cluster]), line=dict(width=1, color=DARK), opacity=0.8)
        traces.append(dict(type="scatter", mode="markers", x=places[:, 0], y=places[:, 1], hoverinfo="skip", marker=mark))
    return go.Figure(dict(data=traces, layout=layout | dict(clickmode="none")))

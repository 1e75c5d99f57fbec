"""Plotly figures of responsibilities, densities, samples, covariance models and bootstrap fits of a mixture."""

import numpy as np
import plotly.graph_objects as go

from pages.datasets.columns import histogram
from pages.datasets.data import Data
from pages.datasets.formatting import escape_title
from pages.datasets.planes import Plane
from pages.figures import palette
from pages.figures.ellipses import ellipses
from pages.figures.plots import (
    DARK,
    LIGHT,
    MAX_ANIMATED_MARKERS,
    MAX_MARKERS,
    TIGHT,
    Figure,
    canvas_of,
    hoverable_rows,
    image_position,
    marker_size,
    padded_extent,
    plane_layout,
    player_layout,
    point_trace,
    scale_of_pixels,
    side_by_side_layout,
)
from pages.mixture.bootstrap import Bootstrap
from pages.mixture.posterior import Posterior
from pages.runs.frames import Frame
from pages.runs.run import Run

HEIGHT = 380
CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(0.75)]])
"""corners of the ternary plot"""
MAX_TERNARY_POINTS = 1_000
"""maximum number of points in the ternary plot; larger data are sampled"""


def responsibility_colors(responsibilities: np.ndarray) -> list[str]:
    """Colors of points, blended by their responsibilities (n, k); components are ordered by their numbers."""
    return palette.blend(responsibilities, [palette.color_of(rank) for rank in range(responsibilities.shape[1])])


def _scatter(data: Data, plane: Plane, responsibilities: np.ndarray, height: int) -> tuple[list[dict], dict]:
    """Traces and layout of a scatter plot colored by responsibilities; more than `MAX_MARKERS` points are an image."""
    xy = plane.positions(data.points)
    extent = padded_extent(xy, 1.3 if data.to_scale else None)
    painted = len(xy) > MAX_MARKERS
    layout = plane_layout(data, plane, extent, height, painted) | dict(dragmode=False)
    rows = hoverable_rows(len(xy)) if painted else np.arange(len(xy))
    points = point_trace(data, plane, xy, rows)
    if painted:
        colors = palette.rgb([palette.color_of(rank) for rank in range(responsibilities.shape[1])])
        source = canvas_of(data, xy, extent).paint(colors, responsibilities=responsibilities.T)
        layout["images"] = [image_position(extent) | dict(source=source)]
        points["marker"] = dict(size=9, opacity=0)
    else:
        points["marker"] = dict(size=marker_size(len(xy)), opacity=0.85, color=responsibility_colors(responsibilities))
    return [points], layout


def marks(run: Run, plane: Plane, rows: np.ndarray, chosen: int | None = None) -> list[dict]:
    """Traces for the picture of a run: circles around `rows`, crosshairs on the chosen point, and what can be clicked.

    The `customdata` of a click is the index of the point. If points are drawn as markers, they can be clicked themselves.
    """
    xy, traces = plane.positions(run.data.points), []
    if len(xy) > MAX_ANIMATED_MARKERS or run.data.all_rows is not None:
        at = hoverable_rows(len(xy))
        targets = point_trace(run.data, plane, xy, at)
        targets["hovertemplate"] = targets["hovertemplate"].replace("%{customdata}", "%{text}")
        targets |= dict(text=targets["customdata"], customdata=at.tolist(), marker=dict(size=9, opacity=0))
        traces.append(targets)
    rows = rows[:MAX_MARKERS]
    ring = dict(symbol="circle-open", size=10, color=palette.CHOSEN, line=dict(width=1.4))
    traces.append(dict(type="scatter", mode="markers", x=xy[rows, 0], y=xy[rows, 1], hoverinfo="skip", marker=ring))
    if chosen is not None:
        for size, width, color in ((23, 6, LIGHT), (23, 2.5, DARK)):
            mark = dict(symbol="circle-cross-open", size=size, color=color, line=dict(width=width))
            here = xy[[chosen]]
            traces.append(dict(type="scatter", mode="markers", x=here[:, 0], y=here[:, 1], hoverinfo="skip", marker=mark))
    return traces


def responsibility_bars(responsibilities: np.ndarray, height: int = 170) -> go.Figure:
    """Bar chart of the responsibilities (k,) of a point."""
    k = len(responsibilities)
    bars = dict(
        type="bar",
        x=[f"{palette.mark_of(rank)} {rank + 1}" for rank in range(k)],
        y=responsibilities,
        marker=dict(color=[palette.color_of(rank) for rank in range(k)]),
        text=[f"{value:.3f}" for value in responsibilities] if k <= 12 else None,
        textposition="outside",
        cliponaxis=False,
        hovertemplate="component %{x}: %{y:.4f}<extra></extra>",
    )
    axis = dict(range=[0, 1.15], title=dict(text="responsibility"), zeroline=False, tickvals=[0, 0.5, 1])
    layout = dict(height=height, margin=TIGHT, dragmode=False, xaxis=dict(type="category", showgrid=False), yaxis=axis)
    return Figure([bars], layout)


def responsibility_history(responsibilities: np.ndarray, height: int = 200) -> go.Figure:
    """Stacked area chart of the responsibilities (T + 1, k) of a point at the start and after each iteration."""
    states, k = responsibilities.shape
    x = np.arange(states)
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
        xaxis=dict(title=dict(text="iteration"), zeroline=False, range=[0, max(states - 1, 1)]),
        yaxis=dict(range=[0, 1], title=dict(text="responsibility"), zeroline=False, tickvals=[0, 0.5, 1]),
    )
    return Figure(areas, layout)


def ternary_plot(run: Run, frames: list[Frame], name: str, height: int = 280) -> go.Figure:
    """Animated ternary plot of the responsibilities for three components; clearly assigned points are near a corner.

    More than `MAX_TERNARY_POINTS` points are sampled, always the same ones.
    """
    n = len(run.data.points)
    rows = np.arange(n)
    if n > MAX_TERNARY_POINTS:
        rows = run.data.sample_indices(MAX_TERNARY_POINTS)
    order = np.argsort(run.ranks)
    points = run.data.points[rows]

    def frame_data(state: int | None) -> dict:
        responsibilities = np.full((len(rows), 3), 1 / 3)
        if state is not None:
            responsibilities = run.history.states[state].parameters.responsibilities(points)[:, order]
        xy = responsibilities @ CORNERS
        return dict(
            x=xy[:, 0].astype(np.float32),
            y=xy[:, 1].astype(np.float32),
            marker=dict(color=responsibility_colors(responsibilities), size=6, opacity=0.7),
        )

    specs = []
    for i, frame in enumerate(frames):
        if frame.moves:  # an M step does not change the responsibilities
            specs.append(dict(name=str(i), data=[], traces=[], baseframe=str(i - 1)))
        else:
            specs.append(dict(name=str(i), data=[frame_data(frame.assigned)], traces=[0]))
    cloud = dict(type="scatter", mode="markers", text=[escape_title(name) for name in run.data.names_of(rows)])
    cloud |= frame_data(frames[-1].assigned) | dict(hovertemplate="%{text}<extra></extra>")
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
    return Figure([cloud, border | line, corners], layout | player_layout(name), specs)


def log_densities(posterior: Posterior, threshold: float, height: int = 230) -> go.Figure:
    """Histogram of the log densities of the points, with a line at the threshold, which is -inf for none."""
    values = posterior.log_density
    low, high = float(values.min()), float(values.max())
    if low == high:
        low, high = low - 1, high + 1
    counts, edges = histogram(values, 60, low, high), np.linspace(low, high, 61)
    bin_centers = (edges[:-1] + edges[1:]) / 2
    bars = dict(
        type="bar",
        x=bin_centers,
        y=counts,
        width=edges[1] - edges[0],
        marker=dict(color=np.where(bin_centers < threshold, palette.CHOSEN, palette.CURVE)),
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
        line = dict(width=2, dash="dash", color=palette.CHOSEN)
        layout["shapes"] = [dict(type="line", x0=threshold, x1=threshold, y0=0, y1=1, yref="paper", line=line)]
    return Figure([bars], layout)


def side_by_side(data: Data, plane: Plane, points: np.ndarray, ranks: np.ndarray, height: int = HEIGHT) -> go.Figure:
    """Scatter plots of the data and of points (m, d) drawn from a mixture, colored by their components' `ranks` (m,)."""
    ours, drawn = plane.positions(data.points), plane.positions(points)
    extent = padded_extent(np.concatenate([ours, drawn]), 1.3 if data.to_scale else None)
    painted = max(len(ours), len(drawn)) > MAX_MARKERS
    layout = side_by_side_layout(data, plane, extent, ("Data", "Sample from the mixture"), height, painted)
    layout["dragmode"] = False
    traces = []
    for number, xy, labels in (("", ours, None), ("2", drawn, ranks)):
        axes = dict(xaxis=f"x{number}", yaxis=f"y{number}")
        colors = [palette.NEUTRAL] if labels is None else [palette.color_of(rank) for rank in range(int(labels.max()) + 1)]
        if len(xy) > MAX_MARKERS:
            source = canvas_of(data, xy, extent).paint(palette.rgb(colors), labels=labels)
            layout["images"].append(image_position(extent, number) | dict(source=source))
            traces.append(dict(type="scatter", x=[None], y=[None]) | axes)
        else:
            color = colors[0] if labels is None else [colors[label] for label in labels.tolist()]
            marker = dict(size=marker_size(len(xy)), opacity=0.8, color=color)
            traces.append(dict(type="scatter", mode="markers", x=xy[:, 0], y=xy[:, 1], hoverinfo="skip", marker=marker) | axes)
    return Figure(traces, layout)


def model_plot(run: Run, plane: Plane, extent: tuple[float, float, float, float], height: int = 200) -> go.Figure:
    """Small scatter plot of the final mixture of a run, with ellipses at one and two standard deviations."""
    xy = plane.positions(run.data.points)
    posterior = Posterior(run)
    left, right, bottom, top = extent
    colors = palette.rgb([palette.color_of(rank) for rank in range(run.settings.k)])
    source = canvas_of(run.data, xy, extent, 390).paint(colors, responsibilities=posterior.responsibilities.T)
    means, outlines = plane.project(posterior.mixture.means), ellipses(posterior.mixture.covariances, plane)
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
        images=[image_position(extent) | dict(source=source)],
        xaxis=bare | dict(range=[left, right], constrain="domain"),
        yaxis=bare | dict(range=[bottom, top], constrain="domain") | scale_of_pixels(run.data, extent),
    )
    return Figure(traces, layout)


def bootstrap_means(bootstrap: Bootstrap, plane: Plane, height: int = HEIGHT) -> go.Figure:
    """Scatter plot of the component means of all bootstrap fits, over the points."""
    run = bootstrap.run
    posterior = Posterior(run)
    traces, layout = _scatter(run.data, plane, posterior.responsibilities, height)
    if "images" not in layout:
        traces[0]["marker"] = traces[0]["marker"] | dict(opacity=0.25)
    for cluster in np.argsort(run.ranks):
        means = plane.project(np.array([fit.means[cluster] for fit in bootstrap.fits]))
        mark = dict(size=7, color=palette.color_of(run.ranks[cluster]), line=dict(width=1, color=DARK), opacity=0.8)
        traces.append(dict(type="scatter", mode="markers", x=means[:, 0], y=means[:, 1], hoverinfo="skip", marker=mark))
    return Figure(traces, layout)

"""Plotly figures of soft K-means with decreasing width, up to the limit of K-means."""

import numpy as np
import plotly.graph_objects as go

from pages.datasets.planes import Plane
from pages.figures import palette
from pages.figures.ellipses import ellipses
from pages.figures.plots import (
    DARK,
    LIGHT,
    TIGHT,
    Figure,
    marker_size,
    padded_extent,
    plane_layout,
    player_layout,
    point_trace,
)
from pages.mixture.figures import responsibility_colors
from pages.mixture.limit import WidthPath
from pages.runs import curves


def picture(path: WidthPath, plane: Plane, name: str, height: int = 380) -> go.Figure:
    """Animated scatter plot with a frame for each width: points colored by responsibilities, means and circles."""
    data, ranks = path.data, path.ranks
    order = np.argsort(ranks)
    xy = plane.positions(data.points)
    extent = padded_extent(xy, 1.3 if data.to_scale else None)
    sphere = ellipses(np.eye(data.points.shape[1])[None], plane)[0]

    def frame_data(fit) -> list[dict]:
        means = plane.project(fit.means)[order]
        circles = means[:, None] + fit.width * sphere
        lines = [dict(x=x, y=y) for x, y in circles.transpose(0, 2, 1)]
        centers = dict(x=means[:, 0], y=means[:, 1])
        return [dict(marker=dict(color=responsibility_colors(fit.responsibilities[:, order]))), *lines, centers, centers]

    k = len(ranks)
    traces = list(range(k + 3))
    frames = [dict(name=str(i), data=frame_data(fit), traces=traces) for i, fit in enumerate(path.soft)]
    points = point_trace(data, plane, xy, np.arange(len(xy)))
    last = frames[-1]["data"]
    points["marker"] = dict(size=marker_size(len(xy)), opacity=0.85) | last[0]["marker"]
    circles = [
        dict(type="scatter", mode="lines", hoverinfo="skip", line=dict(color=palette.color_of(rank), width=2)) | circle
        for rank, circle in enumerate(last[1 : k + 1])
    ]
    badge = dict(type="scatter", mode="markers", hoverinfo="skip")
    centers = [
        badge | last[-2] | dict(marker=dict(size=18, color=LIGHT, line=dict(width=2.5, color=DARK))),
        badge | last[-1] | dict(marker=dict(size=10, color=[palette.color_of(rank) for rank in range(k)])),
    ]
    kmeans_centers = plane.project(path.kmeans_centers)
    cross = dict(size=13, symbol="x-thin", color=DARK, line=dict(width=3, color=DARK))
    crosses = badge | dict(x=kmeans_centers[:, 0], y=kmeans_centers[:, 1], marker=cross)
    layout = plane_layout(data, plane, extent, height, False) | player_layout(name)
    return Figure([points, *circles, *centers, crosses], layout, frames)


def _round_numbers(widths: np.ndarray) -> list[float]:
    """Tick values: 1, 2 and 5 times powers of ten in the range of the widths."""
    powers = 10.0 ** np.arange(np.floor(np.log10(widths.min())), np.ceil(np.log10(widths.max())) + 1)
    values = np.outer(powers, [1, 2, 5]).ravel()
    return values[(values >= 0.9 * widths.min()) & (values <= 1.1 * widths.max())].round(12).tolist()


def curve(path: WidthPath, name: str, height: int = 260) -> go.Figure:
    """Animated curve of the mean of each point's largest responsibility against the width, from wide to narrow."""
    x, y = path.widths, path.certainty
    frames = [
        dict(name=str(i), data=[dict(x=x[: i + 1], y=y[: i + 1]), dict(x=[x[i]], y=[y[i]])], traces=[1, 2])
        for i in range(len(x))
    ]
    whole = dict(x=x, y=y, hovertemplate="width %{x:.3g}<br>largest responsibility (mean) %{y:.3f}<extra></extra>")
    layout = dict(
        height=height,
        margin=TIGHT,
        showlegend=False,
        dragmode=False,
        xaxis=dict(
            type="log",
            range=[np.log10(x[0]) + 0.05, np.log10(x[-1]) - 0.05],
            title=dict(text="width"),
            zeroline=False,
            tickvals=_round_numbers(x),
        ),
        yaxis=dict(
            range=[min(0.95 * float(y.min()), 0.9), 1.02], title=dict(text="largest responsibility (mean)"), zeroline=False
        ),
    )
    return Figure(curves.animated_traces(whole, frames[-1]["data"]), layout | player_layout(name), frames)

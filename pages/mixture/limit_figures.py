"""Figures of soft K-means as its width shrinks to the limit of K-means. Arrays in, figures out; no Streamlit."""

import numpy as np
import plotly.graph_objects as go

from pages.datasets.planes import Plane
from pages.figures import palette
from pages.figures.ellipses import ellipses
from pages.figures.plots import DARK, LIGHT, TIGHT, dots, driven, figure, layout_of, marker_size, padded
from pages.mixture.figures import share_colors
from pages.mixture.limit import WidthPath
from pages.runs import curves


def picture(path: WidthPath, plane: Plane, name: str, height: int = 380) -> go.Figure:
    """The points in the colors of their responsibilities, with the means and rings of one width, a frame for each width."""
    data, ranks = path.data, path.ranks
    order = np.argsort(ranks)
    xy = plane.places(data.points)
    extent = padded(xy, 1.3 if data.to_scale else None)
    sphere = ellipses(np.eye(data.points.shape[1])[None], plane)[0]

    def at(one) -> list[dict]:
        shares = one.responsibilities[:, order]
        means = plane.project(one.means)[order]
        rings = means[:, None] + one.width * sphere
        lines = [dict(x=x, y=y) for x, y in rings.transpose(0, 2, 1)]
        centers = dict(x=means[:, 0], y=means[:, 1])
        return [dict(marker=dict(color=share_colors(shares))), *lines, centers, centers]

    k = len(ranks)
    frames = [dict(name=str(i), data=at(one), traces=[*range(k + 1), k + 1, k + 2]) for i, one in enumerate(path.soft)]
    points = dots(data, plane, xy, np.arange(len(xy)))
    last = frames[-1]["data"]
    points["marker"] = dict(size=marker_size(len(xy)), opacity=0.85) | last[0]["marker"]
    rings = [
        dict(type="scatter", mode="lines", hoverinfo="skip", line=dict(color=palette.color_of(rank), width=2)) | ring
        for rank, ring in enumerate(last[1 : k + 1])
    ]
    badge = dict(type="scatter", mode="markers", hoverinfo="skip")
    centers = [
        badge | last[-2] | dict(marker=dict(size=18, color=LIGHT, line=dict(width=2.5, color=DARK))),
        badge | last[-1] | dict(marker=dict(size=10, color=[palette.color_of(rank) for rank in range(k)])),
    ]
    target = plane.project(path.hard)
    cross = dict(size=13, symbol="x-thin", color=DARK, line=dict(width=3, color=DARK))
    hard = badge | dict(x=target[:, 0], y=target[:, 1], marker=cross)
    layout = layout_of(data, plane, extent, height, False) | driven(name)
    return figure([points, *rings, *centers, hard], layout, frames)


def _round_numbers(widths: np.ndarray) -> list[float]:
    """1, 2 and 5 times the powers of ten that lie among the widths."""
    powers = 10.0 ** np.arange(np.floor(np.log10(widths.min())), np.ceil(np.log10(widths.max())) + 1)
    values = np.outer(powers, [1, 2, 5]).ravel()
    return values[(values >= 0.9 * widths.min()) & (values <= 1.1 * widths.max())].round(12).tolist()


def curve(path: WidthPath, name: str, height: int = 260) -> go.Figure:
    """The mean largest responsibility over the width, from wide to narrow, with a mark on the frame that is shown."""
    x, y = path.widths, path.certainty
    frames = [
        dict(name=str(i), data=[dict(x=x[: i + 1], y=y[: i + 1]), dict(x=[x[i]], y=[y[i]])], traces=[1, 2])
        for i in range(len(x))
    ]
    whole = dict(x=x, y=y, hovertemplate="width %{x:.3g}<br>largest responsibility %{y:.3f} on average<extra></extra>")
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
        yaxis=dict(range=[min(0.95 * float(y.min()), 0.9), 1.02], title=dict(text="certainty"), zeroline=False),
    )
    return figure(curves.moving(whole, frames[-1]["data"]), layout | driven(name), frames)

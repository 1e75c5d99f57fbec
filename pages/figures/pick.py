"""A small scatter plot in which a click picks a point."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from pages.datasets.data import Data
from pages.datasets.formatting import escape_title
from pages.datasets.planes import Plane
from pages.figures import palette
from pages.figures.plots import (
    MAX_MARKERS,
    Figure,
    canvas_of,
    hoverable_rows,
    image_position,
    marker_size,
    padded_extent,
    plane_layout,
    point_trace,
)


def pickable_points(
    data: Data, plane: Plane, labels: np.ndarray, ranks: Sequence[int], chosen: int, height: int = 340
) -> go.Figure:
    """Return a scatter plot in the plane with a ring around the chosen point; clicks report the position of a point.

    Parameters
    ----------
    labels : (n,) cluster of each point, -1 for none
    ranks : (k,) rank that determines the color and symbol of each cluster
    chosen : position of a point
    """
    xy = plane.positions(data.points)
    n, extent = len(xy), padded_extent(xy)
    layout = plane_layout(data, plane, extent, height, n > MAX_MARKERS)
    colors = [*map(palette.color_of, ranks), palette.NEUTRAL]
    symbols = np.append(palette.SYMBOL_NUMBERS[np.array(ranks, dtype=int) % len(palette.SYMBOL_NUMBERS)], 0)
    rows, marker = np.arange(n), dict(size=marker_size(n), opacity=0.8)
    if n > MAX_MARKERS:
        rows, marker = hoverable_rows(n), dict(size=8, opacity=0)
        # label -1 becomes the last color
        image = canvas_of(data, xy, extent).paint(palette.rgb(colors), labels=np.where(labels < 0, len(ranks), labels))
        layout["images"] = [image_position(extent) | dict(source=image)]
    points = point_trace(data, plane, xy, rows) | dict(customdata=rows, text=list(map(escape_title, data.names_of(rows))))
    points["hovertemplate"] = "%{text}<extra></extra>"
    look = marker | dict(color=np.array(colors)[labels[rows]].tolist(), symbol=symbols[labels[rows]])
    # a click must not fade the other points
    points |= dict(marker=look, unselected=dict(marker=dict(opacity=look["opacity"])))
    ring = dict(type="scatter", mode="markers", x=xy[[chosen], 0], y=xy[[chosen], 1], hoverinfo="skip")
    outer = dict(symbol="circle-open", size=17, color=palette.CHOSEN, line=dict(width=3))
    return Figure([points, ring | dict(marker=outer)], layout)

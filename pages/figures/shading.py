"""Points shaded by a number, and a matrix of shares."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from pages.datasets.data import Data
from pages.datasets.formatting import escape_html, escape_title, truncate
from pages.datasets.planes import Plane
from pages.figures import palette
from pages.figures.plots import (
    MAX_MARKERS,
    TIGHT,
    Figure,
    canvas_of,
    hoverable_rows,
    image_position,
    marker_size,
    padded_extent,
    plane_layout,
    point_trace,
)

SHADES = 24
"""number of shades of painted points"""
MAX_LETTERS = 45
"""maximum number of letters of all names below a matrix; above it, the names are vertical"""
UNKNOWN = "#717581"
"""color of points without a value"""


def shaded_points(data: Data, plane: Plane, values: np.ndarray, name: str, height: int = 420) -> go.Figure:
    """Return a scatter plot in the plane with points shaded by values (n,) from 0 (brown) to 1 (green); NaN is dark gray."""
    xy = plane.positions(data.points)
    extent, painted = padded_extent(xy), len(xy) > MAX_MARKERS
    shades = np.where(np.isnan(values), 0, 1 + np.rint(np.nan_to_num(values) * (SHADES - 1))).astype(int)
    colors = [UNKNOWN, *_scale(np.linspace(0, 1, SHADES))]
    layout = plane_layout(data, plane, extent, height, painted)
    shown, marker = np.arange(len(xy)), dict(size=marker_size(len(xy)), line=dict(width=0.5, color=palette.NEUTRAL))
    if painted:
        shown, marker = hoverable_rows(len(xy)), dict(size=8, opacity=0)
        layout["images"] = [
            image_position(extent) | dict(source=canvas_of(data, xy, extent).paint(palette.rgb(colors), labels=shades))
        ]
    points = point_trace(data, plane, xy, shown)
    points["text"] = ["–" if np.isnan(value) else f"{value:.0%}" for value in values[shown]]
    points["hovertemplate"] = f"%{{customdata}}<br>{escape_title(name)}: %{{text}}<extra></extra>"
    points["marker"] = marker | dict(color=np.array(colors)[shades[shown]].tolist())
    return Figure([points], layout)


def _scale(values: np.ndarray) -> list[str]:
    """Colors from brown for 0 over gray to green for 1."""
    stops = palette.rgb([palette.DIVERGING[0][1], "#b9b6b2", palette.DIVERGING[2][1]])
    channels = [np.interp(values, [0, 0.5, 1], channel) for channel in stops.T]
    return ["#" + "".join(f"{round(channel):02x}" for channel in color) for color in zip(*channels, strict=True)]


def share_matrix(shares: np.ndarray, names: Sequence[str], height: int = 420) -> go.Figure:
    """Return a heat map of shares (k, k) in 0..1 between groups with these names, with the percentages as text."""
    ticks = [escape_html(truncate(name)) for name in names]
    k = len(names)
    heat = dict(
        type="heatmap", z=shares, zmin=0, zmax=1, colorscale=[[1 - at, color] for at, color in palette.SEQUENTIAL[::-1]]
    )
    heat |= dict(showscale=False, hoverongaps=False, xgap=2, ygap=2)
    heat["hovertemplate"] = "%{y} – %{x}: %{z:.0%}<extra></extra>"
    if k <= 12:
        heat["text"] = [["" if np.isnan(share) else f"{share:.0%}" for share in row] for row in shares]
        heat["texttemplate"] = "%{text}"
    axis = dict(tickvals=list(range(k)), ticktext=ticks, showgrid=False, zeroline=False, automargin=True)
    # Plotly leaves out slanted names that reach beyond the figure
    columns = axis | dict(tickangle=-90 if k * max(map(len, names), default=0) > MAX_LETTERS else None)
    layout = dict(height=height, margin=TIGHT, dragmode=False, xaxis=columns, yaxis=axis | dict(autorange="reversed"))
    return Figure([heat], layout)

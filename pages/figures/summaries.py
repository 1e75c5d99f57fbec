"""Plotly figures of a data set before anything is clustered. Arrays in, figures out; no Streamlit."""

from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from clustering import PrincipalComponents
from pages.datasets.cleaning import SCALING_SUFFIXES
from pages.datasets.columns import histogram
from pages.datasets.data import Data
from pages.datasets.formatting import escape_html, minus_signs, truncate
from pages.datasets.planes import Plane
from pages.figures import paint, palette
from pages.figures.plots import (
    MAX_MARKERS,
    TIGHT,
    hoverable_rows,
    image_position,
    marker_size,
    name_labels,
    padded_extent,
    plane_layout,
    point_trace,
    rings,
)

MAX_PANELS = 6
"""columns of a scatter-plot matrix"""
MAX_PANEL_MARKERS = 6_000
"""in all panels together; above it they are painted"""
MAX_PAINTED_ROWS = 100_000
"""in each panel"""
MAX_LOADINGS = 24
"""columns whose loadings are shown"""
BLOCKS = 160
"""rows of a heat map at most; more are averaged in blocks"""
PANEL_AXIS = dict(showgrid=False, zeroline=False, nticks=4, showline=True, mirror=True, linecolor="rgba(140,140,150,0.35)")


def _colors(data: Data) -> tuple[np.ndarray, list[str], np.ndarray]:
    """(n,) which group each point is in, the colors of the groups, and the symbols of the points."""
    if data.labels is None:
        return np.zeros(len(data.points), dtype=int), [palette.COLORS[0]], np.zeros(len(data.points), dtype=np.uint8)
    groups = np.where(data.labels < 0, 0, data.labels + 1)
    colors = [palette.NEUTRAL, *(palette.color_of(rank) for rank in range(groups.max()))]
    symbols = palette.SYMBOL_NUMBERS[np.maximum(data.labels, 0) % len(palette.SYMBOL_NUMBERS)]
    return groups, colors, symbols


def scatter(data: Data, plane: Plane, height: int = 460) -> go.Figure:
    """All points in the plane, in the colors of their known groups; rings around rows in which a value was filled."""
    xy = plane.places(data.points)
    groups, colors, symbols = _colors(data)
    painted = len(xy) > MAX_MARKERS
    extent = padded_extent(xy)
    layout = plane_layout(data, plane, extent, height, painted)
    shown, marker = np.arange(len(xy)), dict(size=marker_size(len(xy)), opacity=0.8)
    if painted:
        shown, marker = hoverable_rows(len(xy)), dict(size=8, opacity=0)
        source = paint.Canvas(*xy.T, extent).paint(palette.rgb(colors), labels=groups)
        layout["images"] = [image_position(extent) | dict(source=source)]
    points = point_trace(data, plane, xy, shown) | name_labels(data, shown)
    points["marker"] = marker | dict(color=np.array(colors)[groups[shown]].tolist(), symbol=symbols[shown])
    return go.Figure(dict(data=[points, *rings(data, xy)], layout=layout))


def scatter_matrix(data: Data, columns: list[int]) -> go.Figure:
    """Each pair of the columns below the diagonal, their correlation above it, and each column's distribution on it."""
    p, n = len(columns), len(data.points)
    rows = np.arange(n)
    pairs = p * (p - 1) // 2
    painted = n * pairs > MAX_PANEL_MARKERS
    if n > MAX_PAINTED_ROWS:
        rows = np.sort(np.random.default_rng(0).choice(n, MAX_PAINTED_ROWS, replace=False))
    groups, colors, _ = _colors(data)
    groups = groups[rows]
    values = data.points[np.ix_(rows, columns)]
    extents = [padded_extent(np.column_stack([column, column]))[:2] for column in values.T]
    correlations = _correlations(values)
    called = [] if painted else [escape_html(name) for name in data.names_of(rows)]
    ringed = _ringed(data)
    figure = make_subplots(rows=p, cols=p, horizontal_spacing=0.012, vertical_spacing=0.012)
    images = []
    for i in range(p):
        for j in range(p):
            axes = i * p + j + 1
            number = "" if axes == 1 else str(axes)
            x_axis, y_axis = f"xaxis{number}", f"yaxis{number}"
            ticks_x, ticks_y = i == p - 1, j == 0 and i > 0
            figure.layout[x_axis].update(range=extents[j], showticklabels=ticks_x, **PANEL_AXIS)
            figure.layout[y_axis].update(range=extents[i], showticklabels=ticks_y, **PANEL_AXIS)
            if ticks_x:
                figure.layout[x_axis].title = dict(text=escape_html(_column(data, columns[j])), font=dict(size=11))
            if j == 0:
                figure.layout[y_axis].title = dict(text=escape_html(_column(data, columns[i])), font=dict(size=11))
            place = dict(xaxis=f"x{number}", yaxis=f"y{number}")
            if i == j:
                counts, edges = histogram(values[:, i], 24, *extents[i]), np.linspace(*extents[i], 25)
                figure.layout[y_axis].update(range=[0, counts.max() * 1.08], showticklabels=False)
                figure.add_trace(
                    dict(
                        type="bar",
                        x=(edges[:-1] + edges[1:]) / 2,
                        y=counts,
                        width=np.diff(edges),
                        marker=dict(color=palette.NEUTRAL, line=dict(width=0)),
                        hovertemplate="%{y:,} rows<extra></extra>",
                    )
                    | place
                )
            elif j > i:
                figure.layout[x_axis].update(visible=False)
                figure.layout[y_axis].update(visible=False)
                value = correlations[i, j]
                text = "" if np.isnan(value) else minus_signs(f"{value:.2f}")
                figure.add_annotation(
                    xref=f"x{number} domain",
                    yref=f"y{number} domain",
                    x=0.5,
                    y=0.5,
                    text=text,
                    showarrow=False,
                    font=dict(size=12 + 6 * abs(value) if text else 12),
                )
                figure.add_trace(dict(type="scatter", x=[None], y=[None], hoverinfo="skip") | place)
            else:
                pair = dict(type="scatter", mode="markers", x=[None], y=[None], hoverinfo="skip")
                if painted:
                    canvas = paint.Canvas(values[:, j], values[:, i], (*extents[j], *extents[i]), height=180, width=240)
                    images.append(
                        image_position((*extents[j], *extents[i]), number)
                        | dict(source=canvas.paint(palette.rgb(colors), labels=groups))
                    )
                else:
                    pair |= dict(
                        x=values[:, j],
                        y=values[:, i],
                        customdata=called,
                        hovertemplate="%{customdata}<br>%{x}, %{y}<extra></extra>",
                        hoverinfo=None,
                        marker=dict(size=4, opacity=0.75, color=np.array(colors)[groups].tolist()),
                    )
                figure.add_trace(pair | place)
                both = [columns[j], columns[i]]
                for ring in rings(_of_columns(ringed, both), ringed.points[:, both]):
                    few = {part: ring[part][: MAX_PANEL_MARKERS // pairs] for part in ("x", "y", "customdata")}
                    figure.add_trace(ring | few | dict(marker=ring["marker"] | dict(size=8)) | place)
    figure.update_layout(height=140 + 105 * p, margin=TIGHT, showlegend=False, images=images, bargap=0, dragmode=False)
    return figure


def _correlations(values: np.ndarray) -> np.ndarray:
    """(p, p) of the columns; NaN for those that do not vary, where rounding would make up a number."""
    centred = values - values.mean(axis=0)
    centred /= np.maximum(np.abs(centred).max(axis=0), np.finfo(float).tiny)
    lengths = np.where(np.ptp(values, axis=0) > 0, np.linalg.norm(centred, axis=0), np.nan)
    return (centred.T @ centred) / lengths / lengths[:, None]


def _ringed(data: Data) -> Data:
    """The rows in which a value was filled, as many as are ringed."""
    filled = np.zeros(0, dtype=int) if data.filled is None else np.flatnonzero(data.filled.any(axis=1))[:MAX_MARKERS]

    def of(part):
        return None if part is None else part[filled]

    kept = dict(filled=of(data.filled), deviations=of(data.deviations), names=of(data.names), rows=data.rows[filled])
    return replace(data, points=data.points[filled], labels=None, mixed=None, **kept)


def _of_columns(data: Data, columns: list[int]) -> Data:
    """The data with these columns only, as far as filled values go."""

    def of(part):
        return None if part is None else part[:, columns]

    return replace(
        data,
        columns=tuple(data.columns[j] for j in columns),
        points=data.points[:, columns],
        filled=of(data.filled),
        deviations=of(data.deviations),
    )


def _column(data: Data, j: int) -> str:
    """The name of a column, short, and without how it was scaled."""
    name = data.columns[j]
    for scaled in filter(None, SCALING_SUFFIXES.values()):
        name = name.removesuffix(scaled)
    return truncate(name)


def explained_variance(components: PrincipalComponents) -> go.Figure:
    """The share of the variance that each component keeps, and of all up to it."""
    shares = components.shares[:20]
    x = np.arange(1, len(shares) + 1)
    bars = dict(
        type="bar", x=x, y=shares, marker=dict(color=palette.COLORS[0]), name="each", hovertemplate="%{y:.1%}<extra></extra>"
    )
    line = dict(
        type="scatter", mode="lines+markers", x=x, y=np.cumsum(shares), name="together", line=dict(color=palette.COLORS[1])
    )
    layout = dict(
        height=240,
        margin=TIGHT,
        legend=dict(orientation="h", y=1.02, yanchor="bottom"),
        dragmode=False,
        xaxis=dict(title=dict(text="component"), dtick=1 if len(shares) < 12 else None),
        yaxis=dict(title=dict(text="share of the variance"), range=[0, 1.05], tickformat=".0%"),
    )
    return go.Figure(dict(data=[bars, line | dict(hovertemplate="%{y:.1%}<extra></extra>")], layout=layout))


def loadings(data: Data, components: PrincipalComponents) -> go.Figure:
    """How much of each column goes into each component, from −1 to 1."""
    shown = min(MAX_PANELS, len(components.axes))
    strongest = np.sort(np.argsort(-np.abs(components.axes[:2]).max(axis=0), kind="stable")[:MAX_LOADINGS])
    z = components.axes[:shown][:, strongest].T
    names = [escape_html(_column(data, j)) for j in strongest]
    heat = dict(
        type="heatmap",
        z=z,
        x=[f"component {i + 1}" for i in range(shown)],
        y=[f"{name} " for name in distinct_names(names)],
        zmin=-1,
        zmax=1,
        colorscale=palette.DIVERGING,
        text=[[minus_signs(f"{value:.2f}") for value in row] for row in z],
        texttemplate="%{text}",
        hovertemplate="%{y}in %{x}: %{text}<extra></extra>",
        showscale=False,
        xgap=2,
        ygap=2,
    )
    layout = dict(
        height=70 + 30 * len(z),
        margin=TIGHT,
        dragmode=False,
        xaxis=dict(side="top", showgrid=False),
        yaxis=dict(autorange="reversed", showgrid=False),
    )
    return go.Figure(dict(data=[heat], layout=layout))


def distinct_names(names: list[str]) -> list[str]:
    """The names made different by blanks, because Plotly puts equal ones into one row."""
    seen: dict[str, int] = {}
    different = []
    for name in names:
        seen[name] = seen.get(name, -1) + 1
        different.append(name + " " * seen[name])
    return different


def block_means(between, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The dissimilarities of points in this order, as means over blocks of pairs where there are more than `BLOCKS`.

    `between` gives the (m, l) dissimilarities of points (m,) with points (l,). Returns (b, b) means in single precision, and
    where in the order each block begins and the last one ends, (b + 1,).
    """
    n = len(order)
    edges = np.unique(np.linspace(0, n, min(n, BLOCKS) + 1).astype(int))
    sizes = np.diff(edges)
    rows = [  # a row of blocks at a time: never a second matrix
        np.add.reduceat(between(order[a:b], order).sum(axis=0), edges[:-1]) / (b - a) / sizes
        for a, b in zip(edges[:-1], edges[1:], strict=True)
    ]
    return np.array(rows, dtype=np.float32), edges


def heat_map(data: Data, order: np.ndarray, labels: np.ndarray | None = None, height: int = 420) -> go.Figure:
    """The given proximities with rows and columns in this order; lines between groups, where labels (n,) are given.

    Above `BLOCKS` rows each cell is the mean of a block of pairs.
    """
    matrix, edges = block_means(lambda ones, others: data.precomputed[np.ix_(ones, others)], order)
    called = data.names_of(order[edges[:-1]])
    sizes = np.diff(edges)
    if len(called) < len(order):
        called = [f"{name} and {size - 1} more" if size > 1 else name for name, size in zip(called, sizes, strict=True)]
    heat = dict(
        type="heatmap",
        z=matrix,
        colorscale=palette.SEQUENTIAL,
        x0=0,
        y0=0,
        text=[[escape_html(f"{a} – {b}") for b in called] for a in called] if len(called) <= 80 else None,
        hovertemplate=("%{text}: " if len(called) <= 80 else "") + "%{z:.4g}<extra></extra>",
        colorbar=dict(thickness=12, title=dict(text=escape_html(data.matrix_name), side="right")),
    )
    lines = []
    if labels is not None:
        turns = np.flatnonzero(np.diff(labels[order])) + 1
        for turn in turns:
            at = float(np.searchsorted(edges, turn)) - 0.5
            lines += [
                dict(type="line", x0=at, x1=at, y0=-0.5, y1=len(called) - 0.5, line=dict(width=1.5, color=palette.COLORS[1])),
                dict(type="line", y0=at, y1=at, x0=-0.5, x1=len(called) - 0.5, line=dict(width=1.5, color=palette.COLORS[1])),
            ]
    few = len(called) <= 40
    ticks = (
        dict(tickvals=list(range(len(called))), ticktext=[escape_html(truncate(name)) for name in called])
        if few
        else dict(showticklabels=False, ticks="")
    )
    layout = dict(
        height=height,
        margin=TIGHT,
        shapes=lines,
        dragmode=False,
        xaxis=dict(showgrid=False, zeroline=False, constrain="domain") | ticks | (dict(tickangle=-60) if few else {}),
        yaxis=dict(showgrid=False, zeroline=False, autorange="reversed", scaleanchor="x", constrain="domain") | ticks,
    )
    return go.Figure(dict(data=[heat], layout=layout))

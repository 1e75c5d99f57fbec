"""Plotly figures of a data set before clustering."""

from dataclasses import replace
from itertools import product

import numpy as np
import plotly.graph_objects as go

from clustering import PrincipalComponents
from pages.datasets.cleaning import SCALING_SUFFIXES
from pages.datasets.columns import histogram
from pages.datasets.data import Data
from pages.datasets.formatting import escape_html, escape_title, minus_signs, truncate
from pages.datasets.planes import Plane
from pages.figures import paint, palette
from pages.figures.plots import (
    LIGHT,
    MAX_MARKERS,
    TIGHT,
    Figure,
    canvas_of,
    hoverable_rows,
    image_position,
    marker_size,
    name_labels,
    padded_extent,
    plane_layout,
    point_trace,
    precision,
    rings,
)

MAX_PANELS = 6
"""maximum number of columns in a scatter-plot matrix"""
MAX_PANEL_MARKERS = 6_000
"""maximum number of markers in all panels; more points are painted as images"""
MAX_PAINTED_ROWS = 100_000
"""maximum number of points painted in each panel"""
MAX_LOADINGS = 24
"""maximum number of columns in the loadings plot"""
BLOCKS = 160
"""maximum number of rows and columns of a heat map; more are averaged in blocks"""
PANEL_GAP = 0.012
"""gap between the panels of a scatter-plot matrix, as a fraction of its width or height"""
OBJECT_PROPERTIES = (
    "constructor hasOwnProperty isPrototypeOf propertyIsEnumerable toLocaleString toString valueOf __proto__ __defineGetter__ "
    "__defineSetter__ __lookupGetter__ __lookupSetter__"
).split()
"""names of the properties of every object in JavaScript"""
PANEL_AXIS = dict(showgrid=False, zeroline=False, nticks=4, showline=True, mirror=True, linecolor="rgba(140,140,150,0.35)")


def _colors(data: Data) -> tuple[np.ndarray, list[str], np.ndarray]:
    """The index (n,) of each point's color, the colors, and the symbols of the points; they show the true labels."""
    if data.labels is None:
        return np.zeros(len(data.points), dtype=int), [palette.NEUTRAL], np.zeros(len(data.points), dtype=np.uint8)
    groups = np.where(data.labels < 0, 0, data.labels + 1)
    colors = [palette.NEUTRAL, *(palette.color_of(rank) for rank in range(groups.max()))]
    symbols = palette.SYMBOL_NUMBERS[np.maximum(data.labels, 0) % len(palette.SYMBOL_NUMBERS)]
    return groups, colors, symbols


def scatter(data: Data, plane: Plane, height: int = 460) -> go.Figure:
    """Return a scatter plot in the plane: colors show the true labels, rings mark rows with imputed values."""
    xy = plane.positions(data.points)
    groups, colors, symbols = _colors(data)
    painted = len(xy) > MAX_MARKERS
    extent = padded_extent(xy)
    layout = plane_layout(data, plane, extent, height, painted)
    shown, marker = np.arange(len(xy)), dict(size=marker_size(len(xy)), opacity=0.8)
    if painted:
        shown, marker = hoverable_rows(len(xy)), dict(size=8, opacity=0)
        source = canvas_of(data, xy, extent).paint(palette.rgb(colors), labels=groups)
        layout["images"] = [image_position(extent) | dict(source=source)]
    points = point_trace(data, plane, xy, shown) | name_labels(data, shown)
    points["marker"] = marker | dict(color=np.array(colors)[groups[shown]].tolist(), symbol=symbols[shown])
    return Figure([points, *rings(data, xy)], layout)


def scatter_matrix(data: Data, columns: list[int]) -> go.Figure:
    """Return a scatter-plot matrix: pairs of columns below the diagonal, correlations above, histograms on the diagonal."""
    p, n = len(columns), len(data.points)
    rows = np.arange(n)
    if n > MAX_PAINTED_ROWS:
        rows = np.sort(np.random.default_rng(0).choice(n, MAX_PAINTED_ROWS, replace=False))
    values = data.points[np.ix_(rows, columns)]
    extents = [padded_extent(np.column_stack([column, column]))[:2] for column in values.T]
    correlations = _correlations(values)
    names = [escape_html(_short_name(data, j)) for j in columns]
    pairs = _Pairs(data, columns, rows, values, extents)
    layout = dict(height=140 + 105 * p, margin=TIGHT, showlegend=False, bargap=0, dragmode=False)
    traces, images, annotations = [], [], []
    for i, j in product(range(p), repeat=2):
        number = str(i * p + j + 1) if i or j else ""
        axes = dict(xaxis=f"x{number}", yaxis=f"y{number}")
        x_axis = PANEL_AXIS | dict(range=extents[j], domain=_domain(j, p), anchor=f"y{number}", showticklabels=i == p - 1)
        y_axis = PANEL_AXIS | dict(range=extents[i], domain=_domain(p - 1 - i, p), anchor=f"x{number}")
        y_axis |= dict(showticklabels=j == 0 and i > 0)
        if i == p - 1:
            x_axis |= dict(title=dict(text=names[j], font=dict(size=11)))
        if j == 0:
            y_axis |= dict(title=dict(text=names[i], font=dict(size=11)))
        if i == j:
            bars = _histogram(values[:, i], extents[i])
            y_axis |= dict(range=[0, bars["y"].max() * 1.08], showticklabels=False)
            traces.append(bars | axes)
        elif j > i:
            x_axis |= dict(visible=False)
            y_axis |= dict(visible=False)
            annotations.append(
                _correlation_text(correlations[i, j]) | dict(xref=f"x{number} domain", yref=f"y{number} domain")
            )
            traces.append(dict(type="scatter", x=[None], y=[None], hoverinfo="skip") | axes)
        else:
            traces += [trace | axes for trace in pairs.traces(j, i)]
            images += [image_position((*extents[j], *extents[i]), number) | image for image in pairs.images(j, i)]
        layout |= {f"xaxis{number}": x_axis, f"yaxis{number}": y_axis}
    return Figure(traces, layout | dict(images=images, annotations=annotations))


def _domain(position: int, count: int) -> list[float]:
    """The start and end of one of `count` panels, as fractions of the width or height of the plot."""
    size = (1 + PANEL_GAP) / count
    return [position * size, min(1.0, (position + 1) * size - PANEL_GAP)]


def _histogram(values: np.ndarray, extent: tuple[float, float]) -> dict:
    counts, edges = histogram(values, 24, *extent), np.linspace(*extent, 25)
    return dict(
        type="bar",
        x=(edges[:-1] + edges[1:]) / 2,
        y=counts,
        width=np.diff(edges),
        marker=dict(color=palette.NEUTRAL, line=dict(width=0)),
        hovertemplate="%{y:,} rows<extra></extra>",
    )


def _correlation_text(value: float) -> dict:
    """An annotation with the correlation, larger if it is stronger; empty for NaN."""
    text, size = ("", 12) if np.isnan(value) else (minus_signs(f"{value:.2f}"), 12 + 6 * abs(value))
    return dict(x=0.5, y=0.5, text=text, showarrow=False, font=dict(size=size))


class _Pairs:
    """The panels for pairs of columns in a scatter-plot matrix, as markers or, for many points, as images."""

    def __init__(self, data: Data, columns: list[int], rows: np.ndarray, values: np.ndarray, extents: list):
        count = len(columns) * (len(columns) - 1) // 2
        self.columns, self.values, self.extents = columns, values, extents
        self.painted = len(data.points) * count > MAX_PANEL_MARKERS
        groups, self.colors, _ = _colors(data)
        self.groups = groups[rows]
        self.names = [] if self.painted else [escape_title(name) for name in data.names_of(rows)]
        self.imputed, self.max_rings = _imputed_rows(data), MAX_PANEL_MARKERS // max(count, 1)

    def traces(self, x: int, y: int) -> list[dict]:
        """The points, unless painted, and the rings around rows with imputed values in one of the two columns."""
        points = dict(type="scatter", mode="markers", x=[None], y=[None], hoverinfo="skip")
        if not self.painted:
            points |= dict(
                x=self.values[:, x],
                y=self.values[:, y],
                customdata=self.names,
                hovertemplate="%{customdata}<br>%{x}, %{y}<extra></extra>",
                hoverinfo=None,
                marker=dict(size=4, opacity=0.75, color=np.array(self.colors)[self.groups].tolist()),
            )
        traces, both = [points], [self.columns[x], self.columns[y]]
        for ring in rings(_select_columns(self.imputed, both), self.imputed.points[:, both]):
            limited = {name: ring[name][: self.max_rings] for name in ("x", "y", "customdata")}
            traces.append(ring | limited | dict(marker=ring["marker"] | dict(size=8)))
        return traces

    def images(self, x: int, y: int) -> list[dict]:
        """The image of the points, if painted."""
        if not self.painted:
            return []
        extent = (*self.extents[x], *self.extents[y])
        canvas = paint.Canvas(self.values[:, x], self.values[:, y], extent, height=180, width=240)
        return [dict(source=canvas.paint(palette.rgb(self.colors), labels=self.groups))]


def _correlations(values: np.ndarray) -> np.ndarray:
    """(p, p) correlations of the columns; NaN for constant columns, whose rounding errors must not be correlated."""
    centered = values - values.mean(axis=0)
    centered /= np.maximum(np.abs(centered).max(axis=0), np.finfo(float).tiny)
    lengths = np.where(np.ptp(values, axis=0) > 0, np.linalg.norm(centered, axis=0), np.nan)
    return (centered.T @ centered) / lengths / lengths[:, None]


def _imputed_rows(data: Data) -> Data:
    """The first rows with imputed values, at most `MAX_MARKERS`."""
    rows = np.zeros(0, dtype=int) if data.imputed is None else np.flatnonzero(data.imputed.any(axis=1))[:MAX_MARKERS]

    def select(part):
        return None if part is None else part[rows]

    kept = dict(
        imputed=select(data.imputed), deviations=select(data.deviations), names=select(data.names), rows=data.rows[rows]
    )
    return replace(data, points=data.points[rows], labels=None, mixed=None, **kept)


def _select_columns(data: Data, columns: list[int]) -> Data:
    """The data with these columns only, for `rings`; fields that it does not use are unchanged."""

    def select(part):
        return None if part is None else part[:, columns]

    return replace(
        data,
        columns=tuple(data.columns[j] for j in columns),
        points=data.points[:, columns],
        imputed=select(data.imputed),
        deviations=select(data.deviations),
    )


def _short_name(data: Data, j: int) -> str:
    """The name of a column, truncated and without the suffix for its scaling."""
    name = data.columns[j]
    for scaled in filter(None, SCALING_SUFFIXES.values()):
        name = name.removesuffix(scaled)
    return truncate(name)


def explained_variance(components: PrincipalComponents) -> go.Figure:
    """Return a plot of the explained variance ratios of the first 20 components, and of their cumulative sum."""
    ratios = components.shares[:20]
    x = np.arange(1, len(ratios) + 1)
    bars = dict(
        type="bar",
        x=x,
        y=ratios,
        marker=dict(color=palette.CURVE),
        name="individual",
        hovertemplate="%{y:.1%}<extra></extra>",
    )
    line = dict(type="scatter", mode="lines+markers", x=x, y=np.cumsum(ratios), name="cumulative")
    line |= dict(line=dict(color=palette.NEUTRAL, dash="dot"))
    layout = dict(
        height=240,
        margin=TIGHT,
        legend=dict(orientation="h", y=1.02, yanchor="bottom"),
        dragmode=False,
        xaxis=dict(title=dict(text="principal component"), dtick=1 if len(ratios) < 12 else None),
        yaxis=dict(title=dict(text="explained variance ratio"), range=[0, 1.05], tickformat=".0%"),
    )
    return Figure([bars, line | dict(hovertemplate="%{y:.1%}<extra></extra>")], layout)


def loadings(data: Data, components: PrincipalComponents) -> go.Figure:
    """Return a heat map of the loadings of columns on components (coefficients of the unit-length principal axes).

    It contains the columns with the largest absolute loadings on the first two components.
    """
    shown = min(MAX_PANELS, len(components.axes))
    strongest = np.sort(np.argsort(-np.abs(components.axes[:2]).max(axis=0), kind="stable")[:MAX_LOADINGS])
    z = components.axes[:shown][:, strongest].T
    names = [escape_html(_short_name(data, j)) for j in strongest]
    heat = dict(
        type="heatmap",
        z=z,
        x=[f"PC {i + 1}" for i in range(shown)],
        y=[f"{name} " for name in distinct_names(names)],
        zmin=-1,
        zmax=1,
        colorscale=palette.DIVERGING,
        text=[[minus_signs(f"{value:.2f}") for value in row] for row in z],
        texttemplate="%{text}",
        hovertemplate="%{y}on %{x}: %{text}<extra></extra>",
        showscale=False,
        xgap=2,
        ygap=2,
    )
    layout = dict(
        height=70 + 30 * len(z),
        margin=TIGHT,
        dragmode=False,
        xaxis=dict(side="top", showgrid=False),
        yaxis=dict(type="category", autorange="reversed", showgrid=False),
    )
    return Figure([heat], layout)


def distinct_names(names: list[str]) -> list[str]:
    """Return the names, made unique by trailing spaces, because Plotly merges rows with equal names.

    Names of properties that every object has in JavaScript get a space too: Plotly looks up names in an object.
    """
    seen = dict.fromkeys(OBJECT_PROPERTIES, 0)
    different = []
    for name in names:
        seen[name] = seen.get(name, -1) + 1
        different.append(name + " " * seen[name])
    return different


def block_means(between, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the dissimilarities of points in this order; of more than `BLOCKS` points, averages over blocks of pairs.

    Parameters
    ----------
    between : function of two arrays of point indices, (m,) and (l,), that returns the (m, l) dissimilarities
    order : (n,) array of point indices

    Returns
    -------
    means : (b, b) array, in single precision if its rounding is invisible
    edges : (b + 1,) positions in `order` where the blocks begin, and the end of the last block
    """
    n = len(order)
    edges = np.unique(np.linspace(0, n, min(n, BLOCKS) + 1).astype(int))
    sizes = np.diff(edges)
    rows = [  # one row of blocks at a time, to avoid a second matrix
        np.add.reduceat(between(order[a:b], order).sum(axis=0), edges[:-1]) / (b - a) / sizes
        for a, b in zip(edges[:-1], edges[1:], strict=True)
    ]
    means = np.array(rows)
    return means.astype(precision(means.min(), means.max())), edges


def heat_map(data: Data, order: np.ndarray, labels: np.ndarray | None = None, height: int = 420) -> go.Figure:
    """Return a heat map of the distance matrix in this order, with lines between clusters if labels (n,) are given.

    With more than `BLOCKS` rows, each cell is the mean of a block of pairs.
    """
    matrix, edges = block_means(lambda ones, others: data.precomputed[np.ix_(ones, others)], order)
    names = data.names_of(order[edges[:-1]])
    few = len(names) <= 40
    ticks = dict(showticklabels=False, ticks="")
    if few:
        ticks = dict(tickvals=list(range(len(names))), ticktext=[escape_html(truncate(name)) for name in names])
    names, sizes = list(map(escape_title, names)), np.diff(edges)
    if len(names) < len(order):
        names = [f"{name} and {size - 1} more" if size > 1 else name for name, size in zip(names, sizes, strict=True)]
    heat = dict(
        type="heatmap",
        z=matrix,
        colorscale=palette.SEQUENTIAL,
        x0=0,
        y0=0,
        text=[[f"{a} – {b}" for b in names] for a in names] if len(names) <= 80 else None,
        hovertemplate=("%{text}: " if len(names) <= 80 else "") + "%{z:.4g}<extra></extra>",
        colorbar=dict(thickness=12, title=dict(text=escape_title(data.matrix_name), side="right")),
    )
    lines = []
    if labels is not None:
        boundaries = np.flatnonzero(np.diff(labels[order])) + 1
        for boundary in boundaries:
            at = float(np.searchsorted(edges, boundary)) - 0.5
            lines += [
                dict(type="line", x0=at, x1=at, y0=-0.5, y1=len(names) - 0.5, line=dict(width=1.5, color=LIGHT)),
                dict(type="line", y0=at, y1=at, x0=-0.5, x1=len(names) - 0.5, line=dict(width=1.5, color=LIGHT)),
            ]
    layout = dict(
        height=height,
        margin=TIGHT,
        shapes=lines,
        dragmode=False,
        xaxis=dict(showgrid=False, zeroline=False, constrain="domain") | ticks | (dict(tickangle=-60) if few else {}),
        yaxis=dict(showgrid=False, zeroline=False, autorange="reversed", scaleanchor="x", constrain="domain") | ticks,
    )
    return Figure([heat], layout)

"""Plotly figures of segments: points, the distribution of a column, and heat map and lines of many columns."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import plotly.graph_objects as go

from clustering import as_frequencies, weighted_quantiles
from pages.datasets.data import Data
from pages.datasets.formatting import escape_html, escape_title, truncate
from pages.datasets.planes import Plane
from pages.figures import palette
from pages.figures.plots import (
    DARK,
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
from pages.figures.summaries import distinct_names

FAINT = 0.2
"""opacity of what is not in color"""
BINS = 30
"""number of bars of a histogram"""
MAX_UNIT_BINS = 60
"""largest range of integers whose histogram has a bar for each"""
GRID = 201
"""number of positions at which a density is computed"""
FINE_BINS = 2_000
"""number of bins into which values are counted before a density is computed"""
MAX_CATEGORIES = 12
"""maximum number of categories with bars of their own"""
MAX_TEXT_COLUMNS = 12
"""maximum number of segments with which the cells of a heat map show text"""
SELECTED = "Selected rows"


@dataclass(frozen=True, eq=False)
class ColoredSegments:
    """The segments of n points, and which of them are in color."""

    labels: np.ndarray
    """(n,) segment of each point, from 0; -1 for none"""
    names: tuple[str, ...]
    """(k,)"""
    ranks: tuple[int, ...]
    """(k,) rank that determines the color and symbol of each segment"""
    picked: int | None = None
    """the only segment in color; None for all"""
    selected: np.ndarray | None = None
    """(n,) booleans, the selected rows; None if there is no selection"""
    weights: np.ndarray | None = None
    """(n,) weights of the rows; None if all count the same"""

    @cached_property
    def counting(self) -> np.ndarray:
        """(n,) whether a row has a weight above 0."""
        return np.ones(len(self.labels), dtype=bool) if self.weights is None else self.weights > 0

    def weights_of(self, rows: np.ndarray) -> np.ndarray | None:
        """(m,) weights of these rows, given by booleans (n,)."""
        return None if self.weights is None else self.weights[rows]

    def frequencies_of(self, rows: np.ndarray) -> np.ndarray | None:
        """(m,) weights of these rows for statistics that depend on the number of rows, see `as_frequencies`."""
        return None if self.weights is None else self._frequencies[rows]

    @cached_property
    def _frequencies(self) -> np.ndarray:
        return as_frequencies(self.weights)

    @cached_property
    def shown(self) -> np.ndarray:
        """(n,) whether a point is in color: the selected rows, or else those of the picked segment, or else all."""
        if self.selected is not None:
            return self.selected
        return np.ones(len(self.labels), dtype=bool) if self.picked is None else self.labels == self.picked

    @cached_property
    def colors(self) -> list[str]:
        """(k,) color of each segment."""
        return [palette.color_of(rank) for rank in self.ranks]

    @cached_property
    def opacities(self) -> list[float]:
        """(k,) opacity of what stands for a whole segment."""
        return [1.0 if self.picked in (None, i) else FAINT for i in range(len(self.names))]

    @cached_property
    def titles(self) -> list[str]:
        """(k,) names of the segments as unique labels for axes."""
        return distinct_names([escape_html(truncate(name)) for name in self.names])


def points(data: Data, plane: Plane, groups: ColoredSegments, tool: str = "select", height: int = 460) -> go.Figure:
    """Return a scatter plot in the plane, with segments as colors; `tool` is what dragging does, "select" or "lasso"."""
    xy = plane.positions(data.points)
    n, shown = len(xy), groups.shown
    extent = padded_extent(xy)
    painted = n > MAX_MARKERS
    layout = plane_layout(data, plane, extent, height, painted) | dict(dragmode=tool)
    rows, marker = np.arange(n), dict(size=marker_size(n))
    if painted:
        rows, marker = hoverable_rows(n), dict(size=8)
        layout["images"] = _images(data, xy, extent, groups)
    colors = np.array([*groups.colors, palette.NEUTRAL])
    symbols = np.append(palette.SYMBOL_NUMBERS[np.array(groups.ranks, dtype=int) % len(palette.SYMBOL_NUMBERS)], 0)
    names = [*groups.names, "no segment"]
    traces = []
    for part, opacity in ((rows[~shown[rows]], FAINT), (rows[shown[rows]], 0.8)):
        trace = point_trace(data, plane, xy, part)
        labels = groups.labels[part]
        trace["customdata"] = [
            f"{name}<br>{escape_title(names[label])}" for name, label in zip(trace["customdata"], labels, strict=True)
        ]
        look = marker | dict(opacity=0 if painted else opacity, color=colors[labels].tolist(), symbol=symbols[labels])
        # Plotly would fade what is outside of the box or lasso, and then draw the figure again with the selected rows
        traces.append(trace | dict(marker=look, unselected=dict(marker=dict(opacity=look["opacity"]))))
    return Figure(traces, layout)


def _images(data: Data, xy: np.ndarray, extent: tuple, groups: ColoredSegments) -> list[dict]:
    """Images of the points: those in color, above a faint one of all."""
    shown, colors = groups.shown, palette.rgb([*groups.colors, palette.NEUTRAL])
    # -1 becomes the last color
    labels = np.where(groups.labels < 0, len(groups.names), groups.labels)
    images = []
    if not shown.all():
        gray = canvas_of(data, xy, extent).paint(palette.rgb([palette.NEUTRAL]))
        position = image_position(extent)
        # Plotly draws only one of two images at exactly the same position
        images.append(position | dict(source=gray, opacity=2 * FAINT, sizex=position["sizex"] * (1 + 1e-9)))
    if shown.any():
        source = canvas_of(data, xy[shown], extent).paint(colors, labels=labels[shown])
        images.append(image_position(extent) | dict(source=source))
    return images


def bin_edges(values: np.ndarray) -> np.ndarray:
    """Edges of the bars of a histogram of values (n,) without NaN: one bar for each integer if there are few."""
    low, high = float(values.min()), float(values.max())
    if high - low <= MAX_UNIT_BINS and (values == np.rint(values)).all():
        return np.arange(low - 0.5, high + 1)
    if low == high:
        return np.array([low - 0.5 * max(abs(low), 1.0), low + 0.5 * max(abs(low), 1.0)])
    return np.linspace(low, high, BINS + 1)


def histogram(values: np.ndarray, groups: ColoredSegments, title: str, date: bool = False) -> go.Figure:
    """Return a stacked histogram of values (n,), NaN if missing: rows in color by segment, all other rows in gray.

    Bars are numbers of rows, or sums of their weights.
    """
    known = ~np.isnan(values) & groups.counting
    weights = groups.weights_of(known)
    edges = bin_edges(values[known])
    shown, labels = groups.shown[known], groups.labels[known]
    bins = np.clip(np.searchsorted(edges, values[known], side="right") - 1, 0, len(edges) - 2)
    texts = _texts(edges, date)
    vertical, amount = ("rows", "%{y:,} rows") if weights is None else ("sum of weights", "sum of weights %{y:,.6~g}")
    parts = [(shown & (labels == i), groups.colors[i], groups.names[i]) for i in range(len(groups.names))]
    parts.append((shown & (labels < 0), palette.NEUTRAL, "No segment"))
    parts.append((~shown, palette.NEUTRAL, "Other rows"))
    traces = []
    for rows, color, name in parts:
        counts = np.bincount(bins[rows], None if weights is None else weights[rows], minlength=len(edges) - 1)
        if counts.any():
            traces.append(
                dict(
                    type="bar",
                    x=(edges[:-1] + edges[1:]) / 2,
                    y=counts,
                    width=np.diff(edges),
                    customdata=[f"{low} to {high}" for low, high in zip(texts[:-1], texts[1:], strict=True)],
                    marker=dict(color=color, opacity=2 * FAINT if name == "Other rows" else 1, line=dict(width=0)),
                    hovertemplate=f"{escape_title(name)}<br>%{{customdata}}: {amount}<extra></extra>",
                )
            )
    layout = _layout(title, edges[[0, -1]], date) | dict(barmode="stack", bargap=0)
    return Figure(traces, layout | dict(yaxis=dict(title=dict(text=vertical), fixedrange=True)))


def density_of(values: np.ndarray, at: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray | None:
    """Density of values (n,) at these positions; None if it has none because all values are equal.

    With weights (n,) above 0, which are frequencies, n is their sum.

    A Gaussian kernel estimate with Silverman's bandwidth 0.9 · min(SD, interquartile range / 1.34) · n^(-1/5) (Silverman 1986,
    doi:10.1201/9781315140919), which is at least one step between the positions.
    """
    if not len(values) or np.ptp(values) == 0:
        return None
    n = len(values) if weights is None else weights.sum()
    spread = np.subtract(*weighted_quantiles(values, [0.75, 0.25], weights)) / 1.34 or np.inf
    deviation = np.sqrt(np.average(np.square(values - np.average(values, weights=weights)), weights=weights))
    width = max(0.9 * min(deviation, spread) * n**-0.2, at[1] - at[0])
    counts, edges = np.histogram(values, FINE_BINS, weights=weights)
    filled = np.flatnonzero(counts)
    centers = (edges[filled] + edges[filled + 1]) / 2
    kernels = np.exp(-0.5 * ((at[:, None] - centers) / width) ** 2)
    return kernels @ counts[filled] / (n * width * np.sqrt(2 * np.pi))


def density(values: np.ndarray, groups: ColoredSegments, title: str, date: bool = False) -> go.Figure:
    """Return a density curve of values (n,), NaN if missing, for each segment and for the selected rows; each has area 1."""
    known = ~np.isnan(values) & groups.counting
    low, high = values[known].min(), values[known].max()
    margin = 0.08 * (high - low) or 0.5
    x = np.linspace(low - margin, high + margin, GRID)
    texts = _texts(x, date)
    traces = []
    for rows, color, name, opacity in _parts(groups):
        own = rows & known
        y = density_of(values[own], x, groups.frequencies_of(own))
        if y is not None:
            traces.append(
                dict(
                    type="scatter",
                    mode="lines",
                    x=x,
                    y=y,
                    customdata=texts,
                    opacity=opacity,
                    line=dict(color=color, width=3, dash="dot" if name == SELECTED else "solid"),
                    hovertemplate=f"{escape_title(name)}<br>%{{customdata}}: %{{y:.3g}}<extra></extra>",
                )
            )
    layout = _layout(title, x[[0, -1]], date)
    return Figure(traces, layout | dict(yaxis=dict(title=dict(text="density"), rangemode="tozero", fixedrange=True)))


def box_plot(values: np.ndarray, groups: ColoredSegments, title: str, date: bool = False) -> go.Figure:
    """Return a box plot of values (n,), NaN if missing, for each segment and for the selected rows.

    Whiskers reach to the most extreme values within 1.5 interquartile ranges of the box; dots are smallest and largest values.
    """
    known = ~np.isnan(values) & groups.counting
    low, high = values[known].min(), values[known].max()
    margin = 0.04 * (high - low) or 0.5
    titles, traces = [*groups.titles, SELECTED], []
    for i, (rows, color, name, opacity) in enumerate(_parts(groups)):
        own = values[rows & known]
        if not len(own):
            continue
        q1, median, q3 = weighted_quantiles(own, [0.25, 0.5, 0.75], groups.frequencies_of(rows & known))
        reach = 1.5 * (q3 - q1)
        fences = own[own >= q1 - reach].min(), own[own <= q3 + reach].max()
        summary = dict(min=own.min(), q1=q1, median=median, q3=q3, max=own.max())
        hover = "<br>".join(f"{word}: {text}" for word, text in zip(summary, _texts(summary.values(), date), strict=True))
        box = dict(q1=[q1], median=[median], q3=[q3], lowerfence=fences[:1], upperfence=fences[1:])
        style = dict(marker=dict(color=color), opacity=opacity)
        traces.append(dict(type="box", orientation="h", y=[titles[i]], hoverinfo="skip", **box, **style))
        ends = dict(type="scatter", mode="markers", x=[own.min(), median, own.max()], y=[titles[i]] * 3)
        sizes = [5 if own.min() < fences[0] else 0, 0, 5 if own.max() > fences[1] else 0]
        template = f"<b>{escape_title(name)}</b><br>{hover}<extra></extra>"
        traces.append(ends | dict(opacity=opacity, marker=dict(color=color, size=sizes), hovertemplate=template))
    layout = _layout(title, (low - margin, high + margin), date, max(320, 90 + 34 * len(titles)))
    return Figure(traces, layout | dict(yaxis=dict(autorange="reversed", fixedrange=True, type="category")))


def category_shares(codes: np.ndarray, count: int, groups: ColoredSegments) -> np.ndarray:
    """(k, count) share of each category among the known values of each segment; NaN for a segment without values."""
    known = (codes >= 0) & (groups.labels >= 0)
    counts = np.zeros((len(groups.names), count))
    np.add.at(counts, (groups.labels[known], codes[known]), 1 if groups.weights is None else groups.weights[known])
    with np.errstate(invalid="ignore"):
        return counts / counts.sum(axis=1, keepdims=True)


def category_bars(codes: np.ndarray, categories: tuple[str, ...], groups: ColoredSegments, title: str) -> go.Figure:
    """Return bars of the shares of the most frequent categories in each segment, and in the selected rows.

    codes : (n,) category of each row, -1 if missing
    """
    shares = category_shares(codes, len(categories), groups)
    known = codes >= 0
    totals = np.bincount(codes[known], groups.weights_of(known), minlength=len(categories))
    common = np.argsort(-totals, kind="stable")[:MAX_CATEGORIES]
    texts = distinct_names([escape_html(truncate(categories[j])) for j in common])
    rows = list(zip(shares, groups.colors, groups.names, groups.opacities, strict=True))
    if groups.selected is not None and (own := groups.selected & known & groups.counting).any():
        counts = np.bincount(codes[own], groups.weights_of(own), minlength=len(categories))
        rows.append((counts / counts.sum(), palette.NEUTRAL, SELECTED, 1.0))
    traces = [
        dict(
            type="bar",
            x=texts,
            y=share[common],
            customdata=common,
            marker=dict(color=color, opacity=opacity, line=dict(width=0)),
            hovertemplate=f"{escape_title(name)}<br>%{{x}}: %{{y:.1%}}<extra></extra>",
        )
        for share, color, name, opacity in rows
        if not np.isnan(share).any()
    ]
    layout = dict(height=380, margin=TIGHT, showlegend=False, barmode="group", dragmode="select", selectdirection="h")
    x = dict(title=dict(text=escape_title(title)), type="category", fixedrange=True)
    y = dict(title=dict(text="share of the segment"), tickformat=".0%", rangemode="tozero", fixedrange=True)
    return Figure(traces, layout | dict(xaxis=x, yaxis=y))


def heat_map(z: np.ndarray, texts: list[list[str]], rows: list[str], groups: ColoredSegments) -> go.Figure:
    """Return a heat map of standardized differences (p, k) of each segment from all rows.

    Each cell has an invisible marker, which can be clicked, with row and segment as customdata.

    texts : (p, k) texts of the cells
    rows : (p,) names of the rows; may contain HTML
    """
    p, k = z.shape
    names = distinct_names(rows)
    heat = dict(
        type="heatmap",
        z=z,
        x=groups.titles,
        y=names,
        zmin=-2,
        zmax=2,
        colorscale=palette.DIVERGING,
        text=texts,
        texttemplate="%{text}" if k <= MAX_TEXT_COLUMNS else None,
        textfont=dict(color=DARK),
        hoverinfo="skip",
        showscale=False,
        xgap=2,
        ygap=2,
    )
    hover = [
        f"<b>{escape_title(groups.names[i])}</b><br>{rows[j]}: {texts[j][i]}<br>{z[j, i]:+.2f} standard deviations"
        for j in range(p)
        for i in range(k)
    ]
    cells = dict(
        type="scatter",
        mode="markers",
        x=groups.titles * p,
        y=[name for name in names for _ in range(k)],
        customdata=[[j, i] for j in range(p) for i in range(k)],
        text=hover,
        hovertemplate="%{text}<extra></extra>",
        marker=dict(opacity=0),
        selected=dict(marker=dict(opacity=0)),
        unselected=dict(marker=dict(opacity=0)),
    )
    shapes = []
    if groups.picked is not None:
        edge = dict(type="rect", x0=groups.picked - 0.5, x1=groups.picked + 0.5, y0=-0.5, y1=p - 0.5)
        shapes.append(edge | dict(line=dict(color=groups.colors[groups.picked], width=3)))
    layout = dict(
        height=90 + 30 * p,
        margin=TIGHT,
        showlegend=False,
        hovermode="closest",
        hoverdistance=-1,  # the nearest marker is that of the cell
        dragmode=False,
        shapes=shapes,
        xaxis=dict(side="top", showgrid=False, fixedrange=True, type="category"),
        yaxis=dict(autorange="reversed", showgrid=False, fixedrange=True, type="category"),
    )
    return Figure([heat, cells], layout)


def lines(
    heights: np.ndarray, texts: list[list[str]], columns: list[str], groups: ColoredSegments, selected=None
) -> go.Figure:
    """Return lines of the medians of each segment over columns (parallel coordinates).

    Parameters
    ----------
    heights : (p, k) position of each median among all rows, from 0 to 1
    texts : (p, k) medians in the units of the columns
    columns : (p,) names of the columns
    selected : heights (p,) and tooltips (p,) of the selected rows, if any
    """
    names = distinct_names([escape_html(truncate(column)) for column in columns])
    curves = [
        (heights[:, i], [row[i] for row in texts], groups.colors[i], palette.symbol_of(groups.ranks[i]), i, groups.names[i])
        for i in range(len(groups.names))
    ]
    if selected is not None:
        curves.append((*selected, palette.NEUTRAL, "circle-open", -1, SELECTED))
    traces = [
        dict(
            type="scatter",
            mode="lines+markers",
            x=names,
            y=y,
            customdata=[[j, i] for j in range(len(names))],
            text=[
                f"<b>{escape_title(name)}</b><br>{escape_title(column)}: {text}"
                for column, text in zip(columns, own, strict=True)
            ],
            hovertemplate="%{text} (%{y:.0%})<extra></extra>",
            opacity=1.0 if i < 0 else groups.opacities[i],
            line=dict(color=color, width=2.5, dash="dot" if i < 0 else "solid"),
            marker=dict(size=9, symbol=symbol, opacity=1),
            unselected=dict(marker=dict(opacity=1)),
        )
        for y, own, color, symbol, i, name in curves
    ]
    layout = dict(
        height=380,
        margin=TIGHT,
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        xaxis=dict(showgrid=True, fixedrange=True, type="category", range=[-0.3, len(names) - 0.7]),
        yaxis=dict(range=[-0.03, 1.03], tickformat=".0%", title=dict(text="median’s rank among all rows"), fixedrange=True),
    )
    return Figure(traces, layout)


def _parts(groups: ColoredSegments) -> list[tuple[np.ndarray, str, str, float]]:
    """Rows, color, name and opacity of each segment, and of the selected rows, if any."""
    parts = [
        (groups.labels == i, color, name, opacity)
        for i, (color, name, opacity) in enumerate(zip(groups.colors, groups.names, groups.opacities, strict=True))
    ]
    return parts + ([] if groups.selected is None else [(groups.selected, palette.NEUTRAL, SELECTED, 1.0)])


def _texts(values, date: bool) -> list[str]:
    """Numbers with four digits; days since 1970 as dates."""
    if date:
        return [str(np.datetime64(0, "D") + np.timedelta64(round(value), "D")) for value in values]
    return [
        f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}" if abs(value) < 1e9 else f"{value:.4g}" for value in values
    ]


def _layout(title: str, extent, date: bool, height: int = 380) -> dict:
    """The layout of a plot of the distribution of a column, in which a horizontal range can be selected."""
    low, high = map(float, extent)
    axis = dict(title=dict(text=escape_title(title)), range=[low, high], fixedrange=True)
    if date:
        ticks = np.linspace(low, high, 6)[1:-1]
        axis |= dict(tickvals=ticks.tolist(), ticktext=_texts(ticks, date))
    layout = dict(height=height, margin=TIGHT, showlegend=False, hovermode="closest", dragmode="select", selectdirection="h")
    return layout | dict(xaxis=axis)

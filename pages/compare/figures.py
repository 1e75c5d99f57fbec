"""Plotly figures of the agreement of two clusterings."""

import numpy as np
import plotly.graph_objects as go

from pages.compare.agreement import Agreement, Clustering
from pages.datasets.data import Data
from pages.datasets.formatting import escape_html, escape_title, pluralize, truncate
from pages.datasets.planes import Plane
from pages.figures import palette
from pages.figures.plots import TIGHT, Figure, canvas_of, image_position, padded_extent, side_by_side_layout

EDGE = "#26262c"


def color_of(number: int) -> str:
    return palette.NEUTRAL if number < 0 else palette.color_of(number)


def contingency(agreement: Agreement, height: int = 330) -> go.Figure:
    """Contingency table of two clusterings: one square per nonempty cell, with area proportional to its number of points.

    Squares can be selected; the `customdata` of a square is its cell (label in a, label in b).
    """
    rows, columns = np.nonzero(agreement.table)
    counts = agreement.table[rows, columns]
    side = min(200 / max(*agreement.table.shape, 1), 46)
    a, b = agreement.groups_a[rows], agreement.groups_b[columns]
    differs = a != b
    square = dict(
        type="scatter",
        mode="markers+text",
        x=columns,
        y=rows,
        text=[f"{count:,}" for count in counts],
        textfont=dict(size=12 if side > 20 else 9, color=palette.NEUTRAL),
        textposition="bottom center",
        customdata=np.column_stack([a, b]).tolist(),
        hovertext=[
            f"{escape_title(agreement.a.group_name(i))} in the first, "
            f"{escape_title(agreement.b.group_name(j))} in the second: {pluralize(count, 'point')}"
            for count, i, j in zip(counts.tolist(), a, b, strict=True)
        ],
        hoverinfo="text",
        marker=dict(
            symbol="square",
            size=np.maximum(side * np.sqrt(counts / counts.max(initial=1)), 6),
            color=[color_of(number) for number in b],
            opacity=np.where(differs, 0.95, 0.45),
            line=dict(width=np.where(differs, 2, 0), color=[color_of(number) for number in a]),
        ),
        selected=dict(marker=dict(opacity=1.0)),
        unselected=dict(marker=dict(opacity=0.3)),
    )
    layout = dict(
        height=height,
        margin=TIGHT,
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        clickmode="event+select",
        xaxis=_groups_axis(agreement.b, agreement.groups_b) | dict(side="top"),
        yaxis=_groups_axis(agreement.a, agreement.groups_a)
        | dict(autorange=False, range=[len(agreement.groups_a) - 0.5, -0.5]),
    )
    return Figure([square], layout)


def _groups_axis(clustering: Clustering, groups: np.ndarray) -> dict:
    def tick(group: int) -> str:
        mark, _, text = clustering.group_name(group).partition(" ")
        return f"<span style='color:{color_of(group)}'>{mark}</span> {escape_html(truncate(text))}"

    return dict(
        title=dict(text=escape_title(clustering.name), standoff=6),
        tickvals=list(range(len(groups))),
        ticktext=[tick(group) for group in groups.tolist()],
        range=[-0.5, len(groups) - 0.5],
        zeroline=False,
        showgrid=False,
    )


def backdrop(data: Data, plane: Plane, clustering: Clustering) -> str:
    """Image of all points, colored by their labels, as a data URI; for `side_by_side` with many points."""
    xy = plane.positions(data.points)
    colors = [palette.NEUTRAL] + [palette.color_of(g) for g in range(max(clustering.labels.max(), 0) + 1)]
    return canvas_of(data, xy, extent_of(data, xy)).paint(palette.rgb(colors), labels=clustering.labels + 1)


def extent_of(data: Data, xy: np.ndarray) -> tuple[float, float, float, float]:
    return padded_extent(xy, 1.3 if data.to_scale else None)


def side_by_side(
    data: Data, plane: Plane, agreement: Agreement, highlighted: np.ndarray, backdrops=(), height: int = 360
) -> go.Figure:
    """Scatter plots of both clusterings, side by side.

    Parameters
    ----------
    highlighted : (m,) indices of the points to emphasize; all others are faint.
    backdrops : images from `backdrop` of both clusterings, for more than `MAX_MARKERS` points; otherwise empty.
    """
    xy = plane.positions(data.points)
    extent = extent_of(data, xy)
    names = [escape_title(name) for name in data.names_of(highlighted)]
    layout = side_by_side_layout(data, plane, extent, (agreement.a.name, agreement.b.name), height, bool(backdrops))
    layout |= dict(hovermode="closest", dragmode="pan")
    layout["xaxis2"]["matches"] = "x"
    layout["yaxis2"] |= dict(matches="y", showticklabels=False, scaleanchor=None)
    traces = []
    for i, clustering in enumerate((agreement.a, agreement.b)):
        suffix = "" if i == 0 else "2"
        axes = dict(xaxis=f"x{suffix}", yaxis=f"y{suffix}")
        if backdrops:
            layout["images"].append(image_position(extent, suffix) | dict(source=backdrops[i], opacity=0.45))
        else:
            traces.append(_dots(xy, clustering, np.arange(len(xy)), 5.5, 0.22) | axes | dict(hoverinfo="skip"))
        dots = _dots(xy, clustering, highlighted, 7.5, 1.0) | axes
        dots["marker"]["line"] = dict(width=1, color=EDGE)
        clusterings = (agreement.a, agreement.b)
        dots["customdata"] = [
            "<br>".join(
                [name, *(f"{escape_title(one.name)}: {escape_title(one.group_name(one.labels[row]))}" for one in clusterings)]
            )
            for name, row in zip(names, highlighted, strict=True)
        ]
        dots["hovertemplate"] = "%{customdata}<extra></extra>"
        traces.append(dots)
    return Figure(traces, layout)


def _dots(xy, clustering: Clustering, rows: np.ndarray, size: float, opacity: float) -> dict:
    labels = clustering.labels[rows]
    return dict(
        type="scatter",
        mode="markers",
        x=xy[rows, 0],
        y=xy[rows, 1],
        marker=dict(
            size=size,
            opacity=opacity,
            color=[color_of(g) for g in labels.tolist()],
            symbol=np.where(labels < 0, 0, palette.SYMBOL_NUMBERS[np.maximum(labels, 0) % len(palette.SYMBOL_NUMBERS)]),
        ),
    )

"""The figure of the Breaking points page."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from pages.breaking_points.study import BAND, Deformation, ScoreCurve
from pages.figures import palette
from pages.figures.plots import TIGHT, Figure
from pages.methods import method, methods

HEIGHT = 420
BAND_OPACITY = "26"
"""of the bands, as two hexadecimal digits"""


def color_of_method(name: str) -> str:
    """Color of a method, the same whatever other methods are shown."""
    return palette.series_color(list(methods()).index(name))


def symbol_of_method(name: str) -> str:
    """Marker of a method."""
    return palette.symbol_of(list(methods()).index(name))


def scores_by_deformation(
    deformation: Deformation, curves: Sequence[ScoreCurve], limits: ScoreCurve, threshold: float
) -> go.Figure:
    """Mean scores over the deformation with bands, the threshold and the breaking points.

    The `customdata` of a point of a curve is (value of the deformation, name of the method).
    """
    figure = Figure([], _layout(deformation))
    best = dict(color=palette.NEUTRAL, width=2, dash="dash")
    figure.add_scatter(x=limits.values, y=limits.means, mode="lines", line=best, name="true parameters", hoverinfo="skip")
    for curve in curves:
        color, title = color_of_method(curve.method), method(curve.method).title
        low, high = curve.band
        figure.add_scatter(
            x=[*curve.values, *curve.values[::-1]],
            y=np.concatenate([high, low[::-1]]),
            fill="toself",
            fillcolor=color + BAND_OPACITY,
            line=dict(width=0),
            mode="lines",
            hoverinfo="skip",
            showlegend=False,
        )
        figure.add_scatter(
            x=curve.values,
            y=curve.means,
            name=title,
            mode="lines+markers",
            line=dict(color=color, width=2.5),
            marker=dict(size=9, symbol=symbol_of_method(curve.method)),
            customdata=[(value, curve.method) for value in curve.values],
            hovertext=[
                f"{title}<br>{deformation.axis}: {value:g}<br>adjusted Rand index: {mean:.3f}"
                f"<br>{100 * BAND[0]:.0f}th to {100 * BAND[1]:.0f}th percentile: {one:.3f} to {other:.3f}"
                "<br>click to open such a case in Compare"
                for value, mean, one, other in zip(curve.values, curve.means, low, high, strict=True)
            ],
            hoverinfo="text",
            selected=dict(marker=dict(opacity=1)),
            unselected=dict(marker=dict(opacity=1)),
        )
    ends = [deformation.values[0], deformation.values[-1]]
    line = dict(color=palette.CHOSEN, width=1.5, dash="dot")
    figure.add_scatter(x=ends, y=[threshold] * 2, mode="lines", line=line, hoverinfo="skip", showlegend=False)
    found = [(curve.breaking_point(threshold), curve) for curve in curves]
    broken = [(point, min(threshold, curve.means[0])) for point, curve in found if point is not None]
    x, y = zip(*broken, strict=True) if broken else ((), ())
    mark = dict(size=13, symbol="circle", color=palette.CHOSEN, line=dict(width=2, color="#ffffff"))
    figure.add_scatter(x=x, y=y, mode="markers", marker=mark, hoverinfo="skip", showlegend=False)
    return figure


def _layout(deformation: Deformation) -> dict:
    ticks = dict(tickvals=deformation.values, ticktext=[f"{value:g}" for value in deformation.values])
    axis = dict(title=dict(text=deformation.axis), zeroline=False) | ticks
    axis |= dict(type="log") if deformation.is_logarithmic else {}
    axis |= dict(autorange="reversed") if deformation.is_descending else {}
    return dict(
        height=HEIGHT,
        margin=TIGHT | dict(t=40),
        dragmode=False,
        hovermode="closest",
        legend=dict(orientation="h", x=0, y=1, yanchor="bottom"),
        xaxis=axis,
        yaxis=dict(title=dict(text="adjusted Rand index"), zeroline=False, range=[-0.05, 1.05]),
    )

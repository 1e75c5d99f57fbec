"""Histograms of p-values."""

import numpy as np
import plotly.graph_objects as go

from pages.figures import palette
from pages.figures.plots import TIGHT, Figure

BINS = 20
"""number of bars; the first one counts p-values below 0.05"""


def p_value_histogram(p_values: np.ndarray, color: str, height: int = 240) -> go.Figure:
    """Return a histogram of p-values (m,), with a dashed line at the height of all bars if they were uniform."""
    counts, edges = np.histogram(p_values, BINS, (0, 1))
    bars = dict(
        type="bar",
        x=(edges[:-1] + edges[1:]) / 2,
        y=counts,
        width=0.9 / BINS,
        customdata=[f"{low:.2f} to {high:.2f}" for low, high in zip(edges[:-1], edges[1:], strict=True)],
        marker=dict(color=color, line=dict(width=0)),
        hovertemplate="p from %{customdata}: %{y:,}<extra></extra>",
    )
    uniform = dict(
        mode="lines",
        x=[0, 1],
        y=[len(p_values) / BINS] * 2,
        hoverinfo="skip",
        line=dict(color=palette.NEUTRAL, width=2, dash="dash"),
    )
    layout = dict(height=height, margin=TIGHT, showlegend=False, dragmode=False, bargap=0)
    layout["xaxis"] = dict(title=dict(text="p-value"), range=[0, 1], zeroline=False, fixedrange=True)
    layout["yaxis"] = dict(title=dict(text="simulations"), rangemode="tozero", nticks=5, fixedrange=True)
    return Figure([bars, uniform], layout)

"""A bar chart of how strongly columns separate clusters."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from pages.datasets.formatting import escape_html, escape_title, truncate
from pages.figures import palette
from pages.figures.plots import TIGHT, Figure

ROW_HEIGHT = 30
BAND = "rgba(140,140,150,0.45)"
OTHER = "#a5a8b0"
"""color of columns that are not features"""


def effect_bars(
    names: Sequence[str],
    effects: np.ndarray,
    measures: Sequence[str],
    is_feature: Sequence[bool],
    noise: np.ndarray,
) -> go.Figure:
    """Return horizontal bars of effects in 0..1, the first at the top, over bands of their values in noise.

    Parameters
    ----------
    names, effects, measures : (m,) names of the columns, their effects, and what the effects are called
    is_feature : (m,) whether the points were clustered by the column, which has another color
    noise : (m,) ends of the bands, which begin at 0; NaN without one
    """
    y = np.arange(len(names))
    shown = np.flatnonzero(np.isfinite(noise))
    colors = [palette.CURVE if feature else OTHER for feature in is_feature]
    bands = dict(type="bar", orientation="h", x=noise[shown], y=y[shown], width=0.86, marker=dict(color=BAND))
    texts = [
        f"{escape_title(name)}: {measure} = {effect:.3f}"
        for name, measure, effect in zip(names, measures, effects, strict=True)
    ]
    bars = dict(type="bar", orientation="h", x=effects, y=y, width=0.42, marker=dict(color=colors), hovertext=texts)
    ticks = [escape_html(truncate(name)) for name in names]
    layout = dict(
        height=60 + ROW_HEIGHT * len(names),
        margin=TIGHT,
        showlegend=False,
        dragmode=False,
        barmode="overlay",
        xaxis=dict(range=[0, 1], zeroline=False),
        yaxis=dict(tickvals=y, ticktext=ticks, autorange="reversed", zeroline=False, showgrid=False, automargin=True),
    )
    return Figure([bands | dict(hoverinfo="skip"), bars | dict(hoverinfo="text")], layout)

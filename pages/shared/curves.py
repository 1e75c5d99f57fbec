"""Curves of losses. The one of a run moves in step with its picture. Arrays in, figures out; no Streamlit."""

import numpy as np
import plotly.graph_objects as go

from pages.shared import palette
from pages.shared.figures import REMOTE, figure
from pages.shared.runs import Run
from pages.shared.storyboard import Frame


def loss_curve(run: Run, frames: list[Frame], name: str) -> go.Figure:
    """The loss after each half-step; the marker is on the frame that is shown, and the line is drawn up to it."""
    history = run.history
    x = np.arange(2 * len(history) - 1) / 2
    y = np.empty(len(x))
    y[::2], y[1::2] = history.losses, history.half_losses
    told = [None if frame.loss is None else (frame.assignment + 0.5 * (frame.kind == "M"), frame.loss) for frame in frames]
    nowhere = dict(x=[None], y=[None])  # an empty array would make Plotly drop the other lines as well
    specs = []
    for i, at in enumerate(told):
        shown = x <= (-1 if at is None else at[0])
        here = nowhere if at is None else dict(x=[at[0]], y=[at[1]])
        if shown.sum() > 200:
            shown &= np.arange(len(x)) % (len(x) // 100) == 0
        line = dict(x=x[shown], y=y[shown]) if shown.any() else nowhere
        specs.append(dict(name=str(i), data=[line, here], traces=[1, 2]))
    span = y.max() - y.min() or 1.0
    symbols = np.where(np.arange(len(x)) % 2, 100, 0)  # open circles for M steps
    hover = "%{text}<br>loss %{y:.6g}<extra></extra>"
    texts = [f"{'M' if i % 2 else 'E'} step, iteration {i // 2}" for i in range(len(x))]
    small = len(x) <= 60
    data = [
        dict(
            type="scatter", x=x, y=y, mode="lines+markers" if small else "lines", text=texts, hovertemplate=hover, opacity=0.45
        )
        | dict(line=dict(color=palette.NEUTRAL, width=1.5), marker=dict(symbol=symbols, size=5, color=palette.NEUTRAL)),
        dict(type="scatter", mode="lines", line=dict(color=palette.COLORS[0], width=3), hoverinfo="skip")
        | specs[-1]["data"][0],
        dict(type="scatter", mode="markers", hoverinfo="skip") | specs[-1]["data"][1],
    ]
    data[2]["marker"] = dict(size=13, color=palette.COLORS[1], line=dict(width=2, color="#ffffff"))
    layout = dict(
        height=250,
        margin=dict(l=10, r=10, t=10, b=10),
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        meta=name,
        xaxis=dict(title=dict(text="iteration"), range=[-0.03 * x[-1] - 0.2, 1.03 * x[-1] + 0.2], zeroline=False),
        yaxis=dict(title=dict(text="loss"), range=[y.min() - 0.08 * span, y.max() + 0.08 * span], zeroline=False),
        updatemenus=[REMOTE],
    )
    return figure(data, layout, specs)

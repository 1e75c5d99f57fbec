"""Figures of many runs. What stands for a run has its (initialization, seed) as customdata."""

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from pages.datasets.formatting import number
from pages.figures import palette
from pages.methods import initializations
from pages.restarts.study import Findings

BINS = 30
MOST_VERTICES = 40
"""of the line of a run; of longer ones some iterations are left out"""
CLICKABLE = (1, 2, 4, 8, 16)
"""iterations at which a line can be clicked, beside its end"""
MARGIN = dict(l=10, r=10, t=30, b=10)
BEST = "#8c8c96"


def color_of_initialization(name: str) -> str:
    """The color of an initialization, by its position among all."""
    return palette.color_of(list(initializations()).index(name))


def histogram(findings: Findings) -> go.Figure:
    """How often each final loss came, a row for each initialization. A bar stands for the best run in it."""
    low, high = findings.best.loss, max(run.loss for run in findings.runs)
    if high - low <= findings.tolerance:  # all reach the best: one bar among the places of many
        size = 0.01 * (abs(low) or 1.0)
        edges = low + size * (np.arange(BINS + 1) - BINS / 2 - 0.5)
    else:
        edges = np.linspace(low, high, BINS + 1)
    rows = len(findings.by_initialization)
    figure = make_subplots(rows=rows, shared_xaxes=True, vertical_spacing=0.09)
    for row, (initialization, runs) in enumerate(findings.by_initialization.items(), 1):
        color, label = color_of_initialization(initialization), initializations()[initialization].label
        bins = np.clip(np.searchsorted(edges, [run.loss for run in runs], side="right") - 1, 0, len(edges) - 2)
        filled = np.unique(bins)
        members = [[run for run, b in zip(runs, bins, strict=True) if b == bin_] for bin_ in filled]
        firsts = [min(those, key=lambda run: run.loss) for those in members]
        figure.add_bar(
            row=row,
            col=1,
            x=(edges[filled] + edges[filled + 1]) / 2,
            y=[len(those) for those in members],
            width=0.94 * np.diff(edges)[filled],
            marker=dict(color=color, line=dict(width=0)),
            customdata=[(run.initialization, run.seed) for run in firsts],
            hovertext=[
                f"{len(those)} of {len(runs)} runs<br>losses {number(edges[b])} to {number(edges[b + 1])}"
                f"<br>click to watch the best of them"
                for those, b in zip(members, filled, strict=True)
            ],
            hoverinfo="text",
            selected=dict(marker=dict(opacity=1)),
            unselected=dict(marker=dict(opacity=1)),
        )
        figure.layout.annotations += (
            dict(text=label, x=1, y=1, xref="paper", yref=f"y{row if row > 1 else ''} domain")
            | dict(xanchor="right", yanchor="bottom", showarrow=False, font=dict(size=13, color=color)),
        )
        figure.add_vline(findings.best.loss, row=row, col=1, line=dict(color=BEST, width=1.5, dash="dot"))
        figure.update_yaxes(title=dict(text="runs"), row=row, col=1, rangemode="tozero", nticks=4)
    figure.update_xaxes(title=dict(text=f"final loss: {findings.loss_name}"), row=rows, col=1)
    figure.update_xaxes(zeroline=False, range=[edges[0] - 0.03 * (edges[-1] - edges[0]), edges[-1]])
    figure.update_layout(
        height=90 + 110 * rows, margin=MARGIN, showlegend=False, clickmode="event+select", dragmode=False, bargap=0
    )
    return figure


def curves(findings: Findings, height: int) -> go.Figure:
    """The losses of all runs as thin lines, and the best run's over them. Points of a line stand for its run."""
    data = []
    for initialization, runs in findings.by_initialization.items():
        color, label = color_of_initialization(initialization), initializations()[initialization].label
        lines, ends = [], []
        for run in runs:
            at = _some(len(run.losses))
            lines += [*zip(at.tolist(), run.losses[at].tolist(), strict=True), (None, None)]
            ends += [(t, run.losses[t], run) for t in (*CLICKABLE, len(run.losses) - 1) if t < len(run.losses)]
        x, y = zip(*lines, strict=True)
        strong = 0.25 + 0.45 * min(1.0, 30 / len(runs))
        line = dict(color=color, width=1)
        data.append(dict(type="scatter", mode="lines", x=x, y=y, line=line, opacity=strong, hoverinfo="skip"))
        data.append(
            dict(
                type="scatter",
                mode="markers",
                name=label,
                x=[t for t, _, _ in ends],
                y=[loss for _, loss, _ in ends],
                customdata=[(run.initialization, run.seed) for _, _, run in ends],
                hovertext=[
                    f"{label}, seed {run.seed}<br>ends at {number(run.loss)}<br>click to watch it" for _, _, run in ends
                ],
                hoverinfo="text",
                marker=dict(size=6, color=color, opacity=[0.55 if t == len(run.losses) - 1 else 0.0 for t, _, run in ends]),
                selected=dict(marker=dict(opacity=1)),
                unselected=dict(marker=dict(opacity=0)),
            )
        )
    best = findings.best
    color, label = color_of_initialization(best.initialization), initializations()[best.initialization].label
    at = _some(len(best.losses))
    data.append(
        dict(
            type="scatter",
            mode="lines+markers",
            x=at,
            y=best.losses[at],
            line=dict(color=color, width=3.5),
            marker=dict(size=6, color="#ffffff", line=dict(width=2, color=color)),
            customdata=[(best.initialization, best.seed)] * len(at),
            hovertext=f"the best: {label}, seed {best.seed}<br>ends at {number(best.loss)}<br>click to watch it",
            hoverinfo="text",
            selected=dict(marker=dict(opacity=1)),
            unselected=dict(marker=dict(opacity=1)),
        )
    )
    # the very start is so far above that it would flatten all that follows
    high = max(float(np.quantile([run.losses[min(1, len(run.losses) - 1)] for run in findings.runs], 0.9)), best.loss)
    span = (high - best.loss) or abs(best.loss) or 1.0
    layout = dict(
        height=height,
        margin=MARGIN,
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        clickmode="event+select",
        xaxis=dict(title=dict(text="iteration"), zeroline=False),
        yaxis=dict(title=dict(text="loss"), zeroline=False, range=[best.loss - 0.06 * span, high + 0.06 * span]),
    )
    return go.Figure(dict(data=data, layout=layout))


def _some(states: int) -> np.ndarray:
    """Which of so many states are drawn: all of the first, then evenly spread ones."""
    if states <= MOST_VERTICES:
        return np.arange(states)
    first = MOST_VERTICES // 2
    return np.unique(np.concatenate([np.arange(first), np.linspace(first, states - 1, MOST_VERTICES - first).astype(int)]))

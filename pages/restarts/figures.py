"""Plotly figures of many runs. The `customdata` of a clickable mark is the (initialization, seed) of its run."""

import textwrap

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from pages.datasets.formatting import format_number
from pages.figures import palette
from pages.figures.plots import Figure, number_ticks
from pages.methods import repeatable_initializations
from pages.restarts.study import Findings

BINS = 30
MAX_VERTICES = 40
"""maximum number of points in the loss curve of a run; longer curves skip iterations"""
TITLE_WIDTH = 48
"""characters in a line of the title of an axis"""
CLICKABLE = (1, 2, 4, 8, 16)
"""iterations at which a loss curve can be clicked, in addition to its end"""
MARGIN = dict(l=10, r=10, t=30, b=10)
BEST = "#8c8c96"


def color_of_initialization(name: str) -> str:
    """Color of an initialization, the same for every method."""
    return palette.series_color(list(repeatable_initializations()).index(name))


def label_of_initialization(name: str) -> str:
    """Label of an initialization."""
    return repeatable_initializations()[name].label


def label_of_run(initialization: str, seed: int) -> str:
    """Initialization, if there is one, and seed of a run."""
    return f"{label_of_initialization(initialization)}, seed {seed}" if initialization else f"seed {seed}"


def histogram(findings: Findings) -> go.Figure:
    """Histograms of the final losses, one row per initialization. A bar refers to its best run."""
    low, high = findings.best.loss, max(run.loss for run in findings.runs)
    if high - low <= findings.tolerance:  # all runs reach the best loss: show a single bar
        size = 0.01 * (abs(low) or 1.0)
        edges = low + size * (np.arange(BINS + 1) - BINS / 2 - 0.5)
    else:
        edges = np.linspace(low, high, BINS + 1)
    rows = len(findings.by_initialization)
    figure = make_subplots(rows=rows, shared_xaxes=True, vertical_spacing=0.09)
    for row, initialization in enumerate(findings.by_initialization, 1):
        runs = [run for run in findings.ranked if run.initialization == initialization]
        color, label = color_of_initialization(initialization), label_of_initialization(initialization)
        bins = np.clip(np.searchsorted(edges, [run.loss for run in runs], side="right") - 1, 0, len(edges) - 2)
        nonempty = np.unique(bins)
        runs_in = [[run for run, b in zip(runs, bins, strict=True) if b == bin_] for bin_ in nonempty]
        figure.add_bar(
            row=row,
            col=1,
            x=(edges[nonempty] + edges[nonempty + 1]) / 2,
            y=[len(members) for members in runs_in],
            width=0.94 * np.diff(edges)[nonempty],
            marker=dict(color=color, line=dict(width=0)),
            customdata=[(members[0].initialization, members[0].seed) for members in runs_in],
            hovertext=[
                f"{len(members)} of {len(runs)} runs<br>losses {format_number(edges[b])} to {format_number(edges[b + 1])}"
                f"<br>click to open the best of these runs"
                for members, b in zip(runs_in, nonempty, strict=True)
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
    title = "<br>".join(textwrap.wrap(f"final loss: {findings.loss_name}", TITLE_WIDTH))
    figure.update_xaxes(title=dict(text=title), row=rows, col=1)
    low = edges[0] - 0.03 * (edges[-1] - edges[0])
    figure.update_xaxes(zeroline=False, range=[low, edges[-1]], **number_ticks([low, edges[-1]]))
    figure.update_layout(
        height=90 + 110 * rows, margin=MARGIN, showlegend=False, clickmode="event+select", dragmode=False, bargap=0
    )
    return figure


def curves(findings: Findings, height: int) -> go.Figure:
    """Loss curves of all runs as thin lines, with the best run in bold. Points of a curve refer to its run."""
    data = []
    for initialization, runs in findings.by_initialization.items():
        color, label = color_of_initialization(initialization), label_of_initialization(initialization)
        lines, ends = [], []
        for run in runs:
            at = _drawn_states(len(run.losses))
            lines += [*zip(at.tolist(), run.losses[at].tolist(), strict=True), (None, None)]
            ends += [(t, run.losses[t], run) for t in (*CLICKABLE, len(run.losses) - 1) if t < len(run.losses)]
        x, y = zip(*lines, strict=True)
        opacity = 0.25 + 0.45 * min(1.0, 30 / len(runs))
        line = dict(color=color, width=1)
        data.append(dict(type="scatter", mode="lines", x=x, y=y, line=line, opacity=opacity, hoverinfo="skip"))
        data.append(
            dict(
                type="scatter",
                mode="markers",
                name=label,
                x=[t for t, _, _ in ends],
                y=[loss for _, loss, _ in ends],
                customdata=[(run.initialization, run.seed) for _, _, run in ends],
                hovertext=[
                    f"{label_of_run(run.initialization, run.seed)}<br>ends at {format_number(run.loss)}"
                    "<br>click to open this run"
                    for _, _, run in ends
                ],
                hoverinfo="text",
                marker=dict(size=6, color=color, opacity=[0.55 if t == len(run.losses) - 1 else 0.0 for t, _, run in ends]),
                selected=dict(marker=dict(opacity=1)),
                unselected=dict(marker=dict(opacity=0)),
            )
        )
    best = findings.best
    color, label = color_of_initialization(best.initialization), label_of_run(best.initialization, best.seed)
    at = _drawn_states(len(best.losses))
    data.append(
        dict(
            type="scatter",
            mode="lines+markers",
            x=at,
            y=best.losses[at],
            line=dict(color=color, width=3.5),
            marker=dict(size=6, color="#ffffff", line=dict(width=2, color=color)),
            customdata=[(best.initialization, best.seed)] * len(at),
            hovertext=f"best run: {label}<br>ends at {format_number(best.loss)}<br>click to open this run",
            hoverinfo="text",
            selected=dict(marker=dict(opacity=1)),
            unselected=dict(marker=dict(opacity=1)),
        )
    )
    # initial losses are so high that they would flatten the rest of the curves
    high = max(float(np.quantile([run.losses[min(1, len(run.losses) - 1)] for run in findings.runs], 0.9)), best.loss)
    span = (high - best.loss) or abs(best.loss) or 1.0
    ends = best.loss - 0.06 * span, high + 0.06 * span
    layout = dict(
        height=height,
        margin=MARGIN,
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        clickmode="event+select",
        xaxis=dict(title=dict(text="iteration"), zeroline=False),
        yaxis=dict(title=dict(text="loss"), zeroline=False, range=list(ends)) | number_ticks(ends),
    )
    return Figure(data, layout)


def _drawn_states(states: int) -> np.ndarray:
    """Indices of the states to draw: the first ones, then evenly spaced ones."""
    if states <= MAX_VERTICES:
        return np.arange(states)
    first = MAX_VERTICES // 2
    return np.unique(np.concatenate([np.arange(first), np.linspace(first, states - 1, MAX_VERTICES - first).astype(int)]))

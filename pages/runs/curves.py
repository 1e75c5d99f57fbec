"""Animated loss curves."""

import numpy as np
import plotly.graph_objects as go

from pages.datasets.formatting import escape_title
from pages.figures import palette
from pages.figures.plots import EMPTY_LINE, MARGIN, Figure, player_layout
from pages.runs.frames import Frame
from pages.runs.run import Run

HEIGHT = 250
ROW_HEIGHT = 120
"""height of each of several curves, in pixels"""


def loss_curve(run: Run, frames: list[Frame], name: str) -> go.Figure:
    """Loss after each half-step, with a marker at the current frame."""
    return loss_curves([run], [frames], name)


def loss_curves(runs: list[Run], frames_of_runs: list[list[Frame]], name: str, titles=()) -> go.Figure:
    """Loss curves of several runs, one below the other, with the same range of iterations.

    Parameters
    ----------
    frames_of_runs : frames of each run. A run with fewer frames keeps showing its last frame.
    name : identifier of the figure for the player.
    titles : title of each curve; none by default.
    """
    curves = [_Curve(run, frames) for run, frames in zip(runs, frames_of_runs, strict=True)]
    specs = []
    for i in range(max(map(len, frames_of_runs))):
        data = [part for curve in curves for part in curve.at(min(i, len(curve.frames) - 1))]
        traces = [3 * row + part for row in range(len(curves)) for part in (1, 2)]
        specs.append(dict(name=str(i), data=data, traces=traces))
    last = max(float(run.history.positions[-1]) for run in runs)
    several = len(curves) > 1
    layout = dict(
        height=ROW_HEIGHT * len(curves) + 40 if several else HEIGHT,
        margin=MARGIN | (dict(t=26) if titles else dict(l=77)),
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        annotations=[],
    ) | player_layout(name)
    data = []
    gap = 0.08
    share = (1 - gap * (len(curves) - 1)) / len(curves)
    for row, curve in enumerate(curves):
        number = "" if row == 0 else str(row + 1)
        top = 1 - row * (share + gap)
        y = curve.y if curve.y.size else np.zeros(1)  # a method without a loss has no curve
        # draw rounding errors as a flat line
        span = max(float(np.ptp(y)), 1e-6 * float(np.abs(y).max())) or 1.0
        layout[f"xaxis{number}"] = dict(
            range=[-0.03 * last - 0.2, 1.03 * last + 0.2],
            zeroline=False,
            anchor=f"y{number}",
            showticklabels=row == len(curves) - 1,
            title=dict(text="iteration") if row == len(curves) - 1 else None,
        )
        layout[f"yaxis{number}"] = dict(
            range=[y.min() - 0.08 * span, y.max() + 0.08 * span],
            zeroline=False,
            anchor=f"x{number}",
            domain=[max(0.0, top - share), top],
            nticks=4 if several else None,
            title=dict(text="" if titles else "loss"),
        )
        if titles:
            layout["annotations"].append(
                dict(text=escape_title(titles[row]), x=0, y=top, xref="paper", yref="paper", xanchor="left", yanchor="bottom")
                | dict(showarrow=False, xshift=-40, font=dict(size=12))
            )
        data += [trace | dict(xaxis=f"x{number}", yaxis=f"y{number}") for trace in curve.traces()]
    return Figure(data, layout, specs)


class _Curve:
    def __init__(self, run: Run, frames: list[Frame]):
        self.frames, self.step_name = frames, run.view.step_name
        history = run.history
        self.states = [i for i, state in enumerate(history.states) if state.loss is not None]
        self.phases = [history.states[i].phase for i in self.states]
        self.iterations = [history.states[i].iteration for i in self.states]
        self.x = history.positions[self.states]
        self.y = np.array([history.states[i].loss for i in self.states])

    def at(self, i: int) -> list[dict]:
        """The line up to frame i, and the marker."""
        frame = self.frames[i]
        if frame.loss is None:
            return [EMPTY_LINE, EMPTY_LINE]
        shown = self.x <= frame.position
        if shown.sum() > 200:
            shown &= np.arange(len(self.x)) % (len(self.x) // 100) == 0
        return [dict(x=self.x[shown], y=self.y[shown]), dict(x=[frame.position], y=[frame.loss])]

    def traces(self) -> list[dict]:
        """Traces of the curve, as in the last frame."""
        symbols = np.where(self.x % 1 != 0, 100, 0)  # open circles for M steps
        text = [f"{self.step_name(phase)}, iteration {t}" for phase, t in zip(self.phases, self.iterations, strict=True)]
        whole = dict(x=self.x, y=self.y, text=text, hovertemplate="%{text}<br>loss %{y:.6g}<extra></extra>")
        return animated_traces(whole, self.at(len(self.frames) - 1), symbols)


def animated_traces(whole: dict, now: list[dict], symbols=0) -> list[dict]:
    """Three traces: the complete curve in gray, the line up to the current frame, and the marker.

    Short curves are drawn with `symbols` as markers. `now` has the data of the line and of the marker.
    """
    faint = dict(
        type="scatter",
        mode="lines+markers" if len(whole["x"]) <= 60 else "lines",
        opacity=0.45,
        line=dict(color=palette.NEUTRAL, width=1.5),
        marker=dict(symbol=symbols, size=5, color=palette.NEUTRAL),
    )
    line = dict(type="scatter", mode="lines", line=dict(color=palette.CURVE, width=3), hoverinfo="skip")
    dot = dict(size=13, color=palette.CHOSEN, line=dict(width=2, color="#ffffff"))
    marker = dict(type="scatter", mode="markers", hoverinfo="skip", marker=dot)
    return [faint | whole, line | now[0], marker | now[1]]

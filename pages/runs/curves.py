"""The animated loss curve of a run, or the curve of a method without a loss."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from pages.datasets.formatting import format_number
from pages.figures import palette
from pages.figures.plots import EMPTY_LINE, MARGIN, Figure, number_ticks, player_layout
from pages.methods.base import Curve
from pages.runs.frames import Frame
from pages.runs.run import Run

HEIGHT, SMALL_HEIGHT = 250, 160


def curve_of(run: Run, frames: list[Frame], name: str, beside: Sequence[Run] = ()) -> go.Figure:
    """Loss after each half-step, or the curve of a method without a loss, with a marker at the current frame.

    Parameters
    ----------
    name : identifier of the figure for the player.
    beside : runs whose curves are shown beside this one: the figure is smaller, and the axes of iterations are the same.
    """
    curve = _MovingCurve(run, frames)
    specs = [dict(name=str(i), data=curve.at(i), traces=[1, 2]) for i in range(len(frames))]
    last = max(float(one.history.positions[-1]) for one in (run, *beside))
    y = curve.y
    # draw rounding errors as a flat line
    span = max(float(np.ptp(y)), 1e-6 * float(np.abs(y).max())) or 1.0
    low, high = y.min() - 0.08 * span, y.max() + 0.08 * span
    layout = dict(
        height=SMALL_HEIGHT if beside else HEIGHT,
        margin=MARGIN | (dict(l=77, b=30) if beside else dict(l=77)),
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        xaxis=dict(
            range=[-0.03 * last - 0.2, 1.03 * last + 0.2], zeroline=False, title=dict(text="" if beside else "iteration")
        ),
        yaxis=dict(
            range=[low, high],
            zeroline=False,
            title=dict(text=curve.name),
            nticks=4 if beside else None,
        )
        | number_ticks([low, high]),
    )
    return Figure(curve.traces(), layout | player_layout(name), specs)


def title_of(run: Run) -> str:
    """What `curve_of` shows, in a few words."""
    name = _values_of(run).name
    return f"{name[0].upper()}{name[1:]} after each step"


def alt_text(run: Run) -> str:
    """Alternative text of `curve_of`."""
    name, values, _ = _values_of(run)
    first, last = values[~np.isnan(values)][[0, -1]]
    return f"{name.capitalize()} curve: {format_number(first)} at the start, {format_number(last)} at the end."


def _values_of(run: Run) -> Curve:
    """The loss in each state, or the curve of a method without a loss."""
    if run.view.traits.loss is None:
        return run.view.curve(run)
    losses = [np.nan if state.loss is None else state.loss for state in run.history.states]
    return Curve("loss", np.array(losses, dtype=float), [""] * len(losses))


class _MovingCurve:
    def __init__(self, run: Run, frames: list[Frame]):
        self.frames, self.step_name = frames, run.view.step_name
        self.name, self.values, texts = _values_of(run)
        history = run.history
        self.states = np.flatnonzero(~np.isnan(self.values)).tolist()
        self.phases = [history.states[i].phase for i in self.states]
        self.iterations = [history.states[i].iteration for i in self.states]
        self.texts = [texts[i] for i in self.states]
        self.x = history.positions[self.states]
        self.y = self.values[self.states]

    def at(self, i: int) -> list[dict]:
        """The line up to frame i, and the marker."""
        frame = self.frames[i]
        value = self.values[frame.state]
        if np.isnan(value):
            return [EMPTY_LINE, EMPTY_LINE]
        shown = self.x <= frame.position
        if shown.sum() > 200:
            shown &= np.arange(len(self.x)) % (len(self.x) // 100) == 0
        return [dict(x=self.x[shown], y=self.y[shown]), dict(x=[frame.position], y=[float(value)])]

    def traces(self) -> list[dict]:
        """Traces of the curve, as in the last frame."""
        symbols = np.where(self.x % 1 != 0, 100, 0)  # open circles for M steps
        rows = zip(self.phases, self.iterations, self.texts, strict=True)
        text = [f"{self.step_name(phase)}, iteration {t}" + f", {more}" * bool(more) for phase, t, more in rows]
        whole = dict(x=self.x, y=self.y, text=text, hovertemplate=f"%{{text}}<br>{self.name} %{{y:.6g}}<extra></extra>")
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
    marker = dict(type="scatter", mode="markers", hoverinfo="skip", cliponaxis=False, marker=dot)
    return [faint | whole, line | now[0], marker | now[1]]

"""The animation of a run as one HTML file that plays offline."""

import json
from pathlib import Path

import plotly.graph_objects as go
import plotly.io

from pages.datasets.formatting import escape_title
from pages.figures.plots import THIN_LABELS

SCRIPT = (Path(__file__).parent / "offline.js").read_text(encoding="utf-8")
AT_ONCE = dict(mode="immediate", transition=dict(duration=0))
STILL = AT_ONCE | dict(frame=dict(duration=0, redraw=False))
"""options of Plotly's `animate` that show one frame"""
INK = "#31333f"
MAX_LABELS = 40
"""maximum number of slider steps with visible labels"""


def animation(figure: go.Figure, sentences: list[str], title: str, duration: int = 250) -> bytes:
    """Return the animation as an HTML file.

    `sentences` contains the caption of each frame; `duration` is the time per frame in milliseconds.
    """
    playing = AT_ONCE | dict(fromcurrent=True, frame=dict(duration=duration, redraw=False))
    figure = go.Figure(figure)
    figure.layout.updatemenus = None  # the hidden button of the app's player
    below = dict(x=0, y=-0.12, xanchor="left", yanchor="top")
    figure.update_layout(
        title=dict(text=escape_title(title)),
        height=700,
        margin=dict(l=50, r=20, t=60, b=180),
        template="plotly_white",
        updatemenus=[_buttons(playing) | below],
        sliders=[_slider(len(sentences)) | below],
    )
    values = dict(sentences=sentences, still=STILL, playing=playing)
    script = "".join(f"const {name} = {_json(value)};\n" for name, value in values.items()) + THIN_LABELS + SCRIPT
    return plotly.io.to_html(
        figure, include_plotlyjs=True, auto_play=False, post_script=script, config=dict(displayModeBar=False)
    ).encode()


def _buttons(playing: dict) -> dict:
    buttons = [
        dict(label="First frame", method="animate", args=[["0"], STILL]),
        dict(label="Play", method="animate", args=[None, playing]),
        dict(label="Pause", method="animate", args=[[None], STILL]),
    ]
    return dict(type="buttons", direction="left", showactive=False, buttons=buttons, pad=dict(t=20))


def _slider(frames: int) -> dict:
    steps = [dict(label=str(i), method="animate", args=[[str(i)], STILL]) for i in range(frames)]
    return dict(
        active=len(steps) - 1,
        steps=steps,
        currentvalue=dict(prefix="step ", font=dict(size=14, color=INK)),
        transition=dict(duration=0),
        ticklen=0,
        minorticklen=0,
        font=dict(size=10, color="rgba(0,0,0,0)" if len(steps) > MAX_LABELS else INK),  # many labels would overlap
        len=1.0,
        pad=dict(t=60),
    )


def _json(value) -> str:
    """The value as JSON that is safe inside a script element and contains no placeholder of Plotly."""
    return json.dumps(value).replace("<", "\\u003c").replace("{plot_id}", "\\u007bplot_id}")

"""The line that cuts a tree: a small browser component over a figure, to be dragged. Works without a network."""

import math
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from pages.shared.trees import Growth

_HERE = Path(__file__).parent


@st.cache_resource
def _component():
    css, js = ((_HERE / f"cutting.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    return st.components.v2.component("cutting", html="<div></div>", css=css, js=js)


def cut_line(growth: Growth, k: int, height: float, most: int, chart: str, figures: str, cut: Callable[[float], None]) -> None:
    """Draws the line at this height over the figure in the container with the key `chart`, whose `meta` is `figures`.

    Where it is dragged to, or moved by the arrow keys, `cut` is called with the height, as soon as it is let go. It says how
    many groups, at most `most`, it leaves meanwhile.
    """
    key = "cutting"
    heights = growth.tree.heights[-most:].tolist()

    def changed():
        answer = st.session_state[key].get("cut")
        if read_answer(answer):
            cut(float(answer["height"]))

    data = dict(chart=chart, figures=figures, k=k, height=height, most=most, heights=heights)
    _component()(key=key, data=data, on_cut_change=changed)


def read_answer(answer) -> bool:
    """Whether it is a height: a browser can send anything."""
    height = answer.get("height") if isinstance(answer, dict) else None
    return type(height) in (int, float) and math.isfinite(height)

"""A line over the figure of a tree that is dragged to cut it: a small browser component that works without a network."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import streamlit as st

from pages.methods.trees import Growth

_HERE = Path(__file__).parent


@st.cache_resource
def _component():
    css, js = ((_HERE / f"cutting.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    return st.components.v2.component("cutting", html="<div></div>", css=css, js=js)


def cut_line(growth: Growth, k: int, height: float, most: int, chart: str, cut: Callable[[float], None]) -> None:
    """Draws the line at this height, which leaves k groups, over the figure in the container with the key `chart`.

    When it is dragged, or moved with the arrow keys, `cut` is called with its new height as soon as it is released. While it
    moves it shows how many groups it leaves, up to `most`.
    """
    key = "cutting"

    def changed():
        answer = st.session_state[key].get("cut")
        if is_height(answer):
            cut(float(answer["height"]))

    # a cut makes all merges before the first one above it: those that are not above an earlier one change nothing
    heights = np.maximum.accumulate(growth.tree.heights)[-most:].tolist()
    data = dict(chart=chart, k=k, height=height, most=most, heights=heights)
    _component()(key=key, data=data, on_cut_change=changed)


def is_height(answer) -> bool:
    """Whether this is a mapping with a finite height of at least 0; a browser can send anything."""
    height = answer.get("height") if isinstance(answer, dict) else None
    return type(height) in (int, float) and 0 <= height < 1e300

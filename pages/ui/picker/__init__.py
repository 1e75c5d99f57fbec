"""Browser component: a click on a point of an animated plot picks it. It is invisible."""

from collections.abc import Callable
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent


@st.cache_resource
def _component():
    return st.components.v2.component("picker", js=(_HERE / "picker.js").read_text(encoding="utf-8"))


def watch_clicks(chart: str, n: int, on_pick: Callable[[int], None]) -> None:
    """Call `on_pick` with the index, below n, of a point that is clicked in the figure in the container `chart`."""
    key = "picker"

    def changed():
        answer = st.session_state[key].get("picked")
        row = answer.get("row") if isinstance(answer, dict) else None
        if type(row) is int and 0 <= row < n:  # a browser can send anything
            on_pick(row)

    _component()(key=key, data=dict(chart=chart), on_picked_change=changed, height=0)

"""Browser component: a draggable line over a dendrogram that sets the height of the cut. Works offline."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import streamlit as st

from pages.methods.trees import DataTree

_HERE = Path(__file__).parent


@st.cache_resource
def _component():
    css, js = ((_HERE / f"cutting.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    return st.components.v2.component("cutting", html="<div></div>", css=css, js=js)


def draw_cutting_line(
    data_tree: DataTree, k: int, height: float, max_clusters: int, chart: str, on_cut: Callable[[float], None]
) -> None:
    """Draw the line over the dendrogram.

    Parameters
    ----------
    k : number of clusters of the current cut
    height : height of the current cut
    max_clusters : largest number of clusters that the label shows while the line moves
    chart : key of the container of the dendrogram
    on_cut : called with the new height when the line is released after dragging or moved with the arrow keys
    """
    key = "cutting"

    def changed():
        answer = st.session_state[key].get("cut")
        if is_height(answer):
            on_cut(float(answer["height"]))

    # a cut applies all merges before the first one above it, so an inverted merge counts at the height of an earlier merge
    heights = np.maximum.accumulate(data_tree.tree.heights)[-max_clusters:].tolist()
    data = dict(chart=chart, k=k, height=height, maxClusters=max_clusters, heights=heights)
    _component()(key=key, data=data, on_cut_change=changed)


def is_height(answer) -> bool:
    """Whether this is a dictionary with a finite height of at least 0: a browser can send anything."""
    height = answer.get("height") if isinstance(answer, dict) else None
    return type(height) in (int, float) and 0 <= height < 1e300

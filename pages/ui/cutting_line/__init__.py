"""Browser component: a draggable line over a figure, such as a dendrogram, that sets the height of a cut. Works offline."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import streamlit as st

from pages.datasets.formatting import pluralize
from pages.methods.trees import DataTree

_HERE = Path(__file__).parent


class RadiusLabels(NamedTuple):
    """What a line says between each radius and the next one."""

    radii: list[float]
    """increasing radii; empty if the numbers of clusters are unknown"""
    counts: list[int]
    """number of clusters"""
    notes: list[str]
    """warnings in a few words; "" for none"""


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
    # a cut applies all merges before the first one above it, so an inverted merge counts at the height of an earlier merge
    heights = np.maximum.accumulate(data_tree.tree.heights)[-max_clusters:].tolist()
    label = f"{k} {'cluster' if k == 1 else 'clusters'}"
    counts = list(range(len(heights), 0, -1))
    data = dict(heights=heights, counts=counts, most=max_clusters, start=len(heights) + 1, lowest=0)
    data |= dict(name="Height of the cut", steps=True, inside=False, notes=[], note="")
    _draw(data, height, label, chart, on_cut, "cutting")


def draw_radius_line(
    labels: RadiusLabels, current: RadiusLabels | None, lowest: float, chart: str, on_cut: Callable[[float], None]
) -> None:
    """Draw a line that sets a radius over a figure whose vertical axis is the radius. All such lines of a page move together.

    Parameters
    ----------
    labels : what the line says while it is moved
    current : the current radius, and what the line says until it is moved; None if there is no radius
    lowest : smallest radius to which the line can be moved
    chart : key of the container of the figure
    on_cut : called with the new radius when the line is released after dragging or moved with the arrow keys
    """
    radius, label, note = 0.0, "drag to cut", ""
    if current is not None:
        (radius,), (k,), (note,) = current
        label = pluralize(k, "cluster")
    data = dict(heights=labels.radii, counts=labels.counts, notes=labels.notes, note=note, most=None, start=0, lowest=lowest)
    data |= dict(name="Radius", steps=False, inside=True)
    _draw(data, radius, label, chart, on_cut, f"cutting {chart}")


def _draw(data: dict, height: float, label: str, chart: str, on_cut: Callable[[float], None], key: str) -> None:
    def changed():
        answer = st.session_state[key].get("cut")
        if is_height(answer):
            on_cut(float(answer["height"]))

    _component()(key=key, data=data | dict(height=height, label=label, chart=chart), on_cut_change=changed)


def is_height(answer) -> bool:
    """Whether this is a dictionary with a finite height of at least 0: a browser can send anything."""
    height = answer.get("height") if isinstance(answer, dict) else None
    return type(height) in (int, float) and 0 <= height < 1e300

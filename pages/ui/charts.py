"""Plotly figures on pages."""

import plotly.graph_objects as go
import streamlit as st

from pages.datasets.data import Data
from pages.figures.plots import has_rings, page_figure
from pages.figures.themes import DARK, LIGHT

RINGS_KEY = "rings"
"""key of the toggle of rings around imputed values"""
SAVE_BUTTON = {"displayModeBar": True, "displaylogo": False, "modeBarButtons": [["toImage"]]}
"""configuration of figures: Plotly's button is hidden, and those of the player and of frame/saving.js trigger it"""


def show_chart(figure: go.Figure, **options):
    """Show a figure; `options` are further arguments of `st.plotly_chart`, whose result is returned."""
    # the theme can change without rerunning the script; then frame.css overrides these colors
    theme = DARK if st.context.theme.type == "dark" else LIGHT
    if hides_rings := not st.session_state.get(RINGS_KEY, True) and has_rings(figure):
        options["key"] = f"{options.get('key', '')} without rings"  # a new figure, which the player notices
    return st.plotly_chart(page_figure(figure, theme, not hides_rings), theme=None, config=SAVE_BUTTON, **options)


def choose_rings(data: Data) -> None:
    """Choose whether plots have rings around points with imputed values, if there are any."""
    if data.imputed is not None and data.imputed.any():
        st.toggle("Rings around imputed values", True, key=RINGS_KEY, persist_state="session")

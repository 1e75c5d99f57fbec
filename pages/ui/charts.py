"""Plotly figures on pages."""

import plotly.graph_objects as go
import streamlit as st

from pages.figures.plots import page_figure
from pages.figures.themes import DARK, LIGHT

SAVE_BUTTON = {"displayModeBar": True, "displaylogo": False, "modeBarButtons": [["toImage"]]}
"""configuration of figures that can be saved; the player hides Plotly's button and triggers it from its own buttons"""


def show_chart(figure: go.Figure, can_be_saved: bool = False, **options):
    """Show a figure; `options` are further arguments of `st.plotly_chart`, whose result is returned."""
    # the theme can change without a new run of the script; then frame.css overrides these colors
    theme = DARK if st.context.theme.type == "dark" else LIGHT
    config = SAVE_BUTTON if can_be_saved else {"displayModeBar": False}
    return st.plotly_chart(page_figure(figure, theme), theme=None, config=config, **options)

"""Fonts and colors of figures on light and dark pages.

Streamlit could set them itself, by a template in the layout, but then every figure would be drawn twice; see `page_figure` in
`plots`.
"""

import re
from typing import NamedTuple

from pages.figures.palette import COLORS

FONT = '"Source Sans", sans-serif'


class Theme(NamedTuple):
    """Colors of everything but the data."""

    background: str
    heading: str
    text: str
    """axis titles, ticks and legends"""
    grid: str
    border: str
    """of tooltips"""


# the backgrounds, headings and borders are those of .streamlit/config.toml; pages/ui/frame/frame.css has the same colors
LIGHT = Theme(background="#ffffff", heading="#14161c", text="#5c6270", grid="#e6eaf1", border="#cdd3de")
DARK = Theme(background="#14161b", heading="#eceef3", text="#c3c8d4", grid="#31333f", border="#454c5a")


def themed(layout: dict, theme: Theme) -> dict:
    """Return the layout with the fonts and colors of a theme wherever it does not have its own."""
    font = dict(color=theme.text, family=FONT, size=12)
    axis = dict(
        automargin=True, gridcolor=theme.grid, zerolinecolor=theme.grid, tickcolor=theme.grid, title=dict(font=dict(size=14))
    )
    own = dict(
        font=font,
        title=dict(font=dict(color=theme.heading, size=16, weight=700), x=0, xanchor="left", pad=dict(l=4)),
        colorway=list(COLORS),
        paper_bgcolor=theme.background,
        plot_bgcolor=theme.background,
        legend=dict(bgcolor="rgba(0,0,0,0)"),
        hoverlabel=dict(bgcolor=theme.background, bordercolor=theme.border, font=font),
        margin=dict(pad=8),
    )
    axes = {"xaxis", "yaxis", *(name for name in layout if re.fullmatch(r"[xy]axis\d*", name))}
    for name in axes:
        standoff = dict(title=dict(standoff=12 if name[0] == "x" else 16))
        own[name] = _merged(axis, standoff) | (dict(showgrid=False, zeroline=False) if name[0] == "x" else {})
    if "ternary" in layout:
        side = dict(gridcolor=theme.text, linecolor=theme.text)
        own["ternary"] = dict(bgcolor=theme.background, color=theme.text, aaxis=side, baxis=side, caxis=side)
    return _merged(own, layout)


def _merged(defaults: dict, values: dict) -> dict:
    """The values, and defaults where there is none; nested dictionaries are merged."""
    merged = defaults | values
    for name in defaults.keys() & values.keys():
        if isinstance(defaults[name], dict) and isinstance(values[name], dict):
            merged[name] = _merged(defaults[name], values[name])
        elif values[name] is None:
            merged[name] = defaults[name]
    return merged

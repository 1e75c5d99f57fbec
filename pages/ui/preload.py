"""Loads parts of Streamlit's browser code early."""

from functools import cache
from pathlib import Path

import streamlit as st

SCRIPTS = Path(st.__file__).parent / "static" / "static" / "js"
PARTS = "PlotlyChart BidiComponent ButtonGroup Selectbox Slider NumberInput PageLink Button Checkbox Metric".split()
"""beginnings of the names of scripts; the first one, Plotly, is a third of all"""


@cache
def _names() -> list[str]:
    """Names of the scripts in the installed version of Streamlit, which may have other ones."""
    return [path.name for part in PARTS for path in SCRIPTS.glob(f"{part}.*.js")]


def preload_scripts() -> None:
    """Let the browser load the scripts for the first page while the server still imports and computes.

    Without this, Streamlit loads each when the first element that needs it arrives.
    """
    st.html(
        "<script>{"
        "const base = document.querySelector('script[type=module][src]').src;"
        f"for (const name of {_names()}) import(new URL(name, base).href)"
        "}</script>",
        unsafe_allow_javascript=True,
    )

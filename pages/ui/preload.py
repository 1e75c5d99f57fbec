"""Loads the browser's part of Plotly early."""

from pathlib import Path

import streamlit as st

SCRIPTS = Path(st.__file__).parent / "static" / "static" / "js"


def preload_plotly() -> None:
    """Let the browser load Plotly, a third of all its scripts, while the server still computes the first figure.

    Without this, Streamlit loads it when the first figure arrives. Does nothing if the file has another name in the installed
    version of Streamlit.
    """
    script = next(SCRIPTS.glob("PlotlyChart.*.js"), None)
    if script is not None:
        st.html(
            f"<script>import(new URL('{script.name}', document.querySelector('script[type=module][src]').src).href)</script>",
            unsafe_allow_javascript=True,
        )

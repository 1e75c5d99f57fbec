"""What all pages of the app have around them in the browser: style, and what Streamlit does not do by itself."""

from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent


def style_page(is_first: bool) -> None:
    """To be called on every page. `is_first` is for the page that those get who ask for none, or for one that there is not."""
    style, script = ((_HERE / name).read_text(encoding="utf-8") for name in ("frame.css", "frame.js"))
    st.html(f"<style>{style}</style>")
    st.html(f"<script>{{{script}}}</script>", unsafe_allow_javascript=True)
    if not is_first:
        found = (_HERE / "found.js").read_text(encoding="utf-8")
        st.html(f"<script>{{{found}}}</script>", unsafe_allow_javascript=True)

"""The style and the browser scripts that all pages share."""

from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent


def style_progress(key: str) -> None:
    """Add the style of a page with a progress bar in the container with this key, inside of that container."""
    style = (_HERE / "progress.css").read_text(encoding="utf-8").replace("BAR", f".st-key-{key}")
    st.html(f"<style>{style}</style>")


def style_page(is_default: bool) -> None:
    """Add the shared style and scripts to the page.

    `is_default` is true for the page that opens if the address contains no page, or one that does not exist.
    """
    style, *scripts = ((_HERE / name).read_text(encoding="utf-8") for name in ("frame.css", "frame.js", "saving.js"))
    st.html(f"<style>{style}</style>")
    for script in scripts:
        st.html(f"<script>{{{script}}}</script>", unsafe_allow_javascript=True)
    if not is_default:
        found = (_HERE / "found.js").read_text(encoding="utf-8")
        st.html(f"<script>{{{found}}}</script>", unsafe_allow_javascript=True)

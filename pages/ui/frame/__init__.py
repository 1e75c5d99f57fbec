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
    scripts = ["frame.js", "saving.js"] + ["found.js"] * (not is_default)
    style, *scripts = ((_HERE / name).read_text(encoding="utf-8") for name in ("frame.css", *scripts))
    st.html(f"<style>{style}</style>")
    # each element takes time in every run of the script
    st.html(f"<script>{''.join(f'{{{script}}}' for script in scripts)}</script>", unsafe_allow_javascript=True)

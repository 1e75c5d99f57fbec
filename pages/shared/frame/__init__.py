"""What all pages of the app have around them in the browser: style, and what Streamlit does not do by itself."""

import ctypes
import gc
import sys
import time
from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent


def dress(is_first: bool) -> None:
    """To be called on every page. `is_first` is for the page that those get who ask for none, or for one that there is not."""
    style, script = ((_HERE / name).read_text(encoding="utf-8") for name in ("frame.css", "frame.js"))
    st.html(f"<style>{style}</style>")
    st.html(f"<script>{{{script}}}</script>", unsafe_allow_javascript=True)
    if not is_first:
        found = (_HERE / "found.js").read_text(encoding="utf-8")
        st.html(f"<script>{{{found}}}</script>", unsafe_allow_javascript=True)


TIDIED_EVERY = 5.0
"""seconds"""


@st.cache_resource
def _last_tidied() -> list[float]:
    return [0.0]


def tidy() -> None:
    """To be called at the end of a run: now and then gives back the memory of what visitors left behind.

    Figures are in cycles, which wait for Python to look for them, and what was freed stays with the allocator.
    """
    last, now = _last_tidied(), time.monotonic()
    if now - last[0] > TIDIED_EVERY:
        last[0] = now
        gc.collect()
        if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):  # only glibc has it
            trim(0)

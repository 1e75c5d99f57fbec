"""A button that copies the address of the page: a small browser component. Works without a network."""

from pathlib import Path

import streamlit as st

LACKS = "It holds all settings, but not your data."
"""what is said of a link to a person's own data"""

_HERE = Path(__file__).parent


@st.cache_resource
def _component():
    html, css, js = ((_HERE / f"copying.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component("copying", html=html, css=css, js=js)


def copy_link(lacks: str = "", key: str = "copying") -> None:
    """Draws the button. `lacks` is what this link cannot hold, in a sentence, which is said when it was copied."""
    _component()(key=key, data=dict(lacks=lacks))

"""Buttons that do something in the browser alone: a small component. Works without a network."""

from pathlib import Path

import streamlit as st

WITHOUT_DATA = "It holds all settings, but not your data."
"""what is said of a link to a person's own data"""

_HERE = Path(__file__).parent


@st.cache_resource
def _component():
    html, css, js = ((_HERE / f"buttons.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component("buttons", html=html, css=css, js=js)


def copy_link(lacks: str = "", key: str = "copying") -> None:
    """A button that copies the address of the page. `lacks` is what this link cannot hold, in a sentence, which is said when
    it was copied."""
    _component()(key=key, data=dict(does="copy", label="Copy the link", lacks=lacks))


def print_page(key: str = "printing") -> None:
    """A button that prints the page."""
    _component()(key=key, data=dict(does="print", label="Print"))

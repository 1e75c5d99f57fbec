"""Browser component: buttons that copy the link or print the page. Works offline."""

from pathlib import Path

import streamlit as st

WITHOUT_DATA = "It contains your settings, not your data."
"""limitation of a link if the data were uploaded (see `copy_link`)"""

_HERE = Path(__file__).parent


@st.cache_resource
def _component():
    html, css, js = ((_HERE / f"buttons.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component("buttons", html=html, css=css, js=js)


def copy_link(limitation: str = "", key: str = "copying") -> None:
    """Draw a button that copies the address of the page.

    `limitation` is a sentence about what the link does not contain; it is shown after copying.
    """
    _component()(key=key, data=dict(action="copy", label="Copy link", limitation=limitation))


def print_page(key: str = "printing") -> None:
    """Draw a button that prints the page."""
    _component()(key=key, data=dict(action="print", label="Print"))

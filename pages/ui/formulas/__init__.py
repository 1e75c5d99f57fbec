"""Browser component: formulas that show the values of the frame of the player. Works offline."""

from pathlib import Path

import streamlit as st

from pages.methods.formulas import Typeset
from pages.runs.frames import Frame
from pages.ui.player import PRESENTATION

_HERE = Path(__file__).parent


@st.cache_resource
def _component():
    html, css, js = ((_HERE / f"formulas.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component("formulas", html=html, css=css, js=f"{PRESENTATION}\n{js}")


def show_formulas(
    formulas: Typeset, frames: list[Frame], figures: str, visible: bool, key: str = "formulas_beside", compact: bool = False
) -> None:
    """Show formulas that follow the player of these figures.

    Parameters
    ----------
    figures : identifier of the figures, as in `player`.
    visible : whether they are shown if the page is not presented.
    key : key of the container.
    compact : whether a presentation has little room for them, and shows only that of the current step.
    """
    data = dict(
        figures=figures,
        html=formulas.html,
        values=formulas.values,
        phases=[frame.phase for frame in frames],
        first=len(frames) - 1,
        box=key,
        visible=visible,
        compact=compact,
    )
    with st.container(key=key):
        _component()(key=f"formulas of {key}", data=data)

"""The player: a browser component that controls animated Plotly figures. Works offline."""

from pathlib import Path

import streamlit as st

from pages.figures.plots import THIN_LABELS
from pages.methods.formulas import Typeset
from pages.runs.frames import Frame

_HERE = Path(__file__).parent
_MAX_SECONDS = 14
"""approximate maximum duration of an animation at normal speed"""
STEPS_PER_SECOND = 30  # as in player.js


@st.cache_resource
def _component():
    html, css, js = ((_HERE / f"player.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component("player", html=html, css=css, js=f"{THIN_LABELS}\n{js}")


def ticks(frames: list[Frame]) -> list[int]:
    """Duration of each frame except the last, in thirtieths of a second.

    Frames before a move of the centers take longer, because the move is animated.
    """
    moves = sum(frame.moves for frame in frames)
    between = max(2, min(18, _MAX_SECONDS * STEPS_PER_SECOND // max(moves, 1)))
    return [between if after.moves else 1 for after in frames[1:]]


def player(
    run: str,
    figures: str,
    frames: list[list[Frame]],
    pictures: list[str],
    curves: list[str],
    names=(),
    pace: list[int] | None = None,
    rest: int | None = None,
    formulas: Typeset | None = None,
    alt_texts: list[list[str]] | None = None,
    key: str = "player",
) -> None:
    """Show the player of one or several animated figures.

    Parameters
    ----------
    run : identifier of the run. The player keeps its frame while it stays the same.
    figures : identifier of the figures, their `layout.meta`; the player waits until they are on the page.
    frames : frames of each plot. A plot with fewer frames than others stays at its last one.
    pictures, curves : keys of the containers of the plots, and of other figures that follow them.
    names : name of each plot, if there are several.
    pace : duration of each frame in thirtieths of a second; default `ticks`.
    rest : index of the frame that the figures show initially, also after a new run; default the last.
    formulas : shown below the captions, with the values of the current frame.
    alt_texts : alternative texts of each plot, one per frame; default the first sentences of the captions.
    key : key of the component. With "player", it responds to keys pressed anywhere on the page.
    """
    longest = max(frames, key=len)
    data = dict(
        run=run,
        figures=figures,
        pictures=pictures,
        curves=curves,
        names=list(names),
        phases=[frame.phase for frame in longest],
        moves=[frame.moves for frame in longest],
        captions=[[(frame.sentence, frame.explanation) for frame in row] for row in frames],
        rest=len(longest) - 1 if rest is None else rest,
        ticks=ticks(longest) if pace is None else pace,
    )
    data |= dict(altTexts=alt_texts or [[frame.sentence for frame in row] for row in frames])
    if formulas is not None:
        data |= dict(formulas=formulas.html, values=formulas.values)
    _component()(key=key, data=data | dict(listens=key == "player"))

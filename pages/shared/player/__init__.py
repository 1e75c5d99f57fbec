"""The player under a moving picture: a small browser component that drives Plotly's frames. Works without a network."""

from pathlib import Path

import streamlit as st

from pages.shared.storyboard import Frame

_HERE = Path(__file__).parent
_SECONDS = 14
_STEPS_PER_SECOND = 30  # as in player.js


@st.cache_resource
def _component():
    html, css, js = ((_HERE / f"player.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component("player", html=html, css=css, js=js)


def tweens(frames: list[Frame]) -> int:
    """How many moves lead from an E frame to the M frame after it, so that a whole run plays in about 14 seconds at most."""
    moves = sum(frame.kind == "M" for frame in frames)
    return max(2, min(18, _SECONDS * _STEPS_PER_SECOND // max(moves, 1)))


def player(run: str, figures: str, told: list[list[Frame]], pictures: list[str], curves: list[str], names=()) -> None:
    """Draws the player of the figures in the containers with the keys `pictures` and `curves`.

    `told` has the frames of each picture, and `names` what they are called if there are several; a picture that has fewer
    frames than others waits on its last. `figures` is what the layouts of these figures have as `meta`: the player waits for
    them. It stays on its frame as long as `run` is the same, and goes to the last one of another.
    """
    longest = max(told, key=len)
    data = dict(
        run=run,
        figures=figures,
        pictures=pictures,
        curves=curves,
        names=list(names),
        kinds=[frame.kind for frame in longest],
        told=[[(frame.sentence, frame.explanation) for frame in frames] for frames in told],
        tweens=tweens(longest),
    )
    _component()(key="player", data=data)

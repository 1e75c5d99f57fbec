"""The player under a moving picture: a small browser component that drives Plotly's frames. Works without a network."""

from pathlib import Path

import streamlit as st

from pages.methods.formulas import Typeset
from pages.runs.frames import Frame

_HERE = Path(__file__).parent
_SECONDS = 14
STEPS_PER_SECOND = 30  # as in player.js


@st.cache_resource
def _component():
    html, css, js = ((_HERE / f"player.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component("player", html=html, css=css, js=js)


def ticks(frames: list[Frame]) -> list[int]:
    """How many moments each frame is shown before the next one, so that a whole run plays in about 14 seconds at most.

    Before a frame in which centers move there is something to be moved, so these take longer.
    """
    moves = sum(frame.moves for frame in frames)
    between = max(2, min(18, _SECONDS * STEPS_PER_SECOND // max(moves, 1)))
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
    """Draws the player of the figures in the containers with the keys `pictures` and `curves`.

    `frames` has the frames of each picture, and `names` what they are called if there are several; a picture that has fewer
    frames than others waits on its last. `figures` is what the layouts of these figures have as `meta`: the player waits for
    them. It stays on its frame as long as `run` is the same, and of another goes to the frame `rest`, which the figures show
    first, by default the last; where it rests it follows `rest` also of the same run. `pace` is for how many
    moments of a thirtieth of a second each frame is shown before the next, by default as `ticks` says. `formulas` are shown
    below, with the quantities of the frame. `alt_texts` has for each picture what it is in words in each frame, by default the
    sentences. Of several players on a page only the one whose `key` is "player" listens to the
    keys that are pressed elsewhere on it.
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
        captions=[[(frame.sentence, frame.explanation) for frame in frames] for frames in frames],
        rest=len(longest) - 1 if rest is None else rest,
        ticks=ticks(longest) if pace is None else pace,
    )
    data |= dict(alt_texts=alt_texts or [[frame.sentence for frame in frames] for frames in frames])
    if formulas is not None:
        data |= dict(formulas=formulas.html, values=formulas.values)
    _component()(key=key, data=data | dict(listens=key == "player"))

"""The player: a browser component that controls animated Plotly figures, including in a presentation. Works offline."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import plotly.graph_objects as go
import streamlit as st

from pages.figures.plots import THIN_LABELS, ranges
from pages.runs.frames import Frame
from pages.ui.query_parameters import is_opening, write_parameter

_HERE = Path(__file__).parent
_MAX_SECONDS = 14
"""approximate maximum duration of an animation at normal speed"""
STEPS_PER_SECOND = 30  # as in player.js
PRESENT = "present"
"""query parameter: 1 while the page is presented, see presentation.js"""
FRAME = "frame"
"""query parameter: index of the frame that is shown if it is not the usual one, see player.js"""
RESTING = "resting frame"
"""session key: index of the frame that the figures of the page show initially, None if there is no player"""
PRESENTATION = (_HERE / "presentation.js").read_text(encoding="utf-8")
"""script of components that take part in a presentation"""


@dataclass(frozen=True)
class Stage:
    """What a presentation of a page offers."""

    title: str
    """what is shown, for a small line"""
    new_start: Callable[[], None] | None = None
    """callback that changes to a new random start"""
    why_not: str = "There is no random start."
    """why there is no new start, a sentence"""
    examples: Mapping[str, Callable[[], None]] = field(default_factory=dict)
    """callbacks that change to the examples of the page, by title"""
    centers: tuple[str, ...] = ()
    """names of the centers, if they can be dragged in the first frame"""
    names: tuple[str, ...] = ()
    """names of all centers"""
    iterations: int | None = None
    """number of iterations of the run"""
    soft: bool = False
    """whether points have memberships in several clusters"""
    move_center: Callable[[int, float, float], None] | None = None
    """callback after the center with an index was moved to x and y"""


@st.cache_resource
def _component():
    html, css = ((_HERE / f"player.{kind}").read_text(encoding="utf-8") for kind in ("html", "css"))
    scripts = [THIN_LABELS, PRESENTATION]
    scripts += [(_HERE / name).read_text(encoding="utf-8") for name in ("handles.js", "predictions.js", "player.js")]
    return st.components.v2.component("player", html=html, css=css, js="\n".join(scripts))


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
    pictures: list[tuple[str, go.Figure]],
    curves: list[str],
    names=(),
    pace: list[int] | None = None,
    rest: int | None = None,
    alt_texts: list[list[str]] | None = None,
    readings: Mapping[str, list[list[str]]] | None = None,
    at_start: bool = False,
    stage: Stage | None = None,
    key: str = "player",
) -> None:
    """Show the player of one or several animated figures.

    Parameters
    ----------
    run : identifier of the run. The player keeps its frame while it stays the same.
    figures : identifier of the figures, their `layout.meta`; the player waits until they are on the page.
    frames : frames of each plot. A plot with fewer frames than others stays at its last one.
    pictures : key of the container of each plot, and the plot.
    curves : keys of the containers of other figures that follow them.
    names : name of each plot, if there are several.
    pace : duration of each frame in thirtieths of a second; default `ticks`.
    rest : index of the frame that the figures show initially, also after a new run; default the last.
    alt_texts : alternative texts of each plot, one per frame; default the first sentences of the captions.
    readings : texts of numbers outside of the player, by the key of their container: for each frame, those of its metrics and
        of its elements of the class "reading".
    at_start : whether a new run begins with its first frame, not with `rest`.
    stage : if given, the page can be presented.
    key : key of the component. With "player", it responds to keys pressed anywhere on the page.
    """
    longest = max(frames, key=len)
    data = dict(
        run=run,
        figures=figures,
        pictures=[key for key, _ in pictures],
        ranges=[ranges(figure) for _, figure in pictures],
        curves=curves,
        names=list(names),
        phases=[frame.phase for frame in longest],
        moves=[frame.moves for frame in longest],
        captions=[[(frame.sentence, frame.explanation) for frame in row] for row in frames],
        rest=len(longest) - 1 if rest is None else rest,
        ticks=ticks(longest) if pace is None else pace,
    )
    data["frame"] = _frame_in_link(len(longest)) if key == "player" else None
    if key == "player":
        st.session_state[RESTING] = data["rest"]
    data |= dict(altTexts=alt_texts or [[frame.sentence for frame in row] for row in frames])
    data |= dict(readings=readings or {}, atStart=at_start, listens=key == "player", stage=None, presented=False)
    if stage is None:
        _component()(key=key, data=data)
        return
    st.html(f"<style>{(_HERE / 'presentation.css').read_text(encoding='utf-8')}</style>")
    if presented := st.query_params.get(PRESENT) == "1":
        write_parameter(PRESENT, "1")
    data["presented"] = presented
    data["stage"] = dict(
        title=stage.title,
        newStart=stage.new_start is not None,
        whyNot=stage.why_not,
        examples=list(stage.examples),
        centers=list(stage.centers),
        names=list(stage.names),
        iterations=stage.iterations,
        soft=stage.soft,
    )

    def answer(name: str):
        return st.session_state[key].get(name)

    def choose_example() -> None:
        index = answer("example")
        if type(index) is int and 0 <= index < len(stage.examples):
            list(stage.examples.values())[index]()

    def move() -> None:
        moved = answer("moved")
        if is_move(moved, len(stage.centers)):
            stage.move_center(moved["center"], float(moved["x"]), float(moved["y"]))

    _component()(
        key=key,
        data=data,
        on_new_start_change=lambda: answer("new_start") and stage.new_start and stage.new_start(),
        on_example_change=choose_example,
        on_moved_change=move,
        on_left_change=lambda: st.query_params.pop(PRESENT, None),
    )


def _frame_in_link(frames: int) -> int | None:
    """The frame in the address, if there is one and the page is being opened; later, the browser has another one."""
    text = st.query_params.get(FRAME, "")
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) < frames):
        st.query_params.pop(FRAME, None)
        return None
    write_parameter(FRAME, text)
    return int(text) if is_opening() else None


def is_move(answer, centers: int) -> bool:
    """Whether this is the index of a center and a finite position: a browser can send anything."""
    if not isinstance(answer, dict) or type(answer.get("center")) is not int or not 0 <= answer["center"] < centers:
        return False
    return all(type(answer.get(name)) in (int, float) and abs(answer[name]) < 1e300 for name in "xy")

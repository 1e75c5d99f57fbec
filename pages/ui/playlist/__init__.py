"""The playlist of a session: a dialog that builds it, and a bar above the page that steps through it. Works offline."""

import secrets
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from pages.datasets.formatting import escape_markdown
from pages.export.playlist import (
    MAX_BYTES,
    MAX_SENTENCE,
    MAX_STEPS,
    MAX_TITLE,
    Playlist,
    Step,
    from_content,
    from_json,
    to_json,
)
from pages.ui.data_choice import current
from pages.ui.links import ADDRESS, expect_parameters
from pages.ui.player import FRAME, PRESENT, PRESENTATION, RESTING
from pages.ui.query_parameters import is_history_navigation

PLAYLIST, SELECTED, SHOWN = "playlist", "selected step", "shown step"
"""session keys: the playlist; index of the step that is edited; index of the step in the bar, None if there is no bar"""
OPENING = "opening a step"
"""session key: a number that identifies the request to open the shown step, and whether to present it"""
ERROR = "error of the playlist"
"""session key: why the uploaded playlist cannot be opened"""
BAR = "playlist_bar"
MAX_WAITING_SECONDS = 3
_HERE = Path(__file__).parent
READY_MADE = "from_k_means_to_em.json"


@st.cache_data
def ready_made() -> Playlist:
    """The playlist “From K-means to EM in ten steps”."""
    return from_json((_HERE / READY_MADE).read_bytes())


@st.cache_resource
def _component():
    html, css, js = ((_HERE / f"playlist.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component("playlist", html=html, css=css, js=f"{PRESENTATION}\n{js}")


def playlist() -> Playlist:
    """The playlist of this session."""
    return st.session_state.get(PLAYLIST, Playlist())


def collect_playlist() -> dict[str, Any]:
    """The playlist for a project; empty if there is none."""
    return {"playlist": playlist().content()} if playlist().steps else {}


def expect_playlist(found: Any) -> None:
    """Use the playlist of a project, which is not trusted; `found` is None if it has none."""
    if found is not None:
        with suppress(ValueError):
            _use(from_content(found))


# The bar


def show_bar() -> None:
    """Show the step that was opened, with buttons and keys for the others, and open another one if it was asked for.

    Call it before any widget is drawn. The browser opens the link of a step as if the user went back to it.
    """
    steps, index = playlist().steps, st.session_state.get(SHOWN)
    if index is None or index >= len(steps):
        return
    step, opening = steps[index], st.session_state.get(OPENING)
    if opening is not None and is_history_navigation():
        expect_parameters(step.address)
        del st.session_state[OPENING]
        opening = None
    data = dict(title=step.title, sentence=step.sentence, index=index, count=len(steps), open=None)
    if opening is not None:
        number, present = opening
        data["open"] = dict(number=number, link=step.link, present=present, presented=step.presented)

    def go() -> None:
        wanted = st.session_state[BAR].get("go")
        if is_step(wanted):
            _open(wanted)

    st.html(f"<style>{(_HERE / 'strip.css').read_text(encoding='utf-8')}</style>")
    _component()(key=BAR, data=data, on_go_change=go, on_closed_change=_close)
    if opening is not None and st.context.headers:
        _wait_for_browser()


def _wait_for_browser() -> None:
    """Wait until the browser asks for the step, which ends this run of the script, so that nothing is drawn in vain."""
    place = st.empty()
    for _ in range(round(MAX_WAITING_SECONDS / 0.02)):
        time.sleep(0.02)
        place.empty()


def is_step(wanted: Any) -> bool:
    """Whether this is the index of a step: a browser can send anything."""
    return type(wanted) is int and 0 <= wanted < len(playlist().steps)


def _open(index: int, present: bool = False) -> None:
    """Callback: open a step. `present` begins a presentation; the browser continues one by itself."""
    st.session_state.update({SHOWN: index, SELECTED: index, OPENING: (secrets.randbelow(2**50), present)})


def _close() -> None:
    st.session_state[SHOWN] = None


# The dialog


def playlist_button(title: str) -> None:
    """Show a button that opens a dialog: there, the page with this title is added, and the playlist edited and saved."""
    forget = partial(st.session_state.pop, OPENING, None)
    if st.button("Playlist", icon=":material/slideshow:", key="open playlist", on_click=forget):
        _show_dialog(title)


@st.dialog("Playlist", width="medium")
def _show_dialog(title: str) -> None:
    if OPENING in st.session_state:
        st.rerun()  # closes the dialog
    steps = playlist().steps
    st.caption("An ordered list of views. Page Down and Page Up step through them, including in a presentation.")
    with st.container(horizontal=True):
        full = len(steps) >= MAX_STEPS
        st.button("Add to playlist", icon=":material/playlist_add:", on_click=_add, args=(title,), disabled=full)
        if steps:
            st.button("Present", icon=":material/slideshow:", on_click=_open, args=(0, True))
    if steps:
        _edit(steps)
        name = "".join(c if c.isalnum() else "-" for c in playlist().title.lower()).strip("-") or "playlist"
        st.download_button(
            "Save playlist", to_json(playlist()), f"{name}.json", "application/json", icon=":material/save:", on_click="ignore"
        )
    with st.expander("Open a playlist", expanded=not steps):
        replaced = " It replaces the one above." if steps else ""
        st.button(ready_made().title, on_click=_use, args=(ready_made(),), help=f"A ready-made playlist.{replaced}")
        st.file_uploader(f"File with a playlist.{replaced}", "json", key="playlist file", on_change=_read_file)
        if error := st.session_state.get(ERROR):
            st.error(escape_markdown(error), icon=":material/error:")


def _edit(steps: tuple[Step, ...]) -> None:
    """Show the title of the playlist, and the fields and buttons of the selected step."""
    state = st.session_state
    _text_field("Title of the playlist", playlist().title, "playlist title", MAX_TITLE, _rename)
    state[SELECTED] = min(state.get(SELECTED, 0), len(steps) - 1)
    state["step of the playlist"] = state[SELECTED]
    st.selectbox(
        f"Step to edit (of {len(steps)})",
        range(len(steps)),
        format_func=lambda i: f"{i + 1}. {steps[i].title}" if i < len(steps) else "",
        key="step of the playlist",
        on_change=lambda: state.update({SELECTED: state["step of the playlist"]}),
    )
    index = state[SELECTED]
    step, last = steps[index], len(steps) - 1
    _text_field("Title", step.title, "step title", MAX_TITLE, lambda text: _change(index, title=text))
    _text_field("Sentence", step.sentence, "step sentence", MAX_SENTENCE, lambda text: _change(index, sentence=text))
    state["step presented"] = step.presented
    st.toggle(
        "Fill the window in a presentation",
        help="Only for Watch, Compare, Density, Gaussian mixture and Hierarchical.",
        key="step presented",
        on_change=lambda: _change(index, presented=state["step presented"]),
    )
    with st.container(horizontal=True, gap="small"):
        for label, icon, disabled, callback, arguments in (
            ("Move up", "arrow_upward", index == 0, _move, (index, index - 1)),
            ("Move down", "arrow_downward", index == last, _move, (index, index + 1)),
            ("Remove", "delete", False, _remove, (index,)),
            ("Open", "play_arrow", False, _open, (index,)),
        ):
            st.button(
                label, key=f"{label} step", icon=f":material/{icon}:", disabled=disabled, on_click=callback, args=arguments
            )


def _text_field(label: str, text: str, key: str, longest: int, on_change) -> None:
    """A text field with this text, whose changes are passed on without line breaks."""
    st.session_state[key] = text
    st.text_input(
        label, key=key, max_chars=longest, on_change=lambda: on_change("".join(filter(str.isprintable, st.session_state[key])))
    )


def _add(title: str) -> None:
    """Callback: add the view on the screen."""
    resting = st.session_state.get(RESTING)
    address = {name: texts for name, texts in st.session_state[ADDRESS].items() if name not in (FRAME, PRESENT)}
    # the player updates the frame in the address without rerunning the script; if the address has no frame, the player shows
    # the frame in which the figures are drawn
    frame = st.query_params.get(FRAME, "" if resting is None else str(resting))
    if resting is not None and frame:
        address[FRAME] = [frame]
    step = Step.of(f"{title}: {current().title}"[:MAX_TITLE], st.session_state["page"], address)
    steps = (*playlist().steps, step)
    st.session_state.update({PLAYLIST: Playlist(playlist().title, steps), SELECTED: len(steps) - 1})


def _use(new: Playlist) -> None:
    """Callback: use another playlist, and close the bar."""
    st.session_state.update({PLAYLIST: new, SELECTED: 0, SHOWN: None, ERROR: None})


def _rename(title: str) -> None:
    st.session_state[PLAYLIST] = Playlist(title, playlist().steps)


def _change(index: int, **changes: Any) -> None:
    st.session_state[PLAYLIST] = playlist().with_step(index, **changes)


def _move(index: int, to: int) -> None:
    st.session_state.update({PLAYLIST: playlist().moved(index, to), SELECTED: to, SHOWN: None})


def _remove(index: int) -> None:
    st.session_state.update({PLAYLIST: playlist().without(index), SHOWN: None})


def _read_file() -> None:
    """Callback: use the uploaded playlist, or note why it cannot be used."""
    file = st.session_state["playlist file"]
    st.session_state[ERROR] = None
    if file is None:
        return
    try:
        _use(from_json(file.read(MAX_BYTES + 1)))
    except ValueError as error:
        st.session_state[ERROR] = str(error)

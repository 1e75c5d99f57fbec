"""Widgets that show a failure and its remedy on the page where it can be seen."""

import streamlit as st

from pages.ui.failure_examples import FAILURES
from pages.ui.navigation import open_scene


def _shown_failure(page: str) -> tuple[str | None, bool]:
    """The failure to which the widgets of this page are set, None if to no failure, and whether it is remedied."""
    for name, failure in FAILURES.items():
        for remedied in (False, True):
            scene = failure.scene(remedied)
            if scene.page == page and all(
                key in st.session_state and st.session_state[key] == value for key, value in scene.state().items()
            ):
                return name, remedied
    return None, False


def choose_failure(page: str) -> None:
    """Draws buttons for the failures that can be seen on this page; then as `show_failure`."""
    offered = [name for name, failure in FAILURES.items() if failure.wrong.page == page]
    name, _ = _shown_failure(page)
    st.session_state["failure"] = name if name in offered else None

    def chosen():
        if name := st.session_state["failure"]:
            st.session_state.update(FAILURES[name].wrong.state())

    st.pills(
        "What goes wrong, to be seen",
        offered,
        format_func=lambda name: FAILURES[name].title,
        key="failure",
        on_change=chosen,
    )
    show_failure(page)


def show_failure(page: str) -> None:
    """Explains the failure that this page shows, if it shows one, with a button for its remedy.

    Must be called after all widgets are drawn.
    """
    name, remedied = _shown_failure(page)
    if name is None:
        return
    failure = FAILURES[name]
    other = failure.scene(not remedied)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info(failure.after if remedied else failure.text, icon=":material/visibility:")
        st.button(
            "Show it go wrong again" if remedied else failure.remedy,
            icon=":material/undo:" if remedied else ":material/healing:",
            **(
                dict(on_click=st.session_state.update, args=(other.state(),))
                if other.page == page
                else dict(on_click=open_scene, args=(other.page, other.state(), other.address))
            ),
        )

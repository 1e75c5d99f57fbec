"""Widgets that show a failure example and its fix."""

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from pages.ui.failure_examples import FAILURES
from pages.ui.navigation import open_scene


def _shown_failure(page: str) -> tuple[str | None, bool]:
    """The name of the example to which the widgets of this page are set, if any, and whether its fix is applied."""
    for name, failure in FAILURES.items():
        for fixed in (False, True):
            scene = failure.scene(fixed)
            if scene.page == page and all(
                key in st.session_state and st.session_state[key] == value for key, value in scene.state().items()
            ):
                return name, fixed
    return None, False


def failures_of(page: str) -> dict[str, Callable[[], None]]:
    """Callbacks that show the examples that this page can show, by title, in the order of `choose_failure`."""
    return {
        failure.title: partial(st.session_state.update, failure.wrong.state())
        for failure in FAILURES.values()
        if failure.wrong.page == page
    }


def choose_failure(page: str, beside: Any, below: Any) -> None:
    """Draw buttons for the examples that this page can show, then call `show_failure`, in these containers."""
    available = [name for name, failure in FAILURES.items() if failure.wrong.page == page]
    name, _ = _shown_failure(page)
    st.session_state["failure"] = name if name in available else None

    def apply():
        if name := st.session_state["failure"]:
            st.session_state.update(FAILURES[name].wrong.state())

    beside.pills(
        "Failure examples",
        available,
        format_func=lambda name: FAILURES[name].title,
        key="failure",
        on_change=apply,
    )
    with below:
        show_failure(page)


def show_failure(page: str) -> None:
    """If this page shows an example, explain it and draw the button for its fix. Call it after all widgets are drawn."""
    name, fixed = _shown_failure(page)
    if name is None:
        return
    failure = FAILURES[name]
    other = failure.scene(not fixed)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info(failure.after if fixed else failure.text, icon=":material/visibility:")
        st.button(
            "Show the failure again" if fixed else failure.fix,
            icon=":material/undo:" if fixed else ":material/healing:",
            **(
                dict(on_click=st.session_state.update, args=(other.state(),))
                if other.page == page
                else dict(on_click=open_scene, args=(other.page, other.state(), other.query_params))
            ),
        )

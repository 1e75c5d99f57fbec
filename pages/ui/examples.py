"""Examples that set the data and settings of a page with one click and explain what to look for."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

import streamlit as st
from streamlit.errors import StreamlitAPIException


class Example(Protocol):
    """An example offered on a page."""

    title: str
    text: str
    """what to look for, in two sentences"""
    query_params: dict[str, str]
    """query parameters of widgets that may not have been drawn yet; Streamlit does not write those itself"""

    def state(self) -> dict:
        """Widget values of the example, by key."""


def title_with_examples(title: str) -> tuple[Any, Any]:
    """Draw the title of a page. Return a container beside it, for buttons of examples, and one below it, for explanations."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="title_row"):
        st.title(title, width="content")
        beside = st.container(width="stretch")
    return beside, st.container()


def _apply(example: Example) -> None:
    """Callback: show an example."""
    st.session_state.update(example.state())
    for widget, text in example.query_params.items():
        with suppress(StreamlitAPIException):  # a widget that is drawn writes its own query parameter
            st.query_params[widget] = text


def appliers_of(examples: dict[str, Example]) -> dict[str, Callable[[], None]]:
    """Callbacks that show the examples, by title."""
    return {example.title: partial(_apply, example) for example in examples.values()}


def choose_example(examples: dict[str, Example], beside: Any, below: Any) -> None:
    """Draw buttons for the examples, and the text of the selected one, in these containers.

    Call it after all widgets are drawn.
    """
    # a key for each page, because the pages have different examples
    key = f"example {next(iter(examples))}"

    def is_shown(example) -> bool:
        return all(name in st.session_state and st.session_state[name] == value for name, value in example.state().items())

    # select the example that matches the widgets, also after a link was opened, and deselect it after a change
    st.session_state[key] = next((name for name, example in examples.items() if is_shown(example)), None)

    def apply():
        if name := st.session_state[key]:
            _apply(examples[name])

    name = beside.pills(
        "Examples",
        list(examples),
        format_func=lambda name: examples[name].title,
        key=key,
        on_change=apply,
    )
    if name:
        below.info(examples[name].text, icon=":material/visibility:")

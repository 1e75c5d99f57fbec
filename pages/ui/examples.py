"""Ready-made examples of a page: each sets data and settings with one click, and says what to look at."""

from contextlib import suppress
from typing import Protocol

import streamlit as st
from streamlit.errors import StreamlitAPIException


class Example(Protocol):
    """What a page offers ready-made."""

    title: str
    text: str
    """what to look at, in two sentences"""
    address: dict[str, str]
    """how the address says the values of widgets that may not be on the screen yet: Streamlit does not put them there"""

    def state(self) -> dict:
        """The value of each widget that the example is made of, by its key."""


def choose_example(examples: dict[str, Example]) -> None:
    """The ready-made examples, and what to look at in the one that is shown. To be called when all widgets are drawn."""
    key = f"example {next(iter(examples))}"

    def is_shown(example) -> bool:
        return all(name in st.session_state and st.session_state[name] == value for name, value in example.state().items())

    # also for those who come by a link, and no longer when something was changed
    st.session_state[key] = next((name for name, example in examples.items() if is_shown(example)), None)

    def chosen():
        if name := st.session_state[key]:
            st.session_state.update(examples[name].state())
            for widget, text in examples[name].address.items():
                with suppress(StreamlitAPIException):  # one that is on the screen already writes its value there itself
                    st.query_params[widget] = text

    name = st.pills(
        "Ready-made comparisons",
        list(examples),
        format_func=lambda name: examples[name].title,
        key=key,
        on_change=chosen,
    )
    if name:
        st.info(examples[name].text, icon=":material/visibility:")

"""Error messages on the page, with a button that fixes the problem if possible."""

import streamlit as st

from pages.datasets.formatting import as_sentence, escape_markdown
from pages.methods import available_methods
from pages.methods.base import UnsuitableData
from pages.methods.traits import WATCH
from pages.ui.data_choice import current


def show_error(error: ValueError) -> None:
    """Show an error message; if another kind of data is required, also show a button that selects another method."""
    st.error(escape_markdown(as_sentence(error)), icon=":material/error:")
    if isinstance(error, UnsuitableData):
        view = next(iter(available_methods(WATCH, current()).values()))
        st.button(
            f"Use {view.title_in_sentence}", on_click=st.session_state.update, args=({"algorithm": view.name},), type="primary"
        )

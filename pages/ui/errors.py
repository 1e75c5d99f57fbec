"""What cannot be done, in one sentence, with the remedy one click away where there is one."""

import streamlit as st

from pages.datasets.formatting import as_sentence, plain
from pages.runs.run import NeedsPoints


def show_fault(fault: ValueError) -> None:
    st.error(plain(as_sentence(fault)), icon=":material/error:")
    if isinstance(fault, NeedsPoints):
        st.button("Use K-medoids", on_click=_use_medoids, type="primary")


def _use_medoids() -> None:
    st.session_state["algorithm"] = "kmedoids"

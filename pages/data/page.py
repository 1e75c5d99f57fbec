"""The Data page: shows the data set in use. The widgets that choose it are drawn above it, by `dashboard.py`."""

import streamlit as st

from pages.data.sections import show_data
from pages.datasets.formatting import escape_markdown
from pages.ui.data_choice import current

if st.session_state["data notice"]:
    st.info(escape_markdown(st.session_state["data notice"]), icon=":material/info:")
else:
    show_data(current())

"""Data: the data set in use, to be looked at before it is clustered. The frame of the app draws its choice above this page."""

import streamlit as st

from pages.data.sections import show_data, show_limits
from pages.datasets.formatting import plain
from pages.ui.data_choice import current

if st.session_state["nothing yet"]:
    st.info(plain(st.session_state["nothing yet"]), icon=":material/info:")
else:
    show_data(current())
show_limits()

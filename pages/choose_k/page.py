"""Choose K page: one method with K = 1, 2, 3, …, or with values of an option, and criteria for the number of clusters."""

import streamlit as st

from pages.choose_k.sections import describe, show
from pages.choose_k.sweep import Sweep
from pages.choose_k.verdict import verdict_of
from pages.datasets.formatting import escape_markdown
from pages.figures import plots
from pages.ui.data_choice import current
from pages.ui.errors import show_error
from pages.ui.navigation import open_requested_page
from pages.ui.progress import run_job
from pages.ui.widgets import choose_sweep, session_cache

st.title("Choose K")
open_requested_page()
data = current()
settings, max_k, runs = choose_sweep(data)
describe(settings)
try:
    sweep = session_cache().get(("sweep", data.key, settings, max_k, runs), lambda: Sweep.of(data, settings, max_k, runs))
    if sweep.note:
        st.info(escape_markdown(sweep.note), icon=":material/info:")
    sweep = run_job(plots.token(sweep.data.key, sweep.settings, len(sweep.axis.values), sweep.runs), sweep)
except ValueError as error:
    show_error(error)
else:
    if all(("data", value) in sweep.results for value in sweep.axis.values):
        show(verdict_of(sweep))

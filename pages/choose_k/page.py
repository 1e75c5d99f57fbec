"""How many clusters? One method with K = 1, 2, 3 …, and what the criteria say about it."""

import streamlit as st

from pages.choose_k.sections import show
from pages.choose_k.sweep import Sweep
from pages.choose_k.verdict import Verdict
from pages.figures import plots
from pages.ui.data_choice import current
from pages.ui.errors import show_fault
from pages.ui.navigation import opening
from pages.ui.progress import work_on
from pages.ui.widgets import choose_sweep, session_cache

st.title("How many clusters?")
opening()
data = current()
settings, most, runs = choose_sweep(data)
try:
    sweep = session_cache().get(("sweep", data.key, settings, most, runs), lambda: Sweep.of(data, settings, most, runs))
    if sweep.note:
        st.info(sweep.note, icon=":material/info:")
    work_on(plots.token(sweep.data.key, sweep.settings, len(sweep.ks), sweep.runs), sweep)
except ValueError as fault:
    show_fault(fault)
else:
    if all(("data", k) in sweep.results for k in sweep.ks.tolist()):
        show(Verdict(sweep))

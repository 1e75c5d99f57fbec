"""Many starts: one method on one data set, again and again from other starts."""

import streamlit as st

from pages.figures import plots
from pages.restarts.examples import STARTS_EXAMPLES
from pages.restarts.sections import show
from pages.restarts.study import RemainingRuns, RestartStudy
from pages.ui.data_choice import current
from pages.ui.errors import show_fault
from pages.ui.examples import choose_example
from pages.ui.navigation import opening
from pages.ui.progress import work_on
from pages.ui.widgets import choose_starts, session_cache

st.title("Many starts")
opening()
examples = st.container()
data = current()
settings, initializations, runs = choose_starts(data)
with examples:
    choose_example(STARTS_EXAMPLES)
try:
    if not initializations:
        raise ValueError("choose at least one initialization")
    study = session_cache().get(("restarts", data.key, settings), lambda: RestartStudy.of(data, settings, session_cache()))
    work_on(plots.token(study.data.key, settings, initializations, runs), RemainingRuns.of(study, initializations, runs))
except ValueError as fault:
    show_fault(fault)
else:
    if study.ready.note:
        st.info(study.ready.note, icon=":material/info:")
    findings = study.findings(initializations, runs)
    if findings is not None:
        show(findings)

"""Restarts page: many runs of one method with different initializations and seeds."""

import streamlit as st

from pages.datasets.formatting import escape_markdown
from pages.figures import plots
from pages.restarts.examples import EXAMPLES
from pages.restarts.sections import show
from pages.restarts.study import RemainingRuns, RestartStudy
from pages.ui.data_choice import current
from pages.ui.errors import show_error
from pages.ui.examples import choose_example, title_with_examples
from pages.ui.navigation import open_requested_page
from pages.ui.progress import Progress, run_job
from pages.ui.widgets import choose_starts, session_cache

beside, below = title_with_examples("Restarts")
open_requested_page()
data = current()
settings, initializations, runs = choose_starts(data)
choose_example(EXAMPLES, beside, below)
progress, cache = Progress(), session_cache()
try:
    if not initializations:
        raise ValueError("choose at least one initialization")
    study = progress.compute(
        ("restarts", data.key, settings),
        lambda on_progress: RestartStudy.of(data, settings, cache),
        "Preparing the runs.",
    )
    progress.done()
    name = plots.token(study.data.key, settings, initializations, runs)
    study = run_job(name, RemainingRuns.of(study, initializations, runs)).study
except ValueError as error:
    show_error(error)
else:
    if study.inputs.note:
        st.info(escape_markdown(study.inputs.note), icon=":material/info:")
    findings = study.findings(initializations, runs)
    if findings is not None:
        show(findings)

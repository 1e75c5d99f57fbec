"""Grid page: all algorithms on simulated data sets of different shapes."""

import streamlit as st

from pages.figures import plots
from pages.grid.sections import choose, show
from pages.grid.study import GridStudy, RemainingCells
from pages.ui.errors import show_error
from pages.ui.navigation import open_requested_page
from pages.ui.progress import run_job
from pages.ui.widgets import session_cache

st.title("Grid")
open_requested_page()
st.caption(
    "Every clustering algorithm for numeric data, on data sets of different shapes. Click the score below a picture to "
    "watch the run."
)
n, seed, samples, names = choose()
if samples and names:
    study = session_cache().get(("grid", n, seed), lambda: GridStudy(n, seed))
    study = run_job(plots.token("grid", n, seed, samples, names), RemainingCells.of(study, samples, names)).study
    show(study, samples, names)
else:
    show_error(ValueError("choose at least one algorithm and one data set"))

"""Breaking points page: groups are deformed step by step, until algorithms fail."""

import streamlit as st

from pages.breaking_points.sections import choose, show
from pages.breaking_points.study import RemainingCases, Study
from pages.figures import plots
from pages.ui.errors import show_error
from pages.ui.navigation import open_requested_page
from pages.ui.progress import run_job
from pages.ui.widgets import session_cache

st.title("Breaking points")
open_requested_page()
st.caption("Three Gaussian groups are deformed step by step. How much deformation can each algorithm handle?")
deformation, names, n, repeats, seed, threshold = choose()
key, cache = ("breaking points", deformation.title, n, seed), session_cache()
if names:
    study = cache.get(key, lambda: Study(deformation, n, seed))
    study = run_job(plots.token(key, names, repeats), RemainingCases.of(study, names, repeats)).study
    show(study, names, repeats, threshold, cache.get(("limits", *key, repeats), lambda: study.limits(repeats)))
else:
    show_error(ValueError("choose at least one algorithm"))

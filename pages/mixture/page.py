"""Gaussian mixture page: the density step by step, responsibilities, samples, covariance models and the bootstrap."""

import streamlit as st

from pages.datasets.formatting import as_sentence, escape_markdown
from pages.methods.base import NeedsPoints
from pages.methods.mixture import METHOD
from pages.mixture.picture import draw_run, show_picture
from pages.mixture.sections import choose_circled, choose_section, show_section
from pages.runs.preparation import check_data_kind
from pages.ui import run_view
from pages.ui.data_choice import current
from pages.ui.errors import show_error
from pages.ui.examples import title_with_examples
from pages.ui.failures import choose_failure, failures_of
from pages.ui.placing import choose_plane
from pages.ui.player import Stage
from pages.ui.progress import Progress
from pages.ui.random_starts import show_random_starts, use_found_start
from pages.ui.segments import named
from pages.ui.widgets import choose_settings_of, new_start

beside, below = title_with_examples("Gaussian mixture")
use_found_start()
data = current()
settings = choose_settings_of(METHOD, data, "mixture")
choose_failure("mixture", beside, below)
progress = Progress()
try:
    check_data_kind(data, settings)
    plane = choose_plane(data)
    run = named(run_view.computed_run(data, settings, progress))
except NeedsPoints as error:
    st.error(escape_markdown(f"{as_sentence(error)} This page shows Gaussian mixtures only."), icon=":material/error:")
except ValueError as error:
    show_error(error)
else:
    if run.note:
        st.info(escape_markdown(run.note), icon=":material/info:")
    shown, formulas, point, place, panel, starts = draw_run(run, plane, progress)
    section = choose_section(data)
    rows = choose_circled(section, run)
    with place:
        show_picture(run, plane, shown, rows, point if section == "responsibilities" or formulas.visible else None)
    with panel:
        stage = Stage(run.title, *new_start(run.settings), failures_of("mixture"))
        run_view.show_player(run, shown, stage, ("triangle",) * (section == "responsibilities" and run.k == 3))
    with starts:  # after the player, because it may take longer than the run
        show_random_starts(run)
    show_section(section, run, plane, progress, shown, point, rows)
progress.done()

"""Gaussian mixture page: the density step by step, responsibilities, samples, covariance models and the bootstrap."""

import streamlit as st

from pages.datasets.data import Data
from pages.datasets.formatting import as_sentence, escape_markdown
from pages.methods.base import NeedsPoints
from pages.methods.mixture import METHOD
from pages.mixture.picture import draw_run, show_picture
from pages.mixture.sections import SECTIONS, choose_circled, show_section
from pages.runs.preparation import check_data_kind
from pages.ui import run_view
from pages.ui.data_choice import current
from pages.ui.errors import show_error
from pages.ui.examples import title_with_examples
from pages.ui.failures import choose_failure
from pages.ui.placing import choose_plane
from pages.ui.progress import Progress
from pages.ui.random_starts import show_random_starts, use_found_start
from pages.ui.segments import named
from pages.ui.widgets import PERSISTENT_IN_LINK, choose_settings_of


def choose_section(data: Data) -> str:
    offered = [name for name in SECTIONS if name != "truth" or data.truth is not None]
    options = dict(format_func=SECTIONS.get, default="responsibilities", required=True, key="section")
    return st.segmented_control("Section", offered, **options, **PERSISTENT_IN_LINK)


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
        st.info(run.note, icon=":material/info:")
    shown, place, starts = draw_run(run, plane, progress)
    panel = run_view.player_panel()
    formulas, point = run_view.choose_formulas(run, shown.frames, always=True)
    section = choose_section(data)
    rows = choose_circled(section, run)
    with place:
        show_picture(run, plane, shown, rows, point if section == "responsibilities" or formulas else None)
    with panel:
        run_view.show_player(run, shown, formulas, ("triangle",) * (section == "responsibilities" and run.k == 3))
    with starts:  # after the player, because it may take longer than the run
        show_random_starts(run)
    show_section(section, run, plane, progress, shown, point, rows)
progress.done()

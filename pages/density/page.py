"""Density page: methods that cluster by density, beside figures in which clusters can be cut or chosen."""

import streamlit as st

from pages.datasets.formatting import as_sentence, escape_markdown
from pages.density.sections import choose_view, show_player, show_plots, show_results
from pages.methods.base import NeedsPoints
from pages.runs.preparation import check_data_kind
from pages.ui import run_view
from pages.ui.data_choice import current
from pages.ui.errors import show_error
from pages.ui.navigation import open_requested_page
from pages.ui.placing import choose_plane
from pages.ui.progress import Progress
from pages.ui.segments import named
from pages.ui.widgets import choose_settings_of

with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="title_row"):
    st.title("Density", width="content")
    open_requested_page()
    data = current()
    view = choose_view(data)
settings = choose_settings_of(view, data, "density", view.defaults_beside_figures(data))
progress = Progress()
try:
    check_data_kind(data, settings)
    plane = choose_plane(data)
    run = named(run_view.computed_run(data, settings, progress))
except NeedsPoints as error:
    st.error(escape_markdown(as_sentence(error)), icon=":material/error:")
except ValueError as error:
    show_error(error)
else:
    if run.note:
        st.info(escape_markdown(run.note), icon=":material/info:")
    run, shown = show_plots(run, plane, progress)
    show_player(run, shown)
    show_results(run, shown, plane)
progress.done()

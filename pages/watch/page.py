"""The Watch page: a run of one algorithm, step by step."""

import streamlit as st

from pages.datasets.data import Data
from pages.datasets.planes import Plane
from pages.figures import plots
from pages.runs import pictures
from pages.runs.run import Run
from pages.ui import run_view
from pages.ui.data_choice import current
from pages.ui.errors import show_error
from pages.ui.export_menu import show_export_menu
from pages.ui.failures import show_failure
from pages.ui.navigation import open_requested_page
from pages.ui.placing import choose_plane, clear_centers, edit_centers, is_manual
from pages.ui.progress import Progress
from pages.ui.random_starts import show_random_starts, use_found_start
from pages.ui.results import show_proximities, show_tables
from pages.ui.segments import named
from pages.ui.widgets import choose_settings
from pages.watch.welcome import play_if_asked, show_welcome


def show(run: Run, data: Data, plane: Plane, left, right, progress: Progress) -> None:
    with left:
        if run.note:
            st.info(run.note, icon=":material/info:")
        shade = (
            plane.shows_all
            and run.has_regions
            and st.toggle("Show cluster regions", True, key="shade", persist_state="session")
        )
        shown = run_view.pictures_of(run, plane, progress, shade, background=pictures.Regions if shade else None)
        run_view.show_picture(run, shown)
        panel = run_view.player_panel()
        formulas, _ = run_view.choose_formulas(run, shown.frames)
        with panel:
            run_view.show_player(run, shown, formulas)
        n = run.data.n
        st.caption(
            plots.points_note(n, n < data.n, n > plots.MAX_ANIMATED_MARKERS)
            + (f" {shown.omitted_note}" if shown.omitted_note else "")
            + run_view.colors_and_rings(run)
        )
        show_export_menu(run, shown.picture, shown.frames)
    with right:
        run_view.show_results(run, shown)
        starts = st.container()
        if run.view.traits.clusters:
            st.page_link("pages/segments/page.py", label="What are these clusters?", icon=":material/groups:")
    if run.data.precomputed is not None:
        show_proximities(run)
    show_tables(run)
    with starts:  # after the rest, because it may take longer than the run
        show_random_starts(run)


show_welcome()
open_requested_page()
use_found_start()
data = current()
failure = st.container()
settings = choose_settings(data)
progress = Progress()
manual = is_manual(settings)
with st.container(key="stage"):
    # the plot for placing centers needs more width
    left, right = st.columns([3, 2] if manual else [2, 1], gap="medium")
try:
    with left:
        plane = choose_plane(data)
    if manual:
        with right:
            settings = edit_centers(data, settings, plane)
    else:
        clear_centers()
    with failure:
        show_failure("watch")
    run = named(run_view.computed_run(data, settings, progress))
except ValueError as error:
    show_error(error)
else:
    show(run, data, plane, left, right, progress)
progress.done()
play_if_asked()

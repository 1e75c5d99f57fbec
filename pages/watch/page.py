"""The Watch page: a run of one algorithm, step by step."""

from dataclasses import replace

import streamlit as st

from pages.datasets.data import Data
from pages.datasets.formatting import escape_markdown
from pages.datasets.planes import Plane
from pages.figures import plots
from pages.runs import pictures
from pages.runs.run import Run
from pages.ui import run_view
from pages.ui.data_choice import current
from pages.ui.errors import show_error
from pages.ui.export_menu import show_export_menu
from pages.ui.failures import failures_of, show_failure
from pages.ui.navigation import open_requested_page
from pages.ui.placing import (
    can_be_placed,
    center_mover,
    choose_plane,
    clear_centers,
    is_manual,
    placing_hint,
    with_placed_centers,
)
from pages.ui.player import Stage
from pages.ui.progress import Progress
from pages.ui.random_starts import show_random_starts, use_found_start
from pages.ui.results import show_proximities, show_tables
from pages.ui.segments import named
from pages.ui.widgets import choose_settings, new_start
from pages.watch.welcome import play_if_asked, show_welcome


def stage_of(run: Run, data: Data, plane: Plane) -> Stage:
    """What a presentation of the run offers."""
    start, why_not = new_start(run.settings)
    stage = Stage(run.title, start, why_not, failures_of("watch"))
    if not can_be_placed(run, data):
        return stage
    return replace(stage, centers=run_view.center_names(run), move_center=center_mover(run, data, plane))


def show(run: Run, data: Data, plane: Plane, left, right, progress: Progress) -> None:
    with left:
        if run.note:
            st.info(escape_markdown(run.note), icon=":material/info:")
        shade = (
            plane.shows_all
            and run.has_regions
            and st.toggle("Show cluster regions", True, key="shade", persist_state="session")
        )
        shown = run_view.pictures_of(run, plane, progress, shade, background=pictures.Regions if shade else None)
        point = run_view.focused_point(run) if st.session_state.get("formulas") else None
        run_view.show_picture(run, shown, point=point, plane=plane)
        with run_view.player_panel():
            run_view.show_player(run, shown, stage_of(run, data, plane), at_start=is_manual(run.settings))
        formulas, _ = run_view.choose_formulas(run, shown)
        n = run.data.n
        st.caption(
            plots.points_note(n, n < data.n, n > plots.MAX_ANIMATED_MARKERS)
            + (f" {shown.omitted_note}" if shown.omitted_note else "")
            + run_view.colors_and_rings(run)
            + (f" {placing_hint(run, data)}" if can_be_placed(run, data) else "")
        )
        show_export_menu(run, shown.picture, shown.frames)
    with right:
        run_view.show_results(run, shown, formulas)
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
with st.container(key="stage"):
    left, right = run_view.columns_of_run()
try:
    with left:
        plane = choose_plane(data)
    if is_manual(settings):
        settings = with_placed_centers(data, settings, plane)
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

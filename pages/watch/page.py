"""Watch: one run of one algorithm, step by step."""

import streamlit as st

from pages.datasets.formatting import number
from pages.datasets.limits import MOST_ITERATIONS
from pages.datasets.planes import Plane
from pages.figures import plots
from pages.methods.formulas import formulas
from pages.runs import pictures
from pages.runs.run import Run, make_run
from pages.ui.data_choice import current
from pages.ui.errors import show_fault
from pages.ui.export_menu import offer
from pages.ui.failures import tell_failure
from pages.ui.navigation import opening
from pages.ui.placing import choose_plane, nothing_placed, place_by_hand
from pages.ui.player import player
from pages.ui.progress import Progress, share_of
from pages.ui.results import show_notices, show_numbers, show_proximities, show_sizes, show_truth
from pages.ui.run_view import watched
from pages.ui.widgets import KEPT, choose_focus, choose_settings, recent


def show(run: Run, plane: Plane, left, right, progress: Progress) -> None:
    data, settings = run.data, run.settings
    with left:
        if run.note:
            st.info(run.note, icon=":material/info:")
        shade = (
            plane.shows_all
            and run.has_regions
            and st.toggle("Shade the region of each cluster", True, key="shade", persist_state="session")
        )

        def drawn(share):
            progress.show(0.7 + 0.3 * share, "Drawing the pictures.")

        # the player keeps its place as long as the run is the same
        name, frames, left_out, picture, curve = watched(run, plane, shade, drawn)
        words = [pictures.described(run, frame) for frame in frames]
        with st.container(key="picture"):
            st.plotly_chart(picture, **plots.SAVED, alt=words[-1])
        # with formulas it is too high to stay in reach
        driver = st.container(key="driver_with_formulas" if st.session_state.get("formulas") else "driver")
        told = None
        with st.container(horizontal=True, vertical_alignment="bottom"):
            if st.toggle("Formulas beside the steps", key="formulas", **KEPT):
                told = formulas(run, frames, *choose_focus(run))
        with driver:
            player(plots.token(run.key), name, [frames], ["picture"], ["loss"], formulas=told, described=[words])
        painted = len(data.points) > plots.MOST_MOVING
        st.caption(
            f"All {len(data.points):,} points are fitted and drawn"
            + (", as one picture per step: the stronger the colour, the more points." if painted else ".")
            + (f" {left_out}" if left_out else "")
            + plots.about_colours(settings.k)
            + f" {plots.about_rings(data)}"
        )
        offer(run, picture, frames)
    with right:
        with st.container(key="loss"):
            st.plotly_chart(
                curve,
                config={"displayModeBar": False},
                alt=f"Loss curve: {number(run.history.losses[0])} at the start, {number(run.history.losses[-1])} at the end.",
            )
        show_notices(run)
        show_numbers(run)
        show_sizes(run)
    if data.given is not None:
        show_proximities(run)
    if settings.algorithm == "mixture" and data.truth is not None:
        show_truth(run)


st.title("Watch it cluster")
opening()
data = current()
failure = st.container()
settings = choose_settings(data)
progress = Progress()


def told(step) -> None:
    progress.show(
        0.7 * share_of(step.iteration),
        f"Iteration {step.iteration} of at most {MOST_ITERATIONS}: loss {number(step.loss)}.",
    )


with st.container(key="stage"):
    # dragging needs room
    left, right = st.columns([3, 2] if settings.start == "hand" else [2, 1], gap="medium")
try:
    with left:
        plane = choose_plane(data)
    if settings.start == "hand":
        with right:
            settings = place_by_hand(data, settings, plane)
    else:
        nothing_placed()
    with failure:
        tell_failure("watch")
    run = make_run(data, settings, recent(), told)
except ValueError as fault:
    show_fault(fault)
else:
    show(run, plane, left, right, progress)
progress.done()

"""Watch: one run of one algorithm, step by step."""

import streamlit as st

from pages.shared import figures, moving
from pages.shared.choosing import current
from pages.shared.failures import tell_failure
from pages.shared.faults import show_fault
from pages.shared.formulas import formulas
from pages.shared.limits import MOST_ITERATIONS
from pages.shared.opening import opening
from pages.shared.placing import choose_plane, nothing_placed, place_by_hand
from pages.shared.planes import Plane
from pages.shared.player import player
from pages.shared.progress import Progress, share_of
from pages.shared.results import show_notices, show_numbers, show_proximities, show_sizes, show_truth
from pages.shared.runs import Run, make_run
from pages.shared.taking_away import offer
from pages.shared.watching import watched
from pages.shared.widgets import KEPT, choose_focus, choose_settings, recent
from pages.shared.wording import number


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
        words = [moving.described(run, frame) for frame in frames]
        with st.container(key="picture"):
            st.plotly_chart(picture, **figures.SAVED, alt=words[-1])
        # with formulas it is too high to stay in reach
        driver = st.container(key="driver_with_formulas" if st.session_state.get("formulas") else "driver")
        told = None
        with st.container(horizontal=True, vertical_alignment="bottom"):
            if st.toggle("Formulas beside the steps", key="formulas", **KEPT):
                told = formulas(run, frames, *choose_focus(run))
        with driver:
            player(figures.token(run.key), name, [frames], ["picture"], ["loss"], formulas=told, described=[words])
        painted = len(data.points) > figures.MOST_MOVING
        st.caption(
            f"All {len(data.points):,} points are fitted and drawn"
            + (", as one picture per step: the stronger the colour, the more points." if painted else ".")
            + (f" {left_out}" if left_out else "")
            + figures.about_colours(settings.k)
            + f" {figures.about_rings(data)}"
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

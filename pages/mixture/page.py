"""Inside a mixture: its density, whom each point belongs to and how surely, and what the model makes of the data."""

from functools import partial

import streamlit as st

from pages.datasets.formatting import as_sentence, number, plain
from pages.datasets.limits import MOST_ITERATIONS
from pages.datasets.planes import Plane
from pages.figures import plots
from pages.methods.formulas import formulas
from pages.mixture.density import Density, Margins
from pages.mixture.sections import SECTIONS, show_section
from pages.runs import curves, pictures
from pages.runs.frames import storyboard
from pages.runs.run import NeedsPoints, Run, check_fits, make_run
from pages.ui.data_choice import current
from pages.ui.errors import show_fault
from pages.ui.failures import choose_failure
from pages.ui.placing import choose_plane
from pages.ui.player import player
from pages.ui.progress import Progress, share_of
from pages.ui.results import show_notices, show_numbers, show_sizes
from pages.ui.widgets import KEPT, LINKED, choose_focus, choose_mixture, recent

CHART = dict(config={"displayModeBar": False})
GROUNDS = {"density": "Density", "log": "Log density", "none": "Points only"}


def roomy(run: Run, plane: Plane) -> tuple[float, float, float, float]:
    """The extent of the picture, at least nearly as high as it is wide where both are at one scale."""
    left, right, bottom, top = pictures.extent_of([run], plane)
    lack = 0.85 * (right - left) - (top - bottom)
    if not run.data.to_scale or lack <= 0:
        return left, right, bottom, top
    return left, right, bottom - lack / 2, top + lack / 2


def show_run(run: Run, plane: Plane, progress: Progress) -> tuple[str, list]:
    """The moving picture with what stands below and beside it; the name of the figures, and their frames."""
    data, settings = run.data, run.settings
    frames, left_out = storyboard(run)
    left, right = st.columns([2, 1], gap="medium")
    with left:
        ground = "none"
        if len(data.columns) > 1:
            ground = st.segmented_control(
                "Below the points",
                list(GROUNDS),
                format_func=GROUNDS.get,
                default="density",
                required=True,
                key="ground",
                **KEPT,
            )

        def drawn(share):
            progress.show(0.6 + 0.4 * share, "Drawing the pictures.")

        name = plots.token(run.key, plane.names, ground, "mixture")
        below = None if ground == "none" else partial(Density, log=ground == "log")
        picture, curve = recent().get(
            ("mixture figures", name),
            lambda: (
                pictures.picture(
                    run, frames, plane, name, drawn, ground=below, margins=Margins, height=560, extent=roomy(run, plane)
                ),
                curves.loss_curve(run, frames, name),
            ),
        )
        with st.container(key="picture"):
            st.plotly_chart(picture, key="mixture picture", alt=pictures.described(run, frames[-1]), **plots.SAVED)
        st.caption(
            "Along the edges: every component in blue, their sum in orange, over a histogram of the points."
            + (
                ""
                if ground == "none"
                else " Contours enclose 98, 90, 80, … 10 % of the points in the last step, and are at these densities before."
                if ground == "density"
                else " From one contour to the next the log density changes by 1.25 nats."
            )
            + ("" if len(data.columns) < 3 else " Of more than two columns this is the density in the plane that is shown.")
            + (f" {left_out}" if left_out else "")
            + plots.about_colours(settings.k)
            + f" {plots.about_rings(data)}"
        )
    with right:
        with st.container(key="loss"):
            st.plotly_chart(
                curve,
                key="mixture loss",
                alt=f"Loss curve: {number(run.history.losses[0])} at the start, {number(run.history.losses[-1])} at the end.",
                **CHART,
            )
        show_notices(run)
        show_numbers(run)
        show_sizes(run)
    return name, frames


st.title("Inside a mixture")
data = current()
examples = st.container()
settings = choose_mixture(data)
with examples:
    choose_failure("mixture")
progress = Progress()


def heard(step) -> None:
    progress.show(0.6 * share_of(step.iteration), f"Iteration {step.iteration} of at most {MOST_ITERATIONS}.")


try:
    check_fits(data, settings)
    plane = choose_plane(data)
    run = make_run(data, settings, recent(), heard)
except NeedsPoints as fault:
    st.error(plain(f"{as_sentence(fault)} This page is about mixtures only."), icon=":material/error:")
except ValueError as fault:
    show_fault(fault)
else:
    if run.note:
        st.info(run.note, icon=":material/info:")
    name, frames = show_run(run, plane, progress)
    # with formulas it is too high to stay in reach
    driver = st.container(key="driver_with_formulas" if st.session_state.get("formulas") else "driver")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        point, component = choose_focus(run)
        typeset = None
        if st.toggle("Formulas beside the steps", key="formulas", **KEPT):
            typeset = formulas(run, frames, point, component)
    offered = {key: title for key, title in SECTIONS.items() if key != "truth" or data.truth is not None}
    section = st.segmented_control(
        "Look at", list(offered), format_func=SECTIONS.get, default="responsibilities", required=True, key="section", **LINKED
    )
    with driver:
        beside = ["triangle"] if section == "responsibilities" and settings.k == 3 else []
        words = [pictures.described(run, frame) for frame in frames]
        player(plots.token(run.key), name, [frames], ["picture"], ["loss", *beside], formulas=typeset, described=[words])
    show_section(section, run, plane, progress, name, frames, point)
progress.done()

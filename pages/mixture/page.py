"""Inside a mixture: its density, whom each point belongs to and how surely, and what the model makes of the data."""

from functools import partial

import streamlit as st

from pages.datasets.data import Data
from pages.datasets.formatting import as_sentence, plain
from pages.datasets.planes import Plane
from pages.methods.base import NeedsPoints
from pages.methods.mixture import METHOD
from pages.mixture.density import DensityBackground, DensityMargins
from pages.mixture.sections import SECTIONS, show_section
from pages.runs.pictures import extent_of
from pages.runs.preparation import check_fits
from pages.runs.run import Run, make_run
from pages.runs.run_pictures import RunPictures
from pages.ui import run_view
from pages.ui.data_choice import current
from pages.ui.errors import show_fault
from pages.ui.failures import choose_failure
from pages.ui.placing import choose_plane
from pages.ui.progress import Progress
from pages.ui.widgets import PERSISTENT, PERSISTENT_IN_LINK, choose_settings_of, session_cache

GROUNDS = {"density": "Density", "log": "Log density", "none": "Points only"}
PICTURE_HEIGHT = 560


def roomy_extent(run: Run, plane: Plane) -> tuple[float, float, float, float]:
    """The extent of the picture, at least nearly as high as it is wide where both axes are at one scale."""
    left, right, bottom, top = extent_of([run], plane)
    lack = 0.85 * (right - left) - (top - bottom)
    if not run.data.to_scale or lack <= 0:
        return left, right, bottom, top
    return left, right, bottom - lack / 2, top + lack / 2


def choose_ground(data: Data) -> str:
    """What is drawn below the points; "none" for a single column, which has no plane."""
    if len(data.columns) < 2:
        return "none"
    look = dict(format_func=GROUNDS.get, default="density", required=True, key="ground")
    return st.segmented_control("Below the points", list(GROUNDS), **look, **PERSISTENT)


def caption(run: Run, shown: RunPictures, ground: str) -> str:
    contours = {
        "density": " Contours enclose 98, 90, 80, … 10 % of the points in the last step, and are at these densities before.",
        "log": " From one contour to the next the log density changes by 1.25 nats.",
        "none": "",
    }
    return (
        "Along the edges: every component in blue, their sum in orange, over a histogram of the points."
        + contours[ground]
        + ("" if len(run.data.columns) < 3 else " Of more than two columns this is the density in the plane that is shown.")
        + (f" {shown.left_out}" if shown.left_out else "")
        + run_view.colors_and_rings(run)
    )


def show_run(run: Run, plane: Plane, progress: Progress) -> RunPictures:
    """The moving picture with its caption, and the results beside it."""
    left, right = st.columns([2, 1], gap="medium")
    with left:
        ground = choose_ground(run.data)
        shown = run_view.pictures_of(
            run,
            plane,
            progress,
            ("mixture", ground),
            background=None if ground == "none" else partial(DensityBackground, log=ground == "log"),
            margins=DensityMargins,
            height=PICTURE_HEIGHT,
            extent=roomy_extent(run, plane),
        )
        run_view.show_picture(run, shown)
        st.caption(caption(run, shown, ground))
    with right:
        run_view.show_results(run, shown)
    return shown


def choose_section(data: Data) -> str:
    offered = [name for name in SECTIONS if name != "truth" or data.truth is not None]
    look = dict(format_func=SECTIONS.get, default="responsibilities", required=True, key="section")
    return st.segmented_control("Look at", offered, **look, **PERSISTENT_IN_LINK)


st.title("Inside a mixture")
data = current()
examples = st.container()
settings = choose_settings_of(METHOD, data, "mixture")
with examples:
    choose_failure("mixture")
progress = Progress()
try:
    check_fits(data, settings)
    plane = choose_plane(data)
    run = make_run(data, settings, session_cache(), run_view.on_step(progress))
except NeedsPoints as fault:
    st.error(plain(f"{as_sentence(fault)} This page is about mixtures only."), icon=":material/error:")
except ValueError as fault:
    show_fault(fault)
else:
    if run.note:
        st.info(run.note, icon=":material/info:")
    shown = show_run(run, plane, progress)
    driver = run_view.driver()
    formulas, point = run_view.choose_formulas(run, shown.frames, always=True)
    section = choose_section(data)
    with driver:
        beside = ("triangle",) if section == "responsibilities" and run.k == 3 else ()
        run_view.show_player(run, shown, formulas, beside)
    show_section(section, run, plane, progress, shown, point)
progress.done()

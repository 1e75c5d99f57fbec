"""Gaussian mixture page: the density step by step, responsibilities, samples, covariance models and the bootstrap."""

from functools import partial

import streamlit as st

from pages.datasets.data import Data
from pages.datasets.formatting import as_sentence, escape_markdown
from pages.datasets.planes import Plane
from pages.methods.base import NeedsPoints
from pages.methods.mixture import METHOD
from pages.mixture.density import LOG_STEP, DensityBackground, MarginalDensities
from pages.mixture.sections import SECTIONS, show_section
from pages.runs.pictures import extent_of
from pages.runs.preparation import check_data_kind
from pages.runs.run import Run
from pages.runs.run_pictures import RunPictures
from pages.ui import run_view
from pages.ui.data_choice import current
from pages.ui.errors import show_error
from pages.ui.examples import title_with_examples
from pages.ui.failures import choose_failure
from pages.ui.placing import choose_plane
from pages.ui.progress import Progress
from pages.ui.random_starts import show_random_starts, use_found_start
from pages.ui.segments import named
from pages.ui.widgets import PERSISTENT, PERSISTENT_IN_LINK, choose_settings_of

BACKGROUNDS = {"density": "Density", "log": "Log density", "none": "Points only"}


def plot_extent(run: Run, plane: Plane) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of the plot; if the axes have the same scale, its height is at least 0.85 of its width."""
    left, right, bottom, top = extent_of([run], plane)
    lack = 0.85 * (right - left) - (top - bottom)
    if not run.data.to_scale or lack <= 0:
        return left, right, bottom, top
    return left, right, bottom - lack / 2, top + lack / 2


def choose_background(data: Data) -> str:
    """The background of the scatter plot; "none" for data with a single column."""
    if len(data.columns) < 2:
        return "none"
    options = dict(format_func=BACKGROUNDS.get, default="density", required=True, key="ground")
    return st.segmented_control("Background", list(BACKGROUNDS), **options, **PERSISTENT)


def caption(run: Run, shown: RunPictures, background: str) -> str:
    marginal = "" if len(run.data.columns) < 3 else " Contours show the marginal density in this plane."
    contours = {
        "density": " Contours enclose 98, 90, 80, …, 10% of the points in the final step; all steps use the same levels."
        + marginal,
        "log": f" Adjacent contours of the log density differ by {LOG_STEP} nats." + marginal,
        "none": "",
    }
    return (
        "Marginal densities: each weighted component (thin lines) and the mixture (thick line), over histograms "
        "of the points."
        + contours[background]
        + (f" {shown.omitted_note}" if shown.omitted_note else "")
        + run_view.colors_and_rings(run)
    )


def show_run(run: Run, plane: Plane, progress: Progress) -> tuple[RunPictures, object]:
    """Shows the animated plot with its caption, and the results next to it, with a container below them."""
    left, right = st.columns([2, 1], gap="medium")
    with left:
        background = choose_background(run.data)
        shown = run_view.pictures_of(
            run,
            plane,
            progress,
            ("mixture", background),
            background=None if background == "none" else partial(DensityBackground, log=background == "log"),
            margins=MarginalDensities,
            extent=plot_extent(run, plane),
        )
        run_view.show_picture(run, shown)
        st.caption(caption(run, shown, background))
    with right:
        run_view.show_results(run, shown)
        starts = st.container()
    return shown, starts


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
    shown, starts = show_run(run, plane, progress)
    panel = run_view.player_panel()
    formulas, point = run_view.choose_formulas(run, shown.frames, always=True)
    section = choose_section(data)
    with panel:
        run_view.show_player(run, shown, formulas, ("triangle",) * (section == "responsibilities" and run.k == 3))
    with starts:  # after the player, because it may take longer than the run
        show_random_starts(run)
    show_section(section, run, plane, progress, shown, point)
progress.done()

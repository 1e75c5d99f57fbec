"""The animated picture of a mixture: its background, margins, marks and caption."""

from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from pages.datasets.data import Data
from pages.datasets.planes import Plane
from pages.figures import plots
from pages.mixture import figures
from pages.mixture.density import LOG_STEP, DensityBackground, MarginalDensities
from pages.runs.pictures import extent_of
from pages.runs.run import Run
from pages.runs.run_pictures import RunPictures
from pages.ui import run_view
from pages.ui.progress import Progress
from pages.ui.widgets import PERSISTENT

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
        "density": " Gray contours enclose 98, 90, 80, …, 10% of the points in the final step; all steps use the same levels."
        + marginal,
        "log": f" Adjacent gray contours of the log density differ by {LOG_STEP} nats." + marginal,
        "none": "",
    }
    return (
        "Marginal densities: each weighted component (thin lines) and the mixture (thick line), over histograms "
        "of the points."
        + contours[background]
        + " Colored ellipses: one and two standard deviations of each component." * (len(run.data.columns) > 1)
        + (f" {shown.omitted_note}" if shown.omitted_note else "")
        + run_view.colors_and_rings(run)
    )


def draw_run(run: Run, plane: Plane, progress: Progress) -> tuple[RunPictures, run_view.FormulasView, int, Any, Any, Any]:
    """Draws the plots of a run and shows the results.

    Returns the plots, the formulas, the index of the chosen point, and containers for the animated plot, for the player and
    for what is below the results.
    """
    left, right = run_view.columns_of_run()
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
        place, panel = st.container(), run_view.player_panel()
        formulas, point = run_view.choose_formulas(run, shown, always=True)
        st.caption(caption(run, shown, background))
    with right:
        run_view.show_results(run, shown, formulas)
        starts = st.container()
    return shown, formulas, point, place, panel, starts


def show_picture(run: Run, plane: Plane, shown: RunPictures, rows: np.ndarray, point: int | None) -> None:
    """Shows the animated plot with circles around `rows` and crosshairs on the selected point; a click selects another."""
    # with the same key, the player would not notice that the figure was replaced
    key = f"moving picture {plots.token(shown.name, rows.tobytes(), point)}"

    marked = shown._replace(picture=shown.picture.with_traces(figures.marks(run, plane, rows, point)))
    run_view.show_picture(run, marked, key)
    run_view.watch_points(run)

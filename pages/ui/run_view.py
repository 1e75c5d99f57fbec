"""Parts of pages that show one run: the animated plot, the loss curve, the player, formulas and results."""

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import streamlit as st

from pages.datasets.data import Data
from pages.datasets.formatting import format_number
from pages.datasets.limits import MAX_ITERATIONS
from pages.datasets.planes import Plane
from pages.figures import plots
from pages.methods.formulas import Typeset, typeset
from pages.methods.options import Settings
from pages.runs import curves, pictures, pixels
from pages.runs.background import OnProgress
from pages.runs.budget import budget, estimated_bytes
from pages.runs.frames import frames_of
from pages.runs.jobs import progress_after
from pages.runs.run import Run, make_run, run_key
from pages.runs.run_pictures import RunPictures
from pages.ui.charts import show_chart
from pages.ui.formulas import show_formulas
from pages.ui.picker import watch_clicks
from pages.ui.player import Stage, player
from pages.ui.progress import Progress
from pages.ui.results import readings_of, show_notices, show_numbers, show_sizes
from pages.ui.widgets import PERSISTENT, choose_focus, session_cache

RUN_SHARE = 0.65
"""share of the progress bar for the run; the rest is for drawing its figures"""
DRAWING = "Drawing the plots."


class FormulasView(NamedTuple):
    """Formulas of a run, and whether they are shown if the page is not presented."""

    typeset: Typeset
    visible: bool


def computed_run(data: Data, settings: Settings, progress: Progress) -> Run:
    """A run from the cache, or from a thread for which the page waits; raises ValueError as in `make_run`."""
    cache = session_cache()

    def compute(on_progress: OnProgress) -> Run:
        def on_step(state) -> None:
            loss = "" if state.loss is None else f": loss {format_number(state.loss)}"
            text = f"Iteration {state.iteration} of at most {MAX_ITERATIONS}{loss}."
            on_progress(RUN_SHARE * progress_after(state.iteration), text)

        return make_run(data, settings, cache, on_step)

    return progress.compute(run_key(data, settings), compute, "Preparing the run.")


def pictures_of(run: Run, plane: Plane, progress: Progress, options_key: object, **options) -> RunPictures:
    """Figures of a run, from the cache if possible.

    `options` are arguments of `pictures.picture`, and `options_key` identifies them in the cache key.
    """
    frames, omitted_note = frames_of(run)
    name = plots.token(run.key, plane.names, options_key)

    def draw(on_progress: OnProgress) -> tuple:
        def on_draw(share: float) -> None:
            on_progress(RUN_SHARE + (1 - RUN_SHARE) * share, DRAWING)

        with budget().reserve(estimated_bytes(run.data, run.settings)):
            picture = pictures.picture(run, frames, plane, name, on_draw, **options)
        return picture, curves.curve_of(run, frames, name)

    return RunPictures(name, frames, omitted_note, *progress.compute(("figures", name), draw, DRAWING))


def show_picture(
    run: Run,
    shown: RunPictures,
    key: str = "moving picture",
    point: int | None = None,
    plane: Plane | None = None,
    **options,
) -> None:
    """Show the animated plot.

    Parameters
    ----------
    point, plane : the neighborhood of this point is outlined, if the method has one that this plane shows.
    options : further arguments of `show_chart`.
    """
    picture = shown.picture
    around = None if point is None else run.view.neighborhood(run, point, plane)
    if around is not None:
        picture = picture.with_traces(pictures.neighborhood_traces(plane.positions(run.data.points)[point], around))
        key = f"{key} {point}"  # with the same key, the player would not notice that the figure was replaced
    with st.container(key="picture"):
        alt = pictures.alt_text(run, shown.frames[-1])
        # as tall as the window allows, see frame.css
        show_chart(picture, key=key, alt=alt, height="stretch", **options)


def focused_point(run: Run) -> int:
    """Index of the point that `choose_focus` has chosen, before it is called."""
    return min(st.session_state.get("focus", 1), len(run.data.points)) - 1


def show_results(run: Run, shown: RunPictures, formulas: FormulasView | None = None, notices: bool = True) -> None:
    """Show the curve of the run, formulas, numbers of the frame, scores, and cluster sizes; with `notices`, also these."""
    with st.container(key="loss"):
        show_chart(shown.curve, key="loss curve", alt=curves.alt_text(run), height="stretch")
    if formulas is not None:
        show_formulas(formulas.typeset, shown.frames, shown.name, formulas.visible)
    if notices:
        show_notices(run)
    show_numbers(run, shown.frames)
    if run.view.traits.clusters:
        show_sizes(run)


def watch_points(run: Run) -> None:
    """Let a click on a point of the plane choose it."""
    n = len(run.data.points)
    # an image of many points has tooltips for some of them only
    painted = n > plots.MAX_ANIMATED_MARKERS or run.data.all_rows is not None
    rows = plots.hoverable_rows(n) if painted else np.arange(n)
    watch_clicks("picture", len(rows), lambda i: st.session_state.update(focus=int(rows[i]) + 1))


def choose_formulas(run: Run, shown: RunPictures, always: bool = False) -> tuple[FormulasView | None, int]:
    """Choose whether to show formulas, and the point and cluster they refer to.

    Parameters
    ----------
    always : choose a point even if no formulas are shown.

    Returns
    -------
    formulas : the formulas; None if the run has none.
    point : index of the chosen point.
    """
    if run.view.traits.clusters and not run.k:
        return None, 0
    with st.container(horizontal=True, vertical_alignment="bottom"):
        point, rank = choose_focus(run) if always else (0, 0)
        visible = st.toggle("Show formulas", key="formulas", **PERSISTENT)
        if visible and not always:
            point, rank = choose_focus(run)
    cluster = int((run.ranks == rank).nonzero()[0][0]) if run.k else 0
    formulas = session_cache().get(
        ("formulas", shown.name, point, cluster), lambda: typeset(run.view.formulas(run, point, cluster), shown.frames)
    )
    return (FormulasView(formulas, visible) if formulas.html else None), point


def columns_of_run() -> list:
    """Columns for the picture of a run and for its loss curve, formulas and results."""
    return st.columns([3, 2] if st.session_state.get("formulas") else [2, 1], gap="medium")


def center_names(run: Run) -> tuple[str, ...]:
    """Names of the centers, as on the screen, in the order of the clusters."""
    return tuple(f"{run.center_name.capitalize()} {run.number_and_name(rank)}" for rank in run.ranks)


def player_panel() -> AbstractContextManager:
    """Container of the player, which sticks to the window."""
    return st.container(key="player_panel")


def show_player(
    run: Run, shown: RunPictures, stage: Stage | None = None, other_figures: tuple[str, ...] = (), at_start: bool = False
) -> None:
    """Show the player of the plot, the loss curve, and the figures in the containers `other_figures`.

    Parameters
    ----------
    stage : what a presentation offers; None if the page cannot be presented.
    at_start : whether a new run begins with its first frame, not with the last.
    """
    alt_texts = [pictures.alt_text(run, frame) for frame in shown.frames]
    if stage is not None:
        names = () if run.centers is None else center_names(run)
        soft = run.view.traits.membership is not None
        stage = replace(stage, names=names, iterations=run.history.iterations, soft=soft)
    # the player keeps its frame while the run stays the same
    player(
        plots.token(run.key),
        shown.name,
        [shown.frames],
        [("picture", shown.picture)],
        ["loss", *other_figures],
        alt_texts=[alt_texts],
        readings=readings_of(run, shown.frames),
        at_start=at_start,
        stage=stage,
    )


def colors_and_rings(run: Run) -> str:
    """Notes about the plots of a run: colors that repeat, rings around imputed rows, and all rows of a table on the server."""
    return " ".join([plots.colors_note(run.k), plots.rings_note(run.data), pixels.NOTE if run.data.all_rows else ""])

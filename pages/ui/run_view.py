"""What pages that show one run have in common: its moving picture and loss curve, the player, formulas and results."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import streamlit as st

from pages.datasets.formatting import number
from pages.datasets.limits import MOST_ITERATIONS
from pages.datasets.planes import Plane
from pages.figures import plots
from pages.figures.plots import CHART
from pages.methods.formulas import Typeset, typeset
from pages.runs import curves, pictures
from pages.runs.frames import Frame, frames_of
from pages.runs.jobs import share_of
from pages.runs.run import Run
from pages.runs.run_pictures import RunPictures
from pages.ui.player import player
from pages.ui.progress import Progress
from pages.ui.results import show_notices, show_numbers, show_sizes
from pages.ui.widgets import PERSISTENT, choose_focus, session_cache

RUNNING = 0.65
"""share of the bar that is for the run; the rest is for its pictures"""


def on_step(progress: Progress) -> Callable:
    """What shows the progress of a run; to be called with each state."""

    def show(state) -> None:
        loss = "" if state.loss is None else f": loss {number(state.loss)}"
        text = f"Iteration {state.iteration} of at most {MOST_ITERATIONS}{loss}."
        progress.show(RUNNING * share_of(state.iteration), text)

    return show


def pictures_of(run: Run, plane: Plane, progress: Progress, what: object, **options) -> RunPictures:
    """The moving picture of the run in this plane and its loss curve, kept as long as they are the same.

    `options` are those of `pictures.picture`, and `what` tells them apart.
    """
    frames, left_out = frames_of(run)
    name = plots.token(run.key, plane.names, what)

    def on_share(share: float) -> None:
        progress.show(RUNNING + (1 - RUNNING) * share, "Drawing the pictures.")

    def draw():
        picture = pictures.picture(run, frames, plane, name, on_share, **options)
        return picture, curves.loss_curve(run, frames, name)

    return RunPictures(name, frames, left_out, *session_cache().get(("figures", name), draw))


def show_picture(run: Run, shown: RunPictures) -> None:
    with st.container(key="picture"):
        st.plotly_chart(shown.picture, key="moving picture", alt=pictures.alt_text(run, shown.frames[-1]), **plots.SAVED)


def show_results(run: Run, shown: RunPictures) -> None:
    """The loss curve, and what came of the run."""
    if run.view.traits.loss is not None:
        first, last = number(run.history.losses[0]), number(run.history.losses[-1])
        with st.container(key="loss"):
            st.plotly_chart(
                shown.curve, key="loss curve", alt=f"Loss curve: {first} at the start, {last} at the end.", **CHART
            )
    show_notices(run)
    show_numbers(run)
    show_sizes(run)


def choose_formulas(run: Run, frames: list[Frame], always: bool = False) -> tuple[Typeset | None, int]:
    """The formulas if there are any and they are wanted, and the position of the point that they are about, which is asked for
    only then unless `always` is true."""
    if not run.k:
        return None, 0
    with st.container(horizontal=True, vertical_alignment="bottom"):
        point, rank = choose_focus(run) if always else (0, 0)
        if not st.toggle("Formulas beside the steps", key="formulas", **PERSISTENT):
            return None, point
        if not always:
            point, rank = choose_focus(run)
    cluster = int((run.ranks == rank).nonzero()[0][0])
    return typeset(run.view.formulas(run, point, cluster), frames), point


def driver() -> AbstractContextManager:
    """The place of the player, which stays in reach; with formulas it is too high for that."""
    return st.container(key="driver_with_formulas" if st.session_state.get("formulas") else "driver")


def show_player(run: Run, shown: RunPictures, formulas: Typeset | None, beside: tuple[str, ...] = ()) -> None:
    """The player of the picture, of the loss curve and of the figures in the containers `beside`."""
    words = [pictures.alt_text(run, frame) for frame in shown.frames]
    losses = ["loss"] if run.view.traits.loss is not None else []
    # it keeps its place as long as the run is the same
    player(
        plots.token(run.key),
        shown.name,
        [shown.frames],
        ["picture"],
        [*losses, *beside],
        formulas=formulas,
        alt_texts=[words],
    )


def colors_and_rings(run: Run) -> str:
    """What has to be said of colors and rings in the pictures of a run."""
    return f"{plots.about_colors(run.k)} {plots.about_rings(run.data)}"

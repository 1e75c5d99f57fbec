"""The moving picture of a run and its loss curve, as Watch shows them and the report prints them."""

from collections.abc import Callable
from typing import NamedTuple

import plotly.graph_objects as go

from pages.datasets.planes import Plane
from pages.figures import plots
from pages.runs import curves, pictures
from pages.runs.frames import Frame, storyboard
from pages.runs.run import Run
from pages.ui.widgets import recent


class Watched(NamedTuple):
    name: str
    """of these pictures"""
    frames: list[Frame]
    left_out: str
    """a sentence, if some iterations had to be left out"""
    picture: go.Figure
    curve: go.Figure


def watched(run: Run, plane: Plane, shade: bool, told: Callable[[float], None]) -> Watched:
    """The pictures of the run in this plane, with the region of each cluster shaded or not; `told` hears the share that is
    drawn."""
    frames, left_out = storyboard(run)
    name = plots.token(run.key, plane.names, shade)

    def draw():
        ground = pictures.Regions if shade else None
        return pictures.picture(run, frames, plane, name, told, ground=ground), curves.loss_curve(run, frames, name)

    return Watched(name, frames, left_out, *recent().get(("figures", name), draw))

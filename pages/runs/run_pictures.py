"""The pictures of one run, as a page shows them and the report prints them."""

from typing import NamedTuple

import plotly.graph_objects as go

from pages.runs.frames import Frame


class RunPictures(NamedTuple):
    """The moving picture of a run and its loss curve, with the frames that both show."""

    name: str
    """by which a player knows that they belong together"""
    frames: list[Frame]
    left_out: str
    """which iterations have no frame, in a sentence; empty if all have one"""
    picture: go.Figure
    curve: go.Figure

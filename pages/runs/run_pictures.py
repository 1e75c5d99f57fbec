"""The figures of a run, shown on pages and printed in the report."""

from typing import NamedTuple

import plotly.graph_objects as go

from pages.runs.frames import Frame


class RunPictures(NamedTuple):
    """The animated scatter plot and loss curve of a run, with their frames."""

    name: str
    """identifier of the figures for the player"""
    frames: list[Frame]
    omitted_note: str
    """message about iterations that are not shown; empty if all are"""
    picture: go.Figure
    curve: go.Figure

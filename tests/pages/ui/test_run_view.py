"""What pages show of a run."""

import pytest
import streamlit as st

from pages.figures import plots
from pages.ui import run_view
from tests.pages.app import opened


@pytest.mark.parametrize("page", ["density", "mixture"])
@pytest.mark.parametrize("painted", [False, True])
def test_a_click_on_one_of_the_points_with_tooltips_chooses_this_point(page, painted, monkeypatch):
    row = 199
    if painted:  # only some points of an image have tooltips
        monkeypatch.setattr(plots, "MAX_ANIMATED_MARKERS", 100)
        monkeypatch.setattr(plots, "MAX_HOVERABLE", 20)
        row = plots.hoverable_rows(200)[-1]
    called, chosen = [], {}
    monkeypatch.setattr(run_view, "watch_clicks", lambda chart, n, on_pick: called.append((n, on_pick)))
    opened(f"/{page}?n=200")
    monkeypatch.setattr(st, "session_state", chosen)
    n, on_pick = called[-1]
    on_pick(n - 1)
    assert n == (20 if painted else 200)
    assert chosen["focus"] == row + 1

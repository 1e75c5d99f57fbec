"""A run that is carried over sets the page that is opened, and not the page that is left."""

import pytest
import streamlit as st

from pages.ui.own_settings import CURRENT_RUN, carry_over, exchange, note_keys

WATCH, SEGMENTS, REPORT = CURRENT_RUN


@pytest.fixture
def state(monkeypatch):
    """The session state, as a dictionary, on the Restarts page with K = 5."""
    session = {"page": "restarts", "k": 5, "n": 50}
    monkeypatch.setattr(st, "session_state", session)
    note_keys({"n"}, {"k", "seed"})
    return session


def test_a_page_that_is_opened_for_the_first_time_has_defaults(state):
    exchange("restarts", "mixture")
    assert "k" not in state
    assert state["n"] == 50
    exchange("mixture", "restarts")
    assert state["k"] == 5


def test_pages_of_the_current_run_share_their_settings(state):
    for left, opened in ((WATCH, SEGMENTS), (SEGMENTS, REPORT), (REPORT, WATCH)):
        exchange(left, opened)
        assert state["k"] == 5


def test_a_run_is_carried_over_to_the_opened_page_only(state):
    exchange("restarts", WATCH)
    state["seed"] = 8
    exchange(WATCH, "restarts")
    carry_over(WATCH, {"k": 7, "n": 100, "new": 1, "new sample": 2})
    assert (state["k"], state["n"], state["new"], state["new sample"]) == (5, 100, 1, 2)
    note_keys({"new sample"}, set())
    state["new sample"] = 3
    exchange("restarts", WATCH)
    assert (state["k"], state["seed"], state["new"], state["new sample"]) == (7, 8, 1, 3)
    exchange(WATCH, "restarts")
    assert state["k"] == 5
    assert "seed" not in state


def test_a_run_is_carried_over_within_the_pages_of_the_current_run(state):
    state["page"] = SEGMENTS
    carry_over(WATCH, {"k": 7})
    exchange(SEGMENTS, WATCH)
    assert state["k"] == 7


def test_a_browser_that_still_sends_old_values_does_not_undo_what_is_carried_over(state):
    carry_over(WATCH, {"n": 100})
    state["n"] = 50
    exchange("restarts", WATCH)
    assert state["n"] == 100
    exchange(WATCH, "restarts")
    state["n"] = 50
    exchange("restarts", WATCH)
    assert state["n"] == 50


def test_another_page_does_not_get_what_is_carried_over(state):
    carry_over(WATCH, {"n": 100})
    state["n"] = 50
    for left, opened in (("restarts", "mixture"), ("mixture", WATCH)):
        exchange(left, opened)
        assert state["n"] == 50

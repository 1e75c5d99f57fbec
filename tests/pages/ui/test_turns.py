"""Waiting for memory, and results that were dropped because it was short."""

import gc
import threading
import weakref

import pytest
from streamlit.testing.v1 import AppTest

from pages.runs.budget import budget
from pages.runs.cache import RecentCache
from pages.ui import progress, turns
from tests.pages.app import latest, opened


@pytest.fixture
def app(monkeypatch):
    """The Watch page, after which every run is a large one."""
    app = opened("/?n=50")
    monkeypatch.setattr(budget(), "limit", 80_000)
    monkeypatch.setattr("pages.runs.budget.POLL_SECONDS", 0.01)
    return app


@pytest.fixture
def other():
    """Another session that does a large run until this event is set."""
    may_end, has_begun = threading.Event(), threading.Event()

    def compute():
        with budget().turn(RecentCache(), lambda ahead: None), budget().reserve(50_000):
            has_begun.set()
            may_end.wait(30)

    def start():
        thread.start()
        assert has_begun.wait(10)
        return may_end

    thread = threading.Thread(target=compute)
    yield start
    may_end.set()
    thread.join()


def test_the_page_says_how_many_large_runs_are_ahead_and_runs_when_they_have_ended(app, other, monkeypatch):
    texts, before, may_end = [], latest(app, "run"), other()

    class Recorded(progress.Progress):
        def show(self, fraction, text):
            texts.append(text)
            may_end.set()

    monkeypatch.setattr(turns, "Progress", Recorded)
    app.number_input(key="data_seed").set_value(7).run()
    assert not app.exception
    assert texts[0] == "Waiting for memory: 1 large run is ahead."
    assert latest(app, "run") is not before


def test_waiting_can_be_stopped_and_resumed(app, other, monkeypatch):
    before, may_end = latest(app, "run"), other()
    monkeypatch.setattr(progress, "DELAY", 0)
    app.session_state["stopped"] = app.session_state["script runs"] + 1  # as the Stop button does
    app.number_input(key="data_seed").set_value(7).run()
    assert not app.exception
    assert [one.value for one in app.warning] == ["Stopped. Change a setting or resume."]
    assert latest(app, "run") is before
    may_end.set()
    next(button for button in app.button if button.label == "Resume").click().run()
    assert not app.exception
    assert not app.warning
    assert latest(app, "run") is not before


def test_a_session_whose_result_was_dropped_computes_it_again_and_says_so_once():
    app = opened("/?n=50")
    cache = app.session_state["recent"]
    assert cache.drop(next(key for key in cache if key[0] == "run"), also_shown=True)
    app.run()
    assert turns.DROPPED in [one.value for one in app.info]
    app.run()
    assert turns.DROPPED not in [one.value for one in app.info]


@pytest.mark.parametrize("link", ["/?n=50", "/compare?n=50"])
def test_nothing_but_the_cache_keeps_the_results_of_a_page(link):
    app = opened(link)
    cache = app.session_state["recent"]
    kept = [weakref.ref(result) for key, result in cache.items() if key[0] in ("run", "comparison")]
    assert kept
    for key in list(cache):
        assert cache.drop(key, also_shown=True)
    gc.collect()
    assert [reference() for reference in kept] == [None] * len(kept)


def test_an_export_menu_whose_run_was_dropped_runs_the_page_again():
    def page():
        import streamlit as st

        from pages.ui import turns
        from pages.ui.widgets import session_cache

        class Result:
            pass

        current = turns.droppable(("result",), Result())
        first = session_cache().pop(("result",)) if "again" not in st.session_state else None
        st.session_state["again"] = True
        del first
        current()
        st.write("exported")

    app = AppTest.from_function(page).run()
    assert not app.exception
    assert [one.value for one in app.markdown] == ["exported"]


def test_a_run_that_can_never_fit_is_an_error_message(app, monkeypatch):
    monkeypatch.setattr(budget(), "limit", 8_000)
    app.number_input(key="data_seed").set_value(7).run()
    assert not app.exception
    assert "choose fewer points or fewer clusters" in app.error[0].value


def test_the_page_shows_what_the_cache_keeps():
    app = opened("/?n=50")
    cache = app.session_state["recent"]
    first = {key for key in cache if key[0] in ("data", "run", "figures")}
    assert len(first) == 3
    assert all(map(cache.is_shown, first))
    app.number_input(key="data_seed").set_value(7).run()
    assert not any(cache.is_shown(key) for key in first & cache.keys())
    assert {"data", "run", "figures"} <= {key[0] for key in cache if cache.is_shown(key)}

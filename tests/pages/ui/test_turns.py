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

    def show(self, work):
        texts.append(work.text)
        if work.text.startswith("Waiting"):
            may_end.set()

    monkeypatch.setattr(progress.Progress, "_show", show)
    app.number_input(key="data_seed").set_value(7).run()
    assert not app.exception
    assert "Waiting for memory: 1 large run is ahead." in texts
    assert latest(app, "run") is not before


def test_waiting_can_be_stopped(app, other, monkeypatch):
    works, before = [], latest(app, "run")
    other()

    def show(self, work):
        if work.text.startswith("Waiting"):
            works.append(work)
            progress.stop(work.name)
            raise progress.Stopped  # as Streamlit ends the script

    monkeypatch.setattr(progress.Progress, "_show", show)
    app.number_input(key="data_seed").set_value(7).run()
    assert not app.exception
    assert works[0].wait(1)
    assert [one.value for one in app.run().warning] == ["Stopped. Change a setting or resume."]
    assert latest(app, "run") is before


def test_a_page_keeps_its_place_in_the_queue_when_it_runs_again(app, other, monkeypatch):
    may_end = other()

    def show(self, work):
        if work.text.startswith("Waiting"):
            raise progress.Stopped  # as Streamlit ends the script

    with monkeypatch.context() as patch:
        patch.setattr(progress.Progress, "_show", show)
        app.number_input(key="data_seed").set_value(7).run()
        before = list(budget()._queue)
        app.run()
        assert budget()._queue == before
        assert len(before) == 1
    may_end.set()
    assert not app.run().exception
    assert not budget()._queue


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

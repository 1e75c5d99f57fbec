"""Stopping and resuming the run of a page."""

import pytest
from streamlit.testing.v1 import AppTest

from pages.datasets.server.cluster import readable_errors
from pages.ui import progress
from tests.pages.app import latest, opened


@pytest.mark.parametrize("link", ["/?n=50", "/compare?n=50", "/mixture?n=50", "/report?n=50"])
def test_a_stopped_run_is_resumed_by_a_click_and_its_page_shows_no_error(link, monkeypatch):
    app = opened(link)
    before = latest(app, "run")
    monkeypatch.setattr(progress, "DELAY", 0)
    app.session_state["stopped"] = app.session_state["script runs"] + 1
    app.number_input(key="data_seed").set_value(7).run()
    assert not app.exception
    assert [one.value for one in app.warning] == ["Stopped. Change a setting or resume."]
    assert latest(app, "run") is before
    next(button for button in app.button if button.label == "Resume").click().run()
    assert not app.exception
    assert not app.warning
    assert latest(app, "run") is not before
    assert app.number_input(key="data_seed").value == 7


def test_stopping_is_no_error_of_the_cluster():
    with pytest.raises(progress.Stopped), readable_errors():
        raise progress.Stopped


def test_several_computations_of_one_page_have_a_stop_button_each(monkeypatch):
    def page():
        from pages.ui.progress import Progress, Stopped, count_script_run

        count_script_run()
        try:
            for name in (None, None, "a file"):
                Progress(name).show(0.5, "Iteration 1.")
        except Stopped:
            pass

    monkeypatch.setattr(progress, "DELAY", -1)
    app = AppTest.from_function(page).run()
    assert not app.exception
    assert [button.label for button in app.button] == ["Stop"] * 3
    app.button[1].click().run()
    assert not app.exception
    assert [one.value for one in app.warning] == ["Stopped. Change a setting or resume."]

"""Stopping and resuming the run of a page."""

import time

import pytest
from streamlit.testing.v1 import AppTest

from pages.datasets.server.cluster import readable_errors
from pages.ui import progress
from tests.pages.app import latest, opened
from tests.pages.jobs import JOBS, Counting


@pytest.mark.parametrize("link", ["/?n=50", "/compare?n=50", "/mixture?n=50", "/report?n=50"])
def test_a_stopped_run_is_resumed_by_a_click_and_its_page_shows_no_error(link):
    app = opened(link)
    before = latest(app, "run")
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


# jobs


@pytest.fixture
def jobs(monkeypatch):
    """Opens a page with jobs, for which it does not wait long, and stops them at the end."""

    def page():
        import streamlit as st

        from pages.ui.progress import count_script_run, run_job
        from tests.pages.jobs import JOBS

        count_script_run()
        for name in st.session_state["names"]:
            try:
                st.text(f"{name}: {list(run_job(name, JOBS[name]).results)}")
            except ValueError as error:
                st.error(str(error))

    apps = []

    def open_page(**jobs):
        JOBS.update(jobs)
        app = AppTest.from_function(page)
        app.session_state["names"] = list(jobs)
        apps.append(app)
        return app.run()

    monkeypatch.setattr(progress, "WAIT", 0.1)
    yield open_page
    for app in apps:
        if "background job" in app.session_state:
            app.session_state["background job"].stop()
            app.session_state["background job"].wait(30)
    JOBS.clear()


def texts(app):
    assert not app.exception
    return [one.value for one in app.text]


def bars(app):
    return [one.proto.text for one in app.get("progress")]


def click(app, label):
    next(button for button in app.button if button.label == label).click().run()


def wait_for_results(app, job, count):
    """Runs the page again when its job has this number of results."""
    deadline = time.monotonic() + 30
    while len(job.results) < count and time.monotonic() < deadline:
        time.sleep(0.001)
    return app.run()


def test_a_short_job_shows_its_results_at_once_and_no_progress(jobs, monkeypatch):
    monkeypatch.setattr(progress, "WAIT", 30)
    app = jobs(short=Counting(3))
    assert texts(app) == ["short: [0, 1, 2]"]
    assert not app.button
    assert bars(app) == []


def test_a_long_job_shows_its_results_so_far_and_can_be_stopped_and_resumed(jobs):
    job = Counting(4, endless=(2,))
    app = jobs(long=job)
    assert texts(app) == ["long: [0, 1]"]
    assert bars(app) == ["Task 2. Partial results are kept."]
    click(app, "Stop")
    assert texts(app) == ["long: [0, 1]"]
    assert bars(app) == []
    assert [one.value for one in app.warning] == ["Stopped with 2 tasks remaining. The results so far are shown."]
    job.endless = (3,)
    app.run()
    assert bars(app) == []  # it remains stopped
    click(app, "Resume")
    assert not app.warning
    wait_for_results(app, job, 3)
    assert texts(app) == ["long: [0, 1, 2]"]
    job.endless = ()
    wait_for_results(app, job, 4)
    assert texts(app) == ["long: [0, 1, 2, 3]"]
    assert bars(app) == []


def test_the_second_job_of_a_page_waits_for_the_first(jobs):
    first, second = Counting(2, endless=(1,)), Counting(2, endless=(1,))
    app = jobs(first=first, second=second)
    assert texts(app) == ["first: [0]", "second: []"]
    assert bars(app) == ["Task 1. Partial results are kept.", "Begins when the computation above is finished or stopped."]
    first.endless = ()
    wait_for_results(app, first, 2)
    wait_for_results(app, second, 1)
    assert texts(app) == ["first: [0, 1]", "second: [0]"]
    assert bars(app) == ["Task 1. Partial results are kept."]


def test_a_new_job_stops_that_of_other_settings_which_continues_when_they_come_back(jobs):
    former, new = Counting(3, endless=(1,)), Counting(1)
    app = jobs(former=former)
    running = app.session_state["background job"]
    assert running.is_running
    JOBS["new"], app.session_state["names"] = new, ["new"]
    wait_for_results(app.run(), new, 1)
    assert texts(app) == ["new: [0]"]
    assert not running.is_running
    former.endless, app.session_state["names"] = (2,), ["former"]
    wait_for_results(app.run(), former, 2)
    assert texts(app) == ["former: [0, 1]"]


def test_a_job_goes_on_while_another_page_is_shown(jobs):
    job = Counting(2, endless=(1,))
    app = jobs(job=job)
    app.session_state["names"] = []
    app.run()
    assert texts(app) == []
    job.endless = ()
    JOBS["job"], app.session_state["names"] = Counting(2, endless=(0, 1)), ["job"]  # the cache has forgotten the job
    wait_for_results(app, job, 2)
    assert texts(app) == ["job: [0, 1]"]


def test_the_error_of_a_job_is_shown_until_the_settings_change(jobs):
    app = jobs(failing=Counting(2, raised=ValueError("k is too large")))
    assert [one.value for one in app.error] == ["k is too large"]
    JOBS["failing"].raised = None
    assert [one.value for one in app.run().error] == ["k is too large"]
    JOBS["other"], app.session_state["names"] = Counting(1), ["other"]
    assert texts(app.run()) == ["other: [0]"]
    app.session_state["names"] = ["failing"]
    assert texts(app.run()) == ["failing: [0, 1]"]


def test_other_errors_are_raised_once_because_they_may_not_happen_again(jobs):
    app = jobs(failing=Counting(2, raised=MemoryError()))
    assert len(app.exception) == 1
    JOBS["failing"].raised = None
    assert texts(app.run()) == ["failing: [0, 1]"]

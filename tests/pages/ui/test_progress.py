"""Computations of pages in threads: their progress, leaving, stopping and resuming."""

import gc
import threading
import time
import weakref

import pytest
from streamlit.testing.v1 import AppTest

from pages.datasets.server.cluster import readable_errors
from pages.runs import background
from pages.ui import progress
from tests.pages.app import latest, opened
from tests.pages.jobs import JOBS, Counting


@pytest.mark.one_in(2)
@pytest.mark.parametrize("link", ["/?n=50", "/compare?n=50", "/mixture?n=50", "/report?n=50"])
def test_a_stopped_run_is_resumed_by_a_click_and_its_page_shows_no_error(link):
    kind = "comparison" if "compare" in link else "run"
    other = opened(f"{link}&data_seed=7").session_state["recent"]
    app = opened(link)
    before = latest(app, kind)
    app.session_state["stopped"] = next(key for key in other if key[0] == kind)
    app.number_input(key="data_seed").set_value(7).run()
    assert not app.exception
    assert [one.value for one in app.warning] == ["Stopped. Change a setting or resume."]
    assert latest(app, kind) is before
    click(app, "Resume")
    assert not app.exception
    assert not app.warning
    assert latest(app, kind) is not before
    assert app.number_input(key="data_seed").value == 7


def test_stopping_is_no_error_of_the_cluster():
    with pytest.raises(progress.Stopped), readable_errors():
        raise progress.Stopped


# computations that a page needs


class Interrupted(BaseException):
    """Raised where Streamlit would end a script because the user did something."""


class Slow:
    """A computation that takes until `may_end` is set."""

    def __init__(self):
        self.begun, self.may_end, self.count, self.raised = threading.Event(), threading.Event(), 0, None

    def __call__(self, on_progress):
        self.count += 1
        self.begun.set()
        while not self.may_end.wait(0.001):
            on_progress(0.5, "Half.")
        if self.raised:
            raise self.raised
        return f"result {self.count}"


@pytest.fixture
def visit(monkeypatch):
    """visit(page, name, …): runs a page that needs these computations; returns what it shows, "interrupted" if it waits."""

    def page():
        import streamlit as st

        from pages.ui.progress import Progress, Stopped, begin_script, end_script
        from tests.pages.jobs import JOBS
        from tests.pages.ui.test_progress import Interrupted

        begin_script(st.session_state["page"])
        try:
            for name in st.session_state["names"]:
                st.text(Progress().compute((name, 1), JOBS[name], "Starting."))
            end_script()
        except Interrupted:
            st.text("interrupted")
        except ValueError as error:
            st.error(str(error))
        except Stopped:
            pass

    def interrupt(progress, work):
        job = JOBS.get(work.name[0])
        if may_wait or (job and job.may_end.is_set()):  # however long that takes on a busy machine
            return show(progress, work)
        raise Interrupted

    show, may_wait, app = progress.Progress._show, [], AppTest.from_function(page, default_timeout=30)
    monkeypatch.setattr(progress.Progress, "_show", interrupt)
    monkeypatch.setattr(progress, "POLL", 0.05)

    def run(page, *names, wait=False):
        may_wait[:] = [True] * wait
        app.session_state["page"], app.session_state["names"] = page, names
        return texts(app.run())

    run.app = app
    yield run
    for one in JOBS.values():
        one.may_end.set()
    JOBS.clear()


@pytest.fixture
def slow():
    JOBS.update({name: Slow() for name in "abcd"})
    return JOBS


def eventually(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)
    return True


def work_of(app, page):
    return app.session_state["work threads"][page].work


def test_a_short_computation_shows_no_progress_and_runs_once(visit, slow):
    slow["a"].may_end.set()
    assert visit("watch", "a") == visit("watch", "a") == visit("report", "a") == ["result 1"]
    assert not visit.app.button


def test_a_computation_goes_on_when_its_page_is_left_and_its_result_is_there_afterwards(visit, slow):
    assert visit("watch", "a") == ["interrupted"]
    slow["b"].may_end.set()
    assert visit("data", "b") == ["result 1"]
    slow["a"].may_end.set()
    assert eventually(lambda: ("a", 1) in visit.app.session_state["recent"])
    assert visit("watch", "a") == ["result 1"]


def test_pages_that_need_the_same_result_wait_for_one_computation(visit, slow):
    assert visit("watch", "a") == visit("segments", "a") == visit("watch", "a") == ["interrupted"]
    slow["a"].may_end.set()
    assert visit("segments", "a", wait=True) == ["result 1"]


def test_other_settings_stop_the_computation_of_their_page_and_not_that_of_another_one(visit, slow):
    assert visit("watch", "a") == visit("compare", "b") == ["interrupted"]
    before = [work_of(visit.app, page) for page in ("watch", "compare")]
    assert visit("watch", "c") == ["interrupted"]
    assert [work.is_running for work in before] == [False, True]
    assert before[0].wait(1)
    assert slow["c"].begun.wait(10)
    slow["c"].may_end.set()
    assert visit("watch", "c", wait=True) == ["result 1"]


def test_what_was_stopped_begins_anew_when_its_settings_come_back(visit, slow):
    assert visit("watch", "a") == visit("watch", "b") == visit("watch", "a") == ["interrupted"]
    slow["a"].may_end.set()
    assert visit("watch", "a", wait=True) == ["result 2"]


def test_no_more_than_three_pages_compute_at_the_same_time(visit, slow):
    for page, name in zip(("watch", "compare", "mixture", "hierarchy"), "abcd", strict=True):
        assert visit(page, name) == ["interrupted"]
    works = [thread.work for thread in visit.app.session_state["work threads"].values()]
    assert [work.is_running for work in works] == [False, True, True, True]


def test_a_computation_can_be_stopped_within_a_second_and_resumed(visit, slow, monkeypatch):
    def press_stop(one, work):
        progress.stop(work.name)
        raise Interrupted

    with monkeypatch.context() as patch:
        patch.setattr(progress.Progress, "_show", press_stop)
        assert visit("watch", "a") == ["interrupted"]
        work = work_of(visit.app, "watch")
        assert work.wait(1)
    assert visit("watch", "a") == []
    assert [one.value for one in visit.app.warning] == ["Stopped. Change a setting or resume."]
    slow["b"].may_end.set()
    assert visit("watch", "b") == ["result 1"]
    assert visit("watch", "a") == []  # it remains stopped
    slow["a"].may_end.set()
    click(visit.app, "Resume")
    assert texts(visit.app) == ["result 2"]


def test_the_progress_is_shown_with_a_button_to_stop(visit, slow, monkeypatch):
    shown = []

    class Recorded(progress.Progress):
        def _show(self, work):
            super()._show(work)
            if self.bar is not None and work.text == "Half.":
                shown.append((work.share, self.began))
                slow["a"].may_end.set()

    monkeypatch.setattr(progress, "Progress", Recorded)
    monkeypatch.setattr(progress, "DELAY", 0)
    assert visit("watch", "a", wait=True) == ["result 1"]
    assert shown[0][0] == 0.5
    assert [button.label for button in visit.app.button] == ["Stop"]
    assert bars(visit.app) == ["Half."]


def test_the_error_of_a_computation_is_raised_and_the_next_run_tries_again(visit, slow):
    slow["a"].raised = ValueError("k is too large")
    assert visit("watch", "a") == ["interrupted"]
    slow["a"].may_end.set()
    assert visit("watch", "a", wait=True) == []
    assert [one.value for one in visit.app.error] == ["k is too large"]
    slow["a"].raised = None
    assert visit("watch", "a", wait=True) == ["result 2"]


def test_nobody_keeps_a_result_that_the_cache_has_dropped(visit, slow, monkeypatch):
    monkeypatch.setattr(background, "PAUSE_SECONDS", 0.01)

    class Result(str):
        __slots__ = ("__weakref__",)

    JOBS["a"] = lambda on_progress: Result("result")
    assert visit("watch", "a") == ["result"]
    cache = visit.app.session_state["recent"]
    kept = weakref.ref(cache[("a", 1)])
    assert eventually(lambda: work_of(visit.app, "watch") is None)
    assert cache.drop(("a", 1), also_shown=True)
    gc.collect()
    assert kept() is None
    del JOBS["a"]


# files


@pytest.fixture
def menu(monkeypatch):
    """A page with a menu that creates a file when a button is clicked."""

    def page():
        import streamlit as st

        from pages.ui.export_menu import download, file_on_demand
        from pages.ui.progress import begin_script
        from tests.pages.jobs import JOBS

        begin_script("watch")
        st.text("the rest of the page")
        if file_on_demand("Table", ("1",), lambda on_progress: JOBS["a"](lambda share, text: on_progress(share)).encode()):
            download("Table", "table.csv", "text/csv", ("1",), bytes)

    monkeypatch.setattr(progress, "WAIT", 0.05)
    JOBS["a"] = Slow()
    yield AppTest.from_function(page).run()
    JOBS.pop("a").may_end.set()


def test_a_file_is_created_while_the_page_can_be_used(menu):
    assert [button.label for button in menu.button] == ["Create table"]
    click(menu, "Create table")
    assert texts(menu) == texts(menu.run()) == ["the rest of the page"]
    assert bars(menu) == ["Creating table."]
    assert [button.label for button in menu.button] == ["Stop"]
    JOBS["a"].may_end.set()
    assert eventually(lambda: ("file Table", "1") in menu.session_state["recent"])
    menu.run()
    assert not menu.button
    assert bars(menu) == []
    assert [one.proto.label for one in menu.get("download_button")] == ["Table"]
    assert JOBS["a"].count == 1


def test_creating_a_file_can_be_stopped_and_begun_again(menu):
    click(menu, "Create table")
    work = work_of(menu, ("file Table", "1"))
    click(menu, "Stop")
    assert work.wait(1)
    assert [button.label for button in menu.run().button] == ["Create table"]
    click(menu, "Create table")
    JOBS["a"].may_end.set()
    assert eventually(lambda: ("file Table", "1") in menu.session_state["recent"])
    assert [one.proto.label for one in menu.run().get("download_button")] == ["Table"]


def test_the_error_of_a_file_is_a_message_next_to_the_button(menu):
    JOBS["a"].raised = ValueError("the table is gone")
    JOBS["a"].may_end.set()
    click(menu, "Create table")
    if not menu.error:
        assert eventually(lambda: not work_of(menu, ("file Table", "1")).is_running)
        menu.run()
    assert [one.value for one in menu.error] == ["The table is gone\\."]
    assert [button.label for button in menu.run().button] == ["Create table"]


# jobs


@pytest.fixture
def jobs(monkeypatch):
    """Opens a page with jobs, for which it does not wait long, and stops them at the end."""

    def page():
        import streamlit as st

        from pages.ui.progress import begin_script, run_job
        from tests.pages.jobs import JOBS

        begin_script("")
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

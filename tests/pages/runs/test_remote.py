"""Long jobs whose tasks run on a Dask cluster."""

import pickle

import numpy as np
import pytest

from pages.choose_k.sweep import Sweep
from pages.datasets import catalog
from pages.datasets.server import cluster as server_cluster
from pages.datasets.server.configuration import SCHEDULER
from pages.datasets.server.tables import UnreadableTable
from pages.methods import methods_for_points, settings
from pages.methods.starts import NamedStart
from pages.mixture.bootstrap import Bootstrap
from pages.restarts.study import RemainingRuns, RestartStudy
from pages.runs.cache import RecentCache
from pages.runs.remote import TASKS_PER_CALL, is_remote, resume_on_cluster
from pages.runs.run import make_run
from pages.ui.progress import CLUSTER_FAILED
from tests.pages.app import opened
from tests.pages.cluster import cluster_in_process

DATA = catalog.draw_sample("three", 60, 0, {})


@pytest.fixture(scope="module")
def cluster():
    with cluster_in_process() as client:
        yield client


def restarts(name="kmeans", runs=6):
    study = RestartStudy.of(DATA, settings(name, 3, data=DATA), RecentCache())
    initializations = [one.name for one in study.view.initializations][:2]
    return RemainingRuns.of(study, initializations, runs)


def sweep():
    return Sweep.of(DATA, settings("kmeans", 2, data=DATA), 2, 2)


def fits():
    return Bootstrap(
        make_run(DATA, settings("mixture", 3, NamedStart("k-means++"), 1, DATA), RecentCache(), lambda state: None), 6
    )


def assert_equal_results(found, expected):
    assert list(found) == list(expected)
    for task in expected:
        for name in ("loss", "labels", "means", "within", "bic"):
            if hasattr(expected[task], name):
                np.testing.assert_array_equal(getattr(found[task], name), getattr(expected[task], name))


@pytest.mark.parametrize("make", [restarts, sweep, fits])
def test_results_are_those_of_the_app(cluster, make):
    here, there, shares = make(), make(), []
    here.resume(lambda *_: None)
    resume_on_cluster(there, lambda share, text: shares.append(share))
    assert there.remaining == []
    assert_equal_results(there.results, here.results)
    assert shares == sorted(shares)
    assert all(0 <= share <= 1 for share in shares)


def test_finished_runs_are_in_the_study(cluster):
    job = restarts()
    resume_on_cluster(job, lambda *_: None)
    assert job.study.finished == job.results
    assert len(job.results) == 12


@pytest.mark.parametrize(
    "make",
    [*(lambda name=name: restarts(name, 2) for name in methods_for_points("restarts")), sweep, fits],
    ids=[*methods_for_points("restarts"), "sweep", "bootstrap"],
)
def test_jobs_can_be_sent_to_another_process(make):
    job = make()
    tasks = job.remaining[:2]
    sent = pickle.loads(pickle.dumps(job.part(tasks)))
    assert sent.results == {}
    found = {task: sent.run_task(task, lambda state: None) for task in tasks}
    assert_equal_results(found, {task: make().run_task(task, lambda state: None) for task in tasks})


def test_a_stopped_job_keeps_its_results_and_can_be_resumed(cluster):
    class Stopped(BaseException):
        pass

    job = restarts(runs=12)

    def stop(share, text):
        if job.results:
            raise Stopped

    with pytest.raises(Stopped):
        resume_on_cluster(job, stop)
    assert len(job.results) == TASKS_PER_CALL
    resume_on_cluster(job, lambda *_: None)
    assert len(job.results) == 24


def test_an_error_of_a_task_keeps_the_results_before_it(cluster, monkeypatch):
    compute = RemainingRuns.run_task

    def fail(job, task, on_step):
        if task[1] == 4:
            raise ValueError("this run fails")
        return compute(job, task, on_step)

    monkeypatch.setattr(RemainingRuns, "run_task", fail)
    job = restarts()
    with pytest.raises(ValueError, match="this run fails"):
        resume_on_cluster(job, lambda *_: None)
    assert len(job.results) == 8


def test_jobs_are_sent_only_if_a_scheduler_is_configured(monkeypatch):
    monkeypatch.delenv(SCHEDULER, raising=False)
    assert not is_remote(restarts())
    monkeypatch.setenv(SCHEDULER, "tcp://127.0.0.1:1")
    assert is_remote(restarts())


def test_a_page_continues_in_the_app_if_the_cluster_does_not_answer(monkeypatch):
    def fail():
        raise UnreadableTable(server_cluster.NO_ANSWER)

    monkeypatch.setenv(SCHEDULER, "tcp://127.0.0.1:1")
    monkeypatch.setattr(server_cluster._connection, "open", fail)
    app = opened("/restarts?n=50&runs=10")
    assert not app.exception
    assert app.warning[0].value == CLUSTER_FAILED
    assert not any(button.label == "Resume" for button in app.button)
    assert len(app.get("plotly_chart")) > 0

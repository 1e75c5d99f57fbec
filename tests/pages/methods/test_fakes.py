"""The two methods that exist only in tests: their processes, and pages that show their unusual runs."""

import numpy as np
import pytest

from clustering import History, adjusted_rand_index
from pages.methods import methods
from pages.runs.frames import frames_of
from tests.pages import checks
from tests.pages.app import latest, opened
from tests.pages.methods.fakes import FAKES, Scan, Shift

POINTS = checks.sample().points


@pytest.fixture(autouse=True)
def _registered(monkeypatch):
    for name, view in FAKES.items():
        monkeypatch.setitem(methods(), name, view)


def test_the_scan_finds_one_cluster_per_iteration_and_noise():
    from sklearn.cluster import DBSCAN

    history = History.record(Scan(0.8), POINTS)
    assert [len(sizes) for sizes in history.sizes] == [0, 1, 2, 3]
    labels = DBSCAN(eps=0.8, min_samples=4).fit(POINTS).labels_
    assert (labels < 0).any()
    assert np.array_equal(labels < 0, history.last.labels < 0)
    assert adjusted_rand_index(labels, history.last.labels) == 1.0
    assert history.converged
    assert np.isnan(history.losses).all()


def test_mean_shift_merges_clusters_and_its_loss_decreases():
    history = History.record(Shift(1.5), POINTS)
    counts = [len(sizes) for sizes in history.sizes]
    assert counts[0] > 20
    assert counts[-1] == 3
    assert counts == sorted(counts, reverse=True)
    assert history.losses[-1] < history.losses[0]
    assert history.converged


@pytest.mark.parametrize("process", [Scan(0.8), Shift(1.5)])
def test_earlier_assignments_can_be_recomputed_and_runs_can_be_stopped_early(process):
    complete, stopped = History.record(process, POINTS), History.record(process, POINTS, max_iter=1)
    assert not stopped.converged
    assert [notice.name for notice in stopped.notices[-1]] == ["iteration limit"]
    assert np.array_equal(complete.assignment_of_iteration(1).labels, stopped.last.labels)


def test_a_run_without_clusters_can_be_plotted_and_exported(monkeypatch):
    view, data = FAKES["scan"], checks.sample()
    run = checks.run_of(view, data, eps=0.05)
    assert run.k == 0
    assert (run.history.last.labels == -1).all()
    for name in ("runs_of", "few_runs_of"):
        monkeypatch.setattr(checks, name, lambda view: iter([run]))
    monkeypatch.setattr(checks, "runs_with_options", lambda view: iter([]))
    checks.check_that_every_frame_can_be_plotted(view)
    checks.check_that_exported_tables_and_arrays_match_the_run(view)
    assert frames_of(run)[0][-1].sentence.endswith("Converged after no iterations.")
    assert checks.report(run, checks.pictures_of(run), [], "")


@pytest.mark.parametrize(
    "link", ["/?algorithm=Density scan", "/compare?panels=2&algorithm_1=Density scan", "/report?algorithm=Density scan"]
)
def test_pages_can_show_a_scan_without_clusters(link):
    app = opened(f"{link}&n=50&{'scan_eps_1' if 'compare' in link else 'scan_eps'}=0.05")
    assert not app.error
    result = latest(app, "comparison", "run")
    assert (result.runs[0] if hasattr(result, "runs") else result).k == 0


def test_formulas_of_another_cluster_can_be_shown():
    for title in ("Density scan", "Shifting modes"):
        app = opened(f"/?algorithm={title}&n=50")
        app.toggle(key="formulas").set_value(True).run()
        assert not app.exception
        app.number_input(key="focus_cluster").set_value(latest(app, "run").k).run()
        assert not app.exception


def test_there_are_no_widgets_for_k_and_starts_if_the_method_determines_them():
    app = opened("/?algorithm=Density scan&n=50")
    keys = {widget.key for widget in (*app.number_input, *app.selectbox)}
    assert "scan_eps" in keys
    assert not keys & {"k", "seed", "start_scan"}
    metrics = {metric.label: metric.value for metric in app.metric}
    assert "Loss" not in metrics
    assert not [button for button in app.button if button.label == "New random start"]


@pytest.mark.parametrize("page", ["restarts", "choose_k"])
def test_restarts_and_choose_k_do_not_offer_these_methods(page):
    app = opened(f"/{page}?n=50&runs=10&k_up_to=3&best_of=1")
    assert not set(app.selectbox(key="algorithm").options) & {view.title for view in FAKES.values()}

"""The widgets of a table on the server."""

import numpy as np
import pandas as pd
import pytest

from pages.choose_k import sweep
from pages.datasets.server import rows
from pages.datasets.server.files import ParquetPart
from pages.datasets.server.tables import forget_kept
from pages.mixture import sections
from pages.runs import run as run_module
from tests.pages.app import latest, opened
from tests.pages.cluster import cluster_in_process


@pytest.fixture(scope="module")
def cluster():
    with cluster_in_process() as client:
        yield client


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A table with the name "visits"; its sample has 500 rows."""
    forget_kept()
    monkeypatch.setattr(rows, "SAMPLE_ROWS", 500)
    values = np.random.default_rng(0).normal(size=(700, 2)) + np.repeat([[0.0, 0], [9, 0]], 350, axis=0)
    values[3, 0] = np.nan
    frame = pd.DataFrame(values, columns=["a", "b"]).assign(word="x")
    frame.to_parquet(tmp_path / "visits.parquet")
    monkeypatch.setenv("CLUSTERING_TABLES", f"visits={tmp_path}")
    return tmp_path


LINK = "/data?source=Table on the server&visits_server_use=true"


def texts(app):
    return " ".join(one.value for kind in ("caption", "markdown", "error", "info", "warning") for one in app.get(kind))


def test_there_is_no_such_data_source_unless_it_is_configured(monkeypatch):
    monkeypatch.delenv("CLUSTERING_TABLES", raising=False)
    assert opened("/data").button_group(key="source").options == ["Simulated", "Built-in", "Upload"]


def test_the_description_is_shown_before_any_row_is_read(folder, monkeypatch):
    monkeypatch.setattr(ParquetPart, "read", lambda *args: pytest.fail("rows were read"))
    app = opened("/data?source=Table on the server")
    described = app.dataframe[0].value
    assert list(described["Column"]) == ["a", "b", "word"]
    assert list(described["Use"]) == ["feature", "feature", "true labels only"]
    assert "The table has 700 rows and 3 columns" in texts(app).replace("\\", "")
    assert "No new data yet" in texts(app)
    assert columns_of(app).proto.expanded


def columns_of(app):
    """The expander with the description of the columns."""
    return next(each for each in app.expander if each.label == "Columns")


def test_a_table_is_used_on_all_pages_from_then_on(folder, cluster):
    app = opened(LINK)
    assert not columns_of(app).proto.expanded
    data = app.session_state["last data"]
    assert (data.title, data.n, data.points.shape) == ("visits", 699, (500, 2))
    assert "699 points, 2 columns. 1 of 700 rows was left out" in texts(app).replace("\\", "")


def test_unknown_tables_in_links_and_sessions_are_not_opened(folder, cluster):
    app = opened(f"/data?source=Table on the server&server_table={folder}")
    assert app.selectbox(key="server_table").value == "visits"
    assert "Ignored unavailable settings in the link" in texts(app)


def test_a_vanished_table_is_reported_and_the_previous_data_stay_in_use(folder, cluster):
    app = opened(LINK)
    (folder / "visits.parquet").unlink()
    forget_kept()
    app.selectbox(key="scaling").set_value("range").run()
    assert not app.exception
    found = texts(app).replace("\\", "")
    assert "The table “visits” has no files at present." in found
    assert "“visits” is still in use" in found
    assert str(folder) not in found


def texts_of_errors(app):
    return [one.value for one in app.error]


SETTINGS = {
    "watch": "k=2&seed=1",
    "watch?": "algorithm=K-medoids&k=2",
    "mixture": "k=2&section=K-means as a limit",
    "mixture?": "k=2&section=Uncertainty (bootstrap)",
    "report": "k=2",
    "compare": "panels=2&algorithm_1=K-means&algorithm_2=Gaussian mixture&k=2",
    "compare?": "panels=2&algorithm_1=K-means&algorithm_2=Fuzzy c-means&k=2",
    "restarts": "k=2&runs=10&ways_kmeans=Random points",
    "hierarchy": "k=2",
    "density": "optics_eps=1",
    "density?": "density_method=HDBSCAN",
}


@pytest.mark.one_in(3)
@pytest.mark.parametrize("page", SETTINGS)
def test_every_page_works_on_points_of_a_table_on_the_server(folder, cluster, page):
    app = opened(f"/{page.rstrip('?')}?{LINK.partition('?')[2]}&{SETTINGS[page]}")
    assert not app.error
    assert app.session_state["last data"].n == 699
    found = texts(app).replace("\\", "")
    if page in ("watch", "compare"):
        assert "All 699 points are used and shown" in found
    if page in ("watch?", "compare?", "hierarchy"):
        assert "sample of 500 of the 699 points" in found
    if page == "restarts":
        assert latest(app, "restarts").data.n == 699


def test_the_covariance_models_of_a_mixture_are_fitted_to_all_rows(folder, cluster, monkeypatch):
    monkeypatch.setattr(sections, "MODEL_RUNS", 1)
    monkeypatch.setattr(sections, "MAX_ITERATIONS", 3)
    monkeypatch.setattr(run_module, "iteration_limit", lambda *_: 3)
    app = opened(f"/mixture?{LINK.partition('?')[2]}&k=2&section=Covariance models")
    assert not app.error
    runs = [run for key, run in app.session_state["recent"].items() if key[0] == "run"]
    assert {run.data.n for run in runs} == {699}
    assert {round(run.sizes.sum()) for run in runs} == {699}


def test_choosing_k_uses_the_sample(folder, cluster, monkeypatch):
    monkeypatch.setattr(sweep, "MAX_SWEEP_POINTS", 500)
    app = opened(f"/choose_k?{LINK.partition('?')[2]}&k_up_to=3&best_of=1")
    assert "it uses a sample of 500 of the 699 points" in texts(app).replace("\\", "")
    assert latest(app, "sweep", "choose_k").data.n == 500


def test_a_file_that_vanishes_before_a_plot_is_drawn_is_reported(folder, cluster):
    app = opened(f"/?{LINK.partition('?')[2]}&k=2")
    (folder / "visits.parquet").unlink()
    app.toggle(key="shade").set_value(False).run()  # draws the plot again
    app.number_input(key="k").set_value(3).run()
    assert not app.exception
    assert [text.replace("\\", "") for text in texts_of_errors(app)] == [
        "A file of the table “visits” no longer exists. Choose the table again, or ask the operator of this server."
    ]

"""The widgets of a table on the server."""

import numpy as np
import pandas as pd
import pytest

from pages.datasets.server.files import ParquetPart
from pages.datasets.server.tables import forget_kept
from tests.pages.app import opened
from tests.pages.cluster import cluster_in_process


@pytest.fixture(scope="module")
def cluster():
    with cluster_in_process() as client:
        yield client


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A table with the name "visits"."""
    forget_kept()
    values = np.random.default_rng(0).normal(size=(7_000, 2)) + np.repeat([[0.0, 0], [9, 0]], 3_500, axis=0)
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
    assert "The table has 7,000 rows and 3 columns" in texts(app).replace("\\", "")
    assert "No new data yet" in texts(app)


def test_a_table_is_used_on_all_pages_from_then_on(folder, cluster):
    app = opened(LINK)
    data = app.session_state["last data"]
    assert (data.title, data.n, data.points.shape) == ("visits", 6_999, (5_000, 2))
    assert "6,999 points, 2 columns. 1 of 7,000 rows was left out" in texts(app).replace("\\", "")


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
    assert "All pages still use “visits”" in found
    assert str(folder) not in found

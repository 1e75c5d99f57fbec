"""Tables on the server: configuration, descriptions, and what is read."""

import threading

import numpy as np
import pandas as pd
import pytest

from pages.datasets.server import files, rows, tables
from pages.datasets.server.configuration import configured_databases, configured_paths, is_configured
from pages.datasets.server.files import FileTable
from pages.datasets.server.loading import load
from pages.datasets.server.tables import UnreadableTable, describe, forget_kept, server_tables
from tests.pages.cluster import cluster_in_process


@pytest.fixture(scope="module")
def cluster():
    with cluster_in_process() as client:
        yield client


@pytest.fixture(autouse=True)
def _nothing_kept():
    forget_kept()


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    values = rng.normal([3.0, -200.0], [2.0, 50.0], (6_000, 2))
    values[[5, 777], [0, 1]] = np.nan, np.inf
    return pd.DataFrame({"x": values[:, 0], "y": values[:, 1], "kind": np.where(values[:, 0] > 3, "b", "a")})


@pytest.fixture
def folder(frame, tmp_path):
    """The table in three Parquet files of several row groups."""
    for i in range(3):
        frame[2_000 * i : 2_000 * (i + 1)].to_parquet(tmp_path / f"{i}.parquet", row_group_size=700)
    return tmp_path


def points_of(frame):
    """The points without gaps."""
    values = frame[["x", "y"]].to_numpy()
    return values[np.isfinite(values).all(axis=1)]


def loaded(table, columns=("x", "y"), scaling="none", label=None):
    return load(table, list(columns), scaling, label, lambda share: None)


def test_nothing_is_configured_without_environment_variables(monkeypatch):
    for name in ("CLUSTERING_TABLES", "CLUSTERING_DATABASES"):
        monkeypatch.delenv(name, raising=False)
    assert not is_configured()
    assert server_tables() == ({}, [])


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("/data/taxi", {"taxi": "/data/taxi"}),
        ("/data/taxi/*.parquet", {"taxi": "/data/taxi/*.parquet"}),
        ("trips=/data/a:/data/b.csv", {"trips": "/data/a", "b": "/data/b.csv"}),
        ("/data/year=2024/x.csv", {"x": "/data/year=2024/x.csv"}),
        ("one = /data/a b\n/data/c:d\n", {"one": "/data/a b", "c:d": "/data/c:d"}),
        ("/a/x:/b/x", {"x": "/a/x", "x (2)": "/b/x"}),
    ],
)
def test_paths_have_the_given_name_or_the_last_part_of_the_path(monkeypatch, text, paths):
    monkeypatch.setenv("CLUSTERING_TABLES", text)
    assert configured_paths() == paths


def test_databases_have_the_given_name_or_that_of_the_database(monkeypatch):
    monkeypatch.setenv(
        "CLUSTERING_DATABASES", "postgresql+psycopg://u:p=1@host/sales?sslmode=require lab=sqlite:////data/x.db"
    )
    assert configured_databases() == {
        "sales": "postgresql+psycopg://u:p=1@host/sales?sslmode=require",
        "lab": "sqlite:////data/x.db",
    }


def test_parquet_is_described_by_its_metadata(frame, folder, monkeypatch):
    monkeypatch.setattr(files.ParquetPart, "read", lambda *args: pytest.fail("rows were read"))
    description = describe(FileTable("t", str(folder)))
    assert (description.rows, description.is_exact) == (6_000, True)
    x, _, kind = description.columns
    assert (x.name, x.is_number, x.low, x.high) == ("x", True, frame["x"].min(), frame["x"].max())
    assert (kind.name, kind.is_number, kind.low) == ("kind", False, None)


def test_csv_is_described_by_a_sample_that_is_stated(frame, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "SAMPLED_BYTES", 5_000)
    frame.to_csv(tmp_path / "t.csv", index=False)
    description = describe(FileTable("t", str(tmp_path / "*.csv")))
    assert not description.is_exact
    assert 5_000 < description.rows < 7_000
    assert "sample" in description.source
    assert [column.is_number for column in description.columns] == [True, True, False]


def test_a_csv_file_with_a_header_alone_does_not_turn_numbers_into_text(cluster, frame, tmp_path):
    for i, part in enumerate((frame[:100], frame[:0], frame[100:200])):
        part.to_csv(tmp_path / f"{i}.csv", index=False)
    table = FileTable("visits", str(tmp_path))
    found = {column.name: (column.type, column.is_number) for column in table.describe().columns}
    assert found["x"] == ("float64", True)
    assert not found["kind"][1]
    assert loaded(table).n == np.isfinite(frame[["x", "y"]][:200]).all(axis=1).sum()


def test_a_small_csv_file_is_described_exactly(frame, tmp_path):
    frame[:50].to_csv(tmp_path / "t.csv", index=False)
    description = describe(FileTable("t", str(tmp_path)))
    assert (description.rows, description.is_exact) == (50, True)
    assert description.columns[0].high == pytest.approx(frame["x"][:50].max())


def test_a_column_with_text_in_one_file_is_no_number(frame, folder):
    frame[:10].assign(y="text").to_parquet(folder / "9.parquet")
    assert {column.name: column.is_number for column in describe(FileTable("t", str(folder))).columns} == {
        "x": True,
        "y": False,
        "kind": False,
    }


def test_all_rows_without_gaps_are_read_in_order(cluster, frame, folder, monkeypatch):
    monkeypatch.setattr(files, "PART_ROWS", 1_000)
    data = loaded(FileTable("t", str(folder)))
    assert data.n == 5_998
    assert len(data.all_rows.parts) == 9
    np.testing.assert_array_equal(data.all_rows.array().compute(), points_of(frame))
    assert data.note.startswith("2 of 6,000 rows were left out because of missing or infinite values.")


@pytest.mark.parametrize("size", [37, 100, 4_096, 10**6])
def test_every_line_of_a_csv_file_is_in_one_part(cluster, frame, tmp_path, monkeypatch, size):
    frame = frame[:200]
    monkeypatch.setattr(files, "PART_BYTES", size)
    frame.to_csv(tmp_path / "t.csv", index=False, sep=";", lineterminator="\r\n" if size == 100 else "\n")
    parts = FileTable("t", str(tmp_path)).parts(["x", "y"])
    found = pd.concat([part.read(["x", "y"]) for part in parts], ignore_index=True)
    np.testing.assert_allclose(found.to_numpy(dtype=float), frame[["x", "y"]].to_numpy())


@pytest.mark.parametrize("scaling", ["none", "standardize", "range", "robust"])
def test_points_are_scaled_as_in_memory(cluster, frame, folder, scaling, monkeypatch):
    from pages.datasets.cleaning import shift_and_scale

    monkeypatch.setattr(rows, "SAMPLE_ROWS", 6_000 if scaling == "robust" else 100)
    points = points_of(frame)
    shift, scale = shift_and_scale(points, scaling)
    data = loaded(FileTable(f"scaled {scaling}", str(folder)), scaling=scaling)
    np.testing.assert_allclose(data.all_rows.array().compute(), (points - shift) / scale, rtol=1e-9, atol=1e-12)


def test_the_sample_is_random_the_same_every_time_and_made_of_rows(cluster, frame, folder, monkeypatch):
    monkeypatch.setattr(rows, "SAMPLE_ROWS", 500)
    first = loaded(FileTable("sampled", str(folder)), label="kind")
    forget_kept()
    again = loaded(FileTable("sampled", str(folder)), label="kind", scaling="standardize")
    assert len(first.points) == 500
    np.testing.assert_array_equal(first.rows, again.rows)
    np.testing.assert_array_equal(first.points, frame[["x", "y"]].to_numpy()[first.rows - 1])
    np.testing.assert_array_equal(first.labels, (frame["kind"].to_numpy()[first.rows - 1] == "b").astype(int))
    # uniform over the three files: 167 each, standard deviation 10
    counts = np.histogram(first.rows, [1, 2_001, 4_001, 6_001])[0]
    assert (np.abs(counts - 167) < 50).all()
    assert "random sample of 500 rows" in first.note


def test_the_key_of_the_data_depends_on_the_rows(cluster, frame, folder):
    key = loaded(FileTable("keyed", str(folder))).key
    assert loaded(FileTable("keyed", str(folder))).key == key
    frame[:1_000].assign(x=1.0).to_parquet(folder / "0.parquet")
    assert loaded(FileTable("keyed", str(folder))).key != key


def test_the_sample_alone_has_another_key_and_no_other_rows(cluster, folder):
    data = loaded(FileTable("alone", str(folder)))
    alone = data.without_other_rows
    assert alone.key != data.key
    assert (alone.n, alone.all_rows) == (len(data.points), None)
    assert data.sample(10).n == 10


def test_every_failure_is_a_sentence_without_paths(cluster, frame, folder, tmp_path):
    def message(call):
        with pytest.raises(UnreadableTable) as caught:
            call()
        text = str(caught.value)
        assert str(tmp_path) not in text
        assert text.endswith(".")
        return text

    table = FileTable("sales", str(folder))
    data = loaded(table)
    (folder / "2.parquet").rename(folder / "gone")
    assert message(lambda: data.all_rows.parts[-1].read(["x"])).startswith("A file of the table “sales” no longer exists.")
    assert "no files at present" in message(FileTable("sales", str(tmp_path / "none")).describe)
    (folder / "1.parquet").write_bytes(b"PAR1 damaged")
    assert "is damaged" in message(table.describe)
    frame[:5].to_csv(folder / "x.csv")
    assert "both Parquet and CSV" in message(table.describe)
    csv = tmp_path / "csv"
    csv.mkdir()
    frame[:100].to_csv(csv / "0.csv", index=False)
    frame[:100].to_csv(csv / "1.csv", index=False)
    frame[:100].to_csv(csv / "3.csv", index=False)
    frame[:100].assign(y="about 7").to_csv(csv / "2.csv", index=False)
    text = message(lambda: loaded(FileTable("sales", str(csv))))
    assert text.startswith("The column “y” of the table “sales” has values that are not numbers, such as “about 7”.")


def test_rows_that_appear_later_are_reported(cluster, frame, folder):
    data = loaded(FileTable("grown", str(folder)))
    frame[:1_990].to_parquet(folder / "2.parquet", row_group_size=700)
    with pytest.raises(UnreadableTable, match="has changed since it was opened"):
        data.all_rows.array().compute()


def test_a_column_that_is_not_in_the_table_is_refused(cluster, folder):
    for columns, scaling, label in (
        (["z"], "none", None),
        (["kind"], "none", None),
        (["x"], "cubic", None),
        (["x"], "none", "z"),
    ):
        with pytest.raises(UnreadableTable, match="choose its columns again"):
            loaded(FileTable("t", str(folder)), columns, scaling, label)


def test_the_column_with_the_most_gaps_is_named_if_no_row_is_complete(cluster, frame, tmp_path):
    frame.assign(holes=np.nan).to_parquet(tmp_path / "0.parquet")
    with pytest.raises(UnreadableTable, match=r"0 of 6,000 rows .* “holes” has no values"):
        loaded(FileTable("visits", str(tmp_path)), ("x", "holes"))


def test_a_description_that_takes_too_long_is_given_up_and_available_later(monkeypatch):
    calls, go_on = [], threading.Event()

    class Slow:
        name = "slow"

        def describe(self):
            calls.append(1)
            go_on.wait(10)
            return "described"

    table = Slow()
    monkeypatch.setattr(tables, "TIMEOUT", 0.05)
    for _ in range(2):
        with pytest.raises(UnreadableTable, match="could not be described"):
            describe(table)
    go_on.set()
    monkeypatch.setattr(tables, "TIMEOUT", 10)
    assert describe(table) == "described"
    assert len(calls) == 1

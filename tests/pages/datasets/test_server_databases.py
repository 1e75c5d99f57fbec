"""Tables of a database on the server."""

import numpy as np
import pandas as pd
import pytest

from pages.datasets.server import database
from pages.datasets.server.database import DatabaseTable, database_tables
from pages.datasets.server.loading import load
from pages.datasets.server.tables import UnreadableTable, describe, forget_kept, server_tables
from tests.pages.cluster import cluster_in_process
from tests.pages.datasets.postgresql import postgresql

sqlalchemy = pytest.importorskip("sqlalchemy", reason="the extra `big` is not installed")
ROWS, PART_ROWS = 400, 120
NAN = {"sqlite": "null", "duckdb": "'nan'::double", "postgresql": "'nan'::double precision"}


@pytest.fixture(scope="module")
def cluster():
    with cluster_in_process() as client:
        yield client


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    days = pd.date_range("2020-01-01", periods=ROWS).date
    values = rng.normal(size=(ROWS, 2)).round(3)
    values[[3, 200], [0, 1]] = np.nan
    # keys with large gaps, not in the order of the rows
    keys = rng.permutation(np.arange(ROWS) ** 2)
    return pd.DataFrame({"id": keys, "day": days, "x": values[:, 0], "y": values[:, 1], "word": "a"})


def fill(url: str, frame: pd.DataFrame) -> None:
    """Tables with keys of different kinds, and a view."""
    engine = sqlalchemy.create_engine(url)
    numeric = "numeric(8, 3)" if engine.dialect.name == "postgresql" else "double precision"
    columns = f"x double precision, y {numeric}, word varchar(9)"
    with engine.begin() as connection:
        for name, key in (("whole", "id bigint primary key, day date"), ("daily", "id bigint, day date primary key")):
            connection.execute(sqlalchemy.text(f'create table "{name}" ({key}, {columns})'))
        connection.execute(sqlalchemy.text(f'create table "no key; --" (id bigint, day date, {columns})'))
        connection.execute(sqlalchemy.text('create view "seen" as select x, y from whole where x > 0'))
        rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
        connection.execute(sqlalchemy.text("create table kinds (yes boolean, gap double precision, day date)"))
        connection.execute(
            sqlalchemy.text(f"insert into kinds values (true, {NAN[engine.dialect.name]}, null), (false, 1.5, null)")
        )
        if engine.dialect.name == "sqlite":
            connection.execute(sqlalchemy.text("create table rowless (id integer primary key, x real, y real) without rowid"))
        else:
            connection.execute(sqlalchemy.text("create schema other"))
            connection.execute(sqlalchemy.text("create table other.hidden (x double precision)"))
        for name in ("whole", "daily", "no key; --"):
            connection.execute(
                sqlalchemy.text(f'insert into "{name}" values (\\:id, \\:day, \\:x, \\:y, \\:word)'.replace("\\", "")), rows
            )
        if engine.dialect.name == "sqlite":
            connection.execute(sqlalchemy.text("insert into rowless select id, x, y from whole"))
    engine.dispose()


@pytest.fixture(scope="module", params=["sqlite", "duckdb", "postgresql"])
def url(request, frame, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "postgresql":
        with postgresql() as address:
            fill(address, frame)
            yield address
    else:
        pytest.importorskip("duckdb_engine", reason="the extra `big` is not installed")
        address = f"{request.param}:///{folder}/lab.db"
        fill(address, frame)
        yield address


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch):
    forget_kept()
    monkeypatch.setattr(database, "PART_ROWS", PART_ROWS)


def test_tables_and_views_are_listed(url):
    found = [table for table in database_tables("lab", url) if table.table != "rowless"]
    assert [(table.name, table.is_view) for table in found] == [
        ("lab: daily", False),
        ("lab: kinds", False),
        ("lab: no key; --", False),
        ("lab: whole", False),
        ("lab: seen", True),
    ]


def test_a_table_is_described_by_aggregates(url, frame):
    description = describe(DatabaseTable("lab", url, "whole"))
    columns = {column.name: column for column in description.columns}
    assert description.rows == ROWS
    assert [name for name, column in columns.items() if column.is_number] == ["id", "x", "y"]
    assert (columns["y"].low, columns["y"].high) == pytest.approx((frame["y"].min(), frame["y"].max()))


def test_truth_values_are_numbers_and_not_a_number_is_no_end_of_a_range(url):
    yes, gap, day = DatabaseTable("lab", url, "kinds").describe().columns
    assert (yes.is_number, yes.low, yes.high) == (True, 0.0, 1.0)
    assert (gap.is_number, gap.low) == (True, 1.5)
    assert gap.high in (1.5, None)
    assert not day.is_number


def test_a_table_of_sqlite_without_row_numbers_is_read(tmp_path, frame):
    url = f"sqlite:///{tmp_path}/lab.db"
    fill(url, frame)
    table = DatabaseTable("lab", url, "rowless")
    parts = table.parts(["x", "y"])
    assert len(parts) > 1
    found = pd.concat([part.read(["x", "y"]) for part in parts])
    assert sorted(found["x"].dropna()) == sorted(frame["x"].dropna())


@pytest.mark.parametrize("name", ["whole", "daily", "no key; --", "seen"])
def test_every_row_is_in_one_part(url, frame, name):
    table = DatabaseTable("lab", url, name, name == "seen")
    parts = table.parts(["x", "y"])
    expected = frame[["x", "y"]] if name != "seen" else frame.loc[frame["x"] > 0, ["x", "y"]]
    assert len(parts) == -(-len(expected) // PART_ROWS)
    found = pd.concat([part.read(["x", "y"]) for part in parts]).astype(float)
    order = ["x", "y"]
    pd.testing.assert_frame_equal(
        found.sort_values(order, ignore_index=True), expected.sort_values(order, ignore_index=True), check_exact=False
    )


def test_rows_that_are_added_later_are_left_out(url, frame, cluster):
    if url.startswith("duckdb"):
        pytest.skip("DuckDB allows no writer while the file is open")
    data = load(DatabaseTable("lab", url, "whole"), ["x", "y"], "none", None, lambda share: None)
    assert (data.n, data.note[:22]) == (ROWS - 2, "2 of 400 rows were lef")
    engine = sqlalchemy.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("insert into whole values (100000000, null, 1, 1, 'b')"))
    try:
        assert data.all_rows.array().compute().shape == (ROWS - 2, 2)
    finally:
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("delete from whole where id = 100000000"))
        engine.dispose()


def test_a_vanished_table_is_reported_in_a_sentence_without_addresses(url, cluster):
    for call in (
        DatabaseTable("lab", url, "missing").describe,
        lambda: DatabaseTable("lab", url, "missing").parts(["x"]),
        lambda: DatabaseTable("lab", url, "whole").parts(["x"])[0].read(["missing"]),
    ):
        with pytest.raises(UnreadableTable) as caught:
            call()
        assert "“lab”" in str(caught.value)
        assert str(caught.value).endswith("Ask the operator of this server.")
        assert url not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "problem"),
    [
        ("postgresql+psycopg://reader:secret@127.0.0.1:1/sales", "does not answer"),
        ("nonsense", "is wrong, or its driver"),
        ("unknown://host/sales", "is wrong, or its driver"),
        ("duckdb:////nowhere/sales.duckdb", "does not answer"),
        ("sqlite:////nowhere/sales.db", "does not answer"),
    ],
)
def test_a_wrong_address_is_reported_and_other_tables_stay_available(monkeypatch, tmp_path, address, problem):
    pd.DataFrame({"x": [1.0, 2.0]}).to_parquet(tmp_path / "t.parquet")
    monkeypatch.setenv("CLUSTERING_TABLES", f"files={tmp_path}")
    monkeypatch.setenv("CLUSTERING_DATABASES", f"sales={address}")
    tables, problems = server_tables()
    assert list(tables) == ["files"]
    assert len(problems) == 1
    assert problem in problems[0]
    assert "secret" not in problems[0]
    assert "nowhere" not in problems[0]

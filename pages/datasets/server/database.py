"""Tables and views of a database, read with SQLAlchemy."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import Any

import pandas as pd

from pages.datasets.server.tables import Description, Part, ServerColumn, UnreadableTable

PART_ROWS = 2**18
"""number of rows that are read together"""
CONNECTION_TIMEOUT = 8
"""seconds within which a database must accept a connection"""
QUERY_TIMEOUT = 600
"""seconds within which a database must answer a query"""
ARGUMENTS = {
    "postgresql": {"connect_timeout": CONNECTION_TIMEOUT, "options": f"-c statement_timeout={QUERY_TIMEOUT}s"},
    "duckdb": {"read_only": True},  # otherwise only one process could open the file
}
"""arguments of a connection, by kind of database"""
ROW_NUMBER = {"sqlite": "rowid", "duckdb": "rowid"}
"""column with the number of each row of a table, by kind of database"""

WITHOUT_NUMBERS = "select wr from pragma_table_list where schema = 'main' and name = :name"
"""query whether a table of SQLite has no row numbers"""


@dataclass(frozen=True)
class DatabaseTable:
    """A table or view."""

    database: str
    """name of the database on the screen"""
    url: str
    table: str
    is_view: bool = False

    @property
    def name(self) -> str:
        return f"{self.database}: {self.table}"

    def describe(self) -> Description:
        from sqlalchemy import func, inspect, select

        with _connected(self.database, self.url) as connection:
            found = inspect(connection).get_columns(self.table)
            numbers = [column for column in found if _is_number(column["type"])]
            ends = [end(_number(column)) for column in numbers for end in (func.min, func.max)]
            rows, *values = connection.execute(select(func.count(), *ends).select_from(self._from())).one()
        ends = map(_known, values)
        ranges = {column["name"]: (next(ends), next(ends)) for column in numbers}
        columns = tuple(
            ServerColumn(
                column["name"], str(column["type"]), column["name"] in ranges, *ranges.get(column["name"], (None, None))
            )
            for column in found
        )
        return Description(columns, int(rows), "The number of rows and the ranges come from the database.")

    def parts(self, columns: list[str]) -> list[Part]:
        """Ranges of the primary key, if it is a single column of integers or dates, or of the number of each row.

        Otherwise, the rows are sorted by all columns and counted.
        """
        from sqlalchemy import func, select

        with _connected(self.database, self.url) as connection:
            key = self._key(connection)
            if key is None:
                n = connection.execute(select(func.count()).select_from(self._from())).scalar_one()
                return [CountedRows(self, tuple(columns), offset) for offset in range(0, n, PART_ROWS)]
            number = func.row_number().over(order_by=_column(key)).label("number")
            rows = select(_column(key).label("first"), number).select_from(self._from()).subquery()
            firsts = select(rows.c.first).where((rows.c.number - 1) % PART_ROWS == 0).order_by(rows.c.first)
            lows = list(connection.execute(firsts).scalars())
            last = connection.execute(select(func.max(_column(key))).select_from(self._from())).scalar()
        ends = [(low, below, None) for low, below in pairwise(lows)] + [(low, None, last) for low in lows[-1:]]
        return [KeyRange(self, key, *end) for end in ends]

    def _key(self, connection) -> str | None:
        """The column by which the table is divided; None if there is none."""
        from sqlalchemy import Date, DateTime, Integer, inspect, text

        kind = connection.dialect.name
        if self.is_view:
            return None
        if kind in ROW_NUMBER:
            without = kind == "sqlite" and connection.execute(text(WITHOUT_NUMBERS), {"name": self.table}).scalar()
            if not without:
                return ROW_NUMBER[kind]
        inspector = inspect(connection)
        names = inspector.get_pk_constraint(self.table)["constrained_columns"]
        types = {column["name"]: column["type"] for column in inspector.get_columns(self.table)}
        if len(names) == 1 and isinstance(types[names[0]], Integer | Date | DateTime):
            return names[0]
        return None

    def _from(self):
        from sqlalchemy import table

        return table(self.table)


@dataclass(frozen=True)
class KeyRange:
    """The rows whose key lies in a range."""

    table: DatabaseTable
    key: str
    low: Any
    below: Any
    """all keys are smaller; None in the last part"""
    last: Any = None
    """largest key, in the last part"""

    def read(self, columns: list[str]) -> pd.DataFrame:
        from sqlalchemy import select

        key = _column(self.key)
        end = key <= self.last if self.below is None else key < self.below
        return _read(self.table, select(*map(_column, columns)).where(key >= self.low, end).order_by(key), columns)


@dataclass(frozen=True)
class CountedRows:
    """`PART_ROWS` rows of a table without a key."""

    table: DatabaseTable
    order: tuple[str, ...]
    """columns by which the rows are sorted"""
    offset: int

    def read(self, columns: list[str]) -> pd.DataFrame:
        from sqlalchemy import select

        rows = select(*map(_column, columns)).order_by(*map(_column, self.order)).limit(PART_ROWS).offset(self.offset)
        return _read(self.table, rows, columns)


def database_tables(name: str, url: str) -> list[DatabaseTable]:
    """The tables and views in the default schema of a database; raises UnreadableTable if it cannot be opened."""
    from sqlalchemy import inspect

    with _connected(name, url) as connection:
        inspector = inspect(connection)
        schema = inspector.default_schema_name
        found = [DatabaseTable(name, url, table) for table in sorted(inspector.get_table_names(schema))]
        return found + [DatabaseTable(name, url, view, True) for view in sorted(inspector.get_view_names(schema))]


def _read(table: DatabaseTable, rows, columns: list[str]) -> pd.DataFrame:
    with _connected(table.database, table.url) as connection:
        return pd.DataFrame(connection.execute(rows.select_from(table._from())).all(), columns=columns)


def _column(name: str):
    from sqlalchemy import column

    return column(name)


def _is_number(kind) -> bool:
    from sqlalchemy import Boolean, Integer, Numeric

    return isinstance(kind, Integer | Numeric | Boolean)


def _number(column: dict):
    """A column of numbers in a query; PostgreSQL has no minimum of truth values."""
    from sqlalchemy import Boolean, Integer, cast

    found = _column(column["name"])
    return cast(found, Integer) if isinstance(column["type"], Boolean) else found


def _known(end: Any) -> float | None:
    """The end of a range; None if it is missing, text, or not a number."""
    number = float(end) if isinstance(end, int | float | Decimal) else math.nan
    return None if math.isnan(number) else number


@contextmanager
def _connected(name: str, url: str) -> Iterator[Any]:
    """A connection; raises errors of the database as UnreadableTable, without its address."""
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, NoSuchTableError, OperationalError, SQLAlchemyError

    ask = "Ask the operator of this server."
    try:
        with _engine(url).connect() as connection:
            yield connection
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError):
        text = f"The address of the database “{name}” is wrong, or its driver is not installed. {ask}"
        raise UnreadableTable(text) from None
    except NoSuchTableError:
        raise UnreadableTable(f"A table of the database “{name}” no longer exists. Choose another table. {ask}") from None
    except OperationalError:
        raise UnreadableTable(f"The database “{name}” does not answer, or refused a query. Try again later. {ask}") from None
    except SQLAlchemyError:
        text = f"The database “{name}” could not answer a query; a table or column may have vanished. {ask}"
        raise UnreadableTable(text) from None


@lru_cache(maxsize=16)
def _engine(url: str):
    """The engine for this database, one per process; connections are not kept."""
    from sqlalchemy import create_engine, make_url
    from sqlalchemy.pool import NullPool

    kind = make_url(url).get_backend_name()
    return create_engine(url, poolclass=NullPool, connect_args=ARGUMENTS.get(kind, {}))

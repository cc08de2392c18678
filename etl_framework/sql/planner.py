"""DuckDB's planner over tables without rows: what a query gives, and whether it would run."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from etl_framework.sql.dialect import Schema
from etl_framework.sql.quote import literal, quote
from etl_framework.sql.refused import refused

if TYPE_CHECKING:
    import duckdb

# Nothing is downloaded, and no name in SQL means a variable of Python.
CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
}


@cache
def _checker() -> duckdb.DuckDBPyConnection:
    import duckdb

    # One thread: what it does is so short that handing it to another takes longer.
    return duckdb.connect(config=CONFIG | {"enable_external_access": False, "threads": 1})


def scratch(timezone: str) -> duckdb.DuckDBPyConnection:
    """A session for a few rows of one's own, without any file; close it after."""
    session = _checker().cursor()
    session.execute(f"SET TimeZone = {literal(timezone)}")
    return session


class EmptyTables:
    """Tables without rows, for what DuckDB's planner tells of several queries; close it after."""

    def __init__(self) -> None:
        self._session = _checker().cursor()
        self._made: dict[str, str] = {}

    def describe(self, sql: str, schema: Schema) -> list[tuple[str, str]]:
        """Name and DuckDB type of each column that a query gives.

        :param schema: table to column to DuckDB type, for every table the query names.
        :raises PlanError: DuckDB would refuse the query.
        """
        import duckdb

        try:
            for table, columns in schema.items():
                made = f"{quote(table)} ({_definitions(columns)})"
                if self._made.get(table) != made:
                    self._session.execute(f"CREATE OR REPLACE TEMP TABLE {made}")
                    self._made[table] = made
            try:
                found = self._session.sql(sql)  # binds it only: half the work of DESCRIBE
                return list(zip(found.columns, map(str, found.types), strict=True))
            except duckdb.Error:  # which tells no place
                rows = self._session.execute(f"DESCRIBE {sql}").fetchall()
            return [(str(row[0]), str(row[1])) for row in rows]
        except duckdb.Error as error:
            raise refused(error) from error

    def close(self) -> None:
        """Drop them."""
        self._session.close()


def describe(sql: str, schema: Schema) -> list[tuple[str, str]]:
    """Name and DuckDB type of each column that one query gives, without any data.

    :param schema: table to column to DuckDB type, for every table the query names.
    :raises PlanError: DuckDB would refuse the query.
    """
    tables = EmptyTables()
    try:
        return tables.describe(sql, schema)
    finally:
        tables.close()


def query_plan(sql: str, schema: Schema) -> str:
    """How DuckDB would go about a query, over empty tables.

    :param schema: as for `describe`.
    """
    session = _checker().cursor()
    try:
        for table, columns in schema.items():
            session.execute(f"CREATE TEMP TABLE {quote(table)} ({_definitions(columns)})")
        found = session.execute(f"EXPLAIN {sql}").fetchall()
        return "\n".join(str(row[-1]).rstrip() for row in found)
    finally:
        session.close()


def _definitions(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{quote(name)} {type_}" for name, type_ in columns.items())

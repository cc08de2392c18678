"""The embedded engine: DuckDB in this process, within a memory limit, spilling to disk."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from etl_framework.engines.refused import refused
from etl_framework.sql.dialect import Schema
from etl_framework.sql.quote import literal, quote

if TYPE_CHECKING:
    import duckdb

# At least so many, also on fewer cores: DuckDB then groups rows in more and smaller partitions,
# which fit the caches. On two cores that takes a third off a GROUP BY of ten million rows.
THREADS = 4
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
}


class DuckDBEngine:
    """One DuckDB for one run; every step has a session of its own in it.

    :param memory_limit: as DuckDB writes it, `400MB`; shared by all sessions.
    :param threads: as many as there are cores, and no fewer than `THREADS`, when None.
    :param spill: folder for what does not fit.
    """

    name = "duckdb"

    def __init__(self, memory_limit: str, threads: int | None, spill: Path, timezone: str) -> None:
        import duckdb

        spill.mkdir(parents=True, exist_ok=True)
        self._database = duckdb.connect(config=_CONFIG)
        self._database.execute(f"SET memory_limit = {literal(memory_limit)}")
        self._database.execute(f"SET temp_directory = {literal(str(spill))}")
        self._database.execute("SET preserve_insertion_order = false")
        self._timezone = timezone
        self._database.execute(f"SET threads = {threads or max(os.cpu_count() or 1, THREADS)}")

    def session(self) -> duckdb.DuckDBPyConnection:
        """A connection for one step; close it after."""
        session = self._database.cursor()
        session.execute(f"SET TimeZone = {literal(self._timezone)}")
        return session

    def close(self) -> None:
        """Give back the memory."""
        self._database.close()


@cache
def _checker() -> duckdb.DuckDBPyConnection:
    import duckdb

    # One thread: what it does is so short that handing it to another takes longer.
    return duckdb.connect(config=_CONFIG | {"enable_external_access": False, "threads": 1})


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

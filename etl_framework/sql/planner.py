"""Ask DuckDB's planner, over tables without rows, what a query gives and whether it would run."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from etl_framework.sql.dialect import Schema
from etl_framework.sql.quote import literal, quote
from etl_framework.sql.refusal import refused, sentence

if TYPE_CHECKING:
    import duckdb

Config = dict[str, str | bool | int | float | list[str]]


def config() -> Config:
    """The settings of every DuckDB: it downloads nothing, and takes no name for one of Python's."""
    import duckdb

    settings: Config = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "python_enable_replacements": False,
    }
    if int(duckdb.__version__.partition(".")[0]) >= 2:  # sqlglot 30.15 writes `x -> x + 1`
        settings["lambda_syntax"] = "ENABLE_SINGLE_ARROW"
    return settings


@cache
def _checker() -> duckdb.DuckDBPyConnection:
    import duckdb

    # One thread: each task is so short that handing it to another thread would take longer.
    return duckdb.connect(config=config() | {"enable_external_access": False, "threads": 1})


def scratch(timezone: str) -> duckdb.DuckDBPyConnection:
    """Open a session for a few temporary rows, without any file; the caller closes it."""
    session = _checker().cursor()
    session.execute(f"SET TimeZone = {literal(timezone)}")
    return session


@cache
def pattern_error(pattern: str) -> str:
    """Why DuckDB cannot read a regular expression; empty if it can."""
    import duckdb

    try:
        _checker().cursor().execute("SELECT REGEXP_MATCHES('', ?)", [pattern])
    except duckdb.Error as error:
        return sentence(str(error))
    return ""


@cache
def reserved() -> frozenset[str]:
    """The words that DuckDB takes for names only in quotes, in lower case."""
    rows = _checker().execute(
        "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category <> 'unreserved'"
    )
    return frozenset(str(word) for (word,) in rows.fetchall())


class EmptyTables:
    """Tables without rows, to ask DuckDB's planner about several queries; the caller closes it."""

    def __init__(self) -> None:
        self._session = _checker().cursor()
        self._made: dict[str, str] = {}

    def describe(self, sql: str, schema: Schema) -> list[tuple[str, str]]:
        """The name and DuckDB type of every column that a query gives.

        :param schema: the DuckDB types of the columns of every table that the query names.
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
                relation = self._session.sql(sql)  # only binds it: half the work of DESCRIBE
                return list(zip(relation.columns, map(str, relation.types), strict=True))
            except duckdb.Error:  # without a place, which DESCRIBE adds
                rows = self._session.execute(f"DESCRIBE {sql}").fetchall()
            return [(str(row[0]), str(row[1])) for row in rows]
        except duckdb.Error as error:
            raise refused(error) from error

    def close(self) -> None:
        """Drop the tables."""
        self._session.close()


def describe(sql: str, schema: Schema) -> list[tuple[str, str]]:
    """The name and DuckDB type of every column that one query gives; reads no data.

    :param schema: the DuckDB types of the columns of every table that the query names.
    :raises PlanError: DuckDB would refuse the query.
    """
    tables = EmptyTables()
    try:
        return tables.describe(sql, schema)
    finally:
        tables.close()


def query_plan(sql: str, schema: Schema) -> str:
    """DuckDB's plan of a query, over empty tables.

    :param schema: as for `describe`.
    """
    session = _checker().cursor()
    try:
        for table, columns in schema.items():
            session.execute(f"CREATE TEMP TABLE {quote(table)} ({_definitions(columns)})")
        rows = session.execute(f"EXPLAIN {sql}").fetchall()
        return "\n".join(str(row[-1]).rstrip() for row in rows)
    finally:
        session.close()


def _definitions(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{quote(name)} {type_}" for name, type_ in columns.items())

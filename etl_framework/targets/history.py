"""Runs and the results of their checks in the warehouse: the tables `etl_runs` and `etl_checks`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from etl_framework.columns import MASK, Column, columns_of
from etl_framework.sql.quote import names, quote
from etl_framework.targets.base import Warehouse
from etl_framework.targets.ledger import Statement
from etl_framework.targets.publication import lock_name
from etl_framework.targets.tables import Table
from etl_framework.targets.target import Target

RUNS, CHECKS = "etl_runs", "etl_checks"
# A row of each table, in the order of its columns.
Row = tuple[Any, ...]
# What both tables begin with: which record of which run.
_RECORD = {
    "record": "varchar(256)",
    "run_id": "varchar(512)",
    "pipeline": "varchar(63)",
    "environment": "varchar(63)",
    "interval_start": "timestamptz",
    "interval_end": "timestamptz",
    "started_at": "timestamptz",
}
RUN_COLUMNS = columns_of(
    {
        **_RECORD,
        "ended_at": "timestamptz",
        "state": "varchar(16)",
        "started_by": "varchar(512)",
        "user_name": "varchar(256)",
        "host": "varchar(256)",
        "project_commit": "varchar(64)",
        "version": "varchar(64)",
        "rows_read": "bigint",
        "rows_rejected": "bigint",
        "rows_quarantined": "bigint",
        "rows_published": "bigint",
        "error": "varchar(4096)",
        "steps": "varchar(65535)",
    }
)
CHECK_COLUMNS = columns_of(
    {
        **_RECORD,
        "relation": "varchar(256)",
        "check_name": "varchar(1024)",
        "status": "varchar(16)",
        "failing_rows": "bigint",
        "checked_rows": "bigint",
        "measure": "double precision",
        "note": "varchar(4096)",
    }
)
# How many rows, and about how many characters, one statement has; the Data API takes 100 KB.
BATCH, CHARACTERS = 100, 40_000


def history_tables(connection: str) -> list[Table]:
    """The definitions of the tables in the database of a connection."""
    return [
        Table(
            Target(connection=connection, table=RUNS),
            RUN_COLUMNS,
            "Every run and, on Airflow, every task of it that told something; also failed ones.",
        ),
        Table(
            Target(connection=connection, table=CHECKS),
            CHECK_COLUMNS,
            "The result of every check of every run.",
        ),
    ]


def known(warehouse: Warehouse, pipeline: str, since: str) -> set[str]:
    """The records of a pipeline that the tables have, from a record's name on."""
    if not warehouse.table_columns(RUNS):
        return set()
    sql = f"SELECT record FROM {quote(RUNS)} WHERE pipeline = ? AND record >= ?"
    return {str(record) for (record,) in warehouse.query(sql, (pipeline, since))[1]}


def add(warehouse: Warehouse, connection: str, runs: Sequence[Row], checks: Sequence[Row]) -> None:
    """Add rows of records that the tables do not have; those that they have are left out.

    :raises StepError: the database refuses it.
    :raises RetryableError: the database does not answer.
    """
    target = Target(connection=connection, table=RUNS)
    locks = warehouse.lock_tables([target])
    warehouse.prepare([*history_tables(connection), *locks])
    # Checks first: whether they are there is asked of the table of runs.
    statements = [*_inserts(CHECKS, CHECK_COLUMNS, checks), *_inserts(RUNS, RUN_COLUMNS, runs)]
    warehouse.together(statements, [lock_name(RUNS)] if locks else ())


def forget(warehouse: Warehouse, pipelines: Sequence[str], before: Any) -> int:
    """Delete the rows of pipelines' runs that have started before a moment; return their number."""
    if not pipelines or not warehouse.table_columns(RUNS):
        return 0
    listed = ", ".join("?" * len(pipelines))
    where = f"WHERE started_at < ? AND pipeline IN ({listed})"
    values = (before, *pipelines)
    warehouse.execute(f"DELETE FROM {quote(CHECKS)} {where}", values)
    return warehouse.execute(f"DELETE FROM {quote(RUNS)} {where}", values)


def hide(warehouse: Warehouse, pipeline: str, texts: Sequence[str]) -> None:
    """Mask texts in what the tables say of a pipeline's runs."""
    if not warehouse.table_columns(RUNS):
        return
    statements: list[Statement] = []
    for table, columns in ((RUNS, ("error", "started_by", "steps")), (CHECKS, ("note",))):
        for column, text in product(columns, texts):
            name = quote(column)
            sql = (
                f"UPDATE {quote(table)} SET {name} = REPLACE({name}, ?, ?) "
                f"WHERE pipeline = ? AND STRPOS({name}, ?) > 0"
            )
            statements.append((sql, (text, MASK, pipeline, text)))
    warehouse.together(statements)


def _inserts(table: str, columns: Sequence[Column], rows: Sequence[Row]) -> Iterator[Statement]:
    """Statements that insert rows of records which the table of runs does not have.

    INSERT INTO "etl_runs" ("record", …) SELECT * FROM (
        SELECT CAST(? AS varchar(256)), … UNION ALL SELECT …
    ) AS added ("record", …) WHERE "record" NOT IN (SELECT record FROM "etl_runs" WHERE …)
    """
    listed = names([column.name for column in columns])
    row = "SELECT " + ", ".join(f"CAST(? AS {column.type})" for column in columns)
    for some in _batches(rows):
        records = sorted({values[0] for values in some})
        places = ", ".join("?" * len(records))
        sql = (
            f"INSERT INTO {quote(table)} ({listed}) SELECT * FROM ("
            f"{' UNION ALL '.join([row] * len(some))}) AS added ({listed}) WHERE record NOT IN "
            f"(SELECT record FROM {quote(RUNS)} WHERE record IN ({places}))"
        )
        yield sql, tuple(value for values in some for value in values) + tuple(records)


def _batches(rows: Sequence[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    size = 0
    for row in rows:
        characters = sum(len(str(value)) for value in row)
        if batch and (len(batch) == BATCH or size + characters > CHARACTERS):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += characters
    if batch:
        yield batch

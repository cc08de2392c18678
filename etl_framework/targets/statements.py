"""The statements that bring a stage's rows into its target, by strategy."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from etl_framework import ledger
from etl_framework.interval import DataInterval
from etl_framework.ledger import LedgerEntry
from etl_framework.sql.quote import names, quote, quote_table

if TYPE_CHECKING:
    from etl_framework.targets.base import Load

Statement = tuple[str, tuple[Any, ...]]
OF_INTERVAL = "pipeline = ? AND interval_start = ? AND interval_end = ?"


def statements(load: Load, stage: str, entry: LedgerEntry) -> list[Statement]:
    """SQL with `?` for values, in order; the same on every warehouse.

    Rows are appended once per data interval: the ledger tells whether they were.

    Deleting is always DELETE: TRUNCATE commits in Redshift.
    """
    table = quote_table(load.target.table)
    columns = names([column.name for column in load.columns])
    insert = f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {quote(stage)}"
    if load.target.strategy == "replace":
        return [(f"DELETE FROM {table}", ()), (insert, ())]
    if load.target.strategy == "merge":
        same = " AND ".join(
            f"{table}.{quote(key)} = {quote(stage)}.{quote(key)}" for key in load.target.unique_key
        )
        return [(f"DELETE FROM {table} USING {quote(stage)} WHERE {same}", ()), (insert, ())]
    if load.target.strategy == "delete+insert":
        key = quote(str(load.target.incremental_key))
        slice_ = bounds(load, entry.interval)
        return [(f"DELETE FROM {table} WHERE {key} >= ? AND {key} < ?", slice_), (insert, ())]
    known = (
        f" WHERE NOT EXISTS (SELECT 1 FROM {quote(ledger.TABLE)} WHERE {OF_INTERVAL} "
        "AND POSITION(? IN targets) > 0)"
    )
    return [(insert + known, (*_interval(entry), json.dumps({"table": load.target.table})[1:-1]))]


def recorded(entry: LedgerEntry) -> list[Statement]:
    """What writes the ledger's row of a data interval, in the place of an earlier one."""
    table, columns = quote(ledger.TABLE), [column.name for column in ledger.COLUMNS]
    places = ", ".join("?" for _ in columns)
    return [
        (f"DELETE FROM {table} WHERE {OF_INTERVAL}", _interval(entry)),
        (f"INSERT INTO {table} ({names(columns)}) VALUES ({places})", entry.values()),
    ]


def _interval(entry: LedgerEntry) -> tuple[Any, ...]:
    return entry.pipeline, entry.interval.start, entry.interval.end


def bounds(load: Load, interval: DataInterval) -> tuple[Any, Any]:
    """The interval as the incremental key holds time: in the zone, local, or whole days."""
    types = {column.name: column.type.name for column in load.columns}
    kind = types[str(load.target.incremental_key)]
    if kind == "timestamptz":
        return interval.start, interval.end
    start, end = interval.start.replace(tzinfo=None), interval.end.replace(tzinfo=None)
    if kind == "date":
        return start.date(), end.date()
    return start, end

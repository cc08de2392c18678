"""Tables that were emptied or made anew while the ledger lists rows of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from etl_framework.sql.quote import quote, quote_table
from etl_framework.targets import ledger
from etl_framework.targets.base import Warehouse
from etl_framework.targets.ledger import LedgerEntry
from etl_framework.targets.load import Load


def lost_rows(
    warehouse: Warehouse, loads: Sequence[Load], entry: LedgerEntry
) -> Iterator[tuple[str, str]]:
    """Every table without the rows of other data intervals that the ledger lists, and what to do.

    It is asked before the run's rows are loaded.
    """
    if not warehouse.table_columns(ledger.TABLE):
        return
    for load in loads:
        if load.target.loads_by.holds_newest or not _is_empty(warehouse, load.target.table):
            continue
        named, values = ledger.naming(load.target.table)
        without, facts = ledger.naming(load.target.table, strategy=load.target.strategy, rows=0)
        sql = (
            f"SELECT COUNT(*), MIN(interval_start), MAX(interval_start) FROM {quote(ledger.TABLE)} "
            f"WHERE pipeline = ? AND interval_start <> ? AND {named} AND NOT ({without})"
        )
        given = (entry.pipeline, entry.interval.start, *values, *facts)
        ((count, first, last),) = warehouse.query(sql, given)[1]
        if int(count):
            days = f"--from {_day(first, entry)} --to {_day(last, entry)}"
            yield (
                load.target.table,
                f"was empty, and the ledger lists {int(count):,} other data intervals of it: "
                f"etl restate {entry.pipeline} {days} loads them again",
            )


def _is_empty(warehouse: Warehouse, table: str) -> bool:
    if not warehouse.table_columns(table):
        return True
    return not warehouse.query(f"SELECT 1 FROM {quote_table(table)} LIMIT 1")[1]


def _day(moment: datetime | str, entry: LedgerEntry) -> str:
    """The day of a moment in the pipeline's time zone, as `2024-06-25`."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return f"{moment.astimezone(entry.interval.start.tzinfo):%Y-%m-%d}"

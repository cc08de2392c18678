"""Tables that were emptied or made anew while the ledger lists rows of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from etl_framework.sql.quote import quote, quote_table
from etl_framework.targets import ledger
from etl_framework.targets.base import Warehouse
from etl_framework.targets.ledger import LedgerEntry
from etl_framework.targets.load import Load
from etl_framework.targets.published import moment

# How many spans of data intervals are named.
SPANS = 3


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
            f"SELECT interval_start, interval_end FROM {quote(ledger.TABLE)} WHERE pipeline = ? "
            f"AND interval_start <> ? AND {named} AND NOT ({without}) ORDER BY interval_start"
        )
        given = (entry.pipeline, entry.interval.start, *values, *facts)
        if listed := warehouse.query(sql, given)[1]:
            intervals = [(moment(start), moment(end)) for start, end in listed]
            spans = list(_spans(intervals, (entry.interval.start, entry.interval.end)))
            commands = [
                f"etl restate {entry.pipeline} --from {_day(first, entry)} --to {_day(last, entry)}"
                for first, last in spans[:SPANS]
            ]
            more = f" (and {len(spans) - SPANS} more spans)" if len(spans) > SPANS else ""
            yield (
                load.target.table,
                f"was empty, and the ledger lists {len(listed):,} other data intervals of it: "
                f"{' and '.join(commands)}{more} loads them again",
            )


def _spans(
    intervals: Sequence[tuple[datetime, datetime]], own: tuple[datetime, datetime]
) -> Iterator[tuple[datetime, datetime]]:
    """The first and last start of intervals that follow one another: no restate has gaps.

    :param own: the interval of the run, which may stand between them.
    """
    first, (last, end) = intervals[0][0], intervals[0]
    for start, its_end in intervals[1:]:
        if start != end and (end, start) != own:
            yield first, last
            first = start
        last, end = start, its_end
    yield first, last


def _is_empty(warehouse: Warehouse, table: str) -> bool:
    if not warehouse.table_columns(table):
        return True
    return not warehouse.query(f"SELECT 1 FROM {quote_table(table)} LIMIT 1")[1]


def _day(start: datetime, entry: LedgerEntry) -> str:
    """The day of a moment in the pipeline's time zone, as `2024-06-25`."""
    return f"{start.astimezone(entry.interval.start.tzinfo):%Y-%m-%d}"

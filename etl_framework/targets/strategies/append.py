"""`append`: rows are added, and `snapshot`: a copy of all rows is added."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from etl_framework.sql.quote import quote, quote_table
from etl_framework.targets import ledger
from etl_framework.targets.ledger import LedgerEntry, Statement
from etl_framework.targets.strategies.base import (
    INTERVAL_COLUMN,
    Guard,
    RowsOf,
    Strategy,
    insert,
    keys_once,
    marked,
    of_interval,
)

if TYPE_CHECKING:
    from etl_framework.targets.load import Load
    from etl_framework.targets.target import Target


ALL_AGAIN = (
    "write `strategy: replace`, `snapshot` for a copy of each interval, or `merge` for rows that "
    "change; or read the interval's rows alone: {{ interval.date }} in a path, `incremental_key`, "
    "or a condition in the SQL"
)


class Append(Strategy):
    """The rows are added; those that an earlier run of the data interval added are replaced.

    A target that forbids the column of the data interval takes each interval once: its rows cannot
    be told from others, so that a correction is refused.
    """

    name = "append"
    rows_of: ClassVar[RowsOf] = "interval"
    marks_rows = True

    def replaces(self, target: Target) -> bool:
        return bool(target.interval_column)

    def keeps_intervals(self, target: Target) -> bool:
        return bool(target.interval_column)

    def guards(self, load: Load, stage: str, entry: LedgerEntry) -> Iterator[Guard]:
        if load.by_interval is False and not load.target.rows_of:
            yield _all_again(load, entry)
        if not load.target.interval_column:
            yield _corrected(load, entry)
            return
        yield from marked(load, entry)
        yield from keys_once(load, stage, entry, ALL_AGAIN)

    def statements(self, load: Load, stage: str, entry: LedgerEntry) -> list[Statement]:
        if not load.target.interval_column:
            return [insert(load, stage, entry, _unless_added(load, entry))]
        condition, values = of_interval(load, entry.interval)
        table = quote_table(load.target.table)
        return [(f"DELETE FROM {table} WHERE {condition}", values), insert(load, stage, entry)]


class Snapshot(Append):
    """All rows are added, as they were in the data interval; its earlier copy is replaced."""

    name = "snapshot"
    dates_all_rows = True
    rows_of: ClassVar[RowsOf] = "any"

    def guards(self, load: Load, stage: str, entry: LedgerEntry) -> Iterator[Guard]:
        return iter(())


def _all_again(load: Load, entry: LedgerEntry) -> Guard:
    """Other data intervals in a table that gets all rows in each."""
    named, values = ledger.naming(load.target.table)
    within = "interval_start >= ? AND interval_end <= ?"
    return Guard(
        f"SELECT COUNT(*) FROM {quote(ledger.TABLE)} WHERE pipeline = ? AND NOT ({within}) "
        f"AND {named} AND EXISTS (SELECT 1 FROM {quote_table(load.target.table)})",
        (*entry.of_interval, *values),
        f"each run brings all rows that there are, and {load.target.table} has those of another "
        "data interval already",
        ALL_AGAIN,
    )


def _corrected(load: Load, entry: LedgerEntry) -> Guard:
    """The rows of an interval that was added before, if they are more or fewer now."""
    target = load.target
    listed, values = _listed(load, entry)
    as_now, values_now = _listed(load, entry, strategy=target.strategy, rows=load.rows)
    filled = f"SELECT 1 FROM {quote_table(target.table)}"
    return Guard(
        f"SELECT COUNT(*) FROM (SELECT {load.rows} AS now) AS given "
        f"WHERE EXISTS ({listed}) AND EXISTS ({filled}) AND NOT EXISTS ({as_now})",
        (*values, *values_now),
        f"{target.table} has other rows of {entry.interval} than the {load.rows:,} that there are "
        "now, and none of its columns tells which",
        f"take `interval_column: false` out of the target: rows then say in {INTERVAL_COLUMN} "
        "where they came from, and can be replaced",
    )


def _unless_added(load: Load, entry: LedgerEntry) -> Statement:
    """The condition that the table lacks the interval's rows: by the ledger, or as it is empty."""
    listed, values = _listed(load, entry)
    filled = f"SELECT 1 FROM {quote_table(load.target.table)}"
    return f" WHERE NOT EXISTS ({listed}) OR NOT EXISTS ({filled})", values


def _listed(load: Load, entry: LedgerEntry, **facts: Any) -> Statement:
    """A query for the ledger's row of the data interval, if it names the target."""
    named, values = ledger.naming(load.target.table, **facts)
    found = f"SELECT 1 FROM {quote(ledger.TABLE)} WHERE {ledger.OF_INTERVAL} AND {named}"
    return found, (*entry.of_interval, *values)

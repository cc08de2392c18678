"""`replace` and `truncate+insert`: the rows are the table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from etl_framework.sql.quote import quote, quote_table
from etl_framework.targets import ledger
from etl_framework.targets.ledger import LedgerEntry, Statement
from etl_framework.targets.strategies.base import Guard, Strategy, insert

if TYPE_CHECKING:
    from etl_framework.targets.load import Load


class Replace(Strategy):
    """The rows are the table."""

    name = "replace"
    rows_of = "all"
    holds_newest = True

    def guards(self, load: Load, stage: str, entry: LedgerEntry) -> Iterator[Guard]:
        if load.by_interval and load.older == "refuse":
            newer, values = _newer(load, entry)
            yield Guard(
                f"SELECT COUNT(*) FROM ({newer}) AS newer",
                values,
                f"{load.target.table} holds the rows of a newer data interval, and those of "
                f"{entry.interval} would take their place",
                "to keep the rows of each interval, write `strategy: append` or `delete+insert`; "
                "to go back to the older rows, run with --replace-newer",
            )

    def statements(self, load: Load, stage: str, entry: LedgerEntry) -> list[Statement]:
        condition, values = _unless_newer(load, entry)
        delete = f"DELETE FROM {quote_table(load.target.table)}{condition}"
        return [(delete, values), insert(load, stage, entry, (condition, values))]

    def inserted(self, load: Load, stage: str, entry: LedgerEntry) -> Statement:
        query, values = super().inserted(load, stage, entry)
        condition, given = _unless_newer(load, entry)
        return query + condition, (*values, *given)


class TruncateInsert(Replace):
    """The table is emptied, and the rows are inserted; as `replace` in all that one can see.

    It is emptied by DELETE: TRUNCATE commits in Redshift, and keeps readers out in PostgreSQL.
    """

    name = "truncate+insert"


def _unless_newer(load: Load, entry: LedgerEntry) -> Statement:
    """The condition that the table holds no newer data interval, if it is to be left then.

    All rows that there are take the place of others in every run.
    """
    if load.older != "keep" or load.by_interval is False:
        return "", ()
    newer, values = _newer(load, entry)
    return f" WHERE NOT EXISTS ({newer})", values


def _newer(load: Load, entry: LedgerEntry) -> Statement:
    """A query for the newer data intervals that the ledger lists for the table.

    A table that somebody emptied holds none of them: it has no row, and the ledger tells of some.
    """
    target = load.target
    named, values = ledger.naming(target.table)
    without, facts = ledger.naming(target.table, strategy=target.strategy, rows=0)
    filled = f"EXISTS (SELECT 1 FROM {quote_table(target.table)})"
    sql = (
        f"SELECT 1 FROM {quote(ledger.TABLE)} WHERE pipeline = ? AND interval_start > ? "
        f"AND {named} AND ({filled} OR {without})"
    )
    return sql, (entry.pipeline, entry.interval.start, *values, *facts)

"""`scd2`: the history of rows, a version of each for as long as it was so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from etl_framework.columns import Column, ColumnType
from etl_framework.interval import DataInterval
from etl_framework.sql.as_of import VALID_FROM as FROM
from etl_framework.sql.as_of import VALID_TO as TO
from etl_framework.sql.quote import names, quote, quote_table
from etl_framework.targets import ledger
from etl_framework.targets.ledger import LedgerEntry, Statement
from etl_framework.targets.strategies.base import same_key
from etl_framework.targets.strategies.merge import Merge

if TYPE_CHECKING:
    from etl_framework.targets.load import Load
    from etl_framework.targets.target import Target

CURRENT = "is_current"


class Scd2(Merge):
    """A row that differs from the version of its `unique_key` begins a new one (history, type 2).

    A version is valid from the start of the first data interval that gave it to the start of the
    first one that gave another, and so on for any order of runs: what an interval gives is put
    between the versions before and behind it, in the place of what it gave earlier.
    """

    name = "scd2"
    dates_all_rows = True
    marks_rows = False
    missing: ClassVar[tuple[str, ...]] = ("keep", "close")

    def last_wins(self, target: Target) -> bool:
        return False

    def restates(self, target: Target) -> bool:
        return True

    def own_columns(self, target: Target) -> tuple[Column, ...]:
        return self.history_columns(target)

    def history_columns(self, target: Target) -> tuple[Column, ...]:
        moment, truth = ColumnType.parse("timestamptz"), ColumnType.parse("boolean")
        return (
            Column(name=FROM, type=moment, description="From when the row was like this."),
            Column(name=TO, type=moment, description="Until when; empty if it still is."),
            Column(name=CURRENT, type=truth, description="Whether it still is."),
        )

    def statements(self, load: Load, stage: str, entry: LedgerEntry) -> list[Statement]:
        table, versions = quote_table(load.table), quote(f"{stage}_versions")
        columns = names([*(column.name for column in load.columns), FROM, TO, CURRENT])
        if self._gives_changes(load):
            touched, given = self._of_given_rows(load, stage), ()
            made, values = self._changed(load, stage, entry, touched)
        else:
            following, given = self._following(load, entry)
            touched = f"({TO} IS NULL OR {TO} >= ?) AND {FROM} <= COALESCE(({following}), {FROM})"
            made, values = self._versions(load, stage, entry, touched)
        return [
            (f"CREATE TEMP TABLE {versions} AS SELECT {columns} FROM {table} WHERE 1 = 0", ()),
            (f"INSERT INTO {versions} ({columns}) {made}", values),
            (f"DELETE FROM {table} WHERE {touched}", (entry.interval.start, *given)),
            (f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {versions}", ()),
        ]

    def inserted(self, load: Load, stage: str, entry: LedgerEntry) -> Statement:
        return f"SELECT COUNT(*) FROM {quote(f'{stage}_versions')}", ()

    def held(self, load: Load, interval: DataInterval) -> Statement:
        count = f"SELECT COUNT(*) FROM {quote_table(load.target.table)}"
        return f"{count} WHERE {FROM} >= ? AND {FROM} < ?", (interval.start, interval.end)

    def _following(self, load: Load, entry: LedgerEntry) -> Statement:
        """A query for the start of the next data interval that was published; NULL if none was."""
        named, values = ledger.naming(load.target.table)
        newer = "pipeline = ? AND interval_start > ?"
        query = f"SELECT MIN(interval_start) FROM {quote(ledger.TABLE)} WHERE {newer} AND {named}"
        return query, (entry.pipeline, entry.interval.start, *values)

    def _versions(self, load: Load, stage: str, entry: LedgerEntry, touched: str) -> Statement:
        """A query for the versions around the interval, as they are with what it gives.

        What was valid in the interval is cut out of the versions that touch it; what the interval
        gives is put there; pieces of one version that follow one another are joined.
        """
        columns = names([column.name for column in load.columns])
        table, start = quote_table(load.table), entry.interval.start
        following, given = self._following(load, entry)
        pieces = [
            (
                f"SELECT {columns}, ? AS {FROM}, begins_at AS {TO} "
                f"FROM {quote(stage)}, next_interval",
                (start,),
            ),
            (f"SELECT {columns}, {FROM}, ? FROM touched WHERE {FROM} < ?", (start, start)),
            (
                f"SELECT {columns}, begins_at, {TO} FROM touched, next_interval "
                f"WHERE begins_at IS NOT NULL AND ({TO} IS NULL OR {TO} > begins_at)",
                (),
            ),
        ]
        if self._keeps_missing(load):
            pieces.append(
                (
                    f"SELECT {columns}, ?, begins_at FROM touched, next_interval WHERE {FROM} <= ? "
                    f"AND ({TO} IS NULL OR {TO} > ?) AND NOT EXISTS (SELECT 1 FROM "
                    f"{quote(stage)} WHERE {_same(load, stage, 'touched')})",
                    (start, start, start),
                )
            )
        sql = (
            f"WITH next_interval (begins_at) AS ({following}), "
            f"touched AS (SELECT {columns}, {FROM}, {TO} FROM {table} WHERE {touched}), "
            f"{_joined(columns, [sql for sql, _ in pieces])}"
        )
        values = (*given, start, *given, *(value for _, more in pieces for value in more))
        return sql, values

    def _changed(self, load: Load, stage: str, entry: LedgerEntry, touched: str) -> Statement:
        """A query for the versions of the rows that the interval gives, as they are with these.

        Nothing was seen of a row in intervals that do not give it: a version lasts until the next
        one begins.
        """
        columns = names([column.name for column in load.columns])
        table, start = quote_table(load.table), entry.interval.start
        keys = names(load.target.unique_key)
        same = _same(load, stage, "following")
        pieces = [
            f"SELECT {columns}, {FROM}, ? AS {TO} FROM touched WHERE {FROM} < ?",
            f"SELECT {columns}, {FROM}, {TO} FROM touched WHERE {FROM} > ?",
            f"SELECT {names([c.name for c in load.columns], f'{quote(stage)}.')}, ?, begins_at "
            f"FROM {quote(stage)} LEFT JOIN following ON {same}",
        ]
        sql = (
            f"WITH touched AS (SELECT {columns}, {FROM}, {TO} FROM {table} WHERE {touched}), "
            f"following AS (SELECT {keys}, MIN({FROM}) AS begins_at FROM touched "
            f"WHERE {FROM} > ? GROUP BY {keys}), {_joined(columns, pieces)}"
        )
        return sql, (start,) * 6

    def _of_given_rows(self, load: Load, stage: str) -> str:
        """The condition of the versions that may change: of the rows that are given, from then."""
        same = same_key(load, stage, load.target.unique_key)
        return f"({TO} IS NULL OR {TO} >= ?) AND EXISTS (SELECT 1 FROM {quote(stage)} WHERE {same})"

    def _gives_changes(self, load: Load) -> bool:
        """Whether a row is given in the intervals alone in which it is new or has changed."""
        return self._keeps_missing(load) and load.by_interval is not False

    def _keeps_missing(self, load: Load) -> bool:
        """Whether a row that the interval does not give stays as it was."""
        if load.target.on_missing:
            return load.target.on_missing == "keep"
        return load.by_interval is not False


def _joined(columns: str, pieces: Sequence[str]) -> str:
    """The rest of a query for versions: pieces of one that follow one another become one."""
    each = f"PARTITION BY {columns} ORDER BY {FROM}"
    return (
        f"pieces AS ({' UNION ALL '.join(pieces)}), "
        f"begun AS (SELECT *, CASE WHEN LAG({TO}) OVER ({each}) = {FROM} THEN 0 ELSE 1 END "
        "AS etl_begins FROM pieces), "
        f"versions AS (SELECT *, SUM(etl_begins) OVER ({each} ROWS UNBOUNDED PRECEDING) "
        "AS etl_version FROM begun) "
        f"SELECT {columns}, MIN({FROM}) AS {FROM}, CASE WHEN COUNT({TO}) = COUNT(*) "
        f"THEN MAX({TO}) END AS {TO}, COUNT({TO}) < COUNT(*) AS {CURRENT} "
        f"FROM versions GROUP BY {columns}, etl_version"
    )


def _same(load: Load, stage: str, other: str) -> str:
    return " AND ".join(
        f"{quote(stage)}.{quote(key)} = {other}.{quote(key)}" for key in load.target.unique_key
    )

"""Rows of a table that are placed in time by a key: those of an interval, and those without."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from etl_framework.errors import CheckFailedError
from etl_framework.interval import DataInterval
from etl_framework.sql.quote import quote, quote_table

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor


@dataclass(frozen=True)
class Placed:
    """The incremental key of a table.

    :param key: what the table calls it.
    :param zoned: whether its values are moments, and no local times.
    :param where: the condition that all rows meet; empty for none.
    :param takes_null: whether rows without a value are read in every interval.
    """

    table: str
    key: str
    zoned: bool
    where: str
    takes_null: bool

    def condition(self, cursor: Cursor, start: datetime | None, end: datetime) -> str:
        """The condition that rows between two moments of the pipeline's time zone meet.

        :param start: None for all rows before `end`.
        """
        key = quote(self.key)
        inside = f"{key} < {self._written(cursor, end)}"
        if start:
            inside = f"{key} >= {self._written(cursor, start)} AND {inside}"
        return f"({inside} OR {key} IS NULL)" if self.takes_null else inside

    def _written(self, cursor: Cursor, moment: datetime) -> str:
        value = moment if self.zoned else moment.replace(tzinfo=None)
        return cursor.mogrify("%s", (value,)).decode()

    def refuse_null(self, cursor: Cursor) -> None:
        """Refuse rows without a value, which belong to no interval.

        :raises CheckFailedError: there are such rows.
        """
        rows = self._count(cursor, [f"{quote(self.key)} IS NULL"])
        if rows:
            raise CheckFailedError(
                f"{rows:,} row{'s' if rows > 1 else ''} of {self.table} without '{self.key}' "
                f"belong{'' if rows > 1 else 's'} to no data interval and would never be read",
                hint="write on_null_key: quarantine to keep such rows aside, or include to read "
                "them in every interval; or leave them out: where",
            )

    def counts(self, cursor: Cursor, intervals: Sequence[DataInterval]) -> list[int]:
        """How many rows each interval has now."""
        return [self._count(cursor, [self.condition(cursor, i.start, i.end)]) for i in intervals]

    def _count(self, cursor: Cursor, conditions: list[str]) -> int:
        given = [f"({self.where})"] if self.where else []
        met = " AND ".join([*given, *conditions])
        cursor.execute(f"SELECT count(*) FROM {quote_table(self.table)} WHERE {met}")
        ((rows,),) = cursor.fetchall()
        return int(rows)

"""The rows of a table that came from other data intervals than that of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import ClassVar

from etl_framework.columns import Column
from etl_framework.errors import Diagnostic, StepError
from etl_framework.interval import DataInterval
from etl_framework.sql.quote import names, quote, quote_table
from etl_framework.storage.outcome import CheckResult
from etl_framework.targets import ledger
from etl_framework.targets.base import Warehouse
from etl_framework.targets.columns import name_there
from etl_framework.targets.ledger import Statement
from etl_framework.targets.load import Load
from etl_framework.targets.published import COLUMNS, published, runs_of

# The check of what earlier runs have loaded.
EARLIER_ROWS = "earlier_rows"


@dataclass(frozen=True)
class Earlier:
    """What a run reads of a table that earlier runs loaded.

    :param load: the table and its columns.
    :param interval: that of the run.
    :param time: the data intervals before it; None for all others.
    :param own: read the rows of the run's data interval too; else they are left out.
    """

    pipeline: str
    load: Load
    interval: DataInterval
    time: DataInterval | None
    own: bool = False

    # Whether the warehouse stays as it is, and need not be there.
    read_only: ClassVar[bool] = True

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that SQL sees."""
        return self.load.columns

    def query(self, warehouse: Warehouse) -> Statement | None:
        """A query for the rows, with the KPI's columns and types; None if there is no table.

        A column that the table does not have yet is empty.

        :raises StepError: the table cannot become what the KPI declares.

        For example:

            SELECT CAST("day" AS DATE) AS "day", CAST(NULL AS BIGINT) AS "plays"
            FROM "plays" WHERE "etl_interval_start" >= ? AND "etl_interval_start" < ?
        """
        here = self._here(warehouse)
        if not here:
            return None
        selected = self._selected(warehouse, self.load.columns, here)
        condition, values = self._condition(here)
        return f"{selected} WHERE {condition}", values

    def _here(self, warehouse: Warehouse) -> set[str]:
        """The names of the table's columns, in lower case; none if there is no table.

        :raises StepError: the table cannot become what the KPI declares.
        """
        here = {name.lower() for name in warehouse.table_columns(self.load.target.table)}
        wanted = replace(self.load.wanted, apply=f"etl apply {self.pipeline}")
        _, refused = warehouse.changes(wanted) if here else ([], None)
        if refused:
            raise refused
        return here

    def _selected(self, warehouse: Warehouse, columns: Sequence[Column], here: set[str]) -> str:
        """A query for some columns of all rows."""
        there = [(column, name_there(column, here)) for column in columns]
        listed = ", ".join(
            f"CAST({quote(name) if name else 'NULL'} AS {warehouse.type_name(column)}) "
            f"AS {quote(column.name)}"
            for column, name in there
        )
        return f"SELECT {listed} FROM {quote_table(self.load.target.table)}"

    def _condition(self, here: set[str]) -> Statement:
        target = self.load.target
        own = [column.name.lower() for column in target.loads_by.own_columns(target)]
        if not here.issuperset(own):  # a table from before rows knew their data interval
            return ("1 = 0" if self.time else "1 = 1"), ()
        load = self.load.as_it_is(here)
        if self.time:
            end = self.interval.end if self.own else self.time.end
            return target.loads_by.within(load, DataInterval(self.time.start, end))
        if self.own:
            return "1 = 1", ()
        condition, values = target.loads_by.within(load, self.interval)
        return f"NOT COALESCE({condition}, FALSE)", values

    def runs(self, warehouse: Warehouse) -> dict[str, str]:
        """The runs that have loaded the rows, by the keys of their data intervals."""
        if not warehouse.table_columns(ledger.TABLE):
            return {}
        listed = f"SELECT {names(COLUMNS)} FROM {quote(ledger.TABLE)} WHERE pipeline = ?"
        rows = published(warehouse.query(listed, (self.pipeline,))[1])
        time = self.time
        if time and self.own:
            time = DataInterval(time.start, self.interval.end)
        return runs_of(rows, self.load.target.table, time, None if self.own else self.interval)

    def lost(self, runs: Mapping[str, str], rows: int) -> tuple[CheckResult, ...]:
        """A warning if there are no rows, and the ledger lists runs that have loaded some."""
        if rows or not runs:
            return ()
        table, zone = self.load.target.table, self.interval.start.tzinfo
        first, last = (
            datetime.strptime(key[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).astimezone(zone)
            for key in (min(runs), max(runs))
        )
        note = (
            f"has no rows of the {len(runs):,} data intervals that the ledger lists: etl restate "
            f"{self.pipeline} --from {first:%Y-%m-%d} --to {last:%Y-%m-%d} loads them again"
        )
        return (CheckResult(EARLIER_ROWS, table, "warning", 0, 0, note),)


@dataclass(frozen=True)
class Read:
    """What a run has read of a table, and by which runs it had been loaded then.

    :param place: where the pipeline's file declares the KPI that reads it: path, line, column.
    """

    earlier: Earlier
    runs: Mapping[str, str]
    place: tuple[str, int, int]

    def changed(self, warehouse: Warehouse) -> Diagnostic | None:
        """What is wrong if another run has published one of these data intervals since then."""
        if self.earlier.runs(warehouse) == self.runs:
            return None
        table = self.earlier.load.target.table
        message = f"another run changed {table} after this one had read it"
        hint = "run it again; runs of one pipeline that read its earlier data intervals take turns"
        return Diagnostic(*self.place, StepError.code, message, hint)

"""The history of a KPI as a run is going to leave it, for the SQL of the same run."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import ClassVar

from etl_framework.columns import Column
from etl_framework.sql.quote import names, quote
from etl_framework.targets import ledger
from etl_framework.targets.base import Warehouse
from etl_framework.targets.earlier import Earlier
from etl_framework.targets.ledger import LedgerEntry, Statement

COPY, STAGE = "etl_history", "etl_given"


class Versions(Earlier):
    """The versions that have begun before the end of a run's data interval.

    What begins or ends later is left out, so that a run in order and a later one read the same.
    """

    read_only: ClassVar[bool] = False

    @property
    def columns(self) -> tuple[Column, ...]:
        return (*self.load.columns, *self.load.target.loads_by.history_columns(self.load.target))

    def query(self, warehouse: Warehouse) -> Statement:
        """A query for the versions; the run's rows are put between those of a copy of the table.

        For example:

            SELECT "id", "valid_from", CASE WHEN "valid_to" < ? THEN "valid_to" END AS "valid_to",
                COALESCE("valid_to" >= ?, TRUE) AS "is_current"
            FROM "etl_history" WHERE "valid_from" < ?
        """
        self._copied(warehouse)
        if not self.own:
            self._bring(warehouse)
        start, end, current = self.load.target.loads_by.history_columns(self.load.target)
        ends = quote(end.name)
        own = names([column.name for column in self.load.columns])
        return (
            f"SELECT {own}, {quote(start.name)}, CASE WHEN {ends} < ? THEN {ends} END AS {ends}, "
            f"COALESCE({ends} >= ?, TRUE) AS {quote(current.name)} FROM {quote(COPY)} "
            f"WHERE {quote(start.name)} < ?"
        ), (self.interval.end,) * 3

    def _copied(self, warehouse: Warehouse) -> None:
        """Make a temporary table with what earlier runs have loaded."""
        columns = self.load.wanted.columns
        warehouse.execute(f"CREATE TEMP TABLE {quote(COPY)} ({warehouse.definitions(columns)})")
        if here := self._here(warehouse):
            listed = names([column.name for column in columns])
            selected = self._selected(warehouse, columns, here)
            warehouse.execute(f"INSERT INTO {quote(COPY)} ({listed}) {selected}")

    def _bring(self, warehouse: Warehouse) -> None:
        """Bring the run's rows into the copy, as publishing will bring them into the table."""
        if not warehouse.table_columns(ledger.TABLE):
            columns = warehouse.definitions(ledger.COLUMNS)
            warehouse.execute(f"CREATE TEMP TABLE {quote(ledger.TABLE)} ({columns})")
        load = replace(self.load, copy=COPY)
        entry = LedgerEntry(self.pipeline, self.interval, "", "", datetime.now(UTC), (), (), ())
        warehouse.stage(load, STAGE)
        for statement in load.target.loads_by.statements(load, STAGE, entry):
            warehouse.execute(*statement)

"""What a target is, and the transaction that all targets of a run share."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from etl_framework import ledger
from etl_framework.checks.primary_key import PrimaryKey
from etl_framework.columns import TABLE_NAME, Column
from etl_framework.connections.base import Connection
from etl_framework.errors import StepError
from etl_framework.interval import DataInterval
from etl_framework.ledger import LedgerEntry
from etl_framework.model import Model, Name
from etl_framework.sql.quote import names, quote, quote_table
from etl_framework.targets.statements import bounds, statements

Strategy = Literal["append", "replace", "merge", "delete+insert"]


class Target(Model):
    """The table that a KPI's rows go to."""

    connection: Name = Field(description="Where the table lies, a name in `environments.yml`.")
    table: str = Field(pattern=TABLE_NAME, description="The table, with its schema if it has one.")
    strategy: Strategy = Field(
        "replace",
        description="`replace`: the run's rows are the table. `append`: added once per interval."
        " `merge`: rows of the same `unique_key` are replaced. `delete+insert`: rows of the data"
        " interval, by `incremental_key`, are replaced.",
    )
    unique_key: list[str] = Field([], description="For `merge`: columns that tell rows apart.")
    incremental_key: str | None = Field(
        None, description="For `delete+insert`: the date or timestamp that places a row in time."
    )

    @model_validator(mode="after")
    def _keys_of_the_strategy(self) -> Target:
        if self.strategy == "merge" and not self.unique_key:
            raise ValueError("strategy 'merge' needs 'unique_key'")
        if self.strategy == "delete+insert" and not self.incremental_key:
            raise ValueError("strategy 'delete+insert' needs 'incremental_key'")
        return self


@dataclass(frozen=True)
class Load:
    """The rows of one KPI, on their way into its target.

    :param files: Parquet files whose columns are `columns`, in order.
    """

    target: Target
    columns: tuple[Column, ...]
    files: tuple[str, ...]
    rows: int


class Warehouse(ABC):
    """A database that targets lie in, connected."""

    connects: ClassVar[type[Connection]]

    @classmethod
    @abstractmethod
    def open(cls, connection: Any, root: Path, *, read_only: bool) -> Warehouse:
        """Connect.

        :raises RetryableError: it does not answer, or another process has it.
        """

    @abstractmethod
    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run one statement with `?` for values; returns the rows it changed."""

    @abstractmethod
    def query(
        self, sql: str, values: Sequence[Any] = ()
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Column names and rows of a SELECT."""

    @abstractmethod
    def table_columns(self, table: str) -> dict[str, str]:
        """Name and type of each column of a table in order; empty when there is no such table."""

    @abstractmethod
    def stage(self, load: Load, name: str) -> None:
        """Make the rows of `load` readable as the temporary relation `name`."""

    @abstractmethod
    def type_name(self, column: Column) -> str:
        """What this database calls the column's type."""

    @abstractmethod
    def lock(self, tables: Sequence[str]) -> None:
        """Keep other runs out of the tables until the transaction ends."""

    @abstractmethod
    def cancel(self) -> None:
        """Stop the statement that is running; called from another thread."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection; what is not committed is undone."""

    def publish(self, loads: Sequence[Load], entry: LedgerEntry) -> LedgerEntry:
        """Change every target and write the ledger row, in one transaction.

        :returns: the entry as written, with the rows that each target got.
        :raises StepError: a target exists with other columns than the KPI has.
        """
        stages = {load.target.table: f"etl_stage_{number}" for number, load in enumerate(loads)}
        for load in loads:
            self.stage(load, stages[load.target.table])
        self.execute("BEGIN")
        self._create(ledger.TABLE, ledger.COLUMNS)
        for load in loads:
            self._create(load.target.table, load.columns)
        self.lock([ledger.TABLE, *sorted(stages)])
        appended = self._appended(entry)
        for load in loads:
            if load.target.strategy == "append" and load.target.table in appended:
                continue
            self._repeatable(load, stages[load.target.table], entry.interval)
            for sql, values in statements(load, stages[load.target.table], entry.interval):
                self.execute(sql, values)
        written = replace(entry, targets=self._counts(loads))
        self._record(written)
        self.execute("COMMIT")
        return written

    def _repeatable(self, load: Load, stage: str, interval: DataInterval) -> None:
        """Refuse rows that the same run, repeated, would not replace but add again.

        :raises StepError: rows outside the data interval, or without a key of their own.
        """
        table, staged = load.target.table, quote(stage)
        if load.target.strategy == "delete+insert":
            key = quote(str(load.target.incremental_key))
            outside = f"{key} IS NULL OR {key} < ? OR {key} >= ?"
            sql = f"SELECT COUNT(*) FROM {staged} WHERE {outside}"
            if wrong := self._number(sql, bounds(load, interval)):
                raise StepError(
                    f"{wrong:,} rows for {table} have a {key} outside of {interval}",
                    hint="select only the interval's rows: WHERE ... >= {{ interval.start }} "
                    "AND ... < {{ interval.end }}",
                )
        if load.target.strategy == "merge":
            check = PrimaryKey(type="primary_key", columns=load.target.unique_key)
            groups = check.groups(staged)
            if wrong := self._number(f"SELECT COALESCE(SUM(failing), 0) FROM ({groups}) AS keys"):
                raise StepError(
                    f"{wrong:,} rows for {table} have no unique_key of their own",
                    hint=f"give one row for each {', '.join(load.target.unique_key)}, never empty",
                )

    def _number(self, sql: str, values: Sequence[Any] = ()) -> int:
        _, ((number,),) = self.query(sql, values)
        return int(number)

    def _create(self, table: str, columns: Sequence[Column]) -> None:
        """Create a table that is missing; refuse one with other columns."""
        found = self.table_columns(table)
        if not found:
            schema, _, _ = table.rpartition(".")
            if schema:
                self.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}")
            self.execute(f"CREATE TABLE {quote_table(table)} ({self._definitions(columns)})")
            return
        wanted = {column.name: self.type_name(column) for column in columns}
        if found != wanted:
            lines = [f"{name} {type_}" for name, type_ in found.items()]
            raise StepError(
                f"the table {table} has other columns than the KPI: it has {', '.join(lines)}",
                hint=f"change the KPI's columns, or: DROP TABLE {quote_table(table)}; the next run "
                f"makes it as ({self._definitions(columns)})",
            )

    def _definitions(self, columns: Sequence[Column]) -> str:
        return ", ".join(f"{quote(column.name)} {self.type_name(column)}" for column in columns)

    def _appended(self, entry: LedgerEntry) -> set[str]:
        """Tables that the ledger already has rows of this interval for."""
        sql = (
            f"SELECT targets FROM {quote(ledger.TABLE)} "
            "WHERE pipeline = ? AND interval_start = ? AND interval_end = ?"
        )
        values = (entry.pipeline, entry.interval.start, entry.interval.end)
        _, rows = self.query(sql, values)
        return {target["table"] for (targets,) in rows for target in json.loads(targets)}

    def _counts(self, loads: Sequence[Load]) -> tuple[dict[str, Any], ...]:
        return tuple(
            {"table": load.target.table, "strategy": load.target.strategy, "rows": load.rows}
            for load in loads
        )

    def _record(self, entry: LedgerEntry) -> None:
        table, columns = quote(ledger.TABLE), [column.name for column in ledger.COLUMNS]
        key = (entry.pipeline, entry.interval.start, entry.interval.end)
        self.execute(
            f"DELETE FROM {table} WHERE pipeline = ? AND interval_start = ? AND interval_end = ?",
            key,
        )
        places = ", ".join("?" for _ in columns)
        self.execute(f"INSERT INTO {table} ({names(columns)}) VALUES ({places})", entry.values())


__all__ = ["Load", "Strategy", "Target", "Warehouse"]

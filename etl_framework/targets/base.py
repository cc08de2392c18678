"""The transaction that all targets of a run share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from etl_framework import ledger
from etl_framework.checks.primary_key import PrimaryKey
from etl_framework.columns import Column
from etl_framework.connections.base import Connection
from etl_framework.errors import Diagnostic, StepError
from etl_framework.interval import DataInterval
from etl_framework.ledger import LedgerEntry
from etl_framework.sql.quote import quote
from etl_framework.targets.statements import Statement, bounds, recorded, statements
from etl_framework.targets.tables import Table, Tables
from etl_framework.targets.target import Target


@dataclass(frozen=True)
class Load:
    """The rows of one KPI, on their way into its target.

    :param files: Parquet files whose columns are `columns`, in order.
    :param manifest: where in S3 the list of these files lies, when staging is there.
    :param staged: a table of the same database that holds the rows, in place of files.
    """

    target: Target
    columns: tuple[Column, ...]
    files: tuple[str, ...]
    rows: int
    manifest: str = ""
    staged: str = ""
    description: str = ""

    @property
    def wanted(self) -> Table:
        """The target as it should be."""
        return Table(self.target, self.columns, self.description)


class Warehouse(Tables):
    """A database that targets lie in, connected."""

    connects: ClassVar[type[Connection]]
    # Whether it reads rows from S3 by itself, by a load's manifest.
    reads_manifests: ClassVar[bool] = False

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
    def stage(self, load: Load, name: str) -> None:
        """Make the rows of `load` readable as the temporary relation `name`."""

    @abstractmethod
    def lock_statements(self, tables: Sequence[str]) -> list[str]:
        """What keeps other runs out of the tables until the transaction ends."""

    def transaction(self, statements: Sequence[Statement]) -> None:
        """Run statements in one transaction; all of them or none take effect."""
        self.execute("BEGIN")
        for sql, values in statements:
            self.execute(sql, values)
        self.execute("COMMIT")

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
            self._repeatable(load, stages[load.target.table], entry.interval)
        self._prepare([ledger_table(loads[0].target.connection), *(load.wanted for load in loads)])
        written = replace(entry, targets=self._counts(loads))
        # The locks come first: then every other statement sees what is committed before it.
        changes: list[Statement] = [
            (sql, ()) for sql in self.lock_statements([ledger.TABLE, *sorted(stages)])
        ]
        for load in loads:
            changes += statements(load, stages[load.target.table], entry)
        self.transaction([*changes, *recorded(written)])
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

    def _prepare(self, tables: Sequence[Table]) -> None:
        """Create tables that are missing, add columns that are; or do nothing, and refuse."""
        changes = []
        refused: list[Diagnostic] = []
        for table in tables:
            found, error = self.changes(table)
            changes += found
            refused += error.diagnostics if error else ()
        if refused:
            raise StepError(refused)
        for sql in changes:
            self.execute(sql)

    def _counts(self, loads: Sequence[Load]) -> tuple[dict[str, Any], ...]:
        return tuple(
            {"table": load.target.table, "strategy": load.target.strategy, "rows": load.rows}
            for load in loads
        )


def ledger_table(connection: str) -> Table:
    """The ledger as it should be, beside the targets of a connection."""
    return Table(Target(connection=connection, table=ledger.TABLE), ledger.COLUMNS, ledger.WHAT)

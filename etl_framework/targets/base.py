"""Databases that hold targets, and the transaction that changes all targets of a run."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Self

from etl_framework.connections.base import Connection
from etl_framework.errors import ConfigError, DataMissingError, Diagnostic, StepError
from etl_framework.interval import DataInterval
from etl_framework.plugins import below, import_all
from etl_framework.sql.quote import names, quote
from etl_framework.targets import ledger
from etl_framework.targets.ledger import LedgerEntry, Statement
from etl_framework.targets.load import Load
from etl_framework.targets.tables import Table, Tables
from etl_framework.targets.target import Target


class Warehouse(Tables):
    """A connection to a database that holds targets."""

    connects: ClassVar[type[Connection]]
    # Whether the database itself reads rows from S3, with the manifest of a load.
    reads_manifests: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def open(cls, connection: Any, root: Path, *, read_only: bool) -> Warehouse:
        """Connect to the database.

        :raises RetryableError: the database does not answer, or another process uses it.
        """

    @abstractmethod
    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Run one statement, with `?` for values, and return the number of rows that it changed."""

    @abstractmethod
    def query(
        self, sql: str, values: Sequence[Any] = ()
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Run a SELECT, and return its column names and its rows."""

    @abstractmethod
    def stage(self, load: Load, name: str) -> None:
        """Make the rows of `load` available as a temporary relation called `name`."""

    @abstractmethod
    def lock_statements(self, tables: Sequence[str]) -> list[str]:
        """Return statements that keep other runs out of the tables until the transaction ends."""

    def transaction(self, statements: Sequence[Statement]) -> None:
        """Run statements in one transaction: either all of them take effect or none."""
        self.execute("BEGIN")
        for sql, values in statements:
            self.execute(sql, values)
        self.execute("COMMIT")

    @abstractmethod
    def cancel(self) -> None:
        """Stop the running statement; another thread calls this."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection; uncommitted changes are rolled back."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def publish(self, loads: Sequence[Load], entry: LedgerEntry) -> LedgerEntry:
        """Change every target and write the ledger row, in one transaction.

        :returns: the ledger entry, with the number of rows loaded into each target.
        :raises StepError: a target has other columns than the KPI.
        """
        stages = {load.target.table: f"etl_stage_{number}" for number, load in enumerate(loads)}
        for load in loads:
            self.stage(load, stages[load.target.table])
            self._refuse_unrepeatable(load, stages[load.target.table], entry.interval)
        self._prepare([ledger_table(loads[0].target.connection), *(load.wanted for load in loads)])
        written = replace(entry, targets=self._counts(loads))
        # The locks come first, so that every other statement sees all changes committed before.
        changes: list[Statement] = [
            (sql, ()) for sql in self.lock_statements([ledger.TABLE, *sorted(stages)])
        ]
        for load in loads:
            changes += load.target.loads_by.statements(load, stages[load.target.table], entry)
        self.transaction([*changes, *written.statements()])
        return written

    def _refuse_unrepeatable(self, load: Load, stage: str, interval: DataInterval) -> None:
        """Refuse rows that a repeated run would add a second time instead of replacing them.

        :raises StepError: there are such rows.
        """
        for limit in load.target.loads_by.limits(load, stage, interval):
            if rows := self._number(limit.count, limit.values):
                raise StepError(f"{rows:,} rows {limit.what}", limit.hint)

    def _number(self, sql: str, values: Sequence[Any] = ()) -> int:
        _, ((number,),) = self.query(sql, values)
        return int(number)

    def _prepare(self, tables: Sequence[Table]) -> None:
        """Create missing tables and add missing columns.

        :raises StepError: a table must not be changed as needed; no table is changed then.
        """
        changes = []
        refused: list[Diagnostic] = []
        for table in tables:
            statements, error = self.changes(table)
            changes += statements
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
    """Return the definition of the ledger table in the database of a connection."""
    return Table(Target(connection=connection, table=ledger.TABLE), ledger.COLUMNS, ledger.WHAT)


def warehouse_for(connection: Connection) -> type[Warehouse] | None:
    """Return the class that loads into connections of this kind, or None if there is none.

    One that is made from another warehouse counts where it says itself what it connects to.
    """
    import_all(__package__ or "")
    warehouses: list[type[Warehouse]] = [
        kind for kind in below(Warehouse) if "connects" in vars(kind)
    ]
    for warehouse in sorted(warehouses, key=lambda kind: kind.__name__):
        if isinstance(connection, warehouse.connects):
            return warehouse
    return None


def open_warehouse(connection: Connection, root: Path, *, read_only: bool = False) -> Warehouse:
    """Connect to a warehouse; use it in a `with` statement, which closes it.

    :raises ConfigError: a connection of this kind cannot hold targets.
    :raises RetryableError: the warehouse does not answer, or another process uses it.
    """
    warehouse = warehouse_for(connection)
    if warehouse is None:
        kind = getattr(connection, "type", "")
        raise ConfigError(f"a connection of type '{kind}' cannot hold targets")
    return warehouse.open(connection, root, read_only=read_only)


def ledger_rows(
    connection: Connection, root: Path, columns: list[str], where: str, values: Sequence[Any]
) -> list[tuple[Any, ...]]:
    """Return rows of a connection's ledger; no rows if nothing was ever published.

    :param where: the condition after WHERE, with `?` for values.
    :raises RetryableError: the warehouse does not answer.
    """
    try:
        with open_warehouse(connection, root, read_only=True) as warehouse:
            if not warehouse.table_columns(ledger.TABLE):
                return []
            sql = f"SELECT {names(columns)} FROM {quote(ledger.TABLE)} WHERE {where}"
            return warehouse.query(sql, values)[1]
    except DataMissingError:  # the file of the database does not exist yet
        return []

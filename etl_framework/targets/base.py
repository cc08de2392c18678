"""The transaction that all targets of a run share."""

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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def publish(self, loads: Sequence[Load], entry: LedgerEntry) -> LedgerEntry:
        """Change every target and write the ledger row, in one transaction.

        :returns: the entry as written, with the rows that each target got.
        :raises StepError: a target exists with other columns than the KPI has.
        """
        stages = {load.target.table: f"etl_stage_{number}" for number, load in enumerate(loads)}
        for load in loads:
            self.stage(load, stages[load.target.table])
            self._refuse_unrepeatable(load, stages[load.target.table], entry.interval)
        self._prepare([ledger_table(loads[0].target.connection), *(load.wanted for load in loads)])
        written = replace(entry, targets=self._counts(loads))
        # The locks come first: then every other statement sees what is committed before it.
        changes: list[Statement] = [
            (sql, ()) for sql in self.lock_statements([ledger.TABLE, *sorted(stages)])
        ]
        for load in loads:
            changes += load.target.loads_by.statements(load, stages[load.target.table], entry)
        self.transaction([*changes, *written.statements()])
        return written

    def _refuse_unrepeatable(self, load: Load, stage: str, interval: DataInterval) -> None:
        """Refuse rows that the same run, repeated, would not replace but add again.

        :raises StepError: the strategy's limits are passed.
        """
        for limit in load.target.loads_by.limits(load, stage, interval):
            if rows := self._number(limit.count, limit.values):
                raise StepError(f"{rows:,} rows {limit.what}", limit.hint)

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


def warehouse_for(connection: Connection) -> type[Warehouse] | None:
    """The class that loads into a connection of this kind; None when nothing can.

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
    """A connected warehouse, for a `with` statement that closes it.

    :raises ConfigError: a connection of this kind cannot hold targets.
    :raises RetryableError: it does not answer, or another process has it.
    """
    warehouse = warehouse_for(connection)
    if warehouse is None:
        kind = getattr(connection, "type", "")
        raise ConfigError(f"a connection of type '{kind}' cannot hold targets")
    return warehouse.open(connection, root, read_only=read_only)


def ledger_rows(
    connection: Connection, root: Path, columns: list[str], where: str, values: Sequence[Any]
) -> list[tuple[Any, ...]]:
    """Rows of the ledger beside a connection's targets; none where nothing was ever published.

    :param where: what follows WHERE, with `?` for values.
    :raises RetryableError: the warehouse does not answer.
    """
    try:
        with open_warehouse(connection, root, read_only=True) as warehouse:
            if not warehouse.table_columns(ledger.TABLE):
                return []
            sql = f"SELECT {names(columns)} FROM {quote(ledger.TABLE)} WHERE {where}"
            return warehouse.query(sql, values)[1]
    except DataMissingError:  # a database in a file that is not there yet
        return []

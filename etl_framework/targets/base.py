"""What a target is, and the transaction that all targets of a run share."""

from __future__ import annotations

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
from etl_framework.errors import Diagnostic, StepError
from etl_framework.interval import DataInterval
from etl_framework.ledger import LedgerEntry
from etl_framework.model import Model, Name
from etl_framework.sql.quote import quote, quote_table
from etl_framework.targets.statements import Statement, bounds, recorded, statements

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
    create: bool = Field(True, description="Whether a run may make the table when it is missing.")
    dist_style: Literal["auto", "even", "all"] | None = Field(
        None, description="In Redshift: how rows are spread over the nodes."
    )
    dist_key: str | None = Field(
        None, description="In Redshift: rows of the same value lie on the same node."
    )
    sort_key: list[str] = Field([], description="In Redshift: columns that rows are sorted by.")

    @model_validator(mode="after")
    def _keys_of_the_strategy(self) -> Target:
        if self.strategy == "merge" and not self.unique_key:
            raise ValueError("strategy 'merge' needs 'unique_key'")
        if self.strategy == "delete+insert" and not self.incremental_key:
            raise ValueError("strategy 'delete+insert' needs 'incremental_key'")
        if self.dist_key and self.dist_style:
            raise ValueError("give either 'dist_style' or 'dist_key'")
        return self


@dataclass(frozen=True)
class Load:
    """The rows of one KPI, on their way into its target.

    :param files: Parquet files whose columns are `columns`, in order.
    :param manifest: where in S3 the list of these files lies, when staging is there.
    """

    target: Target
    columns: tuple[Column, ...]
    files: tuple[str, ...]
    rows: int
    manifest: str = ""


class Warehouse(ABC):
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
    def table_columns(self, table: str) -> dict[str, str]:
        """Name and type of each column of a table in order; empty when there is no such table."""

    @abstractmethod
    def stage(self, load: Load, name: str) -> None:
        """Make the rows of `load` readable as the temporary relation `name`."""

    @classmethod
    @abstractmethod
    def type_name(cls, column: Column) -> str:
        """What this database calls the column's type."""

    @classmethod
    def layout(cls, target: Target) -> str:
        """What stands behind the columns of a new table."""
        return ""

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
        of_ledger = Target(connection=loads[0].target.connection, table=ledger.TABLE)
        self._prepare([(of_ledger, ledger.COLUMNS)] + [(x.target, x.columns) for x in loads])
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

    def _prepare(self, tables: Sequence[tuple[Target, Sequence[Column]]]) -> None:
        """Create tables that are missing, add columns that are; or do nothing, and refuse."""
        changes = []
        refused: list[Diagnostic] = []
        for target, columns in tables:
            found, error = self.changes(target, columns)
            changes += found
            refused += error.diagnostics if error else ()
        if refused:
            raise StepError(refused)
        for sql in changes:
            self.execute(sql)

    def changes(
        self, target: Target, columns: Sequence[Column]
    ) -> tuple[list[str], StepError | None]:
        """What has to be done so that a table has these columns; or why that is refused."""
        table, found = target.table, self.table_columns(target.table)
        if not found:
            made = self.create_table(target, columns)
            if target.create:
                return made, None
            return [], StepError(
                f"there is no table {table}, and its target has `create: false`",
                hint="; ".join(made),
            )
        here = {name.lower(): type_ for name, type_ in found.items()}
        wanted = {column.name.lower(): self.type_name(column) for column in columns}
        missing = [column for column in columns if column.name.lower() not in here]
        if any(wanted.get(name) != type_ for name, type_ in here.items()):
            lines = [f"{name} {type_}" for name, type_ in found.items()]
            return [], StepError(
                f"the table {table} has other columns than the KPI: it has {', '.join(lines)}",
                hint=f"change the KPI's columns, or: DROP TABLE {quote_table(table)}; the next run "
                f"makes it as ({self.definitions(columns)})",
            )
        return [
            f"ALTER TABLE {quote_table(table)} ADD COLUMN {self.definitions([column])}"
            for column in missing
        ], None

    @classmethod
    def create_table(cls, target: Target, columns: Sequence[Column]) -> list[str]:
        """The statements that make a table, and its schema if it names one."""
        schema, _, _ = target.table.rpartition(".")
        made = [f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}"] if schema else []
        table = quote_table(target.table)
        definitions = cls.definitions(columns)
        return [*made, f"CREATE TABLE IF NOT EXISTS {table} ({definitions}){cls.layout(target)}"]

    @classmethod
    def definitions(cls, columns: Sequence[Column]) -> str:
        """Columns as CREATE TABLE lists them."""
        return ", ".join(f"{quote(column.name)} {cls.type_name(column)}" for column in columns)

    def _counts(self, loads: Sequence[Load]) -> tuple[dict[str, Any], ...]:
        return tuple(
            {"table": load.target.table, "strategy": load.target.strategy, "rows": load.rows}
            for load in loads
        )


__all__ = ["Load", "Strategy", "Target", "Warehouse"]

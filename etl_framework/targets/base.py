"""Databases that hold targets, and the transaction that changes all targets of a run."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

from etl_framework.columns import Column
from etl_framework.connections.base import Connection
from etl_framework.errors import (
    Diagnostic,
    RetryableError,
    StepError,
)
from etl_framework.sql.conditions import redshift_condition
from etl_framework.sql.quote import names, quote
from etl_framework.storage.outcome import CheckResult
from etl_framework.targets import ledger
from etl_framework.targets.alteration import Transaction
from etl_framework.targets.checks import check_targets, rows_before
from etl_framework.targets.files import files_table
from etl_framework.targets.ledger import LedgerEntry, Statement
from etl_framework.targets.load import Load
from etl_framework.targets.publication import (
    Publication,
    found_by,
    ledger_table,
    lock_name,
    lock_table,
)
from etl_framework.targets.shape import Shape
from etl_framework.targets.tables import Table, Tables
from etl_framework.targets.target import Target
from etl_framework.targets.usage import Usage
from etl_framework.targets.waiting import Holder, waited

if TYPE_CHECKING:
    import pyarrow as pa

    from etl_framework.storage.s3 import S3Prefix
    from etl_framework.targets.earlier import Read

# How often tables are made, where other runs make the same ones.
CREATIONS = 5


class Committed(NamedTuple):
    """What a transaction did.

    :param rows: how many were inserted into each target.
    :param checks: the results of the checks of whole targets.
    """

    rows: list[int]
    checks: list[CheckResult]


class Warehouse(Tables):
    """A connection to a database that holds targets."""

    connects: ClassVar[type[Connection]]
    # Whether the database itself reads rows from S3, with the manifest of a load.
    reads_manifests: ClassVar[bool] = False
    # Whether statements of a transaction are sent one by one.
    interactive: bool = True
    # The schema of tables that are named without one.
    home: str = "public"
    # A query for the number of schemas of a name.
    schema_sql: ClassVar[str] = "SELECT COUNT(*) FROM pg_namespace WHERE nspname = ?"
    # How long to wait for a lock.
    lock_seconds = 300
    # A query for table, process, user and start of the transactions that hold locks, up to the list
    # of tables.
    holders_sql: ClassVar[str] = ""

    def settle(self, schema: str, *, read_only: bool) -> None:
        """Let tables without a schema in their names lie in a schema, which is made if missing.

        :raises DataMissingError: it is missing, and the warehouse is only read.
        """
        self.home = schema
        if not self.number(self.schema_sql, (schema,)) and not read_only:
            try:
                self.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}")
            except StepError:  # another run has made it at the same moment
                if not self.number(self.schema_sql, (schema,)):
                    raise
        self.execute(f"SET search_path TO {quote(schema)}")

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
    def batches(
        self, sql: str, values: Sequence[Any], schema: pa.Schema, scratch: S3Prefix | None
    ) -> Iterator[pa.RecordBatch]:
        """Run a SELECT, and yield its rows a part at a time.

        :param schema: the columns of the rows; types may be others that the values fit.
        :param scratch: where the database may put files that are read and then deleted.
        """

    @abstractmethod
    def stage(self, load: Load, name: str) -> None:
        """Make the rows of `load` available as a temporary relation called `name`."""

    @classmethod
    def lock_tables(cls, targets: Iterable[Target]) -> list[Table]:
        """Return tables that keep runs of the same target apart, and that no reader touches."""
        return list({lock_name(target.table): lock_table(target) for target in targets}.values())

    @abstractmethod
    def lock(self, tables: Sequence[str]) -> list[str]:
        """Return statements that keep other runs out of the tables until the transaction ends."""

    def keep_out(self, tables: Sequence[str]) -> list[str]:
        """Return statements that keep all others from writing to tables, also who is no run."""
        return []

    def lock_limits(self, seconds: int) -> list[str]:
        """Return statements that bound the waits for locks of those which follow.

        :param seconds: 0 for what the connection bounds every statement with.
        """
        return []

    @contextmanager
    def waiting_for(self, tables: Sequence[str]) -> Iterator[None]:
        """Wait for locks of tables for a bounded time, in a transaction or outside.

        :raises RetryableError: others have held a lock all the time; the error names them.
        """
        for sql in self.lock_limits(self.lock_seconds):
            self.execute(sql)
        with self.telling_holders(tables):
            yield
        for sql in self.lock_limits(0):
            self.execute(sql)

    @contextmanager
    def telling_holders(self, tables: Sequence[str]) -> Iterator[None]:
        """Tell who holds locks of tables, if the database has given up after the time to wait.

        :raises RetryableError: the same error, or one that names the holders.
        """
        begun = time.monotonic()
        try:
            yield
        except RetryableError as error:
            long = time.monotonic() - begun >= self.lock_seconds
            if long and (holders := self.holders(tables)):
                raise waited(self.lock_seconds, holders) from error
            raise

    def holders(self, tables: Sequence[str]) -> list[Holder]:
        """Return who holds locks of tables, as far as the database shows it."""
        if not self.holders_sql:
            return []
        with suppress(StepError):  # a connection that is gone shows nothing
            self.execute("ROLLBACK")
            places = ", ".join("?" for _ in tables)
            names = [table.rpartition(".")[2].lower() for table in tables]
            return [Holder(*row) for row in self.query(f"{self.holders_sql} ({places})", names)[1]]
        return []

    @classmethod
    def condition(cls, sql: str, columns: Sequence[Column]) -> str:
        """Return a condition of Redshift's SQL in that of this database, in brackets.

        :param columns: those of the table that it is about.
        """
        return redshift_condition(sql)

    @classmethod
    def written(cls, redshift: str, duckdb: str) -> str:
        """Return a query, which is given in two dialects, in the SQL of this database."""
        return redshift

    def commit(self, publication: Publication) -> Committed:
        """Run one transaction: all of its statements take effect, or none.

        If it raises RetryableError, it may have been committed nevertheless.

        :raises StepError: a guard finds rows, or a statement is refused.
        :raises CheckFailedError: a target breaks a rule.
        """
        self.execute("BEGIN")
        try:
            with self.waiting_for(publication.locked):
                for sql in self.lock(publication.locked):
                    self.execute(sql)
            self.alter_together(publication.altered)
            self.refuse(publication)
            inserted, before = [], rows_before(publication.checks, self)
            for statements in publication.changes:
                inserted.append([self.execute(*statement) for statement in statements][-1])
            interval = publication.entry.interval
            results = check_targets(publication.checks, interval, self, before)
            for statement in publication.recorded(results):
                self.execute(*statement)
            self.execute("COMMIT")
        except StepError:
            with suppress(StepError):  # a connection that is gone has rolled back
                self.execute("ROLLBACK")
            raise
        return Committed(inserted, results)

    def usage(self, pipeline: str, start: datetime, end: datetime) -> Usage | None:
        """Return what statements of a pipeline's runs took in a span; None if it cannot tell."""
        return None

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

    def publish(
        self,
        loads: Sequence[Load],
        entry: LedgerEntry,
        read: Sequence[Read] = (),
        *,
        partial: bool = False,
    ) -> Committed:
        """Change every target and write the ledger row, in one transaction.

        :param read: what the run has read of tables, which must not have changed since.
        :param partial: keep what the ledger says of other targets of the same data interval.
        :raises StepError: a target has other columns than the KPI, or refuses the rows.
        """
        stages = [f"etl_stage_{number}" for number, _ in enumerate(loads)]
        for load, stage in zip(loads, stages, strict=True):
            self.stage(load, stage)
        targets = [load.target for load in loads]
        apply = f"etl apply {entry.pipeline} --env {entry.environment}"
        wanted = [replace(load.wanted, apply=apply) for load in loads]
        connection = targets[0].connection
        ours = [ledger_table(connection), *([files_table(connection)] if entry.files else [])]
        shape = self.prepare(wanted, rows_follow=True)
        self.prepare([*ours, *self.lock_tables(targets)])
        named = tuple(
            {"table": load.target.table, "strategy": load.target.strategy, **load.told}
            for load in loads
        )
        entry = replace(entry, targets=named)
        if partial:
            columns = names(["sources", "checks", "targets"])
            earlier = f"SELECT {columns} FROM {quote(ledger.TABLE)} WHERE {ledger.OF_INTERVAL}"
            for row in self.query(earlier, entry.of_interval)[1]:
                entry = entry.beside(*row)
        publication = Publication.of(loads, stages, entry, read)
        committed = self.commit(replace(publication, altered=shape.altered))
        if shape.behind:
            self._make(shape.behind, wanted)
        return committed

    def refuse(self, publication: Publication) -> None:
        """Refuse rows that guards find, and rows made from what has changed since it was read.

        :raises StepError: there are such rows.
        """
        if refused := self.refused(publication):
            raise StepError(refused)

    def refused(self, publication: Publication) -> list[Diagnostic]:
        """Return what guards find, and what has changed since it was read."""
        guards, refused = publication.guards, list[Diagnostic]()
        if guards:
            ((*found,),) = self.query(*found_by(guards))[1]
            pairs = zip(guards, map(int, found), strict=True)
            refused = [guard.diagnostic(rows) for guard, rows in pairs if rows]
        return refused + [said for read in publication.read if (said := read.changed(self))]

    def row(self, sql: str) -> tuple[Any, ...]:
        """Return the only row of a query."""
        return self.query(sql)[1][0]

    def number(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Return the number that a query gives."""
        _, ((number,),) = self.query(sql, values)
        return int(number)

    def prepare(self, tables: Sequence[Table], *, rows_follow: bool = False) -> Shape:
        """Create missing tables, add missing columns, and make all changes that lose nothing.

        Another run may do the same at the same moment. Databases refuse one of the two, also with
        IF NOT EXISTS; so what is missing is looked up again after an error, and after a change.

        :param rows_follow: leave what can be made in the transaction that brings rows, or behind.
        :returns: what is left.
        :raises StepError: a table must not be changed as needed; no table is changed then.
        """
        for attempt in range(1, CREATIONS + 1):
            shape = Shape.of(self, tables)
            if not (changes := shape.before if rows_follow else shape.all):
                break
            try:
                self._make(changes, tables)
            except StepError:
                if attempt == CREATIONS:
                    raise
        return shape

    def _make(self, changes: Sequence[Transaction], tables: Sequence[Table]) -> None:
        with self.waiting_for([table.name for table in tables]):
            for statements in changes:
                self.together([(sql, ()) for sql in statements])

    def alter_together(self, tables: Sequence[Table]) -> None:
        """Give tables other columns in a transaction that has locked them for other runs.

        :raises StepError: they must not be changed as needed.
        :raises RetryableError: others have held a table all the time.
        """
        if not tables:
            return
        with self.waiting_for([table.name for table in tables]):
            for table in tables:  # another run may have done some of it
                for sql in self.renames(table):
                    self.execute(sql)
            for sql in Shape.of(self, tables).held:  # as views call the columns now
                self.execute(sql)

    def together(self, statements: Sequence[Statement], locked: Sequence[str] = ()) -> None:
        """Run statements that take effect together, or none of them.

        :param locked: tables of ours that are locked before.
        """
        if len(statements) == 1 and not locked:
            self.execute(*statements[0])
            return
        self.execute("BEGIN")
        try:
            if locked:
                with self.waiting_for(locked):
                    for sql in self.lock(locked):
                        self.execute(sql)
            for statement in statements:
                self.execute(*statement)
            self.execute("COMMIT")
        except StepError:
            with suppress(StepError):  # a connection that is gone has rolled back
                self.execute("ROLLBACK")
            raise

"""Amazon Redshift as warehouse, which loads rows from S3 with COPY."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import accumulate, chain, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from etl_framework.columns import Column, ColumnType
from etl_framework.connections.redshift.connection import Redshift
from etl_framework.connections.redshift.data_api import MAX_STATEMENTS
from etl_framework.connections.redshift.session import Session
from etl_framework.errors import ConfigError, Diagnostic, RetryableError, StepError
from etl_framework.sql.quote import names, quote, quote_table, redshift_literal
from etl_framework.targets.alteration import Alteration
from etl_framework.targets.base import Committed, Warehouse
from etl_framework.targets.catalogue import numbered, schema_and_name
from etl_framework.targets.dependents import naming
from etl_framework.targets.difference import Difference
from etl_framework.targets.ledger import Statement
from etl_framework.targets.load import Load
from etl_framework.targets.publication import Publication, locking
from etl_framework.targets.reshape import altered, arranged
from etl_framework.targets.shape import Shape
from etl_framework.targets.tables import Table
from etl_framework.targets.target import Target
from etl_framework.targets.usage import BLOCK, Usage, usage_in_redshift

if TYPE_CHECKING:
    import pyarrow as pa

    from etl_framework.storage.s3 import S3Prefix

BATCH = 50_000


class RedshiftWarehouse(Warehouse):
    """A Redshift database, through the session that its connection opens."""

    connects = Redshift
    length = "OCTET_LENGTH"
    reads_manifests = True
    holders_sql = (
        "SELECT DISTINCT relation.relname, held.pid, TRIM(held.txn_owner), held.txn_start "
        "FROM svv_transactions AS held JOIN pg_class AS relation ON relation.oid = held.relation "
        "WHERE held.granted AND held.pid <> pg_backend_pid() AND LOWER(relation.relname) IN"
    )
    statement_seconds = 3600

    def __init__(self, session: Session, role: str) -> None:
        self._session = session
        self._role = role
        self.interactive = session.interactive

    @classmethod
    def open(cls, connection: Redshift, root: Path, *, read_only: bool) -> RedshiftWarehouse:
        warehouse = cls(connection.open_session(root), connection.role())
        warehouse.lock_seconds = connection.lock_timeout
        warehouse.statement_seconds = connection.statement_timeout
        return warehouse

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        return self._session.run(sql, values).changed

    def query(
        self, sql: str, values: Sequence[Any] = ()
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        result = self._session.run(sql, values)
        return result.columns, result.rows

    def batches(
        self, sql: str, values: Sequence[Any], schema: pa.Schema, scratch: S3Prefix | None
    ) -> Iterator[pa.RecordBatch]:
        """Let Redshift write the rows to S3, which it does fastest, and read them from there."""
        from pyarrow.parquet import ParquetFile

        if scratch is None:
            raise ConfigError(
                "rows of a target in Redshift are read through staging in S3",
                hint="write `staging: s3://bucket/prefix` in the environment",
            )
        # UNLOAD takes its query as a text, so that no value can be bound.
        self.execute(f"CREATE TEMP TABLE etl_earlier AS {sql}", values)
        place = scratch / "loads" / secrets.token_hex(8)
        self.execute(
            f"UNLOAD ('SELECT * FROM etl_earlier') TO {redshift_literal(place.uri('rows_'))} "
            f"IAM_ROLE {self._role_written} FORMAT AS PARQUET"
        )
        stored = list(place.listed())
        try:
            with TemporaryDirectory() as folder:
                for number, file in enumerate(stored):
                    here = Path(folder) / f"{number}.parquet"
                    place.download(file.name, here, file.size)
                    yield from ParquetFile(here).iter_batches(BATCH)
                    here.unlink()
        finally:
            place.delete([file.name for file in stored])

    @property
    def _role_written(self) -> str:
        return "default" if self._role == "default" else redshift_literal(self._role)

    def table_columns(self, table: str) -> dict[str, str]:
        sql = (
            "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute AS a "
            "JOIN pg_class AS c ON c.oid = a.attrelid "
            "JOIN pg_namespace AS n ON n.oid = c.relnamespace "
            "WHERE n.nspname = ? AND c.relname = ? AND a.attnum > 0 AND NOT a.attisdropped "
            "ORDER BY a.attnum"
        )
        rows = self.query(sql, schema_and_name(self, table))[1]
        return {str(column): str(type_) for column, type_ in rows}

    def optional(self, table: str) -> set[str]:
        sql = (
            "SELECT LOWER(a.attname) FROM pg_attribute AS a "
            "JOIN pg_class AS c ON c.oid = a.attrelid "
            "JOIN pg_namespace AS n ON n.oid = c.relnamespace "
            "WHERE n.nspname = ? AND c.relname = ? AND a.attnum > 0 AND NOT a.attisdropped "
            "AND (NOT a.attnotnull OR a.atthasdef)"
        )
        rows = self.query(sql, schema_and_name(self, table))[1]
        return {str(column) for (column,) in rows}

    def stage(self, load: Load, name: str) -> None:
        """Load the rows into a temporary table: from a staging table, or from files with COPY.

        The files must have exactly the target's types, because COPY matches columns by position,
        converts nothing, and cuts off decimals.
        """
        self.execute(f"CREATE TEMP TABLE {quote(name)} ({self.definitions(load.columns)})")
        columns = names([column.name for column in load.columns])
        if load.staged:
            rows = f"SELECT {columns} FROM {quote_table(load.staged)}"
            self.execute(f"INSERT INTO {quote(name)} ({columns}) {rows}")
        else:
            self._copy(load, name, columns)
        _, ((count,),) = self.query(f"SELECT COUNT(*) FROM {quote(name)}")
        if int(count) != load.rows:
            table = load.target.table
            raise RetryableError(f"{count:,} of {load.rows:,} rows came for {table}")

    def _copy(self, load: Load, name: str, columns: str) -> None:
        if not load.manifest:
            raise ConfigError(
                "a target in Redshift needs staging in S3, which COPY reads from",
                hint="write `staging: s3://bucket/prefix` in the environment",
            )
        self.execute(
            f"COPY {quote(name)} ({columns}) FROM {redshift_literal(load.manifest)} "
            f"IAM_ROLE {self._role_written} FORMAT AS PARQUET MANIFEST STATUPDATE OFF"
        )

    @classmethod
    def type_of(cls, name: str) -> ColumnType | None:
        return ColumnType.of_postgres(name)

    def readers(self, table: str, columns: Collection[str]) -> list[str]:
        return naming(self.query, *numbered(self, table, columns))

    def alter(self, difference: Difference, dropped: Collection[str] = ()) -> list[Alteration]:
        return altered(self, difference, dropped)

    def arrange(self, table: Table) -> list[Alteration]:
        return arranged(self, table)

    def together(self, statements: Sequence[Statement], locked: Sequence[str] = ()) -> None:
        if self.interactive or (len(statements) == 1 and not locked):
            super().together(statements, locked)
        else:
            locks = self._locks(locked) if locked else []
            self._session.batch([*((sql, ()) for sql in locks), *statements])

    @classmethod
    def type_name(cls, column: Column) -> str:
        return column.type.postgres

    @classmethod
    def type_written(cls, column: Column) -> str:
        return str(column.type)

    @classmethod
    def layout(cls, target: Target) -> str:
        parts = []
        if target.dist_style:
            parts.append(f"DISTSTYLE {target.dist_style.upper()}")
        if target.dist_key:
            parts.append(f"DISTKEY ({quote(target.dist_key)})")
        if target.sort_key:
            parts.append(f"SORTKEY ({names(target.sort_key)})")
        return "".join(f" {part}" for part in parts)

    @classmethod
    def text(cls, value: str) -> str:
        return redshift_literal(value)

    def lock(self, tables: Sequence[str]) -> list[str]:
        return [locking("LOCK", tables)]

    def keep_out(self, tables: Sequence[str]) -> list[str]:
        return [f"LOCK {', '.join(map(quote_table, tables))}"]

    def lock_limits(self, seconds: int) -> list[str]:
        """Return the limit of all statements, because Redshift has none for locks alone."""
        return [f"SET statement_timeout TO {(seconds or self.statement_seconds) * 1000}"]

    def _locks(self, tables: Sequence[str]) -> list[str]:
        """The statements that lock tables of ours, and wait for a bounded time."""
        limits = self.lock_limits
        return [*limits(self.lock_seconds), *self.lock(tables), *limits(0)]

    def commit(self, publication: Publication) -> Committed:
        if self.interactive:
            return super().commit(publication)
        if publication.checks:
            raise ConfigError(
                "the Data API sends a transaction as a whole, without `on: target` between",
                hint="use the driver psycopg2 or redshift_connector, or check the run's rows",
            )
        self.refuse(replace(publication, guards=()))  # a batch has no room for what was read
        locks = [(sql, ()) for sql in self._locks(publication.locked)]
        rest = [*chain(*publication.changes), *publication.recorded()]
        guarded, tables = publication.guarded(), publication.altered
        altered = self._held(tables, MAX_STATEMENTS - len([*locks, *guarded, *rest]))
        start = [*locks, *altered, *guarded]
        ends = accumulate(map(len, publication.changes), initial=len(start) - 1)
        refused = list[Diagnostic]()
        try:
            with self.telling_holders([*publication.locked, *(table.name for table in tables)]):
                changed = self._session.batch([*start, *rest])
        except StepError as failed:
            with suppress(StepError):  # a guard looks at a column that is not there any more
                refused = self.refused(publication)  # what no batch can say
            if refused:
                raise StepError(refused) from failed
            raise
        return Committed([changed[end] for end in islice(ends, 1, None)], [])

    def _held(self, tables: Sequence[Table], most: int) -> list[Statement]:
        """The statements that give tables other columns, and wait for a bounded time.

        A batch that has no room for them, or that would have to look at views between them, comes
        behind others that do it.

        :param most: how many there is room for.
        """
        if not tables:
            return []
        limits, differences = self.lock_limits, map(self.difference, tables)
        held = [*limits(self.lock_seconds), *Shape.of(self, tables).held, *limits(0)]
        if len(held) > most or any(d and d.renamed and d.retyped for d in differences):
            self.prepare(tables)
            return []
        return [(sql, ()) for sql in held]

    def usage(self, pipeline: str, start: datetime, end: datetime) -> Usage | None:
        ((count, microseconds, scanned, spilled),) = self.query(
            *usage_in_redshift(pipeline, start, end)
        )[1]
        return Usage(
            int(count),
            int(microseconds or 0) / 1e6,
            None if scanned is None else int(scanned),
            None if spilled is None else int(spilled) * BLOCK,
        )

    def cancel(self) -> None:
        self._session.cancel()

    def close(self) -> None:
        self._session.close()

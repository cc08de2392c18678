"""Amazon Redshift as warehouse, which loads rows from S3 with COPY."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from etl_framework.columns import Column
from etl_framework.connections.redshift.connection import Redshift
from etl_framework.connections.redshift.session import Session
from etl_framework.errors import ConfigError, RetryableError
from etl_framework.sql.quote import names, quote, quote_table, redshift_literal
from etl_framework.targets.base import Warehouse
from etl_framework.targets.ledger import Statement
from etl_framework.targets.load import Load
from etl_framework.targets.target import Target


class RedshiftWarehouse(Warehouse):
    """A Redshift database, through the session that its connection opens."""

    connects = Redshift
    reads_manifests = True

    def __init__(self, session: Session, role: str) -> None:
        self._session = session
        self._role = role

    @classmethod
    def open(cls, connection: Redshift, root: Path, *, read_only: bool) -> RedshiftWarehouse:
        return cls(connection.open_session(root), connection.role())

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        return self._session.run(sql, values).changed

    def query(
        self, sql: str, values: Sequence[Any] = ()
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        result = self._session.run(sql, values)
        return result.columns, result.rows

    def transaction(self, statements: Sequence[Statement]) -> None:
        self._session.transaction(statements)

    def table_columns(self, table: str) -> dict[str, str]:
        schema, _, name = table.rpartition(".")
        sql = (
            "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute AS a "
            "JOIN pg_class AS c ON c.oid = a.attrelid "
            "JOIN pg_namespace AS n ON n.oid = c.relnamespace "
            "WHERE n.nspname = ? AND c.relname = ? AND a.attnum > 0 AND NOT a.attisdropped "
            "ORDER BY a.attnum"
        )
        rows = self.query(sql, (schema.lower() or "public", name.lower()))[1]
        return {str(column): str(type_) for column, type_ in rows}

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
        role = "default" if self._role == "default" else redshift_literal(self._role)
        self.execute(
            f"COPY {quote(name)} ({columns}) FROM {redshift_literal(load.manifest)} "
            f"IAM_ROLE {role} FORMAT AS PARQUET MANIFEST STATUPDATE OFF"
        )

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

    def lock_statements(self, tables: Sequence[str]) -> list[str]:
        return [f"LOCK {', '.join(quote_table(table) for table in tables)}"]

    def cancel(self) -> None:
        self._session.cancel()

    def close(self) -> None:
        self._session.close()

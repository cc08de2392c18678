"""A DuckDB file as warehouse."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl_framework.columns import Column, ColumnType
from etl_framework.connections.duckdb import DuckDB
from etl_framework.errors import DataMissingError, RetryableError
from etl_framework.errors.failures import DUCKDB, of_class
from etl_framework.errors.secrets import said
from etl_framework.sql.conditions import duckdb_condition
from etl_framework.sql.quote import names, quote
from etl_framework.storage.parquet import arrow_reader, as_path
from etl_framework.targets.base import Warehouse
from etl_framework.targets.load import Load
from etl_framework.targets.tables import Table
from etl_framework.targets.target import Target

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from etl_framework.storage.s3 import S3Prefix

BATCH = 50_000
# How long to wait for a file that another process has open, and between two looks.
FILE_SECONDS, LOOK_SECONDS = 10.0, 0.05


def _when_free(connect: Callable[[], duckdb.DuckDBPyConnection]) -> duckdb.DuckDBPyConnection:
    """Open a file, and wait for a while if another process has it open."""
    import duckdb

    end = time.monotonic() + FILE_SECONDS
    while True:
        try:
            return connect()
        except duckdb.IOException as error:
            if "lock" not in str(error) or time.monotonic() > end:
                raise
        time.sleep(LOOK_SECONDS)


class DuckDBWarehouse(Warehouse):
    """One DuckDB file; only one process at a time can write to it."""

    connects = DuckDB
    length = "STRLEN"
    home = "main"
    schema_sql = (
        "SELECT COUNT(*) FROM duckdb_schemas() "
        "WHERE database_name = current_database() AND schema_name = ?"
    )

    def __init__(self, file: Path, *, read_only: bool = False) -> None:
        import duckdb

        if read_only and not file.exists():
            raise DataMissingError(
                f"there is no warehouse yet, {file.name} is missing", hint="run a pipeline first"
            )
        file.parent.mkdir(parents=True, exist_ok=True)
        config: dict[str, str | bool | int | float | list[str]] = {
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        try:
            self._connection = _when_free(
                lambda: duckdb.connect(str(file), read_only=read_only, config=config)
            )
        except (duckdb.IOException, duckdb.ConnectionException) as error:
            raise RetryableError(
                f"cannot open the warehouse {file}: {said(error)}",
                hint="another process may have it open; DuckDB lets one write at a time",
            ) from error
        self._connection.execute("SET python_enable_replacements = false")
        self._connection.execute("SET preserve_insertion_order = false")

    @classmethod
    def open(cls, connection: DuckDB, root: Path, *, read_only: bool) -> DuckDBWarehouse:
        return cls(connection.file(root), read_only=read_only)

    def settle(self, schema: str, *, read_only: bool) -> None:
        if read_only and not self.number(self.schema_sql, (schema,)):
            raise DataMissingError(
                f"the warehouse has no schema '{schema}' yet", hint="run a pipeline first"
            )
        super().settle(schema, read_only=read_only)

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        with _our_errors():
            row = self._connection.execute(sql, list(values)).fetchone()
        return int(row[0]) if row and isinstance(row[0], int) else 0

    def query(
        self, sql: str, values: Sequence[Any] = ()
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        with _our_errors():
            cursor = self._connection.execute(sql, list(values))
            return [column[0] for column in cursor.description or []], cursor.fetchall()

    def batches(
        self, sql: str, values: Sequence[Any], schema: pa.Schema, scratch: S3Prefix | None
    ) -> Iterator[pa.RecordBatch]:
        with _our_errors():
            yield from arrow_reader(self._connection.sql(sql, params=list(values)), BATCH)

    def table_columns(self, table: str) -> dict[str, str]:
        schema, _, name = table.rpartition(".")
        sql = (
            "SELECT column_name, data_type FROM duckdb_columns() WHERE NOT internal "
            "AND database_name = current_database() AND schema_name = ? AND table_name = ? "
            "ORDER BY column_index"
        )
        return dict(self.query(sql, (schema or self.home, name))[1])

    def optional(self, table: str) -> set[str]:
        schema, _, name = table.rpartition(".")
        sql = (
            "SELECT lower(column_name) FROM duckdb_columns() WHERE NOT internal "
            "AND database_name = current_database() AND schema_name = ? AND table_name = ? "
            "AND (is_nullable OR column_default IS NOT NULL)"
        )
        return {str(column) for (column,) in self.query(sql, (schema or self.home, name))[1]}

    def readers(self, table: str, columns: Collection[str]) -> list[str]:
        """Views are texts here: those count that have the names of the table and of a column."""
        sql = "SELECT view_name, sql FROM duckdb_views() WHERE NOT internal"
        texts = {str(name): str(text) for name, text in self.query(sql)[1]}
        reading = [table.rpartition(".")[2]]
        for name in reading:  # and views of views
            reading += [v for v, text in texts.items() if v not in reading and _names(text, name)]
        named = [view for view in reading[1:] if any(_names(texts[view], c) for c in columns)]
        return sorted(named)

    def stage(self, load: Load, name: str) -> None:
        columns = names([column.name for column in load.columns])
        source = f"read_parquet([{', '.join(as_path(file) for file in load.files)}])"
        self.execute(f"CREATE OR REPLACE TEMP VIEW {quote(name)} AS SELECT {columns} FROM {source}")

    @classmethod
    def type_of(cls, name: str) -> ColumnType | None:
        return ColumnType.of_duckdb(name)

    @classmethod
    def type_name(cls, column: Column) -> str:
        return column.type.duckdb

    @classmethod
    def lock_tables(cls, targets: Iterable[Target]) -> list[Table]:
        """Return no tables, because only this process has opened the file for writing."""
        return []

    def lock(self, tables: Sequence[str]) -> list[str]:
        return []

    @classmethod
    def condition(cls, sql: str, columns: Sequence[Column]) -> str:
        types = {column.name: column.type.duckdb for column in columns}
        return duckdb_condition(sql, "checked", types)

    @classmethod
    def written(cls, redshift: str, duckdb: str) -> str:
        return duckdb

    def cancel(self) -> None:
        self._connection.interrupt()

    def close(self) -> None:
        self._connection.close()


def _names(text: str, name: str) -> bool:
    return bool(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE))


@contextmanager
def _our_errors() -> Iterator[None]:
    """Turn DuckDB's errors into ours: another run of this process may be in the way.

    :raises ConflictError: another connection changed the same.
    :raises StepError: DuckDB refuses the statement.
    """
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise of_class(DUCKDB, error)(f"DuckDB: {said(error)}") from error

"""A PostgreSQL database as warehouse."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl_framework.columns import Column
from etl_framework.connections.postgres import Postgres, our_errors
from etl_framework.sql.quote import names, quote, quote_table
from etl_framework.targets.base import Warehouse
from etl_framework.targets.load import Load

if TYPE_CHECKING:
    from psycopg2.extensions import connection as PostgresConnection


class PostgresWarehouse(Warehouse):
    """A PostgreSQL database, through psycopg2."""

    connects = Postgres

    def __init__(self, connection: PostgresConnection) -> None:
        self._connection = connection
        # We run BEGIN and COMMIT ourselves; a COPY before BEGIN commits on its own.
        self._connection.autocommit = True

    @classmethod
    def open(cls, connection: Postgres, root: Path, *, read_only: bool) -> PostgresWarehouse:
        return cls(connection.connect(root))

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        with self._connection.cursor() as cursor:
            self._run(cursor, sql, values)
            return int(cursor.rowcount)

    def query(
        self, sql: str, values: Sequence[Any] = ()
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        with self._connection.cursor() as cursor:
            self._run(cursor, sql, values)
            return [column.name for column in cursor.description or []], cursor.fetchall()

    def _run(self, cursor: Any, sql: str, values: Sequence[Any]) -> None:
        with our_errors():
            cursor.execute(
                sql.replace("%", "%%").replace("?", "%s") if values else sql, values or None
            )

    def table_columns(self, table: str) -> dict[str, str]:
        sql = (
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
            "WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        )
        return dict(self.query(sql, (quote_table(table),))[1])

    def stage(self, load: Load, name: str) -> None:
        """Load the Parquet files with COPY, one batch at a time."""
        definitions = self.definitions(load.columns)
        self.execute(f"CREATE TEMP TABLE {quote(name)} ({definitions})")
        columns = names([column.name for column in load.columns])
        sql = f"COPY {quote(name)} ({columns}) FROM STDIN (FORMAT csv)"
        with our_errors(), self._connection.cursor() as cursor:
            for batch in _csv_batches(load):
                cursor.copy_expert(sql, io.BytesIO(batch))

    @classmethod
    def type_name(cls, column: Column) -> str:
        return column.type.postgres

    @classmethod
    def type_written(cls, column: Column) -> str:
        return str(column.type)

    def lock_statements(self, tables: Sequence[str]) -> list[str]:
        listed = ", ".join(quote_table(table) for table in tables)
        return [f"LOCK TABLE {listed} IN SHARE ROW EXCLUSIVE MODE"]

    def cancel(self) -> None:
        self._connection.cancel()

    def close(self) -> None:
        self._connection.close()


def _csv_batches(load: Load) -> Iterator[bytes]:
    """Yield the rows as CSV without header; texts are quoted, so an empty text is not NULL."""
    import pyarrow.csv as csv
    import pyarrow.parquet as parquet

    options = csv.WriteOptions(include_header=False, quoting_style="needed")
    for file in load.files:
        for batch in parquet.ParquetFile(file).iter_batches(batch_size=50_000):
            buffer = io.BytesIO()
            csv.write_csv(batch.select([c.name for c in load.columns]), buffer, options)
            yield buffer.getvalue()

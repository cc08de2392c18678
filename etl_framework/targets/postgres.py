"""A PostgreSQL database as warehouse."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl_framework.columns import Column, ColumnType
from etl_framework.connections.postgres import Postgres, our_errors
from etl_framework.sql.quote import names, quote, quote_table
from etl_framework.targets.alteration import Alteration, joined
from etl_framework.targets.base import Warehouse
from etl_framework.targets.dependents import Dependents, naming
from etl_framework.targets.difference import Difference
from etl_framework.targets.load import Load
from etl_framework.targets.publication import locking

if TYPE_CHECKING:
    import pyarrow as pa
    from psycopg2.extensions import connection as PostgresConnection

    from etl_framework.storage.s3 import S3Prefix

BATCH = 50_000
VIEWS = """
SELECT DISTINCT v.oid::bigint, d.refobjsubid, n.nspname, v.relname, pg_get_viewdef(v.oid),
    array_to_string(v.reloptions, ', '),
    CASE WHEN pg_get_userbyid(v.relowner) <> current_user THEN pg_get_userbyid(v.relowner) END,
    obj_description(v.oid, 'pg_class')
FROM pg_depend AS d JOIN pg_rewrite AS r ON r.oid = d.objid JOIN pg_class AS v ON v.oid = r.ev_class
JOIN pg_namespace AS n ON n.oid = v.relnamespace
WHERE d.refobjid = ? AND d.classid = 'pg_rewrite'::regclass AND v.oid <> d.refobjid
AND v.relkind = 'v'
"""
# Rights on a view, and on columns of it: SELECT, or SELECT ("day").
GRANTS = """
WITH relation AS (
    SELECT oid, relowner, relacl FROM pg_class
    WHERE relnamespace = to_regnamespace(quote_ident(?)) AND relname = ?
), given AS (
    SELECT relowner, '' AS part, (aclexplode(relacl)).* FROM relation
    UNION ALL
    SELECT relowner, ' (' || quote_ident(attname) || ')', (aclexplode(attacl)).*
    FROM relation JOIN pg_attribute ON attrelid = relation.oid
)
SELECT privilege_type || part, CASE WHEN grantee = 0 THEN 'public' ELSE 'user' END,
    CASE WHEN grantee <> 0 THEN pg_get_userbyid(grantee) END, is_grantable
FROM given WHERE grantee <> relowner
"""


class PostgresWarehouse(Warehouse):
    """A PostgreSQL database, through psycopg2."""

    connects = Postgres
    holders_sql = (
        "SELECT DISTINCT relation.relname, activity.pid, activity.usename, activity.xact_start "
        "FROM pg_locks AS held JOIN pg_class AS relation ON relation.oid = held.relation "
        "JOIN pg_stat_activity AS activity ON activity.pid = held.pid "
        "WHERE held.granted AND held.pid <> pg_backend_pid() AND LOWER(relation.relname) IN"
    )

    def __init__(self, connection: PostgresConnection) -> None:
        self._connection = connection
        # We run BEGIN and COMMIT ourselves; a COPY before BEGIN commits on its own.
        self._connection.autocommit = True

    @classmethod
    def open(cls, connection: Postgres, root: Path, *, read_only: bool) -> PostgresWarehouse:
        warehouse = cls(connection.connect(root))
        warehouse.lock_seconds = connection.lock_timeout
        return warehouse

    def execute(self, sql: str, values: Sequence[Any] = ()) -> int:
        with our_errors(), self._connection.cursor() as cursor:
            _run(cursor, sql, values)
            return int(cursor.rowcount)

    def query(
        self, sql: str, values: Sequence[Any] = ()
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        with our_errors(), self._connection.cursor() as cursor:
            _run(cursor, sql, values)
            return [column.name for column in cursor.description or []], cursor.fetchall()

    def batches(
        self, sql: str, values: Sequence[Any], schema: pa.Schema, scratch: S3Prefix | None
    ) -> Iterator[pa.RecordBatch]:
        """Read through a cursor of the server, so that no more than a part is held."""
        import pyarrow as pa

        # A transaction for the cursor; WITH HOLD, the server would first copy all rows.
        self._connection.autocommit = False
        with our_errors(), self._connection.cursor("etl_earlier") as cursor:
            cursor.itersize = BATCH
            _run(cursor, sql, values)
            while rows := cursor.fetchmany(BATCH):
                columns = map(list, zip(*rows, strict=True))
                yield pa.RecordBatch.from_pydict(
                    dict(zip(schema.names, columns, strict=True)), schema=schema
                )
        with our_errors():
            self._connection.rollback()
        self._connection.autocommit = True

    def table_columns(self, table: str) -> dict[str, str]:
        sql = (
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
            "WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        )
        return dict(self.query(sql, (quote_table(table),))[1])

    def optional(self, table: str) -> set[str]:
        sql = (
            "SELECT lower(attname) FROM pg_attribute WHERE attrelid = to_regclass(?) "
            "AND attnum > 0 AND NOT attisdropped "
            "AND (NOT attnotnull OR atthasdef OR attidentity <> '')"
        )
        return {str(column) for (column,) in self.query(sql, (quote_table(table),))[1]}

    def stage(self, load: Load, name: str) -> None:
        """Load the Parquet files with COPY, one batch at a time."""
        definitions = self.definitions(load.columns)
        self.execute(f"CREATE TEMP TABLE {quote(name)} ({definitions})")
        columns = names([column.name for column in load.columns])
        sql = f"COPY {quote(name)} ({columns}) FROM STDIN (FORMAT csv)"
        with our_errors(), self._connection.cursor() as cursor:
            for batch in _csv_batches(load):
                cursor.copy_expert(sql, io.BytesIO(batch))

    def readers(self, table: str, columns: Collection[str]) -> list[str]:
        oid, numbers = self._numbers(table, columns)
        return naming(self.query, oid, numbers) if oid else []

    def alter(self, difference: Difference, dropped: Collection[str] = ()) -> list[Alteration]:
        """Views that read columns with another type are dropped and made again around it."""
        altered = super().alter(difference, dropped)
        retyped = difference.retyped
        if not retyped:
            return altered
        oid, numbers = self._numbers(difference.table.name, [change.there for change in retyped])
        views = Dependents(self.query, VIEWS, GRANTS).views(oid, numbers) if numbers else []
        if not views:
            return altered
        types, rest = joined(altered[: len(retyped)]), altered[len(retyped) :]
        drops, made = [v.drop for v in reversed(views)], [s for v in views for s in v.create()]
        return [replace(types, statements=(*drops, *types.statements, *made)), *rest]

    def _numbers(self, table: str, columns: Collection[str]) -> tuple[int, list[int]]:
        """The identifier of a table, and the numbers of columns in it."""
        sql = "SELECT attrelid::bigint, attnum, attname FROM pg_attribute WHERE attrelid = "
        rows = self.query(sql + "to_regclass(?)", (quote_table(table),))[1]
        numbers = [int(number) for _, number, name in rows if name in columns]
        return (int(rows[0][0]) if rows else 0), numbers

    @classmethod
    def type_of(cls, name: str) -> ColumnType | None:
        return ColumnType.of_postgres(name)

    @classmethod
    def type_name(cls, column: Column) -> str:
        return column.type.postgres

    @classmethod
    def type_written(cls, column: Column) -> str:
        return str(column.type)

    def lock(self, tables: Sequence[str]) -> list[str]:
        return [f"{locking('LOCK TABLE', tables)} IN EXCLUSIVE MODE"]

    def keep_out(self, tables: Sequence[str]) -> list[str]:
        return [f"LOCK TABLE {', '.join(map(quote_table, tables))} IN EXCLUSIVE MODE"]

    def lock_limits(self, seconds: int) -> list[str]:
        return [f"SET lock_timeout = '{seconds}s'"]

    @classmethod
    def written(cls, redshift: str, duckdb: str) -> str:
        import sqlglot

        return str(sqlglot.transpile(redshift, read="redshift", write="postgres")[0])

    def cancel(self) -> None:
        self._connection.cancel()

    def close(self) -> None:
        self._connection.close()


def _run(cursor: Any, sql: str, values: Sequence[Any]) -> None:
    # psycopg2 looks for % only if values are given.
    cursor.execute(sql.replace("%", "%%").replace("?", "%s") if values else sql, values or None)


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

"""A warehouse with the few things that tests do to it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as parquet

from etl_framework.columns import Column, ColumnType
from etl_framework.connections.duckdb import DuckDB
from etl_framework.connections.postgres import Postgres
from etl_framework.connections.redshift.connection import Redshift
from etl_framework.connections.s3 import S3
from etl_framework.interval import DataInterval
from etl_framework.storage.manifest import write_manifest
from etl_framework.targets.base import Warehouse
from etl_framework.targets.ledger import LedgerEntry, unpacked
from etl_framework.targets.load import Load
from etl_framework.targets.target import Target
from etl_framework.targets.warehouses import open_warehouse

Rows = list[tuple[Any, ...]]
REDSHIFT: dict[str, Any] = {
    "type": "redshift",
    "host": "{{ env.ETL_DEV_REDSHIFT_HOST }}",
    "port": "{{ env.ETL_DEV_REDSHIFT_PORT }}",
    "database": "{{ env.ETL_DEV_REDSHIFT_DATABASE }}",
    "user": "{{ env.ETL_DEV_REDSHIFT_USER }}",
    "password": "{{ env.ETL_DEV_REDSHIFT_PASSWORD }}",
    "iam_role": "{{ env.ETL_DEV_REDSHIFT_ROLE }}",
    "ssl_root_cert": "{{ env.ETL_DEV_AUTHORITY }}",
}
COLUMNS = {"id": "integer", "day": "timestamp", "note": "varchar(20)"}


@dataclass(frozen=True)
class Place:
    """One warehouse, opened anew for everything, as every run does.

    :param where: the DuckDB file's name, or PostgreSQL's URL.
    """

    kind: str
    where: str
    folder: Path
    cluster: Redshift | None = None

    def open(self) -> Warehouse:
        if self.kind == "duckdb":
            return open_warehouse(DuckDB(type="duckdb", path=self.where), self.folder)
        if self.kind == "redshift":
            return open_warehouse(self.cluster or Redshift(**REDSHIFT), self.folder)
        return open_warehouse(Postgres(type="postgres", url=self.where), self.folder)

    def rows(self, sql: str) -> Rows:
        warehouse = self.open()
        try:
            return warehouse.query(sql)[1]
        finally:
            warehouse.close()

    def do(self, *statements: str) -> None:
        warehouse = self.open()
        try:
            for sql in statements:
                warehouse.execute(sql)
        finally:
            warehouse.close()

    def has(self, table: str) -> bool:
        warehouse = self.open()
        try:
            return bool(warehouse.table_columns(table))
        finally:
            warehouse.close()

    def publish(self, interval: DataInterval, *loads: Load, pipeline: str = "p") -> list[int]:
        with self.open() as warehouse:
            return warehouse.publish(loads, entry(interval, pipeline)).rows

    def published(self) -> list[list[dict[str, Any]]]:
        """What the ledger says of the targets, an interval after the other."""
        rows = self.rows("SELECT targets FROM etl_ledger ORDER BY interval_start")
        return [unpacked(targets) for (targets,) in rows]

    def load(
        self, table: str, strategy: str, rows: Rows, columns: dict[str, str] | None = None,
        **target: Any,
    ) -> Load:  # fmt: skip
        """Rows of a KPI in a Parquet file of their own."""
        declared = tuple(
            Column(name=name, type=ColumnType.parse(type_))
            for name, type_ in (columns or COLUMNS).items()
        )
        schema = pa.schema([(column.name, column.type.arrow()) for column in declared])
        values = [dict(zip(schema.names, row, strict=True)) for row in rows]
        file = self.folder / f"{len(list(self.folder.glob('*.parquet')))}.parquet"
        parquet.write_table(pa.Table.from_pylist(values, schema=schema), file)
        aim = Target(connection="w", table=table, strategy=strategy, **target)
        uri = _manifest(file) if self.kind == "redshift" else ""
        return Load(aim, declared, (str(file),), len(rows), uri)


def _manifest(file: Path) -> str:
    """Bring a file to S3, with a manifest that lists it."""
    bucket = S3(type="s3", bucket="music-lake", endpoint_url="{{ env.ETL_DEV_S3_URL }}").open()
    name = f"{secrets.token_hex(4)}/{file.name}"
    bucket.upload(file, name)
    return write_manifest(bucket, name + ".manifest", [(bucket.uri(name), file.stat().st_size)])


def day(number: int, zone: str = "UTC", hours: int = 24) -> DataInterval:
    """The data interval that starts with that day of June 2024."""
    start = datetime(2024, 6, number, tzinfo=ZoneInfo(zone))
    return DataInterval(start, start + timedelta(hours=hours))


def entry(interval: DataInterval, pipeline: str = "p") -> LedgerEntry:
    """What a run writes into the ledger."""
    now = datetime.now(UTC)
    return LedgerEntry(pipeline, interval, "run", "local", now, (), (), ())

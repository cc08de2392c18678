"""COPY: load objects of S3 into a table, as Redshift does."""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from etl_framework.devstack.copy_csv import Failed, csv_rows
from etl_framework.devstack.copy_options import Transfer
from etl_framework.devstack.objects import Objects
from etl_framework.devstack.session import Session
from etl_framework.devstack.wire import WireError
from etl_framework.sql.quote import literal, names

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 50_000


@dataclass(frozen=True)
class Column:
    """A column of the table that is loaded, with PostgreSQL's name of its type."""

    name: str
    type: str


def columns_of(session: Session, table: str) -> list[Column]:
    """Return the table's columns in order.

    :raises WireError: there is no such table.
    """
    rows = session.ask(
        "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = "
        f"to_regclass({literal(table)}) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    )
    if not rows:
        name = table.replace('"', "")
        raise WireError(f"Cannot COPY into nonexistent table {name}", "42P01")
    return [Column(str(name), str(type_)) for name, type_ in rows]


def run_copy(transfer: Transfer, session: Session, objects: Objects) -> str:
    """Load the objects; rows that cannot be loaded are listed in `sys_load_error_detail`.

    :returns: the command tag, `COPY`.
    :raises WireError: Redshift would fail, too.
    """
    known = {column.name: column for column in columns_of(session, transfer.subject)}
    missing = [name for name in transfer.columns if name not in known]
    if missing:
        raise WireError(f'column "{missing[0]}" of relation does not exist', "42703")
    columns = [known[name] for name in transfer.columns or known]
    failed: list[Failed] = []
    (row,) = session.ask(f"SELECT to_regclass({literal(transfer.subject)})::oid")
    table_id = int(row[0] or 0)
    try:
        feed = _feed(transfer, columns, objects, failed)
        listed = names([column.name for column in columns])
        before = _count(session, transfer)
        session.ask(f"COPY {transfer.subject} ({listed}) FROM STDIN (FORMAT csv)", feed)
        loaded = _count(session, transfer) - before
    finally:
        objects.keep_failed(table_id, failed)
    name = transfer.subject.replace('"', "")
    session.notice(f"Load into table '{name}' completed, {loaded} record(s) loaded successfully.")
    return "COPY"


def _count(session: Session, transfer: Transfer) -> int:
    return int(session.ask(f"SELECT COUNT(*) FROM {transfer.subject}")[0][0] or 0)


def _feed(
    transfer: Transfer, columns: Sequence[Column], objects: Objects, failed: list[Failed]
) -> Iterator[bytes]:
    entries = list(_entries(transfer, objects))
    for url, length in entries:
        with objects.opened(url) as body:
            if transfer.format == "PARQUET":
                yield from _parquet(url, length, body, transfer, columns)
            else:
                yield from csv_rows(url, body, transfer, columns, failed)


def _entries(transfer: Transfer, objects: Objects) -> Iterator[tuple[str, int | None]]:
    """Yield the address and the length of every object of the manifest or under the prefix."""
    if "MANIFEST" not in transfer.options:
        urls = objects.listed(transfer.url)
        if not urls:
            message = f"The specified S3 prefix '{transfer.url}' does not exist"
            raise WireError(message, "XX000")
        for url in urls:
            yield url, None
        return
    with objects.opened(transfer.url) as body:
        try:
            manifest = json.loads(body.read())
            entries = manifest["entries"]
        except (ValueError, KeyError, TypeError) as error:
            raise WireError("The manifest file is not a valid JSON", "XX000") from error
    for entry in entries:
        if not objects.exists(entry["url"]):
            if entry.get("mandatory"):
                message = f"File {entry['url']} in the manifest does not exist"
                raise WireError(message, "XX000")
            continue
        length = entry.get("meta", {}).get("content_length")
        if transfer.format == "PARQUET" and length is None:
            raise WireError("The manifest has no content_length, which Parquet needs", "XX000")
        yield entry["url"], length


def _parquet(
    url: str, length: int | None, body: IO[bytes], transfer: Transfer, columns: Sequence[Column]
) -> Iterator[bytes]:
    """Yield a Parquet file's rows as CSV; columns match by position, types must fit exactly."""
    import pyarrow as pa
    import pyarrow.csv as csv
    import pyarrow.parquet as parquet

    with tempfile.TemporaryFile() as file:
        while block := body.read(1 << 20):
            file.write(block)
        if length is not None and file.tell() != length:
            raise WireError(f"the length of {url} is not what the manifest says", "XX000")
        try:
            opened = parquet.ParquetFile(file)
        except pa.ArrowException as error:
            raise WireError(f"File '{url}' has an invalid version number.", "XX000") from error
        schema = opened.schema_arrow
        if len(schema) != len(columns):
            raise WireError(
                "Spectrum Scan Error: the number of columns does not match: "
                f"table columns: {len(columns)}, Data columns: {len(schema)}",
                "XX000",
            )
        for column, field in zip(columns, schema, strict=True):
            if not _fits(column.type, field.type):
                raise WireError(
                    f"Spectrum Scan Error: File '{url}' has an incompatible Parquet schema for "
                    f"column '{column.name}'. Column type: {column.type.upper()}, "
                    f"Parquet schema: {field.type}",
                    "XX000",
                )
        options = csv.WriteOptions(include_header=False, quoting_style="needed")
        for batch in opened.iter_batches(BATCH):
            out = io.BytesIO()
            csv.write_csv(_cut(batch, columns), out, options)
            yield out.getvalue()


def _fits(wanted: str, arrow_type: pa.DataType) -> bool:
    import pyarrow as pa

    name = wanted.partition("(")[0]
    checks: dict[str, Any] = {
        "smallint": pa.types.is_int16,
        "integer": pa.types.is_int32,
        "bigint": pa.types.is_int64,
        "real": pa.types.is_float32,
        "double precision": pa.types.is_float64,
        "boolean": pa.types.is_boolean,
        "date": pa.types.is_date32,
        "numeric": pa.types.is_decimal,
        "timestamp without time zone": lambda t: pa.types.is_timestamp(t) and not t.tz,
        "timestamp with time zone": lambda t: pa.types.is_timestamp(t) and t.tz,
    }
    text = name in ("character varying", "character")
    return bool(
        pa.types.is_string(arrow_type) if text else name in checks and checks[name](arrow_type)
    )


def _cut(batch: pa.RecordBatch, columns: Sequence[Column]) -> pa.RecordBatch:
    """Cut off the digits that exceed a column's scale, as COPY does."""
    import pyarrow as pa
    import pyarrow.compute as compute

    cut = []
    for column, values in zip(columns, batch.columns, strict=True):
        if column.type.startswith("numeric("):
            scale = int(column.type.rpartition(",")[2].rstrip(")"))
            if values.type.scale > scale:
                values = compute.round(values, scale, "towards_zero")
        cut.append(values)
    return pa.RecordBatch.from_arrays(cut, names=[f"c{i}" for i in range(len(cut))])

"""Read one CSV file record by record: slower, and exact about every line."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl_framework.columns import Column
from etl_framework.connections.directory import File
from etl_framework.sources.csv_columns import refusal, typed, value
from etl_framework.sources.csv_dialect import Dialect
from etl_framework.sources.csv_files import Header, Record, records
from etl_framework.sources.csv_rejected import TABLE
from etl_framework.sql.quote import literal, quote
from etl_framework.storage.parquet import as_path, write_parquet

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

BATCH = 20_000
# In letters; most columns hold less.
LONGEST_TEXT = 1 << 17


def read_carefully(
    session: duckdb.DuckDBPyConnection,
    file: File,
    header: Header,
    columns: Sequence[Column],
    dialect: Dialect,
    scratch: Path,
    part: Path,
) -> int:
    """Write a file's good rows to `part` and the others to the table of rejected ones.

    Python takes the file apart; DuckDB makes values of the texts, as it does the quick way.

    :param scratch: a file to use meanwhile.
    :returns: the number of good rows.
    :raises StepError: a quote that is never closed swallows the lines behind it.
    """
    try:
        _split(file, header, columns, dialect, scratch)
        rows = typed(columns, f"read_parquet({as_path(scratch)})")
        values = ", ".join(f"{value(column)} AS {quote(column.name)}" for column in columns)
        good = f"SELECT {values} FROM ({rows}) WHERE etl_bad IS NULL"
        kept = write_parquet(session, good, part, text=True, ordered=True)
        names = ", ".join(literal(name) for name in header)
        places = ", ".join(str(header.index(column.name) + 1) for column in columns)
        session.execute(
            f"INSERT INTO {TABLE} SELECT {literal(file.name)}, etl_line, place, "
            f"[{names}][place], coalesce(etl_fault, {refusal(columns)}), etl_raw FROM (SELECT *, "
            f"coalesce(etl_column, [{places}][nullif(etl_bad, 0)]) AS place "
            f"FROM ({rows}) WHERE etl_bad IS NOT NULL)"
        )
        return kept
    finally:
        scratch.unlink(missing_ok=True)


def _split(
    file: File, header: Header, columns: Sequence[Column], dialect: Dialect, scratch: Path
) -> None:
    """Write each record as texts, with its line, its raw form and what is wrong with it."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    types: dict[str, pa.DataType] = {
        "etl_line": pa.int64(),
        "etl_raw": pa.string(),
        "etl_fault": pa.string(),
        "etl_column": pa.int64(),
        **{f"etl_text_{i}": pa.string() for i in range(len(columns))},
    }
    schema = pa.schema(list(types.items()))
    places = [(header.index(column.name), column.type.family == "text") for column in columns]
    found = (_bounded(each, header, columns) for each in records(file, header, dialect))
    with parquet.ParquetWriter(scratch, schema) as writer:
        for batch in iter(lambda: list(islice(found, BATCH)), []):
            writer.write_table(_table(batch, places, schema))


def _table(batch: list[Record], places: list[tuple[int, bool]], schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    columns: list[list[Any]] = [
        [record.line for record in batch],
        [record.raw for record in batch],
        [record.fault for record in batch],
        [record.column for record in batch],
        *([_text(record, place, text) for record in batch] for place, text in places),
    ]
    return pa.table(dict(zip(schema.names, columns, strict=True)), schema=schema)


def _bounded(record: Record, header: Header, columns: Sequence[Column]) -> Record:
    """The record; with a fault in place of a text that is longer than any column holds."""
    if len(record.raw) > LONGEST_TEXT and not record.fault:
        for column in columns:
            place = header.index(column.name)
            value = record.values[place] or ""
            longest = column.type.arguments[0] if column.type.family == "text" else 0
            if len(value) > max(longest, LONGEST_TEXT):
                why = f"a text of {len(value.encode())} bytes is too long for {column.type}"
                return Record(record.line, record.raw, [], why, place + 1)
    return record


def _text(record: Record, place: int, text: bool) -> str | None:
    """A value's text; an empty one in quotes is a value of columns of text only."""
    if record.fault:
        return None
    value = record.values[place]
    return value if text else value or None

"""Judge records one by one: slower, and exact about every line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl_framework.columns import Column
from etl_framework.sources.csv_columns import refusal, typed, value
from etl_framework.sources.csv_files import Header, Record
from etl_framework.sources.csv_rejected import TABLE
from etl_framework.sql.quote import literal, quote
from etl_framework.storage.parquet import as_path, write_parquet

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

BATCH = 20_000
# In letters; most columns hold less.
LONGEST_TEXT = 1 << 17


# The name of a file, and one of its records.
Found = Iterable[tuple[str, Record]]


def judge(
    session: duckdb.DuckDBPyConnection,
    found: Found,
    header: Header,
    columns: Sequence[Column],
    scratch: Path,
    part: Path,
) -> int:
    """Write good records to `part`, in their order, and the others to the table of rejected ones.

    Python has taken them apart; DuckDB makes values of the texts, as it does the quick way.

    :param scratch: a file to use; it stays, with `etl_file` and `etl_line` of every record.
    :returns: the number of good ones.
    :raises StepError: a quote that is never closed swallows the lines behind it.
    """
    _split(found, header, columns, scratch)
    rows = judged(columns, scratch)
    values = ", ".join(f"{value(column)} AS {quote(column.name)}" for column in columns)
    good = f"SELECT {values} FROM ({rows}) WHERE etl_bad IS NULL"
    kept = write_parquet(session, good, part, text=True, ordered=True)
    names = ", ".join(literal(name) for name in header)
    places = ", ".join(str(header.index(column.name) + 1) for column in columns)
    session.execute(
        f"INSERT INTO {TABLE} SELECT etl_file, etl_line, place, "
        f"[{names}][place], coalesce(etl_fault, {refusal(columns)}), etl_raw FROM (SELECT *, "
        f"coalesce(etl_column, [{places}][nullif(etl_bad, 0)]) AS place "
        f"FROM ({rows}) WHERE etl_bad IS NOT NULL)"
    )
    return kept


def judged(columns: Sequence[Column], scratch: Path) -> str:
    """SQL for the records in a file that `judge` has used, with `etl_bad` as `typed` gives it."""
    return typed(columns, f"read_parquet({as_path(scratch)})")


def _split(found: Found, header: Header, columns: Sequence[Column], scratch: Path) -> None:
    """Write each record as texts, with its line, its raw form and what is wrong with it."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    types: dict[str, pa.DataType] = {
        "etl_file": pa.string(),
        "etl_line": pa.int64(),
        "etl_raw": pa.string(),
        "etl_fault": pa.string(),
        "etl_column": pa.int64(),
        **{f"etl_text_{i}": pa.string() for i in range(len(columns))},
    }
    schema = pa.schema(list(types.items()))
    places = [(header.index(column.name), column.type.family == "text") for column in columns]
    bounded = ((name, _bounded(record, header, columns)) for name, record in found)
    with parquet.ParquetWriter(scratch, schema) as writer:
        for batch in iter(lambda: list(islice(bounded, BATCH)), []):
            writer.write_table(_table(batch, places, schema))


def _table(
    batch: list[tuple[str, Record]], places: list[tuple[int, bool]], schema: pa.Schema
) -> pa.Table:
    import pyarrow as pa

    records = [record for _, record in batch]
    columns: list[list[Any]] = [
        [name for name, _ in batch],
        [record.line for record in records],
        [record.raw for record in records],
        [record.fault for record in records],
        [record.column for record in records],
        *([_text(record, place, text) for record in records] for place, text in places),
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

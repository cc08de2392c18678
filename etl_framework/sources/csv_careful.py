"""Read one CSV file record by record: slower, and exact about every line."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl_framework.columns import Column
from etl_framework.connections.directory import File
from etl_framework.sources.csv_columns import inexact, read_type, value
from etl_framework.sources.csv_files import Header, Record, records
from etl_framework.sql.quote import literal, quote
from etl_framework.storage.parquet import as_path, write_parquet

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

BATCH = 20_000


def read_carefully(
    session: duckdb.DuckDBPyConnection,
    file: File,
    header: Header,
    columns: Sequence[Column],
    delimiter: str,
    scratch: Path,
    part: Path,
) -> int:
    """Write a file's good rows to `part` and the others to the table `etl_rejected`.

    Python takes the file apart; DuckDB makes values of the texts, as it does the quick way.

    :param scratch: a file to use meanwhile.
    :returns: the number of good rows.
    :raises StepError: a quote that is never closed swallows the lines behind it.
    """
    try:
        _split(file, header, columns, delimiter, scratch)
        typed = _typed(columns, scratch)
        values = ", ".join(f"{value(column)} AS {quote(column.name)}" for column in columns)
        good = f"SELECT {values} FROM ({typed}) WHERE etl_bad IS NULL"
        kept = write_parquet(session, good, part, text=True)
        names = ", ".join(literal(name) for name in header)
        places = ", ".join(str(header.index(column.name) + 1) for column in columns)
        session.execute(
            f"INSERT INTO etl_rejected SELECT {literal(file.name)}, etl_line, place, "
            f"[{names}][place], coalesce(etl_fault, {_reasons(columns)}), etl_raw FROM (SELECT *, "
            f"coalesce(etl_column, [{places}][nullif(etl_bad, 0)]) AS place "
            f"FROM ({typed}) WHERE etl_bad IS NOT NULL)"
        )
        return kept
    finally:
        scratch.unlink(missing_ok=True)


def _split(
    file: File, header: Header, columns: Sequence[Column], delimiter: str, scratch: Path
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
    places = [header.index(column.name) for column in columns]
    found = records(file, header, delimiter)
    with parquet.ParquetWriter(scratch, schema) as writer:
        for batch in iter(lambda: list(islice(found, BATCH)), []):
            writer.write_table(_table(batch, places, schema))


def _table(batch: list[Record], places: list[int], schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    columns: list[list[Any]] = [
        [record.line for record in batch],
        [record.raw for record in batch],
        [record.fault for record in batch],
        [record.column for record in batch],
        # An empty text is no value, quoted or not.
        *([None if r.fault else r.values[place] or None for r in batch] for place in places),
    ]
    return pa.table(dict(zip(schema.names, columns, strict=True)), schema=schema)


def _typed(columns: Sequence[Column], scratch: Path) -> str:
    """SQL for the records with values; `etl_bad` is 0 for a fault, else the first bad column."""
    casts = ", ".join(
        f"TRY_CAST(etl_text_{i} AS {read_type(column)}) AS {quote(column.name)}"
        for i, column in enumerate(columns)
    )
    bad = " ".join(
        f"WHEN (etl_text_{i} IS NOT NULL AND {quote(column.name)} IS NULL) "
        f"OR coalesce({inexact(column) or 'false'}, false) THEN {i + 1}"
        for i, column in enumerate(columns)
    )
    source = f"SELECT *, {casts} FROM read_parquet({as_path(scratch)})"
    return f"SELECT *, CASE WHEN etl_fault IS NOT NULL THEN 0 {bad} END AS etl_bad FROM ({source})"


def _reasons(columns: Sequence[Column]) -> str:
    """SQL for why the value of the column `etl_bad` was refused."""
    cases = []
    for index, column in enumerate(columns):
        text, type_ = f"etl_text_{index}", literal(str(column.type))
        if column.type.family == "text":
            why = f"'a text of ' || strlen({text}) || ' bytes is too long for ' || {type_}"
        else:
            invalid = f"'is not a valid ' || {type_}"
            changed = f"'does not fit ' || {type_} || ' exactly'"
            why = f"CASE WHEN {quote(column.name)} IS NULL THEN {invalid} ELSE {changed} END"
            why = f"'\"' || {text} || '\" ' || {why}"
        cases.append(f"WHEN {index + 1} THEN {why}")
    return f"CASE etl_bad {' '.join(cases)} END"

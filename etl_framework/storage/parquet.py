"""Relations as Parquet files: write the rows of a query, let SQL read the files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl_framework.columns import RESERVED
from etl_framework.sql.quote import literal, quote

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

# Columns for the file and the position of a row, which `see` adds on request.
FILE, ROW = RESERVED


def as_path(path: str | Path) -> str:
    """Return a path as SQL that names only this file: `*`, `?` and `[` in it are no patterns."""
    # plays[1].csv -> 'plays[[]1].csv'
    return literal(re.sub(r"([*?\[])", r"[\1]", str(path)))


def see(
    session: duckdb.DuckDBPyConnection,
    relation: str,
    files: Sequence[str],
    *,
    positions: bool = False,
) -> None:
    """Let SQL of this session read Parquet files as a relation.

    :param positions: add the columns FILE and ROW, which identify each row.
    """
    listed = ", ".join(as_path(file) for file in files)
    options = f", filename = '{FILE}', {ROW} = true" if positions else ""
    # CREATE OR REPLACE TEMP VIEW "plays" AS SELECT * FROM read_parquet(
    #     ['0.parquet', '1.parquet'], filename = 'etl_file', file_row_number = true)
    session.execute(
        f"CREATE OR REPLACE TEMP VIEW {quote(relation)} AS "
        f"SELECT * FROM read_parquet([{listed}]{options})"
    )


def arrow_reader(rows: Any, size: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a relation of DuckDB as Arrow batches of at most so many rows."""
    # DuckDB 2 has a new name for this method.
    reader = getattr(rows, "to_arrow_reader", None) or rows.fetch_arrow_reader
    yield from reader(size)


def arrow_writer(file: Path, schema: pa.Schema) -> ParquetWriter:
    """Return a writer of Arrow tables and batches; the caller closes it.

    It writes no minimum and maximum of floats: Arrow ignores NaN in them, and DuckDB would conclude
    that a part of the file has no NaN.
    """
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    exact = [field.name for field in schema if not pa.types.is_floating(field.type)]
    return ParquetWriter(file, schema, write_statistics=exact or False)


def write(session: duckdb.DuckDBPyConnection, sql: str, folder: Path) -> int:
    """Write a query's rows as Parquet into a folder and return their number."""
    types = [str(row[1]) for row in session.execute(f"DESCRIBE {sql}").fetchall()]
    return write_parquet(session, sql, folder / "0.parquet", text="VARCHAR" in types)


def write_parquet(
    session: duckdb.DuckDBPyConnection, sql: str, file: Path, *, text: bool, ordered: bool = False
) -> int:
    """Write a query's rows as one Parquet file and return their number.

    :param text: the rows contain text, which dictionaries and compression make smaller; for numbers
        they only cost time.
    :param ordered: keep the order that the query gives the rows in.
    """
    # COPY (SELECT ...) TO '0.parquet' (FORMAT parquet, COMPRESSION snappy, PRESERVE_ORDER true)
    packing = "COMPRESSION snappy" if text else "COMPRESSION uncompressed, DICTIONARY_SIZE_LIMIT 1"
    order = ", PRESERVE_ORDER true" if ordered else ""
    copy = f"COPY ({sql}) TO {literal(str(file))} (FORMAT parquet, {packing}{order})"
    row = session.execute(copy).fetchone()
    return int(row[0]) if row else 0

"""Relations as Parquet files: written by a query, seen by SQL, looked at."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from etl_framework.columns import RESERVED
from etl_framework.sql.quote import literal, quote

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

# Where a row lies, for who asks `see` for it.
FILE, ROW = RESERVED


def as_path(path: str | Path) -> str:
    """A file's path as SQL that names this file alone: `*`, `?` and `[` in it are no patterns."""
    return literal(re.sub(r"([*?\[])", r"[\1]", str(path)))


def see(
    session: duckdb.DuckDBPyConnection,
    relation: str,
    files: Sequence[str],
    *,
    positions: bool = False,
) -> None:
    """Let SQL of this session name a relation that lies in Parquet files.

    :param positions: with the columns FILE and ROW, which tell every row apart.
    """
    listed = ", ".join(as_path(file) for file in files)
    options = f", filename = '{FILE}', {ROW} = true" if positions else ""
    session.execute(
        f"CREATE OR REPLACE TEMP VIEW {quote(relation)} AS "
        f"SELECT * FROM read_parquet([{listed}]{options})"
    )


def arrow_writer(file: Path, schema: pa.Schema) -> ParquetWriter:
    """A writer of Arrow's tables and batches, to be closed after.

    It gives no least and greatest value of floats: Arrow leaves NaN out of them, and DuckDB would
    take a part of the file for one without any.
    """
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    exact = [field.name for field in schema if not pa.types.is_floating(field.type)]
    return ParquetWriter(file, schema, write_statistics=exact or False)


def write(session: duckdb.DuckDBPyConnection, sql: str, folder: Path) -> int:
    """Write a query's rows as Parquet into a folder; returns how many there are."""
    types = [str(row[1]) for row in session.execute(f"DESCRIBE {sql}").fetchall()]
    return write_parquet(session, sql, folder / "0.parquet", text="VARCHAR" in types)


def write_parquet(
    session: duckdb.DuckDBPyConnection, sql: str, file: Path, *, text: bool, ordered: bool = False
) -> int:
    """Write a query's rows as one Parquet file; returns how many there are.

    :param text: the rows hold text, which dictionaries and compression make smaller; on numbers
        they only cost time.
    :param ordered: keep the order that the query gives the rows in.
    """
    packing = "COMPRESSION snappy" if text else "COMPRESSION uncompressed, DICTIONARY_SIZE_LIMIT 1"
    order = ", PRESERVE_ORDER true" if ordered else ""
    copy = f"COPY ({sql}) TO {literal(str(file))} (FORMAT parquet, {packing}{order})"
    row = session.execute(copy).fetchone()
    return int(row[0]) if row else 0

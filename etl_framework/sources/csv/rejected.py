"""Collect the rows that CSV reading refused in a table, then write them with their values."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from etl_framework.sources.base import Extraction
from etl_framework.sources.csv.dialect import Dialect
from etl_framework.sources.csv.header import Header
from etl_framework.sql.quote import literal
from etl_framework.storage.parquet import as_path
from etl_framework.storage.records import write_records
from etl_framework.storage.rejected import PARSE, identified, keep

if TYPE_CHECKING:
    import duckdb

BATCH = 10_000
TABLE = "etl_rejected"


def make_table(session: duckdb.DuckDBPyConnection) -> None:
    """Create the table for refused rows, which is filled while files are read."""
    session.execute(
        f"CREATE OR REPLACE TEMP TABLE {TABLE} (file VARCHAR, line BIGINT, "
        '"column" INTEGER, name VARCHAR, reason VARCHAR, "row" VARCHAR)'
    )


def keep_rejected(
    extraction: Extraction, headers: Mapping[str, Header], dialect: Dialect
) -> dict[str, list[int]]:
    """Write the table's rows to `rejected`.

    :param headers: the header of every file, by the file's name.
    :returns: for every file the lines on which rejected rows start, ascending.
    """
    session = extraction.session
    result = session.execute(f"SELECT file, list(line ORDER BY line) FROM {TABLE} GROUP BY 1")
    lines = {str(file): list(numbers) for file, numbers in result.fetchall()}
    if lines:
        texts = extraction.folder.path / "values.parquet"
        values = _rows_of_values(session, headers, dialect)
        write_records(session, values, {"number": "BIGINT", "values": "VARCHAR"}, texts)
        # One row of the result: id NULL, rule 'parse', key NULL, file 'a.csv', line 3, column 1,
        # name 'id', reason '"x" is not a valid integer', row 'x,Ann',
        # values '{"id": "x", "name": "Ann"}'
        rows = (
            f"SELECT NULL AS id, {literal(PARSE)} AS rule, NULL AS key, {TABLE}.*, v.values "
            f"FROM {TABLE} JOIN read_parquet({as_path(texts)}) AS v ON {TABLE}.rowid = v.number"
        )
        keep(
            session,
            identified(rows, extraction.source),
            extraction.folder.part("rejected") / f"{PARSE}.parquet",
            source=extraction.source,
            run=extraction.run,
        )
        texts.unlink()
    return lines


def _rows_of_values(
    session: duckdb.DuckDBPyConnection, headers: Mapping[str, Header], dialect: Dialect
) -> Iterator[tuple[int, str]]:
    rows = session.execute(f'SELECT rowid, file, "row" FROM {TABLE}')
    while batch := rows.fetchmany(BATCH):
        for number, name, text in batch:
            yield number, _values(headers[name], text, dialect)


def _values(header: Header, text: str, dialect: Dialect) -> str:
    """A row's texts by column, as JSON; all of them are null if the row cannot be split."""
    try:
        first, *others = text.splitlines(keepends=True) or [""]
        spaced = dialect.is_spaced(first)
        split = dialect.split(first, iter(others)) if spaced else next(dialect.rows([text]))
        values = dialect.without_nulls(text, split)
    except (csv.Error, StopIteration):
        values = []
    by_column: dict[str, str | None] = {name: None for name in header if name}
    by_column |= {name: value for name, value in zip(header, values, strict=False) if name}
    return json.dumps(by_column, ensure_ascii=False)

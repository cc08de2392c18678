"""Rejected rows with their reasons, stored beside the output of the step that rejected them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl_framework.errors import BrokenStateError
from etl_framework.sql.quote import literal, names, quote
from etl_framework.storage.parquet import see, write_parquet

if TYPE_CHECKING:
    import duckdb

PARSE = "parse"
BATCH = 1000
# What a step tells about a row: the rule that it broke and why; the file and the line where it
# starts, and the column at fault, if known; the values of its primary key, if it has one; the row
# as it came; the values by column, as texts in JSON.
FACTS = ("rule", "reason", "file", "line", "column", "name", "key", "row", "values")
# The columns of every rejected row, in all places.
COLUMNS = ("id", "run", "source", *FACTS)
NUMBERS = {"line": "BIGINT", "column": "INTEGER"}


def text_of(column: str) -> str:
    """Return SQL for the text of a declared column in a rejected row."""
    return f"json_extract_string(values, {literal('/' + column)})"  # a JSON pointer


def identified(rows: str, source: str) -> str:
    """Return SQL that gives each row an id, which stays the same when the row is read again.

    :param rows: a query with the columns of FACTS and `id`; an id that is not NULL is kept.
    """
    # SELECT * REPLACE (coalesce(id, left(md5(TOLD || NUMBERED), 16)) AS id) FROM (rows), where TOLD
    # is the row's place and text, and NUMBERED is empty, or the number of a repeated row
    told = f'concat_ws(chr(31), {literal(source)}, file, line, "row")'
    again = f"row_number() OVER (PARTITION BY id, {told} ORDER BY rule)"
    numbered = f"CASE WHEN {again} > 1 THEN chr(31) || {again} ELSE '' END"
    return (
        f"SELECT * REPLACE (coalesce(id, left(md5({told} || {numbered}), 16)) AS id) FROM ({rows})"
    )


def keep(
    session: duckdb.DuckDBPyConnection, rows: str, file: Path, *, source: str, run: str
) -> None:
    """Write rejected rows to a file.

    :param rows: a query with the columns of FACTS and `id`.
    """
    # A column that is empty in all rows has its type, too: files of several steps are read as one.
    listed = ", ".join(
        f"CAST({quote(name)} AS {NUMBERS.get(name, 'VARCHAR')}) AS {quote(name)}"
        for name in ("id", *FACTS)
    )
    # SELECT 'run-1' AS run, 'plays' AS source, CAST("id" AS VARCHAR) AS "id", ... FROM (rows)
    sql = (
        f"SELECT {literal(run)} AS run, {literal(source)} AS source, {listed} FROM ({rows}) "
        "ORDER BY file, line, id"
    )
    write_parquet(session, f"SELECT {names(COLUMNS)} FROM ({sql})", file, text=True, ordered=True)


def rejected(
    files: Sequence[str], *, rule: str | None = None, ids: Collection[str] = ()
) -> Iterator[tuple[Any, ...]]:
    """Yield the rejected rows of files, with values in the order of COLUMNS, by file and line.

    :param rule: only rows that broke this rule.
    :param ids: only rows with these ids, if any are given.
    """
    where = [f"rule = {literal(rule)}"] if rule else []
    where += [f"id IN {literal(list(ids))}"] if ids else []
    condition = " AND ".join(where) or "true"
    yield from _query(
        files, f"SELECT {names(COLUMNS)} FROM found WHERE {condition} ORDER BY file, line, id"
    )


def counted(files: Sequence[str], ids: Sequence[str]) -> Iterator[tuple[str, str, int]]:
    """Yield how many rows broke each rule: rows of `ids` by id, all others together without an id.

    :returns: rule, id or an empty text, number of rows.
    """
    # SELECT rule, CASE WHEN id IN ('0a', '') THEN id ELSE '' END, count(*) FROM found GROUP BY ALL
    known = f"CASE WHEN id IN {literal([*ids, ''])} THEN id ELSE '' END"
    yield from _query(files, f"SELECT rule, {known}, count(*) FROM found GROUP BY ALL")


def columns_at_fault(files: Sequence[str]) -> dict[str, int]:
    """How many rows could not be read because of each column, the most first; '' if of none."""
    counted_rows = f"SELECT coalesce(name, ''), count(*) FROM found WHERE rule = {literal(PARSE)}"
    rows = _query(files, f"{counted_rows} GROUP BY 1 ORDER BY 2 DESC, 1")
    return {str(name): int(count) for name, count in rows}


def _query(files: Sequence[str], sql: str) -> Iterator[tuple[Any, ...]]:
    import duckdb

    if not files:
        return
    try:
        with duckdb.connect() as session:
            see(session, "found", files)
            rows = session.execute(sql)
            while batch := rows.fetchmany(BATCH):
                yield from batch
    except duckdb.Error as error:  # of a step that was killed, whose files are not proved
        raise BrokenStateError(
            f"the rejected rows in {Path(files[0]).parent} cannot be read",
            hint="run their data interval again, which writes them anew",
        ) from error

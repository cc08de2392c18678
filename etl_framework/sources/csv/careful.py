"""Check records one by one, which is slower but exact about every line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from etl_framework.columns import Column
from etl_framework.sources.csv.header import Header
from etl_framework.sources.csv.records import Record
from etl_framework.sources.csv.rejected import TABLE
from etl_framework.sql.quote import literal, quote
from etl_framework.sql.text_form import TextForm
from etl_framework.sql.typed_texts import refusal, typed, value
from etl_framework.storage.parquet import as_path, write_parquet
from etl_framework.storage.records import write_records

if TYPE_CHECKING:
    import duckdb

# In characters; most columns hold less.
LONGEST_TEXT = 1 << 17


# Records, each with the name of its file.
NamedRecords = Iterable[tuple[str, Record]]


def judge(
    session: duckdb.DuckDBPyConnection,
    named_records: NamedRecords,
    header: Header,
    columns: Sequence[Column],
    form: TextForm,
    scratch: Path,
    part: Path,
) -> int:
    """Write good records to `part`, in their order, and the others to the table of rejected rows.

    Python has split the records into texts; DuckDB turns the texts into values, as in the quick
    way.

    :param scratch: a temporary file with all records, for `judged`; the caller deletes it.
    :returns: the number of good records.
    :raises StepError: a quote is not closed, so the rows after it cannot be told apart.
    """
    write_records(session, _rows(named_records, header, columns), _types(columns), scratch)
    rows = judged(columns, form, scratch)
    # SELECT CAST("id" AS INTEGER) AS "id", "name" AS "name" FROM (rows) WHERE etl_bad IS NULL
    values = ", ".join(f"{value(column)} AS {quote(column.name)}" for column in columns)
    good = f"SELECT {values} FROM ({rows}) WHERE etl_bad IS NULL"
    kept = write_parquet(session, good, part, text=True, ordered=True)
    # For a file with the header `id,name`, whose columns are declared as name and id:
    # INSERT INTO etl_rejected SELECT etl_file, etl_line, place, ['id', 'name'][place],
    #   coalesce(etl_fault, REASON), etl_raw
    # FROM (SELECT *, coalesce(etl_column, [2, 1][nullif(etl_bad, 0)]) AS place
    #   FROM (rows) WHERE etl_bad IS NOT NULL)
    names = ", ".join(literal(name.replace("\0", "")) for name in header)
    places = ", ".join(str(header.index(column.name) + 1) for column in columns)
    session.execute(
        f"INSERT INTO {TABLE} SELECT etl_file, etl_line, place, "
        f"[{names}][place], coalesce(etl_fault, {refusal(columns)}), etl_raw FROM (SELECT *, "
        f"coalesce(etl_column, [{places}][nullif(etl_bad, 0)]) AS place "
        f"FROM ({rows}) WHERE etl_bad IS NOT NULL)"
    )
    return kept


def judged(columns: Sequence[Column], form: TextForm, scratch: Path) -> str:
    """Return SQL for the records in the scratch file of `judge`, with `etl_bad` (see `typed`)."""
    return typed(columns, f"read_parquet({as_path(scratch)})", form)


def _types(columns: Sequence[Column]) -> dict[str, str]:
    texts = {f"etl_text_{index}": "VARCHAR" for index in range(len(columns))}
    return {
        "etl_file": "VARCHAR",
        "etl_line": "BIGINT",
        "etl_raw": "VARCHAR",
        "etl_fault": "VARCHAR",
        "etl_column": "BIGINT",
        **texts,
    }


def _rows(
    named_records: NamedRecords, header: Header, columns: Sequence[Column]
) -> Iterator[tuple[str | int | None, ...]]:
    """The texts of every record, with its file, line, the whole row and what is wrong with it."""
    places = [(header.index(column.name), column.type.family == "text") for column in columns]
    for name, unbounded in named_records:
        record = _bounded(unbounded, header, columns)
        texts = (_text(record, place, text) for place, text in places)
        yield name, record.line, record.raw, record.fault, record.column, *texts


def _bounded(record: Record, header: Header, columns: Sequence[Column]) -> Record:
    """The record, or one with a fault if a very long text in it does not fit its column."""
    if len(record.raw) > LONGEST_TEXT and not record.fault:
        for column in columns:
            place = header.index(column.name)
            text = record.values[place] or ""
            longest = column.type.arguments[0] if column.type.family == "text" else 0
            if len(text) > max(longest, LONGEST_TEXT):
                why = f"a text of {len(text.encode())} bytes is too long for {column.type}"
                return Record(record.line, record.raw, [], why, place + 1)
    return record


def _text(record: Record, place: int, text: bool) -> str | None:
    """A value's text, or None; an empty text in quotes is a value only in columns of text."""
    if record.fault:
        return None
    written = record.values[place]
    return written if text else written or None

"""Judge records one by one: slower, and exact about every line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from etl_framework.columns import Column
from etl_framework.sources.csv.records import Header, Record
from etl_framework.sources.csv.rejected import TABLE
from etl_framework.sql.quote import literal, quote
from etl_framework.sql.typed_texts import refusal, typed, value
from etl_framework.storage.parquet import as_path, write_parquet
from etl_framework.storage.records import write_records

if TYPE_CHECKING:
    import duckdb

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
    write_records(session, _rows(found, header, columns), _types(columns), scratch)
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
    found: Found, header: Header, columns: Sequence[Column]
) -> Iterator[tuple[str | int | None, ...]]:
    """Each record as texts, with its line, its raw form and what is wrong with it."""
    places = [(header.index(column.name), column.type.family == "text") for column in columns]
    for name, each in found:
        record = _bounded(each, header, columns)
        texts = (_text(record, place, text) for place, text in places)
        yield name, record.line, record.raw, record.fault, record.column, *texts


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

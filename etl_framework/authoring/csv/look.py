"""Look at every row of CSV files: what the columns are called, and what their texts are like."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import TYPE_CHECKING

from etl_framework.authoring.csv.facts import Facts, Row, facts_of
from etl_framework.authoring.csv.header import has_header
from etl_framework.authoring.csv.sample import MOST_BYTES
from etl_framework.connections.files import File
from etl_framework.errors import DataMissingError
from etl_framework.sources.csv.dialect import Dialect
from etl_framework.sources.csv.header import Header
from etl_framework.sources.csv.records import Record, records

if TYPE_CHECKING:
    import duckdb

# So many rows are searched for the texts of the first one.
SEARCHED = 10_000


@dataclass
class Look:
    """What was seen in the files.

    :ivar columns: by name, or `column0` and so on, the facts about each column.
    :ivar header: whether the files have one; None if nothing tells.
    :ivar in_files: by name, the number of files that have the column.
    :ivar odd: the first file with a row of several lines, or one that cannot be split.
    :ivar is_cut: whether not every row was looked at.
    :ivar doubled: the names that several columns of a file have.
    """

    dialect: Dialect
    width: int
    columns: dict[str, Facts] = field(default_factory=dict)
    header: bool | None = None
    in_files: dict[str, int] = field(default_factory=dict)
    files: int = 0
    rows: int = 0
    odd: File | None = None
    is_cut: bool = False
    doubled: set[str] = field(default_factory=set)
    room: int = MOST_BYTES

    def names(self, first: Record) -> list[str]:
        """The names in a file's header; `""` for none, and NUL before one that several have."""
        names = [(text or "").strip() for text in first.values]
        self.doubled |= {name for name in names if name and names.count(name) > 1}
        return [f"\0{name}" if name in self.doubled else name for name in names]

    def count(self, names: Sequence[str], facts: Sequence[Facts]) -> None:
        """Add what is known about the columns of one more file."""
        self.files += 1
        for index, (name, known) in enumerate(zip(names, facts, strict=True)):
            key = name or f"\0{index + 1}"
            self.columns.setdefault(key, Facts()).add(known)
            self.in_files[key] = self.in_files.get(key, 0) + 1


def look(
    session: duckdb.DuckDBPyConnection,
    files: Sequence[File],
    dialect: Dialect,
    width: int,
    header: bool | None,
) -> Look:
    """Look at all rows of files, within a bound.

    :param width: the number of columns of the first file.
    :param header: whether the files have one, if that is known.
    :raises DataMissingError: the files are empty, or a source cannot read their header.
    """
    seen = Look(replace(dialect, header=False), width, header=header)
    for file in files:
        first, rows = _opened(seen, file)
        if first is None:
            if seen.header is not False and len(files) > 1:
                raise DataMissingError(f"{file.name} is empty, it has not even a header")
            continue
        if seen.files == 0:
            _begin(session, seen, file, first, rows)
        elif seen.header is False:
            values = chain([first.values], rows)
            seen.rows += 1
            seen.count(list(seen.columns), facts_of(session, values, seen.width))
        else:
            names = seen.names(first)
            seen.count(names, facts_of(session, rows, len(names)))
    if not seen.files:
        raise DataMissingError(f"{files[0].name} is empty")
    return seen


def _begin(
    session: duckdb.DuckDBPyConnection, seen: Look, file: File, first: Record, rows: Iterator[Row]
) -> None:
    """Look at the first file, and find out whether it has a header."""
    start = list(islice(rows, SEARCHED))
    repeated = sum(
        bool(text) and any(row[index] == text for row in start)  # type: ignore[index]
        for index, text in enumerate(first.values)
    )
    facts = facts_of(session, chain(start, rows), seen.width)
    if seen.header is None:
        seen.header = has_header(first.values, facts, repeated)
    if seen.header is not False:
        seen.count(seen.names(first), facts)
        return
    names = [f"column{index}" for index in range(seen.width)]
    for known, more in zip(facts, facts_of(session, iter([first.values]), seen.width), strict=True):
        known.add(more)
    seen.rows += 1
    seen.count(names, facts)


def _opened(seen: Look, file: File) -> tuple[Record | None, Iterator[Row]]:
    """The first record of a file, and the texts of the others that can be split."""
    # Whatever the number of its values is, the first record tells it.
    is_known = seen.files == 0 or seen.header is False
    all_records = _records(file, seen.width if is_known else _width(seen, file), seen.dialect)
    first = next(all_records, None)
    if first and first.fault:
        raise DataMissingError(f"{file.name}:{first.line}:{first.column or 1}: {first.fault}")

    def rows() -> Iterator[Row]:
        for record in all_records:
            if record.fault or "\n" in record.raw:
                seen.odd = seen.odd or file
            if seen.room < 0:
                seen.is_cut = True
                return
            seen.room -= len(record.raw)
            if not record.fault:
                seen.rows += 1
                yield record.values

    return first, rows()


def _width(seen: Look, file: File) -> int:
    """The number of values in the first row of a file."""
    for record in _records(file, 0, seen.dialect):
        return len(next(seen.dialect.rows(record.raw.splitlines(keepends=True)), []))
    return 1


def _records(file: File, width: int, dialect: Dialect) -> Iterator[Record]:
    """Every row of a file, the first among them; one with another number of values has a fault."""
    return records(file, Header(("",) * width, dialect.skip + 1), dialect)

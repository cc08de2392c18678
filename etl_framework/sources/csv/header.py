"""Find the header of a CSV file: which line it is, and which columns it names."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from etl_framework.connections.files import File
from etl_framework.errors import DataMissingError, did_you_mean
from etl_framework.sources.columns import SourceColumn
from etl_framework.sources.csv.dialect import Dialect
from etl_framework.sources.csv.text import lines

# A header has at most so many lines, each of at most so many characters.
MOST_LINES, LONGEST = 1000, 1 << 20


@dataclass(frozen=True)
class Header:
    """The columns of a file.

    :param names: for every column its declared name, or what the file calls it.
    :param line: the number of the line behind the header, from 1.
    """

    names: tuple[str, ...]
    line: int = 1

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def index(self, name: str) -> int:
        """The place of a column, from 0."""
        return self.names.index(name)


def header_of(file: File, columns: Sequence[SourceColumn], dialect: Dialect) -> Header | None:
    """The header of a file; None if the file is empty.

    Without a header, the columns come as declared. Names may differ in case, if none has the same.

    :raises DataMissingError: the file lacks a header or some of the columns.
    """
    head = lines(file, dialect, LONGEST)
    number, text = sum(1 for _ in islice(head, dialect.skip)), ""
    for line in head:
        number += 1
        text = line
        if line.strip("\r\n") and not (dialect.comment and line.startswith(dialect.comment)):
            break
    else:
        return None
    if not dialect.header:
        return Header(tuple(column.name for column in columns), dialect.skip + 1)
    first, taken = number, [text]

    def following() -> Iterator[str]:
        for line in islice(head, MOST_LINES):
            taken.append(line)
            yield line

    try:
        if dialect.is_spaced(text):
            values = dialect.split(text, following())
        else:
            values = next(dialect.rows(chain([text], following())))
    except csv.Error as error:
        raise DataMissingError(f"{file.name}:{first}:1: the header is not CSV: {error}") from error
    written = [value.strip() for value in values]
    if any("\ud800" <= letter <= "\udfff" for name in written for letter in name):
        encoding = dialect.encoding.upper()
        raise DataMissingError(f"{file.name}:{first}:1: its header is not {encoding} text")
    names = _declared(written, columns)
    _refuse_missing(file, first, names, written, columns, dialect)
    return Header(names, first + len(taken))


def _declared(written: Sequence[str], columns: Sequence[SourceColumn]) -> tuple[str, ...]:
    """The names in a header, with declared columns as they are called here."""
    names = list(written)
    taken: dict[str, int] = {}  # the places of declared columns
    used: set[int] = set()
    for same in (str, str.lower):
        places: dict[str, list[int]] = defaultdict(list)
        for index, name in enumerate(written):
            places[same(name)].append(index)
        for column in columns:
            here = places.get(same(column.there), [])
            if column.name not in taken and len(here) == 1 and here[0] not in used:
                taken[column.name] = here[0]
                used.add(here[0])
    for name, index in taken.items():
        names[index] = name
    wanted = {column.name for column in columns}
    elsewhere = {column.name for column in columns if column.there != column.name}
    # A column that is not declared may be called like one that is read from elsewhere.
    return tuple(
        "" if name in wanted and index not in used and name in elsewhere else name
        for index, name in enumerate(names)
    )


def _refuse_missing(
    file: File,
    line: int,
    names: tuple[str, ...],
    written: Sequence[str],
    columns: Sequence[SourceColumn],
    dialect: Dialect,
) -> None:
    """Refuse a header that lacks a declared column, or names a column twice.

    :raises DataMissingError: as it says.
    """
    place = f"{file.name}:{line}:1:"
    missing = [column for column in columns if column.name not in names]
    if len(missing) == len(columns):
        wanted = dialect.delimiter.join(column.there for column in columns)
        start = dialect.delimiter.join(written)[:200]
        message = f"{place} the file has no header, it starts with '{start}'"
        hint = f"line {line} names the columns: {wanted}; or write `header: false`"
        raise DataMissingError(message, hint=hint)
    if missing:
        shown = ", ".join(repr(column.there) for column in missing)
        twice = [c for c in missing if [n.lower() for n in written].count(c.there.lower()) > 1]
        if twice:
            raise DataMissingError(f"{place} the header names '{twice[0].there}' twice")
        raise DataMissingError(
            f"{place} the file has no column {shown}", hint=did_you_mean(missing[0].there, written)
        )
    for column in columns:
        if names.count(column.name) > 1:
            raise DataMissingError(f"{place} the header names '{column.there}' twice")

"""Read the records of CSV files one by one, each with the line on which it starts."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from etl_framework.connections.files import File
from etl_framework.errors import StepError
from etl_framework.sources.csv.dialect import Dialect
from etl_framework.sources.csv.header import Header
from etl_framework.sources.csv.text import lines, shown

MAX_VALUE = 1 << 27


@dataclass(frozen=True)
class Record:
    """One row of a file.

    :param line: the number of the line on which it starts, from 1.
    :param raw: the row as it stands in the file.
    :param values: the text of every column, None for no value.
    :param fault: why the row cannot be split into the header's columns.
    :param column: the number of the column with the fault, from 1.
    """

    line: int
    raw: str
    values: list[str | None]
    fault: str | None = None
    column: int | None = None


class _Lines:
    """The lines of a file that belong to rows, one record at a time.

    :ivar taken: the lines of the record, as far as they are read.
    :ivar number: the number of its first line, from 1.
    """

    def __init__(self, text: Iterable[str], header: Header, dialect: Dialect) -> None:
        self.taken: list[str] = []
        self.number = header.line
        self._back: list[str] = []
        self._comment = dialect.comment
        body = islice(text, header.line - 1, None)
        self._text = without_last(body, dialect.footer) if dialect.footer else body

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self._back:
            return self._back.pop()
        line = next(self._text)
        self.taken.append(line)
        return line

    def first(self) -> str:
        """Return the first line of the next record, and leave out comments before it.

        :raises StopIteration: there are no more records.
        """
        self.number += len(self.taken)
        self.taken.clear()
        for line in self._text:
            if self._comment and line.startswith(self._comment):
                self.number += 1
                continue
            self.taken.append(line)
            return line
        raise StopIteration

    def back(self, line: str) -> None:
        """Give back the first line, so that it is read again."""
        self._back.append(line)


def without_last(lines: Iterable[str], count: int) -> Iterator[str]:
    """The lines without the last ones: `count` that are not blank, and what stands behind them."""
    held: deque[str] = deque()
    filled = 0
    for line in lines:
        held.append(line)
        filled += bool(line.strip())
        while filled > count:
            out = held.popleft()
            filled -= bool(out.strip())
            yield out


def records(file: File, header: Header, dialect: Dialect) -> Iterator[Record]:
    """Every record behind the header; a blank line is not a record.

    :raises StepError: a quote is not closed, so the rows after it cannot be told apart.
    """
    csv.field_size_limit(MAX_VALUE)
    text = _Lines(lines(file, dialect), header, dialect)
    rows = dialect.rows(text)
    while True:
        try:
            first = text.first()
            if dialect.is_spaced(first):
                values = dialect.split(first, text)
            else:
                text.back(first)
                values = next(rows)
            record = _record(text.number, values, text.taken, header, dialect)
        except StopIteration:
            return
        except csv.Error as error:
            record = _faulty(file, error, text, dialect)
        if record.values or record.fault:
            yield record


def _faulty(file: File, error: csv.Error, text: _Lines, dialect: Dialect) -> Record:
    """The record with a quote in a wrong place.

    :raises StepError: a quote is not closed, so the rows after it cannot be told apart.
    """
    if len(text.taken) > 1 and "unexpected end" in str(error):
        raise StepError(
            f"{file.name}:{text.number}: a quote is opened here and not closed, so the rows "
            "behind it cannot be told apart",
            hint="close it, or double it if it belongs to the text",
        ) from error
    raw_text = _whole(text.taken)
    before = raw_text.partition(dialect.quote)[0] if dialect.quote else ""
    column = before.count(dialect.delimiter) + 1
    return Record(text.number, raw_text, [], _quoting(error), column)


def record_of(line: int, raw: str, header: Header, dialect: Dialect) -> Record:
    """The record in one line."""
    try:
        if dialect.is_spaced(raw):
            values = dialect.split(raw, iter(()))
        else:
            values = next(dialect.rows([raw]), [])
        return _record(line, values, [raw], header, dialect)
    except csv.Error as error:
        return Record(line, raw, [], _quoting(error), 1)


def _record(
    line: int, values: list[str], taken: list[str], header: Header, dialect: Dialect
) -> Record:
    raw = _whole(taken)
    behind = not values or taken[-1].rstrip("\r\n").endswith(dialect.delimiter)
    if len(values) == len(header) + 1 and behind and not values[-1]:
        # A delimiter behind the last value, which the quick way accepts too.
        del values[-1]
    if not values:
        return Record(line, raw, [])
    if len(values) < len(header):
        return Record(line, raw, [], "the row has too few values", len(values) + 1)
    if len(values) > len(header):
        return Record(line, raw, [], "the row has too many values", len(header) + 1)
    for index, value in enumerate(values):
        if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            return Record(line, raw, [], f"the text is not {dialect.encoding.upper()}", index + 1)
    return Record(line, raw, dialect.without_nulls(raw, values))


def _quoting(error: csv.Error) -> str:
    if "field larger" in str(error):
        return "the line is too long"
    return "a quote is not closed, or text follows a closed one"


def _whole(taken: list[str]) -> str:
    return shown("".join(taken).encode("utf-8", "surrogateescape"))

"""Read CSV files one by one: the header, and each record with the line on which it starts."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from etl_framework.connections.files import File
from etl_framework.errors import DataMissingError, StepError, did_you_mean
from etl_framework.sources.csv.dialect import Dialect
from etl_framework.sources.csv.text import blocks, shown, unpacked

Header = tuple[str, ...]
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


def header_of(file: File, wanted: Sequence[str], dialect: Dialect) -> Header:
    """The names in a file's first line; if it has no header, those wanted, in their order.

    :raises DataMissingError: the file is empty, or lacks a header or some of the columns.
    """
    if not dialect.header:
        return tuple(wanted)
    first_line = f"the first line names the columns: {dialect.delimiter.join(wanted)}"
    line = next(blocks(file, dialect), b"").replace(b"\r", b"\n").partition(b"\n")[0]
    try:
        text = line.decode("utf-8-sig")
        header = tuple(name.strip() for name in next(dialect.rows([text]), []))
    except UnicodeDecodeError as error:
        encoding = dialect.encoding.upper()
        raise DataMissingError(f"{file.name}:1:1: its header is not {encoding} text") from error
    except csv.Error as error:
        raise DataMissingError(f"{file.name}:1:1: the header is not CSV: {error}") from error
    if not header:
        message = f"{file.name}:1:1: the file is empty, it has not even a header"
        raise DataMissingError(message, hint=first_line)
    missing = [name for name in wanted if name not in header]
    if len(missing) == len(wanted):
        start = dialect.delimiter.join(header)[:200]
        message = f"{file.name}:1:1: the file has no header, it starts with '{start}'"
        raise DataMissingError(message, hint=f"{first_line}; or write `header: false`")
    if missing:
        message = f"{file.name}:1:1: the file has no column {', '.join(map(repr, missing))}"
        raise DataMissingError(message, hint=did_you_mean(missing[0], header))
    named = [name for name in header if name]
    if len(set(named)) < len(named):
        raise DataMissingError(f"{file.name}:1:1: the header names a column twice")
    return header


def records(file: File, header: Header, dialect: Dialect) -> Iterator[Record]:
    """Every record behind the header; a blank line is not a record.

    :raises StepError: a quote is not closed, so the rows after it cannot be told apart.
    """
    encoding = "utf-8-sig" if dialect.is_utf8 else dialect.encoding
    with (
        unpacked(file) as raw,
        io.TextIOWrapper(raw, encoding, "surrogateescape", newline="") as text,
    ):
        taken: list[str] = []
        csv.field_size_limit(MAX_VALUE)

        def lines() -> Iterator[str]:
            for line in text:
                taken.append(line)
                yield line

        rows = dialect.rows(lines())
        line = 1
        while True:
            try:
                record = _record(line, next(rows), taken, header, dialect)
            except StopIteration:
                return
            except csv.Error as error:
                if len(taken) > 1 and "unexpected end" in str(error):
                    raise StepError(
                        f"{file.name}:{line}: a quote is opened here and not closed, so the rows "
                        "behind it cannot be told apart",
                        hint="close it, or double it if it belongs to the text",
                    ) from error
                raw_text = _whole(taken)
                before = raw_text.partition(dialect.quote)[0] if dialect.quote else ""
                column = before.count(dialect.delimiter) + 1
                record = Record(line, raw_text, [], _quoting(error), column)
            if line >= dialect.first_line and taken and (record.values or record.fault):
                yield record
            line += len(taken)
            taken.clear()


def record_of(line: int, raw: str, header: Header, dialect: Dialect) -> Record:
    """The record in one line."""
    try:
        return _record(line, next(dialect.rows([raw]), []), [raw], header, dialect)
    except csv.Error as error:
        return Record(line, raw, [], _quoting(error), 1)


def _record(
    line: int, values: list[str], taken: list[str], header: Header, dialect: Dialect
) -> Record:
    raw = _whole(taken)
    if len(values) == len(header) + 1 and not values[-1]:
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

"""CSV files one by one: their headers, and the lines of values that a type cannot hold exactly."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TextIO

from etl_framework.columns import Column, ColumnType
from etl_framework.connections.directory import File
from etl_framework.errors import DataMissingError, StepError, did_you_mean

Header = tuple[str, ...]
MAX_HEADER = 1 << 20
_BITS = {"smallint": 15, "integer": 31, "bigint": 63}


@dataclass(frozen=True)
class Inexact:
    """A value that parses as a number or text, and does not fit its column."""

    file: str
    line: int
    column: int
    name: str
    reason: str
    row: str


@contextmanager
def _open(file: File, errors: str = "strict") -> Iterator[TextIO]:
    opened = gzip.open if file.path.suffix == ".gz" else open
    with (
        opened(file.path, "rb") as raw,
        io.TextIOWrapper(raw, "utf-8-sig", errors, newline="") as text,
    ):
        yield text


def header_of(file: File, wanted: Sequence[str], delimiter: str) -> Header:
    """The names in a file's first line.

    :raises DataMissingError: the file is empty, has no header, or has not all the columns.
    """
    try:
        opened = gzip.open if file.path.suffix == ".gz" else open
        with opened(file.path, "rb") as raw:
            line = raw.readline(MAX_HEADER).decode("utf-8-sig")
        first = next(csv.reader([line.replace("\r", "\n").split("\n")[0]], delimiter=delimiter), [])
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError, csv.Error) as error:
        text = isinstance(error, UnicodeDecodeError)
        what = "its header is not UTF-8 text" if text else f"it cannot be read: {error}"
        raise DataMissingError(f"{file.name}:1:1: {what}") from error
    header = tuple(name.strip() for name in first)
    if not header:
        raise DataMissingError(
            f"{file.name}:1:1: the file is empty, it has not even a header",
            hint=f"the first line names the columns: {delimiter.join(wanted)}",
        )
    missing = [name for name in wanted if name not in header]
    if len(missing) == len(wanted):
        raise DataMissingError(
            f"{file.name}:1:1: the file has no header, it starts with '{delimiter.join(header)}'",
            hint=f"the first line names the columns: {delimiter.join(wanted)}",
        )
    if missing:
        raise DataMissingError(
            f"{file.name}:1:1: the file has no column {', '.join(map(repr, missing))}",
            hint=did_you_mean(missing[0], header),
        )
    if len(set(header)) < len(header):
        raise DataMissingError(f"{file.name}:1:1: the header names a column twice")
    return header


def inexact_values(
    file: File, header: Header, columns: Sequence[Column], delimiter: str, known: set[int]
) -> list[Inexact]:
    """The first value of each row that its column would change: `1.5` as an integer, a long text.

    It reads the file line by line in Python, for files that are known to hold such values.

    :param known: lines that are rejected already.
    """
    found = []
    places = [(header.index(column.name), column) for column in columns]
    with _open(file, errors="replace") as text:
        rows = csv.reader(text, delimiter=delimiter)
        next(rows)
        line = rows.line_num + 1
        for row in rows:
            if row and line not in known and len(row) == len(header):
                for index, column in places:
                    if reason := _why_inexact(row[index], column.type):
                        shown = delimiter.join(row)
                        found.append(
                            Inexact(str(file.path), line, index + 1, column.name, reason, shown)
                        )
                        break
            line = rows.line_num + 1
    return found


def _why_inexact(text: str, type_: ColumnType) -> str:
    if type_.family == "text":
        too_long = len(text.encode()) > type_.arguments[0]
        return f"a text of {len(text.encode())} bytes is too long for {type_}" if too_long else ""
    if type_.family in ("date", "timestamp", "timestamptz"):
        endless = text.strip().lower().lstrip("+-") in ("inf", "infinity")
        return f"{text.strip()!r} is no moment in time" if endless else ""
    if type_.family not in ("integer", "decimal") or not text.strip():
        return ""
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return ""
    if not number.is_finite():
        fits = False
    elif type_.family == "integer":
        bits = _BITS[type_.name]
        fits = number == number.to_integral_value() and -(1 << bits) <= number < 1 << bits
    else:
        digits, scale = type_.arguments
        scaled = number.scaleb(scale)
        fits = scaled == scaled.to_integral_value() and abs(scaled) < Decimal(10) ** digits
    return "" if fits else f"{text.strip()!r} does not fit {type_} exactly"


def accounted(found: Sequence[Inexact], expected: int, files: Sequence[File]) -> None:
    """Refuse to go on when a rejected row cannot be named.

    :raises StepError: the counts differ.
    """
    if len(found) != expected:
        names = ", ".join(file.name for file in files[:3])
        raise StepError(
            f"{expected} rows of {names} hold values that do not fit, of which {len(found)} "
            "could be located; nothing was published",
            hint="declare wider types for the columns, or check the files' quoting",
        )

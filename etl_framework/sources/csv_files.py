"""CSV files one by one: their headers, and their records with the line that each starts on."""

from __future__ import annotations

import csv
import gzip
import io
import mmap
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, cast

from etl_framework.connections.directory import File
from etl_framework.errors import DataMissingError, StepError, did_you_mean

Header = tuple[str, ...]
MAX_HEADER = 1 << 20
MAX_VALUE = 1 << 27
BLOCK = 1 << 20
NEWLINE = 10


@dataclass(frozen=True)
class Record:
    """One row of a file as it came.

    :param line: where it starts, from 1.
    :param fault: why it cannot be taken apart into the header's columns; then at which column.
    """

    line: int
    raw: str
    values: list[str]
    fault: str | None = None
    column: int | None = None


@contextmanager
def _open(file: File) -> Iterator[BinaryIO]:
    """The file's bytes, unpacked.

    :raises StepError: it cannot be read.
    """
    opened = gzip.open if file.path.suffix == ".gz" else open
    try:
        with opened(file.path, "rb") as raw:
            yield cast(BinaryIO, raw)
    except (OSError, EOFError, zlib.error) as error:
        raise StepError(f"{file.name}: the file cannot be read: {error}") from error


def header_of(file: File, wanted: Sequence[str], delimiter: str) -> Header:
    """The names in a file's first line.

    :raises DataMissingError: the file is empty, has no header, or has not all the columns.
    """
    first_line = f"the first line names the columns: {delimiter.join(wanted)}"
    with _open(file) as raw:
        line = raw.readline(MAX_HEADER)
    try:
        text = line.decode("utf-8-sig").replace("\r", "\n").split("\n")[0]
        header = tuple(name.strip() for name in next(csv.reader([text], delimiter=delimiter), []))
    except UnicodeDecodeError as error:
        raise DataMissingError(f"{file.name}:1:1: its header is not UTF-8 text") from error
    except csv.Error as error:
        raise DataMissingError(f"{file.name}:1:1: the header is not CSV: {error}") from error
    if not header:
        message = f"{file.name}:1:1: the file is empty, it has not even a header"
        raise DataMissingError(message, hint=first_line)
    missing = [name for name in wanted if name not in header]
    if len(missing) == len(wanted):
        found = delimiter.join(header)[:200]
        message = f"{file.name}:1:1: the file has no header, it starts with '{found}'"
        raise DataMissingError(message, hint=first_line)
    if missing:
        message = f"{file.name}:1:1: the file has no column {', '.join(map(repr, missing))}"
        raise DataMissingError(message, hint=did_you_mean(missing[0], header))
    named = [name for name in header if name]
    if len(set(named)) < len(named):
        raise DataMissingError(f"{file.name}:1:1: the header names a column twice")
    return header


def has_quotes(file: File) -> bool:
    """Whether there is a quote anywhere in the file; without one, every line is a record."""
    if file.path.suffix == ".gz":
        with _open(file) as raw:
            return any(b'"' in block for block in iter(lambda: raw.read(1 << 20), b""))
    with file.path.open("rb") as raw, mmap.mmap(raw.fileno(), 0, access=mmap.ACCESS_READ) as text:
        return text.find(b'"') >= 0


def count_lines(file: File) -> int:
    """How many lines there are, the header among them; the last need not be ended."""
    import numpy

    count, last = 0, b"\n"
    with _open(file) as raw:
        for block in iter(lambda: raw.read(BLOCK), b""):
            count += int(numpy.count_nonzero(numpy.frombuffer(block, numpy.uint8) == NEWLINE))
            last = block[-1:]
    return count + (last != b"\n")


def lines_at(file: File, numbers: Iterator[int]) -> Iterator[bytes]:
    """The lines with these numbers, which start at 1 and ascend."""
    wanted, first, rest = next(numbers, None), 1, b""
    with _open(file) as raw:
        while wanted is not None:
            block = raw.read(BLOCK)
            text = rest + block if block else rest + b"\n"
            ends = _ends(text)
            while wanted is not None and wanted < first + len(ends):
                start = ends[wanted - first - 1] + 1 if wanted > first else 0
                yield text[start : ends[wanted - first]]
                wanted = next(numbers, None)
            rest = text[ends[-1] + 1 :] if len(ends) else text
            first += len(ends)


def _ends(text: bytes) -> Sequence[int]:
    """Where lines end; numpy finds them several times quicker than `bytes` does."""
    import numpy

    return cast("Sequence[int]", numpy.flatnonzero(numpy.frombuffer(text, numpy.uint8) == NEWLINE))


def shown(line: bytes) -> str:
    """A line as rejected rows show it: without its end, a mark for each byte that is no text."""
    return line.strip(b"\r\n").decode("utf-8", "replace")


def records(file: File, header: Header, delimiter: str) -> Iterator[Record]:
    """Every record behind the header; blank lines are none.

    :raises StepError: a quote that is never closed swallows the lines behind it.
    """
    with _open(file) as raw, io.TextIOWrapper(
        raw, "utf-8-sig", "surrogateescape", newline=""
    ) as text:  # fmt: skip
        taken: list[str] = []
        csv.field_size_limit(MAX_VALUE)

        def lines() -> Iterator[str]:
            for line in text:
                taken.append(line)
                yield line

        rows = csv.reader(lines(), delimiter=delimiter, strict=True)
        line = 1
        while True:
            try:
                record = _record(line, next(rows), taken, header)
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
                column = raw_text.partition('"')[0].count(delimiter) + 1
                record = Record(line, raw_text, [], _quoting(error), column)
            if line > 1 and taken and (record.values or record.fault):
                yield record
            line += len(taken)
            taken.clear()


def _record(line: int, values: list[str], taken: list[str], header: Header) -> Record:
    raw = _whole(taken)
    if len(values) == len(header) + 1 and not values[-1]:
        # A delimiter behind the last value, which the quick way takes too.
        del values[-1]
    if not values:
        return Record(line, raw, [])
    if len(values) < len(header):
        return Record(line, raw, values, "the row has too few values", len(values) + 1)
    if len(values) > len(header):
        return Record(line, raw, values, "the row has too many values", len(header) + 1)
    for index, value in enumerate(values):
        if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            return Record(line, raw, values, "the text is not UTF-8", index + 1)
    return Record(line, raw, values)


def _quoting(error: csv.Error) -> str:
    if "field larger" in str(error):
        return "the line is too long"
    return "a quote is not closed, or text follows a closed one"


def _whole(taken: list[str]) -> str:
    return shown("".join(taken).encode("utf-8", "surrogateescape"))
